# SPDX-License-Identifier: MIT
"""An ODBC installation of the tests' own: entrasql registered beside the two drivers it stands on."""
import os
import pathlib
import subprocess

import pytest

from conftest import DATABASE

# Built with a sanitizer our driver is loaded into foreign programs: they have to load its runtime first. What
# they leak themselves, and what races in code of theirs, does not count. A program of our own brings the runtime
# along and must not get a second.
SANITIZE = os.environ.get("ENTRASQL_SANITIZE", "none")
SANITIZED = SANITIZE != "none"
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
    """For foreign programs that load our driver when it is built with a sanitizer."""
    if not SANITIZED:
        return {}
    if SANITIZE == "thread":
        # clang's library of it cannot be loaded first. Such programs fork while they have threads, and
        # crash by themselves.
        compiler, library, name = "gcc", "libtsan.so", "TSAN_OPTIONS"
        more = "ignore_noninstrumented_modules=1:die_after_fork=0:handle_segv=0"
    else:
        compiler, library = os.environ.get("ENTRASQL_CC", "clang-14"), "libclang_rt.asan-x86_64.so"
        name, more = "ASAN_OPTIONS", "detect_leaks=0:halt_on_error=1"
    runtime = subprocess.run([compiler, f"-print-file-name={library}"], check=True, capture_output=True,
                             text=True).stdout.strip()
    return {"LD_PRELOAD": os.path.realpath(runtime), name: f"{os.environ.get(name, '')}:{more}"}


def behind_a_shell(*command):
    """A foreign program that a shell starts, in the environment own(): the shell itself would crash with
    ThreadSanitizer's runtime."""
    runtime = preload().get("LD_PRELOAD")
    return ["env", f"LD_PRELOAD={runtime}", *command] if runtime else list(command)


def own(env):
    """The environment for a program of our own tree."""
    return {k: v for k, v in env.items() if k != "LD_PRELOAD"}


def string(emulator, underneath, *more, driver="{entrasql}"):
    """The connection string of a program: no user, no password, no token."""
    parts = [f"Driver={driver}", f"Server=tcp:localhost,{emulator.port()}", f"Database={DATABASE}",
             "Encrypt=yes", f"UnderlyingDriver={{{UNDERNEATH[underneath]}}}", *more]
    return ";".join(parts)
