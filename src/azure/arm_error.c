/* SPDX-License-Identifier: MIT */
/*
 * Error answers of Azure Resource Manager as errors of ours: code and words, the action and scope
 * of a refusal with the smallest role that has it, what support will ask for.
 */
#include "azure/arm_inner.h"
#include "azure/fields.h"
#include "azure/rights.h"

#include "base/mem.h"
#include "base/str.h"
#include "identity/redact.h"
#include "identity/reply.h"

#include <stdio.h>
#include <string.h>

/* ---- reading ---- */

/*
 * Azure quotes what it was sent; a refused setting may hold a password. The value of each
 * "password=" or "pwd=" is replaced up to where connection strings end it.
 */
static void mask_passwords(char *s)
{
    static const char *const words[] = {"password", "pwd"};
    for (char *p = s; *p != '\0'; p++) {
        for (size_t i = 0; i < ES_COUNT_OF(words); i++) {
            size_t n = strlen(words[i]);
            if (!es_strncaseeq(p, words[i], n))
                continue;
            char *value = p + n + strspn(p + n, " ");
            if (*value != '=')
                continue;
            value++;
            size_t len = strcspn(value, "'\"");
            if (*value == '{' || strchr(value, ';') == NULL)
                len = strlen(value);
            else if (strcspn(value, ";") < len)
                len = strcspn(value, ";");
            memset(value, '*', len);
            p = value + len - (len != 0 ? 1 : 0);
            break;
        }
        if (*p == '\0')
            return;
    }
}

static void copy_text(const json_node *obj, const char *name, char *dst, size_t size)
{
    const char *text = NULL;
    size_t n = 0;
    if (json_member_string(obj, name, &text, &n) != ENTRASQL_OK)
        return;
    /* Masked before it is cut: a password that reaches beyond the cut has no end to be found. */
    char *copy = es_strndup(text, n);
    if (copy == NULL)
        return;
    mask_passwords(copy);
    identity_redact(dst, size, copy, n, NULL);
    es_free_wipe_str(copy);
}

/* 'text' in quotes after `word`, from `from` on. */
static const char *quoted_after(const char *from, const char *word, char *ret, size_t size)
{
    const char *p = from != NULL ? strstr(from, word) : NULL;
    const char *start = p != NULL ? strchr(p, '\'') : NULL;
    const char *end = start != NULL ? strchr(start + 1, '\'') : NULL;
    if (end == NULL)
        return NULL;
    es_printable(ret, size, start + 1, (size_t)(end - start - 1));
    return end + 1;
}

/*
 * AuthorizationFailed: "... does not have authorization to perform action 'A' over scope 'S' ...".
 * LinkedAuthorizationFailed: "... has permission to perform action 'A' on scope 'S'; however, it
 * does not have permission to perform action(s) 'B' on the linked scope(s) 'T' ...".
 */
static void read_denial(azure_failure *f)
{
    const char *denied = strstr(f->message, "does not have");
    const char *rest = quoted_after(denied, "action", f->action, sizeof f->action);
    if (rest != NULL && quoted_after(rest, "scope", f->scope, sizeof f->scope) == NULL)
        f->scope[0] = '\0';
    const azure_right *right = f->action[0] != '\0' ? azure_right_find(f->action) : NULL;
    f->role = right != NULL ? right->role : NULL;
}

/* Which policy said no: additionalInfo[].info.policyDefinitionDisplayName. */
static void add_policy(const json_node *error, azure_failure *f)
{
    const json_node *first = json_element(json_member(error, "additionalInfo"), 0);
    const json_node *info = json_member(first, "info");
    char name[200] = "";
    copy_text(info, "policyDefinitionDisplayName", name, sizeof name);
    size_t n = strlen(f->message);
    if (name[0] != '\0' && strstr(f->message, name) == NULL)
        (void)snprintf(f->message + n, sizeof f->message - n, " (policy: %s)", name);
}

void azure_failure_read(const json_node *root, azure_failure *ret)
{
    const json_node *error = NULL;
    if (json_member_object(root, "error", &error) != ENTRASQL_OK)
        error = root;
    copy_text(error, "code", ret->code, sizeof ret->code);
    copy_text(error, "message", ret->message, sizeof ret->message);
    /* Microsoft.Web's older form. */
    if (ret->code[0] == '\0')
        copy_text(error, "Code", ret->code, sizeof ret->code);
    if (ret->message[0] == '\0')
        copy_text(error, "Message", ret->message, sizeof ret->message);
    add_policy(error, ret);
    if (es_strcaseeq(ret->code, "AuthorizationFailed") ||
        es_strcaseeq(ret->code, "LinkedAuthorizationFailed"))
        read_denial(ret);
}

void azure_failure_of(const http_response *answer, azure_failure *ret)
{
    *ret = (azure_failure){.http_status = answer->status};
    json_doc *doc = NULL;
    if (answer->body.len != 0 &&
        json_doc_parse(answer->body.data, answer->body.len, &doc, NULL) == ENTRASQL_OK)
        azure_failure_read(json_doc_root(doc), ret);
    json_doc_free(doc);
    char id[sizeof ret->correlation_id];
    if (http_response_header(answer, "x-ms-correlation-request-id", id, sizeof id) == ENTRASQL_OK ||
        http_response_header(answer, "x-ms-request-id", id, sizeof id) == ENTRASQL_OK)
        es_printable(ret->correlation_id, sizeof ret->correlation_id, id, strlen(id));
}

/* ---- telling ---- */

/* What to do about a code, or about a status when the code is not known; first fit counts. */
static const struct advice {
    const char *code;     /* NULL: any */
    unsigned http_status; /* 0: any */
    entrasql_status status;
    const char *hint; /* NULL: none of our own */
} advices[] = {
    {"RequestDisallowedByPolicy", 0, ENTRASQL_AUTH_FAILED,
     "a policy of the organisation forbids it: its owner can make an exemption"},
    {"ScopeLocked", 0, ENTRASQL_AUTH_FAILED,
     "a lock is on the resource, its group or the subscription: who owns it has to take it away "
     "(az lock list)"},
    {"SubscriptionNotFound", 0, ENTRASQL_NOT_FOUND,
     "check the subscription's id, and that the sign-in is in its tenant"},
    {"ResourceGroupNotFound", 0, ENTRASQL_NOT_FOUND, "check the resource group's name"},
    {"ResourceNotFound", 0, ENTRASQL_NOT_FOUND, "check the name and the resource group"},
    {"InvalidAuthenticationTokenTenant", 0, ENTRASQL_AUTH_FAILED,
     "the subscription belongs to another tenant: sign in to that one"},
    {"DenyPublicEndpointEnabled", 0, ENTRASQL_INVALID,
     "the server's public network access is off, so no firewall rule helps: run this from inside "
     "its network"},
    {"InvalidServerAADOnlyAuthNoAADAdminPropertyName", 0, ENTRASQL_INVALID,
     "set an Entra admin of the server first"},
    {"ServerAdministratorNameAlreadyExists", 0, ENTRASQL_EXISTS,
     "a login of that name is in master: choose another display name for the admin"},
    {"FederatedIdentityCredentialLimitReached", 0, ENTRASQL_LIMIT,
     "an identity may have 20 federated credentials: remove one that is not used"},
    {NULL, 400, ENTRASQL_INVALID, NULL},
    {NULL, 401, ENTRASQL_AUTH_FAILED,
     "Azure does not take the token: sign in again, and check the tenant"},
    {NULL, 403, ENTRASQL_AUTH_FAILED, NULL},
    {NULL, 404, ENTRASQL_NOT_FOUND, NULL},
    {NULL, 409, ENTRASQL_BUSY, "something else changes it at this moment: try again later"},
    {NULL, 412, ENTRASQL_BUSY, "it was changed by somebody else meanwhile: plan again"},
    {NULL, 429, ENTRASQL_BUSY, "Azure limits how often it may be asked: try again later"},
};

static const struct advice *advice_of(const azure_failure *f)
{
    for (size_t i = 0; i < ES_COUNT_OF(advices); i++) {
        const struct advice *a = &advices[i];
        if ((a->code == NULL || es_strcaseeq(a->code, f->code)) &&
            (a->http_status == 0 || a->http_status == f->http_status))
            return a;
    }
    return NULL;
}

static void hint_of_denial(const azure_failure *f, entrasql_error *err)
{
    if (f->role != NULL)
        es_hint(err,
                "the smallest built-in role with %s is %s: have it assigned on %s (new "
                "assignments take some minutes)",
                f->action, f->role, f->scope[0] != '\0' ? f->scope : "the resource");
    else
        es_hint(err, "have a role with %s assigned on %s", f->action,
                f->scope[0] != '\0' ? f->scope : "the resource");
}

entrasql_status azure_arm_refuse(azure_arm *arm, const char *what, const http_response *answer,
                                 entrasql_error *err)
{
    azure_failure *f = &arm->failure;
    azure_failure_of(answer, f);
    const struct advice *a = advice_of(f);
    entrasql_status status = a != NULL               ? a->status
                             : answer->status >= 500 ? ENTRASQL_NETWORK
                                                     : ENTRASQL_MALFORMED;
    if (f->code[0] != '\0' || f->message[0] != '\0')
        es_fail(err, status, "%s: %s%s%s", what, f->code,
                f->code[0] != '\0' && f->message[0] != '\0' ? ": " : "", f->message);
    else
        es_fail(err, status, "%s: HTTP status %u without a word from Azure", what, answer->status);
    if (f->action[0] != '\0')
        hint_of_denial(f, err);
    else if (a != NULL && a->hint != NULL)
        es_hint(err, "%s", a->hint);
    if (err != NULL) {
        err->number = answer->status;
        es_strlcpy_utf8(err->correlation_id, sizeof err->correlation_id, f->correlation_id);
    }
    identity_reply_set_class(answer->status, err);
    return status;
}
