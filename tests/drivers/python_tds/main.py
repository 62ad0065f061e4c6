# SPDX-License-Identifier: MIT
"""python-tds: a TDS client in Python."""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))

import pytds  # noqa: E402
from pytds.tds_types import DateTime2Type, DecimalType, IntType, NVarCharType  # noqa: E402

from dbapi import DbApi  # noqa: E402
from matrix import WORLD, Failed, check, equal, main  # noqa: E402


class PythonTds(DbApi):
    mark = "%s"
    # Its NULL is an nvarchar, which the server does not turn into binary by itself.
    null_marks = {"binary": "CAST(? AS {})"}
    # All messages' texts, and the number of the last one.
    database_refusal = (18456, 'Cannot open database "nosuch" requested by the login.')

    def connect(self, *, token=None, user=None, password=None, database=None, strict=False, ca=None,
                autocommit=True, **options):
        who = ({"access_token_callable": lambda: token} if token
               else {"user": user, "password": password})
        return pytds.connect(dsn=WORLD.host, port=WORLD.port, database=database or WORLD.database,
                             cafile=None if WORLD.clear else ca or WORLD.ca_file, validate_host=True,
                             autocommit=autocommit, login_timeout=20, disable_connect_retry=True,
                             **who, **options)

    def parameter(self, case):
        value = case.value()
        return pytds.Binary(value) if case.kind == "binary" and value is not None else value

    def batch_counts(self, session, table):
        """It tells the first statement's count; nextset() goes to result sets only."""
        cursor = self.run(session, f"UPDATE {table} SET a = 5; DELETE FROM {table} WHERE a = 6")
        equal(cursor.rowcount, 3)

    def cancel(self):
        """Its timeout sends the attention; cursors are for one thread."""
        session = self.open(timeout=1)
        began = time.monotonic()
        try:
            self.run(session, "WAITFOR DELAY '00:00:20'; SELECT 1").fetchall()
        except pytds.TimeoutError:
            pass
        else:
            raise Failed("the statement ended as if it had not been cancelled")
        check(time.monotonic() - began < 10, "the cancel took longer than 10 seconds")
        equal(self.value(session, "SELECT 6"), 6)
        session.close()

    def column_types(self, description):
        from pytds.tds_base import DECIMAL, NUMBER

        equal(description[0][1], NUMBER)
        equal(description[2][1], DECIMAL)

    def error_parts(self, error):
        equal((error.number, error.state, error.severity, error.text),
              (50000, 7, 16, "made 42"))

    def messages(self, session, text):
        cursor = self.run(session, text)
        return [message[1].text for message in cursor.messages]

    # The driver looks for an output parameter at its place among the outputs: it has to be first.
    PROCEDURE = ("CREATE PROCEDURE {} @b int OUTPUT, @a int AS BEGIN SET @b = @a * 2; "
                 "SELECT @a AS a; RETURN 3 END")

    def call(self, session, name):
        cursor = session.cursor()
        cursor.callproc(name, (pytds.output(None, int), 21))
        equal([tuple(row) for row in cursor.fetchall()], [(21,)])
        while cursor.nextset():
            pass
        equal(cursor.get_proc_outputs(), [42], "output parameters")
        equal(cursor.get_proc_return_status(), 3, "return status")

    def copy(self, session, table, count):
        cursor = session.cursor()
        columns = [pytds.Column("id", type=IntType()), pytds.Column("name", type=NVarCharType(50)),
                   pytds.Column("price", type=DecimalType(9, 2)),
                   pytds.Column("made", type=DateTime2Type(3))]
        cursor.copy_to(data=self.bulk_rows(count), table_or_view=table, columns=columns)

    def settle(self, session):
        self.settle_blindly(session)

    def pooled(self):
        return self.open(pooling=True)

    def set_isolation(self, session):
        session.isolation_level = 4


main(PythonTds())
