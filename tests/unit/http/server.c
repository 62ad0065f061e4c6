/* SPDX-License-Identifier: MIT */
/* The scripted HTTP server for tests. */
#include "server.h"

#include "crypto/cert.h"
#include "crypto/key.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_REQUESTS 256
#define MAX_REQUEST 65536

struct test_server {
    int listener;
    int stop[2];
    unsigned port;
    char url[64];
    char ca_file[64];
    SSL_CTX *tls;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    const test_answer *answers;
    size_t answer_count;
    unsigned count;
    char *requests[MAX_REQUESTS];
    bool released;
};

struct conn {
    test_server *s;
    int fd;
    SSL *tls;
};

static void die(const char *what) __attribute__((noreturn));

static void die(const char *what)
{
    fprintf(stderr, "test server: %s: %s\n", what, strerror(errno));
    abort();
}

/* False when the server is to stop. */
static bool wait_readable(test_server *s, int fd)
{
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = s->stop[0], .events = POLLIN}};
    while (poll(fds, 2, -1) < 0) {
        if (errno != EINTR)
            die("poll");
    }
    return fds[1].revents == 0;
}

static ssize_t receive(struct conn *c, char *p, size_t n)
{
    if (c->tls != NULL && SSL_pending(c->tls) > 0)
        return SSL_read(c->tls, p, (int)n);
    if (!wait_readable(c->s, c->fd))
        return 0;
    return c->tls != NULL ? SSL_read(c->tls, p, (int)n) : recv(c->fd, p, n, 0);
}

static void send_all(struct conn *c, const char *p, size_t n)
{
    while (n != 0) {
        size_t part = n < 16384 ? n : 16384;
        ssize_t done =
            c->tls != NULL ? SSL_write(c->tls, p, (int)part) : send(c->fd, p, part, MSG_NOSIGNAL);
        if (done <= 0)
            return;
        p += done;
        n -= (size_t)done;
    }
}

/* Head and body of one request; an empty text when the peer left before. */
static char *read_request(struct conn *c)
{
    char *text = calloc(1, MAX_REQUEST);
    if (text == NULL)
        die("calloc");
    size_t n = 0;
    size_t wanted = 0;
    while (n < MAX_REQUEST - 1) {
        ssize_t got = receive(c, text + n, MAX_REQUEST - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
        const char *end = strstr(text, "\r\n\r\n");
        if (end == NULL)
            continue;
        const char *length = strcasestr(text, "\r\nContent-Length:");
        wanted = (size_t)(end - text) + 4 + (length != NULL ? strtoul(length + 17, NULL, 10) : 0);
        if (n >= wanted)
            break;
    }
    return text;
}

static const test_answer *keep_request(test_server *s, char *request)
{
    pthread_mutex_lock(&s->mutex);
    size_t i = s->count < s->answer_count ? s->count : s->answer_count - 1;
    const test_answer *answer = s->answer_count != 0 ? &s->answers[i] : NULL;
    if (s->count >= MAX_REQUESTS)
        die("too many requests");
    s->requests[s->count++] = request;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
    return answer;
}

static void wait_for_release(test_server *s)
{
    pthread_mutex_lock(&s->mutex);
    while (!s->released)
        pthread_cond_wait(&s->changed, &s->mutex);
    pthread_mutex_unlock(&s->mutex);
}

static void send_reply(struct conn *c, const test_answer *a)
{
    const char *body = a->body != NULL ? a->body : "";
    size_t one = strlen(body);
    size_t times = a->repeat != 0 ? a->repeat : 1;
    const char *headers = a->headers != NULL ? a->headers : "";
    size_t room = strlen(headers) + 256 + one * times;
    char *text = malloc(room);
    if (text == NULL)
        die("malloc");
    int n =
        a->act == TEST_RAW
            ? 0
            : snprintf(text, room,
                       "HTTP/1.1 %d Scripted\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n",
                       a->status != 0 ? a->status : 200, one * times, headers);
    size_t used = (size_t)n;
    for (size_t i = 0; i < times; i++, used += one)
        memcpy(text + used, body, one);
    send_all(c, text, a->act == TEST_CUT && a->cut < used ? a->cut : used);
    free(text);
}

static void answer(struct conn *c, const test_answer *a)
{
    char nothing[16];
    switch (a->act) {
    case TEST_CLOSE:
        return;
    case TEST_SILENT:
        while (receive(c, nothing, sizeof nothing) > 0)
            continue;
        return;
    case TEST_SLOW:
        wait_for_release(c->s);
        send_reply(c, a);
        return;
    case TEST_REPLY:
    case TEST_CUT:
    case TEST_RAW:
        send_reply(c, a);
        return;
    }
}

static bool has_left(int fd)
{
    struct pollfd peer = {.fd = fd, .events = POLLRDHUP};
    return poll(&peer, 1, 0) > 0;
}

static void serve(test_server *s, int fd)
{
    struct conn c = {.s = s, .fd = fd};
    bool ready = true;
    if (s->tls != NULL) {
        c.tls = SSL_new(s->tls);
        SSL_set_fd(c.tls, fd);
        ready = SSL_accept(c.tls) == 1;
    }
    if (ready) {
        char *request = read_request(&c);
        const test_answer *a = NULL;
        /* Cancelled requests may come out of the queue when a later script plays already. */
        if (request[0] == '\0' || has_left(fd))
            free(request);
        else
            a = keep_request(s, request);
        if (a != NULL)
            answer(&c, a);
    }
    if (c.tls != NULL) {
        (void)SSL_shutdown(c.tls);
        SSL_free(c.tls);
    }
    /* Closing with unread bytes would reset the connection and lose the answer. */
    shutdown(fd, SHUT_WR);
    struct pollfd left = {.fd = fd, .events = POLLIN};
    char nothing[256];
    while (poll(&left, 1, 1000) > 0 && recv(fd, nothing, sizeof nothing, 0) > 0)
        continue;
    close(fd);
}

static void *server_main(void *context)
{
    test_server *s = context;
    sigset_t pipe_only;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, NULL);
    while (wait_readable(s, s->listener)) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd >= 0)
            serve(s, fd);
    }
    return NULL;
}

static void write_pem(const char *path, es_buf *pem)
{
    FILE *f = fopen(path, "w");
    if (f == NULL || fwrite(pem->data, 1, pem->len, f) != pem->len || fclose(f) != 0)
        die(path);
    es_buf_clear(pem);
}

/* The library's own certificates of a loopback service, through files as OpenSSL likes them. */
static void make_tls(test_server *s)
{
    crypto_key *authority_key;
    crypto_key *key;
    crypto_cert *authority;
    crypto_cert *cert;
    char chain[80];
    char key_file[80];
    es_buf pem = ES_BUF_INIT_WIPE(CRYPTO_PEM_MAX_BYTES);
    snprintf(s->ca_file, sizeof s->ca_file, "/tmp/entrasql-test-ca-%d-%u.pem", getpid(), s->port);
    snprintf(chain, sizeof chain, "%s.chain", s->ca_file);
    snprintf(key_file, sizeof key_file, "%s.key", s->ca_file);
    if (crypto_key_generate(&authority_key, NULL) != 0 || crypto_key_generate(&key, NULL) != 0 ||
        crypto_cert_new_authority(authority_key, 2, &authority, NULL) != 0 ||
        crypto_cert_new_localhost(authority, authority_key, key, 2, &cert, NULL) != 0)
        die("certificates");
    if (crypto_cert_to_pem(authority, &pem, NULL) != 0)
        die("certificates");
    write_pem(s->ca_file, &pem);
    if (crypto_cert_to_pem(cert, &pem, NULL) != 0)
        die("certificates");
    write_pem(chain, &pem);
    if (crypto_key_to_pem(key, &pem, NULL) != 0)
        die("certificates");
    write_pem(key_file, &pem);
    es_buf_done(&pem);
    s->tls = SSL_CTX_new(TLS_server_method());
    if (s->tls == NULL || SSL_CTX_use_certificate_chain_file(s->tls, chain) != 1 ||
        SSL_CTX_use_PrivateKey_file(s->tls, key_file, SSL_FILETYPE_PEM) != 1)
        die("TLS");
    unlink(chain);
    unlink(key_file);
    crypto_cert_free(cert);
    crypto_cert_free(authority);
    crypto_key_free(key);
    crypto_key_free(authority_key);
}

test_server *test_server_start(bool tls)
{
    test_server *s = calloc(1, sizeof *s);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (s == NULL || pipe(s->stop) != 0)
        die("start");
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(s->listener, 128) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&address, &size) != 0)
        die("listen");
    s->port = ntohs(address.sin_port);
    snprintf(s->url, sizeof s->url, "%s:%u", tls ? "https://localhost" : "http://127.0.0.1",
             s->port);
    if (tls)
        make_tls(s);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->changed, NULL);
    if (pthread_create(&s->thread, NULL, server_main, s) != 0)
        die("thread");
    return s;
}

void test_server_thumbprint(const test_server *s, char ret[41])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (X509_digest(SSL_CTX_get0_certificate(s->tls), EVP_sha1(), digest, &n) != 1 || n != 20)
        die("thumbprint");
    for (unsigned i = 0; i < n; i++)
        snprintf(ret + (size_t)2 * i, 3, "%02X", digest[i]);
}

static void forget_requests(test_server *s)
{
    for (unsigned i = 0; i < s->count; i++)
        free(s->requests[i]);
    s->count = 0;
}

void test_server_stop(test_server *s)
{
    test_server_release(s);
    if (write(s->stop[1], "x", 1) != 1)
        die("stop");
    pthread_join(s->thread, NULL);
    close(s->stop[0]);
    close(s->stop[1]);
    close(s->listener);
    forget_requests(s);
    if (s->tls != NULL)
        unlink(s->ca_file);
    SSL_CTX_free(s->tls);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

const char *test_server_url(const test_server *s)
{
    return s->url;
}

unsigned test_server_port(const test_server *s)
{
    return s->port;
}

const char *test_server_ca_file(const test_server *s)
{
    return s->ca_file;
}

void test_server_play(test_server *s, const test_answer *answers, size_t count)
{
    pthread_mutex_lock(&s->mutex);
    forget_requests(s);
    s->answers = answers;
    s->answer_count = count;
    s->released = false;
    pthread_mutex_unlock(&s->mutex);
}

unsigned test_server_count(test_server *s)
{
    pthread_mutex_lock(&s->mutex);
    unsigned count = s->count;
    pthread_mutex_unlock(&s->mutex);
    return count;
}

const char *test_server_request(test_server *s, unsigned i)
{
    pthread_mutex_lock(&s->mutex);
    const char *request = i < s->count ? s->requests[i] : "";
    pthread_mutex_unlock(&s->mutex);
    return request;
}

void test_server_release(test_server *s)
{
    pthread_mutex_lock(&s->mutex);
    s->released = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
}

void test_server_wait(test_server *s, unsigned count)
{
    pthread_mutex_lock(&s->mutex);
    while (s->count < count)
        pthread_cond_wait(&s->changed, &s->mutex);
    pthread_mutex_unlock(&s->mutex);
}
