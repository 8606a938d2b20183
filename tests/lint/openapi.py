#!/usr/bin/python3
"""Checks an OpenAPI 3.1 description and prints what is wrong with it; exit 1 if anything is.

Checked are its structure (openapi.schema.yaml), its schemas (JSON Schema's meta-schema), that references lead somewhere and
components are used, that operation ids and path parameters fit, and that every example is valid under its schema.

Usage: openapi.py <file>             check
       openapi.py --problems <file>  print the slugs of the problem types it lists
"""

import json
import pathlib
import re
import sys

import jsonschema
import yaml

PROBLEM_PREFIX = "urn:forkjoin:problem:"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def pointer(path):
    return "#/" + "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in path)


def walk(node, path=()):
    """Every object of the document with the path that leads to it; what stands in examples is data and left out."""
    if isinstance(node, dict):
        yield path, node
        for name, value in node.items():
            if name not in ("example", "examples", "value", "default", "const", "enum") or path[-1:] == ("properties",):
                yield from walk(value, path + (name,))
            elif name == "examples" and isinstance(value, dict):
                yield from walk(value, path + (name,))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, path + (index,))


def resolve(document, node):
    """The object that node refers to, or node itself; KeyError when the reference leads nowhere."""
    while isinstance(node, dict) and "$ref" in node:
        target = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def structure_errors(document):
    rules = yaml.safe_load(pathlib.Path(__file__).with_name("openapi.schema.yaml").read_text(encoding="utf-8"))
    for error in jsonschema.Draft202012Validator(rules).iter_errors(document):
        yield f"{pointer(error.absolute_path)}: {error.message[:300]}"


def reference_errors(document):
    used = set()
    for path, node in walk(document):
        if isinstance(node.get("$ref"), str):
            used.add(node["$ref"])
            try:
                resolve(document, node)
            except (KeyError, TypeError):
                yield f"{pointer(path)}: {node['$ref']} leads nowhere"
    for kind, members in document.get("components", {}).items():
        for name in members:
            if pointer(("components", kind, name)) not in used:
                yield f"{pointer(('components', kind, name))}: never used"


def operation_errors(document):
    seen = set()
    for path, item in document["paths"].items():
        for method in METHODS:
            operation = item.get(method)
            if operation is None:
                continue
            where = pointer(("paths", path, method))
            if operation["operationId"] in seen:
                yield f"{where}: operationId {operation['operationId']} occurs twice"
            seen.add(operation["operationId"])
            parameters = [resolve(document, one) for one in item.get("parameters", []) + operation.get("parameters", [])]
            declared = {one["name"] for one in parameters if one["in"] == "path"}
            if declared != set(re.findall(r"{([^}]+)}", path)):
                yield f"{where}: the path's parameters and the declared ones differ: {sorted(declared)}"


def schemas(document):
    """Every outermost schema with its path: what stands under a "schema" member or in components/schemas."""
    for path, node in walk(document):
        if "schema" in node and "properties" not in path:
            yield path + ("schema",), node["schema"]
        if path == ("components", "schemas"):
            for name, schema in node.items():
                yield path + (name,), schema


def schema_errors(document):
    for path, schema in schemas(document):
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            yield f"{pointer(path + tuple(error.absolute_path))}: {error.message[:300]}"


def examples(document):
    """Every example with its path and schema."""
    for path, node in walk(document):
        if "schema" in node and "properties" not in path:
            if "example" in node:
                yield path + ("example",), node["schema"], node["example"]
            for name, example in node.get("examples", {}).items():
                value = resolve(document, example)
                if "value" in value:
                    yield path + ("examples", name), node["schema"], value["value"]
        elif isinstance(node.get("examples"), list) and path[-1:] != ("properties",):
            for index, value in enumerate(node["examples"]):
                yield path + ("examples", index), node, value


def example_errors(document):
    for path, schema, value in examples(document):
        # References lead into the document, so the schema is checked as a part of it.
        whole = {"components": document.get("components", {}), "allOf": [schema]}
        for error in jsonschema.Draft202012Validator(whole).iter_errors(value):
            yield f"{pointer(path)}{pointer(error.absolute_path)[1:]}: {error.message[:300]}"


def problem_slugs(document):
    """Slugs of the problem types: the members of every enum of such types, and constants."""
    for _, node in walk(document):
        for value in node.get("enum", []) + [node.get("const")]:
            if isinstance(value, str) and value.startswith(PROBLEM_PREFIX):
                yield value.removeprefix(PROBLEM_PREFIX)


def check(document):
    # Later checks rely on what earlier ones found in order.
    for errors in (structure_errors, reference_errors, operation_errors, schema_errors, example_errors):
        found = list(errors(document))
        if found:
            print("\n".join(found))
            return 1
    return 0


def main():
    # By way of JSON, which is what the description stands for: member names become strings there (200 is a status).
    document = json.loads(json.dumps(yaml.safe_load(pathlib.Path(sys.argv[-1]).read_text(encoding="utf-8"))))
    if "--problems" in sys.argv[1:-1]:
        print("\n".join(sorted(set(problem_slugs(document)))))
        return 0
    return check(document)


if __name__ == "__main__":
    sys.exit(main())
