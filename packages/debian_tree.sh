#!/usr/bin/env bash
# Makes a bare Debian in a folder, with this machine's own way to the packages: proxies and the like from its apt
# configuration. A folder that exists is whole, and stays. A copy is kept in build/debian, since two tests want one. Needs
# root and debootstrap.
# Usage: packages/debian_tree.sh <suite> <folder>
set -euo pipefail

suite=$1 tree=$2
[ ! -d "$tree" ] || exit 0

kept=$(dirname "${BASH_SOURCE[0]}")/../build/debian/$suite.tar
if [ -f "$kept" ]; then
    rm -rf "$tree.part"
    mkdir -p "$tree.part"
    tar --extract --numeric-owner --preserve-permissions --file "$kept" --directory "$tree.part"
    mv "$tree.part" "$tree"
    exit 0
fi

if ! command -v debootstrap > /dev/null; then
    echo "packages/debian_tree.sh: debootstrap is missing; packages/install.sh container brings it" >&2
    exit 1
fi
# Under another name until it is whole. debootstrap knows it as /mnt, in a mount namespace of its own: it takes no path with
# a space, and what it mounts goes with it.
rm -rf "$tree.part"
mkdir -p "$tree.part"
# shellcheck disable=SC2016 # the program is the inner shell's
if ! unshare --mount bash -euc 'mount --bind "$1" /mnt; exec debootstrap --variant=minbase "$2" /mnt' - "$tree.part" "$suite" \
    > "$tree.log" 2>&1; then
    echo "packages/debian_tree.sh: debootstrap failed, $tree.log ends with:" >&2
    tail -n 5 "$tree.log" >&2
    exit 1
fi
{
    apt-config dump | grep '^Acquire::' || true
    echo 'APT::Keep-Downloaded-Packages "false";'
} > "$tree.part/etc/apt/apt.conf.d/90host"
# As in the images that Debian publishes: a tree that a power failure tears is made again.
echo force-unsafe-io > "$tree.part/etc/dpkg/dpkg.cfg.d/unsafe-io"
mkdir -p "$(dirname "$kept")"
tar --create --numeric-owner --file "$kept.part" --directory "$tree.part" .
mv "$kept.part" "$kept"
mv "$tree.part" "$tree"
