/* SPDX-License-Identifier: MIT */
/*
 * Any text as a batch on a database with two tables. Whatever it is, the
 * engine answers with results or errors, and the session goes on.
 */
#include "engine/engine.h"

#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHECKS_MAX = 400 };

static struct {
    char dir[64];
    engine_server *server;
    engine_session *session;
    unsigned checks; /* of the interrupt in this batch */
} world;

static bool interrupt(void *ctx)
{
    (void)ctx;
    return ++world.checks > CHECKS_MAX;
}

static entrasql_status on_columns(void *ctx, const engine_column *columns, size_t count)
{
    (void)ctx;
    return columns != NULL && count != 0 ? ENTRASQL_OK : ENTRASQL_INTERNAL;
}

static entrasql_status on_row(void *ctx, const sqlvalue *values, size_t count)
{
    (void)ctx;
    return values != NULL && count != 0 ? ENTRASQL_OK : ENTRASQL_INTERNAL;
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

static entrasql_status on_message(void *ctx, const engine_message *m)
{
    (void)ctx;
    /* Every error has a number. */
    if (m->severity > 10 && m->number == 0)
        abort();
    return ENTRASQL_OK;
}

static entrasql_status on_change(void *ctx, engine_change change, uint64_t id, const char *new_text,
                                 const char *old_text)
{
    (void)ctx;
    (void)change;
    (void)id;
    (void)new_text;
    (void)old_text;
    return ENTRASQL_OK;
}

static const engine_sink sink = {
    .columns = on_columns,
    .row = on_row,
    .done = on_done,
    .message = on_message,
    .change = on_change,
};

static void run(const char *text, size_t n)
{
    world.checks = 0;
    entrasql_status status = engine_session_batch(world.session, text, n, &sink);
    if (status != ENTRASQL_OK && status != ENTRASQL_CANCELLED && status != ENTRASQL_NOMEM &&
        status != ENTRASQL_LIMIT)
        abort();
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void end(void)
{
    engine_session_close(world.session);
    engine_server_close(world.server);
    (void)nftw(world.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void begin(void)
{
    static const char setup[] =
        "CREATE TABLE T (ID int IDENTITY PRIMARY KEY, A int, B nvarchar(20), C decimal(10,2))"
        "INSERT INTO T (A, B, C) VALUES (1, N'x', 1.5), (2, N'y', NULL)"
        "CREATE TABLE U (ID int PRIMARY KEY, T int REFERENCES T (ID))";
    entrasql_error err;
    engine_login login = {.is_admin = true, .login_name = "admin", .sql_login = "admin"};
    engine_session_options options = {.login = &login, .database = "d", .spid = 51};
    (void)snprintf(world.dir, sizeof world.dir, "/tmp/fuzz_batch_XXXXXX");
    engine_options server = {.data_dir = world.dir, .server_name = "s"};
    if (mkdtemp(world.dir) == NULL ||
        engine_server_open(&server, &world.server, &err) != ENTRASQL_OK ||
        engine_create_database(world.server, "d", &err) != ENTRASQL_OK ||
        engine_session_open(world.server, &options, &world.session, &err) != ENTRASQL_OK)
        abort();
    engine_session_set_interrupt(world.session, interrupt, NULL);
    run(setup, sizeof setup - 1);
    (void)atexit(end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char open[] = "BEGIN TRAN";
    static const char back[] = "IF @@TRANCOUNT > 0 ROLLBACK";
    if (world.server == NULL)
        begin();
    run(open, sizeof open - 1);
    run((const char *)data, size);
    run(back, sizeof back - 1);
    if (engine_session_reset(world.session, false, &sink) != ENTRASQL_OK)
        abort();
    return 0;
}
