/* SPDX-License-Identifier: MIT */
/* Configuration files, cut up in place. */
#include "conf/ini.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The text without blanks around it; ends it with NUL. end may be written. */
static char *trim(char *start, char *end)
{
    while (start < end && is_blank(*start))
        start++;
    while (end > start && is_blank(end[-1]))
        end--;
    *end = '\0';
    return start;
}

static entrasql_status bad_line(const conf_ini *ini, unsigned line, entrasql_error *err,
                                const char *what)
{
    return es_fail(err, ENTRASQL_CONFIG, "%s:%u: %s", ini->path, line, what);
}

/* "[kind name]" without blanks around it. */
static entrasql_status add_section(conf_ini *ini, char *s, unsigned line, entrasql_error *err)
{
    size_t n = strlen(s);
    if (s[n - 1] != ']' || n < 3)
        return bad_line(ini, line, err, "a section is written [kind] or [kind name]");
    if (ini->section_count == CONF_INI_MAX_SECTIONS)
        return es_fail(err, ENTRASQL_LIMIT, "%s:%u: more than %d sections", ini->path, line,
                       CONF_INI_MAX_SECTIONS);
    char *kind = trim(s + 1, s + n - 1);
    char *after = kind + strcspn(kind, " \t");
    char *name = *after != '\0' ? trim(after + 1, after + strlen(after)) : after;
    *after = '\0';
    if (kind[0] == '\0')
        return bad_line(ini, line, err, "a section is written [kind] or [kind name]");
    ini->sections[ini->section_count++] =
        (conf_ini_section){.kind = kind, .name = name, .line = line, .first = ini->entry_count};
    return ENTRASQL_OK;
}

static entrasql_status add_entry(conf_ini *ini, char *s, unsigned line, entrasql_error *err)
{
    char *equals = strchr(s, '=');
    if (equals == NULL || equals == s)
        return bad_line(ini, line, err, "neither 'key = value' nor [section]");
    if (ini->section_count == 0)
        return bad_line(ini, line, err, "a key before the first section");
    if (ini->entry_count == CONF_INI_MAX_ENTRIES)
        return es_fail(err, ENTRASQL_LIMIT, "%s:%u: more than %d keys", ini->path, line,
                       CONF_INI_MAX_ENTRIES);
    char *value = equals + 1;
    value = trim(value, value + strlen(value));
    ini->entries[ini->entry_count++] =
        (conf_ini_entry){.key = trim(s, equals), .value = value, .line = line};
    ini->sections[ini->section_count - 1].count++;
    return ENTRASQL_OK;
}

static entrasql_status parse_line(conf_ini *ini, char *start, char *end, unsigned line,
                                  entrasql_error *err)
{
    if (memchr(start, '\0', (size_t)(end - start)) != NULL)
        return bad_line(ini, line, err, "a NUL byte: this is no text file");
    char *s = trim(start, end);
    if (s[0] == '\0' || s[0] == '#' || s[0] == ';')
        return ENTRASQL_OK;
    return s[0] == '[' ? add_section(ini, s, line, err) : add_entry(ini, s, line, err);
}

/* Room for as many sections and entries as there are lines that may be one. */
static entrasql_status make_room(conf_ini *ini, size_t n, entrasql_error *err)
{
    size_t sections = 0;
    size_t entries = 0;
    for (size_t i = 0; i < n; i++) {
        sections += ini->text[i] == '[' ? 1 : 0;
        entries += ini->text[i] == '=' ? 1 : 0;
    }
    sections = sections < CONF_INI_MAX_SECTIONS ? sections : CONF_INI_MAX_SECTIONS;
    entries = entries < CONF_INI_MAX_ENTRIES ? entries : CONF_INI_MAX_ENTRIES;
    ini->sections = es_calloc(sections + 1, sizeof *ini->sections);
    ini->entries = es_calloc(entries + 1, sizeof *ini->entries);
    return ini->sections != NULL && ini->entries != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status parse(conf_ini *ini, size_t n, entrasql_error *err)
{
    static const char mark[] = "\xEF\xBB\xBF";
    char *at = ini->text;
    char *end = ini->text + n;
    unsigned line = 0;
    ES_TRY(make_room(ini, n, err));
    if (n >= sizeof mark - 1 && memcmp(at, mark, sizeof mark - 1) == 0)
        at += sizeof mark - 1;
    while (at < end) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        char *stop = newline != NULL ? newline : end;
        ES_TRY(parse_line(ini, at, stop, ++line, err));
        at = newline != NULL ? newline + 1 : end;
    }
    return ENTRASQL_OK;
}

entrasql_status conf_ini_parse(const char *path, const void *text, size_t n, conf_ini *ret,
                               entrasql_error *err)
{
    conf_ini ini = {0};
    if (n > CONF_INI_MAX_BYTES)
        return es_fail(err, ENTRASQL_LIMIT, "%s is larger than %zu bytes", path,
                       CONF_INI_MAX_BYTES);
    ini.path = es_strdup(path);
    ini.text = es_malloc(n + 1);
    entrasql_status status = ini.path != NULL && ini.text != NULL ? ENTRASQL_OK : es_nomem(err);
    if (status == ENTRASQL_OK) {
        if (n > 0)
            memcpy(ini.text, text, n);
        ini.text[n] = '\0';
        status = parse(&ini, n, err);
    }
    if (status != ENTRASQL_OK) {
        conf_ini_done(&ini);
        return status;
    }
    *ret = ini;
    return ENTRASQL_OK;
}

void conf_ini_done(conf_ini *ini)
{
    es_free(ini->path);
    es_free(ini->text);
    es_free(ini->sections);
    es_free(ini->entries);
    *ini = (conf_ini){0};
}
