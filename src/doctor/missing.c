/* SPDX-License-Identifier: MIT */
/* No server: what was looked at, and what lies beside it. */
#include "doctor/inner.h"

#include "base/nearest.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_SIZE 100
#define LIST_SIZE 300

extern char **environ;

/* ---- neighbours ---- */

/* As connection strings of SQL Server begin, or what they hold. Nothing of a value is shown. */
bool doctor_looks_like_string(const char *value)
{
    static const char *const starts[] = {"jdbc:sqlserver:", "sqlserver://", "mssql+", "mssql://"};
    static const char *const words[] = {"server=", "data source=", "dsn=", "address=", "addr="};
    size_t length = strnlen(value, CONF_CONNSTR_MAX_BYTES + 1);
    if (length > CONF_CONNSTR_MAX_BYTES)
        return false;
    while (es_is_space(*value) || *value == '"' || *value == '\'')
        value++;
    for (size_t i = 0; i < ES_COUNT_OF(starts); i++) {
        if (es_strncaseeq(value, starts[i], strlen(starts[i])))
            return true;
    }
    /* At the beginning of a pair, and not of a word within one. */
    for (const char *p = value; p != NULL; p = strchr(p, ';')) {
        while (*p == ';' || es_is_space(*p))
            p++;
        for (size_t i = 0; i < ES_COUNT_OF(words); i++) {
            if (es_strncaseeq(p, words[i], strlen(words[i])))
                return true;
        }
    }
    return false;
}

/* The names, and the first of them. */
static size_t find_neighbours(const char *source, char *names, size_t size, char *first,
                              size_t first_size)
{
    size_t count = 0;
    names[0] = first[0] = '\0';
    for (char **p = environ; p != NULL && *p != NULL; p++) {
        size_t n = strcspn(*p, "=");
        size_t at = strlen(names);
        char name[SHOWN_SIZE];
        if ((*p)[n] != '=' || n >= sizeof name || !doctor_looks_like_string(*p + n + 1))
            continue;
        es_printable(name, sizeof name, *p, n);
        if (source != NULL && es_streq(name, source))
            continue;
        if (count++ == 0)
            es_strlcpy_utf8(first, first_size, name);
        if (at + strlen(name) + 3 < size)
            (void)snprintf(names + at, size - at, "%s%s", at != 0 ? ", " : "", name);
    }
    return count;
}

static entrasql_status nothing_to_read(entrasql_error *err)
{
    char names[LIST_SIZE];
    char first[SHOWN_SIZE];
    char word[LIST_SIZE];
    const char *own = getenv(DOCTOR_VARIABLE);
    size_t count = find_neighbours(NULL, names, sizeof names, first, sizeof first);
    es_fail(err, ENTRASQL_CONFIG,
            "no server was named: %s is %s, and there is no -S, --file or --env", DOCTOR_VARIABLE,
            own == NULL ? "not set" : "empty");
    if (count != 0)
        es_hint(err, "%s look%s like a connection string: entrasql doctor --env %s", names,
                count == 1 ? "s" : "", doctor_word(first, word, sizeof word));
    else
        es_hint(err, "no other variable looks like a connection string either. Give one by --env, "
                     "--file or standard input, or the server by -S and -d");
    return ENTRASQL_CONFIG;
}

/* ---- a string without a server ---- */

static entrasql_status no_server_in_string(const doctor *d, entrasql_error *err)
{
    const conf_login *login = d->options->login;
    char meant[64] = "";
    for (size_t i = 0; i < login->own.count && meant[0] == '\0'; i++) {
        const char *keyword = login->own.pairs[i].keyword;
        char shown[SHOWN_SIZE];
        if (doctor_keyword_meant(keyword, login->words, meant, sizeof meant) == NULL ||
            meant[0] == '\0')
            continue;
        es_printable(shown, sizeof shown, keyword, strlen(keyword));
        es_fail(err, ENTRASQL_CONFIG, "no server was named: %s has none", d->options->source);
        es_hint(err, "%s= is a keyword of no driver: did you mean %s=?", shown, meant);
        return ENTRASQL_CONFIG;
    }
    es_fail(err, ENTRASQL_CONFIG, "no server was named: %s has none", d->options->source);
    es_hint(err, "write Server=tcp:<name>.database.windows.net,1433 into it, or give -S and -d");
    return ENTRASQL_CONFIG;
}

/* ---- a data source ---- */

typedef struct search {
    const char *name;
    bool found;
    es_nearest near;
    char nearest[SHOWN_SIZE];
} search;

static void on_section(void *ctx, const char *section)
{
    search *s = ctx;
    const char *before = s->near.word;
    s->found = s->found || es_strcaseeq(section, s->name);
    es_nearest_offer(&s->near, s->name, strlen(s->name), section);
    if (s->near.word != before)
        es_printable(s->nearest, sizeof s->nearest, section, strlen(section));
}

static entrasql_status no_server_in_source(const doctor *d, entrasql_error *err)
{
    char dsn[SHOWN_SIZE];
    char names[LIST_SIZE];
    char places[LIST_SIZE];
    search s = {.name = d->target.dsn};
    es_printable(dsn, sizeof dsn, d->target.dsn, strlen(d->target.dsn));
    glue_ini_sections("odbc.ini", names, sizeof names, on_section, &s);
    glue_ini_places("odbc.ini", places, sizeof places);
    if (s.found) {
        es_fail(err, ENTRASQL_CONFIG, "the data source '%s' names no server", dsn);
        es_hint(err,
                "write Server=host,port into its section (%s), or name the server by -S and -d",
                places);
        return ENTRASQL_CONFIG;
    }
    es_fail(err, ENTRASQL_CONFIG, "there is no data source '%s'", dsn);
    if (names[0] == '\0')
        es_hint(err, "%s have none; odbcinst -j shows which files are read for this user", places);
    else
        es_hint(err, "%s%s%s%s have: %s", s.nearest[0] != '\0' ? "did you mean " : "", s.nearest,
                s.nearest[0] != '\0' ? "? " : "", places, names);
    return ENTRASQL_CONFIG;
}

entrasql_status doctor_no_server(const doctor *d, entrasql_error *err)
{
    if (d->target.dsn != NULL)
        return no_server_in_source(d, err);
    return d->options->source != NULL ? no_server_in_string(d, err) : nothing_to_read(err);
}

/* ---- a driver ---- */

void doctor_drivers_there(const char *wanted, doctor_line *line, const char *why)
{
    char names[LIST_SIZE];
    char places[LIST_SIZE];
    search s = {.name = wanted};
    glue_ini_sections("odbcinst.ini", names, sizeof names, on_section, &s);
    glue_ini_places("odbcinst.ini", places, sizeof places);
    doctor_evidence(line, "%s; looked for in %s, where %s%s", why, places,
                    names[0] != '\0' ? "there are: " : "no driver is registered", names);
    if (es_strcaseeq(wanted, GLUE_OWN_DRIVER))
        doctor_fix(line, "entrasql odbc install registers it.");
    else if (s.nearest[0] != '\0')
        doctor_fix(line,
                   "Did you mean Driver={%s}? Else change it to {entrasql} (entrasql odbc "
                   "install registers it), or install msodbcsql18.",
                   s.nearest);
}
