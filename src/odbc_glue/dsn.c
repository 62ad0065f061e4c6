/* SPDX-License-Identifier: MIT */
/* Data sources: a section of odbc.ini, or a file of their own. */
#include "odbc_glue/driver.h"

#include "base/mem.h"
#include "base/str.h"
#include "os/file.h"

#include <limits.h>
#include <odbcinst.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INI_KEYS_SIZE 8192
#define FILE_MAX_BYTES (64 * 1024)

static entrasql_status add_missing(conf_connstr *c, const char *key, const char *value,
                                   entrasql_error *err)
{
    if (conf_connstr_get(c, key) != NULL || es_strcaseeq(key, "Description"))
        return ENTRASQL_OK;
    /* INVALID: what cannot be a keyword means nothing to anybody. */
    return conf_connstr_set(c, key, value) == ENTRASQL_NOMEM ? es_nomem(err) : ENTRASQL_OK;
}

/* ---- odbc.ini ---- */

static entrasql_status merge_section(conf_connstr *c, entrasql_error *err)
{
    char keys[INI_KEYS_SIZE];
    char value[GLUE_INI_VALUE_SIZE];

    const char *in_string = conf_connstr_get(c, "DSN");
    if (es_str_is_empty(in_string))
        return ENTRASQL_OK;
    ES_CLEANUP(es_cleanup_free) char *dsn = es_strdup(in_string);
    if (dsn == NULL)
        return es_nomem(err);
    memset(keys, 0, sizeof keys);
    /* Without a key the installer lists them, each ended by NUL, the last one twice. */
    if (SQLGetPrivateProfileString(dsn, NULL, "", keys, INI_KEYS_SIZE - 2, "odbc.ini") <= 0)
        return ENTRASQL_OK;
    for (const char *key = keys; *key != '\0'; key += strlen(key) + 1) {
        glue_ini_read(dsn, key, "odbc.ini", value);
        entrasql_status status = add_missing(c, key, value, err);
        es_wipe(value, sizeof value);
        ES_TRY(status);
    }
    return ENTRASQL_OK;
}

/* ---- a file ---- */

/* A name without a folder lies where the installer keeps such files. */
static entrasql_status file_path(const char *name, char ret[PATH_MAX], entrasql_error *err)
{
    char folder[GLUE_INI_VALUE_SIZE];
    int n;
    if (name[0] == '/') {
        n = snprintf(ret, PATH_MAX, "%s", name);
    } else {
        glue_ini_read("ODBC", "FileDSNPath", "odbcinst.ini", folder);
        const char *system = getenv("ODBCSYSINI");
        if (folder[0] != '\0')
            n = snprintf(ret, PATH_MAX, "%s/%s", folder, name);
        else
            n = snprintf(ret, PATH_MAX, "%s/ODBCDataSources/%s",
                         es_str_is_empty(system) ? "/etc" : system, name);
    }
    if (n < 0 || n >= PATH_MAX - (int)sizeof ".dsn")
        return es_fail(err, ENTRASQL_CONFIG, "connection string: FILEDSN= is too long");
    if (!es_ends_with(ret, ".dsn"))
        memcpy(ret + n, ".dsn", sizeof ".dsn");
    return ENTRASQL_OK;
}

/* Cuts the blanks at both ends off, in place. */
static char *trim(char *s)
{
    while (es_is_space(*s))
        s++;
    size_t n = strlen(s);
    while (n != 0 && es_is_space(s[n - 1]))
        s[--n] = '\0';
    return s;
}

/* A value in braces stands without them, as in a string. */
static char *without_braces(char *value)
{
    size_t n = strlen(value);
    if (n >= 2 && value[0] == '{' && value[n - 1] == '}') {
        value[n - 1] = '\0';
        return value + 1;
    }
    return value;
}

static entrasql_status merge_lines(conf_connstr *c, char *text, entrasql_error *err)
{
    bool inside = false;
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        char *s = trim(line);
        if (*s == '[') {
            inside = es_strcaseeq(s, "[ODBC]");
            continue;
        }
        char *equals = strchr(s, '=');
        if (!inside || *s == ';' || *s == '#' || equals == NULL)
            continue;
        *equals = '\0';
        ES_TRY(add_missing(c, trim(s), without_braces(trim(equals + 1)), err));
    }
    return ENTRASQL_OK;
}

static entrasql_status merge_file(conf_connstr *c, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(FILE_MAX_BYTES);
    char path[PATH_MAX];

    const char *name = conf_connstr_get(c, "FILEDSN");
    if (es_str_is_empty(name))
        return ENTRASQL_OK;
    ES_TRY(file_path(name, path, err));
    entrasql_status status = os_file_read(path, &text, err);
    if (status != ENTRASQL_OK) {
        es_error_prefix(err, "FILEDSN");
        return status;
    }
    if (es_buf_u8(&text, 0) != ENTRASQL_OK)
        return es_nomem(err);
    return merge_lines(c, (char *)text.data, err);
}

entrasql_status glue_dsn_merge(conf_connstr *c, entrasql_error *err)
{
    ES_TRY(merge_file(c, err));
    return merge_section(c, err);
}
