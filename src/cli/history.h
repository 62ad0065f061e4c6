/* SPDX-License-Identifier: MIT */
/*
 * The statements typed at the prompt, kept for the next run: a text file of the
 * user's own (mode 0600), one statement a line, the oldest first, bounded.
 * What may hold a secret is not kept. Blocking; one thread.
 */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include "base/buf.h"
#include "base/error.h"

#define CLI_HISTORY_MAX_ENTRIES 1000
#define CLI_HISTORY_MAX_BYTES (256U * 1024)
#define CLI_HISTORY_MAX_ENTRY (32U * 1024)

/*
 * Whether the text may be remembered: not when it begins with a blank (as shells do it), is empty
 * or longer than an entry may be, or when something in it looks like a secret: a PASSWORD, SECRET
 * or TOKEN clause, a key or signature of a storage account, a token itself.
 */
bool cli_history_may_keep(const char *text, size_t n);

typedef entrasql_status cli_history_visitor(void *ctx, const char *entry);

/* Shows each entry of the file, the oldest first. A file that is not there has none. INVALID for a
   file that others can read or write, or a symbolic link. */
entrasql_status cli_history_read(const char *path, cli_history_visitor *visitor, void *ctx,
                                 entrasql_error *err) ES_MUST_USE;
/* Adds an entry at the end; drops the oldest beyond the bounds. Makes file and folder. The last
   entry once more is not added. */
entrasql_status cli_history_add(const char *path, const char *entry,
                                entrasql_error *err) ES_MUST_USE;

#endif
