# SPDX-License-Identifier: MIT
"""entrasql doctor before people: lines that fit the terminal, and an answer in time when nobody answers."""
import concurrent.futures
import json
import os
import pathlib
import re
import time

import pytest

from conftest import ADMIN, run
from doctors import keeps_secrets, shared, world  # noqa: F401 (fixtures)
from odbc import SANITIZED
from terminal import Terminal

ID = "11111111-2222-3333-4444-555555555555"


def faulty(world):
    """Long lines of every kind: a text, evidence, what mends it, members with their reasons."""
    return world.env(ADMIN, AZURE_SQL_CONNECTIONSTRING=world.string(more=";Frobnicate=1"),
                     https_proxy="http://127.0.0.1:9", PATH="/nosuch", AZURE_TOKEN_CREDENTIALS=None,
                     HOME=str(world.directory), AZURE_POD_IDENTITY_AUTHORITY_HOST="http://127.0.0.1:9")


@pytest.mark.parametrize("columns, hang", [(80, 19), (40, 4)])
def test_fits_the_terminal(world, columns, hang):
    """What was folded hangs below its column; only a word that is longer than a line goes over."""
    t = Terminal([world.programs.entrasql, "doctor"], faulty(world), columns, 400)
    end = time.monotonic() + 60
    while t.pump(1):
        assert time.monotonic() < end, t.text()
    lines = [l for l in t.raw.decode().replace("\r", "").split("\n") if l]
    plain = [l.split("\033[0m", 1)[-1] if l.startswith("\033[") else "" for l in lines]
    assert any("environment" in p for p in plain), t.text()
    body = [l for l in lines if not l.startswith(("\033[", "The first", "  "))]
    assert not body, body
    folded = [l for l in lines if l.startswith(" " * hang) and not l.startswith(" " * (hang + 4))]
    assert len(folded) > 5, t.text()
    for line in lines:
        bare = line.replace("\033[0m", "").split("m", 1)[-1] if line.startswith("\033[") else line
        assert len(bare) <= columns or len(bare.split()) == 1, line


def test_a_comma_stays_with_its_word(world):
    """At 40 columns an id and its comma are one column too many behind the indent of their line."""
    t = Terminal([world.programs.entrasql, "doctor"], world.env(ADMIN), 40, 400)
    end = time.monotonic() + 60
    while t.pump(1):
        assert time.monotonic() < end, t.text()
    text = t.text()
    said = [l for l in text.split("\n") if re.search("[0-9a-f]{12},", l)]
    assert len(said) == 2 and not [l for l in text.split("\n") if l.strip() == ","], text


def test_is_not_folded_in_a_pipe(world):
    said = run([world.programs.entrasql, "doctor"], env=faulty(world)).stdout
    assert "\033" not in said
    for line in said.splitlines():
        assert line == "" or line[:4] in ("ok  ", "warn", "fail", "-   ") or line.startswith(
            (" " * 19, "The first link")), line
    assert any(len(line) > 120 for line in said.splitlines())


@pytest.fixture
def dead(programs, tmp_path):
    """Runs the doctor where nothing answers; gives what it found, its exit code and its time."""
    helper = pathlib.Path(__file__).with_name("deadnet.py")
    inside = ["unshare", "--user", "--map-root-user", "--net", "--mount"]
    assert run([*inside, "true"]).returncode == 0, "namespaces are not to be had here"

    def look(*words):
        env = dict(os.environ, AZURE_TENANT_ID=ID, AZURE_CLIENT_ID=ID, AZURE_CLIENT_SECRET="x")
        result = run([*inside, programs.python, helper, tmp_path, programs.entrasql, "doctor", "--json",
                      *words], env=env, timeout=60)
        assert result.stdout, result.stderr
        return json.loads(result.stdout), result.returncode, float(result.stderr.split()[-1])

    return look


def test_in_time_when_all_is_dead(dead):
    """Names, Entra, the managed identity and the server, black holes all: never more than 20 s."""
    cases = {
        ("-S", "contoso-sql.database.windows.net", "-d", "x"): "name-unknown",
        ("-S", "127.0.0.1,{BLOCKED}", "-d", "x", "--credential", "managed-identity"): "port-blocked",
        ("-S", "127.0.0.1,{SILENT}", "-d", "x"): "not-sql-server",
    }
    with concurrent.futures.ThreadPoolExecutor() as pool:
        looked = list(pool.map(lambda words: dead(*words), cases))
    for (facts, code, seconds), expected in zip(looked, cases.values()):
        # A shared machine may be late by something, and a sanitizer's program by more.
        assert seconds < (23 if SANITIZED else 20.5), (expected, seconds)
        assert code and facts["firstFailure"] == expected, facts
        credential = [l for l in facts["links"] if l["link"] == "credential"]
        assert credential and not any(l["state"] == "ok" for l in credential), facts
