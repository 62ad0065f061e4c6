# SPDX-License-Identifier: MIT
"""The prompt of `entrasql query` on a real pseudo-terminal, read off its screen."""
import contextlib
import os
import random
import re
import signal
import socket
import stat
import subprocess
import time

import pytest

from conftest import ADMIN, DATABASE, READER, run, running_emulator, seed_persons, wait_for
from terminal import Terminal

SHOP = """CREATE SCHEMA shop;
GO
CREATE TABLE shop.orders (id int NOT NULL PRIMARY KEY,
  person int NOT NULL REFERENCES dbo.Persons(ID), total decimal(10,2) NOT NULL DEFAULT 0
  CHECK (total >= 0), note nvarchar(max) NULL, label nvarchar(40) NOT NULL DEFAULT N'-',
  made datetime2(3) NULL, twice AS total * 2);
CREATE UNIQUE INDEX ix_person ON shop.orders (person, made DESC);
CREATE TABLE [shop].[it's [odd]] 100%] (a int);
GO
CREATE VIEW shop.totals AS
SELECT person, SUM(total) AS total FROM shop.orders GROUP BY person
GO
CREATE PROCEDURE shop.add_order @id int AS
BEGIN
  INSERT INTO shop.orders (id, person) VALUES (@id, 1);
END
GO
"""
DROP = """DROP PROCEDURE shop.add_order; DROP VIEW shop.totals; DROP TABLE shop.orders;
DROP TABLE [shop].[it's [odd]] 100%]; DROP SCHEMA shop;"""


@pytest.fixture(scope="module")
def shop(emulator):
    """Objects that the shortcuts show."""
    env = emulator.environment(ADMIN)
    result = run([emulator.programs.entrasql, "query"], env=env, input=SHOP)
    assert result.returncode == 0, result.stderr
    yield emulator
    emulator.sql(ADMIN, DROP)


@pytest.fixture
def environment(shop, tmp_path):
    return dict(shop.environment(ADMIN), XDG_STATE_HOME=str(tmp_path / "state"))


@pytest.fixture
def open_shell(programs, environment):
    """Opens a prompt; all are closed in the end."""
    opened = []

    def start(*options, columns=100, **changes):
        t = Terminal([programs.entrasql, "query", *options], dict(environment, **changes), columns)
        opened.append(t)
        t.wait_for_prompt()
        return t

    yield start
    for t in opened:
        t.close()


@pytest.fixture
def shell(open_shell):
    return open_shell()


def history_file(environment):
    import pathlib
    return pathlib.Path(environment["XDG_STATE_HOME"]) / "entrasql" / "query_history"


def words(text):
    """Each line that is not empty as its cells."""
    return [re.split(r" {2,}", line.strip()) for line in text.splitlines() if line.strip()]


def give_up(shell, how=lambda shell: shell.send("\x03")):
    """Ctrl-C at the prompt: it is answered before anything else is typed."""
    seen = shell.raw.count(b"^C")
    how(shell)
    shell.wait(lambda: shell.raw.count(b"^C") > seen, what="the ^C")
    shell.wait_for_prompt()


# ---- statements ----

def test_a_semicolon_at_the_end_of_a_line_runs(shell):
    assert ["1", "two"] in words(shell.line("SELECT 1 AS a, 'two' AS b;"))


def test_several_lines_and_what_is_open(shell):
    shell.line("SELECT 1 AS a,", "persons-> ")
    shell.line("'it is;", "persons'> ")
    shell.line("so' AS [b", "persons[> ")
    shell.line("c], (", "persons(> ")
    shell.line("2) AS \"d", 'persons"> ')
    shell.line("e\" /* no;", "persons/*> ")
    shell.line("*/", "persons-> ")
    out = shell.line(";")
    assert ["1", "it is; so", "2"] in words(out)


def test_blocks_declarations_and_definitions_are_one_batch(shell):
    shell.line("BEGIN", "persons begin> ")
    shell.line("SELECT 7 AS inside;", "persons begin> ")
    assert ["7"] in words(shell.line("END;"))
    shell.line("DECLARE @a int = 5;", "persons go> ")
    shell.line("SELECT @a * 2 AS doubled;", "persons go> ")
    assert words(shell.line("GO 2")).count(["10"]) == 2
    shell.line("CREATE OR ALTER PROCEDURE shop.nothing AS SELECT 1 AS one;", "persons go> ")
    shell.line("SELECT 2 AS two;", "persons go> ")
    shell.line("GO")
    out = shell.line("EXEC shop.nothing;")
    assert ["one"] in words(out) and ["two"] in words(out)
    shell.line("DROP PROCEDURE shop.nothing;")
    shell.line("BEGIN TRANSACTION;", "persons*> ")  # opens no block
    shell.line("ROLLBACK;")


def test_an_error_has_its_hint_and_the_prompt_comes_back(shell):
    out = shell.line("CREATE USER [nobody] FROM EXTERNAL PROVIDER;")
    assert "Msg 33130" in out and "hint: Entra knows no such principal" in out
    assert ["3"] in words(shell.line("SELECT 3 AS still_here;"))


def test_hint_of_the_catalogue_without_a_prompt(emulator):
    result = emulator.query(ADMIN, "CREATE USER [nobody] FROM EXTERNAL PROVIDER")
    assert result.returncode == 8
    assert "\nhint: Entra knows no such principal" in result.stderr and "hint" not in result.stdout


def test_text_of_the_world_and_null(open_shell):
    t = open_shell(NO_COLOR="1")
    out = t.line("SELECT N'Z\u00fcrich \u65e5\u672c' AS t, NULL AS n;")
    assert "Z\u00fcrich \u65e5\u672c" in out.replace("\u65e5 ", "\u65e5").replace("\u672c ", "\u672c")
    assert b"\x1b[2m" not in t.raw
    t = open_shell()
    t.line("SELECT NULL AS n, 'NULL' AS s;")
    assert b"\x1b[2mNULL\x1b[0m" in t.raw and b"  NULL\r" in t.raw


def test_an_open_transaction_is_shown(shell):
    shell.line("BEGIN TRANSACTION;", "persons*> ")
    shell.line("SELECT (1", "persons*(> ")
    shell.line(") AS a;", "persons*> ")
    shell.line("SET IMPLICIT_TRANSACTIONS OFF;", "persons*> ")
    shell.line("COMMIT;")
    shell.line("BEGIN TRAN;", "persons*> ")
    shell.line("ROLLBACK;")


# ---- habits of sqlcmd ----

@pytest.mark.parametrize("option, answer", [
    ("-U sa", "a token names its user"), ("-PSecret1", "no password in arguments"),
    ("-E", "there is no Windows sign-in"), ("-G", "a Microsoft Entra token is always used"),
    ("-o out.txt", "> FILE"), ("-b", "leave it out"), ("-v a=1", "DECLARE @name"), ("-W", "--csv"),
])
def test_options_of_sqlcmd_are_answered(programs, environment, option, answer):
    result = run([programs.entrasql, "query", *option.split(), "-Q", "SELECT 1"], env=environment)
    assert result.returncode == 2 and answer in result.stderr and "Secret1" not in result.stderr
    assert f"entrasql query has no option {option[:2]}\nhint: " in result.stderr


def test_commands_of_sqlcmd_are_answered(shell, tmp_path):
    script = tmp_path / "a script.sql"
    script.write_text("SELECT 41 AS a\n")
    assert ["41"] in words(shell.line(f":r {script}"))
    assert ["41"] in words(shell.line(f':r "{script}"'))
    assert "there are no $(NAME) variables" in shell.line(":setvar name value")
    assert "\\c DATABASE" in shell.line(":connect elsewhere")
    assert "':nosuch' is no command here" in shell.line(":nosuch")
    assert "always ends it" in shell.line(":ON ERROR EXIT")
    shell.line("SELECT 42 AS b", "persons-> ")
    shell.line(":reset")
    shell.line("SELECT N'", "persons'> ")            # inside of a text it is text
    shell.line(":setvar", "persons'> ")
    assert [":setvar"] in words(shell.line("' AS c;"))
    assert words(shell.line("SELECT 43 AS d\nGO 3")).count(["43"]) == 3


def test_commands_of_sqlcmd_in_scripts(programs, environment, tmp_path):
    (tmp_path / "inner.sql").write_text("SELECT 51 AS a\nGO\nSELECT 52\n")
    (tmp_path / "outer.sql").write_text(":on error exit\n:r inner.sql\nAS b\nGO\n:quit\nSELECT 53\n")

    def play(name):
        return run([programs.entrasql, "query", "-i", name], env=environment, cwd=tmp_path)
    result = play("outer.sql")
    assert result.returncode == 0, result.stderr
    assert [["51"], ["52"]] == [w for w in words(result.stdout) if w[0].isdigit()]
    (tmp_path / "bad.sql").write_text("SELECT 1\n:setvar a b\n")
    result = play("bad.sql")
    assert result.returncode == 2 and result.stdout == ""
    assert "line 2: ':setvar a b' is neither SQL nor a command" in result.stderr
    assert "DECLARE @name" in result.stderr
    (tmp_path / "circle.sql").write_text(":r circle.sql\n")
    result = play("circle.sql")
    assert result.returncode != 0 and "more than 16 files deep" in result.stderr


def test_json_of_several_result_sets(programs, environment):
    """A JSON value a result set, one after another; what has no result set prints none."""
    import json
    sql = "SELECT 1 AS a; DECLARE @n int = 2; PRINT 'x'; SELECT 'y' AS b WHERE 1 = 0; SELECT @n AS c"
    result = run([programs.entrasql, "query", "--json", "-Q", sql], env=environment)
    assert result.returncode == 0 and result.stderr == "x\n"
    decoder, text, values = json.JSONDecoder(), result.stdout.strip(), []
    while text:
        value, end = decoder.raw_decode(text)
        values.append(value)
        text = text[end:].strip()
    assert values == [[{"a": 1}], [], [{"c": 2}]]


@pytest.mark.parametrize("word", ["exit", "QUIT;"])
def test_leaving_in_the_middle_says_how(shell, word):
    shell.line("SELECT 1 AS a", "persons-> ")
    out = shell.line(word, "persons-> ")
    assert "waits for a semicolon or GO" in out and "\\q ends" in out
    assert ["1"] in words(shell.line(";"))           # the word is no part of it
    shell.line("SELECT '", "persons'> ")
    assert "Ctrl-C forgets the statement; Ctrl-D ends" in shell.line(word, "persons'> ")
    give_up(shell)
    shell.line("SELECT 1 AS a", "persons-> ")
    shell.send("\\q\r")
    assert shell.end() == 0


# ---- Ctrl-C, Ctrl-D, the size ----

def test_ctrl_c_cancels_the_running_statement(shell):
    start = time.monotonic()
    shell.send("WAITFOR DELAY '00:01:00';\r")
    shell.wait_for("00:01:00")
    time.sleep(0.5)
    shell.send("\x03")
    shell.wait_for("Cancelled.")
    shell.wait_for_prompt()
    assert time.monotonic() - start < 30
    assert ["1"] in words(shell.line("SELECT 1 AS same_connection;"))
    assert "lost" not in shell.text()


def test_ctrl_c_at_the_prompt_gives_up_what_was_typed(shell):
    shell.line("SELECT (1", "persons(> ")
    shell.send("abc")
    shell.wait_for("abc")
    give_up(shell)
    assert ["8"] in words(shell.line("SELECT 8 AS a;"))
    give_up(shell, lambda shell: shell.process.send_signal(signal.SIGINT))
    assert shell.process.poll() is None


@pytest.mark.parametrize("typed", ["\x04", "\\q\r", "exit\r", "quit;\r", ":quit\r"])
def test_ways_to_end(shell, typed):
    shell.send(typed)
    assert shell.end() == 0
    assert "rolled back" not in shell.text()


@pytest.mark.parametrize("typed", ["\x04", "\\q\r"])
def test_end_of_an_open_transaction(shell, typed):
    shell.line("BEGIN TRANSACTION;", "persons*> ")
    shell.send(typed)
    assert shell.end() == 0
    assert "The open transaction is rolled back" in shell.text(), shell.text()


def test_the_farewell_is_broken_between_words(shell):
    shell.line("BEGIN TRANSACTION;", "persons*> ")
    shell.resize(40)
    shell.send("\x04")
    assert shell.end() == 0
    assert "The open transaction is rolled back;\n  COMMIT would have kept it.\n" in shell.text().replace("\r", "")


def test_another_connection_ends_the_transaction(shell):
    shell.line("BEGIN TRANSACTION;", "persons*> ")
    said = shell.line("\\c nosuch", "persons*> ")
    assert "Cannot open database" in said and "rolled back" not in said, said
    assert "The open transaction is rolled back" in shell.line(f"\\c {DATABASE}")
    assert "rolled back" not in shell.line(f"\\c {DATABASE}")


def test_tables_follow_the_size_of_the_terminal(shell):
    sql = "SELECT REPLICATE('x', 200) AS a, 1234567890 AS b, REPLICATE('y', 200) AS c;"
    out = shell.line(sql)
    cut, = [line for line in out.splitlines() if line.startswith("xxx")]
    assert len(cut) == 100 and cut.count("\u2026") == 2 and " 1234567890 " in cut
    assert "\\x shows all" in out
    shell.send("-- the line is drawn anew")
    shell.wait_for("anew")
    shell.resize(60)
    shell.wait(lambda: shell.raw.count(b"drawn anew") == 2, what="the line drawn anew")
    assert shell.text().count("persons> -- the line is drawn anew") == 1
    give_up(shell)
    out = shell.line(sql)
    cut, = [line for line in out.splitlines() if line.startswith("xxx")]
    assert len(cut) == 60 and " 1234567890 " in cut
    shell.resize(24)  # no table fits: a line a value
    give_up(shell)
    out = shell.line(sql)
    assert "-- row 1 --" in out and out.replace("\n", "").count("x") >= 200


# ---- shortcuts ----

def test_list_shortcuts(shell):
    assert [DATABASE, "ONLINE"] in [w[:2] for w in words(shell.line("\\l"))]
    assert ["shop", "dbo"] in words(shell.line("\\dn"))
    tables = [w[:3] for w in words(shell.line("\\dt"))]
    assert ["shop", "orders", "7"] in tables and ["dbo", "Persons", "3"] in tables
    assert [w[:2] for w in words(shell.line("\\dt s*.o?ders"))[2:]] == [["shop", "orders"]]
    # The signs of LIKE stand for themselves, and a quote ends nothing.
    assert [w[1] for w in words(shell.line("\\dt shop.it's [odd]*0%"))[2:]] == ["it's [odd] 100%"]
    assert len(words(shell.line("\\dt %"))) == 2
    assert ["shop", "totals"] in [w[:2] for w in words(shell.line("\\dv"))]
    assert ["shop", "add_order", "sql stored procedure"] in [w[:3] for w in words(shell.line("\\df"))]
    listed = [w[:4] for w in words(shell.line("\\d"))]
    assert ["shop", "orders", "user table", "7"] in listed
    assert ["shop", "totals", "view", "2"] in listed
    assert not any(w[1:2] == ["add_order"] for w in listed)
    users = words(shell.line("\\du"))
    assert [READER, "Entra user or app", "dbo", "db_datareader"] in users
    assert [DATABASE] in [w[1:] for w in words(shell.line("\\conninfo")) if w[0] == "Database"]
    assert [ADMIN] in [w[1:] for w in words(shell.line("\\conninfo")) if w[0] == "Login"]


def test_describe(shell):
    out = shell.line("\\d shop.orders")
    rows = words(out)
    assert rows[0] == ["shop.orders (user table)"]
    assert ["id", "int", "no"] in rows and ["total", "decimal(10,2)", "no", "(0)"] in rows
    assert ["note", "nvarchar(max)", "yes"] in rows and ["label", "nvarchar(40)"] in [w[:2] for w in rows]
    assert ["made", "datetime2(3)", "yes"] in rows and "as total * 2" in out
    assert ["ix_person", "unique index", "person, made DESC"] in rows
    assert any(w[1:] == ["primary key", "id"] for w in rows)
    assert any(w[1:] == ["orders (person)", "Persons (ID)"] for w in rows)
    assert any(w[1:] == ["((total >= 0))"] for w in rows)
    assert "[it's" not in out
    assert ["a", "int", "yes"] in words(shell.line("\\d shop.[it's [odd]] 100%]"))
    assert "no object of the name x'; DROP TABLE y--" in shell.line("\\d x'; DROP TABLE y--")
    assert "\\sf shop.add_order shows its text" in shell.line("\\d shop.add_order")
    assert "  INSERT INTO shop.orders" in shell.line("\\sf shop.add_order")
    assert "no view, procedure or function" in shell.line("\\sf shop.orders")


def test_connect_to_another_database_and_back(shell):
    assert "Connected to the database master." in shell.line("\\c master", "master> ")
    assert ["master"] in words(shell.line("SELECT DB_NAME() AS d;", "master> "))
    assert "Cannot open database" in shell.line("\\c nosuch", "master> ")
    assert ["master"] in words(shell.line("SELECT DB_NAME() AS d;", "master> "))
    shell.line(f"\\c {DATABASE}")


def test_switches(shell):
    assert "on" in shell.line("\\x")
    out = shell.line("SELECT 1 AS first, 'a' + CHAR(10) + 'b' AS second;")
    assert ["first", "1"] in words(out) and ["second", "a"] in words(out) and ["b"] in words(out)
    assert "off" in shell.line("\\x")
    assert "on" in shell.line("\\timing")
    assert re.search(r"^Time: \d+ ms$", shell.line("SELECT 1 AS a;"), re.M)
    assert "off" in shell.line("\\timing")


def test_include_go_and_reset(shell, tmp_path):
    script = tmp_path / "a script.sql"
    script.write_text("SELECT 11 AS a\nGO\nSELECT 12 AS b\n")
    out = words(shell.line(f"\\i {script}"))
    assert ["11"] in out and ["12"] in out
    assert "cannot open" in shell.line("\\i /nosuch/file")
    shell.line("SELECT 13 AS c", "persons-> ")
    assert ["13"] in words(shell.line("\\g"))
    shell.line("SELECT 14 AS d", "persons-> ")
    shell.line("\\r")
    assert "14" not in shell.line("\\g")
    out = shell.line("\\?")
    for name in ("\\l ", "\\dt ", "\\d [NAME]", "\\du ", "\\dn ", "\\c ", "\\x ", "\\timing", "\\i FILE",
                 "\\conninfo", "\\q "):
        assert name in out
    assert out == shell.line("help")
    assert "\\zz is no shortcut" in shell.line("\\zz")
    assert "\\sf needs a name" in shell.line("\\sf")


# ---- history ----

def test_history_of_two_runs(open_shell, environment):
    t = open_shell()
    t.line("SELECT 21 AS first;")
    t.line("SELECT 22", "persons-> ")
    t.line("AS second;")
    t.line("ALTER USER x WITH PASSWORD = 'Very-Secret-1';")
    t.line(" SELECT 23 AS unkept;")
    t.line("SELECT 24 AS third", "persons-> ")
    t.line("GO")
    t.send("\x04")
    assert t.end() == 0
    path = history_file(environment)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_text() == ("SELECT 21 AS first;\nSELECT 22\\nAS second;\n"
                                "SELECT 24 AS third\\nGO\n")
    t = open_shell()
    t.send("\x1b[A")
    t.wait_for("GO")
    assert ["24"] in words(t.line(""))
    t.send("\x1b[A\x1b[A")
    t.wait_for("AS second;")
    assert ["22"] in words(t.line(""))
    t.send("\x12first\r")  # Ctrl-R
    t.wait_for("SELECT 21")
    t.send("\r")
    t.wait(lambda: ["21"] in words(t.text()))
    t.close()
    t = open_shell("--no-history")
    t.send("\x1b[A")
    t.line("SELECT 29 AS fresh;")
    assert "29" not in path.read_text()


def test_history_that_others_can_read_is_not_used(open_shell, environment):
    path = history_file(environment)
    path.parent.mkdir(parents=True)
    path.write_text("SELECT 31;\n")
    path.chmod(0o644)
    t = open_shell()
    assert "No history is kept" in t.text()
    t.line("SELECT 32 AS a;")
    assert path.read_text() == "SELECT 31;\n"


# A terminal that takes its time to change its mode.
SLOW_TERMINAL = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <termios.h>
#include <unistd.h>
int tcsetattr(int fd, int when, const struct termios *t)
{
    int (*real)(int, int, const struct termios *) =
        (int (*)(int, int, const struct termios *))dlsym(RTLD_NEXT, "tcsetattr");
    usleep(200000);
    return real(fd, when, t);
}
"""


def test_what_is_typed_at_once_is_echoed_once(open_shell, tmp_path):
    source, library = tmp_path / "slow.c", tmp_path / "slow.so"
    source.write_text(SLOW_TERMINAL)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    shell = open_shell(LD_PRELOAD=str(library))
    for _ in range(2):
        shell.send("SELECT 5 AS typed;")
        shell.wait_for("AS typed;")
        shell.line("")
        assert [row for row in shell.rows() if "AS typed" in row][-1] == "persons> SELECT 5 AS typed;"


def test_a_line_goes_on_after_the_shell_had_the_terminal(programs, environment):
    """Ctrl-Z, fg: what was typed is drawn again, and the keys do what they did."""
    shell = Terminal(["/bin/bash", "--norc", "-i"], dict(environment, PS1="sh> ", HISTFILE="/dev/null"), 100)
    with shell:
        shell.wait_for_prompt("sh> ")
        shell.send(f"{programs.entrasql} query\r")
        shell.wait_for_prompt()
        for _ in range(2):
            shell.send("SELECT 'ha")
            shell.wait(lambda: shell.rows()[-1] == "persons> SELECT 'ha")
            shell.send("\x1a")
            shell.wait_for_prompt("sh> ")
            shell.send("fg\r")
            shell.wait(lambda: shell.rows()[-1] == "persons> SELECT 'ha")
            shell.send("lf' AS h FROM Per")
            shell.wait(lambda: shell.rows()[-1].endswith("Per"))
            shell.send("\t")
            shell.wait(lambda: shell.rows()[-1].endswith(" FROM Persons"))
            give_up(shell)
        shell.send("\x1a")
        shell.wait_for_prompt("sh> ")
        shell.send("fg\r")
        shell.wait_for_prompt()
        assert ["half"] in words(shell.line("SELECT 'half' AS h;"))


# ---- the Tab key ----

def tab(shell, typed, wanted):
    """Types, presses Tab, waits for the line that comes of it."""
    shell.send(typed)
    shell.wait(lambda: shell.rows()[-1].endswith(typed.rstrip()), what=typed)
    shell.send("\t")
    shell.wait(lambda: shell.rows()[-1].endswith(wanted.rstrip()), what=wanted)


@pytest.mark.parametrize("typed, wanted", [
    ("sel", "persons> select"), ("SEL", "persons> SELECT"), ("SELECT * FR", "SELECT * FROM"),
    ("SELECT * FROM Per", "SELECT * FROM Persons"), ("SELECT * FROM per", "SELECT * FROM Persons"),
    ("SELECT * FROM sho", "FROM shop."), ("SELECT * FROM shop.or", "FROM shop.orders"),
    ("SELECT * FROM shop.it", "FROM shop.[it's [odd]] 100%]"), ("SELECT * FROM shop.[it", "[it's [odd]] 100%]"),
    ("SELECT * FROM shop.orders o WHERE o.lab", "WHERE o.label"), ("SELECT * FROM shop.orders WHERE per", "WHERE person"),
    ("UPDATE shop.orders SET lab", "SET label"), ("EXEC shop.ad", "EXEC shop.add_order"),
    ("\\con", "\\conninfo"), ("\\d shop.to", "\\d shop.totals"), ("\\sf shop.add", "\\sf shop.add_order"),
    ("\\c mas", "\\c master"),
])
def test_tab_completes(shell, typed, wanted):
    tab(shell, typed, wanted)


def test_tab_over_lines_lists_and_inserts(shell):
    shell.line("SELECT *", "persons-> ")
    shell.line("FROM shop.orders o", "persons-> ")
    tab(shell, "WHERE o.", "persons-> WHERE o.")         # many begin so: they are listed
    shell.wait_for("made")
    assert {"id", "person", "total", "note", "label", "made", "twice"} <= set(shell.text().split())
    shell.send("tw\t = 1;\r")                            # more behind the tab: it is pasted text
    shell.wait_for("Invalid column name 'tw'")
    shell.wait_for_prompt()
    shell.send("\t1")                                    # nothing before it: an indent
    shell.wait(lambda: shell.rows()[-1].endswith("  1"), what="an indent")
    give_up(shell)
    tab(shell, "SELECT 'sel", "SELECT 'sel")             # inside of a text
    give_up(shell)
    assert ["5"] in words(shell.line("SELECT 5 AS a;"))


def test_tab_knows_new_tables_and_disturbs_nothing(shell):
    shell.line("BEGIN TRANSACTION;", "persons*> ")
    shell.line("UPDATE Persons SET LastName = LastName;", "persons*> ")
    tab(shell, "SELECT * FROM shop.or", "FROM shop.orders")
    give_up_in = "persons*> "
    shell.send("\x03")
    shell.wait_for_prompt(give_up_in)
    assert ["3", "1"] in words(shell.line("SELECT @@ROWCOUNT AS n, @@TRANCOUNT AS t;", "persons*> "))
    shell.line("ROLLBACK;")
    shell.line("CREATE TABLE shop.quite_new (first_column int);")
    tab(shell, "SELECT fir", "SELECT fir")               # no table is named yet
    give_up(shell)
    tab(shell, "INSERT INTO shop.qui", "INTO shop.quite_new")
    tab(shell, "(fi", "(first_column")
    give_up(shell)
    shell.line("DROP TABLE shop.quite_new;")


@contextlib.contextmanager
def own_server(programs, tmp_path, *options):
    """An emulator that may be stopped and started again, and a prompt that is connected to it."""
    sql, https, imds = lasting_ports(3)
    with running_emulator(programs, tmp_path / "data", "--port", sql, "--https-port", https,
                          "--imds-port", imds) as other:
        seed_persons(other)
        env = dict(other.environment(ADMIN), XDG_STATE_HOME=str(tmp_path / "state"))
        with Terminal([programs.entrasql, "query", *options], env, 100) as t:
            t.wait_for_prompt()
            yield other, t


def test_ctrl_c_while_a_large_batch_goes_out(programs, tmp_path):
    """A request that the server does not have whole is given up: it is not run, the connection stays."""
    script = tmp_path / "large.sql"
    script.write_text(f"INSERT INTO #t VALUES (LEN(N'{'x' * 20_000_000}'))\nGO\n")
    with own_server(programs, tmp_path) as (other, t):
        t.line("CREATE TABLE #t (n int);")
        pid = other.state()["pid"]
        os.kill(pid, signal.SIGSTOP)                     # the socket fills, and the rest waits
        try:
            t.send(f":r {script}\r")
            t.wait_for("large.sql")
            time.sleep(2)
            t.send("\x03")
            time.sleep(0.5)
        finally:
            os.kill(pid, signal.SIGCONT)
        t.wait_for("Cancelled.")
        t.wait_for_prompt()
        assert ["0"] in words(t.line("SELECT COUNT(*) AS n FROM #t;"))
        t.line(f":r {script}")
        assert ["20000000"] in words(t.line("SELECT n FROM #t;"))
        assert "lost" not in t.text()


def test_tab_without_a_server_is_silent(programs, tmp_path):
    with own_server(programs, tmp_path) as (other, t):
        other.stop()
        t.wait_for_prompt("not connected> ")
        tab(t, "SELECT * FROM Per", "FROM Per")
        tab(t, " wher", "where")
        start_again(other)
        t.send("\x03")
        t.wait_for_prompt("not connected> ")
        t.line("SELECT 1 AS a;")
        tab(t, "SELECT * FROM Per", "FROM Persons")


def test_editing_keys(shell):
    shell.send("SELECT 4 AS b;\x01\x1b[C\x1b[C\x1b[C\x1b[C\x1b[C\x1b[C\x1b[C1")  # the start, right by 7
    shell.wait_for("SELECT 14 AS b;")
    assert ["14"] in words(shell.line(""))
    shell.send("SELECT '\u00e4\u65e5' + 'x' AS c;")
    shell.wait_for("AS c;")
    assert "\u00e4" in shell.line("")


# ---- a connection that ends ----

def start_again(emulator):
    def starts():
        return emulator.command("start", "--detach", *emulator.options).returncode == 0
    assert wait_for(starts, 60)


def lasting_ports(count):
    """Below those that the system gives to whoever asks for any: they are free again after a stop."""
    found = []
    while len(found) < count:
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", random.randrange(20000, 32000)))
            found.append(str(s.getsockname()[1]))
    return found


def test_lost_connection_is_made_again(programs, tmp_path):
    with own_server(programs, tmp_path, "-l", "5") as (other, t):
        t.send("SELECT 1")                         # noticed while somebody types
        t.wait_for("SELECT 1")
        other.stop()
        t.wait_for("The connection was lost.")
        t.wait_for("not connected> SELECT 1")
        t.line(" AS a;", "not connected> ")
        assert "Connected again" not in t.text() and "hint:" in t.text()
        start_again(other)
        out = t.line("SELECT COUNT(*) AS n FROM Persons;")
        assert "Connected again." in out and ["3"] in words(out)
        t.send("WAITFOR DELAY '00:01:00'; DELETE FROM Persons;\r")
        t.wait_for("DELETE FROM")
        time.sleep(0.5)
        other.stop()
        t.wait_for("Connecting again failed")
        t.wait_for_prompt("not connected> ")
        start_again(other)
        assert ["3"] in words(t.line("SELECT COUNT(*) AS n FROM Persons;"))


def test_a_lost_transaction_is_not_gone_on_with(programs, tmp_path):
    """What was typed for it would be committed on its own."""
    with own_server(programs, tmp_path, "-l", "5") as (other, t):
        t.line("BEGIN TRANSACTION;", "persons*> ")
        t.line("DELETE FROM Persons WHERE ID = 1;", "persons*> ")
        other.stop()
        t.wait_for("with it the open transaction: the server rolls")
        t.wait_for_prompt("not connected> ")
        start_again(other)
        for sql in ("DELETE FROM Persons WHERE ID = 2;", "COMMIT;"):
            assert "Not run: it may belong to the transaction that was lost" in t.line(
                sql, "not connected> ")
        t.line("\\c")
        assert ["3"] in words(t.line("SELECT COUNT(*) AS n FROM Persons;"))
