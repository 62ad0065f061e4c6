/* SPDX-License-Identifier: MIT */
/* The engine's calls without an engine. */
#include "fake_engine.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

atomic_int fake_engine_sessions;
atomic_int fake_engine_interrupts;
atomic_int fake_engine_running;

struct engine_server {
    int unused;
};

struct engine_session {
    char database[64];
    uint64_t transaction;
    engine_interrupt *check;
    void *check_ctx;
};

static engine_server the_server;

entrasql_status engine_server_open(const engine_options *options, engine_server **ret,
                                   entrasql_error *err)
{
    (void)options;
    (void)err;
    *ret = &the_server;
    return ENTRASQL_OK;
}

void engine_server_close(engine_server *server)
{
    (void)server;
}

entrasql_status engine_create_database(engine_server *server, const char *name, entrasql_error *err)
{
    (void)server;
    (void)name;
    (void)err;
    return ENTRASQL_OK;
}

bool engine_database_exists(engine_server *server, const char *name)
{
    (void)server;
    return es_strcaseeq(name, "persons") || es_strcaseeq(name, "master");
}

entrasql_status engine_session_open(engine_server *server, const engine_session_options *options,
                                    engine_session **ret, entrasql_error *err)
{
    const char *database = options->database != NULL ? options->database : "master";

    if (!engine_database_exists(server, database)) {
        es_fail(err, ENTRASQL_LOGIN_FAILED,
                "Cannot open database \"%s\" requested by the login. The login failed.", database);
        err->number = 4060;
        err->state = 1;
        err->severity = 11;
        return ENTRASQL_LOGIN_FAILED;
    }
    engine_session *s = es_calloc(1, sizeof *s);
    if (s == NULL)
        return es_nomem(err);
    (void)snprintf(s->database, sizeof s->database, "%s", database);
    atomic_fetch_add(&fake_engine_sessions, 1);
    *ret = s;
    return ENTRASQL_OK;
}

void engine_session_close(engine_session *session)
{
    if (session == NULL)
        return;
    atomic_fetch_sub(&fake_engine_sessions, 1);
    es_free(session);
}

const char *engine_session_database(const engine_session *session)
{
    return session->database;
}

uint64_t engine_session_transaction(const engine_session *session)
{
    return session->transaction;
}

void engine_session_set_interrupt(engine_session *session, engine_interrupt *check, void *ctx)
{
    session->check = check;
    session->check_ctx = ctx;
}

static entrasql_status put_columns(const engine_sink *sink, sqltype type)
{
    engine_column c = {.name = "n", .type = type, .nullable = true};

    return sink->columns(sink->ctx, &c, 1);
}

static entrasql_status put_rows(const engine_sink *sink, int rows)
{
    ES_TRY(put_columns(sink, sqltype_of(SQLTYPE_INT)));
    for (int i = 1; i <= rows; i++) {
        sqlvalue v = sqlvalue_int(i);
        ES_TRY(sink->row(sink->ctx, &v, 1));
    }
    return sink->done(sink->ctx, ENGINE_CMD_SELECT, true, (uint64_t)rows, false, false);
}

static entrasql_status put_message(const engine_sink *sink, uint32_t number, uint8_t severity)
{
    engine_message m = {.number = number,
                        .state = 1,
                        .severity = severity,
                        .text = "told",
                        .procedure = "",
                        .line = 3};

    return sink->message(sink->ctx, &m);
}

static entrasql_status spin(engine_session *s)
{
    while (s->check == NULL || !s->check(s->check_ctx))
        usleep(1000);
    atomic_fetch_add(&fake_engine_interrupts, 1);
    return ENTRASQL_CANCELLED;
}

static entrasql_status flood(const engine_sink *sink)
{
    static const char text[1000] = {'x'};
    sqltype type = sqltype_string(SQLTYPE_VARCHAR, 1000);
    entrasql_status st = put_columns(sink, type);

    while (st == ENTRASQL_OK) {
        sqlvalue v = sqlvalue_lend(type, text, sizeof text);
        st = sink->row(sink->ctx, &v, 1);
    }
    atomic_fetch_add(&fake_engine_interrupts, 1);
    return st;
}

static entrasql_status large(const engine_sink *sink, size_t n)
{
    sqltype type = sqltype_string(SQLTYPE_VARCHAR, SQLTYPE_MAX);
    char *text = es_malloc(n + 1);

    if (text == NULL)
        return ENTRASQL_NOMEM;
    memset(text, 'L', n);
    sqlvalue v = sqlvalue_lend(type, text, n);
    entrasql_status st = put_columns(sink, type);
    if (st == ENTRASQL_OK)
        st = sink->row(sink->ctx, &v, 1);
    es_free(text);
    return st != ENTRASQL_OK ? st : sink->done(sink->ctx, ENGINE_CMD_SELECT, true, 1, false, false);
}

static entrasql_status change_transaction(engine_session *s, const engine_sink *sink,
                                          engine_change change)
{
    uint64_t id = change == ENGINE_CHANGE_BEGIN ? 7 : s->transaction;

    s->transaction = change == ENGINE_CHANGE_BEGIN ? id : 0;
    return sink->change(sink->ctx, change, id, NULL, NULL);
}

static entrasql_status obey(engine_session *s, const char *text, const engine_sink *sink)
{
    if (es_starts_with(text, "rows "))
        return put_rows(sink, atoi(text + 5));
    if (es_starts_with(text, "large "))
        return large(sink, (size_t)atol(text + 6));
    if (es_streq(text, "two")) {
        ES_TRY(put_rows(sink, 1));
        return put_rows(sink, 2);
    }
    if (es_streq(text, "error")) {
        ES_TRY(put_message(sink, 208, 16));
        return sink->done(sink->ctx, ENGINE_CMD_OTHER, false, 0, true, false);
    }
    if (es_streq(text, "late error")) {
        ES_TRY(put_rows(sink, 1));
        return put_message(sink, 208, 16);
    }
    if (es_streq(text, "fatal"))
        return put_message(sink, 50000, 20);
    if (es_streq(text, "print"))
        return put_message(sink, 0, 0);
    if (es_streq(text, "begin")) {
        ES_TRY(change_transaction(s, sink, ENGINE_CHANGE_BEGIN));
        return sink->done(sink->ctx, ENGINE_CMD_BEGIN, false, 0, false, false);
    }
    if (es_streq(text, "commit")) {
        ES_TRY(change_transaction(s, sink, ENGINE_CHANGE_COMMIT));
        return sink->done(sink->ctx, ENGINE_CMD_COMMIT, false, 0, false, false);
    }
    if (es_streq(text, "spin"))
        return spin(s);
    if (es_streq(text, "flood"))
        return flood(sink);
    if (es_streq(text, "broken"))
        return ENTRASQL_INTERNAL;
    return ENTRASQL_OK;
}

entrasql_status engine_session_batch(engine_session *session, const char *text, size_t n,
                                     const engine_sink *sink)
{
    (void)n;
    atomic_fetch_add(&fake_engine_running, 1);
    entrasql_status st = obey(session, text, sink);
    atomic_fetch_sub(&fake_engine_running, 1);
    return st;
}

/* sp_executesql and the like: the first parameter is the text. */
entrasql_status engine_session_rpc(engine_session *session, const engine_rpc *rpc,
                                   const engine_sink *sink)
{
    char text[100] = "";
    bool failed;

    if (rpc->param_count != 0 && !rpc->params[0].value.is_null)
        (void)snprintf(text, sizeof text, "%.*s", (int)rpc->params[0].value.u.s.len,
                       rpc->params[0].value.u.s.data);
    ES_TRY(engine_session_batch(session, text, strlen(text), sink));
    failed = es_streq(text, "error");
    if (failed)
        return ENTRASQL_OK;
    ES_TRY(sink->return_status(sink->ctx, 0));
    if (rpc->param_count > 1 && rpc->params[1].output) {
        sqlvalue v = sqlvalue_int(42);
        return sink->return_value(sink->ctx, 1, rpc->params[1].name, &v);
    }
    return ENTRASQL_OK;
}

entrasql_status engine_session_tm(engine_session *session, engine_tm_request request,
                                  uint8_t isolation, const char *name, bool begin_again,
                                  const engine_sink *sink)
{
    (void)isolation;
    (void)name;
    if (request == ENGINE_TM_BEGIN)
        return change_transaction(session, sink, ENGINE_CHANGE_BEGIN);
    ES_TRY(change_transaction(session, sink,
                              request == ENGINE_TM_COMMIT ? ENGINE_CHANGE_COMMIT
                                                          : ENGINE_CHANGE_ROLLBACK));
    return begin_again ? change_transaction(session, sink, ENGINE_CHANGE_BEGIN) : ENTRASQL_OK;
}

/* Counts the rows. */
entrasql_status engine_session_bulk(engine_session *session, const engine_bulk *rows,
                                    const engine_sink *sink)
{
    uint64_t count = 0;
    (void)session;
    for (;;) {
        const sqlvalue *values = NULL;
        size_t width = 0;
        ES_TRY(rows->next(rows->ctx, &values, &width));
        if (values == NULL)
            return sink->done(sink->ctx, ENGINE_CMD_BULK_INSERT, true, count, false, false);
        count++;
    }
}

entrasql_status engine_session_reset(engine_session *session, bool keep_transaction,
                                     const engine_sink *sink)
{
    if (!keep_transaction)
        session->transaction = 0;
    return sink->change(sink->ctx, ENGINE_CHANGE_RESET, 0, NULL, NULL);
}
