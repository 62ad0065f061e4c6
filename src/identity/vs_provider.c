/* SPDX-License-Identifier: MIT */
/* Who is signed in to Visual Studio and Visual Studio Code. */
#include "identity/vs_provider.h"

#include "base/mem.h"
#include "base/str.h"
#include "json/json.h"

#include <string.h>

/* ---- Visual Studio ---- */

static entrasql_status bad(size_t i, const char *what, entrasql_error *err)
{
    return es_fail(err, ENTRASQL_MALFORMED, "TokenProviders[%zu]%s", i, what);
}

static entrasql_status read_arguments(const json_node *list, size_t i, identity_vs_provider *p,
                                      entrasql_error *err)
{
    size_t count = json_count(list);
    if (count > IDENTITY_VS_MAX_ARGUMENTS)
        return bad(i, ".Arguments has too many elements", err);
    for (size_t k = 0; k < count; k++) {
        const char *text;
        if (json_node_string(json_element(list, k), &text, NULL) != ENTRASQL_OK)
            return bad(i, ".Arguments is not a list of strings", err);
        if ((p->arguments[k] = es_strdup(text)) == NULL)
            return es_nomem(err);
    }
    return ENTRASQL_OK;
}

static entrasql_status read_provider(const json_node *node, size_t i, identity_vs_provider *p,
                                     entrasql_error *err)
{
    const char *path;
    const json_node *list;
    if (json_member_string(node, "Path", &path, NULL) != ENTRASQL_OK || path[0] != '/')
        return bad(i, ".Path is not an absolute path", err);
    entrasql_status status = json_member_i64(node, "Preference", &p->preference);
    if (status != ENTRASQL_OK && status != ENTRASQL_NOT_FOUND)
        return bad(i, ".Preference is not a number", err);
    if ((p->path = es_strdup(path)) == NULL)
        return es_nomem(err);
    status = json_member_array(node, "Arguments", &list);
    if (status == ENTRASQL_NOT_FOUND)
        return ENTRASQL_OK;
    if (status != ENTRASQL_OK)
        return bad(i, ".Arguments is not a list of strings", err);
    return read_arguments(list, i, p, err);
}

/* Few and stable: equal preferences stay in the file's order. */
static void sort(identity_vs_providers *p)
{
    for (size_t i = 1; i < p->count; i++) {
        for (size_t k = i; k > 0 && p->items[k - 1].preference > p->items[k].preference; k--) {
            identity_vs_provider other = p->items[k];
            p->items[k] = p->items[k - 1];
            p->items[k - 1] = other;
        }
    }
}

static entrasql_status read_providers(const json_node *list, identity_vs_providers *ret,
                                      entrasql_error *err)
{
    size_t count = json_count(list);
    if (count == 0 || count > IDENTITY_VS_MAX_PROVIDERS)
        return es_fail(err, ENTRASQL_MALFORMED, "TokenProviders has %zu elements", count);
    for (size_t i = 0; i < count; i++) {
        ret->count = i + 1;
        ES_TRY(read_provider(json_element(list, i), i, &ret->items[i], err));
    }
    sort(ret);
    return ENTRASQL_OK;
}

entrasql_status identity_vs_providers_parse(const es_buf *text, identity_vs_providers *ret,
                                            entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    const json_node *list;
    memset(ret, 0, sizeof *ret);
    entrasql_status status = json_doc_parse(text->data, text->len, &doc, err);
    if (status != ENTRASQL_OK)
        return status == ENTRASQL_NOMEM ? status : ENTRASQL_MALFORMED;
    if (json_member_array(json_doc_root(doc), "TokenProviders", &list) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_MALFORMED, "there is no list of TokenProviders");
    status = read_providers(list, ret, err);
    if (status != ENTRASQL_OK)
        identity_vs_providers_done(ret);
    return status;
}

void identity_vs_providers_done(identity_vs_providers *p)
{
    for (size_t i = 0; i < p->count; i++) {
        es_free(p->items[i].path);
        for (size_t k = 0; p->items[i].arguments[k] != NULL; k++)
            es_free(p->items[i].arguments[k]);
    }
    memset(p, 0, sizeof *p);
}

/* ---- Visual Studio Code ---- */

entrasql_status identity_vscode_record_parse(const es_buf *text, identity_vscode_record *ret,
                                             entrasql_error *err)
{
    static const char *const required[] = {"authority", "homeAccountId", "clientId", "tenantId",
                                           "username"};
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    const char *values[ES_COUNT_OF(required)];
    entrasql_status status = json_doc_parse(text->data, text->len, &doc, err);
    if (status != ENTRASQL_OK)
        return status == ENTRASQL_NOMEM ? status : ENTRASQL_MALFORMED;
    for (size_t i = 0; i < ES_COUNT_OF(required); i++) {
        if (json_member_string(json_doc_root(doc), required[i], &values[i], NULL) != ENTRASQL_OK ||
            values[i][0] == '\0')
            return es_fail(err, ENTRASQL_MALFORMED, "%s is missing", required[i]);
    }
    if (!es_strcaseeq(values[2], IDENTITY_VSCODE_CLIENT_ID))
        return es_fail(err, ENTRASQL_MALFORMED, "clientId is not that of Visual Studio Code");
    es_printable(ret->tenant_id, sizeof ret->tenant_id, values[3], strlen(values[3]));
    es_printable(ret->username, sizeof ret->username, values[4], strlen(values[4]));
    return ENTRASQL_OK;
}
