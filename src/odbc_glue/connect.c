/* SPDX-License-Identifier: MIT */
/* entrasql_odbc_connect(): one connection string, two ways to sign in. */
#include <entrasql/odbc.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "odbc_glue/diag.h"
#include "odbc_glue/rewrite.h"
#include "odbc_glue/token_block.h"
#include "relay/tunnel.h"

#include <limits.h>
#include <poll.h>
#include <string.h>

#define SQL_COPT_SS_ACCESS_TOKEN 1256
#define DEFAULT_LOGIN_TIMEOUT_MS 30000
#define FIRST_RETRY_MS 1000
#define CONNECT_STRING_MAX_BYTES (2 * CONF_CONNSTR_MAX_BYTES)

/* What one call works on; everything but the pairs is borrowed. */
typedef struct call {
    SQLHDBC dbc;
    entrasql_credential *credential;
    entrasql_odbc_options options;
    glue_warning warning;
    conf_connstr list;   /* as the caller wrote it */
    conf_connstr merged; /* with the data source's values */
    conf_target target;  /* the meaning of `merged` */
    glue_driver driver;
    int64_t deadline_ms;
} call;

static void call_done(call *c)
{
    conf_connstr_done(&c->list);
    conf_connstr_done(&c->merged);
    conf_target_done(&c->target);
    glue_driver_done(&c->driver);
}

/* Milliseconds left for the login; 0 when the deadline has passed. */
static uint32_t time_left(const call *c)
{
    int left = es_clock_poll_timeout(c->deadline_ms);
    return left > 0 ? (uint32_t)left : 0;
}

static void set_deadline(call *c, uint32_t string_timeout_s)
{
    uint32_t ms = c->options.login_timeout_ms;
    if (ms == 0)
        ms = string_timeout_s * 1000;
    if (ms == 0)
        ms = DEFAULT_LOGIN_TIMEOUT_MS;
    c->deadline_ms = es_clock_deadline(ms);
}

static entrasql_status timed_out(const char *during, entrasql_error *err)
{
    es_fail(err, ENTRASQL_TIMEOUT, "the login timeout passed while %s", during);
    es_hint(err, "Connection Timeout= in the connection string sets it, in seconds");
    return ENTRASQL_TIMEOUT;
}

/* ---- the driver manager ---- */

static bool is_ascii(const es_buf *b)
{
    for (size_t i = 0; i < b->len; i++) {
        if (b->data[i] >= 0x80)
            return false;
    }
    return true;
}

/*
 * The manager converts the text of the ANSI call by the process's locale,
 * which may not be UTF-8; so other than ASCII goes in as UTF-16.
 */
static SQLRETURN driver_connect(SQLHDBC dbc, es_buf *text)
{
    if (is_ascii(text)) {
        if (es_buf_cstr(text) == NULL)
            return SQL_ERROR;
        return SQLDriverConnect(dbc, NULL, text->data, SQL_NTS, NULL, 0, NULL, SQL_DRIVER_NOPROMPT);
    }
    ES_CLEANUP(es_buf_done) es_buf wide = ES_BUF_INIT_WIPE(2 * CONNECT_STRING_MAX_BYTES);
    _Static_assert(sizeof(SQLWCHAR) == 2, "unixODBC's wide characters are UTF-16");
    if (es_buf_utf16le(&wide, (const char *)text->data, text->len, NULL) != ENTRASQL_OK ||
        es_buf_u16le(&wide, 0) != ENTRASQL_OK)
        return SQL_ERROR;
    return SQLDriverConnectW(dbc, NULL, (SQLWCHAR *)(void *)wide.data, SQL_NTS, NULL, 0, NULL,
                             SQL_DRIVER_NOPROMPT);
}

/* 01S00 is the driver's word for a keyword that it does not know. */
static void pass_warnings_on(const call *c)
{
    glue_diag *records = es_calloc(GLUE_DIAG_MAX, sizeof *records);
    if (records == NULL)
        return;
    size_t count = glue_diag_read(SQL_HANDLE_DBC, c->dbc, records, GLUE_DIAG_MAX);
    for (size_t i = 0; i < count; i++) {
        if (es_streq(records[i].sqlstate, "01S00"))
            glue_warn(&c->warning, "the driver says: %s", records[i].text);
    }
    es_free(records);
}

/* extra_s: how much longer than our own deadline the driver may take. */
static entrasql_status connect_by(const call *c, const conf_connstr *list, uint32_t extra_s,
                                  entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(CONNECT_STRING_MAX_BYTES);

    if (conf_connstr_print(list, &text) != ENTRASQL_OK)
        return es_nomem(err);
    uint32_t left_ms = time_left(c);
    if (left_ms == 0)
        return timed_out("getting ready to connect", err);
    uintptr_t seconds = (left_ms + 999) / 1000 + extra_s;
    if (!SQL_SUCCEEDED(SQLSetConnectAttr(c->dbc, SQL_ATTR_LOGIN_TIMEOUT, (SQLPOINTER)seconds,
                                         SQL_IS_UINTEGER)))
        return glue_diag_take(SQL_HANDLE_DBC, c->dbc, true, err);
    SQLRETURN rc = driver_connect(c->dbc, &text);
    if (!SQL_SUCCEEDED(rc))
        return glue_diag_take(SQL_HANDLE_DBC, c->dbc, true, err);
    if (rc == SQL_SUCCESS_WITH_INFO)
        pass_warnings_on(c);
    return ENTRASQL_OK;
}

/* ---- Microsoft's driver: attribute 1256 ---- */

static entrasql_status give_token(const call *c, entrasql_error *err)
{
    entrasql_token *token = NULL;
    const void *block = NULL;
    entrasql_token_request request = {
        .size = sizeof request,
        .scope = relay_scope_for_host(c->target.host),
        .timeout_ms = time_left(c),
    };
    if (request.timeout_ms == 0)
        return timed_out("getting ready to connect", err);
    ES_TRY(entrasql_credential_get_token(c->credential, &request, &token, err));
    entrasql_status status = glue_token_block_intern(entrasql_token_value(token),
                                                     entrasql_token_expires_on(token), &block, err);
    entrasql_token_free(token);
    if (status != ENTRASQL_OK)
        return status;
    /* ODBC's pointers are not const; the driver only reads. */
    if (!SQL_SUCCEEDED(SQLSetConnectAttr(c->dbc, SQL_COPT_SS_ACCESS_TOKEN,
                                         (SQLPOINTER)(uintptr_t)block, SQL_IS_POINTER)))
        return glue_diag_take(SQL_HANDLE_DBC, c->dbc, true, err);
    return ENTRASQL_OK;
}

/*
 * The manager keeps the attributes of a handle and sets them again at each
 * connect; with a token among them the driver refuses UID and PWD.
 */
static void forget_token(SQLHDBC dbc)
{
    (void)SQLSetConnectAttr(dbc, SQL_COPT_SS_ACCESS_TOKEN, NULL, SQL_IS_POINTER);
}

static entrasql_status connect_microsoft(call *c, entrasql_error *err)
{
    if (c->options.ca_file != NULL)
        glue_warn(&c->warning, "ca_file is not used: Microsoft's driver trusts the system store "
                               "and SSL_CERT_FILE");
    glue_remove_own_keywords(&c->list);
    conf_connstr_remove_any(&c->list, conf_keywords_trusted_connection); /* it can only say no */
    ES_TRY(give_token(c, err));
    entrasql_status status = connect_by(c, &c->list, 0, err);
    if (status != ENTRASQL_OK)
        forget_token(c->dbc);
    return status;
}

/* ---- any other driver: the tunnel ---- */

static tds_encrypt encrypt_of(conf_encrypt encrypt)
{
    switch (encrypt) {
    case CONF_ENCRYPT_OPTIONAL:
        return TDS_ENCRYPT_OFF;
    case CONF_ENCRYPT_STRICT:
        return TDS_ENCRYPT_STRICT;
    case CONF_ENCRYPT_MANDATORY:
        break;
    }
    return TDS_ENCRYPT_ON;
}

static entrasql_status connect_through(const call *c, relay_tunnel *tunnel, entrasql_error *err)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    const glue_tunnel_address address = {
        .port = relay_tunnel_port(tunnel),
        .user = relay_tunnel_user(tunnel),
        .secret = relay_tunnel_secret(tunnel),
    };
    for (size_t i = 0; i < c->merged.count; i++) {
        const conf_pair *pair = &c->merged.pairs[i];
        if (conf_connstr_get(&list, pair->keyword) == NULL &&
            conf_connstr_set(&list, pair->keyword, pair->value) != ENTRASQL_OK)
            return es_nomem(err);
    }
    ES_TRY(glue_rewrite_for_tunnel(&list, &c->driver, &address, &c->warning, err));
    entrasql_status status = connect_by(c, &list, 2, err);
    if (status == ENTRASQL_OK)
        return ENTRASQL_OK;
    entrasql_error upstream;
    entrasql_status upstream_status = relay_tunnel_failure(tunnel, &upstream);
    if (upstream_status == ENTRASQL_OK)
        return status;
    if (err != NULL)
        *err = upstream;
    return upstream_status;
}

static entrasql_status connect_tunnelled(const call *c, entrasql_error *err)
{
    const relay_tunnel_options options = {
        .login =
            {
                .host = c->target.host,
                .port = c->target.port,
                .encrypt = encrypt_of(c->target.encrypt),
                .trust_server_certificate = c->target.trust_server_certificate,
                .host_name_in_certificate = c->target.host_name_in_certificate,
                .ca_file = c->options.ca_file,
                .credential = c->credential,
                .deadline_ms = c->deadline_ms,
            },
    };
    relay_tunnel *tunnel = NULL;
    ES_TRY(relay_tunnel_open(&options, &tunnel, err));
    entrasql_status status = connect_through(c, tunnel, err);
    relay_tunnel_release(tunnel);
    return status;
}

/* ---- both ---- */

static entrasql_status refuse_pool(const call *c, entrasql_error *err)
{
    const char *setting = NULL;
    if (!glue_driver_is_pooled(&c->driver, &setting))
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_CONFIG,
            "the driver manager keeps connections in a pool (%s), which cannot tell whose token "
            "a connection was opened with",
            setting);
    es_hint(err, "set Pooling=No there, or remove CPTimeout of the driver");
    return ENTRASQL_CONFIG;
}

static entrasql_status connect_once(call *c, entrasql_error *err)
{
    if (c->driver.kind == GLUE_DRIVER_MICROSOFT)
        return connect_microsoft(c, err);
    return connect_tunnelled(c, err);
}

/* Tries again while the server says that the refusal goes away and there is time. */
static entrasql_status connect_with_retries(call *c, entrasql_error *err)
{
    entrasql_error failure = {0};
    entrasql_error *record = err != NULL ? err : &failure;
    uint32_t pause_ms = FIRST_RETRY_MS;
    for (;;) {
        entrasql_status status = connect_once(c, record);
        if (status != ENTRASQL_LOGIN_FAILED || !glue_is_transient(record->number) ||
            time_left(c) <= pause_ms)
            return status;
        glue_warn(&c->warning, "error %u; trying again in %u ms", (unsigned)record->number,
                  (unsigned)pause_ms);
        (void)poll(NULL, 0, (int)pause_ms);
        pause_ms *= 2;
    }
}

static entrasql_status connect_with_token(call *c, const char *connection_string,
                                          entrasql_error *err)
{
    ES_TRY(conf_connstr_parse(connection_string, &c->merged, err));
    ES_TRY(glue_dsn_merge(&c->merged, err));
    ES_TRY(glue_check_no_other_login(&c->merged, err));
    ES_TRY(conf_target_from(&c->merged, &c->target, err));
    ES_TRY(glue_driver_find(&c->merged, &c->driver, err));
    if (c->target.host == NULL) {
        es_fail(err, ENTRASQL_CONFIG, "the connection string names no server");
        es_hint(err, "add Server=tcp:<name>.database.windows.net,1433");
        return ENTRASQL_CONFIG;
    }
    ES_TRY(refuse_pool(c, err));
    set_deadline(c, c->target.login_timeout_s);
    return connect_with_retries(c, err);
}

/* A SQL login, or whatever the string says: handed on but for the login timeout. */
static entrasql_status connect_plain(call *c, entrasql_error *err)
{
    const char *keyword = NULL;
    const char *value = conf_connstr_get_any(&c->list, conf_keywords_login_timeout, &keyword);
    uint64_t seconds = 0;
    if (value != NULL && es_parse_u64(value, strlen(value), UINT16_MAX, &seconds) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_CONFIG, "connection string: %s= takes seconds, 0 to 65535",
                       keyword);
    /* The handle may have been connected with a token before. */
    if (glue_driver_find(&c->list, &c->driver, NULL) == ENTRASQL_OK &&
        c->driver.kind == GLUE_DRIVER_MICROSOFT)
        forget_token(c->dbc);
    glue_remove_own_keywords(&c->list);
    set_deadline(c, (uint32_t)seconds);
    return connect_by(c, &c->list, 0, err);
}

entrasql_status entrasql_odbc_connect(SQLHDBC dbc, const char *connection_string,
                                      entrasql_credential *credential,
                                      const entrasql_odbc_options *options, entrasql_error *err)
{
    ES_CLEANUP(call_done) call c = {.dbc = dbc, .credential = credential};

    if (dbc == SQL_NULL_HDBC)
        return es_fail(err, ENTRASQL_INVALID, "the ODBC connection handle is null");
    if (connection_string == NULL) {
        es_fail(err, ENTRASQL_INVALID, "the connection string is null");
        es_hint(err, "is the environment variable set that holds it?");
        return ENTRASQL_INVALID;
    }
    if (options != NULL) {
        size_t size = options->size;
        memcpy(&c.options, options, size != 0 && size < sizeof c.options ? size : sizeof c.options);
    }
    c.warning = (glue_warning){c.options.warning, c.options.warning_context};
    ES_TRY(conf_connstr_parse(connection_string, &c.list, err));
    if (credential == NULL)
        return connect_plain(&c, err);
    return connect_with_token(&c, connection_string, err);
}
