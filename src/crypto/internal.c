/* SPDX-License-Identifier: MIT */
/* OpenSSL's errors and memory BIOs in our terms. */
#include "internal.h"

#include "base/buf.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <stdarg.h>
#include <stdio.h>

entrasql_status crypto_fail(entrasql_error *err, entrasql_status status, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    unsigned long code = ERR_peek_last_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    if (reason == NULL)
        return es_fail(err, status, "%s", text);
    return es_fail(err, status, "%s: %s", text, reason);
}

entrasql_status crypto_bio_to_buf(BIO *bio, es_buf *out, entrasql_error *err)
{
    char *data = NULL;
    long n = BIO_get_mem_data(bio, &data);
    if (n <= 0)
        return crypto_fail(err, ENTRASQL_INTERNAL, "writing PEM gave no text");
    if (es_buf_add(out, data, (size_t)n) != ENTRASQL_OK)
        return es_nomem(err);
    return ENTRASQL_OK;
}
