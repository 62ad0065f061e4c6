/* SPDX-License-Identifier: MIT */
/* The server's login engine: every state with every packet type, encryption, answers. */
#include "login_harness.h"

static tds_server *new_server(tds_server_tls tls, bool strict)
{
    tds_server_options o = {.tls = tls, .strict = strict, .fedauth_required = true, .spid = 51};
    tds_server *s = NULL;

    OK(tds_server_new(&o, &s, NULL));
    return s;
}

static entrasql_status feed_message(tds_server *s, uint8_t type, const es_buf *body,
                                    entrasql_error *err)
{
    es_buf wire = ES_BUF_INIT(1 << 20);
    size_t used = 0;

    OK(tds_packets_write(type, 0, 4096, body->data, body->len, &wire));
    entrasql_status st = tds_server_feed(s, wire.data, wire.len, &used, err);
    if (st == ENTRASQL_OK)
        assert_int_equal(used, wire.len);
    es_buf_done(&wire);
    return st;
}

static entrasql_status send_prelogin(tds_server *s, int encryption, bool ask_fedauth,
                                     entrasql_error *err)
{
    tds_prelogin p = {.has_version = true,
                      .major = 18,
                      .has_encryption = encryption >= 0,
                      .encryption = (uint8_t)encryption,
                      .has_fedauth_required = ask_fedauth,
                      .fedauth_required = 1};
    es_buf body = ES_BUF_INIT(1000);

    OK(tds_prelogin_build(&p, TDS_PRELOGIN_REQUEST, &body));
    entrasql_status st = feed_message(s, TDS_PACKET_PRELOGIN, &body, err);
    es_buf_done(&body);
    return st;
}

static entrasql_status send_login(tds_server *s, tds_fedauth_library library, entrasql_error *err)
{
    es_buf body = ES_BUF_INIT_WIPE(10000);
    tds_login7 l;

    vector_login(&l);
    l.fedauth_library = library;
    if (library == TDS_FEDAUTH_NONE)
        tds_login7_remove_feature(&l, TDS_FEATURE_FEDAUTH);
    OK(tds_login7_build(&l, &body, NULL));
    tds_login7_done(&l);
    entrasql_status st = feed_message(s, TDS_PACKET_LOGIN7, &body, err);
    es_buf_done(&body);
    return st;
}

/* The body of the first message in the engine's output, which is taken away. */
static es_buf take_message(tds_server *s)
{
    es_buf *out = tds_server_output(s);
    es_buf body = ES_BUF_INIT(1 << 20);
    tds_assembler a;
    size_t used = 0;

    tds_assembler_init(&a, 1 << 20, false, TDS_ACCEPT(TDS_PACKET_REPLY));
    OK(tds_assembler_feed(&a, out->data, out->len, &used, NULL));
    assert_true(a.complete);
    OK(es_buf_add(&body, a.body.data, a.body.len));
    tds_assembler_done(&a);
    es_buf_consume(out, used);
    return body;
}

/* ---- every state ---- */

typedef enum place {
    AT_PRELOGIN,
    AT_TLS,
    AT_LOGIN,
    AT_LOGIN_IN_CLEAR,
    AT_DECISION,
    AT_TOKEN,
    AT_TOKEN_DECISION,
    AT_READY,
    AT_REFUSED,
    AT_FAILED,
    PLACES
} place;

static tds_server *at_decision(tds_fedauth_library library)
{
    tds_server *s = new_server(TDS_SERVER_TLS_OFFERED, false);

    OK(send_prelogin(s, TDS_ENCRYPTION_ON, true, NULL));
    OK(tds_server_tls_started(s, NULL));
    OK(send_login(s, library, NULL));
    return s;
}

static tds_server *at_token(bool sent)
{
    tds_server *s = at_decision(TDS_FEDAUTH_ADAL);
    es_buf body = from_hex("0a000000 06000000 610062006300");

    OK(tds_server_ask_token(s, TEST_STS, TEST_SPN, NULL));
    if (sent)
        OK(feed_message(s, TDS_PACKET_FEDAUTH_TOKEN, &body, NULL));
    es_buf_done(&body);
    return s;
}

static tds_server *server_at(place where)
{
    tds_server_accept_options accept = {.server_name = "srv", .database = "mydb"};
    tds_server *s;
    entrasql_error why;

    switch (where) {
    case AT_PRELOGIN:
        return new_server(TDS_SERVER_TLS_OFFERED, false);
    case AT_TLS:
    case AT_LOGIN:
        s = new_server(TDS_SERVER_TLS_OFFERED, false);
        OK(send_prelogin(s, TDS_ENCRYPTION_ON, true, NULL));
        if (where == AT_LOGIN)
            OK(tds_server_tls_started(s, NULL));
        return s;
    case AT_LOGIN_IN_CLEAR:
        s = new_server(TDS_SERVER_TLS_REQUIRED, false);
        OK(send_prelogin(s, TDS_ENCRYPTION_NOT_SUP, true, NULL));
        return s;
    case AT_DECISION:
        return at_decision(TDS_FEDAUTH_SECURITYTOKEN);
    case AT_TOKEN:
    case AT_TOKEN_DECISION:
        return at_token(where == AT_TOKEN_DECISION);
    case AT_READY:
        s = at_decision(TDS_FEDAUTH_SECURITYTOKEN);
        OK(tds_server_accept(s, &accept, NULL));
        return s;
    case AT_REFUSED:
        s = at_decision(TDS_FEDAUTH_SECURITYTOKEN);
        es_fail(&why, ENTRASQL_LOGIN_FAILED, "no");
        OK(tds_server_refuse(s, &why, "srv", NULL));
        return s;
    case AT_FAILED:
    case PLACES:
        break;
    }
    s = new_server(TDS_SERVER_TLS_OFFERED, false);
    assert_int_equal(tds_server_tls_started(s, NULL), ENTRASQL_INTERNAL);
    return s;
}

static const struct {
    tds_server_want want;
    int accepts[3]; /* packet types; -1: none */
} expected[PLACES] = {
    [AT_PRELOGIN] = {TDS_SERVER_WANT_READ,
                     {TDS_PACKET_PRELOGIN, TDS_PACKET_LOGIN7, TDS_PACKET_PRE7_LOGIN}},
    [AT_TLS] = {TDS_SERVER_WANT_TLS, {-1, -1, -1}},
    [AT_LOGIN] = {TDS_SERVER_WANT_READ, {TDS_PACKET_LOGIN7, -1, -1}},
    [AT_LOGIN_IN_CLEAR] = {TDS_SERVER_WANT_READ, {TDS_PACKET_LOGIN7, -1, -1}},
    [AT_DECISION] = {TDS_SERVER_WANT_DECISION, {-1, -1, -1}},
    [AT_TOKEN] = {TDS_SERVER_WANT_READ, {TDS_PACKET_FEDAUTH_TOKEN, -1, -1}},
    [AT_TOKEN_DECISION] = {TDS_SERVER_WANT_TOKEN_DECISION, {-1, -1, -1}},
    [AT_READY] = {TDS_SERVER_READY, {-1, -1, -1}},
    [AT_REFUSED] = {TDS_SERVER_REFUSED, {-1, -1, -1}},
    [AT_FAILED] = {TDS_SERVER_FAILED, {-1, -1, -1}},
};

static void every_state_with_every_packet_type(void **state)
{
    (void)state;
    for (int where = 0; where < PLACES; where++) {
        for (int type = 0; type <= 0xFF; type++) {
            const uint8_t packet[9] = {(uint8_t)type, 0x01, 0, 9, 0, 0, 1, 0, 0xEE};
            tds_server *s = server_at((place)where);
            entrasql_error err;
            size_t used = 77;
            bool listed = false;
            for (size_t i = 0; i < ES_COUNT_OF(expected[where].accepts); i++)
                listed = listed || type == expected[where].accepts[i];
            assert_int_equal(tds_server_wants(s), expected[where].want);
            entrasql_status st = tds_server_feed(s, packet, sizeof packet, &used, &err);
            if (where == AT_FAILED) {
                assert_int_equal(st, ENTRASQL_INTERNAL);
            } else if (expected[where].want != TDS_SERVER_WANT_READ) {
                assert_int_equal(st, ENTRASQL_OK);
                assert_int_equal(used, 0);
                assert_int_equal(tds_server_wants(s), expected[where].want);
            } else {
                assert_int_not_equal(st, ENTRASQL_OK);
                assert_int_equal(tds_server_wants(s), TDS_SERVER_FAILED);
                assert_int_equal(strstr(err.message, "unexpected TDS packet of type") == NULL,
                                 listed);
            }
            tds_server_free(s);
        }
    }
}

static void every_state_with_every_call(void **state)
{
    (void)state;
    tds_server_accept_options accept = {.server_name = "srv", .database = "mydb"};
    entrasql_error why;

    es_fail(&why, ENTRASQL_LOGIN_FAILED, "no");
    for (int where = 0; where < PLACES; where++) {
        bool may_decide = where == AT_DECISION || where == AT_TOKEN_DECISION;
        tds_server *s = server_at((place)where);
        assert_int_equal(tds_server_tls_started(s, NULL) == ENTRASQL_OK, where == AT_TLS);
        tds_server_free(s);
        s = server_at((place)where);
        assert_int_equal(tds_server_accept(s, &accept, NULL) == ENTRASQL_OK, may_decide);
        assert_int_equal(tds_server_wants(s) == TDS_SERVER_READY, may_decide);
        tds_server_free(s);
        s = server_at((place)where);
        assert_int_equal(tds_server_refuse(s, &why, "", NULL) == ENTRASQL_OK, may_decide);
        assert_int_equal(tds_server_wants(s) == TDS_SERVER_REFUSED, may_decide);
        assert_int_equal(tds_server_refusal(s) != NULL, may_decide);
        tds_server_free(s);
        s = server_at((place)where);
        assert_int_equal(tds_server_route(s, "h", 1, NULL) == ENTRASQL_OK, may_decide);
        tds_server_free(s);
        s = server_at((place)where); /* none of them announced library 2 and waits */
        assert_int_not_equal(tds_server_ask_token(s, TEST_STS, TEST_SPN, NULL), ENTRASQL_OK);
        tds_server_free(s);
    }
}

/* An announced token must not open the door before it was shown. */
static void library_2_is_not_accepted_without_its_token(void **state)
{
    (void)state;
    tds_server_accept_options accept = {.server_name = "srv", .database = "mydb"};
    tds_server *s = at_decision(TDS_FEDAUTH_ADAL);

    assert_int_equal(tds_server_accept(s, &accept, NULL), ENTRASQL_INTERNAL);
    assert_int_equal(tds_server_wants(s), TDS_SERVER_FAILED);
    tds_server_free(s);
}

/* ---- PRELOGIN ---- */

/* Yes to those who asked, where it is offered. */
static void mars_answers(void **state)
{
    (void)state;
    for (int offers = 0; offers < 2; offers++) {
        for (int asked = 0; asked < 3; asked++) { /* 2: left out */
            tds_server_options o = {.tls = TDS_SERVER_TLS_OFFERED, .offers_mars = offers == 1};
            tds_prelogin p = {.has_version = true,
                              .has_encryption = true,
                              .encryption = TDS_ENCRYPTION_ON,
                              .has_mars = asked != 2,
                              .mars = (uint8_t)asked};
            es_buf body = ES_BUF_INIT(1000);
            tds_server *s = NULL;
            OK(tds_server_new(&o, &s, NULL));
            OK(tds_prelogin_build(&p, TDS_PRELOGIN_REQUEST, &body));
            OK(feed_message(s, TDS_PACKET_PRELOGIN, &body, NULL));
            es_buf_done(&body);
            body = take_message(s);
            OK(tds_prelogin_parse(body.data, body.len, TDS_PRELOGIN_ANSWER, &p, NULL));
            assert_true(p.has_mars);
            assert_int_equal(p.mars, offers == 1 && asked == 1);
            assert_int_equal(tds_server_has_mars(s), offers == 1 && asked == 1);
            es_buf_done(&body);
            tds_server_free(s);
        }
    }
}

static void encryption_answers(void **state)
{
    (void)state;
    static const struct {
        tds_server_tls tls;
        bool strict;
        int asked;  /* -1: left out */
        int answer; /* -1: the engine fails */
        tds_server_want want;
    } cases[] = {
        {TDS_SERVER_TLS_OFFERED, false, 0, 1, TDS_SERVER_WANT_TLS},
        {TDS_SERVER_TLS_OFFERED, false, 1, 1, TDS_SERVER_WANT_TLS},
        {TDS_SERVER_TLS_OFFERED, false, 2, 2, TDS_SERVER_WANT_READ},
        {TDS_SERVER_TLS_OFFERED, false, 3, 1, TDS_SERVER_WANT_TLS},
        {TDS_SERVER_TLS_OFFERED, false, 0x81, 1, TDS_SERVER_WANT_TLS},
        {TDS_SERVER_TLS_OFFERED, false, 4, -1, TDS_SERVER_FAILED},
        {TDS_SERVER_TLS_OFFERED, false, -1, 2, TDS_SERVER_WANT_READ},
        {TDS_SERVER_TLS_NONE, false, 0, 2, TDS_SERVER_WANT_READ},
        {TDS_SERVER_TLS_NONE, false, 1, 2, TDS_SERVER_WANT_READ},
        {TDS_SERVER_TLS_NONE, false, 2, 2, TDS_SERVER_WANT_READ},
        {TDS_SERVER_TLS_LOGIN, false, 0, 0, TDS_SERVER_WANT_TLS},
        {TDS_SERVER_TLS_LOGIN, false, 1, 1, TDS_SERVER_WANT_TLS},
        {TDS_SERVER_TLS_LOGIN, false, 2, 2, TDS_SERVER_WANT_READ},
        {TDS_SERVER_TLS_LOGIN, false, 3, 1, TDS_SERVER_WANT_TLS},
        {TDS_SERVER_TLS_REQUIRED, false, 0, 3, TDS_SERVER_WANT_TLS},
        {TDS_SERVER_TLS_REQUIRED, false, 1, 3, TDS_SERVER_WANT_TLS},
        {TDS_SERVER_TLS_REQUIRED, false, 2, 3, TDS_SERVER_WANT_READ},
        {TDS_SERVER_TLS_OFFERED, true, 2, 2, TDS_SERVER_WANT_READ},
        {TDS_SERVER_TLS_OFFERED, true, 1, 1, TDS_SERVER_WANT_READ},
        {TDS_SERVER_TLS_OFFERED, true, 4, 1, TDS_SERVER_WANT_READ},
    };

    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        tds_server *s = new_server(cases[i].tls, cases[i].strict);
        tds_prelogin p;
        entrasql_status st = send_prelogin(s, cases[i].asked, false, NULL);
        if (tds_server_wants(s) != cases[i].want)
            fail_msg("case %zu: wants %d", i, (int)tds_server_wants(s));
        if (cases[i].answer >= 0) {
            OK(st);
            es_buf body = take_message(s);
            OK(tds_prelogin_parse(body.data, body.len, TDS_PRELOGIN_ANSWER, &p, NULL));
            assert_int_equal(p.encryption, cases[i].answer);
            assert_int_equal(p.major, 12);
            assert_int_equal(p.build, 2000);
            assert_int_equal(p.subbuild, 8);
            assert_true(p.has_mars);
            assert_int_equal(p.mars, 0);
            assert_false(p.has_fedauth_required); /* not asked, not answered */
            es_buf_done(&body);
        }
        assert_int_equal(tds_server_is_encrypted(s), cases[i].strict);
        tds_server_free(s);
    }
}

static void fedauth_required_is_answered_when_asked(void **state)
{
    (void)state;
    tds_server *s = new_server(TDS_SERVER_TLS_OFFERED, false);
    tds_prelogin p;

    OK(send_prelogin(s, 1, true, NULL));
    es_buf body = take_message(s);
    OK(tds_prelogin_parse(body.data, body.len, TDS_PRELOGIN_ANSWER, &p, NULL));
    assert_true(p.has_fedauth_required);
    assert_int_equal(p.fedauth_required, 1);
    es_buf_done(&body);
    tds_server_free(s);
}

/* ---- answers ---- */

static void accepted_in_the_order_that_clients_take(void **state)
{
    (void)state;
    static const uint8_t order[] = {0xE3, 0xAB, 0xE3, 0xE3, 0xAB, 0xAD, 0xE3, 0xAE, 0xFD};
    static const uint8_t env[] = {1, 0, 7, 2, 0, 0, 4, 0, 0};
    tds_server_accept_options accept = {.server_name = "srv", .database = "mydb"};
    tds_server *s = at_decision(TDS_FEDAUTH_SECURITYTOKEN);

    es_buf_clear(tds_server_output(s));
    OK(tds_server_accept(s, &accept, NULL));
    assert_int_equal(tds_server_output(s)->data[5], 51); /* SPID */
    es_buf body = take_message(s);
    es_reader r = es_reader_of(body.data, body.len);
    for (size_t i = 0; i < sizeof order; i++) {
        tds_token t;
        tds_envchange e;
        OK(tds_token_next(&r, &t, NULL));
        assert_int_equal(t.id, order[i]);
        if (t.id == TDS_TOKEN_ENVCHANGE) {
            OK(tds_envchange_parse(&t, &e, NULL));
            assert_int_equal(e.type, env[i]);
        }
        if (t.id == TDS_TOKEN_FEATUREEXTACK) {
            es_buf want = from_hex("ae02000000000a0100000001ff");
            assert_int_equal(t.bytes, want.len);
            assert_memory_equal(t.start, want.data, want.len);
            es_buf_done(&want);
        }
    }
    assert_int_equal(r.left, 0);
    es_buf_done(&body);
    tds_server_free(s);
}

static void no_ack_without_a_request(void **state)
{
    (void)state;
    tds_server_accept_options accept = {.server_name = "srv", .database = "mydb"};
    tds_server *s = new_server(TDS_SERVER_TLS_NONE, false);
    es_buf login = ES_BUF_INIT_WIPE(1000);
    tds_login7 l;

    OK(send_prelogin(s, 2, false, NULL));
    OK(tds_login7_init(&l));
    OK(tds_login7_build(&l, &login, NULL));
    OK(feed_message(s, TDS_PACKET_LOGIN7, &login, NULL));
    es_buf_clear(tds_server_output(s));
    OK(tds_server_accept(s, &accept, NULL));
    es_buf body = take_message(s);
    es_reader r = es_reader_of(body.data, body.len);
    while (r.left != 0) {
        tds_token t;
        OK(tds_token_next(&r, &t, NULL));
        assert_int_not_equal(t.id, TDS_TOKEN_FEATUREEXTACK);
    }
    tds_login7_done(&l);
    es_buf_done(&login);
    es_buf_done(&body);
    tds_server_free(s);
}

static void no_database_is_two_errors(void **state)
{
    (void)state;
    tds_server *s = at_decision(TDS_FEDAUTH_SECURITYTOKEN);
    entrasql_error why;
    tds_message m;
    tds_token t;
    tds_done d;

    es_fail(&why, ENTRASQL_LOGIN_FAILED, "Cannot open database \"x\".");
    why.number = 4060;
    why.severity = 11;
    es_buf_clear(tds_server_output(s));
    OK(tds_server_refuse(s, &why, "srv", NULL));
    es_buf body = take_message(s);
    es_reader r = es_reader_of(body.data, body.len);
    OK(tds_token_next(&r, &t, NULL));
    OK(tds_message_parse(&t, &m, NULL));
    assert_int_equal(m.number, 4060);
    assert_int_equal(m.severity, 11);
    tds_message_done(&m);
    OK(tds_token_next(&r, &t, NULL));
    OK(tds_message_parse(&t, &m, NULL));
    assert_int_equal(m.number, 18456);
    assert_int_equal(m.severity, 14);
    assert_string_equal(m.text, "Login failed for user '<token-identified principal>'.");
    tds_message_done(&m);
    OK(tds_token_next(&r, &t, NULL));
    OK(tds_done_parse(&t, &d, NULL));
    assert_int_equal(d.status, TDS_DONE_ERROR);
    assert_int_equal(r.left, 0);
    es_buf_done(&body);
    tds_server_free(s);
}

/* jTDS: no PRELOGIN, 86 bytes, TDS 7.1; the answer has the old layout. */
static void old_clients_are_refused_in_their_own_layout(void **state)
{
    (void)state;
    tds_server *s = new_server(TDS_SERVER_TLS_OFFERED, false);
    es_buf login = ES_BUF_INIT(1000);
    const uint8_t *p;
    uint16_t len = 0;
    uint8_t id = 0;

    OK(es_buf_fill(&login, 0, 86));
    login.data[0] = 86;
    login.data[4] = 1;
    login.data[7] = 0x71;
    OK(feed_message(s, TDS_PACKET_LOGIN7, &login, NULL));
    assert_int_equal(tds_server_wants(s), TDS_SERVER_REFUSED);
    assert_non_null(strstr(tds_server_refusal(s)->message, "TDS 7.1"));
    es_buf body = take_message(s);
    es_reader r = es_reader_of(body.data, body.len);
    OK(es_reader_u8(&r, &id));
    assert_int_equal(id, TDS_TOKEN_ERROR);
    OK(es_reader_u16le(&r, &len));
    OK(es_reader_bytes(&r, len, &p));
    assert_int_equal(p[len - 2], 1); /* the line has two bytes */
    assert_int_equal(r.left, 9);     /* DONE with a row count of four */
    assert_int_equal(*r.at, TDS_TOKEN_DONE);
    es_buf_done(&login);
    es_buf_done(&body);
    tds_server_free(s);
}

/* TDS 4.2 and 5.0: one login record, texts of a byte a character. Shorter ones are no login. */
static void clients_before_tds_7_are_refused_in_their_own_layout(void **state)
{
    (void)state;
    es_buf login = ES_BUF_INIT(1000);
    for (size_t n = 0; n <= 572; n += 4) {
        tds_server *s = new_server(TDS_SERVER_TLS_OFFERED, false);
        es_buf_clear(&login);
        OK(es_buf_fill(&login, 0, n));
        if (feed_message(s, TDS_PACKET_PRE7_LOGIN, &login, NULL) != ENTRASQL_OK) {
            assert_true(n < 480);
            assert_int_equal(tds_server_wants(s), TDS_SERVER_FAILED);
            tds_server_free(s);
            continue;
        }
        assert_true(n >= 480);
        assert_int_equal(tds_server_wants(s), TDS_SERVER_REFUSED);
        es_buf body = take_message(s);
        es_reader r = es_reader_of(body.data, body.len);
        uint32_t number = 0;
        uint16_t len = 0;
        uint8_t id = 0;
        const uint8_t *p;
        OK(es_reader_u8(&r, &id));
        assert_int_equal(id, TDS_TOKEN_ERROR);
        OK(es_reader_u16le(&r, &len));
        assert_int_equal(r.left, len + 9); /* DONE with a row count of four */
        OK(es_reader_u32le(&r, &number));
        assert_int_equal(number, 18456);
        OK(es_reader_bytes(&r, 2, &p));
        assert_int_equal(p[1], 14);
        OK(es_reader_u16le(&r, &len));
        OK(es_reader_bytes(&r, len, &p));
        assert_int_equal(len, strlen(tds_server_refusal(s)->message));
        assert_memory_equal(p, tds_server_refusal(s)->message, len);
        assert_int_equal(r.left, 4 + 9);
        assert_int_equal(r.at[4], TDS_TOKEN_DONE);
        es_buf_done(&body);
        tds_server_free(s);
    }
    es_buf_done(&login);
}

static void login_without_prelogin_is_refused_in_words(void **state)
{
    (void)state;
    tds_server *s = new_server(TDS_SERVER_TLS_OFFERED, false);

    OK(send_login(s, TDS_FEDAUTH_SECURITYTOKEN, NULL));
    assert_int_equal(tds_server_wants(s), TDS_SERVER_REFUSED);
    assert_non_null(strstr(tds_server_refusal(s)->message, "PRELOGIN must come first"));
    tds_server_free(s);
}

static void clear_login_is_refused_where_tls_is_required(void **state)
{
    (void)state;
    tds_server *s = server_at(AT_LOGIN_IN_CLEAR);

    OK(send_login(s, TDS_FEDAUTH_SECURITYTOKEN, NULL));
    assert_int_equal(tds_server_wants(s), TDS_SERVER_REFUSED);
    assert_non_null(strstr(tds_server_refusal(s)->message, "requires encryption"));
    tds_server_free(s);
}

static void oversized_messages_end_the_engine(void **state)
{
    (void)state;
    /* headers alone must be enough: 32 packets of 4 KiB for a PRELOGIN or a LOGIN7 */
    for (int k = 0; k < 2; k++) {
        tds_server *s = server_at(k == 0 ? AT_PRELOGIN : AT_LOGIN);
        uint8_t type = k == 0 ? TDS_PACKET_PRELOGIN : TDS_PACKET_LOGIN7;
        es_buf body = ES_BUF_INIT(1 << 20);
        entrasql_error err;
        OK(es_buf_fill(&body, 0, 200000));
        assert_int_equal(feed_message(s, type, &body, &err), ENTRASQL_LIMIT);
        assert_int_equal(tds_server_wants(s), TDS_SERVER_FAILED);
        es_buf_done(&body);
        tds_server_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_with_every_packet_type),
        cmocka_unit_test(every_state_with_every_call),
        cmocka_unit_test(library_2_is_not_accepted_without_its_token),
        cmocka_unit_test(mars_answers),
        cmocka_unit_test(encryption_answers),
        cmocka_unit_test(fedauth_required_is_answered_when_asked),
        cmocka_unit_test(accepted_in_the_order_that_clients_take),
        cmocka_unit_test(no_ack_without_a_request),
        cmocka_unit_test(no_database_is_two_errors),
        cmocka_unit_test(old_clients_are_refused_in_their_own_layout),
        cmocka_unit_test(clients_before_tds_7_are_refused_in_their_own_layout),
        cmocka_unit_test(login_without_prelogin_is_refused_in_words),
        cmocka_unit_test(clear_login_is_refused_where_tls_is_required),
        cmocka_unit_test(oversized_messages_end_the_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
