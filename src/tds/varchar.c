/* SPDX-License-Identifier: MIT */
/* Counted UTF-16 strings. */
#include "tds/varchar.h"

#include "base/mem.h"
#include "base/utf16.h"

#include <string.h>

/* Appends text as UTF-16LE, at most max_units of it; *ret_units is what was written. */
static entrasql_status add_text(es_buf *out, const char *utf8, size_t max_units, size_t *ret_units)
{
    const char *s = utf8 != NULL ? utf8 : "";
    size_t left = strlen(s);
    size_t units = 0;

    while (left != 0) {
        uint32_t c;
        size_t used = es_utf8_decode(s, left, &c);
        if (used == 0) {
            c = '?';
            used = 1;
        }
        size_t need = c >= 0x10000 ? 2 : 1;
        if (need > max_units - units)
            break;
        if (need == 2) {
            c -= 0x10000;
            ES_TRY(es_buf_u16le(out, (uint16_t)(0xD800 | c >> 10)));
            ES_TRY(es_buf_u16le(out, (uint16_t)(0xDC00 | (c & 0x3FF))));
        } else {
            ES_TRY(es_buf_u16le(out, (uint16_t)c));
        }
        units += need;
        s += used;
        left -= used;
    }
    *ret_units = units;
    return ENTRASQL_OK;
}

entrasql_status tds_b_varchar_add(es_buf *out, const char *utf8)
{
    size_t at = out->len;
    size_t units;

    ES_TRY(es_buf_u8(out, 0));
    ES_TRY(add_text(out, utf8, UINT8_MAX, &units));
    es_buf_set_u8(out, at, (uint8_t)units);
    return ENTRASQL_OK;
}

entrasql_status tds_us_varchar_add(es_buf *out, const char *utf8, size_t max_units)
{
    size_t at = out->len;
    size_t units;

    ES_TRY(es_buf_u16le(out, 0));
    ES_TRY(add_text(out, utf8, max_units < UINT16_MAX ? max_units : UINT16_MAX, &units));
    es_buf_set_u16le(out, at, (uint16_t)units);
    return ENTRASQL_OK;
}

entrasql_status tds_b_varchar_skip(es_reader *r, es_reader *ret)
{
    es_reader local = *r;
    uint8_t units;

    ES_TRY(es_reader_u8(&local, &units));
    ES_TRY(es_reader_sub(&local, (size_t)units * 2, ret));
    *r = local;
    return ENTRASQL_OK;
}

entrasql_status tds_us_varchar_skip(es_reader *r, es_reader *ret)
{
    es_reader local = *r;
    uint16_t units;

    ES_TRY(es_reader_u16le(&local, &units));
    ES_TRY(es_reader_sub(&local, (size_t)units * 2, ret));
    *r = local;
    return ENTRASQL_OK;
}

entrasql_status tds_utf16_text(const es_reader *r, char **ret)
{
    size_t bytes = 0;

    while (r->left - bytes >= 2 && (r->at[bytes] != 0 || r->at[bytes + 1] != 0))
        bytes += 2;
    if (r->left - bytes == 1)
        return ENTRASQL_MALFORMED;
    return es_utf16le_to_str(r->at, bytes, ret);
}

entrasql_status tds_b_varchar_read(es_reader *r, char **ret)
{
    es_reader text;

    ES_TRY(tds_b_varchar_skip(r, &text));
    return tds_utf16_text(&text, ret);
}

entrasql_status tds_us_varchar_read(es_reader *r, char **ret)
{
    es_reader text;

    ES_TRY(tds_us_varchar_skip(r, &text));
    return tds_utf16_text(&text, ret);
}
