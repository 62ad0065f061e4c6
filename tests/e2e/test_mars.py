# SPDX-License-Identifier: MIT
"""MARS by real drivers: several results open on one connection.

Microsoft's ODBC driver, the same one under ours, and python-tds, which checks each packet of the session
multiplex protocol itself; on the emulator, and through the proxy with its pool on and off.
"""
import functools
import re
import struct
import threading
import time
import types

import pyodbc
import pytds
import pytest
from OpenSSL import SSL

import odbc
from conftest import ADMIN, DATABASE, microsofts_server, running_emulator, wait_for
from proxies import OFF, ON, pool_words, running
from test_backend import front_options, server  # noqa: F401
from test_drivers import SQL_COPT_SS_ACCESS_TOKEN, pack
from test_proxy_ops import metrics, value_of
from test_proxy_pool import BATCH, message

ROWS = 20000
ERRORS = (pyodbc.Error, pytds.Error, SSL.Error)


@functools.lru_cache
def known(emulator):
    """What each test would start programs for."""
    return types.SimpleNamespace(port=emulator.port(), token=emulator.token(ADMIN),
                                 environment=emulator.environment(ADMIN))


def by_msodbc(emulator, programs, mars=True, autocommit=True):
    return pyodbc.connect(
        f"Driver={programs.msodbc};Server={microsofts_server(known(emulator).port)};Database={DATABASE};Encrypt=yes;"
        f"MARS_Connection={'yes' if mars else 'no'}",
        attrs_before={SQL_COPT_SS_ACCESS_TOKEN: pack(known(emulator).token)}, autocommit=autocommit)


def by_entrasql(emulator, programs, mars=True, autocommit=True):
    text = (f"Driver={odbc.library(programs)};UnderlyingDriver={programs.msodbc};"
            f"Server={microsofts_server(known(emulator).port)};Database={DATABASE};Encrypt=yes;"
            f"MARS_Connection={'yes' if mars else 'no'}")
    return pyodbc.connect(text, autocommit=autocommit)


def by_pytds(emulator, programs, mars=True, autocommit=True):
    return pytds.connect(
        dsn="localhost", port=known(emulator).port, database=DATABASE, use_mars=mars, autocommit=autocommit,
        access_token_callable=lambda: known(emulator).token,
        cafile=known(emulator).environment["SSL_CERT_FILE"], validate_host=True)


def by_msodbc_without_token(port, programs, mars=True, autocommit=True, database=DATABASE):
    return pyodbc.connect(
        f"Driver={programs.msodbc};Server=127.0.0.1,{port};Database={database};UID=u;PWD=p;Encrypt=no;"
        f"MARS_Connection={'yes' if mars else 'no'}", autocommit=autocommit)


def by_pytds_without_token(port, programs, mars=True, autocommit=True, database=DATABASE):
    return pytds.connect(dsn="127.0.0.1", port=port, database=database, user="u", password="p", use_mars=mars,
                         autocommit=autocommit)


DIRECTLY = {"msodbc": by_msodbc, "entrasql": by_entrasql, "pytds": by_pytds}
THROUGH = {"msodbc": by_msodbc_without_token, "pytds": by_pytds_without_token}
needs_runtime = pytest.mark.skipif(odbc.SANITIZED, reason="a sanitizer's runtime has to be in the process "
                                                         "before a library that needs it")
WAYS = [*(pytest.param((name, None), marks=needs_runtime if name == "entrasql" else ()) for name in DIRECTLY),
        *((name, pool) for name in THROUGH for pool in (OFF, ON))]


@pytest.fixture(autouse=True)
def person(emulator, monkeypatch):
    """Drivers in this process find the CA, and ours its credential, as a user's would."""
    for name, value in known(emulator).environment.items():
        monkeypatch.setenv(name, value)
    pyodbc.pooling = False


@pytest.fixture(scope="module", autouse=True)
def tables(emulator):
    emulator.sql(ADMIN, "CREATE TABLE digit (d int); "
                        "INSERT digit VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9); "
                        "CREATE TABLE many (id int PRIMARY KEY, text varchar(200)); "
                        "INSERT many SELECT a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d, "
                        "REPLICATE('x', 180) FROM digit a, digit b, digit c, digit d, digit e "
                        f"WHERE a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d < {ROWS}; "
                        "CREATE TABLE seen (id int, by_whom varchar(20))")
    yield
    emulator.sql(ADMIN, "DROP TABLE seen; DROP TABLE many; DROP TABLE digit")


@pytest.fixture(scope="module")
def proxies(emulator, programs):
    """A proxy with its pool off, and one with a pool of a single connection. Connections stand ready at
    both, which have said no MARS: nobody who asks for it may get one of them."""
    env = known(emulator).environment
    target = f"localhost,{known(emulator).port}?listen=0"
    words = ["--http", "127.0.0.1:0", "--warm", "2"]
    with running(programs, env, [target], *pool_words(programs, OFF), *words) as off, \
            running(programs, env, [target], *pool_words(programs, ON, 1), *words) as on:
        yield {OFF: off, ON: on}


@pytest.fixture(params=WAYS, ids=lambda way: "-".join(["pool", way[1], way[0]] if way[1] else [way[0]]))
def connect(request, emulator, programs, proxies):
    name, pool = request.param
    made = []

    def one(**options):
        if pool:
            made.append(THROUGH[name](proxies[pool].port(), programs, **options))
        else:
            made.append(DIRECTLY[name](emulator, programs, **options))
        return made[-1]

    yield one
    for connection in made:
        try:
            connection.close()
        except ERRORS:
            pass  # the test closed or broke it


def value(emulator, text):
    return list(emulator.sql(ADMIN, text)[0].values())[0]


def said(connection, text):
    """What the server has to say of a batch, behind its results too."""
    cursor = connection.cursor()
    try:
        cursor.execute(text)
        while cursor.nextset():
            pass
    except ERRORS as error:
        return str(error)
    # python-tds notes what comes behind the last result, and raises nothing.
    return str(cursor.messages)


# ---- what MARS is for ----

def test_without_it_a_second_result_is_refused(emulator, programs):
    """What the rest of this file shows is MARS's doing."""
    connection = by_msodbc(emulator, programs, mars=False)
    first = connection.cursor()
    first.execute("SELECT id, text FROM many ORDER BY id")
    assert first.fetchone()[0] == 0
    with pytest.raises(pyodbc.Error, match="busy with results for another"):
        connection.cursor().execute("SELECT 1")
    connection.close()


def test_large_results_are_read_in_turn(connect):
    connection = connect()
    up, down = connection.cursor(), connection.cursor()
    up.execute("SELECT id, text FROM many ORDER BY id")
    down.execute("SELECT id, text FROM many ORDER BY id DESC")
    for i in range(ROWS):
        row = up.fetchone()
        assert (row[0], len(row[1])) == (i, 180)
        if i % 2 == 0:
            assert down.fetchone()[0] == ROWS - 1 - i // 2
    assert up.fetchone() is None
    assert len(down.fetchall()) == ROWS // 2


def test_a_table_is_changed_while_it_is_read(connect, emulator):
    emulator.sql(ADMIN, "DELETE seen")
    connection = connect()
    reader, writer = connection.cursor(), connection.cursor()
    reader.execute("SELECT id, text FROM many ORDER BY id")
    for row in reader:
        if row[0] % 1000 == 0:
            writer.execute(f"INSERT seen VALUES ({row[0]}, 'writer')")
            writer.execute(f"UPDATE many SET text = 'changed' WHERE id = {row[0]}")
            assert writer.rowcount == 1
        assert len(row[1]) == 180  # it reads what was there when it began
    assert value(emulator, "SELECT COUNT(*) AS n FROM seen") == ROWS // 1000
    assert value(emulator, "SELECT COUNT(*) AS n FROM many WHERE text = 'changed'") == ROWS // 1000
    emulator.sql(ADMIN, "UPDATE many SET text = REPLICATE('x', 180) WHERE text = 'changed'")


def test_many_cursors(connect):
    connection = connect()
    cursors = [connection.cursor() for _ in range(40)]
    for i, cursor in enumerate(cursors):
        cursor.execute(f"SELECT id, {i} FROM many WHERE id >= {i} ORDER BY id")
    for turn in range(200):
        for i, cursor in enumerate(cursors):
            assert tuple(cursor.fetchone()) == (i + turn, i)
    for cursor in cursors:
        cursor.close()
    assert connection.cursor().execute("SELECT 1") is not None


def test_the_record_tells_sessions_apart(emulator, programs):
    connection = by_msodbc(emulator, programs)
    first, second = connection.cursor(), connection.cursor()
    first.execute("SELECT id FROM many WHERE 'first' = 'first'")
    second.execute("SELECT 'second'")
    connection.close()
    text = next(text for text in (file.read_text() for file in emulator.record.glob("connection-*.txt"))
                if "'first' = 'first'" in text)
    asked = re.findall(r"S> MARS session (\d+) asks\n.*SQLBATCH .*'(first|second)'", text)
    assert [what for _, what in asked] == ["first", "second"]
    assert asked[0][0] != asked[1][0]


# ---- one session of the server behind them ----

def test_cursors_share_transaction_and_temporary_tables(connect, emulator):
    emulator.sql(ADMIN, "DELETE seen")
    connection = connect(autocommit=False)
    reader, writer = connection.cursor(), connection.cursor()
    writer.execute("CREATE TABLE #mine (a int)")
    writer.execute("INSERT #mine VALUES (7)")
    connection.commit()
    reader.execute("SELECT id FROM many ORDER BY id")
    assert reader.fetchone()[0] == 0
    writer.execute("INSERT seen VALUES (1, 'kept')")
    connection.commit()
    writer.execute("INSERT seen VALUES (2, 'dropped')")
    other = connection.cursor()
    other.execute("SELECT COUNT(*), (SELECT a FROM #mine) FROM seen")
    assert tuple(other.fetchall()[0]) == (2, 7)
    connection.rollback()
    assert value(emulator, "SELECT COUNT(*) AS n FROM seen") == 1
    assert value(emulator, "SELECT by_whom FROM seen") == "kept"
    connection.commit()


def test_a_transaction_of_a_batch_ends_with_it(connect, emulator):
    emulator.sql(ADMIN, "DELETE seen")
    connection = connect()
    assert "MARS batch is still active" in said(connection, "BEGIN TRANSACTION; INSERT seen VALUES (1, 'batch')")
    connection.cursor().execute("BEGIN TRANSACTION; INSERT seen VALUES (2, 'whole'); COMMIT")
    assert value(emulator, "SELECT MAX(id) AS id FROM seen") == 2
    assert value(emulator, "SELECT COUNT(*) AS n FROM seen") == 1


# ---- its ends ----

def test_a_cancel_ends_one_result_alone(connect):
    connection = connect()
    a, b = connection.cursor(), connection.cursor()
    a.execute("SELECT id, text FROM many ORDER BY id")
    b.execute("SELECT id, text FROM many ORDER BY id")
    assert a.fetchone()[0] == b.fetchone()[0] == 0
    a.cancel()
    assert b.fetchone()[0] == 1
    assert len(b.fetchall()) == ROWS - 2
    a.execute("SELECT 5")
    assert a.fetchall()[0][0] == 5


def test_a_statement_that_runs_is_cancelled(emulator, programs):
    connection = by_msodbc(emulator, programs)
    waits, other = connection.cursor(), connection.cursor()
    timer = threading.Timer(0.5, waits.cancel)
    timer.start()
    began = time.monotonic()
    with pytest.raises(pyodbc.Error, match="(?i)cancel"):
        waits.execute("WAITFOR DELAY '00:00:30'")
    assert time.monotonic() - began < 20
    timer.join()
    assert other.execute("SELECT 1").fetchval() == 1
    assert waits.execute("SELECT 2").fetchval() == 2
    connection.close()


def test_a_client_that_leaves_in_the_middle(connect, emulator):
    emulator.sql(ADMIN, "DELETE seen")
    connection = connect(autocommit=False)
    reader, writer = connection.cursor(), connection.cursor()
    reader.execute("SELECT id, text FROM many ORDER BY id")
    assert reader.fetchone()[0] == 0
    writer.execute("INSERT seen VALUES (1, 'gone')")
    connection.close()
    # Its transaction was rolled back: nobody's lock is in the way.
    emulator.sql(ADMIN, "INSERT seen VALUES (2, 'after')")
    assert value(emulator, "SELECT COUNT(*) AS n FROM seen") == 1


def test_a_session_that_ends_in_its_request(emulator, programs):
    """Its batch is stopped and its transaction rolled back; the others live on."""
    emulator.sql(ADMIN, "DELETE seen")
    connection = by_pytds(emulator, programs)
    session = connection._tds_socket._smp_manager.create_session()
    session.sendall(message(BATCH, "BEGIN TRANSACTION; INSERT seen VALUES (1, 'ended'); "
                                   "WAITFOR DELAY '00:00:30'"))
    time.sleep(0.5)
    began = time.monotonic()
    session.close()  # and waits for the server's end of it
    assert time.monotonic() - began < 20
    assert connection.cursor().execute_scalar("SELECT @@TRANCOUNT") == 0
    assert connection.cursor().execute_scalar("SELECT COUNT(*) FROM seen") == 0
    connection.close()


def test_unread_results_have_a_bound(emulator, programs):
    """Who asks for more before it reads what it has gets an error, and its other answer."""
    connection = by_msodbc(emulator, programs)
    connection.timeout = 60  # without a bound it would wait for ever
    hoarder, other = connection.cursor(), connection.cursor()
    hoarder.execute("SELECT a.id, a.text FROM many a, digit b, digit c WHERE c.d < 2")  # about 80 MB
    assert hoarder.fetchone() is not None
    assert other.execute("SELECT 1").fetchval() == 1
    with pytest.raises(pyodbc.Error, match="unread results of a MARS session"):
        hoarder.fetchall()
    assert hoarder.execute("SELECT 2").fetchval() == 2
    connection.close()


def test_a_reader_without_others_has_no_bound(emulator, programs):
    connection = by_msodbc(emulator, programs)
    reader = connection.cursor()
    reader.execute("SELECT a.id, a.text FROM many a, digit b, digit c WHERE c.d < 2")
    count = len(reader.fetchmany(10))
    time.sleep(3)  # longer than the emulator waits for somebody who wants something else meanwhile
    while rows := reader.fetchmany(5000):
        count += len(rows)
    assert count == 20 * ROWS
    connection.close()


# ---- bad input ----

SYN, ACK, FIN, DATA = 1, 2, 4, 8


def smp(kind, sid, seqnum, window=4, payload=b"", first=0x53):
    return struct.pack("<BBHIII", first, kind, sid, 16 + len(payload), seqnum, window) + payload


@pytest.mark.parametrize("bad", [
    smp(SYN, 7, 0, first=0x12),
    smp(SYN | ACK, 7, 0),
    smp(SYN, 0, 0),  # python-tds's first session
    smp(DATA, 7, 1, payload=b"not open"),
    smp(SYN, 7, 0) + smp(DATA, 7, 2, payload=b"out of turn"),
    smp(SYN, 7, 0) + smp(DATA, 7, 1, payload=b"no TDS packet"),
    smp(SYN, 7, 0) + smp(ACK, 7, 0, window=3),
    smp(SYN, 7, 0)[:4] + b"\xff\xff\xff\xff" + smp(SYN, 7, 0)[8:],
    b"".join(smp(SYN, 7 + i, 0) for i in range(300)),
], ids=["first byte", "flags", "open twice", "not open", "sequence", "payload", "window", "length", "too many"])
def test_what_breaks_the_protocol_ends_its_connection_alone(emulator, programs, bad):
    victim = by_pytds(emulator, programs)
    cursor = victim.cursor()
    cursor.execute("SELECT 1")
    assert cursor.fetchall() == [(1,)]
    victim._tds_socket._smp_manager._transport.sendall(bad)
    with pytest.raises((*ERRORS, OSError)):
        for _ in range(100):  # what was on its way may still be answered
            cursor.execute("SELECT 1")
            cursor.fetchall()
            time.sleep(0.01)
    after = by_pytds(emulator, programs)
    assert wait_for(lambda: after.cursor().execute_scalar("SELECT 2") == 2)
    after.close()


# ---- the proxy ----

def admin_rows(p, programs, text):
    """What the admin database answers."""
    with pyodbc.connect(f"Driver={programs.msodbc};Server=127.0.0.1,{p.port()};Database=entrasql;UID=u;PWD=p;"
                        "Encrypt=no", autocommit=True) as connection:
        cursor = connection.execute(text)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]


def pinned(p):
    return value_of(metrics(p), "entrasql_proxy_pins_total", reason="mars")


def test_the_pool_has_no_part_in_it(proxies, programs):
    """A client with MARS takes nobody's connection, and its own is nobody's after it."""
    p = proxies[ON]
    assert wait_for(lambda: value_of(metrics(p), "entrasql_proxy_clients") == 0)
    before = pinned(p)
    shared = by_msodbc_without_token(p.port(), programs, mars=False)
    shared.execute("CREATE TABLE #shared (a int)")  # it has the pool's only connection now
    own = by_msodbc_without_token(p.port(), programs)
    first, second = own.cursor(), own.cursor()
    first.execute("SELECT id, text FROM many ORDER BY id")
    assert first.fetchone()[0] == 0
    assert second.execute("SELECT OBJECT_ID('tempdb..#shared')").fetchval() is None
    assert [row["state"] for row in admin_rows(p, programs, "SHOW SERVERS")].count("own, MARS") == 1
    own.close()
    shared.close()
    assert wait_for(lambda: pinned(p) == before + 1)
    # With the pool off nobody's connection would have gone back.
    assert pinned(proxies[OFF]) == 0


def test_the_admin_database_has_none(proxies, programs):
    with pytest.raises(pyodbc.Error, match="own database has no MARS"):
        by_msodbc_without_token(proxies[ON].port(), programs, database="entrasql")


@pytest.mark.parametrize("pool", [OFF, ON])
def test_a_server_without_it(programs, server, password_file, tmp_path, pool):  # noqa: F811
    with running_emulator(programs, tmp_path / "data", *front_options(server, password_file)) as front, \
            running(programs, front.environment(ADMIN), [f"localhost,{front.port()}?listen=0"],
                    *pool_words(programs, pool)) as p:
        with pytest.raises(pyodbc.Error, match="does not grant MARS; take MARS_Connection"):
            by_msodbc_without_token(p.port(), programs)
        other = by_msodbc_without_token(p.port(), programs, mars=False)
        assert other.execute("SELECT 1").fetchval() == 1
        other.close()
