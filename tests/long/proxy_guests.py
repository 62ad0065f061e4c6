# SPDX-License-Identifier: MIT
"""Who comes to a proxy beside the checker's clients: MARS, the admin, reloads, monitors and bad guests."""
import contextlib
import random
import signal
import socket
import threading
import time
import urllib.request

import pytds

LISTS = ("POOLS", "CLIENTS", "SERVERS", "STATS", "IDENTITIES", "CONFIG")
PAGES = ("/metrics", "/readiness", "/liveness", "/startup")


class Guests(threading.Thread):
    """One deed after the other until enough() is called; what went wrong is in `wrong`, and `did` counts.

    edit() changes the proxy's configuration file, so that a reload has something to do.
    """

    def __init__(self, proxy, port, http, database, edit, seed):
        super().__init__(daemon=True)
        self.proxy, self.port, self.http, self.database, self.edit = proxy, port, http, database, edit
        self.random = random.Random(seed)
        self.over = threading.Event()
        self.did, self.wrong = {}, []

    def run(self):
        deeds = (self.mars, self.mars, self.show, self.show, self.scrape, self.kill, self.pause, self.reconnect,
                 self.reload_by_signal, self.reload_by_command, self.rubbish)
        while not self.over.wait(0.02) and not self.wrong:
            deed = self.random.choice(deeds)
            try:
                deed()
            except Exception as error:  # whatever it is, it is the finding
                self.wrong.append(f"{deed.__name__}: {type(error).__name__}: {error}")
            self.did[deed.__name__] = self.did.get(deed.__name__, 0) + 1

    def enough(self):
        self.over.set()
        self.join(timeout=120)
        if self.is_alive():
            self.wrong.append("a guest is stuck")

    def connect(self, database, user="guest", **more):
        return pytds.connect("127.0.0.1", database, user, "any", port=self.port, login_timeout=60, timeout=60,
                             autocommit=True, appname="guest", **more)

    def admin(self, text):
        with contextlib.closing(self.connect("entrasql")) as c, c.cursor() as cursor:
            cursor.execute(text)
            if cursor.description is None:
                return []
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor.fetchall()]

    def mars(self):
        """Several results open on one connection, read by turns; or left so."""
        with contextlib.closing(self.connect(self.database, use_mars=True)) as c:
            cursors = [c.cursor() for _ in range(self.random.randint(2, 5))]
            for number, cursor in enumerate(cursors):
                cursor.execute(f"SELECT {number}, n FROM (VALUES (1), (2), (3), (4)) four (n)")
            if self.random.random() < 0.3:
                return
            for n in (1, 2, 3, 4):
                for number, cursor in enumerate(cursors):
                    row = tuple(cursor.fetchone())
                    if row != (number, n):
                        raise AssertionError(f"{row} instead of {(number, n)}")

    def show(self):
        self.admin(f"SHOW {self.random.choice(LISTS)}")

    def scrape(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{self.random.choice(PAGES)}", timeout=60) as answer:
            answer.read()

    def kill(self):
        """A guest of its own ends by the admin's word."""
        with contextlib.closing(self.connect(self.database, "victim")) as c:
            numbers = [line["conn"] for line in self.admin("SHOW CLIENTS") if line["login"] == "victim"]
            self.admin(f"KILL {max(numbers)}")
            with contextlib.suppress(pytds.Error, OSError), c.cursor() as cursor:
                cursor.execute("SELECT 1")
                raise AssertionError("who was killed lives")

    def pause(self):
        self.admin("PAUSE")
        time.sleep(self.random.random() / 10)
        self.admin("RESUME")

    def reconnect(self):
        self.admin("RECONNECT")

    def reload_by_signal(self):
        self.edit(self.random)
        self.proxy.process.send_signal(signal.SIGHUP)

    def reload_by_command(self):
        self.edit(self.random)
        self.admin("RELOAD")

    def rubbish(self):
        """Bytes that are no login, at either door."""
        with contextlib.suppress(OSError), socket.create_connection(
                ("127.0.0.1", self.random.choice((self.port, self.http))), timeout=30) as s:
            s.sendall(self.random.randbytes(self.random.randint(1, 3000)))
            s.settimeout(1)
            s.recv(1000)
