/* SPDX-License-Identifier: MIT */
/* Any bytes as a JSON text and, after the first line, as a path into it. */
#include "engine/jsontext.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the reader takes can be walked to its end, and every part lies inside. */
static void walk(const engine_json *v, const char *from, const char *to, unsigned depth)
{
    engine_json_walk w;
    if (v->text < from || v->text + v->n > to || depth > ENGINE_JSON_DEPTH_MAX)
        abort();
    es_buf plain = ES_BUF_INIT(1 << 20);
    if (engine_json_unquote(v, &plain) == ENTRASQL_NOMEM)
        abort();
    es_buf_done(&plain);
    engine_json_walk_begin(&w, v);
    while (engine_json_walk_next(&w)) {
        if (w.object && w.key.type != ENGINE_JSON_STRING)
            abort();
        walk(&w.value, from, to, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *line = size != 0 ? memchr(text, '\n', size) : NULL;
    const char *json = line != NULL ? line + 1 : text;
    size_t n = size - (size_t)(json - text);
    engine_json root;
    engine_json found;
    engine_json_path path;
    size_t bad;
    bool ok = engine_json_read(json, n, &root, &bad);
    if (bad > n)
        abort();
    if (ok)
        walk(&root, json, json + n, 0);
    if (line != NULL &&
        engine_json_path_parse(text, (size_t)(line - text), &path, NULL) == ENTRASQL_OK && ok &&
        engine_json_find(&root, &path, path.count, &found))
        walk(&found, json, json + n, 0);
    return 0;
}
