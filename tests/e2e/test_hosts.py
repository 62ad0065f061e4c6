# SPDX-License-Identifier: MIT
"""Every host of a managed identity: our program and the Azure Identity libraries get its token."""
import base64
import json
import pathlib

import pytest

from conftest import APP_HOST, IDENTITY, Emulator, clean_environment, run

ARC_FOLDER = pathlib.Path("/var/opt/azcmagent/tokens")
HOSTS = [APP_HOST, "persons-vm", "persons-app-2017", "persons-ml", "persons-fabric",
         "persons-shell"]
SCOPE = "https://database.windows.net/.default"


def claims(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def ours(programs, env, *options):
    return run([programs.entrasql, "token", "--json", *options], env=env)


def client_id(emulator):
    return emulator.environment(IDENTITY, APP_HOST)["AZURE_CLIENT_ID"]


@pytest.mark.parametrize("host", HOSTS)
def test_ours(emulator, programs, host):
    """The default chain finds the host by its variables and names its source."""
    result = ours(programs, emulator.environment(IDENTITY, host))
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["source"] == "ManagedIdentityCredential"
    assert claims(answer["accessToken"])["appid"] == client_id(emulator)


@pytest.mark.parametrize("host", ["persons-fabric", "persons-shell"])
def test_no_other_identity_where_ids_are_not_taken(emulator, programs, host):
    env = emulator.environment(IDENTITY, host)
    result = ours(programs, env, "--credential", "managed-identity", "--client-id", "x")
    assert result.returncode == 2, result.stdout
    assert "cannot be asked for a user-assigned identity" in result.stderr


def test_fabric_with_another_certificate(emulator, programs):
    env = emulator.environment(IDENTITY, "persons-fabric")
    thumbprint = env["IDENTITY_SERVER_THUMBPRINT"]
    env["IDENTITY_SERVER_THUMBPRINT"] = thumbprint[::-1]
    result = ours(programs, env, "--credential", "managed-identity")
    assert result.returncode == 6, result.stderr
    assert "thumbprint" in result.stderr


PYTHON = """
from azure.identity import ManagedIdentityCredential
print(ManagedIdentityCredential({arguments}).get_token("{scope}").token)
"""


@pytest.mark.parametrize("host", ["persons-ml", "persons-fabric", "persons-shell"])
def test_python(emulator, programs, host):
    """The emulator's shapes are those that Azure's own library asks for."""
    env = dict(emulator.environment(IDENTITY, host), NO_PROXY="*")
    arguments = "client_id='%s'" % client_id(emulator) if host == "persons-ml" else ""
    result = run([programs.python, "-W", "ignore", "-c",
                  PYTHON.format(arguments=arguments, scope=SCOPE)], env=env)
    assert result.returncode == 0, result.stderr
    assert claims(result.stdout.strip())["appid"] == client_id(emulator)


def test_arc_reads_the_agents_folder_only(emulator, programs):
    """Without the agent's folder its key files are elsewhere, and are not read from there."""
    if ARC_FOLDER.exists():
        pytest.skip("the machine has Azure Arc's folder; see the test in a namespace")
    result = ours(programs, emulator.environment(IDENTITY, "persons-arc"), "--credential",
                  "managed-identity")
    assert result.returncode == 3, result.stdout
    assert "outside of the agent's folder" in result.stderr


ARC_SCRIPT = """
set -eu
mount -t tmpfs none /var/opt
mkdir -p /var/opt/azcmagent/tokens
"$ENTRASQL" emulator start --detach --data-dir "$DIR" >/dev/null
trap '"$ENTRASQL" emulator stop --data-dir "$DIR" >/dev/null' EXIT
eval "$("$ENTRASQL" emulator env --as MigrationIdentity --host persons-arc --data-dir "$DIR")"
"$ENTRASQL" token
unset AZURE_CLIENT_ID
NO_PROXY='*' "$PYTHON" -W ignore -c "$THEIRS"
ls /var/opt/azcmagent/tokens
"""


def test_arc(emulator, programs, tmp_path):
    """With the agent's folder, in a mount namespace of our own; Azure's library agrees."""
    probe = run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/var/opt"])
    if probe.returncode != 0:
        pytest.skip("no mount namespaces here: " + probe.stderr.strip())
    env = dict(clean_environment(), ENTRASQL=programs.entrasql, DIR=str(tmp_path / "emulator"),
               PYTHON=programs.python, THEIRS=PYTHON.format(arguments="", scope=SCOPE))
    result = run(["unshare", "-rm", "sh", "-c", ARC_SCRIPT], env=env)
    assert result.returncode == 0, result.stderr
    tokens = result.stdout.split()
    assert len(tokens) == 2, "a key file is left: " + result.stdout
    ids = {claims(token)["appid"] for token in tokens}
    assert len(ids) == 1


FAULTS = [
    ("identity-gone:1", 0, "ManagedIdentityCredential"),
    ("identity-not-ready:1", 0, "ManagedIdentityCredential"),
    ("identity-throttle=1:1", 0, "ManagedIdentityCredential"),
    ("identity-drop:1", 0, "ManagedIdentityCredential"),
    ("identity-unreachable", 3, "unreachable"),
    ("identity-not-found", 3, "isn't assigned to this resource"),
    ("identity-several", 3, "several identities"),
    ("identity-html", 3, "not the JSON of a token"),
]


@pytest.mark.parametrize("fault,code,words", FAULTS)
def test_faults(programs, tmp_path, fault, code, words):
    emulator = Emulator(programs, tmp_path / "emulator", "--fault", fault)
    try:
        env = emulator.environment(IDENTITY, "persons-vm")
        result = ours(programs, env, "--credential", "managed-identity", "--client-id",
                      env["AZURE_CLIENT_ID"])
        assert result.returncode == code, result.stdout + result.stderr
        assert words in result.stdout + result.stderr
    finally:
        emulator.stop()
