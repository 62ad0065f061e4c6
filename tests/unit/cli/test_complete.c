/* SPDX-License-Identifier: MIT */
/* cli: what may stand at the cursor of a statement. A | marks the cursor. */
#include "base/mem.h"
#include "base/str.h"
#include "cli/complete.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KW CLI_COMPLETE_KEYWORDS
#define COL CLI_COMPLETE_COLUMNS
#define OBJ CLI_COMPLETE_OBJECTS
#define ROUT CLI_COMPLETE_ROUTINES
#define MEM CLI_COMPLETE_MEMBERS

static const struct look_case {
    const char *text;
    unsigned wants;
    const char *prefix;
    const char *tables; /* name=alias,... */
    const char *qualifier;
} look_cases[] = {
    {"|", KW, "", "", ""},
    {"sel|", KW, "sel", "", ""},
    {"SELECT 1; sel|", KW, "sel", "", ""},
    {"SELECT |", KW | COL, "", "", ""},
    {"SELECT Fi| FROM Persons", KW | COL, "Fi", "Persons=", ""},
    {"SELECT * FROM |", OBJ, "", "", ""},
    {"SELECT * FROM Per|", OBJ, "Per", "Per=", ""},
    {"SELECT * FROM a, |", OBJ, "", "a=", ""},
    {"SELECT * FROM a x, dbo.b AS y JOIN [c d] ON |", KW | COL, "", "a=x,dbo.b=y,[c d]=", ""},
    {"SELECT * FROM a WHERE x IN (1, |", KW | COL, "", "a=", ""},
    {"SELECT p.| FROM Persons p", MEM, "", "Persons=p", "p"},
    {"SELECT * FROM shop.or|", MEM, "or", "shop.or=", "shop"},
    {"SELECT a.b.c| ", MEM, "c", "", "a.b"},
    {"SELECT [a b].[c|", MEM, "c", "", "[a b]"},
    {"SELECT * FROM [Per|", OBJ, "Per", "", ""},
    {"UPDATE Persons SET L|", KW | COL, "L", "Persons=", ""},
    {"INSERT INTO Persons (F|", KW | COL, "F", "Persons=", ""},
    {"DELETE |", KW | OBJ, "", "", ""},
    {"EXEC sh|", ROUT, "sh", "", ""},
    {"SELECT 'FROM |", 0, NULL, "", ""},
    {"SELECT /* a |", 0, NULL, "", ""},
    {"SELECT 1 -- from |", 0, NULL, "", ""},
    {"SELECT 1 -- it's\nFROM |", OBJ, "", "", ""},
    {"SELECT @x|", 0, NULL, "", ""},
    {"SELECT 12|", 0, NULL, "", ""},
    {"SELECT .|", 0, NULL, "", ""},
    {"SELECT * FROM stra\xC3\x9F|", OBJ, "stra\xC3\x9F", "stra\xC3\x9F=", ""},
    {"SELECT | FROM (SELECT * FROM inner_t i) x", KW | COL, "", "inner_t=i", ""},
    {"SELECT | FROM a,b,c,d,e,f,g,h,i,j", KW | COL, "", "a=,b=,c=,d=,e=,f=,g=,h=", ""},
};

static size_t place_cursor(const char *marked, char *text)
{
    size_t cursor = strcspn(marked, "|");
    memcpy(text, marked, cursor);
    strcpy(text + cursor, marked + cursor + 1);
    return cursor;
}

static void describe_tables(const cli_complete_look *look, char *ret, size_t size)
{
    size_t at = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < look->table_count; i++) {
        const cli_complete_table *t = &look->tables[i];
        at += (size_t)snprintf(ret + at, size - at, "%s%.*s=%.*s", i != 0 ? "," : "",
                               (int)t->name.n, t->name.text, (int)t->alias.n,
                               t->alias.text != NULL ? t->alias.text : "");
    }
}

static void places_are_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(look_cases); i++) {
        const struct look_case *c = &look_cases[i];
        cli_complete_look look;
        char text[200];
        char tables[200];
        size_t cursor = place_cursor(c->text, text);
        cli_complete(text, strlen(text), cursor, &look);
        describe_tables(&look, tables, sizeof tables);
        print_message("%s\n", c->text);
        assert_int_equal(look.wants, c->wants);
        if (c->wants == 0)
            continue;
        assert_int_equal(look.prefix.n, strlen(c->prefix));
        assert_memory_equal(look.prefix.text, c->prefix, look.prefix.n);
        assert_string_equal(tables, c->tables);
        assert_int_equal(look.qualifier.n, strlen(c->qualifier));
        if (look.qualifier.n != 0)
            assert_memory_equal(look.qualifier.text, c->qualifier, look.qualifier.n);
    }
}

/* Any text, the cursor anywhere: nothing outside of it is read (sanitizers watch). */
static void every_cut_is_safe(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(look_cases); i++) {
        size_t whole = strlen(look_cases[i].text);
        for (size_t n = 0; n <= whole; n++) {
            char *text = es_memdup(look_cases[i].text, n != 0 ? n : 1);
            for (size_t cursor = 0; cursor <= n; cursor++) {
                cli_complete_look look;
                cli_complete(text, n, cursor, &look);
                assert_true(look.start <= cursor);
                assert_true(look.table_count <= CLI_COMPLETE_TABLES);
            }
            es_free(text);
        }
    }
}

static cli_slice slice(const char *text)
{
    return (cli_slice){text, strlen(text)};
}

static void qualifiers_find_their_table(void **state)
{
    (void)state;
    static const char text[] = "DELETE p FROM shop.[it's [odd]] x] p JOIN Persons ON 1=1";
    cli_complete_look look;
    cli_complete(text, strlen(text), 0, &look);
    const cli_complete_table *t = cli_complete_find(&look, slice("P"));
    assert_non_null(t);
    assert_memory_equal(t->name.text, "shop.[it's [odd]] x]", t->name.n);
    assert_non_null(cli_complete_find(&look, slice("[persons]")));
    assert_non_null(cli_complete_find(&look, slice("dbo.Persons")));
    assert_non_null(cli_complete_find(&look, slice("shop.[it's [odd]] x]")));
    assert_null(cli_complete_find(&look, slice("other")));
    assert_null(cli_complete_find(&look, slice("")));
}

static void names_are_quoted_where_they_have_to_be(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"Persons", "Persons"},
        {"a b", "[a b]"},
        {"it's [odd]", "[it's [odd]]]"},
        {"select", "[select]"},
        {"1a", "[1a]"},
        {"a1$#@_", "a1$#@_"},
        {"", "[]"},
        {"\xC3\xA4", "\xC3\xA4"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(names); i++) {
        ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(100);
        ES_CLEANUP(es_buf_done) es_buf bare = ES_BUF_INIT(100);
        assert_int_equal(cli_complete_add_name(&out, names[i][0], false), ENTRASQL_OK);
        assert_string_equal(es_buf_cstr(&out), names[i][1]);
        cli_slice whole = {(const char *)out.data, out.len};
        assert_int_equal(cli_complete_bare(&bare, whole), ENTRASQL_OK);
        assert_string_equal(es_buf_cstr(&bare), names[i][0]);
    }
}

static void choices_have_a_common_beginning(void **state)
{
    (void)state;
    cli_choices c = {0};
    assert_int_equal(cli_choices_common(&c), 0);
    cli_choices_sort(&c);
    cli_choices_add(&c, "orders", " ");
    assert_int_equal(cli_choices_common(&c), 7);
    cli_choices_add(&c, "ORDERlines", " ");
    cli_choices_add(&c, "orders", " ");
    cli_choices_sort(&c);
    assert_int_equal(c.count, 2);
    assert_string_equal(c.texts[0], "ORDERlines ");
    assert_int_equal(cli_choices_common(&c), 5);
    cli_choices_done(&c);
    cli_choices_add(&c, "a\xC3\xA4", "");
    cli_choices_add(&c, "a\xC3\xB6", "");
    assert_int_equal(cli_choices_common(&c), 1);
    for (unsigned i = 0; i < CLI_CHOICES_MAX; i++)
        cli_choices_add(&c, "x", "");
    assert_int_equal(c.count, CLI_CHOICES_MAX);
    assert_true(c.has_more);
    cli_choices_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_known),
        cmocka_unit_test(every_cut_is_safe),
        cmocka_unit_test(qualifiers_find_their_table),
        cmocka_unit_test(names_are_quoted_where_they_have_to_be),
        cmocka_unit_test(choices_have_a_common_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
