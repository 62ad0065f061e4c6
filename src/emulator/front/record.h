/* SPDX-License-Identifier: MIT */
/*
 * What a client sent, decoded, one file a connection: for looking at drivers
 * and for tests. Tokens, passwords, SSPI data are masked (tds/print.h).
 *
 * A record belongs to its session's thread. Every call takes NULL for "not
 * recording"; a file that cannot be written ends the record, not the session.
 */
#ifndef EMULATOR_FRONT_RECORD_H
#define EMULATOR_FRONT_RECORD_H

#include "tds/server.h"
#include "tls/tls.h"

typedef struct front_record front_record;

/* <dir>/connection-<number>.txt, mode 0600. */
entrasql_status front_record_open(const char *dir, uint64_t number, front_record **ret,
                                  entrasql_error *err) ES_MUST_USE;
void front_record_close(front_record *r);

/* PRELOGIN, whether TLS runs, LOGIN7; call it once, at the decision. */
void front_record_login(front_record *r, const tds_server *server);
/* The token message of a client that was asked for one; its size only. */
void front_record_token(front_record *r, const tds_server *server);
/* Version and cipher of the connection; NULL: in clear. */
void front_record_tls(front_record *r, const tls_conn *tls);
void front_record_request(front_record *r, uint8_t type, uint8_t status, uint16_t spid,
                          const uint8_t *p, size_t n);
/* "S> text": what became of it. */
void front_record_note(front_record *r, const char *text);

#endif
