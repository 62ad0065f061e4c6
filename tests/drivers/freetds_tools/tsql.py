# SPDX-License-Identifier: MIT
"""tsql: FreeTDS's tool over its own library."""
from common import Tool, check
from matrix import main
import freetds


class Tsql(Tool):
    def command(self, *, user, password, database):
        return ["tsql", "-S", freetds.SERVER, "-U", user, "-P", password, "-D", database]

    def script(self, text):
        return f"{text}\nGO\nEXIT\n"

    def row_counts(self):
        said = self.sql("SELECT 1 AS a UNION ALL SELECT 2")
        check("(2 rows affected)" in said, said[-200:])


main(Tsql())
