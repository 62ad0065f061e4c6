# SPDX-License-Identifier: MIT
"""azure-identity, @azure/identity and azidentity beside entrasql, request by request.

Each library gets one token for each case from the same emulator, which records what it was asked.
A request is taken apart into facts ("POST /{tenant}/oauth2/v2.0/token: form scope=..."); facts that
only one side has are differences. Each must be a row of docs/identity-differences.md with its
reason, and each row must still be true.
"""
import base64
import collections
import dataclasses
import json
import os
import pathlib
import re
import shutil
import stat

import jwt
import pytest

from conftest import APP_HOST, IDENTITY, ROOT, clean_environment, run, running_emulator
from test_install import SANITIZED, pkg_config

pytestmark = pytest.mark.skipif(SANITIZED, reason="compared once, without sanitizers")

HERE = pathlib.Path(__file__).parent / "differential"
TABLE = ROOT / "docs" / "identity-differences.md"
LIBRARIES = ("Python", "JavaScript", "Go")

# Equal by rule: what carries telemetry or belongs to the HTTP client, not to the credential.
IGNORED_HEADERS = re.compile(
    r"(x-client-.*|x-ms-.*|x-app-.*|client-request-id|return-client-request-id|traceparent|user-agent|"
    r"accept-encoding|accept-language|connection|host|content-length|cache-control|pragma|"
    r"x-anchormailbox|sec-fetch-.*)$")
GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    runner: str  # the credential's name in the four programs
    principal: str
    host: str = None
    # Variable -> name of a fact, or of a variable that the emulator gave.
    settings: dict = dataclasses.field(default_factory=dict)
    options: tuple = ()  # more words of `emulator env`
    refused: tuple = ()  # libraries that get no token here, and why is told in the page of the table


PERSON = "dev@contoso.example"
CERTIFICATE = ("--proof", "certificate")
BY_CERTIFICATE = {"CASE_CERTIFICATE": "AZURE_CLIENT_CERTIFICATE_PATH"}
CASES = [
    Case("client secret", "client_secret", "ci-app"),
    Case("certificate", "client_certificate", "ci-app", None, BY_CERTIFICATE, CERTIFICATE),
    Case("certificate, with its chain", "client_certificate", "ci-app", None,
         {**BY_CERTIFICATE, "CASE_SEND_CHAIN": "yes"}, CERTIFICATE),
    Case("assertion", "client_assertion", IDENTITY, "persons-aks",
         {"CASE_ASSERTION": "federatedToken"}),
    Case("workload identity", "workload_identity", IDENTITY, "persons-aks"),
    Case("on behalf of", "on_behalf_of", "ci-app", None, {"CASE_ASSERTION": "userToken"}),
    Case("on behalf of, by certificate", "on_behalf_of", "ci-app", None,
         {**BY_CERTIFICATE, "CASE_ASSERTION": "userToken"}, CERTIFICATE),
    Case("Azure Pipelines", "azure_pipelines", "ci-app", "persons-pipeline",
         {"AZURE_TENANT_ID": "AZURESUBSCRIPTION_TENANT_ID",
          "AZURE_CLIENT_ID": "AZURESUBSCRIPTION_CLIENT_ID",
          "CASE_CONNECTION": "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"}),
    Case("Azure Arc", "managed_identity", IDENTITY, "persons-arc"),
    Case("Cloud Shell", "managed_identity", IDENTITY, "persons-shell"),
    Case("Azure ML", "managed_identity", IDENTITY, "persons-ml", {"CASE_CLIENT_ID": "clientId"}),
    Case("Service Fabric", "managed_identity", IDENTITY, "persons-fabric"),
    Case("App Service", "managed_identity", IDENTITY, APP_HOST, {"CASE_CLIENT_ID": "clientId"}),
    Case("App Service, object id", "managed_identity", IDENTITY, APP_HOST,
         {"CASE_OBJECT_ID": "objectId"}),
    Case("App Service, resource id", "managed_identity", IDENTITY, APP_HOST,
         {"CASE_RESOURCE_ID": "resourceId"}),
    Case("App Service, by default", "default", IDENTITY, APP_HOST),
    Case("IMDS", "managed_identity", IDENTITY, "persons-vm", {"CASE_CLIENT_ID": "clientId"}),
    Case("IMDS, object id", "managed_identity", IDENTITY, "persons-vm",
         {"CASE_OBJECT_ID": "objectId"}),
    Case("IMDS, resource id", "managed_identity", IDENTITY, "persons-vm",
         {"CASE_RESOURCE_ID": "resourceId"}),
    Case("IMDS, by default", "default", IDENTITY, "persons-vm"),
    # The second scope comes by refresh token.
    Case("device code, then another scope", "device_code", PERSON, None,
         {"CASE_TENANT_ID": "tenantId", "CASE_SECOND_SCOPE": "armScope",
          "CASE_APPROVE": "approve"}),
    Case("browser, then another scope", "interactive_browser", PERSON, None,
         {"CASE_TENANT_ID": "tenantId", "CASE_SECOND_SCOPE": "armScope"}),
    Case("Azure CLI", "azure_cli", PERSON),
    Case("Azure CLI, tenant", "azure_cli", PERSON, None, {"CASE_TENANT_ID": "tenantId"}),
    Case("Azure CLI, subscription", "azure_cli", PERSON, None,
         {"CASE_SUBSCRIPTION": "subscriptionId"}),
    Case("Azure Developer CLI", "azure_developer_cli", PERSON, None, {}, ("--tool", "azd")),
    Case("Azure Developer CLI, tenant", "azure_developer_cli", PERSON, None,
         {"CASE_TENANT_ID": "tenantId"}, ("--tool", "azd")),
    Case("Azure PowerShell", "azure_powershell", PERSON, None, {}, ("--tool", "pwsh"),
         ("JavaScript",)),
    Case("Azure PowerShell, tenant", "azure_powershell", PERSON, None,
         {"CASE_TENANT_ID": "tenantId"}, ("--tool", "pwsh"), ("JavaScript",)),
]
TOOLS = {"azure_cli": "az", "azure_developer_cli": "azd", "azure_powershell": "pwsh"}

# Writes down how it was called, then is the emulator's stand-in. `pwsh /?` prints help, as the real one.
TOOL = """#!{python}
import json, os, sys
with open({record!r}, "a") as f:
    f.write(json.dumps({{"tool": {tool!r}, "argv": sys.argv[1:], "cwd": os.getcwd(),
                        "stdin": os.path.realpath("/proc/self/fd/0"),
                        "environment": {{k: v for k, v in os.environ.items()
                                        if k.startswith("AZURE_CORE_") or "IDENTITY_POWERSHELL" in k}}}})
            + "\\n")
if sys.argv[1:] == ["/?"]:
    sys.exit(0)
os.execv({real!r}, [{real!r}] + sys.argv[1:])
"""

# Azure Arc's agent has its key files in a folder of the machine: here one that only the script sees.
ARC = """
set -eu
mount -t tmpfs none /var/opt
mkdir -p /var/opt/azcmagent/tokens
"$ENTRASQL" emulator start --detach --data-dir "$DIR" --record "$RECORD" >/dev/null
trap '"$ENTRASQL" emulator stop --data-dir "$DIR" >/dev/null' EXIT
eval "$("$ENTRASQL" emulator env --as MigrationIdentity --host persons-arc --data-dir "$DIR")"
unset AZURE_CLIENT_ID
"$@"
"""


def find_go():
    for path in (str(ROOT / ".venv" / "bin" / "go"), shutil.which("go"), "/usr/local/go/bin/go"):
        if path and os.path.exists(path):
            return path
    return None


@pytest.fixture(scope="session")
def runners(programs, tmp_path_factory):
    """Library name -> command that takes a credential's name."""
    target = tmp_path_factory.mktemp("runners")
    flags = pkg_config(programs, "--cflags", "--libs", "entrasql")
    compiler = os.environ.get("ENTRASQL_CC", "gcc")
    result = run([compiler, "-D_GNU_SOURCE", "-o", target / "ours", HERE / "ours.c", *flags,
                  f"-Wl,-rpath,{programs.library_dir}"])
    assert result.returncode == 0, result.stderr
    commands = {
        "ours": [target / "ours"],
        "Python": [programs.python, HERE / "theirs.py"],
        "JavaScript": [programs.node, HERE / "theirs.js"],
    }
    go = find_go()
    if go is not None:
        result = run([go, "build", "-o", target / "theirs", "."], cwd=HERE / "go",
                     env=dict(os.environ, GOFLAGS="-buildvcs=false"), timeout=900)
        assert result.returncode == 0, result.stderr
        commands["Go"] = [target / "theirs"]
    return commands


@pytest.fixture(scope="module")
def recorded(programs, tmp_path_factory):
    """An emulator of its own that records."""
    folder = tmp_path_factory.mktemp("differential")
    (folder / "record").mkdir(mode=0o700)
    with running_emulator(programs, folder / "data", "--record", folder / "record") as emulator:
        emulator.record = folder / "record" / "http.jsonl"
        emulator.folder = folder
        emulator.arc_record = folder / "record-arc" / "http.jsonl"
        emulator.arc_record.parent.mkdir(mode=0o700)
        emulator.user_token = user_token(emulator)
        yield emulator


def given(emulator, case):
    """The environment of a case as the emulator gives it."""
    words = ["env", "--as", case.principal, "--format", "json", *case.options]
    if case.host:
        words += ["--host", case.host]
    result = emulator.command(*words)
    assert result.returncode == 0, result.stderr
    env = clean_environment()
    for key, value in json.loads(result.stdout).items():
        env.pop(key, None)
        if value is not None:
            env[key] = value
    return env


def user_token(emulator):
    """A token that a person's client got for the service ci-app, as the service receives it."""
    service = emulator.environment("ci-app")["AZURE_CLIENT_ID"]
    person = emulator.environment(PERSON)
    result = run([shutil.which("az", path=person["PATH"]), "account", "get-access-token", "--resource",
                  "api://" + service], env=person)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)["accessToken"]


def facts_of_case(emulator, case, env):
    """The ids by which a request may name the identity, the tenant and the subscription, and kin."""
    seed = json.loads((emulator.folder / "data" / "seed.json").read_text())
    subscription = seed["subscription"]
    names = {"tenantId": seed["tenants"][0]["id"], "subscriptionId": subscription["id"],
             "yes": "yes", "armScope": "https://management.azure.com/.default",
             "approve": "|".join([emulator.programs.entrasql, "emulator", "device-code", "approve",
                                  "--data-dir", str(emulator.directory), "--as", case.principal]),
             "userToken": emulator.user_token, **env}
    if "AZURE_FEDERATED_TOKEN_FILE" in env:
        names["federatedToken"] = pathlib.Path(env["AZURE_FEDERATED_TOKEN_FILE"]).read_text()
    if case.principal == IDENTITY:
        claims = jwt.decode(emulator.token(IDENTITY, APP_HOST),
                            options={"verify_signature": False})
        names.update(clientId=claims["appid"], objectId=claims["oid"],
                     resourceId=f"/subscriptions/{subscription['id']}/resourcegroups/"
                     f"{subscription['resource_group']}/providers/Microsoft.ManagedIdentity/"
                     f"userAssignedIdentities/{IDENTITY}")
    return names


def put_script(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def environment(emulator, programs, case, library, log):
    env = given(emulator, case)
    env.pop("AZURE_TOKEN_CREDENTIALS", None)
    names = facts_of_case(emulator, case, env)
    ca = env["SSL_CERT_FILE"]
    env.update(SSL_CERT_FILE=ca, REQUESTS_CA_BUNDLE=ca, NODE_EXTRA_CA_CERTS=ca, NO_PROXY="*",
               NODE_PATH=programs.node_modules)
    for variable, fact in case.settings.items():
        env[variable] = names[fact]
    if case.host == "persons-fabric" and library == "JavaScript":
        # It knows no thumbprints, and the certificate has no name: its check can only be switched off.
        env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0"
    if case.runner in TOOLS:
        tool = TOOLS[case.runner]
        script = put_script(emulator.folder / tool / tool, TOOL.format(
            python=programs.python, record=str(log), tool=tool,
            real=shutil.which(tool, path=env["PATH"])))
        env["PATH"] = f"{script.parent}:{env['PATH']}"
    if case.runner == "interactive_browser":
        person = put_script(emulator.folder / "browser" / "xdg-open",
                            f'#!/bin/sh\nexec "{programs.python}" "{HERE}/person.py" '
                            f'"{case.principal}" "{emulator.folder}/browser.log" "$1"\n')
        # xdg-open for Go and ours; the module webbrowser and the xdg-open of JavaScript look at BROWSER.
        env.update(PATH=f"{person.parent}:{env['PATH']}", BROWSER=str(person))
    if case.host == "persons-arc":
        env.update(ENTRASQL=programs.entrasql, DIR=str(emulator.folder / "arc"),
                   RECORD=str(emulator.arc_record.parent))
    return env


def shown(value, name=""):
    """Tenants, identifiers of runs, and the emulator's address are the same fact everywhere."""
    if name in ("state", "nonce", "code_challenge"):
        return "*"
    value = re.sub(r"https://localhost:\d+", "https://{authority}", value)
    value = re.sub(r"^http://localhost:\d+$", "http://localhost:{port}", value)
    if "/.default" in value:
        value = " ".join(sorted(value.split()))  # scopes are a set
    return value


def jwt_facts(where, value):
    header, claims = json.loads(value["header"]), json.loads(value["claims"])
    for name, v in sorted(header.items()):
        yield f"{where} header {name}" + (f"={v}" if name in ("alg", "typ") else "")
    for name, v in sorted(claims.items()):
        known = name in ("aud", "iss", "sub")
        yield f"{where} claim {name}" + (f"={shown(str(v))}" if known else "")


ROLES = {"refresh_token": " by refresh token", "authorization_code": " by code",
         "device_code": " by device code",
         "urn:ietf:params:oauth:grant-type:device_code": " by device code"}
ROLE = re.compile(f"({'|'.join(ROLES.values())}| with a key| as a probe)(?=: |$)")


def role_of(request):
    """What tells apart requests to one path."""
    headers = {name.lower(): value for name, value in request["headers"]}
    if request["method"] == "POST":
        return ROLES.get(dict(map(tuple, request["form"])).get("grant_type"), "")
    if "authorization" in headers:
        return " with a key"
    if request["path"].startswith("/metadata/identity/") and not headers.keys() & {"metadata", "secret"}:
        return " as a probe"
    return ""


def name_of(request):
    tenant = re.match(r"/([^/]+)/(oauth2|v2\.0|discovery)", request["path"])
    path = request["path"].replace(tenant[1], "{tenant}", 1) if tenant else request["path"]
    return f"{request['method']} {path.rstrip('/')}{role_of(request)}"


def http_facts(request):
    """What one request says, a line each; the first is the request itself."""
    what = name_of(request)
    yield what
    for name, value in request["query"]:
        if not IGNORED_HEADERS.match(name.lower()):
            yield f"{what}: query {name}={shown(value, name)}"
    for name, value in request["headers"]:
        name = name.lower()
        if IGNORED_HEADERS.match(name) or what.endswith("/authorize"):
            continue  # a page is asked for by the browser
        if (name, value) == ("accept", "*/*"):
            continue
        if name == "content-type":
            value = value.split(";")[0].strip().lower()
        yield f"{what}: header {name}: {value}"
    for name, value in request["form"]:
        if IGNORED_HEADERS.match(name.lower()):
            continue  # JavaScript sends its telemetry in the form
        if isinstance(value, dict):
            yield from jwt_facts(f"{what}: form {name}", value)
        else:
            yield f"{what}: form {name}={shown(value)}"


def script_facts(script, environment):
    """What a PowerShell script asks for: cmdlets, parameters, versions and the resource."""
    for cmdlet in re.findall(r"\b[A-Z][a-z]+-[A-Z]\w+", script):
        yield f"pwsh: {cmdlet}"
    for name in re.findall(r"\b(ResourceUrl|TenantId|AsSecureString|WarningAction)\b", script):
        yield f"pwsh: parameter {name}"
    for version in re.findall(r"\b\d+\.\d+\.\d+\b", script):
        yield f"pwsh: version {version}"
    for word in [*re.findall(r"'([^'\n]*)'", script), *environment.values()]:
        if word.startswith("https://") or re.fullmatch(GUID, word):
            yield f"pwsh: value {word}"


def tool_facts(call, caller):
    tool, argv = call["tool"], call["argv"]
    first = next((i for i, word in enumerate(argv) if word[0] in "-/"), len(argv))
    yield " ".join([tool, *argv[:first]])
    if argv[first:] == ["/?"]:
        yield f"{tool} /?"
        return
    for i, word in enumerate(argv[first:], first):
        if not word.startswith("-"):
            continue
        value = argv[i + 1] if i + 1 < len(argv) and argv[i + 1][0] != "-" else ""
        word = {"-o": "--output"}.get(word, word)
        if word == "-EncodedCommand":
            value = base64.b64decode(value).decode("utf-16-le")
        if word in ("-EncodedCommand", "-Command"):
            yield from script_facts(value, call["environment"])
            value = ""
        yield f"{tool}: {word} {value}".rstrip()
    yield f"{tool}: in {call['cwd'].replace(caller, '{the caller}').replace('/usr/bin', '/bin')}"
    yield f"{tool}: standard input {'/dev/null' if call['stdin'] == '/dev/null' else 'not /dev/null'}"
    for name, value in call["environment"].items():
        if value:
            yield f"{tool}: {name}={re.sub(GUID, '{tenant}', value)}"


def requests_of(record, start):
    with open(record, encoding="utf-8") as f:
        f.seek(start)
        requests = [json.loads(line) for line in f]
    # The person's answers on the page are the browser's; the page's address is the library's.
    return [r for r in requests if not (r["method"] == "POST" and r["path"].endswith("/authorize"))]


def ask(emulator, programs, command, case, library):
    """Runs one library; returns its facts."""
    log = emulator.folder / f"tool-{library}.jsonl"
    log.unlink(missing_ok=True)
    record, start = emulator.record, emulator.record.stat().st_size
    command = [*command, case.runner]
    if case.host == "persons-arc":
        record, start = emulator.arc_record, 0  # which each run begins anew
        command = ["unshare", "-rm", "sh", "-c", ARC, "sh", *command]
    result = run(command, env=environment(emulator, programs, case, library, log), cwd=emulator.folder)
    served = library not in case.refused
    assert (result.returncode == 0) == served, f"{case.name}: {library}: {result.stderr}"
    assert result.stdout.count(".") == (2 if served else 0)
    requests = requests_of(record, start)
    if case.runner not in TOOLS:
        assert any(r["status"] == 200 and r["path"].endswith(("/token", "/msi/token"))
                   for r in requests), f"{case.name}: {library}: no token was handed out"
    facts = {fact for r in requests for fact in http_facts(r)}
    for what, n in collections.Counter(map(name_of, requests)).items():
        if n > 1:
            facts.add(f"{what}: {n} times")
    if log.exists():
        facts |= {fact for line in log.read_text().splitlines() for fact in tool_facts(json.loads(line), str(emulator.folder))}
    assert facts
    return facts


@dataclasses.dataclass(frozen=True)
class Row:
    case: str
    library: str
    side: str
    fact: str
    reason: str

    def explains(self, case, library, side, fact):
        cases = self.case.split(" / ")
        if self.case == "all":
            fact = ROLE.sub("", fact)
        return (("all" in cases or case in cases or case.split(",")[0] in cases)
                and (self.library == "all" or library in self.library.split(", "))
                and self.side == side and self.fact == fact)


def read_table():
    rows = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split(" | ")]
        if len(cells) == 5 and cells[2] in ("theirs", "ours"):
            rows.append(Row(cells[0], cells[1], cells[2], cells[3].strip("`"), cells[4]))
    return rows


def only_in(one, other):
    """Facts that only one side has; of a request that the other does not make, only that."""
    facts = one - other
    return sorted(f for f in facts if ": " not in f or f.split(": ")[0] not in facts)


def has_namespaces():
    return run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/var/opt"]).returncode == 0


def cases_here():
    return [c for c in CASES if c.host != "persons-arc" or has_namespaces()]


@pytest.fixture(scope="module")
def differences(recorded, programs, runners):
    """(case, library, side, fact) of every fact that only one side has."""
    found = []
    for case in cases_here():
        ours = ask(recorded, programs, runners["ours"], case, "ours")
        for library in LIBRARIES:
            if library not in runners:
                continue
            theirs = ask(recorded, programs, runners[library], case, library)
            found += [(case.name, library, "theirs", f) for f in only_in(theirs, ours)]
            found += [(case.name, library, "ours", f) for f in only_in(ours, theirs)]
    return found


def test_each_difference_is_in_the_table(differences):
    rows = read_table()
    missing = [d for d in differences if not any(r.explains(*d) for r in rows)]
    assert not missing, "not in docs/identity-differences.md:\n" + "\n".join(
        " | ".join(d) for d in missing)


def test_each_row_of_the_table_is_true(differences, runners):
    stale = [r for r in read_table() if not any(r.explains(*d) for d in differences)
             and not (r.library == "Go" and "Go" not in runners)
             and not (r.case == "Azure Arc" and not has_namespaces())]
    assert not stale, stale
    assert all(len(r.reason) > 10 for r in read_table())


def test_all_libraries_were_there(runners):
    if "Go" not in runners:
        pytest.skip("no Go: azidentity was not compared (put a go of 1.25 or newer on PATH)")
    if not has_namespaces():
        pytest.skip("no mount namespaces here: Azure Arc was not compared")


def test_the_record_holds_no_secret(recorded, differences):
    text = recorded.record.read_text()
    if recorded.arc_record.exists():
        text += recorded.arc_record.read_text()
    secrets = json.loads((recorded.folder / "data" / "secrets.json").read_text())
    flat = re.findall(r'"([^"]{16,})"', json.dumps(secrets))
    assert flat
    for value in flat:
        if not re.fullmatch(GUID, value):
            assert value not in text
    assert recorded.record.stat().st_mode & 0o077 == 0
