# SPDX-License-Identifier: MIT
"""entrasql doctor on deployments as they come: faults together, odd strings, odd machines.

CASES is a table as in test_doctor.py, whose test of the whole catalogue counts these, too. Every one
is run for people and for programs, and neither may hold a secret.
"""
import contextlib
import ssl

import pytest

from conftest import ADMIN, APP_HOST, IDENTITY, run
from doctors import PASSWORD, STRANGER, doctor, keeps_secrets, lines_of, people_see
from doctors import shared, world  # noqa: F401 (fixtures)
from servers import Authority, WrappedTls, packet, prelogin_reply, read_message


def admin(w, string, **changes):
    return w.env(ADMIN, AZURE_SQL_CONNECTIONSTRING=string, **changes), []


# ---- strings ----

def in_double_quotes(w):
    return admin(w, f'"{w.string()}"')


def in_single_quotes_with_a_line_end(w):
    return admin(w, f"'{w.string()}'\r\n")


def reference_of_key_vault(w):
    return admin(w, "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/orders/)")


def example_of_the_manual(w):
    return admin(w, "Server=tcp:<server-name>.database.windows.net,1433;Database=<database>;Encrypt=yes")


def name_of_sixty_characters(w):
    return w.env(ADMIN), ["-S", "s" * 60 + ".database.windows.net.invalid"]


def persons_password_for_entra(w):
    return admin(w, f"Server=tcp:localhost,{w.emulator.port()};Initial Catalog=persons;Authentication="
                    f"Active Directory Password;User ID={ADMIN};Password={PASSWORD}")


def apps_secret(w):
    return admin(w, f"jdbc:sqlserver://localhost:{w.emulator.port()};databaseName=persons;authentication="
                    f"ActiveDirectoryServicePrincipal;user=app;password={PASSWORD}")


def jdbc_with_a_sql_login(w):
    return admin(w, f"jdbc:sqlserver://localhost:{w.emulator.port()};databaseName=persons;encrypt=true;"
                    f"user=tester;password={PASSWORD};")


def ado_with_a_name_for_an_id(w):
    env = w.env(IDENTITY, APP_HOST, AZURE_CLIENT_ID=None)
    env["AZURE_SQL_CONNECTIONSTRING"] = (
        f"Server=tcp:localhost,{w.emulator.port()};Initial Catalog=persons;"
        f"Authentication=Active Directory Managed Identity;User ID={IDENTITY}")
    return env, []


def data_source(w, more="", driver="entrasql"):
    ini = w.file(f"[orders]\nDriver={driver}\nServer=localhost,{w.emulator.port()}\n"
                 f"Database=persons\n{more}", "odbc.ini")
    return w.env(ADMIN, AZURE_SQL_CONNECTIONSTRING="DSN=orders", ODBCINI=str(ini),
                 ODBCSYSINI=str(w.directory))


def data_source_with_a_password(w):
    return data_source(w, f"UID=tester\nPWD={PASSWORD}\n"), []


def data_source_of_no_driver(w):
    return data_source(w, driver="Nowhere"), []


# ---- machines ----

def trusts_a_file_that_is_not_there(w):
    return w.env(ADMIN, SSL_CERT_FILE="/nosuch.pem"), []


def trusts_an_empty_file(w):
    return w.env(ADMIN, SSL_CERT_FILE=str(w.file(""))), []


def proxy_with_a_password(w, scheme="http", name="https_proxy"):
    env = w.env("ci-app", no_proxy="127.0.0.1", NO_PROXY="127.0.0.1")
    env[name] = f"{scheme}://user:{PASSWORD}@127.0.0.1:9"
    return env, []


def socks_in_lower_case(w):
    return proxy_with_a_password(w, "socks5h", "all_proxy")


def proxy_of_no_known_kind(w):
    """libcurl quotes such a proxy, password and all."""
    return proxy_with_a_password(w, "htpp")


def proxy_that_is_no_url(w):
    env, words = proxy_with_a_password(w)
    env["https_proxy"] = f"corporate proxy {PASSWORD}"
    return env, words


# ---- who answers ----

def http_over_tls(w):
    context = Authority(w.directory).context("localhost")

    def handle(connection):
        with contextlib.suppress(ssl.SSLError, OSError):
            context.wrap_socket(connection, server_side=True)

    return w.env(ADMIN), ["-S", f"localhost,{w.serve(handle)}"]


def ssh(w):
    def handle(connection):
        connection.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")
        connection.recv(4096)

    return w.env(ADMIN), ["-S", f"localhost,{w.serve(handle)}"]


def says_nothing(w):
    def handle(connection):
        while connection.recv(4096):
            pass

    return w.env(ADMIN), ["-S", f"localhost,{w.serve(handle)}"]


def trusting(w, *authorities):
    return w.file("".join(open(name, encoding="utf-8").read() for name in authorities))


def server_with(w, context):
    def handle(connection):
        read_message(connection.recv)
        connection.sendall(packet(4, prelogin_reply()))
        WrappedTls(connection, context)

    return w.serve(handle)


def certificate_out_of_date(w):
    authority = Authority(w.directory)
    port = server_with(w, authority.context("localhost", days=-1))
    env = w.env(ADMIN)
    env["SSL_CERT_FILE"] = str(trusting(w, env["SSL_CERT_FILE"], authority.file))
    return env, ["-S", f"localhost,{port}"]


def authority_out_of_date(w):
    authority = Authority(w.directory, days=-1)
    port = server_with(w, authority.context("localhost"))
    env = w.env(ADMIN)
    env["SSL_CERT_FILE"] = str(trusting(w, env["SSL_CERT_FILE"], authority.file))
    return env, ["-S", f"localhost,{port}"]


# ---- several at once: the first link counts, the others are said ----

def quotes_secret_and_header(w):
    env = w.env(IDENTITY, APP_HOST, AZURE_CLIENT_ID='"10f7"', AZURE_CLIENT_SECRET=PASSWORD)
    env["IDENTITY_HEADER"] = "not-the-right-one"
    env["OTHER"] = f"Server=s;Database=d;UID=u;PWD={PASSWORD}"
    return env, ["-d", "person"]


def stranger_in_a_misspelt_database_by_freetds(w):
    env = w.env(STRANGER, "stranger-app", AZURE_CLIENT_SECRET=PASSWORD)
    env["AZURE_SQL_CONNECTIONSTRING"] = "Driver={FreeTDS};" + w.string(database="person")
    env["OTHER"] = f"Server=s;Database=d;UID=u;PWD={PASSWORD}"
    return env, []


CASES = [
    (in_double_quotes, "string-quoted", "fail"),
    (in_single_quotes_with_a_line_end, "string-quoted", "fail"),
    (reference_of_key_vault, "key-vault-unresolved", "fail"),
    (example_of_the_manual, "placeholder-left", "fail"),
    (name_of_sixty_characters, "name-unknown", "fail"),
    (persons_password_for_entra, "secret-in-string", "warn"),
    (apps_secret, "secret-in-string", "warn"),
    (jdbc_with_a_sql_login, "sql-login-refused", "fail"),
    (ado_with_a_name_for_an_id, "variable-not-guid", "fail"),
    (data_source_with_a_password, "sql-login-refused", "fail"),
    (data_source_of_no_driver, "driver-missing", "fail"),
    (trusts_a_file_that_is_not_there, "trust-file", "fail"),
    (trusts_an_empty_file, "trust-file", "fail"),
    (proxy_with_a_password, "proxy-dead", "fail"),
    (socks_in_lower_case, "proxy-dead", "fail"),
    (proxy_of_no_known_kind, "proxy-broken", "fail"),
    (proxy_that_is_no_url, "proxy-broken", "fail"),
    (http_over_tls, "not-sql-server", "fail"),
    (ssh, "not-sql-server", "fail"),
    (says_nothing, "not-sql-server", "fail"),
    (certificate_out_of_date, "tls-expired", "fail"),
    (authority_out_of_date, "tls-expired", "fail"),
    (quotes_secret_and_header, "variable-not-guid", "fail"),
    (stranger_in_a_misspelt_database_by_freetds, "database-unknown", "fail"),
]


@pytest.mark.parametrize("case, expected, state", CASES,
                         ids=[f"{c.__name__}-{e}" for c, e, _ in CASES])
def test_strange_deployment(world, case, expected, state):
    env, words = case(world)
    facts, code = doctor(world, env, *words)
    line = lines_of(facts).get(expected)
    assert line and line["state"] == state and line["fix"], facts
    assert facts["firstFailure"] == (expected if state == "fail" else None), facts
    assert bool(code) == (state == "fail")
    people_see(world, env, words, expected, code)


def test_all_faults_are_said(world):
    """What is wrong besides the first failure is in the report as well."""
    env, words = quotes_secret_and_header(world)
    assert {"variable-not-guid", "credential-failed", "password-left"} <= set(
        lines_of(doctor(world, env, *words)[0]))
    env, words = stranger_in_a_misspelt_database_by_freetds(world)
    found = set(lines_of(doctor(world, env, *words)[0]))
    assert {"variables-incomplete", "database-unknown", "freetds-alone", "password-left"} <= found
    assert "driver-not-loading" not in found, "FreeTDS is registered without its folder, and loads"


def test_what_is_not_tried_is_not_blamed(world):
    """Without trusted certificates neither server nor Entra is at fault."""
    facts, _ = doctor(world, *trusts_an_empty_file(world)[:1])
    assert set(lines_of(facts)) == {"trust-file"}
    tried = {l["link"]: l["state"] for l in facts["links"]}
    assert tried["prelogin"] == tried["tls"] == tried["proxy"] == "none"


def test_who_answers_is_named(world):
    env, words = ssh(world)
    assert "SSH-2.0-OpenSSH_9.2p1" in lines_of(doctor(world, env, *words)[0])["not-sql-server"]["evidence"]
    env, words = says_nothing(world)
    facts, _ = doctor(world, env, *words)
    assert "said nothing in 6 s" in lines_of(facts)["not-sql-server"]["evidence"]


def test_data_source(world):
    """Server and database come from odbc.ini; the driver's own fault is all that is left."""
    facts, _ = doctor(world, data_source(world))
    assert next(l for l in facts["links"] if l["link"] == "database")["state"] == "ok", facts
    facts, _ = doctor(world, data_source_with_a_password(world)[0])
    assert "odbc.ini" in lines_of(facts)["password-left"]["evidence"]


def test_string_that_cannot_be_read_keeps_its_password(world):
    env, _ = admin(world, f"Server=localhost;PWD={{{PASSWORD}")
    result = run([world.programs.entrasql, "doctor"], env=env)
    assert result.returncode == 2 and "never closed" in result.stderr and "hint: " in result.stderr
    keeps_secrets(world, env, result)


@pytest.mark.parametrize("home", [None, "/nosuch/home"])
def test_no_home(world, home):
    facts, code = doctor(world, world.env(ADMIN, HOME=home))
    assert code == 0, facts


@pytest.mark.parametrize("server", ["tcp:[::1]", "::1"])
def test_ipv6_alone(world, server):
    facts, code = doctor(world, world.env(ADMIN), "-S", f"{server},{world.emulator.port()}")
    assert code == 0, facts
    assert "[::1]:" in next(l for l in facts["links"] if l["link"] == "tcp")["text"]


def without_network():
    """Words before a command: a namespace in which not even the loopback is up."""
    said = ""
    for words in (["unshare", "--user", "--map-root-user", "--net"], ["unshare", "--net"]):
        probe = run([*words, "true"])
        if probe.returncode == 0:
            return words
        said = probe.stderr.strip()
    return pytest.skip("no network namespaces here: " + said)


def test_machine_without_a_network(world):
    inside = without_network()
    env = world.env(ADMIN)
    result = run([*inside, world.programs.entrasql, "doctor"], env=env)
    assert result.returncode == 5 and "[no-route]" in result.stdout, result.stdout + result.stderr
    assert "Let outbound TCP" not in result.stdout
    keeps_secrets(world, env, result)
