/* SPDX-License-Identifier: MIT */
/*
 * What the tests of identity share: a clean environment, a driver that turns
 * waiting into a shift of the clock, and a watch for secrets in logs and errors.
 */
#ifndef TEST_IDENTITY_COMMON_H
#define TEST_IDENTITY_COMMON_H

#include <entrasql/entrasql.h>

#include <stdint.h>

#define TENANT "72f988bf-86f1-41af-91ab-2d7cd011db47"
#define CLIENT "11111111-2222-3333-4444-555555555555"
#define SECRET "not~a.real-secret_7Q+/%&="
#define IDENTITY_HEADER "Identity-Header-Not-Real-0123456789"
/* A JWT in form; its middle part says {"aud":"test"}. */
#define TOKEN "eyJhbGciOiJub25lIn0.eyJhdWQiOiJ0ZXN0In0.c2lnbmF0dXJl"
#define TOKEN_REPLY "{\"token_type\":\"Bearer\",\"access_token\":\"" TOKEN "\",\"expires_in\":3600}"

/* Secret i of those that are used here, as they stand in memory; NULL past the last. */
const char *common_secret(unsigned i);

/* For group set-up: logs everything into a file that common_teardown looks through. */
int common_setup(void **state);
/* Fails when a secret was logged. */
int common_teardown(void **state);
/* For each test: no variable that identity looks at is set; the clocks run as they do. */
int common_clean(void **state);

/* Asks, and steps until the end; where only time must pass, the clock is moved instead. */
entrasql_status common_get(entrasql_credential *c, const entrasql_token_request *request,
                           entrasql_token **ret, entrasql_error *err);
/* How many milliseconds common_get has skipped since the last call. */
int64_t common_skipped_ms(void);

/* Gets a SQL token and checks that it is TOKEN from `source`; frees it. */
void common_expect_token(entrasql_credential *c, const char *source);
/* Asks for a SQL token, which must fail so. Secrets must not be in the error. */
void common_expect_failure(entrasql_credential *c, entrasql_status status, entrasql_error *err);
void common_check_error(const entrasql_error *err);
/* The text must be in the message or the hint. */
void common_expect_words(const entrasql_error *err, const char *words);

#endif
