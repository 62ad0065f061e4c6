/* SPDX-License-Identifier: MIT */
/*
 * The commands of the admin database, as text: what a batch says, statement by
 * statement. No I/O. Case does not matter; statements end at ';', or where a line begins
 * with another command. -- and slash-star comments are passed over.
 *
 *     SHOW HELP | POOLS | CLIENTS | SERVERS | STATS | IDENTITIES | CONFIG
 *     PAUSE [TARGET]   RESUME [TARGET]   RECONNECT [TARGET]   KILL NUMBER   RELOAD
 *
 * A target with other characters than letters, digits and . _ - is quoted: 'a/b', "a/b" or
 * [a/b]; a number stands for the target of that place in SHOW POOLS.
 *
 * And what drivers send by themselves: SET ..., USE entrasql, BEGIN, COMMIT, ROLLBACK, SAVE,
 * IF @@TRANCOUNT ... do nothing; SELECT knows a number, @@VERSION, @@SPID, @@TRANCOUNT,
 * @@SERVERNAME and DB_NAME().
 */
#ifndef PROXY_ADMIN_COMMAND_H
#define PROXY_ADMIN_COMMAND_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define PROXY_ADMIN_DATABASE "entrasql"
#define PROXY_ADMIN_ARGUMENT_SIZE 300

typedef enum proxy_verb {
    PROXY_VERB_NOTHING, /* accepted and without effect */
    PROXY_VERB_SHOW,
    PROXY_VERB_SELECT,
    PROXY_VERB_PAUSE,
    PROXY_VERB_RESUME,
    PROXY_VERB_RECONNECT,
    PROXY_VERB_KILL,
    PROXY_VERB_RELOAD
} proxy_verb;

typedef enum proxy_show {
    PROXY_SHOW_HELP,
    PROXY_SHOW_POOLS,
    PROXY_SHOW_CLIENTS,
    PROXY_SHOW_SERVERS,
    PROXY_SHOW_STATS,
    PROXY_SHOW_IDENTITIES,
    PROXY_SHOW_CONFIG
} proxy_show;

typedef enum proxy_select {
    PROXY_SELECT_NUMBER,
    PROXY_SELECT_VERSION,
    PROXY_SELECT_SPID,
    PROXY_SELECT_TRANCOUNT,
    PROXY_SELECT_SERVER,
    PROXY_SELECT_DATABASE
} proxy_select;

typedef struct proxy_command {
    proxy_verb verb;
    proxy_show show;
    proxy_select select;
    uint64_t number;                          /* of KILL and SELECT */
    char argument[PROXY_ADMIN_ARGUMENT_SIZE]; /* the target; "": all of them */
} proxy_command;

/*
 * The next statement of *text, which moves behind it. NOT_FOUND at the end (no error text is
 * written then). INVALID says what is wrong; the rest of the batch is then of no use.
 */
entrasql_status proxy_command_next(const char **text, const char *end, proxy_command *ret,
                                   entrasql_error *err) ES_MUST_USE;

#endif
