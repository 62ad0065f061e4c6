# SPDX-License-Identifier: MIT
"""Raw HTTP to the emulator's Azure Resource Manager."""
import contextlib
import http.client
import json
import ssl
import time
import urllib.parse

from conftest import clean_environment, run, running_emulator

IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
SEED_PASSWORD = "Emulator-only-1"  # of the connection strings in the default seed
VERSIONS = {
    "microsoft.sql": "2023-08-01", "microsoft.managedidentity": "2024-11-30",
    "microsoft.web": "2023-12-01", "microsoft.app": "2024-03-01",
    "microsoft.appplatform": "2023-12-01", "microsoft.compute": "2024-07-01",
    "microsoft.containerservice": "2024-09-01", "microsoft.authorization": "2022-04-01",
    "microsoft.servicelinker": "2024-04-01"}


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        text = response.read()
        self.body = json.loads(text) if text else None

    @property
    def code(self):
        return self.body["error"]["code"]

    @property
    def message(self):
        return self.body["error"]["message"]


class Arm:
    """One caller's requests; paths may begin with the group's providers: "Microsoft.Sql/..."."""

    def __init__(self, emulator, name):
        state = emulator.state()
        world = json.loads((emulator.directory / "seed.json").read_text())
        self.emulator, self.name = emulator, name
        self.port = state["arm_port"]
        self.context = ssl.create_default_context(cafile=state["ca_file"])
        self.subscription = f"/subscriptions/{world['subscription']['id']}"
        self.tenant = world["tenants"][0]["id"]
        self.group = f"{self.subscription}/resourceGroups/{world['subscription']['resource_group']}"
        self.token = self.new_token("https://management.azure.com/")

    def new_token(self, resource, *options):
        result = run([self.emulator.programs.entrasql, "emulator", "token", "--as", self.name,
                      "--resource", resource, *options, "--data-dir", self.emulator.directory])
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def id(self, path):
        return path if path.startswith("/") else f"{self.group}/providers/{path}"

    def call(self, method, path, body=None, version=None, headers=None, query=""):
        path = self.id(path)
        if version is None:
            space = path.lower().rsplit("/providers/", 1)[-1].split("/", 1)[0]
            version = VERSIONS.get(space, "2022-09-01")
        url = urllib.parse.quote(path)
        if version:
            url += f"?api-version={version}{query}"
        return self.raw(method, url, body, headers)

    def raw(self, method, url, body=None, headers=None):
        connection = http.client.HTTPSConnection("localhost", self.port, context=self.context,
                                                 timeout=30)
        sent = {"Content-Type": "application/json"}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        sent.update(headers or {})
        data = json.dumps(body) if body is not None else None
        try:
            connection.request(method, url, data, sent)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **kwargs):
        return self.call("GET", path, **kwargs)

    def put(self, path, body, **kwargs):
        return self.call("PUT", path, body, **kwargs)

    def patch(self, path, body, **kwargs):
        return self.call("PATCH", path, body, **kwargs)

    def post(self, path, body=None, **kwargs):
        return self.call("POST", path, body, **kwargs)

    def delete(self, path, **kwargs):
        return self.call("DELETE", path, **kwargs)

    def follow(self, url):
        """Polls an operation's URL until it is over; returns the last answer."""
        assert url.startswith(f"https://localhost:{self.port}/"), url
        end = time.monotonic() + 20
        while True:
            answer = self.raw("GET", url[len(f"https://localhost:{self.port}"):])
            is_running = answer.status == 202 or (
                answer.body and answer.body.get("status") == "InProgress")
            if not is_running or time.monotonic() > end:
                return answer
            assert answer.headers["Retry-After"].isdigit()
            time.sleep(0.05)

    def settle(self, path):
        """Waits until no operation runs on the resource."""
        end = time.monotonic() + 20
        while True:
            answer = self.get(path)
            state = answer.body["properties"].get("provisioningState", "Succeeded")
            if state != "Updating" or time.monotonic() > end:
                assert state == "Succeeded", answer.body
                return answer.body
            time.sleep(0.05)


@contextlib.contextmanager
def seeded_cloud(programs, directory, *options):
    """An emulator whose SQL login is the one in the seed's connection strings."""
    password = directory / "password"
    password.touch(0o600)
    password.write_text(SEED_PASSWORD)
    with running_emulator(programs, directory / "data", "--sql-login", "sqladmin",
                          "--password-file", password, *options) as started:
        yield started


def object_of(emulator, name):
    return next(o for o in emulator.state()["objects"]
                if name in (o.get("upn"), o["name"]))


def new_identity(arm, name="orders-identity"):
    made = arm.put(f"{IDENTITIES}/{name}", {"location": "westeurope"})
    assert made.status == 201, made.body
    return made.body


def host_environment(emulator, host):
    """What a program finds on the host: the settings of its resource and the platform's."""
    result = emulator.command("env", "--host", host, "--format", "json")
    assert result.returncode == 0, result.stderr
    env = clean_environment()
    for key, value in json.loads(result.stdout).items():
        if value is None:
            env.pop(key, None)
        else:
            env[key] = value
    return env
