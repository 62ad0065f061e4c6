# SPDX-License-Identifier: MIT
"""What is printed for the inside of machines and clusters, read by the tools that will read it: a
shell, systemd, YAML, the schema of Kubernetes. Values with every kind of quote come through whole."""
import copy
import subprocess

import kubernetes_validate
import pytest
import yaml

from conftest import run

NASTY = "Driver={ODBC Driver 18 for SQL Server};Server=tcp:s,1433;App=50% \"it's\" a\\b $HOME `id` {{x}}: #é"
CHANGES = {"AZURE_CLIENT_ID": "11111111-2222-3333-4444-555555555555", "CS": NASTY, "OLD": None}
WORDS = [f"{k}={v}" if v is not None else f"{k}-" for k, v in CHANGES.items()]
UNIT = "[Service]\nType=oneshot\nEnvironment=OLD=x\nExecStart=/usr/bin/env\n"


@pytest.fixture(scope="module")
def printed(programs):
    def call(what):
        result = run([programs.build / "tests" / "unit" / "azure" / "azure_guest", what, *WORDS])
        assert result.returncode == 0, result.stderr
        return result.stdout
    return call


def environment_of(text):
    """The variables of a drop-in by the rules of systemd.syntax: quotes, C escapes, doubled %."""
    found = {}
    for line in text.splitlines():
        if line.startswith("Environment="):
            quoted = line[len("Environment="):]
            assert quoted[0] == quoted[-1] == '"'
            name, value = quoted[1:-1].split("=", 1)
            value = value.replace("%%", "%").replace('\\"', '"').replace("\\\\", "\\")
            found[name] = value
        elif line.startswith("UnsetEnvironment="):
            found[line[len("UnsetEnvironment="):]] = None
    return found


def test_systemd_takes_the_drop_in(printed, tmp_path):
    """systemd-analyze reads unit and drop-in, and would complain of any line that it cannot use."""
    drop_in = printed("drop-in")
    assert environment_of(drop_in) == CHANGES
    (tmp_path / "persons.service.d").mkdir()
    (tmp_path / "persons.service").write_text(UNIT)
    (tmp_path / "persons.service.d" / "50-entrasql.conf").write_text(drop_in)
    result = run(["systemd-analyze", "verify", "--man=no", tmp_path / "persons.service"])
    assert result.returncode == 0 and result.stderr == "", result.stderr
    # It does read the drop-in.
    (tmp_path / "persons.service.d" / "50-entrasql.conf").write_text(drop_in + "Environment=\"x\n")
    broken = run(["systemd-analyze", "verify", "--man=no", tmp_path / "persons.service"])
    assert "50-entrasql.conf" in broken.stderr


def test_the_script_writes_the_drop_in(printed, tmp_path):
    """A real shell runs it, in a folder of its own and without a service manager."""
    def shell(what):
        script = printed(what).replace("/etc/systemd/system", str(tmp_path))
        subprocess.run(["sh", "-c", "systemctl() { echo \"$@\" >>calls; }\n" + script],
                       check=True, cwd=tmp_path)
    path = tmp_path / "persons.service.d" / "50-entrasql.conf"
    shell("script")
    assert path.read_text() == printed("drop-in")
    assert path.stat().st_mode & 0o777 == 0o644
    shell("undo")
    assert not path.exists()
    assert (tmp_path / "calls").read_text() == "daemon-reload\nrestart persons.service\n" * 2


def test_cloud_init_has_the_drop_in(printed):
    text = printed("cloud-init")
    assert text.startswith("#cloud-config\n")
    config = yaml.safe_load(text)
    assert config["write_files"] == [{
        "path": "/etc/systemd/system/persons.service.d/50-entrasql.conf", "owner": "root:root",
        "permissions": "0644", "content": printed("drop-in")}]
    assert config["runcmd"] == [["systemctl", "daemon-reload"],
                                ["systemctl", "try-restart", "persons.service"]]


# ---- Kubernetes ----

BEFORE = {
    "apiVersion": "apps/v1", "kind": "Deployment",
    "metadata": {"name": "persons", "namespace": "shop"},
    "spec": {"selector": {"matchLabels": {"app": "persons"}}, "template": {
        "metadata": {"labels": {"app": "persons"}},
        "spec": {"containers": [
            {"name": "side", "image": "side"},
            {"name": "app", "image": "app", "env": [
                {"name": "COLOUR", "value": "blue"}, {"name": "OLD", "value": "x"},
                {"name": "CS", "valueFrom": {"secretKeyRef": {"name": "s", "key": "cs"}}}]}]}}}}


def strategic_merge(old, patch):
    """Of Kubernetes, as far as a deployment needs it: null removes, lists merge by name."""
    if isinstance(patch, dict):
        result = copy.deepcopy(old) if isinstance(old, dict) else {}
        for key, value in patch.items():
            merged = strategic_merge(result.get(key), value) if value is not None else None
            result.pop(key, None)
            if merged is not None:
                result[key] = merged
        return result
    if isinstance(patch, list):
        result = {e["name"]: e for e in old or []}
        for e in patch:
            if e.get("$patch") == "delete":
                result.pop(e["name"], None)
            else:
                result[e["name"]] = strategic_merge(result.get(e["name"]), e)
        return list(result.values())
    return patch


def check(document):
    kubernetes_validate.validate(document, "1.30", strict=True)


def test_service_account(printed):
    account = yaml.safe_load(printed("account"))
    check(account)
    assert account["metadata"] == {
        "name": "persons-sa", "namespace": "shop", "annotations": {
            "azure.workload.identity/client-id": "11111111-2222-3333-4444-555555555555",
            "azure.workload.identity/tenant-id": "c0470500-7e57-4000-8000-000000000001"}}


def test_deployment_after_the_patch(printed):
    check(BEFORE)
    after = strategic_merge(BEFORE, yaml.safe_load(printed("deployment")))
    check(after)
    pod = after["spec"]["template"]
    assert pod["metadata"]["labels"] == {"app": "persons", "azure.workload.identity/use": "true"}
    assert pod["spec"]["serviceAccountName"] == "persons-sa"
    side, app = pod["spec"]["containers"]
    assert side == {"name": "side", "image": "side"}
    assert {e["name"]: e.get("value") for e in app["env"]} == {
        "COLOUR": "blue", "CS": NASTY, "AZURE_CLIENT_ID": CHANGES["AZURE_CLIENT_ID"]}
    assert not any("valueFrom" in e for e in app["env"])
    assert app["image"] == "app"


def test_the_schema_is_looked_at(printed):
    account = yaml.safe_load(printed("account"))
    account["metadata"]["annotation"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        check(account)
