#!/usr/bin/env bash
# Installs what is needed, builds the dev, asan, tsan and fuzz presets, then lints and runs every test of every preset.
# ./test.sh --container also builds and runs the container image, as CI does.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

presets=(dev asan tsan fuzz)
groups=(build test)
container=
if [ "${1-}" = --container ]; then
    groups+=(container)
    container=yes
fi

# Says what is done, then how long it took; keeps the output of what goes well to itself if told "quietly".
step() {
    local name=$1 started=$SECONDS
    shift
    printf '== %s\n' "$name"
    "$@"
    printf '   %s took %d s\n' "$name" $((SECONDS - started))
}

quietly() {
    local log
    log=$(mktemp)
    if ! "$@" > "$log" 2>&1; then
        cat "$log"
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

build() {
    cmake --preset "$1" && cmake --build --preset "$1"
}

step packages packages/install.sh "${groups[@]}"
for preset in "${presets[@]}"; do
    step "build $preset" quietly build "$preset"
done

# One run over lint and the presets' tests, so that one summary speaks for all of them.
extra_test() {
    local name=$1
    shift
    printf 'add_test(%s' "$name"
    printf ' "%s"' "$@"
    printf ')\nset_tests_properties(%s PROPERTIES LABELS %s TIMEOUT 900)\n' "$name" "${name%%.*}"
}
{
    printf 'subdirs(%s)\n' "${presets[*]}"
    for check in $(tests/lint.sh --list); do
        extra_test "lint.$check" "$PWD/tests/lint.sh" "$check"
    done
    if [ -n "$container" ]; then
        extra_test container "$PWD/tests/container.sh"
    fi
} > build/CTestTestfile.cmake
exec ctest --test-dir build --parallel "$(nproc)" --output-on-failure --no-tests=error
