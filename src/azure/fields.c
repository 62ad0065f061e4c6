/* SPDX-License-Identifier: MIT */
/* Members of Azure's answers. */
#include "azure/fields.h"

#include "base/mem.h"

#include <string.h>

const char *azure_text(const json_node *obj, const char *name)
{
    const char *text = "";
    return json_member_string(obj, name, &text, NULL) == ENTRASQL_OK ? text : "";
}

entrasql_status azure_take_text(const json_node *obj, const char *name, char *ret, size_t size,
                                entrasql_error *err)
{
    const char *text = azure_text(obj, name);
    if (strlen(text) >= size)
        return es_fail(err, ENTRASQL_LIMIT, "\"%s\" in Azure's answer is too long", name);
    memcpy(ret, text, strlen(text) + 1);
    return ENTRASQL_OK;
}

entrasql_status azure_take_guid(const json_node *obj, const char *name, bool optional,
                                char ret[ES_GUID_TEXT_SIZE], entrasql_error *err)
{
    uint8_t bytes[16];
    const char *text = azure_text(obj, name);
    ret[0] = '\0';
    if (*text == '\0' && optional)
        return ENTRASQL_OK;
    if (strlen(text) != ES_GUID_TEXT_SIZE - 1 || es_guid_parse(text, bytes) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_MALFORMED, "Azure's answer has no %s that is a GUID", name);
    es_guid_format(bytes, ret);
    return ENTRASQL_OK;
}

entrasql_status azure_copy_text(const json_node *obj, const char *name, char **ret,
                                entrasql_error *err)
{
    const char *text = NULL;
    entrasql_status status = json_member_string(obj, name, &text, NULL);
    if (status == ENTRASQL_NOT_FOUND)
        return ENTRASQL_OK;
    if (status != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_MALFORMED, "\"%s\" in Azure's answer is no text", name);
    char *copy = es_strdup(text);
    if (copy == NULL)
        return es_nomem(err);
    es_free(*ret);
    *ret = copy;
    return ENTRASQL_OK;
}

entrasql_status azure_written(json_writer *w, entrasql_error *err)
{
    entrasql_status status = json_writer_end(w);
    if (status == ENTRASQL_OK)
        return status;
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    return es_fail(err, status == ENTRASQL_MALFORMED ? ENTRASQL_INVALID : status,
                   "a name or value cannot be sent to Azure: it is too long or no UTF-8");
}

entrasql_status azure_or_gone(entrasql_status status, entrasql_error *err)
{
    if (status != ENTRASQL_NOT_FOUND)
        return status;
    es_error_clear(err);
    return ENTRASQL_OK;
}
