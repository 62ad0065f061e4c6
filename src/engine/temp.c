/* SPDX-License-Identifier: MIT */
/* Temporary tables of a session. */
#include "engine/temp.h"

#include "base/mem.h"
#include "sqltype/collation.h"

#include <stdio.h>

static engine_temp *entry_of(const engine_session *s, const engine_object *o)
{
    for (size_t i = 0; i < s->temp_count; i++) {
        if (s->temps[i].object == o)
            return &s->temps[i];
    }
    return NULL;
}

const engine_object *engine_temp_find(engine_session *s, const char *name)
{
    for (size_t i = s->temp_count; i-- > 0;) {
        if (sqlcollation_equal_names(s->temps[i].object->name, name))
            return s->temps[i].object;
    }
    return NULL;
}

bool engine_temp_is(const engine_session *s, const engine_object *o)
{
    if (entry_of(s, o) != NULL)
        return true;
    for (const engine_frame *frame = s->frame; frame != NULL; frame = frame->outer) {
        for (size_t i = 0; i < frame->variable_count; i++) {
            if (frame->variables[i].table == o)
                return true;
        }
    }
    return false;
}

const char *engine_table_name(const engine_session *s, const engine_object *o, char *dst,
                              size_t size)
{
    const engine_temp *temp = entry_of(s, o);
    if (temp != NULL) {
        snprintf(dst, size, "temp.x%d", (int)temp->number);
        return dst;
    }
    for (const engine_frame *frame = s->frame; frame != NULL; frame = frame->outer) {
        for (size_t i = 0; i < frame->variable_count; i++) {
            if (frame->variables[i].table == o) {
                snprintf(dst, size, "temp.x%d", (int)frame->variables[i].table_number);
                return dst;
            }
        }
    }
    snprintf(dst, size, "main.t%d", (int)o->id);
    return dst;
}

entrasql_status engine_temp_add(engine_session *s, engine_object *object, entrasql_error *err)
{
    engine_temp *grown = es_reallocarray(s->temps, s->temp_count + 1, sizeof *grown);
    if (grown == NULL)
        return es_nomem(err);
    s->temps = grown;
    grown[s->temp_count++] =
        (engine_temp){.object = object, .number = ++s->next_temp, .transaction = s->tran.id};
    return ENTRASQL_OK;
}

void engine_object_free(engine_object *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; i < o->column_count; i++) {
        es_free(o->columns[i].name);
        es_free(o->columns[i].computed);
        es_free(o->columns[i].default_text);
        es_free(o->columns[i].collation);
    }
    for (size_t i = 0; i < o->index_count; i++) {
        es_free(o->indexes[i].name);
        es_free(o->indexes[i].filter);
        es_free(o->indexes[i].columns);
    }
    es_free(o->columns);
    es_free(o->indexes);
    es_free(o->name);
    es_free(o->definition);
    es_free(o);
}

/* Takes it off the list; the SQLite table is the caller's. */
static void forget(engine_session *s, engine_temp *temp)
{
    engine_identity_forget(s, temp->object->id);
    engine_object_free(temp->object);
    for (size_t i = (size_t)(temp - s->temps) + 1; i < s->temp_count; i++)
        s->temps[i - 1] = s->temps[i];
    s->temp_count--;
}

entrasql_status engine_temp_drop(engine_session *s, const engine_object *object,
                                 entrasql_error *err)
{
    char sql[64];
    engine_temp *temp = entry_of(s, object);
    if (temp == NULL)
        return ENTRASQL_OK;
    snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS temp.x%d", (int)temp->number);
    ES_TRY(engine_db_exec(s->db, sql, err));
    forget(s, temp);
    return ENTRASQL_OK;
}

void engine_temp_drop_from(engine_session *s, size_t keep)
{
    while (s->temp_count > keep) {
        engine_temp *last = &s->temps[s->temp_count - 1];
        if (engine_temp_drop(s, last->object, NULL) != ENTRASQL_OK)
            forget(s, last);
    }
}

void engine_temp_forget_transaction(engine_session *s, uint64_t transaction)
{
    for (size_t i = s->temp_count; i-- > 0;) {
        if (s->temps[i].transaction == transaction)
            forget(s, &s->temps[i]);
    }
}

void engine_temp_drop_all(engine_session *s)
{
    engine_temp_drop_from(s, 0);
    es_free(s->temps);
    s->temps = NULL;
}
