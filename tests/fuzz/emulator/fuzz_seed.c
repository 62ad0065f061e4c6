/* SPDX-License-Identifier: MIT */
/* A seed as a person wrote it: what is accepted must be a world that can be walked. */
#include "emulator/world/world.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    world *w = NULL;
    entrasql_error err;
    if (world_parse_seed("seed", (const char *)data, size, &w, &err) != ENTRASQL_OK)
        return 0;
    const world_principal *user = NULL;
    const char *groups[16];
    if (world_home_tenant(w) == NULL || world_server_name(w) == NULL ||
        world_resource_find(w, world_server_audience(w)) == NULL)
        abort();
    for (size_t i = 0; (user = world_user_at(w, i)) != NULL; i++) {
        if (world_user_find(w, user->upn) != user || strchr(user->upn, '/') != NULL ||
            world_groups_of(w, user, groups, 16) > 16)
            abort();
    }
    for (size_t i = 0; i < world_database_count(w); i++) {
        if (strchr(world_database_name(w, i), '/') != NULL)
            abort();
    }
    world_free(w);
    return 0;
}
