/* SPDX-License-Identifier: MIT */
/*
 * identity: each allocation of making a credential and getting a token fails
 * in turn. Every run ends with the token, with what the source says, or with a clean NOMEM,
 * and nothing is lost (the leak checker looks on).
 */
#include "base/log.h"
#include "base/mem.h"
#include "common.h"
#include "rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* More allocations than any of these walks makes. */
#define MOST 6000

static row_world world;

static entrasql_status get_once(const credential_row *row, entrasql_error *err)
{
    entrasql_credential *c;
    entrasql_token *token;
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL};
    entrasql_status status = row->make(&world, &c, err);
    if (status != ENTRASQL_OK)
        return status;
    status = common_get(c, &request, &token, err);
    if (status == ENTRASQL_OK)
        entrasql_token_free(token);
    entrasql_credential_unref(c);
    return status;
}

static void walk(void **state)
{
    const credential_row *row = *state;
    for (unsigned long nth = 1; nth < MOST; nth++) {
        entrasql_error err;
        row_prepare(&world, row);
        (void)es_mem_fail_from(nth);
        entrasql_status status = get_once(row, &err);
        unsigned long made = es_mem_fail_from(0);
        if (status != ENTRASQL_OK)
            common_check_error(&err);
        if (made < nth) {
            if (status != row->ends)
                fail_msg("%s: %s", entrasql_status_name(status), err.message);
            return;
        }
        /* What only makes the cache quicker may be missing. */
        if (status == ENTRASQL_OK)
            continue;
        if (status != ENTRASQL_NOMEM)
            fail_msg("allocation %lu: %s: %s", nth, entrasql_status_name(status), err.message);
        assert_int_equal(err.status, ENTRASQL_NOMEM);
    }
    fail_msg("the walk has no end");
}

static int start(void **state)
{
    if (row_world_make(&world) != 0 || common_setup(state) != 0)
        return -1;
    /* A log line may be lost without memory; here each lost allocation must show. */
    es_log_setup(ES_LOG_NONE, ES_LOG_TEXT, STDERR_FILENO);
    return 0;
}

static int stop(void **state)
{
    row_world_free(&world);
    return common_teardown(state);
}

int main(void)
{
    struct CMUnitTest *tests = calloc(credential_row_count, sizeof *tests);
    if (tests == NULL)
        return 1;
    for (unsigned i = 0; i < credential_row_count; i++)
        tests[i] = (struct CMUnitTest){.name = credential_rows[i].name,
                                       .test_func = walk,
                                       .initial_state = (void *)(uintptr_t)&credential_rows[i]};
    int failed =
        _cmocka_run_group_tests("identity nomem", tests, credential_row_count, start, stop);
    free(tests);
    return failed;
}
