/* SPDX-License-Identifier: MIT */
/* A session: login, then requests one after the other. */
#include "emulator/front/session.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "emulator/front/login.h"
#include "emulator/front/mars.h"
#include "emulator/front/reply.h"
#include "emulator/front/requests.h"
#include "os/sock.h"
#include "relay/session.h"

#include <stdio.h>

typedef struct session {
    const front_session_options *options;
    relay_accept *accept;
    front_record *record;
    front_login login;
} session;

/* The catalog's door leads to our own engine always. */
static bool passes_on(const front_session_options *o)
{
    return o->backend != NULL && o->door != FRONT_DOOR_CATALOG;
}

/* ---- login ---- */

static entrasql_status start_login(int fd, session *s, entrasql_error *err)
{
    const front_session_options *o = s->options;
    relay_accept_options options = {
        .tls = o->tls,
        .tls_mode = TDS_SERVER_TLS_OFFERED,
        .allow_strict = true,
        .fedauth_required = true,
        .offers_mars = !passes_on(o),
        .spid = o->auth.spid,
        .deadline_ms = es_clock_deadline(o->login_timeout_ms),
    };

    if (o->record_dir != NULL) {
        entrasql_error why;
        if (front_record_open(o->record_dir, o->number, &s->record, &why) != ENTRASQL_OK)
            ES_LOG(WARNING, "front", "no record", ES_KV_STR("error", why.message));
    }
    front_login_init(&s->login, fd, o, s->record);
    entrasql_status st = relay_accept_start(fd, &options, &s->accept, err);
    if (st != ENTRASQL_OK)
        os_sock_close(&fd);
    return st;
}

/* OK: let in, and not answered yet. */
static entrasql_status run_login(session *s, entrasql_error *err)
{
    const front_session_options *o = s->options;
    relay_client_policy policy = front_login_policy(&s->login);
    entrasql_status st = relay_admit(s->accept, &policy, o->stop_fd, err);

    if (st == ENTRASQL_LOGIN_FAILED) {
        ES_LOG(INFO, "front", "login refused", ES_KV_I64("connection", (int64_t)o->number),
               ES_KV_I64("number", err->number), ES_KV_STR("why", err->message));
        front_record_note(s->record, err->message);
    } else if (st != ENTRASQL_OK) {
        ES_LOG(INFO, "front", "login not completed", ES_KV_I64("connection", (int64_t)o->number),
               ES_KV_STR("why", err->message));
    }
    front_login_note(&s->login, st == ENTRASQL_OK ? NULL : err);
    return st;
}

static entrasql_status answer_login(session *s, entrasql_error *err)
{
    tds_server_accept_options accept = {
        .server_name = s->login.server_name,
        .database = engine_session_database(s->login.engine),
    };

    ES_TRY(tds_server_accept(relay_accept_server(s->accept), &accept, err));
    return relay_rest(s->accept, s->options->stop_fd, err);
}

/* ---- requests ---- */

/* Takes the stream. */
static entrasql_status serve_wire(session *s, relay_stream *stream, entrasql_error *err)
{
    const front_session_options *o = s->options;
    engine_session *engine = s->login.engine;
    front_wire wire;
    front_reply reply;
    front_requests requests;
    entrasql_status st = ENTRASQL_OK;

    front_wire_init(&wire, stream, o->stop_fd);
    front_reply_init(&reply, &wire.channel, engine, s->login.server_name, o->auth.spid,
                     tds_server_packet_size(relay_accept_server(s->accept)));
    front_requests_init(&requests, &wire.channel, &reply, engine, s->record, o->max_request_bytes);
    requests.faults = world_faults(o->auth.world);
    engine_session_set_interrupt(engine, front_channel_interrupted, &wire.channel);
    while (st == ENTRASQL_OK) {
        st = front_wire_read(&wire, &requests.in, err);
        if (st == ENTRASQL_OK)
            st = front_requests_answer(&requests, err);
        else if (st == ENTRASQL_LIMIT)
            front_requests_refuse(&requests, err);
    }
    engine_session_set_interrupt(engine, NULL, NULL);
    if (!wire.channel.gone)
        relay_stream_shutdown(stream);
    front_requests_cleanup(&requests);
    front_reply_cleanup(&reply);
    front_wire_done(&wire);
    return st;
}

/* Takes the stream. */
static entrasql_status serve_mars(session *s, relay_stream *stream, entrasql_error *err)
{
    const front_session_options *o = s->options;
    const front_mars_options options = {
        .stream = stream,
        .stop_fd = o->stop_fd,
        .engine = s->login.engine,
        .record = s->record,
        .faults = world_faults(o->auth.world),
        .server_name = s->login.server_name,
        .spid = o->auth.spid,
        .packet_size = tds_server_packet_size(relay_accept_server(s->accept)),
        .max_request_bytes = o->max_request_bytes,
    };
    entrasql_status st = front_mars_serve(&options, err);

    relay_stream_free(stream);
    return st;
}

static void serve(session *s)
{
    relay_stream *stream = relay_accept_take(s->accept);
    bool is_mars = tds_server_has_mars(relay_accept_server(s->accept));
    entrasql_error err;

    front_record_tls(s->record, relay_stream_tls(stream));
    entrasql_status st = is_mars ? serve_mars(s, stream, &err) : serve_wire(s, stream, &err);
    if (st != ENTRASQL_CLOSED && st != ENTRASQL_CANCELLED)
        ES_LOG(INFO, "front", "connection dropped",
               ES_KV_I64("connection", (int64_t)s->options->number), ES_KV_STR("why", err.message));
}

/* ---- pass-through ---- */

static void backend_failed(void *ctx, const entrasql_error *why)
{
    session *s = ctx;

    (void)snprintf(s->login.note.why, sizeof s->login.note.why,
                   "the front let it in, the backend %s did not",
                   front_backend_name(s->options->backend));
    front_login_note(&s->login, why);
    front_record_note(s->record, why->message);
}

static void pass_on(session *s)
{
    const front_session_options *o = s->options;
    front_way way = {.backend = o->backend};
    relay_upstream_policy policy = front_way_policy(&way);
    entrasql_error err;

    policy.failed = backend_failed;
    policy.failed_ctx = s;
    /* It has told that there is such a user; the work is done elsewhere. */
    engine_session_close(s->login.engine);
    s->login.engine = NULL;
    if (relay_forward(s->accept, &policy, o->stop_fd, &err) != ENTRASQL_OK)
        ES_LOG(INFO, "front", "pass-through ended", ES_KV_I64("connection", (int64_t)o->number),
               ES_KV_STR("why", err.message));
    front_way_done(&way);
}

void front_session_run(int fd, const front_session_options *options)
{
    session s = {.options = options};
    entrasql_error err;
    entrasql_status st = start_login(fd, &s, &err);

    if (st == ENTRASQL_OK)
        st = run_login(&s, &err);
    if (st == ENTRASQL_OK && passes_on(options))
        pass_on(&s);
    else if (st == ENTRASQL_OK && answer_login(&s, &err) == ENTRASQL_OK)
        serve(&s);
    engine_session_close(s.login.engine);
    relay_accept_free(s.accept);
    front_record_close(s.record);
}
