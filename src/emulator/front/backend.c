/* SPDX-License-Identifier: MIT */
/* The upstream policy of the pass-through: a SQL login for everybody. */
#include "emulator/front/backend.h"

#include "base/mem.h"
#include "base/str.h"
#include "os/file.h"

#include <string.h>

#define DEFAULT_PORT 1433
#define MAX_PASSWORD_FILE_BYTES 4096
#define LOGIN_TIMEOUT_MS 15000
#define SCHEME "sqlserver://"

struct front_backend {
    char *host;
    uint16_t port;
    char *name;
    char *user;
    es_secret *password;
    char *ca_file;
    bool trust_certificate;
};

void front_backend_free(front_backend *b)
{
    if (b == NULL)
        return;
    es_free(b->host);
    es_free(b->name);
    es_free(b->user);
    es_secret_unref(b->password);
    es_free(b->ca_file);
    es_free(b);
}

static entrasql_status bad_url(entrasql_error *err)
{
    (void)es_fail(err, ENTRASQL_CONFIG,
                  "the backend is written sqlserver://HOST or "
                  "sqlserver://HOST:PORT");
    es_hint(err, "Its login goes into --backend-login and --backend-password-file, the "
                 "database is the client's.");
    return ENTRASQL_CONFIG;
}

static entrasql_status read_url(front_backend *b, const char *url, entrasql_error *err)
{
    if (!es_starts_with(url, SCHEME))
        return bad_url(err);
    const char *host = url + strlen(SCHEME);
    bool bracketed = *host == '[';
    const char *end = bracketed ? strchr(host, ']') : host + strcspn(host, ":");
    if (end == NULL)
        return bad_url(err);
    const char *rest = bracketed ? end + 1 : end;
    uint64_t port = DEFAULT_PORT;
    if (*rest != '\0' &&
        (*rest != ':' ||
         es_parse_u64(rest + 1, strlen(rest + 1), UINT16_MAX, &port) != ENTRASQL_OK || port == 0))
        return bad_url(err);
    host += bracketed ? 1 : 0;
    if (end == host || memchr(host, '/', (size_t)(end - host)) != NULL ||
        memchr(host, '@', (size_t)(end - host)) != NULL)
        return bad_url(err);
    b->port = (uint16_t)port;
    b->host = es_strndup(host, (size_t)(end - host));
    es_buf name = ES_BUF_INIT(1024);
    if (b->host != NULL &&
        es_buf_printf(&name, "tcp:%s,%u", b->host, (unsigned)b->port) == ENTRASQL_OK)
        b->name = es_buf_take(&name, NULL);
    es_buf_done(&name);
    return b->name != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status read_password(front_backend *b, const char *file, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(MAX_PASSWORD_FILE_BYTES);
    ES_TRY(os_file_read(file, &text, err));
    const char *line = es_buf_cstr(&text);
    if (line == NULL)
        return es_nomem(err);
    size_t n = strcspn(line, "\r\n");
    if (n == 0)
        return es_fail(err, ENTRASQL_CONFIG, "%s: its first line, the password, is empty", file);
    b->password = es_secret_new(line, n);
    return b->password != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status fill(front_backend *b, const front_backend_options *o, entrasql_error *err)
{
    if (o->user == NULL || o->password_file == NULL)
        return es_fail(err, ENTRASQL_CONFIG,
                       "a backend needs --backend-login and "
                       "--backend-password-file");
    ES_TRY(read_url(b, o->url, err));
    ES_TRY(read_password(b, o->password_file, err));
    b->user = es_strdup(o->user);
    b->ca_file = es_strdup(o->ca_file);
    b->trust_certificate = o->trust_certificate;
    return b->user != NULL && (o->ca_file == NULL || b->ca_file != NULL) ? ENTRASQL_OK
                                                                         : es_nomem(err);
}

entrasql_status front_backend_new(const front_backend_options *options, front_backend **ret,
                                  entrasql_error *err)
{
    front_backend *b = es_calloc(1, sizeof *b);
    if (b == NULL)
        return es_nomem(err);
    entrasql_status status = fill(b, options, err);
    if (status != ENTRASQL_OK) {
        front_backend_free(b);
        return status;
    }
    *ret = b;
    return ENTRASQL_OK;
}

const char *front_backend_name(const front_backend *b)
{
    return b->name;
}

/* The client's own login but for who it is. */
static entrasql_status prepare(void *ctx, const tds_login7 *client, relay_login_options *ret,
                               entrasql_error *err)
{
    front_way *way = ctx;
    const front_backend *b = way->backend;
    if (tds_login7_copy(&way->login, client) != ENTRASQL_OK ||
        tds_login7_set(&way->login.user_name, b->user) != ENTRASQL_OK)
        return es_nomem(err);
    es_secret_unref(way->login.password);
    way->login.password = es_secret_ref(b->password);
    *ret = (relay_login_options){
        .host = b->host,
        .port = b->port,
        .encrypt = TDS_ENCRYPT_ON,
        .trust_server_certificate = b->trust_certificate,
        .ca_file = b->ca_file,
        .login = &way->login,
        .deadline_ms = es_clock_deadline(LOGIN_TIMEOUT_MS),
    };
    return ENTRASQL_OK;
}

relay_upstream_policy front_way_policy(front_way *way)
{
    return (relay_upstream_policy){
        .prepare = prepare, .ctx = way, .server_name = way->backend->host};
}

void front_way_done(front_way *way)
{
    tds_login7_done(&way->login);
}
