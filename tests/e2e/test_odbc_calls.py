# SPDX-License-Identifier: MIT
"""ODBC's calls one by one, ANSI and wide, with either driver underneath; FILEDSN, prompts, pauses."""
import json

import pytest

import odbc
from conftest import APP_HOST, DATABASE, IDENTITY, ROOT, run, running_emulator, seed_persons

CALLS = ROOT / "tests" / "e2e" / "clients" / "odbc_calls.py"


@pytest.fixture(params=["msodbc", "tdsodbc"])
def underneath(request):
    return request.param


@pytest.fixture
def env(emulator, programs, tmp_path):
    return {**emulator.environment(IDENTITY, APP_HOST), **odbc.install(programs, tmp_path / "odbc")}


@pytest.mark.parametrize("form", ["ansi", "wide"])
def test_calls_of_odbc(emulator, programs, env, underneath, form):
    string = odbc.string(emulator, underneath)
    result = run([programs.python, CALLS, form, string], env=env)
    assert result.returncode == 0, result.stdout + result.stderr
    said = json.loads(result.stdout)
    assert said["browse"][0] == 99 and said["browse"][1].startswith("SERVER:Server=?;*DATABASE:Database=?;")
    assert said["browsed"][0] in (0, 1) and f"Database={DATABASE}" in said["browsed"][1]
    assert said["info"]["dbms"] == "Microsoft SQL Server" and said["info"]["database"] == DATABASE
    assert said["info"]["source"] == "" and said["info"]["server"] != "127.0.0.1"
    assert said["functions"] == {"SQLFetch": True, "SQLBrowseConnect": True, "SQLCopyDesc": True,
                                 "SQLDescribeParam": underneath == "msodbc"}
    assert "UPPER" in said["native"].upper() or "UCASE" in said["native"].upper()
    assert said["catalog"] == DATABASE
    assert said["prepared"] == 2
    assert said["columns"] == [["number", "number"], ["LastName", "LastName"]]
    assert said["value"] == "Lovelace"
    assert said["called"] == [1, 0]
    assert said["descriptors"] and said["explicit"] and said["implicit again"]
    assert said["tables"] == 1
    assert said["error"] == ["42S02", 208] and said["sqlstate"] == "42S02"
    assert said["cursor"] == "mine"
    if underneath == "tdsodbc":
        assert said["describe param"] == "IM001"
    assert said["again"].startswith("Driver={entrasql}") or said["again"].startswith("Driver=entrasql")


def connect(programs, env, string):
    return run([programs.python, "-c", "import pyodbc, sys; "
                "print(pyodbc.connect(sys.argv[1]).execute('SELECT USER_NAME()').fetchone()[0])", string], env=env)


def test_file_data_source(emulator, programs, env, underneath, tmp_path):
    path = tmp_path / "persons.dsn"
    path.write_text(f"[ODBC]\nDRIVER=entrasql\nServer=localhost,{emulator.port()}\nDatabase={{{DATABASE}}}\n"
                    f"UnderlyingDriver={odbc.UNDERNEATH[underneath]}\n")
    result = connect(programs, env, f"FILEDSN={path}")
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == IDENTITY


def test_device_code_without_a_terminal(emulator, programs, env, underneath):
    string = odbc.string(emulator, underneath, "Authentication=ActiveDirectoryDeviceCode")
    result = run(["setsid", "--wait", programs.python, "-c", "import pyodbc, sys; pyodbc.connect(sys.argv[1])", string],
                 env=env)
    assert result.returncode != 0
    assert "no terminal" in result.stderr


def test_paused_database_is_waited_for(programs, tmp_path, underneath):
    """40613 once: the next try, some seconds later, gets in."""
    with running_emulator(programs, tmp_path / "data") as server:
        seed_persons(server)
        assert server.command("fault", "sql-paused", "on", "--count", "1").returncode == 0
        env = {**server.environment(IDENTITY, APP_HOST), **odbc.install(programs, tmp_path / "odbc")}
        result = connect(programs, env, odbc.string(server, underneath))
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == IDENTITY
