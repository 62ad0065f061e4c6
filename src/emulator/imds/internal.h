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

/* How a host writes its answer. */
typedef enum imds_expiry {
    IMDS_EXPIRY_TEXT,   /* "1714571110" */
    IMDS_EXPIRY_NUMBER, /* 1714571110 */
    IMDS_EXPIRY_DATE    /* "5/1/2024 1:45:10 PM +00:00" */
} imds_expiry;
typedef struct imds_form {
    bool with_expires_in;
    imds_expiry expiry;
    bool with_ids; /* object_id and msi_res_id beside client_id */
} imds_form;

/* The answer with a token; 500 when it cannot be written. `named`: the resource as it was asked
 * for. */
void imds_answer_token(const world *w, const world_principal *identity, const char *resource,
                       const char *named, const imds_form *form, httpd_response *response);
/* {"error":...,"error_description":...} */
void imds_refuse(httpd_response *response, unsigned status, const char *error, const char *text);
/* AADSTS500011 for a resource that the tenant does not know; made printable. */
void imds_unknown_resource_text(const world *w, const char *resource, char *ret, size_t size);

void imds_handle_vm(const world *w, const world_host *host, const httpd_request *request,
                    httpd_response *response);
void imds_handle_app_service(const world *w, const httpd_request *request,
                             httpd_response *response);
void imds_handle_legacy(const world *w, const httpd_request *request, httpd_response *response);
void imds_handle_cloud_shell(const world *w, const httpd_request *request,
                             httpd_response *response);
void imds_handle_fabric(const world *w, const httpd_request *request, httpd_response *response);

/* The host of that kind whose name stands in the path between the two; NULL: none. */
const world_host *imds_host_in_path(const world *w, world_host_kind kind, const char *path,
                                    const char *prefix, const char *suffix);

/* Azure Arc's challenges that are not answered yet. */
typedef struct imds_arc imds_arc;
entrasql_status imds_arc_new(const char *data_dir, imds_arc **ret, entrasql_error *err) ES_MUST_USE;
/* Removes the key files. NULL allowed. */
void imds_arc_free(imds_arc *a);
void imds_handle_arc(imds_arc *a, const world *w, const httpd_request *request,
                     httpd_response *response);

/* Makes the cluster's certificate and key when they are missing; the paths are the caller's. */
entrasql_status imds_fabric_files(const char *data_dir, char **ret_cert, char **ret_key,
                                  entrasql_error *err) ES_MUST_USE;

#endif
