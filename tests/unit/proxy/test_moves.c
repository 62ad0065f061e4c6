/* SPDX-License-Identifier: MIT */
/* proxy: a database that moved, and one that several places serve. */
#include "proxy/moves.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void failovers_are_moves(void **state)
{
    (void)state;
    proxy_moves m = {0};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(proxy_moves_note(&m), PROXY_MOVED);
        es_clock_shift(PROXY_MOVES_SOON_MS, 0);
    }
}

static void places_that_take_turns_are_several_until_it_is_quiet(void **state)
{
    (void)state;
    proxy_moves m = {0};
    assert_int_equal(proxy_moves_note(&m), PROXY_MOVED);
    es_clock_shift(PROXY_MOVES_SOON_MS - 1000, 0);
    assert_int_equal(proxy_moves_note(&m), PROXY_MOVED_NEW_SPREAD);
    for (int i = 0; i < 20; i++) { /* each is said once, and keeps it so */
        es_clock_shift(PROXY_MOVES_QUIET_MS - 1000, 0);
        assert_int_equal(proxy_moves_note(&m), PROXY_MOVED_SPREAD);
    }
    es_clock_shift(PROXY_MOVES_QUIET_MS, 0);
    assert_int_equal(proxy_moves_note(&m), PROXY_MOVED);
    assert_int_equal(proxy_moves_note(&m), PROXY_MOVED_NEW_SPREAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failovers_are_moves),
        cmocka_unit_test(places_that_take_turns_are_several_until_it_is_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
