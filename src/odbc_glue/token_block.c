/* SPDX-License-Identifier: MIT */
/* The process's table of token blocks. */
#include "odbc_glue/token_block.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TOKEN_MAX_BYTES (1024 * 1024)

/* A block that holds a token. When the token expires the entry goes, the mapping stays. */
typedef struct entry {
    struct entry *next;
    int64_t expires_on;
    size_t token_len;
    size_t mapped;
    uint8_t *block;
} entry;

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static entry *table;

/*
 * The bytes are overwritten first: giving private anonymous pages back makes
 * them zero on Linux, elsewhere the kernel may keep their content.
 */
static void wipe_block(const entry *e)
{
    es_wipe(e->block, e->mapped);
    (void)madvise(e->block, e->mapped, MADV_DONTNEED);
}

static void sweep_locked(void)
{
    int64_t now = es_clock_wall_s();
    entry **at = &table;
    while (*at != NULL) {
        entry *e = *at;
        if (e->expires_on > now) {
            at = &e->next;
            continue;
        }
        *at = e->next;
        wipe_block(e);
        es_free(e);
    }
}

static bool entry_holds(const entry *e, const char *token, size_t n)
{
    if (e->token_len != n)
        return false;
    uint8_t different = 0;
    for (size_t i = 0; i < n; i++)
        different |= (uint8_t)(e->block[4 + 2 * i] ^ (uint8_t)token[i]);
    return different == 0;
}

static const entry *find_locked(const char *token, size_t n)
{
    for (const entry *e = table; e != NULL; e = e->next) {
        if (entry_holds(e, token, n))
            return e;
    }
    return NULL;
}

static void fill(uint8_t *block, const char *token, size_t n)
{
    uint32_t size = (uint32_t)(2 * n); /* in the machine's own byte order */
    memcpy(block, &size, sizeof size);
    for (size_t i = 0; i < n; i++) {
        block[4 + 2 * i] = (uint8_t)token[i];
        block[5 + 2 * i] = 0;
    }
}

/*
 * The block does not come from base/mem: it is never freed, and only whole
 * pages of its own can be given back while their address stays valid.
 */
static entrasql_status add_locked(const char *token, size_t n, int64_t expires_on,
                                  const entry **ret, entrasql_error *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    entry *e = es_calloc(1, sizeof *e);
    if (e == NULL)
        return es_nomem(err);
    e->mapped = (4 + 2 * n + page - 1) / page * page;
    /* cppcheck-suppress invalidFunctionArg ; -1 is the descriptor of anonymous memory */
    void *block = mmap(NULL, e->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) {
        es_free(e);
        return es_fail_errno(err, errno, "cannot map memory for the access token");
    }
#ifdef MADV_DONTDUMP
    (void)madvise(block, e->mapped, MADV_DONTDUMP);
#endif
    e->block = block;
    e->token_len = n;
    e->expires_on = expires_on;
    fill(e->block, token, n);
    e->next = table;
    table = e;
    *ret = e;
    return ENTRASQL_OK;
}

static entrasql_status check_token(const char *token, size_t n, int64_t expires_on,
                                   entrasql_error *err)
{
    if (n == 0 || n > TOKEN_MAX_BYTES)
        return es_fail(err, ENTRASQL_INVALID, "the access token has %zu bytes", n);
    for (size_t i = 0; i < n; i++) {
        if (token[i] <= 0x20 || token[i] >= 0x7F)
            return es_fail(err, ENTRASQL_INVALID,
                           "the access token holds a character that no JWT has");
    }
    if (expires_on <= es_clock_wall_s()) {
        es_fail(err, ENTRASQL_INVALID, "the access token has expired");
        es_hint(err, "check the clock of this machine");
        return ENTRASQL_INVALID;
    }
    return ENTRASQL_OK;
}

entrasql_status glue_token_block_intern(const char *token, int64_t expires_on,
                                        const void **ret_block, entrasql_error *err)
{
    size_t n = strnlen(token, TOKEN_MAX_BYTES + 1);
    ES_TRY(check_token(token, n, expires_on, err));
    pthread_mutex_lock(&table_lock);
    sweep_locked();
    entrasql_status status = ENTRASQL_OK;
    const entry *e = find_locked(token, n);
    if (e == NULL)
        status = add_locked(token, n, expires_on, &e, err);
    if (e != NULL)
        *ret_block = e->block;
    pthread_mutex_unlock(&table_lock);
    return status;
}

void glue_token_block_sweep(void)
{
    pthread_mutex_lock(&table_lock);
    sweep_locked();
    pthread_mutex_unlock(&table_lock);
}

size_t glue_token_block_live_count(void)
{
    size_t count = 0;
    pthread_mutex_lock(&table_lock);
    for (const entry *e = table; e != NULL; e = e->next)
        count++;
    pthread_mutex_unlock(&table_lock);
    return count;
}
