# SPDX-License-Identifier: MIT
"""The driver where it could go wrong: pools, threads, forks, cancelling, tokens that expire, a server that dies."""
import json
import os

import pytest

import odbc
from conftest import APP_HOST, DATABASE, DEVELOPER, IDENTITY, microsofts_server, run, running_emulator
from servers import short_lived_tokens

POOLED = {"odbc_section": "Pooling=Yes", "driver_lines": ["CPTimeout=60"]}


@pytest.fixture(params=["msodbc", "tdsodbc"])
def underneath(request):
    return request.param


@pytest.fixture
def ini(programs, tmp_path):
    return odbc.install(programs, tmp_path / "odbc")


def program(programs, env, text, *arguments, timeout=120):
    """Runs Python text in a process of its own; returns what it printed as JSON."""
    result = run([programs.python, "-c", text, *arguments], env=env, timeout=timeout)
    assert result.returncode == 0, f"{result.returncode} {result.stdout} {result.stderr}"
    return json.loads(result.stdout)


def changes(emulator, principal, host):
    """The variables that make a process this principal, for a process that is another one."""
    return {k: v for k, v in emulator.environment(principal, host).items()
            if k.startswith(("AZURE_", "IDENTITY_", "MSI_", "SSL_CERT", "PATH"))}


POOL = """
import json, os, pyodbc, sys
string, first, second = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
names = set(first) | set(second)
seen = []
for who in (first, first, second, first):
    for name in names:
        os.environ.pop(name, None)
    os.environ.update(who)
    connection = pyodbc.connect(string, autocommit=True)
    seen.append(list(connection.execute("SELECT @@SPID, USER_NAME()").fetchone()))
    connection.close()
print(json.dumps(seen))
"""


@odbc.needs_az
def test_two_principals_in_one_pool(emulator, programs, tmp_path, underneath):
    """One string, one pooled environment; who signs in changes with the environment of the process."""
    ini = odbc.install(programs, tmp_path / "odbc", **POOLED)
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    seen = program(programs, env, POOL, odbc.string(emulator, underneath),
                   json.dumps(changes(emulator, IDENTITY, APP_HOST)),
                   json.dumps(changes(emulator, DEVELOPER, None)))
    assert [user for _, user in seen] == [IDENTITY, IDENTITY, DEVELOPER, IDENTITY]
    # The pool is at work: the second connection is the first one again.
    assert seen[0][0] == seen[1][0]


OWN_TOKEN = """
import json, pyodbc, struct, sys
string, token = sys.argv[1], sys.stdin.read().encode("utf-16-le")
block = struct.pack(f"<I{len(token)}s", len(token), token)
connection = pyodbc.connect(string, attrs_before={1256: block})
print(json.dumps(connection.execute("SELECT USER_NAME()").fetchone()[0]))
"""


def test_a_program_with_its_own_token(emulator, programs, ini, underneath):
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    result = run([programs.python, "-c", OWN_TOKEN, odbc.string(emulator, underneath)], env=env,
                 input=emulator.token(DEVELOPER))
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == DEVELOPER


def test_own_tokens_and_a_pool_do_not_mix(emulator, programs, tmp_path, underneath):
    ini = odbc.install(programs, tmp_path / "odbc", **POOLED)
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    result = run([programs.python, "-c", OWN_TOKEN, odbc.string(emulator, underneath)], env=env,
                 input=emulator.token(DEVELOPER))
    assert result.returncode != 0
    assert "Pooling" in result.stderr and "1256" in result.stderr


THREADS = """
import json, pyodbc, sys, threading
string, failures, counts = sys.argv[1], [], []
def work():
    try:
        for _ in range(4):
            connection = pyodbc.connect(string)
            counts.append(len(connection.execute("SELECT * FROM Persons").fetchall()))
            connection.close()
    except Exception as error:
        failures.append(str(error))
threads = [threading.Thread(target=work) for _ in range(64)]
[t.start() for t in threads]
[t.join() for t in threads]
print(json.dumps([failures[:3], len(counts), min(counts or [0])]))
"""


def test_64_threads_open_and_close(emulator, programs, ini, underneath):
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    failures, count, least = program(programs, env, THREADS,
                                     odbc.string(emulator, underneath, "Connection Timeout=120"),
                                     timeout=300)
    assert failures == [] and count == 256 and least >= 3


FORK = """
import json, os, pyodbc, sys
string = sys.argv[1]
connection = pyodbc.connect(string, autocommit=True)
read, write = os.pipe()
child = os.fork()
if child == 0:
    said = []
    try:
        connection.execute("SELECT 1")
        said.append("worked")
    except pyodbc.Error as error:
        said.append(error.args[0])
    said.append(pyodbc.connect(string).execute("SELECT USER_NAME()").fetchone()[0])
    os.write(write, json.dumps(said).encode())
    connection.close()
    os._exit(0)
_, status = os.waitpid(child, 0)
said = json.loads(os.read(read, 4096) or b"null")
mine = [connection.execute("SELECT USER_NAME()").fetchone()[0] for _ in range(3)]
print(json.dumps([status, said, mine]))
"""


def test_forked_child(emulator, programs, ini, underneath):
    """The child is refused the parent's connection and opens its own; the parent goes on."""
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    status, said, mine = program(programs, env, FORK, odbc.string(emulator, underneath))
    assert status == 0
    assert said == ["08S01", IDENTITY]
    assert mine == [IDENTITY] * 3


CANCEL = """
import json, pyodbc, sys, threading, time
connection = pyodbc.connect(sys.argv[1], autocommit=True)
cursor = connection.cursor()
timer = threading.Timer(1.0, cursor.cancel)
timer.start()
began = time.monotonic()
try:
    cursor.execute("WAITFOR DELAY '00:00:30'")
    state = None
except pyodbc.Error as error:
    state = error.args[0]
timer.join()
took = time.monotonic() - began
after = connection.execute("SELECT 7").fetchone()[0]
print(json.dumps([state, took, after]))
"""


def test_cancel_from_another_thread(emulator, programs, ini, underneath):
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    state, took, after = program(programs, env, CANCEL, odbc.string(emulator, underneath))
    assert state == "HY008" and took < 20 and after == 7


KILL = """
import json, os, pyodbc, signal, sys
string, pid = sys.argv[1], int(sys.argv[2])
connection = pyodbc.connect(string, autocommit=True)
cursor = connection.execute("SELECT a.ID, REPLICATE('x', 2000) FROM Persons a, Persons b, Persons c, "
                            "Persons d, Persons e, Persons f, Persons g, Persons h, Persons i")
cursor.fetchone()
os.kill(pid, signal.SIGKILL)
states, rows = [], 0
for act in (cursor.fetchone, lambda: connection.execute("SELECT 1")):
    try:
        while act() and act == cursor.fetchone:
            rows += 1
        states.append(None)
    except pyodbc.Error as error:
        states.append(error.args[0])
print(json.dumps(states))
"""


def test_server_dies_in_the_middle_of_a_fetch(programs, tmp_path, password_file, underneath):
    """The SQLSTATEs are those of the driver underneath alone."""
    from conftest import seed_persons

    said = []
    for way in ("alone", "entrasql"):
        with running_emulator(programs, tmp_path / way, "--sql-login", "tester", "--password-file",
                              password_file) as server:
            seed_persons(server)
            env = {**server.environment(IDENTITY, APP_HOST), **odbc.install(programs, tmp_path / "odbc")}
            string = odbc.string(server, underneath)
            if way == "alone":
                string = (f"Driver={{{odbc.UNDERNEATH[underneath]}}};Database={DATABASE};UID=tester;"
                          f"PWD={{{password_file.read_text()}}};")
                string += (f"Server={microsofts_server(server.port())}" if underneath == "msodbc" else
                           f"Server=localhost;Port={server.port()};TDS_Version=7.4")
            said.append(program(programs, env, KILL, string, str(server.state()["pid"])))
    assert said[0] == said[1]
    assert said[1][1] is not None


EXPIRY = """
import json, pyodbc, sys, time
string = sys.argv[1]
first = pyodbc.connect(string, autocommit=True)
users = [first.execute("SELECT USER_NAME()").fetchone()[0]]
time.sleep(float(sys.argv[2]))
users.append(first.execute("SELECT USER_NAME()").fetchone()[0])
second = pyodbc.connect(string, autocommit=True)
users.append(second.execute("SELECT USER_NAME()").fetchone()[0])
print(json.dumps(users))
"""


def test_token_expires_in_the_middle(emulator, programs, ini, underneath):
    """An open connection goes on; the next one is made with a new token, not with the old one."""
    with short_lived_tokens(emulator, IDENTITY, APP_HOST, 4) as endpoint:
        env = {**emulator.environment(IDENTITY, APP_HOST), **ini, **endpoint.variables}
        users = program(programs, env, EXPIRY, odbc.string(emulator, underneath), "6")
    assert users == [IDENTITY] * 3
    assert endpoint.requests >= 2


def test_c_program_on_odbc_alone(emulator, programs, ini, underneath):
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    result = run([programs.build / "examples" / "persons_odbc", odbc.string(emulator, underneath)],
                 env=odbc.own(env))
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[:3] == ["1\tAda\tLovelace", "2\tAlan\tTuring", "3\tEdgar\tCodd"]


def test_c_program_on_the_glue_with_our_driver(emulator, programs, ini, underneath):
    """A string with Driver={entrasql} serves the glue, too: the token goes in by attribute 1256."""
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    env["AZURE_SQL_CONNECTIONSTRING"] = odbc.string(emulator, underneath)
    result = run([programs.persons], env=odbc.own(env))
    assert result.returncode == 0, result.stderr
    assert "Lovelace" in result.stdout


def test_install_status_uninstall(programs, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    other = "# mine\n[Other]\nDriver=/x.so\n"
    (home / ".odbcinst.ini").write_text(other)
    env = {**os.environ, "HOME": str(home), "ODBCSYSINI": str(tmp_path)}
    env.pop("ODBCINSTINI", None)
    (tmp_path / "odbcinst.ini").write_text(f"[FreeTDS]\nDriver={programs.tdsodbc}\n")

    def entrasql(*words):
        return run([programs.entrasql, "odbc", *words], env=env)

    assert entrasql("status").returncode == 2
    result = entrasql("install", "--user", "--driver", "FreeTDS")
    assert result.returncode == 0, result.stderr
    text = (home / ".odbcinst.ini").read_text()
    assert text.startswith(other) and odbc.library(programs) in text
    state = json.loads(entrasql("status", "--json").stdout)
    assert state["registered"] and state["loads"] and state["underlyingDriver"] == "FreeTDS"
    assert state["chosenBy"].startswith("UnderlyingDriver") and state["tokenBy"] == "in-process tunnel"
    assert entrasql("install", "--user", "--driver", "nosuch").returncode == 2
    assert entrasql("install", "--user", "--system").returncode == 2
    assert entrasql("uninstall", "--user").returncode == 0
    assert (home / ".odbcinst.ini").read_text().strip() == other.strip()
    assert "was not in" in entrasql("uninstall", "--user").stdout
