/* SPDX-License-Identifier: MIT */
/*
 * identity: each allocation of getting a token fails in turn. Every run ends
 * with a token or a clean NOMEM, and nothing is lost (the leak checker looks on).
 */
#include "base/log.h"
#include "base/mem.h"
#include "common.h"
#include "server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* More allocations than any of these walks makes. */
#define MOST 4000

static test_server *entra;
static test_server *imds;
static char folder[64];

typedef entrasql_status maker(entrasql_credential **ret, entrasql_error *err);

static entrasql_status make_secret(entrasql_credential **ret, entrasql_error *err)
{
    const entrasql_client_options options = {.authority_host = test_server_url(entra),
                                             .ca_file = test_server_ca_file(entra)};
    return entrasql_client_secret_credential_new(TENANT, CLIENT, SECRET, &options, ret, err);
}

static entrasql_status make_default(entrasql_credential **ret, entrasql_error *err)
{
    return entrasql_default_azure_credential_new(NULL, ret, err);
}

static entrasql_status get_once(maker *make, entrasql_error *err)
{
    entrasql_credential *c;
    entrasql_token *token;
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL, .tenant_id = TENANT};
    entrasql_status status = make(&c, err);
    if (status != ENTRASQL_OK)
        return status;
    status = common_get(c, &request, &token, err);
    if (status == ENTRASQL_OK)
        entrasql_token_free(token);
    entrasql_credential_unref(c);
    return status;
}

static void walk(maker *make, entrasql_status at_the_end)
{
    entrasql_error err;
    for (unsigned long nth = 1; nth < MOST; nth++) {
        (void)es_mem_fail_from(nth);
        entrasql_status status = get_once(make, &err);
        unsigned long made = es_mem_fail_from(0);
        common_check_error(status != ENTRASQL_OK ? &err : &(entrasql_error){.message = "x"});
        if (made < nth) {
            assert_int_equal(status, at_the_end);
            return;
        }
        /* What only makes the cache quicker may fail: there is a token all the same. */
        if (status == ENTRASQL_OK)
            continue;
        if (status != ENTRASQL_NOMEM)
            fail_msg("allocation %lu: %s: %s", nth, entrasql_status_name(status), err.message);
        assert_int_equal(err.status, ENTRASQL_NOMEM);
    }
    fail_msg("the walk has no end");
}

static void client_secret(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = TOKEN_REPLY}};
    test_server_play(entra, script, 1);
    walk(make_secret, ENTRASQL_OK);
}

static void refused_secret(void **state)
{
    (void)state;
    static const test_answer script[] = {
        {.status = 400,
         .body = "{\"error\":\"x\",\"error_codes\":[700016],\"error_description\":\"y\"}"}};
    test_server_play(entra, script, 1);
    walk(make_secret, ENTRASQL_AUTH_FAILED);
}

static void chain_to_the_azure_cli(void **state)
{
    (void)state;
    static const test_answer script[] = {{.status = 400, .body = "{\"error\":\"no\"}"}};
    char name[128];
    snprintf(name, sizeof name, "%s/az", folder);
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\necho '{\"accessToken\":\"" TOKEN "\",\"expires_on\":4102444800}'\n");
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(name, 0755), 0);
    setenv("PATH", folder, 1);
    setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", test_server_url(imds), 1);
    test_server_play(imds, script, 1);
    walk(make_default, ENTRASQL_OK);
}

static int start(void **state)
{
    entra = test_server_start(true);
    imds = test_server_start(false);
    snprintf(folder, sizeof folder, "/tmp/entrasql-nomem-XXXXXX");
    if (mkdtemp(folder) == NULL || common_setup(state) != 0)
        return -1;
    /* A log line may be lost without memory; here each lost allocation must show. */
    es_log_setup(ES_LOG_NONE, ES_LOG_TEXT, STDERR_FILENO);
    return 0;
}

static int stop(void **state)
{
    char name[128];
    snprintf(name, sizeof name, "%s/az", folder);
    unlink(name);
    rmdir(folder);
    test_server_stop(entra);
    test_server_stop(imds);
    return common_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(client_secret, common_clean),
        cmocka_unit_test_setup(refused_secret, common_clean),
        cmocka_unit_test_setup(chain_to_the_azure_cli, common_clean),
    };
    return cmocka_run_group_tests_name("identity nomem", tests, start, stop);
}
