# SPDX-License-Identifier: MIT
"""Upstream connections that stand ready: the next login waits for neither TCP nor TLS."""
import contextlib
import re
import time
import urllib.request

import pytds
import pytest

from proxies import running
from shim import DOWN, Cut, Delay, Shim

DELAY = 0.02


@contextlib.contextmanager
def warm_proxy(programs, env, wire, *options):
    target = f"localhost,{wire.port}/persons?listen=0"
    with running(programs, env, [target], "--http", "127.0.0.1:0", *options) as p:
        yield p


def figure(p, name):
    port = re.search(r"health and metrics: http://127.0.0.1:(\d+)", p.said).group(1)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    name, _, label = name.partition("=")
    label = f'[^}}]*state="{label}"' if label else "[^}]*"
    return float(re.search(rf"^entrasql_proxy_{name}{{{label}}} (\S+)$", text, re.M).group(1))


def ready(p, n, timeout=20):
    end = time.monotonic() + timeout
    while figure(p, "servers=warm") != n:
        assert time.monotonic() < end, p.log
        time.sleep(0.05)


def client(p, app="test"):
    return contextlib.closing(pytds.connect("127.0.0.1", port=p.port(), user="u", password="p",
                                            appname=app, autocommit=True))


def value(connection, text):
    cursor = connection.cursor()
    cursor.execute(text)
    return cursor.fetchall()[0][0]


@pytest.mark.parametrize("pool", ["on", "off"])
def test_a_login_goes_on_with_what_stands_ready(programs, emulator, identity_env, pool):
    seconds = {}
    for warm in (0, 2):
        with Shim(emulator.port(), Delay(DELAY)) as wire, \
                warm_proxy(programs, identity_env, wire, "--pool", pool, "--warm", warm) as p:
            ready(p, warm)
            assert wire.count == warm
            with client(p, "mine") as c:
                assert value(c, "SELECT APP_NAME()") == "mine"
                assert value(c, "SELECT DB_NAME()") == "persons"
            seconds[warm] = figure(p, "server_login_seconds_sum")
            assert figure(p, "server_login_seconds_count") == 1
            assert figure(p, "warm_used_total") == (1 if warm else 0)
            ready(p, warm)
            assert wire.count == warm + 1
            assert p.stop() == 0
    round_trip = 2 * DELAY
    assert seconds[0] > 4 * round_trip  # TCP, PRELOGIN, TLS, LOGIN7
    assert seconds[0] - seconds[2] > 2 * round_trip


def test_it_is_replaced_by_and_by(programs, emulator, identity_env):
    with Shim(emulator.port()) as wire, \
            warm_proxy(programs, identity_env, wire, "--warm", 1, "--warm-age", 1) as p:
        time.sleep(3.5)
        assert 3 <= wire.count <= 6
        with client(p) as c:
            assert value(c, "SELECT 1") == 1
        assert figure(p, "warm_lost_total") == 0


def test_a_server_that_closes_is_not_stormed(programs, emulator, identity_env):
    with Shim(emulator.port()) as wire, \
            warm_proxy(programs, identity_env, wire, "--warm", 3) as p:
        ready(p, 3)
        before = wire.count
        wire.drop_all()
        with client(p) as c:
            assert value(c, "SELECT 2") == 2
        time.sleep(0.5)
        assert wire.count == before + 1  # the client's own
        ready(p, 3)  # after a second, one at first
        assert wire.count == before + 4
        assert figure(p, "warm_lost_total") == 3


def test_pools_show_them_and_reconnect_renews_them(programs, emulator, identity_env):
    with Shim(emulator.port()) as wire, \
            warm_proxy(programs, identity_env, wire, "--warm", 2) as p:
        with client(p) as c, contextlib.closing(
                pytds.connect("127.0.0.1", port=p.port(), user="u", password="p",
                              database="entrasql", autocommit=True)) as admin:
            value(c, "SELECT 3")
            ready(p, 2)
            cursor = admin.cursor()
            cursor.execute("SHOW POOLS")
            names = [column[0] for column in cursor.description]
            assert [dict(zip(names, row))["warm"] for row in cursor.fetchall()] == [2]
            before = wire.count
            admin.cursor().execute("RECONNECT")
            end = time.monotonic() + 20
            while wire.count < before + 2:
                assert time.monotonic() < end
                time.sleep(0.05)
            ready(p, 2)


def test_it_stands_until_another_one_does(programs, emulator, identity_env):
    """The server lets nobody connect any more: a login goes on with what was to be replaced."""
    with Shim(emulator.port(), lambda n: Cut(DOWN, 0, silent=True) if n > 0 else None) as wire, \
            warm_proxy(programs, identity_env, wire, "--warm", 1, "--warm-age", 1) as p:
        ready(p, 1)
        end = time.monotonic() + 20
        while wire.count < 2:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert figure(p, "servers=warm") == 1
        with client(p) as c:
            assert value(c, "SELECT 4") == 4
        assert figure(p, "warm_used_total") == 1
        assert figure(p, "warm_lost_total") == 0


def test_there_is_always_one(programs, emulator, identity_env):
    with Shim(emulator.port(), Delay(DELAY)) as wire, \
            warm_proxy(programs, identity_env, wire, "--warm", 1, "--warm-age", 1) as p:
        ready(p, 1)
        end = time.monotonic() + 30
        seen = {figure(p, "servers=warm")
                for _ in iter(lambda: wire.count < 4 and time.monotonic() < end, False)}
        assert seen == {1}
        assert wire.count >= 4
