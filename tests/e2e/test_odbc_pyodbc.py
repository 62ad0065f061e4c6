# SPDX-License-Identifier: MIT
"""pyodbc's own tests for SQL Server, from its source package, by a connection string without a token.

They run as they are but for one line: they ask SQL Server's `master..xp_msver` for its year when they are
loaded, which Azure SQL refuses (40515); the year is given instead. What does not pass has its reason in
tests/data/pyodbc/known.txt; a test that fails and is not listed there fails here. A test that crashes the
process (FreeTDS can) counts as failed, and the run goes on behind it.
"""
import os
import re
import subprocess

import pytest

import odbc
from conftest import ADMIN, APP_HOST, IDENTITY, ROOT, running_emulator

SOURCE = ROOT / ".venv" / "pyodbc"  # tools/setup.sh puts package and tests there
KNOWN = ROOT / "tests" / "data" / "pyodbc" / "known.txt"
ASKS_YEAR = "SQLSERVER_YEAR = _get_sqlserver_year()"
GIVES_YEAR = "SQLSERVER_YEAR = 2022 if IS_MSODBCSQL else 0"
OUTCOME = re.compile(r"^\S*sqlserver_test\.py::(.+?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b")
STARTED = re.compile(r"^\S*sqlserver_test\.py::(.+?)\s*$")
LEAST = 0.8


def known(underneath):
    """{test: reason} of what does not pass with that driver underneath."""
    listed = {}
    for line in KNOWN.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            driver, test, reason = line.split(None, 2)
            if driver in (underneath, "both"):
                listed[test] = reason
    return listed


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    directory = tmp_path_factory.mktemp("pyodbc")
    text = (SOURCE / "tests" / "sqlserver_test.py").read_text()
    assert text.count(ASKS_YEAR) == 1
    (directory / "sqlserver_test.py").write_text(text.replace(ASKS_YEAR, GIVES_YEAR))
    return directory


@pytest.fixture
def server(programs, tmp_path_factory):
    """An emulator of its own for each run: the tests leave procedures behind."""
    directory = tmp_path_factory.mktemp("pyodbc-emulator")
    with running_emulator(programs, directory / "data") as started:
        # Three tests expect ten rows in sysobjects: SQL Server's own tables, which are not listed here.
        for number in range(10):
            started.sql(ADMIN, f"CREATE TABLE Filler{number} (a int)")
        started.sql(ADMIN, f"CREATE USER [{IDENTITY}] FROM EXTERNAL PROVIDER; "
                           f"ALTER ROLE db_owner ADD MEMBER [{IDENTITY}]")
        yield started


def pytest_in(programs, suite, env, *arguments):
    return subprocess.run(
        [programs.python, "-m", "pytest", "--tb=line", "-p", "no:cacheprovider", "--rootdir", suite, "-c",
         os.devnull, *arguments],
        cwd=suite, env=env, capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL)


def all_tests(programs, suite, env):
    result = pytest_in(programs, suite, env, "-q", "--collect-only", "sqlserver_test.py")
    assert result.returncode == 0, result.stdout + result.stderr
    return [STARTED.match(line)[1] for line in result.stdout.splitlines() if STARTED.match(line)]


def read_outcomes(output, outcomes):
    """Adds what a run says; returns the test that had begun when the output ended."""
    last = None
    for line in output.splitlines():
        found = OUTCOME.match(line)
        if found:
            # An error of the clean-up follows the outcome of the test itself.
            if found[2] == "ERROR" or found[1] not in outcomes:
                outcomes[found[1]] = found[2]
            last = None
        elif STARTED.match(line):
            last = STARTED.match(line)[1]
    return last


def run_suite(programs, suite, env):
    """{test: outcome}, and all output; the test that a crash happened in is CRASHED."""
    tests = all_tests(programs, suite, env)
    outcomes = {}
    text = ""
    while set(tests) - set(outcomes):
        left = [f"sqlserver_test.py::{test}" for test in tests if test not in outcomes]
        result = pytest_in(programs, suite, env, "-v", *left)
        text += result.stdout + result.stderr
        last = read_outcomes(result.stdout, outcomes)
        # A sanitizer turns the crash into an ordinary exit: the test that had begun tells.
        assert last is not None or result.returncode in (0, 1), text[-4000:]
        if last is not None:
            outcomes[last] = "CRASHED"
        assert last is not None or not set(tests) - set(outcomes), text[-4000:]
    return outcomes, text


@pytest.mark.parametrize("underneath", ["msodbc", "tdsodbc"])
def test_pyodbc_suite(server, programs, suite, tmp_path, underneath):
    env = {**server.environment(IDENTITY, APP_HOST), **odbc.install(programs, tmp_path / "odbc")}
    env["PYTHONPATH"] = str(SOURCE / "lib")
    env["PYODBC_SQLSERVER"] = odbc.string(server, underneath)
    outcomes, text = run_suite(programs, suite, env)
    ran = {test: o for test, o in outcomes.items() if o != "SKIPPED"}
    failed = {test for test, o in ran.items() if o not in ("PASSED", "XFAIL", "XPASS")}
    print(f"{underneath}: {len(ran) - len(failed)} of {len(ran)} passed, "
          f"{len(outcomes) - len(ran)} skipped by pyodbc itself")
    # The crash that known.txt lists is FreeTDS's own, a SEGV; nothing else may be found.
    assert not re.search(r"AddressSanitizer: (?!SEGV)|runtime error:|WARNING: ThreadSanitizer", text), text[-8000:]
    listed = known(underneath)
    assert len(outcomes) >= 170, text[-4000:]
    assert not failed - set(listed), text[-8000:] + "\nnot listed: " + str(sorted(failed - set(listed)))
    assert len(ran) - len(failed) >= LEAST * len(ran)
