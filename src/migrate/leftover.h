/* SPDX-License-Identifier: MIT */
/*
 * Secrets of a container app that hold an old connection string and that no variable points to any
 * more. They stay until retire, as a rollback points to them again; retire takes them away, and a
 * rollback after it needs the file of --keep-old.
 */
#ifndef MIGRATE_LEFTOVER_H
#define MIGRATE_LEFTOVER_H

#include "migrate/plan.h"

#define MIGRATE_LEFTOVERS_MAX 16

typedef struct migrate_leftovers {
    const char *names[MIGRATE_LEFTOVERS_MAX]; /* borrowed from the journal */
    size_t count;
} migrate_leftovers;

/* By the journal and the host as it was last seen. None without a journal. */
void migrate_leftovers_find(const migrate_context *m, migrate_leftovers *ret);
/* The app has a secret of that name, as it was last seen. */
bool migrate_has_secret(const migrate_context *m, const char *name);

/*
 * Whether there are any and nobody said what becomes of them (keep_old, discard): INVALID. With
 * several active revisions they stay, since an older one may use them: says so, count 0.
 */
entrasql_status migrate_leftovers_check(const migrate_context *m, migrate_leftovers *l,
                                        bool discard, migrate_say *say, void *say_ctx,
                                        entrasql_error *err) ES_MUST_USE;
/* Keeps their values in the file of --keep-old, then takes them away; journal first. */
entrasql_status migrate_leftovers_remove(migrate_context *m, const migrate_leftovers *l,
                                         migrate_say *say, void *say_ctx,
                                         entrasql_error *err) ES_MUST_USE;
/* Puts them back where they were kept; says which cannot be. */
entrasql_status migrate_leftovers_restore(migrate_context *m, migrate_say *say, void *say_ctx,
                                          entrasql_error *err) ES_MUST_USE;

#endif
