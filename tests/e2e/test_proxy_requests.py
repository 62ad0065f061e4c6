# SPDX-License-Identifier: MIT
"""Requests that are no batch, through the pool: transaction manager requests and bulk loads have borders as
any other, and what they leave behind ends with their client."""
import contextlib
import struct
import time

import pytds
import pytest

from conftest import ADMIN, wait_for
from test_proxy import proxy
from test_proxy_pool import BATCH, _socket_of, by_odbc, by_pytds, figure, message, run, value

TM, BEGIN_XACT = 14, 5
NAME = pytds.Column("name", type=pytds.tds_types.NVarCharType(50))
ID = pytds.Column("id", type=pytds.tds_types.IntType())


@pytest.fixture(scope="module")
def target(emulator):
    emulator.sql(ADMIN, "CREATE TABLE request (id int, name nvarchar(50))")
    yield f"localhost,{emulator.port()}/persons?listen=0"
    emulator.sql(ADMIN, "DROP TABLE request")


@pytest.fixture
def pooled(programs, emulator, target):
    """A proxy whose clients of one kind take turns on one connection."""
    emulator.sql(ADMIN, "DELETE request")
    with proxy(programs, emulator.environment(ADMIN), [target], "--pool-size", "1", "--http",
               "127.0.0.1:0") as p:
        yield p
        assert p.stop() == 0


def begin_request():
    headers = struct.pack("<IIHQI", 22, 18, 2, 0, 1)
    body = headers + struct.pack("<HBB", BEGIN_XACT, 0, 0)
    return struct.pack(">BBHHBB", TM, 1, len(body) + 8, 0, 1, 0) + body


def recorded(emulator):
    """All requests that came to the emulator so far."""
    return "".join(file.read_text() for file in sorted(emulator.record.glob("connection-*.txt")))


def as_new(p, spid, connect=by_pytds):
    """The next client of the same kind has the same connection, and nothing of the one before."""
    with contextlib.closing(connect(p.port())) as other:
        assert value(other, "SELECT @@SPID") == spid
        assert value(other, "SELECT @@TRANCOUNT") == 0
        return value(other, "SELECT COUNT(*) FROM request")


def test_a_transaction_of_requests_ends_with_its_client(pooled, emulator):
    before = recorded(emulator)
    with contextlib.closing(pytds.connect("127.0.0.1", port=pooled.port(), user="u", password="p",
                                          database="")) as c:
        spid = value(c, "SELECT @@SPID")
        run(c, "INSERT request VALUES (1, 'kept')")
        c.commit()
        run(c, "INSERT request VALUES (2, 'dropped')")
        assert value(c, "SELECT @@TRANCOUNT") == 1
        _socket_of(c).close()
    assert as_new(pooled, spid) == 1
    said = recorded(emulator)[len(before):]
    # It was begun by a request, and ended by one of the proxy's own that names it.
    assert "BEGIN_XACT" in said and "COMMIT" in said and "BEGIN TRAN" not in said
    assert figure(pooled, "server_logins_total") == 1


def test_microsofts_driver_leaves_one_open_behind_each_commit(pooled, programs):
    """Its COMMIT begins the next transaction in the same reply."""
    def connect(port):
        return by_odbc(programs.msodbc, port)

    c = connect(pooled.port())
    spid = value(c, "SELECT @@SPID")
    c.autocommit = False
    run(c, "INSERT request VALUES (1, 'kept')")
    c.commit()
    run(c, "INSERT request VALUES (2, 'dropped')")
    c.close()
    assert as_new(pooled, spid, connect) == 1
    assert figure(pooled, "server_logins_total") == 1


@pytest.mark.parametrize("part, logins", [(None, 1), (20, 2)], ids=["unread", "half"])
def test_who_leaves_at_the_begin_of_a_transaction(pooled, part, logins):
    """The answer was not read: it is read by the proxy, and the transaction ended. Half a request costs
    the connection."""
    c = by_pytds(pooled.port())
    spid = value(c, "SELECT @@SPID")
    s = _socket_of(c)
    s.sendall(begin_request()[:part])
    s.close()
    if part is None:
        assert as_new(pooled, spid) == 0
    with contextlib.closing(by_pytds(pooled.port())) as other:
        assert value(other, "SELECT @@TRANCOUNT") == 0
    assert figure(pooled, "server_logins_total") == logins


def test_a_batch_behind_a_begin_that_nobody_waited_for(pooled):
    """Two requests at once are answered in order, and both their traces go."""
    c = by_pytds(pooled.port())
    value(c, "SELECT @@SPID")
    s = _socket_of(c)
    s.sendall(begin_request() + message(BATCH, "INSERT request VALUES (3, 'behind'); SELECT 3"))
    s.close()
    with contextlib.closing(by_pytds(pooled.port())) as other:
        assert value(other, "SELECT @@TRANCOUNT") == 0
        assert value(other, "SELECT 1") == 1


def test_bulk_loads(pooled):
    rows = [(i, f"row {i}") for i in range(3000)]
    with contextlib.closing(by_pytds(pooled.port())) as c:
        spid = value(c, "SELECT @@SPID")
        c.cursor().copy_to(data=rows, table_or_view="request", columns=[ID, NAME])
    assert as_new(pooled, spid) == 3000
    # One in a transaction that its client leaves open.
    with contextlib.closing(pytds.connect("127.0.0.1", port=pooled.port(), user="u", password="p",
                                          database="")) as c:
        c.cursor().copy_to(data=rows, table_or_view="request", columns=[ID, NAME])
        assert value(c, "SELECT COUNT(*) FROM request") == 6000
        _socket_of(c).close()
    assert as_new(pooled, spid) == 3000
    assert figure(pooled, "server_logins_total") == 1


# ---- requests that come slowly ----

SELECT = message(BATCH, "SELECT 7")


def test_a_header_that_is_not_whole_takes_no_connection(pooled):
    """And nothing of it is lost."""
    c = by_pytds(pooled.port())
    s = _socket_of(c)
    s.settimeout(30)
    for at in range(7):
        s.sendall(SELECT[at:at + 1])
        time.sleep(0.02)
        with contextlib.closing(by_pytds(pooled.port())) as other:
            assert value(other, "SELECT 8") == 8
    s.sendall(SELECT[7:])
    assert struct.pack("<I", 7) in s.recv(4096)
    c.close()


@pytest.mark.parametrize("part", [1, 20])
def test_who_stops_within_a_request_is_ended(programs, emulator, target, part):
    with proxy(programs, emulator.environment(ADMIN), [target], "--pool-size", "1",
               "--pool-stall-timeout", "1") as p:
        c = by_pytds(p.port())
        s = _socket_of(c)
        s.settimeout(30)
        began = time.monotonic()
        s.sendall(SELECT[:part])
        with contextlib.closing(by_pytds(p.port())) as other:
            assert value(other, "SELECT 8") == 8
        assert "--pool-stall-timeout".encode("utf-16-le") in s.recv(4096)
        assert s.recv(1) == b""
        s.close()
        assert 0.9 < time.monotonic() - began < 20
        assert wait_for(lambda: any("the rest of the request did not come" in line for line in p.log))
        assert p.stop() == 0


def test_who_is_slow_is_served(programs, emulator, target):
    """With a request that comes byte by byte, and with a bulk load that has stopped altogether."""
    with proxy(programs, emulator.environment(ADMIN), [target], "--pool-stall-timeout", "1") as p:
        bulk, slow = by_pytds(p.port()), by_pytds(p.port())
        value(bulk, "SELECT 1")
        _socket_of(bulk).sendall(b"\x07\0\0\x0c\0\0\1\0" + bytes(4))
        s = _socket_of(slow)
        s.settimeout(30)
        for at in range(0, len(SELECT), 8):
            s.sendall(SELECT[at:at + 8])
            time.sleep(0.3)
        assert struct.pack("<I", 7) in s.recv(4096)
        _socket_of(bulk).settimeout(1)
        with pytest.raises(TimeoutError):
            _socket_of(bulk).recv(1)
        slow.close()
        _socket_of(bulk).close()
