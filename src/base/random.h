/* SPDX-License-Identifier: MIT */
/* Random bytes from the kernel; fit for secrets. Any thread. */
#ifndef ES_BASE_RANDOM_H
#define ES_BASE_RANDOM_H

#include "compiler.h"
#include "str.h"

#include <stddef.h>
#include <stdint.h>

/* Ends the process if the kernel gives none: nothing safe could follow. */
void es_random_bytes(void *p, size_t n);
uint64_t es_random_below(uint64_t bound); /* uniform in [0, bound); bound > 0 */
/* A version 4 UUID as text. */
void es_random_uuid(char ret[ES_GUID_TEXT_SIZE]);

#endif
