/* SPDX-License-Identifier: MIT */
/* People at the emulator's Entra over real HTTP: device code, code with PKCE, refresh tokens. */
#include "support.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/jwt.h"
#include "emulator/entra/entra.h"
#include "emulator/entra/grants.h"
#include "emulator/world/token.h"
#include "http/http.h"
#include "http/text.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLI "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
#define DEV "dev@contoso.example"
#define SCOPE "https://database.windows.net/.default+openid+offline_access+profile"
#define TOKEN_PATH "/organizations/oauth2/v2.0/token"
#define AUTHORIZE "/organizations/oauth2/v2.0/authorize"
#define DEVICE_GRANT "grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=" CLI
#define VERIFIER "verifier-verifier-verifier-verifier-verifier"

static world *w;
static entra *e;
static char dir[256];
static char location[4096];
static char text[64 * 1024];

static int start(void **state)
{
    (void)state;
    entrasql_error err;
    snprintf(dir, sizeof dir, "%s", support_make_dir());
    w = support_load(dir);
    if (entra_start(w, 0, &e, &err) != ENTRASQL_OK) {
        print_error("%s\n", err.message);
        return 1;
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    entra_stop(e);
    world_free(w);
    support_remove_dir(dir);
    return 0;
}

/* Returns the status; body and Location are in text and location. */
static unsigned ask(const char *method, const char *path, const char *body, const char *site)
{
    char url[4096];
    snprintf(url, sizeof url, "%s%s", world_authority(w), path);
    http_request request = {
        .method = method,
        .url = url,
        .headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                    {site != NULL ? "Sec-Fetch-Site" : NULL, site}},
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
    if (response.body.len != 0)
        memcpy(text, response.body.data, response.body.len);
    text[response.body.len] = 0;
    if (http_response_header(&response, "Location", location, sizeof location) != ENTRASQL_OK)
        location[0] = 0;
    unsigned status = response.status;
    http_response_done(&response);
    return status;
}

static unsigned post(const char *path, const char *body)
{
    return ask("POST", path, body, NULL);
}

/* A text member of the answer, copied into a buffer that stays until the next but three. */
static const char *member(const char *name)
{
    static char kept[4][8192];
    static unsigned next;
    json_doc *doc;
    const char *value;
    assert_int_equal(json_doc_parse(text, strlen(text), &doc, NULL), ENTRASQL_OK);
    if (json_member_string(json_doc_root(doc), name, &value, NULL) != ENTRASQL_OK)
        fail_msg("%s is not in: %s", name, text);
    char *copy = kept[next++ % 4];
    snprintf(copy, sizeof kept[0], "%s", value);
    json_doc_free(doc);
    return copy;
}

static void expect_error(unsigned status, const char *error, unsigned number)
{
    char description[32];
    snprintf(description, sizeof description, "AADSTS%u: ", number);
    assert_string_equal(member("error"), error);
    support_assert_has(member("error_description"), description);
    assert_true(status == 400 || status == 401);
}

static void expect_person(const char *token, const char *upn)
{
    world_login login;
    entrasql_error err;
    if (world_token_check(w, token, strlen(token), &login, &err) != WORLD_TOKEN_OK)
        fail_msg("%s", err.message);
    assert_string_equal(login.login_name, upn);
    world_login_done(&login);
}

/* ---- device code ---- */

static void start_device(char device_code[256], char user_code[32])
{
    assert_int_equal(
        post("/organizations/oauth2/v2.0/devicecode", "client_id=" CLI "&scope=" SCOPE), 200);
    snprintf(device_code, 256, "%s", member("device_code"));
    snprintf(user_code, 32, "%s", member("user_code"));
    support_assert_has(member("message"), user_code);
    support_assert_has(member("verification_uri"), "/common/oauth2/deviceauth");
}

static unsigned poll_device(const char *device_code)
{
    char body[512];
    snprintf(body, sizeof body, DEVICE_GRANT "&client_info=1&device_code=%s", device_code);
    es_clock_shift(GRANTS_INTERVAL_S * 1000, 0);
    return post(TOKEN_PATH, body);
}

static unsigned answer_device(const char *user_code, const char *more)
{
    char body[512];
    snprintf(body, sizeof body, "code=%s%s", user_code, more);
    return post("/common/oauth2/deviceauth", body);
}

static void device_code_becomes_a_person_s_tokens(void **state)
{
    (void)state;
    char device_code[256], user_code[32], claims[512];
    start_device(device_code, user_code);
    expect_error(poll_device(device_code), "authorization_pending", 70016);
    /* The page asks who, then whether, then it is done. */
    assert_int_equal(answer_device(user_code, ""), 200);
    support_assert_has(text, "Microsoft Azure CLI");
    support_assert_has(text, "value=\"" DEV "\"");
    assert_int_equal(answer_device(user_code, "&user=" DEV), 200);
    support_assert_has(text, "value=\"accept\"");
    expect_error(poll_device(device_code), "authorization_pending", 70016);
    assert_int_equal(answer_device(user_code, "&user=" DEV "&answer=accept"), 200);
    assert_int_equal(poll_device(device_code), 200);
    expect_person(member("access_token"), DEV);
    support_assert_has(member("scope"), "https://database.windows.net/");
    assert_string_equal(member("foci"), "1");
    ES_CLEANUP(es_buf_done) es_buf info = ES_BUF_INIT(512);
    const char *encoded = member("client_info");
    assert_int_equal(es_base64url_decode(encoded, strlen(encoded), &info), ENTRASQL_OK);
    snprintf(claims, sizeof claims, "{\"uid\":\"%s\",\"utid\":\"%s\"}",
             world_user_find(w, DEV)->object_id, world_home_tenant(w)->id);
    assert_string_equal(es_buf_cstr(&info), claims);
    const char *id_token = member("id_token");
    crypto_jwt jwt;
    assert_int_equal(crypto_jwt_parse(id_token, strlen(id_token), &jwt, NULL), ENTRASQL_OK);
    assert_int_equal(crypto_jwt_verify_rs256(&jwt, world_token_key(w), NULL), ENTRASQL_OK);
    support_assert_has(jwt.claims_json, "\"aud\":\"" CLI "\"");
    support_assert_has(jwt.claims_json, "\"preferred_username\":\"" DEV "\"");
    crypto_jwt_done(&jwt);
    /* For one use. */
    expect_error(poll_device(device_code), "invalid_grant", 54005);
}

static void device_refusals_have_their_numbers(void **state)
{
    (void)state;
    char device_code[256], user_code[32];
    start_device(device_code, user_code);
    assert_int_equal(answer_device(user_code, "&user=nobody&answer=accept"), 400);
    support_assert_has(text, "AADSTS50034");
    assert_int_equal(answer_device(user_code, "&answer=refuse"), 200);
    expect_error(poll_device(device_code), "authorization_declined", 65004);
    assert_int_equal(answer_device(user_code, "&user=" DEV "&answer=accept"), 400);
    assert_int_equal(answer_device("ZZZZZZZZZ", "&user=" DEV "&answer=accept"), 400);
    expect_error(poll_device("nosuchcode"), "bad_verification_code", 70018);

    start_device(device_code, user_code);
    expect_error(poll_device(device_code), "authorization_pending", 70016);
    char body[512];
    snprintf(body, sizeof body, DEVICE_GRANT "&device_code=%s", device_code);
    expect_error(post(TOKEN_PATH, body), "slow_down", 70016);
    es_clock_shift(0, GRANTS_DEVICE_LIFETIME_S);
    expect_error(poll_device(device_code), "expired_token", 70019);
    es_clock_shift(0, -GRANTS_DEVICE_LIFETIME_S);
    /* A page of another site cannot answer. */
    start_device(device_code, user_code);
    snprintf(body, sizeof body, "code=%s&user=" DEV "&answer=accept", user_code);
    assert_int_equal(ask("POST", "/common/oauth2/deviceauth", body, "cross-site"), 403);
    expect_error(poll_device(device_code), "authorization_pending", 70016);
}

static void bad_clients_and_scopes_are_refused(void **state)
{
    (void)state;
    static const char path[] = "/organizations/oauth2/v2.0/devicecode";
    char body[512];
    expect_error(post(path, "client_id=" CLI), "invalid_request", 900144);
    expect_error(post(path, "client_id=" CLI "&scope=openid"), "invalid_scope", 70011);
    expect_error(post(path, "client_id=" CLI "&scope=https%3A%2F%2Fnosuch%2F.default"),
                 "invalid_resource", 500011);
    expect_error(post(path, "client_id=" CLI "&scope=https%3A%2F%2Fdatabase.windows.net%2F.default"
                            "%20https%3A%2F%2Fmanagement.azure.com%2F.default"),
                 "invalid_scope", 28000);
    expect_error(post(path, "client_id=11111111-0000-4000-8000-000000000000&scope=" SCOPE),
                 "unauthorized_client", 700016);
    snprintf(body, sizeof body, "client_id=%s&scope=" SCOPE,
             world_principal_find(w, "ci-app")->client_id);
    expect_error(post(path, body), "invalid_client", 7000218);
    expect_error(post(TOKEN_PATH, "grant_type=refresh_token&client_id=" CLI
                                  "&client_secret=x&refresh_token=1.x&scope=" SCOPE),
                 "invalid_client", 700025);
}

/* ---- code ---- */

static const char *challenge(void)
{
    static char ret[64];
    uint8_t hash[CRYPTO_SHA256_SIZE];
    es_buf encoded = ES_BUF_INIT(64);
    assert_int_equal(crypto_sha256(VERIFIER, strlen(VERIFIER), hash), ENTRASQL_OK);
    assert_int_equal(es_base64url_encode(hash, sizeof hash, &encoded), ENTRASQL_OK);
    snprintf(ret, sizeof ret, "%s", es_buf_cstr(&encoded));
    es_buf_done(&encoded);
    return ret;
}

static unsigned authorize(const char *more)
{
    char body[2048];
    snprintf(body, sizeof body,
             "client_id=" CLI "&response_type=code&redirect_uri=http%%3A%%2F%%2Flocalhost%%3A5555&"
             "scope=" SCOPE "&state=s%%26%%3Ct%%3E&code_challenge=%s&code_challenge_method=S256%s",
             challenge(), more);
    return post(AUTHORIZE, body);
}

static const char *new_code(void)
{
    static char code[256];
    assert_int_equal(authorize("&user=" DEV "&answer=accept"), 302);
    const char *at = strstr(location, "?code=");
    assert_non_null(at);
    assert_true(strncmp(location, "http://localhost:5555?code=", 27) == 0);
    support_assert_has(location, "&state=s%26%3Ct%3E&");
    snprintf(code, sizeof code, "%.*s", (int)strcspn(at + 6, "&"), at + 6);
    return code;
}

static unsigned redeem(const char *code, const char *redirect_uri, const char *verifier)
{
    char body[1024];
    snprintf(body, sizeof body,
             "grant_type=authorization_code&client_id=" CLI "&scope=" SCOPE
             "&client_info=1&code=%s&redirect_uri=%s&code_verifier=%s",
             code, redirect_uri, verifier);
    return post(TOKEN_PATH, body);
}

#define REDIRECT "http://localhost:5555"

static void code_becomes_a_person_s_tokens(void **state)
{
    (void)state;
    char path[2048];
    snprintf(path, sizeof path,
             AUTHORIZE "?client_id=" CLI "&response_type=code&redirect_uri=" REDIRECT
                       "&scope=" SCOPE "&state=1&login_hint=reader@contoso.example");
    assert_int_equal(ask("GET", path, NULL, NULL), 200);
    const char *reader = strstr(text, "value=\"reader@contoso.example\"");
    assert_true(reader != NULL && reader < strstr(text, "value=\"admin@contoso.example\""));
    assert_int_equal(authorize("&user=" DEV), 200);
    support_assert_has(text, "https://database.windows.net/");
    support_assert_has(text, "s&amp;&lt;t&gt;"); /* carried on, escaped */
    assert_int_equal(redeem(new_code(), REDIRECT, VERIFIER), 200);
    expect_person(member("access_token"), DEV);
}

static void form_post_hands_the_code_on(void **state)
{
    (void)state;
    assert_int_equal(authorize("&response_mode=form_post&user=" DEV "&answer=accept"), 200);
    support_assert_has(text, "action=\"http://localhost:5555\"");
    support_assert_has(text, "name=\"code\" value=\"");
    support_assert_has(text, "name=\"state\" value=\"s&amp;&lt;t&gt;\"");
    assert_int_equal(authorize("&response_mode=form_post&answer=refuse"), 200);
    support_assert_has(text, "name=\"error\" value=\"access_denied\"");
}

static void code_refusals_have_their_numbers(void **state)
{
    (void)state;
    const char *code = new_code();
    expect_error(redeem(code, REDIRECT, "another"), "invalid_grant", 501481);
    expect_error(redeem(code, REDIRECT, VERIFIER), "invalid_grant", 54005);
    expect_error(redeem(new_code(), "http%3A%2F%2Flocalhost%3A5556", VERIFIER), "invalid_client",
                 500112);
    expect_error(redeem("nosuch", REDIRECT, VERIFIER), "invalid_grant", 70000);
    code = new_code();
    es_clock_shift(0, GRANTS_CODE_LIFETIME_S);
    expect_error(redeem(code, REDIRECT, VERIFIER), "invalid_grant", 70008);
    es_clock_shift(0, -GRANTS_CODE_LIFETIME_S);
    /* Refused, or silent: the client hears it. */
    assert_int_equal(authorize("&answer=refuse"), 302);
    support_assert_has(location, "error=access_denied&error_description=AADSTS65004");
    assert_int_equal(authorize("&prompt=none"), 302);
    support_assert_has(location, "error=login_required&error_description=AADSTS50058");
    assert_int_equal(authorize("&other=%3Cscript%3E"), 200);
    support_assert_has(text, "<strong>&lt;script&gt;</strong>");
}

/* Where no answer may go the person reads it. */
static void bad_redirects_end_on_a_page(void **state)
{
    (void)state;
    static const char *const uris[] = {"http%3A%2F%2Flocalhost.evil.example",
                                       "http%3A%2F%2Fevil",
                                       "https%3A%2F%2Flocalhost",
                                       "http%3A%2F%2Flocalhost%3A1%2Fx",
                                       "http%3A%2F%2Flocalhost%3A1%40evil",
                                       ""};
    char body[1024];
    for (size_t i = 0; i < ES_COUNT_OF(uris); i++) {
        snprintf(body, sizeof body,
                 "client_id=" CLI "&response_type=code&scope=" SCOPE
                 "&redirect_uri=%s&answer=refuse",
                 uris[i]);
        assert_int_equal(post(AUTHORIZE, body), 400);
        support_assert_has(text, "AADSTS50011");
    }
}

/* ---- refresh ---- */

static unsigned refresh(const char *tenant, const char *token, const char *client_id)
{
    char path[256], body[16384];
    snprintf(path, sizeof path, "/%s/oauth2/v2.0/token", tenant);
    snprintf(
        body, sizeof body,
        "grant_type=refresh_token&client_id=%s&client_info=1&scope=https%%3A%%2F%%2Fmanagement."
        "azure.com%%2F.default%%20openid%%20offline_access&refresh_token=%s",
        client_id, token);
    return post(path, body);
}

static void refresh_token_gives_new_ones(void **state)
{
    (void)state;
    assert_int_equal(redeem(new_code(), REDIRECT, VERIFIER), 200);
    char first[8192];
    snprintf(first, sizeof first, "%s", member("refresh_token"));
    assert_int_equal(refresh("contoso.example", first, CLI), 200);
    assert_string_not_equal(member("refresh_token"), first);
    support_assert_has(member("scope"), "https://management.azure.com/");
    /* A client of the same family may use it; the token is no access token. */
    assert_int_equal(refresh("common", first, "aebc6443-996d-45c2-90f0-388ff96faa56"), 200);
    world_login login;
    assert_int_equal(world_token_check(w, first, strlen(first), &login, NULL),
                     WORLD_TOKEN_MALFORMED);
    assert_int_equal(world_token_check(w, first + 2, strlen(first) - 2, &login, NULL),
                     WORLD_TOKEN_MALFORMED);
    const char *access_token = member("access_token");
    expect_error(refresh("common", access_token, CLI), "invalid_request", 9002313);
    first[strlen(first) - 1] = first[strlen(first) - 1] == 'A' ? 'Q' : 'A';
    expect_error(refresh("common", first, CLI), "invalid_request", 9002313);
    assert_int_equal(redeem(new_code(), REDIRECT, VERIFIER), 200);
    const char *last = member("refresh_token");
    es_clock_shift(0, 90 * 86400);
    expect_error(refresh("common", last, CLI), "invalid_grant", 700082);
    es_clock_shift(0, -90 * 86400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_code_becomes_a_person_s_tokens),
        cmocka_unit_test(device_refusals_have_their_numbers),
        cmocka_unit_test(bad_clients_and_scopes_are_refused),
        cmocka_unit_test(code_becomes_a_person_s_tokens),
        cmocka_unit_test(form_post_hands_the_code_on),
        cmocka_unit_test(code_refusals_have_their_numbers),
        cmocka_unit_test(bad_redirects_end_on_a_page),
        cmocka_unit_test(refresh_token_gives_new_ones),
    };
    return cmocka_run_group_tests_name("sign in", tests, start, stop);
}
