# SPDX-License-Identifier: MIT
"""The calls of entrasql/odbc.h from C on both drivers: wide strings, dead connections, reconnecting,
and every sign-in that a connection string can ask for."""
import contextlib
import os
import pty
import re
import select
import socket
import subprocess
import time

import pytest

import odbc
from conftest import (ADMIN, APP_HOST, DATABASE, DEVELOPER, IDENTITY, run, running_emulator,
                      seed_persons)
from servers import serving, short_lived_tokens
from test_app_credentials import with_proof

APP = "ci-app"
MINE = "#mine"  # ends with the session that made it


@pytest.fixture(params=["msodbc", "tdsodbc"])
def underneath(request):
    return request.param


@pytest.fixture
def ini(programs, tmp_path):
    return odbc.install(programs, tmp_path / "odbc")


def string(port, underneath, *more):
    """For the glue: names the driver underneath itself."""
    return ";".join([f"Driver={{{odbc.UNDERNEATH[underneath]}}}", f"Server=tcp:localhost,{port}",
                     f"Database={DATABASE}", "Encrypt=yes", *more])


class Glue:
    """The C program tests/e2e/clients/glue_calls.c, one process, one connection handle."""

    def __init__(self, programs, env, connection_string, *options, **kwargs):
        path = programs.build / "tests" / "e2e" / "clients" / "glue_calls"
        self.process = subprocess.Popen(
            [path, *options], env={**odbc.own(env), "AZURE_SQL_CONNECTIONSTRING": connection_string},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", **kwargs)

    def send(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def say(self, command):
        self.send(command)
        return self.process.stdout.readline().rstrip("\n")

    def user(self):
        return self.say("query SELECT USER_NAME()")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        try:
            code = self.process.wait(30)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
        assert kind is not None or code == 0


class Wire:
    """A way to the server that can be cut at any moment, and used again."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.open = []

    def __call__(self, connection):
        with socket.create_connection(("127.0.0.1", self.target_port)) as upstream:
            self.open += [connection, upstream]
            while True:
                for source in select.select([connection, upstream], [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    (upstream if source is connection else connection).sendall(data)

    def cut(self):
        for end in self.open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.open.clear()


def test_wide_string(emulator, programs, ini, underneath):
    """UTF-16 in: what is beyond ASCII arrives at the server."""
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    with Glue(programs, env, string(emulator.port(), underneath, "APP={Z\u00fcrich \u65e5\u672c}"),
              "--default") as glue:
        assert glue.say("dead") == "dead"
        assert glue.say("connect_w") == "ok"
        assert glue.user() == IDENTITY
        same = "query SELECT CASE WHEN APP_NAME() = N'Z\u00fcrich \u65e5\u672c' THEN 'same' ELSE 'other' END"
        assert glue.say(same) == "same"
        assert glue.say("dead") == "alive"
        assert glue.say("disconnect") == "ok"
        assert glue.say("dead") == "dead"


def test_refused_wide_string_leaves_the_handle_usable(emulator, programs, ini, underneath):
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    with Glue(programs, env, string(emulator.port(), underneath, "UID=somebody"), "--default") as glue:
        said = glue.say("connect_w")
        assert said.startswith("failed") and "UID" in said
        assert glue.say("dead") == "dead"
        assert glue.say("reconnect") == said


def test_cut_connection_is_dead_and_comes_back(emulator, programs, ini, underneath):
    """Asked before anybody has used the broken connection, as a pool does."""
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    wire = Wire(emulator.port())
    with serving(wire) as port, Glue(programs, env, string(port, underneath), "--default") as glue:
        assert glue.say("connect") == "ok"
        assert glue.say(f"query CREATE TABLE {MINE} (a int)") == "none"
        assert glue.say("dead") == "alive"
        wire.cut()
        assert glue.say("dead") == "dead"
        assert glue.say("query SELECT 1").startswith("failed")
        assert glue.say("dead") == "dead"
        assert glue.say("reconnect") == "ok"
        assert glue.say("dead") == "alive"
        assert glue.user() == IDENTITY
        assert glue.say(f"query SELECT COUNT(*) FROM {MINE}") == "failed 42S02"


def test_restarted_server(programs, tmp_path, ini, underneath):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with running_emulator(programs, tmp_path / "data", "--port", port) as server:
        seed_persons(server)
        env = {**server.environment(IDENTITY, APP_HOST), **ini}
        with Glue(programs, env, string(port, underneath, "Authentication=ActiveDirectoryManagedIdentity",
                                        "UID=" + env["AZURE_CLIENT_ID"])) as glue:
            assert glue.say("connect") == "ok"
            assert glue.say("dead") == "alive"
            assert server.stop().returncode == 0
            assert glue.say("dead") == "dead"
            server.start()
            assert glue.say("reconnect") == "ok"
            assert glue.user() == IDENTITY
            assert glue.say("dead") == "alive"


def test_reconnect_with_a_transaction_open(emulator, programs, ini, underneath):
    """Of a live connection, too; what was not committed is gone."""
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    with Glue(programs, env, string(emulator.port(), underneath), "--default") as glue:
        assert glue.say("connect") == "ok"
        assert glue.say(f"query CREATE TABLE {MINE} (a int)") == "none"
        assert glue.say("begin") == "ok"
        assert glue.say("dead") == "alive"
        assert glue.say("query SELECT COUNT(*) FROM Persons WHERE FirstName = 'left'") == "1"
        assert glue.say("reconnect") == "ok"
        assert glue.say("query SELECT COUNT(*) FROM Persons WHERE FirstName = 'left'") == "0"
        assert glue.user() == IDENTITY
        assert glue.say(f"query SELECT COUNT(*) FROM {MINE}") == "failed 42S02"


def test_connection_with_rows_on_the_wire_is_alive(emulator, programs, ini, underneath):
    """And they are still there after it was asked."""
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    with Glue(programs, env, string(emulator.port(), underneath), "--default") as glue:
        assert glue.say("connect") == "ok"
        source = "FROM Persons a, Persons b, Persons c, Persons d"
        count = int(glue.say("query SELECT COUNT(*) " + source))
        assert count >= 81
        assert glue.say("hold SELECT REPLICATE('x', 4000) " + source) == "ok"
        assert glue.say("dead") == "alive"
        assert glue.say("rest") == str(count - 1)
        assert glue.say("dead") == "alive"


def test_reconnect_has_a_fresh_token(emulator, programs, ini, underneath):
    """The token of the first sign-in has expired: the server would refuse it."""
    with short_lived_tokens(emulator, IDENTITY, APP_HOST, 3) as endpoint:
        env = {**emulator.environment(IDENTITY, APP_HOST), **ini, **endpoint.variables}
        with Glue(programs, env, string(emulator.port(), underneath), "--default") as glue:
            assert glue.say("connect") == "ok"
            before = endpoint.requests
            time.sleep(3.2)
            assert glue.say("reconnect") == "ok"
            assert glue.user() == IDENTITY
    assert endpoint.requests > before


# ---- who signs in, by the string alone; the variables of the process belong to somebody else ----

PYODBC = ("import pyodbc, sys; "
          "print(pyodbc.connect(sys.argv[1]).execute('SELECT USER_NAME()').fetchone()[0])")


@pytest.fixture(scope="module")
def app(emulator):
    """The variables of ci-app, a user of the database for as long as the module runs."""
    emulator.sql(ADMIN, f"CREATE USER [{APP}] FROM EXTERNAL PROVIDER")
    yield emulator.environment(APP)
    emulator.sql(ADMIN, f"DROP USER [{APP}]")


def foreign(emulator):
    """Somebody else's variables: the developer's az, which the default chain would take."""
    return emulator.environment(DEVELOPER)


def by_driver(programs, emulator, ini, underneath, env, *parts):
    result = run([programs.python, "-c", PYODBC, odbc.string(emulator, underneath, *parts)],
                 env={**env, **ini})
    return result.stdout.strip() or result.stderr


def by_glue(programs, emulator, ini, underneath, env, *parts):
    with Glue(programs, {**env, **ini}, string(emulator.port(), underneath, *parts)) as glue:
        said = glue.say("connect")
        return glue.user() if said == "ok" else said


@pytest.fixture(params=[by_driver, by_glue], ids=["driver", "glue"])
def sign_in(request):
    return request.param


def principal(app, *more):
    return ["Authentication=ActiveDirectoryServicePrincipal", f"UID={app['AZURE_CLIENT_ID']}",
            f"TenantId={app['AZURE_TENANT_ID']}", *more]


def test_secret(emulator, programs, ini, underneath, app, sign_in):
    parts = principal(app, f"PWD={{{app['AZURE_CLIENT_SECRET']}}}")
    assert sign_in(programs, emulator, ini, underneath, foreign(emulator), *parts) == APP
    parts = principal(app, "PWD=Open-Sesame")
    said = sign_in(programs, emulator, ini, underneath, foreign(emulator), *parts)
    assert "AADSTS7000215" in said and "Sesame" not in said


def test_certificate(emulator, programs, ini, underneath, app, sign_in, tmp_path):
    path = with_proof(emulator, APP, "certificate")["AZURE_CLIENT_CERTIFICATE_PATH"]
    parts = principal(app, f"ClientCertificate={{{path}}}")
    assert sign_in(programs, emulator, ini, underneath, foreign(emulator), *parts) == APP
    # The same key behind a password.
    locked = tmp_path / "locked.pem"
    result = run(["openssl", "pkcs8", "-topk8", "-in", path, "-v2", "aes-256-cbc", "-passout",
                  "stdin", "-out", locked], input="open; {sesame}\n")
    assert result.returncode == 0, result.stderr
    text = open(path).read()
    locked.write_text(locked.read_text() + text[text.index("-----BEGIN CERTIFICATE"):])
    parts = principal(app, f"ClientCertificate={{{locked}}}")
    said = sign_in(programs, emulator, ini, underneath, foreign(emulator), *parts)
    assert "ClientCertificatePassword" in said or "password" in said
    parts.append("ClientCertificatePassword={open; {sesame}}}")
    assert sign_in(programs, emulator, ini, underneath, foreign(emulator), *parts) == APP


def test_workload_identity(emulator, programs, ini, underneath, sign_in):
    env = emulator.environment(IDENTITY, "persons-aks")
    assert os.path.exists(env["AZURE_FEDERATED_TOKEN_FILE"]) and "IDENTITY_ENDPOINT" not in env
    assert sign_in(programs, emulator, ini, underneath, env,
                   "Authentication=ActiveDirectoryWorkloadIdentity") == IDENTITY


def approve_on_terminal(emulator, terminal, user):
    """The person in front of the terminal: reads the code and signs in."""
    seen = b""
    while not (code := re.search(rb"enter the code ([A-Z0-9]{9}) ", seen)):
        assert select.select([terminal], [], [], 30)[0], seen
        seen += os.read(terminal, 4096)
    result = emulator.command("device-code", "approve", code.group(1).decode(), "--as", user)
    assert result.returncode == 0, result.stderr


def on_terminal(fd):
    """In the child: a session of its own whose terminal is fd's."""
    os.setsid()
    os.close(os.open(os.ttyname(fd), os.O_RDWR))


@pytest.mark.parametrize("way", ["driver", "glue"])
def test_device_code_on_the_terminal(emulator, programs, ini, underneath, way):
    """The process has MigrationIdentity's variables; the developer signs in. One code serves all
    connections of the process."""
    env = {**emulator.environment(IDENTITY, APP_HOST), **ini}
    part = "Authentication=ActiveDirectoryDeviceCode"
    terminal, child_side = pty.openpty()
    try:
        if way == "glue":
            with Glue(programs, env, string(emulator.port(), underneath, part),
                      preexec_fn=lambda: on_terminal(child_side)) as glue:
                glue.send("connect")
                approve_on_terminal(emulator, terminal, DEVELOPER)
                assert glue.process.stdout.readline() == "ok\n"
                assert glue.user() == DEVELOPER
                assert glue.say("reconnect") == "ok"
                assert glue.user() == DEVELOPER
        else:
            process = subprocess.Popen(
                [programs.python, "-c", PYODBC + "; " + PYODBC.partition("; ")[2],
                 odbc.string(emulator, underneath, part)], env=env, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                preexec_fn=lambda: on_terminal(child_side))
            try:
                approve_on_terminal(emulator, terminal, DEVELOPER)
                out, err = process.communicate(timeout=60)
            finally:
                process.kill()
                process.wait()
            assert out.split() == [DEVELOPER, DEVELOPER], err
    finally:
        os.close(terminal)
        os.close(child_side)
