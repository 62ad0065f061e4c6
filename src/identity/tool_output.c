/* SPDX-License-Identifier: MIT */
/* What the programs of developers print. */
#include "identity/tool_output.h"

#include "base/str.h"
#include "identity/aadsts.h"
#include "identity/internal.h"
#include "identity/redact.h"
#include "identity/reply.h"

#include <stdio.h>
#include <string.h>

#define SHOWN_OUTPUT 250

/* ---- a token ---- */

static bool read_expiry(const identity_tool_words *words, const json_node *root, int64_t *ret)
{
    const char *text;
    size_t n;
    int64_t v = 0;
    bool found = false;
    for (size_t i = 0; i < ES_COUNT_OF(words->expiry) && !found && words->expiry[i] != NULL; i++) {
        const char *name = words->expiry[i];
        found = json_member_i64(root, name, &v) == ENTRASQL_OK;
        if (found || json_member_string(root, name, &text, &n) != ENTRASQL_OK)
            continue;
        found =
            es_parse_i64(text, n, &v) == ENTRASQL_OK ||
            (words->date != NULL ? words->date : identity_date_parse)(text, n, &v) == ENTRASQL_OK;
    }
    if (!found || v <= 0 || v > IDENTITY_MAX_EXPIRY)
        return false;
    *ret = v;
    return true;
}

static bool is_visible(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] <= 0x20 || s[i] >= 0x7F)
            return false;
    }
    return n != 0;
}

static entrasql_status unreadable(const identity_tool_words *words, const es_buf *out,
                                  const char *what, entrasql_error *err)
{
    char shown[SHOWN_OUTPUT];
    identity_redact(shown, sizeof shown, (const char *)out->data, out->len, NULL);
    es_fail(err, ENTRASQL_AUTH_FAILED, "the output of %s %s%s: %s", words->title, what,
            what[strlen(what) - 1] == ' ' ? words->value : "",
            shown[0] != '\0' ? shown : "(nothing)");
    es_hint(err, "run `%s` by hand; a newer %s may be needed", words->by_hand, words->name);
    return ENTRASQL_AUTH_FAILED;
}

entrasql_status identity_output_token(const identity_tool_words *words, const es_buf *out,
                                      entrasql_token **ret, entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    entrasql_status status = json_doc_parse(out->data, out->len, &doc, err);
    if (status == ENTRASQL_NOMEM)
        return status;
    if (status != ENTRASQL_OK)
        return unreadable(words, out, "is not JSON", err);
    const json_node *root = json_doc_root(doc);
    const char *value;
    size_t n;
    int64_t expires_on;
    if (json_member_string(root, words->value, &value, &n) != ENTRASQL_OK || !is_visible(value, n))
        return unreadable(words, out, "holds no ", err);
    if (!read_expiry(words, root, &expires_on))
        return unreadable(words, out, "does not say when the token expires", err);
    entrasql_token *token = identity_token_new(value, n, expires_on, 0, words->credential);
    if (token == NULL)
        return es_nomem(err);
    *ret = token;
    return ENTRASQL_OK;
}

/* ---- a failure ---- */

entrasql_status identity_output_not_found(const identity_tool_words *words, entrasql_error *err)
{
    es_fail(err, ENTRASQL_UNAVAILABLE, "%s not found on path", words->name);
    es_hint(err, "%s", words->install);
    return ENTRASQL_UNAVAILABLE;
}

/* A shell's or the system's words for a program that is not there. */
static bool is_not_found(const identity_tool_words *words, int exit_code, const char *text)
{
    static const char *const forms[] = {"%s: not found", "%s: command not found",
                                        "'%s' is not recognized"};
    char sign[80];
    if (exit_code == 127)
        return true;
    for (size_t i = 0; i < ES_COUNT_OF(forms); i++) {
        const char *place = strstr(forms[i], "%s");
        (void)snprintf(sign, sizeof sign, "%.*s%s%s", (int)(place - forms[i]), forms[i],
                       words->program, place + 2);
        if (strstr(text, sign) != NULL)
            return true;
    }
    return false;
}

static const identity_symptom *find_symptom(const identity_tool_words *words, const char *text)
{
    for (const identity_symptom *s = words->symptoms; s->sign != NULL; s++) {
        if (strstr(text, s->sign) != NULL)
            return s;
    }
    return NULL;
}

entrasql_status identity_output_failure(const identity_tool_words *words, int exit_code,
                                        const char *text, entrasql_error *err)
{
    if (is_not_found(words, exit_code, text))
        return identity_output_not_found(words, err);
    uint32_t number = identity_aadsts_in_text(text);
    const identity_symptom *symptom = number == 0 ? find_symptom(words, text) : NULL;
    if (symptom != NULL && symptom->message != NULL) {
        es_fail(err, symptom->status, "%s", symptom->message);
        es_hint(err, "%s", symptom->hint);
        return symptom->status;
    }
    const identity_aadsts *known = identity_aadsts_find(number);
    if (exit_code > 128)
        es_fail(err, ENTRASQL_AUTH_FAILED, "%s was ended by signal %d: %s", words->title,
                exit_code - 128, text);
    else
        es_fail(err, ENTRASQL_AUTH_FAILED, "%s failed%s%s (exit code %d): %s", words->title,
                known != NULL ? ": " : "", known != NULL ? known->cause : "", exit_code, text);
    /* The table of numbers speaks of az; people of other tools sign in with those. */
    if (known != NULL)
        es_hint(err, "%s", strstr(known->hint, "az login") != NULL ? words->sign_in : known->hint);
    else if (symptom != NULL)
        es_hint(err, "%s", symptom->hint);
    else
        es_hint(err, "run `%s` by hand to see more", words->by_hand);
    if (err != NULL)
        err->number = number;
    return ENTRASQL_AUTH_FAILED;
}
