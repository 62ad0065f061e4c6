/* SPDX-License-Identifier: MIT */
/*
 * Managed identity endpoints on plain HTTP, as the platform gives them:
 *
 *   GET /metadata/identity/oauth2/token   the virtual machine's (IMDS)
 *   GET /msi/token                        App Service; the header's value says which web app asks
 *
 * Success bodies are compact JSON with numbers as strings, errors have the
 * platform's own words: client libraries branch on them.
 *
 * Runs on the HTTP service's threads; the world must outlive it.
 */
#ifndef EMULATOR_IMDS_IMDS_H
#define EMULATOR_IMDS_IMDS_H

#include "emulator/world/world.h"
#include "httpd/httpd.h"

#define IMDS_VM_PATH "/metadata/identity/oauth2/token"
#define IMDS_APP_SERVICE_PATH "/msi/token"

typedef struct imds imds;

/* Port 0: any free one. */
entrasql_status imds_start(const world *w, uint16_t port, imds **ret,
                           entrasql_error *err) ES_MUST_USE;
httpd *imds_service(const imds *i);
uint16_t imds_port(const imds *i);
void imds_stop(imds *i); /* NULL allowed */

#endif
