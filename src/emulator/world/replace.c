/* SPDX-License-Identifier: MIT */
/* A world under its readers: holding it, and putting another one in its place. */
#include "internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "change.h"
#include "files.h"
#include "os/file.h"
#include "password.h"

#include <stddef.h>
#include <string.h>

/* Writers go first: there is always some reader. So nobody may hold a world twice. */
static bool init_lock(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attr;
    if (pthread_rwlockattr_init(&attr) != 0)
        return false;
    (void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    bool done = pthread_rwlock_init(lock, &attr) == 0;
    (void)pthread_rwlockattr_destroy(&attr);
    return done;
}

entrasql_status world_own_init(world_own *own)
{
    own->faults = faults_new();
    own->lock = es_calloc(1, sizeof *own->lock);
    own->changing = es_calloc(1, sizeof *own->changing);
    if (own->faults == NULL || own->lock == NULL || own->changing == NULL ||
        pthread_mutex_init(own->changing, NULL) != 0 || !init_lock(own->lock)) {
        faults_free(own->faults);
        es_free(own->lock);
        es_free(own->changing);
        *own = (world_own){0};
        return ENTRASQL_NOMEM;
    }
    return ENTRASQL_OK;
}

void world_own_done(world_own *own)
{
    world *older = own->older;
    while (older != NULL) {
        world *next = older->own.older;
        older->own.older = NULL;
        world_free(older);
        older = next;
    }
    es_free(own->sql_login);
    es_secret_unref(own->sql_password);
    world_trust_done(&own->trust);
    faults_free(own->faults);
    if (own->lock != NULL)
        (void)pthread_rwlock_destroy(own->lock);
    es_free(own->lock);
    if (own->changing != NULL)
        (void)pthread_mutex_destroy(own->changing);
    es_free(own->changing);
}

void world_change_begin(const world *w)
{
    (void)pthread_mutex_lock(w->own.changing);
}

void world_change_end(const world *w)
{
    (void)pthread_mutex_unlock(w->own.changing);
}

void world_hold(const world *w)
{
    (void)pthread_rwlock_rdlock(w->own.lock);
}

void world_let_go(const world *w)
{
    (void)pthread_rwlock_unlock(w->own.lock);
}

/* Frees what nobody can be reading any more. */
static void free_long_retired(world *w)
{
    int64_t now = es_clock_mono_ms();
    for (world **at = &w->own.older; *at != NULL; at = &(*at)->own.older) {
        world *oldest = *at;
        if (now - oldest->own.replaced_ms < WORLD_RETIRED_MS)
            continue;
        *at = NULL; /* those behind it are older still */
        world_free(oldest);
        return;
    }
}

/* A reader looks at own.lock before it holds it: that member is never written, not even for a
 * moment. */
static void copy_but_own(world *to, const world *from)
{
    const size_t at = offsetof(world, own);
    const size_t behind = at + sizeof to->own;
    memcpy(to, from, at);
    memcpy((uint8_t *)to + behind, (const uint8_t *)from + behind, sizeof *to - behind);
}

/* Exchanges all but what a world has of its own; `next` becomes the newest retired one. */
static void swap(world *w, world *next)
{
    world retired;

    (void)pthread_rwlock_wrlock(w->own.lock);
    copy_but_own(&retired, w);
    copy_but_own(w, next);
    copy_but_own(next, &retired);
    next->own.older = w->own.older;
    next->own.replaced_ms = es_clock_mono_ms();
    w->own.older = next;
    free_long_retired(w);
    (void)pthread_rwlock_unlock(w->own.lock);
}

static entrasql_status keep(const world *next, const char *data_dir, const char *text, size_t n,
                            entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *path = world_path(data_dir, WORLD_CHANGED_FILE);
    ES_CLEANUP(es_buf_done) es_buf kept = ES_BUF_INIT(WORLD_MAX_SEED_BYTES);
    if (path == NULL)
        return es_nomem(err);
    ES_TRY(world_hide_passwords(next, text, n, &kept, err));
    return os_file_write(path, kept.data, kept.len, 0600, err);
}

static entrasql_status make_next(const world *w, const char *data_dir, const char *name,
                                 const char *text, size_t n, world **ret, entrasql_error *err)
{
    ES_TRY(world_parse_seed(name, text, n, ret, err));
    ES_TRY(world_secrets_load(*ret, data_dir, true, err));
    if (w->authority != NULL && world_set_authority(*ret, w->authority) != ENTRASQL_OK)
        return es_nomem(err);
    return ENTRASQL_OK;
}

entrasql_status world_replace(world *w, const char *data_dir, const char *name, const char *text,
                              size_t n, entrasql_error *err)
{
    world *next = NULL;
    entrasql_status status = make_next(w, data_dir, name, text, n, &next, err);
    if (status == ENTRASQL_OK)
        status = keep(next, data_dir, text, n, err);
    if (status != ENTRASQL_OK) {
        world_free(next);
        return status;
    }
    swap(w, next);
    return ENTRASQL_OK;
}

entrasql_status world_revert(world *w, const char *data_dir, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(WORLD_MAX_SEED_BYTES);
    const char *name = NULL;
    world *next = NULL;
    ES_TRY(world_forget_changes(data_dir, err));
    ES_TRY(world_read_text(data_dir, &text, &name, err));
    entrasql_status status =
        make_next(w, data_dir, name, (const char *)text.data, text.len, &next, err);
    if (status != ENTRASQL_OK) {
        world_free(next);
        return status;
    }
    swap(w, next);
    return ENTRASQL_OK;
}
