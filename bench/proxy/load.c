/* SPDX-License-Identifier: MIT */
/*
 * The clients of the bench. Each run prints one line of JSON.
 *
 *   load PORT bytes N ROUNDS        a result set of N bytes, ROUNDS times: seconds of each
 *   load PORT trip N                N round trips of SELECT 1 on one connection: microseconds
 *   load PORT connect SECONDS       connect, SELECT 1, close, one after another
 *   load PORT idle COUNT [held]     COUNT logged-in clients that do nothing until standard input
 *                                   ends; held: each has had a request and holds a transaction
 *   load PORT postgres COUNT        the same for PgBouncer's protocol
 *
 * Environment: WIRE_CA (a file: TLS first, strict; with WIRE_74 TDS 7.4's TLS), WIRE_TOKEN,
 * WIRE_PACKET (packet size), WIRE_DATABASE.
 */
#include "base/mem.h"
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const entrasql_error *err)
{
    (void)fprintf(stderr, "load: %s\n", err->message);
    exit(1);
}

static wire *connected(const wire_options *o)
{
    wire *w = NULL;
    entrasql_error err;
    if (wire_open(o, &w, &err) != ENTRASQL_OK)
        fail(&err);
    return w;
}

static void ask(wire *w, const char *text, uint64_t *ret_bytes)
{
    entrasql_error err;
    if (wire_send(w, text, false, &err) != ENTRASQL_OK ||
        wire_skip(w, ret_bytes, &err) != ENTRASQL_OK)
        fail(&err);
}

static void run_bytes(const wire_options *o, const char *count, int rounds)
{
    wire *w = connected(o);
    char text[64];
    uint64_t bytes = 0;
    (void)snprintf(text, sizeof text, "SELECT %s", count);
    (void)printf("{\"seconds\":[");
    for (int i = 0; i < rounds; i++) {
        double began = now();
        ask(w, text, &bytes);
        (void)printf("%s%.6f", i > 0 ? "," : "", now() - began);
    }
    (void)printf("],\"bytes\":%llu}\n", (unsigned long long)bytes);
    wire_close(w);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void run_trips(const wire_options *o, int count)
{
    wire *w = connected(o);
    double *took = es_calloc((size_t)count, sizeof *took);
    uint64_t bytes = 0;
    if (took == NULL)
        exit(1);
    for (int i = -count / 10; i < count; i++) { /* the first tenth warms up */
        double began = now();
        ask(w, "SELECT 1", &bytes);
        if (i >= 0)
            took[i] = (now() - began) * 1e6;
    }
    qsort(took, (size_t)count, sizeof *took, compare);
    (void)printf("{\"median\":%.2f,\"p99\":%.2f,\"max\":%.2f}\n", took[count / 2],
                 took[(size_t)count * 99 / 100], took[count - 1]);
    es_free(took);
    wire_close(w);
}

static void run_connects(const wire_options *o, double seconds)
{
    uint64_t bytes = 0;
    unsigned long count = 0;
    double began = now();
    while (now() - began < seconds) {
        wire *w = connected(o);
        ask(w, "SELECT 1", &bytes);
        wire_close(w);
        count++;
    }
    double took = now() - began;
    (void)printf("{\"count\":%lu,\"per_second\":%.2f}\n", count, (double)count / took);
}

static void wait_for_end(int count)
{
    char byte;
    (void)printf("{\"ready\":%d}\n", count);
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
}

static void run_idle(const wire_options *o, int count, bool held)
{
    uint64_t bytes = 0;
    wire **all = es_calloc((size_t)count, sizeof(wire *));
    if (all == NULL)
        exit(1);
    for (int i = 0; i < count; i++) {
        all[i] = connected(o);
        if (held)
            ask(all[i], "SELECT 1", &bytes);
    }
    wait_for_end(count);
    for (int i = 0; i < count; i++)
        wire_close(all[i]);
    es_free(all);
}

/* ---- PgBouncer ---- */

/* Startup message; the answer ends with ReadyForQuery ('Z'). */
static void log_in_postgres(int fd)
{
    static const char startup[] = "\0\0\0\x23\0\3\0\0user\0bench\0database\0bench\0\0";
    unsigned char head[5];
    char skip[4096];
    if (send(fd, startup, 0x23, 0) != 0x23)
        exit(1);
    do {
        if (recv(fd, head, sizeof head, MSG_WAITALL) != sizeof head)
            exit(1);
        size_t n =
            ((size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4]) - 4;
        if (head[0] == 'E' || n > sizeof skip ||
            (n > 0 && recv(fd, skip, n, MSG_WAITALL) != (ssize_t)n)) {
            (void)fprintf(stderr, "load: PgBouncer refuses\n");
            exit(1);
        }
    } while (head[0] != 'Z');
}

static void run_postgres(uint16_t port, int count)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < count; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
            perror("load");
            exit(1);
        }
        log_in_postgres(fd);
    }
    wait_for_end(count);
}

int main(int argc, char **argv)
{
    entrasql_error err;
    struct rlimit l;
    const char *packet = getenv("WIRE_PACKET");
    wire_options o = {.user = "any",
                      .password = "any",
                      .app_name = "bench",
                      .token = getenv("WIRE_TOKEN"),
                      .database = getenv("WIRE_DATABASE"),
                      .tls_in_login = getenv("WIRE_74") != NULL,
                      .packet_size = packet != NULL ? (uint32_t)strtoul(packet, NULL, 10) : 0,
                      .timeout_ms = 120000};
    if (argc < 4) {
        (void)fprintf(stderr, "load PORT bytes|trip|connect|idle|postgres ...\n");
        return 2;
    }
    if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
        l.rlim_cur = l.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &l);
    }
    o.port = (uint16_t)strtoul(argv[1], NULL, 10);
    int n = (int)strtol(argv[3], NULL, 10);
    if (getenv("WIRE_CA") != NULL && wire_tls_new(getenv("WIRE_CA"), &o.tls, &err) != ENTRASQL_OK)
        fail(&err);
    if (strcmp(argv[2], "bytes") == 0)
        run_bytes(&o, argv[3], argc > 4 ? (int)strtol(argv[4], NULL, 10) : 1);
    else if (strcmp(argv[2], "trip") == 0)
        run_trips(&o, n);
    else if (strcmp(argv[2], "connect") == 0)
        run_connects(&o, strtod(argv[3], NULL));
    else if (strcmp(argv[2], "idle") == 0)
        run_idle(&o, n, argc > 4);
    else if (strcmp(argv[2], "postgres") == 0)
        run_postgres(o.port, n);
    wire_tls_free(o.tls);
    return 0;
}
