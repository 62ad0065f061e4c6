/* SPDX-License-Identifier: MIT */
/* DBCC CHECKIDENT; every other DBCC is refused by name. */
#include "engine/run.h"

#include "base/mem.h"
#include "base/str.h"
#include "engine/output.h"
#include "engine/permission.h"
#include "engine/temp.h"
#include "engine/tran.h"
#include "sqltype/convert.h"

#include <stdio.h>
#include <string.h>

typedef struct ident_job {
    char *name;
    bool reseeds;
    bool given;
    int64_t value;
    char before[32];
} ident_job;

static entrasql_status find_table(engine_run *run, const ident_job *job, const engine_object **ret)
{
    tsql_batch *batch = NULL;
    const tsql_object *name = NULL;
    *ret = NULL;
    if (tsql_parse_object(job->name, strlen(job->name), &batch, &name, NULL) == ENTRASQL_OK) {
        entrasql_status status = engine_find_object(run->s, name, ret, run->err);
        tsql_batch_free(batch);
        ES_TRY(status);
    }
    if (*ret == NULL || (*ret)->type != ENGINE_OBJECT_TABLE)
        return engine_error(run->err, 2501, 45,
                            "Cannot find a table or object with the name \"%s\". Check the system "
                            "catalog.",
                            job->name);
    if (engine_object_identity(*ret) == NULL)
        return engine_error(run->err, 7997, 1, "'%s' does not contain an identity column.",
                            (*ret)->name);
    return engine_temp_is(run->s, *ret) ? ENTRASQL_OK
                                        : engine_need_object(run->s, "ALTER", *ret, run->err);
}

static entrasql_status check_ident(engine_run *run, ident_job *job)
{
    const engine_object *table;
    int64_t last = 0;
    ES_TRY(find_table(run, job, &table));
    bool started = engine_identity_current(run->s, table, &last);
    (void)snprintf(job->before, sizeof job->before, "%lld", (long long)last);
    if (!started)
        (void)snprintf(job->before, sizeof job->before, "NULL");
    if (!job->reseeds || !job->given)
        return ENTRASQL_OK;
    ES_TRY(engine_identity_set(run->s, table, started, job->value, run->err));
    return engine_identity_save(run->s, table, run->err);
}

static entrasql_status read_args(engine_run *run, const tsql_exprs *args, ident_job *job)
{
    if (args->count == 0 || args->count > 3)
        return engine_error(run->err, 2583, 3,
                            "An incorrect number of parameters was given to the DBCC statement.");
    ES_TRY(engine_run_string(run, args->items[0], &job->name));
    if (job->name == NULL)
        job->name = es_strdup("");
    if (job->name == NULL)
        return es_nomem(run->err);
    if (args->count > 1) {
        ES_CLEANUP(es_cleanup_free) char *word = NULL;
        ES_TRY(engine_run_string(run, args->items[1], &word));
        job->reseeds = word != NULL && es_strcaseeq(word, "RESEED");
    }
    if (args->count < 3)
        return ENTRASQL_OK;
    sqlvalue v;
    ES_TRY(engine_run_value_as(run, args->items[2], sqltype_of(SQLTYPE_BIGINT), &v));
    job->given = !v.is_null;
    job->value = v.u.i;
    return ENTRASQL_OK;
}

static entrasql_status run_checkident(engine_run *run, const tsql_dbcc_stmt *stmt, ident_job *job)
{
    engine_unit unit;
    char text[160];
    ES_TRY(read_args(run, &stmt->args, job));
    ES_TRY(engine_unit_begin(run->s, true, false, &unit, run->err));
    entrasql_status status = check_ident(run, job);
    ES_TRY(engine_unit_end(run->s, &unit, status, run->err));
    if (job->given)
        (void)snprintf(text, sizeof text,
                       "Checking identity information: current identity value "
                       "'%s'.",
                       job->before);
    else
        (void)snprintf(text, sizeof text,
                       "Checking identity information: current identity value "
                       "'%s', current column value '%s'.",
                       job->before, job->before);
    ES_TRY(engine_output_info(run->s, 7998, 1, run->stmt->span.line, text));
    return engine_output_info(run->s, 2528, 1, run->stmt->span.line,
                              "DBCC execution completed. If DBCC printed error messages, contact "
                              "your system administrator.");
}

entrasql_status engine_run_dbcc(engine_run *run, const tsql_dbcc_stmt *stmt)
{
    ident_job job = {0};
    if (!es_strcaseeq(stmt->command.text, "CHECKIDENT"))
        return engine_unsupported(run->err, "DBCC");
    entrasql_status status = run_checkident(run, stmt, &job);
    es_free(job.name);
    return status;
}
