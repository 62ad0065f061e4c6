/* SPDX-License-Identifier: MIT */
/* Reading a login response, token by token. */
#include "tds/client_response.h"

#include "base/mem.h"
#include "base/str.h"
#include "tds/login_hints.h"
#include "tds/packet.h"
#include "tds/varchar.h"

#include <string.h>

/* More tokens than any login response has, so that a peer cannot keep us here. */
#define TOKENS_MAX 4096U

typedef struct reading {
    tds_client_result *r;
    const tds_login7 *login;
    entrasql_error *err;
    bool may_ask;
    bool asked;
    bool has_loginack;
    bool has_done;
    bool done_error;
    bool fedauth_acked;
    bool refused;
    entrasql_error refusal;
} reading;

void tds_client_result_init(tds_client_result *r)
{
    *r = (tds_client_result){.packet_size = TDS_PACKET_SIZE_DEFAULT};
    es_buf_init(&r->response, TDS_CLIENT_RESPONSE_MAX_BYTES);
}

void tds_client_result_done(tds_client_result *r)
{
    es_free(r->database);
    es_free(r->routing_host);
    tds_fedauth_info_done(&r->info);
    es_buf_done(&r->response);
}

static entrasql_status keep(reading *g, const tds_token *t)
{
    entrasql_status st = es_buf_add(&g->r->response, t->start, t->bytes);

    return st == ENTRASQL_OK ? st : es_nomem(g->err);
}

/* ---- ENVCHANGE ---- */

static entrasql_status take_text(const es_reader *value, char **field, entrasql_error *err)
{
    char *text = NULL;
    entrasql_status st = tds_utf16_text(value, &text);

    if (st == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (st != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_MALFORMED, "ENVCHANGE token has a broken text");
    es_free(*field);
    *field = text;
    return ENTRASQL_OK;
}

static entrasql_status take_packet_size(reading *g, const es_reader *value)
{
    char *text = NULL;
    uint64_t size = 0;
    entrasql_status st;

    ES_TRY(take_text(value, &text, g->err));
    st = es_parse_u64(text, strlen(text), TDS_PACKET_SIZE_MAX, &size);
    es_free(text);
    if (st != ENTRASQL_OK || size < TDS_PACKET_SIZE_MIN)
        return es_fail(g->err, ENTRASQL_MALFORMED, "the server set an impossible packet size");
    g->r->packet_size = (uint32_t)size;
    return ENTRASQL_OK;
}

static entrasql_status take_routing(reading *g, const tds_envchange *e)
{
    ES_TRY(take_text(&e->new_value, &g->r->routing_host, g->err));
    if (g->r->routing_host[0] == '\0' || e->port == 0)
        return es_fail(g->err, ENTRASQL_MALFORMED, "the server routes to nowhere");
    g->r->routing_port = e->port;
    return ENTRASQL_OK;
}

static entrasql_status on_envchange(reading *g, const tds_token *t)
{
    tds_envchange e = {0};

    ES_TRY(tds_envchange_parse(t, &e, g->err));
    switch (e.type) {
    case TDS_ENV_ROUTING:
    case TDS_ENV_ENHANCED_ROUTING:
        return take_routing(g, &e); /* ours to follow, never shown to anybody */
    case TDS_ENV_DATABASE:
        ES_TRY(take_text(&e.new_value, &g->r->database, g->err));
        break;
    case TDS_ENV_PACKET_SIZE:
        ES_TRY(take_packet_size(g, &e.new_value));
        break;
    default:
        break;
    }
    return keep(g, t);
}

/* ---- INFO, ERROR ---- */

/* Appends a further error to the text of the first. */
static void join_refusal(entrasql_error *first, const char *text)
{
    size_t at = strlen(first->message);

    if (at + 4 >= sizeof first->message)
        return;
    es_strlcpy_utf8(first->message + at, sizeof first->message - at, " ");
    es_printable(first->message + at + 1, sizeof first->message - at - 1, text, strlen(text));
}

static entrasql_status on_message(reading *g, const tds_token *t)
{
    tds_message m = {0};

    ES_TRY(tds_message_parse(t, &m, g->err));
    if (t->id == TDS_TOKEN_INFO) {
        tds_message_done(&m);
        return keep(g, t);
    }
    if (g->refused) {
        join_refusal(&g->refusal, m.text);
    } else {
        es_fail(&g->refusal, ENTRASQL_LOGIN_FAILED, " ");
        es_printable(g->refusal.message, sizeof g->refusal.message, m.text, strlen(m.text));
        g->refusal.number = m.number;
        g->refusal.state = m.state;
        g->refusal.severity = m.severity;
        g->refused = true;
    }
    tds_message_done(&m);
    return ENTRASQL_OK;
}

/* ---- LOGINACK, FEATUREEXTACK, FEDAUTHINFO, DONE ---- */

static entrasql_status on_loginack(reading *g, const tds_token *t)
{
    tds_loginack a = {0};

    ES_TRY(tds_loginack_parse(t, &a, g->err));
    if (g->has_loginack)
        return es_fail(g->err, ENTRASQL_MALFORMED, "the server acknowledged the login twice");
    if (a.tds_version != TDS_VERSION_8_0 && a.tds_version < TDS_VERSION_7_2)
        return es_fail(g->err, ENTRASQL_UNSUPPORTED,
                       "the server speaks TDS 0x%08x, which is older than TDS 7.2", a.tds_version);
    g->has_loginack = true;
    g->r->tds_version = a.tds_version;
    return keep(g, t);
}

static entrasql_status check_ack(reading *g, const tds_feature_ack *f)
{
    if (tds_login7_feature(g->login, f->id) == NULL)
        return es_fail(g->err, ENTRASQL_MALFORMED,
                       "the server acknowledged feature 0x%02x, which was not asked for", f->id);
    if (f->id != TDS_FEATURE_FEDAUTH)
        return ENTRASQL_OK;
    if (f->data.left != 0)
        return es_fail(g->err, ENTRASQL_MALFORMED,
                       "the server's acknowledgement of FEDAUTH has %zu bytes of data",
                       f->data.left);
    g->fedauth_acked = true;
    return ENTRASQL_OK;
}

static entrasql_status copy_ack(es_buf *out, const tds_feature_ack *f)
{
    ES_TRY(es_buf_u8(out, f->id));
    ES_TRY(es_buf_u32le(out, (uint32_t)f->data.left));
    return es_buf_add(out, f->data.at, f->data.left);
}

static entrasql_status on_features(reading *g, const tds_token *t)
{
    es_buf *out = &g->r->response;
    es_reader r = t->body;
    size_t before = out->len;
    entrasql_status st = es_buf_u8(out, TDS_TOKEN_FEATUREEXTACK);

    for (size_t count = 0; st == ENTRASQL_OK; count++) {
        tds_feature_ack f = {0};
        entrasql_status next = tds_feature_ack_next(&r, &f, g->err);
        if (next == ENTRASQL_NOT_FOUND)
            break;
        ES_TRY(next);
        ES_TRY(check_ack(g, &f));
        if (f.id != TDS_FEATURE_FEDAUTH)
            st = copy_ack(out, &f);
    }
    if (st == ENTRASQL_OK && out->len == before + 1)
        es_buf_truncate(out, before); /* nothing is left to tell */
    else if (st == ENTRASQL_OK)
        st = es_buf_u8(out, TDS_FEATURE_TERMINATOR);
    return st == ENTRASQL_OK ? st : es_nomem(g->err);
}

static entrasql_status on_fedauth_info(reading *g, const tds_token *t, size_t all_bytes)
{
    if (!g->may_ask)
        return es_fail(g->err, ENTRASQL_MALFORMED,
                       "the server asked for a token that it has or that was not offered");
    if (t->bytes != all_bytes)
        return es_fail(g->err, ENTRASQL_MALFORMED, "FEDAUTHINFO is not alone in its message");
    ES_TRY(tds_fedauth_info_parse(t, &g->r->info, g->err));
    g->asked = true;
    return ENTRASQL_OK;
}

static entrasql_status on_done(reading *g, const tds_token *t, bool is_last)
{
    tds_done d = {0};

    ES_TRY(tds_done_parse(t, &d, g->err));
    if (((d.status & TDS_DONE_MORE) == 0) != is_last)
        return es_fail(g->err, ENTRASQL_MALFORMED, "DONE is not at the end of the login response");
    g->has_done = is_last;
    if ((d.status & TDS_DONE_ERROR) != 0)
        g->done_error = true;
    return keep(g, t);
}

/* ---- the whole ---- */

static entrasql_status on_token(reading *g, const tds_token *t, size_t left, size_t all_bytes)
{
    switch (t->id) {
    case TDS_TOKEN_ENVCHANGE:
        return on_envchange(g, t);
    case TDS_TOKEN_ERROR:
    case TDS_TOKEN_INFO:
        return on_message(g, t);
    case TDS_TOKEN_LOGINACK:
        return on_loginack(g, t);
    case TDS_TOKEN_FEATUREEXTACK:
        return on_features(g, t);
    case TDS_TOKEN_FEDAUTHINFO:
        return on_fedauth_info(g, t, all_bytes);
    case TDS_TOKEN_SESSIONSTATE:
        return keep(g, t);
    case TDS_TOKEN_DONE:
        return on_done(g, t, left == 0);
    default:
        return es_fail(g->err, ENTRASQL_MALFORMED, "%s token (0x%02x) in a login response",
                       tds_token_name(t->id), t->id);
    }
}

static entrasql_status refuse(reading *g)
{
    if (!g->refused) {
        es_fail(&g->refusal, ENTRASQL_LOGIN_FAILED,
                "the server refused the login without saying why");
    }
    tds_login_hint(&g->refusal);
    if (g->err != NULL)
        *g->err = g->refusal;
    return ENTRASQL_LOGIN_FAILED;
}

static entrasql_status conclude(reading *g, tds_client_outcome *ret)
{
    if (g->asked) {
        *ret = TDS_CLIENT_OUTCOME_TOKEN_ASKED;
        return ENTRASQL_OK;
    }
    if (!g->has_done)
        return es_fail(g->err, ENTRASQL_MALFORMED, "the login response has no DONE at its end");
    if (g->r->routing_host != NULL) { /* wins over whatever else the response says */
        *ret = TDS_CLIENT_OUTCOME_ROUTED;
        return ENTRASQL_OK;
    }
    if (g->refused || g->done_error)
        return refuse(g);
    if (!g->has_loginack)
        return es_fail(g->err, ENTRASQL_MALFORMED,
                       "the server neither accepted nor refused the login");
    if (g->login->fedauth_library != TDS_FEDAUTH_NONE && !g->fedauth_acked)
        return es_fail(g->err, ENTRASQL_MALFORMED,
                       "the server did not acknowledge the login with a token");
    *ret = TDS_CLIENT_OUTCOME_ACCEPTED;
    return ENTRASQL_OK;
}

entrasql_status tds_client_result_parse(tds_client_result *r, const tds_login7 *l, bool may_ask,
                                        const uint8_t *p, size_t n, tds_client_outcome *ret,
                                        entrasql_error *err)
{
    es_reader in = es_reader_of(p, n);
    reading g = {.r = r, .login = l, .err = err, .may_ask = may_ask};

    for (size_t count = 0; in.left != 0; count++) {
        tds_token t = {0};
        if (count == TOKENS_MAX)
            return es_fail(err, ENTRASQL_LIMIT, "the login response has too many tokens");
        ES_TRY(tds_token_next(&in, &t, err));
        ES_TRY(on_token(&g, &t, in.left, n));
    }
    return conclude(&g, ret);
}
