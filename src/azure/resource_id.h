/* SPDX-License-Identifier: MIT */
/*
 * Resource ids of Azure Resource Manager: read with checks, printed in one form, compared the way
 * Azure does, without regard to ASCII case (the identity provider itself returns "resourcegroups"
 * where everybody else writes "resourceGroups").
 *
 * "/subscriptions/{guid}/resourceGroups/{group}/providers/{namespace}/{type}/{name}" with any
 * number of further "/{type}/{name}" pairs up to AZURE_ID_MAX_PAIRS. Pure; any thread.
 */
#ifndef AZURE_RESOURCE_ID_H
#define AZURE_RESOURCE_ID_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

#define AZURE_ID_MAX 1024 /* bytes of an id with its NUL */
#define AZURE_ID_MAX_SEGMENT 260
#define AZURE_ID_MAX_PAIRS 4
#define AZURE_SUBSCRIPTION_SIZE 37

typedef struct azure_id {
    char subscription[AZURE_SUBSCRIPTION_SIZE]; /* lower case */
    char resource_group[91];                    /* 90 characters at most */
    char provider[AZURE_ID_MAX_SEGMENT];        /* "Microsoft.Web" */
    unsigned pairs;                             /* of types and names, at least one */
    char types[AZURE_ID_MAX_PAIRS][AZURE_ID_MAX_SEGMENT];
    char names[AZURE_ID_MAX_PAIRS][AZURE_ID_MAX_SEGMENT];
} azure_id;

/* INVALID with the place in the message; *ret is then untouched. */
entrasql_status azure_id_parse(const char *s, azure_id *ret, entrasql_error *err) ES_MUST_USE;
/* The form with "resourceGroups". */
entrasql_status azure_id_print(const azure_id *id, es_buf *out) ES_MUST_USE;
/* Names the same resource. False when one of them is NULL. */
bool azure_id_equal(const char *a, const char *b);
/* What the id is of: "Microsoft.ManagedIdentity", "userAssignedIdentities". */
bool azure_id_is_type(const azure_id *id, const char *provider, const char *type);

/* One segment of a path: not empty, no '/', '?', '#', '%', '\\', controls, not "." or "..". */
bool azure_segment_is_valid(const char *s, size_t n);
/* A subscription: a GUID as text. */
bool azure_subscription_is_valid(const char *s);

#endif
