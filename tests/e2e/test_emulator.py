# SPDX-License-Identifier: MIT
"""The emulator's objects, faults, tokens and states at run time, seen by real drivers and programs."""
import json
import os
import pathlib
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request

import pyodbc
import pytest

from conftest import (ADMIN, APP_HOST, DATABASE, DEVELOPER, IDENTITY, READER, ROOT, microsofts_server, running_emulator,
                      seed_persons)
from test_drivers import connect_msodbc, connect_pytds, pack, SQL_COPT_SS_ACCESS_TOKEN

NEW = "new@contoso.example"


@pytest.fixture(scope="module")
def world(programs, tmp_path_factory, password_file):
    """An emulator of this module's own, which every test may change."""
    directory = tmp_path_factory.mktemp("world") / "data"
    with running_emulator(programs, directory, "--sql-login", "tester", "--password-file",
                          password_file) as started:
        started.password = password_file.read_text()
        yield started


@pytest.fixture(autouse=True)
def clean(world, monkeypatch):
    """Each test begins with the seed, and Microsoft's driver in this process trusts the CA."""
    result = world.command("reset")
    assert result.returncode == 0, result.stderr
    monkeypatch.setenv("SSL_CERT_FILE", str(world.directory / "ca.pem"))
    pyodbc.pooling = False


def say(world, *words):
    result = world.command(*words)
    assert result.returncode == 0, result.stderr + result.stdout
    return result.stdout


def objects(world, kind):
    return json.loads(say(world, kind, "list", "--json"))


def state(world):
    return json.loads(say(world, "status", "--json"))


def refused(world, name, text="SELECT 1 AS one", host=None):
    result = world.query(name, text, host)
    assert result.returncode == 4, result.stdout + result.stderr
    return result.stderr


def token(world, *words):
    return say(world, "token", *words).strip()


# ---- objects ----

def test_a_new_person_signs_in(world):
    assert "was added" in say(world, "user", "add", NEW, "--name", "Nova \"Quote\" <b>")
    assert "18456" in refused(world, NEW)
    world.sql(ADMIN, f"CREATE USER [{NEW}] FROM EXTERNAL PROVIDER")
    assert world.sql(NEW, "SELECT USER_NAME() AS u") == [{"u": NEW}]
    assert NEW in [o["upn"] for o in objects(world, "user")]
    say(world, "user", "remove", NEW)
    assert NEW not in [o["upn"] for o in objects(world, "user")]
    again = world.command("user", "remove", NEW)
    assert again.returncode == 2 and "there is no user" in again.stderr


def ask_by_password(world, upn, password):
    """The token endpoint's answer to Microsoft's ODBC driver and a person's password."""
    form = urllib.parse.urlencode({
        "grant_type": "password", "resource": "https://database.windows.net/",
        "client_id": "2C1229AA-16C5-4FF5-B46B-4F7FE2A2A9C8", "username": upn, "password": password})
    return json.loads(fetch(world, "/contoso.example/oauth2/token", "POST", form.encode())[1])


def test_a_person_signs_in_by_password(world, programs, tmp_path):
    secret = "Nova's own: +&%\u00e9"
    (tmp_path / "password").write_text(secret + "\nnot this\n", "utf-8")
    say(world, "user", "add", NEW, "--password-file", tmp_path / "password")
    world.sql(ADMIN, f"CREATE USER [{NEW}] FROM EXTERNAL PROVIDER")
    answer = ask_by_password(world, NEW, secret)
    session = connect_msodbc(world, programs, answer["access_token"])
    assert session.execute("SELECT USER_NAME()").fetchval() == NEW
    session.close()
    assert ask_by_password(world, NEW, secret + "x")["error_codes"] == [50126]
    assert ask_by_password(world, READER, secret)["error_codes"] == [50056]
    assert ask_by_password(world, "nobody@contoso.example", secret)["error_codes"] == [50034]
    for path in (path for path in world.directory.rglob("*") if path.is_file()):
        assert b"Nova's own" not in path.read_bytes(), path
    removed = world.command("user", "remove", NEW, "--password-file", tmp_path / "password")
    assert removed.returncode == 2 and "is for add" in removed.stderr


def test_membership_of_groups_is_in_tokens(world):
    world.sql(ADMIN, "CREATE USER [Developers] FROM EXTERNAL PROVIDER")
    assert "18456" in refused(world, READER)
    say(world, "group", "add", "Developers", READER)
    assert world.sql(READER, "SELECT USER_NAME() AS u") == [{"u": READER}]
    say(world, "group", "remove", "Developers", READER)
    assert "18456" in refused(world, READER)
    say(world, "group", "add", "Everybody", "Developers", READER)
    world.sql(ADMIN, "CREATE USER [Everybody] FROM EXTERNAL PROVIDER")
    assert world.sql(READER, "SELECT IS_MEMBER('Everybody') AS m") == [{"m": 1}]


def test_an_identity_made_anew_is_somebody_else(world):
    world.sql(ADMIN, f"CREATE USER [{IDENTITY}] FROM EXTERNAL PROVIDER")
    before = {o["name"]: o for o in objects(world, "identity")}[IDENTITY]
    assert world.sql(IDENTITY, "SELECT USER_NAME() AS u", APP_HOST) == [{"u": IDENTITY}]
    say(world, "identity", "remove", IDENTITY)
    assert world.command("env", "--as", IDENTITY).returncode == 2
    say(world, "identity", "add", IDENTITY, "--host", APP_HOST)
    after = {o["name"]: o for o in objects(world, "identity")}[IDENTITY]
    assert after["client_id"] != before["client_id"]
    assert after["object_id"] != before["object_id"]
    # The database user is an orphan now, as on Azure.
    assert "18456" in refused(world, IDENTITY, host=APP_HOST)
    last = state(world)["logins"][0]
    assert not last["accepted"] and last["number"] == 18456
    assert last["principal"].startswith(after["client_id"])
    assert "CREATE USER" in last["hint"]
    world.sql(ADMIN, f"DROP USER [{IDENTITY}]; CREATE USER [{IDENTITY}] FROM EXTERNAL PROVIDER")
    assert world.sql(IDENTITY, "SELECT USER_NAME() AS u", APP_HOST) == [{"u": IDENTITY}]


def test_a_host_that_is_not_there(world):
    """A misspelt host is not made: nobody would find the identity where it was to be."""
    for words in (["identity", "add", "lost", "--host", "persons-apq"], ["env", "--host", "persons-apq"],
                  ["env", "--as", IDENTITY, "--host", "persons-apq"]):
        result = world.command(*words)
        assert result.returncode == 2 and "there is no host 'persons-apq'" in result.stderr, result
        assert "Did you mean persons-app?" in result.stderr and "status" in result.stderr, result
    assert "lost" not in {o["name"] for o in objects(world, "identity")}
    say(world, "identity", "add", "found", "--host", "found-app")
    assert f"'{APP_HOST}'" in say(world, "identity", "add", "guest", "--host", APP_HOST.upper())
    assert {o["name"]: o for o in objects(world, "identity")}["guest"]["host"] == APP_HOST


def test_apps_and_system_identities(world):
    say(world, "app", "add", "night-job", "--group", "Developers")
    say(world, "identity", "add", "box", "--system")
    world.sql(ADMIN, "CREATE USER [night-job] FROM EXTERNAL PROVIDER; "
                     "CREATE USER [box] FROM EXTERNAL PROVIDER")
    assert world.sql("night-job", "SELECT USER_NAME() AS u") == [{"u": "night-job"}]
    assert world.sql("box", "SELECT USER_NAME() AS u") == [{"u": "box"}]
    assert "Developers" in {o["name"]: o for o in objects(world, "app")}["night-job"]["groups"]


def test_databases_have_users_of_their_own(world, programs):
    say(world, "database", "add", "second")
    assert say(world, "database", "list").split() == ["master", DATABASE, "second"]
    world.sql(ADMIN, f"CREATE USER [{DEVELOPER}] FROM EXTERNAL PROVIDER")
    made = connect_msodbc(world, programs, token(world, "--as", DEVELOPER))
    assert made.execute("SELECT DB_NAME()").fetchval() == DATABASE
    made.close()
    for database in ("second", "master", "nowhere"):
        with pytest.raises(pyodbc.Error) as caught:
            pyodbc.connect(f"Driver={programs.msodbc};Server={microsofts_server(world.port())};"
                           f"Database={database};Encrypt=yes",
                           attrs_before={SQL_COPT_SS_ACCESS_TOKEN:
                                         pack(token(world, "--as", DEVELOPER))})
        assert "18456" in str(caught.value) or "4060" in str(caught.value)
    for database in ("second", "master"):
        admin = pyodbc.connect(f"Driver={programs.msodbc};Server={microsofts_server(world.port())};"
                               f"Database={database};Encrypt=yes",
                               attrs_before={SQL_COPT_SS_ACCESS_TOKEN:
                                             pack(token(world, "--as", ADMIN))})
        assert admin.execute("SELECT DB_NAME()").fetchval() == database
        assert admin.execute("SELECT USER_NAME()").fetchval() == "dbo"
        admin.close()


def test_changes_survive_a_restart_and_a_kill(world):
    say(world, "user", "add", NEW)
    say(world, "server", "--entra-only", "on")
    pid = state(world)["pid"]
    os.kill(pid, 9)
    for _ in range(300):  # its lock goes with its last moment
        if not pathlib.Path(f"/proc/{pid}").exists():
            break
        time.sleep(0.1)
    world.start()
    now = state(world)
    assert NEW in [o.get("upn") for o in now["objects"]] and now["server"]["entra_only"] is True


# ---- the server ----

def test_entra_only_refuses_passwords(world, programs):
    text = (f"Driver={programs.tdsodbc};Server=localhost;Port={world.port()};Database={DATABASE};"
            f"UID=tester;PWD={world.password};TDS_Version=7.4")
    pyodbc.connect(text).close()
    say(world, "server", "--entra-only", "on")
    with pytest.raises(pyodbc.Error) as caught:
        pyodbc.connect(text)
    assert "18456" in str(caught.value) and "only authentication is enabled" in str(caught.value)
    assert world.sql(ADMIN, "SELECT 1 AS one") == [{"one": 1}]
    say(world, "server", "--entra-only", "off")
    pyodbc.connect(text).close()


def test_another_admin(world):
    say(world, "server", "--admin", "Developers")
    assert world.sql(DEVELOPER, "SELECT USER_NAME() AS u") == [{"u": "dbo"}]
    assert "18456" in refused(world, ADMIN)
    say(world, "server", "--admin", "none")
    assert "not currently configured to accept this token" in refused(world, DEVELOPER)
    assert "emulator server --admin" in state(world)["logins"][0]["hint"]


# ---- faults ----

def test_a_firewall(world):
    say(world, "fault", "sql-firewall", "on")
    told = refused(world, ADMIN)
    assert "40615" in told and "Client with IP address '127.0.0.1' is not allowed" in told
    assert "the fault sql-firewall is on" in state(world)["logins"][0]["why"]
    say(world, "fault", "sql-firewall", "off")
    assert world.sql(ADMIN, "SELECT 1 AS one") == [{"one": 1}]


def test_a_paused_database_resumes(world, programs):
    say(world, "fault", "sql-paused", "on")
    for _ in range(2):
        told = refused(world, ADMIN)
        assert "40613" in told and f"Database '{DATABASE}' on server 'contoso-sql' is not" in told
    assert world.sql(ADMIN, "SELECT 1 AS one") == [{"one": 1}]
    # Microsoft's driver knows the number, and tries again by itself.
    say(world, "fault", "sql-paused", "on", "--count", "1")
    connect_msodbc(world, programs, token(world, "--as", ADMIN)).close()
    assert [e["accepted"] for e in state(world)["logins"][:2]] == [True, False]


def test_drivers_follow_a_redirect(world, programs):
    say(world, "fault", "sql-redirect", "on")
    before = state(world)["logins_refused"]
    made = connect_msodbc(world, programs, token(world, "--as", ADMIN))
    assert made.execute("SELECT USER_NAME()").fetchval() == "dbo"
    made.close()
    made = connect_pytds(world, token(world, "--as", ADMIN))
    made.close()
    assert world.sql(ADMIN, "SELECT 1 AS one") == [{"one": 1}]
    made = pyodbc.connect(f"Driver={programs.tdsodbc};Server=localhost;Port={world.port()};"
                          f"Database={DATABASE};UID=tester;PWD={world.password};TDS_Version=7.4;"
                          "Encryption=off")  # FreeTDS 1.3 goes on in the first connection's TLS
    made.close()
    assert state(world)["logins_refused"] == before + 4  # each was sent on once


def test_faults_of_the_endpoints(world, programs):
    from conftest import run

    say(world, "fault", "token-throttle", "on", "--count", "1")
    env = world.environment("ci-app")
    # Our own credential waits as it is told and tries again.
    result = run([programs.entrasql, "token", "--claims"], env=env)
    assert result.returncode == 0, result.stderr
    say(world, "fault", "token-unavailable", "on")
    result = run([programs.entrasql, "token"], env=env, timeout=120)
    assert result.returncode in (3, 9) and "AADSTS90033" in result.stderr
    listed = {f["name"]: f for f in json.loads(say(world, "fault", "list", "--json"))}
    assert listed["token-throttle"]["struck"] == 1 and not listed["token-throttle"]["on"]
    assert listed["token-unavailable"]["on"] and listed["token-unavailable"]["struck"] > 1
    assert "all is off" in say(world, "fault", "all", "off")
    wrong = world.command("fault", "nosuch", "on")
    assert wrong.returncode == 2 and "sql-paused" in wrong.stderr


def test_faults_from_the_start(programs, tmp_path):
    with running_emulator(programs, tmp_path / "data", "--fault", "sql-paused:1") as other:
        assert "40613" in refused(other, ADMIN)
        assert other.sql(ADMIN, "SELECT 1 AS one") == [{"one": 1}]
        again = other.command("start", "--fault", "nosuch")
        assert again.returncode != 0


# ---- tokens ----

@pytest.mark.parametrize("words, part, why", [
    (["--expired"], "Token is expired", "it has expired"),
    (["--not-yet-valid"], "Incorrect or invalid token", "not valid yet"),
    (["--bad-signature"], "Incorrect or invalid token", "signature"),
    (["--audience", "https://other.example/"], "Incorrect or invalid token",
     "https://other.example/"),
    (["--resource", "https://management.azure.com/"], "Incorrect or invalid token",
     "https://management.azure.com/"),
])
def test_bad_tokens_are_refused_with_their_reason(world, programs, words, part, why):
    with pytest.raises(pyodbc.Error) as caught:
        connect_msodbc(world, programs, token(world, "--as", ADMIN, *words))
    assert "18456" in str(caught.value) and part in str(caught.value)
    last = state(world)["logins"][0]
    assert why in last["why"] and last["hint"] and last["method"] == "token"


def test_token_needs_somebody(world):
    assert world.command("token").returncode == 2
    assert world.command("token", "--as", "nobody").returncode == 2
    assert world.command("token", "--as", "Developers").returncode == 2
    assert world.command("token", "--as", ADMIN, "--resource", "urn:x").returncode == 2


# ---- reset, seed ----

def test_reset_ends_sessions_and_empties(world, programs):
    seed_persons(world)
    say(world, "user", "add", NEW)
    say(world, "fault", "sql-busy", "on")
    say(world, "fault", "sql-busy", "off")
    made = connect_msodbc(world, programs, token(world, "--as", ADMIN))
    made.execute("CREATE TABLE t (a int)")
    port = world.port()
    say(world, "reset")
    assert world.port() == port
    with pytest.raises(pyodbc.Error):
        made.execute("SELECT 1")
    assert NEW not in [o["upn"] for o in objects(world, "user")]
    assert world.sql(ADMIN, "SELECT COUNT(*) AS n FROM sys.tables") == [{"n": 0}]
    world.stop()
    result = world.command("reset")
    assert result.returncode == 0, result.stderr
    world.start()


def test_seed_replaces_the_world(world, tmp_path):
    seed = json.loads((ROOT / "examples" / "seed.json").read_text())
    seed["users"].append({"upn": NEW})
    seed["server"]["databases"].append("third")
    (tmp_path / "s.json").write_text(json.dumps(seed))
    say(world, "seed", tmp_path / "s.json")
    assert NEW in [o["upn"] for o in objects(world, "user")]
    assert "third" in say(world, "database", "list")
    (tmp_path / "bad.json").write_text('{"tenants": []}')
    bad = world.command("seed", tmp_path / "bad.json")
    assert bad.returncode == 2 and "tenants" in bad.stderr
    assert NEW in [o["upn"] for o in objects(world, "user")]


# ---- the endpoint and the page ----

def fetch(world, path, method="GET", body=None, **headers):
    facts = state(world)
    context = ssl.create_default_context(cafile=facts["ca_file"])
    request = urllib.request.Request(facts["authority"] + path, data=body, method=method,
                                     headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode(), e.headers


def test_the_endpoint_needs_the_secret(world):
    secret = (world.directory / "admin-secret").read_text()
    assert len(secret) >= 32 and (world.directory / "admin-secret").stat().st_mode & 0o077 == 0
    change = json.dumps({"action": "add", "kind": "user", "upn": NEW}).encode()
    for path, method in [("state", "GET"), ("objects", "POST"), ("faults", "POST"),
                         ("seed", "POST"), ("reset", "POST"), ("nosuch", "GET")]:
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {secret}x"},
                        {"Authorization": secret}):
            body = change if method == "POST" else None
            assert fetch(world, "/_emulator/" + path, method, body, **headers)[0] == 401
    allowed = {"Authorization": f"Bearer {secret}"}
    assert fetch(world, "/_emulator/nosuch", **allowed)[0] == 404
    assert fetch(world, "/_emulator/objects", **allowed)[0] == 405
    assert fetch(world, "/_emulator/objects", "POST", b"{", **allowed)[0] == 400
    assert NEW not in [o["upn"] for o in objects(world, "user")]
    assert fetch(world, "/_emulator/objects", "POST", change, **allowed)[0] == 200
    assert fetch(world, "/_emulator/objects", "POST", change, **allowed)[0] == 409
    assert NEW in [o["upn"] for o in objects(world, "user")]


def test_the_page_shows_and_escapes(world, programs):
    evil = "<script>alert(1)</script>\"'&"
    say(world, "app", "add", evil)
    with pytest.raises(pyodbc.Error):
        pyodbc.connect(f"Driver={programs.msodbc};Server={microsofts_server(world.port())};"
                       f"Database={DATABASE};Encrypt=yes;APP=<img src=x>",
                       attrs_before={SQL_COPT_SS_ACCESS_TOKEN:
                                     pack(token(world, "--as", DEVELOPER))})
    status, page, headers = fetch(world, "/")
    assert status == 200 and headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "<script" not in page and "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;" in page
    assert "&lt;img src=x&gt;" in page
    assert "18456" in page and DEVELOPER in page and "CREATE USER" in page
    facts = state(world)
    for part in (f"localhost,{facts['sql_port']}", facts["authority"], IDENTITY, "contoso-sql"):
        assert part in page
    secrets = json.loads((world.directory / "secrets.json").read_text())
    for text in [*secrets["apps"].values(), *secrets["hosts"].values(),
                 (world.directory / "admin-secret").read_text(), world.password]:
        assert text not in page
    assert fetch(world, "/_emulator/style.css")[2]["Content-Type"].startswith("text/css")
    assert "refresh" in fetch(world, "/?refresh=1")[1]
    assert fetch(world, "/", "POST", b"x")[0] == 401


# ---- strings, figures, documents ----

def test_a_connection_string_for_each_driver(world, programs):
    strings = json.loads(say(world, "env", "--connstr", "all", "--format", "json"))
    port = world.port()
    assert set(strings) == {"odbc", "tdsodbc", "pyodbc", "sqlalchemy", "jdbc", "mssql-python",
                            "go-mssqldb", "tedious", "dotnet", "python-tds", "tiberius"}
    assert all(str(port) in text and DATABASE in text for text in strings.values())
    for name, text in strings.items():
        assert say(world, "env", "--connstr", name) == text + "\n"
    # Those that this machine has the drivers for are used as they are printed.
    odbc = say(world, "env", "--connstr", "pyodbc", "--driver", programs.msodbc).strip()
    made = pyodbc.connect(odbc, attrs_before={SQL_COPT_SS_ACCESS_TOKEN:
                                              pack(token(world, "--as", ADMIN))})
    assert made.execute("SELECT DB_NAME()").fetchval() == DATABASE
    made.close()
    free = say(world, "env", "--connstr", "tdsodbc", "--driver", programs.tdsodbc).strip()
    pyodbc.connect(f"{free};UID=tester;PWD={world.password}").close()
    import pytds

    pytds.connect(access_token_callable=lambda: token(world, "--as", ADMIN),
                  **json.loads(strings["python-tds"])).close()
    import urllib.parse

    assert urllib.parse.unquote(strings["sqlalchemy"].split("odbc_connect=")[1]) == strings["odbc"]
    # A user-assigned identity is named by its client id; odd names are quoted.
    client_id = {o["name"]: o for o in objects(world, "identity")}[IDENTITY]["client_id"]
    assert f"User Id={client_id}" in say(world, "env", "--connstr", "dotnet", "--as", IDENTITY)
    assert "Database={a;b}}c}" in say(world, "env", "--connstr", "odbc", "--database", "a;b}c")
    assert "database=a%3Bb%26c" in say(world, "env", "--connstr", "go-mssqldb", "--database", "a;b&c")
    wrong = world.command("env", "--connstr", "nosuch")
    assert wrong.returncode == 2 and "tiberius" in wrong.stderr


def test_start_and_memory(programs, tmp_path):
    """Ready soon after the second start, and small; generous limits, the figures are printed."""
    with running_emulator(programs, tmp_path / "data") as other:
        times = []
        for _ in range(5):
            other.stop()
            begin = time.monotonic()
            other.start()
            times.append((time.monotonic() - begin) * 1000)
        status = pathlib.Path(f"/proc/{state(other)['pid']}/status").read_text()
        resident = int(status.split("VmRSS:")[1].split()[0]) / 1024
        print(f"start {min(times):.0f} ms (of {[round(t) for t in times]}), {resident:.1f} MB")
        if os.environ.get("ENTRASQL_SANITIZE", "none") == "none":
            assert min(times) < 200 * 5
            assert resident < 30


def table_of_fidelity():
    """The rows of docs/emulator.md's table, as a program reads them."""
    text = (ROOT / "docs" / "emulator.md").read_text()
    part = text.split("## What is faithful, what is not")[1].strip().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part
            if line.startswith("|")]
    assert rows[0] == ["part", "faithful", "not"]
    return rows[2:]


def test_documents_name_everything(world):
    text = (ROOT / "docs" / "emulator.md").read_text()
    for row in table_of_fidelity():
        assert len(row) == 3 and row[0] and row[1], row
    for fault in json.loads(say(world, "fault", "list", "--json")):
        assert f"`{fault['name']}`" in text, fault["name"]
