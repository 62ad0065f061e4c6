/* SPDX-License-Identifier: MIT */
/* What the tests of identity share. */
#include "common.h"

#include "base/clock.h"
#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int log_fd = -1;
static int64_t skipped_ms;

static const char *const secrets[] = {SECRET, IDENTITY_HEADER, TOKEN, "c2lnbmF0dXJl",
                                      /* The secret as it stands in a form. */
                                      "not~a.real-secret_7Q%2B"};

const char *common_secret(unsigned i)
{
    return i < sizeof secrets / sizeof secrets[0] ? secrets[i] : NULL;
}

int common_setup(void **state)
{
    (void)state;
    char name[] = "/tmp/entrasql-test-log-XXXXXX";
    log_fd = mkstemp(name);
    if (log_fd < 0)
        return -1;
    unlink(name);
    es_log_setup(ES_LOG_TRACE, ES_LOG_JSON, log_fd);
    return 0;
}

int common_teardown(void **state)
{
    (void)state;
    off_t size = lseek(log_fd, 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    int found = 0;
    if (text == NULL || pread(log_fd, text, (size_t)size, 0) != size)
        return -1;
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        if (strstr(text, secrets[i]) != NULL) {
            fprintf(stderr, "a secret was logged: number %zu\n", i);
            found = -1;
        }
    }
    es_log_setup(ES_LOG_NONE, ES_LOG_TEXT, STDERR_FILENO);
    free(text);
    close(log_fd);
    return found;
}

int common_clean(void **state)
{
    (void)state;
    static const char *const names[] = {"AZURE_TENANT_ID",
                                        "AZURE_CLIENT_ID",
                                        "AZURE_CLIENT_SECRET",
                                        "AZURE_AUTHORITY_HOST",
                                        "AZURE_CLIENT_CERTIFICATE_PATH",
                                        "AZURE_USERNAME",
                                        "AZURE_PASSWORD",
                                        "AZURE_TOKEN_CREDENTIALS",
                                        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
                                        "AZURE_ADDITIONALLY_ALLOWED_TENANTS",
                                        "AZURE_IDENTITY_DISABLE_MULTITENANTAUTH",
                                        "IDENTITY_ENDPOINT",
                                        "IDENTITY_HEADER",
                                        "IDENTITY_SERVER_THUMBPRINT",
                                        "IMDS_ENDPOINT",
                                        "MSI_ENDPOINT",
                                        "MSI_SECRET",
                                        "DEFAULT_IDENTITY_CLIENT_ID",
                                        "WEBSITE_SITE_NAME",
                                        "AZURE_CONFIG_DIR",
                                        "AZURE_FEDERATED_TOKEN_FILE",
                                        "ENTRASQL_AZURE_CLI_CACHE",
                                        "SSL_CERT_FILE",
                                        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
                                        "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
                                        "AZURE_FEDERATED_TOKEN_FILE",
                                        "AZURE_CONFIG_DIR",
                                        "ENTRASQL_AZURE_CLI_CACHE",
                                        "DEFAULT_IDENTITY_CLIENT_ID",
                                        "SYSTEM_OIDCREQUESTURI",
                                        "http_proxy",
                                        "https_proxy",
                                        "HTTPS_PROXY",
                                        "all_proxy",
                                        "ALL_PROXY",
                                        "no_proxy",
                                        "NO_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    /* Nobody's own sign-ins and caches play a part. */
    setenv("HOME", "/nonexistent", 1);
    skipped_ms = 0;
    return 0;
}

int64_t common_skipped_ms(void)
{
    int64_t ms = skipped_ms;
    skipped_ms = 0;
    return ms;
}

static void wait_or_skip(entrasql_token_operation *op)
{
    struct pollfd fds[16];
    int timeout_ms;
    size_t n = entrasql_token_operation_poll(op, fds, 16, &timeout_ms);
    assert_true(n <= 16);
    if (n != 0) {
        assert_true(poll(fds, n, timeout_ms) >= 0);
    } else if (timeout_ms > 50) {
        es_clock_shift(timeout_ms, 0);
        skipped_ms += timeout_ms;
    } else {
        assert_true(timeout_ms >= 0);
        (void)poll(NULL, 0, timeout_ms);
    }
}

entrasql_status common_get(entrasql_credential *c, const entrasql_token_request *request,
                           entrasql_token **ret, entrasql_error *err)
{
    entrasql_token_operation *op;
    entrasql_status status = entrasql_credential_start(c, request, &op, err);
    if (status != ENTRASQL_OK)
        return status;
    while ((status = entrasql_token_operation_step(op, ret, err)) == ENTRASQL_AGAIN)
        wait_or_skip(op);
    entrasql_token_operation_free(op);
    return status;
}

void common_expect_token(entrasql_credential *c, const char *source)
{
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL};
    entrasql_token *token;
    entrasql_error err;
    if (common_get(c, &request, &token, &err) != ENTRASQL_OK)
        fail_msg("%s: %s", source, err.message);
    assert_string_equal(entrasql_token_value(token), TOKEN);
    assert_string_equal(entrasql_token_source(token), source);
    entrasql_token_free(token);
}

void common_check_error(const entrasql_error *err)
{
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        if (strstr(err->message, secrets[i]) != NULL || strstr(err->hint, secrets[i]) != NULL)
            fail_msg("a secret is in the error");
    }
    assert_true(err->message[0] != '\0');
}

void common_expect_failure(entrasql_credential *c, entrasql_status status, entrasql_error *err)
{
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL};
    entrasql_token *token;
    memset(err, 0x5a, sizeof *err);
    entrasql_status got = common_get(c, &request, &token, err);
    if (got == ENTRASQL_OK)
        fail_msg("got a token instead of %s", entrasql_status_name(status));
    if (got != status)
        fail_msg("%s instead of %s: %s", entrasql_status_name(got), entrasql_status_name(status),
                 err->message);
    assert_int_equal(err->status, status);
    common_check_error(err);
}

void common_expect_words(const entrasql_error *err, const char *words)
{
    if (strstr(err->message, words) == NULL && strstr(err->hint, words) == NULL)
        fail_msg("\"%s\" is not in: %s (%s)", words, err->message, err->hint);
}
