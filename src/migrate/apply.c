/* SPDX-License-Identifier: MIT */
/*
 * Going through the steps, and back. For each: BEGIN with what was before goes
 * to disk, the step acts, the state is looked at until it is right, DONE goes to disk.
 * Whatever the moment a run dies at, the next one finds either no BEGIN (nothing
 * was done), a BEGIN (look: done or to be done again), or DONE. The way back says UNDOING
 * before it acts, so that what it leaves half done is known as its own work.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "migrate/explain.h"
#include "migrate/plan.h"

#include <string.h>

#define SETTLE_STEP_MS 5000
#define SAID_MAX ((size_t)64 * 1024)

typedef struct going {
    migrate_context *m;
    migrate_say *say;
    void *say_ctx;
    entrasql_error *err;
} going;

static void tell(const going *g, const char *fmt, ...) ES_PRINTF(2, 3);

static void tell(const going *g, const char *fmt, ...)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(SAID_MAX);
    va_list ap;

    if (g->say == NULL)
        return;
    va_start(ap, fmt);
    entrasql_status status = es_buf_vprintf(&text, fmt, ap);
    va_end(ap);
    const char *s = status == ENTRASQL_OK ? es_buf_cstr(&text) : NULL;
    if (s != NULL)
        g->say(g->say_ctx, s);
}

static void tell_lines(const going *g, const es_buf *lines)
{
    const char *p = (const char *)lines->data;
    size_t left = lines->len;

    while (left != 0) {
        const char *end = memchr(p, '\n', left);
        size_t n = end != NULL ? (size_t)(end - p) : left;
        tell(g, "  %.*s", (int)n, p);
        left -= end != NULL ? n + 1 : n;
        p += end != NULL ? n + 1 : n;
    }
}

/* ---- the journal ---- */

static entrasql_status add_event(const going *g, const migrate_step *step, migrate_event event,
                                 const es_buf *detail)
{
    return migrate_journal_add(g->m->journal, step->name, event, detail, g->err);
}

static entrasql_status begin(const going *g, const migrate_step *step)
{
    ES_CLEANUP(es_buf_done) es_buf detail = ES_BUF_INIT(MIGRATE_TEXT_MAX);
    json_writer w;

    /* What was before the first try counts: a second one may see its own work. */
    if (migrate_journal_has(g->m->journal, step->name, MIGRATE_EVENT_BEGIN))
        return ENTRASQL_OK;
    json_writer_init(&w, &detail);
    json_begin_object(&w);
    if (step->before != NULL)
        ES_TRY(step->before(g->m, &w, g->err));
    json_end_object(&w);
    ES_TRY(migrate_built(json_writer_end(&w), g->err));
    return add_event(g, step, MIGRATE_EVENT_BEGIN, &detail);
}

static entrasql_status failed(const going *g, const migrate_step *step)
{
    ES_CLEANUP(es_buf_done) es_buf detail = ES_BUF_INIT(MIGRATE_TEXT_MAX);
    entrasql_error ignored;
    json_writer w;

    json_writer_init(&w, &detail);
    json_begin_object(&w);
    json_member_put_string(&w, "error", g->err->message);
    json_end_object(&w);
    if (json_writer_end(&w) == ENTRASQL_OK)
        (void)!migrate_journal_add(g->m->journal, step->name, MIGRATE_EVENT_FAILED, &detail,
                                   &ignored);
    es_error_prefix(g->err, "step %s", step->name);
    return g->err->status;
}

/* ---- has the state moved? ---- */

/* What the plan that the journal was made for saw. NULL: nothing to compare with. */
static const char *planned_is(const migrate_context *m, const migrate_step *step)
{
    const json_node *list = migrate_journal_steps(m->journal);
    const char *text = NULL;

    for (size_t i = 0; i < json_count(list); i++) {
        const json_node *one = json_element(list, i);
        if (json_member_string(one, "name", &text, NULL) != ENTRASQL_OK ||
            !es_streq(text, step->name))
            continue;
        if (json_member_string(one, "state", &text, NULL) != ENTRASQL_OK || es_streq(text, "later"))
            return NULL;
        return json_member_string(one, "is", &text, NULL) == ENTRASQL_OK ? text : NULL;
    }
    return NULL;
}

/* What a rollback has left lies between before and after; all else is somebody's. */
static entrasql_status check_half_undone(const going *g, const migrate_step *step)
{
    ES_CLEANUP(es_buf_done) es_buf what = ES_BUF_INIT(MIGRATE_TEXT_MAX);

    if (step->foreign == NULL)
        return ENTRASQL_OK;
    ES_TRY(step->foreign(g->m,
                         migrate_journal_first(g->m->journal, step->name, MIGRATE_EVENT_BEGIN),
                         &what, g->err));
    if (what.len == 0)
        return ENTRASQL_OK;
    const char *text = es_buf_cstr(&what);
    if (text == NULL)
        return es_nomem(g->err);
    es_fail(g->err, ENTRASQL_EXISTS,
            "step %s is half rolled back, and somebody has changed it since: %.*s", step->name,
            (int)strcspn(text, "\n"), text);
    es_hint(g->err,
            "Roll back to the end and apply anew, or put it right by hand and apply again.");
    return ENTRASQL_EXISTS;
}

static entrasql_status check_unmoved(const going *g, const migrate_step *step, migrate_view *v)
{
    const char *was = planned_is(g->m, step);
    const char *is = es_buf_cstr(&v->is);

    if (is == NULL)
        return es_nomem(g->err);
    if (migrate_journal_has(g->m->journal, step->name, MIGRATE_EVENT_UNDOING))
        return check_half_undone(g, step);
    if (migrate_journal_has(g->m->journal, step->name, MIGRATE_EVENT_DONE)) {
        es_fail(g->err, ENTRASQL_EXISTS,
                "step %s was done, and somebody has changed it since: %.*s", step->name,
                (int)strcspn(is, "\n"), is);
        es_hint(g->err, "Roll back and apply anew, or put it right by hand and apply again.");
        return ENTRASQL_EXISTS;
    }
    if (was == NULL || es_streq(was, is) ||
        migrate_journal_has(g->m->journal, step->name, MIGRATE_EVENT_BEGIN))
        return ENTRASQL_OK;
    es_fail(g->err, ENTRASQL_EXISTS,
            "step %s: the state has moved since the plan; it was: %.*s; "
            "it is: %.*s",
            step->name, (int)strcspn(was, "\n"), was, (int)strcspn(is, "\n"), is);
    es_hint(g->err,
            "Roll back (what was not begun is not touched), remove the journal %s, and plan "
            "again.",
            migrate_journal_path(g->m->journal));
    return ENTRASQL_EXISTS;
}

/* ---- one step ---- */

static entrasql_status look(const going *g, const migrate_step *step, migrate_view *v)
{
    migrate_view_done(v);
    migrate_view_init(v);
    return step->look(g->m, v, g->err);
}

/* After it was done: Azure may take a while to show it. */
static entrasql_status settle(const going *g, const migrate_step *step, migrate_view *v)
{
    int64_t began = es_clock_mono_ms();

    for (;;) {
        ES_TRY(look(g, step, v));
        if (v->state == MIGRATE_OK)
            return ENTRASQL_OK;
        if (es_clock_mono_ms() - began >= g->m->how.settle_ms)
            break;
        ES_TRY(
            migrate_wait(g->m, step->title, "not to be seen yet", began, SETTLE_STEP_MS, g->err));
    }
    const char *is = es_buf_cstr(&v->is);
    es_fail(g->err, ENTRASQL_TIMEOUT, "it was done, but Azure still shows: %.*s",
            is != NULL ? (int)strcspn(is, "\n") : 0, is != NULL ? is : "");
    es_hint(g->err, "Apply again in some minutes: it goes on here.");
    return ENTRASQL_TIMEOUT;
}

static entrasql_status do_step(const going *g, const migrate_step *step, migrate_view *v)
{
    ES_TRY(begin(g, step));
    tell(g, "%s ...", step->title);
    ES_TRY(step->apply(g->m, g->err));
    ES_TRY(settle(g, step, v));
    ES_TRY(add_event(g, step, MIGRATE_EVENT_DONE, NULL));
    tell_lines(g, &v->is);
    return ENTRASQL_OK;
}

static entrasql_status run_step(const going *g, const migrate_step *step, migrate_view *v)
{
    ES_TRY(migrate_check_stop(g->m, g->err));
    ES_TRY(look(g, step, v));
    switch (v->state) {
    case MIGRATE_OK:
        if (migrate_journal_has(g->m->journal, step->name, MIGRATE_EVENT_BEGIN) &&
            !migrate_journal_has(g->m->journal, step->name, MIGRATE_EVENT_DONE))
            ES_TRY(add_event(g, step, MIGRATE_EVENT_DONE, NULL));
        tell(g, "%s: as it shall be", step->title);
        return ENTRASQL_OK;
    case MIGRATE_MANUAL:
        tell(g, "%s: by hand", step->title);
        tell_lines(g, &v->will);
        return ENTRASQL_OK;
    case MIGRATE_LATER:
        if (g->m->sql_err.status == ENTRASQL_OK)
            return es_fail(g->err, ENTRASQL_INTERNAL,
                           "it cannot be seen, though all before is done");
        *g->err = g->m->sql_err;
        return g->err->status;
    case MIGRATE_TODO:
        break;
    }
    ES_TRY(check_unmoved(g, step, v));
    return do_step(g, step, v);
}

/* ---- forward ---- */

static entrasql_status steps_json(const migrate_plan *p, es_buf *out)
{
    json_writer w;
    json_writer_init(&w, out);
    json_begin_array(&w);
    for (size_t i = 0; i < p->count; i++) {
        json_begin_object(&w);
        json_member_put_string(&w, "name", p->steps[i]->name);
        json_member_put_string(&w, "state", migrate_state_name(p->views[i].state));
        json_name(&w, "is");
        json_put_text(&w, (const char *)p->views[i].is.data, p->views[i].is.len);
        json_end_object(&w);
    }
    json_end_array(&w);
    return json_writer_end(&w);
}

static entrasql_status open_journal(const going *g, const migrate_plan *p, const char *path)
{
    ES_CLEANUP(es_buf_done) es_buf options = ES_BUF_INIT(MIGRATE_TEXT_MAX);
    ES_CLEANUP(es_buf_done) es_buf steps = ES_BUF_INIT(MIGRATE_TEXT_MAX);
    entrasql_status status = migrate_options_print(g->m->o, &options);

    if (status == ENTRASQL_OK)
        status = steps_json(p, &steps);
    ES_TRY(migrate_built(status, g->err));
    const migrate_journal_head head = {
        .tenant = g->m->caller.tenant_id,
        .subscription = g->m->o->subscription,
        .plan = p->hash,
        .options = &options,
        .steps = &steps,
    };
    return migrate_journal_create(path, &head, &g->m->journal, g->err);
}

entrasql_status migrate_journal_check(const migrate_context *m, entrasql_error *err)
{
    if (es_strcaseeq(migrate_journal_head_text(m->journal, "tenant"), m->caller.tenant_id) &&
        es_strcaseeq(migrate_journal_head_text(m->journal, "subscription"), m->o->subscription))
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_INVALID, "the journal %s is of another tenant or subscription",
            migrate_journal_path(m->journal));
    es_hint(err, "Sign in to the tenant of the journal, or name another one with --journal.");
    return ENTRASQL_INVALID;
}

static entrasql_status forward(const going *g)
{
    migrate_view v;
    entrasql_status status = ENTRASQL_OK;

    migrate_view_init(&v);
    for (size_t i = 0; migrate_steps[i] != NULL && status == ENTRASQL_OK; i++) {
        if (!migrate_steps[i]->applies(g->m))
            continue;
        status = run_step(g, migrate_steps[i], &v);
        if (status != ENTRASQL_OK)
            status = failed(g, migrate_steps[i]);
    }
    migrate_view_done(&v);
    return status;
}

/* The rule goes whatever happened; a failure of it must not hide the first one. */
static entrasql_status close_up(const going *g, entrasql_status status)
{
    entrasql_error closing;

    if (migrate_firewall_close(g->m, status == ENTRASQL_OK ? g->err : &closing) == ENTRASQL_OK)
        return status;
    if (status == ENTRASQL_OK)
        return g->err->status;
    tell(g, "%s", closing.message);
    return status;
}

entrasql_status migrate_apply(migrate_context *m, const migrate_plan *p, const char *path,
                              migrate_say *say, void *say_ctx, entrasql_error *err)
{
    const going g = {m, say, say_ctx, err};

    es_error_clear(err);
    if (m->journal == NULL) {
        ES_TRY(migrate_settings_try_keep(m, p->hash, err));
        ES_TRY(open_journal(&g, p, path));
    } else if (!migrate_journal_has(m->journal, "settings", MIGRATE_EVENT_BEGIN)) {
        ES_TRY(migrate_settings_try_keep(m, migrate_journal_head_text(m->journal, "plan"), err));
    }
    ES_TRY(migrate_journal_check(m, err));
    /* A rule that a killed run has left: its address may be another one by now. */
    ES_TRY(migrate_firewall_close(m, err));
    return close_up(&g, forward(&g));
}

/* ---- back ---- */

static entrasql_status undo_step(const going *g, const migrate_step *step)
{
    ES_CLEANUP(es_buf_done) es_buf said = ES_BUF_INIT(SAID_MAX);
    const json_node *detail = migrate_journal_first(g->m->journal, step->name, MIGRATE_EVENT_BEGIN);

    if (detail == NULL)
        return ENTRASQL_OK;
    if (step->undo == NULL)
        return add_event(g, step, MIGRATE_EVENT_UNDONE, NULL);
    ES_TRY(migrate_check_stop(g->m, g->err));
    if (!migrate_journal_has(g->m->journal, step->name, MIGRATE_EVENT_UNDOING))
        ES_TRY(add_event(g, step, MIGRATE_EVENT_UNDOING, NULL));
    tell(g, "%s ...", step->title);
    ES_TRY(step->undo(g->m, detail, &said, g->err));
    tell_lines(g, &said);
    return add_event(g, step, MIGRATE_EVENT_UNDONE, NULL);
}

static bool needs_database(const migrate_context *m)
{
    return migrate_journal_has(m->journal, "user", MIGRATE_EVENT_BEGIN) ||
           migrate_journal_has(m->journal, "developer", MIGRATE_EVENT_BEGIN);
}

entrasql_status migrate_firewall_open(migrate_context *m, migrate_say *say, void *say_ctx,
                                      entrasql_error *err)
{
    const going g = {m, say, say_ctx, err};
    migrate_view v;

    if (m->journal == NULL || !migrate_step_firewall.applies(m))
        return ENTRASQL_OK;
    ES_TRY(migrate_firewall_close(m, err));
    migrate_view_init(&v);
    entrasql_status status = run_step(&g, &migrate_step_firewall, &v);
    migrate_view_done(&v);
    return status;
}

static entrasql_status backward(const going *g)
{
    size_t count = 0;
    entrasql_status status = migrate_see_server(g->m, g->err);

    if (status == ENTRASQL_OK)
        status = migrate_unretire(g->m, g->say, g->say_ctx, g->err);
    if (status == ENTRASQL_OK && needs_database(g->m))
        status = migrate_firewall_open(g->m, g->say, g->say_ctx, g->err);
    while (migrate_steps[count] != NULL)
        count++;
    while (count-- != 0 && status == ENTRASQL_OK) {
        const migrate_step *step = migrate_steps[count];
        if (step == &migrate_step_firewall) /* goes last, in any case */
            continue;
        status = undo_step(g, step);
        if (status != ENTRASQL_OK)
            status = failed(g, step);
    }
    return status;
}

bool migrate_has_to_roll_back(const migrate_context *m)
{
    for (size_t i = 0; migrate_steps[i] != NULL; i++) {
        if (migrate_journal_has(m->journal, migrate_steps[i]->name, MIGRATE_EVENT_BEGIN))
            return true;
    }
    return migrate_journal_has(m->journal, "retire", MIGRATE_EVENT_BEGIN);
}

entrasql_status migrate_rollback(migrate_context *m, migrate_say *say, void *say_ctx,
                                 entrasql_error *err)
{
    const going g = {m, say, say_ctx, err};

    es_error_clear(err);
    ES_TRY(migrate_journal_check(m, err));
    ES_TRY(migrate_firewall_close(m, err));
    return close_up(&g, backward(&g));
}
