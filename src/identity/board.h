/* SPDX-License-Identifier: MIT */
/*
 * The cached tokens of one credential as its readers see them: found, judged
 * and taken without a lock and without memory.
 *
 * What it must do, and how:
 *   - No word of memory that two busy processors write. One reference count in a token would be
 * such a word: every get_token and every free would pull its cache line from processor to
 * processor, and a thousand threads would be slower than one. So a posted token exists once a
 * stripe; there are as many stripes as processors, and a reader takes the one of the processor it
 * runs on. The text of the token is shared and only read.
 *   - A token may be replaced between a reader's look at the pointer and its count. So pointer and
 *     count of takings live in one 64-bit word, and taking is one compare-and-swap; whoever
 * replaces the token exchanges the word and moves the takings into the token's own count, which
 *     frees from then on. The count in the word has 16 bits: readers move it over when it is half
 * full.
 *   - The words themselves stay until the board goes; a place is reused for another key, and a
 * reader that took a token looks at the key inside it.
 *
 * Readers: any thread, at any time that the credential lives. Writers (post,
 * clear, quiet, was_used) are serialised by the cache's mutex.
 */
#ifndef IDENTITY_BOARD_H
#define IDENTITY_BOARD_H

#include "base/compiler.h"

#include <entrasql/entrasql.h>

#include <stdbool.h>

#define IDENTITY_PLACES 64

/* What tokens are cached by. */
typedef struct identity_key {
    const char *scope;
    const char *tenant; /* "" for the credential's own */
    bool cae;
} identity_key;

typedef struct identity_board identity_board;
typedef struct identity_posting identity_posting;

/* NULL without memory. */
identity_board *identity_board_new(void) ES_MUST_USE;
/* No reader may be in it; tokens that were taken stay good. NULL allowed. */
void identity_board_free(identity_board *board);

/*
 * A token of the key with one reference; NULL when there is none, or when it
 * is not to be used without a word with the cache: it ends within min_left_s, or it is
 * worth refreshing and the place is not quiet.
 */
entrasql_token *identity_board_take(identity_board *board, const identity_key *key,
                                    int64_t min_left_s);

/* Shows a token in a place, instead of what is there. Without memory the place is empty then. */
void identity_board_post(identity_board *board, unsigned place, const identity_key *key,
                         const entrasql_token *token);
void identity_board_clear(identity_board *board, unsigned place);
/* Until then (monotonic) tokens are given out although they are worth refreshing. */
void identity_board_quiet(identity_board *board, unsigned place, int64_t until_ms);
/* Whether a token was taken from there since the last such question. */
bool identity_board_was_used(identity_board *board, unsigned place);

/* One of a posting's stripes has no reference left. For entrasql_token_free. */
void identity_posting_release(identity_posting *posting);

bool identity_key_equal(const identity_key *a, const identity_key *b);

#endif
