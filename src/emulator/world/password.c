/* SPDX-License-Identifier: MIT */
/* Passwords of people: hashing, checking, and keeping them out of files. */
#include "password.h"

#include "base/base64.h"
#include "base/random.h"
#include "crypto/digest.h"
#include "internal.h"
#include "json/json.h"

#include <string.h>

#define SCHEME "pbkdf2-sha256:"
#define SALT_SIZE 16
/* About 30 ms: the emulator is for tests, which sign in often. */
#define ITERATIONS 100000
#define MAX_ITERATIONS                                                                             \
    1000000 /* of a text that somebody else wrote: each sign-in takes so long                      \
             */

typedef struct parts {
    uint32_t iterations;
    uint8_t salt[SALT_SIZE];
    uint8_t hash[CRYPTO_SHA256_SIZE];
} parts;

/* ---- the text of a hash ---- */

entrasql_status world_password_hash(const char *password, size_t n, es_buf *out)
{
    parts p = {.iterations = ITERATIONS};
    es_random_bytes(p.salt, sizeof p.salt);
    ES_TRY(crypto_pbkdf2_sha256(password, n, p.salt, sizeof p.salt, p.iterations, p.hash));
    ES_TRY(es_buf_printf(out, SCHEME "%u:", (unsigned)p.iterations));
    ES_TRY(es_base64url_encode(p.salt, sizeof p.salt, out));
    ES_TRY(es_buf_u8(out, ':'));
    return es_base64url_encode(p.hash, sizeof p.hash, out);
}

/* Exactly `size` bytes out of the base64url text. */
static bool decode(const char *s, size_t n, uint8_t *ret, size_t size)
{
    ES_CLEANUP(es_buf_done) es_buf bytes = ES_BUF_INIT(64);
    if (es_base64url_decode(s, n, &bytes) != ENTRASQL_OK || bytes.len != size)
        return false;
    memcpy(ret, bytes.data, size);
    return true;
}

static bool parse(const char *text, parts *ret)
{
    uint64_t iterations = 0;
    if (!es_starts_with(text, SCHEME))
        return false;
    const char *count = text + strlen(SCHEME);
    const char *salt = strchr(count, ':');
    const char *hash = salt != NULL ? strchr(salt + 1, ':') : NULL;
    if (hash == NULL ||
        es_parse_u64(count, (size_t)(salt - count), MAX_ITERATIONS, &iterations) != ENTRASQL_OK ||
        iterations == 0)
        return false;
    ret->iterations = (uint32_t)iterations;
    return decode(salt + 1, (size_t)(hash - salt - 1), ret->salt, sizeof ret->salt) &&
           decode(hash + 1, strlen(hash + 1), ret->hash, sizeof ret->hash);
}

bool world_password_is_hash(const char *text)
{
    parts p;
    return parse(text, &p);
}

bool world_password_matches(const char *hash, const char *password)
{
    parts p;
    uint8_t its[CRYPTO_SHA256_SIZE];
    if (!parse(hash, &p) || strlen(password) > WORLD_PASSWORD_MAX_BYTES ||
        crypto_pbkdf2_sha256(password, strlen(password), p.salt, sizeof p.salt, p.iterations,
                             its) != ENTRASQL_OK)
        return false;
    return es_equal_constant_time(its, p.hash, sizeof its);
}

/* ---- keeping ---- */

static bool has_passwords(const json_node *users)
{
    for (size_t i = 0; i < json_count(users); i++) {
        if (json_member(json_element(users, i), "password") != NULL)
            return true;
    }
    return false;
}

static void put_user(json_writer *j, const json_node *user, const world_principal *p)
{
    json_begin_object(j);
    for (json_cursor *at = json_cursor_next(user, NULL); at != NULL;
         at = json_cursor_next(user, at)) {
        if (es_streq(json_cursor_name(at), "password"))
            continue;
        json_name(j, json_cursor_name(at));
        json_put_node(j, json_cursor_value(at));
    }
    /* One that is null, which is none, has no hash. */
    if (json_member(user, "password") != NULL && p->password_hash != NULL)
        json_member_put_string(j, "password_hash", p->password_hash);
    json_end_object(j);
}

/* Users are the first principals, in the order of the text. */
static void put_users(json_writer *j, const json_node *users, const world *w)
{
    json_begin_array(j);
    for (size_t i = 0; i < json_count(users) && i < w->principal_count; i++)
        put_user(j, json_element(users, i), &w->principals[i]);
    json_end_array(j);
}

entrasql_status world_hide_passwords(const world *w, const char *text, size_t n, es_buf *out,
                                     entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    json_writer j;
    ES_TRY(json_doc_parse(text, n, &doc, err));
    const json_node *root = json_doc_root(doc);
    if (!has_passwords(json_member(root, "users")))
        return es_buf_add(out, text, n) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
    json_writer_init(&j, out);
    json_begin_object(&j);
    for (json_cursor *at = json_cursor_next(root, NULL); at != NULL;
         at = json_cursor_next(root, at)) {
        json_name(&j, json_cursor_name(at));
        if (es_streq(json_cursor_name(at), "users"))
            put_users(&j, json_cursor_value(at), w);
        else
            json_put_node(&j, json_cursor_value(at));
    }
    json_end_object(&j);
    entrasql_status status = json_writer_end(&j);
    if (status == ENTRASQL_LIMIT)
        return es_fail(err, status, "the world would be larger than %d bytes",
                       WORLD_MAX_SEED_BYTES);
    return status == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}
