/* SPDX-License-Identifier: MIT */
/* Names of paused targets. */
#include "proxy/pauses.h"

#include "base/mem.h"
#include "base/str.h"

/* Where it is; count: nowhere. */
static size_t find(const proxy_pauses *p, const char *target)
{
    size_t i = 0;
    while (i < p->count && !es_streq(p->names[i], target))
        i++;
    return i;
}

bool proxy_pauses_hold(const proxy_pauses *p, const char *target)
{
    return p->all || find(p, target) < p->count;
}

void proxy_pauses_done(proxy_pauses *p)
{
    while (p->count > 0)
        es_free(p->names[--p->count]);
    es_free(p->names);
    *p = (proxy_pauses){0};
}

entrasql_status proxy_pauses_add(proxy_pauses *p, const char *target, entrasql_error *err)
{
    if (target == NULL) {
        p->all = true;
        return ENTRASQL_OK;
    }
    if (find(p, target) < p->count)
        return ENTRASQL_OK;
    char **grown = es_reallocarray(p->names, p->count + 1, sizeof *grown);
    if (grown == NULL)
        return es_nomem(err);
    p->names = grown;
    p->names[p->count] = es_strdup(target);
    if (p->names[p->count] == NULL)
        return es_nomem(err);
    p->count++;
    return ENTRASQL_OK;
}

entrasql_status proxy_pauses_remove(proxy_pauses *p, const char *target, entrasql_error *err)
{
    if (target == NULL) {
        proxy_pauses_done(p);
        return ENTRASQL_OK;
    }
    if (p->all) {
        es_fail(err, ENTRASQL_INVALID, "all targets are paused, not this one alone");
        es_hint(err, "RESUME without a name, then PAUSE those that shall wait");
        return ENTRASQL_INVALID;
    }
    size_t i = find(p, target);
    if (i == p->count)
        return ENTRASQL_OK;
    es_free(p->names[i]);
    p->names[i] = p->names[--p->count];
    return ENTRASQL_OK;
}
