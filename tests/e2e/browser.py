# SPDX-License-Identifier: MIT
"""A real headless Chromium, driven by the W3C WebDriver protocol of chromedriver."""
import base64
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """One window. Certificates are not checked: the emulator's authority is in no store."""

    def __init__(self, directory):
        port = self._start() or self._start() or self._start()
        assert port, "chromedriver did not start: " + "".join(self.said)
        self.base = f"http://127.0.0.1:{port}/session"
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--window-size=900,760", "--no-proxy-server",
                     f"--user-data-dir={directory}"]
        capabilities = {"acceptInsecureCerts": True, "goog:chromeOptions": {"args": arguments}}
        value = self._call("POST", "", {"capabilities": {"alwaysMatch": capabilities}})
        self.base += "/" + value["sessionId"]

    def _start(self):
        """The driver's port; None when it ended: the port that it chose may be taken on ::1."""
        self.said = []
        self.driver = subprocess.Popen(
            [shutil.which("chromedriver") or "chromedriver", "--port=0"], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
        for line in self.driver.stdout:
            self.said.append(line)
            if "successfully on port" in line:
                return int("".join(c for c in line.split("on port")[1] if c.isdigit()))
        self.driver.wait()
        return None

    def _call(self, method, path, body=None):
        request = urllib.request.Request(
            self.base + path, method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, url):
        self._call("POST", "/url", {"url": url})

    def title(self):
        return self._call("GET", "/title")

    def text(self):
        return self._call("POST", "/execute/sync",
                          {"script": "return document.body.innerText", "args": []})

    def click(self, selector, seconds=20):
        """Waits for the element, then clicks it."""
        end = time.monotonic() + seconds
        while True:
            try:
                found = self._call("POST", "/element",
                                   {"using": "css selector", "value": selector})
                self._call("POST", f"/element/{found[ELEMENT]}/click", {})
                return
            except urllib.error.HTTPError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def wait_for_title(self, title, seconds=20):
        end = time.monotonic() + seconds
        while self.title() != title:
            assert time.monotonic() < end, f"the page is '{self.title()}': {self.text()}"
            time.sleep(0.05)

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def close(self):
        try:
            self._call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(20)
            self.driver.stdout.close()
