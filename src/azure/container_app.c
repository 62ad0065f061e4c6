/* SPDX-License-Identifier: MIT */
/*
 * Container Apps. A PATCH is a JSON merge patch (RFC 7396): objects are merged, arrays replaced
 * whole. So a changed variable means the whole array of containers, and nothing beside it. Each
 * such change makes a new revision; with several active ones, traffic does not follow by itself.
 *
 * A variable may be that of a secret of the app ("secretRef"): its value is read with listSecrets,
 * so that a connection string in it can be converted; what replaces it is no secret.
 */
#include "azure/container_secret.h"
#include "azure/fields.h"
#include "azure/host_inner.h"

#include "base/mem.h"

#include <string.h>

static const azure_need read_needs[] = {
    {"Microsoft.App/containerApps/read", "to see the app, its identities and variables"},
    {"Microsoft.App/containerApps/listSecrets/action", "to see variables that are secrets"},
    {NULL, NULL},
};
static const azure_need assign_needs[] = {
    {"Microsoft.App/containerApps/write", "to attach the identity to the app"},
    {"Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
     "to attach this identity to anything"},
    {NULL, NULL},
};
static const azure_need write_needs[] = {
    {"Microsoft.App/containerApps/write", "to write the variables"},
    {NULL, NULL},
};
static const azure_need restart_needs[] = {
    {"Microsoft.App/containerApps/revisions/restart/action", "to restart the revision"},
    {NULL, NULL},
};
static const azure_variable environment[] = {
    {"IDENTITY_ENDPOINT", "where the process asks for tokens"},
    {"IDENTITY_HEADER", "a secret that goes with each request for a token"},
    {"CONTAINER_APP_NAME", "the app's name"},
    {"CONTAINER_APP_REVISION", "the revision's name"},
    {NULL, NULL},
};

static entrasql_status get(azure_arm *arm, const azure_host_ref *ref, azure_reply *ret,
                           entrasql_error *err)
{
    char what[AZURE_WHAT_SIZE];
    const azure_request request = azure_host_request(ref, AZURE_CONTAINER_APP_GET, "reading", what);
    return azure_arm_call(arm, &request, ret, err);
}

static const json_node *containers_of(const azure_reply *reply)
{
    const json_node *properties = json_member(azure_reply_root(reply), "properties");
    return json_member(json_member(properties, "template"), "containers");
}

/* Which of the containers is meant. NOT_FOUND. */
static entrasql_status find_container(const azure_host_ref *ref, const azure_reply *reply,
                                      size_t *ret, entrasql_error *err)
{
    const json_node *containers = containers_of(reply);
    for (size_t i = 0; i < json_count(containers); i++) {
        if (ref->container == NULL ||
            es_strcaseeq(azure_text(json_element(containers, i), "name"), ref->container)) {
            *ret = i;
            return ENTRASQL_OK;
        }
    }
    char title[AZURE_TITLE_SIZE];
    azure_host_title(ref, title, sizeof title);
    return es_fail(err, ENTRASQL_NOT_FOUND, "%s has no container %s", title,
                   ref->container != NULL ? ref->container : "at all");
}

/* ---- reading ---- */

static entrasql_status add_variable(const json_node *entry, const azure_reply *secrets,
                                    azure_host_state *ret, entrasql_error *err)
{
    const char *name = azure_text(entry, "name");
    const char *secret = azure_text(entry, "secretRef");
    const char *value = "";
    size_t n = 0;
    if (*name == '\0')
        return es_fail(err, ENTRASQL_MALFORMED, "a variable in Azure's answer has no name");
    if (*secret != '\0')
        value = azure_container_secret_value(secrets, secret, &n);
    else if (json_member_string(entry, "value", &value, &n) == ENTRASQL_MALFORMED)
        return es_fail(err, ENTRASQL_MALFORMED, "a variable in Azure's answer is no text");
    ES_TRY(azure_setting_add(ret, AZURE_SETTING, name, value, n, NULL, err));
    if (*secret == '\0')
        return ENTRASQL_OK;
    azure_setting *setting = azure_setting_last(ret);
    setting->is_reference = true;
    setting->secret = es_strdup(secret);
    return setting->secret != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status read_variables(azure_arm *arm, const azure_host_ref *ref,
                                      const json_node *env, azure_host_state *ret,
                                      entrasql_error *err)
{
    ES_CLEANUP(azure_reply_done) azure_reply secrets = {0};
    bool has_secret = false;
    for (size_t i = 0; i < json_count(env); i++)
        has_secret = has_secret || *azure_text(json_element(env, i), "secretRef") != '\0';
    if (has_secret)
        ES_TRY(azure_container_secrets(arm, ref, &secrets, err));
    for (size_t i = 0; i < json_count(env); i++)
        ES_TRY(add_variable(json_element(env, i), &secrets, ret, err));
    return ENTRASQL_OK;
}

static bool points_to(const json_node *containers, const char *secret)
{
    for (size_t i = 0; i < json_count(containers); i++) {
        const json_node *env = json_member(json_element(containers, i), "env");
        for (size_t k = 0; k < json_count(env); k++) {
            if (es_strcaseeq(azure_text(json_element(env, k), "secretRef"), secret))
                return true;
        }
    }
    return false;
}

/* Names alone: their values would need a right of their own. */
static entrasql_status read_unread_secrets(const json_node *properties, azure_host_state *ret,
                                           entrasql_error *err)
{
    const json_node *template = json_member(properties, "template");
    const json_node *list = json_member(json_member(properties, "configuration"), "secrets");
    if (json_count(list) == 0)
        return ENTRASQL_OK;
    ret->unread_secrets = es_calloc(json_count(list), sizeof *ret->unread_secrets);
    if (ret->unread_secrets == NULL)
        return es_nomem(err);
    for (size_t i = 0; i < json_count(list); i++) {
        const char *name = azure_text(json_element(list, i), "name");
        if (*name == '\0' || points_to(json_member(template, "containers"), name) ||
            points_to(json_member(template, "initContainers"), name))
            continue;
        char *copy = es_strdup(name);
        if (copy == NULL)
            return es_nomem(err);
        ret->unread_secrets[ret->unread_count++] = copy;
    }
    return ENTRASQL_OK;
}

static entrasql_status read_app(azure_arm *arm, const azure_host_ref *ref, azure_host_state *ret,
                                entrasql_error *err)
{
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    size_t at;
    ES_TRY(get(arm, ref, &reply, err));
    const json_node *root = azure_reply_root(&reply);
    const json_node *properties = json_member(root, "properties");
    ES_TRY(azure_resource_read(root, ret, err));
    ES_TRY(azure_identity_read(root, ret, err));
    ES_TRY(azure_copy_text(properties, "latestRevisionName", &ret->deployment, err));
    ret->many_revisions = es_strcaseeq(
        azure_text(json_member(properties, "configuration"), "activeRevisionsMode"), "Multiple");
    ES_TRY(read_unread_secrets(properties, ret, err));
    ES_TRY(find_container(ref, &reply, &at, err));
    const json_node *container = json_element(containers_of(&reply), at);
    return read_variables(arm, ref, json_member(container, "env"), ret, err);
}

/* ---- writing ---- */

static void put_variable(const azure_change *change, json_writer *w)
{
    json_begin_object(w);
    json_member_put_string(w, "name", change->name);
    if (change->secret != NULL)
        json_member_put_string(w, "secretRef", change->secret);
    else
        json_member_put_string(w, "value", change->value);
    json_end_object(w);
}

static bool lists_variable(const json_node *env, const char *name)
{
    for (size_t i = 0; i < json_count(env); i++) {
        if (es_streq(azure_text(json_element(env, i), "name"), name))
            return true;
    }
    return false;
}

static bool is_as_wanted(const json_node *entry, const azure_change *change)
{
    return change->secret != NULL ? es_streq(azure_text(entry, "secretRef"), change->secret)
                                  : *azure_text(entry, "secretRef") == '\0' &&
                                        es_streq(azure_text(entry, "value"), change->value);
}

static void put_env(const json_node *env, const azure_change *changes, size_t count, json_writer *w)
{
    json_name(w, "env");
    json_begin_array(w);
    for (size_t i = 0; i < json_count(env); i++) {
        const json_node *entry = json_element(env, i);
        const azure_change *change =
            azure_change_find(changes, count, AZURE_SETTING, azure_text(entry, "name"));
        if (change == NULL || (change->value != NULL && is_as_wanted(entry, change)))
            json_put_node(w, entry);
        else if (change->value != NULL)
            put_variable(change, w);
    }
    for (size_t i = 0; i < count; i++) {
        if (changes[i].value != NULL && !lists_variable(env, changes[i].name) &&
            azure_change_find(changes, count, AZURE_SETTING, changes[i].name) == &changes[i])
            put_variable(&changes[i], w);
    }
    json_end_array(w);
}

static void put_container(const json_node *container, const azure_change *changes, size_t count,
                          json_writer *w)
{
    const json_node *env = json_member(container, "env");
    json_begin_object(w);
    for (json_cursor *at = json_cursor_next(container, NULL); at != NULL;
         at = json_cursor_next(container, at)) {
        if (es_streq(json_cursor_name(at), "env"))
            continue;
        json_name(w, json_cursor_name(at));
        json_put_node(w, json_cursor_value(at));
    }
    if (env != NULL || count != 0)
        put_env(env, changes, count, w);
    json_end_object(w);
}

static entrasql_status merge(const azure_reply *reply, size_t which, const azure_change *changes,
                             size_t count, es_buf *out, entrasql_error *err)
{
    const json_node *containers = containers_of(reply);
    json_writer w;
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_name(&w, "properties");
    json_begin_object(&w);
    json_name(&w, "template");
    json_begin_object(&w);
    json_name(&w, "containers");
    json_begin_array(&w);
    for (size_t i = 0; i < json_count(containers); i++)
        put_container(json_element(containers, i), i == which ? changes : NULL,
                      i == which ? count : 0, &w);
    json_end_array(&w);
    json_end_object(&w);
    json_end_object(&w);
    json_end_object(&w);
    return azure_written(&w, err);
}

/* AGAIN: somebody changed the containers between the two reads. */
static entrasql_status write_once(azure_arm *arm, const azure_host_ref *ref,
                                  const azure_change *changes, size_t count, entrasql_error *err)
{
    ES_CLEANUP(azure_reply_done) azure_reply first = {0};
    ES_CLEANUP(azure_reply_done) azure_reply second = {0};
    ES_CLEANUP(es_buf_done) es_buf before = ES_BUF_INIT_WIPE(AZURE_MAX_WRITE);
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT_WIPE(AZURE_MAX_WRITE);
    ES_CLEANUP(es_buf_done) es_buf again = ES_BUF_INIT_WIPE(AZURE_MAX_WRITE);
    size_t at;
    ES_TRY(get(arm, ref, &first, err));
    ES_TRY(find_container(ref, &first, &at, err));
    ES_TRY(merge(&first, at, NULL, 0, &before, err));
    ES_TRY(merge(&first, at, changes, count, &body, err));
    if (azure_buf_equal(&before, &body))
        return ENTRASQL_OK;
    ES_TRY(get(arm, ref, &second, err));
    ES_TRY(merge(&second, at, NULL, 0, &again, err));
    if (!azure_buf_equal(&before, &again))
        return ENTRASQL_AGAIN;
    char what[AZURE_WHAT_SIZE];
    azure_request request =
        azure_host_request(ref, AZURE_CONTAINER_APP_PATCH, "writing the variables of", what);
    request.body = &body;
    return azure_arm_call(arm, &request, NULL, err);
}

static entrasql_status write_variables(azure_arm *arm, const azure_host_ref *ref,
                                       const azure_change *changes, size_t count,
                                       entrasql_error *err)
{
    entrasql_status status = ENTRASQL_AGAIN;
    for (unsigned i = 0; i < AZURE_WRITE_TRIES && status == ENTRASQL_AGAIN; i++)
        status = write_once(arm, ref, changes, count, err);
    if (status == ENTRASQL_AGAIN)
        return azure_settings_unsteady(ref, err);
    ES_TRY(status);
    ES_CLEANUP(azure_host_state_done) azure_host_state after = {0};
    ES_TRY(azure_host_read(arm, ref, &after, err));
    return azure_changes_check(ref, &after, changes, count, err);
}

static entrasql_status set_identity(azure_arm *arm, const azure_host_ref *ref,
                                    const es_buf *identity, entrasql_error *err)
{
    char what[AZURE_WHAT_SIZE];
    azure_request request =
        azure_host_request(ref, AZURE_CONTAINER_APP_PATCH, "changing the identities of", what);
    request.body = identity;
    request.may_lag = true; /* the identity may be new */
    return azure_arm_call(arm, &request, NULL, err);
}

static entrasql_status restart_revision(azure_arm *arm, const azure_host_ref *ref,
                                        entrasql_error *err)
{
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    ES_TRY(get(arm, ref, &reply, err));
    char what[AZURE_WHAT_SIZE];
    azure_request request =
        azure_host_request(ref, AZURE_CONTAINER_APP_REVISION_RESTART, "restarting", what);
    request.arguments[3] =
        azure_text(json_member(azure_reply_root(&reply), "properties"), "latestRevisionName");
    if (*request.arguments[3] == '\0')
        return es_fail(err, ENTRASQL_NOT_FOUND, "%s: it has no revision yet", what);
    return azure_arm_call(arm, &request, NULL, err);
}

const azure_host azure_host_container_app = {
    .name = "container-app",
    .title = "container app",
    .features = AZURE_HOST_WRITES_SETTINGS | AZURE_HOST_RESTARTS_ON_WRITE |
                AZURE_HOST_HAS_SYSTEM_IDENTITY | AZURE_HOST_ASSIGNS,
    .read_needs = read_needs,
    .assign_needs = assign_needs,
    .write_needs = write_needs,
    .restart_needs = restart_needs,
    .environment = environment,
    .read = read_app,
    .set_identity = set_identity,
    .write = write_variables,
    .restart = restart_revision,
};
