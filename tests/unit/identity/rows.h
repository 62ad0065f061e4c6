/* SPDX-License-Identifier: MIT */
/*
 * Every credential, how to make it here and what its endpoints answer: one row
 * each, walked by the tests of memory (test_nomem, test_clean). A new credential gets a row,
 * or two when it has two ways to its token.
 */
#ifndef TEST_IDENTITY_ROWS_H
#define TEST_IDENTITY_ROWS_H

#include "server.h"

#include <entrasql/entrasql.h>

/* What a row may use; made anew for each program, the script and the folder's files for each row.
 */
typedef struct row_world {
    test_server *entra; /* https */
    test_server *imds;  /* http; other hosts' endpoints too */
    char folder[64];    /* empty, and the whole of PATH */
} row_world;

#define ROW_MAX_SECRETS 4

typedef struct credential_row {
    const char *name;
    /* Environment, files and scripts that one request after the other needs. NULL: none. */
    void (*prepare)(const row_world *world);
    entrasql_status (*make)(const row_world *world, entrasql_credential **ret, entrasql_error *err);
    entrasql_status ends; /* how the request ends when nothing is in its way */
    /* What must be in no freed block, beside the secrets that common.h knows. */
    const char *secrets[ROW_MAX_SECRETS];
} credential_row;

extern const credential_row credential_rows[];
extern const unsigned credential_row_count;

/* 0, or -1 when it cannot be made. */
int row_world_make(row_world *world);
void row_world_free(row_world *world);
/* Makes the world ready for a row: a clean environment, an empty folder, then what the row
 * prepares. */
void row_prepare(const row_world *world, const credential_row *row);

#endif
