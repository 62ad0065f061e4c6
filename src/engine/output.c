/* SPDX-License-Identifier: MIT */
/* Results on their way to the sink. */
#include "engine/output.h"

#include <string.h>

void engine_output_begin(engine_session *s, const engine_sink *sink, bool in_rpc)
{
    s->out = (engine_output){.sink = sink, .in_rpc = in_rpc};
}

static entrasql_status flush_done(engine_session *s, bool more)
{
    engine_output *o = &s->out;
    if (!o->done_waits)
        return ENTRASQL_OK;
    o->done_waits = false;
    return o->sink->done(o->sink->ctx, o->done_command, o->done_has_count, o->done_rows,
                         o->done_failed, more);
}

entrasql_status engine_output_end(engine_session *s)
{
    if (!s->out.done_waits && !s->out.in_rpc)
        ES_TRY(engine_output_done(s, ENGINE_CMD_OTHER, false, 0, false));
    /* After an RPC's statements its own DONEPROC always follows. */
    return flush_done(s, s->out.in_rpc);
}

entrasql_status engine_output_columns(engine_session *s, const engine_column *columns, size_t count)
{
    ES_TRY(flush_done(s, true));
    s->out.any = true;
    return s->out.sink->columns(s->out.sink->ctx, columns, count);
}

entrasql_status engine_output_row(engine_session *s, const sqlvalue *values, size_t count)
{
    return s->out.sink->row(s->out.sink->ctx, values, count);
}

entrasql_status engine_output_done(engine_session *s, engine_command command, bool has_count,
                                   uint64_t rows, bool failed)
{
    ES_TRY(flush_done(s, true));
    s->out.any = true;
    s->out.done_waits = true;
    s->out.done_command = command;
    s->out.done_has_count = has_count && !s->set.nocount;
    s->out.done_rows = s->out.done_has_count ? rows : 0;
    s->out.done_failed = failed;
    return ENTRASQL_OK;
}

entrasql_status engine_output_message(engine_session *s, const engine_message *m)
{
    ES_TRY(flush_done(s, true));
    s->out.any = true;
    return s->out.sink->message(s->out.sink->ctx, m);
}

entrasql_status engine_output_info(engine_session *s, uint32_t number, uint8_t state, uint32_t line,
                                   const char *text)
{
    engine_message m = {
        .number = number,
        .state = state,
        .text = text,
        .procedure = s->frame != NULL && s->frame->procedure != NULL ? s->frame->procedure : "",
        .line = line,
    };
    return engine_output_message(s, &m);
}

entrasql_status engine_output_change(engine_session *s, engine_change change, uint64_t id,
                                     const char *new_text, const char *old_text)
{
    if (s->out.sink == NULL || s->out.sink->change == NULL)
        return ENTRASQL_OK;
    ES_TRY(flush_done(s, true));
    return s->out.sink->change(s->out.sink->ctx, change, id, new_text, old_text);
}
