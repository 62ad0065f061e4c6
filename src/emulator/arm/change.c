/* SPDX-License-Identifier: MIT */
/* Changes of the state that Azure Resource Manager itself has no call for, or not for us. */
#include "arm.h"

#include "base/random.h"
#include "internal.h"
#include "roles.h"

#include <string.h>

typedef struct change {
    arm_call *c;
    const char *what; /* an action, a role, a type, a namespace */
    const char *principal;
    const char *scope; /* NULL: the subscription */
    es_buf *said;
    entrasql_error *err;
} change;

static entrasql_status say(const change *x, const char *text)
{
    return es_buf_printf(x->said, "%s %s", x->what, text) == ENTRASQL_OK ? ENTRASQL_OK
                                                                         : es_nomem(x->err);
}

static arm_value *new_entry(const change *x, const char *member)
{
    arm_value *entry = arm_new(&x->c->pool, JSON_KIND_OBJECT);
    if (x->principal != NULL)
        arm_set_text(&x->c->pool, entry, "principal", x->principal);
    if (member != NULL)
        arm_set_text(&x->c->pool, entry, member, x->what);
    if (x->scope != NULL)
        arm_set_text(&x->c->pool, entry, "scope", x->scope);
    char name[ES_GUID_TEXT_SIZE];
    es_random_uuid(name);
    arm_set_text(&x->c->pool, entry, "name", name);
    return entry;
}

/* Takes out what has that text in `member` and is of the same principal; NULL: any text. */
static size_t take_out(const change *x, const char *list_name, const char *member)
{
    arm_value *list = arm_get(x->c->state, list_name);
    size_t count = 0;
    const arm_member *next;
    for (const arm_member *m = list != NULL ? list->first : NULL; m != NULL; m = next) {
        const char *who = arm_text(m->value, "principal");
        next = m->next;
        if ((member != NULL && !es_strcaseeq(arm_text(m->value, member), x->what)) ||
            (x->principal != NULL && !es_strcaseeq(who, x->principal)))
            continue;
        arm_remove_value(list, m->value);
        count++;
    }
    return count;
}

/* Once there is a list, its being empty means that nobody may anything. */
static arm_value *assignments(const change *x)
{
    arm_value *list = arm_get(x->c->state, "assignments");
    const world_principal *admin = world_server_admin(x->c->w);
    if (list != NULL || admin == NULL)
        return arm_need_array(&x->c->pool, x->c->state, "assignments");
    list = arm_need_array(&x->c->pool, x->c->state, "assignments");
    arm_value *owner = arm_new(&x->c->pool, JSON_KIND_OBJECT);
    arm_set_text(&x->c->pool, owner, "principal", admin->object_id);
    arm_set_text(&x->c->pool, owner, "role", "Owner");
    arm_append(&x->c->pool, list, owner);
    return list;
}

static entrasql_status refuse(const change *x)
{
    (void)take_out(x, "refused", "action");
    arm_append(&x->c->pool, arm_need_array(&x->c->pool, x->c->state, "refused"),
               new_entry(x, "action"));
    return say(x, "is refused");
}

/* What a refusal took comes back; what no role gives is given by itself. */
static entrasql_status give(const change *x)
{
    const char *scope = x->scope != NULL ? x->scope
                                         : arm_pool_printf(&x->c->pool, "/subscriptions/%s",
                                                           world_get_subscription(x->c->w)->id);
    (void)take_out(x, "refused", "action");
    if (scope == NULL || arm_may(x->c, x->what, scope))
        return say(x, "is given");
    arm_value *entry = new_entry(x, NULL);
    arm_append(&x->c->pool, arm_need_array(&x->c->pool, entry, "actions"),
               arm_new_text(&x->c->pool, x->what));
    arm_append(&x->c->pool, assignments(x), entry);
    return say(x, "is given");
}

static entrasql_status give_role(const change *x)
{
    if (arm_role_find(x->what) == NULL) {
        (void)es_fail(x->err, ENTRASQL_NOT_FOUND, "the emulator has no role '%s'", x->what);
        es_hint(x->err, "It has Owner, Contributor, Reader and those of the services that a "
                        "migration meets, such as 'SQL Server Contributor'.");
        return ENTRASQL_NOT_FOUND;
    }
    arm_append(&x->c->pool, assignments(x), new_entry(x, "role"));
    return say(x, "is given");
}

static entrasql_status take_role(const change *x)
{
    (void)assignments(x);
    bool all = es_streq(x->what, "all");
    if (take_out(x, "assignments", all ? NULL : "role") == 0)
        return es_fail(x->err, ENTRASQL_NOT_FOUND, "'%s' has no role '%s'", x->principal, x->what);
    return say(x, all ? "roles are taken" : "is taken");
}

static entrasql_status deny(const change *x)
{
    (void)take_out(x, "policies", "type");
    arm_value *policy = new_entry(x, "type");
    arm_set_text(&x->c->pool, policy, "name", "deny-by-emulator");
    arm_append(&x->c->pool, arm_need_array(&x->c->pool, x->c->state, "policies"), policy);
    return say(x, "is denied by a policy");
}

static entrasql_status allow(const change *x)
{
    if (take_out(x, "policies", "type") == 0)
        return es_fail(x->err, ENTRASQL_NOT_FOUND, "no policy denies '%s'", x->what);
    return say(x, "is allowed by policies");
}

static entrasql_status unregister(const change *x)
{
    if (!arm_is_namespace(x->what))
        return es_fail(x->err, ENTRASQL_NOT_FOUND, "there is no provider '%s'", x->what);
    arm_append(&x->c->pool, arm_need_array(&x->c->pool, x->c->state, "unregistered"),
               arm_new_text(&x->c->pool, x->what));
    return say(x, "is not registered any more");
}

static const struct {
    const char *name;
    bool of_principal;
    entrasql_status (*run)(const change *x);
} words[] = {{"refuse", true, refuse},         {"give", true, give},
             {"give-role", true, give_role},   {"take-role", true, take_role},
             {"policy-deny", false, deny},     {"policy-allow", false, allow},
             {"unregister", false, unregister}};

static entrasql_status run(change *x, const json_node *request)
{
    const char *word = NULL;
    if (json_member_string(request, "word", &word, NULL) != ENTRASQL_OK ||
        json_member_string(request, "what", &x->what, NULL) != ENTRASQL_OK ||
        json_member_string(request, "principal", &x->principal, NULL) == ENTRASQL_MALFORMED ||
        json_member_string(request, "scope", &x->scope, NULL) == ENTRASQL_MALFORMED)
        return es_fail(x->err, ENTRASQL_INVALID, "a change of rights has a word and a text");
    for (size_t i = 0; i < ES_COUNT_OF(words); i++) {
        if (!es_streq(words[i].name, word))
            continue;
        if (!words[i].of_principal)
            x->principal = NULL;
        else if (x->principal == NULL)
            return es_fail(x->err, ENTRASQL_INVALID, "whose right? Name somebody (--as NAME)");
        x->c->caller = x->principal != NULL ? world_principal_find(x->c->w, x->principal) : NULL;
        if (words[i].of_principal && x->c->caller == NULL)
            return es_fail(x->err, ENTRASQL_NOT_FOUND, "'%s' names no principal, or more than one",
                           x->principal);
        return words[i].run(x);
    }
    return es_fail(x->err, ENTRASQL_INVALID,
                   "the word must be give, refuse, give-role, take-role, policy-deny, "
                   "policy-allow or unregister");
}

entrasql_status arm_change(arm *a, const json_node *request, es_buf *said, entrasql_error *err)
{
    arm_call c = {.a = a, .w = a->w};
    change x = {.c = &c, .said = said, .err = err};
    entrasql_status status = arm_load(&c)
                                 ? run(&x, request)
                                 : es_fail(err, ENTRASQL_MALFORMED, "the world cannot be read");
    if (status == ENTRASQL_OK)
        status = arm_pool_failed(&c.pool) ? es_nomem(err) : arm_keep(&c, err);
    arm_pool_done(&c.pool);
    return status;
}
