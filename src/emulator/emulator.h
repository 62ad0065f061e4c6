/* SPDX-License-Identifier: MIT */
/*
 * The emulator as a program: start it and stay until it is told to stop, stop
 * it, look at it, and print the environment in which a program is one of its
 * principals. The `entrasql emulator` words call these.
 *
 * One data directory holds one emulator: a lock in it says whether one is
 * running and under which process id, so a stale file never gets a foreign
 * process killed. Everything listens on 127.0.0.1.
 *
 * emulator_run() owns the process's signals while it runs (SIGTERM and SIGINT
 * end it, SIGPIPE is ignored); call it on the main thread before others are
 * started.
 */
#ifndef EMULATOR_EMULATOR_H
#define EMULATOR_EMULATOR_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * `given` when not NULL, else $ENTRASQL_EMULATOR_DIR, else
 * $XDG_STATE_HOME/entrasql/emulator, else ~/.local/state/entrasql/emulator.
 * Made absolute. *ret is the caller's (es_free).
 */
entrasql_status emulator_data_dir(const char *given, char **ret, entrasql_error *err) ES_MUST_USE;

/* ---- start ---- */

typedef struct emulator_options {
    const char *data_dir;          /* from emulator_data_dir(); made with mode 0700 when missing */
    const char *seed_file;         /* NULL: the data directory's, else the default */
    uint16_t entra_port;           /* HTTPS; 0: any free one, here and below */
    uint16_t identity_port;        /* IMDS and App Service, HTTP */
    uint16_t sql_port;             /* the TDS front */
    uint16_t arm_port;             /* Azure Resource Manager, HTTPS */
    const char *sql_login;         /* NULL: no SQL logins */
    const char *sql_password_file; /* its first line is the password */
    const char *record_dir;        /* NULL: do not record requests */
    const char *backend;           /* sqlserver://host:port to pass sessions on to; NULL: none */
    const char *backend_login;     /* its SQL login */
    const char *backend_password_file;
    const char *backend_ca_file; /* NULL: base trust rule */
    bool backend_trust;          /* take any certificate of the backend */
    const char *faults;          /* to be on from the start, faults_on_list(); NULL: none */
    const char *ready_file; /* written (the ports as JSON) when everything listens; NULL: none */
    FILE *out;              /* what it says at start; NULL: nothing */
} emulator_options;

/*
 * Starts, says where it listens, and returns when SIGTERM or SIGINT came and
 * everything is closed. BUSY when one runs on that directory already.
 * The last line it says is "ready", alone.
 */
entrasql_status emulator_run(const emulator_options *options, entrasql_error *err) ES_MUST_USE;

/* ---- looking and stopping, from another process ---- */

typedef struct emulator_info {
    int pid;
    uint16_t entra_port;
    uint16_t identity_port;
    uint16_t sql_port;
    uint16_t arm_port;     /* 0: in a state file of before */
    uint16_t catalog_port; /* with a backend: where our own engine answers; else 0 */
    uint16_t fabric_port;  /* Service Fabric, HTTPS; 0: the world has no such host */
} emulator_info;

/* NOT_FOUND, with a hint, when none runs on that directory. */
entrasql_status emulator_status(const char *data_dir, emulator_info *ret,
                                entrasql_error *err) ES_MUST_USE;
/* The same as a JSON object with urls, for `status --json` and the ready file. */
entrasql_status emulator_status_json(const char *data_dir, es_buf *out,
                                     entrasql_error *err) ES_MUST_USE;
/* Where it listens, a line each: the same words at its start and later. NOMEM. */
entrasql_status emulator_print_places(const emulator_info *info, const char *data_dir,
                                      es_buf *out) ES_MUST_USE;
/* SIGTERM and waiting for the end. NOT_FOUND: none runs. TIMEOUT: it did not end. */
entrasql_status emulator_stop(const char *data_dir, uint32_t timeout_ms,
                              entrasql_error *err) ES_MUST_USE;

/* ---- people ---- */

/*
 * Answers the code that a device shows, as a person would on the page: signs in as `user`, or, with
 * NULL, refuses. NOT_FOUND: no emulator runs, no device waits with that code, or nobody is so
 * named.
 */
entrasql_status emulator_answer_device_code(const char *data_dir, const char *code,
                                            const char *user, entrasql_error *err) ES_MUST_USE;

/* ---- changing a running one ---- */

/* A request to its own endpoint, see emulator/admin/admin.h. NOT_FOUND: none runs. */
entrasql_status emulator_ask(const char *data_dir, const char *method, const char *path,
                             const void *body, size_t n, es_buf *out,
                             entrasql_error *err) ES_MUST_USE;
/*
 * Back to the seed, with empty databases. A running emulator ends its sessions
 * for it; the call returns when it is ready again.
 */
entrasql_status emulator_reset(const char *data_dir, entrasql_error *err) ES_MUST_USE;
/* Makes a seed file the world of a running emulator, or of one that is started later. */
entrasql_status emulator_seed(const char *data_dir, const char *seed_file, es_buf *said,
                              entrasql_error *err) ES_MUST_USE;

/* ---- tokens for tests ---- */

typedef struct emulator_token_options {
    const char *data_dir;
    const char *as;       /* whose */
    const char *resource; /* NULL: the SQL server's */
    const char *audience; /* written as it is, known or not; NULL: the resource */
    bool expired;         /* an hour ago */
    bool not_yet_valid;   /* in an hour */
    bool bad_signature;   /* by a key that nobody knows, under the name of the right one */
} emulator_token_options;

/* Appends the token; give a wiping buffer. The emulator need not run. */
entrasql_status emulator_token(const emulator_token_options *options, es_buf *out,
                               entrasql_error *err) ES_MUST_USE;

/* ---- env ---- */

typedef enum emulator_env_format {
    EMULATOR_ENV_SH, /* export and unset lines for eval */
    EMULATOR_ENV_FISH,
    EMULATOR_ENV_POWERSHELL,
    EMULATOR_ENV_DOTENV, /* NAME="value"; no unset lines, it has none */
    EMULATOR_ENV_JSON    /* {"NAME": "value", "OTHER": null}: null means unset */
} emulator_env_format;

/* "sh", "fish", "powershell", "dotenv", "json". INVALID names them. */
entrasql_status emulator_env_format_parse(const char *s, emulator_env_format *ret,
                                          entrasql_error *err) ES_MUST_USE;

typedef struct emulator_env_options {
    const char *data_dir;
    const char *as;       /* UPN, or the name of an app or managed identity; of a host, or NULL: the
                           * environment that the host gives, whoever it is there */
    const char *tool;     /* of a person: az, azd or pwsh; NULL: az */
    const char *host;     /* the host where it runs; NULL: where an identity is attached */
    const char *proof;    /* how an app proves itself: "secret" (NULL) or "certificate" */
    const char *database; /* in the connection string; NULL: the world's first */
    const char *driver;   /* NULL: "ODBC Driver 18 for SQL Server" */
    emulator_env_format format;
    const char *connstr; /* emulator_connstr(): a driver's name, or "all" */
} emulator_env_options;

/*
 * Appends the text; give a wiping buffer, it may hold a secret. NOT_FOUND: no
 * emulator runs, or no such principal (the hint lists some). INVALID: that
 * principal cannot be there.
 */
entrasql_status emulator_env(const emulator_env_options *options, es_buf *out,
                             entrasql_error *err) ES_MUST_USE;
/*
 * The connection string of one driver, or of "all": a line each, or a JSON
 * object. `as` may be NULL; with a user-assigned identity its client id is in the string.
 * INVALID names the drivers.
 */
entrasql_status emulator_connstr(const emulator_env_options *options, es_buf *out,
                                 entrasql_error *err) ES_MUST_USE;

/* ---- the stand-ins for developers' tools ---- */

/*
 * The stand-ins (az, azd, pwsh) are the running program under other names:
 * emulator_run() puts links into the data directory, and `env` puts the right one on PATH.
 * main() asks emulator_is_tool(argv[0]) first of all and, when it is, ends with
 * emulator_tool_main()'s value.
 */
bool emulator_is_tool(const char *argv0);
int emulator_tool_main(int argc, char **argv);

#endif
