/* SPDX-License-Identifier: MIT */
/* Link: settings that still hold a password. */
#include "doctor/inner.h"

#include "base/str.h"
#include "conf/find.h"

#include <string.h>

extern char **environ;

typedef struct left {
    char names[360];
    char first[200]; /* a variable; "": it is none */
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
    if (!l->found)
        return;
    if (l->count == 0 && n < sizeof l->first)
        memcpy(l->first, variable, n);
    add_name(l, variable, n);
}

static bool is_of(const char *variable, const char *name)
{
    size_t n = strlen(name);
    return strncmp(variable, name, n) == 0 && variable[n] == '=';
}

/* Passwords of the looked at string that no variable showed. */
static void add_source(const doctor *d, left *l)
{
    const char *source = d->options->source;
    if (!es_str_is_empty(conf_login_get(d->options->login, CONF_KEY_PASSWORD))) {
        if (source != NULL && strstr(l->names, source) == NULL)
            add_name(l, source, strlen(source));
    } else if (!es_str_is_empty(conf_login_get(&d->login, CONF_KEY_PASSWORD))) {
        add_name(l, "the data source in odbc.ini", strlen("the data source in odbc.ini"));
    }
}

void doctor_settings(doctor *d)
{
    left l = {0};
    const char *source = d->options->source;
    /* What an entrasql proxy is shown is no password of the server. */
    bool passed = d->front.is_proxy;
    for (char **p = environ; p != NULL && *p != NULL; p++) {
        if (!passed || source == NULL || !is_of(*p, source))
            look_at(&l, *p);
    }
    if (!passed)
        add_source(d, &l);
    if (l.count == 0) {
        (void)doctor_add(d, "settings", DOCTOR_OK, NULL, "no connection string holds a password");
        return;
    }
    doctor_line *line =
        doctor_add(d, "settings", DOCTOR_WARN, "password-left", "%zu setting%s a password", l.count,
                   l.count == 1 ? " holds" : "s hold");
    doctor_evidence(line, "%s", l.names);
    char word[300];
    if (l.first[0] != '\0')
        doctor_fix(line,
                   "entrasql connstr convert --env %s prints it without; then retire the login.",
                   doctor_word(l.first, word, sizeof word));
}
