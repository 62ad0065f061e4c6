/* SPDX-License-Identifier: MIT */
/* identity: the persistent cache: MSAL's schema, encryption, lock files, many writers. */
#include "base/clock.h"
#include "base/mem.h"
#include "common.h"
#include "crypto/jwe.h"
#include "identity/internal.h"
#include "identity/msal.h"
#include "identity/store.h"
#include "identity/store_lock.h"
#include "os/file.h"
#include "os/keyring.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define CLI ENTRASQL_DEVELOPER_CLIENT_ID
#define HOST "login.microsoftonline.com"
#define WRITERS 64

static char folder[64];
static const identity_msal_place place = {.environment = HOST, .client_id = CLI};

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/entrasql-store-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    DIR *d = opendir(folder);
    for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    }
    closedir(d);
    return rmdir(folder);
}

static const char *in_folder(const char *name)
{
    static char path[2][128];
    static unsigned next;
    char *p = path[next++ % 2];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

/* ---- the schema ---- */

static identity_user_tokens tokens_of(const char *home, const char *username, const char *secret)
{
    identity_user_tokens t = {.cached_on = 1000, .extended_expires_on = 9000};
    snprintf(t.home_account_id, sizeof t.home_account_id, "%s", home);
    snprintf(t.username, sizeof t.username, "%s", username);
    snprintf(t.realm, sizeof t.realm, "Tenant-1");
    snprintf(t.local_account_id, sizeof t.local_account_id, "local");
    snprintf(t.scope, sizeof t.scope, "https://b/x %s openid", ENTRASQL_SCOPE_SQL);
    snprintf(t.family_id, sizeof t.family_id, "1");
    t.token = identity_token_new("access", 6, 4000, 2500, "x");
    t.refresh_token = es_secret_from_str(secret);
    t.id_token = es_secret_from_str("id");
    assert_non_null(t.token);
    return t;
}

static json_doc *parse(const es_buf *text)
{
    json_doc *doc;
    entrasql_error err;
    if (json_doc_parse(text->data, text->len, &doc, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    return doc;
}

static const char *entry_text(const json_doc *doc, const char *section, const char *key,
                              const char *member)
{
    const char *text = NULL;
    const json_node *entry = json_member(json_member(json_doc_root(doc), section), key);
    if (entry == NULL)
        fail_msg("%s has no %s", section, key);
    if (json_member_string(entry, member, &text, NULL) != ENTRASQL_OK)
        fail_msg("%s has no %s", key, member);
    return text;
}

static void keys_and_values_are_msal_s(void **state)
{
    (void)state;
    es_buf out = ES_BUF_INIT_WIPE(1 << 16);
    identity_user_tokens t = tokens_of("Uid.Tenant-1", "dev@x", "refresh");
    assert_int_equal(identity_msal_put(NULL, &place, &t, "https://a/y", true, &out), ENTRASQL_OK);
    json_doc *doc = parse(&out);
    static const char access_key[] = "uid.tenant-1-" HOST "-accesstoken-" CLI
                                     "-tenant-1-https://a/y https://b/x " ENTRASQL_SCOPE_SQL;
    /* Members as they are, keys in lower case, scopes sorted and without openid's, times as text.
     */
    assert_string_equal(entry_text(doc, "AccessToken", access_key, "home_account_id"),
                        "Uid.Tenant-1");
    assert_string_equal(entry_text(doc, "AccessToken", access_key, "realm"), "Tenant-1");
    assert_string_equal(entry_text(doc, "AccessToken", access_key, "secret"), "access");
    assert_string_equal(entry_text(doc, "AccessToken", access_key, "cached_at"), "1000");
    assert_string_equal(entry_text(doc, "AccessToken", access_key, "expires_on"), "4000");
    assert_string_equal(entry_text(doc, "AccessToken", access_key, "refresh_on"), "2500");
    assert_string_equal(entry_text(doc, "AccessToken", access_key, "extended_expires_on"), "9000");
    static const char refresh_key[] = "uid.tenant-1-" HOST "-refreshtoken-1--";
    assert_string_equal(entry_text(doc, "RefreshToken", refresh_key, "secret"), "refresh");
    assert_string_equal(entry_text(doc, "RefreshToken", refresh_key, "family_id"), "1");
    assert_string_equal(entry_text(doc, "IdToken",
                                   "uid.tenant-1-" HOST "-idtoken-" CLI "-tenant-1-",
                                   "credential_type"),
                        "IdToken");
    assert_string_equal(entry_text(doc, "Account", "uid.tenant-1-" HOST "-tenant-1", "username"),
                        "dev@x");
    assert_string_equal(entry_text(doc, "AppMetadata", "appmetadata-" HOST "-" CLI, "family_id"),
                        "1");
    json_doc_free(doc);
    es_buf_clear(&out);
    assert_int_equal(identity_msal_put(NULL, &place, &t, "https://a/y", false, &out), ENTRASQL_OK);
    assert_null(memmem(out.data, out.len, "\"access\"", 8));
    t.home_account_id[0] = '\0';
    assert_int_equal(identity_msal_put(NULL, &place, &t, "s", true, &out), ENTRASQL_INVALID);
    identity_user_tokens_done(&t);
    es_buf_done(&out);
}

static json_doc *doc_of(const char *text)
{
    json_doc *doc;
    assert_int_equal(json_doc_parse(text, strlen(text), &doc, NULL), ENTRASQL_OK);
    return doc;
}

static void what_others_wrote_stays(void **state)
{
    (void)state;
    json_doc *old = doc_of(
        "{\"AccessToken\":{\"k1\":{\"home_account_id\":\"other\",\"secret\":\"s1\",\"x\":1.5}},"
        "\"RefreshToken\":{\"k2\":{\"secret\":\"s2\",\"nested\":{\"a\":[true,null]}}},"
        "\"Extra\":{\"e\":7},\"AppMetadata\":{\"k3\":{}}}");
    es_buf out = ES_BUF_INIT_WIPE(1 << 16);
    identity_user_tokens t = tokens_of("1.t", "dev@x", "refresh");
    assert_int_equal(identity_msal_put(json_doc_root(old), &place, &t, "s", true, &out),
                     ENTRASQL_OK);
    static const char *const parts[] = {
        "\"k1\":{\"home_account_id\":\"other\",\"secret\":\"s1\",\"x\":1.5}",
        "\"k2\":{\"secret\":\"s2\",\"nested\":{\"a\":[true,null]}}", "\"Extra\":{\"e\":7}",
        "\"k3\":{}"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        assert_non_null(memmem(out.data, out.len, parts[i], strlen(parts[i])));
    /* And the same when somebody is taken out again. */
    json_doc *both = parse(&out);
    es_buf_clear(&out);
    assert_int_equal(identity_msal_remove(json_doc_root(both), HOST, "1.T", &out), ENTRASQL_OK);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        assert_non_null(memmem(out.data, out.len, parts[i], strlen(parts[i])));
    assert_null(memmem(out.data, out.len, "refresh\"", 8));
    json_doc_free(both);
    json_doc_free(old);
    identity_user_tokens_done(&t);
    es_buf_done(&out);
}

/* A new access token takes the place of those it overlaps; others' and other scopes' stay. */
static void overlapping_access_tokens_are_replaced(void **state)
{
    (void)state;
    static const char entry[] = "\"%s\":{\"home_account_id\":\"%s\",\"environment\":\"%s\","
                                "\"client_id\":\"%s\",\"realm\":\"%s\",\"target\":\"%s\","
                                "\"expires_on\":\"%s\"%s}%s";
    static const char *const rows[][8] = {
        /* key, home, environment, client, realm, target, expiry, more */
        {"gone1", "1.t", HOST, CLI, "Tenant-1", "https://b/x z", "4000", ""},
        {"gone2", "1.t", "login.windows.net", CLI, "Tenant-1", "https://b/x", "4000", ""},
        {"gone3", "1.t", HOST, CLI, "Tenant-2", "q", "999", ""},
        {"kept1", "1.t", HOST, CLI, "Tenant-2", "https://b/x", "4000", ""},
        {"kept2", "2.t", HOST, CLI, "Tenant-1", "https://b/x", "4000", ""},
        {"kept3", "1.t", HOST, "other", "Tenant-1", "https://b/x", "4000", ""},
        {"kept4", "1.t", HOST, CLI, "Tenant-1", "https://b/xy", "4000", ""},
        {"kept5", "1.t", HOST, CLI, "Tenant-1", "https://b/x", "4000", ",\"key_id\":\"k\""},
    };
    char text[4096] = "{\"AccessToken\":{";
    size_t count = sizeof rows / sizeof rows[0];
    for (size_t i = 0; i < count; i++) {
        const char *const *r = rows[i];
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, entry, r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7],
                 i + 1 < count ? "," : "}}");
    }
    json_doc *old = doc_of(text);
    es_buf out = ES_BUF_INIT_WIPE(1 << 16);
    identity_user_tokens t = tokens_of("1.t", "dev@x", "refresh");
    assert_int_equal(identity_msal_put(json_doc_root(old), &place, &t, "s", true, &out),
                     ENTRASQL_OK);
    for (size_t i = 0; i < count; i++) {
        bool is_there = memmem(out.data, out.len, rows[i][0], 5) != NULL;
        if (is_there != (rows[i][0][0] == 'k'))
            fail_msg("%s", rows[i][0]);
    }
    json_doc_free(old);
    identity_user_tokens_done(&t);
    es_buf_done(&out);
}

static void looking_up_knows_aliases_families_and_scopes(void **state)
{
    (void)state;
    json_doc *doc = doc_of(
        "{\"Account\":{\"a\":{\"home_account_id\":\"1.t\",\"environment\":\"login.windows.net\","
        "\"realm\":\"t\",\"username\":\"dev@x\"},\"b\":{\"home_account_id\":\"2.t\","
        "\"environment\":\"login.microsoftonline.us\",\"username\":\"gov@x\"},\"c\":{"
        "\"home_account_id\":\"3.t\",\"environment\":\"" HOST "\",\"username\":\"none@x\"}},"
        "\"RefreshToken\":{"
        "\"1\":{\"home_account_id\":\"1.t\",\"environment\":\"sts.windows.net\",\"client_id\":"
        "\"vscode\",\"family_id\":\"1\",\"secret\":\"old\",\"last_modification_time\":\"5\"},"
        "\"2\":{\"home_account_id\":\"1.t\",\"environment\":\"" HOST "\",\"client_id\":\"vscode\","
        "\"family_id\":\"1\",\"secret\":\"new\",\"last_modification_time\":\"6\"},"
        "\"3\":{\"home_account_id\":\"1.t\",\"environment\":\"" HOST "\",\"client_id\":\"vscode\","
        "\"secret\":\"no family\",\"last_modification_time\":\"9\"},"
        "\"4\":{\"home_account_id\":\"3.t\",\"environment\":\"" HOST "\",\"client_id\":\"x\","
        "\"secret\":\"not ours\"}},"
        "\"AppMetadata\":{\"m\":{\"client_id\":\"" CLI "\",\"environment\":\"" HOST
        "\",\"family_id\":\"1\"}},"
        "\"AccessToken\":{\"t\":{\"home_account_id\":\"1.t\",\"environment\":\"" HOST
        "\",\"client_id\":\"" CLI "\",\"realm\":\"t\",\"target\":\"https://x/y "
        "https://database.windows.net//.default\",\"token_type\":\"Bearer\",\"secret\":\"at\","
        "\"expires_on\":\"5000\"}}}");
    const json_node *root = json_doc_root(doc);
    identity_msal_account accounts[4];
    assert_int_equal(identity_msal_accounts(root, &place, accounts, 4), 1);
    assert_string_equal(accounts[0].username, "dev@x");
    assert_int_equal(identity_msal_accounts(root, NULL, accounts, 4), 3);
    es_secret *secret = NULL;
    assert_int_equal(identity_msal_refresh_token(root, &place, "1.T", &secret), ENTRASQL_OK);
    assert_string_equal(es_secret_reveal(secret), "new");
    es_secret_unref(secret);
    const identity_msal_place stranger = {.environment = HOST, .client_id = "stranger"};
    assert_int_equal(identity_msal_refresh_token(root, &stranger, "1.t", &secret),
                     ENTRASQL_NOT_FOUND);
    static const struct {
        const char *scope, *realm;
        int64_t now;
        entrasql_status status;
    } rows[] = {{ENTRASQL_SCOPE_SQL, "t", 4000, ENTRASQL_OK},
                {"https://database.windows.net//.default", "T", 4000, ENTRASQL_OK},
                {"https://database.windows.net/", "t", 4000, ENTRASQL_NOT_FOUND},
                {ENTRASQL_SCOPE_ARM, "t", 4000, ENTRASQL_NOT_FOUND},
                {ENTRASQL_SCOPE_SQL, "other", 4000, ENTRASQL_NOT_FOUND},
                {ENTRASQL_SCOPE_SQL, "t", 4700, ENTRASQL_NOT_FOUND}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        entrasql_token *token = NULL;
        assert_int_equal(identity_msal_access_token(root, &place, "1.t", rows[i].realm,
                                                    rows[i].scope, rows[i].now, 300, "me", &token),
                         rows[i].status);
        entrasql_token_free(token);
    }
    json_doc_free(doc);
}

/* ---- encryption ---- */

/* Made by another implementation of the same scheme. */
#define JWE                                                                                        \
    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4Q0JDLUhTMjU2Iiwia2lkIjoiNyJ9..AAECAwQFBgcICQoLDA0ODw."        \
    "BDMAJSTWepWzctw94AMBPg.T8LKs6RwOwC8uK413BcWKQ"
static const uint8_t jwe_key[CRYPTO_JWE_KEY_SIZE] = "0123456789abcdef0123456789abcde";

static void jwe_is_the_same_as_others(void **state)
{
    (void)state;
    es_buf plain = ES_BUF_INIT_WIPE(4096);
    es_buf header = ES_BUF_INIT(4096);
    assert_int_equal(crypto_jwe_decrypt(jwe_key, JWE, strlen(JWE), &plain), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&plain), "{\"Account\":{}}");
    assert_int_equal(crypto_jwe_header(JWE, strlen(JWE), &header), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&header),
                        "{\"alg\":\"dir\",\"enc\":\"A128CBC-HS256\",\"kid\":\"7\"}");
    /* Cut anywhere, and changed anywhere after the header. */
    for (size_t n = 0; n < strlen(JWE); n++)
        assert_int_not_equal(crypto_jwe_decrypt(jwe_key, JWE, n, &plain), ENTRASQL_OK);
    for (size_t i = strcspn(JWE, ".") + 2; i < strlen(JWE); i++) {
        char text[] = JWE;
        text[i] = text[i] == 'A' ? 'B' : 'A';
        assert_int_not_equal(crypto_jwe_decrypt(jwe_key, text, strlen(text), &plain), ENTRASQL_OK);
    }
    uint8_t other[CRYPTO_JWE_KEY_SIZE] = {0};
    assert_int_equal(crypto_jwe_decrypt(other, JWE, strlen(JWE), &plain), ENTRASQL_AUTH_FAILED);
    es_buf_done(&plain);
    es_buf_done(&header);
}

/* ---- the store ---- */

static identity_store *new_store(entrasql_cache_protection protection, bool allow_plain)
{
    const entrasql_cache_options options = {.enabled = true,
                                            .name = "entrasql-test.cache",
                                            .directory = folder,
                                            .protection = protection,
                                            .allow_plain_file = allow_plain};
    identity_store *s;
    entrasql_error err;
    if (identity_store_new(&options, &s, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    return s;
}

static entrasql_status put_one(void *ctx, const json_node *old, es_buf *out, entrasql_error *err)
{
    (void)err;
    return identity_msal_put(old, &place, ctx, "s", true, out);
}

static entrasql_status write_account(const identity_store *s, unsigned number, entrasql_error *err)
{
    char home[32], name[32];
    snprintf(home, sizeof home, "%u.t", number);
    snprintf(name, sizeof name, "user%u@x", number);
    identity_user_tokens t = tokens_of(home, name, "refresh-secret");
    entrasql_status status =
        identity_store_update_run(s, put_one, &t, es_clock_deadline(60000), err);
    identity_user_tokens_done(&t);
    return status;
}

static size_t count_accounts(const identity_store *s)
{
    identity_msal_account accounts[WRITERS + 1];
    json_doc *doc;
    entrasql_error err;
    if (identity_store_read(s, &doc, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    size_t count =
        doc != NULL ? identity_msal_accounts(json_doc_root(doc), &place, accounts, WRITERS + 1) : 0;
    json_doc_free(doc);
    return count;
}

static bool has_keyring(void)
{
    int32_t serial;
    entrasql_error err;
    uint8_t key[4] = {1, 2, 3, 4};
    entrasql_status status = os_keyring_put("entrasql-test-probe", key, 4, &serial, &err);
    if (status == ENTRASQL_OK) {
        assert_int_equal(os_keyring_remove("entrasql-test-probe", &err), ENTRASQL_OK);
        assert_int_equal(os_keyring_find("entrasql-test-probe", key, 4, &serial, &err),
                         ENTRASQL_NOT_FOUND);
        return true;
    }
    /* A container: that is said, with what to do. */
    assert_int_equal(status, ENTRASQL_UNAVAILABLE);
    common_expect_words(&err, "containers");
    return false;
}

static void encrypted_file_needs_its_key(void **state)
{
    (void)state;
    entrasql_error err;
    identity_store *s = new_store(ENTRASQL_CACHE_KERNEL_KEYRING, false);
    if (!has_keyring()) {
        assert_int_equal(write_account(s, 1, &err), ENTRASQL_UNAVAILABLE);
        identity_store_free(s);
        return;
    }
    assert_int_equal(os_keyring_remove("entrasql-test.cache", NULL), ENTRASQL_OK);
    assert_int_equal(write_account(s, 1, &err), ENTRASQL_OK);
    es_buf raw = ES_BUF_INIT(1 << 16);
    assert_int_equal(os_file_read_private(identity_store_path(s), &raw, &err), ENTRASQL_OK);
    assert_null(memmem(raw.data, raw.len, "refresh-secret", 14));
    assert_int_equal(memcmp(raw.data, "eyJ", 3), 0);
    assert_int_equal(count_accounts(s), 1);
    /* After a reboot: the key is gone, and the cache is as good as empty. */
    assert_int_equal(os_keyring_remove("entrasql-test.cache", &err), ENTRASQL_OK);
    assert_int_equal(count_accounts(s), 0);
    assert_int_equal(write_account(s, 2, &err), ENTRASQL_OK);
    assert_int_equal(count_accounts(s), 1);
    assert_int_equal(os_keyring_remove("entrasql-test.cache", &err), ENTRASQL_OK);
    es_buf_done(&raw);
    identity_store_free(s);
}

static void plain_file_only_when_said_so(void **state)
{
    (void)state;
    entrasql_error err;
    identity_store *secret = new_store(ENTRASQL_CACHE_LIBSECRET, false);
    identity_store *relaxed = new_store(ENTRASQL_CACHE_LIBSECRET, true);
    /* No desktop answers here. */
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    unsetenv("XDG_RUNTIME_DIR");
    assert_int_equal(write_account(secret, 1, &err), ENTRASQL_UNAVAILABLE);
    assert_int_not_equal(access(identity_store_path(secret), F_OK), 0);
    assert_int_equal(write_account(relaxed, 1, &err), ENTRASQL_OK);
    assert_int_equal(count_accounts(relaxed), 1);
    identity_store_free(secret);
    identity_store_free(relaxed);
    static const char *const names[] = {"../x", "a/b", ".hidden", "a b"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const entrasql_cache_options options = {.enabled = true, .name = names[i]};
        identity_store *s;
        assert_int_equal(identity_store_new(&options, &s, &err), ENTRASQL_INVALID);
    }
}

static void folders_of_others_are_refused(void **state)
{
    (void)state;
    entrasql_error err;
    identity_store *s = new_store(ENTRASQL_CACHE_PLAIN_FILE, false);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(write_account(s, 1, &err), ENTRASQL_INVALID);
    common_expect_words(&err, "chmod 700");
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(write_account(s, 1, &err), ENTRASQL_OK);
    identity_store_free(s);
}

/* ---- many ---- */

static void writers_lose_nothing(entrasql_cache_protection protection)
{
    identity_store *s = new_store(protection, false);
    pid_t pids[WRITERS];
    for (unsigned i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            entrasql_error err;
            entrasql_status status = write_account(s, i, &err);
            if (status != ENTRASQL_OK)
                fprintf(stderr, "# %s\n", err.message);
            _exit(status == ENTRASQL_OK ? 0 : 1);
        }
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        int code;
        assert_int_equal(waitpid(pids[i], &code, 0), pids[i]);
        assert_true(WIFEXITED(code) && WEXITSTATUS(code) == 0);
    }
    assert_int_equal(count_accounts(s), WRITERS);
    assert_int_not_equal(access(in_folder("entrasql-test.cache.lockfile"), F_OK), 0);
    identity_store_free(s);
}

static void many_writers_lose_nothing(void **state)
{
    (void)state;
    writers_lose_nothing(ENTRASQL_CACHE_PLAIN_FILE);
}

static void many_encrypting_writers_lose_nothing(void **state)
{
    (void)state;
    if (!has_keyring())
        return;
    assert_int_equal(os_keyring_remove("entrasql-test.cache", NULL), ENTRASQL_OK);
    writers_lose_nothing(ENTRASQL_CACHE_KERNEL_KEYRING);
    assert_int_equal(os_keyring_remove("entrasql-test.cache", NULL), ENTRASQL_OK);
}

/* ---- lock files ---- */

static void make_lock_file(const char *path, const char *text, int age_s)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    const struct timespec times[2] = {{.tv_sec = time(NULL) - age_s},
                                      {.tv_sec = time(NULL) - age_s}};
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
}

static void lock_is_one_s_at_a_time(void **state)
{
    (void)state;
    entrasql_error err;
    const char *path = in_folder("lock");
    identity_store_lock a = IDENTITY_STORE_LOCK_INIT(path);
    identity_store_lock b = IDENTITY_STORE_LOCK_INIT(path);
    assert_int_equal(identity_store_lock_try(&a, &err), ENTRASQL_OK);
    assert_int_equal(identity_store_lock_try(&b, &err), ENTRASQL_AGAIN);
    char text[64] = "", expected[32];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    close(fd);
    snprintf(expected, sizeof expected, "%ld ", (long)getpid());
    assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
    identity_store_lock_release(&a);
    assert_int_equal(identity_store_lock_try(&b, &err), ENTRASQL_OK);
    identity_store_lock_release(&b);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void locks_left_behind_are_cleared(void **state)
{
    (void)state;
    entrasql_error err;
    const char *path = in_folder("lock");
    pid_t gone = fork();
    if (gone == 0)
        _exit(0);
    assert_int_equal(waitpid(gone, NULL, 0), gone);
    char dead[32], alive[32];
    snprintf(dead, sizeof dead, "%ld python", (long)gone);
    snprintf(alive, sizeof alive, "%ld python", (long)getpid());
    const struct {
        const char *text;
        int age_s;
        bool is_cleared;
    } rows[] = {{dead, 5, true}, {dead, 0, false}, {alive, 5, false}, {alive, 60, true},
                {"", 0, false},  {"", 5, false},   {"", 60, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        identity_store_lock lock = IDENTITY_STORE_LOCK_INIT(path);
        make_lock_file(path, rows[i].text, rows[i].age_s);
        assert_int_equal(identity_store_lock_try(&lock, &err), ENTRASQL_AGAIN);
        entrasql_status status = identity_store_lock_try(&lock, &err);
        if (status != (rows[i].is_cleared ? ENTRASQL_OK : ENTRASQL_AGAIN))
            fail_msg("row %zu", i);
        identity_store_lock_release(&lock);
        unlink(path);
    }
    /* However old: whoever holds its flock is alive. */
    make_lock_file(path, dead, 60);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    identity_store_lock lock = IDENTITY_STORE_LOCK_INIT(path);
    assert_int_equal(identity_store_lock_try(&lock, &err), ENTRASQL_AGAIN);
    assert_int_equal(identity_store_lock_try(&lock, &err), ENTRASQL_AGAIN);
    close(fd);
}

static void a_lock_that_stays_is_told(void **state)
{
    (void)state;
    entrasql_error err;
    identity_store *s = new_store(ENTRASQL_CACHE_PLAIN_FILE, false);
    make_lock_file(in_folder("entrasql-test.cache.lockfile"), "1 init", 0);
    identity_user_tokens t = tokens_of("1.t", "a", "refresh-secret");
    assert_int_equal(identity_store_update_run(s, put_one, &t, es_clock_deadline(100), &err),
                     ENTRASQL_BUSY);
    common_expect_words(&err, ".lockfile");
    identity_user_tokens_done(&t);
    identity_store_free(s);
}

int main(void)
{
#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_values_are_msal_s),
        cmocka_unit_test(what_others_wrote_stays),
        cmocka_unit_test(overlapping_access_tokens_are_replaced),
        cmocka_unit_test(looking_up_knows_aliases_families_and_scopes),
        cmocka_unit_test(jwe_is_the_same_as_others),
        STORE_TEST(encrypted_file_needs_its_key),
        STORE_TEST(plain_file_only_when_said_so),
        STORE_TEST(folders_of_others_are_refused),
        STORE_TEST(many_writers_lose_nothing),
        STORE_TEST(many_encrypting_writers_lose_nothing),
        STORE_TEST(lock_is_one_s_at_a_time),
        STORE_TEST(locks_left_behind_are_cleared),
        STORE_TEST(a_lock_that_stays_is_told),
    };
    return cmocka_run_group_tests_name("token store", tests, NULL, NULL);
}
