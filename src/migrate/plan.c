/* SPDX-License-Identifier: MIT */
/* The plan: every step looked at, its hash, and how it is shown. */
#include "migrate/plan.h"

#include "azure/rights.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"

#include <stdio.h>
#include <string.h>

const migrate_step *const migrate_steps[] = {
    &migrate_step_admin,
    &migrate_step_firewall,
    &migrate_step_identity,
    &migrate_step_assign,
    &migrate_step_federate,
    &migrate_step_kubelet,
    &migrate_step_user,
    &migrate_step_developer,
    &migrate_step_settings,
    &migrate_step_restart,
    NULL,
};

const char *migrate_state_name(migrate_state state)
{
    static const char *const names[] = {"done", "to do", "later", "by hand"};
    return names[state];
}

void migrate_view_init(migrate_view *v)
{
    *v = (migrate_view){
        .is = ES_BUF_INIT(MIGRATE_TEXT_MAX),
        .will = ES_BUF_INIT(MIGRATE_TEXT_MAX),
        .lost = ES_BUF_INIT(MIGRATE_TEXT_MAX),
    };
}

void migrate_view_done(migrate_view *v)
{
    es_buf_done(&v->is);
    es_buf_done(&v->will);
    es_buf_done(&v->lost);
}

void migrate_plan_done(migrate_plan *p)
{
    for (size_t i = 0; i < p->count; i++)
        migrate_view_done(&p->views[i]);
    p->count = 0;
}

/* ---- making ---- */

static entrasql_status add_part(es_buf *text, const es_buf *part)
{
    ES_TRY(es_buf_add(text, part->data, part->len));
    return es_buf_u8(text, '\0');
}

/* Over what was asked for and all that was seen: another state is another plan. */
static entrasql_status hash(const migrate_context *m, migrate_plan *p, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(4 * MIGRATE_TEXT_MAX);
    uint8_t digest[CRYPTO_SHA256_SIZE];

    entrasql_status status = es_buf_printf(&text, "%s\n", m->caller.tenant_id);
    if (status == ENTRASQL_OK)
        status = migrate_options_print(m->o, &text);
    for (size_t i = 0; i < p->count && status == ENTRASQL_OK; i++) {
        status = es_buf_printf(&text, "%s %d", p->steps[i]->name, (int)p->views[i].state);
        if (status == ENTRASQL_OK)
            status = add_part(&text, &p->views[i].is);
        if (status == ENTRASQL_OK)
            status = add_part(&text, &p->views[i].will);
    }
    ES_TRY(migrate_built(status, err));
    ES_TRY(migrate_built(crypto_sha256(text.data, text.len, digest), err));
    for (size_t i = 0; i < (MIGRATE_HASH_SIZE - 1) / 2; i++)
        (void)snprintf(p->hash + 2 * i, 3, "%02x", digest[i]);
    return ENTRASQL_OK;
}

entrasql_status migrate_plan_make(migrate_context *m, migrate_plan *ret, entrasql_error *err)
{
    *ret = (migrate_plan){0};
    for (size_t i = 0; migrate_steps[i] != NULL; i++) {
        const migrate_step *step = migrate_steps[i];
        if (!step->applies(m))
            continue;
        ES_TRY(migrate_check_stop(m, err));
        migrate_view *v = &ret->views[ret->count];
        migrate_view_init(v);
        ret->steps[ret->count++] = step;
        ES_TRY(step->look(m, v, err));
        ret->todo += v->state == MIGRATE_TODO || v->state == MIGRATE_LATER;
    }
    return hash(m, ret, err);
}

/* ---- showing ---- */

static entrasql_status add_lines(es_buf *out, const char *word, const es_buf *lines)
{
    const char *p = (const char *)lines->data;
    size_t left = lines->len;

    while (left != 0) {
        const char *end = memchr(p, '\n', left);
        size_t n = end != NULL ? (size_t)(end - p) : left;
        ES_TRY(es_buf_printf(out, "    %-9s %.*s\n", word, (int)n, p));
        word = "";
        left -= end != NULL ? n + 1 : n;
        p += end != NULL ? n + 1 : n;
    }
    return ENTRASQL_OK;
}

static entrasql_status needs_text(const migrate_context *m, const migrate_step *step, es_buf *out)
{
    const azure_need *lists[4] = {NULL};
    size_t count = step->needs != NULL ? step->needs(m, lists) : 0;
    const char *word = "needs";

    for (size_t i = 0; i < count; i++) {
        for (const azure_need *n = lists[i]; n != NULL && n->action != NULL; n++) {
            const azure_right *right = azure_right_find(n->action);
            ES_TRY(es_buf_printf(out, "    %-9s %s (%s)\n", word, n->action,
                                 right != NULL ? right->role : "Contributor"));
            word = "";
        }
    }
    if (step->sql_needs == NULL)
        return ENTRASQL_OK;
    return es_buf_printf(out, "    %-9s in the database: %s\n", word, step->sql_needs);
}

static entrasql_status step_text(const migrate_context *m, const migrate_step *step,
                                 const migrate_view *v, es_buf *out)
{
    ES_TRY(es_buf_printf(out, "[%s] %s\n", migrate_state_name(v->state), step->title));
    ES_TRY(add_lines(out, "is", &v->is));
    if (v->state == MIGRATE_OK)
        return ENTRASQL_OK;
    ES_TRY(add_lines(out, "will be", &v->will));
    ES_TRY(add_lines(out, "lost", &v->lost));
    return needs_text(m, step, out);
}

entrasql_status migrate_plan_text(const migrate_context *m, const migrate_plan *p, es_buf *out)
{
    char title[512];

    azure_host_title(&m->host, title, sizeof title);
    ES_TRY(migrate_line(out, "%s to database %s on server %s, with %s", title, m->o->database,
                        m->o->sql_server,
                        m->o->system_identity ? "its system-assigned identity" : m->o->identity));
    for (size_t i = 0; i < p->count; i++)
        ES_TRY(step_text(m, p->steps[i], &p->views[i], out));
    if (p->todo == 0)
        ES_TRY(es_buf_add_str(out, "nothing to do\n"));
    return es_buf_printf(out, "plan %s\n", p->hash);
}

static void put_lines(json_writer *w, const char *name, const es_buf *lines)
{
    const char *p = (const char *)lines->data;
    size_t left = lines->len;

    json_name(w, name);
    json_begin_array(w);
    while (left != 0) {
        const char *end = memchr(p, '\n', left);
        size_t n = end != NULL ? (size_t)(end - p) : left;
        json_put_text(w, p, n);
        left -= end != NULL ? n + 1 : n;
        p += end != NULL ? n + 1 : n;
    }
    json_end_array(w);
}

static void put_needs(const migrate_context *m, const migrate_step *step, json_writer *w)
{
    const azure_need *lists[4] = {NULL};
    size_t count = step->needs != NULL ? step->needs(m, lists) : 0;

    json_name(w, "needs");
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        for (const azure_need *n = lists[i]; n != NULL && n->action != NULL; n++) {
            const azure_right *right = azure_right_find(n->action);
            json_begin_object(w);
            json_member_put_string(w, "action", n->action);
            json_member_put_string(w, "role", right != NULL ? right->role : "Contributor");
            json_member_put_string(w, "why", n->why);
            json_end_object(w);
        }
    }
    json_end_array(w);
    json_member_put_string(w, "databaseNeeds", step->sql_needs);
}

entrasql_status migrate_plan_json(const migrate_context *m, const migrate_plan *p, es_buf *out)
{
    json_writer w;

    json_writer_init(&w, out);
    json_begin_object(&w);
    json_member_put_string(&w, "plan", p->hash);
    json_member_put_i64(&w, "todo", (int64_t)p->todo);
    json_name(&w, "steps");
    json_begin_array(&w);
    for (size_t i = 0; i < p->count; i++) {
        json_begin_object(&w);
        json_member_put_string(&w, "name", p->steps[i]->name);
        json_member_put_string(&w, "title", p->steps[i]->title);
        json_member_put_string(&w, "state", migrate_state_name(p->views[i].state));
        put_lines(&w, "is", &p->views[i].is);
        put_lines(&w, "will", &p->views[i].will);
        put_lines(&w, "lost", &p->views[i].lost);
        put_needs(m, p->steps[i], &w);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
    ES_TRY(json_writer_end(&w));
    return es_buf_u8(out, '\n');
}

entrasql_status migrate_plan_script(migrate_context *m, const migrate_plan *p, es_buf *out,
                                    entrasql_error *err)
{
    for (size_t i = 0; i < p->count; i++) {
        const migrate_step *step = p->steps[i];
        if (step->script == NULL || p->views[i].state == MIGRATE_OK)
            continue;
        ES_TRY(migrate_built(es_buf_printf(out, "# %s\n", step->title), err));
        ES_TRY(step->script(m, out, err));
    }
    return ENTRASQL_OK;
}
