#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian 12's Azure CLI 2.45 signed in to the emulator, and AzureCliCredential with it.

    tests/long/azure_cli_debian.py

The packages are unpacked below build/, nothing is installed. This az cannot be told to leave
instance discovery out: for a cloud that it does not know it asks login.microsoftonline.com, which
here is a proxy that passes that one question on to the emulator.
"""
import contextlib
import json
import pathlib
import shlex
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from harness import started

import conftest
import servers
import test_azure_cli as common

LOGIN_HOST = "login.microsoftonline.com"
DEBS = ("python3-", "azure-cli", "libsodium")


def unpack(folder):
    """The packages of az, also those that this machine has, in a folder."""
    done = folder / "done"
    if done.exists():
        return
    debs = folder / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    nothing = folder / "nothing-installed"
    nothing.touch()
    plan = subprocess.run(
        ["apt-get", "-s", "-o", f"Dir::State::status={nothing}", "install",
         "--no-install-recommends", "azure-cli"], stdout=subprocess.PIPE, text=True, check=True)
    names = [line.split()[1] for line in plan.stdout.splitlines() if line.startswith("Inst ")]
    subprocess.run(["apt-get", "-qq", "download", *(n for n in names if n.startswith(DEBS))],
                   cwd=debs, check=True)
    for deb in debs.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", deb, folder / "root"], check=True)
    done.touch()


def wrapper(packages, folder):
    """`az` that writes down that it was started, then is the package's own."""
    root = packages / "root"
    program = folder / "bin" / "az"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        f'printf "%s\\n" "$*" >>{shlex.quote(str(folder / "starts"))}\n'
        f"export PYTHONPATH={root}/usr/lib/python3/dist-packages:{root}/usr/lib/python3.11\n"
        f"export LD_LIBRARY_PATH={root}/usr/lib/x86_64-linux-gnu\n"
        f'exec /usr/bin/python3 {root}/usr/bin/az "$@"\n')
    program.chmod(0o755)
    return program


def login_host(emulator, context, asked):
    """Handler of a CONNECT proxy to login.microsoftonline.com's instance discovery alone."""
    authority = emulator.state()["authority"]
    trust = ssl.create_default_context(cafile=emulator.directory / "ca.pem")
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                         urllib.request.HTTPSHandler(context=trust))

    def forward(request):
        method, path, _ = request.split(b"\r\n")[0].decode().split(" ")
        asked.append(f"{method} {path}")
        if method != "GET" or not path.startswith("/common/discovery/instance?"):
            return servers.http_reply(404)
        try:
            with direct.open(authority + path, timeout=20) as answer:
                return servers.http_reply(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            return servers.http_reply(error.code, error.read())

    def handle(connection):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += servers.read_exactly(connection.recv, 1)
        target = head.split(b"\r\n")[0].decode()
        if target.split(" ")[:2] != ["CONNECT", f"{LOGIN_HOST}:443"]:
            asked.append(target)
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        servers.token_endpoint(context, forward)(connection)

    return handle


class DebianAz(common.RealAz):
    register_options = ()

    def __init__(self, emulator, arm, packages, folder, proxy, ca_files):
        self.folder = folder
        self.proxy = proxy
        self.program = wrapper(packages, folder)
        self.bundle = folder / "bundle.pem"
        self.bundle.write_text("".join(pathlib.Path(f).read_text() for f in ca_files))
        super().__init__(emulator, arm, folder)

    def settings(self):
        return {"REQUESTS_CA_BUNDLE": str(self.bundle), "NO_PROXY": "localhost",
                "HTTPS_PROXY": f"http://127.0.0.1:{self.proxy}"}

    def starts(self):
        return (self.folder / "starts").read_text().splitlines()

    def query(self, programs, text, **extra):
        result = conftest.run(
            [programs.entrasql, "query", "--credential", "azure-cli", "--json", "-Q", text],
            env={**self.env, **extra}, timeout=180)
        assert result.returncode == 0, result.stdout + result.stderr
        return json.loads(result.stdout)


def check_program(az):
    version = az.call("version")["azure-cli"]
    assert version.startswith("2.45."), version
    return version


def sign_in_as_app(emulator, az, arm, folder):
    env = emulator.environment("ci-app")
    secret = folder / "secret"
    secret.touch(0o600)
    secret.write_text(env["AZURE_CLIENT_SECRET"])
    az.call("login", "--service-principal", "--username", env["AZURE_CLIENT_ID"], "--password",
            f"@{secret}", "--tenant", arm.tenant)


def check_wrong_secret(emulator, az, arm, programs, folder):
    """az's message has both Entra's code and the words "az login": the code is what counts."""
    env = emulator.environment("ci-app")
    sign_in_as_app(emulator, az, arm, folder)
    entries = folder / "az" / "service_principal_entries.json"
    text = entries.read_text()
    assert env["AZURE_CLIENT_SECRET"] in text
    entries.write_text(text.replace(env["AZURE_CLIENT_SECRET"], "not-the-secret"))
    result = az.token(programs)
    assert result.returncode == 3 and "AADSTS7000215" in result.stderr, result.stderr
    assert "not-the-secret" not in result.stderr


def check_use(az, programs, who):
    """What the person who is signed in with az can do: a token, a query, both again from the cache."""
    before = len(az.starts())
    shown = az.token(programs, "--claims")
    assert shown.returncode == 0, shown.stderr
    print(f"{who}: {shown.stdout}")
    assert len(az.starts()) == before + 1
    assert az.starts()[-1].startswith("account get-access-token --output json --resource ")
    question = "SELECT USER_NAME() AS name"
    assert az.query(programs, question) == [{"name": who}]
    before = len(az.starts())
    slow = az.token(programs)
    assert len(az.starts()) == before + 1
    # az's own cache gave that token, so the fast path has to give the same one.
    fast = az.token(programs, ENTRASQL_AZURE_CLI_CACHE="1")
    assert fast.returncode == 0 and fast.stdout == slow.stdout, fast.stderr
    assert az.query(programs, question, ENTRASQL_AZURE_CLI_CACHE="1") == [{"name": who}]
    assert len(az.starts()) == before + 1, az.starts()[before:]
    print(f"{who}: fast path gave az's token and its session, az not started")


def main():
    programs = conftest.Programs()
    packages = conftest.STAGE.parent / "long" / "azure-cli-debian"
    unpack(packages)
    with contextlib.ExitStack() as stack:
        base = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="entrasql-az-")))
        emulator = stack.enter_context(started())
        conftest.seed_persons(emulator)
        emulator.sql(conftest.ADMIN, "CREATE USER [ci-app] FROM EXTERNAL PROVIDER")
        arm = common.Arm(emulator)
        stack.callback(arm.stop)
        authority = servers.Authority(base)
        asked = []
        proxy = stack.enter_context(servers.serving(
            login_host(emulator, authority.context(LOGIN_HOST), asked)))

        def fresh(name):
            folder = base / name
            folder.mkdir()
            return folder, DebianAz(emulator, arm, packages, folder, proxy,
                                    (emulator.directory / "ca.pem", authority.file))

        folder, az = fresh("app")
        version = check_program(az)
        common.test_not_signed_in(az, programs)
        common.test_service_principal(emulator, az, arm, programs, folder)
        sign_in_as_app(emulator, az, arm, folder)
        check_use(az, programs, "ci-app")
        folder, az = fresh("secret")
        check_wrong_secret(emulator, az, arm, programs, folder)
        folder, az = fresh("tenant")
        common.test_refused_tenant_is_told(emulator, az, arm, programs, folder)
        folder, az = fresh("person")
        common.test_device_code(emulator, az, arm, programs)
        check_use(az, programs, conftest.DEVELOPER)
        # Refused, and no more than a look whether there is a network: azure.microsoft.com.
        asked = [a for a in asked if not a.startswith("CONNECT azure.microsoft.com:443 ")]
        assert asked and all(a.startswith("GET /common/discovery/instance?") for a in asked), asked
    print(f"azure_cli_debian: az {version} as a service principal and by device code, "
          "tokens and queries by az and by its cache")


if __name__ == "__main__":
    sys.exit(main())
