/* SPDX-License-Identifier: MIT */
/*
 * Foreign text made fit for a message: one line without control characters,
 * length limited, and what is or looks like a secret replaced. Servers and
 * tools do echo what they were sent.
 */
#ifndef IDENTITY_REDACT_H
#define IDENTITY_REDACT_H

#include "base/secret.h"

#include <stddef.h>

/*
 * Copies at most size - 1 bytes. A blank stands where lines end; colours and other commands of a
 * terminal are left out, and blanks at both ends. Replaced by "***": the secret (NULL: none),
 * JWTs, and the string after a JSON key that holds a token, secret or password.
 */
void identity_redact(char *dst, size_t size, const char *src, size_t n, const es_secret *secret);

/* A URL of the environment for a message: printable, cut to size, and a name and password in front
 * of its host masked. */
void identity_show_url(char *dst, size_t size, const char *url);

#endif
