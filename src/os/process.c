/* SPDX-License-Identifier: MIT */
/* Running another program with a deadline; see process.h. */
#include "os/process.h"

#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Without a process descriptor (old kernel) the end is looked for this often. */
#define POLL_END_MS 10
/* After SIGKILL the kernel needs a moment to end the child; longer than this is not waited. */
#define REAP_MS 1000

struct stream {
    int fd; /* -1 after its end */
    es_buf data;
};

struct os_process {
    pid_t pid;   /* 0 once it was reaped */
    int pid_fd;  /* -1: not available */
    bool exited; /* but not yet reaped: the number and the group stay ours */
    int exit_code;
    int64_t deadline_ms;
    int64_t grace_ms; /* when to stop reading after the end */
    struct stream out;
    struct stream err;
};

static const char default_path[] = "/usr/local/bin:/usr/bin:/bin";

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

entrasql_status os_process_find(const char *name, const char *path_list, char **ret)
{
    if (*name == '\0' || strchr(name, '/') != NULL)
        return ENTRASQL_NOT_FOUND;
    const char *at = path_list != NULL ? path_list : default_path;
    while (*at != '\0') {
        size_t n = strcspn(at, ":");
        if (n != 0 && at[0] == '/') {
            es_buf path = ES_BUF_INIT(1 << 16);
            entrasql_status status =
                es_buf_printf(&path, "%.*s/%s", (int)(n < 65000 ? n : 0), at, name);
            char *text = status == ENTRASQL_OK ? es_buf_take(&path, NULL) : NULL;
            es_buf_done(&path);
            if (text == NULL)
                return ENTRASQL_NOMEM;
            if (is_program(text)) {
                *ret = text;
                return ENTRASQL_OK;
            }
            es_free(text);
        }
        at += n;
        if (*at == ':')
            at++;
    }
    return ENTRASQL_NOT_FOUND;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/*
 * A pipe whose ends are above the standard descriptors, so that putting them
 * into place in the child cannot overwrite one another when the host runs with
 * those closed.
 */
static entrasql_status make_pipe(int ret_fds[2], entrasql_error *err)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return es_fail_errno(err, errno, "cannot make a pipe");
    for (int i = 0; i < 2; i++) {
        if (fds[i] > STDERR_FILENO)
            continue;
        int moved = fcntl(fds[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        int reason = errno;
        (void)close(fds[i]);
        fds[i] = moved;
        if (moved < 0) {
            close_fd(&fds[0]);
            close_fd(&fds[1]);
            return es_fail_errno(err, reason, "cannot make a pipe");
        }
    }
    /* Only our end: the flag of the other is the child's own. */
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
    ret_fds[0] = fds[0];
    ret_fds[1] = fds[1];
    return ENTRASQL_OK;
}

/* A stream of the child onto our descriptor; -1: nowhere. */
static int put_stream(posix_spawn_file_actions_t *actions, int fd, int stream)
{
    return fd >= 0 ? posix_spawn_file_actions_adddup2(actions, fd, stream)
                   : posix_spawn_file_actions_addopen(actions, stream, "/dev/null", O_WRONLY, 0);
}

static int fill_actions(posix_spawn_file_actions_t *actions, const char *directory, int out_fd,
                        int err_fd)
{
    int failed = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (failed == 0)
        failed = put_stream(actions, out_fd, STDOUT_FILENO);
    if (failed == 0)
        failed = put_stream(actions, err_fd, STDERR_FILENO);
    if (failed == 0)
        failed = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    if (failed == 0)
        failed = posix_spawn_file_actions_addchdir_np(actions, directory);
    return failed;
}

static int fill_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    int failed = posix_spawnattr_setflags(
        attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (failed == 0)
        failed = posix_spawnattr_setpgroup(attributes, 0);
    if (failed == 0)
        failed = posix_spawnattr_setsigmask(attributes, &none);
    if (failed == 0)
        failed = posix_spawnattr_setsigdefault(attributes, &all);
    return failed;
}

static int spawn(const os_process_options *options, int out_fd, int err_fd, pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0)
        return failed;
    failed = posix_spawnattr_init(&attributes);
    if (failed != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return failed;
    }
    failed = fill_actions(&actions, options->directory, out_fd, err_fd);
    if (failed == 0)
        failed = fill_attributes(&attributes);
    if (failed == 0) {
        /* The interface wants pointers to writable strings and does not write. */
        char *const *argv = (char *const *)(uintptr_t)options->argv;
        char *const *envp = (char *const *)(uintptr_t)options->envp;
        failed = posix_spawn(ret, options->path, &actions, &attributes, argv, envp);
    }
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static entrasql_status spawn_failure(int reason, const char *path, entrasql_error *err)
{
    es_fail_errno(err, reason, "cannot run %s", path);
    if (reason != ENOENT)
        return ENTRASQL_OS;
    if (err != NULL) {
        err->status = ENTRASQL_NOT_FOUND;
        err->error_class = entrasql_status_class(ENTRASQL_NOT_FOUND);
    }
    return ENTRASQL_NOT_FOUND;
}

static entrasql_status start(os_process *p, const os_process_options *options, entrasql_error *err)
{
    int out[2] = {-1, -1};
    int errors[2] = {-1, -1};
    ES_TRY(make_pipe(out, err));
    p->out.fd = out[0];
    entrasql_status status = make_pipe(errors, err);
    if (status == ENTRASQL_OK) {
        p->err.fd = errors[0];
        int reason = spawn(options, out[1], errors[1], &p->pid);
        if (reason != 0) {
            p->pid = 0;
            status = spawn_failure(reason, options->path, err);
        }
    }
    close_fd(&out[1]);
    close_fd(&errors[1]);
    if (status == ENTRASQL_OK)
        p->pid_fd = (int)syscall(SYS_pidfd_open, p->pid, 0U);
    return status;
}

entrasql_status os_process_start(const os_process_options *options, os_process **ret,
                                 entrasql_error *err)
{
    os_process *p = es_calloc(1, sizeof *p);
    if (p == NULL)
        return es_nomem(err);
    p->pid_fd = -1;
    p->out = (struct stream){.fd = -1, .data = ES_BUF_INIT_WIPE(OS_PROCESS_MAX_OUTPUT)};
    p->err = (struct stream){.fd = -1, .data = ES_BUF_INIT_WIPE(OS_PROCESS_MAX_OUTPUT)};
    p->deadline_ms = options->deadline_ms;
    p->grace_ms = ES_NO_DEADLINE;
    entrasql_status status = start(p, options, err);
    if (status != ENTRASQL_OK) {
        os_process_free(p);
        return status;
    }
    *ret = p;
    return ENTRASQL_OK;
}

entrasql_status os_process_wants(os_process *p, os_wait *w)
{
    if (p->out.fd >= 0)
        ES_TRY(os_wait_add(w, p->out.fd, POLLIN));
    if (p->err.fd >= 0)
        ES_TRY(os_wait_add(w, p->err.fd, POLLIN));
    os_wait_until(w, p->deadline_ms);
    if (p->exited)
        os_wait_until(w, p->grace_ms);
    else if (p->pid_fd >= 0)
        ES_TRY(os_wait_add(w, p->pid_fd, POLLIN));
    else
        os_wait_until(w, es_clock_deadline(POLL_END_MS));
    return ENTRASQL_OK;
}

static entrasql_status drain(struct stream *s, entrasql_error *err)
{
    while (s->fd >= 0) {
        uint8_t block[4096];
        ssize_t n = read(s->fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return ENTRASQL_OK;
        if (n < 0)
            return es_fail_errno(err, errno, "cannot read what the program prints");
        if (n == 0) {
            close_fd(&s->fd);
            return ENTRASQL_OK;
        }
        entrasql_status status = es_buf_add(&s->data, block, (size_t)n);
        es_wipe(block, sizeof block);
        if (status == ENTRASQL_LIMIT)
            return es_fail(err, status, "the program printed more than the limit of %d bytes",
                           OS_PROCESS_MAX_OUTPUT);
        if (status != ENTRASQL_OK)
            return es_nomem(err);
    }
    return ENTRASQL_OK;
}

/*
 * Looks whether the child has ended, without reaping it: as long as it is not
 * reaped its number cannot go to another process, so killing its group stays safe.
 */
static void look_for_end(os_process *p)
{
    if (p->exited)
        return;
    siginfo_t info;
    memset(&info, 0, sizeof info);
    int result;
    do
        result = waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    while (result != 0 && errno == EINTR);
    if (result == 0 && info.si_pid == 0)
        return;
    p->exited = true;
    p->grace_ms = es_clock_deadline(OS_PROCESS_GRACE_MS);
    if (result != 0) {
        /* ECHILD: the host reaped it or ignores SIGCHLD. The number is not ours any more. */
        p->pid = 0;
        p->exit_code = -1;
    } else {
        p->exit_code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    }
}

/* Ends the group and reaps the child. The wait is for the kernel only: SIGKILL cannot be held up.
 */
static void end_group(os_process *p)
{
    if (p->pid == 0)
        return;
    (void)kill(-p->pid, SIGKILL);
    int64_t until = es_clock_deadline(REAP_MS);
    for (;;) {
        pid_t reaped = waitpid(p->pid, NULL, WNOHANG);
        if (reaped != 0 && !(reaped < 0 && errno == EINTR))
            break;
        int left = es_clock_poll_timeout(until);
        if (left == 0)
            break;
        struct pollfd wait = {.fd = p->pid_fd, .events = POLLIN};
        (void)poll(&wait, 1, p->pid_fd >= 0 ? left : 1);
    }
    p->pid = 0;
}

static entrasql_status finish(os_process *p, os_process_result *ret)
{
    end_group(p);
    ret->exit_code = p->exit_code;
    ret->out = p->out.data;
    ret->err = p->err.data;
    p->out.data = ES_BUF_INIT_WIPE(OS_PROCESS_MAX_OUTPUT);
    p->err.data = ES_BUF_INIT_WIPE(OS_PROCESS_MAX_OUTPUT);
    return ENTRASQL_OK;
}

entrasql_status os_process_step(os_process *p, os_process_result *ret, entrasql_error *err)
{
    /* First the end, then the streams: what was printed before the end is then all there. */
    look_for_end(p);
    entrasql_status status = drain(&p->out, err);
    if (status == ENTRASQL_OK)
        status = drain(&p->err, err);
    if (status != ENTRASQL_OK) {
        end_group(p);
        return status;
    }
    int64_t now = es_clock_mono_ms();
    bool all_read = p->out.fd < 0 && p->err.fd < 0;
    if (p->exited && (all_read || now >= p->grace_ms))
        return finish(p, ret);
    if (now >= p->deadline_ms) {
        end_group(p);
        return es_fail(err, ENTRASQL_TIMEOUT, "the program did not end in time and was killed");
    }
    return ENTRASQL_AGAIN;
}

void os_process_free(os_process *p)
{
    if (p == NULL)
        return;
    end_group(p);
    close_fd(&p->pid_fd);
    close_fd(&p->out.fd);
    close_fd(&p->err.fd);
    es_buf_done(&p->out.data);
    es_buf_done(&p->err.data);
    es_free(p);
}

void os_process_result_done(os_process_result *r)
{
    es_buf_done(&r->out);
    es_buf_done(&r->err);
}

static size_t count_strings(const char *const *list)
{
    size_t n = 0;
    while (list[n] != NULL)
        n++;
    return n;
}

/* Length of NAME= in "NAME=value". */
static size_t name_length(const char *entry)
{
    size_t n = strcspn(entry, "=");
    return entry[n] == '=' ? n + 1 : n;
}

static bool is_replaced(const char *entry, const char *const *extra)
{
    size_t n = name_length(entry);
    for (size_t i = 0; extra[i] != NULL; i++) {
        if (strncmp(entry, extra[i], n) == 0)
            return true;
    }
    return false;
}

char **os_environment_copy(const char *const *extra)
{
    const char *const *own = (const char *const *)environ;
    size_t most = (own != NULL ? count_strings(own) : 0) + count_strings(extra);
    char **copy = es_calloc(most + 1, sizeof *copy);
    if (copy == NULL)
        return NULL;
    size_t n = 0;
    for (size_t i = 0; own != NULL && own[i] != NULL && n < most; i++) {
        if (is_replaced(own[i], extra))
            continue;
        if ((copy[n++] = es_strdup(own[i])) == NULL) {
            os_environment_free(copy);
            return NULL;
        }
    }
    for (size_t i = 0; extra[i] != NULL && n < most; i++) {
        if ((copy[n++] = es_strdup(extra[i])) == NULL) {
            os_environment_free(copy);
            return NULL;
        }
    }
    return copy;
}

void os_environment_free(char **envp)
{
    if (envp == NULL)
        return;
    for (size_t i = 0; envp[i] != NULL; i++)
        es_free_wipe_str(envp[i]);
    es_free(envp);
}

const char *os_environment_get(char *const *envp, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; envp[i] != NULL; i++) {
        if (strncmp(envp[i], name, n) == 0 && envp[i][n] == '=')
            return envp[i] + n + 1;
    }
    return NULL;
}

/* setsid(1) forks and ends at once, so nothing is left that somebody would have to reap. */
entrasql_status os_process_detach(const char *path, const char *argument, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *setsid_path = NULL;
    entrasql_status status = os_process_find("setsid", NULL, &setsid_path);
    if (status == ENTRASQL_NOT_FOUND)
        return es_fail(err, status, "cannot run %s: setsid is missing", path);
    if (status != ENTRASQL_OK)
        return es_nomem(err);
    const char *const argv[] = {"setsid", "--fork", path, argument, NULL};
    const os_process_options options = {
        .path = setsid_path,
        .argv = argv,
        .envp = (const char *const *)environ,
        .directory = "/",
    };
    pid_t pid;
    int reason = spawn(&options, -1, -1, &pid);
    if (reason != 0)
        return spawn_failure(reason, setsid_path, err);
    int code = 0;
    while (waitpid(pid, &code, 0) < 0) {
        if (errno != EINTR)
            return ENTRASQL_OK; /* reaped by the host: all that is known is that it was started */
    }
    if (WIFEXITED(code) && WEXITSTATUS(code) == 0)
        return ENTRASQL_OK;
    return es_fail(err, ENTRASQL_OS, "cannot run %s", path);
}
