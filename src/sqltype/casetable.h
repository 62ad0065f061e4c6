/* SPDX-License-Identifier: MIT */
/* Tables of letter case for collation.c. Data only. */
#ifndef SQLTYPE_CASETABLE_H
#define SQLTYPE_CASETABLE_H

#include <stddef.h>
#include <stdint.h>

/* Characters first, first + step ... last map to themselves plus delta. */
typedef struct sqlcase_range {
    uint32_t first;
    uint32_t last;
    int32_t delta;
    uint32_t step;
} sqlcase_range;

extern const sqlcase_range sqlcase_fold[];
extern const size_t sqlcase_fold_count;
extern const sqlcase_range sqlcase_upper[];
extern const size_t sqlcase_upper_count;
extern const sqlcase_range sqlcase_lower[];
extern const size_t sqlcase_lower_count;

#define SQLCASE_BASE_FIRST 0xC0U
#define SQLCASE_BASE_COUNT (0x250U - SQLCASE_BASE_FIRST)
extern const uint8_t sqlcase_base[SQLCASE_BASE_COUNT];

#endif
