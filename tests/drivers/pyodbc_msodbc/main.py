# SPDX-License-Identifier: MIT
"""Microsoft's ODBC Driver 18 through pyodbc."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))

import pyodbc  # noqa: E402
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

    def entra_password(self):
        self.signed_in(self.connect(authentication="ActiveDirectoryPassword", user=WORLD.developer,
                                    password=WORLD.developer_password), WORLD.developer)

    def entra_identity(self):
        self.signed_in(self.connect(authentication="ActiveDirectoryMsi",
                                    user=WORLD.identity_client_id), WORLD.identity)

    def pool_reset(self):
        """In a process of its own: the driver manager reads all this when it is first used."""
        if "MATRIX_POOL" in os.environ:
            super().pool_reset()
            return
        with tempfile.TemporaryDirectory() as directory:
            pathlib.Path(directory, "odbcinst.ini").write_text(
                f"[ODBC]\nPooling = Yes\n[pooled]\nDriver = {WORLD.msodbc}\nCPTimeout = 60\n")
            result = subprocess.run([sys.executable, __file__, "pool-reset"], text=True, timeout=60,
                                    env={**os.environ, "MATRIX_POOL": "1", "ODBCSYSINI": directory},
                                    stdout=subprocess.PIPE)
        said = [json.loads(line) for line in result.stdout.splitlines()]
        told = [entry for entry in said if "op" in entry]
        check(told and told[0]["ok"], told[0]["reason"] if told else f"ended: {result.returncode}")

    def pooled(self):
        pyodbc.pooling = True
        string = msodbc_string(user=WORLD.sql_user, password=WORLD.sql_password)
        return pyodbc.connect(string.replace(WORLD.msodbc, "{pooled}"), autocommit=True, timeout=30)

    def error_parts(self, error):
        said = self.describe(error)
        check("made 42" in said and "(50000)" in said, f"got {said!r}")

    def cancelled(self, error):
        equal(error.args[0], "HY008", "SQLSTATE")

    def copy(self, session, table, count):
        self.bulk_insert(session, table, count)


main(Msodbc())
