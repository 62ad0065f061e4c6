# SPDX-License-Identifier: MIT
"""Bad input and bad days: each gets a clear error, an exit code by class, and loses nothing."""
import base64
import contextlib
import json
import os
import random
import signal
import socket
import struct
import time

import pytest

import proxies
from conftest import (ADMIN, APP_HOST, DATABASE, DEVELOPER, IDENTITY, clean_environment,
                      microsofts_server, run, running_emulator, seed_persons, wait_for)
from servers import (Authority, cutting_wire, http_reply, packet, prelogin_reply, read_message,
                     routing_tokens, serving, tds_server, token_endpoint)

TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
CLIENT = "11111111-2222-3333-4444-555555555555"
SECRET = "not-a-real-secret-7Q~"
# Exit codes: the error classes of entrasql/status.h.
USAGE, AUTH, LOGIN, NETWORK, TLS, PEER, SQL, RETRY = 2, 3, 4, 5, 6, 7, 8, 9


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def service_principal(authority, port, **more):
    return {**clean_environment(), "AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT,
            "AZURE_CLIENT_SECRET": SECRET, "AZURE_AUTHORITY_HOST": f"https://localhost:{port}",
            "SSL_CERT_FILE": authority.file, **more}


def assert_no_secret(result, *secrets):
    for secret in (SECRET, *secrets):
        assert secret not in result.stdout and secret not in result.stderr


# ---- connection strings ----

@pytest.mark.parametrize("string, code, parts", [
    ("Driver={X;Server=localhost", USAGE, ["Driver", "}"]),
    ("Server", USAGE, ["Server", "="]),
    ("=localhost", USAGE, ["keyword"]),
    ("Server=tcp:localhost,99999;Database=d", USAGE, ["99999"]),
    ("Server=tcp:localhost,x;Database=d", USAGE, ["port"]),
    ("Server=localhost;Encrypt=perhaps", USAGE, ["Encrypt", "perhaps"]),
    ("Server=localhost;TrustServerCertificate=2x", USAGE, ["TrustServerCertificate", "2x"]),
    ("Server=localhost;Connection Timeout=soon", USAGE, ["Connection Timeout", "soon"]),
    ("Server=np:\\\\.\\pipe\\sql;Database=d", USAGE, ["np"]),
    ("Database=d", USAGE, ["Server"]),
    ("x" * 70000, USAGE, []),
])
def test_malformed_connection_string(programs, string, code, parts):
    env = {**clean_environment(), "AZURE_SQL_CONNECTIONSTRING": string}
    result = run([programs.entrasql, "query", "-Q", "SELECT 1"], env=env)
    assert result.returncode == code, result.stderr
    for part in parts:
        assert part in result.stderr


def test_no_connection_string_at_all(programs):
    result = run([programs.entrasql, "query", "-Q", "SELECT 1"])
    assert result.returncode == USAGE
    assert "AZURE_SQL_CONNECTIONSTRING" in result.stderr
    result = run([programs.persons])
    assert result.returncode == USAGE
    assert "AZURE_SQL_CONNECTIONSTRING" in result.stderr


# ---- credentials ----

def test_no_credential_available(programs, tmp_path):
    env = {**clean_environment(), "PATH": str(tmp_path),
           "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1",
           "HOME": str(tmp_path)}
    result = run([programs.entrasql, "token"], env=env)
    assert result.returncode == AUTH, result.stderr
    for name in ("EnvironmentCredential", "ManagedIdentityCredential", "AzureCliCredential",
                 "AZURE_TENANT_ID", "Azure CLI not found on path"):
        assert name in result.stderr


def test_unknown_selection_of_credentials(programs):
    env = {**clean_environment(), "AZURE_TOKEN_CREDENTIALS": "production"}
    result = run([programs.entrasql, "token"], env=env)
    assert result.returncode == USAGE, result.stderr
    assert "AZURE_TOKEN_CREDENTIALS" in result.stderr and "production" in result.stderr
    assert "ManagedIdentityCredential" in result.stderr


def test_http_authority_is_refused(programs, authority):
    env = service_principal(authority, 1, AZURE_AUTHORITY_HOST="http://localhost:1")
    result = run([programs.entrasql, "token"], env=env)
    assert result.returncode in (USAGE, AUTH), result.stderr
    assert "https" in result.stderr
    assert_no_secret(result)


def test_token_endpoint_down(programs, authority):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    env = service_principal(authority, port, ENTRASQL_MAX_RETRIES="0")
    result = run([programs.entrasql, "token", "--credential", "environment", "--timeout", "3"],
                 env=env)
    assert result.returncode in (NETWORK, RETRY, AUTH), result.stderr
    assert f"localhost:{port}" in result.stderr or "localhost" in result.stderr
    assert_no_secret(result)


def test_token_endpoint_silent(programs, authority):
    context = authority.context("localhost")
    began = time.monotonic()
    with serving(token_endpoint(context, b"", delay=15)) as port:
        result = run([programs.entrasql, "token", "--credential", "environment", "--timeout", "2"],
                     env=service_principal(authority, port))
    assert result.returncode == RETRY, result.stderr
    assert time.monotonic() - began < 12
    assert_no_secret(result)


ENTRA_ERROR = json.dumps({
    "error": "invalid_client",
    "error_description": "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: x",
    "error_codes": [7000215], "trace_id": "0f2d3c6e-0000-0000-0000-000000000001",
    "correlation_id": "0f2d3c6e-0000-0000-0000-000000000002",
}).encode()


@pytest.mark.parametrize("reply, code, parts", [
    (http_reply(401, ENTRA_ERROR), AUTH,
     ["AADSTS7000215", "secret", "0f2d3c6e-0000-0000-0000-000000000002"]),
    (http_reply(400, b'{"error":"unauthorized_client","error_description":"AADSTS700016: no such '
                     b'app","error_codes":[700016]}'), AUTH, ["AADSTS700016", "AZURE_CLIENT_ID"]),
    (http_reply(200, b"<html>sign in</html>"), AUTH, ["JSON"]),
    (http_reply(200, b'{"access_token":"x"}'), AUTH, ["expires"]),
    (http_reply(200, b'{"expires_in":3600}'), AUTH, ["access_token"]),
    (http_reply(200, b'{"access_token":1,"expires_in":3600}'), AUTH, ["access_token"]),
    (http_reply(200, b'{"a":' * 3000 + b"1" + b"}" * 3000), AUTH, ["JSON"]),
    (http_reply(302, b"", ["Location: https://localhost:1/steal"]), AUTH, ["302"]),
    (http_reply(404, b""), AUTH, ["404"]),
], ids=["bad secret", "unknown app", "html", "no expiry", "no token", "number", "deep", "redirect",
        "404"])
def test_token_endpoint_answers(programs, authority, reply, code, parts):
    context = authority.context("localhost")
    seen = []
    with serving(token_endpoint(context, reply, seen)) as port:
        result = run([programs.entrasql, "token", "--credential", "environment"],
                     env=service_principal(authority, port))
    assert result.returncode == code, result.stderr
    for part in parts:
        assert part in result.stderr
    assert len(seen) == 1 and seen[0].startswith(f"POST /{TENANT}/oauth2/v2.0/token".encode())
    assert_no_secret(result)


def test_token_endpoint_5xx_then_fine(programs, authority):
    context = authority.context("localhost")
    replies = [http_reply(503, b"busy", ["retry-after-ms: 10"]),
               http_reply(200, b'{"token_type":"Bearer","access_token":"a.b.c","expires_in":3600}')]
    with serving(token_endpoint(context, lambda _: replies.pop(0))) as port:
        result = run([programs.entrasql, "token", "--credential", "environment"],
                     env=service_principal(authority, port))
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "a.b.c"


def test_token_endpoint_huge_body(programs, authority):
    context = authority.context("localhost")
    with serving(token_endpoint(context, http_reply(200, b"[" + b"1," * 2_000_000 + b"1]"))) as port:
        result = run([programs.entrasql, "token", "--credential", "environment"],
                     env=service_principal(authority, port))
    assert result.returncode in (PEER, AUTH), result.stderr
    assert "limit" in result.stderr or "large" in result.stderr


def test_token_endpoint_of_unknown_issuer(programs, authority, tmp_path):
    context = Authority(tmp_path, "Somebody Else").context("localhost")
    seen = []
    with serving(token_endpoint(context, http_reply(200), seen)) as port:
        result = run([programs.entrasql, "token", "--credential", "environment"],
                     env=service_principal(authority, port))
    assert result.returncode in (TLS, AUTH), result.stderr
    assert "certificate" in result.stderr and "SSL_CERT_FILE" in result.stderr
    assert seen == []


# ---- the server's certificate ----

@pytest.mark.parametrize("names, days, part", [
    (("other.example",), 10, "other.example"),
    (("localhost",), -5, "expired"),
])
def test_server_certificate_is_checked(emulator, programs, authority, names, days, part):
    env = emulator.environment(ADMIN)
    logins = []
    context = authority.context(*names, days=days)
    # Both authorities are trusted, so that only the name or the dates are wrong.
    both = os.path.join(authority.directory, "both.pem")
    with open(both, "w") as out:
        out.write(open(env["SSL_CERT_FILE"]).read() + open(authority.file).read())
    with serving(tds_server(context, lambda *_: logins.append(1))) as port:
        result = run([programs.entrasql, "query", "-S", f"localhost,{port}", "-d", DATABASE,
                      "-Q", "SELECT 1"], env={**env, "SSL_CERT_FILE": both})
    assert result.returncode == TLS, result.stderr
    assert part in result.stderr
    assert logins == []


def test_server_certificate_of_unknown_issuer(emulator, programs, authority, driver):
    logins = []
    context = authority.context("localhost")
    env = emulator.environment(ADMIN, driver=driver)
    with serving(tds_server(context, lambda *_: logins.append(1))) as port:
        env["AZURE_SQL_CONNECTIONSTRING"] = env["AZURE_SQL_CONNECTIONSTRING"].replace(
            str(emulator.port()), str(port))
        result = run([programs.persons], env=env)
        assert result.returncode != 0, result.stdout
        assert "certificate" in result.stderr
        result = run([programs.entrasql, "query", "-Q", "SELECT 1"], env=env)
        assert result.returncode == TLS, result.stderr
        assert "ca" in result.stderr.lower() and "TrustServerCertificate" in result.stderr
    assert logins == []


def test_host_name_in_certificate(emulator, programs, authority):
    """A wrong name is accepted when HostNameInCertificate says it, and only then."""
    env = emulator.environment(ADMIN)
    context = authority.context("sql.example")
    both = os.path.join(authority.directory, "both2.pem")
    with open(both, "w") as out:
        out.write(open(env["SSL_CERT_FILE"]).read() + open(authority.file).read())
    logins = []
    with serving(tds_server(context, lambda *_: logins.append(1))) as port:
        env = {**env, "SSL_CERT_FILE": both, "AZURE_SQL_CONNECTIONSTRING":
               f"Server=tcp:localhost,{port};Database={DATABASE};HostNameInCertificate=sql.example"}
        result = run([programs.entrasql, "query", "-Q", "SELECT 1"], env=env)
    assert logins == [1], result.stderr
    assert result.returncode == NETWORK, result.stderr


# ---- the login ----

def token_of(claims, header=None):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return part(header or {"alg": "RS256", "typ": "JWT", "kid": "none"}) + "." + part(claims) + ".AAAA"


def login_with(emulator, programs, token):
    """A login through Microsoft's driver with a token as it is; the error text."""
    import pyodbc

    pyodbc.pooling = False
    os.environ["SSL_CERT_FILE"] = emulator.environment(ADMIN)["SSL_CERT_FILE"]
    data = token.encode("utf-16-le")
    try:
        with pytest.raises(pyodbc.Error) as caught:
            pyodbc.connect(
                f"Driver={programs.msodbc};Server={microsofts_server(emulator.port())};"
                f"Database={DATABASE};Encrypt=yes",
                attrs_before={1256: struct.pack(f"<I{len(data)}s", len(data), data)})
        return str(caught.value)
    finally:
        del os.environ["SSL_CERT_FILE"]


def test_tampered_and_foreign_tokens(emulator, programs):
    good = emulator.token(ADMIN)
    head, body, signature = good.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    forged = token_of(claims)
    unsigned = token_of(claims, {"alg": "none", "typ": "JWT"})
    for token in (forged, unsigned, head + "." + body + ".", head + "." + body, "x", good[:-5],
                  good + "A", emulator.token(ADMIN, resource="arm")):
        message = login_with(emulator, programs, token)
        assert "18456" in message and "<token-identified principal>" in message, message


@pytest.mark.parametrize("changes, part", [
    ({"exp": int(time.time()) - 3600, "nbf": int(time.time()) - 7200}, "Token is expired."),
    ({"nbf": int(time.time()) + 3600}, "<token-identified principal>"),
    ({"aud": "https://management.azure.com/"}, "<token-identified principal>"),
    ({"iss": "https://sts.windows.net/99999999-7e57-4000-8000-000000000001/"},
     "<token-identified principal>"),
    ({"tid": "99999999-7e57-4000-8000-000000000001"}, "<token-identified principal>"),
    ({"oid": "99999999-7e57-4000-8000-000000000001"}, "<token-identified principal>"),
    ({"oid": 7}, "<token-identified principal>"),
], ids=["expired", "not yet", "audience", "issuer", "tenant", "unknown person", "number"])
def test_signed_tokens_with_wrong_claims(emulator, programs, changes, part):
    message = login_with(emulator, programs, emulator.signed(emulator.token(DEVELOPER), **changes))
    assert "18456" in message and part in message, message


def test_wrong_database(emulator, programs):
    result = run([programs.entrasql, "query", "-S", f"localhost,{emulator.port()}", "-d", "nosuch",
                  "-Q", "SELECT 1"], env=emulator.environment(DEVELOPER))
    assert result.returncode == LOGIN, result.stderr
    assert "4060" in result.stderr and "nosuch" in result.stderr


def test_server_closes_at_any_byte(emulator, programs):
    """The wire is cut after each of many byte counts of the login, in both directions."""
    env = emulator.environment(ADMIN)
    rng = random.Random(1)
    places = sorted({1, 7, 8, 9, 40, *rng.sample(range(10, 4200), 26)})
    if os.environ.get("ENTRASQL_LONG"):
        places = range(1, 4200)
    for direction in ("to_client", "to_server"):
        for place in places:
            with serving(cutting_wire(emulator.port(), **{direction: place})) as port:
                result = run([programs.entrasql, "query", "-S", f"localhost,{port}", "-d", DATABASE,
                              "-l", "10", "-Q", "SELECT 1"], env=env)
            assert result.returncode in (0, NETWORK, TLS), (direction, place, result.stderr)
            if result.returncode == 0:
                # Past the end of the whole conversation in this direction.
                assert place > 1500, (direction, place)
            else:
                assert "closed" in result.stderr or "reset" in result.stderr, result.stderr
    assert emulator.sql(ADMIN, "SELECT 1 AS one") == [{"one": 1}]


def test_redirect_loop(emulator, programs, authority):
    context = authority.context("localhost")
    env = {**emulator.environment(ADMIN)}
    both = os.path.join(authority.directory, "both3.pem")
    with open(both, "w") as out:
        out.write(open(env["SSL_CERT_FILE"]).read() + open(authority.file).read())
    hops = []

    def answer(secure, port):
        hops.append(port)
        secure.sendall(packet(4, routing_tokens("localhost", port)))

    with serving(tds_server(context, answer)) as port:
        result = run([programs.entrasql, "query", "-S", f"localhost,{port}", "-d", DATABASE, "-Q",
                      "SELECT 1"], env={**env, "SSL_CERT_FILE": both})
    assert result.returncode in (PEER, NETWORK), result.stderr
    assert "redirect" in result.stderr.lower()
    assert 1 <= len(hops) <= 6


def test_redirect_is_followed(emulator, programs, authority):
    context = authority.context("localhost")
    env = {**emulator.environment(ADMIN)}
    both = os.path.join(authority.directory, "both4.pem")
    with open(both, "w") as out:
        out.write(open(env["SSL_CERT_FILE"]).read() + open(authority.file).read())
    target = emulator.port()

    def answer(secure, _):
        secure.sendall(packet(4, routing_tokens("localhost", target)))

    with serving(tds_server(context, answer)) as port:
        result = run([programs.entrasql, "query", "-S", f"localhost,{port}", "-d", DATABASE,
                      "--csv", "-Q", "SELECT 41 + 1 AS answer"], env={**env, "SSL_CERT_FILE": both})
    assert result.returncode == 0, result.stderr
    assert "42" in result.stdout


@pytest.mark.parametrize("greeting", [
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"\x04\x01\x00\x04\x00\x00\x01\x00",
    b"\x04\x01\xff\xff\x00\x00\x01\x00" + b"x" * 100,
    packet(4, b"\x00\x00\x1a\xff\xff\xff"),
    packet(4, prelogin_reply(2)),
    packet(0x0E, prelogin_reply(1)),
    b"\x15\x03\x03\x00\x02\x02\x28",
    b"\x00" * 5000,
], ids=["http", "short length", "long then silence", "bad table", "no encryption", "wrong type",
        "tls alert", "zeros"])
def test_server_speaks_garbage(emulator, programs, greeting):
    def handle(connection):
        read_message(connection.recv)
        connection.sendall(greeting)

    with serving(handle) as port:
        result = run([programs.entrasql, "query", "-S", f"localhost,{port}", "-d", DATABASE, "-l",
                      "8", "-Q", "SELECT 1"], env=emulator.environment(ADMIN))
    assert result.returncode in (PEER, NETWORK, TLS), result.stderr
    assert result.stderr.startswith("entrasql: ")


def test_garbage_at_the_emulator(emulator):
    """Each broken client loses its own connection; the others are served on."""
    rng = random.Random(2)
    samples = [
        b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 4096, b"\x12\x01\x00\x08\x00\x00\x01\x00",
        b"\x12\x01\x00\x07\x00\x00\x01\x00", b"\x12\x01\xff\xff\x00\x00\x01\x00" + b"\xff" * 70000,
        b"\x10\x01\x00\x10\x00\x00\x01\x00" + b"A" * 8, b"\x16\x03\x01\x00\x05hello",
        b"\x01\x01\x00\x0a\x00\x00\x01\x00ab",
        *(bytes([0x12, 1, 0, n]) + rng.randbytes(n) for n in range(9, 60, 5)),
        *(rng.randbytes(200) for _ in range(20)),
    ]
    open_connections = [socket.create_connection(("127.0.0.1", emulator.port())) for _ in range(3)]
    for sample in samples:
        with socket.create_connection(("127.0.0.1", emulator.port()), timeout=10) as connection:
            try:
                connection.sendall(sample)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except OSError:
                pass
    assert emulator.sql(ADMIN, "SELECT 1 AS one") == [{"one": 1}]
    for connection in open_connections:
        connection.close()


# ---- SQL ----

@pytest.mark.parametrize("text, number, line, part", [
    ("SELECT 1\nSELEKT 2", 102, 2, "Incorrect syntax near '2'."),
    ("SELECT *\nFROM Persons\nWHER ID = 1", 102, 3, "Incorrect syntax near 'ID'."),
    ("SELECT 'abc", 105, 1, "abc"),
    ("SELECT (1", 102, 1, "1"),
    ("CREATE TABLE x (a nosuchtype)", 2715, 1, "nosuchtype"),
    ("SELECT nosuchfunction(1)", 195, 1, "nosuchfunction"),
    ("SELECT @nosuch", 137, 1, "@nosuch"),
    ("SELEKT 2", 2812, 1, "Could not find stored procedure 'SELEKT'."),
    ("SELECT 1 +", 102, 1, "Incorrect syntax near '+'."),
    ("BACKUP DATABASE persons TO DISK = 'x'", 40510, 1, "BACKUP"),
])
def test_sql_that_is_not_understood(emulator, text, number, line, part):
    result = emulator.query(ADMIN, text)
    assert result.returncode == SQL, result.stdout + result.stderr
    assert f"Msg {number}, " in result.stderr and f"Line {line}" in result.stderr
    assert part in result.stderr


def kill(emulator):
    """kill -9, and waits until the process is gone."""
    pid = emulator.state()["pid"]
    os.kill(pid, signal.SIGKILL)
    assert wait_for(lambda: emulator.command("status").returncode != 0)


def test_killed_emulator_keeps_committed_rows(programs, tmp_path):
    with running_emulator(programs, tmp_path / "data") as other:
        seed_persons(other)
        for i in range(5):
            other.sql(ADMIN, f"INSERT INTO Persons (FirstName, LastName) VALUES ('n', 'row{i}')")
            kill(other)
            other.start()
            rows = other.sql(ADMIN, "SELECT LastName FROM Persons WHERE FirstName = 'n' ORDER BY ID")
            assert [row["LastName"] for row in rows] == [f"row{n}" for n in range(i + 1)]


def test_emulator_killed_in_a_transaction_loses_only_that(programs, tmp_path):
    import pytds

    with running_emulator(programs, tmp_path / "data") as other:
        seed_persons(other)
        connection = pytds.connect(
            dsn="localhost", port=other.port(), database=DATABASE,
            access_token_callable=lambda: other.token(ADMIN),
            cafile=other.environment(ADMIN)["SSL_CERT_FILE"], validate_host=True)
        connection.cursor().execute("INSERT INTO Persons (FirstName, LastName) VALUES ('x', 'half')")
        kill(other)
        other.start()
        assert other.sql(ADMIN, "SELECT COUNT(*) AS n FROM Persons") == [{"n": 3}]


# ---- large batches ----

def large_batch(path, length):
    path.write_text(f"SELECT LEN(N'{'x' * length}') AS n, RIGHT(N'{'x' * 9}\N{SNOWMAN}', 2) AS r")
    return path


WIRES = ["TLS", "strict TLS", "clear", "clear, pool off"]


@contextlib.contextmanager
def wire(emulator, programs, kind):
    """The environment of a client whose batches go out so; in clear to a proxy on this machine."""
    env = emulator.environment(ADMIN)
    string = env["AZURE_SQL_CONNECTIONSTRING"]
    if not kind.startswith("clear"):
        encrypt = "Encrypt=strict" if kind == "strict TLS" else "Encrypt=yes"
        yield {**env, "AZURE_SQL_CONNECTIONSTRING": string.replace("Encrypt=yes", encrypt)}
        return
    target = f"localhost,{emulator.port()}/{DATABASE}"
    pool = "off" if kind.endswith("off") else "on"
    with proxies.running(programs, env, [target], "--listen", "127.0.0.1:0", "--pool", pool) as proxy:
        yield {**env, "AZURE_SQL_CONNECTIONSTRING":
               f"Server=127.0.0.1,{proxy.port()};UID=any;PWD=any;Encrypt=no"}


@pytest.mark.parametrize("kind", WIRES)
def test_a_batch_of_twenty_megabytes(emulator, programs, tmp_path, kind):
    path = large_batch(tmp_path / "large.sql", 20_000_000)
    with wire(emulator, programs, kind) as env:
        result = run([programs.entrasql, "query", "--json", "-i", path], env=env, timeout=120)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == [{"n": 20_000_000, "r": "x\N{SNOWMAN}"}]


@pytest.mark.parametrize("kind", WIRES)
def test_a_batch_that_is_larger_than_the_server_takes(emulator, programs, tmp_path, kind):
    """The server's reason is told, though it comes while the batch is still on its way."""
    path = large_batch(tmp_path / "large.sql", 40_000_000)
    with wire(emulator, programs, kind) as env:
        result = run([programs.entrasql, "query", "-i", path], env=env, timeout=120)
    assert result.returncode == SQL, result.stderr
    assert "4002" in result.stderr and "larger than the limit" in result.stderr


def test_server_that_closes_while_a_batch_is_sent(emulator, programs, tmp_path):
    path = large_batch(tmp_path / "large.sql", 20_000_000)
    env = emulator.environment(ADMIN)
    for place in (100_000, 9_000_000):
        with serving(cutting_wire(emulator.port(), to_server=place)) as port:
            result = run([programs.entrasql, "query", "-S", f"localhost,{port}", "-d", DATABASE,
                          "-i", path], env=env, timeout=120)
        assert result.returncode == NETWORK, result.stderr
        assert "the server closed the connection while a batch was running" in result.stderr


def test_nothing_listening(emulator, programs):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    result = run([programs.entrasql, "query", "-S", f"localhost,{port}", "-d", DATABASE, "-Q",
                  "SELECT 1"], env=emulator.environment(ADMIN))
    assert result.returncode == NETWORK, result.stderr
    assert str(port) in result.stderr


def test_unknown_host_name(emulator, programs):
    result = run([programs.entrasql, "query", "-S", "no-such-host.invalid", "-d", DATABASE, "-l",
                  "10", "-Q", "SELECT 1"], env=emulator.environment(ADMIN))
    assert result.returncode in (NETWORK, RETRY), result.stderr
    assert "no-such-host.invalid" in result.stderr


def test_identity_that_is_not_assigned(emulator, programs):
    env = emulator.environment(IDENTITY, APP_HOST)
    env["AZURE_CLIENT_ID"] = "99999999-9999-9999-9999-999999999999"
    result = run([programs.entrasql, "token"], env=env)
    assert result.returncode == AUTH, result.stderr
    assert "ManagedIdentityCredential" in result.stderr
    assert "99999999-9999-9999-9999-999999999999" in result.stderr
