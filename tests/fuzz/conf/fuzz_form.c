/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: any text as each form of connection string. What parses must print and parse again
 * the same; what is converted must not say anything else. The text's first byte picks the form.
 */
#include "base/mem.h"
#include "base/str.h"
#include "conf/login.h"

#include <stdlib.h>

#define TEXT_MAX_BYTES (16 * CONF_CONNSTR_MAX_BYTES)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(conf_form form, const conf_connstr *list)
{
    es_buf text = ES_BUF_INIT_WIPE(TEXT_MAX_BYTES);
    conf_connstr again;
    entrasql_error err;
    if (conf_form_print(form, list, &text, &err) != ENTRASQL_OK)
        abort();
    if (text.len <= CONF_CONNSTR_MAX_BYTES) {
        if (conf_form_parse(form, es_buf_cstr(&text), &again, &err) != ENTRASQL_OK ||
            again.count != list->count)
            abort();
        for (size_t i = 0; i < list->count; i++) {
            if (!es_streq(again.pairs[i].keyword, list->pairs[i].keyword) ||
                !es_streq(again.pairs[i].value, list->pairs[i].value))
                abort();
        }
        conf_connstr_done(&again);
    }
    es_buf_done(&text);
}

static void check_conversion(conf_form form, const char *s)
{
    for (unsigned i = 0; i < CONF_FORM_COUNT; i++) {
        conf_form to = (conf_form)i;
        conf_convert_options options = {.from = &form, .to = &to};
        es_buf text = ES_BUF_INIT_WIPE(TEXT_MAX_BYTES);
        conf_converted converted;
        entrasql_error err;
        entrasql_status status = conf_convert(s, &options, &text, &converted, &err);
        if (status == ENTRASQL_INTERNAL)
            abort();
        if (status == ENTRASQL_OK)
            conf_converted_done(&converted);
        es_buf_done(&text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    conf_form form = (conf_form)(data[0] % CONF_FORM_COUNT);
    char *text = es_strndup((const char *)data + 1, size - 1);
    if (text == NULL)
        return 0;
    conf_connstr list;
    entrasql_error err;
    (void)conf_form_detect(text);
    if (conf_form_parse(form, text, &list, &err) == ENTRASQL_OK) {
        check_round_trip(form, &list);
        conf_connstr_done(&list);
        check_conversion(form, text);
    }
    es_free(text);
    return 0;
}
