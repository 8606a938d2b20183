#!/usr/bin/env bash
# Installs what the build needs, builds the release and starts the service in the foreground.
# Arguments are the service's own: ./run.sh --help lists them, ./run.sh --port 9000 listens elsewhere.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

build() {
    packages/install.sh build run
    cmake --preset release
    cmake --build --preset release --target forkjoin
}

# The value of a setting as the service will see it: flag, then environment, then default.
setting() {
    local flag=$1 value=$2 argument
    shift 2
    while [ $# -gt 0 ]; do
        argument=$1
        shift
        case $argument in
            "$flag") value=${1-} ;;
            "$flag"=*) value=${argument#*=} ;;
        esac
    done
    printf '%s' "$value"
}

mkdir -p build
echo "Building (the first time: installing what that needs, too); details are in build/release.log" >&2
trap 'cat build/release.log >&2' EXIT # not "if ! build", which would go on behind what fails in it
(build) > build/release.log 2>&1
trap - EXIT

case " $* " in
    *" --help "* | *" --version "* | *" --healthcheck "*) exec build/release/forkjoin "$@" ;;
esac

# The classic word-count text, 858,000 bytes, as the JSON body of a request.
{
    printf '{"word": "is", "text": "'
    for _ in {1..1000}; do cat tests/fixtures/zen.txt; done | sed -e 's/[\\"]/\\&/g' -e 's/$/\\n/' | tr -d '\n'
    printf '"}'
} > build/zen.json

host=$(setting --listen "${FORKJOIN_LISTEN:-127.0.0.1}" "$@")
port=$(setting --port "${FORKJOIN_PORT:-8080}" "$@")
case $host in
    0.0.0.0) host=127.0.0.1 ;; # everywhere, so here too
    ::) host='[::1]' ;;
    *:*) host="[$host]" ;;
esac
note=
if [ "$port" = 0 ]; then
    port=PORT
    note=" PORT is any free one; the service's first log line says which."
fi
address=$host:$port
cat << END
forkjoin is starting on http://$address (Ctrl-C stops it).$note In another terminal:

curl -s http://$address/v1/wordcount --json $(printf %q "@$PWD/build/zen.json")
curl -s http://$address/v1/gaussian --json '{"x": [0, 0.5, 1], "y": 0, "sigma": 0.5, "threads": 2}'
curl -s http://$address/v1/system

END
exec build/release/forkjoin "$@"
