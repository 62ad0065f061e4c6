# SPDX-License-Identifier: MIT
"""An ODBC installation of the tests' own: entrasql registered beside the two drivers it stands on."""
import os
import pathlib
import subprocess

import pytest

from conftest import DATABASE

# With AddressSanitizer our driver is loaded into foreign programs: they have to load its runtime first. What
# they leak themselves does not count. A program of our own brings the runtime along and must not get a second.
SANITIZED = "address" in os.environ.get("ENTRASQL_SANITIZE", "none")
needs_az = pytest.mark.skipif(SANITIZED, reason="az is a program of our own, started from a foreign one: "
                                                "it cannot have two sanitizer runtimes")

UNDERNEATH = {"msodbc": "ODBC Driver 18 for SQL Server", "tdsodbc": "FreeTDS"}


def library(programs):
    """Our driver's file in the installed tree."""
    return str(programs.library_dir / "odbc" / "libentrasqlodbc.so")


def install(programs, directory, *, driver_lines=(), odbc_section="", sources=()):
    """Writes odbcinst.ini and odbc.ini; returns the variables that make them count."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    lines = ["[ODBC]", odbc_section, "[entrasql]", f"Driver={library(programs)}", *driver_lines,
             f"[{UNDERNEATH['msodbc']}]", f"Driver={programs.msodbc}",
             f"[{UNDERNEATH['tdsodbc']}]", f"Driver={programs.tdsodbc}", ""]
    (directory / "odbcinst.ini").write_text("\n".join(lines))
    (directory / "odbc.ini").write_text("\n".join([*sources, ""]))
    return {"ODBCSYSINI": str(directory), "ODBCINI": str(directory / "odbc.ini"), **preload()}


def preload():
    """For foreign programs that load our driver when it is built with AddressSanitizer."""
    if not SANITIZED:
        return {}
    compiler = os.environ.get("ENTRASQL_CC", "clang-14")
    runtime = subprocess.run([compiler, "-print-file-name=libclang_rt.asan-x86_64.so"], check=True,
                             capture_output=True, text=True).stdout.strip()
    options = os.environ.get("ASAN_OPTIONS", "")
    return {"LD_PRELOAD": runtime, "ASAN_OPTIONS": f"{options}:detect_leaks=0:halt_on_error=1"}


def own(env):
    """The environment for a program of our own tree."""
    return {k: v for k, v in env.items() if k != "LD_PRELOAD"}


def string(emulator, underneath, *more, driver="{entrasql}"):
    """The connection string of a program: no user, no password, no token."""
    parts = [f"Driver={driver}", f"Server=tcp:localhost,{emulator.port()}", f"Database={DATABASE}",
             "Encrypt=yes", f"UnderlyingDriver={{{UNDERNEATH[underneath]}}}", *more]
    return ";".join(parts)
