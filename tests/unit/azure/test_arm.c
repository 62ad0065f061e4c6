/* SPDX-License-Identifier: MIT */
/* The client: tries, refusals, long-running operations of each style, lists. */
#include "common.h"

#include "azure/arm_inner.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VM_PATH GROUP_PATH "/providers/Microsoft.Compute/virtualMachines/v"
#define VM_URL VM_PATH "?api-version=2024-07-01"

static const azure_request get_vm = {
    .call = AZURE_VM_GET,
    .arguments = {SUBSCRIPTION, "persons-rg", "v"},
    .what = "reading v",
};

static es_buf empty_object(void)
{
    es_buf b = ES_BUF_INIT(16);
    assert_int_equal(es_buf_add_str(&b, "{}"), ENTRASQL_OK);
    return b;
}

static entrasql_status call(fixture *f, azure_call_id id, const char *last, azure_reply *ret,
                            entrasql_error *err)
{
    es_buf body = empty_object();
    azure_request request = get_vm;
    request.call = id;
    request.arguments[3] = last;
    const char *method = azure_call_get(id)->method;
    bool has_body = strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
    request.body = has_body ? &body : NULL;
    entrasql_status status = azure_arm_call(f->arm, &request, ret, err);
    es_buf_done(&body);
    return status;
}

/* ---- tries ---- */

static void test_token_and_headers(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.body = "{\"id\":\"x\"}", .headers = "ETag: \"7\"\r\n"}};
    PLAY(f, answers);
    entrasql_error err;
    azure_reply reply;
    assert_int_equal(azure_arm_call(f->arm, &get_vm, &reply, &err), ENTRASQL_OK);
    assert_string_equal(reply.etag, "\"7\"");
    assert_non_null(azure_reply_root(&reply));
    azure_reply_done(&reply);
    assert_non_null(strstr(test_server_request(f->server, 0), "\r\nAuthorization: Bearer token-1"));
    assert_string_equal(fixture_line(f, 0), "GET " VM_URL);
}

static void test_throttled(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.status = 429, .headers = "Retry-After: 0\r\n"},
                                   {.status = 503, .headers = "retry-after-ms: 1\r\n"},
                                   {.status = 429, .headers = "x-ms-retry-after-ms: 30\r\n"},
                                   {.act = TEST_CLOSE},
                                   {.body = "{}"}};
    PLAY(f, answers);
    entrasql_error err;
    assert_int_equal(azure_arm_call(f->arm, &get_vm, NULL, &err), ENTRASQL_OK);
    assert_int_equal(test_server_count(f->server), 5);
    assert_int_equal(f->waits, 4);
    assert_string_equal(f->states[0], "throttled by Azure");
    assert_int_equal(f->waited_ms[2], 30);
    assert_string_equal(f->states[3], "connection lost");
}

/* A wait that ends after the deadline is no wait: what Azure said is told. */
static void test_throttled_too_long(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.status = 429,
         .headers = "Retry-After: 600\r\n",
         .body = "{\"error\":{\"code\":\"SubscriptionRequestsThrottled\",\"message\":\"Number of "
                 "'read' requests exceeded.\"}}"}};
    PLAY(f, answers);
    entrasql_error err;
    assert_int_equal(azure_arm_call(f->arm, &get_vm, NULL, &err), ENTRASQL_BUSY);
    assert_int_equal(err.number, 429);
    assert_int_equal(err.error_class, ENTRASQL_CLASS_RETRY);
    assert_non_null(strstr(err.message, "reading v: SubscriptionRequestsThrottled: Number of"));
    assert_int_equal(test_server_count(f->server), 1);
}

static void test_renewed_token(void **state)
{
    fixture *f = *state;
    /* {"access_token":{"nbf":{"value":"1"}}} */
    const test_answer answers[] = {
        {.status = 401,
         .headers = "WWW-Authenticate: Bearer realm=\"\", error=\"insufficient_claims\", "
                    "claims=\"eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7InZhbHVlIjoiMSJ9fX0=\"\r\n"},
        {.body = "{}"}};
    PLAY(f, answers);
    entrasql_error err;
    azure_arm *arm = f->arm;
    f->arm = fixture_client(f, (azure_arm_options){0}); /* with no token in its cache */
    assert_int_equal(azure_arm_call(f->arm, &get_vm, NULL, &err), ENTRASQL_OK);
    assert_string_equal(f->claims, "{\"access_token\":{\"nbf\":{\"value\":\"1\"}}}");
    assert_int_equal(f->tokens, 2);
    const test_answer refused[] = {{.status = 401}, {.status = 401}, {.body = "{}"}};
    PLAY(f, refused);
    assert_int_equal(azure_arm_call(f->arm, &get_vm, NULL, &err), ENTRASQL_AUTH_FAILED);
    assert_int_equal(test_server_count(f->server), 2);
    assert_int_equal(f->tokens, 3);
    azure_arm_free(f->arm);
    f->arm = arm;
}

static void test_lag(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.status = 404, .headers = "Retry-After: 0\r\n", .body = "{\"error\":{\"code\":\"x\"}}"},
        {.status = 400,
         .headers = "Retry-After: 0\r\n",
         .body = "{\"error\":{\"code\":\"PrincipalNotFound\"}}"},
        {.body = "{}"},
        {.status = 404, .headers = "Retry-After: 0\r\n"}};
    PLAY(f, answers);
    entrasql_error err;
    azure_request request = get_vm;
    request.may_lag = true;
    assert_int_equal(azure_arm_call(f->arm, &request, NULL, &err), ENTRASQL_OK);
    assert_string_equal(f->states[0], "not replicated yet");
    /* Nobody said that it may be new. */
    request.may_lag = false;
    assert_int_equal(azure_arm_call(f->arm, &request, NULL, &err), ENTRASQL_NOT_FOUND);
    assert_int_equal(test_server_count(f->server), 4);
    /* Waiting does not make a subscription. */
    const test_answer none[] = {
        {.status = 404, .body = "{\"error\":{\"code\":\"SubscriptionNotFound\"}}"}};
    PLAY(f, none);
    request.may_lag = true;
    assert_int_equal(azure_arm_call(f->arm, &request, NULL, &err), ENTRASQL_NOT_FOUND);
    assert_int_equal(test_server_count(f->server), 1);
}

static void test_conflict(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.status = 409,
         .headers = "Retry-After: 0\r\n",
         .body = "{\"error\":{\"code\":\"AnotherOperationInProgress\"}}"},
        {.body = "{}"},
        {.status = 409, .body = "{\"error\":{\"code\":\"ScopeLocked\",\"message\":\"m\"}}"},
        {.status = 412}};
    PLAY(f, answers);
    entrasql_error err;
    assert_int_equal(azure_arm_call(f->arm, &get_vm, NULL, &err), ENTRASQL_OK);
    assert_int_equal(azure_arm_call(f->arm, &get_vm, NULL, &err), ENTRASQL_AUTH_FAILED);
    assert_non_null(strstr(err.hint, "lock"));
    assert_int_equal(azure_arm_call(f->arm, &get_vm, NULL, &err), ENTRASQL_BUSY);
    assert_non_null(strstr(err.hint, "plan again"));
}

static void test_registration(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.status = 409, .body = "{\"error\":{\"code\":\"MissingSubscriptionRegistration\"}}"},
        {.body = "{\"registrationState\":\"Registering\"}"},
        {.body = "{\"registrationState\":\"Registering\"}"},
        {.body = "{\"registrationState\":\"Registered\"}"},
        {.body = "{}"}};
    PLAY(f, answers);
    entrasql_error err;
    assert_int_equal(azure_arm_call(f->arm, &get_vm, NULL, &err), ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 1),
                        "POST /subscriptions/" SUBSCRIPTION
                        "/providers/Microsoft.Compute/register?api-version=2022-09-01");
    assert_string_equal(fixture_line(f, 4), "GET " VM_URL);
}

/* ---- refusals ---- */

static void test_missing_right(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.status = 403,
         .headers = "x-ms-correlation-request-id: 11111111-aaaa-bbbb-cccc-222222222222\r\n",
         .body = "{\"error\":{\"code\":\"AuthorizationFailed\",\"message\":\"The client 'ada' with "
                 "object id 'o' does not have authorization to perform action "
                 "'Microsoft.Compute/virtualMachines/write' over scope '" VM_PATH
                 "' or the scope is invalid.\"}}"},
        {.status = 403,
         .body =
             "{\"error\":{\"code\":\"LinkedAuthorizationFailed\",\"message\":\"The client 'ada' "
             "with object id 'o' has permission to perform action "
             "'Microsoft.Web/sites/write' on scope '/x'; however, it does not have permission "
             "to perform action(s) "
             "'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action' on the linked "
             "scope(s) '" IDENTITY_ID "' (respectively) or the linked scope(s) are invalid.\"}}"},
        {.status = 403,
         .body =
             "{\"error\":{\"code\":\"RequestDisallowedByPolicy\",\"message\":\"Resource 'v' was "
             "disallowed by policy.\",\"additionalInfo\":[{\"type\":\"PolicyViolation\","
             "\"info\":{\"policyDefinitionDisplayName\":\"No identities\"}}]}}"}};
    PLAY(f, answers);
    entrasql_error err;
    assert_int_equal(azure_arm_call(f->arm, &get_vm, NULL, &err), ENTRASQL_AUTH_FAILED);
    const azure_failure *failure = azure_arm_failure(f->arm);
    assert_string_equal(failure->action, "Microsoft.Compute/virtualMachines/write");
    assert_string_equal(failure->scope, VM_PATH);
    assert_string_equal(failure->role, "Virtual Machine Contributor");
    assert_non_null(strstr(err.hint, "Microsoft.Compute/virtualMachines/write is Virtual Machine "
                                     "Contributor"));
    assert_string_equal(err.correlation_id, "11111111-aaaa-bbbb-cccc-222222222222");
    assert_int_equal(err.number, 403);
    assert_int_equal(azure_arm_call(f->arm, &get_vm, NULL, &err), ENTRASQL_AUTH_FAILED);
    assert_string_equal(failure->action,
                        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action");
    assert_string_equal(failure->scope, IDENTITY_ID);
    assert_string_equal(failure->role, "Managed Identity Operator");
    assert_int_equal(azure_arm_call(f->arm, &get_vm, NULL, &err), ENTRASQL_AUTH_FAILED);
    assert_non_null(strstr(err.message, "(policy: No identities)"));
    assert_non_null(strstr(err.hint, "policy"));
}

static void test_error_forms(void **state)
{
    static const struct {
        const char *body;
        const char *code, *message;
    } cases[] = {
        {"{\"error\":{\"code\":\"A\",\"message\":\"b\"}}", "A", "b"},
        {"{\"code\":\"A\",\"message\":\"b\"}", "A", "b"},
        {"{\"Code\":\"A\",\"Message\":\"b\",\"Details\":[]}", "A", "b"},
        {"<html>Bad gateway</html>", "", ""},
        {"", "", ""},
        {"[]", "", ""},
        {"{\"error\":\"text\",\"code\":5}", "", ""},
        {"{\"error\":{\"code\":\"A\",\"message\":\"x\\u0007y\"}}", "A", "xy"},
        {"{\"error\":{\"code\":\"A\",\"message\":\"'Server=s;Password=top;secret' is bad\"}}", "A",
         NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        http_response answer = {.status = 400, .body = ES_BUF_INIT(4096)};
        assert_int_equal(es_buf_add_str(&answer.body, cases[i].body), ENTRASQL_OK);
        azure_failure f;
        azure_failure_of(&answer, &f);
        assert_string_equal(f.code, cases[i].code);
        if (cases[i].message != NULL)
            assert_string_equal(f.message, cases[i].message);
        assert_null(strstr(f.message, "top"));
        /* Cut anywhere: never a crash, never a word that was not there. */
        for (size_t n = strlen(cases[i].body); n > 0; n--) {
            answer.body.len = n - 1;
            azure_failure_of(&answer, &f);
            assert_int_equal(f.http_status, 400);
        }
        http_response_done(&answer);
    }
}

static void test_masked_passwords(void **state)
{
    static const struct {
        const char *message, *shown;
    } cases[] = {
        {"PWD=a;x", "PWD=*;x"},
        {"pwd = ab", "pwd =***"},
        {"'Password={a;b}c'", "'Password=***"},
        {"the password of", "the password of"},
        {"Password='x';y", "Password='x';y"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[256];
        http_response answer = {.status = 400, .body = ES_BUF_INIT(4096)};
        (void)snprintf(body, sizeof body, "{\"code\":\"A\",\"message\":\"%s\"}", cases[i].message);
        assert_int_equal(es_buf_add_str(&answer.body, body), ENTRASQL_OK);
        azure_failure f;
        azure_failure_of(&answer, &f);
        assert_string_equal(f.message, cases[i].shown);
        http_response_done(&answer);
    }
}

/* ---- long-running operations ---- */

/* Headers that name the server's own address. */
static char *header(fixture *f, const char *name, const char *path)
{
    static char lines[4][512];
    static unsigned next;
    char *line = lines[next++ % 4];
    (void)snprintf(line, sizeof lines[0], "Retry-After: 0\r\n%s: %s%s\r\n", name,
                   test_server_url(f->server), path);
    return line;
}

static void test_async_operation(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.status = 202, .headers = header(f, "Azure-AsyncOperation", "/op?api-version=other")},
        {.body = "{\"status\":\"InProgress\"}", .headers = "Retry-After: 0\r\n"},
        {.status = 500},
        {.body = "{\"status\":\"sUCCEEDED\"}"}};
    PLAY(f, answers);
    entrasql_error err;
    azure_reply reply = {0};
    assert_int_equal(call(f, AZURE_VM_PATCH, NULL, &reply, &err), ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 1), "GET /op?api-version=other");
    assert_int_equal(reply.status, 202);
    assert_null(azure_reply_root(&reply));
    assert_string_equal(f->states[0], "accepted");
    assert_string_equal(f->states[1], "InProgress");
    azure_reply_done(&reply);
}

static void test_async_operation_fails(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.status = 201, .headers = header(f, "Azure-AsyncOperation", "/op")},
        {.body = "{\"status\":\"Failed\",\"error\":{\"code\":\"C\",\"message\":\"words\"}}"}};
    PLAY(f, answers);
    entrasql_error err;
    assert_int_equal(call(f, AZURE_VM_PATCH, NULL, NULL, &err), ENTRASQL_INVALID);
    assert_non_null(strstr(err.message, "ended as Failed: C: words"));
    const test_answer cancelled[] = {
        {.status = 202, .headers = header(f, "Operation-Location", "/op")},
        {.body = "{\"status\":\"Canceled\"}"}};
    PLAY(f, cancelled);
    assert_int_equal(call(f, AZURE_VM_PATCH, NULL, NULL, &err), ENTRASQL_INVALID);
}

/* The status cannot be read (no right to it): the resource is watched instead. */
static void test_status_is_forbidden(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.status = 202, .headers = header(f, "Azure-AsyncOperation", "/op")},
        {.status = 403, .headers = "Retry-After: 0\r\n"},
        {.body = "{\"properties\":{\"provisioningState\":\"Updating\"}}"},
        {.body = "{\"properties\":{\"provisioningState\":\"Succeeded\"}}"}};
    PLAY(f, answers);
    entrasql_error err;
    assert_int_equal(call(f, AZURE_VM_PATCH, NULL, NULL, &err), ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 2), "GET " VM_URL);
    /* Not so for a POST: there is nothing to look at. */
    const test_answer post[] = {{.status = 202, .headers = header(f, "Azure-AsyncOperation", "/o")},
                                {.status = 403}};
    PLAY(f, post);
    assert_int_equal(call(f, AZURE_VMSS_GET, NULL, NULL, &err), ENTRASQL_OK); /* a GET is final */
    PLAY(f, post);
    assert_int_equal(call(f, AZURE_CONTAINER_APP_SECRETS_LIST, NULL, NULL, &err),
                     ENTRASQL_AUTH_FAILED);
}

static void test_location(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.status = 202, .headers = header(f, "Location", "/a")},
                                   {.status = 202, .headers = header(f, "Location", "/b")},
                                   {.status = 202, .headers = "Retry-After: 0\r\n"},
                                   {.status = 200, .body = "{\"value\":7}"}};
    PLAY(f, answers);
    entrasql_error err;
    azure_reply reply = {0};
    assert_int_equal(call(f, AZURE_CONTAINER_APP_SECRETS_LIST, NULL, &reply, &err), ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 1), "GET /a");
    assert_string_equal(fixture_line(f, 2), "GET /b");
    assert_string_equal(fixture_line(f, 3), "GET /b");
    int64_t value = 0;
    assert_int_equal(json_member_i64(azure_reply_root(&reply), "value", &value), ENTRASQL_OK);
    assert_int_equal(value, 7);
    azure_reply_done(&reply);
    const test_answer fails[] = {
        {.status = 202, .headers = header(f, "Location", "/a")},
        {.status = 400, .body = "{\"error\":{\"code\":\"Bad\",\"message\":\"m\"}}"}};
    PLAY(f, fails);
    assert_int_equal(call(f, AZURE_VM_PATCH, NULL, NULL, &err), ENTRASQL_INVALID);
}

/* The result of a POST is at Location when the status resource says that it is done. */
static void test_result_of_post(void **state)
{
    fixture *f = *state;
    char both[512];
    (void)snprintf(both, sizeof both,
                   "Azure-AsyncOperation: %s/op\r\nLocation: %s/result\r\n"
                   "Retry-After: 0\r\n",
                   test_server_url(f->server), test_server_url(f->server));
    const test_answer answers[] = {{.status = 202, .headers = both},
                                   {.body = "{\"status\":\"Succeeded\"}"},
                                   {.body = "{\"value\":[]}"}};
    PLAY(f, answers);
    entrasql_error err;
    azure_reply reply = {0};
    assert_int_equal(call(f, AZURE_CONTAINER_APP_SECRETS_LIST, NULL, &reply, &err), ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 2), "GET /result");
    assert_non_null(json_member(azure_reply_root(&reply), "value"));
    azure_reply_done(&reply);
}

static void test_state_in_body(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {
        {.status = 201, .body = "{\"properties\":{\"provisioningState\":\"Creating\"}}"},
        {.body = "{\"properties\":{\"provisioningState\":\"Creating\"}}"},
        {.body = "{\"properties\":{\"provisioningState\":\"Succeeded\"}}"},
        {.status = 201, .body = "{\"properties\":{}}"},
        {.status = 200, .body = "{\"properties\":{\"provisioningState\":\"Updating\"}}"},
        {.body = "{\"properties\":{\"provisioningState\":\"Failed\"},\"error\":{\"code\":\"C\"}}"}};
    PLAY(f, answers);
    entrasql_error err;
    assert_int_equal(call(f, AZURE_VM_PATCH, NULL, NULL, &err), ENTRASQL_OK);
    assert_int_equal(test_server_count(f->server), 3);
    assert_int_equal(call(f, AZURE_VM_PATCH, NULL, NULL, &err), ENTRASQL_OK);
    assert_int_equal(test_server_count(f->server), 4);
    assert_int_equal(call(f, AZURE_VM_PATCH, NULL, NULL, &err), ENTRASQL_INVALID);
}

static void test_delete(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.status = 202, .headers = header(f, "Location", "/a")},
                                   {.status = 404, .headers = "Retry-After: 0\r\n"},
                                   {.status = 200, .headers = "Retry-After: 0\r\n", .body = "{}"},
                                   {.status = 404}};
    PLAY(f, answers);
    entrasql_error err;
    assert_int_equal(call(f, AZURE_IDENTITY_DELETE, NULL, NULL, &err), ENTRASQL_OK);
    assert_int_equal(test_server_count(f->server), 4);
    const test_answer silent[] = {{.status = 202}};
    PLAY(f, silent);
    assert_int_equal(call(f, AZURE_IDENTITY_DELETE, NULL, NULL, &err), ENTRASQL_MALFORMED);
}

static void test_operation_deadline(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.status = 202, .headers = header(f, "Location", "/a")},
                                   {.status = 202, .headers = "retry-after-ms: 50\r\n"}};
    PLAY(f, answers);
    azure_arm *arm = f->arm;
    f->arm = fixture_client(f, (azure_arm_options){.operation_timeout_ms = 400});
    entrasql_error err;
    assert_int_equal(call(f, AZURE_VM_PATCH, NULL, NULL, &err), ENTRASQL_TIMEOUT);
    assert_non_null(strstr(err.hint, "same command"));
    azure_arm_free(f->arm);
    f->arm = arm;
}

/* ---- addresses ---- */

static void test_foreign_addresses(void **state)
{
    fixture *f = *state;
    static const char *const bad[] = {"https://evil.example/op", "http://localhost/op",    "/op",
                                      "https://localhost:1/op",  "https://u@localhost/op", "x"};
    entrasql_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char line[256];
        (void)snprintf(line, sizeof line, "Azure-AsyncOperation: %s\r\n", bad[i]);
        const test_answer answers[] = {{.status = 202, .headers = line}};
        PLAY(f, answers);
        assert_int_equal(call(f, AZURE_VM_PATCH, NULL, NULL, &err), ENTRASQL_MALFORMED);
        assert_int_equal(test_server_count(f->server), 1);
    }
    azure_arm *azure =
        fixture_client(f, (azure_arm_options){.endpoint = "https://management.azure.com/"});
    static const struct {
        const char *url;
        bool poll, page;
    } cases[] = {
        {"https://management.azure.com/x?y=1", true, true},
        {"https://MANAGEMENT.azure.com/x", true, true},
        {"https://westeurope.management.azure.com/x", true, false},
        {"https://evilmanagement.azure.com/x", false, false},
        {"https://management.azure.com.evil.example/x", false, false},
        {"https://management.azure.com:444/x", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(azure_arm_check_url(azure, cases[i].url, false, &err) == ENTRASQL_OK,
                         cases[i].poll);
        assert_int_equal(azure_arm_check_url(azure, cases[i].url, true, &err) == ENTRASQL_OK,
                         cases[i].page);
    }
    azure_arm_free(azure);
}

static void test_arguments(void **state)
{
    fixture *f = *state;
    static const char *const bad[] = {NULL, "", "a/b", "..", "a?b", "a%2fb", "a#b", "a\nb"};
    const test_answer answers[] = {{.body = "{}"}};
    PLAY(f, answers);
    entrasql_error err;
    azure_request request = get_vm;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        request.arguments[2] = bad[i];
        assert_int_equal(azure_arm_call(f->arm, &request, NULL, &err), ENTRASQL_INVALID);
    }
    request = get_vm;
    request.arguments[0] = "5ab5c810-7e57-4000-8000-00000000000";
    assert_int_equal(azure_arm_call(f->arm, &request, NULL, &err), ENTRASQL_INVALID);
    assert_int_equal(test_server_count(f->server), 0);
    request = get_vm;
    request.arguments[1] = "a (b)";
    assert_int_equal(azure_arm_call(f->arm, &request, NULL, &err), ENTRASQL_OK);
    assert_non_null(strstr(fixture_line(f, 0), "/resourceGroups/a%20%28b%29/"));
    const azure_request of_scope = {
        .call = AZURE_SYSTEM_IDENTITY_GET, .arguments = {VM_PATH}, .what = "x"};
    assert_int_equal(azure_arm_call(f->arm, &of_scope, NULL, &err), ENTRASQL_OK);
    assert_string_equal(fixture_line(f, 1),
                        "GET " VM_PATH "/providers/Microsoft.ManagedIdentity/identities/"
                        "default?api-version=2024-11-30");
    const azure_request no_scope = {
        .call = AZURE_SYSTEM_IDENTITY_GET, .arguments = {"/a/../b"}, .what = "x"};
    assert_int_equal(azure_arm_call(f->arm, &no_scope, NULL, &err), ENTRASQL_INVALID);
}

/* A body without what the table calls required is a defect of ours and is not sent. */
static void test_required(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.body = "{}"}};
    PLAY(f, answers);
    entrasql_error err;
    assert_int_equal(call(f, AZURE_IDENTITY_PUT, NULL, NULL, &err), ENTRASQL_INTERNAL);
    assert_non_null(strstr(err.message, "no location"));
    assert_int_equal(test_server_count(f->server), 0);
}

/* ---- lists ---- */

static entrasql_status count_items(void *context, const json_node *item, entrasql_error *err)
{
    (void)err;
    assert_int_equal(json_node_kind(item), JSON_KIND_INTEGER);
    ++*(unsigned *)context;
    return ENTRASQL_OK;
}

static void test_list(void **state)
{
    fixture *f = *state;
    char page[512];
    (void)snprintf(page, sizeof page, "{\"value\":[1,2],\"nextLink\":\"%s/next?p=2\"}",
                   test_server_url(f->server));
    const test_answer answers[] = {{.body = page}, {.body = "{\"value\":[3],\"nextLink\":\"\"}"}};
    PLAY(f, answers);
    entrasql_error err;
    unsigned count = 0;
    azure_request request = get_vm;
    assert_int_equal(azure_arm_list(f->arm, &request, count_items, &count, &err), ENTRASQL_OK);
    assert_int_equal(count, 3);
    assert_string_equal(fixture_line(f, 1), "GET /next?p=2");
    /* One that never ends. */
    const test_answer endless[] = {{.body = page}};
    PLAY(f, endless);
    assert_int_equal(azure_arm_list(f->arm, &request, count_items, &count, &err), ENTRASQL_LIMIT);
    assert_int_equal(test_server_count(f->server), AZURE_MAX_PAGES);
    const test_answer foreign[] = {
        {.body = "{\"value\":[],\"nextLink\":\"https://evil.example/\"}"}};
    PLAY(f, foreign);
    assert_int_equal(azure_arm_list(f->arm, &request, count_items, &count, &err),
                     ENTRASQL_MALFORMED);
    const test_answer no_list[] = {{.body = "{\"value\":{}}"}};
    PLAY(f, no_list);
    assert_int_equal(azure_arm_list(f->arm, &request, count_items, &count, &err),
                     ENTRASQL_MALFORMED);
}

/* ---- cancelling ---- */

static void *trigger_soon(void *context)
{
    const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
    (void)nanosleep(&pause, NULL);
    entrasql_cancel_trigger(context);
    return NULL;
}

static void test_cancel(void **state)
{
    fixture *f = *state;
    const test_answer answers[] = {{.status = 429, .headers = "Retry-After: 100\r\n"}};
    PLAY(f, answers);
    entrasql_error err;
    entrasql_cancel *cancel = NULL;
    assert_int_equal(entrasql_cancel_new(&cancel, &err), ENTRASQL_OK);
    azure_arm *arm = fixture_client(f, (azure_arm_options){.cancel = cancel});
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, trigger_soon, cancel), 0);
    int64_t begin = es_clock_mono_ms();
    assert_int_equal(azure_arm_call(arm, &get_vm, NULL, &err), ENTRASQL_CANCELLED);
    assert_true(es_clock_mono_ms() - begin < 30000);
    pthread_join(thread, NULL);
    azure_arm_free(arm);
    entrasql_cancel_unref(cancel);
}

/* ---- strange answers ---- */

static void test_strange_answers(void **state)
{
    fixture *f = *state;
    static const struct {
        test_answer answer;
        entrasql_status status;
    } cases[] = {
        {{.body = "<html>sign in</html>"}, ENTRASQL_MALFORMED},
        {{.status = 302, .headers = "Location: https://evil.example/\r\n"}, ENTRASQL_MALFORMED},
        {{.body = "{\"a\":1,\"a\":2}"}, ENTRASQL_MALFORMED},
        {{.body = "xxxxxxxxxxxxxxxx", .repeat = 100000}, ENTRASQL_LIMIT},
    };
    entrasql_error err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_server_play(f->server, &cases[i].answer, 1);
        azure_reply reply = {0};
        assert_int_equal(azure_arm_call(f->arm, &get_vm, &reply, &err), cases[i].status);
        azure_reply_done(&reply);
        assert_int_equal(test_server_count(f->server), 1);
    }
}

static void test_endpoint(void **state)
{
    (void)state;
    static const char *const bad[] = {"http://localhost", "localhost",     "https://h/path",
                                      "https://h?x",      "https://u:p@h", "ftp://h"};
    entrasql_error err;
    entrasql_credential *credential = NULL;
    assert_int_equal(entrasql_azure_cli_credential_new(NULL, &credential, &err), ENTRASQL_OK);
    azure_arm *arm = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const azure_arm_options options = {.credential = credential, .endpoint = bad[i]};
        assert_int_equal(azure_arm_new(&options, &arm, &err), ENTRASQL_CONFIG);
    }
    static const struct {
        const char *authority, *endpoint;
    } clouds[] = {
        {"https://login.microsoftonline.com", "https://management.azure.com"},
        {"login.microsoftonline.us", "https://management.usgovcloudapi.net"},
        {"https://login.chinacloudapi.cn/", "https://management.chinacloudapi.cn"},
        {"https://adfs.example", NULL},
    };
    const azure_arm_options options = {.credential = credential};
    for (size_t i = 0; i < sizeof clouds / sizeof *clouds; i++) {
        assert_int_equal(setenv("AZURE_AUTHORITY_HOST", clouds[i].authority, 1), 0);
        entrasql_status status = azure_arm_new(&options, &arm, &err);
        assert_int_equal(status, clouds[i].endpoint != NULL ? ENTRASQL_OK : ENTRASQL_CONFIG);
        if (status != ENTRASQL_OK)
            continue;
        assert_string_equal(azure_arm_endpoint(arm), clouds[i].endpoint);
        azure_arm_free(arm);
    }
    assert_int_equal(setenv(AZURE_ARM_ENDPOINT_VARIABLE, "https://arm.example:8443/", 1), 0);
    assert_int_equal(azure_arm_new(&options, &arm, &err), ENTRASQL_OK);
    assert_string_equal(azure_arm_endpoint(arm), "https://arm.example:8443");
    azure_arm_free(arm);
    entrasql_credential_unref(credential);
}

#define CASE(name) cmocka_unit_test_setup(name, fixture_reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_token_and_headers),
        CASE(test_throttled),
        CASE(test_throttled_too_long),
        CASE(test_renewed_token),
        CASE(test_lag),
        CASE(test_conflict),
        CASE(test_registration),
        CASE(test_missing_right),
        CASE(test_error_forms),
        CASE(test_masked_passwords),
        CASE(test_async_operation),
        CASE(test_async_operation_fails),
        CASE(test_status_is_forbidden),
        CASE(test_location),
        CASE(test_result_of_post),
        CASE(test_state_in_body),
        CASE(test_delete),
        CASE(test_operation_deadline),
        CASE(test_foreign_addresses),
        CASE(test_arguments),
        CASE(test_required),
        CASE(test_list),
        CASE(test_cancel),
        CASE(test_strange_answers),
        CASE(test_endpoint),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
