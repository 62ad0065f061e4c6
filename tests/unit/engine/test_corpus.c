/* SPDX-License-Identifier: MIT */
/*
 * engine: the cases of tests/data/tsql/engine/<file>.txt. Each case runs on a new
 * server after the file's setup.
 *
 *   == setup                 SQL as admin before each case (at most once, first)
 *   == title                 a case; SQL follows
 *   :as NAME                 go on as that session (engine_test.h); "admin" before
 *   :go                      ends a batch
 *   =>                       the wanted transcript of all batches follows
 *
 * Lines of '#' between cases are comments. ENGINE_CASE=text runs only the
 * cases whose title has that text and shows what they gave.
 */
#include "engine_test.h"

#include <stdio.h>

typedef struct test_case {
    char *title;
    char *sql;
    char *want;
    unsigned line;
} test_case;

static char *setup_sql;
static test_case cases[1024];
static struct CMUnitTest tests[1024];
static size_t case_count;

static char *read_whole(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    es_buf b = ES_BUF_INIT(1 << 24);
    char chunk[4096];
    size_t n;
    bool ok = true;
    while ((n = fread(chunk, 1, sizeof chunk, f)) != 0)
        ok = ok && es_buf_add(&b, chunk, n) == ENTRASQL_OK;
    (void)fclose(f);
    return ok ? es_buf_take(&b, &n) : NULL;
}

static char *append(char *text, const char *line, size_t n)
{
    size_t old = text != NULL ? strlen(text) : 0;
    char *grown = realloc(text, old + n + 2);
    if (grown == NULL)
        abort();
    memcpy(grown + old, line, n);
    grown[old + n] = '\n';
    grown[old + n + 1] = '\0';
    return grown;
}

/* False, with a message, for a file that is not in the format. */
static bool load(const char *path)
{
    char *text = read_whole(path);
    if (text == NULL) {
        (void)fprintf(stderr, "cannot read %s\n", path);
        return false;
    }
    enum { OUTSIDE, SETUP, SQL, WANT } state = OUTSIDE;
    test_case *c = NULL;
    unsigned number = 0;
    for (char *line = text, *end; *line != '\0'; line = end) {
        size_t n = strcspn(line, "\n");
        end = line + n + (line[n] == '\n' ? 1 : 0);
        number++;
        if (strncmp(line, "== ", 3) == 0) {
            if (n == 8 && strncmp(line, "== setup", 8) == 0) {
                state = SETUP;
                continue;
            }
            if (case_count == ES_COUNT_OF(cases))
                abort();
            c = &cases[case_count++];
            c->line = number;
            c->title = append(NULL, line + 3, n - 3);
            c->title[n - 3] = '\0';
            state = SQL;
        } else if (n == 2 && strncmp(line, "=>", 2) == 0 && state == SQL)
            state = WANT;
        else if (state == SETUP && !(n > 0 && line[0] == '#'))
            setup_sql = append(setup_sql, line, n);
        else if (state == SQL && !(n == 0 && c->sql == NULL))
            c->sql = append(c->sql, line, n);
        else if (state == WANT && n > 0 && line[0] != '#')
            c->want = append(c->want, line, n);
        else if (n > 0 && line[0] != '#' && state == OUTSIDE) {
            (void)fprintf(stderr, "%s:%u: text outside a case\n", path, number);
            return false;
        }
    }
    free(text);
    for (size_t i = 0; i < case_count; i++) {
        if (cases[i].sql == NULL || cases[i].want == NULL) {
            (void)fprintf(stderr, "%s:%u: the case lacks SQL or a result\n", path, cases[i].line);
            return false;
        }
    }
    return case_count > 0;
}

/* Runs the batches of `sql`; appends what they give to *all. Returns what was broken, or NULL. */
static const char *play(fixture *f, const char *sql, es_buf *all)
{
    const char *broken = NULL;
    char who[64] = "admin";
    es_buf batch = ES_BUF_INIT(1 << 20);
    for (const char *line = sql;;) {
        size_t n = strcspn(line, "\n");
        bool as = strncmp(line, ":as ", 4) == 0;
        bool ends = *line == '\0' || as || strncmp(line, ":go", 3) == 0;
        if (ends && batch.len > 0) {
            recording *r = fixture_run(f, who, es_buf_cstr(&batch));
            assert_int_equal(es_buf_add_str(all, recording_text(r)), ENTRASQL_OK);
            if (broken == NULL)
                broken = r->broken;
            es_buf_clear(&batch);
        }
        if (*line == '\0')
            break;
        if (as)
            (void)snprintf(who, sizeof who, "%.*s", (int)(n - 4), line + 4);
        else if (!ends) {
            assert_int_equal(es_buf_add(&batch, line, n), ENTRASQL_OK);
            assert_int_equal(es_buf_add_str(&batch, "\n"), ENTRASQL_OK);
        }
        line += n + (line[n] == '\n' ? 1 : 0);
    }
    es_buf_done(&batch);
    return broken;
}

static void run_case(void **state)
{
    const test_case *c = *state;
    fixture *f = fixture_new();
    es_buf got = ES_BUF_INIT(1 << 24);
    if (setup_sql != NULL) {
        const char *broken = play(f, setup_sql, &got);
        if (broken != NULL || strstr(es_buf_cstr(&got), "error ") != NULL)
            (void)fprintf(stderr, "the setup failed: %s %s\n", broken != NULL ? broken : "",
                          es_buf_cstr(&got));
        es_buf_clear(&got);
    }
    const char *broken = play(f, c->sql, &got);
    const char *text = es_buf_cstr(&got);
    bool good = broken == NULL && transcript_matches(c->want, text);
    if (!good || getenv("ENGINE_CASE") != NULL)
        (void)fprintf(stderr, "line %u: %s\n%s-- wanted:\n%s-- got:\n%s%s%s\n", c->line, c->title,
                      c->sql, c->want, text, broken != NULL ? "-- and: " : "",
                      broken != NULL ? broken : "");
    es_buf_done(&got);
    fixture_free(f);
    assert_true(good);
}

int main(int argc, char **argv)
{
    const char *only = getenv("ENGINE_CASE");
    size_t count = 0;
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s FILE\n", argv[0]);
        return 2;
    }
    if (!load(argv[1]))
        return 2;
    for (size_t i = 0; i < case_count; i++) {
        if (only == NULL || strstr(cases[i].title, only) != NULL)
            tests[count++] = (struct CMUnitTest){cases[i].title, run_case, NULL, NULL, &cases[i]};
    }
    int failed = _cmocka_run_group_tests(argv[1], tests, count, NULL, NULL);
    for (size_t i = 0; i < case_count; i++) {
        free(cases[i].title);
        free(cases[i].sql);
        free(cases[i].want);
    }
    free(setup_sql);
    return failed;
}
