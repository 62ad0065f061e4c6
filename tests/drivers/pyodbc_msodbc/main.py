# SPDX-License-Identifier: MIT
"""Microsoft's ODBC Driver 18 through pyodbc."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))

from matrix import WORLD, check, equal, main  # noqa: E402
from odbc import Odbc, quoted, token_block  # noqa: E402

SQL_COPT_SS_ACCESS_TOKEN = 1256


class Msodbc(Odbc):
    def connect(self, *, token=None, user=None, password=None, database=None, strict=False, ca=None,
                autocommit=True, authentication=None, **options):
        # With Encrypt=yes the driver's OpenSSL reads its default store, which this variable names;
        # with strict the CA is in the connection string.
        os.environ["SSL_CERT_FILE"] = ca or WORLD.ca_file
        string = (f"Driver={WORLD.msodbc};Server=tcp:localhost,{WORLD.port};"
                  f"Database={database or WORLD.database};TrustServerCertificate=no;")
        string += "Encrypt=strict;" if strict else "Encrypt=yes;"
        if authentication:
            string += f"Authentication={authentication};"
        if user is not None:
            string += f"UID={user};"
        if password is not None:
            string += f"PWD={quoted(password)};"
        if token:
            options["attrs_before"] = {SQL_COPT_SS_ACCESS_TOKEN: token_block(token)}
        return self.dial(string, autocommit, **options)

    def entra_secret(self):
        self.signed_in(self.connect(authentication="ActiveDirectoryServicePrincipal",
                                    user=WORLD.app_client_id, password=WORLD.app_secret),
                       WORLD.app)

    def entra_identity(self):
        self.signed_in(self.connect(authentication="ActiveDirectoryMsi",
                                    user=WORLD.identity_client_id), WORLD.identity)

    def entra_password(self):
        self.signed_in(self.connect(authentication="ActiveDirectoryPassword",
                                    user=WORLD.person, password=WORLD.person_password),
                       WORLD.person)

    def error_parts(self, error):
        said = self.describe(error)
        check("made 42" in said and "(50000)" in said, f"got {said!r}")

    def cancelled(self, error):
        equal(error.args[0], "HY008", "SQLSTATE")

    def copy(self, session, table, count):
        self.bulk_insert(session, table, count)


main(Msodbc())
