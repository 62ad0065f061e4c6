/* SPDX-License-Identifier: MIT */
/* Firewall rules of the SQL server. */
#include "firewall.h"

#include "base/mem.h"
#include "internal.h"

#include <string.h>

#define RULE_PART "/providers/Microsoft.Sql/servers/"
#define RULE_TYPE "/firewallRules/"

bool world_address_parse(const char *text, uint32_t *ret)
{
    uint32_t address = 0;
    for (int i = 0; text != NULL && i < 4; i++) {
        uint64_t part = 0;
        size_t n = strcspn(text, ".");
        if (n == 0 || n > 3 || es_parse_u64(text, n, 255, &part) != ENTRASQL_OK ||
            (text[n] == '.') != (i < 3))
            return false;
        address = address << 8 | (uint32_t)part;
        text += n + (i < 3 ? 1 : 0);
    }
    *ret = address;
    return text != NULL && *text == '\0';
}

static bool is_rule(const json_node *resource)
{
    const char *id = NULL;
    return json_member_string(resource, "id", &id, NULL) == ENTRASQL_OK &&
           strcasestr(id, RULE_PART) != NULL && strcasestr(id, RULE_TYPE) != NULL;
}

entrasql_status world_firewall_read(const json_node *root, world *w)
{
    const json_node *list = json_member(json_member(root, "arm"), "resources");
    w->rules = es_calloc(json_count(list) + 1, sizeof *w->rules);
    if (w->rules == NULL)
        return ENTRASQL_NOMEM;
    for (size_t i = 0; i < json_count(list); i++) {
        const json_node *resource = json_element(list, i);
        const json_node *p = json_member(resource, "properties");
        const char *first = NULL, *last = NULL;
        world_rule *rule = &w->rules[w->rule_count];
        if (is_rule(resource) &&
            json_member_string(p, "startIpAddress", &first, NULL) == ENTRASQL_OK &&
            json_member_string(p, "endIpAddress", &last, NULL) == ENTRASQL_OK &&
            world_address_parse(first, &rule->first) && world_address_parse(last, &rule->last))
            w->rule_count++;
    }
    return ENTRASQL_OK;
}

bool world_firewall_allows(const world *w, const char *address)
{
    uint32_t its = 0;
    if (!world_address_parse(address, &its))
        return false;
    for (size_t i = 0; i < w->rule_count; i++) {
        if (its >= w->rules[i].first && its <= w->rules[i].last)
            return true;
    }
    return false;
}
