/* SPDX-License-Identifier: MIT */
/* Rewriting connection strings for the driver underneath. */
#include "odbc_glue/rewrite.h"

#include "base/str.h"
#include "odbc_glue/auth.h"

#include <entrasql/odbc.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void glue_warn(const glue_warning *w, const char *fmt, ...)
{
    char message[512];
    va_list ap;

    if (w->function == NULL)
        return;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    es_utf8_trim_end(message);
    w->function(w->context, message);
}

static entrasql_status other_login(const char *keyword, entrasql_error *err)
{
    es_fail(err, ENTRASQL_CONFIG,
            "connection string: %s= asks for another sign-in than the credential that was given",
            keyword);
    es_hint(err, "remove %s= to sign in with the token, or give no credential for a SQL login",
            keyword);
    return ENTRASQL_CONFIG;
}

entrasql_status glue_check_no_other_login(const conf_connstr *c, entrasql_error *err)
{
    static const char *const authentication[] = {"Authentication", NULL};
    const char *const *const lists[] = {conf_keywords_user, conf_keywords_password, authentication};
    const char *keyword = NULL;

    for (size_t i = 0; i < ES_COUNT_OF(lists); i++) {
        if (conf_connstr_get_any(c, lists[i], &keyword) != NULL)
            return other_login(keyword, err);
    }
    const char *trusted = conf_connstr_get_any(c, conf_keywords_trusted_connection, &keyword);
    /* Trusted_Connection=no asks for nothing, whatever the driver thinks of it. */
    if (trusted != NULL && !es_strcaseeq(trusted, "no") && !es_strcaseeq(trusted, "false"))
        return other_login(keyword, err);
    return ENTRASQL_OK;
}

static bool is_listed(const char *keyword, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (es_strcaseeq(keyword, *list))
            return true;
    }
    return false;
}

void glue_remove_own_keywords(conf_connstr *c)
{
    conf_connstr_remove_any(c, conf_keywords_login_timeout);
    conf_connstr_remove(c, GLUE_KEYWORD_UNDERLYING);
}

bool glue_is_own_keyword(const char *keyword)
{
    const char *const *const lists[] = {conf_keywords_login_timeout, conf_keywords_user,
                                        conf_keywords_password, conf_keywords_trusted_connection,
                                        glue_auth_keywords};
    for (size_t i = 0; i < ES_COUNT_OF(lists); i++) {
        if (is_listed(keyword, lists[i]))
            return true;
    }
    return es_strcaseeq(keyword, GLUE_KEYWORD_UNDERLYING);
}

bool entrasql_odbc_has_own_login(const char *connection_string)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    if (connection_string == NULL ||
        conf_connstr_parse(connection_string, &list, NULL) != ENTRASQL_OK)
        return false;
    return glue_check_no_other_login(&list, NULL) != ENTRASQL_OK;
}

/* What tdsodbc 1.x understands, beyond what the tunnel sets. */
static const char *const freetds_keywords[] = {
    "Driver",
    "DSN",
    "Database",
    "APP",
    "WSID",
    "Language",
    "TextSize",
    "PacketSize",
    "ClientCharset",
    "TDS_Version",
    "DumpFile",
    "DumpFileAppend",
    "DebugFlags",
    "AttachDbFilename",
    "ApplicationIntent",
    NULL,
};

/* The keywords whose meaning the tunnel takes over, and those that cannot hold beyond it. */
static void remove_tunnel_keywords(conf_connstr *c, const glue_warning *warning)
{
    static const char *const own[] = {"DSN",        "FILEDSN",   "SAVEFILE",   "Port",
                                      "Servername", "Encrypt",   "Encryption", "ServerSPN",
                                      "REALM",      "UseNTLMv2", NULL};
    const char *mars = conf_connstr_get(c, "MARS_Connection");
    if (mars != NULL && es_strcaseeq(mars, "yes"))
        glue_warn(warning, "MARS_Connection is not available with this driver and a token");
    conf_connstr_remove(c, "MARS_Connection");
    conf_connstr_remove_any(c, own);
    conf_connstr_remove_any(c, conf_keywords_server);
    conf_connstr_remove_any(c, conf_keywords_trusted_connection);
    conf_connstr_remove_any(c, conf_keywords_trust_certificate);
    conf_connstr_remove_any(c, conf_keywords_host_name_in_certificate);
}

/* The synonyms that drivers do not share, brought to the word that all know. */
static entrasql_status use_one_word(conf_connstr *c, const char *const *synonyms)
{
    const char *keyword = NULL;
    const char *value = conf_connstr_get_any(c, synonyms, &keyword);
    if (value == NULL || es_strcaseeq(keyword, synonyms[0]))
        return ENTRASQL_OK;
    ES_TRY(conf_connstr_set(c, synonyms[0], value));
    conf_connstr_remove_any(c, synonyms + 1);
    return ENTRASQL_OK;
}

static void warn_of_unknown(const conf_connstr *c, const glue_driver *driver,
                            const glue_warning *warning)
{
    for (size_t i = 0; i < c->count; i++) {
        const char *keyword = c->pairs[i].keyword;
        char shown[100];
        if (driver->kind == GLUE_DRIVER_FREETDS && is_listed(keyword, freetds_keywords))
            continue;
        if (is_listed(keyword, conf_keywords_database) || is_listed(keyword, conf_keywords_app) ||
            is_listed(keyword, conf_keywords_workstation) || es_strcaseeq(keyword, "Driver"))
            continue;
        es_printable(shown, sizeof shown, keyword, strlen(keyword));
        glue_warn(warning, "the keyword %s is not known here and is handed to the driver", shown);
    }
}

static entrasql_status set_server(conf_connstr *c, const glue_driver *driver, uint16_t port)
{
    char text[32];

    if (driver->kind == GLUE_DRIVER_FREETDS) {
        snprintf(text, sizeof text, "%u", (unsigned)port);
        ES_TRY(conf_connstr_set(c, "Server", "127.0.0.1"));
        return conf_connstr_set(c, "Port", text);
    }
    snprintf(text, sizeof text, "127.0.0.1,%u", (unsigned)port);
    return conf_connstr_set(c, "Server", text);
}

/* FEDAUTH needs TDS 7.4, and the driver's messages are passed on as they are. */
static entrasql_status set_freetds_words(conf_connstr *c, const glue_warning *warning)
{
    const char *version = conf_connstr_get(c, "TDS_Version");
    if (version != NULL && !es_streq(version, "7.4") && !es_strcaseeq(version, "auto"))
        glue_warn(warning, "TDS_Version is 7.4 with a token, not what the connection string says");
    ES_TRY(conf_connstr_set(c, "TDS_Version", "7.4"));
    ES_TRY(conf_connstr_set(c, "Encryption", "off"));
    if (conf_connstr_get(c, "ClientCharset") == NULL)
        return conf_connstr_set(c, "ClientCharset", "UTF-8");
    return ENTRASQL_OK;
}

static entrasql_status rewrite(conf_connstr *c, const glue_driver *driver,
                               const glue_tunnel_address *address, const glue_warning *warning)
{
    ES_TRY(conf_connstr_set(c, "Driver", driver->name)); /* a data source's driver, too */
    remove_tunnel_keywords(c, warning);
    glue_remove_own_keywords(c);
    ES_TRY(use_one_word(c, conf_keywords_database));
    ES_TRY(use_one_word(c, conf_keywords_app));
    ES_TRY(use_one_word(c, conf_keywords_workstation));
    warn_of_unknown(c, driver, warning);
    ES_TRY(set_server(c, driver, address->port));
    ES_TRY(conf_connstr_set(c, "UID", address->user));
    ES_TRY(conf_connstr_set(c, "PWD", es_secret_reveal(address->secret)));
    if (driver->kind == GLUE_DRIVER_FREETDS)
        return set_freetds_words(c, warning);
    return conf_connstr_set(c, "Encrypt", "no");
}

entrasql_status glue_rewrite_for_tunnel(conf_connstr *c, const glue_driver *driver,
                                        const glue_tunnel_address *address,
                                        const glue_warning *warning, entrasql_error *err)
{
    entrasql_status status = rewrite(c, driver, address, warning);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status != ENTRASQL_OK)
        return es_fail(err, status, "the connection string for the tunnel cannot be made");
    return ENTRASQL_OK;
}

/* ---- Microsoft's driver ---- */

/* Seen in 18.6: it connects to the address of the machine's own name instead. */
entrasql_status glue_name_loopback(conf_connstr *c, const conf_target *target, entrasql_error *err)
{
    char server[48];

    if (target->host == NULL || !es_strcaseeq(target->host, "localhost"))
        return ENTRASQL_OK;
    snprintf(server, sizeof server, "tcp:127.0.0.1,%u", (unsigned)target->port);
    conf_connstr_remove_any(c, conf_keywords_server);
    if (conf_connstr_set(c, conf_keywords_server[0], server) != ENTRASQL_OK)
        return es_nomem(err);
    if (target->host_name_in_certificate == NULL &&
        conf_connstr_set(c, conf_keywords_host_name_in_certificate[0], "localhost") != ENTRASQL_OK)
        return es_nomem(err);
    return ENTRASQL_OK;
}

/* ---- a login of the string's own ---- */

/* tdsodbc knows no certificate keywords: what it cannot check it must not be trusted with. */
static entrasql_status set_freetds_encryption(conf_connstr *c, const conf_target *target,
                                              const glue_warning *warning, entrasql_error *err)
{
    if (target->encrypt == CONF_ENCRYPT_STRICT) {
        es_fail(err, ENTRASQL_CONFIG,
                "connection string: Encrypt=strict is not known to FreeTDS with a SQL login");
        es_hint(err, "sign in with a token, or install Microsoft's driver");
        return ENTRASQL_CONFIG;
    }
    if (conf_connstr_get(c, "Encryption") == NULL) {
        const char *word = target->encrypt == CONF_ENCRYPT_OPTIONAL ? "request" : "require";
        if (conf_connstr_set(c, "Encryption", word) != ENTRASQL_OK)
            return es_nomem(err);
    }
    if (target->encrypt == CONF_ENCRYPT_MANDATORY && !target->trust_server_certificate)
        glue_warn(warning, "FreeTDS checks the server's certificate only if freetds.conf names a "
                           "ca file");
    return ENTRASQL_OK;
}

static entrasql_status set_freetds_login(conf_connstr *c, const glue_driver *driver,
                                         const conf_target *target)
{
    static const char *const gone[] = {
        "DSN", "FILEDSN", "SAVEFILE", "Encrypt", "Authentication", "MultiSubnetFailover", NULL};
    char port[16];
    ES_TRY(conf_connstr_set(c, "Driver", driver->name));
    conf_connstr_remove_any(c, gone);
    conf_connstr_remove_any(c, conf_keywords_server);
    conf_connstr_remove_any(c, conf_keywords_trust_certificate);
    conf_connstr_remove_any(c, conf_keywords_host_name_in_certificate);
    glue_remove_own_keywords(c);
    ES_TRY(use_one_word(c, conf_keywords_database));
    ES_TRY(use_one_word(c, conf_keywords_app));
    ES_TRY(use_one_word(c, conf_keywords_workstation));
    ES_TRY(use_one_word(c, conf_keywords_user));
    ES_TRY(use_one_word(c, conf_keywords_password));
    snprintf(port, sizeof port, "%u", (unsigned)target->port);
    if (target->host != NULL)
        ES_TRY(conf_connstr_set(c, "Server", target->host));
    ES_TRY(conf_connstr_set(c, "Port", port));
    if (conf_connstr_get(c, "TDS_Version") == NULL)
        ES_TRY(conf_connstr_set(c, "TDS_Version", "7.4"));
    if (conf_connstr_get(c, "ClientCharset") == NULL)
        return conf_connstr_set(c, "ClientCharset", "UTF-8");
    return ENTRASQL_OK;
}

entrasql_status glue_rewrite_for_driver(conf_connstr *c, const glue_driver *driver,
                                        const conf_target *target, const glue_warning *warning,
                                        entrasql_error *err)
{
    static const char *const manager[] = {"DSN", "FILEDSN", "SAVEFILE", "Driver", NULL};
    if (driver->kind != GLUE_DRIVER_FREETDS) {
        conf_connstr_remove_any(c, manager);
        glue_remove_own_keywords(c);
        return driver->kind == GLUE_DRIVER_MICROSOFT ? glue_name_loopback(c, target, err)
                                                     : ENTRASQL_OK;
    }
    if (set_freetds_login(c, driver, target) != ENTRASQL_OK)
        return es_nomem(err);
    return set_freetds_encryption(c, target, warning, err);
}
