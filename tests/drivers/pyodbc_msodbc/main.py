# SPDX-License-Identifier: MIT
"""Microsoft's ODBC Driver 18 through pyodbc."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))

from matrix import WORLD, check, equal, main  # noqa: E402
from odbc import SQL_COPT_SS_ACCESS_TOKEN, Odbc, msodbc_string, token_block  # noqa: E402


class Msodbc(Odbc):
    def connect(self, *, token=None, autocommit=True, **options):
        attributes = {SQL_COPT_SS_ACCESS_TOKEN: token_block(token)} if token else {}
        return self.dial(msodbc_string(**options), autocommit, attrs_before=attributes)

    def entra_secret(self):
        self.signed_in(self.connect(authentication="ActiveDirectoryServicePrincipal",
                                    user=WORLD.app_client_id, password=WORLD.app_secret),
                       WORLD.app)

    def entra_identity(self):
        self.signed_in(self.connect(authentication="ActiveDirectoryMsi",
                                    user=WORLD.identity_client_id), WORLD.identity)

    def error_parts(self, error):
        said = self.describe(error)
        check("made 42" in said and "(50000)" in said, f"got {said!r}")

    def cancelled(self, error):
        equal(error.args[0], "HY008", "SQLSTATE")

    def copy(self, session, table, count):
        self.bulk_insert(session, table, count)


main(Msodbc())
