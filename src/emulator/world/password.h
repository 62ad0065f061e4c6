/* SPDX-License-Identifier: MIT */
/*
 * Passwords of people. A world holds and keeps salted hashes only, as texts:
 * "pbkdf2-sha256:<iterations>:<salt>:<hash>", salt and hash in base64url.
 */
#ifndef EMULATOR_WORLD_PASSWORD_H
#define EMULATOR_WORLD_PASSWORD_H

#include "world.h"

#define WORLD_PASSWORD_MAX_BYTES 256
#define WORLD_PASSWORD_HASH_SIZE 160

/* Appends the hash of a password, with a new salt. */
entrasql_status world_password_hash(const char *password, size_t n, es_buf *out) ES_MUST_USE;
/* Whether a text has the form that world_password_hash() writes. */
bool world_password_is_hash(const char *text);
/* In constant time; false also for a text that is no hash. */
bool world_password_matches(const char *hash, const char *password);

/*
 * Appends a world's text with the hashes of `w` (which was read from it) in the place of its
 * passwords; a text without passwords as it is.
 */
entrasql_status world_hide_passwords(const world *w, const char *text, size_t n, es_buf *out,
                                     entrasql_error *err) ES_MUST_USE;

#endif
