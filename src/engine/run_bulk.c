/* SPDX-License-Identifier: MIT */
/*
 * Bulk load: INSERT BULK names the columns, the client's next message has their
 * rows ([MS-TDS] 2.2.6.1). The statement's text is kept meanwhile; with the
 * rows at hand it runs again, and that time it inserts them.
 */
#include "base/mem.h"
#include "base/str.h"
#include "engine/output.h"
#include "engine/plan.h"
#include "engine/run.h"
#include "engine/table.h"

#include <string.h>

static bool has_hint(const tsql_insert_bulk_stmt *bulk, const char *name)
{
    for (size_t i = 0; i < bulk->hints.count; i++) {
        if (es_strcaseeq(bulk->hints.items[i].text, name))
            return true;
    }
    return false;
}

/* Keeps the text of this statement alone: its batch may have others. */
static entrasql_status keep_text(engine_run *run, const tsql_stmt *stmt)
{
    char *text = engine_run_source(run, stmt->span);
    if (text == NULL)
        return es_nomem(run->err);
    es_free(run->s->bulk_text);
    run->s->bulk_text = text;
    return engine_output_done(run->s, ENGINE_CMD_OTHER, false, 0, false);
}

entrasql_status engine_run_insert_bulk(engine_run *run, const tsql_stmt *stmt)
{
    static const engine_row_set none = {0};
    const tsql_insert_bulk_stmt *bulk = stmt->u.insert_bulk;
    const engine_row_set *rows = run->s->bulk_rows;
    tsql_insert_stmt insert = {.kind = TSQL_INSERT_EXEC, .target = {.object = bulk->object}};
    tsql_name *names = es_calloc(bulk->column_count + 1, sizeof *names);
    uint64_t count = 0;

    if (names == NULL)
        return es_nomem(run->err);
    for (size_t i = 0; i < bulk->column_count; i++)
        names[i] = bulk->columns[i].name;
    insert.columns = (tsql_names){.items = names, .count = bulk->column_count};
    /* Without rows yet: name, columns and permission are checked, nothing is written. */
    entrasql_status status = engine_run_insert_rows(run, &insert, rows != NULL ? rows : &none,
                                                    has_hint(bulk, "KEEP_NULLS"), &count);
    es_free(names);
    ES_TRY(status);
    return rows != NULL ? engine_run_done(run, ENGINE_CMD_BULK_INSERT, count)
                        : keep_text(run, stmt);
}

static entrasql_status read_rows(const engine_bulk *from, engine_row_set *rows, entrasql_error *err)
{
    for (;;) {
        const sqlvalue *values = NULL;
        size_t count = 0;
        ES_TRY(from->next(from->ctx, &values, &count));
        if (values == NULL)
            return ENTRASQL_OK;
        rows->width = count;
        ES_TRY(engine_row_set_add(rows, values, err));
    }
}

static entrasql_status load(engine_session *s, const char *text, const engine_row_set *rows)
{
    ES_CLEANUP(engine_frame_done)
    engine_frame frame = {.procedure = "", .is_batch = true};
    entrasql_error err;
    s->bulk_rows = rows;
    entrasql_status status = engine_run_text(s, text, strlen(text), &frame, &err);
    s->bulk_rows = NULL;
    engine_frame_end(s, &frame);
    return status;
}

entrasql_status engine_session_bulk(engine_session *s, const engine_bulk *from,
                                    const engine_sink *sink)
{
    ES_CLEANUP(es_cleanup_free) char *text = s->bulk_text;
    ES_CLEANUP(engine_row_set_done) engine_row_set rows = {0};
    entrasql_error err;

    s->bulk_text = NULL;
    engine_output_begin(s, sink, false);
    ES_TRY(read_rows(from, &rows, &err));
    if (text == NULL) {
        engine_error(&err, 4804, 1,
                     "Rows of a bulk load came without an INSERT BULK statement before them.");
        ES_TRY(engine_run_tell(s, &err, 1));
        return engine_output_done(s, ENGINE_CMD_OTHER, false, 0, true);
    }
    ES_TRY(load(s, text, &rows));
    return engine_output_end(s);
}
