/* SPDX-License-Identifier: MIT */
/* FEDAUTH: the LOGIN7 feature, FEDAUTHINFO, the token message. */
#include "tds/fedauth.h"

#include "base/mem.h"
#include "base/reader.h"
#include "base/utf16.h"
#include "tds/varchar.h"

#include <string.h>

#define INFO_STS_URL 0x01U
#define INFO_SPN 0x02U
#define INFO_ENTRY_BYTES 9U
#define INFO_OPTIONS_MAX 16U
#define INFO_TEXT_MAX_BYTES 8192U

/* ---- token text ---- */

/* u32 byte count and the token as UTF-16LE. */
static entrasql_status put_token(const es_secret *token, es_buf *out)
{
    size_t at = out->len;
    size_t units;

    ES_TRY(es_buf_u32le(out, 0));
    ES_TRY(es_buf_utf16le(out, es_secret_reveal(token), es_secret_len(token), &units));
    if (units == 0 || units > TDS_FEDAUTH_TOKEN_MAX_BYTES / 2)
        return ENTRASQL_LIMIT;
    es_buf_set_u32le(out, at, (uint32_t)(units * 2));
    return ENTRASQL_OK;
}

static entrasql_status token_failure(entrasql_status st, entrasql_error *err)
{
    if (st == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (st == ENTRASQL_LIMIT)
        return es_fail(err, st, "the access token is empty or too long for TDS (limit %u bytes)",
                       TDS_FEDAUTH_TOKEN_MAX_BYTES);
    return es_fail(err, st, "the access token is not well-formed text");
}

static entrasql_status read_token(es_reader *r, es_secret **ret, entrasql_error *err)
{
    uint32_t len;
    es_reader text;

    if (es_reader_u32le(r, &len) != ENTRASQL_OK || es_reader_sub(r, len, &text) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_TRUNCATED, "the access token ends early");
    if (len == 0 || len > TDS_FEDAUTH_TOKEN_MAX_BYTES)
        return es_fail(err, ENTRASQL_LIMIT, "the access token has a length of %u bytes", len);

    ES_CLEANUP(es_buf_done) es_buf utf8 = ES_BUF_INIT_WIPE(TDS_FEDAUTH_TOKEN_MAX_BYTES * 2U);
    entrasql_status st = es_utf16le_to_utf8(text.at, text.left, &utf8);
    if (st != ENTRASQL_OK)
        return token_failure(st, err);
    /* Microsoft's ODBC driver ends the token that it fetched itself with a NUL. */
    if (utf8.len > 1 && utf8.data[utf8.len - 1] == 0)
        es_buf_truncate(&utf8, utf8.len - 1);
    *ret = es_secret_new(utf8.data, utf8.len);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

/* The nonce is either absent or all that is left. */
static entrasql_status read_nonce(es_reader *r, uint8_t **ret, entrasql_error *err)
{
    if (r->left == 0)
        return ENTRASQL_OK;
    if (r->left != TDS_FEDAUTH_NONCE_BYTES)
        return es_fail(err, ENTRASQL_MALFORMED, "%zu bytes follow the access token", r->left);
    if (ret == NULL)
        return ENTRASQL_OK;
    *ret = es_memdup(r->at, r->left);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

/* ---- the feature of LOGIN7 ---- */

entrasql_status tds_fedauth_feature_build(const tds_login7 *l, es_buf *out, entrasql_error *err)
{
    uint8_t head = (uint8_t)((unsigned)l->fedauth_library << 1 | (l->fedauth_echo ? 1U : 0U));
    entrasql_status st;

    if (l->fedauth_library != TDS_FEDAUTH_SECURITYTOKEN && l->fedauth_library != TDS_FEDAUTH_ADAL)
        return es_fail(err, ENTRASQL_UNSUPPORTED, "FEDAUTH library %d cannot be sent",
                       (int)l->fedauth_library);
    st = es_buf_u8(out, head);
    if (st == ENTRASQL_OK && l->fedauth_library == TDS_FEDAUTH_ADAL)
        st = es_buf_u8(out, l->fedauth_workflow);
    if (st == ENTRASQL_OK && l->fedauth_library == TDS_FEDAUTH_SECURITYTOKEN) {
        if (l->fedauth_token == NULL)
            return es_fail(err, ENTRASQL_INTERNAL, "FEDAUTH is to be sent without a token");
        st = put_token(l->fedauth_token, out);
        if (st == ENTRASQL_OK && l->fedauth_nonce != NULL)
            st = es_buf_add(out, l->fedauth_nonce, TDS_FEDAUTH_NONCE_BYTES);
    }
    return st == ENTRASQL_OK ? st : token_failure(st, err);
}

entrasql_status tds_fedauth_feature_parse(const uint8_t *p, size_t n, tds_login7 *l,
                                          entrasql_error *err)
{
    es_reader r = es_reader_of(p, n);
    uint8_t head;

    if (es_reader_u8(&r, &head) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_MALFORMED, "the FEDAUTH feature is empty");
    l->fedauth_echo = (head & 1U) != 0;
    switch (head >> 1) {
    case TDS_FEDAUTH_SECURITYTOKEN:
        l->fedauth_library = TDS_FEDAUTH_SECURITYTOKEN;
        ES_TRY(read_token(&r, &l->fedauth_token, err));
        return read_nonce(&r, &l->fedauth_nonce, err);
    case TDS_FEDAUTH_ADAL:
        l->fedauth_library = TDS_FEDAUTH_ADAL;
        if (r.left != 1)
            return es_fail(err, ENTRASQL_MALFORMED, "the FEDAUTH feature is not well formed");
        return es_reader_u8(&r, &l->fedauth_workflow);
    default:
        return es_fail(err, ENTRASQL_UNSUPPORTED, "FEDAUTH library 0x%02x is not supported",
                       head >> 1);
    }
}

/* ---- the token message ---- */

entrasql_status tds_fedauth_message_build(const es_secret *token, es_buf *out, entrasql_error *err)
{
    size_t at = out->len;
    entrasql_status st = es_buf_u32le(out, 0);

    if (st == ENTRASQL_OK)
        st = put_token(token, out);
    if (st != ENTRASQL_OK)
        return token_failure(st, err);
    es_buf_set_u32le(out, at, (uint32_t)(out->len - at - 4));
    return ENTRASQL_OK;
}

entrasql_status tds_fedauth_message_parse(const uint8_t *p, size_t n, es_secret **ret,
                                          entrasql_error *err)
{
    es_reader r = es_reader_of(p, n);
    uint32_t len;
    es_secret *token = NULL;
    entrasql_status st;

    if (es_reader_u32le(&r, &len) != ENTRASQL_OK || len != r.left)
        return es_fail(err, ENTRASQL_MALFORMED,
                       "the token message of %zu bytes states a wrong length", n);
    ES_TRY(read_token(&r, &token, err));
    st = read_nonce(&r, NULL, err);
    if (st != ENTRASQL_OK) {
        es_secret_unref(token);
        return st;
    }
    *ret = token;
    return ENTRASQL_OK;
}

/* ---- FEDAUTHINFO ---- */

void tds_fedauth_info_done(tds_fedauth_info *i)
{
    es_free(i->sts_url);
    es_free(i->spn);
    *i = (tds_fedauth_info){0};
}

static entrasql_status read_info_option(const es_reader *all, es_reader *table, size_t least_offset,
                                        tds_fedauth_info *i)
{
    uint8_t id;
    uint32_t len;
    uint32_t offset;
    es_reader text;
    char **field;

    ES_TRY(es_reader_u8(table, &id));
    ES_TRY(es_reader_u32le(table, &len));
    ES_TRY(es_reader_u32le(table, &offset));
    if (len > INFO_TEXT_MAX_BYTES || offset < least_offset)
        return ENTRASQL_MALFORMED;
    ES_TRY(es_reader_slice(all, offset, len, &text));
    if (id != INFO_STS_URL && id != INFO_SPN)
        return ENTRASQL_OK;
    field = id == INFO_STS_URL ? &i->sts_url : &i->spn;
    if (*field != NULL || len == 0)
        return ENTRASQL_MALFORMED;
    return tds_utf16_text(&text, field);
}

static entrasql_status read_info(const es_reader *all, tds_fedauth_info *i)
{
    es_reader table = *all;
    uint32_t count;

    ES_TRY(es_reader_u32le(&table, &count));
    if (count > INFO_OPTIONS_MAX)
        return ENTRASQL_MALFORMED;
    /* Offsets count from the option count, not from the start of the token. */
    for (uint32_t k = 0; k < count; k++)
        ES_TRY(read_info_option(all, &table, 4 + (size_t)count * INFO_ENTRY_BYTES, i));
    return i->sts_url != NULL && i->spn != NULL ? ENTRASQL_OK : ENTRASQL_MALFORMED;
}

entrasql_status tds_fedauth_info_parse(const tds_token *t, tds_fedauth_info *ret,
                                       entrasql_error *err)
{
    tds_fedauth_info i = {0};
    entrasql_status st = read_info(&t->body, &i);

    if (st != ENTRASQL_OK) {
        tds_fedauth_info_done(&i);
        if (st == ENTRASQL_NOMEM)
            return es_nomem(err);
        return es_fail(err, ENTRASQL_MALFORMED,
                       "FEDAUTHINFO token is not well formed or lacks the STS URL or the SPN");
    }
    *ret = i;
    return ENTRASQL_OK;
}

static entrasql_status put_info(es_buf *out, const char *sts_url, const char *spn)
{
    size_t at = out->len;
    size_t base;
    size_t units;

    ES_TRY(es_buf_u8(out, TDS_TOKEN_FEDAUTHINFO));
    ES_TRY(es_buf_u32le(out, 0));
    base = out->len;
    ES_TRY(es_buf_u32le(out, 2));
    ES_TRY(es_buf_u8(out, INFO_SPN));
    ES_TRY(es_buf_fill(out, 0, 8));
    ES_TRY(es_buf_u8(out, INFO_STS_URL));
    ES_TRY(es_buf_fill(out, 0, 8));

    es_buf_set_u32le(out, base + 9, (uint32_t)(out->len - base));
    ES_TRY(es_buf_utf16le(out, spn, strlen(spn), &units));
    es_buf_set_u32le(out, base + 5, (uint32_t)(units * 2));

    es_buf_set_u32le(out, base + 18, (uint32_t)(out->len - base));
    ES_TRY(es_buf_utf16le(out, sts_url, strlen(sts_url), &units));
    es_buf_set_u32le(out, base + 14, (uint32_t)(units * 2));
    es_buf_set_u32le(out, at + 1, (uint32_t)(out->len - base));
    return ENTRASQL_OK;
}

entrasql_status tds_fedauth_info_add(es_buf *out, const char *sts_url, const char *spn)
{
    size_t before = out->len;
    entrasql_status st = put_info(out, sts_url, spn);

    if (st != ENTRASQL_OK)
        es_buf_truncate(out, before);
    return st;
}
