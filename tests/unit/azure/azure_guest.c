/* SPDX-License-Identifier: MIT */
/*
 * Prints what azure/guest.h makes, for tests/e2e/test_azure_guest.py:
 *
 *   azure_guest drop-in|cloud-init|script|undo|account|deployment NAME=VALUE|NAME- ...
 */
#include "azure/guest.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define MAX_CHANGES 16

typedef entrasql_status printer(const azure_guest *guest, es_buf *out, entrasql_error *err);

static const struct {
    const char *name;
    printer *print;
} printers[] = {
    {"drop-in", azure_guest_drop_in},         {"cloud-init", azure_guest_cloud_init},
    {"script", azure_guest_script},           {"undo", azure_guest_undo_script},
    {"account", azure_guest_service_account}, {"deployment", azure_guest_deployment},
};

static size_t read_changes(char **pairs, azure_change *changes)
{
    size_t n = 0;
    for (; pairs[n] != NULL && n < MAX_CHANGES; n++) {
        char *end = strpbrk(pairs[n], "=-");
        if (end == NULL)
            break;
        changes[n].value = *end == '=' ? end + 1 : NULL;
        changes[n].name = pairs[n];
        *end = '\0';
    }
    return n;
}

int main(int argc, char **argv)
{
    azure_change changes[MAX_CHANGES] = {{0}};
    azure_guest guest = {
        .unit = "persons.service",
        .namespace_name = "shop",
        .deployment = "persons",
        .container = "app",
        .service_account = "persons-sa",
        .client_id = "11111111-2222-3333-4444-555555555555",
        .tenant_id = "c0470500-7e57-4000-8000-000000000001",
        .settings = changes,
    };
    es_buf out = ES_BUF_INIT(1024 * 1024);
    entrasql_error err;
    entrasql_status status = ENTRASQL_INVALID;
    if (argc < 2)
        return 2;
    guest.count = read_changes(argv + 2, changes);
    for (size_t i = 0; i < ES_COUNT_OF(printers); i++) {
        if (es_streq(argv[1], printers[i].name))
            status = printers[i].print(&guest, &out, &err);
    }
    if (status == ENTRASQL_OK)
        (void)fwrite(out.data, 1, out.len, stdout);
    es_buf_done(&out);
    return status == ENTRASQL_OK ? 0 : 1;
}
