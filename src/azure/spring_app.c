/* SPDX-License-Identifier: MIT */
/*
 * Spring Apps (in retirement since March 2025). Identities belong to the app, variables to its
 * deployments; the active one counts unless another is named. Whether a PATCH merges the map of
 * variables or replaces it is not documented, so the whole map is sent, and what is to go and is
 * still there afterwards is sent again as null.
 */
#include "azure/fields.h"
#include "azure/host_inner.h"

#include "base/mem.h"

#include <string.h>

static const azure_need read_needs[] = {
    {"Microsoft.AppPlatform/Spring/apps/read", "to see the app and its identities"},
    {"Microsoft.AppPlatform/Spring/apps/deployments/read", "to see the variables"},
    {NULL, NULL},
};
static const azure_need assign_needs[] = {
    {"Microsoft.AppPlatform/Spring/apps/write", "to attach the identity to the app"},
    {"Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
     "to attach this identity to anything"},
    {NULL, NULL},
};
static const azure_need write_needs[] = {
    {"Microsoft.AppPlatform/Spring/apps/deployments/write", "to write the variables"},
    {NULL, NULL},
};
static const azure_need restart_needs[] = {
    {"Microsoft.AppPlatform/Spring/apps/deployments/restart/action", "to restart the deployment"},
    {NULL, NULL},
};
static const azure_variable environment[] = {
    {"IDENTITY_ENDPOINT", "where the process asks for tokens"},
    {"IDENTITY_HEADER", "a secret that goes with each request for a token"},
    {NULL, NULL},
};

static azure_request request_of(const azure_host_ref *ref, azure_call_id call,
                                const char *deployment, const char *doing,
                                char what[AZURE_WHAT_SIZE])
{
    azure_host_what(ref, doing, what);
    return (azure_request){
        .call = call,
        .arguments = {ref->subscription, ref->resource_group, ref->service, ref->name, deployment},
        .what = what,
    };
}

/* ---- deployments ---- */

/* The deployment that is meant: its name and, as JSON, its map of variables. */
typedef struct deployment {
    const char *wanted; /* NULL: the active one */
    char *name;
    es_buf variables; /* wiping; empty: none */
} deployment;

static void deployment_done(deployment *d)
{
    es_free(d->name);
    es_buf_done(&d->variables);
}

static entrasql_status look(void *context, const json_node *item, entrasql_error *err)
{
    deployment *d = context;
    const json_node *properties = json_member(item, "properties");
    bool is_active = false;
    bool fits =
        d->wanted != NULL
            ? es_strcaseeq(azure_text(item, "name"), d->wanted)
            : json_member_bool(properties, "active", &is_active) == ENTRASQL_OK && is_active;
    if (!fits || d->name != NULL)
        return ENTRASQL_OK;
    ES_TRY(azure_copy_text(item, "name", &d->name, err));
    const json_node *map =
        json_member(json_member(properties, "deploymentSettings"), "environmentVariables");
    if (json_node_kind(map) != JSON_KIND_OBJECT)
        return ENTRASQL_OK;
    json_writer w;
    json_writer_init(&w, &d->variables);
    json_put_node(&w, map);
    return azure_written(&w, err);
}

static entrasql_status find_deployment(azure_arm *arm, const azure_host_ref *ref, deployment *ret,
                                       entrasql_error *err)
{
    char what[AZURE_WHAT_SIZE];
    const azure_request request =
        request_of(ref, AZURE_SPRING_DEPLOYMENTS_LIST, NULL, "reading the deployments of", what);
    *ret = (deployment){
        .wanted = ref->deployment,
        .variables = ES_BUF_INIT_WIPE(AZURE_MAX_WRITE),
    };
    ES_TRY(azure_arm_list(arm, &request, look, ret, err));
    if (ret->name != NULL)
        return ENTRASQL_OK;
    char title[AZURE_TITLE_SIZE];
    azure_host_title(ref, title, sizeof title);
    return ref->deployment != NULL
               ? es_fail(err, ENTRASQL_NOT_FOUND, "%s has no deployment %s", title, ref->deployment)
               : es_fail(err, ENTRASQL_NOT_FOUND, "%s has no active deployment", title);
}

static entrasql_status parse_variables(const deployment *d, json_doc **ret, entrasql_error *err)
{
    *ret = NULL;
    return d->variables.len != 0 ? json_doc_parse(d->variables.data, d->variables.len, ret, err)
                                 : ENTRASQL_OK;
}

/* ---- reading ---- */

static entrasql_status read_variables(const deployment *d, azure_host_state *ret,
                                      entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    ES_TRY(parse_variables(d, &doc, err));
    const json_node *map = doc != NULL ? json_doc_root(doc) : NULL;
    for (json_cursor *at = json_cursor_next(map, NULL); at != NULL;
         at = json_cursor_next(map, at)) {
        const char *value = "";
        size_t n = 0;
        if (json_node_string(json_cursor_value(at), &value, &n) != ENTRASQL_OK)
            return es_fail(err, ENTRASQL_MALFORMED, "a variable in Azure's answer is no text");
        ES_TRY(azure_setting_add(ret, AZURE_SETTING, json_cursor_name(at), value, n, NULL, err));
    }
    return ENTRASQL_OK;
}

static entrasql_status read_app(azure_arm *arm, const azure_host_ref *ref, azure_host_state *ret,
                                entrasql_error *err)
{
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    ES_CLEANUP(deployment_done) deployment d = {0};
    char what[AZURE_WHAT_SIZE];
    const azure_request request = request_of(ref, AZURE_SPRING_APP_GET, NULL, "reading", what);
    ES_TRY(azure_arm_call(arm, &request, &reply, err));
    ES_TRY(azure_resource_read(azure_reply_root(&reply), ret, err));
    ES_TRY(azure_identity_read(azure_reply_root(&reply), ret, err));
    ES_TRY(find_deployment(arm, ref, &d, err));
    ret->deployment = es_strdup(d.name);
    return ret->deployment != NULL ? read_variables(&d, ret, err) : es_nomem(err);
}

/* ---- writing ---- */

/* The map with the changes; what is removed is left out, or null. */
static entrasql_status merge(const json_node *map, const azure_change *changes, size_t count,
                             bool with_null, es_buf *out, entrasql_error *err)
{
    json_writer w;
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_name(&w, "properties");
    json_begin_object(&w);
    json_name(&w, "deploymentSettings");
    json_begin_object(&w);
    json_name(&w, "environmentVariables");
    json_begin_object(&w);
    for (json_cursor *at = json_cursor_next(map, NULL); at != NULL;
         at = json_cursor_next(map, at)) {
        const azure_change *change =
            azure_change_find(changes, count, AZURE_SETTING, json_cursor_name(at));
        if (change != NULL && change->value == NULL && !with_null)
            continue;
        json_name(&w, json_cursor_name(at));
        if (change != NULL)
            json_put_string(&w, change->value);
        else
            json_put_node(&w, json_cursor_value(at));
    }
    for (size_t i = 0; i < count; i++) {
        if (changes[i].value == NULL || json_member(map, changes[i].name) != NULL ||
            azure_change_find(changes, count, AZURE_SETTING, changes[i].name) != &changes[i])
            continue;
        json_member_put_string(&w, changes[i].name, changes[i].value);
    }
    json_end_object(&w);
    json_end_object(&w);
    json_end_object(&w);
    json_end_object(&w);
    return azure_written(&w, err);
}

/* AGAIN: somebody changed the variables between the two reads. */
static entrasql_status write_once(azure_arm *arm, const azure_host_ref *ref,
                                  const azure_change *changes, size_t count, bool with_null,
                                  entrasql_error *err)
{
    ES_CLEANUP(deployment_done) deployment first = {0};
    ES_CLEANUP(deployment_done) deployment second = {0};
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    ES_CLEANUP(es_buf_done) es_buf before = ES_BUF_INIT_WIPE(AZURE_MAX_WRITE);
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT_WIPE(AZURE_MAX_WRITE);
    ES_TRY(find_deployment(arm, ref, &first, err));
    ES_TRY(parse_variables(&first, &doc, err));
    const json_node *map = doc != NULL ? json_doc_root(doc) : NULL;
    ES_TRY(merge(map, NULL, 0, false, &before, err));
    ES_TRY(merge(map, changes, count, with_null, &body, err));
    if (azure_buf_equal(&before, &body))
        return ENTRASQL_OK;
    ES_TRY(find_deployment(arm, ref, &second, err));
    if (!azure_buf_equal(&first.variables, &second.variables))
        return ENTRASQL_AGAIN;
    char what[AZURE_WHAT_SIZE];
    azure_request request = request_of(ref, AZURE_SPRING_DEPLOYMENT_PATCH, first.name,
                                       "writing the variables of", what);
    request.body = &body;
    return azure_arm_call(arm, &request, NULL, err);
}

static entrasql_status write_steadily(azure_arm *arm, const azure_host_ref *ref,
                                      const azure_change *changes, size_t count, bool with_null,
                                      entrasql_error *err)
{
    entrasql_status status = ENTRASQL_AGAIN;
    for (unsigned i = 0; i < AZURE_WRITE_TRIES && status == ENTRASQL_AGAIN; i++)
        status = write_once(arm, ref, changes, count, with_null, err);
    return status == ENTRASQL_AGAIN ? azure_settings_unsteady(ref, err) : status;
}

static bool is_left(const azure_host_state *state, const azure_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (changes[i].value == NULL &&
            azure_host_find_setting(state, AZURE_SETTING, changes[i].name) != NULL)
            return true;
    }
    return false;
}

static entrasql_status write_variables(azure_arm *arm, const azure_host_ref *ref,
                                       const azure_change *changes, size_t count,
                                       entrasql_error *err)
{
    ES_TRY(write_steadily(arm, ref, changes, count, false, err));
    ES_CLEANUP(azure_host_state_done) azure_host_state after = {0};
    ES_TRY(azure_host_read(arm, ref, &after, err));
    if (is_left(&after, changes, count)) {
        ES_TRY(write_steadily(arm, ref, changes, count, true, err));
        azure_host_state_done(&after);
        ES_TRY(azure_host_read(arm, ref, &after, err));
    }
    return azure_changes_check(ref, &after, changes, count, err);
}

static entrasql_status set_identity(azure_arm *arm, const azure_host_ref *ref,
                                    const es_buf *identity, entrasql_error *err)
{
    char what[AZURE_WHAT_SIZE];
    azure_request request =
        request_of(ref, AZURE_SPRING_APP_PATCH, NULL, "changing the identities of", what);
    request.body = identity;
    request.may_lag = true; /* the identity may be new */
    return azure_arm_call(arm, &request, NULL, err);
}

static entrasql_status restart_deployment(azure_arm *arm, const azure_host_ref *ref,
                                          entrasql_error *err)
{
    ES_CLEANUP(deployment_done) deployment d = {0};
    ES_TRY(find_deployment(arm, ref, &d, err));
    char what[AZURE_WHAT_SIZE];
    const azure_request request =
        request_of(ref, AZURE_SPRING_DEPLOYMENT_RESTART, d.name, "restarting", what);
    return azure_arm_call(arm, &request, NULL, err);
}

const azure_host azure_host_spring_app = {
    .name = "spring-app",
    .title = "Spring app",
    .features = AZURE_HOST_HAS_SERVICE | AZURE_HOST_WRITES_SETTINGS | AZURE_HOST_RESTARTS_ON_WRITE |
                AZURE_HOST_HAS_SYSTEM_IDENTITY | AZURE_HOST_ASSIGNS,
    .read_needs = read_needs,
    .assign_needs = assign_needs,
    .write_needs = write_needs,
    .restart_needs = restart_needs,
    .environment = environment,
    .read = read_app,
    .set_identity = set_identity,
    .write = write_variables,
    .restart = restart_deployment,
};
