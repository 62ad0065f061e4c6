/* SPDX-License-Identifier: MIT */
/*
 * Reading parts of a seed with the place in every message. Unknown members
 * are errors: a misspelt one would silently mean the default.
 */
#ifndef EMULATOR_WORLD_SEED_H
#define EMULATOR_WORLD_SEED_H

#include "internal.h"
#include "json/json.h"

#define SEED_PLACE_SIZE 96

/* An object of the seed and where it is: "users[2]". */
typedef struct seed_object {
    const char *file;
    const json_node *node;
    char place[SEED_PLACE_SIZE];
    entrasql_error *err;
} seed_object;

/* CONFIG: "file: place.member: problem". member "" for the object itself. */
entrasql_status seed_fail(const seed_object *o, const char *member, const char *fmt, ...)
    ES_PRINTF(3, 4);

/* An object that has none but the allowed members (list ends with NULL). */
entrasql_status seed_check(const seed_object *o, const char *const *allowed) ES_MUST_USE;
/* A text of 1 to 256 bytes without control characters, copied. Missing: *ret stays as it is. */
entrasql_status seed_text(const seed_object *o, const char *member, char **ret) ES_MUST_USE;
entrasql_status seed_required_text(const seed_object *o, const char *member,
                                   char **ret) ES_MUST_USE;
/* A GUID, in lower case; missing: derived from the three texts, the same at each start. */
entrasql_status seed_guid(const seed_object *o, const char *member, const char *what,
                          const char *tenant_id, const char *name,
                          char ret[ES_GUID_TEXT_SIZE]) ES_MUST_USE;
/* An array; missing: NULL. LIMIT-like errors are CONFIG too. */
entrasql_status seed_array(const seed_object *o, const char *member, size_t max,
                           const json_node **ret) ES_MUST_USE;
/* Element i of an array that is o's member, as an object. */
entrasql_status seed_element(const seed_object *o, const char *member, const json_node *array,
                             size_t i, seed_object *ret) ES_MUST_USE;
/* Element i of such an array, as a text lent by the document. */
entrasql_status seed_element_text(const seed_object *o, const char *member, const json_node *array,
                                  size_t i, const char **ret) ES_MUST_USE;
/* The object that is o's member; missing: ret->node is NULL. */
entrasql_status seed_member(const seed_object *o, const char *member, seed_object *ret) ES_MUST_USE;

#endif
