/* SPDX-License-Identifier: MIT */
/* Link: settings that still hold a password. */
#include "doctor/inner.h"

#include "base/str.h"
#include "conf/find.h"

#include <string.h>

extern char **environ;

typedef struct left {
    char names[360];
    size_t count;
    bool found; /* in the value that is looked at */
} left;

static entrasql_status on_found(void *ctx, const conf_found *found)
{
    left *l = ctx;
    l->found = l->found || !found->is_placeholder;
    return ENTRASQL_OK;
}

static void add_name(left *l, const char *name, size_t n)
{
    size_t at = strlen(l->names);
    l->count++;
    if (at + n + 3 >= sizeof l->names)
        return;
    if (at != 0) {
        memcpy(l->names + at, ", ", 2);
        at += 2;
    }
    memcpy(l->names + at, name, n);
    l->names[at + n] = '\0';
}

static void look_at(left *l, const char *variable)
{
    size_t n = strcspn(variable, "=");
    const char *value = variable[n] == '=' ? variable + n + 1 : "";
    size_t length = strnlen(value, CONF_CONNSTR_MAX_BYTES + 1);
    l->found = false;
    if (length > CONF_CONNSTR_MAX_BYTES ||
        conf_find(value, length, false, on_found, l) != ENTRASQL_OK)
        return;
    if (l->found)
        add_name(l, variable, n);
}

void doctor_settings(doctor *d)
{
    left l = {0};
    for (char **p = environ; p != NULL && *p != NULL; p++)
        look_at(&l, *p);
    const char *password = conf_login_get(d->options->login, CONF_KEY_PASSWORD);
    const char *source = d->options->source;
    if (!es_str_is_empty(password) && source != NULL && strstr(l.names, source) == NULL)
        add_name(&l, source, strlen(source));
    if (l.count == 0) {
        (void)doctor_add(d, "settings", DOCTOR_OK, NULL, "no connection string holds a password");
        return;
    }
    doctor_line *line =
        doctor_add(d, "settings", DOCTOR_WARN, "password-left", "%zu setting%s a password", l.count,
                   l.count == 1 ? " holds" : "s hold");
    doctor_evidence(line, "%s", l.names);
}
