#!/usr/bin/env bash
# Checks everything about the source that a tool can judge: one line per check, the offenders below a failed one.
# A check whose tool is missing fails. Usage: tests/lint.sh [check ...], all of them by default; --list names them.
# shellcheck disable=SC2317,SC2329 # the checks are called by name
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

mapfile -t c_files < <(find . \( -path ./build -o -path ./.git \) -prune -o -name '*.[ch]' -print -o -name '*.cc' -print -o -name '*.inc' -print | sort)
mapfile -t shell_files < <(find . \( -path ./build -o -path ./.git \) -prune -o -name '*.sh' -print | sort; echo ./.ci/run)
mapfile -t python_files < <(find . \( -path ./build -o -path ./.git \) -prune -o -name '*.py' -print | sort)

build() { cmake --preset "$1" && cmake --build --preset "$1"; }

check_gcc() { build dev; }
# How clang is called for each file. Several checks want it, at a time.
list_commands() { mkdir -p build && flock build/lint.lock cmake --preset tsan > /dev/null; }
check_clang() { list_commands && tests/lint/clang.py build/tsan/compile_commands.json; }
check_format() { clang-format-19 --dry-run -Werror "${c_files[@]}"; }
# Debian 12 has omp.h for the default clang alone, which is 14.
run_clang_tidy() {
    list_commands && mkdir -p build/omp && ln -sf "$(clang -print-resource-dir)/include/omp.h" build/omp/ &&
        printf '%s\n' "${c_files[@]}" | grep -E '^\./(kernels|codecs|server|handlers)/.*\.(c|cc)$' |
        xargs -P "$(nproc)" -n 1 clang-tidy-19 --quiet -p build/tsan \
            --extra-arg="-isystem$PWD/build/omp" "$@" 2> >(grep -vE ' warnings? (generated|treated)' >&2)
}
check_tidy() { run_clang_tidy; }
# Tidy's checks as well, since the files are read anyway. Of each function up to 75,000 states, as the analyzer itself has
# it for quick looks: with its usual 225,000 it takes twice as long, and what it has found here it finds with fewer. (With
# 50,000 it stops amid a loop and takes an array's end for undefined.) Its checks of Apple's and other projects' libraries, of
# which there is nothing here, are a fifth of its time.
check_analyzer() {
    local left_out=(optin.performance.Padding security.insecureAPI.DeprecatedOrUnsafeBufferHandling
        'osx.*' 'optin.osx.*' 'nullability.*' 'webkit.*' 'fuchsia.*' 'optin.mpi.*')
    run_clang_tidy --extra-arg={-Xclang,-analyzer-config,-Xclang,max-nodes=75000} \
        --checks="clang-analyzer-*$(printf ',-clang-analyzer-%s' "${left_out[@]}")"
}
# uninitvar: cppcheck 2.17 takes f(buffer, fill(buffer)) for a use before the filling; the compilers look for it as well.
check_cppcheck() {
    cppcheck --quiet -j "$(nproc)" --enable=warning,performance,portability --inline-suppr --error-exitcode=1 -I . \
        -D__linux__ -D__x86_64__ -D_GNU_SOURCE --suppress=missingIncludeSystem \
        --suppress=normalCheckLevelMaxBranches --suppress=uninitvar \
        kernels codecs server handlers
}
# set -e is off in a function that is called in a condition: what fails in it is passed over.
check_shellcheck() { shellcheck --enable=check-set-e-suppressed "${shell_files[@]}"; }
check_python() { pyflakes3 "${python_files[@]}"; }
check_layers() { tests/lint/layers.py .; }
check_dialect() { tests/lint/dialect.py .; }
check_scripts() { tests/lint/scripts.py .; }
check_sizes() { tests/lint/sizes.sh .; }
check_problems() { tests/lint/problems.sh .; }
check_yaml() { yamllint --strict -d '{extends: default, rules: {line-length: {max: 120}, document-start: disable}}' openapi.yaml; }
# Debian's own Python: another one in PATH may lack Debian's packages.
check_openapi() { /usr/bin/python3 tests/lint/openapi.py openapi.yaml; }
check_selftest() { tests/lint/selftest.sh; }

quick=(tidy) # by name alone: it is a part of analyzer that takes a fifth of its time
checks=(gcc clang format analyzer cppcheck shellcheck python layers dialect scripts sizes problems yaml openapi selftest)
case ${1-} in
    --list)
        echo "${checks[@]}"
        exit
        ;;
    ?*)
        for check in "$@"; do
            if [[ " ${checks[*]} ${quick[*]} " != *" $check "* ]]; then
                printf '%s is no check; there are: %s\n' "$check" "${checks[*]} ${quick[*]}" >&2
                exit 2
            fi
        done
        checks=("$@")
        ;;
esac
failures=0
for check in "${checks[@]}"; do
    started=$SECONDS
    if output=$("check_$check" 2>&1); then
        printf 'lint %-10s ok (%d s)\n' "$check" $((SECONDS - started))
    else
        printf 'lint %-10s FAILED (%d s)\n%s\n' "$check" $((SECONDS - started)) "$output"
        failures=$((failures + 1))
    fi
done
exit $((failures > 0))
