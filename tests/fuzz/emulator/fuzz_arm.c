/* SPDX-License-Identifier: MIT */
/* A path and a body as a client of Azure Resource Manager sends them, with a line's end between:
 * the path is taken apart or refused, the body merges into itself and stays JSON. */
#include "base/mem.h"
#include "emulator/arm/id.h"
#include "emulator/arm/roles.h"
#include "emulator/arm/value.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_path(arm_pool *pool, const char *path)
{
    arm_id id;
    if (arm_id_parse(pool, path, &id) != ENTRASQL_OK)
        return;
    if (strlen(id.resource) > strlen(path) || !arm_is_below(id.resource, id.resource))
        abort();
    (void)arm_action_matches(path, id.resource);
    (void)arm_role_find(path);
}

static void take_body(arm_pool *pool, const char *text, size_t n)
{
    json_doc *doc = NULL;
    if (json_doc_parse(text, n, &doc, NULL) != ENTRASQL_OK)
        return;
    es_buf out = ES_BUF_INIT(JSON_MAX_BYTES);
    json_writer j;
    arm_value *v = arm_from_node(pool, json_doc_root(doc));
    arm_value *copy = arm_clone(pool, v);
    arm_merge(pool, copy, v);
    json_writer_init(&j, &out);
    arm_put(&j, copy);
    json_doc_free(doc);
    doc = NULL;
    if (json_writer_end(&j) == ENTRASQL_OK &&
        json_doc_parse(out.data, out.len, &doc, NULL) == ENTRASQL_MALFORMED)
        abort();
    json_doc_free(doc);
    es_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arm_pool pool = {0};
    char *text = es_strndup((const char *)data, size);
    if (text == NULL)
        return 0;
    char *end = strchr(text, '\n');
    if (end != NULL) {
        *end = '\0';
        take_body(&pool, end + 1, strlen(end + 1));
    }
    take_path(&pool, text);
    arm_pool_done(&pool);
    es_free(text);
    return 0;
}
