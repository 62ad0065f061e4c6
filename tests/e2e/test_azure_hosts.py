# SPDX-License-Identifier: MIT
"""Our client of Azure Resource Manager against the emulator's, host by host: what is read, that an
assignment keeps what is there, that one write keeps the other settings, and the way back."""
import json

import pytest

from arm import SEED_PASSWORD, Arm, new_identity, seeded_cloud
from conftest import ADMIN, READER, run

SYSTEM = "system"


class Host:
    """Calls of tests/unit/azure/azure_host on one host, as one principal."""

    def __init__(self, cloud, arm, kind, name, principal=ADMIN, **where):
        self.program = cloud.programs.build / "tests" / "unit" / "azure" / "azure_host"
        self.place = [*arm.group.split("/")[2::2], kind, name]
        self.env = {**cloud.environment(principal), **where}

    def call(self, *words, **env):
        result = run([self.program, *self.place, *words], env={**self.env, **env}, timeout=120)
        answer = json.loads(result.stdout)
        assert (result.returncode == 0) == ("error" not in answer)
        return answer

    def ok(self, *words, **env):
        answer = self.call(*words, **env)
        assert "error" not in answer, answer
        return answer

    def settings(self):
        return self.ok("read")["settings"]


@pytest.fixture(scope="module")
def cloud(programs, tmp_path_factory):
    with seeded_cloud(programs, tmp_path_factory.mktemp("arm")) as started:
        yield started


@pytest.fixture
def arm(cloud):
    """The world as at the start, whose operations are over at once: their time is waited for in
    test_arm.py and test_migrate.py."""
    assert cloud.command("reset").returncode == 0
    assert cloud.command("fault", "arm-slow", "on", "--value", "0").returncode == 0
    return Arm(cloud, ADMIN)


HOSTS = {
    "app-service": ("orders-app", {}),
    "slot": ("orders-app", {"SLOT": "staging"}),
    "function-app": ("orders-func", {}),
    "container-app": ("orders-ca", {}),
    "spring-app": ("orders", {"SERVICE": "orders-spring"}),
    "vm": ("orders-vm", {}),
    "vmss": ("orders-vmss", {}),
    "aks": ("orders-aks", {}),
}
# Web apps and Functions are served as slots are.
ASSIGNING = ["slot", "container-app", "spring-app", "vm", "vmss"]
WRITING = ["app-service", "slot", "function-app", "container-app", "spring-app"]


def host_of(cloud, arm, key, principal=ADMIN):
    name, where = HOSTS[key]
    return Host(cloud, arm, "app-service" if key == "slot" else key, name, principal, **where)


def folded(ids):
    return sorted(i.lower() for i in ids)


@pytest.mark.parametrize("key", ASSIGNING)
def test_assign_keeps_the_others(cloud, arm, key):
    host = host_of(cloud, arm, key)
    first, second = new_identity(arm, "first-id")["id"], new_identity(arm, "second-id")["id"]
    before = host.ok("read")["identities"]
    assert host.ok("assign", SYSTEM) == {"changed": True}
    assert host.ok("assign", first) == {"changed": True}
    assert host.ok("assign", second) == {"changed": True}
    now = host.ok("read")
    assert folded(now["identities"]) == folded([*before, first, second]) and now["system"]
    own = host.ok("system")
    assert own["principal_id"] == now["principal"]
    assert any(o.get("client_id") == own["client_id"] for o in cloud.state()["objects"])
    # Again, spelled otherwise: nothing to do.
    assert host.ok("assign", first.upper().replace("/SUBSCRIPTIONS", "/subscriptions")) == {
        "changed": False}
    assert host.ok("unassign", first) == {"changed": True}
    assert host.ok("unassign", first) == {"changed": False}
    now = host.ok("read")
    assert folded(now["identities"]) == folded([*before, second]) and now["system"]
    assert host.ok("unassign", SYSTEM) == {"changed": True}
    assert host.ok("unassign", second) == {"changed": True}
    now = host.ok("read")
    assert folded(now["identities"]) == folded(before) and not now["system"]


@pytest.mark.parametrize("key", WRITING)
def test_one_write_keeps_the_others(cloud, arm, key):
    host = host_of(cloud, arm, key)
    host.ok("write", "KEPT=1")
    before = host.settings()
    assert SEED_PASSWORD in before["AZURE_SQL_CONNECTIONSTRING"]
    assert before["KEPT"] == "1"
    host.ok("write", "AZURE_SQL_CONNECTIONSTRING=Server=s", "AZURE_CLIENT_ID=c")
    assert host.settings() == {**before, "AZURE_SQL_CONNECTIONSTRING": "Server=s",
                               "AZURE_CLIENT_ID": "c"}
    host.ok("restart")
    host.ok("write", f"AZURE_SQL_CONNECTIONSTRING={before['AZURE_SQL_CONNECTIONSTRING']}",
            "AZURE_CLIENT_ID-")
    assert host.settings() == before


def test_workload_identity(cloud, arm):
    host = host_of(cloud, arm, "aks")
    arm_path = "Microsoft.ContainerService/managedClusters/orders-aks"
    before = arm.get(arm_path).body
    changed = host.ok("enable")["changed"]
    now = host.ok("read")
    assert now["workload_identity"] and now["oidc_issuer"].startswith("https://")
    assert host.ok("enable") == {"changed": False}
    after = arm.get(arm_path).body
    assert changed == (before != after)
    for part in ("location", "tags", "sku"):
        assert after.get(part) == before.get(part)
    for name, value in before["properties"].items():
        if name not in ("oidcIssuerProfile", "securityProfile", "provisioningState"):
            assert after["properties"].get(name) == value, name


def test_the_nodes_identity(cloud, arm):
    host = host_of(cloud, arm, "aks")
    made = new_identity(arm, "nodes-id")
    assert host.ok("kubelet", IDENTITY="nodes-id") == {"changed": True}
    now = host.ok("read")
    assert now["kubelet"].lower() == made["id"].lower()
    assert folded(now["identities"]) == [made["id"].lower()]
    assert host.ok("kubelet", IDENTITY="nodes-id") == {"changed": False}


@pytest.mark.parametrize("key", ASSIGNING)
def test_a_reader_is_told_the_role(cloud, arm, key):
    """Reader may read the resource and nothing else; each refusal names action and role."""
    identity = new_identity(arm, "first-id")["id"]
    host = host_of(cloud, arm, key, READER)
    refused = host.call("assign", identity)
    assert (refused["error"], refused["number"]) == ("AUTH_FAILED", 403), refused
    assert refused["code"].endswith("AuthorizationFailed")
    assert refused["action"] and refused["role"] in refused["hint"]
    assert refused["action"] in refused["hint"]


def test_names_that_are_not_there(cloud, arm):
    host = host_of(cloud, arm, "app-service")
    host.place[-1] = "nobody"
    answer = host.call("read")
    assert (answer["error"], answer["code"]) == ("NOT_FOUND", "ResourceNotFound")
    host.place[1] = "no-group"
    assert host.call("read")["code"] == "ResourceGroupNotFound"
    host.place[0] = "00000000-0000-0000-0000-000000000009"
    assert host.call("read")["error"] in ("NOT_FOUND", "AUTH_FAILED")
