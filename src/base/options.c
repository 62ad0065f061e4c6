/* SPDX-License-Identifier: MIT */
/* Option structs of any version; see options.h. */
#include "base/options.h"

#include <entrasql/entrasql.h>

#include <string.h>

/* Far above what any version will have: what is larger was left on the stack by somebody. */
#define MAX_OPTIONS_SIZE 4096

static bool is_possible(size_t declared)
{
    return declared > sizeof declared && declared % sizeof declared == 0 &&
           declared <= MAX_OPTIONS_SIZE;
}

entrasql_status es_options_copy(void *dst, size_t size, const void *src, entrasql_error *err)
{
    memset(dst, 0, size);
    if (src == NULL)
        return ENTRASQL_OK;
    size_t declared;
    memcpy(&declared, src, sizeof declared);
    if (declared != 0 && !is_possible(declared)) {
        es_fail(err, ENTRASQL_INVALID, "the size of an options struct is wrong (%zu)", declared);
        es_hint(err, "begin with all zeros and set size to sizeof the struct itself, or leave 0");
        return ENTRASQL_INVALID;
    }
    for (size_t i = size; i < declared; i++) {
        if (((const char *)src)[i] != 0)
            return es_fail(err, ENTRASQL_UNSUPPORTED,
                           "an option is newer than this version of the library (%s)",
                           ENTRASQL_VERSION);
    }
    memcpy(dst, src, declared == 0 || declared > size ? size : declared);
    /* The copy may be handed on as an options struct itself. */
    memcpy(dst, &size, sizeof size);
    return ENTRASQL_OK;
}
