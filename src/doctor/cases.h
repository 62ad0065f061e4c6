/* SPDX-License-Identifier: MIT */
/*
 * What the doctor can find: one row a diagnosis, under a word that stays the
 * same. `entrasql explain WORD`, the report and docs/doctor.md take their texts from here.
 */
#ifndef DOCTOR_CASES_H
#define DOCTOR_CASES_H

#include <stddef.h>

typedef struct doctor_case {
    const char *id;   /* "no-user" */
    const char *link; /* of the chain; what the report's line is called */
    const char *what; /* what it means */
    const char *fix;  /* what mends it */
} doctor_case;

/* NULL for a word that is none. */
const doctor_case *doctor_case_find(const char *id);
const doctor_case *doctor_cases(size_t *ret_count);

#endif
