"""What the tests of named data share: a server with an empty store for each test, and calls by name.

Debian's own Python has NumPy: another one in PATH may lack it."""

import arrays
import server

JSON = "application/json"
NPY = arrays.NPY
TEXT = "text/plain"


class Case(server.ServerTest):
    """Each test has the store to itself, which is as empty before as after."""

    def setUp(self):
        self.assertEqual(server.health(self.server)["data"]["used_bytes"], 0)

    def tearDown(self):
        self.assertEqual(self.server.request("DELETE", "/v1/data?all=true").status, 200)
        server.wait_until(lambda: server.health(self.server)["data"]["used_bytes"] == 0, "nothing is held")

    def put(self, name, body, media=JSON, query="", **headers):
        named = {field.replace("_", "-"): value for field, value in headers.items()}
        path = f"/v1/data/{name}" + (query and "?" + query)
        return self.server.request("PUT", path, body, headers={"Content-Type": media, **named})

    def kept(self, *arguments, **more):
        response = self.put(*arguments, **more)
        self.assertIn(response.status, (200, 201), response)
        return response

    def get(self, name, accept=None, method="GET", **headers):
        named = {field.replace("_", "-"): value for field, value in headers.items()}
        return self.server.request(method, f"/v1/data/{name}", headers={**({"Accept": accept} if accept else {}), **named})

    def array(self, name):
        response = self.get(name, NPY)
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, NPY), response)
        return arrays.loaded(response.body)

    def delete(self, name, **headers):
        named = {field.replace("_", "-"): value for field, value in headers.items()}
        return self.server.request("DELETE", f"/v1/data/{name}", headers=named)

    def gaussian(self, **fields):
        response = self.server.post("/v1/gaussian", fields)
        self.assertIn(response.status, (200, 201), response)
        return response.json()
