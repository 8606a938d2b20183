#!/usr/bin/env bash
# Builds the peer in Cython with Debian's cython3 and gcc, twice: OUT/plain with the options that setuptools gives and
# OpenMP's, OUT/fast with all that gcc can do for this machine (-ffast-math lets it use glibc's vector exp, but breaks
# NaN and infinities).
#
# usage: bench/peers/build_cython.sh OUT
set -euo pipefail

out=$(realpath -m "${1:?usage: bench/peers/build_cython.sh OUT}")
source=$(dirname "$(realpath "${BASH_SOURCE[0]}")")/cython_gaussian.pyx

mkdir -p "$out/plain" "$out/fast"
rm -f "$out"/*/cython_gaussian.so # no peer rather than an old one
cython3 -3 --output-file "$out/cython_gaussian.c" "$source"
read -ra includes <<< "$(/usr/bin/python3-config --includes)"
compile=(gcc -shared -fPIC -fopenmp -fwrapv -DNDEBUG "${includes[@]}" "$out/cython_gaussian.c")
"${compile[@]}" -O2 -o "$out/plain/cython_gaussian.so" -lm
"${compile[@]}" -O3 -march=native -ffast-math -o "$out/fast/cython_gaussian.so" -lm
