/* SPDX-License-Identifier: MIT */
/* Client requests as text, without their secrets: PRELOGIN, batches, transactions and the rest. */
#include "tds/print.h"

#include "base/mem.h"
#include "base/reader.h"
#include "base/str.h"
#include "base/utf16.h"
#include "tds/print_inner.h"
#include "tds/proto.h"
#include "tds/request.h"

#include <string.h>

#define BULK_SHOWN_BYTES 48U
#define OPTIONS_MAX 32U

/* ---- parts ---- */

entrasql_status tds_print_hex(const uint8_t *p, size_t n, es_buf *out)
{
    for (size_t i = 0; i < n; i++)
        ES_TRY(es_buf_printf(out, "%02x", p[i]));
    return ENTRASQL_OK;
}

static entrasql_status print_char(uint32_t c, const char *bytes, size_t used, char quote,
                                  es_buf *out)
{
    switch (c) {
    case '\n':
        return es_buf_add_str(out, "\\n");
    case '\r':
        return es_buf_add_str(out, "\\r");
    case '\t':
        return es_buf_add_str(out, "\\t");
    case '\\':
        return es_buf_add_str(out, "\\\\");
    default:
        break;
    }
    if (c == (unsigned char)quote)
        return es_buf_printf(out, "\\%c", quote);
    if (c < 0x20 || (c >= 0x7F && c < 0xA0))
        return es_buf_printf(out, "\\x%02x", c);
    if (c >= 0xD800 && c < 0xE000)
        return es_buf_printf(out, "\\u%04x", c);
    return es_buf_add(out, bytes, used);
}

entrasql_status tds_print_text(const char *s, size_t n, es_buf *out)
{
    bool has_single = n != 0 && memchr(s, '\'', n) != NULL;
    bool has_double = n != 0 && memchr(s, '"', n) != NULL;
    char quote = has_single && !has_double ? '"' : '\'';

    ES_TRY(es_buf_u8(out, (uint8_t)quote));
    while (n > 0) {
        uint32_t c;
        size_t used = es_utf8_decode(s, n, &c);
        if (used == 0) {
            used = 1;
            ES_TRY(es_buf_printf(out, "\\x%02x", (unsigned char)*s));
        } else {
            ES_TRY(print_char(c, s, used, quote, out));
        }
        s += used;
        n -= used;
    }
    return es_buf_u8(out, (uint8_t)quote);
}

entrasql_status tds_print_headers(const tds_headers *h, es_buf *out)
{
    if (!h->has_transaction)
        return es_buf_add_str(out, "{}");
    return es_buf_printf(out, "{txn=%llx,out=%u}", (unsigned long long)h->transaction,
                         h->outstanding);
}

/* ---- secrets inside SQL ---- */

static bool is_word_char(char c)
{
    char low = es_ascii_lower(c);

    return (low >= 'a' && low <= 'z') || es_is_digit(c) || c == '@' || c == '#' || c == '$';
}

/* After PASSWORD or SECRET: the place of the quote that opens its value, or 0. */
static size_t find_secret(const char *s, size_t n, size_t at)
{
    while (at < n && es_is_space(s[at]))
        at++;
    if (at == n || s[at] != '=')
        return 0;
    at++;
    while (at < n && es_is_space(s[at]))
        at++;
    if (at < n && es_ascii_lower(s[at]) == 'n')
        at++;
    return at < n && s[at] == '\'' ? at : 0;
}

/* Length of PASSWORD or SECRET that stands here as (the end of) a word, or 0. */
static size_t secret_word(const char *s, size_t n, size_t at)
{
    static const char *const words[] = {"password", "secret"};

    for (size_t i = 0; i < ES_COUNT_OF(words); i++) {
        size_t len = strlen(words[i]);
        if (n - at >= len && es_strncaseeq(s + at, words[i], len) &&
            (at + len == n || !is_word_char(s[at + len])))
            return len;
    }
    return 0;
}

entrasql_status tds_print_sql(const char *s, size_t n, es_buf *out)
{
    ES_CLEANUP(es_buf_done) es_buf clean = ES_BUF_INIT_WIPE(n + n / 2 + 64);
    size_t done = 0;

    for (size_t i = 0; i < n;) {
        size_t word = secret_word(s, n, i);
        size_t open = word != 0 ? find_secret(s, n, i + word) : 0;
        if (open == 0) {
            i += word != 0 ? word : 1;
            continue;
        }
        ES_TRY(es_buf_add(&clean, s + done, open + 1 - done));
        for (i = open + 1; i < n; i++) { /* to the quote that is not doubled */
            if (s[i] != '\'')
                continue;
            if (i + 1 == n || s[i + 1] != '\'')
                break;
            i++;
        }
        if (i > n)
            i = n;
        ES_TRY(es_buf_add_str(&clean, "***"));
        done = i;
    }
    ES_TRY(es_buf_add(&clean, s + done, n - done));
    return tds_print_text((const char *)clean.data, clean.len, out);
}

/* ---- messages ---- */

static entrasql_status print_failure(const char *name, size_t n, const entrasql_error *err,
                                     es_buf *out)
{
    return es_buf_printf(out, "%s [%zu] not decoded: %s\n", name, n, err->message);
}

static entrasql_status print_version(es_reader v, es_buf *out)
{
    uint8_t major;
    uint8_t minor;
    uint16_t build;
    uint16_t sub;

    if (es_reader_u8(&v, &major) != ENTRASQL_OK || es_reader_u8(&v, &minor) != ENTRASQL_OK ||
        es_reader_u16be(&v, &build) != ENTRASQL_OK || es_reader_u16le(&v, &sub) != ENTRASQL_OK)
        return es_buf_add_str(out, " VERSION=?");
    return es_buf_printf(out, " VERSION=%u.%u.%u.%u", major, minor, build, sub);
}

static entrasql_status print_encryption(es_reader v, es_buf *out)
{
    static const char *const names[] = {"OFF", "ON", "NOT_SUP", "REQ"};

    if (v.left == 1 && *v.at < ES_COUNT_OF(names))
        return es_buf_printf(out, " ENCRYPTION=%s", names[*v.at]);
    return es_buf_printf(out, " ENCRYPTION=0x%x", v.left != 0 ? *v.at : 0U);
}

static entrasql_status print_option(uint8_t id, es_reader v, es_buf *out)
{
    static const char *const names[] = {
        [TDS_PRELOGIN_INSTANCE] = "INSTOPT",
        [TDS_PRELOGIN_THREADID] = "THREADID",
        [TDS_PRELOGIN_MARS] = "MARS",
        [TDS_PRELOGIN_TRACEID] = "TRACEID",
        [TDS_PRELOGIN_FEDAUTHREQUIRED] = "FEDAUTHREQUIRED",
    };

    if (id == TDS_PRELOGIN_VERSION)
        return print_version(v, out);
    if (id == TDS_PRELOGIN_ENCRYPTION)
        return print_encryption(v, out);
    if (id == TDS_PRELOGIN_NONCE)
        return es_buf_printf(out, " NONCEOPT[%zu]", v.left);
    if (id >= ES_COUNT_OF(names))
        return es_buf_printf(out, " OPTION(0x%02x)[%zu]", id, v.left);
    ES_TRY(es_buf_printf(out, " %s=", names[id]));
    return tds_print_hex(v.at, v.left, out);
}

static entrasql_status print_prelogin(const uint8_t *p, size_t n, es_buf *out)
{
    es_reader all = es_reader_of(p, n);
    es_reader table = all;
    es_reader value;
    uint8_t id;
    uint16_t offset;
    uint16_t len;

    ES_TRY(es_buf_add_str(out, "PRELOGIN"));
    for (unsigned i = 0; i < OPTIONS_MAX; i++) {
        if (es_reader_u8(&table, &id) != ENTRASQL_OK || id == TDS_PRELOGIN_TERMINATOR)
            break;
        if (es_reader_u16be(&table, &offset) != ENTRASQL_OK ||
            es_reader_u16be(&table, &len) != ENTRASQL_OK ||
            es_reader_slice(&all, offset, len, &value) != ENTRASQL_OK) {
            ES_TRY(es_buf_printf(out, " OPTION(0x%02x) outside the message", id));
            break;
        }
        ES_TRY(print_option(id, value, out));
    }
    return es_buf_add_str(out, "\n");
}

static entrasql_status print_batch(const uint8_t *p, size_t n, es_buf *out)
{
    tds_batch b;
    entrasql_error err;
    entrasql_status st = tds_batch_parse(p, n, &b, &err);

    if (st == ENTRASQL_NOMEM)
        return st;
    if (st != ENTRASQL_OK)
        return print_failure("SQLBATCH", n, &err, out);
    st = es_buf_add_str(out, "SQLBATCH ");
    if (st == ENTRASQL_OK)
        st = tds_print_headers(&b.headers, out);
    if (st == ENTRASQL_OK)
        st = es_buf_add_str(out, " ");
    if (st == ENTRASQL_OK)
        st = tds_print_sql(b.text, b.len, out);
    tds_batch_done(&b);
    ES_TRY(st);
    return es_buf_add_str(out, "\n");
}

static const char *tm_name(uint16_t request)
{
    switch (request) {
    case TDS_TM_GET_DTC_ADDRESS:
        return "GET_DTC_ADDRESS";
    case TDS_TM_PROPAGATE:
        return "PROPAGATE_XACT";
    case TDS_TM_BEGIN:
        return "BEGIN_XACT";
    case TDS_TM_PROMOTE:
        return "PROMOTE_XACT";
    case TDS_TM_COMMIT:
        return "COMMIT";
    case TDS_TM_ROLLBACK:
        return "ROLLBACK";
    case TDS_TM_SAVE:
        return "SAVE";
    default:
        return "UNKNOWN";
    }
}

static entrasql_status print_tm(const uint8_t *p, size_t n, es_buf *out)
{
    es_reader r = es_reader_of(p, n);
    tds_headers headers;
    entrasql_error err;
    uint16_t request;

    if (tds_headers_read(&r, &headers, &err) != ENTRASQL_OK)
        return print_failure("TMREQ", n, &err, out);
    if (es_reader_u16le(&r, &request) != ENTRASQL_OK)
        return es_buf_printf(out, "TMREQ [%zu] not decoded: it ends early\n", n);
    ES_TRY(es_buf_add_str(out, "TMREQ "));
    ES_TRY(tds_print_headers(&headers, out));
    ES_TRY(es_buf_printf(out, " %s payload=", tm_name(request)));
    ES_TRY(tds_print_hex(r.at, r.left, out));
    return es_buf_add_str(out, "\n");
}

static entrasql_status print_fedauth(const uint8_t *p, size_t n, es_buf *out)
{
    es_reader r = es_reader_of(p, n);
    uint32_t total;
    uint32_t token;

    if (es_reader_u32le(&r, &total) != ENTRASQL_OK || es_reader_u32le(&r, &token) != ENTRASQL_OK)
        return es_buf_printf(out, "FEDAUTHTOKEN [%zu] not decoded: it ends early\n", n);
    return es_buf_printf(out, "FEDAUTHTOKEN total=%u toklen=%u rest=%zu\n", total, token,
                         r.left > token ? r.left - token : (size_t)0);
}

static entrasql_status print_bulk(const uint8_t *p, size_t n, es_buf *out)
{
    ES_TRY(es_buf_printf(out, "BULK [%zu] ", n));
    ES_TRY(tds_print_hex(p, n < BULK_SHOWN_BYTES ? n : BULK_SHOWN_BYTES, out));
    return es_buf_add_str(out, "\n");
}

entrasql_status tds_print_request(uint8_t type, uint8_t status, uint16_t spid, const uint8_t *p,
                                  size_t n, es_buf *out)
{
    ES_TRY(es_buf_printf(out, "[st=0x%02x spid=%u] ", status, spid));
    switch (type) {
    case TDS_PACKET_PRELOGIN:
        return print_prelogin(p, n, out);
    case TDS_PACKET_LOGIN7:
        return tds_print_login(p, n, out);
    case TDS_PACKET_BATCH:
        return print_batch(p, n, out);
    case TDS_PACKET_RPC:
        return tds_print_rpc(p, n, out);
    case TDS_PACKET_TM:
        return print_tm(p, n, out);
    case TDS_PACKET_BULK:
        return print_bulk(p, n, out);
    case TDS_PACKET_ATTENTION:
        return es_buf_printf(out, "ATTENTION [%zu]\n", n);
    case TDS_PACKET_FEDAUTH_TOKEN:
        return print_fedauth(p, n, out);
    case TDS_PACKET_SSPI:
        return es_buf_printf(out, "SSPI [%zu]\n", n);
    default:
        return es_buf_printf(out, "type 0x%02x [%zu]\n", type, n);
    }
}
