/* SPDX-License-Identifier: MIT */
/*
 * The challenge of Azure Arc's agent: it names a file that only members of its
 * group can read, and wants the content back. Since the name comes from
 * whoever answers, it must be a key file of the agent's folder and nothing else.
 */
#ifndef IDENTITY_MI_ARC_H
#define IDENTITY_MI_ARC_H

#include "base/buf.h"
#include "base/error.h"

#define IDENTITY_ARC_KEY_DIRECTORY "/var/opt/azcmagent/tokens"
#define IDENTITY_ARC_MAX_KEY 4096
#define IDENTITY_ARC_MAX_PATH 1024

/*
 * The file that "Basic realm=<path>" names. MALFORMED with a message: not of that form, not
 * directly in the directory, or not a .key file. Pure.
 */
entrasql_status identity_arc_challenge_parse(const char *header, const char *directory,
                                             char ret[IDENTITY_ARC_MAX_PATH],
                                             entrasql_error *err) ES_MUST_USE;

/* Appends "Basic " and the file's content to a wiping buffer. AUTH_FAILED with a hint; NOMEM. */
entrasql_status identity_arc_answer(const char *header, const char *directory, es_buf *out,
                                    entrasql_error *err) ES_MUST_USE;

#endif
