/* SPDX-License-Identifier: MIT */
/* Answers of managed identity endpoints. */
#include "identity/mi_reply.h"

#include "base/str.h"
#include "identity/aadsts.h"
#include "identity/reply.h"

#include <stdio.h>
#include <string.h>

static bool is_imds(const identity_mi_question *q)
{
    return q->source->kind == IDENTITY_MI_IMDS;
}

static bool body_has(const http_response *answer, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= answer->body.len; i++) {
        if (es_strncaseeq((const char *)answer->body.data + i, word, n))
            return true;
    }
    return false;
}

entrasql_status identity_mi_nobody_there(const identity_mi_source *source, const char *how,
                                         entrasql_error *err)
{
    es_fail(err, ENTRASQL_UNAVAILABLE, "no managed identity endpoint found: %s", how);
    if (source->is_overridden)
        es_hint(err, "AZURE_POD_IDENTITY_AUTHORITY_HOST names the endpoint: check the address and "
                     "that it is up");
    else
        es_hint(err, "expected outside Azure (AZURE_TOKEN_CREDENTIALS=dev leaves it out); on "
                     "Azure, check that 169.254.169.254 is reachable (firewall, network policy) "
                     "and that the resource has an identity");
    return ENTRASQL_UNAVAILABLE;
}

/*
 * Docker Desktop's proxy says 403 "unreachable", other gateways 502 and 504:
 * the address of IMDS leads nowhere, and somebody in between tells us so.
 */
bool identity_mi_is_gateway(const http_response *answer)
{
    return answer->status == 502 || answer->status == 504 ||
           (answer->status == 403 && body_has(answer, "unreachable"));
}

static entrasql_status gateway(const identity_mi_question *q, const http_response *answer,
                               entrasql_error *err)
{
    char how[120];
    (void)snprintf(how, sizeof how,
                   "a proxy or gateway answers (HTTP %u) that the network is unreachable",
                   answer->status);
    identity_mi_nobody_there(q->source, how, err);
    if (answer->status != 403)
        identity_reply_set_class(answer->status, err);
    return ENTRASQL_UNAVAILABLE;
}

static void name_identity(const identity_mi_question *q, char *dst, size_t size)
{
    static const char *const words[] = {[IDENTITY_MI_CLIENT_ID] = "client id",
                                        [IDENTITY_MI_OBJECT_ID] = "object id",
                                        [IDENTITY_MI_RESOURCE_ID] = "resource id"};
    char id[120];
    if (q->id_kind == IDENTITY_MI_SYSTEM) {
        (void)snprintf(dst, size, "the system-assigned identity");
        return;
    }
    es_printable(id, sizeof id, q->id, strlen(q->id));
    (void)snprintf(dst, size, "the user-assigned identity with %s %s", words[q->id_kind], id);
}

/* ---- refusals ---- */

static const char hint_several[] =
    "several identities are assigned: name one by AZURE_CLIENT_ID or the "
    "managed_identity_client_id option";
static const char hint_no_system[] =
    "switch the system-assigned identity on for this resource, or name a user-assigned one by its "
    "client id: AZURE_CLIENT_ID for DefaultAzureCredential, else the client_id option";
static const char hint_not_assigned[] =
    "assign the identity to this resource, and check that AZURE_CLIENT_ID (or the id option) is "
    "its client id, not that of something else; a new assignment takes some minutes";
static const char hint_fabric[] =
    "the identity must be declared in the manifest of the Service Fabric application and assigned "
    "to this service";
static const char hint_header_lost[] =
    "the header that was sent did not arrive: something between here and the endpoint takes it "
    "away";
static const char hint_arc[] =
    "the agent did not accept the key: it may have been restarted meanwhile, try again";
static const char hint_secret[] =
    "the secret that the host has set (IDENTITY_HEADER, MSI_SECRET) is not the right one: it "
    "changes when the program is restarted by its host";
static const char hint_between[] = "something between here and the endpoint refuses the request";
static const char hint_throttled[] =
    "too many requests: keep tokens and credentials instead of making new ones; the limit of IMDS "
    "is for the whole machine";
static const char hint_update[] =
    "the endpoint is being updated, which takes up to 70 seconds: try again";
static const char hint_later[] = "the endpoint has a problem or is being updated: try again later";

static const char *hint_of(const identity_mi_question *q, const http_response *answer)
{
    identity_mi_kind kind = q->source->kind;
    switch (answer->status) {
    case 400:
        if (body_has(answer, "Multiple user assigned identities"))
            return hint_several;
        if (body_has(answer, "bad_request_102"))
            return hint_header_lost;
        return q->id_kind == IDENTITY_MI_SYSTEM ? hint_no_system : hint_not_assigned;
    case 401:
    case 403:
        if (kind == IDENTITY_MI_AZURE_ARC)
            return hint_arc;
        return q->source->host->secret_header != NULL ? hint_secret : hint_between;
    case 404:
    case 410:
        if (kind == IDENTITY_MI_SERVICE_FABRIC)
            return hint_fabric;
        return is_imds(q) ? hint_update : hint_later;
    case 429:
        return hint_throttled;
    default:
        return hint_later;
    }
}

static bool is_stranger(const identity_mi_question *q, const http_response *answer,
                        const identity_mi_error *e)
{
    return is_imds(q) && q->in_chain && answer->status < 500 && answer->status != 410 &&
           answer->status != 429 && !e->is_json;
}

/* IMDS says 400 when a machine has no system-assigned identity: nothing was tried then. */
static entrasql_status status_of(const identity_mi_question *q, unsigned http_status)
{
    bool no_system = is_imds(q) && http_status == 400 && q->id_kind == IDENTITY_MI_SYSTEM;
    return no_system ? ENTRASQL_UNAVAILABLE : ENTRASQL_AUTH_FAILED;
}

static bool is_not_assigned(const identity_mi_question *q, const http_response *answer,
                            const identity_mi_error *e)
{
    if (q->source->kind == IDENTITY_MI_SERVICE_FABRIC)
        return answer->status == 404;
    return answer->status == 400 && e->number == 0 && !body_has(answer, "bad_request_102");
}

entrasql_status identity_mi_refused(const identity_mi_question *q, const http_response *answer,
                                    entrasql_error *err)
{
    if (is_imds(q) && identity_mi_is_gateway(answer))
        return gateway(q, answer, err);
    identity_mi_error e;
    char who[200];
    if (identity_reply_mi_error(answer, q->source->header, &e) != ENTRASQL_OK)
        return es_nomem(err);
    if (is_stranger(q, answer, &e))
        return identity_mi_nobody_there(q->source, "something else answers at its address", err);
    name_identity(q, who, sizeof who);
    entrasql_status status = status_of(q, answer->status);
    es_fail(err, status, "%s: %s gave no token for %s (HTTP %u%s%s)%s%s",
            is_not_assigned(q, answer, &e) ? "the requested identity isn't assigned to this "
                                             "resource"
                                           : "the managed identity request failed",
            q->source->host->name, who, answer->status, e.code[0] != '\0' ? " " : "", e.code,
            e.text[0] != '\0' ? ": " : "", e.text);
    const identity_aadsts *known = identity_aadsts_find(e.number);
    es_hint(err, "%s", known != NULL ? known->hint : hint_of(q, answer));
    err->number = e.number != 0 ? e.number : answer->status;
    es_strlcpy_utf8(err->correlation_id, sizeof err->correlation_id, e.correlation_id);
    if (status == ENTRASQL_AUTH_FAILED)
        identity_reply_set_class(answer->status, err);
    return status;
}

/* ---- tokens ---- */

static bool is_echoed(const json_node *root, const char *member, const char *id)
{
    const char *text;
    return json_member_string(root, member, &text, NULL) == ENTRASQL_OK && es_strcaseeq(text, id);
}

/*
 * Old agents of Azure Arc do not know the ids and answer for the
 * system-assigned identity: without the id in the answer its token could be anybody's.
 */
static entrasql_status check_echo(const identity_mi_question *q, const http_response *answer,
                                  entrasql_error *err)
{
    static const char *const members[][2] = {
        [IDENTITY_MI_SYSTEM] = {NULL, NULL},
        [IDENTITY_MI_CLIENT_ID] = {"client_id", "client_id"},
        [IDENTITY_MI_OBJECT_ID] = {"object_id", "object_id"},
        [IDENTITY_MI_RESOURCE_ID] = {"msi_res_id", "mi_res_id"}};
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    ES_TRY(json_doc_parse(answer->body.data, answer->body.len, &doc, err));
    const json_node *root = json_doc_root(doc);
    if (is_echoed(root, members[q->id_kind][0], q->id) ||
        is_echoed(root, members[q->id_kind][1], q->id))
        return ENTRASQL_OK;
    char who[200];
    name_identity(q, who, sizeof who);
    es_fail(err, ENTRASQL_AUTH_FAILED, "%s answered with the token of another identity than %s",
            q->source->host->name, who);
    es_hint(err, "this agent knows the system-assigned identity only: upgrade it, or leave the id "
                 "out");
    return ENTRASQL_AUTH_FAILED;
}

entrasql_status identity_mi_token(const identity_mi_question *q, const http_response *answer,
                                  const char *name, int64_t sent_wall_s, entrasql_token **ret,
                                  entrasql_error *err)
{
    bool json = false;
    entrasql_token *token = NULL;
    entrasql_status status = identity_reply_token(&answer->body, q->source->endpoint, name,
                                                  sent_wall_s, &token, &json, err);
    if (status == ENTRASQL_AUTH_FAILED && !json && q->in_chain && is_imds(q))
        return identity_mi_nobody_there(q->source, "something else answers at its address", err);
    if (status == ENTRASQL_OK && q->id_kind != IDENTITY_MI_SYSTEM &&
        q->source->kind == IDENTITY_MI_AZURE_ARC)
        status = check_echo(q, answer, err);
    if (status != ENTRASQL_OK) {
        entrasql_token_free(token);
        return status;
    }
    *ret = token;
    return ENTRASQL_OK;
}
