/* SPDX-License-Identifier: MIT */
/*
 * A firewall rule for this machine, for as long as the run lasts. The server
 * itself says the address that it sees (40615): nobody else is asked. The
 * rule's name is in the journal before the rule is made, so that whichever
 * run comes next removes what a killed one has left.
 */
#include "base/clock.h"
#include "base/random.h"
#include "base/str.h"
#include "migrate/plan.h"

#include <stdio.h>
#include <string.h>

#define RULE_SIZE 64

static const azure_need needs_rule[] = {
    {"Microsoft.Sql/servers/firewallRules/write", "to let this machine in, when it is not"},
    {"Microsoft.Sql/servers/firewallRules/delete", "to take the rule away at the end"},
    {NULL, NULL},
};

static bool applies(const migrate_context *m)
{
    return !m->o->no_firewall;
}

static entrasql_status look(migrate_context *m, migrate_view *v, entrasql_error *err)
{
    if (m->server.fqdn[0] == '\0')
        ES_TRY(migrate_see_server(m, err));
    /* Whether the rule that this run has made works is the next step's business. */
    if (m->journal != NULL && migrate_journal_has(m->journal, "firewall", MIGRATE_EVENT_BEGIN)) {
        v->state = MIGRATE_OK;
        return migrate_built(migrate_line(&v->is, "a rule for this machine is there"), err);
    }
    ES_TRY(migrate_try_database(m, err));
    if (m->has_principals || m->blocked_address[0] == '\0') {
        v->state = MIGRATE_OK;
        return migrate_built(migrate_line(&v->is, "the server's firewall lets this machine in"),
                             err);
    }
    v->state = MIGRATE_TODO;
    ES_TRY(migrate_built(
        migrate_line(&v->is, "the server's firewall does not know %s", m->blocked_address), err));
    if (!m->server.public_access) {
        es_fail(err, ENTRASQL_CONFIG, "the server %s takes no connections from public networks",
                m->o->sql_server);
        es_hint(err, "Run this from inside its virtual network.");
        return ENTRASQL_CONFIG;
    }
    return migrate_built(
        migrate_line(&v->will, "a rule for %s as long as this runs", m->blocked_address), err);
}

static entrasql_status before(migrate_context *m, json_writer *w, entrasql_error *err)
{
    char uuid[ES_GUID_TEXT_SIZE];
    char rule[RULE_SIZE];

    (void)err;
    es_random_uuid(uuid);
    (void)snprintf(rule, sizeof rule, "entrasql-%.13s", uuid);
    json_member_put_string(w, "rule", rule);
    json_member_put_string(w, "address", m->blocked_address);
    return ENTRASQL_OK;
}

static entrasql_status apply(migrate_context *m, entrasql_error *err)
{
    const json_node *detail = migrate_journal_find(m->journal, "firewall", MIGRATE_EVENT_BEGIN);
    const char *rule = NULL;
    const char *address = NULL;

    if (json_member_string(detail, "rule", &rule, NULL) != ENTRASQL_OK ||
        json_member_string(detail, "address", &address, NULL) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_CONFIG, "the journal does not name the firewall rule");
    ES_TRY(azure_sql_firewall_add(m->arm, &m->sql_ref, rule, address, err));
    m->waits_for_sql = true;
    return ENTRASQL_OK;
}

/* Also after a signal: with a client of its own, that nobody has cancelled. */
static entrasql_status remove_rule(migrate_context *m, const char *rule, entrasql_error *err)
{
    const azure_arm_options options = {
        .credential = m->how.credential,
        .endpoint = m->how.arm_endpoint,
        .call_timeout_ms = 60000,
    };
    azure_arm *arm = NULL;

    ES_TRY(azure_arm_new(&options, &arm, err));
    entrasql_status status = azure_sql_firewall_remove(arm, &m->sql_ref, rule, err);
    azure_arm_free(arm);
    if (status != ENTRASQL_OK)
        es_error_prefix(err, "the firewall rule %s of server %s is still there", rule,
                        m->o->sql_server);
    return status;
}

entrasql_status migrate_firewall_close(migrate_context *m, entrasql_error *err)
{
    const char *rule = NULL;

    if (m->journal == NULL || !migrate_journal_has(m->journal, "firewall", MIGRATE_EVENT_BEGIN))
        return ENTRASQL_OK;
    const json_node *detail = migrate_journal_find(m->journal, "firewall", MIGRATE_EVENT_BEGIN);
    if (json_member_string(detail, "rule", &rule, NULL) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_CONFIG, "the journal does not name the firewall rule");
    ES_TRY(remove_rule(m, rule, err));
    return migrate_journal_add(m->journal, "firewall", MIGRATE_EVENT_UNDONE, NULL, err);
}

static entrasql_status script(migrate_context *m, es_buf *out, entrasql_error *err)
{
    (void)m;
    return migrate_built(
        es_buf_add_str(out,
                       "# Run the T-SQL from the portal's query editor, or from a machine that "
                       "the firewall lets in.\n"),
        err);
}

static size_t needs(const migrate_context *m, const azure_need *ret[4])
{
    (void)m;
    ret[0] = needs_rule;
    return 1;
}

const migrate_step migrate_step_firewall = {
    .name = "firewall",
    .title = "Way through the server's firewall",
    .applies = applies,
    .look = look,
    .before = before,
    .apply = apply,
    .script = script,
    .needs = needs,
};
