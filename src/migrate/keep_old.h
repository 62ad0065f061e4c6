/* SPDX-License-Identifier: MIT */
/*
 * The file of --keep-old: old values of settings that may hold a password, so
 * that a rollback can put them back. Mode 0600, apart from the journal, the
 * only place where a migration writes a secret to; delete it once the old
 * way in is closed.
 */
#ifndef MIGRATE_KEEP_OLD_H
#define MIGRATE_KEEP_OLD_H

#include "base/buf.h"
#include "base/error.h"

typedef struct migrate_old {
    char *kind; /* "setting", "connectionString" */
    char *name;
    char *value; /* wiped */
    char *type;  /* of a connection string; "" else */
} migrate_old;

typedef struct migrate_olds {
    char *plan; /* of the plan that it belongs to */
    migrate_old *list;
    size_t count;
} migrate_olds;

/* Copies. NOMEM. */
entrasql_status migrate_olds_add(migrate_olds *o, const char *kind, const char *name,
                                 const char *value, const char *type,
                                 entrasql_error *err) ES_MUST_USE;
const migrate_old *migrate_olds_find(const migrate_olds *o, const char *kind, const char *name);
void migrate_olds_done(migrate_olds *o);

/*
 * Writes the file; one that belongs to the same plan and has these values stays, as it has what
 * was there before anything was changed. EXISTS: it is of something else, or of an earlier secret.
 */
entrasql_status migrate_olds_write(const char *path, const migrate_olds *o,
                                   entrasql_error *err) ES_MUST_USE;
/*
 * Whether migrate_olds_write() would do: nothing is written, and no file stays. EXISTS as there;
 * IO and kin: the file cannot be made.
 */
entrasql_status migrate_olds_try(const char *path, const migrate_olds *o,
                                 entrasql_error *err) ES_MUST_USE;
/* NOT_FOUND; CONFIG: no file of ours; INVALID: others may read it. */
entrasql_status migrate_olds_read(const char *path, migrate_olds *ret,
                                  entrasql_error *err) ES_MUST_USE;

#endif
