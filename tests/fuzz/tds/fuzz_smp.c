/* SPDX-License-Identifier: MIT */
/*
 * A MARS connection: whatever its client sends, no window is passed either way,
 * what waits is counted right, and every packet of ours is one.
 */
#include "tds/smp.h"

#include <stdlib.h>

#define MAX_PAYLOAD 64U
#define PIECE 23U /* no divisor of a header */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_output(tds_smp *m)
{
    es_buf *out = tds_smp_output(m);

    while (out->len != 0) {
        tds_smp_header h = {0};
        if (out->len < TDS_SMP_HEADER_BYTES ||
            tds_smp_header_parse(out->data, &h, NULL) != ENTRASQL_OK || h.length > out->len)
            abort();
        es_buf_consume(out, h.length);
    }
}

/* Each answers a byte with two packets, and leaves every second piece where it is. */
static void serve(tds_smp *m, bool consumes)
{
    tds_smp_session *next = NULL;
    size_t held = 0;

    for (tds_smp_session *s = tds_smp_first(m); s != NULL; s = next) {
        size_t n = 0;
        const uint8_t *p = tds_smp_received(s, &n);
        next = tds_smp_next(s);
        if (n > (size_t)TDS_SMP_WINDOW * MAX_PAYLOAD)
            abort();
        if (n != 0 &&
            (tds_smp_send(s, p, n) != ENTRASQL_OK || tds_smp_send(s, p, 1) != ENTRASQL_OK))
            abort();
        if (consumes && tds_smp_consume(s, n) != ENTRASQL_OK)
            abort();
        if (tds_smp_is_ended(s)) {
            if (tds_smp_end(s) != ENTRASQL_OK)
                abort();
            continue;
        }
        held += tds_smp_session_held(s);
    }
    if (held != tds_smp_held(m) || tds_smp_fill(m, 256) != ENTRASQL_OK || tds_smp_held(m) > held)
        abort();
    check_output(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const tds_smp_options options = {.max_sessions = 4, .max_payload = MAX_PAYLOAD};
    tds_smp *m = NULL;
    size_t at = 0;

    if (tds_smp_new(&options, &m, NULL) != ENTRASQL_OK)
        return 0;
    while (at < size) {
        size_t n = size - at < PIECE ? size - at : PIECE;
        if (tds_smp_feed(m, data + at, n, NULL) != ENTRASQL_OK)
            break;
        at += n;
        serve(m, at / PIECE % 2 == 0);
    }
    tds_smp_free(m);
    return 0;
}
