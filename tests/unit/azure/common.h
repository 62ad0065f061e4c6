/* SPDX-License-Identifier: MIT */
/* A client of a scripted Azure Resource Manager (test_server, with TLS), for the tests here. */
#ifndef TEST_AZURE_COMMON_H
#define TEST_AZURE_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "azure/arm.h"
#include "server.h"

#define SUBSCRIPTION "5ab5c810-7e57-4000-8000-000000000001"
#define GROUP_PATH "/subscriptions/" SUBSCRIPTION "/resourceGroups/persons-rg"
#define IDENTITY_ID                                                                                \
    GROUP_PATH "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/MigrationIdentity"
/* As the identity provider spells it. */
#define IDENTITY_ID_LOWER                                                                          \
    "/subscriptions/" SUBSCRIPTION "/resourcegroups/persons-rg/providers/"                         \
    "Microsoft.ManagedIdentity/userAssignedIdentities/MigrationIdentity"

typedef struct fixture {
    test_server *server;
    azure_arm *arm;
    unsigned tokens;     /* how many were asked for */
    char claims[256];    /* of the last request for one */
    unsigned waits;      /* calls of progress */
    char states[16][64]; /* what they said */
    int64_t waited_ms[16];
} fixture;

/* Of a whole program: a server makes a certificate, which takes a while. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);
int fixture_reset(void **state); /* before each test */
/* Another client with these options filled in where they are missing. */
azure_arm *fixture_client(fixture *f, azure_arm_options options);

/* "METHOD path?query" of request i; the test's own buffer. */
const char *fixture_line(fixture *f, unsigned i);
/* The body of request i. */
const char *fixture_body(fixture *f, unsigned i);

#define PLAY(f, answers) test_server_play((f)->server, answers, sizeof(answers) / sizeof *(answers))

#endif
