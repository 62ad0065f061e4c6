/* SPDX-License-Identifier: MIT */
/* Azure's built-in roles, those that provisioning meets, and how actions are matched. */
#ifndef EMULATOR_ARM_ROLES_H
#define EMULATOR_ARM_ROLES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct arm_role {
    const char *name;
    const char *id;
    const char *actions;     /* with blanks between */
    const char *not_actions; /* "": none */
} arm_role;

extern const arm_role arm_roles[];
extern const size_t arm_role_count;

/* By name, or by id, also at the end of a path. NULL: none. */
const arm_role *arm_role_find(const char *name_or_id);
/*
 * Whether an action is meant by a pattern: case does not matter, '*' stands for any text, and
 * between two slashes also for nothing, as in "userAssignedIdentities/[*]/assign/action".
 */
bool arm_action_matches(const char *pattern, const char *action);
/* The same for a list with blanks between. */
bool arm_action_is_among(const char *patterns, const char *action);

#endif
