/* SPDX-License-Identifier: MIT */
/* sp_rename, sp_getapplock, sp_releaseapplock. */
#include "engine/procs_admin.h"

#include "base/mem.h"
#include "base/str.h"
#include "engine/applock.h"
#include "engine/output.h"
#include "engine/permission.h"
#include "engine/run.h"
#include "engine/texts.h"
#include "engine/tran.h"
#include "sqltype/collation.h"

#include <string.h>

static entrasql_status missing(const engine_procedure_call *call, const char *name,
                               entrasql_error *err)
{
    return engine_error(err, 201, 4,
                        "Procedure or function '%s' expects parameter '%s', which was not "
                        "supplied.",
                        call->name, name);
}

/* ---- sp_rename ---- */

static entrasql_status not_found(const engine_session *s, const char *name, const char *type,
                                 entrasql_error *err)
{
    return engine_error(err, 15225, 1,
                        "No item by the name of '%s' could be found in the current database '%s', "
                        "given that @itemtype was input as '%s'.",
                        name, s->database->name, type != NULL ? type : "(null)");
}

static entrasql_status taken(const char *name, const char *what, entrasql_error *err)
{
    return engine_error(err, 15335, 1,
                        "Error: The new name '%s' is already in use as a %s name and would cause a "
                        "duplicate that is not permitted.",
                        name, what);
}

static bool is_word(char c)
{
    char lower = es_ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '@' ||
           c == '#' || c == '$' || (unsigned char)c >= 0x80;
}

/* Whether a stored text names the column. */
static bool names_column(const char *text, const char *column)
{
    size_t n = strlen(column);
    for (const char *p = text; p != NULL && (p = strcasestr(p, column)) != NULL; p++) {
        if ((p == text || !is_word(p[-1])) && !is_word(p[n]))
            return true;
    }
    return false;
}

static bool is_depended_on(const engine_session *s, const engine_object *o, const char *column)
{
    for (size_t i = 0; i < o->column_count; i++) {
        if (names_column(o->columns[i].computed, column))
            return true;
    }
    for (size_t i = 0; i < s->catalog->object_count; i++) {
        const engine_object *check = &s->catalog->objects[i];
        if (check->parent == o->id && check->type == ENGINE_OBJECT_CHECK &&
            names_column(check->definition, column))
            return true;
    }
    return false;
}

static entrasql_status rename_column(engine_session *s, const tsql_object *name,
                                     const char *new_name, const char *text, entrasql_error *err)
{
    tsql_object table = {.name = name->schema, .schema = name->database, .database = name->server};
    const engine_object *o;
    ES_TRY(engine_find_object(s, &table, &o, err));
    const engine_table_column *column = o != NULL && o->id > 0 && engine_may_object(s, "ALTER", o)
                                            ? engine_object_column(o, name->name.text)
                                            : NULL;
    if (column == NULL)
        return engine_error(err, 15248, 1,
                            "Either the parameter @objname is ambiguous or the claimed @objtype "
                            "(COLUMN) is wrong.");
    const engine_table_column *other = engine_object_column(o, new_name);
    if (other != NULL && other != column)
        return taken(new_name, "COLUMN", err);
    if (is_depended_on(s, o, column->name))
        return engine_error(err, 15336, 1,
                            "Object '%s' cannot be renamed because the object participates in "
                            "enforced dependencies.",
                            text);
    engine_table_column renamed = *column;
    renamed.name = es_strdup(new_name);
    entrasql_status status = renamed.name != NULL
                                 ? engine_catalog_set_column(s->db, o->id, &renamed, err)
                                 : es_nomem(err);
    es_free(renamed.name);
    return status;
}

/* Name is "table.index". */
static entrasql_status rename_index(engine_session *s, const tsql_object *name,
                                    const char *new_name, const char *text, entrasql_error *err)
{
    tsql_object table = {.name = name->schema, .schema = name->database, .database = name->server};
    const engine_object *o;
    const engine_index *found = NULL;
    ES_TRY(engine_find_object(s, &table, &o, err));
    for (size_t i = 0; o != NULL && i < o->index_count; i++) {
        if (sqlcollation_equal_names(o->indexes[i].name, new_name))
            return taken(new_name, "INDEX", err);
        if (sqlcollation_equal_names(o->indexes[i].name, name->name.text))
            found = &o->indexes[i];
    }
    if (found == NULL || o->id < 0 || !engine_may_object(s, "ALTER", o))
        return not_found(s, text, "INDEX", err);
    if (found->constraint != 0)
        ES_TRY(engine_catalog_rename_object(s->db, found->constraint, new_name, err));
    return engine_catalog_rename_index(s->db, o->id, found->id, new_name, err);
}

static entrasql_status rename_object(engine_session *s, const tsql_object *name,
                                     const char *new_name, const char *text, const char *type,
                                     entrasql_error *err)
{
    const engine_object *o;
    ES_TRY(engine_find_object(s, name, &o, err));
    const engine_object *guarded =
        o != NULL && o->parent != 0 ? engine_catalog_object_by_id(s->catalog, o->parent) : o;
    if (o == NULL || o->id < 0 || guarded == NULL || !engine_may_object(s, "ALTER", guarded))
        return not_found(s, text, type, err);
    const engine_object *other = engine_catalog_object(s->catalog, o->schema, new_name);
    if (other != NULL && other != o)
        return taken(new_name, "OBJECT", err);
    /* The index of a key bears its name. */
    for (size_t i = 0; i < guarded->index_count; i++) {
        if (guarded->indexes[i].constraint == o->id)
            ES_TRY(engine_catalog_rename_index(s->db, guarded->id, guarded->indexes[i].id, new_name,
                                               err));
    }
    return engine_catalog_rename_object(s->db, o->id, new_name, err);
}

/* Without @objtype a name that no object has may be a table's column, index or key. */
static const char *type_of(engine_session *s, const tsql_object *name)
{
    tsql_object table = {.name = name->schema, .schema = name->database, .database = name->server};
    const engine_object *o = NULL;
    if (name->schema.text == NULL)
        return NULL;
    if (name->server.text == NULL && engine_find_object(s, name, &o, NULL) == ENTRASQL_OK &&
        o != NULL)
        return NULL;
    if (engine_find_object(s, &table, &o, NULL) != ENTRASQL_OK || o == NULL)
        return NULL;
    if (engine_object_column(o, name->name.text) != NULL)
        return "COLUMN";
    for (size_t i = 0; i < o->index_count; i++) {
        if (sqlcollation_equal_names(o->indexes[i].name, name->name.text))
            return "INDEX";
    }
    return NULL;
}

static entrasql_status rename(engine_session *s, const engine_texts *t, entrasql_error *err)
{
    tsql_batch *batch = NULL;
    const tsql_object *name = NULL;
    const char *type = t->items[2];
    ES_TRY(tsql_parse_object(t->items[0], strlen(t->items[0]), &batch, &name, err));
    entrasql_status status;
    if (type == NULL)
        type = type_of(s, name);
    if (type != NULL && es_strcaseeq(type, "COLUMN"))
        status = rename_column(s, name, t->items[1], t->items[0], err);
    else if (type != NULL && es_strcaseeq(type, "INDEX"))
        status = rename_index(s, name, t->items[1], t->items[0], err);
    else if (type == NULL || es_strcaseeq(type, "OBJECT"))
        status = rename_object(s, name, t->items[1], t->items[0], type, err);
    else
        status =
            engine_error(err, 15249, 1, "Error: Explicit @objtype '%s' is unrecognized.", type);
    tsql_batch_free(batch);
    return status;
}

entrasql_status engine_sp_rename(engine_session *s, engine_procedure_call *call,
                                 entrasql_error *err)
{
    static const char *const names[] = {"@objname", "@newname", "@objtype"};
    ES_CLEANUP(engine_texts_done) engine_texts t = {0};
    engine_unit unit;
    ES_TRY(engine_texts_read(call, names, ES_COUNT_OF(names), &t, err));
    if (t.items[0] == NULL || t.items[1] == NULL)
        return missing(call, t.items[0] == NULL ? "@objname" : "@newname", err);
    ES_TRY(engine_unit_begin(s, true, true, &unit, err));
    entrasql_status status = rename(s, &t, err);
    ES_TRY(engine_unit_end(s, &unit, status, err));
    return engine_output_info(s, 15477, 1, 1,
                              "Caution: Changing any part of an object name could break scripts "
                              "and stored procedures.");
}

/* ---- application locks ---- */

static bool is_transaction(const engine_texts *t, size_t place)
{
    return t->items[place] == NULL || es_strcaseeq(t->items[place], "Transaction");
}

entrasql_status engine_sp_getapplock(engine_session *s, engine_procedure_call *call,
                                     entrasql_error *err)
{
    static const char *const names[] = {"@Resource", "@LockMode", "@LockOwner", "@LockTimeout",
                                        "@DbPrincipal"};
    ES_CLEANUP(engine_texts_done) engine_texts t = {0};
    int64_t timeout = s->set.lock_timeout_ms;
    ES_TRY(engine_texts_read(call, names, ES_COUNT_OF(names), &t, err));
    const char *mode = t.items[1];
    bool shared =
        mode != NULL && (es_strcaseeq(mode, "Shared") || es_strcaseeq(mode, "IntentShared"));
    bool known = shared || (mode != NULL &&
                            (es_strcaseeq(mode, "Exclusive") || es_strcaseeq(mode, "Update") ||
                             es_strcaseeq(mode, "IntentExclusive")));
    bool by_transaction = is_transaction(&t, 2);
    bool bad_timeout =
        t.items[3] != NULL && es_parse_i64(t.items[3], strlen(t.items[3]), &timeout) != ENTRASQL_OK;
    call->return_status = ENGINE_APPLOCK_INVALID;
    if (t.items[0] == NULL || !known || bad_timeout ||
        (!by_transaction && !es_strcaseeq(t.items[2], "Session")) ||
        (by_transaction && s->tran.count == 0))
        return ENTRASQL_OK;
    call->return_status = engine_applock_get(s, t.items[0], !shared, by_transaction, timeout);
    return ENTRASQL_OK;
}

entrasql_status engine_sp_releaseapplock(engine_session *s, engine_procedure_call *call,
                                         entrasql_error *err)
{
    static const char *const names[] = {"@Resource", "@LockOwner", "@DbPrincipal"};
    ES_CLEANUP(engine_texts_done) engine_texts t = {0};
    ES_TRY(engine_texts_read(call, names, ES_COUNT_OF(names), &t, err));
    call->return_status = 0;
    if (t.items[0] != NULL && engine_applock_release(s, t.items[0], is_transaction(&t, 1)))
        return ENTRASQL_OK;
    call->return_status = ENGINE_APPLOCK_INVALID;
    return engine_error(err, 1223, 1,
                        "Cannot release the application lock (Database Principal: 'public', "
                        "Resource: '%s') because it is not currently held.",
                        t.items[0] != NULL ? t.items[0] : "");
}
