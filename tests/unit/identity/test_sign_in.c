/* SPDX-License-Identifier: MIT */
/* identity: people sign in: device code, browser, refresh tokens, the store. */
#include "base/clock.h"
#include "base/mem.h"
#include "common.h"
#include "server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define REFRESH_TOKEN "1.refresh-token-not-real-0123456789"
#define DEVICE_CODE "device-code-not-real-0123456789"
#define CODE "authorization-code-not-real-0123456789"
/* {"uid":"11111111-0000-4000-8000-000000000001","utid":TENANT} */
#define CLIENT_INFO                                                                                \
    "eyJ1aWQiOiIxMTExMTExMS0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJ1dGlkIjoiNzJmOTg4YmYtODZmMS00" \
    "MWFmLTkxYWItMmQ3Y2QwMTFkYjQ3In0"
/* {"oid":"11111111-...-01","tid":TENANT,"preferred_username":"dev@contoso.example"} */
#define ID_TOKEN                                                                                   \
    "eyJhbGciOiJub25lIn0.eyJvaWQiOiIxMTExMTExMS0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJ0aWQiOiI3" \
    "MmY5ODhiZi04NmYxLTQxYWYtOTFhYi0yZDdjZDAxMWRiNDciLCJwcmVmZXJyZWRfdXNlcm5hbWUiOiJkZXZAY29udG9z" \
    "by5leGFtcGxlIn0.c2lnbmF0dXJl"
#define PERSON_REPLY                                                                               \
    "{\"token_type\":\"Bearer\",\"access_token\":\"" TOKEN "\",\"expires_in\":3600,"               \
    "\"refresh_token\":\"" REFRESH_TOKEN "\",\"id_token\":\"" ID_TOKEN                             \
    "\",\"client_info\":\"" CLIENT_INFO "\",\"foci\":\"1\",\"scope\":\"" ENTRASQL_SCOPE_SQL "\"}"
#define DEVICE_REPLY                                                                               \
    "{\"user_code\":\"ABCDEFGHJ\",\"device_code\":\"" DEVICE_CODE                                  \
    "\",\"verification_uri\":\"https://page\",\"expires_in\":900,\"interval\":5,\"message\":"      \
    "\"Open https://page and enter ABCDEFGHJ\"}"
#define OAUTH_ERROR(word, number)                                                                  \
    "{\"error\":\"" word "\",\"error_description\":\"AADSTS" number                                \
    ": text\\r\\nTrace ID: x\",\"error_codes\":[" number "]}"

static test_server *entra;
static char folder[64];

static const char *const hidden[] = {REFRESH_TOKEN, DEVICE_CODE, CODE};

static int start(void **state)
{
    entra = test_server_start(true);
    snprintf(folder, sizeof folder, "/tmp/entrasql-sign-in-XXXXXX");
    return mkdtemp(folder) != NULL ? common_setup(state) : -1;
}

static int stop(void **state)
{
    test_server_stop(entra);
    rmdir(folder);
    return common_teardown(state);
}

static int clean(void **state)
{
    DIR *d = opendir(folder);
    for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    }
    closedir(d);
    return common_clean(state);
}

static entrasql_client_options client_options(void)
{
    return (entrasql_client_options){.size = sizeof(entrasql_client_options),
                                     .authority_host = test_server_url(entra),
                                     .ca_file = test_server_ca_file(entra)};
}

static const char *cache_file(void)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/people.cache", folder);
    return path;
}

static entrasql_cache_options plain_cache(void)
{
    return (entrasql_cache_options){.size = sizeof(entrasql_cache_options),
                                    .enabled = true,
                                    .name = "people.cache",
                                    .directory = folder,
                                    .protection = ENTRASQL_CACHE_PLAIN_FILE};
}

static void check_hidden(const entrasql_error *err)
{
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        assert_null(strstr(err->message, hidden[i]));
        assert_null(strstr(err->hint, hidden[i]));
    }
}

static void get_again(entrasql_credential *c)
{
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .refresh = true};
    entrasql_token *token;
    entrasql_error err;
    if (common_get(c, &request, &token, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    entrasql_token_free(token);
}

/* ---- device code ---- */

static unsigned prompts;
static char prompted[256];

static void prompt(void *context, const entrasql_device_code *code)
{
    assert_ptr_equal(context, &prompts);
    prompts++;
    snprintf(prompted, sizeof prompted, "%s|%s|%s", code->user_code, code->verification_uri,
             code->message);
    assert_in_range(code->expires_on, es_clock_wall_s() + 890, es_clock_wall_s() + 900);
}

static entrasql_credential *new_device(const entrasql_cache_options *cache, bool never_asks)
{
    const entrasql_client_options client = client_options();
    const entrasql_device_code_options options = {
        .size = sizeof options,
        .prompt = prompt,
        .prompt_context = &prompts,
        .cache = cache,
        .disable_automatic_authentication = never_asks,
        .client = &client,
    };
    entrasql_credential *c;
    entrasql_error err;
    prompts = 0;
    if (entrasql_device_code_credential_new(&options, &c, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    return c;
}

static void device_code_is_shown_and_polled(void **state)
{
    (void)state;
    static const test_answer script[] = {
        {.body = DEVICE_REPLY},
        {.status = 400, .body = OAUTH_ERROR("authorization_pending", "70016")},
        {.status = 400, .body = OAUTH_ERROR("slow_down", "70016")},
        {.status = 400, .body = OAUTH_ERROR("authorization_pending", "70016")},
        {.body = PERSON_REPLY}};
    test_server_play(entra, script, 5);
    entrasql_credential *c = new_device(NULL, false);
    (void)common_skipped_ms();
    common_expect_token(c, "DeviceCodeCredential");
    assert_int_equal(prompts, 1);
    assert_string_equal(prompted, "ABCDEFGHJ|https://page|Open https://page and enter ABCDEFGHJ");
    assert_int_equal(test_server_count(entra), 5);
    /* 5 s, 5 s, and after slow_down twice 10 s (RFC 8628 3.5). */
    assert_in_range(common_skipped_ms(), 29000, 30100);
    const char *first = test_server_request(entra, 0);
    assert_non_null(strstr(first, "POST /organizations/oauth2/v2.0/devicecode HTTP"));
    assert_string_equal(strstr(first, "\r\n\r\n") + 4,
                        "client_id=" ENTRASQL_DEVELOPER_CLIENT_ID
                        "&scope=https%3A%2F%2Fdatabase.windows.net%2F.default%20openid%20"
                        "offline_access%20profile");
    const char *poll = test_server_request(entra, 1);
    assert_non_null(strstr(poll, "POST /organizations/oauth2/v2.0/token HTTP"));
    assert_string_equal(strstr(poll, "\r\n\r\n") + 4,
                        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_"
                        "id=" ENTRASQL_DEVELOPER_CLIENT_ID "&device_code=" DEVICE_CODE
                        "&client_info=1");
    /* The next one comes by refresh token, without the person. */
    static const test_answer again[] = {{.body = PERSON_REPLY}};
    test_server_play(entra, again, 1);
    get_again(c);
    assert_int_equal(prompts, 1);
    assert_string_equal(strstr(test_server_request(entra, 0), "\r\n\r\n") + 4,
                        "grant_type=refresh_token&client_id=" ENTRASQL_DEVELOPER_CLIENT_ID
                        "&refresh_token=" REFRESH_TOKEN
                        "&scope=https%3A%2F%2Fdatabase.windows.net%2F.default%20openid%20offline_"
                        "access%20profile&client_info=1");
    entrasql_credential_unref(c);
}

static void device_code_ends_as_the_person_wants(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        entrasql_status status;
        const char *words;
    } rows[] = {
        {OAUTH_ERROR("authorization_declined", "65004"), ENTRASQL_AUTH_FAILED, "refused"},
        {OAUTH_ERROR("expired_token", "70019"), ENTRASQL_TIMEOUT, "in time"},
        {OAUTH_ERROR("code_expired", "70019"), ENTRASQL_TIMEOUT, "in time"},
        {OAUTH_ERROR("bad_verification_code", "70018"), ENTRASQL_AUTH_FAILED, "AADSTS70018"},
        {OAUTH_ERROR("access_denied", "53003"), ENTRASQL_AUTH_FAILED, "AADSTS53003"},
        {"{\"error\":\"x\",\"error_description\":\"" DEVICE_CODE "\"}", ENTRASQL_AUTH_FAILED,
         "***"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        test_answer script[] = {{.body = DEVICE_REPLY}, {.status = 400, .body = rows[i].body}};
        entrasql_error err;
        test_server_play(entra, script, 2);
        entrasql_credential *c = new_device(NULL, false);
        common_expect_failure(c, rows[i].status, &err);
        common_expect_words(&err, rows[i].words);
        check_hidden(&err);
        entrasql_credential_unref(c);
    }
    /* Nobody comes at all. */
    static const test_answer silent[] = {
        {.body = DEVICE_REPLY},
        {.status = 400, .body = OAUTH_ERROR("authorization_pending", "70016")}};
    entrasql_error err;
    test_server_play(entra, silent, 2);
    entrasql_credential *c = new_device(NULL, false);
    (void)common_skipped_ms();
    common_expect_failure(c, ENTRASQL_TIMEOUT, &err);
    assert_in_range(common_skipped_ms(), 880000, 900000);
    entrasql_credential_unref(c);
}

/* The server may say when to come again, not how long the request may take. */
static void device_code_ends_with_the_request(void **state)
{
    (void)state;
    static const test_answer answers[] = {
        {.body = "{\"user_code\":\"x\",\"device_code\":\"" DEVICE_CODE
                 "\",\"verification_uri\":\"https://b\",\"expires_in\":900,\"interval\":60}"}};
    test_server_play(entra, answers, 1);
    entrasql_credential *c = new_device(NULL, false);
    entrasql_token *token = NULL;
    entrasql_error err;
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .timeout_ms = 1000};
    int64_t start_ms = es_clock_mono_ms();
    assert_int_equal(entrasql_credential_get_token(c, &request, &token, &err), ENTRASQL_TIMEOUT);
    assert_true(es_clock_mono_ms() - start_ms < 30000);
    entrasql_credential_unref(c);
}

static void odd_device_answers_are_refused(void **state)
{
    (void)state;
    static const test_answer answers[] = {
        {.body = "{}"},
        {.body = "not json"},
        {.body = "{\"user_code\":1,\"device_code\":\"a\",\"verification_uri\":\"b\"}"},
        {.body = "{\"user_code\":\"x\",\"device_code\":\"\",\"verification_uri\":\"b\"}"},
        {.status = 400, .body = OAUTH_ERROR("unauthorized_client", "700016")},
        {.status = 302, .headers = "Location: https://elsewhere\r\n"},
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        entrasql_error err;
        test_server_play(entra, &answers[i], 1);
        entrasql_credential *c = new_device(NULL, false);
        common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
        assert_int_equal(prompts, 0);
        entrasql_credential_unref(c);
    }
}

static void nobody_is_asked_when_that_is_switched_off(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = PERSON_REPLY}};
    entrasql_error err;
    test_server_play(entra, script, 1);
    entrasql_credential *c = new_device(NULL, true);
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    common_expect_words(&err, "nobody is signed in");
    assert_int_equal(test_server_count(entra), 0);
    entrasql_credential_unref(c);
    const entrasql_device_code_options no_prompt = {.size = sizeof no_prompt};
    assert_int_equal(entrasql_device_code_credential_new(&no_prompt, &c, &err), ENTRASQL_INVALID);
}

/* ---- refresh tokens that are not enough ---- */

static void refused_refresh_token_asks_again(void **state)
{
    (void)state;
    static const char *const words[] = {"invalid_grant", "interaction_required", "login_required",
                                        "consent_required"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char body[256];
        snprintf(body, sizeof body, "{\"error\":\"%s\",\"error_codes\":[50076]}", words[i]);
        test_answer script[] = {{.body = DEVICE_REPLY},
                                {.body = PERSON_REPLY},
                                {.status = 400, .body = body},
                                {.body = DEVICE_REPLY},
                                {.body = PERSON_REPLY}};
        test_server_play(entra, script, 5);
        entrasql_credential *c = new_device(NULL, false);
        common_expect_token(c, "DeviceCodeCredential");
        get_again(c);
        assert_int_equal(prompts, 2);
        entrasql_credential_unref(c);
    }
}

static void other_failures_do_not_ask(void **state)
{
    (void)state;
    static const test_answer script[] = {
        {.body = DEVICE_REPLY},
        {.body = PERSON_REPLY},
        {.status = 400, .body = OAUTH_ERROR("invalid_client", "7000112")}};
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .refresh = true};
    entrasql_token *token;
    entrasql_error err;
    test_server_play(entra, script, 3);
    entrasql_credential *c = new_device(NULL, false);
    common_expect_token(c, "DeviceCodeCredential");
    assert_int_equal(common_get(c, &request, &token, &err), ENTRASQL_AUTH_FAILED);
    assert_int_equal(err.number, 7000112);
    assert_int_equal(prompts, 1);
    entrasql_credential_unref(c);
}

/* ---- the browser ---- */

/* The visitor: what a thread sends to the listener once the page was opened. */
typedef struct visit {
    const char *requests[8]; /* %P port, %S state, %L length of the body; NULL ends */
    const char *expected[8]; /* in each answer */
    char url[8192];
    char port[8];
    char state[64];
    size_t body_length;
    char last_answer[16384];
    unsigned opened;
    bool refuses;
    pthread_t thread;
} visit;

static void take(const char *url, const char *name, char *ret, size_t size)
{
    const char *at = strstr(url, name);
    assert_non_null(at);
    at += strlen(name);
    snprintf(ret, size, "%.*s", (int)strcspn(at, "&"), at);
}

static void expand(const visit *v, const char *text, char *ret, size_t size)
{
    size_t n = 0;
    for (; *text != '\0' && n + 64 < size; text++) {
        if (text[0] == '%' && text[1] == 'L') {
            n += (size_t)snprintf(ret + n, size - n, "%zu", v->body_length);
            text++;
        } else if (text[0] == '%' && (text[1] == 'P' || text[1] == 'S')) {
            n += (size_t)snprintf(ret + n, size - n, "%s", text[1] == 'P' ? v->port : v->state);
            text++;
        } else {
            ret[n++] = *text;
        }
    }
    ret[n] = '\0';
}

static void say(visit *v, const char *request)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(v->port))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t n = 0;
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) {
        /* In two pieces, to cross a border. */
        size_t half = strlen(request) / 2;
        (void)!write(fd, request, half);
        usleep(2000);
        (void)!write(fd, request + half, strlen(request) - half);
        ssize_t got;
        while (n + 1 < sizeof v->last_answer &&
               (got = read(fd, v->last_answer + n, sizeof v->last_answer - 1 - n)) > 0)
            n += (size_t)got;
    }
    v->last_answer[n] = '\0';
    close(fd);
}

static void *visit_run(void *arg)
{
    visit *v = arg;
    for (size_t i = 0; v->requests[i] != NULL; i++) {
        char request[4096];
        char body[2048];
        expand(v, strstr(v->requests[i], "\r\n\r\n") + 4, body, sizeof body);
        v->body_length = strlen(body);
        expand(v, v->requests[i], request, sizeof request);
        say(v, request);
        if (strstr(v->last_answer, v->expected[i]) == NULL) {
            fprintf(stderr, "# request %zu: no '%s' in: %s\n", i, v->expected[i], v->last_answer);
            return v;
        }
    }
    return NULL;
}

static bool open_url(void *context, const char *url)
{
    visit *v = context;
    v->opened++;
    if (v->refuses)
        return false;
    snprintf(v->url, sizeof v->url, "%s", url);
    take(url, "redirect_uri=http%3A%2F%2Flocalhost%3A", v->port, sizeof v->port);
    take(url, "&state=", v->state, sizeof v->state);
    return pthread_create(&v->thread, NULL, visit_run, v) == 0;
}

static entrasql_credential *new_browser(visit *v, const char *hint)
{
    const entrasql_client_options client = client_options();
    const entrasql_interactive_browser_options options = {
        .size = sizeof options,
        .tenant_id = TENANT,
        .login_hint = hint,
        .open_url = open_url,
        .open_url_context = v,
        .client = &client,
    };
    entrasql_credential *c;
    entrasql_error err;
    if (entrasql_interactive_browser_credential_new(&options, &c, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    return c;
}

static void end_visit(visit *v)
{
    void *failed;
    assert_int_equal(pthread_join(v->thread, &failed), 0);
    assert_null(failed);
}

#define FORM_HEAD                                                                                  \
    "POST / HTTP/1.1\r\nHost: localhost:%P\r\nContent-Type: application/x-www-form-urlencoded\r\n" \
    "Content-Length: %L\r\n\r\n"
/* A page that points its own name here. */
#define OTHER_HOST                                                                                 \
    "POST / HTTP/1.1\r\nHost: evil.example:%P\r\nContent-Type: "                                   \
    "application/x-www-form-urlencoded\r\n"                                                        \
    "Content-Length: %L\r\n\r\ncode=evil&state=%S"
#define GOOD_FORM FORM_HEAD "code=" CODE "&state=%S"

static void browser_brings_the_code(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = PERSON_REPLY}};
    static visit v = {.requests = {GOOD_FORM}, .expected = {"You are dev@contoso.example"}};
    test_server_play(entra, script, 1);
    entrasql_credential *c = new_browser(&v, "dev@contoso.example");
    common_expect_token(c, "InteractiveBrowserCredential");
    end_visit(&v);
    assert_int_equal(strncmp(v.url, test_server_url(entra), strlen(test_server_url(entra))), 0);
    static const char *const parts[] = {
        "/" TENANT "/oauth2/v2.0/authorize?client_id=" ENTRASQL_DEVELOPER_CLIENT_ID
        "&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%3A",
        "&scope=https%3A%2F%2Fdatabase.windows.net%2F.default%20openid%20offline_access%20profile&",
        "&code_challenge_method=S256&prompt=select_account&response_mode=form_post&client_info=1",
        "&client_info=1&login_hint=dev%40contoso.example"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        assert_non_null(strstr(v.url, parts[i]));
    assert_non_null(strstr(v.last_answer, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(v.last_answer, "default-src 'none'"));
    assert_null(strstr(v.last_answer, CODE));
    const char *sent = test_server_request(entra, 0);
    assert_non_null(strstr(sent, "grant_type=authorization_code&client_id="));
    assert_non_null(strstr(sent, "&code=" CODE "&code_verifier="));
    /* The verifier is 32 bytes, and is not in the page's address. */
    char verifier[128];
    take(sent, "&code_verifier=", verifier, sizeof verifier);
    assert_int_equal(strlen(verifier), 43);
    assert_null(strstr(v.url, verifier));
    entrasql_credential_unref(c);
}

/* Whoever does not know the state is told so and changes nothing. */
static void strangers_do_not_disturb(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = PERSON_REPLY}};
    static visit v = {
        .requests = {"GET /?code=evil&state=%S HTTP/1.1\r\nHost: localhost:%P\r\n\r\n",
                     FORM_HEAD "code=evil&state=00000000-0000-4000-8000-000000000000",
                     FORM_HEAD "error=access_denied&state=%%%%%%%", OTHER_HOST,
                     "POST / HTTP/1.1\r\nHost: localhost:%P\r\nTransfer-Encoding: chunked\r\n\r\n",
                     "\x16\x03\x01\x02\r\n\r\n", GOOD_FORM},
        .expected = {"405 Method Not Allowed", "400 Bad Request", "400 Bad Request",
                     "400 Bad Request", "400 Bad Request", "400 Bad Request", "You are signed in"},
    };
    test_server_play(entra, script, 1);
    entrasql_credential *c = new_browser(&v, NULL);
    common_expect_token(c, "InteractiveBrowserCredential");
    end_visit(&v);
    assert_int_equal(test_server_count(entra), 1);
    entrasql_credential_unref(c);
}

static void refusals_in_the_browser_are_told(void **state)
{
    (void)state;
    static visit v = {
        .requests = {FORM_HEAD "error=access_denied&error_description=AADSTS65004%3A+User+"
                               "%3Cscript%3Edeclined&state=%S"},
        .expected = {"&lt;script&gt;declined"},
    };
    entrasql_error err;
    static const test_answer none[] = {{.status = 500}};
    test_server_play(entra, none, 1);
    entrasql_credential *c = new_browser(&v, NULL);
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    end_visit(&v);
    assert_int_equal(err.number, 65004);
    assert_null(strstr(v.last_answer, "<script>"));
    assert_int_equal(test_server_count(entra), 0);
    entrasql_credential_unref(c);
    /* Entra takes the code badly. */
    static const test_answer script[] = {
        {.status = 400,
         .body = "{\"error\":\"invalid_grant\",\"error_codes\":[501481],\"error_description\":"
                 "\"AADSTS501481: no " CODE "\"}"}};
    static visit second = {.requests = {GOOD_FORM}, .expected = {"The sign-in failed"}};
    test_server_play(entra, script, 1);
    c = new_browser(&second, NULL);
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    end_visit(&second);
    assert_int_equal(err.number, 501481);
    check_hidden(&err);
    assert_null(strstr(second.last_answer, CODE));
    entrasql_credential_unref(c);
}

static void browser_that_does_not_open_is_unavailable(void **state)
{
    (void)state;
    visit v = {.refuses = true};
    entrasql_error err;
    entrasql_credential *c = new_browser(&v, NULL);
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    assert_int_equal(v.opened, 1);
    common_expect_words(&err, "device code");
    entrasql_credential_unref(c);
    /* Without a display the desktop's opener is not even started. */
    unsetenv("DISPLAY");
    unsetenv("WAYLAND_DISPLAY");
    unsetenv("BROWSER");
    unsetenv("WSL_DISTRO_NAME");
    const entrasql_client_options client = client_options();
    const entrasql_interactive_browser_options options = {.size = sizeof options,
                                                          .client = &client};
    assert_int_equal(entrasql_interactive_browser_credential_new(&options, &c, &err), ENTRASQL_OK);
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    common_expect_words(&err, "no display");
    entrasql_credential_unref(c);
}

static bool open_nothing(void *context, const char *url)
{
    (void)context;
    (void)url;
    return true;
}

static void nobody_in_the_browser_is_a_timeout(void **state)
{
    (void)state;
    const entrasql_client_options client = client_options();
    const entrasql_interactive_browser_options options = {.size = sizeof options,
                                                          .open_url = open_nothing,
                                                          .sign_in_timeout_ms = 120,
                                                          .client = &client};
    entrasql_credential *c;
    entrasql_error err;
    assert_int_equal(entrasql_interactive_browser_credential_new(&options, &c, &err), ENTRASQL_OK);
    common_expect_failure(c, ENTRASQL_TIMEOUT, &err);
    common_expect_words(&err, "in time");
    entrasql_credential_unref(c);
}

/* ---- the store ---- */

static void sign_in(const entrasql_cache_options *cache)
{
    static const test_answer script[] = {{.body = DEVICE_REPLY}, {.body = PERSON_REPLY}};
    test_server_play(entra, script, 2);
    entrasql_credential *c = new_device(cache, false);
    common_expect_token(c, "DeviceCodeCredential");
    assert_int_equal(prompts, 1);
    entrasql_credential_unref(c);
}

static entrasql_credential *new_cached(const entrasql_cache_options *cache, const char *username)
{
    const entrasql_client_options client = client_options();
    const entrasql_cached_sign_in_options options = {
        .size = sizeof options, .username = username, .cache = cache, .client = &client};
    entrasql_credential *c;
    entrasql_error err;
    if (entrasql_cached_sign_in_credential_new(&options, &c, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    return c;
}

static void another_credential_finds_the_sign_in(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = PERSON_REPLY}};
    const entrasql_cache_options cache = plain_cache();
    struct stat st;
    entrasql_error err;
    sign_in(&cache);
    assert_int_equal(stat(cache_file(), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    test_server_play(entra, script, 1);
    entrasql_credential *c = new_cached(&cache, NULL);
    common_expect_token(c, "CachedSignInCredential");
    assert_non_null(strstr(test_server_request(entra, 0), "refresh_token=" REFRESH_TOKEN));
    entrasql_credential_unref(c);
    c = new_cached(&cache, "DEV@contoso.example");
    common_expect_token(c, "CachedSignInCredential");
    entrasql_credential_unref(c);
    c = new_cached(&cache, "other@contoso.example");
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    common_expect_words(&err, "other@contoso.example is not signed in");
    common_expect_words(&err, "entrasql login");
    entrasql_credential_unref(c);
    /* The device code credential, too, in another process as it were. */
    c = new_device(&cache, true);
    common_expect_token(c, "DeviceCodeCredential");
    entrasql_credential_unref(c);
}

static void cached_sign_in_never_asks(void **state)
{
    (void)state;
    static const test_answer script[] = {
        {.status = 400, .body = OAUTH_ERROR("invalid_grant", "700082")}};
    const entrasql_cache_options cache = plain_cache();
    entrasql_error err;
    entrasql_credential *c = new_cached(&cache, NULL);
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    common_expect_words(&err, "nobody is signed in");
    entrasql_credential_unref(c);
    sign_in(&cache);
    test_server_play(entra, script, 1);
    c = new_cached(&cache, NULL);
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    assert_int_equal(err.number, 700082);
    common_expect_words(&err, "AADSTS700082");
    common_expect_words(&err, "entrasql login");
    check_hidden(&err);
    entrasql_credential_unref(c);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

/* What others could have written or may read is not used; what is broken is not overwritten. */
static void files_of_others_are_not_used(void **state)
{
    (void)state;
    const entrasql_cache_options cache = plain_cache();
    entrasql_error err;
    char target[128];
    snprintf(target, sizeof target, "%s/target", folder);
    static const test_answer script[] = {{.body = PERSON_REPLY}};
    test_server_play(entra, script, 1);

    entrasql_credential *c = new_cached(&cache, NULL);
    write_file(cache_file(), "{}", 0644);
    common_expect_failure(c, ENTRASQL_INVALID, &err);
    common_expect_words(&err, "open to other users");
    unlink(cache_file());
    write_file(target, "{}", 0600);
    assert_int_equal(symlink(target, cache_file()), 0);
    common_expect_failure(c, ENTRASQL_INVALID, &err);
    common_expect_words(&err, "symbolic link");
    write_file(cache_file(), "{\"Account\":", 0600);
    common_expect_failure(c, ENTRASQL_MALFORMED, &err);
    common_expect_words(&err, "damaged");
    entrasql_credential_unref(c);
    /* Encrypted was asked for, and this is not. */
    entrasql_cache_options keyring = cache;
    keyring.protection = ENTRASQL_CACHE_KERNEL_KEYRING;
    write_file(cache_file(), "{}", 0600);
    c = new_cached(&keyring, NULL);
    common_expect_failure(c, ENTRASQL_INVALID, &err);
    common_expect_words(&err, "not encrypted");
    entrasql_credential_unref(c);
    assert_int_equal(test_server_count(entra), 0);
    unlink(target);
}

static void several_accounts_must_be_told_apart(void **state)
{
    (void)state;
    const entrasql_cache_options cache = plain_cache();
    entrasql_error err;
    char text[2048];
    snprintf(text, sizeof text,
             "{\"Account\":{\"a\":{\"home_account_id\":\"1.t\",\"environment\":\"localhost\","
             "\"realm\":\"t\",\"username\":\"ann@x\"},\"b\":{\"home_account_id\":\"2.t\","
             "\"environment\":\"localhost\",\"realm\":\"t\",\"username\":\"ben@x\"}},"
             "\"RefreshToken\":{\"c\":{\"home_account_id\":\"1.t\",\"environment\":\"localhost\","
             "\"client_id\":\"%s\",\"secret\":\"r1\"},\"d\":{\"home_account_id\":\"2.t\","
             "\"environment\":\"localhost\",\"client_id\":\"%s\",\"secret\":\"r2\"}}}",
             ENTRASQL_DEVELOPER_CLIENT_ID, ENTRASQL_DEVELOPER_CLIENT_ID);
    write_file(cache_file(), text, 0600);
    entrasql_credential *c = new_cached(&cache, NULL);
    common_expect_failure(c, ENTRASQL_CONFIG, &err);
    common_expect_words(&err, "ann@x, ben@x");
    entrasql_credential_unref(c);
    static const test_answer script[] = {{.body = PERSON_REPLY}};
    test_server_play(entra, script, 1);
    c = new_cached(&cache, "ben@x");
    common_expect_token(c, "CachedSignInCredential");
    assert_non_null(strstr(test_server_request(entra, 0), "&refresh_token=r2&"));
    entrasql_credential_unref(c);
}

/* ---- several at once ---- */

typedef struct asker {
    entrasql_credential *c;
    const char *scope;
    entrasql_status status;
} asker;

static void *ask_run(void *arg)
{
    asker *a = arg;
    const entrasql_token_request request = {.scope = a->scope, .timeout_ms = 20000};
    entrasql_token *token;
    a->status = entrasql_credential_get_token(a->c, &request, &token, NULL);
    if (a->status == ENTRASQL_OK)
        entrasql_token_free(token);
    return NULL;
}

/* Two scopes at once: the person is asked once, the other comes by refresh token. */
static void one_question_at_a_time(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body =
                                              "{\"user_code\":\"A\",\"device_code\":\"" DEVICE_CODE
                                              "\",\"verification_uri\":\"u\",\"interval\":1}"},
                                         {.body = PERSON_REPLY}};
    static entrasql_credential *c;
    const entrasql_client_options client = client_options();
    static unsigned count;
    const entrasql_device_code_options options = {
        .size = sizeof options, .prompt = prompt, .prompt_context = &prompts, .client = &client};
    prompts = 0;
    (void)count;
    test_server_play(entra, script, 2);
    assert_int_equal(entrasql_device_code_credential_new(&options, &c, NULL), ENTRASQL_OK);
    asker askers[2] = {{.c = c, .scope = ENTRASQL_SCOPE_SQL},
                       {.c = c, .scope = ENTRASQL_SCOPE_ARM}};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_run, &askers[i]), 0);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(askers[i].status, ENTRASQL_OK);
    }
    assert_int_equal(prompts, 1);
    assert_int_equal(test_server_count(entra), 3);
    assert_non_null(strstr(test_server_request(entra, 2), "grant_type=refresh_token"));
    entrasql_credential_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(device_code_is_shown_and_polled, clean),
        cmocka_unit_test_setup(device_code_ends_as_the_person_wants, clean),
        cmocka_unit_test_setup(device_code_ends_with_the_request, clean),
        cmocka_unit_test_setup(odd_device_answers_are_refused, clean),
        cmocka_unit_test_setup(nobody_is_asked_when_that_is_switched_off, clean),
        cmocka_unit_test_setup(refused_refresh_token_asks_again, clean),
        cmocka_unit_test_setup(other_failures_do_not_ask, clean),
        cmocka_unit_test_setup(browser_brings_the_code, clean),
        cmocka_unit_test_setup(strangers_do_not_disturb, clean),
        cmocka_unit_test_setup(refusals_in_the_browser_are_told, clean),
        cmocka_unit_test_setup(browser_that_does_not_open_is_unavailable, clean),
        cmocka_unit_test_setup(nobody_in_the_browser_is_a_timeout, clean),
        cmocka_unit_test_setup(another_credential_finds_the_sign_in, clean),
        cmocka_unit_test_setup(cached_sign_in_never_asks, clean),
        cmocka_unit_test_setup(files_of_others_are_not_used, clean),
        cmocka_unit_test_setup(several_accounts_must_be_told_apart, clean),
        cmocka_unit_test_setup_teardown(one_question_at_a_time, clean, clean),
    };
    return cmocka_run_group_tests_name("sign in", tests, start, stop);
}
