/* SPDX-License-Identifier: MIT */
/* The catalogue's rows for SQL Server and Azure SQL. Source: their messages, and what mends them.
 */
#include "catalog_rows.h"

#include <stddef.h>

/* One cause for the four of them: a damaged or expired token, or one at the wrong moment. */
#define BAD_FEDAUTH_CAUSE                                                                          \
    "the server cannot take the client's token: it has expired or is damaged, or the driver sent " \
    "it at the wrong moment"
#define BAD_FEDAUTH_HINT                                                                           \
    "Get a new token and connect again. If it stays, it is the driver: use a current one, and "    \
    "leave user, password and Authentication out beside an access token (entrasql doctor shows "   \
    "the login step by step)."

/*
 * Of one number the first row whose text occurs in the message. Texts are short
 * pieces: servers differ in the words around them.
 */
const es_catalog_entry es_catalog_sql[] = {
    {18456, "oken is expired", false, "the token has expired",
     "Get a new token; if it is new already, check the clock of this machine.",
     "Login failed for user '<token-identified principal>'. Token is expired."},
    {18456, "ncorrect or invalid token", false, "the token is not one that the server can accept",
     "The token must be for https://database.windows.net/ and from the tenant of the server; "
     "check AZURE_TENANT_ID and the scope.",
     "Login failed for user '<token-identified principal>'. Incorrect or invalid token."},
    {18456, "not currently configured to accept this token", true,
     "the server has no Entra admin, or the token is of another tenant",
     "Set a Microsoft Entra admin on the SQL server, and use a token of the server's own "
     "tenant.",
     "Login failed for user '<token-identified principal>'. The server is not currently configured "
     "to accept this token."},
    {18456, "<token-identified principal>", true,
     "the token is valid, but no user of this database has its id",
     "The token is valid, but the principal has no user in this database. As the Entra admin "
     "run there: CREATE USER [name] FROM EXTERNAL PROVIDER (or entrasql user add NAME "
     "--app-id ID), and name the database in the connection string (without one it is "
     "master). A user made for an identity that was deleted and made again: entrasql user "
     "repair.",
     "Login failed for user '<token-identified principal>'."},
    {18456, "ANONYMOUS LOGON", false, "no credential reached the server",
     "No credential reached the server. Connect with a token, or with user name and password.",
     "Login failed for user 'NT AUTHORITY\\ANONYMOUS LOGON'."},
    {18456, "failed for user ''", false, "no credential reached the server",
     "No credential reached the server. Connect with a token, or with user name and password.",
     "Login failed for user ''."},
    {18456, NULL, false, "the login was refused",
     "Check user name, password and database; a server may accept Microsoft Entra logins only.",
     "Login failed for user 'NAME'."},
    {4060, NULL, true,
     "the database cannot be opened: it is not on this server, or the principal has no user "
     "in it",
     "Check the name of the database and that the principal has a user in it (entrasql user "
     "add); during a failover the error goes away by itself.",
     "Cannot open database \"NAME\" requested by the login. The login failed."},
    {40532, NULL, false, "the gateway knows no server of this name",
     "The gateway picks the server by its full name: connect to "
     "<server>.database.windows.net, not to an address or an alias.",
     "Cannot open server \"NAME\" requested by the login. The login failed."},
    {40531, NULL, false, "the gateway cannot tell which server is meant",
     "The gateway could not tell which server is meant: connect to "
     "<server>.database.windows.net, not to an address or an alias.",
     "Server name cannot be determined."},
    {40615, NULL, true, "the server's firewall has no rule for the client's address",
     "The server's firewall does not know this address: add the one that the message names to "
     "its rules (portal: Networking); it takes up to five minutes.",
     "Cannot open server 'NAME' requested by the login. Client with IP address 'ADDRESS' is not "
     "allowed to access the server."},
    {40914, NULL, false, "the server's virtual network rules do not know the client's subnet",
     "The server admits some virtual networks only: run this from one of them, or add the "
     "subnet of this machine to its virtual network rules.",
     "Cannot open server 'NAME' requested by the login. Client is not allowed to access the "
     "server."},
    {47073, NULL, false, "public network access to the server is switched off",
     "Public access to the server is switched off: connect through its private endpoint, from "
     "inside the virtual network.",
     "Connection was denied since Deny Public Network Access is set to Yes."},
    {47072, NULL, false, "the connection used a TLS version below the least that the server takes",
     "The server demands a newer TLS version than this connection used: TLS 1.2.",
     "Login failed with invalid TLS version."},
    {42101, NULL, false, "a connection policy of the server refuses this client",
     "A connection policy of the server refuses this client: connect through its private "
     "endpoint, from inside the virtual network."},
    {33134, NULL, false, "the server may not look the principal up in Entra",
     "The server asks Microsoft Graph as itself when an app or identity makes users: it needs "
     "an identity with the role Directory Readers. By id nobody is asked: entrasql user add "
     "NAME --app-id ID, or CREATE USER [name] WITH SID = 0x<client id>, TYPE = E.",
     "Principal 'NAME' could not be resolved. Error message: '...'"},
    {33131, NULL, false, "several principals in Entra have this display name",
     "Make the name unique, or tell the principal by id: entrasql user add NAME with "
     "--with-object-id, --app-id, --user-id or --group-id.",
     "Principal 'NAME' has a duplicate display name. Make the display name unique in Azure Active "
     "Directory and execute this statement again."},
    {37545, NULL, false,
     "the principal or its token belongs to another tenant or authority, or the object id is "
     "wrong",
     "Check the tenant of the token. In CREATE USER ... WITH OBJECT_ID the id is that of the "
     "enterprise application, not of the registration; --app-id needs no look-up."},
    {40530, NULL, false, "the token comes from another tenant than the server",
     "The token comes from another tenant than the one of the server."},
    {37396, NULL, false, "the token of the session has expired",
     "The token of this session has expired: open a new connection."},
    {40613, NULL, true, "the database is not available just now: it resumes (serverless) or moves",
     "The database is resuming or moving: try again in a minute.",
     "Database 'NAME' on server 'NAME' is not currently available. Please retry the connection "
     "later."},
    {40501, NULL, true, "the service is busy",
     "The service is busy: wait ten seconds or more and try again.",
     "The service is currently busy. Retry the request after 10 seconds."},
    {40197, NULL, true, "the service moved or restarted the database",
     "The service met an error while it moved the database: try again.",
     "The service has encountered an error processing your request. Please try again."},
    {10928, NULL, true, "the database's limit of sessions or workers is reached",
     "The database has reached its limit of sessions or workers: try again later."},
    {10929, NULL, true, "the server is busy: the database's guaranteed share is used up",
     "The database has reached its limit of sessions or workers: try again later."},
    {49918, NULL, true, "the service has no resources for the request just now",
     "The service has too many operations under way: try again later."},
    {49919, NULL, true, "too many create or update operations are under way",
     "The service has too many operations under way: try again later."},
    {49920, NULL, true, "too many operations are under way in the subscription",
     "The service has too many operations under way: try again later."},
    {18452, NULL, false, "a Windows login from a domain that the server does not trust",
     "Windows logins do not work here: connect with a token.",
     "Login failed. The login is from an untrusted domain and cannot be used with Integrated "
     "authentication."},
    {33130, NULL, true, "Entra knows no principal of this name, or not yet",
     "Entra knows no such principal, or not yet: a new identity takes a minute or two. Use "
     "the UPN of a person, the display name of a group, app or identity; or tell it by id "
     "(--app-id, --user-id, --group-id), which asks nobody.",
     "Principal 'NAME' could not be found or this principal type is not supported."},
    {33132, NULL, false, "Azure SQL does not take this kind of principal",
     "Azure SQL takes people, security groups, apps and managed identities. Put the principal "
     "into a group and make a user for that."},
    {33147, NULL, false, BAD_FEDAUTH_CAUSE, BAD_FEDAUTH_HINT},
    {33154, NULL, false, BAD_FEDAUTH_CAUSE, BAD_FEDAUTH_HINT},
    {33155, NULL, false, BAD_FEDAUTH_CAUSE, BAD_FEDAUTH_HINT},
    {33156, NULL, false, BAD_FEDAUTH_CAUSE, BAD_FEDAUTH_HINT},
    {33159, NULL, false, "only a session that signed in with Entra may do this",
     "Sign in with an Entra account that may create users (the Entra admin, db_owner or "
     "db_accessadmin), not with a SQL login; or tell the principal by id.",
     "Principal 'NAME' could not be created. Only connections established with Active Directory "
     "accounts can create other Active Directory users."},
    {33162, NULL, false, "SID and TYPE must come together",
     "SID and TYPE go together: WITH SID = 0x..., TYPE = E (X for a group)."},
    {33163, NULL, false, "TYPE is neither E nor X",
     "TYPE is E for people, apps and identities, X for groups."},
    {33168, NULL, false,
     "SID and TYPE were combined with FROM EXTERNAL PROVIDER, LOGIN or PASSWORD",
     "SID and TYPE do not go with FROM EXTERNAL PROVIDER, LOGIN or PASSWORD."},
    {33169, NULL, false, "the name of an Entra user holds a backslash",
     "Entra principals have no backslash in their user name: choose another one."},
    {33170, NULL, false,
     "SID and TYPE were combined with FROM EXTERNAL PROVIDER, LOGIN or PASSWORD",
     "SID and TYPE do not go with FROM EXTERNAL PROVIDER, LOGIN or PASSWORD."},
    {33171, NULL, false, "a session without Entra tried to act as an Entra user",
     "Sign in with an Entra account to act as an Entra user (EXECUTE AS)."},
    {15007, NULL, false, "there is no such login",
     "There is no such login: Entra users need none, FROM EXTERNAL PROVIDER."},
    {15023, NULL, false, "the name is taken already in this database",
     "Somebody made it at the same moment, or the name is taken: entrasql user list shows by "
     "whom.",
     "User, group, or role 'NAME' already exists in the current database."},
    {15063, NULL, false, "the principal has a user of another name already",
     "The principal has a user of another name: entrasql user list shows it.",
     "The login already has an account under a different user name."},
    {15138, NULL, false, "the user owns a schema and cannot be dropped",
     "It owns a schema: ALTER AUTHORIZATION ON SCHEMA::[name] TO [dbo] gives it to somebody "
     "else.",
     "The database principal owns a schema in the database, and cannot be dropped."},
    {15151, NULL, false, "the object does not exist, or you may not change it",
     "It does not exist, or you may not change it: ALTER ANY USER and ALTER ANY ROLE are "
     "needed (db_accessadmin, db_securityadmin; fixed roles: db_owner or the Entra admin).",
     "Cannot alter the role 'NAME', because it does not exist or you do not have permission."},
    {15247, NULL, false, "the right to do this is missing",
     "Making users takes ALTER ANY USER: the Entra admin, db_owner or db_accessadmin.",
     "User does not have permission to perform this action."},
    {15410, NULL, false, "there is no such user or role",
     "No such user or role in this database: entrasql user list shows the users.",
     "User or role 'NAME' does not exist in this database."},
    {2760, NULL, false, "the schema does not exist, or you have no right on it",
     "The schema does not exist, or you have no right on it.",
     "The specified schema name \"NAME\" either does not exist or you do not have permission to "
     "use it."},
    {4613, NULL, false, "the right to grant this is missing",
     "To grant on a schema one has to own it or be db_owner, or the Entra admin."},
    {262, NULL, false, "the right is missing in this database",
     "A database owner (db_owner) or the Entra admin can do this, or give you the right.",
     "CREATE TABLE permission denied in database 'NAME'."},
    {229, NULL, false, "the right on the object is missing",
     "A database owner (db_owner) or the Entra admin can give you the right.",
     "The SELECT permission was denied on the object 'NAME', database 'NAME', schema 'dbo'."},
    {208, NULL, false, "this database has no table or view of the name",
     "Check the database (a string without one means master), the schema before the name, and that "
     "the statement is run where the table is; \\dt of entrasql query lists the tables.",
     "Invalid object name 'NAME'."},
    {916, NULL, false, "the principal has no user in the other database",
     "Make a user there (entrasql user add), and connect to that database by the connection "
     "string.",
     "The server principal \"NAME\" is not able to access the database \"NAME\" under the current "
     "security context."},
    {40508, NULL, false, "Azure SQL has no USE: a connection belongs to one database",
     "Name the database in the connection string; \\c NAME in entrasql query connects anew.",
     "USE statement is not supported to switch between databases. Use a new connection to connect "
     "to a different database."},
    {40515, NULL, false,
     "the name refers to another database or server, which Azure SQL does not take",
     "Connect to that database; for queries over several there are external tables.",
     "Reference to database and/or server name in 'NAME' is not supported in this version of SQL "
     "Server."},
    {18470, "account is disabled", false,
     "the SQL login is disabled, as after entrasql migrate retire",
     "Sign in with a token, or have an administrator enable it: ALTER LOGIN [name] ENABLE.",
     "Login failed for user 'NAME'. Reason: The account is disabled."},
    {1205, NULL, true, "the transaction was the victim of a deadlock and was rolled back",
     "Run the whole transaction again; touch tables in the same order everywhere, and keep "
     "transactions short.",
     "Transaction (Process ID N) was deadlocked on lock resources with another process and has "
     "been chosen as the deadlock victim. Rerun the transaction."},
    {2812, NULL, false, "this database has no procedure of the name, or you may not see it",
     "Check the database (a string without one means master), the schema before the name, and the "
     "right to EXECUTE.",
     "Could not find stored procedure 'NAME'."},
    {258, NULL, true, "the client waited for the server until its time was over",
     "entrasql doctor tells name resolution, TCP, TLS and login apart. A paused serverless "
     "database needs a timeout of 60 s and a retry."},
    {10060, NULL, false, "nothing answered at the server's address and port in time",
     "A firewall or route between drops it: check the server's full name and outbound TCP 1433 "
     "(11000-11999 from inside Azure). entrasql doctor tells where it stops."},
    {10054, NULL, true, "the other side, or a firewall between, reset the connection",
     "Connect again, with a retry in the program. At the login each time: entrasql doctor shows "
     "where it breaks (TLS version, port, something between)."},
};
const size_t es_catalog_sql_count = ES_COUNT_OF(es_catalog_sql);
