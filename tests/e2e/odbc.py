# SPDX-License-Identifier: MIT
"""An ODBC installation of the tests' own: entrasql registered beside the two drivers it stands on."""
import pathlib

from conftest import DATABASE

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
    return {"ODBCSYSINI": str(directory), "ODBCINI": str(directory / "odbc.ini")}


def string(emulator, underneath, *more, driver="{entrasql}"):
    """The connection string of a program: no user, no password, no token."""
    parts = [f"Driver={driver}", f"Server=tcp:localhost,{emulator.port()}", f"Database={DATABASE}",
             "Encrypt=yes", f"UnderlyingDriver={{{UNDERNEATH[underneath]}}}", *more]
    return ";".join(parts)
