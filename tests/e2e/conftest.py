# SPDX-License-Identifier: MIT
"""Fixtures of the tests of whole programs: an installed tree, an emulator, an identity's environment.

Everything runs on ports that the kernel gives. Nothing here starts a program with a shell.
"""
import contextlib
import glob
import json
import os
import pathlib
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
STAGE = pathlib.Path(os.environ.get("ENTRASQL_STAGE", ROOT / "build" / "stage"))
DATABASE = "persons"
# Variables by which a sign-in of the machine that runs the tests could reach them.
FOREIGN = ("AZURE_", "IDENTITY_", "MSI_", "IMDS_", "ENTRASQL_", "MSAL_")


def find_prefix():
    programs = glob.glob(str(STAGE / "**" / "bin" / "entrasql"), recursive=True)
    if not programs:
        raise RuntimeError(f"no installed entrasql below {STAGE}: run ./test.sh")
    return pathlib.Path(programs[0]).parents[1]


def find_library_dir(prefix):
    found = glob.glob(str(prefix / "lib*" / "**" / "libentrasql.so"), recursive=True)
    return pathlib.Path(found[0]).parent


def clean_environment():
    env = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        env.pop(name, None)
    return env


def microsofts_server(port):
    """For its ODBC driver alone, which takes "localhost" for the machine's own name."""
    return f"tcp:127.0.0.1,{port};HostNameInCertificate=localhost"


class Programs:
    """The installed programs and drivers."""

    def __init__(self):
        self.prefix = find_prefix()
        self.library_dir = find_library_dir(self.prefix)
        self.entrasql = str(self.prefix / "bin" / "entrasql")
        self.build = STAGE.parent
        self.persons = str(self.build / "examples" / "persons")
        self.tdsodbc = glob.glob("/usr/lib/*/odbc/libtdsodbc.so")[0]
        self.msodbc = sorted(
            glob.glob(str(ROOT / ".venv/lib/python3*/site-packages/mssql_python_odbc/libs/linux/"
                          "debian_ubuntu/*/lib/libmsodbcsql-*.so*"))
        )[0]
        self.python = str(ROOT / ".venv" / "bin" / "python")
        self.node = str(ROOT / ".venv" / "bin" / "node")
        self.node_modules = str(ROOT / ".venv" / "node" / "node_modules")


@pytest.fixture(scope="session")
def programs():
    return Programs()


def run(arguments, env=None, timeout=60, **kwargs):
    """Runs a program to its end; returns the completed process with text output."""
    return subprocess.run(
        [str(a) for a in arguments],
        env=env if env is not None else clean_environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
        **({"stdin": subprocess.DEVNULL} if "input" not in kwargs else {}),
        **kwargs,
    )


class Emulator:
    """One running emulator with a data directory of its own."""

    def __init__(self, programs, directory, *options):
        self.programs = programs
        self.directory = pathlib.Path(directory)
        self.options = [str(o) for o in options]
        self.start()

    def command(self, *words, **kwargs):
        return run([self.programs.entrasql, "emulator", *words, "--data-dir", self.directory],
                   **kwargs)

    def start(self):
        result = self.command("start", "--detach", *self.options)
        assert result.returncode == 0, result.stdout + result.stderr

    def stop(self):
        return self.command("stop")

    def state(self):
        result = self.command("status", "--json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def environment(self, name, host=None, driver=None):
        """The whole environment in which a program is the named principal."""
        words = ["env", "--as", name, "--format", "json"]
        if host:
            words += ["--host", host]
        if driver:
            words += ["--driver", driver]
        result = self.command(*words)
        assert result.returncode == 0, result.stderr
        env = clean_environment()
        for key, value in json.loads(result.stdout).items():
            if value is None:
                env.pop(key, None)
            else:
                env[key] = value
        return env

    def port(self):
        return self.state()["sql_port"]

    def query(self, name, text, host=None, options=(), timeout=60):
        env = self.environment(name, host)
        return run([self.programs.entrasql, "query", *options, "-Q", text], env=env,
                   timeout=timeout)

    def sql(self, name, text, host=None):
        """Runs a batch that must succeed; returns the rows of its last result as dictionaries."""
        result = self.query(name, text, host, ["--json"])
        assert result.returncode == 0, result.stderr + result.stdout
        return json.loads(result.stdout) if result.stdout.strip() else []

    def token(self, name, host=None, resource="sql"):
        env = self.environment(name, host)
        result = run([self.programs.entrasql, "token", "--resource", resource], env=env)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def signed(self, token, **changes):
        """The token with other claims, signed by the emulator's own key: right but for the claims."""
        import jwt

        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False})
        claims.update(changes)
        key = (self.directory / "token-key.pem").read_text()
        return jwt.encode(claims, key, "RS256", {"kid": header["kid"]})


@contextlib.contextmanager
def running_emulator(programs, directory, *options):
    emulator = Emulator(programs, directory, *options)
    try:
        yield emulator
    finally:
        emulator.stop()


ADMIN = "admin@contoso.example"
DEVELOPER = "dev@contoso.example"
READER = "reader@contoso.example"
IDENTITY = "MigrationIdentity"
APP_HOST = "persons-app"


def seed_persons(emulator):
    text = (ROOT / "examples" / "persons.sql").read_text()
    env = emulator.environment(ADMIN)
    result = run([emulator.programs.entrasql, "query", "-i", ROOT / "examples" / "persons.sql"],
                 env=env)
    assert result.returncode == 0, text + result.stdout + result.stderr


@pytest.fixture(scope="session")
def password_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("secret") / "password"
    path.write_text("Local-only-1!")
    path.chmod(0o600)
    return path


@pytest.fixture(scope="session")
def emulator(programs, tmp_path_factory, password_file):
    """The emulator that most tests share: the tutorial's table and users, SQL login switched on."""
    directory = tmp_path_factory.mktemp("emulator")
    record = tmp_path_factory.mktemp("record")
    with running_emulator(programs, directory / "data", "--record", record, "--sql-login",
                          "tester", "--password-file", password_file) as started:
        started.record = record
        started.password = password_file.read_text()
        seed_persons(started)
        yield started


@pytest.fixture
def identity_env(emulator):
    return emulator.environment(IDENTITY, APP_HOST)


@pytest.fixture
def target(emulator):
    """The shared emulator's database as a target of a proxy, on a port that is free."""
    return f"localhost,{emulator.port()}/persons?listen=0"


@pytest.fixture(params=["tdsodbc", "msodbc"])
def driver(request, programs):
    """Path of an ODBC driver: FreeTDS's, and Microsoft's."""
    return getattr(programs, request.param)


def wait_for(condition, seconds=10.0):
    """Waits for something that another process does; returns its value, or the last false one."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.02)
