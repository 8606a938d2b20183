#!/usr/bin/env bash
# Installs the packages of the named groups of list.txt, those that are missing; does nothing, apt included, if none is.
# Usage: packages/install.sh build [test ...]
set -euo pipefail

list=$(dirname "${BASH_SOURCE[0]}")/list.txt

wanted() {
    local group
    for group in "$@"; do
        awk -v group="$group" '$1 == group { print $2; found = 1 } END { exit !found }' "$list" || {
            echo "packages/install.sh: no group $group in $list" >&2
            return 1
        }
    done | sort -u
}

installed() {
    # shellcheck disable=SC2016 # dpkg's own placeholders
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' | awk '$1 == "installed" { print $2 }' | sort -u
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo > /dev/null; then
        sudo "$@"
    else
        echo "packages/install.sh: root or sudo is needed to install: ${missing[*]}" >&2
        return 1
    fi
}

wanted=$(wanted "$@")
installed=$(installed)
mapfile -t missing < <(comm -23 <(echo "$wanted") <(echo "$installed"))
if [ "${#missing[@]}" -gt 0 ]; then
    echo "Installing ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 \
        install --yes --no-install-recommends "${missing[@]}" > /dev/null
fi
