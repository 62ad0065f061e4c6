/* SPDX-License-Identifier: MIT */
/* What a connection string means for a SQL Server login. */
#include "conf/connstr.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

#define DEFAULT_PORT 1433
#define HOST_MAX_BYTES 255

const char *const conf_keywords_server[] = {"Server",          "Address",     "Addr",
                                            "Network Address", "Data Source", NULL};
const char *const conf_keywords_database[] = {"Database", "Initial Catalog", NULL};
const char *const conf_keywords_user[] = {"UID", "User ID", "User", NULL};
const char *const conf_keywords_password[] = {"PWD", "Password", NULL};
const char *const conf_keywords_trusted_connection[] = {"Trusted_Connection", "Integrated Security",
                                                        NULL};
const char *const conf_keywords_trust_certificate[] = {"TrustServerCertificate",
                                                       "Trust Server Certificate", NULL};
const char *const conf_keywords_host_name_in_certificate[] = {
    "HostNameInCertificate", "HostnameInCertificate", "Host Name In Certificate", NULL};
const char *const conf_keywords_app[] = {"APP", "Application Name", NULL};
const char *const conf_keywords_workstation[] = {"WSID", "Workstation ID", NULL};
const char *const conf_keywords_login_timeout[] = {
    "Connection Timeout", "Connect Timeout", "Timeout", "LoginTimeout", "Login Timeout", NULL};

/* ---- Server= ---- */

static void trim(const char **p, size_t *n)
{
    while (*n != 0 && es_is_space(**p)) {
        (*p)++;
        (*n)--;
    }
    while (*n != 0 && es_is_space((*p)[*n - 1]))
        (*n)--;
}

static bool text_is(const char *p, size_t n, const char *word)
{
    return n == strlen(word) && es_strncaseeq(p, word, n);
}

static entrasql_status bad_server(const char *s, const char *why, const char *hint,
                                  entrasql_error *err)
{
    char shown[300];
    es_printable(shown, sizeof shown, s, strlen(s));
    es_fail(err, ENTRASQL_CONFIG, "Server '%s': %s", shown, why);
    es_hint(err, "%s", hint);
    return ENTRASQL_CONFIG;
}

#define HINT_FORM "write it as tcp:host,1433"

/* Cuts "tcp:" off and refuses the other protocols. */
static entrasql_status parse_protocol(const char *s, const char **at, size_t *n,
                                      entrasql_error *err)
{
    static const char *const others[] = {"np:", "lpc:", "admin:"};

    if (*n >= 4 && es_strncaseeq(*at, "tcp:", 4)) {
        *at += 4;
        *n -= 4;
        trim(at, n);
        return ENTRASQL_OK;
    }
    for (size_t i = 0; i < ES_COUNT_OF(others); i++) {
        size_t length = strlen(others[i]);
        if (*n >= length && es_strncaseeq(*at, others[i], length))
            return bad_server(s, "only TCP is supported", HINT_FORM, err);
    }
    if (*n >= 2 && (*at)[0] == '\\' && (*at)[1] == '\\')
        return bad_server(s, "named pipes are not supported", HINT_FORM, err);
    return ENTRASQL_OK;
}

/* Cuts ",port" off; *ret_port stays when there is none. */
static entrasql_status parse_port(const char *s, const char *at, size_t *n, uint16_t *ret_port,
                                  entrasql_error *err)
{
    const char *comma = memchr(at, ',', *n);
    if (comma == NULL)
        return ENTRASQL_OK;
    const char *digits = comma + 1;
    size_t count = *n - (size_t)(digits - at);
    trim(&digits, &count);
    uint64_t port = 0;
    if (es_parse_u64(digits, count, UINT16_MAX, &port) != ENTRASQL_OK || port == 0)
        return bad_server(s, "the port after ',' is not a number from 1 to 65535", HINT_FORM, err);
    *n = (size_t)(comma - at);
    trim(&at, n);
    *ret_port = (uint16_t)port;
    return ENTRASQL_OK;
}

/* Cuts "\instance" off. With a port the instance's name does not matter. */
static entrasql_status parse_instance(const char *s, const char *at, size_t *n, bool has_port,
                                      entrasql_error *err)
{
    const char *slash = memchr(at, '\\', *n);
    if (slash == NULL)
        return ENTRASQL_OK;
    const char *name = slash + 1;
    size_t length = *n - (size_t)(name - at);
    trim(&name, &length);
    *n = (size_t)(slash - at);
    trim(&at, n);
    if (text_is(at, *n, "(localdb)"))
        return bad_server(s, "LocalDB exists on Windows only", HINT_FORM, err);
    if (has_port || text_is(name, length, "MSSQLSERVER"))
        return ENTRASQL_OK;
    return bad_server(s, "a named instance needs its port here, SQL Browser is not asked",
                      "add the instance's port: host\\instance,port", err);
}

static bool is_host_char(char c)
{
    return (uint8_t)c > 0x20 && c != 0x7F && strchr("\\/,;[](){}'\"@", c) == NULL;
}

static entrasql_status check_host(const char *s, const char *at, size_t n, bool bracketed,
                                  entrasql_error *err)
{
    if (n == 0)
        return bad_server(s, "the host name is missing", HINT_FORM, err);
    if (n > HOST_MAX_BYTES)
        return bad_server(s, "the host name is too long", HINT_FORM, err);
    size_t colons = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_host_char(at[i]))
            return bad_server(s, "a character that no host name holds", HINT_FORM, err);
        colons += at[i] == ':' ? 1 : 0;
    }
    /* One colon is not an IPv6 address but the habit of other programs. */
    if (colons == 1 && !bracketed)
        return bad_server(s, "the port is separated by ',', not by ':'", HINT_FORM, err);
    return ENTRASQL_OK;
}

/* *ret_port is written only when the text names a port. */
static entrasql_status parse_server(const char *s, char **ret_host, uint16_t *ret_port,
                                    entrasql_error *err)
{
    const char *at = s;
    size_t n = strlen(s);
    uint16_t port = 0;
    trim(&at, &n);
    ES_TRY(parse_protocol(s, &at, &n, err));
    ES_TRY(parse_port(s, at, &n, &port, err));
    ES_TRY(parse_instance(s, at, &n, port != 0, err));
    bool bracketed = n >= 2 && at[0] == '[' && at[n - 1] == ']';
    if (bracketed) {
        at++;
        n -= 2;
    }
    bool local = text_is(at, n, "(local)") || text_is(at, n, ".");
    if (!local)
        ES_TRY(check_host(s, at, n, bracketed, err));
    char *host = local ? es_strdup("localhost") : es_strndup(at, n);
    if (host == NULL)
        return es_nomem(err);
    *ret_host = host;
    if (port != 0)
        *ret_port = port;
    return ENTRASQL_OK;
}

entrasql_status conf_server_parse(const char *s, char **ret_host, uint16_t *ret_port,
                                  entrasql_error *err)
{
    uint16_t port = DEFAULT_PORT;
    ES_TRY(parse_server(s, ret_host, &port, err));
    *ret_port = port;
    return ENTRASQL_OK;
}

/* ---- the other values ---- */

static entrasql_status bad_value(const char *keyword, const char *value, const char *allowed,
                                 entrasql_error *err)
{
    char shown[100];
    es_printable(shown, sizeof shown, value, strlen(value));
    es_fail(err, ENTRASQL_CONFIG, "connection string: %s=%s is not understood", keyword, shown);
    es_hint(err, "%s takes %s", keyword, allowed);
    return ENTRASQL_CONFIG;
}

static entrasql_status copy_any(const conf_connstr *c, const char *const *keywords, char **ret,
                                entrasql_error *err)
{
    const char *value = conf_connstr_get_any(c, keywords, NULL);
    if (value == NULL)
        return ENTRASQL_OK;
    *ret = es_strdup(value);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status copy_one(const conf_connstr *c, const char *keyword, char **ret,
                                entrasql_error *err)
{
    const char *const keywords[] = {keyword, NULL};
    return copy_any(c, keywords, ret, err);
}

static entrasql_status read_bool(const conf_connstr *c, const char *const *keywords, bool *ret,
                                 entrasql_error *err)
{
    const char *keyword = NULL;
    const char *value = conf_connstr_get_any(c, keywords, &keyword);
    if (value == NULL)
        return ENTRASQL_OK;
    if (es_strcaseeq(value, "yes") || es_strcaseeq(value, "true") || es_streq(value, "1") ||
        (keywords == conf_keywords_trusted_connection && es_strcaseeq(value, "sspi"))) {
        *ret = true;
        return ENTRASQL_OK;
    }
    if (es_strcaseeq(value, "no") || es_strcaseeq(value, "false") || es_streq(value, "0")) {
        *ret = false;
        return ENTRASQL_OK;
    }
    return bad_value(keyword, value, "yes or no", err);
}

static entrasql_status read_encrypt(const conf_connstr *c, conf_encrypt *ret, entrasql_error *err)
{
    static const struct {
        const char *word;
        conf_encrypt meaning;
    } words[] = {
        {"yes", CONF_ENCRYPT_MANDATORY},  {"true", CONF_ENCRYPT_MANDATORY},
        {"no", CONF_ENCRYPT_OPTIONAL},    {"mandatory", CONF_ENCRYPT_MANDATORY},
        {"false", CONF_ENCRYPT_OPTIONAL}, {"optional", CONF_ENCRYPT_OPTIONAL},
        {"strict", CONF_ENCRYPT_STRICT},
    };
    *ret = CONF_ENCRYPT_MANDATORY;
    const char *value = conf_connstr_get(c, "Encrypt");
    if (value == NULL)
        return ENTRASQL_OK;
    for (size_t i = 0; i < ES_COUNT_OF(words); i++) {
        if (es_strcaseeq(value, words[i].word)) {
            *ret = words[i].meaning;
            return ENTRASQL_OK;
        }
    }
    return bad_value("Encrypt", value, "yes, no, true, false, optional, mandatory or strict", err);
}

static entrasql_status read_login_timeout(const conf_connstr *c, uint32_t *ret, entrasql_error *err)
{
    const char *keyword = NULL;
    const char *value = conf_connstr_get_any(c, conf_keywords_login_timeout, &keyword);
    if (value == NULL)
        return ENTRASQL_OK;
    uint64_t seconds = 0;
    if (es_parse_u64(value, strlen(value), UINT16_MAX, &seconds) != ENTRASQL_OK)
        return bad_value(keyword, value, "seconds, a number from 0 to 65535", err);
    *ret = (uint32_t)seconds;
    return ENTRASQL_OK;
}

static entrasql_status read_server(const conf_connstr *c, conf_target *t, entrasql_error *err)
{
    uint16_t port = 0;
    const char *server = conf_connstr_get_any(c, conf_keywords_server, NULL);
    if (server != NULL)
        ES_TRY(parse_server(server, &t->host, &port, err));
    const char *text = conf_connstr_get(c, "Port");
    if (text != NULL) {
        uint64_t number = 0;
        if (es_parse_u64(text, strlen(text), UINT16_MAX, &number) != ENTRASQL_OK || number == 0)
            return bad_value("Port", text, "a number from 1 to 65535", err);
        if (port != 0 && port != number)
            return es_fail(err, ENTRASQL_CONFIG,
                           "connection string: Server names port %u and Port names %u",
                           (unsigned)port, (unsigned)number);
        port = (uint16_t)number;
    }
    t->port = port != 0 ? port : DEFAULT_PORT;
    return ENTRASQL_OK;
}

static entrasql_status read_texts(const conf_connstr *c, conf_target *t, entrasql_error *err)
{
    ES_TRY(copy_one(c, "Driver", &t->driver, err));
    ES_TRY(copy_one(c, "DSN", &t->dsn, err));
    ES_TRY(copy_one(c, "Authentication", &t->authentication, err));
    ES_TRY(copy_any(c, conf_keywords_database, &t->database, err));
    ES_TRY(copy_any(c, conf_keywords_user, &t->user, err));
    ES_TRY(copy_any(c, conf_keywords_password, &t->password, err));
    ES_TRY(copy_any(c, conf_keywords_host_name_in_certificate, &t->host_name_in_certificate, err));
    ES_TRY(copy_any(c, conf_keywords_app, &t->app_name, err));
    return copy_any(c, conf_keywords_workstation, &t->workstation_id, err);
}

entrasql_status conf_target_from(const conf_connstr *c, conf_target *ret, entrasql_error *err)
{
    ES_CLEANUP(conf_target_done) conf_target t = {0};

    ES_TRY(read_server(c, &t, err));
    ES_TRY(read_texts(c, &t, err));
    ES_TRY(read_encrypt(c, &t.encrypt, err));
    ES_TRY(read_bool(c, conf_keywords_trusted_connection, &t.trusted_connection, err));
    ES_TRY(read_bool(c, conf_keywords_trust_certificate, &t.trust_server_certificate, err));
    ES_TRY(read_login_timeout(c, &t.login_timeout_s, err));
    *ret = t;
    t = (conf_target){0};
    return ENTRASQL_OK;
}

void conf_target_done(conf_target *t)
{
    es_free(t->driver);
    es_free(t->dsn);
    es_free(t->host);
    es_free(t->database);
    es_free(t->user);
    es_free_wipe_str(t->password);
    es_free(t->authentication);
    es_free(t->host_name_in_certificate);
    es_free(t->app_name);
    es_free(t->workstation_id);
    *t = (conf_target){0};
}
