/* SPDX-License-Identifier: MIT */
/* Commands that mend: whole, to be pasted into a shell, with the names as they are. */
#include "doctor/inner.h"

#include "base/buf.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define LOGICAL_SUFFIX ".database."

/* What no shell takes for anything else, and no program for an option. */
static bool is_plain(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_.,:@/-";
    return text[0] != '\0' && text[0] != '-' && text[strspn(text, plain)] == '\0';
}

const char *doctor_word(const char *text, char *ret, size_t size)
{
    ES_CLEANUP(es_buf_done) es_buf quoted = ES_BUF_INIT(size - 1);
    const char *s = is_plain(text) || es_buf_add_shell(&quoted, text) != ENTRASQL_OK
                        ? NULL
                        : es_buf_cstr(&quoted);
    if (s == NULL && !is_plain(text))
        s = "NAME"; /* too long to be one, or no memory: half a quotation would be worse */
    es_strlcpy_utf8(ret, size, s != NULL ? s : text);
    return ret;
}

const char *doctor_place(const doctor *d, char *ret, size_t size)
{
    char server[300];
    char host[340];
    char database[300];
    const conf_target *t = &d->target;
    bool named = !es_str_is_empty(t->database);
    if (d->front.is_proxy)
        return doctor_front_place(&d->front, ret, size);
    if (t->port == 1433 || t->port == 0)
        (void)snprintf(server, sizeof server, "%s", t->host);
    else
        (void)snprintf(server, sizeof server, "%s,%u", t->host, (unsigned)t->port);
    (void)snprintf(ret, size, "-S %s%s%s", doctor_word(server, host, sizeof host),
                   named ? " -d " : "",
                   named ? doctor_word(t->database, database, sizeof database) : "");
    return ret;
}

const char *doctor_logical_server(const doctor *d, char *ret, size_t size)
{
    const char *end = strstr(d->target.host, LOGICAL_SUFFIX);
    if (end == NULL || strchr(d->target.host, '.') != end || end == d->target.host)
        return "SERVER";
    (void)snprintf(ret, size, "%.*s", (int)(end - d->target.host), d->target.host);
    return is_plain(ret) ? ret : "SERVER";
}

/* "Client with IP address '203.0.113.7' is not allowed": what is between the quotes. */
bool doctor_client_address(const char *message, char *ret, size_t size)
{
    static const char before[] = "IP address '";
    const char *p = strstr(message, before);
    if (p == NULL)
        return false;
    p += sizeof before - 1;
    size_t n = strspn(p, "0123456789abcdefABCDEF.:");
    if (n == 0 || n >= size || p[n] != '\'')
        return false;
    memcpy(ret, p, n);
    ret[n] = '\0';
    return true;
}
