/* SPDX-License-Identifier: MIT */
/*
 * Faults on demand: what goes wrong in the cloud, switched on by name when the
 * emulator starts (--fault) or while it runs (entrasql emulator fault NAME on).
 *
 * Each fault is a row of one table (table.c): where it strikes, what happens
 * there, and with which figures. The places ask faults_next() once a request;
 * a new row at a place that asks already needs no other code. A row may strike
 * so many times and then switch itself off, as a paused database resumes.
 *
 * All calls may come from any thread.
 */
#ifndef EMULATOR_FAULT_FAULT_H
#define EMULATOR_FAULT_FAULT_H

#include "base/error.h"
#include "json/json.h"

/* Where a fault strikes: which requests meet it. */
typedef enum fault_place {
    FAULT_AT_TOKEN,           /* Entra's token endpoints, v1 and v2 */
    FAULT_AT_ENTRA,           /* everything else of Entra */
    FAULT_AT_IDENTITY,        /* managed identity endpoints of every shape */
    FAULT_AT_ARM,             /* Azure Resource Manager, before a request is looked at */
    FAULT_AT_ARM_ANSWER,      /* its answers, after the request has had its effect */
    FAULT_AT_ARM_OPERATION,   /* an operation of its that takes time, when it begins */
    FAULT_AT_ARM_REPLICATION, /* reading a managed identity there */
    FAULT_AT_ARM_SLOW,        /* nowhere: asked for by faults_value() */
    FAULT_AT_LOGIN,           /* a SQL login that has arrived whole, before it is looked at */
    FAULT_AT_FIREWALL,        /* a SQL login from an address that no rule allows */
    FAULT_AT_REQUEST,         /* a request of a SQL session */
    FAULT_AT_DIRECTORY        /* the SQL server's own question to Entra, for CREATE USER */
} fault_place;

typedef enum fault_effect {
    FAULT_DELAY, /* waits `value` ms, then goes on as usual; other faults may follow */
    FAULT_DROP,  /* closes the connection without an answer */
    FAULT_HTTP,  /* answers with http_status, `value` as Retry-After seconds (0: none), and body */
    FAULT_SQL,   /* an error message: number, state, severity, text; the login or session ends */
    FAULT_ROUTE  /* ROUTING to the front's second port, which is not struck by this one */
} fault_effect;

typedef struct fault {
    const char *name;
    fault_place place;
    fault_effect effect;
    uint32_t value; /* default */
    uint32_t count; /* default; 0: until it is switched off */
    unsigned http_status;
    const char *body;         /* FAULT_HTTP; JSON unless content_type says otherwise */
    const char *content_type; /* NULL: JSON */
    uint32_t number;          /* 0: the fault's value is the number */
    uint8_t state;
    uint8_t severity;
    const char
        *text; /* FAULT_SQL; "{server}", "{database}", "{address}", "{value}" are filled in, and
                  "{cause}": what the catalogue of errors says that the number means */
    const char *help; /* one line */
} fault;

#define FAULT_MAX_COUNT 1000000U
#define FAULT_MAX_VALUE 600000U
#define FAULT_DEFAULT UINT32_MAX /* the row's own figure */

extern const fault fault_table[];
extern const size_t fault_table_count;

typedef struct faults faults;

/* All off. NULL without memory. */
faults *faults_new(void) ES_MUST_USE;
void faults_free(faults *f); /* NULL allowed */
/* Ends every delay under way and all to come: the emulator stops. */
void faults_end_delays(faults *f);

/* NOT_FOUND for an unknown name, with the known ones; INVALID for a figure out of range. */
entrasql_status faults_on(faults *f, const char *name, uint32_t count, uint32_t value,
                          entrasql_error *err) ES_MUST_USE;
/* "all" switches every one off. Whoever waits in a delay goes on. */
entrasql_status faults_off(faults *f, const char *name, entrasql_error *err) ES_MUST_USE;
/* "NAME[=VALUE][:COUNT]" and more of them after commas, as --fault takes them. */
entrasql_status faults_on_list(faults *f, const char *list, entrasql_error *err) ES_MUST_USE;

/*
 * The next stroke at a place: waits out the delays that are on there, then
 * returns the first other fault that is on, with its figure, or NULL. Each one
 * that struck counts. Call it without locks; it may wait long.
 */
const fault *faults_next(faults *f, fault_place place, uint32_t *ret_value);

/* Whether one is on; for what cannot be told by faults_next(). */
bool faults_is_on(faults *f, const char *name);
/* The same, with its figure; *ret stays as it is when it is off. */
bool faults_value(faults *f, const char *name, uint32_t *ret);

/* An array of {"name","place","on","value","left","struck","help"}; left: null when unlimited. */
void faults_write(faults *f, json_writer *j);

/* The number of a FAULT_SQL. */
uint32_t fault_number(const fault *row, uint32_t value);
/* The text of a FAULT_SQL with its places filled in. */
void fault_text(const fault *row, uint32_t value, const char *server, const char *database,
                const char *address, char *ret, size_t size);

#endif
