#!/usr/bin/env bash
# Shows that the checks written here can fail: each is given a tree with one offence and must name it, and a clean tree.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

# lines <file> <line ...>: writes a file of the tree.
lines() {
    local file=$1
    shift
    printf '%s\n' "$@" > "$tree/$file"
}

clean_tree() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree"/{kernels/k,codecs/c,server/{http,jobs,engine,system},handlers,tests/{lint,unit},bench}
    cp "$here/openapi.py" "$here/openapi.schema.yaml" "$tree/tests/lint"
    lines kernels/team.h '#pragma once' '#include "kernels/shape.h"'
    lines kernels/shape.h '#pragma once' '/* Internal to kernels. */'
    lines kernels/k/k.h '#pragma once' '#include "kernels/team.h"'
    lines kernels/k/k.c '#include "kernels/k/k.h"' '#include "kernels/shape.h"' '/* system() */' 'int k(void) { return 1; }'
    lines codecs/c/c.h '#pragma once' '// Of C.'
    lines codecs/c/c_inside.h '#pragma once' '// Internal to codecs/c. Of C.'
    lines codecs/c/c.cc '#include "codecs/c/c.h"' '#include "codecs/c/c_inside.h"' '#include <jansson.h>'
    lines server/system/clock.h '#pragma once' '#include "codecs/c/c.h"'
    lines server/system/clock.c '#include "server/system/clock.h"' '#include <hwloc.h>'
    lines server/engine/call.h '#pragma once' '#include "kernels/team.h"' '#include "server/system/clock.h"'
    lines server/engine/call.c '#include "server/engine/call.h"'
    lines server/jobs/job.c '#include "server/engine/call.h"' '#include <sqlite3.h>'
    lines server/http/loop.h '#pragma once' '#include "server/engine/call.h"'
    lines server/http/loop.c '#include "server/http/loop.h"' '#include <microhttpd.h>'
    lines server/service.h '#pragma once' '/* Internal to server. */' '#include "server/http/loop.h"'
    lines handlers/route.h '#pragma once' '#include "server/http/loop.h"'
    lines handlers/route.c '#include "handlers/route.h"' '#include "kernels/k/k.h"'
    lines server/main.c '#include "server/service.h"' '#include "handlers/route.h"'
    lines tests/unit/t.h '#include "handlers/route.h"'
    lines web.h ''
    mkdir -p "$tree/web"
    lines web/view.js '/* innerHTML == */' 'const a = b === c;'
    lines tests/unit/k_test.c '#include "codecs/c/c_inside.h"' '#include <jansson.h>'
    lines codecs/problem.h '/* Internal to codecs. */' \
        '    X(EMPTY_BODY, "empty-body", 400, "The request has no body")'
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

# add <script> <expected> <file> <lines>: adds lines to a file of the tree. offend: of the clean tree.
add() {
    printf '%b\n' "$4" >> "$tree/$3"
    check "$1" "$2"
}

offend() {
    clean_tree
    add "$@"
}

# spoil <expected> <sed script>: changes the clean tree's openapi.yaml.
spoil() {
    clean_tree
    sed -i "$2" "$tree/openapi.yaml"
    check openapi.py "$1"
}

clean_tree
for script in layers.py dialect.py scripts.py sizes.sh problems.sh openapi.py; do check "$script" ""; done

# A room includes another that isn't below it.
offend layers.py 'kernels/k/k.c:5: leads up' kernels/k/k.c '#include "codecs/c/c.h"'
offend layers.py 'codecs/c/c.cc:4: leads up' codecs/c/c.cc '#include "kernels/k/k.h"'
offend layers.py 'server/system/clock.c:3: leads up' server/system/clock.c '#include "server/engine/call.h"'
offend layers.py 'server/engine/call.c:2: leads up' server/engine/call.c '#include "server/http/loop.h"'
offend layers.py 'server/engine/call.c:2: leads up' server/engine/call.c '#include "kernels/k/k.h"'
offend layers.py 'server/http/loop.c:3: leads up' server/http/loop.c '#include "handlers/route.h"'
offend layers.py 'server/http/loop.c:3: leads up' server/http/loop.c '#include "server/service.h"'
offend layers.py 'server/http/loop.c:3: leads up' server/http/loop.c '#include "kernels/team.h"'
offend layers.py 'server/jobs/job.c:3: leads up' server/jobs/job.c '#include "server/http/loop.h"'
offend layers.py 'server/service.c:1: leads up' server/service.c '#include "handlers/route.h"'
offend layers.py 'handlers/route.c:3: leads up' handlers/route.c '#include "server/service.h"'
offend layers.py 'codecs/c/c.cc:4: leads up' codecs/c/c.cc '#include "tests/unit/t.h"'
offend layers.py 'codecs/c/c.cc:4: leads up' codecs/c/c.cc '#include "web.h"'

# It does so by way of a third header, or of two.
clean_tree
lines codecs/c/up.h '/* Internal to codecs/c. */' '#include "handlers/route.h"'
lines server/engine/call.c '#include "codecs/c/up.h"'
check layers.py 'codecs/c/up.h:2: leads up: server/engine/call.c -> codecs/c/up.h -> handlers/route.h'
clean_tree
lines server/engine/near.h '#include "server/engine/far.h"'
lines server/engine/far.h '#include "server/http/loop.h"'
add layers.py 'leads up: server/jobs/job.c -> server/engine/near.h -> server/engine/far.h -> server/http/loop.h' \
    server/jobs/job.c '#include "server/engine/near.h"'

# Somebody else's library.
offend layers.py 'handlers/route.c:3: only server/http/ includes microhttpd.h' handlers/route.c '# include <microhttpd.h>'
offend layers.py 'server/http/loop.c:3: only codecs/ includes jansson.h' server/http/loop.c '#include <jansson.h>'
offend layers.py 'server/engine/call.c:2: only server/system/ includes hwloc.h' server/engine/call.c '#include <hwloc.h>'
offend layers.py 'server/http/loop.c:3: only server/jobs/ includes sqlite3.h' server/http/loop.c '#include "sqlite3.h"'
offend layers.py 'server/http/loop.c:3: only server/jobs/ and server/tracing/ include curl/curl.h' server/http/loop.c '#include <curl/curl.h>'
offend layers.py 'codecs/npy.c:1: only kernels/expression/math/ includes sleef.h' codecs/npy.c '#include <sleef.h>'

# Paths that don't start at the root.
offend layers.py 'server/http/loop.c:3: "loop.h" is no path' server/http/loop.c '#include "loop.h"'
offend layers.py 'handlers/route.c:3: "../server/http/loop.h" is no path' handlers/route.c '#include "../server/http/loop.h"'
offend layers.py 'tests/unit/k_test.c:3: "../lint/x.h" is no path' tests/unit/k_test.c '#include "../lint/x.h"'
offend layers.py 'bench/b.c:1: "b.h" is no path' bench/b.c '#include "b.h"'

# Internal headers: from outside, unmarked, marked wrongly.
offend layers.py 'server/system/clock.c:3: codecs/c/c_inside.h is internal to codecs/c' \
    server/system/clock.c '#include "codecs/c/c_inside.h"'
clean_tree
lines kernels/k/deep.inc '/* Of K. */'
check layers.py 'kernels/k/deep.inc:1: nobody else sees it: begin its comment with "Internal to kernels/k."'
clean_tree
lines handlers/rows.h '/* Rows. Internal to handlers. */'
lines handlers/route.c '#include "handlers/rows.h"'
check layers.py 'handlers/rows.h:1: nobody else sees it: begin its comment with "Internal to handlers."'
clean_tree
lines server/engine/lane.h '#pragma once' '/* Internal to codecs/c. */'
check layers.py 'server/engine/lane.h:1: is not in codecs/c'

# Circles: of .c files by way of each other's headers, of headers, of a file and itself, of three.
clean_tree
lines codecs/c/d.h '/* Internal to codecs/c. */'
lines codecs/c/d.c '#include "codecs/c/d.h"' '#include "codecs/c/c.h"'
add layers.py 'circle of modules: codecs/c/c -> codecs/c/d -> codecs/c/c' codecs/c/c.cc '#include "codecs/c/d.h"'
clean_tree
lines kernels/shape.h '/* Internal to kernels. */' '#include "kernels/team.h"'
check layers.py 'circle of files: kernels/shape.h -> kernels/team.h -> kernels/shape.h'
clean_tree
lines kernels/shape.h '/* Internal to kernels. */' '#include "kernels/shape.h"'
check layers.py 'circle of files: kernels/shape.h -> kernels/shape.h'
clean_tree
lines server/http/route.h '/* Internal to server/http. */'
lines server/http/route.c '#include "server/http/route.h"' '#include "server/http/loop.h"'
lines server/http/reply.h '/* Internal to server/http. */' '#include "server/http/route.h"'
lines server/http/reply.c '#include "server/http/reply.h"'
add layers.py 'circle of modules: server/http/loop -> server/http/reply -> server/http/route -> server/http/loop' \
    server/http/loop.c '#include "server/http/reply.h"'

long=$(printf '\\n%.0s' {1..60})
offend sizes.sh 'kernels/k/k.c:5: b has 62 lines' kernels/k/k.c "void b(void) {$long\n}"
offend sizes.sh 'kernels/k/k.inc:1: b has 62 lines' kernels/k/k.inc "void b(void) {$long\n}"
offend sizes.sh 'handlers/route.c: more than 500 lines' handlers/route.c "$long$long$long$long$long$long$long$long$long"

offend sizes.sh 'web/view.js: more than 500 lines' web/view.js "$long$long$long$long$long$long$long$long$long"
for head in 'function b() {' 'const b = c => {' 'async b() {' 'd(async function () {'; do
    offend sizes.sh 'web/view.js:3: a function of 62 lines' web/view.js "    $head$long\n    }"
done
offend sizes.sh 'web/view.js:4: a function of 63 lines' web/view.js "{\n    function b() {\ntext at the margin$long\n    }\n}"
offend sizes.sh '' web/view.js "{\n    function b() {\n        if (c) {\n        }\n    }$long\n    const d = e => e;$long\n    if (d) {$long\n    }\n}"

offend dialect.py 'web/view.js:3: innerHTML: the page does without' web/view.js 'node.innerHTML = text;'
offend dialect.py 'web/view.js:3: ==: the page does without' web/view.js 'if (b == c) { }'
offend dialect.py 'server/http/loop.c:3: strcpy is banned' server/http/loop.c 'void f(char *to) { strcpy(to, "strcat("); }'
offend dialect.py 'kernels/k/k.c:5: alloca is banned' kernels/k/k.c 'void *f(void) { return alloca (8); }'
offend dialect.py 'kernels/k/k.c:6: if without braces' kernels/k/k.c '/* if (x)\n   y; */ if ((x) && (y))\n  return;'
offend dialect.py 'kernels/k/k.c:5: else without braces' kernels/k/k.c 'if (x) { } else\n  return;'
offend dialect.py 'kernels/k/k.c:5: for without braces' kernels/k/k.c 'for (;;)\n  if (x) { }'
offend dialect.py 'kernels/k/k.c:5: while without braces' kernels/k/k.c '} while (x())\n  y();'
offend dialect.py 'kernels/k/k.c:5: do without braces' kernels/k/k.c 'do x(); while (y);'
offend dialect.py 'kernels/k/k.c:6: if without braces' kernels/k/k.c '#define X(a) \\\n  if (a) \\\n    b'
offend dialect.py 'kernels/k/k.c:5: == NULL' kernels/k/k.c 'int f(void *a) { return a == NULL; }'
offend dialect.py 'kernels/k/k.c:5: NULL !=' kernels/k/k.c 'int f(void *a) { return NULL != a; }'
offend dialect.py 'codecs/c/c.cc:4: == nullptr' codecs/c/c.cc 'bool f(void *a) { return a == nullptr; }'
offend dialect.py 'kernels/team.h:3: _Static_assert' kernels/team.h '_Static_assert(1, "");'
offend dialect.py 'kernels/k/k.c:5: ++i: the sign goes behind' kernels/k/k.c 'for (i = 0; i < 3; ++i) { }'
offend dialect.py 'kernels/k/k.c:5: --b: the sign goes behind' kernels/k/k.c 'for (i = 0; ++i < 3; i++, --b) { }'
offend dialect.py 'kernels/k/k.c:5: ++a->b[i]: the sign goes behind' kernels/k/k.c '{ ++a->b[i]; }'
clean_tree
cat >> "$tree/kernels/k/k.c" << 'END'
#if (A == NULL)
#define STEP(i)                                                                                                        \
    do {                                                                                                               \
        (i)++;                                                                                                         \
    } while (0)
#endif
// if (x) y; == NULL "
static const char *const text = "if (x) y; \" == NULL /* ++i;";
void f(void) {
    for (size_t i = 0; ++i < 5;) {
        g(++i, a[--i], '"', NULL);
    }
    do {
        if (x) {
        } else if (y) {
        } else {
        }
    } while (z);
}
END
check dialect.py ''

# What is to be run: modes, documented commands, Python's braces.
ticks='```'
clean_tree
lines bench/run.py '#!/usr/bin/python3'
check scripts.py "bench/run.py:1: begins with #!, but isn't executable"
chmod +x "$tree/bench/run.py"
cat > "$tree/README.md" << 'END'
Run `bench/run.py --quick`, or

    bench/run.py

```console
$ bench/run.py
bench/run.py
```
see `bench/rows.py` and `kernels/k/k.h`, `/v1/x y`, `build/release/forkjoin --port 0`.
END
check scripts.py ''
lines bench/run.py '#!/usr/bin/python3' '"""Usage: run.py {name}"""' 'print(f"{1} {{x}}" "{\"a\": 1}", f"{1}" "{\"a\"}", "{x}")'
check scripts.py ''
lines bench/run.py ''
chmod -x "$tree/bench/run.py"
check scripts.py 'README.md:1: bench/run.py is shown as a command'
check scripts.py 'README.md:3: bench/run.py is shown as a command'
check scripts.py 'README.md:6: bench/run.py is shown as a command'
offend scripts.py "README.md:2: ./tests/lint.sh is shown as a command, but isn't executable" \
    README.md "${ticks}sh\n./tests/lint.sh x\n$ticks"
offend scripts.py "bench/r.py:2: {THREADS} is left as it is" bench/r.py 'x = 1\nf(f"{x} GB/s "\n  "with {THREADS} threads: {x:.1f}")'
clean_tree
chmod +x "$tree/codecs/c/c.cc"
check scripts.py "codecs/c/c.cc:1: is executable, but doesn't begin with #!"

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
