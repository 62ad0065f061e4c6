/* SPDX-License-Identifier: MIT */
/*
 * The client as a program, for tests/e2e/test_azure_hosts.py:
 *
 *   azure_host SUBSCRIPTION GROUP KIND NAME read|system|restart|enable|kubelet
 *   azure_host SUBSCRIPTION GROUP KIND NAME assign|unassign ID     ("system": its own)
 *   azure_host SUBSCRIPTION GROUP KIND NAME write NAME=VALUE|NAME- ...
 *
 * SLOT, SERVICE and CONTAINER of the environment go with the name. One JSON object is printed.
 */
#include "azure/aks.h"
#include "azure/host.h"
#include "azure/identity.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CHANGES 16

static void put_state(const azure_host_state *s, json_writer *w)
{
    json_member_put_string(w, "id", s->id);
    json_member_put_bool(w, "system", s->has_system_identity);
    json_member_put_string(w, "oidc_issuer", s->oidc_issuer);
    json_member_put_bool(w, "workload_identity", s->workload_identity);
    json_member_put_string(w, "kubelet", s->kubelet.id);
    json_member_put_string(w, "principal", s->system_principal_id);
    json_name(w, "identities");
    json_begin_array(w);
    for (size_t i = 0; i < s->identity_count; i++)
        json_put_string(w, s->identities[i].id);
    json_end_array(w);
    json_name(w, "settings");
    json_begin_object(w);
    for (size_t i = 0; i < s->setting_count; i++) {
        if (s->settings[i].kind == AZURE_SETTING)
            json_member_put_string(w, s->settings[i].name, s->settings[i].value);
    }
    json_end_object(w);
}

static entrasql_status read_host(azure_arm *arm, const azure_host_ref *ref, json_writer *w,
                                 entrasql_error *err)
{
    ES_CLEANUP(azure_host_state_done) azure_host_state state = {0};
    ES_TRY(azure_host_read(arm, ref, &state, err));
    put_state(&state, w);
    return ENTRASQL_OK;
}

static entrasql_status change_identity(azure_arm *arm, const azure_host_ref *ref, const char *verb,
                                       const char *id, json_writer *w, entrasql_error *err)
{
    bool changed = false;
    const char *which = es_streq(id, "system") ? NULL : id;
    ES_TRY(es_streq(verb, "assign") ? azure_host_assign(arm, ref, which, &changed, err)
                                    : azure_host_unassign(arm, ref, which, &changed, err));
    json_member_put_bool(w, "changed", changed);
    return ENTRASQL_OK;
}

static entrasql_status write_settings(azure_arm *arm, const azure_host_ref *ref, char **pairs,
                                      entrasql_error *err)
{
    azure_change changes[MAX_CHANGES] = {{0}};
    size_t n = 0;
    for (; pairs[n] != NULL && n < MAX_CHANGES; n++) {
        char *end = strpbrk(pairs[n], "=-");
        if (end == NULL)
            return es_fail(err, ENTRASQL_INVALID, "NAME=VALUE or NAME-");
        changes[n].value = *end == '=' ? end + 1 : NULL;
        *end = '\0';
        changes[n].name = pairs[n];
    }
    return azure_host_write(arm, ref, changes, n, err);
}

static entrasql_status use_cluster(azure_arm *arm, const azure_host_ref *ref, const char *verb,
                                   json_writer *w, entrasql_error *err)
{
    bool changed = false;
    azure_identity identity;
    if (es_streq(verb, "enable")) {
        ES_TRY(azure_aks_enable(arm, ref, &changed, err));
    } else {
        ES_TRY(azure_identity_get(arm, ref->subscription, ref->resource_group, getenv("IDENTITY"),
                                  &identity, err));
        ES_TRY(azure_aks_use_kubelet(arm, ref, &identity, &changed, err));
    }
    json_member_put_bool(w, "changed", changed);
    return ENTRASQL_OK;
}

/* The client id behind the system-assigned identity. */
static entrasql_status read_system(azure_arm *arm, const azure_host_ref *ref, json_writer *w,
                                   entrasql_error *err)
{
    ES_CLEANUP(azure_host_state_done) azure_host_state state = {0};
    azure_identity identity;
    ES_TRY(azure_host_read(arm, ref, &state, err));
    ES_TRY(azure_system_identity_get(arm, state.id, &identity, err));
    json_member_put_string(w, "client_id", identity.client_id);
    json_member_put_string(w, "principal_id", identity.principal_id);
    return ENTRASQL_OK;
}

static entrasql_status serve(azure_arm *arm, const azure_host_ref *ref, char **rest, json_writer *w,
                             entrasql_error *err)
{
    if (es_streq(rest[0], "read"))
        return read_host(arm, ref, w, err);
    if (es_streq(rest[0], "system"))
        return read_system(arm, ref, w, err);
    if (es_streq(rest[0], "restart"))
        return azure_host_restart(arm, ref, err);
    if (es_streq(rest[0], "write"))
        return write_settings(arm, ref, rest + 1, err);
    if (es_streq(rest[0], "enable") || es_streq(rest[0], "kubelet"))
        return use_cluster(arm, ref, rest[0], w, err);
    return change_identity(arm, ref, rest[0], rest[1], w, err);
}

static void put_error(const azure_arm *arm, const entrasql_error *err, json_writer *w)
{
    json_member_put_string(w, "error", entrasql_status_name(err->status));
    json_member_put_string(w, "message", err->message);
    json_member_put_string(w, "hint", err->hint);
    json_member_put_i64(w, "number", err->number);
    if (arm != NULL) {
        json_member_put_string(w, "code", azure_arm_failure(arm)->code);
        json_member_put_string(w, "action", azure_arm_failure(arm)->action);
        json_member_put_string(w, "role", azure_arm_failure(arm)->role);
    }
}

static entrasql_status connect_arm(azure_arm **ret, entrasql_error *err)
{
    entrasql_credential *credential = NULL;
    ES_TRY(entrasql_default_azure_credential_new(NULL, &credential, err));
    const azure_arm_options options = {.credential = credential, .poll_ms = 100};
    entrasql_status status = azure_arm_new(&options, ret, err);
    entrasql_credential_unref(credential);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 6)
        return 2;
    const azure_host_ref ref = {
        .host = azure_host_by_name(argv[3]),
        .subscription = argv[1],
        .resource_group = argv[2],
        .name = argv[4],
        .slot = getenv("SLOT"),
        .service = getenv("SERVICE"),
        .container = getenv("CONTAINER"),
    };
    es_buf out = ES_BUF_INIT_WIPE(1024 * 1024);
    json_writer w;
    entrasql_error err;
    azure_arm *arm = NULL;
    json_writer_init(&w, &out);
    json_begin_object(&w);
    entrasql_status status = connect_arm(&arm, &err);
    if (status == ENTRASQL_OK)
        status = serve(arm, &ref, argv + 5, &w, &err);
    if (status != ENTRASQL_OK)
        put_error(arm, &err, &w);
    json_end_object(&w);
    if (json_writer_end(&w) == ENTRASQL_OK)
        (void)printf("%s\n", es_buf_cstr(&out));
    es_buf_done(&out);
    azure_arm_free(arm);
    return status == ENTRASQL_OK ? 0 : 1;
}
