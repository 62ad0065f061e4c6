/* SPDX-License-Identifier: MIT */
/* Files whose headers name more than they have are not given to the loader. */
#include "odbc_glue/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_SIZE 512U
#define SEGMENTS_AT 64U
#define SECTIONS_AT 192U

typedef struct image {
    uint8_t bytes[FILE_SIZE];
    bool wide;
} image;

static void put(image *m, size_t at, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        m->bytes[at + i] = (uint8_t)(value >> 8 * i);
}

static size_t word(const image *m)
{
    return m->wide ? 8 : 4;
}

static void put_segment(image *m, uint64_t offset, uint64_t n)
{
    size_t at = SEGMENTS_AT + (m->wide ? 8 : 4);
    put(m, at, offset, word(m));
    put(m, at + 3 * word(m), n, word(m));
}

static void put_section(image *m, uint32_t type, uint64_t offset, uint64_t n)
{
    put(m, SECTIONS_AT + 4, type, 4);
    put(m, SECTIONS_AT + 8 + 2 * word(m), offset, word(m));
    put(m, SECTIONS_AT + 8 + 3 * word(m), n, word(m));
}

/* One segment and one section, each over the whole file. */
static image whole(bool wide)
{
    image m = {.wide = wide};
    memcpy(m.bytes, "\177ELF", 4);
    m.bytes[4] = wide ? 2 : 1;
    m.bytes[5] = 1;
    size_t at = 24 + word(&m);
    put(&m, at, SEGMENTS_AT, word(&m));
    put(&m, at + word(&m), SECTIONS_AT, word(&m));
    at += 2 * word(&m) + 6;
    put(&m, at, wide ? 56 : 32, 2);
    put(&m, at + 2, 1, 2);
    put(&m, at + 4, wide ? 64 : 40, 2);
    put(&m, at + 6, 1, 2);
    put_segment(&m, 0, FILE_SIZE);
    put_section(&m, 1, 0, FILE_SIZE);
    return m;
}

static bool is_damaged(const image *m, size_t n)
{
    char path[] = "/tmp/entrasql-load-XXXXXX";
    const char *why = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, m->bytes, n), n);
    close(fd);
    assert_null(glue_load(path, &why));
    assert_non_null(why);
    unlink(path);
    return strstr(why, "headers name") != NULL;
}

static void what_headers_name_is_there(void **state)
{
    (void)state;
    for (unsigned pass = 0; pass < 2; pass++) {
        bool wide = pass == 1;
        uint64_t most = wide ? UINT64_MAX : UINT32_MAX;
        image m = whole(wide);
        assert_false(is_damaged(&m, FILE_SIZE));
        for (size_t n = 16; n < FILE_SIZE; n++)
            assert_true(is_damaged(&m, n));
        put_section(&m, 8, most, most); /* it has no bytes in the file */
        put_segment(&m, most, 0);
        assert_false(is_damaged(&m, FILE_SIZE));
        put_section(&m, 1, most, 1);
        assert_true(is_damaged(&m, FILE_SIZE));
        m = whole(wide);
        put_segment(&m, 1, most);
        assert_true(is_damaged(&m, FILE_SIZE));
        put_segment(&m, 1, FILE_SIZE);
        assert_true(is_damaged(&m, FILE_SIZE));
    }
}

static void tables_are_there(void **state)
{
    (void)state;
    for (unsigned pass = 0; pass < 2; pass++) {
        bool wide = pass == 1;
        size_t at = wide ? 32 : 28;
        for (size_t table = 0; table < 2; table++) {
            image m = whole(wide);
            put(&m, at + table * word(&m), wide ? UINT64_MAX : UINT32_MAX, word(&m));
            assert_true(is_damaged(&m, FILE_SIZE));
            m = whole(wide);
            put(&m, (wide ? 54U : 42U) + 4 * table + 2, UINT16_MAX, 2); /* their count */
            assert_true(is_damaged(&m, FILE_SIZE));
            m = whole(wide);
            put(&m, (wide ? 54U : 42U) + 4 * table, 3, 2); /* an entry's size */
            assert_true(is_damaged(&m, FILE_SIZE));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_headers_name_is_there),
        cmocka_unit_test(tables_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
