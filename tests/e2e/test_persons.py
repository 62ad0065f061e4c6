# SPDX-License-Identifier: MIT
"""The tutorial's program in C, one source, on Microsoft's driver and on FreeTDS's, as everybody."""
import re

import pytest

from conftest import ADMIN, APP_HOST, DEVELOPER, IDENTITY, READER, run

NAMES = ["Lovelace", "Turing", "Codd"]


def assert_rows(result):
    assert result.returncode == 0, result.stdout + result.stderr
    for name in NAMES:
        assert name in result.stdout


def test_managed_identity_in_the_web_app(emulator, programs, driver):
    env = emulator.environment(IDENTITY, APP_HOST, driver)
    assert env["IDENTITY_ENDPOINT"].startswith("http://")
    assert "AZURE_CLIENT_ID" in env
    assert not re.search(r"(?i)\b(pwd|password)\s*=", env["AZURE_SQL_CONNECTIONSTRING"])
    assert_rows(run([programs.persons], env=env))


def test_managed_identity_on_the_virtual_machine(emulator, programs, driver):
    env = emulator.environment(IDENTITY, "persons-vm", driver)
    assert "IDENTITY_ENDPOINT" not in env
    assert_rows(run([programs.persons], env=env))


def test_developer_signed_in_with_az(emulator, programs, driver):
    env = emulator.environment(DEVELOPER, driver=driver)
    assert "IDENTITY_ENDPOINT" not in env and "AZURE_CLIENT_SECRET" not in env
    assert_rows(run([programs.persons], env=env))


def test_entra_admin_enters_as_dbo(emulator, programs, driver):
    assert_rows(run([programs.persons], env=emulator.environment(ADMIN, driver=driver)))


def test_stranger_is_refused_and_told_what_to_do(emulator, programs, driver):
    env = emulator.environment("StrangerIdentity", "stranger-app", driver)
    result = run([programs.persons], env=env)
    assert result.returncode == 4, result.stdout + result.stderr
    assert "18456" in result.stderr
    assert "<token-identified principal>" in result.stderr
    assert "CREATE USER" in result.stderr


def test_reader_may_not_write(emulator, programs, driver):
    env = emulator.environment(READER, driver=driver)
    assert_rows(run([programs.persons], env=env))
    result = run([programs.persons, "add", "Grace", "Hopper"], env=env)
    assert result.returncode == 8, result.stdout + result.stderr
    assert "229" in result.stderr
    assert ("The INSERT permission was denied on the object 'Persons', database 'persons', "
            "schema 'dbo'.") in result.stderr


def test_writer_writes(emulator, programs, driver):
    env = emulator.environment(IDENTITY, APP_HOST, driver)
    result = run([programs.persons, "add", "Gr\u00e0ce", "O'Hopper"], env=env)
    assert result.returncode == 0, result.stderr
    result = run([programs.persons], env=env)
    assert "Gr\u00e0ce" in result.stdout and "O'Hopper" in result.stdout
    emulator.sql(ADMIN, "DELETE FROM Persons WHERE LastName = 'O''Hopper'")


def test_sql_login_passes_through_the_same_code(emulator, programs, driver):
    """The tutorial: the same code serves a password and a token; here the old string still works."""
    if driver == programs.tdsodbc:
        string = (f"Driver={driver};Server=localhost;Port={emulator.port()};Database=persons;"
                  f"UID=tester;PWD={emulator.password};TDS_Version=7.4;ClientCharset=UTF-8")
    else:
        string = (f"Driver={driver};Server=tcp:localhost,{emulator.port()};Database=persons;"
                  f"UID=tester;PWD={{{emulator.password}}};Encrypt=yes")
    env = emulator.environment(ADMIN, driver=driver)
    env["AZURE_SQL_CONNECTIONSTRING"] = string
    assert_rows(run([programs.persons], env=env))


@pytest.mark.parametrize("keyword", ["UID=tester", "PWD=x", "Authentication=ActiveDirectoryMsi",
                                     "Trusted_Connection=yes"])
def test_token_and_another_sign_in_do_not_mix(emulator, programs, driver, keyword):
    env = emulator.environment(DEVELOPER, driver=driver)
    env["AZURE_SQL_CONNECTIONSTRING"] += ";" + keyword
    result = run([programs.persons, "--token"], env=env)
    assert result.returncode == 2, result.stdout + result.stderr
    assert keyword.split("=")[0] in result.stderr
