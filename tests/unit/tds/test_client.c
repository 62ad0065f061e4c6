/* SPDX-License-Identifier: MIT */
/* The client's login engine: every state with every packet type, bad answers, login-only TLS. */
#include "login_harness.h"

/* Answers of a server, by hand. */
static es_buf reply(const es_buf *body)
{
    es_buf wire = ES_BUF_INIT(1 << 20);

    OK(tds_packets_write(TDS_PACKET_REPLY, 51, 4096, body->data, body->len, &wire));
    return wire;
}

static entrasql_status feed_body(tds_client *c, const es_buf *body, entrasql_error *err)
{
    es_buf wire = reply(body);
    size_t used = 0;
    uint8_t *copy = exact_copy(wire.data, wire.len);
    entrasql_status st = tds_client_feed(c, copy, wire.len, &used, err);

    if (st == ENTRASQL_OK)
        assert_int_equal(used, wire.len);
    free(copy);
    es_buf_done(&wire);
    return st;
}

static entrasql_status answer_prelogin(tds_client *c, int encryption, entrasql_error *err)
{
    tds_prelogin p = {.has_version = true,
                      .major = 12,
                      .has_encryption = encryption >= 0,
                      .encryption = (uint8_t)encryption,
                      .has_fedauth_required = true,
                      .fedauth_required = 1};
    es_buf body = ES_BUF_INIT(1000);

    OK(tds_prelogin_build(&p, TDS_PRELOGIN_ANSWER, &body));
    entrasql_status st = feed_body(c, &body, err);
    es_buf_done(&body);
    return st;
}

static es_buf good_response(void)
{
    es_buf b = ES_BUF_INIT(10000);

    OK(tds_envchange_add_text(&b, TDS_ENV_DATABASE, "mydb", "master"));
    OK(tds_loginack_add(&b, TDS_VERSION_7_4));
    OK(es_buf_add(&b, "\xAE\x02\0\0\0\0\xFF", 7));
    OK(tds_done_add(&b, TDS_TOKEN_DONE, 0, 0, 0));
    return b;
}

static es_buf token_request(void)
{
    es_buf b = ES_BUF_INIT(10000);

    OK(tds_fedauth_info_add(&b, TEST_STS, TEST_SPN));
    return b;
}

static es_buf routing_response(void)
{
    es_buf b = ES_BUF_INIT(10000);

    OK(tds_envchange_add_routing(&b, "node", 11001));
    OK(tds_done_add(&b, TDS_TOKEN_DONE, 0, 0, 0));
    return b;
}

static tds_client *new_client(tds_encrypt encrypt, tds_client_auth auth, bool allow_clear)
{
    static const scenario plain = {0};
    tds_login7 template;
    tds_client_options o = {.login = &template,
                            .server_name = "s",
                            .encrypt = encrypt,
                            .auth = auth,
                            .allow_clear_password = allow_clear};
    tds_client *c = NULL;

    sample_template(&template, &plain);
    OK(tds_client_new(&o, &c, NULL));
    tds_login7_done(&template);
    return c;
}

static void give(tds_client *c)
{
    es_secret *token = secret(TEST_TOKEN);

    OK(tds_client_give_token(c, token, NULL));
    es_secret_unref(token);
}

static void feed_ok(tds_client *c, es_buf body)
{
    OK(feed_body(c, &body, NULL));
    es_buf_done(&body);
}

/* ---- every state ---- */

typedef enum place {
    AT_TLS_FIRST,
    AT_PRELOGIN,
    AT_TLS,
    AT_NEED_TOKEN,
    AT_LOGIN_ONLY,
    AT_RESPONSE,
    AT_TOKEN_ASKED,
    AT_TOKEN_SENT,
    AT_READY,
    AT_ROUTED,
    AT_FAILED,
    PLACES
} place;

static tds_client *at_response(tds_client_auth auth)
{
    tds_client *c = new_client(TDS_ENCRYPT_ON, auth, false);

    OK(answer_prelogin(c, TDS_ENCRYPTION_ON, NULL));
    OK(tds_client_tls_started(c, NULL));
    if (auth == TDS_CLIENT_AUTH_TOKEN)
        give(c);
    return c;
}

static tds_client *client_at(place where)
{
    tds_client *c;

    switch (where) {
    case AT_TLS_FIRST:
        return new_client(TDS_ENCRYPT_STRICT, TDS_CLIENT_AUTH_TOKEN, false);
    case AT_PRELOGIN:
        return new_client(TDS_ENCRYPT_ON, TDS_CLIENT_AUTH_TOKEN, false);
    case AT_TLS:
    case AT_NEED_TOKEN:
        c = new_client(TDS_ENCRYPT_ON, TDS_CLIENT_AUTH_TOKEN, false);
        OK(answer_prelogin(c, TDS_ENCRYPTION_REQ, NULL));
        if (where == AT_NEED_TOKEN)
            OK(tds_client_tls_started(c, NULL));
        return c;
    case AT_LOGIN_ONLY:
        c = new_client(TDS_ENCRYPT_OFF, TDS_CLIENT_AUTH_PASSWORD, false);
        OK(answer_prelogin(c, TDS_ENCRYPTION_OFF, NULL));
        OK(tds_client_tls_started(c, NULL));
        return c;
    case AT_RESPONSE:
        return at_response(TDS_CLIENT_AUTH_TOKEN);
    case AT_TOKEN_ASKED:
    case AT_TOKEN_SENT:
        c = at_response(TDS_CLIENT_AUTH_TOKEN_ON_REQUEST);
        feed_ok(c, token_request());
        if (where == AT_TOKEN_SENT)
            give(c);
        return c;
    case AT_READY:
        c = at_response(TDS_CLIENT_AUTH_TOKEN);
        feed_ok(c, good_response());
        return c;
    case AT_ROUTED:
        c = at_response(TDS_CLIENT_AUTH_TOKEN);
        feed_ok(c, routing_response());
        return c;
    case AT_FAILED:
    case PLACES:
        break;
    }
    c = new_client(TDS_ENCRYPT_ON, TDS_CLIENT_AUTH_TOKEN, false);
    assert_int_equal(tds_client_eof(c, NULL), ENTRASQL_CLOSED);
    return c;
}

static const tds_client_want want_at[PLACES] = {
    [AT_TLS_FIRST] = TDS_CLIENT_WANT_TLS,
    [AT_PRELOGIN] = TDS_CLIENT_WANT_READ,
    [AT_TLS] = TDS_CLIENT_WANT_TLS,
    [AT_NEED_TOKEN] = TDS_CLIENT_WANT_TOKEN,
    [AT_LOGIN_ONLY] = TDS_CLIENT_WANT_TLS_END,
    [AT_RESPONSE] = TDS_CLIENT_WANT_READ,
    [AT_TOKEN_ASKED] = TDS_CLIENT_WANT_TOKEN,
    [AT_TOKEN_SENT] = TDS_CLIENT_WANT_READ,
    [AT_READY] = TDS_CLIENT_READY,
    [AT_ROUTED] = TDS_CLIENT_ROUTED,
    [AT_FAILED] = TDS_CLIENT_FAILED,
};

static void every_state_with_every_packet_type(void **state)
{
    (void)state;
    for (int where = 0; where < PLACES; where++) {
        for (unsigned type = 0; type <= 0xFF; type++) {
            const uint8_t packet[9] = {(uint8_t)type, 0x01, 0, 9, 0, 0, 1, 0, 0xEE};
            tds_client *c = client_at((place)where);
            entrasql_error err;
            size_t used = 77;
            assert_int_equal(tds_client_wants(c), want_at[where]);
            entrasql_status st = tds_client_feed(c, packet, sizeof packet, &used, &err);
            if (where == AT_FAILED) {
                assert_int_equal(st, ENTRASQL_INTERNAL);
            } else if (want_at[where] != TDS_CLIENT_WANT_READ) {
                assert_int_equal(st, ENTRASQL_OK);
                assert_int_equal(used, 0);
                assert_int_equal(tds_client_wants(c), want_at[where]);
            } else {
                /* the right type is refused for its content, the others for themselves */
                assert_int_not_equal(st, ENTRASQL_OK);
                assert_int_equal(tds_client_wants(c), TDS_CLIENT_FAILED);
                assert_int_equal(strstr(err.message, "unexpected TDS packet of type") == NULL,
                                 type == TDS_PACKET_REPLY);
                /* the first answer may come from anybody who listens there */
                if (want_at[where] == TDS_CLIENT_WANT_READ && where == AT_PRELOGIN)
                    assert_non_null(strstr(err.hint, "port belongs to a SQL Server"));
            }
            tds_client_free(c);
        }
    }
}

/* Calls that do not belong to a state end the engine; they never crash or leak. */
static void every_state_with_every_call(void **state)
{
    (void)state;
    es_secret *token = secret(TEST_TOKEN);

    for (int where = 0; where < PLACES; where++) {
        entrasql_error err;
        tds_client *c = client_at((place)where);
        bool fits = where == AT_TLS_FIRST || where == AT_TLS;
        assert_int_equal(tds_client_tls_started(c, &err) == ENTRASQL_OK, fits);
        assert_int_equal(tds_client_wants(c) == TDS_CLIENT_FAILED, !fits);
        tds_client_free(c);

        c = client_at((place)where);
        es_buf_clear(tds_client_output(c));
        fits = where == AT_LOGIN_ONLY;
        assert_int_equal(tds_client_tls_ended(c, &err) == ENTRASQL_OK, fits);
        assert_int_equal(tds_client_wants(c) == TDS_CLIENT_FAILED, !fits);
        tds_client_free(c);

        c = client_at((place)where);
        fits = where <= AT_NEED_TOKEN || where == AT_TOKEN_ASKED;
        assert_int_equal(tds_client_give_token(c, token, &err) == ENTRASQL_OK, fits);
        assert_int_equal(tds_client_wants(c) == TDS_CLIENT_FAILED, !fits);
        assert_null(strstr(err.message, "SECRET"));
        tds_client_free(c);
    }
    es_secret_unref(token);
}

/* ---- PRELOGIN's answer ---- */

static void encryption_answers(void **state)
{
    (void)state;
    static const struct {
        tds_encrypt encrypt;
        tds_client_auth auth;
        bool allow_clear;
        int answer; /* -1: left out */
        tds_client_want want;
    } cases[] = {
        {TDS_ENCRYPT_ON, TDS_CLIENT_AUTH_TOKEN, true, 0, TDS_CLIENT_FAILED},
        {TDS_ENCRYPT_ON, TDS_CLIENT_AUTH_TOKEN, true, 1, TDS_CLIENT_WANT_TLS},
        {TDS_ENCRYPT_ON, TDS_CLIENT_AUTH_TOKEN, true, 2, TDS_CLIENT_FAILED},
        {TDS_ENCRYPT_ON, TDS_CLIENT_AUTH_TOKEN, true, 3, TDS_CLIENT_WANT_TLS},
        {TDS_ENCRYPT_ON, TDS_CLIENT_AUTH_TOKEN, true, 4, TDS_CLIENT_FAILED},
        {TDS_ENCRYPT_ON, TDS_CLIENT_AUTH_TOKEN, true, -1, TDS_CLIENT_FAILED},
        {TDS_ENCRYPT_OFF, TDS_CLIENT_AUTH_TOKEN, true, 0, TDS_CLIENT_FAILED},
        {TDS_ENCRYPT_OFF, TDS_CLIENT_AUTH_TOKEN, true, 2, TDS_CLIENT_FAILED},
        {TDS_ENCRYPT_OFF, TDS_CLIENT_AUTH_TOKEN, true, 1, TDS_CLIENT_WANT_TLS},
        {TDS_ENCRYPT_ON, TDS_CLIENT_AUTH_PASSWORD, true, 2, TDS_CLIENT_FAILED},
        {TDS_ENCRYPT_ON, TDS_CLIENT_AUTH_PASSWORD, true, 0, TDS_CLIENT_FAILED},
        {TDS_ENCRYPT_OFF, TDS_CLIENT_AUTH_PASSWORD, false, 0, TDS_CLIENT_WANT_TLS},
        {TDS_ENCRYPT_OFF, TDS_CLIENT_AUTH_PASSWORD, false, 2, TDS_CLIENT_FAILED},
        {TDS_ENCRYPT_OFF, TDS_CLIENT_AUTH_PASSWORD, true, 2, TDS_CLIENT_WANT_READ},
        {TDS_ENCRYPT_NOT_SUPPORTED, TDS_CLIENT_AUTH_PASSWORD, true, 2, TDS_CLIENT_WANT_READ},
        {TDS_ENCRYPT_NOT_SUPPORTED, TDS_CLIENT_AUTH_PASSWORD, true, 0, TDS_CLIENT_FAILED},
        {TDS_ENCRYPT_NOT_SUPPORTED, TDS_CLIENT_AUTH_PASSWORD, true, 1, TDS_CLIENT_FAILED},
        {TDS_ENCRYPT_NOT_SUPPORTED, TDS_CLIENT_AUTH_PASSWORD, true, 3, TDS_CLIENT_FAILED},
    };

    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        tds_client *c = new_client(cases[i].encrypt, cases[i].auth, cases[i].allow_clear);
        entrasql_error err;
        entrasql_status st = answer_prelogin(c, cases[i].answer, &err);
        if (tds_client_wants(c) != cases[i].want)
            fail_msg("case %zu: wants %d", i, (int)tds_client_wants(c));
        if (st != ENTRASQL_OK)
            assert_int_equal(err.status, ENTRASQL_TLS);
        tds_client_free(c);
    }
}

static void clear_connections_must_be_allowed(void **state)
{
    (void)state;
    static const scenario plain = {0};
    tds_login7 template;
    tds_client_options o = {.login = &template,
                            .server_name = "s",
                            .encrypt = TDS_ENCRYPT_NOT_SUPPORTED,
                            .auth = TDS_CLIENT_AUTH_PASSWORD};
    tds_client *c = NULL;

    sample_template(&template, &plain);
    assert_int_equal(tds_client_new(&o, &c, NULL), ENTRASQL_INVALID);
    o.allow_clear_password = true;
    o.auth = TDS_CLIENT_AUTH_TOKEN;
    assert_int_equal(tds_client_new(&o, &c, NULL), ENTRASQL_INVALID);
    assert_null(c);
    tds_login7_done(&template);
}

static void all_prelogin_options_are_sent(void **state)
{
    (void)state;
    tds_client *c = new_client(TDS_ENCRYPT_ON, TDS_CLIENT_AUTH_PASSWORD, false);
    const es_buf *out = tds_client_output(c);
    tds_prelogin p;

    OK(tds_prelogin_parse(out->data + 8, out->len - 8, TDS_PRELOGIN_REQUEST, &p, NULL));
    assert_true(p.has_version && p.has_encryption && p.has_instance && p.has_thread_id);
    assert_true(p.has_mars && p.has_trace_id && !p.trace_id_is_empty && p.has_fedauth_required);
    assert_int_equal(p.fedauth_required, 1);
    assert_false(p.has_nonce);
    tds_client_free(c);
}

/* What was not asked for is not there, whatever the server says. */
static void mars_is_asked_for_and_answered(void **state)
{
    (void)state;
    for (int asks = 0; asks < 2; asks++) {
        for (int answer = 0; answer < 2; answer++) {
            tds_login7 template;
            tds_client *c = NULL;
            vector_login(&template);
            const tds_client_options o = {.login = &template,
                                          .server_name = "srv",
                                          .encrypt = TDS_ENCRYPT_ON,
                                          .auth = TDS_CLIENT_AUTH_PASSWORD,
                                          .mars = asks == 1};
            tds_prelogin p;
            OK(tds_client_new(&o, &c, NULL));
            tds_login7_done(&template);
            const es_buf *out = tds_client_output(c);
            OK(tds_prelogin_parse(out->data + 8, out->len - 8, TDS_PRELOGIN_REQUEST, &p, NULL));
            assert_int_equal(p.mars, asks);
            p = (tds_prelogin){.has_version = true,
                               .major = 12,
                               .has_encryption = true,
                               .encryption = TDS_ENCRYPTION_ON,
                               .has_mars = true,
                               .mars = (uint8_t)answer};
            es_buf body = ES_BUF_INIT(1000);
            OK(tds_prelogin_build(&p, TDS_PRELOGIN_ANSWER, &body));
            OK(feed_body(c, &body, NULL));
            es_buf_done(&body);
            assert_int_equal(tds_client_has_mars(c), asks == 1 && answer == 1);
            tds_client_free(c);
        }
    }
}

/* Exactly LOGIN7 is encrypted; the response comes in clear. */
static void login_only_encryption(void **state)
{
    (void)state;
    tds_client *c = client_at(AT_LOGIN_ONLY);
    es_buf *out = tds_client_output(c);
    es_buf response = ES_BUF_INIT(1000);

    assert_int_equal(out->data[94], TDS_PACKET_LOGIN7); /* behind PRELOGIN's packet */
    assert_int_equal(tds_client_wants(c), TDS_CLIENT_WANT_TLS_END);
    es_buf_clear(out);
    OK(tds_client_tls_ended(c, NULL));
    assert_int_equal(tds_client_wants(c), TDS_CLIENT_WANT_READ);
    OK(tds_loginack_add(&response, TDS_VERSION_7_4));
    OK(tds_done_add(&response, TDS_TOKEN_DONE, 0, 0, 0));
    OK(feed_body(c, &response, NULL));
    assert_int_equal(tds_client_wants(c), TDS_CLIENT_READY);
    es_buf_done(&response);
    tds_client_free(c);

    c = client_at(AT_LOGIN_ONLY); /* TLS may not end before LOGIN7 was sent */
    assert_int_equal(tds_client_tls_ended(c, NULL), ENTRASQL_INTERNAL);
    tds_client_free(c);
}

/* ---- the login response ---- */

static void expect_response(const es_buf *body, entrasql_status status, const char *text)
{
    tds_client *c = client_at(AT_RESPONSE);
    entrasql_error err;

    err.message[0] = '\0';
    assert_int_equal(feed_body(c, body, &err), status);
    if (strstr(err.message, text) == NULL)
        fail_msg("expected \"%s\", got \"%s\"", text, err.message);
    tds_client_free(c);
}

static void bad_responses_are_refused(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(10000);

    expect_response(&b, ENTRASQL_MALFORMED, "no DONE");

    OK(tds_done_add(&b, TDS_TOKEN_DONE, 0, 0, 0));
    expect_response(&b, ENTRASQL_MALFORMED, "neither accepted nor refused");

    es_buf_clear(&b);
    OK(tds_loginack_add(&b, TDS_VERSION_7_4));
    OK(tds_done_add(&b, TDS_TOKEN_DONE, 0, 0, 0));
    expect_response(&b, ENTRASQL_MALFORMED, "did not acknowledge the login with a token");

    es_buf_clear(&b);
    OK(tds_loginack_add(&b, TDS_VERSION_7_4));
    OK(es_buf_add(&b, "\xAE\x02\x01\0\0\0\x00\xFF", 8));
    OK(tds_done_add(&b, TDS_TOKEN_DONE, 0, 0, 0));
    expect_response(&b, ENTRASQL_MALFORMED, "FEDAUTH has 1 bytes");

    es_buf_clear(&b);
    OK(es_buf_add(&b, "\xAE\x04\x01\0\0\0\x01\xFF", 8));
    expect_response(&b, ENTRASQL_MALFORMED, "feature 0x04, which was not asked for");

    es_buf_clear(&b);
    OK(tds_loginack_add(&b, TDS_VERSION_7_1));
    expect_response(&b, ENTRASQL_UNSUPPORTED, "older than TDS 7.2");

    es_buf_clear(&b);
    OK(tds_loginack_add(&b, TDS_VERSION_7_4));
    OK(tds_loginack_add(&b, TDS_VERSION_7_4));
    expect_response(&b, ENTRASQL_MALFORMED, "twice");

    es_buf_clear(&b);
    OK(tds_envchange_add_text(&b, TDS_ENV_PACKET_SIZE, "100", ""));
    expect_response(&b, ENTRASQL_MALFORMED, "impossible packet size");
    es_buf_clear(&b);
    OK(tds_envchange_add_text(&b, TDS_ENV_PACKET_SIZE, "40960", ""));
    expect_response(&b, ENTRASQL_MALFORMED, "impossible packet size");

    es_buf_clear(&b);
    OK(tds_envchange_add_routing(&b, "", 11001));
    expect_response(&b, ENTRASQL_MALFORMED, "routes to nowhere");

    es_buf_clear(&b);
    OK(tds_return_status_add(&b, 0));
    expect_response(&b, ENTRASQL_MALFORMED, "RETURNSTATUS token (0x79) in a login response");

    es_buf_clear(&b);
    OK(tds_done_add(&b, TDS_TOKEN_DONE, 0, 0, 0));
    OK(tds_done_add(&b, TDS_TOKEN_DONE, 0, 0, 0));
    expect_response(&b, ENTRASQL_MALFORMED, "DONE is not at the end");

    es_buf_clear(&b); /* a server may not ask for a token that it has */
    OK(tds_fedauth_info_add(&b, TEST_STS, TEST_SPN));
    expect_response(&b, ENTRASQL_MALFORMED, "asked for a token");

    es_buf_clear(&b);
    OK(tds_done_add(&b, TDS_TOKEN_DONE, TDS_DONE_ERROR, 0, 0));
    expect_response(&b, ENTRASQL_LOGIN_FAILED, "without saying why");
    es_buf_done(&b);
}

static void the_token_request_stands_alone_and_once(void **state)
{
    (void)state;
    tds_client *c = at_response(TDS_CLIENT_AUTH_TOKEN_ON_REQUEST);
    es_buf b = token_request();
    entrasql_error err;

    OK(tds_done_add(&b, TDS_TOKEN_DONE, 0, 0, 0));
    assert_int_equal(feed_body(c, &b, &err), ENTRASQL_MALFORMED);
    assert_non_null(strstr(err.message, "not alone"));
    tds_client_free(c);
    es_buf_done(&b);

    c = client_at(AT_TOKEN_SENT);
    b = token_request();
    assert_int_equal(feed_body(c, &b, &err), ENTRASQL_MALFORMED);
    tds_client_free(c);
    es_buf_done(&b);

    c = at_response(TDS_CLIENT_AUTH_TOKEN_ON_REQUEST);
    b = good_response();
    assert_int_equal(feed_body(c, &b, &err), ENTRASQL_MALFORMED);
    assert_non_null(strstr(err.message, "without asking for the token"));
    tds_client_free(c);
    es_buf_done(&b);
}

static void routing_wins(void **state)
{
    (void)state;
    tds_client *c = client_at(AT_RESPONSE);
    es_buf b = good_response();

    es_buf_truncate(&b, b.len - TDS_DONE_BYTES);
    OK(tds_envchange_add_routing(&b, "node\\instance", 11001));
    OK(tds_done_add(&b, TDS_TOKEN_DONE, 0, 0, 0));
    OK(feed_body(c, &b, NULL));
    assert_int_equal(tds_client_wants(c), TDS_CLIENT_ROUTED);
    assert_string_equal(tds_client_routing_host(c), "node\\instance");
    tds_client_free(c);
    es_buf_done(&b);
}

static void each_truncated_response_fails(void **state)
{
    (void)state;
    es_buf whole = good_response();

    for (size_t n = 0; n < whole.len; n++) {
        tds_client *c = client_at(AT_RESPONSE);
        es_buf cut = ES_BUF_INIT(10000);
        OK(es_buf_add(&cut, whole.data, n));
        assert_int_not_equal(feed_body(c, &cut, NULL), ENTRASQL_OK);
        assert_int_equal(tds_client_wants(c), TDS_CLIENT_FAILED);
        tds_client_free(c);
        es_buf_done(&cut);
    }
    es_buf_done(&whole);
}

static void refusals_carry_their_hint(void **state)
{
    (void)state;
    static const struct {
        uint32_t number;
        const char *text;
        const char *hint;
    } cases[] = {
        {18456, "Login failed for user '<token-identified principal>'.", "CREATE USER"},
        {18456, "Login failed for user '<token-identified principal>'. Token is expired.", "clock"},
        {18456, "Login failed for user '<token-identified principal>'. Incorrect or invalid token.",
         "https://database.windows.net/"},
        {18456,
         "Login failed for user '<token-identified principal>'. The server is not currently "
         "configured to accept this token.",
         "Entra admin"},
        {18456, "Login failed for user ''.", "No credential"},
        {18456, "Login failed for user 'x'.", "user name"},
        {4060, "Cannot open database \"x\"", "name of the database"},
        {40615, "Cannot open server", "firewall"},
        {40532, "Cannot open server", "full name"},
        {47073, "Connection was denied", "private endpoint"},
    };

    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        tds_client *c = client_at(AT_RESPONSE);
        es_buf b = ES_BUF_INIT(10000);
        entrasql_error err;
        OK(tds_message_add(&b, cases[i].number, 3, 14, cases[i].text, "srv", "", 1));
        OK(tds_done_add(&b, TDS_TOKEN_DONE, TDS_DONE_ERROR, 0, 0));
        assert_int_equal(feed_body(c, &b, &err), ENTRASQL_LOGIN_FAILED);
        assert_int_equal(err.number, cases[i].number);
        assert_int_equal(err.state, 3);
        assert_int_equal(err.severity, 14);
        assert_int_equal(err.error_class, ENTRASQL_CLASS_LOGIN);
        assert_string_equal(err.message, cases[i].text);
        if (strstr(err.hint, cases[i].hint) == NULL)
            fail_msg("case %zu: %s", i, err.hint);
        es_buf_done(&b);
        tds_client_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_with_every_packet_type),
        cmocka_unit_test(every_state_with_every_call),
        cmocka_unit_test(encryption_answers),
        cmocka_unit_test(clear_connections_must_be_allowed),
        cmocka_unit_test(all_prelogin_options_are_sent),
        cmocka_unit_test(mars_is_asked_for_and_answered),
        cmocka_unit_test(login_only_encryption),
        cmocka_unit_test(bad_responses_are_refused),
        cmocka_unit_test(the_token_request_stands_alone_and_once),
        cmocka_unit_test(routing_wins),
        cmocka_unit_test(each_truncated_response_fails),
        cmocka_unit_test(refusals_carry_their_hint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
