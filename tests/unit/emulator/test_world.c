/* SPDX-License-Identifier: MIT */
/* The world: seeds and their mistakes, looking up, and what a data directory keeps. */
#include "support.h"

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/cert.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static entrasql_status parse(const char *text, world **ret, entrasql_error *err)
{
    return world_parse_seed("seed.json", text, strlen(text), ret, err);
}

static world *parse_default(void)
{
    world *w = NULL;
    entrasql_error err;
    if (parse(world_default_seed, &w, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    return w;
}

static void built_in_seed_is_the_example(void **state)
{
    (void)state;
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(1 << 20);
    assert_int_equal(os_file_read(SEED_FILE, &text, NULL), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&text), world_default_seed);
}

static void default_world_has_the_tutorial(void **state)
{
    (void)state;
    world *w = parse_default();
    const world_principal *mi = world_principal_find(w, "migrationidentity");
    assert_non_null(mi);
    assert_int_equal(mi->kind, WORLD_IDENTITY);
    support_assert_has(mi->resource_id, "/userAssignedIdentities/MigrationIdentity");
    assert_string_equal(world_host_of(w, mi)->name, "persons-app"); /* the VM has it too */
    assert_string_equal(world_host_of(w, world_principal_find(w, "StrangerIdentity"))->name,
                        "stranger-app");
    assert_string_equal(world_vm(w)->name, "persons-vm");
    assert_string_equal(world_server_admin(w)->upn, "admin@contoso.example");
    assert_string_equal(world_home_tenant(w)->domain, "contoso.example");
    assert_string_equal(world_server_audience(w), "https://database.windows.net/");
    assert_int_equal(world_database_count(w), 1);
    assert_string_equal(world_database_name(w, 0), "persons");
    assert_non_null(world_user_find(w, "READER@contoso.example"));
    assert_int_equal(world_principal_find(w, "ci-app")->kind, WORLD_APP);
    world_free(w);
}

static void ids_are_the_same_each_time(void **state)
{
    (void)state;
    world *a = parse_default(), *b = parse_default();
    const world_principal *p = world_principal_find(a, "MigrationIdentity");
    const world_principal *q = world_principal_find(b, "MigrationIdentity");
    uint8_t guid[16];
    assert_string_equal(p->client_id, q->client_id);
    assert_string_equal(p->object_id, q->object_id);
    assert_string_not_equal(p->client_id, p->object_id);
    assert_int_equal(es_guid_parse(p->client_id, guid), ENTRASQL_OK);
    assert_ptr_equal(world_app_find(a, p->client_id), p);
    world_free(a);
    world_free(b);
}

#define TENANT "\"tenants\":[{\"domain\":\"t.example\"}]"
#define SERVER "\"resources\":[\"https://database.windows.net/\"],\"server\":{\"name\":\"s\"}"

static void smallest_seed_is_enough(void **state)
{
    (void)state;
    world *w = NULL;
    assert_int_equal(parse("{" TENANT "," SERVER "}", &w, NULL), ENTRASQL_OK);
    assert_null(world_server_admin(w));
    assert_null(world_vm(w));
    assert_int_equal(world_database_count(w), 0);
    assert_null(world_principal_find(w, "nobody"));
    world_free(w);
}

static void seed_errors_name_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *seed, *message;
    } rows[] = {
        {"[]", "seed.json: must be an object, not an array"},
        {"{}", "seed.json: tenants: must name at least one tenant"},
        {"{\"tenants\":{}}", "tenants: must be an array, not an object"},
        {"{\"tenants\":[1]}", "tenants[0]: must be an object, not "},
        {"{\"tenants\":[{}]}", "tenants[0].domain: is missing"},
        {"{\"tenants\":[{\"domain\":\"\"}]}", "tenants[0].domain: must have 1 to 256 bytes"},
        {"{\"tenants\":[{\"domain\":\"a\\n\"}]}", "tenants[0].domain: must not hold control"},
        {"{\"tenants\":[{\"domain\":\"a\",\"id\":\"x\"}]}", "tenants[0].id: must be a GUID"},
        {"{\"tenants\":[{\"domain\":\"a\"},{\"domain\":\"A\"}]}",
         "tenants[1]: its domain or id is there twice"},
        {"{\"tenants\":[{\"domain\":\"a\",\"idd\":\"x\"}]}", "tenants[0].idd: is not known here"},
        {"{" TENANT "}", "server: is missing"},
        {"{" TENANT ",\"sevrer\":{}}", "sevrer: is not known here"},
        {"{" TENANT ",\"server\":{}}", "server.name: is missing"},
        {"{" TENANT ",\"server\":{\"name\":\"s\"}}", "server.audience: is not among"},
        {"{" TENANT ",\"subscription\":[]," SERVER "}", "subscription: must be an object"},
        {"{" TENANT ",\"users\":[{\"upn\":\"a\"}]," SERVER "}",
         "users[0].upn: must be of the form"},
        {"{" TENANT ",\"users\":[{\"upn\":\"a@b/../c\"}]," SERVER "}", "users[0].upn: must be of"},
        {"{" TENANT ",\"users\":[{\"upn\":\"a@b\"},{\"upn\":\"A@B\"}]," SERVER "}", "users[1]"},
        {"{" TENANT ",\"users\":[{\"upn\":\"a@b\",\"tenant\":\"x\"}]," SERVER "}",
         "users[0].tenant: there is no tenant 'x'"},
        {"{" TENANT ",\"users\":[{\"upn\":\"a@b\",\"name\":7}]," SERVER "}",
         "users[0].name: must be a string, not"},
        {"{" TENANT ",\"groups\":[{\"name\":\"g\",\"members\":[\"x\"]}]," SERVER "}",
         "groups[0].members: 'x' names no principal"},
        {"{" TENANT ",\"groups\":[{\"name\":\"g\",\"members\":[3]}]," SERVER "}",
         "groups[0].members[0]: must be a string"},
        {"{" TENANT ",\"apps\":[{\"name\":\"a\"},{\"name\":\"a\"}]," SERVER "}", "apps[1]"},
        {"{" TENANT ",\"identities\":[{\"name\":\"i\",\"kind\":\"both\"}]," SERVER "}",
         "identities[0].kind: must be"},
        {"{" TENANT
         ",\"identities\":[{\"name\":\"i\",\"kind\":\"system\",\"resource_id\":\"/x\"}]," SERVER
         "}",
         "identities[0].resource_id: only user-assigned"},
        {"{" TENANT ",\"hosts\":[{\"name\":\"h\",\"kind\":\"pod\"}]," SERVER "}",
         "hosts[0].kind: must be"},
        {"{" TENANT ",\"hosts\":[{\"name\":\"h\",\"kind\":\"vm\"},{\"name\":\"H\",\"kind\":"
         "\"web-app\"}]," SERVER "}",
         "hosts[1].name: is there twice"},
        {"{" TENANT ",\"users\":[{\"upn\":\"a@b\"}],\"hosts\":[{\"name\":\"h\",\"kind\":\"vm\","
         "\"identities\":[\"a@b\"]}]," SERVER "}",
         "hosts[0].identities: 'a@b' names no managed"},
        {"{" TENANT ",\"identities\":[{\"name\":\"s\",\"kind\":\"system\"}],\"hosts\":[{\"name\":"
         "\"h\",\"kind\":\"vm\",\"identities\":[\"s\"]},{\"name\":\"i\",\"kind\":\"web-app\","
         "\"identities\":[\"s\"]}]," SERVER "}",
         "hosts[1].identities: 's': a host has one system"},
        {"{" TENANT ",\"resources\":[\"https://database.windows.net\"],\"server\":{\"name\":\"s\","
         "\"admin\":\"x\"}}",
         "server.admin: 'x' names no principal"},
        {"{" TENANT ",\"resources\":[\"https://database.windows.net\"],\"server\":{\"name\":\"s\","
         "\"databases\":[\"../x\"]}}",
         "server.databases: '../x' cannot be"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        world *w = NULL;
        entrasql_error err;
        if (parse(rows[i].seed, &w, &err) != ENTRASQL_CONFIG)
            fail_msg("row %zu was not refused: %s", i, rows[i].seed);
        if (strstr(err.message, rows[i].message) == NULL)
            fail_msg("row %zu: %s", i, err.message);
    }
}

static void seed_that_is_no_json_names_the_line(void **state)
{
    (void)state;
    world *w = NULL;
    entrasql_error err;
    assert_int_equal(parse("{\n\"tenants\": [\n oops ]}", &w, &err), ENTRASQL_MALFORMED);
    assert_int_equal(err.line, 3);
    support_assert_has(err.message, "seed.json");
    assert_int_equal(world_parse_seed("s", "", WORLD_MAX_SEED_BYTES + 1, &w, &err), ENTRASQL_LIMIT);
}

static void seed_survives_cuts_and_lack_of_memory(void **state)
{
    (void)state;
    size_t n = strlen(world_default_seed);
    for (size_t cut = 0; cut < n - 2; cut += 7) {
        char *text = es_memdup(world_default_seed, cut != 0 ? cut : 1);
        world *w = NULL;
        assert_non_null(text);
        assert_int_not_equal(world_parse_seed("s", text, cut, &w, NULL), ENTRASQL_OK);
        es_free(text);
    }
    entrasql_status status = ENTRASQL_NOMEM;
    for (unsigned long nth = 1; status == ENTRASQL_NOMEM; nth++) {
        world *w = NULL;
        es_mem_fail_from(nth);
        status = world_parse_seed("s", world_default_seed, n, &w, NULL);
        es_mem_fail_from(0);
        if (status == ENTRASQL_OK)
            world_free(w);
    }
    assert_int_equal(status, ENTRASQL_OK);
}

static void groups_count_through_groups(void **state)
{
    (void)state;
    static const char seed[] =
        "{" TENANT ",\"users\":[{\"upn\":\"a@b\"},{\"upn\":\"c@d\"}],\"groups\":["
        "{\"name\":\"outer\",\"members\":[\"middle\"]},"
        "{\"name\":\"middle\",\"members\":[\"inner\"]},"
        "{\"name\":\"inner\",\"members\":[\"a@b\",\"outer\"]}]," SERVER "}"; /* a circle */
    world *w = NULL;
    const char *ids[8];
    assert_int_equal(parse(seed, &w, NULL), ENTRASQL_OK);
    assert_int_equal(world_groups_of(w, world_user_find(w, "a@b"), ids, 8), 3);
    assert_int_equal(world_groups_of(w, world_user_find(w, "c@d"), ids, 8), 0);
    assert_int_equal(world_groups_of(w, world_user_find(w, "a@b"), ids, 2), 2);
    world_free(w);
}

static void directory_answers_create_user(void **state)
{
    (void)state;
    world *w = parse_default();
    engine_external e;
    uint8_t id[16];
    const world_principal *mi = world_principal_find(w, "MigrationIdentity");
    assert_int_equal(world_directory_find(w, "MigrationIdentity", &e), 1);
    assert_int_equal(e.kind, ENGINE_EXTERNAL_APP);
    assert_int_equal(es_guid_parse(mi->client_id, id), ENTRASQL_OK);
    assert_memory_equal(e.client_id, id, 16);
    assert_int_equal(world_directory_find(w, "dev@contoso.example", &e), 1);
    assert_int_equal(e.kind, ENGINE_EXTERNAL_USER);
    assert_int_equal(world_directory_find(w, "Developers", &e), 1);
    assert_int_equal(e.kind, ENGINE_EXTERNAL_GROUP);
    assert_int_equal(world_directory_find(w, "nobody", &e), 0);
    world_free(w);

    static const char twice[] =
        "{" TENANT
        ",\"users\":[{\"upn\":\"a@b\",\"name\":\"N\"},{\"upn\":\"c@d\",\"name\":\"n\"}]," SERVER
        "}";
    assert_int_equal(parse(twice, &w, NULL), ENTRASQL_OK);
    assert_int_equal(world_directory_find(w, "N", &e), 2);
    assert_null(world_principal_find(w, "N"));
    assert_int_equal(world_directory_find(w, "a@b", &e), 1);
    world_free(w);
}

static void resources_match_with_and_without_slash(void **state)
{
    (void)state;
    world *w = parse_default();
    assert_string_equal(world_resource_find(w, "https://database.windows.net"),
                        "https://database.windows.net/");
    assert_string_equal(world_resource_find(w, "HTTPS://DATABASE.windows.net/"),
                        "https://database.windows.net/");
    assert_null(world_resource_find(w, "https://database.windows.net//"));
    assert_null(world_resource_find(w, "https://database.windows.net.evil/"));
    assert_null(world_resource_find(w, ""));
    world_free(w);
}

static void sql_login_is_off_until_set(void **state)
{
    (void)state;
    world *w = parse_default();
    assert_false(world_has_sql_login(w));
    assert_false(world_check_sql_login(w, "sa", "pw"));
    assert_int_equal(world_set_sql_login(w, "sa", "", NULL), ENTRASQL_CONFIG);
    assert_int_equal(world_set_sql_login(w, "sa", "pw", NULL), ENTRASQL_OK);
    assert_true(world_check_sql_login(w, "SA", "pw"));
    assert_false(world_check_sql_login(w, "sa", "pW"));
    assert_false(world_check_sql_login(w, "sa", ""));
    assert_false(world_check_sql_login(w, "sb", "pw"));
    world_free(w);
}

/* ---- the data directory ---- */

static mode_t mode_of(const char *dir, const char *name)
{
    char path[512];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (stat(path, &st) != 0)
        fail_msg("%s is missing", path);
    return st.st_mode & 07777;
}

static void keys_and_secrets_are_private_and_stay(void **state)
{
    (void)state;
    const char *dir = support_make_dir();
    char inner[512], kid[64], secret[64], header[64];
    snprintf(inner, sizeof inner, "%s/a/b", dir);
    world *w = support_load(inner);
    static const char *const private_files[] = {"token-key.pem", "ca-key.pem", "server-key.pem",
                                                "secrets.json"};
    for (size_t i = 0; i < ES_COUNT_OF(private_files); i++)
        assert_int_equal(mode_of(inner, private_files[i]), 0600);
    assert_int_equal(mode_of(inner, "."), 0700);
    snprintf(kid, sizeof kid, "%s", crypto_key_id(world_token_key(w)));
    snprintf(secret, sizeof secret, "%s",
             es_secret_reveal(world_principal_find(w, "ci-app")->secret));
    snprintf(header, sizeof header, "%s",
             es_secret_reveal(world_host_find(w, "persons-app")->identity_header));
    assert_int_equal(strlen(secret), 40);
    assert_int_equal(strlen(header), 32);
    assert_ptr_equal(world_host_by_header(w, header), world_host_find(w, "persons-app"));
    assert_null(world_host_by_header(w, ""));
    world_free(w);

    w = NULL;
    assert_int_equal(world_load(inner, NULL, false, &w, NULL), ENTRASQL_OK);
    assert_string_equal(crypto_key_id(world_token_key(w)), kid);
    assert_string_equal(es_secret_reveal(world_principal_find(w, "ci-app")->secret), secret);
    world_free(w);
    support_remove_dir(dir);
}

static void nothing_is_made_without_create(void **state)
{
    (void)state;
    const char *dir = support_make_dir();
    world *w = NULL;
    assert_int_equal(world_load(dir, NULL, false, &w, NULL), ENTRASQL_NOT_FOUND);
    assert_int_equal(rmdir(dir), 0); /* still empty */
}

static void readable_key_is_refused(void **state)
{
    (void)state;
    const char *dir = support_make_dir();
    char path[512];
    entrasql_error err;
    world *w = support_load(dir);
    world_free(w);
    static const char *const names[] = {"token-key.pem", "secrets.json", "ca-key.pem"};
    for (size_t i = 0; i < ES_COUNT_OF(names); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        assert_int_equal(chmod(path, 0640), 0);
        assert_int_equal(world_load(dir, NULL, true, &w, &err), ENTRASQL_CONFIG);
        support_assert_has(err.message, names[i]);
        assert_int_equal(chmod(path, 0600), 0);
    }
    assert_int_equal(chmod(dir, 0777), 0);
    assert_int_equal(world_load(dir, NULL, true, &w, &err), ENTRASQL_CONFIG);
    support_assert_has(err.hint, "chmod 700");
    support_remove_dir(dir);
}

static void damaged_files_are_named(void **state)
{
    (void)state;
    const char *dir = support_make_dir();
    entrasql_error err;
    world *w = support_load(dir);
    world_free(w);
    support_write(dir, "secrets.json", "{");
    assert_int_equal(world_load(dir, NULL, true, &w, &err), ENTRASQL_MALFORMED);
    support_assert_has(err.message, "secrets.json");
    support_write(dir, "secrets.json", "{}");
    assert_int_equal(world_load(dir, NULL, false, &w, &err), ENTRASQL_NOT_FOUND);
    support_assert_has(err.message, "secrets.json");
    support_write(dir, "token-key.pem", "no key");
    assert_int_equal(world_load(dir, NULL, true, &w, &err), ENTRASQL_MALFORMED);
    support_assert_has(err.message, "token-key.pem");
    support_remove_dir(dir);
}

static crypto_cert *read_cert(const char *path)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(CRYPTO_PEM_MAX_BYTES);
    crypto_cert *cert = NULL;
    assert_int_equal(os_file_read(path, &text, NULL), ENTRASQL_OK);
    assert_int_equal(crypto_cert_from_pem((const char *)text.data, text.len, &cert, NULL),
                     ENTRASQL_OK);
    return cert;
}

/*
 * A year later the server's certificate is made anew; the authority, which
 * people may have told their programs to trust, is still the same one.
 */
static void expired_certificates_are_renewed(void **state)
{
    (void)state;
    const char *dir = support_make_dir();
    world *w = support_load(dir);
    crypto_cert *ca = read_cert(world_ca_file(w)), *leaf = read_cert(world_cert_file(w));
    assert_true(crypto_cert_is_issued_by(leaf, ca));
    int64_t first = crypto_cert_not_after(leaf), first_ca = crypto_cert_not_after(ca);
    crypto_cert_free(leaf);
    world_free(w);

    w = support_load(dir);
    leaf = read_cert(world_cert_file(w));
    assert_int_equal(crypto_cert_not_after(leaf), first);
    crypto_cert_free(leaf);
    world_free(w);

    /* The new dates come from the real clock, so only that it is another one can be seen. */
    es_clock_shift(0, 395 * 86400);
    sleep(1);
    w = support_load(dir);
    es_clock_shift(0, -395 * 86400);
    leaf = read_cert(world_cert_file(w));
    assert_int_not_equal(crypto_cert_not_after(leaf), first);
    assert_true(crypto_cert_is_issued_by(leaf, ca));
    crypto_cert *ca_now = read_cert(world_ca_file(w));
    assert_int_equal(crypto_cert_not_after(ca_now), first_ca);
    crypto_cert_free(leaf);
    crypto_cert_free(ca_now);
    crypto_cert_free(ca);
    world_free(w);
    support_remove_dir(dir);
}

static void given_seed_is_kept(void **state)
{
    (void)state;
    const char *dir = support_make_dir();
    char path[512];
    world *w = NULL;
    entrasql_error err;
    support_write(dir, "mine.json", "{" TENANT "," SERVER "}");
    snprintf(path, sizeof path, "%s/mine.json", dir);
    assert_int_equal(world_load(dir, path, true, &w, NULL), ENTRASQL_OK);
    assert_string_equal(world_server_name(w), "s");
    world_free(w);
    w = support_load(dir);
    assert_string_equal(world_server_name(w), "s");
    world_free(w);
    assert_int_equal(world_load(dir, "/nonexistent.json", true, &w, &err), ENTRASQL_NOT_FOUND);
    support_remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_seed_is_the_example),
        cmocka_unit_test(default_world_has_the_tutorial),
        cmocka_unit_test(ids_are_the_same_each_time),
        cmocka_unit_test(smallest_seed_is_enough),
        cmocka_unit_test(seed_errors_name_the_place),
        cmocka_unit_test(seed_that_is_no_json_names_the_line),
        cmocka_unit_test(seed_survives_cuts_and_lack_of_memory),
        cmocka_unit_test(groups_count_through_groups),
        cmocka_unit_test(directory_answers_create_user),
        cmocka_unit_test(resources_match_with_and_without_slash),
        cmocka_unit_test(sql_login_is_off_until_set),
        cmocka_unit_test(keys_and_secrets_are_private_and_stay),
        cmocka_unit_test(nothing_is_made_without_create),
        cmocka_unit_test(readable_key_is_refused),
        cmocka_unit_test(damaged_files_are_named),
        cmocka_unit_test(expired_certificates_are_renewed),
        cmocka_unit_test(given_seed_is_kept),
    };
    return cmocka_run_group_tests_name("world", tests, NULL, NULL);
}
