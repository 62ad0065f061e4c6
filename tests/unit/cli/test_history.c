/* SPDX-License-Identifier: MIT */
/* cli: the history file, what is kept in it and what never. */
#include "base/str.h"
#include "cli/history.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct place {
    char folder[64];
    char file[128];
} place;

static int make_place(void **state)
{
    place *p = calloc(1, sizeof *p);
    if (p == NULL)
        return -1;
    snprintf(p->folder, sizeof p->folder, "/tmp/entrasql-history-XXXXXX");
    if (mkdtemp(p->folder) == NULL)
        return -1;
    snprintf(p->file, sizeof p->file, "%s/a/b/history", p->folder);
    *state = p;
    return 0;
}

static int drop_place(void **state)
{
    place *p = *state;
    char path[128];
    unlink(p->file);
    snprintf(path, sizeof path, "%s/a/b", p->folder);
    rmdir(path);
    snprintf(path, sizeof path, "%s/a", p->folder);
    rmdir(path);
    rmdir(p->folder);
    free(p);
    return 0;
}

/* The entries, each in <>. */
static entrasql_status gather(void *ctx, const char *entry)
{
    return es_buf_printf(ctx, "<%s>", entry);
}

static void expect_entries(const place *p, const char *wanted)
{
    es_buf got = ES_BUF_INIT(4 * CLI_HISTORY_MAX_BYTES);
    assert_int_equal(cli_history_read(p->file, gather, &got, NULL), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&got), wanted);
    es_buf_done(&got);
}

static void add(const place *p, const char *entry)
{
    assert_int_equal(cli_history_add(p->file, entry, NULL), ENTRASQL_OK);
}

static void write_file(const place *p, const char *text, mode_t mode)
{
    assert_int_equal(os_file_write(p->file, text, strlen(text), mode, NULL), ENTRASQL_OK);
}

static void what_is_kept(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool kept;
    } cases[] = {
        {"SELECT 1;", true},
        {"SELECT * FROM Persons WHERE ID = 1", true},
        {"SELECT keyJoin FROM t", true},
        {"", false},
        {" SELECT 1;", false},
        {"\nSELECT 1;", false},
        {"ALTER LOGIN x WITH PASSWORD = 'y'", false},
        {"alter login x with pAsSwOrD='y'", false},
        {"CREATE DATABASE SCOPED CREDENTIAL c WITH IDENTITY = 'x', SECRET = 'y'", false},
        {"SELECT 'https://x.blob.core.windows.net/c?sv=1&sig=abc'", false},
        {"SELECT 'AccountKey=abc'", false},
        {"EXEC p 'eyJ0eXAiOiJKV1Qi.x.y'", false},
        {"EXEC p @access_token = 'x'", false},
        {"OPEN SYMMETRIC KEY k DECRYPTION BY PASSWORD = 'x'", false},
        {"SELECT 'UID=a;PWD=b'", false},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        if (cli_history_may_keep(cases[i].text, strlen(cases[i].text)) != cases[i].kept)
            fail_msg("%s", cases[i].text);
    }
    char *long_text = calloc(1, CLI_HISTORY_MAX_ENTRY + 2);
    memset(long_text, 'x', CLI_HISTORY_MAX_ENTRY + 1);
    assert_true(cli_history_may_keep(long_text, CLI_HISTORY_MAX_ENTRY));
    assert_false(cli_history_may_keep(long_text, CLI_HISTORY_MAX_ENTRY + 1));
    assert_false(cli_history_may_keep("a\0b", 3));
    free(long_text);
}

static void entries_come_back_as_they_were(void **state)
{
    const place *p = *state;
    struct stat st;
    expect_entries(p, "");
    add(p, "SELECT 1\nFROM x;");
    add(p, "\\d a\\nb \\\\ \\");
    add(p, "\\d a\\nb \\\\ \\"); /* the same once more is one */
    add(p, "h\xc3\xa9llo");
    expect_entries(p, "<SELECT 1\nFROM x;><\\d a\\nb \\\\ \\><h\xc3\xa9llo>");
    assert_int_equal(stat(p->file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void the_file_is_bounded(void **state)
{
    const place *p = *state;
    char text[40];
    es_buf many = ES_BUF_INIT(CLI_HISTORY_MAX_BYTES);
    add(p, "first");
    for (int i = 0; i < CLI_HISTORY_MAX_ENTRIES; i++)
        assert_int_equal(es_buf_printf(&many, "entry %d\n", i), ENTRASQL_OK);
    write_file(p, es_buf_cstr(&many), 0600);
    add(p, "last");
    es_buf got = ES_BUF_INIT(CLI_HISTORY_MAX_BYTES);
    assert_int_equal(cli_history_read(p->file, gather, &got, NULL), ENTRASQL_OK);
    assert_true(es_starts_with(es_buf_cstr(&got), "<entry 1><entry 2>"));
    snprintf(text, sizeof text, "<entry %d><last>", CLI_HISTORY_MAX_ENTRIES - 1);
    assert_true(es_ends_with(es_buf_cstr(&got), text));
    es_buf_done(&got);
    es_buf_done(&many);
}

static void the_file_is_bounded_in_bytes(void **state)
{
    const place *p = *state;
    struct stat st;
    char *entry = calloc(1, CLI_HISTORY_MAX_ENTRY + 1);
    memset(entry, 'x', CLI_HISTORY_MAX_ENTRY);
    for (int i = 0; i < 20; i++) {
        entry[0] = (char)('a' + i);
        add(p, entry);
        assert_int_equal(stat(p->file, &st), 0);
        assert_true(st.st_size <= (off_t)CLI_HISTORY_MAX_BYTES);
    }
    assert_true(st.st_size > (off_t)(CLI_HISTORY_MAX_BYTES - 2 * CLI_HISTORY_MAX_ENTRY));
    free(entry);
}

/* Any bytes are entries or none; what others can read is not touched. */
static void foreign_files(void **state)
{
    const place *p = *state;
    add(p, "x");
    write_file(p, "a\\qb\r\n\n\\\nlast", 0600);
    expect_entries(p, "<a\\qb><\\><last>");
    add(p, "more");
    expect_entries(p, "<a\\qb><\\><last><more>");
    write_file(p, "secret\n", 0644);
    assert_int_equal(cli_history_read(p->file, gather, NULL, NULL), ENTRASQL_INVALID);
    assert_int_equal(cli_history_add(p->file, "y", NULL), ENTRASQL_INVALID);
    unlink(p->file);
    assert_int_equal(symlink("/dev/null", p->file), 0);
    assert_int_not_equal(cli_history_read(p->file, gather, NULL, NULL), ENTRASQL_OK);
    assert_int_not_equal(cli_history_add(p->file, "y", NULL), ENTRASQL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept),
        cmocka_unit_test_setup_teardown(entries_come_back_as_they_were, make_place, drop_place),
        cmocka_unit_test_setup_teardown(the_file_is_bounded, make_place, drop_place),
        cmocka_unit_test_setup_teardown(the_file_is_bounded_in_bytes, make_place, drop_place),
        cmocka_unit_test_setup_teardown(foreign_files, make_place, drop_place),
    };
    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
