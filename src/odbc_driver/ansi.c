/* SPDX-License-Identifier: MIT */
/*
 * The ANSI calls that bring text. A driver underneath that has them gets them
 * as they are (FreeTDS); for one that has W calls only (Microsoft's), the text
 * is converted here, as a driver manager would if we had W calls only, too.
 */
#include "base/compiler.h"
#include "handle.h"
#include "text.h"

#include <stddef.h>

#define MAX_TEXTS 6

typedef struct ansi_text {
    const SQLCHAR *text;
    SQLINTEGER length;
} ansi_text;

typedef struct wide_texts {
    drv_wide of[MAX_TEXTS];
} wide_texts;

static void wide_texts_done(wide_texts *w)
{
    for (size_t i = 0; i < MAX_TEXTS; i++)
        drv_wide_free(&w->of[i]);
}

/* True when the call has to be converted; *ret holds the texts, or *rc the failure. */
static bool converts(const void *ansi, const void *wide)
{
    return ansi == NULL && wide != NULL;
}

static SQLRETURN to_wide(SQLHANDLE handle, const ansi_text *in, size_t count, wide_texts *ret)
{
    for (size_t i = 0; i < count; i++) {
        entrasql_status status = drv_wide_from_ansi(in[i].text, in[i].length, &ret->of[i]);
        if (status == ENTRASQL_OK)
            continue;
        drv_handle *h = handle;
        drv_begin(h);
        return status == ENTRASQL_NOMEM
                   ? drv_fail_state(h, "HY001", "out of memory")
                   : drv_fail_state(h, "HY000", "the text cannot be converted to UTF-16");
    }
    return SQL_SUCCESS;
}

/*
 * Declares `f`, the table, and `w`, the texts as UTF-16, and runs `wide_call`
 * where the driver underneath has no ANSI form; else `ansi_call`.
 */
#define ANSI_CALL(name, h, count, texts, ansi_call, wide_call)                                     \
    const drv_functions *base = drv_base(h);                                                       \
    if (base != NULL && converts((const void *)base->name, (const void *)base->name##W)) {         \
        ES_CLEANUP(wide_texts_done) wide_texts w = {0};                                            \
        const ansi_text in[MAX_TEXTS] = texts;                                                     \
        SQLRETURN converted = to_wide(h, in, count, &w);                                           \
        if (converted != SQL_SUCCESS)                                                              \
            return converted;                                                                      \
        DRV_ENTER(fw, h, name##W);                                                                 \
        return fw->name##W wide_call;                                                              \
    }                                                                                              \
    DRV_ENTER(f, h, name);                                                                         \
    return f->name ansi_call

#define H drv_inner(h)
#define LIST(...)                                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
/* An absent text stays absent, an empty one empty. */
#define W(i) w.of[i].text, (SQLSMALLINT)(w.of[i].text != NULL ? SQL_NTS : 0)

#define THREE_TEXTS(name)                                                                          \
    SQLRETURN SQL_API name(SQLHSTMT h, SQLCHAR *a, SQLSMALLINT na, SQLCHAR *b, SQLSMALLINT nb,     \
                           SQLCHAR *c, SQLSMALLINT nc)                                             \
    {                                                                                              \
        ANSI_CALL(name, h, 3, LIST({a, na}, {b, nb}, {c, nc}), (H, a, na, b, nb, c, nc),           \
                  (H, W(0), W(1), W(2)));                                                          \
    }

#define FOUR_TEXTS(name)                                                                           \
    SQLRETURN SQL_API name(SQLHSTMT h, SQLCHAR *a, SQLSMALLINT na, SQLCHAR *b, SQLSMALLINT nb,     \
                           SQLCHAR *c, SQLSMALLINT nc, SQLCHAR *d, SQLSMALLINT nd)                 \
    {                                                                                              \
        ANSI_CALL(name, h, 4, LIST({a, na}, {b, nb}, {c, nc}, {d, nd}),                            \
                  (H, a, na, b, nb, c, nc, d, nd), (H, W(0), W(1), W(2), W(3)));                   \
    }

FOUR_TEXTS(SQLTables)
FOUR_TEXTS(SQLColumns)
FOUR_TEXTS(SQLColumnPrivileges)
FOUR_TEXTS(SQLProcedureColumns)
THREE_TEXTS(SQLTablePrivileges)
THREE_TEXTS(SQLPrimaryKeys)
THREE_TEXTS(SQLProcedures)

SQLRETURN SQL_API SQLForeignKeys(SQLHSTMT h, SQLCHAR *a, SQLSMALLINT na, SQLCHAR *b, SQLSMALLINT nb,
                                 SQLCHAR *c, SQLSMALLINT nc, SQLCHAR *d, SQLSMALLINT nd, SQLCHAR *e,
                                 SQLSMALLINT ne, SQLCHAR *g, SQLSMALLINT ng)
{
    ANSI_CALL(SQLForeignKeys, h, 6, LIST({a, na}, {b, nb}, {c, nc}, {d, nd}, {e, ne}, {g, ng}),
              (H, a, na, b, nb, c, nc, d, nd, e, ne, g, ng),
              (H, W(0), W(1), W(2), W(3), W(4), W(5)));
}

SQLRETURN SQL_API SQLSpecialColumns(SQLHSTMT h, SQLUSMALLINT type, SQLCHAR *a, SQLSMALLINT na,
                                    SQLCHAR *b, SQLSMALLINT nb, SQLCHAR *c, SQLSMALLINT nc,
                                    SQLUSMALLINT scope, SQLUSMALLINT nullable)
{
    ANSI_CALL(SQLSpecialColumns, h, 3, LIST({a, na}, {b, nb}, {c, nc}),
              (H, type, a, na, b, nb, c, nc, scope, nullable),
              (H, type, W(0), W(1), W(2), scope, nullable));
}

SQLRETURN SQL_API SQLStatistics(SQLHSTMT h, SQLCHAR *a, SQLSMALLINT na, SQLCHAR *b, SQLSMALLINT nb,
                                SQLCHAR *c, SQLSMALLINT nc, SQLUSMALLINT unique,
                                SQLUSMALLINT reserved)
{
    ANSI_CALL(SQLStatistics, h, 3, LIST({a, na}, {b, nb}, {c, nc}),
              (H, a, na, b, nb, c, nc, unique, reserved), (H, W(0), W(1), W(2), unique, reserved));
}

SQLRETURN SQL_API SQLExecDirect(SQLHSTMT h, SQLCHAR *text, SQLINTEGER length)
{
    ANSI_CALL(SQLExecDirect, h, 1, LIST({text, length}), (H, text, length),
              (H, w.of[0].text, w.of[0].units));
}

SQLRETURN SQL_API SQLPrepare(SQLHSTMT h, SQLCHAR *text, SQLINTEGER length)
{
    ANSI_CALL(SQLPrepare, h, 1, LIST({text, length}), (H, text, length),
              (H, w.of[0].text, w.of[0].units));
}

SQLRETURN SQL_API SQLSetCursorName(SQLHSTMT h, SQLCHAR *name, SQLSMALLINT length)
{
    ANSI_CALL(SQLSetCursorName, h, 1, LIST({name, length}), (H, name, length), (H, W(0)));
}

SQLRETURN SQL_API SQLGetTypeInfo(SQLHSTMT h, SQLSMALLINT type)
{
    const drv_functions *base = drv_base(h);
    if (base != NULL && base->SQLGetTypeInfo == NULL)
        return SQLGetTypeInfoW(h, type);
    DRV_ENTER(f, h, SQLGetTypeInfo);
    return f->SQLGetTypeInfo(H, type);
}
