/* SPDX-License-Identifier: MIT */
/*
 * The server of the bench: as fast a source of TDS answers as one can be, so that what
 * stands before it is what gets measured. OpenSSL on the socket, TLS first (strict, TDS
 * 8.0) or with its handshake inside PRELOGIN (TDS 7.4); any login is accepted, a token is not
 * looked at.
 *
 *   source CERT KEY [PORT]      prints the port
 *
 * A batch "SELECT n" with n >= 1000 is answered by that many bytes of rows, every other
 * request by one row. Each packet is a TLS record of its own, as SQL Server sends them.
 * RESETCONNECTION and ATTENTION are acknowledged. Two threads serve, each its own connections.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "os/sock.h"
#include "tds/packet.h"
#include "tds/proto.h"
#include "tds/row.h"
#include "tds/server.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define WORKERS 2
#define EVENTS 64
#define IN_BYTES 16384
#define BODY_MAX_BYTES ((size_t)1024 * 1024)
#define ROW_BYTES 8000
#define LARGE_FROM 1000
/* Packets sent in one turn before others are looked at. */
#define SEND_TURNS 64

typedef enum phase {
    PHASE_FIRST,    /* its first byte says which kind of client it is */
    PHASE_PRELOGIN, /* TDS 7.4, in clear */
    PHASE_WRAPPED,  /* TLS's handshake inside PRELOGIN packets */
    PHASE_STRICT,   /* TLS's handshake first */
    PHASE_LOGIN,
    PHASE_READY
} phase;

typedef struct peer {
    int fd;
    phase at;
    SSL *ssl;
    tds_server *engine;
    tds_assembler request; /* also of the wrapped handshake */
    uint32_t packet_size;
    es_buf out;        /* small answers, and the large one's beginning and end */
    size_t sent;       /* of out */
    uint64_t left;     /* payload bytes of a large answer still to send */
    uint8_t *packet;   /* of a large answer: a header and rows */
    size_t packet_len; /* of the packet under way; 0: none */
    bool writes;       /* EPOLLOUT is asked for */
} peer;

static SSL_CTX *tls;

static void drop(peer *p)
{
    SSL_free(p->ssl);
    os_sock_close(&p->fd);
    tds_server_free(p->engine);
    tds_assembler_done(&p->request);
    es_buf_done(&p->out);
    es_free(p->packet);
    es_free(p);
}

/* ---- answers ---- */

static entrasql_status add_done(es_buf *body, uint16_t status)
{
    return tds_done_add(body, TDS_TOKEN_DONE, status, 0xC1, 1);
}

static entrasql_status add_small(es_buf *body)
{
    sqlvalue one = sqlvalue_int(1);
    tds_column column = tds_column_of("", one.type, false, false, false);
    ES_TRY(tds_colmetadata_add(body, &column, 1));
    ES_TRY(tds_row_add(body, &column, &one, 1));
    return add_done(body, TDS_DONE_COUNT);
}

/* A varbinary column; its rows follow. */
static entrasql_status add_large_head(es_buf *body)
{
    const sqltype type = {.id = SQLTYPE_VARBINARY, .length = ROW_BYTES};
    tds_column column = tds_column_of("bytes", type, true, false, false);
    return tds_colmetadata_add(body, &column, 1);
}

static entrasql_status answer(peer *p, es_buf *body)
{
    return tds_packets_write(TDS_PACKET_REPLY, 0, p->packet_size, body->data, body->len, &p->out);
}

/*
 * A packet that holds whole rows: 0xD1, length, bytes; the last one is as long as it
 * takes to fill the packet.
 */
static void fill_packet(peer *p)
{
    size_t at = TDS_PACKET_HEADER_BYTES;
    const uint8_t head[TDS_PACKET_HEADER_BYTES] = {
        TDS_PACKET_REPLY, 0, (uint8_t)(p->packet_size >> 8), (uint8_t)p->packet_size};
    memcpy(p->packet, head, sizeof head);
    while (at < p->packet_size) {
        size_t n = p->packet_size - at - 3;
        if (n > ROW_BYTES)
            n = n - ROW_BYTES < 3 ? ROW_BYTES - 3 : ROW_BYTES;
        p->packet[at] = TDS_TOKEN_ROW;
        p->packet[at + 1] = (uint8_t)n;
        p->packet[at + 2] = (uint8_t)(n >> 8);
        memset(p->packet + at + 3, (int)(at & 0xFF), n);
        at += 3 + n;
    }
}

static entrasql_status start_large(peer *p, uint64_t bytes)
{
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(BODY_MAX_BYTES);
    ES_TRY(add_large_head(&body));
    ES_TRY(tds_packets_write(TDS_PACKET_REPLY, 0, p->packet_size, body.data, body.len, &p->out));
    p->out.data[p->out.len - body.len - TDS_PACKET_HEADER_BYTES + 1] = 0; /* not the last packet */
    if (p->packet == NULL) {
        p->packet = es_malloc(p->packet_size);
        if (p->packet == NULL)
            return ENTRASQL_NOMEM;
        fill_packet(p);
    }
    p->left = bytes;
    return ENTRASQL_OK;
}

static uint64_t asked_bytes(const tds_assembler *a)
{
    static const char word[] = "SELECT ";
    const es_buf *b = &a->body;
    size_t at = 22; /* ALL_HEADERS with one header */
    uint64_t n = 0;
    if (a->type != TDS_PACKET_BATCH || b->len < at + 2 * sizeof word)
        return 0;
    for (size_t i = 0; i < sizeof word - 1; i++, at += 2)
        if (b->data[at] != word[i])
            return 0;
    for (; at + 1 < b->len && b->data[at] >= '0' && b->data[at] <= '9'; at += 2)
        n = n * 10 + (b->data[at] - '0');
    return n;
}

static entrasql_status serve(peer *p)
{
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(BODY_MAX_BYTES);
    uint64_t bytes = asked_bytes(&p->request);
    if (p->request.type == TDS_PACKET_ATTENTION) {
        ES_TRY(add_done(&body, TDS_DONE_ATTN));
        return answer(p, &body);
    }
    if ((p->request.status & (TDS_STATUS_RESET | TDS_STATUS_RESET_KEEP_TRAN)) != 0)
        ES_TRY(tds_envchange_add_bytes(&body, TDS_ENV_RESET, NULL, 0, NULL, 0));
    if (bytes >= LARGE_FROM)
        return start_large(p, bytes);
    ES_TRY(add_small(&body));
    return answer(p, &body);
}

/* ---- sending ---- */

/* AGAIN: the socket is full. */
static entrasql_status write_some(peer *p, const uint8_t *data, size_t n, size_t *ret_n)
{
    ERR_clear_error();
    if (p->at < PHASE_STRICT)
        return os_sock_send(p->fd, data, n, ret_n, NULL);
    if (SSL_write_ex(p->ssl, data, n, ret_n) == 1)
        return ENTRASQL_OK;
    int why = SSL_get_error(p->ssl, 0);
    return why == SSL_ERROR_WANT_WRITE ? ENTRASQL_AGAIN : ENTRASQL_NETWORK;
}

static entrasql_status flush_out(peer *p)
{
    while (p->sent < p->out.len) {
        size_t n = 0;
        ES_TRY(write_some(p, p->out.data + p->sent, p->out.len - p->sent, &n));
        p->sent += n;
    }
    p->sent = 0;
    es_buf_clear(&p->out);
    return ENTRASQL_OK;
}

static entrasql_status end_large(peer *p)
{
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(64);
    ES_TRY(add_done(&body, TDS_DONE_COUNT));
    ES_TRY(answer(p, &body));
    return flush_out(p);
}

static entrasql_status flush(peer *p)
{
    ES_TRY(flush_out(p));
    for (int turn = 0; turn < SEND_TURNS; turn++) {
        size_t n = 0;
        if (p->left == 0)
            return ENTRASQL_OK;
        ES_TRY(write_some(p, p->packet, p->packet_size, &n));
        p->left -= p->left < p->packet_size ? p->left : p->packet_size;
        if (p->left == 0)
            return end_large(p);
    }
    return ENTRASQL_AGAIN;
}

/* ---- receiving ---- */

static entrasql_status read_some(peer *p, uint8_t *space, size_t *ret_n)
{
    ERR_clear_error();
    if (p->at < PHASE_STRICT)
        return os_sock_recv(p->fd, space, IN_BYTES, ret_n, NULL);
    if (SSL_read_ex(p->ssl, space, IN_BYTES, ret_n) == 1)
        return ENTRASQL_OK;
    return SSL_get_error(p->ssl, 0) == SSL_ERROR_WANT_READ ? ENTRASQL_AGAIN : ENTRASQL_CLOSED;
}

static entrasql_status start_wrapped(peer *p)
{
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    SSL_set_bio(p->ssl, in, out);
    if (in == NULL || out == NULL || SSL_set_max_proto_version(p->ssl, TLS1_2_VERSION) != 1)
        return ENTRASQL_NOMEM;
    tds_assembler_done(&p->request);
    tds_assembler_init(&p->request, BODY_MAX_BYTES, false, TDS_ACCEPT(TDS_PACKET_PRELOGIN));
    p->at = PHASE_WRAPPED;
    return ENTRASQL_OK;
}

static entrasql_status step_login(peer *p, const uint8_t *data, size_t n, size_t *ret_used)
{
    ES_TRY(tds_server_feed(p->engine, data, n, ret_used, NULL));
    if (tds_server_wants(p->engine) == TDS_SERVER_WANT_DECISION) {
        const tds_server_accept_options o = {.server_name = "source", .database = "bench"};
        ES_TRY(tds_server_accept(p->engine, &o, NULL));
    }
    es_buf *out = tds_server_output(p->engine);
    ES_TRY(es_buf_add(&p->out, out->data, out->len));
    es_buf_clear(out);
    if (tds_server_wants(p->engine) == TDS_SERVER_WANT_TLS)
        return start_wrapped(p);
    if (tds_server_wants(p->engine) == TDS_SERVER_READY) {
        p->at = PHASE_READY;
        p->packet_size = tds_server_packet_size(p->engine);
        tds_server_free(p->engine);
        p->engine = NULL;
    }
    return ENTRASQL_OK;
}

/* ---- TLS's handshake ---- */

static bool set_fd(peer *p)
{
    return SSL_set_fd(p->ssl, p->fd) == 1;
}

static entrasql_status add_flight(peer *p)
{
    uint8_t space[IN_BYTES];
    size_t n = 0;
    BIO *out = SSL_get_wbio(p->ssl);
    while (BIO_ctrl_pending(out) > 0) {
        if (BIO_read_ex(out, space, sizeof space, &n) != 1)
            return ENTRASQL_TLS;
        ES_TRY(
            tds_packets_write(TDS_PACKET_PRELOGIN, 0, TDS_PACKET_SIZE_DEFAULT, space, n, &p->out));
    }
    return ENTRASQL_OK;
}

/* A whole flight of the client has come. */
static entrasql_status step_wrapped(peer *p)
{
    size_t n = 0;
    if (BIO_write_ex(SSL_get_rbio(p->ssl), p->request.body.data, p->request.body.len, &n) != 1)
        return ENTRASQL_TLS;
    tds_assembler_next(&p->request);
    ERR_clear_error();
    int rc = SSL_do_handshake(p->ssl);
    ES_TRY(add_flight(p));
    if (rc != 1)
        return SSL_get_error(p->ssl, rc) == SSL_ERROR_WANT_READ ? ENTRASQL_OK : ENTRASQL_TLS;
    ES_TRY(flush_out(p)); /* the last bytes in clear; a new socket takes them at once */
    tds_assembler_done(&p->request);
    tds_assembler_init(&p->request, BODY_MAX_BYTES, false, TDS_ACCEPT_REQUESTS);
    p->at = PHASE_LOGIN;
    return set_fd(p) ? tds_server_tls_started(p->engine, NULL) : ENTRASQL_NOMEM;
}

static entrasql_status step_request(peer *p, const uint8_t *data, size_t n, size_t *ret_used)
{
    ES_TRY(tds_assembler_feed(&p->request, data, n, ret_used, NULL));
    if (!p->request.complete)
        return ENTRASQL_OK;
    if (p->at == PHASE_WRAPPED)
        return step_wrapped(p);
    ES_TRY(serve(p));
    tds_assembler_next(&p->request);
    return ENTRASQL_OK;
}

static entrasql_status take(peer *p, const uint8_t *data, size_t n)
{
    while (n > 0) {
        size_t used = 0;
        if (p->at == PHASE_LOGIN || p->at == PHASE_PRELOGIN)
            ES_TRY(step_login(p, data, n, &used));
        else
            ES_TRY(step_request(p, data, n, &used));
        data += used;
        n -= used;
    }
    return ENTRASQL_OK;
}

static entrasql_status start_login(peer *p, bool strict)
{
    const tds_server_options o = {.strict = strict,
                                  .tls = TDS_SERVER_TLS_REQUIRED,
                                  .max_packet_size = TDS_PACKET_SIZE_MAX_TLS};
    p->at = strict ? PHASE_LOGIN : PHASE_PRELOGIN;
    return tds_server_new(&o, &p->engine, NULL);
}

static entrasql_status sniff(peer *p)
{
    uint8_t first = 0;
    ssize_t n = recv(p->fd, &first, 1, MSG_PEEK);
    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR) ? ENTRASQL_AGAIN : ENTRASQL_CLOSED;
    if (first != TDS_FIRST_BYTE_TLS)
        return start_login(p, false);
    p->at = PHASE_STRICT;
    return set_fd(p) ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

static entrasql_status shake_hands(peer *p)
{
    ERR_clear_error();
    int rc = SSL_accept(p->ssl);
    if (rc == 1)
        return start_login(p, true);
    return SSL_get_error(p->ssl, rc) == SSL_ERROR_WANT_READ ? ENTRASQL_AGAIN : ENTRASQL_TLS;
}

static entrasql_status step(peer *p)
{
    uint8_t space[IN_BYTES];
    if (p->at == PHASE_FIRST)
        ES_TRY(sniff(p));
    if (p->at == PHASE_STRICT)
        ES_TRY(shake_hands(p));
    for (;;) {
        size_t n = 0;
        ES_TRY(flush(p));
        ES_TRY(read_some(p, space, &n));
        ES_TRY(take(p, space, n));
    }
}

/* ---- workers ---- */

static void watch(int set, peer *p, int op)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = p};
    p->writes = p->left > 0 || p->out.len > 0;
    if (p->writes)
        e.events |= EPOLLOUT;
    if (epoll_ctl(set, op, p->fd, &e) != 0)
        abort();
}

static void *work(void *context)
{
    const int set = *(const int *)context;
    struct epoll_event events[EVENTS];
    for (;;) {
        int n = epoll_wait(set, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            peer *p = events[i].data.ptr;
            if (step(p) != ENTRASQL_AGAIN) {
                drop(p);
            } else if (p->writes != (p->left > 0 || p->out.len > 0)) {
                watch(set, p, EPOLL_CTL_MOD);
            }
        }
    }
    return NULL;
}

static bool admit(int set, int fd)
{
    peer *p = es_calloc(1, sizeof *p);
    if (p == NULL)
        return false;
    p->fd = fd;
    p->out = ES_BUF_INIT(BODY_MAX_BYTES);
    tds_assembler_init(&p->request, BODY_MAX_BYTES, false, TDS_ACCEPT_REQUESTS);
    p->ssl = SSL_new(tls);
    if (p->ssl == NULL) {
        drop(p);
        return false;
    }
    SSL_set_accept_state(p->ssl);
    watch(set, p, EPOLL_CTL_ADD);
    return true;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *arg)
{
    static const unsigned char wanted[] = "\x07tds/8.0";
    unsigned char *found = NULL;
    (void)ssl, (void)arg;
    if (SSL_select_next_proto(&found, out_len, wanted, sizeof wanted - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = found;
    return SSL_TLSEXT_ERR_OK;
}

static bool set_up_tls(const char *cert, const char *key)
{
    tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL || SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
        return false;
    SSL_CTX_set_alpn_select_cb(tls, choose_alpn, NULL);
    (void)SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                    SSL_MODE_ENABLE_PARTIAL_WRITE);
    (void)SSL_CTX_set_options(tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
    return true;
}

static void raise_limit(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
        l.rlim_cur = l.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &l);
    }
}

int main(int argc, char **argv)
{
    int listener = -1;
    uint16_t port = argc > 3 ? (uint16_t)strtoul(argv[3], NULL, 10) : 0;
    static int sets[WORKERS];
    unsigned turn = 0;
    (void)signal(SIGPIPE, SIG_IGN);
    raise_limit();
    if (argc < 3 || !set_up_tls(argv[1], argv[2]) ||
        os_sock_listen_loopback(AF_INET, port, 4096, &listener, &port, NULL) != ENTRASQL_OK) {
        (void)fprintf(stderr, "source CERT KEY [PORT]\n");
        return 1;
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_t thread;
        sets[i] = epoll_create1(EPOLL_CLOEXEC);
        if (sets[i] < 0 || pthread_create(&thread, NULL, work, &sets[i]) != 0)
            return 1;
    }
    (void)printf("%u\n", port);
    (void)fflush(stdout);
    for (;;) {
        int fd = -1;
        struct pollfd ready = {.fd = listener, .events = POLLIN};
        (void)poll(&ready, 1, -1);
        if (os_sock_accept(listener, &fd, NULL) == ENTRASQL_OK)
            (void)admit(sets[turn++ % WORKERS], fd);
    }
}
