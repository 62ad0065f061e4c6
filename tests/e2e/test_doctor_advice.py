# SPDX-License-Identifier: MIT
"""entrasql doctor and what comes of its advice: its verdict is the library's own, its commands run as they stand."""
import re
import shlex

from conftest import ADMIN, DATABASE, run
from doctors import PASSWORD, doctor, shared, world  # noqa: F401 (fixtures)


def line_of(facts, word):
    return next(l for l in facts["links"] if l["diagnosis"] == word)


def command(fix, start):
    """The words of a command in the advice, as a shell splits it, up to where it ends there."""
    words = []
    lexer = shlex.shlex(fix[fix.index(start) + len(start):].replace("group's", ""), posix=True,
                        punctuation_chars=";&")
    lexer.whitespace_split = True
    for word in lexer:
        if word in (";", "&&"):
            break
        words.append(word)
    return words


def test_egress_that_forbids_imds(world):
    """What answers 403 at the address of IMDS is no managed identity: the chain goes on, as in programs."""
    def refuse(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nForbidden")

    env = world.env(ADMIN, AZURE_TOKEN_CREDENTIALS=None,
                    AZURE_POD_IDENTITY_AUTHORITY_HOST=f"http://127.0.0.1:{world.serve(refuse)}")
    facts, code = doctor(world, env)
    assert code == 0 and facts["firstFailure"] is None, facts
    asked = run([world.programs.entrasql, "query", "-Q", "SELECT 1"], env=env)
    assert asked.returncode == 0, asked.stderr


def identity(world, name):
    world.say("identity", "add", name)
    world.later("identity", "remove", name)
    return world.env(name)


def test_names_are_words_of_a_shell(world):
    place = ["-S", f"localhost,{world.emulator.port()}", "-d", DATABASE]
    for name in ("My App (prod)", "x; rm"):
        facts, code = doctor(world, identity(world, name))
        assert code == 4, facts
        fix = line_of(facts, "no-user")["fix"]
        added = command(fix, "entrasql user add ")
        assert added[0] == name and added[1] == "--app-id" and added[3:] == place, fix
        repaired = command(fix, "entrasql user repair ")
        assert repaired == [name, *place], fix


def test_advice_for_an_identity_made_again_mends_it(world):
    identity(world, "Made Again")
    world.sql("CREATE USER [Made Again] FROM EXTERNAL PROVIDER")
    world.stack.callback(lambda: world.sql("DROP USER [Made Again]"))
    world.say("identity", "remove", "Made Again")
    world.say("identity", "add", "Made Again")
    env = world.env("Made Again")
    facts, code = doctor(world, env)
    assert code == 4, facts
    words = command(line_of(facts, "no-user")["fix"], "entrasql user repair ")
    admin = world.env(ADMIN)
    mended = run([world.programs.entrasql, "user", "repair", *words], env=admin)
    assert mended.returncode == 0, mended.stderr
    facts, code = doctor(world, env)
    assert code == 0, facts


def test_firewall_names_the_address(world):
    world.fault("sql-firewall")
    facts, _ = doctor(world, world.env(ADMIN))
    fix = line_of(facts, "firewall")["fix"]
    assert "--start-ip-address 127.0.0.1 --end-ip-address 127.0.0.1" in fix, fix


def test_advice_names_what_was_seen(world):
    """The user that the admin sees, and the variable that holds a password."""
    identity(world, "Was Here")
    world.sql("CREATE USER [Was Here] FROM EXTERNAL PROVIDER")
    world.stack.callback(lambda: world.sql("DROP USER [Was Here]"))
    world.say("identity", "remove", "Was Here")
    world.say("identity", "add", "Was Here")
    env = world.both("Was Here", None)
    env["SQLAZURECONNSTR_Orders"] = f"Server=s;Initial Catalog=d;User ID=u;Password={PASSWORD}"
    facts, _ = doctor(world, env)
    assert command(line_of(facts, "stale-user")["fix"], "entrasql user repair ") == [
        "Was Here", "-S", f"localhost,{world.emulator.port()}", "-d", DATABASE]
    assert "--env SQLAZURECONNSTR_Orders" in line_of(facts, "password-left")["fix"]


def test_a_token_of_a_file_that_has_expired(world):
    """The advice makes the file anew."""
    file = world.file(world.say("token", "--as", ADMIN, "--expired"), "my token")
    facts, code = doctor(world, world.env(ADMIN), "--token-file", file)
    line = line_of(facts, "token-expired")
    assert code == 3 and re.fullmatch("the token expired [0-9]+ s ago", line["text"]), line
    assert f"entrasql token > '{file}'." in line["fix"], line


def test_a_password_stays_with_its_server(world):
    """-S names another server than the string: what signs in there is a token, as without the string."""
    port = world.emulator.port()
    string = f"Server=tcp:other.example,1433;Database={DATABASE};UID=somebody;PWD={PASSWORD}"
    env = world.env(ADMIN, AZURE_SQL_CONNECTIONSTRING=string)
    facts, code = doctor(world, env, "-S", f"localhost,{port}")
    assert code == 0, facts
    assert not [l for l in facts["links"] if l["diagnosis"] == "sql-login-refused"], facts
    same = f"Server=tcp:localhost,{port};Database={DATABASE};UID=somebody;PWD={PASSWORD}"
    facts, code = doctor(world, world.env(ADMIN, AZURE_SQL_CONNECTIONSTRING=same), "-S", f"localhost,{port}")
    assert facts["firstFailure"] == "sql-login-refused", facts
