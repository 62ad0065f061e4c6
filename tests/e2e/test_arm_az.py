# SPDX-License-Identifier: MIT
"""The tutorial's own commands, by the real Azure CLI, against the emulator's Azure Resource Manager.

Azure Spring Apps' commands are an extension that is not on PyPI: its part is the real
management library. What each command changed is read back by raw HTTP.
"""
import json
import os
import subprocess

import pytest

from arm import SEED_PASSWORD, Arm, seeded_cloud
from azcli import AZ, Cli
from conftest import ADMIN, run

pytestmark = pytest.mark.skipif(not AZ.exists(), reason="no .venv-az: tools/setup.sh ci makes it")
GROUP = ("-g", "persons-rg")


@pytest.fixture(scope="module")
def cloud(programs, tmp_path_factory):
    with seeded_cloud(programs, tmp_path_factory.mktemp("arm")) as started:
        yield started


@pytest.fixture(scope="module")
def az(cloud, tmp_path_factory):
    return Cli(cloud, tmp_path_factory.mktemp("az"))


@pytest.fixture(scope="module")
def arm(cloud):
    return Arm(cloud, ADMIN)


@pytest.fixture(scope="module")
def identity(az):
    made = az.call("identity", "create", *GROUP, "--name", "orders-identity")
    assert "/resourcegroups/persons-rg/" in made["id"]
    shown = az.call("identity", "show", *GROUP, "--name", "orders-identity")
    assert shown == made
    return made


def assigned(arm, path):
    return [key.lower() for key in arm.settle(path)["identity"]["userAssignedIdentities"]]


@pytest.mark.parametrize("words, path", [
    (("webapp", "identity", "assign", "-n", "orders-app", "--identities"),
     "Microsoft.Web/sites/orders-app"),
    (("webapp", "identity", "assign", "-n", "orders-app", "--slot", "staging", "--identities"),
     "Microsoft.Web/sites/orders-app/slots/staging"),
    (("vm", "identity", "assign", "-n", "orders-vm", "--identities"),
     "Microsoft.Compute/virtualMachines/orders-vm"),
    (("vmss", "identity", "assign", "-n", "orders-vmss", "--identities"),
     "Microsoft.Compute/virtualMachineScaleSets/orders-vmss"),
    (("containerapp", "identity", "assign", "-n", "orders-ca", "--user-assigned"),
     "Microsoft.App/containerApps/orders-ca"),
    (("aks", "update", "-n", "orders-aks", "--enable-managed-identity", "--yes",
      "--assign-identity"), "Microsoft.ContainerService/managedClusters/orders-aks")])
def test_assign(az, arm, identity, words, path):
    az.call(*words[:-1], *GROUP, words[-1], identity["id"])
    assert assigned(arm, path) == [identity["id"].lower()]


def test_cluster_with_workload_identity(az, arm, identity):
    az.call("aks", "update", *GROUP, "-n", "orders-aks", "--enable-oidc-issuer",
            "--enable-workload-identity")
    cluster = arm.settle("Microsoft.ContainerService/managedClusters/orders-aks")
    issuer = cluster["properties"]["oidcIssuerProfile"]["issuerURL"]
    made = az.call("identity", "federated-credential", "create", *GROUP, "--identity-name",
                   identity["name"], "--name", "orders", "--issuer", issuer, "--subject",
                   "system:serviceaccount:default:orders", "--audiences",
                   "api://AzureADTokenExchange")
    assert made["issuer"] == issuer


def test_settings(az, arm, identity):
    site = "Microsoft.Web/sites/orders-app/config"
    az.call("webapp", "config", "appsettings", "set", *GROUP, "-n", "orders-app", "--settings",
            f"AZURE_CLIENT_ID={identity['clientId']}")
    settings = arm.post(f"{site}/appsettings/list").body["properties"]
    assert settings["AZURE_CLIENT_ID"] == identity["clientId"]
    assert settings["ORDERS_COLOUR"] == "blue"
    az.call("webapp", "config", "connection-string", "set", *GROUP, "-n", "orders-app", "-t",
            "SQLAzure", "--settings", "Other=Server=x")
    strings = arm.post(f"{site}/connectionstrings/list").body["properties"]
    assert sorted(strings) == ["Orders", "Other"]


def test_server(az, arm, cloud, identity):
    developer = next(o for o in cloud.state()["objects"] if o["name"] == "Dev Eloper")
    az.call("sql", "server", "ad-admin", "create", *GROUP, "-s", "contoso-sql", "--display-name",
            "Dev", "--object-id", developer["object_id"])
    listed = az.call("sql", "server", "ad-admin", "list", *GROUP, "-s", "contoso-sql")
    assert [a["sid"] for a in listed] == [developer["object_id"]]
    assert cloud.sql("dev@contoso.example", "SELECT USER_NAME() u")[0]["u"] == "dbo"
    rule = ("sql", "server", "firewall-rule")
    where = (*GROUP, "-s", "contoso-sql", "-n", "here")
    az.call(*rule, "create", *where, "--start-ip-address", "127.0.0.1", "--end-ip-address",
            "127.0.0.1")
    az.call(*rule, "delete", *where)
    az.call("sql", "server", "ad-only-auth", "enable", *GROUP, "-n", "contoso-sql")
    assert cloud.state()["server"]["entra_only"] is True


def test_refusal_is_told(az, cloud):
    words = ("Microsoft.ManagedIdentity/*/write", "--as", "ci-app")
    refused = cloud.command("right", "refuse", *words)
    assert refused.returncode == 0, refused.stderr
    result = az.run("identity", "create", *GROUP, "--name", "another")
    given = cloud.command("right", "give", *words)
    assert given.returncode == 0, given.stderr
    assert result.returncode != 0
    assert "AuthorizationFailed" in result.stderr
    assert "Microsoft.ManagedIdentity/userAssignedIdentities/write" in result.stderr


SPRING = """
import sys, time
from azure.core.credentials import AccessToken
from azure.mgmt.appplatform import AppPlatformManagementClient
class Given:
    def get_token(self, *scopes, **_):
        return AccessToken(sys.argv[4], int(time.time()) + 3000)
client = AppPlatformManagementClient(
    Given(), sys.argv[2], base_url=sys.argv[1], credential_scopes=["https://management.azure.com/.default"])
app = client.apps.begin_update("persons-rg", "orders-spring", "orders", {"identity": {
    "type": "UserAssigned", "userAssignedIdentities": {sys.argv[3]: {}}}}).result()
print(list(app.identity.user_assigned_identities))
"""


def test_spring_by_the_management_library(arm, identity, az):
    result = subprocess.run(
        [AZ.parent / "python", "-c", SPRING, az.env["ENTRASQL_ARM_ENDPOINT"],
         arm.subscription.rsplit("/", 1)[1], identity["id"], arm.token],
        env=az.env, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert assigned(arm, "Microsoft.AppPlatform/Spring/orders-spring/apps/orders") == [
        identity["id"].lower()]


# Host, options that name it.
HOSTS = [
    ("app-service", ["--app", "orders-app"]),
    ("app-service", ["--app", "orders-app", "--slot", "staging"]),
    ("vm", ["--app", "orders-vm"]),
    ("vmss", ["--app", "orders-vmss"]),
    ("container-app", ["--app", "orders-ca"]),
    ("spring-app", ["--service", "orders-spring", "--app", "orders"]),
    ("aks", ["--app", "orders-aks", "--service-account", "default:orders"]),
]


def migrate_words(cloud, arm, options):
    identity = [] if "--identity" in options else ["--identity", "orders-identity"]
    return [cloud.programs.entrasql, "migrate", "plan", "--azure-subscription",
            arm.subscription.rsplit("/", 1)[1], "--resource-group", "persons-rg",
            "--sql-server", "contoso-sql", "--sql-address", f"localhost,{cloud.port()}",
            "--database", "persons", *identity, *options]


def planned(cloud, arm, options, who="dev@contoso.example"):
    """State of each step, by who is the server's admin since az made it so."""
    result = run([*migrate_words(cloud, arm, options), "--json"], env=cloud.environment(who))
    assert result.returncode == 0, result.stderr
    return {step["name"]: step["state"] for step in json.loads(result.stdout)["steps"]}


@pytest.mark.parametrize("host, options", HOSTS, ids=lambda v: v if isinstance(v, str) else v[-1])
def test_nothing_left_to_do_after_az(cloud, arm, az, host, options):
    states = planned(cloud, arm, ["--host", host, *options])
    # A pod's identity is federated, not assigned.
    wanted = {"admin", "identity", "federate" if host == "aks" else "assign"}
    assert {name: states[name] for name in wanted} == dict.fromkeys(wanted, "done"), states
    assert states.get("firewall", "done") == "done"
    assert states["user"] == "to do"


def test_the_script_does_what_the_plan_says(az, arm, cloud, programs):
    """From nothing, pasted into a shell where az is signed in: another identity, its user, all settings."""
    made_admin = cloud.command("server", "--admin", "ci-app")
    assert made_admin.returncode == 0, made_admin.stderr
    site = "Microsoft.Web/sites/orders-app/config"
    settings = arm.post(f"{site}/appsettings/list").body["properties"]
    settings["OTHER"] = settings["AZURE_SQL_CONNECTIONSTRING"]
    assert arm.put(f"{site}/appsettings", {"properties": settings}).status == 200
    options = ["--host", "app-service", "--app", "orders-app", "--all-settings", "--identity",
               "made-by-script"]
    script = run([*migrate_words(cloud, arm, options), "--script"], env=cloud.environment("ci-app"))
    assert script.returncode == 0, script.stderr
    assert SEED_PASSWORD not in script.stdout
    env = {**az.env, "PATH": f"{os.path.dirname(programs.entrasql)}:{az.env['PATH']}",
           "AZURE_TOKEN_CREDENTIALS": "AzureCliCredential"}  # az's own sign-in, for entrasql, too
    done = subprocess.run(["sh", "-eu"], input=script.stdout, env=env, capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0, script.stdout + done.stdout + done.stderr
    states = planned(cloud, arm, options, "ci-app")
    assert set(states.values()) == {"done"}, states
    assert SEED_PASSWORD not in json.dumps(arm.post(f"{site}/appsettings/list").body)
