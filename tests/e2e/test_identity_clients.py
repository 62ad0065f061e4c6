# SPDX-License-Identifier: MIT
"""The Azure Identity libraries of Python and JavaScript get tokens that the front accepts."""
import json
import struct

import pyodbc
import pytest

from conftest import APP_HOST, DATABASE, IDENTITY, microsofts_server, run

PYTHON = """
import json, os, sys
from azure.identity import {name}
credential = {name}({arguments})
token = credential.get_token("https://database.windows.net/.default")
print(token.token)
"""

JAVASCRIPT = """
const {{ {name} }} = require("@azure/identity");
const credential = new {name}({arguments});
credential.getToken("https://database.windows.net/.default")
  .then((t) => console.log(t.token))
  .catch((e) => {{ console.error(e); process.exit(1); }});
"""


def python(programs, env, name, arguments):
    env = dict(env, REQUESTS_CA_BUNDLE=env["SSL_CERT_FILE"], NO_PROXY="*")
    result = run([programs.python, "-c", PYTHON.format(name=name, arguments=arguments)], env=env)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def javascript(programs, env, name, arguments):
    env = dict(env, NODE_EXTRA_CA_CERTS=env["SSL_CERT_FILE"], NO_PROXY="*",
               NODE_PATH=programs.node_modules)
    result = run([programs.node, "-e", JAVASCRIPT.format(name=name, arguments=arguments)], env=env)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def user_name(emulator, programs, token, monkeypatch):
    """Logs in with the token through Microsoft's driver; the database user it became."""
    monkeypatch.setenv("SSL_CERT_FILE", emulator.environment(IDENTITY, APP_HOST)["SSL_CERT_FILE"])
    pyodbc.pooling = False
    data = token.encode("utf-16-le")
    connection = pyodbc.connect(
        f"Driver={programs.msodbc};Server={microsofts_server(emulator.port())};Database={DATABASE};"
        "Encrypt=yes;TrustServerCertificate=no",
        attrs_before={1256: struct.pack(f"<I{len(data)}s", len(data), data)},
    )
    try:
        return connection.execute("SELECT USER_NAME()").fetchone()[0]
    finally:
        connection.close()


@pytest.fixture(scope="module")
def service_principal(emulator):
    """ci-app as a database user."""
    emulator.sql("admin@contoso.example", "CREATE USER [ci-app] FROM EXTERNAL PROVIDER")
    yield emulator.environment("ci-app")
    emulator.sql("admin@contoso.example", "DROP USER [ci-app]")


def test_python_client_secret(emulator, programs, service_principal, monkeypatch):
    token = python(programs, service_principal, "EnvironmentCredential",
                   "disable_instance_discovery=True")
    assert user_name(emulator, programs, token, monkeypatch) == "ci-app"


def test_javascript_client_secret(emulator, programs, service_principal, monkeypatch):
    token = javascript(programs, service_principal, "EnvironmentCredential",
                       "{disableInstanceDiscovery: true}")
    assert user_name(emulator, programs, token, monkeypatch) == "ci-app"


@pytest.mark.parametrize("host", [APP_HOST, "persons-vm"])
def test_python_managed_identity(emulator, programs, host, monkeypatch):
    env = emulator.environment(IDENTITY, host)
    token = python(programs, env, "ManagedIdentityCredential",
                   "client_id=os.environ['AZURE_CLIENT_ID']")
    assert user_name(emulator, programs, token, monkeypatch) == IDENTITY


@pytest.mark.parametrize("host", [APP_HOST, "persons-vm"])
def test_javascript_managed_identity(emulator, programs, host, monkeypatch):
    env = emulator.environment(IDENTITY, host)
    token = javascript(programs, env, "ManagedIdentityCredential",
                       "{clientId: process.env.AZURE_CLIENT_ID}")
    assert user_name(emulator, programs, token, monkeypatch) == IDENTITY


def test_python_azure_cli_stand_in(emulator, programs, monkeypatch):
    env = emulator.environment("dev@contoso.example")
    token = python(programs, env, "AzureCliCredential", "")
    assert user_name(emulator, programs, token, monkeypatch) == "dev@contoso.example"


def test_javascript_azure_cli_stand_in(emulator, programs, monkeypatch):
    env = emulator.environment("dev@contoso.example")
    token = javascript(programs, env, "AzureCliCredential", "")
    assert user_name(emulator, programs, token, monkeypatch) == "dev@contoso.example"


def test_ours_is_the_same_principal_as_theirs(emulator, programs, service_principal):
    """Same claims that decide who it is, whichever library asked."""
    import base64

    def claims(token):
        body = token.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))

    theirs = claims(python(programs, service_principal, "EnvironmentCredential",
                           "disable_instance_discovery=True"))
    result = run([programs.entrasql, "token"], env=service_principal)
    ours = claims(result.stdout.strip())
    for name in ("aud", "iss", "appid", "oid", "tid", "idtyp"):
        assert ours.get(name) == theirs.get(name), name
