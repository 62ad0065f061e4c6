/* SPDX-License-Identifier: MIT */
/* The blocking driver of a relayed session. */
#include "relay/session.h"

#include "base/log.h"
#include "base/str.h"
#include "relay/pump.h"

#include <string.h>

/* For failures that are not SQL Server's own: the number of user-defined messages. */
#define OWN_MESSAGE_NUMBER 50000U
/*
 * unixODBC reads the refusal of a connection into 512 bytes, FreeTDS keeps a
 * record that did not fit, with its "[FreeTDS][SQL Server]" in front, and the
 * two of them go round for ever.
 */
#define DRIVER_TEXT_MAX_BYTES 440

static entrasql_status sleep_for(os_wait *w, int stop_fd, entrasql_error *err)
{
    if (stop_fd >= 0)
        ES_TRY(os_wait_add(w, stop_fd, POLLIN));
    ES_TRY(os_wait_poll(w, err));
    for (unsigned i = 0; i < w->count; i++) {
        if (stop_fd >= 0 && w->fds[i].fd == stop_fd && w->fds[i].revents != 0)
            return es_fail(err, ENTRASQL_CANCELLED, "the session was ended from outside");
    }
    return ENTRASQL_OK;
}

entrasql_status relay_rest(relay_accept *a, int stop_fd, entrasql_error *err)
{
    for (;;) {
        os_wait w;
        entrasql_status status = relay_accept_step(a, err);
        if (status != ENTRASQL_AGAIN)
            return status;
        os_wait_init(&w);
        ES_TRY(relay_accept_wants(a, &w));
        ES_TRY(sleep_for(&w, stop_fd, err));
    }
}

/* ---- the client ---- */

static entrasql_status refusal_sent(relay_accept *a, entrasql_error *err)
{
    const entrasql_error *why = tds_server_refusal(relay_accept_server(a));
    if (why == NULL)
        return es_fail(err, ENTRASQL_LOGIN_FAILED, "the client was refused");
    if (err != NULL)
        *err = *why;
    return ENTRASQL_LOGIN_FAILED;
}

entrasql_status relay_admit(relay_accept *a, const relay_client_policy *policy, int stop_fd,
                            entrasql_error *err)
{
    for (;;) {
        entrasql_error why;
        ES_TRY(relay_rest(a, stop_fd, err));
        if (relay_accept_state(a) == RELAY_ACCEPT_REFUSED)
            return refusal_sent(a, err);
        entrasql_status status = policy->decide(policy->ctx, a, &why);
        if (status == ENTRASQL_OK)
            return ENTRASQL_OK;
        if (status == ENTRASQL_AGAIN)
            continue;
        if (status == ENTRASQL_CLOSED) {
            if (err != NULL)
                *err = why;
            return status;
        }
        ES_TRY(tds_server_refuse(relay_accept_server(a), &why, policy->server_name, err));
    }
}

/* ---- upstream ---- */

/* Steps the login and watches the client meanwhile. */
static entrasql_status drive_login(relay_login *l, relay_accept *a, int stop_fd, relay_session *ret,
                                   entrasql_error *err)
{
    for (;;) {
        entrasql_status status = relay_login_step(l, ret, err);
        if (status != ENTRASQL_AGAIN)
            return status;
        if (relay_accept_step(a, NULL) == ENTRASQL_CLOSED)
            return es_fail(err, ENTRASQL_CANCELLED,
                           "the driver gave up while the login was still under way");
        os_wait w;
        os_wait_init(&w);
        ES_TRY(relay_login_wants(l, &w));
        ES_TRY(relay_accept_wants(a, &w));
        ES_TRY(sleep_for(&w, stop_fd, err));
    }
}

static entrasql_status log_in(relay_accept *a, const relay_upstream_policy *policy, int stop_fd,
                              relay_session *ret, entrasql_error *err)
{
    relay_login *l = NULL;
    relay_login_options options = {0};
    ES_TRY(policy->prepare(policy->ctx, tds_server_login(relay_accept_server(a)), &options, err));
    ES_TRY(relay_login_start(&options, &l, err));
    entrasql_status status = drive_login(l, a, stop_fd, ret, err);
    relay_login_free(l);
    return status;
}

/* The whole text is for those who ask the policy. */
static void shorten(char *text, size_t most)
{
    static const char dots[] = " [...]";
    if (strlen(text) <= most)
        return;
    text[most - (sizeof dots - 1)] = '\0';
    es_utf8_trim_end(text);
    memcpy(text + strlen(text), dots, sizeof dots);
}

/* What to do next goes behind what happened; where both are long neither drives out the other. */
static void add_hint(entrasql_error *e)
{
    static const char link[] = "; ";
    size_t room = DRIVER_TEXT_MAX_BYTES - (sizeof link - 1);
    size_t of_message = strlen(e->message) < room / 2 ? strlen(e->message) : room / 2;
    shorten(e->hint, room - of_message);
    shorten(e->message, room - strlen(e->hint));
    memcpy(e->message + strlen(e->message), link, sizeof link);
    es_strlcpy_utf8(e->message + strlen(e->message), sizeof e->message - strlen(e->message),
                    e->hint);
}

void relay_refusal_from(const entrasql_error *failure, entrasql_error *ret)
{
    *ret = *failure;
    bool is_servers = ret->status == ENTRASQL_LOGIN_FAILED && ret->number != 0;
    if (!is_servers) {
        ret->number = OWN_MESSAGE_NUMBER;
        ret->state = 1;
        ret->severity = 14;
        if (ret->hint[0] != '\0')
            add_hint(ret);
    }
    shorten(ret->message, DRIVER_TEXT_MAX_BYTES);
}

static void tell_client(relay_accept *a, const entrasql_error *failure, const char *server_name)
{
    entrasql_error why;
    relay_refusal_from(failure, &why);
    entrasql_status told = tds_server_refuse(relay_accept_server(a), &why, server_name, NULL);
    if (told == ENTRASQL_OK)
        told = relay_accept_run(a, NULL);
    if (told != ENTRASQL_OK)
        ES_LOG(DEBUG, "relay", "the client was not told",
               ES_KV_STR("status", entrasql_status_name(told)));
}

/* ---- bytes ---- */

static entrasql_status pump_to_end(relay_pump *pump, int stop_fd, entrasql_error *err)
{
    for (;;) {
        entrasql_status status = relay_pump_step(pump, err);
        if (status != ENTRASQL_AGAIN)
            return status;
        os_wait w;
        os_wait_init(&w);
        ES_TRY(relay_pump_wants(pump, &w));
        ES_TRY(sleep_for(&w, stop_fd, err));
    }
}

static entrasql_status pass_bytes(relay_accept *a, relay_session *session, int stop_fd,
                                  entrasql_error *err)
{
    tds_server_accept_options answer = {.response = &session->response};
    ES_TRY(tds_server_accept(relay_accept_server(a), &answer, err));
    ES_TRY(relay_rest(a, stop_fd, err));
    relay_pump *pump = NULL;
    relay_stream *client = relay_accept_take(a);
    relay_pump_options options = {.client = client, .server = session->stream};
    entrasql_status status = relay_pump_new(&options, &pump);
    es_buf_done(&session->response);
    status = status == ENTRASQL_OK ? pump_to_end(pump, stop_fd, err) : es_nomem(err);
    relay_pump_free(pump);
    relay_stream_free(client);
    return status;
}

entrasql_status relay_forward(relay_accept *a, const relay_upstream_policy *policy, int stop_fd,
                              entrasql_error *err)
{
    relay_session session = {0};
    entrasql_error own;
    entrasql_error *e = err != NULL ? err : &own;
    entrasql_status status = log_in(a, policy, stop_fd, &session, e);
    if (status == ENTRASQL_OK) {
        status = pass_bytes(a, &session, stop_fd, e);
    } else {
        /* Before the client hears of it, so that who asks then finds the whole record. */
        if (policy->failed != NULL)
            policy->failed(policy->failed_ctx, e);
        tell_client(a, e, policy->server_name);
    }
    relay_session_done(&session);
    return status;
}
