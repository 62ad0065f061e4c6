/* SPDX-License-Identifier: MIT */
/* Requests of the admin database, one after the other. */
#include "proxy/admin.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "tds/packet.h"
#include "tds/request.h"
#include "tds/token.h"

#include <entrasql/entrasql.h>

#include <stdio.h>
#include <string.h>

#define READ_BYTES ((size_t)8192)
#define REQUEST_MAX_BYTES ((size_t)64 * 1024)
#define SAID_SIZE 1024
/* Of who sends requests ahead; then the others have their turn. */
#define TURNS 16
/* SQL Server's numbers for what is like it. */
#define ERROR_SYNTAX 102U
#define ERROR_UNSUPPORTED 40510U
#define ERROR_FAILED 50000U
#define TRANSACTION 1U
#define ERROR_NO_HANDLE 8179U
/* Of a session; the oldest goes. */
#define PREPARED_MAX 32

struct proxy_admin {
    const proxy_admin_source *source;
    relay_stream *client;
    uint32_t packet_size;
    uint64_t number;
    tds_assembler in;
    es_buf received; /* and not looked at yet */
    bool in_transaction;
    char *prepared[PREPARED_MAX];
    int64_t prepared_count; /* so far */
};

/* ---- the commands ---- */

static entrasql_status show_help(proxy_admin_reply *reply)
{
    static const proxy_admin_column columns[] = {{"command", 32}, {"meaning", 160}};
    static const struct {
        const char *command;
        const char *meaning;
    } rows[] = {
        {"SHOW POOLS", "targets and pools: clients, server connections, who waits"},
        {"SHOW CLIENTS", "who is connected, and what each does"},
        {"SHOW SERVERS", "connections to the server"},
        {"SHOW STATS", "what was counted since the start, by target"},
        {"SHOW IDENTITIES", "who the proxy signs in as, and its tokens"},
        {"SHOW CONFIG", "the settings; of secrets only that they are there"},
        {"PAUSE [TARGET]", "new clients and new requests wait"},
        {"RESUME [TARGET]", "they go on"},
        {"RECONNECT [TARGET]", "server connections are closed as they become free"},
        {"KILL NUMBER", "ends the client of that number in SHOW CLIENTS"},
        {"RELOAD", "reads the configuration again, as SIGHUP does"},
    };
    ES_TRY(proxy_admin_columns(reply, columns, ES_COUNT_OF(columns)));
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        const proxy_admin_cell cells[] = {PROXY_TEXT(rows[i].command), PROXY_TEXT(rows[i].meaning)};
        ES_TRY(proxy_admin_row(reply, cells));
    }
    return ENTRASQL_OK;
}

static entrasql_status run_select(const proxy_admin *a, const proxy_command *c,
                                  proxy_admin_reply *reply)
{
    static const proxy_admin_column text[] = {{"", 128}};
    static const proxy_admin_column number[] = {{"", 0}};
    proxy_admin_cell cell = PROXY_NUMBER(0);
    char version[64];
    switch (c->select) {
    case PROXY_SELECT_NUMBER:
        cell = PROXY_NUMBER(c->number);
        break;
    case PROXY_SELECT_SPID:
        cell = PROXY_NUMBER(a->number);
        break;
    case PROXY_SELECT_TRANCOUNT:
        cell = PROXY_NUMBER(a->in_transaction ? 1 : 0);
        break;
    case PROXY_SELECT_VERSION:
        (void)snprintf(version, sizeof version, "entrasql proxy %s", entrasql_version());
        cell = PROXY_TEXT(version);
        break;
    case PROXY_SELECT_SERVER:
        cell = PROXY_TEXT("entrasql proxy");
        break;
    case PROXY_SELECT_DATABASE:
        cell = PROXY_TEXT(PROXY_ADMIN_DATABASE);
        break;
    }
    ES_TRY(proxy_admin_columns(reply, cell.text != NULL ? text : number, 1));
    return proxy_admin_row(reply, &cell);
}

static entrasql_status tell_failure(proxy_admin_reply *reply, uint32_t number,
                                    const entrasql_error *why)
{
    char text[SAID_SIZE];
    (void)snprintf(text, sizeof text, "%.700s%s%.300s", why->message,
                   why->hint[0] != '\0' ? "; " : "", why->hint);
    return proxy_admin_say(reply, number, 16, text);
}

/* What has no result set is done, said and logged. */
static entrasql_status act(const proxy_admin *a, const proxy_command *c, proxy_admin_reply *reply)
{
    char said[SAID_SIZE] = "";
    entrasql_error why;
    if (a->source->act(a->source->ctx, c, said, sizeof said, &why) != ENTRASQL_OK)
        return tell_failure(reply, ERROR_FAILED, &why);
    ES_LOG(INFO, "proxy", "admin command", ES_KV_I64("conn", (int64_t)a->number),
           ES_KV_STR("done", said));
    return said[0] != '\0' ? proxy_admin_say(reply, 0, 0, said) : ENTRASQL_OK;
}

static entrasql_status run_command(const proxy_admin *a, const proxy_command *c,
                                   proxy_admin_reply *reply)
{
    entrasql_error why;
    entrasql_status status = ENTRASQL_OK;
    switch (c->verb) {
    case PROXY_VERB_NOTHING:
        return ENTRASQL_OK;
    case PROXY_VERB_SELECT:
        return run_select(a, c, reply);
    case PROXY_VERB_SHOW:
        if (c->show == PROXY_SHOW_HELP)
            return show_help(reply);
        status = a->source->show(a->source->ctx, c->show, reply, &why);
        return status == ENTRASQL_OK ? status : tell_failure(reply, ERROR_FAILED, &why);
    case PROXY_VERB_PAUSE:
    case PROXY_VERB_RESUME:
    case PROXY_VERB_RECONNECT:
    case PROXY_VERB_KILL:
    case PROXY_VERB_RELOAD:
        return act(a, c, reply);
    }
    return ENTRASQL_INTERNAL;
}

/* Statement by statement, up to the first that fails. */
static entrasql_status run_text(const proxy_admin *a, const char *text, size_t n,
                                proxy_admin_reply *reply)
{
    const char *end = text + n;
    while (!reply->failed) {
        proxy_command c;
        entrasql_error why;
        entrasql_status status = proxy_command_next(&text, end, &c, &why);
        if (status == ENTRASQL_NOT_FOUND)
            return ENTRASQL_OK;
        if (status != ENTRASQL_OK)
            ES_TRY(tell_failure(reply, ERROR_SYNTAX, &why));
        else
            ES_TRY(run_command(a, &c, reply));
        ES_TRY(proxy_admin_end(reply));
    }
    return ENTRASQL_OK;
}

/* ---- the requests ---- */

static entrasql_status run_batch(const proxy_admin *a, proxy_admin_reply *reply,
                                 entrasql_error *err)
{
    tds_batch b;
    ES_TRY(tds_batch_parse(a->in.body.data, a->in.body.len, &b, err));
    entrasql_status status = run_text(a, b.text, b.len, reply);
    tds_batch_done(&b);
    return status;
}

static const char *procedure_of(const tds_call *call)
{
    static const char *const numbered[] = {
        [TDS_PROC_EXECUTESQL] = "sp_executesql", [TDS_PROC_PREPARE] = "sp_prepare",
        [TDS_PROC_EXECUTE] = "sp_execute",       [TDS_PROC_PREPEXEC] = "sp_prepexec",
        [TDS_PROC_UNPREPARE] = "sp_unprepare",
    };
    if (call->name != NULL)
        return call->name;
    const char *name = call->proc_id < ES_COUNT_OF(numbered) ? numbered[call->proc_id] : NULL;
    return name != NULL ? name : "";
}

/* NULL: there is none such. */
static const sqlvalue *text_param(const tds_call *call, size_t i)
{
    if (i >= call->param_count || call->params[i].value.is_null ||
        !sqltype_is_string(call->params[i].value.type.id))
        return NULL;
    return &call->params[i].value;
}

static entrasql_status run_value(const proxy_admin *a, const sqlvalue *text,
                                 proxy_admin_reply *reply)
{
    return run_text(a, text->u.s.data, text->u.s.len, reply);
}

/* The handle is the statement's place and how often that was used. */
static entrasql_status prepare(proxy_admin *a, const sqlvalue *text, proxy_admin_reply *reply)
{
    char **place = &a->prepared[a->prepared_count % PREPARED_MAX];
    char *copy = es_strndup(text->u.s.data, text->u.s.len);
    if (copy == NULL)
        return ENTRASQL_NOMEM;
    es_free(*place);
    *place = copy;
    reply->handle = (int32_t)++a->prepared_count;
    return ENTRASQL_OK;
}

/* NULL: there is none, or not any more. */
static char **prepared_of(proxy_admin *a, const tds_call *call)
{
    if (call->param_count < 1 || call->params[0].value.is_null ||
        !sqltype_is_integer(call->params[0].value.type.id))
        return NULL;
    int64_t handle = call->params[0].value.u.i;
    if (handle < 1 || handle > a->prepared_count || a->prepared_count - handle >= PREPARED_MAX)
        return NULL;
    char **place = &a->prepared[(handle - 1) % PREPARED_MAX];
    return *place != NULL ? place : NULL;
}

static entrasql_status run_prepared(proxy_admin *a, const char *procedure, const tds_call *call,
                                    proxy_admin_reply *reply)
{
    char **place = prepared_of(a, call);
    if (place == NULL) {
        ES_TRY(proxy_admin_say(reply, ERROR_NO_HANDLE, 16,
                               "there is no such prepared statement (any more)"));
        return proxy_admin_end(reply);
    }
    if (es_strcaseeq(procedure, "sp_execute"))
        return run_text(a, *place, strlen(*place), reply);
    es_free(*place);
    *place = NULL;
    return ENTRASQL_OK;
}

/* Statements without parameters, in the ways of drivers; a call that resets is done already. */
static entrasql_status run_call(proxy_admin *a, const tds_call *call, proxy_admin_reply *reply)
{
    const char *procedure = procedure_of(call);
    if (es_strcaseeq(procedure, "sp_reset_connection"))
        return ENTRASQL_OK;
    if (es_strcaseeq(procedure, "sp_executesql") && text_param(call, 0) != NULL)
        return run_value(a, text_param(call, 0), reply);
    if (es_strcaseeq(procedure, "sp_prepare") && text_param(call, 2) != NULL)
        return prepare(a, text_param(call, 2), reply);
    if (es_strcaseeq(procedure, "sp_prepexec") && text_param(call, 2) != NULL) {
        ES_TRY(prepare(a, text_param(call, 2), reply));
        return run_value(a, text_param(call, 2), reply);
    }
    if (es_strcaseeq(procedure, "sp_execute") || es_strcaseeq(procedure, "sp_unprepare"))
        return run_prepared(a, procedure, call, reply);
    ES_TRY(proxy_admin_say(reply, ERROR_UNSUPPORTED, 16,
                           "the admin database of the entrasql proxy has no procedures; send "
                           "commands as text"));
    return proxy_admin_end(reply);
}

static entrasql_status run_rpc(proxy_admin *a, proxy_admin_reply *reply, entrasql_error *err)
{
    tds_rpc rpc;
    ES_TRY(tds_rpc_parse(a->in.body.data, a->in.body.len, REQUEST_MAX_BYTES, &rpc, err));
    entrasql_status status = ENTRASQL_OK;
    if (rpc.call_count == 1)
        status = run_call(a, &rpc.calls[0], reply);
    else
        status = proxy_admin_say(reply, ERROR_UNSUPPORTED, 16,
                                 "the admin database takes one call at a time");
    tds_rpc_done(&rpc);
    return status;
}

/* Drivers without autocommit begin and end transactions; there is nothing in ours. */
static entrasql_status run_transaction(proxy_admin *a, proxy_admin_reply *reply,
                                       entrasql_error *err)
{
    tds_tm t;
    ES_TRY(tds_tm_parse(a->in.body.data, a->in.body.len, &t, err));
    bool ends = t.request == TDS_TM_COMMIT || t.request == TDS_TM_ROLLBACK;
    bool begins = t.request == TDS_TM_BEGIN || (ends && t.begin_again);
    tds_tm_done(&t);
    if (ends && a->in_transaction) {
        ES_TRY(tds_envchange_add_transaction(&reply->body, TDS_ENV_COMMIT, TRANSACTION));
        a->in_transaction = false;
    }
    if (begins) {
        ES_TRY(tds_envchange_add_transaction(&reply->body, TDS_ENV_BEGIN, TRANSACTION));
        a->in_transaction = true;
    }
    return ENTRASQL_OK;
}

static entrasql_status run(proxy_admin *a, proxy_admin_reply *reply, entrasql_error *err)
{
    if ((a->in.status & (TDS_STATUS_RESET | TDS_STATUS_RESET_KEEP_TRAN)) != 0)
        ES_TRY(tds_envchange_add_bytes(&reply->body, TDS_ENV_RESET, NULL, 0, NULL, 0));
    switch (a->in.type) {
    case TDS_PACKET_BATCH:
        return run_batch(a, reply, err);
    case TDS_PACKET_RPC:
        return run_rpc(a, reply, err);
    default:
        return run_transaction(a, reply, err);
    }
}

static entrasql_status send_reply(proxy_admin *a, const es_buf *body, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf packets = ES_BUF_INIT(2 * PROXY_ADMIN_REPLY_MAX);
    if (tds_packets_write(TDS_PACKET_REPLY, (uint16_t)a->number, a->packet_size, body->data,
                          body->len, &packets) != ENTRASQL_OK)
        return es_nomem(err);
    return relay_stream_write(a->client, packets.data, packets.len, err);
}

static entrasql_status answer_attention(proxy_admin *a, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(TDS_DONE_BYTES);
    if (tds_done_add(&body, TDS_TOKEN_DONE, TDS_DONE_ATTN, 0, 0) != ENTRASQL_OK)
        return es_nomem(err);
    return send_reply(a, &body, err);
}

static entrasql_status answer(proxy_admin *a, entrasql_error *err)
{
    proxy_admin_reply reply;
    if (a->in.type == TDS_PACKET_ATTENTION)
        return answer_attention(a, err);
    proxy_admin_reply_begin(&reply, a->in.type == TDS_PACKET_RPC);
    /* Unless a request is at fault: the builders say no more than LIMIT and NOMEM. */
    entrasql_status status = es_fail(err, ENTRASQL_LIMIT, "the reply is too large");
    reply.failed = (a->in.status & TDS_STATUS_IGNORE) != 0; /* given up half-way */
    status = reply.failed ? ENTRASQL_OK : run(a, &reply, err);
    if (status == ENTRASQL_OK)
        status = proxy_admin_finish(&reply);
    if (status == ENTRASQL_OK)
        status = send_reply(a, &reply.body, err);
    proxy_admin_reply_done(&reply);
    return status;
}

/* ---- the stream ---- */

static entrasql_status receive(proxy_admin *a, entrasql_error *err)
{
    uint8_t *room = NULL;
    size_t n = 0;
    if (es_buf_prepare(&a->received, READ_BYTES, &room) != ENTRASQL_OK)
        return es_nomem(err);
    ES_TRY(relay_stream_read(a->client, room, READ_BYTES, &n, err));
    es_buf_commit(&a->received, n);
    return ENTRASQL_OK;
}

entrasql_status proxy_admin_step(proxy_admin *a, entrasql_error *err)
{
    for (int turn = 0; turn < TURNS; turn++) {
        size_t used = 0;
        /* One request at a time: the next is read when the reply has gone. */
        ES_TRY(relay_stream_flush(a->client, err));
        if (a->received.len == 0) {
            entrasql_status status = receive(a, err);
            if (status == ENTRASQL_CLOSED && tds_assembler_is_idle(&a->in))
                return ENTRASQL_OK;
            ES_TRY(status);
        }
        ES_TRY(tds_assembler_feed(&a->in, a->received.data, a->received.len, &used, err));
        es_buf_consume(&a->received, used);
        if (!a->in.complete)
            continue;
        ES_TRY(answer(a, err));
        tds_assembler_next(&a->in);
    }
    return ENTRASQL_AGAIN;
}

entrasql_status proxy_admin_wants(const proxy_admin *a, os_wait *w)
{
    if (a->received.len > 0 && relay_stream_queued(a->client) == 0)
        os_wait_until(w, es_clock_mono_ms());
    return relay_stream_wants(a->client, relay_stream_queued(a->client) == 0, w);
}

entrasql_status proxy_admin_new(relay_accept *login, uint64_t number,
                                const proxy_admin_source *source, proxy_admin **ret,
                                entrasql_error *err)
{
    proxy_admin *a = es_calloc(1, sizeof *a);
    if (a == NULL)
        return es_nomem(err);
    a->source = source;
    a->packet_size = tds_server_packet_size(relay_accept_server(login));
    a->client = relay_accept_take(login);
    a->number = number;
    es_buf_init(&a->received, 2 * READ_BYTES);
    tds_assembler_init(&a->in, REQUEST_MAX_BYTES, false,
                       TDS_ACCEPT(TDS_PACKET_BATCH) | TDS_ACCEPT(TDS_PACKET_RPC) |
                           TDS_ACCEPT(TDS_PACKET_ATTENTION) | TDS_ACCEPT(TDS_PACKET_TM));
    *ret = a;
    return ENTRASQL_OK;
}

relay_stream *proxy_admin_take(proxy_admin *a)
{
    relay_stream *client = a->client;
    a->client = NULL;
    return client;
}

void proxy_admin_free(proxy_admin *a)
{
    if (a == NULL)
        return;
    relay_stream_free(a->client);
    for (size_t i = 0; i < PREPARED_MAX; i++)
        es_free(a->prepared[i]);
    tds_assembler_done(&a->in);
    es_buf_done(&a->received);
    es_free(a);
}
