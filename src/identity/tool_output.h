/* SPDX-License-Identifier: MIT */
/*
 * What the programs of developers print, on both streams: a token as JSON, or
 * one of a few complaints that have their own meaning. Pure but for what a
 * tool's own date function reads; any thread.
 */
#ifndef IDENTITY_TOOL_OUTPUT_H
#define IDENTITY_TOOL_OUTPUT_H

#include "base/buf.h"
#include "base/error.h"

#include <entrasql/entrasql.h>

/* A complaint: when the sign is in the text, this is what it means. */
typedef struct identity_symptom {
    const char *sign;
    entrasql_status status; /* UNAVAILABLE or AUTH_FAILED */
    const char *message;    /* NULL: what the tool says itself */
    const char *hint;
} identity_symptom;

/* How one tool speaks, and what people are told about it. A list ends with a NULL sign. */
typedef struct identity_tool_words {
    const char *credential; /* the credential's name */
    const char *title;      /* "the Azure CLI" */
    const char *name;       /* "Azure CLI" */
    const char *program;    /* "az" */
    const char *by_hand;    /* what to run to see for oneself */
    const char *install;    /* hint when it is not there */
    const char *sign_in;    /* hint when Entra wants the person again */
    const char *value;      /* the member that holds the token */
    const char *expiry[2];  /* members that hold its end, the better one first */
    /* A text of those members that is no number; NULL: identity_date_parse. */
    entrasql_status (*date)(const char *s, size_t n, int64_t *ret);
    const identity_symptom *symptoms;
} identity_tool_words;

/* The token in the standard output. AUTH_FAILED with a piece of the output, tokens in it masked;
 * NOMEM. */
entrasql_status identity_output_token(const identity_tool_words *words, const es_buf *out,
                                      entrasql_token **ret, entrasql_error *err) ES_MUST_USE;

/*
 * What a failure means, by its text (fit to be shown already; see
 * identity_redact): UNAVAILABLE or AUTH_FAILED, with a hint. exit_code -1: not known. An AADSTS
 * number in it goes before the symptoms: then the sign-in exists and Entra refused.
 */
entrasql_status identity_output_failure(const identity_tool_words *words, int exit_code,
                                        const char *text, entrasql_error *err);

/* UNAVAILABLE: the program is not installed. */
entrasql_status identity_output_not_found(const identity_tool_words *words, entrasql_error *err);

/* How much of a tool's complaint is shown, with the NUL. */
#define IDENTITY_SHOWN_ERROR 700

#endif
