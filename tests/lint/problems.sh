#!/usr/bin/env bash
# Compares the problem types that the service can answer with (codecs/problem.h) with those that openapi.yaml lists; prints
# the difference, exit 1 if there is one. Usage: problems.sh <source tree>
set -euo pipefail
cd "$1"

if ! diff <(sed -nE 's/^ *X\([A-Z0-9_]+, "([a-z0-9-]+)", [0-9]+, .*/\1/p' codecs/problem.h | sort) \
    <(/usr/bin/python3 tests/lint/openapi.py --problems openapi.yaml | sort); then
    echo "< only in codecs/problem.h, > only in openapi.yaml"
    exit 1
fi
