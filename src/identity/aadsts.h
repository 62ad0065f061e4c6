/* SPDX-License-Identifier: MIT */
/* What Entra's error numbers (AADSTS...) mean and what to do about them. Static storage. */
#ifndef IDENTITY_AADSTS_H
#define IDENTITY_AADSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct identity_aadsts {
    uint32_t number;
    const char *cause;
    const char *hint;
} identity_aadsts;

/* NULL for a number that is not in the list. */
const identity_aadsts *identity_aadsts_find(uint32_t number);

size_t identity_aadsts_count(void);

/* The number after "AADSTS" in a text, 0 when there is none: for tools that print the text only. */
uint32_t identity_aadsts_in_text(const char *text);

#endif
