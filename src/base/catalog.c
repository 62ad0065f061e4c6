/* SPDX-License-Identifier: MIT */
/* Looking errors up, and the rows for entrasql's own. */
#include "catalog.h"

#include "catalog_rows.h"
#include "str.h"

#include <string.h>

static const es_catalog_entry own[] = {
    {ENTRASQL_NOMEM, NULL, true, "there was no memory left",
     "Give the process more, or close others."},
    {ENTRASQL_INVALID, NULL, false, "an argument of the call or the command line is not valid",
     "The message names it; --help, and the headers, say what it takes."},
    {ENTRASQL_CONFIG, NULL, false,
     "a setting (connection string, variable, file) is not valid or is missing",
     "The message names it. `entrasql connstr show` says how a string is read, `entrasql doctor` "
     "looks at the environment."},
    {ENTRASQL_UNSUPPORTED, NULL, false, "this is not supported here",
     "The message says what is; docs/ has what each part can do."},
    {ENTRASQL_LIMIT, NULL, false, "something was larger than a limit that protects this program",
     "The message names the limit. A server or file that needs more is not an ordinary one."},
    {ENTRASQL_TRUNCATED, NULL, false, "a message ended early",
     "Something between cut the connection or answers in another's place: `entrasql doctor`."},
    {ENTRASQL_MALFORMED, NULL, false, "the peer does not speak the protocol",
     "Check host and port: another service may answer there, or a proxy or captive portal in "
     "between."},
    {ENTRASQL_CLOSED, NULL, true, "the peer closed the connection",
     "Try again; when it goes on, a firewall or gateway cuts it: `entrasql doctor`."},
    {ENTRASQL_NETWORK, NULL, false, "the network failed: name, route or port",
     "`entrasql doctor` tells name resolution, TCP and proxy apart."},
    {ENTRASQL_TIMEOUT, NULL, true, "the deadline passed",
     "The message says what was waited for. A paused serverless database needs up to a minute: "
     "raise the login timeout."},
    {ENTRASQL_CANCELLED, NULL, false, "the caller ended it", "Nothing is to be done."},
    {ENTRASQL_TLS, NULL, false, "the certificate or the handshake was not acceptable",
     "The message says which. For a company that inspects TLS name its authority in SSL_CERT_FILE; "
     "never switch the check off."},
    {ENTRASQL_UNAVAILABLE, NULL, false, "the credential cannot be used on this machine",
     "The message says what it needs. `entrasql doctor` goes through all of them."},
    {ENTRASQL_AUTH_FAILED, NULL, false, "Entra or the managed identity refused the credential",
     "`entrasql explain AADSTS<number>` says what the number means."},
    {ENTRASQL_LOGIN_FAILED, NULL, false, "the token was obtained, SQL Server refused the login",
     "`entrasql explain <number>` says what the number means, `entrasql doctor` why it is so "
     "here."},
    {ENTRASQL_SQL_ERROR, NULL, false, "the server refused a statement",
     "`entrasql explain <number>` says what the number means, if it has to do with signing in."},
    {ENTRASQL_OS, NULL, false, "a call of the operating system failed",
     "The message ends with the system's own reason."},
    {ENTRASQL_NOT_FOUND, NULL, false, "what was named does not exist", "Check the name."},
    {ENTRASQL_EXISTS, NULL, false, "it exists already",
     "Choose another name, or use the one there."},
    {ENTRASQL_BUSY, NULL, true, "somebody else uses it", "Wait, or end the other one."},
    {ENTRASQL_INTERNAL, NULL, false, "a defect in entrasql", "Please report it, with the message."},
};

const es_catalog_entry *es_catalog_rows(es_catalog_kind kind, size_t *ret_count)
{
    switch (kind) {
    case ES_CATALOG_SQL:
        *ret_count = es_catalog_sql_count;
        return es_catalog_sql;
    case ES_CATALOG_AADSTS:
        *ret_count = es_catalog_aadsts_count;
        return es_catalog_aadsts;
    case ES_CATALOG_STATUS:
        break;
    }
    *ret_count = ES_COUNT_OF(own);
    return own;
}

const es_catalog_entry *es_catalog_find(es_catalog_kind kind, uint32_t number, const char *message)
{
    size_t count;
    const es_catalog_entry *rows = es_catalog_rows(kind, &count);
    const es_catalog_entry *first = NULL;
    for (size_t i = 0; i < count; i++) {
        const es_catalog_entry *row = &rows[i];
        if (row->number != number)
            continue;
        if (row->text == NULL || (message != NULL && strstr(message, row->text) != NULL))
            return row;
        if (first == NULL)
            first = row;
    }
    return message == NULL ? first : NULL;
}

bool es_catalog_passes_alone(es_catalog_kind kind, const es_catalog_entry *e)
{
    bool is_mended = kind == ES_CATALOG_SQL && (e->number == 18456 || e->number == 40615);
    return e->passes && !is_mended;
}

/* Numbers that a signed-in session meets when it makes users and grants. */
static bool is_of_users(uint32_t number)
{
    switch (number) {
    case 33147:
    case 33154:
    case 33155:
    case 33156:
        return false; /* a token at the login */
    case 208:
    case 229:
    case 262:
    case 916:
    case 2760:
    case 2812:
    case 4613:
    case 37545:
    case 40508:
    case 40515:
        return true;
    default:
        return (number >= 15000 && number < 16000) || (number >= 33130 && number <= 33171);
    }
}

const char *es_catalog_group(es_catalog_kind kind, uint32_t number)
{
    switch (kind) {
    case ES_CATALOG_SQL:
        return is_of_users(number) ? "users" : "login";
    case ES_CATALOG_AADSTS:
        return "token";
    case ES_CATALOG_STATUS:
        break;
    }
    return "status";
}

const es_catalog_message *es_catalog_messages(size_t *ret_count)
{
    *ret_count = es_catalog_messages_count;
    return es_catalog_messages_rows;
}

const es_catalog_message *es_catalog_message_of_code(const char *word)
{
    for (size_t i = 0; i < es_catalog_messages_count; i++) {
        if (es_streq(word, es_catalog_messages_rows[i].piece))
            return &es_catalog_messages_rows[i];
    }
    return NULL;
}

const es_catalog_message *es_catalog_message_find(const char *text)
{
    for (size_t i = 0; i < es_catalog_messages_count; i++) {
        if (es_str_holds(text, es_catalog_messages_rows[i].piece))
            return &es_catalog_messages_rows[i];
    }
    return NULL;
}
