# SPDX-License-Identifier: MIT
"""FreeTDS's ODBC driver of the distribution through pyodbc."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))

import freetds  # noqa: E402
import pyodbc  # noqa: E402
from matrix import WORLD, main  # noqa: E402
from odbc import Odbc, quoted  # noqa: E402


class Tdsodbc(Odbc):
    takes_tokens = False
    untrusted = ("unable to connect",)  # all that it says; with the right CA it connects
    # pyodbc shows the first of the driver's records, and that is the server's last message.
    database_refusal = (18456, "Login failed for user 'tester'.")

    def connect(self, *, token=None, user=None, password=None, database=None, strict=False, ca=None,
                autocommit=True, **options):
        return self.dial(
            f"Driver={WORLD.tdsodbc};Servername={freetds.configure(ca)};"
            f"Database={database or WORLD.database};UID={user};PWD={quoted(password)};"
            "ClientCharset=UTF-8", autocommit, **options)

    def parameter(self, case):
        """Without SQLDescribeParam pyodbc has to be told that a NULL is binary (its wiki)."""
        if case.kind == "binary" and case.text is None:
            return pyodbc.BinaryNull
        return super().parameter(case)

    def copy(self, session, table, count):
        self.bulk_insert(session, table, count)

    def settle(self, session):
        self.settle_blindly(session)


main(Tdsodbc())
