/* SPDX-License-Identifier: MIT */
/* The client's login engine: states and what moves it between them. */
#include "tds/client.h"

#include "base/mem.h"
#include "base/random.h"
#include "tds/client_response.h"
#include "tds/fedauth.h"
#include "tds/packet.h"
#include "tds/prelogin.h"

#include <assert.h>
#include <string.h>

/* LOGIN7 is the largest message but one: a token of 1 MiB, with packet headers. */
#define OUTPUT_MAX_BYTES (2U * 1024U * 1024U)
#define NOT_A_SQL_SERVER "Check that the port belongs to a SQL Server."

typedef enum state {
    ST_TLS_FIRST,   /* strict: TLS before anything else */
    ST_PRELOGIN,    /* PRELOGIN is sent */
    ST_TLS,         /* the server agreed to TLS */
    ST_NEED_TOKEN,  /* LOGIN7 waits for the token */
    ST_LOGIN_ONLY,  /* LOGIN7 is queued; TLS ends behind it */
    ST_RESPONSE,    /* LOGIN7 is sent */
    ST_TOKEN_ASKED, /* FEDAUTHINFO came */
    ST_TOKEN_SENT,  /* and was answered */
    ST_READY,
    ST_ROUTED,
    ST_FAILED,
    ST_COUNT
} state;

struct tds_client {
    state at;
    tds_login7 login;
    tds_encrypt encrypt;
    tds_client_auth auth;
    bool allow_clear_password;
    bool mars;       /* asked for; and after the answer: granted */
    bool encrypted;  /* TLS runs now */
    bool login_only; /* and ends behind LOGIN7 */
    es_secret *token;
    tds_assembler in;
    es_buf out;
    tds_client_result result;
};

typedef entrasql_status message_handler(tds_client *c, entrasql_error *err);

static message_handler on_prelogin_answer;
static message_handler on_login_response;

#define BIT(s) (1U << (s))
#define REPLY TDS_ACCEPT(TDS_PACKET_REPLY)

/*
 * What each state takes, who handles it, where it may lead. A packet that its
 * state does not list ends the engine; so does any move that is not listed.
 */
static const struct state_row {
    const char *waiting_for; /* for the error when the connection ends here */
    tds_client_want want;
    uint32_t accept;
    size_t limit;
    message_handler *on_message;
    unsigned next;
} state_table[ST_COUNT] = {
    [ST_TLS_FIRST] = {"the TLS handshake", TDS_CLIENT_WANT_TLS, 0, 0, NULL,
                      BIT(ST_PRELOGIN) | BIT(ST_FAILED)},
    [ST_PRELOGIN] = {"the answer to PRELOGIN", TDS_CLIENT_WANT_READ, REPLY, TDS_PRELOGIN_MAX_BYTES,
                     on_prelogin_answer,
                     BIT(ST_TLS) | BIT(ST_NEED_TOKEN) | BIT(ST_RESPONSE) | BIT(ST_FAILED)},
    [ST_TLS] = {"the TLS handshake", TDS_CLIENT_WANT_TLS, 0, 0, NULL,
                BIT(ST_NEED_TOKEN) | BIT(ST_LOGIN_ONLY) | BIT(ST_RESPONSE) | BIT(ST_FAILED)},
    [ST_NEED_TOKEN] = {"LOGIN7", TDS_CLIENT_WANT_TOKEN, 0, 0, NULL,
                       BIT(ST_RESPONSE) | BIT(ST_FAILED)},
    [ST_LOGIN_ONLY] = {"LOGIN7", TDS_CLIENT_WANT_TLS_END, 0, 0, NULL,
                       BIT(ST_RESPONSE) | BIT(ST_FAILED)},
    [ST_RESPONSE] = {"the answer to LOGIN7", TDS_CLIENT_WANT_READ, REPLY,
                     TDS_CLIENT_RESPONSE_MAX_BYTES, on_login_response,
                     BIT(ST_TOKEN_ASKED) | BIT(ST_READY) | BIT(ST_ROUTED) | BIT(ST_FAILED)},
    [ST_TOKEN_ASKED] = {"the token that it asked for", TDS_CLIENT_WANT_TOKEN, 0, 0, NULL,
                        BIT(ST_TOKEN_SENT) | BIT(ST_FAILED)},
    [ST_TOKEN_SENT] = {"the answer to the token", TDS_CLIENT_WANT_READ, REPLY,
                       TDS_CLIENT_RESPONSE_MAX_BYTES, on_login_response,
                       BIT(ST_READY) | BIT(ST_ROUTED) | BIT(ST_FAILED)},
    [ST_READY] = {"a request", TDS_CLIENT_READY, 0, 0, NULL, BIT(ST_FAILED)},
    [ST_ROUTED] = {"the end", TDS_CLIENT_ROUTED, 0, 0, NULL, BIT(ST_FAILED)},
    [ST_FAILED] = {"the end", TDS_CLIENT_FAILED, 0, 0, NULL, BIT(ST_FAILED)},
};

/* The only writer of c->at. */
static void set_state(tds_client *c, state next)
{
    assert((state_table[c->at].next & BIT(next)) != 0);
    c->at = next;
    tds_assembler_next(&c->in);
    c->in.accept = state_table[next].accept;
    c->in.body.ceiling = state_table[next].limit;
}

static entrasql_status dead(tds_client *c, entrasql_status st)
{
    set_state(c, ST_FAILED);
    return st;
}

static entrasql_status wrong_call(tds_client *c, const char *call, entrasql_error *err)
{
    return dead(c, es_fail(err, ENTRASQL_INTERNAL, "%s came while the login waits for %s", call,
                           state_table[c->at].waiting_for));
}

static bool uses_token(const tds_client *c)
{
    return c->auth != TDS_CLIENT_AUTH_PASSWORD;
}

/* ---- PRELOGIN ---- */

static uint8_t encryption_byte(const tds_client *c)
{
    switch (c->encrypt) {
    case TDS_ENCRYPT_ON:
        return TDS_ENCRYPTION_ON;
    case TDS_ENCRYPT_OFF:
        /* A token never travels in clear, so there is nothing to leave open. */
        return uses_token(c) ? TDS_ENCRYPTION_ON : TDS_ENCRYPTION_OFF;
    case TDS_ENCRYPT_STRICT: /* TLS runs already; the value means nothing */
    case TDS_ENCRYPT_NOT_SUPPORTED:
        break;
    }
    return TDS_ENCRYPTION_NOT_SUP;
}

/*
 * All options, always: a gateway was seen that drops clients without TRACEID
 * after FEDAUTHINFO.
 */
static entrasql_status send_prelogin(tds_client *c, entrasql_error *err)
{
    tds_prelogin p = {
        .has_version = true,
        .major = TDS_PRODUCT_MAJOR,
        .minor = TDS_PRODUCT_MINOR,
        .build = TDS_PRODUCT_BUILD,
        .has_encryption = true,
        .encryption = encryption_byte(c),
        .has_instance = true,
        .has_thread_id = true,
        .thread_id = c->login.client_pid,
        .has_mars = true,
        .mars = c->mars ? 1 : 0,
        .has_trace_id = true,
        .has_fedauth_required = true,
        .fedauth_required = 1,
    };
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(TDS_PRELOGIN_MAX_BYTES);
    entrasql_status st;

    es_random_bytes(p.trace_id, 32); /* two GUIDs; the sequence number stays 0 */
    st = tds_prelogin_build(&p, TDS_PRELOGIN_REQUEST, &body);
    if (st == ENTRASQL_OK)
        st = tds_packets_write(TDS_PACKET_PRELOGIN, 0, TDS_PACKET_SIZE_DEFAULT, body.data, body.len,
                               &c->out);
    return st == ENTRASQL_OK ? st : es_nomem(err);
}

/* ---- LOGIN7 ---- */

static entrasql_status fill_token(tds_client *c)
{
    if (c->auth != TDS_CLIENT_AUTH_TOKEN)
        return ENTRASQL_OK;
    c->login.fedauth_token = es_secret_ref(c->token);
    return ENTRASQL_OK;
}

static entrasql_status send_login(tds_client *c, state next, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT_WIPE((size_t)TDS_LOGIN7_MAX_BYTES + 1);
    entrasql_status st = fill_token(c);

    if (st == ENTRASQL_OK)
        st = tds_login7_build(&c->login, &body, err);
    if (st != ENTRASQL_OK)
        return dead(c, st);
    st = tds_packets_write(TDS_PACKET_LOGIN7, 0, TDS_PACKET_SIZE_DEFAULT, body.data, body.len,
                           &c->out);
    if (st != ENTRASQL_OK)
        return dead(c, es_nomem(err));
    set_state(c, next);
    return ENTRASQL_OK;
}

/* The way to LOGIN7 is free: the connection is as safe as it will get. */
static entrasql_status go_on_to_login(tds_client *c, entrasql_error *err)
{
    if (uses_token(c) && (!c->encrypted || c->login_only))
        return dead(c,
                    es_fail(err, ENTRASQL_TLS,
                            "the access token is not sent without TLS for the whole connection"));
    if (c->auth == TDS_CLIENT_AUTH_TOKEN && c->token == NULL) {
        set_state(c, ST_NEED_TOKEN);
        return ENTRASQL_OK;
    }
    return send_login(c, c->login_only ? ST_LOGIN_ONLY : ST_RESPONSE, err);
}

/* ---- the answer to PRELOGIN ---- */

static entrasql_status no_encryption(tds_client *c, entrasql_error *err)
{
    if (c->encrypt != TDS_ENCRYPT_ON && !uses_token(c) && c->allow_clear_password)
        return go_on_to_login(c, err);
    es_fail(err, ENTRASQL_TLS,
            "the server does not support encryption, and %s is not sent in clear",
            uses_token(c) ? "an access token" : "a password");
    if (!uses_token(c) && c->allow_clear_password)
        es_hint(err,
                "If it is an entrasql proxy in clear on this machine, write Encrypt=no into the "
                "connection string; else switch TLS on at the server.");
    else
        es_hint(err,
                "Switch TLS on at the server; Azure SQL always has it, so check that the name and "
                "port are those of an Azure SQL server.");
    return dead(c, ENTRASQL_TLS);
}

static entrasql_status start_tls(tds_client *c, bool login_only)
{
    c->login_only = login_only;
    set_state(c, ST_TLS);
    return ENTRASQL_OK;
}

static entrasql_status bad_answer(tds_client *c, uint8_t asked, uint8_t answer, entrasql_error *err)
{
    return dead(c, es_fail(err, ENTRASQL_TLS,
                           "the server answered encryption %s (0x%02x) to a client that said %s",
                           tds_encryption_name(answer), answer, tds_encryption_name(asked)));
}

static entrasql_status choose_encryption(tds_client *c, const tds_prelogin *p, entrasql_error *err)
{
    uint8_t asked = encryption_byte(c);
    uint8_t answer = p->has_encryption ? p->encryption : TDS_ENCRYPTION_NOT_SUP;

    if (c->encrypt == TDS_ENCRYPT_STRICT)
        return go_on_to_login(c, err);
    switch (answer & (uint8_t)~TDS_ENCRYPTION_CLIENT_CERT) {
    case TDS_ENCRYPTION_NOT_SUP:
        return no_encryption(c, err);
    case TDS_ENCRYPTION_OFF:
        if (asked != TDS_ENCRYPTION_OFF)
            return bad_answer(c, asked, answer, err);
        return start_tls(c, true);
    case TDS_ENCRYPTION_ON:
    case TDS_ENCRYPTION_REQ:
        if (asked != TDS_ENCRYPTION_NOT_SUP)
            return start_tls(c, false);
        es_fail(err, ENTRASQL_TLS, "the server demands encryption");
        es_hint(err, "Connect with Encrypt=yes.");
        return dead(c, ENTRASQL_TLS);
    default:
        return bad_answer(c, asked, answer, err);
    }
}

static entrasql_status on_prelogin_answer(tds_client *c, entrasql_error *err)
{
    tds_prelogin p;
    entrasql_status st =
        tds_prelogin_parse(c->in.body.data, c->in.body.len, TDS_PRELOGIN_ANSWER, &p, err);

    if (st != ENTRASQL_OK) {
        es_error_prefix(err, "the server's answer to PRELOGIN");
        es_hint(err, NOT_A_SQL_SERVER);
        return dead(c, st);
    }
    c->mars = c->mars && p.mars == 1;
    c->login.fedauth_echo = p.has_fedauth_required && p.fedauth_required == 1;
    return choose_encryption(c, &p, err);
}

/* ---- the login response ---- */

static entrasql_status on_login_response(tds_client *c, entrasql_error *err)
{
    tds_client_outcome outcome = TDS_CLIENT_OUTCOME_ACCEPTED;
    bool may_ask = c->auth == TDS_CLIENT_AUTH_TOKEN_ON_REQUEST && c->at == ST_RESPONSE;
    entrasql_status st = tds_client_result_parse(&c->result, &c->login, may_ask, c->in.body.data,
                                                 c->in.body.len, &outcome, err);

    if (st != ENTRASQL_OK)
        return dead(c, st);
    switch (outcome) {
    case TDS_CLIENT_OUTCOME_TOKEN_ASKED:
        set_state(c, ST_TOKEN_ASKED);
        break;
    case TDS_CLIENT_OUTCOME_ROUTED:
        set_state(c, ST_ROUTED);
        break;
    case TDS_CLIENT_OUTCOME_ACCEPTED:
        if (c->auth == TDS_CLIENT_AUTH_TOKEN_ON_REQUEST && c->at == ST_RESPONSE)
            return dead(c, es_fail(err, ENTRASQL_MALFORMED,
                                   "the server accepted the login without asking for the token"));
        set_state(c, ST_READY);
        break;
    }
    return ENTRASQL_OK;
}

/* ---- calls ---- */

/* The template with everything about authentication taken out and put in again as `auth` says. */
static entrasql_status prepare_login(tds_client *c, const tds_client_options *o)
{
    tds_login7 *l = &c->login;

    ES_TRY(tds_login7_copy(l, o->login));
    ES_TRY(tds_login7_set(&l->server_name, o->server_name));
    es_free_wipe(l->sspi, l->sspi_len);
    l->sspi = NULL;
    l->sspi_len = 0;
    es_secret_unref(l->fedauth_token);
    l->fedauth_token = NULL;
    es_free_wipe(l->fedauth_nonce, l->fedauth_nonce != NULL ? TDS_FEDAUTH_NONCE_BYTES : 0);
    l->fedauth_nonce = NULL;
    l->option_flags2 = (uint8_t)(l->option_flags2 & ~TDS_OPTION2_INTEGRATED);
    if (o->encrypt == TDS_ENCRYPT_STRICT)
        l->tds_version = TDS_VERSION_8_0;
    else if (l->tds_version == TDS_VERSION_8_0)
        l->tds_version = TDS_VERSION_7_4;
    if (o->auth == TDS_CLIENT_AUTH_PASSWORD) {
        l->fedauth_library = TDS_FEDAUTH_NONE;
        tds_login7_remove_feature(l, TDS_FEATURE_FEDAUTH);
        return ENTRASQL_OK;
    }
    ES_TRY(tds_login7_set(&l->user_name, ""));
    es_secret_cleanup(&l->password);
    es_secret_cleanup(&l->change_password);
    l->option_flags3 = (uint8_t)(l->option_flags3 & ~TDS_OPTION3_CHANGE_PASSWORD);
    l->fedauth_library =
        o->auth == TDS_CLIENT_AUTH_TOKEN ? TDS_FEDAUTH_SECURITYTOKEN : TDS_FEDAUTH_ADAL;
    l->fedauth_workflow = 1;
    if (tds_login7_feature(l, TDS_FEATURE_FEDAUTH) != NULL)
        return ENTRASQL_OK;
    return tds_login7_add_feature(l, TDS_FEATURE_FEDAUTH, NULL, 0);
}

static entrasql_status check_options(const tds_client_options *o, entrasql_error *err)
{
    if (o->encrypt != TDS_ENCRYPT_NOT_SUPPORTED)
        return ENTRASQL_OK;
    if (o->auth != TDS_CLIENT_AUTH_PASSWORD)
        return es_fail(err, ENTRASQL_INVALID, "an access token cannot be sent without encryption");
    if (!o->allow_clear_password)
        return es_fail(err, ENTRASQL_INVALID, "a password is not sent without encryption");
    return ENTRASQL_OK;
}

entrasql_status tds_client_new(const tds_client_options *options, tds_client **ret,
                               entrasql_error *err)
{
    tds_client *c;
    entrasql_status st;

    ES_TRY(check_options(options, err));
    c = es_calloc(1, sizeof *c);
    if (c == NULL)
        return es_nomem(err);
    c->encrypt = options->encrypt;
    c->auth = options->auth;
    c->allow_clear_password = options->allow_clear_password;
    c->mars = options->mars;
    c->at = ST_TLS_FIRST;
    tds_assembler_init(&c->in, 0, false, 0);
    c->out = ES_BUF_INIT_WIPE(OUTPUT_MAX_BYTES);
    tds_client_result_init(&c->result);
    st = prepare_login(c, options);
    if (st != ENTRASQL_OK)
        st =
            st == ENTRASQL_LIMIT ? es_fail(err, st, "LOGIN7 has too many features") : es_nomem(err);
    else if (c->encrypt != TDS_ENCRYPT_STRICT)
        st = send_prelogin(c, err);
    if (st != ENTRASQL_OK) {
        tds_client_free(c);
        return st;
    }
    if (c->encrypt != TDS_ENCRYPT_STRICT)
        set_state(c, ST_PRELOGIN);
    *ret = c;
    return ENTRASQL_OK;
}

void tds_client_free(tds_client *c)
{
    if (c == NULL)
        return;
    tds_login7_done(&c->login);
    es_secret_unref(c->token);
    tds_assembler_done(&c->in);
    es_buf_done(&c->out);
    tds_client_result_done(&c->result);
    es_free(c);
}

tds_client_want tds_client_wants(const tds_client *c)
{
    return state_table[c->at].want;
}

es_buf *tds_client_output(tds_client *c)
{
    return &c->out;
}

entrasql_status tds_client_feed(tds_client *c, const void *p, size_t n, size_t *ret_used,
                                entrasql_error *err)
{
    const struct state_row *row = &state_table[c->at];
    size_t used = 0;
    entrasql_status st;

    if (c->at == ST_FAILED)
        return es_fail(err, ENTRASQL_INTERNAL, "bytes were fed to a login that has failed");
    if (row->on_message == NULL) { /* these bytes are TLS's or the session's */
        *ret_used = 0;
        return ENTRASQL_OK;
    }
    st = tds_assembler_feed(&c->in, p, n, &used, err);
    if (st != ENTRASQL_OK) {
        es_error_prefix(err, "while waiting for %s", row->waiting_for);
        if (c->at == ST_PRELOGIN)
            es_hint(err, NOT_A_SQL_SERVER);
        return dead(c, st);
    }
    if (c->in.complete)
        ES_TRY(row->on_message(c, err));
    *ret_used = used;
    return ENTRASQL_OK;
}

entrasql_status tds_client_tls_started(tds_client *c, entrasql_error *err)
{
    entrasql_status st;

    if (c->at != ST_TLS && c->at != ST_TLS_FIRST)
        return wrong_call(c, "the start of TLS", err);
    c->encrypted = true;
    if (c->at == ST_TLS)
        return go_on_to_login(c, err);
    st = send_prelogin(c, err);
    if (st != ENTRASQL_OK)
        return dead(c, st);
    set_state(c, ST_PRELOGIN);
    return ENTRASQL_OK;
}

entrasql_status tds_client_tls_ended(tds_client *c, entrasql_error *err)
{
    if (c->at != ST_LOGIN_ONLY || c->out.len != 0)
        return wrong_call(c, "the end of TLS", err);
    c->encrypted = false;
    set_state(c, ST_RESPONSE);
    return ENTRASQL_OK;
}

static entrasql_status send_token(tds_client *c, const es_secret *token, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done)
    es_buf body = ES_BUF_INIT_WIPE((size_t)TDS_FEDAUTH_TOKEN_MAX_BYTES * 2);
    entrasql_status st = tds_fedauth_message_build(token, &body, err);

    if (st != ENTRASQL_OK)
        return dead(c, st);
    st = tds_packets_write(TDS_PACKET_FEDAUTH_TOKEN, 0, TDS_PACKET_SIZE_DEFAULT, body.data,
                           body.len, &c->out);
    if (st != ENTRASQL_OK)
        return dead(c, es_nomem(err));
    set_state(c, ST_TOKEN_SENT);
    return ENTRASQL_OK;
}

entrasql_status tds_client_give_token(tds_client *c, const es_secret *token, entrasql_error *err)
{
    bool early = c->at == ST_TLS_FIRST || c->at == ST_PRELOGIN || c->at == ST_TLS;

    if (c->at == ST_TOKEN_ASKED)
        return send_token(c, token, err);
    if (c->auth != TDS_CLIENT_AUTH_TOKEN || (c->at != ST_NEED_TOKEN && !early) || c->token != NULL)
        return wrong_call(c, "a token", err);
    c->token = es_secret_new(es_secret_reveal(token), es_secret_len(token));
    if (c->token == NULL)
        return dead(c, es_nomem(err));
    return early ? ENTRASQL_OK : send_login(c, ST_RESPONSE, err);
}

entrasql_status tds_client_set_login(tds_client *c, const tds_login7 *login,
                                     const char *server_name, entrasql_error *err)
{
    const tds_client_options options = {
        .login = login, .server_name = server_name, .encrypt = c->encrypt, .auth = c->auth};
    bool echo = c->login.fedauth_echo;

    if (c->at != ST_NEED_TOKEN)
        return wrong_call(c, "another login", err);
    tds_login7_done(&c->login);
    c->login = (tds_login7){0};
    if (prepare_login(c, &options) != ENTRASQL_OK)
        return dead(c, es_nomem(err));
    c->login.fedauth_echo = echo;
    return ENTRASQL_OK;
}

entrasql_status tds_client_eof(tds_client *c, entrasql_error *err)
{
    state at = c->at;
    entrasql_status st =
        es_fail(err, ENTRASQL_CLOSED, "the server closed the connection while we waited for %s",
                state_table[at].waiting_for);

    if (at == ST_PRELOGIN && c->encrypt != TDS_ENCRYPT_STRICT)
        es_hint(err, "Check the port; a server that takes only strict encryption (TDS 8.0) closes "
                     "here too: try Encrypt=strict.");
    else if (at == ST_RESPONSE || at == ST_TOKEN_SENT)
        es_hint(err, "Azure SQL's gateway closes like this when it does not know the server: check "
                     "the name.");
    return dead(c, st);
}

const char *tds_client_fedauth_sts_url(const tds_client *c)
{
    return c->result.info.sts_url != NULL ? c->result.info.sts_url : "";
}

const char *tds_client_fedauth_spn(const tds_client *c)
{
    return c->result.info.spn != NULL ? c->result.info.spn : "";
}

const char *tds_client_routing_host(const tds_client *c)
{
    return c->result.routing_host != NULL ? c->result.routing_host : "";
}

uint16_t tds_client_routing_port(const tds_client *c)
{
    return c->result.routing_port;
}

uint32_t tds_client_packet_size(const tds_client *c)
{
    return c->result.packet_size;
}

uint32_t tds_client_tds_version(const tds_client *c)
{
    return c->result.tds_version;
}

bool tds_client_has_mars(const tds_client *c)
{
    return c->mars;
}

const char *tds_client_database(const tds_client *c)
{
    return c->result.database != NULL ? c->result.database : "";
}

const es_buf *tds_client_response(const tds_client *c)
{
    return &c->result.response;
}
