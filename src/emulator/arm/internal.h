/* SPDX-License-Identifier: MIT */
/* What the parts of the emulator's Azure Resource Manager share. */
#ifndef EMULATOR_ARM_INTERNAL_H
#define EMULATOR_ARM_INTERNAL_H

#include "arm.h"
#include "id.h"
#include "value.h"

#include "emulator/world/token.h"

typedef struct arm_operations arm_operations;

struct arm {
    world *w;
    char *data_dir;
    uint16_t sql_port;
    httpd *service;
    arm_operations *operations;
};

/* ---- one request ---- */

typedef struct arm_type arm_type;

typedef struct arm_call {
    arm *a;
    const world *w;
    const httpd_request *request;
    httpd_response *response;
    arm_pool pool;
    arm_value *root;      /* the world's text */
    arm_value *state;     /* its "arm" */
    arm_value *resources; /* the list in there */
    arm_id id;
    const char *method;
    const arm_type *type; /* NULL: not of a resource */
    const world_principal *caller;
    arm_value *body;   /* NULL: none */
    arm_value *before; /* what a PUT replaces; NULL: nothing */
    const char *said;  /* by a script's last echo; NULL: nothing */
    bool changed;      /* the text has to be kept */
    bool answered;
} arm_call;

typedef void arm_handler(arm_call *c);

/* ---- answers (reply.c) ---- */

/* Appends the value as the body; NULL: none. */
void arm_reply(arm_call *c, unsigned status, const arm_value *body);
/* {"error": {"code", "message"}}; nothing of the request is kept. Returns false. */
bool arm_error(arm_call *c, unsigned status, const char *code, const char *fmt, ...)
    ES_PRINTF(4, 5);
/* The same with a member beside code and message. */
bool arm_error_with(arm_call *c, unsigned status, const char *code, const char *member,
                    arm_value *value, const char *fmt, ...) ES_PRINTF(6, 7);
void arm_header(arm_call *c, const char *name, const char *value);
/* {"value": list} */
void arm_reply_list(arm_call *c, arm_value *list);
const char *arm_base_url(arm_call *c);
/* The time of now as ARM writes it. */
const char *arm_now(arm_call *c);

/* ---- the state (store.c) ---- */

/* Reads the world's text and completes what follows from it. */
bool arm_load(arm_call *c);
/* Keeps the text as the world's; commit: answers 500 when it cannot. */
entrasql_status arm_keep(arm_call *c, entrasql_error *err) ES_MUST_USE;
bool arm_commit(arm_call *c);
const char *arm_location(const arm_call *c);
const char *arm_tenant_id(const arm_call *c);
/* The resource with that id; NULL: none. */
arm_value *arm_find(const arm_call *c, const char *id);
/* Child `names` of the resource, such as "config/appsettings". */
arm_value *arm_find_child(arm_call *c, const char *id, const char *names);
/* A new one in the list: id, name and type set. */
arm_value *arm_add(arm_call *c, const char *id, const char *type, const char *name);
/* Takes it and what lies below it out of the list. */
void arm_drop(arm_call *c, const arm_value *resource);
bool arm_group_exists(const arm_call *c, const char *group);
/* 404 as ARM says it. Returns false. */
bool arm_not_found(arm_call *c);
/* An element of a list of the world's text whose member is that text, in any case. */
arm_value *arm_element(const arm_call *c, const char *list, const char *member, const char *text);

/* ---- who may (rights.c) ---- */

/* Checks the bearer token; 401 else. */
bool arm_authenticate(arm_call *c);
bool arm_may(arm_call *c, const char *action, const char *scope);
/* 403 AuthorizationFailed else. */
bool arm_check_right(arm_call *c, const char *action, const char *scope);
/* 403 LinkedAuthorizationFailed else: `action` is what the caller may, `linked` on `linked_scope`
 * what is checked. */
bool arm_check_linked_right(arm_call *c, const char *action, const char *scope, const char *linked,
                            const char *linked_scope);
/* 409 MissingSubscriptionRegistration else. */
bool arm_check_registered(arm_call *c);
/* 403 RequestDisallowedByPolicy for what a policy of the state denies. */
bool arm_check_policy(arm_call *c);
/* 409 ScopeLocked when a lock forbids it. */
bool arm_check_locks(arm_call *c, bool is_delete);
arm_handler arm_permissions_get;
arm_handler arm_role_assignment_get, arm_role_assignment_put, arm_role_assignment_delete;
arm_handler arm_role_assignment_list, arm_role_definition_get, arm_role_definition_list;

/* ---- identities of resources (identity.c) ---- */

typedef enum arm_identity_rule {
    ARM_IDENTITY_NONE, /* the resource has none */
    ARM_IDENTITY_MANY,
    ARM_IDENTITY_ONE /* AKS: system-assigned or one user-assigned */
} arm_identity_rule;

/*
 * Applies the "identity" of the request's body to the resource. Under PUT the map is
 * the whole of it; under PATCH it is merged and null removes. `type` is never merged.
 */
bool arm_identity_apply(arm_call *c, arm_value *resource, bool is_patch);
/* What the world's host of a resource, and its system identity, is called. */
const char *arm_host_name(arm_call *c, const arm_value *resource);
/* Makes the world's hosts have the identities that the resource has. */
void arm_identity_sync(arm_call *c, const arm_value *resource);
/* The same for all clusters, when what they are trusted by has changed. */
void arm_identity_sync_clusters(arm_call *c);
/* Takes a principal out of the directory and off all hosts. */
void arm_identity_remove(arm_call *c, const world_principal *p);
/* The user-assigned identity of an id; NULL: none. */
const world_principal *arm_identity_find(const arm_call *c, const char *id);

/* ---- operations that take time (operation.c) ---- */

typedef enum arm_lro {
    ARM_SYNC,      /* the answer is the result */
    ARM_LRO_ASYNC, /* Azure-AsyncOperation and Location, with the resource in the answer */
    ARM_LRO_ASYNC_202,
    ARM_LRO_ACCEPTED, /* the same, but 202 and a body of its own */
    ARM_LRO_RUN,      /* the same, and the result is a script's output */
    ARM_LRO_LOCATION, /* 202 and Location only */
    ARM_LRO_STATE     /* 201 or 200; the resource's provisioningState tells */
} arm_lro;

arm_operations *arm_operations_new(void) ES_MUST_USE;
void arm_operations_clear(arm_operations *o);
void arm_operations_free(arm_operations *o); /* NULL allowed */
/* Whether one runs on the resource. */
bool arm_operation_runs(const arm_call *c, const char *id);
/* "Updating", "Failed", or NULL: its last one is over and went well. */
const char *arm_operation_state(const arm_call *c, const char *id);
/*
 * Begins one on the resource and answers the request; created: 201 where the style tells it apart.
 * False when it is to fail: then nothing may be kept.
 */
bool arm_operation_begin(arm_call *c, arm_lro lro, const char *kind, const arm_value *resource,
                         bool created);
/* A request for an operation's state. False: the path is not of one. */
bool arm_operation_serve(arm_call *c);

/* ---- resources in general (resource.c) ---- */

/* The caller's resource, or 404. */
arm_value *arm_need(arm_call *c);
/* What clients see of it: hidden members left out, identities filled in, its present state. */
arm_value *arm_view(arm_call *c, const arm_value *resource);
/* 400 for a body with members that its type does not have. */
bool arm_check_properties(arm_call *c);
arm_handler arm_resource_get, arm_resource_put, arm_resource_patch, arm_resource_delete;
/* Those of the tail's type below the path. */
arm_handler arm_resource_list;

/* ---- types and routes (types.c, routes.c) ---- */

struct arm_type {
    const char *type;
    const char *versions; /* with blanks between; "*": any */
    arm_identity_rule identity;
    arm_lro put, patch;
    bool patch_is_tags;     /* AKS: PATCH takes nothing else */
    const char *etag;       /* the member with its etag; NULL: it has none */
    const char *properties; /* those that it takes, "|a|b|"; NULL: not looked at */
    bool (*check)(arm_call *c, arm_value *resource, bool created); /* after the change; or NULL */
    void (*view)(arm_call *c, arm_value *copy);                    /* or NULL */
};

const arm_type *arm_type_find(const char *type);
bool arm_is_namespace(const char *ns);
const arm_type *arm_type_at(size_t i); /* all in turn; NULL: no more */

typedef struct arm_route {
    const char *method;
    const char *type;
    const char *name; /* NULL: any */
    const char *tail; /* NULL: none */
    arm_handler *handler;
} arm_route;

extern const arm_route arm_routes[];
extern const size_t arm_route_count;

/* ---- what each type does beside that ---- */

arm_handler arm_subscriptions, arm_tenants, arm_place, arm_locations, arm_groups;
arm_handler arm_provider, arm_provider_register, arm_group_resources;
arm_handler arm_lock_list, arm_lock_put;
arm_handler arm_sql_admin_get, arm_sql_admin_put, arm_sql_admin_delete, arm_sql_admin_list;
arm_handler arm_sql_only_get, arm_sql_only_put, arm_sql_only_list;
arm_handler arm_sql_rule_put, arm_sql_rules_replace;
void arm_sql_view_server(arm_call *c, arm_value *copy);
arm_handler arm_msi_get, arm_msi_put, arm_msi_delete, arm_msi_associated, arm_msi_system;
arm_handler arm_fic_put, arm_fic_delete;
void arm_msi_view(arm_call *c, arm_value *copy);
arm_handler arm_web_config_list, arm_web_config_put, arm_web_names_get, arm_web_restart;
arm_handler arm_web_config_get;
void arm_web_view(arm_call *c, arm_value *copy);
arm_handler arm_container_secrets, arm_container_restart;
bool arm_container_check(arm_call *c, arm_value *app, bool created);
void arm_container_view(arm_call *c, arm_value *copy);
arm_handler arm_spring_restart;
bool arm_spring_check_deployment(arm_call *c, arm_value *deployment, bool created);
arm_handler arm_compute_upgrade, arm_compute_run_command;
bool arm_compute_check_set(arm_call *c, arm_value *set, bool created);
void arm_compute_view(arm_call *c, arm_value *copy);
bool arm_cluster_check(arm_call *c, arm_value *cluster, bool created);

#endif
