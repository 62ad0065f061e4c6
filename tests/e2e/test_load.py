# SPDX-License-Identifier: MIT
"""A few seconds of what tests/long does for long: kill -9 under load, many clients, flat memory."""
import os

import pytest

import load
from conftest import running_emulator


@pytest.fixture
def loaded(programs, tmp_path, password_file):
    with running_emulator(programs, tmp_path / "data", "--sql-login", "tester", "--password-file",
                          password_file) as started:
        load.refresh(started, "tester", password_file.read_text())
        load.prepare(started)
        yield started


def test_killed_under_load(loaded):
    commits = load.kill_rounds(loaded, loaded.login, loaded.password, rounds=3)
    assert commits > 0


def test_forty_clients(loaded):
    load.crowd(loaded, 40)


@pytest.mark.skipif(os.environ.get("ENTRASQL_SANITIZE", "none") != "none",
                    reason="a sanitizer keeps what was freed")
def test_memory(loaded):
    load.soak(loaded, 4, clients=3)
