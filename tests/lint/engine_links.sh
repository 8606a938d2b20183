#!/usr/bin/env bash
# engine_links.sh PROGRAM...: fails if one of them needs libmicrohttpd, directly or through a library.
set -euo pipefail

[ $# -gt 0 ] || { echo "no programs to look at" >&2; exit 1; }
status=0
for program in "$@"; do
    needed=$(ldd "$program")
    if ! grep -q 'libc\.so' <<<"$needed"; then
        echo "$program: ldd tells nothing of it" >&2
        status=1
    elif grep microhttpd <<<"$needed" >&2; then
        echo "$program needs libmicrohttpd" >&2
        status=1
    fi
done
exit $status
