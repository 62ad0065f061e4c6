/* SPDX-License-Identifier: MIT */
/* The ANSI calls that give text back, for a driver underneath that has W calls only. */
#include "base/compiler.h"
#include "base/mem.h"
#include "handle.h"
#include "text.h"

#include <stddef.h>

#define TEXT_UNITS 4096
#define H drv_inner(h)

/* Writes UTF-16 into an ANSI buffer; lengths are bytes. rc, or SUCCESS_WITH_INFO (01004). */
static SQLRETURN give(SQLHANDLE handle, const SQLWCHAR *wide, SQLPOINTER buffer, SQLINTEGER size,
                      size_t *ret_length, SQLRETURN rc)
{
    char *utf8 = NULL;
    if (drv_text_from_wide(wide, TEXT_UNITS, &utf8) != ENTRASQL_OK)
        return drv_fail_state(handle, "HY000", "the text cannot be converted");
    bool cut = drv_put_ansi(utf8, buffer, size > 0 ? (size_t)size : 0, ret_length);
    es_free_wipe_str(utf8);
    if (!cut)
        return rc;
    drv_record_add(handle, "01004", 0, "[entrasql]the text was cut");
    return SQL_SUCCESS_WITH_INFO;
}

static void put_length(SQLSMALLINT *length, size_t n)
{
    if (length != NULL)
        *length = n > INT16_MAX ? INT16_MAX : (SQLSMALLINT)n;
}

static bool lacks(const void *ansi, const void *wide)
{
    return ansi == NULL && wide != NULL;
}

#define LACKS(h, name)                                                                             \
    (drv_base(h) != NULL &&                                                                        \
     lacks((const void *)drv_base(h)->name, (const void *)drv_base(h)->name##W))

/* ---- columns ---- */

static SQLRETURN describe_wide(SQLHSTMT h, SQLUSMALLINT column, SQLCHAR *name, SQLSMALLINT size,
                               SQLSMALLINT *length, SQLSMALLINT *type, SQLULEN *column_size,
                               SQLSMALLINT *digits, SQLSMALLINT *nullable)
{
    SQLWCHAR text[TEXT_UNITS] = {0};
    SQLSMALLINT units = 0;
    size_t n = 0;
    DRV_ENTER(f, h, SQLDescribeColW);
    SQLRETURN rc = f->SQLDescribeColW(H, column, text, TEXT_UNITS, &units, type, column_size,
                                      digits, nullable);
    if (!SQL_SUCCEEDED(rc))
        return rc;
    rc = give(h, text, name, size, &n, rc);
    put_length(length, n);
    return rc;
}

SQLRETURN SQL_API SQLDescribeCol(SQLHSTMT h, SQLUSMALLINT column, SQLCHAR *name, SQLSMALLINT size,
                                 SQLSMALLINT *length, SQLSMALLINT *type, SQLULEN *column_size,
                                 SQLSMALLINT *digits, SQLSMALLINT *nullable)
{
    if (LACKS(h, SQLDescribeCol))
        return describe_wide(h, column, name, size, length, type, column_size, digits, nullable);
    DRV_ENTER(f, h, SQLDescribeCol);
    return f->SQLDescribeCol(H, column, name, size, length, type, column_size, digits, nullable);
}

/* Of ODBC, and of Microsoft's driver (msodbcsql.h, SQL_CA_SS_*). */
static bool is_text_field(SQLUSMALLINT field)
{
    switch (field) {
    case SQL_COLUMN_NAME:
    case SQL_DESC_NAME:
    case SQL_DESC_LABEL:
    case SQL_DESC_BASE_COLUMN_NAME:
    case SQL_DESC_BASE_TABLE_NAME:
    case SQL_DESC_CATALOG_NAME:
    case SQL_DESC_SCHEMA_NAME:
    case SQL_DESC_TABLE_NAME:
    case SQL_DESC_TYPE_NAME:
    case SQL_DESC_LITERAL_PREFIX:
    case SQL_DESC_LITERAL_SUFFIX:
    case SQL_DESC_LOCAL_TYPE_NAME:
        return true;
    default:
        return field >= 1218 && field <= 1224;
    }
}

static SQLRETURN attribute_wide(SQLHSTMT h, SQLUSMALLINT column, SQLUSMALLINT field,
                                SQLPOINTER text, SQLSMALLINT size, SQLSMALLINT *length,
                                SQLLEN *number)
{
    SQLWCHAR wide[TEXT_UNITS] = {0};
    size_t n = 0;
    DRV_ENTER(f, h, SQLColAttributeW);
    if (!is_text_field(field))
        return f->SQLColAttributeW(H, column, field, text, size, length, number);
    SQLRETURN rc =
        f->SQLColAttributeW(H, column, field, wide, (SQLSMALLINT)sizeof wide, NULL, number);
    if (!SQL_SUCCEEDED(rc))
        return rc;
    rc = give(h, wide, text, size, &n, rc);
    put_length(length, n);
    return rc;
}

SQLRETURN SQL_API SQLColAttribute(SQLHSTMT h, SQLUSMALLINT column, SQLUSMALLINT field,
                                  SQLPOINTER text, SQLSMALLINT size, SQLSMALLINT *length,
                                  SQLLEN *number)
{
    if (LACKS(h, SQLColAttribute))
        return attribute_wide(h, column, field, text, size, length, number);
    DRV_ENTER(f, h, SQLColAttribute);
    return f->SQLColAttribute(H, column, field, text, size, length, number);
}

/* ODBC 2's numbers for what ODBC 3 numbers anew. */
static SQLUSMALLINT field_of_odbc2(SQLUSMALLINT field)
{
    switch (field) {
    case SQL_COLUMN_COUNT:
        return SQL_DESC_COUNT;
    case SQL_COLUMN_NAME:
        return SQL_DESC_NAME;
    case SQL_COLUMN_NULLABLE:
        return SQL_DESC_NULLABLE;
    default:
        return field;
    }
}

SQLRETURN SQL_API SQLColAttributes(SQLHSTMT h, SQLUSMALLINT column, SQLUSMALLINT field,
                                   SQLPOINTER text, SQLSMALLINT size, SQLSMALLINT *length,
                                   SQLLEN *number)
{
    const drv_functions *base = drv_base(h);
    if (base != NULL && base->SQLColAttributes == NULL)
        return SQLColAttribute(h, column, field_of_odbc2(field), text, size, length, number);
    DRV_ENTER(f, h, SQLColAttributes);
    return f->SQLColAttributes(H, column, field, text, size, length, number);
}

SQLRETURN SQL_API SQLColAttributesW(SQLHSTMT h, SQLUSMALLINT column, SQLUSMALLINT field,
                                    SQLPOINTER text, SQLSMALLINT size, SQLSMALLINT *length,
                                    SQLLEN *number)
{
    const drv_functions *base = drv_base(h);
    if (base != NULL && base->SQLColAttributesW == NULL)
        return SQLColAttributeW(h, column, field_of_odbc2(field), text, size, length, number);
    DRV_ENTER(f, h, SQLColAttributesW);
    return f->SQLColAttributesW(H, column, field, text, size, length, number);
}

/* ---- cursors ---- */

SQLRETURN SQL_API SQLGetCursorName(SQLHSTMT h, SQLCHAR *name, SQLSMALLINT size, SQLSMALLINT *length)
{
    SQLWCHAR wide[TEXT_UNITS] = {0};
    SQLSMALLINT units = 0;
    size_t n = 0;
    if (!LACKS(h, SQLGetCursorName)) {
        DRV_ENTER(f, h, SQLGetCursorName);
        return f->SQLGetCursorName(H, name, size, length);
    }
    DRV_ENTER(f, h, SQLGetCursorNameW);
    SQLRETURN rc = f->SQLGetCursorNameW(H, wide, TEXT_UNITS, &units);
    if (!SQL_SUCCEEDED(rc))
        return rc;
    rc = give(h, wide, name, size, &n, rc);
    put_length(length, n);
    return rc;
}

/* A driver with the ANSI call alone (FreeTDS), asked by a program on W calls. */
static SQLRETURN cursor_name_of_ansi(SQLHSTMT h, SQLWCHAR *name, SQLSMALLINT size,
                                     SQLSMALLINT *length)
{
    SQLCHAR ansi[TEXT_UNITS] = {0};
    SQLSMALLINT bytes = 0;
    char *utf8 = NULL;
    size_t n = 0;
    DRV_ENTER(f, h, SQLGetCursorName);
    SQLRETURN rc = f->SQLGetCursorName(H, ansi, TEXT_UNITS, &bytes);
    if (!SQL_SUCCEEDED(rc))
        return rc;
    if (drv_text_from_ansi(ansi, TEXT_UNITS, &utf8) != ENTRASQL_OK)
        return drv_fail_state(h, "HY000", "the text cannot be converted");
    bool cut = drv_put_wide(utf8, name, size > 0 ? (size_t)size : 0, &n);
    es_free(utf8);
    put_length(length, n);
    return cut ? SQL_SUCCESS_WITH_INFO : rc;
}

SQLRETURN SQL_API SQLGetCursorNameW(SQLHSTMT h, SQLWCHAR *name, SQLSMALLINT size,
                                    SQLSMALLINT *length)
{
    const drv_functions *base = drv_base(h);
    if (base != NULL && base->SQLGetCursorNameW == NULL && base->SQLGetCursorName != NULL)
        return cursor_name_of_ansi(h, name, size, length);
    DRV_ENTER(f, h, SQLGetCursorNameW);
    return f->SQLGetCursorNameW(H, name, size, length);
}

/* ---- descriptors ---- */

SQLRETURN SQL_API SQLGetDescField(SQLHDESC h, SQLSMALLINT record, SQLSMALLINT field,
                                  SQLPOINTER value, SQLINTEGER size, SQLINTEGER *length)
{
    SQLWCHAR wide[TEXT_UNITS] = {0};
    size_t n = 0;
    if (!LACKS(h, SQLGetDescField)) {
        DRV_ENTER(f, h, SQLGetDescField);
        return f->SQLGetDescField(H, record, field, value, size, length);
    }
    DRV_ENTER(f, h, SQLGetDescFieldW);
    if (!is_text_field((SQLUSMALLINT)field) || field == SQL_COLUMN_NAME)
        return f->SQLGetDescFieldW(H, record, field, value, size, length);
    SQLRETURN rc = f->SQLGetDescFieldW(H, record, field, wide, (SQLINTEGER)sizeof wide, NULL);
    if (!SQL_SUCCEEDED(rc))
        return rc;
    rc = give(h, wide, value, size, &n, rc);
    if (length != NULL)
        *length = (SQLINTEGER)n;
    return rc;
}

SQLRETURN SQL_API SQLSetDescField(SQLHDESC h, SQLSMALLINT record, SQLSMALLINT field,
                                  SQLPOINTER value, SQLINTEGER length)
{
    drv_wide wide;
    if (!LACKS(h, SQLSetDescField)) {
        DRV_ENTER(f, h, SQLSetDescField);
        return f->SQLSetDescField(H, record, field, value, length);
    }
    DRV_ENTER(f, h, SQLSetDescFieldW);
    if (field != SQL_DESC_NAME || value == NULL)
        return f->SQLSetDescFieldW(H, record, field, value, length);
    if (drv_wide_from_ansi(value, length, &wide) != ENTRASQL_OK)
        return drv_fail_state(h, "HY000", "the text cannot be converted");
    SQLRETURN rc = f->SQLSetDescFieldW(H, record, field, wide.text, SQL_NTS);
    drv_wide_free(&wide);
    return rc;
}

static SQLRETURN desc_rec_wide(SQLHDESC h, SQLSMALLINT record, SQLCHAR *name, SQLSMALLINT size,
                               SQLSMALLINT *length, SQLSMALLINT *type, SQLSMALLINT *subtype,
                               SQLLEN *octets, SQLSMALLINT *precision, SQLSMALLINT *scale,
                               SQLSMALLINT *nullable)
{
    SQLWCHAR wide[TEXT_UNITS] = {0};
    SQLSMALLINT units = 0;
    size_t n = 0;
    DRV_ENTER(f, h, SQLGetDescRecW);
    SQLRETURN rc = f->SQLGetDescRecW(H, record, wide, TEXT_UNITS, &units, type, subtype, octets,
                                     precision, scale, nullable);
    if (!SQL_SUCCEEDED(rc) || rc == SQL_NO_DATA)
        return rc;
    rc = give(h, wide, name, size, &n, rc);
    put_length(length, n);
    return rc;
}

SQLRETURN SQL_API SQLGetDescRec(SQLHDESC h, SQLSMALLINT record, SQLCHAR *name, SQLSMALLINT size,
                                SQLSMALLINT *length, SQLSMALLINT *type, SQLSMALLINT *subtype,
                                SQLLEN *octets, SQLSMALLINT *precision, SQLSMALLINT *scale,
                                SQLSMALLINT *nullable)
{
    if (LACKS(h, SQLGetDescRec))
        return desc_rec_wide(h, record, name, size, length, type, subtype, octets, precision, scale,
                             nullable);
    DRV_ENTER(f, h, SQLGetDescRec);
    return f->SQLGetDescRec(H, record, name, size, length, type, subtype, octets, precision, scale,
                            nullable);
}

/* ---- connections ---- */

/* The translation is as long as the statement and some more. */
static SQLRETURN native_wide(SQLHDBC h, const drv_wide *in, SQLCHAR *out, SQLINTEGER size,
                             SQLINTEGER *length)
{
    char *utf8 = NULL;
    size_t n = 0;
    DRV_ENTER(f, h, SQLNativeSqlW);
    SQLINTEGER room = 2 * in->units + 1024;
    SQLWCHAR *wide = es_calloc((size_t)room, sizeof *wide);
    if (wide == NULL)
        return drv_fail_state(h, "HY001", "out of memory");
    SQLRETURN rc = f->SQLNativeSqlW(H, in->text, in->units, wide, room, NULL);
    if (SQL_SUCCEEDED(rc) && drv_text_from_wide(wide, room, &utf8) != ENTRASQL_OK)
        rc = drv_fail_state(h, "HY001", "out of memory");
    if (SQL_SUCCEEDED(rc)) {
        bool cut = drv_put_ansi(utf8, out, size > 0 ? (size_t)size : 0, &n);
        if (length != NULL)
            *length = (SQLINTEGER)n;
        rc = cut ? SQL_SUCCESS_WITH_INFO : rc;
    }
    es_free_wipe_str(utf8);
    es_free_wipe(wide, (size_t)room * sizeof *wide);
    return rc;
}

SQLRETURN SQL_API SQLNativeSql(SQLHDBC h, SQLCHAR *in, SQLINTEGER in_length, SQLCHAR *out,
                               SQLINTEGER size, SQLINTEGER *length)
{
    drv_wide wide;
    if (!LACKS(h, SQLNativeSql)) {
        DRV_ENTER(f, h, SQLNativeSql);
        return f->SQLNativeSql(H, in, in_length, out, size, length);
    }
    if (drv_wide_from_ansi(in, in_length, &wide) != ENTRASQL_OK)
        return drv_fail_state(h, "HY000", "the text cannot be converted");
    SQLRETURN rc = native_wide(h, &wide, out, size, length);
    drv_wide_free(&wide);
    return rc;
}
