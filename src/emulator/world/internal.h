/* SPDX-License-Identifier: MIT */
/* The world's inside, for the files of this folder. */
#ifndef EMULATOR_WORLD_INTERNAL_H
#define EMULATOR_WORLD_INTERNAL_H

#include "firewall.h"
#include "trust.h"
#include "world.h"

#include <pthread.h>

typedef struct world_membership {
    const world_principal *group;
    const world_principal *member;
} world_membership;

/* What a world has besides its text: it stays when the text is replaced. */
typedef struct world_own {
    char *sql_login; /* NULL: off */
    es_secret *sql_password;
    world_trust trust;
    faults *faults;
    pthread_rwlock_t *lock;
    pthread_mutex_t *changing;
    world *older; /* what was replaced, newest first; lent texts of it may still be read */
    int64_t replaced_ms;
} world_own;

struct world {
    world_tenant *tenants;
    size_t tenant_count;
    world_subscription subscription;
    world_principal *principals; /* one block: the pointers into it stay */
    size_t principal_count;
    world_membership *memberships;
    size_t membership_count;
    world_host *hosts;
    size_t host_count;
    char **resources;
    size_t resource_count;

    char *server_name;
    char *server_audience;
    const world_principal *server_admin; /* NULL: none is set */
    const world_tenant *server_tenant;
    char **databases;
    size_t database_count;

    world_rule *rules; /* of the firewall */
    size_t rule_count;

    bool entra_only;
    char *authority;
    char *sts_url;
    world_own own;
};

/* What has become of the seed; missing: nothing has changed. */
#define WORLD_CHANGED_FILE "world.json"

entrasql_status world_own_init(world_own *own) ES_MUST_USE;
void world_own_done(world_own *own);

/* The secrets of apps and hosts: <data_dir>/secrets.json. */
entrasql_status world_secrets_load(world *w, const char *data_dir, bool create,
                                   entrasql_error *err) ES_MUST_USE;

/* Whether two resource ids are the same but for one slash at the end. */
bool world_same_resource(const char *a, const char *b);

#endif
