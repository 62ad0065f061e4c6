/* SPDX-License-Identifier: MIT */
/*
 * tsql: trees and errors against tests/data/tsql/{trees,errors}.txt, every
 * text that real clients sent (tests/data/tsql/parse), truncations, limits.
 */
#include "base/error.h"
#include "base/mem.h"
#include "print.h"
#include "tsql/parser.h"
#include "tsql/type.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *data_dir;

static char *read_data(const char *path, size_t *ret_length)
{
    char full[4096];
    (void)snprintf(full, sizeof full, "%s/%s", data_dir, path);
    FILE *f = fopen(full, "rb");
    if (f == NULL)
        fail_msg("%s is missing", full);
    es_buf b = ES_BUF_INIT(1 << 22);
    char chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, f)) != 0)
        assert_int_equal(es_buf_add(&b, chunk, n), ENTRASQL_OK);
    fclose(f);
    return es_buf_take(&b, ret_length);
}

static void cleanup_batch(tsql_batch **batch)
{
    tsql_batch_free(*batch);
}

/* What the parser makes of a text: the tree, or "error <number> line <line>: <text>". */
static char *outcome(const char *sql, size_t n)
{
    es_buf b = ES_BUF_INIT(1 << 22);
    entrasql_error err;
    ES_CLEANUP(cleanup_batch) tsql_batch *batch = NULL;
    if (tsql_parse(sql, n, NULL, &batch, &err) == ENTRASQL_OK) {
        print_stmts(&b, tsql_batch_statements(batch));
    } else {
        assert_int_equal(err.severity, 15);
        print_text(&b, "error %u line %u: %s", err.number, err.line, err.message);
    }
    return es_buf_take(&b, NULL);
}

/*
 * Blocks between empty lines: the text, then a line "=> outcome". Each text is
 * also parsed cut at every length, which has to end somehow.
 */
static void check_outcomes(const char *file)
{
    size_t length;
    char *data = read_data(file, &length);
    size_t blocks = 0;
    for (char *block = data; *block != '\0'; blocks++) {
        char *end = strstr(block, "\n\n");
        char *next = end != NULL ? end + 2 : block + strlen(block);
        *(end != NULL ? end : next) = '\0';
        char *arrow = strstr(block, "\n=> ");
        assert_non_null(arrow);
        *arrow = '\0';
        char *got = outcome(block, strlen(block));
        assert_non_null(got);
        if (strcmp(got, arrow + 4) != 0)
            print_error("in %s: %s\n", file, block);
        assert_string_equal(got, arrow + 4);
        es_free(got);
        for (size_t cut = 0; cut < strlen(block); cut++) {
            char *copy = es_memdup(block, cut + 1); /* so that a read past the end is seen */
            es_free(outcome(copy, cut));
            es_free(copy);
        }
        block = next;
    }
    assert_true(blocks > 50);
    es_free(data);
}

static void test_trees(void **state)
{
    (void)state;
    check_outcomes("trees.txt");
}

static void test_syntax_errors(void **state)
{
    (void)state;
    check_outcomes("errors.txt");
}

/* Texts of a file are separated by lines "GO". */
static size_t check_corpus(const char *file)
{
    size_t length;
    size_t texts = 0;
    char *data = read_data(file, &length);
    for (char *text = data; *text != '\0'; texts++) {
        char *end = strstr(text, "\nGO\n");
        size_t n = end != NULL ? (size_t)(end - text) : strlen(text);
        entrasql_error err;
        ES_CLEANUP(cleanup_batch) tsql_batch *batch = NULL;
        if (tsql_parse(text, n, NULL, &batch, &err) != ENTRASQL_OK)
            fail_msg("%s: %s in: %.*s", file, err.message, (int)n, text);
        assert_true(tsql_batch_statements(batch)->count != 0);
        text += n + (end != NULL ? 4 : 0);
    }
    es_free(data);
    return texts;
}

static void test_corpus(void **state)
{
    (void)state;
    char folder[4096];
    (void)snprintf(folder, sizeof folder, "%s/parse", data_dir);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    size_t texts = 0;
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        char path[300];
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "parse/%s", entry->d_name);
        texts += check_corpus(path);
    }
    closedir(dir);
    assert_true(texts > 200);
}

/* The source text of nodes, which the catalog keeps. */
static void test_spans(void **state)
{
    (void)state;
    static const char sql[] = "SELECT 1\r\n\r\nCREATE TABLE t (a int DEFAULT (getdate()),\n b AS "
                              "(a + 1), CHECK (a > 0))";
    ES_CLEANUP(cleanup_batch) tsql_batch *batch = NULL;
    assert_int_equal(tsql_parse(sql, strlen(sql), NULL, &batch, NULL), ENTRASQL_OK);
    size_t n;
    assert_string_equal(tsql_batch_text(batch, &n), sql);
    assert_int_equal(n, strlen(sql));
    const tsql_stmt *create = tsql_batch_statements(batch)->items[1];
    assert_int_equal(create->span.line, 3);
    assert_int_equal(create->span.start, 12);
    assert_int_equal(create->span.end, strlen(sql));
    const tsql_table_def *def = &create->u.create_table->def;
    tsql_span span = def->columns[0].constraints.items[0].default_text;
    assert_memory_equal(sql + span.start, "(getdate())", span.end - span.start);
    span = def->columns[1].computed_text;
    assert_int_equal(span.line, 4);
    assert_memory_equal(sql + span.start, "(a + 1)", span.end - span.start);
    span = def->constraints.items[0].check_text;
    assert_memory_equal(sql + span.start, "(a > 0)", span.end - span.start);
}

/* head + middle * count + tail */
static uint32_t error_of_repeat(const char *head, const char *middle, size_t count,
                                const char *tail)
{
    es_buf b = ES_BUF_INIT(1 << 24);
    assert_int_equal(es_buf_add_str(&b, head), ENTRASQL_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(es_buf_add_str(&b, middle), ENTRASQL_OK);
    assert_int_equal(es_buf_add_str(&b, tail), ENTRASQL_OK);
    entrasql_error err = {0};
    tsql_batch *batch = NULL;
    entrasql_status status = tsql_parse((const char *)b.data, b.len, NULL, &batch, &err);
    tsql_batch_free(batch);
    es_buf_done(&b);
    return status == ENTRASQL_OK ? 0 : err.number;
}

static void test_depth(void **state)
{
    (void)state;
    static const struct {
        const char *head, *middle, *tail;
        size_t good; /* this many are fine */
        size_t bad;  /* this many give 191 */
    } rows[] = {
        {"SELECT ", "(", "1", 0, 100000},
        {"SELECT ", "- ", "1", 200, 100000},
        {"SELECT ", "~", "1", 200, 100000},
        {"SELECT 1", "+1", "", 1900, 100000},
        {"SELECT 1", "*1", "", 1900, 100000},
        {"SELECT a", " COLLATE x", "", 1900, 100000},
        {"SELECT 1", " UNION ALL SELECT 1", "", 1900, 100000},
        {"SELECT * FROM a", ", a", "", 1900, 100000},
        {"SELECT * FROM a", " CROSS JOIN a", "", 1900, 100000},
        {"SELECT * FROM a", " JOIN a", "", 0, 100000},
        {"SELECT 1 WHERE 1 = 1", " AND 1 = 1", "", 100000, 0},
        {"SELECT 1 WHERE 1 = 1", " OR 1 = 1", "", 100000, 0},
        {"SELECT 1 WHERE ", "NOT ", "1 = 1", 200, 100000},
        {"SELECT 1 WHERE ", "(", "1 = 1", 0, 100000},
        {"SELECT ", "CASE WHEN 1 = 1 THEN ", "1", 0, 100000},
        {"SELECT ", "f(", "1", 0, 100000},
        {"SELECT * FROM ", "(SELECT * FROM ", "t", 0, 100000},
        {"SELECT * FROM ", "(", "t", 0, 100000},
        {"", "BEGIN ", "SELECT 1", 0, 100000},
        {"", "IF 1 = 1 ", "SELECT 1", 200, 100000},
        {"", "WHILE 1 = 1 ", "SELECT 1", 200, 100000},
        {"", "IF 1 = 1 SELECT 1 ELSE ", "SELECT 1", 200, 100000},
        {"", "BEGIN TRY ", "SELECT 1", 0, 100000},
        {"", "SELECT 1 ", "SELECT 1", 100000, 0},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        if (rows[i].good != 0)
            assert_int_equal(
                error_of_repeat(rows[i].head, rows[i].middle, rows[i].good, rows[i].tail), 0);
        if (rows[i].bad != 0)
            assert_int_equal(
                error_of_repeat(rows[i].head, rows[i].middle, rows[i].bad, rows[i].tail), 191);
    }
}

/* Independent expressions have a budget each; nested ones share the path. */
static void test_chain_paths(void **state)
{
    (void)state;
    assert_int_equal(error_of_repeat("SELECT 1", "+1, 1+1+1+1", 5000, ""), 0);
    assert_int_equal(error_of_repeat("SELECT ((((((((((1", "+1", 1000,
                                     ")+1+1+1+1+1)+1+1+1+1)+1+1+1)+1+1)+1)+1)+1)+1)+1)+1"),
                     0);
    /* 100 brackets, each followed by 50 operators: 5000 on one path */
    es_buf b = ES_BUF_INIT(1 << 20);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(es_buf_add_str(&b, ")"), ENTRASQL_OK);
        for (size_t k = 0; k < 50; k++)
            assert_int_equal(es_buf_add_str(&b, "+1"), ENTRASQL_OK);
    }
    const char *tail = es_buf_cstr(&b);
    assert_non_null(tail);
    char head[200] = "SELECT ";
    memset(head + 7, '(', 100);
    head[107] = '1';
    head[108] = '\0';
    assert_int_equal(error_of_repeat(head, "", 0, tail), 191);
    es_buf_done(&b);
}

static void test_quoted_identifier(void **state)
{
    (void)state;
    static const char sql[] = "SELECT \"a\" SET QUOTED_IDENTIFIER OFF SELECT \"a\"";
    ES_CLEANUP(cleanup_batch) tsql_batch *batch = NULL;
    assert_int_equal(tsql_parse(sql, strlen(sql), NULL, &batch, NULL), ENTRASQL_OK);
    const tsql_stmts *stmts = tsql_batch_statements(batch);
    assert_int_equal(stmts->items[0]->u.select->query->items.items[0].expr->kind, TSQL_EXPR_COLUMN);
    assert_int_equal(stmts->items[2]->u.select->query->items.items[0].expr->kind, TSQL_EXPR_STRING);
    ES_CLEANUP(cleanup_batch) tsql_batch *off = NULL;
    const tsql_options options = {.quoted_identifier_off = true};
    assert_int_equal(tsql_parse("SELECT \"a\"", 10, &options, &off, NULL), ENTRASQL_OK);
    const tsql_stmt *select = tsql_batch_statements(off)->items[0];
    assert_int_equal(select->u.select->query->items.items[0].expr->kind, TSQL_EXPR_STRING);
}

static void test_params(void **state)
{
    (void)state;
    static const char text[] = "@P1 nvarchar(10),@P2 numeric(4,2) OUTPUT, @p3 AS int = 5 out";
    ES_CLEANUP(cleanup_batch) tsql_batch *batch = NULL;
    const tsql_params *params;
    assert_int_equal(tsql_parse_params(text, strlen(text), &batch, &params, NULL), ENTRASQL_OK);
    assert_int_equal(params->count, 3);
    assert_string_equal(params->items[0].name, "@P1");
    assert_int_equal(params->items[0].type.id, SQLTYPE_NVARCHAR);
    assert_false(params->items[0].output);
    assert_true(params->items[1].output);
    assert_int_equal(params->items[1].type.args[1], 2);
    assert_true(params->items[2].output);
    assert_non_null(params->items[2].default_value);
    ES_CLEANUP(cleanup_batch) tsql_batch *empty = NULL;
    assert_int_equal(tsql_parse_params(" ", 1, &empty, &params, NULL), ENTRASQL_OK);
    assert_int_equal(params->count, 0);
    static const char *const bad[] = {"@a", "@a int,", "a int", "@a int @b int", "@a int output x"};
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        tsql_batch *none = NULL;
        entrasql_error err;
        assert_int_equal(tsql_parse_params(bad[i], strlen(bad[i]), &none, &params, &err),
                         ENTRASQL_SQL_ERROR);
        assert_null(none);
        assert_int_equal(err.number, 102);
    }
}

static void test_parts(void **state)
{
    (void)state;
    ES_CLEANUP(cleanup_batch) tsql_batch *a = NULL;
    const tsql_object *object;
    assert_int_equal(tsql_parse_object("[my db]..[t]", 12, &a, &object, NULL), ENTRASQL_OK);
    assert_string_equal(object->database.text, "my db");
    assert_string_equal(object->schema.text, "");
    assert_string_equal(object->name.text, "t");
    assert_null(object->server.text);
    ES_CLEANUP(cleanup_batch) tsql_batch *b = NULL;
    tsql_expr *expr;
    assert_int_equal(tsql_parse_expr("(getdate())", 11, &b, &expr, NULL), ENTRASQL_OK);
    assert_int_equal(expr->kind, TSQL_EXPR_FUNCTION);
    assert_true(expr->parens);
    ES_CLEANUP(cleanup_batch) tsql_batch *c = NULL;
    tsql_cond *cond;
    assert_int_equal(tsql_parse_cond("([a]>(0))", 9, &c, &cond, NULL), ENTRASQL_OK);
    assert_int_equal(cond->kind, TSQL_COND_COMPARE);
    tsql_batch *d = NULL;
    assert_int_equal(tsql_parse_cond("a", 1, &d, &cond, NULL), ENTRASQL_SQL_ERROR);
    assert_int_equal(tsql_parse_expr("1 2", 3, &d, &expr, NULL), ENTRASQL_SQL_ERROR);
    assert_int_equal(tsql_parse_object("a.b.c.d.e", 9, &d, &object, NULL), ENTRASQL_SQL_ERROR);
    assert_null(d);
}

static void test_types(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t default_length;
        const char *want; /* NULL: an error with this number: */
        uint32_t number;
    } rows[] = {
        {"int", 1, "int", 0},
        {"varchar", 1, "varchar(1)", 0},
        {"varchar", 30, "varchar(30)", 0},
        {"nvarchar(max)", 1, "nvarchar(max)", 0},
        {"nvarchar(4000)", 1, "nvarchar(4000)", 0},
        {"nvarchar(4001)", 1, NULL, 131},
        {"char(8000)", 1, "char(8000)", 0},
        {"char(max)", 1, NULL, 102},
        {"varbinary(0)", 1, NULL, 1001},
        {"decimal", 1, "decimal(18,0)", 0},
        {"numeric(38, 10)", 1, "numeric(38,10)", 0},
        {"decimal(39)", 1, NULL, 1007},
        {"decimal(5,6)", 1, NULL, 192},
        {"datetime2", 1, "datetime2(7)", 0},
        {"datetime2(3)", 1, "datetime2(3)", 0},
        {"time(8)", 1, NULL, 1002},
        {"float(24)", 1, "real", 0},
        {"float(25)", 1, "float", 0},
        {"float(54)", 1, NULL, 2750},
        {"double precision", 1, "float", 0},
        {"national character varying (5)", 1, "nvarchar(5)", 0},
        {"character varying(7)", 1, "varchar(7)", 0},
        {"sysname", 1, "nvarchar(128)", 0},
        {"[sys].[int]", 1, "int", 0},
        {"dbo.int", 1, NULL, 2715},
        {"int(4)", 1, NULL, 2716},
        {"nosuch", 1, NULL, 2715},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        char text[80];
        (void)snprintf(text, sizeof text, "@x %s", rows[i].text);
        ES_CLEANUP(cleanup_batch) tsql_batch *batch = NULL;
        const tsql_params *params;
        assert_int_equal(tsql_parse_params(text, strlen(text), &batch, &params, NULL), ENTRASQL_OK);
        sqltype type;
        entrasql_error err = {0};
        entrasql_status status =
            tsql_type_resolve(&params->items[0].type, rows[i].default_length, 1, &type, &err);
        assert_int_equal(err.number, rows[i].number);
        if (status == ENTRASQL_OK) {
            char got[64];
            sqltype_format(type, got, sizeof got);
            assert_string_equal(got, rows[i].want);
        }
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    size_t length;
    char *data = read_data("parse/orm.sql", &length);
    size_t n = (size_t)(strstr(data, "\nGO\n") - data);
    for (unsigned long nth = 1;; nth++) {
        tsql_batch *batch = NULL;
        entrasql_error err;
        (void)es_mem_fail_from(nth);
        entrasql_status status = tsql_parse(data, n, NULL, &batch, &err);
        (void)es_mem_fail_from(0);
        if (status == ENTRASQL_OK) {
            tsql_batch_free(batch);
            assert_true(nth > 1);
            break;
        }
        assert_int_equal(status, ENTRASQL_NOMEM);
        assert_null(batch);
    }
    es_free(data);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    data_dir = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_syntax_errors),
        cmocka_unit_test(test_corpus),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_chain_paths),
        cmocka_unit_test(test_quoted_identifier),
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
