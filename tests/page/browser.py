"""A browser for the tests of the page: Debian's Chromium, driven by its own driver through Selenium.

Each test class has a server of its own and one browser. When it ends, nothing may have been said on the console that the
class doesn't expect: no error, no report of the Content-Security-Policy, nothing that another host was asked for.
A test that a part works at two widths calls self.at(PHONE) and self.at(DESK).
"""

import os
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))
import server  # noqa: E402

from selenium import webdriver  # noqa: E402
from selenium.common.exceptions import StaleElementReferenceException  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

PHONE = (390, 844)
DESK = (1440, 900)


def start(folder):
    """Chromium with everything it keeps in `folder`. What root starts has no sandbox; a container's /dev/shm is small."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--lang=en-US",
                     "--disable-background-networking", "--disable-component-update", f"--user-data-dir={folder}/profile"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.add_experimental_option("prefs", {"download.default_directory": f"{folder}/downloads"})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver", env={**os.environ, "HOME": str(folder)}), options=options)


class PageTest(server.ServerTest):
    """A test with self.server and self.browser. `view` is where the page is opened before each test."""

    view = "try"
    expected = ()  # parts of console messages that belong to the test: a refused request is told there

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(cls.folder.cleanup)
        cls.browser = start(cls.folder.name)
        cls.addClassCleanup(cls.browser.quit)
        cls.address = f"http://{cls.server.host}:{cls.server.port}/"
        cls.downloads = pathlib.Path(cls.folder.name) / "downloads"

    def setUp(self):
        super().setUp()
        self.at(DESK)
        self.open(self.view)

    def tearDown(self):
        told = [entry["message"] for entry in self.browser.get_log("browser")
                if not any(part in entry["message"] for part in self.expected)]
        self.assertEqual(told, [], "on the console")

    def open(self, view):
        """Loads the page anew, at this view."""
        self.browser.get("about:blank")
        self.browser.get(f"{self.address}#{view}")
        self.until(lambda: self.find(f"#view-{view.split('/')[0]}").is_displayed(), f"{view} is shown")

    def at(self, size, dark=False):
        """The window's width and height, and the colour scheme."""
        width, height = size
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                     {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                     {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})

    def views(self):
        """The ids of all views, as the navigation has them."""
        self.find("header nav a")
        return [link.get_attribute("href").partition("#")[2] for link in self.find_all("header nav a")]

    def find(self, selector):
        """The one element of this CSS selector, waited for."""
        return WebDriverWait(self.browser, server.PATIENCE_S, 0.05).until(
            lambda browser: browser.find_element(By.CSS_SELECTOR, selector), f"{selector} in the page")

    def find_all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def click(self, selector):
        """As a person does: what is out of sight is scrolled to, what is covered can't be clicked."""
        element = self.find(selector)
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def write(self, selector, text):
        element = self.find(selector)
        element.clear()
        element.send_keys(text)

    def until(self, condition, what):
        """A node that was replaced while the condition looked at it is looked for again."""
        def holds():
            try:
                return condition()
            except StaleElementReferenceException:
                return False

        server.wait_until(holds, what)

    def saved(self, name):
        """The path of a file that was saved; waits for it. An empty one holds its place until all of it is there."""
        path = self.downloads / name
        self.until(lambda: path.exists() and path.stat().st_size > 0, f"{name} is saved")
        return path

    def script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def assert_fits(self):
        """Nothing makes the page wider than the window, once charts have followed its width."""
        self.until(lambda: self.script("return document.documentElement.scrollWidth <= window.innerWidth"),
                   "the page doesn't scroll sideways")

    def screenshot(self, path):
        """Of the whole page, however long."""
        height = self.script("return document.documentElement.scrollHeight")
        width = self.script("return window.innerWidth")
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                     {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        self.browser.save_screenshot(str(path))
