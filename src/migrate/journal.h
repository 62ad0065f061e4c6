/* SPDX-License-Identifier: MIT */
/*
 * The journal of a migration: what was wanted, what was there before each
 * step, and how far it came. It is what a killed run goes on from and what a
 * rollback reads.
 *
 * A file of JSON lines, mode 0600, locked by whoever writes. Each line is on
 * disk before the call returns; a last line that a crash has cut is passed over.
 * The first line binds the file to tenant, subscription and plan. There is no
 * secret in it: old values that hold one are in a file of their own (keep_old.h).
 */
#ifndef MIGRATE_JOURNAL_H
#define MIGRATE_JOURNAL_H

#include "json/json.h"

#define MIGRATE_JOURNAL_MAX_BYTES (4 * 1024 * 1024)

typedef struct migrate_journal migrate_journal;

typedef struct migrate_journal_head {
    const char *tenant;
    const char *subscription;
    const char *plan;      /* hash of the plan */
    const es_buf *options; /* JSON object: what was asked for; NULL when opened only */
    const es_buf *steps;   /* JSON array of {"name","state","is"} */
} migrate_journal_head;

/* What happens to a step, or to the whole ("run"). */
typedef enum migrate_event {
    MIGRATE_EVENT_BEGIN,   /* detail: what was before, for the way back */
    MIGRATE_EVENT_DONE,    /* detail: what is now */
    MIGRATE_EVENT_FAILED,  /* detail: the error */
    MIGRATE_EVENT_UNDOING, /* a rollback takes it back: it is DONE no more, and not yet UNDONE */
    MIGRATE_EVENT_UNDONE,
    MIGRATE_EVENT_COUNT
} migrate_event;

const char *migrate_event_name(migrate_event event);

/* Makes a new one. EXISTS: there is one already. BUSY: somebody writes to it. */
entrasql_status migrate_journal_create(const char *path, const migrate_journal_head *head,
                                       migrate_journal **ret, entrasql_error *err) ES_MUST_USE;
/*
 * Opens one, for writing (takes the lock) or to look at. NOT_FOUND; CONFIG with the line: not a
 * journal of ours, or damaged before its last line; INVALID: others may read or change it.
 */
entrasql_status migrate_journal_open(const char *path, bool to_write, migrate_journal **ret,
                                     entrasql_error *err) ES_MUST_USE;
void migrate_journal_close(migrate_journal *j); /* NULL allowed */

const char *migrate_journal_path(const migrate_journal *j);
/* Texts of the first line; "" when it has none of that name. */
const char *migrate_journal_head_text(const migrate_journal *j, const char *name);
const json_node *migrate_journal_options(const migrate_journal *j);
const json_node *migrate_journal_steps(const migrate_journal *j);

/* Appends and flushes to disk. detail: a JSON object, or NULL. */
entrasql_status migrate_journal_add(migrate_journal *j, const char *step, migrate_event event,
                                    const es_buf *detail, entrasql_error *err) ES_MUST_USE;

/*
 * The detail of the step's last event of that kind since it was last undone; NULL: none. UNDOING
 * ends a DONE before it, and DONE an UNDOING.
 */
const json_node *migrate_journal_find(const migrate_journal *j, const char *step,
                                      migrate_event event);
/* Of the first BEGIN: what was before anything was changed. */
const json_node *migrate_journal_first(const migrate_journal *j, const char *step,
                                       migrate_event event);
/* Whether the event is on record, with or without detail, since the step was last undone. */
bool migrate_journal_has(const migrate_journal *j, const char *step, migrate_event event);
/* Whether `step` was DONE after the last event of every other step (the firewall's apart). */
bool migrate_journal_is_last(const migrate_journal *j, const char *step);

/* Parses the bytes of a journal; what open() does without a file. For tests and fuzzing. */
entrasql_status migrate_journal_parse(const void *p, size_t n, migrate_journal **ret,
                                      entrasql_error *err) ES_MUST_USE;
/* How many bytes of it were whole lines. */
size_t migrate_journal_whole_bytes(const migrate_journal *j);

#endif
