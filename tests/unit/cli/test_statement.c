/* SPDX-License-Identifier: MIT */
/* cli: what typed lines wait for. */
#include "base/str.h"
#include "cli/statement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static cli_statement_state look(const char *text, size_t n)
{
    cli_batch b;
    cli_batch_init(&b);
    while (n != 0) {
        const char *end = memchr(text, '\n', n);
        size_t length = end != NULL ? (size_t)(end - text) : n;
        uint32_t go = 0;
        assert_int_equal(cli_batch_line(&b, text, length, &go, NULL), ENTRASQL_OK);
        assert_int_equal(go, 0);
        size_t used = end != NULL ? length + 1 : length;
        text += used;
        n -= used;
    }
    cli_statement_state state = cli_statement_look(&b);
    cli_batch_done(&b);
    return state;
}

static const struct look_case {
    const char *text;
    cli_statement_state state;
} look_cases[] = {
    {"", CLI_STATEMENT_OPEN},
    {"SELECT 1", CLI_STATEMENT_OPEN},
    {"SELECT 1;", CLI_STATEMENT_READY},
    {"SELECT 1; ", CLI_STATEMENT_READY},
    {"SELECT 1; -- so", CLI_STATEMENT_READY},
    {"SELECT 1; /* so */", CLI_STATEMENT_READY},
    {"SELECT 1 -- so;", CLI_STATEMENT_OPEN},
    {"SELECT 1;\nSELECT 2", CLI_STATEMENT_OPEN},
    {"SELECT ';", CLI_STATEMENT_STRING},
    {"SELECT ';';", CLI_STATEMENT_READY},
    {"SELECT 'it''s;", CLI_STATEMENT_STRING},
    {"SELECT \"a;", CLI_STATEMENT_QUOTED},
    {"SELECT [a]];", CLI_STATEMENT_BRACKET},
    {"SELECT [a]]];", CLI_STATEMENT_READY},
    {"/* /* */ ;", CLI_STATEMENT_COMMENT},
    {"SELECT (1;", CLI_STATEMENT_PAREN},
    {"SELECT (1);", CLI_STATEMENT_READY},
    {"SELECT 1);", CLI_STATEMENT_READY},
    {"BEGIN\nSELECT 1;", CLI_STATEMENT_BLOCK},
    {"BEGIN\nSELECT 1;\nEND;", CLI_STATEMENT_READY},
    {"IF 1 = 1 BEGIN BEGIN SELECT 1; END;", CLI_STATEMENT_BLOCK},
    {"BEGIN TRY SELECT 1; END TRY", CLI_STATEMENT_OPEN},
    {"BEGIN TRY SELECT 1; END TRY\nBEGIN CATCH SELECT 2; END CATCH;", CLI_STATEMENT_READY},
    {"begin tran;", CLI_STATEMENT_READY},
    {"BEGIN /* x */ TRANSACTION t;", CLI_STATEMENT_READY},
    {"BEGIN DISTRIBUTED TRANSACTION;", CLI_STATEMENT_READY},
    {"SELECT CASE a WHEN 1 THEN 2;", CLI_STATEMENT_BLOCK},
    {"SELECT CASE a WHEN 1 THEN 2 END;", CLI_STATEMENT_READY},
    {"SELECT [begin], a.\"case\", '(';", CLI_STATEMENT_READY},
    {"END;", CLI_STATEMENT_READY},
    {"DECLARE @a int;", CLI_STATEMENT_GO},
    {"declare @a int = (1", CLI_STATEMENT_GO},
    {"SELECT 1; DECLARE @a int;", CLI_STATEMENT_READY},
    {"CREATE PROC p AS SELECT 1;", CLI_STATEMENT_GO},
    {"CREATE OR ALTER PROCEDURE p AS SELECT 1;", CLI_STATEMENT_GO},
    {"ALTER FUNCTION f;", CLI_STATEMENT_GO},
    {"-- new\ncreate trigger t;", CLI_STATEMENT_GO},
    {"CREATE TABLE t (a int);", CLI_STATEMENT_READY},
    {"CREATE TABLE [proc] (procedure_id int);", CLI_STATEMENT_READY},
    {"ALTER TABLE t DISABLE TRIGGER x;", CLI_STATEMENT_READY},
    {"DROP PROCEDURE p;", CLI_STATEMENT_READY},
    {"SELECT 0x1G $ ~~ \\;", CLI_STATEMENT_READY}, /* not T-SQL: the server says so */
    {"SELECT \\", CLI_STATEMENT_OPEN},
};

static void states(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(look_cases); i++) {
        const struct look_case *c = &look_cases[i];
        cli_statement_state got = look(c->text, strlen(c->text));
        if (got != c->state)
            fail_msg("'%s' is %d, not %d", c->text, (int)got, (int)c->state);
    }
}

/* Every beginning of every text has some state with a prompt of its own. */
static void every_beginning_has_a_prompt(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(look_cases); i++) {
        const char *text = look_cases[i].text;
        for (size_t n = 0; n <= strlen(text); n++) {
            const char *prompt = cli_statement_prompt(look(text, n));
            assert_true(strlen(prompt) >= 2 && prompt[strlen(prompt) - 1] == ' ');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states),
        cmocka_unit_test(every_beginning_has_a_prompt),
    };
    return cmocka_run_group_tests_name("statement", tests, NULL, NULL);
}
