"""Where a JSON body's first mistake is, by brute force and Python's word for what is JSON: a beginning of the body that no
tail makes JSON has one byte too many. What is wrong as a whole is sought beside that and has the place of its first byte: a
character that isn't UTF-8, the escape of half a surrogate pair, a number beyond doubles, a name that is there already.
"""

import codecs
import json
import math
import re

OUTSIDE = ("", "0", ":0", '"~q~":0', "l", "ll", "ull", "se", "lse", "alse", "e", "ue", "rue")
INSIDE = tuple(escape + end for escape in ("", "n", "0041", "041", "41", "1")
               for end in ('"', '":0', '~q~"', '~q~":0'))
ESCAPES = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
                     re.DOTALL)
HIGH = re.compile(r"\\u[dD][89abAB]")


def _refuse(_what):
    raise ValueError


def _unique(pairs):
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError
    return dict(pairs)


def _in_range(digits):
    if math.isinf(float(digits)):
        raise ValueError
    return 0


def _is_json(text, strict):
    more = {"object_pairs_hook": _unique, "parse_float": _in_range, "parse_int": _in_range} if strict else {}
    try:
        json.loads(text, parse_constant=_refuse, **more)
    except ValueError:
        return False
    return True


def _state(text):
    """Where the string begins that the text ends in, or None, and what closes the brackets that are open."""
    string_at, closing, at = None, [], 0
    while at < len(text):
        if string_at is not None:
            if text[at] == '"':
                string_at = None
            at += text[at] == "\\"
        elif text[at] == '"':
            string_at = at
        elif text[at] in "[{":
            closing.append("]" if text[at] == "[" else "}")
        elif text[at] in "]}" and closing:
            closing.pop()
        at += 1
    return string_at, "".join(reversed(closing))


def _is_beginning(text, strict):
    string_at, closing = _state(text)
    return any(_is_json(text + tail + closing, strict) for tail in (OUTSIDE if string_at is None else INSIDE))


def _longest(text, strict):
    """What is no beginning of JSON is none of anything longer."""
    good, bad = 0, len(text) + 1
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if _is_beginning(text[:middle], strict) else (good, middle)
    return good


def _lone(text, place):
    for escape in ESCAPES.finditer(text[:place]):
        at = escape.start()
        is_cut = HIGH.match(text, at) and text[at + 6:at + 8] == "\\u" and place < at + 12
        if escape["lone"] and not is_cut:
            return at
    return place


def _token(text, at, place):
    """The first character of the name or the number that can't be what it is at `at`."""
    string_at, _ = _state(text[:at])
    if string_at is not None:
        return place if _state(text[:place])[0] == string_at else string_at
    while at > 0 and text[at - 1] in "0123456789+-.eE":
        at -= 1
    return at


def place(body):
    """Counted in bytes from 1; None: the body is JSON, its names are there once, and its numbers are doubles."""
    if body.startswith(codecs.BOM_UTF8):
        found = place(body[len(codecs.BOM_UTF8):])
        return found and found + len(codecs.BOM_UTF8)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        text = body[:error.start].decode()
    form = _longest(text, strict=False)
    meant = _longest(text[:form], strict=True)
    lone = _lone(text, form)
    if form == meant == lone == len(text) and len(text.encode()) == len(body) and _is_json(text, strict=True):
        return None
    found = min(_token(text, meant, form) if meant < form else form, lone)
    return len(text[:found].encode()) + 1
