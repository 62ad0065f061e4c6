/* SPDX-License-Identifier: MIT */
/*
 * Paths of Azure Resource Manager, taken apart:
 *
 *   /subscriptions/S/resourceGroups/G/providers/NS/type/name/type/name[/tail]
 *
 * A tail is a last word without a name: an action of the resource, or the
 * collection of its children. "/providers/NS/..." once more after a resource is
 * an extension of it (locks, role assignments). Names compare without regard to
 * ASCII case everywhere.
 */
#ifndef EMULATOR_ARM_ID_H
#define EMULATOR_ARM_ID_H

#include "value.h"

#define ARM_ID_MAX_SEGMENTS 24

typedef struct arm_id {
    const char *subscription; /* NULL: the path is not of a subscription */
    const char *group;        /* NULL: of the subscription itself */
    const char *ns;           /* of the last "providers"; NULL: none */
    const char *type;         /* "Microsoft.Web/sites/slots", as it was written; NULL: none */
    const char *name;         /* the last one; NULL: none */
    const char *names;        /* all of that type, "app/staging"; NULL: none */
    const char *top;          /* the first of them; NULL: none */
    const char *tail;         /* NULL: none */
    const char *resource;     /* the path without the tail */
    const char *scope;        /* the path before the last "providers"; NULL: none */
} arm_id;

/* Texts belong to the pool. MALFORMED: not of that form; NOMEM. */
entrasql_status arm_id_parse(arm_pool *pool, const char *path, arm_id *ret) ES_MUST_USE;

/* Whether the id is the scope or lies below it. */
bool arm_is_below(const char *id, const char *scope);

#endif
