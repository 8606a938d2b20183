#!/usr/bin/env bash
# Installs what the build needs, builds the release and starts the service in the foreground.
# Arguments are the service's own: ./run.sh --help lists them, ./run.sh --port 9000 listens elsewhere.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=packages/quietly.sh
. packages/quietly.sh

build() {
    packages/install.sh build run
    cmake --preset release
    cmake --build --preset release --target forkjoin
}

# The log line that says where the service listens.
banner() {
    local address
    address=$(sed -nE 's/^.*"event":"listening","address":"([^"]*)".*$/\1/p' <<< "$1")
    case $address in
        0.0.0.0:*) address=127.0.0.1:${address##*:} ;; # everywhere, so here too
        '[::]':*) address="[::1]:${address##*:}" ;;
    esac
    cat << END
forkjoin serves on http://$address (Ctrl-C stops it). In another terminal:

curl -sw '\n' http://$address/v1/wordcount --json $(printf %q "@$PWD/build/zen.json")
curl -sw '\n' http://$address/v1/gaussian --json '{"x": [0, 0.5, 1], "y": 0, "sigma": 0.5, "threads": 2}'
curl -sw '\n' http://$address/v1/system

END
}

# Passes the log on; once the service listens it says how to ask it. Ends with the service, whatever signals come.
announce() {
    local line
    trap '' HUP INT PIPE QUIT TERM
    set +e # it goes on if nobody reads what it says
    while IFS= read -r line || [ -n "$line" ]; do
        printf '%s\n' "$line" >&2
        if [[ $line == *'"event":"listening"'* ]]; then
            banner "$line"
            exec cat >&2
        fi
    done
}

mkdir -p build
echo "Building (the first time: installing what that needs, too); details are in build/release.log" >&2
quietly build/release.log build

case " $* " in
    *" --help "* | *" -h "* | *" --version "* | *" --healthcheck "*) exec build/release/forkjoin "$@" ;;
esac

# The classic word-count text, 858,000 bytes, as the JSON body of a request.
zen=$(sed -e 's/[\\"]/\\&/g' -e 's/$/\\n/' tests/fixtures/zen.txt | tr -d '\n')
{
    printf '{"word": "is", "text": "'
    for _ in {1..1000}; do printf '%s' "$zen"; done
    printf '"}'
} > build/zen.json

exec build/release/forkjoin "$@" 2> >(announce)
