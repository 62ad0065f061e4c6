/* SPDX-License-Identifier: MIT */
/* A wire with a fault: passes bytes between a client and a server until it breaks. */
#ifndef TESTS_RELAY_CUTTER_H
#define TESTS_RELAY_CUTTER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cutter {
    uint16_t port; /* where clients connect */
    uint16_t server_port;
    size_t chunk; /* bytes of one write; 0: as they come */
    int listener;
    int stop_fd;
    pthread_t thread;
    /* guarded by the lock */
    pthread_mutex_t lock;
    size_t cut_after; /* bytes from server to client, for each connection; SIZE_MAX: never */
    size_t passed;    /* of the latest connection */
} cutter;

void cutter_start(cutter *c, uint16_t server_port, size_t chunk);
void cutter_set(cutter *c, size_t cut_after);
size_t cutter_passed(cutter *c);
void cutter_stop(cutter *c);

#endif
