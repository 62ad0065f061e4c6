#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the driver costs: connect and fetch through entrasql, beside the driver underneath alone.

    bench/odbc/overhead.py [--seconds N] [--write]

Needs an installed tree (./test.sh makes one; ENTRASQL_STAGE names another) and the tests' Python. Both ways go to
one emulator, in turns; each figure is the best of its rounds. --write puts the table into docs/performance.md.
"""
import argparse
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv" / "bin" / "python"
if pathlib.Path(sys.prefix).resolve() != PYTHON.parents[1].resolve():
    os.execv(PYTHON, [str(PYTHON), __file__, *sys.argv[1:]])
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import conftest  # noqa: E402
import odbc  # noqa: E402

ROUNDS = 8
PROGRAM = r"""
import ctypes, json, pyodbc, struct, sys, time
pyodbc.pooling = False
string, token, seconds = sys.argv[1], sys.stdin.read().encode("utf-16-le"), float(sys.argv[2])
before = {1256: struct.pack(f"<I{len(token)}s", len(token), token)} if token else None
connect = lambda: pyodbc.connect(string, autocommit=True, attrs_before=before)
connect().close()

def rate(act):
    began, count = time.perf_counter(), 0
    while (took := time.perf_counter() - began) < seconds:
        count += act()
    return took / count * 1e6

connection = connect()
cursor = connection.cursor()
def open_and_close():
    connect().close()
    return 1
def query():
    cursor.execute("SELECT 1").fetchone()
    return 1
def fetch():
    rows = 0
    cursor.execute("SELECT a.ID, a.FirstName, a.LastName FROM Filler a, Filler b")
    while cursor.fetchone():
        rows += 1
    return rows
print(json.dumps([rate(open_and_close), rate(query), rate(fetch)]))
"""
ROWS = ("connect and close", "SELECT 1", "one row of 10 000, fetched one by one")


def measure(env, string, token, seconds):
    import json

    result = subprocess.run([PYTHON, "-c", PROGRAM, string, str(seconds)], env=env, input=token,
                            capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


def ways(server, programs, underneath, password):
    """(name, string, token): the driver alone, and entrasql on top of it."""
    if underneath == "msodbc":
        alone = (f"Driver={{{odbc.UNDERNEATH[underneath]}}};Server={conftest.microsofts_server(server.port())};"
                 f"Database=persons;Encrypt=yes")
        return [("alone", alone, server.token(conftest.ADMIN)),
                ("entrasql", odbc.string(server, underneath), "")]
    alone = (f"Driver={{FreeTDS}};Server=localhost;Port={server.port()};Database=persons;UID=tester;"
             f"PWD={password};TDS_Version=7.4;Encryption=require;ClientCharset=UTF-8")
    return [("alone", alone, ""), ("entrasql", odbc.string(server, underneath), "")]


def table(server, programs, env, password, seconds):
    lines = ["| driver underneath | what | alone, us | with entrasql, us | more |", "|---|---|---|---|---|"]
    for underneath in ("msodbc", "tdsodbc"):
        found = {"alone": [], "entrasql": []}
        for _ in range(ROUNDS):
            for name, string, token in ways(server, programs, underneath, password):
                found[name].append(measure(env, string, token, seconds))
        for i, what in enumerate(ROWS):
            alone, ours = (min(r[i] for r in found[n]) for n in ("alone", "entrasql"))
            lines.append(f"| {odbc.UNDERNEATH[underneath]} | {what} | {alone:.2f} | {ours:.2f} | "
                         f"{ours - alone:+.2f} |")
            print(lines[-1], flush=True)
    return "\n".join(lines)


def write(text):
    path = ROOT / "docs" / "performance.md"
    begin, end = "<!-- bench/odbc/overhead.py -->", "<!-- end -->"
    page = path.read_text()
    front, rest = page.split(begin, 1)
    path.write_text(front + begin + "\n" + text + "\n" + end + rest.split(end, 1)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each figure in each round")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    programs = conftest.Programs()
    with contextlib.ExitStack() as stack:
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        password = directory / "password"
        password.write_text("Local-only-1!")
        password.chmod(0o600)
        server = stack.enter_context(conftest.running_emulator(
            programs, directory / "data", "--sql-login", "tester", "--password-file", password))
        server.sql(conftest.ADMIN, "CREATE TABLE Filler (ID int, FirstName varchar(50), LastName varchar(50))")
        values = ",".join(f"({i},'first{i}','last{i}')" for i in range(100))
        server.sql(conftest.ADMIN, f"INSERT INTO Filler VALUES {values}")
        env = {**server.environment(conftest.ADMIN, None), **odbc.install(programs, directory / "odbc")}
        text = table(server, programs, env, password.read_text(), options.seconds)
    if options.write:
        write(text)


if __name__ == "__main__":
    main()
