/* SPDX-License-Identifier: MIT */
/*
 * Who may come in: a token of this world, or the SQL admin where SQL logins
 * are switched on; and as whom in which database. Refusals have SQL Server's
 * own numbers, states and texts, because clients decide by them.
 */
#ifndef EMULATOR_FRONT_AUTH_H
#define EMULATOR_FRONT_AUTH_H

#include "emulator/front/journal.h"
#include "emulator/world/world.h"
#include "engine/engine.h"
#include "tds/server.h"

typedef struct front_auth {
    const world *world;
    engine_server *engine;
    bool allow_clear_token;
    uint16_t spid;
} front_auth;

/*
 * Decides about a login that has arrived whole (token: the one that was asked
 * for). OK: *ret is the open session. AGAIN: ask the client for its token.
 * LOGIN_FAILED: *err is what to refuse with. Why a token was not good is
 * logged and noted, never told to the client beyond SQL Server's own words.
 * Fills principal, name and why of the note. Holds the world.
 */
entrasql_status front_auth_decide(const front_auth *a, const tds_server *server,
                                  engine_session **ret, journal_entry *note,
                                  entrasql_error *err) ES_MUST_USE;

#endif
