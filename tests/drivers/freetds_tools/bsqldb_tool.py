# SPDX-License-Identifier: MIT
"""bsqldb: FreeTDS's tool over db-lib."""
from common import Tool
import freetds


class Bsqldb(Tool):
    def command(self, *, user, password, database):
        return ["bsqldb", "-S", freetds.SERVER, "-U", user, "-P", password, "-D", database, "-t", "|"]

    def script(self, text):
        return f"{text}\ngo\n"



