/* SPDX-License-Identifier: MIT */
/* LOGIN7: what is parsed can be copied, and when it can be built it parses again. */
#include "tds/login7.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tds_login7 l;
    tds_login7 again;
    es_buf body = ES_BUF_INIT_WIPE((size_t)TDS_LOGIN7_MAX_BYTES * 2);

    if (tds_login7_parse(data, size, &l, NULL) != ENTRASQL_OK)
        return 0;
    /* Building has limits of its own: names of 128 units, text that is UTF-8. */
    if (tds_login7_build(&l, &body, NULL) == ENTRASQL_OK) {
        if (tds_login7_parse(body.data, body.len, &again, NULL) != ENTRASQL_OK)
            abort();
        if (strcmp(l.database, again.database) != 0 || l.feature_count != again.feature_count)
            abort();
        tds_login7_done(&again);
    }
    if (tds_login7_copy(&again, &l) != ENTRASQL_OK)
        abort();
    tds_login7_done(&again);
    tds_login7_done(&l);
    es_buf_done(&body);
    return 0;
}
