/* SPDX-License-Identifier: MIT */
#include "migrate/leftover.h"

#include "azure/container_secret.h"
#include "base/mem.h"
#include "base/str.h"
#include "migrate/keep_old.h"

#include <stdio.h>
#include <string.h>

#define STEP "leftover"
#define KIND "secret"

static bool is_unread(const azure_host_state *s, const char *name)
{
    for (size_t i = 0; i < s->unread_count; i++) {
        if (es_strcaseeq(s->unread_secrets[i], name))
            return true;
    }
    return false;
}

bool migrate_has_secret(const migrate_context *m, const char *name)
{
    const azure_host_state *s = &m->host_state;
    for (size_t i = 0; i < s->setting_count; i++) {
        if (s->settings[i].secret != NULL && es_strcaseeq(s->settings[i].secret, name))
            return true;
    }
    return is_unread(s, name);
}

static bool has_name(const migrate_leftovers *l, const char *name)
{
    for (size_t i = 0; i < l->count; i++) {
        if (es_strcaseeq(l->names[i], name))
            return true;
    }
    return false;
}

void migrate_leftovers_find(const migrate_context *m, migrate_leftovers *ret)
{
    const json_node *settings = NULL;

    *ret = (migrate_leftovers){0};
    if (m->journal != NULL)
        settings = json_member(migrate_journal_first(m->journal, "settings", MIGRATE_EVENT_BEGIN),
                               "settings");
    for (size_t i = 0; i < json_count(settings) && ret->count < MIGRATE_LEFTOVERS_MAX; i++) {
        const char *name = NULL;
        if (json_member_string(json_element(settings, i), "secret", &name, NULL) == ENTRASQL_OK &&
            is_unread(&m->host_state, name) && !has_name(ret, name))
            ret->names[ret->count++] = name;
    }
}

static void tell(migrate_say *say, void *say_ctx, const char *fmt, ...) ES_PRINTF(3, 4);
static void tell(migrate_say *say, void *say_ctx, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    if (say == NULL)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    say(say_ctx, text);
}

entrasql_status migrate_leftovers_check(const migrate_context *m, migrate_leftovers *l,
                                        bool discard, migrate_say *say, void *say_ctx,
                                        entrasql_error *err)
{
    for (size_t i = 0; i < l->count; i++)
        tell(say, say_ctx, "the app's secret %s holds the old connection string%s", l->names[i],
             m->host_state.many_revisions
                 ? ", and stays: with several active revisions an older one may use it"
                 : "");
    if (m->host_state.many_revisions)
        l->count = 0;
    if (l->count == 0 || discard || m->keep_old != NULL ||
        migrate_journal_has(m->journal, STEP, MIGRATE_EVENT_BEGIN))
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_INVALID,
            "the app's secret %s holds the old connection string, and nobody said what becomes of "
            "it",
            l->names[0]);
    es_hint(err, "--keep-old FILE keeps it for a rollback (mode 0600); --discard-old gives it up.");
    return ENTRASQL_INVALID;
}

/* ---- taking away ---- */

/* Values into the file, names into the journal's detail. */
static entrasql_status keep(const migrate_context *m, const migrate_leftovers *l, es_buf *detail,
                            entrasql_error *err)
{
    ES_CLEANUP(azure_reply_done) azure_reply secrets = {0};
    ES_CLEANUP(migrate_olds_done) migrate_olds olds = {0};
    json_writer w;

    if (m->keep_old != NULL)
        ES_TRY(azure_container_secrets(m->arm, &m->host, &secrets, err));
    olds.plan = es_strdup(migrate_journal_head_text(m->journal, "plan"));
    if (olds.plan == NULL)
        return es_nomem(err);
    json_writer_init(&w, detail);
    json_begin_object(&w);
    if (m->keep_old != NULL)
        json_member_put_string(&w, "keepOld", m->keep_old);
    json_name(&w, "secrets");
    json_begin_array(&w);
    for (size_t i = 0; i < l->count; i++) {
        size_t n = 0;
        const char *value =
            m->keep_old != NULL ? azure_container_secret_value(&secrets, l->names[i], &n) : NULL;
        json_put_string(&w, l->names[i]);
        if (value != NULL)
            ES_TRY(migrate_olds_add(&olds, KIND, l->names[i], value, NULL, err));
    }
    json_end_array(&w);
    json_end_object(&w);
    ES_TRY(migrate_built(json_writer_end(&w), err));
    return olds.count != 0 ? migrate_olds_write(m->keep_old, &olds, err) : ENTRASQL_OK;
}

entrasql_status migrate_leftovers_remove(migrate_context *m, const migrate_leftovers *l,
                                         migrate_say *say, void *say_ctx, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf detail = ES_BUF_INIT(4096);

    if (l->count == 0)
        return ENTRASQL_OK;
    if (!migrate_journal_has(m->journal, STEP, MIGRATE_EVENT_BEGIN)) {
        ES_TRY(keep(m, l, &detail, err));
        ES_TRY(migrate_journal_add(m->journal, STEP, MIGRATE_EVENT_BEGIN, &detail, err));
    }
    for (size_t i = 0; i < l->count; i++) {
        ES_TRY(azure_container_secret_write(m->arm, &m->host, l->names[i], NULL, err));
        tell(say, say_ctx, "the app's secret %s was removed", l->names[i]);
    }
    return migrate_journal_add(m->journal, STEP, MIGRATE_EVENT_DONE, NULL, err);
}

/* ---- back ---- */

static entrasql_status read_kept(const migrate_context *m, const json_node *detail,
                                 migrate_olds *ret, entrasql_error *err)
{
    const char *file = NULL;

    if (json_member_string(detail, "keepOld", &file, NULL) != ENTRASQL_OK)
        return ENTRASQL_OK;
    return migrate_read_kept(m, file, ret, err);
}

entrasql_status migrate_leftovers_restore(migrate_context *m, migrate_say *say, void *say_ctx,
                                          entrasql_error *err)
{
    ES_CLEANUP(migrate_olds_done) migrate_olds olds = {0};
    const json_node *detail = migrate_journal_first(m->journal, STEP, MIGRATE_EVENT_BEGIN);
    const json_node *list = json_member(detail, "secrets");

    if (detail == NULL)
        return ENTRASQL_OK;
    ES_TRY(read_kept(m, detail, &olds, err));
    ES_TRY(migrate_see_host(m, err));
    for (size_t i = 0; i < json_count(list); i++) {
        const char *name = NULL;
        if (json_node_string(json_element(list, i), &name, NULL) != ENTRASQL_OK ||
            migrate_has_secret(m, name))
            continue;
        const migrate_old *old = migrate_olds_find(&olds, KIND, name);
        if (old == NULL) {
            tell(say, say_ctx, "the app's secret %s was given up: make it again by hand", name);
            continue;
        }
        ES_TRY(azure_container_secret_write(m->arm, &m->host, name, old->value, err));
        tell(say, say_ctx, "the app's secret %s is back", name);
    }
    return migrate_journal_add(m->journal, STEP, MIGRATE_EVENT_UNDONE, NULL, err);
}
