#!/usr/bin/env bash
# Prints files of more than 500 lines and functions of more than 60; exit 1 if there is one. Usage: sizes.sh <source tree>
set -euo pipefail
cd "$1"

list() { find . \( -path ./build -o -path ./.git -o -name node_modules \) -prune -o -type f \( "$@" \) -print | sort; }

long_files=$(list -name '*.[ch]' -o -name '*.cc' -o -name '*.inc' -o -name '*.sh' -o -name '*.py' -o -name '*.pl' -o -name '*.js' -o -name '*.css' | xargs awk '
    FNR == 501 { print FILENAME ": more than 500 lines" }')

# ctags prints: name, file, first line, last line.
long_functions=$(list -name '*.[ch]' -o -name '*.cc' -o -name '*.inc' |
    ctags -L - --langmap=C:+.inc --languages=C,C++ --kinds-C=f --kinds-C++=f --fields=+ne -x --_xformat='%N %F %n %e' |
    awk '$4 - $3 + 1 > 60 { print $2 ":" $3 ": " $1 " has " $4 - $3 + 1 " lines" }')

# ctags knows no ends of JavaScript's functions. One goes from the line that opens it to the next that is indented no further;
# lines at the margin are those of texts, but for the braces of a whole file.
# shellcheck disable=SC2016 # $0 is awk's
long_page_functions=$(list -path './web/*.js' | xargs -r awk '
    function leave(last) {
        if (last - begin[depth] >= 60) {
            print FILENAME ":" begin[depth] ": a function of " last - begin[depth] + 1 " lines"
        }
        depth--
    }
    FNR == 1 { depth = 0 }
    /^$/ { next }
    {
        indent = match($0, /[^ ]/) - 1
        closes = $0 ~ /^ *[])}]/
        while ((indent > 0 || closes) && depth > 0 && margin[depth] >= indent) {
            leave(closes ? FNR : last_line)
        }
    }
    /(^|[^a-zA-Z])function |=>/ || (/^ *(async )?[a-zA-Z]+\(.*\) \{$/ && !/^ *(if|for|while|switch|catch) /) {
        begin[++depth] = FNR
        margin[depth] = indent
    }
    { last_line = FNR }')

if [ -n "$long_files$long_functions$long_page_functions" ]; then
    printf '%s' "${long_files:+$long_files$'\n'}" "${long_functions:+$long_functions$'\n'}" "${long_page_functions:+$long_page_functions$'\n'}"
    exit 1
fi
