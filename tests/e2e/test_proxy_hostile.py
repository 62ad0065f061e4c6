# SPDX-License-Identifier: MIT
"""The auth proxy between strangers: servers that answer with garbage or without end, callers of its
health paths who mean no good. Whoever is told something is told what is wrong; memory stays bounded;
others are served."""
import contextlib
import pathlib
import random
import re
import socket
import struct
import subprocess
import threading
import time

import pytds
import pytest

import odbc
import proxies
import shim
from conftest import APP_HOST, IDENTITY, wait_for
from servers import Authority, packet, read_message, routing_tokens, serving, tds_server
from test_proxy_pool import figure, settled

MIB = 1 << 20


def text(s):
    return bytes([len(s)]) + s.encode("utf-16-le")


def token(kind, body):
    return bytes([kind]) + struct.pack("<H", len(body)) + body


def change(kind, new, old):
    return token(0xE3, bytes([kind]) + text(new) + text(old))


def done(status=0, rows=0):
    return b"\xfd" + struct.pack("<HHQ", status, 0xC1, rows)


LOGINACK = token(0xAD, b"\x01\x74\x00\x00\x04" + text("Microsoft SQL Server") + b"\x0c\x00\x07\xd0")
FEATURES = b"\xae\x02\0\0\0\0\xff"
DATABASE = change(1, "persons", "master")
INFO = token(0xAB, struct.pack("<IBBH", 5701, 2, 0, 3) + "abc".encode("utf-16-le") + text("s") + text("")
             + struct.pack("<I", 1))
ACCEPTED = DATABASE + LOGINACK + FEATURES + done()
RESET = b"\xe3\x03\0\x12\0\0"
ONE_ROW = b"\x81\x01\0" + bytes(6) + b"\x38\0" + b"\xd1" + struct.pack("<i", 42)
ANSWER = ONE_ROW + done(0x10, 1)


def endless(secure, body):
    """How many bytes it took before it had enough."""
    sent = 0
    part = packet(4, body, status=0)
    with contextlib.suppress(OSError):
        while sent < 1 << 30:
            secure.sendall(part)
            sent += len(part)
    return sent


class Hostile:
    """A TDS server whose behaviour after LOGIN7 is chosen by the client's name, by whatever is there."""

    def __init__(self, directory):
        self.authority = Authority(directory)
        self.act = None
        self.connections = 0

    def answer(self, secure, _port):
        self.connections += 1
        with contextlib.suppress(OSError, EOFError, AssertionError):
            self.act(secure)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    directory = tmp_path_factory.mktemp("hostile")
    server = Hostile(directory)
    with serving(tds_server(server.authority.context("localhost"), server.answer)) as port:
        server.port = port
        yield server


@pytest.fixture
def env(emulator, hostile, tmp_path):
    found = emulator.environment(IDENTITY, APP_HOST)
    both = tmp_path / "both.pem"
    both.write_text(pathlib.Path(found["SSL_CERT_FILE"]).read_text()
                    + pathlib.Path(hostile.authority.file).read_text())
    return {**found, "SSL_CERT_FILE": str(both)}


@pytest.fixture(autouse=True)
def one_try(monkeypatch):
    monkeypatch.setattr("pytds.utils.exponential_backoff",
                        lambda work, first_attempt_time_sec, **_: work(first_attempt_time_sec))


def connect(port, name="any"):
    """Each name has a pool of its own: nobody waits for the failure of another."""
    return pytds.connect(dsn="127.0.0.1", port=port, user="any", password="any", autocommit=True,
                         login_timeout=60, timeout=60, disable_connect_retry=True, appname=name)


def ask(connection, query="SELECT 42"):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()[0][0]


def targets(hostile, emulator):
    """The hostile one, and one that is well."""
    return [f"localhost,{hostile.port}/persons?listen=0",
            f"localhost,{emulator.port()}/persons?listen=0"]


def others_are_served(p):
    with connect(p.port(1)) as connection:
        assert ask(connection) == 42


# ---- the answer to LOGIN7 ----

RANDOM = random.Random(7).randbytes(4000)
LOGIN_ANSWERS = {
    "silent": (lambda s: time.sleep(8), "within 2.0 s"),
    "close": (lambda s: None, "closed the connection"),
    "no packets": (lambda s: s.sendall(b"\x1a" + RANDOM), "unexpected TDS packet"),
    "another type": (lambda s: s.sendall(packet(1, ACCEPTED)), "unexpected TDS packet"),
    "no length": (lambda s: s.sendall(b"\x04\x01\0\x04\0\0\0\0"), "less than its header"),
    "endless changes": (lambda s: endless(s, DATABASE * 80), "larger than the limit"),
    "endless messages": (lambda s: endless(s, INFO * 80), "larger than the limit"),
    "endless nothing": (lambda s: endless(s, b""), "empty TDS packet"),
}
LOGIN_TOKENS = {
    "no tokens": (b"", "no DONE"),
    "unknown token": (b"\x63" + RANDOM, "unexpected token"),
    "done alone": (done(), "neither accepted nor refused"),
    "token not taken": (DATABASE + LOGINACK + done(), "did not acknowledge the login with a token"),
    "without end": (DATABASE + LOGINACK + FEATURES, "no DONE"),
    "two logins": (LOGINACK + ACCEPTED, "twice"),
    "long change": (b"\xe3\xff\xff\x01", "past the end"),
    "long feature": (LOGINACK + b"\xae\x02\xff\xff\xff\x7f", "past the end"),
    "rows": (ANSWER + ACCEPTED, "unexpected token"),
    "packets of 0": (change(4, "0", "4096") + ACCEPTED, "impossible packet size"),
    "huge packets": (change(4, "99999999", "4096") + ACCEPTED, "impossible packet size"),
    "to port 0": (routing_tokens("localhost", 0), "routes to nowhere"),
    "to nobody": (routing_tokens("", 1433), "routes to nowhere"),
    "to no name": (routing_tokens("no\nname", 1433), "no host name"),
}
for _name, (_tokens, _part) in LOGIN_TOKENS.items():
    LOGIN_ANSWERS[_name] = (lambda s, t=_tokens: s.sendall(packet(4, t)), _part)


@pytest.mark.parametrize("pool", [proxies.ON, proxies.OFF])
def test_answers_to_the_login(programs, emulator, env, hostile, pool):
    with proxies.running(programs, env, targets(hostile, emulator), "--pool", pool,
                         "--login-timeout", "2") as p:
        others_are_served(p)
        before = p.resident()
        for name, (act, part) in LOGIN_ANSWERS.items():
            hostile.act = act
            with pytest.raises(pytds.Error) as e:
                connect(p.port(), name)
            assert part in str(e.value), (name, str(e.value))
        others_are_served(p)
        if not odbc.SANITIZED:  # a sanitizer keeps for a while what is freed
            assert p.resident() - before < 4 * MIB


# ---- in a session ----

def in_session(act):
    def whole(secure):
        secure.sendall(packet(4, ACCEPTED))
        read_message(secure.recv)
        act(secure)

    return whole


def well(secure):
    while True:
        secure.sendall(packet(4, RESET + ANSWER))
        read_message(secure.recv)


def test_an_answer_without_end(programs, emulator, env, hostile):
    """It streams through for as long as the client wants it, and ends with it."""
    with proxies.running(programs, env, targets(hostile, emulator)) as p:
        others_are_served(p)
        before = p.resident()
        hostile.act = in_session(lambda s: endless(s, b"\xd1" * 30000))
        with connect(p.port()) as connection:
            session = connection._tds_socket.main_session
            session.submit_plain_query("SELECT 42")
            wire = session._reader._transport
            got = 0
            while got < 100 * MIB:
                got += len(wire.recv(1 << 16))
            others_are_served(p)
        assert p.resident() - before < 4 * MIB
        assert wait_for(lambda: any("not used again" in line or "retired" in line or "reset" in line
                                    for line in p.log), 30)


def test_a_client_that_does_not_read(programs, emulator, env, hostile):
    """And a server that does not: what is on the way has its ceiling."""
    with proxies.running(programs, env, targets(hostile, emulator)) as p:
        others_are_served(p)
        before = p.resident()
        hostile.act = in_session(lambda s: endless(s, b"\xd1" * 30000))
        held = []
        for n in range(8):
            held.append(connect(p.port(), f"reads nothing {n}"))
            held[-1]._tds_socket.main_session.submit_plain_query("SELECT 42")
        hostile.act = lambda s: (s.sendall(packet(4, ACCEPTED)), time.sleep(6))
        deaf = connect(p.port(), "deaf")
        wire = deaf._tds_socket.main_session._reader._transport
        wire.settimeout(2)
        with pytest.raises(TimeoutError):
            while True:
                wire.sendall(packet(7, bytes(30000), status=0))
        others_are_served(p)
        assert p.resident() - before < 9 * 2 * MIB
        for connection in held:
            connection._tds_socket.close()
        deaf._tds_socket.close()


@pytest.mark.parametrize("pool", ["on", "off"])
def test_who_leaves_while_the_server_takes_nothing_holds_no_connection(programs, emulator, env, tmp_path,
                                                                       pool):
    """The client's end stands behind bytes that nobody takes: it does not even reach the proxy."""
    batch = tmp_path / "large.sql"
    batch.write_text(f"SELECT LEN(N'{'x' * 10_000_000}')")

    def plan(number):
        return shim.Cut(shim.UP, 200_000, stalls=True) if number == 0 else None

    with shim.Shim(emulator.port(), plan) as way:
        options = "--pool", pool, "--pool-size", "1", "--pool-wait", "60"
        with proxies.running(programs, env, [f"localhost,{way.port}/persons?listen=0"], *options) as p:
            string = f"Server=127.0.0.1,{p.port()};UID=any;PWD=any;Encrypt=no"
            client = subprocess.Popen([programs.entrasql, "query", "-i", batch],
                                      env={**env, "AZURE_SQL_CONNECTIONSTRING": string},
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            assert wait_for(lambda: way.bytes and way.bytes[0][shim.UP] == 200_000)
            time.sleep(1)  # all buffers on the way are full
            client.kill()
            client.wait()
            said = "the client left in a request of which the server takes no more"
            assert wait_for(lambda: any(said in line for line in list(p.log)), 60)
            assert ask(connect(p.port())) == 42


@pytest.mark.parametrize("name, sends, counted", [
    ("random", lambda s: s.sendall(RANDOM), "reset"),
    ("not acknowledged", lambda s: s.sendall(packet(4, done())), "reset"),
    ("an error", lambda s: s.sendall(packet(4, RESET + done(2))), "reset"),
    ("a transaction", lambda s: s.sendall(packet(4, RESET + done(4))), "reset"),
    ("without end", lambda s: endless(s, RESET * 80), "reset"),
    ("two answers", lambda s: s.sendall(2 * packet(4, RESET + done())), None),
])
def test_answers_to_the_reset(programs, emulator, env, hostile, name, sends, counted):
    """Whatever it is: nobody else gets that connection, and nobody hears its rest."""
    def act(secure):
        secure.sendall(packet(4, ANSWER))
        read_message(secure.recv)  # the reset
        sends(secure)
        time.sleep(1)

    with proxies.running(programs, env, targets(hostile, emulator)) as p:
        hostile.act = in_session(act)
        with connect(p.port()) as connection:
            assert ask(connection) == 42
        assert wait_for(lambda: any("reset failed" in line or "unasked" in line or "ended" in line
                                    for line in p.log if "server_conn=" in line), 30), p.log
        if counted:
            assert wait_for(lambda: any("reset failed" in line for line in p.log)), p.log
        others_are_served(p)
        connections = hostile.connections
        hostile.act = in_session(well)
        with connect(p.port()) as connection:
            assert ask(connection) == 42
        assert hostile.connections == connections + 1


# ---- the health paths ----

HOST = b"\r\nHost: 127.0.0.1\r\n"
REQUESTS = [
    RANDOM, b"GET\r\n\r\n", b"GET /liveness HTTP/1.1\r\n\r\n", b"GET /liveness HTTP/1.0\r\n\r\n",
    b"GET /liveness HTTP/9.9" + HOST + b"\r\n", b"OPTIONS * HTTP/1.1" + HOST + b"\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1" + HOST + b"\r\n",
    b"GET /liveness HTTP/1.1" + HOST + b"X: " + b"b" * 200_000 + b"\r\n\r\n",
    b"GET /liveness HTTP/1.1" + HOST + b"X: y\r\n" * 20_000 + b"\r\n",
    b"GET /liveness HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
    b"POST /liveness HTTP/1.1" + HOST + b"Content-Length: 99999999999999999999\r\n\r\n",
    b"POST /quitquitquit HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n",
    b"POST /quitquitquit HTTP/1.1" + HOST + b"Host: evil.example\r\nContent-Length: 0\r\n\r\n",
    b"POST /quitquitquit HTTP/1.1" + HOST + b"Origin: null\r\nContent-Length: 0\r\n\r\n",
    b"POST /quitquitquit HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\nContent-Length: 0\r\n\r\n",
    b"POST http://evil.example/quitquitquit HTTP/1.1\r\nHost: evil.example\r\n\r\n",
]


def test_garbage_on_the_health_port(programs, emulator, env, hostile):
    with proxies.running(programs, env, targets(hostile, emulator), "--http", "127.0.0.1:0",
                         "--http-quit") as p:
        port = int(re.search(r"^health and metrics: \S+:(\d+)$", p.said, re.M).group(1))
        for request in REQUESTS:
            with socket.create_connection(("127.0.0.1", port)) as s:
                s.settimeout(60)
                said = b""
                with contextlib.suppress(OSError):
                    s.sendall(request)
                    s.shutdown(socket.SHUT_WR)
                    while part := s.recv(65536):
                        said += part
            assert not said.startswith(b"HTTP/1.1 2"), (request[:60], said[:200])
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.sendall(b"GET /liveness HTTP/1.1" + HOST + b"Connection: close\r\n\r\n")
            assert s.recv(100).startswith(b"HTTP/1.1 200")
        others_are_served(p)


# ---- the last words of a session ----

LAST_WORDS = token(0xAA, struct.pack("<IBBH", 823, 1, 24, 8) + "it broke".encode("utf-16-le")
                   + text("s") + text("") + struct.pack("<I", 1))
ROWS = (b"\xd1" + struct.pack("<i", 42)) * 800
SEEN = {  # packets
    "at once": [LAST_WORDS + done(2)],
    "in later packets": [INFO * 40, INFO + LAST_WORDS[:3], LAST_WORDS[3:] + done(2)],
    "behind a count": [done(0x11, 1), LAST_WORDS + done(2)],
}
UNSEEN = {
    "behind rows": [ONE_ROW + LAST_WORDS + done(2)],
    "packets behind rows": [ONE_ROW, ROWS, LAST_WORDS[:3], LAST_WORDS[3:] + done(2)],
}
ENDS = ["ends at once", "ends late"]


def last_answer(parts, how, may_end):
    def act(secure):
        for part in parts[:-1]:
            secure.sendall(packet(4, part, status=0))
        secure.sendall(packet(4, parts[-1]))
        if how == "goes on":
            read_message(secure.recv)
            well(secure)
        if how == "ends late":
            may_end.wait(20)

    return in_session(act)


@pytest.mark.parametrize("how, where",
                         [(how, where) for how in ["goes on", *ENDS] for where in SEEN]
                         + [(how, where) for how in ENDS for where in UNSEEN])
def test_what_the_server_broke_is_nobodys_again(programs, emulator, env, hostile, how, where):
    """An error of class 20 or more is the end of its session: in passing it is seen but for behind rows,
    and there the server is asked for a reset, which it does not answer."""
    may_end = threading.Event()
    with proxies.running(programs, env, targets(hostile, emulator), "--pool", "on", "--http",
                         "127.0.0.1:0") as p:
        before = hostile.connections
        hostile.act = last_answer({**SEEN, **UNSEEN}[where], how, may_end)
        victim = connect(p.port())
        assert wait_for(lambda: hostile.connections == before + 1)
        hostile.act = in_session(well)
        with pytest.raises(pytds.Error, match="it broke"), victim.cursor() as cursor:
            cursor.execute("SELECT 42")
            while cursor.description is None and cursor.nextset():
                pass
            cursor.fetchall()
        if how == "ends at once":
            time.sleep(0.2)
        with contextlib.suppress(pytds.Error, OSError):
            victim.close()
        settled(p)
        with connect(p.port()) as other:
            assert ask(other) == 42
            assert hostile.connections == before + 2
            may_end.set()
            assert wait_for(lambda: figure(p, "pins_total", reason="fatal") == 1), p.log
        assert wait_for(lambda: figure(p, "servers", state="idle") == 1), p.log
        assert figure(p, "pins_total", reason="reset") == 0
        assert hostile.connections == before + 2
