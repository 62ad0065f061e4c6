/* SPDX-License-Identifier: MIT */
/*
 * Changes of a world, as edits of its text: the form of a seed is the only form
 * in which a world is kept, so whatever reads seeds checks every change.
 *
 * Pure: text and request in, new text out. What a request may hold is said in
 * world_edit(); ids of what is added are random, so that somebody who was
 * removed and added again is somebody else, as in Entra.
 */
#ifndef EMULATOR_WORLD_CHANGE_H
#define EMULATOR_WORLD_CHANGE_H

#include "world.h"

#include "json/json.h"

/*
 * Whoever reads the world's text and writes another one does so between these two: one change
 * after the other. world_hold() may be taken inside, not outside of it.
 */
void world_change_begin(const world *w);
void world_change_end(const world *w);

/*
 * {"action": "add" | "remove" | "set", "kind": ..., and by kind:
 *   "user"      "upn", and for add "name", "tenant", "groups": [...], "password" (the new text
 *               has its hash only)
 *   "group"     "name", "tenant", "members": [...]; of a group that is there, add and remove
 *               with members change these only
 *   "app"       "name", "tenant", "groups"
 *   "identity"  "name", "system": true, "host": where it is attached (made as a web app when
 *               missing; default "<name>-app", for system-assigned ones "<name>"), "groups"
 *   "database"  "name" (add only; a database is dropped in SQL)
 *   "server"    set: "admin": a name or null, "entra_only": a bool
 * }
 *
 * `w` is the world of `text`. Appends the new text and writes a line for people
 * into `said`. INVALID for a request that makes no sense, NOT_FOUND for names
 * that are not there, EXISTS for one that is.
 */
entrasql_status world_edit(const world *w, const char *text, size_t n, const json_node *request,
                           es_buf *out, es_buf *said, entrasql_error *err) ES_MUST_USE;

#endif
