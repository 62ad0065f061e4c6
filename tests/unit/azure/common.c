/* SPDX-License-Identifier: MIT */
/* A client of a scripted Azure Resource Manager. */
#include "common.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static entrasql_status give_token(void *context, const entrasql_token_request *request,
                                  entrasql_token **ret, entrasql_error *err)
{
    (void)err;
    fixture *f = context;
    f->tokens++;
    (void)snprintf(f->claims, sizeof f->claims, "%s",
                   request->claims != NULL ? request->claims : "");
    char text[32];
    (void)snprintf(text, sizeof text, "token-%u", f->tokens);
    assert_string_equal(request->scope, "https://management.azure.com/.default");
    *ret = entrasql_token_new(text, es_clock_wall_s() + 3600);
    return ENTRASQL_OK;
}

static void note(void *context, const azure_progress *progress)
{
    fixture *f = context;
    if (f->waits < 16) {
        (void)snprintf(f->states[f->waits], sizeof f->states[0], "%s", progress->state);
        f->waited_ms[f->waits] = progress->wait_ms;
    }
    f->waits++;
}

azure_arm *fixture_client(fixture *f, azure_arm_options options)
{
    entrasql_error err;
    azure_arm *arm = NULL;
    entrasql_credential *credential = NULL;
    assert_int_equal(entrasql_custom_credential_new("Test", give_token, f, NULL, &credential, &err),
                     ENTRASQL_OK);
    options.credential = credential;
    if (options.endpoint == NULL)
        options.endpoint = test_server_url(f->server);
    options.ca_file = test_server_ca_file(f->server);
    options.progress = note;
    options.progress_context = f;
    if (options.poll_ms == 0)
        options.poll_ms = 5;
    assert_int_equal(azure_arm_new(&options, &arm, &err), ENTRASQL_OK);
    entrasql_credential_unref(credential);
    return arm;
}

int fixture_set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->server = test_server_start(true);
    f->arm = fixture_client(f, (azure_arm_options){0});
    *state = f;
    return 0;
}

int fixture_reset(void **state)
{
    static const test_answer nothing = {.status = 500};
    fixture *f = *state;
    test_server_play(f->server, &nothing, 1);
    f->tokens = 0;
    f->waits = 0;
    f->claims[0] = '\0';
    return 0;
}

int fixture_tear_down(void **state)
{
    fixture *f = *state;
    azure_arm_free(f->arm);
    test_server_stop(f->server);
    free(f);
    return 0;
}

const char *fixture_line(fixture *f, unsigned i)
{
    static char line[2048];
    const char *request = test_server_request(f->server, i);
    size_t n = strcspn(request, "\r\n");
    const char *end = strstr(request, " HTTP/1.1");
    if (end != NULL && (size_t)(end - request) < n)
        n = (size_t)(end - request);
    assert_true(n < sizeof line);
    memcpy(line, request, n);
    line[n] = '\0';
    return line;
}

const char *fixture_body(fixture *f, unsigned i)
{
    const char *body = strstr(test_server_request(f->server, i), "\r\n\r\n");
    assert_non_null(body);
    return body + 4;
}
