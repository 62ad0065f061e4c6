# SPDX-License-Identifier: MIT
"""The auth proxy: clients that know no tokens connect without a secret, unchanged."""
import os
import pathlib
import signal
import threading
import time

import pymssql
import pyodbc
import pytest

from conftest import ADMIN, APP_HOST, IDENTITY, run
from proxies import running as proxy


def rows_of(connection, text="SELECT FirstName FROM Persons ORDER BY ID"):
    cursor = connection.cursor()
    cursor.execute(text)
    return [row[0] for row in cursor.fetchall()]


def tsql(port, text):
    """What FreeTDS's tsql prints; unlike pymssql it always shows the message of a refused login."""
    result = run(["tsql", "-H", "127.0.0.1", "-p", port, "-U", "x", "-P", "y"],
                 input=f"{text}\ngo\nquit\n", env={**os.environ, "TDSVER": "7.4"})
    return result.stdout + result.stderr


def test_pymssql_and_tsql_without_a_secret(programs, identity_env, target):
    with proxy(programs, identity_env, [target]) as p:
        assert "signed in by ManagedIdentityCredential" in p.said
        with pymssql.connect(server="127.0.0.1", port=str(p.port()), user="any",
                             password="any") as c:
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]
            assert rows_of(c, "SELECT USER_NAME()") == [IDENTITY]
        assert "Turing" in tsql(p.port(), "SELECT LastName FROM Persons WHERE ID = 2")
        assert p.stop() == 0


def test_both_odbc_drivers(programs, identity_env, target, driver):
    with proxy(programs, identity_env, [target]) as p:
        c = pyodbc.connect(f"Driver={driver};Server=127.0.0.1,{p.port()};UID=a;PWD=b;Encrypt=no;"
                           "Database=persons")
        assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        c.close()


def test_large_values_both_ways(programs, identity_env, target):
    with proxy(programs, identity_env, [target]) as p:
        with pymssql.connect(server="127.0.0.1", port=str(p.port()), user="a", password="b") as c:
            text = "x" * 3_000_000
            assert rows_of(c, f"SELECT CAST('{text}' AS varchar(max))") == [text]


def test_many_clients_at_once(programs, identity_env, target):
    failures = []

    def work(number):
        try:
            for _ in range(3):
                with pymssql.connect(server="127.0.0.1", port=str(p.port()), user="a",
                                     password="b") as c:
                    for k in range(5):
                        assert rows_of(c, f"SELECT {number * 100 + k}") == [number * 100 + k]
        except Exception as e:  # noqa: BLE001 - any failure of any client counts
            failures.append(e)

    with proxy(programs, identity_env, [target]) as p:
        threads = [threading.Thread(target=work, args=(i,)) for i in range(30)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(timeout=120)
        assert not failures
        assert p.stop() == 0


def test_two_targets_two_databases(programs, emulator, identity_env):
    targets = [f"localhost,{emulator.port()}/persons?listen=0",
               f"localhost,{emulator.port()}/master?listen=127.0.0.1:0"]
    env = emulator.environment(ADMIN)
    with proxy(programs, env, targets) as p:
        for i, database in enumerate(["persons", "master"]):
            with pymssql.connect(server="127.0.0.1", port=str(p.port(i)), user="a",
                                 password="b") as c:
                assert rows_of(c, "SELECT DB_NAME()") == [database]


def test_other_users_are_refused_by_name_of_the_setting(programs, identity_env, target):
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")

    def connect_as_nobody(port):
        script = ("import os, sys\nos.setuid(65534)\nimport pymssql\ntry:\n"
                  f"    pymssql.connect(server='127.0.0.1', port='{port}', user='a', password='b',"
                  " login_timeout=10)\n    print('in')\nexcept Exception as e:\n    print(e)\n")
        return run([programs.python, "-c", script]).stdout

    with proxy(programs, identity_env, [target]) as p:
        said = connect_as_nobody(p.port())
        assert "--allow-uids 65534" in said
    with proxy(programs, identity_env, [target], "--allow-uids", "65534,1") as p:
        assert connect_as_nobody(p.port()) == "in\n"
    with proxy(programs, identity_env, [target], "--allow", "any") as p:
        assert "WARNING" in p.said
        assert connect_as_nobody(p.port()) == "in\n"


def test_the_limit_of_clients(programs, identity_env, target):
    with proxy(programs, identity_env, [target], "--max-clients", "1") as p:
        first = pymssql.connect(server="127.0.0.1", port=str(p.port()), user="a", password="b")
        assert "serves 1 clients already" in tsql(p.port(), "SELECT 1")
        assert rows_of(first) == ["Ada", "Alan", "Edgar"]
        first.close()


def test_refusal_of_the_server_reaches_the_client(programs, emulator, target):
    env = emulator.environment("StrangerIdentity", "stranger-app")
    with proxy(programs, env, [target]) as p:
        said = tsql(p.port(), "SELECT 1")
        assert "18456" in said and "<token-identified principal>" in said, said


def test_no_token_no_start(programs, emulator, target):
    env = emulator.environment(IDENTITY, APP_HOST)
    env["AZURE_CLIENT_ID"] = "00000000-0000-4000-8000-000000000000"
    result = run([programs.entrasql, "proxy", target], env=env)
    assert result.returncode == 3, result.stdout + result.stderr


def test_a_taken_port_is_named(programs, identity_env, emulator):
    server = f"localhost,{emulator.port()}/persons"
    target = f"{server}?pool=on&listen={emulator.port()}&pool-size=2"
    result = run([programs.entrasql, "proxy", target], env=identity_env)
    assert result.returncode != 0
    assert f"address: {server}?listen=PORT&pool=on&pool-size=2\n" in result.stderr, result.stderr


def test_drain_lets_sessions_finish(programs, identity_env, target):
    with proxy(programs, identity_env, [target]) as p:
        c = pymssql.connect(server="127.0.0.1", port=str(p.port()), user="a", password="b")
        p.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert p.process.poll() is None
        assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        with pytest.raises(pymssql.Error):
            pymssql.connect(server="127.0.0.1", port=str(p.port()), user="a", password="b",
                            login_timeout=5)
        c.close()
        assert p.process.wait(timeout=30) == 0


def test_drain_has_an_end(programs, identity_env, target):
    with proxy(programs, identity_env, [target], "--drain", "1") as p:
        c = pymssql.connect(server="127.0.0.1", port=str(p.port()), user="a", password="b")
        began = time.monotonic()
        assert p.stop() == 0
        assert time.monotonic() - began >= 0.9
        with pytest.raises(pymssql.Error):
            rows_of(c)


def test_garbage_and_vanishing_clients(programs, identity_env, target):
    import random
    import socket

    generator = random.Random(7)
    with proxy(programs, identity_env, [target]) as p:
        for n in range(60):
            with socket.create_connection(("127.0.0.1", p.port())) as s:
                s.sendall(generator.randbytes(generator.randrange(1, 400)))
                if n % 2:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        with pymssql.connect(server="127.0.0.1", port=str(p.port()), user="a", password="b") as c:
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        descriptors = pathlib.Path(f"/proc/{p.process.pid}/fd")
        for _ in range(100):
            if len(list(descriptors.iterdir())) < 30:
                break
            time.sleep(0.1)
        assert len(list(descriptors.iterdir())) < 30
        assert p.stop() == 0
