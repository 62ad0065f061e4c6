# SPDX-License-Identifier: MIT
"""Operating the proxy: health paths, metrics, the admin database, the service manager.

Everything with real clients: curl, Prometheus's own parser, and the drivers that people have.
"""
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pymssql
import pyodbc
import pytest
import pytds
from prometheus_client.parser import text_string_to_metric_families

from conftest import APP_HOST, IDENTITY, ROOT, run
from test_proxy import proxy, rows_of, tsql
from test_proxy_pool import BATCH, _socket_of, message


def curl(url, *options):
    """(status, body)"""
    result = run(["curl", "-sS", "--max-time", "20", "-w", "\n%{http_code}", *options, url])
    assert result.returncode == 0, result.stderr
    body, _, status = result.stdout.rpartition("\n")
    return int(status), body


def base_of(p):
    return re.search(r"^health and metrics: (\S+)$", p.said, re.M).group(1)


def metrics(p):
    """{name: {frozenset(labels): value}} by Prometheus's parser."""
    status, text = curl(base_of(p) + "/metrics")
    assert status == 200
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation and family.type != "unknown", family.name
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


def value_of(found, metric, **labels):
    values = [v for k, v in found[metric].items() if set(labels.items()) <= k]
    assert len(values) == 1, (metric, labels, found[metric])
    return values[0]


def connect(port, database="", user="any", password="any", **kwargs):
    return pymssql.connect(server="127.0.0.1", port=str(port), user=user, password=password,
                           database=database, autocommit=True, **kwargs)


def show(port, what):
    with connect(port, "entrasql") as c:
        cursor = c.cursor(as_dict=True)
        cursor.execute(f"SHOW {what}")
        return cursor.fetchall()


def command(port, text):
    with connect(port, "entrasql") as c:
        c.cursor().execute(text)


def until(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


@pytest.fixture
def ops(programs, identity_env, target):  # noqa: F811
    with proxy(programs, identity_env, [target], "--http", "127.0.0.1:0", "--http-quit",
               "--pool", "off") as p:
        yield p


@pytest.fixture
def pooled(programs, identity_env, target):  # noqa: F811
    with proxy(programs, identity_env, [target], "--http", "127.0.0.1:0", "--pool", "on",
               "--pool-size", "2") as p:
        yield p


# ---- HTTP ----

def test_health_paths(ops):
    base = base_of(ops)
    for path in ("/startup", "/readiness", "/liveness"):
        assert curl(base + path) == (200, "ok\n")
    assert curl(base + "/readiness", "-I")[0] == 200
    assert curl(base + "/nowhere")[0] == 404
    for path in ("/startup", "/metrics"):
        status, _ = curl(base + path, "-X", "POST", "-d", "x")
        assert status == 405
    assert curl(base + "/readiness", "-H", "Host: evil.example")[0] == 403


def test_readiness_dials_nobody_and_starting_is_told(programs, identity_env, emulator):  # noqa: F811
    """Nobody listens upstream, and the token comes late: HTTP is there before the rest."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    env = {**identity_env}
    silent = socket.create_server(("127.0.0.1", 0))
    env["IDENTITY_ENDPOINT"] = f"http://127.0.0.1:{silent.getsockname()[1]}/msi/token"
    with socket.create_server(("127.0.0.1", 0)) as s:
        http = s.getsockname()[1]
    process = subprocess.Popen(
        [programs.entrasql, "proxy", f"localhost,{port}?listen=0", "--http", f"127.0.0.1:{http}",
         "--login-timeout", "60"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: socket.socket().connect_ex(("127.0.0.1", http)) == 0, "HTTP is there")
        assert curl(f"http://127.0.0.1:{http}/startup") == (503, "starting\n")
        assert curl(f"http://127.0.0.1:{http}/readiness") == (503, "starting\n")
        assert curl(f"http://127.0.0.1:{http}/liveness") == (200, "ok\n")
    finally:
        process.kill()
        process.wait(timeout=30)
        silent.close()
    with proxy(programs, identity_env, [f"localhost,{port}?listen=0"], "--http",
               "127.0.0.1:0") as p:
        assert curl(base_of(p) + "/readiness") == (200, "ok\n")


def test_a_signal_on_top_of_the_end_changes_nothing(programs, identity_env, target):
    for _ in range(10):
        with proxy(programs, identity_env, [target], "--http", "127.0.0.1:0") as p:
            with connect(p.port()) as c:
                assert rows_of(c, "SELECT 1") == [1]
            while p.process.poll() is None:
                p.process.send_signal(signal.SIGTERM)
                time.sleep(0.0002)
            assert p.process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("waits_for", ["token", "server"])
def test_a_signal_ends_a_proxy_that_starts(programs, identity_env, tmp_path, number,  # noqa: F811
                                           waits_for):
    """Also SIGINT that a shell has made it ignore. A socket's file is not there before."""
    file = tmp_path / "sock"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        port = silent.getsockname()[1]
        env = {**identity_env}
        if waits_for == "token":
            env["IDENTITY_ENDPOINT"] = f"http://127.0.0.1:{port}/msi/token"
        process = subprocess.Popen(
            [programs.entrasql, "proxy", f"localhost,{port}/d?listen=unix:{file}", "--login-timeout", "60",
             "--run-connection-test"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        try:
            with silent.accept()[0]:
                assert process.poll() is None
                process.send_signal(number)
                # The second, where the signal does not end it: of a container's first process, and under TSan.
                assert process.wait(timeout=10) in (-number, 128 + number)
        finally:
            process.kill()
            process.wait(timeout=30)
    assert not file.exists()


def test_full_is_not_ready(programs, identity_env, target):  # noqa: F811
    with proxy(programs, identity_env, [target], "--http", "127.0.0.1:0", "--max-clients",
               "1") as p:
        silent = [socket.create_connection(("127.0.0.1", p.port())) for _ in range(5)]
        until(lambda: value_of(metrics(p), "entrasql_proxy_clients") == 5, "they are there")
        assert curl(base_of(p) + "/readiness") == (200, "ok\n")  # a port scanner fills nothing
        with connect(p.port()) as c:
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]
            assert curl(base_of(p) + "/readiness") == (503, "full: 1 of 1 clients\n")
            assert value_of(metrics(p), "entrasql_proxy_clients_admitted") == 1
        until(lambda: curl(base_of(p) + "/readiness")[0] == 200, "there is room again")
        for s in silent:
            s.close()


def test_quitquitquit(programs, identity_env, target):  # noqa: F811
    with proxy(programs, identity_env, [target], "--http", "127.0.0.1:0", "--http-quit") as p:
        url = base_of(p) + "/quitquitquit"
        assert curl(url)[0] == 405
        assert curl(url, "-X", "POST", "-d", "", "-H", "Host: evil.example")[0] == 403
        assert curl(url, "-X", "POST", "-d", "", "-H", "Origin: http://evil.example")[0] == 403
        assert p.process.poll() is None
        with connect(p.port()) as c:
            assert curl(url, "-X", "POST", "-d", "") == (200, "ending\n")
            assert curl(url, "-X", "POST", "-d", "") == (200, "ending\n")
            until(lambda: curl(base_of(p) + "/readiness")[0] == 503, "it drains")
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        assert p.process.wait(timeout=30) == 0
    with proxy(programs, identity_env, [target], "--http", "0.0.0.0:0", "--http-quit") as p:
        base = base_of(p).replace("0.0.0.0", "127.0.0.1")
        assert curl(base + "/readiness", "-H", "Host: pod.example")[0] == 200
        assert curl(base + "/quitquitquit", "-X", "POST", "-d", "", "-H",
                    "Host: pod.example")[0] == 403
        assert p.process.poll() is None
    with proxy(programs, identity_env, [target], "--http", "127.0.0.1:0") as p:
        assert curl(base_of(p) + "/quitquitquit", "-X", "POST", "-d", "")[0] == 404
        assert p.process.poll() is None


def test_quitquitquit_of_another_user(programs, identity_env, target):  # noqa: F811
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    with proxy(programs, identity_env, [target], "--http", "127.0.0.1:0", "--http-quit") as p:
        said = subprocess.run(["curl", "-sS", "-X", "POST", "-d", "", base_of(p) + "/quitquitquit"],
                              user=65533, cwd="/", capture_output=True, text=True, timeout=30)
        assert "only for the proxy's user 0 and root, not for user 65533" in said.stdout, said
        assert curl(base_of(p) + "/readiness") == (200, "ok\n")


def test_silent_callers_do_not_keep_others_out(programs, identity_env, target):  # noqa: F811
    with proxy(programs, identity_env, [target], "--http", "127.0.0.1:0") as p:
        port = int(base_of(p).rpartition(":")[2])
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
        for s in silent:
            s.sendall(b"GET /liveness HTTP/1.1\r\n")
        assert curl(base_of(p) + "/liveness", "--max-time", "60") == (200, "ok\n")
        with connect(p.port()) as c:
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]
        for s in silent:
            s.close()


def test_wait_and_shutdown(programs, identity_env, target):  # noqa: F811
    with proxy(programs, identity_env, [target], "--http", "127.0.0.1:0", "--http-quit") as p:
        address = base_of(p).removeprefix("http://")
        result = run([programs.entrasql, "proxy", "wait", "--http", address, "--for", "readiness"])
        assert result.returncode == 0, result.stderr
        result = run([programs.entrasql, "proxy", "wait"],
                     env={**os.environ, "ENTRASQL_PROXY_HTTP": address})
        assert result.returncode == 0, result.stderr
        result = run([programs.entrasql, "proxy", "shutdown", "--http", address])
        assert result.returncode == 0, result.stderr
        assert p.process.wait(timeout=30) == 0
        began = time.monotonic()
        result = run([programs.entrasql, "proxy", "wait", "--http", address, "--timeout", "1"])
        assert result.returncode == 9 and "did not say yes" in result.stderr, result.stderr
        assert 0.9 < time.monotonic() - began < 20
        result = run([programs.entrasql, "proxy", "shutdown", "--http", address])
        assert result.returncode == 5, result.stderr
        assert run([programs.entrasql, "proxy", "wait", "--http", "nonsense"]).returncode == 2


def test_metrics_count_what_happened(programs, identity_env, target):  # noqa: F811
    with proxy(programs, identity_env, [target], "--http", "127.0.0.1:0", "--pool", "off") as p:
        before = metrics(p)
        assert value_of(before, "entrasql_proxy_ready") == 1
        assert value_of(before, "entrasql_proxy_client_connections_total") == 0
        text = "x" * 200_000
        with connect(p.port()) as c:
            assert rows_of(c, f"SELECT CAST('{text}' AS varchar(max))") == [text]
            during = metrics(p)
        assert value_of(during, "entrasql_proxy_clients") == 1
        assert value_of(during, "entrasql_proxy_servers", state="active") == 1
        assert value_of(during, "entrasql_proxy_client_connections_total") == 1
        assert value_of(during, "entrasql_proxy_server_logins_total") == 1
        # The text went up as UTF-16 and came back as varchar.
        assert value_of(during, "entrasql_proxy_bytes_total", **{"from": "client"}) > 400_000
        assert 200_000 < value_of(during, "entrasql_proxy_bytes_total",
                                  **{"from": "server"}) < 300_000
        for name in ("login", "server_login", "token"):
            metric = f"entrasql_proxy_{name}_seconds"
            assert value_of(during, metric + "_count") == 1, name
            assert 0 < value_of(during, metric + "_sum") < 60, name
            buckets = sorted((float(dict(k)["le"]), v) for k, v in during[metric + "_bucket"].items())
            assert [v for _, v in buckets] == sorted(v for _, v in buckets)
            assert buckets[-1] == (float("inf"), 1)
        assert value_of(during, "entrasql_proxy_token_age_seconds", identity="default") < 120
        assert value_of(during, "entrasql_proxy_token_expires_in_seconds") > 600
        [info] = during["entrasql_proxy_identity_info"]
        assert dict(info)["source"] == "ManagedIdentityCredential"
        assert len(dict(info)["object_id"]) == 36 and len(dict(info)["tenant"]) == 36
        assert value_of(during, "process_open_fds") > 5
        assert value_of(during, "process_resident_memory_bytes") > 1e6
        until(lambda: value_of(metrics(p), "entrasql_proxy_clients") == 0, "the client is gone")
        assert value_of(metrics(p), "entrasql_proxy_servers", state="active") == 0


def test_metrics_of_refusals_and_errors(programs, emulator, target):  # noqa: F811
    env = emulator.environment("StrangerIdentity", "stranger-app")
    with proxy(programs, env, [target], "--http", "127.0.0.1:0", "--pool", "off") as p:
        for _ in range(2):
            assert "18456" in tsql(p.port(), "SELECT 1")
        found = metrics(p)
        refused = value_of(found, "entrasql_proxy_refusals_total", reason="server")
        assert refused >= 2
        assert value_of(found, "entrasql_proxy_errors_total", number="18456") == refused
        assert value_of(found, "entrasql_proxy_server_login_failures_total") == refused
        assert value_of(found, "entrasql_proxy_refusals_total", reason="uid") == 0


def test_metrics_of_the_pool(pooled):
    p = pooled
    with connect(p.port()) as a, connect(p.port()) as b:
        assert rows_of(a, "SELECT 1") == [1] and rows_of(b, "SELECT 2") == [2]
        found = metrics(p)
        assert value_of(found, "entrasql_proxy_servers", state="active") == 2
        third = []

        def wait():
            with connect(p.port()) as c:
                third.extend(rows_of(c, "SELECT 3"))

        thread = threading.Thread(target=wait)
        thread.start()
        until(lambda: value_of(metrics(p), "entrasql_proxy_clients_waiting") == 1, "one waits")
        time.sleep(0.3)
        a.close()
        thread.join(timeout=60)
        assert third == [3]
    until(lambda: value_of(metrics(p), "entrasql_proxy_servers", state="idle") == 2, "all at rest")
    found = metrics(p)
    assert value_of(found, "entrasql_proxy_servers", state="active") == 0
    assert value_of(found, "entrasql_proxy_clients_waiting") == 0
    assert value_of(found, "entrasql_proxy_server_logins_total") == 2
    assert value_of(found, "entrasql_proxy_pool_lent_total") == 3
    assert value_of(found, "entrasql_proxy_pool_waits_total") >= 1
    assert 0.2 < value_of(found, "entrasql_proxy_pool_wait_seconds_sum") < 30
    assert value_of(found, "entrasql_proxy_pool_resets_total") == 3


def test_a_pin_has_its_reason(programs, pooled):
    """A client that dies in the middle of a request: its connection is of no use to anybody."""
    p = pooled
    script = ("import os, pytds\n"
              f"c = pytds.connect('127.0.0.1', port={p.port()}, user='a', password='b')\n"
              "c.cursor().execute('SELECT 1')\n"
              "c._tds_socket.sock.sendall(bytes([1, 1, 0, 100, 0, 0, 1, 0]) + b'half of it')\n"
              "os._exit(0)\n")
    assert run([programs.python, "-c", script]).returncode == 0
    until(lambda: value_of(metrics(p), "entrasql_proxy_pins_total", reason="partial") == 1,
          "it is not used again")
    assert sum(metrics(p)["entrasql_proxy_pins_total"].values()) == 1
    assert not show(p.port(), "SERVERS")


def test_a_bulk_load_that_was_left_is_counted_as_one(programs, pooled):
    p = pooled
    script = ("import os, pytds\n"
              f"c = pytds.connect('127.0.0.1', port={p.port()}, user='a', password='b',\n"
              "                  autocommit=True)\n"
              "k = c.cursor()\n"
              "k.execute('CREATE TABLE #b (v nvarchar(4000))')\n"
              "def rows():\n"
              "    for i in range(50):\n"
              "        yield ['x' * 4000]\n"
              "    os._exit(0)\n"
              "k.copy_to(data=rows(), table_or_view='#b', columns=[\n"
              "    pytds.Column('v', type=pytds.tds_types.NVarCharType(4000))])\n"
              "os._exit(1)\n")
    assert run([programs.python, "-c", script]).returncode == 0
    until(lambda: value_of(metrics(p), "entrasql_proxy_pins_total", reason="bulk") == 1,
          "it is not used again")
    assert sum(metrics(p)["entrasql_proxy_pins_total"].values()) == 1


def test_the_reasons_of_pins_are_the_documented_ones(pooled):
    reasons = {dict(labels)["reason"] for labels in metrics(pooled)["entrasql_proxy_pins_total"]}
    text = (ROOT / "docs" / "proxy-operations.md").read_text()
    row = re.search(r"^\| `pins_total\{reason\}` \|.*$", text, re.M)
    assert set(re.findall(r"`(\w+)`", row.group(0))) == reasons
    table = (ROOT / "docs" / "proxy-pool.md").read_text().partition("## What never goes back")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", table.partition("\n## ")[0], re.M)) == reasons


# ---- the admin database ----

def test_every_kind_of_driver_runs_commands(programs, ops, driver):
    """With whatever each sends by itself before."""
    port = ops.port()
    said = run(["tsql", "-H", "127.0.0.1", "-p", port, "-U", "x", "-P", "y", "-D", "entrasql"],
               input="SHOW STATS\ngo\nSHOW HELP\ngo\nquit\n",
               env={**os.environ, "TDSVER": "7.4"}).stdout
    assert "bytes_from_client" in said and "RECONNECT [TARGET]" in said, said
    with connect(port, "entrasql") as c:  # pymssql, with its SETs
        cursor = c.cursor()
        cursor.execute("SHOW CLIENTS")
        assert [d[0] for d in cursor.description][:3] == ["conn", "state", "target"]
        assert "admin" in [row[1] for row in cursor.fetchall()]
    c = pyodbc.connect(f"Driver={driver};Server=127.0.0.1,{port};UID=a;PWD=b;Encrypt=no;"
                       "Database=entrasql")  # not autocommit: it begins transactions
    cursor = c.cursor()
    rows = cursor.execute("SHOW STATS").fetchall()
    assert len(rows) == 1 and isinstance(rows[0][1], int)
    assert cursor.execute("SELECT 1").fetchval() == 1
    c.commit()
    assert cursor.execute("SHOW IDENTITIES").fetchone()[0] == "default"
    c.close()
    with pytds.connect("127.0.0.1", port=port, user="a", password="b", database="entrasql") as c:
        with c.cursor() as cursor:
            cursor.execute("SHOW CONFIG")
            settings = {(row[1], row[2]) for row in cursor.fetchall()}
            assert ("pool", "off") in settings and ("http-quit", "yes") in settings
            c.commit()
            cursor.execute("SELECT DB_NAME()")
            assert cursor.fetchone()[0] == "entrasql"


def test_prepared_commands(programs, ops):
    """isql on Microsoft's driver prepares all that it is told: sp_prepexec, sp_unprepare."""
    said = run(["isql", "-k", f"Driver={programs.msodbc};Server=tcp:127.0.0.1,{ops.port()};UID=a;"
                "PWD=b;Encrypt=no;Database=entrasql", "-b", "-v"],
               input="SHOW STATS\nPAUSE\nRESUME\nSHOW NOTHING\nSHOW CLIENTS\n")
    assert "bytes_from_client" in said.stdout and "| a " in said.stdout, said
    assert "NOTHING" in said.stdout + said.stderr, said
    with pyodbc.connect(f"Driver={programs.msodbc};Server=tcp:127.0.0.1,{ops.port()};UID=a;PWD=b;"
                        "Encrypt=no;Database=entrasql", autocommit=True) as c:
        cursor = c.cursor()
        call = "DECLARE @h int; EXEC sp_prepare @h OUTPUT, NULL, N'SELECT 7'; SELECT @h"
        with pytest.raises(pyodbc.Error, match="SHOW HELP"):  # a text is not T-SQL here
            cursor.execute(call)
        with pytest.raises(pyodbc.Error, match="8179"):
            cursor.execute("{CALL sp_execute(99)}")
        assert cursor.execute("SELECT 1").fetchval() == 1


def test_entrasql_query_is_a_client_too(programs, identity_env, target, tmp_path):  # noqa: F811
    """With its token, which goes no further than the proxy, and only into TLS."""
    assert run([programs.entrasql, "proxy", "init-tls", "--dir", tmp_path / "tls"]).returncode == 0
    with proxy(programs, identity_env, [target], "--tls-certificate", tmp_path / "tls/server.pem",
               "--tls-key", tmp_path / "tls/server-key.pem") as p:
        env = {**identity_env, "SSL_CERT_FILE": str(tmp_path / "both.pem")}
        (tmp_path / "both.pem").write_text((tmp_path / "tls/ca.pem").read_text()
                                           + open(identity_env["SSL_CERT_FILE"]).read())
        result = run([programs.entrasql, "query", "-S", f"localhost,{p.port()}", "-d", "entrasql",
                      "--json", "-Q", "SHOW IDENTITIES"], env=env)
        assert result.returncode == 0 and '"default"' in result.stdout, result


def test_who_asks_the_admin_database_without_end_keeps_nobody_waiting(ops):
    """Requests are sent ahead as fast as the answers are read."""
    over = threading.Event()
    c = pytds.connect("127.0.0.1", port=ops.port(), user="any", password="any", database="entrasql",
                      autocommit=True)
    s = _socket_of(c)
    s.settimeout(30)

    def send():
        requests = message(BATCH, "SELECT 1") * 2000
        while not over.is_set():
            s.sendall(requests)
        s.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    receiver = threading.Thread(target=lambda: [None for _ in iter(lambda: s.recv(1 << 16), b"")],
                                daemon=True)
    receiver.start()
    try:
        for _ in range(3):
            with connect(ops.port(), login_timeout=15, timeout=15) as other:
                assert rows_of(other, "SELECT 7") == [7]
        assert sender.is_alive() and receiver.is_alive()
    finally:
        over.set()
        sender.join(timeout=30)
        receiver.join(timeout=30)
        s.close()
    assert not sender.is_alive() and not receiver.is_alive()


def test_errors_of_commands_are_errors_and_the_session_goes_on(ops):
    with connect(ops.port(), "entrasql") as c:
        cursor = c.cursor()
        for text, part in (("DROP TABLE x", "SHOW HELP"), ("SHOW NOTHING", "NOTHING"),
                           ("KILL 999999", "no client 999999"), ("use master", "no other database"),
                           ("RECONNECT nowhere", "no target 'nowhere'")):
            with pytest.raises(pymssql.Error) as e:
                cursor.execute(text)
            assert part in str(e.value), str(e.value)
        cursor.execute("SELECT @@SPID")
        assert cursor.fetchone()[0] > 0


def test_clients_are_shown_and_killed(ops):
    port = ops.port()
    victim = connect(port, user="alice")
    assert rows_of(victim, "SELECT 7") == [7]
    rows = show(port, "CLIENTS")
    [row] = [r for r in rows if r["login"] == "alice"]
    assert row["state"] == "active"
    assert [r["conn"] for r in show(port, "SERVERS")] == [row["conn"]]
    command(port, f"KILL {row['conn']}")
    until(lambda: not [r for r in show(port, "CLIENTS") if r["login"] == "alice"], "it is gone")
    with pytest.raises(pymssql.Error):
        rows_of(victim, "SELECT 8")
    lines = [line for line in ops.log if f"conn={row['conn']} " in line or
             line.rstrip().endswith(f"conn={row['conn']}")]
    assert any("login accepted" in line for line in lines)
    assert any("ended by an operator" in line for line in lines)


def test_pools_are_shown_paused_and_renewed(pooled):
    p = pooled
    port = p.port()
    with connect(port) as c:
        assert rows_of(c, "SELECT 1") == [1]
        [pool] = show(port, "POOLS")
        assert (pool["clients"], pool["lent"], pool["idle"]) == (1, 1, 0)
        [server] = show(port, "SERVERS")
        assert server["state"] == "lent" or server["state"] == "active", server
    until(lambda: show(port, "POOLS")[0]["idle"] == 1, "it comes back")
    first = show(port, "SERVERS")[0]["server_conn"]
    command(port, "RECONNECT")
    until(lambda: not show(port, "SERVERS"), "it is closed")
    with connect(port) as c:
        assert rows_of(c, "SELECT 1") == [1]
        assert show(port, "SERVERS")[0]["server_conn"] > first

    command(port, "PAUSE")
    assert curl(base_of(p) + "/readiness") == (503, "paused by an administrator\n")
    answers = []

    def ask():
        with connect(port, timeout=60) as c:
            answers.extend(rows_of(c, "SELECT 5"))

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: show(port, "POOLS")[0]["waiting"] == 1, "it waits")
    assert not answers
    command(port, "RESUME")
    thread.join(timeout=60)
    assert answers == [5]
    assert curl(base_of(p) + "/readiness")[0] == 200


def test_pause_without_a_pool_holds_logins(ops):
    port = ops.port()
    command(port, "PAUSE")
    answers = []

    def ask():
        with connect(port) as c:
            answers.extend(rows_of(c, "SELECT 5"))

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: "paused" in [r["state"] for r in show(port, "CLIENTS")], "it waits")
    assert not answers
    command(port, "RESUME")
    thread.join(timeout=60)
    assert answers == [5]


def test_one_target_is_paused_and_the_other_goes_on(programs, emulator, identity_env,  # noqa: F811
                                                    tmp_path):
    ini = tmp_path / "proxy.ini"
    ini.write_text("[proxy]\nlogin-timeout = 5\npool-size = 4\n" + "".join(
        f"[target {name}]\nserver = localhost,{emulator.port()}\ndatabase = persons\nlisten = 0\n{more}"
        for name, more in (("sales", "pool-size = 7\n"), ("web", ""))))
    with proxy(programs, {**identity_env, "ENTRASQL_PROXY_WARM_AGE": "9"}, [], "--config", str(ini),
               "--http", "127.0.0.1:0", "--pool-jitter", "5") as p:
        sales, web = p.port(0), p.port(1)
        with connect(sales) as c:
            assert rows_of(c, "SELECT 1") == [1]
        command(web, "PAUSE sales")
        with connect(web) as c:
            assert rows_of(c, "SELECT 1") == [1]
        assert "paused by an administrator" in tsql(sales, "SELECT 1")
        assert {r["target"]: r["remark"] for r in show(web, "POOLS")} == {"sales": "paused",
                                                                         "web": None}
        assert curl(base_of(p) + "/readiness")[0] == 200
        command(web, "PAUSE web")
        assert curl(base_of(p) + "/readiness")[0] == 503
        command(web, "RESUME sales")
        with connect(sales) as c:
            assert rows_of(c, "SELECT 2") == [2]
        command(web, "PAUSE")
        with pytest.raises(pymssql.Error, match="all targets are paused"):
            command(web, "RESUME web")
        command(web, "RESUME")
        with connect(web) as c:
            assert rows_of(c, "SELECT 3") == [3]
        # Each value comes from where it was said last.
        found = {(r["kind"], r["of"], r["setting"]): (r["value"], r["source"])
                 for r in show(web, "CONFIG")}
        assert found["target", "sales", "pool-size"] == ("7", f"{ini}:8: pool-size")
        assert found["target", "web", "pool-size"] == ("4", f"{ini}:3: pool-size")
        assert found["target", "web", "pool-jitter"] == ("5", "--pool-jitter")
        assert found["target", "web", "warm-age"] == ("9", "ENTRASQL_PROXY_WARM_AGE")
        assert found["target", "web", "pool-lifetime"] == ("3600", "default")
        assert found["proxy", "proxy", "http"] == ("127.0.0.1:0", "--http")


def as_nobody(programs, port, password):
    script = ("import os\nos.setuid(65534)\nimport pymssql\ntry:\n"
              f"    c = pymssql.connect(server='127.0.0.1', port='{port}', user='a',"
              f" password='{password}', database='entrasql', login_timeout=10)\n"
              "    k = c.cursor(); k.execute('SHOW CONFIG')\n"
              "    print('in', [r[2] for r in k.fetchall() if r[1] == 'admin-secret-file'])\n"
              "except Exception as e:\n    print(e)\n")
    return run([programs.python, "-c", script]).stdout


def test_who_may_use_the_admin_database(programs, identity_env, target, tmp_path):  # noqa: F811
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    secret = tmp_path / "secret"
    secret.write_text("s3cret-of-the-admin\n")
    secret.chmod(0o600)
    # Everybody may use the target, but not this.
    with proxy(programs, identity_env, [target], "--allow", "any") as p:
        assert "--admin-secret-file" in as_nobody(programs, p.port(), "x")
    with proxy(programs, identity_env, [target], "--allow", "own", "--admin-secret-file",
               str(secret)) as p:
        assert "in ['(set)']" in as_nobody(programs, p.port(), "s3cret-of-the-admin")
        said = as_nobody(programs, p.port(), "wrong")
        assert "admin secret" in said and "in [" not in said
        for what in ("CONFIG", "STATS", "IDENTITIES", "CLIENTS"):
            assert "s3cret" not in str(show(p.port(), what))
        assert "s3cret" not in "".join(p.log)


def test_the_admin_comes_in_when_the_proxy_is_full(programs, identity_env, target):  # noqa: F811
    with proxy(programs, identity_env, [target], "--max-clients", "1") as p:
        with connect(p.port()) as c:
            assert rows_of(c, "SELECT 1") == [1]
            assert "its limit" in tsql(p.port(), "SELECT 1") or "limit" in tsql(p.port(), "SELECT 1")
            assert len(show(p.port(), "CLIENTS")) == 2


def test_reload_by_command(programs, identity_env, emulator, tmp_path):  # noqa: F811
    manager = Manager(tmp_path / "notify")
    ini = tmp_path / "proxy.ini"
    text = (f"[proxy]\nmax-clients = 7\n[target persons]\nserver = localhost,{emulator.port()}\n"
            "database = persons\nlisten = 0\n")
    ini.write_text(text)

    def limit(port):
        return [r["value"] for r in show(port, "CONFIG")
                if (r["of"], r["setting"]) == ("proxy", "max-clients")]

    env = {**identity_env, "NOTIFY_SOCKET": manager.path}
    with proxy(programs, env, [], "--config", str(ini)) as p:
        manager.until("READY=1")
        port = p.port()
        with connect(port) as c:
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]
            assert limit(port) == ["7"]
            ini.write_text(text.replace("= 7", "= 8"))
            manager.seen.clear()
            command(port, "RELOAD")
            manager.until("RELOADING=1")
            assert any(line.startswith("MONOTONIC_USEC=") for line in manager.seen)
            manager.until("READY=1")
            assert limit(port) == ["8"]
            ini.write_text(text.replace("= 7", "= many"))
            with pytest.raises(pymssql.Error) as e:
                command(port, "RELOAD")
            assert "proxy.ini:2" in str(e.value) and "many" in str(e.value)
            assert limit(port) == ["8"]
            assert rows_of(c) == ["Ada", "Alan", "Edgar"]


# ---- the log ----

def test_every_line_of_a_session_has_its_number(programs, identity_env, target):  # noqa: F811
    with proxy(programs, identity_env, [target], "--pool", "on") as p:
        for number in (1, 2):
            with connect(p.port()) as c:
                assert rows_of(c, "SELECT 1") == [1]
            until(lambda n=number: any(re.search(rf"session ended.* conn={n}\b", line)
                                       for line in p.log), "it has ended")
        lines = list(p.log)
    assert any(re.search(r"login accepted.* conn=1\b", line) for line in lines)
    # The pool's connection is of nobody; all the rest is somebody's.
    nobodys = [line for line in lines if not re.search(r" (conn|server_conn)=\d", line)]
    assert not nobodys, nobodys


# ---- starting and the service manager ----

def test_the_connection_test_at_start(programs, identity_env, emulator, target):  # noqa: F811
    with proxy(programs, identity_env, [target], "--run-connection-test") as p:
        assert re.search(r"^connection test: localhost, database persons: logged in", p.said, re.M)
        assert re.search(r"^signed in by ManagedIdentityCredential as \S+ "
                         r"\(object id [0-9a-f-]{36}, tenant [0-9a-f-]{36}\)$", p.said, re.M)
    nowhere = f"localhost,{emulator.port()}/nosuchdatabase?listen=0"
    result = run([programs.entrasql, "proxy", nowhere, "--run-connection-test"], env=identity_env)
    assert result.returncode == 4 and "nosuchdatabase" in result.stderr, result.stderr


class Manager:
    """The service manager's end of sd_notify."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(30)
        self.seen = []

    def until(self, word):
        while True:
            if word in self.seen:
                return
            self.seen += self.socket.recv(4096).decode().split("\n")


def test_the_service_manager_is_told(programs, identity_env, target, tmp_path):  # noqa: F811
    manager = Manager(tmp_path / "notify")
    env = {**identity_env, "NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "900000"}
    with proxy(programs, env, [target]) as p:
        manager.until("READY=1")
        with connect(p.port()) as c:
            assert rows_of(c, "SELECT 1") == [1]
            manager.until("STATUS=ready; 1 clients, 1 server connections")
        manager.until("WATCHDOG=1")
        manager.seen.clear()
        manager.until("WATCHDOG=1")
        p.process.send_signal(signal.SIGTERM)
        manager.until("STOPPING=1")
        assert p.process.wait(timeout=30) == 0
