/* SPDX-License-Identifier: MIT */
/* conf: configuration files. */
#include "conf/ini.h"

#include "base/compiler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char whole[] = "\xEF\xBB\xBF# comment\n"
                            "; and another\n"
                            "[proxy]\r\n"
                            "max-clients = 3\r\n"
                            "\n"
                            "  [ target   sales = db ]\n"
                            "\tserver=a # part of the value\n"
                            "empty =\n"
                            "[last]";

static void sections_keys_and_lines(void **state)
{
    conf_ini ini;
    entrasql_error err;
    (void)state;
    assert_int_equal(conf_ini_parse("p.ini", whole, sizeof whole - 1, &ini, &err), ENTRASQL_OK);
    assert_int_equal(ini.section_count, 3);
    assert_int_equal(ini.entry_count, 3);
    assert_string_equal(ini.sections[0].kind, "proxy");
    assert_string_equal(ini.sections[0].name, "");
    assert_string_equal(ini.sections[1].kind, "target");
    assert_string_equal(ini.sections[1].name, "sales = db");
    assert_int_equal(ini.sections[1].line, 6);
    assert_int_equal(ini.sections[1].first, 1);
    assert_int_equal(ini.sections[1].count, 2);
    assert_int_equal(ini.sections[2].count, 0);
    assert_string_equal(ini.entries[0].value, "3");
    assert_string_equal(ini.entries[1].key, "server");
    assert_string_equal(ini.entries[1].value, "a # part of the value");
    assert_int_equal(ini.entries[1].line, 7);
    assert_string_equal(ini.entries[2].value, "");
    conf_ini_done(&ini);
}

/* Cut at every length it parses, or says in which line it stopped. */
static void every_truncation(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof whole; n++) {
        conf_ini ini;
        entrasql_error err;
        unsigned line = 1;
        for (size_t i = 0; i + 1 < n; i++)
            line += whole[i] == '\n' ? 1 : 0;
        entrasql_status status = conf_ini_parse("p.ini", whole, n, &ini, &err);
        if (status == ENTRASQL_OK) {
            assert_true(ini.section_count <= 3);
            conf_ini_done(&ini);
            continue;
        }
        char place[32];
        (void)snprintf(place, sizeof place, "p.ini:%u: ", line);
        assert_int_equal(status, ENTRASQL_CONFIG);
        if (strncmp(err.message, place, strlen(place)) != 0)
            fail_msg("%zu bytes: %s, expected %s", n, err.message, place);
    }
}

static void limits(void **state)
{
    static char text[CONF_INI_MAX_BYTES + 1];
    conf_ini ini;
    entrasql_error err;
    (void)state;
    memset(text, '\n', sizeof text);
    assert_int_equal(conf_ini_parse("p", text, sizeof text, &ini, &err), ENTRASQL_LIMIT);
    assert_int_equal(conf_ini_parse("p", text, sizeof text - 1, &ini, &err), ENTRASQL_OK);
    conf_ini_done(&ini);
    for (size_t i = 0; i + 4 < sizeof text; i += 4)
        memcpy(text + i, "[a]\n", 4);
    assert_int_equal(conf_ini_parse("p", text, sizeof text - 1, &ini, &err), ENTRASQL_LIMIT);
    for (size_t i = 4; i + 4 < sizeof text; i += 4)
        memcpy(text + i, "a=b\n", 4);
    assert_int_equal(conf_ini_parse("p", text, sizeof text - 1, &ini, &err), ENTRASQL_LIMIT);
    assert_int_equal(conf_ini_parse("p", "[a]\nb\0=c", 8, &ini, &err), ENTRASQL_CONFIG);
    assert_non_null(strstr(err.message, "p:2: a NUL byte"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_keys_and_lines),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
