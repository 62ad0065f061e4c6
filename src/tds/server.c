/* SPDX-License-Identifier: MIT */
/* The server's login engine: states and what moves it between them. */
#include "tds/server.h"

#include "base/mem.h"
#include "base/str.h"
#include "tds/fedauth.h"
#include "tds/packet.h"
#include "tds/prelogin.h"
#include "tds/server_response.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define OUTPUT_MAX_BYTES (512U * 1024U)
#define TOKEN_MESSAGE_MAX_BYTES (TDS_FEDAUTH_TOKEN_MAX_BYTES + 64U)
#define LOGIN_FAILED_NUMBER 18456U
#define NO_DATABASE_NUMBER 4060U
/* The fields that all of TDS 4.2 and 5.0 have: names of 30 bytes, the remote password of 255. */
#define PRE7_LOGIN_MIN_BYTES 480U

typedef enum state {
    ST_PRELOGIN,
    ST_TLS,            /* PRELOGIN is answered, TLS is agreed */
    ST_LOGIN,          /* waits for LOGIN7 */
    ST_LOGIN_IN_CLEAR, /* waits for the LOGIN7 of a client that cannot do the TLS we require */
    ST_DECISION,
    ST_TOKEN, /* FEDAUTHINFO is sent */
    ST_TOKEN_DECISION,
    ST_READY,
    ST_REFUSED,
    ST_FAILED,
    ST_COUNT
} state;

struct tds_server {
    state at;
    tds_server_options options;
    bool encrypted;
    bool is_login_only; /* TLS is for LOGIN7 alone */
    bool has_login;
    tds_prelogin prelogin;
    tds_login7 login;
    es_secret *token; /* library 2 */
    uint32_t packet_size;
    tds_assembler in;
    es_buf out;
    entrasql_error refusal;
};

typedef entrasql_status message_handler(tds_server *s, entrasql_error *err);

static message_handler on_prelogin;
static message_handler on_login;
static message_handler on_login_in_clear;
static message_handler on_token;

#define BIT(s) (1U << (s))

/*
 * What each state takes, who handles it, where it may lead. A packet that its
 * state does not list ends the engine; so does any move that is not listed.
 */
static const struct state_row {
    const char *name;
    tds_server_want want;
    uint32_t accept;
    size_t limit;
    message_handler *on_message;
    unsigned next;
} state_table[ST_COUNT] = {
    /* jTDS begins with LOGIN7, TDS 4.2 and 5.0 have no other: taken here to be refused in words. */
    [ST_PRELOGIN] = {"PRELOGIN", TDS_SERVER_WANT_READ,
                     TDS_ACCEPT(TDS_PACKET_PRELOGIN) | TDS_ACCEPT(TDS_PACKET_LOGIN7) |
                         TDS_ACCEPT(TDS_PACKET_PRE7_LOGIN),
                     TDS_LOGIN7_MAX_BYTES, on_prelogin,
                     BIT(ST_TLS) | BIT(ST_LOGIN) | BIT(ST_LOGIN_IN_CLEAR) | BIT(ST_REFUSED) |
                         BIT(ST_FAILED)},
    [ST_TLS] = {"the TLS handshake", TDS_SERVER_WANT_TLS, 0, 0, NULL,
                BIT(ST_LOGIN) | BIT(ST_FAILED)},
    [ST_LOGIN] = {"LOGIN7", TDS_SERVER_WANT_READ, TDS_ACCEPT(TDS_PACKET_LOGIN7),
                  TDS_LOGIN7_MAX_BYTES, on_login,
                  BIT(ST_DECISION) | BIT(ST_REFUSED) | BIT(ST_FAILED)},
    [ST_LOGIN_IN_CLEAR] = {"LOGIN7", TDS_SERVER_WANT_READ, TDS_ACCEPT(TDS_PACKET_LOGIN7),
                           TDS_LOGIN7_MAX_BYTES, on_login_in_clear,
                           BIT(ST_REFUSED) | BIT(ST_FAILED)},
    [ST_DECISION] = {"our decision", TDS_SERVER_WANT_DECISION, 0, 0, NULL,
                     BIT(ST_TOKEN) | BIT(ST_READY) | BIT(ST_REFUSED) | BIT(ST_FAILED)},
    [ST_TOKEN] = {"the token", TDS_SERVER_WANT_READ, TDS_ACCEPT(TDS_PACKET_FEDAUTH_TOKEN),
                  TOKEN_MESSAGE_MAX_BYTES, on_token, BIT(ST_TOKEN_DECISION) | BIT(ST_FAILED)},
    [ST_TOKEN_DECISION] = {"our decision", TDS_SERVER_WANT_TOKEN_DECISION, 0, 0, NULL,
                           BIT(ST_READY) | BIT(ST_REFUSED) | BIT(ST_FAILED)},
    [ST_READY] = {"requests", TDS_SERVER_READY, 0, 0, NULL, BIT(ST_FAILED)},
    [ST_REFUSED] = {"the end", TDS_SERVER_REFUSED, 0, 0, NULL, BIT(ST_FAILED)},
    [ST_FAILED] = {"the end", TDS_SERVER_FAILED, 0, 0, NULL, BIT(ST_FAILED)},
};

/* The only writer of s->at. */
static void set_state(tds_server *s, state next)
{
    assert((state_table[s->at].next & BIT(next)) != 0);
    s->at = next;
    tds_assembler_next(&s->in);
    s->in.accept = state_table[next].accept;
    s->in.body.ceiling = state_table[next].limit;
}

static entrasql_status dead(tds_server *s, entrasql_status st)
{
    set_state(s, ST_FAILED);
    return st;
}

static entrasql_status wrong_call(tds_server *s, const char *call, entrasql_error *err)
{
    return dead(s, es_fail(err, ENTRASQL_INTERNAL, "%s came while the login waits for %s", call,
                           state_table[s->at].name));
}

static entrasql_status send_reply(tds_server *s, const es_buf *tokens, entrasql_error *err)
{
    entrasql_status st =
        tds_packets_write(TDS_PACKET_REPLY, s->options.spid, TDS_PACKET_SIZE_DEFAULT, tokens->data,
                          tokens->len, &s->out);

    return st == ENTRASQL_OK ? st : es_nomem(err);
}

/* ---- refusing ---- */

/* What SQL Server calls the login in its texts. */
static const char *login_name(const tds_server *s)
{
    if (s->has_login && s->login.fedauth_library != TDS_FEDAUTH_NONE)
        return "<token-identified principal>";
    return s->has_login ? s->login.user_name : "";
}

static entrasql_status put_refusal(const tds_server *s, const char *server_name, bool old_layout,
                                   es_buf *out)
{
    const entrasql_error *why = &s->refusal;
    char text[sizeof "Login failed for user ''." + 512];

    ES_TRY(tds_server_error_add(out, why->number, why->state, why->severity, why->message,
                                server_name, old_layout));
    if (why->number == NO_DATABASE_NUMBER) {
        (void)snprintf(text, sizeof text, "Login failed for user '%.500s'.", login_name(s));
        es_utf8_trim_end(text);
        ES_TRY(
            tds_server_error_add(out, LOGIN_FAILED_NUMBER, 1, 14, text, server_name, old_layout));
    }
    return tds_server_error_done_add(out, old_layout);
}

static entrasql_status refuse(tds_server *s, const entrasql_error *why, const char *server_name,
                              bool old_layout, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf tokens = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    entrasql_status st;

    s->refusal = *why;
    if (s->refusal.number == 0)
        s->refusal.number = LOGIN_FAILED_NUMBER;
    if (s->refusal.severity <= 10)
        s->refusal.severity = 14;
    if (s->refusal.state == 0)
        s->refusal.state = 1;
    st = put_refusal(s, server_name, old_layout, &tokens);
    if (st != ENTRASQL_OK)
        return dead(s, es_nomem(err));
    st = send_reply(s, &tokens, err);
    if (st != ENTRASQL_OK)
        return dead(s, st);
    set_state(s, ST_REFUSED);
    return ENTRASQL_OK;
}

/* The engine's own refusals: *why has a text for people; the wire form begins as SQL Server's. */
static entrasql_status refuse_in_words(tds_server *s, entrasql_error *why, bool old_layout,
                                       entrasql_error *err)
{
    es_error_prefix(why, "Login failed");
    return refuse(s, why, "", old_layout, err);
}

/* ---- PRELOGIN ---- */

/*
 * Which encryption to answer, and where that leads. OFF means TLS for LOGIN7
 * alone. In strict mode TLS runs already and the byte says nothing.
 */
static entrasql_status choose_encryption(const tds_server *s, const tds_prelogin *p,
                                         uint8_t *ret_answer, state *ret_next, entrasql_error *err)
{
    uint8_t asked = p->has_encryption ? (uint8_t)(p->encryption & ~TDS_ENCRYPTION_CLIENT_CERT)
                                      : (uint8_t)TDS_ENCRYPTION_NOT_SUP;

    *ret_next = ST_LOGIN;
    *ret_answer = TDS_ENCRYPTION_NOT_SUP;
    if (s->options.strict) {
        *ret_answer = asked == TDS_ENCRYPTION_NOT_SUP ? TDS_ENCRYPTION_NOT_SUP : TDS_ENCRYPTION_ON;
        return ENTRASQL_OK;
    }
    if (asked > TDS_ENCRYPTION_REQ)
        return es_fail(err, ENTRASQL_MALFORMED, "PRELOGIN ENCRYPTION has the value 0x%02x", asked);
    if (s->options.tls == TDS_SERVER_TLS_NONE)
        return ENTRASQL_OK;
    if (s->options.tls == TDS_SERVER_TLS_LOGIN && asked == TDS_ENCRYPTION_OFF) {
        *ret_answer = TDS_ENCRYPTION_OFF;
        *ret_next = ST_TLS;
    } else if (asked != TDS_ENCRYPTION_NOT_SUP) {
        *ret_answer =
            s->options.tls == TDS_SERVER_TLS_REQUIRED ? TDS_ENCRYPTION_REQ : TDS_ENCRYPTION_ON;
        *ret_next = ST_TLS;
    } else if (s->options.tls == TDS_SERVER_TLS_REQUIRED) {
        *ret_answer = TDS_ENCRYPTION_REQ;
        *ret_next = ST_LOGIN_IN_CLEAR;
    }
    return ENTRASQL_OK;
}

static entrasql_status send_prelogin(tds_server *s, const tds_prelogin *asked, uint8_t encryption,
                                     entrasql_error *err)
{
    tds_prelogin p = {
        .has_version = true,
        .major = TDS_PRODUCT_MAJOR,
        .minor = TDS_PRODUCT_MINOR,
        .build = TDS_PRODUCT_BUILD,
        .subbuild = TDS_PRODUCT_SUBBUILD,
        .has_encryption = true,
        .encryption = encryption,
        .has_instance = true,
        .has_thread_id = asked->has_thread_id,
        .thread_id_is_empty = true,
        .has_mars = true, /* FreeTDS falls back to TDS 7.1 without it */
        .mars = s->options.offers_mars && asked->mars == 1 ? 1 : 0,
        .has_trace_id = asked->has_trace_id,
        .trace_id_is_empty = true,
        .has_fedauth_required = asked->has_fedauth_required,
        .fedauth_required = s->options.fedauth_required ? 1 : 0,
    };
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(TDS_PRELOGIN_MAX_BYTES);
    entrasql_status st = tds_prelogin_build(&p, TDS_PRELOGIN_ANSWER, &body);

    if (st != ENTRASQL_OK)
        return es_nomem(err);
    return send_reply(s, &body, err);
}

static entrasql_status refuse_no_prelogin(tds_server *s, entrasql_error *err)
{
    entrasql_error why;
    tds_login7 login;
    entrasql_status st = tds_login7_parse(s->in.body.data, s->in.body.len, &login, &why);

    if (st == ENTRASQL_OK) {
        tds_login7_done(&login);
        es_fail(&why, ENTRASQL_UNSUPPORTED,
                "the client began with LOGIN7; PRELOGIN must come first");
        return refuse_in_words(s, &why, false, err);
    }
    if (st == ENTRASQL_UNSUPPORTED)
        return refuse_in_words(s, &why, true, err);
    if (err != NULL)
        *err = why;
    return dead(s, st);
}

static entrasql_status refuse_pre7(tds_server *s, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf tokens = ES_BUF_INIT(OUTPUT_MAX_BYTES);

    if (s->in.body.len < PRE7_LOGIN_MIN_BYTES)
        return dead(s, es_fail(err, ENTRASQL_TRUNCATED, "pre-TDS7 login of %zu bytes ends early",
                               s->in.body.len));
    es_fail(&s->refusal, ENTRASQL_UNSUPPORTED,
            "Login failed: the client speaks TDS 4.2 or 5.0; TDS 7.3 or later is "
            "needed" TDS_VERSION_ADVICE);
    s->refusal.number = LOGIN_FAILED_NUMBER;
    s->refusal.severity = 14;
    s->refusal.state = 1;
    if (tds_server_pre7_refusal_add(&tokens, &s->refusal) != ENTRASQL_OK)
        return dead(s, es_nomem(err));
    entrasql_status st = send_reply(s, &tokens, err);
    if (st != ENTRASQL_OK)
        return dead(s, st);
    set_state(s, ST_REFUSED);
    return ENTRASQL_OK;
}

static entrasql_status on_prelogin(tds_server *s, entrasql_error *err)
{
    tds_prelogin p;
    uint8_t answer = 0;
    state next = ST_LOGIN;
    entrasql_status st;

    if (s->in.type == TDS_PACKET_LOGIN7)
        return refuse_no_prelogin(s, err);
    if (s->in.type == TDS_PACKET_PRE7_LOGIN)
        return refuse_pre7(s, err);
    if (s->in.body.len > TDS_PRELOGIN_MAX_BYTES)
        return dead(s, es_fail(err, ENTRASQL_LIMIT, "PRELOGIN of %zu bytes", s->in.body.len));
    st = tds_prelogin_parse(s->in.body.data, s->in.body.len, TDS_PRELOGIN_REQUEST, &p, err);
    if (st == ENTRASQL_OK)
        st = choose_encryption(s, &p, &answer, &next, err);
    if (st == ENTRASQL_OK)
        st = send_prelogin(s, &p, answer, err);
    if (st != ENTRASQL_OK)
        return dead(s, st);
    s->prelogin = p;
    s->is_login_only = next == ST_TLS && answer == TDS_ENCRYPTION_OFF;
    set_state(s, next);
    return ENTRASQL_OK;
}

/* ---- LOGIN7 ---- */

static bool version_is_old(uint32_t v)
{
    return v != TDS_VERSION_8_0 && v < TDS_VERSION_7_3A;
}

static entrasql_status take_login(tds_server *s, entrasql_error *err)
{
    entrasql_error why;
    uint32_t max = s->options.max_packet_size;
    entrasql_status st = tds_login7_parse(s->in.body.data, s->in.body.len, &s->login, &why);

    if (st == ENTRASQL_UNSUPPORTED) /* TDS 7.1 and older, or an unknown kind of FEDAUTH */
        return refuse_in_words(s, &why, tds_server_is_old_login(s->in.body.data, s->in.body.len),
                               err);
    if (st != ENTRASQL_OK) {
        if (err != NULL)
            *err = why;
        return dead(s, st);
    }
    s->has_login = true;
    s->packet_size =
        tds_packet_size_grant(s->login.packet_size, max != 0 ? max : TDS_PACKET_SIZE_MAX_TLS);
    if (!version_is_old(s->login.tds_version))
        return ENTRASQL_OK;
    es_fail(&why, ENTRASQL_UNSUPPORTED,
            "the client speaks TDS 0x%08x; TDS 7.3 or later is needed" TDS_VERSION_ADVICE,
            s->login.tds_version);
    return refuse_in_words(s, &why, false, err);
}

static entrasql_status on_login(tds_server *s, entrasql_error *err)
{
    ES_TRY(take_login(s, err));
    if (s->at == ST_LOGIN) /* not refused */
        set_state(s, ST_DECISION);
    return ENTRASQL_OK;
}

static entrasql_status on_login_in_clear(tds_server *s, entrasql_error *err)
{
    entrasql_error why;

    ES_TRY(take_login(s, err));
    if (s->at != ST_LOGIN_IN_CLEAR)
        return ENTRASQL_OK;
    es_fail(&why, ENTRASQL_TLS, "the server requires encryption; connect with Encrypt=yes");
    return refuse_in_words(s, &why, false, err);
}

static entrasql_status on_token(tds_server *s, entrasql_error *err)
{
    entrasql_status st = tds_fedauth_message_parse(s->in.body.data, s->in.body.len, &s->token, err);

    if (st != ENTRASQL_OK)
        return dead(s, st);
    set_state(s, ST_TOKEN_DECISION);
    return ENTRASQL_OK;
}

/* ---- calls ---- */

entrasql_status tds_server_new(const tds_server_options *options, tds_server **ret,
                               entrasql_error *err)
{
    tds_server *s = es_calloc(1, sizeof *s);

    if (s == NULL)
        return es_nomem(err);
    s->options = *options;
    s->encrypted = options->strict;
    s->packet_size = TDS_PACKET_SIZE_DEFAULT;
    s->login.fedauth_library = TDS_FEDAUTH_NONE;
    s->at = ST_PRELOGIN;
    /* Wiping: passwords and tokens pass through. */
    tds_assembler_init(&s->in, state_table[ST_PRELOGIN].limit, true,
                       state_table[ST_PRELOGIN].accept);
    es_buf_init(&s->out, OUTPUT_MAX_BYTES);
    *ret = s;
    return ENTRASQL_OK;
}

void tds_server_free(tds_server *s)
{
    if (s == NULL)
        return;
    tds_login7_done(&s->login);
    es_secret_unref(s->token);
    tds_assembler_done(&s->in);
    es_buf_done(&s->out);
    es_free(s);
}

tds_server_want tds_server_wants(const tds_server *s)
{
    return state_table[s->at].want;
}

bool tds_server_ends_tls(const tds_server *s)
{
    return s->is_login_only && s->encrypted && s->at != ST_LOGIN;
}

void tds_server_tls_ended(tds_server *s)
{
    s->encrypted = false;
}

es_buf *tds_server_output(tds_server *s)
{
    return &s->out;
}

entrasql_status tds_server_feed(tds_server *s, const void *p, size_t n, size_t *ret_used,
                                entrasql_error *err)
{
    const struct state_row *row = &state_table[s->at];
    size_t used = 0;
    entrasql_status st;

    if (s->at == ST_FAILED)
        return es_fail(err, ENTRASQL_INTERNAL, "bytes were fed to a login that has failed");
    if (row->on_message == NULL) { /* these bytes are TLS's or the session's */
        *ret_used = 0;
        return ENTRASQL_OK;
    }
    st = tds_assembler_feed(&s->in, p, n, &used, err);
    if (st != ENTRASQL_OK) {
        es_error_prefix(err, "while waiting for %s", row->name);
        return dead(s, st);
    }
    if (s->in.complete)
        ES_TRY(row->on_message(s, err));
    *ret_used = used;
    return ENTRASQL_OK;
}

entrasql_status tds_server_tls_started(tds_server *s, entrasql_error *err)
{
    if (s->at != ST_TLS)
        return wrong_call(s, "the start of TLS", err);
    s->encrypted = true;
    set_state(s, ST_LOGIN);
    return ENTRASQL_OK;
}

const tds_prelogin *tds_server_prelogin(const tds_server *s)
{
    return &s->prelogin;
}

const tds_login7 *tds_server_login(const tds_server *s)
{
    return &s->login;
}

bool tds_server_is_encrypted(const tds_server *s)
{
    return s->encrypted;
}

bool tds_server_has_mars(const tds_server *s)
{
    return s->options.offers_mars && s->prelogin.mars == 1;
}

const es_secret *tds_server_token(const tds_server *s)
{
    return s->token;
}

entrasql_status tds_server_ask_token(tds_server *s, const char *sts_url, const char *spn,
                                     entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf tokens = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    entrasql_status st;

    if (s->at != ST_DECISION || s->login.fedauth_library != TDS_FEDAUTH_ADAL)
        return wrong_call(s, "a request for a token", err);
    st = tds_fedauth_info_add(&tokens, sts_url, spn);
    if (st != ENTRASQL_OK)
        return dead(s, es_fail(err, st, "FEDAUTHINFO cannot be written"));
    st = send_reply(s, &tokens, err);
    if (st != ENTRASQL_OK)
        return dead(s, st);
    set_state(s, ST_TOKEN);
    return ENTRASQL_OK;
}

static bool may_decide(const tds_server *s)
{
    return s->at == ST_DECISION || s->at == ST_TOKEN_DECISION;
}

/* A token that was announced but never asked for must not open the door. */
static bool may_accept(const tds_server *s)
{
    return s->at == ST_TOKEN_DECISION ||
           (s->at == ST_DECISION && s->login.fedauth_library != TDS_FEDAUTH_ADAL);
}

entrasql_status tds_server_accept(tds_server *s, const tds_server_accept_options *options,
                                  entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf tokens = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    entrasql_status st;

    if (!may_accept(s))
        return wrong_call(s, "acceptance", err);
    if (options->response != NULL)
        st = tds_server_replay_add(&tokens, &s->login, options->response, &s->packet_size, err);
    else
        st = tds_server_response_add(&tokens, &s->login, options, s->packet_size, err);
    if (st == ENTRASQL_OK)
        st = send_reply(s, &tokens, err);
    if (st != ENTRASQL_OK)
        return dead(s, st);
    set_state(s, ST_READY);
    return ENTRASQL_OK;
}

entrasql_status tds_server_refuse(tds_server *s, const entrasql_error *why, const char *server_name,
                                  entrasql_error *err)
{
    if (!may_decide(s))
        return wrong_call(s, "a refusal", err);
    return refuse(s, why, server_name, false, err);
}

entrasql_status tds_server_route(tds_server *s, const char *host, uint16_t port,
                                 entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf tokens = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    entrasql_status st;

    if (!may_decide(s))
        return wrong_call(s, "routing", err);
    st = tds_server_route_add(&tokens, &s->login, host, port);
    st = st == ENTRASQL_OK ? send_reply(s, &tokens, err) : es_nomem(err);
    if (st != ENTRASQL_OK)
        return dead(s, st);
    es_fail(&s->refusal, ENTRASQL_LOGIN_FAILED, "the client was sent on to %s:%u", host, port);
    set_state(s, ST_REFUSED);
    return ENTRASQL_OK;
}

const entrasql_error *tds_server_refusal(const tds_server *s)
{
    return s->at == ST_REFUSED ? &s->refusal : NULL;
}

uint32_t tds_server_packet_size(const tds_server *s)
{
    return s->packet_size;
}

uint32_t tds_server_tds_version(const tds_server *s)
{
    return s->login.tds_version;
}
