/* SPDX-License-Identifier: MIT */
/* entrasql explain: what a number or a word of an error means, from the one catalogue. */
#include "cli/cli.h"

#include "base/catalog.h"
#include "base/str.h"
#include "doctor/cases.h"
#include "json/json.h"

#include <string.h>

#define OUTPUT_MAX_BYTES (512 * 1024)

static const conf_option options[] = {
    {.name = "json", .type = CONF_OPTION_FLAG, .help = "print JSON"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command command = {
    .name = "entrasql explain",
    .summary = "Says what an error means and what to do about it.",
    .positionals = "[WORD ...]",
    .max_positionals = CONF_POSITIONALS_MAX,
    .options = options,
    .notes = "WORD is a number of SQL Server (18456), of Entra (AADSTS700016, with or without\n"
             "the letters), a status of entrasql (TIMEOUT), or a diagnosis of the doctor\n"
             "(no-user). Without a word the whole catalogue is listed.",
};

static const char *const kind_names[ES_CATALOG_KINDS] = {"sql", "aadsts", "status"};

typedef struct output {
    bool json;
    json_writer writer;
    es_buf text;
} output;

/* ---- one entry ---- */

static entrasql_status say(output *o, const char *kind, const char *code, const char *piece,
                           bool passes, const char *cause, const char *hint)
{
    if (o->json) {
        json_begin_object(&o->writer);
        json_member_put_string(&o->writer, "kind", kind);
        json_member_put_string(&o->writer, "code", code);
        json_member_put_string(&o->writer, "messageHolds", piece);
        json_member_put_bool(&o->writer, "passesByItself", passes);
        json_member_put_string(&o->writer, "meaning", cause);
        json_member_put_string(&o->writer, "next", hint);
        json_end_object(&o->writer);
        return o->writer.status;
    }
    ES_TRY(es_buf_printf(&o->text, "%s", code));
    if (piece != NULL)
        ES_TRY(es_buf_printf(&o->text, " \"...%s...\"", piece));
    return es_buf_printf(&o->text, ": %s%s\n    -> %s\n", cause,
                         passes ? " (may pass by itself)" : "", hint);
}

static entrasql_status say_entry(output *o, es_catalog_kind kind, const es_catalog_entry *e)
{
    char code[40];
    if (kind == ES_CATALOG_STATUS)
        es_strlcpy_utf8(code, sizeof code, entrasql_status_name((entrasql_status)e->number));
    else
        (void)snprintf(code, sizeof code, "%s%u", kind == ES_CATALOG_AADSTS ? "AADSTS" : "",
                       (unsigned)e->number);
    return say(o, kind_names[kind], code, e->text, e->passes, e->cause, e->hint);
}

static entrasql_status say_case(output *o, const doctor_case *c)
{
    return say(o, "diagnosis", c->id, NULL, false, c->what, c->fix);
}

static entrasql_status say_number(output *o, es_catalog_kind kind, uint32_t number, bool *found)
{
    size_t count;
    const es_catalog_entry *rows = es_catalog_rows(kind, &count);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].number != number)
            continue;
        *found = true;
        ES_TRY(say_entry(o, kind, &rows[i]));
    }
    return ENTRASQL_OK;
}

/* ---- words ---- */

static bool status_of(const char *word, uint32_t *ret)
{
    for (unsigned i = ENTRASQL_NOMEM; i < ENTRASQL_STATUS_COUNT; i++) {
        if (es_strcaseeq(word, entrasql_status_name((entrasql_status)i))) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static entrasql_status explain(output *o, const char *word, bool *found)
{
    bool letters = es_strncaseeq(word, "AADSTS", 6);
    const char *digits = letters ? word + 6 : word;
    const doctor_case *c = doctor_case_find(word);
    uint64_t number = 0;
    uint32_t status = 0;
    if (es_parse_u64(digits, strlen(digits), UINT32_MAX, &number) == ENTRASQL_OK) {
        if (!letters)
            ES_TRY(say_number(o, ES_CATALOG_SQL, (uint32_t)number, found));
        return say_number(o, ES_CATALOG_AADSTS, (uint32_t)number, found);
    }
    if (c != NULL) {
        *found = true;
        return say_case(o, c);
    }
    return status_of(word, &status) ? say_number(o, ES_CATALOG_STATUS, status, found) : ENTRASQL_OK;
}

static entrasql_status list_all(output *o)
{
    size_t count;
    for (unsigned kind = 0; kind < ES_CATALOG_KINDS; kind++) {
        const es_catalog_entry *rows = es_catalog_rows((es_catalog_kind)kind, &count);
        for (size_t i = 0; i < count; i++)
            ES_TRY(say_entry(o, (es_catalog_kind)kind, &rows[i]));
    }
    const doctor_case *cases = doctor_cases(&count);
    for (size_t i = 0; i < count; i++)
        ES_TRY(say_case(o, &cases[i]));
    return ENTRASQL_OK;
}

static entrasql_status not_known(const char *word, entrasql_error *err)
{
    char shown[80];
    es_printable(shown, sizeof shown, word, strlen(word));
    es_fail(err, ENTRASQL_NOT_FOUND, "'%s' is not in the catalogue", shown);
    es_hint(err, "entrasql explain lists what is; entrasql doctor looks at this machine");
    return ENTRASQL_NOT_FOUND;
}

static entrasql_status explain_all(output *o, const conf_args *args, entrasql_error *err)
{
    if (args->positional_count == 0)
        return list_all(o) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
    for (unsigned i = 0; i < args->positional_count; i++) {
        bool found = false;
        if (explain(o, args->positionals[i], &found) != ENTRASQL_OK)
            return es_nomem(err);
        if (!found)
            return not_known(args->positionals[i], err);
    }
    return ENTRASQL_OK;
}

static entrasql_status print(const cli_terminal *t, output *o, const conf_args *args,
                             entrasql_error *err)
{
    if (o->json) {
        json_writer_init(&o->writer, &o->text);
        json_begin_array(&o->writer);
    }
    ES_TRY(explain_all(o, args, err));
    if (o->json) {
        json_end_array(&o->writer);
        if (json_writer_end(&o->writer) != ENTRASQL_OK || es_buf_u8(&o->text, '\n') != ENTRASQL_OK)
            return es_nomem(err);
    }
    return cli_write(t, &o->text, err);
}

int cli_explain(const cli_terminal *t, int argc, char **argv)
{
    conf_args args;
    entrasql_error err;
    int exit_code = 0;
    if (!cli_parse(t, &command, argc, argv, &args, &exit_code))
        return exit_code;
    output o = {.json = conf_args_flag(&args, "json")};
    es_buf_init(&o.text, OUTPUT_MAX_BYTES);
    entrasql_status status = print(t, &o, &args, &err);
    es_buf_done(&o.text);
    return status == ENTRASQL_OK ? 0 : cli_report(t, &err);
}
