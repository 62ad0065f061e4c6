/* SPDX-License-Identifier: MIT */
/* The world of a data directory: seed, trust and secrets together. */
#include "internal.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/random.h"
#include "files.h"
#include "os/file.h"
#include "password.h"
#include "json/json.h"

#include <string.h>

/* ---- secrets ---- */

#define MAX_SECRETS_BYTES (4 * 1024 * 1024)

/* What Entra gives has 40 characters; ours too, of base64url's alphabet. */
static entrasql_status new_app_secret(es_secret **ret)
{
    uint8_t random[30];
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(64);
    es_random_bytes(random, sizeof random);
    entrasql_status status = es_base64url_encode(random, sizeof random, &text);
    es_wipe(random, sizeof random);
    ES_TRY(status);
    *ret = es_secret_new(text.data, text.len);
    return *ret != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

/* App Service's looks like a GUID in upper case without hyphens. */
static entrasql_status new_identity_header(es_secret **ret)
{
    uint8_t random[16];
    char digits[2 * sizeof random + 1];
    es_random_bytes(random, sizeof random);
    es_hex_encode(random, sizeof random, digits);
    for (char *p = digits; *p != 0; p++)
        *p = es_ascii_upper(*p);
    *ret = es_secret_from_str(digits);
    es_wipe(random, sizeof random);
    es_wipe(digits, sizeof digits);
    return *ret != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

static entrasql_status stored_secret(const json_node *list, const char *name, es_secret **ret)
{
    const char *text = NULL;
    size_t n = 0;
    if (json_member_string(list, name, &text, &n) != ENTRASQL_OK || n == 0)
        return ENTRASQL_NOT_FOUND;
    *ret = es_secret_new(text, n);
    return *ret != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

/* Hosts that prove by a secret header where the program runs. */
static bool has_header(world_host_kind kind)
{
    return kind == WORLD_WEB_APP || kind == WORLD_WEB_APP_2017 || kind == WORLD_AZURE_ML ||
           kind == WORLD_SERVICE_FABRIC;
}

/* Each secret from the file or new; *ret_new when one was new. */
static entrasql_status fill(world *w, const json_node *root, bool *ret_new, entrasql_error *err)
{
    for (size_t i = 0; i < w->principal_count; i++) {
        world_principal *p = &w->principals[i];
        if (p->kind != WORLD_APP)
            continue;
        entrasql_status status = stored_secret(json_member(root, "apps"), p->client_id, &p->secret);
        if (status == ENTRASQL_NOT_FOUND) {
            *ret_new = true;
            status = new_app_secret(&p->secret);
        }
        if (status != ENTRASQL_OK)
            return es_nomem(err);
    }
    for (size_t i = 0; i < w->host_count; i++) {
        world_host *h = &w->hosts[i];
        if (!has_header(h->kind))
            continue;
        entrasql_status status =
            stored_secret(json_member(root, "hosts"), h->name, &h->identity_header);
        if (status == ENTRASQL_NOT_FOUND) {
            *ret_new = true;
            status = new_identity_header(&h->identity_header);
        }
        if (status != ENTRASQL_OK)
            return es_nomem(err);
    }
    return ENTRASQL_OK;
}

static entrasql_status store(const world *w, const char *path, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(MAX_SECRETS_BYTES);
    json_writer j;
    json_writer_init(&j, &text);
    json_begin_object(&j);
    json_name(&j, "apps");
    json_begin_object(&j);
    for (size_t i = 0; i < w->principal_count; i++) {
        if (w->principals[i].secret != NULL)
            json_member_put_string(&j, w->principals[i].client_id,
                                   es_secret_reveal(w->principals[i].secret));
    }
    json_end_object(&j);
    json_name(&j, "hosts");
    json_begin_object(&j);
    for (size_t i = 0; i < w->host_count; i++) {
        if (w->hosts[i].identity_header != NULL)
            json_member_put_string(&j, w->hosts[i].name,
                                   es_secret_reveal(w->hosts[i].identity_header));
    }
    json_end_object(&j);
    json_end_object(&j);
    if (json_writer_end(&j) != ENTRASQL_OK)
        return es_nomem(err);
    return os_file_write(path, text.data, text.len, 0600, err);
}

entrasql_status world_secrets_load(world *w, const char *data_dir, bool create, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *path = world_path(data_dir, "secrets.json");
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(MAX_SECRETS_BYTES);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    if (path == NULL)
        return es_nomem(err);
    entrasql_status status = world_file_read_private(path, &text, err);
    if (status == ENTRASQL_OK) {
        status = json_doc_parse(text.data, text.len, &doc, err);
        if (status != ENTRASQL_OK) {
            es_error_prefix(err, "%s", path);
            es_hint(err, "Remove the file; new secrets are made at the next start.");
            return status;
        }
    } else if (status != ENTRASQL_NOT_FOUND || !create) {
        return status;
    }
    bool is_new = false;
    ES_TRY(fill(w, doc != NULL ? json_doc_root(doc) : NULL, &is_new, err));
    if (!is_new)
        return ENTRASQL_OK;
    /* A secret made here and not kept would be one that the running emulator does not know. */
    if (!create)
        return es_fail(err, ENTRASQL_NOT_FOUND, "%s lacks a secret of this world; start again",
                       path);
    return store(w, path, err);
}

/* ---- the whole ---- */

#define SEED_FILE "seed.json" /* what the world began with */

static entrasql_status read_file(const char *data_dir, const char *name, es_buf *out,
                                 entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *path = world_path(data_dir, name);
    return path != NULL ? os_file_read(path, out, err) : es_nomem(err);
}

static entrasql_status write_file(const char *data_dir, const char *name, const void *p, size_t n,
                                  entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *path = world_path(data_dir, name);
    return path != NULL ? os_file_write(path, p, n, 0600, err) : es_nomem(err);
}

entrasql_status world_read_text(const char *data_dir, es_buf *out, const char **ret_name,
                                entrasql_error *err)
{
    static const char *const names[] = {WORLD_CHANGED_FILE, SEED_FILE};
    for (size_t i = 0; i < ES_COUNT_OF(names); i++) {
        *ret_name = names[i];
        entrasql_status status = read_file(data_dir, names[i], out, err);
        if (status != ENTRASQL_NOT_FOUND)
            return status;
    }
    *ret_name = "the built-in seed";
    return es_buf_add_str(out, world_default_seed) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

entrasql_status world_forget_changes(const char *data_dir, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *path = world_path(data_dir, WORLD_CHANGED_FILE);
    return path != NULL ? os_file_remove(path, err) : es_nomem(err);
}

/* A seed that was given, or is used for the first time, is kept. */
static entrasql_status keep_seed(const world *w, const char *data_dir, const char *seed_file,
                                 const char *name, const es_buf *text, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf kept = ES_BUF_INIT(WORLD_MAX_SEED_BYTES);
    if (seed_file == NULL && es_streq(name, WORLD_CHANGED_FILE))
        return ENTRASQL_OK;
    ES_TRY(world_hide_passwords(w, (const char *)text->data, text->len, &kept, err));
    ES_TRY(write_file(data_dir, SEED_FILE, kept.data, kept.len, err));
    return world_forget_changes(data_dir, err);
}

static entrasql_status load(const char *data_dir, const char *seed_file, bool create, world **ret,
                            entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(WORLD_MAX_SEED_BYTES);
    const char *name = seed_file;
    if (seed_file != NULL)
        ES_TRY(os_file_read(seed_file, &text, err));
    else
        ES_TRY(world_read_text(data_dir, &text, &name, err));
    ES_TRY(world_parse_seed(name, (const char *)text.data, text.len, ret, err));
    if (create)
        ES_TRY(keep_seed(*ret, data_dir, seed_file, name, &text, err));
    ES_TRY(world_trust_load(data_dir, create, &(*ret)->own.trust, err));
    return world_secrets_load(*ret, data_dir, create, err);
}

entrasql_status world_load(const char *data_dir, const char *seed_file, bool create, world **ret,
                           entrasql_error *err)
{
    world *w = NULL;
    if (create)
        ES_TRY(world_dir_make(data_dir, err));
    entrasql_status status = load(data_dir, seed_file, create, &w, err);
    if (status != ENTRASQL_OK) {
        world_free(w);
        return status;
    }
    *ret = w;
    return ENTRASQL_OK;
}
