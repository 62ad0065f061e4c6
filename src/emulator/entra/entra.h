/* SPDX-License-Identifier: MIT */
/*
 * Entra on loopback over HTTPS: discovery, signing keys, the token endpoints, v2.0 and v1, for
 * client credentials with a secret, and people: the page to sign in on, the page to type a
 * device's code into, their tokens and refresh tokens. Answers and errors have Entra's shape:
 * AADSTS numbers, trace and correlation ids.
 *
 * Runs on the HTTP service's threads; the world must outlive it.
 */
#ifndef EMULATOR_ENTRA_ENTRA_H
#define EMULATOR_ENTRA_ENTRA_H

#include "emulator/world/world.h"
#include "httpd/httpd.h"

typedef struct entra entra;

/* The page where a person types a device's code, after "/<tenant>/". */
#define ENTRA_DEVICE_PAGE "oauth2/deviceauth"

/* Listens (port 0: any free one) and sets the world's authority to its own URL. */
entrasql_status entra_start(world *w, uint16_t port, entra **ret, entrasql_error *err) ES_MUST_USE;
/*
 * Who answers on the same port for "/" and everything below ENTRA_SITE_PREFIX: the emulator's own
 * pages. Once, after the start; until then they are not found.
 */
#define ENTRA_SITE_PREFIX "/_emulator/"
void entra_set_site(entra *e, httpd_handler *handler, void *ctx);
httpd *entra_service(const entra *e);
uint16_t entra_port(const entra *e);
void entra_stop(entra *e); /* NULL allowed */

#endif
