# SPDX-License-Identifier: MIT
"""What packaging/ ships, each checked by its own tool, and against what the program really takes."""
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import pyodbc
import pytest
import yaml

from conftest import APP_HOST, IDENTITY, ROOT, run

PACKAGING = ROOT / "packaging"
SYSTEMD = PACKAGING / "systemd"
MANIFESTS = sorted((PACKAGING / "kubernetes").glob("*.yaml"))
TOOLS = ROOT / ".venv" / "bin"


def documents(path):
    return [d for d in yaml.safe_load_all(path.read_text()) if d]


def pod_specs():
    """(file, kind, pod spec) of everything that makes pods."""
    for path in MANIFESTS:
        for d in documents(path):
            if "template" in d.get("spec", {}):
                yield path.name, d["kind"], d["spec"]["template"]["spec"]


def proxies():
    for name, kind, spec in pod_specs():
        for c in spec.get("initContainers", []) + spec["containers"]:
            if c["name"] == "entrasql-proxy":
                yield name, kind, spec, c


@pytest.fixture
def units(tmp_path, programs):
    """The units with the installed program in place of /usr/bin's."""
    text = (SYSTEMD / "entrasql-proxy.service").read_text()
    assert "ExecStart=/usr/bin/entrasql " in text
    (tmp_path / "entrasql-proxy.service").write_text(
        text.replace("/usr/bin/entrasql", programs.entrasql))
    shutil.copy(SYSTEMD / "entrasql-proxy.socket", tmp_path)
    return tmp_path


def test_systemd_takes_the_units(units):
    result = run(["systemd-analyze", "verify", units / "entrasql-proxy.service",
                  units / "entrasql-proxy.socket"])
    assert result.returncode == 0 and result.stderr == "", result.stdout + result.stderr


def test_systemd_says_that_the_service_is_confined(units):
    result = run(["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager",
                  units / "entrasql-proxy.service"])
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Overall exposure level" in result.stdout


def test_the_unit_waits_longer_than_the_proxy_drains(programs):
    unit = (SYSTEMD / "entrasql-proxy.service").read_text()
    help_text = run([programs.entrasql, "proxy", "--help"]).stdout
    drain = int(re.search(r"--drain\b.*?default:? (\d+)", help_text, re.S).group(1))
    assert int(re.search(r"TimeoutStopSec=(\d+)", unit).group(1)) > drain


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda p: p.name)
@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_kubernetes_takes_the_manifests(path, version):
    """By the schemas of the API, with no field that it does not know."""
    result = run([TOOLS / "kubernetes-validate", "--strict", "-k", version, path])
    assert result.returncode == 0, result.stdout + result.stderr


def test_pods_are_what_they_are_meant_to_be():
    seen = {(name, kind) for name, kind, _, _ in proxies()}
    assert seen == {("sidecar.yaml", "Deployment"), ("service.yaml", "Deployment"),
                    ("job.yaml", "Job")}
    for name, kind, spec, proxy in proxies():
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert proxy["securityContext"]["capabilities"]["drop"] == ["ALL"], name
        assert proxy["startupProbe"]["httpGet"]["path"] == "/startup", name
        if name == "service.yaml":
            assert proxy in spec["containers"]
        else:
            # A native sidecar: it starts before the program and does not keep a Job from ending.
            assert proxy in spec["initContainers"] and proxy["restartPolicy"] == "Always", name
        if kind == "Job":
            assert spec["restartPolicy"] == "Never"


def configurations():
    for name, _, _, proxy in proxies():
        yield name, [a for a in proxy["args"] if not a.startswith("--config")], None
    for d in documents(PACKAGING / "kubernetes" / "service.yaml"):
        if d["kind"] == "ConfigMap":
            yield "service.yaml", [], d["data"]["proxy.ini"]
    yield "proxy.ini", [], (SYSTEMD / "proxy.ini").read_text()


def test_the_proxy_knows_every_option_that_is_used(programs):
    known = set(re.findall(r"^\s+(?:-\w, )?--([a-z-]+)", run(
        [programs.entrasql, "proxy", "--help"]).stdout, re.M))
    assert "http" in known and "pool" in known
    in_file = {"server", "database"}
    for name, args, ini in configurations():
        used = [a[2:].split("=")[0] for a in args if a.startswith("--")]
        if ini is not None:
            used = [m for m in re.findall(r"^\s*([a-z-]+) *=", ini, re.M) if m not in in_file]
        assert used or name == "service.yaml"
        for option in used:
            assert option in known, f"{name}: {option}"


def test_hadolint_finds_nothing():
    result = run([TOOLS / "hadolint", PACKAGING / "container" / "Containerfile"])
    assert result.returncode == 0 and result.stdout == "", result.stdout + result.stderr


def debian_package_of(library):
    listed = run(["/sbin/ldconfig", "-p"]).stdout
    path = re.search(rf"^\s*{re.escape(library)} .*=> (\S+)", listed, re.M).group(1)
    for candidate in (path, str(pathlib.Path(path).resolve()), path.replace("/lib/", "/usr/lib/", 1)):
        owner = subprocess.run(["dpkg-query", "-S", candidate], capture_output=True, text=True)
        if owner.returncode == 0:
            return owner.stdout.split(":")[0]
    raise AssertionError(f"no package has {path}")


def test_the_image_has_what_the_program_needs(programs):
    """Its second stage installs the packages of every library that the program is linked with, and
    its first what tools/setup.sh installs to build."""
    text = (PACKAGING / "container" / "Containerfile").read_text()
    _, build, image = text.split("\nFROM ")
    dynamic = run(["readelf", "-d", programs.entrasql]).stdout
    libraries = set(re.findall(r"NEEDED.*\[(.*?)\]", dynamic)) - {"libc.so.6", "libm.so.6"}
    assert any(l.startswith("libcurl") for l in libraries)
    sanitizers = ("libasan", "libubsan", "libtsan", "libgcc_s")
    for library in libraries:
        if library.startswith(("libentrasql", "ld-linux", *sanitizers)):
            continue
        package = debian_package_of(library)
        assert package in image.split(), f"{library} is in {package}"
    setup = (ROOT / "tools" / "setup.sh").read_text()
    wanted = re.search(r'^BUILD_DEB="(.*?)"', setup, re.M | re.S).group(1).split()
    missing = [p for p in wanted if p not in build.split() and p != "ca-certificates"]
    assert not missing


# ---- the configurations, in a running proxy ----

def connect_odbc(programs, port, password, options):
    return pyodbc.connect(f"Driver={programs.msodbc};Server=127.0.0.1,{port};UID=any;PWD={password};"
                          f"Database=persons;LoginTimeout=30;{options}")


def started(process, word):
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith(word):
            return said
    raise AssertionError(said + process.stderr.read())


def local(ini, emulator):
    """Leads to the emulator in place of Azure."""
    ini = re.sub(r"^server = .*$", f"server = localhost,{emulator.port()}", ini, flags=re.M)
    ini = re.sub(r"^database = .*$", "database = persons", ini, flags=re.M)
    return re.sub(r"^http = .*$", "http = 127.0.0.1:0", ini, flags=re.M)


def test_the_service_of_kubernetes_serves(programs, emulator, tmp_path):
    """proxy.ini of service.yaml with certificate and secret where the volumes put them."""
    [ini] = [ini for name, _, ini in configurations() if name == "service.yaml" and ini]
    result = run([programs.entrasql, "proxy", "init-tls", "--dir", tmp_path / "tls"])
    assert result.returncode == 0, result.stderr
    certificate = sorted((tmp_path / "tls").glob("*server*.pem")) or sorted(
        (tmp_path / "tls").glob("*.pem"))
    [cert] = [f for f in certificate if "BEGIN CERT" in f.read_text() and "ca" not in f.name]
    [key] = [f for f in (tmp_path / "tls").iterdir()
             if "PRIVATE KEY" in f.read_text() and "ca" not in f.name]
    secret = tmp_path / "password"
    secret.write_text("of-the-clients")
    secret.chmod(0o400)
    for name, path in (("/etc/entrasql/tls/tls.crt", cert), ("/etc/entrasql/tls/tls.key", key),
                       ("/etc/entrasql/clients/password", secret), ("0.0.0.0:1433", "0.0.0.0:0")):
        assert name in ini
        ini = ini.replace(name, str(path))
    (tmp_path / "proxy.ini").write_text(local(ini, emulator))
    process = subprocess.Popen(
        [programs.entrasql, "proxy", "--config", str(tmp_path / "proxy.ini")],
        env=emulator.environment(IDENTITY, APP_HOST), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    try:
        port = re.search(r"^0\.0\.0\.0:(\d+) ->", started(process, "ready"), re.M).group(1)
        c = connect_odbc(programs, port, "of-the-clients", "Encrypt=yes;TrustServerCertificate=yes")
        assert c.execute("SELECT USER_NAME()").fetchval() == IDENTITY
        c.close()
        for password, options in (("wrong", "Encrypt=yes;TrustServerCertificate=yes"),
                                  ("of-the-clients", "Encrypt=no")):
            try:
                connect_odbc(programs, port, password, options).close()
            except pyodbc.Error:
                continue
            assert options == "Encrypt=no", "a wrong secret came in"
    finally:
        process.kill()
        process.wait(timeout=30)


def test_the_socket_of_systemd_is_taken(programs, emulator, tmp_path):
    """proxy.ini of the service, with the socket that systemd's own tool hands over."""
    ini = local((SYSTEMD / "proxy.ini").read_text(), emulator)
    (tmp_path / "proxy.ini").write_text(ini)
    name = re.search(r"FileDescriptorName=(\S+)",
                     (SYSTEMD / "entrasql-proxy.socket").read_text()).group(1)
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    env = emulator.environment(IDENTITY, APP_HOST)
    passed = [f"--setenv={k}={v}" for k, v in env.items()]
    process = subprocess.Popen(
        ["systemd-socket-activate", f"--listen=127.0.0.1:{port}", f"--fdname={name}", *passed,
         programs.entrasql, "proxy", "--config", str(tmp_path / "proxy.ini")],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        c = None
        for _ in range(100):  # the tool has to listen first; then the client waits for the proxy
            try:
                c = connect_odbc(programs, port, "any", "Encrypt=no")
                break
            except pyodbc.Error:
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.1)
        assert c is not None
        assert c.execute("SELECT USER_NAME()").fetchval() == IDENTITY
        c.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait(timeout=30)


def test_packages_have_the_projects_version():
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text())[1]
    assert (PACKAGING / "debian/changelog").read_text().startswith(f"entrasql ({version}) ")
    assert re.search(r"^Version:\s+(\S+)$", (PACKAGING / "rpm/entrasql.spec").read_text(), re.M)[1] == version
    assert f'  version "{version}"\n' in (PACKAGING / "homebrew/entrasql.rb").read_text()


@pytest.mark.parametrize("library, package", [
    ("libentrasql.so", "libentrasql0"), ("libentrasql-odbc.so", "libentrasql-odbc0"),
])
def test_debian_symbols_are_the_libraries(library, package):
    shown = {
        line.split()[1] for line in (ROOT / "tools/symbols.txt").read_text().splitlines()
        if line.split()[0] == library
    }
    lines = (PACKAGING / f"debian/{package}.symbols").read_text().splitlines()[1:]
    listed = {line.split()[0] for line in lines}
    # The version nodes, which dpkg lists as symbols, too.
    assert {s for s in listed if s.split("@")[0] != s.split("@")[1]} == shown


def test_the_readme_has_a_session_for_the_packages(tmp_path):
    """What tests/long/packages.sh follows in a bare system: whole, and of words that are there."""
    printed = run(["python3", ROOT / "tests/long/readme_section.py", "Install the packages",
                   "tests/long/packages.sh"])
    assert printed.returncode == 0, printed.stderr
    script = tmp_path / "session.sh"
    script.write_text(printed.stdout)
    assert run(["sh", "-n", script]).returncode == 0
    assert printed.stdout.count("echo '== README.md:") == 4
    named = set(re.findall(r"\./debs/([a-z0-9-]+)_\*\.deb", printed.stdout))
    control = (PACKAGING / "debian/control").read_text()
    assert named == set(re.findall(r"^Package: (\S+)$", control, re.M))


def test_the_service_outlives_an_upgrade():
    """debhelper's --no-start alone stops the units on an upgrade, and starts none; see packages_service.sh."""
    calls = re.findall(r"^\tdh_installsystemd (.*)$", (PACKAGING / "debian/rules").read_text(), re.M)
    by_unit = {call.split()[-1]: call for call in calls}
    assert "--restart-after-upgrade" in by_unit["entrasql-proxy.service"]
    assert "--no-stop-on-upgrade" in by_unit["entrasql-proxy.socket"]
    assert "deb-systemd-invoke stop" in (PACKAGING / "debian/entrasql-proxy.prerm").read_text()


@pytest.mark.parametrize("sudo, why", [
    (None, "you are not root, and there is no sudo"), ("exit 1", "sudo did not let you"),
    ("exit 100", None),
])
def test_whoever_cannot_install_gets_the_command_for_root(tmp_path, sudo, why):
    """The machine of somebody without rights; tests/long/clean_machine.sh has the real one."""
    machine = {"id": "echo 1000", "dpkg-query": "exit 1", "apt-get": "exit 100", "sudo": sudo}
    for name, text in machine.items():
        if text is not None:
            (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
            (tmp_path / name).chmod(0o755)
    for name in ("sh", "dirname", "cat"):
        (tmp_path / name).symlink_to(shutil.which(name))
    result = run([ROOT / "tools/setup.sh", "demo"], env={"PATH": str(tmp_path)})
    command = re.findall(r"^  (apt-get update && apt-get install .* gcc .* tdsodbc .*)$", result.stderr, re.M)
    if why is None:  # apt-get's own failure, of which it has spoken itself
        assert result.returncode == 100 and not command, result.stderr
    else:
        assert result.returncode == 3 and why in result.stderr and len(command) == 1, result.stderr
