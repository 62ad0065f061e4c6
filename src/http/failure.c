/* SPDX-License-Identifier: MIT */
/* Results of libcurl as our statuses, with words for people. */
#include "http/internal.h"

#include "base/str.h"

#include <string.h>

static entrasql_status status_of(CURLcode code)
{
    /* The list is long and grows with the library: only what we tell apart is named. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wswitch-enum"
    switch (code) {
    case CURLE_OUT_OF_MEMORY:
        return ENTRASQL_NOMEM;
    case CURLE_OPERATION_TIMEDOUT:
        return ENTRASQL_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_INTERFACE_FAILED:
    case CURLE_PROXY:
        return ENTRASQL_NETWORK;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        return ENTRASQL_CLOSED;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
        return ENTRASQL_TLS;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_HTTP2:
    case CURLE_HTTP3:
    case CURLE_BAD_CONTENT_ENCODING:
        return ENTRASQL_MALFORMED;
    case CURLE_URL_MALFORMAT:
        return ENTRASQL_INVALID;
    default:
        return ENTRASQL_NETWORK;
    }
#pragma GCC diagnostic pop
}

static void set_hint(const http_operation *op, entrasql_status status, CURLcode code,
                     entrasql_error *err)
{
    if (status == ENTRASQL_TLS && op->is_pinned)
        es_hint(err, "the server's certificate is not the one that was named by its thumbprint: "
                     "compare the two");
    else if (status == ENTRASQL_TLS && code == CURLE_PEER_FAILED_VERIFICATION)
        es_hint(err, "check that the certificate is for this host and in date; when its issuer is "
                     "your own, name the issuer's PEM file in SSL_CERT_FILE or in the ca_file "
                     "option; when a company proxy inspects TLS, use the proxy's issuer");
    else if (status == ENTRASQL_TLS && code == CURLE_SSL_CACERT_BADFILE)
        es_hint(err, "the file in SSL_CERT_FILE or the ca_file option must be readable and hold "
                     "PEM certificates");
    else if (status == ENTRASQL_TLS)
        es_hint(err, "the peer may not speak TLS 1.2 on this port, or something between here and "
                     "there breaks TLS");
    else if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY)
        es_hint(err, "check the name and the DNS settings of this machine");
    else if (status == ENTRASQL_NETWORK && op->is_direct)
        es_hint(err, "check the address, and that something listens there");
    else if (status == ENTRASQL_NETWORK)
        es_hint(err, "check that the host is up, and the firewall and proxy settings (https_proxy, "
                     "no_proxy)");
}

/*
 * libcurl says "out of memory" for a header line beyond its own limit of 100 kB, too, which it
 * never hands on to us. Once the peer has begun to answer it is the peer's doing.
 */
static bool is_long_header(const http_operation *op, CURLcode code)
{
    curl_off_t first_byte_us = 0;
    return code == CURLE_OUT_OF_MEMORY && op->sink_status == ENTRASQL_OK &&
           curl_easy_getinfo(op->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte_us) == CURLE_OK &&
           first_byte_us > 0;
}

/* libcurl quotes a proxy that it does not understand as it is, with user and password. */
static void hide_proxy(char *text)
{
    static const char *const starts[] = {"Unsupported proxy syntax", "Unsupported proxy scheme"};
    for (size_t i = 0; i < ES_COUNT_OF(starts); i++) {
        if (es_starts_with(text, starts[i]))
            text[strlen(starts[i])] = '\0';
    }
}

entrasql_status http_failure(const http_operation *op, CURLcode code, entrasql_error *err)
{
    if (op->sink_status == ENTRASQL_LIMIT || is_long_header(op, code))
        return es_fail(err, ENTRASQL_LIMIT,
                       "the answer of %s is larger than the limit of %d bytes (headers %d)",
                       op->place, HTTP_MAX_BODY, HTTP_MAX_HEADERS);
    entrasql_status status = op->sink_status != ENTRASQL_OK ? op->sink_status : status_of(code);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(err);
    char detail[CURL_ERROR_SIZE];
    es_printable(detail, sizeof detail, op->error_text, strlen(op->error_text));
    hide_proxy(detail);
    const char *text = curl_easy_strerror(code);
    if (status == ENTRASQL_TLS)
        es_fail(err, status, "TLS with %s failed: %s%s%s%s", op->place, text,
                detail[0] != '\0' ? " (" : "", detail, detail[0] != '\0' ? ")" : "");
    else if (status == ENTRASQL_TIMEOUT)
        es_fail(err, status, "no answer from %s in time", op->place);
    else
        es_fail(err, status, "the request to %s failed: %s", op->place,
                detail[0] != '\0' ? detail : text);
    set_hint(op, status, code, err);
    return status;
}
