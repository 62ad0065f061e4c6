/* SPDX-License-Identifier: MIT */
/* Who asks, and what they may: tokens, assignments, refusals action by action, locks. */
#include "internal.h"

#include "roles.h"

#include <string.h>

#define AUDIENCE "https://management.azure.com/"

/* ---- who ---- */

static bool refuse(arm_call *c, const char *code, const char *text, const char *description)
{
    arm_header(c, "WWW-Authenticate",
               arm_pool_printf(&c->pool,
                               "Bearer authorization_uri=\"%s\", error=\"invalid_token\", "
                               "error_description=\"%s\"",
                               world_sts_url(c->w), description));
    return arm_error(c, 401, code, "%s", text);
}

static bool refuse_token(arm_call *c, world_token_problem problem)
{
    switch (problem) {
    case WORLD_TOKEN_WRONG_AUDIENCE:
        return refuse(
            c, "InvalidAuthenticationTokenAudience",
            "The access token has been obtained for wrong audience or resource. It should "
            "exactly match with one of the allowed audiences "
            "'https://management.core.windows.net/','https://management.core.windows.net',"
            "'https://management.azure.com/','https://management.azure.com'.",
            "The access token has been obtained from wrong audience or resource.");
    case WORLD_TOKEN_WRONG_TENANT:
        return refuse(c, "InvalidAuthenticationTokenTenant",
                      "The access token is from the wrong issuer. It must match the tenant "
                      "associated with this subscription.",
                      "The access token is from the wrong issuer.");
    case WORLD_TOKEN_EXPIRED:
        return refuse(c, "ExpiredAuthenticationToken",
                      "The access token expiry UTC time is earlier than current UTC time.",
                      "The access token expiry UTC time is earlier than current UTC time.");
    case WORLD_TOKEN_OK:
    case WORLD_TOKEN_MALFORMED:
    case WORLD_TOKEN_BAD_SIGNATURE:
    case WORLD_TOKEN_NOT_YET_VALID:
    case WORLD_TOKEN_NO_ADMIN:
    case WORLD_TOKEN_NO_MEMORY:
        break;
    }
    return refuse(c, "InvalidAuthenticationToken", "The access token is invalid.",
                  "Could not parse or verify the access token.");
}

bool arm_authenticate(arm_call *c)
{
    static const char scheme[] = "Bearer ";
    const char *header = httpd_header(c->request, "Authorization");
    char object_id[ES_GUID_TEXT_SIZE] = "";
    if (header == NULL || !es_strncaseeq(header, scheme, sizeof scheme - 1))
        return refuse(c, "AuthenticationFailed",
                      "Authentication failed. The 'Authorization' header is missing.",
                      "The authentication failed because of missing 'Authorization' header.");
    header += sizeof scheme - 1;
    world_token_problem problem =
        world_token_identify(c->w, AUDIENCE, header, strlen(header), object_id, NULL);
    if (problem != WORLD_TOKEN_OK)
        return refuse_token(c, problem);
    c->caller = world_object_find(c->w, object_id);
    return c->caller != NULL || refuse_token(c, WORLD_TOKEN_MALFORMED);
}

/* ---- what ---- */

static const world_principal *principal_of(const arm_call *c, const arm_value *entry)
{
    const char *name = arm_text(entry, "principal");
    const world_principal *p = name != NULL ? world_object_find(c->w, name) : NULL;
    return p != NULL || name == NULL ? p : world_principal_find(c->w, name);
}

/* The caller, or a group that the caller is in. */
static bool is_caller(const arm_call *c, const world_principal *p)
{
    const char *groups[WORLD_MAX_GROUPS];
    if (p == NULL || c->caller == NULL)
        return false;
    if (es_streq(p->object_id, c->caller->object_id))
        return true;
    size_t n = world_groups_of(c->w, c->caller, groups, ES_COUNT_OF(groups));
    for (size_t i = 0; i < n; i++) {
        if (es_streq(p->object_id, groups[i]))
            return true;
    }
    return false;
}

static const char *scope_of(arm_call *c, const arm_value *entry)
{
    const char *scope = arm_text(entry, "scope");
    return scope != NULL
               ? scope
               : arm_pool_printf(&c->pool, "/subscriptions/%s", world_get_subscription(c->w)->id);
}

static bool is_refused(arm_call *c, const char *action, const char *scope)
{
    const arm_value *list = arm_get(c->state, "refused");
    for (const arm_member *m = list != NULL ? list->first : NULL; m != NULL; m = m->next) {
        const char *pattern = arm_text(m->value, "action");
        const char *its = scope_of(c, m->value);
        if (pattern != NULL && its != NULL && arm_action_matches(pattern, action) &&
            arm_is_below(scope, its) && is_caller(c, principal_of(c, m->value)))
            return true;
    }
    return false;
}

/* By its role, or by a list of actions. */
static bool gives(const arm_value *entry, const char *action)
{
    const arm_role *role = arm_role_find(arm_text(entry, "role"));
    const arm_value *actions = arm_get(entry, "actions");
    for (const arm_member *m = actions != NULL ? actions->first : NULL; m != NULL; m = m->next) {
        if (m->value->text != NULL && arm_action_matches(m->value->text, action))
            return true;
    }
    return role != NULL && arm_action_is_among(role->actions, action) &&
           !arm_action_is_among(role->not_actions, action);
}

/* Without a list the SQL server's admin is Owner. */
static bool is_owner_by_default(arm_call *c)
{
    return arm_get(c->state, "assignments") == NULL && is_caller(c, world_server_admin(c->w));
}

bool arm_may(arm_call *c, const char *action, const char *scope)
{
    const arm_value *list = arm_get(c->state, "assignments");
    if (is_refused(c, action, scope))
        return false;
    if (is_owner_by_default(c))
        return true;
    for (const arm_member *m = list != NULL ? list->first : NULL; m != NULL; m = m->next) {
        const char *its = scope_of(c, m->value);
        if (its != NULL && arm_is_below(scope, its) && gives(m->value, action) &&
            is_caller(c, principal_of(c, m->value)))
            return true;
    }
    return false;
}

static const char *caller_name(const arm_call *c)
{
    if (c->caller->upn != NULL)
        return c->caller->upn;
    return c->caller->client_id;
}

bool arm_check_right(arm_call *c, const char *action, const char *scope)
{
    if (arm_may(c, action, scope))
        return true;
    return arm_error(c, 403, "AuthorizationFailed",
                     "The client '%s' with object id '%s' does not have authorization to perform "
                     "action '%s' over scope '%s' or the scope is invalid. If access was recently "
                     "granted, please refresh your credentials.",
                     caller_name(c), c->caller->object_id, action, scope);
}

bool arm_check_linked_right(arm_call *c, const char *action, const char *scope, const char *linked,
                            const char *linked_scope)
{
    if (arm_may(c, linked, linked_scope))
        return true;
    return arm_error(c, 403, "LinkedAuthorizationFailed",
                     "The client '%s' with object id '%s' has permission to perform action '%s' on "
                     "scope '%s'; however, it does not have permission to perform action(s) '%s' "
                     "on the linked scope(s) '%s' (respectively) or the linked scope(s) are "
                     "invalid.",
                     caller_name(c), c->caller->object_id, action, scope, linked, linked_scope);
}

/* ---- locks ---- */

bool arm_check_locks(arm_call *c, bool is_delete)
{
    for (const arm_member *m = c->resources->first; m != NULL; m = m->next) {
        const char *type = arm_text(m->value, "type"), *id = arm_text(m->value, "id");
        const char *level = arm_text(arm_get(m->value, "properties"), "level");
        arm_id lock;
        if (!es_strcaseeq(type, "Microsoft.Authorization/locks") ||
            arm_id_parse(&c->pool, id, &lock) != ENTRASQL_OK || lock.scope == NULL ||
            !arm_is_below(c->id.resource, lock.scope) || es_strcaseeq(c->id.type, type))
            continue;
        if (es_strcaseeq(level, "ReadOnly") || (is_delete && es_strcaseeq(level, "CanNotDelete")))
            return arm_error(c, 409, "ScopeLocked",
                             "The scope '%s' cannot perform %s operation because following "
                             "scope(s) are locked: '%s'. Please remove the lock and try again.",
                             c->id.resource, is_delete ? "delete" : "write", lock.scope);
    }
    return true;
}

void arm_lock_put(arm_call *c)
{
    const char *level = arm_text(arm_get(c->body, "properties"), "level");
    if (!es_strcaseeq(level, "ReadOnly") && !es_strcaseeq(level, "CanNotDelete"))
        (void)arm_error(c, 400, "LockLevelNotValid",
                        "The lock level must be ReadOnly or CanNotDelete.");
    else
        arm_resource_put(c);
}

/* Those of the scope and of what it lies in. */
void arm_lock_list(arm_call *c)
{
    arm_value *list = arm_new(&c->pool, JSON_KIND_ARRAY);
    for (const arm_member *m = c->resources->first; m != NULL; m = m->next) {
        arm_id lock;
        if (es_strcaseeq(arm_text(m->value, "type"), "Microsoft.Authorization/locks") &&
            arm_id_parse(&c->pool, arm_text(m->value, "id"), &lock) == ENTRASQL_OK &&
            (arm_is_below(c->id.scope, lock.scope) || arm_is_below(lock.scope, c->id.scope)))
            arm_append(&c->pool, list, arm_clone(&c->pool, m->value));
    }
    arm_reply_list(c, list);
}

/* ---- policies ---- */

/* "policies": [{"name": ..., "type": a type of resources, "scope": ...}] deny all writes there. */
bool arm_check_policy(arm_call *c)
{
    const arm_value *list = arm_get(c->state, "policies");
    for (const arm_member *m = list != NULL ? list->first : NULL; m != NULL; m = m->next) {
        const char *name = arm_text(m->value, "name"), *type = arm_text(m->value, "type");
        const char *its = scope_of(c, m->value);
        if (name == NULL || its == NULL || !es_strcaseeq(type, c->id.type) ||
            !arm_is_below(c->id.resource, its) || es_streq(c->method, "DELETE"))
            continue;
        arm_value *info = arm_new(&c->pool, JSON_KIND_ARRAY);
        arm_value *element = arm_new(&c->pool, JSON_KIND_OBJECT);
        arm_set_text(&c->pool, element, "type", "PolicyViolation");
        arm_set_text(&c->pool, arm_need_object(&c->pool, element, "info"),
                     "policyAssignmentDisplayName", name);
        arm_append(&c->pool, info, element);
        return arm_error_with(c, 403, "RequestDisallowedByPolicy", "additionalInfo", info,
                              "Resource '%s' was disallowed by policy. Policy identifiers: "
                              "'[{\"policyAssignment\":{\"name\":\"%s\",\"id\":\"%s/providers/"
                              "Microsoft.Authorization/policyAssignments/%s\"}}]'.",
                              c->id.name, name, its, name);
    }
    return true;
}

/* ---- asked for ---- */

static arm_value *list_of(arm_call *c, const char *patterns)
{
    arm_value *list = arm_new(&c->pool, JSON_KIND_ARRAY);
    while (*patterns != '\0') {
        size_t n = strcspn(patterns, " ");
        if (n != 0)
            arm_append(&c->pool, list,
                       arm_new_text(&c->pool, arm_pool_copy(&c->pool, patterns, n)));
        patterns += n + (patterns[n] == ' ' ? 1 : 0);
    }
    return list;
}

/* role NULL: the entry has a list of its own. */
static void add_permission(arm_call *c, arm_value *list, const arm_role *role,
                           const arm_value *entry)
{
    arm_value *p = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_value *actions =
        role != NULL ? list_of(c, role->actions) : arm_clone(&c->pool, arm_get(entry, "actions"));
    arm_value *not_actions = list_of(c, role != NULL ? role->not_actions : "");
    const arm_value *refused = arm_get(c->state, "refused");
    for (const arm_member *m = refused != NULL ? refused->first : NULL; m != NULL; m = m->next) {
        if (is_caller(c, principal_of(c, m->value)))
            arm_append(&c->pool, not_actions, arm_new_text(&c->pool, arm_text(m->value, "action")));
    }
    arm_set(&c->pool, p, "actions", actions);
    arm_set(&c->pool, p, "notActions", not_actions);
    arm_set(&c->pool, p, "dataActions", arm_new(&c->pool, JSON_KIND_ARRAY));
    arm_set(&c->pool, p, "notDataActions", arm_new(&c->pool, JSON_KIND_ARRAY));
    arm_append(&c->pool, list, p);
}

void arm_permissions_get(arm_call *c)
{
    arm_value *list = arm_new(&c->pool, JSON_KIND_ARRAY);
    const arm_value *all = arm_get(c->state, "assignments");
    if (is_owner_by_default(c))
        add_permission(c, list, arm_role_find("Owner"), NULL);
    for (const arm_member *m = all != NULL ? all->first : NULL; m != NULL; m = m->next) {
        const arm_role *role = arm_role_find(arm_text(m->value, "role"));
        const char *its = scope_of(c, m->value);
        bool is_one = role != NULL || arm_get(m->value, "actions") != NULL;
        if (is_one && its != NULL && arm_is_below(c->id.scope, its) &&
            is_caller(c, principal_of(c, m->value)))
            add_permission(c, list, role, m->value);
    }
    arm_reply_list(c, list);
}

static const char *role_id(arm_call *c, const arm_role *role)
{
    return arm_pool_printf(&c->pool,
                           "/subscriptions/%s/providers/Microsoft.Authorization/roleDefinitions/%s",
                           world_get_subscription(c->w)->id, role->id);
}

static arm_value *view_assignment(arm_call *c, const arm_value *entry)
{
    arm_value *v = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_value *p = arm_need_object(&c->pool, v, "properties");
    const arm_role *role = arm_role_find(arm_text(entry, "role"));
    const world_principal *who = principal_of(c, entry);
    const char *name = arm_text(entry, "name"), *scope = scope_of(c, entry);
    arm_set_text(&c->pool, v, "id",
                 arm_pool_printf(&c->pool,
                                 "%s/providers/Microsoft.Authorization/roleAssignments/%s", scope,
                                 name));
    arm_set_text(&c->pool, v, "name", name);
    arm_set_text(&c->pool, v, "type", "Microsoft.Authorization/roleAssignments");
    arm_set_text(&c->pool, p, "roleDefinitionId", role != NULL ? role_id(c, role) : "");
    arm_set_text(&c->pool, p, "principalId", who != NULL ? who->object_id : "");
    arm_set_text(&c->pool, p, "principalType",
                 who == NULL                ? "ServicePrincipal"
                 : who->kind == WORLD_USER  ? "User"
                 : who->kind == WORLD_GROUP ? "Group"
                                            : "ServicePrincipal");
    arm_set_text(&c->pool, p, "scope", scope);
    return v;
}

static arm_value *find_assignment(arm_call *c)
{
    const arm_value *list = arm_get(c->state, "assignments");
    for (const arm_member *m = list != NULL ? list->first : NULL; m != NULL; m = m->next) {
        if (es_strcaseeq(arm_text(m->value, "name"), c->id.name) &&
            es_strcaseeq(scope_of(c, m->value), c->id.scope))
            return m->value;
    }
    return NULL;
}

void arm_role_assignment_get(arm_call *c)
{
    const arm_value *entry = find_assignment(c);
    if (entry == NULL)
        (void)arm_error(c, 404, "RoleAssignmentNotFound", "The role assignment '%s' is not found.",
                        c->id.name);
    else
        arm_reply(c, 200, view_assignment(c, entry));
}

/* $filter: principalId eq 'ID' or assignedTo('ID'); atScope() and none list all of the scope. */
static const char *filtered_id(arm_call *c)
{
    const char *filter = httpd_query(c->request, "$filter");
    const char *quote = filter != NULL ? strchr(filter, '\'') : NULL;
    return quote != NULL ? arm_pool_copy(&c->pool, quote + 1, strcspn(quote + 1, "'")) : NULL;
}

void arm_role_assignment_list(arm_call *c)
{
    arm_value *list = arm_new(&c->pool, JSON_KIND_ARRAY);
    const arm_value *all = arm_get(c->state, "assignments");
    const char *wanted = filtered_id(c);
    for (const arm_member *m = all != NULL ? all->first : NULL; m != NULL; m = m->next) {
        const char *its = scope_of(c, m->value);
        const world_principal *who = principal_of(c, m->value);
        if (its == NULL || (!arm_is_below(c->id.scope, its) && !arm_is_below(its, c->id.scope)) ||
            (wanted != NULL && (who == NULL || !es_strcaseeq(who->object_id, wanted))))
            continue;
        arm_append(&c->pool, list, view_assignment(c, m->value));
    }
    arm_reply_list(c, list);
}

static bool is_there(arm_call *c, const arm_role *role, const world_principal *who)
{
    const arm_value *all = arm_get(c->state, "assignments");
    for (const arm_member *m = all != NULL ? all->first : NULL; m != NULL; m = m->next) {
        if (arm_role_find(arm_text(m->value, "role")) == role && principal_of(c, m->value) == who &&
            es_strcaseeq(scope_of(c, m->value), c->id.scope))
            return true;
    }
    return false;
}

void arm_role_assignment_put(arm_call *c)
{
    const arm_value *p = arm_get(c->body, "properties");
    const char *definition = arm_text(p, "roleDefinitionId"), *id = arm_text(p, "principalId");
    const arm_role *role = arm_role_find(definition);
    const world_principal *who = id != NULL ? world_object_find(c->w, id) : NULL;
    if (definition == NULL || id == NULL) {
        (void)arm_error(c, 400, "InvalidRequestContent",
                        "The request content is missing roleDefinitionId or principalId.");
    } else if (role == NULL) {
        (void)arm_error(c, 404, "RoleDefinitionDoesNotExist",
                        "The specified role definition with ID '%s' does not exist.", definition);
    } else if (who == NULL) {
        (void)arm_error(c, 400, "PrincipalNotFound",
                        "Principal %s does not exist in the directory %s.", id, arm_tenant_id(c));
    } else if (is_there(c, role, who)) {
        (void)arm_error(c, 409, "RoleAssignmentExists", "The role assignment already exists.");
    } else {
        arm_value *list = arm_need_array(&c->pool, c->state, "assignments");
        arm_value *entry = arm_new(&c->pool, JSON_KIND_OBJECT);
        arm_set_text(&c->pool, entry, "name", c->id.name);
        arm_set_text(&c->pool, entry, "principal", who->object_id);
        arm_set_text(&c->pool, entry, "role", role->name);
        arm_set_text(&c->pool, entry, "scope", c->id.scope);
        arm_append(&c->pool, list, entry);
        c->changed = true;
        arm_reply(c, 201, view_assignment(c, entry));
    }
}

void arm_role_assignment_delete(arm_call *c)
{
    arm_value *entry = find_assignment(c);
    if (entry == NULL) {
        arm_reply(c, 204, NULL);
        return;
    }
    arm_value *view = view_assignment(c, entry);
    arm_remove_value(arm_get(c->state, "assignments"), entry);
    c->changed = true;
    arm_reply(c, 200, view);
}

static arm_value *view_role(arm_call *c, const arm_role *role)
{
    arm_value *v = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_value *p = arm_need_object(&c->pool, v, "properties");
    arm_value *permissions = arm_need_array(&c->pool, p, "permissions");
    arm_value *permission = arm_new(&c->pool, JSON_KIND_OBJECT);
    arm_set_text(&c->pool, v, "id", role_id(c, role));
    arm_set_text(&c->pool, v, "name", role->id);
    arm_set_text(&c->pool, v, "type", "Microsoft.Authorization/roleDefinitions");
    arm_set_text(&c->pool, p, "roleName", role->name);
    arm_set_text(&c->pool, p, "type", "BuiltInRole");
    arm_set(&c->pool, permission, "actions", list_of(c, role->actions));
    arm_set(&c->pool, permission, "notActions", list_of(c, role->not_actions));
    arm_append(&c->pool, permissions, permission);
    return v;
}

void arm_role_definition_get(arm_call *c)
{
    const arm_role *role = arm_role_find(c->id.name);
    if (role == NULL)
        (void)arm_error(c, 404, "RoleDefinitionDoesNotExist",
                        "The specified role definition with ID '%s' does not exist.", c->id.name);
    else
        arm_reply(c, 200, view_role(c, role));
}

void arm_role_definition_list(arm_call *c)
{
    arm_value *list = arm_new(&c->pool, JSON_KIND_ARRAY);
    const char *wanted = filtered_id(c);
    for (size_t i = 0; i < arm_role_count; i++) {
        if (wanted == NULL || es_strcaseeq(arm_roles[i].name, wanted))
            arm_append(&c->pool, list, view_role(c, &arm_roles[i]));
    }
    arm_reply_list(c, list);
}
