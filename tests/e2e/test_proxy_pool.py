# SPDX-License-Identifier: MIT
"""The proxy's pool: connections are used again, and nobody notices whose they were."""
import contextlib
import random
import socket
import threading
import time

import pymssql
import pyodbc
import pytds
import pytest

from conftest import ADMIN, APP_HOST, IDENTITY
from shim import Shim
from test_proxy import proxy


@pytest.fixture
def identity_env(emulator):
    return emulator.environment(IDENTITY, APP_HOST)


@pytest.fixture
def target(emulator):
    return f"localhost,{emulator.port()}/persons?listen=0"


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
