# SPDX-License-Identifier: MIT
"""entrasql doctor: each thing that goes wrong is made to go wrong, and the diagnosis is checked.

CASES is the table: a name, and a function that breaks something and returns what the doctor is run
with. `expected` is the word of the diagnosis; the state of its line and the link are checked, too.
"""
import json
import pathlib
import socket
import stat
import struct
import time

import pytest

from conftest import ADMIN, APP_HOST, DEVELOPER, IDENTITY, ROOT, clean_environment, run
from doctors import PASSWORD, STRANGER, doctor, shared, world  # noqa: F401 (fixtures)
from servers import (Authority, WrappedTls, http_reply, packet, prelogin_reply, read_message,
                     token_endpoint)
from terminal import Terminal
from test_doctor_proxy import CASES as PROXIED
from test_doctor_settings import CASES as SETTINGS
from test_doctor_strange import CASES as STRANGE

# ---- the environment ----

def id_with_quotes(w):
    return w.env(IDENTITY, APP_HOST, AZURE_CLIENT_ID="\"x\""), []


def secret_without_tenant(w):
    return w.env(ADMIN, AZURE_CLIENT_SECRET="x"), []


def two_hosts(w):
    return w.env(IDENTITY, APP_HOST, AZURE_FEDERATED_TOKEN_FILE="/nosuch"), []


def string_names_another(w):
    env = w.env(IDENTITY, APP_HOST)
    env["AZURE_SQL_CONNECTIONSTRING"] = w.string(
        more=f";Authentication=ActiveDirectoryMsi;UID={env['AZURE_CLIENT_ID']}")
    env["AZURE_CLIENT_ID"] = "11111111-2222-3333-4444-555555555555"
    return env, []


def entra_with(w, reply, trusted=True):
    """A stand-in for Entra's discovery; the server is still the emulator's."""
    authority = Authority(w.directory)
    port = w.serve(token_endpoint(authority.context("localhost"), reply))
    env = w.env(IDENTITY, APP_HOST, AZURE_AUTHORITY_HOST=f"https://localhost:{port}")
    if trusted:
        both = w.file(pathlib.Path(env["SSL_CERT_FILE"]).read_text()
                      + pathlib.Path(authority.file).read_text())
        env["SSL_CERT_FILE"] = str(both)
    return env


def date(seconds):
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + seconds))


def clock_ahead(w):
    return entra_with(w, http_reply(200, headers=[f"Date: {date(-3600)}"])), []


def clock_behind(w):
    return entra_with(w, http_reply(200, headers=[f"Date: {date(3600)}"])), []


def clock_a_little_off(w):
    return entra_with(w, http_reply(200, headers=[f"Date: {date(-120)}"])), []


# ---- name, TCP, proxy ----

def unknown_name(w):
    return w.env(ADMIN), ["-S", "nosuch.invalid"]


def nothing_listens(w):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    return w.env(ADMIN), ["-S", f"localhost,{port}"]


def syns_are_dropped(w):
    """A listener whose queue is full answers no more, as behind a firewall that swallows packets."""
    listener = w.stack.enter_context(socket.socket())
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    for _ in range(3):
        s = w.stack.enter_context(socket.socket())
        s.setblocking(False)
        s.connect_ex(listener.getsockname())
    return w.env(ADMIN), ["-S", f"127.0.0.1,{listener.getsockname()[1]}"]


def behind_a_proxy(w, env):
    def refuse(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

    env.update(https_proxy=f"http://127.0.0.1:{w.serve(refuse)}", no_proxy="127.0.0.1",
               NO_PROXY="127.0.0.1")
    return env, []


def proxy_refuses_connect(w):
    return behind_a_proxy(w, w.env("ci-app"))


def proxy_that_nobody_needs(w):
    """A managed identity's token comes from its host: the login works, and the exit code says so."""
    return behind_a_proxy(w, w.env(IDENTITY, APP_HOST))


def inspected(w):
    env = entra_with(w, http_reply(200), trusted=False)
    app = w.env("ci-app")
    app.update({k: env[k] for k in ("AZURE_AUTHORITY_HOST", "SSL_CERT_FILE")})
    return app, []


def entra_down(w):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    return w.env(IDENTITY, APP_HOST, AZURE_AUTHORITY_HOST=f"https://localhost:{port}"), []


# ---- PRELOGIN, TLS ----

def a_web_server(w):
    def answer(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    return w.env(ADMIN), ["-S", f"localhost,{w.serve(answer)}"]


def inspected_on_the_sql_port(w):
    context = Authority(w.directory, "Corporate Inspection").context("localhost")

    def handle(connection):
        read_message(connection.recv)
        connection.sendall(packet(4, prelogin_reply()))
        WrappedTls(connection, context)

    return w.env(ADMIN), ["-S", f"localhost,{w.serve(handle)}"]


def handshake_breaks_off(w):
    def handle(connection):
        read_message(connection.recv)
        connection.sendall(packet(4, prelogin_reply()))
        read_message(connection.recv)

    return w.env(ADMIN), ["-S", f"localhost,{w.serve(handle)}"]


def wrong_name(w):
    return w.env(ADMIN, AZURE_SQL_CONNECTIONSTRING=w.string(
        more=";HostNameInCertificate=other.example")), []


# ---- credentials ----

def nothing_set_up(w):
    return w.env(ADMIN, PATH="/nosuch", AZURE_TOKEN_CREDENTIALS=None, HOME=str(w.directory),
                 AZURE_POD_IDENTITY_AUTHORITY_HOST="http://127.0.0.1:9"), []


def imds_gone(w):
    return w.env(IDENTITY, "persons-vm", AZURE_POD_IDENTITY_AUTHORITY_HOST="http://127.0.0.1:9",
                 PATH="/nosuch"), ["--credential", "managed-identity"]


def imds_fault(fault, value=None):
    def case(w):
        w.fault(fault, value)
        return w.env(IDENTITY, APP_HOST), []

    case.__name__ = fault.replace("-", "_")
    return case


def id_of_one_not_attached(w):
    other = w.objects("identity")[STRANGER]["client_id"]
    return w.env(IDENTITY, APP_HOST, AZURE_CLIENT_ID=other), []


def id_with_digits_of_a_status(w):
    return w.env(IDENTITY, APP_HOST, AZURE_CLIENT_ID="11111111-0429-4000-8000-000000000403"), []


def object_id_for_client_id(w):
    object_id = w.objects("identity")[IDENTITY]["object_id"]
    return w.env(IDENTITY, APP_HOST, AZURE_CLIENT_ID=object_id), []


def no_az(w):
    env = w.env(ADMIN)
    env["PATH"] = "/nosuch"
    return env, ["--credential", "azure-cli"]


def az_that_says(w, text):
    folder = w.directory / "bin"
    folder.mkdir()
    az = folder / "az"
    az.write_text(f"#!/bin/sh\necho '{text}' >&2\nexit 1\n")
    az.chmod(az.stat().st_mode | stat.S_IXUSR)
    env = w.env(ADMIN)
    env["PATH"] = f"{folder}:/usr/bin:/bin"
    return env, ["--credential", "azure-cli"]


def az_signed_out(w):
    return az_that_says(w, "ERROR: Please run \"az login\" to setup account.")


def az_expired(w):
    return az_that_says(w, "ERROR: AADSTS700082: The refresh token has expired due to inactivity.")


def az_blocked(w):
    return az_that_says(w, "ERROR: AADSTS53003: Access has been blocked by Conditional Access.")


def app_env(w, **changes):
    return w.env("ci-app", **changes)


def secret_wrong(w):
    return app_env(w, AZURE_CLIENT_SECRET="wrong"), []


def app_unknown(w):
    return app_env(w, AZURE_CLIENT_ID="11111111-2222-3333-4444-555555555555"), []


def tenant_unknown(w):
    return app_env(w, AZURE_TENANT_ID="11111111-2222-3333-4444-555555555555"), []


def mfa(w):
    w.fault("token-mfa")
    return app_env(w), []


def entra_throttles(w):
    w.fault("token-throttle")
    return app_env(w), []


# ---- token ----

def token_for_arm(w):
    return w.env(ADMIN), ["--token-file", w.token("--as", ADMIN, "--resource",
                                                  "https://management.azure.com/")]


def token_over(w):
    return w.env(ADMIN), ["--token-file", w.token("--as", ADMIN, "--expired")]


def token_too_early(w):
    return w.env(ADMIN), ["--token-file", w.token("--as", ADMIN, "--not-yet-valid")]


def token_forged(w):
    return w.env(ADMIN), ["--token-file", w.token("--as", ADMIN, "--bad-signature")]


def token_signed(w, **changes):
    token = w.token("--as", ADMIN).read_text().strip()
    return w.file(w.emulator.signed(token, **changes))


def token_of_another_tenant(w):
    tenant = "99999999-7e57-4000-8000-000000000009"
    return w.env(ADMIN), ["--token-file", token_signed(w, tid=tenant)]


def az_in_another_tenant(w):
    token = token_signed(w, tid="99999999-7e57-4000-8000-000000000009").read_text()
    answer = w.file(json.dumps({"accessToken": token, "expires_on": int(time.time()) + 3000,
                                "tokenType": "Bearer"}))
    env, words = az_that_says(w, "")
    az = w.directory / "bin" / "az"
    az.write_text(f"#!/bin/sh\ncat {answer}\n")
    return env, words


def groups_changed_after_the_token(w):
    who = "late@contoso.example"
    w.say("user", "add", who)
    w.later("user", "remove", who)
    token = w.token("--as", who)
    time.sleep(1.1)  # times in tokens are whole seconds
    w.say("group", "add", "Latecomers", who)
    w.later("group", "remove", "Latecomers")
    w.sql("CREATE USER [Latecomers] FROM EXTERNAL PROVIDER")
    w.stack.callback(lambda: w.sql("DROP USER [Latecomers]"))
    return w.env(who), ["--token-file", token]


def token_of_a_guest(w):
    return w.env(ADMIN), ["--token-file",
                          token_signed(w, upn="bob_fabrikam.example#EXT#@contoso.example")]


# ---- login ----

def no_user(w):
    return w.env(STRANGER, "stranger-app"), []


def no_user_seen_by_the_admin(w):
    return w.both(STRANGER, "stranger-app"), []


def no_database_named(w):
    return w.env(IDENTITY, APP_HOST, AZURE_SQL_CONNECTIONSTRING=w.string(database=None)), []


def in_master(w):
    return w.env(IDENTITY, APP_HOST), ["-d", "master"]


def database_misspelt(w):
    return w.env(IDENTITY, APP_HOST), ["-d", "person"]


def identity_made_again(w):
    w.say("identity", "add", "Phoenix")
    w.sql("CREATE USER [Phoenix] FROM EXTERNAL PROVIDER")
    w.stack.callback(lambda: w.sql("DROP USER [Phoenix]"))
    w.say("identity", "remove", "Phoenix")
    w.say("identity", "add", "Phoenix")
    w.later("identity", "remove", "Phoenix")
    return w.both("Phoenix", None), []


def user_made_with_object_id(w):
    w.say("identity", "add", "Mixup")
    w.later("identity", "remove", "Mixup")
    guid = w.objects("identity")["Mixup"]["object_id"].replace("-", "")
    sid = bytes.fromhex(guid)
    sid = sid[3::-1] + sid[5:3:-1] + sid[7:5:-1] + sid[8:]
    w.sql(f"CREATE USER [Mixup] WITH SID = 0x{sid.hex()}, TYPE = E")
    w.stack.callback(lambda: w.sql("DROP USER [Mixup]"))
    return w.both("Mixup", None), []


def admin_not_set(w):
    w.say("server", "--admin", "none")
    w.later("server", "--admin", ADMIN)
    return w.env(IDENTITY, APP_HOST), []


def sql_login(w, password):
    return w.env(ADMIN, AZURE_SQL_CONNECTIONSTRING=w.string(more=f";UID=tester;PWD={password}"))


def entra_only(w):
    w.say("server", "--entra-only", "on")
    w.later("server", "--entra-only", "off")
    return sql_login(w, w.emulator.password), []


def sql_password_wrong(w):
    return sql_login(w, PASSWORD), []


def login_fault(fault, value=None):
    def case(w):
        w.fault(fault, value)
        return w.env(IDENTITY, APP_HOST), []

    case.__name__ = fault.replace("-", "_")
    return case


def redirect_to_a_closed_port(w):
    """A gateway whose redirect leads to a port that is not open from here."""
    authority = Authority(w.directory)
    context = authority.context("localhost")
    with socket.create_server(("127.0.0.1", 0)) as s:
        closed = s.getsockname()[1]
    name = "localhost".encode("utf-16-le")
    value = struct.pack("<BHH", 0, closed, len(name) // 2) + name
    route = struct.pack("<BH", 20, len(value)) + value + b"\0\0"
    answer = b"\xe3" + struct.pack("<H", len(route)) + route + b"\xfd" + b"\0" * 12

    def handle(connection):
        read_message(connection.recv)
        connection.sendall(packet(4, prelogin_reply()))
        tls = WrappedTls(connection, context)
        read_message(tls.recv)
        tls.sendall(packet(4, answer))
        time.sleep(0.2)

    env = w.env(ADMIN)
    both = w.file(pathlib.Path(env["SSL_CERT_FILE"]).read_text()
                  + pathlib.Path(authority.file).read_text())
    env["SSL_CERT_FILE"] = str(both)
    return env, ["-S", f"localhost,{w.serve(handle)}"]


# ---- rights, driver, settings ----

def user_without_rights(w):
    w.sql(f"CREATE USER [{STRANGER}] FROM EXTERNAL PROVIDER")
    w.stack.callback(lambda: w.sql(f"DROP USER [{STRANGER}]"))
    return w.env(STRANGER, "stranger-app"), []


def driver_string(w, driver, more=""):
    return w.env(IDENTITY, APP_HOST, AZURE_SQL_CONNECTIONSTRING=f"Driver={driver};{w.string(more=more)}")


def driver_not_there(w):
    return driver_string(w, "{No Such Driver}"), []


def driver_broken(w):
    return driver_string(w, str(w.file("not a library", "libbroken.so"))), []


def freetds_alone(w):
    return driver_string(w, w.programs.tdsodbc), []


def mode_that_microsofts_driver_lacks(w):
    return driver_string(w, w.programs.msodbc, ";Authentication=ActiveDirectoryDefault"), []


def driver_pooled(w):
    ini = w.directory / "ini"
    ini.mkdir()
    (ini / "odbcinst.ini").write_text(f"[ODBC]\nPooling=Yes\n[MS]\nDriver={w.programs.msodbc}\n"
                                      "CPTimeout=60\n")
    env = driver_string(w, "MS")
    env.update(ODBCSYSINI=str(ini), HOME=str(w.directory))
    return env, []


def password_in_a_setting(w):
    return w.env(IDENTITY, APP_HOST,
                 SQLAZURECONNSTR_Orders=f"Server=s;Initial Catalog=d;User ID=u;Password={PASSWORD}"), []


CASES = [
    (id_with_quotes, "variable-not-guid", "fail"),
    (secret_without_tenant, "variables-incomplete", "warn"),
    (two_hosts, "hosts-disagree", "warn"),
    (string_names_another, "ids-disagree", "warn"),
    (clock_ahead, "clock-skew", "fail"),
    (clock_behind, "clock-skew", "fail"),
    (clock_a_little_off, "clock-skew", "warn"),
    (token_too_early, "clock-skew", "fail"),
    (unknown_name, "name-unknown", "fail"),
    (nothing_listens, "port-refused", "fail"),
    (syns_are_dropped, "port-blocked", "fail"),
    (proxy_refuses_connect, "proxy-broken", "fail"),
    (proxy_that_nobody_needs, "proxy-broken", "warn"),
    (inspected, "entra-inspected", "fail"),
    (entra_down, "entra-unreachable", "warn"),
    (a_web_server, "not-sql-server", "fail"),
    (inspected_on_the_sql_port, "tls-unknown-issuer", "fail"),
    (wrong_name, "tls-wrong-name", "fail"),
    (handshake_breaks_off, "tls-failed", "fail"),
    (nothing_set_up, "no-credential", "fail"),
    (imds_gone, "imds-absent", "fail"),
    (imds_fault("identity-delay", 3000), "imds-slow", "warn"),
    (imds_fault("identity-throttle"), "imds-throttled", "fail"),
    (imds_fault("identity-unreachable"), "imds-forbidden", "fail"),
    (imds_fault("identity-not-found"), "identity-not-attached", "fail"),
    (imds_fault("identity-several"), "identities-several", "fail"),
    (imds_fault("identity-html"), "credential-failed", "fail"),
    (id_with_digits_of_a_status, "identity-not-attached", "fail"),
    (id_of_one_not_attached, "identity-not-attached", "fail"),
    (object_id_for_client_id, "identity-not-attached", "fail"),
    (no_az, "az-missing", "fail"),
    (az_signed_out, "az-signed-out", "fail"),
    (az_expired, "entra-refused", "fail"),
    (az_blocked, "entra-refused", "fail"),
    (secret_wrong, "entra-refused", "fail"),
    (app_unknown, "entra-refused", "fail"),
    (tenant_unknown, "entra-refused", "fail"),
    (mfa, "entra-refused", "fail"),
    (entra_throttles, "entra-refused", "fail"),
    (token_for_arm, "wrong-audience", "fail"),
    (token_over, "token-expired", "fail"),
    (token_of_another_tenant, "wrong-tenant", "fail"),
    (az_in_another_tenant, "wrong-tenant", "fail"),
    (groups_changed_after_the_token, "groups-older", "fail"),
    (token_of_a_guest, "guest", "warn"),
    (token_forged, "token-refused", "fail"),
    (no_user, "no-user", "fail"),
    (no_user_seen_by_the_admin, "no-user", "fail"),
    (no_database_named, "no-user-in-master", "fail"),
    (in_master, "no-user-in-master", "fail"),
    (database_misspelt, "database-unknown", "fail"),
    (identity_made_again, "stale-user", "fail"),
    (user_made_with_object_id, "object-id-user", "fail"),
    (admin_not_set, "no-admin", "fail"),
    (entra_only, "entra-only", "fail"),
    (sql_password_wrong, "sql-login-refused", "fail"),
    (login_fault("sql-firewall"), "firewall", "fail"),
    (login_fault("sql-network"), "network-rule", "fail"),
    (login_fault("sql-private"), "public-access-off", "fail"),
    (login_fault("sql-paused"), "paused", "fail"),
    (login_fault("sql-busy"), "busy", "fail"),
    (login_fault("sql-sessions"), "busy", "fail"),
    (login_fault("sql-redirect", 1), "redirect-circle", "fail"),
    (redirect_to_a_closed_port, "redirect-blocked", "fail"),
    (login_fault("sql-drop"), "login-failed", "fail"),
    (login_fault("sql-transient"), "try-again", "fail"),
    (login_fault("request-drop"), "request-lost", "fail"),
    (user_without_rights, "no-rights", "warn"),
    (driver_not_there, "driver-missing", "fail"),
    (driver_broken, "driver-not-loading", "fail"),
    (freetds_alone, "freetds-alone", "warn"),
    (mode_that_microsofts_driver_lacks, "driver-lacks-mode", "fail"),
    (driver_pooled, "driver-pooling", "warn"),
    (password_in_a_setting, "password-left", "warn"),
]

# What cannot be made to happen here, and why.
NOT_REPRODUCED = {
    "no-credentials-sent": "our own login always sends something; for the words of others only",
}


REPRODUCED_ELSEWHERE = {"no-route": "test_doctor_strange.py::test_machine_without_a_network"}


@pytest.mark.parametrize("case, expected, state", CASES,
                         ids=[f"{c.__name__}-{e}" for c, e, _ in CASES])
def test_diagnosis(world, case, expected, state):
    env, words = case(world)
    facts, code = doctor(world, env, *words)
    lines = [l for l in facts["links"] if l["diagnosis"] == expected]
    seen = [(l["state"], l["link"], l["diagnosis"], l["text"], l["evidence"]) for l in facts["links"]]
    assert any(l["state"] == state for l in lines), "\n".join(map(str, seen))
    line = next(l for l in lines if l["state"] == state)
    assert line["fix"] and line["text"]
    if state == "fail":
        assert facts["firstFailure"] == expected, "\n".join(map(str, seen))
        assert code == {"environment": 2, "name": 5, "tcp": 5, "proxy": 5, "prelogin": 7, "tls": 6,
                        "credential": 3, "token": 3, "login": 4, "rights": 8, "driver": 2}[line["link"]]
    else:
        assert code == 0 and facts["firstFailure"] is None, "\n".join(map(str, seen))


def test_the_table_is_whole(programs):
    """Each diagnosis of the catalogue is made to happen above, or it says why not; the docs name each."""
    result = run([programs.entrasql, "explain", "--all", "--json"])
    rows = [e for e in json.loads(result.stdout) if e["kind"] == "diagnosis"]
    known = {e["code"] for e in rows}
    reproduced = {expected for _, expected, _ in CASES + STRANGE + PROXIED + SETTINGS}
    assert reproduced <= known
    assert known - reproduced - set(NOT_REPRODUCED) - set(REPRODUCED_ELSEWHERE) == set()
    text = (ROOT / "docs" / "doctor.md").read_text()
    for e in rows:
        assert f"| `{e['code']}` |" in text and f"| {e['meaning']} | {e['next']} |" in text, e["code"]
    assert len(CASES) >= 40


# ---- when all is well ----

@pytest.mark.parametrize("who, host", [(ADMIN, None), (IDENTITY, APP_HOST), (DEVELOPER, None)])
def test_nothing_fails(world, who, host):
    facts, code = doctor(world, world.env(who, host))
    assert code == 0 and facts["firstFailure"] is None, facts
    links = [l["link"] for l in facts["links"] if l["state"] == "ok"]
    for link in ("environment", "name", "tcp", "proxy", "prelogin", "tls", "credential", "token",
                 "login", "database", "rights", "settings"):
        assert link in links, link
    database = next(l["text"] for l in facts["links"] if l["link"] == "database")
    way = {ADMIN: "Entra admin", IDENTITY: "a user of its own"}.get(who, "")
    assert way in database


def test_strict_encryption(world):
    facts, code = doctor(world, world.env(ADMIN, AZURE_SQL_CONNECTIONSTRING=world.string().replace(
        "Encrypt=yes", "Encrypt=strict")))
    assert code == 0, facts
    assert any("TLSv1.3" in l["text"] for l in facts["links"] if l["link"] == "tls")


@pytest.mark.parametrize("form", ["jdbc", "go", "ado", "sqlalchemy"])
def test_any_form_of_string(world, form):
    converted = run([world.programs.entrasql, "connstr", "convert", "--to", form],
                    input=world.string())
    facts, code = doctor(world, None, "-", text=converted.stdout)
    login = next(l for l in facts["links"] if l["link"] == "login")
    assert login["state"] == "ok", facts


def test_text_for_people(world):
    """One line a link, evidence and what mends it below; nothing longer than a screen can hold."""
    result = run([world.programs.entrasql, "doctor"], env=world.env(STRANGER, "stranger-app"))
    assert result.returncode == 4
    assert "fail  login        refused with error 18456, state 1 [no-user]" in result.stdout
    assert "-> As the Entra admin: entrasql user add StrangerIdentity --app-id" in result.stdout
    assert "The first link that fails: login [no-user]" in result.stdout
    token = world.emulator.token(STRANGER, "stranger-app")
    assert token.split(".")[2] not in result.stdout


def test_never_more_than_its_time(world):
    """Everything is late at once: the answer still comes in time, and says so."""
    for fault in ("identity-delay", "entra-delay", "sql-delay", "token-delay"):
        world.fault(fault, 60000)
    began = time.monotonic()
    facts, code = doctor(world, world.env(IDENTITY, APP_HOST), "--timeout", "6")
    assert time.monotonic() - began < 9
    assert code != 0 and facts["firstFailure"]


def test_without_a_server(world):
    env = world.env(ADMIN, AZURE_SQL_CONNECTIONSTRING=None)
    result = run([world.programs.entrasql, "doctor"], env=env)
    assert result.returncode == 2 and "no server" in result.stderr and "hint: " in result.stderr


# ---- the catalogue ----

@pytest.mark.parametrize("word, part", [
    ("18456", "CREATE USER"), ("AADSTS700016", "AZURE_CLIENT_ID"), ("700016", "AZURE_CLIENT_ID"),
    ("aadsts50076", "multi-factor"), ("TIMEOUT", "deadline"), ("no-user", "entrasql user add"),
    ("40613", "may pass by itself"), ("08001", "set up the connection"), ("28000", "refused the login"),
    ("20009", "did not reach"), ("1205", "deadlock"), ("AADSTS50059", "which tenant"),
])
def test_explain(programs, word, part):
    result = run([programs.entrasql, "explain", word])
    assert result.returncode == 0 and part in result.stdout and "->" in result.stdout


@pytest.mark.parametrize("message, code, part", [
    ("Login failed for user '<token-identified principal>'.", "18456", "no user of this database"),
    ("Login failed for user '<token-identified principal>'. Token is expired.", "18456", "expired"),
    ("Login failed for user 'bob'.", "18456", "the login was refused"),
    ("Cannot open server 'x' requested by the login. Client with IP address '10.0.0.1' is not",
     "40615", "firewall"),
    ("Cannot open database \"x\" requested by the login. The login failed.", "4060", "Check the name"),
    ("Client with IP address", "40615", "firewall"),
    ("ClientAuthenticationError: AADSTS7000215: Invalid client secret provided.", "AADSTS7000215",
     "secret's value"),
    ("('IM002', '[IM002] [unixODBC][Driver Manager]Data source name not found and no default driver "
     "specified (0) (SQLDriverConnect)')", None, "odbcinst"),
    ("SSL Provider: [error:0A000086:SSL routines::certificate verify failed:unable to get local "
     "issuer certificate]", None, "SSL_CERT_FILE"),
    ("managedidentitycredential authentication unavailable, no response from the IMDS endpoint.",
     None, "169.254.169.254"),
    ("[ODBC Driver 18 for SQL Server]Failed to authenticate the user '' in Active Directory "
     "(Authentication option is 'ActiveDirectoryMSI')", None, "the driver itself asked for the token"),
    ("[08001] [Microsoft][ODBC Driver 18 for SQL Server]TCP Provider: Error code 0x2746 (10054)", None, "reset"),
    ("TCP Provider: An existing connection was forcibly closed by the remote host.", None, "reset"),
    ("DB-Lib error message 20009, severity 9", None, "did not reach"),
    ("[28000] Login failed for user 'bob'. (18456)", "18456", "the login was refused"),
    ("Cannot use Access Token with any of the following options: Authentication, Integrated Security, "
     "User, Password.", None, "UID, PWD"),
])
def test_explain_a_message(programs, message, code, part):
    """One answer: as a log has it, whole or cut, in one argument or in many."""
    for words in ([message], message.split()):
        result = run([programs.entrasql, "explain", "--json", *words])
        entry, = json.loads(result.stdout)
        assert entry["code"] == code and part in entry["meaning"] + entry["next"], entry


@pytest.mark.parametrize("text, codes", [
    ("Msg 18456", ["18456"]), ("Error: 18456, Severity: 14, State: 8.", ["18456"]), ("(18456)", ["18456"]),
    ("error 40615 here", ["40615"]), ("Msg 208, Level 16, State 1, Line 916", ["208"]),
    ("ErrorCode=258 (0x102)", ["258"]), ('{"error_codes": [50034]}', ["AADSTS50034"]),
    ("see no-user, it said", ["no-user"]), ("the paused guest of no-users", []),
    ("error code 700016: and AADSTS700016", ["AADSTS700016"]),
    ("Login failed for user 'bob'. (18456)\n[x] AADSTS50034: not there, 18456 again", ["18456", "AADSTS50034"]),
    ("AADSTS50034: not there\nLogin failed for user 'bob'.", ["AADSTS50034", "18456"]),
    ("Msg 4060: no\nMsg 916: no", ["4060", "916"]),
    ("took 208 ms to x:10060 (port 10054), main.c:1205, line 2812, 10.4060, 229 rows, 2026-11-29, v4613", []),
])
def test_explain_codes_within_a_text(programs, text, codes):
    result = run([programs.entrasql, "explain", "--json", text])
    assert result.returncode == (0 if codes else 2), result
    said = [e["code"] for e in json.loads(result.stdout or "[]")]
    assert list(dict.fromkeys(said)) == codes, said
    if codes and "bob" in text:
        assert len(said) == len(codes), said


@pytest.mark.parametrize("words", [[], ["-"]], ids=["pipe", "dash"])
@pytest.mark.parametrize("text, code", [
    ("Traceback:\n  File \"x.py\"\npyodbc.Error: Login failed for\n\tuser '<token-identified principal>'.\n",
     "18456"),
    ("40615\n", "40615"),
    ("all was well\n" * 100000 + "AADSTS700016: the end\n", "AADSTS700016"),
    ("\0\0AADSTS700016\0", "AADSTS700016"),
], ids=["traceback", "code", "long", "bytes"])
def test_explain_what_a_program_says(programs, words, text, code):
    result = run([programs.entrasql, "explain", "--json", *words], input=text)
    assert result.returncode == 0, result.stderr
    entry, *_ = json.loads(result.stdout)
    assert entry["code"] == code, entry


def test_explain_a_program_that_says_nothing(programs):
    for words, text in ([], ""), (["-"], " \n"), ([""], "18456"):
        result = run([programs.entrasql, "explain", *words], input=text)
        assert result.returncode == 2 and "--all lists" in result.stderr and not result.stdout, result
    result = run([programs.entrasql, "explain"], input="nothing that is known here " * 9)
    assert result.returncode == 2 and "nothing of this text" in result.stderr, result.stderr


def test_explain_at_a_terminal(programs):
    """Nobody waits for a text that nobody said was to be typed."""
    t = Terminal([programs.entrasql, "explain"], clean_environment(), 80, 24)
    end = time.monotonic() + 20
    while t.pump(1):
        assert time.monotonic() < end, t.text()
    assert "no word was given" in t.text() and "| entrasql explain" in " ".join(t.text().split()), t.text()


def test_explain_what_nobody_knows(programs):
    result = run([programs.entrasql, "explain", "12345678"])
    assert result.returncode == 2 and "hint: " in result.stderr
    near = run([programs.entrasql, "explain", "no-usr"])
    assert near.returncode == 2 and "did you mean no-user?" in near.stderr


def test_explain_says_that_it_passes_only_where_nobody_has_to_act(programs):
    for number in ("18456", "40615"):
        assert "may pass by itself" not in run([programs.entrasql, "explain", number]).stdout


def test_library_hints_come_from_the_catalogue(world):
    """What a program is told about 18456 is the catalogue's own sentence."""
    result = run([world.programs.entrasql, "query", "-Q", "SELECT 1"],
                 env=world.env(STRANGER, "stranger-app"))
    entries = json.loads(run([world.programs.entrasql, "explain", "--json", "18456"]).stdout)
    hint = next(e["next"] for e in entries if e["messageHolds"] == "<token-identified principal>")
    assert hint in result.stderr
