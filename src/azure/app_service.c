/* SPDX-License-Identifier: MIT */
/*
 * App Service: web apps and Functions, with their slots. Each slot has its identities, settings
 * and connection strings to itself.
 *
 * Settings are read with POST .../list and written by a PUT that replaces them all, which restarts
 * the application. So there is one write for all changes; what is not changed is carried over
 * verbatim; and the list is read once more right before the write, because what somebody else
 * added since would be lost.
 */
#include "azure/fields.h"
#include "azure/host_inner.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

static const azure_need read_needs[] = {
    {"Microsoft.Web/sites/read", "to see the app and its identities"},
    {"Microsoft.Web/sites/config/list/action", "to see its settings and connection strings"},
    {"Microsoft.Web/sites/config/read", "to see which settings stay with a slot"},
    {NULL, NULL},
};
static const azure_need assign_needs[] = {
    {"Microsoft.Web/sites/write", "to attach the identity to the app"},
    {"Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
     "to attach this identity to anything"},
    {NULL, NULL},
};
static const azure_need write_needs[] = {
    {"Microsoft.Web/sites/config/write", "to write settings and connection strings"},
    {NULL, NULL},
};
static const azure_need restart_needs[] = {
    {"Microsoft.Web/sites/restart/action", "to restart the app"},
    {NULL, NULL},
};
static const azure_variable environment[] = {
    {"IDENTITY_ENDPOINT", "where the process asks for tokens"},
    {"IDENTITY_HEADER", "a secret that goes with each request for a token"},
    {"WEBSITE_HOSTNAME", "the app's host name"},
    {"WEBSITE_SITE_NAME", "the app's name"},
    {NULL, NULL},
};

/* A slot's call stands right behind that of the site. */
static azure_request request_of(const azure_host_ref *ref, azure_call_id site_call,
                                const char *what)
{
    return (azure_request){
        .call = (azure_call_id)(site_call + (ref->slot != NULL ? 1 : 0)),
        .arguments = {ref->subscription, ref->resource_group, ref->name, ref->slot},
        .what = what,
    };
}

/* ---- one kind of settings ---- */

typedef struct section {
    azure_setting_kind kind;
    azure_call_id list, put;
    const char *doing_list, *doing_put;
    const char *sticky; /* its member in slotConfigNames */
} section;

static const section sections[] = {
    {AZURE_SETTING, AZURE_SITE_SETTINGS_LIST, AZURE_SITE_SETTINGS_PUT, "reading the settings of",
     "writing the settings of", "appSettingNames"},
    {AZURE_CONNECTION_STRING, AZURE_SITE_CONNSTRS_LIST, AZURE_SITE_CONNSTRS_PUT,
     "reading the connection strings of", "writing the connection strings of",
     "connectionStringNames"},
};

/* *ret_map: name to value, borrowed of *reply. */
static entrasql_status list_section(azure_arm *arm, const azure_host_ref *ref, const section *s,
                                    azure_reply *reply, const json_node **ret_map,
                                    entrasql_error *err)
{
    char what[AZURE_WHAT_SIZE];
    azure_host_what(ref, s->doing_list, what);
    const azure_request request = request_of(ref, s->list, what);
    ES_TRY(azure_arm_call(arm, &request, reply, err));
    if (json_member_object(azure_reply_root(reply), "properties", ret_map) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_MALFORMED, "%s: the answer has no properties", what);
    return ENTRASQL_OK;
}

/* Value and type of one entry; connection strings are objects. */
static entrasql_status entry_of(const section *s, const json_node *node, const char **ret_value,
                                size_t *ret_len, const char **ret_type, entrasql_error *err)
{
    *ret_value = NULL;
    *ret_len = 0;
    *ret_type = NULL;
    entrasql_status status = ENTRASQL_OK;
    if (json_node_kind(node) == JSON_KIND_NULL) {
        *ret_value = "";
    } else if (s->kind == AZURE_SETTING) {
        status = json_node_string(node, ret_value, ret_len);
    } else {
        status = json_member_string(node, "value", ret_value, ret_len);
        if (status == ENTRASQL_OK)
            status = json_member_string(node, "type", ret_type, NULL);
    }
    if (status != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_MALFORMED, "a setting in Azure's answer has an unknown form");
    return ENTRASQL_OK;
}

static entrasql_status read_section(azure_arm *arm, const azure_host_ref *ref, const section *s,
                                    azure_host_state *ret, entrasql_error *err)
{
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    const json_node *map = NULL;
    ES_TRY(list_section(arm, ref, s, &reply, &map, err));
    for (json_cursor *at = json_cursor_next(map, NULL); at != NULL;
         at = json_cursor_next(map, at)) {
        const char *value, *type;
        size_t n;
        ES_TRY(entry_of(s, json_cursor_value(at), &value, &n, &type, err));
        ES_TRY(azure_setting_add(ret, s->kind, json_cursor_name(at), value, n, type, err));
    }
    return ENTRASQL_OK;
}

/* ---- sticky names ---- */

static bool lists_name(const json_node *array, const char *name)
{
    for (size_t i = 0; i < json_count(array); i++) {
        const char *text;
        if (json_node_string(json_element(array, i), &text, NULL) == ENTRASQL_OK &&
            es_streq(text, name))
            return true;
    }
    return false;
}

/* Lives at the production site, whichever slot is meant. */
static entrasql_status get_sticky(azure_arm *arm, const azure_host_ref *ref, azure_reply *reply,
                                  const json_node **ret_lists, entrasql_error *err)
{
    char what[AZURE_WHAT_SIZE];
    azure_host_what(ref, "reading the slot settings of", what);
    azure_request request = request_of(ref, AZURE_SITE_STICKY_GET, what);
    request.call = AZURE_SITE_STICKY_GET;
    ES_TRY(azure_arm_call(arm, &request, reply, err));
    *ret_lists = json_member(azure_reply_root(reply), "properties");
    return ENTRASQL_OK;
}

static entrasql_status read_sticky(azure_arm *arm, const azure_host_ref *ref,
                                   azure_host_state *state, entrasql_error *err)
{
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    const json_node *lists = NULL;
    ES_TRY(get_sticky(arm, ref, &reply, &lists, err));
    for (size_t i = 0; i < state->setting_count; i++) {
        azure_setting *setting = &state->settings[i];
        const char *member = sections[setting->kind == AZURE_SETTING ? 0 : 1].sticky;
        setting->is_sticky = lists_name(json_member(lists, member), setting->name);
    }
    return ENTRASQL_OK;
}

static bool needs_sticky(const azure_change *change, const section *s, const json_node *lists)
{
    return change->make_sticky && change->value != NULL && change->kind == s->kind &&
           !lists_name(json_member(lists, s->sticky), change->name);
}

/* Every list is replaced whole, so each is carried over with what is new behind it. */
static bool write_sticky(const json_node *lists, const azure_change *changes, size_t count,
                         json_writer *w)
{
    bool is_changed = false;
    json_begin_object(w);
    json_name(w, "properties");
    json_begin_object(w);
    for (size_t i = 0; i < ES_COUNT_OF(sections); i++) {
        const json_node *old = json_member(lists, sections[i].sticky);
        json_name(w, sections[i].sticky);
        json_begin_array(w);
        for (size_t j = 0; j < json_count(old); j++)
            json_put_node(w, json_element(old, j));
        for (size_t j = 0; j < count; j++) {
            if (!needs_sticky(&changes[j], &sections[i], lists))
                continue;
            json_put_string(w, changes[j].name);
            is_changed = true;
        }
        json_end_array(w);
    }
    const json_node *storage = json_member(lists, "azureStorageConfigNames");
    if (storage != NULL) {
        json_name(w, "azureStorageConfigNames");
        json_put_node(w, storage);
    }
    json_end_object(w);
    json_end_object(w);
    return is_changed;
}

/* Before the settings: a swap in between must not carry a new setting away. */
static entrasql_status make_sticky(azure_arm *arm, const azure_host_ref *ref,
                                   const azure_change *changes, size_t count, entrasql_error *err)
{
    bool is_asked = false;
    for (size_t i = 0; i < count; i++)
        is_asked = is_asked || (changes[i].make_sticky && changes[i].value != NULL);
    if (!is_asked)
        return ENTRASQL_OK;
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    const json_node *lists = NULL;
    ES_TRY(get_sticky(arm, ref, &reply, &lists, err));
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(AZURE_MAX_WRITE);
    json_writer w;
    json_writer_init(&w, &body);
    bool is_changed = write_sticky(lists, changes, count, &w);
    ES_TRY(azure_written(&w, err));
    if (!is_changed)
        return ENTRASQL_OK;
    char what[AZURE_WHAT_SIZE];
    azure_host_what(ref, "keeping settings with their slot for", what);
    azure_request request = request_of(ref, AZURE_SITE_STICKY_PUT, what);
    request.call = AZURE_SITE_STICKY_PUT;
    request.body = &body;
    return azure_arm_call(arm, &request, NULL, err);
}

/* ---- writing settings ---- */

static void put_value(const section *s, const azure_change *change, const json_node *old,
                      json_writer *w)
{
    if (s->kind == AZURE_SETTING) {
        json_put_string(w, change->value);
        return;
    }
    const char *type = change->type;
    if (type == NULL && json_member_string(old, "type", &type, NULL) != ENTRASQL_OK)
        type = "Custom";
    json_begin_object(w);
    json_member_put_string(w, "value", change->value);
    json_member_put_string(w, "type", type);
    json_end_object(w);
}

/* {"properties":{...}} with the changes in it. */
static entrasql_status merge(const section *s, const json_node *map, const azure_change *changes,
                             size_t count, es_buf *out, entrasql_error *err)
{
    json_writer w;
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_name(&w, "properties");
    json_begin_object(&w);
    for (json_cursor *at = json_cursor_next(map, NULL); at != NULL;
         at = json_cursor_next(map, at)) {
        const azure_change *change =
            azure_change_find(changes, count, s->kind, json_cursor_name(at));
        if (change != NULL && change->value == NULL)
            continue;
        json_name(&w, json_cursor_name(at));
        if (change == NULL)
            json_put_node(&w, json_cursor_value(at));
        else
            put_value(s, change, json_cursor_value(at), &w);
    }
    for (size_t i = 0; i < count; i++) {
        if (changes[i].kind != s->kind || changes[i].value == NULL ||
            json_member(map, changes[i].name) != NULL)
            continue;
        json_name(&w, changes[i].name);
        put_value(s, &changes[i], NULL, &w);
    }
    json_end_object(&w);
    json_end_object(&w);
    return azure_written(&w, err);
}

/* After the write: what was to be there is, name by name. */
static entrasql_status check_written(azure_arm *arm, const azure_host_ref *ref, const section *s,
                                     const es_buf *wanted, entrasql_error *err)
{
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    const json_node *now = NULL, *map = NULL;
    ES_TRY(list_section(arm, ref, s, &reply, &now, err));
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    ES_TRY(json_doc_parse(wanted->data, wanted->len, &doc, err));
    ES_TRY(json_member_object(json_doc_root(doc), "properties", &map));
    for (json_cursor *at = json_cursor_next(map, NULL); at != NULL;
         at = json_cursor_next(map, at)) {
        const json_node *is = json_member(now, json_cursor_name(at));
        const char *value = NULL, *type, *is_value = NULL;
        size_t n = 0, is_n = 0;
        ES_TRY(entry_of(s, json_cursor_value(at), &value, &n, &type, err));
        if (is != NULL)
            ES_TRY(entry_of(s, is, &is_value, &is_n, &type, err));
        if (is != NULL && n == is_n && memcmp(value, is_value, n) == 0)
            continue;
        char title[AZURE_TITLE_SIZE], name[128];
        azure_host_title(ref, title, sizeof title);
        es_printable(name, sizeof name, json_cursor_name(at), strlen(json_cursor_name(at)));
        es_fail(err, ENTRASQL_BUSY, "%s: the setting %s is not as it was just written", title,
                name);
        es_hint(err,
                "somebody else writes settings at the same time: look at them, then try again");
        return ENTRASQL_BUSY;
    }
    return ENTRASQL_OK;
}

/* One read, merge, read, write. AGAIN: they changed between the two reads. */
static entrasql_status write_once(azure_arm *arm, const azure_host_ref *ref, const section *s,
                                  const azure_change *changes, size_t count, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf before = ES_BUF_INIT_WIPE(AZURE_MAX_WRITE);
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT_WIPE(AZURE_MAX_WRITE);
    ES_CLEANUP(es_buf_done) es_buf again = ES_BUF_INIT_WIPE(AZURE_MAX_WRITE);
    ES_CLEANUP(azure_reply_done) azure_reply first = {0};
    ES_CLEANUP(azure_reply_done) azure_reply second = {0};
    const json_node *map = NULL;
    ES_TRY(list_section(arm, ref, s, &first, &map, err));
    ES_TRY(merge(s, map, NULL, 0, &before, err));
    ES_TRY(merge(s, map, changes, count, &body, err));
    if (azure_buf_equal(&before, &body))
        return ENTRASQL_OK;
    ES_TRY(list_section(arm, ref, s, &second, &map, err));
    ES_TRY(merge(s, map, NULL, 0, &again, err));
    if (!azure_buf_equal(&before, &again))
        return ENTRASQL_AGAIN;
    char what[AZURE_WHAT_SIZE];
    azure_host_what(ref, s->doing_put, what);
    azure_request request = request_of(ref, s->put, what);
    request.body = &body;
    ES_TRY(azure_arm_call(arm, &request, NULL, err));
    return check_written(arm, ref, s, &body, err);
}

static entrasql_status write_section(azure_arm *arm, const azure_host_ref *ref, const section *s,
                                     const azure_change *changes, size_t count, entrasql_error *err)
{
    for (unsigned i = 0; i < AZURE_WRITE_TRIES; i++) {
        entrasql_status status = write_once(arm, ref, s, changes, count, err);
        if (status != ENTRASQL_AGAIN)
            return status;
    }
    return azure_settings_unsteady(ref, err);
}

/* ---- the host ---- */

static entrasql_status read_site(azure_arm *arm, const azure_host_ref *ref, azure_host_state *ret,
                                 entrasql_error *err)
{
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    char what[AZURE_WHAT_SIZE];
    azure_host_what(ref, "reading", what);
    const azure_request request = request_of(ref, AZURE_SITE_GET, what);
    ES_TRY(azure_arm_call(arm, &request, &reply, err));
    ES_TRY(azure_resource_read(azure_reply_root(&reply), ret, err));
    ES_TRY(azure_identity_read(azure_reply_root(&reply), ret, err));
    for (size_t i = 0; i < ES_COUNT_OF(sections); i++)
        ES_TRY(read_section(arm, ref, &sections[i], ret, err));
    return read_sticky(arm, ref, ret, err);
}

static entrasql_status set_identity(azure_arm *arm, const azure_host_ref *ref,
                                    const es_buf *identity, entrasql_error *err)
{
    char what[AZURE_WHAT_SIZE];
    azure_host_what(ref, "changing the identities of", what);
    azure_request request = request_of(ref, AZURE_SITE_PATCH, what);
    request.body = identity;
    request.may_lag = true; /* the identity may be new */
    return azure_arm_call(arm, &request, NULL, err);
}

static entrasql_status write_settings(azure_arm *arm, const azure_host_ref *ref,
                                      const azure_change *changes, size_t count,
                                      entrasql_error *err)
{
    ES_TRY(make_sticky(arm, ref, changes, count, err));
    for (size_t i = 0; i < ES_COUNT_OF(sections); i++) {
        bool is_touched = false;
        for (size_t j = 0; j < count; j++)
            is_touched = is_touched || changes[j].kind == sections[i].kind;
        if (is_touched)
            ES_TRY(write_section(arm, ref, &sections[i], changes, count, err));
    }
    return ENTRASQL_OK;
}

static entrasql_status restart_site(azure_arm *arm, const azure_host_ref *ref, entrasql_error *err)
{
    char what[AZURE_WHAT_SIZE];
    azure_host_what(ref, "restarting", what);
    azure_request request = request_of(ref, AZURE_SITE_RESTART, what);
    request.query = "softRestart=true&synchronous=true";
    return azure_arm_call(arm, &request, NULL, err);
}

#define FEATURES                                                                                   \
    (AZURE_HOST_HAS_SLOTS | AZURE_HOST_WRITES_SETTINGS | AZURE_HOST_RESTARTS_ON_WRITE |            \
     AZURE_HOST_HAS_CONNECTION_STRINGS | AZURE_HOST_HAS_SYSTEM_IDENTITY | AZURE_HOST_ASSIGNS)
#define SITE_HOST(name_text, title_text)                                                           \
    {                                                                                              \
        .name = (name_text), .title = (title_text), .features = FEATURES,                          \
        .read_needs = read_needs, .assign_needs = assign_needs, .write_needs = write_needs,        \
        .restart_needs = restart_needs, .environment = environment, .read = read_site,             \
        .set_identity = set_identity, .write = write_settings, .restart = restart_site,            \
    }

const azure_host azure_host_app_service = SITE_HOST("app-service", "App Service web app");
const azure_host azure_host_function_app = SITE_HOST("function-app", "function app");
