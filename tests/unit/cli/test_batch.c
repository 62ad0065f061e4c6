/* SPDX-License-Identifier: MIT */
/* cli: where a script is cut into batches. */
#include "base/str.h"
#include "cli/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A script, and what is run: "text*count|" for each batch. The rest after the last GO has "*1". */
static const struct split_case {
    const char *script;
    const char *runs;
} split_cases[] = {
    {"", ""},
    {"SELECT 1", "SELECT 1\n*1|"},
    {"a\nGO\nb\n", "a\n*1|b\n*1|"},
    {"a\ngo\nb\nGo 3\nc", "a\n*1|b\n*3|c\n*1|"},
    {"a\n  \tGO\t 2  \nb", "a\n*2|b\n*1|"},
    {"a\nGO -- the end\nb", "a\n*1|b\n*1|"},
    {"a\nGO 2-- twice\nb", "a\n*2|b\n*1|"},
    {"GO\nGO\n", "*1|*1|"},
    {"a\nGOTO x\nGO;\nGO_\nmy GO\n", "a\nGOTO x\nGO;\nGO_\nmy GO\n*1|"},
    {"a '\nGO\n' b\nGO\n", "a '\nGO\n' b\n*1|"},
    {"a '''\nGO\n' b\nGO\n", "a '''\nGO\n' b\n*1|"},
    {"a 'x''y'\nGO\n", "a 'x''y'\n*1|"},
    {"a \"\nGO\n\" b\nGO\n", "a \"\nGO\n\" b\n*1|"},
    {"a [\nGO\n]]\nGO\n] b\nGO\n", "a [\nGO\n]]\nGO\n] b\n*1|"},
    {"a /* \nGO\n/* */\nGO\n*/\nGO\n", "a /* \nGO\n/* */\nGO\n*/\n*1|"},
    {"a -- it's\nGO\nb -- /*\nGO\n", "a -- it's\n*1|b -- /*\n*1|"},
    {"a '--'\nGO\n'/*'\nGO\n", "a '--'\n*1|'/*'\n*1|"},
    {"/* ' */ a\nGO\n", "/* ' */ a\n*1|"},
    {"'-- /* [ \" '\nGO\n", "'-- /* [ \" '\n*1|"},
    {"a 'open\nGO", "a 'open\nGO\n*1|"},
    {"a - - b / * c\nGO\n", "a - - b / * c\n*1|"},
};

static void split(const char *script, char *ret, size_t size)
{
    cli_batch b;
    cli_batch_init(&b);
    ret[0] = '\0';
    while (*script != '\0') {
        size_t n = strcspn(script, "\n");
        uint32_t count = 0;
        entrasql_error err;
        if (cli_batch_line(&b, script, n, &count, &err) != ENTRASQL_OK)
            fail_msg("%s", err.message);
        if (count != 0) {
            const char *text = es_buf_cstr(&b.text);
            size_t used = strlen(ret);
            snprintf(ret + used, size - used, "%s*%u|", text, (unsigned)count);
            cli_batch_next(&b);
        }
        script += n + (script[n] == '\n' ? 1 : 0);
    }
    if (b.text.len != 0) {
        const char *text = es_buf_cstr(&b.text);
        size_t used = strlen(ret);
        snprintf(ret + used, size - used, "%s*1|", text);
    }
    cli_batch_done(&b);
}

static void scripts_are_cut_at_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(split_cases); i++) {
        char runs[500];
        split(split_cases[i].script, runs, sizeof runs);
        assert_string_equal(runs, split_cases[i].runs);
    }
}

static void a_bad_count_is_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {"GO 0",  "GO x",      "GO 1 2",
                                        "GO -1", "GO 100001", "GO 99999999999999999999"};
    for (size_t i = 0; i < ES_COUNT_OF(lines); i++) {
        cli_batch b;
        uint32_t count = 0;
        entrasql_error err;
        cli_batch_init(&b);
        assert_int_equal(cli_batch_line(&b, lines[i], strlen(lines[i]), &count, &err),
                         ENTRASQL_INVALID);
        assert_non_null(strstr(err.message, lines[i] + 3));
        cli_batch_done(&b);
    }
}

static void emptiness(void **state)
{
    (void)state;
    cli_batch b;
    uint32_t count = 0;
    cli_batch_init(&b);
    assert_true(cli_batch_is_empty(&b));
    assert_int_equal(cli_batch_line(&b, " \t", 2, &count, NULL), ENTRASQL_OK);
    assert_true(cli_batch_is_empty(&b));
    assert_int_equal(cli_batch_line(&b, "x", 1, &count, NULL), ENTRASQL_OK);
    assert_false(cli_batch_is_empty(&b));
    cli_batch_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_are_cut_at_go),
        cmocka_unit_test(a_bad_count_is_refused),
        cmocka_unit_test(emptiness),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
