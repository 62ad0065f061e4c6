/* SPDX-License-Identifier: MIT */
/*
 * Which built-in role of Azure is the smallest one that has an action. A table, from Microsoft's
 * list of built-in roles. Static storage; pure.
 */
#ifndef AZURE_RIGHTS_H
#define AZURE_RIGHTS_H

#include <stddef.h>

typedef struct azure_right {
    const char *action;  /* '*' at its end or in its middle stands for anything */
    const char *role;    /* name of the built-in role */
    const char *role_id; /* the role definition's GUID */
} azure_right;

/* NULL when no role but Contributor or Owner is known for it; ASCII case does not count. */
const azure_right *azure_right_find(const char *action);
size_t azure_right_count(void);
const azure_right *azure_right_at(size_t i);

#endif
