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

if [ -n "$long_files$long_functions" ]; then
    printf '%s' "${long_files:+$long_files$'\n'}" "${long_functions:+$long_functions$'\n'}"
    exit 1
fi
