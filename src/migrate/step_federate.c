/* SPDX-License-Identifier: MIT */
/*
 * AKS: the pods of one service account become the identity. The cluster's
 * issuer and webhook are switched on, and the identity trusts the cluster's
 * tokens for that account. What Kubernetes itself has to be told comes with the settings.
 */
#include "azure/aks.h"
#include "azure/guest.h"
#include "base/mem.h"
#include "base/str.h"
#include "migrate/plan.h"

#include <stdio.h>
#include <string.h>

#define NAME_SIZE 121

static const azure_need needs_federated[] = {
    {"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read",
     "to see whom the identity trusts"},
    {"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
     "to let the identity trust the service account"},
    {NULL, NULL},
};

static bool applies(const migrate_context *m)
{
    return (m->host.host->features & AZURE_HOST_ASSIGNS) == 0 && !m->o->kubelet;
}

static const char *group_of(const migrate_context *m)
{
    return m->o->identity_group != NULL ? m->o->identity_group : m->o->resource_group;
}

/* "namespace:account" into the subject of tokens. */
static entrasql_status subject_of(const migrate_context *m, es_buf *out, entrasql_error *err)
{
    char space[256];
    const char *colon = strchr(m->o->service_account, ':');
    size_t n = colon != NULL ? (size_t)(colon - m->o->service_account) : sizeof space;

    if (n >= sizeof space)
        return es_fail(err, ENTRASQL_INVALID, "--service-account is NAMESPACE:NAME");
    memcpy(space, m->o->service_account, n);
    space[n] = '\0';
    const azure_guest guest = {.namespace_name = space, .service_account = colon + 1};
    return azure_guest_subject(&guest, out, err);
}

/* The credential's name: the account's, in the characters that are allowed. */
static void name_of(const migrate_context *m, char ret[NAME_SIZE])
{
    (void)snprintf(ret, NAME_SIZE, "entrasql-%s-%s", m->o->app, m->o->service_account);
    for (char *p = ret; *p != '\0'; p++) {
        if (*p == ':' || *p == '.')
            *p = '-';
    }
}

static entrasql_status find(migrate_context *m, bool *ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf subject = ES_BUF_INIT(2048);
    char name[NAME_SIZE];

    *ret = false;
    if (!m->has_identity || m->host_state.oidc_issuer == NULL)
        return ENTRASQL_OK;
    ES_TRY(subject_of(m, &subject, err));
    name_of(m, name);
    const azure_federated f = {name, m->host_state.oidc_issuer, es_buf_cstr(&subject)};
    if (f.subject == NULL)
        return es_nomem(err);
    return azure_federated_find(m->arm, m->o->subscription, group_of(m), m->o->identity, &f, ret,
                                err);
}

static bool is_enabled(const migrate_context *m)
{
    return m->host_state.workload_identity && m->host_state.oidc_issuer != NULL;
}

static entrasql_status look(migrate_context *m, migrate_view *v, entrasql_error *err)
{
    bool found = false;

    ES_TRY(migrate_see_identity(m, err));
    ES_TRY(migrate_see_host(m, err));
    ES_TRY(find(m, &found, err));
    v->state = found && is_enabled(m) ? MIGRATE_OK : MIGRATE_TODO;
    ES_TRY(migrate_built(migrate_line(&v->is, "workload identity is %s; the identity %s %s",
                                      is_enabled(m) ? "on" : "off",
                                      found ? "trusts" : "does not trust", m->o->service_account),
                         err));
    if (!is_enabled(m))
        ES_TRY(migrate_built(migrate_line(&v->lost, "the OIDC issuer cannot be switched off again"),
                             err));
    if (v->state == MIGRATE_OK)
        return ENTRASQL_OK;
    return migrate_built(migrate_line(&v->will,
                                      "workload identity on; %s trusts the service account "
                                      "%s",
                                      m->o->identity, m->o->service_account),
                         err);
}

static entrasql_status before(migrate_context *m, json_writer *w, entrasql_error *err)
{
    char name[NAME_SIZE];
    bool found = false;

    ES_TRY(find(m, &found, err));
    name_of(m, name);
    json_member_put_bool(w, "had", found);
    json_member_put_string(w, "name", name);
    return ENTRASQL_OK;
}

static entrasql_status apply(migrate_context *m, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf subject = ES_BUF_INIT(2048);
    char name[NAME_SIZE];
    bool changed = false;

    ES_TRY(azure_aks_enable(m->arm, &m->host, &changed, err));
    ES_TRY(migrate_see_host(m, err));
    ES_TRY(subject_of(m, &subject, err));
    name_of(m, name);
    const azure_federated f = {name, m->host_state.oidc_issuer, es_buf_cstr(&subject)};
    if (f.subject == NULL)
        return es_nomem(err);
    if (f.issuer == NULL)
        return es_fail(err, ENTRASQL_MALFORMED, "the cluster %s names no OIDC issuer", m->o->app);
    return azure_federated_ensure(m->arm, m->o->subscription, group_of(m), m->o->identity, &f,
                                  &changed, err);
}

static entrasql_status undo(migrate_context *m, const json_node *detail, es_buf *said,
                            entrasql_error *err)
{
    const char *name = NULL;
    bool had = true;

    (void)!json_member_bool(detail, "had", &had);
    if (had || json_member_string(detail, "name", &name, NULL) != ENTRASQL_OK)
        return ENTRASQL_OK;
    ES_TRY(
        azure_federated_delete(m->arm, m->o->subscription, group_of(m), m->o->identity, name, err));
    return migrate_built(migrate_line(said,
                                      "%s does not trust %s any more; workload identity stays "
                                      "on, as it cannot be switched off",
                                      m->o->identity, m->o->service_account),
                         err);
}

static entrasql_status build_script(const migrate_context *m, const char *name, const char *subject,
                                    es_buf *out)
{
    ES_TRY(
        es_buf_add_str(out, "az aks update --enable-oidc-issuer --enable-workload-identity -g "));
    ES_TRY(es_buf_add_shell(out, m->o->resource_group));
    ES_TRY(es_buf_add_str(out, " -n "));
    ES_TRY(es_buf_add_shell(out, m->o->app));
    ES_TRY(es_buf_add_str(out, "\naz identity federated-credential create -g "));
    ES_TRY(es_buf_add_shell(out, group_of(m)));
    ES_TRY(es_buf_add_str(out, " --identity-name "));
    ES_TRY(es_buf_add_shell(out, m->o->identity));
    ES_TRY(es_buf_printf(out, " -n %s --audiences " AZURE_FEDERATED_AUDIENCE " --subject ", name));
    ES_TRY(es_buf_add_shell(out, subject));
    ES_TRY(es_buf_add_str(out, " --issuer \"$(az aks show --query oidcIssuerProfile.issuerUrl -o "
                               "tsv -g "));
    ES_TRY(es_buf_add_shell(out, m->o->resource_group));
    ES_TRY(es_buf_add_str(out, " -n "));
    ES_TRY(es_buf_add_shell(out, m->o->app));
    return es_buf_add_str(out, ")\"\n");
}

static entrasql_status script(migrate_context *m, es_buf *out, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf subject = ES_BUF_INIT(2048);
    char name[NAME_SIZE];

    ES_TRY(subject_of(m, &subject, err));
    name_of(m, name);
    const char *text = es_buf_cstr(&subject);
    if (text == NULL)
        return es_nomem(err);
    return migrate_built(build_script(m, name, text, out), err);
}

static size_t needs(const migrate_context *m, const azure_need *ret[4])
{
    ret[0] = m->host.host->read_needs;
    ret[1] = m->host.host->assign_needs;
    ret[2] = needs_federated;
    return 3;
}

const migrate_step migrate_step_federate = {
    .name = "federate",
    .title = "Trust between cluster and identity",
    .applies = applies,
    .look = look,
    .before = before,
    .apply = apply,
    .undo = undo,
    .script = script,
    .needs = needs,
};

/* ---- the tutorial's own way ---- */

static bool applies_kubelet(const migrate_context *m)
{
    return (m->host.host->features & AZURE_HOST_ASSIGNS) == 0 && m->o->kubelet;
}

static entrasql_status look_kubelet(migrate_context *m, migrate_view *v, entrasql_error *err)
{
    ES_TRY(migrate_see_identity(m, err));
    ES_TRY(migrate_see_host(m, err));
    const char *is = m->host_state.kubelet.client_id;
    bool same = m->has_identity && es_strcaseeq(is, m->identity.client_id);
    v->state = same ? MIGRATE_OK : MIGRATE_TODO;
    ES_TRY(migrate_built(migrate_line(&v->is, "the nodes' identity has the client id %s",
                                      is != NULL ? is : "(not told)"),
                         err));
    if (same)
        return ENTRASQL_OK;
    static const char *const consequences[] = {
        "every node pool is cordoned, drained and reimaged",
        "every pod of the cluster can sign in as this identity",
        "what the old identity could reach (image registries) has to be granted anew",
        "the control plane's own identity is replaced; this is not undone by a rollback",
    };
    for (size_t i = 0; i < ES_COUNT_OF(consequences); i++)
        ES_TRY(migrate_built(migrate_line(&v->lost, "%s", consequences[i]), err));
    return migrate_built(
        migrate_line(&v->will, "%s as control plane and kubelet identity", m->o->identity), err);
}

static entrasql_status apply_kubelet(migrate_context *m, entrasql_error *err)
{
    bool changed = false;
    return azure_aks_use_kubelet(m->arm, &m->host, &m->identity, &changed, err);
}

static entrasql_status undo_kubelet(migrate_context *m, const json_node *detail, es_buf *said,
                                    entrasql_error *err)
{
    (void)detail;
    return migrate_built(
        migrate_line(said,
                     "the nodes' identity stays %s: give the cluster another one with az aks "
                     "update --assign-identity and --assign-kubelet-identity first",
                     m->o->identity),
        err);
}

static size_t needs_kubelet(const migrate_context *m, const azure_need *ret[4])
{
    ret[0] = m->host.host->read_needs;
    ret[1] = m->host.host->assign_needs;
    return 2;
}

const migrate_step migrate_step_kubelet = {
    .name = "kubelet",
    .title = "Identity of the cluster's nodes",
    .applies = applies_kubelet,
    .look = look_kubelet,
    .apply = apply_kubelet,
    .undo = undo_kubelet,
    .needs = needs_kubelet,
};
