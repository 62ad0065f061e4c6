/* SPDX-License-Identifier: MIT */
/* SET and USE. */
#include "engine/run.h"

#include "base/str.h"
#include "engine/output.h"
#include "engine/permission.h"
#include "engine/tran.h"
#include "sqltype/collation.h"
#include "sqltype/convert.h"

#include <stddef.h>
#include <stdio.h>

/* Options that change what the engine does, and where they lie. */
static const struct {
    const char *name;
    size_t offset;
} acted_upon[] = {
    {"NOCOUNT", offsetof(engine_settings, nocount)},
    {"XACT_ABORT", offsetof(engine_settings, xact_abort)},
    {"IMPLICIT_TRANSACTIONS", offsetof(engine_settings, implicit_transactions)},
    {"QUOTED_IDENTIFIER", offsetof(engine_settings, quoted_identifier)},
    {"ANSI_NULLS", offsetof(engine_settings, ansi_nulls)},
    {"FMTONLY", offsetof(engine_settings, fmtonly)},
    {"NOEXEC", offsetof(engine_settings, noexec)},
    {"CONCAT_NULL_YIELDS_NULL", offsetof(engine_settings, concat_null_yields_null)},
};

/* Options that drivers set and that have no effect here, or whose other value Azure SQL does not
 * have in practice either. */
static const char *const accepted[] = {
    "ANSI_DEFAULTS", "ANSI_NULL_DFLT_OFF", "ANSI_NULL_DFLT_ON", "ANSI_PADDING",
    "ANSI_WARNINGS", "ARITHABORT",         "ARITHIGNORE",       "CURSOR_CLOSE_ON_COMMIT",
    "FORCEPLAN",     "NUMERIC_ROUNDABORT", "PARSEONLY",         "REMOTE_PROC_TRANSACTIONS",
    "STATISTICS IO", "STATISTICS PROFILE", "STATISTICS TIME",   "STATISTICS XML",
};

static entrasql_status set_one(engine_session *s, const char *name, bool on, entrasql_error *err)
{
    for (size_t i = 0; i < ES_COUNT_OF(acted_upon); i++) {
        if (es_strcaseeq(name, acted_upon[i].name)) {
            *(bool *)((char *)&s->set + acted_upon[i].offset) = on;
            return ENTRASQL_OK;
        }
    }
    for (size_t i = 0; i < ES_COUNT_OF(accepted); i++) {
        if (es_strcaseeq(name, accepted[i]))
            return ENTRASQL_OK;
    }
    if (es_starts_with(name, "SHOWPLAN"))
        return engine_unsupported(err, "SHOWPLAN");
    return engine_error(err, 195, 5, "'%s' is not a recognized SET option.", name);
}

entrasql_status engine_run_set_option(engine_run *run, const tsql_set_option_stmt *stmt)
{
    for (size_t i = 0; i < stmt->options.count; i++)
        ES_TRY(set_one(run->s, stmt->options.items[i].text, stmt->on, run->err));
    return ENTRASQL_OK;
}

/* ---- values ---- */

static entrasql_status set_number(engine_session *s, const char *name, int64_t v,
                                  entrasql_error *err)
{
    if (es_streq(name, "ROWCOUNT") && v >= 0)
        s->set.rowcount = (uint64_t)v;
    else if (es_streq(name, "LOCK_TIMEOUT") && v >= -1)
        s->set.lock_timeout_ms = v;
    else if (es_streq(name, "TEXTSIZE") && v >= -1)
        s->set.text_size = v <= 0 ? INT32_MAX : (int32_t)(v > INT32_MAX ? INT32_MAX : v);
    else if (es_streq(name, "DATEFIRST") && v >= 1 && v <= 7)
        s->set.datefirst = (uint8_t)v;
    else if (!es_streq(name, "QUERY_GOVERNOR_COST_LIMIT"))
        return engine_error(err, 2741, 1, "SET %s value %lld is out of range.", name, (long long)v);
    return ENTRASQL_OK;
}

static entrasql_status set_date_format(engine_session *s, const char *text, entrasql_error *err)
{
    static const struct {
        const char *name;
        sqldate_order order;
    } orders[] = {
        {"mdy", SQLDATE_MDY}, {"dmy", SQLDATE_DMY}, {"ymd", SQLDATE_YMD},
        {"ydm", SQLDATE_YDM}, {"myd", SQLDATE_MYD}, {"dym", SQLDATE_DYM},
    };
    for (size_t i = 0; i < ES_COUNT_OF(orders); i++) {
        if (es_strcaseeq(text, orders[i].name)) {
            s->set.dateformat = orders[i].order;
            return ENTRASQL_OK;
        }
    }
    return engine_error(err, 2741, 1, "SET DATEFORMAT date order '%s' is invalid.", text);
}

static entrasql_status set_language(engine_session *s, const char *text, uint32_t line,
                                    entrasql_error *err)
{
    if (!es_strcaseeq(text, "us_english") && !es_strcaseeq(text, "English"))
        return engine_error(err, 2740, 1,
                            "SET LANGUAGE failed because '%s' is not an official language name or "
                            "a language alias on this SQL Server.",
                            text);
    s->set.dateformat = SQLDATE_MDY;
    s->set.datefirst = 7;
    ES_TRY(engine_output_change(s, ENGINE_CHANGE_LANGUAGE, 0, "us_english", "us_english"));
    return engine_output_info(s, 5703, 1, line, "Changed language setting to us_english.");
}

static entrasql_status set_text(engine_session *s, const char *name, const char *text,
                                uint32_t line, entrasql_error *err)
{
    if (es_streq(name, "DATEFORMAT"))
        return set_date_format(s, text, err);
    if (es_streq(name, "LANGUAGE"))
        return set_language(s, text, line, err);
    if (es_streq(name, "DEADLOCK_PRIORITY"))
        return ENTRASQL_OK;
    return engine_unsupported(err, name);
}

entrasql_status engine_run_set_value(engine_run *run, const tsql_set_value_stmt *stmt)
{
    static const char *const numbers[] = {"ROWCOUNT", "LOCK_TIMEOUT", "TEXTSIZE", "DATEFIRST",
                                          "QUERY_GOVERNOR_COST_LIMIT"};
    const char *name = stmt->option.text;
    bool is_number = false;
    for (size_t i = 0; i < ES_COUNT_OF(numbers); i++)
        is_number = is_number || es_streq(name, numbers[i]);
    ES_CLEANUP(sqlvalue_done) sqlvalue v = sqlvalue_null(sqltype_of(SQLTYPE_UNKNOWN));
    sqltype type =
        is_number ? sqltype_of(SQLTYPE_BIGINT) : sqltype_string(SQLTYPE_NVARCHAR, ENGINE_NAME_MAX);
    ES_TRY(engine_run_value_as(run, stmt->value, type, &v));
    if (v.is_null)
        return engine_error(run->err, 2741, 1, "SET %s does not take NULL.", name);
    if (is_number)
        return set_number(run->s, name, v.u.i, run->err);
    char text[4 * ENGINE_NAME_MAX + 1];
    (void)snprintf(text, sizeof text, "%.*s", (int)v.u.s.len, v.u.s.data);
    return set_text(run->s, name, text, run->stmt->span.line, run->err);
}

static entrasql_status set_identity_insert(engine_session *s,
                                           const tsql_set_identity_insert_stmt *stmt,
                                           entrasql_error *err)
{
    char text[4 * ENGINE_NAME_MAX];
    (void)engine_object_text(&stmt->object, text, sizeof text);
    const engine_object *o = NULL;
    ES_TRY(engine_find_object(s, &stmt->object, &o, err));
    if (o == NULL || o->type != ENGINE_OBJECT_TABLE || !engine_may_object(s, "ALTER", o))
        return engine_error(err, 1088, 11,
                            "Cannot find the object \"%s\" because it does not exist or you do not "
                            "have permissions.",
                            text);
    if (engine_object_identity(o) == NULL)
        return engine_error(err, 8106, 1,
                            "Table '%s' does not have the identity property. Cannot perform SET "
                            "operation.",
                            text);
    if (!stmt->on) {
        if (s->set.identity_insert == o->id)
            s->set.identity_insert = 0;
        return ENTRASQL_OK;
    }
    if (s->set.identity_insert != 0 && s->set.identity_insert != o->id) {
        const engine_object *other =
            engine_catalog_object_by_id(s->catalog, s->set.identity_insert);
        if (other != NULL)
            return engine_error(err, 8107, 1,
                                "IDENTITY_INSERT is already ON for table '%s.dbo.%s'. Cannot "
                                "perform SET operation for table '%s'.",
                                s->database->name, other->name, text);
    }
    s->set.identity_insert = o->id;
    return ENTRASQL_OK;
}

entrasql_status engine_run_set_identity_insert(engine_run *run,
                                               const tsql_set_identity_insert_stmt *stmt)
{
    engine_unit unit;
    ES_TRY(engine_unit_begin(run->s, false, false, &unit, run->err));
    entrasql_status status = set_identity_insert(run->s, stmt, run->err);
    return engine_unit_end(run->s, &unit, status, run->err);
}

entrasql_status engine_run_use(engine_run *run, const tsql_use_stmt *stmt)
{
    engine_session *s = run->s;
    entrasql_error *err = run->err;
    const char *name = s->database->name;
    if (!sqlcollation_equal_names(stmt->database.text, name)) {
        if (engine_server_database(s->server, stmt->database.text) == NULL)
            return engine_error(err, 911, 1,
                                "Database '%s' does not exist. Make sure that the name is entered "
                                "correctly.",
                                stmt->database.text);
        return engine_error(err, 40508, 1,
                            "USE statement is not supported to switch between databases. Use a new "
                            "connection to connect to a different database.");
    }
    char text[64 + 4 * ENGINE_NAME_MAX];
    (void)snprintf(text, sizeof text, "Changed database context to '%s'.", name);
    ES_TRY(engine_output_change(s, ENGINE_CHANGE_DATABASE, 0, name, name));
    return engine_output_info(s, 5701, 1, run->stmt->span.line, text);
}
