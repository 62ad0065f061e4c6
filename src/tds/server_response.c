/* SPDX-License-Identifier: MIT */
/* Building login responses. */
#include "tds/server_response.h"

#include "base/mem.h"
#include "base/str.h"
#include "tds/packet.h"
#include "tds/token.h"
#include "tds/varchar.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_LANGUAGE "us_english"
#define DEFAULT_DATABASE "master"
#define LOGINACK_VERSION_AT 4U /* id, u16 length, interface */

/* ---- our own response ---- */

/* "before'name'after" as SQL Server's notice of a changed setting. */
static entrasql_status put_info(es_buf *out, uint32_t number, uint8_t state, const char *before,
                                const char *name, const char *after, const char *server_name)
{
    char text[600];

    (void)snprintf(text, sizeof text, "%s%.500s%s", before, name, after);
    return tds_message_add(out, number, state, 0, text, server_name, "", 1);
}

static entrasql_status put_feature_ack(es_buf *out, uint8_t id, const void *data, size_t n)
{
    ES_TRY(es_buf_u8(out, id));
    ES_TRY(es_buf_u32le(out, (uint32_t)n));
    return es_buf_add(out, data, n);
}

/*
 * Only what the client asked for, and of that only what we do: clients end the
 * connection over anything else.
 */
static entrasql_status put_feature_acks(es_buf *out, const tds_login7 *login)
{
    static const uint8_t yes = 1;
    size_t before = out->len;

    ES_TRY(es_buf_u8(out, TDS_TOKEN_FEATUREEXTACK));
    if (tds_login7_feature(login, TDS_FEATURE_FEDAUTH) != NULL)
        ES_TRY(put_feature_ack(out, TDS_FEATURE_FEDAUTH, NULL, 0));
    if (tds_login7_feature(login, TDS_FEATURE_UTF8_SUPPORT) != NULL)
        ES_TRY(put_feature_ack(out, TDS_FEATURE_UTF8_SUPPORT, &yes, 1));
    if (out->len == before + 1) {
        es_buf_truncate(out, before);
        return ENTRASQL_OK;
    }
    return es_buf_u8(out, TDS_FEATURE_TERMINATOR);
}

static entrasql_status put_packet_size(es_buf *out, uint32_t packet_size)
{
    char text[16];
    char old_text[16];

    (void)snprintf(text, sizeof text, "%u", packet_size);
    (void)snprintf(old_text, sizeof old_text, "%u", TDS_PACKET_SIZE_DEFAULT);
    return tds_envchange_add_text(out, TDS_ENV_PACKET_SIZE, text, old_text);
}

static entrasql_status put_response(es_buf *out, const tds_login7 *login,
                                    const tds_server_accept_options *o, uint32_t packet_size)
{
    const char *database = es_str_is_empty(o->database) ? DEFAULT_DATABASE : o->database;
    const char *language = es_str_is_empty(o->language) ? DEFAULT_LANGUAGE : o->language;

    ES_TRY(tds_envchange_add_text(out, TDS_ENV_DATABASE, database, DEFAULT_DATABASE));
    ES_TRY(put_info(out, 5701, 2, "Changed database context to '", database, "'.", o->server_name));
    ES_TRY(tds_envchange_add_bytes(out, TDS_ENV_COLLATION, tds_default_collation,
                                   sizeof tds_default_collation, NULL, 0));
    ES_TRY(tds_envchange_add_text(out, TDS_ENV_LANGUAGE, language, ""));
    ES_TRY(put_info(out, 5703, 1, "Changed language setting to ", language, ".", o->server_name));
    ES_TRY(tds_loginack_add(out, login->tds_version));
    ES_TRY(put_packet_size(out, packet_size));
    ES_TRY(put_feature_acks(out, login));
    return tds_done_add(out, TDS_TOKEN_DONE, TDS_DONE_FINAL, 0, 0);
}

entrasql_status tds_server_response_add(es_buf *out, const tds_login7 *login,
                                        const tds_server_accept_options *options,
                                        uint32_t packet_size, entrasql_error *err)
{
    entrasql_status st = put_response(out, login, options, packet_size);

    return st == ENTRASQL_OK ? st : es_nomem(err);
}

/* LOGINACK is there because some clients read nothing else without it. */
entrasql_status tds_server_route_add(es_buf *out, const tds_login7 *login, const char *host,
                                     uint16_t port)
{
    ES_TRY(tds_loginack_add(out, login->tds_version));
    ES_TRY(tds_envchange_add_routing(out, host, port));
    ES_TRY(put_feature_acks(out, login));
    return tds_done_add(out, TDS_TOKEN_DONE, TDS_DONE_FINAL, 0, 0);
}

/* ---- replay ---- */

/*
 * FEDAUTH is between this client and us: it is acknowledged to whom asked for
 * it, whatever the upstream login was.
 */
static entrasql_status put_fedauth_ack(es_buf *out, const tds_login7 *login)
{
    if (tds_login7_feature(login, TDS_FEATURE_FEDAUTH) == NULL)
        return ENTRASQL_OK;
    return put_feature_ack(out, TDS_FEATURE_FEDAUTH, NULL, 0);
}

static entrasql_status replay_features(es_buf *out, const tds_login7 *login, es_reader r,
                                       entrasql_error *err)
{
    size_t before = out->len;
    entrasql_status st = es_buf_u8(out, TDS_TOKEN_FEATUREEXTACK);

    if (st == ENTRASQL_OK)
        st = put_fedauth_ack(out, login);
    while (st == ENTRASQL_OK) {
        tds_feature_ack f = {0};
        entrasql_status next = tds_feature_ack_next(&r, &f, err);
        if (next == ENTRASQL_NOT_FOUND)
            break;
        ES_TRY(next);
        if (f.id != TDS_FEATURE_FEDAUTH && tds_login7_feature(login, f.id) != NULL)
            st = put_feature_ack(out, f.id, f.data.at, f.data.left);
    }
    if (st == ENTRASQL_OK && out->len == before + 1)
        es_buf_truncate(out, before);
    else if (st == ENTRASQL_OK)
        st = es_buf_u8(out, TDS_FEATURE_TERMINATOR);
    return st == ENTRASQL_OK ? st : es_nomem(err);
}

static entrasql_status replay_packet_size(const tds_envchange *e, uint32_t *packet_size)
{
    char *text = NULL;
    uint64_t size = 0;
    entrasql_status st;

    ES_TRY(tds_utf16_text(&e->new_value, &text));
    st = es_parse_u64(text, strlen(text), TDS_PACKET_SIZE_MAX, &size);
    es_free(text);
    if (st != ENTRASQL_OK || size < TDS_PACKET_SIZE_MIN)
        return ENTRASQL_MALFORMED;
    *packet_size = (uint32_t)size;
    return ENTRASQL_OK;
}

static entrasql_status replay_token(es_buf *out, const tds_login7 *login, const tds_token *t,
                                    uint32_t *packet_size, entrasql_error *err)
{
    tds_envchange e = {0};
    size_t at = out->len;
    entrasql_status st;

    if (t->id == TDS_TOKEN_FEATUREEXTACK)
        return replay_features(out, login, t->body, err);
    if (t->id == TDS_TOKEN_ENVCHANGE) {
        ES_TRY(tds_envchange_parse(t, &e, err));
        if (e.type == TDS_ENV_ROUTING || e.type == TDS_ENV_ENHANCED_ROUTING)
            return ENTRASQL_OK;
        if (e.type == TDS_ENV_PACKET_SIZE && replay_packet_size(&e, packet_size) != ENTRASQL_OK)
            return es_fail(err, ENTRASQL_MALFORMED, "the response to replay sets no packet size");
    }
    st = es_buf_add(out, t->start, t->bytes);
    if (st != ENTRASQL_OK)
        return es_nomem(err);
    if (t->id == TDS_TOKEN_LOGINACK && t->bytes >= LOGINACK_VERSION_AT + 4)
        for (unsigned i = 0; i < 4; i++) /* big-endian */
            es_buf_set_u8(out, at + LOGINACK_VERSION_AT + i,
                          (uint8_t)(login->tds_version >> (24 - 8 * i)));
    return ENTRASQL_OK;
}

/* A list that has ended. */
static const uint8_t no_features[] = {TDS_FEATURE_TERMINATOR};

entrasql_status tds_server_replay_add(es_buf *out, const tds_login7 *login, const es_buf *response,
                                      uint32_t *packet_size, entrasql_error *err)
{
    es_reader r = es_reader_of(response->data, response->len);
    bool has_features = false;

    while (r.left != 0) {
        tds_token t = {0};
        ES_TRY(tds_token_next(&r, &t, err));
        if (t.id == TDS_TOKEN_DONE && !has_features)
            ES_TRY(replay_features(out, login, es_reader_of(no_features, sizeof no_features), err));
        has_features = has_features || t.id == TDS_TOKEN_FEATUREEXTACK || t.id == TDS_TOKEN_DONE;
        ES_TRY(replay_token(out, login, &t, packet_size, err));
    }
    return ENTRASQL_OK;
}

/* ---- errors ---- */

bool tds_server_is_old_login(const uint8_t *p, size_t n)
{
    return n >= 8 && (p[7] == 0x70 || p[7] == 0x71);
}

/* Before TDS 7.2 the line has 16 bits. */
entrasql_status tds_server_error_add(es_buf *out, uint32_t number, uint8_t state, uint8_t severity,
                                     const char *text, const char *server, bool old_layout)
{
    size_t at = out->len;

    ES_TRY(tds_message_add(out, number, state, severity, text, server, "", 1));
    if (!old_layout)
        return ENTRASQL_OK;
    es_buf_truncate(out, out->len - 2);
    es_buf_set_u16le(out, at + 1, (uint16_t)(out->len - at - 3));
    return ENTRASQL_OK;
}

/* And the row count of DONE 32. */
entrasql_status tds_server_error_done_add(es_buf *out, bool old_layout)
{
    ES_TRY(tds_done_add(out, TDS_TOKEN_DONE, TDS_DONE_ERROR, 0, 0));
    if (old_layout)
        es_buf_truncate(out, out->len - 4);
    return ENTRASQL_OK;
}

/* Texts have a byte a character there, and nothing is longer than it says in 16 bits. */
entrasql_status tds_server_pre7_refusal_add(es_buf *out, const entrasql_error *why)
{
    size_t n = strlen(why->message);

    ES_TRY(es_buf_u8(out, TDS_TOKEN_ERROR));
    ES_TRY(es_buf_u16le(out, (uint16_t)(4 + 1 + 1 + 2 + n + 1 + 1 + 2)));
    ES_TRY(es_buf_u32le(out, why->number));
    ES_TRY(es_buf_u8(out, why->state));
    ES_TRY(es_buf_u8(out, why->severity));
    ES_TRY(es_buf_u16le(out, (uint16_t)n));
    ES_TRY(es_buf_add(out, why->message, n));
    ES_TRY(es_buf_u8(out, 0)); /* server */
    ES_TRY(es_buf_u8(out, 0)); /* procedure */
    ES_TRY(es_buf_u16le(out, 1));
    return tds_server_error_done_add(out, true);
}
