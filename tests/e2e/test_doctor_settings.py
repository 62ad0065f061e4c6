# SPDX-License-Identifier: MIT
"""entrasql doctor and settings that are wrong by themselves: variables and keywords of the string.

CASES is a table as in test_doctor.py; each row has what its line has to say as well.
"""
import pytest

import odbc
from conftest import ADMIN, APP_HOST, IDENTITY, run
from doctors import PASSWORD, STRANGER, doctor, keeps_secrets, lines_of, people_see
from doctors import shared, world  # noqa: F401 (fixtures)

DEAD = "http://127.0.0.1:9"
APP_SERVICE = ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET")


def alone(w, **changes):
    """No host, no person: nothing of the chain is there."""
    changes.setdefault("PATH", "/nosuch")
    return w.env(ADMIN, AZURE_TOKEN_CREDENTIALS=None, HOME=str(w.directory),
                 AZURE_POD_IDENTITY_AUTHORITY_HOST=DEAD, **changes)


# ---- who signs in ----

def id_that_the_mode_does_not_read(w, string=None):
    env = w.env(IDENTITY, APP_HOST)
    env["AZURE_SQL_CONNECTIONSTRING"] = string or w.string(more=";Authentication=ActiveDirectoryMSI")
    return env, [], f"write UID={env['AZURE_CLIENT_ID']} into"


def id_that_adonet_does_not_read(w):
    return (*id_that_the_mode_does_not_read(
        w, f"Data Source=localhost,{w.emulator.port()};Initial Catalog=persons;"
           "Authentication=Active Directory Managed Identity")[:2], "write User ID=")


def id_that_jdbc_does_not_read(w):
    return (*id_that_the_mode_does_not_read(
        w, f"jdbc:sqlserver://localhost:{w.emulator.port()};databaseName=persons;"
           "authentication=ActiveDirectoryMSI")[:2], "write msiClientId=")


def endpoint_without_header(w):
    return w.env(ADMIN, IDENTITY_ENDPOINT=DEAD), [], "IDENTITY_ENDPOINT is set without IDENTITY_HEADER"


def header_without_endpoint(w):
    return w.env(ADMIN, IDENTITY_HEADER=PASSWORD), [], "IDENTITY_HEADER is set without IDENTITY_ENDPOINT"


def old_secret_without_endpoint(w):
    return w.env(ADMIN, MSI_SECRET=PASSWORD), [], "MSI_SECRET is set without MSI_ENDPOINT"


def endpoint_dead(w):
    return alone(w, IDENTITY_ENDPOINT=DEAD, IDENTITY_HEADER="x"), [], "what IDENTITY_ENDPOINT names"


def endpoint_left_of_cloud_shell(w):
    return alone(w, MSI_ENDPOINT=DEAD), [], "what MSI_ENDPOINT names"


# ---- a machine whose endpoint refuses: for the chain, which goes on, it is as if it had none ----

def machine(w, fault):
    w.fault(fault)
    return w.env("persons-vm", "persons-vm", PATH="/nosuch", AZURE_CLIENT_ID=None)


def machine_without_an_identity(w):
    return machine(w, "identity-not-found"), [], "switch the system-assigned identity on"


def machine_with_several(w):
    return machine(w, "identity-several"), [], "Set AZURE_CLIENT_ID"


def container_whose_gateway_forbids(w):
    return machine(w, "identity-unreachable"), [], "(HTTP 403)"


# ---- the login ----

def app_without_a_user(w):
    env = w.env("ci-app")
    return env, [], f"user add NAME --app-id {env['AZURE_CLIENT_ID']} -S localhost,{w.emulator.port()}"


def refusal_without_its_words(w):
    w.fault("sql-login-error", 18456)
    return w.env(ADMIN), [], "18456"


# ---- where Entra is ----

def authority_without_tls(w):
    return w.env("ci-app", AZURE_AUTHORITY_HOST="http://login.microsoftonline.com"), [], "over https"


def authority_with_a_password(w):
    return w.env("ci-app", AZURE_AUTHORITY_HOST=f"https://u:{PASSWORD}@x y"), [], "not a URL"


def authority_without_a_scheme(w):
    env = w.env(ADMIN)
    host = env["AZURE_AUTHORITY_HOST"].removeprefix("https://").rstrip("/")
    return {**env, "AZURE_AUTHORITY_HOST": host}, [], f"AZURE_AUTHORITY_HOST=https://{host}"


def cloud_of_another_country(w):
    env = w.env("ci-app", AZURE_AUTHORITY_HOST="https://login.microsoftonline.com/")
    return env, ["-S", "x.database.usgovcloudapi.net"], "AZURE_AUTHORITY_HOST=https://login.microsoftonline.us"


def proxy_of_no_name(w):
    return w.env("ci-app", https_proxy="http://nosuch.invalid:3128", no_proxy="127.0.0.1",
                 NO_PROXY="127.0.0.1"), [], "https_proxy"


# ---- the choice ----

def choice_misspelt(w):
    return w.env(ADMIN, AZURE_TOKEN_CREDENTIALS="AzureCliCredentials"), [], \
        "Did you mean AzureCliCredential? valid: prod, dev, EnvironmentCredential,"


# ---- the string ----

def string_case(expected_text, more="", **changes):
    def case(w):
        return w.env(ADMIN, AZURE_SQL_CONNECTIONSTRING=w.string(more=more), **changes), [], expected_text

    return case


def named(name, case):
    case.__name__ = name
    return case


keyword_misspelt = named("keyword_misspelt", string_case(
    "Did you mean TrustServerCertificate=?", ";TrustServerCertificat=no"))
keyword_of_nobody = named("keyword_of_nobody", string_case(
    "Frobnicate= in the connection string", f";Frobnicate={PASSWORD}"))
windows_beside_a_token = named("windows_beside_a_token", string_case(
    "at once", ";Authentication=ActiveDirectoryDefault;Trusted_Connection=yes"))
windows_login_alone = named("windows_login_alone", string_case(
    "Windows login", ";Integrated Security=SSPI"))
certificate_not_checked = named("certificate_not_checked", lambda w: (
    w.env(ADMIN, AZURE_SQL_CONNECTIONSTRING=w.string().replace("Certificate=no", "Certificate=yes")),
    [], "TrustServerCertificate=yes out"))
encryption_off = named("encryption_off", lambda w: (
    w.env(ADMIN, AZURE_SQL_CONNECTIONSTRING=w.string().replace("Encrypt=yes", "Encrypt=no")),
    [], "Encrypt=yes"))


def jdbc_keyword_misspelt(w):
    string = f"jdbc:sqlserver://localhost:{w.emulator.port()};databaseName=persons;encrpt=true"
    return w.env(ADMIN, AZURE_SQL_CONNECTIONSTRING=string), [], "Did you mean encrypt=?"


def keyword_in_a_data_source(w):
    ini = w.file(f"[orders]\nDriver={w.programs.tdsodbc}\nServer=localhost,{w.emulator.port()}\n"
                 "Databse=persons\n", "odbc.ini")
    return w.env(ADMIN, AZURE_SQL_CONNECTIONSTRING="DSN=orders", ODBCINI=str(ini)), [], \
        "Did you mean Database=?"


def port_that_microsofts_driver_ignores(w):
    string = (f"Driver={w.programs.msodbc};Server=localhost;Port={w.emulator.port()};"
              f"Initial Catalog=persons;Connection Timeout=30")
    return w.env(ADMIN, AZURE_SQL_CONNECTIONSTRING=string), [], "passes over Port=, Initial Catalog="


# ---- the driver underneath entrasql's ----

def ours(w, setting="", more="", **changes):
    ini = odbc.install(w.programs, w.directory / "ini", driver_lines=[setting])
    return w.env(ADMIN, HOME=str(w.directory), AZURE_SQL_CONNECTIONSTRING="Driver={entrasql};" +
                 w.string(more=more), ODBCSYSINI=ini["ODBCSYSINI"], **changes)


def underneath_of_a_variable(w):
    return ours(w, ENTRASQL_ODBC_DRIVER="nope"), [], "'nope' is not registered"


def underneath_of_the_string(w):
    return ours(w, more=";UnderlyingDriver={nope}"), [], "'nope' is not registered"


def underneath_of_the_registration(w):
    return ours(w, "UnderlyingDriver=nope"), [], "'nope' is not registered"


def underneath_is_itself(w):
    return ours(w, ENTRASQL_ODBC_DRIVER="entrasql"), [], "which is entrasql itself"


def underneath_is_broken(w):
    return ours(w, ENTRASQL_ODBC_DRIVER=str(w.file("not a library", "libbroken.so"))), [], "libbroken.so"


def encrypt_that_freetds_ignores(w):
    string = (f"Driver={w.programs.tdsodbc};Server=localhost,{w.emulator.port()};Database=persons;"
              f"UID=tester;PWD={w.emulator.password};Encrypt=yes")
    return w.env(ADMIN, AZURE_SQL_CONNECTIONSTRING=string), [], "reads Encryption=require"


def prefix_that_freetds_does_not_know(w):
    string = (f"Driver={w.programs.tdsodbc};Server=tcp:localhost,{w.emulator.port()};Database=persons;"
              f"UID=tester;PWD={w.emulator.password}")
    return w.env(ADMIN, AZURE_SQL_CONNECTIONSTRING=string), [], f"Write Server=localhost,{w.emulator.port()},"


def prefix_in_a_data_source(w):
    ini = w.file(f"[orders]\nDriver={w.programs.tdsodbc}\nServer=tcp:localhost,{w.emulator.port()}\n", "odbc.ini")
    string = f"DSN=orders;Database=persons;UID=tester;PWD={w.emulator.password}"
    return w.env(ADMIN, AZURE_SQL_CONNECTIONSTRING=string, ODBCINI=str(ini)), [], "without tcp:"


def driver_keyword_misspelt(w):
    return w.env(ADMIN, AZURE_SQL_CONNECTIONSTRING="Drivr={FreeTDS};" + w.string()), [], "in place of Drivr="


def gateway_forbids_the_strings_identity(w):
    env, _, _ = container_whose_gateway_forbids(w)
    env["AZURE_SQL_CONNECTIONSTRING"] = w.string(more=";Authentication=ActiveDirectoryMsi")
    return env, [], "write Authentication=ActiveDirectoryDefault"


def gateway_forbids_the_credential(w):
    env, _, _ = container_whose_gateway_forbids(w)
    return env, ["--credential", "managed-identity"], "leave --credential out"


CASES = [
    (keyword_misspelt, "keyword-unknown", "warn"),
    (keyword_of_nobody, "keyword-unknown", "warn"),
    (jdbc_keyword_misspelt, "keyword-unknown", "warn"),
    (keyword_in_a_data_source, "keyword-unknown", "warn"),
    (windows_beside_a_token, "windows-login", "fail"),
    (windows_login_alone, "windows-login", "warn"),
    (certificate_not_checked, "certificate-unchecked", "warn"),
    (encryption_off, "not-encrypted", "warn"),
    (port_that_microsofts_driver_ignores, "keyword-ignored", "warn"),
    (encrypt_that_freetds_ignores, "keyword-ignored", "warn"),
    (prefix_that_freetds_does_not_know, "server-prefix", "fail"),
    (prefix_in_a_data_source, "server-prefix", "fail"),
    (driver_keyword_misspelt, "driver-unnamed", "fail"),
    (underneath_of_a_variable, "driver-missing", "fail"),
    (underneath_of_the_string, "driver-missing", "fail"),
    (underneath_of_the_registration, "driver-missing", "fail"),
    (underneath_is_itself, "driver-missing", "fail"),
    (underneath_is_broken, "driver-not-loading", "fail"),
    (id_that_the_mode_does_not_read, "client-id-unread", "warn"),
    (id_that_adonet_does_not_read, "client-id-unread", "warn"),
    (id_that_jdbc_does_not_read, "client-id-unread", "warn"),
    (endpoint_without_header, "identity-half-set", "warn"),
    (header_without_endpoint, "identity-half-set", "warn"),
    (old_secret_without_endpoint, "identity-half-set", "warn"),
    (endpoint_dead, "identity-endpoint-dead", "fail"),
    (endpoint_left_of_cloud_shell, "identity-endpoint-dead", "fail"),
    (machine_without_an_identity, "identity-not-attached", "fail"),
    (machine_with_several, "identities-several", "fail"),
    (container_whose_gateway_forbids, "imds-forbidden", "fail"),
    (gateway_forbids_the_strings_identity, "imds-forbidden", "fail"),
    (gateway_forbids_the_credential, "imds-forbidden", "fail"),
    (app_without_a_user, "no-user", "fail"),
    (refusal_without_its_words, "token-refused", "fail"),
    (authority_without_tls, "authority-host", "fail"),
    (authority_with_a_password, "authority-host", "fail"),
    (authority_without_a_scheme, "authority-host", "warn"),
    (cloud_of_another_country, "cloud-mismatch", "fail"),
    (proxy_of_no_name, "proxy-dead", "fail"),
    (choice_misspelt, "selection-unknown", "fail"),
]


@pytest.mark.parametrize("case, expected, state", CASES,
                         ids=[f"{c.__name__}-{e}" for c, e, _ in CASES])
def test_setting(world, case, expected, state):
    env, words, says = case(world)
    facts, code = doctor(world, env, *words)
    found = [l for l in facts["links"] if l["diagnosis"] == expected]
    assert found and found[0]["state"] == state, facts
    assert says in " ".join(str(found[0][k]) for k in ("text", "evidence", "fix")), found[0]
    if state == "fail":
        assert facts["firstFailure"] == expected and code, facts
    people_see(world, env, words, expected, code)


def test_settings_that_are_right(world):
    """The same variables as they should be: nothing is wrong."""
    wrong = {expected for _, expected, _ in CASES}
    env = world.env(IDENTITY, APP_HOST)
    assert {"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_CLIENT_ID"} <= set(env)
    assert not wrong & lines_of(doctor(world, env)[0]).keys()
    env["AZURE_SQL_CONNECTIONSTRING"] = world.string(
        more=f";Authentication=ActiveDirectoryMSI;UID={env['AZURE_CLIENT_ID']}")
    assert not wrong & lines_of(doctor(world, env)[0]).keys()
    env = world.env(ADMIN, AZURE_TOKEN_CREDENTIALS=" AzureCliCredential ")
    assert not wrong & lines_of(doctor(world, env)[0]).keys()


def test_settings_that_nobody_needed(world):
    """A managed identity does not ask Entra: a wrong cloud only warns."""
    env = world.env(IDENTITY, APP_HOST, AZURE_AUTHORITY_HOST="http://login.microsoftonline.com")
    facts, code = doctor(world, env, "--credential", "managed-identity", "--client-id",
                         env["AZURE_CLIENT_ID"])
    line = next(l for l in facts["links"] if l["diagnosis"] == "authority-host")
    assert code == 0 and line["state"] == "warn", facts


def test_each_member_has_its_reason(world):
    """When nobody signs in, people read why of each, as programs do."""
    result = run([world.programs.entrasql, "doctor"], env=alone(world))
    assert result.returncode == 3 and "[no-credential]" in result.stdout
    for reason in ("EnvironmentCredential: environment variables are not set",
                   "WorkloadIdentityCredential: workload identity is not set up",
                   "ManagedIdentityCredential: no managed identity endpoint found",
                   "CachedSignInCredential: nobody is signed in",
                   "AzureCliCredential: Azure CLI not found on path",
                   "AzurePowerShellCredential: PowerShell not found on path"):
        assert f"-     credential   {reason}" in result.stdout, result.stdout
    absent, = [l for l in result.stdout.splitlines() if "ManagedIdentityCredential" in l]
    assert absent.endswith("[imds-absent]") and "[credential-failed]" not in result.stdout, result.stdout
    assert "entrasql explain imds-absent" in result.stdout


# ---- rights ----

def rights_of(world, who, host):
    facts, _ = doctor(world, world.env(who, host))
    return next(l for l in facts["links"] if l["link"] == "rights")


def test_rights_below_the_database(world):
    """Rights on a schema and on an object are rights; none at all says what to grant."""
    for text in (f"CREATE USER [{STRANGER}] FROM EXTERNAL PROVIDER", "CREATE SCHEMA [sales x]",
                 "CREATE TABLE [sales x].Orders (id int)"):
        world.sql(text)
    for text in ("DROP SCHEMA [sales x]", "DROP TABLE [sales x].Orders", f"DROP USER [{STRANGER}]"):
        world.stack.callback(lambda text=text: world.sql(text))
    none = rights_of(world, STRANGER, "stranger-app")
    assert none["diagnosis"] == "no-rights"
    assert f"GRANT SELECT ON SCHEMA::dbo TO [{STRANGER}]" in none["fix"]
    world.sql(f"GRANT SELECT, INSERT ON SCHEMA::[sales x] TO [{STRANGER}]")
    schema = rights_of(world, STRANGER, "stranger-app")
    assert schema["diagnosis"] is None and schema["text"] == "roles: none"
    assert schema["evidence"] == "on the database: nothing; SELECT, INSERT on schema::sales x"
    world.sql(f"GRANT SELECT ON dbo.Persons TO [{STRANGER}]")
    assert rights_of(world, STRANGER, "stranger-app")["evidence"].endswith("; SELECT on dbo.Persons")
    world.sql(f"ALTER ROLE db_datareader ADD MEMBER [{STRANGER}]")
    whole = rights_of(world, STRANGER, "stranger-app")
    assert whole["text"] == "roles: db_datareader"
    assert "on the database: SELECT; INSERT on schema::sales x;" in whole["evidence"], whole


# ---- nothing to look at ----

def refused(world, *words, env=None, **changes):
    env = dict(env or world.env(ADMIN, AZURE_SQL_CONNECTIONSTRING=None), **changes)
    result = run([world.programs.entrasql, "doctor", *words], env=env)
    keeps_secrets(world, env, result)
    assert result.returncode == 2 and not result.stdout, result.stdout + result.stderr
    return " ".join(result.stderr.split())


def test_no_string(world):
    """What was looked at, and which variable may have been meant."""
    said = refused(world)
    assert "AZURE_SQL_CONNECTIONSTRING is not set, and there is no -S, --file or --env" in said
    assert "no other variable looks like a connection string" in said
    assert "AZURE_SQL_CONNECTIONSTRING is empty" in refused(world, AZURE_SQL_CONNECTIONSTRING="")
    said = refused(world, SQLAZURECONNSTR_Orders=f"Data Source=s;Database=d;UID=u;PWD={PASSWORD}")
    assert "SQLAZURECONNSTR_Orders looks like a connection string: entrasql doctor --env " \
           "SQLAZURECONNSTR_Orders" in said
    said = refused(world, AZURE_SQL_CONNECTIONSTRING="Databse=x;Srver=y")
    assert "AZURE_SQL_CONNECTIONSTRING has none" in said and "did you mean Database=?" in said
    assert "Server=tcp:" in refused(world, AZURE_SQL_CONNECTIONSTRING="Database=x")


def test_no_data_source(world):
    ini = world.file("[orders]\nDriver=FreeTDS\n[customers]\nDriver=FreeTDS\nServer=x\n", "odbc.ini")
    env = world.env(ADMIN, ODBCINI=str(ini), ODBCSYSINI=str(world.directory),
                    AZURE_SQL_CONNECTIONSTRING="DSN=order")
    said = refused(world, env=env)
    assert "there is no data source 'order'" in said and "did you mean orders?" in said
    assert f"{ini} and {world.directory}/odbc.ini have: orders, customers" in said, said
    said = refused(world, env=env, AZURE_SQL_CONNECTIONSTRING="DSN=orders")
    assert "the data source 'orders' names no server" in said and str(ini) in said


def test_string_that_a_shell_took_to_pieces(world):
    said = refused(world, "Driver={ODBC", "Driver", "18};Server=s", f"PWD={PASSWORD}")
    assert "4 arguments where one is taken" in said and "single quotes" in said


@pytest.mark.parametrize("setting, changes, by", [
    ("", {"ENTRASQL_ODBC_DRIVER": "nope"}, "ENTRASQL_ODBC_DRIVER"),
    ("UnderlyingDriver=nope", {}, "UnderlyingDriver in odbcinst.ini"),
    ("", {"more": ";UnderlyingDriver={nope}"}, "the connection string"),
])
def test_who_chose_the_driver_underneath(world, setting, changes, by):
    facts, _ = doctor(world, ours(world, setting, **changes))
    line, = [l for l in facts["links"] if l["link"] == "driver"]
    assert line["text"] == "entrasql has no driver underneath: the driver 'nope' is not registered in " \
        "odbcinst.ini"
    assert line["evidence"] == f"chosen by {by}" and f"Let {by} name a driver" in line["fix"], line
    line, = [l for l in doctor(world, ours(world))[0]["links"] if l["link"] == "driver"]
    assert line["state"] == "ok" and line["text"] == "entrasql", line


def test_drivers_are_listed_where_none_is_named(world):
    (world.directory / "odbcinst.ini").write_text("[Here]\nDriver=x\n")
    env = world.env(ADMIN, ODBCSYSINI=str(world.directory), HOME=str(world.directory))
    driver = next(l for l in doctor(world, env)[0]["links"] if l["link"] == "driver")
    assert driver["text"] == "the string names no ODBC driver (registered: Here)"


def test_own_driver_missing(world):
    """What the string names already is not what it is told to name."""
    (world.directory / "odbcinst.ini").write_text("[entrasq]\nDriver=x\n")
    for name in ("entrasql", "EntraSQL"):
        env = world.env(ADMIN, ODBCSYSINI=str(world.directory), HOME=str(world.directory),
                        AZURE_SQL_CONNECTIONSTRING=f"Driver={{{name}}};" + world.string())
        line = lines_of(doctor(world, env)[0])["driver-missing"]
        assert line["fix"] == "entrasql odbc install registers it.", line


def test_driver_missing_lists_those_there(world):
    (world.directory / "odbcinst.ini").write_text("[FreeTDS]\nDriver=x\n[ODBC Driver 18 for SQL Server]\n"
                                                  "Driver=x\n[ODBC]\nTrace=no\n")
    env = world.env(ADMIN, ODBCSYSINI=str(world.directory), HOME=str(world.directory),
                    AZURE_SQL_CONNECTIONSTRING="Driver={ODBC Driver 17 for SQL Server};" + world.string())
    facts, _ = doctor(world, env)
    line = next(l for l in facts["links"] if l["diagnosis"] == "driver-missing")
    assert f"{world.directory}/odbcinst.ini, where there are: FreeTDS, ODBC Driver 18 for SQL Server" \
        in line["evidence"], line
    assert "Did you mean Driver={ODBC Driver 18 for SQL Server}?" in line["fix"]
