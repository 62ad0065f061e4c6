/* SPDX-License-Identifier: MIT */
/* PRELOGIN of both sides: what is parsed is built, and parses to the same. */
#include "tds/prelogin.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one_side(const uint8_t *data, size_t size, tds_prelogin_side side)
{
    tds_prelogin p;
    tds_prelogin again;
    es_buf body = ES_BUF_INIT(TDS_PRELOGIN_MAX_BYTES);

    if (tds_prelogin_parse(data, size, side, &p, NULL) != ENTRASQL_OK)
        return;
    if (tds_prelogin_build(&p, side, &body) != ENTRASQL_OK)
        abort();
    if (tds_prelogin_parse(body.data, body.len, side, &again, NULL) != ENTRASQL_OK)
        abort();
    if (memcmp(&p, &again, sizeof p) != 0)
        abort();
    es_buf_done(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    one_side(data, size, TDS_PRELOGIN_REQUEST);
    one_side(data, size, TDS_PRELOGIN_ANSWER);
    return 0;
}
