# SPDX-License-Identifier: MIT
"""The front of the auth proxy: settings, listeners, who may come in, encryption, limits, reload."""
import contextlib
import os
import pathlib
import re
import select
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
from servers import packet, prelogin_reply, read_message
from test_proxy import proxy, rows_of, tsql


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
    ("[target a]\nserver = a\nlisten = unix:relative\n", "proxy.ini:3: listen: 'unix:relative' has no path"),
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
        (folder / "s").unlink(missing_ok=True)
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
        for version in ["4.2", "5.0", "7.1", "7.2"]:
            said = said_by_tsql(p.port(), TDSVER=version)
            assert "TDSVER" in said and "freetds.conf" in said, said
        # In a process of its own: pymssql mixes up the messages of connections that are still open.
        script = ("import pymssql, sys\ntry:\n    pymssql.connect(server='127.0.0.1', port=sys.argv[1], "
                  "user='a', password='b', tds_version='7.1')\n"
                  "except pymssql.Error as e:\n    print(e)\n")
        assert "tds_version" in run([programs.python, "-c", script, str(p.port())]).stdout


# What jTDS 1.3.1 sends first, with TDS=8.0, its default and its name for TDS 7.1.
JTDS_LOGIN = bytes.fromhex(
    "100100b000000100a80000000100007100000000070000007b00000000000000e0030000000000000000000056"
    "000b006c00030072000300780004008000090000000000920004009a0000009a000700000000000000a8000000"
    "a800000077006f0072006b00730074006100740069006f006e0061006e007900b3a543a532a56a005400440053"
    "003100320037002e0030002e0030002e0031006a0054004400530070006500720073006f006e007300")


def read_to_end(s):
    data = b""
    while part := s.recv(65536):
        data += part
    return data


@pytest.mark.parametrize("more", [0, 300_000])
def test_jtds_is_told_that_it_cannot(programs, identity_env, target, more):
    """Also when it has sent more meanwhile: the reason is not lost with that."""
    with proxy(programs, identity_env, [target]) as p:
        with socket.create_connection(("127.0.0.1", p.port())) as s:
            s.settimeout(30)
            s.sendall(JTDS_LOGIN + bytes(more))
            time.sleep(0.3)
            said = read_to_end(s)
        for part in ["speaks TDS 7.1", "jTDS cannot, Microsoft's JDBC driver can"]:
            assert part.encode("utf-16-le") in said, said.decode("latin-1")
        until(lambda: any("client refused" in line and "TDS 7.1" in line for line in p.log))


def test_who_was_refused_may_not_stay(programs, identity_env, target):
    with proxy(programs, identity_env, [target], "--max-half-open", "5") as p:
        many = [socket.create_connection(("127.0.0.1", p.port())) for _ in range(30)]
        for s in many:
            s.sendall(JTDS_LOGIN)
        until(lambda: sum("client refused" in line for line in p.log) == 20 or sum(
            "--max-half-open" in line for line in p.log) >= 10)  # no more such lines in 10 s
        assert len(os.listdir(f"/proc/{p.pid}/fd")) < 30
        until(lambda: sum("session ended" in line for line in p.log) == 30)  # within 2 s


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


@pytest.mark.parametrize("mode, verifies", [("required", True), ("optional", True), ("login", False)])
def test_microsofts_driver_without_encryption(programs, identity_env, target, certificates, mode,
                                              verifies):
    """Encrypt=no leaves TLS to the proxy, and the driver verifies what it gets then."""
    script = ("import pyodbc, sys\ntry:\n    print(pyodbc.connect(sys.argv[1]).execute('SELECT 42')"
              ".fetchval())\nexcept pyodbc.Error as e:\n    print(e)\n")

    def said(more, **env):
        string = microsoft(programs, p.port(), f"Encrypt=no;{more}")
        return run([programs.python, "-c", script, string], env={**os.environ, **env}).stdout

    with proxy(programs, identity_env, [target], *tls_options(certificates, mode)) as p:
        unknown = said("TrustServerCertificate=no")
        assert ("certificate verify failed" in unknown) == verifies, unknown
        assert (unknown == "42\n") != verifies
        assert said("TrustServerCertificate=yes") == "42\n"
        assert said("", SSL_CERT_FILE=str(certificates / "ca.pem")) == "42\n"


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
        ca = str(certificates / "ca.pem")
        with pytest.raises(pytds.Error, match="Encrypt=strict"):
            by_pytds(p.port(), cafile=ca)
        with pytest.raises(pytds.Error, match="Encrypt=strict"):  # the proxy's own database, too
            pytds.connect("localhost", "entrasql", "any", "any", port=p.port(), cafile=ca)


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
        said = said_by_tsql(p.port())
        assert "none left in time; raise --max-clients or --queue-timeout" in said and "--when-full" not in said
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


# ---- guessing ----

def guesses(port, count, seconds=3, password="wrong"):
    """How many wrong passwords so many guessers at once are told of, each with no patience."""
    told, end = [], time.monotonic() + seconds

    def guess():
        while time.monotonic() < end:
            with pytest.raises(pytds.Error):
                by_pytds(port, password=password, disable_connect_retry=True)
            told.append(time.monotonic())

    threads = [threading.Thread(target=guess) for _ in range(count)]
    for t in threads:
        t.start()
    return threads, told


def test_wrong_secrets_are_slowed_down(programs, identity_env, target, tmp_path):
    """Whoever guesses; and who has the right one is let in meanwhile, from there too."""
    with proxy(programs, identity_env, [target], "--allow", "secret", "--secret-file",
               secret_file(tmp_path, "open"), "--admin-secret-file",
               secret_file(tmp_path, "ruler", "admin")) as p:
        began = time.monotonic()
        assert "is not the one of the entrasql proxy" in said_by_tsql(p.port())
        assert time.monotonic() - began >= 1
        began = time.monotonic()
        by_pymssql(p.port(), password="open").close()
        threads, told = guesses(p.port(), 40)
        for _ in range(3):
            with by_pymssql(p.port(), password="open") as c:
                assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        for t in threads:
            t.join(timeout=60)
        assert 40 <= len(told) <= 20 + 10 * (max(told) - began) + 1
        refused = sum("client refused" in line for line in p.log)
        assert refused <= 20 * (1 + (time.monotonic() - began) // 10 + 1)
        assert p.stop() == 0
        p.reader.join(timeout=30)
        more = sum(int(found.group(1)) for line in p.log
                   for found in [re.search(r"and more clients refused.* more=(\d+)", line)] if found)
        refused = sum("client refused" in line for line in p.log)
        assert more > 0 and refused + more == len(told) + 1


def test_a_wrong_admin_secret_is_told_later(programs, identity_env, target, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    with proxy(programs, identity_env, [target], "--admin-secret-file",
               secret_file(tmp_path, "ruler", "admin")) as p:
        for password, least, part in (("wrong", 1, "admin secret"), ("ruler", 0, "longest_wait_ms")):
            began = time.monotonic()
            said = subprocess.run(
                ["tsql", "-H", "127.0.0.1", "-p", str(p.port()), "-U", "x", "-P", password, "-D",
                 "entrasql"], input="SHOW POOLS\ngo\nquit\n", user=65533, cwd="/", text=True,
                env={**os.environ, "TDSVER": "7.4", "HOME": "/"}, capture_output=True, timeout=60)
            assert part in said.stdout + said.stderr, said
            assert time.monotonic() - began >= least


# ---- the servers' names ----

@pytest.mark.parametrize("name", ["status,1", "status/d", "status.d", "bestellungen", "stage", "rest"])
def test_what_is_written_as_a_server_is_one(programs, identity_env, name):
    """It gets as far as the address to listen on, which is none."""
    result = run([programs.entrasql, "proxy", name, "--listen", "nowhere"], env=identity_env)
    assert result.returncode == 2 and "'nowhere'" in result.stderr, result


def test_a_name_that_nobody_knows_is_a_warning(programs, identity_env, target):
    unknown = ["nosuch.invalid/one?listen=0", "NOSUCH.invalid/two?listen=0"]
    with proxy(programs, identity_env, [*unknown, target], level="warning") as p:
        with by_pymssql(p.port(2)) as c:
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        until(lambda: any("nosuch.invalid" in line for line in p.log))
        assert p.stop() == 0
        warnings = [line for line in p.log if "is not known now" in line]
        assert len(warnings) == 1 and 'server="nosuch.invalid"' in warnings[0], p.log
        assert "cannot look up the host name" in warnings[0]


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
        until(lambda: any("--max-half-open" in line for line in p.log))
        assert p.stop() == 0


FLOOD = """
import os, socket, sys
os.setuid(65533)  # here: this interpreter may be where he may not look
held = []
while sys.stdin.readline():
    for _ in range(60):
        held.append(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
        held[:-60] = []
    print("flooded", flush=True)
"""


@pytest.mark.parametrize("more, told", [([], 44), (["--secret-file"], 40)])
def test_a_flood_of_another_user_keeps_nobody_out(programs, identity_env, target, tmp_path, more,
                                                  told):
    """Whether or not he might come in: whom his connections push out are his own."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    more = [*more, secret_file(tmp_path, "open")] if more else []
    with proxy(programs, identity_env, [target], "--max-half-open", "20", *more) as p:
        mine = socket.create_connection(("127.0.0.1", p.port()))
        mine.sendall(b"\x12\x01\x00")  # the beginning of a PRELOGIN
        flood = subprocess.Popen([sys.executable, "-c", FLOOD, str(p.port())], text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            for _ in range(4):
                flood.stdin.write("more\n")
                flood.stdin.flush()
                assert flood.stdout.readline() == "flooded\n"
                with by_pymssql(p.port()) as c:
                    assert rows_of(c) == ["Ada", "Alan", "Edgar"]
            mine.setblocking(False)
            with pytest.raises(BlockingIOError):
                mine.recv(1)
            assert sum("--max-half-open" in line for line in p.log) >= told
        finally:
            flood.kill()
            flood.wait(timeout=30)
            flood.stdin.close()
            flood.stdout.close()
        mine.close()
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
            assert 1 < time.monotonic() - began < 2.5
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


def unfinished_hello(declared, sent):
    """The first bytes of a ClientHello that says how long it will be, in records."""
    message = b"\x01" + declared.to_bytes(3, "big") + b"\x03\x03" + bytes(sent)
    parts = [message[at:at + 16384] for at in range(0, sent, 16384)]
    return b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in parts)


def in_prelogin_packets(flight):
    parts = [flight[at:at + 4088] for at in range(0, len(flight), 4088)]
    return b"".join(packet(0x12, part, status=0) for part in parts)


def half_open(port, wrapped, hello):
    s = socket.create_connection(("127.0.0.1", port))
    s.settimeout(30)
    if wrapped:
        s.sendall(packet(0x12, prelogin_reply()))
        read_message(s.recv)
        hello = in_prelogin_packets(hello)
    with contextlib.suppress(ConnectionError):
        s.sendall(hello)
    return s


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_handshake_without_end_is_cut(programs, identity_env, target, certificates, wrapped):
    """OpenSSL itself takes 128 KiB of a ClientHello."""
    with proxy(programs, identity_env, [target], *tls_options(certificates)) as p:
        with half_open(p.port(), wrapped, unfinished_hello(120000, 100000)) as s:
            with contextlib.suppress(ConnectionError):
                assert s.recv(1) == b""
        until(lambda: any("the TLS handshake of the client is too long" in line for line in p.log))
        with half_open(p.port(), wrapped, unfinished_hello(120000, 60000)) as s:
            s.settimeout(1)
            with pytest.raises(TimeoutError):
                s.recv(1)
        assert p.stop() == 0


def test_who_asks_for_another_handshake_is_cut(programs, identity_env, target, certificates):
    """By OpenSSL's client, whose command R is a renegotiation."""
    with proxy(programs, identity_env, [target], *tls_options(certificates)) as p:
        s_client = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{p.port()}", "-tls1_2", "-alpn", "tds/8.0"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert any(line.startswith(b"    Verify return code") for line in s_client.stdout)
        s_client.stdin.write(b"R\n")
        s_client.stdin.flush()
        until(lambda: any("the client asked for a new TLS handshake" in line for line in p.log))
        s_client.communicate(timeout=20)
        assert p.stop() == 0


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
            time.sleep(3)
            assert len(select.select(many, [], [], 0)[0]) >= 100 - 64, "they wait in the backlog"
            assert sum("accept failed" in line for line in p.log) == 1, p.log
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

def test_reload(programs, identity_env, emulator, tmp_path, certificates):
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
        # nor does it wait for files that nobody writes
        os.mkfifo(tmp_path / "fifo")
        for name in ("tls-certificate", "tls-key", "ca-file", "secret-file"):
            pair = f"tls-certificate = {certificates}/server.pem\ntls-key = {certificates}/server-key.pem\n"
            settings = re.sub(f"{name} = .*\n", "", pair) if name in pair else ""
            reload(f"{people}{settings}{name} = {tmp_path}/fifo\n",
                   f"{name}: {'the ' if name in pair else ''}")
            assert any(f"{tmp_path}/fifo is not a regular file" in line for line in p.log[-2:]), p.log
            p.log.clear()
            assert rows_of(held) == ["Ada", "Alan", "Edgar"]
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
