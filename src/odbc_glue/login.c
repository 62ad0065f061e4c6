/* SPDX-License-Identifier: MIT */
/* One connection string, two ways to sign in. */
#include "odbc_glue/login.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"
#include "odbc_glue/diag.h"
#include "odbc_glue/token_block.h"
#include "relay/tunnel.h"

#include <limits.h>
#include <poll.h>
#include <string.h>

#define SQL_COPT_SS_ACCESS_TOKEN 1256
#define CONNECT_STRING_MAX_BYTES (2 * CONF_CONNSTR_MAX_BYTES)
#define LOGIN_FAILED_NUMBER 18456
#define RESUMING_NUMBER 40613

/* What one login works on; everything but what is marked is borrowed. */
typedef struct call {
    const glue_login_options *o;
    const conf_connstr *written;
    conf_connstr *merged;
    glue_login_result *result;
    const glue_driver *driver;
    glue_driver found;               /* owned: the one of the string */
    conf_target target;              /* owned: the meaning of `merged` */
    entrasql_credential *credential; /* owned */
    bool refresh;                    /* the token of the cache was refused */
    bool asks_a_person;
    int64_t deadline_ms;
} call;

static void call_done(call *c)
{
    glue_driver_done(&c->found);
    conf_target_done(&c->target);
    entrasql_credential_unref(c->credential);
}

void glue_login_result_done(glue_login_result *r)
{
    entrasql_credential_unref(r->credential);
    es_free(r->host);
    *r = (glue_login_result){0};
}

/* Milliseconds left for the login; 0 when the deadline has passed. */
static uint32_t time_left(const call *c)
{
    int left = es_clock_poll_timeout(c->deadline_ms);
    return left > 0 ? (uint32_t)left : 0;
}

static uint32_t login_timeout(const call *c)
{
    if (c->o->login_timeout_ms != 0)
        return c->o->login_timeout_ms;
    if (c->target.login_timeout_s != 0)
        return c->target.login_timeout_s * 1000;
    return c->asks_a_person ? GLUE_PERSON_TIMEOUT_MS : GLUE_LOGIN_TIMEOUT_MS;
}

static bool is_timeout_set(const call *c)
{
    return c->o->login_timeout_ms != 0 || c->target.login_timeout_s != 0;
}

static entrasql_status timed_out(const char *during, entrasql_error *err)
{
    es_fail(err, ENTRASQL_TIMEOUT, "the login timeout passed while %s", during);
    es_hint(err, "Connection Timeout= in the connection string sets it, in seconds");
    return ENTRASQL_TIMEOUT;
}

/* ---- the driver ---- */

static bool is_ascii(const es_buf *b)
{
    for (size_t i = 0; i < b->len; i++) {
        if (b->data[i] >= 0x80)
            return false;
    }
    return true;
}

static SQLRETURN connect_wide(const call *c, const es_buf *text)
{
    ES_CLEANUP(es_buf_done) es_buf wide = ES_BUF_INIT_WIPE(2 * CONNECT_STRING_MAX_BYTES);
    _Static_assert(sizeof(SQLWCHAR) == 2, "unixODBC's wide characters are UTF-16");
    if (es_buf_utf16le(&wide, (const char *)text->data, text->len, NULL) != ENTRASQL_OK ||
        es_buf_u16le(&wide, 0) != ENTRASQL_OK)
        return SQL_ERROR;
    return c->o->calls->driver_connect_w(c->o->dbc, NULL, (SQLWCHAR *)(void *)wide.data, SQL_NTS,
                                         NULL, 0, NULL, SQL_DRIVER_NOPROMPT);
}

/*
 * The ANSI call's text is read by the process's locale, which may not be
 * UTF-8; so other than ASCII goes in as UTF-16.
 */
static SQLRETURN driver_connect(const call *c, es_buf *text)
{
    const glue_calls *calls = c->o->calls;
    bool narrow = c->o->narrow && is_ascii(text);
    if (calls->driver_connect_w != NULL && (!narrow || calls->driver_connect == NULL))
        return connect_wide(c, text);
    if (es_buf_cstr(text) == NULL)
        return SQL_ERROR;
    return calls->driver_connect(c->o->dbc, NULL, text->data, SQL_NTS, NULL, 0, NULL,
                                 SQL_DRIVER_NOPROMPT);
}

/* 01S00 is the driver's word for a keyword that it does not know. */
static void pass_warnings_on(const call *c)
{
    glue_diag *records = es_calloc(GLUE_DIAG_MAX, sizeof *records);
    if (records == NULL)
        return;
    size_t count = glue_diag_read(c->o->calls, SQL_HANDLE_DBC, c->o->dbc, records, GLUE_DIAG_MAX);
    for (size_t i = 0; i < count; i++) {
        if (es_streq(records[i].sqlstate, "01S00"))
            glue_warn(&c->o->warning, "the driver says: %s", records[i].text);
    }
    es_free(records);
}

static entrasql_status driver_failure(const call *c, entrasql_error *err)
{
    c->result->failed_in_driver = true;
    return glue_diag_take(c->o->calls, SQL_HANDLE_DBC, c->o->dbc, true, err);
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
    if (!SQL_SUCCEEDED(c->o->calls->set_connect_attr(c->o->dbc, SQL_ATTR_LOGIN_TIMEOUT,
                                                     (SQLPOINTER)seconds, SQL_IS_UINTEGER)))
        return driver_failure(c, err);
    SQLRETURN rc = driver_connect(c, &text);
    if (!SQL_SUCCEEDED(rc))
        return driver_failure(c, err);
    c->result->with_info = rc == SQL_SUCCESS_WITH_INFO;
    if (c->result->with_info)
        pass_warnings_on(c);
    return ENTRASQL_OK;
}

/* ---- Microsoft's driver: attribute 1256 ---- */

static entrasql_status set_token(const call *c, const void *block, entrasql_error *err)
{
    /* ODBC's pointers are not const; the driver only reads. */
    if (!SQL_SUCCEEDED(c->o->calls->set_connect_attr(c->o->dbc, SQL_COPT_SS_ACCESS_TOKEN,
                                                     (SQLPOINTER)(uintptr_t)block, SQL_IS_POINTER)))
        return driver_failure(c, err);
    return ENTRASQL_OK;
}

static entrasql_status give_token(const call *c, entrasql_error *err)
{
    entrasql_token *token = NULL;
    const void *block = NULL;
    entrasql_token_request request = {
        .size = sizeof request,
        .scope = relay_scope_for_host(c->target.host),
        .timeout_ms = time_left(c),
        .refresh = c->refresh,
    };
    if (request.timeout_ms == 0)
        return timed_out("getting ready to connect", err);
    ES_TRY(entrasql_credential_get_token(c->credential, &request, &token, err));
    entrasql_status status = glue_token_block_intern(entrasql_token_value(token),
                                                     entrasql_token_expires_on(token), &block, err);
    entrasql_token_free(token);
    if (status != ENTRASQL_OK)
        return status;
    return set_token(c, block, err);
}

/*
 * A manager keeps the attributes of a handle and sets them again at each
 * connect; with a token among them the driver refuses UID and PWD. The driver's face has a handle
 * that lives no longer than its connection, and wants the records left alone.
 */
static void forget_token(const call *c)
{
    if (c->o->driver == NULL)
        (void)c->o->calls->set_connect_attr(c->o->dbc, SQL_COPT_SS_ACCESS_TOKEN, NULL,
                                            SQL_IS_POINTER);
}

/* The list without what the data source alone may not hold either. */
static bool is_dsn_clean(const call *c)
{
    for (size_t i = 0; i < c->merged->count; i++) {
        const char *keyword = c->merged->pairs[i].keyword;
        if (conf_connstr_get(c->written, keyword) == NULL && glue_is_own_keyword(keyword))
            return false;
    }
    return true;
}

static entrasql_status copy_list(const conf_connstr *from, conf_connstr *to, entrasql_error *err)
{
    for (size_t i = 0; i < from->count; i++) {
        const conf_pair *pair = &from->pairs[i];
        if (conf_connstr_get(to, pair->keyword) == NULL &&
            conf_connstr_set(to, pair->keyword, pair->value) != ENTRASQL_OK)
            return es_nomem(err);
    }
    return ENTRASQL_OK;
}

/*
 * What Microsoft's driver is handed: under a manager the string as written,
 * whose data source both read by themselves, unless the data source speaks of
 * a sign-in; else everything that is known, without names that only a manager knows.
 */
static entrasql_status list_for_microsoft(const call *c, conf_connstr *ret, entrasql_error *err)
{
    static const char *const names[] = {"DSN", "FILEDSN", "SAVEFILE", NULL};
    bool as_written = c->o->driver == NULL && is_dsn_clean(c);
    ES_TRY(copy_list(as_written ? c->written : c->merged, ret, err));
    if (!as_written) {
        conf_connstr_remove_any(ret, names);
        conf_connstr_remove(ret, "Driver");
    }
    if (!as_written && c->o->driver == NULL &&
        conf_connstr_set(ret, "Driver", c->driver->name) != ENTRASQL_OK)
        return es_nomem(err);
    glue_remove_own_keywords(ret);
    /* Our own driver, called by way of a manager, still has its choice to make. */
    const char *underneath = conf_connstr_get(c->merged, GLUE_KEYWORD_UNDERLYING);
    if (c->o->driver == NULL && underneath != NULL &&
        conf_connstr_set(ret, GLUE_KEYWORD_UNDERLYING, underneath) != ENTRASQL_OK)
        return es_nomem(err);
    return glue_name_loopback(ret, &c->target, err);
}

static entrasql_status connect_microsoft(const call *c, entrasql_error *err)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    if (c->o->ca_file != NULL)
        glue_warn(&c->o->warning, "ca_file is not used: Microsoft's driver trusts the system "
                                  "store and SSL_CERT_FILE");
    ES_TRY(list_for_microsoft(c, &list, err));
    glue_auth_remove(&list);
    ES_TRY(give_token(c, err));
    entrasql_status status = connect_by(c, &list, 0, err);
    if (status != ENTRASQL_OK)
        forget_token(c);
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
    ES_TRY(copy_list(c->merged, &list, err));
    glue_auth_remove(&list);
    ES_TRY(glue_rewrite_for_tunnel(&list, c->driver, &address, &c->o->warning, err));
    entrasql_status status = connect_by(c, &list, 2, err);
    if (status == ENTRASQL_OK)
        return ENTRASQL_OK;
    entrasql_error upstream;
    entrasql_status upstream_status = relay_tunnel_failure(tunnel, &upstream);
    if (upstream_status == ENTRASQL_OK)
        return status;
    /* The driver tells SQL Server's own refusals as they are; of others it has a short form. */
    c->result->failed_in_driver = upstream_status == ENTRASQL_LOGIN_FAILED && upstream.number != 0;
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
                .ca_file = c->o->ca_file,
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

/* ---- the string's own sign-in ---- */

static entrasql_status connect_plain(const call *c, entrasql_error *err)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    bool is_microsoft = c->driver != NULL && c->driver->kind == GLUE_DRIVER_MICROSOFT;
    /* The handle may have been connected with a token before. */
    if (is_microsoft)
        forget_token(c);
    if (c->o->driver == NULL) {
        ES_TRY(copy_list(c->written, &list, err));
        glue_remove_own_keywords(&list);
        if (is_microsoft)
            ES_TRY(glue_name_loopback(&list, &c->target, err));
        return connect_by(c, &list, 0, err);
    }
    if (c->o->driver->kind == GLUE_DRIVER_MICROSOFT) {
        ES_TRY(list_for_microsoft(c, &list, err));
    } else {
        ES_TRY(copy_list(c->merged, &list, err));
        ES_TRY(glue_rewrite_for_driver(&list, c->o->driver, &c->target, &c->o->warning, err));
    }
    return connect_by(c, &list, 0, err);
}

/* ---- trying again ---- */

static entrasql_status connect_once(const call *c, entrasql_error *err)
{
    c->result->failed_in_driver = false;
    if (c->credential == NULL)
        return connect_plain(c, err);
    if (c->driver->kind == GLUE_DRIVER_MICROSOFT)
        return connect_microsoft(c, err);
    return connect_tunnelled(c, err);
}

static bool says_expired(const entrasql_error *err)
{
    return err->number == LOGIN_FAILED_NUMBER && strstr(err->message, "xpired") != NULL;
}

/* A fifth more or less, so that many programs do not come back at the same moment. */
static uint32_t with_jitter(uint32_t ms)
{
    return ms - ms / 5 + (uint32_t)es_random_below(2 * (ms / 5) + 1);
}

/* A paused database answers 40613 until it is awake: that is worth more than a login timeout. */
static void allow_for_resume(call *c, int64_t started_ms)
{
    if (!is_timeout_set(c) && c->o->total_timeout_ms == 0)
        c->deadline_ms = started_ms + GLUE_RESUME_MS;
}

/* Tries again while the server says that the refusal goes away and there is time. */
static entrasql_status connect_with_retries(call *c, entrasql_error *err)
{
    entrasql_error failure = {0};
    entrasql_error *record = err != NULL ? err : &failure;
    uint32_t pause_ms = c->o->first_pause_ms != 0 ? c->o->first_pause_ms : GLUE_FIRST_PAUSE_MS;
    int64_t started_ms = es_clock_mono_ms();
    for (;;) {
        entrasql_status status = connect_once(c, record);
        if (status != ENTRASQL_LOGIN_FAILED)
            return status;
        if (says_expired(record) && c->credential != NULL && !c->refresh) {
            c->refresh = true;
            continue;
        }
        if (!glue_is_transient(record->number))
            return status;
        if (record->number == RESUMING_NUMBER)
            allow_for_resume(c, started_ms);
        uint32_t pause = with_jitter(pause_ms);
        if (time_left(c) <= pause)
            return status;
        glue_warn(&c->o->warning, "error %u; trying again in %u ms", (unsigned)record->number,
                  (unsigned)pause);
        (void)poll(NULL, 0, (int)pause);
        pause_ms = pause_ms < GLUE_LONGEST_PAUSE_MS / 2 ? 2 * pause_ms : GLUE_LONGEST_PAUSE_MS;
    }
}

/* ---- before the first try ---- */

static entrasql_status refuse_pool(const call *c, entrasql_error *err)
{
    const char *setting = NULL;
    if (c->o->driver != NULL || !glue_driver_is_pooled(c->driver, &setting))
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_CONFIG,
            "the driver manager keeps connections in a pool (%s), which cannot tell whose token "
            "a connection was opened with",
            setting);
    es_hint(err, "set Pooling=No there, or remove CPTimeout of the driver");
    return ENTRASQL_CONFIG;
}

static entrasql_status find_driver(call *c, entrasql_error *err)
{
    if (c->o->driver != NULL) {
        c->driver = c->o->driver;
        return ENTRASQL_OK;
    }
    ES_TRY(glue_driver_find(c->merged, &c->found, err));
    c->driver = &c->found;
    return ENTRASQL_OK;
}

static entrasql_status need_server(const call *c, entrasql_error *err)
{
    if (c->target.host != NULL)
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_CONFIG, "the connection string names no server");
    es_hint(err, "add Server=tcp:<name>.database.windows.net,1433");
    return ENTRASQL_CONFIG;
}

static entrasql_status prepare_token(call *c, const glue_auth *auth, entrasql_error *err)
{
    ES_TRY(find_driver(c, err));
    ES_TRY(need_server(c, err));
    ES_TRY(refuse_pool(c, err));
    c->asks_a_person = c->o->credential == NULL && glue_auth_asks_a_person(auth);
    if (c->o->credential != NULL)
        c->credential = entrasql_credential_ref(c->o->credential);
    else
        ES_TRY(glue_auth_credential(auth, c->o->ca_file, &c->o->prompt, &c->credential, err));
    c->result->credential = entrasql_credential_ref(c->credential);
    return ENTRASQL_OK;
}

/* A SQL login, or a sign-in that the driver has itself: handed on. */
static entrasql_status prepare_plain(call *c, const glue_auth *auth, entrasql_error *err)
{
    entrasql_status status = find_driver(c, auth->is_of_microsoft ? err : NULL);
    if (!auth->is_of_microsoft)
        return ENTRASQL_OK; /* the manager finds the driver, or says why not */
    if (status == ENTRASQL_OK && c->driver->kind != GLUE_DRIVER_MICROSOFT) {
        es_fail(err, ENTRASQL_CONFIG,
                "connection string: Authentication=%s is a sign-in of Microsoft's driver, and this "
                "connection goes through another one",
                auth->authentication);
        es_hint(err, "use ActiveDirectoryDefault, -ServicePrincipal, -DeviceCode or -Interactive");
        return ENTRASQL_CONFIG;
    }
    return status;
}

entrasql_status glue_login(const glue_login_options *options, const conf_connstr *written,
                           conf_connstr *merged, glue_login_result *ret, entrasql_error *err)
{
    ES_CLEANUP(call_done)
    call c = {
        .o = options,
        .written = written,
        .merged = merged,
        .result = ret,
    };
    glue_auth auth = {.method = GLUE_AUTH_DEFAULT};
    if (options->credential != NULL)
        ES_TRY(glue_check_no_other_login(merged, err));
    else
        ES_TRY(glue_auth_read(merged, &auth, err));
    ES_TRY(conf_target_from(merged, &c.target, err));
    if (auth.method == GLUE_AUTH_STRING)
        ES_TRY(prepare_plain(&c, &auth, err));
    else
        ES_TRY(prepare_token(&c, &auth, err));
    ret->host = es_strdup(c.target.host);
    c.deadline_ms = es_clock_deadline(options->total_timeout_ms != 0 ? options->total_timeout_ms
                                                                     : login_timeout(&c));
    return connect_with_retries(&c, err);
}
