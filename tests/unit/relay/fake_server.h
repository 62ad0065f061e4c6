/* SPDX-License-Identifier: MIT */
/*
 * A scripted SQL Server on a thread: each connection follows the next line of
 * the script, the last line again and again. After acceptance it sends back
 * what it gets.
 */
#ifndef TESTS_RELAY_FAKE_SERVER_H
#define TESTS_RELAY_FAKE_SERVER_H

#include "relay/accept.h"

#include <pthread.h>

typedef enum act {
    ACT_ACCEPT,
    ACT_REFUSE,  /* number, text */
    ACT_ROUTE,   /* text: host, number: port */
    ACT_ASK,     /* FEDAUTHINFO with text as authority, then accept */
    ACT_SILENT,  /* takes bytes, says nothing */
    ACT_GARBAGE, /* text instead of the answer to PRELOGIN */
    ACT_CLOSE    /* at once */
} act;

typedef struct line {
    act act;
    uint32_t number;
    const char *text;
} line;

typedef struct fake_server_options {
    const char *certificate; /* of tests/unit/tls/certs.h */
    tds_server_tls tls;
    const line *script;
    size_t lines;
} fake_server_options;

typedef struct fake_server {
    fake_server_options options;
    uint16_t port;
    int listener;
    int stop_fd;
    tls_context *tls;
    pthread_t thread;
    /* guarded by the lock: of the latest login */
    pthread_mutex_t lock;
    unsigned connections;
    bool encrypted;
    bool strict;
    char server_name[128];
    char user[64];
    char password[64];
    char database[64];
    char app[64];
    char token[64];
    uint32_t tds_version;
    uint32_t packet_size;
    size_t features;
} fake_server;

void fake_server_start(fake_server *s, const fake_server_options *options);
/* Ends the thread; the recorded values can then be read without the lock. */
void fake_server_stop(fake_server *s);

#endif
