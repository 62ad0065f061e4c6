/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: any text to every type and back. The first byte picks the target
 * type, the second the style; what converts must print, and convert again to
 * an equal value where the printed form says everything.
 */
#include "base/mem.h"
#include "sqltype/collation.h"
#include "sqltype/convert.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sqltype pick(uint8_t byte)
{
    sqltype t = {.id = (sqltype_id)(SQLTYPE_UNKNOWN + 1 + byte % (SQLTYPE_COUNT - 1))};

    t.precision = 20;
    t.scale = t.id == SQLTYPE_DECIMAL || t.id == SQLTYPE_NUMERIC ? 4 : 7;
    t.length = 30;
    return t;
}

static void round_trip(const sqlvalue *v)
{
    es_buf text = ES_BUF_INIT(1 << 20);
    entrasql_error err;
    sqlvalue again;

    if (sqlvalue_print(v, &text) != ENTRASQL_OK)
        abort();
    if (sqltype_is_datetime(v->type.id) && v->type.id != SQLTYPE_SMALLDATETIME) {
        sqlvalue s =
            sqlvalue_lend(sqltype_string(SQLTYPE_VARCHAR, 100), es_buf_cstr(&text), text.len);
        if (sqltype_convert(&s, v->type, NULL, &again, &err) != ENTRASQL_OK ||
            sqlvalue_compare(v, &again) != 0)
            abort();
    }
    es_buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    sqltype_convert_options options = SQLTYPE_CONVERT_DEFAULT;
    sqlvalue v = sqlvalue_lend(sqltype_string(SQLTYPE_NVARCHAR, SQLTYPE_MAX),
                               (const char *)data + 2, size - 2);
    sqlvalue got;
    entrasql_error err;

    options.style = data[1] == 0 ? -1 : data[1];
    if (sqltype_convert(&v, pick(data[0]), &options, &got, &err) == ENTRASQL_OK) {
        round_trip(&got);
        sqlvalue_done(&got);
    }
    size_t half = (size - 2) / 2;
    const char *text = (const char *)data + 2;
    if (sqlcollation_compare(text, half, text + half, size - 2 - half) !=
        -sqlcollation_compare(text + half, size - 2 - half, text, half))
        abort();
    return 0;
}
