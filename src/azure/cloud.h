/* SPDX-License-Identifier: MIT */
/* The clouds of Azure: which ARM endpoint belongs to which authority. Static storage; pure. */
#ifndef AZURE_CLOUD_H
#define AZURE_CLOUD_H

typedef struct azure_cloud {
    const char *name;       /* "AzureCloud", as az calls it */
    const char *endpoint;   /* of ARM, without a slash */
    const char *scope;      /* of a token for it */
    const char *sql_suffix; /* "database.windows.net" */
} azure_cloud;

/* The cloud that the host of an authority belongs to; NULL when none does. */
const azure_cloud *azure_cloud_of_authority(const char *host);
/* The cloud whose ARM has this host; NULL when none has. */
const azure_cloud *azure_cloud_of_endpoint(const char *host);
const azure_cloud *azure_cloud_public(void);

#endif
