/* SPDX-License-Identifier: MIT */
/*
 * Where managed identity tokens come from on this machine, by the variables
 * that Azure's hosts set. Sources that this version cannot use are recognised
 * all the same: asking IMDS in their place could give another identity's token.
 */
#ifndef IDENTITY_MI_SOURCE_H
#define IDENTITY_MI_SOURCE_H

#include "base/error.h"
#include "base/secret.h"

#include <stdbool.h>

typedef enum identity_mi_kind {
    IDENTITY_MI_IMDS,
    IDENTITY_MI_APP_SERVICE,
    IDENTITY_MI_SERVICE_FABRIC,
    IDENTITY_MI_AZURE_ML,
    IDENTITY_MI_CLOUD_SHELL,
    IDENTITY_MI_AZURE_ARC
} identity_mi_kind;

typedef struct identity_mi_source {
    identity_mi_kind kind;
    char *endpoint;     /* URL without query; NULL for kinds that are not supported */
    es_secret *header;  /* X-IDENTITY-HEADER of App Service, else NULL */
    bool is_overridden; /* IMDS elsewhere: AZURE_POD_IDENTITY_AUTHORITY_HOST */
} identity_mi_source;

/* Reads the environment. CONFIG: a variable holds no usable URL. NOMEM. */
entrasql_status identity_mi_source_detect(identity_mi_source *ret, entrasql_error *err) ES_MUST_USE;
void identity_mi_source_done(identity_mi_source *s);

/* "App Service", "Azure Arc" ... */
const char *identity_mi_kind_name(identity_mi_kind kind);
/* False: recognised only. */
bool identity_mi_kind_is_supported(identity_mi_kind kind);

#endif
