# SPDX-License-Identifier: MIT
"""Apps by certificate, federated token, pipeline, and on behalf of a user: the Azure Identity libraries
of Python and JavaScript, and entrasql, each at the emulator; all must be the same principal."""
import base64
import json
import os

import pytest

from conftest import DEVELOPER, IDENTITY, run

SCOPE = "https://database.windows.net/.default"

PYTHON = """
import os
from azure.identity import *
common = dict(disable_instance_discovery=True)
e = os.environ.get
credential = {expression}
print(credential.get_token("%s").token)
""" % SCOPE

JAVASCRIPT = """
const identity = require("@azure/identity");
const common = {{ disableInstanceDiscovery: true }};
const e = process.env;
const credential = {expression};
credential.getToken("%s").then((t) => console.log(t.token))
  .catch((error) => {{ console.error(error); process.exit(1); }});
""" % SCOPE

CASES = {
    "certificate": {
        "python": "CertificateCredential(e('AZURE_TENANT_ID'), e('AZURE_CLIENT_ID'),"
                  " e('AZURE_CLIENT_CERTIFICATE_PATH'), **common)",
        "javascript": "new identity.ClientCertificateCredential(e.AZURE_TENANT_ID,"
                      " e.AZURE_CLIENT_ID, e.AZURE_CLIENT_CERTIFICATE_PATH, common)",
        "ours": ["client-certificate"],
    },
    "workload identity": {
        "python": "WorkloadIdentityCredential(**common)",
        "javascript": "new identity.WorkloadIdentityCredential(common)",
        "ours": ["workload-identity"],
    },
    "pipeline": {
        "python": "AzurePipelinesCredential(tenant_id=e('AZURESUBSCRIPTION_TENANT_ID'),"
                  " client_id=e('AZURESUBSCRIPTION_CLIENT_ID'),"
                  " service_connection_id=e('AZURESUBSCRIPTION_SERVICE_CONNECTION_ID'),"
                  " system_access_token=e('SYSTEM_ACCESSTOKEN'), **common)",
        "javascript": "new identity.AzurePipelinesCredential(e.AZURESUBSCRIPTION_TENANT_ID,"
                      " e.AZURESUBSCRIPTION_CLIENT_ID, e.AZURESUBSCRIPTION_SERVICE_CONNECTION_ID,"
                      " e.SYSTEM_ACCESSTOKEN, common)",
        "ours": ["azure-pipelines"],
    },
    "on behalf of": {
        "python": "OnBehalfOfCredential(e('AZURE_TENANT_ID'), e('AZURE_CLIENT_ID'),"
                  " client_secret=e('AZURE_CLIENT_SECRET'),"
                  " user_assertion=open(e('USER_TOKEN_FILE')).read(), **common)",
        "javascript": "new identity.OnBehalfOfCredential({ tenantId: e.AZURE_TENANT_ID, clientId:"
                      " e.AZURE_CLIENT_ID, clientSecret: e.AZURE_CLIENT_SECRET, userAssertionToken:"
                      " require('fs').readFileSync(e.USER_TOKEN_FILE, 'utf8'), ...common })",
        "ours": ["on-behalf-of", "--user-token-file", "USER_TOKEN_FILE"],
    },
}


def claims(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def with_proof(emulator, name, proof):
    """As Emulator.environment, for an app that proves itself in another way."""
    result = emulator.command("env", "--as", name, "--proof", proof, "--format", "json")
    assert result.returncode == 0, result.stderr
    env = emulator.environment(name)
    env.pop("AZURE_CLIENT_SECRET")
    env.update({k: v for k, v in json.loads(result.stdout).items() if v is not None})
    return env


def user_token_file(emulator, env, directory):
    """A token that a person's client got for the service (ci-app), as it comes in a request."""
    person = emulator.environment(DEVELOPER)
    result = run(["az", "account", "get-access-token", "--resource", "api://" + env["AZURE_CLIENT_ID"]],
                 env=person, executable=os.path.join(person["PATH"].split(":")[0], "az"))
    assert result.returncode == 0, result.stderr
    path = directory / "user.jwt"
    path.write_text(json.loads(result.stdout)["accessToken"])
    return str(path)


@pytest.fixture(scope="module")
def environments(emulator, tmp_path_factory):
    behalf = emulator.environment("ci-app")
    behalf["USER_TOKEN_FILE"] = user_token_file(emulator, behalf, tmp_path_factory.mktemp("user"))
    return {
        "certificate": with_proof(emulator, "ci-app", "certificate"),
        "workload identity": emulator.environment(IDENTITY, "persons-aks"),
        "pipeline": emulator.environment("ci-app", "persons-pipeline"),
        "on behalf of": behalf,
    }


def get_token(programs, client, case, env):
    env = dict(env, REQUESTS_CA_BUNDLE=env["SSL_CERT_FILE"], NO_PROXY="*",
               NODE_EXTRA_CA_CERTS=env["SSL_CERT_FILE"], NODE_PATH=programs.node_modules)
    if client == "python":
        words = [programs.python, "-c", PYTHON.format(expression=CASES[case]["python"])]
    elif client == "javascript":
        words = [programs.node, "-e", JAVASCRIPT.format(expression=CASES[case]["javascript"])]
    else:
        words = [programs.entrasql, "token", "--credential",
                 *(env.get(w, w) if w.isupper() else w for w in CASES[case]["ours"])]
    result = run(words, env=env)
    assert result.returncode == 0, result.stderr
    return claims(result.stdout.strip())


@pytest.mark.parametrize("case", CASES)
def test_all_libraries_are_the_same_principal(environments, programs, case):
    tokens = [get_token(programs, client, case, environments[case])
              for client in ("ours", "python", "javascript")]
    for name in ("aud", "iss", "appid", "oid", "tid", "idtyp", "upn"):
        values = {token.get(name) for token in tokens}
        assert len(values) == 1, (name, values)
    assert tokens[0].get("upn") == (DEVELOPER if case == "on behalf of" else None)


def test_a_rotated_certificate_of_another_key_is_refused(emulator, programs, tmp_path):
    """Entra knows the certificate by its thumbprint; another one of the same app does not do."""
    env = with_proof(emulator, "ci-app", "certificate")
    other = tmp_path / "other.pem"
    made = run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ci-app",
                "-keyout", str(other), "-out", str(tmp_path / "other.crt"), "-days", "2"])
    assert made.returncode == 0, made.stderr
    other.write_text(other.read_text() + (tmp_path / "other.crt").read_text())
    env["AZURE_CLIENT_CERTIFICATE_PATH"] = str(other)
    result = run([programs.entrasql, "token", "--credential", "environment"], env=env)
    assert result.returncode == 3
    assert "AADSTS700027" in result.stderr
    assert "upload the certificate" in result.stderr


def test_what_entra_wants_of_the_user_is_told(emulator, programs, environments):
    """A claims challenge ends the request with the reason and what to do."""
    env = environments["on behalf of"]
    assert emulator.command("fault", "token-mfa", "on").returncode == 0
    try:
        result = run([programs.entrasql, "token", "--credential", "on-behalf-of",
                      "--user-token-file", env["USER_TOKEN_FILE"]], env=env)
    finally:
        assert emulator.command("fault", "token-mfa", "off").returncode == 0
    assert result.returncode == 3
    assert "AADSTS50076" in result.stderr
    assert "claims challenge" in result.stderr
    # The challenge itself, for whoever can ask the person.
    assert 'claims: {"access_token":{"capolids"' in result.stderr


def test_a_challenge_is_taken_as_json_and_as_headers_have_it(programs, emulator):
    env = emulator.environment("ci-app")
    for challenge in ('{"access_token":{"nbf":{"essential":true}}}', "eyJhIjoxfQ"):
        result = run([programs.entrasql, "token", "--cae", "--claims-challenge", challenge], env=env)
        assert result.returncode == 0, result.stderr
    for challenge in ("[1]", "two words"):
        result = run([programs.entrasql, "token", "--claims-challenge", challenge], env=env)
        assert result.returncode == 2, result.stderr
        assert "challenge" in result.stderr
