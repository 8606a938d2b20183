"""The same work inside a Python process, without any service: the standard library, and NumPy where it is installed.

Each function takes a request's body and returns the answer's; decoding and encoding are part of the work.
"""

import array
import io
import json
import math
import time

try:
    import numpy
except ImportError:
    numpy = None


def count_json(body):
    request = json.loads(body)
    return json.dumps({"count": count_lines(request["text"], request["word"])}).encode()


def count_text(body, word="is"):
    return json.dumps({"count": count_lines(body.decode(), word)}).encode()


def count_lines(text, word):
    return sum(line.split(" ").count(word) for line in text.split("\n"))


def gaussian_json(body):
    request = json.loads(body)
    exp = math.exp
    return json.dumps({"z": [exp(-(x - y) * (x - y)) for x, y in zip(request["x"], request["y"])]}).encode()


def gaussian_json_numpy(body):
    request = json.loads(body)
    difference = numpy.array(request["x"]) - numpy.array(request["y"])
    return json.dumps({"z": numpy.exp(-difference * difference).tolist()}).encode()


def gaussian_npy(body):
    """Knows only the header that npy_file in peer_rows.py writes."""
    middle, header_bytes = len(body) // 2, 128
    x, y = array.array("d", body[header_bytes:middle]), array.array("d", body[middle + header_bytes:])
    exp = math.exp
    return body[:header_bytes] + array.array("d", [exp(-(a - b) * (a - b)) for a, b in zip(x, y)]).tobytes()


def gaussian_npy_numpy(body):
    source, result = io.BytesIO(body), io.BytesIO()
    difference = numpy.load(source) - numpy.load(source)
    numpy.save(result, numpy.exp(-difference * difference))
    return result.getvalue()


def with_numpy(plain, vectorised):
    """[(name, function)] of those that can run here."""
    return [("Python", plain)] + ([("NumPy", vectorised)] if numpy else [])


def best_ms(function, body, seconds):
    """The shortest of as many runs as fit, one at least: the kindest figure for the peer."""
    best, end = math.inf, time.monotonic() + seconds
    while best == math.inf or time.monotonic() < end:
        begun = time.monotonic()
        function(body)
        best = min(best, (time.monotonic() - begun) * 1000)
    return best
