# SPDX-License-Identifier: MIT
"""unixODBC's isql on Microsoft's driver: everything by connection string."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "freetds_tools"))

from common import NO_DATABASE, Tool, check, run, unique  # noqa: E402
from matrix import WORLD, main  # noqa: E402


class Isql(Tool):
    no_database = (NO_DATABASE,)
    error_words = ("made 42",)
    login_failed = "[28000]"  # it prints SQLSTATE and text
    null = ""
    upper = True
    times = ("2024-02-29", "2024-02-29 12:34:56", "12:34:56")

    def configure(self, ca):
        os.environ["SSL_CERT_FILE"] = ca or WORLD.ca_file

    def command(self, *, user, password, database, more=f"Encrypt={'no' if WORLD.clear else 'yes'}"):
        who = f"UID={user};PWD={{{password}}};" if user else ""
        return ["isql", "-k", f"Driver={WORLD.msodbc};Server={WORLD.microsofts_server};"
                f"Database={database};TrustServerCertificate=no;{who}{more}", "-b", "-v"]

    def script(self, text):
        """A line is a batch to it."""
        return text.strip().replace("\n", " ") + "\n"

    def strings(self, more, text, *wanted, user=None, password=None):
        self.configure(None)
        said = run(self.command(user=user, password=password, database=WORLD.database, more=more),
                   self.script(text))[1]
        for part in wanted:
            check(part in said, f"{part!r} is not in {said[-300:]!r}")

    def login_80(self):
        self.strings("Encrypt=strict", "SELECT 40 + 2 AS answer", "42", user=WORLD.sql_user,
                     password=WORLD.sql_password)

    def entra_secret(self):
        self.strings("Encrypt=yes;Authentication=ActiveDirectoryServicePrincipal",
                     "SELECT USER_NAME()", WORLD.app, user=WORLD.app_client_id,
                     password=WORLD.app_secret)

    def entra_password(self):
        self.strings("Encrypt=yes;Authentication=ActiveDirectoryPassword", "SELECT USER_NAME()",
                     WORLD.developer, user=WORLD.developer, password=WORLD.developer_password)

    def entra_identity(self):
        self.strings(f"Encrypt=yes;Authentication=ActiveDirectoryMsi;UID={WORLD.identity_client_id}",
                     "SELECT USER_NAME()", WORLD.identity)

    def row_counts(self):
        table = unique()
        self.has(f"CREATE TABLE {table} (a int)\n", "")
        said = self.sql(f"INSERT INTO {table} VALUES (1), (2), (3)")
        check("3 rows affected" in said or "SQLRowCount returns 3" in said, said[-300:])
        self.sql(f"DROP TABLE {table}")

    def catalog_tables(self):
        said = self.sql("help")
        check("Persons" in said, said[-300:])

    def catalog_columns(self):
        said = self.sql("help Persons")
        check("FirstName" in said and "LastName" in said, said[-300:])


main(Isql())
