/* SPDX-License-Identifier: MIT */
/*
 * The connection strings that are handed to the driver: with a token for
 * Microsoft's driver, and for the way through the tunnel. Pure text work.
 */
#ifndef ODBC_GLUE_REWRITE_H
#define ODBC_GLUE_REWRITE_H

#include "odbc_glue/driver.h"

#include "base/secret.h"

#include <stdbool.h>

/* Who is told about things that the caller should know; function may be NULL. */
typedef struct glue_warning {
    void (*function)(void *context, const char *message);
    void *context;
} glue_warning;

void glue_warn(const glue_warning *w, const char *fmt, ...) ES_PRINTF(2, 3);

/*
 * With a token no other sign-in may be asked for: CONFIG, naming the first
 * keyword that does (UID, PWD, Authentication, Trusted_Connection=yes).
 */
entrasql_status glue_check_no_other_login(const conf_connstr *c, entrasql_error *err) ES_MUST_USE;

/* Takes out what entrasql does itself: the login timeout's keywords and the choice of a driver. */
void glue_remove_own_keywords(conf_connstr *c);
/* True for those, and for all that speaks of the sign-in. */
bool glue_is_own_keyword(const char *keyword);

typedef struct glue_tunnel_address {
    uint16_t port; /* on 127.0.0.1 */
    const char *user;
    const es_secret *secret;
} glue_tunnel_address;

/*
 * Turns the list (data source merged) into the one that leads the driver to
 * the tunnel: server, port, user and password are the tunnel's; encryption and
 * certificate keywords are the tunnel's own business and go; the rest is
 * handed on, with a warning for what the driver is not known to understand.
 */
entrasql_status glue_rewrite_for_tunnel(conf_connstr *c, const glue_driver *driver,
                                        const glue_tunnel_address *address,
                                        const glue_warning *warning,
                                        entrasql_error *err) ES_MUST_USE;

/*
 * For Microsoft's driver, which takes localhost for the machine's own name, and that
 * name's address may be another one: Server=tcp:127.0.0.1,PORT, and the name in the
 * certificate stays localhost. Lists that lead elsewhere are left alone. NOMEM.
 */
entrasql_status glue_name_loopback(conf_connstr *c, const conf_target *target,
                                   entrasql_error *err) ES_MUST_USE;

/*
 * Turns the list into one for a driver that signs in itself with the user and
 * password of the string, in the words that this driver knows. CONFIG for
 * encryption that the driver would leave out.
 */
entrasql_status glue_rewrite_for_driver(conf_connstr *c, const glue_driver *driver,
                                        const conf_target *target, const glue_warning *warning,
                                        entrasql_error *err) ES_MUST_USE;

#endif
