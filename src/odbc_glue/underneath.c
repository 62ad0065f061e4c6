/* SPDX-License-Identifier: MIT */
/* Choosing the driver that does the work underneath ours. */
#include "odbc_glue/driver.h"

#include "base/mem.h"
#include "base/str.h"

#include <glob.h>
#include <limits.h>
#include <odbcinst.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTIONS_SIZE 16384

/* Where the packages of drivers put them; a registered name without a folder lies there, too. */
static const char *const folders[] = {
    "/opt/microsoft/msodbcsql18/lib64",
    "/opt/microsoft/msodbcsql17/lib64",
    "/usr/lib/x86_64-linux-gnu/odbc",
    "/usr/lib/aarch64-linux-gnu/odbc",
    "/usr/lib64",
    "/usr/lib/odbc",
    "/usr/local/lib",
    "/usr/lib",
};

static bool is_own(const char *library)
{
    const char *slash = strrchr(library, '/');
    return es_starts_with(slash != NULL ? slash + 1 : library, "libentrasqlodbc");
}

static entrasql_status on_itself(const char *name, entrasql_error *err)
{
    char shown[100];
    es_printable(shown, sizeof shown, name, strlen(name));
    es_fail(err, ENTRASQL_CONFIG,
            "the driver underneath entrasql is '%s', which is entrasql itself", shown);
    es_hint(err, GLUE_KEYWORD_UNDERLYING "= names Microsoft's driver or FreeTDS's, by its name in "
                                         "odbcinst.ini or its path");
    return ENTRASQL_CONFIG;
}

entrasql_status glue_driver_complete(glue_driver *d, entrasql_error *err)
{
    char path[PATH_MAX];
    if (d->library == NULL || strchr(d->library, '/') != NULL)
        return ENTRASQL_OK;
    for (size_t i = 0; i < ES_COUNT_OF(folders); i++) {
        int n = snprintf(path, sizeof path, "%s/%s", folders[i], d->library);
        if (n < 0 || (size_t)n >= sizeof path || access(path, R_OK) != 0)
            continue;
        char *copy = es_strdup(path);
        if (copy == NULL)
            return es_nomem(err);
        es_free(d->library);
        d->library = copy;
        break;
    }
    return ENTRASQL_OK;
}

static entrasql_status find_by_name(const char *name, glue_driver *ret, entrasql_error *err)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    ES_CLEANUP(glue_driver_done) glue_driver d = {0};
    if (conf_connstr_set(&list, "Driver", name) != ENTRASQL_OK)
        return es_nomem(err);
    ES_TRY(glue_driver_find(&list, &d, err));
    if (d.library == NULL || is_own(d.library))
        return on_itself(name, err);
    ES_TRY(glue_driver_complete(&d, err));
    *ret = d;
    d = (glue_driver){0};
    return ENTRASQL_OK;
}

/* ---- detection ---- */

/* Registered, the kind that is looked for, and its file is there. */
static bool is_usable(const char *section, glue_driver_kind kind, glue_driver *ret)
{
    ES_CLEANUP(glue_driver_done) glue_driver d = {0};
    if (find_by_name(section, &d, NULL) != ENTRASQL_OK || d.kind != kind ||
        access(d.library, R_OK) != 0)
        return false;
    *ret = d;
    d = (glue_driver){0};
    return true;
}

static unsigned version_of(const char *section)
{
    size_t at = strcspn(section, "0123456789");
    uint64_t version = 0;
    size_t digits = strspn(section + at, "0123456789");
    if (es_parse_u64(section + at, digits, 1000, &version) != ENTRASQL_OK)
        return 0;
    return (unsigned)version;
}

/* The newest registered one of that kind. */
static bool find_registered(glue_driver_kind kind, glue_driver *ret)
{
    char sections[SECTIONS_SIZE];
    unsigned best = 0;
    bool found = false;

    memset(sections, 0, sizeof sections);
    if (SQLGetPrivateProfileString(NULL, NULL, "", sections, SECTIONS_SIZE - 2, "odbcinst.ini") <=
        0)
        return false;
    for (const char *s = sections; *s != '\0'; s += strlen(s) + 1) {
        glue_driver d = {0};
        unsigned version = version_of(s);
        if ((found && version <= best) || !is_usable(s, kind, &d))
            continue;
        glue_driver_done(ret);
        *ret = d;
        best = version;
        found = true;
    }
    return found;
}

/* Installed but not registered: the files' names say what they are. */
static bool find_file(const char *pattern, glue_driver *ret)
{
    for (size_t i = 0; i < ES_COUNT_OF(folders); i++) {
        char path[PATH_MAX];
        glob_t found = {0};
        int n = snprintf(path, sizeof path, "%s/%s", folders[i], pattern);
        if (n < 0 || (size_t)n >= sizeof path)
            continue;
        bool ok = glob(path, 0, NULL, &found) == 0 && found.gl_pathc != 0 &&
                  find_by_name(found.gl_pathv[found.gl_pathc - 1], ret, NULL) == ENTRASQL_OK;
        globfree(&found);
        if (ok)
            return true;
    }
    return false;
}

static entrasql_status detect(glue_driver *ret, entrasql_error *err)
{
    if (find_registered(GLUE_DRIVER_MICROSOFT, ret) || find_file("libmsodbcsql-*.so*", ret) ||
        find_registered(GLUE_DRIVER_FREETDS, ret) || find_file("libtdsodbc.so*", ret))
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_CONFIG,
            "no ODBC driver was found that entrasql can stand on: neither Microsoft's nor "
            "FreeTDS's");
    es_hint(err, "install one (apt-get install tdsodbc, or msodbcsql18), or name its library "
                 "with " GLUE_KEYWORD_UNDERLYING "=");
    return ENTRASQL_CONFIG;
}

/* ---- the order of the settings ---- */

/* Under which name the string or its data source reached us; odbcinst.ini may hold a setting. */
static void read_setting(const conf_connstr *c, char ret[GLUE_INI_VALUE_SIZE])
{
    const char *name = conf_connstr_get(c, "Driver");
    ret[0] = '\0';
    if (!es_str_is_empty(name) && strchr(name, '/') == NULL)
        glue_ini_read(name, GLUE_KEYWORD_UNDERLYING, "odbcinst.ini", ret);
    if (ret[0] == '\0')
        glue_ini_read(GLUE_OWN_DRIVER, GLUE_KEYWORD_UNDERLYING, "odbcinst.ini", ret);
}

const char *glue_choice_text(glue_choice choice)
{
    switch (choice) {
    case GLUE_CHOICE_KEYWORD:
        return "the connection string";
    case GLUE_CHOICE_ENVIRONMENT:
        return GLUE_ENV_UNDERLYING;
    case GLUE_CHOICE_SETTING:
        return GLUE_KEYWORD_UNDERLYING " in odbcinst.ini";
    case GLUE_CHOICE_DETECTION:
        break;
    }
    return "detection";
}

entrasql_status glue_underneath_find(const conf_connstr *c, glue_driver *ret,
                                     glue_choice *ret_choice, entrasql_error *err)
{
    char setting[GLUE_INI_VALUE_SIZE];
    const char *name = conf_connstr_get(c, GLUE_KEYWORD_UNDERLYING);
    if (name != NULL && name[0] != '\0') {
        *ret_choice = GLUE_CHOICE_KEYWORD;
        return find_by_name(name, ret, err);
    }
    name = getenv(GLUE_ENV_UNDERLYING);
    if (name != NULL && name[0] != '\0') {
        *ret_choice = GLUE_CHOICE_ENVIRONMENT;
        return find_by_name(name, ret, err);
    }
    read_setting(c, setting);
    if (setting[0] != '\0') {
        *ret_choice = GLUE_CHOICE_SETTING;
        return find_by_name(setting, ret, err);
    }
    *ret_choice = GLUE_CHOICE_DETECTION;
    return detect(ret, err);
}
