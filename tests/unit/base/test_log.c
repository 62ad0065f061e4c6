/* SPDX-License-Identifier: MIT */
/* base/log: a log that nobody reads. */
#include "base/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LINES 5000
#define PIPE_BYTES ((size_t)4 * 1024 * 1024)

/* All that is in the pipe, as a string. */
static char *drain(int fd)
{
    static char text[PIPE_BYTES];
    size_t n = 0;
    ssize_t got = 0;
    while (n < sizeof text - 1 && (got = read(fd, text + n, sizeof text - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    return text;
}

static size_t count_of(const char *text, const char *piece)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, piece)) != NULL; at += strlen(piece))
        n++;
    return n;
}

static size_t lost_of(const char *text)
{
    static const char word[] = "nobody took them lines=";
    const char *at = strstr(text, word);
    assert_non_null(at);
    return strtoul(at + strlen(word), NULL, 10);
}

static void lines_that_nobody_takes_are_dropped_and_counted(void **state)
{
    (void)state;
    int fds[2];
    char long_text[6000];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0); /* the reader's end alone */
    es_log_setup(ES_LOG_INFO, ES_LOG_TEXT, fds[1]);
    es_log_never_wait();
    (void)alarm(30); /* the program would stand still */
    for (int i = 0; i < LINES; i++)
        ES_LOG(INFO, "test", "a line", ES_KV_I64("number", i));
    size_t written = count_of(drain(fds[0]), "test: a line");
    assert_true(written > 100);
    assert_true(written < LINES);
    ES_LOG(INFO, "test", "after");
    const char *text = drain(fds[0]);
    assert_int_equal(written + lost_of(text), LINES);
    assert_int_equal(count_of(text, "test: after\n"), 1);
    ES_LOG(INFO, "test", "again");
    assert_null(strstr(drain(fds[0]), "lost"));

    /* Lines of more than a pipe takes at once are torn at worst, never joined with the next. */
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    for (int i = 0; i < 100; i++)
        ES_LOG(INFO, "test", "long", ES_KV_STR("text", long_text));
    (void)drain(fds[0]);
    ES_LOG(INFO, "test", "after");
    text = drain(fds[0]);
    assert_int_equal(count_of(text, "\n"), text[0] == '\n' ? 3 : 2);
    (void)alarm(0);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_nobody_takes_are_dropped_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
