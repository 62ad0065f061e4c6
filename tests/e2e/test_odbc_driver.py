# SPDX-License-Identifier: MIT
"""The driver by connection string alone, with either driver underneath: pyodbc, isql."""
import glob
import json
import os
import pathlib
import subprocess

import pytest

import odbc
from conftest import APP_HOST, DEVELOPER, IDENTITY, READER, clean_environment, run


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


NAMESAKE = """
set -e
printf '127.0.0.1 localhost\n%s namesake\n' "$1" >"$2/hosts"
hostname namesake
mount --bind "$2/hosts" /etc/hosts
shift 2
exec "$@"
"""


def on_machine_at(address, directory, *command):
    """The command on a machine whose own name has that address."""
    return ["unshare", "-rum", "sh", "-c", NAMESAKE, "sh", address, str(directory), *command]


@pytest.fixture
def namesake(tmp_path):
    if run(on_machine_at("127.0.0.1", tmp_path, "true")).returncode != 0:
        pytest.skip("no namespaces of one's own here")
    return tmp_path


@pytest.mark.parametrize("underneath, server", [
    ("msodbc", "Server=tcp:localhost,{port}"), ("msodbc", "Server=LOCALHOST,{port}"),
    ("msodbc", "DSN=persons"), ("tdsodbc", "Server=tcp:localhost,{port}")])
def test_localhost_where_the_machines_name_is_elsewhere(emulator, programs, namesake, underneath, server):
    """Microsoft's driver takes localhost for the machine's own name; nobody listens at 127.0.2.9."""
    ini = odbc.install(programs, namesake / "odbc", sources=[
        "[persons]", "Driver=entrasql", f"Server=localhost,{emulator.port()}", "Database=persons",
        f"UnderlyingDriver={odbc.UNDERNEATH[underneath]}"])
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    string = odbc.string(emulator, underneath).replace(f"Server=tcp:localhost,{emulator.port()}",
                                                       server.format(port=emulator.port()))
    if server.startswith("DSN"):
        string = string.replace("Driver={entrasql};", "")
    command = odbc.behind_a_shell(programs.python, "-c", ROWS, string)
    result = run(on_machine_at("127.0.2.9", namesake, *command), env=odbc.own(env))
    assert result.returncode == 0, result.stdout + result.stderr
    assert json.loads(result.stdout)[1] == IDENTITY


def test_emulator_listens_where_the_machines_name_is(programs, namesake):
    """127.0.1.1, where Debian's installer puts it: Microsoft's driver alone finds the emulator by localhost."""
    (namesake / "password").write_text("Pass-word-1\n")
    (namesake / "password").chmod(0o600)
    script = """
set -e
"$1" emulator start --detach --data-dir "$2/data" --sql-login tester --password-file "$2/password"
trap '"$1" emulator stop --data-dir "$2/data"' EXIT
export SSL_CERT_FILE="$2/data/ca.pem"
"$3" -c '
import json, pyodbc, subprocess, sys
status = [sys.argv[1], "emulator", "status", "--json", "--data-dir", sys.argv[2]]
port = json.loads(subprocess.check_output(status))["sql_port"]
link = pyodbc.connect(f"Driver={sys.argv[3]};Server=tcp:localhost,{port};Database=persons;"
                      "UID=tester;PWD=Pass-word-1;Encrypt=yes", timeout=10)
print("user", link.execute("SELECT USER_NAME()").fetchval())
' "$1" "$2/data" "$4"
"""
    result = run(on_machine_at("127.0.1.1", namesake, "sh", "-c", script, "sh", programs.entrasql,
                               str(namesake), programs.python, programs.msodbc))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "user dbo" in result.stdout


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


def test_only_our_driver_is_registered(programs, tmp_path):
    """What is no driver would be found out by every program, at its first connection."""
    env = {**clean_environment(), "ODBCSYSINI": str(tmp_path)}
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    zlib, = glob.glob("/lib/*/libz.so.1") or glob.glob("/usr/lib/*/libz.so.1")
    for file, says in (("/etc/passwd", "is no shared library (ELF)"), (pipe, "is no file"),
                       (tmp_path, "is no file"), (zlib, "has no SQLDriverConnect"),
                       (programs.tdsodbc, "is another driver than entrasql's")):
        result = run([programs.entrasql, "odbc", "install", "--system", "--library", file], env=env, timeout=20)
        assert result.returncode == 2 and says in result.stderr and "--driver names" in result.stderr, result
    assert not (tmp_path / "odbcinst.ini").exists()
    result = run([programs.entrasql, "odbc", "install", "--system", "--library", odbc.library(programs)], env=env)
    assert result.returncode == 0 and (tmp_path / "odbcinst.ini").exists(), result.stderr


@pytest.mark.parametrize("option", ["--library", "--driver"])
def test_a_library_that_was_cut_off_is_not_loaded(programs, tmp_path, option):
    """The loader would map it and die of what is not there."""
    env = {**clean_environment(), "ODBCSYSINI": str(tmp_path)}
    whole = pathlib.Path(odbc.library(programs) if option == "--library" else programs.tdsodbc).read_bytes()
    file = tmp_path / ("libentrasqlodbc.so" if option == "--library" else "libtdsodbc.so")
    for size in 20, 60, 100, 5000, len(whole) // 2, len(whole) - 1:
        file.write_bytes(whole[:size])
        result = run([programs.entrasql, "odbc", "install", "--system", option, file], env=env)
        assert result.returncode == 2 and "it ends before what its headers name" in result.stderr, (size, result)
    if option == "--driver":
        ini = odbc.own({**env, **odbc.install(programs, tmp_path, driver_lines=[f"UnderlyingDriver={file}"])})
        result = run([programs.entrasql, "odbc", "status"], env=ini)
        assert result.returncode == 2 and "problem     it is damaged" in result.stdout, result


def test_only_a_driver_is_registered_underneath(programs, tmp_path):
    env = odbc.own({**clean_environment(), **odbc.install(programs, tmp_path)})
    ini = tmp_path / "odbcinst.ini"
    before = ini.read_text()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    zlib, = glob.glob("/lib/*/libz.so.1") or glob.glob("/usr/lib/*/libz.so.1")
    for file, says in (("/etc/passwd", "is no shared library (ELF)"), (pipe, "is no file"), (tmp_path, "is no file"),
                       (zlib, "has no SQLDriverConnect"), ("nosuch", "not registered")):
        result = run([programs.entrasql, "odbc", "install", "--system", "--driver", file], env=env, timeout=20)
        assert result.returncode == 2 and says in result.stderr and "hint: " in result.stderr, result
    assert ini.read_text() == before
    for name in "FreeTDS", odbc.UNDERNEATH["msodbc"], programs.tdsodbc, programs.msodbc:
        result = run([programs.entrasql, "odbc", "install", "--system", "--driver", name], env=env)
        assert result.returncode == 0 and f"UnderlyingDriver={name}\n" in ini.read_text(), result


@pytest.mark.parametrize("name, says", [
    ("{entrasql}", "between the braces"), ("a=b", "equals sign"), ("[x]", "no name has"),
    ("odbc", "driver manager's own"), ("FreeTDS", "is another driver's"),
    (odbc.UNDERNEATH["msodbc"], "is another driver's"),
])
def test_names_that_are_not_ours_stay(programs, tmp_path, name, says):
    env = odbc.own({**clean_environment(), **odbc.install(programs, tmp_path, odbc_section="Pooling=No")})
    ini = tmp_path / "odbcinst.ini"
    before = ini.read_text()
    for word in "install", "uninstall":
        result = run([programs.entrasql, "odbc", word, "--system", "--name", name], env=env)
        assert result.returncode == 2 and says in result.stderr, result
    assert ini.read_text() == before


def test_names_of_ours_come_and_go(programs, tmp_path):
    """Also of a file that somebody renamed."""
    env = odbc.own({**clean_environment(), **odbc.install(programs, tmp_path)})
    ini = tmp_path / "odbcinst.ini"
    before = ini.read_text()
    (tmp_path / "mine.so").symlink_to(odbc.library(programs))
    renamed = tmp_path / "renamed.so"
    renamed.write_bytes(pathlib.Path(odbc.library(programs)).read_bytes())
    for library in tmp_path / "mine.so", renamed:
        for word in "install", "install", "uninstall":
            more = ["--library", library] if word == "install" else []
            result = run([programs.entrasql, "odbc", word, "--system", "--name", "Azure SQL", *more], env=env)
            assert result.returncode == 0, result
    assert ini.read_text().rstrip() == before.rstrip()


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
