# SPDX-License-Identifier: MIT
"""A person at a browser: opens the page, says who is signing in, accepts, and is sent back.

Called as a browser is, so it goes into the background at once: the program that opened the page may
wait for the opener before it listens.
"""
import html.parser
import os
import sys
import time
import urllib.parse
import urllib.request


class Form(html.parser.HTMLParser):
    """Address and hidden fields of the page's form."""

    def __init__(self, text):
        super().__init__()
        self.action, self.fields = None, {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.action = attrs["action"]
        elif tag == "input" and attrs.get("type") == "hidden":
            self.fields[attrs["name"]] = attrs["value"]


def open_page(url, fields=None):
    data = urllib.parse.urlencode(fields).encode() if fields is not None else None
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, data, timeout=30) as answer:
                return answer.geturl(), answer.read().decode()
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise TimeoutError(url)


def sign_in(user, url):
    """The pages follow each other by forms; the last goes to the program, or a redirect does."""
    fields = None
    for answer in ({"user": user}, {"answer": "accept"}, {}, {}):
        at, text = open_page(url, fields)
        print(at.split("?")[0], flush=True)
        if not at.startswith("https:"):
            return
        form = Form(text)
        url, fields = urllib.parse.urljoin(at, form.action), {**form.fields, **answer}


def main():
    user, log, url = sys.argv[1:]
    if os.fork() != 0:
        return
    os.setsid()
    with open(log, "a", encoding="utf-8") as f, open(os.devnull, encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(f.fileno(), 1)
        os.dup2(f.fileno(), 2)
        sign_in(user, url)


main()
