/* SPDX-License-Identifier: MIT */
/*
 * The logical SQL server as a resource: its Entra admin, Entra-only authentication, firewall
 * rules. Blocking; the client's thread.
 */
#ifndef AZURE_SQL_SERVER_H
#define AZURE_SQL_SERVER_H

#include "azure/arm.h"
#include "base/str.h"

#include <stdbool.h>

/* Which one. Strings are borrowed for the call. */
typedef struct azure_sql_ref {
    const char *subscription;
    const char *resource_group;
    const char *server; /* its short name: "contoso-sql" */
} azure_sql_ref;

typedef struct azure_sql_server {
    char id[1024];
    char location[64];
    char fqdn[256];          /* "contoso-sql.database.windows.net" */
    char administrator[129]; /* the SQL login; "" when there is none */
    char state[32];          /* "Ready" */
    bool public_access;      /* publicNetworkAccess is not Disabled */
    char minimal_tls[16];    /* "1.2", "" when not told */
    bool has_identity;       /* the server has an identity of its own, which may ask Graph */
} azure_sql_server;

entrasql_status azure_sql_server_get(azure_arm *arm, const azure_sql_ref *ref,
                                     azure_sql_server *ret, entrasql_error *err) ES_MUST_USE;

typedef struct azure_sql_admin {
    char login[257];                   /* display name or user principal name */
    char sid[ES_GUID_TEXT_SIZE];       /* object id; lower case */
    char tenant_id[ES_GUID_TEXT_SIZE]; /* "" when not told */
} azure_sql_admin;

/* NOT_FOUND: the server has no Entra admin. */
entrasql_status azure_sql_admin_get(azure_arm *arm, const azure_sql_ref *ref, azure_sql_admin *ret,
                                    entrasql_error *err) ES_MUST_USE;
/*
 * Sets the admin. One server has one, so this takes the place of whoever it is: read first, and
 * ask. *ret_changed false: it is that one already. tenant_id "" leaves it to Azure.
 */
entrasql_status azure_sql_admin_set(azure_arm *arm, const azure_sql_ref *ref,
                                    const azure_sql_admin *admin, bool *ret_changed,
                                    entrasql_error *err) ES_MUST_USE;
/* Takes the admin away: nobody can sign in with Entra any more. One that is gone is no failure. */
entrasql_status azure_sql_admin_delete(azure_arm *arm, const azure_sql_ref *ref,
                                       entrasql_error *err) ES_MUST_USE;

/* Whether SQL logins are refused. */
entrasql_status azure_sql_entra_only_get(azure_arm *arm, const azure_sql_ref *ref, bool *ret,
                                         entrasql_error *err) ES_MUST_USE;
entrasql_status azure_sql_entra_only_set(azure_arm *arm, const azure_sql_ref *ref, bool on,
                                         bool *ret_changed, entrasql_error *err) ES_MUST_USE;

/*
 * Lets one IPv4 address in. INVALID for anything else, for 0.0.0.0 (which stands for all of
 * Azure, every tenant's) too. Azure may take five minutes to follow.
 */
entrasql_status azure_sql_firewall_add(azure_arm *arm, const azure_sql_ref *ref, const char *rule,
                                       const char *address, entrasql_error *err) ES_MUST_USE;
/* A rule that is gone already is no failure. */
entrasql_status azure_sql_firewall_remove(azure_arm *arm, const azure_sql_ref *ref,
                                          const char *rule, entrasql_error *err) ES_MUST_USE;

#endif
