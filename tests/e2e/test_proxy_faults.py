# SPDX-License-Identifier: MIT
"""Bad days of the auth proxy: networks cut at any byte, servers and token endpoints that go and come
back, reload and drain under load, no descriptors left. A client gets its own answer or an error."""
import os
import pathlib
import random
import shutil
import signal
import socket
import threading
import time

import pytds
import pytest

import proxies
from conftest import (ADMIN, APP_HOST, DATABASE, IDENTITY, run, running_emulator, seed_persons,
                      wait_for)
from servers import (Authority, packet, routing_tokens, serving, short_lived_tokens, tds_server)
from shim import DOWN, UP, Cut, Shim

LONG = bool(os.environ.get("ENTRASQL_LONG"))
PLACES = 24  # of a direction, in a short run
PATIENCE = 60  # seconds: of a client that hangs
SLOW = 45  # that long only if it hangs, whatever else the machine does
PATIENT = ("--login-timeout", PATIENCE)  # of the proxy: nothing but a hang ends with it
EITHER_POOL = pytest.mark.parametrize("pool", [proxies.ON, proxies.OFF])
EITHER_WAY = pytest.mark.parametrize("direction", [UP, DOWN])


@pytest.fixture(autouse=True)
def one_try(monkeypatch):
    """python-tds tries again until its timeout, whatever happened; here each try is looked at."""
    monkeypatch.setattr("pytds.utils.exponential_backoff",
                        lambda work, first_attempt_time_sec, **_: work(first_attempt_time_sec))


def connect(port, timeout=PATIENCE, **more):
    return pytds.connect(dsn="127.0.0.1", port=port, user="any", password="any", autocommit=True,
                         login_timeout=timeout, timeout=timeout, disable_connect_retry=True, **more)


def ask(connection, text):
    with connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchall()[0][0]


def visit(port, tag, **more):
    """A whole session: what two requests gave."""
    with connect(port, **more) as connection:
        return [ask(connection, f"SELECT N'{tag}.{n}'") for n in range(2)]


def attempt(port, tag, **more):
    """True: it went well. A failure is fine on a bad day, another's answer never is."""
    began = time.monotonic()
    try:
        got = visit(port, tag, **more)
    except Exception:  # noqa: BLE001 - drivers have many classes
        assert time.monotonic() - began < SLOW, "a client was left hanging"
        return False
    assert got == [f"{tag}.{n}" for n in range(2)]
    return True


def fine_again(port, seconds=20, **more):
    """The proxy serves as before, after a back-off at most."""
    assert wait_for(lambda: attempt(port, "again", **more), seconds), "it does not recover"


def places(total, begin=0):
    """Every byte in a long run, else the first ones and some of the rest."""
    if LONG:
        return list(range(begin, total + 2))
    rng = random.Random(total)
    first = [begin, begin + 1, begin + 8, begin + 9]
    return sorted({p for p in first if p < total} | {rng.randrange(begin, total) for _ in range(PLACES)}
                  | {total - 1, total, total + 1})


@pytest.fixture(scope="module")
def emulator(programs, tmp_path_factory):
    """One of its own, on a port that stays: it is killed and started again here."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    directory = tmp_path_factory.mktemp("faults")
    with running_emulator(programs, directory / "data", "--port", port) as started:
        started.sql_port = port
        seed_persons(started)
        started.sql(ADMIN, "CREATE TABLE visits (tag nvarchar(60) NOT NULL)")
        yield started


@pytest.fixture
def env(emulator):
    return emulator.environment(IDENTITY, APP_HOST)


def target(port):
    return f"localhost,{port}/{DATABASE}?listen=0"


@pytest.fixture
def fault(emulator):
    """Switches faults of the emulator on; off again at the end."""

    def switch(name, *options):
        result = emulator.command("fault", name, "on", *options)
        assert result.returncode == 0, result.stderr

    yield switch
    emulator.command("fault", "all", "off")


# ---- cuts ----

def numbered(n):
    """A tag, or the name of a program; all of one length, so that sessions have as many bytes."""
    return f"cut {n:06}"


def measured(port, **more):
    """{UP: bytes, DOWN: bytes} of a whole session through that port."""
    with Shim(port) as s:
        assert attempt(s.port, numbered(0), **more)
        assert wait_for(lambda: s.bytes and s.bytes[0][DOWN] > 0)
        return dict(s.bytes[0])


def cut_off_clients(p, direction, **more):
    at = places(measured(p.port(), **more)[direction])
    before = p.descriptors()
    with Shim(p.port(), lambda n: Cut(direction, at[n], reset=n % 2 == 1)) as s:
        good = sum(attempt(s.port, numbered(n), **more) for n in range(len(at)))
    assert s.count == len(at)
    # Bytes of the end, behind the last answer: TLS says goodbye in either direction.
    assert 1 <= good <= (30 if more else 4), f"{good} of {len(at)} sessions that were cut went well"
    fine_again(p.port(), **more)
    assert wait_for(lambda: p.descriptors() <= before + 2), "descriptors are left open"


@EITHER_WAY
@EITHER_POOL
def test_the_client_is_cut_off_at_any_byte(programs, emulator, env, pool, direction):
    with proxies.running(programs, env, [target(emulator.sql_port)], *PATIENT,
                         *proxies.pool_words(programs, pool)) as p:
        cut_off_clients(p, direction)


@EITHER_WAY
def test_the_client_with_tls_is_cut_off_at_any_byte(programs, emulator, env, direction, tmp_path):
    made = run([programs.entrasql, "proxy", "init-tls", "--dir", tmp_path / "tls"])
    assert made.returncode == 0, made.stderr
    with proxies.running(programs, env, [target(emulator.sql_port)], *PATIENT, "--tls-certificate",
                         tmp_path / "tls" / "server.pem", "--tls-key",
                         tmp_path / "tls" / "server-key.pem") as p:
        cut_off_clients(p, direction, cafile=str(tmp_path / "tls" / "ca.pem"), validate_host=False)


@EITHER_WAY
@EITHER_POOL
def test_the_server_is_cut_off_at_any_byte(programs, emulator, env, pool, direction):
    """Each client has a connection of its own here, in a pool that no failure before it has made
    wait: the cut is in the login, or behind it."""
    words = [*PATIENT, *proxies.pool_words(programs, pool)]
    with Shim(emulator.sql_port) as whole, \
            proxies.running(programs, env, [target(whole.port)], *words) as p:
        assert attempt(p.port(), numbered(0), appname=numbered(0))
        total = whole.bytes[0][direction]
    at = places(total)
    with Shim(emulator.sql_port, lambda n: Cut(direction, at[n], reset=n % 2 == 1)
              if n < len(at) else None) as s, \
            proxies.running(programs, env, [target(s.port)], *words) as p:
        before = p.descriptors()
        good = sum(attempt(p.port(), numbered(n), appname=numbered(n)) for n in range(len(at)))
        assert s.count >= len(at)
        assert 1 <= good <= len(at) // 3, f"{good} of {len(at)} sessions on cut connections went well"
        fine_again(p.port())
        # A pool keeps what was cut behind its last answer until the cut shows, which is soon.
        assert wait_for(lambda: p.descriptors() <= before + 2 + 2 * good), "descriptors are left open"


@EITHER_WAY
def test_a_pooled_connection_is_cut_off_in_an_exchange(programs, emulator, env, direction):
    """Behind the login, where a pool lends it: nobody gets half an answer, nothing is sent twice."""
    emulator.sql(ADMIN, "DELETE FROM visits")
    with Shim(emulator.sql_port) as whole, \
            proxies.running(programs, env, [target(whole.port)], "--pool", "on") as p:
        with connect(p.port()) as connection:
            ask(connection, "SELECT 1")
            login = whole.bytes[0][direction]
            ask(connection, "SET NOCOUNT ON INSERT INTO visits VALUES (N'measured') SELECT 1")
        assert wait_for(lambda: whole.bytes[0][direction] > login + 100)
        time.sleep(0.2)
        total = whole.bytes[0][direction]
    at = places(total, login)
    told = []
    with Shim(emulator.sql_port, lambda n: Cut(direction, at[n], reset=n % 2 == 1)
              if n < len(at) else None) as s, \
            proxies.running(programs, env, [target(s.port)], *PATIENT, "--pool", "on") as p:
        for n in range(4 * len(at)):
            if s.count > len(at):
                break
            began = time.monotonic()
            try:
                with connect(p.port()) as connection:
                    assert ask(connection, "SELECT 1") == 1
                    text = f"SET NOCOUNT ON INSERT INTO visits VALUES (N'{n}') SELECT {n}"
                    assert ask(connection, text) == n
                    told.append(str(n))
            except AssertionError:
                raise
            except Exception:  # noqa: BLE001 - the cut
                assert time.monotonic() - began < SLOW, "a client was left hanging"
        assert s.count >= len(at), "not every cut was met"
        fine_again(p.port())
    there = [row["tag"] for row in emulator.sql(ADMIN, "SELECT tag FROM visits")]
    assert len(there) == len(set(there)), "a request was sent twice"
    assert set(told) <= set(there), "an answer was made up"


def test_a_silent_network_ends_with_the_login_timeout(programs, emulator, env):
    with Shim(emulator.sql_port, lambda n: Cut(DOWN, 500, silent=True) if n == 0 else None) as s, \
            proxies.running(programs, env, [target(s.port)], "--pool", "off", "--login-timeout",
                            "2") as p:
        began = time.monotonic()
        with pytest.raises(Exception):
            visit(p.port(), "silent")
        assert 1.5 < time.monotonic() - began < SLOW
        assert attempt(p.port(), "after")


# ---- load ----

class Load:
    """Clients that write a row a session, until told to stop; failures are kept."""

    def __init__(self, port, clients=8):
        self.port, self.told, self.failures = port, [], []
        self.end = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(n,), daemon=True)
                        for n in range(clients)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        count = 0
        while not self.end.is_set():
            tag = f"{id(self)}.{number}.{count}"
            count += 1
            try:
                connection = connect(self.port, timeout=30)
            except Exception as error:  # noqa: BLE001
                self.failures.append(("login", error))
                time.sleep(0.02)
                continue
            try:
                assert ask(connection, f"SELECT N'{tag}'") == tag
                assert ask(connection, "SET NOCOUNT ON "
                           f"INSERT INTO visits VALUES (N'{tag}') SELECT N'{tag}'") == tag
                self.told.append(tag)
                assert ask(connection, f"SELECT N'{tag}!'") == tag + "!"
            except Exception as error:  # noqa: BLE001
                self.failures.append(("session", error))
            finally:
                connection.close()

    def stop(self):
        self.end.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "a client hangs"
        wrong = [error for _, error in self.failures if isinstance(error, AssertionError)]
        assert not wrong, wrong[:3]

    def of(self, kind):
        return [error for what, error in self.failures if what == kind]


def rows(emulator):
    return [row["tag"] for row in emulator.sql(ADMIN, "SELECT tag FROM visits")]


def assert_kept(emulator, load):
    there = rows(emulator)
    assert set(load.told) <= set(there), "a commit that was told is lost"
    assert len(there) == len(set(there)), "a request was sent twice"


@EITHER_POOL
def test_the_server_is_killed_under_load(programs, emulator, env, pool):
    with proxies.running(programs, env, [target(emulator.sql_port)],
                         *proxies.pool_words(programs, pool, 4)) as p:
        load = Load(p.port())
        assert wait_for(lambda: len(load.told) > 20, 20)
        os.kill(emulator.state()["pid"], signal.SIGKILL)
        time.sleep(1)
        told = len(load.told)
        emulator.start()
        assert wait_for(lambda: len(load.told) > told + 20, 40), "it does not recover"
        load.stop()
        assert load.failures, "the kill was not noticed"
        assert_kept(emulator, load)
        fine_again(p.port())
        assert p.stop() == 0


@EITHER_POOL
def test_drain_under_load_loses_nothing(programs, emulator, env, pool):
    with proxies.running(programs, env, [target(emulator.sql_port)],
                         *proxies.pool_words(programs, pool, 4)) as p:
        load = Load(p.port())
        assert wait_for(lambda: len(load.told) > 20, 20)
        p.process.send_signal(signal.SIGTERM)
        assert p.process.wait(timeout=40) == 0
        load.stop()
        assert not load.of("session"), load.of("session")[:3]
        assert_kept(emulator, load)


@EITHER_POOL
def test_reload_under_load_is_not_noticed(programs, emulator, env, pool, tmp_path):
    """A copy of the same configuration, with another limit each time."""
    config = tmp_path / "proxy.ini"

    def write(limit):
        config.write_text(f"[proxy]\nmax-clients = {limit}\npool = {pool}\n[target main]\n"
                          f"server = localhost,{emulator.sql_port}\ndatabase = {DATABASE}\n"
                          "listen = 0\n")

    write(200)
    with proxies.running(programs, env, ["--config", str(config)]) as p:
        load = Load(p.port())
        for n in range(6):
            told = len(load.told)
            write(201 + n)
            p.process.send_signal(signal.SIGHUP)
            assert wait_for(lambda: len(load.told) > told + 10, 20), (p.log[-3:], load.failures[:3])
        load.stop()
        assert not load.failures, load.failures[:3]
        assert_kept(emulator, load)
        assert p.stop() == 0


# ---- tokens ----

@EITHER_POOL
def test_the_token_endpoint_is_down_for_a_while(programs, emulator, env, fault, pool):
    with short_lived_tokens(emulator, IDENTITY, APP_HOST, 4) as endpoint, Shim(
            endpoint.server_port, lambda n: Cut(UP, 0) if is_down.is_set() else None) as wire:
        is_down = threading.Event()
        env["IDENTITY_ENDPOINT"] = f"http://127.0.0.1:{wire.port}/msi/token"
        with proxies.running(programs, env, [target(emulator.sql_port)], "--pool-token-margin", "1",
                             "--login-timeout", "8", *proxies.pool_words(programs, pool)) as p:
            living = connect(p.port())
            assert ask(living, "SELECT 1") == 1
            is_down.set()
            time.sleep(4.5)  # the token that is there has expired
            assert ask(living, "SELECT 2") == 2
            said = run(["tsql", "-H", "127.0.0.1", "-p", p.port(), "-U", "x", "-P", "y", "-D",
                        "master"], input="SELECT 1\ngo\nquit\n", env={**os.environ, "TDSVER": "7.4"},
                       timeout=30)
            text = said.stdout + said.stderr
            assert "IDENTITY_ENDPOINT" in text or "anaged" in text, text
            assert ask(living, "SELECT 3") == 3
            is_down.clear()
            fine_again(p.port(), 10)
            living.close()


def test_an_expired_token_of_the_pool_is_not_lent(programs, emulator, env):
    """A connection leaves the pool before its token ends; the next client gets one of a new token."""
    with short_lived_tokens(emulator, IDENTITY, APP_HOST, 5) as endpoint:
        env.update(endpoint.variables)
        with proxies.running(programs, env, [target(emulator.sql_port)], "--pool", "on",
                             "--pool-token-margin", "2", level="info") as p:
            assert attempt(p.port(), "first")
            assert attempt(p.port(), "second")
            opened = sum("upstream connection opened" in line for line in p.log)
            assert opened == 1, p.log
            asked = endpoint.requests
            time.sleep(4)
            assert attempt(p.port(), "third")
            assert wait_for(lambda: sum("upstream connection opened" in line for line in p.log) >= 2)
            assert endpoint.requests > asked


# ---- what the cloud says ----

def test_redirects_in_a_circle(programs, emulator, env, tmp_path):
    authority = Authority(tmp_path)
    both = tmp_path / "both.pem"
    both.write_text(pathlib.Path(env["SSL_CERT_FILE"]).read_text()
                    + pathlib.Path(authority.file).read_text())
    env["SSL_CERT_FILE"] = str(both)
    hops = []

    def answer(secure, port):
        hops.append(port)
        secure.sendall(packet(4, routing_tokens("localhost", port)))

    with serving(tds_server(authority.context("localhost"), answer)) as port, \
            proxies.running(programs, env, [target(port), target(emulator.sql_port)]) as p:
        said = run(["tsql", "-H", "127.0.0.1", "-p", p.port(), "-U", "x", "-P", "y"],
                   input="SELECT 1\ngo\nquit\n", env={**os.environ, "TDSVER": "7.4"}, timeout=40)
        assert "redirect" in (said.stdout + said.stderr).lower(), said.stdout + said.stderr
        assert 1 <= len(hops) <= 6
        assert attempt(p.port(1), "the other target")


@EITHER_POOL
@pytest.mark.parametrize("name, number, value", [("sql-busy", 40501, 1), ("sql-sessions", 10928, 30),
                                                 ("sql-paused", 40613, 0)])
def test_a_throttled_login_says_so_and_recovers(programs, emulator, env, fault, pool, name, number,
                                                value):
    with proxies.running(programs, env, [target(emulator.sql_port)],
                         *proxies.pool_words(programs, pool)) as p:
        fault(name, "--count", "1", *(["--value", str(value)] if value else []))
        said = run(["tsql", "-H", "127.0.0.1", "-p", p.port(), "-U", "x", "-P", "y"],
                   input="SELECT 40 + 2\ngo\nquit\n", env={**os.environ, "TDSVER": "7.4"}, timeout=40)
        text = said.stdout + said.stderr
        # Told as it is, or waited for and served.
        assert str(number) in text or "\n42" in text, text
        fine_again(p.port())


@EITHER_POOL
def test_a_failover_in_a_request_reaches_its_client_alone(programs, emulator, env, fault, pool):
    with proxies.running(programs, env, [target(emulator.sql_port)],
                         *proxies.pool_words(programs, pool)) as p:
        other = connect(p.port())
        hit = connect(p.port())
        assert ask(other, "SELECT 1") == 1 and ask(hit, "SELECT 1") == 1
        fault("request-failover", "--count", "1")
        with pytest.raises(Exception) as failure:
            ask(hit, "SELECT 2")
        assert "40197" in str(getattr(failure.value, "number", "")) + str(failure.value) or \
            "clos" in str(failure.value).lower()
        assert ask(other, "SELECT 3") == 3
        other.close()
        fine_again(p.port())


# ---- resources ----

@EITHER_POOL
def test_no_descriptors_left(programs, emulator, env, pool):
    """The clients that are in go on, new ones wait or are refused, and it ends when some leave."""
    with proxies.running(programs, env, [target(emulator.sql_port)], "--login-timeout", "5",
                         *proxies.pool_words(programs, pool), descriptors=40) as p:
        first = connect(p.port())
        assert ask(first, "SELECT 1") == 1
        crowd = []
        for _ in range(80):
            s = socket.create_connection(("127.0.0.1", p.port()), timeout=5)
            crowd.append(s)
        time.sleep(0.5)
        assert p.is_alive()
        assert ask(first, "SELECT 2") == 2
        for s in crowd:
            s.close()
        fine_again(p.port(), 15)
        assert ask(first, "SELECT 3") == 3
        first.close()
        ticks = cpu(p)
        time.sleep(0.5)
        assert cpu(p) - ticks < 0.3, "it spins"
        assert p.stop() == 0


def cpu(p):
    fields = pathlib.Path(f"/proc/{p.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_nobody_reads_the_log(programs, emulator, env):
    """A full disk under the log: lines are lost, sessions are not."""
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    assert shutil.which("sh")
    import subprocess

    with open("/dev/full", "w") as full:
        process = subprocess.Popen(
            [programs.entrasql, "--log-level", "debug", "proxy", target(emulator.sql_port)], env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=full, text=True)
    try:
        line = process.stdout.readline()
        while not line.startswith("127.0.0.1:"):
            assert line, "the proxy ended"
            line = process.stdout.readline()
        port = int(line.split(" ")[0].rsplit(":", 1)[1])
        fine_again(port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait(timeout=30)
