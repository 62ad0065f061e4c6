# SPDX-License-Identifier: MIT
"""entrasql user: the Entra users of a database, by name and by id, and what each error of the server leads to."""
import json
import os
import pathlib

import pytest

from conftest import ADMIN, APP_HOST, IDENTITY, ROOT, run, running_emulator, seed_persons

GUID = "beb2a53a-7084-49a4-8cf2-20656088e575"
SID = "0x3AA5B2BE8470A4498CF220656088E575"


@pytest.fixture(scope="module")
def emulator(programs, tmp_path_factory, password_file):
    """An emulator of one's own: people with one name, a SQL login."""
    directory = tmp_path_factory.mktemp("user")
    seed = json.loads((ROOT / "examples" / "seed.json").read_text())
    seed["users"] += [{"upn": f"twin{i}@contoso.example", "name": "Twin"} for i in (1, 2)]
    seed["groups"] += [{"name": "Everybody", "security_enabled": False}]
    (directory / "seed.json").write_text(json.dumps(seed))
    with running_emulator(programs, directory / "data", "--seed", directory / "seed.json",
                          "--sql-login", "tester", "--password-file", password_file) as started:
        started.password = pathlib.Path(password_file).read_text()
        seed_persons(started)
        yield started


def user(emulator, *words, name=ADMIN, env=None):
    return run([emulator.programs.entrasql, "user", *words], env=env or emulator.environment(name))


def done(emulator, *words, **kwargs):
    result = user(emulator, words[0], "--json", *words[1:], **kwargs)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def refused(emulator, *words, **kwargs):
    result = user(emulator, *words, **kwargs)
    assert result.returncode != 0, result.stdout
    assert "hint: " in result.stderr, result.stderr
    return result.stderr


def listed(emulator):
    return {u["name"]: u for u in done(emulator, "list")}


def ids(emulator, kind, name):
    objects = json.loads(emulator.command(kind, "list", "--json").stdout)
    return next(o for o in objects if name in (o.get("upn"), o.get("name")))


def test_by_name_by_id_and_twice(emulator):
    emulator.command("identity", "add", "by-name", "--host", "by-name-app")
    emulator.command("identity", "add", "by-id", "--host", "by-id-app")
    assert done(emulator, "add", "by-name")["action"] == "added"
    by_id = done(emulator, "add", "by-id", "--app-id", ids(emulator, "identity", "by-id")["client_id"])
    assert by_id["sql"][0].endswith(", TYPE = E;"), by_id["sql"]
    for name in ("by-name", "by-id"):
        again = done(emulator, "add", name)
        assert (again["action"], again["sql"]) == ("unchanged", [])
        rows = emulator.sql(name, "SELECT USER_NAME() AS who, COUNT(*) AS n FROM Persons", f"{name}-app")
        assert rows == [{"who": name, "n": 3}]
        assert listed(emulator)[name]["roles"] == ["entrasql_app"]


def test_profiles_allow_what_they_say(emulator):
    read, write = "SELECT COUNT(*) FROM Persons", "UPDATE Persons SET FirstName = FirstName WHERE ID = -1"
    change = "CREATE TABLE made_by_profile (a int); DROP TABLE made_by_profile"
    for profile, allowed in (("none", ()), ("reader", (read,)), ("writer", (read, write)),
                             ("app", (read, write)), ("tutorial", (read, write, change))):
        name = f"with-{profile}"
        emulator.command("identity", "add", name, "--host", f"{name}-app")
        done(emulator, "add", name, "--profile", profile)
        for sql in (read, write, change):
            result = emulator.query(name, sql, f"{name}-app")
            assert (result.returncode == 0) == (sql in allowed), (profile, sql, result.stderr)


def test_oneself_and_groups(emulator):
    assert done(emulator, "add", "--me")["name"] == ADMIN
    group = ids(emulator, "group", "Developers")["object_id"]
    made = done(emulator, "add", "Developers", "--group-id", group, "--profile", "reader")
    assert (made["id"], made["type"]) == (group, "X")
    done(emulator, "remove", "dev@contoso.example")
    assert emulator.sql("dev@contoso.example", "SELECT COUNT(*) AS n FROM Persons") == [{"n": 3}]
    assert emulator.query("dev@contoso.example", "DELETE FROM Persons").returncode == 8


def test_an_identity_that_was_made_again(emulator):
    emulator.command("identity", "add", "again", "--host", "again-app")
    done(emulator, "add", "again", "--roles", "db_datareader")
    emulator.sql(ADMIN, "GRANT VIEW DEFINITION TO [again]")
    assert done(emulator, "repair", "again")["action"] == "unchanged"
    emulator.command("identity", "remove", "again")
    emulator.command("identity", "add", "again", "--host", "again-app")
    assert emulator.query("again", "SELECT 1", "again-app").returncode == 4
    client_id = ids(emulator, "identity", "again")["client_id"]
    assert "belongs to another principal" in refused(emulator, "add", "again", "--app-id", client_id)
    planned = done(emulator, "repair", "again", "--app-id", client_id, "--dry-run")
    assert planned["sql"][0] == "DROP USER [again];" and listed(emulator)["again"]["id"] != client_id
    assert done(emulator, "repair", "again", "--app-id", client_id)["id"] == client_id
    row = listed(emulator)["again"]
    assert row["roles"] == ["entrasql_app", "db_datareader"] or set(row["roles"]) == {
        "entrasql_app", "db_datareader"}
    assert row["permissions"] == ["VIEW DEFINITION"]
    assert emulator.sql("again", "SELECT COUNT(*) AS n FROM Persons", "again-app") == [{"n": 3}]
    assert done(emulator, "repair", "again")["action"] == "unchanged"


def test_names_that_try_to_break_out(emulator):
    """Each name of the corpus becomes a user of exactly that name, and nothing else happens."""
    before = emulator.sql(ADMIN, "SELECT COUNT(*) AS n FROM Persons")
    env = emulator.environment(ADMIN)
    tried = refusals = 0
    for line in (ROOT / "tests/data/migrate/names.txt").read_bytes().splitlines():
        if line.startswith(b"#"):
            continue
        word, name = line.split(b"\t", 1)
        name = name.decode("latin-1").encode("latin-1").decode("unicode_escape").encode("latin-1")
        name = os.fsdecode(name)
        if word == b"no":
            result = run([emulator.programs.entrasql, "user", "add", name, "--app-id", GUID],
                         env=env)
            assert result.returncode == 2 and "the user name" in result.stderr, (name, result)
            refusals += 1
        elif name != "dbo" and tried < 14:
            made = done(emulator, "add", "--app-id", GUID, "--profile", "tutorial", "--", name)
            assert made["name"] == name and listed(emulator)[name]["id"] == GUID
            done(emulator, "remove", "--", name)
            tried += 1
    assert tried == 14 and refusals > 15
    assert emulator.sql(ADMIN, "SELECT COUNT(*) AS n FROM Persons") == before
    assert GUID not in [u.get("id") for u in done(emulator, "list", "--all")]


def test_dry_run_is_the_statement(emulator):
    result = user(emulator, "add", "a]b", "--app-id", GUID, "--profile", "none", "--dry-run")
    assert result.stdout == f"CREATE USER [a]]b] WITH SID = {SID}, TYPE = E;\n"
    assert "a]b" not in listed(emulator)


def with_fault(emulator, fault, *words, **kwargs):
    assert emulator.command("fault", *fault.split(), "on").returncode == 0
    try:
        return refused(emulator, *words, **kwargs)
    finally:
        emulator.command("fault", fault.split()[0], "off")


def test_errors_of_the_server_are_explained(emulator):
    """33130, 33131, 33134, 33159, 37545, 15023 and kin, 18456, 4060, 40615 ... from the server itself."""
    assert "minute or two" in refused(emulator, "add", "nobody@contoso.example")
    assert "--with-object-id" in refused(emulator, "add", "Twin")
    twin = ids(emulator, "user", "twin2@contoso.example")["object_id"]
    assert "enterprise application" in refused(emulator, "add", "Twin", "--with-object-id", GUID)
    made = done(emulator, "add", "twin2@contoso.example", "--with-object-id", twin)
    assert made["id"] == twin
    assert "under the name" in refused(emulator, "add", "other", "--user-id", twin)
    emulator.command("identity", "add", "graphless", "--host", "graphless-app")
    assert "Directory Readers" in with_fault(emulator, "sql-graph", "add", "graphless")

    env = emulator.environment(ADMIN)
    env["AZURE_SQL_CONNECTIONSTRING"] += f";UID=tester;PWD={{{emulator.password}}}"
    text = refused(emulator, "add", "graphless", env=env)
    assert "Only connections established with Active Directory accounts" in text
    assert "not with a SQL login" in text
    client_id = ids(emulator, "identity", "graphless")["client_id"]
    assert done(emulator, "add", "graphless", "--app-id", client_id, env=env)["id"] == client_id

    assert "ALTER ANY USER" in refused(emulator, "add", "x", "--app-id", GUID, "--profile", "none",
                                       name="reader@contoso.example")
    emulator.sql(ADMIN, "CREATE SCHEMA owned AUTHORIZATION [graphless]")
    assert "ALTER AUTHORIZATION ON SCHEMA::[owned]" in refused(emulator, "remove", "graphless")
    assert "no role 'nope'" in refused(emulator, "add", "graphless", "--roles", "nope")
    assert "no schema 'nope'" in refused(emulator, "add", "graphless", "--schema", "nope")
    assert "role of the database" in refused(emulator, "add", "db_owner", "--app-id", GUID)

    emulator.command("identity", "add", "unknown", "--host", "unknown-app")
    text = refused(emulator, "list", env=emulator.environment("unknown", "unknown-app"))
    assert "The token is valid" in text
    assert "name of the database" in refused(emulator, "list", "-d", "nope",
                                 "-S", f"localhost,{emulator.port()}")
    for fault, words in (("sql-firewall", "firewall does not know this address"),
                         ("sql-private", "private endpoint"), ("sql-network", "virtual networks"),
                         ("sql-paused", "")):
        assert words in with_fault(emulator, fault, "list")


# The number that the server answers with, what provokes it, and a piece of the next step.
AT_LOGIN = {
    4060: "name of the database", 10928: "try again later", 10929: "try again later",
    18456: "Check user name", 33147: "Get a new token", 33154: "Get a new token",
    33155: "Get a new token", 33156: "Get a new token", 40197: "try again", 40501: "wait ten seconds",
    40531: "<server>.database.windows.net", 40532: "<server>.database.windows.net",
    40613: "try again in a minute", 40615: "its rules", 40914: "virtual network rules",
    42101: "private endpoint", 47072: "TLS 1.2", 47073: "private endpoint",
    49918: "try again later", 49919: "try again later", 49920: "try again later",
}


@pytest.mark.parametrize("number", sorted(AT_LOGIN))
def test_each_error_of_a_login_has_a_next_step(emulator, number):
    env = emulator.environment(ADMIN)
    env["AZURE_SQL_CONNECTIONSTRING"] += ";Connection Timeout=2"  # what may pass is tried again so long
    text = with_fault(emulator, f"sql-login-error --value {number}", "list", env=env)
    assert f"{number}" in text and AT_LOGIN[number] in text.split("hint: ")[1], text


# Who sends it, the statement, and a piece of the next step.
IN_A_SESSION = {
    15023: (ADMIN, "CREATE USER [db_owner] WITHOUT LOGIN", "entrasql user list"),
    15063: (ADMIN, f"CREATE USER a1 WITH SID = {SID}, TYPE = E; "
                   f"CREATE USER a2 WITH SID = {SID}, TYPE = E", "entrasql user list"),
    15138: (ADMIN, "CREATE USER owner1 WITHOUT LOGIN; EXEC('CREATE SCHEMA s1 AUTHORIZATION owner1'); "
                   "DROP USER owner1", "ALTER AUTHORIZATION ON SCHEMA"),
    15151: (ADMIN, "DROP USER nobody", "ALTER ANY USER"),
    15247: ("reader@contoso.example", "CREATE USER x WITHOUT LOGIN", "db_accessadmin"),
    15410: (ADMIN, "EXEC sp_addrolemember 'db_datareader', 'nobody'", "entrasql user list"),
    33130: (ADMIN, "CREATE USER [nobody@contoso.example] FROM EXTERNAL PROVIDER", "minute or two"),
    33131: (ADMIN, "CREATE USER Twin FROM EXTERNAL PROVIDER", "--with-object-id"),
    33132: (ADMIN, "CREATE USER Everybody FROM EXTERNAL PROVIDER", "group"),
    33159: (None, "CREATE USER [dev@contoso.example] FROM EXTERNAL PROVIDER", "Entra admin"),
    33162: (ADMIN, f"CREATE USER x WITH SID = {SID}", "TYPE = E"),
    33163: (ADMIN, f"CREATE USER x WITH SID = {SID}, TYPE = Q", "TYPE is E"),
    33168: (ADMIN, f"CREATE USER x FROM LOGIN y WITH SID = {SID}, TYPE = E", "do not go with"),
    33169: (ADMIN, f"CREATE USER [d\\x] WITH SID = {SID}, TYPE = E", "another one"),
    33170: (ADMIN, f"CREATE USER x WITH PASSWORD = 'Emulator-1', SID = {SID}, TYPE = E", "do not go with"),
    33171: (None, "EXECUTE AS USER = 'reader@contoso.example'", "Sign in with an Entra account"),
    37545: (ADMIN, f"CREATE USER Twin FROM EXTERNAL PROVIDER WITH OBJECT_ID = '{GUID}'", "enterprise application"),
}


@pytest.mark.parametrize("number", sorted(IN_A_SESSION))
def test_each_error_of_a_statement_has_a_next_step(emulator, number):
    """From the server itself, in a transaction that is given up; `explain` knows the number."""
    name, sql, words = IN_A_SESSION[number]
    env = emulator.environment(name or ADMIN)
    if name is None:
        env["AZURE_SQL_CONNECTIONSTRING"] += f";UID=tester;PWD={{{emulator.password}}}"
    result = run([emulator.programs.entrasql, "query", "-Q", f"BEGIN TRANSACTION; {sql}"], env=env)
    assert result.returncode != 0 and f"{number}" in result.stderr, result
    told = run([emulator.programs.entrasql, "explain", str(number)])
    assert told.returncode == 0 and words in told.stdout, told


def test_errors_of_a_statement_reach_the_user_with_their_next_step(emulator):
    """33132, 15151 and 15247 as `user` meets them: what it looked at first did not tell."""
    text = refused(emulator, "add", "Everybody")
    assert "principal type is not supported" in text and "Put the principal into a group" in text
    emulator.command("identity", "add", "half", "--host", "half-app")
    done(emulator, "add", "half", "--roles", "db_accessadmin", "--profile", "none")
    env = emulator.environment("half", "half-app")
    text = refused(emulator, "add", "x", "--app-id", GUID, "--profile", "none", "--roles", "db_datareader",
                   env=env)
    assert "Cannot alter the role 'db_datareader'" in text and "ALTER ANY ROLE" in text
    text = refused(emulator, "add", "x", "--app-id", GUID, "--profile", "none", name="reader@contoso.example")
    assert "does not have permission to perform this action" in text and "ALTER ANY USER" in text
    assert "x" not in listed(emulator)


def test_the_identity_of_the_tutorial(emulator):
    """The tutorial's own statements left nothing to do for its identity and roles."""
    result = done(emulator, "add", IDENTITY, "--profile", "tutorial")
    assert result["action"] == "unchanged", result
    assert emulator.sql(IDENTITY, "SELECT COUNT(*) AS n FROM Persons", APP_HOST) == [{"n": 3}]
