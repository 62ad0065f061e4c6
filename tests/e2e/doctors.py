# SPDX-License-Identifier: MIT
"""What the tests of entrasql doctor share: an emulator to break things in, and the doctor itself."""
import contextlib
import json
import time

import pytest

from conftest import ADMIN, DATABASE, run, running_emulator, seed_persons
from servers import serving

STRANGER = "StrangerIdentity"
PASSWORD = "hunter2hunter2"


class World:
    """An emulator of this file's own: its faults, users and switches change with every case."""

    def __init__(self, emulator, directory):
        self.emulator = emulator
        self.programs = emulator.programs
        self.directory = directory
        self.stack = contextlib.ExitStack()
        self.count = 0

    def say(self, *words):
        result = self.emulator.command(*words)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def fault(self, name, value=None):
        self.say("fault", name, "on", "--count", "0", *(["--value", str(value)] if value is not None else []))
        self.stack.callback(lambda: self.emulator.command("fault", name, "off"))

    def env(self, name, host=None, **changes):
        env = self.emulator.environment(name, host)
        # The driver's link has cases of its own: the others name no driver.
        env["AZURE_SQL_CONNECTIONSTRING"] = self.string()
        env.update(changes)
        return {k: v for k, v in env.items() if v is not None}

    def string(self, server=None, database=DATABASE, more=""):
        server = server if server is not None else f"tcp:localhost,{self.emulator.port()}"
        return f"Server={server};" + (f"Database={database};" if database else "") + \
            f"Encrypt=yes;TrustServerCertificate=no{more}"

    def file(self, text, name=None):
        self.count += 1
        path = self.directory / (name or f"file{self.count}")
        path.write_text(text)
        path.chmod(0o600)
        return path

    def token(self, *words):
        return self.file(self.say("token", *words))

    def sql(self, text):
        self.emulator.sql(ADMIN, text)

    def objects(self, kind):
        return {o["name"]: o for o in json.loads(self.say(kind, "list", "--json"))}

    def both(self, name, host):
        """The environment of an identity, on a machine where the admin is signed in to az."""
        env = self.env(name, host)
        env["PATH"] = self.env(ADMIN)["PATH"]
        return env

    def serve(self, handle):
        return self.stack.enter_context(serving(handle))

    def later(self, *words):
        self.stack.callback(lambda: self.say(*words))


@pytest.fixture(scope="module")
def shared(programs, tmp_path_factory, password_file):
    directory = tmp_path_factory.mktemp("doctor")
    with running_emulator(programs, directory / "data", "--sql-login", "tester",
                          "--password-file", password_file) as started:
        started.password = password_file.read_text()
        seed_persons(started)
        yield started


@pytest.fixture
def world(shared, tmp_path):
    w = World(shared, tmp_path)
    with w.stack:
        yield w


def doctor(world, env=None, *words, text=None):
    began = time.monotonic()
    result = run([world.programs.entrasql, "doctor", "--json", *words],
                 env=env if env is not None else world.env(ADMIN), timeout=60,
                 **({"input": text} if text is not None else {}))
    assert time.monotonic() - began < 22, "the doctor took more than 20 seconds"
    assert result.stdout, result.stderr
    keeps_secrets(world, env, result)
    return json.loads(result.stdout), result.returncode


def keeps_secrets(world, env, result):
    """Nothing that was secret in what it looked at is in what it says; nor any token's beginning."""
    said = result.stdout + result.stderr
    names = ("AZURE_CLIENT_SECRET", "IDENTITY_HEADER", "MSI_SECRET", "AZURE_PASSWORD")
    hidden = {(env or {}).get(name, "") for name in names} | {PASSWORD, world.emulator.password, "eyJ"}
    for secret in hidden - {"", "x", "wrong"}:
        assert secret not in said, "a secret is in what the doctor says"


def lines_of(facts):
    """The lines that have something to say, by their diagnosis."""
    return {l["diagnosis"]: l for l in facts["links"] if l["diagnosis"] and l["state"] != "none"}


def people_see(world, env, words, expected, code):
    """The text form has the same diagnosis and exit code, and no secret either."""
    people = run([world.programs.entrasql, "doctor", *words], env=env)
    keeps_secrets(world, env, people)
    assert people.returncode == code and f"[{expected}]" in people.stdout
