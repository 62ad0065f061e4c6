/* SPDX-License-Identifier: MIT */
/* The login upstream: token, connection, TLS, LOGIN7, routing; one step after the other. */
#include "relay/login.h"

#include "base/mem.h"
#include "base/str.h"
#include "relay/dial.h"
#include "relay/token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define READ_BYTES ((size_t)8192)
#define STEP_TURNS 1024 /* a server that keeps talking gets no more than this out of one step */
#define LOGIN_FAILED_NUMBER 18456U

typedef enum phase {
    PHASE_DIAL,
    PHASE_TLS,    /* a handshake runs */
    PHASE_ENGINE, /* the engine says what comes next */
    PHASE_OVER    /* the session was handed out */
} phase;

typedef struct hop {
    char *host; /* as named by the caller or the server: may be "host\\instance" */
    uint16_t port;
} hop;

struct relay_login {
    /* settings */
    tds_encrypt encrypt;
    char *certificate_name; /* NULL: each hop's own */
    tls_context *tls;
    tds_login7 login;
    entrasql_credential *credential; /* NULL: SQL login */
    bool token_on_request;
    bool mars;
    char *scope;
    int64_t start_ms;
    int64_t deadline_ms;
    bool holds;    /* no login follows: it is held ready */
    bool was_held; /* goes on with a connection that was, which may be dead */
    /* the token */
    relay_token *fetch; /* while it is on its way */
    es_secret *token;
    relay_token_facts token_facts;
    bool token_failed;
    bool retried; /* with a fresh token */
    /* the connection; everything below belongs to the last of the hops */
    phase at;
    hop hops[RELAY_MAX_HOPS + 1];
    size_t hop_count;
    char dns_name[256];
    relay_dial *dial;
    relay_stream *stream;
    tds_client *client;
};

static const hop *current(const relay_login *l)
{
    return &l->hops[l->hop_count - 1];
}

/* ---- start and end ---- */

static entrasql_status copy_settings(relay_login *l, const relay_login_options *o)
{
    const char *scope = o->scope != NULL ? o->scope : relay_scope_for_host(o->host);
    l->scope = es_strdup(scope);
    l->certificate_name = es_strdup(o->host_name_in_certificate);
    if (l->scope == NULL || (o->host_name_in_certificate != NULL && l->certificate_name == NULL))
        return ENTRASQL_NOMEM;
    ES_TRY(tds_login7_copy(&l->login, o->login));
    if (o->credential == NULL)
        return ENTRASQL_OK;
    l->credential = entrasql_credential_ref(o->credential);
    /* FEDAUTH came with 7.4; a client of 7.3 reads the same tokens. */
    if (l->login.tds_version < TDS_VERSION_7_4 && l->login.tds_version != TDS_VERSION_8_0)
        l->login.tds_version = TDS_VERSION_7_4;
    return ENTRASQL_OK;
}

static entrasql_status make_context(relay_login *l, const relay_login_options *o,
                                    entrasql_error *err)
{
    if (o->tls != NULL) {
        l->tls = tls_context_ref(o->tls);
        return ENTRASQL_OK;
    }
    if (o->encrypt == TDS_ENCRYPT_NOT_SUPPORTED)
        return ENTRASQL_OK;
    /* Strict ignores TrustServerCertificate, as Microsoft's drivers do. */
    tls_client_options options = {.ca_file = o->ca_file,
                                  .trust_any_certificate = o->trust_server_certificate &&
                                                           o->encrypt != TDS_ENCRYPT_STRICT};
    return tls_client_context_new(&options, &l->tls, err);
}

static entrasql_status fetch_token(relay_login *l, bool refresh, entrasql_error *err)
{
    relay_token_free(l->fetch);
    l->fetch = NULL;
    return relay_token_start(l->credential, l->scope, refresh, l->deadline_ms, &l->fetch, err);
}

static void drop_connection(relay_login *l)
{
    relay_dial_free(l->dial);
    l->dial = NULL;
    relay_stream_free(l->stream);
    l->stream = NULL;
    tds_client_free(l->client);
    l->client = NULL;
}

/* The name to look up: without instance and without the brackets of an IPv6 address. */
static entrasql_status copy_dns_name(relay_login *l, const char *host, entrasql_error *err)
{
    size_t n = strcspn(host, "\\");
    if (n == 0 || n >= sizeof l->dns_name)
        return es_fail(err, ENTRASQL_INVALID, "the server's name is empty or longer than %zu bytes",
                       sizeof l->dns_name - 1);
    memcpy(l->dns_name, host, n);
    l->dns_name[n] = '\0';
    return ENTRASQL_OK;
}

/* Starts on hops[hop_count - 1]. */
static entrasql_status go(relay_login *l, entrasql_error *err)
{
    drop_connection(l);
    ES_TRY(copy_dns_name(l, current(l)->host, err));
    l->at = PHASE_DIAL;
    return relay_dial_start(l->dns_name, current(l)->port, &l->dial, err);
}

/* Goes on with what is held; what it is held with goes with it. */
static entrasql_status take_over(relay_login *l, relay_login *held, entrasql_error *err)
{
    memcpy(l->dns_name, held->dns_name, sizeof l->dns_name);
    l->stream = held->stream;
    held->stream = NULL;
    l->client = held->client;
    held->client = NULL;
    l->at = PHASE_ENGINE;
    l->was_held = true;
    return tds_client_set_login(l->client, &l->login, current(l)->host, err);
}

static entrasql_status start(relay_login *l, const relay_login_options *o, entrasql_error *err)
{
    if (copy_settings(l, o) != ENTRASQL_OK)
        return es_nomem(err);
    ES_TRY(make_context(l, o, err));
    l->hops[0] = (hop){es_strdup(o->host), o->port};
    if (l->hops[0].host == NULL)
        return es_nomem(err);
    l->hop_count = 1;
    if (l->credential != NULL && !l->token_on_request && !l->holds)
        ES_TRY(fetch_token(l, false, err));
    return o->held != NULL ? take_over(l, o->held, err) : go(l, err);
}

static entrasql_status new_login(const relay_login_options *options, bool holds, relay_login **ret,
                                 entrasql_error *err)
{
    if (es_str_is_empty(options->host) || options->port == 0 || options->login == NULL)
        return es_fail(err, ENTRASQL_INVALID, "a login needs a server, a port and a template");
    relay_login *l = es_calloc(1, sizeof *l);
    if (l == NULL)
        return es_nomem(err);
    l->encrypt = options->encrypt;
    l->token_on_request = options->token_on_request;
    l->mars = options->mars;
    l->start_ms = es_clock_mono_ms();
    l->deadline_ms = options->deadline_ms;
    l->holds = holds;
    entrasql_status status = start(l, options, err);
    if (status != ENTRASQL_OK) {
        relay_login_free(l);
        return status;
    }
    *ret = l;
    return ENTRASQL_OK;
}

entrasql_status relay_login_start(const relay_login_options *options, relay_login **ret,
                                  entrasql_error *err)
{
    entrasql_status status = new_login(options, false, ret, err);
    relay_login_free(options->held);
    return status;
}

entrasql_status relay_login_hold(const relay_login_options *options, relay_login **ret,
                                 entrasql_error *err)
{
    return new_login(options, true, ret, err);
}

bool relay_login_is_held(const relay_login *l)
{
    return l->holds && l->at == PHASE_ENGINE &&
           tds_client_wants(l->client) == TDS_CLIENT_WANT_TOKEN;
}

bool relay_login_fits(const relay_login *held, const relay_login_options *options)
{
    return relay_login_is_held(held) && options->credential != NULL && !options->token_on_request &&
           options->mars == held->mars && options->encrypt == held->encrypt &&
           options->tls == held->tls && options->port == held->hops[0].port &&
           es_strcaseeq(options->host, held->hops[0].host) &&
           es_streq(options->host_name_in_certificate, held->certificate_name);
}

void relay_login_free(relay_login *l)
{
    if (l == NULL)
        return;
    drop_connection(l);
    relay_token_free(l->fetch);
    es_secret_unref(l->token);
    entrasql_credential_unref(l->credential);
    tls_context_unref(l->tls);
    tds_login7_done(&l->login);
    for (size_t i = 0; i < ES_COUNT_OF(l->hops); i++)
        es_free(l->hops[i].host);
    es_free(l->certificate_name);
    es_free(l->scope);
    es_free(l);
}

/* ---- what it waits for ---- */

static bool waits_for_token(const relay_login *l)
{
    return l->at == PHASE_ENGINE && tds_client_wants(l->client) == TDS_CLIENT_WANT_TOKEN;
}

entrasql_status relay_login_wants(relay_login *l, os_wait *w)
{
    os_wait_until(w, l->deadline_ms);
    if (l->fetch != NULL)
        ES_TRY(relay_token_wants(l->fetch, w));
    if (l->dial != NULL)
        return relay_dial_wants(l->dial, w);
    if (l->stream == NULL)
        return ENTRASQL_OK;
    return relay_stream_wants(l->stream, l->holds || !waits_for_token(l), w);
}

static const char *activity(const relay_login *l)
{
    switch (l->at) {
    case PHASE_DIAL:
        return relay_dial_activity(l->dial);
    case PHASE_TLS:
        return "in the TLS handshake";
    case PHASE_ENGINE:
    case PHASE_OVER:
        break;
    }
    return waits_for_token(l) ? "waiting for the access token" : "waiting for the server's answer";
}

static entrasql_status fail_deadline(const relay_login *l, entrasql_error *err)
{
    (void)es_fail(err, ENTRASQL_TIMEOUT, "no login to %s:%u within %.1f s: still %s", l->dns_name,
                  current(l)->port, (double)(l->deadline_ms - l->start_ms) / 1000.0, activity(l));
    es_hint(err, "a serverless database may need a minute to wake up; set a longer login timeout "
                 "(Connection Timeout)");
    return ENTRASQL_TIMEOUT;
}

/* ---- TLS ---- */

static entrasql_status start_tls(relay_login *l, entrasql_error *err)
{
    tls_conn *tls = NULL;
    tls_conn_options options = {.server_name = l->dns_name,
                                .certificate_name = l->certificate_name,
                                .wrap_prelogin = l->encrypt != TDS_ENCRYPT_STRICT};
    ES_TRY(tls_conn_new(l->tls, &options, &tls, err));
    entrasql_status status = relay_stream_start_tls(l->stream, tls, NULL, 0, err);
    if (status != ENTRASQL_OK) {
        tls_conn_free(tls);
        return status;
    }
    l->at = PHASE_TLS;
    return ENTRASQL_OK;
}

/* The connection ended, in order or not: the engine knows what was missing. */
static entrasql_status ended(relay_login *l, entrasql_status status, entrasql_error *err)
{
    bool was_reset = status == ENTRASQL_NETWORK && err->os_errno == ECONNRESET;
    return status == ENTRASQL_CLOSED || was_reset ? tds_client_eof(l->client, err) : status;
}

static entrasql_status handshake(relay_login *l, entrasql_error *err)
{
    entrasql_status status = relay_stream_handshake(l->stream, err);
    if (status != ENTRASQL_OK)
        return ended(l, status, err);
    l->at = PHASE_ENGINE;
    return tds_client_tls_started(l->client, err);
}

static entrasql_status end_tls(relay_login *l, entrasql_error *err)
{
    ES_TRY(relay_stream_end_tls(l->stream, err));
    return tds_client_tls_ended(l->client, err);
}

/* ---- connecting ---- */

/* A password goes out in clear only where nobody else can read it. */
static bool peer_is_loopback(const relay_stream *s)
{
    os_address peer;
    return os_sock_peer_address(relay_stream_fd(s), &peer, NULL) == ENTRASQL_OK &&
           os_address_is_loopback(&peer);
}

static tds_client_auth auth_of(const relay_login *l)
{
    if (l->credential == NULL && !l->holds)
        return TDS_CLIENT_AUTH_PASSWORD;
    return l->token_on_request ? TDS_CLIENT_AUTH_TOKEN_ON_REQUEST : TDS_CLIENT_AUTH_TOKEN;
}

static entrasql_status dial(relay_login *l, entrasql_error *err)
{
    int fd = -1;
    ES_TRY(relay_dial_step(l->dial, &fd, err));
    relay_dial_free(l->dial);
    l->dial = NULL;
    if (relay_stream_new(fd, NULL, &l->stream) != ENTRASQL_OK) {
        os_sock_close(&fd);
        return es_nomem(err);
    }
    tds_client_options options = {.login = &l->login,
                                  .server_name = current(l)->host,
                                  .encrypt = l->encrypt,
                                  .auth = auth_of(l),
                                  .allow_clear_password = peer_is_loopback(l->stream),
                                  .mars = l->mars};
    ES_TRY(tds_client_new(&options, &l->client, err));
    l->at = PHASE_ENGINE;
    return ENTRASQL_OK;
}

/* ---- the engine ---- */

static entrasql_status send_output(relay_login *l, entrasql_error *err)
{
    es_buf *out = tds_client_output(l->client);
    if (out->len == 0)
        return ENTRASQL_OK;
    ES_TRY(relay_stream_write(l->stream, out->data, out->len, err));
    es_buf_clear(out);
    return ENTRASQL_OK;
}

static entrasql_status read_for_engine(relay_login *l, entrasql_error *err)
{
    uint8_t space[READ_BYTES];
    size_t n = 0;
    size_t used = 0;
    entrasql_status status = relay_stream_flush(l->stream, err);
    if (status != ENTRASQL_OK && status != ENTRASQL_AGAIN)
        return status;
    status = relay_stream_read(l->stream, space, sizeof space, &n, err);
    if (status != ENTRASQL_OK)
        return ended(l, status, err);
    ES_TRY(tds_client_feed(l->client, space, n, &used, err));
    if (relay_stream_push_back(l->stream, space + used, n - used) != ENTRASQL_OK)
        return es_nomem(err);
    return ENTRASQL_OK;
}

/* A failure here is the credential's own, told without the server's name. */
static entrasql_status step_fetch(relay_login *l, entrasql_error *err)
{
    entrasql_status status = relay_token_step(l->fetch, &l->token, err);
    if (status == ENTRASQL_AGAIN)
        return status;
    l->token_failed = status != ENTRASQL_OK;
    relay_token_facts_get(l->fetch, &l->token_facts);
    relay_token_free(l->fetch);
    l->fetch = NULL;
    return status;
}

/* Nothing is to come before LOGIN7 has gone out. */
static entrasql_status watch_held(relay_login *l, entrasql_error *err)
{
    uint8_t byte;
    size_t n = 0;
    l->deadline_ms = ES_NO_DEADLINE;
    entrasql_status status = relay_stream_read(l->stream, &byte, 1, &n, err);
    if (status == ENTRASQL_OK)
        return es_fail(err, ENTRASQL_MALFORMED, "the server spoke before it was asked");
    return status == ENTRASQL_AGAIN ? status : ended(l, status, err);
}

/* AGAIN until it is here; a server that asked is checked first. */
static entrasql_status give_token(relay_login *l, entrasql_error *err)
{
    if (l->token_on_request)
        ES_TRY(relay_check_fedauth_info(tds_client_fedauth_sts_url(l->client),
                                        tds_client_fedauth_spn(l->client), l->scope, err));
    if (l->token == NULL && l->fetch == NULL)
        ES_TRY(fetch_token(l, false, err));
    if (l->fetch != NULL)
        ES_TRY(step_fetch(l, err));
    return tds_client_give_token(l->client, l->token, err);
}

/* Follows ROUTING: a new connection with a new name for everything. */
static entrasql_status follow(relay_login *l, entrasql_error *err)
{
    const char *host = tds_client_routing_host(l->client);
    uint16_t port = tds_client_routing_port(l->client);
    char shown[sizeof l->dns_name];
    es_printable(shown, sizeof shown, host, strlen(host));
    /* What is cut or changed for showing is no name, and will be in messages from here on. */
    if (host[0] == '\0' || !es_streq(shown, host) || port == 0)
        return es_fail(err, ENTRASQL_MALFORMED,
                       "the server redirects to \"%s:%u\", which is no host name with a port",
                       shown, port);
    for (size_t i = 0; i < l->hop_count; i++) {
        if (l->hops[i].port == port && es_strcaseeq(l->hops[i].host, host))
            return es_fail(err, ENTRASQL_LIMIT,
                           "the server redirects in a circle: back to %s:%u after %zu redirect%s",
                           shown, port, l->hop_count - 1, l->hop_count == 2 ? "" : "s");
    }
    if (l->hop_count == ES_COUNT_OF(l->hops))
        return es_fail(err, ENTRASQL_LIMIT,
                       "the server redirects more than %d times, the last time to %s:%u",
                       RELAY_MAX_HOPS, shown, port);
    char *copy = es_strdup(host);
    if (copy == NULL)
        return es_nomem(err);
    l->hops[l->hop_count++] = (hop){copy, port};
    return go(l, err);
}

static entrasql_status run_engine(relay_login *l, entrasql_error *err)
{
    ES_TRY(send_output(l, err));
    switch (tds_client_wants(l->client)) {
    case TDS_CLIENT_WANT_READ:
        return read_for_engine(l, err);
    case TDS_CLIENT_WANT_TLS:
        return start_tls(l, err);
    case TDS_CLIENT_WANT_TLS_END:
        return end_tls(l, err);
    case TDS_CLIENT_WANT_TOKEN:
        return l->holds ? watch_held(l, err) : give_token(l, err);
    case TDS_CLIENT_ROUTED:
        return follow(l, err);
    case TDS_CLIENT_READY:
    case TDS_CLIENT_FAILED:
        break;
    }
    return es_fail(err, ENTRASQL_INTERNAL, "the login was stepped after its end");
}

/* ---- steps ---- */

static entrasql_status step_phase(relay_login *l, entrasql_error *err)
{
    switch (l->at) {
    case PHASE_DIAL:
        return dial(l, err);
    case PHASE_TLS:
        return handshake(l, err);
    case PHASE_ENGINE:
        return run_engine(l, err);
    case PHASE_OVER:
        break;
    }
    return es_fail(err, ENTRASQL_INTERNAL, "the login was stepped after its end");
}

/* Runs the token's fetch beside the connection, so that neither waits for the other. */
static entrasql_status step_token(relay_login *l, entrasql_error *err)
{
    if (l->fetch == NULL || waits_for_token(l))
        return ENTRASQL_OK;
    entrasql_status status = step_fetch(l, err);
    return status == ENTRASQL_AGAIN ? ENTRASQL_OK : status;
}

static bool is_ready(const relay_login *l)
{
    return l->at == PHASE_ENGINE && tds_client_wants(l->client) == TDS_CLIENT_READY;
}

static entrasql_status hand_over(relay_login *l, relay_session *ret, entrasql_error *err)
{
    const es_buf *response = tds_client_response(l->client);
    relay_session s = {
        .packet_size = tds_client_packet_size(l->client),
        .tds_version = tds_client_tds_version(l->client),
        .has_mars = tds_client_has_mars(l->client),
        .response = ES_BUF_INIT(response->ceiling),
        .server_host = es_strdup(current(l)->host),
        .server_port = current(l)->port,
        .database = es_strdup(tds_client_database(l->client)),
    };
    if (s.server_host == NULL || s.database == NULL ||
        es_buf_add(&s.response, response->data, response->len) != ENTRASQL_OK) {
        relay_session_done(&s);
        return es_nomem(err);
    }
    s.token = l->token;
    s.token_facts = l->token_facts;
    l->token = NULL;
    s.stream = l->stream;
    l->stream = NULL;
    l->at = PHASE_OVER;
    *ret = s;
    return ENTRASQL_OK;
}

/* A cached token that ran out on the way, or a clock that is wrong: worth one more try. */
static bool wants_fresh_token(const relay_login *l, entrasql_status status,
                              const entrasql_error *err)
{
    return status == ENTRASQL_LOGIN_FAILED && l->credential != NULL && !l->retried &&
           err->number == LOGIN_FAILED_NUMBER &&
           strcasestr(err->message, "token is expired") != NULL;
}

/* What was held ended before it answered anything: worth a connection of its own. */
static bool was_dead(relay_login *l, entrasql_status status)
{
    bool is_network = entrasql_status_class(status) == ENTRASQL_CLASS_NETWORK;
    bool was_held = l->was_held;
    l->was_held = was_held && status == ENTRASQL_AGAIN;
    return was_held && is_network && l->hop_count == 1;
}

static entrasql_status start_again(relay_login *l, entrasql_error *err)
{
    l->retried = true;
    es_secret_cleanup(&l->token);
    while (l->hop_count > 1)
        es_free(l->hops[--l->hop_count].host);
    ES_TRY(fetch_token(l, true, err));
    return go(l, err);
}

/* Texts of the server and of the credential stand for themselves; others need the place. */
static void add_place(const relay_login *l, entrasql_status status, entrasql_error *err)
{
    switch (entrasql_status_class(status)) {
    case ENTRASQL_CLASS_NETWORK:
    case ENTRASQL_CLASS_PEER:
        if (l->hop_count > 1)
            es_error_prefix(err, "%s:%u, where %s:%u redirects to", l->dns_name, current(l)->port,
                            current(l)[-1].host, current(l)[-1].port);
        else
            es_error_prefix(err, "%s:%u", l->dns_name, current(l)->port);
        break;
    case ENTRASQL_CLASS_NONE:
    case ENTRASQL_CLASS_INTERNAL:
    case ENTRASQL_CLASS_USAGE:
    case ENTRASQL_CLASS_AUTH:
    case ENTRASQL_CLASS_LOGIN:
    case ENTRASQL_CLASS_TLS:
    case ENTRASQL_CLASS_SQL:
    case ENTRASQL_CLASS_RETRY:
    case ENTRASQL_CLASS_SYSTEM:
    case ENTRASQL_CLASS_CANCEL:
        break;
    }
}

static entrasql_status step_connection(relay_login *l, entrasql_error *err)
{
    for (int turn = 0; turn < STEP_TURNS && !is_ready(l); turn++)
        ES_TRY(step_phase(l, err));
    return is_ready(l) ? ENTRASQL_OK : ENTRASQL_AGAIN;
}

entrasql_status relay_login_step(relay_login *l, relay_session *ret, entrasql_error *err)
{
    /* The caller may want no detail, but the retry depends on it. */
    entrasql_error own;
    entrasql_error *e = err != NULL ? err : &own;
    if (es_clock_mono_ms() >= l->deadline_ms)
        return fail_deadline(l, e);
    ES_TRY(step_token(l, e));
    entrasql_status status = step_connection(l, e);
    if (was_dead(l, status)) {
        ES_TRY(go(l, e));
        status = step_connection(l, e);
    }
    if (wants_fresh_token(l, status, e)) {
        ES_TRY(start_again(l, e));
        status = step_connection(l, e);
    }
    if (status == ENTRASQL_OK)
        return hand_over(l, ret, e);
    if (status != ENTRASQL_AGAIN && !l->token_failed)
        add_place(l, status, e);
    return status;
}

entrasql_status relay_login_run(const relay_login_options *options, relay_session *ret,
                                entrasql_error *err)
{
    relay_login *l = NULL;
    ES_TRY(relay_login_start(options, &l, err));
    entrasql_status status;
    while ((status = relay_login_step(l, ret, err)) == ENTRASQL_AGAIN) {
        os_wait w;
        os_wait_init(&w);
        status = relay_login_wants(l, &w);
        if (status == ENTRASQL_OK)
            status = os_wait_poll(&w, err);
        if (status != ENTRASQL_OK)
            break;
    }
    relay_login_free(l);
    return status;
}

void relay_session_done(relay_session *s)
{
    relay_stream_free(s->stream);
    es_buf_done(&s->response);
    es_free(s->server_host);
    es_free(s->database);
    es_secret_unref(s->token);
    *s = (relay_session){0};
}
