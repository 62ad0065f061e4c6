/* SPDX-License-Identifier: MIT */
/* Tokens: what is issued is accepted for the right person; whatever is changed is refused with its
 * reason. */
#include "support.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/jwt.h"
#include "emulator/world/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SQL "https://database.windows.net/"

static world *w;
static char dir[256];

static int load(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "%s", support_make_dir());
    w = support_load(dir);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    world_free(w);
    support_remove_dir(dir);
    return 0;
}

static char *issue(const char *who, const char *resource)
{
    world_token_request request = {.principal = world_principal_find(w, who), .resource = resource};
    es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    int64_t expires_on = 0;
    assert_non_null(request.principal);
    assert_int_equal(world_token_issue(w, &request, &token, &expires_on, NULL), ENTRASQL_OK);
    assert_true(expires_on > es_clock_wall_s());
    return es_buf_take(&token, NULL);
}

static world_token_problem check(const char *token, world_login *login)
{
    entrasql_error err;
    world_token_problem problem = world_token_check(w, token, strlen(token), login, &err);
    if (problem != WORLD_TOKEN_OK)
        assert_true(err.message[0] != 0);
    return problem;
}

static void identity_token_becomes_an_app_login(void **state)
{
    (void)state;
    const world_principal *mi = world_principal_find(w, "MigrationIdentity");
    char *token = issue("MigrationIdentity", SQL), name[128];
    world_login login;
    uint8_t id[16];
    assert_int_equal(check(token, &login), WORLD_TOKEN_OK);
    assert_true(login.login.is_external);
    assert_false(login.login.is_admin);
    assert_int_equal(login.login.kind, ENGINE_EXTERNAL_APP);
    assert_int_equal(es_guid_parse(mi->client_id, id), ENTRASQL_OK);
    assert_memory_equal(login.login.client_id, id, 16);
    assert_int_equal(es_guid_parse(mi->object_id, id), ENTRASQL_OK);
    assert_memory_equal(login.login.object_id, id, 16);
    snprintf(name, sizeof name, "%s@%s", mi->client_id, world_home_tenant(w)->id);
    assert_string_equal(login.login.login_name, name);
    assert_null(login.login.sql_login);
    world_login_done(&login);
    es_free_wipe_str(token);
}

static void person_s_token_becomes_a_user_login(void **state)
{
    (void)state;
    char *token = issue("dev@contoso.example", SQL);
    world_login login;
    uint8_t id[16];
    assert_int_equal(check(token, &login), WORLD_TOKEN_OK);
    assert_int_equal(login.login.kind, ENGINE_EXTERNAL_USER);
    assert_string_equal(login.login.login_name, "dev@contoso.example");
    assert_int_equal(login.login.group_count, 1);
    assert_int_equal(es_guid_parse(world_principal_find(w, "Developers")->object_id, id),
                     ENTRASQL_OK);
    assert_memory_equal(login.login.group_ids[0], id, 16);
    assert_false(login.login.is_admin);
    world_login_done(&login);
    es_free_wipe_str(token);

    token = issue("admin@contoso.example", SQL);
    assert_int_equal(check(token, &login), WORLD_TOKEN_OK);
    assert_true(login.login.is_admin);
    assert_int_equal(login.login.group_count, 0);
    world_login_done(&login);
    es_free_wipe_str(token);
}

static void claims_are_those_of_a_v1_token(void **state)
{
    (void)state;
    char *token = issue("dev@contoso.example", SQL), part[256];
    crypto_jwt jwt;
    assert_int_equal(crypto_jwt_parse(token, strlen(token), &jwt, NULL), ENTRASQL_OK);
    snprintf(part, sizeof part, "\"iss\":\"https://sts.windows.net/%s/\"",
             world_home_tenant(w)->id);
    support_assert_has(jwt.claims_json, part);
    support_assert_has(jwt.claims_json, "\"aud\":\"https://database.windows.net/\"");
    support_assert_has(jwt.claims_json, "\"ver\":\"1.0\"");
    support_assert_has(jwt.claims_json, "\"appid\":\"" WORLD_AZURE_CLI_CLIENT_ID "\"");
    support_assert_has(jwt.claims_json, "\"idtyp\":\"user\"");
    support_assert_has(jwt.claims_json, "\"name\":\"Dev Eloper\"");
    crypto_jwt_done(&jwt);
    es_free_wipe_str(token);
    token = issue("ci-app", SQL);
    assert_int_equal(crypto_jwt_parse(token, strlen(token), &jwt, NULL), ENTRASQL_OK);
    support_assert_has(jwt.claims_json, "\"idtyp\":\"app\"");
    assert_null(strstr(jwt.claims_json, "upn"));
    crypto_jwt_done(&jwt);
    es_free_wipe_str(token);
}

static void groups_get_no_token(void **state)
{
    (void)state;
    world_token_request request = {.principal = world_principal_find(w, "Developers"),
                                   .resource = SQL};
    ES_CLEANUP(es_buf_done) es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    int64_t expires_on;
    assert_int_equal(world_token_issue(w, &request, &token, &expires_on, NULL), ENTRASQL_INVALID);
}

static void token_for_another_resource_is_refused(void **state)
{
    (void)state;
    char *token = issue("dev@contoso.example", "https://management.azure.com/");
    world_login login;
    entrasql_error err;
    assert_int_equal(world_token_check(w, token, strlen(token), &login, &err),
                     WORLD_TOKEN_WRONG_AUDIENCE);
    support_assert_has(err.message, "https://management.azure.com/");
    es_free_wipe_str(token);
}

/* ---- forged tokens: signed with the world's own key, one claim wrong ---- */

#define OID "15d243cf-d5f9-474e-aca0-a9a6e8e1cb57"

typedef struct forged {
    const char *aud, *iss, *tid, *oid, *more;
    int64_t nbf, exp; /* from now */
} forged;

static char *forge(const forged *f)
{
    char claims[2048], iss[128];
    int64_t now = es_clock_wall_s();
    const char *tid = world_home_tenant(w)->id;
    snprintf(iss, sizeof iss, "https://sts.windows.net/%s/", tid);
    snprintf(claims, sizeof claims,
             "{\"aud\":\"%s\",\"iss\":\"%s\",\"tid\":\"%s\",\"oid\":\"%s\",\"nbf\":%lld,"
             "\"exp\":%lld%s}",
             f->aud != NULL ? f->aud : SQL, f->iss != NULL ? f->iss : iss,
             f->tid != NULL ? f->tid : tid, f->oid != NULL ? f->oid : OID,
             (long long)(now + f->nbf), (long long)(now + f->exp),
             f->more != NULL ? f->more : ",\"appid\":\"" OID "\",\"idtyp\":\"app\"");
    es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    assert_int_equal(crypto_jwt_sign(world_token_key(w), claims, &token, NULL), ENTRASQL_OK);
    return es_buf_take(&token, NULL);
}

static void each_claim_decides(void **state)
{
    (void)state;
    static const struct {
        forged f;
        world_token_problem problem;
    } rows[] = {
        {{.exp = 60}, WORLD_TOKEN_OK},
        {{.exp = 60, .aud = "https://database.windows.net"}, WORLD_TOKEN_OK},
        {{.exp = 60, .aud = "https://database.windows.net//"}, WORLD_TOKEN_WRONG_AUDIENCE},
        {{.exp = 60, .aud = ""}, WORLD_TOKEN_WRONG_AUDIENCE},
        {{.exp = 60, .aud = "https://database.windows.net.evil/"}, WORLD_TOKEN_WRONG_AUDIENCE},
        {{.exp = 60, .iss = "https://sts.windows.net/"}, WORLD_TOKEN_WRONG_TENANT},
        {{.exp = 60, .iss = "https://sts.windows.net/" OID "/"}, WORLD_TOKEN_WRONG_TENANT},
        {{.exp = 60, .tid = OID}, WORLD_TOKEN_WRONG_TENANT},
        {{.exp = -299}, WORLD_TOKEN_OK},
        {{.exp = -310}, WORLD_TOKEN_EXPIRED},
        {{.exp = -100000}, WORLD_TOKEN_EXPIRED},
        {{.nbf = 290, .exp = 3600}, WORLD_TOKEN_OK},
        {{.nbf = 310, .exp = 3600}, WORLD_TOKEN_NOT_YET_VALID},
        {{.exp = 60, .oid = "x"}, WORLD_TOKEN_MALFORMED},
        {{.exp = 60, .more = ""}, WORLD_TOKEN_MALFORMED}, /* neither app nor person */
        {{.exp = 60, .more = ",\"idtyp\":\"app\""}, WORLD_TOKEN_MALFORMED},
        {{.exp = 60, .more = ",\"idtyp\":\"app\",\"appid\":\"x\""}, WORLD_TOKEN_MALFORMED},
        {{.exp = 60, .more = ",\"idtyp\":7"}, WORLD_TOKEN_MALFORMED},
        {{.exp = 60, .more = ",\"idtyp\":\"user\""}, WORLD_TOKEN_MALFORMED},
        {{.exp = 60, .more = ",\"upn\":\"a@b\""}, WORLD_TOKEN_OK},
        {{.exp = 60, .more = ",\"unique_name\":\"a@b\""}, WORLD_TOKEN_OK},
        {{.exp = 60, .more = ",\"appid\":\"" OID "\""}, WORLD_TOKEN_OK},
        {{.exp = 60, .more = ",\"upn\":\"a@b\",\"groups\":\"x\""}, WORLD_TOKEN_MALFORMED},
        {{.exp = 60, .more = ",\"upn\":\"a@b\",\"groups\":[\"x\"]"}, WORLD_TOKEN_MALFORMED},
        {{.exp = 60, .more = ",\"upn\":\"a@b\",\"groups\":[]"}, WORLD_TOKEN_OK},
        {{.exp = 60, .more = ",\"upn\":\"a@b\",\"groups\":[\"" OID "\"]"}, WORLD_TOKEN_OK},
        {{.exp = 60, .more = ",\"upn\":\"a@b\",\"aud\":\"twice\""}, WORLD_TOKEN_MALFORMED},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        char *token = forge(&rows[i].f);
        world_login login = {0};
        world_token_problem problem = check(token, &login);
        if (problem != rows[i].problem)
            fail_msg("row %zu: %s", i, world_token_problem_text(problem));
        if (problem == WORLD_TOKEN_OK)
            world_login_done(&login);
        es_free_wipe_str(token);
    }
}

static void missing_claim_is_malformed(void **state)
{
    (void)state;
    static const char *const names[] = {"aud", "iss", "tid", "oid", "nbf", "exp"};
    for (size_t i = 0; i < ES_COUNT_OF(names); i++) {
        char *token = forge(&(forged){.exp = 60});
        crypto_jwt jwt;
        es_buf again = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
        world_login login;
        char quoted[16];
        assert_int_equal(crypto_jwt_parse(token, strlen(token), &jwt, NULL), ENTRASQL_OK);
        snprintf(quoted, sizeof quoted, "\"%s\"", names[i]);
        strstr(jwt.claims_json, quoted)[1] = 'X'; /* another name */
        assert_int_equal(crypto_jwt_sign(world_token_key(w), jwt.claims_json, &again, NULL),
                         ENTRASQL_OK);
        assert_int_equal(check(es_buf_cstr(&again), &login), WORLD_TOKEN_MALFORMED);
        crypto_jwt_done(&jwt);
        es_buf_done(&again);
        es_free_wipe_str(token);
    }
}

static void claims_that_are_no_object_are_malformed(void **state)
{
    (void)state;
    static const char *const texts[] = {"[]", "1", "{", "{}", "null", "{\"aud\":1}"};
    for (size_t i = 0; i < ES_COUNT_OF(texts); i++) {
        ES_CLEANUP(es_buf_done) es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
        world_login login;
        assert_int_equal(crypto_jwt_sign(world_token_key(w), texts[i], &token, NULL), ENTRASQL_OK);
        assert_int_equal(check(es_buf_cstr(&token), &login), WORLD_TOKEN_MALFORMED);
    }
}

static void token_of_another_key_is_refused(void **state)
{
    (void)state;
    crypto_key *other = NULL;
    ES_CLEANUP(es_buf_done) es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    world_login login;
    assert_int_equal(crypto_key_generate(&other, NULL), ENTRASQL_OK);
    assert_int_equal(crypto_jwt_sign(other, "{}", &token, NULL), ENTRASQL_OK);
    assert_int_equal(check(es_buf_cstr(&token), &login), WORLD_TOKEN_BAD_SIGNATURE);
    crypto_key_free(other);
}

static char *with_header(const char *header, const char *claims, const char *signature)
{
    es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    assert_int_equal(es_base64url_encode(header, strlen(header), &token), ENTRASQL_OK);
    assert_int_equal(es_buf_printf(&token, ".%s.%s", claims, signature), ENTRASQL_OK);
    return es_buf_take(&token, NULL);
}

/* Headers that try to choose how they are checked, on a token that was good. */
static void header_cannot_choose(void **state)
{
    (void)state;
    static const struct {
        const char *header; /* %s: the right key's id */
        world_token_problem problem;
        const char *message;
    } rows[] = {
        {"{\"alg\":\"none\",\"kid\":\"%s\"}", WORLD_TOKEN_BAD_SIGNATURE, "algorithm is 'none'"},
        {"{\"alg\":\"None\",\"kid\":\"%s\"}", WORLD_TOKEN_BAD_SIGNATURE, "algorithm is 'None'"},
        {"{\"alg\":\"HS256\",\"kid\":\"%s\"}", WORLD_TOKEN_BAD_SIGNATURE, "algorithm is 'HS256'"},
        {"{\"alg\":\"rs256\",\"kid\":\"%s\"}", WORLD_TOKEN_BAD_SIGNATURE, "algorithm is 'rs256'"},
        {"{\"alg\":\"PS256\",\"kid\":\"%s\"}", WORLD_TOKEN_BAD_SIGNATURE, "algorithm is 'PS256'"},
        {"{\"alg\":\"RS256\",\"kid\":\"%s\",\"x\":1}", WORLD_TOKEN_BAD_SIGNATURE,
         "signature"}, /* not as signed */
        {"{\"alg\":\"RS256\",\"kid\":\"x%s\"}", WORLD_TOKEN_BAD_SIGNATURE, "no key is called"},
        {"{\"alg\":\"RS256\"}", WORLD_TOKEN_BAD_SIGNATURE, "names no key"},
        {"{\"alg\":\"RS256\",\"kid\":7}", WORLD_TOKEN_BAD_SIGNATURE, "names no key"},
        {"{\"kid\":\"%s\"}", WORLD_TOKEN_MALFORMED, "header"},
        {"{\"alg\":7,\"kid\":\"%s\"}", WORLD_TOKEN_MALFORMED, "header"},
        {"{\"alg\":\"RS256\",\"kid\":\"%s\",\"crit\":[\"x\"]}", WORLD_TOKEN_MALFORMED, "header"},
        {"{\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", WORLD_TOKEN_MALFORMED,
         "type is 'at+jwt'"},
        {"{\"alg\":\"RS256\",\"alg\":\"none\",\"kid\":\"%s\"}", WORLD_TOKEN_MALFORMED, "header"},
        {"[]", WORLD_TOKEN_MALFORMED, "header"},
    };
    char *good = forge(&(forged){.exp = 60});
    char *claims = strchr(good, '.') + 1, *signature = strchr(claims, '.');
    *signature++ = 0;
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        char header[256];
        const char *at = strstr(rows[i].header, "%s");
        int before = at != NULL ? (int)(at - rows[i].header) : (int)strlen(rows[i].header);
        snprintf(header, sizeof header, "%.*s%s%s", before, rows[i].header,
                 at != NULL ? crypto_key_id(world_token_key(w)) : "", at != NULL ? at + 2 : "");
        char *token = with_header(header, claims, signature);
        world_login login;
        entrasql_error err;
        world_token_problem problem = world_token_check(w, token, strlen(token), &login, &err);
        if (problem != rows[i].problem || strstr(err.message, rows[i].message) == NULL)
            fail_msg("row %zu: %s: %s", i, world_token_problem_text(problem), err.message);
        es_free_wipe_str(token);
    }
    es_free_wipe_str(good);
}

/* The classic: HMAC keyed with what everybody can read from the key list. */
static void hmac_of_the_public_key_is_no_signature(void **state)
{
    (void)state;
    ES_CLEANUP(es_buf_done) es_buf n = ES_BUF_INIT(1024);
    ES_CLEANUP(es_buf_done) es_buf e = ES_BUF_INIT(64);
    ES_CLEANUP(es_buf_done) es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    uint8_t mac[CRYPTO_SHA256_SIZE];
    char header[256];
    world_login login;
    assert_int_equal(crypto_key_public_numbers(world_token_key(w), &n, &e, NULL), ENTRASQL_OK);
    snprintf(header, sizeof header, "{\"alg\":\"RS256\",\"kid\":\"%s\"}",
             crypto_key_id(world_token_key(w)));
    assert_int_equal(es_base64url_encode(header, strlen(header), &token), ENTRASQL_OK);
    assert_int_equal(es_buf_add_str(&token, ".e30"), ENTRASQL_OK);
    assert_int_equal(crypto_hmac_sha256(n.data, n.len, token.data, token.len, mac), ENTRASQL_OK);
    assert_int_equal(es_buf_add_str(&token, "."), ENTRASQL_OK);
    assert_int_equal(es_base64url_encode(mac, sizeof mac, &token), ENTRASQL_OK);
    assert_int_equal(check(es_buf_cstr(&token), &login), WORLD_TOKEN_BAD_SIGNATURE);
}

static void cut_and_garbage_tokens_are_refused(void **state)
{
    (void)state;
    char *token = issue("dev@contoso.example", SQL);
    world_login login;
    for (size_t n = 0; n < strlen(token); n += 3)
        assert_int_not_equal(world_token_check(w, token, n, &login, NULL), WORLD_TOKEN_OK);
    assert_int_equal(world_token_check(w, "\xff\xfe\x00", 3, &login, NULL), WORLD_TOKEN_MALFORMED);
    es_free_wipe_str(token);
}

static void server_without_admin_takes_no_token(void **state)
{
    (void)state;
    const char *other = support_make_dir();
    char copy[256], path[300];
    snprintf(copy, sizeof copy, "%s", other);
    support_write(copy, "s.json",
                  "{\"tenants\":[{\"domain\":\"t\"}],\"apps\":[{\"name\":\"a\"}],\"resources\":"
                  "[\"https://database.windows.net/\"],\"server\":{\"name\":\"s\"}}");
    snprintf(path, sizeof path, "%s/s.json", copy);
    world *saved = w;
    assert_int_equal(world_load(copy, path, true, &w, NULL), ENTRASQL_OK);
    char *token = issue("a", SQL);
    world_login login;
    assert_int_equal(check(token, &login), WORLD_TOKEN_NO_ADMIN);
    es_free_wipe_str(token);
    world_free(w);
    w = saved;
    support_remove_dir(copy);
}

static void group_can_be_the_admin(void **state)
{
    (void)state;
    char copy[256], path[300];
    snprintf(copy, sizeof copy, "%s", support_make_dir());
    support_write(
        copy, "s.json",
        "{\"tenants\":[{\"domain\":\"t\"}],\"users\":[{\"upn\":\"a@t\"},{\"upn\":\"b@t\"}],"
        "\"groups\":[{\"name\":\"g\",\"members\":[\"a@t\"]}],\"resources\":"
        "[\"https://database.windows.net/\"],\"server\":{\"name\":\"s\",\"admin\":\"g\"}}");
    snprintf(path, sizeof path, "%s/s.json", copy);
    world *saved = w;
    assert_int_equal(world_load(copy, path, true, &w, NULL), ENTRASQL_OK);
    world_login login;
    char *token = issue("a@t", SQL);
    assert_int_equal(check(token, &login), WORLD_TOKEN_OK);
    assert_true(login.login.is_admin);
    world_login_done(&login);
    es_free_wipe_str(token);
    token = issue("b@t", SQL);
    assert_int_equal(check(token, &login), WORLD_TOKEN_OK);
    assert_false(login.login.is_admin);
    world_login_done(&login);
    es_free_wipe_str(token);
    world_free(w);
    w = saved;
    support_remove_dir(copy);
}

static void check_survives_lack_of_memory(void **state)
{
    (void)state;
    char *token = issue("dev@contoso.example", SQL);
    world_token_problem problem = WORLD_TOKEN_NO_MEMORY;
    for (unsigned long nth = 1; problem != WORLD_TOKEN_OK; nth++) {
        world_login login;
        es_mem_fail_from(nth);
        problem = world_token_check(w, token, strlen(token), &login, NULL);
        es_mem_fail_from(0);
        if (problem == WORLD_TOKEN_OK)
            world_login_done(&login);
        else
            assert_int_equal(problem, WORLD_TOKEN_NO_MEMORY);
    }
    es_free_wipe_str(token);
}

static void sql_admin_is_dbo(void **state)
{
    (void)state;
    world_login login;
    assert_int_equal(world_set_sql_login(w, "sa", "pw", NULL), ENTRASQL_OK);
    assert_int_equal(world_sql_login(w, &login), ENTRASQL_OK);
    assert_true(login.login.is_admin);
    assert_false(login.login.is_external);
    assert_string_equal(login.login.sql_login, "sa");
    world_login_done(&login);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_token_becomes_an_app_login),
        cmocka_unit_test(person_s_token_becomes_a_user_login),
        cmocka_unit_test(claims_are_those_of_a_v1_token),
        cmocka_unit_test(groups_get_no_token),
        cmocka_unit_test(token_for_another_resource_is_refused),
        cmocka_unit_test(each_claim_decides),
        cmocka_unit_test(missing_claim_is_malformed),
        cmocka_unit_test(claims_that_are_no_object_are_malformed),
        cmocka_unit_test(token_of_another_key_is_refused),
        cmocka_unit_test(header_cannot_choose),
        cmocka_unit_test(hmac_of_the_public_key_is_no_signature),
        cmocka_unit_test(cut_and_garbage_tokens_are_refused),
        cmocka_unit_test(server_without_admin_takes_no_token),
        cmocka_unit_test(group_can_be_the_admin),
        cmocka_unit_test(check_survives_lack_of_memory),
        cmocka_unit_test(sql_admin_is_dbo),
    };
    return cmocka_run_group_tests_name("token", tests, load, unload);
}
