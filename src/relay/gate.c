/* SPDX-License-Identifier: MIT */
/* Who may come into the tunnel. */
#include "relay/gate.h"

#include "base/log.h"
#include "base/str.h"
#include "os/sock.h"

#include <sys/socket.h>
#include <unistd.h>

#define LOGIN_FAILED_NUMBER 18456U
#define ACCEPT_TURNS 16

/* A child that the program has forked meanwhile holds a copy: the door closes there too. */
static void close_door(relay_gate *g)
{
    if (g->listener >= 0)
        (void)shutdown(g->listener, SHUT_RDWR);
    os_sock_close(&g->listener);
}

entrasql_status relay_gate_wants(const relay_gate *g, os_wait *w)
{
    os_wait_until(w, g->deadline_ms);
    if (g->listener >= 0)
        ES_TRY(os_wait_add(w, g->listener, POLLIN));
    for (unsigned i = 0; i < g->attempts; i++) {
        if (g->clients[i] != NULL)
            ES_TRY(relay_accept_wants(g->clients[i], w));
    }
    return ENTRASQL_OK;
}

/*
 * Another user's process cannot know the secret, and is not even asked. Where
 * the system does not tell the owner, the secret alone decides.
 */
static bool is_own_user(int fd)
{
    uid_t uid = 0;
    entrasql_error err;
    entrasql_status status = os_sock_peer_uid(fd, &uid, &err);
    if (status == ENTRASQL_UNSUPPORTED)
        return true;
    if (status == ENTRASQL_OK && uid == geteuid())
        return true;
    ES_LOG(DEBUG, "tunnel", "connection of another user refused",
           ES_KV_I64("uid", status == ENTRASQL_OK ? (int64_t)uid : -1));
    return false;
}

static entrasql_status take_connections(relay_gate *g, entrasql_error *err)
{
    for (int turn = 0; g->listener >= 0 && g->attempts < RELAY_GATE_ATTEMPTS; turn++) {
        int fd = -1;
        if (turn == ACCEPT_TURNS) /* a flood of strangers must not stop the clock */
            return ENTRASQL_OK;
        entrasql_status status = os_sock_accept(g->listener, &fd, err);
        if (status == ENTRASQL_AGAIN)
            return ENTRASQL_OK;
        ES_TRY(status);
        if (!is_own_user(fd)) {
            os_sock_close(&fd);
            continue;
        }
        relay_accept_options options = {.tls_mode = TDS_SERVER_TLS_NONE,
                                        .deadline_ms = g->answer_deadline_ms};
        status = relay_accept_start(fd, &options, &g->clients[g->attempts], err);
        if (status != ENTRASQL_OK) {
            os_sock_close(&fd);
            return status;
        }
        g->attempts++;
    }
    close_door(g);
    return ENTRASQL_OK;
}

static bool knows_the_secret(const relay_gate *g, const tds_login7 *login)
{
    return login->password != NULL && es_streq(login->user_name, g->user) &&
           es_secret_equal(g->secret, es_secret_reveal(login->password),
                           es_secret_len(login->password));
}

static entrasql_status refuse(relay_accept *a)
{
    entrasql_error why;
    (void)es_fail(&why, ENTRASQL_LOGIN_FAILED,
                  "Login failed: this connection is reserved for the program that opened it.");
    why.number = LOGIN_FAILED_NUMBER;
    why.state = 1;
    why.severity = 14;
    return tds_server_refuse(relay_accept_server(a), &why, "entrasql", NULL);
}

/* OK: *ret is let in. AGAIN: it goes on. Else it is through with. */
static entrasql_status step_client(const relay_gate *g, relay_accept *a)
{
    for (;;) {
        ES_TRY(relay_accept_step(a, NULL));
        if (relay_accept_state(a) != RELAY_ACCEPT_DECIDE)
            return ENTRASQL_CLOSED;
        if (knows_the_secret(g, tds_server_login(relay_accept_server(a))))
            return ENTRASQL_OK;
        ES_LOG(DEBUG, "tunnel", "wrong secret", ES_KV_I64("attempt", g->attempts));
        ES_TRY(refuse(a));
    }
}

entrasql_status relay_gate_step(relay_gate *g, relay_accept **ret, entrasql_error *err)
{
    if (es_clock_mono_ms() >= g->deadline_ms)
        return es_fail(err, ENTRASQL_TIMEOUT, "the driver did not connect to the tunnel in time");
    ES_TRY(take_connections(g, err));
    bool open = g->attempts < RELAY_GATE_ATTEMPTS;
    for (unsigned i = 0; i < g->attempts; i++) {
        if (g->clients[i] == NULL)
            continue;
        entrasql_status status = step_client(g, g->clients[i]);
        if (status == ENTRASQL_OK) {
            *ret = g->clients[i];
            g->clients[i] = NULL;
            return ENTRASQL_OK;
        }
        if (status == ENTRASQL_AGAIN) {
            open = true;
            continue;
        }
        relay_accept_free(g->clients[i]);
        g->clients[i] = NULL;
    }
    if (open)
        return ENTRASQL_AGAIN;
    return es_fail(err, ENTRASQL_LIMIT, "%d connections came to the tunnel and none had its secret",
                   RELAY_GATE_ATTEMPTS);
}

void relay_gate_done(relay_gate *g)
{
    close_door(g);
    for (unsigned i = 0; i < RELAY_GATE_ATTEMPTS; i++) {
        relay_accept_free(g->clients[i]);
        g->clients[i] = NULL;
    }
}
