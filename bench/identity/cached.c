/* SPDX-License-Identifier: MIT */
/*
 * What a cached get_token costs: N threads ask one credential as fast as they
 * can. Prints a line of JSON: threads, calls, wall and CPU seconds.
 *
 *   cached THREADS SECONDS
 */
#include <entrasql/entrasql.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_THREADS 1024
/* As long as Entra's tokens are. */
#define TOKEN_BYTES 1700

static atomic_bool may_end;
static pthread_barrier_t start;

static entrasql_status give(void *context, const entrasql_token_request *request,
                            entrasql_token **ret, entrasql_error *err)
{
    char text[TOKEN_BYTES + 1];
    (void)context;
    (void)request;
    (void)err;
    memset(text, 'x', TOKEN_BYTES);
    text[TOKEN_BYTES] = '\0';
    *ret = entrasql_token_new(text, time(NULL) + 3600);
    return *ret != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

static void *ask(void *context)
{
    const entrasql_token_request request = {.scope = ENTRASQL_SCOPE_SQL};
    unsigned long *calls = context;
    entrasql_credential *credential = (entrasql_credential *)*calls;
    unsigned long n = 0;
    (void)pthread_barrier_wait(&start);
    while (!atomic_load_explicit(&may_end, memory_order_relaxed)) {
        for (int i = 0; i < 100; i++, n++) {
            entrasql_token *token;
            if (entrasql_credential_get_token(credential, &request, &token, NULL) != ENTRASQL_OK ||
                entrasql_token_value(token)[0] != 'x')
                abort();
            entrasql_token_free(token);
        }
    }
    *calls = n;
    return NULL;
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    double wanted = argc > 2 ? atof(argv[2]) : 1;
    static pthread_t ids[MAX_THREADS];
    static struct {
        unsigned long calls;
        char apart[128 - sizeof(unsigned long)];
    } of[MAX_THREADS];
    entrasql_credential *credential;
    if (threads < 1 || threads > MAX_THREADS ||
        entrasql_custom_credential_new("Bench", give, NULL, NULL, &credential, NULL) != ENTRASQL_OK)
        return 1;
    (void)pthread_barrier_init(&start, NULL, (unsigned)threads + 1);
    for (int i = 0; i < threads; i++) {
        of[i].calls = (unsigned long)credential;
        if (pthread_create(&ids[i], NULL, ask, &of[i].calls) != 0)
            return 1;
    }
    (void)pthread_barrier_wait(&start);
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    (void)nanosleep(&(struct timespec){.tv_sec = (time_t)wanted,
                                       .tv_nsec = (long)((wanted - (double)(time_t)wanted) * 1e9)},
                    NULL);
    atomic_store(&may_end, true);
    unsigned long calls = 0;
    for (int i = 0; i < threads; i++) {
        (void)pthread_join(ids[i], NULL);
        calls += of[i].calls;
    }
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("{\"threads\":%d,\"calls\":%lu,\"wall\":%.4f,\"cpu\":%.4f}\n", threads, calls, wall, cpu);
    entrasql_credential_unref(credential);
    return 0;
}
