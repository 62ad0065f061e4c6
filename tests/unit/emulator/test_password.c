/* SPDX-License-Identifier: MIT */
/* People with passwords: what is kept of them, and the grant "password" over real HTTP. */
#include "support.h"

#include "base/clock.h"
#include "base/mem.h"
#include "emulator/entra/entra.h"
#include "emulator/http_record.h"
#include "emulator/world/change.h"
#include "emulator/world/password.h"
#include "emulator/world/token.h"
#include "http/http.h"
#include "os/file.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ODBC "2C1229AA-16C5-4FF5-B46B-4F7FE2A2A9C8"
#define CLI "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
#define V1 "/contoso.example/oauth2/token"
#define V2 "/organizations/oauth2/v2.0/token"
#define SCOPE "&scope=https://database.windows.net//.default+openid+offline_access"
#define RESOURCE "&resource=https://database.windows.net/"
#define PASSWORD "p+w d&1%"
#define PASSWORD_FORM "p%2Bw+d%261%25"
#define SEED(users, more)                                                                          \
    "{\"tenants\":[{\"domain\":\"contoso.example\"},{\"domain\":\"fabrikam.example\"}],"           \
    "\"users\":[" users "],\"resources\":[\"https://database.windows.net/\"],"                     \
    "\"server\":{\"name\":\"s\",\"admin\":\"none@contoso.example\"}" more "}"
#define SEED_USERS                                                                                 \
    "{\"upn\":\"none@contoso.example\",\"password\":null},"                                        \
    "{\"upn\":\"dev@contoso.example\",\"password\":\"" PASSWORD "\",\"name\":\"Dev\"},"            \
    "{\"upn\":\"far@fabrikam.example\",\"password\":\"other\",\"tenant\":\"fabrikam.example\"}"

static world *w;
static entra *e;
static char dir[256];
static http_record *record;
static char text[64 * 1024];

static void read_kept(const char *name)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(WORLD_MAX_SEED_BYTES);
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(os_file_read(path, &out, NULL), ENTRASQL_OK);
    snprintf(text, sizeof text, "%s", es_buf_cstr(&out));
}

static int start(void **state)
{
    (void)state;
    entrasql_error err;
    char path[512];
    snprintf(dir, sizeof dir, "%s", support_make_dir());
    support_write(dir, "given.json", SEED(SEED_USERS, ",\"apps\":[{\"name\":\"own-app\"}]"));
    snprintf(path, sizeof path, "%s/given.json", dir);
    if (world_load(dir, path, true, &w, &err) != ENTRASQL_OK ||
        entra_start(w, 0, &e, &err) != ENTRASQL_OK) {
        print_error("%s\n", err.message);
        return 1;
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    entra_stop(e);
    http_record_close(record);
    world_free(w);
    support_remove_dir(dir);
    return 0;
}

/* ---- hashes ---- */

static void hash_is_of_one_password(void **state)
{
    (void)state;
    ES_CLEANUP(es_buf_done) es_buf a = ES_BUF_INIT(WORLD_PASSWORD_HASH_SIZE);
    ES_CLEANUP(es_buf_done) es_buf b = ES_BUF_INIT(WORLD_PASSWORD_HASH_SIZE);
    assert_int_equal(world_password_hash("secret", 6, &a), ENTRASQL_OK);
    assert_int_equal(world_password_hash("secret", 6, &b), ENTRASQL_OK);
    assert_string_not_equal(es_buf_cstr(&a), es_buf_cstr(&b)); /* salted */
    assert_true(world_password_is_hash(es_buf_cstr(&a)));
    assert_true(world_password_matches(es_buf_cstr(&a), "secret"));
    assert_true(world_password_matches(es_buf_cstr(&b), "secret"));
    assert_false(world_password_matches(es_buf_cstr(&a), "Secret"));
    assert_false(world_password_matches(es_buf_cstr(&a), "secre"));
    assert_false(world_password_matches(es_buf_cstr(&a), ""));
}

static void cut_and_foreign_hashes_match_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "secret",
        "pbkdf2-sha256:",
        "pbkdf2-sha256:0:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "pbkdf2-sha256:1000001:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "pbkdf2-sha256:-1:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "pbkdf2-sha256:1:AAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "pbkdf2-sha256:1:AAAAAAAAAAAAAAAAAAAAAA:AAAA",
        "pbkdf2-sha512:1:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        assert_false(world_password_is_hash(bad[i]));
        assert_false(world_password_matches(bad[i], "secret"));
    }
    ES_CLEANUP(es_buf_done) es_buf whole = ES_BUF_INIT(WORLD_PASSWORD_HASH_SIZE);
    assert_int_equal(world_password_hash("secret", 6, &whole), ENTRASQL_OK);
    for (size_t n = whole.len; n-- > 0;) {
        es_buf_truncate(&whole, n);
        assert_false(world_password_is_hash(es_buf_cstr(&whole)));
    }
}

/* ---- what is kept ---- */

static void seed_is_kept_without_its_passwords(void **state)
{
    (void)state;
    world *again = NULL;
    read_kept("seed.json");
    assert_null(strstr(text, PASSWORD));
    assert_null(strstr(text, "\"password\""));
    support_assert_has(text, "\"password_hash\":\"pbkdf2-sha256:");
    support_assert_has(text, "own-app");
    assert_int_equal(world_load(dir, NULL, true, &again, NULL), ENTRASQL_OK);
    const world_principal *dev = world_user_find(again, "dev@contoso.example");
    assert_string_equal(dev->name, "Dev");
    assert_true(world_password_matches(dev->password_hash, PASSWORD));
    assert_true(world_password_matches(
        world_user_find(again, "far@fabrikam.example")->password_hash, "other"));
    assert_null(world_user_find(again, "none@contoso.example")->password_hash);
    world_free(again);
}

static void wrong_seeds_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        SEED("{\"upn\":\"a@b\",\"password\":\"\"}", ""),
        SEED("{\"upn\":\"a@b\",\"password\":1}", ""),
        SEED("{\"upn\":\"a@b\",\"password_hash\":\"secret\"}", ""),
        SEED("{\"upn\":\"a@b\",\"password\":\"x\",\"password_hash\":\"pbkdf2-sha256:1:"
             "AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
             ""),
        SEED("", ",\"apps\":[{\"name\":\"n\",\"password\":\"x\"}]"),
    };
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        world *other = NULL;
        entrasql_error err;
        assert_int_equal(world_parse_seed("seed", bad[i], strlen(bad[i]), &other, &err),
                         ENTRASQL_CONFIG);
        support_assert_has(err.message, "password");
        assert_null(strstr(err.message, "secret"));
    }
}

static entrasql_status change(const char *request, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf now = ES_BUF_INIT(WORLD_MAX_SEED_BYTES);
    ES_CLEANUP(es_buf_done) es_buf next = ES_BUF_INIT(WORLD_MAX_SEED_BYTES);
    ES_CLEANUP(es_buf_done) es_buf said = ES_BUF_INIT(4096);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    const char *name = NULL;
    assert_int_equal(json_doc_parse(request, strlen(request), &doc, NULL), ENTRASQL_OK);
    assert_int_equal(world_read_text(dir, &now, &name, NULL), ENTRASQL_OK);
    ES_TRY(world_edit(w, (const char *)now.data, now.len, json_doc_root(doc), &next, &said, err));
    assert_null(strstr(es_buf_cstr(&next), "added-secret"));
    assert_null(strstr(es_buf_cstr(&said), "added-secret"));
    return world_replace(w, dir, "changed", (const char *)next.data, next.len, err);
}

static void added_user_has_the_password(void **state)
{
    (void)state;
    entrasql_error err;
    assert_int_equal(change("{\"action\":\"add\",\"kind\":\"user\",\"upn\":\"new@contoso.example\","
                            "\"password\":\"added-secret\"}",
                            &err),
                     ENTRASQL_OK);
    const world_principal *p = world_user_find(w, "new@contoso.example");
    assert_true(world_password_matches(p->password_hash, "added-secret"));
    read_kept("world.json");
    assert_null(strstr(text, "added-secret"));
    assert_int_equal(
        change("{\"action\":\"add\",\"kind\":\"app\",\"name\":\"n\",\"password\":\"x\"}", &err),
        ENTRASQL_INVALID);
    assert_int_equal(change("{\"action\":\"remove\",\"kind\":\"user\",\"upn\":"
                            "\"new@contoso.example\",\"password\":\"x\"}",
                            &err),
                     ENTRASQL_INVALID);
    assert_int_equal(change("{\"action\":\"add\",\"kind\":\"user\",\"upn\":\"b@c\","
                            "\"password\":\"\"}",
                            &err),
                     ENTRASQL_INVALID);
    /* `seed FILE` puts a text with passwords in place. */
    static const char given[] = SEED(SEED_USERS, ",\"apps\":[{\"name\":\"own-app\"}]");
    assert_int_equal(world_replace(w, dir, "given", given, strlen(given), &err), ENTRASQL_OK);
    read_kept("world.json");
    assert_null(strstr(text, PASSWORD));
    support_assert_has(text, "\"password_hash\":\"pbkdf2-sha256:");
}

/* ---- over HTTP ---- */

static unsigned ask(const char *method, const char *path, const char *body)
{
    char url[1024];
    snprintf(url, sizeof url, "%s%s", world_authority(w), path);
    http_request request = {
        .method = method,
        .url = url,
        .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
        .body = body,
        .body_len = body != NULL ? strlen(body) : 0,
        .ca_file = world_ca_file(w),
        .direct = true,
        .deadline_ms = es_clock_deadline(20000),
    };
    http_response response = {0};
    entrasql_error err;
    if (http_run(&request, &response, &err) != ENTRASQL_OK)
        fail_msg("%s %s: %s", method, url, err.message);
    assert_true(response.body.len < sizeof text);
    memcpy(text, response.body.data, response.body.len);
    text[response.body.len] = 0;
    unsigned status = response.status;
    http_response_done(&response);
    return status;
}

static void expect_error(const char *path, const char *body, unsigned status, unsigned number)
{
    char code[32];
    snprintf(code, sizeof code, "\"error_codes\":[%u]", number);
    assert_int_equal(ask("POST", path, body), status);
    support_assert_has(text, code);
    assert_null(strstr(text, "access_token"));
    assert_null(strstr(text, "wr0ng"));
}

static void expect_person(const char *upn)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    const char *token = NULL;
    world_login login;
    entrasql_error err;
    assert_int_equal(json_doc_parse(text, strlen(text), &doc, NULL), ENTRASQL_OK);
    assert_int_equal(json_member_string(json_doc_root(doc), "access_token", &token, NULL),
                     ENTRASQL_OK);
    if (world_token_check(w, token, strlen(token), &login, &err) != WORLD_TOKEN_OK)
        fail_msg("%s", err.message);
    assert_string_equal(login.login_name, upn);
    world_login_done(&login);
}

static void realm_tells_whose_people_they_are(void **state)
{
    (void)state;
    assert_int_equal(ask("GET", "/common/UserRealm/dev%40contoso.example?api-version=1.0", NULL),
                     200);
    support_assert_has(text, "\"account_type\":\"Managed\"");
    support_assert_has(text, "\"domain_name\":\"contoso.example\"");
    assert_int_equal(ask("GET", "/common/userrealm/nobody@contoso.example", NULL), 200);
    support_assert_has(text, "\"account_type\":\"Managed\"");
    assert_int_equal(ask("GET", "/common/UserRealm/a@nowhere.example", NULL), 200);
    support_assert_has(text, "\"account_type\":\"Unknown\"");
    assert_int_equal(ask("GET", "/common/UserRealm/a%22b", NULL), 200);
    support_assert_has(text, "\"account_type\":\"Unknown\"");
}

static void password_becomes_a_person_s_tokens(void **state)
{
    (void)state;
    assert_int_equal(ask("POST", V2,
                         "grant_type=password&client_info=1&client_id=" CLI SCOPE
                         "&username=dev@contoso.example&password=" PASSWORD_FORM),
                     200);
    expect_person("dev@contoso.example");
    support_assert_has(text, "\"refresh_token\"");
    support_assert_has(text, "\"id_token\"");
    support_assert_has(text, "\"client_info\"");
    assert_int_equal(ask("POST", V1 "?api-version=2015-06-01",
                         "grant_type=password&client_id=" ODBC RESOURCE
                         "&username=DEV@contoso.example&password=" PASSWORD_FORM),
                     200);
    expect_person("dev@contoso.example");
    support_assert_has(text, "\"expires_in\":\""); /* a text */
    support_assert_has(text, "\"resource\":\"https://database.windows.net/\"");
}

static void refusals_have_their_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *user; /* with the password, as in a form */
        unsigned number;
    } rows[] = {
        {"&username=dev@contoso.example&password=wr0ng", 50126},
        {"&username=dev@contoso.example&password=p", 50126},
        {"&username=none@contoso.example&password=wr0ng", 50056},
        {"&username=nobody@contoso.example&password=wr0ng", 50034},
        {"&username=dev@contoso.example", 900144},
        {"&username=dev@contoso.example&password=", 900144},
        {"&password=wr0ng", 900144},
        {"&username=dev@contoso.example&password=wr0ng&password=wr0ng", 9000411},
    };
    char body[1024];
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        snprintf(body, sizeof body, "grant_type=password&client_id=" CLI SCOPE "%s", rows[i].user);
        expect_error(V2, body, 400, rows[i].number);
        snprintf(body, sizeof body, "grant_type=password&client_id=" ODBC RESOURCE "%s",
                 rows[i].user);
        expect_error(V1, body, 400, rows[i].number);
    }
    const char *own_app = world_principal_find(w, "own-app")->client_id;
#define GOOD "&username=dev@contoso.example&password=" PASSWORD_FORM
    expect_error("/common/oauth2/v2.0/token", "grant_type=password&client_id=" CLI SCOPE GOOD, 400,
                 9001023);
    expect_error("/fabrikam.example/oauth2/v2.0/token",
                 "grant_type=password&client_id=" CLI SCOPE GOOD, 400, 50034);
    expect_error(V2, "grant_type=password&client_id=" CLI GOOD, 400, 900144);
    expect_error(V1, "grant_type=password&client_id=" ODBC GOOD, 400, 900144);
    expect_error(V1, "grant_type=password&client_id=" ODBC "&resource=https://no/" GOOD, 400,
                 500011);
    expect_error("/common/oauth2/token",
                 "grant_type=password&client_id=" ODBC "&resource=https://no/" GOOD, 400, 500011);
    expect_error(V1, "grant_type=password" RESOURCE GOOD, 400, 900144);
    expect_error(V1, "grant_type=password&client_id=nobody" RESOURCE GOOD, 400, 700016);
    snprintf(body, sizeof body, "grant_type=password&client_id=%s" RESOURCE "%s", own_app, GOOD);
    expect_error(V1, body, 401, 7000218);
    snprintf(body, sizeof body, "grant_type=password&client_id=%s" SCOPE "%s", own_app, GOOD);
    expect_error(V2, body, 401, 7000218);
}

/* ---- the record ---- */

static void record_shows_no_password(void **state)
{
    (void)state;
    entrasql_error err;
    assert_int_equal(http_record_open(dir, &record, &err), ENTRASQL_OK);
    http_record_observe(record, "entra", entra_service(e));
    expect_error(V2 "?password=wr0ng",
                 "grant_type=password&client_id=" CLI SCOPE
                 "&username=dev@contoso.example&Password=wr0ng&password=wr0ng",
                 400, 50126);
    read_kept("http.jsonl");
    support_assert_has(text, "dev@contoso.example");
    support_assert_has(text, "[\"password\",\"***\"]");
    assert_null(strstr(text, "wr0ng"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_is_of_one_password),
        cmocka_unit_test(cut_and_foreign_hashes_match_nothing),
        cmocka_unit_test(seed_is_kept_without_its_passwords),
        cmocka_unit_test(wrong_seeds_are_refused),
        cmocka_unit_test(added_user_has_the_password),
        cmocka_unit_test(realm_tells_whose_people_they_are),
        cmocka_unit_test(password_becomes_a_person_s_tokens),
        cmocka_unit_test(refusals_have_their_numbers),
        cmocka_unit_test(record_shows_no_password),
    };
    return cmocka_run_group_tests_name("password", tests, start, stop);
}
