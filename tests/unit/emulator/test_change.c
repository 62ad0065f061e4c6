/* SPDX-License-Identifier: MIT */
/* Changes of a world: what is written, what is refused, and a world under its readers. */
#include "support.h"

#include "base/mem.h"
#include "emulator/world/change.h"
#include "emulator/world/token.h"
#include "os/file.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char dir[256];
static world *w;

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "%s", support_make_dir());
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    support_remove_dir(dir);
    return 0;
}

/* Every test begins with the seed; the keys, which take long, are made once. */
static int start(void **state)
{
    (void)state;
    if (world_forget_changes(dir, NULL) != ENTRASQL_OK)
        return 1;
    w = support_load(dir);
    return world_set_authority(w, "https://localhost:1") != ENTRASQL_OK;
}

static int stop(void **state)
{
    (void)state;
    world_free(w);
    return 0;
}

/* Edits the kept text and puts the new one in place, as the emulator does. */
static entrasql_status change(const char *request, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(WORLD_MAX_SEED_BYTES);
    ES_CLEANUP(es_buf_done) es_buf next = ES_BUF_INIT(WORLD_MAX_SEED_BYTES);
    ES_CLEANUP(es_buf_done) es_buf said = ES_BUF_INIT(4096);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    const char *name = NULL;
    assert_int_equal(json_doc_parse(request, strlen(request), &doc, NULL), ENTRASQL_OK);
    assert_int_equal(world_read_text(dir, &text, &name, NULL), ENTRASQL_OK);
    ES_TRY(world_edit(w, (const char *)text.data, text.len, json_doc_root(doc), &next, &said, err));
    assert_true(said.len > 0);
    return world_replace(w, dir, "the changed world", (const char *)next.data, next.len, err);
}

static void must(const char *request)
{
    entrasql_error err;
    if (change(request, &err) != ENTRASQL_OK)
        fail_msg("%s: %s", request, err.message);
}

static size_t groups_of(const char *who)
{
    const char *ids[8];
    const world_principal *p = world_principal_find(w, who);
    assert_non_null(p);
    return world_groups_of(w, p, ids, 8);
}

static void users_come_and_go(void **state)
{
    (void)state;
    must("{\"action\":\"add\",\"kind\":\"user\",\"upn\":\"new@contoso.example\",\"name\":\"N "
         "\\\"q\\\" "
         "'<'\",\"groups\":[\"Developers\"]}");
    const world_principal *p = world_user_find(w, "NEW@contoso.example");
    assert_non_null(p);
    assert_string_equal(p->name, "N \"q\" '<'");
    assert_int_equal(groups_of("new@contoso.example"), 1);
    assert_int_equal(groups_of("dev@contoso.example"), 1);
    /* Another process sees it. */
    world *other = NULL;
    assert_int_equal(world_load(dir, NULL, false, &other, NULL), ENTRASQL_OK);
    assert_string_equal(world_user_find(other, "new@contoso.example")->object_id, p->object_id);
    world_free(other);
    must("{\"action\":\"remove\",\"kind\":\"user\",\"upn\":\"new@contoso.example\"}");
    assert_null(world_user_find(w, "new@contoso.example"));
    assert_int_equal(groups_of("dev@contoso.example"), 1);
}

static void who_is_made_anew_has_new_ids(void **state)
{
    (void)state;
    char client_id[ES_GUID_TEXT_SIZE], object_id[ES_GUID_TEXT_SIZE];
    const world_principal *p = world_principal_find(w, "MigrationIdentity");
    snprintf(client_id, sizeof client_id, "%s", p->client_id);
    snprintf(object_id, sizeof object_id, "%s", p->object_id);
    must("{\"action\":\"remove\",\"kind\":\"identity\",\"name\":\"MigrationIdentity\"}");
    assert_null(world_principal_find(w, "MigrationIdentity"));
    assert_null(world_object_find(w, object_id));
    /* Its hosts stay, without it. */
    assert_int_equal(world_host_find(w, "persons-app")->identity_count, 0);
    assert_int_equal(world_host_find(w, "persons-vm")->identity_count, 1);
    must("{\"action\":\"add\",\"kind\":\"identity\",\"name\":\"MigrationIdentity\",\"host\":"
         "\"persons-app\"}");
    p = world_principal_find(w, "MigrationIdentity");
    assert_string_not_equal(p->client_id, client_id);
    assert_string_not_equal(p->object_id, object_id);
    assert_ptr_equal(world_host_of(w, p), world_host_find(w, "persons-app"));
}

static void identities_bring_their_host(void **state)
{
    (void)state;
    must("{\"action\":\"add\",\"kind\":\"identity\",\"name\":\"one\"}");
    assert_string_equal(world_host_of(w, world_principal_find(w, "one"))->name, "one-app");
    assert_non_null(world_host_find(w, "one-app")->identity_header);
    must("{\"action\":\"add\",\"kind\":\"identity\",\"name\":\"sys-app\",\"system\":true}");
    const world_principal *p = world_principal_find(w, "sys-app");
    assert_true(p->system_assigned);
    assert_string_equal(world_host_of(w, p)->name, "sys-app");
}

static void groups_change_by_members(void **state)
{
    (void)state;
    must(
        "{\"action\":\"add\",\"kind\":\"group\",\"name\":\"Readers\",\"members\":[\"reader@contoso."
        "example\"]}");
    assert_int_equal(groups_of("reader@contoso.example"), 1);
    must("{\"action\":\"add\",\"kind\":\"group\",\"name\":\"Readers\",\"members\":[\"Developers\","
         "\"reader@contoso.example\"]}");
    assert_int_equal(groups_of("dev@contoso.example"), 2); /* through its own group */
    assert_int_equal(groups_of("reader@contoso.example"), 1);
    must("{\"action\":\"remove\",\"kind\":\"group\",\"name\":\"Readers\",\"members\":["
         "\"Developers\"]}");
    assert_int_equal(groups_of("dev@contoso.example"), 1);
    must("{\"action\":\"remove\",\"kind\":\"group\",\"name\":\"Readers\"}");
    assert_int_equal(groups_of("reader@contoso.example"), 0);
    must("{\"action\":\"add\",\"kind\":\"app\",\"name\":\"tool\",\"groups\":[\"Developers\"]}");
    assert_int_equal(groups_of("tool"), 1);
    assert_non_null(world_principal_find(w, "tool")->secret);
}

static void the_server_changes(void **state)
{
    (void)state;
    assert_false(world_is_entra_only(w));
    must("{\"action\":\"set\",\"kind\":\"server\",\"entra_only\":true}");
    assert_true(world_is_entra_only(w));
    must("{\"action\":\"set\",\"kind\":\"server\",\"admin\":\"Developers\"}");
    assert_true(world_is_entra_only(w));
    assert_string_equal(world_server_admin(w)->name, "Developers");
    must("{\"action\":\"set\",\"kind\":\"server\",\"admin\":null,\"entra_only\":false}");
    assert_null(world_server_admin(w));
    must("{\"action\":\"add\",\"kind\":\"database\",\"name\":\"second\"}");
    assert_int_equal(world_database_count(w), 2);
    assert_string_equal(world_authority(w), "https://localhost:1");
    assert_non_null(world_token_key(w));
}

static void what_makes_no_sense_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        entrasql_status status;
        const char *part;
    } rows[] = {
        {"{}", ENTRASQL_INVALID, "action: is missing"},
        {"[]", ENTRASQL_INVALID, "action: is missing"},
        {"{\"action\":\"add\",\"kind\":\"planet\",\"name\":\"x\"}", ENTRASQL_INVALID,
         "no such change"},
        {"{\"action\":\"add\",\"kind\":\"user\"}", ENTRASQL_INVALID, "upn: is missing"},
        {"{\"action\":\"add\",\"kind\":\"user\",\"upn\":\"no-at\"}", ENTRASQL_CONFIG,
         "user@domain"},
        {"{\"action\":\"add\",\"kind\":\"user\",\"upn\":\"../x@y\"}", ENTRASQL_CONFIG,
         "user@domain"},
        {"{\"action\":\"add\",\"kind\":\"user\",\"upn\":\"dev@contoso.example\"}", ENTRASQL_EXISTS,
         "already"},
        {"{\"action\":\"add\",\"kind\":\"user\",\"upn\":\"a@b\",\"planet\":1}", ENTRASQL_INVALID,
         "planet: is not known"},
        {"{\"action\":\"add\",\"kind\":\"user\",\"upn\":\"a@b\",\"groups\":[\"none\"]}",
         ENTRASQL_NOT_FOUND, "'none' names no group"},
        {"{\"action\":\"add\",\"kind\":\"user\",\"upn\":\"a@b\",\"groups\":[\"ci-app\"]}",
         ENTRASQL_NOT_FOUND, "'ci-app' names no group"},
        {"{\"action\":\"add\",\"kind\":\"user\",\"upn\":\"a@b\",\"tenant\":\"t\"}", ENTRASQL_CONFIG,
         "no tenant 't'"},
        {"{\"action\":\"remove\",\"kind\":\"user\",\"upn\":\"a@b\"}", ENTRASQL_NOT_FOUND,
         "no user"},
        {"{\"action\":\"remove\",\"kind\":\"user\",\"upn\":\"admin@contoso.example\"}",
         ENTRASQL_INVALID, "is the server's Entra admin"},
        {"{\"action\":\"add\",\"kind\":\"database\",\"name\":\"PERSONS\"}", ENTRASQL_EXISTS,
         "already"},
        {"{\"action\":\"add\",\"kind\":\"database\",\"name\":\"a/b\"}", ENTRASQL_CONFIG,
         "cannot be a database's name"},
        {"{\"action\":\"set\",\"kind\":\"server\"}", ENTRASQL_INVALID, "nothing to set"},
        {"{\"action\":\"set\",\"kind\":\"server\",\"admin\":\"nobody\"}", ENTRASQL_NOT_FOUND,
         "nobody"},
        {"{\"action\":\"set\",\"kind\":\"server\",\"entra_only\":1}", ENTRASQL_INVALID,
         "true or false"},
        {"{\"action\":\"add\",\"kind\":\"identity\",\"name\":\"i\",\"system\":true,\"host\":"
         "\"persons-vm\"}",
         ENTRASQL_CONFIG, "one system-assigned identity"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        entrasql_error err;
        entrasql_status status = change(rows[i].request, &err);
        if (status != rows[i].status)
            fail_msg("row %zu: %d %s", i, (int)status, err.message);
        support_assert_has(err.message, rows[i].part);
    }
    char path[300];
    es_buf text = ES_BUF_INIT(1 << 20);
    snprintf(path, sizeof path, "%s/world.json", dir);
    assert_int_equal(os_file_read(path, &text, NULL), ENTRASQL_NOT_FOUND);
    es_buf_done(&text);
}

static void changes_can_be_forgotten(void **state)
{
    (void)state;
    must("{\"action\":\"add\",\"kind\":\"app\",\"name\":\"tool\"}");
    world *again = NULL;
    assert_int_equal(world_load(dir, NULL, true, &again, NULL), ENTRASQL_OK);
    assert_non_null(world_principal_find(again, "tool"));
    world_free(again);
    assert_int_equal(world_forget_changes(dir, NULL), ENTRASQL_OK);
    assert_int_equal(world_load(dir, NULL, true, &again, NULL), ENTRASQL_OK);
    assert_null(world_principal_find(again, "tool"));
    world_free(again);
}

static atomic_bool done;

/* Issues and checks tokens for somebody who is always there. */
static void *read_all_the_time(void *arg)
{
    (void)arg;
    while (!atomic_load(&done)) {
        es_buf token = ES_BUF_INIT_WIPE(1 << 16);
        world_login login = {0};
        int64_t expires_on = 0;
        world_hold(w);
        world_token_request request = {.principal = world_user_find(w, "dev@contoso.example"),
                                       .resource = world_server_audience(w)};
        assert_int_equal(world_token_issue(w, &request, &token, &expires_on, NULL), ENTRASQL_OK);
        assert_int_equal(world_token_check(w, (const char *)token.data, token.len, &login, NULL),
                         WORLD_TOKEN_OK);
        world_let_go(w);
        assert_int_equal(login.login.group_count, 1);
        world_login_done(&login);
        es_buf_done(&token);
    }
    return NULL;
}

static void readers_never_see_half_a_change(void **state)
{
    (void)state;
    pthread_t threads[2];
    atomic_store(&done, false);
    const char *kept = world_server_name(w); /* readable after it was replaced */
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_all_the_time, NULL), 0);
    for (int i = 0; i < 20; i++) {
        must("{\"action\":\"add\",\"kind\":\"user\",\"upn\":\"x@y\",\"groups\":[\"Developers\"]}");
        must("{\"action\":\"remove\",\"kind\":\"user\",\"upn\":\"x@y\"}");
    }
    atomic_store(&done, true);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_string_equal(kept, "contoso-sql");
}

#define CHANGE_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHANGE_TEST(users_come_and_go),           CHANGE_TEST(who_is_made_anew_has_new_ids),
        CHANGE_TEST(identities_bring_their_host), CHANGE_TEST(groups_change_by_members),
        CHANGE_TEST(the_server_changes),          CHANGE_TEST(what_makes_no_sense_changes_nothing),
        CHANGE_TEST(changes_can_be_forgotten),    CHANGE_TEST(readers_never_see_half_a_change),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
