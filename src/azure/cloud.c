/* SPDX-License-Identifier: MIT */
/* Endpoints of Microsoft's clouds (az cloud list). */
#include "azure/cloud.h"

#include "base/compiler.h"
#include "base/str.h"

#include <string.h>

static const azure_cloud clouds[] = {
    {"AzureCloud", "https://management.azure.com", "https://management.azure.com/.default",
     "database.windows.net"},
    {"AzureUSGovernment", "https://management.usgovcloudapi.net",
     "https://management.usgovcloudapi.net/.default", "database.usgovcloudapi.net"},
    {"AzureChinaCloud", "https://management.chinacloudapi.cn",
     "https://management.chinacloudapi.cn/.default", "database.chinacloudapi.cn"},
};

static const struct authority {
    const char *host;
    size_t cloud;
} authorities[] = {
    {"login.microsoftonline.com", 0}, {"login.windows.net", 0},
    {"login.microsoft.com", 0},       {"sts.windows.net", 0},
    {"login.microsoftonline.us", 1},  {"login.usgovcloudapi.net", 1},
    {"login.chinacloudapi.cn", 2},    {"login.partner.microsoftonline.cn", 2},
};

const azure_cloud *azure_cloud_of_authority(const char *host)
{
    for (size_t i = 0; i < ES_COUNT_OF(authorities); i++) {
        if (es_strcaseeq(authorities[i].host, host))
            return &clouds[authorities[i].cloud];
    }
    return NULL;
}

const azure_cloud *azure_cloud_of_endpoint(const char *host)
{
    for (size_t i = 0; i < ES_COUNT_OF(clouds); i++) {
        if (es_strcaseeq(clouds[i].endpoint + strlen("https://"), host))
            return &clouds[i];
    }
    return NULL;
}

const azure_cloud *azure_cloud_public(void)
{
    return &clouds[0];
}
