/* SPDX-License-Identifier: MIT */
/* identity: ChainedTokenCredential: turns, what may run before its turn, what is said and kept. */
#include "base/clock.h"
#include "base/str.h"
#include "common.h"
#include "identity/internal.h"
#include "server.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define IMDS_REPLY "{\"access_token\":\"" TOKEN "\",\"expires_in\":\"3600\"}"

static test_server *imds;
static char folder[64];
static char path_before[4096];

static int start(void **state)
{
    imds = test_server_start(false);
    snprintf(folder, sizeof folder, "/tmp/entrasql-chain-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    const char *path = getenv("PATH");
    snprintf(path_before, sizeof path_before, "%s", path != NULL ? path : "");
    return common_setup(state);
}

static int stop(void **state)
{
    char command[128];
    setenv("PATH", path_before, 1);
    test_server_stop(imds);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) != 0 ? -1 : common_teardown(state);
}

/* ---- members ---- */

/* A member that fails so, or has a token; counts how often it was asked. */
struct script {
    entrasql_status status;
    const char *message;
    const char *hint;
    unsigned asked;
};

static entrasql_status play(void *context, const entrasql_token_request *request,
                            entrasql_token **ret, entrasql_error *err)
{
    struct script *s = context;
    (void)request;
    s->asked++;
    if (s->status == ENTRASQL_OK) {
        *ret = entrasql_token_new(TOKEN, es_clock_wall_s() + 3600);
        return ENTRASQL_OK;
    }
    memset(err, 0, sizeof *err);
    snprintf(err->message, sizeof err->message, "%s", s->message != NULL ? s->message : "no");
    snprintf(err->hint, sizeof err->hint, "%s", s->hint != NULL ? s->hint : "");
    return s->status;
}

static entrasql_credential *member(const char *name, struct script *s)
{
    entrasql_credential *c;
    assert_int_equal(entrasql_custom_credential_new(name, play, s, NULL, &c, NULL), ENTRASQL_OK);
    return c;
}

/* Takes the members over. */
static entrasql_credential *chain_of(entrasql_credential **members, size_t count)
{
    entrasql_credential *c;
    entrasql_error err;
    if (entrasql_chained_credential_new(members, count, &c, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < count; i++)
        entrasql_credential_unref(members[i]);
    return c;
}

static entrasql_credential *managed_identity(void)
{
    static char url[128];
    entrasql_credential *c;
    snprintf(url, sizeof url, "%s/metadata/identity/oauth2/token", test_server_url(imds));
    const identity_managed_identity_inner inner = {.probe_timeout_ms = 300, .imds_endpoint = url};
    assert_int_equal(identity_managed_identity_new(NULL, &inner, &c, NULL), ENTRASQL_OK);
    return c;
}

static void path_of(const char *name, char *ret, size_t size)
{
    snprintf(ret, size, "%s/%s", folder, name);
}

static bool exists(const char *name)
{
    char path[128];
    path_of(name, path, sizeof path);
    return access(path, F_OK) == 0;
}

static void touch(const char *name)
{
    char path[128];
    path_of(name, path, sizeof path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
}

/* An az that says it was started, and ends when it is let go: with a token, or without. */
static entrasql_credential *azure_cli(bool works)
{
    char path[128];
    entrasql_credential *c;
    path_of("go", path, sizeof path);
    unlink(path);
    path_of("started", path, sizeof path);
    unlink(path);
    path_of("az", path, sizeof path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\n: > %s/started\nwhile [ ! -e %s/go ]; do /bin/sleep 0.02; done\n%s\n",
            folder, folder,
            works ? "echo '{\"accessToken\":\"" TOKEN "\",\"expires_on\":4102444800}'" : "exit 1");
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0755), 0);
    setenv("PATH", folder, 1);
    assert_int_equal(entrasql_azure_cli_credential_new(NULL, &c, NULL), ENTRASQL_OK);
    return c;
}

static entrasql_token_operation *begin(entrasql_credential *c)
{
    entrasql_token_operation *op;
    entrasql_error err;
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL};
    assert_int_equal(entrasql_credential_start(c, &request, &op, &err), ENTRASQL_OK);
    return op;
}

/* Steps for so long; the operation must not end. */
static void go_on(entrasql_token_operation *op, int ms)
{
    int64_t until = es_clock_deadline(ms);
    while (es_clock_mono_ms() < until) {
        struct pollfd fds[16];
        entrasql_token *token;
        int timeout_ms;
        assert_int_equal(entrasql_token_operation_step(op, &token, NULL), ENTRASQL_AGAIN);
        size_t n = entrasql_token_operation_poll(op, fds, 16, &timeout_ms);
        (void)poll(fds, n, timeout_ms >= 0 && timeout_ms < 20 ? timeout_ms : 20);
    }
}

static void expect_end(entrasql_token_operation *op, const char *source)
{
    entrasql_token *token;
    entrasql_error err;
    entrasql_status status;
    while ((status = entrasql_token_operation_step(op, &token, &err)) == ENTRASQL_AGAIN)
        usleep(2000);
    if (status != ENTRASQL_OK)
        fail_msg("%s", err.message);
    assert_string_equal(entrasql_token_source(token), source);
    entrasql_token_free(token);
    entrasql_token_operation_free(op);
}

/* ---- turns ---- */

static void first_that_works_is_kept(void **state)
{
    (void)state;
    struct script first = {.status = ENTRASQL_UNAVAILABLE};
    struct script second = {.status = ENTRASQL_OK};
    struct script third = {.status = ENTRASQL_OK};
    const entrasql_token_request again = {.scope = ENTRASQL_SCOPE_SQL, .refresh = true};
    entrasql_token *token;
    entrasql_error err;
    entrasql_credential *members[] = {member("First", &first), member("Second", &second),
                                      member("Third", &third)};
    entrasql_credential *c = chain_of(members, 3);
    assert_string_equal(entrasql_credential_name(c), "ChainedTokenCredential");
    common_expect_token(c, "Second");
    first.status = ENTRASQL_OK;
    second.status = ENTRASQL_UNAVAILABLE;
    assert_int_equal(common_get(c, &again, &token, &err), ENTRASQL_UNAVAILABLE);
    assert_int_equal(first.asked, 1);
    assert_int_equal(second.asked, 2);
    assert_int_equal(third.asked, 0);
    entrasql_credential_unref(c);
}

static void refusal_ends_it(void **state)
{
    (void)state;
    static const entrasql_status hard[] = {ENTRASQL_AUTH_FAILED, ENTRASQL_NETWORK, ENTRASQL_TLS,
                                           ENTRASQL_CONFIG, ENTRASQL_INVALID};
    for (size_t i = 0; i < sizeof hard / sizeof hard[0]; i++) {
        struct script first = {.status = hard[i], .message = "first says no", .hint = "do this"};
        struct script second = {.status = ENTRASQL_OK};
        entrasql_error err;
        entrasql_credential *members[] = {member("First", &first), member("Second", &second)};
        entrasql_credential *c = chain_of(members, 2);
        common_expect_failure(c, hard[i], &err);
        assert_int_equal(second.asked, 0);
        assert_string_equal(err.message,
                            "ChainedTokenCredential failed to retrieve a token from the included "
                            "credentials.\nAttempted credentials:\n\tFirst: first says no. To do: "
                            "do this");
        assert_string_equal(err.hint, "do this");
        entrasql_credential_unref(c);
    }
}

static void chains_in_chains(void **state)
{
    (void)state;
    struct script no = {.status = ENTRASQL_UNAVAILABLE, .message = "not here"};
    struct script yes = {.status = ENTRASQL_OK};
    entrasql_credential *inner_members[] = {member("A", &no), member("B", &no)};
    entrasql_credential *members[] = {chain_of(inner_members, 2), member("C", &yes)};
    entrasql_credential *c = chain_of(members, 2);
    common_expect_token(c, "C");
    assert_int_equal(no.asked, 2);
    entrasql_credential_unref(c);
}

/* However long the stories are, each member is named with its reason and what to do. */
static void long_stories_are_cut_for_all(void **state)
{
    (void)state;
    static char story[ENTRASQL_ERROR_MESSAGE_SIZE];
    static char advice[ENTRASQL_ERROR_HINT_SIZE];
    struct script s = {.status = ENTRASQL_UNAVAILABLE, .message = story, .hint = advice};
    entrasql_credential *members[16];
    entrasql_error err;
    /* Characters of two bytes: none may be cut in two. */
    for (size_t i = 0; i + 2 < sizeof story; i += 2)
        memcpy(story + i, "\xC3\xA4", 2);
    for (size_t i = 0; i + 2 < sizeof advice; i += 2)
        memcpy(advice + i, "\xC3\xB6", 2);
    for (size_t i = 0; i < 16; i++) {
        char name[16];
        snprintf(name, sizeof name, "Member%02zu", i);
        members[i] = member(name, &s);
    }
    entrasql_credential *c = chain_of(members, 16);
    common_expect_failure(c, ENTRASQL_UNAVAILABLE, &err);
    const char *at = err.message;
    for (size_t i = 0; i < 16; i++) {
        char line[32];
        snprintf(line, sizeof line, "\n\tMember%02zu: \xC3\xA4", i);
        at = strstr(at, line);
        assert_non_null(at);
        const char *to_do = strstr(at, ". To do: \xC3\xB6");
        const char *next = strchr(at + 1, '\n');
        assert_non_null(to_do);
        assert_true(next == NULL || to_do < next);
    }
    size_t n = strlen(err.message);
    char shown[sizeof err.message];
    es_printable(shown, sizeof shown, err.message, n);
    for (size_t i = 0; i < n; i++)
        assert_true(shown[i] != '?' || (unsigned char)err.message[i] < 0x20);
    assert_int_equal((unsigned char)err.message[n - 1], 0xB6);
    entrasql_credential_unref(c);
}

static void members_are_checked(void **state)
{
    (void)state;
    struct script yes = {.status = ENTRASQL_OK};
    entrasql_credential *members[17];
    entrasql_credential *c;
    for (size_t i = 0; i < 17; i++)
        members[i] = member("M", &yes);
    assert_int_equal(entrasql_chained_credential_new(NULL, 1, &c, NULL), ENTRASQL_INVALID);
    assert_int_equal(entrasql_chained_credential_new(members, 0, &c, NULL), ENTRASQL_INVALID);
    assert_int_equal(entrasql_chained_credential_new(members, 17, &c, NULL), ENTRASQL_INVALID);
    entrasql_credential *hole[] = {members[0], NULL};
    assert_int_equal(entrasql_chained_credential_new(hole, 2, &c, NULL), ENTRASQL_INVALID);
    assert_int_equal(entrasql_chained_credential_new(members, 16, &c, NULL), ENTRASQL_OK);
    entrasql_credential_unref(c);
    for (size_t i = 0; i < 17; i++)
        entrasql_credential_unref(members[i]);
}

/* ---- the probe of IMDS ---- */

static const test_answer there[] = {{.status = 400, .body = "{\"error\":\"bad_request_102\"}"},
                                    {.body = IMDS_REPLY}};

/* While az takes its time IMDS is looked for, and no more than that: the token must wait. */
static void probe_runs_beside_those_before_it(void **state)
{
    (void)state;
    entrasql_credential *members[] = {azure_cli(false), managed_identity()};
    entrasql_credential *c = chain_of(members, 2);
    test_server_play(imds, there, 2);
    entrasql_token_operation *op = begin(c);
    go_on(op, 400);
    assert_true(exists("started"));
    assert_int_equal(test_server_count(imds), 1);
    assert_null(strstr(test_server_request(imds, 0), "Metadata"));
    touch("go");
    expect_end(op, "ManagedIdentityCredential");
    assert_int_equal(test_server_count(imds), 2);
    assert_non_null(strstr(test_server_request(imds, 1), "\r\nMetadata: true\r\n"));
    entrasql_credential_unref(c);
}

static void probe_that_failed_ahead_counts(void **state)
{
    (void)state;
    static const test_answer silent[] = {{.act = TEST_SILENT}};
    struct script yes = {.status = ENTRASQL_OK};
    entrasql_credential *members[] = {azure_cli(false), managed_identity(), member("Last", &yes)};
    entrasql_credential *c = chain_of(members, 3);
    test_server_play(imds, silent, 1);
    entrasql_token_operation *op = begin(c);
    go_on(op, 700);
    assert_int_equal(yes.asked, 0);
    touch("go");
    expect_end(op, "Last");
    assert_int_equal(test_server_count(imds), 1);
    entrasql_credential_unref(c);
}

static void probe_is_dropped_when_it_is_not_needed(void **state)
{
    (void)state;
    entrasql_credential *members[] = {azure_cli(true), managed_identity()};
    entrasql_credential *c = chain_of(members, 2);
    test_server_play(imds, there, 2);
    entrasql_token_operation *op = begin(c);
    go_on(op, 300);
    touch("go");
    expect_end(op, "AzureCliCredential");
    assert_int_equal(test_server_count(imds), 1);
    entrasql_credential_unref(c);
}

/* No program is started while the probe before it runs; and the probe is bounded. */
static void nobody_else_runs_before_its_turn(void **state)
{
    (void)state;
    static const test_answer silent[] = {{.act = TEST_SILENT}};
    entrasql_credential *members[] = {managed_identity(), azure_cli(true)};
    entrasql_credential *c = chain_of(members, 2);
    test_server_play(imds, silent, 1);
    touch("go");
    entrasql_token_operation *op = begin(c);
    go_on(op, 150);
    assert_false(exists("started"));
    int64_t before = es_clock_mono_ms();
    expect_end(op, "AzureCliCredential");
    assert_true(exists("started"));
    assert_in_range(es_clock_mono_ms() - before, 0, 20000);
    entrasql_credential_unref(c);
}

/* Alone in its chain a managed identity is asked as if there were no chain. */
static void no_probe_alone(void **state)
{
    (void)state;
    static const test_answer script[] = {{.body = IMDS_REPLY}};
    entrasql_credential *members[] = {managed_identity()};
    entrasql_credential *c = chain_of(members, 1);
    test_server_play(imds, script, 1);
    common_expect_token(c, "ManagedIdentityCredential");
    assert_int_equal(test_server_count(imds), 1);
    assert_non_null(strstr(test_server_request(imds, 0), "Metadata"));
    entrasql_credential_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(first_that_works_is_kept, common_clean),
        cmocka_unit_test_setup(refusal_ends_it, common_clean),
        cmocka_unit_test_setup(chains_in_chains, common_clean),
        cmocka_unit_test_setup(long_stories_are_cut_for_all, common_clean),
        cmocka_unit_test_setup(members_are_checked, common_clean),
        cmocka_unit_test_setup(probe_runs_beside_those_before_it, common_clean),
        cmocka_unit_test_setup(probe_that_failed_ahead_counts, common_clean),
        cmocka_unit_test_setup(probe_is_dropped_when_it_is_not_needed, common_clean),
        cmocka_unit_test_setup(nobody_else_runs_before_its_turn, common_clean),
        cmocka_unit_test_setup(no_probe_alone, common_clean),
    };
    return cmocka_run_group_tests_name("identity chained", tests, start, stop);
}
