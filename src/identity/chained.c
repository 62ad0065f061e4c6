/* SPDX-License-Identifier: MIT */
/*
 * Credentials in turn. "Unavailable" goes on to the next; "tried and refused"
 * ends the chain, so that a misconfigured production secret never falls
 * through to a developer's login; developer tools never end it. The first
 * success is kept for life: the identity must not change under a running program.
 *
 * While a member before it takes its time, one that may look around before its
 * turn (the probe of IMDS) does so beside it; nobody else runs out of turn.
 */
#include "identity/chain.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define NO_WINNER (-1)

struct chain {
    entrasql_credential base;
    entrasql_credential *members[IDENTITY_CHAIN_MAX];
    unsigned count;
    atomic_int winner; /* index; set once */
};

/* The member that looks around before its turn. */
struct ahead {
    unsigned index; /* == count: none, or its turn has come */
    identity_flow *flow;
    bool was_started;
    entrasql_status status; /* AGAIN while it runs; else how it ended, with the error */
    entrasql_error error;
};

struct chain_flow {
    identity_flow base;
    struct chain *c;
    identity_request request; /* the caller's, marked as being in a chain */
    unsigned index;
    bool only_winner; /* the choice was made before */
    bool all_unavailable;
    identity_flow *inner;
    struct ahead ahead;
    es_buf attempts; /* one line a member */
    entrasql_error error;
};

/* ---- what is said at the end ---- */

static size_t heading(const struct chain *c, char *ret, size_t size)
{
    (void)snprintf(ret, size,
                   "%s failed to retrieve a token from the included credentials.\n"
                   "Attempted credentials:",
                   c->base.name);
    return strlen(ret);
}

/* How long a member's line may be, so that the last one's still fits into the message. */
static size_t line_limit(const struct chain *c)
{
    char head[256];
    return (ENTRASQL_ERROR_MESSAGE_SIZE - 1 - heading(c, head, sizeof head)) / c->count;
}

/* One line: a tab, the name, what happened and what to do; line ends inside become blanks. */
static entrasql_status add_attempt(struct chain_flow *f)
{
    static const char to_do[] = ". To do: ";
    const entrasql_error *e = &f->error;
    const char *name = f->c->members[f->index]->name;
    size_t begin = f->attempts.len + 2; /* past the line end and the tab */
    size_t limit = line_limit(f->c);
    size_t used = strlen("\n\t: ") + strlen(name);
    size_t room = limit > used ? limit - used : 0;
    /* What to do is worth more than the end of a long story. */
    char hint[ENTRASQL_ERROR_HINT_SIZE];
    char message[ENTRASQL_ERROR_MESSAGE_SIZE];
    size_t most = room / 2 < sizeof hint ? room / 2 : sizeof hint;
    bool has_hint = e->hint[0] != '\0' && most > sizeof to_do;
    if (has_hint)
        es_strlcpy_utf8(hint, most - sizeof to_do + 1, e->hint);
    size_t left = room - (has_hint ? sizeof to_do - 1 + strlen(hint) : 0);
    es_strlcpy_utf8(message, left < sizeof message ? left + 1 : sizeof message, e->message);
    ES_TRY(es_buf_printf(&f->attempts, "\n\t%s: %s%s%s", name, message, has_hint ? to_do : "",
                         has_hint ? hint : ""));
    for (size_t i = begin; i < f->attempts.len; i++) {
        if (f->attempts.data[i] < 0x20)
            f->attempts.data[i] = ' ';
    }
    return ENTRASQL_OK;
}

static entrasql_status give_up(struct chain_flow *f, entrasql_status status, entrasql_error *err)
{
    char head[256];
    const char *attempts = es_buf_cstr(&f->attempts);
    if (attempts == NULL)
        return es_nomem(err);
    (void)heading(f->c, head, sizeof head);
    /* The last failure gives class, numbers and hint; the text lists all. */
    es_fail(err, status, "%s%s", head, attempts);
    err->number = f->error.number;
    err->os_errno = f->error.os_errno;
    memcpy(err->correlation_id, f->error.correlation_id, sizeof err->correlation_id);
    memcpy(err->claims, f->error.claims, sizeof err->claims);
    if (status == f->error.status)
        err->error_class = f->error.error_class;
    if (f->all_unavailable && f->c->count > 1)
        es_hint(err,
                "set up one of the credentials above; on a developer's machine run `az login`");
    else
        memcpy(err->hint, f->error.hint, sizeof err->hint);
    return status;
}

/* ---- the turns ---- */

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
    bool is_late = es_clock_mono_ms() >= f->request.deadline_ms;
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

/* Somebody takes time: the first member after it that may look around does so. */
static entrasql_status start_ahead(struct chain_flow *f, entrasql_error *err)
{
    struct ahead *a = &f->ahead;
    if (a->was_started || f->only_winner)
        return ENTRASQL_OK;
    a->was_started = true;
    for (unsigned i = f->index + 1; i < f->c->count; i++) {
        entrasql_credential *member = f->c->members[i];
        if (member->klass->start_ahead == NULL)
            continue;
        entrasql_status status =
            member->klass->start_ahead(member, &f->request, &a->flow, &a->error);
        if (status == ENTRASQL_NOMEM)
            return es_nomem(err);
        if (status != ENTRASQL_OK || a->flow == NULL)
            continue;
        a->index = i;
        a->status = ENTRASQL_AGAIN;
        break;
    }
    return ENTRASQL_OK;
}

static void step_ahead(struct chain_flow *f)
{
    struct ahead *a = &f->ahead;
    entrasql_token *token = NULL;
    if (a->flow == NULL || a->status != ENTRASQL_AGAIN || f->index >= a->index)
        return;
    a->status = identity_flow_step(a->flow, &token, &a->error);
    entrasql_token_free(token);
}

/* The member's flow: a new one, or the one that has looked around already. */
static entrasql_status begin_turn(struct chain_flow *f)
{
    struct ahead *a = &f->ahead;
    entrasql_credential *member = f->c->members[f->index];
    if (a->flow == NULL || a->index != f->index)
        return member->klass->start(member, &f->request, &f->inner, &f->error);
    f->inner = a->flow;
    a->flow = NULL;
    if (a->status != ENTRASQL_AGAIN) {
        f->error = a->error;
        return a->status;
    }
    f->inner->klass->turn(f->inner);
    return ENTRASQL_OK;
}

static entrasql_status chain_step(identity_flow *flow, entrasql_token **ret, entrasql_error *err)
{
    struct chain_flow *f = (struct chain_flow *)flow;
    for (;;) {
        entrasql_token *token = NULL;
        entrasql_status status = ENTRASQL_OK;
        if (f->inner == NULL)
            status = begin_turn(f);
        if (status == ENTRASQL_OK)
            status = identity_flow_step(f->inner, &token, &f->error);
        if (status == ENTRASQL_AGAIN) {
            ES_TRY(start_ahead(f, err));
            step_ahead(f);
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
    if (f->inner == NULL) {
        os_wait_until(w, 0);
        return ENTRASQL_OK;
    }
    if (f->ahead.flow != NULL && f->ahead.status == ENTRASQL_AGAIN)
        ES_TRY(identity_flow_wants(f->ahead.flow, w));
    return identity_flow_wants(f->inner, w);
}

static void chain_free(identity_flow *flow)
{
    struct chain_flow *f = (struct chain_flow *)flow;
    identity_flow_free(f->inner);
    identity_flow_free(f->ahead.flow);
    es_buf_done(&f->attempts);
    es_free(f);
}

static const identity_flow_class chain_flow_class = {
    .wants = chain_wants, .step = chain_step, .free = chain_free};

static entrasql_status chain_start(entrasql_credential *credential, const identity_request *request,
                                   identity_flow **ret, entrasql_error *err)
{
    struct chain *c = (struct chain *)credential;
    struct chain_flow *f = es_calloc(1, sizeof *f);
    if (f == NULL)
        return es_nomem(err);
    int winner = atomic_load(&c->winner);
    f->base.klass = &chain_flow_class;
    f->c = c;
    f->request = *request;
    f->request.in_chain = request->in_chain || c->count > 1;
    f->only_winner = winner != NO_WINNER;
    f->index = f->only_winner ? (unsigned)winner : 0;
    f->all_unavailable = true;
    f->ahead.index = c->count;
    f->attempts = ES_BUF_INIT(IDENTITY_CHAIN_MAX * sizeof(entrasql_error));
    *ret = &f->base;
    return ENTRASQL_OK;
}

/* ---- creation ---- */

static void chain_destroy(entrasql_credential *credential)
{
    struct chain *c = (struct chain *)credential;
    for (unsigned i = 0; i < c->count; i++)
        entrasql_credential_unref(c->members[i]);
    es_free(c);
}

static const identity_class chain_class = {.start = chain_start, .destroy = chain_destroy};

entrasql_status identity_chain_new(const char *name, entrasql_credential *const *members,
                                   size_t count, entrasql_credential **ret, entrasql_error *err)
{
    struct chain *c = identity_credential_new(&chain_class, name, sizeof *c);
    if (c == NULL)
        return es_nomem(err);
    atomic_init(&c->winner, NO_WINNER);
    for (size_t i = 0; i < count; i++) {
        c->members[c->count++] = entrasql_credential_ref(members[i]);
        /* A member that asks a person needs the time for it here, too. */
        if (members[i]->default_timeout_ms > c->base.default_timeout_ms)
            c->base.default_timeout_ms = members[i]->default_timeout_ms;
    }
    *ret = &c->base;
    return ENTRASQL_OK;
}

entrasql_status entrasql_chained_credential_new(entrasql_credential *const *members, size_t count,
                                                entrasql_credential **ret, entrasql_error *err)
{
    if (members == NULL || count == 0 || count > IDENTITY_CHAIN_MAX)
        return es_fail(err, ENTRASQL_INVALID, "a chain has 1 to %d members, not %zu",
                       IDENTITY_CHAIN_MAX, members != NULL ? count : 0);
    for (size_t i = 0; i < count; i++) {
        if (members[i] == NULL)
            return es_fail(err, ENTRASQL_INVALID, "member %zu of the chain is NULL", i);
    }
    return identity_chain_new("ChainedTokenCredential", members, count, ret, err);
}
