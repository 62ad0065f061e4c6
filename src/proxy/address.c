/* SPDX-License-Identifier: MIT */
/* Reading listen addresses. */
#include "proxy/address.h"

#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static entrasql_status bad(const char *text, size_t n, const char *what, entrasql_error *err)
{
    char shown[100];
    es_printable(shown, sizeof shown, text, n);
    es_fail(err, ENTRASQL_CONFIG, "'%s' %s", shown, what);
    es_hint(err, "write PORT, 127.0.0.1:PORT, [::1]:PORT, unix:PATH or systemd:NAME");
    return ENTRASQL_CONFIG;
}

static entrasql_status parse_port(const char *text, size_t n, const char *digits, uint16_t *ret,
                                  entrasql_error *err)
{
    uint64_t port = 0;
    size_t count = n - (size_t)(digits - text);
    if (count == 0 || es_parse_u64(digits, count, UINT16_MAX, &port) != ENTRASQL_OK)
        return bad(text, n, "has no port from 0 to 65535", err);
    *ret = (uint16_t)port;
    return ENTRASQL_OK;
}

static const char *last_colon(const char *text, size_t n)
{
    while (n > 0 && text[n - 1] != ':')
        n--;
    return n > 0 ? text + n - 1 : NULL;
}

static bool is_numeric(const char *host)
{
    uint8_t raw[16];
    return inet_pton(AF_INET, host, raw) == 1 || inet_pton(AF_INET6, host, raw) == 1;
}

static entrasql_status parse_tcp(const char *text, size_t n, proxy_address *a, entrasql_error *err)
{
    const char *colon = last_colon(text, n);
    a->kind = PROXY_ADDRESS_TCP;
    ES_TRY(parse_port(text, n, colon != NULL ? colon + 1 : text, &a->port, err));
    size_t host_len = colon != NULL ? (size_t)(colon - text) : 0;
    const char *host = text;
    bool has_brackets = host_len >= 2 && host[0] == '[' && host[host_len - 1] == ']';
    if (has_brackets) {
        host++;
        host_len -= 2;
    }
    if (colon == NULL || (host_len == 9 && es_strncaseeq(host, "localhost", 9)))
        a->name = es_strdup("127.0.0.1");
    else if (host_len == 1 && host[0] == '*')
        a->name = es_strdup("::");
    else
        a->name = es_strndup(host, host_len);
    if (a->name == NULL)
        return es_nomem(err);
    if (!is_numeric(a->name) ||
        (strchr(a->name, ':') != NULL && colon != NULL && !has_brackets && host[0] != '*'))
        return bad(text, n, "is not on an address: names are not looked up", err);
    return ENTRASQL_OK;
}

static entrasql_status parse_unix(const char *text, size_t n, size_t prefix, proxy_address *a,
                                  entrasql_error *err)
{
    const char *path = text + prefix;
    a->kind = PROXY_ADDRESS_UNIX;
    if (n == prefix || path[0] != '/')
        return bad(text, n, "has no path that begins with '/'", err);
    if (n - prefix >= sizeof(struct sockaddr_un) - offsetof(struct sockaddr_un, sun_path))
        return bad(text, n, "is longer than the path of a socket may be", err);
    a->name = es_strndup(path, n - prefix);
    return a->name != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status parse_systemd(const char *text, size_t n, size_t prefix, proxy_address *a,
                                     entrasql_error *err)
{
    a->kind = PROXY_ADDRESS_SYSTEMD;
    if (n == prefix)
        return bad(text, n, "has no name", err);
    a->name = es_strndup(text + prefix, n - prefix);
    return a->name != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status parse(const char *text, size_t n, proxy_address *a, entrasql_error *err)
{
    static const char unix_prefix[] = "unix:";
    static const char systemd_prefix[] = "systemd:";
    if (n > PROXY_ADDRESS_MAX_BYTES)
        return bad(text, n, "is too long", err);
    if (n >= sizeof unix_prefix - 1 && strncmp(text, unix_prefix, sizeof unix_prefix - 1) == 0)
        return parse_unix(text, n, sizeof unix_prefix - 1, a, err);
    if (n > 0 && text[0] == '/')
        return parse_unix(text, n, 0, a, err);
    if (n >= sizeof systemd_prefix - 1 &&
        strncmp(text, systemd_prefix, sizeof systemd_prefix - 1) == 0)
        return parse_systemd(text, n, sizeof systemd_prefix - 1, a, err);
    return parse_tcp(text, n, a, err);
}

static char *show(const proxy_address *a)
{
    char text[PROXY_ADDRESS_MAX_BYTES + 32];
    if (a->kind == PROXY_ADDRESS_UNIX)
        (void)snprintf(text, sizeof text, "unix:%s", a->name);
    else if (a->kind == PROXY_ADDRESS_SYSTEMD)
        (void)snprintf(text, sizeof text, "systemd:%s", a->name);
    else if (strchr(a->name, ':') != NULL)
        (void)snprintf(text, sizeof text, "[%s]:%u", a->name, (unsigned)a->port);
    else
        (void)snprintf(text, sizeof text, "%s:%u", a->name, (unsigned)a->port);
    return es_strdup(text);
}

entrasql_status proxy_address_parse(const char *text, size_t n, proxy_address *ret,
                                    entrasql_error *err)
{
    proxy_address a = {0};
    entrasql_status status = parse(text, n, &a, err);
    if (status == ENTRASQL_OK) {
        a.text = show(&a);
        if (a.text == NULL)
            status = es_nomem(err);
    }
    if (status != ENTRASQL_OK) {
        proxy_address_done(&a);
        return status;
    }
    *ret = a;
    return ENTRASQL_OK;
}

void proxy_address_done(proxy_address *a)
{
    es_free(a->text);
    es_free(a->name);
    *a = (proxy_address){0};
}

bool proxy_address_equal(const proxy_address *a, const proxy_address *b)
{
    return a->kind == b->kind && es_streq(a->name, b->name) && a->port == b->port;
}

bool proxy_address_is_local(const proxy_address *a)
{
    if (a->kind == PROXY_ADDRESS_UNIX)
        return true;
    /* What systemd hands over is looked at once it is here. */
    return a->kind == PROXY_ADDRESS_TCP &&
           (es_starts_with(a->name, "127.") || es_streq(a->name, "::1"));
}
