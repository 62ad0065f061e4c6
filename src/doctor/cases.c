/* SPDX-License-Identifier: MIT */
/* The table of diagnoses. */
#include "doctor/cases.h"

#include "base/compiler.h"
#include "base/str.h"

static const doctor_case cases[] = {
    /* ---- environment ---- */
    {"variable-not-guid", "environment", "a variable that holds an id is not a GUID",
     "Look for quotes, blanks or a name in place of the id: az identity show --query clientId."},
    {"variables-incomplete", "environment",
     "AZURE_CLIENT_SECRET or a certificate is set, but not AZURE_TENANT_ID and AZURE_CLIENT_ID "
     "with it",
     "Set all three, or unset the secret: without the others it is passed over."},
    {"hosts-disagree", "environment", "variables of more than one kind of host are set",
     "Unset those that were copied from elsewhere (IDENTITY_ENDPOINT, MSI_ENDPOINT, "
     "AZURE_FEDERATED_TOKEN_FILE): the first of them wins."},
    {"ids-disagree", "environment",
     "the connection string and AZURE_CLIENT_ID name different identities",
     "Let both name the same client id, or unset one."},
    {"clock-skew", "environment", "the clock of this machine is wrong",
     "Set it by NTP (timedatectl set-ntp true): tokens and certificates are judged by time."},
    /* ---- name, TCP, proxy ---- */
    {"name-unknown", "name", "the server's name cannot be resolved",
     "Check the name (<server>.database.windows.net) and the DNS of this machine; a private "
     "endpoint needs the zone privatelink.database.windows.net."},
    {"port-refused", "tcp", "nothing listens on the port of that address",
     "Check server and port (1433); for a private endpoint check that the name leads to it."},
    {"port-blocked", "tcp", "the port does not answer",
     "Let outbound TCP 1433 through the firewall of this network (and 11000-11999 inside Azure)."},
    {"proxy-broken", "proxy", "the HTTP proxy does not let requests to Entra through",
     "Ask its administrator to allow CONNECT to login.microsoftonline.com:443, or except it in "
     "NO_PROXY."},
    {"entra-unreachable", "proxy", "Entra cannot be reached",
     "Let outbound HTTPS to login.microsoftonline.com through, or set HTTPS_PROXY."},
    {"entra-inspected", "proxy",
     "TLS to Entra is signed by an authority that this machine does not trust: it is inspected on "
     "the way",
     "Put your company's authority into a PEM file with the system's, and name it in "
     "SSL_CERT_FILE."},
    /* ---- PRELOGIN, TLS ---- */
    {"not-sql-server", "prelogin", "what answers on the port is no SQL Server",
     "Check server and port; a load balancer or captive portal may be in between."},
    {"tls-unknown-issuer", "tls",
     "the server's certificate is signed by an authority that this machine does not trust",
     "Where the network inspects TLS put its authority into SSL_CERT_FILE (or except port 1433); "
     "never switch the check off. A server of your own: --ca-file."},
    {"tls-wrong-name", "tls", "the server's certificate has another name",
     "Connect by the name in the certificate, or set HostNameInCertificate."},
    {"tls-failed", "tls", "TLS could not be set up",
     "See the reason; the server may demand another version (TLS 1.2), or something cuts in."},
    /* ---- credentials ---- */
    {"no-credential", "credential", "no credential of the chain gave a token",
     "On Azure assign a managed identity to the host; on your own machine run az login or entrasql "
     "login."},
    {"credential-failed", "credential", "a credential is set up here and was refused",
     "Mend it or take its settings away: the chain does not go on past it."},
    {"imds-absent", "credential", "no managed identity endpoint answers",
     "Expected outside Azure. On Azure let 169.254.169.254 through (firewall, network policy, "
     "NO_PROXY) and give the resource an identity."},
    {"imds-slow", "credential", "the managed identity endpoint answers late",
     "Keep tokens (one credential object for the process); look at the host's load and at what "
     "stands between it and the endpoint."},
    {"imds-throttled", "credential", "the managed identity endpoint refuses for now (429)",
     "Keep tokens instead of asking for each connection: the limit is for the whole machine."},
    {"imds-forbidden", "credential",
     "something before the managed identity endpoint refuses (403): in a container often its "
     "proxy",
     "Outside Azure leave the managed identity out (AZURE_TOKEN_CREDENTIALS=dev); in a cluster "
     "look at network policies."},
    {"identity-not-attached", "credential",
     "the identity that AZURE_CLIENT_ID or the string names is not attached to this host, or the "
     "id "
     "is no client id",
     "Assign it (az webapp identity assign, az vm identity assign ...), and give its client id, "
     "not "
     "its object id."},
    {"identities-several", "credential", "the host has several identities and none was chosen",
     "Set AZURE_CLIENT_ID to the client id of the one to use."},
    {"az-missing", "credential", "the Azure CLI is not installed",
     "Install it (https://aka.ms/azure-cli) and run az login; or use entrasql login."},
    {"az-signed-out", "credential", "nobody is signed in to the Azure CLI", "Run az login."},
    {"entra-refused", "credential", "Entra refused the sign-in with a number (AADSTS)",
     "entrasql explain says what the number means."},
    /* ---- token ---- */
    {"wrong-audience", "token", "the token is for another resource than Azure SQL",
     "Ask for the scope https://database.windows.net/.default."},
    {"token-expired", "token", "the token has expired",
     "Get a new one for each new connection; check the clock when it is new."},
    {"wrong-tenant", "token", "the token is of another tenant than the server",
     "Sign in to the server's tenant (az login --tenant ID), or set AZURE_TENANT_ID."},
    {"guest", "token", "the token is that of a guest of the tenant",
     "A guest needs a user of his own in the database: CREATE USER [name_domain#EXT#@tenant] FROM "
     "EXTERNAL PROVIDER, or a group."},
    {"groups-older", "token", "the token is older than a change of group membership may be",
     "Membership counts from the next token on: sign in again (az logout, az login); a managed "
     "identity's token is kept for up to a day."},
    /* ---- login ---- */
    {"no-user", "login", "the principal has no user in this database",
     "As the Entra admin run in it: CREATE USER [name] FROM EXTERNAL PROVIDER, or entrasql user "
     "add "
     "NAME --app-id ID."},
    {"no-user-in-master", "login",
     "the string names no database, so it is master, where the principal has no user",
     "Name the database: Database=<name> in the connection string."},
    {"stale-user", "login",
     "the database has a user of this name for an identity that was deleted and made again",
     "entrasql user repair NAME, as the Entra admin."},
    {"object-id-user", "login",
     "the user in the database was made with the object id; an app or identity needs its client "
     "id",
     "Drop it and make it again: entrasql user add NAME --app-id <client id>."},
    {"no-admin", "login", "the server accepts no token of this tenant: it has no Entra admin",
     "Set one: az sql server ad-admin create. Without it nobody signs in with Entra."},
    {"token-refused", "login", "the server could not check the token",
     "Compare its audience, tenant and times with the server's; outside the public cloud the "
     "scope is another one."},
    {"entra-only", "login", "the server takes Entra logins only, and the string has a SQL login",
     "Take user and password out: entrasql connstr convert prints the string."},
    {"sql-login-refused", "login", "the server refused user and password",
     "Check them; or take them out: entrasql connstr convert."},
    {"no-credentials-sent", "login", "neither token nor password reached the server",
     "Give the string an Authentication=, or let the program set the token."},
    {"database-unknown", "login",
     "the database does not exist on this server, or the principal may not enter it",
     "Check the name: entrasql query -d master -Q \"SELECT name FROM sys.databases\"."},
    {"firewall", "login", "the server's firewall has no rule for this machine's address",
     "az sql server firewall-rule create with the address that the message names; it takes up to "
     "five minutes."},
    {"network-rule", "login", "the server's virtual network rules do not know this subnet",
     "az sql server vnet-rule create with this machine's subnet."},
    {"public-access-off", "login", "the server's public access is switched off",
     "Connect from inside the virtual network through the private endpoint."},
    {"paused", "login", "the database is paused (serverless) or moving",
     "Try again in a minute; programs need a login timeout of 60 s and a retry."},
    {"busy", "login", "the service is busy, or a limit is reached",
     "Try again later; more than once: raise the service tier or pool connections."},
    {"redirect-blocked", "login",
     "the gateway redirects to a port that cannot be reached from here",
     "Let outbound TCP 11000-11999 through, or set the server's connection policy to Proxy."},
    {"login-failed", "login", "the login failed for another reason",
     "entrasql explain with the number in the message."},
    /* ---- rights, driver, settings ---- */
    {"no-rights", "rights", "the user may connect and nothing else",
     "Give it a role: entrasql user add NAME --profile rw."},
    {"driver-missing", "driver", "the driver that the string names is not installed",
     "Install or register it: odbcinst -q -d lists those that are there; entrasql odbc install."},
    {"driver-not-loading", "driver", "the driver is registered and cannot be loaded",
     "The reason is often a library it lacks, or another OpenSSL than the program's: ldd FILE."},
    {"driver-pooling", "driver",
     "the driver manager pools connections, and compares strings only: tokens of several people "
     "would be mixed",
     "Set CPTimeout=0 for the driver in odbcinst.ini, or pyodbc.pooling = False."},
    {"driver-lacks-mode", "driver",
     "Microsoft's ODBC driver does not have this Authentication= on Linux",
     "Use Driver={entrasql}, or let the program set the token."},
    {"freetds-alone", "driver", "FreeTDS knows no tokens",
     "Use Driver={entrasql}, or entrasql proxy; entrasql connstr convert prints the string."},
    {"password-left", "settings", "a setting still holds a password",
     "entrasql connstr convert --env NAME prints it without; then retire the login."},
};

const doctor_case *doctor_case_find(const char *id)
{
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        if (es_streq(cases[i].id, id))
            return &cases[i];
    }
    return NULL;
}

const doctor_case *doctor_cases(size_t *ret_count)
{
    *ret_count = ES_COUNT_OF(cases);
    return cases;
}
