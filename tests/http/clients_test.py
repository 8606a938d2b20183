"""What real clients send in Accept and Content-Type gets an answer wherever one makes sense."""

import json
import unittest

import server

WORD, GAUSS = "/v1/wordcount", "/v1/gaussian"
BODY = json.dumps({"text": "is it", "word": "is"}).encode()

# client: its Accept, if it sends any
ACCEPTS = {
    "curl, requests, Ruby, Postman, wget": "*/*",
    "Go, .NET, urllib, PHP": None,
    "Java's HttpURLConnection": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
    "Firefox": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Chrome": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
              "application/signed-exchange;v=b3;q=0.7",
    "Internet Explorer": "image/gif, image/jpeg, application/x-shockwave-flash, */*",
    "axios, Angular": "application/json, text/plain, */*",
    "Spring's RestTemplate": "application/json, application/*+json",
    "Spring, a String": "text/plain, application/json, application/*+json, */*",
    "httr of R": "application/json, text/xml, application/xml, */*",
    "jQuery": "application/json, text/javascript, */*; q=0.01",
    "a .NET proxy": "application/json;odata=verbose;charset=utf-8",
    "a bare star": "*",
    "empty elements": ",,application/json,,",
    "empty": "",
    "white space": "application/json ; q = 0.5 ,\t*/* ;\tq=.1",
    "a broken weight": "application/json;q=high",
    "a quoted comma": 'application/json; profile="a,b"',
}
REFUSED = ["text/html", "text/html, */*;q=0", "application/json;q=0", "*;q=0", "*/*;q=.0", "text/*"]

CHARSETS = ["utf8", "UTF8", "utf-8", "UTF-8", '"utf-8"', '"utf\\-8"', "us-ascii", "ascii", "iso646-us",
            "ansi_x3.4-1968", "csUTF8", "unicode-1-1-utf-8", "x-unicode20utf8"]
OTHERS = ["latin-1", "iso-8859-1", "windows-1252", "utf-16", "utf-7", "binary"]


class Clients(server.ServerTest):
    def test_who_takes_anything_gets_json(self):
        for client, accept in ACCEPTS.items():
            with self.subTest(client):
                wanted = {} if accept is None else {"Accept": accept}
                posted = self.server.post(WORD, BODY, headers={"Content-Type": "application/json"} | wanted)
                self.assertEqual((posted.status, posted.json().get("count")), (200, 1), posted)
                self.assertEqual(posted.headers["Content-Type"], "application/json")
                for path in ("/", "/v1/system"):
                    self.assertEqual(self.server.get(path, headers=wanted).status, 200, path)

    def test_who_takes_nothing_that_there_is_is_told_so(self):
        for accept in REFUSED:
            with self.subTest(accept):
                headers = {"Content-Type": "application/json", "Accept": accept}
                self.assert_problem(self.server.post(WORD, BODY, headers=headers), 406, "not-acceptable")

    def test_probes_answer_whatever_is_accepted(self):
        for path in ("/livez", "/readyz", "/healthz"):
            for accept in [*REFUSED, "image/png", "garbage;;=,\"", *filter(None, ACCEPTS.values())]:
                with self.subTest(path=path, accept=accept):
                    response = self.server.get(path, headers={"Accept": accept})
                    self.assertEqual(response.status, 200, response)
                    self.assertEqual(response.headers["Content-Type"], "application/json")

    def test_every_name_of_utf8_and_ascii_is_known(self):
        for charset in CHARSETS:
            for line in (f"charset={charset}", f" ; Charset = {charset} ; a=b"):
                with self.subTest(line):
                    kind = {"Content-Type": f"application/json;{line}"}
                    self.assertEqual(self.server.post(WORD, BODY, headers=kind).json().get("count"), 1)
                    text = {"Content-Type": f"text/plain;{line}"}
                    self.assertEqual(self.server.post(WORD + "?word=is", b"is it", headers=text).json()["count"], 1)

    def test_another_charset_is_named(self):
        for charset in OTHERS:
            for media in ("application/json", "text/plain"):
                with self.subTest(charset=charset, media=media):
                    response = self.server.post(WORD, BODY, headers={"Content-Type": f"{media}; charset={charset}"})
                    self.assert_problem(response, 415, "unsupported-media-type")
                    self.assertIn(f'"{charset}"', response.json()["detail"])


if __name__ == "__main__":
    unittest.main()
