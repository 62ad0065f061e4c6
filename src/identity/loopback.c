/* SPDX-License-Identifier: MIT */
/* The listener for a browser's answer. */
#include "identity/loopback.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "identity/landing.h"
#include "identity/loopback_request.h"
#include "os/sock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 8
#define MAX_REQUEST (64 * 1024)
#define MAX_RESPONSE (64 * 1024)
/* For a request to arrive whole, and for a page to leave. */
#define REQUEST_MS 10000
#define LINGER_MS 2000
#define PORT_TRIES 8

typedef struct connection {
    int fd; /* -1: free */
    es_buf in;
    es_buf out;
    size_t sent;
    int64_t deadline_ms;
    bool is_chosen; /* its form knew the state: it waits for identity_loopback_answer() */
    bool is_shut;   /* everything was sent, and our side is closed */
} connection;

struct identity_loopback {
    int listeners[2];
    uint16_t port;
    es_secret *state;
    connection connections[MAX_CONNECTIONS];
    connection *chosen;
    bool is_out_of_memory; /* while a request was read */
    httpd_fields form;
};

/* ---- listening ---- */

/* A machine without IPv6 has no ::1, and nobody else can be there either. */
static bool is_no_ipv6(const entrasql_error *err)
{
    return err->os_errno == EAFNOSUPPORT || err->os_errno == EADDRNOTAVAIL ||
           err->os_errno == EPROTONOSUPPORT;
}

/*
 * Browsers take "localhost" for ::1 as well as for 127.0.0.1: whoever held the other one's port
 * would get the code. So both are taken, on one number.
 */
static entrasql_status listen_both(identity_loopback *l, uint16_t port, entrasql_error *err)
{
    for (unsigned i = 0;; i++) {
        ES_TRY(os_sock_listen_loopback(AF_INET, port, 16, &l->listeners[0], &l->port, err));
        entrasql_error second;
        uint16_t same;
        entrasql_status status =
            os_sock_listen_loopback(AF_INET6, l->port, 16, &l->listeners[1], &same, &second);
        if (status == ENTRASQL_OK || is_no_ipv6(&second))
            return ENTRASQL_OK;
        os_sock_close(&l->listeners[0]);
        if (status != ENTRASQL_BUSY || port != 0 || i == PORT_TRIES) {
            if (err != NULL)
                *err = second;
            return status;
        }
    }
}

entrasql_status identity_loopback_new(uint16_t port, const char *state, identity_loopback **ret,
                                      entrasql_error *err)
{
    identity_loopback *l = es_calloc(1, sizeof *l);
    if (l == NULL)
        return es_nomem(err);
    l->listeners[0] = l->listeners[1] = -1;
    for (size_t i = 0; i < MAX_CONNECTIONS; i++)
        l->connections[i].fd = -1;
    l->state = es_secret_from_str(state);
    entrasql_status status = l->state != NULL ? listen_both(l, port, err) : es_nomem(err);
    if (status != ENTRASQL_OK) {
        identity_loopback_free(l);
        return status;
    }
    *ret = l;
    return ENTRASQL_OK;
}

uint16_t identity_loopback_port(const identity_loopback *l)
{
    return l->port;
}

static void drop(connection *c)
{
    os_sock_close(&c->fd);
    es_buf_done(&c->in);
    es_buf_done(&c->out);
    *c = (connection){.fd = -1};
}

void identity_loopback_free(identity_loopback *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < MAX_CONNECTIONS; i++)
        drop(&l->connections[i]);
    os_sock_close(&l->listeners[0]);
    os_sock_close(&l->listeners[1]);
    httpd_fields_done(&l->form);
    es_secret_unref(l->state);
    es_free(l);
}

/* ---- requests ---- */

static const char *reason_of(unsigned status)
{
    switch (status) {
    case 200:
        return "OK";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    default:
        return "Bad Request";
    }
}

static void respond(connection *c, unsigned status, const es_buf *html)
{
    static const char fixed[] =
        "Content-Type: text/html; charset=utf-8\r\nConnection: close\r\nCache-Control: no-store\r\n"
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
        "Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n";
    c->out = ES_BUF_INIT(MAX_RESPONSE);
    entrasql_status s =
        es_buf_printf(&c->out, "HTTP/1.1 %u %s\r\n%s%sContent-Length: %zu\r\n\r\n", status,
                      reason_of(status), fixed, status == 405 ? "Allow: POST\r\n" : "", html->len);
    if (s == ENTRASQL_OK)
        s = es_buf_add(&c->out, html->data, html->len);
    if (s != ENTRASQL_OK) {
        drop(c);
        return;
    }
    c->deadline_ms = es_clock_deadline(LINGER_MS);
}

static void refuse(connection *c, unsigned status, const char *text)
{
    es_buf html = ES_BUF_INIT(MAX_RESPONSE);
    ES_LOG(DEBUG, "identity", "a stranger's request was refused", ES_KV_I64("status", status));
    if (identity_landing_page(&html, false, "This is not the answer", text) == ENTRASQL_OK)
        respond(c, status, &html);
    else
        drop(c);
    es_buf_done(&html);
}

/* The body as a form that knows the state; it is then this loopback's. */
static bool take_form(identity_loopback *l, const char *body, size_t n)
{
    httpd_fields form = {0};
    entrasql_status status = httpd_fields_parse(body, n, &form, NULL);
    l->is_out_of_memory |= status == ENTRASQL_NOMEM;
    if (status != ENTRASQL_OK)
        return false;
    const char *state = httpd_fields_get(&form, "state");
    if (state == NULL || !es_secret_equal(l->state, state, strlen(state))) {
        httpd_fields_done(&form);
        return false;
    }
    l->form = form;
    return true;
}

static void handle(identity_loopback *l, connection *c, const identity_loopback_request *r)
{
    if (r->is_broken || !r->has_host)
        refuse(c, 400, "The request is not one that a browser would send here.");
    else if (!r->is_post)
        refuse(c, 405, "Sign-ins are answered by a form that is posted here.");
    else if (!r->is_root)
        refuse(c, 404, "There is nothing here.");
    else if (!r->is_form || !take_form(l, r->body, r->body_length))
        refuse(c, 400, "It does not belong to the sign-in that is waited for.");
    else {
        c->is_chosen = true;
        c->deadline_ms = ES_NO_DEADLINE;
        l->chosen = c;
    }
}

static void try_request(identity_loopback *l, connection *c)
{
    identity_loopback_request r;
    if (identity_loopback_request_read((const char *)c->in.data, c->in.len, l->port, &r))
        handle(l, c, &r);
}

/* ---- connections ---- */

static void receive(identity_loopback *l, connection *c)
{
    while (c->fd >= 0 && c->out.len == 0 && !c->is_chosen) {
        uint8_t block[4096];
        size_t n;
        entrasql_status status = os_sock_recv(c->fd, block, sizeof block, &n, NULL);
        if (status == ENTRASQL_AGAIN)
            return;
        if (status != ENTRASQL_OK) {
            drop(c);
            return;
        }
        status = es_buf_add(&c->in, block, n);
        es_wipe(block, sizeof block);
        l->is_out_of_memory |= status == ENTRASQL_NOMEM;
        if (status != ENTRASQL_OK)
            refuse(c, 400, "The request is too large.");
        else
            try_request(l, c);
    }
}

static void send_page(connection *c)
{
    while (c->fd >= 0 && c->sent < c->out.len) {
        size_t n;
        entrasql_status status =
            os_sock_send(c->fd, c->out.data + c->sent, c->out.len - c->sent, &n, NULL);
        if (status == ENTRASQL_AGAIN)
            return;
        if (status != ENTRASQL_OK) {
            drop(c);
            return;
        }
        c->sent += n;
    }
    if (c->fd >= 0 && c->out.len != 0 && !c->is_shut) {
        c->is_shut = true;
        (void)shutdown(c->fd, SHUT_WR);
    }
    /* Closing at once would take the page from a browser that still has something to say. */
    while (c->fd >= 0 && c->is_shut) {
        uint8_t block[4096];
        size_t n;
        entrasql_status status = os_sock_recv(c->fd, block, sizeof block, &n, NULL);
        if (status == ENTRASQL_AGAIN)
            return;
        if (status != ENTRASQL_OK)
            drop(c);
    }
}

static void serve(identity_loopback *l, connection *c)
{
    if (c->fd < 0)
        return;
    receive(l, c);
    if (c->fd >= 0 && c->out.len != 0)
        send_page(c);
    if (c->fd >= 0 && es_clock_mono_ms() >= c->deadline_ms)
        drop(c);
}

/* Root may stand between: port forwarders into containers run as root. */
static bool is_stranger(int fd)
{
    uid_t uid;
    return os_sock_peer_uid(fd, &uid, NULL) == ENTRASQL_OK && uid != geteuid() && uid != 0;
}

static connection *free_slot(identity_loopback *l)
{
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        if (l->connections[i].fd < 0)
            return &l->connections[i];
    }
    return NULL;
}

static entrasql_status accept_all(identity_loopback *l, int listener, entrasql_error *err)
{
    connection *c;
    while (listener >= 0 && (c = free_slot(l)) != NULL) {
        int fd;
        entrasql_status status = os_sock_accept(listener, &fd, err);
        if (status == ENTRASQL_AGAIN)
            return ENTRASQL_OK;
        ES_TRY(status);
        if (is_stranger(fd)) {
            os_sock_close(&fd);
            continue;
        }
        *c = (connection){
            .fd = fd,
            .in = ES_BUF_INIT_WIPE(MAX_REQUEST),
            .deadline_ms = es_clock_deadline(REQUEST_MS),
        };
    }
    return ENTRASQL_OK;
}

entrasql_status identity_loopback_step(identity_loopback *l, const httpd_fields **ret,
                                       entrasql_error *err)
{
    for (size_t i = 0; i < ES_COUNT_OF(l->listeners); i++)
        ES_TRY(accept_all(l, l->listeners[i], err));
    for (size_t i = 0; i < MAX_CONNECTIONS && l->chosen == NULL; i++)
        serve(l, &l->connections[i]);
    /* It may have been the answer that was lost: better to say so than to wait for it. */
    if (l->is_out_of_memory)
        return es_nomem(err);
    if (l->chosen == NULL)
        return ENTRASQL_AGAIN;
    *ret = &l->form;
    return ENTRASQL_OK;
}

entrasql_status identity_loopback_wants(identity_loopback *l, os_wait *w)
{
    for (size_t i = 0; i < ES_COUNT_OF(l->listeners); i++) {
        if (l->listeners[i] >= 0 && free_slot(l) != NULL)
            ES_TRY(os_wait_add(w, l->listeners[i], POLLIN));
    }
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        const connection *c = &l->connections[i];
        if (c->fd < 0)
            continue;
        ES_TRY(os_wait_add(w, c->fd, c->sent < c->out.len ? POLLOUT : POLLIN));
        os_wait_until(w, c->deadline_ms);
    }
    return ENTRASQL_OK;
}

void identity_loopback_answer(identity_loopback *l, unsigned status, es_buf *html)
{
    if (l->chosen != NULL && l->chosen->fd >= 0) {
        l->chosen->is_chosen = false;
        respond(l->chosen, status, html);
    }
    es_buf_done(html);
    /* Nobody else is waited for. */
    os_sock_close(&l->listeners[0]);
    os_sock_close(&l->listeners[1]);
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        if (&l->connections[i] != l->chosen)
            drop(&l->connections[i]);
    }
}

entrasql_status identity_loopback_flush(identity_loopback *l)
{
    if (l->chosen != NULL)
        serve(l, l->chosen);
    return l->chosen != NULL && l->chosen->fd >= 0 ? ENTRASQL_AGAIN : ENTRASQL_OK;
}
