/* SPDX-License-Identifier: MIT */
/* The firewall rules that Azure Resource Manager keeps for the SQL server. */
#ifndef EMULATOR_WORLD_FIREWALL_H
#define EMULATOR_WORLD_FIREWALL_H

#include "world.h"

#include "json/json.h"

typedef struct world_rule {
    uint32_t first, last;
} world_rule;

/* "1.2.3.4"; false for anything else. */
bool world_address_parse(const char *text, uint32_t *ret);
/* Reads them from the text's "arm"; what is no rule of IPv4 addresses is none. */
entrasql_status world_firewall_read(const json_node *root, world *w) ES_MUST_USE;
/* Whether a rule is for the address; the world must be held. */
bool world_firewall_allows(const world *w, const char *address);

#endif
