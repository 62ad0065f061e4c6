/* SPDX-License-Identifier: MIT */
/*
 * The messages of a federated login ([MS-TDS] 2.2.6.3, 2.2.6.4, 2.2.7.12): the
 * FEDAUTH feature of LOGIN7, the FEDAUTHINFO token, the token message (packet
 * type 0x08). Tokens travel as UTF-16LE and live here as UTF-8 in an
 * es_secret; nothing of them gets into an error.
 */
#ifndef TDS_FEDAUTH_H
#define TDS_FEDAUTH_H

#include "base/buf.h"
#include "base/error.h"
#include "tds/login7.h"
#include "tds/token.h"

#define TDS_FEDAUTH_TOKEN_MAX_BYTES (1024U * 1024U) /* on the wire; SqlClient's limit */
#define TDS_FEDAUTH_NONCE_BYTES 32U

/* The body of the FEDAUTH feature as the fields of *l say. The buffer should be a wiping one. */
entrasql_status tds_fedauth_feature_build(const tds_login7 *l, es_buf *out,
                                          entrasql_error *err) ES_MUST_USE;
/* Fills the fedauth_* fields of *l, which must be empty; they are its to free even on failure. */
entrasql_status tds_fedauth_feature_parse(const uint8_t *p, size_t n, tds_login7 *l,
                                          entrasql_error *err) ES_MUST_USE;

/* The body of a type 0x08 message. */
entrasql_status tds_fedauth_message_build(const es_secret *token, es_buf *out,
                                          entrasql_error *err) ES_MUST_USE;
entrasql_status tds_fedauth_message_parse(const uint8_t *p, size_t n, es_secret **ret,
                                          entrasql_error *err) ES_MUST_USE;

typedef struct tds_fedauth_info {
    char *sts_url; /* owned; never NULL after parse */
    char *spn;
} tds_fedauth_info;

void tds_fedauth_info_done(tds_fedauth_info *i);
/* A FEDAUTHINFO token; both texts are required. */
entrasql_status tds_fedauth_info_parse(const tds_token *t, tds_fedauth_info *ret,
                                       entrasql_error *err) ES_MUST_USE;
entrasql_status tds_fedauth_info_add(es_buf *out, const char *sts_url, const char *spn) ES_MUST_USE;

#endif
