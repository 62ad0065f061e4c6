# SPDX-License-Identifier: MIT
"""What people expect of a program's command line: help everywhere, a word for what was meant, exit
codes, output that ends early or cannot be written, and any width."""
import json
import os
import pathlib
import pty
import re
import signal
import socket
import subprocess
import time

import pytest

from conftest import ADMIN, clean_environment, run, wait_for

FULL, CLOSED, GONE = "full", "closed", "gone"


def said(programs, *words, **env):
    """The help or other text of a command that succeeds."""
    result = run([programs.entrasql, *words], env={**clean_environment(), **env})
    assert result.returncode == 0 and result.stderr == "", (words, result.stderr)
    return result.stdout


def commands(programs, *words):
    """The command and its words, and theirs."""
    text = said(programs, *words, "--help")
    found = [words]
    if "\nCommands:\n" in text:
        for line in text.split("\nCommands:\n")[1].split("\n\n")[0].splitlines():
            found += commands(programs, *words, line.split()[0])
    return found


# ---- help and version ----

def test_every_way_to_ask_for_help(programs):
    for words in commands(programs):
        text = said(programs, *words, "--help")
        assert text.startswith("Usage: " + " ".join(("entrasql", *words))), words
        assert said(programs, *words, "-h") == text
        assert said(programs, "help", *words) == text
    assert said(programs, "emulator", "help") == said(programs, "emulator", "--help")
    assert said(programs, "emulator", "help", "start") == said(programs, "emulator", "start", "--help")
    assert said(programs, "token", "help") == said(programs, "token", "--help")
    assert said(programs, "proxy", "help") == said(programs, "proxy", "--help")
    assert said(programs, "proxy", "help", "wait") == said(programs, "proxy", "wait", "--help")
    assert said(programs, "migrate", "plan", "help") == said(programs, "migrate", "plan", "--help")
    # What a command takes beside words is no matter: it is the command's help that is wanted.
    assert said(programs, "help", "explain", "18456") == said(programs, "explain", "--help")
    result = run([programs.entrasql, "help", "emulator", "strat"])
    assert result.returncode == 2 and "entrasql emulator start?" in result.stderr


def test_version_names_the_libraries(programs):
    text = said(programs, "--version")
    assert text.startswith("entrasql 0.1.0\n")
    assert re.search(r"^HTTP +libcurl/[0-9.]+ ", text, re.M)
    assert re.search(r"^TLS +OpenSSL [0-9.]+", text, re.M)
    assert os.uname().release in text
    assert text == said(programs, "-V") == said(programs, "version")


# ---- what was meant ----

@pytest.mark.parametrize("words, message, hint", [
    (["tokn"], "'tokn' is no command of entrasql", "Did you mean entrasql token?"),
    (["scan"], "'scan' is no command", "Did you mean entrasql connstr scan?"),
    (["emulator", "strat"], "'strat' is no word of entrasql emulator", "Did you mean entrasql emulator start?"),
    (["proxy", "shutdwon"], "'shutdwon' is no word of entrasql proxy", "Did you mean entrasql proxy shutdown?"),
    (["proxy", "wiat", "--timeout", "1"], "'wiat' is no word of entrasql proxy", "Did you mean entrasql proxy wait?"),
    (["proxy", "init"], "'init' is no word of entrasql proxy", "Did you mean entrasql proxy init-tls?"),
    (["proxy", "statsu"], "'statsu' is no word of entrasql proxy",
     "Did you mean entrasql proxy wait, which says whether it is there? A server of that name is written statsu/DATABASE."),
    (["proxy", "start"], "'start' is no word of entrasql proxy", "Did you mean entrasql proxy SERVER/DATABASE,"),
    (["proxy", "stop"], "'stop' is no word of entrasql proxy", "Did you mean entrasql proxy shutdown?"),
    (["proxy", "state"], "'state' is no word of entrasql proxy", "Did you mean entrasql proxy wait,"),
    (["proxy", "restart"], "'restart' is no word of entrasql proxy", "Did you mean entrasql proxy shutdown, and then"),
    (["proxy", "--http", "127.0.0.1:9", "statsu"], "'statsu' is no word of entrasql proxy", "Did you mean entrasql proxy wait,"),
    (["proxy", "--http", "127.0.0.1:9", "wait"], "'wait' stands behind options", "entrasql proxy wait ..."),
    (["proxy", "wait "], "'wait ' is no word of entrasql proxy", "Did you mean entrasql proxy wait?\n"),
    (["emulator", "--data-dir", "x", "status"], "--data-dir stands where a word is expected",
     "Options follow the word"),
    (["query", "--sevrer", "x"], "unknown option --sevrer", "Did you mean --server?"),
    (["query", "-server", "x"], "unknown option -s", "Did you mean --server?"),
    (["query", "--server", "--database", "d"], "--server needs a value, and the option --database follows",
     "--server=VALUE"),
    (["emulator", "stop", "--seed", "x"], "unknown option --seed",
     "--seed is an option of entrasql emulator start;"),
    (["emulator", "seed", "--as", "x"], "unknown option --as",
     "--as is an option of entrasql emulator env, entrasql emulator device-code and "),
    (["query", "--log-level", "debug"], "unknown option --log-level",
     "stands before them: entrasql --log-level ... query"),
    (["migrate", "plan", "--data-dir", "x"], "unknown option --data-dir",
     "--data-dir is an option of entrasql emulator start, "),
    (["--log-level", "warn", "token"], "'warn' is none of none, error, warning, info, debug, trace",
     "Did you mean warning?"),
    (["token", "--credential", "enviroment"], "none of default, environment,", "Did you mean environment?"),
    (["emulator", "user", "lits"], "'lits' is none of add, list, remove", "Did you mean list?"),
    (["emulator", "database", "remove", "x"], "'remove' is none of add, list", "DROP DATABASE"),
    (["emulator", "group"], "a word is missing, one of add, list, remove", "entrasql emulator group --help"),
    (["emulator", "fault", "sql-firewall", "maybe"], "'maybe' is none of on, off", "sql-firewall on"),
    (["emulator", "fault", "sql-firewall"], "on or off is missing", "sql-firewall on"),
    (["emulator", "fault"], "a fault's name is missing", "entrasql emulator fault list"),
    (["emulator", "device-code", "aprove", "X"], "'aprove' is none of approve, refuse", "Did you mean approve?"),
    (["emulator", "right", "giv", "x"], "'giv' is none of give, refuse, give-role", "Did you mean give?"),
    (["emulator", "seed"], "the seed file is missing", "entrasql emulator seed FILE"),
])
def test_the_error_names_what_was_meant(programs, tmp_path, words, message, hint):
    result = run([programs.entrasql, *words], env={**clean_environment(), "HOME": str(tmp_path)})
    assert result.returncode == 2 and result.stdout == "", result.stderr
    first, rest = result.stderr.split("\n", 1)
    assert message in first, result.stderr
    assert rest.startswith("hint: ") and hint in rest, result.stderr


# ---- exit codes ----

def test_help_and_manual_have_all_exit_codes(programs):
    table = said(programs, "--help").split("\nExit codes:\n")[1]
    codes = [int(c) for c in re.findall(r"^  (\d+) ", table, re.M)]
    header = (programs.prefix / "include" / "entrasql" / "status.h").read_text()
    classes = [int(n) for n in re.findall(r"ENTRASQL_CLASS_\w+ = (\d+)", header)]
    assert codes == [*classes, 12, 130, 141]
    assert "connstr scan" in re.search(r"^  12 .*", table, re.M)[0]
    page = (programs.prefix / "share" / "man" / "man1" / "entrasql-connstr-scan.1").read_text()
    assert [int(c) for c in re.findall(r"^\.TP\n\.B (\d+)$", page, re.M)] == codes
    for page in (programs.prefix / "share" / "man" / "man1").iterdir():
        assert ".SH EXIT STATUS\n.TP\n.B 0\n" in page.read_text(), page


# ---- output ----

def lost(programs, words, env, how):
    """Runs a command whose output cannot be written: the completed process, without its output."""
    command = [programs.entrasql, *words]
    if how == FULL:
        with open("/dev/full", "w") as out:
            return subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=out,
                                  stderr=subprocess.PIPE, text=True, timeout=60)
    if how == CLOSED:
        return subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *command], env=env, timeout=60,
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=writer,
                              stderr=subprocess.PIPE, text=True, timeout=60)
    finally:
        os.close(writer)


def printing(data):
    """Commands that print data, text or a word."""
    at = ["--data-dir", data]
    for form in ([], ["--json"], ["--csv"]):
        yield ["query", *form, "-Q", "SELECT name FROM sys.objects"]
    yield from (["query", "-Q", "PRINT 'x'"], ["token"], ["token", "--json"], ["token", "--claims"],
                ["emulator", "env", "--as", ADMIN, *at], ["emulator", "status", *at],
                ["emulator", "status", "--json", *at], ["emulator", "fault", "list", *at],
                ["emulator", "fault", "sql-delay", "off", *at], ["emulator", "user", "list", *at],
                ["emulator", "token", "--as", ADMIN, *at], ["connstr", "show", "--env", "CS"],
                ["connstr", "convert", "--env", "CS"], ["explain", "18456"], ["explain", "--json", "18456"],
                ["explain", "--all"], ["completion", "bash"], ["completion", "words", "--", ""], ["accounts"],
                ["odbc", "status"], ["doctor", "--json"], ["--version"], ["--help"], ["query", "--help"])


@pytest.mark.parametrize("how", [FULL, CLOSED, GONE])
def test_output_that_cannot_be_written(emulator, programs, how):
    env = {**emulator.environment(ADMIN), "CS": "Server=x;Database=d;User Id=u;Password=p"}
    for words in printing(emulator.directory):
        result = lost(programs, [str(w) for w in words], env, how)
        if how == GONE:
            assert (result.returncode, result.stderr) == (141, ""), (words, result)
        else:
            assert result.returncode == 10, (words, result)
            assert "cannot write to standard output" in result.stderr, (words, result)


def test_streams_that_are_closed_take_no_file(emulator, programs, tmp_path):
    """The number of a closed stream would be given to the next file or socket."""
    env = emulator.environment(ADMIN)
    script = tmp_path / "x.sql"
    script.write_text("SELECT 7 AS seven")
    for closing, code in (("<&-", 0), ("2>&-", 0), (">&- 2>&-", 10), ("<&- >&- 2>&-", 10)):
        result = run(["sh", "-c", f'exec "$@" {closing}', "sh", programs.entrasql, "query", "-i", script], env=env)
        assert result.returncode == code, (closing, result)
        assert ("7" in result.stdout) == (code == 0), (closing, result)
    assert script.read_text() == "SELECT 7 AS seven"
    result = run(["sh", "-c", 'exec "$@" <&-', "sh", programs.entrasql, "connstr", "show", "-"], env=env)
    assert result.returncode == 10 and "standard input" in result.stderr, result


# ---- width ----

@pytest.mark.parametrize("columns, width", [("x", 80), ("120", 100), ("40", 40)])
def test_help_is_as_wide_as_columns_says(programs, columns, width):
    env = {"COLUMNS": columns}
    for words in commands(programs):
        text = said(programs, *words, "--help", **env)
        for line in text.splitlines():
            # A word that is too long has a line of its own.
            assert len(line) <= width or len(line.split()) == 1, (words, line)
        names = re.findall(r"^      --(\S+)", text, re.M)
        assert set(names) == set(re.findall(r"^      --(\S+)", said(programs, *words, "--help"), re.M)), words
        if width < 72:
            assert not re.search(r"^ {6}--\S+( [^\s]+)?  +\S", text, re.M), words


def test_help_is_as_wide_as_the_terminal(programs):
    """COLUMNS is not asked there."""
    import fcntl
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 50, 0, 0))
    process = subprocess.Popen([programs.entrasql, "token", "--help"], stdout=slave, stderr=slave,
                               stdin=subprocess.DEVNULL, env={**clean_environment(), "COLUMNS": "90"})
    os.close(slave)
    text = b""
    while chunk := read(master):
        text += chunk
    os.close(master)
    assert process.wait(30) == 0
    lines = text.decode().splitlines()
    assert 40 < max(map(len, lines)) <= 50, lines


def read(fd):
    try:
        return os.read(fd, 65536)
    except OSError:  # the other side is closed
        return b""


# ---- folders ----

NOWHERE = "/dev/null/nobody"  # what cannot be a folder, for root neither


def homeless(**env):
    """An environment whose folders cannot be written; None takes a variable out."""
    base = {**clean_environment(), "HOME": NOWHERE, "TMPDIR": NOWHERE,
            **{f"XDG_{name}_HOME": NOWHERE for name in ("STATE", "CONFIG", "CACHE", "DATA")}, **env}
    return {k: v for k, v in base.items() if v is not None}


def test_what_needs_no_folder_works_without_one(emulator, programs):
    signed_in = emulator.environment(ADMIN)
    for env in (homeless(), homeless(HOME=None, XDG_STATE_HOME=None, TMPDIR=None)):
        env = {**signed_in, **env, "PATH": signed_in["PATH"]}
        for name in ("AZURE_CONFIG_DIR", "SSL_CERT_FILE", "AZURE_SQL_CONNECTIONSTRING", "ENTRASQL_EMULATOR_DIR"):
            if name in signed_in:
                env[name] = signed_in[name]
        if "HOME" not in env:
            env.pop("HOME", None)
        app = {k: v for k, v in emulator.environment("ci-app").items() if k.startswith("AZURE_")}
        for words in (["token", "--credential", "environment"], ["accounts"], ["explain", "18456"],
                      ["connstr", "show", "--env", "AZURE_SQL_CONNECTIONSTRING"], ["help", "query"],
                      ["emulator", "status", "--data-dir", emulator.directory],
                      ["emulator", "env", "--as", ADMIN, "--data-dir", emulator.directory]):
            result = run([programs.entrasql, *words], env={**env, **app})
            assert result.returncode == 0 and result.stderr == "", (words, result)


@pytest.mark.parametrize("words, place, variables, code", [
    (["emulator", "start", "--detach"], NOWHERE, ["--data-dir", "ENTRASQL_EMULATOR_DIR", "XDG_STATE_HOME"], 10),
    (["login", "--device-code"], NOWHERE, ["HOME", ".IdentityService"], 10),
    (["odbc", "install", "--user"], NOWHERE + "/.odbcinst.ini", ["HOME", "--system"], 2),
    (["manual", "--dir", NOWHERE], NOWHERE, ["--dir"], 10),
])
def test_a_folder_that_cannot_be_made_is_named(programs, words, place, variables, code):
    env = homeless(AZURE_TOKEN_CREDENTIALS="EnvironmentCredential")
    result = run([programs.entrasql, *words], env=env)
    assert result.returncode == code, result
    first, rest = result.stderr.split("\n", 1)
    assert place in first or "cannot make the folder /dev/null: Not a directory" in first, result.stderr
    assert ".tmp" not in first
    assert rest.startswith("hint: ") and all(v in rest for v in variables), result.stderr


def test_the_journal_of_a_migration_has_a_place(emulator, programs):
    result = run([programs.entrasql, "migrate", "rollback", "--host", "vm", "--app", "a", "--resource-group", "g",
                  "--sql-server", "s", "--database", "d", "--identity", "app-id", "--credential", "environment",
                  "--azure-subscription", "c0470500-7e57-4000-8000-000000000001"],
                 env={**emulator.environment("ci-app"), "HOME": NOWHERE, "XDG_STATE_HOME": NOWHERE})
    assert result.returncode == 10 and "cannot make the folder /dev/null: Not a directory" in result.stderr, result
    assert "hint: --journal names another file" in result.stderr and "XDG_STATE_HOME" in result.stderr


@pytest.mark.parametrize("words, variables", [
    (["emulator", "start", "--detach"], ["HOME", "XDG_STATE_HOME", "ENTRASQL_EMULATOR_DIR", "--data-dir"]),
    (["emulator", "status"], ["HOME", "XDG_STATE_HOME", "ENTRASQL_EMULATOR_DIR", "--data-dir"]),
    (["login", "--device-code"], ["HOME"]),
    (["odbc", "install", "--user"], ["HOME", "--system"]),
])
def test_without_home_the_variables_are_named(programs, words, variables):
    result = run([programs.entrasql, *words], env=homeless(HOME=None, XDG_STATE_HOME=None))
    assert result.returncode == 2 and "\nhint: " in result.stderr, result
    assert all(v in result.stderr for v in variables), result.stderr


# ---- the emulator's start, status and stop ----

@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("how", ["busy", "stopped"])
def test_start_that_is_interrupted_leaves_nothing(emulator, programs, tmp_path, number, how):
    """A person gives up while it starts; "stopped" is one that does not hear that it shall end."""
    data, seed = tmp_path / "data", tmp_path / "seed.json"
    world = json.loads((emulator.directory / "seed.json").read_text())
    world["users"] += [{"upn": f"u{i}@contoso.example", "password": "Many-passwords-1"} for i in range(90)]
    seed.write_text(json.dumps(world))
    seed.chmod(0o600)
    words = [programs.entrasql, "emulator", "start", "--detach", "--data-dir", data]
    with subprocess.Popen([*words, "--seed", seed], env=clean_environment(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        child = int(wait_for(children.read_text, 30))
        os.kill(child, signal.SIGSTOP)  # else it could be ready before the signal is there
        process.send_signal(number)
        if how == "busy":
            os.kill(child, signal.SIGCONT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == -number and out == "", (process.returncode, out, err)
    assert err == "entrasql: interrupted: the emulator was stopped before it was ready\n"
    again = run(words)
    try:
        assert again.returncode == 0, again.stderr
    finally:
        run([programs.entrasql, "emulator", "stop", "--data-dir", data])


def test_emulator_status_says_what_start_said(programs, tmp_path):
    data = tmp_path / "data"
    at = ["--data-dir", data]

    def emulator(*words):
        return run([programs.entrasql, "emulator", *words, *at])

    started = emulator("start", "--detach")
    assert started.returncode == 0, started.stderr
    try:
        places = re.findall(r"^  .*", started.stdout, re.M)
        assert len(places) == 7 and places[0].startswith("  Entra              https://localhost:")
        status = emulator("status")
        assert re.match(r"entrasql emulator: running, process \d+\.\n", status.stdout)
        assert status.stdout.split("\n", 1)[1].startswith("\n".join(places) + "\n"), status.stdout
        assert "  managed identities MigrationIdentity, " in status.stdout
        again = emulator("start")
        assert again.returncode == 9, again
        assert "an emulator runs on " in again.stderr and "entrasql emulator status" in again.stderr
    finally:
        stopped = emulator("stop")
    assert (stopped.returncode, stopped.stdout) == (0, "The emulator has ended.\n")
    for word in ("stop", "status"):
        absent = emulator(word)
        assert absent.returncode == 2 and f"no emulator runs on {data}" in absent.stderr
        assert "--data-dir" in absent.stderr and "ENTRASQL_EMULATOR_DIR" in absent.stderr
    assert "entrasql emulator start" in absent.stderr
    assert "to be stopped" in emulator("stop").stderr


# ---- arguments that nobody would give ----

@pytest.mark.parametrize("argument", ["", "x" * 100_000, b"\xff\xfe\x1b[2J", "--", "\u200b"],
                         ids=["empty", "long", "bytes", "end", "wide"])
def test_odd_arguments(programs, tmp_path, argument):
    """Each command ends soon, with an exit code of the table and a text that steers no terminal."""
    env = {**clean_environment(), "HOME": str(tmp_path), "ODBCSYSINI": str(tmp_path),
           "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential", "XDG_STATE_HOME": str(tmp_path)}
    endless = {("emulator", "start"), ("doctor",)}  # the first would start, the second takes its time
    for words in commands(programs):
        if argument == "--" and words in endless:
            continue
        result = subprocess.run([programs.entrasql, *words, argument], env=env, timeout=40, cwd=tmp_path,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert result.returncode in ((0, 2, 3, 5, 9, 10) if len(argument) > 10_000 else (0, 2, 3, 5, 9)), (words, result)
        error = result.stderr.decode()
        assert "\x1b" not in error and len(error) < 5000, (words, error)
        assert result.returncode == 0 or error or words == ("odbc", "status"), words


@pytest.mark.parametrize("words, message, hint", [
    (["token", "--client-secret-file", ""], "--client-secret-file: the name is empty", "entrasql token --help"),
    (["token", "--object-id", "x"], "--object-id has no meaning with --credential default",
     "goes with --credential managed-identity"),
    (["token", "--tenant", "x", "--credential", "managed-identity"],
     "--tenant has no meaning with --credential managed-identity", "default, client-secret, "),
    (["emulator", "start", "--backend-login", "x"], "--backend-login has no meaning without --backend", None),
    (["emulator", "server"], "--admin or --entra-only is missing", "entrasql emulator server --help"),
    (["emulator", "server", "--admin", b"\xff"], "--admin is not valid UTF-8", "entrasql emulator status"),
    (["user", "add"], "the name of the user is missing", "entrasql user add NAME"),
    (["user", "remove"], "the name of the user is missing", "entrasql user remove NAME"),
])
def test_what_is_missing_or_without_meaning(programs, tmp_path, words, message, hint):
    result = run_bytes([programs.entrasql, *words], {**clean_environment(), "HOME": str(tmp_path)})
    assert result.returncode == 2, result
    first, rest = result.stderr.decode().split("\n", 1)
    assert message in first
    assert hint is None or (rest.startswith("hint: ") and hint in rest), rest


def run_bytes(arguments, env):
    return subprocess.run(arguments, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)


# ---- Ctrl-C ----

def interrupted(words, env, ready):
    """What it says, and its exit code (negative: by the signal, which a shell shows as 128 and its number)."""
    with subprocess.Popen(words, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as process:
        ready()
        process.send_signal(signal.SIGINT)
        return process.communicate(timeout=30)[0], process.returncode


def test_ctrl_c_while_connecting_ends_by_the_signal(programs):
    accepted = []  # and held: closed, it would end the program by itself
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        text, code = interrupted([programs.entrasql, "query", "-S", f"localhost,{silent.getsockname()[1]}", "-d", "d",
                                  "-Q", "SELECT 1"], clean_environment(), lambda: accepted.append(silent.accept()))
    assert code == -signal.SIGINT and text == "", (code, text)
    assert "\n  130   ended by Ctrl-C" in said(programs, "--help")


def test_ctrl_c_in_a_statement_cancels_it(emulator, programs):
    env = emulator.environment(ADMIN)
    words = [programs.entrasql, "query", "-Q", "WAITFOR DELAY '00:00:30'"]
    text, code = interrupted(words, env, lambda: time.sleep(2))
    assert code == 11 and "cancelled" in text, (code, text)


# ---- files that should hold a token ----

@pytest.mark.parametrize("content, says", [
    (b"", "is empty"),
    (b" \n", "is empty"),
    (b"Bearer eyJ0.e30.x\n", "begins with the word Bearer"),
    (b'{"accessToken": "eyJ0.e30.x"}', "holds JSON"),
    (b"\x7fELF\x02\x00\x00" + bytes(range(256)), "holds characters that no token has"),
    (b"eyJ0.e30.x\neyJ0.e30.x\n", "holds characters that no token has"),
], ids=["empty", "blank", "bearer", "json", "bytes", "two"])
@pytest.mark.parametrize("words", [
    ["doctor", "-S", "localhost", "-d", "d", "--token-file"],
    ["token", "--credential", "on-behalf-of", "--tenant", "t", "--client-id", "c", "--user-token-file"],
], ids=["doctor", "on-behalf-of"])
def test_a_file_that_holds_no_token(programs, tmp_path, words, content, says):
    file = tmp_path / "token"
    file.write_bytes(content)
    file.chmod(0o600)
    result = run([programs.entrasql, *words, file])
    assert result.returncode == 2 and f"the token file '{file}' {says}" in result.stderr, result
    assert "hint: " in result.stderr and "entrasql token" in result.stderr and "eyJ0" not in result.stderr


def test_a_federated_file_that_holds_no_token(programs, tmp_path):
    file = tmp_path / "token"
    file.write_bytes(b"Bearer eyJ0.e30.x")
    result = run([programs.entrasql, "token", "--credential", "workload-identity", "--tenant", "t", "--client-id", "c",
                  "--assertion-file", file])
    assert result.returncode == 3 and f"{file}: the client assertion is not a token" in result.stderr, result
    assert "hint: " in result.stderr and "no Bearer" in result.stderr and "eyJ0" not in result.stderr


# ---- inputs that are too large ----

@pytest.mark.parametrize("words, message", [
    (["query", "-S", "localhost", "-d", "d", "-i", "/dev/zero"], "/dev/zero is longer than 64 MiB"),
    (["query", "-S", "localhost", "-d", "d"], "standard input is longer than 64 MiB"),
    (["doctor", "-"], "standard input holds more than 65536 bytes"),
    (["connstr", "show"], "standard input holds more than 65536 bytes"),
    (["connstr", "show", "--file", "FILE"], "is larger than the limit of"),
    (["doctor", "-S", "localhost", "-d", "d", "--token-file", "FILE"], "is larger than the limit of 65536 bytes"),
    (["token", "--credential", "on-behalf-of", "--tenant", "t", "--client-id", "c", "--user-token-file", "FILE"],
     "is larger than the limit of 65536 bytes"),
    (["token", "--credential", "client-secret", "--tenant", "t", "--client-id", "c", "--client-secret-file", "FILE"],
     "is larger than the limit of 65536 bytes"),
])
def test_what_is_too_large_is_a_mistake_of_usage(programs, tmp_path, words, message):
    large = tmp_path / "large"
    large.write_bytes(b"x" * 200000)
    large.chmod(0o600)
    with open("/dev/zero", "rb") as endless:
        result = subprocess.run([programs.entrasql, *(large if w == "FILE" else w for w in words)], stdin=endless,
                                env=clean_environment(), capture_output=True, text=True, timeout=60)
    assert result.returncode == 2, result.stderr
    assert message in result.stderr and "\nhint: " in result.stderr
