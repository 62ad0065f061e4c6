/* SPDX-License-Identifier: MIT */
/* The byte stream over a socket, in clear or through TLS. */
#include "relay/stream.h"

#include "base/mem.h"
#include "os/sock.h"
#include "relay/frame.h"

#include <string.h>

#define QUEUE_MAX_BYTES ((size_t)1024 * 1024)
/* Of the handshake, and by streams without a scratch; on the stack. */
#define OWN_SPACE_BYTES ((size_t)16 * 1024)
/* Who reads a byte or two does not make a system call for each. */
#define LEAST_RECEIVE_BYTES ((size_t)4096)
/* Of a TLS record's payload (RFC 8446, 5.1). */
#define RECORD_MAX_BYTES ((size_t)16 * 1024)
/* One read() takes at most so many turns at the socket, so that nobody can keep it busy. */
#define RECEIVE_TURNS 64

struct relay_stream {
    int fd;
    tls_conn *tls;
    bool said_goodbye; /* TLS's close_notify is queued */
    bool ended;        /* the socket has delivered its last byte */
    bool is_drained;   /* the latest receive was shorter than it might have been */
    bool may_hold;     /* TLS may hold received bytes that no event on the socket tells of */
    uint64_t sent;
    relay_scratch *scratch; /* NULL: none is lent */
    relay_frame frame;      /* of what is written through TLS */
    es_buf queue;      /* clear bytes and what TLS left behind; goes out before TLS's own output */
    es_buf given_back; /* read() delivers it first */
};

entrasql_status relay_scratch_new(size_t size, relay_scratch **ret)
{
    relay_scratch *s = es_calloc(1, sizeof *s);
    if (s == NULL)
        return ENTRASQL_NOMEM;
    s->size = size;
    s->plain = es_malloc(size);
    /* TLS may hold the beginning of a record, which comes on top of what is received: with so
       much less of that whoever reads a scratch full always gets all of it in one piece. */
    s->cipher_size = size - RECORD_MAX_BYTES;
    s->cipher = es_malloc(s->cipher_size);
    s->out = ES_BUF_INIT(TLS_OUTPUT_MAX_BYTES);
    if (s->plain == NULL || s->cipher == NULL) {
        relay_scratch_free(s);
        return ENTRASQL_NOMEM;
    }
    *ret = s;
    return ENTRASQL_OK;
}

void relay_scratch_free(relay_scratch *s)
{
    if (s == NULL)
        return;
    es_free_wipe(s->plain, s->plain != NULL ? s->size : 0);
    es_free(s->cipher);
    es_buf_done(&s->out);
    es_free(s);
}

entrasql_status relay_stream_new(int fd, tls_conn *tls, relay_stream **ret)
{
    relay_stream *s = es_calloc(1, sizeof *s);
    if (s == NULL)
        return ENTRASQL_NOMEM;
    s->fd = fd;
    s->tls = tls;
    /* Logins pass through here: what is dropped is wiped. */
    s->queue = ES_BUF_INIT_WIPE(SIZE_MAX);
    s->given_back = ES_BUF_INIT_WIPE(QUEUE_MAX_BYTES);
    *ret = s;
    return ENTRASQL_OK;
}

void relay_stream_free(relay_stream *s)
{
    if (s == NULL)
        return;
    tls_conn_free(s->tls);
    /* A forked child may hold a copy of the descriptor: the peer shall see the end all the same. */
    (void)shutdown(s->fd, SHUT_RDWR);
    os_sock_close(&s->fd);
    es_buf_done(&s->queue);
    es_buf_done(&s->given_back);
    es_free(s);
}

void relay_stream_use_scratch(relay_stream *s, relay_scratch *scratch)
{
    s->scratch = scratch;
}

int relay_stream_fd(const relay_stream *s)
{
    return s->fd;
}

const tls_conn *relay_stream_tls(const relay_stream *s)
{
    return s->tls;
}

/* ---- sending what is queued ---- */

static entrasql_status send_some(relay_stream *s, es_buf *b, entrasql_error *err)
{
    size_t sent_all = 0;
    entrasql_status status = ENTRASQL_OK;
    while (sent_all < b->len && status == ENTRASQL_OK) {
        size_t sent = 0;
        status = os_sock_send(s->fd, b->data + sent_all, b->len - sent_all, &sent, err);
        if (status == ENTRASQL_OK)
            sent_all += sent;
    }
    es_buf_consume(b, sent_all);
    s->sent += sent_all;
    return status;
}

entrasql_status relay_stream_flush(relay_stream *s, entrasql_error *err)
{
    if (s->queue.len > 0) {
        ES_TRY(send_some(s, &s->queue, err));
        es_buf_done(&s->queue);
    }
    if (s->tls != NULL && tls_conn_output(s->tls)->len > 0) {
        ES_TRY(send_some(s, tls_conn_output(s->tls), err));
        es_buf_done(tls_conn_output(s->tls));
    }
    return ENTRASQL_OK;
}

size_t relay_stream_queued(const relay_stream *s)
{
    return s->queue.len + (s->tls != NULL ? tls_conn_output(s->tls)->len : 0);
}

uint64_t relay_stream_sent(const relay_stream *s)
{
    return s->sent;
}

/* AGAIN is no failure of a write: the bytes are queued. */
static entrasql_status flush_if_possible(relay_stream *s, entrasql_error *err)
{
    entrasql_status status = relay_stream_flush(s, err);
    return status == ENTRASQL_AGAIN ? ENTRASQL_OK : status;
}

/* ---- receiving ---- */

/* From the socket into the space. AGAIN, CLOSED, NETWORK as os_sock_recv(). */
static entrasql_status receive(relay_stream *s, uint8_t *space, size_t size, size_t *ret_n,
                               entrasql_error *err)
{
    if (s->ended)
        return es_fail(err, ENTRASQL_CLOSED, "the peer closed the connection");
    entrasql_status status = os_sock_recv(s->fd, space, size, ret_n, err);
    s->ended = status == ENTRASQL_CLOSED;
    s->is_drained = status == ENTRASQL_AGAIN || (status == ENTRASQL_OK && *ret_n < size);
    return status;
}

/* For the handshake: what comes is TLS's to keep. */
static entrasql_status receive_for_handshake(relay_stream *s, entrasql_error *err)
{
    uint8_t space[OWN_SPACE_BYTES];
    size_t got = 0;
    ES_TRY(receive(s, space, sizeof space, &got, err));
    return tls_conn_feed(s->tls, space, got, err);
}

/* A stream with a scratch is past its login: nothing but records follows. */
static entrasql_status decrypt(relay_stream *s, void *p, size_t n, size_t *ret_n,
                               entrasql_error *err)
{
    if (s->scratch == NULL)
        return tls_conn_read(s->tls, p, n, ret_n, err);
    return tls_conn_read_all(s->tls, p, n, ret_n, err);
}

/*
 * One receive and what can be read of it: whoever reads a scratch full leaves
 * nothing behind but the beginning of a record.
 */
static entrasql_status receive_and_read(relay_stream *s, uint8_t *space, size_t size, void *p,
                                        size_t n, size_t *ret_n, entrasql_error *err)
{
    size_t got = 0;
    size_t most = n < LEAST_RECEIVE_BYTES ? LEAST_RECEIVE_BYTES : n;
    most = most < size ? most : size;
    ES_TRY(receive(s, space, most, &got, err));
    tls_conn_lend(s->tls, space, got);
    entrasql_status status = decrypt(s, p, n, ret_n, err);
    ES_TRY(tls_conn_end_loan(s->tls, err));
    return status;
}

static entrasql_status receive_all(relay_stream *s, uint8_t *space, size_t size, void *p, size_t n,
                                   size_t *ret_n, entrasql_error *err)
{
    entrasql_status status = ENTRASQL_AGAIN;
    s->is_drained = false;
    for (int turn = 0; turn < RECEIVE_TURNS && !s->is_drained && status == ENTRASQL_AGAIN; turn++)
        status = receive_and_read(s, space, size, p, n, ret_n, err);
    return status;
}

static entrasql_status read_tls(relay_stream *s, void *p, size_t n, size_t *ret_n,
                                entrasql_error *err)
{
    uint8_t own[OWN_SPACE_BYTES];
    entrasql_status status = ENTRASQL_AGAIN;
    if (s->may_hold)
        status = decrypt(s, p, n, ret_n, err);
    /* Without close_notify too it may end: TDS messages know their own length. */
    if (status == ENTRASQL_AGAIN && s->scratch != NULL)
        status = receive_all(s, s->scratch->cipher, s->scratch->cipher_size, p, n, ret_n, err);
    else if (status == ENTRASQL_AGAIN)
        status = receive_all(s, own, sizeof own, p, n, ret_n, err);
    /* Who filled its space, or took one record, may have left something behind. */
    s->may_hold = status == ENTRASQL_OK && (s->scratch == NULL || *ret_n == n);
    /* TLS may have answered by itself (a key update); who only reads would not send it. */
    if (status == ENTRASQL_AGAIN && tls_conn_output(s->tls)->len > 0)
        ES_TRY(flush_if_possible(s, err));
    return status;
}

entrasql_status relay_stream_read(relay_stream *s, void *p, size_t n, size_t *ret_n,
                                  entrasql_error *err)
{
    if (s->given_back.len > 0) {
        size_t count = s->given_back.len < n ? s->given_back.len : n;
        memcpy(p, s->given_back.data, count);
        es_buf_consume(&s->given_back, count);
        if (s->given_back.len == 0)
            es_buf_done(&s->given_back);
        *ret_n = count;
        return ENTRASQL_OK;
    }
    if (s->tls != NULL)
        return read_tls(s, p, n, ret_n, err);
    return receive(s, p, n, ret_n, err);
}

bool relay_stream_is_drained(const relay_stream *s)
{
    return s->is_drained && !s->may_hold && s->given_back.len == 0;
}

entrasql_status relay_stream_push_back(relay_stream *s, const void *p, size_t n)
{
    ES_CLEANUP(es_buf_done) es_buf joined = ES_BUF_INIT_WIPE(QUEUE_MAX_BYTES);
    if (n == 0)
        return ENTRASQL_OK;
    ES_TRY(es_buf_add(&joined, p, n));
    ES_TRY(es_buf_add(&joined, s->given_back.data, s->given_back.len));
    es_buf swap = s->given_back;
    s->given_back = joined;
    joined = swap;
    return ENTRASQL_OK;
}

/* ---- writing ---- */

/* Straight from the caller's memory to the socket; what it does not take is queued. */
static entrasql_status write_clear(relay_stream *s, const uint8_t *p, size_t n, entrasql_error *err)
{
    size_t done = 0;
    while (done < n && s->queue.len == 0) {
        size_t sent = 0;
        entrasql_status status = os_sock_send(s->fd, p + done, n - done, &sent, err);
        if (status == ENTRASQL_AGAIN)
            break;
        ES_TRY(status);
        done += sent;
        s->sent += sent;
    }
    if (done < n && es_buf_add(&s->queue, p + done, n - done) != ENTRASQL_OK)
        return es_nomem(err);
    return ENTRASQL_OK;
}

/* One TLS record a packet, as far as the caller has it: old peers dislike other sizes. */
static entrasql_status encrypt(relay_stream *s, const uint8_t *p, size_t n, entrasql_error *err)
{
    while (n > 0) {
        size_t count = relay_frame_take(&s->frame, p, n);
        ES_TRY(tls_conn_write(s->tls, p, count, err));
        p += count;
        n -= count;
    }
    return ENTRASQL_OK;
}

static void swap(es_buf *a, es_buf *b)
{
    es_buf was = *a;
    *a = *b;
    *b = was;
}

/* Through the scratch's buffer, whose memory is there already; what the socket does not take
   gets memory of its own. */
static entrasql_status write_through(relay_stream *s, const uint8_t *p, size_t n,
                                     entrasql_error *err)
{
    es_buf *out = tls_conn_output(s->tls);
    es_buf *lent = &s->scratch->out;
    swap(out, lent);
    entrasql_status status = encrypt(s, p, n, err);
    if (status == ENTRASQL_OK)
        status = send_some(s, out, err);
    swap(out, lent);
    if (status == ENTRASQL_AGAIN || status == ENTRASQL_OK)
        status =
            es_buf_add(out, lent->data, lent->len) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
    es_buf_clear(lent);
    return status;
}

static entrasql_status write_tls(relay_stream *s, const uint8_t *p, size_t n, entrasql_error *err)
{
    if (s->scratch != NULL && relay_stream_queued(s) == 0)
        return write_through(s, p, n, err);
    ES_TRY(encrypt(s, p, n, err));
    return flush_if_possible(s, err);
}

entrasql_status relay_stream_write(relay_stream *s, const void *p, size_t n, entrasql_error *err)
{
    if (relay_stream_queued(s) > QUEUE_MAX_BYTES)
        return es_fail(err, ENTRASQL_LIMIT, "the peer does not take its bytes: %zu are queued",
                       relay_stream_queued(s));
    if (s->queue.len > 0)
        ES_TRY(flush_if_possible(s, err));
    if (s->tls == NULL)
        return write_clear(s, p, n, err);
    return write_tls(s, p, n, err);
}

entrasql_status relay_stream_wants(const relay_stream *s, bool want_read, os_wait *w)
{
    short events = 0;
    if (relay_stream_queued(s) > 0)
        events |= POLLOUT;
    if (want_read) {
        events |= POLLIN;
        /* Bytes that are here already raise no event. */
        if (s->given_back.len > 0 || s->ended || s->may_hold)
            os_wait_until(w, es_clock_mono_ms());
    }
    return events != 0 ? os_wait_add(w, s->fd, events) : ENTRASQL_OK;
}

void relay_stream_shutdown(relay_stream *s)
{
    if (s->tls != NULL && !s->said_goodbye)
        tls_conn_shutdown(s->tls);
    s->said_goodbye = true;
    if (relay_stream_flush(s, NULL) == ENTRASQL_OK)
        (void)shutdown(s->fd, SHUT_WR);
}

/* ---- TLS comes and goes ---- */

entrasql_status relay_stream_start_tls(relay_stream *s, tls_conn *tls, const void *early, size_t n,
                                       entrasql_error *err)
{
    /* Bytes that were given back came from the socket too, and later ones after them. */
    ES_TRY(tls_conn_feed(tls, early, n, err));
    if (s->given_back.len > 0)
        ES_TRY(tls_conn_feed(tls, s->given_back.data, s->given_back.len, err));
    es_buf_done(&s->given_back);
    s->tls = tls;
    return ENTRASQL_OK;
}

entrasql_status relay_stream_handshake(relay_stream *s, entrasql_error *err)
{
    for (int turn = 0; turn < RECEIVE_TURNS; turn++) {
        entrasql_status status = tls_conn_handshake(s->tls, err);
        /* On failure this is the alert for the peer; its own fate does not matter then. */
        bool failed = status != ENTRASQL_OK && status != ENTRASQL_AGAIN;
        s->may_hold = status == ENTRASQL_OK; /* what came behind the last flight */
        entrasql_status sent = flush_if_possible(s, failed ? NULL : err);
        if (failed)
            return status;
        ES_TRY(sent);
        if (status == ENTRASQL_OK)
            return ENTRASQL_OK;
        ES_TRY(receive_for_handshake(s, err));
    }
    s->may_hold = true;
    return ENTRASQL_AGAIN;
}

entrasql_status relay_stream_end_tls(relay_stream *s, entrasql_error *err)
{
    es_buf *out = tls_conn_output(s->tls);
    if (es_buf_add(&s->queue, out->data, out->len) != ENTRASQL_OK ||
        tls_conn_take_unused(s->tls, &s->given_back) != ENTRASQL_OK)
        return es_nomem(err);
    tls_conn_free(s->tls);
    s->tls = NULL;
    s->may_hold = false;
    return flush_if_possible(s, err);
}
