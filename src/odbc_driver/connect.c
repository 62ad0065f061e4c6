/* SPDX-License-Identifier: MIT */
/* Opening and closing connections: the string is known, the driver underneath comes in. */
#include "connect.h"

#include "attr.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"
#include "handle.h"
#include "odbc_glue/login.h"
#include "pool.h"
#include "text.h"
#include "token_attr.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define SQL_ATTR_ASYNC_DBC_FUNCTIONS 117
#define FIRST_DRIVER_ATTRIBUTE 1000
#define MESSAGE_UNITS 2048

/* What one attempt works on. */
typedef struct attempt {
    drv_dbc *d;
    const drv_library *library;
    SQLHDBC inner;
    glue_driver driver;           /* owned */
    entrasql_credential *by_attr; /* owned: the token that the program set itself */
    conf_connstr merged;          /* owned */
} attempt;

static void attempt_done(attempt *a)
{
    if (a->inner != SQL_NULL_HDBC)
        (void)a->library->functions.SQLFreeHandle(SQL_HANDLE_DBC, a->inner);
    glue_driver_done(&a->driver);
    entrasql_credential_unref(a->by_attr);
    conf_connstr_done(&a->merged);
}

/* ---- diagnostics of the driver underneath ---- */

static bool copy_record(drv_handle *h, const drv_functions *f, SQLHDBC inner, SQLSMALLINT number)
{
    SQLWCHAR state[6] = {0};
    SQLWCHAR text[MESSAGE_UNITS] = {0};
    SQLINTEGER native = 0;
    SQLSMALLINT length = 0;
    char *utf8 = NULL;
    char narrow[6] = "";
    if (!SQL_SUCCEEDED(f->SQLGetDiagRecW(SQL_HANDLE_DBC, inner, number, state, &native, text,
                                         MESSAGE_UNITS, &length)))
        return false;
    for (size_t i = 0; i < 5; i++)
        narrow[i] = (char)state[i];
    if (drv_text_from_wide(text, MESSAGE_UNITS - 1, &utf8) == ENTRASQL_OK)
        drv_record_add(h, narrow, native, utf8);
    es_free(utf8);
    return true;
}

/* Before the inner handle goes: its records become ours. */
static void keep_records(drv_handle *h, const drv_functions *f, SQLHDBC inner, SQLRETURN rc)
{
    for (SQLSMALLINT i = 1; i <= DRV_MAX_RECORDS && copy_record(h, f, inner, i); i++)
        ;
    if (h->own != NULL) {
        h->own->rc = rc;
        h->own->alone = true;
    }
}

/* The driver's own words in front; then what it cannot know. */
static SQLRETURN report(const attempt *a, const glue_login_result *result,
                        const entrasql_error *err)
{
    drv_handle *h = &a->d->head;
    if (!result->failed_in_driver)
        return drv_fail(h, err);
    keep_records(h, &a->library->functions, a->inner, SQL_ERROR);
    if (h->own == NULL || h->own->count == 0)
        return drv_fail(h, err);
    drv_hint(h, err->hint);
    return SQL_ERROR;
}

static void warning(void *context, const char *message)
{
    drv_warn(context, message);
}

/* ---- kept attributes ---- */

static bool is_held_back(SQLINTEGER id)
{
    return id == SQL_ATTR_LOGIN_TIMEOUT || id == DRV_ATTR_ACCESS_TOKEN ||
           id == SQL_ATTR_ASYNC_DBC_FUNCTIONS;
}

static SQLRETURN replay_text(const drv_functions *f, SQLHDBC inner, const drv_attr *attr)
{
    drv_wide wide;
    if (f->SQLSetConnectAttrW == NULL)
        return f->SQLSetConnectAttr(inner, attr->id, attr->text, SQL_NTS);
    if (drv_wide_from_text(attr->text, &wide) != ENTRASQL_OK)
        return SQL_ERROR;
    SQLRETURN rc = f->SQLSetConnectAttrW(inner, attr->id, wide.text, SQL_NTS);
    drv_wide_free(&wide);
    return rc;
}

/*
 * A manager takes no notice of an attribute that a driver refuses before the
 * connection is made. For the attributes of ODBC it stays so; one of the
 * driver's own that is refused would be missed without a word.
 */
static void replay(const attempt *a)
{
    const drv_functions *f = &a->library->functions;
    for (size_t i = 0; i < a->d->attrs.count; i++) {
        const drv_attr *attr = &a->d->attrs.items[i];
        char text[160];
        if (is_held_back(attr->id))
            continue;
        SQLRETURN rc =
            attr->text != NULL
                ? replay_text(f, a->inner, attr)
                : a->library->calls.set_connect_attr(a->inner, attr->id, attr->value, attr->length);
        if (SQL_SUCCEEDED(rc) || attr->id < FIRST_DRIVER_ATTRIBUTE)
            continue;
        snprintf(text, sizeof text, "the driver underneath does not take the attribute %d",
                 (int)attr->id);
        drv_warn(&a->d->head, text);
    }
}

/* An asynchronous connect would return before we are done, so this one comes last. */
static void replay_held_back(const attempt *a)
{
    const drv_attr *attr = drv_attrs_get(&a->d->attrs, SQL_ATTR_ASYNC_DBC_FUNCTIONS);
    if (attr != NULL)
        (void)a->library->calls.set_connect_attr(a->inner, attr->id, attr->value, attr->length);
}

/* ---- the attempt ---- */

static entrasql_status open_library(attempt *a, entrasql_error *err)
{
    glue_choice choice;
    SQLHENV env = SQL_NULL_HENV;
    ES_TRY(glue_underneath_find(&a->merged, &a->driver, &choice, err));
    ES_TRY(drv_library_open(&a->driver, &a->library, err));
    ES_TRY(drv_env_inner(a->d->env, a->library, &env, err));
    if (!SQL_SUCCEEDED(a->library->functions.SQLAllocHandle(SQL_HANDLE_DBC, env, &a->inner)))
        return es_fail(err, ENTRASQL_INTERNAL, "the driver underneath gives no connection handle");
    return ENTRASQL_OK;
}

static uint32_t login_timeout_ms(const drv_dbc *d)
{
    const drv_attr *attr = drv_attrs_get(&d->attrs, SQL_ATTR_LOGIN_TIMEOUT);
    uintptr_t seconds = attr != NULL ? (uintptr_t)attr->value : 0;
    return seconds > UINT16_MAX ? UINT16_MAX * 1000U : (uint32_t)seconds * 1000;
}

static void note_connection(attempt *a, glue_login_result *result)
{
    drv_dbc *d = a->d;
    const char *dsn = conf_connstr_get(&a->merged, "DSN");
    es_free(d->dsn);
    es_free(d->host);
    d->dsn = es_strdup(dsn);
    d->host = result->host;
    result->host = NULL;
    d->tunnelled = result->credential != NULL && a->driver.kind != GLUE_DRIVER_MICROSOFT;
    d->library = a->library;
    drv_pool_note(d, &a->merged, result->credential);
    drv_attach(&d->head, &a->library->functions, a->inner);
    a->inner = SQL_NULL_HDBC;
}

static SQLRETURN log_in(attempt *a, const conf_connstr *written, bool narrow)
{
    ES_CLEANUP(glue_login_result_done) glue_login_result result = {0};
    entrasql_error err;
    const glue_login_options options = {
        .calls = &a->library->calls,
        .dbc = a->inner,
        .credential = a->by_attr,
        .driver = &a->driver,
        .narrow = narrow,
        .login_timeout_ms = login_timeout_ms(a->d),
        .warning = {warning, a->d},
    };
    if (glue_login(&options, written, &a->merged, &result, &err) != ENTRASQL_OK)
        return report(a, &result, &err);
    replay_held_back(a);
    note_connection(a, &result);
    return result.with_info || a->d->head.own != NULL ? SQL_SUCCESS_WITH_INFO : SQL_SUCCESS;
}

static SQLRETURN connect_by(drv_dbc *d, const conf_connstr *written, bool narrow)
{
    ES_CLEANUP(attempt_done) attempt a = {.d = d};
    entrasql_error err;
    for (size_t i = 0; i < written->count; i++) {
        if (conf_connstr_get(&a.merged, written->pairs[i].keyword) == NULL &&
            conf_connstr_set(&a.merged, written->pairs[i].keyword, written->pairs[i].value) !=
                ENTRASQL_OK)
            return drv_fail_state(&d->head, "HY001", "out of memory");
    }
    if (glue_dsn_merge(&a.merged, &err) != ENTRASQL_OK ||
        drv_token_attr(d, &a.merged, &a.by_attr, &err) != ENTRASQL_OK ||
        open_library(&a, &err) != ENTRASQL_OK)
        return drv_fail(&d->head, &err);
    replay(&a);
    return log_in(&a, written, narrow);
}

SQLRETURN drv_connect_text(drv_dbc *d, const char *text, bool narrow, drv_out *out)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr written = {0};
    entrasql_error err;
    if (conf_connstr_parse(text, &written, &err) != ENTRASQL_OK)
        return drv_fail(&d->head, &err);
    return drv_connect_list(d, &written, narrow, out);
}

SQLRETURN drv_connect_list(drv_dbc *d, const conf_connstr *list, bool narrow, drv_out *out)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(2 * CONF_CONNSTR_MAX_BYTES);
    if (d->head.base != NULL)
        return drv_fail_state(&d->head, "08002", "the connection is open already");
    SQLRETURN rc = connect_by(d, list, narrow);
    if (!SQL_SUCCEEDED(rc) || out == NULL)
        return rc;
    if (conf_connstr_print(list, &text) != ENTRASQL_OK || es_buf_cstr(&text) == NULL)
        return drv_fail_state(&d->head, "HY001", "out of memory");
    return drv_out_put(d, out, (const char *)text.data, rc);
}

SQLRETURN drv_out_put(drv_dbc *d, drv_out *out, const char *text, SQLRETURN rc)
{
    size_t n = 0;
    size_t size = out->size > 0 ? (size_t)out->size : 0;
    bool cut = out->wide != NULL ? drv_put_wide(text, out->wide, size, &n)
                                 : drv_put_ansi(text, out->ansi, size, &n);
    if (out->length != NULL)
        *out->length = n > INT16_MAX ? INT16_MAX : (SQLSMALLINT)n;
    if (!cut)
        return rc;
    drv_record_add(&d->head, "01004", 0, "[entrasql]the connection string was cut");
    if (d->head.own != NULL)
        d->head.own->rc = SQL_SUCCESS_WITH_INFO;
    return rc == SQL_NEED_DATA ? rc : SQL_SUCCESS_WITH_INFO;
}

/* ---- the calls ---- */

static SQLRETURN bad_text(drv_dbc *d, entrasql_status status)
{
    return drv_fail_state(&d->head, status == ENTRASQL_NOMEM ? "HY001" : "HY000",
                          status == ENTRASQL_NOMEM ? "out of memory"
                                                   : "the text cannot be converted");
}

/* text: taken over. */
static SQLRETURN driver_connect(drv_dbc *d, entrasql_status status, char *text, bool narrow,
                                drv_out *out)
{
    if (status != ENTRASQL_OK || text == NULL)
        return status != ENTRASQL_OK
                   ? bad_text(d, status)
                   : drv_fail_state(&d->head, "HY009", "the connection string is null");
    SQLRETURN rc = drv_connect_text(d, text, narrow, out);
    es_free_wipe_str(text);
    return rc;
}

SQLRETURN SQL_API SQLDriverConnectW(SQLHDBC dbc, SQLHWND window, SQLWCHAR *in,
                                    SQLSMALLINT in_length, SQLWCHAR *out, SQLSMALLINT out_size,
                                    SQLSMALLINT *out_length, SQLUSMALLINT completion)
{
    drv_dbc *d = (drv_dbc *)drv_check(dbc, DRV_DBC);
    char *text = NULL;
    drv_out o = {.wide = out, .size = out_size, .length = out_length};
    (void)window;
    (void)completion; /* nobody is asked for keywords: what is missing is an error */
    if (d == NULL)
        return SQL_INVALID_HANDLE;
    drv_begin(&d->head);
    entrasql_status status = drv_text_from_wide(in, in_length, &text);
    return driver_connect(d, status, text, false, out != NULL || out_length != NULL ? &o : NULL);
}

SQLRETURN SQL_API SQLDriverConnect(SQLHDBC dbc, SQLHWND window, SQLCHAR *in, SQLSMALLINT in_length,
                                   SQLCHAR *out, SQLSMALLINT out_size, SQLSMALLINT *out_length,
                                   SQLUSMALLINT completion)
{
    drv_dbc *d = (drv_dbc *)drv_check(dbc, DRV_DBC);
    char *text = NULL;
    drv_out o = {.ansi = out, .size = out_size, .length = out_length};
    (void)window;
    (void)completion;
    if (d == NULL)
        return SQL_INVALID_HANDLE;
    drv_begin(&d->head);
    entrasql_status status = drv_text_from_ansi(in, in_length, &text);
    return driver_connect(d, status, text, true, out != NULL || out_length != NULL ? &o : NULL);
}

/* SQLConnect: a data source, with or without a user. The texts are taken over. */
static SQLRETURN connect_source(drv_dbc *d, entrasql_status status, char *dsn, char *user,
                                char *password, bool narrow)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    if (status == ENTRASQL_OK && !es_str_is_empty(dsn))
        status = conf_connstr_set(&list, "DSN", dsn);
    if (status == ENTRASQL_OK && !es_str_is_empty(user))
        status = conf_connstr_set(&list, "UID", user);
    if (status == ENTRASQL_OK && !es_str_is_empty(password))
        status = conf_connstr_set(&list, "PWD", password);
    es_free_wipe_str(dsn);
    es_free_wipe_str(user);
    es_free_wipe_str(password);
    if (status != ENTRASQL_OK)
        return bad_text(d, status);
    return drv_connect_list(d, &list, narrow, NULL);
}

SQLRETURN SQL_API SQLConnectW(SQLHDBC dbc, SQLWCHAR *source, SQLSMALLINT source_length,
                              SQLWCHAR *user, SQLSMALLINT user_length, SQLWCHAR *password,
                              SQLSMALLINT password_length)
{
    drv_dbc *d = (drv_dbc *)drv_check(dbc, DRV_DBC);
    char *texts[3] = {NULL, NULL, NULL};
    if (d == NULL)
        return SQL_INVALID_HANDLE;
    drv_begin(&d->head);
    entrasql_status status = drv_text_from_wide(source, source_length, &texts[0]);
    if (status == ENTRASQL_OK)
        status = drv_text_from_wide(user, user_length, &texts[1]);
    if (status == ENTRASQL_OK)
        status = drv_text_from_wide(password, password_length, &texts[2]);
    return connect_source(d, status, texts[0], texts[1], texts[2], false);
}

SQLRETURN SQL_API SQLConnect(SQLHDBC dbc, SQLCHAR *source, SQLSMALLINT source_length, SQLCHAR *user,
                             SQLSMALLINT user_length, SQLCHAR *password,
                             SQLSMALLINT password_length)
{
    drv_dbc *d = (drv_dbc *)drv_check(dbc, DRV_DBC);
    char *texts[3] = {NULL, NULL, NULL};
    if (d == NULL)
        return SQL_INVALID_HANDLE;
    drv_begin(&d->head);
    entrasql_status status = drv_text_from_ansi(source, source_length, &texts[0]);
    if (status == ENTRASQL_OK)
        status = drv_text_from_ansi(user, user_length, &texts[1]);
    if (status == ENTRASQL_OK)
        status = drv_text_from_ansi(password, password_length, &texts[2]);
    return connect_source(d, status, texts[0], texts[1], texts[2], true);
}

/* In a forked child nothing may be said to the server: the parent goes on using the socket. */
SQLRETURN SQL_API SQLDisconnect(SQLHDBC dbc)
{
    drv_dbc *d = (drv_dbc *)drv_check(dbc, DRV_DBC);
    if (d == NULL)
        return SQL_INVALID_HANDLE;
    drv_begin(&d->head);
    if (d->browsing) {
        conf_connstr_done(&d->browsed);
        d->browsing = false;
        return SQL_SUCCESS;
    }
    if (d->head.base == NULL)
        return drv_fail_state(&d->head, "08003", "the connection is not open");
    const drv_functions *f = d->head.base;
    SQLHDBC inner = d->head.inner;
    SQLRETURN rc = SQL_SUCCESS;
    if (!d->head.forked) {
        rc = f->SQLDisconnect(inner);
        if (!SQL_SUCCEEDED(rc))
            return rc;
        if (rc == SQL_SUCCESS_WITH_INFO)
            keep_records(&d->head, f, inner, rc);
        (void)f->SQLFreeHandle(SQL_HANDLE_DBC, inner);
    }
    drv_detach(&d->head);
    drv_free_children(d);
    conf_connstr_done(&d->list);
    d->pooled = false;
    return rc;
}
