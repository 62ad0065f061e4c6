/* SPDX-License-Identifier: MIT */
/* Environment variables as text. */
#include "env_format.h"

#include "base/mem.h"
#include "base/str.h"
#include "json/json.h"

#include <string.h>

entrasql_status emulator_env_format_parse(const char *s, emulator_env_format *ret,
                                          entrasql_error *err)
{
    static const struct {
        const char *name;
        emulator_env_format format;
    } rows[] = {
        {"sh", EMULATOR_ENV_SH},
        {"fish", EMULATOR_ENV_FISH},
        {"powershell", EMULATOR_ENV_POWERSHELL},
        {"dotenv", EMULATOR_ENV_DOTENV},
        {"json", EMULATOR_ENV_JSON},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        if (es_streq(s, rows[i].name)) {
            *ret = rows[i].format;
            return ENTRASQL_OK;
        }
    }
    return es_fail(err, ENTRASQL_INVALID,
                   "the format must be sh, fish, powershell, dotenv or json");
}

entrasql_status emulator_variable_set(emulator_variables *v, const char *name, const char *value)
{
    size_t i = 0;
    while (i < v->count && !es_streq(v->items[i].name, name))
        i++;
    if (i == EMULATOR_ENV_MAX_VARIABLES)
        return ENTRASQL_LIMIT;
    char *copy = es_strdup(value);
    if (copy == NULL && value != NULL)
        return ENTRASQL_NOMEM;
    if (i == v->count) {
        v->items[i].name = es_strdup(name);
        if (v->items[i].name == NULL) {
            es_free_wipe_str(copy);
            return ENTRASQL_NOMEM;
        }
        v->count++;
    } else {
        es_free_wipe_str(v->items[i].value);
    }
    v->items[i].value = copy;
    return ENTRASQL_OK;
}

void emulator_variables_done(emulator_variables *v)
{
    for (size_t i = 0; i < v->count; i++) {
        es_free(v->items[i].name);
        es_free_wipe_str(v->items[i].value);
    }
    v->count = 0;
}

/* The text in quotes, each character of `special` replaced by what belongs to it. */
static entrasql_status add_quoted(es_buf *out, const char *quote, const char *text, char special,
                                  const char *replacement, char special2, const char *replacement2)
{
    ES_TRY(es_buf_add_str(out, quote));
    for (; *text != 0; text++) {
        if (*text == special)
            ES_TRY(es_buf_add_str(out, replacement));
        else if (special2 != 0 && *text == special2)
            ES_TRY(es_buf_add_str(out, replacement2));
        else
            ES_TRY(es_buf_add(out, text, 1));
    }
    return es_buf_add_str(out, quote);
}

static entrasql_status print_sh(const emulator_variable *v, es_buf *out)
{
    if (v->value == NULL)
        return es_buf_printf(out, "unset %s\n", v->name);
    ES_TRY(es_buf_printf(out, "export %s=", v->name));
    ES_TRY(add_quoted(out, "'", v->value, '\'', "'\\''", 0, NULL));
    return es_buf_add_str(out, "\n");
}

static entrasql_status print_fish(const emulator_variable *v, es_buf *out)
{
    if (v->value == NULL)
        return es_buf_printf(out, "set -e %s;\n", v->name);
    ES_TRY(es_buf_printf(out, "set -gx %s ", v->name));
    ES_TRY(add_quoted(out, "'", v->value, '\'', "\\'", '\\', "\\\\"));
    return es_buf_add_str(out, ";\n");
}

static entrasql_status print_powershell(const emulator_variable *v, es_buf *out)
{
    if (v->value == NULL)
        return es_buf_printf(out, "Remove-Item Env:%s -ErrorAction SilentlyContinue\n", v->name);
    ES_TRY(es_buf_printf(out, "$env:%s = ", v->name));
    ES_TRY(add_quoted(out, "'", v->value, '\'', "''", 0, NULL));
    return es_buf_add_str(out, "\n");
}

static entrasql_status print_dotenv(const emulator_variable *v, es_buf *out)
{
    if (v->value == NULL)
        return ENTRASQL_OK;
    ES_TRY(es_buf_printf(out, "%s=", v->name));
    /* Readers agree on single quotes as long as there is none inside. */
    if (strchr(v->value, '\'') == NULL)
        ES_TRY(add_quoted(out, "'", v->value, '\'', "", 0, NULL));
    else
        ES_TRY(add_quoted(out, "\"", v->value, '"', "\\\"", '\\', "\\\\"));
    return es_buf_add_str(out, "\n");
}

static entrasql_status print_json(const emulator_variables *v, es_buf *out)
{
    json_writer j;
    json_writer_init(&j, out);
    json_begin_object(&j);
    for (size_t i = 0; i < v->count; i++)
        json_member_put_string(&j, v->items[i].name, v->items[i].value);
    json_end_object(&j);
    ES_TRY(json_writer_end(&j));
    return es_buf_add_str(out, "\n");
}

static entrasql_status print_one(const emulator_variable *v, emulator_env_format format,
                                 es_buf *out)
{
    switch (format) {
    case EMULATOR_ENV_SH:
        return print_sh(v, out);
    case EMULATOR_ENV_FISH:
        return print_fish(v, out);
    case EMULATOR_ENV_POWERSHELL:
        return print_powershell(v, out);
    case EMULATOR_ENV_DOTENV:
        return print_dotenv(v, out);
    case EMULATOR_ENV_JSON:
        break;
    }
    return ENTRASQL_INTERNAL;
}

/* What a shell would not take for a name, it could take for a command. */
static bool is_shell_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return *name != '\0' && !es_is_digit(*name) && strspn(name, letters) == strlen(name);
}

entrasql_status emulator_variables_print(const emulator_variables *v, emulator_env_format format,
                                         es_buf *out)
{
    if (format == EMULATOR_ENV_JSON)
        return print_json(v, out);
    for (size_t i = 0; i < v->count; i++) {
        if (is_shell_name(v->items[i].name))
            ES_TRY(print_one(&v->items[i], format, out));
    }
    return ENTRASQL_OK;
}
