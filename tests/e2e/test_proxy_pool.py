# SPDX-License-Identifier: MIT
"""The proxy's pool: connections are used again, and nobody notices whose they were."""
import contextlib
import pathlib
import random
import re
import socket
import struct
import threading
import time
import urllib.request

import pymssql
import pyodbc
import pytds
import pytest

import conftest
from conftest import ADMIN, APP_HOST, IDENTITY, wait_for
from servers import Authority, packet, routing_tokens, serving, short_lived_tokens, tds_server
from shim import Shim
from test_proxy import proxy


def by_pymssql(port, **more):
    return pymssql.connect(server="127.0.0.1", port=str(port), user="u", password="p",
                           autocommit=True, **more)


def by_pytds(port, **more):
    return pytds.connect("127.0.0.1", port=port, user="u", password="p", autocommit=True,
                         **{"database": "", **more})


def by_odbc(driver, port, **more):
    words = "".join(f"{k}={v};" for k, v in more.items())
    return pyodbc.connect(f"Driver={driver};Server=127.0.0.1,{port};UID=u;PWD=p;Encrypt=no;{words}",
                          autocommit=True)


def value(connection, text):
    cursor = connection.cursor()
    cursor.execute(text)
    result = cursor.fetchall()[0][0]
    cursor.close()
    return result


def run(connection, *texts):
    for text in texts:
        cursor = connection.cursor()
        cursor.execute(text)
        cursor.close()


def settled(p, number=1, timeout=10):
    """Waits until so many connections in all were reset or opened and are at rest."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if sum("session ended" in line for line in list(p.log)) >= number:
            time.sleep(0.1)
            return
        time.sleep(0.01)
    raise AssertionError(f"{number} sessions did not end: {p.log}")


def opened(p, number, timeout=10):
    """Waits until the log tells of so many upstream connections; how many it tells of."""
    end = time.monotonic() + timeout
    while True:
        count = sum("upstream connection opened" in line for line in list(p.log))
        if count >= number or time.monotonic() >= end:
            return count
        time.sleep(0.01)


@pytest.fixture(params=["pymssql", "pytds", "tdsodbc", "msodbc"])
def connect(request, programs):
    return {"pymssql": by_pymssql, "pytds": by_pytds,
            "tdsodbc": lambda port, **more: by_odbc(programs.tdsodbc, port, TDS_Version="7.4",
                                                    **more),
            "msodbc": lambda port, **more: by_odbc(programs.msodbc, port, **more),
            }[request.param]


def test_a_connection_is_used_again_and_is_as_new(programs, identity_env, target, connect):
    isolation = "SELECT transaction_isolation_level FROM sys.dm_exec_sessions " \
                "WHERE session_id = @@SPID"
    with proxy(programs, identity_env, [target]) as p:
        first = connect(p.port())
        spid = value(first, "SELECT @@SPID")
        level = value(first, isolation)
        run(first, "CREATE TABLE #left (n int)", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            "SET DATEFORMAT dmy", "SET LOCK_TIMEOUT 77")
        assert value(first, isolation) != level
        first.close()
        settled(p)
        second = connect(p.port())
        assert value(second, "SELECT @@SPID") == spid
        assert value(second, "SELECT CASE WHEN OBJECT_ID('tempdb..#left') IS NULL THEN 1 ELSE 0 "
                             "END") == 1
        assert value(second, isolation) == level
        assert value(second, "SELECT @@LOCK_TIMEOUT") == -1
        assert value(second, "SELECT MONTH(CAST('02/03/2001' AS datetime))") == 2
        assert value(second, "SELECT DB_NAME()") == "persons"
        second.close()
        settled(p, 2)
        assert opened(p, 1) == 1
        assert p.stop() == 0


def test_an_open_transaction_ends_with_its_client(programs, emulator, identity_env, target,
                                                  connect):
    with proxy(programs, identity_env, [target]) as p:
        first = connect(p.port())
        spid = value(first, "SELECT @@SPID")
        run(first, "CREATE TABLE #t (n int)", "BEGIN TRANSACTION",
            "UPDATE Persons SET LastName = 'Nobody' WHERE ID = 1")
        first.close()
        settled(p)
        second = connect(p.port())
        assert value(second, "SELECT @@SPID") == spid
        assert value(second, "SELECT @@TRANCOUNT") == 0
        assert value(second, "SELECT LastName FROM Persons WHERE ID = 1") == "Lovelace"
        second.close()


def test_clients_without_a_request_hold_no_connection(programs, identity_env, target):
    with proxy(programs, identity_env, [target], "--pool-size", "1") as p:
        idle = [by_pytds(p.port()) for _ in range(20)]
        with contextlib.closing(by_pytds(p.port())) as c:
            assert value(c, "SELECT 1") == 1
        for c in idle:
            c.close()
        assert opened(p, 1) == 1


def test_a_program_may_keep_thirty_connections(programs, identity_env, target):
    """As programs with a pool of their own do; pymssql sends a request while it connects."""
    with proxy(programs, identity_env, [target], "--pool-wait", "2") as p, \
            contextlib.ExitStack() as kept:
        held = [kept.enter_context(contextlib.closing(by_pymssql(p.port()))) for _ in range(30)]
        assert len({value(connection, "SELECT @@SPID") for connection in held}) == 30


def test_who_differs_shares_nothing(programs, emulator, target):
    with proxy(programs, emulator.environment(ADMIN), [target]) as p:
        seen = {}
        profiles = [{}, {"appname": "other"}, {"database": "master"}, {"blocksize": 8192},
                    {"readonly": True}]
        for k in range(2):
            for i, profile in enumerate(profiles):
                with contextlib.closing(by_pytds(p.port(), **profile)) as c:
                    spid = value(c, "SELECT @@SPID")
                    assert seen.setdefault(i, spid) == spid
                settled(p, k * len(profiles) + i + 1)
        assert len(set(seen.values())) == len(profiles)
        assert opened(p, len(profiles)) == len(profiles)


def test_the_queue_is_fair_and_has_an_end(programs, identity_env, target):
    with proxy(programs, identity_env, [target], "--pool-size", "1", "--pool-wait", "2") as p:
        holder = by_pytds(p.port())
        value(holder, "SELECT 1")
        late = by_pytds(p.port())
        start = time.monotonic()
        with pytest.raises(Exception, match="no upstream connection became free within 2.0 s"):
            value(late, "SELECT 2")
        assert time.monotonic() - start < 10
        late.close()
        order = []

        def work(n):
            with contextlib.closing(by_pytds(p.port())) as c:
                value(c, "SELECT 3")
                order.append(n)

        threads = []
        for n in range(5):
            threads.append(threading.Thread(target=work, args=(n,)))
            threads[-1].start()
            time.sleep(0.2)
        holder.close()
        for t in threads:
            t.join(timeout=60)
        assert order == [0, 1, 2, 3, 4]
        assert opened(p, 1) == 1


IN_USE = "all 1 of the pool are in use; raise --pool-size or --pool-wait of the entrasql proxy"
FULL = "its limit; raise --max-clients"
SAID = {  # pymssql asks before it has connected and says only that; pytds goes on trying at a limit
    "pymssql": ("Could not set connection properties", FULL), "pytds": (IN_USE, None),
    "tdsodbc": (IN_USE, FULL), "msodbc": (IN_USE, FULL)}


# pymssql mixes up the messages of connections of one process.
BY_PYMSSQL = """import pymssql, sys
try:
    c = pymssql.connect(server="127.0.0.1", port=sys.argv[1], user="u", password="p")
    c.cursor().execute("SELECT 2")
except pymssql.Error as e:
    print(e)
"""


def refusal(programs, name, connect, port):
    """What the driver says of connecting and a first request; nothing: it was let in."""
    if name == "pymssql":
        return conftest.run([programs.python, "-c", BY_PYMSSQL, str(port)]).stdout
    try:
        with contextlib.closing(connect(port)) as c:
            value(c, "SELECT 2")
    except (pytds.Error, pyodbc.Error) as e:
        return str(e)
    return ""


def test_a_refusal_says_what_to_do_next(programs, identity_env, target, connect, request):
    """In the driver's own error: at a limit in that of the login, by the pool in the request's."""
    name = request.node.callspec.params["connect"]
    in_use, full = SAID[name]
    with proxy(programs, identity_env, [target], "--max-clients", "2", "--pool-size", "1",
               "--pool-wait", "1") as p:
        holder = connect(p.port())
        value(holder, "SELECT 1")
        assert in_use in refusal(programs, name, connect, p.port())
        settled(p, 1)
        assert any("hint" in line and "raise --pool-size" in line for line in p.log)
        if full:
            with contextlib.closing(by_pytds(p.port())):
                assert full in refusal(programs, name, connect, p.port())
        holder.close()


def test_who_leaves_the_queue_is_forgotten(programs, identity_env, target):
    with proxy(programs, identity_env, [target], "--pool-size", "1") as p:
        holder = by_pytds(p.port())
        value(holder, "SELECT 1")
        sql = "INSERT INTO Persons (ID, FirstName, LastName) VALUES (77, 'Ghost', 'Ghost')"
        ghost = by_pytds(p.port())
        thread = threading.Thread(target=lambda: _ignore(lambda: run(ghost, sql)), daemon=True)
        thread.start()
        time.sleep(0.5)
        _socket_of(ghost).shutdown(socket.SHUT_RDWR)
        thread.join(timeout=30)
        settled(p, 1)
        with contextlib.closing(holder):
            assert value(holder, "SELECT COUNT(*) FROM Persons WHERE ID = 77") == 0
        settled(p, 2)
        with contextlib.closing(by_pytds(p.port())) as c:
            assert value(c, "SELECT COUNT(*) FROM Persons WHERE ID = 77") == 0


def _ignore(call):
    with contextlib.suppress(Exception):
        call()


def _socket_of(connection):
    return connection._tds_socket.sock


def test_a_client_that_leaves_in_the_middle_spoils_nothing(programs, identity_env, target):
    """A raw client's requests cut at every byte; another client looks after each."""
    rng = random.Random(7)
    with proxy(programs, identity_env, [target], "--pool-size", "2") as p:
        batch = "SELECT 'mine'; CREATE TABLE #x (n int); BEGIN TRAN"
        text = (22).to_bytes(4, "little") + (18).to_bytes(4, "little") + b"\x02\x00" + bytes(8) + \
            (1).to_bytes(4, "little") + batch.encode("utf-16-le")
        packet = b"\x01\x01" + (len(text) + 8).to_bytes(2, "big") + bytes(4) + text
        ended = 0
        for cut in list(range(0, 12)) + rng.sample(range(12, len(packet)), 12) + [len(packet)]:
            c = by_pytds(p.port())
            s = _socket_of(c)
            s.sendall(packet[:cut])
            time.sleep(0.01)
            s.close()
            with contextlib.closing(by_pytds(p.port())) as other:
                assert value(other, "SELECT 'yours'") == "yours"
                assert value(other, "SELECT @@TRANCOUNT") == 0
                run(other, "CREATE TABLE #x (n int)")
            ended += 2
            settled(p, ended)


BATCH, ATTENTION = 1, 6
LARGE = "SELECT REPLICATE(CAST('mine' AS varchar(max)), 2000000)"
LEFT = "CREATE TABLE #left (n int); SET LOCK_TIMEOUT 77; BEGIN TRAN; " \
       "UPDATE Persons SET LastName = 'Nobody' WHERE ID = 1; " + LARGE


def message(kind, sql):
    """A request of one packet."""
    text = (22).to_bytes(4, "little") + (18).to_bytes(4, "little") + b"\x02\x00" + bytes(8) + \
        (1).to_bytes(4, "little") + sql.encode("utf-16-le") if kind == BATCH else b""
    return bytes([kind, 1]) + (len(text) + 8).to_bytes(2, "big") + bytes(4) + text


@pytest.mark.parametrize("leave", ["in order", "with a reset", "after a cancel", "unread"])
def test_who_leaves_in_a_large_result_costs_no_connection(programs, identity_env, target, leave):
    """The rest of the answer is cancelled and thrown away, and nothing of it, nor of what its batch
    did before, meets the next client; no login is made for that."""
    with proxy(programs, identity_env, [target], "--pool-size", "1", "--http",
               "127.0.0.1:0") as p:
        spids = set()
        for n in range(4):
            c = by_pytds(p.port())
            spids.add(value(c, "SELECT @@SPID"))
            s = _socket_of(c)
            s.settimeout(30)
            s.sendall(message(BATCH, LEFT))
            if leave != "unread":
                assert len(s.recv(50000 * n + 1)) > 0
            if leave == "after a cancel":
                s.sendall(message(ATTENTION, ""))
            if leave == "with a reset":
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
            with contextlib.closing(by_pytds(p.port())) as other:
                spids.add(value(other, "SELECT @@SPID"))
                assert value(other, "SELECT 'yours'") == "yours"
                assert value(other, "SELECT @@TRANCOUNT") == 0
                assert value(other, "SELECT @@LOCK_TIMEOUT") == -1
                assert value(other, "SELECT LastName FROM Persons WHERE ID = 1") == "Lovelace"
                run(other, "CREATE TABLE #left (n int)")
        assert len(spids) == 1
        assert figure(p, "server_logins_total") == 1
        assert figure(p, "pool_drains_total") == 4
        assert p.stop() == 0


def test_half_a_request_costs_the_connection(programs, identity_env, target):
    """Of a batch, and of a bulk load."""
    with proxy(programs, identity_env, [target], "--pool-size", "1", "--http",
               "127.0.0.1:0") as p:
        for n, part in enumerate([message(BATCH, "SELECT 1")[:20], b"\x07\0\0\x0c" + bytes(8)]):
            c = by_pytds(p.port())
            value(c, "SELECT 1")
            _socket_of(c).sendall(part)
            _socket_of(c).close()
            with contextlib.closing(by_pytds(p.port())) as other:
                assert value(other, "SELECT 2") == 2
            assert figure(p, "server_logins_total") == n + 2
        assert figure(p, "pool_drains_total") == 0


def figure(p, name, **labels):
    """One of the figures of /metrics."""
    port = re.search(r"health and metrics: http://127.0.0.1:(\d+)", p.said).group(1)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    words = "".join(f'(?=[^}}]*{k}="{v}")' for k, v in labels.items())
    return int(re.search(rf"^entrasql_proxy_{name}{{{words}[^}}]*}} (\d+)$", text, re.M).group(1))


def test_a_cancel_reaches_the_server_at_once(programs, identity_env, target):
    with proxy(programs, identity_env, [target]) as p:
        c = by_odbc(programs.msodbc, p.port())
        c.timeout = 1
        start = time.monotonic()
        with pytest.raises(pyodbc.Error, match="HYT00"):
            value(c, "WAITFOR DELAY '00:00:30'; SELECT 1")
        assert time.monotonic() - start < 15
        c.timeout = 0
        assert value(c, "SELECT 2") == 2
        c.close()
        settled(p)
        with contextlib.closing(by_odbc(programs.msodbc, p.port())) as c:
            assert value(c, "SELECT 3") == 3
        assert opened(p, 1) == 1


@pytest.fixture
def wire(emulator):
    """Between proxy and server, to be cut."""
    with Shim(emulator.port()) as shim:
        yield shim


def through(wire):
    return f"localhost,{wire.port}/persons?listen=0"


def test_a_connection_that_broke_meanwhile_is_replaced(programs, identity_env, wire):
    with proxy(programs, identity_env, [through(wire)]) as p:
        with contextlib.closing(by_pytds(p.port())) as c:
            value(c, "SELECT 1")
        settled(p)
        wire.drop_all()
        with contextlib.closing(by_pytds(p.port())) as c:
            assert value(c, "SELECT 4") == 4
        assert opened(p, 2) == 2


def test_a_server_that_dies_in_a_request_is_told(programs, identity_env, wire):
    with proxy(programs, identity_env, [through(wire)]) as p:
        c = by_pytds(p.port())
        killer = threading.Timer(1, wire.drop_all)
        killer.start()
        with pytest.raises(Exception, match="closed the connection in a request|reset by peer"):
            value(c, "WAITFOR DELAY '00:00:20'; SELECT 1")
        killer.join()
        _ignore(c.close)
        with contextlib.closing(by_pytds(p.port())) as c:
            assert value(c, "SELECT 5") == 5


def test_without_a_pool_each_client_has_its_own(programs, identity_env, target):
    with proxy(programs, identity_env, [target], "--pool", "off") as p:
        clients = [by_pytds(p.port()) for _ in range(3)]
        assert len({value(c, "SELECT @@SPID") for c in clients}) == 3
        for c in clients:
            c.close()
        settled(p, 3)
        assert sum("login accepted" in line for line in p.log) == 3
        assert opened(p, 0) == 0


def test_a_pool_that_is_never_idle_starves_no_other(programs, identity_env, target):
    with proxy(programs, identity_env, [target + "&pool-max=1"]) as p:
        over = threading.Event()
        asked = []

        def work():
            while not over.is_set():
                with contextlib.closing(by_pytds(p.port(), appname="busy")) as c:
                    asked.append(value(c, "WAITFOR DELAY '00:00:00.05'; SELECT 1"))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        time.sleep(1)
        with contextlib.closing(by_pytds(p.port(), appname="other")) as c:
            assert value(c, "SELECT 2") == 2
        before = len(asked)
        time.sleep(1)
        over.set()
        for t in threads:
            t.join(timeout=30)
        assert len(asked) > before > 0
        assert p.stop() == 0


def test_the_least_number_is_opened_with_the_first_login(programs, identity_env, target):
    with proxy(programs, identity_env, [target], "--pool-min", "3", "--pool-idle-timeout", "1",
               "--http", "127.0.0.1:0") as p:
        assert figure(p, "server_logins_total") == 0
        with contextlib.closing(by_pytds(p.port())):
            assert opened(p, 3) == 3
        time.sleep(2.5)  # longer than they may be idle
        assert figure(p, "server_logins_total") == 3
        assert not any("retired" in line for line in p.log)


def test_tokens_too_short_do_not_log_in_without_end(programs, emulator, target):
    """For the least number, that is: clients get their connections."""
    with short_lived_tokens(emulator, IDENTITY, APP_HOST, 200) as endpoint:
        env = {**emulator.environment(IDENTITY, APP_HOST), **endpoint.variables}
        with proxy(programs, env, [target], "--pool-min", "5") as p:
            with contextlib.closing(by_pytds(p.port())) as c:
                assert value(c, "SELECT 1") == 1
            time.sleep(5)  # the pauses are 1, 2 and 4 s
            assert 5 < opened(p, 6) <= 16
            with contextlib.closing(by_pytds(p.port())) as c:
                assert value(c, "SELECT 1") == 1
            assert p.stop() == 0


class Gateway:
    """What a client of a moving database meets first: each login waits until the test says where to,
    or the ports have their turns."""

    def __init__(self):
        self.logins, self.turns = [], ()

    def __call__(self, secure, _port):
        place, said = [], threading.Event()
        self.logins.append((place, said))
        if self.turns:
            self.send(len(self.logins) - 1, self.turns[len(self.logins) % len(self.turns)])
        said.wait(30)
        secure.sendall(packet(4, routing_tokens("localhost", place[0])))

    def send(self, login, port):
        assert wait_for(lambda: len(self.logins) > login), "no login came"
        place, said = self.logins[login]
        place.append(port)
        said.set()


@pytest.fixture
def gateway(identity_env, tmp_path):
    """One, and the environment of who trusts it."""
    authority = Authority(tmp_path)
    both = tmp_path / "both.pem"
    both.write_text(pathlib.Path(identity_env["SSL_CERT_FILE"]).read_text()
                    + pathlib.Path(authority.file).read_text())
    one = Gateway()
    with serving(tds_server(authority.context("localhost"), one)) as port:
        one.target = f"localhost,{port}/persons?listen=0"
        one.env = {**identity_env, "SSL_CERT_FILE": str(both)}
        yield one


def asking(p, gateway, *ports, **more):
    """Clients with a connection each, whose logins were sent to the ports."""
    clients = []
    for port in ports:
        first = len(gateway.logins)
        sender = threading.Thread(target=gateway.send, args=(first, port))
        sender.start()
        clients.append(by_pytds(p.port(), **more))
        clients[-1].spid = value(clients[-1], "SELECT @@SPID")
        sender.join()
    return clients


@pytest.mark.parametrize("readonly", [False, True])
def test_a_database_that_moved_is_not_looked_for_at_its_former_place(programs, emulator, gateway,
                                                                     wire, readonly):
    """Nobody gets a connection to the former place any more, and who has one may go on. Several
    replicas that are only read are several places at one time."""
    with Shim(emulator.port()) as other, \
            proxy(programs, gateway.env, [gateway.target], "--pool-size", "4", "--http",
                  "127.0.0.1:0") as p:
        before = asking(p, gateway, wire.port, wire.port, wire.port, readonly=readonly)
        spids = {c.spid for c in before}
        late, asked = by_pytds(p.port(), readonly=readonly), []
        thread = threading.Thread(target=lambda: asked.append(value(late, "SELECT @@SPID")))
        thread.start()
        assert wait_for(lambda: len(gateway.logins) == 4)
        before.pop().close()  # the late one's now
        thread.join(timeout=30)
        assert asked[0] in spids
        before.pop().close()
        settled(p, 2)
        gateway.send(3, other.port)
        assert opened(p, 4) == 4
        late.close()
        settled(p, 3)
        with contextlib.ExitStack() as stack:
            if readonly:
                now = [stack.enter_context(contextlib.closing(by_pytds(p.port(), readonly=True)))
                       for _ in range(3)]
                assert len({value(c, "SELECT @@SPID") for c in now} & spids) == 2
                assert other.count == 1
            else:
                assert wire.count == 3 and figure(p, "servers", state="idle") == 1
                one = stack.enter_context(contextlib.closing(by_pytds(p.port())))
                assert value(one, "SELECT 1") == 1
                assert other.count == 1
                asking(p, gateway, other.port)[0].close()
                assert other.count == 2 and wire.count == 3
            assert value(before[0], "SELECT 1") == 1
            before.pop().close()
        ended = 0 if readonly else 3
        assert wait_for(lambda: figure(p, "pins_total", reason="admin") == ended)
        assert wait_for(
            lambda: any("is at another place now" in line for line in p.log) != readonly)
        assert p.stop() == 0


def test_a_login_that_began_before_a_move_has_no_say(programs, emulator, gateway, wire):
    """It comes late to the former place, and its client gets another connection."""
    with Shim(emulator.port()) as other, \
            proxy(programs, gateway.env, [gateway.target], "--pool-size", "4") as p:
        first = asking(p, gateway, wire.port)[0]
        asked = []

        def work():
            with contextlib.closing(by_pytds(p.port())) as c:
                asked.append(value(c, "SELECT @@SPID"))
                time.sleep(1)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for t in threads:
            t.start()
        assert wait_for(lambda: len(gateway.logins) == 3)
        gateway.send(2, other.port)
        assert wait_for(lambda: len(asked) == 1)
        gateway.send(1, wire.port)
        gateway.send(3, other.port)
        for t in threads:
            t.join(timeout=30)
        assert len(set(asked)) == 2 and first.spid not in asked
        assert other.count == 2 and wire.count == 2
        assert sum("is at another place now" in line for line in p.log) == 1
        first.close()
        assert p.stop() == 0


@pytest.mark.parametrize("least", [0, 2])
def test_a_gateway_that_takes_turns_renews_the_pool_once(programs, emulator, gateway, wire, least):
    """Three places: none of them is the one before the last."""
    with contextlib.ExitStack() as stack:
        others = [stack.enter_context(Shim(emulator.port())) for _ in range(2)]
        gateway.turns = [wire.port, *(other.port for other in others)]
        p = stack.enter_context(proxy(programs, gateway.env, [gateway.target], "--pool-size", "8",
                                      "--pool-min", str(least)))
        for _ in range(3):
            clients = [by_pytds(p.port()) for _ in range(6)]
            for c in clients:
                assert value(c, "SELECT 1") == 1
            for c in clients:
                c.close()
            time.sleep(1)
        assert 6 <= len(gateway.logins) <= 10
        assert sum("is at another place now" in line for line in p.log) == 1
        assert sum("several places by turns" in line for line in p.log) == 1
        assert p.stop() == 0
