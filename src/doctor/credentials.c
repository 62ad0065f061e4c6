/* SPDX-License-Identifier: MIT */
/* Link: each credential of the chain, all asked at once, with its outcome and time. */
#include "doctor/inner.h"

#include "base/catalog.h"
#include "base/str.h"
#include "identity/aadsts.h"
#include "identity/internal.h"
#include "identity/selection.h"
#include "relay/login.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define CREDENTIAL_MS 8000
#define SLOW_MS 2000
#define MAX_ASKED (IDENTITY_MEMBER_COUNT + 1)

typedef struct asking {
    entrasql_credential *credential;
    entrasql_token_operation *operation; /* NULL: over */
    entrasql_token *token;
    entrasql_error err;
    uint32_t ms;
} asking;

/* ---- asking ---- */

static void step(asking *a, int64_t began)
{
    entrasql_status status = entrasql_token_operation_step(a->operation, &a->token, &a->err);
    if (status == ENTRASQL_AGAIN)
        return;
    entrasql_token_operation_free(a->operation);
    a->operation = NULL;
    a->ms = (uint32_t)(es_clock_mono_ms() - began) + 1;
}

/* Descriptors of all that go on; false when none does. */
static bool wait_for_any(const asking *all, size_t count, int64_t deadline)
{
    struct pollfd fds[MAX_ASKED * 16];
    size_t n = 0;
    int timeout = es_clock_poll_timeout(deadline);
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        int own = -1;
        if (all[i].operation == NULL)
            continue;
        any = true;
        n += entrasql_token_operation_poll(all[i].operation, fds + n, ES_COUNT_OF(fds) - n, &own);
        if (own >= 0 && own < timeout)
            timeout = own;
    }
    if (any)
        (void)poll(fds, (nfds_t)n, timeout);
    return any;
}

/* A chain of one asks its member as a program would by itself; the other eyes only help. */
static entrasql_status begin(asking *a, const entrasql_token_request *request, bool alone)
{
    return alone ? entrasql_credential_start(a->credential, request, &a->operation, &a->err)
                 : identity_member_start(a->credential, request, &a->operation, &a->err);
}

static void ask_all(doctor *d, asking *all, size_t count, size_t reported)
{
    uint32_t limit = doctor_time(d, CREDENTIAL_MS);
    int64_t began = es_clock_mono_ms();
    int64_t deadline = es_clock_deadline((int64_t)limit + 200);
    const entrasql_token_request request = {
        .size = sizeof request,
        .scope = relay_scope_for_host(d->target.host),
        .timeout_ms = limit,
    };
    for (size_t i = 0; i < count; i++) {
        es_error_clear(&all[i].err);
        if (begin(&all[i], &request, reported == 1 && i == 0) != ENTRASQL_OK)
            all[i].operation = NULL;
    }
    do {
        for (size_t i = 0; i < count; i++) {
            if (all[i].operation != NULL)
                step(&all[i], began);
        }
    } while (es_clock_mono_ms() < deadline && wait_for_any(all, count, deadline));
    for (size_t i = 0; i < count; i++) {
        if (all[i].operation == NULL)
            continue;
        entrasql_token_operation_free(all[i].operation);
        all[i].operation = NULL;
        all[i].ms = limit;
        es_fail(&all[i].err, ENTRASQL_TIMEOUT, "no answer within %u ms", (unsigned)limit);
    }
}

/* ---- what an outcome means ---- */

static const char *managed_identity_id(const entrasql_error *err)
{
    if (doctor_contains(err->message, "multiple user assigned"))
        return "identities-several";
    /* The status, not digits somewhere: client ids are in the message, too. */
    if (err->number == 429 || doctor_contains(err->message, "(HTTP 429"))
        return "imds-throttled";
    if (err->number == 403 || doctor_contains(err->message, "(HTTP 403"))
        return "imds-forbidden";
    if (doctor_contains(err->message, "isn't assigned") ||
        doctor_contains(err->message, "identity not found"))
        return "identity-not-attached";
    if (err->status == ENTRASQL_TIMEOUT || err->status == ENTRASQL_NETWORK ||
        doctor_contains(err->message, "no managed identity endpoint"))
        return "imds-absent";
    return "credential-failed";
}

static const char *az_id(const entrasql_error *err)
{
    if (doctor_contains(err->message, "not found on path"))
        return "az-missing";
    if (doctor_contains(err->message, "az login") || doctor_contains(err->hint, "az login"))
        return "az-signed-out";
    return "credential-failed";
}

static uint32_t aadsts_of(const entrasql_error *err)
{
    uint32_t number = identity_aadsts_in_text(err->message);
    return number != 0 ? number : err->error_class == ENTRASQL_CLASS_AUTH ? err->number : 0;
}

const char *doctor_credential_id(const char *name, const entrasql_error *err)
{
    if (identity_aadsts_find(aadsts_of(err)) != NULL)
        return "entra-refused";
    if (es_streq(name, "ManagedIdentityCredential"))
        return managed_identity_id(err);
    if (es_streq(name, "AzureCliCredential"))
        return az_id(err);
    return "credential-failed";
}

/* As the chain itself decides (src/identity/chained.c): what is set up here and failed ends it,
 * developers' tools never do. */
static bool ends_chain(const asking *a)
{
    return a->credential != NULL && a->err.status != ENTRASQL_UNAVAILABLE &&
           !a->credential->klass->is_developer_tool;
}

static bool is_set(const char *name)
{
    return !es_str_is_empty(getenv(name));
}

/* The variable by which this host says where its identities are asked for; NULL: it is IMDS. */
static const char *endpoint_variable(void)
{
    bool whole = is_set("IDENTITY_HEADER") || is_set("IMDS_ENDPOINT");
    if (is_set("IDENTITY_ENDPOINT") && whole)
        return "IDENTITY_ENDPOINT";
    return is_set("MSI_ENDPOINT") ? "MSI_ENDPOINT" : NULL;
}

/* No endpoint answers: one that a variable names is another matter than IMDS. */
static const char *look_at_endpoint(const char *id)
{
    return es_streq(id, "imds-absent") && endpoint_variable() != NULL ? "identity-endpoint-dead"
                                                                      : id;
}

void doctor_brief(const char *message, char *ret, size_t size)
{
    const char *end = message + strlen(message);
    static const char *const stops[] = {" (", "; "};
    for (size_t i = 0; i < ES_COUNT_OF(stops); i++) {
        const char *stop = strstr(message, stops[i]);
        if (stop != NULL && stop != message && stop < end)
            end = stop;
    }
    es_printable(ret, size, message, (size_t)(end - message));
}

static doctor_line *say_what_failed(doctor *d, const asking *a, bool matters, const char *id)
{
    doctor_state state = matters ? DOCTOR_FAIL : DOCTOR_NONE;
    const char *name = entrasql_credential_name(a->credential);
    uint32_t number = aadsts_of(&a->err);
    const identity_aadsts *known = identity_aadsts_find(number);
    char brief[200];
    if (known != NULL)
        return doctor_add(d, "credential", state, id, "%s: AADSTS%u, %s", name, (unsigned)number,
                          known->cause);
    if (es_streq(id, "identity-endpoint-dead"))
        return doctor_add(d, "credential", state, id, "%s: what %s names does not answer", name,
                          endpoint_variable());
    if (matters)
        return doctor_add(d, "credential", state, id, "%s: %s", name,
                          a->err.status == ENTRASQL_UNAVAILABLE ? "not available here" : "refused");
    doctor_brief(a->err.message, brief, sizeof brief);
    return doctor_add(d, "credential", state, id, "%s: %s", name, brief);
}

/* Who asks for a managed identity alone is not helped by the choice of a chain. */
static void set_way_out(const doctor *d, doctor_line *line)
{
    bool absent = es_streq(line->id, "imds-absent");
    bool by_string =
        es_streq(conf_login_get(&d->login, CONF_KEY_AUTHENTICATION), "managed-identity");
    if (d->options->credential == NULL || (!absent && !es_streq(line->id, "imds-forbidden")))
        return;
    doctor_fix(line, "Outside Azure %s. %s",
               by_string ? "there is no managed identity: write Authentication="
                           "ActiveDirectoryDefault, which Driver={entrasql} knows, too"
                         : "leave --credential out",
               absent ? "On Azure let 169.254.169.254 through (firewall, network policy, NO_PROXY) "
                        "and give the resource an identity."
                      : "In a cluster look at network policies.");
}

static void say_failure(doctor *d, const asking *a, bool matters)
{
    const char *name = entrasql_credential_name(a->credential);
    const char *id = look_at_endpoint(doctor_credential_id(name, &a->err));
    const identity_aadsts *known = identity_aadsts_find(aadsts_of(&a->err));
    /* Where the library knows more than the table: which of the identities, which address. */
    bool special = es_streq(id, "credential-failed") ||
                   (es_streq(id, "imds-absent") && is_set("AZURE_POD_IDENTITY_AUTHORITY_HOST")) ||
                   (es_streq(id, "identity-not-attached") &&
                    doctor_contains(a->err.message, "the system-assigned identity"));
    doctor_line *line = say_what_failed(d, a, matters, id);
    doctor_evidence(line, "%s", a->err.message);
    set_way_out(d, line);
    if (known != NULL)
        doctor_fix(line, "%s", known->hint);
    else if (a->err.hint[0] != '\0' && special)
        doctor_fix(line, "%s", a->err.hint);
    line->ms = a->ms;
}

static void keep_token(doctor *d, asking *a)
{
    if (d->token_count == DOCTOR_MAX_TOKENS)
        return;
    doctor_token *t = &d->tokens[d->token_count++];
    t->credential = entrasql_credential_ref(a->credential);
    t->is_jwt =
        identity_claims_read(entrasql_token_value(a->token), &t->claims, NULL) == ENTRASQL_OK;
}

static void say_success(doctor *d, asking *a, bool is_first)
{
    const char *name = entrasql_credential_name(a->credential);
    bool slow = a->ms > SLOW_MS && es_streq(name, "ManagedIdentityCredential");
    doctor_line *line = doctor_add(d, "credential", slow ? DOCTOR_WARN : DOCTOR_OK,
                                   slow ? "imds-slow" : NULL, "%s gave a token%s", name,
                                   is_first ? ""
                                            : " (not reached: an earlier one is "
                                              "taken)");
    line->ms = a->ms;
    keep_token(d, a);
}

static const char *id_of(const asking *a)
{
    return doctor_credential_id(entrasql_credential_name(a->credential), &a->err);
}

/*
 * When nobody signs in and nothing ends the chain: the member whose reason says more than that none
 * is set up. A machine of Azure whose endpoint knows no such identity passes for one without any.
 * count: there is none.
 */
static size_t most_telling(const asking *all, size_t count)
{
    static const char *const telling[] = {"identities-several", "identity-not-attached",
                                          "imds-throttled", "imds-forbidden"};
    size_t found = count;
    bool az = false;
    for (size_t i = 0; i < count; i++) {
        if (all[i].token != NULL || ends_chain(&all[i]))
            return count;
        const char *id = id_of(&all[i]);
        az = az || es_streq(id, "az-signed-out");
        for (size_t k = 0; k < ES_COUNT_OF(telling); k++) {
            if (es_streq(id, telling[k]))
                found = i;
        }
    }
    /* A developer's container: the endpoint's gateway is not what is missing there. */
    bool forbidden = found < count && es_streq(id_of(&all[found]), "imds-forbidden");
    return forbidden && az ? count : found;
}

static void say_all(doctor *d, asking *all, size_t count)
{
    bool ended = false;
    size_t telling = most_telling(all, count);
    for (size_t i = 0; i < count; i++) {
        asking *a = &all[i];
        if (a->token != NULL && !ended) {
            say_success(d, a, d->token_count == 0);
            continue;
        }
        if (a->token != NULL) {
            (void)doctor_add(d, "credential", DOCTOR_NONE, NULL,
                             "%s gave a token, but the chain ends before it",
                             entrasql_credential_name(a->credential));
            keep_token(d, a);
            continue;
        }
        bool matters =
            d->token_count == 0 && !ended && (count == 1 || ends_chain(a) || i == telling);
        say_failure(d, a, matters);
        ended = ended || matters;
    }
    if (d->token_count == 0 && !ended)
        (void)doctor_add(d, "credential", DOCTOR_FAIL, "no-credential",
                         "no credential of DefaultAzureCredential gave a token");
    /* The token behind a chain's end is somebody else's: only the second look may use it. */
    d->token_is_good = d->token_count != 0 && !ended;
}

/*
 * The chain's members; behind a credential that was named they are only other eyes, for a look at
 * the database when the login is refused.
 */
static entrasql_status make_members(const doctor *d, entrasql_credential **members, size_t *count,
                                    size_t *ret_reported, entrasql_error *err)
{
    const entrasql_client_options client = {.size = sizeof client, .max_retries = UINT32_MAX};
    const char *id = d->options->client_id != NULL ? d->options->client_id
                                                   : conf_login_get(&d->login, CONF_KEY_CLIENT_ID);
    const entrasql_default_azure_options options = {
        .size = sizeof options, .client = &client, .managed_identity_client_id = id};
    if (d->options->credential == NULL) {
        ES_TRY(identity_default_members(&options, members, count, err));
        *ret_reported = *count;
        return ENTRASQL_OK;
    }
    members[0] = entrasql_credential_ref(d->options->credential);
    *ret_reported = 1;
    if (identity_default_members(&options, members + 1, count, NULL) != ENTRASQL_OK)
        *count = 0;
    *count += 1;
    return ENTRASQL_OK;
}

/* Its driver would send it to Entra; here the chain is looked at, since it is the way out. */
static void check_secret(doctor *d)
{
    const char *authentication = conf_login_get(&d->login, CONF_KEY_AUTHENTICATION);
    bool app = es_streq(authentication, "service-principal");
    if (d->options->credential != NULL || (!app && !es_streq(authentication, "password")))
        return;
    doctor_line *line = doctor_add(d, "credential", DOCTOR_WARN, "secret-in-string",
                                   "the string signs in with %s: that was not tried",
                                   app ? "an app's secret" : "a person's password, by Entra");
    doctor_evidence(line, "%s", "the credentials below are those without it");
}

void doctor_credentials(doctor *d)
{
    entrasql_credential *members[MAX_ASKED];
    asking all[MAX_ASKED] = {0};
    size_t count = 0;
    size_t reported = 0;
    entrasql_error err;
    if (!d->by_token) {
        (void)doctor_add(d, "credential", DOCTOR_NONE, NULL, "not needed: %s",
                         d->front.is_proxy ? "an entrasql proxy signs in"
                                           : "the string has a SQL login");
        return;
    }
    check_secret(d);
    if (d->no_selection || (d->no_authority && d->options->credential == NULL)) {
        (void)doctor_add(d, "credential", DOCTOR_NONE, NULL, "not tried: %s is not understood",
                         d->no_selection ? "AZURE_TOKEN_CREDENTIALS" : "AZURE_AUTHORITY_HOST");
        return;
    }
    if (make_members(d, members, &count, &reported, &err) != ENTRASQL_OK) {
        doctor_line *line = doctor_add(d, "credential", DOCTOR_FAIL, "credential-failed",
                                       "the credentials cannot be set up");
        doctor_evidence(line, "%s", err.message);
        return;
    }
    for (size_t i = 0; i < count; i++)
        all[i].credential = members[i];
    ask_all(d, all, count, reported);
    say_all(d, all, reported);
    for (size_t i = reported; i < count && d->token_count != 0; i++) {
        if (all[i].token != NULL)
            keep_token(d, &all[i]);
    }
    for (size_t i = 0; i < count; i++) {
        entrasql_token_free(all[i].token);
        entrasql_credential_unref(members[i]);
    }
}
