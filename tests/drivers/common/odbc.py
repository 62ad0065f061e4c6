# SPDX-License-Identifier: MIT
"""The operations through pyodbc, whichever ODBC driver is underneath."""
import datetime
import os
import struct

import pyodbc

from dbapi import DbApi
from matrix import WORLD, check, equal, unique

SQL_COPT_SS_ACCESS_TOKEN = 1256
ENCRYPT = "no" if WORLD.clear else "yes"
SQL_ATTR_TXN_ISOLATION = 108
SQL_TXN_SERIALIZABLE = 8
SQL_SS_TIMESTAMPOFFSET = -155


def datetimeoffset(data):
    """The converter of pyodbc's wiki for the type that it does not know."""
    year, month, day, hour, minute, second, nanos, hours, minutes = struct.unpack("<6hI2h", data)
    zone = datetime.timezone(datetime.timedelta(hours=hours, minutes=minutes))
    return datetime.datetime(year, month, day, hour, minute, second, nanos // 1000, zone)


class Odbc(DbApi):
    def dial(self, string, autocommit, **options):
        pyodbc.pooling = False
        session = pyodbc.connect(string, autocommit=autocommit, timeout=30, **options)
        session.add_output_converter(SQL_SS_TIMESTAMPOFFSET, datetimeoffset)
        return session

    def describe(self, error):
        return " ".join(str(part) for part in error.args)

    def parameter(self, case):
        value = case.value()
        # pyodbc has no datetimeoffset, and its time has no fraction (its wiki): text then.
        return case.text if case.kind in ("guid", "datetimeoffset", "time") and value else value

    def call(self, session, name):
        rows = self.rows(session, f"DECLARE @b int, @r int; EXEC @r = {name} ?, @b OUTPUT; "
                                  "SELECT @b AS b, @r AS r", 21)
        equal(rows, [(21,)])

    def procedure(self):
        """pyodbc documents this batch as its way to output parameters; {CALL} gives the rows."""
        session = self.open()
        name = unique("p")
        self.run(session, self.PROCEDURE.format(name))
        equal(self.rows(session, f"{{CALL {name} (?, ?)}}", 21, 0), [(21,)])
        cursor = self.run(session, f"DECLARE @b int, @r int; EXEC @r = {name} ?, @b OUTPUT; "
                                   "SELECT @b AS b, @r AS r", 21)
        equal([tuple(row) for row in cursor.fetchall()], [(21,)])
        check(cursor.nextset(), "the batch's own result set is missing")
        equal([tuple(row) for row in cursor.fetchall()], [(42, 3)])
        cursor.close()
        self.run(session, f"DROP PROCEDURE {name}")
        session.close()

    def messages(self, session, text):
        cursor = self.run(session, text)
        return [message[1].rsplit("]", 1)[1] for message in cursor.messages]

    def set_isolation(self, session):
        session.set_attr(SQL_ATTR_TXN_ISOLATION, SQL_TXN_SERIALIZABLE)

    def bulk_insert(self, session, table, count):
        cursor = session.cursor()
        cursor.fast_executemany = True
        cursor.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", self.bulk_rows(count))

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
               for row in session.cursor().foreignKeys(foreignTable=child)],
              [("id", child, "pid", f"fk_{child}")])
        equal([(row[5], row[8]) for row in session.cursor().statistics(parent) if row[5]],
              [(f"pk_{parent}", "id"), (f"ix_{parent}", "code")])
        self.run(session, f"DROP TABLE {child}")
        self.run(session, f"DROP TABLE {parent}")
        session.close()


def msodbc_string(*, user=None, password=None, database=None, strict=False, ca=None,
                  authentication=None):
    """A connection string of Microsoft's driver; the CA is named in the environment."""
    # With Encrypt=yes as with strict the driver's OpenSSL reads its default store.
    os.environ["SSL_CERT_FILE"] = ca or WORLD.ca_file
    string = (f"Driver={WORLD.msodbc};Server={WORLD.microsofts_server};"
              f"Database={database or WORLD.database};TrustServerCertificate=no;"
              f"Encrypt={'strict' if strict else ENCRYPT};")
    if authentication:
        string += f"Authentication={authentication};"
    if user is not None:
        string += f"UID={user};"
    if password is not None:
        string += f"PWD={quoted(password)};"
    return string


def token_block(token):
    data = token.encode("utf-16-le")
    return struct.pack(f"<I{len(data)}s", len(data), data)


def quoted(value):
    return "{" + value.replace("}", "}}") + "}"

