/* SPDX-License-Identifier: MIT */
/* proxy: targets as written on the command line. */
#include "proxy/target.h"

#include "base/compiler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static const struct {
    const char *text;
    const char *host;
    uint16_t port;
    const char *database;
    int family;
    bool has_listen_port;
    uint16_t listen_port;
    bool strict;
    const char *name;
} good[] = {
    {"a.example", "a.example", 1433, NULL, AF_INET, false, 0, false, NULL},
    {"tcp:a.example,5000/db", "a.example", 5000, "db", AF_INET, false, 0, false, NULL},
    {"a.example/", "a.example", 1433, NULL, AF_INET, false, 0, false, NULL},
    {"a.example?listen=0", "a.example", 1433, NULL, AF_INET, true, 0, false, NULL},
    {"a.example/my%20db%3f?LISTEN=[::1]:14330&encrypt=strict", "a.example", 1433, "my db?",
     AF_INET6, true, 14330, true, NULL},
    {"a.example/db?listen=127.0.0.1:1&host-name-in-certificate=b%2ec", "a.example", 1433, "db",
     AF_INET, true, 1, false, "b.c"},
    {"a.example?listen=localhost:65535&encrypt=Mandatory", "a.example", 1433, NULL, AF_INET, true,
     65535, false, NULL},
};

static void targets_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(good); i++) {
        proxy_target t;
        entrasql_error err;
        if (proxy_target_parse(good[i].text, &t, &err) != ENTRASQL_OK)
            fail_msg("%s: %s", good[i].text, err.message);
        assert_string_equal(t.text, good[i].text);
        assert_string_equal(t.host, good[i].host);
        assert_int_equal(t.port, good[i].port);
        assert_int_equal(t.listen_family, good[i].family);
        assert_int_equal(t.has_listen_port, good[i].has_listen_port);
        assert_int_equal(t.listen_port, good[i].listen_port);
        assert_int_equal(t.strict, good[i].strict);
        assert_true((t.database == NULL) == (good[i].database == NULL));
        if (t.database != NULL)
            assert_string_equal(t.database, good[i].database);
        assert_true((t.host_name_in_certificate == NULL) == (good[i].name == NULL));
        if (good[i].name != NULL)
            assert_string_equal(t.host_name_in_certificate, good[i].name);
        proxy_target_done(&t);
    }
}

static const struct {
    const char *text;
    const char *part; /* of the message */
} bad[] = {
    {"", "target ''"},
    {"/db", "target '/db'"},
    {"a,99999", "99999"},
    {"a?listen", "no '='"},
    {"a?listen=", "'' is no port"},
    {"a?listen=65536", "65536"},
    {"a?listen=12x", "12x"},
    {"a?listen=0.0.0.0:1433", "not on loopback"},
    {"a?listen=[::]:1433", "not on loopback"},
    {"a?encrypt=no", "'no' is not known"},
    {"a?colour=red", "'colour' is no key"},
    {"a/d%2", "hexadecimal"},
    {"a/d%zz", "hexadecimal"},
    {"a/d%00", "hexadecimal"},
    {"a?listen=%", "hexadecimal"},
};

static void bad_targets_say_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        proxy_target t;
        entrasql_error err;
        assert_int_equal(proxy_target_parse(bad[i].text, &t, &err), ENTRASQL_CONFIG);
        if (strstr(err.message, bad[i].part) == NULL)
            fail_msg("%s: %s", bad[i].text, err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_read),
        cmocka_unit_test(bad_targets_say_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
