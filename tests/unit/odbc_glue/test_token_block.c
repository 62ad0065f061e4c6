/* SPDX-License-Identifier: MIT */
/* odbc_glue: the life of token blocks. */
#include "base/clock.h"
#include "base/mem.h"
#include "odbc_glue/token_block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int64_t in_seconds(int64_t s)
{
    return es_clock_wall_s() + s;
}

static uint32_t size_of(const void *block)
{
    uint32_t size = 0;
    memcpy(&size, block, sizeof size);
    return size;
}

static int shift_back(void **state)
{
    (void)state;
    es_clock_shift(0, 1000000); /* all tokens of the test before expire */
    glue_token_block_sweep();
    return 0;
}

static void a_block_is_size_and_utf16(void **state)
{
    (void)state;
    const void *block = NULL;
    assert_int_equal(glue_token_block_intern("eyJ.a-_", in_seconds(60), &block, NULL), ENTRASQL_OK);
    assert_int_equal(size_of(block), 14);
    assert_memory_equal((const char *)block + 4, "e\0y\0J\0.\0a\0-\0_\0", 14);
}

static void one_token_has_one_block(void **state)
{
    (void)state;
    const void *a = NULL;
    const void *b = NULL;
    const void *c = NULL;
    assert_int_equal(glue_token_block_intern("token-1", in_seconds(60), &a, NULL), ENTRASQL_OK);
    assert_int_equal(glue_token_block_intern("token-2", in_seconds(60), &b, NULL), ENTRASQL_OK);
    assert_int_equal(glue_token_block_intern("token-1", in_seconds(60), &c, NULL), ENTRASQL_OK);
    assert_ptr_equal(a, c);
    assert_ptr_not_equal(a, b);
    assert_int_equal(glue_token_block_live_count(), 2);
}

/* The address outlives the token, its content does not. */
static void an_expired_block_reads_as_zeros(void **state)
{
    (void)state;
    const void *old = NULL;
    const void *young = NULL;
    const void *again = NULL;
    char *long_token = malloc(20001);
    memset(long_token, 'x', 20000);
    long_token[20000] = '\0';
    assert_int_equal(glue_token_block_intern(long_token, in_seconds(100), &old, NULL), ENTRASQL_OK);
    assert_int_equal(glue_token_block_intern("young", in_seconds(1000), &young, NULL), ENTRASQL_OK);
    es_clock_shift(0, 99);
    glue_token_block_sweep();
    assert_int_equal(size_of(old), 40000);
    es_clock_shift(0, 2);
    glue_token_block_sweep();
    assert_int_equal(glue_token_block_live_count(), 1);
    for (size_t i = 0; i < 40004; i++)
        assert_int_equal(((const uint8_t *)old)[i], 0);
    assert_int_equal(size_of(young), 10);
    assert_int_equal(glue_token_block_intern(long_token, in_seconds(100), &again, NULL),
                     ENTRASQL_OK);
    assert_ptr_not_equal(again, old);
    assert_int_equal(size_of(old), 0);
    free(long_token);
}

static void interning_wipes_what_expired(void **state)
{
    (void)state;
    const void *old = NULL;
    const void *next = NULL;
    assert_int_equal(glue_token_block_intern("old", in_seconds(10), &old, NULL), ENTRASQL_OK);
    es_clock_shift(0, 10);
    assert_int_equal(glue_token_block_intern("next", in_seconds(10), &next, NULL), ENTRASQL_OK);
    assert_int_equal(size_of(old), 0);
    assert_int_equal(glue_token_block_live_count(), 1);
}

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    const void *block = NULL;
    entrasql_error err;
    static const char *const bad[] = {"", "a b", "a\n", "caf\xc3\xa9"};
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++)
        assert_int_equal(glue_token_block_intern(bad[i], in_seconds(60), &block, &err),
                         ENTRASQL_INVALID);
    assert_int_equal(glue_token_block_intern("t", in_seconds(0), &block, &err), ENTRASQL_INVALID);
    assert_non_null(strstr(err.message, "expired"));
    assert_null(block);
}

static void lack_of_memory(void **state)
{
    (void)state;
    const void *block = NULL;
    entrasql_error err;
    es_mem_fail_from(1);
    assert_int_equal(glue_token_block_intern("t", in_seconds(60), &block, &err), ENTRASQL_NOMEM);
    es_mem_fail_from(0);
    assert_int_equal(glue_token_block_live_count(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_block_is_size_and_utf16, shift_back),
        cmocka_unit_test_teardown(one_token_has_one_block, shift_back),
        cmocka_unit_test_teardown(an_expired_block_reads_as_zeros, shift_back),
        cmocka_unit_test_teardown(interning_wipes_what_expired, shift_back),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(lack_of_memory),
    };
    return cmocka_run_group_tests_name("token_block", tests, NULL, NULL);
}
