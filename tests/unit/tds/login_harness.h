/* SPDX-License-Identifier: MIT */
/*
 * Two login engines on the two ends of a wire in memory. TLS is a switch that
 * both turn at the same time; what matters is who wants it when.
 */
#ifndef LOGIN_HARNESS_H
#define LOGIN_HARNESS_H

#include "tds_test.h"

#include "tds/client.h"
#include "tds/server.h"

#define TEST_TOKEN "eyJSECRETTOKEN.payload.signature"
#define TEST_PASSWORD "S3cret-Passw0rd"
#define TEST_STS "https://localhost:8443/11111111-2222-3333-4444-555555555555"
#define TEST_SPN "https://database.windows.net/"

typedef enum decision { DECIDE_ACCEPT, DECIDE_REFUSE, DECIDE_ROUTE, DECIDE_NO_DATABASE } decision;

typedef struct scenario {
    const char *name;
    tds_encrypt encrypt;
    tds_client_auth auth;
    bool allow_clear;
    tds_server_tls tls;
    bool strict;
    bool fedauth_required;
    uint32_t packet_size;
    uint32_t version; /* 0: 7.4 */
    decision decide;
    tds_client_want end; /* how the client ends */
    const char *failure; /* part of the client's error text */
    uint32_t number;     /* and its number */
} scenario;

typedef struct pair {
    const scenario *s;
    tds_client *client;
    tds_server *server;
    es_buf to_server; /* on the wire */
    es_buf to_client;
    size_t sent_to_server; /* bytes that have left the wire so far */
    size_t sent_to_client;
    entrasql_error client_error;
    entrasql_error server_error;
    bool client_failed;
    bool server_failed;
} pair;

static inline void sample_template(tds_login7 *l, const scenario *s)
{
    OK(tds_login7_init(l));
    if (s->version != 0)
        l->tds_version = s->version;
    l->packet_size = s->packet_size;
    l->client_pid = 42;
    OK(tds_login7_set(&l->host_name, "host"));
    OK(tds_login7_set(&l->app_name, "test"));
    OK(tds_login7_set(&l->library_name, "entrasql"));
    OK(tds_login7_set(&l->database, "mydb"));
    OK(tds_login7_set(&l->user_name, "sqluser"));
    l->password = secret(TEST_PASSWORD);
    OK(tds_login7_add_feature(l, TDS_FEATURE_UTF8_SUPPORT, "\x01", 1));
}

static inline void pair_open(pair *p, const scenario *s)
{
    tds_login7 template;
    tds_client_options co = {.login = &template,
                             .server_name = "srv.database.windows.net",
                             .encrypt = s->encrypt,
                             .auth = s->auth,
                             .allow_clear_password = s->allow_clear};
    tds_server_options so = {
        .tls = s->tls, .strict = s->strict, .fedauth_required = s->fedauth_required, .spid = 51};

    *p = (pair){.s = s};
    es_buf_init(&p->to_server, 4 << 20);
    es_buf_init(&p->to_client, 4 << 20);
    sample_template(&template, s);
    OK(tds_client_new(&co, &p->client, &p->client_error));
    OK(tds_server_new(&so, &p->server, &p->server_error));
    tds_login7_done(&template);
}

static inline void pair_close(pair *p)
{
    tds_client_free(p->client);
    tds_server_free(p->server);
    es_buf_done(&p->to_server);
    es_buf_done(&p->to_client);
}

static inline void drain(es_buf *from, es_buf *wire)
{
    OK(es_buf_add(wire, from->data, from->len));
    es_buf_consume(from, from->len);
}

/* How many of the waiting bytes may arrive now: never across the cut, at most step. */
static inline size_t next_piece(size_t waiting, size_t sent, size_t cut, size_t step)
{
    size_t n = waiting < step ? waiting : step;

    return sent < cut && n > cut - sent ? cut - sent : n;
}

static inline bool client_turn(pair *p, size_t cut, size_t step)
{
    size_t n = next_piece(p->to_client.len, p->sent_to_client, cut, step);
    size_t used = 0;

    if (n == 0 || p->client_failed)
        return false;
    uint8_t *piece = exact_copy(p->to_client.data, n);
    entrasql_status st = tds_client_feed(p->client, piece, n, &used, &p->client_error);
    free(piece);
    if (st != ENTRASQL_OK) {
        p->client_failed = true;
        assert_int_equal(tds_client_wants(p->client), TDS_CLIENT_FAILED);
        return true;
    }
    p->sent_to_client += used;
    es_buf_consume(&p->to_client, used);
    return used != 0;
}

static inline bool server_turn(pair *p, size_t cut, size_t step)
{
    size_t n = next_piece(p->to_server.len, p->sent_to_server, cut, step);
    size_t used = 0;

    if (n == 0 || p->server_failed)
        return false;
    uint8_t *piece = exact_copy(p->to_server.data, n);
    entrasql_status st = tds_server_feed(p->server, piece, n, &used, &p->server_error);
    free(piece);
    if (st != ENTRASQL_OK) {
        p->server_failed = true;
        assert_int_equal(tds_server_wants(p->server), TDS_SERVER_FAILED);
        return true;
    }
    p->sent_to_server += used;
    es_buf_consume(&p->to_server, used);
    return used != 0;
}

static inline void server_decides(pair *p, bool may_ask)
{
    tds_server_accept_options accept = {.server_name = "srv", .database = "mydb"};
    entrasql_error why;

    if (may_ask && tds_server_login(p->server)->fedauth_library == TDS_FEDAUTH_ADAL) {
        OK(tds_server_ask_token(p->server, TEST_STS, TEST_SPN, &p->server_error));
        return;
    }
    switch (p->s->decide) {
    case DECIDE_ACCEPT:
        OK(tds_server_accept(p->server, &accept, &p->server_error));
        break;
    case DECIDE_REFUSE:
        es_fail(&why, ENTRASQL_LOGIN_FAILED,
                "Login failed for user '<token-identified principal>'.");
        OK(tds_server_refuse(p->server, &why, "srv", &p->server_error));
        break;
    case DECIDE_NO_DATABASE:
        es_fail(&why, ENTRASQL_LOGIN_FAILED,
                "Cannot open database \"mydb\" requested by the login. The login failed.");
        why.number = 4060;
        why.severity = 11;
        OK(tds_server_refuse(p->server, &why, "srv", &p->server_error));
        break;
    case DECIDE_ROUTE:
        OK(tds_server_route(p->server, "node.example", 11001, &p->server_error));
        break;
    }
}

/* Whoever does not wait for bytes acts. True when something happened. */
static inline bool act(pair *p)
{
    tds_client_want c = tds_client_wants(p->client);
    tds_server_want s = tds_server_wants(p->server);

    drain(tds_client_output(p->client), &p->to_server);
    drain(tds_server_output(p->server), &p->to_client);
    if (c == TDS_CLIENT_WANT_TLS && p->s->strict) {
        OK(tds_client_tls_started(p->client, &p->client_error));
        return true;
    }
    if (c == TDS_CLIENT_WANT_TLS && s == TDS_SERVER_WANT_TLS) {
        assert_int_equal(p->to_server.len + p->to_client.len, 0);
        OK(tds_client_tls_started(p->client, &p->client_error));
        OK(tds_server_tls_started(p->server, &p->server_error));
        return true;
    }
    if (c == TDS_CLIENT_WANT_TOKEN) {
        es_secret *token = secret(TEST_TOKEN);
        OK(tds_client_give_token(p->client, token, &p->client_error));
        es_secret_unref(token);
        return true;
    }
    if (s == TDS_SERVER_WANT_DECISION || s == TDS_SERVER_WANT_TOKEN_DECISION) {
        server_decides(p, s == TDS_SERVER_WANT_DECISION);
        return true;
    }
    return false;
}

/* Runs to the end: nobody has anything left to do. */
static inline void pair_run(pair *p, size_t cut_to_server, size_t cut_to_client, size_t step)
{
    for (;;) {
        bool moved = act(p);
        moved = server_turn(p, cut_to_server, step) || moved;
        moved = client_turn(p, cut_to_client, step) || moved;
        if (!moved && tds_client_output(p->client)->len == 0 &&
            tds_server_output(p->server)->len == 0)
            return;
    }
}

#endif
