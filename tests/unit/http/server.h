/* SPDX-License-Identifier: MIT */
/*
 * A scripted HTTP server for tests: a thread on a loopback port that answers
 * one connection after the other with the next answer of its script (the last
 * one again and again) and keeps the requests. Failures end the test program.
 */
#ifndef TEST_HTTP_SERVER_H
#define TEST_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>

typedef enum test_act {
    TEST_REPLY,
    TEST_CLOSE,  /* closes without an answer */
    TEST_CUT,    /* sends `cut` bytes of the answer, then closes */
    TEST_SILENT, /* never answers; until the peer leaves */
    TEST_SLOW,   /* waits for test_server_release(), then answers */
    TEST_RAW     /* the body alone, not as HTTP */
} test_act;

typedef struct test_answer {
    int status;          /* 0: 200 */
    const char *headers; /* lines with \r\n, or NULL */
    const char *body;    /* NULL: empty */
    size_t repeat;       /* so many times the body; 0: once */
    test_act act;
    size_t cut;
} test_answer;

typedef struct test_server test_server;

/* tls: with a certificate for localhost of an authority of its own. */
test_server *test_server_start(bool tls);
void test_server_stop(test_server *s);
/* "https://localhost:12345" or "http://127.0.0.1:12345", without a slash. */
const char *test_server_url(const test_server *s);
unsigned test_server_port(const test_server *s);
/* PEM file of the authority. */
const char *test_server_ca_file(const test_server *s);

/* SHA-1 of the certificate it shows, as 40 hex digits. */
void test_server_thumbprint(const test_server *s, char ret[41]);

/* Starts a new script and forgets the requests so far. The answers are borrowed. */
void test_server_play(test_server *s, const test_answer *answers, size_t count);
/* How many requests came (connections, for those that sent none). */
unsigned test_server_count(test_server *s);
/* Request i as it came, head and body; valid until the next play. */
const char *test_server_request(test_server *s, unsigned i);
/* Lets the answers that wait (TEST_SLOW) go. */
void test_server_release(test_server *s);
/* Blocks until so many requests have come. */
void test_server_wait(test_server *s, unsigned count);

#endif
