# SPDX-License-Identifier: MIT
"""azure-identity, @azure/identity and azidentity beside entrasql, request by request.

Each library gets one token for each case from the same emulator, which records what it was asked.
A request is taken apart into facts ("POST /{tenant}/oauth2/v2.0/token: form scope=..."); facts that
only one side has are differences. Each must be a row of docs/identity-differences.md with its
reason, and each row must still be true.
"""
import dataclasses
import datetime
import json
import os
import pathlib
import re
import shutil
import stat

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from conftest import APP_HOST, IDENTITY, ROOT, run, running_emulator
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
    settings: dict = dataclasses.field(default_factory=dict)  # variable -> name of a fact
    # False: the emulator refuses the request, which is recorded all the same.
    served: bool = True


CASES = [
    Case("client secret", "client_secret", "ci-app"),
    Case("certificate", "client_certificate", "ci-app", None, {"CASE_CERTIFICATE": "certificate"},
         served=False),
    Case("certificate, with its chain", "client_certificate", "ci-app", None,
         {"CASE_CERTIFICATE": "certificate", "CASE_SEND_CHAIN": "yes"}, served=False),
    Case("assertion", "client_assertion", "ci-app", None, {"CASE_ASSERTION": "assertion"},
         served=False),
    Case("workload identity", "workload_identity", "ci-app", None,
         {"AZURE_FEDERATED_TOKEN_FILE": "assertionFile"}, served=False),
    Case("on behalf of", "on_behalf_of", "ci-app", None, {"CASE_ASSERTION": "assertion"},
         served=False),
    Case("on behalf of, by certificate", "on_behalf_of", "ci-app", None,
         {"CASE_ASSERTION": "assertion", "CASE_CERTIFICATE": "certificate"}, served=False),
    Case("Azure Pipelines", "azure_pipelines", "ci-app", None,
         {"CASE_ASSERTION": "assertion", "SYSTEM_OIDCREQUESTURI": "oidc"}, served=False),
    Case("Azure Arc", "managed_identity", IDENTITY, "persons-vm",
         {"IDENTITY_ENDPOINT": "imds", "IMDS_ENDPOINT": "imds"}, served=False),
    Case("Cloud Shell", "managed_identity", IDENTITY, "persons-vm", {"MSI_ENDPOINT": "appService"},
         served=False),
    Case("Azure ML", "managed_identity", IDENTITY, "persons-vm",
         {"MSI_ENDPOINT": "appService", "MSI_SECRET": "yes", "CASE_CLIENT_ID": "clientId"},
         served=False),
    Case("Service Fabric", "managed_identity", IDENTITY, "persons-vm",
         {"IDENTITY_ENDPOINT": "fabric", "IDENTITY_HEADER": "yes",
          "IDENTITY_SERVER_THUMBPRINT": "thumbprint"}, served=False),
    Case("App Service", "managed_identity", IDENTITY, APP_HOST, {"CASE_CLIENT_ID": "clientId"}),
    Case("App Service, object id", "managed_identity", IDENTITY, APP_HOST,
         {"CASE_OBJECT_ID": "objectId"}),
    Case("App Service, resource id", "managed_identity", IDENTITY, APP_HOST,
         {"CASE_RESOURCE_ID": "resourceId"}),
    Case("IMDS", "managed_identity", IDENTITY, "persons-vm", {"CASE_CLIENT_ID": "clientId"}),
    Case("IMDS, object id", "managed_identity", IDENTITY, "persons-vm",
         {"CASE_OBJECT_ID": "objectId"}),
    Case("IMDS, resource id", "managed_identity", IDENTITY, "persons-vm",
         {"CASE_RESOURCE_ID": "resourceId"}),
    # The second scope comes by refresh token.
    Case("device code, then another scope", "device_code", "dev@contoso.example", None,
         {"CASE_TENANT_ID": "tenantId", "CASE_SECOND_SCOPE": "armScope",
          "CASE_APPROVE": "approve"}),
    Case("Azure CLI", "azure_cli", "dev@contoso.example"),
    Case("Azure CLI, tenant", "azure_cli", "dev@contoso.example", None,
         {"CASE_TENANT_ID": "tenantId"}),
    Case("Azure CLI, subscription", "azure_cli", "dev@contoso.example", None,
         {"CASE_SUBSCRIPTION": "subscriptionId"}),
]

AZ = """#!{python}
import json, os, sys
with open({record!r}, "a") as f:
    f.write(json.dumps({{"argv": sys.argv[1:], "cwd": os.getcwd(), "stdin": os.path.realpath("/proc/self/fd/0"),
                        "no_color": os.environ.get("AZURE_CORE_NO_COLOR")}}) + "\\n")
os.execv({real!r}, [{real!r}] + sys.argv[1:])
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
        emulator.made = make_keys(folder)
        yield emulator


def make_keys(folder):
    """A certificate with its key, an assertion signed by it, and the emulator's own thumbprint."""
    now = datetime.datetime.now(datetime.timezone.utc)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ci-app")])
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
                   .sign(key, hashes.SHA256()))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption())
    (folder / "app.pem").touch(0o600)
    (folder / "app.pem").write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    assertion = jwt.encode({"iss": "https://issuer.example", "sub": "somebody",
                            "aud": "api://AzureADTokenExchange", "exp": int(now.timestamp()) + 3600},
                           pem, "RS256")
    (folder / "assertion").touch(0o600)
    (folder / "assertion").write_text(assertion)
    server = x509.load_pem_x509_certificate((folder / "data" / "server.pem").read_bytes())
    return {"certificate": str(folder / "app.pem"), "assertion": assertion,
            "assertionFile": str(folder / "assertion"),
            "thumbprint": server.fingerprint(hashes.SHA1()).hex().upper()}


def facts_of_identity(emulator, case):
    """The ids by which a request may name the identity, the tenant and the subscription."""
    seed = json.loads((emulator.folder / "data" / "seed.json").read_text())
    subscription = seed["subscription"]
    state = emulator.state()
    names = {"tenantId": seed["tenants"][0]["id"], "subscriptionId": subscription["id"],
             "yes": "yes", "imds": state["imds"], "appService": state["identity_endpoint"],
             "oidc": state["authority"] + "/oidc/token", "fabric": state["authority"] + "/fabric/token",
             "armScope": "https://management.azure.com/.default",
             "approve": "|".join([emulator.programs.entrasql, "emulator", "device-code", "approve",
                                  "--data-dir", str(emulator.directory), "--as", case.principal]),
             **emulator.made}
    if case.principal == IDENTITY:
        claims = jwt.decode(emulator.token(IDENTITY, case.host),
                            options={"verify_signature": False})
        names.update(clientId=claims["appid"], objectId=claims["oid"],
                     resourceId=f"/subscriptions/{subscription['id']}/resourcegroups/"
                     f"{subscription['resource_group']}/providers/Microsoft.ManagedIdentity/"
                     f"userAssignedIdentities/{IDENTITY}")
    return names


def environment(emulator, programs, case, log):
    env = emulator.environment(case.principal, case.host)
    for name in ("AZURE_TOKEN_CREDENTIALS",):
        env.pop(name, None)
    ca = env["SSL_CERT_FILE"]
    env.update(REQUESTS_CA_BUNDLE=ca, NODE_EXTRA_CA_CERTS=ca, NO_PROXY="*",
               NODE_PATH=programs.node_modules)
    names = facts_of_identity(emulator, case)
    for variable, fact in case.settings.items():
        env[variable] = names[fact]
    if case.runner == "azure_cli":
        real = shutil.which("az", path=env["PATH"])
        folder = emulator.folder / "az"
        folder.mkdir(exist_ok=True)
        script = folder / "az"
        script.write_text(AZ.format(python=programs.python, record=str(log), real=real))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        env["PATH"] = f"{folder}:{env['PATH']}"
    return env


def shown(value):
    """Tenants, identifiers of runs, and the emulator's address are the same fact everywhere."""
    value = re.sub(r"https://localhost:\d+", "https://{authority}", value)
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


def http_facts(request):
    """What one request says, a line each; the first is the request itself."""
    tenant = re.match(r"/([^/]+)/(oauth2|v2\.0|discovery)", request["path"])
    path = request["path"].replace(tenant[1], "{tenant}", 1) if tenant else request["path"]
    path = path.rstrip("/")
    what = f"{request['method']} {path}"
    yield what
    for name, value in request["query"]:
        if name == "client-request-id":
            continue
        yield f"{what}: query {name}={shown(value)}"
    for name, value in request["headers"]:
        name = name.lower()
        if IGNORED_HEADERS.match(name):
            continue
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


def az_facts(call):
    argv = call["argv"]
    yield "az " + " ".join(a for a in argv if not a.startswith("-"))[:len("account get-access-token")]
    options = {}
    for i, word in enumerate(argv):
        if word.startswith("-"):
            options[{"-o": "--output"}.get(word, word)] = argv[i + 1] if i + 1 < len(argv) else ""
    for name, value in sorted(options.items()):
        yield f"az: {name} {value}"
    yield f"az: in {call['cwd']}"
    yield f"az: standard input {'/dev/null' if call['stdin'] == '/dev/null' else 'not /dev/null'}"
    if call["no_color"]:
        yield f"az: AZURE_CORE_NO_COLOR={call['no_color']}"


def ask(emulator, programs, command, case, library):
    """Runs one library; returns its facts."""
    log = emulator.folder / f"az-{library}.jsonl"
    log.unlink(missing_ok=True)
    start = emulator.record.stat().st_size
    result = run([*command, case.runner], env=environment(emulator, programs, case, log))
    assert (result.returncode == 0) == case.served, f"{case.name}: {library}: {result.stderr}"
    assert result.stdout.count(".") == (2 if case.served else 0)
    with open(emulator.record, encoding="utf-8") as f:
        f.seek(start)
        requests = [json.loads(line) for line in f]
    facts = {fact for r in requests for fact in http_facts(r)}
    if log.exists():
        facts |= {fact for line in log.read_text().splitlines() for fact in az_facts(json.loads(line))}
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


@pytest.fixture(scope="module")
def differences(recorded, programs, runners):
    """(case, library, side, fact) of every fact that only one side has."""
    found = []
    for case in CASES:
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
             and not (r.library == "Go" and "Go" not in runners)]
    assert not stale, stale
    assert all(len(r.reason) > 10 for r in read_table())


def test_all_libraries_were_there(runners):
    if "Go" not in runners:
        pytest.skip("no Go: azidentity was not compared (put a go of 1.25 or newer on PATH)")


def test_the_record_holds_no_secret(recorded, differences):
    text = recorded.record.read_text()
    secrets = json.loads((recorded.folder / "data" / "secrets.json").read_text())
    flat = re.findall(r'"([^"]{16,})"', json.dumps(secrets))
    assert flat
    for value in flat:
        if not re.fullmatch(GUID, value):
            assert value not in text
    assert recorded.record.stat().st_mode & 0o077 == 0
