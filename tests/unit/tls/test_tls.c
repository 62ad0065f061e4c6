/* SPDX-License-Identifier: MIT */
/* tls: client and server in memory, wrapped and strict; who is trusted; broken framing. */
#include "tls/inner.h"

#include "base/clock.h"
#include "base/mem.h"
#include "certs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct pair {
    tls_context *client_context;
    tls_context *server_context;
    tls_conn *client;
    tls_conn *server;
} pair;

typedef struct setting {
    const char *certificate; /* of the server */
    const char *ca;          /* NULL: the trust rule's next */
    bool trust_any;
    const char *name;
    const char *certificate_name;
    bool wrap;
} setting;

static const setting good_wrapped = {"good", "ca", false, "db.example", NULL, true};
static const setting good_strict = {"good", "ca", false, "db.example", NULL, false};

static pair pair_new(const setting *s)
{
    pair p = {0};
    entrasql_error err;
    char ca[CERTS_PATH_SIZE] = "";
    if (s->ca != NULL)
        (void)snprintf(ca, sizeof ca, "%s", certs_file(s->ca, ".pem"));
    tls_client_options options = {.ca_file = s->ca != NULL ? ca : NULL,
                                  .trust_any_certificate = s->trust_any};
    tls_conn_options conn = {
        .server_name = s->name, .certificate_name = s->certificate_name, .wrap_prelogin = s->wrap};
    assert_int_equal(tls_client_context_new(&options, &p.client_context, &err), ENTRASQL_OK);
    assert_int_equal(tls_server_context_new(certs_file(s->certificate, ".pem"),
                                            certs_file(s->certificate, ".key"), &p.server_context,
                                            &err),
                     ENTRASQL_OK);
    assert_int_equal(tls_conn_new(p.client_context, &conn, &p.client, &err), ENTRASQL_OK);
    assert_int_equal(tls_conn_new(p.server_context, &conn, &p.server, &err), ENTRASQL_OK);
    return p;
}

static void pair_done(pair *p)
{
    tls_conn_free(p->client);
    tls_conn_free(p->server);
    tls_context_unref(p->client_context);
    tls_context_unref(p->server_context);
}

/* Moves up to n bytes of output; returns how many. */
static size_t carry(tls_conn *from, tls_conn *to, size_t n)
{
    es_buf *out = tls_conn_output(from);
    size_t count = out->len < n ? out->len : n;
    assert_int_equal(tls_conn_feed(to, out->data, count, NULL), ENTRASQL_OK);
    es_buf_consume(out, count);
    return count;
}

/* Each flight is cut once, at `cut` (0: not at all). */
static void carry_flight(tls_conn *from, tls_conn *to, size_t cut, entrasql_status *ret,
                         entrasql_error *err)
{
    if (cut > 0 && cut < tls_conn_output(from)->len) {
        (void)carry(from, to, cut);
        *ret = tls_conn_handshake(to, err);
        if (*ret != ENTRASQL_AGAIN)
            return;
    }
    if (tls_conn_output(from)->len > 0)
        (void)carry(from, to, SIZE_MAX);
    *ret = tls_conn_handshake(to, err);
}

typedef struct outcome {
    entrasql_status client;
    entrasql_status server;
    entrasql_error client_error;
    entrasql_error server_error;
} outcome;

static outcome shake_hands(pair *p, size_t cut)
{
    outcome o = {.client = tls_conn_handshake(p->client, &o.client_error), ENTRASQL_AGAIN};
    for (int i = 0; i < 10; i++) {
        if (o.server == ENTRASQL_AGAIN || tls_conn_output(p->client)->len > 0)
            carry_flight(p->client, p->server, cut, &o.server, &o.server_error);
        if (o.client == ENTRASQL_AGAIN)
            carry_flight(p->server, p->client, cut, &o.client, &o.client_error);
        if (o.client != ENTRASQL_AGAIN && o.server != ENTRASQL_AGAIN)
            break;
    }
    return o;
}

static void expect_text(tls_conn *from, tls_conn *to, const char *text)
{
    char got[64] = "";
    size_t n = 0;
    assert_int_equal(tls_conn_write(from, text, strlen(text), NULL), ENTRASQL_OK);
    (void)carry(from, to, SIZE_MAX);
    assert_int_equal(tls_conn_read(to, got, sizeof got - 1, &n, NULL), ENTRASQL_OK);
    assert_int_equal(n, strlen(text));
    assert_string_equal(got, text);
    assert_int_equal(tls_conn_read(to, got, sizeof got, &n, NULL), ENTRASQL_AGAIN);
}

static void handshake_survives_every_cut(const setting *s, const char *version, size_t last_cut)
{
    for (size_t cut = 0; cut < last_cut; cut++) {
        pair p = pair_new(s);
        outcome o = shake_hands(&p, cut);
        assert_int_equal(o.client, ENTRASQL_OK);
        assert_int_equal(o.server, ENTRASQL_OK);
        assert_string_equal(tls_conn_version(p.client), version);
        assert_string_equal(tls_conn_version(p.server), version);
        assert_true(strlen(tls_conn_cipher(p.client)) > 0);
        expect_text(p.client, p.server, "select 1");
        expect_text(p.server, p.client, "one");
        pair_done(&p);
    }
}

static void wrapped_handshake_at_every_cut(void **state)
{
    (void)state;
    handshake_survives_every_cut(&good_wrapped, "TLSv1.2", 1000);
}

static void strict_handshake_at_every_cut(void **state)
{
    (void)state;
    handshake_survives_every_cut(&good_strict, "TLSv1.3", 1000);
}

/* Walks the packets of a flight; the bodies must be shorter than a packet of 4096. */
static unsigned count_packets(const es_buf *out)
{
    unsigned count = 0;
    size_t at = 0;
    while (at < out->len) {
        assert_true(out->len - at > 8);
        const uint8_t *p = out->data + at;
        size_t length = (size_t)((p[2] << 8) | p[3]);
        assert_int_equal(p[0], 0x12);
        assert_true(length > 8 && length <= 4096 && length <= out->len - at);
        at += length;
        assert_int_equal(p[1], at == out->len ? 1 : 0);
        count++;
        assert_int_equal(p[6], count);
    }
    return count;
}

static void big_flights_are_split(void **state)
{
    (void)state;
    setting s = good_wrapped;
    s.certificate = "big";
    pair p = pair_new(&s);
    assert_int_equal(tls_conn_handshake(p.client, NULL), ENTRASQL_AGAIN);
    assert_int_equal(count_packets(tls_conn_output(p.client)), 1);
    (void)carry(p.client, p.server, SIZE_MAX);
    assert_int_equal(tls_conn_handshake(p.server, NULL), ENTRASQL_AGAIN);
    assert_int_equal(count_packets(tls_conn_output(p.server)), 4);
    outcome o = shake_hands(&p, 5000);
    assert_int_equal(o.client, ENTRASQL_OK);
    assert_int_equal(o.server, ENTRASQL_OK);
    pair_done(&p);
}

/* What a peer sends right behind its last flight arrives in the same read. */
static void bytes_behind_the_handshake_are_kept(void **state)
{
    (void)state;
    pair p = pair_new(&good_wrapped);
    assert_int_equal(tls_conn_handshake(p.client, NULL), ENTRASQL_AGAIN);
    (void)carry(p.client, p.server, SIZE_MAX);
    assert_int_equal(tls_conn_handshake(p.server, NULL), ENTRASQL_AGAIN);
    (void)carry(p.server, p.client, SIZE_MAX);
    assert_int_equal(tls_conn_handshake(p.client, NULL), ENTRASQL_AGAIN);
    (void)carry(p.client, p.server, SIZE_MAX);
    assert_int_equal(tls_conn_handshake(p.server, NULL), ENTRASQL_OK);
    assert_int_equal(count_packets(tls_conn_output(p.server)), 1);
    assert_int_equal(tls_conn_write(p.server, "hello", 5, NULL), ENTRASQL_OK);
    (void)carry(p.server, p.client, SIZE_MAX);
    assert_int_equal(tls_conn_handshake(p.client, NULL), ENTRASQL_OK);
    char got[8] = "";
    size_t n = 0;
    assert_int_equal(tls_conn_read(p.client, got, sizeof got, &n, NULL), ENTRASQL_OK);
    assert_string_equal(got, "hello");
    pair_done(&p);
}

static void clear_bytes_after_tls_are_given_back(void **state)
{
    (void)state;
    pair p = pair_new(&good_wrapped);
    outcome o = shake_hands(&p, 0);
    assert_int_equal(o.client, ENTRASQL_OK);
    es_buf rest = ES_BUF_INIT(100);
    assert_int_equal(tls_conn_feed(p.client, "clear text", 10, NULL), ENTRASQL_OK);
    assert_int_equal(tls_conn_take_unused(p.client, &rest), ENTRASQL_OK);
    assert_string_equal(es_buf_cstr(&rest), "clear text");
    es_buf_done(&rest);
    pair_done(&p);
}

/* OpenSSL itself asks, for either side: the other one ends. */
static void a_second_handshake_is_refused(void **state)
{
    (void)state;
    for (int of_server = 0; of_server < 2; of_server++) {
        pair p = pair_new(&good_strict);
        tls_conn *asks = of_server ? p.server : p.client;
        tls_conn *asked = of_server ? p.client : p.server;
        uint8_t byte;
        size_t n = 0;
        entrasql_error err;
        assert_int_equal(SSL_set_max_proto_version(p.server->ssl, TLS1_2_VERSION), 1);
        outcome o = shake_hands(&p, 0);
        assert_int_equal(o.server, ENTRASQL_OK);
        (void)SSL_clear_options(asks->ssl, SSL_OP_NO_RENEGOTIATION);
        assert_int_equal(SSL_renegotiate(asks->ssl), 1);
        assert_int_equal(SSL_do_handshake(asks->ssl) <= 0 || of_server, 1);
        assert_true(carry(asks, asked, SIZE_MAX) > 0);
        assert_int_equal(tls_conn_read(asked, &byte, 1, &n, &err), ENTRASQL_TLS);
        assert_non_null(strstr(err.message, "asked for a new TLS handshake"));
        pair_done(&p);
    }
}

static void much_data_passes(void **state)
{
    (void)state;
    const size_t size = (size_t)700 * 1000;
    uint8_t *sent = es_malloc(size);
    uint8_t *got = es_malloc(size);
    assert_non_null(sent);
    assert_non_null(got);
    for (size_t i = 0; i < size; i++)
        sent[i] = (uint8_t)(i * 31 + i / 251);
    pair p = pair_new(&good_strict);
    outcome o = shake_hands(&p, 0);
    assert_int_equal(o.server, ENTRASQL_OK);
    assert_int_equal(tls_conn_write(p.client, sent, size, NULL), ENTRASQL_OK);
    size_t done = 0;
    while (done < size) {
        size_t n = 0;
        entrasql_status status = tls_conn_read(p.server, got + done, size - done, &n, NULL);
        if (status == ENTRASQL_AGAIN) {
            assert_true(carry(p.client, p.server, 10007) > 0);
            continue;
        }
        assert_int_equal(status, ENTRASQL_OK);
        done += n;
    }
    assert_memory_equal(sent, got, size);
    tls_conn_shutdown(p.client);
    (void)carry(p.client, p.server, SIZE_MAX);
    size_t n = 0;
    assert_int_equal(tls_conn_read(p.server, got, 1, &n, NULL), ENTRASQL_CLOSED);
    es_free(sent);
    es_free(got);
    pair_done(&p);
}

static void a_flipped_bit_is_noticed(void **state)
{
    (void)state;
    pair p = pair_new(&good_strict);
    outcome o = shake_hands(&p, 0);
    entrasql_error err;
    char got[8];
    size_t n = 0;
    assert_int_equal(o.client, ENTRASQL_OK);
    assert_int_equal(tls_conn_write(p.client, "abc", 3, NULL), ENTRASQL_OK);
    es_buf *out = tls_conn_output(p.client);
    out->data[out->len - 1] ^= 1;
    (void)carry(p.client, p.server, SIZE_MAX);
    assert_int_equal(tls_conn_read(p.server, got, sizeof got, &n, &err), ENTRASQL_TLS);
    assert_non_null(strstr(err.message, "reading from the TLS connection with the client failed"));
    pair_done(&p);
}

/* ---- trust ---- */

static void expect_refusal(const setting *s, const char *message, const char *hint)
{
    pair p = pair_new(s);
    outcome o = shake_hands(&p, 0);
    assert_int_equal(o.client, ENTRASQL_TLS);
    assert_int_equal(o.client_error.error_class, ENTRASQL_CLASS_TLS);
    if (strstr(o.client_error.message, message) == NULL ||
        strstr(o.client_error.hint, hint) == NULL)
        fail_msg("got \"%s\" (%s)", o.client_error.message, o.client_error.hint);
    /* The peer is told by an alert. */
    carry_flight(p.client, p.server, 0, &o.server, &o.server_error);
    assert_int_equal(o.server, ENTRASQL_TLS);
    assert_non_null(strstr(o.server_error.message, "the TLS handshake with the client failed"));
    pair_done(&p);
}

static void both_forms(setting s, const char *message, const char *hint)
{
    s.wrap = true;
    expect_refusal(&s, message, hint);
    s.wrap = false;
    expect_refusal(&s, message, hint);
}

static void expect_success(const setting *s)
{
    pair p = pair_new(s);
    outcome o = shake_hands(&p, 0);
    if (o.client != ENTRASQL_OK)
        fail_msg("got \"%s\"", o.client_error.message);
    assert_int_equal(o.server, ENTRASQL_OK);
    pair_done(&p);
}

static void bad_certificates_are_refused(void **state)
{
    (void)state;
    both_forms((setting){"expired", "ca", false, "db.example", NULL, true},
               "the certificate of db.example expired on 20", "clock");
    both_forms((setting){"future", "ca", false, "db.example", NULL, true},
               "the certificate of db.example is valid only from 20", "clock");
    both_forms((setting){"foreign", "ca", false, "db.example", NULL, true},
               "the certificate of db.example is issued by \"CN=Other CA\", which is not trusted",
               "ca.pem (ca_file); name the issuer's certificate by the ca_file option or "
               "SSL_CERT_FILE");
    both_forms((setting){"alone", "ca", false, "db.example", NULL, true},
               "the certificate of db.example is signed by itself (CN=db.example)",
               "TrustServerCertificate");
}

static void wrong_names_are_refused(void **state)
{
    (void)state;
    both_forms((setting){"good", "ca", false, "other.example", NULL, true},
               "the certificate of other.example is for \"db.example\", \"*.wild.example\", "
               "\"localhost\", \"127.0.0.1\", not for \"other.example\"",
               "HostNameInCertificate");
    both_forms((setting){"good", "ca", false, "127.0.0.2", NULL, true}, "not for \"127.0.0.2\"",
               "HostNameInCertificate");
    both_forms((setting){"good", "ca", false, "db.example", "wanted.example", true},
               "not for \"wanted.example\"", "HostNameInCertificate");
    both_forms((setting){"good", "ca", false, "a.b.wild.example", NULL, true},
               "not for \"a.b.wild.example\"", "HostNameInCertificate");
    both_forms((setting){"nameless", "ca", false, "x.example", NULL, true},
               "is for \"db.example\", not for \"x.example\"", "HostNameInCertificate");
}

static void right_names_are_accepted(void **state)
{
    (void)state;
    static const setting cases[] = {
        {"good", "ca", false, "db.example", NULL, true},
        {"good", "ca", false, "DB.Example.", NULL, true},
        {"good", "ca", false, "x.wild.example", NULL, true},
        {"good", "ca", false, "127.0.0.1", NULL, true},
        {"good", "ca", false, "10.0.0.1", "db.example", true},
        {"good", "ca", false, "[::1]", "localhost", false},
        {"good", "good", false, "db.example", NULL, true}, /* the leaf itself is trusted */
        {"alone", "alone", false, "db.example", NULL, true},
        {"foreign", "ca", true, "else.example", NULL, true},
        {"huge", "ca", false, "db.example", NULL, true}, /* longer than what a client may send */
        {"huge", "ca", false, "db.example", NULL, false},
        {"expired", "ca", true, "else.example", NULL, false},
        {"alone", NULL, true, "127.0.0.9", NULL, true},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++)
        expect_success(&cases[i]);
}

static void trust_follows_the_environment(void **state)
{
    (void)state;
    entrasql_error err;
    tls_context *ctx = NULL;
    tls_client_options none = {0};
    assert_int_equal(setenv("SSL_CERT_FILE", certs_file("ca", ".pem"), 1), 0);
    expect_success(&(setting){"good", NULL, false, "db.example", NULL, true});
    /* ca_file comes first. */
    assert_int_equal(setenv("SSL_CERT_FILE", certs_file("other-ca", ".pem"), 1), 0);
    expect_success(&(setting){"good", "ca", false, "db.example", NULL, true});
    expect_refusal(&(setting){"good", NULL, false, "db.example", NULL, true}, "not trusted",
                   "(SSL_CERT_FILE)");
    assert_int_equal(setenv("SSL_CERT_FILE", "/nonexistent/ca.pem", 1), 0);
    assert_int_equal(tls_client_context_new(&none, &ctx, &err), ENTRASQL_CONFIG);
    assert_string_equal(err.message, "cannot open /nonexistent/ca.pem: No such file or directory "
                                     "(named by SSL_CERT_FILE)");
    assert_int_equal(setenv("SSL_CERT_FILE", certs_file("good", ".key"), 1), 0);
    assert_int_equal(tls_client_context_new(&none, &ctx, &err), ENTRASQL_CONFIG);
    assert_non_null(strstr(err.message, "holds no certificate in PEM form"));
    assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
    tls_client_options missing = {.ca_file = "/nonexistent/ca.pem"};
    assert_int_equal(tls_client_context_new(&missing, &ctx, &err), ENTRASQL_CONFIG);
    assert_non_null(strstr(err.message, "named by ca_file"));
    assert_null(ctx);
    /* The system's store does not know our authority. */
    expect_refusal(&(setting){"good", NULL, false, "db.example", NULL, true},
                   "is issued by \"CN=Test CA\", which is not trusted here",
                   "the system's certificates");
}

static bool holds(const es_buf *b, const char *text)
{
    return memmem(b->data, b->len, text, strlen(text)) != NULL;
}

static void names_are_sent_and_addresses_are_not(void **state)
{
    (void)state;
    setting s = good_strict;
    pair p = pair_new(&s);
    assert_int_equal(tls_conn_handshake(p.client, NULL), ENTRASQL_AGAIN);
    assert_true(holds(tls_conn_output(p.client), "db.example"));
    assert_true(holds(tls_conn_output(p.client), "tds/8.0"));
    pair_done(&p);
    s.name = "127.0.0.1";
    s.wrap = true;
    p = pair_new(&s);
    assert_int_equal(tls_conn_handshake(p.client, NULL), ENTRASQL_AGAIN);
    assert_false(holds(tls_conn_output(p.client), "127.0.0.1"));
    assert_false(holds(tls_conn_output(p.client), "tds/8.0"));
    pair_done(&p);
}

static void server_files_are_checked(void **state)
{
    (void)state;
    entrasql_error err;
    tls_context *ctx = NULL;
    assert_int_equal(
        tls_server_context_new(certs_file("good", ".pem"), certs_file("ca", ".key"), &ctx, &err),
        ENTRASQL_CONFIG);
    assert_int_equal(tls_server_context_new("/nonexistent", certs_file("ca", ".key"), &ctx, &err),
                     ENTRASQL_CONFIG);
    assert_non_null(strstr(err.message, "/nonexistent"));
    assert_int_equal(tls_server_context_new(certs_file("good", ".pem"), "/dev/null", &ctx, &err),
                     ENTRASQL_CONFIG);
    assert_null(ctx);
}

/* By what a shell does: the words that people will have typed. */
static void make_file(const char *command, const char *name, char ret[CERTS_PATH_SIZE])
{
    char line[1024];
    char from[CERTS_PATH_SIZE];
    char key[CERTS_PATH_SIZE];
    (void)snprintf(from, sizeof from, "%s", certs_file("good", ".pem"));
    (void)snprintf(key, sizeof key, "%s", certs_file("good", ".key"));
    (void)snprintf(ret, CERTS_PATH_SIZE, "%s", certs_file(name, ".made"));
    (void)snprintf(line, sizeof line, "cert='%s' key='%s' out='%s'; { %s; } 2>/dev/null", from, key,
                   ret, command);
    assert_int_equal(system(line), 0); /* NOLINT(cert-env33-c): a constant but for paths of ours */
}

/* What is wrong with a server's files, told with what to do. Each once, as certificate and as key.
 */
static void mistakes_in_server_files_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *command;
        bool is_key; /* it stands for the key, else for the certificate */
        const char *part;
        const char *hint;
    } cases[] = {
        {"mkfifo $out", false, "is not a regular file", "PEM"},
        {"mkfifo $out", true, "is not a regular file", "PEM"},
        {"mkdir $out", false, "is not a regular file", "PEM"},
        {"ln -s /dev/zero $out", true, "is not a regular file", "PEM"},
        {"truncate -s 2M $out", false, "larger than the limit", "PEM"},
        {"ln -s /nonexistent $out", true, "No such file", "PEM"},
        {": > $out", false, "holds no certificate", "BEGIN CERTIFICATE"},
        {": > $out", true, "holds no key", "BEGIN PRIVATE KEY"},
        {"cp $key $out", false, "holds no certificate", "swapped"},
        {"cp $cert $out", true, "holds no key", "swapped"},
        {"openssl x509 -in $cert -outform der -out $out", false, "is in DER form",
         "openssl x509 -inform der"},
        {"openssl pkey -in $key -outform der -out $out", true, "is in DER form",
         "openssl pkey -inform der"},
        {"openssl pkcs12 -export -in $cert -inkey $key -passout pass:x -out $out", false,
         "PKCS #12", "openssl pkcs12 -nodes"},
        {"openssl pkey -in $key -aes256 -passout pass:x -out $out", true, "encrypted",
         "takes it off"},
        {"head -n 5 $cert > $out", false, "cannot use", ""},
        {"head -n 3 $key > $out", true, "cannot use", ""},
        {"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $out", true,
         "does not belong", "first in its file"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        char path[CERTS_PATH_SIZE];
        char name[16];
        entrasql_error err = {0};
        tls_context *ctx = NULL;
        bool key_is_wrong = false;
        (void)snprintf(name, sizeof name, "m%zu", i);
        make_file(cases[i].command, name, path);
        entrasql_status status = tls_server_context_open(
            cases[i].is_key ? certs_file("good", ".pem") : path,
            cases[i].is_key ? path : certs_file("good", ".key"), &ctx, &key_is_wrong, &err);
        if (status != ENTRASQL_CONFIG || strstr(err.message, cases[i].part) == NULL ||
            strstr(err.message, path) == NULL || strstr(err.hint, cases[i].hint) == NULL)
            fail_msg("%s: %d %s (%s)", cases[i].command, (int)status, err.message, err.hint);
        assert_int_equal(key_is_wrong, cases[i].is_key);
        assert_int_equal(remove(path), 0);
    }
}

/* One file for both, and links to files, as Kubernetes makes them, are as good as any. */
static void usual_server_files_are_taken(void **state)
{
    (void)state;
    char both[CERTS_PATH_SIZE];
    char link[CERTS_PATH_SIZE];
    entrasql_error err;
    tls_context *ctx = NULL;
    int64_t from_s = 0;
    int64_t until_s = 0;
    make_file("cat $key $cert > $out", "both", both);
    make_file("ln -s $key $out", "link", link);
    assert_int_equal(tls_server_context_new(both, both, &ctx, &err), ENTRASQL_OK);
    tls_server_validity(ctx, &from_s, &until_s);
    assert_true(from_s < es_clock_wall_s() && until_s > es_clock_wall_s());
    tls_context_unref(ctx);
    assert_int_equal(tls_server_context_new(both, link, &ctx, &err), ENTRASQL_OK);
    tls_context_unref(ctx);
    assert_int_equal(remove(both) | remove(link), 0);
}

static void trust_is_no_fifo(void **state)
{
    (void)state;
    char path[CERTS_PATH_SIZE];
    entrasql_error err;
    tls_context *ctx = NULL;
    make_file("mkfifo $out", "fifo", path);
    tls_client_options options = {.ca_file = path};
    assert_int_equal(tls_client_context_new(&options, &ctx, &err), ENTRASQL_CONFIG);
    assert_non_null(strstr(err.message, "is not a regular file (named by ca_file)"));
    assert_int_equal(remove(path), 0);
    make_file("openssl x509 -in $cert -outform der -out $out", "der", path);
    assert_int_equal(tls_client_context_new(&options, &ctx, &err), ENTRASQL_CONFIG);
    assert_non_null(strstr(err.hint, "openssl x509 -inform der"));
    assert_int_equal(remove(path), 0);
}

static void options_are_checked(void **state)
{
    (void)state;
    tls_context *ctx = NULL;
    tls_conn *c = NULL;
    entrasql_error err;
    char long_name[400];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    tls_client_options options = {.trust_any_certificate = true};
    assert_int_equal(tls_client_context_new(&options, &ctx, &err), ENTRASQL_OK);
    tls_conn_options bad[] = {{.server_name = ""}, {.server_name = long_name}};
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++)
        assert_int_equal(tls_conn_new(ctx, &bad[i], &c, &err), ENTRASQL_INVALID);
    tls_context_unref(ctx);
}

/* ---- broken peers ---- */

typedef struct garbage {
    const char *bytes;
    size_t n;
    entrasql_status client; /* what a wrapped client says */
    entrasql_status server;
} garbage;

#define BYTES(s) (s), sizeof(s) - 1

static void broken_framing_is_refused(void **state)
{
    (void)state;
    static const garbage cases[] = {
        {BYTES("\x01"), ENTRASQL_MALFORMED, ENTRASQL_MALFORMED},
        {BYTES("\x16\x03\x03"), ENTRASQL_MALFORMED, ENTRASQL_MALFORMED},
        {BYTES("\x04"), ENTRASQL_AGAIN, ENTRASQL_MALFORMED},
        {BYTES("\x12\x01\x00\x07\0\0\0\0"), ENTRASQL_MALFORMED, ENTRASQL_MALFORMED},
        {BYTES("\x12\x01\x00\x00\0\0\0\0"), ENTRASQL_MALFORMED, ENTRASQL_MALFORMED},
        {BYTES("\x12\x01\x00\x08\0\0\0\0"), ENTRASQL_AGAIN, ENTRASQL_AGAIN},
        {BYTES("\x12\x01\x00\x10\0\0\0\0"
               "GET / HT"),
         ENTRASQL_TLS, ENTRASQL_TLS},
        {BYTES("\x12\x01\x00\x10\0\0\0\0"
               "GET / H"),
         ENTRASQL_AGAIN, ENTRASQL_AGAIN},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        pair p = pair_new(&good_wrapped);
        entrasql_error err;
        assert_int_equal(tls_conn_handshake(p.client, &err), ENTRASQL_AGAIN);
        assert_int_equal(tls_conn_feed(p.client, cases[i].bytes, cases[i].n, &err), ENTRASQL_OK);
        assert_int_equal(tls_conn_feed(p.server, cases[i].bytes, cases[i].n, &err), ENTRASQL_OK);
        assert_int_equal(tls_conn_handshake(p.client, &err), cases[i].client);
        assert_int_equal(tls_conn_handshake(p.server, &err), cases[i].server);
        pair_done(&p);
    }
}

static void not_tls_is_told(void **state)
{
    (void)state;
    pair p = pair_new(&good_strict);
    entrasql_error err;
    assert_int_equal(tls_conn_handshake(p.client, &err), ENTRASQL_AGAIN);
    assert_int_equal(tls_conn_feed(p.client, "HTTP/1.1 400 Bad", 16, &err), ENTRASQL_OK);
    assert_int_equal(tls_conn_handshake(p.client, &err), ENTRASQL_TLS);
    assert_non_null(strstr(err.message, "the TLS handshake with db.example failed"));
    assert_non_null(strstr(err.hint, "not TLS"));
    pair_done(&p);
}

static void endless_handshakes_are_cut_off(void **state)
{
    (void)state;
    /* A stream of empty packets, and one flight that never ends. */
    static const uint8_t empty[8] = {0x12, 0, 0, 8, 0, 0, 0, 0};
    pair p = pair_new(&good_wrapped);
    entrasql_status status = ENTRASQL_AGAIN;
    entrasql_error err;
    for (int i = 0; i < 100000 && status == ENTRASQL_AGAIN; i++) {
        assert_int_equal(tls_conn_feed(p.server, empty, sizeof empty, &err), ENTRASQL_OK);
        status = tls_conn_handshake(p.server, &err);
    }
    assert_int_equal(status, ENTRASQL_LIMIT);
    static const uint8_t chunk[4096] = {0x12, 0, 0xFF, 0xFF};
    status = ENTRASQL_OK;
    for (int i = 0; i < 1000 && status == ENTRASQL_OK; i++)
        status = tls_conn_feed(p.client, chunk, sizeof chunk, &err);
    assert_int_equal(status, ENTRASQL_LIMIT);
    pair_done(&p);
}

/* Feeds a ClientHello of 128000 bytes, 1 KiB of it in each record, to a server; returns how many.
 */
static size_t feed_long_hello(tls_conn *server, bool wrap, entrasql_status *ret,
                              entrasql_error *err)
{
    uint8_t packet[8 + 5 + 1019] = {
        0x12, 0, sizeof packet >> 8, sizeof packet & 0xFF, 0, 0, 0, 0, 0x16,
        3,    1, 1019 >> 8,          1019 & 0xFF};
    static const uint8_t head[] = {1, 1, 0xF4, 0, 3, 3};
    const uint8_t *start = wrap ? packet : packet + 8;
    size_t n = wrap ? sizeof packet : sizeof packet - 8;
    size_t fed = 0;
    memcpy(packet + 13, head, sizeof head);
    *ret = tls_conn_handshake(server, err);
    while (*ret == ENTRASQL_AGAIN && fed < (size_t)300 * 1024) {
        assert_int_equal(tls_conn_feed(server, start, n, err), ENTRASQL_OK);
        fed += n;
        *ret = tls_conn_handshake(server, err);
        memset(packet + 13, 0, sizeof head);
    }
    return fed;
}

static void long_hellos_are_cut_off(void **state)
{
    (void)state;
    for (int wrap = 0; wrap < 2; wrap++) {
        pair p = pair_new(wrap != 0 ? &good_wrapped : &good_strict);
        entrasql_error err;
        entrasql_status status;
        size_t fed = feed_long_hello(p.server, wrap != 0, &status, &err);
        assert_int_equal(status, ENTRASQL_LIMIT);
        assert_string_equal(err.message, "the TLS handshake of the client is too long");
        assert_true(fed > TLS_CLIENT_HANDSHAKE_MAX_BYTES &&
                    fed <= TLS_CLIENT_HANDSHAKE_MAX_BYTES + 1032);
        pair_done(&p);
    }
}

static void old_versions_are_refused(void **state)
{
    (void)state;
    /* A ClientHello of TLS 1.0, nothing newer: version, random, no session, one cipher. */
    uint8_t hello[5 + 4 + 41] = {0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 1};
    hello[9 + 2 + 32] = 0;
    hello[9 + 35] = 0;
    hello[9 + 36] = 2;
    hello[9 + 37] = 0;
    hello[9 + 38] = 0x2F;
    hello[9 + 39] = 1;
    pair p = pair_new(&good_strict);
    entrasql_error err;
    assert_int_equal(tls_conn_feed(p.server, hello, sizeof hello, &err), ENTRASQL_OK);
    assert_int_equal(tls_conn_handshake(p.server, &err), ENTRASQL_TLS);
    assert_non_null(strstr(err.message, "unsupported protocol"));
    assert_non_null(strstr(err.hint, "TLS 1.2"));
    pair_done(&p);
}

static void foreign_protocols_are_refused(void **state)
{
    (void)state;
    /* A client without ALPN is taken: here a wrapped client's hello, unwrapped. */
    pair p = pair_new(&good_wrapped);
    pair strict = pair_new(&good_strict);
    entrasql_error err;
    assert_int_equal(tls_conn_handshake(p.client, &err), ENTRASQL_AGAIN);
    es_buf *out = tls_conn_output(p.client);
    assert_int_equal(tls_conn_feed(strict.server, out->data + 8, out->len - 8, &err), ENTRASQL_OK);
    assert_int_equal(tls_conn_handshake(strict.server, &err), ENTRASQL_AGAIN);
    pair_done(&strict);
    /* One that offers something else only is not: the name in the hello is changed. */
    strict = pair_new(&good_strict);
    assert_int_equal(tls_conn_handshake(strict.client, &err), ENTRASQL_AGAIN);
    out = tls_conn_output(strict.client);
    uint8_t *name = memmem(out->data, out->len, "tds/8.0", 7);
    assert_non_null(name);
    memcpy(name, "http1.1", 7);
    (void)carry(strict.client, strict.server, SIZE_MAX);
    assert_int_equal(tls_conn_handshake(strict.server, &err), ENTRASQL_TLS);
    pair_done(&strict);
    pair_done(&p);
}

/* Every one of our own allocations fails once. */
static void lack_of_memory_is_survived(void **state)
{
    (void)state;
    bool finished = false;
    for (unsigned long nth = 1; nth < 200 && !finished; nth++) {
        pair p = {0};
        char ca[CERTS_PATH_SIZE];
        (void)snprintf(ca, sizeof ca, "%s", certs_file("ca", ".pem"));
        tls_client_options options = {.ca_file = ca};
        tls_conn_options conn = {.server_name = "db.example", .wrap_prelogin = true};
        (void)es_mem_fail_from(nth);
        entrasql_status status = tls_client_context_new(&options, &p.client_context, NULL);
        if (status == ENTRASQL_OK)
            status = tls_conn_new(p.client_context, &conn, &p.client, NULL);
        if (status == ENTRASQL_OK)
            status = tls_conn_handshake(p.client, NULL);
        if (status == ENTRASQL_AGAIN)
            status = tls_conn_feed(p.client, "\x12", 1, NULL);
        (void)es_mem_fail_from(0);
        assert_true(status == ENTRASQL_OK || status == ENTRASQL_NOMEM);
        finished = status == ENTRASQL_OK;
        pair_done(&p);
    }
    assert_true(finished);
}

static int set_up(void **state)
{
    (void)state;
    (void)unsetenv("SSL_CERT_FILE");
    certs_make_usual();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    certs_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrapped_handshake_at_every_cut),
        cmocka_unit_test(strict_handshake_at_every_cut),
        cmocka_unit_test(big_flights_are_split),
        cmocka_unit_test(bytes_behind_the_handshake_are_kept),
        cmocka_unit_test(clear_bytes_after_tls_are_given_back),
        cmocka_unit_test(a_second_handshake_is_refused),
        cmocka_unit_test(much_data_passes),
        cmocka_unit_test(a_flipped_bit_is_noticed),
        cmocka_unit_test(bad_certificates_are_refused),
        cmocka_unit_test(wrong_names_are_refused),
        cmocka_unit_test(right_names_are_accepted),
        cmocka_unit_test(trust_follows_the_environment),
        cmocka_unit_test(names_are_sent_and_addresses_are_not),
        cmocka_unit_test(server_files_are_checked),
        cmocka_unit_test(mistakes_in_server_files_are_named),
        cmocka_unit_test(usual_server_files_are_taken),
        cmocka_unit_test(trust_is_no_fifo),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(broken_framing_is_refused),
        cmocka_unit_test(not_tls_is_told),
        cmocka_unit_test(endless_handshakes_are_cut_off),
        cmocka_unit_test(long_hellos_are_cut_off),
        cmocka_unit_test(old_versions_are_refused),
        cmocka_unit_test(foreign_protocols_are_refused),
        cmocka_unit_test(lack_of_memory_is_survived),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
