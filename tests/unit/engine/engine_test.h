/* SPDX-License-Identifier: MIT */
/*
 * What the engine's tests share: a server on a directory of its own with the
 * database "persons", sessions by name, and a sink that writes everything down
 * as lines:
 *
 *   columns ID int, (none) varchar(5)     a result set begins
 *   |1|Ada|NULL                           a row
 *   count 2                               a statement ended and says how many
 *   error 229 14 5 1 The SELECT ...       number, severity, state, line, text
 *   info 0 0 1 1 hello                    the same with severity up to 10
 *   begin / commit / rollback             the transaction's ENVCHANGEs
 *   database new (old) / reset            others
 *   status 0 / value 1 @h 1               of RPCs
 *
 * A procedure's name stands in [] before the text. Fixtures belong to the
 * test's thread; recordings may be used on any thread, one at a time.
 */
#ifndef TESTS_ENGINE_TEST_H
#define TESTS_ENGINE_TEST_H

#include "base/buf.h"
#include "engine/engine.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct recording {
    es_buf text;
    size_t result_sets, rows, dones, errors;
    size_t columns;        /* of the result set that is open */
    bool expects_more;     /* the last DONE said that something follows */
    uint32_t first_error;  /* number, 0: none */
    char first_value[256]; /* column 1 of the first row, or "" */
    uint64_t begun, ended; /* ids of the last ENGINE_CHANGE_BEGIN, _COMMIT or _ROLLBACK */
    int32_t return_status;
    int32_t out_value; /* of the first return value, when it is an int */
    bool nullable[32], identity[32], computed[32];
    size_t stop_after_rows; /* the sink fails after so many rows; 0: never */
    const char *broken;     /* what the engine did against the sink's contract */
} recording;

void recording_init(recording *r);
void recording_done(recording *r);
void recording_clear(recording *r);
const char *recording_text(recording *r);
engine_sink recording_sink(recording *r);
/* Runs a batch into a fresh recording; the engine's own status must be OK. */
void recording_batch(recording *r, engine_session *s, const char *sql);

/* ---- people ---- */

typedef struct person {
    const char *name; /* of the session in tests, and the principal's in the directory */
    engine_login login;
} person;

/*
 * "admin" is the server's Entra admin, "sqladmin" its SQL admin login, "ada"
 * an Entra user (ada@contoso.example), "MigrationIdentity" an application,
 * "grace" a user who is in the group Readers only; any other name is a SQL
 * login of that name.
 */
engine_login person_login(const char *name);
size_t people_find(void *ctx, const char *name, engine_external *ret);
bool people_find_id(void *ctx, const uint8_t object_id[16], engine_external *ret, char *name,
                    size_t name_size);

/* ---- fixture ---- */

#define FIXTURE_SESSIONS 16

typedef struct fixture {
    char dir[128];
    engine_server *server;
    recording last;
    struct {
        char name[64];
        engine_session *session;
    } sessions[FIXTURE_SESSIONS];
    size_t session_count;
} fixture;

void fixture_make_dir(char *dir, size_t size);
void fixture_remove_dir(const char *dir);
/* A server on `dir` that knows the people; fails the test when it does not open. */
engine_server *fixture_open_server(const char *dir);
fixture *fixture_new(void);
void fixture_free(fixture *f);
/* For cmocka_unit_test_setup_teardown. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

entrasql_status open_session(engine_server *server, const char *name, const char *database,
                             engine_session **ret, entrasql_error *err);
/* The session of that name in "persons", opened at first use. "ada#2": a second one of ada. */
engine_session *fixture_session(fixture *f, const char *name);
void fixture_close_session(fixture *f, const char *name);
/* Runs a batch as the named session; what it gave is in f->last. */
recording *fixture_run(fixture *f, const char *name, const char *sql);
/* Runs it and wants exactly these lines. */
void fixture_expect_at(fixture *f, const char *name, const char *sql, const char *lines,
                       const char *file, int line);
#define fixture_expect(f, name, sql, lines)                                                        \
    fixture_expect_at(f, name, sql, lines, __FILE__, __LINE__)
/* Runs it; no error may come. */
void fixture_ok_at(fixture *f, const char *name, const char *sql, const char *file, int line);
#define fixture_ok(f, name, sql) fixture_ok_at(f, name, sql, __FILE__, __LINE__)
/* Runs it; the first error must have this number. */
void fixture_fails_at(fixture *f, const char *name, const char *sql, uint32_t number,
                      const char *file, int line);
#define fixture_fails(f, name, sql, number)                                                        \
    fixture_fails_at(f, name, sql, number, __FILE__, __LINE__)
/* The first value of the first row. */
const char *fixture_value(fixture *f, const char *name, const char *sql);

/* ---- comparing transcripts ---- */

/*
 * Whether one line is as wanted: number, severity, state and line of errors
 * may be '?', and "..." at the end stands for anything.
 */
bool line_matches(const char *want, size_t want_len, const char *got, size_t got_len);
/*
 * Whole transcripts. Kinds of lines that `want` does not mention at all
 * (columns, count, begin/commit/rollback, database/language) are left out of `got`; "nothing"
 * wants no lines, a line "..." lets anything follow, a line after "?? "
 * may be missing.
 */
bool transcript_matches(const char *want, const char *got);

#endif
