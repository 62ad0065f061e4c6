# SPDX-License-Identifier: MIT
"""The T-SQL corpus over the wire: every case of tests/data/tsql/engine on one emulator.

Each case has a database of its own, as its statements ask for an empty one; "persons", which the
corpus calls it, is replaced by its name in what goes out and in what is wanted. The unit tests run
the same files inside the engine; the rules of comparison are theirs (engine_test.c).
"""
import json
import pathlib
import re

import pytest

from conftest import ROOT, Emulator, run
from tdswire import Wire

CORPUS = ROOT / "tests" / "data" / "tsql" / "engine"
PEOPLE = {"admin": "admin@contoso.example", "ada": "ada@contoso.example",
          "grace": "grace@contoso.example", "MigrationIdentity": "MigrationIdentity"}
KINDS = {"columns": 1, "count": 2, "begin": 4, "commit": 4, "rollback": 4, "language": 8,
         "database": 8}
OWN_NAME = re.compile(r"(?<![\w@.])persons(?=\.|'|\"|\]|\||$|,| \()", re.MULTILINE)


class Case:
    def __init__(self, file, title, line, setup, batches, want):
        self.file, self.title, self.line = file, title, line
        self.setup, self.batches, self.want = setup, batches, want

    def people(self):
        return {who for who, _ in self.setup + self.batches}


def split_batches(lines):
    """(who, text) of the batches between ":go" and ":as" lines."""
    who, text, batches = "admin", [], []
    for line in lines + [":go"]:
        if line.startswith(":"):
            if text:
                batches.append((who, "".join(part + "\n" for part in text)))
            text = []
            who = line[4:] if line.startswith(":as ") else who
        else:
            text.append(line)
    return batches


def load(path):
    cases, setup = [], []
    section, title, start, sql, want = None, "", 0, [], []

    def finish():
        if section == "setup":
            setup.extend(split_batches(sql))
        elif section is not None:
            cases.append(Case(path.stem, title, start, list(setup), split_batches(sql), want))

    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("== "):
            finish()
            title, start, sql, want = line[3:], number, [], []
            section = "setup" if title == "setup" else "sql"
        elif line == "=>" and section == "sql":
            section = "want"
        elif section == "setup":
            if not line.startswith("#"):
                sql.append(line)
        elif section == "sql":
            if line or sql:
                sql.append(line)
        elif line and not line.startswith("#"):
            want.append(line)
    finish()
    return cases


# ---- comparison: the rules of engine_test.c ----

def kind_of(line):
    return KINDS.get(line.split(" ")[0], 0)


def same_value(want, got):
    if want == got:
        return True
    try:
        return "e" in (want + got).lower() or "." in want + got and float(want) == float(got)
    except ValueError:
        return False


def line_matches(want, got):
    if want.startswith(("error ", "info ")):
        left, right = want.split(" ", 5), got.split(" ", 5)
        if len(right) < 6 or any(a not in ("?", b) for a, b in zip(left[:5], right[:5])):
            return False
        want, got = left[5], right[5]
    if want.endswith("..."):
        return got.startswith(want[:-3])
    if want.startswith("|") and got.startswith("|") and want != got:
        left, right = want.split("|"), got.split("|")
        return len(left) == len(right) and all(map(same_value, left, right))
    # A rowversion's type is binary(8) on the wire.
    return want == got or want.replace("timestamp", "binary(8)") == got


def matches(want, got):
    kinds = 0
    for line in want:
        kinds |= kind_of(line)
    want = [] if want == ["nothing"] else list(want)
    got = [line for line in got if not kind_of(line) or kind_of(line) & kinds]
    while want:
        line = want.pop(0)
        if line == "...":
            return True
        if line.startswith("?? "):
            if got and line_matches(line[3:], got[0]):
                got.pop(0)
            continue
        if not got or not line_matches(line, got.pop(0)):
            return False
    return not got


# ---- running ----

ALL = [case for path in sorted(CORPUS.glob("*.txt")) for case in load(path)]
# The front has one SQL login, which enters as dbo; cases with other SQL users are the unit tests'.
CASES = [case for case in ALL if case.people() <= set(PEOPLE) | {"sqladmin"}]


@pytest.fixture(scope="module")
def server(programs, tmp_path_factory, password_file):
    directory = tmp_path_factory.mktemp("corpus")
    seed = directory / "seed.json"
    seed.write_text(json.dumps({
        "tenants": [{"domain": "contoso.example"}],
        "users": [{"upn": PEOPLE["admin"], "name": PEOPLE["admin"]},
                  {"upn": PEOPLE["grace"], "name": PEOPLE["grace"]},
                  # The object id of which the cases know the SID.
                  {"upn": PEOPLE["ada"], "name": PEOPLE["ada"],
                   "object_id": "030201a0-0000-0000-0000-000000000000"},
                  {"upn": "twin1@contoso.example", "name": "Twin",
                   "object_id": "000000d0-0000-0000-0000-000000000000"},
                  {"upn": "twin2@contoso.example", "name": "Twin",
                   "object_id": "000000d1-0000-0000-0000-000000000000"}],
        "groups": [{"name": "Readers", "members": [PEOPLE["grace"]]}],
        "identities": [{"name": "MigrationIdentity"}],
        "hosts": [{"name": "app", "kind": "web-app", "identities": ["MigrationIdentity"]}],
        "resources": ["https://database.windows.net/"],
        "server": {"name": "contoso", "admin": PEOPLE["admin"],
                   "databases": [f"case{i}" for i in range(len(CASES))],
                   "audience": "https://database.windows.net/"},
    }))
    started = Emulator(programs, directory / "data", "--seed", seed, "--sql-login", "sqladmin",
                       "--password-file", password_file)
    started.password = password_file.read_text()
    started.sql_port = started.port()
    started.ca = started.environment(PEOPLE["admin"])["SSL_CERT_FILE"]
    started.tokens = {}
    yield started
    started.stop()


def login_of(server, who):
    if who == "sqladmin":
        return {"user": who, "password": server.password}
    if who not in server.tokens:
        host = "app" if who == "MigrationIdentity" else None
        server.tokens[who] = server.token(PEOPLE[who], host)
    return {"access_token_callable": lambda: server.tokens[who]}


def replay(server, case, database):
    sessions, lines = {}, []
    try:
        for count, (who, text) in enumerate(case.setup + case.batches):
            if who not in sessions:
                sessions[who] = Wire(dsn="localhost", port=server.sql_port, database=database,
                                     cafile=server.ca, validate_host=True, appname="test",
                                     workstation="workstation", **login_of(server, who))
            got = sessions[who].run(OWN_NAME.sub(database, text))
            if count >= len(case.setup):
                lines += got
            else:
                assert not [line for line in got if line.startswith("error ")], got
    finally:
        for session in sessions.values():
            session.close()
    # A message may have line breaks of its own.
    return [part for line in lines for part in line.split("\n")]


def wanted(case, database):
    return [OWN_NAME.sub(database, line) for line in case.want]


@pytest.mark.parametrize("number", range(len(CASES)),
                         ids=[f"{case.file}:{case.line}" for case in CASES])
def test_case(server, number):
    case = CASES[number]
    database = f"case{number}"
    got = replay(server, case, database)
    want = wanted(case, database)
    assert matches(want, got), "\n".join(
        [f"{case.file}.txt:{case.line}: {case.title}", *[text for _, text in case.batches],
         "-- wanted:", *want, "-- got:", *got])


def test_size():
    """The corpus is as large as it is said to be, and nearly all of it goes over the wire."""
    assert len(CASES) >= 600
    assert len(ALL) - len(CASES) <= 20
