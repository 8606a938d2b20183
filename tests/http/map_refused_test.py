"""What POST /v1/map refuses, where it says more than what is wrong with a value: names with a pointer's own characters,
names that are options, texts that a query has changed."""

import json
import unittest

import server


class Refused(server.ServerTest):
    options = {"cores": 2, "jobs": "memory"}

    def assert_refused(self, fields, slug, pointer, detail=""):
        with self.subTest(json.dumps(fields)):
            response = self.server.post("/v1/map", fields)
            self.assert_problem(response, 422, slug, pointer)
            self.assertIn(detail, response.json()["detail"])

    def test_names_are_escaped_in_pointers(self):
        for fields, slug, pointer in [
            ({"exprs": {"a~b": "x+"}, "x": [1]}, "invalid-expression", "/exprs/a~0b"),
            ({"exprs": {"a/b": "1//(x>0)"}, "x": [0]}, "no-integer", "/exprs/a~1b"),
            ({"exprs": {"a~b/": "1/x"}, "x": [0]}, "non-finite-result", "/z/a~0b~1/0"),
            ({"exprs": {"": "1/x"}, "x": 0}, "non-finite-result", "/z/"),
            ({"exprs": {"a~b/": 5}}, "wrong-type", "/exprs/a~0b~1"),
            ({"exprs": {"a": "x"}, "x": [1], "a~b/": 5}, "unknown-field", "/a~0b~1"),
            ({"expr": "x", "x": {"data": "d", "~/": 1}}, "unknown-field", "/x/~0~1"),
            ({"exprs": {"/" * 100: "x+"}, "x": [1]}, "invalid-expression", "/exprs/" + "~1" * 44),
        ]:
            self.assert_refused(fields, slug, pointer)

    def test_a_batch_knows_escaped_names_for_its_defaults(self):
        for defaults, item, pointer in [({"a/b": 1}, {}, "/defaults/a~1b"), ({"a~1b": 1}, {}, "/defaults/a~01b"),
                                        ({}, {"a/b": 1}, "/items/0/a~1b")]:
            with self.subTest(pointer):
                answer = self.server.post("/v1/batch", {"op": "/v1/map", "defaults": defaults,
                                                        "items": [{"expr": "x", "x": 1, **item}]}).json()
                self.assertEqual(answer["results"][0]["pointer"], pointer)

    def test_an_option_whose_name_the_expression_says(self):
        advice = "is the name of an option: an operand needs another name"
        for name, value, slug, pointer in [
            ("cores", 2, "wrong-type", "/cores"), ("store", 2, "wrong-type", "/store"),
            ("schedule", 2, "wrong-type", "/schedule"), ("schedule", "fast", "out-of-range", "/schedule"),
            ("threads", [1, 2], "wrong-type", "/threads"), ("threads", 0, "out-of-range", "/threads"),
            ("chunk", [1, 2.5], "wrong-type", "/chunk"), ("timeout_ms", [1], "wrong-type", "/timeout_ms"),
            ("cores", [1.5], "wrong-type", "/cores/0"), ("expires_s", 2, "missing-field", "/store"),
            ("exprs", 2, "conflicting-fields", "/exprs"), ("names", 2, "unknown-field", "/names"),
        ]:
            self.assert_refused({"expr": f"x*{name}", "x": [1], name: value}, slug, pointer, f'; "{name}" {advice}')
            for text in (f"x*{name}2", f"x*a{name}", f"x*_{name}", f"x*{name.upper()}", f"x # {name}"):
                response = self.server.post("/v1/map", {"expr": text, "x": [1], name: value})
                self.assert_problem(response, 422, slug, pointer)
                self.assertNotIn(advice, response.json()["detail"])
        self.assert_refused({"exprs": {"a": "x", "b": "x*cores"}, "x": [1], "cores": 2}, "wrong-type", "/cores", advice)
        self.assert_refused({"expr": "y = x # twice\ny*cores", "x": [1], "cores": 2}, "wrong-type", "/cores", advice)
        for name, value in (("threads", 2), ("axis", 2), ("reduce", 2)):
            self.assert_refused({"expr": f"x*{name}", "x": [1], name: value}, "invalid-expression", "/expr",
                                "this is the name of an option: give the operand another name")
        answer = self.server.post("/v1/batch", {"op": "/v1/map", "items": [{"expr": "x*chunk", "x": 1, "chunk": 2}]})
        self.assertIn(advice, answer.json()["results"][0]["detail"])

    def ask(self, query):
        return self.server.post("/v1/map?" + query, None)

    def test_texts_that_a_query_has_changed(self):
        advice = "; a + in a query is a space: write %2B"
        self.server.request("PUT", "/v1/data/x", b"[1, 2]", headers={"Content-Type": "application/json"})
        for text, message in [
            ("x+2", "at character 3: 2 is where an operator is expected"),
            ("x+x", "at character 3: x is where an operator is expected"),
            ("x%20+%20x", "at character 5: x is where an operator is expected"),
            ("exp(x)+.5", "at character 8: .5 is where"), ("2.+x", "at character 4: x is where"),
            ("(x+1)*2", "at character 4: 1 is where"), ("maximum(x+1,2)", "at character 11: 1 is where"),
            ("x+(x>1)", "at character 1: x is no function"), ("1e+5*x", "at character 1: this is no number"),
        ]:
            with self.subTest(text):
                response = self.ask(f"expr={text}&x=data:x")
                self.assert_problem(response, 422, "invalid-expression", "/expr")
                self.assertIn(message, response.json()["detail"])
                self.assertIn(advice + "\n", response.json()["detail"])
        for text in ("x%2B", "x)%2B1", "x+and+x", "x+if+x", "not+(x)", "x%2B+y", "x%2By", "2x", "x(1)", "+)", "(+)", "x+="):
            with self.subTest(text):
                response = self.ask(f"expr={text}&x=data:x")
                self.assert_problem(response, 422, "invalid-expression", "/expr")
                self.assertNotIn(advice, response.json()["detail"])
        self.assertEqual(self.ask("expr=x%2B1&x=data:x").json()["z"], [2, 3])
        self.assertEqual(self.ask("expr=x%252&x=data:x").json()["z"], [1, 0])
        response = self.server.post("/v1/map", {"expr": "x 2", "x": [1]})
        self.assertNotIn(advice, response.json()["detail"])

    def test_percent_and_ampersand_in_a_query(self):
        response = self.ask("expr=x%2&x=1")
        self.assert_problem(response, 400, "malformed-request")
        self.assertIn("not a well-formed URL", response.json()["detail"])
        for query, slug, pointer in [("expr=(x>0)&(x<2)&x=1", "wrong-type", "/(x<2)"),
                                     ("expr=x>0&x<2&x=1", "wrong-type", "/x<2"),
                                     ("expr=x>0&y>=2&x=1&y=2", "unknown-field", "/y>"),
                                     ("expr=x>0&y<=x&x=1&y=2", "wrong-type", "/y<"),
                                     ("expr=x==1&y==2&x=1", "wrong-type", "/y")]:
            response = self.ask(query)
            self.assert_problem(response, 422, slug, pointer)
            self.assertIn("; a & within a text is written %26", response.json()["detail"])
        self.assert_refused({"expr": "x", "x": 1, "y>": 2}, "unknown-field", "/y>", "and none of Python's own words")
        self.assertNotIn("%26", self.server.post("/v1/map", {"expr": "x", "x": 1, "y>": 2}).json()["detail"])
        for query in ("expr=x&lambda=2&x=1", "expr=x&my-data=foo&x=1", "expr=x&gr%C3%B6%C3%9Fe=foo&x=1"):
            response = self.ask(query)
            self.assertEqual(response.status, 422)
            self.assertNotIn("%26", response.json()["detail"])
        self.assertIn("; or data:name for named data", self.ask("expr=x&my-data=foo&x=1").json()["detail"])
        self.assertEqual(self.ask("expr=(x>0)%26(x<2)&x=1").json()["z"], True)


if __name__ == "__main__":
    unittest.main()
