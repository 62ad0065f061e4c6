/* SPDX-License-Identifier: MIT */
/* What the installer's files have, for people who named something else. */
#include "odbc_glue/driver.h"

#include "base/str.h"

#include <odbcinst.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTIONS_SIZE 8192

bool glue_ini_is_reserved(const char *section)
{
    static const char *const own[] = {"ODBC", "ODBC Data Sources", "ODBC Drivers"};
    for (size_t i = 0; i < ES_COUNT_OF(own); i++) {
        if (es_strcaseeq(own[i], section))
            return true;
    }
    return false;
}

void glue_ini_sections(const char *file, char *ret, size_t size, glue_section *visit, void *ctx)
{
    char sections[SECTIONS_SIZE];
    memset(sections, 0, sizeof sections);
    ret[0] = '\0';
    /* Without a section the installer lists them, each ended by NUL, the last one twice. */
    if (SQLGetPrivateProfileString(NULL, NULL, "", sections, SECTIONS_SIZE - 2, file) <= 0)
        return;
    for (const char *s = sections; *s != '\0'; s += strlen(s) + 1) {
        size_t n = strlen(ret);
        char shown[128];
        if (glue_ini_is_reserved(s))
            continue;
        if (visit != NULL)
            visit(ctx, s);
        es_printable(shown, sizeof shown, s, strlen(s));
        if (n + strlen(shown) + 3 < size)
            (void)snprintf(ret + n, size - n, "%s%s", n != 0 ? ", " : "", shown);
    }
}

void glue_ini_places(const char *file, char *ret, size_t size)
{
    const char *folder = getenv("ODBCSYSINI");
    bool sources = es_streq(file, "odbc.ini");
    const char *user = sources ? getenv("ODBCINI") : NULL;
    const char *name = sources ? NULL : getenv("ODBCINSTINI");
    (void)snprintf(ret, size, "%s%s and %s/%s", es_str_is_empty(user) ? "~/." : "",
                   es_str_is_empty(user) ? file : user, es_str_is_empty(folder) ? "/etc" : folder,
                   es_str_is_empty(name) ? file : name);
}
