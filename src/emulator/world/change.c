/* SPDX-License-Identifier: MIT */
/* From a request to a plan, and from the plan to the new text. */
#include "change.h"

#include "base/mem.h"
#include "base/random.h"
#include "internal.h"
#include "password.h"
#include "seed.h"

#include <string.h>

#define MAX_NAMES 256

/* What changes in the text; what is not named stays as it is. */
typedef struct plan {
    const world *w;
    const char *list;    /* gets `element`, or loses `removed` */
    const char *element; /* JSON; NULL: none */
    const world_principal *removed;
    const json_node *add_members; /* to `group` */
    const json_node *drop_members;
    const world_principal *group;
    const json_node *join; /* groups that `joiner` becomes a member of */
    const char *joiner;
    const char *host; /* gets `attached` */
    const char *attached;
    bool host_is_new;
    const char *database;
    const json_node *admin;      /* a string or null; NULL: stays */
    const json_node *entra_only; /* NULL: stays */
} plan;

static const char *list_of(world_kind kind)
{
    switch (kind) {
    case WORLD_USER:
        return "users";
    case WORLD_GROUP:
        return "groups";
    case WORLD_APP:
        return "apps";
    case WORLD_IDENTITY:
        return "identities";
    }
    return "";
}

/* ---- writing ---- */

/* Seeds keep their order, so an element's place among its kind is its place in its list. */
static size_t place_of(const world *w, const world_principal *p)
{
    size_t place = 0;
    for (const world_principal *q = w->principals; q != p; q++)
        place += q->kind == p->kind ? 1 : 0;
    return place;
}

static bool names(const plan *p, const json_node *node, const world_principal *who)
{
    const char *text = NULL;
    return who != NULL && json_node_string(node, &text, NULL) == ENTRASQL_OK &&
           (world_principal_find(p->w, text) == who || es_strcaseeq(text, who->object_id));
}

static bool is_among(const json_node *list, const char *text)
{
    for (size_t i = 0; i < json_count(list); i++) {
        const char *each = NULL;
        if (json_node_string(json_element(list, i), &each, NULL) == ENTRASQL_OK &&
            es_strcaseeq(each, text))
            return true;
    }
    return false;
}

/* A list of names without those that are gone, and with one or several more. */
static void put_names(const plan *p, json_writer *j, const json_node *list,
                      const json_node *without, const json_node *more, const char *one_more)
{
    json_begin_array(j);
    for (size_t i = 0; i < json_count(list); i++) {
        const json_node *each = json_element(list, i);
        const char *text = NULL;
        if (json_node_string(each, &text, NULL) != ENTRASQL_OK || names(p, each, p->removed) ||
            is_among(without, text) || es_streq(text, one_more))
            continue;
        json_put_string(j, text);
    }
    for (size_t i = 0; i < json_count(more); i++) {
        const char *text = NULL;
        if (json_node_string(json_element(more, i), &text, NULL) == ENTRASQL_OK &&
            !is_among(list, text))
            json_put_string(j, text);
    }
    if (one_more != NULL)
        json_put_string(j, one_more);
    json_end_array(j);
}

/* Copies an object but for one member, which is a list of names. */
static void put_with_names(const plan *p, json_writer *j, const json_node *object,
                           const char *member, const json_node *without, const json_node *more,
                           const char *one_more)
{
    json_begin_object(j);
    for (json_cursor *at = json_cursor_next(object, NULL); at != NULL;
         at = json_cursor_next(object, at)) {
        if (es_streq(json_cursor_name(at), member))
            continue;
        json_name(j, json_cursor_name(at));
        json_put_node(j, json_cursor_value(at));
    }
    json_name(j, member);
    put_names(p, j, json_member(object, member), without, more, one_more);
    json_end_object(j);
}

static bool has_name(const json_node *object, const char *name)
{
    const char *text = NULL;
    return name != NULL && json_member_string(object, "name", &text, NULL) == ENTRASQL_OK &&
           es_strcaseeq(text, name);
}

static void put_group(const plan *p, json_writer *j, const json_node *group)
{
    bool is_it = p->group != NULL && has_name(group, p->group->name);
    const char *name = "";
    (void)!json_member_string(group, "name", &name, NULL);
    const char *joins = p->joiner != NULL && is_among(p->join, name) ? p->joiner : NULL;
    if (!is_it && joins == NULL && p->removed == NULL)
        json_put_node(j, group);
    else
        put_with_names(p, j, group, "members", is_it ? p->drop_members : NULL,
                       is_it ? p->add_members : NULL, joins);
}

static void put_host(const plan *p, json_writer *j, const json_node *host)
{
    const char *attached = has_name(host, p->host) ? p->attached : NULL;
    if (attached == NULL && p->removed == NULL)
        json_put_node(j, host);
    else
        put_with_names(p, j, host, "identities", NULL, NULL, attached);
}

static void put_new_host(const plan *p, json_writer *j)
{
    json_begin_object(j);
    json_member_put_string(j, "name", p->host);
    json_member_put_string(j, "kind", "web-app");
    json_name(j, "identities");
    json_begin_array(j);
    json_put_string(j, p->attached);
    json_end_array(j);
    json_end_object(j);
}

static void put_list(const plan *p, json_writer *j, const char *name, const json_node *list)
{
    bool is_it = es_streq(name, p->list);
    size_t gone = is_it && p->removed != NULL ? place_of(p->w, p->removed) : SIZE_MAX;
    json_begin_array(j);
    for (size_t i = 0; i < json_count(list); i++) {
        const json_node *each = json_element(list, i);
        if (i == gone)
            continue;
        if (es_streq(name, "groups"))
            put_group(p, j, each);
        else if (es_streq(name, "hosts"))
            put_host(p, j, each);
        else
            json_put_node(j, each);
    }
    if (is_it && p->element != NULL)
        json_put_raw(j, p->element, strlen(p->element));
    if (es_streq(name, "hosts") && p->host_is_new)
        put_new_host(p, j);
    json_end_array(j);
}

static void put_server(const plan *p, json_writer *j, const json_node *server)
{
    json_begin_object(j);
    for (json_cursor *at = json_cursor_next(server, NULL); at != NULL;
         at = json_cursor_next(server, at)) {
        const char *name = json_cursor_name(at);
        if ((es_streq(name, "admin") && p->admin != NULL) ||
            (es_streq(name, "entra_only") && p->entra_only != NULL) ||
            (es_streq(name, "databases") && p->database != NULL))
            continue;
        json_name(j, name);
        json_put_node(j, json_cursor_value(at));
    }
    if (p->admin != NULL && json_node_kind(p->admin) == JSON_KIND_STRING) {
        json_name(j, "admin");
        json_put_node(j, p->admin);
    }
    if (p->entra_only != NULL) {
        json_name(j, "entra_only");
        json_put_node(j, p->entra_only);
    }
    if (p->database != NULL) {
        json_name(j, "databases");
        put_names(p, j, json_member(server, "databases"), NULL, NULL, p->database);
    }
    json_end_object(j);
}

static bool is_list(const char *name)
{
    static const char *const lists[] = {"users", "groups", "apps", "identities", "hosts"};
    for (size_t i = 0; i < ES_COUNT_OF(lists); i++) {
        if (es_streq(name, lists[i]))
            return true;
    }
    return false;
}

static void put_root(const plan *p, json_writer *j, const json_node *root)
{
    json_begin_object(j);
    for (json_cursor *at = json_cursor_next(root, NULL); at != NULL;
         at = json_cursor_next(root, at)) {
        const char *name = json_cursor_name(at);
        json_name(j, name);
        if (es_streq(name, "server"))
            put_server(p, j, json_cursor_value(at));
        else if (is_list(name))
            put_list(p, j, name, json_cursor_value(at));
        else
            json_put_node(j, json_cursor_value(at));
    }
    /* Lists that the text did not have yet. */
    if (p->list != NULL && p->element != NULL && json_member(root, p->list) == NULL) {
        json_name(j, p->list);
        put_list(p, j, p->list, NULL);
    }
    if (p->host_is_new && json_member(root, "hosts") == NULL) {
        json_name(j, "hosts");
        put_list(p, j, "hosts", NULL);
    }
    json_end_object(j);
}

static entrasql_status write_text(const plan *p, const char *text, size_t n, es_buf *out,
                                  entrasql_error *err)
{
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    json_writer j;
    ES_TRY(json_doc_parse(text, n, &doc, err));
    json_writer_init(&j, out);
    put_root(p, &j, json_doc_root(doc));
    entrasql_status status = json_writer_end(&j);
    if (status == ENTRASQL_LIMIT)
        return es_fail(err, status, "the world would be larger than %d bytes",
                       WORLD_MAX_SEED_BYTES);
    return status == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

/* ---- planning ---- */

typedef struct change {
    plan plan;
    seed_object request;
    es_buf *said;
    es_buf element;
    char *name; /* upn for users */
    char *display;
    char *tenant;
    char *host;
    entrasql_error *err;
} change;

static entrasql_status say(change *c, const char *fmt, ...) ES_PRINTF(2, 3);

static entrasql_status say(change *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    entrasql_status status = es_buf_vprintf(c->said, fmt, ap);
    va_end(ap);
    return status == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(c->err);
}

/* What the reader of seeds calls a broken configuration is here a broken request. */
static entrasql_status invalid(entrasql_status status, entrasql_error *err)
{
    if (status != ENTRASQL_CONFIG)
        return status;
    char text[sizeof err->message] = "";
    if (err != NULL)
        es_strlcpy_utf8(text, sizeof text, err->message);
    return es_fail(err, ENTRASQL_INVALID, "%s", text);
}

/* The one of that kind and name; *ret NULL when there is none. */
static entrasql_status find(const change *c, world_kind kind, const world_principal **ret)
{
    const world *w = c->plan.w;
    *ret = NULL;
    for (size_t i = 0; i < w->principal_count; i++) {
        const world_principal *p = &w->principals[i];
        const char *name = kind == WORLD_USER ? p->upn : p->name;
        if (p->kind != kind || !es_strcaseeq(name, c->name))
            continue;
        if (*ret != NULL)
            return es_fail(c->err, ENTRASQL_INVALID, "there are several called '%s'", c->name);
        *ret = p;
    }
    return ENTRASQL_OK;
}

static entrasql_status check_names(const change *c, const char *member, const json_node **ret)
{
    ES_TRY(seed_array(&c->request, member, MAX_NAMES, ret));
    for (size_t i = 0; i < json_count(*ret); i++) {
        const char *text = NULL;
        ES_TRY(seed_element_text(&c->request, member, *ret, i, &text));
        const world_principal *p = world_principal_find(c->plan.w, text);
        if (p == NULL || (es_streq(member, "groups") && p->kind != WORLD_GROUP))
            return es_fail(c->err, ENTRASQL_NOT_FOUND, "'%s' names no %s, or more than one", text,
                           es_streq(member, "groups") ? "group" : "principal");
    }
    return ENTRASQL_OK;
}

static void put_random_guid(json_writer *j, const char *member)
{
    char text[ES_GUID_TEXT_SIZE];
    es_random_uuid(text);
    json_member_put_string(j, member, text);
}

/* What goes into the text is the hash. */
static entrasql_status put_password(const change *c, json_writer *j)
{
    const char *password = NULL;
    size_t n = 0;
    entrasql_status status = json_member_string(c->request.node, "password", &password, &n);
    if (status == ENTRASQL_NOT_FOUND)
        return ENTRASQL_OK;
    if (status != ENTRASQL_OK || n == 0 || n > WORLD_PASSWORD_MAX_BYTES || strlen(password) != n)
        return seed_fail(&c->request, "password", "must be a text of 1 to %d bytes",
                         WORLD_PASSWORD_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf hash = ES_BUF_INIT(WORLD_PASSWORD_HASH_SIZE);
    if (world_password_hash(password, n, &hash) != ENTRASQL_OK)
        return es_nomem(c->err);
    json_name(j, "password_hash");
    json_put_text(j, (const char *)hash.data, hash.len);
    return ENTRASQL_OK;
}

static entrasql_status write_element(change *c, world_kind kind, bool system_assigned)
{
    json_writer j;
    json_writer_init(&j, &c->element);
    json_begin_object(&j);
    if (kind == WORLD_USER) {
        json_member_put_string(&j, "upn", c->name);
        if (c->display != NULL)
            json_member_put_string(&j, "name", c->display);
        ES_TRY(put_password(c, &j));
    } else {
        json_member_put_string(&j, "name", c->name);
    }
    put_random_guid(&j, "object_id");
    if (kind == WORLD_APP || kind == WORLD_IDENTITY)
        put_random_guid(&j, "client_id");
    if (system_assigned)
        json_member_put_string(&j, "kind", "system");
    if (c->tenant != NULL)
        json_member_put_string(&j, "tenant", c->tenant);
    if (c->plan.add_members != NULL) {
        json_name(&j, "members");
        json_put_node(&j, c->plan.add_members);
    }
    json_end_object(&j);
    if (json_writer_end(&j) != ENTRASQL_OK || (c->plan.element = es_buf_cstr(&c->element)) == NULL)
        return es_nomem(c->err);
    return ENTRASQL_OK;
}

static entrasql_status exists(const change *c, const char *what)
{
    (void)es_fail(c->err, ENTRASQL_EXISTS, "there is %s '%s' already", what, c->name);
    es_hint(c->err, "Remove it first, if it is to be made anew with other ids.");
    return ENTRASQL_EXISTS;
}

/* Of its own: "NAME-app", or what a system-assigned one is the identity of. */
static char *own_host(const change *c, bool system_assigned)
{
    es_buf name = ES_BUF_INIT(1024);
    char *text = NULL;
    if (es_buf_printf(&name, "%s%s", c->name, system_assigned ? "" : "-app") == ENTRASQL_OK)
        text = es_buf_take(&name, NULL);
    es_buf_done(&name);
    return text;
}

/* A host that is there, or a web app of its own, which is made. */
static entrasql_status plan_host(change *c, bool system_assigned)
{
    ES_CLEANUP(es_cleanup_free) char *own = own_host(c, system_assigned);
    if (own == NULL)
        return es_nomem(c->err);
    ES_TRY(seed_text(&c->request, "host", &c->host));
    bool is_own = c->host == NULL || es_strcaseeq(c->host, own);
    if (c->host == NULL) {
        c->host = own;
        own = NULL;
    }
    const world_host *there = world_host_find(c->plan.w, c->host);
    if (there == NULL && !is_own)
        return world_no_host(c->plan.w, c->host, c->err);
    c->plan.host = there != NULL ? there->name : c->host;
    c->plan.attached = c->name;
    c->plan.host_is_new = there == NULL;
    return ENTRASQL_OK;
}

static entrasql_status add_principal(change *c, world_kind kind, const char *what)
{
    const world_principal *p = NULL;
    bool system_assigned = false;
    ES_TRY(find(c, kind, &p));
    if (p != NULL && kind == WORLD_GROUP && json_count(c->plan.add_members) != 0) {
        c->plan.group = p;
        return say(c, "the group '%s' has %zu more member%s", c->name,
                   json_count(c->plan.add_members),
                   json_count(c->plan.add_members) == 1 ? "" : "s");
    }
    if (p != NULL)
        return exists(c, what);
    entrasql_status status = json_member_bool(c->request.node, "system", &system_assigned);
    if (status == ENTRASQL_MALFORMED)
        return seed_fail(&c->request, "system", "must be true or false");
    if (kind == WORLD_IDENTITY)
        ES_TRY(plan_host(c, system_assigned));
    c->plan.list = list_of(kind);
    if (c->plan.join != NULL)
        c->plan.joiner = c->name;
    ES_TRY(write_element(c, kind, system_assigned));
    ES_TRY(say(c, "%s '%s' was added", what, c->name));
    return c->plan.host != NULL ? say(c, ", attached to the host '%s'", c->plan.host) : ENTRASQL_OK;
}

static entrasql_status remove_principal(change *c, world_kind kind, const char *what)
{
    const world_principal *p = NULL;
    ES_TRY(find(c, kind, &p));
    if (p == NULL)
        return es_fail(c->err, ENTRASQL_NOT_FOUND, "there is no %s '%s'", what, c->name);
    if (kind == WORLD_GROUP && json_count(c->plan.drop_members) != 0) {
        c->plan.group = p;
        return say(c, "the group '%s' has %zu fewer member%s", c->name,
                   json_count(c->plan.drop_members),
                   json_count(c->plan.drop_members) == 1 ? "" : "s");
    }
    if (p == c->plan.w->server_admin) {
        (void)es_fail(c->err, ENTRASQL_INVALID, "'%s' is the server's Entra admin", c->name);
        es_hint(c->err, "Name another one first: entrasql emulator server --admin NAME");
        return ENTRASQL_INVALID;
    }
    c->plan.list = list_of(kind);
    c->plan.removed = p;
    return say(c, "%s '%s' was removed", what, c->name);
}

static entrasql_status add_database(change *c)
{
    const world *w = c->plan.w;
    for (size_t i = 0; i < w->database_count; i++) {
        if (es_strcaseeq(w->databases[i], c->name))
            return exists(c, "a database");
    }
    c->plan.database = c->name;
    return say(c, "database '%s' was added", c->name);
}

static entrasql_status set_server(change *c)
{
    static const char *const allowed[] = {"action", "kind", "admin", "entra_only", NULL};
    const json_node *root = c->request.node;
    ES_TRY(seed_check(&c->request, allowed));
    c->plan.admin = json_member(root, "admin");
    c->plan.entra_only = json_member(root, "entra_only");
    if (c->plan.entra_only != NULL && json_node_kind(c->plan.entra_only) != JSON_KIND_BOOL)
        return seed_fail(&c->request, "entra_only", "must be true or false");
    if (c->plan.admin != NULL && json_node_kind(c->plan.admin) != JSON_KIND_NULL) {
        ES_TRY(seed_text(&c->request, "admin", &c->name));
        if (world_principal_find(c->plan.w, c->name) == NULL)
            return es_fail(c->err, ENTRASQL_NOT_FOUND, "'%s' names no principal, or more than one",
                           c->name);
    }
    if (c->plan.admin == NULL && c->plan.entra_only == NULL)
        return es_fail(c->err, ENTRASQL_INVALID, "nothing to set: give admin or entra_only");
    return say(c, "the server was changed");
}

static entrasql_status plan_principal(change *c, world_kind kind, const char *what, bool add)
{
    static const char *const allowed[] = {"action", "kind",     "upn",  "name",
                                          "tenant", "groups",   "host", "members",
                                          "system", "password", NULL};
    ES_TRY(seed_check(&c->request, allowed));
    if (json_member(c->request.node, "password") != NULL && (kind != WORLD_USER || !add))
        return seed_fail(&c->request, "password", "only a user that is added is given one");
    ES_TRY(seed_required_text(&c->request, kind == WORLD_USER ? "upn" : "name", &c->name));
    if (kind == WORLD_USER)
        ES_TRY(seed_text(&c->request, "name", &c->display));
    ES_TRY(seed_text(&c->request, "tenant", &c->tenant));
    ES_TRY(check_names(c, "groups", &c->plan.join));
    ES_TRY(check_names(c, "members", add ? &c->plan.add_members : &c->plan.drop_members));
    return add ? add_principal(c, kind, what) : remove_principal(c, kind, what);
}

static entrasql_status make_plan(change *c, const char *action, const char *kind)
{
    static const struct {
        const char *name;
        world_kind kind;
    } kinds[] = {{"user", WORLD_USER},
                 {"group", WORLD_GROUP},
                 {"app", WORLD_APP},
                 {"identity", WORLD_IDENTITY}};
    bool add = es_streq(action, "add");
    if (es_streq(kind, "server") && es_streq(action, "set"))
        return set_server(c);
    if (es_streq(kind, "database") && add) {
        static const char *const allowed[] = {"action", "kind", "name", NULL};
        ES_TRY(seed_check(&c->request, allowed));
        ES_TRY(seed_required_text(&c->request, "name", &c->name));
        return add_database(c);
    }
    for (size_t i = 0; i < ES_COUNT_OF(kinds); i++) {
        if (es_streq(kind, kinds[i].name) && (add || es_streq(action, "remove")))
            return plan_principal(c, kinds[i].kind, kinds[i].name, add);
    }
    return es_fail(c->err, ENTRASQL_INVALID, "there is no such change of a world");
}

entrasql_status world_edit(const world *w, const char *text, size_t n, const json_node *request,
                           es_buf *out, es_buf *said, entrasql_error *err)
{
    char *action = NULL, *kind = NULL;
    change c = {.plan = {.w = w},
                .request = {.file = "the change", .node = request, .err = err},
                .element = ES_BUF_INIT(64 * 1024),
                .said = said,
                .err = err};
    entrasql_status status = seed_required_text(&c.request, "action", &action);
    if (status == ENTRASQL_OK)
        status = seed_required_text(&c.request, "kind", &kind);
    if (status == ENTRASQL_OK)
        status = make_plan(&c, action, kind);
    if (status == ENTRASQL_OK)
        status = write_text(&c.plan, text, n, out, err);
    es_buf_done(&c.element);
    es_free(action);
    es_free(kind);
    es_free(c.name);
    es_free(c.display);
    es_free(c.tenant);
    es_free(c.host);
    return invalid(status, err);
}
