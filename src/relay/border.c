/* SPDX-License-Identifier: MIT */
/* Borders of requests and replies. */
#include "relay/border.h"

#include "tds/smp.h"

#include <string.h>

#define HEADER_BYTES 8U
#define DONE_BYTES 13U       /* TDS 7.2 and later: token, status, command, 64-bit row count */
#define FATAL_CLASS 20U      /* [MS-TDS] 2.2.7.10: the server closes the connection */
#define LEAD_OF_ERROR 8U     /* length, number, state, class */
#define LEAD_OF_ENVCHANGE 3U /* length, type */
#define DESCRIPTOR_BYTES 8U
#define LEAD_OF_BEGIN (LEAD_OF_ENVCHANGE + 1U + DESCRIPTOR_BYTES) /* and the new value, counted */

static uint16_t u16le(const uint8_t *p)
{
    return (uint16_t)(p[0] | (uint16_t)p[1] << 8);
}

static uint32_t u32le(const uint8_t *p)
{
    return (uint32_t)u16le(p) | (uint32_t)u16le(p + 2) << 16;
}

static uint64_t u64le(const uint8_t *p)
{
    return (uint64_t)u32le(p) | (uint64_t)u32le(p + 4) << 32;
}

/* ---- the tokens at the beginning of a reply ---- */

/* How many bytes after the id are looked at; 0: the walk ends here. */
static uint8_t lead_of(uint8_t token)
{
    switch (token) {
    case TDS_TOKEN_ENVCHANGE:
        return LEAD_OF_ENVCHANGE;
    case TDS_TOKEN_ERROR:
        return LEAD_OF_ERROR;
    case TDS_TOKEN_INFO:
    case TDS_TOKEN_ORDER:
    case TDS_TOKEN_TABNAME:
    case TDS_TOKEN_COLINFO:
        return 2;
    case TDS_TOKEN_SESSIONSTATE:
        return 9; /* length, sequence number, status */
    case TDS_TOKEN_RETURNSTATUS:
    case TDS_TOKEN_OFFSET:
        return 4;
    case TDS_TOKEN_DONE:
    case TDS_TOKEN_DONEPROC:
    case TDS_TOKEN_DONEINPROC:
        return DONE_BYTES - 1;
    default:
        return 0; /* rows, metadata, return values: their length is not told here */
    }
}

/* The beginning of a transaction is worth more bytes: its descriptor. */
static bool wants_descriptor(relay_border *b)
{
    if (b->token != TDS_TOKEN_ENVCHANGE || b->taken != LEAD_OF_ENVCHANGE ||
        b->lead[2] != TDS_ENV_BEGIN || u16le(b->lead) < 2U + DESCRIPTOR_BYTES)
        return false;
    b->wanted = LEAD_OF_BEGIN;
    return true;
}

static void on_envchange(relay_border *b)
{
    switch (b->lead[2]) {
    case TDS_ENV_BEGIN:
        b->transaction = RELAY_TRANSACTION_UNKNOWN;
        if (b->taken == LEAD_OF_BEGIN && b->lead[LEAD_OF_ENVCHANGE] == DESCRIPTOR_BYTES) {
            b->transaction = RELAY_TRANSACTION_OPEN;
            b->descriptor = u64le(b->lead + LEAD_OF_ENVCHANGE + 1);
        }
        break;
    case TDS_ENV_ENLIST:
    case TDS_ENV_PROMOTE:
        b->transaction = RELAY_TRANSACTION_UNKNOWN;
        break;
    case TDS_ENV_COMMIT:
    case TDS_ENV_ROLLBACK:
    case TDS_ENV_DEFECT:
    case TDS_ENV_TRANSACTION_ENDED:
        b->transaction = RELAY_TRANSACTION_NONE;
        break;
    case TDS_ENV_RESET:
        b->was_reset = true;
        break;
    default:
        break;
    }
}

/* The lead is complete. */
static void look(relay_border *b)
{
    if (b->token == TDS_TOKEN_ENVCHANGE)
        on_envchange(b);
    else if (b->token == TDS_TOKEN_ERROR && b->lead[7] >= FATAL_CLASS)
        b->fatal = true;
    else if (b->token == TDS_TOKEN_SESSIONSTATE)
        /* [MS-TDS] 2.2.7.21: bit 0 of the status says that the state can be recovered. */
        b->unrecoverable = (b->lead[8] & 1U) == 0 || u32le(b->lead + 4) == UINT32_MAX;
}

/* What is left of the current token after its lead. */
static void set_skip(relay_border *b)
{
    uint64_t length = 0;
    switch (b->token) {
    case TDS_TOKEN_ENVCHANGE:
    case TDS_TOKEN_ERROR:
    case TDS_TOKEN_INFO:
    case TDS_TOKEN_ORDER:
    case TDS_TOKEN_TABNAME:
    case TDS_TOKEN_COLINFO:
        length = 2U + (uint64_t)u16le(b->lead);
        break;
    case TDS_TOKEN_SESSIONSTATE:
        length = 4U + (uint64_t)u32le(b->lead);
        break;
    default:
        return; /* of fixed length: all of it was the lead */
    }
    if (length < b->taken || length - b->taken > UINT32_MAX)
        b->walking = false; /* makes no sense */
    else
        b->skip = (uint32_t)(length - b->taken);
}

static void begin_token(relay_border *b, uint8_t token)
{
    b->token = token;
    b->taken = 0;
    b->wanted = lead_of(token);
    b->walking = b->wanted != 0;
}

static void walk(relay_border *b, const uint8_t *p, size_t n)
{
    while (n > 0 && b->walking) {
        if (b->skip > 0) {
            size_t count = n < b->skip ? n : b->skip;
            b->skip -= (uint32_t)count;
            p += count;
            n -= count;
            continue;
        }
        n--;
        if (b->wanted == 0) {
            begin_token(b, *p++);
            continue;
        }
        b->lead[b->taken++] = *p++;
        if (b->taken < b->wanted || wants_descriptor(b))
            continue;
        look(b);
        set_skip(b);
        b->wanted = 0;
    }
}

/* ---- the end of a reply ---- */

static void keep_tail(relay_border *b, const uint8_t *p, size_t n)
{
    if (n >= DONE_BYTES) {
        memcpy(b->tail, p + n - DONE_BYTES, DONE_BYTES);
        b->tail_len = DONE_BYTES;
        return;
    }
    size_t kept = b->tail_len + n > DONE_BYTES ? DONE_BYTES - n : b->tail_len;
    memmove(b->tail, b->tail + b->tail_len - kept, kept);
    memcpy(b->tail + kept, p, n);
    b->tail_len = (uint8_t)(kept + n);
}

static void begin_reply(relay_border *b)
{
    b->walking = true;
    b->wanted = 0;
    b->skip = 0;
    b->tail_len = 0;
}

/*
 * A change behind rows shows in the DONE alone, without a descriptor. Should the
 * descriptor be that of an earlier transaction, the server refuses it.
 */
static void conclude_transaction(relay_border *b, bool is_open)
{
    if (!is_open)
        b->transaction = RELAY_TRANSACTION_NONE;
    else if (b->transaction == RELAY_TRANSACTION_NONE)
        b->transaction = RELAY_TRANSACTION_UNKNOWN;
}

static void end_reply(relay_border *b)
{
    uint16_t status = u16le(b->tail + 1);
    if (b->tail_len < DONE_BYTES ||
        (b->tail[0] != TDS_TOKEN_DONE && b->tail[0] != TDS_TOKEN_DONEPROC) ||
        (status & TDS_DONE_MORE) != 0)
        return; /* cut off: an acknowledged attention may still follow, else it never gets idle */
    b->failed = (status & (TDS_DONE_ERROR | TDS_DONE_SRVERROR)) != 0;
    conclude_transaction(b, (status & TDS_DONE_INXACT) != 0);
    if ((status & TDS_DONE_ATTN) != 0) {
        /* [MS-TDS] 2.2.1.7: nothing else is under way once this came. */
        if (b->attentions == 0)
            b->lost = true;
        else
            b->attentions--;
        b->requests = 0;
    } else if (b->requests > 0) {
        b->requests--;
    } else if (b->attentions == 0 && !(b->fatal && b->up.in_message)) {
        b->lost = true; /* an answer to nothing, nor the reason why a request is not taken whole */
    }
}

/* ---- packets ---- */

static uint32_t length_of(const relay_border_way *w)
{
    return (uint32_t)w->head[2] << 8 | w->head[3];
}

static void end_packet(relay_border *b, relay_border_way *w)
{
    w->head_len = 0;
    if (!w->is_last)
        return;
    w->in_message = false;
    if (w == &b->down)
        end_reply(b);
    else if (w->type == TDS_PACKET_ATTENTION)
        b->attentions++;
    else
        b->requests++;
}

/*
 * [MS-TDS] 2.2.1.7: a client waits for the answer to its attention before it asks again, and a
 * request is answered before the next comes. Else nobody can tell whether the requests behind an
 * acknowledged attention will still be answered, and a late answer would pass for the next one's.
 */
static bool is_unclear_what_is_cancelled(const relay_border *b, const relay_border_way *w)
{
    return w == &b->up && (w->type == TDS_PACKET_ATTENTION ? b->requests > 1 : b->attentions > 0);
}

/* A whole header is in. */
static void begin_packet(relay_border *b, relay_border_way *w)
{
    uint32_t length = length_of(w);
    if (length < HEADER_BYTES || (w->in_message && w->type != w->head[0])) {
        b->lost = true;
        return;
    }
    if (!w->in_message && w == &b->down)
        begin_reply(b);
    w->in_message = true;
    w->type = w->head[0];
    if (w == &b->up && w->type != TDS_PACKET_ATTENTION)
        b->is_bulk = w->type == TDS_PACKET_BULK;
    w->is_last = (w->head[1] & TDS_STATUS_EOM) != 0;
    w->payload_left = length - HEADER_BYTES;
    if ((w == &b->down && w->type != TDS_PACKET_REPLY) || is_unclear_what_is_cancelled(b, w))
        b->lost = true;
    if (w->payload_left == 0)
        end_packet(b, w);
}

void relay_border_set_mars(relay_border *b)
{
    b->mars = true;
    b->lost = true;
}

static void follow(relay_border *b, relay_border_way *w, const uint8_t *p, size_t n)
{
    while (n > 0 && !b->lost) {
        size_t count;
        if (w->head_len < HEADER_BYTES) {
            if (w->head_len == 0 && p[0] == TDS_SMP_FIRST_BYTE) {
                relay_border_set_mars(b);
                return;
            }
            count = HEADER_BYTES - w->head_len;
            count = n < count ? n : count;
            memcpy(w->head + w->head_len, p, count);
            w->head_len = (uint8_t)(w->head_len + count);
            if (w->head_len == HEADER_BYTES)
                begin_packet(b, w);
        } else {
            count = n < w->payload_left ? n : w->payload_left;
            w->payload_left -= (uint32_t)count;
            if (w == &b->down) {
                walk(b, p, count);
                keep_tail(b, p, count);
            }
            if (w->payload_left == 0)
                end_packet(b, w);
        }
        p += count;
        n -= count;
    }
}

void relay_border_up(relay_border *b, const void *p, size_t n)
{
    follow(b, &b->up, p, n);
}

void relay_border_down(relay_border *b, const void *p, size_t n)
{
    follow(b, &b->down, p, n);
}

/* ---- questions ---- */

static bool is_between(const relay_border_way *w)
{
    return w->head_len == 0 && !w->in_message;
}

bool relay_border_is_idle(const relay_border *b)
{
    return !b->lost && is_between(&b->up) && is_between(&b->down) && b->requests == 0 &&
           b->attentions == 0;
}

bool relay_border_is_cancellable(const relay_border *b)
{
    return !b->lost && !b->fatal && !b->is_bulk && is_between(&b->up) && b->requests <= 1 &&
           b->attentions <= 1 && b->requests + b->attentions > 0;
}

bool relay_border_is_between_replies(const relay_border *b)
{
    return !b->lost && is_between(&b->down);
}

bool relay_border_is_in_request(const relay_border *b)
{
    return !b->lost && !is_between(&b->up) && !(b->up.in_message && b->is_bulk);
}

/* Of a header that is not whole nobody knows whether its message will be a bulk load. */
static relay_pin unfinished(const relay_border *b)
{
    return b->is_bulk && (b->up.in_message || b->requests > 0) ? RELAY_PIN_BULK : RELAY_PIN_PARTIAL;
}

relay_pin relay_border_pin(const relay_border *b)
{
    if (b->lost)
        return b->mars ? RELAY_PIN_MARS : RELAY_PIN_LOST;
    if (b->fatal)
        return RELAY_PIN_FATAL;
    if (!is_between(&b->up))
        return unfinished(b);
    if (b->attentions > 0)
        return RELAY_PIN_ATTENTION;
    if (!is_between(&b->down) || b->requests > 0)
        return unfinished(b);
    if (b->unrecoverable)
        return RELAY_PIN_STATE;
    return b->transaction == RELAY_TRANSACTION_UNKNOWN ? RELAY_PIN_TRANSACTION : RELAY_PIN_NONE;
}

const char *relay_pin_name(relay_pin pin)
{
    switch (pin) {
    case RELAY_PIN_NONE:
        return "none";
    case RELAY_PIN_LOST:
        return "protocol not followed";
    case RELAY_PIN_PARTIAL:
        return "request or reply unfinished";
    case RELAY_PIN_BULK:
        return "bulk load unfinished";
    case RELAY_PIN_ATTENTION:
        return "cancel unanswered";
    case RELAY_PIN_FATAL:
        return "fatal error";
    case RELAY_PIN_STATE:
        return "session state";
    case RELAY_PIN_TRANSACTION:
        return "transaction unclear";
    case RELAY_PIN_MARS:
        return "MARS";
    }
    return "unknown";
}

void relay_border_expect_reset(relay_border *b)
{
    b->was_reset = false;
}
