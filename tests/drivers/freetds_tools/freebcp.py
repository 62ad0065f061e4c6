# SPDX-License-Identifier: MIT
"""freebcp: bulk copy over db-lib. Another of FreeTDS's programs looks at what it did."""
import pathlib
import tempfile

from bsqldb_tool import Bsqldb
from common import NO_DATABASE, WORLD, check, equal, run, unique
from matrix import main
import freetds


class Freebcp:
    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="freebcp-"))
        self.sql = Bsqldb().sql

    def bcp(self, table, way, path, *, user=None, password=None, database=None, ca=None):
        freetds.configure(ca)
        return run(["freebcp", f"dbo.{table}", way, str(path), "-c",
                    "-D", database or WORLD.database, "-S", freetds.SERVER, "-U", user or WORLD.sql_user,
                    "-P", password or WORLD.sql_password])

    def exported(self, **options):
        path = self.directory / unique()
        code, said = self.bcp("Persons", "out", path, **options)
        return code, said, path.read_text("utf-8") if path.exists() else ""

    def login_74(self):
        code, said, text = self.exported()
        check(code == 0 and "Lovelace" in text, said)

    sql_login = login_74

    def login_untrusted(self):
        code, said, text = self.exported(ca=WORLD.other_ca_file)
        check(code != 0 and not text, "a certificate of an unknown CA was taken")
        check("onnect" in said, said)

    def refused(self, words, **options):
        code, said, _ = self.exported(**options)
        check(code != 0, "not refused")
        for word in words:
            check(word in said, said)

    def refuse_no_token(self):
        self.refused(("18456", "Login failed for user 'nobody'."), user="nobody")

    def refuse_password(self):
        self.refused(("18456", f"Login failed for user '{WORLD.sql_user}'."), password="Wrong-1!")

    def refuse_database(self):
        self.refused(("4060", NO_DATABASE), database="nosuch")

    def bulk(self):
        table = unique()
        self.sql(f"CREATE TABLE {table} (id int NOT NULL, name nvarchar(50), price decimal(9,2), "
                 "made datetime2(3))")
        path = self.directory / "in"
        names = [f"n\u00e9 {i:04}" if i % 10 else "" for i in range(1000)]
        path.write_text("".join(f"{i}\t{names[i]}\t{i / 4}\t2024-02-29 01:02:03.123\n"
                                for i in range(1000)), "utf-8")
        code, said = self.bcp(table, "in", path)
        equal(code, 0, said)
        got = self.sql(f"SELECT CONCAT(COUNT(*), ' ', SUM(id), ' ', SUM(price), ' ', MIN(name)) AS v "
                       f"FROM {table} DROP TABLE {table}")
        check("1000 499500 124875.00 n\u00e9 0001" in got, f"the table has {got[-200:]!r}")

    def copied_out(self, expression, text):
        table = unique()
        self.sql(f"SELECT {expression} AS v INTO {table}")
        path = self.directory / table
        code, said = self.bcp(table, "out", path)
        equal(code, 0, said)
        equal(path.read_text("utf-8").rstrip("\n"), text, expression)
        self.sql(f"DROP TABLE {table}")

    def type_integer(self):
        self.copied_out("CAST(-9223372036854775808 AS bigint)", "-9223372036854775808")
        self.copied_out("CAST(NULL AS int)", "")

    def type_decimal(self):
        self.copied_out("CAST(-12345.6789 AS decimal(18,4))", "-12345.6789")

    def type_text(self):
        self.copied_out("CAST(N'caf\u00e9 \u4e2d' AS nvarchar(20))", "caf\u00e9 \u4e2d")

    def type_time(self):
        self.copied_out("CAST('2024-02-29' AS date)", "2024-02-29 00:00:00.000")
        self.copied_out("CAST('2024-02-29T12:34:56.123' AS datetime)", "2024-02-29 12:34:56.123")
        self.copied_out("CAST('2024-02-29T12:34' AS smalldatetime)", "2024-02-29 12:34:00.000")
        self.copied_out("CAST('2024-02-29T12:34:56.1234567' AS datetime2(7))",
                        "2024-02-29 12:34:56.1234567")

    def type_guid(self):
        self.copied_out("CAST('00112233-4455-6677-8899-AABBCCDDEEFF' AS uniqueidentifier)",
                        "00112233-4455-6677-8899-AABBCCDDEEFF")


main(Freebcp())
