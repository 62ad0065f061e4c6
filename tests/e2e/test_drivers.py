# SPDX-License-Identifier: MIT
"""Real drivers, none of them ours, on the emulator's front with the tutorial's statements."""
import struct
import uuid

import pymssql
import pyodbc
import pytds
import pytest

from conftest import ADMIN, APP_HOST, DATABASE, DEVELOPER, IDENTITY, READER, microsofts_server

SQL_COPT_SS_ACCESS_TOKEN = 1256


def pack(token):
    data = token.encode("utf-16-le")
    return struct.pack(f"<I{len(data)}s", len(data), data)


@pytest.fixture(autouse=True)
def trust(emulator, monkeypatch):
    """Microsoft's driver runs in this process: it finds the emulator's CA as a user's would."""
    monkeypatch.setenv("SSL_CERT_FILE", emulator.environment(ADMIN)["SSL_CERT_FILE"])
    pyodbc.pooling = False


def connect_msodbc(emulator, programs, token, **options):
    return pyodbc.connect(
        f"Driver={programs.msodbc};Server={microsofts_server(emulator.port())};Database={DATABASE};"
        "Encrypt=yes;TrustServerCertificate=no;Connection Timeout=30",
        attrs_before={SQL_COPT_SS_ACCESS_TOKEN: pack(token)},
        **options,
    )


def connect_tdsodbc(emulator, programs, **options):
    return pyodbc.connect(
        f"Driver={programs.tdsodbc};Server=localhost;Port={emulator.port()};Database={DATABASE};"
        f"UID=tester;PWD={emulator.password};TDS_Version=7.4;ClientCharset=UTF-8",
        **options,
    )


def connect_pytds(emulator, token, **options):
    return pytds.connect(
        dsn="localhost", port=emulator.port(), database=DATABASE,
        access_token_callable=lambda: token,
        cafile=emulator.environment(ADMIN)["SSL_CERT_FILE"], validate_host=True, **options,
    )


def connect_pymssql(emulator, **options):
    return pymssql.connect(server="localhost", port=str(emulator.port()), user="tester",
                           password=emulator.password, database=DATABASE, tds_version="7.3",
                           **options)


class Session:
    """A connection and the spelling of its placeholders."""

    def __init__(self, name, connection):
        self.name = name
        self.connection = connection
        self.mark = "?" if name.endswith("odbc") else "%s"

    def run(self, text, *parameters):
        cursor = self.connection.cursor()
        text = text.replace("?", self.mark)
        if parameters:
            cursor.execute(text, parameters)
        else:
            cursor.execute(text)
        return cursor

    def rows(self, text, *parameters):
        return [tuple(row) for row in self.run(text, *parameters).fetchall()]

    def fails(self, text, *parameters):
        """The error text of a statement that must fail; the transaction is rolled back."""
        with pytest.raises((pyodbc.Error, pytds.Error, pymssql.Error)) as caught:
            self.run(text, *parameters)
        self.connection.rollback()
        # python-tds has the number beside its text.
        return f"{getattr(caught.value, 'number', '')} {caught.value}"


@pytest.fixture(params=["msodbc", "tdsodbc", "pytds", "pymssql"])
def session(request, emulator, programs):
    """A connection as somebody who may do everything, through each driver's own way in."""
    if request.param == "msodbc":
        made = connect_msodbc(emulator, programs, emulator.token(ADMIN))
    elif request.param == "tdsodbc":
        made = connect_tdsodbc(emulator, programs)
    elif request.param == "pytds":
        made = connect_pytds(emulator, emulator.token(ADMIN))
    else:
        made = connect_pymssql(emulator)
    yield Session(request.param, made)
    made.close()


def test_tutorial_statements(session):
    table = f"T{uuid.uuid4().hex[:8]}"
    session.run(f"CREATE TABLE {table} (ID int NOT NULL PRIMARY KEY IDENTITY, "
                "FirstName varchar(255), LastName varchar(255));")
    session.connection.commit()
    session.run(f"INSERT INTO {table} (FirstName, LastName) VALUES (?, ?)", "Ada", "Lovelace")
    session.run(f"INSERT INTO {table} (FirstName, LastName) VALUES (?, ?)", "Al'an", None)
    session.connection.commit()
    assert session.rows(f"SELECT * FROM {table} ORDER BY ID") == [
        (1, "Ada", "Lovelace"), (2, "Al'an", None)]
    assert session.rows(f"SELECT * FROM {table} WHERE ID = ?", 2) == [(2, "Al'an", None)]
    session.run(f"UPDATE {table} SET LastName = ? WHERE ID = ?", "Turing", 2)
    session.run(f"DELETE FROM {table} WHERE ID = ?", 1)
    session.connection.commit()
    assert session.rows(f"SELECT LastName FROM {table}") == [("Turing",)]
    session.run(f"DROP TABLE {table}")
    session.connection.commit()


def test_rollback_keeps_the_old_rows(session):
    table = f"T{uuid.uuid4().hex[:8]}"
    session.run(f"CREATE TABLE {table} (a int)")
    session.connection.commit()
    session.run(f"INSERT INTO {table} VALUES (?)", 1)
    session.connection.rollback()
    assert session.rows(f"SELECT COUNT(*) FROM {table}") == [(0,)]
    session.run(f"DROP TABLE {table}")
    session.connection.commit()


def test_top_order_and_parameters(session):
    assert session.rows("SELECT TOP 2 LastName FROM Persons ORDER BY LastName") == [
        ("Codd",), ("Lovelace",)]
    assert session.rows("SELECT LastName FROM Persons WHERE ID > ? AND FirstName <> ? "
                        "ORDER BY ID DESC", 1, "Edgar") == [("Turing",)]


@pytest.mark.parametrize("text, number, part", [
    ("SELECT * FROM NoSuchTable", 208, "Invalid object name 'NoSuchTable'."),
    ("SELECT nosuch FROM Persons", 207, "Invalid column name 'nosuch'."),
    ("SELECT 1 +", 102, "Incorrect syntax near"),
    ("INSERT INTO Persons (ID) VALUES (1)", 544, "IDENTITY_INSERT is set to OFF"),
])
def test_errors_reach_the_driver(session, text, number, part):
    message = session.fails(text)
    assert str(number) in message and part in message


def test_users_and_roles_by_statement(session):
    """The tutorial's security statements as they stand there: no semicolon between the roles."""
    if session.name in ("tdsodbc", "pymssql"):
        message = session.fails("CREATE USER [ci-app] FROM EXTERNAL PROVIDER;")
        assert "33159" in message or "33130" in message
        return
    session.run("CREATE USER [ci-app] FROM EXTERNAL PROVIDER;")
    session.run("ALTER ROLE db_datareader ADD MEMBER [ci-app]\n"
                "ALTER ROLE db_datawriter ADD MEMBER [ci-app]")
    session.connection.commit()
    assert session.rows("SELECT name, type FROM sys.database_principals WHERE name = ?",
                        "ci-app") == [("ci-app", "E")]
    session.run("DROP USER [ci-app]")
    session.connection.commit()


def test_msodbc_every_type_round_trip(emulator, programs):
    import datetime
    import decimal

    connection = connect_msodbc(emulator, programs, emulator.token(ADMIN))
    session = Session("msodbc", connection)
    table = f"T{uuid.uuid4().hex[:8]}"
    session.run(f"CREATE TABLE {table} (i int, b bigint, s smallint, t tinyint, f float, r real, "
                "d decimal(18,4), m money, bt bit, vc varchar(50), nv nvarchar(50), "
                "mx nvarchar(max), vb varbinary(50), dt datetime, d2 datetime2(7), da date, "
                "ti time(3), g uniqueidentifier)")
    guid = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
    row = (
        -2147483648, 9223372036854775807, -32768, 255, 1.5, 0.25, decimal.Decimal("-12345.6789"),
        decimal.Decimal("922337203685477.5807"), True, "h\u00e9llo", "\u4e2d\U0001f600", "x" * 9000,
        b"\x00\xff", datetime.datetime(2024, 2, 29, 13, 45, 10, 123000),
        datetime.datetime(1, 1, 1, 0, 0, 0, 1), datetime.date(9999, 12, 31),
        datetime.time(23, 59, 59), str(guid).upper(),
    )
    session.run(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", *row)
    session.run(f"INSERT INTO {table} (i) VALUES (NULL)")
    got = session.rows(f"SELECT * FROM {table}")
    assert got[0] == row
    assert got[1] == (None,) * len(row)
    session.run(f"DROP TABLE {table}")
    connection.commit()
    connection.close()


def test_pyodbc_metadata_calls(emulator, programs, driver):
    if driver == programs.msodbc:
        connection = connect_msodbc(emulator, programs, emulator.token(ADMIN))
    else:
        connection = connect_tdsodbc(emulator, programs)
    cursor = connection.cursor()
    assert "Persons" in [row.table_name for row in cursor.tables(table="Persons")]
    columns = [(row.column_name, row.type_name) for row in cursor.columns(table="Persons")]
    assert [name for name, _ in columns] == ["ID", "FirstName", "LastName"]
    assert columns[0][1].startswith("int") and columns[1][1] == "varchar"
    assert [row.column_name for row in cursor.primaryKeys("Persons")] == ["ID"]
    description = cursor.execute("SELECT ID, FirstName FROM Persons WHERE 1 = 0").description
    assert [entry[0] for entry in description] == ["ID", "FirstName"]
    assert description[0][1] is int and description[1][1] is str
    connection.close()


def test_roles_hold_for_a_driver_of_others(emulator, programs):
    connection = connect_msodbc(emulator, programs, emulator.token(READER))
    session = Session("msodbc", connection)
    assert len(session.rows("SELECT * FROM Persons")) >= 3
    assert "229" in session.fails("DELETE FROM Persons")
    assert "262" in session.fails("CREATE TABLE Mine (a int)")
    connection.close()


def test_identity_of_the_session(emulator, programs):
    connection = connect_msodbc(emulator, programs, emulator.token(IDENTITY, APP_HOST))
    assert Session("msodbc", connection).rows("SELECT USER_NAME()") == [(IDENTITY,)]
    connection.close()
    connection = connect_pytds(emulator, emulator.token(DEVELOPER))
    assert Session("pytds", connection).rows("SELECT USER_NAME(), SUSER_SNAME()") == [
        (DEVELOPER, DEVELOPER)]
    connection.close()


def test_clear_token_is_not_taken(emulator):
    with pytest.raises(pytds.Error):
        pytds.connect(dsn="localhost", port=emulator.port(), database=DATABASE,
                      access_token_callable=lambda: emulator.token(ADMIN))


def test_wrong_sql_password_is_refused(emulator):
    with pytest.raises(pymssql.Error) as caught:
        pymssql.connect(server="localhost", port=str(emulator.port()), user="tester",
                        password="wrong", database=DATABASE, tds_version="7.3")
    assert "18456" in str(caught.value)


def test_sql_login_is_off_by_default(programs, tmp_path):
    from conftest import running_emulator

    with running_emulator(programs, tmp_path / "data") as other:
        with pytest.raises(pymssql.Error) as caught:
            pymssql.connect(server="localhost", port=str(other.port()), user="tester",
                            password="Local-only-1!", database=DATABASE, tds_version="7.3")
        assert "18456" in str(caught.value)


def test_strict_encryption(emulator, programs):
    """TDS 8.0: TLS first, ALPN tds/8.0."""
    connection = pyodbc.connect(
        f"Driver={programs.msodbc};Server={microsofts_server(emulator.port())};Database={DATABASE};"
        "Encrypt=strict",
        attrs_before={SQL_COPT_SS_ACCESS_TOKEN: pack(emulator.token(ADMIN))},
    )
    assert connection.execute("SELECT 1").fetchone()[0] == 1
    connection.close()
