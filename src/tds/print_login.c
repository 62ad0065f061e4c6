/* SPDX-License-Identifier: MIT */
/* LOGIN7 as text: every field, but of password, token and SSPI data only how long they are. */
#include "base/mem.h"
#include "base/reader.h"
#include "tds/fedauth.h"
#include "tds/login7.h"
#include "tds/print_inner.h"

#include <string.h>

#define PASSWORD_LENGTH_AT 46U
#define CHANGE_PASSWORD_LENGTH_AT 88U
#define FEATURE_SHOWN_BYTES 16U

static const char *feature_name(uint8_t id)
{
    switch (id) {
    case TDS_FEATURE_SESSIONRECOVERY:
        return "SESSIONRECOVERY";
    case TDS_FEATURE_FEDAUTH:
        return "FEDAUTH";
    case TDS_FEATURE_COLUMNENCRYPTION:
        return "COLUMNENCRYPTION";
    case TDS_FEATURE_GLOBALTRANSACTIONS:
        return "GLOBALTRANSACTIONS";
    case TDS_FEATURE_AZURESQLSUPPORT:
        return "AZURESQLSUPPORT";
    case TDS_FEATURE_DATACLASSIFICATION:
        return "DATACLASSIFICATION";
    case TDS_FEATURE_UTF8_SUPPORT:
        return "UTF8_SUPPORT";
    case TDS_FEATURE_AZURESQLDNSCACHING:
        return "AZURESQLDNSCACHING";
    case TDS_FEATURE_JSON:
        return "JSONSUPPORT";
    case TDS_FEATURE_VECTOR:
        return "VECTORSUPPORT";
    case TDS_FEATURE_ENHANCEDROUTING:
        return "ENHANCEDROUTING";
    case TDS_FEATURE_USERAGENT:
        return "USERAGENT";
    default:
        return "FEATURE";
    }
}

/* The token is counted, not shown; the byte before it says which library and echo. */
static entrasql_status print_fedauth_feature(const tds_login7 *l, es_buf *out)
{
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT_WIPE(4 * TDS_LOGIN7_MAX_BYTES);

    ES_TRY(tds_fedauth_feature_build(l, &body, NULL));
    ES_TRY(es_buf_printf(out, "[%zu]=", body.len));
    if (l->fedauth_library == TDS_FEDAUTH_ADAL)
        return tds_print_hex(body.data, body.len, out);
    ES_TRY(tds_print_hex(body.data, body.len != 0 ? 1 : 0, out));
    return es_buf_add_str(out, "...");
}

static entrasql_status print_feature(const tds_login7 *l, const tds_feature *f, es_buf *out)
{
    ES_TRY(es_buf_printf(out, "%s(0x%02x)", feature_name(f->id), f->id));
    if (f->id == TDS_FEATURE_FEDAUTH)
        return print_fedauth_feature(l, out);
    ES_TRY(es_buf_printf(out, "[%zu]=", f->len));
    ES_TRY(
        tds_print_hex(f->data, f->len < FEATURE_SHOWN_BYTES ? f->len : FEATURE_SHOWN_BYTES, out));
    return f->len > FEATURE_SHOWN_BYTES ? es_buf_add_str(out, "...") : ENTRASQL_OK;
}

static entrasql_status print_string(const char *label, const char *value, es_buf *out)
{
    ES_TRY(es_buf_printf(out, " %s=", label));
    return tds_print_text(value, strlen(value), out);
}

/* How many characters a field has, from the fixed part; nothing of it is revealed. */
static unsigned field_length(const uint8_t *p, size_t n, size_t at)
{
    es_reader all = es_reader_of(p, n);
    es_reader field;
    uint16_t length;

    if (es_reader_slice(&all, at, 2, &field) != ENTRASQL_OK ||
        es_reader_u16le(&field, &length) != ENTRASQL_OK)
        return 0;
    return length;
}

static entrasql_status print_fields(const tds_login7 *l, const uint8_t *p, size_t n, es_buf *out)
{
    ES_TRY(es_buf_printf(out,
                         "LOGIN7 TDSver=0x%08x packet=%u progver=0x%08x flags1=0x%02x "
                         "flags2=0x%02x type=0x%02x flags3=0x%02x tz=%d lcid=0x%08x",
                         l->tds_version, l->packet_size, l->client_version, l->option_flags1,
                         l->option_flags2, l->type_flags, l->option_flags3, l->timezone_minutes,
                         l->lcid));
    ES_TRY(print_string("HostName", l->host_name, out));
    ES_TRY(print_string("UserName", l->user_name, out));
    ES_TRY(es_buf_printf(out, " Password[%u chars]", field_length(p, n, PASSWORD_LENGTH_AT)));
    ES_TRY(print_string("AppName", l->app_name, out));
    ES_TRY(print_string("ServerName", l->server_name, out));
    ES_TRY(print_string("CltIntName", l->library_name, out));
    ES_TRY(print_string("Language", l->language, out));
    ES_TRY(print_string("Database", l->database, out));
    return es_buf_printf(out, " SSPI[%zu] ChangePw[%u]\n", l->sspi_len,
                         l->change_password != NULL ? field_length(p, n, CHANGE_PASSWORD_LENGTH_AT)
                                                    : 0U);
}

static entrasql_status print_parsed(const tds_login7 *l, const uint8_t *p, size_t n, es_buf *out)
{
    ES_TRY(print_fields(l, p, n, out));
    if (l->feature_count == 0)
        return ENTRASQL_OK;
    ES_TRY(es_buf_add_str(out, "    FeatureExt: "));
    for (size_t i = 0; i < l->feature_count; i++) {
        if (i != 0)
            ES_TRY(es_buf_add_str(out, "; "));
        ES_TRY(print_feature(l, &l->features[i], out));
    }
    return es_buf_add_str(out, "\n");
}

entrasql_status tds_print_login(const uint8_t *p, size_t n, es_buf *out)
{
    tds_login7 l;
    entrasql_error err;
    entrasql_status st = tds_login7_parse(p, n, &l, &err);

    if (st == ENTRASQL_NOMEM)
        return st;
    if (st != ENTRASQL_OK)
        return es_buf_printf(out, "LOGIN7 [%zu] not decoded: %s\n", n, err.message);
    st = print_parsed(&l, p, n, out);
    tds_login7_done(&l);
    return st;
}
