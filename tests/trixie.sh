#!/usr/bin/env bash
# Runs a command in this checkout inside a Debian 13 of its own, whatever this machine runs: the checkout is /forkjoin there,
# read-only but for build/, which is build/trixie/build here. The tree is kept in build/trixie. Mounts and processes are in
# namespaces of their own, so that none is left however this ends. Needs root and debootstrap.
# Usage: tests/trixie.sh <command> [argument ...], as ./test.sh --trixie does:
#   tests/trixie.sh packages/install.sh build test lint browser
#   tests/trixie.sh ctest --preset dev
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ "$(id -u)" -ne 0 ]; then
    echo "tests/trixie.sh: must run as root" >&2
    exit 1
fi
work=$PWD/build/trixie
mkdir -p "$work/build"
packages/debian_tree.sh trixie "$work/tree"
mkdir -p "$work/tree/forkjoin"

# shellcheck disable=SC2016 # the program is the inner shell's
exec unshare --mount --pid --fork --kill-child bash -euc '
    work=$1
    tree=$work/tree
    shift
    mount --bind . "$tree/forkjoin"
    mount -o remount,bind,ro "$tree/forkjoin"
    mount --bind "$work/build" "$tree/forkjoin/build"
    mount -t proc proc "$tree/proc"
    mount --rbind /sys "$tree/sys"
    mount --rbind /dev "$tree/dev"
    mount -t tmpfs -o mode=1777 shm "$tree/dev/shm"
    mount -t tmpfs -o mode=1777 tmp "$tree/tmp"
    for file in /etc/hosts /etc/resolv.conf; do
        touch "$tree$file"
        mount --bind "$file" "$tree$file"
    done
    exec chroot "$tree" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        LANG=C.UTF-8 ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
        bash -c "cd /forkjoin; exec \"\$@\"" - "$@"' - "$work" "$@"
