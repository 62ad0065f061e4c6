/* SPDX-License-Identifier: MIT */
/*
 * Option structs of the public calls: their first member is their size, so
 * that callers and library may be of different versions.
 */
#ifndef ES_BASE_OPTIONS_H
#define ES_BASE_OPTIONS_H

#include "base/error.h"

/*
 * Copies a caller's options struct into one of this version, dst of `size`
 * bytes; NULL gives zeros, a declared size of 0 means this version's.
 * UNSUPPORTED when a newer caller has set something that this version does not
 * know; INVALID for a size that no version of a struct can have: not a whole
 * number of words (it would cut a pointer in two), nothing beside the size
 * itself (sizeof of a pointer to the struct), or so large that it was never set.
 */
entrasql_status es_options_copy(void *dst, size_t size, const void *src,
                                entrasql_error *err) ES_MUST_USE;

#endif
