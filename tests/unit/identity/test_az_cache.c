/* SPDX-License-Identifier: MIT */
/*
 * identity: the token cache that `az login` leaves: which entry is the right
 * one, which are not, and that az is run where there is none.
 */
#include "base/clock.h"
#include "common.h"
#include "identity/az_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define AZ "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
#define OTHER_TENANT "99999999-7e57-4000-8000-000000000001"
#define HOME "uid.utid"
#define USER "dev@contoso.example"
#define NOW 1700000000
#define SQL "https://database.windows.net/.default"

/* As az writes it, with its byte order mark. */
#define SUBSCRIPTION(id, name, def, user, type, tenant)                                            \
    "{\"id\":\"" id "\",\"name\":\"" name "\",\"state\":\"Enabled\",\"user\":{\"name\":\"" user    \
    "\",\"type\":\"" type "\"},\"isDefault\":" def ",\"tenantId\":\"" tenant                       \
    "\",\"environmentName\":\"AzureCloud\"}"
#define PROFILE(list) "\xEF\xBB\xBF{\"installationId\":\"x\",\"subscriptions\":[" list "]}"
static const char person_profile[] = PROFILE(
    SUBSCRIPTION("s-1", "One", "false", "other@contoso.example", "user",
                 OTHER_TENANT) "," SUBSCRIPTION("s-2", "Two", "true", USER, "user", TENANT));
static const char service_profile[] =
    PROFILE(SUBSCRIPTION("s-1", "One", "true", CLIENT, "servicePrincipal", TENANT));

#define ENTRY(home, env, client, realm, target, type, expires, secret)                             \
    "\"key-" secret "\":{\"credential_type\":\"AccessToken\",\"secret\":\"" secret                 \
    "\",\"home_account_id\":" home ",\"environment\":\"" env "\",\"client_id\":\"" client          \
    "\",\"target\":\"" target "\",\"realm\":\"" realm "\",\"token_type\":\"" type                  \
    "\",\"cached_at\":\"1699990000\",\"expires_on\":\"" expires                                    \
    "\",\"extended_expires_on\":\"" expires "\"}"
#define ACCOUNT(home, env, name)                                                                   \
    "\"" home env "\":{\"home_account_id\":\"" home "\",\"environment\":\"" env                    \
    "\",\"realm\":\"" TENANT "\",\"local_account_id\":\"uid\",\"username\":\"" name                \
    "\",\"authority_type\":\"MSSTS\"}"
#define REFRESH                                                                                    \
    "\"RefreshToken\":{\"r\":{\"secret\":\"0.refresh-not-real\",\"home_account_id\":\"" HOME "\"}" \
    "}"
#define CACHE(entries)                                                                             \
    "{\"AccessToken\":{" entries                                                                   \
    "},\"Account\":{" ACCOUNT(HOME, "login.microsoftonline.com",                                   \
                              USER) "}," REFRESH ",\"IdToken\":{},\"AppMetadata\":{}}"
#define MINE(target, expires, secret)                                                              \
    ENTRY("\"" HOME "\"", "login.microsoftonline.com", AZ, TENANT, target, "Bearer", expires,      \
          secret)
#define SERVICE(target, client, realm, secret)                                                     \
    ENTRY("null", "login.microsoftonline.com", client, realm, target, "Bearer", "1700003600",      \
          secret)

static entrasql_status search(const char *profile, const char *cache,
                              const identity_az_wanted *wanted, entrasql_token **ret)
{
    es_buf a = ES_BUF_INIT(1 << 16);
    es_buf b = ES_BUF_INIT(1 << 16);
    entrasql_error err;
    assert_int_equal(es_buf_add_str(&a, profile), ENTRASQL_OK);
    assert_int_equal(es_buf_add_str(&b, cache), ENTRASQL_OK);
    entrasql_status status = identity_az_cache_search(&a, &b, wanted, ret, &err);
    es_buf_done(&a);
    es_buf_done(&b);
    return status;
}

static void the_right_entry_and_no_other(void **state)
{
    (void)state;
    static const struct {
        const char *profile;
        const char *cache;
        identity_az_wanted wanted; /* scope NULL: SQL's */
        const char *value;         /* NULL: not found */
    } rows[] = {
        /* The forms of a target. */
        {person_profile, CACHE(MINE(SQL, "1700003600", "t")), {0}, "t"},
        {person_profile,
         CACHE(MINE("https://database.windows.net//.default", "1700003600", "t")),
         {0},
         "t"},
        {person_profile,
         CACHE(MINE("https://database.windows.net//user_impersonation "
                    "https://database.windows.net//.default openid profile",
                    "1700003600", "t")),
         {0},
         "t"},
        {person_profile,
         CACHE(MINE("https://DATABASE.windows.net/.default", "1700003600", "t")),
         {0},
         "t"},
        {person_profile,
         CACHE(MINE(SQL, "1700003600", "t")),
         {.scope = "https://database.windows.net//.default"},
         "t"},
        {person_profile,
         CACHE(MINE("https://database.windows.net.evil/.default", "1700003600", "t")),
         {0},
         NULL},
        {person_profile,
         CACHE(MINE("https://management.azure.com/.default", "1700003600", "t")),
         {0},
         NULL},
        {person_profile,
         CACHE(MINE("https://database.windows.net/read", "1700003600", "t")),
         {0},
         NULL},
        {person_profile, CACHE(MINE("/.default", "1700003600", "t")), {.scope = "/.default"}, NULL},
        {person_profile, CACHE(MINE("", "1700003600", "t")), {0}, NULL},
        /* Time left: more than five minutes. The one that lasts longest. */
        {person_profile, CACHE(MINE(SQL, "1700000300", "t")), {0}, NULL},
        {person_profile, CACHE(MINE(SQL, "1700000301", "t")), {0}, "t"},
        {person_profile, CACHE(MINE(SQL, "1699990000", "t")), {0}, NULL},
        {person_profile, CACHE(MINE(SQL, "soon", "t")), {0}, NULL},
        {person_profile,
         CACHE(MINE(SQL, "1700003600", "a") "," MINE(SQL, "1700004600",
                                                     "b") "," MINE(SQL, "1700002600", "c")),
         {0},
         "b"},
        /* Written later than now: the clock is not to be trusted. */
        {person_profile, CACHE(MINE(SQL, "1700003600", "t")), {.now_s = 1699980000}, NULL},
        /* Account, client, tenant, environment, kind. */
        {person_profile,
         CACHE(ENTRY("\"other.utid\"", "login.microsoftonline.com", AZ, TENANT, SQL, "Bearer",
                     "1700003600", "t")),
         {0},
         NULL},
        {person_profile,
         CACHE(ENTRY("null", "login.microsoftonline.com", AZ, TENANT, SQL, "Bearer", "1700003600",
                     "t")),
         {0},
         NULL},
        {person_profile,
         CACHE(ENTRY("\"" HOME "\"", "login.microsoftonline.com", CLIENT, TENANT, SQL, "Bearer",
                     "1700003600", "t")),
         {0},
         NULL},
        {person_profile,
         CACHE(ENTRY("\"" HOME "\"", "login.microsoftonline.com", AZ, OTHER_TENANT, SQL, "Bearer",
                     "1700003600", "t")),
         {0},
         NULL},
        {person_profile,
         CACHE(ENTRY("\"" HOME "\"", "login.microsoftonline.com", AZ, OTHER_TENANT, SQL, "Bearer",
                     "1700003600", "t")),
         {.tenant_id = OTHER_TENANT},
         "t"},
        {person_profile,
         CACHE(ENTRY("\"" HOME "\"", "login.windows.net", AZ, TENANT, SQL, "Bearer", "1700003600",
                     "t")),
         {0},
         "t"},
        {person_profile,
         CACHE(ENTRY("\"" HOME "\"", "login.microsoftonline.us", AZ, TENANT, SQL, "Bearer",
                     "1700003600", "t")),
         {0},
         NULL},
        {person_profile,
         CACHE(ENTRY("\"" HOME "\"", "login.microsoftonline.com", AZ, TENANT, SQL, "pop",
                     "1700003600", "t")),
         {0},
         NULL},
        {person_profile, CACHE(MINE(SQL, "1700003600", "t t")), {0}, NULL},
        {person_profile, CACHE(MINE(SQL, "1700003600", "")), {0}, NULL},
        /* The subscription tells the account. */
        {person_profile, CACHE(MINE(SQL, "1700003600", "t")), {.subscription = "S-2"}, "t"},
        {person_profile, CACHE(MINE(SQL, "1700003600", "t")), {.subscription = "two"}, "t"},
        {person_profile, CACHE(MINE(SQL, "1700003600", "t")), {.subscription = "One"}, NULL},
        {person_profile, CACHE(MINE(SQL, "1700003600", "t")), {.subscription = "Three"}, NULL},
        {PROFILE(SUBSCRIPTION("s", "One", "false", USER, "user", TENANT)),
         CACHE(MINE(SQL, "1700003600", "t")),
         {0},
         NULL},
        {PROFILE(
             SUBSCRIPTION("s", "One", "true", "systemAssignedIdentity", "managedIdentity", TENANT)),
         CACHE(SERVICE(SQL, "systemAssignedIdentity", TENANT, "t")),
         {0},
         NULL},
        {PROFILE(SUBSCRIPTION("s", "A", "true", USER, "user",
                              TENANT) "," SUBSCRIPTION("t", "B", "true", USER, "user", TENANT)),
         CACHE(MINE(SQL, "1700003600", "t")),
         {0},
         NULL},
        /* Service principals have no account. */
        {service_profile, CACHE(SERVICE(SQL, CLIENT, TENANT, "t")), {0}, "t"},
        {service_profile, CACHE(SERVICE(SQL, AZ, TENANT, "t")), {0}, NULL},
        {service_profile, CACHE(SERVICE(SQL, CLIENT, OTHER_TENANT, "t")), {0}, NULL},
        {service_profile,
         CACHE(ENTRY("\"" HOME "\"", "login.microsoftonline.com", CLIENT, TENANT, SQL, "Bearer",
                     "1700003600", "t")),
         {0},
         NULL},
        /* Two people of one name, or none. */
        {person_profile,
         "{\"AccessToken\":{" MINE(SQL, "1700003600", "t") "},\"Account\":{" ACCOUNT(
             HOME, "login.microsoftonline.com", USER) "," ACCOUNT("x.y", "login.windows.net",
                                                                  USER) "}}",
         {0},
         NULL},
        {person_profile, "{\"AccessToken\":{" MINE(SQL, "1700003600", "t") "}}", {0}, NULL},
        /* Other formats. */
        {person_profile, "{}", {0}, NULL},
        {person_profile, "", {0}, NULL},
        {person_profile, "[]", {0}, NULL},
        {person_profile, "{\"AccessToken\":{\"a\":7}}", {0}, NULL},
        {"{\"subscriptions\":[1,null]}", CACHE(MINE(SQL, "1700003600", "t")), {0}, NULL},
        {"", CACHE(MINE(SQL, "1700003600", "t")), {0}, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        identity_az_wanted wanted = rows[i].wanted;
        entrasql_token *token = NULL;
        if (wanted.scope == NULL)
            wanted.scope = SQL;
        if (wanted.now_s == 0)
            wanted.now_s = NOW;
        entrasql_status status = search(rows[i].profile, rows[i].cache, &wanted, &token);
        if (status != (rows[i].value != NULL ? ENTRASQL_OK : ENTRASQL_NOT_FOUND))
            fail_msg("row %zu: %s", i, entrasql_status_name(status));
        if (status == ENTRASQL_OK) {
            assert_string_equal(entrasql_token_value(token), rows[i].value);
            assert_string_equal(entrasql_token_source(token), "AzureCliCredential");
        }
        entrasql_token_free(token);
    }
}

static void every_cut_is_not_found(void **state)
{
    (void)state;
    static const char cache[] = CACHE(MINE(SQL, "1700003600", "t"));
    const identity_az_wanted wanted = {.scope = SQL, .now_s = NOW};
    char cut[sizeof cache];
    for (size_t n = 0; n < sizeof cache; n++) {
        entrasql_token *token = NULL;
        memcpy(cut, cache, n);
        cut[n] = '\0';
        entrasql_status status = search(person_profile, cut, &wanted, &token);
        assert_int_equal(status, n == sizeof cache - 1 ? ENTRASQL_OK : ENTRASQL_NOT_FOUND);
        entrasql_token_free(token);
    }
    char profile[sizeof person_profile];
    for (size_t n = 0; n < sizeof person_profile - 1; n++) {
        entrasql_token *token = NULL;
        memcpy(profile, person_profile, n);
        profile[n] = '\0';
        assert_int_equal(search(profile, cache, &wanted, &token), ENTRASQL_NOT_FOUND);
    }
}

/* ---- the credential ---- */

static char folder[64];
static char path_before[4096];

static int start(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/entrasql-azcache-XXXXXX");
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
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) != 0 ? -1 : common_teardown(state);
}

static void write_file(const char *name, mode_t mode, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

/* az gives TOKEN; the cache, good for the next hour, "from-the-cache". */
static void set_up(mode_t mode)
{
    char cache[4096];
    char cached_at[32];
    char expires_on[32];
    int64_t now = es_clock_wall_s();
    snprintf(cached_at, sizeof cached_at, "%lld", (long long)now - 10);
    snprintf(expires_on, sizeof expires_on, "%lld", (long long)now + 3600);
    snprintf(cache, sizeof cache,
             "{\"AccessToken\":{\"k\":{\"credential_type\":\"AccessToken\",\"secret\":\"from-the-"
             "cache\",\"home_account_id\":\"%s\",\"environment\":\"login.microsoftonline.com\","
             "\"client_id\":\"%s\",\"target\":\"%s\",\"realm\":\"%s\",\"token_type\":\"Bearer\","
             "\"cached_at\":\"%s\",\"expires_on\":\"%s\"}},\"Account\":{%s}}",
             HOME, AZ, SQL, TENANT, cached_at, expires_on,
             ACCOUNT(HOME, "login.microsoftonline.com", USER));
    write_file("msal_token_cache.json", mode, cache);
    write_file("azureProfile.json", 0600, person_profile);
    write_file("az", 0755,
               "#!/bin/sh\necho '{\"accessToken\":\"" TOKEN "\",\"expires_on\":4102444800}'\n");
    setenv("PATH", folder, 1);
    setenv("AZURE_CONFIG_DIR", folder, 1);
}

static void expect_token_text(const entrasql_azure_cli_options *options,
                              const entrasql_token_request *request, const char *value)
{
    entrasql_credential *c;
    entrasql_token *token;
    entrasql_error err;
    assert_int_equal(entrasql_azure_cli_credential_new(options, &c, &err), ENTRASQL_OK);
    if (common_get(c, request, &token, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    assert_string_equal(entrasql_token_value(token), value);
    assert_string_equal(entrasql_token_source(token), "AzureCliCredential");
    entrasql_token_free(token);
    entrasql_credential_unref(c);
}

static void cache_is_used_when_asked_for(void **state)
{
    (void)state;
    const entrasql_azure_cli_options on = {.use_token_cache = true};
    const entrasql_token_request sql = {.scope = SQL};
    const entrasql_token_request fresh = {.scope = SQL, .refresh = true};
    const entrasql_token_request arm = {.scope = ENTRASQL_SCOPE_ARM};
    set_up(0600);
    expect_token_text(NULL, &sql, TOKEN);
    expect_token_text(&on, &sql, "from-the-cache");
    expect_token_text(&on, &fresh, TOKEN);
    expect_token_text(&on, &arm, TOKEN);
    setenv("ENTRASQL_AZURE_CLI_CACHE", "0", 1);
    expect_token_text(NULL, &sql, TOKEN);
    setenv("ENTRASQL_AZURE_CLI_CACHE", "1", 1);
    expect_token_text(NULL, &sql, "from-the-cache");
    /* ~/.azure without the variable. */
    char home[96];
    char link_path[128];
    snprintf(home, sizeof home, "%s/home", folder);
    snprintf(link_path, sizeof link_path, "%s/.azure", home);
    assert_int_equal(mkdir(home, 0700), 0);
    assert_int_equal(symlink(folder, link_path), 0);
    unsetenv("AZURE_CONFIG_DIR");
    char home_before[4096];
    snprintf(home_before, sizeof home_before, "%s", getenv("HOME") != NULL ? getenv("HOME") : "");
    setenv("HOME", home, 1);
    expect_token_text(NULL, &sql, "from-the-cache");
    setenv("HOME", home_before, 1);
}

static void files_of_others_do_not_count(void **state)
{
    (void)state;
    const entrasql_azure_cli_options on = {.use_token_cache = true};
    const entrasql_token_request sql = {.scope = SQL};
    char path[128];
    char other[128];
    set_up(0602);
    expect_token_text(&on, &sql, TOKEN);
    set_up(0660);
    expect_token_text(&on, &sql, TOKEN);
    set_up(0644);
    expect_token_text(&on, &sql, "from-the-cache");
    /* A link, no file, no cache at all. */
    snprintf(path, sizeof path, "%s/msal_token_cache.json", folder);
    snprintf(other, sizeof other, "%s/elsewhere.json", folder);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink(other, path), 0);
    expect_token_text(&on, &sql, TOKEN);
    unlink(path);
    expect_token_text(&on, &sql, TOKEN);
    setenv("AZURE_CONFIG_DIR", "/nonexistent", 1);
    expect_token_text(&on, &sql, TOKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_right_entry_and_no_other, common_clean),
        cmocka_unit_test_setup(every_cut_is_not_found, common_clean),
        cmocka_unit_test_setup(cache_is_used_when_asked_for, common_clean),
        cmocka_unit_test_setup(files_of_others_do_not_count, common_clean),
    };
    return cmocka_run_group_tests_name("identity az cache", tests, start, stop);
}
