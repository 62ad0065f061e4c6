/* SPDX-License-Identifier: MIT */
/*
 * Where managed identity tokens come from on this machine, by the variables
 * that Azure's hosts set, and how each host wants to be asked.
 */
#ifndef IDENTITY_MI_SOURCE_H
#define IDENTITY_MI_SOURCE_H

#include "base/error.h"
#include "base/secret.h"
#include "http/http.h"

#include <stdbool.h>

typedef enum identity_mi_kind {
    IDENTITY_MI_IMDS,        /* virtual machines, scale sets, AKS nodes, Container Instances */
    IDENTITY_MI_APP_SERVICE, /* also Functions, Container Apps, Spring Apps */
    IDENTITY_MI_APP_SERVICE_2017,
    IDENTITY_MI_SERVICE_FABRIC,
    IDENTITY_MI_AZURE_ML,
    IDENTITY_MI_CLOUD_SHELL,
    IDENTITY_MI_AZURE_ARC
} identity_mi_kind;

typedef enum identity_mi_id {
    IDENTITY_MI_SYSTEM, /* none: the system-assigned identity */
    IDENTITY_MI_CLIENT_ID,
    IDENTITY_MI_OBJECT_ID,
    IDENTITY_MI_RESOURCE_ID,
    IDENTITY_MI_ID_COUNT /* not a kind of id */
} identity_mi_id;

/* How a kind of host is asked. */
typedef struct identity_mi_host {
    const char *name;                            /* "App Service", for messages */
    const char *api_version;                     /* NULL: none */
    const char *parameter[IDENTITY_MI_ID_COUNT]; /* NULL: the host cannot take that kind of id */
    const char *secret_header;                   /* carries identity_mi_source.header; NULL: none */
    bool metadata;                               /* "Metadata: true" goes along */
    bool is_post; /* the resource is a form; else a GET with a query */
} identity_mi_host;

typedef struct identity_mi_source {
    identity_mi_kind kind;
    const identity_mi_host *host;
    char *endpoint;             /* URL without query */
    es_secret *header;          /* the value of the secret header, else NULL */
    uint8_t pin[HTTP_PIN_SIZE]; /* Service Fabric: the endpoint's certificate */
    char *default_client_id;    /* Azure ML: used when no id is asked for; else NULL */
    bool is_overridden;         /* IMDS elsewhere: AZURE_POD_IDENTITY_AUTHORITY_HOST */
} identity_mi_source;

/* Reads the environment. CONFIG: a variable holds no usable value. NOMEM. *ret is to be given to
 * _done in any case. */
entrasql_status identity_mi_source_detect(identity_mi_source *ret, entrasql_error *err) ES_MUST_USE;
void identity_mi_source_done(identity_mi_source *s);

/* "A1:B2 ..." of 40 hex digits; colons and white space are passed over. MALFORMED. */
entrasql_status identity_mi_thumbprint_parse(const char *text,
                                             uint8_t ret[HTTP_PIN_SIZE]) ES_MUST_USE;

#endif
