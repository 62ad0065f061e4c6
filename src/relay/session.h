/* SPDX-License-Identifier: MIT */
/*
 * A relayed session, from a client's login to its end, for a thread of its own:
 * accept the client by some policy, log in upstream by some policy, pass bytes.
 * The tunnel, the emulator's pass-through and the proxy differ in these two.
 *
 * A stop descriptor (-1: none) that becomes readable ends every wait with
 * CANCELLED. Calls block; one thread.
 */
#ifndef RELAY_SESSION_H
#define RELAY_SESSION_H

#include "relay/accept.h"
#include "relay/login.h"

/* Who may come in. */
typedef struct relay_client_policy {
    /*
     * The login is complete, or the token that was asked for is here. OK: let
     * in; the client is not answered yet. AGAIN: the policy has answered by
     * itself (asked for the token, routed, refused). Else *why is what to
     * refuse it with, or, for CLOSED, it is dropped without an answer.
     */
    entrasql_status (*decide)(void *ctx, relay_accept *a, entrasql_error *why);
    void *ctx;
    const char *server_name; /* in refusals */
} relay_client_policy;

/* How to log in for a client that was let in. */
typedef struct relay_upstream_policy {
    /*
     * Fills the options; whatever they point to lives until the login has
     * ended. A failure is told to the client.
     */
    entrasql_status (*prepare)(void *ctx, const tds_login7 *client, relay_login_options *ret,
                               entrasql_error *err);
    /* The login upstream failed; called before the client is told. NULL: nobody wants to know. */
    void (*failed)(void *failed_ctx, const entrasql_error *why);
    void *ctx;
    void *failed_ctx;
    const char *server_name; /* in what the client is told */
} relay_upstream_policy;

/*
 * Drives the login until the policy has let the client in. LOGIN_FAILED: it
 * was refused, or sent away by the policy, and the answer is sent; *err has
 * the refusal. Else the client is gone or broke the protocol.
 */
entrasql_status relay_admit(relay_accept *a, const relay_client_policy *policy, int stop_fd,
                            entrasql_error *err) ES_MUST_USE;

/* Steps and sleeps until the next resting point: relay_accept_run() that can be stopped. */
entrasql_status relay_rest(relay_accept *a, int stop_fd, entrasql_error *err) ES_MUST_USE;

/*
 * Logs in upstream for a client that was let in, answers it with that login's
 * response, or with its failure, and passes bytes until both sides have ended.
 * The failure of the login is returned after the client was told.
 */
entrasql_status relay_forward(relay_accept *a, const relay_upstream_policy *policy, int stop_fd,
                              entrasql_error *err) ES_MUST_USE;

/*
 * What a client is told of a failure: SQL Server's own refusal as it was,
 * others as a message with a number of its own, with what to do next behind it;
 * both short enough for every driver manager.
 */
void relay_refusal_from(const entrasql_error *failure, entrasql_error *ret);

#endif
