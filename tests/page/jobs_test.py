"""The page's view Jobs: the list and one job, while it runs, when it is over, and where there is none."""

import io
import pathlib
import sys
import tempfile
import unittest

import numpy as np
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.support.ui import Select

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import browser  # noqa: E402
import server  # noqa: E402

ASYNC = {"Prefer": "respond-async"}
JOBS = "/v1/jobs"
LONG = {"op": "/v1/triangular", "request": {"ranges": [130_000_000] * 1000, "threads": 1}}
HOSTILE = "<img src=x onerror=alert(1)>\"'é"


class JobsTest(browser.PageTest):
    view = "jobs"
    options = {"cores": 2}
    expected = ("404 (Not Found)", "422 (Unprocessable Content)", "503 (Service Unavailable)")  # each is asked for

    def status(self, job):
        return self.server.get(f"{JOBS}/{job}").json()["status"]

    def run_long(self, name):
        """A job that ends when it is cancelled."""
        self.assertEqual(self.server.request("PUT", f"{JOBS}/{name}", LONG).status, 201)
        self.addCleanup(lambda: [self.server.request("DELETE", f"{JOBS}/{name}") for _ in range(2)])
        server.wait_until(lambda: self.status(name) == "running", f"{name} runs")

    def run_short(self, path, body, **headers):
        """The id of a job that is over."""
        job = self.server.post(path, body, headers={**ASYNC, **headers}).json()["id"]
        server.wait_until(lambda: self.status(job) not in ("accepted", "running"), f"{job} is over")
        return job

    def row(self, job):
        """What the list says of a job, or None."""
        return self.script(
            "const link = document.querySelector(`#view-jobs td a[href='#jobs/${arguments[0]}']`);"
            "return link && link.closest('tr').innerText", job)

    def said(self, selector="#view-jobs"):
        while True:
            try:
                return self.find(selector).text
            except StaleElementReferenceException:
                pass  # it was filled anew in between

    def choose(self, status):
        Select(self.find("#jobs-status")).select_by_visible_text(status)

    def forget_all(self):
        for job in self.server.get(f"{JOBS}?limit=1000").json()["jobs"]:
            self.server.request("DELETE", f"{JOBS}/{job['id']}")

    def follow(self, name):
        """From the list to the job, which is cancelled after the question was declined once, and deleted."""
        self.run_long(name)
        self.open("jobs")
        self.until(lambda: "Running" in (self.row(name) or ""), "the list has it")
        self.assertIn("/v1/triangular", self.row(name))
        self.find("#view-jobs td progress")
        self.assert_fits()
        self.click(f"#view-jobs td a[href='#jobs/{name}']")
        self.until(lambda: "It runs" in self.said(), "the job is shown")
        self.assertIn("/v1/triangular", self.said(".facts"))
        self.assertEqual(self.script("return document.activeElement.tagName"), "H1", "the focus isn't lost")
        self.find("#view-jobs progress")
        self.assert_fits()
        self.click(f"[aria-label='Cancel job {name}']")
        self.assertIn("Cancel this job?", self.said())
        self.assertEqual(self.script("return document.activeElement.textContent"), "Go on", "declining has the focus")
        self.browser.switch_to.active_element.click()
        self.assertEqual(self.status(name), "running")
        self.click(f"[aria-label='Cancel job {name}']")
        self.click(".confirm .danger")
        self.until(lambda: "It was cancelled" in self.said(), "it is cancelled")
        self.assertEqual(self.status(name), "dismissed")
        self.click(f"[aria-label='Delete job {name}']")
        self.click(".confirm .danger")
        self.until(lambda: self.script("return location.hash") == "#jobs", "the list is shown again")
        self.assertEqual(self.server.get(f"{JOBS}/{name}").status, 404)
        self.until(lambda: self.row(name) is None and "Loading" not in self.said(), "it isn't in the list")

    def test_a_job_is_followed_cancelled_and_deleted_on_a_desk(self):
        self.follow("desk")

    def test_a_job_is_followed_cancelled_and_deleted_on_a_phone(self):
        self.at(browser.PHONE)
        self.follow("phone")

    def test_the_list_follows_what_others_do_and_keeps_the_focus(self):
        self.run_long("watched")
        self.open("jobs")
        self.until(lambda: "Running" in (self.row("watched") or ""), "the list has it")
        self.script("document.querySelector(`#view-jobs td a[href='#jobs/watched']`).focus()")
        self.server.request("DELETE", f"{JOBS}/watched")
        self.until(lambda: "Cancelled" in self.row("watched"), "the list is asked for again")
        self.assertEqual(self.script("return document.activeElement.textContent"), "watched")
        self.assertEqual(self.find_all("#view-jobs td progress"), [], "nothing is at work any more")

    def test_the_list_is_asked_for_again_only_while_that_makes_sense(self):
        self.run_long("polled")
        self.open("jobs")
        self.script("""
            window.planned = new Set();
            const [set, clear] = [window.setTimeout, window.clearTimeout];
            window.setTimeout = (act, delay) => {
                const id = set(() => { planned.delete(id); act(); }, delay);
                planned.add(id);
                return id;
            };
            window.clearTimeout = id => { planned.delete(id); clear(id); };
            Object.defineProperty(document, "hidden", {get: () => window.isAway});
            window.look = isAway => { window.isAway = isAway; document.dispatchEvent(new Event("visibilitychange")); };
            look(false);""")
        self.until(lambda: self.script("return planned.size") == 1, "it will be asked for again")
        self.script("look(true)")
        self.until(lambda: self.script("return planned.size") == 0, "nobody looks")
        self.script("look(false)")
        self.until(lambda: self.script("return planned.size") == 1, "somebody looks")
        self.server.request("DELETE", f"{JOBS}/polled")
        self.until(lambda: "Cancelled" in self.row("polled"), "it is over")
        self.until(lambda: self.script("return planned.size") == 0, "nothing can change by itself")

    def test_the_page_of_a_job_hears_of_its_end_and_progress(self):
        self.run_long("heard")
        self.open("jobs/heard")
        self.until(lambda: "It runs:" in self.said(), "its progress is said")
        self.server.request("DELETE", f"{JOBS}/heard")
        self.until(lambda: "It was cancelled" in self.said(), "the end is heard of")
        self.assertEqual(self.find_all("#view-jobs progress"), [])

    def test_the_page_of_a_job_asks_again_when_nobody_answered(self):
        job = self.run_short("/v1/wordcount", {"text": "is it"})
        self.script("""
            const call = page.call;
            page.call = (...request) => window.isBack ? call(...request) : Promise.reject(new Error("away"));
            location.hash = arguments[0];""", f"#jobs/{job}")
        self.until(lambda: "doesn't answer" in self.said("#view-jobs .error"), "that is said")
        self.script("window.isBack = true")
        self.until(lambda: "It took" in self.said(), "the job is shown")
        self.assertEqual(self.find_all("#view-jobs .error"), [])

    def test_a_job_is_cancelled_in_the_list(self):
        self.run_long("listed")
        self.open("jobs")
        self.click("[aria-label='Cancel job listed']")
        self.click(".confirm .danger")
        self.until(lambda: "Cancelled" in self.row("listed"), "it is cancelled")
        self.click("[aria-label='Delete job listed']")
        self.click(".confirm .danger")
        self.until(lambda: self.row("listed") is None, "it is gone")

    def test_pages_and_filter(self):
        self.forget_all()
        self.open("jobs")
        self.until(lambda: "No jobs yet" in self.said(), "that there is none is said")
        failed = self.run_short("/v1/gaussian", {"x": [1], "y": [1, 2]})
        for _ in range(23):
            self.run_short("/v1/wordcount", {"text": "is it", "word": "is"})
        self.click("#view-jobs .list-head button")
        self.until(lambda: len(self.find_all("#view-jobs tbody tr")) == 20, "a page")
        self.assertIsNone(self.row(failed), "the oldest is on the next page")
        self.click("#view-jobs nav button:last-child")
        self.until(lambda: self.row(failed) is not None, "the next page")
        self.assertEqual(len(self.find_all("#view-jobs tbody tr")), 4)
        self.click("#view-jobs nav button:first-child")
        self.until(lambda: len(self.find_all("#view-jobs tbody tr")) == 20, "the first page again")
        self.choose("Failed")
        self.until(lambda: len(self.find_all("#view-jobs tbody tr")) == 1, "those that have failed alone")
        self.assertIn("Failed", self.row(failed))
        self.choose("Waiting")
        self.until(lambda: "No job is waiting" in self.said(), "that none waits is said")

    def test_a_result_is_plotted_cut_and_saved(self):
        job = self.run_short("/v1/gaussian", {"x": [i / 100 for i in range(1000)], "y": 0})
        whole = self.server.get(f"{JOBS}/{job}/result").body
        for size in browser.PHONE, browser.DESK:
            self.at(size)
            self.open(f"jobs/{job}")
            self.until(lambda: self.find_all("#view-jobs .chart canvas"), "its array is plotted")
            self.assertIn("z: 1,000 elements", self.find("#view-jobs figure").get_attribute("aria-label"))
            self.assertIn("more]", self.said("#view-jobs pre"))
            self.assertLess(len(self.said("#view-jobs pre")), len(whole))
            self.assert_fits()
        self.script("document.querySelector('#view-jobs .panel:last-child .actions button').click()")
        self.assertEqual(self.saved(f"{job}.json").read_bytes(), whole)

    def test_a_result_in_npy_is_decoded_and_saved(self):
        job = self.run_short("/v1/map", {"expr": "x * 9007199254740993", "x": list(range(10))}, Accept="application/x-npy")
        body = io.BytesIO()
        np.save(body, np.array([2**53 + 1, -1, 0, 7]))
        exact = self.server.request("POST", "/v1/map?expr=x&names=x", body.getvalue(),
                                    {"Content-Type": "application/x-npy", "Accept": "application/x-npy", **ASYNC}).json()["id"]
        server.wait_until(lambda: self.status(exact) == "successful", "it is over")
        self.open(f"jobs/{job}")
        self.until(lambda: "<f8, shape (10,)" in self.said(), "what it is")
        self.find("#view-jobs .chart canvas")
        self.open(f"jobs/{exact}")
        self.until(lambda: "9007199254740993, -1, 0, 7" in self.said("#view-jobs"), "its values, exactly")
        self.script("document.querySelector('#view-jobs .panel:last-child .actions button').click()")
        self.assertEqual(np.load(io.BytesIO(self.saved(f"{exact}.npy").read_bytes())).tolist(), [2**53 + 1, -1, 0, 7])

    def test_a_long_result_is_shown_by_its_beginning(self):
        body = io.BytesIO()
        np.save(body, np.arange(1_000_000.0))
        self.server.request("PUT", "/v1/data/long", body.getvalue(), {"Content-Type": "application/x-npy"})
        job = self.run_short("/v1/map", {"expr": "sin(x)", "x": {"data": "long"}})
        whole = self.server.get(f"{JOBS}/{job}/result").body
        self.open(f"jobs/{job}")
        self.until(lambda: "This is its beginning" in self.said(), "that it is cut is said")
        self.assertTrue(whole.decode().startswith(self.said("#view-jobs pre")))
        self.click("#view-jobs .panel:last-child .actions button")
        self.assertEqual(self.saved(f"{job}.json").read_bytes(), whole)

    def test_whole_numbers_are_shown_as_they_are_written(self):
        job = self.run_short("/v1/map", {"expr": "where(x > 1, 9007199254740993, 0)", "x": [1, 2, 3]})
        result = self.server.get(f"{JOBS}/{job}/result").body.decode()
        self.open(f"jobs/{job}")
        self.until(lambda: "dtype" in self.said("#view-jobs pre"), "the result is shown")
        self.assertIn(result[result.index("[") + 1:result.index("]")].split(",")[1], self.said("#view-jobs pre"))

    def test_a_problem_is_shown(self):
        job = self.run_short("/v1/gaussian", {"x": [1], "y": [1, 2, 3]})
        problem = self.server.get(f"{JOBS}/{job}/result").json()
        for size in browser.PHONE, browser.DESK:
            self.at(size)
            self.open(f"jobs/{job}")
            self.until(lambda: problem["detail"] in self.said(), "its detail")
            self.assertIn(problem["pointer"], self.said())
            self.assertIn("Failed", self.said())
            self.assert_fits()

    def test_hostile_contents_are_text(self):
        job = self.run_short("/v1/wordcount", {"text": f"{HOSTILE} <script>alert(1)</script>", "top": 10})
        self.open(f"jobs/{job}")
        self.until(lambda: "<script>alert(1)</script>" in self.said("#view-jobs pre"), "it is text")
        self.assertEqual(self.find_all("#view-jobs img, #view-jobs script"), [])

    def test_a_job_that_there_is_not(self):
        for size in browser.PHONE, browser.DESK:
            self.at(size)
            self.open("jobs/none")
            self.until(lambda: 'there is no job "none"' in self.said("#view-jobs .error"), "that is said")
            self.assert_fits()
        self.open(f"jobs/{HOSTILE.replace('%', '')}")
        self.until(lambda: "there is no job" in self.said("#view-jobs .error"), "that is said")
        self.assertIn(HOSTILE, self.said("#view-jobs h1"))
        self.assertEqual(self.find_all("#view-jobs img"), [])

    def test_every_width(self):
        failed = self.run_short("/v1/gaussian", {"x": [1], "y": [1, 2, 3]})
        self.run_long("wide")
        for width in 360, 2560:
            self.at((width, 800))
            for view, text in (("jobs", "Running"), ("jobs/wide", "It runs"), (f"jobs/{failed}", "Problem")):
                self.open(view)
                self.until(lambda: text in self.said(), f"{view} is shown")
                self.assert_fits()

    def test_try_is_filled_with_a_request_that_becomes_a_job(self):
        self.forget_all()
        self.click("#view-jobs .list-head button:last-child")
        self.until(lambda: self.find("#view-try").is_displayed() and "Filled in" in self.said("#view-try"), "Try has it")
        self.browser.switch_to.active_element.click()
        self.until(lambda: self.server.get(JOBS).json()["jobs"], "there is a job")
        self.assertEqual(self.server.get(JOBS).json()["jobs"][0]["op"], "/v1/triangular")
        self.until(lambda: "202" in self.said("#view-try"), "the answer is shown")
        self.forget_all()

    def test_where_jobs_are_off(self):
        with tempfile.TemporaryDirectory() as folder:
            options = {"cores": 1, "jobs": "durable", "state_dir": folder}
            with server.Server(**options):
                pass
            for wal in pathlib.Path(folder).glob("jobs.db-*"):
                wal.unlink()
            (pathlib.Path(folder) / "jobs.db").write_bytes(b"no database at all" * 500)
            with server.Server(**options) as off:
                detail = off.get(JOBS).json()["detail"]
                self.browser.get(f"http://{off.host}:{off.port}/#jobs")
                self.until(lambda: detail in self.said("#view-jobs .error"), "why is said")
                self.browser.get("about:blank")


if __name__ == "__main__":
    unittest.main()
