/* SPDX-License-Identifier: MIT */
/* A connection string of any form without its password, for a chosen identity. */
#include "conf/login.h"

#include "base/mem.h"
#include "base/str.h"
#include "conf/keys.h"

#include <stdio.h>
#include <string.h>

#define MICROSOFT_DRIVER "ODBC Driver 18 for SQL Server"
#define OWN_DRIVER "entrasql"
#define PROXY_USER "entrasql" /* any: without one FreeTDS would try Kerberos */
#define PROXY_HOST "127.0.0.1"
#define DEFAULT_PORT "1433"

typedef struct work {
    const conf_convert_options *options;
    conf_login login;
    conf_form to;
    bool to_pymssql;
    bool to_odbc;
    conf_converted *ret;
    entrasql_error *err;
} work;

void conf_converted_done(conf_converted *c)
{
    es_free(c->server);
    es_free(c->database);
    conf_connstr_done(&c->dropped);
    conf_connstr_done(&c->changed);
    *c = (conf_converted){0};
}

/* ---- small changes ---- */

static entrasql_status set(work *w, conf_key key, const char *value)
{
    return conf_login_set(&w->login, key, value) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(w->err);
}

static entrasql_status note(const work *w, conf_connstr *list, const char *keyword,
                            const char *text)
{
    return conf_connstr_append(list, keyword, text) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(w->err);
}

/* Whether the driver's name, or its file's without the folders, has that piece. */
static bool names(const char *driver, const char *piece)
{
    const char *slash = driver != NULL ? strrchr(driver, '/') : NULL;
    const char *s = slash != NULL ? slash + 1 : driver;
    for (; s != NULL && *s != '\0'; s++) {
        if (es_strncaseeq(s, piece, strlen(piece)))
            return true;
    }
    return false;
}

static const char *get(const work *w, conf_key key)
{
    return w->login.values[key];
}

/* ---- what goes ---- */

/* Keywords of the old sign-in that are no secrets. */
static bool is_of_sign_in(const char *keyword)
{
    static const char *const words[] = {
        "Persist Security Info",
        "PersistSecurityInfo",
        "aadSecurePrincipalId",
        "authenticationScheme",
        "realm",
        "domain",
        "serverSpn",
        "Server SPN",
        "FailoverPartnerSPN",
        "TrustedConnection_UseAAD",
        "ClientCertificate",
        "clientcertpath",
        "accessTokenCallbackClass",
        "krb5-configfile",
        "krb5-realm",
        "authenticator",
    };
    for (size_t i = 0; i < ES_COUNT_OF(words); i++) {
        if (es_strcaseeq(words[i], keyword))
            return true;
    }
    return false;
}

static entrasql_status drop_own(work *w)
{
    conf_connstr *own = &w->login.own;
    for (size_t i = own->count; i-- != 0;) {
        const char *keyword = own->pairs[i].keyword;
        bool secret = conf_keyword_is_secret(keyword);
        if (!secret && !is_of_sign_in(keyword))
            continue;
        w->ret->had_password = w->ret->had_password || (secret && own->pairs[i].value[0] != '\0');
        ES_TRY(note(w, &w->ret->dropped, keyword,
                    secret ? "it is a secret" : "it belongs to the old sign-in"));
        conf_connstr_remove_at(own, i);
    }
    return ENTRASQL_OK;
}

static entrasql_status drop_sign_in(work *w)
{
    static const conf_key keys[] = {CONF_KEY_USER, CONF_KEY_PASSWORD, CONF_KEY_TRUSTED,
                                    CONF_KEY_AUTHENTICATION, CONF_KEY_CLIENT_ID};
    const char *password = get(w, CONF_KEY_PASSWORD);
    w->ret->had_password = password != NULL && *password != '\0';
    for (size_t i = 0; i < ES_COUNT_OF(keys); i++)
        ES_TRY(set(w, keys[i], NULL));
    return drop_own(w);
}

/* ---- what is made safe ---- */

static entrasql_status harden(work *w)
{
    const char *encrypt = get(w, CONF_KEY_ENCRYPT);
    if (es_streq(encrypt, "optional"))
        ES_TRY(note(w, &w->ret->changed, "encryption", "was optional: a token is sent encrypted"));
    if (!es_streq(encrypt, "strict"))
        ES_TRY(set(w, CONF_KEY_ENCRYPT, "mandatory"));
    if (es_streq(get(w, CONF_KEY_TRUST_CERTIFICATE), "yes"))
        ES_TRY(note(w, &w->ret->changed, "trust server certificate",
                    "was yes: whoever stood between would get the token"));
    ES_TRY(set(w, CONF_KEY_TRUST_CERTIFICATE, "no"));
    if (get(w, CONF_KEY_SERVER) != NULL && get(w, CONF_KEY_PORT) == NULL &&
        get(w, CONF_KEY_INSTANCE) == NULL)
        ES_TRY(set(w, CONF_KEY_PORT, DEFAULT_PORT));
    return ENTRASQL_OK;
}

/* ---- who signs in ---- */

static entrasql_status sign_in_by_driver(work *w, const char *id)
{
    bool is_default = w->options->identity == CONF_IDENTITY_DEFAULT;
    ES_TRY(set(w, CONF_KEY_AUTHENTICATION, is_default ? "default" : "managed-identity"));
    return set(w, CONF_KEY_CLIENT_ID, id);
}

static bool is_own_driver(const char *driver)
{
    return names(driver, OWN_DRIVER);
}

/* Drivers that know no Entra sign-in of any kind. */
static const char *why_not_driver(const char *driver)
{
    if (names(driver, "freetds") || names(driver, "tdsodbc"))
        return "FreeTDS has no token login: entrasql's driver signs in above it";
    if (es_strcaseeq(driver, "SQL Server") || names(driver, "native client") ||
        names(driver, "ODBC Driver 11") || names(driver, "ODBC Driver 13"))
        return "the old driver has no Entra sign-in";
    return NULL;
}

static entrasql_status choose_driver(work *w)
{
    const char *driver = get(w, CONF_KEY_DRIVER);
    const char *why = driver != NULL ? why_not_driver(driver) : NULL;
    const char *better = MICROSOFT_DRIVER;
    if (w->options->driver != NULL)
        return set(w, CONF_KEY_DRIVER, w->options->driver);
    if (why != NULL) {
        if (names(driver, "freetds") || names(driver, "tdsodbc"))
            better = OWN_DRIVER;
        ES_TRY(note(w, &w->ret->changed, "driver", why));
    }
    if (why != NULL || (driver == NULL && get(w, CONF_KEY_DSN) == NULL))
        return set(w, CONF_KEY_DRIVER, better);
    return ENTRASQL_OK;
}

/*
 * Microsoft's driver on Linux has no ActiveDirectoryDefault: for that the
 * program sets the token, as in the tutorial, and no keyword may speak of a
 * sign-in.
 */
static entrasql_status sign_in_odbc(work *w)
{
    const conf_convert_options *o = w->options;
    ES_TRY(choose_driver(w));
    if (is_own_driver(get(w, CONF_KEY_DRIVER)))
        return sign_in_by_driver(w, o->client_id);
    if (o->identity != CONF_IDENTITY_DEFAULT)
        return sign_in_by_driver(w, o->object_id != NULL ? o->object_id : o->client_id);
    w->ret->needs_token = true;
    return ENTRASQL_OK;
}

/* pymssql and FreeTDS cannot send a token: the proxy does, and the client needs no secret. */
static entrasql_status lead_to_proxy(work *w)
{
    const conf_convert_options *o = w->options;
    char port[8];
    (void)snprintf(port, sizeof port, "%u", (unsigned)(o->proxy_port != 0 ? o->proxy_port : 1433));
    w->ret->needs_proxy = true;
    ES_TRY(set(w, CONF_KEY_SERVER, o->proxy_host != NULL ? o->proxy_host : PROXY_HOST));
    ES_TRY(set(w, CONF_KEY_INSTANCE, NULL));
    ES_TRY(set(w, CONF_KEY_PORT, port));
    ES_TRY(set(w, CONF_KEY_ENCRYPT, NULL));
    ES_TRY(set(w, CONF_KEY_TRUST_CERTIFICATE, NULL));
    ES_TRY(set(w, CONF_KEY_HOST_IN_CERTIFICATE, NULL));
    return set(w, CONF_KEY_USER, PROXY_USER);
}

static entrasql_status sign_in(work *w)
{
    if (w->to_pymssql)
        return lead_to_proxy(w);
    if (w->to_odbc)
        return sign_in_odbc(w);
    ES_TRY(set(w, CONF_KEY_DRIVER, NULL));
    if (get(w, CONF_KEY_SERVER) == NULL) {
        es_fail(w->err, ENTRASQL_CONFIG,
                "the connection string names a data source (DSN), no server");
        es_hint(w->err, "%s has no data sources: put Server= and Database= into the string",
                conf_form_title(w->to));
        return ENTRASQL_CONFIG;
    }
    if (w->to == CONF_FORM_GO)
        ES_TRY(note(w, &w->ret->changed, "fedauth",
                    "open it as sql.Open(azuread.DriverName, ...) of go-mssqldb/azuread"));
    return sign_in_by_driver(w, w->options->client_id);
}

/* ---- the whole ---- */

static entrasql_status check_id(const char *name, const char *id, entrasql_error *err)
{
    uint8_t guid[16];
    if (id == NULL || es_guid_parse(id, guid) == ENTRASQL_OK)
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_INVALID, "the %s is not a GUID", name);
    es_hint(err, "az identity show --query \"{client:clientId,object:principalId}\" prints both");
    return ENTRASQL_INVALID;
}

static entrasql_status check_options(const conf_convert_options *o, entrasql_error *err)
{
    ES_TRY(check_id("client id", o->client_id, err));
    ES_TRY(check_id("object id", o->object_id, err));
    if (o->identity == CONF_IDENTITY_USER && o->client_id == NULL)
        return es_fail(err, ENTRASQL_INVALID, "a user-assigned identity is named by its client id");
    if (o->identity == CONF_IDENTITY_SYSTEM && o->client_id != NULL)
        return es_fail(err, ENTRASQL_INVALID,
                       "the system-assigned identity has no client id to name");
    return ENTRASQL_OK;
}

/*
 * A password may hold any delimiter, so its absence is proved: what was printed is read again and
 * has to say exactly what we meant.
 */
static entrasql_status prove(work *w, const char *text)
{
    ES_CLEANUP(conf_login_done) conf_login again = {0};
    entrasql_status status = conf_login_parse(w->to, text, &again, w->err);
    if (status == ENTRASQL_NOMEM)
        return status;
    if (status != ENTRASQL_OK)
        return es_fail(w->err, ENTRASQL_INTERNAL, "the converted string cannot be read again");
    bool good = again.values[CONF_KEY_PASSWORD] == NULL;
    for (unsigned i = 0; i < CONF_KEY_COUNT; i++) {
        const char *meant = get(w, (conf_key)i);
        good = good && (again.values[i] == NULL || i == CONF_KEY_DIALECT ||
                        es_streq(again.values[i], meant));
    }
    for (size_t i = 0; i < again.own.count; i++) {
        const char *value = conf_connstr_get(&w->login.own, again.own.pairs[i].keyword);
        good = good && es_streq(value, again.own.pairs[i].value);
    }
    if (good)
        return ENTRASQL_OK;
    return es_fail(w->err, ENTRASQL_INTERNAL, "the converted string says something else");
}

static entrasql_status convert(work *w, es_buf *out)
{
    if (get(w, CONF_KEY_SERVER) == NULL && get(w, CONF_KEY_DSN) == NULL) {
        es_fail(w->err, ENTRASQL_CONFIG, "the connection string names no server");
        es_hint(w->err, "it was read as the form of %s: --form says otherwise",
                conf_form_title(w->ret->from));
        return ENTRASQL_CONFIG;
    }
    w->ret->server = es_strdup(get(w, CONF_KEY_SERVER));
    w->ret->database = es_strdup(get(w, CONF_KEY_DATABASE));
    if ((get(w, CONF_KEY_SERVER) != NULL && w->ret->server == NULL) ||
        (get(w, CONF_KEY_DATABASE) != NULL && w->ret->database == NULL))
        return es_nomem(w->err);
    ES_TRY(drop_sign_in(w));
    ES_TRY(harden(w));
    ES_TRY(sign_in(w));
    /* Nobody has a database of that dialect any more: the words are the driver's. */
    if (w->to != CONF_FORM_SQLALCHEMY || (w->to_odbc && w->login.words == CONF_FORM_PYMSSQL))
        ES_TRY(set(w, CONF_KEY_DIALECT, NULL));
    conf_form words = w->to == CONF_FORM_SQLALCHEMY
                          ? (w->to_pymssql ? CONF_FORM_PYMSSQL : CONF_FORM_ODBC)
                          : w->to;
    if (words != w->login.words) {
        for (size_t i = 0; i < w->login.own.count; i++)
            ES_TRY(note(w, &w->ret->dropped, w->login.own.pairs[i].keyword,
                        "the other driver has no setting for it"));
        conf_connstr_done(&w->login.own);
        w->login.words = words;
    }
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(CONF_CONNSTR_MAX_BYTES * 4);
    ES_TRY(conf_login_print(&w->login, w->to, &text, &w->ret->dropped, w->err));
    const char *printed = es_buf_cstr(&text);
    if (printed == NULL)
        return es_nomem(w->err);
    ES_TRY(prove(w, printed));
    return es_buf_add_str(out, printed) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(w->err);
}

entrasql_status conf_convert(const char *s, const conf_convert_options *options, es_buf *out,
                             conf_converted *ret, entrasql_error *err)
{
    conf_converted converted = {0};
    work w = {.options = options, .ret = &converted, .err = err};
    ES_TRY(check_options(options, err));
    converted.from = options->from != NULL ? *options->from : conf_form_detect(s);
    ES_TRY(conf_login_parse(converted.from, s, &w.login, err));
    w.to = options->to != NULL ? *options->to : converted.from;
    converted.to = w.to;
    w.to_pymssql =
        w.to == CONF_FORM_PYMSSQL ||
        (options->to == NULL && w.to == CONF_FORM_SQLALCHEMY && w.login.words == CONF_FORM_PYMSSQL);
    w.to_odbc = !w.to_pymssql && (w.to == CONF_FORM_ODBC || w.to == CONF_FORM_SQLALCHEMY);
    entrasql_status status = convert(&w, out);
    conf_login_done(&w.login);
    if (status != ENTRASQL_OK) {
        conf_converted_done(&converted);
        return status;
    }
    *ret = converted;
    return ENTRASQL_OK;
}
