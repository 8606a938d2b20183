#!/usr/bin/env bash
# Shows that the checks written here can fail: each is given a tree with one offence and must name it, and a clean tree.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

clean_tree() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree"/{kernels,codecs,server,handlers,tests/lint}
    cp "$here/openapi.py" "$here/openapi.schema.yaml" "$tree/tests/lint"
    printf '#include "kernels/a.h"\n/* system() */\nint a(void) { return 1; }\n' > "$tree/kernels/a.c"
    printf '#include <jansson.h>\n' > "$tree/codecs/c.c"
    printf '#include <microhttpd.h>\n#include "codecs/c.h"\n#include "loop.h"\n' > "$tree/server/s.c"
    printf '#include "server/s.h"\n#include "kernels/a.h"\n' | tee "$tree/handlers/h.c" > "$tree/server/main.c"
    printf '    X(EMPTY_BODY, "empty-body", 400, "The request has no body") \\\n' > "$tree/codecs/problem.h"
    cat > "$tree/openapi.yaml" << 'END'
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      operationId: get
      summary: s
      responses:
        200:
          description: d
          content: {application/json: {schema: {$ref: "#/components/schemas/P"}, example: {type: "urn:forkjoin:problem:empty-body"}}}
components:
  schemas:
    P: {type: object, properties: {type: {enum: ["urn:forkjoin:problem:empty-body"]}}}
END
}

# check <script> <expected in its output, empty: must pass>
check() {
    local script=$1 offence=$2 argument=$tree output code=0
    [ "$script" != openapi.py ] || argument=$tree/openapi.yaml
    output=$("$here/$script" "$argument" 2>&1) || code=$?
    if [ -z "$offence" ] && [ $code -eq 0 ]; then return; fi
    if [ -n "$offence" ] && [ $code -eq 1 ] && [[ $output == *"$offence"* ]]; then return; fi
    printf '%s: exit %d, expected "%s" in: %s\n' "$script" "$code" "$offence" "$output"
    failures=$((failures + 1))
}

# offend <script> <expected> <file> <lines>: adds lines to a file of the clean tree.
offend() {
    clean_tree
    printf '%b\n' "$4" >> "$tree/$3"
    check "$1" "$2"
}

# spoil <expected> <sed script>: changes the clean tree's openapi.yaml.
spoil() {
    clean_tree
    sed -i "$2" "$tree/openapi.yaml"
    check openapi.py "$1"
}

clean_tree
for script in layers.sh sizes.sh banned.pl problems.sh openapi.py; do check "$script" ""; done

offend layers.sh 'kernels/a.c:4' kernels/a.c '#include "codecs/c.h"'
offend layers.sh 'codecs/c.c:2' codecs/c.c '#include "kernels/a.h"'
offend layers.sh 'server/s.c:4' server/s.c '#include "handlers/h.h"'
offend layers.sh 'handlers/h.c:3' handlers/h.c '# include <microhttpd.h>'
offend layers.sh 'server/s.c:4' server/s.c '#include <jansson.h>'
offend layers.sh 'handlers/h.c:3' handlers/h.c '#include "../server/s.h"'

long=$(printf '\\n%.0s' {1..60})
offend sizes.sh 'kernels/a.c:4: b has 62 lines' kernels/a.c "void b(void) {$long\n}"
offend sizes.sh 'server/s.c: more than 500 lines' server/s.c "$long$long$long$long$long$long$long$long$long"

offend banned.pl 'server/s.c:4: strcpy' server/s.c 'void f(char *to) { strcpy(to, "strcat("); }'
offend banned.pl 'kernels/a.c:4: alloca' kernels/a.c 'void *f(void) { return alloca (8); }'

offend problems.sh '< too-deep' codecs/problem.h '    X(TOO_DEEP, "too-deep", 400, "t")'
clean_tree
sed -i 's/P: .*/P: {enum: ["urn:forkjoin:problem:empty-body", "urn:forkjoin:problem:odd"]}/' "$tree/openapi.yaml"
check problems.sh '> odd'

spoil "('operationID' was unexpected)" 's/operationId/operationID/'
spoil "'description' is a required property" '/description: d/d'
spoil 'leads nowhere' 's/schemas.P"/schemas\/Q"/'
spoil 'never used' 's/schema: {.ref: [^}]*}/schema: {}/'
spoil "path's parameters" 's/name: id/name: key/'
spoil 'is not valid under any of the given schemas' 's/P: {type: object/P: {type: objct/'
spoil "'urn:forkjoin:problem:other' is not one of" 's/example: {type: "[^"]*"/example: {type: "urn:forkjoin:problem:other"/'

exit $((failures > 0))
