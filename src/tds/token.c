/* SPDX-License-Identifier: MIT */
/* Login-style tokens: reading and writing. */
#include "tds/token.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf16.h"
#include "tds/varchar.h"

#include <string.h>

/* A message text that, with names of full length, still fits a u16 token length. */
#define MESSAGE_MAX_UNITS 31000U
/* Nothing asks for more features than exist; see LOGIN7's own limit. */
#define FEATURE_ACKS_MAX 64U

const uint8_t tds_default_collation[5] = {0x09, 0x04, 0xD0, 0x00, 0x34};

/* How the length of a token is told. */
enum length_kind {
    LENGTH_NONE, /* id unknown, or the length depends on columns */
    LENGTH_FIXED,
    LENGTH_U16,
    LENGTH_U32,
    LENGTH_FEATURES /* {id, u32 length, data} up to 0xFF */
};

static const struct token_row {
    uint8_t id;
    uint8_t kind;
    uint8_t fixed_bytes;
    const char *name;
} token_table[] = {
    {TDS_TOKEN_OFFSET, LENGTH_FIXED, 4, "OFFSET"},
    {TDS_TOKEN_RETURNSTATUS, LENGTH_FIXED, 4, "RETURNSTATUS"},
    {TDS_TOKEN_COLMETADATA, LENGTH_NONE, 0, "COLMETADATA"},
    {TDS_TOKEN_DATACLASSIFICATION, LENGTH_NONE, 0, "DATACLASSIFICATION"},
    {TDS_TOKEN_TABNAME, LENGTH_U16, 0, "TABNAME"},
    {TDS_TOKEN_COLINFO, LENGTH_U16, 0, "COLINFO"},
    {TDS_TOKEN_ORDER, LENGTH_U16, 0, "ORDER"},
    {TDS_TOKEN_ERROR, LENGTH_U16, 0, "ERROR"},
    {TDS_TOKEN_INFO, LENGTH_U16, 0, "INFO"},
    {TDS_TOKEN_RETURNVALUE, LENGTH_NONE, 0, "RETURNVALUE"},
    {TDS_TOKEN_LOGINACK, LENGTH_U16, 0, "LOGINACK"},
    {TDS_TOKEN_FEATUREEXTACK, LENGTH_FEATURES, 0, "FEATUREEXTACK"},
    {TDS_TOKEN_ROW, LENGTH_NONE, 0, "ROW"},
    {TDS_TOKEN_NBCROW, LENGTH_NONE, 0, "NBCROW"},
    {TDS_TOKEN_ENVCHANGE, LENGTH_U16, 0, "ENVCHANGE"},
    {TDS_TOKEN_SESSIONSTATE, LENGTH_U32, 0, "SESSIONSTATE"},
    {TDS_TOKEN_SSPI, LENGTH_U16, 0, "SSPI"},
    {TDS_TOKEN_FEDAUTHINFO, LENGTH_U32, 0, "FEDAUTHINFO"},
    {TDS_TOKEN_DONE, LENGTH_FIXED, TDS_DONE_BYTES - 1, "DONE"},
    {TDS_TOKEN_DONEPROC, LENGTH_FIXED, TDS_DONE_BYTES - 1, "DONEPROC"},
    {TDS_TOKEN_DONEINPROC, LENGTH_FIXED, TDS_DONE_BYTES - 1, "DONEINPROC"},
};

static const struct token_row *find_row(uint8_t id)
{
    for (size_t i = 0; i < ES_COUNT_OF(token_table); i++)
        if (token_table[i].id == id)
            return &token_table[i];
    return NULL;
}

const char *tds_token_name(uint8_t id)
{
    const struct token_row *row = find_row(id);

    return row != NULL ? row->name : "unknown";
}

/* FEATUREEXTACK has no length of its own: walk it to its end. */
static entrasql_status take_features(es_reader *r, es_reader *ret)
{
    es_reader walk = *r;
    uint8_t id;
    uint32_t len;

    for (unsigned i = 0; i <= FEATURE_ACKS_MAX; i++) {
        ES_TRY(es_reader_u8(&walk, &id));
        if (id == 0xFF)
            return es_reader_sub(r, r->left - walk.left, ret);
        ES_TRY(es_reader_u32le(&walk, &len));
        ES_TRY(es_reader_skip(&walk, len));
    }
    return ENTRASQL_LIMIT;
}

static entrasql_status take_body(es_reader *r, const struct token_row *row, es_reader *ret)
{
    uint16_t len16;
    uint32_t len32;

    switch ((enum length_kind)row->kind) {
    case LENGTH_FIXED:
        return es_reader_sub(r, row->fixed_bytes, ret);
    case LENGTH_U16:
        ES_TRY(es_reader_u16le(r, &len16));
        return es_reader_sub(r, len16, ret);
    case LENGTH_U32:
        ES_TRY(es_reader_u32le(r, &len32));
        return es_reader_sub(r, len32, ret);
    case LENGTH_FEATURES:
        return take_features(r, ret);
    case LENGTH_NONE:
        break;
    }
    return ENTRASQL_MALFORMED;
}

entrasql_status tds_token_next(es_reader *r, tds_token *ret, entrasql_error *err)
{
    es_reader walk = *r;
    tds_token t = {.start = r->at};
    const struct token_row *row;
    entrasql_status st;

    if (es_reader_u8(&walk, &t.id) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_TRUNCATED, "the reply ends where a token is expected");
    row = find_row(t.id);
    if (row == NULL || row->kind == LENGTH_NONE)
        return es_fail(err, ENTRASQL_MALFORMED, "unexpected token 0x%02x (%s) in the reply", t.id,
                       tds_token_name(t.id));
    st = take_body(&walk, row, &t.body);
    if (st != ENTRASQL_OK)
        return es_fail(err, st, "%s token runs past the end of the reply", row->name);
    t.bytes = r->left - walk.left;
    *r = walk;
    *ret = t;
    return ENTRASQL_OK;
}

static entrasql_status bad_token(const tds_token *t, entrasql_status st, entrasql_error *err)
{
    if (st == ENTRASQL_OK)
        return ENTRASQL_OK;
    if (st == ENTRASQL_NOMEM)
        return es_nomem(err);
    return es_fail(err, ENTRASQL_MALFORMED, "%s token is not well formed", tds_token_name(t->id));
}

/* ---- INFO and ERROR ---- */

void tds_message_done(tds_message *m)
{
    es_free(m->text);
    es_free(m->server);
    es_free(m->procedure);
    *m = (tds_message){0};
}

static entrasql_status read_message(es_reader r, tds_message *m)
{
    ES_TRY(es_reader_u32le(&r, &m->number));
    ES_TRY(es_reader_u8(&r, &m->state));
    ES_TRY(es_reader_u8(&r, &m->severity));
    ES_TRY(tds_us_varchar_read(&r, &m->text));
    ES_TRY(tds_b_varchar_read(&r, &m->server));
    ES_TRY(tds_b_varchar_read(&r, &m->procedure));
    ES_TRY(es_reader_u32le(&r, &m->line));
    return es_reader_end(&r);
}

entrasql_status tds_message_parse(const tds_token *t, tds_message *ret, entrasql_error *err)
{
    tds_message m = {0};
    entrasql_status st = read_message(t->body, &m);

    if (st != ENTRASQL_OK) {
        tds_message_done(&m);
        return bad_token(t, st, err);
    }
    *ret = m;
    return ENTRASQL_OK;
}

static entrasql_status put_message(es_buf *out, uint32_t number, uint8_t state, uint8_t severity,
                                   const char *text, const char *server, const char *procedure,
                                   uint32_t line)
{
    size_t at = out->len;

    ES_TRY(es_buf_u8(out, severity > 10 ? TDS_TOKEN_ERROR : TDS_TOKEN_INFO));
    ES_TRY(es_buf_u16le(out, 0));
    ES_TRY(es_buf_u32le(out, number));
    ES_TRY(es_buf_u8(out, state));
    ES_TRY(es_buf_u8(out, severity));
    ES_TRY(tds_us_varchar_add(out, text, MESSAGE_MAX_UNITS));
    ES_TRY(tds_b_varchar_add(out, server));
    ES_TRY(tds_b_varchar_add(out, procedure));
    ES_TRY(es_buf_u32le(out, line));
    es_buf_set_u16le(out, at + 1, (uint16_t)(out->len - at - 3));
    return ENTRASQL_OK;
}

entrasql_status tds_message_add(es_buf *out, uint32_t number, uint8_t state, uint8_t severity,
                                const char *text, const char *server, const char *procedure,
                                uint32_t line)
{
    size_t before = out->len;
    entrasql_status st = put_message(out, number, state, severity, text, server, procedure, line);

    if (st != ENTRASQL_OK)
        es_buf_truncate(out, before);
    return st;
}

/* ---- DONE ---- */

entrasql_status tds_done_parse(const tds_token *t, tds_done *ret, entrasql_error *err)
{
    es_reader r = t->body;
    tds_done d = {.id = t->id};
    entrasql_status st = es_reader_u16le(&r, &d.status);

    if (st == ENTRASQL_OK)
        st = es_reader_u16le(&r, &d.command);
    if (st == ENTRASQL_OK)
        st = es_reader_u64le(&r, &d.rows);
    if (st == ENTRASQL_OK)
        st = es_reader_end(&r);
    if (st != ENTRASQL_OK)
        return bad_token(t, st, err);
    *ret = d;
    return ENTRASQL_OK;
}

entrasql_status tds_done_add(es_buf *out, tds_token_id id, uint16_t status, uint16_t command,
                             uint64_t rows)
{
    ES_TRY(es_buf_reserve(out, TDS_DONE_BYTES));
    ES_TRY(es_buf_u8(out, (uint8_t)id));
    ES_TRY(es_buf_u16le(out, status));
    ES_TRY(es_buf_u16le(out, command));
    return es_buf_u64le(out, rows);
}

entrasql_status tds_return_status_add(es_buf *out, int32_t status)
{
    ES_TRY(es_buf_reserve(out, 5));
    ES_TRY(es_buf_u8(out, TDS_TOKEN_RETURNSTATUS));
    return es_buf_u32le(out, (uint32_t)status);
}

/* ---- LOGINACK ---- */

static entrasql_status read_loginack(es_reader r, tds_loginack *a)
{
    char *program = NULL;

    ES_TRY(es_reader_u8(&r, &a->interface));
    ES_TRY(es_reader_u32be(&r, &a->tds_version));
    ES_TRY(tds_b_varchar_read(&r, &program));
    es_strlcpy_utf8(a->program, sizeof a->program, program);
    es_free(program);
    ES_TRY(es_reader_u8(&r, &a->major));
    ES_TRY(es_reader_u8(&r, &a->minor));
    ES_TRY(es_reader_u16be(&r, &a->build));
    return es_reader_end(&r);
}

entrasql_status tds_loginack_parse(const tds_token *t, tds_loginack *ret, entrasql_error *err)
{
    tds_loginack a = {0};
    entrasql_status st = read_loginack(t->body, &a);

    if (st != ENTRASQL_OK)
        return bad_token(t, st, err);
    *ret = a;
    return ENTRASQL_OK;
}

entrasql_status tds_loginack_add(es_buf *out, uint32_t tds_version)
{
    size_t at = out->len;

    ES_TRY(es_buf_u8(out, TDS_TOKEN_LOGINACK));
    ES_TRY(es_buf_u16le(out, 0));
    ES_TRY(es_buf_u8(out, 1)); /* the Transact-SQL interface */
    ES_TRY(es_buf_u32be(out, tds_version));
    ES_TRY(tds_b_varchar_add(out, TDS_PROGRAM_NAME));
    ES_TRY(es_buf_u8(out, TDS_PRODUCT_MAJOR));
    ES_TRY(es_buf_u8(out, TDS_PRODUCT_MINOR));
    ES_TRY(es_buf_u16be(out, TDS_PRODUCT_BUILD));
    es_buf_set_u16le(out, at + 1, (uint16_t)(out->len - at - 3));
    return ENTRASQL_OK;
}

/* ---- ENVCHANGE ---- */

static entrasql_status read_routing(es_reader *r, tds_envchange *e)
{
    uint16_t len;
    uint8_t protocol;
    es_reader value;

    ES_TRY(es_reader_u16le(r, &len));
    ES_TRY(es_reader_sub(r, len, &value));
    ES_TRY(es_reader_u8(&value, &protocol));
    if (protocol != 0) /* TCP is the only one there is */
        return ENTRASQL_MALFORMED;
    ES_TRY(es_reader_u16le(&value, &e->port));
    ES_TRY(tds_us_varchar_skip(&value, &e->new_value));
    if (e->type == TDS_ENV_ROUTING)
        ES_TRY(es_reader_end(&value));
    return es_reader_skip(r, 2); /* the old value: always an empty US_VARBYTE */
}

static entrasql_status read_counted(es_reader *r, size_t unit, es_reader *ret)
{
    uint8_t count;

    ES_TRY(es_reader_u8(r, &count));
    return es_reader_sub(r, (size_t)count * unit, ret);
}

static entrasql_status read_envchange(es_reader r, tds_envchange *e)
{
    ES_TRY(es_reader_u8(&r, &e->type));
    switch (e->type) {
    case TDS_ENV_DATABASE:
    case TDS_ENV_LANGUAGE:
    case TDS_ENV_PACKET_SIZE:
    case TDS_ENV_PARTNER:
    case TDS_ENV_USER_INSTANCE:
        ES_TRY(read_counted(&r, 2, &e->new_value));
        ES_TRY(read_counted(&r, 2, &e->old_value));
        return es_reader_end(&r);
    case TDS_ENV_COLLATION:
    case TDS_ENV_BEGIN:
    case TDS_ENV_COMMIT:
    case TDS_ENV_ROLLBACK:
    case TDS_ENV_ENLIST:
    case TDS_ENV_DEFECT:
    case TDS_ENV_TRANSACTION_ENDED:
    case TDS_ENV_RESET:
        ES_TRY(read_counted(&r, 1, &e->new_value));
        ES_TRY(read_counted(&r, 1, &e->old_value));
        return es_reader_end(&r);
    case TDS_ENV_ROUTING:
    case TDS_ENV_ENHANCED_ROUTING:
        ES_TRY(read_routing(&r, e));
        return es_reader_end(&r);
    default:
        return ENTRASQL_OK;
    }
}

entrasql_status tds_envchange_parse(const tds_token *t, tds_envchange *ret, entrasql_error *err)
{
    tds_envchange e = {0};
    entrasql_status st = read_envchange(t->body, &e);

    if (st != ENTRASQL_OK)
        return bad_token(t, st, err);
    *ret = e;
    return ENTRASQL_OK;
}

static entrasql_status begin_envchange(es_buf *out, tds_env_type type, size_t *ret_at)
{
    *ret_at = out->len;
    ES_TRY(es_buf_u8(out, TDS_TOKEN_ENVCHANGE));
    ES_TRY(es_buf_u16le(out, 0));
    return es_buf_u8(out, (uint8_t)type);
}

static void end_envchange(es_buf *out, size_t at)
{
    es_buf_set_u16le(out, at + 1, (uint16_t)(out->len - at - 3));
}

entrasql_status tds_envchange_add_text(es_buf *out, tds_env_type type, const char *new_text,
                                       const char *old_text)
{
    size_t at;

    ES_TRY(begin_envchange(out, type, &at));
    ES_TRY(tds_b_varchar_add(out, new_text));
    ES_TRY(tds_b_varchar_add(out, old_text));
    end_envchange(out, at);
    return ENTRASQL_OK;
}

entrasql_status tds_envchange_add_bytes(es_buf *out, tds_env_type type, const void *new_bytes,
                                        size_t new_len, const void *old_bytes, size_t old_len)
{
    size_t at;

    if (new_len > UINT8_MAX || old_len > UINT8_MAX)
        return ENTRASQL_INVALID;
    ES_TRY(begin_envchange(out, type, &at));
    ES_TRY(es_buf_u8(out, (uint8_t)new_len));
    ES_TRY(es_buf_add(out, new_bytes, new_len));
    ES_TRY(es_buf_u8(out, (uint8_t)old_len));
    ES_TRY(es_buf_add(out, old_bytes, old_len));
    end_envchange(out, at);
    return ENTRASQL_OK;
}

entrasql_status tds_envchange_add_transaction(es_buf *out, tds_env_type type, uint64_t id)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(id >> (8 * i));
    if (type == TDS_ENV_BEGIN)
        return tds_envchange_add_bytes(out, type, bytes, sizeof bytes, NULL, 0);
    return tds_envchange_add_bytes(out, type, NULL, 0, bytes, sizeof bytes);
}

entrasql_status tds_envchange_add_routing(es_buf *out, const char *host, uint16_t port)
{
    size_t at;
    size_t value;

    ES_TRY(begin_envchange(out, TDS_ENV_ROUTING, &at));
    value = out->len;
    ES_TRY(es_buf_u16le(out, 0));
    ES_TRY(es_buf_u8(out, 0)); /* TCP */
    ES_TRY(es_buf_u16le(out, port));
    ES_TRY(tds_us_varchar_add(out, host, 1024));
    es_buf_set_u16le(out, value, (uint16_t)(out->len - value - 2));
    ES_TRY(es_buf_u16le(out, 0));
    end_envchange(out, at);
    return ENTRASQL_OK;
}

/* ---- FEATUREEXTACK ---- */

entrasql_status tds_feature_ack_next(es_reader *r, tds_feature_ack *ret, entrasql_error *err)
{
    tds_feature_ack f = {0};
    uint32_t len;

    if (es_reader_u8(r, &f.id) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_TRUNCATED, "FEATUREEXTACK token has no end");
    if (f.id == 0xFF)
        return ENTRASQL_NOT_FOUND;
    if (es_reader_u32le(r, &len) != ENTRASQL_OK || es_reader_sub(r, len, &f.data) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_TRUNCATED, "FEATUREEXTACK token ends inside feature 0x%02x",
                       f.id);
    *ret = f;
    return ENTRASQL_OK;
}
