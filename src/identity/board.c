/* SPDX-License-Identifier: MIT */
/* Tokens that readers take without a lock; see board.h. */
#include "identity/board.h"
#include "identity/internal.h"

#include "base/mem.h"
#include "base/str.h"

#include <assert.h>
#include <sched.h>
#include <stdalign.h>
#include <string.h>
#include <unistd.h>

/* Two cache lines: processors fetch lines in pairs. */
#define APART 128
/* More processors than this share stripes. A key takes 2 * APART bytes a stripe. */
#define MAX_STRIPES 256

/* The word of a stripe: the token's address above, the number of takings below. */
#define TAKINGS_BITS 16
#define TAKINGS_MASK ((UINT64_C(1) << TAKINGS_BITS) - 1)
#define TAKINGS_HALF_FULL (UINT64_C(1) << (TAKINGS_BITS - 1))
/* The board's own share in the count of a token that is posted: more than there can be frees. */
#define POSTED (INT64_C(1) << 40)

struct stripe_token {
    alignas(APART) entrasql_token token;
};

/* One token as posted: a handle a stripe, and what they share, which does not change. */
struct identity_posting {
    atomic_uint stripes_left;
    es_secret *value;
    char *source;
    char *scope;
    char *tenant;
    bool cae;
    struct stripe_token *stripes;
};

struct stripe_word {
    alignas(APART) _Atomic uint64_t word;
};

struct place {
    _Atomic int64_t quiet_until_ms;
    atomic_bool used;
    struct stripe_word *stripes;
};

struct identity_board {
    unsigned mask; /* number of stripes - 1; that is a power of two */
    /* Places 0 to count - 1 have been used. They are searched by tag; tag 0 is an empty place. */
    atomic_uint count;
    _Atomic uint32_t tags[IDENTITY_PLACES];
    struct place places[IDENTITY_PLACES];
};

/* ---- keys ---- */

bool identity_key_equal(const identity_key *a, const identity_key *b)
{
    return a->cae == b->cae && es_streq(a->scope, b->scope) &&
           (es_streq(a->tenant, b->tenant) || es_strcaseeq(a->tenant, b->tenant));
}

/* The letters' case plays no part: tenants are compared so, and for scopes it does no harm. */
static uint64_t mix(uint64_t h, const char *s)
{
    size_t left = strlen(s);
    while (left != 0) {
        uint64_t part = 0;
        size_t n = left < sizeof part ? left : sizeof part;
        memcpy(&part, s, n);
        h = (h ^ (part | UINT64_C(0x2020202020202020))) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
        s += n;
        left -= n;
    }
    return h * 31;
}

static uint32_t tag_of(const identity_key *key)
{
    uint64_t h = mix(mix(key->cae ? 1 : 2, key->scope), key->tenant);
    return (uint32_t)h | 1;
}

/* ---- board ---- */

static unsigned stripe_count(void)
{
    long processors = sysconf(_SC_NPROCESSORS_CONF);
    unsigned n = 1;
    while (n < MAX_STRIPES && (long)n < processors)
        n *= 2;
    return n;
}

static unsigned own_stripe(const identity_board *board)
{
    int processor = sched_getcpu();
    return processor >= 0 ? (unsigned)processor & board->mask : 0;
}

identity_board *identity_board_new(void)
{
    identity_board *board = es_calloc(1, sizeof *board);
    if (board != NULL)
        board->mask = stripe_count() - 1;
    return board;
}

void identity_board_free(identity_board *board)
{
    if (board == NULL)
        return;
    /* Without memory for its first posting a place has stripes and is not counted. */
    for (unsigned i = 0; i < IDENTITY_PLACES; i++) {
        identity_board_clear(board, i);
        es_free(board->places[i].stripes);
    }
    es_free(board);
}

/* ---- postings ---- */

static void free_posting(identity_posting *p)
{
    es_secret_unref(p->value);
    es_free(p->source);
    es_free(p->scope);
    es_free(p->tenant);
    es_free(p->stripes);
    es_free(p);
}

void identity_posting_release(identity_posting *posting)
{
    if (atomic_fetch_sub_explicit(&posting->stripes_left, 1, memory_order_acq_rel) == 1)
        free_posting(posting);
}

static identity_posting *new_posting(const identity_board *board, const identity_key *key,
                                     const entrasql_token *token)
{
    identity_posting *p = es_calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->value = es_secret_ref(token->value);
    p->source = es_strdup(token->source);
    p->scope = es_strdup(key->scope);
    p->tenant = es_strdup(key->tenant);
    p->cae = key->cae;
    p->stripes = es_calloc_aligned(APART, board->mask + 1, sizeof *p->stripes);
    if (p->source == NULL || p->scope == NULL || p->tenant == NULL || p->stripes == NULL) {
        free_posting(p);
        return NULL;
    }
    atomic_init(&p->stripes_left, board->mask + 1);
    for (unsigned i = 0; i <= board->mask; i++) {
        entrasql_token *t = &p->stripes[i].token;
        atomic_init(&t->refs, POSTED);
        t->posting = p;
        t->value = p->value;
        t->source = p->source;
        t->expires_on = token->expires_on;
        t->refresh_on = token->refresh_on;
    }
    return p;
}

/* ---- the words ---- */

static uint64_t word_of(const entrasql_token *token)
{
    return token != NULL ? (uint64_t)(uintptr_t)token << TAKINGS_BITS : 0;
}

static entrasql_token *token_of(uint64_t word)
{
    return (entrasql_token *)(uintptr_t)(word >> TAKINGS_BITS);
}

/* Some 64-bit systems have addresses that use the upper bits: there nothing is posted. */
static bool fits_a_word(const struct stripe_token *stripes)
{
    return token_of(word_of(&stripes->token)) == &stripes->token;
}

/* The reader has a reference, so the token stays while its count is changed. */
static void move_takings(_Atomic uint64_t *word, uint64_t seen, entrasql_token *token)
{
    int64_t n = (int64_t)(seen & TAKINGS_MASK);
    atomic_fetch_add_explicit(&token->refs, n, memory_order_relaxed);
    if (!atomic_compare_exchange_strong_explicit(word, &seen, seen & ~TAKINGS_MASK,
                                                 memory_order_acq_rel, memory_order_relaxed))
        atomic_fetch_sub_explicit(&token->refs, n, memory_order_relaxed);
}

static entrasql_token *take(_Atomic uint64_t *word)
{
    uint64_t seen = atomic_load_explicit(word, memory_order_relaxed);
    do {
        if (seen == 0 || (seen & TAKINGS_MASK) == TAKINGS_MASK)
            return NULL;
    } while (!atomic_compare_exchange_weak_explicit(word, &seen, seen + 1, memory_order_acq_rel,
                                                    memory_order_relaxed));
    entrasql_token *token = token_of(seen);
    if ((seen & TAKINGS_MASK) >= TAKINGS_HALF_FULL)
        move_takings(word, seen + 1, token);
    return token;
}

static void replace(_Atomic uint64_t *word, uint64_t by)
{
    uint64_t old = atomic_exchange_explicit(word, by, memory_order_acq_rel);
    if (old != 0)
        identity_token_unref_n(token_of(old), POSTED - (int64_t)(old & TAKINGS_MASK));
}

static bool prepare_place(identity_board *board, unsigned place)
{
    struct place *p = &board->places[place];
    if (p->stripes == NULL)
        p->stripes = es_calloc_aligned(APART, board->mask + 1, sizeof *p->stripes);
    return p->stripes != NULL;
}

void identity_board_clear(identity_board *board, unsigned place)
{
    struct place *p = &board->places[place];
    atomic_store_explicit(&board->tags[place], 0, memory_order_relaxed);
    for (unsigned i = 0; p->stripes != NULL && i <= board->mask; i++)
        replace(&p->stripes[i].word, 0);
}

void identity_board_post(identity_board *board, unsigned place, const identity_key *key,
                         const entrasql_token *token)
{
    assert(place < IDENTITY_PLACES);
    identity_posting *posting = prepare_place(board, place) ? new_posting(board, key, token) : NULL;
    if (posting != NULL && !fits_a_word(posting->stripes)) {
        free_posting(posting);
        posting = NULL;
    }
    if (posting == NULL) {
        identity_board_clear(board, place);
        return;
    }
    struct place *p = &board->places[place];
    for (unsigned i = 0; i <= board->mask; i++)
        replace(&p->stripes[i].word, word_of(&posting->stripes[i].token));
    atomic_store_explicit(&board->tags[place], tag_of(key), memory_order_release);
    if (place >= board->count)
        atomic_store_explicit(&board->count, place + 1, memory_order_release);
}

void identity_board_quiet(identity_board *board, unsigned place, int64_t until_ms)
{
    atomic_store_explicit(&board->places[place].quiet_until_ms, until_ms, memory_order_relaxed);
}

bool identity_board_was_used(identity_board *board, unsigned place)
{
    return atomic_exchange_explicit(&board->places[place].used, false, memory_order_relaxed);
}

/* ---- readers ---- */

/* Written only when it changes: all readers of the key look at it. */
static void mark_used(struct place *p)
{
    if (!atomic_load_explicit(&p->used, memory_order_relaxed))
        atomic_store_explicit(&p->used, true, memory_order_relaxed);
}

static bool is_of_key(const entrasql_token *token, const identity_key *key)
{
    const identity_posting *p = token->posting;
    return identity_key_equal(&(identity_key){p->scope, p->tenant, p->cae}, key);
}

static bool is_good(const entrasql_token *token, const struct place *p, int64_t min_left_s)
{
    int64_t now = es_clock_wall_s();
    if (token->expires_on - now <= min_left_s)
        return false;
    return token->refresh_on == 0 || now < token->refresh_on ||
           es_clock_mono_ms() < atomic_load_explicit(&p->quiet_until_ms, memory_order_relaxed);
}

entrasql_token *identity_board_take(identity_board *board, const identity_key *key,
                                    int64_t min_left_s)
{
    uint32_t tag = tag_of(key);
    unsigned stripe = own_stripe(board);
    unsigned count = atomic_load_explicit(&board->count, memory_order_acquire);
    for (unsigned i = 0; i < count; i++) {
        if (atomic_load_explicit(&board->tags[i], memory_order_acquire) != tag)
            continue;
        struct place *p = &board->places[i];
        entrasql_token *token = take(&p->stripes[stripe].word);
        if (token == NULL)
            continue;
        if (is_of_key(token, key)) {
            if (is_good(token, p, min_left_s)) {
                mark_used(p);
                return token;
            }
            entrasql_token_free(token);
            return NULL;
        }
        entrasql_token_free(token);
    }
    return NULL;
}
