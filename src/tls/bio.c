/* SPDX-License-Identifier: MIT */
/*
 * Where OpenSSL reads and writes records: straight out of the bytes that were
 * lent for the moment, straight into the output buffer. Its own memory BIOs
 * would copy both once more, and keep what they once needed.
 */
#include "tls/inner.h"

#include <openssl/bio.h>
#include <string.h>

static size_t take(const uint8_t *from, size_t left, char *to, size_t n)
{
    size_t count = left < n ? left : n;
    memcpy(to, from, count);
    return count;
}

static int on_read(BIO *bio, char *p, int n)
{
    tls_conn *c = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (n <= 0)
        return 0;
    size_t got = 0;
    if (c->records_at < c->records.len) {
        got = take(c->records.data + c->records_at, c->records.len - c->records_at, p, (size_t)n);
        c->records_at += got;
        if (c->records_at == c->records.len) {
            es_buf_done(&c->records);
            c->records_at = 0;
        }
    } else if (c->lent_len > 0) {
        got = take(c->lent, c->lent_len, p, (size_t)n);
        c->lent += got;
        c->lent_len -= got;
    }
    if (got > 0)
        return (int)got;
    BIO_set_retry_read(bio);
    return -1;
}

static int on_write(BIO *bio, const char *p, int n)
{
    tls_conn *c = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (n <= 0)
        return 0;
    c->output_status = es_buf_add(c->wrap && !c->established ? &c->flight : &c->out, p, (size_t)n);
    return c->output_status == ENTRASQL_OK ? n : -1;
}

static long on_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int on_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *tls_bio_method_new(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "entrasql");
    if (m == NULL)
        return NULL;
    if (BIO_meth_set_read(m, on_read) != 1 || BIO_meth_set_write(m, on_write) != 1 ||
        BIO_meth_set_ctrl(m, on_ctrl) != 1 || BIO_meth_set_create(m, on_create) != 1) {
        BIO_meth_free(m);
        return NULL;
    }
    return m;
}
