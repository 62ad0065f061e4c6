/* SPDX-License-Identifier: MIT */
/*
 * Reading, strictly, the one request that a browser sends to the loopback listener (RFC 9112).
 * Pure; every byte comes from whoever connected.
 */
#ifndef IDENTITY_LOOPBACK_REQUEST_H
#define IDENTITY_LOOPBACK_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDENTITY_LOOPBACK_MAX_REQUEST (64 * 1024)

typedef struct identity_loopback_request {
    bool is_post;
    bool is_root;       /* path "/", no query */
    bool has_host;      /* one Host, which names the listener's own address */
    bool is_form;       /* application/x-www-form-urlencoded */
    bool is_broken;     /* contradictory, too long, or in a form that browsers do not use */
    const char *body;   /* lent, inside the text */
    size_t body_length; /* 0 unless POST */
} identity_loopback_request;

/* False: more bytes are needed. */
bool identity_loopback_request_read(const char *text, size_t n, uint16_t port,
                                    identity_loopback_request *ret);

#endif
