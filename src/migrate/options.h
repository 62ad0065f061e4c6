/* SPDX-License-Identifier: MIT */
/*
 * What a migration is asked to do, the same from the command line, from a
 * file and from a journal.
 */
#ifndef MIGRATE_OPTIONS_H
#define MIGRATE_OPTIONS_H

#include "azure/host.h"
#include "migrate/user.h"
#include "json/json.h"

/* X(member, "name of the option"); texts, NULL: not given. */
#define MIGRATE_OPTION_MAP(X)                                                                      \
    X(subscription, "azure-subscription")                                                          \
    X(resource_group, "resource-group")                                                            \
    X(host, "host")                                                                                \
    X(app, "app")                                                                                  \
    X(slot, "slot")                                                                                \
    X(service, "service")                                                                          \
    X(deployment, "deployment")                                                                    \
    X(container, "container")                                                                      \
    X(sql_server, "sql-server")                                                                    \
    X(sql_group, "sql-resource-group")                                                             \
    X(sql_address, "sql-address")                                                                  \
    X(database, "database")                                                                        \
    X(identity, "identity")                                                                        \
    X(identity_group, "identity-resource-group")                                                   \
    X(user_name, "user-name")                                                                      \
    X(profile, "profile")                                                                          \
    X(schema, "schema")                                                                            \
    X(roles, "roles")                                                                              \
    X(admin, "admin")                                                                              \
    X(admin_id, "admin-id")                                                                        \
    X(setting, "setting")                                                                          \
    X(connection_string, "connection-string")                                                      \
    X(form, "form")                                                                                \
    X(sign_in, "sign-in")                                                                          \
    X(service_account, "service-account")                                                          \
    X(unit, "unit")                                                                                \
    X(developer, "developer")

/* X(member, "name of the option"); flags. */
#define MIGRATE_FLAG_MAP(X)                                                                        \
    X(system_identity, "system-identity")                                                          \
    X(by_name, "by-name")                                                                          \
    X(replace_admin, "replace-admin")                                                              \
    X(repair_user, "repair-user")                                                                  \
    X(no_firewall, "no-firewall")                                                                  \
    X(sticky, "sticky")                                                                            \
    X(all_settings, "all-settings")                                                                \
    X(kubelet, "kubelet")                                                                          \
    X(run_command, "run-command")

typedef struct migrate_options {
#define MIGRATE_OPTION_MEMBER(member, name) const char *member;
    MIGRATE_OPTION_MAP(MIGRATE_OPTION_MEMBER)
#undef MIGRATE_OPTION_MEMBER
#define MIGRATE_FLAG_MEMBER(member, name) bool member;
    MIGRATE_FLAG_MAP(MIGRATE_FLAG_MEMBER)
#undef MIGRATE_FLAG_MEMBER
} migrate_options;

/* All that is necessary is there and possible. INVALID, naming the option, with a hint. */
entrasql_status migrate_options_check(const migrate_options *o, entrasql_error *err) ES_MUST_USE;
/* A JSON object of what was given, in the order of the maps: for the journal and the hash. */
entrasql_status migrate_options_print(const migrate_options *o, es_buf *out) ES_MUST_USE;
/* From such an object, whose texts are borrowed. Unknown members are CONFIG. */
entrasql_status migrate_options_read(const json_node *object, migrate_options *ret,
                                     entrasql_error *err) ES_MUST_USE;

/*
 * Where its journal is unless somebody says otherwise: one file a migration in the state folder,
 * which is made. The name says which application, a hash the rest.
 */
entrasql_status migrate_options_journal(const migrate_options *o, char *ret, size_t size,
                                        entrasql_error *err) ES_MUST_USE;

/* The defaults of what may be left out. */
const char *migrate_options_setting(const migrate_options *o);
const char *migrate_options_schema(const migrate_options *o);

#endif
