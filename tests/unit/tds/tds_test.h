/* SPDX-License-Identifier: MIT */
/* Shared by the tests of src/tds: cmocka, hex vectors, sample logins. */
#ifndef TDS_TEST_H
#define TDS_TEST_H

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "tds/fedauth.h"
#include "tds/login7.h"
#include "tds/packet.h"
#include "tds/prelogin.h"
#include "tds/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK(expr) assert_int_equal((expr), ENTRASQL_OK)

static inline int hex_digit(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Hex text, blanks ignored, as bytes. */
static inline es_buf from_hex(const char *hex)
{
    es_buf b = ES_BUF_INIT(1 << 20);
    int high = -1;

    for (; *hex != '\0'; hex++) {
        if (*hex == ' ' || *hex == '\n')
            continue;
        if (high < 0) {
            high = hex_digit(*hex);
            continue;
        }
        OK(es_buf_u8(&b, (uint8_t)(high << 4 | hex_digit(*hex))));
        high = -1;
    }
    assert_int_equal(high, -1);
    return b;
}

static inline void assert_bytes(const es_buf *b, const char *hex)
{
    es_buf want = from_hex(hex);

    assert_int_equal(b->len, want.len);
    assert_memory_equal(b->data, want.data, want.len);
    es_buf_done(&want);
}

/* A copy that ends at the end of its block, so that the sanitizer sees a read past it. */
static inline uint8_t *exact_copy(const void *p, size_t n)
{
    uint8_t *copy = malloc(n != 0 ? n : 1);

    assert_non_null(copy);
    if (n != 0)
        memcpy(copy, p, n);
    return copy;
}

/* The LOGIN7 packet of the reference: library 1, token "abc", UTF8. */
#define VECTOR_LOGIN7_PACKET                                                                       \
    "100100c100000100b9000000040000740010000001000000d204000000000000"                             \
    "f002001800000000090400005e00020062000000620000006200030068001600"                             \
    "94000400980003009e0000009e000200000000000000a2000000a2000000a200"                             \
    "0000000000006800310061007000700073002e00640061007400610062006100"                             \
    "730065002e00770069006e0064006f00770073002e006e0065007400a2000000"                             \
    "6c006900620064006200020b00000003060000006100620063000a0100000001"                             \
    "ff"

static inline es_secret *secret(const char *text)
{
    es_secret *s = es_secret_from_str(text);

    assert_non_null(s);
    return s;
}

/* The same login as a structure. */
static inline void vector_login(tds_login7 *l)
{
    OK(tds_login7_init(l));
    l->packet_size = 4096;
    l->client_version = 1;
    l->client_pid = 1234;
    l->option_flags1 = 0xF0;
    l->option_flags2 = 0x02;
    l->option_flags3 = 0x08;
    l->lcid = 0x409;
    OK(tds_login7_set(&l->host_name, "h1"));
    OK(tds_login7_set(&l->app_name, "app"));
    OK(tds_login7_set(&l->server_name, "s.database.windows.net"));
    OK(tds_login7_set(&l->library_name, "lib"));
    OK(tds_login7_set(&l->database, "db"));
    OK(tds_login7_add_feature(l, TDS_FEATURE_FEDAUTH, NULL, 0));
    OK(tds_login7_add_feature(l, TDS_FEATURE_UTF8_SUPPORT, "\x01", 1));
    l->fedauth_library = TDS_FEDAUTH_SECURITYTOKEN;
    l->fedauth_echo = true;
    l->fedauth_token = secret("abc");
}

#endif
