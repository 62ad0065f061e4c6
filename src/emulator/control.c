/* SPDX-License-Identifier: MIT */
/* Words that work on an emulator from outside: changes, reset, seed, tokens. */
#include "internal.h"

#include "base/mem.h"
#include "crypto/jwt.h"
#include "emulator/admin/client.h"
#include "emulator/world/files.h"
#include "emulator/world/token.h"
#include "os/file.h"
#include "os/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

entrasql_status emulator_ask(const char *data_dir, const char *method, const char *path,
                             const void *body, size_t n, es_buf *out, entrasql_error *err)
{
    return admin_call(data_dir, method, path, body, n, out, err);
}

/* ---- reset ---- */

/* The engine's files: a database and what SQLite keeps beside it. */
static bool is_database_file(const char *name)
{
    static const char *const endings[] = {".db", ".db-wal", ".db-shm", ".db-journal"};
    for (size_t i = 0; i < ES_COUNT_OF(endings); i++) {
        if (es_ends_with(name, endings[i]))
            return true;
    }
    return false;
}

entrasql_status emulator_remove_databases(const char *data_dir, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *path = world_path(data_dir, EMULATOR_SQL_DIR);
    if (path == NULL)
        return es_nomem(err);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return errno == ENOENT ? ENTRASQL_OK : es_fail_errno(err, errno, "cannot read %s", path);
    entrasql_status status = ENTRASQL_OK;
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (is_database_file(e->d_name) && unlinkat(dirfd(dir), e->d_name, 0) != 0)
            status = es_fail_errno(err, errno, "cannot remove %s/%s", path, e->d_name);
    }
    (void)closedir(dir);
    return status;
}

/* Nobody runs: the lock keeps it so meanwhile. */
static entrasql_status wipe_stopped(const char *data_dir, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *path = world_path(data_dir, EMULATOR_LOCK_FILE);
    os_lock *lock = NULL;
    if (path == NULL)
        return es_nomem(err);
    if (access(path, F_OK) != 0)
        return ENTRASQL_OK; /* it never ran: there is nothing */
    ES_TRY(os_lock_take(path, &lock, err));
    entrasql_status status = world_forget_changes(data_dir, err);
    if (status == ENTRASQL_OK)
        status = emulator_remove_databases(data_dir, err);
    os_lock_free(lock);
    return status;
}

entrasql_status emulator_reset(const char *data_dir, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(64 * 1024);
    emulator_info info;
    entrasql_status status = emulator_status(data_dir, &info, err);
    if (status == ENTRASQL_NOT_FOUND)
        return wipe_stopped(data_dir, err);
    ES_TRY(status);
    return admin_call(data_dir, "POST", "reset", "", 0, &out, err);
}

/* ---- seed ---- */

static entrasql_status keep_for_later(const char *data_dir, const char *seed_file, es_buf *said,
                                      entrasql_error *err)
{
    world *w = NULL;
    ES_TRY(world_load(data_dir, seed_file, true, &w, err));
    world_free(w);
    return es_buf_add_str(said, "the next start takes it") == ENTRASQL_OK ? ENTRASQL_OK
                                                                          : es_nomem(err);
}

entrasql_status emulator_seed(const char *data_dir, const char *seed_file, es_buf *said,
                              entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(WORLD_MAX_SEED_BYTES);
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(64 * 1024);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    emulator_info info;
    const char *words = "";
    entrasql_status status = emulator_status(data_dir, &info, err);
    if (status == ENTRASQL_NOT_FOUND)
        return keep_for_later(data_dir, seed_file, said, err);
    ES_TRY(status);
    ES_TRY(os_file_read(seed_file, &text, err));
    ES_TRY(admin_call(data_dir, "POST", "seed", text.data, text.len, &out, err));
    ES_TRY(json_doc_parse(out.data, out.len, &doc, err));
    (void)!json_member_string(json_doc_root(doc), "said", &words, NULL);
    return es_buf_add_str(said, words) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

/* ---- tokens ---- */

static entrasql_status find_principal(const world *w, const char *name, const world_principal **ret,
                                      entrasql_error *err)
{
    *ret = world_principal_find(w, name);
    if (*ret == NULL) {
        (void)es_fail(err, ENTRASQL_NOT_FOUND, "the emulator knows no '%s', or more than one",
                      name);
        es_hint(err, "entrasql emulator status names them all.");
        return ENTRASQL_NOT_FOUND;
    }
    return ENTRASQL_OK;
}

/* Another signature of the same length: its first bytes are turned round. */
static entrasql_status spoil(es_buf *token, size_t from, entrasql_error *err)
{
    for (size_t i = from; i < token->len; i++) {
        if (token->data[i] == '.')
            from = i + 1;
    }
    if (token->len - from < 8)
        return es_fail(err, ENTRASQL_INTERNAL, "the token has no signature");
    for (size_t i = 0; i < 4; i++) {
        uint8_t other = token->data[from + 7 - i];
        token->data[from + 7 - i] = token->data[from + i];
        token->data[from + i] = other == token->data[from + 7 - i] ? 'A' : other;
    }
    return ENTRASQL_OK;
}

static entrasql_status issue(const world *w, const emulator_token_options *o, es_buf *out,
                             entrasql_error *err)
{
    const world_principal *p = NULL;
    const char *resource = o->resource != NULL ? o->resource : world_server_audience(w);
    int64_t expires_on = 0;
    size_t from = out->len;
    ES_TRY(find_principal(w, o->as, &p, err));
    const char *known = world_resource_find(w, resource);
    if (known == NULL && o->audience == NULL) {
        (void)es_fail(err, ENTRASQL_NOT_FOUND, "the tenant knows no resource '%s'", resource);
        es_hint(err, "--audience writes any text into the token.");
        return ENTRASQL_NOT_FOUND;
    }
    world_token_request request = {
        .principal = p,
        .resource = o->audience != NULL ? o->audience : known,
        .shift_s = o->expired         ? -2 * WORLD_IDENTITY_TOKEN_LIFETIME_S
                   : o->not_yet_valid ? 3600
                                      : 0,
    };
    ES_TRY(world_token_issue(w, &request, out, &expires_on, err));
    return o->bad_signature ? spoil(out, from, err) : ENTRASQL_OK;
}

entrasql_status emulator_token(const emulator_token_options *options, es_buf *out,
                               entrasql_error *err)
{
    world *w = NULL;
    entrasql_status status = world_load(options->data_dir, NULL, false, &w, err);
    if (status == ENTRASQL_NOT_FOUND) {
        (void)es_fail(err, status, "there is no emulator's data in %s", options->data_dir);
        es_hint(err, "Start one: entrasql emulator start");
    }
    ES_TRY(status);
    status = issue(w, options, out, err);
    world_free(w);
    return status;
}
