/* SPDX-License-Identifier: MIT */
/* Rows of an EXEC for INSERT. */
#include "engine/capture.h"

#include "engine/output.h"

struct capture {
    const engine_sink *client;
    engine_row_set *rows;
    size_t columns;
    bool mismatch;
    entrasql_error *err;
};

static entrasql_status on_columns(void *ctx, const engine_column *columns, size_t count)
{
    struct capture *c = ctx;
    (void)columns;
    if (count != c->columns)
        c->mismatch = true;
    return ENTRASQL_OK;
}

static entrasql_status on_row(void *ctx, const sqlvalue *values, size_t count)
{
    struct capture *c = ctx;
    (void)count;
    if (c->mismatch)
        return ENTRASQL_OK;
    c->rows->width = c->columns;
    return engine_row_set_add(c->rows, values, c->err);
}

static entrasql_status on_done(void *ctx, engine_command command, bool has_count, uint64_t rows,
                               bool failed, bool more)
{
    (void)ctx;
    (void)command;
    (void)has_count;
    (void)rows;
    (void)failed;
    (void)more;
    return ENTRASQL_OK;
}

static entrasql_status on_message(void *ctx, const engine_message *message)
{
    const struct capture *c = ctx;
    return c->client->message(c->client->ctx, message);
}

static entrasql_status on_change(void *ctx, engine_change change, uint64_t id, const char *new_text,
                                 const char *old_text)
{
    const struct capture *c = ctx;
    return c->client->change(c->client->ctx, change, id, new_text, old_text);
}

entrasql_status engine_capture_exec(engine_run *run, const tsql_exec_stmt *exec, size_t columns,
                                    engine_row_set *ret)
{
    engine_session *s = run->s;
    engine_output saved = s->out;
    struct capture capture = {
        .client = saved.sink, .rows = ret, .columns = columns, .err = run->err};
    engine_sink sink = {
        .ctx = &capture,
        .columns = on_columns,
        .row = on_row,
        .done = on_done,
        .message = on_message,
        .change = on_change,
    };
    engine_output_begin(s, &sink, true);
    entrasql_status status = engine_run_exec(run, exec);
    s->out = saved;
    ES_TRY(status);
    if (capture.mismatch)
        return engine_error(run->err, 213, 7,
                            "Column name or number of supplied values does not match table "
                            "definition.");
    return ENTRASQL_OK;
}
