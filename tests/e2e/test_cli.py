# SPDX-License-Identifier: MIT
"""The program: help, version, token, query and its forms of output, the emulator's words."""
import csv
import io
import json
import os
import signal
import stat
import subprocess

import pytest

import odbc
from conftest import (ADMIN, APP_HOST, DATABASE, DEVELOPER, IDENTITY, ROOT, clean_environment, run,
                      running_emulator, wait_for)


def test_version(programs):
    result = run([programs.entrasql, "--version"])
    assert result.returncode == 0
    assert result.stdout.startswith("entrasql 0.1.0")


@pytest.mark.parametrize("words", [["--help"], ["token", "--help"], ["query", "--help"],
                                   ["odbc", "--help"], *(["connstr", word, "--help"] for word in ("show", "convert", "scan")), ["doctor", "--help"], ["explain", "--help"], ["odbc", "install", "--help"], ["odbc", "status", "--help"],
                                   ["emulator", "--help"], ["emulator", "start", "--help"],
                                   ["emulator", "env", "--help"],
                                   *(["emulator", word, "--help"] for word in (
                                       "user", "group", "app", "identity", "database", "server",
                                       "fault", "token", "reset", "seed", "status")),
                                   ["emulator", "device-code", "--help"]])
def test_help(programs, words):
    result = run([programs.entrasql, *words])
    assert result.returncode == 0 and result.stderr == ""
    assert "Usage:" in result.stdout or "usage:" in result.stdout
    assert all(len(line) <= 100 for line in result.stdout.splitlines())


@pytest.mark.parametrize("words, part", [
    ([], "--help"), (["nosuch"], "nosuch"), (["token", "--nosuch"], "--nosuch"),
    (["query", "-l", "abc"], "abc"), (["token", "--credential", "nosuch"], "nosuch"),
    (["query", "-Q"], "-Q"), (["emulator", "dance"], "dance"),
])
def test_usage_errors(programs, words, part):
    result = run([programs.entrasql, *words])
    assert result.returncode == 2, result.stderr
    assert part in result.stderr


def test_token_claims_never_show_the_token(emulator, programs):
    env = emulator.environment(IDENTITY, APP_HOST)
    token = run([programs.entrasql, "token"], env=env).stdout.strip()
    assert token.count(".") == 2
    result = run([programs.entrasql, "token", "--claims", "--json"], env=env)
    claims = json.loads(result.stdout)
    assert token.split(".")[2] not in result.stdout
    text = json.dumps(claims)
    assert env["AZURE_CLIENT_ID"] in text and "database.windows.net" in text


def test_token_json(emulator, programs):
    result = run([programs.entrasql, "token", "--json"], env=emulator.environment(DEVELOPER))
    facts = json.loads(result.stdout)
    assert "AzureCliCredential" in json.dumps(facts)


def test_query_table(emulator):
    result = emulator.query(ADMIN, "SELECT 1 AS a, N'h\u00e9llo' AS b, CAST(NULL AS int) AS c")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["a", "b", "c"]
    assert any("h\u00e9llo" in line and "NULL" in line for line in lines)
    assert "1 row" in result.stdout


def test_ca_file_is_for_the_server_and_not_for_entra(emulator, programs, tmp_path):
    env = emulator.environment("ci-app")
    query = [programs.entrasql, "query", "-Q", "SELECT 1", "--credential", "environment", "--ca-file"]
    trusted = env.pop("SSL_CERT_FILE")
    nobody = tmp_path / "own.pem"
    made = run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", "/CN=own", "-days", "2", "-keyout", tmp_path / "own.key", "-out", nobody])
    assert made.returncode == 0, made.stderr
    other = run([*query, nobody], env=dict(env, SSL_CERT_FILE=trusted))
    assert other.returncode == 6 and "own.pem (ca_file)" in other.stderr, other.stderr
    # The server is trusted by the file, Entra by SSL_CERT_FILE; by the wrong one only Entra fails.
    both = run([*query, trusted], env=dict(env, SSL_CERT_FILE=trusted))
    assert both.returncode == 4 and "18456" in both.stderr, both.stderr  # a token came, without a user
    lone = run([*query, trusted], env=dict(env, SSL_CERT_FILE=str(nobody)))
    assert lone.returncode == 6 and "/oauth2/v2.0/token" in lone.stderr, lone.stderr


def test_query_csv(emulator):
    result = emulator.query(ADMIN, "SELECT N'a,\"b\"' AS x, N'line1\nline2' AS y, NULL AS z",
                            options=["--csv"])
    rows = list(csv.reader(io.StringIO(result.stdout)))
    assert rows[0] == ["x", "y", "z"] and rows[1] == ['a,"b"', "line1\nline2", ""]


def test_query_json_types(emulator):
    rows = emulator.sql(ADMIN, "SELECT 1 AS i, CAST(1.50 AS decimal(5,2)) AS d, "
                               "CAST(1 AS bit) AS b, N'\u20ac\"' AS s, CAST(NULL AS int) AS n, "
                               "CAST('2024-02-29' AS date) AS dt")
    assert rows[0]["i"] == 1 and rows[0]["s"] == "\u20ac\"" and rows[0]["n"] is None
    assert str(rows[0]["d"]) in ("1.5", "1.50") and rows[0]["b"] in (True, 1)
    assert rows[0]["dt"] == "2024-02-29"


def test_query_go_and_messages(emulator, programs, tmp_path):
    script = tmp_path / "script.sql"
    script.write_text("PRINT 'one'\nGO\n-- GO inside a comment\nSELECT 'GO\nGO' AS text\ngo 2\n")
    result = run([programs.entrasql, "query", "-i", script, "--csv"],
                 env=emulator.environment(ADMIN))
    assert result.returncode == 0, result.stderr
    assert "one" in result.stderr + result.stdout
    assert result.stdout.count("GO\nGO") == 2


def test_query_stops_with_the_error_number(emulator):
    result = emulator.query(ADMIN, "SELECT 1/0")
    assert result.returncode == 8
    assert "Msg 8134, Level 16, State 1, Line 1" in result.stderr
    assert "Divide by zero" in result.stderr


def test_query_from_standard_input(emulator, programs):
    result = run([programs.entrasql, "query", "--csv"], env=emulator.environment(ADMIN),
                 input="SELECT 42 AS answer\n")
    assert result.returncode == 0 and "42" in result.stdout


def test_terminal_gets_no_control_characters_from_data(emulator, programs):
    import pty

    master, slave = pty.openpty()
    process = subprocess.Popen(
        [programs.entrasql, "query", "-Q", "SELECT CHAR(27) + '[31mred' AS x"],
        env=emulator.environment(ADMIN), stdin=subprocess.DEVNULL, stdout=slave, stderr=slave)
    os.close(slave)
    output = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        output += chunk
    process.wait(30)
    os.close(master)
    assert b"red" in output and b"\x1b[31mred" not in output


def test_interrupt_cancels_the_statement(emulator, programs):
    process = subprocess.Popen(
        [programs.entrasql, "query", "-Q", "WAITFOR DELAY '00:00:30'"],
        env=emulator.environment(ADMIN), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    assert wait_for(lambda: emulator.sql(ADMIN, "SELECT 1 AS one"))
    process.send_signal(signal.SIGINT)
    process.wait(10)
    assert process.returncode != 0


def test_no_secret_in_arguments_or_files_of_others(programs, tmp_path):
    with running_emulator(programs, tmp_path / "data") as other:
        for path in (tmp_path / "data").rglob("*"):
            mode = path.stat().st_mode
            if stat.S_ISREG(mode) and ("key" in path.name or "secret" in path.name
                                       or path.name == "emulator.json"):
                assert mode & 0o077 == 0, path
        token = other.token(ADMIN)
        assert token not in "".join(
            p.read_bytes().decode("latin1") for p in
            __import__("pathlib").Path("/proc").glob("[0-9]*/cmdline") if p.exists())


def test_emulator_words(programs, tmp_path):
    directory = tmp_path / "data"
    with running_emulator(programs, directory) as other:
        again = other.command("start", "--detach")
        assert again.returncode != 0 and "an emulator runs" in again.stderr
        assert other.command("status").returncode == 0
        assert other.command("env", "--as", "nobody").returncode == 2
        shell = other.command("env", "--as", ADMIN)
        assert "export AZURE_SQL_CONNECTIONSTRING=" in shell.stdout
        assert "unset " in shell.stdout
        assert other.stop().returncode == 0
        assert other.command("status").returncode != 0
        other.start()
        assert other.sql(ADMIN, "SELECT 1 AS one") == [{"one": 1}]


def test_two_emulators_do_not_mix(programs, tmp_path):
    with running_emulator(programs, tmp_path / "a") as a, \
            running_emulator(programs, tmp_path / "b") as b:
        env = a.environment(ADMIN)
        result = run([programs.entrasql, "query", "-S", f"localhost,{b.port()}", "-d", DATABASE,
                      "-Q", "SELECT 1"], env={**env, "SSL_CERT_FILE":
                                              b.environment(ADMIN)["SSL_CERT_FILE"]})
        assert result.returncode != 0


def test_logs_are_json_lines_and_hold_no_token(emulator, programs):
    env = {**emulator.environment(IDENTITY, APP_HOST)}
    result = run([programs.entrasql, "--log-level", "trace", "--log-format", "json", "token"],
                 env=env)
    assert result.returncode == 0, result.stderr
    token = result.stdout.strip()
    lines = result.stderr.splitlines()
    assert lines
    for line in lines:
        json.loads(line)
    assert token not in result.stderr and token.split(".")[1] not in result.stderr
    assert env["IDENTITY_HEADER"] not in result.stderr


@pytest.mark.skipif(odbc.SANITIZED, reason="the demo is of a build of its own, without sanitizers")
def test_demo_plays(programs):
    result = run([ROOT / "demo.sh"], env=clean_environment(), timeout=900)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Done: no password was used" in result.stdout
