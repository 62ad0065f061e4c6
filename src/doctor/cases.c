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
    {"keyword-unknown", "environment", "the connection string has a keyword that no driver knows",
     "Look for a spelling mistake: drivers refuse what they do not know, or go on without it."},
    {"windows-login", "environment",
     "the string asks for a Windows login (Trusted_Connection, Integrated Security)",
     "Take Trusted_Connection= or Integrated Security= out: Azure SQL has no Windows logins, and "
     "beside Authentication= drivers refuse it."},
    {"client-id-unread", "environment",
     "AZURE_CLIENT_ID is set, and the string's Authentication does not read it",
     "Write the id into the string: UID=<client id> beside ActiveDirectoryMsi, User ID= in "
     "ADO.NET, "
     "msiClientId= in JDBC. Or Authentication=ActiveDirectoryDefault, which reads the variable."},
    {"identity-half-set", "environment",
     "a variable of the managed identity's host is set without the one that belongs to it",
     "IDENTITY_ENDPOINT comes with IDENTITY_HEADER, MSI_SECRET with MSI_ENDPOINT: pass both on to "
     "the program (into the container, through sudo), or unset what was copied from elsewhere."},
    {"authority-host", "environment",
     "AZURE_AUTHORITY_HOST is no address of Entra, or not written as one",
     "AZURE_AUTHORITY_HOST=https://login.microsoftonline.com, or unset it."},
    {"cloud-mismatch", "environment", "server and AZURE_AUTHORITY_HOST are of different clouds",
     "AZURE_AUTHORITY_HOST=https://login.microsoftonline.us for .database.usgovcloudapi.net, "
     "https://login.chinacloudapi.cn for .database.chinacloudapi.cn, unset for the public cloud."},
    {"selection-unknown", "environment", "AZURE_TOKEN_CREDENTIALS has a value that is not known",
     "prod, dev, or the name of one credential, such as AzureCliCredential; or unset it."},
    {"string-quoted", "environment", "the connection string is in quotes, which are a part of it",
     "Take them out: they are for a shell or a .env file, and stay where the setting is made "
     "elsewhere (docker --env-file, a portal, systemd's drop-ins take them in other ways)."},
    {"key-vault-unresolved", "environment",
     "the setting holds a Key Vault reference that the host has not resolved",
     "Give the app's identity the role Key Vault Secrets User, let the vault's firewall admit it, "
     "and see the reference's status in the portal (Environment variables)."},
    {"trust-file", "environment", "the file of trusted certificates cannot be read, or holds none",
     "SSL_CERT_FILE (or --ca-file) names a PEM file that this user may read; unset, the system's "
     "certificates count."},
    {"clock-skew", "environment", "the clock of this machine is wrong",
     "Set it by NTP (timedatectl set-ntp true): tokens and certificates are judged by time."},
    /* ---- name, TCP, proxy ---- */
    {"name-unknown", "name", "the server's name cannot be resolved",
     "Check the name (<server>.database.windows.net) and the DNS of this machine; a private "
     "endpoint needs the zone privatelink.database.windows.net."},
    {"placeholder-left", "name", "the server's name is still that of a manual's example",
     "Put the server's own name in: az sql server list --query [].fullyQualifiedDomainName."},
    {"port-refused", "tcp", "nothing listens on the port of that address",
     "Check server and port (1433); for a private endpoint check that the name leads to it."},
    {"port-blocked", "tcp", "the port does not answer",
     "Let outbound TCP 1433 through the firewall of this network (and 11000-11999 inside Azure)."},
    {"no-route", "tcp", "this machine has no way to that address",
     "Look at its network (ip route; a container's network mode). A private endpoint's address "
     "needs its virtual network or the VPN, one with colons needs IPv6 here."},
    {"proxy-dead", "proxy", "the HTTP proxy itself cannot be reached",
     "Correct the address in HTTPS_PROXY (https_proxy, ALL_PROXY) and see that the proxy runs; "
     "where none is needed unset the variable."},
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
    {"behind-proxy", "prelogin", "an entrasql proxy answers, and signs in at the server itself",
     "Look at the rest with the proxy's own environment and user: entrasql doctor -S SERVER -d "
     "DATABASE; SHOW POOLS in its database entrasql says what it has."},
    {"proxy-in-clear", "tls", "the string demands encryption, and the proxy offers none",
     "Encrypt=no in the string (nothing leaves this machine), or give the proxy a certificate: "
     "entrasql proxy init-tls, --tls-certificate, --tls-key."},
    {"server-without-tls", "tls", "what answers speaks TDS, and has no TLS",
     "Azure SQL always has it: check server and port. Without it no token is sent, and no "
     "password leaves this machine."},
    {"tls-unknown-issuer", "tls",
     "the server's certificate is signed by an authority that this machine does not trust",
     "Where the network inspects TLS put its authority into SSL_CERT_FILE (or except port 1433); "
     "never switch the check off. A server of your own: --ca-file."},
    {"tls-wrong-name", "tls", "the server's certificate has another name",
     "Connect by the name in the certificate, or set HostNameInCertificate."},
    {"tls-expired", "tls", "a certificate of the server's chain is out of date",
     "Compare the date with this machine's clock; a server of your own needs a new certificate."},
    {"certificate-unchecked", "tls", "the string switches the check of the certificate off",
     "Take TrustServerCertificate=yes out of the connection string: whoever stands between gets "
     "the token."},
    {"not-encrypted", "tls", "the string does not demand encryption (Encrypt=no, optional)",
     "Encrypt=yes: with no a driver encrypts only when the server wants it, and does not look at "
     "the certificate."},
    {"tls-failed", "tls", "TLS could not be set up",
     "See the reason; the server may demand another version (TLS 1.2), or something cuts in."},
    /* ---- credentials ---- */
    {"no-credential", "credential", "no credential of the chain gave a token",
     "On Azure assign a managed identity to the host, and if it has one, see entrasql explain "
     "imds-absent; on your own machine run az login or entrasql login."},
    {"credential-failed", "credential", "a credential is set up here and was refused",
     "Mend it or take its settings away: the chain does not go on past it."},
    {"imds-absent", "credential", "no managed identity endpoint answers",
     "Expected outside Azure. On Azure let 169.254.169.254 through (firewall, network policy, "
     "NO_PROXY) and give the resource an identity."},
    {"identity-endpoint-dead", "credential",
     "the endpoint that IDENTITY_ENDPOINT or MSI_ENDPOINT names does not answer",
     "The host sets it, anew with each start: on the host restart the program; elsewhere (a copied "
     ".env, docker --env-file) unset IDENTITY_ENDPOINT, IDENTITY_HEADER, MSI_ENDPOINT and "
     "MSI_SECRET."},
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
    {"secret-in-string", "credential",
     "the string signs in to Entra with a secret of its own: a person's password or an app's",
     "entrasql connstr convert prints it without. A person's password does not pass multi-factor "
     "authentication, an app's secret ends one day."},
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
    {"proxy-signs-in", "login",
     "the string brings a token or a Windows login, and the proxy signs in by itself",
     "Take Authentication= or Trusted_Connection= out and write UID=any;PWD=any: to a proxy any "
     "user name and password will do, or those of its [login] section."},
    {"proxy-refused", "login", "the entrasql proxy did not let the program through",
     "The message names the setting of the proxy that decides (docs/proxy.md: Who may connect, How "
     "many). SHOW CONFIG in its database entrasql says how each is set."},
    {"proxy-upstream", "login", "the entrasql proxy cannot reach or sign in at its server",
     "Look from where the proxy runs, as its user and with its environment: entrasql doctor -S "
     "SERVER -d DATABASE, its target."},
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
     "Check the spelling. Names are listed by \\l in an entrasql query that gets in; in master "
     "only "
     "the Entra admin does (entrasql query -d master)."},
    {"firewall", "login", "the server's firewall has no rule for this machine's address",
     "az sql server firewall-rule create with the address that the message names; it takes up to "
     "five minutes."},
    {"network-rule", "login", "the server's virtual network rules do not know this subnet",
     "az sql server vnet-rule create with this machine's subnet."},
    {"public-access-off", "login", "the server's public access is switched off",
     "Connect from inside the virtual network through the private endpoint."},
    {"paused", "login", "the database is paused (serverless) or moving",
     "Try again in a minute; programs need a login timeout of 60 s and a retry."},
    {"try-again", "login", "the service had to break off (a move, an update, a hardware fault)",
     "Connect again at once, then with growing waits: it passes by itself. Programs need a retry."},
    {"busy", "login", "the service is busy, or a limit is reached",
     "Try again later; more than once: raise the service tier or pool connections."},
    {"redirect-blocked", "login",
     "the gateway redirects to a port that cannot be reached from here",
     "Let outbound TCP 11000-11999 through, or set the server's connection policy to Proxy."},
    {"redirect-circle", "login", "the server redirects in a circle",
     "Name the server itself (<server>.database.windows.net), not a listener or a proxy that sends "
     "back; else it is the service's own fault: try again."},
    {"login-failed", "login", "the login failed for another reason",
     "entrasql explain with the number in the message."},
    /* ---- rights, driver, settings ---- */
    {"request-lost", "rights", "the server takes the login and closes the connection at a request",
     "Try again: it happens while a database is moved. When it stays, something between here and "
     "the server cuts connections (look at its limits for idle or long ones)."},
    {"no-rights", "rights", "the user may connect and nothing else",
     "Give it a role: entrasql user add NAME --profile writer; or GRANT SELECT ON SCHEMA::dbo TO "
     "[NAME]."},
    {"driver-missing", "driver",
     "the driver that the string names, or the one underneath entrasql's, is not installed",
     "Change Driver= to {entrasql} (entrasql odbc install registers it), or install msodbcsql18."},
    {"driver-unnamed", "driver",
     "the keyword Driver= is misspelt, and the driver manager finds no driver",
     "Write Driver= as it is written here."},
    {"server-prefix", "driver", "FreeTDS takes the tcp: of Server=tcp:host for the host's name",
     "Write Server=host,port, without tcp:."},
    {"driver-not-loading", "driver", "the driver is registered and cannot be loaded",
     "The reason is often a library it lacks, or another OpenSSL than the program's: ldd FILE."},
    {"driver-pooling", "driver",
     "the driver manager pools connections, and compares strings only: tokens of several people "
     "would be mixed",
     "Set CPTimeout=0 for the driver in odbcinst.ini, or pyodbc.pooling = False."},
    {"driver-lacks-mode", "driver",
     "Microsoft's ODBC driver does not have this Authentication= on Linux",
     "Use Driver={entrasql}, or let the program set the token."},
    {"keyword-ignored", "driver", "the driver passes over a keyword of the string without an error",
     "Write it in the driver's own words, or take it out: docs/connstr.md, entrasql connstr "
     "convert."},
    {"freetds-alone", "driver", "FreeTDS by itself knows no tokens",
     "A C program connects by entrasql_odbc_connect(), which brings the token; others use "
     "Driver={entrasql} or entrasql proxy."},
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
