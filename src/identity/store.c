/* SPDX-License-Identifier: MIT */
/* The persistent cache: places, protections, changes under the lock. */
#include "identity/store.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"
#include "crypto/jwe.h"
#include "identity/libsecret.h"
#include "identity/settings.h"
#include "identity/store_lock.h"
#include "os/file.h"
#include "os/keyring.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_NAME "msal.cache"
#define LOGIN_NAME "entrasql.cache"
#define DEFAULT_FOLDER ".IdentityService"
/* azidentity/cache for Go keeps its 32 bytes with a NUL after them. */
#define KEYRING_KEY_SIZE (CRYPTO_JWE_KEY_SIZE + 1)
/* Between two looks at somebody else's lock: so much and up to twice as much. */
#define LOCK_WAIT_MS 10

struct identity_store {
    char *name;
    char *directory;
    char *path;
    char *lock_path;
    entrasql_cache_protection protection;
    bool allow_plain;
    bool follows_plain; /* a plain file that is there already was somebody's choice */
};

/* ---- making one ---- */

static char *join(const char *a, const char *separator, const char *b)
{
    es_buf text = ES_BUF_INIT(8192);
    entrasql_status status = es_buf_printf(&text, "%s%s%s", a, separator, b);
    char *result = status == ENTRASQL_OK ? es_buf_take(&text, NULL) : NULL;
    es_buf_done(&text);
    return result;
}

static bool is_file_name(const char *name)
{
    if (name[0] == '.' || strlen(name) > 100)
        return false;
    for (const char *p = name; *p != '\0'; p++) {
        char c = es_ascii_lower(*p);
        if (!es_is_digit(c) && !(c >= 'a' && c <= 'z') && strchr("._-", c) == NULL)
            return false;
    }
    return name[0] != '\0';
}

static entrasql_status make(const char *name, const char *directory, identity_store *s,
                            entrasql_error *err)
{
    const char *home = identity_getenv("HOME");
    if (!is_file_name(name))
        return es_fail(err, ENTRASQL_INVALID,
                       "the name of a token cache may be letters, digits and ._- only");
    if (directory == NULL && home == NULL) {
        es_fail(err, ENTRASQL_CONFIG, "no place for the token cache: HOME is not set");
        es_hint(err, "name its directory");
        return ENTRASQL_CONFIG;
    }
    s->name = es_strdup(name);
    s->directory = directory != NULL ? es_strdup(directory) : join(home, "/", DEFAULT_FOLDER);
    if (s->name == NULL || s->directory == NULL ||
        (s->path = join(s->directory, "/", s->name)) == NULL ||
        (s->lock_path = join(s->path, "", ".lockfile")) == NULL)
        return es_nomem(err);
    return ENTRASQL_OK;
}

static entrasql_status new_store(const char *name, const char *directory,
                                 const identity_store *like, identity_store **ret,
                                 entrasql_error *err)
{
    identity_store *s = es_malloc(sizeof *s);
    if (s == NULL)
        return es_nomem(err);
    *s = *like;
    entrasql_status status = make(name, directory, s, err);
    if (status != ENTRASQL_OK) {
        identity_store_free(s);
        return status;
    }
    *ret = s;
    return ENTRASQL_OK;
}

entrasql_status identity_store_new(const entrasql_cache_options *options, identity_store **ret,
                                   entrasql_error *err)
{
    entrasql_cache_options o;
    *ret = NULL;
    ES_TRY(es_options_copy(&o, sizeof o, options, err));
    if (!o.enabled)
        return ENTRASQL_OK;
    if ((int)o.protection < 0 || o.protection > ENTRASQL_CACHE_PLAIN_FILE)
        return es_fail(err, ENTRASQL_INVALID, "there is no such protection of a token cache");
    const identity_store like = {.protection = o.protection, .allow_plain = o.allow_plain_file};
    return new_store(es_str_is_empty(o.name) ? DEFAULT_NAME : o.name,
                     es_str_is_empty(o.directory) ? NULL : o.directory, &like, ret, err);
}

entrasql_status identity_store_new_login(bool is_plain, identity_store **ret, entrasql_error *err)
{
    const identity_store like = {.protection = is_plain ? ENTRASQL_CACHE_PLAIN_FILE
                                                        : ENTRASQL_CACHE_KERNEL_KEYRING,
                                 .follows_plain = true};
    *ret = NULL;
    if (identity_getenv("HOME") == NULL)
        return ENTRASQL_OK; /* nobody can have signed in */
    return new_store(LOGIN_NAME, NULL, &like, ret, err);
}

void identity_store_free(identity_store *store)
{
    if (store == NULL)
        return;
    es_free(store->name);
    es_free(store->directory);
    es_free(store->path);
    es_free(store->lock_path);
    es_free(store);
}

const char *identity_store_path(const identity_store *store)
{
    return store->path;
}

/* ---- reading ---- */

/* The file's bytes; none when there is no file. */
static entrasql_status read_raw(const identity_store *s, es_buf *raw, entrasql_error *err)
{
    entrasql_status status = os_file_read_private(s->path, raw, err);
    return status == ENTRASQL_NOT_FOUND ? ENTRASQL_OK : status;
}

static bool is_plain(const es_buf *raw)
{
    size_t i = 0;
    while (i < raw->len && es_is_space((char)raw->data[i]))
        i++;
    return i < raw->len && raw->data[i] == '{';
}

/* What was encrypted with a key that is gone is as good as not there. */
static entrasql_status decrypt(const identity_store *s, const es_buf *raw, es_buf *json,
                               entrasql_error *err)
{
    uint8_t key[KEYRING_KEY_SIZE];
    int32_t serial;
    entrasql_status status = os_keyring_find(s->name, key, sizeof key, &serial, err);
    if (status == ENTRASQL_NOT_FOUND)
        return ENTRASQL_OK;
    ES_TRY(status);
    status = crypto_jwe_decrypt(key, (const char *)raw->data, raw->len, json);
    es_wipe(key, sizeof key);
    if (status == ENTRASQL_AUTH_FAILED) {
        /* Torn by a writer that does not rename, or really another key: the file tells. */
        ES_CLEANUP(es_buf_done) es_buf again = ES_BUF_INIT_WIPE(2 * IDENTITY_STORE_MAX_BYTES);
        ES_TRY(read_raw(s, &again, err));
        if (again.len == raw->len && memcmp(again.data, raw->data, raw->len) == 0)
            return ENTRASQL_OK;
        status = ENTRASQL_MALFORMED;
    }
    if (status == ENTRASQL_MALFORMED)
        es_fail(err, status, "%s is not an encrypted token cache", s->path);
    else if (status != ENTRASQL_OK)
        es_fail(err, status, "%s cannot be decrypted", s->path);
    return status;
}

static entrasql_status open_raw(const identity_store *s, const es_buf *raw, es_buf *json,
                                entrasql_error *err)
{
    bool wants_plain = s->protection == ENTRASQL_CACHE_PLAIN_FILE;
    bool may_plain = wants_plain || s->allow_plain || s->follows_plain;
    if (is_plain(raw) != wants_plain && (wants_plain || !may_plain)) {
        es_fail(err, ENTRASQL_INVALID, "%s is %s", s->path,
                wants_plain ? "encrypted, and a plain file was asked for" : "not encrypted");
        es_hint(err, wants_plain ? "use the kernel keyring, or remove that file first"
                                 : "remove it, or allow a plain file");
        return ENTRASQL_INVALID;
    }
    if (!is_plain(raw))
        return decrypt(s, raw, json, err);
    return es_buf_add(json, raw->data, raw->len) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status parse(const identity_store *s, const es_buf *json, json_doc **ret,
                             entrasql_error *err)
{
    entrasql_error reason;
    entrasql_status status = json_doc_parse(json->data, json->len, ret, &reason);
    if (status == ENTRASQL_OK && json_node_kind(json_doc_root(*ret)) != JSON_KIND_OBJECT) {
        json_doc_free(*ret);
        *ret = NULL;
        status = ENTRASQL_MALFORMED;
    }
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (status != ENTRASQL_OK) {
        es_fail(err, ENTRASQL_MALFORMED, "%s is damaged: it is not a token cache", s->path);
        es_hint(err, "remove it and sign in again");
        return ENTRASQL_MALFORMED;
    }
    return ENTRASQL_OK;
}

/* ret_is_plain: there is a plain file. NULL: it is read without the lock. */
static entrasql_status read_json(const identity_store *s, es_buf *json, bool *ret_is_plain,
                                 entrasql_error *err)
{
    if (s->protection == ENTRASQL_CACHE_LIBSECRET) {
        entrasql_status status = identity_libsecret_load(s->name, json, err);
        if (status != ENTRASQL_UNAVAILABLE || !s->allow_plain)
            return status;
    }
    ES_CLEANUP(es_buf_done) es_buf raw = ES_BUF_INIT_WIPE(2 * IDENTITY_STORE_MAX_BYTES);
    ES_TRY(read_raw(s, &raw, err));
    if (ret_is_plain != NULL)
        *ret_is_plain = is_plain(&raw);
    /* Some of the others empty the file first and then write it. */
    if (raw.len == 0 && ret_is_plain == NULL && access(s->path, F_OK) == 0)
        return es_fail(err, ENTRASQL_TRUNCATED, "%s is empty", s->path);
    if (raw.len == 0)
        return ENTRASQL_OK;
    return open_raw(s, &raw, json, err);
}

entrasql_status identity_store_read(const identity_store *store, json_doc **ret,
                                    entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf json = ES_BUF_INIT_WIPE(IDENTITY_STORE_MAX_BYTES);
    *ret = NULL;
    ES_TRY(read_json(store, &json, NULL, err));
    return json.len != 0 ? parse(store, &json, ret, err) : ENTRASQL_OK;
}

/* ---- writing ---- */

/* Whoever may write into the folder can put any file in the cache's place. */
static entrasql_status check_directory(const identity_store *s, entrasql_error *err)
{
    struct stat st;
    ES_TRY(os_dir_make(s->directory, 0700, err));
    if (stat(s->directory, &st) != 0 || (st.st_uid != geteuid() && st.st_uid != 0) ||
        (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        es_fail(err, ENTRASQL_INVALID, "the folder %s can be written by others", s->directory);
        es_hint(err, "chmod 700 %s", s->directory);
        return ENTRASQL_INVALID;
    }
    return ENTRASQL_OK;
}

static entrasql_status get_key(const identity_store *s, uint8_t key[KEYRING_KEY_SIZE],
                               int32_t *ret_serial, entrasql_error *err)
{
    entrasql_status status = os_keyring_find(s->name, key, KEYRING_KEY_SIZE, ret_serial, err);
    if (status != ENTRASQL_NOT_FOUND)
        return status;
    es_random_bytes(key, CRYPTO_JWE_KEY_SIZE);
    key[CRYPTO_JWE_KEY_SIZE] = 0;
    return os_keyring_put(s->name, key, KEYRING_KEY_SIZE, ret_serial, err);
}

static entrasql_status encrypt(const identity_store *s, const es_buf *json, es_buf *raw,
                               entrasql_error *err)
{
    uint8_t key[KEYRING_KEY_SIZE];
    char kid[16];
    int32_t serial;
    ES_TRY(get_key(s, key, &serial, err));
    (void)snprintf(kid, sizeof kid, "%d", (int)serial);
    entrasql_status status = crypto_jwe_encrypt(key, kid, json->data, json->len, raw);
    es_wipe(key, sizeof key);
    if (status != ENTRASQL_OK)
        return es_fail(err, status, "the token cache cannot be encrypted");
    return ENTRASQL_OK;
}

/* Where the protection is not to be had a plain file is written, if that was allowed. */
static entrasql_status write_json(const identity_store *s, const es_buf *json, bool is_plain_now,
                                  entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf raw = ES_BUF_INIT_WIPE(2 * IDENTITY_STORE_MAX_BYTES);
    const es_buf *content = json;
    entrasql_status status = ENTRASQL_OK;
    if (s->protection == ENTRASQL_CACHE_LIBSECRET) {
        status = identity_libsecret_store(s->name, json, err);
        if (status == ENTRASQL_OK)
            return os_file_write(s->path, "", 0, 0600, err); /* tells the others of a change */
    } else if (s->protection == ENTRASQL_CACHE_KERNEL_KEYRING &&
               !(is_plain_now && s->follows_plain)) {
        status = encrypt(s, json, &raw, err);
        content = &raw;
    }
    if (status == ENTRASQL_UNAVAILABLE && s->allow_plain) {
        status = ENTRASQL_OK;
        content = json;
    }
    ES_TRY(status);
    return os_file_write(s->path, content->data, content->len, 0600, err);
}

entrasql_status identity_store_prepare(const identity_store *store, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf json = ES_BUF_INIT_WIPE(IDENTITY_STORE_MAX_BYTES);
    uint8_t key[KEYRING_KEY_SIZE];
    int32_t serial;
    bool is_plain_now = false;
    ES_TRY(check_directory(store, err));
    ES_TRY(read_json(store, &json, &is_plain_now, err));
    if (store->protection != ENTRASQL_CACHE_KERNEL_KEYRING || store->allow_plain ||
        (is_plain_now && store->follows_plain))
        return ENTRASQL_OK;
    entrasql_status status = get_key(store, key, &serial, err);
    es_wipe(key, sizeof key);
    return status;
}

/* ---- changes ---- */

struct identity_store_update {
    const identity_store *store;
    identity_store_change *change;
    void *ctx;
    int64_t deadline_ms;
    int64_t wake_ms;
    identity_store_lock lock;
};

entrasql_status identity_store_update_start(const identity_store *store,
                                            identity_store_change *change, void *ctx,
                                            int64_t deadline_ms, identity_store_update **ret,
                                            entrasql_error *err)
{
    identity_store_update *u = es_calloc(1, sizeof *u);
    if (u == NULL)
        return es_nomem(err);
    u->store = store;
    u->change = change;
    u->ctx = ctx;
    u->deadline_ms = deadline_ms;
    u->lock = IDENTITY_STORE_LOCK_INIT(store->lock_path);
    *ret = u;
    return ENTRASQL_OK;
}

void identity_store_update_wants(identity_store_update *u, os_wait *w)
{
    os_wait_until(w, u->wake_ms);
}

void identity_store_update_free(identity_store_update *u)
{
    if (u == NULL)
        return;
    identity_store_lock_release(&u->lock);
    es_free(u);
}

static entrasql_status apply(const identity_store_update *u, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf json = ES_BUF_INIT_WIPE(IDENTITY_STORE_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf changed = ES_BUF_INIT_WIPE(IDENTITY_STORE_MAX_BYTES);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    bool is_plain_now = false;
    ES_TRY(read_json(u->store, &json, &is_plain_now, err));
    if (json.len != 0)
        ES_TRY(parse(u->store, &json, &doc, err));
    ES_TRY(u->change(u->ctx, doc != NULL ? json_doc_root(doc) : NULL, &changed, err));
    return changed.len != 0 ? write_json(u->store, &changed, is_plain_now, err) : ENTRASQL_OK;
}

static entrasql_status wait_on(identity_store_update *u, entrasql_error *err)
{
    if (es_clock_mono_ms() >= u->deadline_ms) {
        es_fail(err, ENTRASQL_BUSY, "other programs kept the token cache locked (%s)",
                u->store->lock_path);
        es_hint(err, "if none is running, remove the lock file");
        return ENTRASQL_BUSY;
    }
    int64_t wake_ms = es_clock_deadline(LOCK_WAIT_MS + (int64_t)es_random_below(LOCK_WAIT_MS));
    u->wake_ms = wake_ms < u->deadline_ms ? wake_ms : u->deadline_ms;
    return ENTRASQL_AGAIN;
}

entrasql_status identity_store_update_step(identity_store_update *u, entrasql_error *err)
{
    if (es_clock_mono_ms() < u->wake_ms)
        return ENTRASQL_AGAIN;
    ES_TRY(check_directory(u->store, err));
    entrasql_status status = identity_store_lock_try(&u->lock, err);
    if (status == ENTRASQL_AGAIN)
        return wait_on(u, err);
    ES_TRY(status);
    status = apply(u, err);
    identity_store_lock_release(&u->lock);
    return status;
}

entrasql_status identity_store_update_run(const identity_store *store,
                                          identity_store_change *change, void *ctx,
                                          int64_t deadline_ms, entrasql_error *err)
{
    identity_store_update *u = NULL;
    ES_TRY(identity_store_update_start(store, change, ctx, deadline_ms, &u, err));
    entrasql_status status;
    while ((status = identity_store_update_step(u, err)) == ENTRASQL_AGAIN) {
        os_wait w;
        os_wait_init(&w);
        identity_store_update_wants(u, &w);
        status = os_wait_poll(&w, err);
        if (status != ENTRASQL_OK)
            break;
    }
    identity_store_update_free(u);
    return status;
}
