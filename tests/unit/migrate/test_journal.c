/* SPDX-License-Identifier: MIT */
/* migrate: the journal and the file of old settings, cut at each byte and without memory. */
#include "base/mem.h"
#include "base/str.h"
#include "migrate/journal.h"
#include "migrate/keep_old.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/entrasql-journal-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (folder[strlen(folder) - 1] == 'X' && mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/j", folder);
    unlink(path);
    return 0;
}

static int remove_folder(void **state)
{
    char lock[80];
    (void)state;
    snprintf(lock, sizeof lock, "%s.lock", path);
    unlink(path);
    unlink(lock);
    return rmdir(folder);
}

static es_buf text_buf(const char *s)
{
    es_buf b = ES_BUF_INIT(4096);
    assert_int_equal(es_buf_add_str(&b, s), ENTRASQL_OK);
    return b;
}

static migrate_journal *create(void)
{
    es_buf options = text_buf("{\"app\":\"a\"}");
    es_buf steps = text_buf("[{\"name\":\"admin\",\"state\":\"done\",\"is\":\"x\"}]");
    const migrate_journal_head head = {"tenant", "subscription", "hash", &options, &steps};
    migrate_journal *j = NULL;
    entrasql_error err;
    if (migrate_journal_create(path, &head, &j, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    es_buf_done(&options);
    es_buf_done(&steps);
    return j;
}

static void add(migrate_journal *j, const char *step, migrate_event event, const char *detail)
{
    es_buf b = text_buf(detail);
    entrasql_error err;
    if (migrate_journal_add(j, step, event, detail[0] != '\0' ? &b : NULL, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    es_buf_done(&b);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    entrasql_error err;
    migrate_journal *j = create();
    migrate_journal *k = NULL;
    struct stat st;
    bool had = false;

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    add(j, "identity", MIGRATE_EVENT_BEGIN, "{\"had\":false}");
    add(j, "identity", MIGRATE_EVENT_FAILED, "{\"error\":\"x\"}");
    add(j, "identity", MIGRATE_EVENT_BEGIN, "{\"had\":true}");
    add(j, "identity", MIGRATE_EVENT_DONE, "");
    /* Somebody who writes keeps others out; looking is free. */
    assert_int_equal(migrate_journal_open(path, true, &k, &err), ENTRASQL_BUSY);
    assert_int_equal(migrate_journal_open(path, false, &k, &err), ENTRASQL_OK);
    assert_string_equal(migrate_journal_head_text(k, "plan"), "hash");
    assert_true(migrate_journal_has(k, "identity", MIGRATE_EVENT_DONE));
    assert_false(migrate_journal_has(k, "assign", MIGRATE_EVENT_BEGIN));
    const json_node *first = migrate_journal_first(k, "identity", MIGRATE_EVENT_BEGIN);
    assert_int_equal(json_member_bool(first, "had", &had), ENTRASQL_OK);
    assert_false(had);
    assert_true(migrate_journal_is_last(k, "identity"));
    migrate_journal_close(k);
    /* What was undone is as if it never was. */
    add(j, "identity", MIGRATE_EVENT_UNDONE, "");
    assert_false(migrate_journal_has(j, "identity", MIGRATE_EVENT_BEGIN));
    assert_false(migrate_journal_has(j, "identity", MIGRATE_EVENT_DONE));
    assert_false(migrate_journal_is_last(j, "identity"));
    add(j, "identity", MIGRATE_EVENT_BEGIN, "{\"had\":true}");
    assert_true(migrate_journal_has(j, "identity", MIGRATE_EVENT_BEGIN));
    migrate_journal_close(j);
    assert_int_equal(migrate_journal_open(path, true, &k, &err), ENTRASQL_OK);
    migrate_journal_close(k);
}

/* Between UNDOING and UNDONE a step is begun and not done; DONE again ends that. */
static void what_is_half_undone(void **state)
{
    (void)state;
    bool had = true;
    migrate_journal *j = create();
    add(j, "admin", MIGRATE_EVENT_BEGIN, "{}");
    add(j, "admin", MIGRATE_EVENT_DONE, "");
    add(j, "settings", MIGRATE_EVENT_BEGIN, "{\"had\":false}");
    add(j, "settings", MIGRATE_EVENT_DONE, "");
    assert_false(migrate_journal_has(j, "settings", MIGRATE_EVENT_UNDOING));
    add(j, "settings", MIGRATE_EVENT_UNDOING, "");
    add(j, "settings", MIGRATE_EVENT_FAILED, "{\"error\":\"x\"}");
    assert_true(migrate_journal_has(j, "settings", MIGRATE_EVENT_UNDOING));
    assert_false(migrate_journal_has(j, "settings", MIGRATE_EVENT_DONE));
    assert_false(migrate_journal_is_last(j, "settings"));
    assert_true(migrate_journal_has(j, "admin", MIGRATE_EVENT_DONE));
    const json_node *first = migrate_journal_first(j, "settings", MIGRATE_EVENT_BEGIN);
    assert_int_equal(json_member_bool(first, "had", &had), ENTRASQL_OK);
    assert_false(had);
    migrate_journal_close(j);
    entrasql_error err;
    assert_int_equal(migrate_journal_open(path, true, &j, &err), ENTRASQL_OK);
    assert_true(migrate_journal_has(j, "settings", MIGRATE_EVENT_UNDOING));
    add(j, "settings", MIGRATE_EVENT_DONE, "");
    assert_false(migrate_journal_has(j, "settings", MIGRATE_EVENT_UNDOING));
    assert_true(migrate_journal_has(j, "settings", MIGRATE_EVENT_DONE));
    add(j, "settings", MIGRATE_EVENT_UNDOING, "");
    add(j, "settings", MIGRATE_EVENT_UNDONE, "");
    assert_false(migrate_journal_has(j, "settings", MIGRATE_EVENT_UNDOING));
    assert_false(migrate_journal_has(j, "settings", MIGRATE_EVENT_BEGIN));
    migrate_journal_close(j);
}

static void a_second_one_is_refused(void **state)
{
    (void)state;
    entrasql_error err;
    migrate_journal *j = create();
    migrate_journal *k = NULL;
    es_buf empty = text_buf("{}");
    const migrate_journal_head head = {"t", "s", "p", &empty, &empty};
    migrate_journal_close(j);
    assert_int_equal(migrate_journal_create(path, &head, &k, &err), ENTRASQL_EXISTS);
    es_buf_done(&empty);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(migrate_journal_open(path, false, &k, &err), ENTRASQL_INVALID);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(migrate_journal_open(path, true, &k, &err), ENTRASQL_NOT_FOUND);
}

static const char sample[] = "{\"entrasqlMigration\":1,\"tenant\":\"t\",\"subscription\":\"s\","
                             "\"plan\":\"p\",\"options\":{},"
                             "\"steps\":[]}\n"
                             "{\"step\":\"a\",\"event\":\"begin\",\"detail\":{\"had\":true}}\n"
                             "{\"step\":\"a\",\"event\":\"done\"}\n";

/* A crash cuts the last line off; whole lines before it count. */
static void cut_at_each_byte(void **state)
{
    (void)state;
    size_t first = (size_t)(strchr(sample, '\n') - sample) + 1;
    for (size_t n = 0; n < sizeof sample; n++) {
        entrasql_error err;
        migrate_journal *j = NULL;
        entrasql_status status = migrate_journal_parse(sample, n, &j, &err);
        if (n < first) {
            assert_int_equal(status, ENTRASQL_CONFIG);
            continue;
        }
        assert_int_equal(status, ENTRASQL_OK);
        size_t whole = migrate_journal_whole_bytes(j);
        assert_true(whole <= n && (whole == 0 || sample[whole - 1] == '\n'));
        assert_int_equal(migrate_journal_has(j, "a", MIGRATE_EVENT_DONE), n == sizeof sample - 1);
        migrate_journal_close(j);
    }
}

static void what_is_none_of_ours(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\n",
        "{}\n",
        "[]\n",
        "x\n",
        "{\"entrasqlMigration\":2,\"tenant\":\"t\",\"subscription\":\"s\",\"plan\":\"p\"}\n",
        "{\"entrasqlMigration\":1,\"tenant\":\"t\",\"subscription\":\"s\"}\n",
        "{\"entrasqlMigration\":1,\"tenant\":\"t\",\"subscription\":\"s\",\"plan\":\"p\"}\n{}\n",
        ("{\"entrasqlMigration\":1,\"tenant\":\"t\",\"subscription\":\"s\",\"plan\":\"p\"}\n"
         "{\"step\":\"a\",\"event\":\"eaten\"}\n"),
    };
    for (size_t i = 0; i < ES_COUNT_OF(texts); i++) {
        entrasql_error err;
        migrate_journal *j = NULL;
        assert_int_equal(migrate_journal_parse(texts[i], strlen(texts[i]), &j, &err),
                         ENTRASQL_CONFIG);
        assert_non_null(strstr(err.message, "line "));
    }
}

/* A line that a crash has cut is taken away before the next one is written. */
static void a_cut_line_is_written_over(void **state)
{
    (void)state;
    entrasql_error err;
    migrate_journal *j = create();
    add(j, "a", MIGRATE_EVENT_BEGIN, "{}");
    migrate_journal_close(j);
    FILE *f = fopen(path, "a");
    fputs("{\"step\":\"a\",\"ev", f);
    fclose(f);
    assert_int_equal(migrate_journal_open(path, true, &j, &err), ENTRASQL_OK);
    add(j, "a", MIGRATE_EVENT_DONE, "");
    migrate_journal_close(j);
    assert_int_equal(migrate_journal_open(path, false, &j, &err), ENTRASQL_OK);
    assert_true(migrate_journal_has(j, "a", MIGRATE_EVENT_DONE));
    migrate_journal_close(j);
}

static void no_memory_at_any_point(void **state)
{
    (void)state;
    for (unsigned long at = 1;; at++) {
        entrasql_error err;
        migrate_journal *j = NULL;
        es_mem_fail_from(at);
        entrasql_status status = migrate_journal_parse(sample, sizeof sample - 1, &j, &err);
        if (status == ENTRASQL_OK)
            status = migrate_journal_add(j, "b", MIGRATE_EVENT_DONE, NULL, &err);
        es_mem_fail_from(0);
        migrate_journal_close(j);
        if (status == ENTRASQL_OK)
            break;
        assert_int_equal(status, ENTRASQL_NOMEM);
        assert_true(at < 1000);
    }
}

static void old_values(void **state)
{
    (void)state;
    entrasql_error err;
    migrate_olds o = {.plan = es_strdup("p")};
    migrate_olds back;
    struct stat st;
    assert_int_equal(migrate_olds_add(&o, "setting", "S", "a \"secret\"\n", NULL, &err),
                     ENTRASQL_OK);
    assert_int_equal(migrate_olds_write(path, &o, &err), ENTRASQL_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    /* A second run of the same plan; one that would lose what was changed since. */
    assert_int_equal(migrate_olds_write(path, &o, &err), ENTRASQL_OK);
    o.list[0].value[0] = 'X';
    assert_int_equal(migrate_olds_write(path, &o, &err), ENTRASQL_EXISTS);
    assert_int_equal(migrate_olds_read(path, &back, &err), ENTRASQL_OK);
    assert_string_equal(migrate_olds_find(&back, "setting", "S")->value, "a \"secret\"\n");
    assert_null(migrate_olds_find(&back, "connectionString", "S"));
    migrate_olds_done(&back);
    o.plan[0] = 'q';
    assert_int_equal(migrate_olds_write(path, &o, &err), ENTRASQL_EXISTS);
    migrate_olds_done(&o);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(migrate_olds_read(path, &back, &err), ENTRASQL_INVALID);
    unlink(path);
    assert_int_equal(migrate_olds_read(path, &back, &err), ENTRASQL_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_written_is_read, make_folder),
        cmocka_unit_test_setup(what_is_half_undone, make_folder),
        cmocka_unit_test_setup(a_second_one_is_refused, make_folder),
        cmocka_unit_test(cut_at_each_byte),
        cmocka_unit_test(what_is_none_of_ours),
        cmocka_unit_test_setup(a_cut_line_is_written_over, make_folder),
        cmocka_unit_test(no_memory_at_any_point),
        cmocka_unit_test_setup(old_values, make_folder),
    };
    return cmocka_run_group_tests_name("migrate journal", tests, make_folder, remove_folder);
}
