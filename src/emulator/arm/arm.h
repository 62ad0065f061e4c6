/* SPDX-License-Identifier: MIT */
/*
 * Azure Resource Manager on loopback over HTTPS: what provisioning of
 * passwordless connections calls (the SQL server's admin, firewall and
 * Entra-only switch, managed identities, App Service, Container Apps, Spring
 * Apps, machines, AKS, rights and locks), with the semantics that hurt:
 * bearer tokens and api-versions are checked, PUT replaces and PATCH merges as
 * each resource really does, settings are replaced as a whole, long writes are
 * operations to be polled, refusals name the action and the scope.
 *
 * Its state is the member "arm" of the world's text, beside the identities
 * and hosts that it changes: what is written here is in the directory of
 * Entra and SQL and at the hosts' identity endpoints at once, and kept.
 *
 *   "arm": {
 *     "location": "westeurope",
 *     "assignments": [{"principal": NAME, "role": "Contributor", "scope": ID}],
 *     "refused": [{"principal": NAME, "action": "Microsoft.Sql/servers/write"}],
 *     "resources": [{"id": ID, "location": ..., "identity": ..., "properties": ...}]
 *   }
 *
 * "{sql-port}" and "{authority}" in its texts stand for the port and URL of this start. Without
 * assignments the server's Entra admin is Owner of the subscription.
 */
#ifndef EMULATOR_ARM_ARM_H
#define EMULATOR_ARM_ARM_H

#include "emulator/world/world.h"
#include "httpd/httpd.h"

typedef struct arm arm;

typedef struct arm_options {
    world *world;
    const char *data_dir; /* copied */
    uint16_t port;        /* HTTPS; 0: any free one */
    uint16_t sql_port;    /* where the SQL server listens */
} arm_options;

/* Once Entra runs: its URL is in answers. */
entrasql_status arm_start(const arm_options *options, arm **ret, entrasql_error *err) ES_MUST_USE;
/*
 * {"word": "give" | "refuse" (an action), "give-role" | "take-role" (a role, or "all"),
 *  "policy-deny" | "policy-allow" (a type of resources), "unregister" (a namespace),
 *  "what": that, "principal": NAME, "scope": an id}
 * Writes a line for people into `said`. Between world_change_begin() and end.
 */
entrasql_status arm_change(arm *a, const json_node *request, es_buf *said,
                           entrasql_error *err) ES_MUST_USE;
/* Forgets the operations under way: the world is another one. Between world_change_begin() and end.
 */
void arm_forget(arm *a);
httpd *arm_service(const arm *a);
uint16_t arm_port(const arm *a);
void arm_stop(arm *a); /* NULL allowed */

#endif
