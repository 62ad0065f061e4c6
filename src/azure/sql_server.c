/* SPDX-License-Identifier: MIT */
/* The logical SQL server (Microsoft.Sql). */
#include "azure/sql_server.h"

#include "azure/fields.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define WHAT_SIZE 320
#define BODY_MAX (16 * 1024)

/* The fixed names of Azure's one-element collections. */
#define ADMIN_NAME "ActiveDirectory"
#define ENTRA_ONLY_NAME "Default"

static azure_request request_of(const azure_sql_ref *ref, azure_call_id call, const char *item,
                                const char *doing, char what[WHAT_SIZE])
{
    (void)snprintf(what, WHAT_SIZE, "%s server %s", doing, ref->server);
    return (azure_request){
        .call = call,
        .arguments = {ref->subscription, ref->resource_group, ref->server, item},
        .what = what,
    };
}

/* ---- server ---- */

entrasql_status azure_sql_server_get(azure_arm *arm, const azure_sql_ref *ref,
                                     azure_sql_server *ret, entrasql_error *err)
{
    char what[WHAT_SIZE];
    const azure_request request = request_of(ref, AZURE_SQL_SERVER_GET, NULL, "reading", what);
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    ES_TRY(azure_arm_call(arm, &request, &reply, err));
    const json_node *root = azure_reply_root(&reply);
    const json_node *properties = json_member(root, "properties");
    azure_sql_server s = {0};
    ES_TRY(azure_take_text(root, "id", s.id, sizeof s.id, err));
    ES_TRY(azure_take_text(root, "location", s.location, sizeof s.location, err));
    ES_TRY(azure_take_text(properties, "fullyQualifiedDomainName", s.fqdn, sizeof s.fqdn, err));
    ES_TRY(azure_take_text(properties, "administratorLogin", s.administrator,
                           sizeof s.administrator, err));
    ES_TRY(azure_take_text(properties, "state", s.state, sizeof s.state, err));
    ES_TRY(
        azure_take_text(properties, "minimalTlsVersion", s.minimal_tls, sizeof s.minimal_tls, err));
    s.public_access = !es_strcaseeq(azure_text(properties, "publicNetworkAccess"), "Disabled");
    const char *type = azure_text(json_member(root, "identity"), "type");
    s.has_identity = *type != '\0' && !es_strcaseeq(type, "None");
    if (s.id[0] == '\0')
        return es_fail(err, ENTRASQL_MALFORMED, "Azure's answer is no server: it has no id");
    *ret = s;
    return ENTRASQL_OK;
}

/* ---- Entra admin ---- */

entrasql_status azure_sql_admin_get(azure_arm *arm, const azure_sql_ref *ref, azure_sql_admin *ret,
                                    entrasql_error *err)
{
    char what[WHAT_SIZE];
    const azure_request request =
        request_of(ref, AZURE_SQL_ADMIN_GET, ADMIN_NAME, "reading the Entra admin of", what);
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    ES_TRY(azure_arm_call(arm, &request, &reply, err));
    const json_node *properties = json_member(azure_reply_root(&reply), "properties");
    azure_sql_admin a = {0};
    ES_TRY(azure_take_text(properties, "login", a.login, sizeof a.login, err));
    ES_TRY(azure_take_guid(properties, "sid", false, a.sid, err));
    ES_TRY(azure_take_guid(properties, "tenantId", true, a.tenant_id, err));
    *ret = a;
    return ENTRASQL_OK;
}

static entrasql_status put_admin(azure_arm *arm, const azure_sql_ref *ref,
                                 const azure_sql_admin *admin, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(BODY_MAX);
    json_writer w;
    json_writer_init(&w, &body);
    json_begin_object(&w);
    json_name(&w, "properties");
    json_begin_object(&w);
    json_member_put_string(&w, "administratorType", ADMIN_NAME);
    json_member_put_string(&w, "login", admin->login);
    json_member_put_string(&w, "sid", admin->sid);
    if (admin->tenant_id[0] != '\0')
        json_member_put_string(&w, "tenantId", admin->tenant_id);
    json_end_object(&w);
    json_end_object(&w);
    ES_TRY(azure_written(&w, err));
    char what[WHAT_SIZE];
    azure_request request =
        request_of(ref, AZURE_SQL_ADMIN_PUT, ADMIN_NAME, "setting the Entra admin of", what);
    request.body = &body;
    return azure_arm_call(arm, &request, NULL, err);
}

entrasql_status azure_sql_admin_set(azure_arm *arm, const azure_sql_ref *ref,
                                    const azure_sql_admin *admin, bool *ret_changed,
                                    entrasql_error *err)
{
    azure_sql_admin now;
    *ret_changed = false;
    entrasql_status status = azure_sql_admin_get(arm, ref, &now, err);
    if (status != ENTRASQL_OK && status != ENTRASQL_NOT_FOUND)
        return status;
    if (status == ENTRASQL_OK && es_strcaseeq(now.sid, admin->sid))
        return ENTRASQL_OK;
    ES_TRY(put_admin(arm, ref, admin, err));
    *ret_changed = true;
    ES_TRY(azure_sql_admin_get(arm, ref, &now, err));
    if (!es_strcaseeq(now.sid, admin->sid))
        return es_fail(err, ENTRASQL_BUSY, "server %s: somebody else set the Entra admin %s",
                       ref->server, now.login);
    return ENTRASQL_OK;
}

entrasql_status azure_sql_admin_delete(azure_arm *arm, const azure_sql_ref *ref,
                                       entrasql_error *err)
{
    char what[WHAT_SIZE];
    const azure_request request =
        request_of(ref, AZURE_SQL_ADMIN_DELETE, ADMIN_NAME, "removing the Entra admin of", what);
    return azure_or_gone(azure_arm_call(arm, &request, NULL, err), err);
}

/* ---- Entra-only authentication ---- */

entrasql_status azure_sql_entra_only_get(azure_arm *arm, const azure_sql_ref *ref, bool *ret,
                                         entrasql_error *err)
{
    char what[WHAT_SIZE];
    const azure_request request = request_of(ref, AZURE_SQL_ENTRA_ONLY_GET, ENTRA_ONLY_NAME,
                                             "reading Entra-only authentication of", what);
    ES_CLEANUP(azure_reply_done) azure_reply reply = {0};
    entrasql_status status = azure_arm_call(arm, &request, &reply, err);
    *ret = false;
    /* Not there: never switched on. */
    if (status != ENTRASQL_OK)
        return azure_or_gone(status, err);
    const json_node *properties = json_member(azure_reply_root(&reply), "properties");
    if (json_member_bool(properties, "azureADOnlyAuthentication", ret) == ENTRASQL_MALFORMED)
        return es_fail(err, ENTRASQL_MALFORMED,
                       "azureADOnlyAuthentication in Azure's answer is neither true nor false");
    return ENTRASQL_OK;
}

static entrasql_status put_entra_only(azure_arm *arm, const azure_sql_ref *ref, bool on,
                                      entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(BODY_MAX);
    json_writer w;
    json_writer_init(&w, &body);
    json_begin_object(&w);
    json_name(&w, "properties");
    json_begin_object(&w);
    json_member_put_bool(&w, "azureADOnlyAuthentication", on);
    json_end_object(&w);
    json_end_object(&w);
    ES_TRY(azure_written(&w, err));
    char what[WHAT_SIZE];
    azure_request request = request_of(ref, AZURE_SQL_ENTRA_ONLY_PUT, ENTRA_ONLY_NAME,
                                       "changing Entra-only authentication of", what);
    request.body = &body;
    return azure_arm_call(arm, &request, NULL, err);
}

entrasql_status azure_sql_entra_only_set(azure_arm *arm, const azure_sql_ref *ref, bool on,
                                         bool *ret_changed, entrasql_error *err)
{
    bool now;
    *ret_changed = false;
    ES_TRY(azure_sql_entra_only_get(arm, ref, &now, err));
    if (now == on)
        return ENTRASQL_OK;
    ES_TRY(put_entra_only(arm, ref, on, err));
    *ret_changed = true;
    ES_TRY(azure_sql_entra_only_get(arm, ref, &now, err));
    if (now != on)
        return es_fail(err, ENTRASQL_BUSY,
                       "server %s: Entra-only authentication is not as it was just set",
                       ref->server);
    return ENTRASQL_OK;
}

/* ---- firewall ---- */

static entrasql_status check_address(const char *address, struct in_addr *ret, entrasql_error *err)
{
    if (inet_pton(AF_INET, address, ret) == 1 && ret->s_addr != INADDR_ANY)
        return ENTRASQL_OK;
    char shown[64];
    es_printable(shown, sizeof shown, address, strlen(address));
    es_fail(err, ENTRASQL_INVALID, "%s cannot be let in: not one IPv4 address", shown);
    es_hint(err, "0.0.0.0 would let in everything that runs on Azure, of every customer");
    return ENTRASQL_INVALID;
}

entrasql_status azure_sql_firewall_add(azure_arm *arm, const azure_sql_ref *ref, const char *rule,
                                       const char *address, entrasql_error *err)
{
    struct in_addr parsed;
    ES_TRY(check_address(address, &parsed, err));
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(BODY_MAX);
    json_writer w;
    json_writer_init(&w, &body);
    json_begin_object(&w);
    json_name(&w, "properties");
    json_begin_object(&w);
    json_member_put_string(&w, "startIpAddress", address);
    json_member_put_string(&w, "endIpAddress", address);
    json_end_object(&w);
    json_end_object(&w);
    ES_TRY(azure_written(&w, err));
    char what[WHAT_SIZE];
    azure_request request =
        request_of(ref, AZURE_SQL_FIREWALL_PUT, rule, "adding a firewall rule to", what);
    request.body = &body;
    return azure_arm_call(arm, &request, NULL, err);
}

entrasql_status azure_sql_firewall_remove(azure_arm *arm, const azure_sql_ref *ref,
                                          const char *rule, entrasql_error *err)
{
    char what[WHAT_SIZE];
    const azure_request request =
        request_of(ref, AZURE_SQL_FIREWALL_DELETE, rule, "removing a firewall rule from", what);
    return azure_or_gone(azure_arm_call(arm, &request, NULL, err), err);
}
