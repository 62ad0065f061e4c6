# SPDX-License-Identifier: MIT
"""Pass-through: the front checks who comes in, another server does the work. That server is a second
emulator in SQL-login mode."""
import json
import threading
import time

import pyodbc
import pytest

from conftest import ADMIN, DATABASE, DEVELOPER, READER, microsofts_server, running_emulator
from test_drivers import SQL_COPT_SS_ACCESS_TOKEN, connect_pytds, pack

BACKEND_LOGIN = "backend"


@pytest.fixture(scope="module")
def server(programs, tmp_path_factory, password_file):
    directory = tmp_path_factory.mktemp("server") / "data"
    with running_emulator(programs, directory, "--sql-login", BACKEND_LOGIN, "--password-file",
                          password_file) as started:
        yield started


def front_options(server, password_file):
    return ["--backend", f"sqlserver://localhost:{server.port()}", "--backend-login",
            BACKEND_LOGIN, "--backend-password-file", password_file, "--backend-ca",
            server.directory / "ca.pem"]


@pytest.fixture(scope="module")
def front(programs, server, tmp_path_factory, password_file):
    directory = tmp_path_factory.mktemp("front") / "data"
    with running_emulator(programs, directory, *front_options(server, password_file)) as started:
        catalog = connect(started, programs, ADMIN, started.state()["catalog_port"])
        catalog.execute(f"CREATE USER [{DEVELOPER}] FROM EXTERNAL PROVIDER")
        catalog.commit()
        catalog.close()
        yield started


def token(emulator, name, *words):
    return emulator.command("token", "--as", name, *words).stdout.strip()


def connect(emulator, programs, name, port=None, words=()):
    import os

    os.environ["SSL_CERT_FILE"] = str(emulator.directory / "ca.pem")
    pyodbc.pooling = False
    return pyodbc.connect(
        f"Driver={programs.msodbc};Server={microsofts_server(port or emulator.port())};"
        f"Database={DATABASE};Encrypt=yes;Connection Timeout=30",
        attrs_before={SQL_COPT_SS_ACCESS_TOKEN: pack(token(emulator, name, *words))})


@pytest.fixture(autouse=True)
def keep_trust(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")


def logins(emulator):
    return json.loads(emulator.command("status", "--json").stdout)["logins"]


def test_a_known_user_works_on_the_backend(front, server, programs):
    made = connect(front, programs, DEVELOPER)
    made.execute("CREATE TABLE Passed (ID int NOT NULL PRIMARY KEY, Name nvarchar(50))")
    made.execute("INSERT INTO Passed VALUES (1, N'h\u00e9llo')")
    made.commit()
    assert made.execute("SELECT SUSER_SNAME()").fetchval() == BACKEND_LOGIN
    assert made.execute("SELECT Name FROM Passed").fetchval() == "h\u00e9llo"
    made.close()
    assert server.sql(ADMIN, "SELECT COUNT(*) AS n FROM Passed") == [{"n": 1}]
    # The front's own engine has no such table: the work was done elsewhere.
    catalog = connect(front, programs, ADMIN, front.state()["catalog_port"])
    assert catalog.execute("SELECT COUNT(*) FROM sys.tables").fetchval() == 0
    catalog.close()
    assert logins(front)[1]["principal"] == DEVELOPER and logins(front)[1]["accepted"]
    assert logins(server)[1]["principal"] == BACKEND_LOGIN  # behind the query above


def test_strangers_never_reach_the_backend(front, server, programs):
    before = len(logins(server))
    for name, words in [(READER, ()), (DEVELOPER, ("--expired",)),
                        (DEVELOPER, ("--audience", "https://other.example/"))]:
        with pytest.raises(pyodbc.Error) as caught:
            connect(front, programs, name, words=words)
        assert "18456" in str(caught.value)
        assert not logins(front)[0]["accepted"]
    assert len(logins(server)) == before


def test_other_drivers_and_our_program_pass_too(front, server, programs):
    made = connect_pytds(front, token(front, DEVELOPER))
    with made.cursor() as cursor:
        cursor.execute("SELECT SUSER_SNAME()")
        assert cursor.fetchall() == [(BACKEND_LOGIN,)]
    made.close()
    assert front.sql(DEVELOPER, "SELECT SUSER_SNAME() AS s") == [{"s": BACKEND_LOGIN}]


def test_much_data_and_a_cancelled_statement_pass(front, programs):
    made = connect(front, programs, DEVELOPER)
    text = "x" * 4000
    made.execute("CREATE TABLE Big (ID int NOT NULL PRIMARY KEY, T varchar(8000))")
    for first in range(0, 400, 100):
        values = ",".join(f"({i}, '{text}')" for i in range(first, first + 100))
        made.execute(f"INSERT INTO Big VALUES {values}")
    rows = made.execute("SELECT ID, T FROM Big ORDER BY ID").fetchall()
    assert len(rows) == 400 and all(row[1] == text for row in rows)
    cursor = made.cursor()
    timer = threading.Timer(0.5, cursor.cancel)
    begin = time.monotonic()
    timer.start()
    with pytest.raises(pyodbc.Error):
        cursor.execute("WAITFOR DELAY '00:00:30'")
    timer.join()  # before the handle goes that it cancels
    assert time.monotonic() - begin < 20
    assert made.execute("SELECT 1").fetchval() == 1
    made.rollback()
    made.close()


def test_the_backend_s_refusal_is_told(server, programs, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("not the password")
    with running_emulator(programs, tmp_path / "data", *front_options(server, wrong)) as other:
        with pytest.raises(pyodbc.Error) as caught:
            connect(other, programs, ADMIN)
        assert "18456" in str(caught.value) and f"'{BACKEND_LOGIN}'" in str(caught.value)
        last = logins(other)[0]
        assert not last["accepted"] and "the backend tcp:localhost," in last["why"]
        assert wrong.read_text() not in other.command("status", "--json").stdout


def test_a_backend_that_is_away_or_not_trusted_is_named(server, programs, tmp_path, password_file):
    untrusted = front_options(server, password_file)[:-2]
    with running_emulator(programs, tmp_path / "a", *untrusted) as other:
        with pytest.raises(pyodbc.Error) as caught:
            connect(other, programs, ADMIN)
        assert "certificate" in str(caught.value)
    with running_emulator(programs, tmp_path / "b", *untrusted, "--backend-trust") as other:
        connect(other, programs, ADMIN).close()
    away = ["--backend", "sqlserver://localhost:1", *untrusted[2:]]
    with running_emulator(programs, tmp_path / "c", *away) as other:
        with pytest.raises(pyodbc.Error) as caught:
            connect(other, programs, ADMIN)
        assert "localhost:1" in str(caught.value)


@pytest.mark.parametrize("words, part", [
    (["--backend", "http://x"], "sqlserver://HOST"),
    (["--backend", "sqlserver://"], "sqlserver://HOST"),
    (["--backend", "sqlserver://u:p@h"], "sqlserver://HOST"),
    (["--backend", "sqlserver://h:99999"], "sqlserver://HOST"),
    (["--backend", "sqlserver://h"], "--backend-login"),
])
def test_what_is_no_backend(programs, tmp_path, password_file, words, part):
    from conftest import run

    if "sqlserver://h" not in words:
        words = [*words, "--backend-login", "x", "--backend-password-file", password_file]
    result = run([programs.entrasql, "emulator", "start", "--data-dir", tmp_path / "data", *words])
    assert result.returncode == 2 and part in result.stderr
