/* SPDX-License-Identifier: MIT */
/* Reading, printing and comparing resource ids. */
#include "azure/resource_id.h"

#include "base/str.h"

#include <string.h>

bool azure_segment_is_valid(const char *s, size_t n)
{
    if (n == 0 || n >= AZURE_ID_MAX_SEGMENT || (n == 1 && s[0] == '.') ||
        (n == 2 && s[0] == '.' && s[1] == '.'))
        return false;
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7F || strchr("/?#%\\<>", s[i]) != NULL)
            return false;
    }
    return true;
}

bool azure_subscription_is_valid(const char *s)
{
    uint8_t guid[16];
    return s != NULL && es_guid_parse(s, guid) == ENTRASQL_OK;
}

/* The next "/segment" of *at; false at the end or when it is none. */
static bool next_segment(const char **at, char *ret, size_t size)
{
    if (**at != '/')
        return false;
    const char *start = *at + 1;
    size_t n = strcspn(start, "/");
    if (n >= size || !azure_segment_is_valid(start, n))
        return false;
    memcpy(ret, start, n);
    ret[n] = '\0';
    *at = start + n;
    return true;
}

static bool expect(const char **at, const char *word)
{
    char segment[32];
    const char *p = *at;
    if (!next_segment(&p, segment, sizeof segment) || !es_strcaseeq(segment, word))
        return false;
    *at = p;
    return true;
}

static entrasql_status refuse(const char *s, const char *what, entrasql_error *err)
{
    char shown[200];
    es_printable(shown, sizeof shown, s, strlen(s));
    es_fail(err, ENTRASQL_INVALID, "\"%s\" is not a resource id: %s", shown, what);
    es_hint(err, "a resource id reads /subscriptions/GUID/resourceGroups/GROUP/providers/"
                 "NAMESPACE/TYPE/NAME");
    return ENTRASQL_INVALID;
}

entrasql_status azure_id_parse(const char *s, azure_id *ret, entrasql_error *err)
{
    azure_id id = {0};
    const char *at = s;
    if (strlen(s) >= AZURE_ID_MAX)
        return refuse(s, "it is too long", err);
    if (!expect(&at, "subscriptions") ||
        !next_segment(&at, id.subscription, sizeof id.subscription) ||
        !azure_subscription_is_valid(id.subscription))
        return refuse(s, "it does not begin with /subscriptions/ and a GUID", err);
    for (char *p = id.subscription; *p != '\0'; p++)
        *p = es_ascii_lower(*p);
    if (!expect(&at, "resourceGroups") ||
        !next_segment(&at, id.resource_group, sizeof id.resource_group))
        return refuse(s, "the resource group is missing or no name", err);
    if (!expect(&at, "providers") || !next_segment(&at, id.provider, sizeof id.provider))
        return refuse(s, "the provider's namespace is missing or no name", err);
    while (*at != '\0') {
        if (id.pairs == AZURE_ID_MAX_PAIRS)
            return refuse(s, "it goes too deep", err);
        if (!next_segment(&at, id.types[id.pairs], sizeof id.types[0]) ||
            !next_segment(&at, id.names[id.pairs], sizeof id.names[0]))
            return refuse(s, "a type or a name is missing or not allowed", err);
        id.pairs++;
    }
    if (id.pairs == 0)
        return refuse(s, "the type and the name are missing", err);
    *ret = id;
    return ENTRASQL_OK;
}

entrasql_status azure_id_print(const azure_id *id, es_buf *out)
{
    ES_TRY(es_buf_printf(out, "/subscriptions/%s/resourceGroups/%s/providers/%s", id->subscription,
                         id->resource_group, id->provider));
    for (unsigned i = 0; i < id->pairs; i++)
        ES_TRY(es_buf_printf(out, "/%s/%s", id->types[i], id->names[i]));
    return ENTRASQL_OK;
}

bool azure_id_equal(const char *a, const char *b)
{
    return a != NULL && b != NULL && es_strcaseeq(a, b);
}

bool azure_id_is_type(const azure_id *id, const char *provider, const char *type)
{
    return id->pairs == 1 && es_strcaseeq(id->provider, provider) &&
           es_strcaseeq(id->types[0], type);
}
