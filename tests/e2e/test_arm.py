# SPDX-License-Identifier: MIT
"""The emulator's Azure Resource Manager over raw HTTP: what it refuses, what it replaces."""
import re

import pymssql
import pytest

from arm import IDENTITIES, SEED_PASSWORD, Arm, new_identity, object_of, seeded_cloud
from conftest import ADMIN, DEVELOPER, READER

SERVER = "Microsoft.Sql/servers/contoso-sql"
SITE = "Microsoft.Web/sites/orders-app"
SETTINGS = f"{SITE}/config/appsettings"


@pytest.fixture(scope="module")
def cloud(programs, tmp_path_factory):
    with seeded_cloud(programs, tmp_path_factory.mktemp("arm")) as started:
        yield started


@pytest.fixture
def arm(cloud):
    """The owner, in the world as the seed has it."""
    assert cloud.command("reset").returncode == 0
    return Arm(cloud, ADMIN)


# ---- before anything is looked at ----

def test_bearer_tokens(arm):
    path = arm.id(SERVER)
    for token, code in ((None, "AuthenticationFailed"), ("x.y.z", "InvalidAuthenticationToken"),
                        (arm.new_token("https://database.windows.net/"),
                         "InvalidAuthenticationTokenAudience"),
                        (arm.new_token("https://management.azure.com/", "--expired"),
                         "ExpiredAuthenticationToken"),
                        (arm.new_token("https://management.azure.com/", "--bad-signature"),
                         "InvalidAuthenticationToken")):
        arm.token = token
        answer = arm.get(path)
        assert (answer.status, answer.code) == (401, code)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")


def test_api_versions(arm):
    missing = arm.get(SERVER, version="")
    assert (missing.status, missing.code) == (400, "MissingApiVersionParameter")
    for bad in ("latest", "2023-8-1", "2023-08-01-"):
        assert arm.get(SERVER, version=bad).code == "InvalidApiVersionParameter"
    unknown = arm.get(SERVER, version="1999-01-01")
    assert (unknown.status, unknown.code) == (400, "NoRegisteredProviderFound")
    assert "2023-08-01" in unknown.message and "'servers'" in unknown.message
    assert arm.get("Microsoft.Sql/nothings/x").code == "InvalidResourceType"
    assert arm.get("Microsoft.Nothing/things/x").code == "InvalidResourceNamespace"


def test_what_is_not_there(arm):
    other = arm.get("/subscriptions/00000000-0000-0000-0000-000000000009/resourceGroups/x")
    assert other.status in (403, 404)
    group = arm.get(f"{arm.subscription}/resourceGroups/nowhere")
    assert (group.status, group.code) == (404, "ResourceGroupNotFound")
    site = arm.get("Microsoft.Web/sites/nobody")
    assert (site.status, site.code) == (404, "ResourceNotFound")
    assert "aka.ms/ARMResourceNotFoundFix" in site.message


def test_case_of_ids_does_not_matter(arm):
    answer = arm.get(arm.id(SERVER).lower().replace("resourcegroups", "RESOURCEGROUPS"))
    assert answer.status == 200
    assert answer.body["id"] == arm.id(SERVER)
    assert answer.body["properties"]["fullyQualifiedDomainName"] == "localhost"
    # The provider of identities writes the segment in lower case, whatever was asked.
    assert "/resourcegroups/" in new_identity(arm)["id"]


# ---- SQL ----

def test_admin_of_the_server(cloud, arm):
    path = f"{SERVER}/administrators/ActiveDirectory"
    read = arm.get(path)
    assert read.body["properties"]["login"] == ADMIN
    developer = object_of(cloud, DEVELOPER)
    wanted = {"properties": {"administratorType": "ActiveDirectory", "login": "Dev",
                             "sid": developer["object_id"], "tenantId": arm.tenant}}
    assert arm.put(path, {"properties": {**wanted["properties"], "colour": "red"}}).code == \
        "InvalidRequestContent"
    assert arm.put(path, {"properties": {**wanted["properties"], "administratorType": "x"}}).code \
        == "InvalidServerAdministratorTypePropertyName"
    put = arm.put(path, wanted)
    assert put.status == 202 and put.body["operation"] == "CreateActiveDirectoryAdministrator"
    status = arm.follow(put.headers["Azure-AsyncOperation"])
    assert status.body["status"] == "Succeeded"
    assert arm.follow(put.headers["Location"]).status == 200
    assert arm.get(path).body["properties"]["login"] == "Dev"
    # It is the SQL server's admin, and the one before is not any more.
    assert cloud.sql(DEVELOPER, "SELECT USER_NAME() u")[0]["u"] == "dbo"
    assert cloud.query(ADMIN, "SELECT 1").returncode != 0


def test_entra_only(cloud, arm):
    path = f"{SERVER}/azureADOnlyAuthentications/Default"

    def with_password():
        pymssql.connect(server="localhost", port=str(cloud.port()), user="sqladmin",
                        password=SEED_PASSWORD, database="persons").close()

    with_password()
    assert arm.get(path).body["properties"]["azureADOnlyAuthentication"] is False
    put = arm.put(path, {"properties": {"azureADOnlyAuthentication": True}})
    assert put.status == 202
    assert arm.follow(put.headers["Azure-AsyncOperation"]).body["status"] == "Succeeded"
    with pytest.raises(pymssql.OperationalError, match="18456"):
        with_password()
    refused = arm.delete(f"{SERVER}/administrators/ActiveDirectory")
    assert refused.code == "InvalidServerAzureADAdminDeleteOperation"


def test_firewall_rules(arm):
    path = f"{SERVER}/firewallRules/here"
    rule = {"properties": {"startIpAddress": "127.0.0.1", "endIpAddress": "127.0.0.1"}}
    assert arm.put(path, rule).status == 201
    assert arm.put(path, rule).status == 200
    backwards = {"properties": {"startIpAddress": "10.0.0.2", "endIpAddress": "10.0.0.1"}}
    assert arm.put(path, backwards).code == "FirewallRuleInvalidRange"
    assert arm.put(path, {"properties": {"startIpAddress": "::1", "endIpAddress": "::1"}}).code \
        == "FirewallRuleNotIPv4Address"
    # The collection's PUT is all rules that there are.
    assert arm.put(f"{SERVER}/firewallRules", {"values": [{"name": "other", **rule}]}).status == 200
    names = [r["name"] for r in arm.get(f"{SERVER}/firewallRules").body["value"]]
    assert names == ["other"]
    assert arm.delete(f"{SERVER}/firewallRules/other").status == 200
    assert arm.delete(f"{SERVER}/firewallRules/other").status == 204


def test_firewall_lets_in_whom_a_rule_allows(cloud, arm):
    cloud.command("fault", "sql-firewall-rules", "on")
    refused = cloud.query(ADMIN, "SELECT 1")
    assert refused.returncode != 0
    assert "40615" in refused.stderr and "'127.0.0.1' is not allowed" in refused.stderr
    rule = {"startIpAddress": "126.255.255.255", "endIpAddress": "127.0.0.1"}
    arm.put(f"{SERVER}/firewallRules/here", {"properties": rule})
    assert cloud.query(ADMIN, "SELECT 1").returncode == 0
    arm.delete(f"{SERVER}/firewallRules/here")
    assert cloud.query(ADMIN, "SELECT 1").returncode != 0


# ---- identities ----

def test_identity_lives_everywhere(cloud, arm):
    made = new_identity(arm)
    again = arm.put(f"{IDENTITIES}/orders-identity", {"location": "westeurope"})
    assert again.status == 200
    assert again.body["properties"] == made["properties"]
    assert object_of(cloud, "orders-identity")["client_id"] == made["properties"]["clientId"]
    cloud.sql(ADMIN, "CREATE USER [orders-identity] FROM EXTERNAL PROVIDER")
    row = cloud.sql(ADMIN, "SELECT CAST(sid AS uniqueidentifier) sid FROM sys.database_principals"
                           " WHERE name = 'orders-identity'")[0]
    assert row["sid"].lower() == made["properties"]["clientId"]
    assert arm.delete(f"{IDENTITIES}/orders-identity").status == 200
    assert arm.get(f"{IDENTITIES}/orders-identity").status == 404
    assert new_identity(arm)["properties"]["clientId"] != made["properties"]["clientId"]


def test_restart_keeps_it(cloud, arm):
    made = new_identity(arm)
    arm.put(SETTINGS, {"properties": {"A": "1"}})
    cloud.stop()
    cloud.start()
    after = Arm(cloud, ADMIN)
    assert after.get(f"{IDENTITIES}/orders-identity").body["properties"] == made["properties"]
    assert after.post(f"{SETTINGS}/list").body["properties"] == {"A": "1"}


# ---- App Service ----

def test_settings_are_replaced_as_a_whole(arm):
    before = arm.post(f"{SETTINGS}/list").body["properties"]
    assert before["ORDERS_COLOUR"] == "blue"
    assert re.search(r"localhost,\d+;", before["AZURE_SQL_CONNECTIONSTRING"])
    assert arm.put(SETTINGS, {"properties": {"AZURE_CLIENT_ID": "x"}}).status == 200
    assert arm.post(f"{SETTINGS}/list").body["properties"] == {"AZURE_CLIENT_ID": "x"}
    assert arm.put(SETTINGS, {"properties": {"A": {"value": "x"}}}).status == 400
    staging = f"{SITE}/slots/staging/config/appsettings"
    assert arm.post(f"{staging}/list").body["properties"]["ORDERS_COLOUR"] == "green"


def test_identity_of_a_site(cloud, arm):
    one, two = new_identity(arm, "one-id"), new_identity(arm, "two-id")
    # What the type says is what there is: it is not merged.
    both = {"identity": {"type": "SystemAssigned,UserAssigned",
                         "userAssignedIdentities": {one["id"]: {}}}}
    answer = arm.patch(SITE, both)
    assert answer.status == 200, answer.body
    identity = answer.body["identity"]
    assert identity["type"] == "SystemAssigned, UserAssigned"
    assert identity["userAssignedIdentities"][one["id"]] == {
        k: one["properties"][k] for k in ("principalId", "clientId")}
    system = identity["principalId"]
    assert object_of(cloud, "orders-app")["object_id"] == system
    patched = arm.patch(SITE, {"identity": {"type": "UserAssigned",
                                            "userAssignedIdentities": {two["id"]: {}}}})
    assert sorted(patched.body["identity"]["userAssignedIdentities"]) == sorted(
        [one["id"], two["id"]])
    assert "principalId" not in patched.body["identity"]
    assert not [o for o in cloud.state()["objects"] if o["object_id"] == system]
    gone = arm.patch(SITE, {"identity": {"type": "UserAssigned",
                                         "userAssignedIdentities": {one["id"]: None}}})
    assert list(gone.body["identity"]["userAssignedIdentities"]) == [two["id"]]
    put = arm.put(SITE, {"location": "westeurope", "identity": {
        "type": "UserAssigned", "userAssignedIdentities": {one["id"]: {}}}, "properties": {}})
    assert put.status == 200
    assert list(arm.settle(SITE)["identity"]["userAssignedIdentities"]) == [one["id"]]


def test_identities_that_make_no_sense(arm):
    one = new_identity(arm)["id"]
    for identity, code in (
            ({"type": "UserAssigned"}, "MissingIdentityIds"),
            ({"type": "SystemAssigned", "userAssignedIdentities": {one: {}}},
             "FailedIdentityOperation"),
            ({"type": "UserAssigned", "userAssignedIdentities": {one: {"clientId": "x"}}},
             "InvalidIdentityValues"),
            ({"type": "UserAssigned", "userAssignedIdentities": {one + "x": {}}},
             "FailedIdentityOperation"),
            ({"type": "Assigned"}, "InvalidRequestContent")):
        answer = arm.patch(SITE, {"identity": identity})
        assert (answer.status, answer.code) == (400, code), identity
    assert "identity" not in arm.get(SITE).body


# ---- rights ----

def test_rights_by_role(cloud, arm):
    reader = Arm(cloud, READER)
    assert reader.get(SERVER).status == 200
    answer = reader.put(f"{SERVER}/firewallRules/x", {"properties": {}})
    assert (answer.status, answer.code) == (403, "AuthorizationFailed")
    who = object_of(cloud, READER)["object_id"]
    assert answer.message == (
        f"The client '{READER}' with object id '{who}' does not have authorization to perform "
        f"action 'Microsoft.Sql/servers/firewallRules/write' over scope "
        f"'{arm.id(SERVER)}/firewallRules/x' or the scope is invalid. If access was recently "
        "granted, please refresh your credentials.")
    # Settings hold secrets: reading them is an action that readers do not have.
    assert "Microsoft.Web/sites/config/list/action" in reader.post(f"{SETTINGS}/list").message
    role = "de139f84-1756-47ae-9be6-808fbbe84772"
    given = arm.put(
        f"{arm.group}/providers/Microsoft.Authorization/roleAssignments/"
        "11111111-1111-4111-8111-111111111111",
        {"properties": {"principalId": who, "roleDefinitionId":
                        f"{arm.subscription}/providers/Microsoft.Authorization/"
                        f"roleDefinitions/{role}"}})
    assert given.status == 201, given.body
    assert reader.post(f"{SETTINGS}/list").status == 200
    one = new_identity(arm)["id"]
    linked = reader.patch(SITE, {"identity": {"type": "UserAssigned",
                                              "userAssignedIdentities": {one: {}}}})
    assert (linked.status, linked.code) == (403, "LinkedAuthorizationFailed")
    assert "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action" in linked.message
    held = reader.get(f"{arm.id(SITE)}/providers/Microsoft.Authorization/permissions")
    assert {"*/read"} <= {a for p in held.body["value"] for a in p["actions"]}
    assert {"Microsoft.Web/sites/*"} <= {a for p in held.body["value"] for a in p["actions"]}


def test_rights_action_by_action(cloud, arm):
    app = Arm(cloud, "ci-app")
    actions = {
        "Microsoft.Sql/servers/administrators/write": lambda: app.put(
            f"{SERVER}/administrators/ActiveDirectory", {"properties": {}}),
        "Microsoft.Sql/servers/azureADOnlyAuthentications/write": lambda: app.put(
            f"{SERVER}/azureADOnlyAuthentications/Default", {"properties": {}}),
        "Microsoft.Sql/servers/firewallRules/delete": lambda: app.delete(
            f"{SERVER}/firewallRules/none"),
        "Microsoft.ManagedIdentity/userAssignedIdentities/write": lambda: app.put(
            f"{IDENTITIES}/abc", {"location": "westeurope"}),
        "Microsoft.Web/sites/config/write": lambda: app.put(SETTINGS, {"properties": {}}),
        "Microsoft.App/containerApps/listSecrets/action": lambda: app.post(
            "Microsoft.App/containerApps/orders-ca/listSecrets"),
        "Microsoft.Compute/virtualMachines/runCommand/action": lambda: app.post(
            "Microsoft.Compute/virtualMachines/orders-vm/runCommand", {"commandId": "x"}),
        "Microsoft.Resources/subscriptions/resourceGroups/read": lambda: app.get(arm.group)}
    for action, call in actions.items():
        assert call().status != 403, action
        told = cloud.command("right", "refuse", action, "--as", "ci-app")
        assert told.returncode == 0, told.stderr
        refused = call()
        assert (refused.status, refused.code) == (403, "AuthorizationFailed")
        assert f"action '{action}'" in refused.message
        assert cloud.command("right", "give", action, "--as", "ci-app").returncode == 0
        assert call().status != 403, action
    # What no role gives is given by itself.
    stranger = Arm(cloud, "StrangerIdentity")
    assert stranger.get(SERVER).status == 403
    cloud.command("right", "give", "Microsoft.Sql/servers/read", "--as", "StrangerIdentity")
    assert stranger.get(SERVER).status == 200
    cloud.command("right", "give-role", "SQL Security Manager", "--as", "StrangerIdentity")
    assert stranger.get(f"{SERVER}/azureADOnlyAuthentications/Default").status == 200
    refused = cloud.command("right", "give-role", "King", "--as", "StrangerIdentity")
    assert refused.returncode != 0 and "no role 'King'" in refused.stderr


def test_locks(arm):
    lock = f"{arm.group}/providers/Microsoft.Authorization/locks/keep"
    version = "2020-05-01"
    assert arm.put(lock, {"properties": {"level": "Never"}}, version=version).status == 400
    made = arm.put(lock, {"properties": {"level": "CanNotDelete"}}, version=version)
    assert made.status == 201
    assert arm.put(f"{IDENTITIES}/abc", {"location": "westeurope"}).status == 201
    refused = arm.delete(f"{IDENTITIES}/abc")
    assert (refused.status, refused.code) == (409, "ScopeLocked")
    assert f"are locked: '{arm.group}'" in refused.message
    arm.put(lock, {"properties": {"level": "ReadOnly"}}, version=version)
    assert arm.patch(SITE, {"identity": {"type": "None"}}).code == "ScopeLocked"
    assert [k["name"] for k in arm.get(
        f"{arm.id(SITE)}/providers/Microsoft.Authorization/locks", version=version).body["value"]
    ] == ["keep"]
    assert arm.delete(lock, version=version).status == 200
    assert arm.delete(f"{IDENTITIES}/abc").status == 200


def test_policy_and_registration(cloud, arm):
    path = f"{IDENTITIES}/abc"
    assert cloud.command("right", "policy-deny", IDENTITIES).returncode == 0
    denied = arm.put(path, {"location": "westeurope"})
    assert (denied.status, denied.code) == (403, "RequestDisallowedByPolicy")
    assert denied.body["error"]["additionalInfo"][0]["type"] == "PolicyViolation"
    assert cloud.command("right", "policy-allow", IDENTITIES).returncode == 0
    assert cloud.command("right", "unregister", "Microsoft.ManagedIdentity").returncode == 0
    missing = arm.put(path, {"location": "westeurope"})
    assert (missing.status, missing.code) == (409, "MissingSubscriptionRegistration")
    provider = f"{arm.subscription}/providers/Microsoft.ManagedIdentity"
    assert arm.get(provider, version="2019-05-01").body["registrationState"] == "NotRegistered"
    assert arm.post(f"{provider}/register", version="2019-05-01").status == 200
    assert arm.put(path, {"location": "westeurope"}).status == 201


# ---- what goes wrong on demand ----

def test_throttling_and_lost_answers(cloud, arm):
    cloud.command("fault", "arm-throttle", "on", "--value", "7", "--count", "1")
    throttled = arm.get(SERVER)
    assert (throttled.status, throttled.headers["Retry-After"]) == (429, "7")
    assert arm.get(SERVER).status == 200
    cloud.command("fault", "arm-drop-after", "on", "--count", "1")
    with pytest.raises(OSError):
        arm.put(SETTINGS, {"properties": {"A": "1"}})
    assert arm.post(f"{SETTINGS}/list").body["properties"] == {"A": "1"}
    cloud.command("fault", "arm-drop", "on", "--count", "1")
    with pytest.raises(OSError):
        arm.put(SETTINGS, {"properties": {"A": "2"}})
    assert arm.post(f"{SETTINGS}/list").body["properties"] == {"A": "1"}


def test_replication_of_a_new_identity(cloud, arm):
    new_identity(arm)
    cloud.command("fault", "arm-replication", "on", "--count", "2")
    answers = [arm.get(f"{IDENTITIES}/orders-identity").status for _ in range(3)]
    assert answers == [404, 404, 200]


def test_operations_that_last_and_that_fail(cloud, arm):
    path = f"{SERVER}/azureADOnlyAuthentications/Default"
    wanted = {"properties": {"azureADOnlyAuthentication": True}}
    cloud.command("fault", "arm-slow", "on", "--value", "60000")
    put = arm.put(path, wanted)
    url = put.headers["Azure-AsyncOperation"][len(f"https://localhost:{arm.port}"):]
    assert arm.raw("GET", url).body["status"] == "InProgress"
    # Its api-version is not the request's, and clients take the URL as it is.
    assert "api-version=2023-08-01" not in url
    assert put.headers["Retry-After"] == "1"
    cloud.command("reset")
    cloud.command("fault", "arm-slow", "on", "--value", "0")
    put = arm.put(path, wanted)
    assert put.headers["Retry-After"] == "0"
    url = put.headers["Azure-AsyncOperation"][len(f"https://localhost:{arm.port}"):]
    assert arm.raw("GET", url).body["status"] == "Succeeded"
    cloud.command("fault", "arm-slow", "off")
    cloud.command("reset")
    cloud.command("fault", "arm-operation-fails", "on", "--count", "1")
    failed = arm.follow(arm.put(path, wanted).headers["Azure-AsyncOperation"])
    assert failed.body["status"] == "Failed" and failed.body["error"]["code"] == "OperationFailed"
    assert arm.get(path).body["properties"]["azureADOnlyAuthentication"] is False
