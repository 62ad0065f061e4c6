/* SPDX-License-Identifier: MIT */
/* Status tables and the filling of error records. */
#include "base/error.h"

#undef es_fail
#undef es_fail_errno
#undef es_nomem

#include "base/str.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    entrasql_error_class klass;
    const char *text;
} status_table[] = {
#define STATUS_ROW(name, klass, text) {#name, ENTRASQL_CLASS_##klass, text},
    ENTRASQL_STATUS_MAP(STATUS_ROW)
#undef STATUS_ROW
};

static size_t status_index(entrasql_status status)
{
    return (unsigned)status < ENTRASQL_STATUS_COUNT ? (size_t)status : (size_t)ENTRASQL_INTERNAL;
}

entrasql_error_class entrasql_status_class(entrasql_status status)
{
    return status_table[status_index(status)].klass;
}

const char *entrasql_status_name(entrasql_status status)
{
    return status_table[status_index(status)].name;
}

const char *entrasql_status_text(entrasql_status status)
{
    return status_table[status_index(status)].text;
}

void es_error_clear(entrasql_error *err)
{
    if (err == NULL)
        return;
    err->status = ENTRASQL_OK;
    err->error_class = ENTRASQL_CLASS_NONE;
    err->os_errno = 0;
    err->number = 0;
    err->state = 0;
    err->severity = 0;
    err->line = 0;
    err->correlation_id[0] = '\0';
    err->message[0] = '\0';
    err->hint[0] = '\0';
    err->claims[0] = '\0';
}

entrasql_status es_failv(entrasql_error *err, entrasql_status status, const char *fmt, va_list ap)
{
    if (err == NULL)
        return status;
    es_error_clear(err);
    err->status = status;
    err->error_class = entrasql_status_class(status);
    (void)vsnprintf(err->message, sizeof err->message, fmt, ap);
    es_utf8_trim_end(err->message);
    return status;
}

entrasql_status es_fail(entrasql_error *err, entrasql_status status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    es_failv(err, status, fmt, ap);
    va_end(ap);
    return status;
}

entrasql_status es_fail_errno(entrasql_error *err, int os_errno, const char *fmt, ...)
{
    if (err == NULL)
        return ENTRASQL_OS;
    va_list ap;
    va_start(ap, fmt);
    es_failv(err, ENTRASQL_OS, fmt, ap);
    va_end(ap);
    err->os_errno = os_errno;
    size_t used = strlen(err->message);
    char text[128];
    /* The GNU strerror_r returns the text; it may or may not use the buffer. */
    const char *reason = strerror_r(os_errno, text, sizeof text);
    (void)snprintf(err->message + used, sizeof err->message - used, ": %s", reason);
    return ENTRASQL_OS;
}

entrasql_status es_nomem(entrasql_error *err)
{
    return es_fail(err, ENTRASQL_NOMEM, "out of memory");
}

void es_hint(entrasql_error *err, const char *fmt, ...)
{
    if (err == NULL)
        return;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(err->hint, sizeof err->hint, fmt, ap);
    va_end(ap);
    es_utf8_trim_end(err->hint);
}

void es_error_prefix(entrasql_error *err, const char *fmt, ...)
{
    if (err == NULL)
        return;
    char prefix[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(prefix, sizeof prefix, fmt, ap);
    va_end(ap);
    size_t prefix_len = strlen(prefix);
    size_t message_len = strlen(err->message);
    size_t room = sizeof err->message - 1;
    if (prefix_len + 2 > room)
        return;
    if (message_len > room - prefix_len - 2)
        message_len = room - prefix_len - 2;
    memmove(err->message + prefix_len + 2, err->message, message_len);
    memcpy(err->message, prefix, prefix_len);
    memcpy(err->message + prefix_len, ": ", 2);
    err->message[prefix_len + 2 + message_len] = '\0';
    es_utf8_trim_end(err->message);
}
