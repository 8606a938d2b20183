#!/usr/bin/env bash
# Builds the peers in Rust with Debian's compiler and crates, without any network, into the folder OUT:
# OUT/rust-service and OUT/word_count.so. cargo writes a Cargo.lock beside the sources, which says what versions
# Debian has, so it works on a copy of them: OUT/rust.
#
# usage: bench/peers/build_rust.sh OUT
set -euo pipefail

out=$(realpath -m "${1:?usage: bench/peers/build_rust.sh OUT}")
sources=$(dirname "$(realpath "${BASH_SOURCE[0]}")")/rust

mkdir -p "$out/rust"
rm -f "$out/rust-service" "$out/word_count.so" # no peer rather than an old one
cp -a "$sources/." "$out/rust"
rm -f "$out/rust/Cargo.lock"

# Debian's own: a rustup in PATH or a cargo home with settings would bring another compiler, or the network.
cd "$out/rust"
env -u CARGO -u RUSTFLAGS -u RUSTUP_TOOLCHAIN PATH=/usr/bin:/bin CARGO_HOME="$out/cargo-home" \
    RUSTC=/usr/bin/rustc PYO3_PYTHON=/usr/bin/python3 CARGO_TARGET_DIR="$out/target" \
    /usr/bin/cargo build --release --offline --quiet

cp "$out/target/release/rust-service" "$out/rust-service"
cp "$out/target/release/libword_count.so" "$out/word_count.so"
