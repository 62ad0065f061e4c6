/* SPDX-License-Identifier: MIT */
/* Diagnostic records, and the calls that read them. */
#include "diag.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"
#include "handle.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define ORIGIN "[entrasql]"
#define TEXT_MAX_BYTES 4096
/* unixODBC reads the records of a refused connection into SQL_MAX_MESSAGE_LENGTH. */
#define MANAGER_TEXT_BYTES 512

/* ---- our own ---- */

void drv_records_free(drv_records *r)
{
    if (r == NULL)
        return;
    for (SQLSMALLINT i = 0; i < r->count; i++)
        es_free(r->items[i].text);
    es_free(r);
}

void drv_record_add(drv_handle *h, const char *sqlstate, SQLINTEGER native, const char *text)
{
    if (h->own == NULL)
        h->own = es_calloc(1, sizeof *h->own);
    if (h->own == NULL || h->own->count == DRV_MAX_RECORDS)
        return;
    drv_record *r = &h->own->items[h->own->count];
    r->text = es_strdup(text);
    if (r->text == NULL)
        return;
    es_strlcpy_utf8(r->sqlstate, sizeof r->sqlstate, sqlstate);
    r->native = native;
    h->own->count++;
    h->fast = NULL;
}

static void add_with_origin(drv_handle *h, const char *sqlstate, SQLINTEGER native,
                            const char *text)
{
    char whole[TEXT_MAX_BYTES];
    snprintf(whole, sizeof whole, ORIGIN "%.*s", TEXT_MAX_BYTES - (int)sizeof ORIGIN, text);
    es_utf8_trim_end(whole);
    drv_record_add(h, sqlstate, native, whole);
}

static const char *state_of(const entrasql_error *err)
{
    switch ((int)err->status) {
    case ENTRASQL_AUTH_FAILED:
    case ENTRASQL_UNAVAILABLE:
    case ENTRASQL_LOGIN_FAILED:
        return "28000";
    case ENTRASQL_NETWORK:
    case ENTRASQL_TLS:
        return "08001";
    case ENTRASQL_CLOSED:
        return "08S01";
    case ENTRASQL_TIMEOUT:
        return "HYT00";
    case ENTRASQL_NOMEM:
        return "HY001";
    case ENTRASQL_UNSUPPORTED:
        return "HYC00";
    case ENTRASQL_CANCELLED:
        return "HY008";
    default:
        return "HY000";
    }
}

void drv_hint(drv_handle *h, const char *hint)
{
    char text[MANAGER_TEXT_BYTES];
    if (h->own == NULL || h->own->count == 0 || hint[0] == '\0')
        return;
    drv_record *first = &h->own->items[0];
    int n = snprintf(text, sizeof text, "%s (hint: %s)", first->text, hint);
    char *joined = n > 0 && (size_t)n < sizeof text ? es_strdup(text) : NULL;
    if (joined == NULL) {
        char alone[TEXT_MAX_BYTES / 2];
        snprintf(alone, sizeof alone, "hint: %s", hint);
        add_with_origin(h, first->sqlstate, first->native, alone);
        return;
    }
    es_free(first->text);
    first->text = joined;
}

SQLRETURN drv_fail(drv_handle *h, const entrasql_error *err)
{
    add_with_origin(h, state_of(err), (SQLINTEGER)err->number, err->message);
    drv_hint(h, err->hint);
    if (h->own != NULL) {
        h->own->rc = SQL_ERROR;
        h->own->alone = true;
    }
    return SQL_ERROR;
}

SQLRETURN drv_fail_state(drv_handle *h, const char *sqlstate, const char *text)
{
    add_with_origin(h, sqlstate, 0, text);
    if (h->own != NULL) {
        h->own->rc = SQL_ERROR;
        h->own->alone = true;
    }
    return SQL_ERROR;
}

void drv_warn(drv_handle *h, const char *text)
{
    add_with_origin(h, "01000", 0, text);
    if (h->own != NULL)
        h->own->rc = SQL_SUCCESS_WITH_INFO;
}

/* ---- reading ---- */

static const drv_record *own_record(const drv_handle *h, SQLSMALLINT number)
{
    if (h->own == NULL || number < 1 || number > h->own->count)
        return NULL;
    return &h->own->items[number - 1];
}

/* The number in the records of the driver underneath; 0: it has none to show. */
static SQLSMALLINT inner_number(const drv_handle *h, SQLSMALLINT number)
{
    if (h->base == NULL || h->forked)
        return 0;
    if (h->own == NULL)
        return number;
    return h->own->alone ? 0 : (SQLSMALLINT)(number - h->own->count);
}

static SQLSMALLINT clip(size_t n)
{
    return n > INT16_MAX ? INT16_MAX : (SQLSMALLINT)n;
}

static SQLRETURN own_wide(const drv_record *r, SQLWCHAR *state, SQLINTEGER *native,
                          SQLWCHAR *message, SQLSMALLINT size, SQLSMALLINT *length)
{
    size_t n = 0;
    if (state != NULL)
        (void)drv_put_wide(r->sqlstate, state, 6, NULL);
    if (native != NULL)
        *native = r->native;
    bool cut = drv_put_wide(r->text, message, size > 0 ? (size_t)size : 0, &n);
    if (length != NULL)
        *length = clip(n);
    return cut ? SQL_SUCCESS_WITH_INFO : SQL_SUCCESS;
}

static SQLRETURN own_ansi(const drv_record *r, SQLCHAR *state, SQLINTEGER *native, SQLCHAR *message,
                          SQLSMALLINT size, SQLSMALLINT *length)
{
    size_t n = 0;
    if (state != NULL)
        (void)drv_put_ansi(r->sqlstate, state, 6, NULL);
    if (native != NULL)
        *native = r->native;
    bool cut = drv_put_ansi(r->text, message, size > 0 ? (size_t)size : 0, &n);
    if (length != NULL)
        *length = clip(n);
    return cut ? SQL_SUCCESS_WITH_INFO : SQL_SUCCESS;
}

SQLRETURN SQL_API SQLGetDiagRecW(SQLSMALLINT type, SQLHANDLE handle, SQLSMALLINT number,
                                 SQLWCHAR *state, SQLINTEGER *native, SQLWCHAR *message,
                                 SQLSMALLINT size, SQLSMALLINT *length)
{
    const drv_handle *h = drv_check(handle, drv_type_of(type));
    if (h == NULL)
        return SQL_INVALID_HANDLE;
    if (number < 1 || size < 0)
        return SQL_ERROR;
    const drv_record *r = own_record(h, number);
    if (r != NULL)
        return own_wide(r, state, native, message, size, length);
    SQLSMALLINT inner = inner_number(h, number);
    if (inner < 1)
        return SQL_NO_DATA;
    return h->base->SQLGetDiagRecW(type, h->inner, inner, state, native, message, size, length);
}

/* A driver that has W calls only: its record as one of ours. */
static SQLRETURN ansi_of_wide(const drv_handle *h, SQLSMALLINT type, SQLSMALLINT number,
                              drv_record *ret)
{
    SQLWCHAR state[6] = {0};
    SQLWCHAR text[TEXT_MAX_BYTES / 2] = {0};
    SQLSMALLINT length = 0;
    SQLRETURN rc = h->base->SQLGetDiagRecW(type, h->inner, number, state, &ret->native, text,
                                           ES_COUNT_OF(text), &length);
    if (!SQL_SUCCEEDED(rc))
        return rc;
    for (size_t i = 0; i < 6; i++)
        ret->sqlstate[i] = (char)state[i];
    if (drv_text_from_wide(text, SQL_NTS, &ret->text) != ENTRASQL_OK)
        return SQL_ERROR;
    return SQL_SUCCESS;
}

SQLRETURN SQL_API SQLGetDiagRec(SQLSMALLINT type, SQLHANDLE handle, SQLSMALLINT number,
                                SQLCHAR *state, SQLINTEGER *native, SQLCHAR *message,
                                SQLSMALLINT size, SQLSMALLINT *length)
{
    const drv_handle *h = drv_check(handle, drv_type_of(type));
    if (h == NULL)
        return SQL_INVALID_HANDLE;
    if (number < 1 || size < 0)
        return SQL_ERROR;
    const drv_record *own = own_record(h, number);
    if (own != NULL)
        return own_ansi(own, state, native, message, size, length);
    SQLSMALLINT inner = inner_number(h, number);
    if (inner < 1)
        return SQL_NO_DATA;
    if (h->base->SQLGetDiagRec != NULL)
        return h->base->SQLGetDiagRec(type, h->inner, inner, state, native, message, size, length);
    drv_record r = {0};
    SQLRETURN rc = ansi_of_wide(h, type, inner, &r);
    if (rc == SQL_SUCCESS)
        rc = own_ansi(&r, state, native, message, size, length);
    es_free(r.text);
    return rc;
}

/* ---- fields ---- */

/* What a field is, of a record of ours or of the header; text: UTF-8. */
typedef struct field_value {
    const char *text;
    SQLLEN number;
    bool is_len; /* a SQLLEN, not a SQLINTEGER */
    bool is_rc;
} field_value;

static SQLRETURN header_field(const drv_handle *h, SQLSMALLINT type, SQLSMALLINT field,
                              field_value *ret)
{
    SQLINTEGER inner = 0;
    switch (field) {
    case SQL_DIAG_NUMBER:
        if (!h->own->alone && h->base != NULL && !h->forked)
            (void)h->base->SQLGetDiagFieldW(type, h->inner, 0, SQL_DIAG_NUMBER, &inner,
                                            SQL_IS_INTEGER, NULL);
        ret->number = h->own->count + inner;
        return SQL_SUCCESS;
    case SQL_DIAG_RETURNCODE:
        ret->number = h->own->rc;
        ret->is_rc = true;
        return SQL_SUCCESS;
    case SQL_DIAG_ROW_COUNT:
    case SQL_DIAG_CURSOR_ROW_COUNT:
        ret->is_len = true;
        return SQL_SUCCESS;
    case SQL_DIAG_DYNAMIC_FUNCTION:
        ret->text = "";
        return SQL_SUCCESS;
    case SQL_DIAG_DYNAMIC_FUNCTION_CODE:
        return SQL_SUCCESS;
    default:
        return SQL_ERROR;
    }
}

static SQLRETURN record_field(const drv_handle *h, const drv_record *r, SQLSMALLINT field,
                              field_value *ret)
{
    switch (field) {
    case SQL_DIAG_SQLSTATE:
        ret->text = r->sqlstate;
        return SQL_SUCCESS;
    case SQL_DIAG_NATIVE:
        ret->number = r->native;
        return SQL_SUCCESS;
    case SQL_DIAG_MESSAGE_TEXT:
        ret->text = r->text;
        return SQL_SUCCESS;
    case SQL_DIAG_CLASS_ORIGIN:
    case SQL_DIAG_SUBCLASS_ORIGIN:
        ret->text = es_starts_with(r->sqlstate, "IM") ? "ODBC 3.0" : "ISO 9075";
        return SQL_SUCCESS;
    case SQL_DIAG_SERVER_NAME:
        ret->text = h->type == DRV_DBC ? ((const drv_dbc *)h)->host : NULL;
        ret->text = ret->text != NULL ? ret->text : "";
        return SQL_SUCCESS;
    case SQL_DIAG_CONNECTION_NAME:
        ret->text = "";
        return SQL_SUCCESS;
    case SQL_DIAG_ROW_NUMBER:
        ret->number = SQL_NO_ROW_NUMBER;
        ret->is_len = true;
        return SQL_SUCCESS;
    case SQL_DIAG_COLUMN_NUMBER:
        ret->number = SQL_NO_COLUMN_NUMBER;
        return SQL_SUCCESS;
    default:
        return SQL_ERROR;
    }
}

static void put_number(const field_value *v, SQLPOINTER info)
{
    if (info == NULL)
        return;
    if (v->is_len)
        *(SQLLEN *)info = v->number;
    else if (v->is_rc)
        *(SQLRETURN *)info = (SQLRETURN)v->number;
    else
        *(SQLINTEGER *)info = (SQLINTEGER)v->number;
}

/* Sizes and lengths of this call are bytes in both forms. */
static SQLRETURN put_field(const field_value *v, bool wide, SQLPOINTER info, SQLSMALLINT size,
                           SQLSMALLINT *length)
{
    size_t n = 0;
    size_t room = size > 0 ? (size_t)size : 0;
    bool cut = false;
    if (v->text == NULL) {
        put_number(v, info);
        return SQL_SUCCESS;
    }
    if (wide)
        cut = drv_put_wide(v->text, info, room / sizeof(SQLWCHAR), &n);
    else
        cut = drv_put_ansi(v->text, info, room, &n);
    if (length != NULL)
        *length = clip(wide ? n * sizeof(SQLWCHAR) : n);
    return cut ? SQL_SUCCESS_WITH_INFO : SQL_SUCCESS;
}

/* AGAIN-like: SQL_STILL_EXECUTING says that the driver underneath has to be asked. */
static SQLRETURN own_field(const drv_handle *h, SQLSMALLINT type, SQLSMALLINT number,
                           SQLSMALLINT field, bool wide, SQLPOINTER info, SQLSMALLINT size,
                           SQLSMALLINT *length)
{
    field_value v = {0};
    SQLRETURN rc;
    const drv_record *r = own_record(h, number);
    bool of_header = number == 0 || field == SQL_DIAG_NUMBER || field == SQL_DIAG_RETURNCODE;
    if (of_header && h->own != NULL)
        rc = header_field(h, type, field, &v);
    else if (!of_header && r != NULL)
        rc = record_field(h, r, field, &v);
    else
        return SQL_STILL_EXECUTING;
    if (rc != SQL_SUCCESS)
        return rc;
    return put_field(&v, wide, info, size, length);
}

static bool is_text_field(SQLSMALLINT field)
{
    enum { SS_SRVNAME = -1152, SS_PROCNAME = -1153 };
    switch (field) {
    case SQL_DIAG_SQLSTATE:
    case SQL_DIAG_MESSAGE_TEXT:
    case SQL_DIAG_DYNAMIC_FUNCTION:
    case SQL_DIAG_CLASS_ORIGIN:
    case SQL_DIAG_SUBCLASS_ORIGIN:
    case SQL_DIAG_CONNECTION_NAME:
    case SQL_DIAG_SERVER_NAME:
    case SS_SRVNAME:
    case SS_PROCNAME:
        return true;
    default:
        return false;
    }
}

static SQLRETURN field_of_wide(const drv_handle *h, SQLSMALLINT type, SQLSMALLINT number,
                               SQLSMALLINT field, SQLPOINTER info, SQLSMALLINT size,
                               SQLSMALLINT *length)
{
    SQLWCHAR text[TEXT_MAX_BYTES / 2] = {0};
    char *utf8 = NULL;
    if (!is_text_field(field))
        return h->base->SQLGetDiagFieldW(type, h->inner, number, field, info, size, length);
    SQLRETURN rc = h->base->SQLGetDiagFieldW(type, h->inner, number, field, text,
                                             (SQLSMALLINT)sizeof text, NULL);
    if (!SQL_SUCCEEDED(rc))
        return rc;
    if (drv_text_from_wide(text, ES_COUNT_OF(text), &utf8) != ENTRASQL_OK)
        return SQL_ERROR;
    const field_value v = {.text = utf8};
    rc = put_field(&v, false, info, size, length);
    es_free(utf8);
    return rc;
}

SQLRETURN SQL_API SQLGetDiagFieldW(SQLSMALLINT type, SQLHANDLE handle, SQLSMALLINT number,
                                   SQLSMALLINT field, SQLPOINTER info, SQLSMALLINT size,
                                   SQLSMALLINT *length)
{
    const drv_handle *h = drv_check(handle, drv_type_of(type));
    if (h == NULL)
        return SQL_INVALID_HANDLE;
    SQLRETURN rc = own_field(h, type, number, field, true, info, size, length);
    if (rc != SQL_STILL_EXECUTING)
        return rc;
    SQLSMALLINT inner = number == 0 ? 0 : inner_number(h, number);
    if (h->base == NULL || h->forked || (number != 0 && inner < 1))
        return SQL_NO_DATA;
    return h->base->SQLGetDiagFieldW(type, h->inner, inner, field, info, size, length);
}

SQLRETURN SQL_API SQLGetDiagField(SQLSMALLINT type, SQLHANDLE handle, SQLSMALLINT number,
                                  SQLSMALLINT field, SQLPOINTER info, SQLSMALLINT size,
                                  SQLSMALLINT *length)
{
    const drv_handle *h = drv_check(handle, drv_type_of(type));
    if (h == NULL)
        return SQL_INVALID_HANDLE;
    SQLRETURN rc = own_field(h, type, number, field, false, info, size, length);
    if (rc != SQL_STILL_EXECUTING)
        return rc;
    SQLSMALLINT inner = number == 0 ? 0 : inner_number(h, number);
    if (h->base == NULL || h->forked || (number != 0 && inner < 1))
        return SQL_NO_DATA;
    if (h->base->SQLGetDiagField != NULL)
        return h->base->SQLGetDiagField(type, h->inner, inner, field, info, size, length);
    return field_of_wide(h, type, inner, field, info, size, length);
}

/* ---- ODBC 2: each record once ---- */

static SQLSMALLINT next_shown(drv_handle *h)
{
    if (h->own == NULL)
        h->own = es_calloc(1, sizeof *h->own);
    if (h->own == NULL)
        return 0;
    return ++h->own->shown;
}

static SQLHANDLE newest(SQLHENV env, SQLHDBC dbc, SQLHSTMT stmt, SQLSMALLINT *ret_type)
{
    if (stmt != SQL_NULL_HSTMT) {
        *ret_type = SQL_HANDLE_STMT;
        return stmt;
    }
    *ret_type = dbc != SQL_NULL_HDBC ? SQL_HANDLE_DBC : SQL_HANDLE_ENV;
    return dbc != SQL_NULL_HDBC ? dbc : env;
}

SQLRETURN SQL_API SQLErrorW(SQLHENV env, SQLHDBC dbc, SQLHSTMT stmt, SQLWCHAR *state,
                            SQLINTEGER *native, SQLWCHAR *message, SQLSMALLINT size,
                            SQLSMALLINT *length)
{
    SQLSMALLINT type = 0;
    SQLHANDLE handle = newest(env, dbc, stmt, &type);
    drv_handle *h = drv_check(handle, drv_type_of(type));
    if (h == NULL)
        return SQL_INVALID_HANDLE;
    return SQLGetDiagRecW(type, handle, next_shown(h), state, native, message, size, length);
}

SQLRETURN SQL_API SQLError(SQLHENV env, SQLHDBC dbc, SQLHSTMT stmt, SQLCHAR *state,
                           SQLINTEGER *native, SQLCHAR *message, SQLSMALLINT size,
                           SQLSMALLINT *length)
{
    SQLSMALLINT type = 0;
    SQLHANDLE handle = newest(env, dbc, stmt, &type);
    drv_handle *h = drv_check(handle, drv_type_of(type));
    if (h == NULL)
        return SQL_INVALID_HANDLE;
    return SQLGetDiagRec(type, handle, next_shown(h), state, native, message, size, length);
}
