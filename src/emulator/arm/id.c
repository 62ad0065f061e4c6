/* SPDX-License-Identifier: MIT */
/* Taking paths of Azure Resource Manager apart. */
#include "id.h"

#include "base/str.h"

#include <string.h>

typedef struct segments {
    const char *text[ARM_ID_MAX_SEGMENTS];
    size_t count;
} segments;

static entrasql_status split(arm_pool *pool, const char *path, segments *ret)
{
    if (path[0] != '/')
        return ENTRASQL_MALFORMED;
    for (const char *p = path + 1;; p++) {
        size_t n = strcspn(p, "/");
        if (n == 0 || ret->count == ARM_ID_MAX_SEGMENTS)
            return ENTRASQL_MALFORMED;
        ret->text[ret->count] = arm_pool_copy(pool, p, n);
        if (ret->text[ret->count] == NULL)
            return ENTRASQL_NOMEM;
        ret->count++;
        p += n;
        if (*p == '\0')
            return ENTRASQL_OK;
    }
}

/* The first so many segments as a path. */
static const char *join(arm_pool *pool, const segments *s, size_t count)
{
    const char *path = "";
    for (size_t i = 0; i < count && path != NULL; i++)
        path = arm_pool_printf(pool, "%s/%s", path, s->text[i]);
    return path;
}

/* From the segment after "providers" on; *at is where it ended: the end, or another "providers". */
static void read_provider(arm_pool *pool, const segments *s, size_t *at, arm_id *id)
{
    size_t i = *at;
    id->ns = s->text[i++];
    id->type = id->ns;
    id->name = id->names = id->top = id->tail = NULL;
    while (i < s->count && !es_strcaseeq(s->text[i], "providers")) {
        if (i + 1 == s->count) {
            id->tail = s->text[i++];
            break;
        }
        id->type = arm_pool_printf(pool, "%s/%s", id->type != NULL ? id->type : "", s->text[i]);
        id->name = s->text[i + 1];
        id->names =
            id->names == NULL ? id->name : arm_pool_printf(pool, "%s/%s", id->names, id->name);
        if (id->top == NULL)
            id->top = id->name;
        i += 2;
    }
    *at = i;
}

entrasql_status arm_id_parse(arm_pool *pool, const char *path, arm_id *ret)
{
    segments s = {0};
    arm_id id = {0};
    size_t at = 0;
    ES_TRY(split(pool, path, &s));
    if (s.count >= 2 && es_strcaseeq(s.text[0], "subscriptions")) {
        id.subscription = s.text[1];
        at = 2;
    }
    if (at == 2 && s.count >= 4 && es_strcaseeq(s.text[2], "resourceGroups")) {
        id.group = s.text[3];
        at = 4;
    }
    while (at < s.count && es_strcaseeq(s.text[at], "providers")) {
        if (at + 1 == s.count)
            break;
        id.scope = join(pool, &s, at);
        at++;
        read_provider(pool, &s, &at, &id);
    }
    if (at + 1 == s.count)
        id.tail = s.text[at++];
    if (at != s.count)
        return ENTRASQL_MALFORMED;
    id.resource = join(pool, &s, id.tail != NULL ? s.count - 1 : s.count);
    if (arm_pool_failed(pool))
        return ENTRASQL_NOMEM;
    *ret = id;
    return ENTRASQL_OK;
}

bool arm_is_below(const char *id, const char *scope)
{
    size_t n = strlen(scope);
    while (n != 0 && scope[n - 1] == '/')
        n--;
    return es_strncaseeq(id, scope, n) && (id[n] == '\0' || id[n] == '/');
}
