# SPDX-License-Identifier: MIT
"""entrasql doctor where the program connects to an entrasql proxy, or to another server without TLS."""
import contextlib
import os
import socket
import struct
import threading

import pytest

import odbc
from conftest import ADMIN, APP_HOST, DATABASE, IDENTITY, run
from doctors import PASSWORD, STRANGER, doctor, people_see
from doctors import shared, world  # noqa: F401 (fixtures)
from proxies import running
from servers import packet, prelogin_reply, read_message


def behind(w, string, *options, who=IDENTITY, host=APP_HOST, server_port=None):
    """The environment of a program whose string leads to a proxy; it has no other setting of ours."""
    target = f"localhost,{server_port or w.emulator.port()}/{DATABASE}"
    proxy = w.stack.enter_context(running(w.programs, w.emulator.environment(who, host), [target],
                                          "--listen", "127.0.0.1:0", *options))
    return {"PATH": os.environ["PATH"], "HOME": str(w.directory),
            "AZURE_SQL_CONNECTIONSTRING": string.replace("PORT", str(proxy.port()))}


def plain(w):
    return behind(w, "Driver={FreeTDS};Server=127.0.0.1,PORT;UID=any;PWD=any"), []


def encryption_demanded(w):
    return behind(w, "Server=127.0.0.1,PORT;UID=any;PWD=any;Encrypt=yes"), []


def encryption_strict(w):
    return behind(w, "Server=127.0.0.1,PORT;UID=any;PWD=any;Encrypt=strict"), []


def encryption_left_to_the_driver(w):
    return behind(w, "jdbc:sqlserver://localhost:PORT;user=any;password=any"), []


def registered(w, string, **drivers):
    """Behind a proxy, with drivers of these names and files."""
    ini = w.directory / "ini"
    ini.mkdir()
    (ini / "odbcinst.ini").write_text("".join(f"[{name}]\nDriver={file}\n" for name, file in drivers.items()))
    return {**behind(w, string), "ODBCSYSINI": str(ini)}


BY_NAME = "Driver={%s};Server=127.0.0.1,PORT;Database=persons;UID=any;PWD=any"


def encryption_left_to_driver_18(w):
    return registered(w, BY_NAME % "ODBC Driver 18 for SQL Server",
                      **{"ODBC Driver 18 for SQL Server": w.programs.msodbc}), []


def encryption_left_to_driver_17(w):
    file = w.directory / "libmsodbcsql-17.10.so"
    file.symlink_to(w.programs.msodbc)
    return registered(w, BY_NAME % "ODBC Driver 17 for SQL Server",
                      **{"ODBC Driver 17 for SQL Server": file}), []


def encryption_left_to_ours_on_driver_18(w):
    return registered(w, BY_NAME % "entrasql", entrasql=odbc.library(w.programs), MS=w.programs.msodbc), []


def encryption_left_to_ours_on_freetds(w):
    return registered(w, BY_NAME % "entrasql" + ";UnderlyingDriver=TDS",
                      entrasql=odbc.library(w.programs), TDS=w.programs.tdsodbc), []


def token_brought_along(w):
    return behind(w, "Server=127.0.0.1,PORT;Authentication=ActiveDirectoryDefault;Encrypt=no"), []


def windows_login(w):
    return behind(w, "Server=127.0.0.1,PORT;Trusted_Connection=yes;Encrypt=no"), []


def token_sent_unasked(w):
    """entrasql's driver signs in where the string has no login."""
    return behind(w, f"Driver={odbc.library(w.programs)};Server=127.0.0.1,PORT;Encrypt=no"), []


def without_the_secret(w):
    secret = w.file("the secret of the proxy\n")
    return behind(w, f"Server=127.0.0.1,PORT;UID=any;PWD={PASSWORD};Encrypt=no", "--allow", "secret",
                  "--secret-file", secret), []


def token_for_a_proxy_with_tls(w):
    tls = w.directory / "tls"
    made = run([w.programs.entrasql, "proxy", "init-tls", "--dir", tls, "--hosts", "localhost"])
    assert made.returncode == 0, made.stderr
    env = w.env(ADMIN)
    trusted = open(env["SSL_CERT_FILE"], encoding="utf-8").read() + (tls / "ca.pem").read_text()
    env["SSL_CERT_FILE"] = str(w.file(trusted))
    proxied = behind(w, "Server=localhost,PORT;Authentication=ActiveDirectoryDefault",
                     "--tls-certificate", tls / "server.pem", "--tls-key", tls / "server-key.pem")
    env["AZURE_SQL_CONNECTIONSTRING"] = proxied["AZURE_SQL_CONNECTIONSTRING"]
    return env, []


def nothing_behind(w):
    """The server was never there: the proxy says so to the login."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        closed = s.getsockname()[1]
    return behind(w, "Server=127.0.0.1,PORT;UID=any;PWD=any;Encrypt=no", server_port=closed), []


class Wire:
    """A port that leads to the emulator, until it is cut."""

    def __init__(self, port):
        self.port, self.open = port, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, server = self.listener.accept()[0], socket.create_connection(("127.0.0.1", self.port))
                self.open += [client, server]
                for a, b in ((client, server), (server, client)):
                    threading.Thread(target=self.forward, args=(a, b), daemon=True).start()

    @staticmethod
    def forward(a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                b.sendall(data)

    def cut(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for s in self.open:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()


def server_in_clear(w):
    """TDS without TLS on the loopback, and without a proxy's words."""
    def handle(connection):
        read_message(connection.recv)
        connection.sendall(packet(4, prelogin_reply(encryption=2)))
        read_message(connection.recv)

    return w.env(ADMIN), ["-S", f"localhost,{w.serve(handle)}"]


CASES = [
    (plain, "behind-proxy", "ok"),
    (encryption_demanded, "proxy-in-clear", "fail"),
    (encryption_strict, "proxy-in-clear", "fail"),
    (encryption_left_to_the_driver, "proxy-in-clear", "warn"),
    (encryption_left_to_driver_18, "proxy-in-clear", "fail"),
    (encryption_left_to_driver_17, "proxy-in-clear", "warn"),
    (encryption_left_to_ours_on_driver_18, "proxy-in-clear", "fail"),
    (encryption_left_to_ours_on_freetds, "proxy-in-clear", "fail"),
    (token_brought_along, "proxy-signs-in", "fail"),
    (windows_login, "proxy-signs-in", "fail"),
    (token_sent_unasked, "proxy-signs-in", "fail"),
    (token_for_a_proxy_with_tls, "proxy-signs-in", "fail"),
    (without_the_secret, "proxy-refused", "fail"),
    (nothing_behind, "proxy-upstream", "fail"),
    (server_in_clear, "server-without-tls", "fail"),
]


@pytest.mark.parametrize("case, expected, state", CASES,
                         ids=[f"{c.__name__}-{e}" for c, e, _ in CASES])
def test_in_front(world, case, expected, state):
    env, words = case(world)
    facts, code = doctor(world, env, *words)
    found = [l for l in facts["links"] if l["diagnosis"] == expected]
    assert found and found[0]["state"] == state and found[0]["fix"], facts
    assert facts["firstFailure"] == (expected if state == "fail" else None), facts
    assert bool(code) == (state == "fail")
    assert not {"ok", "fail"} <= {l["state"] for l in facts["links"] if l["link"] == "login"}, facts
    people_see(world, env, words, expected, code)


def test_token_sent_unasked_by_name(world):
    """The name is known before the driver is registered; the advice is what to write."""
    env = behind(world, "Driver={entrasql};Server=127.0.0.1,PORT;Database=persons;Encrypt=no")
    line, *_ = [l for l in doctor(world, env)[0]["links"] if l["link"] == "login"]
    assert line["diagnosis"] == "proxy-signs-in" and "UID=any;PWD=any;Encrypt=no" in line["fix"], line
    env["AZURE_SQL_CONNECTIONSTRING"] += ";UID=any;PWD=any"
    line, = [l for l in doctor(world, env)[0]["links"] if l["link"] == "login"]
    assert line["state"] == "ok", line


def links(facts):
    return {l["link"]: l for l in facts["links"]}


def test_through_a_proxy(world):
    """Login, database and rights are those that the program gets; what it needs not is not blamed."""
    facts, code = doctor(world, plain(world)[0])
    seen = links(facts)
    assert code == 0, facts
    assert seen["proxy"]["state"] == seen["credential"]["state"] == seen["tls"]["state"] == "none"
    assert seen["login"]["text"] == "signed in through the proxy"
    assert seen["database"]["text"] == f"{DATABASE} as user {IDENTITY}, by a user of its own"
    assert "db_datareader" in seen["rights"]["text"]
    assert seen["settings"]["state"] == "ok", "what the proxy is shown is no password of the server"
    evidence, fix = seen["prelogin"]["evidence"], seen["prelogin"]["fix"]
    port = world.emulator.port()
    assert f"leads to localhost,{port}/{DATABASE} as " in evidence and "ManagedIdentity" in evidence
    assert f"entrasql doctor -S localhost,{port} -d {DATABASE}" in fix


def test_refusal_of_the_server_behind_a_proxy(world):
    """What the server says to the proxy is told by its own name."""
    env = behind(world, "Server=127.0.0.1,PORT;UID=any;Encrypt=no", who=STRANGER, host="stranger-app")
    facts, code = doctor(world, env)
    assert code == 4 and facts["firstFailure"] == "no-user", facts
    env["AZURE_SQL_CONNECTIONSTRING"] += ";Database=person"
    assert doctor(world, env)[0]["firstFailure"] == "database-unknown"


def test_server_gone_behind_a_ready_proxy(world):
    """The proxy still answers the login by itself; the first request needs the server."""
    wire = Wire(world.emulator.port())
    port = wire.listener.getsockname()[1]
    env = behind(world, "Server=127.0.0.1,PORT;UID=any;PWD=any;Encrypt=no", server_port=port)
    facts, code = doctor(world, env)
    assert code == 0, facts
    wire.cut()
    facts, code = doctor(world, env)
    line = links(facts)["rights"]
    assert code and facts["firstFailure"] == line["diagnosis"] == "proxy-upstream", facts
    assert f"localhost:{port}: cannot connect" in line["evidence"], line
    assert f"entrasql doctor -S localhost,{port} -d {DATABASE}" in line["fix"], line


def refusal(text):
    """ERROR 18456 and DONE ([MS-TDS] 2.2.7.10)."""
    body = struct.pack("<IBBH", 18456, 1, 14, len(text)) + text.encode("utf-16-le") + bytes(6)
    return b"\xaa" + struct.pack("<H", len(body)) + body + b"\xfd" + struct.pack("<HHQ", 2, 0, 0)


def test_proxy_of_another_user(world):
    """It keeps this user out of its own database, and is known by the words with which it does."""
    words = ("the database entrasql of the entrasql proxy is open to its own user 990 alone: it was "
             "started without --admin-secret-file",
             "the entrasql proxy serves user 990 and not user 1000: it was started without "
             "--allow-uids 1000")
    left = list(words)

    def handle(connection):
        read_message(connection.recv)
        connection.sendall(packet(4, prelogin_reply(encryption=2)))
        read_message(connection.recv)
        connection.sendall(packet(4, refusal(left.pop(0))))

    env = {"PATH": os.environ["PATH"], "HOME": str(world.directory)}
    env["AZURE_SQL_CONNECTIONSTRING"] = f"Server=127.0.0.1,{world.serve(handle)};UID=a;Encrypt=no"
    facts, code = doctor(world, env)
    assert links(facts)["prelogin"]["evidence"] == words[0]
    assert code == 4 and facts["firstFailure"] == "proxy-refused", facts
    assert links(facts)["login"]["evidence"] == words[1]


def test_no_login_is_tried_where_there_is_tls(world):
    """Only a port without TLS is asked whether it is a proxy: others log no failed login of ours."""
    seen = []

    def handle(connection):
        seen.append(read_message(connection.recv)[0])
        connection.sendall(packet(4, prelogin_reply()))
        seen.append(read_message(connection.recv)[0])

    doctor(world, world.env(ADMIN), "-S", f"localhost,{world.serve(handle)}")
    assert seen and 0x10 not in seen, "a LOGIN7 in clear"
