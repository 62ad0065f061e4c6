/* SPDX-License-Identifier: MIT */
#include "migrate/options.h"

#include "azure/guest.h"
#include "azure/identity.h"
#include "azure/resource_id.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/form.h"
#include "conf/option.h"
#include "crypto/digest.h"
#include "migrate/name.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static entrasql_status missing(const char *option, const char *hint, entrasql_error *err)
{
    es_fail(err, ENTRASQL_INVALID, "--%s is missing", option);
    es_hint(err, "%s", hint);
    return ENTRASQL_INVALID;
}

static entrasql_status check_segment(const char *option, const char *value, entrasql_error *err)
{
    if (value == NULL || azure_segment_is_valid(value, strlen(value)))
        return ENTRASQL_OK;
    return es_fail(err, ENTRASQL_INVALID, "--%s is no name of a resource", option);
}

static entrasql_status check_names(const migrate_options *o, entrasql_error *err)
{
    ES_TRY(check_segment("resource-group", o->resource_group, err));
    ES_TRY(check_segment("sql-resource-group", o->sql_group, err));
    ES_TRY(check_segment("identity-resource-group", o->identity_group, err));
    ES_TRY(check_segment("sql-server", o->sql_server, err));
    ES_TRY(migrate_name_check("--database", o->database, err));
    ES_TRY(migrate_name_check("--setting", migrate_options_setting(o), err));
    if (o->connection_string != NULL)
        ES_TRY(migrate_name_check("--connection-string", o->connection_string, err));
    if (o->identity != NULL)
        ES_TRY(azure_identity_name_check(o->identity, err));
    if (o->user_name != NULL)
        ES_TRY(migrate_name_check_external(o->user_name, err));
    if (o->unit != NULL)
        ES_TRY(azure_guest_check_unit(o->unit, err));
    return migrate_name_check("--schema", migrate_options_schema(o), err);
}

static entrasql_status refuse_host(const char *word, entrasql_error *err)
{
    char names[CONF_CHOICES_SIZE] = "";
    size_t n = 0;

    for (const azure_host *const *h = azure_hosts(); *h != NULL && n < sizeof names; h++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n != 0 ? "|" : "", (*h)->name);
    conf_refuse_choice("--host", names, word, ENTRASQL_INVALID, err);
    return ENTRASQL_INVALID;
}

static entrasql_status check_host(const migrate_options *o, entrasql_error *err)
{
    const azure_host_ref ref = {
        .host = azure_host_by_name(o->host),
        .subscription = o->subscription,
        .resource_group = o->resource_group,
        .name = o->app,
        .slot = o->slot,
        .service = o->service,
        .deployment = o->deployment,
        .container = o->container,
    };
    if (ref.host == NULL)
        return refuse_host(o->host, err);
    return azure_host_ref_check(&ref, err);
}

static entrasql_status check_choices(const migrate_options *o, entrasql_error *err)
{
    conf_form form;

    if (o->profile != NULL && migrate_profile_find(o->profile) == NULL)
        return es_fail(err, ENTRASQL_INVALID, "--profile: there is no such profile");
    if (o->form != NULL && !conf_form_find(o->form, &form))
        return es_fail(err, ENTRASQL_INVALID, "--form: there is no such form");
    if (o->sign_in != NULL && !es_streq(o->sign_in, "default") && !es_streq(o->sign_in, "identity"))
        return es_fail(err, ENTRASQL_INVALID, "--sign-in is default or identity");
    if (o->system_identity && o->identity != NULL)
        return es_fail(err, ENTRASQL_INVALID,
                       "--identity and --system-identity: one of them, not both");
    if (!o->system_identity && o->identity == NULL)
        return missing("identity",
                       "Name the user-assigned identity, which is made when it is not there; or "
                       "use the host's own with --system-identity.",
                       err);
    bool is_aks = es_strcaseeq(o->host, "aks");
    if (is_aks && !o->kubelet &&
        (o->service_account == NULL || strchr(o->service_account, ':') == NULL))
        return missing("service-account",
                       "NAMESPACE:NAME of the pods' service account, which becomes the identity.",
                       err);
    if (is_aks && o->system_identity)
        return es_fail(err, ENTRASQL_INVALID,
                       "--system-identity: pods cannot use the cluster's own identity");
    if (o->run_command && !es_strcaseeq(o->host, "vm"))
        return es_fail(err, ENTRASQL_INVALID, "--run-command is for a virtual machine");
    if (o->admin != NULL && !es_streq(o->admin, "me") && o->admin_id == NULL)
        return missing("admin-id",
                       "--admin NAME needs the object id of that person or group; --admin me does "
                       "not.",
                       err);
    return ENTRASQL_OK;
}

entrasql_status migrate_options_check(const migrate_options *o, entrasql_error *err)
{
    if (o->subscription == NULL)
        return missing("azure-subscription",
                       "It is the GUID of the subscription: az account show --query id", err);
    if (!azure_subscription_is_valid(o->subscription)) {
        es_fail(err, ENTRASQL_INVALID, "--azure-subscription is no GUID");
        es_hint(err, "Its id is wanted, not its name: az account show --query id");
        return ENTRASQL_INVALID;
    }
    if (o->resource_group == NULL)
        return missing("resource-group", "It is the resource group of the application.", err);
    if (o->host == NULL)
        return missing("host", "It is the kind of host: app-service and so on (see --help).", err);
    if (o->app == NULL)
        return missing("app", "It is the name of the application or machine in Azure.", err);
    if (o->sql_server == NULL)
        return missing("sql-server", "It is the server's name before .database.windows.net.", err);
    if (o->database == NULL)
        return missing("database", "It is the database that the application uses.", err);
    ES_TRY(check_choices(o, err));
    ES_TRY(check_names(o, err));
    return check_host(o, err);
}

const char *migrate_options_setting(const migrate_options *o)
{
    return o->setting != NULL ? o->setting : "AZURE_SQL_CONNECTIONSTRING";
}

const char *migrate_options_schema(const migrate_options *o)
{
    return o->schema != NULL ? o->schema : "dbo";
}

entrasql_status migrate_options_print(const migrate_options *o, es_buf *out)
{
    json_writer w;
    json_writer_init(&w, out);
    json_begin_object(&w);
#define PRINT_TEXT(member, name)                                                                   \
    if (o->member != NULL)                                                                         \
        json_member_put_string(&w, name, o->member);
    MIGRATE_OPTION_MAP(PRINT_TEXT)
#undef PRINT_TEXT
#define PRINT_FLAG(member, name)                                                                   \
    if (o->member)                                                                                 \
        json_member_put_bool(&w, name, true);
    MIGRATE_FLAG_MAP(PRINT_FLAG)
#undef PRINT_FLAG
    json_end_object(&w);
    return json_writer_end(&w);
}

static bool read_member(migrate_options *o, const char *name, const json_node *value)
{
    const char *text = NULL;
#define READ_TEXT(member, option)                                                                  \
    if (es_streq(name, option)) {                                                                  \
        if (json_node_string(value, &text, NULL) != ENTRASQL_OK)                                   \
            return false;                                                                          \
        o->member = text;                                                                          \
        return true;                                                                               \
    }
    MIGRATE_OPTION_MAP(READ_TEXT)
#undef READ_TEXT
#define READ_FLAG(member, option)                                                                  \
    if (es_streq(name, option))                                                                    \
        return json_node_bool(value, &o->member) == ENTRASQL_OK;
    MIGRATE_FLAG_MAP(READ_FLAG)
#undef READ_FLAG
    return false;
}

entrasql_status migrate_options_read(const json_node *object, migrate_options *ret,
                                     entrasql_error *err)
{
    *ret = (migrate_options){0};
    for (json_cursor *at = json_cursor_next(object, NULL); at != NULL;
         at = json_cursor_next(object, at)) {
        if (!read_member(ret, json_cursor_name(at), json_cursor_value(at)))
            return es_fail(err, ENTRASQL_CONFIG, "the journal has an option that is none of ours");
    }
    return migrate_options_check(ret, err);
}

/* One migration, one file: its name says which application, a hash the rest. */
entrasql_status migrate_options_journal(const migrate_options *o, char *ret, size_t size,
                                        entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *folder = NULL;
    char key[2048];
    char name[64];
    uint8_t digest[CRYPTO_SHA256_SIZE];

    entrasql_status status = os_state_path("migrate", &folder, err);
    if (status == ENTRASQL_CONFIG)
        return es_fail(err, status, "no HOME: name the journal with --journal");
    ES_TRY(status);
    (void)snprintf(key, sizeof key, "%s|%s|%s|%s|%s|%s|%s|%s", o->subscription, o->resource_group,
                   o->host, o->app, o->slot != NULL ? o->slot : "",
                   o->service != NULL ? o->service : "", migrate_options_setting(o), o->database);
    if (crypto_sha256(key, strlen(key), digest) != ENTRASQL_OK)
        return es_nomem(err);
    ES_TRY(os_dir_make(folder, 0700, err));
    es_strlcpy_utf8(name, sizeof name, o->app);
    (void)snprintf(ret, size, "%s/%s-%02x%02x%02x%02x.journal", folder, name, digest[0], digest[1],
                   digest[2], digest[3]);
    return ENTRASQL_OK;
}
