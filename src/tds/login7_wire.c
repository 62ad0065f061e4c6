/* SPDX-License-Identifier: MIT */
/* LOGIN7 on the wire: building and parsing ([MS-TDS] 2.2.6.4). */
#include "tds/fedauth.h"
#include "tds/login7.h"
#include "tds/varchar.h"

#include "base/mem.h"
#include "base/reader.h"
#include "base/utf16.h"

#include <string.h>

#define FIXED_BYTES 94U
#define NAME_MAX_UNITS 128U
#define FILE_MAX_UNITS 260U
#define SSPI_LONG 0xFFFFU

/* Positions of {offset u16, length u16} in the fixed part. */
enum {
    AT_VERSION = 4,
    AT_HOST = 36,
    AT_USER = 40,
    AT_PASSWORD = 44,
    AT_APP = 48,
    AT_SERVER = 52,
    AT_EXTENSION = 56,
    AT_LIBRARY = 60,
    AT_LANGUAGE = 64,
    AT_DATABASE = 68,
    AT_CLIENT_ID = 72,
    AT_SSPI = 78,
    AT_ATTACH = 82,
    AT_CHANGE_PASSWORD = 86,
    AT_SSPI_LONG = 90
};

/* Hides a password from the casual eye only; its own inverse is show_password(). */
static void hide_password(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)((uint8_t)(p[i] << 4 | p[i] >> 4) ^ 0xA5U);
}

static void show_password(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t b = p[i] ^ 0xA5U;
        p[i] = (uint8_t)(b << 4 | b >> 4);
    }
}

/* ---- building ---- */

typedef struct builder {
    es_buf *out;
    size_t base; /* where the message starts in out */
    entrasql_error *err;
} builder;

static entrasql_status build_failure(entrasql_status st, const char *what, entrasql_error *err)
{
    if (st == ENTRASQL_NOMEM)
        return es_nomem(err);
    if (st == ENTRASQL_LIMIT)
        return es_fail(err, st, "LOGIN7: the %s is too long", what);
    return es_fail(err, st, "LOGIN7: the %s is not valid UTF-8", what);
}

/* Writes where the data that follows starts, and returns its length in the unit of the field. */
static entrasql_status set_entry(builder *b, size_t at, size_t offset, size_t len)
{
    if (offset > UINT16_MAX || len > UINT16_MAX)
        return ENTRASQL_LIMIT;
    es_buf_set_u16le(b->out, b->base + at, (uint16_t)offset);
    es_buf_set_u16le(b->out, b->base + at + 2, (uint16_t)len);
    return ENTRASQL_OK;
}

static entrasql_status put_units(builder *b, size_t at, const char *text, size_t n,
                                 size_t max_units)
{
    size_t offset = b->out->len - b->base;
    size_t units;

    ES_TRY(es_buf_utf16le(b->out, text, n, &units));
    if (units > max_units)
        return ENTRASQL_LIMIT;
    return set_entry(b, at, offset, units);
}

static entrasql_status put_text(builder *b, size_t at, const char *text, size_t max_units,
                                const char *what)
{
    entrasql_status st = put_units(b, at, text, strlen(text), max_units);

    return st == ENTRASQL_OK ? st : build_failure(st, what, b->err);
}

static entrasql_status put_password(builder *b, size_t at, const es_secret *password)
{
    size_t start = b->out->len;
    const char *text = password != NULL ? es_secret_reveal(password) : "";
    size_t n = password != NULL ? es_secret_len(password) : 0;
    entrasql_status st = put_units(b, at, text, n, NAME_MAX_UNITS);

    if (st != ENTRASQL_OK)
        return build_failure(st, "password", b->err);
    if (b->out->len > start)
        hide_password(b->out->data + start, b->out->len - start);
    return ENTRASQL_OK;
}

static entrasql_status put_sspi(builder *b, const tds_login7 *l)
{
    size_t offset = b->out->len - b->base;
    bool is_long = l->sspi_len >= SSPI_LONG;

    ES_TRY(set_entry(b, AT_SSPI, offset, is_long ? SSPI_LONG : l->sspi_len));
    if (is_long)
        es_buf_set_u32le(b->out, b->base + AT_SSPI_LONG, (uint32_t)l->sspi_len);
    return es_buf_add(b->out, l->sspi, l->sspi_len);
}

static entrasql_status put_feature(builder *b, const tds_login7 *l, const tds_feature *f)
{
    size_t at = b->out->len;
    entrasql_status st = es_buf_u8(b->out, f->id);

    if (st == ENTRASQL_OK)
        st = es_buf_u32le(b->out, 0);
    if (st == ENTRASQL_OK && f->id == TDS_FEATURE_FEDAUTH)
        ES_TRY(tds_fedauth_feature_build(l, b->out, b->err));
    else if (st == ENTRASQL_OK)
        st = es_buf_add(b->out, f->data, f->len);
    if (st != ENTRASQL_OK)
        return build_failure(st, "feature list", b->err);
    es_buf_set_u32le(b->out, at + 1, (uint32_t)(b->out->len - at - 5));
    return ENTRASQL_OK;
}

static entrasql_status put_features(builder *b, const tds_login7 *l, size_t pointer_at)
{
    es_buf_set_u32le(b->out, pointer_at, (uint32_t)(b->out->len - b->base));
    for (size_t i = 0; i < l->feature_count; i++)
        ES_TRY(put_feature(b, l, &l->features[i]));
    entrasql_status st = es_buf_u8(b->out, TDS_FEATURE_TERMINATOR);
    return st == ENTRASQL_OK ? st : build_failure(st, "feature list", b->err);
}

static entrasql_status put_fixed(builder *b, const tds_login7 *l)
{
    uint8_t flags3 = (uint8_t)(l->option_flags3 & ~TDS_OPTION3_EXTENSION);

    if (l->feature_count != 0)
        flags3 = (uint8_t)(flags3 | TDS_OPTION3_EXTENSION);
    ES_TRY(es_buf_u32le(b->out, 0));
    ES_TRY(es_buf_u32le(b->out, l->tds_version));
    ES_TRY(es_buf_u32le(b->out, l->packet_size));
    ES_TRY(es_buf_u32le(b->out, l->client_version));
    ES_TRY(es_buf_u32le(b->out, l->client_pid));
    ES_TRY(es_buf_u32le(b->out, l->connection_id));
    ES_TRY(es_buf_u8(b->out, l->option_flags1));
    ES_TRY(es_buf_u8(b->out, l->option_flags2));
    ES_TRY(es_buf_u8(b->out, l->type_flags));
    ES_TRY(es_buf_u8(b->out, flags3));
    ES_TRY(es_buf_u32le(b->out, (uint32_t)l->timezone_minutes));
    ES_TRY(es_buf_u32le(b->out, l->lcid));
    ES_TRY(es_buf_fill(b->out, 0, AT_CLIENT_ID - AT_HOST));
    ES_TRY(es_buf_add(b->out, l->client_id, sizeof l->client_id));
    return es_buf_fill(b->out, 0, FIXED_BYTES - AT_SSPI);
}

/* The extension pointer sits between server name and library name, as Microsoft's clients do. */
static entrasql_status put_extension(builder *b, const tds_login7 *l, size_t *ret_pointer_at)
{
    *ret_pointer_at = b->out->len;
    entrasql_status st =
        set_entry(b, AT_EXTENSION, b->out->len - b->base, l->feature_count != 0 ? 4 : 0);
    if (st == ENTRASQL_OK && l->feature_count != 0)
        st = es_buf_u32le(b->out, 0);
    return st == ENTRASQL_OK ? st : build_failure(st, "feature list", b->err);
}

static entrasql_status put_data(builder *b, const tds_login7 *l)
{
    size_t pointer_at;

    ES_TRY(put_text(b, AT_HOST, l->host_name, NAME_MAX_UNITS, "host name"));
    ES_TRY(put_text(b, AT_USER, l->user_name, NAME_MAX_UNITS, "user name"));
    ES_TRY(put_password(b, AT_PASSWORD, l->password));
    ES_TRY(put_text(b, AT_APP, l->app_name, NAME_MAX_UNITS, "application name"));
    ES_TRY(put_text(b, AT_SERVER, l->server_name, NAME_MAX_UNITS, "server name"));
    ES_TRY(put_extension(b, l, &pointer_at));
    ES_TRY(put_text(b, AT_LIBRARY, l->library_name, NAME_MAX_UNITS, "library name"));
    ES_TRY(put_text(b, AT_LANGUAGE, l->language, NAME_MAX_UNITS, "language"));
    ES_TRY(put_text(b, AT_DATABASE, l->database, NAME_MAX_UNITS, "database name"));
    ES_TRY(put_text(b, AT_ATTACH, l->attach_db_file, FILE_MAX_UNITS, "database file name"));
    ES_TRY(put_password(b, AT_CHANGE_PASSWORD, l->change_password));
    /* Last of all fields: the offsets of the others are 16 bits wide. */
    entrasql_status st = put_sspi(b, l);
    if (st != ENTRASQL_OK)
        return build_failure(st, "SSPI data", b->err);
    if (l->feature_count != 0)
        ES_TRY(put_features(b, l, pointer_at));
    return ENTRASQL_OK;
}

entrasql_status tds_login7_build(const tds_login7 *l, es_buf *out, entrasql_error *err)
{
    builder b = {.out = out, .base = out->len, .err = err};
    entrasql_status st;

    if (l->fedauth_library != TDS_FEDAUTH_NONE &&
        tds_login7_feature(l, TDS_FEATURE_FEDAUTH) == NULL)
        return es_fail(err, ENTRASQL_INTERNAL, "LOGIN7 has FEDAUTH data but no FEDAUTH feature");
    st = put_fixed(&b, l);
    if (st != ENTRASQL_OK)
        st = build_failure(st, "message", err);
    else
        st = put_data(&b, l);
    if (st == ENTRASQL_OK && out->len - b.base > TDS_LOGIN7_MAX_BYTES)
        st = es_fail(err, ENTRASQL_LIMIT,
                     "LOGIN7 of %zu bytes is larger than the %d bytes that TDS allows",
                     out->len - b.base, TDS_LOGIN7_MAX_BYTES);
    if (st != ENTRASQL_OK) {
        es_buf_truncate(out, b.base);
        return st;
    }
    es_buf_set_u32le(out, b.base, (uint32_t)(out->len - b.base));
    return ENTRASQL_OK;
}

/* ---- parsing ---- */

static entrasql_status parse_failure(entrasql_status st, const char *what, entrasql_error *err)
{
    if (st == ENTRASQL_NOMEM)
        return es_nomem(err);
    return es_fail(err, ENTRASQL_MALFORMED, "LOGIN7: the %s lies outside the message or is broken",
                   what);
}

static uint16_t u16_at(const es_reader *all, size_t at)
{
    return (uint16_t)(all->at[at] | all->at[at + 1] << 8);
}

/*
 * The bytes of a field. Empty ones may have any offset: drivers write 0 there.
 * Others lie behind the fixed part.
 */
static entrasql_status field_bytes(const es_reader *all, size_t at, size_t bytes, es_reader *ret)
{
    size_t offset = u16_at(all, at);

    if (bytes == 0) {
        *ret = es_reader_of(all->at, 0);
        return ENTRASQL_OK;
    }
    if (offset < FIXED_BYTES)
        return ENTRASQL_MALFORMED;
    return es_reader_slice(all, offset, bytes, ret);
}

static entrasql_status read_text(const es_reader *all, size_t at, char **field, const char *what,
                                 entrasql_error *err)
{
    es_reader text = {0};
    char *value = NULL;
    entrasql_status st = field_bytes(all, at, (size_t)u16_at(all, at + 2) * 2, &text);

    /* tdsodbc sends "127.0.0.1", NUL, " 15001" as server name: a NUL ends a text. */
    if (st == ENTRASQL_OK)
        st = tds_utf16_text(&text, &value);
    if (st != ENTRASQL_OK)
        return parse_failure(st, what, err);
    es_free(*field);
    *field = value;
    return ENTRASQL_OK;
}

static entrasql_status read_password(const es_reader *all, size_t at, es_secret **ret,
                                     const char *what, entrasql_error *err)
{
    es_reader hidden = {0};
    ES_CLEANUP(es_buf_done) es_buf wire = ES_BUF_INIT_WIPE(TDS_LOGIN7_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf utf8 = ES_BUF_INIT_WIPE((size_t)TDS_LOGIN7_MAX_BYTES * 2);
    entrasql_status st = field_bytes(all, at, (size_t)u16_at(all, at + 2) * 2, &hidden);

    if (st != ENTRASQL_OK)
        return parse_failure(st, what, err);
    if (hidden.left == 0)
        return ENTRASQL_OK;
    st = es_buf_add(&wire, hidden.at, hidden.left);
    if (st == ENTRASQL_OK) {
        show_password(wire.data, wire.len);
        st = es_utf16le_to_utf8(wire.data, wire.len, &utf8);
    }
    if (st != ENTRASQL_OK)
        return parse_failure(st, what, err);
    *ret = es_secret_new(utf8.data, utf8.len);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status read_sspi(const es_reader *all, tds_login7 *l, entrasql_error *err)
{
    size_t len = u16_at(all, AT_SSPI + 2);
    es_reader blob = {0};
    entrasql_status st;

    if (len == SSPI_LONG) {
        uint32_t wide =
            (uint32_t)u16_at(all, AT_SSPI_LONG) | (uint32_t)u16_at(all, AT_SSPI_LONG + 2) << 16;
        if (wide != 0)
            len = wide;
    }
    st = field_bytes(all, AT_SSPI, len, &blob);
    if (st != ENTRASQL_OK)
        return parse_failure(st, "SSPI data", err);
    if (blob.left == 0)
        return ENTRASQL_OK;
    l->sspi = es_memdup(blob.at, blob.left);
    if (l->sspi == NULL)
        return es_nomem(err);
    l->sspi_len = blob.left;
    return ENTRASQL_OK;
}

static entrasql_status add_parsed_feature(tds_login7 *l, uint8_t id, const es_reader *data,
                                          entrasql_error *err)
{
    entrasql_status st;

    if (tds_login7_feature(l, id) != NULL)
        return es_fail(err, ENTRASQL_MALFORMED, "LOGIN7: feature 0x%02x comes twice", id);
    if (id == TDS_FEATURE_FEDAUTH) {
        st = tds_login7_add_feature(l, id, NULL, 0);
        if (st == ENTRASQL_OK)
            return tds_fedauth_feature_parse(data->at, data->left, l, err);
    } else {
        st = tds_login7_add_feature(l, id, data->at, data->left);
    }
    if (st == ENTRASQL_LIMIT)
        return es_fail(err, st, "LOGIN7 has more than %d features", TDS_FEATURES_MAX);
    return st == ENTRASQL_OK ? st : es_nomem(err);
}

static entrasql_status walk_features(es_reader r, tds_login7 *l, entrasql_error *err)
{
    for (;;) {
        uint8_t id = 0;
        uint32_t len = 0;
        es_reader data = {0};
        if (es_reader_u8(&r, &id) != ENTRASQL_OK)
            return es_fail(err, ENTRASQL_MALFORMED, "LOGIN7: the feature list has no end");
        if (id == TDS_FEATURE_TERMINATOR)
            return ENTRASQL_OK;
        if (es_reader_u32le(&r, &len) != ENTRASQL_OK ||
            es_reader_sub(&r, len, &data) != ENTRASQL_OK)
            return es_fail(err, ENTRASQL_MALFORMED,
                           "LOGIN7: feature 0x%02x runs past the end of the message", id);
        ES_TRY(add_parsed_feature(l, id, &data, err));
    }
}

/* The entry leads to a DWORD anywhere in the data, and that one to the list. */
static entrasql_status read_features(const es_reader *all, tds_login7 *l, entrasql_error *err)
{
    es_reader pointer = {0};
    es_reader list = {0};
    uint32_t offset = 0;

    if ((l->option_flags3 & TDS_OPTION3_EXTENSION) == 0)
        return ENTRASQL_OK;
    if (u16_at(all, AT_EXTENSION + 2) != 4 ||
        field_bytes(all, AT_EXTENSION, 4, &pointer) != ENTRASQL_OK ||
        es_reader_u32le(&pointer, &offset) != ENTRASQL_OK || offset < FIXED_BYTES ||
        offset > all->left ||
        es_reader_slice(all, offset, all->left - offset, &list) != ENTRASQL_OK)
        return parse_failure(ENTRASQL_MALFORMED, "feature list", err);
    return walk_features(list, l, err);
}

static entrasql_status read_numbers(es_reader r, tds_login7 *l)
{
    uint32_t timezone;

    ES_TRY(es_reader_skip(&r, AT_VERSION));
    ES_TRY(es_reader_u32le(&r, &l->tds_version));
    ES_TRY(es_reader_u32le(&r, &l->packet_size));
    ES_TRY(es_reader_u32le(&r, &l->client_version));
    ES_TRY(es_reader_u32le(&r, &l->client_pid));
    ES_TRY(es_reader_u32le(&r, &l->connection_id));
    ES_TRY(es_reader_u8(&r, &l->option_flags1));
    ES_TRY(es_reader_u8(&r, &l->option_flags2));
    ES_TRY(es_reader_u8(&r, &l->type_flags));
    ES_TRY(es_reader_u8(&r, &l->option_flags3));
    ES_TRY(es_reader_u32le(&r, &timezone));
    ES_TRY(es_reader_u32le(&r, &l->lcid));
    ES_TRY(es_reader_skip(&r, AT_CLIENT_ID - AT_HOST));
    ES_TRY(es_reader_copy(&r, l->client_id, sizeof l->client_id));
    l->timezone_minutes = (int32_t)timezone;
    return ENTRASQL_OK;
}

static entrasql_status read_fields(const es_reader *all, tds_login7 *l, entrasql_error *err)
{
    ES_TRY(read_numbers(*all, l));
    ES_TRY(read_text(all, AT_HOST, &l->host_name, "host name", err));
    ES_TRY(read_text(all, AT_USER, &l->user_name, "user name", err));
    ES_TRY(read_password(all, AT_PASSWORD, &l->password, "password", err));
    ES_TRY(read_text(all, AT_APP, &l->app_name, "application name", err));
    ES_TRY(read_text(all, AT_SERVER, &l->server_name, "server name", err));
    ES_TRY(read_text(all, AT_LIBRARY, &l->library_name, "library name", err));
    ES_TRY(read_text(all, AT_LANGUAGE, &l->language, "language", err));
    ES_TRY(read_text(all, AT_DATABASE, &l->database, "database name", err));
    ES_TRY(read_text(all, AT_ATTACH, &l->attach_db_file, "database file name", err));
    ES_TRY(read_password(all, AT_CHANGE_PASSWORD, &l->change_password, "new password", err));
    ES_TRY(read_sspi(all, l, err));
    return read_features(all, l, err);
}

/* Length and version: is it a LOGIN7 that we can read at all? */
static entrasql_status check_head(const es_reader *all, entrasql_error *err)
{
    es_reader r = *all;
    uint32_t length = 0;
    uint32_t version = 0;

    if (es_reader_u32le(&r, &length) != ENTRASQL_OK || es_reader_u32le(&r, &version) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_TRUNCATED, "LOGIN7 of %zu bytes ends early", all->left);
    if (length != all->left)
        return es_fail(err, ENTRASQL_MALFORMED, "LOGIN7 states %u bytes, the message has %zu",
                       length, all->left);
    if (version >> 24 == 0x70 || version >> 24 == 0x71) {
        es_fail(err, ENTRASQL_UNSUPPORTED,
                "the client speaks TDS 7.%u; TDS 7.3 or later is needed" TDS_VERSION_ADVICE,
                version >> 24 & 1U);
        es_hint(err, "Set the client to TDS 7.4 (FreeTDS: \"tds version = 7.4\"; jTDS cannot do "
                     "it: use Microsoft's JDBC driver).");
        return ENTRASQL_UNSUPPORTED;
    }
    if (all->left < FIXED_BYTES)
        return es_fail(err, ENTRASQL_TRUNCATED, "LOGIN7 of %zu bytes ends early", all->left);
    return ENTRASQL_OK;
}

entrasql_status tds_login7_parse(const uint8_t *p, size_t n, tds_login7 *ret, entrasql_error *err)
{
    es_reader all = es_reader_of(p, n);
    tds_login7 l;
    entrasql_status st;

    if (n > TDS_LOGIN7_MAX_BYTES)
        return es_fail(err, ENTRASQL_LIMIT, "LOGIN7 of %zu bytes is larger than TDS allows", n);
    ES_TRY(check_head(&all, err));
    st = tds_login7_init(&l);
    if (st != ENTRASQL_OK)
        st = es_nomem(err);
    else
        st = read_fields(&all, &l, err);
    if (st != ENTRASQL_OK) {
        tds_login7_done(&l);
        return st;
    }
    *ret = l;
    return ENTRASQL_OK;
}
