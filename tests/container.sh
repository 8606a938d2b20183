#!/usr/bin/env bash
# Builds the image with buildah, runs it with runc as a cautious operator would (container_spec.py) and checks what it
# promises there. No daemon is needed; where no registry can be reached, a debootstrap tree stands in for the base image.
# Everything is kept in build/container, so that a second run is quick. Needs root.
# shellcheck disable=SC2310 # functions called in conditions are of one command each
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

base=docker.io/library/debian:trixie-slim
image=localhost/forkjoin
work=$PWD/build/container
name=forkjoin-test-$$
export BUILDAH_ISOLATION=chroot
mkdir -p "$work"

# buildah takes overlay mounts where they work and copies whole trees (vfs, four times slower) elsewhere.
buildah() { command buildah --root "$work/storage" --runroot "$work/run" "$@"; }
runc() { command runc --root "$work/runc" "$@"; }
say() { printf '%4d s  %s\n' "$SECONDS" "$*"; }
fail() {
    echo "container: $*" >&2
    [ ! -s "$work/log" ] || tail -n 20 "$work/log" >&2
    exit 1
}

[ "$(id -u)" -eq 0 ] || fail "must run as root"
# Not command -v, which finds the functions above.
for tool in buildah runc debootstrap curl python3; do
    type -P "$tool" > /dev/null || fail "$tool is missing; packages/install.sh container brings it"
done

bootstrap_base() {
    local tree=$work/base container
    packages/debian_tree.sh trixie "$tree"
    container=$(buildah from scratch)
    buildah copy --quiet "$container" "$tree" / > /dev/null
    buildah commit --quiet --rm "$container" "$base" > /dev/null
    rm -rf "$tree"
}

get_base() {
    if buildah inspect --type image "$base" > /dev/null 2>&1; then
        say "base image: kept from an earlier run"
    elif timeout 60 buildah --log-level fatal pull --quiet "$base" > /dev/null 2>&1; then
        say "base image: pulled"
    else
        bootstrap_base
        say "base image: no registry, bootstrapped"
    fi
}

build_image() {
    # In Docker's format, as OCI's has no health check.
    buildah bud --format docker --layers --pull-never --tag "$image" \
        --build-arg VERSION="$(sed -nE 's/^project\(forkjoin VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)" \
        --build-arg REVISION="$(git rev-parse --short HEAD 2> /dev/null)" . > "$work/build.log" 2>&1 ||
        fail "the image doesn't build: $(tail -n 20 "$work/build.log")"
}

# With a folder as its volume, or without one.
start() {
    buildah inspect --type image "$image" | tests/container_spec.py "$tree" "$@" > "$work/bundle/config.json"
    runc run --bundle "$work/bundle" "$name" > "$work/log" 2>&1 &
    runner=$!
    for _ in {1..100}; do
        sleep 0.1
        if grep -q '"listening"' "$work/log"; then
            pid=$(runc state "$name" | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')
            return
        fi
        kill -0 "$runner" 2> /dev/null || fail "ended at its start"
    done
    fail "did not start to listen"
}

stop_all() {
    runc delete --force "$name" 2> /dev/null || true
    buildah rm --all > /dev/null
}

# curl in the container's network, which nothing else can reach.
ask() { nsenter --net="/proc/$pid/ns/net" curl --silent --show-error --max-time 60 "$@"; }

member() { python3 -c 'import functools, json, sys
print(json.dumps(functools.reduce(lambda node, name: node[name], sys.argv[1:], json.load(sys.stdin))))' "$@"; }

expect() {
    local what=$1 wanted=$2 got=$3
    [ "$got" = "$wanted" ] || fail "$what: expected $wanted, got $got"
    say "$what: $got"
}

# In the log, in /v1/system and in the answer to a submission.
expect_jobs() {
    local kept=$1 is_durable=$2
    expect "jobs, as the log says" "\"$kept\"" "$(grep -m 1 '"listening"' "$work/log" | member jobs)"
    expect "jobs, as /v1/system says" "\"$kept\"" "$(ask http://127.0.0.1:8080/v1/system | member jobs kept)"
    ask --header 'Prefer: respond-async' --json '{"text": "is it", "word": "is"}' --output "$work/job.json" \
        http://127.0.0.1:8080/v1/wordcount
    expect "a job is durable" "$is_durable" "$(member durable < "$work/job.json")"
}

# What was over is there in the next container, and what ran is run again.
survive_kill() {
    local jobs=http://127.0.0.1:8080/v1/jobs
    ask --request PUT --json '{"op": "/v1/wordcount", "request": {"text": "is it", "word": "is"}}' \
        --output "$work/job.json" "$jobs/short"
    ask --output "$work/job.json" "$jobs/short?wait=10"
    ask --request PUT --json '{"op": "/v1/triangular", "request": {"ranges":
        [1500000000, 1500000000, 1500000000, 1500000000]}}' --output "$work/job.json" "$jobs/long"
    for _ in {1..100}; do
        if ask "$jobs/long" | grep -q '"running"'; then break; fi
    done
    runc kill "$name" KILL
    wait "$runner" || true
    start "$@"
    expect "a job that was over when the container was killed" '"successful"' "$(ask "$jobs/short" | member status)"
    expect "its result" 1 "$(ask "$jobs/short/result" | member count)"
    expect "one that ran" '"successful"' "$(ask "$jobs/long?wait=50" | member status)"
    expect "its attempts" 2 "$(ask "$jobs/long" | member attempts)"
}

drain() {
    local code=0
    ask --output "$work/answer.json" --write-out '%{http_code}' --header 'Content-Type: application/json' \
        --data '{"ranges": [1500000000, 1500000000, 1500000000, 1500000000], "threads": 1}' \
        http://127.0.0.1:8080/v1/triangular > "$work/status" &
    local client=$!
    for _ in {1..100}; do
        if ask http://127.0.0.1:8080/healthz | grep -q '"running":1'; then break; fi
    done
    runc kill "$name" TERM
    wait "$client" || fail "the request in flight was dropped"
    expect "status of the request in flight at SIGTERM" 200 "$(cat "$work/status")"
    wait "$runner" || code=$?
    expect "exit status after SIGTERM" 0 "$code"
    expect "order of events" "draining triangular stopped" \
        "$(grep -oE '"draining"|/v1/triangular|"stopped"' "$work/log" | sed 's/"//g; s,/v1/,,' | xargs)"
}

trap stop_all EXIT
get_base
build_image
say "image built"
mkdir -p "$work/bundle"
tree=$(buildah mount "$(buildah from --pull-never "$image")")
start
say "running: $(grep -m 1 '"listening"' "$work/log")"
expect "user and group" "65532 65532" "$(awk '/^(Uid|Gid):/ { print $2 }' "/proc/$pid/status" | xargs)"
expect "capabilities" 0000000000000000 "$(awk '/^CapBnd:/ { print $2 }' "/proc/$pid/status")"
expect "usable cores under a quota of one CPU" 1 "$(ask http://127.0.0.1:8080/v1/system | member cores count)"
expect "count" 2 "$(ask --json '{"text": "is it\nis", "word": "is"}' http://127.0.0.1:8080/v1/wordcount | member count)"
check=$(buildah inspect --type image "$image" | member Docker config Healthcheck Test)
expect "health check of the image" '["CMD", "/usr/local/bin/forkjoin", "--healthcheck"]' "$check"
runc exec "$name" /usr/local/bin/forkjoin --healthcheck || fail "the health check says no"
say "health check: passed"
expect_jobs memory false
grep -q '"jobs-in-memory"' "$work/log" || fail "the log does not say that jobs are held in memory"
drain

rm -rf "$work/volume"
install -d -o 65532 -g 65532 -m 0700 "$work/volume"
start "$work/volume"
say "running with a volume"
expect_jobs durable true
survive_kill "$work/volume"
say "container: all checks passed"
