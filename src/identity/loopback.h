/* SPDX-License-Identifier: MIT */
/*
 * The address on this machine to which a browser brings the answer of a sign-in: a strict little
 * HTTP service on 127.0.0.1 and ::1 for one form (RFC 8252 7.3, response mode form_post), without
 * threads.
 *
 * Everybody on the machine can connect to it. So the state is compared first, in constant time, and
 * whoever does not know it gets a 400 and changes nothing; processes of other users are turned away
 * where the kernel tells; Host must name this address, which keeps out web pages that point
 * their own name here; connections, sizes and times are limited.
 *
 * Asynchronous (os/wait.h); belongs to one operation.
 */
#ifndef IDENTITY_LOOPBACK_H
#define IDENTITY_LOOPBACK_H

#include "base/buf.h"
#include "base/error.h"
#include "httpd/fields.h"
#include "os/wait.h"

typedef struct identity_loopback identity_loopback;

/* Port 0: any free one. The state is copied. BUSY: the port is taken. OS, NOMEM. */
entrasql_status identity_loopback_new(uint16_t port, const char *state, identity_loopback **ret,
                                      entrasql_error *err) ES_MUST_USE;
uint16_t identity_loopback_port(const identity_loopback *l);
void identity_loopback_free(identity_loopback *l); /* NULL allowed */

entrasql_status identity_loopback_wants(identity_loopback *l, os_wait *w) ES_MUST_USE;
/* AGAIN, or OK with the form that knew the state, lent until the loopback is freed. OS, NOMEM. */
entrasql_status identity_loopback_step(identity_loopback *l, const httpd_fields **ret,
                                       entrasql_error *err) ES_MUST_USE;
/* Answers that form with a page; the content is taken over. */
void identity_loopback_answer(identity_loopback *l, unsigned status, es_buf *html);
/* AGAIN until the page is sent and the browser has it, or has had the time for it; then OK. */
entrasql_status identity_loopback_flush(identity_loopback *l) ES_MUST_USE;

#endif
