/* SPDX-License-Identifier: MIT */
/*
 * DefaultAzureCredential: its members in turn. "Unavailable" goes on to the
 * next; "tried and refused" ends the chain, so that a misconfigured production
 * secret never falls through to a developer's login. The first success is
 * kept for life: the identity must not change under a running program.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "identity/internal.h"
#include "identity/selection.h"
#include "identity/settings.h"

#include <string.h>

#define NAME "DefaultAzureCredential"
#define MAX_MEMBERS 3
#define NO_WINNER (-1)
#define DEFAULT_PROBE_TIMEOUT_MS 1000

static const char heading[] =
    NAME " failed to retrieve a token from the included credentials.\nAttempted credentials:";

struct default_azure {
    entrasql_credential base;
    entrasql_credential *members[MAX_MEMBERS];
    unsigned count;
    atomic_int winner; /* index; set once */
};

struct chain_flow {
    identity_flow base;
    struct default_azure *c;
    const identity_request *request;
    unsigned index;
    bool only_winner; /* the choice was made before */
    bool all_unavailable;
    identity_flow *inner;
    es_buf attempts; /* one line a member */
    entrasql_error error;
};

/* One line: a tab, the name, what happened and what to do; line ends inside become blanks. */
static entrasql_status add_attempt(struct chain_flow *f)
{
    const entrasql_error *e = &f->error;
    size_t begin = f->attempts.len + 2; /* past the line end and the tab */
    ES_TRY(es_buf_printf(&f->attempts, "\n\t%s: %s%s%s", f->c->members[f->index]->name, e->message,
                         e->hint[0] != '\0' ? ". To do: " : "", e->hint));
    for (size_t i = begin; i < f->attempts.len; i++) {
        if (f->attempts.data[i] < 0x20)
            f->attempts.data[i] = ' ';
    }
    return ENTRASQL_OK;
}

static entrasql_status give_up(struct chain_flow *f, entrasql_status status, entrasql_error *err)
{
    const char *attempts = es_buf_cstr(&f->attempts);
    if (attempts == NULL)
        return es_nomem(err);
    /* The last failure gives class, numbers and hint; the text lists all. */
    es_fail(err, status, "%s%s", heading, attempts);
    err->number = f->error.number;
    err->os_errno = f->error.os_errno;
    memcpy(err->correlation_id, f->error.correlation_id, sizeof err->correlation_id);
    if (status == f->error.status)
        err->error_class = f->error.error_class;
    if (f->all_unavailable)
        es_hint(err,
                "set up one of the credentials above; on a developer's machine run `az login`");
    else
        memcpy(err->hint, f->error.hint, sizeof err->hint);
    return status;
}

/* Unavailable, or a developer tool that failed: the next member's turn, as long as there is time.
 */
static entrasql_status member_failed(struct chain_flow *f, entrasql_status status,
                                     entrasql_error *err)
{
    identity_flow_free(f->inner);
    f->inner = NULL;
    if (status == ENTRASQL_NOMEM || add_attempt(f) != ENTRASQL_OK)
        return es_nomem(err);
    bool is_last = f->only_winner || f->index + 1 == f->c->count;
    bool is_harmless =
        status == ENTRASQL_UNAVAILABLE || f->c->members[f->index]->klass->is_developer_tool;
    bool is_late = es_clock_mono_ms() >= f->request->deadline_ms;
    if (is_harmless && !is_late) {
        if (is_last)
            return give_up(f, ENTRASQL_UNAVAILABLE, err);
        f->index++;
        return ENTRASQL_AGAIN;
    }
    f->all_unavailable = false;
    return give_up(f, is_harmless && !is_last ? ENTRASQL_TIMEOUT : status, err);
}

/*
 * Another thread may have chosen meanwhile, for another scope. Its choice
 * stands, so that one credential never speaks for two identities.
 */
static entrasql_status member_succeeded(struct chain_flow *f, entrasql_token *token,
                                        entrasql_token **ret)
{
    identity_flow_free(f->inner);
    f->inner = NULL;
    int winner = NO_WINNER;
    if (atomic_compare_exchange_strong(&f->c->winner, &winner, (int)f->index) ||
        winner == (int)f->index) {
        *ret = token;
        return ENTRASQL_OK;
    }
    entrasql_token_free(token);
    f->index = (unsigned)winner;
    f->only_winner = true;
    return ENTRASQL_AGAIN;
}

static entrasql_status chain_step(identity_flow *flow, entrasql_token **ret, entrasql_error *err)
{
    struct chain_flow *f = (struct chain_flow *)flow;
    for (;;) {
        entrasql_token *token = NULL;
        entrasql_status status = ENTRASQL_OK;
        entrasql_credential *member = f->c->members[f->index];
        if (f->inner == NULL)
            status = member->klass->start(member, f->request, &f->inner, &f->error);
        if (status == ENTRASQL_OK) {
            status = identity_flow_step(f->inner, &token, &f->error);
            if (status == ENTRASQL_AGAIN)
                return status;
        }
        status =
            status == ENTRASQL_OK ? member_succeeded(f, token, ret) : member_failed(f, status, err);
        if (status != ENTRASQL_AGAIN)
            return status;
    }
}

static entrasql_status chain_wants(identity_flow *flow, os_wait *w)
{
    struct chain_flow *f = (struct chain_flow *)flow;
    if (f->inner != NULL)
        return identity_flow_wants(f->inner, w);
    os_wait_until(w, 0);
    return ENTRASQL_OK;
}

static void chain_free(identity_flow *flow)
{
    struct chain_flow *f = (struct chain_flow *)flow;
    identity_flow_free(f->inner);
    es_buf_done(&f->attempts);
    es_free(f);
}

static const identity_flow_class chain_flow_class = {chain_wants, chain_step, chain_free};

static entrasql_status chain_start(entrasql_credential *credential, const identity_request *request,
                                   identity_flow **ret, entrasql_error *err)
{
    struct default_azure *c = (struct default_azure *)credential;
    struct chain_flow *f = es_calloc(1, sizeof *f);
    if (f == NULL)
        return es_nomem(err);
    int winner = atomic_load(&c->winner);
    f->base.klass = &chain_flow_class;
    f->c = c;
    f->request = request;
    f->only_winner = winner != NO_WINNER;
    f->index = f->only_winner ? (unsigned)winner : 0;
    f->all_unavailable = true;
    f->attempts = ES_BUF_INIT(MAX_MEMBERS * sizeof(entrasql_error));
    *ret = &f->base;
    return ENTRASQL_OK;
}

static void chain_destroy(entrasql_credential *credential)
{
    struct default_azure *c = (struct default_azure *)credential;
    for (unsigned i = 0; i < c->count; i++)
        entrasql_credential_unref(c->members[i]);
    es_free(c);
}

static const identity_class chain_class = {.start = chain_start, .destroy = chain_destroy};

/* ---- creation ---- */

static entrasql_status choose_members(const entrasql_default_azure_options *o,
                                      identity_selection *ret, entrasql_error *err)
{
    identity_selection s;
    ES_TRY(identity_selection_parse(identity_getenv("AZURE_TOKEN_CREDENTIALS"), &s, err));
    s.environment = s.environment && !o->exclude_environment;
    s.managed_identity = s.managed_identity && !o->exclude_managed_identity;
    s.azure_cli = s.azure_cli && !o->exclude_azure_cli;
    if (!s.environment && !s.managed_identity && !s.azure_cli) {
        es_fail(err, ENTRASQL_CONFIG, NAME " has no credential left to try");
        es_hint(err,
                "AZURE_TOKEN_CREDENTIALS and the exclude options leave none: change one of them");
        return ENTRASQL_CONFIG;
    }
    *ret = s;
    return ENTRASQL_OK;
}

static entrasql_status add_managed_identity(struct default_azure *c,
                                            const entrasql_default_azure_options *o, bool is_alone,
                                            entrasql_error *err)
{
    const char *client_id = o->managed_identity_client_id;
    if (!es_str_is_empty(client_id) && o->managed_identity_system_assigned) {
        es_fail(err, ENTRASQL_INVALID,
                "both the system-assigned identity and a client id were asked "
                "for");
        es_hint(err, "set managed_identity_client_id or managed_identity_system_assigned");
        return ENTRASQL_INVALID;
    }
    if (es_str_is_empty(client_id) && !o->managed_identity_system_assigned)
        client_id = identity_getenv("AZURE_CLIENT_ID");
    const entrasql_managed_identity_options options = {
        .size = sizeof options, .client_id = client_id, .client = o->client};
    const identity_managed_identity_inner inner = {
        .in_chain = !is_alone,
        .probe_timeout_ms =
            o->imds_probe_timeout_ms != 0 ? o->imds_probe_timeout_ms : DEFAULT_PROBE_TIMEOUT_MS};
    ES_TRY(identity_managed_identity_new(&options, &inner, &c->members[c->count], err));
    c->count++;
    return ENTRASQL_OK;
}

static entrasql_status add_members(struct default_azure *c, const entrasql_default_azure_options *o,
                                   const identity_selection *s, entrasql_error *err)
{
    if (s->environment) {
        ES_TRY(entrasql_environment_credential_new(o->client, &c->members[c->count], err));
        c->count++;
    }
    if (s->managed_identity)
        ES_TRY(add_managed_identity(c, o, !s->environment && !s->azure_cli, err));
    if (s->azure_cli) {
        const entrasql_azure_cli_options options = {.size = sizeof options,
                                                    .tenant_id = o->tenant_id,
                                                    .process_timeout_ms = o->process_timeout_ms};
        ES_TRY(entrasql_azure_cli_credential_new(&options, &c->members[c->count], err));
        c->count++;
    }
    return ENTRASQL_OK;
}

entrasql_status entrasql_default_azure_credential_new(const entrasql_default_azure_options *options,
                                                      entrasql_credential **ret,
                                                      entrasql_error *err)
{
    entrasql_default_azure_options o;
    identity_selection selection;
    ES_TRY(identity_options_copy(&o, sizeof o, options, err));
    ES_TRY(choose_members(&o, &selection, err));
    struct default_azure *c = identity_credential_new(&chain_class, NAME, sizeof *c);
    if (c == NULL)
        return es_nomem(err);
    atomic_init(&c->winner, NO_WINNER);
    entrasql_status status = add_members(c, &o, &selection, err);
    if (status != ENTRASQL_OK) {
        entrasql_credential_unref(&c->base);
        return status;
    }
    *ret = &c->base;
    return ENTRASQL_OK;
}
