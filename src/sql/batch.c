/* SPDX-License-Identifier: MIT */
/*
 * Running a batch: the request goes out part by part, the reply is taken apart
 * as it comes. What takes too long or is not wanted any more is ended by
 * ATTENTION; while it is still going out, by giving it up.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/utf16.h"
#include "sql/sql_inner.h"
#include "tds/request.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES ((size_t)16384)
#define REQUEST_MAX_BYTES ((size_t)512 * 1024 * 1024)
#define FATAL_SEVERITY 20
#define ERROR_SEVERITY 11
/* So many go out together; the next do when the socket has taken these. */
#define PART_PACKETS 32

/* One batch under way. */
struct run {
    sql_conn *c;
    const sql_handler *handler;
    int64_t deadline_ms;
    entrasql_error *err;
    entrasql_status failure; /* the first: of a statement, of the handler, of time */
    tds_splitter splitter;
    es_buf body;      /* of the request */
    size_t body_at;   /* so much of it is in packets */
    bool is_sent;     /* the last packet too: the stream has it */
    bool is_given_up; /* that one told the server to forget the request */
    bool is_stopping; /* the server was told to stop; the rest is passed over */
    bool is_answered; /* and this is its answer to ATTENTION */
    bool is_over;
    bool is_whole; /* the last DONE announced nothing more, and nothing came */
    sql_column *columns;
};

/* ---- ATTENTION ---- */

static bool was_cancelled(const sql_conn *c)
{
    char bytes[64];
    bool any = false;

    while (read(c->cancel_read, bytes, sizeof bytes) > 0)
        any = true;
    return any;
}

/* Keeps the first failure: the record is not written again, whatever follows. */
static void note_failure(struct run *r, entrasql_status why, const char *text)
{
    if (r->failure != ENTRASQL_OK)
        return;
    r->failure = es_fail(r->err, why, "%s", text);
    r->err = NULL;
}

/* A request that is whole is ended by ATTENTION, one that is not by its own last packet. */
static entrasql_status write_stop(struct run *r, es_buf *packet)
{
    if (r->is_sent)
        return tds_packets_write(TDS_PACKET_ATTENTION, 0, r->c->session.packet_size, NULL, 0,
                                 packet);
    r->is_sent = true;
    r->is_given_up = true;
    return tds_splitter_give_up(&r->splitter, packet);
}

/* Asks the server to stop. From here on only the end of the reply matters. */
static entrasql_status stop(struct run *r, entrasql_status why, const char *text)
{
    ES_CLEANUP(es_buf_done) es_buf packet = ES_BUF_INIT(TDS_PACKET_HEADER_BYTES);

    note_failure(r, why, text);
    r->is_stopping = true;
    r->deadline_ms = es_clock_deadline(SQL_ATTENTION_WAIT_MS);
    if (write_stop(r, &packet) != ENTRASQL_OK)
        return es_nomem(r->err);
    return relay_stream_write(r->c->session.stream, packet.data, packet.len, r->err);
}

/* ---- events ---- */

static entrasql_status show_columns(struct run *r, const tds_event *e)
{
    if (e->count == 0 || r->handler->columns == NULL)
        return ENTRASQL_OK;
    es_free(r->columns);
    r->columns = es_calloc(e->count, sizeof *r->columns);
    if (r->columns == NULL)
        return ENTRASQL_NOMEM;
    for (size_t i = 0; i < e->count; i++) {
        r->columns[i].name = e->columns[i].name;
        r->columns[i].type = e->columns[i].type.type;
        r->columns[i].nullable = (e->columns[i].flags & TDS_COLUMN_NULLABLE) != 0;
    }
    return r->handler->columns(r->handler->ctx, r->columns, e->count);
}

/* The first error of the batch is the one that the caller gets. */
static void note_error(struct run *r, const tds_message *m)
{
    entrasql_error *err = r->err;

    if (m->severity >= FATAL_SEVERITY)
        r->c->is_dead = true;
    if (m->severity < ERROR_SEVERITY || r->failure != ENTRASQL_OK)
        return;
    note_failure(r, ENTRASQL_SQL_ERROR, m->text);
    if (err != NULL) {
        err->number = m->number;
        err->state = m->state;
        err->severity = m->severity;
        err->line = m->line;
    }
}

static entrasql_status show_message(struct run *r, const tds_message *m)
{
    sql_message shown = {m->number, m->state,     m->severity, m->text,
                         m->server, m->procedure, m->line};

    note_error(r, m);
    if (r->handler->message == NULL)
        return ENTRASQL_OK;
    return r->handler->message(r->handler->ctx, &shown);
}

/* USE: what is not text, or finds no memory, leaves the name as it was. */
static void note_database(sql_conn *c, es_reader *value)
{
    const uint8_t *p;
    size_t n = value->left;
    char *name = NULL;

    if (es_reader_bytes(value, n, &p) != ENTRASQL_OK ||
        es_utf16le_to_str(p, n, &name) != ENTRASQL_OK)
        return;
    es_free(c->session.database);
    c->session.database = name;
}

static void note_change(struct run *r, const tds_envchange *e)
{
    es_reader value = e->new_value;

    switch (e->type) {
    case TDS_ENV_BEGIN:
    case TDS_ENV_ENLIST:
        if (es_reader_u64le(&value, &r->c->transaction) != ENTRASQL_OK)
            r->c->transaction = 0;
        break;
    case TDS_ENV_COMMIT:
    case TDS_ENV_ROLLBACK:
    case TDS_ENV_DEFECT:
    case TDS_ENV_TRANSACTION_ENDED:
        r->c->transaction = 0;
        break;
    case TDS_ENV_DATABASE:
        note_database(r->c, &value);
        break;
    default:
        break;
    }
}

static entrasql_status show_done(struct run *r, const tds_done *d)
{
    bool has_count = (d->status & TDS_DONE_COUNT) != 0;

    if ((d->status & TDS_DONE_ERROR) != 0)
        note_failure(r, ENTRASQL_SQL_ERROR,
                     "the server says that the statement failed, but not why");
    if (r->handler->done == NULL)
        return ENTRASQL_OK;
    return r->handler->done(r->handler->ctx, has_count, has_count ? d->rows : 0);
}

/* Hands an event to the caller. Its refusal is not an error of the connection. */
static entrasql_status show_event(struct run *r, const tds_event *e)
{
    switch (e->kind) {
    case TDS_EVENT_COLUMNS:
        return show_columns(r, e);
    case TDS_EVENT_ROW:
        return r->handler->row != NULL ? r->handler->row(r->handler->ctx, e->values, e->count)
                                       : ENTRASQL_OK;
    case TDS_EVENT_DONE:
        return show_done(r, &e->done);
    case TDS_EVENT_MESSAGE:
        return show_message(r, e->message);
    case TDS_EVENT_ENVCHANGE:
    case TDS_EVENT_RETURN_STATUS:
    case TDS_EVENT_RETURN_VALUE:
    case TDS_EVENT_TOKEN:
    case TDS_EVENT_END:
        break;
    }
    return ENTRASQL_OK;
}

static entrasql_status on_end(struct run *r)
{
    if (!r->is_sent) {
        /* Refusing a request that is not whole is the server's right; but nobody wants the rest. */
        r->c->is_dead = true;
        note_failure(r, ENTRASQL_MALFORMED, "the server replied before it had the whole batch");
    }
    if (!r->is_whole && !r->is_stopping)
        return es_fail(r->err, ENTRASQL_MALFORMED,
                       "the server's reply ends before its last statement is done");
    /* after ATTENTION its answer still comes, in this message or in one of its own */
    r->is_over = r->is_answered || r->is_given_up || !r->is_stopping;
    return ENTRASQL_OK;
}

static entrasql_status on_event(struct run *r, const tds_event *e)
{
    entrasql_status st;

    if (e->kind == TDS_EVENT_ENVCHANGE)
        note_change(r, &e->env);
    if (e->kind == TDS_EVENT_DONE)
        r->is_whole = (e->done.status & TDS_DONE_MORE) == 0;
    else if (e->kind == TDS_EVENT_COLUMNS || e->kind == TDS_EVENT_ROW)
        r->is_whole = false;
    if (e->kind == TDS_EVENT_DONE && (e->done.status & TDS_DONE_ATTN) != 0) {
        r->is_answered = true;
        return ENTRASQL_OK;
    }
    if (e->kind == TDS_EVENT_END)
        return on_end(r);
    if (r->is_stopping)
        return ENTRASQL_OK;
    st = show_event(r, e);
    if (st == ENTRASQL_OK)
        return ENTRASQL_OK;
    return stop(r, st, "the batch was stopped because its result could not be taken");
}

/* ---- bytes ---- */

static entrasql_status drain_events(struct run *r)
{
    tds_event e;
    entrasql_status st;

    for (;;) {
        st = tds_reply_next(r->c->reply, &e, r->err);
        if (st == ENTRASQL_AGAIN)
            return ENTRASQL_OK;
        ES_TRY(st);
        ES_TRY(on_event(r, &e));
        if (e.kind == TDS_EVENT_END)
            return ENTRASQL_OK;
    }
}

static entrasql_status take_bytes(struct run *r, const uint8_t *p, size_t n)
{
    tds_assembler *a = &r->c->packets;
    size_t used;

    while (n > 0) {
        if (r->is_over && tds_assembler_is_idle(a))
            return es_fail(r->err, ENTRASQL_MALFORMED, "the server sent more than its reply");
        ES_TRY(tds_assembler_feed(a, p, n, &used, r->err));
        p += used;
        n -= used;
        ES_TRY(tds_reply_feed(r->c->reply, a->body.data, a->body.len, a->complete, r->err));
        es_buf_clear(&a->body);
        if (a->complete)
            tds_assembler_next(a);
        ES_TRY(drain_events(r));
    }
    return ENTRASQL_OK;
}

/* However it left: in order, or with bytes of ours that it did not take. */
static entrasql_status closed_by_server(struct run *r, entrasql_status st)
{
    int number = r->err != NULL ? r->err->os_errno : 0;

    if (st != ENTRASQL_CLOSED &&
        (st != ENTRASQL_NETWORK || (number != EPIPE && number != ECONNRESET)))
        return st;
    (void)es_fail(r->err, ENTRASQL_CLOSED,
                  "the server closed the connection while a batch was running");
    es_hint(r->err, "Connect again; a batch in a transaction was rolled back.");
    return ENTRASQL_CLOSED;
}

/* What may end the batch from our side: the caller's wish, and time. */
static entrasql_status look_around(struct run *r)
{
    int64_t now;

    if (was_cancelled(r->c) && !r->is_stopping)
        return stop(r, ENTRASQL_CANCELLED, "the batch was cancelled");
    now = es_clock_mono_ms();
    if (r->deadline_ms == ES_NO_DEADLINE || now < r->deadline_ms)
        return ENTRASQL_OK;
    if (!r->is_stopping)
        return stop(r, ENTRASQL_TIMEOUT, "the batch did not end within its time");
    return es_fail(r->err, ENTRASQL_TIMEOUT,
                   "the server did not answer the request to stop within %d s",
                   SQL_ATTENTION_WAIT_MS / 1000);
}

/*
 * Reads all that is there now: bytes that TLS has decrypted already raise no
 * event, so it may only sleep after the stream said AGAIN.
 */
static entrasql_status read_available(struct run *r)
{
    uint8_t bytes[READ_BYTES];

    while (!r->is_over) {
        size_t n = 0;
        entrasql_status st =
            relay_stream_read(r->c->session.stream, bytes, sizeof bytes, &n, r->err);
        if (st == ENTRASQL_AGAIN)
            return ENTRASQL_OK;
        if (st != ENTRASQL_OK)
            return closed_by_server(r, st);
        ES_TRY(take_bytes(r, bytes, n));
        if (!r->is_over)
            ES_TRY(look_around(r));
    }
    return ENTRASQL_OK;
}

static entrasql_status wait_for_more(struct run *r)
{
    os_wait w;

    os_wait_init(&w);
    ES_TRY(relay_stream_wants(r->c->session.stream, true, &w));
    if (!r->is_sent)
        ES_TRY(os_wait_add(&w, relay_stream_fd(r->c->session.stream), POLLOUT));
    ES_TRY(os_wait_add(&w, r->c->cancel_read, POLLIN));
    os_wait_until(&w, r->deadline_ms);
    ES_TRY(os_wait_poll(&w, r->err));
    return look_around(r);
}

/* ---- the request ---- */

static entrasql_status build_request(struct run *r, const char *text)
{
    entrasql_status st = tds_batch_build(text, strlen(text), r->c->transaction, &r->body);

    tds_splitter_init(&r->splitter, TDS_PACKET_BATCH, 0, r->c->session.packet_size);
    if (st == ENTRASQL_MALFORMED)
        return es_fail(r->err, ENTRASQL_INVALID, "the text of the batch is not UTF-8");
    if (st == ENTRASQL_NOMEM)
        return es_nomem(r->err);
    if (st != ENTRASQL_OK)
        return es_fail(r->err, st, "the text of the batch is too long");
    return ENTRASQL_OK;
}

static entrasql_status write_part(struct run *r)
{
    ES_CLEANUP(es_buf_done) es_buf part = ES_BUF_INIT_WIPE(REQUEST_MAX_BYTES);
    size_t used = 0;

    if (tds_splitter_part(&r->splitter, r->body.data + r->body_at, r->body.len - r->body_at,
                          PART_PACKETS, &used, &part) != ENTRASQL_OK)
        return es_nomem(r->err);
    r->body_at += used;
    r->is_sent = r->body_at == r->body.len;
    if (r->is_sent)
        es_buf_done(&r->body);
    return relay_stream_write(r->c->session.stream, part.data, part.len, r->err);
}

/* What the socket takes of what was written, or else the next part. */
static entrasql_status send_on(struct run *r)
{
    entrasql_status st = relay_stream_flush(r->c->session.stream, r->err);

    if (st == ENTRASQL_OK && !r->is_sent)
        st = write_part(r);
    return st == ENTRASQL_AGAIN ? ENTRASQL_OK : st;
}

/* A server that refuses the rest says why before it leaves. */
static entrasql_status sending_failed(struct run *r, entrasql_status st)
{
    st = closed_by_server(r, st);
    if (st == ENTRASQL_CLOSED)
        ES_TRY(read_available(r));
    return st;
}

static entrasql_status run_to_end(struct run *r)
{
    while (!r->is_over) {
        entrasql_status st = send_on(r);
        if (st != ENTRASQL_OK)
            return sending_failed(r, st);
        ES_TRY(wait_for_more(r));
        ES_TRY(read_available(r));
    }
    return ENTRASQL_OK;
}

entrasql_status sql_batch(sql_conn *c, const char *text, const sql_handler *handler,
                          uint32_t timeout_ms, entrasql_error *err)
{
    static const sql_handler nobody = {0};
    entrasql_error unread;
    struct run r = {.c = c,
                    .handler = handler != NULL ? handler : &nobody,
                    .body = ES_BUF_INIT_WIPE(REQUEST_MAX_BYTES),
                    .err = err != NULL ? err : &unread};
    entrasql_status st;

    if (c->is_dead)
        return es_fail(err, ENTRASQL_CLOSED, "the connection was closed by an earlier error");
    (void)was_cancelled(c); /* what was meant for an earlier batch */
    r.deadline_ms = es_clock_deadline(timeout_ms);
    st = build_request(&r, text);
    if (st == ENTRASQL_OK) {
        st = run_to_end(&r);
        c->is_dead = c->is_dead || st != ENTRASQL_OK;
    }
    es_free(r.columns);
    es_buf_done(&r.body);
    return r.failure != ENTRASQL_OK ? r.failure : st;
}
