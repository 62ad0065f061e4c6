/* SPDX-License-Identifier: MIT */
/* What the two kinds of hosts share: choosing the identity, and the token's answer. */
#ifndef EMULATOR_IMDS_INTERNAL_H
#define EMULATOR_IMDS_INTERNAL_H

#include "emulator/world/world.h"
#include "httpd/httpd.h"
#include "json/json.h"

/* How a query names an identity. A list ends with a NULL name. */
typedef enum imds_by { IMDS_BY_CLIENT_ID, IMDS_BY_OBJECT_ID, IMDS_BY_RESOURCE_ID } imds_by;
typedef struct imds_parameter {
    const char *name;
    imds_by by;
} imds_parameter;

typedef enum imds_pick {
    IMDS_PICK_FOUND,
    IMDS_PICK_NONE,       /* no such identity on this host */
    IMDS_PICK_SEVERAL,    /* none was named, and there are several user-assigned ones */
    IMDS_PICK_BAD_REQUEST /* named twice, or in two ways */
} imds_pick;

/*
 * The identity that the query names; without a name the system-assigned one,
 * else, when `single_user_assigned`, the only one there is.
 */
imds_pick imds_pick_identity(const world_host *host, const httpd_request *request,
                             const imds_parameter *parameters, bool single_user_assigned,
                             const world_principal **ret);

/* The answer with a token; 500 when it cannot be written. `named`: the resource as it was asked
 * for. */
void imds_answer_token(const world *w, const world_principal *identity, const char *resource,
                       const char *named, bool with_expires_in, httpd_response *response);
/* AADSTS500011 for a resource that the tenant does not know; made printable. */
void imds_unknown_resource_text(const world *w, const char *resource, char *ret, size_t size);

void imds_handle_vm(const world *w, const httpd_request *request, httpd_response *response);
void imds_handle_app_service(const world *w, const httpd_request *request,
                             httpd_response *response);

#endif
