/* SPDX-License-Identifier: MIT */
/* Fuzz target: any text as a connection string; what parses must print and parse again the same. */
#include "base/mem.h"
#include "conf/connstr.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const conf_connstr *c)
{
    es_buf text = ES_BUF_INIT_WIPE(4 * CONF_CONNSTR_MAX_BYTES);
    conf_connstr again;
    if (conf_connstr_print(c, &text) != ENTRASQL_OK)
        abort();
    if (text.len <= CONF_CONNSTR_MAX_BYTES) {
        if (conf_connstr_parse(es_buf_cstr(&text), &again, NULL) != ENTRASQL_OK ||
            again.count != c->count)
            abort();
        for (size_t i = 0; i < c->count; i++) {
            if (strcmp(again.pairs[i].keyword, c->pairs[i].keyword) != 0 ||
                strcmp(again.pairs[i].value, c->pairs[i].value) != 0)
                abort();
        }
        conf_connstr_done(&again);
    }
    es_buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = es_strndup((const char *)data, size);
    if (text == NULL)
        return 0;
    conf_connstr c;
    conf_target t;
    entrasql_error err;
    if (conf_connstr_parse(text, &c, &err) == ENTRASQL_OK) {
        check_round_trip(&c);
        if (conf_target_from(&c, &t, &err) == ENTRASQL_OK)
            conf_target_done(&t);
        conf_connstr_done(&c);
    }
    es_free(text);
    return 0;
}
