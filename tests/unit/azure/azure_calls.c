/* SPDX-License-Identifier: MIT */
/* Prints the table of calls to Azure Resource Manager as JSON, for tests/arm/truth.py. */
#include "azure/calls.h"

#include "json/json.h"

#include <stdio.h>
#include <string.h>

static void put_fields(json_writer *w, const char *fields)
{
    json_name(w, "required");
    json_begin_array(w);
    for (const char *p = fields; *p != '\0';) {
        size_t n = strcspn(p, " ");
        json_put_text(w, p, n);
        p += n + strspn(p + n, " ");
    }
    json_end_array(w);
}

int main(void)
{
    es_buf out = ES_BUF_INIT(1024 * 1024);
    json_writer w;
    json_writer_init(&w, &out);
    json_begin_array(&w);
    for (unsigned i = 0; i < AZURE_CALL_COUNT; i++) {
        const azure_call *call = azure_call_get((azure_call_id)i);
        json_begin_object(&w);
        json_member_put_string(&w, "name", call->name);
        json_member_put_string(&w, "method", call->method);
        json_member_put_string(&w, "path", call->path);
        json_member_put_string(&w, "version", call->version);
        json_member_put_string(&w, "action", call->action);
        put_fields(&w, call->required);
        json_end_object(&w);
    }
    json_end_array(&w);
    if (json_writer_end(&w) != ENTRASQL_OK)
        return 1;
    bool is_good = fwrite(out.data, 1, out.len, stdout) == out.len && puts("") >= 0;
    es_buf_done(&out);
    return is_good ? 0 : 1;
}
