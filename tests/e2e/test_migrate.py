# SPDX-License-Identifier: MIT
"""entrasql migrate: the whole tutorial on each host, offline, forth and back; stops in the middle; refused rights.

The start is an application that signs in with a password; the end is one that a process with exactly the environment
that the host gives it can sign in with; and back again.
"""
import json
import os
import re
import signal
import subprocess
import time

import pytest

from arm import Arm
from conftest import ADMIN, ROOT, run, running_emulator, seed_persons, wait_for
from terminal import Terminal

IDENTITY = "OrdersIdentity"
PASSWORD = "Emulator-only-1"  # of the settings in the seed
# Host of the emulator's world, options that name it, how `emulator env` calls it.
HOSTS = {
    "app-service": (["--app", "orders-app", "--all-settings"], "orders-app"),
    "slot": (["--app", "orders-app", "--slot", "staging"], "orders-app/slots/staging"),
    "function-app": (["--app", "orders-func"], "orders-func"),
    "container-app": (["--app", "orders-ca"], "orders-ca"),
    "spring-app": (["--service", "orders-spring", "--app", "orders"], "orders-spring/apps/orders"),
    "vm": (["--app", "orders-vm", "--unit", "orders.service"], "orders-vm"),
    "vmss": (["--app", "orders-vmss", "--unit", "orders.service"], "orders-vmss"),
    "aks": (["--app", "orders-aks", "--service-account", "default:orders"], "orders-aks"),
}
# tests/long/run: every step is killed, not only some.
LONG = bool(os.environ.get("ENTRASQL_LONG"))
WRITTEN = ("app-service", "slot", "function-app", "container-app", "spring-app")


class Migration:
    """One application's migration, from a client with the admin's environment."""

    def __init__(self, emulator, host, directory, options=None):
        self.emulator, self.host, self.directory = emulator, host, directory
        options, self.place = options or HOSTS[host]
        world = json.loads((emulator.directory / "seed.json").read_text())
        self.options = [
            "--azure-subscription", world["subscription"]["id"], "--resource-group",
            world["subscription"]["resource_group"], "--host",
            "app-service" if host == "slot" else host, "--sql-server", "contoso-sql",
            "--sql-address", f"localhost,{emulator.port()}", "--database", "persons", "--identity",
            IDENTITY, *options]
        self.journal = directory / "journal"
        self.keep = directory / "old"
        self.env = emulator.environment(ADMIN)

    def command(self, word, *more, name=None):
        yes = ["--yes"] if word in ("rollback", "retire") else []
        return [self.emulator.programs.entrasql, "migrate", word, "--journal", self.journal,
                "--timeout", "20", *yes, *self.options, *more]

    def unasked(self, word):
        """As a person types it: nobody has said yes yet."""
        return [argument for argument in self.command(word) if argument != "--yes"]

    def run(self, word, *more, env=None):
        return run(self.command(word, *more), env=env or self.env, timeout=120)

    def done(self, word, *more, env=None):
        result = self.run(word, *more, env=env)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def plan(self):
        return json.loads(self.done("plan", "--json"))

    def states(self):
        return {step["name"]: step["state"] for step in self.plan()["steps"]}

    def apply(self, *more):
        return self.done("apply", "--yes", "--keep-old", self.keep, *more)

    def events(self):
        lines = [json.loads(line) for line in self.journal.read_text().splitlines()]
        return [(line["step"], line["event"]) for line in lines[1:]]

    def settings_by_hand(self):
        """The variables that the instructions for people name: a drop-in, or a manifest."""
        step = next(s for s in self.plan()["steps"] if s["name"] == "settings")
        text = "\n".join(step["will"])
        found = dict(re.findall(r'^Environment="([A-Z_]+)=(.*)"$', text, re.M))
        if not found:
            pairs = re.findall(r'"?name"?: "([A-Z_]+)",?\s*"?value"?: ("(?:[^"\\]|\\.)*")', text)
            found = {name: json.loads(value) for name, value in pairs}
        assert found, text
        return {name: value.replace("%%", "%").replace('\\"', '"') for name, value in found.items()}

    def process(self):
        """The environment of the application's process on its host."""
        env = self.emulator.environment(IDENTITY, self.place)
        for name in ("AZURE_SQL_CONNECTIONSTRING", "AZURE_CLIENT_ID"):
            if self.host not in WRITTEN:
                env.pop(name, None)
        if self.host not in WRITTEN:
            env.update(self.settings_by_hand())
        return env


@pytest.fixture(scope="module")
def emulator(programs, tmp_path_factory):
    """The server knows the application's password, which its settings hold."""
    directory = tmp_path_factory.mktemp("migrate")
    password = directory / "password"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    with running_emulator(programs, directory / "data", "--sql-login", "sqladmin", "--password-file",
                          password) as started:
        seed_persons(started)
        yield started


def at_once(emulator):
    """Azure's operations take no time."""
    assert emulator.command("fault", "arm-slow", "on", "--value", "0").returncode == 0


@pytest.fixture
def fresh(emulator):
    """The same emulator with its world as at the start."""
    assert emulator.command("reset").returncode == 0
    seed_persons(emulator)
    at_once(emulator)
    return emulator


def signs_in(emulator, env):
    result = run([emulator.programs.entrasql, "query", "--json", "-Q",
                  "SELECT USER_NAME() AS who, COUNT(*) AS n FROM Persons"], env=env)
    return json.loads(result.stdout) if result.returncode == 0 else result.stderr


@pytest.mark.parametrize("host", HOSTS)
def test_forth_verified_and_back(fresh, tmp_path, host):
    m = Migration(fresh, host, tmp_path)
    if host == "container-app":
        fresh.command("fault", "arm-slow", "off")  # an operation's time is waited for once
    if host == "app-service":
        env = {**m.env, **appsettings(fresh)}
        assert PASSWORD in env["AZURE_SQL_CONNECTIONSTRING"]
        assert signs_in(fresh, env) == [{"who": "dbo", "n": 3}]
    if host in WRITTEN:
        assert "with a password" in json.dumps(m.plan()) or host == "container-app"
    before = m.plan()
    states = {step["name"]: step["state"] for step in before["steps"]}
    assert states["admin"] == "done" and states["identity"] == "to do"
    assert "Password" not in json.dumps(before) and PASSWORD not in json.dumps(before)
    m.apply("--plan", before["plan"])
    assert PASSWORD not in m.journal.read_text()
    after = m.states()
    assert set(after.values()) <= {"done", "by hand", "later"}, after

    env = m.process()
    assert PASSWORD not in json.dumps(env)
    assert signs_in(fresh, env) == [{"who": IDENTITY, "n": 3}]
    checks = json.loads(m.done("verify", "--json"))
    assert checks["ok"] and {c["name"] for c in checks["checks"]} >= {"user", "settings", "passwords"}
    left = [c["text"] for c in checks["checks"] if c["warning"]]
    if host == "container-app":
        assert len(left) == 1 and "the app's secret sql-connection" in left[0], left
        assert left[0].endswith("-n orders-ca --secret-names sql-connection")
    else:
        assert left == []
    inside = run([fresh.programs.entrasql, "migrate", "verify", "--inside", "--identity", IDENTITY],
                 env=env)
    assert inside.returncode == 0 and f"signed in as {IDENTITY}" in inside.stdout, inside

    # A second time changes nothing.
    records = m.journal.read_text()
    m.apply()
    assert m.journal.read_text() == records

    m.done("rollback")
    again = m.plan()
    assert again["steps"] == before["steps"] or host == "aks"
    assert IDENTITY not in fresh.command("identity", "list").stdout
    assert IDENTITY not in json.dumps(fresh.sql(ADMIN, "SELECT name FROM sys.database_principals"))


# ---- stops in the middle ----


def killed_in(m, step, faults, event="begin"):
    """Starts apply and kills it (SIGKILL) once the journal says that the step was begun."""
    for fault in faults:
        assert m.emulator.command("fault", *fault).returncode == 0
    process = subprocess.Popen([str(a) for a in m.command("apply", "--yes", "--keep-old", m.keep)],
                               env=m.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        reached = wait_for(lambda: m.journal.exists() and (step, event) in m.events()
                           or process.poll() is not None, 30)
        assert reached and process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        m.emulator.command("fault", "all", "off")
        at_once(m.emulator)


# What holds the step's call while it is killed: before its effect, and after it.
HELD = {
    "identity": [("arm-delay", "on", "--value", "400")],
    "assign": [("arm-delay", "on", "--value", "400")],
    "user": [("request-delay", "on", "--value", "400")],
    "settings": [("arm-delay", "on", "--value", "400")],
}
KILLED = ("user", "settings")  # for each change; tests/long/run kills every step


@pytest.mark.parametrize("step,event", [(s, "begin") for s in HELD if LONG or s in KILLED] + [
    ("assign", "done")])
def test_killed_in_each_step_and_resumed(fresh, tmp_path, step, event):
    m = Migration(fresh, "app-service", tmp_path)
    before = m.plan()["steps"]
    killed_in(m, step, HELD[step], event)
    m.apply()
    assert set(m.states().values()) == {"done"}
    assert signs_in(fresh, m.process()) == [{"who": IDENTITY, "n": 3}]
    m.done("rollback")
    assert m.plan()["steps"] == before


# The steps that only some migrations have: host, further options, what holds the call.
OTHERS = {
    "admin": ("app-service", ["--admin", "me"], ("arm-delay", "on", "--value", "400")),
    "developer": ("app-service", ["--developer", "me", "--admin", "Developers", "--admin-id"],
                  ("request-delay", "on", "--value", "400")),
    "federate": ("aks", [], ("arm-delay", "on", "--value", "400")),
    "restart": ("vmss", [], ("arm-delay", "on", "--value", "400")),
}


@pytest.mark.parametrize("step", OTHERS if LONG else ("federate",))
def test_killed_in_the_steps_of_some_and_resumed(fresh, tmp_path, step):
    host, options, fault = OTHERS[step]
    if step == "admin":
        fresh.command("server", "--admin", "none")
    if step == "developer":
        groups = json.loads(fresh.command("group", "list", "--json").stdout)
        group = next(g["object_id"] for g in groups if g["name"] == "Developers")
        fresh.command("group", "add", "Developers", ADMIN)
        fresh.command("server", "--admin", "Developers")
        options = [*options, group]
    m = Migration(fresh, host, tmp_path)
    m.options += options
    if step == "restart":
        assert m.states()["restart"] == "later"
    killed_in(m, step, [fault])
    m.apply()
    assert signs_in(fresh, m.process()) == [{"who": IDENTITY, "n": 3}]
    assert (step, "done") in m.events()
    m.done("rollback")


@pytest.mark.parametrize("step", ("assign", "settings") if LONG else ("settings",))
def test_killed_and_rolled_back(fresh, tmp_path, step):
    m = Migration(fresh, "app-service", tmp_path)
    before = m.plan()["steps"]
    killed_in(m, step, HELD[step])
    # What the emulator was still holding for the dead client comes to its end first.
    time.sleep(0.6)
    m.done("rollback")
    assert m.plan()["steps"] == before


def test_a_lost_answer(fresh, tmp_path):
    """Each write of Azure takes effect, and its answer is lost."""
    m = Migration(fresh, "app-service", tmp_path)
    fresh.command("fault", "arm-drop-after", "on", "--count", "3")
    m.apply()
    assert signs_in(fresh, m.process()) == [{"who": IDENTITY, "n": 3}]


def test_a_run_that_is_under_way_is_alone(fresh, tmp_path):
    m = Migration(fresh, "app-service", tmp_path)
    fresh.command("fault", "arm-delay", "on", "--value", "1500")
    process = subprocess.Popen([str(a) for a in m.command("apply", "--yes", "--discard-old")],
                               env=m.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert wait_for(m.journal.exists, 30)
        fresh.command("fault", "all", "off")
        second = m.run("apply", "--yes", "--discard-old")
        assert second.returncode == 9 and "locked by process" in second.stderr, second
    finally:
        process.communicate(timeout=60)
    assert process.returncode == 0


# ---- the firewall ----


def rules(emulator):
    answer = Arm(emulator, ADMIN).get("Microsoft.Sql/servers/contoso-sql/firewallRules")
    return [rule["name"] for rule in answer.body["value"] if rule["name"].startswith("entrasql-")]


def test_firewall_rule_goes_in_every_way_of_ending(fresh, tmp_path):
    m = Migration(fresh, "app-service", tmp_path)
    # Blocked in the plan, when the step looks, and once after the rule.
    fresh.command("fault", "sql-firewall", "on", "--count", "3")
    text = m.apply()
    assert "a rule for this machine is there" in text
    assert ("firewall", "begin") in m.events() and m.events()[-1] == ("firewall", "undone")
    assert rules(fresh) == []
    fresh.command("fault", "sql-firewall", "on", "--count", "1")
    m.done("verify")
    assert m.events().count(("firewall", "undone")) == 2 and rules(fresh) == []
    m.done("rollback")

    for number, name in ((signal.SIGTERM, "term"), (signal.SIGINT, "int"), (signal.SIGKILL, "kill")):
        m.journal = tmp_path / name
        fresh.command("fault", "sql-firewall", "on", "--count", "3")
        fresh.command("fault", "arm-delay", "on", "--value", "300")
        process = subprocess.Popen([str(a) for a in m.command("apply", "--yes", "--discard-old")],
                                   env=m.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert wait_for(lambda: m.journal.exists() and ("identity", "begin") in m.events(), 30)
        assert len(rules(fresh)) == 1
        process.send_signal(number)
        output = process.communicate(timeout=60)[0].decode()
        fresh.command("fault", "all", "off")
        if number != signal.SIGKILL:
            assert process.returncode == 11, output
            assert rules(fresh) == []
        else:
            assert len(rules(fresh)) == 1
        m.done("apply", "--yes", "--discard-old")
        assert rules(fresh) == []
        m.done("rollback")
        assert rules(fresh) == []


def test_rollback_that_is_stopped_says_how_to_go_on(fresh, tmp_path):
    """Ctrl-C in the middle: the words name the state and the command, and both ways lead on from there."""
    m = Migration(fresh, "app-service", tmp_path)
    m.apply()
    for after in (m.apply, lambda: None):
        before = len(m.events())
        fresh.command("fault", "arm-delay", "on", "--value", "300")
        process = subprocess.Popen([str(a) for a in m.command("rollback")], env=m.env, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        assert wait_for(lambda: any(event == "undone" for _, event in m.events()[before:]), 30)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        fresh.command("fault", "all", "off")
        assert process.returncode == 11 and "not rolled back in whole" in said, said
        assert f"entrasql migrate rollback --journal {m.journal}, or the other way with apply" in said, said
        after()
    assert "rolled back" in m.done("rollback")
    assert "nothing to roll back" in m.done("rollback")


def stopped_within_settings(m, number):
    """Stops a rollback that has put the settings back and does not know it yet: Azure's next answer is held."""
    m.emulator.command("fault", "arm-delay", "on", "--value", "500")
    process = subprocess.Popen([str(a) for a in m.command("rollback")], env=m.env, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        assert wait_for(lambda: "AZURE_CLIENT_ID" not in m.emulator.environment(m.place), 60)
    finally:
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]
        m.emulator.command("fault", "all", "off")
        at_once(m.emulator)
    last = next(event for step, event in reversed(m.events()) if step == "settings" and event != "failed")
    assert last in ("undoing", "done"), m.events()
    return said


def change_settings(emulator, **values):
    """Somebody's hand. None: the setting goes."""
    new = {name: value for name, value in {**appsettings(emulator), **values}.items() if value is not None}
    answer = Arm(emulator, ADMIN).put("Microsoft.Web/sites/orders-app/config/appsettings", {"properties": new})
    assert answer.status == 200


@pytest.mark.parametrize("host", ("app-service", "container-app"))
def test_rollback_that_is_stopped_within_settings(fresh, tmp_path, host):
    """Stopped or killed: apply does the step anew, and does not take the half of it for somebody's change."""
    m = Migration(fresh, host, tmp_path)
    before = m.plan()["steps"]
    m.apply()
    for number in (signal.SIGINT, signal.SIGKILL):
        said = stopped_within_settings(m, number)
        assert number == signal.SIGKILL or "or the other way with apply" in said, said
        checks = json.loads(m.run("verify", "--json").stdout)["checks"]
        wrong = next(c["text"] for c in checks if c["name"] == "settings")
        assert wrong.startswith("half rolled back: AZURE_SQL_CONNECTIONSTRING: "), wrong
        m.apply()
        assert m.events()[-1] == ("settings", "done")
        assert signs_in(fresh, fresh.environment(m.place)) == [{"who": IDENTITY, "n": 3}]
        m.done("verify")
    m.done("rollback")
    assert m.plan()["steps"] == before


def test_half_rolled_back_settings_that_somebody_has_changed(fresh, tmp_path):
    """A value that is neither the old one nor ours; any password may be an old one that was not kept."""
    m = Migration(fresh, "app-service", tmp_path)
    old = appsettings(fresh)
    m.apply()
    stopped_within_settings(m, signal.SIGKILL)
    string = "AZURE_SQL_CONNECTIONSTRING"
    another = {string: old[string].replace(PASSWORD, "Another-1")}
    for change in ({"AZURE_CLIENT_ID": "00000000-0000-4000-8000-000000000000"}, {string: None}, another):
        change_settings(fresh, **change)
        result = m.run("apply", "--yes", "--discard-old")
        named = f"is half rolled back, and somebody has changed it since: {next(iter(change))} (neither"
        assert result.returncode == 2 and named in result.stderr, result
        assert "put it right by hand" in result.stderr
        change_settings(fresh, **{name: old.get(name) for name in change})
    change_settings(fresh, **another)
    m.keep.unlink()
    m.done("apply", "--yes", "--discard-old")
    assert set(m.states().values()) == {"done"}


def test_half_rolled_back_admin(fresh, tmp_path):
    """A rollback that was killed once it had begun with the step: the old one is its work, a third one is not."""
    groups = json.loads(fresh.command("group", "list", "--json").stdout)
    group = next(g["object_id"] for g in groups if g["name"] == "Developers")
    fresh.command("group", "add", "Developers", ADMIN)
    m = Migration(fresh, "app-service", tmp_path)
    m.options += ["--admin", "Developers", "--admin-id", group, "--replace-admin"]
    m.apply()
    with m.journal.open("a") as journal:
        journal.write('{"step":"admin","event":"undoing"}\n')
    assert fresh.command("server", "--admin", "reader@contoso.example").returncode == 0
    result = m.run("apply", "--yes", "--keep-old", m.keep)
    assert result.returncode == 2 and "somebody has changed it since: Entra admin: reader@" in result.stderr, result
    assert fresh.command("server", "--admin", ADMIN).returncode == 0
    m.apply()
    m.done("verify")
    # What was done anew is done: the old one is somebody's change again.
    assert fresh.command("server", "--admin", ADMIN).returncode == 0
    result = m.run("apply", "--yes", "--keep-old", m.keep)
    assert result.returncode == 2 and "step admin was done, and somebody has changed it" in result.stderr, result


# ---- rights ----


WEB = "Microsoft.Web/sites"
MSI = "Microsoft.ManagedIdentity/userAssignedIdentities"
SQL = "Microsoft.Sql/servers"
REFUSED = {
    f"{SQL}/read": "Reader",
    f"{SQL}/administrators/read": "Reader",
    f"{SQL}/administrators/write": "SQL Server Contributor",
    f"{SQL}/firewallRules/write": "SQL Security Manager",
    f"{SQL}/firewallRules/delete": "SQL Security Manager",
    f"{MSI}/read": "Reader",
    f"{MSI}/write": "Managed Identity Contributor",
    f"{MSI}/assign/action": "Managed Identity Operator",
    f"{WEB}/read": "Reader",
    f"{WEB}/write": "Website Contributor",
    f"{WEB}/config/list/action": "Website Contributor",
    f"{WEB}/config/write": "Website Contributor",
    "Microsoft.App/containerApps/listSecrets/action": "Container Apps Contributor",
    "Microsoft.App/containerApps/write": "Container Apps Contributor",
    "Microsoft.AppPlatform/Spring/apps/write": "Contributor",
    "Microsoft.AppPlatform/Spring/apps/deployments/write": "Contributor",
    "Microsoft.Compute/virtualMachines/write": "Virtual Machine Contributor",
    "Microsoft.ContainerService/managedClusters/write": "Azure Kubernetes Service Contributor Role",
    f"{MSI}/federatedIdentityCredentials/write": "Managed Identity Contributor",
}
HOST_OF = {"Microsoft.App/": "container-app", "Microsoft.AppPlatform/": "spring-app",
           "Microsoft.Compute/": "vm", "Microsoft.ContainerService/": "aks",
           f"{MSI}/federated": "aks"}


def test_rights_refused_one_at_a_time(programs, tmp_path, password_file):
    """Each refusal names the action and the smallest role that has it."""
    seed = json.loads((ROOT / "examples" / "seed.json").read_text())
    with running_emulator(programs, tmp_path / "data", "--sql-login", "orders", "--password-file",
                          password_file) as emulator:
        for number, (action, role) in enumerate(REFUSED.items()):
            host = next((h for start, h in HOST_OF.items() if action.startswith(start)), "app-service")
            m = Migration(emulator, host, tmp_path)
            m.journal = tmp_path / f"journal-{number}"
            more = ["--repair-user"]
            world = json.loads(json.dumps(seed))
            world["arm"]["refused"] = [{"principal": ADMIN, "action": action}]
            if action.endswith("administrators/write"):
                world["server"]["admin"] = "dev@contoso.example"
                more += ["--admin", "me", "--replace-admin"]
            (tmp_path / "seed.json").write_text(json.dumps(world))
            assert emulator.command("seed", tmp_path / "seed.json").returncode == 0
            if "firewallRules" in action:
                emulator.command("fault", "sql-firewall", "on", "--count", "3")
            result = m.run("apply", "--yes", "--discard-old", *more)
            emulator.command("fault", "all", "off")
            text = result.stdout + result.stderr
            assert result.returncode == 3, (action, text)
            assert action.lower() in text.lower(), (action, text)
            assert role in text, (action, text)


# ---- old values, other states ----


def appsettings(emulator, app="orders-app"):
    return Arm(emulator, ADMIN).post(f"Microsoft.Web/sites/{app}/config/appsettings/list").body[
        "properties"]


def test_old_value_has_to_be_kept_or_given_up(fresh, tmp_path):
    m = Migration(fresh, "app-service", tmp_path)
    old = appsettings(fresh)
    result = m.run("apply", "--yes")
    assert result.returncode == 2 and "--keep-old" in result.stderr and not m.journal.exists()
    m.apply()
    assert m.keep.stat().st_mode & 0o777 == 0o600 and PASSWORD in m.keep.read_text()
    new = appsettings(fresh)
    assert set(new) == set(old) | {"AZURE_CLIENT_ID"}
    assert all(new[k] == v for k, v in old.items() if k != "AZURE_SQL_CONNECTIONSTRING")
    m.keep.unlink()
    text = m.done("rollback")
    assert "AZURE_SQL_CONNECTIONSTRING: the old value is not in" in text
    assert "AZURE_CLIENT_ID" not in appsettings(fresh)


def test_file_for_the_old_value_is_tried_before_the_first_step(fresh, tmp_path):
    """Nothing is begun when it or the journal cannot be made; a path from here is good from anywhere."""
    m = Migration(fresh, "app-service", tmp_path)
    (tmp_path / "of-others").write_text("{}")
    (tmp_path / "of-others").chmod(0o600)
    for path, words in (("no/such/old", "cannot make the file"), ("of-others", "is not of this migration"),
                        ("of-others/old", "of-others/old")):
        result = m.run("apply", "--yes", "--keep-old", tmp_path / path)
        assert result.returncode != 0 and words in result.stderr, result
        assert "Name another file with --keep-old" in result.stderr and not m.journal.exists(), result
    m.journal = tmp_path / "no" / "journal"
    result = m.run("apply", "--yes", "--keep-old", m.keep)
    assert result.returncode != 0 and "Nothing was changed" in result.stderr, result
    assert "--journal" in result.stderr and "rollback" not in result.stderr and not m.keep.exists()
    assert Arm(fresh, ADMIN).get(f"{MSI}/{IDENTITY}").status == 404
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "full").symlink_to("/dev/full")
    for name in ("pipe", "full"):
        m.journal = tmp_path / name
        for word in ("apply", "rollback"):
            result = run(m.command(word, "--yes"), env=m.env, timeout=60)
            assert result.returncode == 2 and f"{name} is no regular file" in result.stderr, result
        assert not (tmp_path / f"{name}.lock").exists() and "--journal names a file" in result.stderr
    m.journal = tmp_path / "journal"
    old = appsettings(fresh)
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    result = run(m.command("apply", "--yes", "--keep-old", "old"), env=m.env, cwd=here, timeout=120)
    assert result.returncode == 0 and (here / "old").exists(), result
    result = run(m.command("rollback"), env=m.env, cwd=there, timeout=120)
    assert result.returncode == 0 and appsettings(fresh) == old, result


def test_key_vault_reference_is_kept_as_such(fresh, tmp_path):
    m = Migration(fresh, "app-service", tmp_path, (["--app", "orders-app"], "orders-app"))
    reference = "@Microsoft.KeyVault(SecretUri=https://vault.vault.azure.net/secrets/orders)"
    settings = {**appsettings(fresh), "AZURE_SQL_CONNECTIONSTRING": reference}
    put = Arm(fresh, ADMIN).put("Microsoft.Web/sites/orders-app/config/appsettings",
                                {"properties": settings})
    assert put.status == 200
    m.done("apply", "--yes")  # nothing secret: nobody has to say what becomes of it
    assert "KeyVault" not in appsettings(fresh)["AZURE_SQL_CONNECTIONSTRING"]
    assert "Database=persons" in appsettings(fresh)["AZURE_SQL_CONNECTIONSTRING"]
    m.done("rollback")
    assert appsettings(fresh) == settings


def with_settings(emulator, **more):
    """The application's settings with these."""
    settings = {**appsettings(emulator), **more}
    put = Arm(emulator, ADMIN).put("Microsoft.Web/sites/orders-app/config/appsettings",
                                   {"properties": settings})
    assert put.status == 200
    return settings


def password_string(server, rest):
    return f"Server={server};{rest}UID=sqladmin;PWD={PASSWORD};Encrypt=yes"


@pytest.mark.parametrize("options", ([], ["--sign-in", "identity"], ["--all-settings"]))
def test_string_that_leads_to_another_database_is_refused(fresh, tmp_path, options):
    """The identity has no user there: the application would be shut out, and verify content."""
    m = Migration(fresh, "app-service", tmp_path, (["--app", "orders-app", *options], "orders-app"))
    here = f"tcp:localhost,{fresh.port()}"
    for server, place in ((here, "database orders on localhost"),
                          ("tcp:contoso-sql.database.windows.net,1433",
                           "database orders on contoso-sql.database.windows.net"),
                          ("tcp:other-sql.database.windows.net,1433",
                           "database orders on other-sql.database.windows.net")):
        string = password_string(server, "Database=orders;")
        settings = with_settings(fresh, AZURE_SQL_CONNECTIONSTRING=string)
        words = (f"AZURE_SQL_CONNECTIONSTRING leads to {place}, but the migration is for database persons "
                 "on server contoso-sql")
        for word in (["plan"], ["plan", "--script"], ["apply", "--yes", "--discard-old"]):
            result = m.run(*word)
            assert result.returncode == 2 and words in result.stderr, result
            assert "--setting NAME" in result.stderr and PASSWORD not in result.stderr
        assert appsettings(fresh) == settings and not m.journal.exists()
        assert IDENTITY not in fresh.command("identity", "list").stdout
    # Also without a password: nobody made a user there.
    m.options[m.options.index("persons")] = "orders"
    assert fresh.command("database", "add", "orders").returncode == 0
    with_settings(fresh, AZURE_SQL_CONNECTIONSTRING=password_string(here, "Database=ORDERS;"))
    m.apply()
    assert "WRONG     settings" not in m.run("verify").stdout
    with_settings(fresh, AZURE_SQL_CONNECTIONSTRING=f"Server={here};Database=persons")
    began = time.monotonic()
    result = m.run("verify")
    assert result.returncode != 0 and "WRONG" in result.stdout, result
    assert "leads to database persons on localhost, but the migration is for database orders" in result.stdout
    assert time.monotonic() - began < 15  # not waited for
    with_settings(fresh, AZURE_SQL_CONNECTIONSTRING=password_string(here, "Database=persons;"))
    assert "(another database: a migration of its own)" in m.run("verify").stdout
    assert "AZURE_SQL_CONNECTIONSTRING has its old value" in m.done("rollback")


@pytest.mark.parametrize("server,rest", (
    ("tcp:contoso-sql.database.windows.net,1433", "Database=persons;"),
    ("CONTOSO-SQL.DATABASE.WINDOWS.NET", "Database=Persons;"),
    ("contoso-sql.privatelink.database.windows.net", "Initial Catalog=persons;"),
    ("tcp:LOCALHOST,{port}", "Database=persons;"),
    ("tcp:contoso-sql.database.windows.net", ""),
))
def test_other_words_for_the_same_place_are_taken(fresh, tmp_path, server, rest):
    m = Migration(fresh, "app-service", tmp_path)
    string = password_string(server.format(port=fresh.port()), rest)
    with_settings(fresh, AZURE_SQL_CONNECTIONSTRING=string)
    step = next(s for s in m.plan()["steps"] if s["name"] == "settings")
    assert step["state"] == "to do" or step["state"] == "later", step
    assert "leads to" not in json.dumps(step), step
    m.apply()
    assert PASSWORD not in json.dumps(appsettings(fresh))
    checks = json.loads(m.done("verify", "--json"))["checks"]
    assert not any(c["warning"] for c in checks), checks


def test_server_by_another_name_is_warned_of(fresh, tmp_path):
    """An alias or a failover group of the server: nothing says so, and it may be."""
    m = Migration(fresh, "app-service", tmp_path)
    m.options[m.options.index("--sql-address") + 1] = f"127.0.0.1,{fresh.port()}"
    with_settings(fresh, AZURE_SQL_CONNECTIONSTRING=password_string(f"127.0.0.1,{fresh.port()}", ""))
    assert "leads to" not in m.done("plan")
    for server in (f"tcp:127.0.0.1,{fresh.port() + 1}", "orders-group.database.windows.net"):
        string = password_string(server, "Database=persons;")
        with_settings(fresh, AZURE_SQL_CONNECTIONSTRING=string)
        assert "has to be an alias or a failover group of server contoso-sql" in m.done("plan")
    m.apply()
    settings = [c for c in json.loads(m.done("verify", "--json"))["checks"] if c["name"] == "settings"]
    assert [(c["ok"], c["warning"]) for c in settings] == [(True, True)], settings
    assert "(leads to database persons on orders-group.database.windows.net" in settings[0]["text"]


def test_string_for_the_proxy_is_no_other_place(fresh, tmp_path):
    """What the migration itself has made of a driver's string that knows no tokens."""
    m = Migration(fresh, "app-service", tmp_path)
    string = f"mssql+pymssql://sqladmin:{PASSWORD}@contoso-sql.database.windows.net/persons"
    with_settings(fresh, AZURE_SQL_CONNECTIONSTRING=string)
    m.apply()
    assert "127.0.0.1" in appsettings(fresh)["AZURE_SQL_CONNECTIONSTRING"]
    checks = json.loads(m.done("verify", "--json"))["checks"]
    assert not any(c["warning"] for c in checks), checks


def test_all_settings_leaves_alone_what_leads_elsewhere(fresh, tmp_path):
    m = Migration(fresh, "app-service", tmp_path)
    here = f"tcp:localhost,{fresh.port()}"
    others = {"A_ORDERS": password_string(here, "Database=orders;"),
              "OTHER_SERVER": password_string("other-sql.database.windows.net", "Database=persons;")}
    with_settings(fresh, PERSONS_TOO=password_string(here, "Database=persons;"), **others)
    text = m.done("plan")
    assert "A_ORDERS: left alone, as it leads to database orders on localhost" in text, text
    assert ("OTHER_SERVER: left alone, as it leads to database persons on "
            "other-sql.database.windows.net") in text, text
    m.apply()
    now = appsettings(fresh)
    assert {name: now[name] for name in others} == others and PASSWORD not in now["PERSONS_TOO"]
    result = m.run("verify")
    # `retire` would shut it out.
    assert result.returncode != 0, result
    assert ("still with a password for the server: A_ORDERS (another database: a migration of its "
            "own)\n") in result.stdout, result
    url = f"mssql+pymssql://sqladmin:{PASSWORD}@contoso-sql.database.windows.net/persons"
    with_settings(fresh, A_ORDERS="", PERSONS_TOO=url)
    result = m.run("verify")
    assert "PERSONS_TOO (apply takes those of the database)" in result.stdout, result
    m.options.remove("--all-settings")
    m.journal = tmp_path / "another"
    assert "PERSONS_TOO (--all-settings takes those of the database, too)" in m.run("verify").stdout


def test_each_error_of_a_login_stops_with_its_next_step(fresh, tmp_path):
    """A run that cannot sign in to the database stops at the user, and goes on once it can."""
    m = Migration(fresh, "app-service", tmp_path)
    for number, words in ((42101, "private endpoint"), (47072, "TLS 1.2"), (33155, "Get a new token"),
                          (40532, "<server>.database.windows.net"), (18456, "Check user name")):
        fresh.command("fault", "sql-login-error", "--value", number, "on")
        result = m.run("apply", "--yes", "--keep-old", m.keep)
        fresh.command("fault", "sql-login-error", "off")
        assert result.returncode != 0 and f"step user: Error {number}" in result.stderr, result
        assert words in result.stderr.split("hint: ")[1], result
    m.apply()
    assert signs_in(fresh, m.process()) == [{"who": IDENTITY, "n": 3}]


def test_state_that_moved_is_refused(fresh, tmp_path):
    m = Migration(fresh, "app-service", tmp_path)
    plan = m.plan()["plan"]
    arm = Arm(fresh, ADMIN)
    other = arm.put("Microsoft.ManagedIdentity/userAssignedIdentities/other",
                    {"location": "westeurope"}).body["id"]
    identity = {"identity": {"type": "UserAssigned", "userAssignedIdentities": {other: {}}}}
    assert arm.patch("Microsoft.Web/sites/orders-app", identity).status == 200
    result = m.run("apply", "--plan", plan, "--discard-old")
    assert result.returncode == 2 and "moved since the plan" in result.stderr
    killed_in(m, "identity", HELD["identity"])
    nobody = {"identity": {"type": "None"}}
    assert arm.patch("Microsoft.Web/sites/orders-app", nobody).status == 200
    result = m.run("apply", "--yes", "--keep-old", m.keep)
    assert result.returncode == 2 and "step assign: " in result.stderr, result
    assert "moved since the plan" in result.stderr
    assert arm.patch("Microsoft.Web/sites/orders-app", identity).status == 200
    m.apply()
    kept = arm.get("Microsoft.Web/sites/orders-app").body["identity"]["userAssignedIdentities"]
    assert {key.rsplit("/", 1)[1] for key in kept} == {"other", IDENTITY}
    m.done("rollback")
    kept = arm.get("Microsoft.Web/sites/orders-app").body["identity"]["userAssignedIdentities"]
    assert [key.rsplit("/", 1)[1] for key in kept] == ["other"]


def test_admin_is_never_replaced_silently(fresh, tmp_path):
    m = Migration(fresh, "app-service", tmp_path)
    fresh.command("server", "--admin", "dev@contoso.example")
    result = m.run("plan", "--admin", "me")
    assert result.returncode == 2 and "another Entra admin: " in result.stderr
    fresh.command("server", "--admin", "none")
    result = m.run("plan")
    assert result.returncode == 2 and "has no Entra admin" in result.stderr
    m.options += ["--admin", "me", "--developer", "me"]
    m.apply()
    assert signs_in(fresh, m.process()) == [{"who": IDENTITY, "n": 3}]
    m.done("rollback")
    assert Arm(fresh, ADMIN).get(f"{SQL}/contoso-sql/administrators/ActiveDirectory").status == 404


def test_identity_that_was_made_again(fresh, tmp_path):
    m = Migration(fresh, "app-service", tmp_path)
    m.apply()
    identity = f"{MSI}/{IDENTITY}"
    assert Arm(fresh, ADMIN).delete(identity).status == 200
    nobody = {"identity": {"type": "None"}}
    assert Arm(fresh, ADMIN).patch("Microsoft.Web/sites/orders-app", nobody).status == 200
    m.journal, m.keep = tmp_path / "second", tmp_path / "second-old"
    result = m.run("apply", "--yes", "--discard-old")
    assert result.returncode == 2 and "--repair-user" in result.stderr, result
    m.journal = tmp_path / "third"
    m.options.append("--repair-user")
    m.done("apply", "--yes", "--discard-old")
    assert signs_in(fresh, m.process()) == [{"who": IDENTITY, "n": 3}]


def test_system_assigned_identity(fresh, tmp_path):
    m = Migration(fresh, "app-service", tmp_path)
    m.options[m.options.index("--identity"):m.options.index("--identity") + 2] = ["--system-identity"]
    m.options.remove("--all-settings")
    m.apply()
    env = fresh.environment("orders-app", "orders-app")
    assert "AZURE_CLIENT_ID" not in appsettings(fresh)
    assert signs_in(fresh, env) == [{"who": "orders-app", "n": 3}]
    m.done("rollback")
    assert not Arm(fresh, ADMIN).get("Microsoft.Web/sites/orders-app").body.get("identity", {}).get(
        "principalId")


def answered(m, word, answer):
    """On a terminal: the exit code, and what the person saw."""
    with Terminal(m.unasked(word), m.env, columns=200) as t:
        t.wait_for("[y/N]")
        t.send(answer + "\r")
        return t.end(), t.text()


def test_retire_after_a_verified_run_only(fresh, tmp_path):
    m = Migration(fresh, "app-service", tmp_path)
    m.apply()
    env = fresh.environment(ADMIN)
    env["AZURE_SQL_CONNECTIONSTRING"] += f";UID=sqladmin;PWD={PASSWORD}"
    query = [fresh.programs.entrasql, "query", "-Q", "SELECT 1"]
    assert run(query, env=env).returncode == 0
    early = m.run("retire")
    assert early.returncode == 2 and "verify, first" in early.stderr
    m.done("verify")
    assert "administrator" in m.done("retire", "--check")
    nobody = run(m.unasked("retire"), env=m.env)
    assert nobody.returncode == 2 and "contoso-sql refuses every password" in nobody.stderr
    assert "Give --yes" in nobody.stderr and run(query, env=env).returncode == 0
    said_no = answered(m, "retire", "n")
    assert said_no[0] == 11 and "Refuse passwords on the whole server? [y/N]" in said_no[1]
    assert "nothing was changed" in said_no[1] and run(query, env=env).returncode == 0
    assert answered(m, "retire", "y")[0] == 0
    assert run(query, env=env).returncode == 4
    assert signs_in(fresh, m.process()) == [{"who": IDENTITY, "n": 3}]
    nobody = run(m.unasked("rollback"), env=m.env)
    assert nobody.returncode == 2 and "go back to how they were" in nobody.stderr
    assert answered(m, "rollback", "")[0] == 11 and run(query, env=env).returncode == 4
    status, text = answered(m, "rollback", "y")
    assert status == 0 and "rolled back" in text
    assert run(query, env=env).returncode == 0
    again = run(m.unasked("rollback"), env=m.env)
    assert again.returncode == 0 and "nothing to roll back" in again.stdout


def test_file_of_options_journal_alone_and_script(fresh, tmp_path):
    m = Migration(fresh, "app-service", tmp_path)
    pairs = []
    options = iter(m.options)
    for option in options:
        pairs.append(f"{option[2:]} = {'yes' if option == '--all-settings' else next(options)}")
    (tmp_path / "file").write_text("# the application\n[migrate]\n" + "\n".join(pairs) + "\n")
    program = [fresh.programs.entrasql, "migrate"]
    result = run([*program, "plan", "--config", tmp_path / "file", "--json"], env=m.env)
    assert json.loads(result.stdout)["plan"] == m.plan()["plan"]
    script = m.done("plan", "--script")
    assert "az identity create -g 'persons-rg' -n 'OrdersIdentity'" in script
    assert "CREATE USER [OrdersIdentity] FROM EXTERNAL PROVIDER" in script
    # Not known before the identity is made, so it is asked for when the script runs.
    assert " AZURE_CLIENT_ID=\"$(az identity show --query clientId -o tsv -g 'persons-rg'" in script
    assert PASSWORD not in script
    m.apply()
    for word in (["verify"], ["rollback", "--yes"]):
        result = run([*program, *word, "--journal", m.journal], env=m.env)
        assert result.returncode == 0, result
    (tmp_path / "file").write_text("app = x\nresource-gruop = 1\n")
    result = run([*program, "plan", "--config", tmp_path / "file"], env=m.env)
    assert result.returncode == 2 and "line 2: there is no option 'resource-gruop'" in result.stderr
    assert "Did you mean resource-group?" in result.stderr
    host = m.options.index("--host") + 1
    m.options[host] = "app-servise"
    result = m.run("plan")
    m.options[host] = "app-service"
    assert result.returncode == 2, result
    assert ("--host: 'app-servise' is none of app-service, function-app, container-app, spring-app, vm, "
            "vmss, aks") in result.stderr, result
    assert "Did you mean app-service?" in result.stderr, result
    result = m.run("plan", "--unit", "orders")
    assert result.returncode == 2 and "not the name of a systemd service" in result.stderr


def test_no_name_acts_in_the_script(fresh, tmp_path):
    """Pasted into a shell: `az` and `entrasql` note what they were given, and nothing else runs."""
    trap = tmp_path / "trap"
    trick = "x;touch trap;$(touch trap)`touch trap`'\"]"
    m = Migration(fresh, "app-service", tmp_path)
    m.options += ["--setting", trick, "--user-name", trick]
    # The server could not find the identity by that name, and its id is not known yet.
    early = m.done("plan", "--script")
    assert "CREATE USER" not in early and "plan again once the identity is there" in early, early
    put = Arm(fresh, ADMIN).put(f"{MSI}/{IDENTITY}", {"location": "westeurope"})
    assert put.status == 201, put
    script = m.done("plan", "--script")
    assert "FROM EXTERNAL PROVIDER" not in script and "plan again" not in script, script
    for name in ("az", "entrasql"):
        (tmp_path / name).write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {tmp_path}/said\n'
                                     f'[ {name} = az ] || cat >> {tmp_path}/said\n')
        (tmp_path / name).chmod(0o755)
    result = run(["sh", "-eu"], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, input=script,
                 cwd=tmp_path)
    assert result.returncode == 0 and not result.stderr, (script, result)
    assert not trap.exists()
    said = (tmp_path / "said").read_text()
    assert f"\n{trick}=Driver=" in said or f"\n{trick}=Server=" in said, said
    assert f"CREATE USER [{trick.replace(']', ']]')}]" in said


def test_a_file_of_an_earlier_secret_is_not_taken_for_this_one(fresh, tmp_path):
    """Applied, rolled back, the password changed, applied again: the plan is the same, the secret is not."""
    m = Migration(fresh, "app-service", tmp_path)
    plan = m.plan()["plan"]
    m.apply()
    m.done("rollback")
    arm = Arm(fresh, ADMIN)
    settings = appsettings(fresh)
    settings["AZURE_SQL_CONNECTIONSTRING"] = settings["AZURE_SQL_CONNECTIONSTRING"].replace(
        PASSWORD, "Changed-since-2")
    assert arm.put("Microsoft.Web/sites/orders-app/config/appsettings",
                   {"properties": settings}).status == 200
    assert m.plan()["plan"] == plan
    result = m.run("apply", "--yes", "--keep-old", m.keep)
    assert result.returncode == 2 and "holds another value" in result.stderr, result
    assert appsettings(fresh)["AZURE_SQL_CONNECTIONSTRING"] == settings["AZURE_SQL_CONNECTIONSTRING"]
    m.keep = tmp_path / "newer"
    m.apply()
    m.done("rollback")
    assert appsettings(fresh) == settings
