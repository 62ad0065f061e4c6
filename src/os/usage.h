/* SPDX-License-Identifier: MIT */
/* What this process uses of the machine. Any thread; what the kernel does not tell is 0. */
#ifndef OS_USAGE_H
#define OS_USAGE_H

#include <stdint.h>

typedef struct os_usage {
    uint64_t cpu_us; /* in user and kernel mode, of all threads */
    uint64_t resident_bytes;
    uint64_t open_fds;
    uint64_t max_fds; /* the soft limit */
} os_usage;

void os_usage_get(os_usage *ret);

#endif
