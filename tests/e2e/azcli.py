# SPDX-License-Identifier: MIT
"""The real Azure CLI, with an emulator as its cloud."""
import json

from conftest import ROOT, run

AZ = ROOT / ".venv-az" / "bin" / "az"


class Cli:
    """az, signed in as the Contributor `ci-app`, with the emulator as its cloud."""

    def __init__(self, emulator, folder):
        env = emulator.environment("ci-app")
        endpoint = env["ENTRASQL_ARM_ENDPOINT"]
        endpoints = {
            "activeDirectory": env["AZURE_AUTHORITY_HOST"], "resourceManager": endpoint,
            "management": endpoint,
            "activeDirectoryResourceId": "https://management.azure.com/",
            "activeDirectoryGraphResourceId": "https://graph.microsoft.com/"}
        secret = folder / "secret"
        secret.touch(0o600)
        secret.write_text(env["AZURE_CLIENT_SECRET"])
        app, tenant = env["AZURE_CLIENT_ID"], env["AZURE_TENANT_ID"]
        self.env = {k: v for k, v in env.items() if not k.startswith("AZURE_")}
        self.env.update(
            PATH=f"{AZ.parent}:/usr/bin:/bin", HOME=str(folder), NO_PROXY="*",
            AZURE_CONFIG_DIR=str(folder / "az"), AZURE_CORE_COLLECT_TELEMETRY="no",
            AZURE_CORE_INSTANCE_DISCOVERY="false", AZURE_CORE_LOGIN_EXPERIENCE_V2="off")
        self.call("cloud", "register", "--skip-endpoint-discovery", "--name", "emulator",
                  "--cloud-config", json.dumps({"endpoints": endpoints}))
        self.call("cloud", "set", "--name", "emulator")
        self.call("login", "--service-principal", "--username", app, f"--password=@{secret}",
                  "--tenant", tenant)

    def run(self, *words):
        return run([AZ, *words, "--output", "json"], env=self.env, timeout=180)

    def call(self, *words):
        result = self.run(*words)
        assert result.returncode == 0, result.stdout + result.stderr
        return json.loads(result.stdout) if result.stdout.strip() else None
