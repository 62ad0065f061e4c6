/* SPDX-License-Identifier: MIT */
/* JSON: what is read can be written, and reads the same again. */
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_doc(const json_doc *doc, es_buf *out)
{
    json_writer w;
    json_writer_init(&w, out);
    json_put_node(&w, json_doc_root(doc));
    if (json_writer_end(&w) != ENTRASQL_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_doc *doc;
    json_doc *again;
    es_buf first = ES_BUF_INIT(1 << 24);
    es_buf second = ES_BUF_INIT(1 << 24);
    if (json_doc_parse(data, size, &doc, NULL) != ENTRASQL_OK)
        return 0;
    write_doc(doc, &first);
    if (json_doc_parse(first.data, first.len, &again, NULL) != ENTRASQL_OK)
        abort();
    write_doc(again, &second);
    if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0)
        abort();
    json_doc_free(doc);
    json_doc_free(again);
    es_buf_done(&first);
    es_buf_done(&second);
    return 0;
}
