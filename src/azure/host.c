/* SPDX-License-Identifier: MIT */
/* What all hosts have in common: the list, names, the state, and the safe way to assign. */
#include "azure/fields.h"
#include "azure/host_inner.h"
#include "azure/resource_id.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

static const azure_host *const hosts[] = {
    &azure_host_app_service,
    &azure_host_function_app,
    &azure_host_container_app,
    &azure_host_spring_app,
    &azure_host_vm,
    &azure_host_vmss,
    &azure_host_aks,
    NULL,
};

const azure_host *const *azure_hosts(void)
{
    return hosts;
}

const azure_host *azure_host_by_name(const char *name)
{
    for (size_t i = 0; hosts[i] != NULL; i++) {
        if (es_strcaseeq(hosts[i]->name, name))
            return hosts[i];
    }
    return NULL;
}

/* ---- names ---- */

static entrasql_status check_name(const char *what, const char *value, bool is_needed,
                                  entrasql_error *err)
{
    if (value == NULL && !is_needed)
        return ENTRASQL_OK;
    if (value != NULL && azure_segment_is_valid(value, strlen(value)))
        return ENTRASQL_OK;
    return value == NULL ? es_fail(err, ENTRASQL_INVALID, "the name of the %s is missing", what)
                         : es_fail(err, ENTRASQL_INVALID, "that is no name of a %s on Azure", what);
}

entrasql_status azure_host_ref_check(const azure_host_ref *ref, entrasql_error *err)
{
    if (!azure_subscription_is_valid(ref->subscription))
        return es_fail(err, ENTRASQL_INVALID, "the subscription's id is missing or no GUID");
    ES_TRY(check_name("resource group", ref->resource_group, true, err));
    ES_TRY(check_name(ref->host->title, ref->name, true, err));
    if (ref->slot != NULL && (ref->host->features & AZURE_HOST_HAS_SLOTS) == 0)
        return es_fail(err, ENTRASQL_INVALID,
                       "a slot belongs to App Service and Functions, not to "
                       "%s",
                       ref->host->title);
    ES_TRY(check_name("slot", ref->slot, false, err));
    bool has_service = (ref->host->features & AZURE_HOST_HAS_SERVICE) != 0;
    ES_TRY(check_name("Spring Apps service", ref->service, has_service, err));
    ES_TRY(check_name("deployment", ref->deployment, false, err));
    return check_name("container", ref->container, false, err);
}

void azure_host_title(const azure_host_ref *ref, char *ret, size_t size)
{
    if (ref->slot != NULL)
        (void)snprintf(ret, size, "%s %s (slot %s)", ref->host->title, ref->name, ref->slot);
    else
        (void)snprintf(ret, size, "%s %s", ref->host->title, ref->name);
}

void azure_host_what(const azure_host_ref *ref, const char *doing, char ret[AZURE_WHAT_SIZE])
{
    char title[AZURE_TITLE_SIZE];
    azure_host_title(ref, title, sizeof title);
    (void)snprintf(ret, AZURE_WHAT_SIZE, "%s %s", doing, title);
}

azure_request azure_host_request(const azure_host_ref *ref, azure_call_id call, const char *doing,
                                 char what[AZURE_WHAT_SIZE])
{
    azure_host_what(ref, doing, what);
    return (azure_request){
        .call = call,
        .arguments = {ref->subscription, ref->resource_group, ref->name},
        .what = what,
    };
}

void azure_host_system_name(const azure_host_ref *ref, char *ret, size_t size)
{
    if (ref->slot != NULL)
        (void)snprintf(ret, size, "%s/slots/%s", ref->name, ref->slot);
    else if (ref->service != NULL)
        (void)snprintf(ret, size, "%s/apps/%s", ref->service, ref->name);
    else
        (void)snprintf(ret, size, "%s", ref->name);
}

/* App Service's own prefixes (azure-docs, configure-common.md). */
void azure_setting_variable(const azure_setting *setting, char *ret, size_t size)
{
    static const struct {
        const char *type, *prefix;
    } prefixes[] = {
        {"SQLAzure", "SQLAZURECONNSTR_"},
        {"SQLServer", "SQLCONNSTR_"},
        {"MySql", "MYSQLCONNSTR_"},
        {"PostgreSQL", "POSTGRESQLCONNSTR_"},
    };
    const char *prefix = "";
    if (setting->kind == AZURE_CONNECTION_STRING) {
        prefix = "CUSTOMCONNSTR_";
        for (size_t i = 0; i < ES_COUNT_OF(prefixes); i++) {
            if (es_strcaseeq(setting->type, prefixes[i].type))
                prefix = prefixes[i].prefix;
        }
    }
    (void)snprintf(ret, size, "%s%s", prefix, setting->name);
}

/* ---- state ---- */

static void assigned_done(azure_assigned *a)
{
    es_free(a->id);
    es_free(a->client_id);
    es_free(a->principal_id);
}

void azure_host_state_done(azure_host_state *state)
{
    es_free(state->id);
    es_free(state->location);
    es_free(state->kind);
    es_free(state->system_principal_id);
    es_free(state->tenant_id);
    es_free(state->deployment);
    es_free(state->oidc_issuer);
    assigned_done(&state->kubelet);
    for (size_t i = 0; i < state->identity_count; i++)
        assigned_done(&state->identities[i]);
    es_free(state->identities);
    for (size_t i = 0; i < state->setting_count; i++) {
        es_free(state->settings[i].name);
        es_free_wipe_str(state->settings[i].value);
        es_free(state->settings[i].type);
        es_free(state->settings[i].secret);
    }
    es_free(state->settings);
    for (size_t i = 0; i < state->unread_count; i++)
        es_free(state->unread_secrets[i]);
    es_free(state->unread_secrets);
    *state = (azure_host_state){0};
}

const azure_assigned *azure_host_find_identity(const azure_host_state *state, const char *id)
{
    for (size_t i = 0; i < state->identity_count; i++) {
        if (azure_id_equal(state->identities[i].id, id))
            return &state->identities[i];
    }
    return NULL;
}

/* Names of settings differ by case on Linux, where they become variables. */
const azure_setting *azure_host_find_setting(const azure_host_state *state, azure_setting_kind kind,
                                             const char *name)
{
    for (size_t i = 0; i < state->setting_count; i++) {
        if (state->settings[i].kind == kind && es_streq(state->settings[i].name, name))
            return &state->settings[i];
    }
    return NULL;
}

entrasql_status azure_resource_read(const json_node *root, azure_host_state *ret,
                                    entrasql_error *err)
{
    ES_TRY(azure_copy_text(root, "id", &ret->id, err));
    ES_TRY(azure_copy_text(root, "location", &ret->location, err));
    ES_TRY(azure_copy_text(root, "kind", &ret->kind, err));
    if (ret->id == NULL)
        return es_fail(err, ENTRASQL_MALFORMED, "Azure's answer is no resource: it has no id");
    azure_id id;
    return azure_id_parse(ret->id, &id, err);
}

static entrasql_status read_assigned(const json_node *map, azure_host_state *ret,
                                     entrasql_error *err)
{
    size_t count = json_count(map);
    if (count > AZURE_MAX_IDENTITIES)
        return es_fail(err, ENTRASQL_LIMIT, "Azure lists %zu identities of one resource", count);
    if (count == 0)
        return ENTRASQL_OK;
    ret->identities = es_calloc(count, sizeof *ret->identities);
    if (ret->identities == NULL)
        return es_nomem(err);
    for (json_cursor *at = json_cursor_next(map, NULL); at != NULL;
         at = json_cursor_next(map, at)) {
        azure_assigned *a = &ret->identities[ret->identity_count];
        a->id = es_strdup(json_cursor_name(at));
        if (a->id == NULL)
            return es_nomem(err);
        ret->identity_count++;
        ES_TRY(azure_copy_text(json_cursor_value(at), "clientId", &a->client_id, err));
        ES_TRY(azure_copy_text(json_cursor_value(at), "principalId", &a->principal_id, err));
    }
    return ENTRASQL_OK;
}

entrasql_status azure_identity_read(const json_node *root, azure_host_state *ret,
                                    entrasql_error *err)
{
    const json_node *identity = json_member(root, "identity");
    const char *type = azure_text(identity, "type");
    /* "SystemAssigned, UserAssigned", with or without the blank, of any case. */
    ret->has_system_identity = es_strncaseeq(type, "SystemAssigned", strlen("SystemAssigned"));
    ES_TRY(azure_copy_text(identity, "principalId", &ret->system_principal_id, err));
    ES_TRY(azure_copy_text(identity, "tenantId", &ret->tenant_id, err));
    return read_assigned(json_member(identity, "userAssignedIdentities"), ret, err);
}

bool azure_is_key_vault_reference(const char *value)
{
    return value != NULL &&
           es_strncaseeq(value, "@Microsoft.KeyVault(", strlen("@Microsoft.KeyVault("));
}

entrasql_status azure_setting_add(azure_host_state *state, azure_setting_kind kind,
                                  const char *name, const char *value, size_t value_len,
                                  const char *type, entrasql_error *err)
{
    if (state->setting_count == AZURE_MAX_SETTINGS)
        return es_fail(err, ENTRASQL_LIMIT, "more than %d settings", AZURE_MAX_SETTINGS);
    azure_setting *longer =
        es_reallocarray(state->settings, state->setting_count + 1, sizeof *longer);
    if (longer == NULL)
        return es_nomem(err);
    state->settings = longer;
    azure_setting *s = &longer[state->setting_count++];
    *s = (azure_setting){
        .kind = kind,
        .name = es_strdup(name),
        .value = value != NULL ? es_strndup(value, value_len) : NULL,
        .type = es_strdup(type),
    };
    if (s->name == NULL || (value != NULL && s->value == NULL) || (type != NULL && s->type == NULL))
        return es_nomem(err);
    s->is_reference = azure_is_key_vault_reference(s->value);
    return ENTRASQL_OK;
}

azure_setting *azure_setting_last(azure_host_state *state)
{
    return &state->settings[state->setting_count - 1];
}

/* ---- changes ---- */

const azure_change *azure_change_find(const azure_change *changes, size_t count,
                                      azure_setting_kind kind, const char *name)
{
    for (size_t i = count; i > 0; i--) {
        if (changes[i - 1].kind == kind && es_streq(changes[i - 1].name, name))
            return &changes[i - 1];
    }
    return NULL;
}

static bool is_done(const azure_change *change, const azure_setting *setting)
{
    if (change->value == NULL)
        return setting == NULL;
    if (setting == NULL)
        return false;
    return change->secret != NULL ? es_streq(change->secret, setting->secret)
                                  : es_streq(change->value, setting->value);
}

entrasql_status azure_changes_check(const azure_host_ref *ref, const azure_host_state *state,
                                    const azure_change *changes, size_t count, entrasql_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const azure_change *change = &changes[i];
        if (change != azure_change_find(changes, count, change->kind, change->name) ||
            is_done(change, azure_host_find_setting(state, change->kind, change->name)))
            continue;
        char title[AZURE_TITLE_SIZE];
        azure_host_title(ref, title, sizeof title);
        es_fail(err, ENTRASQL_BUSY, "%s: the setting %s is not as it was just written", title,
                change->name);
        es_hint(err,
                "somebody else writes settings at the same time: look at them, then try again");
        return ENTRASQL_BUSY;
    }
    return ENTRASQL_OK;
}

bool azure_buf_equal(const es_buf *a, const es_buf *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

entrasql_status azure_settings_unsteady(const azure_host_ref *ref, entrasql_error *err)
{
    char title[AZURE_TITLE_SIZE];
    azure_host_title(ref, title, sizeof title);
    es_fail(err, ENTRASQL_BUSY, "%s: its settings change all the time", title);
    es_hint(err, "somebody else writes settings at the same time: try again when they are done");
    return ENTRASQL_BUSY;
}

/* ---- identities ---- */

static const char *type_of(bool system, bool user)
{
    if (system)
        return user ? "SystemAssigned, UserAssigned" : "SystemAssigned";
    return user ? "UserAssigned" : "None";
}

void azure_identity_write(const azure_host_state *state, const char *id, bool remove,
                          json_writer *w)
{
    bool system = id == NULL ? !remove : state->has_system_identity;
    bool is_there = azure_host_find_identity(state, id) != NULL;
    size_t left = state->identity_count;
    if (id != NULL && remove && is_there)
        left--;
    else if (id != NULL && !remove && !is_there)
        left++;
    json_name(w, "identity");
    json_begin_object(w);
    json_member_put_string(w, "type", type_of(system, left != 0));
    /* An empty map is refused (MissingIdentityIds), so is one beside another type. */
    if (left != 0) {
        json_name(w, "userAssignedIdentities");
        json_begin_object(w);
        for (size_t i = 0; i < state->identity_count; i++) {
            json_name(w, state->identities[i].id);
            if (remove && azure_id_equal(state->identities[i].id, id)) {
                json_put_null(w);
            } else {
                json_begin_object(w);
                json_end_object(w);
            }
        }
        if (id != NULL && !remove && !is_there) {
            json_name(w, id);
            json_begin_object(w);
            json_end_object(w);
        }
        json_end_object(w);
    }
    json_end_object(w);
}

/* What was there before and must be there still, apart from `except`. */
static entrasql_status check_kept(const azure_host_ref *ref, const azure_host_state *before,
                                  const azure_host_state *after, const char *except,
                                  bool system_too, entrasql_error *err)
{
    char title[AZURE_TITLE_SIZE];
    azure_host_title(ref, title, sizeof title);
    for (size_t i = 0; i < before->identity_count; i++) {
        const char *id = before->identities[i].id;
        if (!azure_id_equal(id, except) && azure_host_find_identity(after, id) == NULL)
            return es_fail(err, ENTRASQL_MALFORMED, "%s lost its identity %s meanwhile", title, id);
    }
    if (system_too && before->has_system_identity &&
        (!after->has_system_identity ||
         !es_streq(before->system_principal_id, after->system_principal_id)))
        return es_fail(err, ENTRASQL_MALFORMED,
                       "%s lost its system-assigned identity meanwhile: database users made for "
                       "it are orphans",
                       title);
    return ENTRASQL_OK;
}

static bool has_identity(const azure_host_state *state, const char *id)
{
    return id == NULL ? state->has_system_identity : azure_host_find_identity(state, id) != NULL;
}

static entrasql_status put_identity(azure_arm *arm, const azure_host_ref *ref,
                                    const azure_host_state *before, const char *id, bool remove,
                                    entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(AZURE_MAX_WRITE);
    json_writer w;
    json_writer_init(&w, &body);
    json_begin_object(&w);
    azure_identity_write(before, id, remove, &w);
    json_end_object(&w);
    ES_TRY(azure_written(&w, err));
    return ref->host->set_identity(arm, ref, &body, err);
}

static entrasql_status no_such_call(const azure_host_ref *ref, const char *what,
                                    entrasql_error *err)
{
    return es_fail(err, ENTRASQL_UNSUPPORTED, "%s: Azure has no call that %s", ref->host->title,
                   what);
}

static entrasql_status change_identity(azure_arm *arm, const azure_host_ref *ref, const char *id,
                                       bool remove, bool *ret_changed, entrasql_error *err)
{
    if (ref->host->set_identity == NULL)
        return no_such_call(ref, "attaches an identity to it", err);
    ES_CLEANUP(azure_host_state_done) azure_host_state before = {0};
    ES_CLEANUP(azure_host_state_done) azure_host_state after = {0};
    *ret_changed = false;
    ES_TRY(azure_host_read(arm, ref, &before, err));
    if (has_identity(&before, id) == !remove)
        return ENTRASQL_OK;
    ES_TRY(put_identity(arm, ref, &before, id, remove, err));
    *ret_changed = true;
    ES_TRY(azure_host_read(arm, ref, &after, err));
    char title[AZURE_TITLE_SIZE];
    azure_host_title(ref, title, sizeof title);
    if (has_identity(&after, id) == remove)
        return es_fail(err, ENTRASQL_MALFORMED,
                       "%s: Azure reports success, but the identity is %s there", title,
                       remove ? "still" : "not");
    return check_kept(ref, &before, &after, remove ? id : NULL, !(remove && id == NULL), err);
}

/* ---- the calls ---- */

entrasql_status azure_host_read(azure_arm *arm, const azure_host_ref *ref, azure_host_state *ret,
                                entrasql_error *err)
{
    *ret = (azure_host_state){0};
    ES_TRY(azure_host_ref_check(ref, err));
    return ref->host->read(arm, ref, ret, err);
}

entrasql_status azure_host_assign(azure_arm *arm, const azure_host_ref *ref, const char *id,
                                  bool *ret_changed, entrasql_error *err)
{
    return change_identity(arm, ref, id, false, ret_changed, err);
}

entrasql_status azure_host_unassign(azure_arm *arm, const azure_host_ref *ref, const char *id,
                                    bool *ret_changed, entrasql_error *err)
{
    return change_identity(arm, ref, id, true, ret_changed, err);
}

entrasql_status azure_host_write(azure_arm *arm, const azure_host_ref *ref,
                                 const azure_change *changes, size_t count, entrasql_error *err)
{
    ES_TRY(azure_host_ref_check(ref, err));
    if (ref->host->write == NULL)
        return no_such_call(ref, "writes the application's environment", err);
    return count != 0 ? ref->host->write(arm, ref, changes, count, err) : ENTRASQL_OK;
}

entrasql_status azure_host_restart(azure_arm *arm, const azure_host_ref *ref, entrasql_error *err)
{
    ES_TRY(azure_host_ref_check(ref, err));
    if (ref->host->restart == NULL)
        return no_such_call(ref, "restarts the application", err);
    return ref->host->restart(arm, ref, err);
}
