/* SPDX-License-Identifier: MIT */
/* A session: login, then requests one after the other. */
#include "emulator/front/session.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "emulator/front/reply.h"
#include "emulator/front/requests.h"
#include "os/sock.h"
#include "relay/accept.h"

#include <string.h>

typedef struct login {
    const front_session_options *options;
    relay_accept *accept;
    front_record *record;
    engine_session *engine; /* once let in */
    bool recorded;
    char address[OS_ADDRESS_TEXT_SIZE]; /* the client's, without its port */
} login;

/* ---- login ---- */

/* Steps until the next resting point. CANCELLED: the front stops. */
static entrasql_status next_point(login *l, entrasql_error *err)
{
    for (;;) {
        os_wait w;
        entrasql_status st = relay_accept_step(l->accept, err);
        if (st != ENTRASQL_AGAIN)
            return st;
        os_wait_init(&w);
        ES_TRY(relay_accept_wants(l->accept, &w));
        ES_TRY(os_wait_add(&w, l->options->stop_fd, POLLIN));
        ES_TRY(os_wait_poll(&w, err));
        for (unsigned i = 0; i < w.count; i++)
            if (w.fds[i].fd == l->options->stop_fd && w.fds[i].revents != 0)
                return es_fail(err, ENTRASQL_CANCELLED, "the emulator stops");
    }
}

static void refuse_full(const front_session_options *o, entrasql_error *why)
{
    es_fail(why, ENTRASQL_LOGIN_FAILED,
            "Resource ID : 2. The session limit for the database is %u and has been reached.",
            o->max_sessions);
    why->number = 10928;
    why->state = 1;
    why->severity = 20;
}

/* A message of a fault as SQL Server's refusal. */
static entrasql_status refuse_by_fault(const login *l, tds_server *server, const fault *row,
                                       uint32_t value, entrasql_error *err)
{
    const char *server_name = world_server_name(l->options->auth.world);
    const char *database = tds_server_login(server)->database;
    char text[1024];
    entrasql_error why;

    fault_text(row, value, server_name, *database != '\0' ? database : "master", l->address, text,
               sizeof text);
    es_fail(&why, ENTRASQL_LOGIN_FAILED, "%s", text);
    why.number = row->number;
    why.state = row->state;
    why.severity = row->severity;
    return tds_server_refuse(server, &why, server_name, err);
}

/* What is on at the gateway's door; *ret_struck: the login is answered, nobody decides about it. */
static entrasql_status meet_faults(const login *l, tds_server *server, bool *ret_struck,
                                   entrasql_error *err)
{
    const front_session_options *o = l->options;
    uint32_t value = 0;
    const fault *row = o->is_node || tds_server_token(server) != NULL
                           ? NULL
                           : faults_next(world_faults(o->auth.world), FAULT_AT_LOGIN, &value);

    *ret_struck = row != NULL;
    if (row == NULL)
        return ENTRASQL_OK;
    front_record_note(l->record, row->name);
    if (row->effect == FAULT_ROUTE)
        return tds_server_route(server, "localhost", value != 0 ? o->port : o->node_port, err);
    if (row->effect == FAULT_SQL)
        return refuse_by_fault(l, server, row, value, err);
    return es_fail(err, ENTRASQL_CLOSED, "the fault %s dropped it", row->name);
}

static entrasql_status decide(login *l, entrasql_error *err)
{
    bool struck = false;
    const front_session_options *o = l->options;
    tds_server *server = relay_accept_server(l->accept);
    const char *server_name = world_server_name(o->auth.world);
    entrasql_error why;
    entrasql_status st;

    if (!l->recorded)
        front_record_login(l->record, server);
    l->recorded = true;
    if (tds_server_token(server) != NULL)
        front_record_token(l->record, server);
    ES_TRY(meet_faults(l, server, &struck, err));
    if (struck)
        return ENTRASQL_OK;
    if (o->is_full) {
        refuse_full(o, &why);
        return tds_server_refuse(server, &why, server_name, err);
    }
    st = front_auth_decide(&o->auth, server, &l->engine, &why);
    if (st == ENTRASQL_AGAIN)
        return tds_server_ask_token(server, world_sts_url(o->auth.world),
                                    world_server_audience(o->auth.world), err);
    if (st != ENTRASQL_OK) {
        ES_LOG(INFO, "front", "login refused", ES_KV_I64("connection", (int64_t)o->number),
               ES_KV_I64("number", why.number), ES_KV_STR("why", why.message));
        front_record_note(l->record, why.message);
        return tds_server_refuse(server, &why, server_name, err);
    }
    tds_server_accept_options accept = {
        .server_name = server_name,
        .database = engine_session_database(l->engine),
    };
    return tds_server_accept(server, &accept, err);
}

/* OK: let in, or refused in good order; look at relay_accept_state(). */
static entrasql_status run_login(login *l, entrasql_error *err)
{
    for (;;) {
        ES_TRY(next_point(l, err));
        switch (relay_accept_state(l->accept)) {
        case RELAY_ACCEPT_DECIDE:
        case RELAY_ACCEPT_DECIDE_TOKEN:
            ES_TRY(decide(l, err));
            break;
        case RELAY_ACCEPT_READY:
        case RELAY_ACCEPT_REFUSED:
            return ENTRASQL_OK;
        case RELAY_ACCEPT_BUSY:
            break;
        }
    }
}

static void note_address(int fd, login *l)
{
    os_address address;

    if (os_sock_peer_address(fd, &address, NULL) != ENTRASQL_OK)
        return;
    os_address_format(&address, l->address);
    char *colon = strrchr(l->address, ':');
    if (colon != NULL)
        *colon = '\0';
}

static entrasql_status start_login(int fd, login *l, entrasql_error *err)
{
    const front_session_options *o = l->options;
    relay_accept_options options = {
        .tls = o->tls,
        .tls_mode = TDS_SERVER_TLS_OFFERED,
        .allow_strict = true,
        .fedauth_required = true,
        .spid = o->auth.spid,
        .deadline_ms = es_clock_deadline(o->login_timeout_ms),
    };

    note_address(fd, l);
    if (o->record_dir != NULL) {
        entrasql_error why;
        if (front_record_open(o->record_dir, o->number, &l->record, &why) != ENTRASQL_OK)
            ES_LOG(WARNING, "front", "no record", ES_KV_STR("error", why.message));
    }
    entrasql_status st = relay_accept_start(fd, &options, &l->accept, err);
    if (st != ENTRASQL_OK)
        os_sock_close(&fd);
    return st;
}

/* ---- requests ---- */

static void serve(login *l)
{
    const front_session_options *o = l->options;
    tds_server *server = relay_accept_server(l->accept);
    relay_stream *stream = relay_accept_take(l->accept);
    front_channel channel;
    front_reply reply;
    front_requests requests;
    entrasql_error err;

    front_record_tls(l->record, relay_stream_tls(stream));
    front_channel_init(&channel, stream, o->stop_fd);
    front_reply_init(&reply, &channel, l->engine, world_server_name(o->auth.world), o->auth.spid,
                     tds_server_packet_size(server));
    front_requests_init(&requests, &channel, &reply, l->engine, l->record, o->max_request_bytes);
    requests.faults = world_faults(o->auth.world);
    engine_session_set_interrupt(l->engine, front_channel_interrupted, &channel);
    entrasql_status st = front_requests_serve(&requests, &err);
    engine_session_set_interrupt(l->engine, NULL, NULL);
    if (st != ENTRASQL_CLOSED && st != ENTRASQL_CANCELLED)
        ES_LOG(INFO, "front", "connection dropped", ES_KV_I64("connection", (int64_t)o->number),
               ES_KV_STR("why", err.message));
    if (!channel.gone)
        relay_stream_shutdown(stream);
    front_requests_cleanup(&requests);
    front_reply_cleanup(&reply);
    front_channel_done(&channel);
}

void front_session_run(int fd, const front_session_options *options)
{
    login l = {.options = options};
    entrasql_error err;
    entrasql_status st = start_login(fd, &l, &err);

    if (st == ENTRASQL_OK)
        st = run_login(&l, &err);
    if (st != ENTRASQL_OK)
        ES_LOG(INFO, "front", "login not completed",
               ES_KV_I64("connection", (int64_t)options->number), ES_KV_STR("why", err.message));
    else if (relay_accept_state(l.accept) == RELAY_ACCEPT_READY)
        serve(&l);
    engine_session_close(l.engine);
    relay_accept_free(l.accept);
    front_record_close(l.record);
}
