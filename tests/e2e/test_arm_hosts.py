# SPDX-License-Identifier: MIT
"""Every kind of host in the emulator's Azure Resource Manager: what a write changes there, and that
a program with the host's environment is then the identity."""
import pytest

from arm import Arm, host_environment, new_identity, object_of, seeded_cloud
from conftest import ADMIN, run

SITE = "Microsoft.Web/sites/orders-app"
STAGING = f"{SITE}/slots/staging"
FUNCTIONS = "Microsoft.Web/sites/orders-func"
CONTAINER = "Microsoft.App/containerApps/orders-ca"
SPRING = "Microsoft.AppPlatform/Spring/orders-spring/apps/orders"
MACHINE = "Microsoft.Compute/virtualMachines/orders-vm"
SCALE_SET = "Microsoft.Compute/virtualMachineScaleSets/orders-vmss"
CLUSTER = "Microsoft.ContainerService/managedClusters/orders-aks"
PASSWORDLESS = ("Driver={{ODBC Driver 18 for SQL Server}};Server=tcp:localhost,{port};"
                "Database=persons;Encrypt=yes;TrustServerCertificate=no")


@pytest.fixture(scope="module")
def cloud(programs, tmp_path_factory):
    with seeded_cloud(programs, tmp_path_factory.mktemp("arm")) as started:
        yield started


@pytest.fixture
def arm(cloud):
    assert cloud.command("reset").returncode == 0
    return Arm(cloud, ADMIN)


@pytest.fixture
def identity(cloud, arm):
    """A new identity that is a user of the database."""
    made = new_identity(arm)
    cloud.sql(ADMIN, "CREATE USER [orders-identity] FROM EXTERNAL PROVIDER")
    return made


def assign(arm, path, identity):
    return arm.patch(path, {"identity": {"type": "UserAssigned",
                                         "userAssignedIdentities": {identity["id"]: {}}}})


def who_is_there(cloud, host):
    """Signs in with exactly what the host gives, and asks the database."""
    env = host_environment(cloud, host)
    result = run([cloud.programs.entrasql, "query", "-Q", "SELECT USER_NAME() u", "--json"],
                 env=env)
    return result


def is_identity(cloud, host):
    result = who_is_there(cloud, host)
    assert result.returncode == 0, result.stderr
    assert '"orders-identity"' in result.stdout
    return True


def test_start_is_with_passwords(cloud, arm):
    for host in ("orders-app", "orders-app/slots/staging", "orders-func", "orders-ca", "orders-vm",
                 "orders-vmss", "orders-aks", "orders-spring/apps/orders"):
        env = host_environment(cloud, host)
        assert "sqladmin" in env["AZURE_SQL_CONNECTIONSTRING"], host
        assert "AZURE_CLIENT_ID" not in env and "IDENTITY_ENDPOINT" not in env
    env = host_environment(cloud, "orders-app")
    assert "Password=" in env["SQLAZURECONNSTR_Orders"]
    assert env["APPSETTING_ORDERS_COLOUR"] == env["ORDERS_COLOUR"] == "blue"


@pytest.mark.parametrize("path, host", [(SITE, "orders-app"),
                                        (STAGING, "orders-app/slots/staging"),
                                        (FUNCTIONS, "orders-func")])
def test_app_service(cloud, arm, identity, path, host):
    assert assign(arm, path, identity).status == 200
    settings = arm.post(f"{path}/config/appsettings/list").body["properties"]
    settings.update(AZURE_CLIENT_ID=identity["properties"]["clientId"],
                    AZURE_SQL_CONNECTIONSTRING=PASSWORDLESS.format(port=cloud.port()))
    assert arm.put(f"{path}/config/appsettings", {"properties": settings}).status == 200
    assert is_identity(cloud, host)
    assert arm.post(f"{path}/restart", query="&softRestart=true&synchronous=true").status == 200
    # Without the identity the place proves nothing.
    arm.patch(path, {"identity": {"type": "None"}})
    assert who_is_there(cloud, host).returncode != 0


def test_container_app(cloud, arm, identity):
    before = arm.get(CONTAINER).body
    assert before["id"].endswith("/containerapps/orders-ca")
    assert "value" not in before["properties"]["configuration"]["secrets"][0]
    assert "PWD=" in arm.post(f"{CONTAINER}/listSecrets").body["value"][0]["value"]
    accepted = assign(arm, CONTAINER, identity)
    assert accepted.status == 202 and "Azure-AsyncOperation" not in accepted.headers
    result = arm.follow(accepted.headers["Location"])
    assert identity["id"] in result.body["identity"]["userAssignedIdentities"]
    containers = before["properties"]["template"]["containers"]
    containers[0]["env"] = [
        {"name": "AZURE_CLIENT_ID", "value": identity["properties"]["clientId"]},
        {"name": "AZURE_SQL_CONNECTIONSTRING", "value": PASSWORDLESS.format(port=cloud.port())}]
    accepted = arm.patch(CONTAINER, {"properties": {"template": {"containers": containers}}})
    after = arm.follow(accepted.headers["Location"]).body
    # A list is replaced as a whole, what stands beside it stays; the template is a new revision.
    assert len(after["properties"]["template"]["containers"][0]["env"]) == 2
    assert after["properties"]["template"]["scale"]["maxReplicas"] == 3
    assert after["properties"]["latestRevisionName"] != result.body["properties"][
        "latestRevisionName"]
    assert is_identity(cloud, "orders-ca")
    # A PUT has to bring every secret with its value.
    put = arm.put(CONTAINER, {k: after[k] for k in ("location", "properties")})
    assert (put.status, put.code) == (400, "ContainerAppSecretInvalid")


def test_key_of_another_case_is_another_key(arm, identity):
    arm.follow(assign(arm, CONTAINER, identity).headers["Location"])
    spelled = identity["id"].replace("/resourcegroups/", "/resourceGroups/")
    accepted = arm.patch(CONTAINER, {"identity": {"type": "UserAssigned",
                                                  "userAssignedIdentities": {spelled: {}}}})
    both = arm.follow(accepted.headers["Location"]).body["identity"]["userAssignedIdentities"]
    assert sorted(both) == sorted([spelled, identity["id"]])


def test_spring(cloud, arm, identity):
    accepted = assign(arm, SPRING, identity)
    assert accepted.status == 202 and accepted.headers["Location"]
    assert arm.follow(accepted.headers["Azure-AsyncOperation"]).body["status"] == "Succeeded"
    deployment = f"{SPRING}/deployments/default"
    listed = arm.get(f"{SPRING}/deployments").body["value"]
    assert [d["name"] for d in listed if d["properties"]["active"]] == ["default"]
    variables = {"AZURE_CLIENT_ID": identity["properties"]["clientId"],
                 "AZURE_SQL_CONNECTIONSTRING": PASSWORDLESS.format(port=cloud.port())}
    patched = arm.patch(deployment, {"properties": {"deploymentSettings": {
        "environmentVariables": variables}}})
    assert patched.status == 202
    arm.settle(deployment)
    assert arm.get(deployment).body["properties"]["deploymentSettings"][
        "environmentVariables"] == variables
    assert is_identity(cloud, "orders-spring/apps/orders")


def test_machine(cloud, arm, identity):
    etag = arm.get(MACHINE).body.get("etag")
    answer = assign(arm, MACHINE, identity)
    assert answer.status == 200
    busy = arm.patch(MACHINE, {"identity": {"type": "None"}})
    assert (busy.status, busy.code) == (409, "AnotherOperationInProgress")
    arm.follow(answer.headers["Azure-AsyncOperation"])
    stale = arm.patch(MACHINE, {"identity": {"type": "None"}}, headers={"If-Match": etag or '"0"'})
    assert (stale.status, stale.code) == (412, "PreconditionFailed")
    script = ["cat > /etc/systemd/system/orders.service.d/entrasql.conf <<'END'", "[Service]",
              f'Environment="AZURE_CLIENT_ID={identity["properties"]["clientId"]}"',
              f'Environment="AZURE_SQL_CONNECTIONSTRING={PASSWORDLESS.format(port=cloud.port())}"',
              "END", "echo done-so-far", "echo all-done"]
    ran = arm.post(f"{MACHINE}/runCommand", {"commandId": "RunShellScript", "script": script})
    assert ran.status == 202
    said = arm.follow(ran.headers["Location"]).body["value"][0]
    assert said["code"] == "ProvisioningState/succeeded"
    assert said["message"] == "Enable succeeded: \n[stdout]\nall-done\n[stderr]\n"
    assert is_identity(cloud, "orders-vm")
    assert "guest" not in arm.get(MACHINE).body
    quoted = """printf '%s\\n' '[Service]' 'Environment="ORDERS_COLOUR=it'\\''s \\"blue\\""' 'End' > x"""
    ran = arm.post(f"{MACHINE}/runCommand", {"commandId": "RunShellScript", "script": [quoted]})
    arm.follow(ran.headers["Location"])
    assert host_environment(cloud, "orders-vm")["ORDERS_COLOUR"] == 'it\'s "blue"'


def test_scale_set_keeps_the_old_model(cloud, arm, identity):
    arm.follow(assign(arm, SCALE_SET, identity).headers["Azure-AsyncOperation"])
    assert "AZURE_POD_IDENTITY_AUTHORITY_HOST" not in host_environment(cloud, "orders-vmss")
    done = arm.post(f"{SCALE_SET}/manualupgrade", {"instanceIds": ["*"]})
    assert done.status == 202
    assert "/vm/orders-vmss" in host_environment(
        cloud, "orders-vmss")["AZURE_POD_IDENTITY_AUTHORITY_HOST"]


def test_cluster_by_workload_identity(cloud, arm, identity):
    assert arm.patch(CLUSTER, {"identity": {"type": "None"}}).code == "InvalidRequestContent"
    cluster = arm.get(CLUSTER).body
    cluster["properties"]["oidcIssuerProfile"] = {"enabled": True}
    cluster["properties"]["securityProfile"] = {"workloadIdentity": {"enabled": True}}
    put = arm.put(CLUSTER, cluster, headers={"If-None-Match": "*"})
    assert put.status == 412
    assert arm.put(CLUSTER, cluster).status == 200
    issuer = arm.settle(CLUSTER)["properties"]["oidcIssuerProfile"]["issuerURL"]
    credential = f"{identity['id']}/federatedIdentityCredentials/orders"
    wanted = {"properties": {"issuer": issuer.rstrip("/"), "audiences": [
        "api://AzureADTokenExchange"], "subject": "system:serviceaccount:default:orders"}}
    assert arm.put(credential, wanted).status == 201
    # Byte for byte: without the slash it is another issuer.
    assert "AZURE_FEDERATED_TOKEN_FILE" not in host_environment(cloud, "orders-aks")
    wanted["properties"]["issuer"] = issuer
    assert arm.put(credential, wanted).status == 200
    env = host_environment(cloud, "orders-aks")
    assert env["AZURE_CLIENT_ID"] == identity["properties"]["clientId"]
    result = run([cloud.programs.entrasql, "token"], env=env)
    assert result.returncode == 0, result.stderr
    assert arm.delete(credential).status == 200
    assert "AZURE_FEDERATED_TOKEN_FILE" not in host_environment(cloud, "orders-aks")


def test_cluster_kubelet(arm, identity):
    cluster = arm.get(CLUSTER).body
    kubelet = {"resourceId": identity["id"]}
    cluster["properties"]["identityProfile"] = {"kubeletidentity": kubelet}
    assert arm.put(CLUSTER, cluster).code == \
        "CustomKubeletIdentityOnlySupportedOnUserAssignedMSICluster"
    cluster["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {identity["id"]: {}}}
    refused = arm.put(CLUSTER, cluster)
    assert refused.code == "CustomKubeletIdentityMissingPermissionError"
    given = arm.put(
        f"{identity['id']}/providers/Microsoft.Authorization/roleAssignments/"
        "22222222-2222-4222-8222-222222222222",
        {"properties": {"principalId": identity["properties"]["principalId"],
                        "roleDefinitionId": f"{arm.subscription}/providers/"
                        "Microsoft.Authorization/roleDefinitions/"
                        "f1a07417-d97a-45cb-824c-7a7467783830"}})
    assert given.status == 201, given.body
    assert arm.put(CLUSTER, cluster).status == 200
    assert arm.settle(CLUSTER)["properties"]["identityProfile"]["kubeletidentity"][
        "objectId"] == identity["properties"]["principalId"]


def test_system_identity_is_renewed(cloud, arm):
    first = arm.patch(MACHINE, {"identity": {"type": "SystemAssigned"}})
    arm.follow(first.headers["Azure-AsyncOperation"])
    second = arm.patch(MACHINE, {"identity": {"type": "None"}})
    arm.follow(second.headers["Azure-AsyncOperation"])
    third = arm.patch(MACHINE, {"identity": {"type": "SystemAssigned"}})
    assert third.body["identity"]["principalId"] != first.body["identity"]["principalId"]
    assert object_of(cloud, "orders-vm")["object_id"] == third.body["identity"]["principalId"]
