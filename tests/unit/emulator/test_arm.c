/* SPDX-License-Identifier: MIT */
/* The pure parts of the emulator's Azure Resource Manager: paths, roles, JSON that changes. */
#include "emulator/arm/id.h"
#include "emulator/arm/roles.h"
#include "emulator/arm/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define GROUP "/subscriptions/s/resourceGroups/g"

static void paths_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *path, *group, *type, *name, *names, *tail, *scope, *resource;
    } rows[] = {
        {"/subscriptions", NULL, NULL, NULL, NULL, "subscriptions", NULL, ""},
        {"/subscriptions/s", NULL, NULL, NULL, NULL, NULL, NULL, "/subscriptions/s"},
        {"/subscriptions/s/resourcegroups", NULL, NULL, NULL, NULL, "resourcegroups", NULL,
         "/subscriptions/s"},
        {GROUP, "g", NULL, NULL, NULL, NULL, NULL, GROUP},
        {GROUP "/providers/N.W/sites", "g", "N.W", NULL, NULL, "sites", GROUP,
         GROUP "/providers/N.W"},
        {GROUP "/providers/N.W/sites/a/slots/b/config/web", "g", "N.W/sites/slots/config", "web",
         "a/b/web", NULL, GROUP, GROUP "/providers/N.W/sites/a/slots/b/config/web"},
        {GROUP "/providers/N.W/sites/a/restart", "g", "N.W/sites", "a", "a", "restart", GROUP,
         GROUP "/providers/N.W/sites/a"},
        {GROUP "/providers/N.W/sites/a/PROVIDERS/N.A/locks/l", "g", "N.A/locks", "l", "l", NULL,
         GROUP "/providers/N.W/sites/a", GROUP "/providers/N.W/sites/a/PROVIDERS/N.A/locks/l"},
        {"/subscriptions/s/providers/N.W/register", NULL, "N.W", NULL, NULL, "register",
         "/subscriptions/s", "/subscriptions/s/providers/N.W"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        arm_pool pool = {0};
        arm_id id;
        assert_int_equal(arm_id_parse(&pool, rows[i].path, &id), ENTRASQL_OK);
        const char *wanted[] = {rows[i].group, rows[i].type,  rows[i].name,    rows[i].names,
                                rows[i].tail,  rows[i].scope, rows[i].resource};
        const char *got[] = {id.group, id.type, id.name, id.names, id.tail, id.scope, id.resource};
        for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++) {
            if (wanted[k] == NULL)
                assert_null(got[k]);
            else
                assert_string_equal(got[k], wanted[k]);
        }
        arm_pool_done(&pool);
    }
}

static void broken_paths_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {"",
                                       "subscriptions/s",
                                       "/",
                                       "/subscriptions//x",
                                       "/subscriptions/s/",
                                       "/a/b/c",
                                       "/subscriptions/s/x/y",
                                       "/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        arm_pool pool = {0};
        arm_id id;
        if (arm_id_parse(&pool, rows[i], &id) != ENTRASQL_MALFORMED)
            fail_msg("%s was taken", rows[i]);
        arm_pool_done(&pool);
    }
}

/* Every beginning of a path is taken apart or refused, and nothing is read beyond it. */
static void truncated_paths(void **state)
{
    (void)state;
    static const char path[] = GROUP "/providers/N.W/sites/a/slots/b/providers/N.A/locks/l/list";
    for (size_t n = 0; n < sizeof path; n++) {
        arm_pool pool = {0};
        arm_id id;
        char *text = arm_pool_copy(&pool, path, n);
        assert_non_null(text);
        entrasql_status status = arm_id_parse(&pool, text, &id);
        assert_true(status == ENTRASQL_OK || status == ENTRASQL_MALFORMED);
        if (status == ENTRASQL_OK)
            assert_true(strlen(id.resource) <= n);
        arm_pool_done(&pool);
    }
}

static void scopes_hold_what_is_below(void **state)
{
    (void)state;
    assert_true(arm_is_below(GROUP "/providers/x", "/subscriptions/S/RESOURCEGROUPS/g"));
    assert_true(arm_is_below(GROUP, GROUP));
    assert_true(arm_is_below(GROUP, "/"));
    assert_false(arm_is_below(GROUP "roup", GROUP));
    assert_false(arm_is_below("/subscriptions/s", GROUP));
}

static void actions_match(void **state)
{
    (void)state;
    static const char assign[] = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";
    assert_true(arm_action_matches("*", assign));
    assert_true(arm_action_matches("*/read", "Microsoft.Sql/servers/read"));
    assert_false(arm_action_matches("*/read", "Microsoft.Sql/servers/write"));
    assert_false(arm_action_matches("*/read", "Microsoft.Sql/servers/read/action"));
    assert_true(arm_action_matches("microsoft.sql/SERVERS/*", "Microsoft.Sql/servers/x/write"));
    assert_true(arm_action_matches(
        "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action", assign));
    assert_true(arm_action_matches("A/*/read", "A/b/c/read"));
    assert_false(arm_action_matches("A/*/read", "A/bread"));
    assert_false(arm_action_matches("", "A/read"));
    assert_true(arm_action_matches("A*b*c", "AxbxbxC"));
    assert_false(arm_action_matches("A*b*c", "Axbxb"));
}

/* What the reference says about who may do which step. */
static void roles_have_their_rights(void **state)
{
    (void)state;
    static const struct {
        const char *role, *action;
        bool may;
    } rows[] = {
        {"SQL Server Contributor", "Microsoft.Sql/servers/administrators/write", true},
        {"SQL Server Contributor", "Microsoft.Sql/servers/azureADOnlyAuthentications/write", false},
        {"SQL Security Manager", "Microsoft.Sql/servers/azureADOnlyAuthentications/write", true},
        {"SQL Security Manager", "Microsoft.Sql/servers/administrators/write", false},
        {"SQL Security Manager", "Microsoft.Sql/servers/administrators/read", true},
        {"Managed Identity Contributor",
         "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", false},
        {"Managed Identity Operator",
         "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", true},
        {"Managed Identity Operator", "Microsoft.ManagedIdentity/userAssignedIdentities/write",
         false},
        {"Contributor", "Microsoft.Authorization/roleAssignments/write", false},
        {"Contributor", "Microsoft.Authorization/permissions/read", true},
        {"Reader", "Microsoft.Web/sites/config/list/action", false},
        {"b24988ac-6180-42a0-ab88-20f7382dd24c", "Microsoft.Web/sites/write", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const arm_role *role = arm_role_find(rows[i].role);
        assert_non_null(role);
        bool may = arm_action_is_among(role->actions, rows[i].action) &&
                   !arm_action_is_among(role->not_actions, rows[i].action);
        if (may != rows[i].may)
            fail_msg("%s: %s", rows[i].role, rows[i].action);
    }
    assert_null(arm_role_find("King"));
    assert_null(arm_role_find(NULL));
}

static arm_value *parse(arm_pool *pool, const char *text)
{
    json_doc *doc = NULL;
    assert_int_equal(json_doc_parse(text, strlen(text), &doc, NULL), ENTRASQL_OK);
    arm_value *v = arm_from_node(pool, json_doc_root(doc));
    json_doc_free(doc);
    return v;
}

static void assert_json(const arm_value *v, const char *wanted)
{
    es_buf out = ES_BUF_INIT(4096);
    json_writer j;
    json_writer_init(&j, &out);
    arm_put(&j, v);
    assert_int_equal(json_writer_end(&j), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&out), wanted);
    es_buf_done(&out);
}

/* The cases of RFC 7396's appendix that have an object on both sides. */
static void merge_patches(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        arm_pool pool = {0};
        arm_value *target = parse(&pool, rows[i][0]);
        arm_merge(&pool, target, parse(&pool, rows[i][1]));
        assert_json(target, rows[i][2]);
        arm_pool_done(&pool);
    }
}

static void values_keep_what_they_are(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,0.5,true,false,null,\"x\"],\"B\":{\"c\":-9}}";
    arm_pool pool = {0};
    arm_value *v = parse(&pool, text);
    assert_json(v, text);
    assert_true(arm_same(v, arm_clone(&pool, v)));
    assert_null(arm_get(v, "b"));
    assert_non_null(arm_get_nocase(v, "b"));
    assert_non_null(arm_path(v, "B", "c", NULL));
    assert_null(arm_path(v, "B", "c", "d", NULL));
    arm_value *other = arm_clone(&pool, v);
    arm_set_text(&pool, arm_get(other, "B"), "c", "y");
    assert_false(arm_same(v, other));
    assert_json(v, text);
    arm_remove(other, "a");
    arm_remove(other, "nothing");
    assert_json(other, "{\"B\":{\"c\":\"y\"}}");
    /* Nothing happens to what is not there. */
    arm_set_text(&pool, NULL, "a", "b");
    arm_merge(&pool, NULL, v);
    arm_remove_value(NULL, v);
    assert_false(arm_pool_failed(&pool));
    arm_pool_done(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_taken_apart), cmocka_unit_test(broken_paths_are_refused),
        cmocka_unit_test(truncated_paths),       cmocka_unit_test(scopes_hold_what_is_below),
        cmocka_unit_test(actions_match),         cmocka_unit_test(roles_have_their_rights),
        cmocka_unit_test(merge_patches),         cmocka_unit_test(values_keep_what_they_are),
    };
    return cmocka_run_group_tests_name("arm", tests, NULL, NULL);
}
