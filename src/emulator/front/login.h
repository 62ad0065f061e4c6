/* SPDX-License-Identifier: MIT */
/*
 * The front's policy for a client's login: faults that are on, the session
 * limit, then the token or password; and the note of it in the journal.
 */
#ifndef EMULATOR_FRONT_LOGIN_H
#define EMULATOR_FRONT_LOGIN_H

#include "emulator/front/session.h"
#include "relay/session.h"

typedef struct front_login {
    const front_session_options *options;
    front_record *record;   /* NULL: none; borrowed */
    engine_session *engine; /* once let in; the caller's */
    char server_name[JOURNAL_TEXT_SIZE];
    journal_entry note;
    bool seen; /* the LOGIN7 was recorded */
} front_login;

/* fd: the client's socket, looked at for its address only. */
void front_login_init(front_login *l, int fd, const front_session_options *options,
                      front_record *record);
/* Borrows l. */
relay_client_policy front_login_policy(front_login *l);
/* Notes how it ended: NULL: let in. */
void front_login_note(front_login *l, const entrasql_error *refusal);

#endif
