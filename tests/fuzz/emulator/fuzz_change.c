/* SPDX-License-Identifier: MIT */
/* A change as a client asked for it: what is accepted must give a text that is a world again, or is
 * refused as one. */
#include "base/mem.h"
#include "emulator/world/change.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    es_buf out = ES_BUF_INIT(WORLD_MAX_SEED_BYTES), said = ES_BUF_INIT(4096);
    world *w = NULL, *next = NULL;
    json_doc *request = NULL, *text = NULL;
    entrasql_error err;
    if (json_doc_parse(data, size, &request, &err) != ENTRASQL_OK)
        return 0;
    if (world_parse_seed("seed", world_default_seed, strlen(world_default_seed), &w, &err) !=
        ENTRASQL_OK)
        abort();
    if (world_edit(w, world_default_seed, strlen(world_default_seed), json_doc_root(request), &out,
                   &said, &err) == ENTRASQL_OK) {
        if (json_doc_parse(out.data, out.len, &text, &err) != ENTRASQL_OK || said.len == 0)
            abort();
        if (world_parse_seed("next", (const char *)out.data, out.len, &next, &err) == ENTRASQL_OK &&
            world_home_tenant(next) == NULL)
            abort();
    }
    json_doc_free(request);
    json_doc_free(text);
    world_free(next);
    world_free(w);
    es_buf_done(&out);
    es_buf_done(&said);
    return 0;
}
