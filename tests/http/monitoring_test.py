"""packaging/monitoring: Debian's Prometheus scrapes a service that all kinds of things are asked of, and every query of the
board and of the alerts has something to show. What promtool says of the files, too. CI has both.

ctest: may skip
"""

import contextlib
import itertools
import json
import math
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

import collector
import server

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "packaging" / "monitoring"
BOARD = json.loads((FOLDER / "forkjoin_board.json").read_text())
MANUAL = (ROOT / "docs" / "monitoring.md").read_text()
NAME = re.compile(r"\b((?:forkjoin|process)_[a-z_]+)\b")
SUFFIX = re.compile(r"_(?:bucket|sum|count)\Z")
ENDLESS = {"ranges": [100_000_000] * 1000, "threads": 1}
MAY_BE_ZERO = {"Log lines dropped"}  # a healthy service has nothing else to show there
PROMETHEUS_PATIENCE_S = 120.0


def queries():
    """(panel's title, query) for all of the board, its rows' and its variables' included."""
    panels = list(BOARD["panels"])
    for panel in panels:
        panels.extend(panel.get("panels", []))
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def variables():
    return {variable["name"]: variable for variable in BOARD["templating"]["list"]}


def resolve(expression):
    """As Grafana does with "All" chosen for each variable, and with a busy machine's scrapes in mind."""
    values = {"__rate_interval": "60s"} | {name: ".+" for name, variable in variables().items() if variable["type"] == "query"}
    return re.sub(r"\$(\w+)", lambda found: values[found.group(1)], expression)


def metrics_of(expressions):
    return {name for expression in expressions for name in NAME.findall(expression)}


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


class Prometheus:
    """A Prometheus on a free port, with the example's configuration but for the target and how often."""

    def __init__(self, folder, target):
        import yaml

        config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
        for rules in config["rule_files"]:
            shutil.copy(FOLDER / rules, folder)
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self.lines = []
        self.address = None
        self.listening = threading.Event()
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             "--web.listen-address=127.0.0.1:0", "--storage.tsdb.retention.time=1h"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if not self.listening.wait(server.PATIENCE_S) or not self.address:
            self.stop()
            raise AssertionError("Prometheus did not start: " + "\n".join(self.lines))

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            found = re.search(r'Listening on"? .*?address=(127\.0\.0\.1:[1-9]\d*)', line)
            if found:
                self.address = found.group(1)
                self.listening.set()
        self.listening.set()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.reader.join()
        self.process.stderr.close()

    def ask(self, path, **arguments):
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"
        with urllib.request.urlopen(url, timeout=server.PATIENCE_S) as answer:
            return json.load(answer)["data"]

    def shows(self, expression, begun):
        """All numbers that a panel would draw of the last minutes."""
        series = self.ask("query_range", query=expression, start=begun, end=time.time(), step=1)["result"]
        return [value for one in series for value in (float(text) for _, text in one["values"]) if math.isfinite(value)]

    def is_scraped(self):
        try:
            return [one["value"][1] for one in self.ask("query", query="up")["result"]] == ["1"]
        except OSError:
            return False  # it listens before it is ready


class Traffic:
    """Everything that the board shows, again and again until it is stopped."""

    def __init__(self, under_test):
        self.server = under_test
        self.stopping = threading.Event()
        self.failures = []
        self.threads = [threading.Thread(target=self._repeat, args=(work,))
                        for work in (self.compute, self.queue, self.queue, self.queue, self.queue, self.leave, self.jobs, self.data)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def _repeat(self, work):
        try:
            while not self.stopping.is_set():
                work()
                time.sleep(0.1)
        except Exception as error:  # it is the test's to say
            self.failures.append(error)

    def compute(self):
        for threads in (1, 2):
            self.server.post("/v1/gaussian/sum", {"x": [[0, 1]] * 2000, "weights": [1] * 2000, "threads": threads})
        self.server.request("QUERY", "/v1/wordcount", {"text": "a b a", "word": "a"})
        self.server.request("POST", "/v1/wordcount", server.zen(2000), {"Content-Type": "text/plain"})
        self.server.post("/v1/batch", {"op": "/v1/gaussian", "items": [{"x": [0, 1], "y": 0}] * 20})
        for path, body in (("/v1/map", {"expr": "x +", "x": [1]}), ("/v1/gaussian", {"x": "a"}), ("/nowhere", {})):
            assert self.server.post(path, body).status >= 400

    def queue(self):
        """Four at once for one core and two places: one waits at each moment, and one is refused."""
        self.server.post("/v1/triangular", ENDLESS | {"timeout_ms": 1500})

    def leave(self):
        body = json.dumps(ENDLESS).encode()
        with self.server.socket() as connection:
            connection.sendall(server.post_head("/v1/triangular", len(body)) + body)
            time.sleep(0.3)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    def jobs(self):
        long_text = {"text": "a b " * 20_000, "word": "a"}
        for body, path in ((long_text, "/v1/wordcount"), ({"ranges": [10]}, "/v1/triangular")):
            self.server.post(path, body, headers={"Prefer": "respond-async"})
        waiting = [self.server.post("/v1/triangular", ENDLESS, headers={"Prefer": "respond-async"}) for _ in range(2)]
        time.sleep(1.5)
        for answer in waiting:
            if answer.status == 202:
                self.server.request("DELETE", answer.headers["Location"])

    def data(self):
        self.server.request("PUT", "/v1/data/kept", b"x" * 100_000, {"Content-Type": "text/plain"})
        self.server.get("/v1/data/kept")


@contextlib.contextmanager
def crowd(under_test):
    """More jobs than are taken up at once: the oldest one waits. Nobody else may ask for anything, or some are refused."""
    answers = [under_test.post("/v1/triangular", ENDLESS, headers={"Prefer": "respond-async"}) for _ in range(150)]
    assert {answer.status for answer in answers} == {202}
    yield
    for answer in answers:
        under_test.request("DELETE", answer.headers["Location"])


class Live(unittest.TestCase):
    maxDiff = None

    def test_every_query_of_the_board_shows_something(self):
        with contextlib.ExitStack() as stack:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            traces = stack.enter_context(collector.Collector())
            under_test = stack.enter_context(server.Server(
                cores=2, queue=2, jobs="durable", state_dir=folder / "state", job_cores=1, otlp=traces.url))
            prometheus = Prometheus(folder, f"{under_test.host}:{under_test.port}")
            stack.callback(prometheus.stop)
            server.wait_until(prometheus.is_scraped, "Prometheus has scraped it")
            begun = time.time()
            with crowd(under_test):
                waiting = [(title, query) for title, query in queries() if "forkjoin_jobs_oldest_seconds" in query]
                server.wait_until(lambda: all(self.is_shown(prometheus, *query, begun) for query in waiting), "the crowd is seen")
            traffic = stack.enter_context(Traffic(under_test))
            left = list(queries())
            end = time.monotonic() + PROMETHEUS_PATIENCE_S
            while left and time.monotonic() < end and not traffic.failures:
                time.sleep(1)
                left = [(title, query) for title, query in left if not self.is_shown(prometheus, title, query, begun)]
            self.assertEqual((left, traffic.failures), ([], []), prometheus.lines[-5:])
            self.look_at_variables(prometheus)
            self.look_at_alerts(prometheus)
            self.compare_names(prometheus)

    def is_shown(self, prometheus, title, query, begun):
        values = prometheus.shows(resolve(query), begun)
        return any(values) or (values and title in MAY_BE_ZERO)

    def look_at_variables(self, prometheus):
        found = {}
        for name, variable in variables().items():
            if variable["type"] == "query":
                selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", resolve(variable["query"]["query"])).groups()
                series = prometheus.ask("query", query=f"group by ({label}) ({selector})")["result"]
                found[name] = sorted(one["metric"][label] for one in series)
        self.assertEqual((found["job"], len(found["instance"])), (["forkjoin"], 1))
        self.assertLessEqual({"/v1/triangular", "/v1/data/{name}", "/v1/jobs/{id}", "none"}, set(found["endpoint"]))

    def look_at_alerts(self, prometheus):
        def is_evaluated():
            rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
            return rules and all(rule["health"] != "unknown" for rule in rules)

        server.wait_until(is_evaluated, "all alerts were evaluated")
        for group in prometheus.ask("rules")["groups"]:
            for rule in group["rules"]:
                self.assertEqual((rule["health"], rule.get("lastError")), ("ok", None), rule["name"])

    def compare_names(self, prometheus):
        """A metric that isn't on the board, or of another name there, or in an alert, is a mistake."""
        there = set(prometheus.ask("label/__name__/values"))
        families = {SUFFIX.sub("", name) if SUFFIX.sub("", name) + "_bucket" in there else name
                    for name in there if NAME.fullmatch(name)}
        used = metrics_of(query for _, query in queries())
        self.assertEqual(families - {SUFFIX.sub("", name) for name in used} - used, set())
        self.assertLessEqual(used | metrics_of(rule["expr"] for rule in rules_of()), there)


def rules_of():
    import yaml

    groups = yaml.safe_load((FOLDER / "forkjoin_alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def anchor(heading):
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


class Files(unittest.TestCase):
    maxDiff = None

    def test_promtool_finds_nothing(self):
        for command in (("check", "config", FOLDER / "prometheus.yml"), ("check", "rules", FOLDER / "forkjoin_alerts.yml"),
                        ("test", "rules", FOLDER / "forkjoin_alerts_test.yml")):
            done = run("promtool", *command)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_alerts_that_never_fire_or_always_do_are_noticed(self):
        import yaml

        document = yaml.safe_load((FOLDER / "forkjoin_alerts.yml").read_text())
        tests = yaml.safe_load((FOLDER / "forkjoin_alerts_test.yml").read_text())["tests"]
        alerts = {rule["alert"] for rule in rules_of()}
        for expression, is_missed in (("vector(1) == 0", True), ("vector(1)", False)):
            with self.subTest(expression), tempfile.TemporaryDirectory() as name:
                folder = pathlib.Path(name)
                for rule in document["groups"][0]["rules"]:
                    rule |= {"expr": expression, "for": "0s"}
                (folder / "forkjoin_alerts.yml").write_text(yaml.safe_dump(document))
                shutil.copy(FOLDER / "forkjoin_alerts_test.yml", folder)
                done = run("promtool", "test", "rules", folder / "forkjoin_alerts_test.yml")
                found = set(re.findall(r"name: (.*),$", done.stdout + done.stderr, re.MULTILINE))
                off = [test for test in tests if bool(test["alert_rule_test"][0]["exp_alerts"]) == is_missed]
                self.assertLessEqual({test["name"] for test in off}, found)
                self.assertEqual({test["alert_rule_test"][0]["alertname"] for test in off}, alerts)

    def test_each_alert_has_a_section_in_the_manual_and_no_section_is_left_over(self):
        rules = rules_of()
        sections = {f"docs/monitoring.md#{anchor(heading)}": heading
                    for heading in re.findall(r"^### (Forkjoin\w+)$", MANUAL, re.MULTILINE)}
        self.assertEqual({rule["annotations"]["runbook"]: rule["alert"] for rule in rules}, sections)
        self.assertEqual(len(rules), len(sections))
        for rule in rules:
            self.assertIn(rule["labels"]["severity"], ("warning", "critical"))

    def test_the_board_is_whole(self):
        panels = BOARD["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        self.assertGreaterEqual(BOARD["schemaVersion"], 36)
        self.assertEqual(variables()["datasource"]["type"], "datasource")
        sources = [source for panel in panels for source in
                   [panel.get("datasource")] + [target["datasource"] for target in panel.get("targets", [])] if source]
        self.assertEqual({source["uid"] for source in sources}, {"${datasource}"})
        for left, right in itertools.combinations((panel["gridPos"] for panel in panels), 2):
            apart = (left["x"] + left["w"] <= right["x"] or right["x"] + right["w"] <= left["x"] or
                     left["y"] + left["h"] <= right["y"] or right["y"] + right["h"] <= left["y"])
            self.assertTrue(apart, (left, right))
        for panel in panels:
            self.assertLessEqual(panel["gridPos"]["x"] + panel["gridPos"]["w"], 24)
            letters = [target["refId"] for target in panel.get("targets", [])]
            self.assertEqual(len(set(letters)), len(letters))
            self.assertTrue(panel["type"] == "row" or letters, panel["title"])


if __name__ == "__main__":
    missing = [tool for tool in ("prometheus", "promtool") if not shutil.which(tool)]
    if missing:
        print(f"nothing tested: {' and '.join(missing)} not installed (Debian: prometheus, from 13 on promtool as well)")
        sys.exit(77)
    unittest.main()
