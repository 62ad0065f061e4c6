/* SPDX-License-Identifier: MIT */
/*
 * identity: no block of memory goes back to the system with a secret in it.
 * Each credential gets a token from its source, from its cache, and a new one; every block that
 * our code frees on the way is searched for every secret that is known here.
 */
#include "base/mem.h"
#include "common.h"
#include "rows.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static row_world world;
static const credential_row *watched;
static atomic_ulong seen;
static atomic_int found; /* 1 + the number of a secret */

static const char *secret_number(unsigned i)
{
    unsigned common = 0;
    while (common_secret(common) != NULL)
        common++;
    if (i < common)
        return common_secret(i);
    return i - common < ROW_MAX_SECRETS ? watched->secrets[i - common] : NULL;
}

static void look(const void *block, size_t size)
{
    atomic_fetch_add(&seen, 1);
    const char *secret;
    for (unsigned i = 0; (secret = secret_number(i)) != NULL; i++) {
        if (memmem(block, size, secret, strlen(secret)) == NULL)
            continue;
        found = (int)i + 1;
        if (getenv("TEST_CLEAN_ABORT") != NULL) /* for a debugger: who freed it */
            abort();
    }
}

static void get(entrasql_credential *c, bool refresh)
{
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .refresh = refresh};
    entrasql_token *token;
    entrasql_error err;
    entrasql_status status = common_get(c, &request, &token, &err);
    if (status != watched->ends)
        fail_msg("%s: %s", entrasql_status_name(status), err.message);
    if (status == ENTRASQL_OK)
        entrasql_token_free(token);
}

static void blocks_are_clean(void **state)
{
    entrasql_credential *c;
    entrasql_error err;
    watched = *state;
    row_prepare(&world, watched);
    seen = 0;
    found = 0;
    es_mem_watch(look);
    if (watched->make(&world, &c, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    get(c, false);
    get(c, false);
    get(c, true);
    entrasql_credential_unref(c);
    es_mem_watch(NULL);
    assert_true(seen > 4);
    if (found != 0)
        fail_msg("a freed block holds secret number %d", found - 1);
}

/* The watch itself works: a careless free, and a careless growth, are seen. */
static void the_watch_sees(void **state)
{
    (void)state;
    watched = &credential_rows[0];
    found = 0;
    es_mem_watch(look);
    char *copy = es_strdup("x" SECRET);
    es_free_wipe_str(copy);
    assert_int_equal(found, 0);
    copy = es_strdup("x" SECRET);
    copy = es_realloc(copy, 4096);
    assert_int_not_equal(found, 0);
    found = 0;
    es_free(copy);
    assert_int_not_equal(found, 0);
    es_mem_watch(NULL);
}

static int start(void **state)
{
    return row_world_make(&world) == 0 ? common_setup(state) : -1;
}

static int stop(void **state)
{
    row_world_free(&world);
    return common_teardown(state);
}

int main(void)
{
    unsigned count = credential_row_count + 1;
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    if (tests == NULL)
        return 1;
    for (unsigned i = 0; i < credential_row_count; i++)
        tests[i] = (struct CMUnitTest){.name = credential_rows[i].name,
                                       .test_func = blocks_are_clean,
                                       .initial_state = (void *)(uintptr_t)&credential_rows[i]};
    tests[credential_row_count] =
        (struct CMUnitTest){.name = "the_watch_sees", .test_func = the_watch_sees};
    int failed = _cmocka_run_group_tests("identity clean", tests, count, start, stop);
    free(tests);
    return failed;
}
