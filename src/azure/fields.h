/* SPDX-License-Identifier: MIT */
/* Members of Azure's answers, taken with their limits; the end of what is written. Pure. */
#ifndef AZURE_FIELDS_H
#define AZURE_FIELDS_H

#include "base/error.h"
#include "base/str.h"
#include "json/json.h"

/* A member that is text; "" for everything else. Borrowed. */
const char *azure_text(const json_node *obj, const char *name);
/* The same, copied: it must fit, as a cut name would be that of something else. LIMIT. */
entrasql_status azure_take_text(const json_node *obj, const char *name, char *ret, size_t size,
                                entrasql_error *err) ES_MUST_USE;
/* A GUID, in lower case. MALFORMED when it is none or, unless optional, missing. */
entrasql_status azure_take_guid(const json_node *obj, const char *name, bool optional,
                                char ret[ES_GUID_TEXT_SIZE], entrasql_error *err) ES_MUST_USE;
/* Text on the heap; *ret stays when the member is missing. MALFORMED, NOMEM. */
entrasql_status azure_copy_text(const json_node *obj, const char *name, char **ret,
                                entrasql_error *err) ES_MUST_USE;
/* The end of a writer. INVALID, LIMIT: what was to be sent cannot be. NOMEM. */
entrasql_status azure_written(json_writer *w, entrasql_error *err) ES_MUST_USE;
/* For deletions: what is gone already is no failure. */
entrasql_status azure_or_gone(entrasql_status status, entrasql_error *err) ES_MUST_USE;

#endif
