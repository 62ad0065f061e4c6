/* SPDX-License-Identifier: MIT */
/* Connection strings of any form to one set of settings and back. */
#include "conf/login.h"

#include "base/mem.h"
#include "base/str.h"
#include "conf/keys.h"

#include <stdio.h>
#include <string.h>

void conf_login_done(conf_login *login)
{
    for (size_t i = 0; i < CONF_KEY_COUNT; i++)
        es_free_wipe_str(login->values[i]);
    conf_connstr_done(&login->own);
    *login = (conf_login){0};
}

const char *conf_login_get(const conf_login *login, conf_key key)
{
    return login->values[key];
}

static void take_value(conf_login *login, conf_key key, char *value)
{
    es_free_wipe_str(login->values[key]);
    login->values[key] = value;
}

entrasql_status conf_login_set(conf_login *login, conf_key key, const char *value)
{
    char *copy = es_strdup(value);
    if (value != NULL && copy == NULL)
        return ENTRASQL_NOMEM;
    take_value(login, key, copy);
    return ENTRASQL_OK;
}

/* ---- a server's text ---- */

static entrasql_status set_part(conf_login *login, conf_key key, const char *p, const char *end,
                                entrasql_error *err)
{
    while (p < end && es_is_space(*p))
        p++;
    while (end > p && es_is_space(end[-1]))
        end--;
    if (p == end)
        return ENTRASQL_OK;
    char *part = es_strndup(p, (size_t)(end - p));
    if (part == NULL)
        return es_nomem(err);
    take_value(login, key, part);
    return ENTRASQL_OK;
}

static entrasql_status set_port(conf_login *login, const char *p, const char *end,
                                entrasql_error *err)
{
    ES_CLEANUP(conf_login_done) conf_login probe = {0};
    uint64_t port = 0;
    ES_TRY(set_part(&probe, CONF_KEY_PORT, p, end, err));
    const char *text = probe.values[CONF_KEY_PORT];
    if (text == NULL || es_parse_u64(text, strlen(text), UINT16_MAX, &port) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_CONFIG,
                       "connection string: the server's port is not a number from 1 to 65535");
    const char *known = login->values[CONF_KEY_PORT];
    if (known != NULL && !es_streq(known, text))
        return es_fail(err, ENTRASQL_CONFIG,
                       "connection string: the server names port %s and Port names %s", text,
                       known);
    return set_part(login, CONF_KEY_PORT, p, end, err) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

static bool holds_only(const char *s, const char *refused)
{
    for (; *s != '\0'; s++) {
        if ((uint8_t)*s <= 0x20 || *s == 0x7F || strchr(refused, *s) != NULL)
            return false;
    }
    return true;
}

/* What one form writes into one value and another in three must be told apart in each. */
static entrasql_status check_place(const conf_login *login, entrasql_error *err)
{
    const char *host = login->values[CONF_KEY_SERVER];
    const char *instance = login->values[CONF_KEY_INSTANCE];
    const char *port = login->values[CONF_KEY_PORT];
    const char *colon = host != NULL ? strchr(host, ':') : NULL;
    uint64_t number;
    if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        es_fail(err, ENTRASQL_CONFIG, "connection string: the server's name holds a ':'");
        es_hint(err, "the port is separated by ',': tcp:host,1433");
        return ENTRASQL_CONFIG;
    }
    if (host != NULL && !holds_only(host, "\\/,;[](){}'\"@"))
        return es_fail(err, ENTRASQL_CONFIG,
                       "connection string: the server's name holds a character that no host has");
    if (instance != NULL && !holds_only(instance, "\\/,;:[](){}'\"@"))
        return es_fail(err, ENTRASQL_CONFIG,
                       "connection string: the instance's name holds a character that none has");
    if (port != NULL && es_parse_u64(port, strlen(port), UINT16_MAX, &number) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_CONFIG,
                       "connection string: the server's port is not a number from 1 to 65535");
    return ENTRASQL_OK;
}

/* "tcp:host\instance,port" into its parts; pymssql also takes "host:port". */
static entrasql_status split_server(conf_login *login, entrasql_error *err)
{
    static const char *const others[] = {"np:", "lpc:", "admin:", "\\\\"};
    ES_CLEANUP(es_cleanup_free) char *text = login->values[CONF_KEY_SERVER];
    if (text == NULL)
        return check_place(login, err);
    login->values[CONF_KEY_SERVER] = NULL;
    const char *p = text;
    while (es_is_space(*p))
        p++;
    for (size_t i = 0; i < ES_COUNT_OF(others); i++) {
        if (!es_strncaseeq(p, others[i], strlen(others[i])))
            continue;
        es_fail(err, ENTRASQL_CONFIG, "connection string: the server is reached over TCP only");
        es_hint(err, "write it as tcp:host,1433");
        return ENTRASQL_CONFIG;
    }
    if (es_strncaseeq(p, "tcp:", 4))
        p += 4;
    const char *end = p + strlen(p);
    const char *comma = strchr(p, ',');
    if (comma == NULL && login->words == CONF_FORM_PYMSSQL) {
        comma = strchr(p, ':');
        if (comma != NULL && strchr(comma + 1, ':') != NULL)
            comma = NULL; /* IPv6 */
    }
    if (comma != NULL) {
        ES_TRY(set_port(login, comma + 1, end, err));
        end = comma;
    }
    const char *slash = memchr(p, '\\', (size_t)(end - p));
    if (slash != NULL) {
        ES_TRY(set_part(login, CONF_KEY_INSTANCE, slash + 1, end, err));
        end = slash;
    }
    bool bracketed = end - p > 2 && *p == '[' && end[-1] == ']';
    ES_TRY(set_part(login, CONF_KEY_SERVER, bracketed ? p + 1 : p, bracketed ? end - 1 : end, err));
    return check_place(login, err);
}

/* ---- reading ---- */

/* Of two equal keywords ODBC takes the first, the others the last. */
static entrasql_status read_pair(conf_login *login, const conf_pair *pair, entrasql_error *err)
{
    unsigned key = conf_key_find(pair->keyword, login->words);
    char *value = NULL;
    if (key == CONF_KEY_COUNT) {
        if (login->words == CONF_FORM_ODBC && conf_connstr_get(&login->own, pair->keyword) != NULL)
            return ENTRASQL_OK;
        conf_connstr_remove(&login->own, pair->keyword);
        return conf_connstr_append(&login->own, pair->keyword, pair->value) == ENTRASQL_OK
                   ? ENTRASQL_OK
                   : es_nomem(err);
    }
    if (login->words == CONF_FORM_ODBC && login->values[key] != NULL)
        return ENTRASQL_OK;
    ES_TRY(conf_value_read((conf_key)key, login->words, pair->keyword, pair->value, &value, err));
    take_value(login, (conf_key)key, value);
    return ENTRASQL_OK;
}

/* The user of an identity is its client id. */
static void move_client_id(conf_login *login)
{
    if (!conf_is_identity(login->values[CONF_KEY_AUTHENTICATION]) ||
        login->values[CONF_KEY_USER] == NULL)
        return;
    take_value(login, CONF_KEY_CLIENT_ID, login->values[CONF_KEY_USER]);
    login->values[CONF_KEY_USER] = NULL;
}

static entrasql_status read_list(conf_login *login, const conf_connstr *list, entrasql_error *err)
{
    for (size_t i = 0; i < list->count; i++)
        ES_TRY(read_pair(login, &list->pairs[i], err));
    ES_TRY(split_server(login, err));
    move_client_id(login);
    return ENTRASQL_OK;
}

/* The URL's own pieces in the words of the driver below; what the query says wins. */
static entrasql_status read_sqlalchemy(conf_login *login, const conf_connstr *list,
                                       entrasql_error *err)
{
    static const struct {
        const char *piece;
        conf_key key;
    } pieces[] = {
        {"drivername", CONF_KEY_DIALECT}, {"username", CONF_KEY_USER},
        {"password", CONF_KEY_PASSWORD},  {"host", CONF_KEY_SERVER},
        {"port", CONF_KEY_PORT},          {"database", CONF_KEY_DATABASE},
    };
    ES_CLEANUP(conf_connstr_done) conf_connstr rest = {0};
    for (size_t i = 0; i < list->count; i++) {
        const conf_pair *pair = &list->pairs[i];
        size_t k = 0;
        while (k < ES_COUNT_OF(pieces) && !es_streq(pieces[k].piece, pair->keyword))
            k++;
        entrasql_status status = k < ES_COUNT_OF(pieces)
                                     ? conf_login_set(login, pieces[k].key, pair->value)
                                     : conf_connstr_append(&rest, pair->keyword, pair->value);
        if (status != ENTRASQL_OK)
            return es_nomem(err);
    }
    return read_list(login, &rest, err);
}

static bool is_pymssql(const char *dialect)
{
    return dialect != NULL && es_ends_with(dialect, "+pymssql");
}

static entrasql_status read_odbc_connect(const char *dialect, const char *text, conf_login *ret,
                                         entrasql_error *err)
{
    entrasql_status status = conf_login_parse(CONF_FORM_ODBC, text, ret, err);
    if (status != ENTRASQL_OK) {
        es_error_prefix(err, "odbc_connect");
        return status;
    }
    return conf_login_set(ret, CONF_KEY_DIALECT, dialect) == ENTRASQL_OK ? ENTRASQL_OK
                                                                         : es_nomem(err);
}

entrasql_status conf_login_from(conf_form form, const conf_connstr *list, conf_login *ret,
                                entrasql_error *err)
{
    ES_CLEANUP(conf_login_done) conf_login login = {.words = form};
    entrasql_status status;
    if (form == CONF_FORM_SQLALCHEMY) {
        const char *dialect = conf_connstr_get(list, "drivername");
        const char *inner = conf_connstr_get(list, "odbc_connect");
        if (inner != NULL && !is_pymssql(dialect)) {
            status = read_odbc_connect(dialect, inner, &login, err);
        } else {
            login.words = is_pymssql(dialect) ? CONF_FORM_PYMSSQL : CONF_FORM_ODBC;
            status = read_sqlalchemy(&login, list, err);
        }
    } else {
        status = read_list(&login, list, err);
    }
    ES_TRY(status);
    *ret = login;
    login = (conf_login){0};
    return ENTRASQL_OK;
}

entrasql_status conf_login_parse(conf_form form, const char *s, conf_login *ret,
                                 entrasql_error *err)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    ES_TRY(conf_form_parse(form, s, &list, err));
    return conf_login_from(form, &list, ret, err);
}

/* ---- writing ---- */

/* The list that is made and the one of what it cannot hold. */
typedef struct writer {
    const conf_login *login;
    conf_form words;
    conf_connstr *list;
    conf_connstr *dropped; /* NULL: nobody asks */
    entrasql_error *err;
} writer;

static entrasql_status drop(const writer *w, const char *keyword)
{
    char reason[80];
    if (w->dropped == NULL)
        return ENTRASQL_OK;
    (void)snprintf(reason, sizeof reason, "%s has no setting for it", conf_form_title(w->words));
    return conf_connstr_append(w->dropped, keyword, reason);
}

static entrasql_status put(const writer *w, conf_key key, const char *word, const char *value)
{
    size_t n = strcspn(word, "|");
    char first[64];
    char *text = NULL;
    ES_TRY(conf_value_write(key, w->words, value, &text));
    if (text == NULL)
        return drop(w, conf_key_name(key));
    (void)snprintf(first, sizeof first, "%.*s", (int)n, word);
    entrasql_status status = conf_connstr_append(w->list, first, text);
    es_free_wipe_str(text);
    return status;
}

/* FreeTDS's ODBC driver takes the port apart from the server. */
static bool is_freetds(const conf_login *login)
{
    const char *driver = login->values[CONF_KEY_DRIVER];
    for (; driver != NULL && *driver != '\0'; driver++) {
        if (es_strncaseeq(driver, "freetds", 7) || es_strncaseeq(driver, "tdsodbc", 7))
            return true;
    }
    return false;
}

/* "tcp:host\instance,port" in one value. */
static entrasql_status put_joined_server(const writer *w)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(CONF_CONNSTR_MAX_BYTES);
    const conf_login *l = w->login;
    const char *instance = l->values[CONF_KEY_INSTANCE];
    const char *port = l->values[CONF_KEY_PORT];
    ES_TRY(es_buf_printf(&text, "tcp:%s", l->values[CONF_KEY_SERVER]));
    if (instance != NULL)
        ES_TRY(es_buf_printf(&text, "\\%s", instance));
    if (port != NULL)
        ES_TRY(es_buf_printf(&text, ",%s", port));
    const char *value = es_buf_cstr(&text);
    return value != NULL ? conf_connstr_append(w->list, "Server", value) : ENTRASQL_NOMEM;
}

static entrasql_status put_server(const writer *w)
{
    const conf_login *l = w->login;
    bool joins = w->words == CONF_FORM_ADO || (w->words == CONF_FORM_ODBC && !is_freetds(l));
    if (joins && l->values[CONF_KEY_SERVER] != NULL)
        return put_joined_server(w);
    static const conf_key parts[] = {CONF_KEY_SERVER, CONF_KEY_INSTANCE, CONF_KEY_PORT};
    static const conf_key go_parts[] = {CONF_KEY_SERVER, CONF_KEY_PORT, CONF_KEY_INSTANCE};
    for (size_t i = 0; i < ES_COUNT_OF(parts); i++) {
        conf_key key = w->words == CONF_FORM_GO ? go_parts[i] : parts[i];
        const char *word = conf_key_word(key, w->words);
        if (l->values[key] == NULL)
            continue;
        ES_TRY(word != NULL ? put(w, key, word, l->values[key]) : drop(w, conf_key_name(key)));
    }
    return ENTRASQL_OK;
}

/* Everything that has a row of its own, in the order of the table. */
static entrasql_status put_rest(const writer *w, conf_key first)
{
    const conf_login *l = w->login;
    for (unsigned i = first; i < CONF_KEY_COUNT; i++) {
        conf_key key = (conf_key)i;
        const char *word = conf_key_word(key, w->words);
        if (l->values[key] == NULL)
            continue;
        if (key == CONF_KEY_CLIENT_ID && word == NULL)
            word = conf_key_word(CONF_KEY_USER, w->words);
        ES_TRY(word != NULL ? put(w, key, word, l->values[key]) : drop(w, conf_key_name(key)));
    }
    for (size_t i = 0; i < l->own.count; i++) {
        const conf_pair *pair = &l->own.pairs[i];
        ES_TRY(l->words == w->words ? conf_connstr_append(w->list, pair->keyword, pair->value)
                                    : drop(w, pair->keyword));
    }
    return ENTRASQL_OK;
}

static entrasql_status put_all(const writer *w)
{
    const conf_login *l = w->login;
    bool go_user = w->words == CONF_FORM_GO && l->values[CONF_KEY_PASSWORD] != NULL &&
                   l->values[CONF_KEY_USER] != NULL;
    for (unsigned i = 0; i < CONF_KEY_DIALECT; i++) {
        const char *word = conf_key_word((conf_key)i, w->words);
        if (l->values[i] != NULL)
            ES_TRY(word != NULL ? put(w, (conf_key)i, word, l->values[i])
                                : drop(w, conf_key_name((conf_key)i)));
    }
    if (!go_user) {
        ES_TRY(put_server(w));
        return put_rest(w, CONF_KEY_DATABASE);
    }
    /* In front, so that they go into the URL's user info. */
    ES_TRY(put(w, CONF_KEY_USER, "user id", l->values[CONF_KEY_USER]));
    ES_TRY(put(w, CONF_KEY_PASSWORD, "password", l->values[CONF_KEY_PASSWORD]));
    ES_TRY(put_server(w));
    if (l->values[CONF_KEY_DATABASE] != NULL)
        ES_TRY(put(w, CONF_KEY_DATABASE, "database", l->values[CONF_KEY_DATABASE]));
    return put_rest(w, CONF_KEY_TRUSTED);
}

/* pymssql's arguments as a URL: the pieces in front, the rest as its query. */
static entrasql_status put_pymssql_url(const writer *w, const char *dialect)
{
    static const struct {
        const char *piece;
        const char *word;
    } pieces[] = {{"username", "user"},
                  {"password", "password"},
                  {"host", "server"},
                  {"port", "port"},
                  {"database", "database"}};
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    writer inner = *w;
    inner.list = &list;
    inner.words = CONF_FORM_PYMSSQL;
    ES_TRY(put_all(&inner));
    ES_TRY(conf_connstr_append(w->list, "drivername", dialect));
    for (size_t i = 0; i < ES_COUNT_OF(pieces); i++) {
        const char *value = conf_connstr_get(&list, pieces[i].word);
        if (value != NULL)
            ES_TRY(conf_connstr_append(w->list, pieces[i].piece, value));
        conf_connstr_remove(&list, pieces[i].word);
    }
    for (size_t i = 0; i < list.count; i++)
        ES_TRY(conf_connstr_append(w->list, list.pairs[i].keyword, list.pairs[i].value));
    return ENTRASQL_OK;
}

static entrasql_status put_odbc_url(const writer *w, const char *dialect)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(CONF_CONNSTR_MAX_BYTES);
    writer inner = *w;
    inner.list = &list;
    inner.words = CONF_FORM_ODBC;
    ES_TRY(put_all(&inner));
    ES_TRY(conf_form_print(CONF_FORM_ODBC, &list, &text, w->err));
    const char *value = es_buf_cstr(&text);
    if (value == NULL)
        return ENTRASQL_NOMEM;
    ES_TRY(conf_connstr_append(w->list, "drivername", dialect));
    return conf_connstr_append(w->list, "odbc_connect", value);
}

entrasql_status conf_login_to(const conf_login *login, conf_form form, conf_connstr *ret,
                              conf_connstr *dropped, entrasql_error *err)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    writer w = {.login = login, .words = form, .list = &list, .dropped = dropped, .err = err};
    const char *dialect = login->values[CONF_KEY_DIALECT];
    entrasql_status status;
    es_error_clear(err);
    if (form != CONF_FORM_SQLALCHEMY)
        status = put_all(&w);
    else if (login->words == CONF_FORM_PYMSSQL)
        status = put_pymssql_url(&w, dialect != NULL ? dialect : "mssql+pymssql");
    else
        status = put_odbc_url(&w, dialect != NULL ? dialect : "mssql+pyodbc");
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    ES_TRY(status);
    *ret = list;
    list = (conf_connstr){0};
    return ENTRASQL_OK;
}

entrasql_status conf_login_print(const conf_login *login, conf_form form, es_buf *out,
                                 conf_connstr *dropped, entrasql_error *err)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    ES_TRY(conf_login_to(login, form, &list, dropped, err));
    return conf_form_print(form, &list, out, err);
}
