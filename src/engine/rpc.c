/* SPDX-License-Identifier: MIT */
/* One call of an RPC request. */
#include "base/mem.h"
#include "engine/output.h"
#include "engine/procedure.h"
#include "engine/run.h"

#include <string.h>

/* The procedures that have a number on the wire ([MS-TDS] 2.2.6.6). */
static const char *const numbered[] = {
    [1] = "sp_cursor",        [2] = "sp_cursoropen",     [3] = "sp_cursorprepare",
    [4] = "sp_cursorexecute", [5] = "sp_cursorprepexec", [6] = "sp_cursorunprepare",
    [7] = "sp_cursorfetch",   [8] = "sp_cursoroption",   [9] = "sp_cursorclose",
    [10] = "sp_executesql",   [11] = "sp_prepare",       [12] = "sp_execute",
    [13] = "sp_prepexec",     [14] = "sp_prepexecrpc",   [15] = "sp_unprepare",
};

static void free_batch(tsql_batch **batch)
{
    tsql_batch_free(*batch);
}

/* "[sys].sp_tables" and "..sp_tables" to "sp_tables"; the batch holds the name. */
static entrasql_status find_name(const engine_rpc *rpc, tsql_batch **ret_batch,
                                 engine_procedure_call *call, entrasql_error *err)
{
    if (rpc->name == NULL) {
        if (rpc->proc_id == 0 || rpc->proc_id >= ES_COUNT_OF(numbered))
            return engine_error(err, 2812, 62, "Could not find stored procedure '%u'.",
                                (unsigned)rpc->proc_id);
        call->name = numbered[rpc->proc_id];
        return ENTRASQL_OK;
    }
    ES_TRY(tsql_parse_object(rpc->name, strlen(rpc->name), ret_batch, &call->object, err));
    call->name = call->object->name.text;
    return ENTRASQL_OK;
}

static entrasql_status call_procedure(engine_session *s, const engine_rpc *rpc, sqlvalue *outputs,
                                      int32_t *ret_status, entrasql_error *err)
{
    ES_CLEANUP(free_batch) tsql_batch *batch = NULL;
    engine_procedure_call call = {
        .params = rpc->params,
        .count = rpc->param_count,
        .outputs = outputs,
    };
    ES_TRY(find_name(rpc, &batch, &call, err));
    ES_TRY(engine_procedure_run(s, &call, err));
    *ret_status = call.return_status;
    return ENTRASQL_OK;
}

/* The call itself was wrong: no statement stands for the error. */
static entrasql_status tell(engine_session *s, entrasql_error *err)
{
    if (err->number == 0)
        engine_error(err, 8631, 1, "%s", entrasql_status_text(err->status));
    s->last_error = err->number;
    ES_TRY(engine_run_tell(s, err, err->line != 0 ? err->line : 1));
    return engine_output_done(s, ENGINE_CMD_OTHER, false, 0, true);
}

static entrasql_status send_outputs(const engine_rpc *rpc, const sqlvalue *outputs,
                                    int32_t return_status, const engine_sink *sink)
{
    ES_TRY(sink->return_status(sink->ctx, return_status));
    for (size_t i = 0; i < rpc->param_count; i++) {
        if (!rpc->params[i].output)
            continue;
        sqlvalue v = outputs[i];
        /* Nothing was set: the parameter comes back as it went in. */
        if (v.is_null && v.type.id == SQLTYPE_UNKNOWN)
            v = rpc->params[i].value;
        ES_TRY(sink->return_value(sink->ctx, (uint16_t)i, rpc->params[i].name, &v));
    }
    return ENTRASQL_OK;
}

entrasql_status engine_session_rpc(engine_session *s, const engine_rpc *rpc,
                                   const engine_sink *sink)
{
    sqlvalue *outputs = es_calloc(rpc->param_count, sizeof *outputs);
    if (outputs == NULL)
        return ENTRASQL_NOMEM;
    for (size_t i = 0; i < rpc->param_count; i++)
        outputs[i] = sqlvalue_null(sqltype_of(SQLTYPE_UNKNOWN));
    int32_t return_status = 0;
    entrasql_error err;
    engine_output_begin(s, sink, true);
    entrasql_status status = call_procedure(s, rpc, outputs, &return_status, &err);
    bool failed = status == ENTRASQL_SQL_ERROR || status == ENTRASQL_LIMIT;
    if (failed)
        status = tell(s, &err);
    if (status == ENTRASQL_OK)
        status = engine_output_end(s);
    if (status == ENTRASQL_OK && !failed)
        status = send_outputs(rpc, outputs, return_status, sink);
    for (size_t i = 0; i < rpc->param_count; i++)
        sqlvalue_done(&outputs[i]);
    es_free(outputs);
    return status;
}
