/* SPDX-License-Identifier: MIT */
/* Requests: decoding, running, answering. */
#include "emulator/front/requests.h"

#include "base/mem.h"
#include "tds/request.h"
#include "tds/row.h"

#include <string.h>

/* SQL Server's numbers for what is wrong with a request rather than with its SQL. */
#define ERROR_BAD_STREAM 4002U
#define ERROR_UNSUPPORTED 40510U
#define ERROR_INTERNAL 596U
#define ERROR_OVERFULL 701U /* no memory for this query */
#define ERROR_MARS_TRANSACTION 3997U
#define RESET_BITS (TDS_STATUS_RESET | TDS_STATUS_RESET_KEEP_TRAN)

void front_requests_init(front_requests *q, front_channel *channel, front_reply *reply,
                         engine_session *engine, front_record *record, size_t max_bytes)
{
    *q = (front_requests){.channel = channel,
                          .reply = reply,
                          .engine = engine,
                          .record = record,
                          .max_bytes = max_bytes};
    /* Wiping: SQL text may hold passwords. */
    tds_assembler_init(&q->in, max_bytes, true, TDS_ACCEPT_REQUESTS);
}

void front_requests_cleanup(front_requests *q)
{
    tds_assembler_done(&q->in);
}

/*
 * A message that cannot be decoded. What is known and not served gets an error
 * and the session goes on; a broken stream ends it, as SQL Server ends it.
 */
static entrasql_status bad_request(front_requests *q, const entrasql_error *why)
{
    uint8_t severity = 16;
    uint32_t number = ERROR_UNSUPPORTED;

    if (why->number == TDS_BAD_VALUE) {
        number = TDS_BAD_VALUE;
    } else if (why->status != ENTRASQL_UNSUPPORTED) {
        number = ERROR_BAD_STREAM;
        severity = 20;
    }
    return front_reply_error(q->reply, number, 1, severity, why->message);
}

/* ---- the three kinds ---- */

static entrasql_status run_batch(front_requests *q, const engine_sink *sink)
{
    tds_batch b;
    entrasql_error why;

    if (tds_batch_parse(q->in.body.data, q->in.body.len, &b, &why) != ENTRASQL_OK)
        return bad_request(q, &why);
    entrasql_status st = engine_session_batch(q->engine, b.text, b.len, sink);
    tds_batch_done(&b);
    return st;
}

static entrasql_status run_call(front_requests *q, const tds_call *call, const engine_sink *sink)
{
    engine_param *params = es_calloc(call->param_count + 1, sizeof *params);
    entrasql_status st;

    if (params == NULL)
        return ENTRASQL_NOMEM;
    for (size_t i = 0; i < call->param_count; i++) {
        const tds_param *p = &call->params[i];
        params[i] = (engine_param){
            .name = p->name,
            .value = p->value, /* lent: the call owns it */
            .output = (p->status & TDS_PARAM_OUTPUT) != 0,
            .use_default = (p->status & TDS_PARAM_DEFAULT) != 0,
        };
        params[i].value.owned = false;
    }
    engine_rpc rpc = {
        .name = call->name,
        .proc_id = call->proc_id,
        .no_metadata = (call->options & TDS_RPC_NO_METADATA) != 0,
        .params = params,
        .param_count = call->param_count,
    };
    st = engine_session_rpc(q->engine, &rpc, sink);
    es_free(params);
    return st;
}

static entrasql_status run_rpc(front_requests *q, const engine_sink *sink)
{
    tds_rpc rpc;
    entrasql_error why;
    entrasql_status st = ENTRASQL_OK;

    if (tds_rpc_parse(q->in.body.data, q->in.body.len, q->max_bytes, &rpc, &why) != ENTRASQL_OK) {
        ES_TRY(bad_request(q, &why));
        return front_reply_end_call(q->reply, false);
    }
    for (size_t i = 0; st == ENTRASQL_OK && i < rpc.call_count; i++) {
        st = run_call(q, &rpc.calls[i], sink);
        if (st == ENTRASQL_OK)
            st = front_reply_end_call(q->reply, i + 1 < rpc.call_count);
    }
    tds_rpc_done(&rpc);
    return st;
}

static entrasql_status run_tm(front_requests *q, const engine_sink *sink)
{
    tds_tm t;
    entrasql_error why;

    if (tds_tm_parse(q->in.body.data, q->in.body.len, &t, &why) != ENTRASQL_OK)
        return bad_request(q, &why);
    entrasql_status st = engine_session_tm(q->engine, (engine_tm_request)t.request, t.isolation,
                                           t.name, t.begin_again, sink);
    tds_tm_done(&t);
    return st;
}

/* ---- bulk load: COLMETADATA, rows, DONE from the client ---- */

typedef struct load {
    tds_reply *reader;
    entrasql_error why;
} load;

static entrasql_status next_loaded(void *ctx, const sqlvalue **ret, size_t *ret_count)
{
    load *l = ctx;

    for (;;) {
        tds_event event;
        ES_TRY(tds_reply_next(l->reader, &event, &l->why));
        if (event.kind == TDS_EVENT_ROW) {
            *ret = event.values;
            *ret_count = event.count;
            return ENTRASQL_OK;
        }
        if (event.kind == TDS_EVENT_END) {
            *ret = NULL;
            return ENTRASQL_OK;
        }
        if (event.kind != TDS_EVENT_COLUMNS && event.kind != TDS_EVENT_DONE)
            return es_fail(&l->why, ENTRASQL_MALFORMED,
                           "a bulk load holds something that is no column, row or end");
    }
}

/* Microsoft's clients end with a DONE whose count has four bytes in place of eight. */
static bool has_short_end(const es_buf *body)
{
    static const uint8_t end[9] = {TDS_TOKEN_DONE};
    return body->len >= sizeof end &&
           memcmp(body->data + body->len - sizeof end, end, sizeof end) == 0;
}

static entrasql_status run_bulk(front_requests *q, const engine_sink *sink)
{
    static const uint8_t zeros[4] = {0};
    load l = {0};
    const engine_bulk rows = {.ctx = &l, .next = next_loaded};
    entrasql_status st = tds_reply_new(q->max_bytes, &l.reader, &l.why);

    if (st == ENTRASQL_OK)
        st = tds_reply_feed(l.reader, q->in.body.data, q->in.body.len, false, &l.why);
    if (st == ENTRASQL_OK)
        st = tds_reply_feed(l.reader, zeros, has_short_end(&q->in.body) ? sizeof zeros : 0, true,
                            &l.why);
    if (st == ENTRASQL_OK)
        st = engine_session_bulk(q->engine, &rows, sink);
    tds_reply_free(l.reader);
    if (st == ENTRASQL_MALFORMED || st == ENTRASQL_TRUNCATED || st == ENTRASQL_LIMIT)
        return bad_request(q, &l.why);
    return st;
}

/* ---- a request ---- */

static entrasql_status reset(front_requests *q, const engine_sink *sink)
{
    if ((q->in.status & RESET_BITS) == 0)
        return ENTRASQL_OK;
    return engine_session_reset(q->engine, (q->in.status & TDS_STATUS_RESET_KEEP_TRAN) != 0, sink);
}

static entrasql_status run(front_requests *q)
{
    const engine_sink *sink;

    front_reply_begin(q->reply, q->in.type == TDS_PACKET_RPC);
    sink = front_reply_sink(q->reply);
    if (q->in.type != TDS_PACKET_BULK)
        ES_TRY(reset(q, sink));
    switch (q->in.type) {
    case TDS_PACKET_BATCH:
        return run_batch(q, sink);
    case TDS_PACKET_RPC:
        return run_rpc(q, sink);
    case TDS_PACKET_TM:
        return run_tm(q, sink);
    default:
        return run_bulk(q, sink);
    }
}

/*
 * With MARS a transaction that a batch began belongs to the batch; one that lasts is begun by a
 * transaction manager request, as drivers do it.
 */
static bool leaves_transaction(const front_requests *q)
{
    return q->is_mars && q->transaction == 0 && q->in.type != TDS_PACKET_TM &&
           engine_session_transaction(q->engine) != 0;
}

static entrasql_status end_batch_transaction(front_requests *q)
{
    if (!leaves_transaction(q))
        return ENTRASQL_OK;
    ES_TRY(front_reply_error(q->reply, ERROR_MARS_TRANSACTION, 1, 16,
                             "A transaction that was started in a MARS batch is still active at "
                             "the end of the batch. The transaction is rolled back."));
    return engine_session_tm(q->engine, ENGINE_TM_ROLLBACK, 0, "", false,
                             front_reply_sink(q->reply));
}

/* Nobody hears of it: with MARS the client may have ended this session alone. */
static void end_unheard(front_requests *q)
{
    if (leaves_transaction(q))
        (void)!engine_session_tm(q->engine, ENGINE_TM_ROLLBACK, 0, "", false,
                                 front_reply_sink(q->reply));
}

/* The reply is whole, or was cut off. */
static entrasql_status finish(front_requests *q, bool attention)
{
    entrasql_status st = end_batch_transaction(q);

    if (st == ENTRASQL_OK)
        return front_reply_finish(q->reply, attention);
    end_unheard(q);
    return st;
}

static const char overfull_text[] =
    "There is insufficient memory in the emulator to run this query: it holds unread results of a "
    "MARS session while the client waits for another one. Read the results first, or use a second "
    "connection.";

/* The engine stopped: by the client's attention, or because something is broken. */
static entrasql_status end_stopped(front_requests *q, entrasql_status st, entrasql_error *err)
{
    if (q->channel->gone) {
        end_unheard(q);
        return es_fail(err, ENTRASQL_CLOSED, "the client left while its request ran");
    }
    if (q->channel->stopped)
        return es_fail(err, ENTRASQL_CANCELLED, "the emulator stops");
    if (q->channel->overfull &&
        front_reply_error(q->reply, ERROR_OVERFULL, 1, 17, overfull_text) == ENTRASQL_OK)
        return finish(q, false);
    if (st == ENTRASQL_CANCELLED && front_channel_take_attention(q->channel))
        return finish(q, true);
    if (front_reply_error(q->reply, ERROR_INTERNAL, 1, 21,
                          st == ENTRASQL_NOMEM
                              ? "The emulator has no memory left for this request."
                              : "The emulator failed in this request; please report it.") ==
        ENTRASQL_OK)
        (void)!front_reply_finish(q->reply, false);
    return es_fail(err, st, "a request failed: %s", entrasql_status_text(st));
}

/* OK: nothing has struck, or the fault's message is the reply. */
static entrasql_status meet_faults(front_requests *q, bool *ret_struck, entrasql_error *err)
{
    uint32_t value = 0;
    const fault *row = q->faults != NULL ? faults_next(q->faults, FAULT_AT_REQUEST, &value) : NULL;
    char text[1024];

    *ret_struck = row != NULL;
    if (row == NULL)
        return ENTRASQL_OK;
    if (row->effect != FAULT_SQL)
        return es_fail(err, ENTRASQL_CLOSED, "the fault %s dropped it", row->name);
    fault_text(row, value, q->reply->server_name, engine_session_database(q->engine), "", text,
               sizeof text);
    front_reply_begin(q->reply, q->in.type == TDS_PACKET_RPC);
    return front_reply_error(q->reply, fault_number(row, value), row->state, row->severity, text);
}

static entrasql_status answer(front_requests *q, entrasql_error *err)
{
    bool struck = false;
    entrasql_status st;

    if (q->in.type == TDS_PACKET_ATTENTION)
        return front_reply_attention(q->reply);
    if ((q->in.status & TDS_STATUS_IGNORE) != 0) {
        /* The client gave its request up half-way: no acknowledgement, a DONE with an error. */
        front_reply_begin(q->reply, false);
        q->reply->failed = true;
        return front_reply_finish(q->reply, false);
    }
    ES_TRY(meet_faults(q, &struck, err));
    q->transaction = engine_session_transaction(q->engine);
    st = struck ? ENTRASQL_OK : run(q);
    if (st != ENTRASQL_OK)
        return end_stopped(q, st, err);
    st = finish(q, false);
    if (st == ENTRASQL_OK && q->reply->fatal)
        return es_fail(err, ENTRASQL_CLOSED, "the session ended with an error");
    return st;
}

entrasql_status front_requests_answer(front_requests *q, entrasql_error *err)
{
    front_record_request(q->record, q->in.type, q->in.status, q->in.spid, q->in.body.data,
                         q->in.body.len);
    es_fail(err, ENTRASQL_NETWORK, "the reply could not be sent");
    ES_TRY(answer(q, err));
    tds_assembler_next(&q->in);
    return ENTRASQL_OK;
}

void front_requests_refuse(front_requests *q, const entrasql_error *why)
{
    front_reply_begin(q->reply, q->in.type == TDS_PACKET_RPC);
    if (bad_request(q, why) == ENTRASQL_OK)
        (void)!front_reply_finish(q->reply, false);
}
