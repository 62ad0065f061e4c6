/* SPDX-License-Identifier: MIT */
/* base: the word that somebody meant, and silence where none is near. */
#include "base/nearest.h"

#include "base/compiler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *nearest(const char *typed)
{
    static const char *const words[] = {"query", "doctor", "proxy", "wait", "emulator", "user"};
    es_nearest n = {0};
    for (size_t i = 0; i < ES_COUNT_OF(words); i++)
        es_nearest_offer(&n, typed, strlen(typed), words[i]);
    return n.word;
}

static void mistakes_of_each_kind(void **state)
{
    (void)state;
    assert_string_equal(nearest("qurey"), "query");       /* swapped */
    assert_string_equal(nearest("doctr"), "doctor");      /* missing */
    assert_string_equal(nearest("proxxy"), "proxy");      /* too many */
    assert_string_equal(nearest("EMULATER"), "emulator"); /* another; case */
    assert_string_equal(nearest("emu"), "emulator");      /* its beginning */
    assert_string_equal(nearest("users"), "user");
}

static void silent_where_none_is_near(void **state)
{
    char huge[200];

    (void)state;
    memset(huge, 'q', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    assert_null(nearest(""));
    assert_null(nearest("q"));
    assert_null(nearest("wa"));
    assert_null(nearest("reload"));
    assert_null(nearest("contoso"));
    assert_null(nearest(huge));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_of_each_kind),
        cmocka_unit_test(silent_where_none_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
