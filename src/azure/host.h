/* SPDX-License-Identifier: MIT */
/*
 * The one interface of everything on Azure that can run an application: App Service with its
 * slots and Functions, Container Apps, Spring Apps, virtual machines, scale sets, AKS. A plan asks
 * for the state, the changes and the rights without knowing which one it is.
 *
 * A state and everything in it belongs to whoever read it; azure_host_state_done() wipes and
 * frees. Values of settings may hold passwords: they are in no message and no log line. Blocking;
 * the client's thread.
 *
 * Every call that a host does not have is UNSUPPORTED, with what to do instead in the hint.
 */
#ifndef AZURE_HOST_H
#define AZURE_HOST_H

#include "azure/arm.h"

#define AZURE_MAX_SETTINGS 2000
#define AZURE_MAX_IDENTITIES 64

typedef struct azure_host azure_host;

/* Which one. All strings are borrowed for the call. */
typedef struct azure_host_ref {
    const azure_host *host;
    const char *subscription;
    const char *resource_group;
    const char *name;
    const char *slot;       /* App Service, Functions: NULL for production */
    const char *service;    /* Spring Apps: the service that the app is in */
    const char *deployment; /* Spring Apps: NULL for the active one */
    const char *container;  /* Container Apps: NULL for the first one */
} azure_host_ref;

/* ---- state ---- */

/* A user-assigned identity as a host has it. */
typedef struct azure_assigned {
    char *id;           /* as Azure spells it: compare with azure_id_equal */
    char *client_id;    /* NULL: not told */
    char *principal_id; /* NULL: not told */
} azure_assigned;

typedef enum azure_setting_kind {
    AZURE_SETTING,          /* an environment variable: app setting, env of a container */
    AZURE_CONNECTION_STRING /* App Service keeps these apart, with a type */
} azure_setting_kind;

typedef struct azure_setting {
    azure_setting_kind kind;
    char *name;
    char *value;       /* NULL: Azure does not show it (a secret of the host) */
    char *type;        /* of a connection string: "SQLAzure"; else NULL */
    char *secret;      /* Container Apps: the app's secret that the value is in; else NULL */
    bool is_sticky;    /* stays with its slot when slots are swapped */
    bool is_reference; /* the value names a secret elsewhere (Key Vault, secretRef) */
} azure_setting;

typedef struct azure_host_state {
    char *id;       /* resource id of what carries the identities */
    char *location; /* region */
    char *kind;     /* Azure's own word: "app,linux", "functionapp"; may be NULL */
    bool has_system_identity;
    char *system_principal_id; /* NULL without one */
    char *tenant_id;           /* NULL without one */
    azure_assigned *identities;
    size_t identity_count;
    azure_setting *settings;
    size_t setting_count;
    char *deployment;      /* Spring Apps, Container Apps: what the settings belong to; else NULL */
    bool needs_upgrade;    /* scale sets: instances take a change over only when told to */
    char **unread_secrets; /* Container Apps: names of those that no variable points to */
    size_t unread_count;
    bool many_revisions;    /* Container Apps: traffic does not move to a new revision by itself */
    bool workload_identity; /* AKS: the webhook is on */
    char *oidc_issuer;      /* AKS: NULL while it is off */
    azure_assigned kubelet; /* AKS: the nodes' own; id NULL when not told */
} azure_host_state;

void azure_host_state_done(azure_host_state *state);
/* NULL when the host does not have it; the id in any case. */
const azure_assigned *azure_host_find_identity(const azure_host_state *state, const char *id);
const azure_setting *azure_host_find_setting(const azure_host_state *state, azure_setting_kind kind,
                                             const char *name);

/* ---- changes ---- */

typedef struct azure_change {
    azure_setting_kind kind;
    const char *name;
    const char *value;  /* NULL: remove it */
    const char *type;   /* of a connection string; NULL: as it is, else "Custom" */
    const char *secret; /* Container Apps: the value is that of this secret of the app, which is
                           there already; value is then not sent, but must not be NULL */
    bool make_sticky;   /* stays with its slot; never taken away again by false */
} azure_change;

/* ---- rights, environment ---- */

/* One action that a step needs; the list ends with a NULL action. */
typedef struct azure_need {
    const char *action;
    const char *why;
} azure_need;

/* A variable that the host itself gives the process; ends with a NULL name. */
typedef struct azure_variable {
    const char *name;
    const char *meaning;
} azure_variable;

enum {
    AZURE_HOST_HAS_SLOTS = 1 << 0,
    AZURE_HOST_HAS_SERVICE = 1 << 1,
    AZURE_HOST_WRITES_SETTINGS = 1 << 2,   /* by ARM; else files are printed for it */
    AZURE_HOST_RESTARTS_ON_WRITE = 1 << 3, /* writing settings restarts the application */
    AZURE_HOST_HAS_CONNECTION_STRINGS = 1 << 4,
    AZURE_HOST_HAS_SYSTEM_IDENTITY = 1 << 5,
    AZURE_HOST_ASSIGNS = 1 << 6, /* identities are attached to it (AKS: federated instead) */
};

struct azure_host {
    const char *name;  /* "app-service": for options and the journal */
    const char *title; /* "App Service web app" */
    unsigned features;
    const azure_need *read_needs;
    const azure_need *assign_needs;
    const azure_need *write_needs;
    const azure_need *restart_needs;
    const azure_variable *environment;
    entrasql_status (*read)(azure_arm *arm, const azure_host_ref *ref, azure_host_state *ret,
                            entrasql_error *err);
    entrasql_status (*set_identity)(azure_arm *arm, const azure_host_ref *ref,
                                    const es_buf *identity, entrasql_error *err);
    entrasql_status (*write)(azure_arm *arm, const azure_host_ref *ref, const azure_change *changes,
                             size_t count, entrasql_error *err);
    entrasql_status (*restart)(azure_arm *arm, const azure_host_ref *ref, entrasql_error *err);
};

extern const azure_host azure_host_app_service;
extern const azure_host azure_host_function_app;
extern const azure_host azure_host_container_app;
extern const azure_host azure_host_spring_app;
extern const azure_host azure_host_vm;
extern const azure_host azure_host_vmss;
extern const azure_host azure_host_aks;

/* By name; NULL when there is none. NULL-terminated list of all. */
const azure_host *azure_host_by_name(const char *name);
const azure_host *const *azure_hosts(void);

/* INVALID: a name is missing or not possible for this kind of host. */
entrasql_status azure_host_ref_check(const azure_host_ref *ref, entrasql_error *err) ES_MUST_USE;
/* "App Service web app persons-app (slot staging)". */
void azure_host_title(const azure_host_ref *ref, char *ret, size_t size);
/* What Entra calls its system-assigned identity: "app", "app/slots/slot", "service/apps/app". */
void azure_host_system_name(const azure_host_ref *ref, char *ret, size_t size);
/* The variable under which the process finds a setting: connection strings get a prefix by type. */
void azure_setting_variable(const azure_setting *setting, char *ret, size_t size);

/* ---- the calls ---- */

/* Everything as it is now. NOT_FOUND. *ret is zeroed first; done() it in any case. */
entrasql_status azure_host_read(azure_arm *arm, const azure_host_ref *ref, azure_host_state *ret,
                                entrasql_error *err) ES_MUST_USE;
/*
 * Adds the identity (id NULL: the system-assigned one) and keeps all others: reads, writes the
 * whole set, reads again and compares. *ret_changed false: it was there already. INTERNAL class
 * PEER (MALFORMED) when Azure lost one meanwhile, which the message names.
 */
entrasql_status azure_host_assign(azure_arm *arm, const azure_host_ref *ref, const char *id,
                                  bool *ret_changed, entrasql_error *err) ES_MUST_USE;
/* Takes it away again and keeps all others. */
entrasql_status azure_host_unassign(azure_arm *arm, const azure_host_ref *ref, const char *id,
                                    bool *ret_changed, entrasql_error *err) ES_MUST_USE;
/*
 * All changes in one write for each kind of setting; every other setting is kept as it is, Key
 * Vault references included. BUSY when somebody else changes settings at the same time.
 */
entrasql_status azure_host_write(azure_arm *arm, const azure_host_ref *ref,
                                 const azure_change *changes, size_t count,
                                 entrasql_error *err) ES_MUST_USE;
/*
 * App Service, Spring Apps: the application. Container Apps: its newest revision. Scale sets: the
 * instances take over what was changed.
 */
entrasql_status azure_host_restart(azure_arm *arm, const azure_host_ref *ref,
                                   entrasql_error *err) ES_MUST_USE;

#endif
