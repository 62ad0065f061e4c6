# SPDX-License-Identifier: MIT
"""Command-line programs: a script in, text out."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))

import freetds  # noqa: E402
from matrix import WORLD, check, equal, unique  # noqa: E402

NO_DATABASE = 'Cannot open database "nosuch" requested by the login. The login failed.'


def run(arguments, text=None, timeout=40):
    """Exit code and everything that was printed."""
    result = subprocess.run(arguments, input=text, capture_output=True, text=True, timeout=timeout,
                            errors="replace", env=dict(os.environ))
    return result.returncode, result.stdout + result.stderr


class Tool:
    """The operations of a program that runs SQL; `sql` gives what it printed."""

    def command(self, *, user, password, database):
        raise NotImplementedError

    def script(self, text):
        return text

    def sql(self, text, *, user=None, password=None, database=None, ca=None):
        self.configure(ca)
        return run(self.command(user=user or WORLD.sql_user,
                                password=password or WORLD.sql_password,
                                database=database or WORLD.database), self.script(text))[1]

    def configure(self, ca):
        freetds.configure(ca)

    def has(self, text, *wanted, **options):
        said = self.sql(text, **options)
        for part in wanted:
            check(part in said, f"{part!r} is not in {said[-300:]!r}")

    def login_74(self):
        self.has("SELECT 40 + 2 AS answer", "42")

    def login_untrusted(self):
        said = self.sql("SELECT 40 + 2 AS answer", ca=WORLD.other_ca_file)
        check("42" not in said, "a certificate of an unknown CA was taken")
        check("onnect" in said, f"it said {said[-300:]!r}")

    def sql_login(self):
        self.has("SELECT SUSER_SNAME() AS who", WORLD.sql_user)

    login_failed = "18456"

    def refuse_no_token(self):
        self.has("SELECT 1", self.login_failed, "Login failed for user 'nobody'.", user="nobody")

    def refuse_password(self):
        self.has("SELECT 1", self.login_failed, f"Login failed for user '{WORLD.sql_user}'.",
                 password="Wrong-1!")

    def refuse_database(self):
        self.has("SELECT 1", *self.no_database, database="nosuch")

    no_database = ("4060", NO_DATABASE)

    def row_counts(self):
        table = unique()
        self.sql(f"CREATE TABLE {table} (a int)")
        self.has(f"INSERT INTO {table} VALUES (1), (2), (3)", "3 row")
        self.has(f"UPDATE {table} SET a = 5 WHERE a > 1", "2 row")
        self.sql(f"DROP TABLE {table}")

    def result_sets(self):
        self.has("SELECT 11 AS a; SELECT N'two' AS b UNION ALL SELECT N'three'", "11", "two",
                 "three")

    def error_detail(self):
        self.has("\nRAISERROR(N'made %d', 16, 7, 42)", *self.error_words)

    error_words = ("50000", "made 42")

    def message(self):
        self.has("PRINT N'hello there'", "hello there")

    def transaction(self, end, count):
        table = unique()
        self.sql(f"CREATE TABLE {table} (a int)")
        self.sql(f"BEGIN TRANSACTION INSERT INTO {table} VALUES (1) {end} TRANSACTION")
        self.has(f"SELECT 100 + COUNT(*) AS n FROM {table} DROP TABLE {table}", str(100 + count))

    def commit(self):
        self.transaction("COMMIT", 1)

    def rollback(self):
        self.transaction("ROLLBACK", 0)

    # Types: what the program prints of each.

    def prints(self, *pairs):
        for expression, text in pairs:
            said = self.sql(f"SELECT {expression} AS v")
            check(text in said, f"{expression} is printed as {said[-200:]!r}")

    def type_integer(self):
        self.prints(("CAST(-9223372036854775808 AS bigint)", "-9223372036854775808"),
                    ("CAST(255 AS tinyint)", "255"), ("CAST(-32768 AS smallint)", "-32768"),
                    ("CAST(NULL AS int)", self.null))

    null = "NULL"

    def type_decimal(self):
        nines = "9" * 38
        self.prints((f"CAST({nines} AS decimal(38,0))", nines),
                    ("CAST(-0.0001 AS decimal(18,4))", ".0001"),
                    ("CAST(922337203685477.5807 AS money)", "922337203685477.58"))

    def type_float(self):
        self.prints(("CAST(0.25 AS float)", "0.25"), ("CAST(-0.5 AS real)", "-0.5"))

    def type_text(self):
        self.prints(("CAST(N'caf\u00e9 \u4e2d' AS nvarchar(20))", "caf\u00e9 \u4e2d"),
                    ("CAST('x' AS char(5)) + '|'", "x    |"), ("CAST(NULL AS nvarchar(9))", self.null))

    def type_binary(self):
        self.prints(("CAST(0x00FF7F AS varbinary(9))", "00FF7F" if self.upper else "00ff7f"))

    # A leap day in the program's own format: of date, of types with a time, of time. FreeTDS's
    # locales.conf says "%b %d %Y %I:%M%p", so there are no seconds.
    times = ("Feb 29 2024", "Feb 29 2024 12:34", "12:34")

    def type_time(self):
        day, both, time = self.times
        self.prints(("CAST('2024-02-29' AS date)", day),
                    ("CAST('2024-02-29T12:34:56.123' AS datetime)", both),
                    ("CAST('2024-02-29T12:34:00' AS smalldatetime)", "12:34"),
                    ("CAST('2024-02-29T12:34:56.1234567' AS datetime2)", both),
                    ("CAST('2024-02-29T12:34:56.1234567+00:00' AS datetimeoffset)", both),
                    ("CAST('12:34:56.1234567' AS time)", time),
                    ("CAST(NULL AS datetime2)", self.null))

    upper = False

    def type_guid(self):
        self.prints(("CAST('00112233-4455-6677-8899-AABBCCDDEEFF' AS uniqueidentifier)",
                     "00112233-4455-6677-8899-AABBCCDDEEFF"))
