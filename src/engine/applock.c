/* SPDX-License-Identifier: MIT */
/* Application locks. */
#include "engine/applock.h"

#include "base/clock.h"
#include "base/mem.h"

#include <string.h>
#include <unistd.h>

enum { WAIT_SLICE_MS = 5 };

struct engine_applock {
    engine_applock *next;
    const engine_session *owner;
    int32_t database;
    bool exclusive;
    bool by_transaction;
    unsigned count; /* how often the owner took it */
    char resource[];
};

static bool is_same(const engine_applock *lock, const engine_session *s, const char *resource)
{
    return lock->database == s->database->id && strcmp(lock->resource, resource) == 0;
}

/* Under the server's lock. *ret: the session's own one, or NULL. */
static bool is_free(const engine_session *s, const char *resource, bool exclusive,
                    bool by_transaction, engine_applock **ret)
{
    bool ok = true;
    *ret = NULL;
    for (engine_applock *lock = s->server->applocks; lock != NULL; lock = lock->next) {
        if (!is_same(lock, s, resource))
            continue;
        if (lock->owner == s && lock->by_transaction == by_transaction)
            *ret = lock;
        else if (lock->owner != s && (exclusive || lock->exclusive))
            ok = false;
    }
    return ok;
}

static bool take(engine_session *s, const char *resource, bool exclusive, bool by_transaction,
                 int32_t *ret)
{
    engine_applock *own;
    bool done = false;
    pthread_mutex_lock(&s->server->lock);
    if (is_free(s, resource, exclusive, by_transaction, &own)) {
        done = true;
        *ret = ENGINE_APPLOCK_GRANTED;
        if (own == NULL) {
            own = es_calloc(1, sizeof *own + strlen(resource) + 1);
            if (own != NULL) {
                own->owner = s;
                own->database = s->database->id;
                own->by_transaction = by_transaction;
                memcpy(own->resource, resource, strlen(resource) + 1);
                own->next = s->server->applocks;
                s->server->applocks = own;
            }
        }
        if (own != NULL) {
            own->exclusive = own->exclusive || exclusive;
            own->count++;
        } else {
            *ret = ENGINE_APPLOCK_INVALID;
        }
    }
    pthread_mutex_unlock(&s->server->lock);
    return done;
}

int32_t engine_applock_get(engine_session *s, const char *resource, bool exclusive,
                           bool by_transaction, int64_t timeout_ms)
{
    int32_t result = ENGINE_APPLOCK_GRANTED;
    int64_t begin = es_clock_mono_ms();
    if (take(s, resource, exclusive, by_transaction, &result))
        return result;
    for (;;) {
        if (timeout_ms >= 0 && es_clock_mono_ms() - begin >= timeout_ms)
            return ENGINE_APPLOCK_TIMEOUT;
        if (engine_session_interrupted(s))
            return ENGINE_APPLOCK_CANCELLED;
        (void)usleep(WAIT_SLICE_MS * 1000);
        if (take(s, resource, exclusive, by_transaction, &result))
            return result == ENGINE_APPLOCK_GRANTED ? ENGINE_APPLOCK_WAITED : result;
    }
}

bool engine_applock_release(engine_session *s, const char *resource, bool by_transaction)
{
    bool found = false;
    pthread_mutex_lock(&s->server->lock);
    for (engine_applock **at = &s->server->applocks; *at != NULL && !found; at = &(*at)->next) {
        engine_applock *lock = *at;
        if (lock->owner != s || lock->by_transaction != by_transaction ||
            !is_same(lock, s, resource))
            continue;
        found = true;
        if (--lock->count != 0)
            break;
        *at = lock->next;
        es_free(lock);
        break;
    }
    pthread_mutex_unlock(&s->server->lock);
    return found;
}

void engine_applock_release_all(engine_session *s, bool by_transaction_only)
{
    pthread_mutex_lock(&s->server->lock);
    for (engine_applock **at = &s->server->applocks; *at != NULL;) {
        engine_applock *lock = *at;
        if (lock->owner != s || (by_transaction_only && !lock->by_transaction)) {
            at = &lock->next;
            continue;
        }
        *at = lock->next;
        es_free(lock);
    }
    pthread_mutex_unlock(&s->server->lock);
}

void engine_applocks_done(engine_server *server)
{
    while (server->applocks != NULL) {
        engine_applock *lock = server->applocks;
        server->applocks = lock->next;
        es_free(lock);
    }
}
