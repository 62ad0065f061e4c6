# SPDX-License-Identifier: MIT
"""What real drivers put on the wire with our token equals what was recorded from them."""
import re
import struct

import pyodbc
import pytest

import odbc
from conftest import ADMIN, APP_HOST, DATABASE, IDENTITY, microsofts_server, run, wait_for

# Recorded from Microsoft's driver 18.6.2 with a token of its own in attribute 1256.
RECORDED_LOGIN7 = {
    "TDSver": "0x74000004", "packet": "0", "progver": "0x07000000", "flags1": "0xe0",
    "flags2": "0x03", "type": "0x00", "flags3": "0x10", "UserName": "''", "Password": "0",
    "CltIntName": "'ODBC'", "Language": "''", "SSPI": "0", "ChangePw": "0",
}
RECORDED_FEATURES = ["USERAGENT", "SESSIONRECOVERY", "FEDAUTH", "DATACLASSIFICATION",
                     "UTF8_SUPPORT", "AZURESQLDNSCACHING"]


def fields(text):
    """LOGIN7 fields and the features in their order, out of a recorded connection."""
    line = re.search(r"LOGIN7 (.*)", text).group(1)
    found = dict(re.findall(r"(\w+)=('[^']*'|\S+)", line))
    found.update(re.findall(r"(\w+)\[(\d+)[^\]]*\]", line))
    features = re.search(r"FeatureExt: (.*)", text)
    names = re.findall(r"(\w+)\(0x[0-9a-f]{2}\)\[(\d+)\](?:=(\w*))?", features.group(1))
    return found, names


def record_of(emulator, connect):
    before = set(emulator.record.iterdir())
    connect()
    assert wait_for(lambda: set(emulator.record.iterdir()) - before)
    texts = [path.read_text() for path in set(emulator.record.iterdir()) - before]
    texts = [text for text in texts if "LOGIN7" in text]
    assert len(texts) == 1
    return texts[0]


@pytest.fixture
def their_record(emulator, programs, monkeypatch):
    """Microsoft's driver with a token that the program sets itself: no code of ours in it."""
    env = emulator.environment(ADMIN)
    monkeypatch.setenv("SSL_CERT_FILE", env["SSL_CERT_FILE"])
    pyodbc.pooling = False
    data = emulator.token(ADMIN).encode("utf-16-le")

    def connect():
        pyodbc.connect(
            f"Driver={programs.msodbc};Server={microsofts_server(emulator.port())};Database={DATABASE};"
            "Encrypt=yes;APP=persons",
            attrs_before={1256: struct.pack(f"<I{len(data)}s", len(data), data)}).close()

    return record_of(emulator, connect)


def test_login7_of_the_driver_with_our_token(emulator, programs, their_record):
    env = emulator.environment(ADMIN, driver=programs.msodbc)
    env["AZURE_SQL_CONNECTIONSTRING"] += ";APP=persons"
    ours = record_of(emulator, lambda: run([programs.persons], env=env))
    our_fields, our_features = fields(ours)
    their_fields, their_features = fields(their_record)
    assert our_fields == their_fields
    # FEDAUTH's length depends on the token; everything else is equal, the order too.
    assert [(n, s) for n, s, _ in our_features if n not in ("FEDAUTH", "USERAGENT")] == [
        (n, s) for n, s, _ in their_features if n not in ("FEDAUTH", "USERAGENT")]
    assert [n for n, _, _ in our_features] == [n for n, _, _ in their_features]
    for name, value in RECORDED_LOGIN7.items():
        assert our_fields[name] == value, name
    assert [n for n, _, _ in our_features] == RECORDED_FEATURES


def test_tunnel_hands_the_drivers_login_on(emulator, programs):
    """Through the tunnel the server sees FreeTDS's own LOGIN7, with FEDAUTH for user and password."""
    env = emulator.environment(ADMIN, driver=programs.tdsodbc)
    env["AZURE_SQL_CONNECTIONSTRING"] += ";APP=persons"
    found, features = fields(record_of(emulator, lambda: run([programs.persons], env=env)))
    assert found["TDSver"] == "0x74000004" and found["packet"] == "4096"
    assert found["flags1"] == "0xe0" and found["flags2"] == "0x03" and found["flags3"] == "0x18"
    assert found["UserName"] == "''" and found["Password"] == "0"
    assert found["AppName"] == "'persons'" and found["Database"] == f"'{DATABASE}'"
    assert found["ServerName"] == "'127.0.0.1'"
    assert {n for n, _, _ in features} == {"FEDAUTH", "UTF8_SUPPORT"}


def test_records_hold_no_secret(emulator, their_record):
    token = emulator.token(ADMIN)
    wide = token.encode("utf-16-le").hex()
    for path in emulator.record.iterdir():
        text = path.read_text()
        assert token[:40] not in text and wide[:160] not in text
        assert emulator.password not in text
    assert emulator.record.stat().st_mode & 0o077 == 0 or all(
        path.stat().st_mode & 0o077 == 0 for path in emulator.record.iterdir())


def test_login7_of_the_odbc_driver(emulator, programs, their_record, tmp_path):
    """The same with entrasql's driver on top: the login of Microsoft's driver is what it was."""
    env = {**emulator.environment(IDENTITY, APP_HOST), **odbc.install(programs, tmp_path / "odbc")}
    ours = record_of(emulator, lambda: run(
        [programs.python, "-c", "import pyodbc, sys; pyodbc.connect(sys.argv[1]).close()",
         odbc.string(emulator, "msodbc", "APP=persons")], env=env))
    our_fields, our_features = fields(ours)
    their_fields, their_features = fields(their_record)
    assert our_fields == their_fields
    assert [(n, s) for n, s, _ in our_features if n != "FEDAUTH"] == [
        (n, s) for n, s, _ in their_features if n != "FEDAUTH"]
    assert [n for n, _, _ in our_features] == [n for n, _, _ in their_features]
