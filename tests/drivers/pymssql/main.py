# SPDX-License-Identifier: MIT
"""pymssql: FreeTDS's db-lib for Python."""
import json
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
sys.path.remove(str(pathlib.Path(__file__).resolve().parent))

import pymssql  # noqa: E402

import freetds  # noqa: E402
from dbapi import DbApi  # noqa: E402
from matrix import WORLD, Failed, check, equal, main, unique  # noqa: E402


class Pymssql(DbApi):
    mark = "%s"
    takes_tokens = False
    database_refusal = (18456, "Login failed for user 'tester'.")  # it shows the last message
    untrusted = ("connection failed",)  # all that it says; with the right CA it connects

    def connect(self, *, token=None, user=None, password=None, database=None, strict=False, ca=None,
                autocommit=True, **options):
        version, encryption = ("8.0", "strict") if strict else ("7.4", "require")
        freetds.configure(ca, version, encryption)
        return pymssql.connect(server=WORLD.host, port=str(WORLD.port), user=user,
                               password=password, database=database or WORLD.database,
                               login_timeout=20, autocommit=autocommit, tds_version=version,
                               **{"use_datetime2": True, **options})

    # Its message buffer keeps only a process's first refusal: each has a process of its own.

    def in_new_process(self, op):
        result = subprocess.run([sys.executable, __file__, op], capture_output=True, text=True,
                                timeout=60, env={**os.environ, "MATRIX_ALONE": "1"}, check=False)
        end = json.loads(result.stdout.splitlines()[-1])
        check(end["ok"], end.get("reason", ""))

    def refuse_no_token(self):
        self.alone("refuse-no-token", super().refuse_no_token)

    def refuse_password(self):
        self.alone("refuse-password", super().refuse_password)

    def refuse_database(self):
        self.alone("refuse-database", super().refuse_database)

    def alone(self, op, act):
        if os.environ.get("MATRIX_ALONE"):
            act()
        else:
            self.in_new_process(op)

    def describe(self, error):
        def text(part):
            return part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part)

        parts = error.args[0] if error.args and isinstance(error.args[0], tuple) else error.args
        return " ".join(text(part) for part in parts)

    def parameter(self, case):
        value = case.value()
        return bytearray(value) if case.kind == "binary" and value is not None else value

    def one_value(self, session, case):
        """Its two ways to write a datetime: six digits, or the three that datetime has."""
        if case.kind in ("datetime", "smalldatetime"):
            session = self.open(use_datetime2=False)
        super().one_value(session, case)

    def batch_counts(self, session, table):
        """It tells the last statement's count."""
        cursor = self.run(session, f"UPDATE {table} SET a = 5; DELETE FROM {table} WHERE a = 5")
        equal(cursor.rowcount, 3)

    def column_types(self, description):
        equal((description[0][1] == pymssql.NUMBER, description[1][1] == pymssql.STRING,
               description[2][1] == pymssql.DECIMAL), (True, True, True), "type codes match")

    def procedure(self):
        session = self.open()
        name = unique("p")
        # It reads output and status before result sets, and so has them only without one.
        self.run(session, self.PROCEDURE.format(name).replace("SELECT @a AS a; ", ""))
        cursor = session.cursor()
        result = cursor.callproc(name, (21, pymssql.output(int)))
        equal(result[1], 42, "output parameter")
        equal(cursor.returnvalue, 3, "return status")
        cursor.close()
        self.run(session, f"DROP PROCEDURE {name}")
        session.close()

    def messages(self, session, text):
        said = []
        session._conn.set_msghandler(
            lambda state, severity, server, proc, line, message: said.append(message))
        self.run(session, text)
        return [m.decode("utf-8") if isinstance(m, bytes) else m for m in said]

    def cancel(self):
        """Its query timeout sends the attention."""
        session = self.open(timeout=1)
        began = time.monotonic()
        try:
            self.run(session, "WAITFOR DELAY '00:00:20'; SELECT 1").fetchall()
        except pymssql.Error:
            pass
        else:
            raise Failed("the statement ended as if it had not been cancelled")
        check(time.monotonic() - began < 10, "the cancel took longer than 10 seconds")
        session.close()
        session = self.open()
        equal(self.value(session, "SELECT 6"), 6)
        session.close()

    def copy(self, session, table, count):
        session.bulk_copy(table, self.bulk_rows(count))


main(Pymssql())
