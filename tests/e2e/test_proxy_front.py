# SPDX-License-Identifier: MIT
"""The front of the auth proxy: settings, listeners, who may come in, encryption, limits, reload."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

import pymssql
import pyodbc
import pytds
import pytest

from conftest import ADMIN, APP_HOST, IDENTITY, microsofts_server, run
from test_proxy import identity_env, proxy, rows_of, target, tsql  # noqa: F401 - fixtures


class UnixSocket(socket.socket):
    """For python-tds, which sets options of TCP."""

    def __init__(self, path):
        super().__init__(socket.AF_UNIX)
        self.connect(str(path))

    def setsockopt(self, *_):
        pass


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("not in time")


def secret_file(folder, text, name="secret"):
    path = folder / name
    path.write_text(text + "\n")
    path.chmod(0o600)
    return path


def by_pymssql(port, user="any", password="any", database=""):
    return pymssql.connect(server="127.0.0.1", port=str(port), user=user, password=password,
                           database=database, login_timeout=20)


def by_pytds(port=1433, host="localhost", user="any", password="any", **more):
    return pytds.connect(host, "persons", user, password, port=port, login_timeout=20, **more)


def said_by_tsql(port, user="x", password="y", **env):
    """What tsql prints, refusals of a login included."""
    result = run(["tsql", "-H", "127.0.0.1", "-p", port, "-U", user, "-P", password],
                 input="SELECT 1\ngo\nquit\n", env={**os.environ, "TDSVER": "7.4", **env})
    return result.stdout + result.stderr


@pytest.fixture
def certificates(programs, tmp_path):
    folder = tmp_path / "tls"
    result = run([programs.entrasql, "proxy", "init-tls", "--dir", folder])
    assert result.returncode == 0, result.stderr
    assert "ServerCertificate=" in result.stdout
    assert os.stat(folder / "server-key.pem").st_mode & 0o777 == 0o600
    return folder


def microsoft(programs, port, more):
    return (f"Driver={programs.msodbc};Server={microsofts_server(port)};UID=a;PWD=b;"
            f"Database=persons;{more}")


def tls_options(folder, mode=None):
    options = ["--tls-certificate", folder / "server.pem", "--tls-key", folder / "server-key.pem"]
    return options + (["--tls", mode] if mode else [])


# ---- settings ----

def test_file_environment_and_flag(programs, identity_env, emulator, tmp_path):
    file = tmp_path / "proxy.ini"
    file.write_text(f"[proxy]\nmax-clients = 3\n[target people]\n"
                    f"server = localhost,{emulator.port()}\ndatabase = persons\nlisten = 0\n")
    with proxy(programs, identity_env, [], "--config", file) as p:
        with by_pymssql(p.port()) as c:
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]
    env = {**identity_env, "ENTRASQL_PROXY_CONFIG": str(file), "ENTRASQL_PROXY_MAX_CLIENTS": "1"}
    with proxy(programs, env, []) as p:
        first = by_pymssql(p.port())
        assert "serves 1 clients already" in said_by_tsql(p.port())
        first.close()
    with proxy(programs, env, [], "--max-clients", "2") as p:
        first = by_pymssql(p.port())
        by_pymssql(p.port()).close()
        first.close()


@pytest.mark.parametrize("text, part", [
    ("[proxy]\nmax-clients = many\n", "proxy.ini:2: max-clients: 'many' is not a number"),
    ("[target a]\nserver = a\nlisten = 0.0.0.0:14330\n", "--tls-certificate"),
    ("[proxy]\nsecret-file = /etc/passwd\n[target a]\nserver = a\n", "open to other users"),
])
def test_mistakes_in_the_file(programs, identity_env, tmp_path, text, part):
    file = tmp_path / "proxy.ini"
    file.write_text(text)
    result = run([programs.entrasql, "proxy", "--config", file], env=identity_env)
    assert result.returncode == 2, result.stdout + result.stderr
    assert part in result.stderr and "proxy.ini:" in result.stderr


# ---- listeners ----

def test_unix_socket(programs, identity_env, emulator, tmp_path):
    path = tmp_path / "sql.sock"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    target = f"localhost,{emulator.port()}/persons?listen=unix:{path}"
    with proxy(programs, identity_env, [target]) as p:
        assert os.stat(path).st_mode & 0o777 == 0o600
        with by_pytds(sock=UnixSocket(path)) as c:
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        second = run([programs.entrasql, "proxy", target], env=identity_env)
        assert "another program listens" in second.stderr
        assert p.stop() == 0
    assert not path.exists()


def test_unix_socket_of_another_user(programs, identity_env, emulator):
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    folder = pathlib.Path("/tmp") / f"entrasql-{os.getpid()}"
    folder.mkdir(mode=0o755)
    script = ("import os, socket, sys, pytds\nos.setuid(65534)\n"
              "class S(socket.socket):\n    setsockopt = lambda *_: None\n"
              "s = S(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
              "try:\n    pytds.connect('h', 'persons', 'a', 'b', sock=s)\n    print('in')\n"
              "except Exception as e:\n    print(e)\n")
    target = f"localhost,{emulator.port()}/persons?listen={folder}/s"
    try:
        with proxy(programs, identity_env, [target], "--socket-mode", "0666"):
            assert "--allow-uids 65534" in run([programs.python, "-c", script, folder / "s"]).stdout
        with proxy(programs, identity_env, [target + "&allow-uids=65534"],
                   "--socket-mode", "0666"):
            assert run([programs.python, "-c", script, folder / "s"]).stdout == "in\n"
    finally:
        (folder / "s").unlink()
        folder.rmdir()


ACTIVATE = """import os, socket, sys
s = socket.socket()
s.bind(("127.0.0.1", 0))
if sys.argv[1] == "listen":
    s.listen()
print(s.getsockname()[1], file=sys.stderr, flush=True)
if s.fileno() != 3:
    os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_FDNAMES="sql", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_a_socket_that_systemd_hands_over(programs, identity_env, emulator):
    target = f"localhost,{emulator.port()}/persons?listen=systemd:"
    command = [sys.executable, "-c", ACTIVATE, "listen", programs.entrasql, "proxy"]
    process = subprocess.Popen([*command, target + "sql"], env=identity_env, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        port = int(process.stderr.readline())
        with by_pymssql(port) as c:
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        assert f"127.0.0.1:{port} -> localhost" in process.stdout.read()
    finally:
        process.kill()
        process.wait(timeout=30)
    result = run([*command, target + "other"], env=identity_env)
    assert "no socket named 'other'" in result.stderr
    command[3] = "bind"
    assert "does not listen" in run([*command, target + "sql"], env=identity_env).stderr
    bare = run([programs.entrasql, "proxy", target + "sql"], env=identity_env)
    assert "LISTEN_PID is not set" in bare.stderr


# ---- who may come in ----

def test_a_secret_and_rules_of_login_names(programs, emulator, tmp_path):
    shared = secret_file(tmp_path, "shared secret")
    own = secret_file(tmp_path, "pässword", "own")
    env = emulator.environment(IDENTITY, APP_HOST)
    file = tmp_path / "proxy.ini"
    file.write_text(f"[proxy]\nallow = secret\nsecret-file = {shared}\n"
                    f"[target people]\nserver = localhost,{emulator.port()}\n"
                    f"database = persons\nlisten = 0\n"
                    f"[login chef]\nsecret-file = {own}\n"
                    f"[login root]\nallow-uids = {os.geteuid()}\n"
                    f"[login nobody]\nallow-uids = 65533\n")
    with proxy(programs, env, [], "--config", file) as p:
        with by_pymssql(p.port(), "whoever", "shared secret") as c:
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        with by_pymssql(p.port(), "chef", "pässword") as c:
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        with by_pymssql(p.port(), "root", "-") as c:
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        assert "--secret-file" in said_by_tsql(p.port(), "whoever", "wrong")
        assert "[login chef]" in said_by_tsql(p.port(), "chef", "shared secret")
        assert "[login nobody]" in said_by_tsql(p.port(), "nobody", "shared secret")
        until(lambda: any("[login nobody]" in line for line in p.log))
        assert not any("secret " in line or "wrong" in line or "pässword" in line
                       for line in p.log)
        assert p.stop() == 0


def test_a_login_name_chooses_its_identity(programs, emulator, tmp_path):
    """Two identities on one listener: never the connection of the other one, pooled or not."""
    app = emulator.environment("ci-app")
    own = secret_file(tmp_path, "s3cret")
    app_secret = secret_file(tmp_path, app.pop("AZURE_CLIENT_SECRET"), "app")
    env = {**app, **emulator.environment(IDENTITY, APP_HOST)}
    file = tmp_path / "proxy.ini"
    file.write_text(f"[proxy]\ncredential = managed-identity\nclient-id = {env['AZURE_CLIENT_ID']}\n"
                    f"[identity app]\ncredential = client-secret\ntenant = {app['AZURE_TENANT_ID']}\n"
                    f"client-id = {app['AZURE_CLIENT_ID']}\nclient-secret-file = {app_secret}\n"
                    f"[login other]\nsecret-file = {own}\nidentity = app\n")
    target = f"localhost,{emulator.port()}/persons?listen=0"
    for pool in ["on", "off"]:
        with proxy(programs, env, [target], "--config", file, "--pool", pool) as p:
            for _ in range(2):
                with by_pymssql(p.port()) as c:
                    assert rows_of(c, "SELECT USER_NAME()") == [IDENTITY]
                said = said_by_tsql(p.port(), "other", "s3cret")
                assert "<token-identified principal>" in said and IDENTITY not in said, said
                assert "[login other]" in said_by_tsql(p.port(), "other", "s3cre")


def test_tokens_of_clients(programs, identity_env, target, emulator, certificates):
    token = run([programs.entrasql, "token"],
                env=emulator.environment(ADMIN)).stdout.strip()
    refused = "takes no token of a client"

    def own_token(port):
        return by_pytds(port, access_token_callable=lambda: token, user=None, password=None,
                        cafile=str(certificates / "ca.pem"))

    options = tls_options(certificates)
    with proxy(programs, identity_env, [target], *options) as p:
        with pytest.raises(pytds.Error, match=refused):
            own_token(p.port())
    with proxy(programs, identity_env, [target], *options, "--client-fedauth", "replace") as p:
        with own_token(p.port()) as c:
            assert rows_of(c, "SELECT USER_NAME()") == [IDENTITY]
    with proxy(programs, identity_env, [target], *options, "--client-fedauth", "pass",
               "--allow", "secret") as p:
        with own_token(p.port()) as c:
            assert rows_of(c, "SELECT USER_NAME()") == ["dbo"]


def test_old_versions_are_told_what_raises_them(programs, identity_env, target):
    with proxy(programs, identity_env, [target]) as p:
        for version in ["7.1", "7.2"]:
            said = said_by_tsql(p.port(), TDSVER=version)
            assert "TDSVER" in said and "freetds.conf" in said, said
        # In a process of its own: pymssql mixes up the messages of connections that are still open.
        script = ("import pymssql, sys\ntry:\n    pymssql.connect(server='127.0.0.1', port=sys.argv[1], "
                  "user='a', password='b', tds_version='7.1')\n"
                  "except pymssql.Error as e:\n    print(e)\n")
        assert "tds_version" in run([programs.python, "-c", script, str(p.port())]).stdout


# ---- encryption of clients ----

def test_tls_required(programs, identity_env, target, certificates):
    ca = str(certificates / "ca.pem")
    with proxy(programs, identity_env, [target], *tls_options(certificates)) as p:
        with by_pytds(p.port(), cafile=ca, validate_host=True) as c:
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        with pytest.raises(pyodbc.Error, match="certificate"):
            pyodbc.connect(microsoft(programs, p.port(), "Encrypt=yes;TrustServerCertificate=no"))
        c = pyodbc.connect(microsoft(programs, p.port(), "Encrypt=strict;ServerCertificate="
                                     f"{certificates / 'server.pem'}"))
        assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        c.close()
        script = ("import pyodbc, sys\nc = pyodbc.connect(sys.argv[1])\n"
                  "print(c.execute('SELECT 42').fetchval())\nc.close()\n")
        for mode in ["mandatory", "strict"]:
            result = run([programs.python, "-c", script,
                          microsoft(programs, p.port(),
                                    f"Encrypt={mode};TrustServerCertificate=no")],
                         env={**os.environ, "SSL_CERT_FILE": ca})
            assert result.stdout == "42\n", mode + result.stderr


def freetds(folder, port, encryption, ca=None):
    file = folder / "freetds.conf"
    file.write_text(f"[proxy]\nhost = localhost\nport = {port}\ntds version = 7.4\n"
                    f"encryption = {encryption}\n" + (f"ca file = {ca}\n" if ca else ""))
    result = run(["tsql", "-S", "proxy", "-U", "x", "-P", "y"],
                 input="SELECT LastName FROM Persons WHERE ID = 2\ngo\nquit\n",
                 env={**os.environ, "FREETDSCONF": str(file)})
    return result.stdout + result.stderr


@pytest.mark.parametrize("mode, works", [
    ("off", ["off", "request"]),
    ("login", ["off", "request", "require"]),
    ("optional", ["off", "request", "require"]),
    ("required", ["request", "require"]),
])
def test_freetds_with_each_mode(programs, identity_env, target, certificates, tmp_path, mode,
                                works):
    with proxy(programs, identity_env, [target], *tls_options(certificates, mode)) as p:
        for encryption in ["off", "request", "require"]:
            ca = certificates / "ca.pem" if encryption == "require" else None
            said = freetds(tmp_path, p.port(), encryption, ca)
            assert ("Turing" in said) == (encryption in works), (encryption, said)
        assert p.stop() == 0


def test_only_the_login_is_encrypted(programs, identity_env, target, certificates):
    """A wire between sees the request in clear, and no password."""
    seen = bytearray()

    def forward(a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                seen.extend(data)
                b.sendall(data)
        with contextlib.suppress(OSError):
            b.shutdown(socket.SHUT_WR)

    with proxy(programs, identity_env, [target], *tls_options(certificates, "login")) as p:
        listener = socket.create_server(("127.0.0.1", 0))

        def serve():
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", p.port()))
            threading.Thread(target=forward, args=(server, client), daemon=True).start()
            forward(client, server)

        threading.Thread(target=serve, daemon=True).start()
        with by_pytds(listener.getsockname()[1], password="Hidden-42", enc_login_only=True,
                      cafile=str(certificates / "ca.pem"), validate_host=False) as c:
            assert rows_of(c, "SELECT 'seen in clear'") == ["seen in clear"]
        listener.close()
    assert "seen in clear".encode("utf-16-le") in seen
    scrambled = bytes(((b << 4 | b >> 4) & 0xFF) ^ 0xA5 for b in "Hidden-42".encode("utf-16-le"))
    assert scrambled not in seen


def test_strict_only(programs, identity_env, target, certificates):
    with proxy(programs, identity_env, [target], *tls_options(certificates, "strict")) as p:
        c = pyodbc.connect(microsoft(programs, p.port(), "Encrypt=strict;ServerCertificate="
                                     f"{certificates / 'server.pem'}"))
        assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        c.close()
        with pytest.raises(pytds.Error, match="Encrypt=strict"):
            by_pytds(p.port(), cafile=str(certificates / "ca.pem"))


def test_other_machines_need_tls_and_a_secret(programs, identity_env, emulator, certificates,
                                              tmp_path):
    target = f"localhost,{emulator.port()}/persons?listen=0.0.0.0:0"
    secret = secret_file(tmp_path, "s3cret")

    def refused(*options):
        result = run([programs.entrasql, "proxy", target, *options], env=identity_env)
        assert result.returncode == 2, result.stdout
        return result.stderr

    assert "--tls-certificate" in refused()
    assert "--tls-certificate" in refused("--secret-file", secret)
    assert "--secret-file" in refused(*tls_options(certificates))
    assert "--secret-file" in refused(*tls_options(certificates), "--secret-file", secret,
                                      "--allow", "any")
    assert "--tls-certificate" in refused(*tls_options(certificates, "optional"),
                                          "--secret-file", secret)
    with proxy(programs, identity_env, [target], *tls_options(certificates), "--secret-file",
               secret, "--allow", "secret") as p:
        ca = str(certificates / "ca.pem")
        with by_pytds(p.port(), password="s3cret", cafile=ca) as c:
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        with pytest.raises(pytds.Error, match="secret-file"):
            by_pytds(p.port(), password="S3cret", cafile=ca)


# ---- limits ----

def test_limits_of_target_and_login(programs, identity_env, target):
    with proxy(programs, identity_env, [target + "&max-clients=2"],
               "--max-clients-per-login", "1") as p:
        one = by_pymssql(p.port(), "one")
        assert "clients of this login name" in said_by_tsql(p.port(), "one")
        two = by_pymssql(p.port(), "two")
        assert "clients of this target" in said_by_tsql(p.port(), "three")
        one.close()
        until(lambda: "clients of this target" not in said_by_tsql(p.port(), "three"))
        two.close()


def test_who_is_too_many_waits(programs, identity_env, target):
    with proxy(programs, identity_env, [target], "--max-clients", "1", "--when-full", "queue",
               "--queue-timeout", "3") as p:
        first = by_pymssql(p.port())
        began = time.monotonic()
        assert "none left in time" in said_by_tsql(p.port())
        assert 2.5 < time.monotonic() - began < 20
        order = []

        def come(name):
            with by_pymssql(p.port(), name) as c:
                order.append(rows_of(c, f"SELECT '{name}'")[0])

        threads = []
        for name in ["a", "b"]:
            threads.append(threading.Thread(target=come, args=(name,)))
            threads[-1].start()
            time.sleep(0.4)
        assert order == []
        first.close()
        for t in threads:
            t.join(timeout=60)
        assert order == ["a", "b"]


# ---- floods ----

def test_half_logins_push_out_each_other(programs, identity_env, target):
    with proxy(programs, identity_env, [target], "--max-half-open", "20") as p:
        silent = [socket.create_connection(("127.0.0.1", p.port())) for _ in range(60)]
        for s in silent[::2]:
            s.sendall(b"\x12\x01\x00")  # the beginning of a PRELOGIN
        with by_pymssql(p.port()) as c:
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        gone = 0
        for s in silent:
            s.setblocking(False)
            with contextlib.suppress(BlockingIOError, ConnectionResetError):
                gone += s.recv(1) == b""
        assert gone >= 39
        assert any("--max-half-open" in line for line in p.log)
        assert p.stop() == 0


def test_a_slow_login_ends_with_its_time(programs, identity_env, target):
    with proxy(programs, identity_env, [target], "--login-timeout", "1") as p:
        with socket.create_connection(("127.0.0.1", p.port())) as s:
            s.settimeout(30)
            began = time.monotonic()
            for byte in b"\x12\x01\x00\x2f":
                s.sendall(bytes([byte]))
                time.sleep(0.2)
            assert s.recv(1) == b""
            assert time.monotonic() - began < 20
        assert p.stop() == 0


def test_oversized_packets_end_the_connection(programs, identity_env, target):
    with proxy(programs, identity_env, [target]) as p:
        for head in [b"\x12\x01\xff\xff\0\0\x01\0", b"\x10\x00\x7f\xff\0\0\x01\0"]:
            with socket.create_connection(("127.0.0.1", p.port())) as s:
                s.settimeout(30)
                with contextlib.suppress(ConnectionError):
                    s.sendall((head + bytes(65527)) * 20)
                with contextlib.suppress(ConnectionError):
                    assert s.recv(1) == b""
        with by_pymssql(p.port()) as c:
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]


def test_descriptors_run_out_and_come_back(programs, identity_env, target):
    command = ["prlimit", "--nofile=64:64", programs.entrasql]

    class Few:
        entrasql = str(command[-1])

    wrapper = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"few-{os.getpid()}"
    wrapper.write_text("#!/bin/sh\nexec prlimit --nofile=64:64 " + str(programs.entrasql)
                       + ' "$@"\n')
    wrapper.chmod(0o755)
    Few.entrasql = str(wrapper)
    try:
        with proxy(Few, identity_env, [target]) as p:
            many = []
            for _ in range(100):
                s = socket.create_connection(("127.0.0.1", p.port()))
                many.append(s)
            until(lambda: any("accept failed" in line for line in p.log))
            assert p.process.poll() is None
            for s in many:
                s.close()

            def works():
                try:
                    with by_pymssql(p.port()) as c:
                        return rows_of(c) == ["Ada", "Alan", "Edgar"]
                except pymssql.Error:
                    return False

            until(works)
            assert p.stop() == 0
    finally:
        wrapper.unlink()


# ---- reload ----

def test_reload(programs, identity_env, emulator, tmp_path):
    file = tmp_path / "proxy.ini"
    people = f"[target people]\nserver = localhost,{emulator.port()}\ndatabase = persons\nlisten = 0\n"
    path = tmp_path / "second.sock"
    second = (f"[target second]\nserver = localhost,{emulator.port()}\ndatabase = persons\n"
              f"listen = {path}\n")
    file.write_text(people)
    with proxy(programs, identity_env, [], "--config", file) as p:
        held = by_pymssql(p.port())
        assert rows_of(held) == ["Ada", "Alan", "Edgar"]

        def reload(text, part):
            before = len(p.log)
            file.write_text(text)
            p.process.send_signal(signal.SIGHUP)
            until(lambda: any(part in line for line in p.log[before:]))

        # a file that is wrong changes nothing
        reload(people + "[colour red]\n", "the old ones stay")
        assert any("[colour red] is not known" in line for line in p.log)
        reload(people + second + "secret-file = /no/such\n", "the old ones stay")
        assert not path.exists()
        # the held session goes on, new ones meet the new settings
        reload("[proxy]\nmax-clients = 1\n" + people + second, "settings reloaded")
        assert rows_of(held) == ["Ada", "Alan", "Edgar"]
        assert "serves 1 clients already" in said_by_tsql(p.port())
        held.close()

        def second_works():
            try:
                with by_pytds(sock=UnixSocket(path)) as c:
                    return rows_of(c) == ["Ada", "Alan", "Edgar"]
            except pytds.Error:
                return False

        until(second_works)
        # a listener that goes: its sessions stay
        kept = by_pytds(sock=UnixSocket(path))
        reload(people, "settings reloaded")
        until(lambda: not path.exists())
        assert rows_of(kept) == ["Ada", "Alan", "Edgar"]
        kept.close()
        with by_pymssql(p.port()) as c:
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        assert p.stop() == 0
