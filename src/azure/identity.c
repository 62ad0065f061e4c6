/* SPDX-License-Identifier: MIT */
/* Managed identities and federated credentials (Microsoft.ManagedIdentity). */
#include "azure/identity.h"

#include "azure/fields.h"
#include "azure/resource_id.h"

#include <stdio.h>
#include <string.h>

#define WHAT_SIZE 256
#define BODY_MAX (16 * 1024)

entrasql_status azure_identity_name_check(const char *name, entrasql_error *err)
{
    size_t n = strlen(name);
    bool is_good = n >= 3 && n <= 128;
    for (size_t i = 0; i < n && is_good; i++) {
        char c = es_ascii_lower(name[i]);
        bool is_alnum = (c >= 'a' && c <= 'z') || es_is_digit(c);
        is_good = is_alnum || (i != 0 && (c == '-' || c == '_'));
    }
    if (is_good)
        return ENTRASQL_OK;
    char shown[140];
    es_printable(shown, sizeof shown, name, n);
    es_fail(err, ENTRASQL_INVALID, "\"%s\" cannot be the name of a managed identity", shown);
    es_hint(err, "3 to 128 letters, digits, '-' and '_', a letter or digit first");
    return ENTRASQL_INVALID;
}

/* ---- reading ---- */

static entrasql_status read_identity(const json_node *root, azure_identity *ret,
                                     entrasql_error *err)
{
    azure_identity i = {0};
    const json_node *properties = json_member(root, "properties");
    azure_id id;
    ES_TRY(azure_take_text(root, "id", i.id, sizeof i.id, err));
    ES_TRY(azure_take_text(root, "name", i.name, sizeof i.name, err));
    ES_TRY(azure_take_text(root, "location", i.location, sizeof i.location, err));
    ES_TRY(azure_take_guid(properties, "clientId", false, i.client_id, err));
    ES_TRY(azure_take_guid(properties, "principalId", false, i.principal_id, err));
    ES_TRY(azure_take_guid(properties, "tenantId", false, i.tenant_id, err));
    ES_TRY(azure_id_parse(i.id, &id, err));
    *ret = i;
    return ENTRASQL_OK;
}

entrasql_status azure_identity_get(azure_arm *arm, const char *subscription,
                                   const char *resource_group, const char *name,
                                   azure_identity *ret, entrasql_error *err)
{
    char what[WHAT_SIZE];
    (void)snprintf(what, sizeof what, "reading the identity %s", name);
    const azure_request request = {
        .call = AZURE_IDENTITY_GET,
        .arguments = {subscription, resource_group, name},
        .what = what,
    };
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    ES_TRY(azure_arm_call(arm, &request, &reply, err));
    return read_identity(azure_reply_root(&reply), ret, err);
}

entrasql_status azure_system_identity_get(azure_arm *arm, const char *resource_id,
                                          azure_identity *ret, entrasql_error *err)
{
    const azure_request request = {
        .call = AZURE_SYSTEM_IDENTITY_GET,
        .arguments = {resource_id},
        .what = "reading the system-assigned identity",
        .may_lag = true,
    };
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    ES_TRY(azure_arm_call(arm, &request, &reply, err));
    const json_node *root = azure_reply_root(&reply);
    azure_identity i = {0};
    ES_TRY(azure_take_text(root, "location", i.location, sizeof i.location, err));
    ES_TRY(azure_take_guid(json_member(root, "properties"), "clientId", false, i.client_id, err));
    ES_TRY(azure_take_guid(json_member(root, "properties"), "principalId", false, i.principal_id,
                           err));
    ES_TRY(azure_take_guid(json_member(root, "properties"), "tenantId", false, i.tenant_id, err));
    *ret = i;
    return ENTRASQL_OK;
}

/* ---- making ---- */

static entrasql_status group_location(azure_arm *arm, const char *subscription,
                                      const char *resource_group, char *ret, size_t size,
                                      entrasql_error *err)
{
    const azure_request request = {
        .call = AZURE_GROUP_GET,
        .arguments = {subscription, resource_group},
        .what = "reading the resource group",
    };
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    ES_TRY(azure_arm_call(arm, &request, &reply, err));
    ES_TRY(azure_take_text(azure_reply_root(&reply), "location", ret, size, err));
    if (ret[0] == '\0')
        return es_fail(err, ENTRASQL_MALFORMED, "the resource group %s has no location",
                       resource_group);
    return ENTRASQL_OK;
}

static entrasql_status put_identity(azure_arm *arm, const char *subscription,
                                    const char *resource_group, const char *name,
                                    const char *location, azure_identity *ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(BODY_MAX);
    json_writer w;
    json_writer_init(&w, &body);
    json_begin_object(&w);
    json_member_put_string(&w, "location", location);
    json_end_object(&w);
    ES_TRY(azure_written(&w, err));
    char what[WHAT_SIZE];
    (void)snprintf(what, sizeof what, "creating the identity %s", name);
    const azure_request request = {
        .call = AZURE_IDENTITY_PUT,
        .arguments = {subscription, resource_group, name},
        .body = &body,
        .what = what,
    };
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    ES_TRY(azure_arm_call(arm, &request, &reply, err));
    return read_identity(azure_reply_root(&reply), ret, err);
}

entrasql_status azure_identity_ensure(azure_arm *arm, const char *subscription,
                                      const char *resource_group, const char *name,
                                      const char *location, azure_identity *ret, bool *ret_created,
                                      entrasql_error *err)
{
    ES_TRY(azure_identity_name_check(name, err));
    *ret_created = false;
    entrasql_status status = azure_identity_get(arm, subscription, resource_group, name, ret, err);
    if (status != ENTRASQL_NOT_FOUND ||
        es_strcaseeq(azure_arm_failure(arm)->code, "SubscriptionNotFound") ||
        es_strcaseeq(azure_arm_failure(arm)->code, "ResourceGroupNotFound"))
        return status;
    char region[64];
    if (location == NULL) {
        ES_TRY(group_location(arm, subscription, resource_group, region, sizeof region, err));
        location = region;
    }
    ES_TRY(put_identity(arm, subscription, resource_group, name, location, ret, err));
    *ret_created = true;
    return ENTRASQL_OK;
}

entrasql_status azure_identity_delete(azure_arm *arm, const char *subscription,
                                      const char *resource_group, const char *name,
                                      entrasql_error *err)
{
    char what[WHAT_SIZE];
    (void)snprintf(what, sizeof what, "deleting the identity %s", name);
    const azure_request request = {
        .call = AZURE_IDENTITY_DELETE,
        .arguments = {subscription, resource_group, name},
        .what = what,
    };
    return azure_or_gone(azure_arm_call(arm, &request, NULL, err), err);
}

/* ---- federated credentials ---- */

struct search {
    const azure_federated *wanted;
    bool is_found;   /* issuer and subject, whatever the name */
    bool name_taken; /* the name, by another issuer or subject */
};

static bool has_audience(const json_node *properties)
{
    const json_node *list = json_member(properties, "audiences");
    for (size_t i = 0; i < json_count(list); i++) {
        const char *text;
        if (json_node_string(json_element(list, i), &text, NULL) == ENTRASQL_OK &&
            es_streq(text, AZURE_FEDERATED_AUDIENCE))
            return true;
    }
    return false;
}

static entrasql_status look(void *context, const json_node *item, entrasql_error *err)
{
    (void)err;
    struct search *s = context;
    const json_node *p = json_member(item, "properties");
    /* Entra compares issuer and subject byte for byte. */
    bool fits = es_streq(azure_text(p, "issuer"), s->wanted->issuer) &&
                es_streq(azure_text(p, "subject"), s->wanted->subject) && has_audience(p);
    s->is_found = s->is_found || fits;
    if (!fits && es_strcaseeq(azure_text(item, "name"), s->wanted->name))
        s->name_taken = true;
    return ENTRASQL_OK;
}

static entrasql_status search(azure_arm *arm, const char *subscription, const char *resource_group,
                              const char *identity, struct search *s, entrasql_error *err)
{
    char what[WHAT_SIZE];
    (void)snprintf(what, sizeof what, "reading the federated credentials of %s", identity);
    const azure_request request = {
        .call = AZURE_FEDERATED_LIST,
        .arguments = {subscription, resource_group, identity},
        .what = what,
        .may_lag = true,
    };
    return azure_arm_list(arm, &request, look, s, err);
}

entrasql_status azure_federated_find(azure_arm *arm, const char *subscription,
                                     const char *resource_group, const char *identity,
                                     const azure_federated *credential, bool *ret_found,
                                     entrasql_error *err)
{
    struct search s = {.wanted = credential};
    ES_TRY(search(arm, subscription, resource_group, identity, &s, err));
    *ret_found = s.is_found;
    return ENTRASQL_OK;
}

static entrasql_status put_federated(azure_arm *arm, const char *subscription,
                                     const char *resource_group, const char *identity,
                                     const azure_federated *credential, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(BODY_MAX);
    json_writer w;
    json_writer_init(&w, &body);
    json_begin_object(&w);
    json_name(&w, "properties");
    json_begin_object(&w);
    json_member_put_string(&w, "issuer", credential->issuer);
    json_member_put_string(&w, "subject", credential->subject);
    json_name(&w, "audiences");
    json_begin_array(&w);
    json_put_string(&w, AZURE_FEDERATED_AUDIENCE);
    json_end_array(&w);
    json_end_object(&w);
    json_end_object(&w);
    ES_TRY(azure_written(&w, err));
    char what[WHAT_SIZE];
    (void)snprintf(what, sizeof what, "writing the federated credential %s of %s", credential->name,
                   identity);
    const azure_request request = {
        .call = AZURE_FEDERATED_PUT,
        .arguments = {subscription, resource_group, identity, credential->name},
        .body = &body,
        .what = what,
        .may_lag = true,
    };
    return azure_arm_call(arm, &request, NULL, err);
}

entrasql_status azure_federated_ensure(azure_arm *arm, const char *subscription,
                                       const char *resource_group, const char *identity,
                                       const azure_federated *credential, bool *ret_changed,
                                       entrasql_error *err)
{
    struct search s = {.wanted = credential};
    *ret_changed = false;
    ES_TRY(search(arm, subscription, resource_group, identity, &s, err));
    if (s.is_found)
        return ENTRASQL_OK;
    if (s.name_taken) {
        es_fail(err, ENTRASQL_EXISTS,
                "the identity %s has a federated credential %s for another issuer or subject",
                identity, credential->name);
        es_hint(err, "give the new one another name, or remove the old one when nobody needs it");
        return ENTRASQL_EXISTS;
    }
    ES_TRY(put_federated(arm, subscription, resource_group, identity, credential, err));
    *ret_changed = true;
    return ENTRASQL_OK;
}

entrasql_status azure_federated_delete(azure_arm *arm, const char *subscription,
                                       const char *resource_group, const char *identity,
                                       const char *name, entrasql_error *err)
{
    char what[WHAT_SIZE];
    (void)snprintf(what, sizeof what, "deleting the federated credential %s of %s", name, identity);
    const azure_request request = {
        .call = AZURE_FEDERATED_DELETE,
        .arguments = {subscription, resource_group, identity, name},
        .what = what,
    };
    return azure_or_gone(azure_arm_call(arm, &request, NULL, err), err);
}
