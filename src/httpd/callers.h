/* SPDX-License-Identifier: MIT */
/*
 * Who is connected, the one first that has been silent for longest: it makes room when there are
 * too many, so that callers who say nothing, or drip, or do not read, keep nobody out. A caller
 * whose request is being handled stays.
 *
 * Any thread. A caller is the service's from the connection's first moment to its last.
 */
#ifndef HTTPD_CALLERS_H
#define HTTPD_CALLERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct httpd_caller {
    struct httpd_caller *next;
    struct httpd_caller *prev;
    int fd;
    bool is_handled; /* its request is with the handler */
    bool is_ending;  /* it was told to go */
} httpd_caller;

typedef struct httpd_callers {
    pthread_mutex_t lock;
    pthread_cond_t is_empty;
    httpd_caller *first;
    httpd_caller *last;
    size_t count; /* without those that are ending */
    size_t max;
    bool is_over; /* who comes is told to go at once */
} httpd_callers;

void httpd_callers_init(httpd_callers *all, size_t max);
void httpd_callers_done(httpd_callers *all);

/* It is connected by that socket. NULL without memory. */
httpd_caller *httpd_callers_come(httpd_callers *all, int fd);
/* Before the socket is closed. NULL allowed. */
void httpd_callers_go(httpd_callers *all, httpd_caller *c);
/* Its request is whole and with the handler, or its answer is made: it is the last to go. */
void httpd_callers_handled(httpd_callers *all, httpd_caller *c, bool now);

/* All are told to go, and who comes from now on; returns when the service has closed them. */
void httpd_callers_end(httpd_callers *all);

#endif
