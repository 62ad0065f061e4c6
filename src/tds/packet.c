/* SPDX-License-Identifier: MIT */
/* Packet headers, message assembly and message splitting. */
#include "tds/packet.h"

#include "base/reader.h"

#include <assert.h>
#include <string.h>

/* A body that grew past this gives its memory back between messages. */
#define KEEP_BYTES (64U * 1024U)

entrasql_status tds_packet_header_parse(const uint8_t p[TDS_PACKET_HEADER_BYTES],
                                        tds_packet_header *ret, entrasql_error *err)
{
    tds_packet_header h = {
        .type = p[0],
        .status = p[1],
        .length = (uint16_t)(p[2] << 8 | p[3]),
        .spid = (uint16_t)(p[4] << 8 | p[5]),
        .packet_id = p[6],
        .window = p[7],
    };

    if (h.length < TDS_PACKET_HEADER_BYTES)
        return es_fail(
            err, ENTRASQL_MALFORMED,
            "TDS packet of type 0x%02x states a length of %u bytes, less than its header", h.type,
            h.length);
    *ret = h;
    return ENTRASQL_OK;
}

const char *tds_packet_type_name(uint8_t type)
{
    static const char *const names[] = {
        [TDS_PACKET_BATCH] = "SQL batch",
        [TDS_PACKET_PRE7_LOGIN] = "pre-TDS7 login",
        [TDS_PACKET_RPC] = "RPC",
        [TDS_PACKET_REPLY] = "tabular result",
        [TDS_PACKET_ATTENTION] = "attention",
        [TDS_PACKET_BULK] = "bulk load",
        [TDS_PACKET_FEDAUTH_TOKEN] = "federated authentication token",
        [TDS_PACKET_TM] = "transaction manager request",
        [TDS_PACKET_LOGIN7] = "LOGIN7",
        [TDS_PACKET_SSPI] = "SSPI",
        [TDS_PACKET_PRELOGIN] = "PRELOGIN",
    };

    if (type >= ES_COUNT_OF(names) || names[type] == NULL)
        return "unknown";
    return names[type];
}

uint32_t tds_packet_size_grant(uint32_t requested, uint32_t max)
{
    uint32_t size = requested != 0 ? requested : TDS_PACKET_SIZE_DEFAULT;

    if (size > max)
        size = max;
    size &= ~3U;
    return size < TDS_PACKET_SIZE_MIN ? TDS_PACKET_SIZE_MIN : size;
}

void tds_assembler_init(tds_assembler *a, size_t limit, bool wipe, uint32_t accept)
{
    *a = (tds_assembler){.accept = accept};
    es_buf_init(&a->body, limit);
    a->body.wipe = wipe;
}

void tds_assembler_done(tds_assembler *a)
{
    es_buf_done(&a->body);
}

void tds_assembler_next(tds_assembler *a)
{
    if (a->body.capacity > KEEP_BYTES)
        es_buf_done(&a->body);
    else
        es_buf_clear(&a->body);
    a->started = false;
    a->complete = false;
    a->status = 0;
    a->type = 0;
    a->head_len = 0;
    a->packet_left = 0;
    a->last_packet = false;
}

bool tds_assembler_is_idle(const tds_assembler *a)
{
    return !a->started && a->head_len == 0;
}

static entrasql_status check_first_header(const tds_assembler *a, const tds_packet_header *h,
                                          entrasql_error *err)
{
    if (h->type >= 32 || (a->accept & TDS_ACCEPT(h->type)) == 0)
        return es_fail(err, ENTRASQL_MALFORMED, "unexpected TDS packet of type 0x%02x (%s)",
                       h->type, tds_packet_type_name(h->type));
    return ENTRASQL_OK;
}

/* One header is whole: check it against the message it belongs to. */
static entrasql_status take_header(tds_assembler *a, entrasql_error *err)
{
    tds_packet_header h = {0};

    ES_TRY(tds_packet_header_parse(a->head, &h, err));
    if (!a->started) {
        ES_TRY(check_first_header(a, &h, err));
        a->started = true;
        a->type = h.type;
        a->status = 0;
    } else if (h.type != a->type) {
        return es_fail(err, ENTRASQL_MALFORMED,
                       "TDS packet of type 0x%02x inside a message of type 0x%02x (%s)", h.type,
                       a->type, tds_packet_type_name(a->type));
    }
    a->packet_left = (size_t)h.length - TDS_PACKET_HEADER_BYTES;
    a->last_packet = (h.status & TDS_STATUS_EOM) != 0;
    /* Without this rule a peer could keep us busy for ever without ever sending a byte. */
    if (a->packet_left == 0 && !a->last_packet)
        return es_fail(err, ENTRASQL_MALFORMED, "empty TDS packet in the middle of a message (%s)",
                       tds_packet_type_name(a->type));
    if (a->packet_left > a->body.ceiling - a->body.len)
        return es_fail(err, ENTRASQL_LIMIT, "%s message is larger than the limit of %zu bytes",
                       tds_packet_type_name(a->type), a->body.ceiling);
    a->status |= h.status;
    a->spid = h.spid;
    return ENTRASQL_OK;
}

static void end_packet(tds_assembler *a)
{
    a->head_len = 0;
    if (a->last_packet)
        a->complete = true;
}

entrasql_status tds_assembler_feed(tds_assembler *a, const void *p, size_t n, size_t *ret_used,
                                   entrasql_error *err)
{
    es_reader in = es_reader_of(p, n);

    while (!a->complete && in.left != 0) {
        if (a->head_len < TDS_PACKET_HEADER_BYTES) {
            ES_TRY(es_reader_u8(&in, &a->head[a->head_len]));
            if (++a->head_len < TDS_PACKET_HEADER_BYTES)
                continue;
            ES_TRY(take_header(a, err));
        } else {
            size_t take = a->packet_left < in.left ? a->packet_left : in.left;
            if (es_buf_add(&a->body, in.at, take) != ENTRASQL_OK)
                return es_nomem(err); /* the ceiling was checked with the header */
            ES_TRY(es_reader_skip(&in, take));
            a->packet_left -= take;
        }
        if (a->packet_left == 0)
            end_packet(a);
    }
    *ret_used = n - in.left;
    return ENTRASQL_OK;
}

void tds_splitter_init(tds_splitter *s, uint8_t type, uint16_t spid, uint32_t packet_size)
{
    assert(packet_size >= TDS_PACKET_SIZE_MIN && packet_size <= TDS_PACKET_SIZE_MAX);
    *s = (tds_splitter){.type = type, .spid = spid, .packet_size = packet_size, .next_id = 1};
}

static entrasql_status put_packet(tds_splitter *s, const uint8_t *p, size_t n, uint8_t status,
                                  es_buf *out)
{
    ES_TRY(es_buf_reserve(out, n + TDS_PACKET_HEADER_BYTES));
    ES_TRY(es_buf_u8(out, s->type));
    ES_TRY(es_buf_u8(out, (uint8_t)(s->first_status | status)));
    ES_TRY(es_buf_u16be(out, (uint16_t)(n + TDS_PACKET_HEADER_BYTES)));
    ES_TRY(es_buf_u16be(out, s->spid));
    ES_TRY(es_buf_u8(out, s->next_id));
    ES_TRY(es_buf_u8(out, 0));
    ES_TRY(es_buf_add(out, p, n));
    s->first_status = 0;
    s->next_id = (uint8_t)(s->next_id + 1);
    return ENTRASQL_OK;
}

entrasql_status tds_splitter_move(tds_splitter *s, es_buf *body, bool last, es_buf *out)
{
    size_t room = s->packet_size - TDS_PACKET_HEADER_BYTES;
    size_t at = 0;
    entrasql_status st = ENTRASQL_OK;

    /* A full packet goes out only when a byte follows it: the last one must carry EOM. */
    while (st == ENTRASQL_OK && body->len - at > room) {
        st = put_packet(s, body->data + at, room, 0, out);
        if (st == ENTRASQL_OK)
            at += room;
    }
    if (st == ENTRASQL_OK && last) {
        st = put_packet(s, body->data == NULL ? NULL : body->data + at, body->len - at,
                        TDS_STATUS_EOM, out);
        if (st == ENTRASQL_OK)
            at = body->len;
    }
    es_buf_consume(body, at);
    return st;
}

entrasql_status tds_splitter_part(tds_splitter *s, const void *body, size_t n, size_t most,
                                  size_t *ret_used, es_buf *out)
{
    size_t room = s->packet_size - TDS_PACKET_HEADER_BYTES;
    const uint8_t *p = body;
    size_t used = 0;
    size_t before = out->len;
    entrasql_status st = ENTRASQL_OK;

    for (; st == ENTRASQL_OK && most > 0 && n - used > room; most--) {
        st = put_packet(s, p + used, room, 0, out);
        used += room;
    }
    if (st == ENTRASQL_OK && most > 0) {
        st = put_packet(s, p == NULL ? NULL : p + used, n - used, TDS_STATUS_EOM, out);
        used = n;
    }
    if (st != ENTRASQL_OK)
        es_buf_truncate(out, before);
    *ret_used = used;
    return st;
}

entrasql_status tds_splitter_give_up(tds_splitter *s, es_buf *out)
{
    return put_packet(s, NULL, 0, TDS_STATUS_EOM | TDS_STATUS_IGNORE, out);
}

entrasql_status tds_packets_write(uint8_t type, uint16_t spid, uint32_t packet_size,
                                  const void *body, size_t n, es_buf *out)
{
    tds_splitter s;
    size_t used = 0;

    tds_splitter_init(&s, type, spid, packet_size);
    return tds_splitter_part(&s, body, n, SIZE_MAX, &used, out);
}
