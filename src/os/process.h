/* SPDX-License-Identifier: MIT */
/*
 * Running another program: no shell, no signal handler, with a deadline.
 *
 * The child gets /dev/null as standard input, pipes as output, none of our
 * other descriptors, an empty signal mask, default signal actions and a process group of its
 * own, so that it ends together with everything it started. The operation is
 * asynchronous (os/wait.h) and belongs to one thread at a time.
 *
 * The host process may ignore SIGCHLD or reap children that are not its own;
 * the exit status is then unknown (exit_code -1) and the output decides.
 */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include "base/buf.h"
#include "os/wait.h"

/* What a child may print on each of the two streams; more is LIMIT. */
#define OS_PROCESS_MAX_OUTPUT (1024 * 1024)
/* How long to go on reading after the child has ended and left a stream open to others. */
#define OS_PROCESS_GRACE_MS 100

typedef struct os_process os_process;

typedef struct os_process_options {
    const char *path;        /* absolute path of the program */
    const char *const *argv; /* NULL-terminated; argv[0] included */
    const char *const *envp; /* NULL-terminated; the child's whole environment */
    const char *directory;   /* its working directory */
    int64_t deadline_ms;     /* monotonic; past it the whole group is killed */
} os_process_options;

typedef struct os_process_result {
    int exit_code; /* 0-255; 128 + n when signal n ended it; -1: unknown, see above */
    es_buf out;    /* standard output, wiping; the caller's */
    es_buf err;    /* standard error, wiping; the caller's */
} os_process_result;

/*
 * Absolute path of an executable regular file by that name in a PATH-style
 * list. Empty and relative entries are passed over: they would find whatever
 * lies in the current directory. NULL list: the usual system folders.
 * NOT_FOUND, NOMEM. Free *ret with es_free.
 */
entrasql_status os_process_find(const char *name, const char *path_list, char **ret) ES_MUST_USE;

/* NOT_FOUND: the program or its interpreter does not exist. OS, NOMEM. */
entrasql_status os_process_start(const os_process_options *options, os_process **ret,
                                 entrasql_error *err) ES_MUST_USE;
entrasql_status os_process_wants(os_process *p, os_wait *w) ES_MUST_USE;
/* AGAIN; OK with *ret filled; TIMEOUT, LIMIT, OS, NOMEM: the group was killed. */
entrasql_status os_process_step(os_process *p, os_process_result *ret,
                                entrasql_error *err) ES_MUST_USE;
/* Kills what still runs and reaps it. NULL allowed. */
void os_process_free(os_process *p);

/*
 * Starts a program with one argument that goes on by itself, whatever becomes of this process: a
 * browser. It has a session of its own, /dev/null as its three streams and this process's
 * environment. NOT_FOUND: setsid is missing. OS, NOMEM.
 */
entrasql_status os_process_detach(const char *path, const char *argument,
                                  entrasql_error *err) ES_MUST_USE;

void os_process_result_done(os_process_result *r);

/*
 * A copy of the environment of this process with "NAME=value" strings of
 * `extra` put in or replaced; both lists end with NULL. NULL without memory.
 * Free with os_environment_free, which wipes: environments hold secrets.
 */
char **os_environment_copy(const char *const *extra) ES_MUST_USE;
void os_environment_free(char **envp);
/* The value in such a list, or NULL. */
const char *os_environment_get(char *const *envp, const char *name);

#endif
