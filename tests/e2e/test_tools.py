# SPDX-License-Identifier: MIT
"""The stand-ins for az, azd and pwsh: for our program, for Azure's library, and what they refuse."""
import base64
import json

import pytest

from conftest import clean_environment, run

PERSON = "dev@contoso.example"
SCOPE = "https://database.windows.net/.default"
SOURCES = {"az": "AzureCliCredential", "azd": "AzureDeveloperCliCredential",
           "pwsh": "AzurePowerShellCredential"}


def environment(emulator, tool):
    result = emulator.command("env", "--as", PERSON, "--tool", tool, "--format", "json")
    assert result.returncode == 0, result.stderr
    env = clean_environment()
    for key, value in json.loads(result.stdout).items():
        env.pop(key, None)
        if value is not None:
            env[key] = value
    return env


def encoded(script):
    return base64.b64encode(script.encode("utf-16-le")).decode()


@pytest.mark.parametrize("tool", SOURCES)
def test_ours(emulator, programs, tool):
    """The default chain passes over the tools where nobody is signed in."""
    result = run([programs.entrasql, "token", "--json", "--claims"], env=environment(emulator, tool))
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["source"] == SOURCES[tool]
    assert answer["claims"]["upn"] == PERSON


@pytest.mark.parametrize("tool", SOURCES)
def test_python(emulator, programs, tool):
    program = f"from azure.identity import {SOURCES[tool]} as C; print(C().get_token('{SCOPE}').token)"
    result = run([programs.python, "-W", "ignore", "-c", program], env=environment(emulator, tool))
    assert result.returncode == 0, result.stderr
    assert result.stdout.count(".") == 2


@pytest.mark.parametrize("tool,words", [("az", "Please run 'az login'"),
                                        ("azd", "Please run 'azd auth login'")])
def test_nobody_signed_in(emulator, programs, tool, words):
    name = {"az": "azure-cli", "azd": "azure-developer-cli"}[tool]
    result = run([programs.entrasql, "token", "--credential", name],
                 env=emulator.environment("ci-app"))
    assert result.returncode == 3
    assert words in result.stderr


@pytest.mark.parametrize("arguments,words", [
    (["azd", "auth", "token", "--scope"], "flag needs an argument"),
    (["azd", "auth", "token", "--resource", "x"], "unknown flag"),
    (["azd", "auth", "token", "--scope", "https://database.windows.net"], "AADSTS500011"),
    (["azd", "login"], "unknown command"),
])
def test_azd_is_strict(emulator, arguments, words):
    result = run(arguments, env=environment(emulator, "azd"))
    assert result.returncode == 1
    assert words in result.stderr and result.stdout == ""


OURS = """$ErrorActionPreference = 'Stop'
$module = Import-Module Az.Accounts -MinimumVersion 2.2.0 -PassThru
$version = $module.Version
$parameters = @{ ResourceUrl = 'https://database.windows.net' }
if ($version -ge [version]'2.17.0' -and $version -lt [version]'5.0.0') {
    $parameters['AsSecureString'] = $true
}
$answer = Get-AzAccessToken @parameters
$token = $answer.Token
@{ Token = $token; ExpiresOn = $answer.ExpiresOn.ToUnixTimeSeconds() } | ConvertTo-Json
"""


@pytest.mark.parametrize("script,words", [
    (OURS.replace("$token = $answer.Token", "Remove-Item x"), "Remove-Item"),
    (OURS.replace("$token = $answer.Token", "& ls"), "&"),
    (OURS.replace("'Stop'", "'Continue'"), "ErrorActionPreference"),
    (OURS.replace("AsSecureString", "Nothing"), "AsSecureString"),
    (OURS.replace("'https://database.windows.net'", "$url"), "single quotes"),
    (OURS.replace("database.windows.net", "unknown.example"), "AADSTS500011"),
])
def test_pwsh_reads_the_script(emulator, script, words):
    result = run(["pwsh", "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded(script)],
                 env=environment(emulator, "pwsh"))
    assert result.returncode == 1
    assert words in result.stderr and result.stdout == ""


def test_pwsh_gives_a_secure_string(emulator):
    """As Az.Accounts 5 does: who does not take the text out of it has an object."""
    result = run(["pwsh", "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded(OURS)],
                 env=environment(emulator, "pwsh"))
    assert result.returncode == 0, result.stderr
    assert set(json.loads(result.stdout)["Token"]) == {"Length"}


@pytest.mark.parametrize("arguments", [["-Command", "x"], ["-EncodedCommand", "AAA="],
                                       ["-NoProfile", "-NonInteractive"]])
def test_pwsh_arguments(emulator, arguments):
    result = run(["pwsh", *arguments], env=environment(emulator, "pwsh"))
    assert result.returncode == 64


def test_only_people_have_tools(emulator):
    result = emulator.command("env", "--as", "ci-app", "--tool", "azd")
    assert result.returncode == 2
    assert "not a person" in result.stderr
