# SPDX-License-Identifier: MIT
"""What a client hears when the proxy ends its session: KILL, the end of a drain, a queue; and when
it does not begin, for it wants TLS of a proxy that has none."""
import contextlib
import re
import signal
import socket
import ssl
import threading
import time

import pyodbc
import pytds
import pytest

from conftest import wait_for
from shim import DOWN, Cut, Shim
from test_proxy import proxy
from test_proxy_front import said_by_tsql
from test_proxy_pool import by_odbc, by_pymssql, by_pytds, figure, opened, settled, value

KILLED = "an administrator of the entrasql proxy ended this session"
ENDS = "the entrasql proxy ends and waits for its sessions no longer"


@pytest.fixture(params=["pymssql", "pytds", "tdsodbc", "msodbc"])
def connect(request, programs):
    return {"pymssql": by_pymssql, "pytds": by_pytds,
            "tdsodbc": lambda port, **more: by_odbc(programs.tdsodbc, port, TDS_Version="7.4",
                                                    **more),
            "msodbc": lambda port, **more: by_odbc(programs.msodbc, port, **more),
            }[request.param]


@contextlib.contextmanager
def admin(p):
    with contextlib.closing(by_pytds(p.port(), database="entrasql")) as c:
        def ask(text):
            cursor = c.cursor()
            cursor.execute(text)
            names = [column[0] for column in cursor.description or []]
            return [dict(zip(names, row)) for row in cursor.fetchall()] if names else []
        yield ask


def kill_all(p):
    with admin(p) as ask:
        victims = [row["conn"] for row in ask("SHOW CLIENTS") if row["state"] != "admin"]
        for number in victims:
            ask(f"KILL {number}")
    return len(victims)


@pytest.mark.parametrize("pool", ["on", "off"])
def test_who_is_killed_between_two_requests_hears_why(programs, identity_env, target, connect,
                                                      pool):
    """At its next request: nobody reads before that."""
    with proxy(programs, identity_env, [target], "--pool", pool, "--pool-size", "1") as p:
        victim = connect(p.port())
        value(victim, "SELECT 1")
        assert kill_all(p) == 1
        if pool == "on":  # its connection is there for others, whether the victim reads or not
            with contextlib.closing(connect(p.port())) as other:
                assert value(other, "SELECT 2") == 2
        with pytest.raises(Exception, match=re.escape(KILLED)):
            value(victim, "SELECT 3")
        with contextlib.suppress(Exception):
            victim.close()
        assert p.stop() == 0
        assert opened(p, 0) == (1 if pool == "on" else 0)


def test_who_is_killed_in_a_request_hears_why(programs, identity_env, target, connect):
    """The server has not answered yet, and forgets the request."""
    with proxy(programs, identity_env, [target], "--pool-size", "1") as p:
        victim = connect(p.port())
        value(victim, "SELECT 1")
        killer = threading.Timer(1, lambda: kill_all(p))
        killer.start()
        began = time.monotonic()
        with pytest.raises(Exception, match=re.escape(KILLED)):
            value(victim, "WAITFOR DELAY '00:00:30'; SELECT 2")
        killer.join()
        with contextlib.closing(connect(p.port())) as other:
            assert value(other, "SELECT 3") == 3
        assert time.monotonic() - began < 20
        assert opened(p, 1) == 1
        with contextlib.suppress(Exception):
            victim.close()


def test_who_is_killed_before_its_first_request_or_in_the_queue(programs, identity_env, target):
    with proxy(programs, identity_env, [target], "--pool-size", "1") as p:
        holder, late, resting = (by_pytds(p.port()) for _ in range(3))
        value(holder, "SELECT 1")
        said = []

        def wait():
            with pytest.raises(pytds.Error) as e:
                value(late, "SELECT 2")
            said.append(str(e.value))

        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.5)
        with admin(p) as ask:
            rows = ask("SHOW CLIENTS")
            assert sorted(row["state"] for row in rows) == ["active", "admin", "idle", "waiting"]
            for row in rows:
                if row["state"] in ("idle", "waiting"):
                    ask(f"KILL {row['conn']}")
        thread.join(timeout=30)
        assert KILLED in said[0]
        with pytest.raises(pytds.Error, match=re.escape(KILLED)):
            value(resting, "SELECT 3")
        assert value(holder, "SELECT 4") == 4
        holder.close()


def test_within_an_answer_nothing_can_be_said(programs, identity_env, target):
    """The rows end where they end: nobody takes the message for a part of them."""
    with proxy(programs, identity_env, [target]) as p:
        victim = by_pytds(p.port())
        cursor = victim.cursor()
        cursor.execute("SELECT REPLICATE(CAST('x' AS varchar(max)), 20000000)")
        time.sleep(0.5)
        assert kill_all(p) == 1
        with pytest.raises(Exception) as e:
            cursor.fetchall()
        assert KILLED not in str(e.value)
        settled(p, 1)


@pytest.mark.parametrize("connect, how", [
    *((driver, "its time is over") for driver in ("pymssql", "pytds", "tdsodbc", "msodbc")),
    ("pytds", "a second signal")], indirect=["connect"])
def test_the_end_of_a_drain_is_told(programs, identity_env, target, connect, how):
    """To who asks within two seconds; then the proxy has ended."""
    drain = "1" if how == "its time is over" else "60"
    with proxy(programs, identity_env, [target], "--drain", drain) as p:
        victim = connect(p.port())
        value(victim, "SELECT 1")
        asks = by_pytds(p.port(), database="entrasql")
        p.process.send_signal(signal.SIGTERM)
        if how == "a second signal":
            time.sleep(0.3)
            p.process.send_signal(signal.SIGTERM)
        end = time.monotonic() + 20
        while not any("sessions are cut off" in line for line in p.log):
            assert time.monotonic() < end, p.log
            time.sleep(0.01)
        for c, text in ((victim, "SELECT 2"), (asks, "SHOW CLIENTS")):
            with pytest.raises(Exception, match=re.escape(ENDS)):
                value(c, text)
        assert p.process.wait(timeout=30) == 0
        assert time.monotonic() < end


def test_a_queue_ends_in_words_before_the_login_has_no_time(programs, identity_env, target):
    with proxy(programs, identity_env, [target], "--max-clients", "1", "--when-full", "queue",
               "--queue-timeout", "60", "--login-timeout", "2") as p:
        with contextlib.closing(by_pymssql(p.port())):
            assert "none left in time; raise --max-clients" in said_by_tsql(p.port())


def test_strict_encryption_that_is_off_fails_as_tls(programs, identity_env, target):
    """With an alert, which drivers tell as what it is, and a line in the log that names the setting."""
    with proxy(programs, identity_env, [target]) as p:
        with pytest.raises(Exception, match="handshake failure"):
            pyodbc.connect(
                f"Driver={programs.msodbc};Server=127.0.0.1,{p.port()};UID=u;PWD=p;Encrypt=strict;"
                "ConnectRetryCount=0", timeout=10)
        lines = [line for line in p.log if "client refused" in line]
        assert lines and all("--tls-certificate" in line and "strict" in line for line in lines)


def test_the_alert_comes_when_the_hello_is_whole(programs, identity_env, target):
    """However its bytes come: unread ones would reset the connection and take the alert with them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    mine, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(mine, out, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = out.read()
    with proxy(programs, identity_env, [target]) as p:
        for part in (1, 4, 100, len(hello)):
            with socket.create_connection(("127.0.0.1", p.port()), timeout=30) as s:
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for at in range(0, len(hello), part):
                    s.sendall(hello[at:at + part])
                    if part > 1 or at < 8:
                        time.sleep(0.005)
                assert s.recv(100) == b"\x15\x03\x01\0\x02\x02\x28"
                assert s.recv(100) == b""


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("pool", ["on", "off"])
def test_a_server_that_ends_in_an_answer_is_counted(programs, emulator, identity_env, pool, reset):
    plan = Cut(DOWN, 200000, reset=reset)
    with Shim(emulator.port(), lambda n: plan if n == 0 else None) as wire, \
            proxy(programs, identity_env, [f"localhost,{wire.port}/persons?listen=0"], "--pool", pool,
                  "--http", "127.0.0.1:0") as p:
        victim = by_pytds(p.port())
        with pytest.raises(Exception):
            value(victim, "SELECT REPLICATE(CAST('x' AS varchar(max)), 1000000)")
        with contextlib.suppress(Exception):
            victim.close()
        settled(p)
        assert figure(p, "pins_total", reason="fatal") == (1 if pool == "on" else 0)
        assert figure(p, "servers", state="active") == 0
        with contextlib.closing(by_pytds(p.port())) as other:
            assert value(other, "SELECT 2") == 2


def test_a_server_that_ends_in_what_is_thrown_away_is_counted(programs, emulator, identity_env):
    """Its client left in the middle of the answer, whose rest does not come."""
    plan = Cut(DOWN, 200000, silent=True)
    with Shim(emulator.port(), lambda n: plan if n == 0 else None) as wire, \
            proxy(programs, identity_env, [f"localhost,{wire.port}/persons?listen=0"], "--http",
                  "127.0.0.1:0") as p:
        victim = by_pytds(p.port())
        cursor = victim.cursor()
        cursor.execute("SELECT REPLICATE(CAST('x' AS varchar(max)), 1000000)")
        victim._tds_socket.sock.close()
        settled(p)
        wire.drop_all()
        assert wait_for(lambda: figure(p, "pins_total", reason="fatal") == 1), p.log
        assert figure(p, "pins_total", reason="partial") == 0
