/* SPDX-License-Identifier: MIT */
/* What to do about an error of the server while users are made and signed in. Pure. */
#ifndef MIGRATE_EXPLAIN_H
#define MIGRATE_EXPLAIN_H

#include "base/error.h"

#include <stdbool.h>

/* Sets the hint for the error's SQL Server number; others stay as they are. */
void migrate_explain_sql(entrasql_error *err);
/* Whether it may go away by itself while Azure settles: replication, start of the database. */
bool migrate_is_settling(const entrasql_error *err);

#endif
