/* SPDX-License-Identifier: MIT */
/* What proves an app to Entra: a secret, or an assertion from a file, a function or elsewhere. */
#include "base/mem.h"
#include "base/str.h"
#include "http/text.h"
#include "identity/app.h"
#include "os/file.h"

#include <string.h>

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

void identity_proof_free(identity_proof *proof)
{
    if (proof != NULL)
        proof->klass->free(proof);
}

static entrasql_status added(entrasql_status status, entrasql_error *err)
{
    if (status == ENTRASQL_LIMIT)
        return es_fail(err, ENTRASQL_INVALID, "the token request is larger than %d bytes",
                       IDENTITY_MAX_FORM);
    return status == ENTRASQL_OK ? status : es_nomem(err);
}

/* ---- secret, and an assertion that is there already ---- */

struct secret_proof {
    identity_proof base;
    es_secret *secret;
};

static entrasql_status secret_add(identity_proof *proof, const char *client_id,
                                  const char *token_url, es_buf *form, es_secret **ret_secret,
                                  entrasql_error *err)
{
    (void)client_id;
    (void)token_url;
    struct secret_proof *p = (struct secret_proof *)proof;
    ES_TRY(added(http_form_add(form, "client_secret", es_secret_reveal(p->secret)), err));
    *ret_secret = es_secret_ref(p->secret);
    return ENTRASQL_OK;
}

static void secret_free(identity_proof *proof)
{
    struct secret_proof *p = (struct secret_proof *)proof;
    es_secret_unref(p->secret);
    es_free(p);
}

static const identity_proof_class secret_class = {secret_add, secret_free};

entrasql_status identity_proof_secret_new(const char *client_secret, identity_proof **ret,
                                          entrasql_error *err)
{
    if (es_str_is_empty(client_secret))
        return es_fail(err, ENTRASQL_INVALID, "client_secret is empty");
    struct secret_proof *p = es_calloc(1, sizeof *p);
    if (p == NULL)
        return es_nomem(err);
    p->base.klass = &secret_class;
    p->secret = es_secret_from_str(client_secret);
    if (p->secret == NULL) {
        es_free(p);
        return es_nomem(err);
    }
    *ret = &p->base;
    return ENTRASQL_OK;
}

/* ---- assertions ---- */

/* It goes into a form, so any byte would do; but a JWT has only visible ones. */
static bool is_assertion_text(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] <= 0x20 || s[i] >= 0x7F)
            return false;
    }
    return n != 0;
}

entrasql_status identity_assertion_add(const char *assertion, size_t n, es_buf *form,
                                       es_secret **ret_secret, entrasql_error *err)
{
    if (!is_assertion_text(assertion, n))
        return es_fail(err, ENTRASQL_AUTH_FAILED, "the client assertion is %s",
                       n == 0 ? "empty" : "not a token: it holds blanks or control characters");
    ES_CLEANUP(es_secret_cleanup) es_secret *secret = es_secret_new(assertion, n);
    if (secret == NULL)
        return es_nomem(err);
    ES_TRY(added(http_form_add(form, "client_assertion_type", ASSERTION_TYPE), err));
    ES_TRY(added(http_form_add(form, "client_assertion", es_secret_reveal(secret)), err));
    *ret_secret = es_secret_ref(secret);
    return ENTRASQL_OK;
}

/* ---- a function of the program ---- */

struct function_proof {
    identity_proof base;
    entrasql_assertion_function *function;
    void *context;
    void (*free_context)(void *context);
};

static entrasql_status call_function(struct function_proof *p, char **ret, entrasql_error *err)
{
    es_error_clear(err);
    entrasql_status status = p->function(p->context, ret, err);
    if (status == ENTRASQL_OK && *ret != NULL)
        return ENTRASQL_OK;
    if (status == ENTRASQL_OK)
        return es_fail(err, ENTRASQL_AUTH_FAILED,
                       "the assertion function reported success but gave no assertion");
    if (err->message[0] == '\0')
        es_fail(err, ENTRASQL_AUTH_FAILED, "the assertion function failed (%s)",
                entrasql_status_text(status));
    else
        es_error_prefix(err, "the assertion function failed");
    /* Memory and the caller's own end stay what they are; all else is a refused sign-in. */
    if (status != ENTRASQL_NOMEM && status != ENTRASQL_CANCELLED)
        status = ENTRASQL_AUTH_FAILED;
    err->status = status;
    err->error_class = entrasql_status_class(status);
    return status;
}

static entrasql_status function_add(identity_proof *proof, const char *client_id,
                                    const char *token_url, es_buf *form, es_secret **ret_secret,
                                    entrasql_error *err)
{
    (void)client_id;
    (void)token_url;
    char *assertion = NULL;
    entrasql_status status = call_function((struct function_proof *)proof, &assertion, err);
    size_t n = assertion != NULL ? strlen(assertion) : 0;
    if (status == ENTRASQL_OK)
        status =
            n <= IDENTITY_MAX_ASSERTION
                ? identity_assertion_add(assertion, n, form, ret_secret, err)
                : es_fail(err, ENTRASQL_AUTH_FAILED, "the client assertion is longer than %d bytes",
                          IDENTITY_MAX_ASSERTION);
    es_free_wipe_str(assertion); /* of malloc(), as es_free() takes it */
    return status;
}

static void function_free(identity_proof *proof)
{
    struct function_proof *p = (struct function_proof *)proof;
    if (p->free_context != NULL)
        p->free_context(p->context);
    es_free(p);
}

static const identity_proof_class function_class = {function_add, function_free};

entrasql_status identity_proof_function_new(entrasql_assertion_function *function, void *context,
                                            identity_proof **ret, entrasql_error *err)
{
    if (function == NULL)
        return es_fail(err, ENTRASQL_INVALID, "the assertion function is NULL");
    struct function_proof *p = es_calloc(1, sizeof *p);
    if (p == NULL)
        return es_nomem(err);
    p->base.klass = &function_class;
    p->function = function;
    p->context = context;
    *ret = &p->base;
    return ENTRASQL_OK;
}

void identity_proof_function_own(identity_proof *proof, void (*free_context)(void *context))
{
    ((struct function_proof *)proof)->free_context = free_context;
}

/* ---- a file that somebody else keeps fresh ---- */

struct file_proof {
    identity_proof base;
    char *path;
};

static entrasql_status read_assertion(const char *path, es_buf *text, entrasql_error *err)
{
    entrasql_status status = os_file_read(path, text, err);
    if (status == ENTRASQL_OK || status == ENTRASQL_NOMEM)
        return status;
    es_error_prefix(err, "the federated token file cannot be read");
    es_hint(err, "check AZURE_FEDERATED_TOKEN_FILE, and in Kubernetes that the pod has the label "
                 "azure.workload.identity/use: \"true\" and its service account the annotation "
                 "azure.workload.identity/client-id");
    err->status = ENTRASQL_AUTH_FAILED;
    err->error_class = entrasql_status_class(ENTRASQL_AUTH_FAILED);
    return ENTRASQL_AUTH_FAILED;
}

static entrasql_status file_add(identity_proof *proof, const char *client_id, const char *token_url,
                                es_buf *form, es_secret **ret_secret, entrasql_error *err)
{
    (void)client_id;
    (void)token_url;
    const struct file_proof *p = (const struct file_proof *)proof;
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(IDENTITY_MAX_ASSERTION);
    ES_TRY(read_assertion(p->path, &text, err));
    const char *s = (const char *)text.data;
    size_t n = text.len;
    while (n != 0 && es_is_space(*s)) {
        s++;
        n--;
    }
    while (n != 0 && es_is_space(s[n - 1]))
        n--;
    if (n == 0) {
        es_fail(err, ENTRASQL_UNAVAILABLE, "the federated token file %s is empty", p->path);
        es_hint(err, "the platform has not written it yet: try again, or look at its logs");
        return ENTRASQL_UNAVAILABLE;
    }
    entrasql_status status = identity_assertion_add(s, n, form, ret_secret, err);
    if (status == ENTRASQL_AUTH_FAILED) {
        es_error_prefix(err, "%s", p->path);
        es_hint(err, "the file holds one token and nothing else, no Bearer and no quotes, as the "
                     "platform writes it");
    }
    return status;
}

static void file_free(identity_proof *proof)
{
    struct file_proof *p = (struct file_proof *)proof;
    es_free(p->path);
    es_free(p);
}

static const identity_proof_class file_class = {file_add, file_free};

entrasql_status identity_proof_file_new(const char *path, identity_proof **ret, entrasql_error *err)
{
    struct file_proof *p = es_calloc(1, sizeof *p);
    if (p == NULL)
        return es_nomem(err);
    p->base.klass = &file_class;
    p->path = es_strdup(path);
    if (p->path == NULL) {
        es_free(p);
        return es_nomem(err);
    }
    *ret = &p->base;
    return ENTRASQL_OK;
}
