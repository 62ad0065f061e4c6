/* SPDX-License-Identifier: MIT */
/* The blocking client: engines of src/tds over a socket or OpenSSL. */
#include "wire.h"

#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "tds/client.h"
#include "tds/packet.h"
#include "tds/proto.h"
#include "tds/request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define IN_BYTES ((size_t)64 * 1024)
#define OUT_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define VALUE_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define DEFAULT_TIMEOUT_MS 30000

struct wire_tls {
    SSL_CTX *ctx;
};

struct wire {
    int fd;
    SSL *ssl;
    uint32_t packet_size;
    uint64_t transaction;
    tds_reply *reply;
    es_buf out;
    uint8_t *in;
    size_t in_at;
    size_t in_len;
    void (*on_row)(void *ctx, const wire_answer *a);
    void *on_row_ctx;
};

/* ---- TLS ---- */

entrasql_status wire_tls_new(const char *ca_file, wire_tls **ret, entrasql_error *err)
{
    wire_tls *t = es_calloc(1, sizeof *t);
    if (t == NULL)
        return es_nomem(err);
    t->ctx = SSL_CTX_new(TLS_client_method());
    if (t->ctx == NULL || SSL_CTX_load_verify_locations(t->ctx, ca_file, NULL) != 1) {
        wire_tls_free(t);
        return es_fail(err, ENTRASQL_TLS, "cannot read certificates of %s", ca_file);
    }
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_options(t->ctx, SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
    (void)SSL_CTX_set_mode(t->ctx, SSL_MODE_AUTO_RETRY);
    *ret = t;
    return ENTRASQL_OK;
}

void wire_tls_free(wire_tls *t)
{
    if (t == NULL)
        return;
    SSL_CTX_free(t->ctx);
    es_free(t);
}

/* ---- bytes ---- */

static entrasql_status send_all(wire *w, const uint8_t *p, size_t n, entrasql_error *err)
{
    while (n > 0) {
        size_t done = 0;
        if (w->ssl != NULL) {
            if (SSL_write_ex(w->ssl, p, n, &done) != 1)
                return es_fail(err, ENTRASQL_NETWORK, "TLS write: %s", strerror(errno));
        } else {
            ssize_t sent = send(w->fd, p, n, MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR)
                continue;
            if (sent < 0)
                return es_fail_errno(err, errno, "send");
            done = (size_t)sent;
        }
        p += done;
        n -= done;
    }
    return ENTRASQL_OK;
}

/* One receive of whatever is there, into the empty input. */
static entrasql_status receive(wire *w, entrasql_error *err)
{
    size_t got = 0;
    w->in_at = 0;
    w->in_len = 0;
    if (w->ssl != NULL) {
        if (SSL_read_ex(w->ssl, w->in, IN_BYTES, &got) != 1)
            return es_fail(err, ENTRASQL_CLOSED, "the peer ended TLS");
    } else {
        ssize_t n = 0;
        do
            n = recv(w->fd, w->in, IN_BYTES, 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
            return es_fail_errno(err, errno, "recv");
        if (n == 0)
            return es_fail(err, ENTRASQL_CLOSED, "the peer closed the connection");
        got = (size_t)n;
    }
    w->in_len = got;
    return ENTRASQL_OK;
}

/* ---- TLS's handshake ---- */

static entrasql_status fail_tls(entrasql_error *err)
{
    return es_fail(err, ENTRASQL_TLS, "TLS: %s", ERR_error_string(ERR_get_error(), NULL));
}

static entrasql_status connect_strict(wire *w, entrasql_error *err)
{
    static const uint8_t alpn[] = {7, 't', 'd', 's', '/', '8', '.', '0'};
    if (SSL_set_fd(w->ssl, w->fd) != 1 || SSL_set_alpn_protos(w->ssl, alpn, sizeof alpn) != 0)
        return es_nomem(err);
    return SSL_connect(w->ssl) == 1 ? ENTRASQL_OK : fail_tls(err);
}

/* What OpenSSL has to say, as one PRELOGIN packet ([MS-TDS] 2.2.6.5). */
static entrasql_status send_flight(wire *w, BIO *out, entrasql_error *err)
{
    uint8_t packet[TDS_PACKET_HEADER_BYTES + TDS_PACKET_SIZE_MAX_TLS] = {TDS_PACKET_PRELOGIN,
                                                                         TDS_STATUS_EOM};
    size_t n = 0;
    if (BIO_ctrl_pending(out) == 0)
        return ENTRASQL_OK;
    if (BIO_read_ex(out, packet + TDS_PACKET_HEADER_BYTES, TDS_PACKET_SIZE_MAX_TLS, &n) != 1)
        return fail_tls(err);
    n += TDS_PACKET_HEADER_BYTES;
    packet[2] = (uint8_t)(n >> 8);
    packet[3] = (uint8_t)n;
    ssize_t sent = send(w->fd, packet, n, MSG_NOSIGNAL);
    return sent == (ssize_t)n ? ENTRASQL_OK : es_fail_errno(err, errno, "send");
}

static entrasql_status receive_flight(wire *w, BIO *in, entrasql_error *err)
{
    uint8_t packet[UINT16_MAX];
    size_t done = 0;
    if (recv(w->fd, packet, TDS_PACKET_HEADER_BYTES, MSG_WAITALL) != TDS_PACKET_HEADER_BYTES)
        return es_fail(err, ENTRASQL_CLOSED, "the peer closed the connection in TLS's handshake");
    size_t n = ((size_t)packet[2] << 8 | packet[3]) - TDS_PACKET_HEADER_BYTES;
    if (n == 0 || n > sizeof packet || recv(w->fd, packet, n, MSG_WAITALL) != (ssize_t)n ||
        BIO_write_ex(in, packet, n, &done) != 1)
        return fail_tls(err);
    return ENTRASQL_OK;
}

/* The handshake in memory; from then on OpenSSL has the socket. */
static entrasql_status connect_in_login(wire *w, entrasql_error *err)
{
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    int rc = 0;
    SSL_set_bio(w->ssl, in, out);
    if (in == NULL || out == NULL || SSL_set_max_proto_version(w->ssl, TLS1_2_VERSION) != 1)
        return es_nomem(err);
    SSL_set_connect_state(w->ssl);
    while ((rc = SSL_do_handshake(w->ssl)) != 1) {
        if (SSL_get_error(w->ssl, rc) != SSL_ERROR_WANT_READ)
            return fail_tls(err);
        ES_TRY(send_flight(w, out, err));
        ES_TRY(receive_flight(w, in, err));
    }
    ES_TRY(send_flight(w, out, err));
    return SSL_set_fd(w->ssl, w->fd) == 1 ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status start_tls(wire *w, const wire_options *o, entrasql_error *err)
{
    w->ssl = SSL_new(o->tls->ctx);
    char name[] = "localhost"; /* the macro casts const away */
    if (w->ssl == NULL || SSL_set_tlsext_host_name(w->ssl, name) != 1 ||
        SSL_set1_host(w->ssl, "localhost") != 1)
        return es_nomem(err);
    return o->tls_in_login ? connect_in_login(w, err) : connect_strict(w, err);
}

/* ---- login ---- */

static tds_encrypt encryption(const wire_options *o)
{
    if (o->tls == NULL)
        return TDS_ENCRYPT_NOT_SUPPORTED;
    return o->tls_in_login ? TDS_ENCRYPT_ON : TDS_ENCRYPT_STRICT;
}

static entrasql_status make_login(const wire_options *o, tds_login7 *l)
{
    ES_TRY(tds_login7_init(l));
    l->packet_size = o->packet_size;
    l->client_pid = (uint32_t)getpid();
    l->option_flags2 = TDS_OPTION2_ODBC;
    ES_TRY(tds_login7_set(&l->host_name, "wire"));
    ES_TRY(tds_login7_set(&l->library_name, "wire"));
    ES_TRY(tds_login7_set(&l->app_name, o->app_name != NULL ? o->app_name : "wire"));
    ES_TRY(tds_login7_set(&l->user_name, o->user != NULL ? o->user : ""));
    ES_TRY(tds_login7_set(&l->database, o->database != NULL ? o->database : ""));
    ES_TRY(tds_login7_set(&l->language, o->language != NULL ? o->language : ""));
    if (o->password != NULL && (l->password = es_secret_from_str(o->password)) == NULL)
        return ENTRASQL_NOMEM;
    return ENTRASQL_OK;
}

static entrasql_status new_engine(const wire_options *o, tds_client **ret, entrasql_error *err)
{
    tds_login7 login;
    entrasql_status status = make_login(o, &login);
    tds_client_options options = {
        .login = &login,
        .server_name = "localhost",
        .encrypt = encryption(o),
        .auth = o->token != NULL ? TDS_CLIENT_AUTH_TOKEN : TDS_CLIENT_AUTH_PASSWORD,
        .allow_clear_password = true,
    };
    status = status == ENTRASQL_OK ? tds_client_new(&options, ret, err) : es_nomem(err);
    tds_login7_done(&login);
    return status;
}

static entrasql_status give_token(tds_client *c, const char *text, entrasql_error *err)
{
    es_secret *token = es_secret_from_str(text);
    if (token == NULL)
        return es_nomem(err);
    entrasql_status status = tds_client_give_token(c, token, err);
    es_secret_unref(token);
    return status;
}

static entrasql_status feed_engine(wire *w, tds_client *c, entrasql_error *err)
{
    size_t used = 0;
    if (w->in_at == w->in_len)
        ES_TRY(receive(w, err));
    ES_TRY(tds_client_feed(c, w->in + w->in_at, w->in_len - w->in_at, &used, err));
    w->in_at += used;
    return ENTRASQL_OK;
}

static entrasql_status log_in(wire *w, const wire_options *o, tds_client *c, entrasql_error *err)
{
    for (;;) {
        es_buf *out = tds_client_output(c);
        ES_TRY(send_all(w, out->data, out->len, err));
        es_buf_clear(out);
        switch (tds_client_wants(c)) {
        case TDS_CLIENT_WANT_TLS:
            ES_TRY(start_tls(w, o, err));
            ES_TRY(tds_client_tls_started(c, err));
            break;
        case TDS_CLIENT_WANT_TOKEN:
            ES_TRY(give_token(c, o->token, err));
            break;
        case TDS_CLIENT_WANT_READ:
            ES_TRY(feed_engine(w, c, err));
            break;
        case TDS_CLIENT_READY:
            w->packet_size = tds_client_packet_size(c);
            return ENTRASQL_OK;
        case TDS_CLIENT_ROUTED:
        case TDS_CLIENT_WANT_TLS_END:
        case TDS_CLIENT_FAILED:
            return es_fail(err, ENTRASQL_UNSUPPORTED, "the server wants what this client has not");
        }
    }
}

static entrasql_status dial(wire *w, const wire_options *o, entrasql_error *err)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(o->port)};
    const int on = 1;
    uint32_t ms = o->timeout_ms != 0 ? o->timeout_ms : DEFAULT_TIMEOUT_MS;
    const struct timeval wait = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (w->fd < 0)
        return es_fail_errno(err, errno, "socket");
    (void)setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(w->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    (void)setsockopt(w->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (connect(w->fd, (struct sockaddr *)&a, sizeof a) != 0)
        return es_fail_errno(err, errno, "connect to port %u", o->port);
    return ENTRASQL_OK;
}

static entrasql_status open_it(wire *w, const wire_options *o, entrasql_error *err)
{
    tds_client *c = NULL;
    ES_TRY(dial(w, o, err));
    ES_TRY(new_engine(o, &c, err));
    entrasql_status status = log_in(w, o, c, err);
    tds_client_free(c);
    return status;
}

entrasql_status wire_open(const wire_options *o, wire **ret, entrasql_error *err)
{
    wire *w = es_calloc(1, sizeof *w);
    if (w == NULL)
        return es_nomem(err);
    w->fd = -1;
    w->out = ES_BUF_INIT(OUT_MAX_BYTES);
    w->in = es_malloc(IN_BYTES);
    entrasql_status status = w->in != NULL ? open_it(w, o, err) : es_nomem(err);
    if (status != ENTRASQL_OK) {
        wire_close(w);
        return status;
    }
    *ret = w;
    return ENTRASQL_OK;
}

void wire_close(wire *w)
{
    if (w == NULL)
        return;
    SSL_free(w->ssl);
    if (w->fd >= 0)
        (void)close(w->fd);
    tds_reply_free(w->reply);
    es_buf_done(&w->out);
    es_free(w->in);
    es_free(w);
}

void wire_abort(wire *w)
{
    const struct linger reset = {.l_onoff = 1};
    if (w != NULL)
        (void)setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    wire_close(w);
}

int wire_fd(const wire *w)
{
    return w->fd;
}

bool wire_in_transaction(const wire *w)
{
    return w->transaction != 0;
}

/* ---- requests ---- */

static entrasql_status build(wire *w, const char *text, bool reset, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(OUT_MAX_BYTES);
    tds_splitter s;
    es_buf_clear(&w->out);
    tds_splitter_init(&s, TDS_PACKET_BATCH, 0, w->packet_size);
    s.first_status = reset ? TDS_STATUS_RESET : 0;
    if (tds_batch_build(text, strlen(text), w->transaction, &body) != ENTRASQL_OK ||
        tds_splitter_move(&s, &body, true, &w->out) != ENTRASQL_OK)
        return es_nomem(err);
    return ENTRASQL_OK;
}

entrasql_status wire_send(wire *w, const char *text, bool reset, entrasql_error *err)
{
    ES_TRY(build(w, text, reset, err));
    return send_all(w, w->out.data, w->out.len, err);
}

entrasql_status wire_send_part(wire *w, const char *text, size_t n, entrasql_error *err)
{
    ES_TRY(build(w, text, false, err));
    return send_all(w, w->out.data, n < w->out.len ? n : w->out.len - 1, err);
}

entrasql_status wire_attention(wire *w, entrasql_error *err)
{
    static const uint8_t packet[] = {TDS_PACKET_ATTENTION, TDS_STATUS_EOM, 0, 8, 0, 0, 0, 0};
    return send_all(w, packet, sizeof packet, err);
}

/* ---- answers ---- */

static entrasql_status take(wire *w, uint8_t *p, size_t n, entrasql_error *err)
{
    while (n > 0) {
        if (w->in_at == w->in_len)
            ES_TRY(receive(w, err));
        size_t some = w->in_len - w->in_at < n ? w->in_len - w->in_at : n;
        memcpy(p, w->in + w->in_at, some);
        w->in_at += some;
        p += some;
        n -= some;
    }
    return ENTRASQL_OK;
}

/* A packet's header; only replies come from a server. */
static entrasql_status take_header(wire *w, size_t *ret_payload, bool *ret_last,
                                   entrasql_error *err)
{
    uint8_t head[TDS_PACKET_HEADER_BYTES];
    tds_packet_header h;
    ES_TRY(take(w, head, sizeof head, err));
    ES_TRY(tds_packet_header_parse(head, &h, err));
    if (h.type != TDS_PACKET_REPLY)
        return es_fail(err, ENTRASQL_MALFORMED, "a packet of type %u instead of a reply", h.type);
    *ret_payload = h.length - TDS_PACKET_HEADER_BYTES;
    *ret_last = (h.status & TDS_STATUS_EOM) != 0;
    return ENTRASQL_OK;
}

entrasql_status wire_skip(wire *w, uint64_t *ret_bytes, entrasql_error *err)
{
    bool last = false;
    *ret_bytes = 0;
    while (!last) {
        size_t left = 0;
        ES_TRY(take_header(w, &left, &last, err));
        *ret_bytes += left + TDS_PACKET_HEADER_BYTES;
        while (left > 0) {
            if (w->in_at == w->in_len)
                ES_TRY(receive(w, err));
            size_t some = w->in_len - w->in_at < left ? w->in_len - w->in_at : left;
            w->in_at += some;
            left -= some;
        }
    }
    return ENTRASQL_OK;
}

static void add_to_checksum(uint64_t *sum, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        *sum = (*sum ^ (uint8_t)p[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
}

static void note_row(const wire *w, wire_answer *a, const tds_event *e)
{
    a->rows++;
    a->value_count = e->count < WIRE_VALUES ? e->count : WIRE_VALUES;
    for (size_t i = 0; i < a->value_count; i++) {
        const sqlvalue *v = &e->values[i];
        wire_value *to = &a->values[i];
        to->is_null = v->is_null;
        to->i = 0;
        to->text[0] = '\0';
        if (v->is_null)
            continue;
        if (sqltype_is_string(v->type.id)) {
            size_t n = v->u.s.len < sizeof to->text - 1 ? v->u.s.len : sizeof to->text - 1;
            memcpy(to->text, v->u.s.data, n);
            to->text[n] = '\0';
            add_to_checksum(&a->checksum, v->u.s.data, v->u.s.len);
        } else {
            to->i = v->u.i;
        }
    }
    if (w->on_row != NULL)
        w->on_row(w->on_row_ctx, a);
}

static void note_change(wire *w, wire_answer *a, const tds_envchange *change)
{
    es_reader value = change->new_value;
    switch (change->type) {
    case TDS_ENV_BEGIN:
        if (es_reader_u64le(&value, &w->transaction) != ENTRASQL_OK)
            w->transaction = 0;
        break;
    case TDS_ENV_COMMIT:
    case TDS_ENV_ROLLBACK:
    case TDS_ENV_TRANSACTION_ENDED:
        w->transaction = 0;
        break;
    case TDS_ENV_RESET:
        a->reset_seen = true;
        w->transaction = 0;
        break;
    default:
        break;
    }
}

static void note_event(wire *w, wire_answer *a, const tds_event *e)
{
    switch (e->kind) {
    case TDS_EVENT_ROW:
        note_row(w, a, e);
        break;
    case TDS_EVENT_MESSAGE:
        if (e->message->severity > 10 && a->error == 0) {
            a->error = e->message->number;
            a->severity = e->message->severity;
            es_strlcpy_utf8(a->error_text, sizeof a->error_text, e->message->text);
        }
        break;
    case TDS_EVENT_ENVCHANGE:
        note_change(w, a, &e->env);
        break;
    case TDS_EVENT_DONE:
        a->attention_seen = a->attention_seen || (e->done.status & TDS_DONE_ATTN) != 0;
        break;
    case TDS_EVENT_COLUMNS:
    case TDS_EVENT_RETURN_STATUS:
    case TDS_EVENT_RETURN_VALUE:
    case TDS_EVENT_TOKEN:
    case TDS_EVENT_END:
        break;
    }
}

/* The events that are whole already. */
static entrasql_status drain_events(wire *w, wire_answer *a, bool *ret_over, entrasql_error *err)
{
    for (;;) {
        tds_event e;
        entrasql_status status = tds_reply_next(w->reply, &e, err);
        if (status == ENTRASQL_AGAIN)
            return ENTRASQL_OK;
        ES_TRY(status);
        note_event(w, a, &e);
        if (e.kind == TDS_EVENT_END) {
            *ret_over = true;
            return ENTRASQL_OK;
        }
    }
}

entrasql_status wire_read(wire *w, wire_answer *ret, entrasql_error *err)
{
    bool over = false;
    memset(ret, 0, sizeof *ret);
    ret->checksum = UINT64_C(0xcbf29ce484222325);
    if (w->reply == NULL)
        ES_TRY(tds_reply_new(VALUE_MAX_BYTES, &w->reply, err));
    while (!over) {
        size_t left = 0;
        bool last = false;
        ES_TRY(take_header(w, &left, &last, err));
        ret->bytes += left + TDS_PACKET_HEADER_BYTES;
        do {
            if (left > 0 && w->in_at == w->in_len)
                ES_TRY(receive(w, err));
            size_t some = w->in_len - w->in_at < left ? w->in_len - w->in_at : left;
            ES_TRY(tds_reply_feed(w->reply, w->in + w->in_at, some, last && some == left, err));
            w->in_at += some;
            left -= some;
            ES_TRY(drain_events(w, ret, &over, err));
        } while (left > 0);
        if (last && !over)
            return es_fail(err, ENTRASQL_TRUNCATED, "a reply ends early");
    }
    return ENTRASQL_OK;
}

entrasql_status wire_nibble(wire *w, size_t n, entrasql_error *err)
{
    uint8_t head[TDS_PACKET_HEADER_BYTES] = {0};
    size_t left = 0; /* of the packet's payload */
    for (size_t in_head = 0; n > 0; n--) {
        uint8_t one = 0;
        ES_TRY(take(w, &one, 1, err));
        if (in_head < sizeof head) {
            head[in_head++] = one;
            left = ((size_t)head[2] << 8 | head[3]) - sizeof head;
        } else {
            left--;
        }
        if (in_head < sizeof head || left > 0)
            continue;
        if ((head[1] & TDS_STATUS_EOM) != 0)
            return ENTRASQL_OK;
        in_head = 0;
    }
    return ENTRASQL_OK;
}

void wire_on_row(wire *w, void (*fn)(void *ctx, const wire_answer *a), void *ctx)
{
    w->on_row = fn;
    w->on_row_ctx = ctx;
}

entrasql_status wire_run(wire *w, const char *text, wire_answer *ret, entrasql_error *err)
{
    ES_TRY(wire_send(w, text, false, err));
    return wire_read(w, ret, err);
}
