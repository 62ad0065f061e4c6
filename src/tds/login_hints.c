/* SPDX-License-Identifier: MIT */
/* The table of login errors and what helps against them. */
#include "tds/login_hints.h"

#include <stddef.h>
#include <string.h>

/*
 * The first row whose number fits and whose text, if it has one, occurs in the
 * message. Texts are short pieces: servers differ in the words around them.
 */
static const struct hint_row {
    uint32_t number;
    const char *text; /* NULL: any */
    const char *hint;
} hint_table[] = {
    {18456, "oken is expired",
     "Get a new token; if it is new already, check the clock of this machine."},
    {18456, "ncorrect or invalid token",
     "The token must be for https://database.windows.net/ and from the tenant of the server; check "
     "AZURE_TENANT_ID and the scope."},
    {18456, "not currently configured to accept this token",
     "Set a Microsoft Entra admin on the SQL server, and use a token of the server's own tenant."},
    {18456, "<token-identified principal>",
     "The token is valid, but the principal has no user in this database. As the Entra admin run "
     "there: CREATE USER [name] FROM EXTERNAL PROVIDER; and name the database in the connection "
     "string (without one it is master)."},
    {18456, "ANONYMOUS LOGON",
     "No credential reached the server. Connect with a token, or with user name and password."},
    {18456, "user ''",
     "No credential reached the server. Connect with a token, or with user name and password."},
    {18456, NULL,
     "Check user name, password and database; a server may accept Microsoft Entra logins only."},
    {4060, NULL,
     "Check the name of the database and that the principal has a user in it; during a failover "
     "the error goes away by itself."},
    {40532, NULL,
     "The gateway picks the server by its full name: connect to <server>.database.windows.net, not "
     "to an address or an alias."},
    {40531, NULL,
     "The gateway could not tell which server is meant: connect to "
     "<server>.database.windows.net, not to an address or an alias."},
    {40615, NULL,
     "Add the client address that the message names to the firewall rules of the server; it takes "
     "up to five minutes."},
    {40914, NULL, "Add the subnet of this machine to the virtual network rules of the server."},
    {47073, NULL,
     "Public access to the server is switched off: connect through its private endpoint."},
    {47072, NULL, "The server demands a newer TLS version than this connection used: TLS 1.2."},
    {42101, NULL, "A connection policy of the server refuses this client."},
    {33134, NULL,
     "The identity of the server may not read the directory: grant it Directory Readers, or use "
     "CREATE USER [name] WITH SID = 0x<client id>, TYPE = E."},
    {33131, NULL,
     "Several principals have this display name: make it unique, or use WITH OBJECT_ID."},
    {37545, NULL, "The token comes from another tenant or authority than the server expects."},
    {40530, NULL, "The token comes from another tenant than the one of the server."},
    {37396, NULL, "The token of this session has expired: open a new connection."},
    {40613, NULL, "The database is resuming or moving: try again in a minute."},
    {40501, NULL, "The service is busy: wait ten seconds or more and try again."},
    {40197, NULL, "The service met an error while it moved the database: try again."},
    {10928, NULL, "The database has reached its limit of sessions or workers: try again later."},
    {10929, NULL, "The database has reached its limit of sessions or workers: try again later."},
    {49918, NULL, "The service has too many operations under way: try again later."},
    {49919, NULL, "The service has too many operations under way: try again later."},
    {49920, NULL, "The service has too many operations under way: try again later."},
    {18452, NULL, "Windows logins do not work here: connect with a token."},
};

void tds_login_hint(entrasql_error *err)
{
    if (err == NULL)
        return;
    for (size_t i = 0; i < ES_COUNT_OF(hint_table); i++) {
        const struct hint_row *row = &hint_table[i];
        if (row->number != err->number)
            continue;
        if (row->text != NULL && strstr(err->message, row->text) == NULL)
            continue;
        es_hint(err, "%s", row->hint);
        return;
    }
}
