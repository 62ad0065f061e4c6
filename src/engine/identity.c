/* SPDX-License-Identifier: MIT */
/*
 * Identity counters. The count itself lives in the server's memory, so that
 * values that were given out are not given again after a rollback; what is
 * written into the database goes with the transaction and serves the next
 * start of the server.
 */
#include "engine/internal.h"

#include "base/mem.h"

/* Under the server's lock. NULL: no memory. */
static engine_counter *find(engine_database *d, int32_t object)
{
    for (size_t i = 0; i < d->counter_count; i++) {
        if (d->counters[i].object == object)
            return &d->counters[i];
    }
    return NULL;
}

static engine_counter *add(engine_database *d, engine_counter counter)
{
    engine_counter *found = find(d, counter.object);
    if (found != NULL)
        return found;
    engine_counter *grown = es_reallocarray(d->counters, d->counter_count + 1, sizeof *grown);
    if (grown == NULL)
        return NULL;
    d->counters = grown;
    grown[d->counter_count] = counter;
    return &grown[d->counter_count++];
}

/* The counter as the database has it, for the first use after a start. */
static entrasql_status read_stored(engine_session *s, int32_t object, engine_counter *ret,
                                   entrasql_error *err)
{
    int64_t rows = 0;
    *ret = (engine_counter){.object = object};
    if (object < 0) /* a temporary table */
        return ENTRASQL_OK;
    ES_TRY(engine_db_int(s->db, err, &rows,
                         "SELECT count(*) FROM es_identity WHERE object = ?1 AND last IS NOT NULL",
                         "i", (int64_t)object));
    if (rows == 0)
        return ENTRASQL_OK;
    ret->started = true;
    return engine_db_int(s->db, err, &ret->last, "SELECT last FROM es_identity WHERE object = ?1",
                         "i", (int64_t)object);
}

/* Makes sure that the counter is in memory. */
static entrasql_status bring_in(engine_session *s, int32_t object, entrasql_error *err)
{
    pthread_mutex_lock(&s->server->lock);
    bool there = find(s->database, object) != NULL;
    pthread_mutex_unlock(&s->server->lock);
    if (there)
        return ENTRASQL_OK;
    engine_counter counter;
    ES_TRY(read_stored(s, object, &counter, err));
    pthread_mutex_lock(&s->server->lock);
    there = add(s->database, counter) != NULL;
    pthread_mutex_unlock(&s->server->lock);
    return there ? ENTRASQL_OK : es_nomem(err);
}

/* False when the next value does not fit int64. */
static bool advance(engine_counter *c, const engine_table_column *column)
{
    int64_t next = column->seed;
    if (c->started && __builtin_add_overflow(c->last, column->increment, &next))
        return false;
    c->started = true;
    c->last = next;
    return true;
}

entrasql_status engine_identity_next(engine_session *s, const engine_object *table, int64_t *ret,
                                     entrasql_error *err)
{
    const engine_table_column *column = engine_object_identity(table);
    ES_TRY(bring_in(s, table->id, err));
    pthread_mutex_lock(&s->server->lock);
    engine_counter *c = find(s->database, table->id);
    bool fits = advance(c, column);
    *ret = c->last;
    pthread_mutex_unlock(&s->server->lock);
    if (fits)
        return ENTRASQL_OK;
    return engine_error(err, 8115, 1,
                        "Arithmetic overflow error converting IDENTITY to data type %s.",
                        sqltype_name(column->type.id));
}

entrasql_status engine_identity_seen(engine_session *s, const engine_object *table, int64_t value,
                                     entrasql_error *err)
{
    const engine_table_column *column = engine_object_identity(table);
    ES_TRY(bring_in(s, table->id, err));
    pthread_mutex_lock(&s->server->lock);
    engine_counter *c = find(s->database, table->id);
    int64_t last = c->started ? c->last : column->seed;
    bool ahead = column->increment >= 0 ? value >= last : value <= last;
    if (ahead) {
        c->started = true;
        c->last = value;
    }
    pthread_mutex_unlock(&s->server->lock);
    return ENTRASQL_OK;
}

entrasql_status engine_identity_save(engine_session *s, const engine_object *table,
                                     entrasql_error *err)
{
    int64_t last;
    if (table->id < 0 || !engine_identity_current(s, table, &last))
        return ENTRASQL_OK;
    return engine_db_run(s->db, err,
                         "INSERT INTO es_identity VALUES(?1, ?2)"
                         " ON CONFLICT(object) DO UPDATE SET last = excluded.last",
                         "ii", (int64_t)table->id, last);
}

entrasql_status engine_identity_reset(engine_session *s, const engine_object *table,
                                      entrasql_error *err)
{
    ES_TRY(bring_in(s, table->id, err));
    pthread_mutex_lock(&s->server->lock);
    find(s->database, table->id)->started = false;
    pthread_mutex_unlock(&s->server->lock);
    return engine_db_run(s->db, err, "DELETE FROM es_identity WHERE object = ?1", "i",
                         (int64_t)table->id);
}

entrasql_status engine_identity_set(engine_session *s, const engine_object *table, bool started,
                                    int64_t value, entrasql_error *err)
{
    int64_t last = value;
    if (!started && __builtin_sub_overflow(value, engine_object_identity(table)->increment, &last))
        return engine_error(err, 8115, 1,
                            "Arithmetic overflow error converting IDENTITY to data type %s.",
                            sqltype_name(engine_object_identity(table)->type.id));
    ES_TRY(bring_in(s, table->id, err));
    pthread_mutex_lock(&s->server->lock);
    engine_counter *c = find(s->database, table->id);
    c->started = true;
    c->last = last;
    pthread_mutex_unlock(&s->server->lock);
    return ENTRASQL_OK;
}

void engine_identity_forget(engine_session *s, int32_t object)
{
    engine_database *d = s->database;
    pthread_mutex_lock(&s->server->lock);
    engine_counter *c = find(d, object);
    if (c != NULL)
        *c = d->counters[--d->counter_count];
    pthread_mutex_unlock(&s->server->lock);
}

bool engine_identity_current(engine_session *s, const engine_object *table, int64_t *ret)
{
    if (bring_in(s, table->id, NULL) != ENTRASQL_OK)
        return false;
    pthread_mutex_lock(&s->server->lock);
    const engine_counter *c = find(s->database, table->id);
    bool started = c->started;
    if (started)
        *ret = c->last;
    pthread_mutex_unlock(&s->server->lock);
    return started;
}
