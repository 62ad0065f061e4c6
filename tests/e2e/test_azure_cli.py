# SPDX-License-Identifier: MIT
"""The real Azure CLI, signed in to the emulator, and AzureCliCredential getting tokens from it.

It is Microsoft's own `az` in a folder of its own (.venv-az, made by `tools/setup.sh ci`), with the
emulator registered as a cloud. Only Azure Resource Manager is not the emulator's: az lists the
subscriptions after a sign-in, and a small strict server answers that one question.
"""
import base64
import http.server
import json
import re
import ssl
import subprocess
import threading

import pytest

from conftest import DEVELOPER, ROOT, run

AZ = ROOT / ".venv-az" / "bin" / "az"
pytestmark = pytest.mark.skipif(not AZ.exists(), reason="no .venv-az: tools/setup.sh ci makes it")
SQL = "https://database.windows.net/"


def claims(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


class Arm:
    """GET /subscriptions, for a token that is meant for ARM."""

    def __init__(self, emulator):
        seed = json.loads((emulator.directory / "seed.json").read_text())
        self.tenant = seed["tenants"][0]["id"]
        self.subscription = seed["subscription"]["id"]
        self.asked = []
        arm = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                arm.asked.append(self.path)
                arm.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(emulator.directory / "server.pem",
                                emulator.directory / "server-key.pem")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"https://localhost:{self.server.server_address[1]}"

    def answer(self, request):
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        status, body = 200, None
        if kind != "Bearer" or claims(token)["aud"].rstrip("/") != "https://management.azure.com":
            status, body = 401, {"error": {"code": "AuthenticationFailed", "message": "no token"}}
        elif re.fullmatch(r"/subscriptions\?api-version=[\d-]+", request.path):
            body = {"value": [{
                "id": f"/subscriptions/{self.subscription}", "subscriptionId": self.subscription,
                "displayName": "Contoso development", "state": "Enabled", "tenantId": self.tenant}]}
        elif re.fullmatch(r"/tenants\?api-version=[\d-]+", request.path):
            body = {"value": [{"id": f"/tenants/{self.tenant}", "tenantId": self.tenant}]}
        else:
            status, body = 404, {"error": {"code": "NotFound", "message": request.path}}
        data = json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def arm(emulator):
    started = Arm(emulator)
    yield started
    started.stop()


class RealAz:
    """az with a configuration of its own in which the emulator is the active cloud."""

    program = AZ
    register_options = ("--skip-endpoint-discovery",)

    def __init__(self, emulator, arm, folder):
        self.env = emulator.environment(DEVELOPER)
        for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_AUTHORITY_HOST"):
            self.env.pop(name, None)
        self.env.update(
            PATH=f"{self.program.parent}:/usr/bin:/bin", HOME=str(folder),
            AZURE_CONFIG_DIR=str(folder / "az"), AZURE_CORE_COLLECT_TELEMETRY="no")
        self.env.update(self.settings())
        endpoints = {
            "activeDirectory": emulator.state()["authority"], "resourceManager": arm.url,
            "management": arm.url, "activeDirectoryResourceId": "https://management.azure.com/",
            "activeDirectoryGraphResourceId": "https://graph.microsoft.com/"}
        self.call("cloud", "register", *self.register_options, "--name", "emulator",
                  "--cloud-config", json.dumps({"endpoints": endpoints}))
        self.call("cloud", "set", "--name", "emulator")

    def settings(self):
        return {"REQUESTS_CA_BUNDLE": self.env["SSL_CERT_FILE"], "NO_PROXY": "*",
                "AZURE_CORE_INSTANCE_DISCOVERY": "false", "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off"}

    def call(self, *words):
        result = run([self.program, *words, "--output", "json"], env=self.env, timeout=180)
        assert result.returncode == 0, result.stdout + result.stderr
        return json.loads(result.stdout) if result.stdout.strip() else None

    def token(self, programs, *options, **extra):
        return run([programs.entrasql, "token", "--credential", "azure-cli", *options],
                   env={**self.env, **extra}, timeout=180)


@pytest.fixture
def az(emulator, arm, tmp_path):
    return RealAz(emulator, arm, tmp_path)


def test_not_signed_in(az, programs):
    result = az.token(programs)
    assert result.returncode == 3
    assert "az login" in result.stderr


def test_service_principal(emulator, az, arm, programs, tmp_path):
    env = emulator.environment("ci-app")
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text(env["AZURE_CLIENT_SECRET"])
    arm.asked.clear()
    accounts = az.call("login", "--service-principal", "--username", env["AZURE_CLIENT_ID"],
                       "--password", f"@{secret}", "--tenant", arm.tenant)
    assert [a["id"] for a in accounts] == [arm.subscription]
    assert len(arm.asked) == 1
    result = az.token(programs)
    assert result.returncode == 0, result.stderr
    told = claims(result.stdout.strip())
    assert told["aud"].rstrip("/") == SQL.rstrip("/") and told["appid"] == env["AZURE_CLIENT_ID"]
    # Its expiry is what the token says, whatever the machine's time zone.
    for zone in ("UTC", "America/St_Johns", "Pacific/Auckland"):
        shown = az.token(programs, "--json", TZ=zone)
        assert shown.returncode == 0, shown.stderr
        assert abs(json.loads(shown.stdout)["expiresOn"] - told["exp"]) <= 5
    # With the option the token that az keeps is used, and az is not started.
    fast = az.token(programs, ENTRASQL_AZURE_CLI_CACHE="1", PATH="/nonexistent")
    assert fast.returncode == 0, fast.stderr
    assert claims(fast.stdout.strip())["appid"] == env["AZURE_CLIENT_ID"]
    az.call("logout")
    assert az.token(programs).returncode == 3


def test_refused_tenant_is_told(emulator, az, arm, programs, tmp_path):
    env = emulator.environment("ci-app")
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text(env["AZURE_CLIENT_SECRET"])
    az.call("login", "--service-principal", "--username", env["AZURE_CLIENT_ID"], "--password",
            f"@{secret}", "--tenant", arm.tenant)
    result = az.token(programs, "--tenant", "11111111-1111-4111-8111-111111111111")
    assert result.returncode == 3
    assert env["AZURE_CLIENT_SECRET"] not in result.stdout + result.stderr


def test_device_code(emulator, az, arm, programs):
    with subprocess.Popen([az.program, "login", "--use-device-code", "--tenant", arm.tenant,
                           "--output", "json"], env=az.env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as login:
        line = login.stderr.readline()
        code = re.search(r"enter the code (\S+) to authenticate", line)
        assert code, line + login.stderr.read()
        answer = emulator.command("device-code", "approve", code[1], "--as", DEVELOPER)
        assert answer.returncode == 0, answer.stderr
        out, err = login.communicate(timeout=120)
    assert login.returncode == 0, err
    assert json.loads(out)[0]["user"]["name"] == DEVELOPER
    result = az.token(programs)
    assert result.returncode == 0, result.stderr
    told = claims(result.stdout.strip())
    assert told["upn"] == DEVELOPER and told["aud"].rstrip("/") == SQL.rstrip("/")
