/* SPDX-License-Identifier: MIT */
/* entrasql emulator: its words; start, stop, env. */
#include "cli/cmd_emulator.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "emulator/emulator.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_TIMEOUT_MS 60000
#define STOP_TIMEOUT_MS 20000
#define STOP_CHILD_MS 2000 /* then it is killed */
#define OUTPUT_MAX_BYTES (1024 * 1024)

#define OPTION_PORT(option_name, text)                                                             \
    {                                                                                              \
        .name = (option_name), .type = CONF_OPTION_NUMBER, .value_name = "N", .max = 65535,        \
        .help = (text)                                                                             \
    }

entrasql_status cli_emulator_data_dir(const conf_args *args, char **ret, entrasql_error *err)
{
    return emulator_data_dir(conf_args_text(args, "data-dir"), ret, err);
}

/* ---- start ---- */

static const conf_option start_options[] = {
    CLI_EMULATOR_OPTION_DATA_DIR,
    {.name = "seed",
     .type = CONF_OPTION_FILE,
     .value_name = "FILE",
     .help = "the tenants, users, identities and databases of a new one"},
    OPTION_PORT("port", "of the SQL front (default: a free one)"),
    OPTION_PORT("https-port", "of the Entra endpoints (default: a free one)"),
    OPTION_PORT("arm-port", "of Azure Resource Manager (default: a free one)"),
    OPTION_PORT("imds-port", "of the managed identity endpoints (default: a free one)"),
    {.name = "detach",
     .type = CONF_OPTION_FLAG,
     .help = "return when it is ready, and leave it running"},
    {.name = "record",
     .type = CONF_OPTION_FILE,
     .value_name = "DIR",
     .help = "write decoded requests there, secrets masked"},
    {.name = "fault",
     .type = CONF_OPTION_TEXT,
     .value_name = "LIST",
     .help = "faults that are on from the start: NAME[=VALUE][:COUNT],..."},
    {.name = "backend",
     .type = CONF_OPTION_TEXT,
     .value_name = "URL",
     .help = "sqlserver://HOST:PORT: check logins, pass sessions on to it"},
    {.name = "backend-login",
     .type = CONF_OPTION_TEXT,
     .value_name = "NAME",
     .help = "the SQL login there, for everybody"},
    {.name = "backend-password-file",
     .type = CONF_OPTION_FILE,
     .value_name = "FILE",
     .help = "whose first line is its password"},
    {.name = "backend-ca",
     .type = CONF_OPTION_FILE,
     .value_name = "FILE",
     .help = "the authority of its certificate (default: the system's)"},
    {.name = "backend-trust",
     .type = CONF_OPTION_FLAG,
     .help = "take any certificate of it, such as a container's"},
    {.name = "sql-login",
     .type = CONF_OPTION_TEXT,
     .value_name = "NAME",
     .help = "allow this SQL login, for clients that know no tokens"},
    {.name = "password-file",
     .type = CONF_OPTION_FILE,
     .value_name = "FILE",
     .help = "whose first line is that login's password"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command start_command = {
    .name = "entrasql emulator start",
    .summary = "Starts the emulator: Entra ID, managed identities and Azure SQL on loopback.",
    .options = start_options,
    .notes = "It is for development and tests. Ctrl-C or `entrasql emulator stop` ends it.",
};

static entrasql_status start_options_from(const conf_args *args, const char *dir,
                                          emulator_options *ret, entrasql_error *err)
{
    const char *login = conf_args_text(args, "sql-login");
    const char *password_file = conf_args_text(args, "password-file");

    if ((login != NULL) != (password_file != NULL))
        return es_fail(err, ENTRASQL_INVALID, "--sql-login and --password-file go together");
    static const char *const of_backend[] = {"backend-login", "backend-password-file", "backend-ca",
                                             "backend-trust"};
    for (size_t i = 0; i < ES_COUNT_OF(of_backend); i++) {
        if (conf_args_text(args, "backend") == NULL && conf_args_text(args, of_backend[i]) != NULL)
            return es_fail(err, ENTRASQL_INVALID, "--%s has no meaning without --backend",
                           of_backend[i]);
    }
    *ret = (emulator_options){
        .data_dir = dir,
        .seed_file = conf_args_text(args, "seed"),
        .sql_port = (uint16_t)conf_args_number(args, "port"),
        .entra_port = (uint16_t)conf_args_number(args, "https-port"),
        .arm_port = (uint16_t)conf_args_number(args, "arm-port"),
        .identity_port = (uint16_t)conf_args_number(args, "imds-port"),
        .sql_login = login,
        .sql_password_file = password_file,
        .record_dir = conf_args_text(args, "record"),
        .faults = conf_args_text(args, "fault"),
        .backend = conf_args_text(args, "backend"),
        .backend_login = conf_args_text(args, "backend-login"),
        .backend_password_file = conf_args_text(args, "backend-password-file"),
        .backend_ca_file = conf_args_text(args, "backend-ca"),
        .backend_trust = conf_args_flag(args, "backend-trust"),
    };
    return ENTRASQL_OK;
}

static int run_here(const cli_terminal *t, emulator_options *options)
{
    entrasql_error err;
    options->out = t->out;
    if (emulator_run(options, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    return 0;
}

/* ---- start: a signal while the child starts ---- */

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};

static volatile sig_atomic_t stopped_by;

static void on_stop(int number)
{
    stopped_by = number;
}

/* They come while ppoll() waits, and never between the fork and the handler. */
static void hold_signals(sigset_t *before)
{
    sigset_t held;
    (void)sigemptyset(&held);
    for (size_t i = 0; i < ES_COUNT_OF(stop_signals); i++)
        (void)sigaddset(&held, stop_signals[i]);
    (void)sigprocmask(SIG_BLOCK, &held, before);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_stop};
    struct sigaction old;
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < ES_COUNT_OF(stop_signals); i++) {
        if (sigaction(stop_signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) /* nohup */
            (void)sigaction(stop_signals[i], &action, NULL);
    }
}

/* A start that goes on does not see SIGTERM before it is over; what is killed is cleared away by
   the next one. */
static void stop_child(pid_t child)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    int64_t deadline_ms = es_clock_deadline(STOP_CHILD_MS);
    (void)kill(child, SIGTERM);
    while (waitpid(child, NULL, WNOHANG) == 0) {
        if (es_clock_mono_ms() >= deadline_ms)
            (void)kill(child, SIGKILL);
        (void)nanosleep(&pause, NULL);
    }
}

static int end_by_signal(const cli_terminal *t, int number)
{
    (void)fputs("entrasql: interrupted: the emulator was stopped before it was ready\n", t->err);
    (void)fflush(t->err);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
    return 128 + number;
}

/* ---- start: the child ---- */

/* A detached emulator has no terminal: it logs into its data directory. */
static void log_to_data_dir(const char *dir)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/emulator.log", dir);
    if (n < 0 || (size_t)n >= sizeof path)
        return;
    (void)mkdir(dir, 0700); /* it may be there already; if it cannot be made, the run will say so */
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0)
        es_log_setup(es_log_current_level(), ES_LOG_JSON, fd);
}

/* The child's life. `out` carries what it says until it is ready, and its error if it fails. */
static int run_detached(emulator_options *options, int out, const sigset_t *mask)
{
    (void)setsid();
    (void)sigprocmask(SIG_SETMASK, mask, NULL);
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd >= 0) {
        (void)dup2(null_fd, STDIN_FILENO);
        (void)dup2(null_fd, STDOUT_FILENO);
        (void)dup2(null_fd, STDERR_FILENO);
    }
    log_to_data_dir(options->data_dir);
    FILE *f = fdopen(out, "w");
    if (f == NULL)
        return (int)ENTRASQL_CLASS_SYSTEM;
    (void)setvbuf(f, NULL, _IOLBF, 0);
    const cli_terminal t = {.in = stdin, .out = f, .err = f};
    int exit_code = run_here(&t, options);
    (void)fclose(f);
    return exit_code;
}

/* True when the last whole line is "ready"; *ret_n: how much stands before it. */
static bool is_ready(es_buf *said, size_t *ret_n)
{
    static const char last[] = "ready\n";
    size_t n = sizeof last - 1;
    if (said->len < n || memcmp(said->data + said->len - n, last, n) != 0)
        return false;
    *ret_n = said->len - n;
    return *ret_n == 0 || said->data[*ret_n - 1] == '\n';
}

/*
 * Reads what the child says until it is ready, then shows it. AGAIN: the child
 * ended before; its words are kept, as they belong to standard error. CANCELLED: a signal came.
 */
static entrasql_status await_ready(const cli_terminal *t, int fd, const sigset_t *mask,
                                   es_buf *said, entrasql_error *err)
{
    int64_t deadline_ms = es_clock_deadline(START_TIMEOUT_MS);
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        uint8_t *room = NULL;
        size_t shown = 0;
        int left = es_clock_poll_timeout(deadline_ms);
        const struct timespec timeout = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000L};
        int count = ppoll(&p, 1, &timeout, mask);
        if (stopped_by != 0)
            return ENTRASQL_CANCELLED;
        if (count < 0 && errno == EINTR)
            continue;
        if (count == 0)
            return es_fail(err, ENTRASQL_TIMEOUT, "the emulator was not ready after %d seconds",
                           START_TIMEOUT_MS / 1000);
        if (es_buf_prepare(said, 4096, &room) != ENTRASQL_OK)
            return es_nomem(err);
        ssize_t n = read(fd, room, 4096);
        if (n <= 0)
            return ENTRASQL_AGAIN;
        es_buf_commit(said, (size_t)n);
        if (is_ready(said, &shown)) {
            es_buf_truncate(said, shown);
            return cli_write(t, said, err);
        }
    }
}

static int end_of_child(const cli_terminal *t, pid_t child, const es_buf *said)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (said->len != 0)
        (void)fwrite(said->data, 1, said->len, t->err);
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        return WEXITSTATUS(status);
    if (said->len == 0)
        (void)fputs("entrasql: the emulator ended without a word\n", t->err);
    return (int)ENTRASQL_CLASS_INTERNAL;
}

/* No thread has been started yet, so the child may go on as an ordinary process. */
static int run_in_background(const cli_terminal *t, emulator_options *options)
{
    ES_CLEANUP(es_buf_done) es_buf said = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    entrasql_error err;
    sigset_t mask;
    int pipe_fds[2];

    if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
        es_fail_errno(&err, errno, "cannot make a pipe");
        return cli_report(t, &err);
    }
    (void)fflush(NULL);
    hold_signals(&mask);
    pid_t child = fork();
    if (child == 0) {
        (void)close(pipe_fds[0]);
        _exit(run_detached(options, pipe_fds[1], &mask));
    }
    (void)close(pipe_fds[1]);
    catch_signals();
    if (child < 0) {
        es_fail_errno(&err, errno, "cannot start a process");
        (void)close(pipe_fds[0]);
        return cli_report(t, &err);
    }
    entrasql_status status = await_ready(t, pipe_fds[0], &mask, &said, &err);
    (void)close(pipe_fds[0]);
    (void)sigprocmask(SIG_SETMASK, &mask, NULL);
    if (status == ENTRASQL_OK)
        return 0;
    if (stopped_by != 0 || status == ENTRASQL_TIMEOUT)
        stop_child(child);
    if (stopped_by != 0)
        return end_by_signal(t, stopped_by);
    if (status == ENTRASQL_AGAIN)
        return end_of_child(t, child, &said);
    if (status == ENTRASQL_OS)
        es_hint(&err, "The emulator runs; entrasql emulator status says where it listens.");
    return cli_report(t, &err);
}

static int start(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_cleanup_free) char *dir = NULL;
    emulator_options options = {0};
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &start_command, argc, argv, &args, &exit_code))
        return exit_code;
    if (cli_emulator_data_dir(&args, &dir, &err) != ENTRASQL_OK ||
        start_options_from(&args, dir, &options, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    if (conf_args_flag(&args, "detach"))
        return run_in_background(t, &options);
    return run_here(t, &options);
}

/* ---- stop ---- */

static const conf_option stop_options[] = {CLI_EMULATOR_OPTION_DATA_DIR, CLI_OPTION_HELP, {0}};

static const conf_command stop_command = {
    .name = "entrasql emulator stop",
    .summary = "Stops the emulator of the data directory, and waits until it has ended.",
    .options = stop_options,
};

static int stop(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_cleanup_free) char *dir = NULL;
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &stop_command, argc, argv, &args, &exit_code))
        return exit_code;
    entrasql_status status = cli_emulator_data_dir(&args, &dir, &err);
    if (status == ENTRASQL_OK)
        status = emulator_stop(dir, STOP_TIMEOUT_MS, &err);
    if (status == ENTRASQL_NOT_FOUND)
        es_hint(&err, "There is none to be stopped there; --data-dir DIR or ENTRASQL_EMULATOR_DIR "
                      "names the folder of another one.");
    if (status != ENTRASQL_OK)
        return cli_report(t, &err);
    return cli_say(t, "The emulator has ended.");
}

/* ---- env ---- */

static const conf_option env_options[] = {
    CLI_EMULATOR_OPTION_DATA_DIR,
    {.name = "as",
     .type = CONF_OPTION_TEXT,
     .value_name = "NAME",
     .help = "a user's name, or that of an app or a managed identity"},
    {.name = "host",
     .type = CONF_OPTION_TEXT,
     .value_name = "HOST",
     .help = "where it runs (default: where an identity is attached); alone: as the host is set"},
    {.name = "tool",
     .type = CONF_OPTION_CHOICE,
     .choices = "az|azd|pwsh",
     .help = "a person's: which one is signed in (default: az)"},
    {.name = "proof",
     .type = CONF_OPTION_CHOICE,
     .choices = "secret|certificate",
     .help = "by what an app proves itself (default: secret)"},
    {.name = "database",
     .type = CONF_OPTION_TEXT,
     .value_name = "NAME",
     .help = "in the connection string (default: the first)"},
    {.name = "driver",
     .type = CONF_OPTION_TEXT,
     .value_name = "NAME",
     .help = "in the connection string: an ODBC driver's name or file"},
    {.name = "connstr",
     .type = CONF_OPTION_TEXT,
     .value_name = "FOR",
     .help = "print a connection string instead: for jdbc, go-mssqldb, ...; or all"},
    {.name = "format",
     .type = CONF_OPTION_CHOICE,
     .choices = "sh|fish|powershell|dotenv|json",
     .default_value = "sh",
     .help = "whose words"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command env_command = {
    .name = "entrasql emulator env",
    .summary = "Prints the environment in which a program is somebody of the emulated tenant.",
    .options = env_options,
    .notes = "  eval \"$(entrasql emulator env --as MigrationIdentity)\"\n"
             "  entrasql emulator env --connstr all",
};

static int env(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_cleanup_free) char *dir = NULL;
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(OUTPUT_MAX_BYTES);
    conf_args args;
    entrasql_error err;
    emulator_env_options options = {0};
    int exit_code = 0;

    if (!cli_parse(t, &env_command, argc, argv, &args, &exit_code))
        return exit_code;
    options.as = conf_args_text(&args, "as");
    options.host = conf_args_text(&args, "host");
    options.proof = conf_args_text(&args, "proof");
    options.tool = conf_args_text(&args, "tool");
    options.database = conf_args_text(&args, "database");
    options.driver = conf_args_text(&args, "driver");
    options.connstr = conf_args_text(&args, "connstr");
    if (options.as == NULL && options.host == NULL && options.connstr == NULL) {
        es_fail(&err, ENTRASQL_INVALID, "--as is missing");
        es_hint(&err, "entrasql emulator env --as MigrationIdentity");
        return cli_report(t, &err);
    }
    if (cli_emulator_data_dir(&args, &dir, &err) != ENTRASQL_OK ||
        emulator_env_format_parse(conf_args_text(&args, "format"), &options.format, &err) !=
            ENTRASQL_OK)
        return cli_report(t, &err);
    options.data_dir = dir;
    if ((options.connstr != NULL ? emulator_connstr(&options, &out, &err)
                                 : emulator_env(&options, &out, &err)) != ENTRASQL_OK ||
        cli_write(t, &out, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    return 0;
}

/* ---- the words ---- */

static const cli_command words[] = {
    {"start", "start it, here or with --detach", start},
    {"stop", "stop it", stop},
    {"status", "say whether it runs, where, and who came in", cli_emulator_status},
    {"env", "print the environment that makes a program somebody", env},
    {"device-code", "approve or refuse the code that a device shows", cli_emulator_device_code},
    {"token", "print a token of somebody, good or bad, for tests", cli_emulator_token},
    {"user", "add, list, remove people", cli_emulator_user},
    {"group", "add, list, remove groups and their members", cli_emulator_group},
    {"app", "add, list, remove app registrations", cli_emulator_app},
    {"identity", "add, list, remove managed identities", cli_emulator_identity},
    {"database", "add, list databases", cli_emulator_database},
    {"server", "set the Entra admin, and Entra-only", cli_emulator_server},
    {"right", "give and refuse rights in Azure Resource Manager", cli_emulator_right},
    {"fault", "switch on what goes wrong in the cloud", cli_emulator_fault},
    {"reset", "back to the seed, with empty databases", cli_emulator_reset},
    {"seed", "make a seed file its world", cli_emulator_seed},
};

int cli_emulator(const cli_terminal *t, int argc, char **argv)
{
    return cli_run_word(
        t, "entrasql emulator",
        "Entra ID, managed identities and Azure SQL on this machine, for development.", words,
        ES_COUNT_OF(words), argc, argv);
}
