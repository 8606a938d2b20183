"""promtool (Debian: prometheus, from 13 on promtool) finds nothing to say about /metrics. CI has it.

ctest: may skip
"""

import shutil
import subprocess
import sys

import server


class Lint(server.ServerTest):
    options = {"cores": 1}

    def test_promtool_finds_nothing(self):
        for path in ("/v1/system", "/nowhere", "/metrics"):
            self.server.get(path)
        server.wait_until(lambda: b'endpoint="none"' in self.server.get("/metrics").body, "they are counted")
        text = self.server.get("/metrics").body
        found = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
        self.assertEqual((found.returncode, found.stdout.decode(), found.stderr.decode()), (0, "", ""))

    def test_it_would(self):
        found = subprocess.run(["promtool", "check", "metrics"], input=b"# TYPE a_total gauge\na_total 1\n",
                               capture_output=True, check=False)
        self.assertNotEqual(found.returncode, 0)


if __name__ == "__main__":
    if not shutil.which("promtool"):
        sys.exit(77)
    server.unittest.main()
