/* SPDX-License-Identifier: MIT */
/*
 * A migration as a list of steps, and what they share: the connections, what
 * was seen of Azure and the database, the journal.
 *
 * Each step is one file: it looks (what is, what will be), says what a way
 * back needs, does it, and undoes it. Looking changes nothing. Doing it twice is as
 * good as once, so that a killed run goes on where it was.
 *
 * Blocking; one thread. Everything belongs to the context.
 */
#ifndef MIGRATE_PLAN_H
#define MIGRATE_PLAN_H

#include "azure/identity.h"
#include "azure/sql_server.h"
#include "migrate/journal.h"
#include "migrate/keep_old.h"
#include "migrate/options.h"

#include <signal.h>

#define MIGRATE_STEPS_MAX 12
#define MIGRATE_HASH_SIZE 33 /* half a SHA-256 as text */
#define MIGRATE_TEXT_MAX ((size_t)256 * 1024)

typedef enum migrate_state {
    MIGRATE_OK,    /* it is as it shall be */
    MIGRATE_TODO,  /* this run will change it */
    MIGRATE_LATER, /* cannot be seen before earlier steps are done */
    MIGRATE_MANUAL /* people do it: the view says what */
} migrate_state;

const char *migrate_state_name(migrate_state state);

typedef struct migrate_view {
    migrate_state state;
    es_buf is;       /* what is: one line, no secret */
    es_buf will;     /* what will be: a line each; for MANUAL the instructions */
    es_buf lost;     /* what cannot be undone; empty: nothing */
    bool is_doubted; /* people should read what is */
} migrate_view;

void migrate_view_init(migrate_view *v);
void migrate_view_done(migrate_view *v);

typedef struct migrate_context migrate_context;

typedef struct migrate_step {
    const char *name;
    const char *title;
    const char *sql_needs; /* permissions in the database; NULL: none */
    bool (*applies)(const migrate_context *m);
    entrasql_status (*look)(migrate_context *m, migrate_view *v, entrasql_error *err);
    /* Members of the journal's detail: what undo() will be given. After look(). */
    entrasql_status (*before)(migrate_context *m, json_writer *w, entrasql_error *err);
    entrasql_status (*apply)(migrate_context *m, entrasql_error *err);
    /* Says what it did, and what it could not. NULL: there is nothing to undo. */
    entrasql_status (*undo)(migrate_context *m, const json_node *before, es_buf *said,
                            entrasql_error *err);
    /* The same for people: az commands and T-SQL. NULL: none. */
    entrasql_status (*script)(migrate_context *m, es_buf *out, entrasql_error *err);
    /*
     * Of a step that is half undone: what is neither as `before` has it nor as it shall be, in one
     * line, as far as that can be told; empty: nothing. After look(). NULL: it cannot be told.
     */
    entrasql_status (*foreign)(migrate_context *m, const json_node *before, es_buf *what,
                               entrasql_error *err);
    /* ARM actions, NULL-terminated lists of them. */
    size_t (*needs)(const migrate_context *m, const azure_need *ret[4]);
} migrate_step;

extern const migrate_step migrate_step_admin;
extern const migrate_step migrate_step_firewall;
extern const migrate_step migrate_step_identity;
extern const migrate_step migrate_step_assign;
extern const migrate_step migrate_step_federate;
extern const migrate_step migrate_step_kubelet;
extern const migrate_step migrate_step_user;
extern const migrate_step migrate_step_developer;
extern const migrate_step migrate_step_settings;
extern const migrate_step migrate_step_restart;
extern const migrate_step *const migrate_steps[]; /* in their order; NULL-terminated */

/* What goes on, for people. text: one line. */
typedef void migrate_say(void *ctx, const char *text);

typedef struct migrate_context_options {
    const migrate_options *options; /* checked */
    entrasql_credential *credential;
    const char *ca_file;               /* trust for the SQL server; NULL: base trust rule */
    const char *arm_endpoint;          /* NULL: as azure_arm_options has it */
    entrasql_cancel *cancel;           /* NULL: none */
    const volatile sig_atomic_t *stop; /* NULL, or a flag that a signal handler sets */
    azure_progress_function *progress;
    void *progress_context;
    uint32_t settle_ms; /* how long to wait for Azure to follow; 0: 300 000 */
} migrate_context_options;

struct migrate_context {
    const migrate_options *o;
    migrate_context_options how;
    azure_arm *arm;
    azure_host_ref host;
    azure_sql_ref sql_ref;
    azure_caller caller;

    migrate_user rights; /* profile, schema, roles; no name */
    char *role_list;     /* what its roles point into */

    azure_sql_server server;
    bool has_admin;
    azure_sql_admin admin;
    bool has_identity;
    azure_identity identity;
    azure_host_state host_state;

    sql_conn *sql;
    bool has_principals;
    migrate_principals principals;
    entrasql_error sql_err;   /* why the database cannot be seen */
    char blocked_address[64]; /* our address, when the firewall does not know it; "" */
    bool was_run;             /* run-command, in this run: it cannot be seen */
    bool changes_host;        /* identities or settings are not as they shall be */
    bool was_restarted;
    bool waits_for_sql; /* something was changed that lets us in soon */

    migrate_journal *journal; /* NULL: only planned */
    const char *keep_old;     /* file for old values with secrets; NULL: given up */
    char plan_hash[MIGRATE_HASH_SIZE];
};

/* Signs in to ARM. */
entrasql_status migrate_context_open(const migrate_context_options *how, migrate_context *ret,
                                     entrasql_error *err) ES_MUST_USE;
void migrate_context_close(migrate_context *m);

/* ---- looking ---- */

entrasql_status migrate_see_server(migrate_context *m, entrasql_error *err) ES_MUST_USE;
entrasql_status migrate_see_identity(migrate_context *m, entrasql_error *err) ES_MUST_USE;
entrasql_status migrate_see_host(migrate_context *m, entrasql_error *err) ES_MUST_USE;
/*
 * The database's principals. OK with has_principals false and sql_err set when
 * we cannot get in (no admin yet, firewall); waits while waits_for_sql.
 */
entrasql_status migrate_see_database(migrate_context *m, entrasql_error *err) ES_MUST_USE;
/* Tries once; no waiting. */
entrasql_status migrate_try_database(migrate_context *m, entrasql_error *err) ES_MUST_USE;

/* The name of the identity's database user. */
void migrate_user_name(const migrate_context *m, char *ret, size_t size);
/* The identity's database user; has_sid false while the identity is not there (or by name). */
void migrate_identity_user(const migrate_context *m, migrate_user *ret, char *name, size_t size);
/* CANCELLED once a signal or the caller asked for the end. */
entrasql_status migrate_check_stop(const migrate_context *m, entrasql_error *err) ES_MUST_USE;
/* Sleeps up to ms, in pieces; says so. */
entrasql_status migrate_wait(migrate_context *m, const char *what, const char *state,
                             int64_t began_ms, uint32_t ms, entrasql_error *err) ES_MUST_USE;
/* A line of "will be": foreign text is made printable. */
entrasql_status migrate_line(es_buf *out, const char *fmt, ...) ES_PRINTF(2, 3) ES_MUST_USE;
/* The old values in the file, which has to be of this migration; a file that is gone: none. */
entrasql_status migrate_read_kept(const migrate_context *m, const char *file, migrate_olds *ret,
                                  entrasql_error *err) ES_MUST_USE;
/* Fills the error of a failed buffer or writer; passes on what has an error already. */
entrasql_status migrate_built(entrasql_status status, entrasql_error *err) ES_MUST_USE;

/* ---- the whole ---- */

typedef struct migrate_plan {
    const migrate_step *steps[MIGRATE_STEPS_MAX];
    migrate_view views[MIGRATE_STEPS_MAX];
    size_t count;
    char hash[MIGRATE_HASH_SIZE];
    size_t todo; /* steps that are not as they shall be */
} migrate_plan;

/* Looks at everything. done() it in any case. */
entrasql_status migrate_plan_make(migrate_context *m, migrate_plan *ret,
                                  entrasql_error *err) ES_MUST_USE;
void migrate_plan_done(migrate_plan *p);
/* What the steps need, what is, what will be. */
entrasql_status migrate_plan_text(const migrate_context *m, const migrate_plan *p,
                                  es_buf *out) ES_MUST_USE;
entrasql_status migrate_plan_json(const migrate_context *m, const migrate_plan *p,
                                  es_buf *out) ES_MUST_USE;
entrasql_status migrate_plan_script(migrate_context *m, const migrate_plan *p, es_buf *out,
                                    entrasql_error *err) ES_MUST_USE;

/* ---- doing ---- */

/*
 * Goes through the steps. With a new journal, made here at `path`, or m->journal of a run that
 * was stopped. The first failure ends it: the error says which step, the
 * journal where to go on. Closes the firewall rule in any case.
 */
entrasql_status migrate_apply(migrate_context *m, const migrate_plan *p, const char *path,
                              migrate_say *say, void *say_ctx, entrasql_error *err) ES_MUST_USE;
/* The journal is of the tenant and subscription that we work in. INVALID. */
entrasql_status migrate_journal_check(const migrate_context *m, entrasql_error *err) ES_MUST_USE;
/* Whether the journal has something that was begun and not taken back. */
bool migrate_has_to_roll_back(const migrate_context *m);
/* Backwards through what the journal says was begun. */
entrasql_status migrate_rollback(migrate_context *m, migrate_say *say, void *say_ctx,
                                 entrasql_error *err) ES_MUST_USE;
/* Makes a rule for this machine when it needs one; the journal knows of it first. */
entrasql_status migrate_firewall_open(migrate_context *m, migrate_say *say, void *say_ctx,
                                      entrasql_error *err) ES_MUST_USE;
/* Removes the rule that this or an earlier run has made. */
/*
 * Whether the file of --keep-old can take the old values, before anything is changed for the plan:
 * see migrate_olds_try(). The plan's steps have been looked at.
 */
entrasql_status migrate_settings_try_keep(const migrate_context *m, const char *plan,
                                          entrasql_error *err) ES_MUST_USE;
entrasql_status migrate_firewall_close(migrate_context *m, entrasql_error *err) ES_MUST_USE;

/* One thing that verify looked at. */
typedef struct migrate_check {
    const char *name;
    bool is_ok;
    bool is_skipped;
    bool is_warning; /* it works; something is left for people to do */
    bool is_final;   /* waiting changes nothing */
    char text[1024];
} migrate_check;

#define MIGRATE_CHECKS_MAX 12

typedef struct migrate_verdict {
    migrate_check checks[MIGRATE_CHECKS_MAX];
    size_t count;
    bool is_ok;
} migrate_verdict;

/* From outside; waits up to the settle time for what may still come. */
entrasql_status migrate_verify(migrate_context *m, migrate_verdict *ret,
                               entrasql_error *err) ES_MUST_USE;
/*
 * From inside of the host: signs in with the connection string of `variable` as the application
 * would, and looks who that is. No rights in Azure are needed.
 */
entrasql_status migrate_verify_inside(const char *variable, entrasql_credential *credential,
                                      const char *ca_file, const char *expected_user,
                                      uint32_t settle_ms, migrate_verdict *ret,
                                      entrasql_error *err) ES_MUST_USE;

/* Who still signs in with a password; text for people. */
typedef struct migrate_password_users {
    es_buf lines;
    size_t users;    /* that could */
    size_t sessions; /* that do now */
} migrate_password_users;

entrasql_status migrate_find_password_users(migrate_context *m, migrate_password_users *ret,
                                            entrasql_error *err) ES_MUST_USE;
/* The last word of a person before passwords are refused; what it fails with ends the retire. */
typedef entrasql_status migrate_agree(void *ctx, entrasql_error *err);

typedef struct migrate_retire_options {
    bool only_check;      /* says, and changes nothing */
    bool force;           /* also when somebody uses a password now */
    bool discard_old;     /* what is kept in no file (migrate_context.keep_old) is given up */
    migrate_agree *agree; /* NULL: nobody is asked */
    void *agree_context;
} migrate_retire_options;

/*
 * Says who still has a password, then refuses them all on the server, and takes a container app's
 * secrets with the old connection string away. INVALID: not verified since the last change, or
 * nobody said what becomes of the secret. BUSY: somebody uses a password now (unless forced).
 */
entrasql_status migrate_retire(migrate_context *m, const migrate_retire_options *options,
                               migrate_say *say, void *say_ctx, entrasql_error *err) ES_MUST_USE;
/* Takes that back when the journal says that we did it. */
entrasql_status migrate_unretire(migrate_context *m, migrate_say *say, void *say_ctx,
                                 entrasql_error *err) ES_MUST_USE;

#endif
