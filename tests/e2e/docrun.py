# SPDX-License-Identifier: MIT
"""Runs the blocks of a page in order, as one session of somebody at a terminal.

The pages name a server in Azure; the emulator stands in for it. What is replaced in a block before it
runs is the table in `Session.substitute`, and no more: a server, or a GUID, that is not in it is a failure.
"""
import contextlib
import functools
import glob
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import azcli
import docpages
import odbc
from conftest import ADMIN, APP_HOST, IDENTITY, ROOT, run, seed_persons

SERVER = "contoso-sql"                                   # the seed's
HOST = f"{SERVER}.database.windows.net"
CLIENT_ID = "11111111-2222-3333-4444-555555555555"       # for that of MigrationIdentity
GUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
EXAMPLES = "/usr/share/doc/libentrasql-dev/examples"
TIMEOUT = 120
BUILD_DRIVERS = ROOT / "build-drivers"                   # made by tests/drivers/run

SHELL = """set -ea -o pipefail
trap 'code=$?; env -0 >"$DOCS_STATE/env"; pwd >"$DOCS_STATE/cwd"; exit $code' EXIT
. "$DOCS_STATE/block"
"""
FRAGMENT = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
{includes}
int main(void)
{{
{prelude}
#line {line} "{page}"
{body}
    return 0;
}}
"""
HANDLES = """    SQLHENV env = SQL_NULL_HENV;
    SQLHDBC dbc = SQL_NULL_HDBC;
    SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &env);
    SQLSetEnvAttr(env, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0);
    SQLAllocHandle(SQL_HANDLE_DBC, env, &dbc);
"""
AZ_WRAPPER = """#!/bin/sh
# The emulator's az gives tokens; all else is done by the real one, with the emulator as its cloud.
if [ "$1 $2" = "account get-access-token" ]; then exec "{standin}" "$@"; fi
for name in $(env | sed -n 's/^\\(AZURE_[A-Z_]*\\)=.*/\\1/p'); do unset "$name"; done
{exports}
exec "{az}" "$@"
"""
INTERPRETERS = {
    "python": ("py", ["python3"]), "perl": ("pl", ["perl"]), "r": ("R", ["Rscript", "--vanilla"]),
    "ruby": ("rb", ["ruby"]), "js": ("js", ["node"]),
    # Server cursors are PHP's default and not in the emulator.
    "php": ("php", ["php", "-d", "odbc.default_cursortype=0"])}
PROBES = {
    "perl": ["perl", "-MDBD::ODBC", "-MDBD::Sybase", "-e", "1"], "r": ["Rscript", "--vanilla", "-e", "library(RODBC)"],
    "php": ["php", "-r", "exit(extension_loaded('PDO_ODBC') && extension_loaded('pdo_dblib') ? 0 : 1);"],
    "ruby": ["ruby", "-e", "require 'odbc'"],
    "go": ["sh", "-c", 'test -d "$(go env GOMODCACHE)/github.com/microsoft"'],
    "js": ["test", "-d", str(BUILD_DRIVERS / "node" / "node_modules" / "tedious")],
    "sqlalchemy": [str(BUILD_DRIVERS / "venv" / "bin" / "python"), "-c", "import sqlalchemy, pyodbc"]}
MATRIX = {"js": "node", "sqlalchemy": "python"}          # what tests/drivers/matrix/install.py calls them
# Go and Node may be those of the tests' Python.
PATH = f"{os.environ['PATH']}:/usr/local/go/bin:{ROOT}/.venv/bin"
IS_CI = os.environ.get("CI") == "true"


class Failed(Exception):
    pass


def lacking(block):
    """Why this machine cannot run the block, or None. With CI=true it has to be able to."""
    why = None
    needs = {block.language, *block.marks.get("needs", "").split()}
    if "az" in needs and not azcli.AZ.exists():
        why = "no .venv-az: tools/setup.sh ci makes it"
    for language in needs & set(PROBES):
        if not is_there(language):
            why = f"{language} is not installed here: tools/setup.sh ci"
    return why


@functools.cache
def is_there(language):
    """What the drivers' matrix installs later is installed here first, when this is CI."""
    if IS_CI and language == "go":
        return shutil.which("go", path=PATH) is not None
    if IS_CI and language in MATRIX:
        program = f"from matrix import install; install.{MATRIX[language]}()"
        installed = subprocess.run(["/usr/bin/python3", "-c", program], cwd=ROOT / "tests" / "drivers",
                                   check=False)
        return installed.returncode == 0
    probe = PROBES[language]
    return shutil.which(probe[0]) is not None and run(
        probe, env={**os.environ, "PATH": PATH}).returncode == 0


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


class Cloud:
    """The emulator and the Azure CLI that all pages share, each page beginning with the seed."""

    def __init__(self, programs, emulator, folder):
        self.programs, self.emulator, self.folder = programs, emulator, folder
        self.port = emulator.port()
        self._az = None

    @property
    def az(self):
        if self._az is None:
            folder = self.folder / "az"
            folder.mkdir()
            self._az = azcli.Cli(self.emulator, folder)
        return self._az

    def begin(self, table):
        result = self.emulator.command("reset")
        if result.returncode != 0:
            raise Failed(f"reset: {result.stderr}")
        if table:
            seed_persons(self.emulator)


class Session:
    """One page: a home, a folder, an environment that its shell blocks change."""

    def __init__(self, cloud, home):
        self.cloud, self.home = cloud, home
        self.state, self.bin, self.cwd = home / ".state", home / ".bin", home / "work"
        for folder in (self.state, self.bin, self.cwd):
            folder.mkdir(parents=True)
        self.examples = self._examples()
        self.ports = {port: free_port() for port in ("1433", "1434", "9090")}
        self.background, self.printed, self.files = [], "", {}
        self.base = self._base()
        self.env = dict(self.base)
        self.become(ADMIN)

    def _examples(self):
        """The folder of the development package: a reader has that, and no checkout."""
        folder = self.home / "usr" / "examples"
        folder.mkdir(parents=True)
        for name in (ROOT / "packaging" / "debian" / "libentrasql-dev.examples").read_text().split():
            shutil.copy(ROOT / name, folder)
        return folder

    def _base(self):
        programs = self.cloud.programs
        (self.bin / "python3").symlink_to(programs.python)
        (self.bin / "node").symlink_to(programs.node)
        ini = odbc.install(programs, self.home / "etc")
        # What entrasql's own installation would write is for the page to do.
        registered = (self.home / "etc" / "odbcinst.ini").read_text()
        (self.home / "etc" / "odbcinst.ini").write_text(
            registered.replace("[entrasql]", "").replace(f"Driver={odbc.library(programs)}\n", "", 1))
        prefix = pathlib.Path(programs.prefix)
        return {
            "HOME": str(self.home), "LANG": "C.UTF-8", "TERM": "dumb", "USER": "somebody",
            "ODBCSYSINI": ini["ODBCSYSINI"], "DOCS_STATE": str(self.state),
            "PATH": f"{prefix}/bin:{PATH}",
            "LD_LIBRARY_PATH": str(programs.library_dir),
            "MANPATH": f"{prefix}/share/man:",
            "PKG_CONFIG_PATH": str(programs.library_dir / "pkgconfig"),
            "PKG_CONFIG_SYSROOT_DIR": str(prefix).replace("/usr/local", ""),
            "ENTRASQL_PROXY_LISTEN": f"127.0.0.1:{self.ports['1433']}",
            "NODE_PATH": str(BUILD_DRIVERS / "node" / "node_modules"),
            "GOFLAGS": "-mod=mod", "GOPATH": os.environ.get("GOPATH", os.path.expanduser("~/go")),
            "GOCACHE": os.environ.get("GOCACHE", os.path.expanduser("~/.cache/go-build")),
            **{k: v for k, v in os.environ.items() if k.startswith("GO") or k == "CI"}}

    def become(self, who=None, host=None, tool=None):
        words = ["env", "--format", "json", *(["--as", who] if who else []),
                 *(["--host", host] if host else []), *(["--tool", tool] if tool else [])]
        result = self.cloud.emulator.command(*words)
        if result.returncode != 0:
            raise Failed(result.stderr)
        found = json.loads(result.stdout)
        path = found.pop("PATH", None)
        for key, value in found.items():
            if value is None:
                self.env.pop(key, None)
            else:
                self.env[key] = value
        standin = [] if path is None else [path.split(":")[0]]
        self.env["PATH"] = ":".join([str(self.bin), *standin, self.base["PATH"]])
        # The emulator writes for itself where it is; the pages' own emulators have the usual place.
        self.env.pop("ENTRASQL_EMULATOR_DIR", None)

    def with_az(self):
        az = self.cloud.az
        standin = shutil.which("az", path=self.env["PATH"].split(":", 1)[1]) or "false"
        names = ("HOME", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
        exports = "\n".join(f"export {k}='{v}'" for k, v in az.env.items()
                            if k in names or k.startswith("AZURE_"))
        wrapper = self.bin / "az"
        wrapper.write_text(AZ_WRAPPER.format(standin=standin, az=azcli.AZ, exports=exports))
        wrapper.chmod(0o700)

    # What the text says, and what runs in its place. Each row is described in CONTRIBUTING.md.
    def substitute(self, block):
        port = self.cloud.port
        text = block.text
        odbc_server = f"Server=tcp:127.0.0.1,{port};HostNameInCertificate=localhost"
        if block.language != "ini":      # there each keyword has a line of its own
            text = re.sub(rf"Server=(tcp:)?{HOST}(,1433)?", odbc_server, text)
        text = re.sub(rf"{HOST}:1433", f"localhost:{port}", text)
        text = re.sub(rf"{HOST}(,1433)?", f"localhost,{port}", text)
        text = re.sub(rf"^(sql-server = {SERVER})$", rf"\1\nsql-address = localhost,{port}", text,
                      flags=re.M)
        text = re.sub(rf"(--sql-server {SERVER})\b", rf"\1 --sql-address localhost,{port}", text)
        text = re.sub(r"\b(1433|1434|9090)\b", lambda m: str(self.ports[m[0]]), text)
        text = self.at_home(text).replace(EXAMPLES, str(self.examples))
        known = self.known_ids()
        text = text.replace(CLIENT_ID, known[0])
        for guid in GUID.findall(text):
            if guid not in known:
                raise Failed(f"{block}: {guid} is nobody's id")
        strange = re.search(r"[\w<>-]+\.database\.windows\.net", text)
        if strange:
            raise Failed(f"{block}: {strange[0]} is no server of these pages; they name {HOST}")
        return text

    def at_home(self, text):
        return re.sub(r"(?<![\w.])/(etc|run|srv)/(entrasql|persons)", rf"{self.home}/\1/\2", text)

    def known_ids(self):
        world = self.cloud.emulator.state()
        objects = world["objects"]
        first = next(o for o in objects if o["name"] == IDENTITY)["client_id"]
        ids = [o.get(key) for o in objects for key in ("client_id", "object_id")]
        seed = json.loads((self.cloud.emulator.directory / "seed.json").read_text())
        return [first, *filter(None, ids), seed["subscription"]["id"],
                *(tenant["id"] for tenant in seed["tenants"])]

    def run(self, block):
        text = self.substitute(block)
        if block.language == docpages.OUTPUT:
            return self.compare(block, text)
        (self.bin / "az").unlink(missing_ok=True)
        if "az" in block.marks.get("needs", "").split():
            self.with_az()
        if "file" in block.marks:
            return self.save(block, text)
        how = getattr(self, f"run_{block.language}", None)
        if how:
            return how(block, text)
        suffix, words = INTERPRETERS[block.language]
        if "sqlalchemy" in block.marks.get("needs", ""):
            words = PROBES["sqlalchemy"][:1]
        if block.language == "php" and "<?php" not in text:
            text = "<?php\n" + text
        return self.program(block, [*words, self.scratch(f"block.{suffix}", text)])

    def scratch(self, name, text):
        path = self.state / name
        path.write_text(text)
        return path

    def save(self, block, text):
        path = self.cwd / re.sub(r"^~(?=/)", str(self.home), self.at_home(block.marks["file"]))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if path.suffix == ".yaml":
            tool = pathlib.Path(self.cloud.programs.python).with_name("kubernetes-validate")
            self.program(block, [tool, "--strict", path])

    def program(self, block, words, env=None, stdin=None):
        """Runs words; what they print is kept for the block of output that may follow."""
        with open(self.state / "printed", "w+") as printed:
            process = subprocess.Popen([str(w) for w in words], env=env or self.env, cwd=self.cwd,
                                       stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                                       stdout=printed, stderr=subprocess.STDOUT, text=True,
                                       start_new_session=True)
            if "stays" in block.marks:
                return self.leave(block, process)
            try:
                process.communicate(stdin, timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise Failed(f"{block}: it still runs after {TIMEOUT} s:\n{self.told()}") from None
        self.printed = self.told()
        wanted = int(block.marks.get("exits", "0"))
        if process.returncode != wanted:
            raise Failed(f"{block}: exit code {process.returncode}, not {wanted}:\n{block.text}\n"
                         f"{self.printed}")
        return None

    def told(self):
        return (self.state / "printed").read_text(errors="replace")

    def leave(self, block, process):
        self.background.append(process)
        end = time.monotonic() + TIMEOUT
        while block.marks["stays"] not in self.told():
            if process.poll() is not None or time.monotonic() > end:
                raise Failed(f"{block}: it did not say '{block.marks['stays']}':\n{self.told()}")
            time.sleep(0.02)
        self.printed = self.told()
        (self.state / "printed").unlink()      # the next program's is another file

    def run_sh(self, block, text):
        self.scratch("block", text)
        self.program(block, ["bash", "-c", SHELL])
        if "stays" in block.marks:
            return
        passing = ("_", "SHLVL", "PWD", "OLDPWD", "BASHPID", "BASH_ENV")
        entries = (self.state / "env").read_text(errors="replace").split("\0")
        self.env = dict(entry.split("=", 1) for entry in entries
                        if "=" in entry and entry.split("=", 1)[0] not in passing)
        self.cwd = pathlib.Path((self.state / "cwd").read_text().strip())

    def run_sql(self, block, text):
        """By the server's Entra admin."""
        env = self.cloud.emulator.environment(ADMIN)
        self.program(block, [self.cloud.programs.entrasql, "query", "-i", self.scratch("sql", text)],
                     env=env)

    def run_c(self, block, text):
        source = self.scratch("block.c", text)
        if not re.search(r"^int main\(", text, re.M):
            includes = "\n".join(re.findall(r"^#include .*$", text, re.M))
            body = re.sub(r"^#include .*$", "", text, flags=re.M)
            prelude = HANDLES if "entrasql/odbc.h" in includes else ""
            source.write_text(FRAGMENT.format(includes=includes, prelude=prelude, body=body,
                                              line=block.line + 1, page=block.page))
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "entrasql-odbc"], env=self.env,
                               capture_output=True, text=True, check=True).stdout.split()
        target = self.state / "block.out"
        self.program(block, ["cc", "-Wall", "-Werror", "-o", target, source, *flags])
        self.program(block, [target])
        if "hint:" in self.printed:
            raise Failed(f"{block}: {self.printed}")

    def run_go(self, block, text):
        source = ROOT / "tests" / "drivers" / "go_mssqldb"
        folder = self.state / "go"
        folder.mkdir(exist_ok=True)
        for name in ("go.mod", "go.sum"):
            shutil.copy(source / name, folder)
        (folder / "main.go").write_text(text)
        self.program(block, ["go", "build", "-C", folder, "-o", folder / "program", "."])
        self.program(block, [folder / "program"])

    def run_connstr(self, block, text):
        for line in filter(None, text.splitlines()):
            self.program(block, [self.cloud.programs.entrasql, "connstr", "show"], stdin=line)
            if line.startswith("Driver=") and not re.search(r"PWD=|Authentication=", line):
                self.program(block, [self.cloud.programs.entrasql, "query", "-Q", "SELECT 1"],
                             env={**self.env, "AZURE_SQL_CONNECTIONSTRING": line})

    def compare(self, block, text):
        wanted, printed = self.plain(text), self.plain(self.printed)
        parts = [re.escape(part) for part in re.split(r"^\.\.\.\n", wanted, flags=re.M)]
        pattern = r"(?:.*\n)*?".join(part.replace(r"\.\.\.", ".*?") for part in parts)
        if not re.fullmatch(pattern, printed):
            raise Failed(f"{block}: printed was\n{printed}\nand not\n{wanted}")

    def plain(self, text):
        """Without what differs from run to run."""
        text = "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"
        text = text.replace(str(self.home), "~")
        text = GUID.sub("GUID", text)
        text = re.sub(r"(localhost|127\.0\.0\.1)([:,])\d+", r"\1\2PORT", text)
        return re.sub(r"\b\d+ ms\b", "N ms", text)

    def end(self):
        for process in self.background:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=TIMEOUT)
        if glob.glob(str(self.home / ".local/state/entrasql/emulator/*")):
            run([self.cloud.programs.entrasql, "emulator", "stop"], env=self.base)


def play(cloud, items, home):
    """Runs a page; returns why which blocks could not be run here."""
    left = []
    wants = any(isinstance(i, docpages.Step) and i.key == "no table" for i in items[:1])
    cloud.begin(table=not wants)
    session = Session(cloud, home)
    try:
        for item in items:
            if isinstance(item, docpages.Step):
                step(cloud, session, item)
            elif item.is_run:
                why = lacking(item)
                if why:
                    left.append(f"{item}: {why}")
                else:
                    session.run(item)
    finally:
        session.end()
    return left


def step(cloud, session, item):
    if item.key == "as":
        match = re.fullmatch(r"(\S+)(?: on (\S+))?(?: with (\S+))?", item.value)
        session.become(match[1], match[2] or (APP_HOST if match[1] == IDENTITY else None), match[3])
    elif item.key == "on":
        session.become(host=item.value)
    elif item.key == "database":
        result = cloud.emulator.command("database", "add", item.value)
        if result.returncode != 0:
            raise Failed(f"{item.value}: {result.stderr}")
    elif item.key == "begin again":
        cloud.begin(table=True)
        # Journals are of a cloud that is not there any more.
        shutil.rmtree(session.home / ".local/state/entrasql/migrate", ignore_errors=True)
