/* SPDX-License-Identifier: MIT */
/* What the sessions of a target share: how long it lives. */
#include "base/mem.h"
#include "proxy/session.h"

proxy_service *proxy_service_ref(proxy_service *service)
{
    service->refs++;
    return service;
}

void proxy_service_unref(proxy_service *service)
{
    if (service == NULL || --service->refs > 0)
        return;
    proxy_config_unref(service->config);
    es_free(service);
}
