/* SPDX-License-Identifier: MIT */
/* Reading targets. */
#include "proxy/target.h"

#include "base/mem.h"
#include "base/str.h"
#include "conf/connstr.h"

#include <string.h>
#include <sys/socket.h>

#define TARGET_MAX_BYTES 4096

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A copy of n bytes with %XX decoded; CONFIG for a bad escape or one of NUL. */
static entrasql_status decode(const char *s, size_t n, char **ret, entrasql_error *err)
{
    char *out = es_malloc(n + 1);
    size_t used = 0;
    if (out == NULL)
        return es_nomem(err);
    for (size_t i = 0; i < n; i++) {
        if (s[i] != '%') {
            out[used++] = s[i];
            continue;
        }
        int high = n - i > 2 ? hex_digit(s[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s[i + 2]) : -1;
        if (low < 0 || (high == 0 && low == 0)) {
            es_free(out);
            return es_fail(err, ENTRASQL_CONFIG, "after '%%' two hexadecimal digits are expected");
        }
        out[used++] = (char)(high * 16 + low);
        i += 2;
    }
    out[used] = '\0';
    *ret = out;
    return ENTRASQL_OK;
}

static entrasql_status parse_port(const char *text, uint16_t *ret, entrasql_error *err)
{
    uint32_t n = 0;
    size_t digits = strspn(text, "0123456789");
    for (size_t i = 0; i < digits && n <= UINT16_MAX; i++)
        n = n * 10 + (uint32_t)(text[i] - '0');
    if (digits == 0 || text[digits] != '\0' || n > UINT16_MAX)
        return es_fail(err, ENTRASQL_CONFIG, "listen: '%s' is no port from 0 to 65535", text);
    *ret = (uint16_t)n;
    return ENTRASQL_OK;
}

static entrasql_status set_listen(proxy_target *t, const char *value, entrasql_error *err)
{
    static const char v4[] = "127.0.0.1:";
    static const char v6[] = "[::1]:";
    static const char name[] = "localhost:";
    const char *port = value;
    if (es_starts_with(value, v4)) {
        port = value + sizeof v4 - 1;
    } else if (es_starts_with(value, name)) {
        port = value + sizeof name - 1;
    } else if (es_starts_with(value, v6)) {
        t->listen_family = AF_INET6;
        port = value + sizeof v6 - 1;
    } else if (strchr(value, ':') != NULL) {
        es_fail(err, ENTRASQL_CONFIG, "listen: '%s' is not on loopback", value);
        es_hint(err, "the proxy signs in for whoever connects: write listen=PORT, 127.0.0.1:PORT "
                     "or [::1]:PORT");
        return ENTRASQL_CONFIG;
    }
    t->has_listen_port = true;
    return parse_port(port, &t->listen_port, err);
}

static entrasql_status set_encrypt(proxy_target *t, const char *value, entrasql_error *err)
{
    t->strict = es_strcaseeq(value, "strict");
    if (t->strict || es_strcaseeq(value, "mandatory") || es_strcaseeq(value, "yes"))
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_CONFIG, "encrypt: '%s' is not known", value);
    es_hint(err, "encrypt=mandatory or encrypt=strict; a token never goes over a clear connection");
    return ENTRASQL_CONFIG;
}

static bool is_key(const char *key, size_t n, const char *name)
{
    return n == strlen(name) && es_strncaseeq(key, name, n);
}

static entrasql_status set_key(proxy_target *t, const char *key, size_t key_len, char **value,
                               entrasql_error *err)
{
    if (is_key(key, key_len, "listen"))
        return set_listen(t, *value, err);
    if (is_key(key, key_len, "encrypt"))
        return set_encrypt(t, *value, err);
    if (is_key(key, key_len, "host-name-in-certificate")) {
        es_free(t->host_name_in_certificate);
        t->host_name_in_certificate = *value;
        *value = NULL;
        return ENTRASQL_OK;
    }
    es_fail(err, ENTRASQL_CONFIG, "'%.*s' is no key of a target", (int)key_len, key);
    es_hint(err, "keys: listen, encrypt, host-name-in-certificate");
    return ENTRASQL_CONFIG;
}

static entrasql_status parse_keys(proxy_target *t, const char *s, entrasql_error *err)
{
    while (*s != '\0') {
        size_t n = strcspn(s, "&");
        const char *equals = memchr(s, '=', n);
        ES_CLEANUP(es_cleanup_free) char *value = NULL;
        if (equals == NULL)
            return es_fail(err, ENTRASQL_CONFIG, "'%.*s': no '=' between key and value", (int)n, s);
        size_t key_len = (size_t)(equals - s);
        ES_TRY(decode(equals + 1, n - key_len - 1, &value, err));
        ES_TRY(set_key(t, s, key_len, &value, err));
        s += s[n] == '&' ? n + 1 : n;
    }
    return ENTRASQL_OK;
}

static entrasql_status parse(const char *text, proxy_target *t, entrasql_error *err)
{
    size_t server_len = strcspn(text, "/?");
    ES_CLEANUP(es_cleanup_free) char *server = es_strndup(text, server_len);
    t->text = es_strdup(text);
    if (server == NULL || t->text == NULL)
        return es_nomem(err);
    ES_TRY(conf_server_parse(server, &t->host, &t->port, err));
    const char *rest = text + server_len;
    if (*rest == '/') {
        size_t n = strcspn(++rest, "?");
        if (n > 0)
            ES_TRY(decode(rest, n, &t->database, err));
        rest += n;
    }
    return *rest == '?' ? parse_keys(t, rest + 1, err) : ENTRASQL_OK;
}

entrasql_status proxy_target_parse(const char *text, proxy_target *ret, entrasql_error *err)
{
    proxy_target t = {.listen_family = AF_INET};
    if (strlen(text) > TARGET_MAX_BYTES)
        return es_fail(err, ENTRASQL_CONFIG, "a target is longer than %d bytes", TARGET_MAX_BYTES);
    entrasql_status status = parse(text, &t, err);
    if (status != ENTRASQL_OK) {
        proxy_target_done(&t);
        char shown[120];
        es_printable(shown, sizeof shown, text, strlen(text));
        es_error_prefix(err, "target '%s'", shown);
        return status;
    }
    *ret = t;
    return ENTRASQL_OK;
}

void proxy_target_done(proxy_target *t)
{
    es_free(t->text);
    es_free(t->host);
    es_free(t->database);
    es_free(t->host_name_in_certificate);
    *t = (proxy_target){0};
}
