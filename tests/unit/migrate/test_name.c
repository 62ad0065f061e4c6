/* SPDX-License-Identifier: MIT */
/* migrate: names in T-SQL, against our own lexer and a corpus of names that try to break out. */
#include "base/mem.h"
#include "base/str.h"
#include "migrate/name.h"
#include "migrate/user.h"
#include "tsql/lexer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned hex(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(es_ascii_lower(c) - 'a' + 10);
}

static void unescape(char *s)
{
    char *out = s;
    for (; *s != '\0' && *s != '\n'; s++) {
        if (*s != '\\') {
            *out++ = *s;
            continue;
        }
        s++;
        if (*s == 'x') {
            *out++ = (char)(hex(s[1]) * 16 + hex(s[2]));
            s += 2;
        } else {
            *out++ = *s == 'n' ? '\n' : *s == 't' ? '\t' : *s == 'r' ? '\r' : *s;
        }
    }
    *out = '\0';
}

/* The statement must be these tokens and no more, with the name as one of them. */
static void check_statement(const char *name)
{
    const migrate_user u = {.name = name,
                            .type = 'E',
                            .has_sid = true,
                            .sid = {1},
                            .profile = migrate_profile_find("tutorial"),
                            .schema = "dbo"};
    ES_CLEANUP(es_buf_done) es_buf sql = ES_BUF_INIT(65536);
    entrasql_error err;
    assert_int_equal(migrate_user_script(&u, &sql, &err), ENTRASQL_OK);
    tsql_lexer lx;
    tsql_lexer_init(&lx, (const char *)sql.data, sql.len, false, &err);
    unsigned semicolons = 0;
    unsigned names = 0;
    for (;;) {
        tsql_token t;
        tsql_lexer_next(&lx, &t);
        assert_int_not_equal(t.kind, TSQL_TOKEN_ERROR);
        if (t.kind == TSQL_TOKEN_END)
            break;
        semicolons += t.kind == TSQL_TOKEN_SEMICOLON;
        names += t.kind == TSQL_TOKEN_QUOTED;
    }
    /* SET, BEGIN, THROW, CREATE USER, three ALTER ROLE, COMMIT. */
    assert_int_equal(semicolons, 8);
    assert_int_equal(names, 1 + 3 * 2);
}

static void the_corpus_cannot_break_out(void **state)
{
    (void)state;
    char line[512];
    unsigned ok = 0;
    unsigned refused = 0;
    FILE *f = fopen(NAMES_FILE, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        if (line[0] == '#')
            continue;
        entrasql_error err;
        char *name = line + 3;
        unescape(name);
        entrasql_status status = migrate_name_check_external(name, &err);
        if (strncmp(line, "ok", 2) == 0) {
            if (status != ENTRASQL_OK)
                fail_msg("'%s' was refused: %s", name, err.message);
            check_statement(name);
            ok++;
        } else {
            if (status != ENTRASQL_INVALID)
                fail_msg("'%s' was not refused", name);
            assert_true(strlen(err.message) > 10);
            refused++;
        }
    }
    fclose(f);
    assert_true(ok > 25 && refused > 15);
}

static void lengths(void **state)
{
    (void)state;
    char name[600];
    entrasql_error err;
    memset(name, 'x', 129);
    name[128] = '\0';
    assert_int_equal(migrate_name_check("the name", name, &err), ENTRASQL_OK);
    name[128] = 'x';
    name[129] = '\0';
    assert_int_equal(migrate_name_check("the name", name, &err), ENTRASQL_INVALID);
    assert_non_null(strstr(err.message, "129 characters"));
    /* A character outside of the basic plane counts twice. */
    name[0] = '\0';
    for (int i = 0; i < 64; i++)
        memcpy(name + 4 * i, "\xF0\x9F\x94\x91", 5);
    assert_int_equal(migrate_name_check("the name", name, &err), ENTRASQL_OK);
    memcpy(name + 256, "x", 2);
    assert_int_equal(migrate_name_check("the name", name, &err), ENTRASQL_INVALID);
    assert_int_equal(migrate_name_check("the name", NULL, &err), ENTRASQL_INVALID);
}

static void quoting(void **state)
{
    (void)state;
    ES_CLEANUP(es_buf_done) es_buf sql = ES_BUF_INIT(1024);
    static const uint8_t bytes[] = {0x3A, 0xA5, 0x0B};
    assert_int_equal(migrate_add_identifier(&sql, "a]b'c"), ENTRASQL_OK);
    assert_int_equal(migrate_add_text(&sql, "a]b'c"), ENTRASQL_OK);
    assert_int_equal(migrate_add_binary(&sql, bytes, sizeof bytes), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&sql), "[a]]b'c]N'a]b''c'0x3AA50B");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_corpus_cannot_break_out),
        cmocka_unit_test(lengths),
        cmocka_unit_test(quoting),
    };
    return cmocka_run_group_tests_name("migrate name", tests, NULL, NULL);
}
