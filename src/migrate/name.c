/* SPDX-License-Identifier: MIT */
#include "migrate/name.h"

#include "base/str.h"
#include "base/utf16.h"

#include <string.h>

#define SHOWN_SIZE 160

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

/* What a reader of the statement would not see: it would be taken for another name. */
static bool is_invisible(uint32_t c)
{
    return (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2060 && c <= 0x2069) || c == 0xFEFF;
}

static entrasql_status check_characters(const char *what, const char *name, size_t n,
                                        entrasql_error *err)
{
    for (size_t at = 0; at < n;) {
        uint32_t c = 0;
        size_t bytes = es_utf8_decode(name + at, n - at, &c);
        if (is_control(c))
            return es_fail(err, ENTRASQL_INVALID,
                           "%s has a control character (U+%04X) after %zu bytes", what, (unsigned)c,
                           at);
        if (is_invisible(c))
            return es_fail(err, ENTRASQL_INVALID,
                           "%s has an invisible character (U+%04X) after %zu bytes", what,
                           (unsigned)c, at);
        at += bytes;
    }
    return ENTRASQL_OK;
}

entrasql_status migrate_name_check(const char *what, const char *name, entrasql_error *err)
{
    size_t n = name != NULL ? strlen(name) : 0;
    size_t units = 0;

    if (n == 0)
        return es_fail(err, ENTRASQL_INVALID, "%s is empty", what);
    if (es_utf8_to_utf16_units(name, n, &units) != ENTRASQL_OK || !es_utf8_is_valid(name, n))
        return es_fail(err, ENTRASQL_INVALID, "%s is not UTF-8", what);
    if (units > MIGRATE_NAME_MAX_UNITS)
        return es_fail(err, ENTRASQL_INVALID,
                       "%s has %zu characters (UTF-16 code units); SQL Server takes %d", what,
                       units, MIGRATE_NAME_MAX_UNITS);
    ES_TRY(check_characters(what, name, n, err));
    if (name[0] == ' ' || name[n - 1] == ' ')
        return es_fail(err, ENTRASQL_INVALID, "%s begins or ends with a blank", what);
    return ENTRASQL_OK;
}

entrasql_status migrate_name_check_external(const char *name, entrasql_error *err)
{
    char shown[SHOWN_SIZE];
    const char *bad = NULL;

    ES_TRY(migrate_name_check("the user name", name, err));
    bad = strpbrk(name, "\\:&");
    if (bad == NULL)
        return ENTRASQL_OK;
    es_printable(shown, sizeof shown, name, strlen(name));
    es_fail(err, ENTRASQL_INVALID,
            "the user name '%s' has a '%c', which CREATE USER does not take "
            "for an Entra principal",
            shown, *bad);
    es_hint(err, "Give the database user another name and tell the principal by its id: "
                 "--app-id, --user-id or --group-id.");
    return ENTRASQL_INVALID;
}

static entrasql_status add_doubling(es_buf *sql, const char *text, char doubled)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == doubled)
            ES_TRY(es_buf_u8(sql, (uint8_t)doubled));
        ES_TRY(es_buf_u8(sql, (uint8_t)*p));
    }
    return ENTRASQL_OK;
}

entrasql_status migrate_add_identifier(es_buf *sql, const char *name)
{
    ES_TRY(es_buf_u8(sql, '['));
    ES_TRY(add_doubling(sql, name, ']'));
    return es_buf_u8(sql, ']');
}

entrasql_status migrate_add_text(es_buf *sql, const char *text)
{
    ES_TRY(es_buf_add_str(sql, "N'"));
    ES_TRY(add_doubling(sql, text, '\''));
    return es_buf_u8(sql, '\'');
}

entrasql_status migrate_add_binary(es_buf *sql, const uint8_t *p, size_t n)
{
    ES_TRY(es_buf_add_str(sql, "0x"));
    for (size_t i = 0; i < n; i++)
        ES_TRY(es_buf_printf(sql, "%02X", p[i]));
    return ENTRASQL_OK;
}
