/* SPDX-License-Identifier: MIT */
/* os: small files, lock files, child processes. */
#include "base/mem.h"
#include "base/str.h"
#include "os/file.h"
#include "os/lock.h"
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];

static const char *in_folder(const char *name)
{
    static char path[8][128];
    static unsigned next;
    char *p = path[next++ % 8];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/entrasql-os-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* ---- files ---- */

static void written_files_are_read_back(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(64);
    entrasql_error err;
    struct stat st;
    const char *path = in_folder("file");
    assert_int_equal(os_file_write(path, "one", 3, 0600, &err), ENTRASQL_OK);
    assert_int_equal(os_file_write(path, "two!", 4, 0640, &err), ENTRASQL_OK);
    assert_int_equal(os_file_read(path, &b, &err), ENTRASQL_OK);
    assert_int_equal(b.len, 4);
    assert_memory_equal(b.data, "two!", 4);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    es_buf_done(&b);
    assert_int_equal(os_file_remove(path, &err), ENTRASQL_OK);
    assert_int_equal(os_file_remove(path, &err), ENTRASQL_OK);
    assert_int_equal(os_file_read(path, &b, &err), ENTRASQL_NOT_FOUND);
    assert_int_equal(err.os_errno, ENOENT);
    assert_non_null(strstr(err.message, path));
}

static void files_have_a_limit(void **state)
{
    (void)state;
    const char *path = in_folder("limit");
    entrasql_error err;
    assert_int_equal(os_file_write(path, "0123456789", 10, 0600, &err), ENTRASQL_OK);
    es_buf b = ES_BUF_INIT(10);
    assert_int_equal(os_file_read(path, &b, &err), ENTRASQL_OK);
    assert_int_equal(b.len, 10);
    es_buf_done(&b);
    b = ES_BUF_INIT(9);
    assert_int_equal(os_file_read(path, &b, &err), ENTRASQL_LIMIT);
    assert_int_equal(b.len, 0);
    es_buf_done(&b);
}

static void only_regular_files_are_read(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(64);
    entrasql_error err;
    const char *fifo = in_folder("fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(os_file_read(fifo, &b, &err), ENTRASQL_INVALID);
    assert_int_equal(os_file_read(folder, &b, &err), ENTRASQL_INVALID);
    assert_int_equal(os_file_read("/dev/zero", &b, &err), ENTRASQL_INVALID);
    es_buf_done(&b);
}

static void failed_writes_leave_nothing(void **state)
{
    (void)state;
    entrasql_error err;
    assert_int_equal(os_file_write(in_folder("no/such/folder"), "x", 1, 0600, &err),
                     ENTRASQL_NOT_FOUND);
    /* A folder cannot be replaced by a file. */
    assert_int_equal(os_dir_make(in_folder("d/e"), 0700, &err), ENTRASQL_OK);
    assert_int_equal(os_file_write(in_folder("d"), "x", 1, 0600, &err), ENTRASQL_OS);
    char command[128];
    snprintf(command, sizeof command, "test \"$(ls -A '%s' | grep -c tmp)\" = 0", folder);
    assert_int_equal(system(command), 0);
}

static void folders_are_made_with_their_parents(void **state)
{
    (void)state;
    entrasql_error err;
    struct stat st;
    assert_int_equal(os_dir_make(in_folder("a/b/c"), 0700, &err), ENTRASQL_OK);
    assert_int_equal(os_dir_make(in_folder("a/b/c"), 0700, &err), ENTRASQL_OK);
    assert_int_equal(stat(in_folder("a/b"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(os_file_write(in_folder("a/file"), "", 0, 0600, &err), ENTRASQL_OK);
    assert_int_equal(os_dir_make(in_folder("a/file/x"), 0700, &err), ENTRASQL_OS);
}

static void one_holder_of_a_lock(void **state)
{
    (void)state;
    os_lock *lock = NULL;
    os_lock *second = NULL;
    entrasql_error err;
    char pid[24];
    const char *path = in_folder("lock");
    assert_int_equal(os_lock_take(path, &lock, &err), ENTRASQL_OK);
    assert_int_equal(os_lock_take(path, &second, &err), ENTRASQL_BUSY);
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_non_null(strstr(err.message, pid));
    /* A number that was cut names nobody. */
    assert_int_equal(truncate(path, (off_t)strlen(pid) - 1), 0);
    assert_int_equal(os_lock_take(path, &second, &err), ENTRASQL_BUSY);
    assert_non_null(strstr(err.message, "another process"));
    os_lock_free(lock);
    assert_int_equal(os_lock_take(path, &second, &err), ENTRASQL_OK);
    os_lock_free(second);
    assert_int_equal(os_lock_take(in_folder("none/lock"), &second, &err), ENTRASQL_OS);
}

/* ---- processes ---- */

static entrasql_status finish(os_process *p, os_process_result *r, entrasql_error *err)
{
    entrasql_status status;
    while ((status = os_process_step(p, r, err)) == ENTRASQL_AGAIN) {
        os_wait w;
        os_wait_init(&w);
        assert_int_equal(os_process_wants(p, &w), ENTRASQL_OK);
        assert_int_equal(os_wait_poll(&w, err), ENTRASQL_OK);
    }
    os_process_free(p);
    return status;
}

static entrasql_status run_for(const char *script, int64_t deadline_ms, os_process_result *r,
                               entrasql_error *err)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    const char *const envp[] = {"PATH=/usr/bin:/bin", "WORD=hello", NULL};
    const os_process_options options = {.path = "/bin/sh",
                                        .argv = argv,
                                        .envp = envp,
                                        .directory = "/usr",
                                        .deadline_ms = deadline_ms};
    os_process *p;
    entrasql_status status = os_process_start(&options, &p, err);
    return status != ENTRASQL_OK ? status : finish(p, r, err);
}

static void run(const char *script, os_process_result *r)
{
    entrasql_error err;
    if (run_for(script, ES_NO_DEADLINE, r, &err) != ENTRASQL_OK)
        fail_msg("%s: %s", script, err.message);
}

static void output_and_exit_code_come_back(void **state)
{
    (void)state;
    os_process_result r;
    run("echo out; echo \"$WORD\" >&2; pwd; exit 7", &r);
    assert_int_equal(r.exit_code, 7);
    assert_string_equal(es_buf_cstr(&r.out), "out\n/usr\n");
    assert_string_equal(es_buf_cstr(&r.err), "hello\n");
    os_process_result_done(&r);
}

static void input_is_empty_and_nothing_is_inherited(void **state)
{
    (void)state;
    int leaked = open("/dev/null", O_RDONLY); /* not close-on-exec */
    os_process_result r;
    assert_true(leaked >= 0);
    run("cat; ls /proc/self/fd | tr '\\n' ' '", &r);
    /* 3 is the folder that ls reads. */
    assert_string_equal(es_buf_cstr(&r.out), "0 1 2 3 ");
    os_process_result_done(&r);
    close(leaked);
}

static void signal_of_the_end_is_told(void **state)
{
    (void)state;
    os_process_result r;
    run("kill -TERM $$", &r);
    assert_int_equal(r.exit_code, 128 + SIGTERM);
    os_process_result_done(&r);
}

static void signals_are_as_a_program_expects(void **state)
{
    (void)state;
    sigset_t blocked;
    sigset_t before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &blocked, &before), 0);
    void (*old)(int) = signal(SIGPIPE, SIG_IGN);
    os_process_result r;
    run("kill -TERM $$; echo survived", &r);
    assert_int_equal(r.exit_code, 128 + SIGTERM);
    os_process_result_done(&r);
    run("kill -PIPE $$; echo survived", &r);
    assert_int_equal(r.exit_code, 128 + SIGPIPE);
    os_process_result_done(&r);
    signal(SIGPIPE, old);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Whether the process in the file is gone (or only a zombie of another parent). */
static bool is_gone(const char *pid_file)
{
    es_buf b = ES_BUF_INIT(64);
    char path[64];
    char line[64] = "";
    assert_int_equal(os_file_read(pid_file, &b, NULL), ENTRASQL_OK);
    snprintf(path, sizeof path, "/proc/%d/stat", atoi(es_buf_cstr(&b)));
    es_buf_done(&b);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return true;
    char *got = fgets(line, sizeof line, f);
    fclose(f);
    return got == NULL || strstr(line, ") Z") != NULL;
}

static void wait_until_gone(const char *pid_file)
{
    for (int i = 0; i < 2000; i++) {
        if (is_gone(pid_file))
            return;
        usleep(5000);
    }
    fail_msg("a child lives on");
}

static void deadline_kills_the_whole_group(void **state)
{
    (void)state;
    char script[256];
    os_process_result r;
    entrasql_error err;
    snprintf(script, sizeof script, "trap '' TERM; sleep 600 & echo $! > %s/child; wait", folder);
    assert_int_equal(run_for(script, es_clock_deadline(500), &r, &err), ENTRASQL_TIMEOUT);
    wait_until_gone(in_folder("child"));
}

static void freeing_kills_the_whole_group(void **state)
{
    (void)state;
    char script[256];
    snprintf(script, sizeof script, "sleep 600 & echo $! > %s/child2; echo ready; wait", folder);
    const char *const argv[] = {"sh", "-c", script, NULL};
    const char *const envp[] = {"PATH=/usr/bin:/bin", NULL};
    const os_process_options options = {.path = "/bin/sh",
                                        .argv = argv,
                                        .envp = envp,
                                        .directory = "/",
                                        .deadline_ms = ES_NO_DEADLINE};
    os_process *p;
    os_process_result r;
    assert_int_equal(os_process_start(&options, &p, NULL), ENTRASQL_OK);
    while (access(in_folder("child2"), F_OK) != 0)
        usleep(1000);
    usleep(20000);
    assert_int_equal(os_process_step(p, &r, NULL), ENTRASQL_AGAIN);
    os_process_free(p);
    wait_until_gone(in_folder("child2"));
    /* Nothing is left to reap. */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void stream_left_open_does_not_hold_us_up(void **state)
{
    (void)state;
    os_process_result r;
    run("echo done; sleep 600 &", &r);
    assert_int_equal(r.exit_code, 0);
    assert_string_equal(es_buf_cstr(&r.out), "done\n");
    os_process_result_done(&r);
}

static void output_has_a_limit(void **state)
{
    (void)state;
    os_process_result r;
    entrasql_error err;
    assert_int_equal(run_for("yes", ES_NO_DEADLINE, &r, &err), ENTRASQL_LIMIT);
    assert_int_equal(run_for("yes >&2", ES_NO_DEADLINE, &r, &err), ENTRASQL_LIMIT);
}

static void ignored_sigchld_hides_only_the_exit_code(void **state)
{
    (void)state;
    void (*old)(int) = signal(SIGCHLD, SIG_IGN);
    os_process_result r;
    run("echo fine", &r);
    assert_int_equal(r.exit_code, -1);
    assert_string_equal(es_buf_cstr(&r.out), "fine\n");
    os_process_result_done(&r);
    signal(SIGCHLD, old);
}

static void missing_programs_are_not_found(void **state)
{
    (void)state;
    const char *const argv[] = {"x", NULL};
    const char *const envp[] = {NULL};
    os_process_options options = {
        .path = "/no/such/program", .argv = argv, .envp = envp, .directory = "/"};
    os_process *p;
    entrasql_error err;
    assert_int_equal(os_process_start(&options, &p, &err), ENTRASQL_NOT_FOUND);
    const char *script = in_folder("bad-interpreter");
    assert_int_equal(os_file_write(script, "#!/no/such\n", 11, 0755, &err), ENTRASQL_OK);
    options.path = script;
    assert_int_equal(os_process_start(&options, &p, &err), ENTRASQL_NOT_FOUND);
}

static void path_lookup_passes_over_relative_folders(void **state)
{
    (void)state;
    char list[256];
    char *found = NULL;
    entrasql_error err;
    assert_int_equal(os_dir_make(in_folder("bin"), 0700, &err), ENTRASQL_OK);
    assert_int_equal(os_file_write(in_folder("bin/tool"), "#!/bin/sh\n", 10, 0755, &err),
                     ENTRASQL_OK);
    assert_int_equal(os_file_write(in_folder("bin/data"), "x", 1, 0644, &err), ENTRASQL_OK);
    assert_int_equal(os_dir_make(in_folder("bin/dir"), 0755, &err), ENTRASQL_OK);
    assert_int_equal(chdir(in_folder("bin")), 0);
    snprintf(list, sizeof list, "::.:bin:./:%s/none:%s/bin:", folder, folder);
    assert_int_equal(os_process_find("tool", list, &found), ENTRASQL_OK);
    assert_string_equal(found, in_folder("bin/tool"));
    es_free(found);
    assert_int_equal(os_process_find("tool", "::.:bin:./", &found), ENTRASQL_NOT_FOUND);
    assert_int_equal(os_process_find("tool", "", &found), ENTRASQL_NOT_FOUND);
    assert_int_equal(os_process_find("data", list, &found), ENTRASQL_NOT_FOUND);
    assert_int_equal(os_process_find("dir", list, &found), ENTRASQL_NOT_FOUND);
    assert_int_equal(os_process_find("../bin/tool", list, &found), ENTRASQL_NOT_FOUND);
    assert_int_equal(os_process_find("sh", NULL, &found), ENTRASQL_OK);
    es_free(found);
    assert_int_equal(chdir("/"), 0);
}

static void environment_is_copied(void **state)
{
    (void)state;
    static const char *const extra[] = {"OS_TEST=new", "OS_MORE=1", NULL};
    setenv("OS_TEST", "old", 1);
    setenv("OS_TEST_LONGER", "kept", 1);
    char **copy = os_environment_copy(extra);
    assert_non_null(copy);
    assert_string_equal(os_environment_get(copy, "OS_TEST"), "new");
    assert_string_equal(os_environment_get(copy, "OS_MORE"), "1");
    assert_string_equal(os_environment_get(copy, "OS_TEST_LONGER"), "kept");
    assert_null(os_environment_get(copy, "OS_TES"));
    os_environment_free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_files_are_read_back),
        cmocka_unit_test(files_have_a_limit),
        cmocka_unit_test(only_regular_files_are_read),
        cmocka_unit_test(failed_writes_leave_nothing),
        cmocka_unit_test(folders_are_made_with_their_parents),
        cmocka_unit_test(one_holder_of_a_lock),
        cmocka_unit_test(output_and_exit_code_come_back),
        cmocka_unit_test(input_is_empty_and_nothing_is_inherited),
        cmocka_unit_test(signal_of_the_end_is_told),
        cmocka_unit_test(signals_are_as_a_program_expects),
        cmocka_unit_test(deadline_kills_the_whole_group),
        cmocka_unit_test(freeing_kills_the_whole_group),
        cmocka_unit_test(stream_left_open_does_not_hold_us_up),
        cmocka_unit_test(output_has_a_limit),
        cmocka_unit_test(ignored_sigchld_hides_only_the_exit_code),
        cmocka_unit_test(missing_programs_are_not_found),
        cmocka_unit_test(path_lookup_passes_over_relative_folders),
        cmocka_unit_test(environment_is_copied),
    };
    return cmocka_run_group_tests_name("os files", tests, make_folder, remove_folder);
}
