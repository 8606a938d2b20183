#!/usr/bin/env bash
# Prints every #include that breaks the rule of who may include whom (ARCHITECTURE.md); exit 1 if there is one.
# Usage: layers.sh <source tree>
set -euo pipefail
cd "$1"

# shellcheck disable=SC2016 # the program is awk's
find . -path '*/build/*' -prune -o -regextype egrep -regex '\./(kernels|codecs|server|jobs|handlers)/.*\.(c|h|cc)' -printf '%P\n' |
    sort | xargs awk '
    BEGIN {
        allowed["kernels"] = " kernels "
        allowed["codecs"] = " codecs "
        allowed["server"] = " server codecs kernels "
        allowed["jobs"] = " jobs server "
        allowed["handlers"] = allowed["main"] = " handlers jobs server codecs kernels "
        owner["microhttpd.h"] = "server"
        owner["jansson.h"] = "codecs"
        owner["hwloc.h"] = "server"
    }
    function offence(why) {
        print FILENAME ":" FNR ": " $0 " (" why ")"
        offences++
    }
    FNR == 1 {
        directory = FILENAME
        sub(/\/.*/, "", directory)
        module = FILENAME == "server/main.c" ? "main" : directory
    }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
        split($0, part, "\"")
        path = part[2]
        if (path ~ /\.\./)
            offence("paths start at the root")
        else if (path ~ /\// && index(allowed[module], " " substr(path, 1, index(path, "/") - 1) " ") == 0)
            offence(module " may include" allowed[module] "only")
    }
    /^[ \t]*#[ \t]*include[ \t]*</ {
        split($0, part, /[<>]/)
        if (part[2] in owner && owner[part[2]] != directory)
            offence("only " owner[part[2]] "/ may")
    }
    END { exit offences > 0 }' || exit 1
