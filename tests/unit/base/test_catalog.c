/* SPDX-License-Identifier: MIT */
/* base: the catalogue of errors is whole, and finds the row that fits. */
#include "base/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void every_row_says_what_and_what_next(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < ES_CATALOG_KINDS; kind++) {
        size_t count = 0;
        const es_catalog_entry *rows = es_catalog_rows((es_catalog_kind)kind, &count);
        assert_true(count > 15);
        for (size_t i = 0; i < count; i++) {
            assert_true(rows[i].number != 0);
            assert_true(strlen(rows[i].cause) > 10);
            assert_true(strlen(rows[i].hint) > 10);
            assert_true(strlen(rows[i].hint) < ENTRASQL_ERROR_HINT_SIZE - 1);
            /* A row without a text hides those of its number that come after it. */
            for (size_t k = 0; k < i; k++)
                assert_false(rows[k].number == rows[i].number && rows[k].text == NULL);
        }
    }
}

static void every_status_has_a_row(void **state)
{
    (void)state;
    for (unsigned i = ENTRASQL_NOMEM; i < ENTRASQL_STATUS_COUNT; i++)
        assert_non_null(es_catalog_find(ES_CATALOG_STATUS, i, NULL));
    assert_null(es_catalog_find(ES_CATALOG_STATUS, ENTRASQL_STATUS_COUNT, NULL));
}

static void the_row_that_fits_the_message(void **state)
{
    (void)state;
    const es_catalog_entry *expired =
        es_catalog_find(ES_CATALOG_SQL, 18456, "Login failed for user 'x'. Token is expired.");
    const es_catalog_entry *unknown = es_catalog_find(
        ES_CATALOG_SQL, 18456, "Login failed for user '<token-identified principal>'.");
    const es_catalog_entry *any = es_catalog_find(ES_CATALOG_SQL, 18456, "something else");
    assert_non_null(strstr(expired->cause, "expired"));
    assert_non_null(strstr(unknown->hint, "CREATE USER"));
    assert_null(any->text);
    assert_false(
        es_catalog_passes_alone(ES_CATALOG_SQL, unknown)); /* somebody has to make a user */
    assert_null(es_catalog_find(ES_CATALOG_SQL, 1, NULL));
    assert_true(es_catalog_find(ES_CATALOG_SQL, 40613, NULL)->passes);
    assert_non_null(es_catalog_find(ES_CATALOG_AADSTS, 700016, NULL));
}

static void every_message_is_found_by_itself(void **state)
{
    (void)state;
    size_t count = 0;
    const es_catalog_message *rows = es_catalog_messages(&count);
    assert_true(count > 40);
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(rows[i].cause) > 10);
        assert_true(strlen(rows[i].hint) > 10);
        assert_true(strlen(rows[i].hint) < ENTRASQL_ERROR_HINT_SIZE - 1);
        if (strstr(rows[i].seen, rows[i].piece) == NULL)
            fail_msg("'%s' is no part of '%s'", rows[i].piece, rows[i].seen);
        const es_catalog_message *found = es_catalog_message_find(rows[i].seen);
        if (found != &rows[i])
            fail_msg("'%s' finds '%s'", rows[i].seen, found != NULL ? found->seen : "nothing");
    }
    assert_null(es_catalog_message_find("all is well"));
    assert_null(es_catalog_message_find(""));
    assert_non_null(es_catalog_message_find("x CERTIFICATE VERIFY FAILED y"));
}

/* What is seen of a number leads to its row, not to another one of the same number. */
static void every_seen_text_is_of_its_row(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < ES_CATALOG_KINDS; kind++) {
        size_t count = 0;
        const es_catalog_entry *rows = es_catalog_rows((es_catalog_kind)kind, &count);
        for (size_t i = 0; i < count; i++) {
            if (rows[i].seen != NULL)
                assert_ptr_equal(
                    es_catalog_find((es_catalog_kind)kind, rows[i].number, rows[i].seen), &rows[i]);
        }
    }
    assert_string_equal(es_catalog_group(ES_CATALOG_SQL, 18456), "login");
    assert_string_equal(es_catalog_group(ES_CATALOG_SQL, 33155), "login");
    assert_string_equal(es_catalog_group(ES_CATALOG_SQL, 33130), "users");
    assert_string_equal(es_catalog_group(ES_CATALOG_AADSTS, 50076), "token");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_says_what_and_what_next),
        cmocka_unit_test(every_status_has_a_row),
        cmocka_unit_test(the_row_that_fits_the_message),
        cmocka_unit_test(every_message_is_found_by_itself),
        cmocka_unit_test(every_seen_text_is_of_its_row),
    };
    return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
