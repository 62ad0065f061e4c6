/* SPDX-License-Identifier: MIT */
/*
 * The emulator's own endpoint on Entra's HTTPS port: changing the world while
 * it runs, and looking at it.
 *
 *   GET  /                       the status page, for people; it needs nothing and tells no secret
 *   GET  /_emulator/state        all of it as JSON
 *   POST /_emulator/objects      a change, see emulator/world/change.h
 *   POST /_emulator/faults       {"name": ..., "on": bool, "count": n, "value": n}
 *   POST /_emulator/rights       a change of rights, see arm_change()
 *   POST /_emulator/seed         a seed's text: the world becomes that one, the databases stay
 *   POST /_emulator/reset        the seed as it was, empty databases
 *
 * All but the page need "Authorization: Bearer <secret>", the content of
 * <data_dir>/admin-secret (0600): who may read the data directory may change it.
 * Errors are {"status": "NOT_FOUND", "message": ..., "hint": ...}.
 */
#ifndef EMULATOR_ADMIN_ADMIN_H
#define EMULATOR_ADMIN_ADMIN_H

#include "emulator/arm/arm.h"
#include "emulator/emulator.h"
#include "emulator/front/journal.h"
#include "emulator/world/world.h"
#include "httpd/httpd.h"

#define ADMIN_SECRET_FILE "admin-secret"
#define ADMIN_PREFIX "/_emulator/"

typedef struct admin_site admin_site;

typedef struct admin_options {
    world *world;
    engine_server *engine;
    journal *journal;
    arm *arm; /* NULL: rights cannot be changed */
    const char *data_dir;
    const char *backend; /* "tcp:host,port", or NULL */
    emulator_info info;
    /* Ends all sessions, empties the databases, reverts the world; *ret_engine: the new one. */
    entrasql_status (*reset)(void *ctx, engine_server **ret_engine, entrasql_error *err);
    void *ctx;
} admin_options;

/* Borrows world, engine and journal. Makes the secret when it is missing. */
entrasql_status admin_new(const admin_options *options, admin_site **ret,
                          entrasql_error *err) ES_MUST_USE;
void admin_free(admin_site *a); /* NULL allowed; after its last request */

/* An httpd_handler; ctx: the admin. */
void admin_handle(void *ctx, const httpd_request *request, httpd_response *response);

/* ---- inside this folder ---- */

/* One consistent look at everything, as a JSON object. */
entrasql_status admin_write_state(admin_site *a, es_buf *out) ES_MUST_USE;
/* The same as a page. */
entrasql_status admin_write_page(admin_site *a, bool refreshing, es_buf *out) ES_MUST_USE;
extern const char admin_style[];
const admin_options *admin_get(const admin_site *a);

#endif
