/* SPDX-License-Identifier: MIT */
/* Finding out the driver of a connection string. */
#include "odbc_glue/driver.h"

#include "base/mem.h"
#include "base/str.h"

#include <limits.h>
#include <odbcinst.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INI_VALUE_SIZE GLUE_INI_VALUE_SIZE
#define INI_KEYS_SIZE 8192

void glue_ini_read(const char *section, const char *key, const char *file, char ret[INI_VALUE_SIZE])
{
    ret[0] = '\0';
    if (SQLGetPrivateProfileString(section, key, "", ret, INI_VALUE_SIZE, file) < 0)
        ret[0] = '\0';
    ret[INI_VALUE_SIZE - 1] = '\0';
}

static bool contains(const char *s, const char *part)
{
    size_t n = strlen(part);
    for (; *s != '\0'; s++) {
        if (es_strncaseeq(s, part, n))
            return true;
    }
    return false;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* "ODBC Driver 18 for SQL Server", any number. */
static bool is_microsoft_name(const char *name)
{
    static const char front[] = "ODBC Driver ";
    static const char back[] = " for SQL Server";

    if (!es_strncaseeq(name, front, sizeof front - 1))
        return false;
    name += sizeof front - 1;
    size_t digits = strspn(name, "0123456789");
    return digits != 0 && es_strcaseeq(name + digits, back);
}

static bool kind_of_file(const char *path, glue_driver_kind *ret)
{
    /* Ours takes a token in that attribute, too, whatever is underneath it. */
    if (contains(base_name(path), "msodbcsql") || contains(base_name(path), "entrasqlodbc")) {
        *ret = GLUE_DRIVER_MICROSOFT;
        return true;
    }
    if (contains(base_name(path), "tdsodbc")) {
        *ret = GLUE_DRIVER_FREETDS;
        return true;
    }
    return false;
}

/*
 * The file decides before the name: people register tdsodbc under the name of
 * Microsoft's driver so that strings need no change.
 */
glue_driver_kind glue_driver_kind_of(const char *name, const char *library)
{
    glue_driver_kind kind = GLUE_DRIVER_OTHER;
    char resolved[PATH_MAX];

    if (library != NULL) {
        if (kind_of_file(library, &kind))
            return kind;
        if (strchr(library, '/') != NULL && realpath(library, resolved) != NULL &&
            kind_of_file(resolved, &kind))
            return kind;
    }
    if (is_microsoft_name(name))
        return GLUE_DRIVER_MICROSOFT;
    return es_strcaseeq(name, "FreeTDS") ? GLUE_DRIVER_FREETDS : GLUE_DRIVER_OTHER;
}

static entrasql_status no_driver(const char *dsn, entrasql_error *err)
{
    char shown[100];
    if (dsn == NULL) {
        es_fail(err, ENTRASQL_CONFIG, "the connection string names no driver");
        es_hint(err, "add Driver={ODBC Driver 18 for SQL Server}, Driver={FreeTDS}, or the full "
                     "path of a driver's library");
        return ENTRASQL_CONFIG;
    }
    es_printable(shown, sizeof shown, dsn, strlen(dsn));
    es_fail(err, ENTRASQL_CONFIG, "the data source '%s' is not in odbc.ini, or names no driver",
            shown);
    es_hint(err, "odbcinst -q -s lists the data sources");
    return ENTRASQL_CONFIG;
}

/* Sets d->library from the name: a path stands for itself, a name is looked up. */
static entrasql_status find_library(glue_driver *d, entrasql_error *err)
{
    char value[INI_VALUE_SIZE];
    char shown[200];

    es_printable(shown, sizeof shown, d->name, strlen(d->name));
    if (strchr(d->name, '/') != NULL) {
        if (access(d->name, R_OK) != 0) {
            es_fail(err, ENTRASQL_CONFIG, "the driver's library '%s' cannot be read", shown);
            es_hint(err, "Driver= takes the full path of a driver's library or a name that "
                         "odbcinst -q -d lists");
            return ENTRASQL_CONFIG;
        }
        es_strlcpy_utf8(value, sizeof value, d->name);
    } else {
        glue_ini_read(d->name, "Driver64", "odbcinst.ini", value);
        if (value[0] == '\0')
            glue_ini_read(d->name, "Driver", "odbcinst.ini", value);
        if (value[0] == '\0') {
            es_fail(err, ENTRASQL_CONFIG, "the driver '%s' is not registered in odbcinst.ini",
                    shown);
            es_hint(err, "odbcinst -q -d lists the registered drivers; Driver= also takes the "
                         "full path of a driver's library");
            return ENTRASQL_CONFIG;
        }
    }
    d->library = es_strdup(value);
    return d->library != NULL ? ENTRASQL_OK : es_nomem(err);
}

entrasql_status glue_driver_find(const conf_connstr *c, glue_driver *ret, entrasql_error *err)
{
    ES_CLEANUP(glue_driver_done) glue_driver d = {0};
    char from_dsn[INI_VALUE_SIZE];

    const char *name = conf_connstr_get(c, "Driver");
    const char *dsn = conf_connstr_get(c, "DSN");
    if (name == NULL && dsn != NULL) {
        glue_ini_read(dsn, "Driver", "odbc.ini", from_dsn);
        name = from_dsn;
    }
    if (es_str_is_empty(name))
        return no_driver(dsn, err);
    d.name = es_strdup(name);
    if (d.name == NULL)
        return es_nomem(err);
    ES_TRY(find_library(&d, err));
    d.kind = glue_driver_kind_of(d.name, d.library);
    *ret = d;
    d = (glue_driver){0};
    return ENTRASQL_OK;
}

void glue_driver_done(glue_driver *d)
{
    es_free(d->name);
    es_free(d->library);
    *d = (glue_driver){0};
}

static bool is_on(const char *value)
{
    static const char *const words[] = {"1", "y", "yes", "t", "true", "on"};
    for (size_t i = 0; i < ES_COUNT_OF(words); i++) {
        if (es_strcaseeq(value, words[i]))
            return true;
    }
    return false;
}

/*
 * unixODBC pools only when both settings are there; SQL_ATTR_CONNECTION_POOLING
 * of an environment changes nothing in it.
 */
bool glue_driver_is_pooled(const glue_driver *d, const char **ret_setting)
{
    char value[INI_VALUE_SIZE];
    uint64_t seconds = 0;

    glue_ini_read("ODBC", "Pooling", "odbcinst.ini", value);
    if (!is_on(value))
        return false;
    glue_ini_read(d->name, "CPTimeout", "odbcinst.ini", value);
    if (es_parse_u64(value, strlen(value), UINT64_MAX, &seconds) != ENTRASQL_OK || seconds == 0)
        return false;
    *ret_setting = "Pooling in section [ODBC] of odbcinst.ini";
    return true;
}
