/* SPDX-License-Identifier: MIT */
/*
 * JSON that can be changed, for resources: everything belongs to one pool and
 * goes back with it, zeroed, since settings hold passwords.
 *
 * Lack of memory is kept in the pool: calls go on with what they have (NULL
 * is taken everywhere and does nothing), and who would answer asks
 * arm_pool_failed() first. One thread at a time.
 */
#ifndef EMULATOR_ARM_VALUE_H
#define EMULATOR_ARM_VALUE_H

#include "json/json.h"

typedef struct arm_block arm_block;
typedef struct arm_pool {
    arm_block *blocks;
    bool failed;
} arm_pool;

void arm_pool_done(arm_pool *pool);
bool arm_pool_failed(const arm_pool *pool);
/* Zeroed memory; NULL when there is none. */
void *arm_pool_alloc(arm_pool *pool, size_t n) ES_MUST_USE;
char *arm_pool_copy(arm_pool *pool, const char *s, size_t n) ES_MUST_USE;
char *arm_pool_printf(arm_pool *pool, const char *fmt, ...) ES_PRINTF(2, 3) ES_MUST_USE;

typedef struct arm_value arm_value;
typedef struct arm_member arm_member;

struct arm_member {
    arm_member *next;
    const char *name; /* elements of arrays: NULL */
    arm_value *value;
};

struct arm_value {
    json_kind kind;
    bool boolean;
    int64_t integer;
    double real;
    const char *text;
    arm_member *first; /* members or elements, in their order */
    arm_member *last;
    size_t count;
};

/* ---- making ---- */

arm_value *arm_new(arm_pool *pool, json_kind kind); /* empty, zero, false */
arm_value *arm_new_text(arm_pool *pool, const char *text);
arm_value *arm_new_bool(arm_pool *pool, bool value);
arm_value *arm_new_number(arm_pool *pool, int64_t value);
arm_value *arm_from_node(arm_pool *pool, const json_node *node);
arm_value *arm_clone(arm_pool *pool, const arm_value *v);

/* ---- looking ---- */

bool arm_is(const arm_value *v, json_kind kind); /* false for NULL */
arm_value *arm_get(const arm_value *object, const char *name);
/* Names without regard to ASCII case, as ids and Azure's own readers take them. */
arm_value *arm_get_nocase(const arm_value *object, const char *name);
/* A member's member ...; the list of names ends with NULL. */
arm_value *arm_at(const arm_value *object, const char *const *names);
#define arm_path(object, ...) arm_at((object), (const char *const[]){__VA_ARGS__})
/* The text of a member; NULL when it is missing or no text. */
const char *arm_text(const arm_value *object, const char *name);
/* Whether a member is true. */
bool arm_flag(const arm_value *object, const char *name);
bool arm_same(const arm_value *a, const arm_value *b);

/* ---- changing ---- */

/* Replaces a member of exactly that name, else adds it. */
void arm_set(arm_pool *pool, arm_value *object, const char *name, arm_value *value);
void arm_set_text(arm_pool *pool, arm_value *object, const char *name, const char *text);
void arm_append(arm_pool *pool, arm_value *array, arm_value *value);
void arm_remove(arm_value *object, const char *name);
/* Takes an element or member out by its value. */
void arm_remove_value(arm_value *parent, const arm_value *value);
/* The member that is an object; made when it is missing or something else. */
arm_value *arm_need_object(arm_pool *pool, arm_value *object, const char *name);
arm_value *arm_need_array(arm_pool *pool, arm_value *object, const char *name);
/* A JSON merge patch (RFC 7396) into an object: null removes, objects merge, all else replaces. */
void arm_merge(arm_pool *pool, arm_value *target, const arm_value *patch);

/* NULL writes null. */
void arm_put(json_writer *j, const arm_value *v);

#endif
