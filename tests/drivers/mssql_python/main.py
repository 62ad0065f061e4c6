# SPDX-License-Identifier: MIT
"""mssql-python: Microsoft's Python driver on its own build of the ODBC driver."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
sys.path.remove(str(pathlib.Path(__file__).resolve().parent))

import mssql_python  # noqa: E402

from dbapi import DbApi  # noqa: E402
from matrix import WORLD, check, equal, main, unique  # noqa: E402

SQL_COPT_SS_ACCESS_TOKEN = 1256


def token_block(token):
    import struct

    data = token.encode("utf-16-le")
    return struct.pack(f"<I{len(data)}s", len(data), data)


class MssqlPython(DbApi):
    pooling = False
    shows_numbers = False  # its exceptions have a class and a text
    database_refusal = (18456, f"Login failed for user '{WORLD.principal}'.")

    def connect(self, *, token=None, user=None, password=None, database=None, strict=False, ca=None,
                autocommit=True, authentication=None, **options):
        os.environ["SSL_CERT_FILE"] = ca or WORLD.ca_file
        mssql_python.pooling(enabled=self.pooling)
        string = (f"Server={WORLD.microsofts_server};Database={database or WORLD.database};"
                  "TrustServerCertificate=no;")
        string += f"Encrypt={'strict' if strict else 'no' if WORLD.clear else 'yes'};"
        if authentication:
            string += f"Authentication={authentication};"
        if user is not None:
            string += f"UID={user};"
        if password is not None:
            string += f"PWD={{{password}}};"
        if token:
            options["attrs_before"] = {SQL_COPT_SS_ACCESS_TOKEN: token_block(token)}
        return mssql_python.connect(string, autocommit=autocommit, **options)

    def entra_secret(self):
        self.signed_in(self.connect(authentication="ActiveDirectoryServicePrincipal",
                                    user=WORLD.app_client_id, password=WORLD.app_secret),
                       WORLD.app)

    def entra_password(self):
        self.signed_in(self.connect(authentication="ActiveDirectoryPassword", user=WORLD.developer,
                                    password=WORLD.developer_password), WORLD.developer)

    def entra_identity(self):
        self.signed_in(self.connect(authentication="ActiveDirectoryMSI",
                                    user=WORLD.identity_client_id), WORLD.identity)

    def entra_default(self):
        self.signed_in(self.connect(authentication="ActiveDirectoryDefault"), WORLD.identity)

    def set_autocommit(self, connection, on):
        connection.autocommit = on

    def procedure(self):
        session = self.open()
        name = unique("p")
        self.run(session, self.PROCEDURE.format(name))
        cursor = self.run(session, f"DECLARE @b int, @r int; EXEC @r = {name} ?, @b OUTPUT; "
                                   "SELECT @b AS b, @r AS r", 21)
        equal([tuple(row) for row in cursor.fetchall()], [(21,)])
        check(cursor.nextset(), "the batch's own result set is missing")
        equal([tuple(row) for row in cursor.fetchall()], [(42, 3)])
        cursor.close()
        self.run(session, f"DROP PROCEDURE {name}")
        session.close()

    def error_parts(self, error):
        check("made 42" in self.describe(error), f"got {self.describe(error)!r}")

    def messages(self, session, text):
        cursor = self.run(session, text)
        return [message[1].rsplit("]", 1)[1] for message in cursor.messages]

    def set_isolation(self, session):
        session.set_attr(mssql_python.SQL_ATTR_TXN_ISOLATION, mssql_python.SQL_TXN_SERIALIZABLE)

    def copy(self, session, table, count):
        # Its bulk copy logs in by itself and knows nothing of the token attribute.
        session = self.connect(user=WORLD.sql_user, password=WORLD.sql_password)
        session.cursor().bulkcopy(table, self.bulk_rows(count))

    def pooled(self):
        self.pooling = True
        return self.open()

    def catalog_tables(self):
        session = self.open()
        rows = session.cursor().tables(table="Persons").fetchall()
        equal([(row[1], row[2], row[3]) for row in rows], [("dbo", "Persons", "TABLE")])
        session.close()

    def catalog_columns(self):
        session = self.open()
        rows = session.cursor().columns(table="Persons").fetchall()
        equal([(row[3], row[5], row[6]) for row in rows],
              [("ID", "int identity", 10), ("FirstName", "varchar", 255),
               ("LastName", "varchar", 255)])
        session.close()

    def catalog_keys(self):
        session = self.open()
        parent, child = unique("parent"), unique("child")
        self.run(session, f"CREATE TABLE {parent} (id int NOT NULL CONSTRAINT pk_{parent} PRIMARY "
                          "KEY, code int NOT NULL)")
        self.run(session, f"CREATE TABLE {child} (pid int CONSTRAINT fk_{child} REFERENCES "
                          f"{parent}(id))")
        self.run(session, f"CREATE UNIQUE INDEX ix_{parent} ON {parent}(code)")
        equal([(row[3], row[5]) for row in session.cursor().primaryKeys(parent)],
              [("id", f"pk_{parent}")])
        equal([(row[3], row[6], row[7], row[11])
               for row in session.cursor().foreignKeys(table=child)],
              [("id", child, "pid", f"fk_{child}")])
        equal([(row[5], row[8]) for row in session.cursor().statistics(parent) if row[5]],
              [(f"pk_{parent}", "id"), (f"ix_{parent}", "code")])
        self.run(session, f"DROP TABLE {child}")
        self.run(session, f"DROP TABLE {parent}")
        session.close()


main(MssqlPython())
