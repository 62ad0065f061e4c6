/* SPDX-License-Identifier: MIT */
/* Requests that are not RPC: language batches and the transaction manager's. */
#include "engine/output.h"
#include "engine/run.h"
#include "engine/table.h"
#include "engine/tran.h"

#include <string.h>

entrasql_status engine_session_batch(engine_session *s, const char *text, size_t n,
                                     const engine_sink *sink)
{
    entrasql_error err;
    /* SCOPE_IDENTITY() lives on in the next batch, as pymssql asks for it. */
    ES_CLEANUP(engine_frame_done)
    engine_frame frame = {
        .procedure = "",
        .is_batch = true,
        .identity_known = s->root.identity_known,
        .identity = s->root.identity,
    };
    engine_output_begin(s, sink, false);
    entrasql_status status = engine_run_text(s, text, n, &frame, &err);
    s->root.identity_known = frame.identity_known;
    s->root.identity = frame.identity;
    engine_frame_end(s, &frame);
    return status == ENTRASQL_OK ? engine_output_end(s) : status;
}

/* ---- the transaction manager ---- */

static entrasql_status begin(engine_session *s, uint8_t isolation, const char *name,
                             entrasql_error *err)
{
    if (isolation >= TSQL_ISOLATION_READ_UNCOMMITTED && isolation <= TSQL_ISOLATION_SNAPSHOT)
        s->set.isolation = (tsql_isolation)isolation;
    return engine_tran_begin(s, name, err);
}

static entrasql_status do_request(engine_session *s, engine_tm_request request, uint8_t isolation,
                                  const char *name, bool begin_again, entrasql_error *err)
{
    switch (request) {
    case ENGINE_TM_BEGIN:
        return begin(s, isolation, name, err);
    case ENGINE_TM_SAVE:
        return engine_tran_save(s, name != NULL ? name : "", err);
    case ENGINE_TM_COMMIT:
        ES_TRY(engine_tran_commit(s, err));
        break;
    case ENGINE_TM_ROLLBACK:
        ES_TRY(engine_tran_rollback(s, name, err));
        break;
    }
    return begin_again && s->tran.count == 0 ? begin(s, isolation, NULL, err) : ENTRASQL_OK;
}

static engine_command command_of(engine_tm_request request)
{
    switch (request) {
    case ENGINE_TM_BEGIN:
        return ENGINE_CMD_BEGIN;
    case ENGINE_TM_COMMIT:
        return ENGINE_CMD_COMMIT;
    case ENGINE_TM_ROLLBACK:
        return ENGINE_CMD_ROLLBACK;
    case ENGINE_TM_SAVE:
        break;
    }
    return ENGINE_CMD_OTHER;
}

entrasql_status engine_session_tm(engine_session *s, engine_tm_request request, uint8_t isolation,
                                  const char *name, bool begin_again, const engine_sink *sink)
{
    entrasql_error err;
    engine_output_begin(s, sink, false);
    entrasql_status status = do_request(s, request, isolation, name, begin_again, &err);
    bool failed = status == ENTRASQL_SQL_ERROR;
    if (failed) {
        s->last_error = err.number;
        status = engine_run_tell(s, &err, 1);
    }
    ES_TRY(status);
    ES_TRY(engine_output_done(s, command_of(request), false, 0, failed));
    return engine_output_end(s);
}
