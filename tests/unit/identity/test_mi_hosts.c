/* SPDX-License-Identifier: MIT */
/*
 * identity: managed identities on every host: which is recognised by which
 * variables, what it is asked, what its answers mean. The tables follow the
 * hosts' documentation row by row.
 */
#include "base/clock.h"
#include "common.h"
#include "identity/internal.h"
#include "identity/mi_arc.h"
#include "identity/mi_source.h"
#include "server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NAME "ManagedIdentityCredential"
#define RESOURCE "https%3A%2F%2Fdatabase.windows.net"
#define REPLY                                                                                      \
    "{\"access_token\":\"" TOKEN "\",\"client_id\":\"" CLIENT                                      \
    "\",\"expires_on\":\"4102444800\",\"resource\":\"r\",\"token_type\":\"Bearer\"}"
#define KEY "arc-key-not-real-0123456789"

static test_server *plain;
static test_server *tls;
static char thumbprint[41];
static char folder[64];

static int start(void **state)
{
    plain = test_server_start(false);
    tls = test_server_start(true);
    test_server_thumbprint(tls, thumbprint);
    snprintf(folder, sizeof folder, "/tmp/entrasql-arc-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    return common_setup(state);
}

static int stop(void **state)
{
    char command[128];
    test_server_stop(plain);
    test_server_stop(tls);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) != 0 ? -1 : common_teardown(state);
}

static entrasql_status make(const entrasql_managed_identity_options *options,
                            entrasql_credential **ret, entrasql_error *err)
{
    const identity_managed_identity_inner inner = {.arc_key_directory = folder};
    return identity_managed_identity_new(options, &inner, ret, err);
}

static entrasql_credential *new_credential(const entrasql_managed_identity_options *options)
{
    entrasql_credential *c;
    entrasql_error err;
    if (make(options, &c, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    return c;
}

/* ---- hosts ---- */

enum {
    HOST_APP_SERVICE,
    HOST_LEGACY,
    HOST_FABRIC,
    HOST_ML,
    HOST_ML_DEFAULT,
    HOST_SHELL,
    HOST_ARC,
    HOST_IMDS
};

static void set_url(const char *name, const test_server *s, const char *path)
{
    char url[160];
    snprintf(url, sizeof url, "%s%s", test_server_url(s), path);
    setenv(name, url, 1);
}

static test_server *use_host(int host)
{
    common_clean(NULL);
    switch (host) {
    case HOST_APP_SERVICE:
        set_url("IDENTITY_ENDPOINT", plain, "/msi/token");
        setenv("IDENTITY_HEADER", IDENTITY_HEADER, 1);
        /* Set beside the new ones by App Service. */
        set_url("MSI_ENDPOINT", plain, "/old");
        setenv("MSI_SECRET", "old", 1);
        break;
    case HOST_LEGACY:
    case HOST_ML:
    case HOST_ML_DEFAULT:
        set_url("MSI_ENDPOINT", plain, "/msi/token");
        setenv("MSI_SECRET", IDENTITY_HEADER, 1);
        if (host == HOST_LEGACY)
            setenv("WEBSITE_SITE_NAME", "persons", 1);
        if (host == HOST_ML_DEFAULT)
            setenv("DEFAULT_IDENTITY_CLIENT_ID", "the-default", 1);
        break;
    case HOST_FABRIC:
        set_url("IDENTITY_ENDPOINT", tls, "/metadata/identity/oauth2/token");
        setenv("IDENTITY_HEADER", IDENTITY_HEADER, 1);
        setenv("IDENTITY_SERVER_THUMBPRINT", thumbprint, 1);
        return tls;
    case HOST_SHELL:
        set_url("MSI_ENDPOINT", plain, "/oauth2/token");
        break;
    case HOST_ARC:
        set_url("IDENTITY_ENDPOINT", plain, "/metadata/identity/oauth2/token");
        set_url("IMDS_ENDPOINT", plain, "");
        break;
    default:
        set_url("AZURE_POD_IDENTITY_AUTHORITY_HOST", plain, "");
        /* Container Instances set these without an endpoint, and mean IMDS. */
        setenv("IDENTITY_HEADER", IDENTITY_HEADER, 1);
        setenv("IDENTITY_SERVER_THUMBPRINT", thumbprint, 1);
        break;
    }
    return plain;
}

static const entrasql_managed_identity_options by_client = {.client_id = CLIENT};
static const entrasql_managed_identity_options by_object = {.object_id = CLIENT};
static const entrasql_managed_identity_options by_resource = {.resource_id = "/s/r"};

static void what_each_host_is_asked(void **state)
{
    (void)state;
    static const struct {
        int host;
        const entrasql_managed_identity_options *options; /* NULL: system-assigned */
        const char *line;                                 /* NULL: the id is refused */
        const char *has[3];
        const char *has_not[3];
    } rows[] = {
        {HOST_APP_SERVICE,
         NULL,
         "GET /msi/token?api-version=2019-08-01&resource=" RESOURCE " HTTP/1.1\r\n",
         {"\r\nX-IDENTITY-HEADER: " IDENTITY_HEADER "\r\n"},
         {"Metadata", "secret"}},
        {HOST_APP_SERVICE,
         &by_client,
         "GET /msi/token?api-version=2019-08-01&resource=" RESOURCE "&client_id=" CLIENT " HTTP",
         {NULL},
         {NULL}},
        {HOST_APP_SERVICE,
         &by_object,
         "GET /msi/token?api-version=2019-08-01&resource=" RESOURCE "&object_id=" CLIENT " HTTP",
         {NULL},
         {NULL}},
        {HOST_APP_SERVICE,
         &by_resource,
         "GET /msi/token?api-version=2019-08-01&resource=" RESOURCE "&mi_res_id=%2Fs%2Fr HTTP",
         {NULL},
         {NULL}},
        {HOST_LEGACY,
         NULL,
         "GET /msi/token?api-version=2017-09-01&resource=" RESOURCE " HTTP/1.1\r\n",
         {"\r\nsecret: " IDENTITY_HEADER "\r\n"},
         {"Metadata", "X-IDENTITY"}},
        {HOST_LEGACY,
         &by_client,
         "GET /msi/token?api-version=2017-09-01&resource=" RESOURCE "&clientid=" CLIENT " HTTP",
         {NULL},
         {NULL}},
        {HOST_LEGACY,
         &by_object,
         NULL,
         {"App Service of 2017", "this kind of id", "client id"},
         {NULL}},
        {HOST_LEGACY, &by_resource, NULL, {"App Service of 2017"}, {NULL}},
        {HOST_FABRIC,
         NULL,
         "GET /metadata/identity/oauth2/token?api-version=2019-07-01-preview&resource=" RESOURCE
         " HTTP/1.1\r\n",
         {"\r\nsecret: " IDENTITY_HEADER "\r\n"},
         {"Metadata", "X-IDENTITY"}},
        {HOST_FABRIC, &by_client, NULL, {"Service Fabric", "one identity"}, {NULL}},
        {HOST_FABRIC, &by_object, NULL, {"Service Fabric"}, {NULL}},
        {HOST_FABRIC, &by_resource, NULL, {"Service Fabric"}, {NULL}},
        {HOST_ML,
         NULL,
         "GET /msi/token?api-version=2017-09-01&resource=" RESOURCE " HTTP/1.1\r\n",
         {"\r\nsecret: " IDENTITY_HEADER "\r\n"},
         {"X-IDENTITY", "clientid"}},
        {HOST_ML_DEFAULT,
         NULL,
         "GET /msi/token?api-version=2017-09-01&resource=" RESOURCE "&clientid=the-default HTTP",
         {NULL},
         {NULL}},
        {HOST_ML_DEFAULT,
         &by_client,
         "GET /msi/token?api-version=2017-09-01&resource=" RESOURCE "&clientid=" CLIENT " HTTP",
         {NULL},
         {"the-default"}},
        {HOST_ML, &by_object, NULL, {"Azure Machine Learning", "client id"}, {NULL}},
        {HOST_ML, &by_resource, NULL, {"Azure Machine Learning"}, {NULL}},
        {HOST_SHELL,
         NULL,
         "POST /oauth2/token HTTP/1.1\r\n",
         {"\r\nMetadata: true\r\n", "\r\nContent-Type: application/x-www-form-urlencoded\r\n",
          "\r\n\r\nresource=" RESOURCE},
         {"api-version", "secret"}},
        {HOST_SHELL, &by_client, NULL, {"Cloud Shell"}, {NULL}},
        {HOST_SHELL, &by_object, NULL, {"Cloud Shell"}, {NULL}},
        {HOST_SHELL, &by_resource, NULL, {"Cloud Shell"}, {NULL}},
        {HOST_IMDS,
         NULL,
         "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=" RESOURCE " HTTP",
         {"\r\nMetadata: true\r\n"},
         {"secret", "X-IDENTITY"}},
        {HOST_IMDS,
         &by_resource,
         "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=" RESOURCE
         "&msi_res_id=%2Fs%2Fr HTTP",
         {NULL},
         {NULL}},
    };
    static const test_answer script[] = {{.body = REPLY}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        entrasql_credential *c;
        entrasql_error err;
        test_server *host = use_host(rows[i].host);
        test_server_play(host, script, 1);
        entrasql_status status = make(rows[i].options, &c, &err);
        if (rows[i].line == NULL) {
            assert_int_equal(status, ENTRASQL_INVALID);
            for (size_t k = 0; k < 3 && rows[i].has[k] != NULL; k++)
                common_expect_words(&err, rows[i].has[k]);
            continue;
        }
        assert_int_equal(status, ENTRASQL_OK);
        common_expect_token(c, NAME);
        assert_int_equal(test_server_count(host), 1);
        const char *sent = test_server_request(host, 0);
        if (strncmp(sent, rows[i].line, strlen(rows[i].line)) != 0)
            fail_msg("row %zu: %s", i, sent);
        for (size_t k = 0; k < 3; k++) {
            if (rows[i].has[k] != NULL && strstr(sent, rows[i].has[k]) == NULL)
                fail_msg("row %zu: no %s in %s", i, rows[i].has[k], sent);
            if (rows[i].has_not[k] != NULL && strstr(sent, rows[i].has_not[k]) != NULL)
                fail_msg("row %zu: %s in %s", i, rows[i].has_not[k], sent);
        }
        entrasql_credential_unref(c);
    }
}

/* ---- answers ---- */

#define DESCRIBED(code, text) "{\"error\":\"" code "\",\"error_description\":\"" text "\"}"

/* The table of what IMDS and the other hosts say, and what is made of it. */
static void what_each_answer_means(void **state)
{
    (void)state;
    static const struct {
        int host;
        const entrasql_managed_identity_options *options;
        test_answer answer;
        entrasql_status status;
        unsigned requests; /* how often it is asked */
        const char *words[3];
    } rows[] = {
        {HOST_IMDS,
         NULL,
         {.status = 400,
          .body = DESCRIBED("bad_request_102", "Required metadata header not specified")},
         ENTRASQL_UNAVAILABLE,
         1,
         {"bad_request_102", "header that was sent did not arrive"}},
        {HOST_IMDS,
         NULL,
         {.status = 400, .body = DESCRIBED("invalid_request", "Identity not found")},
         ENTRASQL_UNAVAILABLE,
         1,
         {"system-assigned identity", "switch the system-assigned"}},
        {HOST_IMDS,
         &by_client,
         {.status = 400, .body = DESCRIBED("invalid_request", "Identity not found")},
         ENTRASQL_AUTH_FAILED,
         1,
         {"isn't assigned to this resource", "AZURE_CLIENT_ID"}},
        {HOST_IMDS,
         NULL,
         {.status = 400,
          .body = DESCRIBED("invalid_request", "Multiple user assigned identities exist, please "
                                               "specify the clientId / resourceId")},
         ENTRASQL_UNAVAILABLE,
         1,
         {"several identities", "AZURE_CLIENT_ID"}},
        {HOST_IMDS,
         &by_client,
         {.status = 400, .body = DESCRIBED("invalid_resource", "AADSTS50001: not found")},
         ENTRASQL_AUTH_FAILED,
         1,
         {"AADSTS50001", "https://database.windows.net/.default"}},
        {HOST_IMDS,
         NULL,
         {.status = 401, .body = DESCRIBED("unknown_source", "x")},
         ENTRASQL_AUTH_FAILED,
         1,
         {"unknown_source", "between here and the endpoint"}},
        {HOST_IMDS,
         NULL,
         {.status = 403, .body = "A socket operation: unreachable network"},
         ENTRASQL_UNAVAILABLE,
         1,
         {"HTTP 403", "unreachable"}},
        {HOST_IMDS,
         NULL,
         {.status = 404, .body = "{}"},
         ENTRASQL_AUTH_FAILED,
         7,
         {"404", "70 seconds"}},
        {HOST_IMDS,
         NULL,
         {.status = 410, .body = "{}"},
         ENTRASQL_AUTH_FAILED,
         7,
         {"410", "70 seconds"}},
        {HOST_IMDS,
         NULL,
         {.status = 429, .body = DESCRIBED("Temporarily throttled", "too many requests")},
         ENTRASQL_AUTH_FAILED,
         7,
         {"429", "keep tokens", "whole machine"}},
        {HOST_IMDS, NULL, {.status = 500, .body = "{}"}, ENTRASQL_AUTH_FAILED, 7, {"500", "later"}},
        {HOST_IMDS,
         NULL,
         {.status = 502, .body = "bad gateway"},
         ENTRASQL_UNAVAILABLE,
         7,
         {"proxy or gateway", "502"}},
        {HOST_IMDS,
         NULL,
         {.status = 504, .body = "bad gateway"},
         ENTRASQL_UNAVAILABLE,
         7,
         {"proxy or gateway", "504"}},
        {HOST_APP_SERVICE,
         &by_client,
         {.status = 400,
          .body = "{\"statusCode\":400,\"message\":\"No Managed Identity found for specified "
                  "ClientId/ResourceId/PrincipalId.\",\"correlationId\":\"c-2\"}"},
         ENTRASQL_AUTH_FAILED,
         1,
         {"No Managed Identity found", "isn't assigned"}},
        {HOST_APP_SERVICE,
         NULL,
         {.status = 429, .body = "{}"},
         ENTRASQL_AUTH_FAILED,
         4,
         {"429", "keep tokens"}},
        {HOST_LEGACY,
         NULL,
         {.status = 401, .body = "{\"message\":\"no\"}"},
         ENTRASQL_AUTH_FAILED,
         1,
         {"MSI_SECRET", "App Service of 2017"}},
        {HOST_FABRIC,
         NULL,
         {.status = 404,
          .body = "{\"error\":{\"correlationId\":\"c-3\",\"code\":\"ManagedIdentityNotFound\","
                  "\"message\":\"A managed identity was not found.\"}}"},
         ENTRASQL_AUTH_FAILED,
         1,
         {"ManagedIdentityNotFound): A managed identity was not found.", "isn't assigned",
          "manifest"}},
        {HOST_FABRIC,
         NULL,
         {.status = 401,
          .body = "{\"error\":{\"correlationId\":\"c\",\"code\":\"SecretHeaderNotFound\","
                  "\"message\":\"Secret is not found in the request headers.\"}}"},
         ENTRASQL_AUTH_FAILED,
         1,
         {"SecretHeaderNotFound", "IDENTITY_HEADER"}},
        {HOST_FABRIC,
         NULL,
         {.status = 500, .body = "{\"error\":{\"code\":\"InternalServerError\"}}"},
         ENTRASQL_AUTH_FAILED,
         4,
         {"InternalServerError", "later"}},
        {HOST_ML,
         &by_client,
         {.status = 400, .body = "{\"error\":\"bad\"}"},
         ENTRASQL_AUTH_FAILED,
         1,
         {"Azure Machine Learning", "client id " CLIENT}},
        {HOST_SHELL,
         NULL,
         {.status = 400, .body = "{\"error\":{\"code\":\"AudienceNotSupported\"}}"},
         ENTRASQL_AUTH_FAILED,
         1,
         {"Cloud Shell", "AudienceNotSupported"}},
        {HOST_SHELL, NULL, {.body = "<html>"}, ENTRASQL_AUTH_FAILED, 1, {"not the JSON"}},
    };
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .timeout_ms = 300000};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        entrasql_token *token;
        entrasql_error err;
        test_server *host = use_host(rows[i].host);
        test_server_play(host, &rows[i].answer, 1);
        entrasql_credential *c = new_credential(rows[i].options);
        entrasql_status status = common_get(c, &request, &token, &err);
        if (status != rows[i].status)
            fail_msg("row %zu: %s: %s", i, entrasql_status_name(status), err.message);
        common_check_error(&err);
        for (size_t k = 0; k < 3 && rows[i].words[k] != NULL; k++)
            common_expect_words(&err, rows[i].words[k]);
        if (test_server_count(host) != rows[i].requests)
            fail_msg("row %zu: asked %u times", i, test_server_count(host));
        entrasql_credential_unref(c);
    }
}

static void expiry_in_each_form(void **state)
{
    (void)state;
    static const struct {
        int host;
        const char *expiry;
        int64_t expires_on;
    } rows[] = {
        {HOST_APP_SERVICE, "\"expires_on\":\"4102444800\"", 4102444800},
        {HOST_LEGACY, "\"expires_on\":\"1/1/2100 12:00:00 AM +00:00\"", 4102444800},
        {HOST_LEGACY, "\"expires_on\":\"01/01/2100 00:00:00 +00:00\"", 4102444800},
        {HOST_FABRIC, "\"expires_on\":4102444800", 4102444800},
        {HOST_ML, "\"expires_on\":\"2100-01-01T00:00:00Z\"", 4102444800},
        {HOST_ML, "\"expires_on\":\"4102444800\"", 4102444800},
        {HOST_SHELL, "\"expires_on\":\"4102444800\",\"not_before\":\"1\"", 4102444800},
        {HOST_IMDS, "\"expires_on\":\"Fri, 01 Jan 2100 00:00:00 GMT\"", 4102444800},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char body[512];
        entrasql_token *token;
        entrasql_error err;
        snprintf(body, sizeof body, "{\"access_token\":\"" TOKEN "\",%s}", rows[i].expiry);
        const test_answer answer = {.body = body};
        test_server *host = use_host(rows[i].host);
        test_server_play(host, &answer, 1);
        entrasql_credential *c = new_credential(NULL);
        assert_int_equal(
            common_get(c, &(entrasql_token_request){.scope = ENTRASQL_SCOPE_SQL}, &token, &err),
            ENTRASQL_OK);
        assert_int_equal(entrasql_token_expires_on(token), rows[i].expires_on);
        entrasql_token_free(token);
        entrasql_credential_unref(c);
    }
}

/* ---- Service Fabric ---- */

static void only_the_named_certificate(void **state)
{
    (void)state;
    static const test_answer good[] = {{.body = REPLY}};
    static const test_answer redirect[] = {{.status = 302, .headers = "Location: /other\r\n"}};
    char spelled[128];
    size_t n = 0;
    entrasql_error err;
    /* Colons, blanks and lower case do not matter. */
    for (size_t i = 0; i < 40; i++) {
        char c = thumbprint[i];
        spelled[n++] = (char)(c >= 'A' ? c + 32 : c);
        if (i % 2 == 1 && i != 39)
            spelled[n++] = i % 4 == 1 ? ':' : ' ';
    }
    spelled[n] = '\0';
    use_host(HOST_FABRIC);
    setenv("IDENTITY_SERVER_THUMBPRINT", spelled, 1);
    test_server_play(tls, good, 1);
    entrasql_credential *c = new_credential(NULL);
    common_expect_token(c, NAME);
    entrasql_credential_unref(c);
    /* Another certificate: nothing is sent, not even when its issuer is trusted. */
    thumbprint[39] = thumbprint[39] == '0' ? '1' : '0';
    use_host(HOST_FABRIC);
    thumbprint[39] = '\0';
    test_server_thumbprint(tls, thumbprint);
    setenv("SSL_CERT_FILE", test_server_ca_file(tls), 1);
    test_server_play(tls, good, 1);
    c = new_credential(NULL);
    common_expect_failure(c, ENTRASQL_TLS, &err);
    common_expect_words(&err, "thumbprint");
    assert_null(strstr(test_server_count(tls) != 0 ? test_server_request(tls, 0) : "", "secret"));
    entrasql_credential_unref(c);
    /* The secret goes nowhere else. */
    use_host(HOST_FABRIC);
    test_server_play(tls, redirect, 1);
    c = new_credential(NULL);
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    common_expect_words(&err, "302");
    assert_int_equal(test_server_count(tls), 1);
    entrasql_credential_unref(c);
}

static void bad_thumbprints_and_http_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"x", "00", "0123456789012345678901234567890123456789a",
                                      "g123456789012345678901234567890123456789"};
    entrasql_error err;
    for (size_t i = 0; i < 4; i++) {
        use_host(HOST_FABRIC);
        setenv("IDENTITY_SERVER_THUMBPRINT", bad[i], 1);
        test_server_play(tls, NULL, 0);
        entrasql_credential *c = new_credential(NULL);
        common_expect_failure(c, ENTRASQL_CONFIG, &err);
        common_expect_words(&err, "IDENTITY_SERVER_THUMBPRINT");
        entrasql_credential_unref(c);
    }
    use_host(HOST_FABRIC);
    set_url("IDENTITY_ENDPOINT", plain, "/");
    entrasql_credential *c = new_credential(NULL);
    common_expect_failure(c, ENTRASQL_CONFIG, &err);
    common_expect_words(&err, "not https");
    assert_int_equal(test_server_count(tls), 0);
    entrasql_credential_unref(c);
}

/* ---- Azure Arc ---- */

static char challenge[256];

static const char *write_key(const char *name, const char *text, size_t n)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    snprintf(challenge, sizeof challenge, "WWW-Authenticate: Basic realm=%s\r\n", path);
    return path;
}

static void arc_asks_for_its_key(void **state)
{
    (void)state;
    static const struct {
        const entrasql_managed_identity_options *options;
        const char *query;
        const char *body;
    } rows[] = {
        {NULL, "", REPLY},
        {&by_client, "&client_id=" CLIENT, REPLY},
        {&by_object, "&object_id=" CLIENT,
         "{\"access_token\":\"" TOKEN "\",\"expires_in\":\"3600\",\"object_id\":\"" CLIENT "\"}"},
        {&by_resource, "&msi_res_id=%2Fs%2Fr",
         "{\"access_token\":\"" TOKEN "\",\"expires_in\":\"3600\",\"mi_res_id\":\"/S/R\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[512];
        use_host(HOST_ARC);
        write_key("1.key", KEY "\n", sizeof KEY);
        const test_answer script[] = {{.status = 401, .headers = challenge},
                                      {.body = rows[i].body}};
        test_server_play(plain, script, 2);
        entrasql_credential *c = new_credential(rows[i].options);
        common_expect_token(c, NAME);
        assert_int_equal(test_server_count(plain), 2);
        snprintf(line, sizeof line,
                 "GET /metadata/identity/oauth2/token?api-version=2020-06-01&resource=%s%s "
                 "HTTP/1.1\r\n",
                 RESOURCE, rows[i].query);
        for (unsigned k = 0; k < 2; k++) {
            const char *sent = test_server_request(plain, k);
            assert_int_equal(strncmp(sent, line, strlen(line)), 0);
            assert_non_null(strstr(sent, "\r\nMetadata: true\r\n"));
        }
        assert_null(strstr(test_server_request(plain, 0), "Authorization"));
        assert_non_null(
            strstr(test_server_request(plain, 1), "\r\nAuthorization: Basic " KEY "\r\n"));
        entrasql_credential_unref(c);
    }
}

/* An agent that does not know the id answers for the system-assigned identity. */
static void arc_must_answer_for_the_identity_asked_for(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"access_token\":\"" TOKEN "\",\"expires_in\":\"3600\"}",
        "{\"access_token\":\"" TOKEN "\",\"expires_in\":\"3600\",\"client_id\":\"other\"}",
        "{\"access_token\":\"" TOKEN "\",\"expires_in\":\"3600\",\"object_id\":\"" CLIENT "\"}"};
    for (size_t i = 0; i < 3; i++) {
        entrasql_error err;
        use_host(HOST_ARC);
        write_key("1.key", KEY, sizeof KEY - 1);
        const test_answer script[] = {{.status = 401, .headers = challenge}, {.body = bodies[i]}};
        test_server_play(plain, script, 2);
        entrasql_credential *c = new_credential(&by_client);
        common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
        common_expect_words(&err, "another identity than");
        common_expect_words(&err, "upgrade");
        entrasql_credential_unref(c);
    }
}

static void expect_no_key_sent(const test_answer *script, const char *words)
{
    entrasql_error err;
    test_server_play(plain, script, 1);
    entrasql_credential *c = new_credential(NULL);
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    common_expect_words(&err, words);
    if (strstr(err.message, KEY) != NULL)
        fail_msg("the key is in the error");
    assert_int_equal(test_server_count(plain), 1);
    entrasql_credential_unref(c);
}

static void arc_reads_no_other_file(void **state)
{
    (void)state;
    static char big[4098];
    char outside[128];
    char path[300];
    char header[512];
    memset(big, 'k', sizeof big);
    snprintf(outside, sizeof outside, "%s-outside.key", folder);
    FILE *f = fopen(outside, "w");
    assert_non_null(f);
    fputs(KEY, f);
    fclose(f);
    use_host(HOST_ARC);
    write_key("1.key", KEY, sizeof KEY - 1);
    write_key("1.txt", KEY, sizeof KEY - 1);
    write_key(".key", KEY, sizeof KEY - 1);
    write_key("empty.key", "", 0);
    write_key("two.key", KEY "\nX: y", sizeof KEY + 4);
    write_key("big.key", big, sizeof big - 1);
    snprintf(path, sizeof path, "%s/link.key", folder);
    assert_int_equal(symlink(outside, path), 0);
    snprintf(path, sizeof path, "%s/fifo.key", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(path, sizeof path, "%s/dir.key", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    static const struct {
        const char *realm; /* %s: the folder */
        const char *words;
    } rows[] = {
        {"Basic realm=%s-outside.key", "outside of the agent's folder"},
        {"Basic realm=%s/../1.key", "outside of the agent's folder"},
        {"Basic realm=%s/dir.key/1.key", "outside of the agent's folder"},
        {"Basic realm=/etc/passwd", "outside of the agent's folder"},
        {"Basic realm=1.key", "outside of the agent's folder"},
        {"Basic realm=%s//1.key", "outside of the agent's folder"},
        {"Basic realm=%s/1.txt", "not a key"},
        {"Basic realm=%s/.key", "not a key"},
        {"Basic realm=%s/1.key=1", "not allowed"},
        {"Basic realm=\"%s/1.key\"", "not allowed"},
        {"Basic realm=%s/1.key, charset", "not allowed"},
        {"Bearer realm=%s/1.key", "Basic realm"},
        {"Basic %s/1.key", "Basic realm"},
        {"Basic realm=%s/none.key", "himds"},
        {"Basic realm=%s/link.key", "symbolic link"},
        {"Basic realm=%s/fifo.key", "not a regular file"},
        {"Basic realm=%s/dir.key", "not a regular file"},
        {"Basic realm=%s/big.key", "4096"},
        {"Basic realm=%s/empty.key", "cannot be used"},
        {"Basic realm=%s/two.key", "cannot be used"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *place = strstr(rows[i].realm, "%s");
        if (place != NULL)
            snprintf(path, sizeof path, "%.*s%s%s", (int)(place - rows[i].realm), rows[i].realm,
                     folder, place + 2);
        else
            snprintf(path, sizeof path, "%s", rows[i].realm);
        snprintf(header, sizeof header, "WWW-Authenticate: %s\r\n", path);
        const test_answer script[] = {{.status = 401, .headers = header}};
        expect_no_key_sent(script, rows[i].words);
    }
    /* Just as large as it may be. */
    write_key("max.key", big, 4096);
    const test_answer script[] = {{.status = 401, .headers = challenge}, {.body = REPLY}};
    test_server_play(plain, script, 2);
    entrasql_credential *c = new_credential(NULL);
    common_expect_token(c, NAME);
    entrasql_credential_unref(c);
    unlink(outside);
}

static void arc_without_a_challenge_is_refused(void **state)
{
    (void)state;
    static const test_answer token[] = {{.body = REPLY}};
    static const test_answer bare[] = {{.status = 401, .body = "{}"}};
    static const test_answer redirect[] = {{.status = 307, .headers = "Location: /x\r\n"}};
    static const test_answer refused[] = {
        {.status = 400, .body = DESCRIBED("invalid_request", "bad resource")}};
    use_host(HOST_ARC);
    expect_no_key_sent(token, "without the challenge");
    expect_no_key_sent(bare, "without the challenge");
    expect_no_key_sent(redirect, "without the challenge");
    expect_no_key_sent(refused, "bad resource");
}

static void arc_that_refuses_the_key(void **state)
{
    (void)state;
    entrasql_error err;
    use_host(HOST_ARC);
    write_key("1.key", KEY, sizeof KEY - 1);
    const test_answer script[] = {{.status = 401, .headers = challenge}};
    test_server_play(plain, script, 1);
    entrasql_credential *c = new_credential(NULL);
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    common_expect_words(&err, "did not accept the key");
    assert_int_equal(test_server_count(plain), 2);
    entrasql_credential_unref(c);
}

static void production_reads_the_agents_folder_only(void **state)
{
    (void)state;
    entrasql_credential *c;
    entrasql_error err;
    use_host(HOST_ARC);
    write_key("1.key", KEY, sizeof KEY - 1);
    const test_answer script[] = {{.status = 401, .headers = challenge}};
    test_server_play(plain, script, 1);
    assert_int_equal(entrasql_managed_identity_credential_new(NULL, &c, &err), ENTRASQL_OK);
    common_expect_failure(c, ENTRASQL_AUTH_FAILED, &err);
    common_expect_words(&err, "outside of the agent's folder");
    assert_int_equal(test_server_count(plain), 1);
    entrasql_credential_unref(c);
}

static void every_cut_of_a_challenge(void **state)
{
    (void)state;
    static const char whole[] = "Basic realm=/d/abc.key";
    char cut[sizeof whole];
    char path[IDENTITY_ARC_MAX_PATH];
    for (size_t n = 0; n < sizeof whole; n++) {
        memcpy(cut, whole, n);
        cut[n] = '\0';
        entrasql_status status = identity_arc_challenge_parse(cut, "/d", path, NULL);
        assert_int_equal(status, n == sizeof whole - 1 ? ENTRASQL_OK : ENTRASQL_MALFORMED);
    }
    assert_string_equal(path, "/d/abc.key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_each_host_is_asked, common_clean),
        cmocka_unit_test_setup(what_each_answer_means, common_clean),
        cmocka_unit_test_setup(expiry_in_each_form, common_clean),
        cmocka_unit_test_setup(only_the_named_certificate, common_clean),
        cmocka_unit_test_setup(bad_thumbprints_and_http_are_refused, common_clean),
        cmocka_unit_test_setup(arc_asks_for_its_key, common_clean),
        cmocka_unit_test_setup(arc_must_answer_for_the_identity_asked_for, common_clean),
        cmocka_unit_test_setup(arc_reads_no_other_file, common_clean),
        cmocka_unit_test_setup(arc_without_a_challenge_is_refused, common_clean),
        cmocka_unit_test_setup(arc_that_refuses_the_key, common_clean),
        cmocka_unit_test_setup(production_reads_the_agents_folder_only, common_clean),
        cmocka_unit_test_setup(every_cut_of_a_challenge, common_clean),
    };
    return cmocka_run_group_tests_name("identity hosts", tests, start, stop);
}
