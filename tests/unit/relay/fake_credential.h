/* SPDX-License-Identifier: MIT */
/* A credential of tests: the public calls that relay uses, answered from a script. */
#ifndef TESTS_RELAY_FAKE_CREDENTIAL_H
#define TESTS_RELAY_FAKE_CREDENTIAL_H

#include <entrasql/entrasql.h>

#include <stdatomic.h>

struct entrasql_credential {
    atomic_int refs;
    atomic_int asked;       /* how often a token was asked for */
    atomic_int refreshed;   /* of these with refresh */
    int delay_ms;           /* before the answer */
    entrasql_status status; /* what the answer is; OK: "token-1", "token-2" ... */
    char scope[128];        /* of the latest request */
};

void fake_credential_init(entrasql_credential *c);

#endif
