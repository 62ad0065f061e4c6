/* SPDX-License-Identifier: MIT */
/* The request of a browser to the loopback listener. */
#include "identity/loopback_request.h"

#include "base/compiler.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

/* One line of a head: the value when it has that name, blanks around it cut off. */
static bool is_header(const char *line, size_t n, const char *name, const char **ret,
                      size_t *ret_len)
{
    size_t length = strlen(name);
    if (n <= length || line[length] != ':' || !es_strncaseeq(line, name, length))
        return false;
    const char *value = line + length + 1;
    n -= length + 1;
    while (n != 0 && (*value == ' ' || *value == '\t')) {
        value++;
        n--;
    }
    while (n != 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'))
        n--;
    *ret = value;
    *ret_len = n;
    return true;
}

static bool is_own_host(uint16_t port, const char *value, size_t n)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    char own[32];
    for (size_t i = 0; i < ES_COUNT_OF(names); i++) {
        (void)snprintf(own, sizeof own, "%s:%u", names[i], (unsigned)port);
        if (n == strlen(own) && es_strncaseeq(value, own, n))
            return true;
    }
    return false;
}

static void read_header(uint16_t port, const char *line, size_t n, identity_loopback_request *h)
{
    const char *value;
    size_t length;
    uint64_t number;
    if (is_header(line, n, "Host", &value, &length)) {
        h->is_broken = h->is_broken || h->has_host;
        h->has_host = is_own_host(port, value, length);
    } else if (is_header(line, n, "Content-Type", &value, &length)) {
        static const char type[] = "application/x-www-form-urlencoded";
        h->is_form = length >= sizeof type - 1 && es_strncaseeq(value, type, sizeof type - 1) &&
                     (length == sizeof type - 1 || value[sizeof type - 1] == ';' ||
                      value[sizeof type - 1] == ' ');
    } else if (is_header(line, n, "Content-Length", &value, &length)) {
        bool is_number =
            es_parse_u64(value, length, IDENTITY_LOOPBACK_MAX_REQUEST, &number) == ENTRASQL_OK;
        h->is_broken = h->is_broken || !is_number || h->body_length != SIZE_MAX;
        h->body_length = is_number ? (size_t)number : 0;
    } else if (is_header(line, n, "Transfer-Encoding", &value, &length)) {
        h->is_broken = true; /* browsers know the length of a form */
    }
}

/* The request line and the headers; body_length is SIZE_MAX when it is not said. */
static identity_loopback_request read_head(const char *text, size_t n, uint16_t port)
{
    identity_loopback_request h = {.body_length = SIZE_MAX};
    const char *end = text + n;
    const char *line_end = memchr(text, '\r', n);
    size_t first = line_end != NULL ? (size_t)(line_end - text) : n;
    h.is_post = first > 5 && memcmp(text, "POST ", 5) == 0;
    h.is_root = first > 6 && h.is_post && memcmp(text + 5, "/ ", 2) == 0;
    const char *line = text + first;
    while (end - line > 2) {
        line += 2;
        const char *next = memchr(line, '\r', (size_t)(end - line));
        size_t length = next != NULL ? (size_t)(next - line) : (size_t)(end - line);
        read_header(port, line, length, &h);
        line += length;
    }
    return h;
}

bool identity_loopback_request_read(const char *text, size_t n, uint16_t port,
                                    identity_loopback_request *ret)
{
    const char *end = n != 0 && text != NULL ? memmem(text, n, "\r\n\r\n", 4) : NULL;
    if (end == NULL)
        return false;
    identity_loopback_request r = read_head(text, (size_t)(end - text), port);
    if (!r.is_post || r.body_length == SIZE_MAX || r.is_broken)
        r.body_length = 0;
    r.body = end + 4;
    if (n - (size_t)(r.body - text) < r.body_length)
        return false;
    *ret = r;
    return true;
}
