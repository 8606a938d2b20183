#!/usr/bin/env python3
"""openapi_json.py INPUT OUTPUT: writes openapi.yaml as JSON, without any space, its members in their order.

OpenAPI 3.1 asks for the JSON schema of YAML 1.2, PyYAML reads YAML 1.1, where `on` is a boolean, 2026-01-31 a date and
12:30 the number 750. So plain scalars are resolved by YAML 1.2's core schema here (10.3.2). What JSON can't say the same
way ends the build: a name that occurs twice, or that is no text, an anchor that makes a circle, a number beyond a double.
"""

import json
import re
import sys

import yaml


class CoreLoader(yaml.SafeLoader):
    """SafeLoader with the tags of YAML 1.2's core schema."""

    yaml_implicit_resolvers = {}

    def construct_mapping(self, node, deep=False):
        names = [name.value for name, _ in node.value]
        for name, _ in node.value:
            if name.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(None, None, f'the name {name.value} is no text: quote it', name.start_mark)
            if names.count(name.value) > 1:
                raise yaml.constructor.ConstructorError(None, None, f'"{name.value}" occurs twice', name.start_mark)
        return super().construct_mapping(node, deep)

    def construct_integer(self, node):
        """Without 1.1's octal 017, 1_000 and 12:30."""
        return int(node.value, 0 if node.value[:2] in ("0o", "0x") else 10)


for tag, pattern, first in (
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
        ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
        ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
         list("-+0123456789."))):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"), first)
CoreLoader.add_constructor("tag:yaml.org,2002:int", CoreLoader.construct_integer)


def main():
    source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        document = yaml.load(file, CoreLoader)  # a SafeLoader: it makes no objects
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
