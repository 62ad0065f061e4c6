/* SPDX-License-Identifier: MIT */
/* proxy: the admin database's commands, and what drivers send before them. */
#include "proxy/admin_command.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* "show:1 nothing kill:7 pause:name": the statements in their order, then what is wrong. */
static const char *read_all(const char *text, size_t n)
{
    static char out[1024];
    const char *end = text + n;
    size_t used = 0;
    out[0] = '\0';
    for (;;) {
        proxy_command c;
        entrasql_error err = {0};
        entrasql_status status = proxy_command_next(&text, end, &c, &err);
        static const char *const verbs[] = {"nothing", "show",      "select", "pause",
                                            "resume",  "reconnect", "kill",   "reload"};
        if (status == ENTRASQL_NOT_FOUND)
            return out;
        assert_true(used < sizeof out - 400);
        if (status != ENTRASQL_OK) {
            (void)snprintf(out + used, sizeof out - used, "!%s", err.message);
            return out;
        }
        used += (size_t)snprintf(out + used, sizeof out - used, "%s", verbs[c.verb]);
        if (c.verb == PROXY_VERB_SHOW)
            used += (size_t)snprintf(out + used, sizeof out - used, ":%d", c.show);
        else if (c.verb == PROXY_VERB_SELECT)
            used += (size_t)snprintf(out + used, sizeof out - used, ":%d:%llu", c.select,
                                     (unsigned long long)c.number);
        else if (c.verb == PROXY_VERB_KILL)
            used += (size_t)snprintf(out + used, sizeof out - used, ":%llu",
                                     (unsigned long long)c.number);
        else if (c.argument[0] != '\0')
            used += (size_t)snprintf(out + used, sizeof out - used, ":%s", c.argument);
        used += (size_t)snprintf(out + used, sizeof out - used, " ");
    }
}

static const struct {
    const char *text;
    const char *said;
} cases[] = {
    {"", ""},
    {" ;; \n;", ""},
    {"SHOW HELP", "show:0 "},
    {"show pools", "show:1 "},
    {"Show\n\tClients ;", "show:2 "},
    {"SHOW SERVERS; SHOW STATS", "show:3 show:4 "},
    {"SHOW IDENTITIES\nSHOW CONFIG", "show:5 show:6 "},
    {"help", "show:0 "},
    {"-- a comment\nSHOW /* in\nside */ POOLS -- after", "show:1 "},
    {"PAUSE", "pause "},
    {"PAUSE;RESUME main", "pause resume:main "},
    {"PAUSE [a.example/my]]db?x=1]", "pause:a.example/my]db?x=1 "},
    {"RECONNECT 'it''s'", "reconnect:it's "},
    {"RESUME \"a b\"", "resume:a b "},
    {"RESUME a.database.windows.net", "resume:a.database.windows.net "},
    {"KILL 17", "kill:17 "},
    {"RELOAD", "reload "},
    {"SELECT 1", "select:0:1 "},
    {"select @@version", "select:1:0 "},
    {"SELECT @@TRANCOUNT\n", "select:3:0 "},
    {"SELECT DB_NAME()", "select:5:0 "},
    /* what drivers send by themselves */
    {"SET ARITHABORT ON;SET CONCAT_NULL_YIELDS_NULL ON;SET ANSI_NULLS ON",
     "nothing nothing nothing "},
    {"use [entrasql]", "nothing:entrasql "},
    {"BEGIN TRAN", "nothing "},
    {"IF @@TRANCOUNT > 0 COMMIT TRAN", "nothing "},
    {"IF @@TRANCOUNT > 0 ROLLBACK", "nothing "},
    {"set implicit_transactions off IF @@TRANCOUNT > 0 COMMIT TRAN ", "nothing "},
    {"set quoted_identifier on\nset textsize 2147483647\nSHOW POOLS", "nothing nothing show:1 "},
    {"SET NOCOUNT ON; SHOW POOLS", "nothing show:1 "},
    {"SET X 'a;b' ON\n[;] ON; SHOW POOLS", "nothing show:1 "},
    /* what is wrong */
    {"SHOW", "!the command ends too early"},
    {"SHOW ME", "!'ME' is not understood here"},
    {"SHOW POOLS NOW", "!'NOW' is not understood here"},
    {"SHOW POOLS SHOW CLIENTS", "!'SHOW' is not understood here"},
    {"DROP TABLE x", "!'DROP' is not understood here"},
    {"SELECT 1; DROP", "select:0:1 !'DROP' is not understood here"},
    {"KILL", "!the command ends too early"},
    {"KILL x", "!'x' is not understood here"},
    {"KILL -1", "!'-1' is not understood here"},
    {"KILL 99999999999999999999", "!'99999999999999999999' is not understood here"},
    {"KILL 1 2", "!'2' is not understood here"},
    {"RELOAD x", "!'x' is not understood here"},
    {"PAUSE a b", "!'b' is not understood here"},
    {"PAUSE ()", "!'(' is not understood here"},
    {"PAUSE ''", "!'' is not understood here"},
    {"use master", "!there is no other database here"},
    {"SELECT DB_NAME", "!the command ends too early"},
    {"SELECT * FROM x", "!'*' is not understood here"},
    {"\xff\xfe", "!'\?\?' is not understood here"},
};

static void commands_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        const char *said = read_all(cases[i].text, strlen(cases[i].text));
        if (strcmp(said, cases[i].said) != 0)
            fail_msg("%s: \"%s\" instead of \"%s\"", cases[i].text, said, cases[i].said);
    }
}

/* Every beginning of each, from memory of the exact size. */
static void commands_survive_cuts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        for (size_t n = 0; n <= strlen(cases[i].text); n++) {
            char *cut = es_memdup(cases[i].text, n != 0 ? n : 1);
            assert_non_null(cut);
            (void)read_all(cut, n);
            es_free(cut);
        }
    }
}

static void long_names_are_refused(void **state)
{
    (void)state;
    char text[400] = "PAUSE ";
    memset(text + 6, 'a', sizeof text - 6);
    assert_string_equal(read_all(text, sizeof text), "!no target has such a name");
    assert_string_equal(read_all("PAUSE 'a\0b'", 11), "!no target has such a name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_read),
        cmocka_unit_test(commands_survive_cuts),
        cmocka_unit_test(long_names_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
