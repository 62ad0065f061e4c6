/* SPDX-License-Identifier: MIT */
/*
 * Links: PRELOGIN and TLS. A login is begun as a driver with "library 2" would, up to the point at
 * which the server asks for the token and names the tenant it trusts; there the connection ends.
 */
#include "doctor/inner.h"

#include "base/str.h"
#include "relay/dial.h"
#include "relay/stream.h"
#include "sql/sql_inner.h"
#include "tds/client.h"
#include "tds/packet.h"
#include "tds/prelogin.h"

#include <string.h>

#define WIRE_MS 6000
#define PRELOGIN_MS 2000

typedef struct wire {
    doctor *d;
    int64_t deadline_ms;
    tls_context *tls;
    tds_client *client;
    relay_stream *stream;
    uint8_t first[TDS_PRELOGIN_MAX_BYTES]; /* what the server sent before TLS, or first in it */
    size_t first_len;
    bool handshaking;
    bool encrypted;
    entrasql_error *err;
} wire;

static entrasql_status wait_for(wire *w, bool want_read)
{
    os_wait wait;
    if (es_clock_mono_ms() >= w->deadline_ms)
        return es_fail(w->err, ENTRASQL_TIMEOUT, "no answer in time");
    os_wait_init(&wait);
    os_wait_until(&wait, w->deadline_ms);
    ES_TRY(relay_stream_wants(w->stream, want_read, &wait));
    return os_wait_poll(&wait, w->err);
}

static entrasql_status connect_to(wire *w)
{
    relay_dial *dial = NULL;
    int fd = -1;
    const conf_target *t = &w->d->target;
    ES_TRY(relay_dial_start(t->host, t->port, &dial, w->err));
    entrasql_status status;
    while ((status = relay_dial_step(dial, &fd, w->err)) == ENTRASQL_AGAIN) {
        os_wait wait;
        os_wait_init(&wait);
        os_wait_until(&wait, w->deadline_ms);
        if (es_clock_mono_ms() >= w->deadline_ms)
            status = es_fail(w->err, ENTRASQL_TIMEOUT, "no connection in time");
        else if (relay_dial_wants(dial, &wait) == ENTRASQL_OK)
            status = os_wait_poll(&wait, w->err);
        if (status != ENTRASQL_OK && status != ENTRASQL_AGAIN)
            break;
    }
    relay_dial_free(dial);
    ES_TRY(status);
    status = relay_stream_new(fd, NULL, &w->stream);
    if (status != ENTRASQL_OK)
        os_sock_close(&fd);
    return status == ENTRASQL_OK ? status : es_nomem(w->err);
}

static entrasql_status flush(wire *w)
{
    es_buf *out = tds_client_output(w->client);
    if (out->len != 0)
        ES_TRY(relay_stream_write(w->stream, out->data, out->len, w->err));
    es_buf_clear(out);
    entrasql_status status;
    while ((status = relay_stream_flush(w->stream, w->err)) == ENTRASQL_AGAIN)
        ES_TRY(wait_for(w, false));
    return status;
}

static entrasql_status start_tls(wire *w)
{
    const conf_target *t = &w->d->target;
    tls_conn *conn = NULL;
    const tls_conn_options options = {
        .server_name = t->host,
        .certificate_name = t->host_name_in_certificate,
        .wrap_prelogin = t->encrypt != CONF_ENCRYPT_STRICT,
    };
    w->handshaking = true;
    ES_TRY(tls_conn_new(w->tls, &options, &conn, w->err));
    entrasql_status status = relay_stream_start_tls(w->stream, conn, NULL, 0, w->err);
    if (status != ENTRASQL_OK) {
        tls_conn_free(conn);
        return status;
    }
    while ((status = relay_stream_handshake(w->stream, w->err)) == ENTRASQL_AGAIN)
        ES_TRY(wait_for(w, true));
    ES_TRY(status);
    w->handshaking = false;
    w->encrypted = true;
    return tds_client_tls_started(w->client, w->err);
}

static entrasql_status read_some(wire *w)
{
    uint8_t bytes[4096];
    size_t n = 0;
    size_t used = 0;
    entrasql_status status;
    while ((status = relay_stream_read(w->stream, bytes, sizeof bytes, &n, w->err)) ==
           ENTRASQL_AGAIN)
        ES_TRY(wait_for(w, true));
    ES_TRY(status);
    size_t room = sizeof w->first - w->first_len;
    size_t kept = n < room ? n : room;
    memcpy(w->first + w->first_len, bytes, kept);
    w->first_len += kept;
    ES_TRY(tds_client_feed(w->client, bytes, n, &used, w->err));
    return used < n ? relay_stream_push_back(w->stream, bytes + used, n - used) : ENTRASQL_OK;
}

/* "https://login.microsoftonline.com/<tenant>": the last part, when it is a GUID. */
void doctor_tenant_of(const char *url, char ret[ES_GUID_TEXT_SIZE])
{
    ret[0] = '\0';
    char tenant[ES_GUID_TEXT_SIZE];
    uint8_t guid[16];
    size_t n = strlen(url);
    while (n != 0 && url[n - 1] == '/')
        n--;
    size_t start = n;
    while (start != 0 && url[start - 1] != '/')
        start--;
    if (n - start != ES_GUID_TEXT_SIZE - 1)
        return;
    memcpy(tenant, url + start, n - start);
    tenant[n - start] = '\0';
    if (es_guid_parse(tenant, guid) == ENTRASQL_OK)
        es_guid_format(guid, ret);
}

/* Ends where a token would be sent. */
static entrasql_status walk(wire *w)
{
    for (;;) {
        ES_TRY(flush(w));
        switch (tds_client_wants(w->client)) {
        case TDS_CLIENT_WANT_READ:
            ES_TRY(read_some(w));
            break;
        case TDS_CLIENT_WANT_TLS:
            ES_TRY(start_tls(w));
            break;
        case TDS_CLIENT_WANT_TOKEN:
            doctor_tenant_of(tds_client_fedauth_sts_url(w->client), w->d->server_tenant);
            return ENTRASQL_OK;
        case TDS_CLIENT_WANT_TLS_END:
        case TDS_CLIENT_READY:
        case TDS_CLIENT_ROUTED:
        case TDS_CLIENT_FAILED:
            return ENTRASQL_OK;
        }
    }
}

static entrasql_status go(wire *w)
{
    const conf_target *t = &w->d->target;
    tds_login7 login;
    ES_TRY(tls_client_context_new(
        &(tls_client_options){.ca_file = w->d->options->ca_file,
                              .trust_any_certificate = t->trust_server_certificate},
        &w->tls, w->err));
    ES_TRY(sql_login_template(&(sql_open_options){.target = t, .app_name = "entrasql doctor"},
                              &login, w->err));
    const tds_client_options options = {
        .login = &login,
        .server_name = t->host,
        .encrypt = t->encrypt == CONF_ENCRYPT_STRICT ? TDS_ENCRYPT_STRICT : TDS_ENCRYPT_ON,
        .auth = TDS_CLIENT_AUTH_TOKEN_ON_REQUEST,
    };
    entrasql_status status = tds_client_new(&options, &w->client, w->err);
    tds_login7_done(&login);
    ES_TRY(status);
    ES_TRY(connect_to(w));
    return walk(w);
}

static void done(wire *w)
{
    tds_client_free(w->client);
    relay_stream_free(w->stream);
    tls_context_unref(w->tls);
}

/* ---- what was seen ---- */

static bool read_prelogin(const wire *w, tds_prelogin *ret)
{
    tds_packet_header h;
    return w->first_len >= TDS_PACKET_HEADER_BYTES &&
           tds_packet_header_parse(w->first, &h, NULL) == ENTRASQL_OK && h.length <= w->first_len &&
           tds_prelogin_parse(w->first + TDS_PACKET_HEADER_BYTES,
                              (size_t)h.length - TDS_PACKET_HEADER_BYTES, TDS_PRELOGIN_ANSWER, ret,
                              NULL) == ENTRASQL_OK;
}

/* PRELOGIN alone, and nothing of a login. */
static entrasql_status ask_prelogin(wire *w)
{
    tds_login7 login;
    ES_TRY(tds_login7_init(&login));
    const tds_client_options options = {
        .login = &login,
        .server_name = w->d->target.host,
        .encrypt = TDS_ENCRYPT_ON,
        .auth = TDS_CLIENT_AUTH_PASSWORD,
    };
    entrasql_status status = tds_client_new(&options, &w->client, w->err);
    tds_login7_done(&login);
    ES_TRY(status);
    ES_TRY(connect_to(w));
    ES_TRY(flush(w));
    while (tds_client_wants(w->client) == TDS_CLIENT_WANT_READ)
        ES_TRY(read_some(w));
    return ENTRASQL_OK;
}

bool doctor_is_in_clear(doctor *d)
{
    entrasql_error err;
    tds_prelogin p;
    wire w = {.d = d, .err = &err, .deadline_ms = es_clock_deadline(doctor_time(d, PRELOGIN_MS))};
    /* The engine fails where TLS is not to be had: the answer says what there is. */
    entrasql_status status = ask_prelogin(&w);
    bool clear = (status == ENTRASQL_OK || status == ENTRASQL_TLS) && read_prelogin(&w, &p) &&
                 (!p.has_encryption || p.encryption == TDS_ENCRYPTION_NOT_SUP);
    done(&w);
    return clear;
}

static void say_prelogin(wire *w)
{
    tds_prelogin p;
    doctor *d = w->d;
    if (!read_prelogin(w, &p))
        return;
    d->speaks_tds = true;
    doctor_line *line = doctor_add(d, "prelogin", DOCTOR_OK, NULL, "SQL Server %u.%u.%u answers",
                                   (unsigned)p.major, (unsigned)p.minor, (unsigned)p.build);
    doctor_evidence(line, "encryption %s, tokens %s",
                    p.has_encryption ? tds_encryption_name(p.encryption) : "not named",
                    p.has_fedauth_required && p.fedauth_required != 0 ? "asked for" : "possible");
}

static const struct tls_problem {
    const char *piece; /* of src/tls/explain.c's words */
    const char *id;
    const char *text;
} tls_problems[] = {
    {"not trusted here", "tls-unknown-issuer", "the server's certificate is not trusted here"},
    {"self-signed", "tls-unknown-issuer", "the server's certificate is not trusted here"},
    {"not for \"", "tls-wrong-name", "the server's certificate has another name"},
    {" expired on ", "tls-expired", "the server's certificate is out of date"},
    {"is valid only from", "tls-expired", "the server's certificate is not valid yet"},
    {"does not support encryption", "server-without-tls", "the server has no TLS"},
    {"", "tls-failed", "TLS could not be set up"},
};

static const struct tls_problem *tls_problem_of(const entrasql_error *err)
{
    const struct tls_problem *p = tls_problems;
    while (p->piece[0] != '\0' && !doctor_contains(err->message, p->piece))
        p++;
    return p;
}

const char *doctor_tls_id(const entrasql_error *err)
{
    return tls_problem_of(err)->id;
}

static void say_tls_failure(doctor *d, const entrasql_error *err)
{
    const struct tls_problem *p = tls_problem_of(err);
    doctor_line *line = doctor_add(d, "tls", DOCTOR_FAIL, p->id, "%s", p->text);
    doctor_evidence(line, "%s", err->message);
}

void doctor_banner(const uint8_t *bytes, size_t n, char *ret, size_t size)
{
    size_t length = 0;
    while (length < n && bytes[length] >= 0x20 && bytes[length] < 0x7f)
        length++;
    /* A line that ends, or everything that came: other bytes are no text. */
    bool is_text = length == n || bytes[length] == '\r' || bytes[length] == '\n';
    es_printable(ret, size, (const char *)bytes, is_text && length >= 4 ? length : 0);
}

static void say_no_tds(wire *w, entrasql_status status, const entrasql_error *err)
{
    char banner[80];
    const doctor *d = w->d;
    doctor_line *line =
        doctor_add(w->d, "prelogin", DOCTOR_FAIL, "not-sql-server",
                   "no SQL Server answers on %s:%u", d->target.host, (unsigned)d->target.port);
    doctor_banner(w->first, w->first_len, banner, sizeof banner);
    if (banner[0] != '\0')
        doctor_evidence(line, "it says: %s", banner);
    else if (status == ENTRASQL_TIMEOUT && w->first_len == 0)
        doctor_evidence(line, "it took the connection, and said nothing in %d s", WIRE_MS / 1000);
    else
        doctor_evidence(line, "%s", status != ENTRASQL_OK ? err->message : "it sent nothing");
}

static void say(wire *w, entrasql_status status, const entrasql_error *err)
{
    doctor *d = w->d;
    say_prelogin(w);
    if (!d->speaks_tds && !w->handshaking) {
        say_no_tds(w, status, err);
        return;
    }
    if (w->handshaking) {
        say_tls_failure(d, err);
        return;
    }
    const tls_conn *conn = w->encrypted ? relay_stream_tls(w->stream) : NULL;
    if (conn == NULL) {
        say_tls_failure(d, err);
        return;
    }
    d->is_encrypted = true;
    bool unchecked = d->target.trust_server_certificate;
    doctor_line *line =
        doctor_add(d, "tls", unchecked ? DOCTOR_WARN : DOCTOR_OK,
                   unchecked ? "certificate-unchecked" : NULL, "%s, %s", tls_conn_version(conn),
                   unchecked ? "the certificate is not checked (TrustServerCertificate=yes)"
                             : "certificate and name are good");
    doctor_evidence(line, "%s", tls_conn_cipher(conn));
}

/* The doctor always demands it; the program's driver does as the string says. */
static void say_encrypt(doctor *d)
{
    if (!d->is_encrypted || d->target.encrypt != CONF_ENCRYPT_OPTIONAL)
        return;
    doctor_line *line =
        doctor_add(d, "tls", DOCTOR_WARN, "not-encrypted", "the string does not demand encryption");
    doctor_evidence(line, "Encrypt=%s", conf_connstr_get(&d->list, "Encrypt"));
}

void doctor_wire(doctor *d)
{
    entrasql_error err;
    wire w = {.d = d, .err = &err};
    es_error_clear(&err);
    if (!d->reaches_server || d->no_trust) {
        const char *why = d->reaches_server ? "no trusted certificates" : "no connection";
        (void)doctor_add(d, "prelogin", DOCTOR_NONE, NULL, "not tried: %s", why);
        (void)doctor_add(d, "tls", DOCTOR_NONE, NULL, "not tried: %s", why);
        return;
    }
    if (d->front.is_proxy) {
        doctor_front_say(d);
        return;
    }
    int64_t began = es_clock_mono_ms();
    w.deadline_ms = es_clock_deadline(doctor_time(d, WIRE_MS));
    entrasql_status status = go(&w);
    say(&w, status, &err);
    d->report->lines[d->report->count - 1].ms = (uint32_t)(es_clock_mono_ms() - began);
    say_encrypt(d);
    done(&w);
}
