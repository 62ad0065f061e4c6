/* SPDX-License-Identifier: MIT */
/* Refusals in the log, when there are too many. */
#include "proxy/quiet.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

struct proxy_quiet {
    loop_task *task;
    struct {
        int64_t until_ms; /* of the time in which lines are counted */
        uint32_t lines;
        uint32_t more; /* that were not written */
    } reasons[PROXY_REFUSALS];
};

static void tell(proxy_quiet *q, size_t reason)
{
    if (q->reasons[reason].more > 0)
        ES_LOG(WARNING, "proxy", "and more clients refused like these",
               ES_KV_I64("more", q->reasons[reason].more),
               ES_KV_STR("reason", proxy_refusal_name((proxy_refusal)reason)));
    q->reasons[reason].more = 0;
}

bool proxy_quiet_may_log(proxy_quiet *q, proxy_refusal reason)
{
    int64_t now = es_clock_mono_ms();
    if (now >= q->reasons[reason].until_ms) {
        tell(q, reason);
        q->reasons[reason].until_ms = now + PROXY_QUIET_MS;
        q->reasons[reason].lines = 0;
    }
    if (q->reasons[reason].lines++ < PROXY_QUIET_LINES)
        return true;
    if (q->reasons[reason].more++ == 0 && q->task != NULL)
        loop_task_wake(q->task); /* it waits until the time is over */
    return false;
}

/* ---- the task ---- */

static bool step(void *ctx)
{
    proxy_quiet *q = ctx;
    for (size_t i = 0; i < PROXY_REFUSALS; i++)
        if (es_clock_mono_ms() >= q->reasons[i].until_ms)
            tell(q, i);
    return true;
}

static entrasql_status wants(void *ctx, os_wait *w)
{
    const proxy_quiet *q = ctx;
    for (size_t i = 0; i < PROXY_REFUSALS; i++)
        if (q->reasons[i].more > 0)
            os_wait_until(w, q->reasons[i].until_ms);
    return ENTRASQL_OK;
}

static void end(void *ctx)
{
    proxy_quiet *q = ctx;
    q->task = NULL;
}

static const loop_task_class quiet_class = {wants, step, end};

entrasql_status proxy_quiet_new(loop *l, proxy_quiet **ret, entrasql_error *err)
{
    proxy_quiet *q = es_calloc(1, sizeof *q);
    if (q == NULL)
        return es_nomem(err);
    entrasql_status status = loop_task_start(l, &quiet_class, q, &q->task, err);
    if (status != ENTRASQL_OK) {
        es_free(q);
        return status;
    }
    *ret = q;
    return ENTRASQL_OK;
}

void proxy_quiet_free(proxy_quiet *q)
{
    if (q == NULL)
        return;
    for (size_t i = 0; i < PROXY_REFUSALS; i++)
        tell(q, i);
    es_free(q);
}
