/* SPDX-License-Identifier: MIT */
/* The sink of the engine: results become tokens and packets. */
#include "emulator/front/reply.h"

#include "base/mem.h"

/* One row may hold several large values. */
#define BODY_MAX_BYTES ((size_t)512 * 1024 * 1024)
#define KEEP_BYTES ((size_t)256 * 1024)
#define COMMAND_EXECUTE 0xE0U

void front_reply_cleanup(front_reply *r)
{
    es_buf_done(&r->body);
    es_buf_done(&r->packets);
    es_free(r->columns);
    r->columns = NULL;
    r->column_count = 0;
}

/* ---- bytes ---- */

/*
 * One write a packet, so that a TLS record holds one packet. insist: the end
 * of a message goes out even when the client wants no more of it.
 */
static entrasql_status send_packets(front_reply *r, bool insist)
{
    size_t at = 0;
    entrasql_status st = ENTRASQL_OK;

    while (st == ENTRASQL_OK && at < r->packets.len) {
        size_t left = r->packets.len - at;
        size_t n = left < r->packet_size ? left : r->packet_size;
        st = front_channel_write(r->channel, r->packets.data + at, n);
        /* Cancelled bytes are queued all the same. */
        if (st == ENTRASQL_OK || st == ENTRASQL_CANCELLED)
            at += n;
        if (st == ENTRASQL_CANCELLED && insist)
            st = front_channel_flush(r->channel);
    }
    es_buf_consume(&r->packets, at);
    return st;
}

static entrasql_status push(front_reply *r, bool last)
{
    if (!last && r->body.len < r->packet_size)
        return ENTRASQL_OK;
    ES_TRY(tds_splitter_move(&r->splitter, &r->body, last, &r->packets));
    return send_packets(r, false);
}

/* ---- DONE ---- */

static uint16_t transaction_bit(const front_reply *r)
{
    return r->session != NULL && engine_session_transaction(r->session) != 0 ? TDS_DONE_INXACT : 0;
}

static void hold_done(front_reply *r, tds_token_id id, unsigned status, unsigned command,
                      uint64_t rows)
{
    r->done = (tds_done){.id = (uint8_t)id,
                         .status = (uint16_t)(status | transaction_bit(r)),
                         .command = (uint16_t)command,
                         .rows = rows};
    r->has_done = true;
    r->failed = false;
}

/* Something follows (more), or nothing does. */
static entrasql_status release_done(front_reply *r, bool more)
{
    if (!r->has_done)
        return ENTRASQL_OK;
    r->has_done = false;
    return tds_done_add(&r->body, (tds_token_id)r->done.id,
                        (uint16_t)(r->done.status | (more ? TDS_DONE_MORE : 0U)), r->done.command,
                        r->done.rows);
}

/* ---- the sink ---- */

static entrasql_status on_columns(void *ctx, const engine_column *columns, size_t count)
{
    front_reply *r = ctx;
    tds_column *kept = es_reallocarray(r->columns, count != 0 ? count : 1, sizeof *kept);

    if (kept == NULL)
        return ENTRASQL_NOMEM;
    r->columns = kept;
    r->column_count = count;
    for (size_t i = 0; i < count; i++) {
        kept[i] = tds_column_of(columns[i].name, columns[i].type, columns[i].nullable,
                                columns[i].identity, columns[i].computed);
        for (size_t k = 0; k < ENGINE_TABLE_PARTS; k++)
            kept[i].table[k] = columns[i].table[k];
    }
    ES_TRY(release_done(r, true));
    ES_TRY(tds_colmetadata_add(&r->body, kept, count));
    for (size_t i = 0; i < count; i++)
        kept[i] = (tds_column){.name = "", .type = kept[i].type}; /* lent for this call only */
    return push(r, false);
}

static entrasql_status on_row(void *ctx, const sqlvalue *values, size_t count)
{
    front_reply *r = ctx;

    if (count != r->column_count)
        return ENTRASQL_INTERNAL;
    ES_TRY(tds_row_add(&r->body, r->columns, values, count));
    return push(r, false);
}

static entrasql_status on_done(void *ctx, engine_command command, bool has_count, uint64_t rows,
                               bool failed, bool more)
{
    front_reply *r = ctx;
    unsigned status = (has_count ? TDS_DONE_COUNT : 0U) | (failed ? TDS_DONE_ERROR : 0U);

    (void)more; /* we see for ourselves whether something follows */
    if (failed)
        r->call_failed = true;
    ES_TRY(release_done(r, true));
    hold_done(r, r->rpc ? TDS_TOKEN_DONEINPROC : TDS_TOKEN_DONE, status, (unsigned)command,
              has_count ? rows : 0);
    return push(r, false);
}

static entrasql_status put_message(front_reply *r, uint32_t number, uint8_t state, uint8_t severity,
                                   const char *text, const char *procedure, uint32_t line)
{
    ES_TRY(release_done(r, true));
    if (severity > 10) {
        r->failed = true;
        r->call_failed = true;
    }
    if (severity >= 20)
        r->fatal = true;
    ES_TRY(
        tds_message_add(&r->body, number, state, severity, text, r->server_name, procedure, line));
    return push(r, false);
}

static entrasql_status on_message(void *ctx, const engine_message *m)
{
    return put_message(ctx, m->number, m->state, m->severity, m->text, m->procedure, m->line);
}

static entrasql_status put_change(front_reply *r, engine_change change, uint64_t id,
                                  const char *new_text, const char *old_text)
{
    switch (change) {
    case ENGINE_CHANGE_DATABASE:
        return tds_envchange_add_text(&r->body, TDS_ENV_DATABASE, new_text, old_text);
    case ENGINE_CHANGE_LANGUAGE:
        return tds_envchange_add_text(&r->body, TDS_ENV_LANGUAGE, new_text, old_text);
    case ENGINE_CHANGE_BEGIN:
        return tds_envchange_add_transaction(&r->body, TDS_ENV_BEGIN, id);
    case ENGINE_CHANGE_COMMIT:
        return tds_envchange_add_transaction(&r->body, TDS_ENV_COMMIT, id);
    case ENGINE_CHANGE_ROLLBACK:
        return tds_envchange_add_transaction(&r->body, TDS_ENV_ROLLBACK, id);
    case ENGINE_CHANGE_RESET:
        return tds_envchange_add_bytes(&r->body, TDS_ENV_RESET, NULL, 0, NULL, 0);
    }
    return ENTRASQL_INTERNAL;
}

static entrasql_status on_change(void *ctx, engine_change change, uint64_t id, const char *new_text,
                                 const char *old_text)
{
    front_reply *r = ctx;

    ES_TRY(release_done(r, true));
    ES_TRY(put_change(r, change, id, new_text, old_text));
    return push(r, false);
}

static entrasql_status on_return_status(void *ctx, int32_t status)
{
    front_reply *r = ctx;

    ES_TRY(release_done(r, true));
    return tds_return_status_add(&r->body, status);
}

static entrasql_status on_return_value(void *ctx, uint16_t ordinal, const char *name,
                                       const sqlvalue *value)
{
    front_reply *r = ctx;

    ES_TRY(release_done(r, true));
    ES_TRY(tds_return_value_add(&r->body, ordinal, name, value));
    return push(r, false);
}

/* ---- messages ---- */

void front_reply_init(front_reply *r, front_channel *channel, const engine_session *session,
                      const char *server_name, uint16_t spid, uint32_t packet_size)
{
    *r = (front_reply){.channel = channel,
                       .session = session,
                       .server_name = server_name,
                       .spid = spid,
                       .packet_size = packet_size};
    es_buf_init(&r->body, BODY_MAX_BYTES);
    es_buf_init(&r->packets, BODY_MAX_BYTES);
}

void front_reply_begin(front_reply *r, bool rpc)
{
    tds_splitter_init(&r->splitter, TDS_PACKET_REPLY, r->spid, r->packet_size);
    es_buf_clear(&r->body);
    es_buf_clear(&r->packets);
    r->rpc = rpc;
    r->has_done = false;
    r->failed = false;
    r->call_failed = false;
    r->column_count = 0;
}

const engine_sink *front_reply_sink(front_reply *r)
{
    r->sink = (engine_sink){.ctx = r,
                            .columns = on_columns,
                            .row = on_row,
                            .done = on_done,
                            .message = on_message,
                            .change = on_change,
                            .return_status = on_return_status,
                            .return_value = on_return_value};
    return &r->sink;
}

entrasql_status front_reply_end_call(front_reply *r, bool more)
{
    ES_TRY(release_done(r, true));
    hold_done(r, TDS_TOKEN_DONEPROC, r->call_failed ? TDS_DONE_ERROR : 0U, COMMAND_EXECUTE, 0);
    r->call_failed = false;
    return more ? release_done(r, true) : ENTRASQL_OK;
}

entrasql_status front_reply_error(front_reply *r, uint32_t number, uint8_t state, uint8_t severity,
                                  const char *text)
{
    return put_message(r, number, state, severity, text, "", 1);
}

/* The last token of every message is a DONE; nothing but it may lack MORE. */
static entrasql_status put_end(front_reply *r, bool cut_off)
{
    if (r->failed || cut_off) { /* an error behind the last DONE, or none of its own to come */
        ES_TRY(release_done(r, true));
        hold_done(r, TDS_TOKEN_DONE, TDS_DONE_ERROR, 0, 0);
    } else if (!r->has_done) {
        hold_done(r, TDS_TOKEN_DONE, TDS_DONE_FINAL, 0, 0);
    }
    return release_done(r, false);
}

static void give_memory_back(es_buf *b)
{
    if (b->capacity > KEEP_BYTES)
        es_buf_done(b);
}

/* What is left of the message, to its last byte. */
static entrasql_status send_rest(front_reply *r)
{
    entrasql_status st = tds_splitter_move(&r->splitter, &r->body, true, &r->packets);

    if (st == ENTRASQL_OK)
        st = send_packets(r, true);
    if (st == ENTRASQL_OK)
        st = front_channel_flush(r->channel);
    give_memory_back(&r->body);
    give_memory_back(&r->packets);
    return st;
}

entrasql_status front_reply_finish(front_reply *r, bool attention)
{
    ES_TRY(put_end(r, attention));
    ES_TRY(send_rest(r));
    return attention ? front_reply_attention(r) : ENTRASQL_OK;
}

entrasql_status front_reply_attention(front_reply *r)
{
    front_reply_begin(r, false);
    ES_TRY(tds_done_add(&r->body, TDS_TOKEN_DONE, (uint16_t)(TDS_DONE_ATTN | transaction_bit(r)), 0,
                        0));
    return send_rest(r);
}
