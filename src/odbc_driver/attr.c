/* SPDX-License-Identifier: MIT */
/*
 * Attributes of environments, connections and statements. What is set before
 * the connection is kept here and set again by connect.c.
 */
#include "attr.h"

#include "base/mem.h"
#include "base/str.h"
#include "handle.h"
#include "pool.h"
#include "text.h"

#include <stddef.h>

/* ---- environments ---- */

SQLRETURN SQL_API SQLSetEnvAttr(SQLHENV env, SQLINTEGER id, SQLPOINTER value, SQLINTEGER length)
{
    drv_env *e = (drv_env *)drv_check(env, DRV_ENV);
    if (e == NULL)
        return SQL_INVALID_HANDLE;
    drv_begin(&e->head);
    if (drv_attrs_set(&e->attrs, id, value, length, NULL) != ENTRASQL_OK)
        return drv_fail_state(&e->head, "HY001", "out of memory");
    return SQL_SUCCESS;
}

SQLRETURN SQL_API SQLGetEnvAttr(SQLHENV env, SQLINTEGER id, SQLPOINTER value, SQLINTEGER size,
                                SQLINTEGER *length)
{
    drv_env *e = (drv_env *)drv_check(env, DRV_ENV);
    (void)size;
    if (e == NULL)
        return SQL_INVALID_HANDLE;
    drv_begin(&e->head);
    const drv_attr *a = drv_attrs_get(&e->attrs, id);
    uintptr_t number = a != NULL ? (uintptr_t)a->value : 0;
    if (a == NULL && id == SQL_ATTR_ODBC_VERSION)
        number = SQL_OV_ODBC3;
    if (a == NULL && id == SQL_ATTR_OUTPUT_NTS)
        number = SQL_TRUE;
    if (value != NULL)
        *(SQLUINTEGER *)value = (SQLUINTEGER)number;
    if (length != NULL)
        *length = sizeof(SQLUINTEGER);
    return SQL_SUCCESS;
}

/* ---- connections ---- */

bool drv_attr_is_text(SQLINTEGER id)
{
    return id == SQL_ATTR_CURRENT_CATALOG || id == SQL_ATTR_TRACEFILE ||
           id == SQL_ATTR_TRANSLATE_LIB;
}

/* An attribute of a connection that is not open: kept. */
static SQLRETURN keep(drv_dbc *d, SQLINTEGER id, SQLPOINTER value, SQLINTEGER length, bool wide)
{
    char *text = NULL;
    entrasql_status status = ENTRASQL_OK;
    if (drv_attr_is_text(id)) {
        status = wide ? drv_text_from_wide(value, length < 0 ? SQL_NTS : length / 2, &text)
                      : drv_text_from_ansi(value, length, &text);
    }
    if (status == ENTRASQL_OK)
        status = drv_attrs_set(&d->attrs, id, value, length, text);
    es_free_wipe_str(text);
    if (status == ENTRASQL_NOMEM)
        return drv_fail_state(&d->head, "HY001", "out of memory");
    if (status != ENTRASQL_OK)
        return drv_fail_state(&d->head, "HY024", "the attribute's text cannot be converted");
    return SQL_SUCCESS;
}

/* The driver underneath has only the other form: the text is converted. */
static SQLRETURN set_other_form(drv_dbc *d, const drv_functions *f, SQLINTEGER id, SQLPOINTER value,
                                SQLINTEGER length, bool wide)
{
    if (!drv_attr_is_text(id) || value == NULL)
        return wide ? f->SQLSetConnectAttr(d->head.inner, id, value, length)
                    : f->SQLSetConnectAttrW(d->head.inner, id, value, length);
    if (wide) {
        char *text = NULL;
        if (drv_text_from_wide(value, length < 0 ? SQL_NTS : length / 2, &text) != ENTRASQL_OK)
            return drv_fail_state(&d->head, "HY024", "the attribute's text cannot be converted");
        SQLRETURN rc = f->SQLSetConnectAttr(d->head.inner, id, text, SQL_NTS);
        es_free_wipe_str(text);
        return rc;
    }
    drv_wide text;
    if (drv_wide_from_ansi(value, length, &text) != ENTRASQL_OK)
        return drv_fail_state(&d->head, "HY024", "the attribute's text cannot be converted");
    SQLRETURN rc = f->SQLSetConnectAttrW(d->head.inner, id, text.text, SQL_NTS);
    drv_wide_free(&text);
    return rc;
}

static SQLRETURN set_connect_attr(SQLHDBC dbc, SQLINTEGER id, SQLPOINTER value, SQLINTEGER length,
                                  bool wide)
{
    drv_dbc *d = (drv_dbc *)drv_check(dbc, DRV_DBC);
    if (d == NULL)
        return SQL_INVALID_HANDLE;
    drv_begin(&d->head);
    if (d->head.base == NULL)
        return keep(d, id, value, length, wide);
    if (d->head.forked) {
        const drv_functions *none = NULL;
        return drv_stop(dbc, 0, &none);
    }
    const drv_functions *f = d->head.base;
    /*
     * Microsoft's driver exports the ANSI call for its token attribute alone:
     * text goes to the W call.
     */
    bool has = wide ? f->SQLSetConnectAttrW != NULL
                    : f->SQLSetConnectAttr != NULL &&
                          (!drv_attr_is_text(id) || d->library->kind != GLUE_DRIVER_MICROSOFT);
    if (!has)
        return set_other_form(d, f, id, value, length, wide);
    return wide ? f->SQLSetConnectAttrW(d->head.inner, id, value, length)
                : f->SQLSetConnectAttr(d->head.inner, id, value, length);
}

SQLRETURN SQL_API SQLSetConnectAttr(SQLHDBC dbc, SQLINTEGER id, SQLPOINTER value, SQLINTEGER length)
{
    return set_connect_attr(dbc, id, value, length, false);
}

SQLRETURN SQL_API SQLSetConnectAttrW(SQLHDBC dbc, SQLINTEGER id, SQLPOINTER value,
                                     SQLINTEGER length)
{
    return set_connect_attr(dbc, id, value, length, true);
}

/* What was kept, or ODBC's default; SQL_NO_DATA for what has none. */
static SQLRETURN get_kept(drv_dbc *d, SQLINTEGER id, SQLPOINTER value, SQLINTEGER size,
                          SQLINTEGER *length, bool wide)
{
    const drv_attr *a = drv_attrs_get(&d->attrs, id);
    if (a == NULL && id != SQL_ATTR_AUTOCOMMIT && id != SQL_ATTR_LOGIN_TIMEOUT &&
        id != SQL_ATTR_ACCESS_MODE && id != SQL_ATTR_CONNECTION_DEAD)
        return SQL_NO_DATA;
    if (id == SQL_ATTR_CONNECTION_DEAD)
        return drv_fail_state(&d->head, "08003", "the connection is not open");
    if (drv_attr_is_text(id)) {
        size_t n = 0;
        bool cut = wide ? drv_put_wide(a->text, value, (size_t)size / 2, &n)
                        : drv_put_ansi(a->text, value, (size_t)size, &n);
        if (length != NULL)
            *length = (SQLINTEGER)(wide ? 2 * n : n);
        return cut ? SQL_SUCCESS_WITH_INFO : SQL_SUCCESS;
    }
    uintptr_t number = a != NULL ? (uintptr_t)a->value : id == SQL_ATTR_AUTOCOMMIT ? 1 : 0;
    if (value != NULL)
        *(SQLUINTEGER *)value = (SQLUINTEGER)number;
    return SQL_SUCCESS;
}

static SQLRETURN get_other_form(drv_dbc *d, const drv_functions *f, SQLINTEGER id, SQLPOINTER value,
                                SQLINTEGER size, SQLINTEGER *length, bool wide)
{
    SQLWCHAR text[1024] = {0};
    char *utf8 = NULL;
    if (wide)
        return drv_fail_state(&d->head, "IM001",
                              "the driver underneath does not support this function");
    if (!drv_attr_is_text(id))
        return f->SQLGetConnectAttrW(d->head.inner, id, value, size, length);
    SQLRETURN rc = f->SQLGetConnectAttrW(d->head.inner, id, text, sizeof text, NULL);
    if (!SQL_SUCCEEDED(rc))
        return rc;
    if (drv_text_from_wide(text, ES_COUNT_OF(text), &utf8) != ENTRASQL_OK)
        return drv_fail_state(&d->head, "HY001", "out of memory");
    size_t n = 0;
    bool cut = drv_put_ansi(utf8, value, size > 0 ? (size_t)size : 0, &n);
    if (length != NULL)
        *length = (SQLINTEGER)n;
    es_free_wipe_str(utf8);
    return cut ? SQL_SUCCESS_WITH_INFO : rc;
}

static SQLRETURN get_connect_attr(SQLHDBC dbc, SQLINTEGER id, SQLPOINTER value, SQLINTEGER size,
                                  SQLINTEGER *length, bool wide)
{
    drv_dbc *d = (drv_dbc *)drv_check(dbc, DRV_DBC);
    if (d == NULL)
        return SQL_INVALID_HANDLE;
    drv_begin(&d->head);
    if (d->head.base == NULL)
        return get_kept(d, id, value, size, length, wide);
    if (id == SQL_ATTR_CONNECTION_DEAD && value != NULL &&
        (d->head.forked || drv_pool_must_not_reuse(d))) {
        *(SQLUINTEGER *)value = SQL_CD_TRUE;
        return SQL_SUCCESS;
    }
    if (d->head.forked) {
        const drv_functions *none = NULL;
        return drv_stop(dbc, 0, &none);
    }
    const drv_functions *f = d->head.base;
    if (wide ? f->SQLGetConnectAttrW == NULL : f->SQLGetConnectAttr == NULL)
        return get_other_form(d, f, id, value, size, length, wide);
    return wide ? f->SQLGetConnectAttrW(d->head.inner, id, value, size, length)
                : f->SQLGetConnectAttr(d->head.inner, id, value, size, length);
}

SQLRETURN SQL_API SQLGetConnectAttr(SQLHDBC dbc, SQLINTEGER id, SQLPOINTER value, SQLINTEGER size,
                                    SQLINTEGER *length)
{
    return get_connect_attr(dbc, id, value, size, length, false);
}

SQLRETURN SQL_API SQLGetConnectAttrW(SQLHDBC dbc, SQLINTEGER id, SQLPOINTER value, SQLINTEGER size,
                                     SQLINTEGER *length)
{
    return get_connect_attr(dbc, id, value, size, length, true);
}

/* ODBC 2: text ends with NUL and has room for SQL_MAX_OPTION_STRING_LENGTH. */
SQLRETURN SQL_API SQLSetConnectOption(SQLHDBC dbc, SQLUSMALLINT option, SQLULEN value)
{
    return set_connect_attr(dbc, option, (SQLPOINTER)value, SQL_NTS, false);
}

SQLRETURN SQL_API SQLSetConnectOptionW(SQLHDBC dbc, SQLUSMALLINT option, SQLULEN value)
{
    return set_connect_attr(dbc, option, (SQLPOINTER)value, SQL_NTS, true);
}

SQLRETURN SQL_API SQLGetConnectOption(SQLHDBC dbc, SQLUSMALLINT option, SQLPOINTER value)
{
    return get_connect_attr(dbc, option, value, SQL_MAX_OPTION_STRING_LENGTH, NULL, false);
}

SQLRETURN SQL_API SQLGetConnectOptionW(SQLHDBC dbc, SQLUSMALLINT option, SQLPOINTER value)
{
    return get_connect_attr(dbc, option, value, 2 * SQL_MAX_OPTION_STRING_LENGTH, NULL, true);
}

/* ---- statements: descriptors are handles, and handles are ours ---- */

static bool is_descriptor(SQLINTEGER id)
{
    return id >= SQL_ATTR_APP_ROW_DESC && id <= SQL_ATTR_IMP_PARAM_DESC;
}

_Static_assert(SQL_ATTR_IMP_PARAM_DESC == SQL_ATTR_APP_ROW_DESC + 3 &&
                   SQL_ATTR_APP_PARAM_DESC == SQL_ATTR_APP_ROW_DESC + 1,
               "the four descriptors are numbered in a row, the application's first");

static SQLRETURN get_descriptor(SQLHSTMT stmt, const drv_functions *f, SQLINTEGER id,
                                SQLPOINTER value, SQLINTEGER *length, bool wide)
{
    SQLHANDLE inner = SQL_NULL_HANDLE;
    SQLRETURN rc = wide ? f->SQLGetStmtAttrW(drv_inner(stmt), id, &inner, SQL_IS_POINTER, length)
                        : f->SQLGetStmtAttr(drv_inner(stmt), id, &inner, SQL_IS_POINTER, length);
    if (!SQL_SUCCEEDED(rc) || value == NULL)
        return rc;
    SQLRETURN wrapped = drv_desc_of((drv_stmt *)stmt, id, inner, value);
    return wrapped == SQL_SUCCESS ? rc : wrapped;
}

SQLRETURN SQL_API SQLGetStmtAttrW(SQLHSTMT stmt, SQLINTEGER id, SQLPOINTER value, SQLINTEGER size,
                                  SQLINTEGER *length)
{
    DRV_ENTER(f, stmt, SQLGetStmtAttrW);
    if (is_descriptor(id))
        return get_descriptor(stmt, f, id, value, length, true);
    return f->SQLGetStmtAttrW(drv_inner(stmt), id, value, size, length);
}

/* No attribute of a statement is text in ODBC, so a driver with W calls alone does as well. */
SQLRETURN SQL_API SQLGetStmtAttr(SQLHSTMT stmt, SQLINTEGER id, SQLPOINTER value, SQLINTEGER size,
                                 SQLINTEGER *length)
{
    const drv_functions *base = drv_base(stmt);
    if (base != NULL && base->SQLGetStmtAttr == NULL)
        return SQLGetStmtAttrW(stmt, id, value, size, length);
    DRV_ENTER(f, stmt, SQLGetStmtAttr);
    if (is_descriptor(id))
        return get_descriptor(stmt, f, id, value, length, false);
    return f->SQLGetStmtAttr(drv_inner(stmt), id, value, size, length);
}

/* value: NULL sets the statement's own descriptor again. */
static SQLRETURN set_descriptor(SQLHSTMT stmt, const drv_functions *f, SQLINTEGER id,
                                SQLPOINTER value, SQLINTEGER length, bool wide)
{
    drv_stmt *s = stmt;
    drv_desc *given = NULL;
    if (value != NULL) {
        given = (drv_desc *)drv_check(value, DRV_DESC);
        if (given == NULL || given->dbc != s->dbc)
            return drv_fail_state(&s->head, "HY024", "this descriptor is not of this connection");
    }
    SQLPOINTER inner = given != NULL ? given->head.inner : NULL;
    SQLRETURN rc = wide ? f->SQLSetStmtAttrW(s->head.inner, id, inner, length)
                        : f->SQLSetStmtAttr(s->head.inner, id, inner, length);
    if (SQL_SUCCEEDED(rc) && id <= SQL_ATTR_APP_PARAM_DESC) {
        size_t at = (size_t)(id - SQL_ATTR_APP_ROW_DESC);
        s->given[at] = given == s->implicit[at] ? NULL : given;
    }
    return rc;
}

SQLRETURN SQL_API SQLSetStmtAttrW(SQLHSTMT stmt, SQLINTEGER id, SQLPOINTER value, SQLINTEGER length)
{
    DRV_ENTER(f, stmt, SQLSetStmtAttrW);
    if (is_descriptor(id))
        return set_descriptor(stmt, f, id, value, length, true);
    return f->SQLSetStmtAttrW(drv_inner(stmt), id, value, length);
}

SQLRETURN SQL_API SQLSetStmtAttr(SQLHSTMT stmt, SQLINTEGER id, SQLPOINTER value, SQLINTEGER length)
{
    const drv_functions *base = drv_base(stmt);
    if (base != NULL && base->SQLSetStmtAttr == NULL)
        return SQLSetStmtAttrW(stmt, id, value, length);
    DRV_ENTER(f, stmt, SQLSetStmtAttr);
    if (is_descriptor(id))
        return set_descriptor(stmt, f, id, value, length, false);
    return f->SQLSetStmtAttr(drv_inner(stmt), id, value, length);
}

SQLRETURN SQL_API SQLGetStmtOption(SQLHSTMT stmt, SQLUSMALLINT option, SQLPOINTER value)
{
    const drv_functions *base = drv_base(stmt);
    if (base != NULL && base->SQLGetStmtOption == NULL)
        return SQLGetStmtAttr(stmt, option, value, SQL_IS_POINTER, NULL);
    DRV_ENTER(f, stmt, SQLGetStmtOption);
    return f->SQLGetStmtOption(drv_inner(stmt), option, value);
}

SQLRETURN SQL_API SQLSetStmtOption(SQLHSTMT stmt, SQLUSMALLINT option, SQLULEN value)
{
    const drv_functions *base = drv_base(stmt);
    if (base != NULL && base->SQLSetStmtOption == NULL)
        return SQLSetStmtAttr(stmt, option, (SQLPOINTER)value, SQL_NTS);
    DRV_ENTER(f, stmt, SQLSetStmtOption);
    return f->SQLSetStmtOption(drv_inner(stmt), option, value);
}

SQLRETURN SQL_API SQLCopyDesc(SQLHDESC source, SQLHDESC target)
{
    const drv_handle *from = drv_check(source, DRV_DESC);
    drv_handle *to = drv_check(target, DRV_DESC);
    if (from == NULL || to == NULL)
        return SQL_INVALID_HANDLE;
    DRV_ENTER(f, target, SQLCopyDesc);
    if (from->base != to->base || from->forked)
        return drv_fail_state(to, "HYC00",
                              "the two descriptors belong to different drivers underneath");
    return f->SQLCopyDesc(from->inner, to->inner);
}
