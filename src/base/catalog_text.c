/* SPDX-License-Identifier: MIT */
/* The catalogue's messages without a number: of drivers, of Azure's libraries and services, ours.
 */
#include "catalog_rows.h"

#include <stddef.h>

#define ISSUER                                                                                     \
    "Where a company inspects TLS, put its authority into a PEM file with the system's and name "  \
    "that in SSL_CERT_FILE. A server of your own: trust its certificate (--ca-file). Never "       \
    "switch "                                                                                      \
    "the check off (TrustServerCertificate=yes): whoever stands between could take the token."
#define NO_IDENTITY                                                                                \
    "Assign an identity to the host (az webapp identity assign, az vm identity assign ...) and, "  \
    "for a user-assigned one, set AZURE_CLIENT_ID to its client id, not its object id."
#define RESET_HINT                                                                                 \
    "Connect again, with a retry in the program. At the login each time: entrasql doctor shows "   \
    "where it breaks (TLS version, port, something between)."
#define NETWORK_HINT                                                                               \
    "entrasql doctor tells name resolution, TCP, TLS and login apart. Check the server's full "    \
    "name, outbound TCP 1433, and 11000-11999 from inside Azure."

/* More special pieces stand before those that they hold. */
const es_catalog_message es_catalog_messages_rows[] = {
    /* ---- credentials ---- */
    {"identity",
     "ManagedIdentityCredential authentication unavailable, no response from the IMDS "
     "endpoint.",
     "no response from the IMDS endpoint", false,
     "no managed identity endpoint answers at 169.254.169.254",
     "Outside Azure that is to be expected: sign in with az login or entrasql login, or set "
     "AZURE_TOKEN_CREDENTIALS=dev. On Azure let 169.254.169.254 through (firewall, network policy, "
     "NO_PROXY)."},
    {"identity",
     "ManagedIdentityCredential authentication unavailable. No identity has been "
     "assigned to this resource.",
     "ManagedIdentityCredential authentication unavailable", false,
     "this host has no managed identity, or not the one that was asked for", NO_IDENTITY},
    {"identity", "no managed identity endpoint found", "no managed identity endpoint found", true,
     "neither variables of a host nor an answer at 169.254.169.254: this is no host of Azure, or "
     "it has no identity",
     NO_IDENTITY},
    {"identity", "Identity not found", "Identity not found", false,
     "the machine has no system-assigned identity, or AZURE_CLIENT_ID names one that is not "
     "attached",
     NO_IDENTITY},
    {"identity", "No Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
     "No Managed Identity found for specified", false,
     "the app has no user-assigned identity of that id", NO_IDENTITY},
    {"identity",
     "Multiple user assigned identities exist, please specify the clientId / "
     "resourceId of the identity in the token request",
     "Multiple user assigned identities exist", false,
     "the host has several identities and none was chosen",
     "Set AZURE_CLIENT_ID to the client id of the one to use."},
    {"identity", "Temporarily throttled, too many requests", "Temporarily throttled", false,
     "the managed identity endpoint got too many requests from this machine",
     "Keep tokens: one credential object for the whole process, not one for each connection."},
    {"identity",
     "EnvironmentCredential authentication unavailable. Environment variables are not "
     "fully configured.",
     "EnvironmentCredential authentication unavailable", false,
     "of AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or a certificate) some are "
     "missing",
     "Harmless where another credential of the chain is meant to sign in. Else set all three."},
    {"identity", "DefaultAzureCredential failed to retrieve a token from the included credentials.",
     "DefaultAzureCredential failed to retrieve a token", false,
     "no credential of the chain could sign in; the lines below it say why for each",
     "entrasql doctor goes through all of them. On Azure give the host a managed identity, on your "
     "own machine run az login."},
    {"identity", "Azure CLI not found on path", "Azure CLI not found on path", false,
     "the program does not find az",
     "Install the Azure CLI (https://aka.ms/azure-cli), check PATH of the service, or use entrasql "
     "login."},
    {"identity", "Please run 'az login' to setup account.", "Please run 'az login'", false,
     "nobody is signed in to the Azure CLI", "Run az login, as the user that runs the program."},
    {"identity", "several people are signed in: ...", "several people are signed in", true,
     "the cache of entrasql login has more than one account",
     "entrasql accounts lists them; entrasql logout NAME forgets one."},
    /* ---- network ---- */
    {"network", "Name or service not known", "Name or service not known", false,
     "the server's name cannot be resolved",
     "Check the name (<server>.database.windows.net) and the machine's DNS; a private endpoint "
     "needs the zone privatelink.database.windows.net."},
    {"network", "TCP Provider: Error code 0x2AF9", "0x2AF9", false,
     "the server's name cannot be resolved (Microsoft's ODBC driver)",
     "Check the name (<server>.database.windows.net) and the machine's DNS."},
    {"network", "[HYT00] [Microsoft][ODBC Driver 18 for SQL Server]Login timeout expired",
     "Login timeout expired", false,
     "the login did not end in time: the port is blocked, the database is paused, or the token was "
     "late",
     NETWORK_HINT " A paused serverless database needs a timeout of 60 s and a retry."},
    {"network",
     "A network-related or instance-specific error has occurred while establishing a "
     "connection to SQL Server. Server is not found or not accessible.",
     "network-related or instance-specific error", false,
     "the driver did not reach the server at all", NETWORK_HINT},
    {"network", "Unable to connect: Adaptive Server is unavailable or does not exist",
     "Adaptive Server is unavailable", false,
     "FreeTDS (20009) did not reach the server: name, port or network", NETWORK_HINT},
    {"network", "TCP Provider: Error code 0x2746", "0x2746", false,
     "the other side, or a firewall between, reset the connection (10054; Microsoft's ODBC driver)",
     RESET_HINT},
    {"network", "TCP Provider: An existing connection was forcibly closed by the remote host.",
     "existing connection was forcibly closed", false,
     "the other side, or a firewall between, reset the connection (10054)", RESET_HINT},
    {"network", "Adaptive Server connection failed", "Adaptive Server connection failed", false,
     "FreeTDS (20002) reached the server, and the login did not succeed: the server's own error "
     "is in another line; without one the connection was cut, as for a TLS that it does not take",
     "FreeTDS knows no tokens: use Driver={entrasql} or entrasql proxy. Else entrasql doctor."},
    {"network", "Unexpected EOF from the server", "Unexpected EOF from the server", false,
     "the server closed the connection (FreeTDS 20017): after a login without a token, or a TLS "
     "version it does not take",
     "FreeTDS knows no tokens: use Driver={entrasql} or entrasql proxy. Else entrasql doctor."},
    {"network", "Communication link failure", "Communication link failure", false,
     "the connection broke while it was used (08S01)",
     "Connect again, with a retry in the program; gateways cut what is silent for 30 minutes: let "
     "a pool keep connections shorter than that."},
    {"network", "Connection refused", "Connection refused", false,
     "nothing listens on that port of that address",
     "Check server and port (1433); for the proxy or the emulator whether it runs."},
    {"network", "Received HTTP code 407 from proxy after CONNECT", "HTTP code 407 from proxy",
     false, "the HTTP proxy wants a sign-in of its own",
     "Put it into the variable: HTTPS_PROXY=http://user:password@host:port, in a file that only "
     "the service can read."},
    {"network", "Received HTTP code 403 from proxy after CONNECT", "HTTP code 403 from proxy",
     false, "the HTTP proxy does not let requests to Entra through",
     "Ask its administrator to allow CONNECT to login.microsoftonline.com:443."},
    /* ---- TLS ---- */
    {"tls",
     "SSL Provider: [error:0A000086:SSL routines::certificate verify failed:subject name "
     "does not match host name]",
     "does not match host name", false, "the certificate is for another name than was connected to",
     "Connect by the name in the certificate, not by address or alias, or set "
     "HostNameInCertificate."},
    {"tls",
     "SSL Provider: [error:0A000086:SSL routines::certificate verify failed:unable to get "
     "local issuer certificate]",
     "certificate verify failed", false,
     "the certificate is signed by an authority that this machine does not trust", ISSUER},
    {"tls", "SSL Provider: The certificate chain was issued by an authority that is not trusted.",
     "issued by an authority that is not trusted", false,
     "the certificate is signed by an authority that this machine does not trust", ISSUER},
    {"tls", "self-signed certificate in certificate chain", "self-signed certificate", false,
     "the certificate, or its authority, is one that somebody made for himself: of a company that "
     "inspects TLS, a server of your own, the emulator",
     ISSUER},
    {"tls",
     "PKIX path building failed: unable to find valid certification path to requested "
     "target",
     "PKIX path building failed", false, "Java does not trust the authority of the certificate",
     "Import it into a trust store and name that in trustStore of the JDBC URL. Never "
     "trustServerCertificate=true."},
    {"tls", "SSL routines::unsupported protocol", "unsupported protocol", false,
     "client and server have no version of TLS in common",
     "Azure SQL takes TLS 1.2 and later: use a current driver. A server of your own that only has "
     "TLS 1.0 is to be updated."},
    /* ---- driver ---- */
    {"driver",
     "[IM002] [unixODBC][Driver Manager]Data source name not found and no default driver "
     "specified",
     "Data source name not found", false,
     "the string names neither a Driver= nor a DSN that unixODBC knows; often another user's "
     "odbc.ini, or a blank or quote too many",
     "odbcinst -q -d lists the drivers and odbcinst -j the files that are read; entrasql odbc "
     "install registers ours: Driver={entrasql}."},
    {"driver",
     "[01000] [unixODBC][Driver Manager]Can't open lib 'ODBC Driver 18 for SQL Server' : "
     "file not found",
     "Can't open lib", false,
     "the driver is registered and its file is not there, or lacks a library, or nothing is "
     "registered under that name",
     "ldd FILE shows what it lacks; odbcinst -q -d lists the names. The message is the same for "
     "both."},
    {"driver", "Invalid value specified for connection string attribute 'Authentication'",
     "connection string attribute 'Authentication'", false,
     "Microsoft's ODBC driver of this version or platform does not have that way to sign in",
     "Use Driver={entrasql}, which has all of them, or let the program set the token."},
    {"driver",
     "Cannot use Access Token with any of the following options: Authentication, Integrated "
     "Security, User, Password.",
     "Cannot use Access Token with any of the following options", false,
     "the program gives the driver a token, and the string says another way to sign in",
     "Take UID, PWD, Authentication and Trusted_Connection out of the string, also out of the "
     "DSN."},
    {"driver",
     "Failed to authenticate the user 'NAME' in Active Directory (Authentication option is "
     "'ActiveDirectoryMSI').",
     "in Active Directory (Authentication option is", false,
     "the driver itself asked for the token and got none; the server was not asked yet",
     "The lines behind it say why (an AADSTS number, or no answer of the managed identity). "
     "entrasql doctor tries the ways to sign in one by one."},
    {"driver", "[HY092] [FreeTDS][SQL Server]Invalid option", "HY092", false,
     "the driver does not know the attribute 1256, by which a token is given",
     "FreeTDS has no tokens: use entrasql_odbc_connect(), Driver={entrasql} or entrasql proxy."},
    {"driver", "SSPI Provider: No Kerberos credentials available", "SSPI", false,
     "the string asks for Windows sign-in (Trusted_Connection, Integrated Security), which Azure "
     "SQL does not have",
     "entrasql connstr convert prints the string for a token."},
    /* ---- the proxy ---- */
    {"proxy", "the entrasql proxy serves N clients already, its limit",
     "clients already, its limit", true, "as many clients are connected as the proxy may have",
     "SHOW CLIENTS on the proxy's admin database lists them; raise --max-clients, or the limit "
     "that "
     "the message names."},
    {"proxy", "no upstream connection became free within N s: all N of the pool are in use",
     "no upstream connection became free", true,
     "all connections of the pool were in use for too long",
     "SHOW POOLS says who waits; raise the pool's size, or find the sessions that keep theirs in a "
     "transaction."},
    {"proxy", "other machines can reach ADDRESS, and ...", "other machines can reach", true,
     "the proxy would give its identity to everybody who reaches it, and refuses to start",
     "Listen on 127.0.0.1 or a unix socket; for other machines demand TLS and a secret of them "
     "(docs/proxy.md)."},
    {"proxy", "a login name alone is no proof of who connects",
     "a login name alone is no proof of who connects", true,
     "a [login] section picks an identity by a name that anybody can send",
     "Give the login a secret (secret-file), or let only the users of a unix socket in."},
    {"proxy", "encryption of clients' connections needs ...",
     "encryption of clients' connections needs", true,
     "TLS between clients and proxy was asked for without a certificate and key",
     "entrasql proxy init-tls --dir DIR makes both."},
    /* ---- migrate ---- */
    {"migrate",
     "The client 'NAME' with object id 'ID' does not have authorization to perform action "
     "'ACTION' over scope 'SCOPE' or the scope is invalid.",
     "does not have authorization to perform action", false,
     "who is signed in lacks a role in Azure (AuthorizationFailed)",
     "entrasql migrate names the role for each action; have an owner of the resource group assign "
     "it. A new assignment takes some minutes; then sign in again."},
    {"migrate",
     "The scope 'SCOPE' cannot perform write operation because following scope(s) are "
     "locked: 'SCOPE'.",
     "scope(s) are locked", false, "a lock of Azure (ReadOnly or CanNotDelete) stands against it",
     "az lock list shows it; whoever set it has to take it away for the migration."},
    {"migrate", "Resource 'NAME' was disallowed by policy.", "was disallowed by policy", false,
     "a policy of the subscription forbids the change (RequestDisallowedByPolicy)",
     "The details of the message name the policy: ask for an exemption, or do that step by hand "
     "within it; entrasql migrate apply goes on from there."},
    {"migrate", "the server NAME has no Entra admin, so nobody can make Entra users",
     "has no Entra admin, so nobody can make Entra users", true,
     "the first Entra user can only be made by the server's Entra admin, and there is none",
     "entrasql migrate apply --admin me, or --admin NAME --admin-id OBJECT-ID (a group is best)."},
    {"migrate", "step N: the state has moved since the plan", "the state has moved since the plan",
     true, "somebody changed the resources between plan and apply",
     "Look at what changed, then plan again."},
    {"migrate", "there is a journal already: FILE", "there is a journal already", true,
     "a migration of this application was begun before",
     "Go on from it (apply with the same options), roll it back, or name another --journal."},
    {"migrate", "the migration has not been verified since its last change",
     "has not been verified since its last change", true,
     "retire takes the password away for good, and wants proof first that nobody needs it",
     "entrasql migrate verify, then retire."},
    {"migrate", "N sessions are signed in with a password just now",
     "signed in with a password just now", true,
     "some program still uses the password that retire would take away",
     "Move those programs first; the message names them. --force cuts them off."},
    {"migrate", "it was done, but Azure still shows: ...", "it was done, but Azure still shows",
     true, "Azure has accepted the change and does not show it yet",
     "Apply again in some minutes: it goes on where it was."},
    /* ---- codes that stand before messages: last, since the message says more ---- */
    {"driver", "DB-Lib error message 20009", "20009", false,
     "FreeTDS did not reach the server: name, port or network", NETWORK_HINT},
    {"driver", "DB-Lib error message 20002", "20002", false,
     "FreeTDS reached the server, and the login did not succeed",
     "The server's own error is in another line: explain that. FreeTDS knows no tokens: use "
     "Driver={entrasql} or entrasql proxy."},
    {"driver", "SQLSTATE 08001", "08001", false,
     "the client could not set up the connection (network, TLS or the login's time)",
     "The message behind it says which: explain that, or run entrasql doctor."},
    {"driver", "SQLSTATE 28000", "28000", false, "the server refused the login",
     "The number in the message says why (often 18456): explain that."},
};
const size_t es_catalog_messages_count = ES_COUNT_OF(es_catalog_messages_rows);
