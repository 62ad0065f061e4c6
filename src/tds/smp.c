/* SPDX-License-Identifier: MIT */
/* Sessions of MARS: packets, windows, and what waits for them. */
#include "tds/smp.h"

#include "base/mem.h"
#include "base/reader.h"

#include <assert.h>
#include <string.h>

/* So much of its window a peer may use before an ACK names a new one; DATA names it on its way. */
#define ACK_EVERY 2U

typedef struct held {
    struct held *next;
    size_t len;
    uint8_t bytes[];
} held;

struct tds_smp_session {
    tds_smp *owner;
    tds_smp_session *next;
    void *data;
    uint16_t sid;
    bool is_ended;
    es_buf in;
    uint32_t received; /* sequence number of the latest DATA */
    uint32_t told;     /* the window that the peer knows of */
    uint32_t sent;     /* sequence number of our latest DATA */
    uint32_t window;   /* the peer's */
    held *first;
    held *last;
    size_t held_bytes;
};

struct tds_smp {
    tds_smp_options options;
    tds_smp_session *first;
    size_t sessions;
    size_t held_bytes;
    es_buf out;
    /* the packet under way: */
    uint8_t head[TDS_SMP_HEADER_BYTES];
    size_t head_len;
    tds_smp_session *to; /* whose payload follows */
    size_t payload_left;
};

/* ---- the header ---- */

entrasql_status tds_smp_header_parse(const uint8_t p[TDS_SMP_HEADER_BYTES], tds_smp_header *ret,
                                     entrasql_error *err)
{
    es_reader in = es_reader_of(p, TDS_SMP_HEADER_BYTES);
    uint8_t first = 0;

    ES_TRY(es_reader_u8(&in, &first));
    ES_TRY(es_reader_u8(&in, &ret->kind));
    ES_TRY(es_reader_u16le(&in, &ret->sid));
    ES_TRY(es_reader_u32le(&in, &ret->length));
    ES_TRY(es_reader_u32le(&in, &ret->seqnum));
    ES_TRY(es_reader_u32le(&in, &ret->window));
    if (first != TDS_SMP_FIRST_BYTE)
        return es_fail(err, ENTRASQL_MALFORMED,
                       "a packet of a MARS connection begins with 0x%02x instead of 0x53", first);
    switch (ret->kind) {
    case TDS_SMP_SYN:
    case TDS_SMP_ACK:
    case TDS_SMP_FIN:
        if (ret->length == TDS_SMP_HEADER_BYTES)
            return ENTRASQL_OK;
        break;
    case TDS_SMP_DATA:
        if (ret->length > TDS_SMP_HEADER_BYTES)
            return ENTRASQL_OK;
        break;
    default:
        return es_fail(err, ENTRASQL_MALFORMED, "SMP packet with the flags 0x%02x", ret->kind);
    }
    return es_fail(err, ENTRASQL_MALFORMED, "SMP packet of kind 0x%02x states a length of %u bytes",
                   ret->kind, ret->length);
}

entrasql_status tds_smp_header_add(const tds_smp_header *h, es_buf *out)
{
    ES_TRY(es_buf_reserve(out, TDS_SMP_HEADER_BYTES));
    ES_TRY(es_buf_u8(out, TDS_SMP_FIRST_BYTE));
    ES_TRY(es_buf_u8(out, h->kind));
    ES_TRY(es_buf_u16le(out, h->sid));
    ES_TRY(es_buf_u32le(out, h->length));
    ES_TRY(es_buf_u32le(out, h->seqnum));
    return es_buf_u32le(out, h->window);
}

/* ---- sessions ---- */

entrasql_status tds_smp_new(const tds_smp_options *options, tds_smp **ret, entrasql_error *err)
{
    tds_smp *m = es_calloc(1, sizeof *m);

    if (m == NULL)
        return es_nomem(err);
    m->options = *options;
    es_buf_init(&m->out, SIZE_MAX);
    *ret = m;
    return ENTRASQL_OK;
}

static void drop_held(tds_smp_session *s)
{
    while (s->first != NULL) {
        held *h = s->first;
        s->first = h->next;
        es_free(h);
    }
    s->last = NULL;
    s->owner->held_bytes -= s->held_bytes;
    s->held_bytes = 0;
}

static void free_session(tds_smp_session *s)
{
    drop_held(s);
    es_buf_done(&s->in);
    es_free(s);
}

void tds_smp_free(tds_smp *m)
{
    if (m == NULL)
        return;
    while (m->first != NULL) {
        tds_smp_session *s = m->first;
        m->first = s->next;
        free_session(s);
    }
    es_buf_done(&m->out);
    es_free(m);
}

static tds_smp_session *find(const tds_smp *m, uint16_t sid)
{
    tds_smp_session *s = m->first;

    while (s != NULL && s->sid != sid)
        s = s->next;
    return s;
}

static entrasql_status open_session(tds_smp *m, const tds_smp_header *h, entrasql_error *err)
{
    tds_smp_session **end = &m->first;

    if (m->sessions == m->options.max_sessions)
        return es_fail(err, ENTRASQL_LIMIT, "more than %zu MARS sessions on one connection",
                       m->options.max_sessions);
    tds_smp_session *s = es_calloc(1, sizeof *s);
    if (s == NULL)
        return es_nomem(err);
    s->owner = m;
    s->sid = h->sid;
    s->told = TDS_SMP_WINDOW;
    s->window = h->window;
    /* Wiping: SQL text may hold passwords. */
    s->in = ES_BUF_INIT_WIPE(TDS_SMP_WINDOW * m->options.max_payload);
    while (*end != NULL)
        end = &(*end)->next;
    *end = s;
    m->sessions++;
    return ENTRASQL_OK;
}

/* ---- from the peer ---- */

/* Sequence numbers wrap: b is at a or behind it. */
static bool is_at_or_after(uint32_t b, uint32_t a)
{
    return b - a < 0x80000000U;
}

static entrasql_status bad_packet(const tds_smp_header *h, const char *what, entrasql_error *err)
{
    return es_fail(err, ENTRASQL_MALFORMED,
                   "SMP packet of kind 0x%02x in session %u (SEQNUM %u, WNDW %u): %s", h->kind,
                   h->sid, h->seqnum, h->window, what);
}

/* A first packet's window counts from 0, as the sequence numbers do. */
static entrasql_status take_syn(tds_smp *m, const tds_smp_header *h, entrasql_error *err)
{
    if (find(m, h->sid) != NULL)
        return bad_packet(h, "the session is open already", err);
    if (h->seqnum != 0 || !is_at_or_after(h->window, 0))
        return bad_packet(h, "no session begins so", err);
    return open_session(m, h, err);
}

static entrasql_status take_header(tds_smp *m, entrasql_error *err)
{
    tds_smp_header h = {0};

    ES_TRY(tds_smp_header_parse(m->head, &h, err));
    if (h.kind == TDS_SMP_SYN)
        return take_syn(m, &h, err);
    tds_smp_session *s = find(m, h.sid);
    /* Whoever ended a session may still acknowledge what it had got: python-tds does. */
    if ((s == NULL || s->is_ended) && h.kind == TDS_SMP_ACK)
        return ENTRASQL_OK;
    if (s == NULL || s->is_ended)
        return bad_packet(&h, "the session is not open", err);
    if (!is_at_or_after(h.window, s->window))
        return bad_packet(&h, "the window moves back", err);
    if (h.seqnum != (h.kind == TDS_SMP_DATA ? s->received + 1 : s->received))
        return bad_packet(&h, "the sequence number is out of turn", err);
    if (!is_at_or_after(s->told, h.seqnum))
        return bad_packet(&h, "the window does not allow it", err);
    if (h.length - TDS_SMP_HEADER_BYTES > m->options.max_payload)
        return es_fail(err, ENTRASQL_LIMIT, "SMP packet of %u bytes", h.length);
    s->window = h.window;
    s->received = h.seqnum;
    s->is_ended = h.kind == TDS_SMP_FIN;
    m->to = s;
    m->payload_left = h.length - TDS_SMP_HEADER_BYTES;
    return ENTRASQL_OK;
}

entrasql_status tds_smp_feed(tds_smp *m, const void *p, size_t n, entrasql_error *err)
{
    es_reader in = es_reader_of(p, n);

    while (in.left != 0) {
        if (m->payload_left != 0) {
            size_t take = m->payload_left < in.left ? m->payload_left : in.left;
            if (es_buf_add(&m->to->in, in.at, take) != ENTRASQL_OK)
                return es_nomem(err); /* the window bounds it */
            ES_TRY(es_reader_skip(&in, take));
            m->payload_left -= take;
            continue;
        }
        ES_TRY(es_reader_u8(&in, &m->head[m->head_len]));
        if (++m->head_len < TDS_SMP_HEADER_BYTES)
            continue;
        m->head_len = 0;
        ES_TRY(take_header(m, err));
    }
    return ENTRASQL_OK;
}

/* ---- to the peer ---- */

/* All that came was consumed. */
static bool is_empty(const tds_smp_session *s)
{
    return s->in.len == 0 && (s->owner->to != s || s->owner->payload_left == 0);
}

/* Every packet names the window, which moves on when there is nothing left to consume. */
static tds_smp_header header_of(tds_smp_session *s, tds_smp_kind kind, size_t payload)
{
    if (is_empty(s))
        s->told = s->received + TDS_SMP_WINDOW;
    return (tds_smp_header){.kind = (uint8_t)kind,
                            .sid = s->sid,
                            .length = (uint32_t)(TDS_SMP_HEADER_BYTES + payload),
                            .seqnum = s->sent,
                            .window = s->told};
}

static entrasql_status put_control(tds_smp_session *s, tds_smp_kind kind)
{
    const tds_smp_header h = header_of(s, kind, 0);

    return tds_smp_header_add(&h, &s->owner->out);
}

entrasql_status tds_smp_send(tds_smp_session *s, const void *p, size_t n)
{
    held *h = es_malloc(sizeof *h + n);

    if (h == NULL)
        return ENTRASQL_NOMEM;
    h->next = NULL;
    h->len = n;
    memcpy(h->bytes, p, n);
    if (s->last != NULL)
        s->last->next = h;
    else
        s->first = h;
    s->last = h;
    s->held_bytes += n;
    s->owner->held_bytes += n;
    return ENTRASQL_OK;
}

/* Its oldest packet, when the window takes one. */
static entrasql_status fill_one(tds_smp_session *s, bool *ret_moved)
{
    es_buf *out = &s->owner->out;
    held *h = s->first;

    if (h == NULL || s->is_ended || s->sent == s->window)
        return ENTRASQL_OK;
    ES_TRY(es_buf_reserve(out, TDS_SMP_HEADER_BYTES + h->len));
    s->sent++;
    const tds_smp_header head = header_of(s, TDS_SMP_DATA, h->len);
    ES_TRY(tds_smp_header_add(&head, out));
    ES_TRY(es_buf_add(out, h->bytes, h->len));
    s->first = h->next;
    if (s->first == NULL)
        s->last = NULL;
    s->held_bytes -= h->len;
    s->owner->held_bytes -= h->len;
    es_free(h);
    *ret_moved = true;
    return ENTRASQL_OK;
}

entrasql_status tds_smp_fill(tds_smp *m, size_t max)
{
    bool moved = true;

    while (moved && m->out.len < max) {
        moved = false;
        for (tds_smp_session *s = m->first; s != NULL && m->out.len < max; s = s->next)
            ES_TRY(fill_one(s, &moved));
    }
    return ENTRASQL_OK;
}

es_buf *tds_smp_output(tds_smp *m)
{
    return &m->out;
}

size_t tds_smp_held(const tds_smp *m)
{
    return m->held_bytes;
}

/* ---- for the owner ---- */

tds_smp_session *tds_smp_first(const tds_smp *m)
{
    return m->first;
}

tds_smp_session *tds_smp_next(const tds_smp_session *s)
{
    return s->next;
}

uint16_t tds_smp_sid(const tds_smp_session *s)
{
    return s->sid;
}

void tds_smp_set_data(tds_smp_session *s, void *data)
{
    s->data = data;
}

void *tds_smp_data(const tds_smp_session *s)
{
    return s->data;
}

const uint8_t *tds_smp_received(const tds_smp_session *s, size_t *ret_n)
{
    *ret_n = s->in.len;
    return s->in.data;
}

entrasql_status tds_smp_consume(tds_smp_session *s, size_t n)
{
    es_buf_consume(&s->in, n);
    if (!is_empty(s) || s->is_ended)
        return ENTRASQL_OK;
    return s->received + TDS_SMP_WINDOW - s->told < ACK_EVERY ? ENTRASQL_OK
                                                              : put_control(s, TDS_SMP_ACK);
}

size_t tds_smp_session_held(const tds_smp_session *s)
{
    return s->held_bytes;
}

bool tds_smp_is_ended(const tds_smp_session *s)
{
    return s->is_ended;
}

entrasql_status tds_smp_end(tds_smp_session *s)
{
    tds_smp *m = s->owner;
    tds_smp_session **at = &m->first;

    assert(s->is_ended);
    entrasql_status st = put_control(s, TDS_SMP_FIN);
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    m->sessions--;
    if (m->to == s)
        m->to = NULL;
    free_session(s);
    return st;
}
