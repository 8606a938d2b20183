#!/usr/bin/env bash
# Installs what is needed, builds the dev, asan, tsan and fuzz presets, then lints and runs every test of every preset.
# CI does more, as root: ./test.sh --container also builds and runs the container image, ./test.sh --trixie also builds and
# tests inside a Debian 13, and lints there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=packages/quietly.sh
. packages/quietly.sh

presets=(dev asan tsan fuzz)
container='' trixie=''
for argument in "$@"; do
    case $argument in
        --container) container=yes ;;
        --trixie) trixie=yes ;;
        *)
            echo "usage: ./test.sh [--container] [--trixie]" >&2
            exit 2
            ;;
    esac
done

# More than there are cores, since those of HTTP wait most of their time: of two cores three at once used two thirds, and four
# left a tenth to a third of them idle towards the end.
at_once=$((5 * $(nproc) / 2))

# Says what is done, then how long it took.
step() {
    local name=$1 started=$SECONDS
    shift
    printf '== %s\n' "$name"
    "$@"
    printf '   %s took %d s\n' "$name" $((SECONDS - started))
}

# Lines for backtraces, but no variables for debuggers, which take a fifth of the dev preset's build: nobody debugs in CI.
debug=(-D CMAKE_C_FLAGS_DEBUG="-O1 -g1" -D CMAKE_CXX_FLAGS_DEBUG="-O1 -g1")
[ -n "$trixie" ] || debug=()

# build <preset> [target]
build() {
    cmake --preset "$1" "${debug[@]}"
    cmake --build --preset "$1" ${2:+--target "$2"}
}

# await <process> <log>: what fails shows the log and ends the script.
await() {
    wait "$1" || {
        cat "$2" >&2
        exit 1
    }
}

build_on_trixie() {
    tests/trixie.sh cmake --preset "$1" "${debug[@]}"
    tests/trixie.sh cmake --build --preset "$1"
}

# in_background <log> <command> [<argument>...]: with the lock on packages, which it waits for, as does the next run where
# this one ends before it. A service that starts on installation would keep the lock if it had it.
in_background() {
    (
        flock 9
        "${@:2}" 9>&-
    ) 9> build/packages.lock > "$1" 2>&1 &
}

mkdir -p build
if [ -z "$trixie" ]; then
    step packages quietly build/test.log flock build/packages.lock \
        packages/install.sh build test lint browser ${container:+container}
else
    step packages quietly build/test.log flock build/packages.lock packages/install.sh build unit
    # Beside gcc's builds, since it waits for the network, then takes one core: what clang's builds and the tests need.
    in_background build/packages.log packages/install.sh test trixie ${container:+container}
    rest_of_packages=$!
fi
for preset in "${presets[@]}"; do
    case $trixie$preset in
        yesdev) target=uninstrumented ;; # Debian 13 runs the others
        *) target='' ;;
    esac
    if [ "$trixie$preset" = yestsan ]; then
        step "rest of the packages" await "$rest_of_packages" build/packages.log
        # Beside clang's builds: CI lints and looks at the page there.
        in_background build/trixie.log tests/trixie.sh packages/install.sh build test lint browser
        trixie_packages=$!
    fi
    step "build $preset" quietly build/test.log build "$preset" "$target"
done
if [ -n "$trixie" ]; then
    step "packages of Debian 13" await "$trixie_packages" build/trixie.log
    step "build dev on Debian 13" quietly build/test.log build_on_trixie dev
fi

if ! tests/page/install.sh > build/axe.log 2>&1; then
    echo "   axe-core can't be installed (build/axe.log): dev.page.accessible is skipped"
fi

# One run over lint and the presets' tests, so that one summary speaks for all of them. The analyzer takes three minutes of a
# core, and twice that where others want it too.
extra_test() {
    local name=$1
    shift
    printf 'add_test(%s' "$name"
    printf ' [==[%s]==]' "$@"
    printf ')\nset_tests_properties(%s PROPERTIES LABELS %s TIMEOUT 1800)\n' "$name" "${name%%.*}"
    case $name in
        # Minutes of one core: begun last, the other core would wait for them.
        *.analyzer | *.clang) printf 'set_tests_properties(%s PROPERTIES COST 500)\n' "$name" ;;
    esac
}
# As nice as lanes are (server/engine/lane.c), which would hardly compute beside compilers otherwise.
lint() { extra_test "$1" nice -n 5 "${@:2}"; }
{
    printf 'subdirs(%s)\n' "${presets[*]}"
    for check in $(tests/lint.sh --list); do
        case $trixie$check in
            yesgcc) ;; # is the build above
            "$check") lint "lint.$check" "$PWD/tests/lint.sh" "$check" ;;
            # Tools look at the same code there, and are the same or newer ones.
            *) lint "trixie.lint.$check" "$PWD/tests/trixie.sh" tests/lint.sh "$check" ;;
        esac
    done
    if [ -n "$container" ]; then
        extra_test container "$PWD/tests/container.sh"
        echo 'set_tests_properties(container PROPERTIES COST 1000)' # begins first, since it waits for the network
    fi
    if [ -n "$trixie" ]; then
        # With nothing beside it, as some of its tests want: it is a whole run by itself.
        extra_test trixie.tests "$PWD/tests/trixie.sh" ctest --preset dev --parallel "$at_once" --no-tests=error
        echo 'set_tests_properties(trixie.tests PROPERTIES RUN_SERIAL TRUE)'
    fi
} > build/CTestTestfile.cmake
# CI asks the oracles on Debian 13 alone, which takes another 60 s of a core here; the same kernels' tests are run here too.
exec ctest --test-dir build --parallel "$at_once" --output-on-failure --no-tests=error \
    ${trixie:+--label-exclude '^(repeated|oracle)$'}
