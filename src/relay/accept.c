/* SPDX-License-Identifier: MIT */
/* A client's login on an accepted socket, up to the decision and on to the session. */
#include "relay/accept.h"

#include "base/mem.h"
#include "os/sock.h"

#define READ_BYTES ((size_t)4096)
#define TLS_RECORD_HANDSHAKE 0x16 /* first byte of a ClientHello; PRELOGIN's is 0x12 */
#define TLS_RECORD_HEAD_BYTES ((size_t)5)
/* A client that keeps talking gets no more than this out of one step. */
#define STEP_TURNS 256

typedef enum phase {
    PHASE_SNIFF,  /* before the first byte */
    PHASE_NO_TLS, /* it wants TLS, which is not offered */
    PHASE_TLS,    /* a handshake runs */
    PHASE_ENGINE, /* the engine says what comes next */
    PHASE_OVER    /* the stream was taken */
} phase;

struct relay_accept {
    relay_accept_options options;
    phase at;
    bool strict;
    relay_stream *stream;
    uint8_t record[TLS_RECORD_HEAD_BYTES]; /* of a ClientHello that is not to be answered */
    size_t record_seen;
    tds_server *server; /* made when it is known whether the connection is strict */
    relay_accept_step_state state;
};

entrasql_status relay_accept_start(int fd, const relay_accept_options *options, relay_accept **ret,
                                   entrasql_error *err)
{
    if (options->tls == NULL && (options->tls_mode != TDS_SERVER_TLS_NONE || options->allow_strict))
        return es_fail(err, ENTRASQL_INVALID, "a listener with TLS needs a certificate");
    relay_accept *a = es_calloc(1, sizeof *a);
    if (a == NULL)
        return es_nomem(err);
    if (relay_stream_new(fd, NULL, &a->stream) != ENTRASQL_OK) {
        es_free(a);
        return es_nomem(err);
    }
    a->options = *options;
    a->options.tls = tls_context_ref(options->tls);
    a->at = PHASE_SNIFF;
    a->state = RELAY_ACCEPT_BUSY;
    *ret = a;
    return ENTRASQL_OK;
}

void relay_accept_free(relay_accept *a)
{
    if (a == NULL)
        return;
    relay_stream_free(a->stream);
    tds_server_free(a->server);
    tls_context_unref(a->options.tls);
    es_free(a);
}

static bool waits_for_decision(const relay_accept *a)
{
    return a->state == RELAY_ACCEPT_DECIDE || a->state == RELAY_ACCEPT_DECIDE_TOKEN;
}

entrasql_status relay_accept_wants(const relay_accept *a, os_wait *w)
{
    os_wait_until(w, a->options.deadline_ms);
    if (a->stream == NULL)
        return ENTRASQL_OK;
    if (waits_for_decision(a))
        return os_wait_add(w, relay_stream_fd(a->stream), POLLRDHUP);
    bool reads = a->state == RELAY_ACCEPT_BUSY &&
                 (a->server == NULL || tds_server_wants(a->server) != TDS_SERVER_REFUSED);
    return relay_stream_wants(a->stream, reads, w);
}

/* ---- first byte ---- */

static entrasql_status make_engine(relay_accept *a, entrasql_error *err)
{
    tds_server_options options = {.tls = a->options.tls_mode,
                                  .strict = a->strict,
                                  .fedauth_required = a->options.fedauth_required,
                                  .offers_mars = a->options.offers_mars,
                                  .spid = a->options.spid,
                                  .max_packet_size = a->options.max_packet_size};
    return tds_server_new(&options, &a->server, err);
}

static entrasql_status start_tls(relay_accept *a, const void *early, size_t n, entrasql_error *err)
{
    tls_conn *tls = NULL;
    tls_conn_options options = {.wrap_prelogin = !a->strict};
    ES_TRY(tls_conn_new(a->options.tls, &options, &tls, err));
    entrasql_status status = relay_stream_start_tls(a->stream, tls, early, n, err);
    if (status != ENTRASQL_OK) {
        tls_conn_free(tls);
        return status;
    }
    a->at = PHASE_TLS;
    return ENTRASQL_OK;
}

static bool has_whole_record(const relay_accept *a)
{
    size_t payload = (size_t)a->record[3] << 8 | a->record[4];
    return a->record_seen >= sizeof a->record && a->record_seen - sizeof a->record >= payload;
}

/*
 * An alert (RFC 8446, 6: fatal, handshake_failure) makes the driver say that TLS failed, rather
 * than that the connection ended. Unread bytes of its ClientHello would take the alert from it.
 */
static entrasql_status refuse_tls(relay_accept *a, entrasql_error *err)
{
    static const uint8_t alert[] = {0x15, 3, 1, 0, 2, 2, 40};
    while (!has_whole_record(a)) {
        uint8_t space[READ_BYTES];
        size_t n = 0;
        ES_TRY(relay_stream_read(a->stream, space, sizeof space, &n, err));
        for (size_t i = 0; i < n; i++, a->record_seen++)
            if (a->record_seen < sizeof a->record)
                a->record[a->record_seen] = space[i];
    }
    ES_TRY(relay_stream_write(a->stream, alert, sizeof alert, err));
    relay_stream_shutdown(a->stream);
    return es_fail(err, ENTRASQL_UNSUPPORTED,
                   "the client began with TLS (strict encryption, TDS 8.0), which is not "
                   "offered here");
}

static entrasql_status sniff(relay_accept *a, entrasql_error *err)
{
    uint8_t first = 0;
    size_t n = 0;
    ES_TRY(relay_stream_read(a->stream, &first, 1, &n, err));
    a->strict = first == TLS_RECORD_HANDSHAKE;
    if (a->strict && !a->options.allow_strict) {
        a->record[a->record_seen++] = first;
        a->at = PHASE_NO_TLS;
        return ENTRASQL_OK;
    }
    ES_TRY(make_engine(a, err));
    if (a->strict)
        return start_tls(a, &first, 1, err);
    a->at = PHASE_ENGINE;
    if (relay_stream_push_back(a->stream, &first, 1) != ENTRASQL_OK)
        return es_nomem(err);
    return ENTRASQL_OK;
}

/* ---- the engine ---- */

static entrasql_status send_output(relay_accept *a, entrasql_error *err)
{
    es_buf *out = tds_server_output(a->server);
    if (out->len > 0)
        ES_TRY(relay_stream_write(a->stream, out->data, out->len, err));
    es_buf_clear(out);
    return ENTRASQL_OK;
}

static entrasql_status read_for_engine(relay_accept *a, entrasql_error *err)
{
    uint8_t space[READ_BYTES];
    size_t n = 0;
    size_t used = 0;
    entrasql_status status = relay_stream_read(a->stream, space, sizeof space, &n, err);
    if (status == ENTRASQL_OK)
        status = tds_server_feed(a->server, space, n, &used, err);
    if (status == ENTRASQL_OK && used < n &&
        relay_stream_push_back(a->stream, space + used, n - used) != ENTRASQL_OK)
        status = es_nomem(err);
    es_wipe(space, sizeof space); /* a password or a token may have been in it */
    return status;
}

static entrasql_status handshake(relay_accept *a, entrasql_error *err)
{
    ES_TRY(relay_stream_handshake(a->stream, err));
    a->at = PHASE_ENGINE;
    return a->strict ? ENTRASQL_OK : tds_server_tls_started(a->server, err);
}

/* OK with a->state changed: a resting point. OK otherwise: go on. */
static entrasql_status run_engine(relay_accept *a, entrasql_error *err)
{
    if (tds_server_ends_tls(a->server)) {
        ES_TRY(relay_stream_end_tls(a->stream, err));
        tds_server_tls_ended(a->server);
    }
    ES_TRY(send_output(a, err));
    switch (tds_server_wants(a->server)) {
    case TDS_SERVER_WANT_READ:
        return read_for_engine(a, err);
    case TDS_SERVER_WANT_TLS:
        return start_tls(a, NULL, 0, err);
    case TDS_SERVER_WANT_DECISION:
        a->state = RELAY_ACCEPT_DECIDE;
        return ENTRASQL_OK;
    case TDS_SERVER_WANT_TOKEN_DECISION:
        a->state = RELAY_ACCEPT_DECIDE_TOKEN;
        return ENTRASQL_OK;
    case TDS_SERVER_READY:
        a->state = RELAY_ACCEPT_READY;
        return ENTRASQL_OK;
    case TDS_SERVER_REFUSED:
        ES_TRY(relay_stream_flush(a->stream, err));
        relay_stream_shutdown(a->stream);
        a->state = RELAY_ACCEPT_REFUSED;
        return ENTRASQL_OK;
    case TDS_SERVER_FAILED:
        break;
    }
    return es_fail(err, ENTRASQL_INTERNAL, "the login was stepped after it had failed");
}

static entrasql_status step_phase(relay_accept *a, entrasql_error *err)
{
    switch (a->at) {
    case PHASE_SNIFF:
        return sniff(a, err);
    case PHASE_NO_TLS:
        return refuse_tls(a, err);
    case PHASE_TLS:
        return handshake(a, err);
    case PHASE_ENGINE:
        return run_engine(a, err);
    case PHASE_OVER:
        break;
    }
    return es_fail(err, ENTRASQL_INTERNAL, "the login was stepped after its stream was taken");
}

/* What the client still waits for, or what we wait for. */
static entrasql_status fail_deadline(const relay_accept *a, entrasql_error *err)
{
    if (waits_for_decision(a))
        return es_fail(err, ENTRASQL_TIMEOUT, "the login could not be decided in time");
    return es_fail(err, ENTRASQL_TIMEOUT, "the client did not finish its login in time");
}

entrasql_status relay_accept_step(relay_accept *a, entrasql_error *err)
{
    if (a->state == RELAY_ACCEPT_READY || a->state == RELAY_ACCEPT_REFUSED)
        return ENTRASQL_OK;
    if (es_clock_mono_ms() >= a->options.deadline_ms)
        return fail_deadline(a, err);
    if (waits_for_decision(a)) {
        tds_server_want want = tds_server_wants(a->server);
        if (want == TDS_SERVER_WANT_DECISION || want == TDS_SERVER_WANT_TOKEN_DECISION) {
            if (os_sock_peer_gone(relay_stream_fd(a->stream)))
                return es_fail(err, ENTRASQL_CLOSED, "the client went away during its login");
            return ENTRASQL_OK;
        }
        a->state = RELAY_ACCEPT_BUSY;
    }
    for (int turn = 0; turn < STEP_TURNS && a->state == RELAY_ACCEPT_BUSY; turn++)
        ES_TRY(step_phase(a, err));
    return a->state == RELAY_ACCEPT_BUSY ? ENTRASQL_AGAIN : ENTRASQL_OK;
}

entrasql_status relay_accept_run(relay_accept *a, entrasql_error *err)
{
    for (;;) {
        entrasql_status status = relay_accept_step(a, err);
        if (status != ENTRASQL_AGAIN)
            return status;
        os_wait w;
        os_wait_init(&w);
        ES_TRY(relay_accept_wants(a, &w));
        ES_TRY(os_wait_poll(&w, err));
    }
}

relay_accept_step_state relay_accept_state(const relay_accept *a)
{
    return a->state;
}

tds_server *relay_accept_server(relay_accept *a)
{
    return a->server;
}

bool relay_accept_is_strict(const relay_accept *a)
{
    return a->strict;
}

relay_stream *relay_accept_take(relay_accept *a)
{
    relay_stream *s = a->stream;
    a->stream = NULL;
    a->at = PHASE_OVER;
    return s;
}
