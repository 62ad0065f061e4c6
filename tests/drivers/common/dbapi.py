# SPDX-License-Identifier: MIT
"""The operations on a PEP 249 driver. A driver's own program says how it connects and names its ways."""
import threading
import time

from matrix import WORLD, Failed, cases, check, equal, unique

TOKEN_PRINCIPAL = "Login failed for user '<token-identified principal>'."


class DbApi:
    mark = "?"
    autocommit = "autocommit"
    takes_tokens = True
    shows_numbers = True
    untrusted = ("certificate", "ssl", "tls")  # one of these is in the driver's own words
    null_marks = {}  # kind: how NULL of it is written where a driver's NULL has no type
    # The server sends 4060 and then 18456; some drivers show only the last of them.
    database_refusal = (
        4060, 'Cannot open database "nosuch" requested by the login. The login failed.')

    # What a driver says itself.

    def connect(self, *, token=None, user=None, password=None, database=None, strict=False, ca=None,
                autocommit=True, **options):
        raise NotImplementedError

    def describe(self, error):
        """Number and text of a driver's error as one text."""
        return f"{getattr(error, 'number', '')} {error}"

    def set_autocommit(self, connection, on):
        setattr(connection, self.autocommit, on)

    # Helpers.

    def login(self):
        """The strongest way in that the driver offers, as somebody who may do everything."""
        if self.takes_tokens and not WORLD.by_password:
            return {"token": WORLD.tokens["admin"]}
        return {"user": WORLD.sql_user, "password": WORLD.sql_password}

    def open(self, **options):
        return self.connect(**{**self.login(), **options})

    def run(self, connection, text, *parameters):
        cursor = connection.cursor()
        text = text.replace("?", self.mark) if parameters else text
        if parameters:
            cursor.execute(text, parameters)
        else:
            cursor.execute(text)
        return cursor

    def rows(self, connection, text, *parameters):
        return [tuple(row) for row in self.run(connection, text, *parameters).fetchall()]

    def value(self, connection, text, *parameters):
        return self.rows(connection, text, *parameters)[0][0]

    def refused(self, act, number, text):
        """The act must fail with SQL Server's number and text."""
        try:
            act()
        except Failed:
            raise
        except Exception as error:  # every driver has its own classes
            said = self.describe(error)
            check((str(number) in said or not self.shows_numbers) and text in said,
                  f"refused with {said!r}, not with {number} {text!r}")
            return
        raise Failed(f"not refused, though it has to be with {number}")

    def drain(self, session, text):
        """Runs a batch and looks at all of its results: errors come where the server meets them."""
        cursor = self.run(session, text)
        while cursor.nextset():
            pass

    # Logins.

    def login_74(self):
        with_session = self.open()
        equal(self.value(with_session, "SELECT 40 + 2"), 42)
        with_session.close()

    def login_80(self):
        session = self.open(strict=True)
        equal(self.value(session, "SELECT 40 + 2"), 42)
        session.close()

    def login_untrusted(self):
        try:
            self.open(ca=WORLD.other_ca_file)
        except Exception as error:  # the words differ with each TLS library
            said = self.describe(error).lower()
            check(any(word in said for word in self.untrusted),
                  f"refused for another reason: {said}")
            return
        raise Failed("a certificate of an unknown CA was taken")

    def token(self):
        session = self.connect(token=WORLD.tokens["developer"])
        equal(self.value(session, "SELECT USER_NAME()"), WORLD.developer)
        session.close()

    def signed_in(self, session, name):
        equal(self.value(session, "SELECT USER_NAME()"), name)
        session.close()

    def sql_login(self):
        session = self.connect(user=WORLD.sql_user, password=WORLD.sql_password)
        equal(self.value(session, "SELECT SUSER_SNAME()"), WORLD.sql_user)
        session.close()

    def refuse_no_token(self):
        self.refused(lambda: self.connect(user="nobody", password="Nothing-1!"), 18456,
                     "Login failed for user 'nobody'.")

    def refuse_password(self):
        self.refused(lambda: self.connect(user=WORLD.sql_user, password="Wrong-1!"), 18456,
                     f"Login failed for user '{WORLD.sql_user}'.")

    def refuse_expired(self):
        self.refused(lambda: self.connect(token=WORLD.tokens["expired"]), 18456,
                     TOKEN_PRINCIPAL + " Token is expired.")

    def refuse_audience(self):
        self.refused(lambda: self.connect(token=WORLD.tokens["audience"]), 18456, TOKEN_PRINCIPAL)

    def refuse_unknown(self):
        self.refused(lambda: self.connect(token=WORLD.tokens["stranger"]), 18456, TOKEN_PRINCIPAL)

    def refuse_database(self):
        number, text = self.database_refusal
        self.refused(lambda: self.open(database="nosuch"), number, text)

    # Types.

    def round_trip(self, op):
        session = self.open()
        failures = []
        for case in cases(op):
            try:
                self.one_value(session, case)
            except Exception as error:  # one type must not hide the others
                failures.append(f"{case.type} {self.describe(error)}"[:200])
                try:
                    session.rollback()
                except Exception:
                    session = self.open()
        check(not failures, "; ".join(failures))
        session.close()

    def parameter(self, case):
        return case.value()

    def one_value(self, session, case):
        case.compare(self.received(case, self.value(session, f"SELECT {case.expression} AS v")))
        table = unique()
        self.run(session, f"CREATE TABLE {table} (id int NOT NULL, v {case.type})")
        try:
            mark = self.null_marks.get(case.kind, "?") if case.text is None else "?"
            self.run(session, f"INSERT INTO {table} (id, v) VALUES (?, {mark.format(case.type)})",
                     7, self.parameter(case))
            got = self.rows(session, f"SELECT v FROM {table} WHERE id = ? AND {case.where}", 7)
            equal(len(got), 1, f"{case.type}: rows equal to the literal after the insert:")
            case.compare(self.received(case, got[0][0]))
        finally:
            self.run(session, f"DROP TABLE {table}")

    def received(self, case, value):
        """Where a driver's documented type for a value is another than the usual one."""
        return value

    def type_integer(self):
        self.round_trip("type-integer")

    def type_decimal(self):
        self.round_trip("type-decimal")

    def type_float(self):
        self.round_trip("type-float")

    def type_text(self):
        self.round_trip("type-text")

    def type_binary(self):
        self.round_trip("type-binary")

    def type_time(self):
        self.round_trip("type-time")

    def type_guid(self):
        self.round_trip("type-guid")

    def type_large(self):
        self.round_trip("type-large")

    def type_columns(self):
        session = self.open()
        cursor = self.run(session, "SELECT ID, FirstName, CAST(1 AS decimal(9,2)) AS amount "
                                   "FROM Persons WHERE 1 = 0")
        equal([column[0] for column in cursor.description], ["ID", "FirstName", "amount"])
        self.column_types(cursor.description)
        equal(cursor.fetchall(), [])
        session.close()

    def column_types(self, description):
        """Checks the type codes of an int, a varchar and a decimal."""
        import decimal

        equal([column[1] for column in description], [int, str, decimal.Decimal])

    # Statements.

    def prepare(self):
        session = self.open()
        table = unique()
        self.run(session, f"CREATE TABLE {table} (a int, b nvarchar(20))")
        cursor = session.cursor()
        text = f"INSERT INTO {table} VALUES ({self.mark}, {self.mark})"
        for number in range(3):
            cursor.execute(text, (number, f"n{number}"))
        cursor.close()
        equal(self.rows(session, f"SELECT a, b FROM {table} ORDER BY a"),
              [(0, "n0"), (1, "n1"), (2, "n2")])
        self.run(session, f"DROP TABLE {table}")
        session.close()

    def result_sets(self):
        session = self.open()
        cursor = self.run(session, "SELECT 1 AS a; SELECT N'x' AS b, 2 AS c WHERE 1 = 0; "
                                   "SELECT N'two' AS d UNION ALL SELECT N'three'")
        equal([tuple(row) for row in cursor.fetchall()], [(1,)])
        check(cursor.nextset(), "no second result set")
        equal([column[0] for column in cursor.description], ["b", "c"])
        equal(cursor.fetchall(), [])
        check(cursor.nextset(), "no third result set")
        equal([tuple(row) for row in cursor.fetchall()], [("two",), ("three",)])
        check(not cursor.nextset(), "a fourth result set")
        session.close()

    def row_counts(self):
        session = self.open()
        table = unique()
        self.run(session, f"CREATE TABLE {table} (a int)")
        equal(self.run(session, f"INSERT INTO {table} VALUES (1), (2), (3)").rowcount, 3)
        equal(self.run(session, f"UPDATE {table} SET a = a + 1 WHERE a > ?", 1).rowcount, 2)
        equal(self.run(session, f"DELETE FROM {table} WHERE a = ?", 99).rowcount, 0)
        self.batch_counts(session, table)
        self.run(session, f"DROP TABLE {table}")
        session.close()

    def batch_counts(self, session, table):
        cursor = self.run(session, f"UPDATE {table} SET a = 5; DELETE FROM {table} WHERE a = 6")
        counts = [cursor.rowcount]
        while cursor.nextset():
            counts.append(cursor.rowcount)
        equal(counts, [3, 0])

    PROCEDURE = ("CREATE PROCEDURE {} @a int, @b int OUTPUT AS BEGIN SET @b = @a * 2; "
                 "SELECT @a AS a; RETURN 3 END")

    def procedure(self):
        session = self.open()
        name = unique("p")
        self.run(session, self.PROCEDURE.format(name))
        self.call(session, name)
        self.run(session, f"DROP PROCEDURE {name}")
        session.close()

    def call(self, session, name):
        raise NotImplementedError

    def error_detail(self):
        session = self.open()
        self.refused(lambda: self.drain(session, "SELECT 1 AS a\n\nSELECT * FROM nosuchtable"), 208,
                     "Invalid object name 'nosuchtable'.")
        try:
            self.drain(session, "\nRAISERROR(N'made %d', 16, 7, 42)")
        except Exception as error:
            self.error_parts(error)
        else:
            raise Failed("RAISERROR raised nothing")
        session.rollback()
        equal(self.value(session, "SELECT 5"), 5)
        session.close()

    def error_parts(self, error):
        """Of error 50000, state 7, class 16, line 2."""
        said = self.describe(error)
        check("50000" in said and "made 42" in said, f"got {said!r}")

    def message(self):
        session = self.open()
        equal(self.messages(session, "PRINT N'hello \u00e9'"), ["hello \u00e9"])
        session.close()

    def messages(self, session, text):
        raise NotImplementedError

    def cancel(self):
        session = self.open()
        cursor = session.cursor()
        timer = threading.Timer(0.7, lambda: self.cancel_now(session, cursor))
        timer.start()
        began = time.monotonic()
        try:
            cursor.execute("WAITFOR DELAY '00:00:20'; SELECT 1")
            cursor.fetchall()
        except Exception as error:
            self.cancelled(error)
        else:
            raise Failed("the statement ended as if it had not been cancelled")
        finally:
            timer.join()  # before the handle goes that it cancels
        check(time.monotonic() - began < 10, "the cancel took longer than 10 seconds")
        cursor.close()
        session.rollback()
        equal(self.value(session, "SELECT 6"), 6)
        session.close()

    def cancel_now(self, session, cursor):
        cursor.cancel()

    def cancelled(self, error):
        pass

    def bulk(self):
        session = self.open()
        table = unique()
        self.run(session, f"CREATE TABLE {table} (id int NOT NULL, name nvarchar(50), price "
                          "decimal(9,2), made datetime2(3))")
        self.copy(session, table, 1000)
        equal(self.rows(session, f"SELECT COUNT(*), SUM(id), SUM(price), MIN(name) FROM {table}"),
              self.copied())
        self.run(session, f"DROP TABLE {table}")
        session.close()

    @staticmethod
    def bulk_rows(count):
        import datetime
        import decimal

        return [(i, f"n\u00e9 {i:04}" if i % 10 else None, decimal.Decimal(i) / 4,
                 datetime.datetime(2024, 2, 29, 1, 2, 3, 123000)) for i in range(count)]

    def copied(self):
        import decimal

        return [(1000, 499500, decimal.Decimal("124875.00"), "n\u00e9 0001")]

    def copy(self, session, table, count):
        raise NotImplementedError

    # Transactions.

    def pair(self):
        """A session with a table of one row, in a transaction; another to look with."""
        first = self.open(autocommit=False)
        second = self.open()
        table = unique()
        self.run(first, f"CREATE TABLE {table} (a int)")
        self.run(first, f"INSERT INTO {table} VALUES (1)")
        first.commit()
        return first, second, table

    def drop(self, first, second, table):
        first.close()  # which ends its transaction
        self.run(second, f"DROP TABLE {table}")
        second.close()

    def count(self, session, table):
        return self.value(session, f"SELECT COUNT(*) FROM {table}")

    def commit(self):
        first, second, table = self.pair()
        self.run(first, f"INSERT INTO {table} VALUES (?)", 2)
        equal(self.count(second, table), 1, "before the commit the other session sees")
        first.commit()
        equal(self.count(second, table), 2, "after the commit the other session sees")
        self.drop(first, second, table)

    def rollback(self):
        first, second, table = self.pair()
        self.run(first, f"INSERT INTO {table} VALUES (?)", 2)
        equal(self.count(first, table), 2)
        first.rollback()
        equal(self.count(first, table), 1)
        self.drop(first, second, table)

    LEVEL = ("SELECT transaction_isolation_level FROM sys.dm_exec_sessions "
             "WHERE session_id = @@SPID")

    def isolation(self):
        session = self.open(autocommit=False)
        self.set_isolation(session)
        equal(int(self.value(session, self.LEVEL)), 4, "isolation level")
        session.rollback()
        session.close()

    def set_isolation(self, session):
        self.run(session, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")

    def xact_abort(self):
        first, second, table = self.pair()
        self.run(first, "SET XACT_ABORT ON")
        self.run(first, f"INSERT INTO {table} VALUES (2)")
        self.refused(lambda: self.run(first, f"INSERT INTO {table} VALUES (1 / 0)"), 8134,
                     "Divide by zero error encountered.")
        equal(self.count(second, table), 1, "after the error there are")
        self.settle(first)
        equal(self.count(first, table), 1)
        self.drop(first, second, table)

    def settle(self, session):
        session.rollback()

    def settle_blindly(self, session):
        """Of a driver that asks for a rollback though the server told that its transaction ended."""
        self.refused(session.rollback, 3903, "has no corresponding BEGIN TRANSACTION")

    def savepoint(self):
        first, second, table = self.pair()
        self.run(first, f"INSERT INTO {table} VALUES (2)")
        self.run(first, "SAVE TRANSACTION mark1")
        self.run(first, f"INSERT INTO {table} VALUES (3)")
        self.run(first, "ROLLBACK TRANSACTION mark1")
        first.commit()
        equal(self.rows(second, f"SELECT a FROM {table} ORDER BY a"), [(1,), (2,)])
        self.drop(first, second, table)

    def chained(self):
        first, second, table = self.pair()
        for number in (2, 3):
            self.run(first, f"INSERT INTO {table} VALUES (?)", number)
            equal(self.value(first, "SELECT @@TRANCOUNT"), 1, "@@TRANCOUNT")
            first.commit()
        self.run(first, f"INSERT INTO {table} VALUES (?)", 4)
        first.rollback()
        equal(self.count(second, table), 3)
        self.drop(first, second, table)

    # Sessions.

    def pool_reset(self):
        spid = []
        first = self.pooled()
        spid.append(self.value(first, "SELECT @@SPID"))
        self.run(first, "CREATE TABLE #left (a int)")
        self.run(first, "SET LOCK_TIMEOUT 1234")
        first.close()
        second = self.pooled()
        spid.append(self.value(second, "SELECT @@SPID"))
        equal(spid[1], spid[0], "the pool gave session")
        equal(self.value(second, "SELECT @@LOCK_TIMEOUT"), -1, "@@LOCK_TIMEOUT")
        equal(self.value(second, "SELECT OBJECT_ID(N'tempdb..#left')"), None, "OBJECT_ID of #left")
        second.close()

    def pooled(self):
        raise NotImplementedError
