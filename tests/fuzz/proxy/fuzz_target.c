/* SPDX-License-Identifier: MIT */
/* Fuzz target: any text as a target of the proxy, and as an address to listen on. */
#include "proxy/address.h"
#include "proxy/options.h"
#include "proxy/target.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const conf_option table[] = {PROXY_OPTIONS, {0}};
static const conf_command command = {.name = "fuzz", .options = table};

static void try_address(const char *text, size_t n)
{
    proxy_address a;
    proxy_address again;
    if (proxy_address_parse(text, n, &a, NULL) != ENTRASQL_OK)
        return;
    /* What it is shown as is an address, and the same one. */
    if (a.kind != PROXY_ADDRESS_TCP || strcmp(a.name, "::") != 0) {
        if (proxy_address_parse(a.text, strlen(a.text), &again, NULL) != ENTRASQL_OK ||
            !proxy_address_equal(&a, &again))
            abort();
        proxy_address_done(&again);
    }
    proxy_address_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    conf_args settings = {.command = &command};
    proxy_target_text t;
    if (memchr(text, '\0', size) != NULL)
        return 0;
    if (proxy_target_parse(text, size, &settings, &t, NULL) == ENTRASQL_OK) {
        if (t.server == NULL || (t.database != NULL && t.database[0] == '\0'))
            abort();
        proxy_target_text_done(&t);
    }
    try_address(text, size);
    return 0;
}
