# SPDX-License-Identifier: MIT
"""entrasql migrate's further ways: inside a machine by run-command, the nodes' identity of a cluster,
a container app's old secret at the end."""
import json

from arm import Arm
from conftest import ADMIN
from test_migrate import (IDENTITY, PASSWORD, Migration, emulator, fresh,  # noqa: F401 (fixtures)
                          signs_in)

APP = "Microsoft.App/containerApps/orders-ca"
SECRET = "sql-connection"


# ---- run-command ----

def inside(m):
    """The environment that a program finds in the machine, and nothing that a person would add."""
    return m.emulator.environment(IDENTITY, m.place)


def test_run_command_sets_the_variables_inside(fresh, tmp_path):
    m = Migration(fresh, "vm", tmp_path)
    m.options.append("--run-command")
    assert m.states()["settings"] == "later"  # until the identity has its ids
    m.apply()
    env = inside(m)
    assert "Password" not in env["AZURE_SQL_CONNECTIONSTRING"]
    assert env["AZURE_CLIENT_ID"] in fresh.command("identity", "list", "--json").stdout
    assert signs_in(fresh, env) == [{"who": IDENTITY, "n": 3}]
    assert json.loads(m.done("verify", "--json"))["ok"]
    records = m.journal.read_text()
    m.apply()
    assert m.journal.read_text() == records, "a second time changes nothing"
    assert "took the drop-in from orders-vm" in m.done("rollback")
    machine = Arm(fresh, ADMIN).get("Microsoft.Compute/virtualMachines/orders-vm")
    assert machine.status == 200 and IDENTITY not in json.dumps(machine.body)


def test_run_command_whose_rollback_was_killed(fresh, tmp_path):
    """Nobody sees from outside whether the drop-in is gone: the journal says that it may be."""
    m = Migration(fresh, "vm", tmp_path)
    m.options.append("--run-command")
    m.apply()
    with m.journal.open("a") as journal:
        journal.write('{"step":"settings","event":"undoing"}\n')
    checks = json.loads(m.run("verify", "--json").stdout)["checks"]
    assert "half rolled back: settings inside are not seen from Azure" in [check["text"] for check in checks]
    m.apply()
    assert m.events().count(("settings", "done")) == 2
    assert json.loads(m.done("verify", "--json"))["ok"]
    assert signs_in(fresh, inside(m)) == [{"who": IDENTITY, "n": 3}]


# ---- the nodes' identity ----

def test_nodes_of_a_cluster_become_the_identity(fresh, tmp_path):
    m = Migration(fresh, "aks", tmp_path, (["--app", "orders-aks", "--kubelet"], "orders-aks/nodes"))
    step = next(s for s in m.plan()["steps"] if s["name"] == "kubelet")
    lost = "\n".join(step["lost"])
    assert step["state"] == "to do" and "reimaged" in lost and "every pod" in lost
    m.apply()
    assert m.states()["kubelet"] == "done"
    # A pod finds no identity of its own: it asks the node's endpoint.
    env = m.process()
    assert "AZURE_FEDERATED_TOKEN_FILE" not in env
    assert signs_in(fresh, env) == [{"who": IDENTITY, "n": 3}]
    assert json.loads(m.done("verify", "--json"))["ok"]
    assert f"the nodes' identity stays {IDENTITY}" in m.done("rollback")


# ---- the old secret of a container app ----

def secrets(emulator):
    listed = Arm(emulator, ADMIN).post(f"{APP}/listSecrets").body["value"]
    return {s["name"]: s.get("value") for s in listed}


def verified(fresh, tmp_path):
    m = Migration(fresh, "container-app", tmp_path)
    m.apply()
    m.done("verify")
    return m


def test_retire_takes_the_old_secret_away_and_a_rollback_puts_it_back(fresh, tmp_path):
    m = Migration(fresh, "container-app", tmp_path)
    before, all_before = m.plan()["steps"], secrets(fresh)
    assert PASSWORD in all_before[SECRET]
    m.apply()
    m.done("verify")
    assert f"secret {SECRET} holds the old" in m.done("retire", "--check")
    assert secrets(fresh) == all_before

    refused = m.run("retire")
    assert refused.returncode == 2 and "nobody said what becomes of it" in refused.stderr
    assert "--keep-old FILE" in refused.stderr and secrets(fresh) == all_before
    assert fresh.state()["server"]["entra_only"] is False, "refused before anything was changed"

    kept = tmp_path / "kept"
    said = m.done("retire", "--keep-old", kept)
    assert f"secret {SECRET} was removed" in said and PASSWORD not in said
    assert secrets(fresh) == {k: v for k, v in all_before.items() if k != SECRET}
    assert kept.stat().st_mode & 0o777 == 0o600 and PASSWORD in kept.read_text()
    assert PASSWORD not in m.journal.read_text()
    assert signs_in(fresh, m.process()) == [{"who": IDENTITY, "n": 3}]
    warned = [c for c in json.loads(m.done("verify", "--json"))["checks"] if c["warning"]]
    assert warned == []
    m.done("retire")  # nothing is left that somebody would have to decide on

    said = m.done("rollback")
    assert f"secret {SECRET} is back" in said and "has its old value" in said
    assert secrets(fresh) == all_before and m.plan()["steps"] == before


def test_a_secret_that_was_given_up_is_named_at_a_rollback(fresh, tmp_path):
    m = verified(fresh, tmp_path)
    m.done("retire", "--discard-old")
    assert SECRET not in secrets(fresh)
    said = m.done("rollback")
    assert f"secret {SECRET} was given up" in said
    assert f"AZURE_SQL_CONNECTIONSTRING: the app's secret {SECRET} is not there any more" in said
    assert IDENTITY not in fresh.command("identity", "list").stdout, "the rest went back"


def test_a_secret_that_an_older_revision_may_use_stays(fresh, tmp_path):
    m = verified(fresh, tmp_path)
    arm = Arm(fresh, ADMIN)
    patched = arm.patch(APP, {"properties": {"configuration": {"activeRevisionsMode": "Multiple"}}})
    assert patched.status in (200, 202), patched.body
    arm.settle(APP)
    assert "and stays: with several active revisions" in m.done("retire")
    assert SECRET in secrets(fresh)


def test_a_file_that_cannot_take_the_secret_stops_before_it_is_gone(fresh, tmp_path):
    m = verified(fresh, tmp_path)
    result = m.run("retire", "--keep-old", tmp_path / "no" / "such" / "folder")
    assert result.returncode != 0 and SECRET in secrets(fresh)
    m.done("verify")
    m.done("retire", "--keep-old", tmp_path / "kept")
    assert SECRET not in secrets(fresh)
