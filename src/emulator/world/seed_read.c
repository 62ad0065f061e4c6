/* SPDX-License-Identifier: MIT */
/* Reading parts of a seed with the place in every message. */
#include "seed.h"

#include "base/mem.h"
#include "base/utf16.h"
#include "crypto/digest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_TEXT_BYTES 256

entrasql_status seed_fail(const seed_object *o, const char *member, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    bool has_place = o->place[0] != 0, has_member = member[0] != 0;
    return es_fail(o->err, ENTRASQL_CONFIG, "%s: %s%s%s%s%s", o->file, o->place,
                   has_place && has_member ? "." : "", member, has_place || has_member ? ": " : "",
                   text);
}

static bool is_allowed(const char *name, const char *const *allowed)
{
    for (; *allowed != NULL; allowed++) {
        if (es_streq(name, *allowed))
            return true;
    }
    return false;
}

entrasql_status seed_check(const seed_object *o, const char *const *allowed)
{
    if (json_node_kind(o->node) != JSON_KIND_OBJECT)
        return seed_fail(o, "", "must be an object, not %s",
                         json_kind_name(json_node_kind(o->node)));
    for (json_cursor *at = json_cursor_next(o->node, NULL); at != NULL;
         at = json_cursor_next(o->node, at)) {
        if (is_allowed(json_cursor_name(at), allowed))
            continue;
        char name[64];
        es_printable(name, sizeof name, json_cursor_name(at), strlen(json_cursor_name(at)));
        return seed_fail(o, name, "is not known here");
    }
    return ENTRASQL_OK;
}

/* What a name may be made of: it ends up in tokens, messages and shell lines. */
static entrasql_status check_text(const seed_object *o, const char *member, const json_node *node,
                                  const char **ret)
{
    size_t n = 0;
    const char *text = NULL;
    if (json_node_string(node, &text, &n) != ENTRASQL_OK)
        return seed_fail(o, member, "must be a string, not %s",
                         json_kind_name(json_node_kind(node)));
    if (n == 0 || n > MAX_TEXT_BYTES)
        return seed_fail(o, member, "must have 1 to %d bytes", MAX_TEXT_BYTES);
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return seed_fail(o, member, "must not hold control characters");
    }
    *ret = text;
    return ENTRASQL_OK;
}

entrasql_status seed_text(const seed_object *o, const char *member, char **ret)
{
    const json_node *node = json_member(o->node, member);
    const char *text = NULL;
    if (node == NULL)
        return ENTRASQL_OK;
    ES_TRY(check_text(o, member, node, &text));
    char *copy = es_strdup(text);
    if (copy == NULL)
        return es_nomem(o->err);
    es_free(*ret);
    *ret = copy;
    return ENTRASQL_OK;
}

entrasql_status seed_required_text(const seed_object *o, const char *member, char **ret)
{
    if (json_member(o->node, member) == NULL)
        return seed_fail(o, member, "is missing");
    return seed_text(o, member, ret);
}

/* A made-up id must be the same at each start, and look like a random one. */
static entrasql_status derive_guid(const char *what, const char *tenant_id, const char *name,
                                   char ret[ES_GUID_TEXT_SIZE], entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(4096);
    uint8_t hash[CRYPTO_SHA256_SIZE];
    if (es_buf_printf(&text, "entrasql emulator\n%s\n%s\n", what, tenant_id) != ENTRASQL_OK)
        return es_nomem(err);
    for (const char *p = name; *p != 0; p++) {
        if (es_buf_u8(&text, (uint8_t)es_ascii_lower(*p)) != ENTRASQL_OK)
            return es_nomem(err);
    }
    if (crypto_sha256(text.data, text.len, hash) != ENTRASQL_OK)
        return es_nomem(err);
    es_guid_format(hash, ret);
    ret[14] = '4'; /* version and variant of a random UUID */
    ret[19] = 'a';
    return ENTRASQL_OK;
}

entrasql_status seed_guid(const seed_object *o, const char *member, const char *what,
                          const char *tenant_id, const char *name, char ret[ES_GUID_TEXT_SIZE])
{
    const json_node *node = json_member(o->node, member);
    if (node == NULL)
        return derive_guid(what, tenant_id, name, ret, o->err);
    const char *text = NULL;
    uint8_t guid[16];
    ES_TRY(check_text(o, member, node, &text));
    if (es_guid_parse(text, guid) != ENTRASQL_OK)
        return seed_fail(o, member, "must be a GUID");
    es_guid_format(guid, ret);
    return ENTRASQL_OK;
}

entrasql_status seed_array(const seed_object *o, const char *member, size_t max,
                           const json_node **ret)
{
    *ret = json_member(o->node, member);
    if (*ret == NULL)
        return ENTRASQL_OK;
    if (json_node_kind(*ret) != JSON_KIND_ARRAY)
        return seed_fail(o, member, "must be an array, not %s",
                         json_kind_name(json_node_kind(*ret)));
    if (json_count(*ret) > max)
        return seed_fail(o, member, "has more than %zu elements", max);
    return ENTRASQL_OK;
}

entrasql_status seed_element(const seed_object *o, const char *member, const json_node *array,
                             size_t i, seed_object *ret)
{
    *ret = (seed_object){.file = o->file, .node = json_element(array, i), .err = o->err};
    const char *dot = o->place[0] != 0 ? "." : "";
    (void)snprintf(ret->place, sizeof ret->place, "%.60s%s%.16s[%zu]", o->place, dot, member, i);
    if (json_node_kind(ret->node) != JSON_KIND_OBJECT)
        return seed_fail(ret, "", "must be an object, not %s",
                         json_kind_name(json_node_kind(ret->node)));
    return ENTRASQL_OK;
}

entrasql_status seed_element_text(const seed_object *o, const char *member, const json_node *array,
                                  size_t i, const char **ret)
{
    char place[64];
    (void)snprintf(place, sizeof place, "%.32s[%zu]", member, i);
    return check_text(o, place, json_element(array, i), ret);
}

entrasql_status seed_member(const seed_object *o, const char *member, seed_object *ret)
{
    *ret = (seed_object){.file = o->file, .node = json_member(o->node, member), .err = o->err};
    const char *dot = o->place[0] != 0 ? "." : "";
    (void)snprintf(ret->place, sizeof ret->place, "%.60s%s%.16s", o->place, dot, member);
    if (ret->node != NULL && json_node_kind(ret->node) != JSON_KIND_OBJECT)
        return seed_fail(ret, "", "must be an object, not %s",
                         json_kind_name(json_node_kind(ret->node)));
    return ENTRASQL_OK;
}
