/* SPDX-License-Identifier: MIT */
/* Client and server engine log in to each other, with the bytes split at every place. */
#include "login_harness.h"

static const scenario scenarios[] = {
    {.name = "token",
     .encrypt = TDS_ENCRYPT_ON,
     .auth = TDS_CLIENT_AUTH_TOKEN,
     .tls = TDS_SERVER_TLS_OFFERED,
     .fedauth_required = true,
     .end = TDS_CLIENT_READY},
    {.name = "token, optional encryption becomes full",
     .encrypt = TDS_ENCRYPT_OFF,
     .auth = TDS_CLIENT_AUTH_TOKEN,
     .tls = TDS_SERVER_TLS_REQUIRED,
     .end = TDS_CLIENT_READY,
     .packet_size = 8000},
    {.name = "token on request",
     .encrypt = TDS_ENCRYPT_ON,
     .auth = TDS_CLIENT_AUTH_TOKEN_ON_REQUEST,
     .tls = TDS_SERVER_TLS_OFFERED,
     .fedauth_required = true,
     .end = TDS_CLIENT_READY},
    {.name = "strict, token",
     .encrypt = TDS_ENCRYPT_STRICT,
     .auth = TDS_CLIENT_AUTH_TOKEN,
     .tls = TDS_SERVER_TLS_OFFERED,
     .strict = true,
     .end = TDS_CLIENT_READY,
     .packet_size = 32767},
    {.name = "strict, password",
     .encrypt = TDS_ENCRYPT_STRICT,
     .auth = TDS_CLIENT_AUTH_PASSWORD,
     .tls = TDS_SERVER_TLS_OFFERED,
     .strict = true,
     .end = TDS_CLIENT_READY},
    {.name = "password, encryption on",
     .encrypt = TDS_ENCRYPT_ON,
     .auth = TDS_CLIENT_AUTH_PASSWORD,
     .tls = TDS_SERVER_TLS_OFFERED,
     .end = TDS_CLIENT_READY},
    {.name = "password, encryption off: the server makes it full",
     .encrypt = TDS_ENCRYPT_OFF,
     .auth = TDS_CLIENT_AUTH_PASSWORD,
     .tls = TDS_SERVER_TLS_OFFERED,
     .end = TDS_CLIENT_READY,
     .packet_size = 512},
    {.name = "password in clear",
     .encrypt = TDS_ENCRYPT_NOT_SUPPORTED,
     .auth = TDS_CLIENT_AUTH_PASSWORD,
     .allow_clear = true,
     .tls = TDS_SERVER_TLS_OFFERED,
     .end = TDS_CLIENT_READY},
    {.name = "password in clear to a server without TLS",
     .encrypt = TDS_ENCRYPT_OFF,
     .auth = TDS_CLIENT_AUTH_PASSWORD,
     .allow_clear = true,
     .tls = TDS_SERVER_TLS_NONE,
     .version = TDS_VERSION_7_3B,
     .end = TDS_CLIENT_READY},
    {.name = "password, the server has no TLS",
     .encrypt = TDS_ENCRYPT_OFF,
     .auth = TDS_CLIENT_AUTH_PASSWORD,
     .tls = TDS_SERVER_TLS_NONE,
     .end = TDS_CLIENT_FAILED,
     .failure = "a password is not sent in clear"},
    {.name = "token, the server has no TLS",
     .encrypt = TDS_ENCRYPT_ON,
     .auth = TDS_CLIENT_AUTH_TOKEN,
     .allow_clear = true,
     .tls = TDS_SERVER_TLS_NONE,
     .end = TDS_CLIENT_FAILED,
     .failure = "an access token is not sent in clear"},
    {.name = "clear, the server requires TLS",
     .encrypt = TDS_ENCRYPT_NOT_SUPPORTED,
     .auth = TDS_CLIENT_AUTH_PASSWORD,
     .allow_clear = true,
     .tls = TDS_SERVER_TLS_REQUIRED,
     .end = TDS_CLIENT_FAILED,
     .failure = "the server demands encryption"},
    {.name = "refused",
     .encrypt = TDS_ENCRYPT_ON,
     .auth = TDS_CLIENT_AUTH_TOKEN,
     .tls = TDS_SERVER_TLS_OFFERED,
     .decide = DECIDE_REFUSE,
     .end = TDS_CLIENT_FAILED,
     .failure = "Login failed for user '<token-identified principal>'.",
     .number = 18456},
    {.name = "no such database",
     .encrypt = TDS_ENCRYPT_ON,
     .auth = TDS_CLIENT_AUTH_TOKEN_ON_REQUEST,
     .tls = TDS_SERVER_TLS_OFFERED,
     .decide = DECIDE_NO_DATABASE,
     .end = TDS_CLIENT_FAILED,
     .failure = "The login failed. Login failed for user '<token-identified principal>'.",
     .number = 4060},
    {.name = "routed",
     .encrypt = TDS_ENCRYPT_ON,
     .auth = TDS_CLIENT_AUTH_TOKEN,
     .tls = TDS_SERVER_TLS_OFFERED,
     .decide = DECIDE_ROUTE,
     .end = TDS_CLIENT_ROUTED},
    {.name = "too old",
     .encrypt = TDS_ENCRYPT_ON,
     .auth = TDS_CLIENT_AUTH_PASSWORD,
     .tls = TDS_SERVER_TLS_OFFERED,
     .version = TDS_VERSION_7_2,
     .end = TDS_CLIENT_FAILED,
     .failure = "TDS 7.3 or later is needed",
     .number = 18456},
};

static void no_secret_in(const entrasql_error *err)
{
    assert_null(strstr(err->message, "SECRET"));
    assert_null(strstr(err->message, "S3cret"));
    assert_null(strstr(err->hint, "SECRET"));
    assert_null(strstr(err->hint, "S3cret"));
}

static void check_ready(const pair *p)
{
    const scenario *s = p->s;
    const tds_login7 *l = tds_server_login(p->server);
    uint32_t size = tds_packet_size_grant(s->packet_size, 16383);

    assert_int_equal(tds_server_wants(p->server), TDS_SERVER_READY);
    assert_string_equal(l->server_name, "srv.database.windows.net");
    assert_string_equal(l->database, "mydb");
    assert_int_equal(tds_client_packet_size(p->client), size);
    assert_int_equal(tds_server_packet_size(p->server), size);
    assert_int_equal(tds_client_tds_version(p->client), l->tds_version);
    assert_int_equal(tds_server_tds_version(p->server), l->tds_version);
    assert_string_equal(tds_client_database(p->client), "mydb");
    assert_int_equal(tds_server_is_encrypted(p->server),
                     s->encrypt != TDS_ENCRYPT_NOT_SUPPORTED && s->tls != TDS_SERVER_TLS_NONE);
    if (s->encrypt == TDS_ENCRYPT_STRICT)
        assert_int_equal(l->tds_version, TDS_VERSION_8_0);
    else
        assert_int_equal(l->tds_version, s->version != 0 ? s->version : TDS_VERSION_7_4);
    switch (s->auth) {
    case TDS_CLIENT_AUTH_PASSWORD:
        assert_string_equal(l->user_name, "sqluser");
        assert_true(es_secret_equal(l->password, TEST_PASSWORD, strlen(TEST_PASSWORD)));
        assert_int_equal(l->fedauth_library, TDS_FEDAUTH_NONE);
        break;
    case TDS_CLIENT_AUTH_TOKEN:
        assert_string_equal(l->user_name, "");
        assert_null(l->password);
        assert_int_equal(l->fedauth_echo, s->fedauth_required);
        assert_true(es_secret_equal(l->fedauth_token, TEST_TOKEN, strlen(TEST_TOKEN)));
        break;
    case TDS_CLIENT_AUTH_TOKEN_ON_REQUEST:
        assert_null(l->password);
        assert_null(l->fedauth_token);
        assert_true(es_secret_equal(tds_server_token(p->server), TEST_TOKEN, strlen(TEST_TOKEN)));
        assert_string_equal(tds_client_fedauth_sts_url(p->client), TEST_STS);
        assert_string_equal(tds_client_fedauth_spn(p->client), TEST_SPN);
        break;
    }
}

static void check_end(const pair *p)
{
    const scenario *s = p->s;

    assert_int_equal(tds_client_wants(p->client), s->end);
    no_secret_in(&p->client_error);
    no_secret_in(&p->server_error);
    if (s->end == TDS_CLIENT_READY)
        check_ready(p);
    if (s->end == TDS_CLIENT_ROUTED) {
        assert_string_equal(tds_client_routing_host(p->client), "node.example");
        assert_int_equal(tds_client_routing_port(p->client), 11001);
        assert_int_equal(tds_server_wants(p->server), TDS_SERVER_REFUSED);
    }
    if (s->end == TDS_CLIENT_FAILED) {
        if (strstr(p->client_error.message, s->failure) == NULL)
            fail_msg("%s: %s", s->name, p->client_error.message);
        assert_int_equal(p->client_error.number, s->number);
        assert_int_not_equal(p->client_error.hint[0], '\0');
        if (s->number != 0) {
            assert_int_equal(p->client_error.status, ENTRASQL_LOGIN_FAILED);
            assert_int_equal(p->client_error.severity, s->number == 4060 ? 11 : 14);
            assert_int_equal(p->client_error.state, 1);
            assert_non_null(tds_server_refusal(p->server));
        }
    }
}

static void run_once(const scenario *s, size_t cut_to_server, size_t cut_to_client, size_t step,
                     size_t *ret_to_server, size_t *ret_to_client)
{
    pair p;

    pair_open(&p, s);
    pair_run(&p, cut_to_server, cut_to_client, step);
    check_end(&p);
    *ret_to_server = p.sent_to_server;
    *ret_to_client = p.sent_to_client;
    pair_close(&p);
}

static void every_login_with_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(scenarios); i++) {
        const scenario *s = &scenarios[i];
        size_t to_server;
        size_t to_client;
        size_t a;
        size_t b;

        run_once(s, 0, 0, SIZE_MAX, &to_server, &to_client);
        for (size_t cut = 1; cut < to_server; cut++) {
            run_once(s, cut, 0, SIZE_MAX, &a, &b);
            assert_int_equal(a, to_server);
        }
        for (size_t cut = 1; cut < to_client; cut++)
            run_once(s, 0, cut, SIZE_MAX, &a, &b);
        run_once(s, 0, 0, 1, &a, &b);
        assert_int_equal(a, to_server);
    }
}

/* The connection ends after each byte: never ready, always an error, never a secret. */
static void every_early_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(scenarios); i++) {
        const scenario *s = &scenarios[i];
        size_t to_server;
        size_t to_client;

        run_once(s, 0, 0, SIZE_MAX, &to_server, &to_client);
        for (size_t end = 0; end < to_client; end++) {
            pair p;
            entrasql_error err;
            pair_open(&p, s);
            for (;;) {
                bool moved = act(&p);
                moved = server_turn(&p, 0, SIZE_MAX) || moved;
                if (p.sent_to_client < end)
                    moved = client_turn(&p, end, SIZE_MAX) || moved;
                if (!moved)
                    break;
            }
            if (!p.client_failed) {
                assert_int_not_equal(tds_client_wants(p.client), TDS_CLIENT_READY);
                assert_int_equal(tds_client_eof(p.client, &err), ENTRASQL_CLOSED);
                assert_non_null(strstr(err.message, "closed the connection"));
                no_secret_in(&err);
                assert_int_equal(tds_client_wants(p.client), TDS_CLIENT_FAILED);
            }
            pair_close(&p);
        }
    }
}

/* A large token needs several packets each way of sending it. */
static void large_tokens_arrive_whole(void **state)
{
    (void)state;
    static const tds_client_auth ways[] = {TDS_CLIENT_AUTH_TOKEN, TDS_CLIENT_AUTH_TOKEN_ON_REQUEST};
    char *text = malloc(30001);

    assert_non_null(text);
    for (size_t i = 0; i < 30000; i++)
        text[i] = (char)('a' + i % 26);
    text[30000] = '\0';
    es_secret *token = secret(text);
    for (size_t w = 0; w < ES_COUNT_OF(ways); w++) {
        scenario s = scenarios[0];
        pair p;
        s.auth = ways[w];
        pair_open(&p, &s);
        for (;;) {
            bool moved = false;
            if (tds_client_wants(p.client) == TDS_CLIENT_WANT_TOKEN) {
                OK(tds_client_give_token(p.client, token, NULL));
                moved = true;
            }
            moved = act(&p) || moved;
            moved = server_turn(&p, 0, 1000) || moved;
            moved = client_turn(&p, 0, 1000) || moved;
            if (!moved && tds_client_output(p.client)->len == 0 &&
                tds_server_output(p.server)->len == 0)
                break;
        }
        assert_int_equal(tds_client_wants(p.client), TDS_CLIENT_READY);
        const es_secret *got = ways[w] == TDS_CLIENT_AUTH_TOKEN
                                   ? tds_server_login(p.server)->fedauth_token
                                   : tds_server_token(p.server);
        assert_true(es_secret_equal(got, text, 30000));
        pair_close(&p);
    }
    es_secret_unref(token);
    free(text);
}

/* The relay's way: the response of one login is replayed in another. */
static void a_response_is_replayed_without_fedauth(void **state)
{
    (void)state;
    pair up;
    pair down;
    tds_server_accept_options accept = {0};

    pair_open(&up, &scenarios[1]); /* token upstream, packet size 8000 */
    pair_run(&up, 0, 0, SIZE_MAX);
    assert_int_equal(tds_client_wants(up.client), TDS_CLIENT_READY);
    const es_buf *response = tds_client_response(up.client);
    es_reader r = es_reader_of(response->data, response->len);
    while (r.left != 0) {
        tds_token t;
        OK(tds_token_next(&r, &t, NULL));
        if (t.id == TDS_TOKEN_FEATUREEXTACK) /* UTF8_SUPPORT alone is left */
            assert_int_equal(t.bytes, 1 + 6 + 1);
    }

    pair_open(&down, &scenarios[8]); /* password, TDS 7.3 */
    while (tds_server_wants(down.server) != TDS_SERVER_WANT_DECISION) {
        drain(tds_client_output(down.client), &down.to_server);
        drain(tds_server_output(down.server), &down.to_client);
        (void)server_turn(&down, 0, SIZE_MAX);
        (void)client_turn(&down, 0, SIZE_MAX);
    }
    accept.response = response;
    OK(tds_server_accept(down.server, &accept, NULL));
    pair_run(&down, 0, 0, 1);
    assert_int_equal(tds_client_wants(down.client), TDS_CLIENT_READY);
    assert_int_equal(tds_client_packet_size(down.client), 8000);
    assert_int_equal(tds_server_packet_size(down.server), 8000);
    assert_int_equal(tds_client_tds_version(down.client), TDS_VERSION_7_3B);
    pair_close(&up);
    pair_close(&down);
}

/* Replays to a client with a token, which insists on FEDAUTH's acknowledgement. */
static void replay_to_token_client(const es_buf *response)
{
    pair down;
    tds_server_accept_options accept = {.response = response};

    pair_open(&down, &scenarios[1]);
    while (tds_server_wants(down.server) != TDS_SERVER_WANT_DECISION) {
        assert_false(down.client_failed || down.server_failed);
        (void)act(&down);
        (void)server_turn(&down, 0, SIZE_MAX);
        (void)client_turn(&down, 0, SIZE_MAX);
    }
    OK(tds_server_accept(down.server, &accept, NULL));
    pair_run(&down, 0, 0, 1);
    if (tds_client_wants(down.client) != TDS_CLIENT_READY)
        fail_msg("%s", down.client_error.message);
    pair_close(&down);
}

/* The pass-through's way: password upstream, a token at the door. */
static void a_replayed_response_acknowledges_fedauth(void **state)
{
    (void)state;
    pair up;
    es_buf bare = ES_BUF_INIT(1 << 16);

    pair_open(&up, &scenarios[8]); /* password */
    pair_run(&up, 0, 0, SIZE_MAX);
    assert_int_equal(tds_client_wants(up.client), TDS_CLIENT_READY);
    const es_buf *response = tds_client_response(up.client);
    replay_to_token_client(response);
    es_reader r = es_reader_of(response->data, response->len);
    while (r.left != 0) { /* a server that acknowledges nothing at all */
        tds_token t;
        OK(tds_token_next(&r, &t, NULL));
        if (t.id != TDS_TOKEN_FEATUREEXTACK)
            OK(es_buf_add(&bare, t.start, t.bytes));
    }
    assert_true(bare.len < response->len);
    replay_to_token_client(&bare);
    es_buf_done(&bare);
    pair_close(&up);
}

/* Each allocation fails once: an error, no leak, no crash, and no half login. */
static void each_failed_allocation_is_told(void **state)
{
    (void)state;
    es_secret *token = secret(TEST_TOKEN);

    for (unsigned long nth = 1; nth < 2000; nth++) {
        tds_login7 template;
        tds_client *c = NULL;
        size_t used;
        sample_template(&template, &scenarios[0]);
        tds_client_options co = {.login = &template,
                                 .server_name = "s",
                                 .encrypt = TDS_ENCRYPT_STRICT,
                                 .auth = TDS_CLIENT_AUTH_TOKEN};
        es_mem_fail_from(nth);
        entrasql_status st = tds_client_new(&co, &c, NULL);
        if (st == ENTRASQL_OK)
            st = tds_client_tls_started(c, NULL);
        if (st == ENTRASQL_OK)
            st = tds_client_feed(c, "\x04\x01\x00\x14\0\0\1\0\0\0\x06\0\x06\xFF\x0C\0\x07\xD0\0\0",
                                 20, &used, NULL);
        if (st == ENTRASQL_OK)
            st = tds_client_give_token(c, token, NULL);
        es_mem_fail_from(0);
        bool ready = st == ENTRASQL_OK && tds_client_wants(c) == TDS_CLIENT_WANT_READ;
        if (st != ENTRASQL_OK)
            assert_int_equal(st, ENTRASQL_NOMEM);
        tds_client_free(c);
        tds_login7_done(&template);
        if (ready) {
            es_secret_unref(token);
            return;
        }
    }
    fail_msg("the login never succeeded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_login_with_every_split),
        cmocka_unit_test(every_early_end),
        cmocka_unit_test(large_tokens_arrive_whole),
        cmocka_unit_test(a_response_is_replayed_without_fedauth),
        cmocka_unit_test(a_replayed_response_acknowledges_fedauth),
        cmocka_unit_test(each_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
