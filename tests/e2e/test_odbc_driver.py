# SPDX-License-Identifier: MIT
"""The driver by connection string alone, with either driver underneath: pyodbc, isql."""
import glob
import json
import subprocess

import pytest

import odbc
from conftest import APP_HOST, DEVELOPER, IDENTITY, READER, run


@pytest.fixture(params=["msodbc", "tdsodbc"])
def underneath(request):
    return request.param


@pytest.fixture
def ini(programs, tmp_path):
    return odbc.install(programs, tmp_path / "odbc")


def python(programs, env, text, *arguments, timeout=120):
    return run([programs.python, "-c", text, *arguments], env=env, timeout=timeout)


def answer(programs, env, text, *arguments):
    result = python(programs, env, text, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout)


ROWS = """
import json, pyodbc, sys
connection = pyodbc.connect(sys.argv[1])
rows = connection.execute("SELECT LastName FROM Persons ORDER BY ID").fetchall()
user = connection.execute("SELECT USER_NAME()").fetchone()[0]
print(json.dumps([[row[0] for row in rows], user]))
"""


@pytest.mark.parametrize("principal, host", [(IDENTITY, APP_HOST), (IDENTITY, "persons-vm"),
                                             pytest.param(DEVELOPER, None, marks=odbc.needs_az),
                                             pytest.param(READER, None, marks=odbc.needs_az)])
def test_tutorial_by_string_alone(emulator, programs, ini, underneath, principal, host):
    env = {**emulator.environment(principal, host), **ini}
    names, user = answer(programs, env, ROWS, odbc.string(emulator, underneath))
    assert names[:3] == ["Lovelace", "Turing", "Codd"]
    assert user == principal


def test_isql_by_data_source(emulator, programs, tmp_path, underneath):
    ini = odbc.install(programs, tmp_path / "odbc", sources=[
        "[persons]", "Driver=entrasql", f"Server=localhost,{emulator.port()}", "Database=persons",
        f"UnderlyingDriver={odbc.UNDERNEATH[underneath]}"])
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    result = run(["isql", "-b", "-d,", "persons"], env=env,
                 input="SELECT FirstName, LastName FROM Persons ORDER BY ID\n")
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[:3] == ["Ada,Lovelace", "Alan,Turing", "Edgar,Codd"]


def test_stranger_is_told_what_to_do(emulator, programs, ini, underneath):
    env = {**emulator.environment("StrangerIdentity", "stranger-app"), **ini}
    result = python(programs, env, ROWS, odbc.string(emulator, underneath))
    assert result.returncode != 0
    assert "18456" in result.stderr and "CREATE USER" in result.stderr


@pytest.mark.parametrize("part, word", [
    ("Authentication=ActiveDirectoryMagic", "Authentication=ActiveDirectoryMagic is not known"),
    ("Authentication=ActiveDirectoryDefault;PWD=x", "PWD= has no meaning"),
    ("Authentication=ActiveDirectoryDefault;Trusted_Connection=yes", "Trusted_Connection="),
    ("Authentication=ActiveDirectoryServicePrincipal;PWD=x", "needs UID="),
    ("Authentication=ActiveDirectoryServicePrincipal;UID=x;PWD=y", "needs TenantId="),
    ("UnderlyingDriver={nosuch}", "'nosuch' is not registered"),
    ("UnderlyingDriver={entrasql}", "entrasql itself"),
])
def test_refusals_name_the_keyword(emulator, programs, ini, part, word):
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    string = (f"Driver={{entrasql}};Server=localhost,{emulator.port()};Database=persons;{part}")
    result = python(programs, env, ROWS, string)
    assert result.returncode != 0
    assert word in result.stderr


def test_driver_manager_is_no_driver(emulator, programs, ini):
    """A mistake in the path that would wait for the manager's own lock for ever."""
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    manager = glob.glob("/usr/lib/*/libodbc.so.2")[0]
    string = (f"Driver={{entrasql}};Server=localhost,{emulator.port()};Database=persons;"
              f"UnderlyingDriver={manager}")
    result = python(programs, env, ROWS, string, timeout=30)
    assert result.returncode != 0
    assert "it is a driver manager, not a driver" in result.stderr


def test_driver_does_not_link_the_manager(programs):
    found = subprocess.run(["ldd", odbc.library(programs)], capture_output=True, text=True,
                           check=True).stdout
    assert "libodbcinst" in found and "libodbc.so" not in found
