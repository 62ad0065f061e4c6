# SPDX-License-Identifier: MIT
"""PHP, Perl and R through the driver, by connection string alone, with either driver underneath."""
import os
import shutil

import pytest

import odbc
from conftest import APP_HOST, IDENTITY, ROOT, run, running_emulator, seed_persons

pytestmark = pytest.mark.skipif(odbc.SANITIZED, reason="three interpreters, run once, without sanitizers")

CLIENTS = ROOT / "tests" / "e2e" / "clients"
COMMANDS = {
    # Server cursors (sp_cursoropen) are PHP's default and not in the emulator.
    "php": (["php", "-d", "odbc.default_cursortype=0"], "persons.php"),
    "perl": (["perl"], "persons.pl"),
    "R": (["Rscript", "--vanilla"], "persons.R"),
}
PROBES = {
    "php": ["php", "-r", "exit(function_exists('odbc_connect') ? 0 : 1);"],
    "perl": ["perl", "-MDBD::ODBC", "-e", "1"],
    "R": ["Rscript", "--vanilla", "-e", "library(RODBC)"],
}


@pytest.fixture(scope="module")
def server(programs, tmp_path_factory):
    with running_emulator(programs, tmp_path_factory.mktemp("clients") / "data") as started:
        seed_persons(started)
        yield started


@pytest.fixture(params=sorted(COMMANDS))
def client(request):
    probe = PROBES[request.param]
    if shutil.which(probe[0]) and run(probe).returncode == 0:
        return request.param
    if os.environ.get("CI") == "true":
        pytest.fail(f"{request.param} with ODBC is not installed: tools/setup.sh ci")
    pytest.skip(f"{request.param} with ODBC is not installed: tools/setup.sh ci")


@pytest.mark.parametrize("underneath", ["msodbc", "tdsodbc"])
def test_client_by_string_alone(server, programs, tmp_path, client, underneath):
    env = {**server.environment(IDENTITY, APP_HOST), **odbc.install(programs, tmp_path / "odbc")}
    command, program = COMMANDS[client]
    result = run([*command, CLIENTS / program, odbc.string(server, underneath)], env=env, timeout=120)
    lines = result.stdout.splitlines()
    assert result.returncode == 0, result.stdout + result.stderr
    assert lines[:3] == ["1|Ada|Lovelace", "2|Alan|Turing", "3|Edgar|Codd"], lines
    assert "table Persons" in [line.strip() for line in lines]
    assert any(line.startswith("error") and "Invalid object name 'nosuch'" in line for line in lines)
    assert [line.split()[1] for line in lines if line.startswith(("inside", "after"))] == ["4", "3"]
    if client != "R":
        assert "parameter Lovelace" in lines
