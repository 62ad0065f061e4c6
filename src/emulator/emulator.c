/* SPDX-License-Identifier: MIT */
/* The whole process: everything up, waiting for a signal, everything down. */
#include "emulator.h"

#include "base/log.h"
#include "base/mem.h"
#include "emulator/admin/admin.h"
#include "emulator/arm/arm.h"
#include "emulator/entra/entra.h"
#include "emulator/front/front.h"
#include "emulator/imds/imds.h"
#include "emulator/world/files.h"
#include "http_record.h"
#include "internal.h"
#include "os/file.h"
#include "os/lock.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define MAX_PASSWORD_FILE_BYTES 4096
#define MAX_STATE_BYTES (64 * 1024)
#define MAX_PLACES_BYTES (16 * 1024)

typedef struct running {
    const emulator_options *options;
    os_lock *lock;
    char *state_file;
    world *w;
    entra *entra;
    imds *imds;
    arm *arm;
    http_record *record; /* NULL: not recording */
    engine_server *engine;
    front_backend *backend;
    journal *journal;
    front *front;
    admin_site *admin;
} running;

/* ---- signals ---- */

typedef struct signals {
    sigset_t awaited;
    sigset_t before;
    struct sigaction pipe_before;
} signals;

/* Threads inherit the mask, so none of them is ever interrupted; one thread waits for all. */
static entrasql_status hold_signals(signals *s, entrasql_error *err)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigemptyset(&s->awaited);
    (void)sigaddset(&s->awaited, SIGTERM);
    (void)sigaddset(&s->awaited, SIGINT);
    (void)sigaddset(&s->awaited, SIGHUP);
    int result = pthread_sigmask(SIG_BLOCK, &s->awaited, &s->before);
    if (result != 0)
        return es_fail_errno(err, result, "cannot hold signals");
    (void)sigaction(SIGPIPE, &ignore, &s->pipe_before);
    return ENTRASQL_OK;
}

static void release_signals(signals *s)
{
    (void)sigaction(SIGPIPE, &s->pipe_before, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &s->before, NULL);
}

static void wait_for_end(const signals *s)
{
    int number = 0;
    while (sigwait(&s->awaited, &number) != 0)
        continue;
    ES_LOG(INFO, "emulator", "stopping", ES_KV_I64("signal", number));
}

/* ---- up ---- */

static entrasql_status take_lock(running *r, entrasql_error *err)
{
    entrasql_status made = world_dir_make(r->options->data_dir, err);
    if (made == ENTRASQL_OS)
        es_hint(err, "The emulator keeps its state in a folder: --data-dir or "
                     "ENTRASQL_EMULATOR_DIR names another one; else it is below XDG_STATE_HOME or "
                     "HOME.");
    ES_TRY(made);
    ES_CLEANUP(es_cleanup_free) char *path = world_path(r->options->data_dir, EMULATOR_LOCK_FILE);
    if (path == NULL)
        return es_nomem(err);
    entrasql_status status = os_lock_take(path, &r->lock, err);
    if (status == ENTRASQL_BUSY) {
        es_error_prefix(err, "an emulator runs on %s already", r->options->data_dir);
        es_hint(err, "Use it (entrasql emulator status says where it listens), stop it (entrasql "
                     "emulator stop), or give this one another --data-dir.");
    }
    return status;
}

/* What a killed emulator left would tell others wrong ports. */
static entrasql_status remove_leftovers(running *r, entrasql_error *err)
{
    ES_TRY(os_file_remove(r->state_file, err));
    if (r->options->ready_file != NULL)
        ES_TRY(os_file_remove(r->options->ready_file, err));
    return ENTRASQL_OK;
}

static entrasql_status set_sql_login(running *r, entrasql_error *err)
{
    if (r->options->sql_login == NULL)
        return ENTRASQL_OK;
    if (r->options->sql_password_file == NULL)
        return es_fail(err, ENTRASQL_CONFIG, "the SQL login %s needs a password file",
                       r->options->sql_login);
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(MAX_PASSWORD_FILE_BYTES);
    ES_TRY(os_file_read(r->options->sql_password_file, &text, err));
    const char *password = es_buf_cstr(&text);
    if (password == NULL)
        return es_nomem(err);
    es_buf_truncate(&text, strcspn(password, "\r\n"));
    password = es_buf_cstr(&text);
    if (password == NULL)
        return es_nomem(err);
    entrasql_status status = world_set_sql_login(r->w, r->options->sql_login, password, err);
    if (status != ENTRASQL_OK)
        es_error_prefix(err, "%s", r->options->sql_password_file);
    return status;
}

static entrasql_status open_engine(running *r, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *dir = world_path(r->options->data_dir, EMULATOR_SQL_DIR);
    if (dir == NULL)
        return es_nomem(err);
    ES_TRY(world_dir_make(dir, err));
    engine_options options = {
        .data_dir = dir,
        .server_name = world_server_name(r->w),
        .directory_find = world_directory_find,
        .directory_find_id = world_directory_find_id,
        .directory_ctx = r->w,
    };
    ES_TRY(engine_server_open(&options, &r->engine, err));
    for (size_t i = 0; i < world_database_count(r->w); i++)
        ES_TRY(engine_create_database(r->engine, world_database_name(r->w, i), err));
    return ENTRASQL_OK;
}

static entrasql_status open_backend(running *r, entrasql_error *err)
{
    front_backend_options options = {
        .url = r->options->backend,
        .user = r->options->backend_login,
        .password_file = r->options->backend_password_file,
        .ca_file = r->options->backend_ca_file,
        .trust_certificate = r->options->backend_trust,
    };
    return options.url != NULL ? front_backend_new(&options, &r->backend, err) : ENTRASQL_OK;
}

static emulator_info info_of(const running *r)
{
    return (emulator_info){
        .pid = (int)getpid(),
        .entra_port = entra_port(r->entra),
        .identity_port = imds_port(r->imds),
        .fabric_port = imds_fabric_port(r->imds),
        .sql_port = front_port(r->front),
        .arm_port = arm_port(r->arm),
        .catalog_port = front_catalog_port(r->front),
    };
}

static entrasql_status reset(void *ctx, engine_server **ret_engine, entrasql_error *err);

static entrasql_status open_admin(running *r, entrasql_error *err)
{
    admin_options options = {
        .world = r->w,
        .engine = r->engine,
        .journal = r->journal,
        .arm = r->arm,
        .data_dir = r->options->data_dir,
        .backend = r->backend != NULL ? front_backend_name(r->backend) : NULL,
        .info = info_of(r),
        .reset = reset,
        .ctx = r,
    };
    ES_TRY(admin_new(&options, &r->admin, err));
    entra_set_site(r->entra, admin_handle, r->admin);
    return ENTRASQL_OK;
}

static entrasql_status start_arm(running *r, entrasql_error *err)
{
    arm_options options = {
        .world = r->w,
        .data_dir = r->options->data_dir,
        .port = r->options->arm_port,
        .sql_port = front_port(r->front),
    };
    ES_TRY(arm_start(&options, &r->arm, err));
    http_record_observe(r->record, "resource manager", arm_service(r->arm));
    return ENTRASQL_OK;
}

/* The front comes after Entra, whose URL it gives to clients. */
static entrasql_status start_services(running *r, entrasql_error *err)
{
    front_options options = {
        .world = r->w,
        .port = r->options->sql_port,
        .record_dir = r->options->record_dir,
    };
    r->journal = journal_new();
    if (r->journal == NULL)
        return es_nomem(err);
    ES_TRY(open_backend(r, err));
    ES_TRY(open_engine(r, err));
    if (r->options->record_dir != NULL)
        ES_TRY(http_record_open(r->options->record_dir, &r->record, err));
    ES_TRY(entra_start(r->w, r->options->entra_port, &r->entra, err));
    http_record_observe(r->record, "entra", entra_service(r->entra));
    ES_TRY(imds_start(r->w, r->options->data_dir, r->options->identity_port, &r->imds, err));
    http_record_observe(r->record, "managed identity", imds_service(r->imds));
    if (imds_fabric_service(r->imds) != NULL)
        http_record_observe(r->record, "service fabric", imds_fabric_service(r->imds));
    options.engine = r->engine;
    options.journal = r->journal;
    options.backend = r->backend;
    ES_TRY(front_start(&options, &r->front, err));
    ES_TRY(start_arm(r, err));
    return open_admin(r, err);
}

static entrasql_status write_files(const running *r, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(MAX_STATE_BYTES);
    emulator_info info = info_of(r);
    if (emulator_write_state(&info, r->options->data_dir, &text) != ENTRASQL_OK ||
        es_buf_add_str(&text, "\n") != ENTRASQL_OK)
        return es_nomem(err);
    ES_TRY(os_file_write(r->state_file, text.data, text.len, 0600, err));
    if (r->options->ready_file != NULL)
        ES_TRY(os_file_write(r->options->ready_file, text.data, text.len, 0600, err));
    return ENTRASQL_OK;
}

static void say(const running *r)
{
    FILE *out = r->options->out;
    if (out == NULL)
        return;
    ES_CLEANUP(es_buf_done) es_buf places = ES_BUF_INIT(MAX_PLACES_BYTES);
    emulator_info info = info_of(r);
    /* Clients may be here already, and a reset with them. What was lent is printed without the
     * hold: whoever reads it may be slow. */
    world_hold(r->w);
    const world_principal *admin = world_server_admin(r->w);
    world_let_go(r->w);
    (void)fprintf(out,
                  "entrasql emulator: for development only, never for real data. Loopback only.\n");
    if (emulator_print_places(&info, r->options->data_dir, &places) == ENTRASQL_OK)
        (void)fwrite(places.data, 1, places.len, out);
    if (r->backend != NULL)
        (void)fprintf(out, "  backend            %s\n", front_backend_name(r->backend));
    if (admin != NULL)
        (void)fprintf(out, "To be its admin:     eval \"$(entrasql emulator env --as %s)\"\n",
                      admin->upn != NULL ? admin->upn : admin->name);
    (void)fprintf(out, "ready\n");
    (void)fflush(out);
}

static entrasql_status set_faults(const running *r, entrasql_error *err)
{
    faults *f = world_faults(r->w);
    ES_TRY(faults_off(f, "all", err));
    return r->options->faults != NULL ? faults_on_list(f, r->options->faults, err) : ENTRASQL_OK;
}

static entrasql_status start(running *r, entrasql_error *err)
{
    const char *dir = r->options->data_dir;
    r->state_file = world_path(dir, EMULATOR_STATE_FILE);
    if (r->state_file == NULL)
        return es_nomem(err);
    ES_TRY(take_lock(r, err));
    ES_TRY(remove_leftovers(r, err));
    ES_TRY(world_load(dir, r->options->seed_file, true, &r->w, err));
    ES_TRY(set_faults(r, err));
    ES_TRY(set_sql_login(r, err));
    ES_TRY(emulator_make_tool_links(dir, r->w, err));
    ES_TRY(start_services(r, err));
    return write_files(r, err);
}

/* ---- reset ---- */

static entrasql_status empty_all(running *r, entrasql_error *err)
{
    ES_TRY(emulator_remove_databases(r->options->data_dir, err));
    ES_TRY(world_revert(r->w, r->options->data_dir, err));
    arm_forget(r->arm);
    ES_TRY(set_faults(r, err));
    return open_engine(r, err);
}

/*
 * On a thread of the HTTPS service, one at a time. Entra and the identity
 * endpoints go on meanwhile; SQL clients wait at the door.
 */
static entrasql_status reset(void *ctx, engine_server **ret_engine, entrasql_error *err)
{
    running *r = ctx;
    ES_TRY(faults_off(world_faults(r->w), "all", err)); /* no session waits in a delay */
    front_pause(r->front);
    engine_server_close(r->engine);
    r->engine = NULL;
    entrasql_status status = empty_all(r, err);
    *ret_engine = r->engine;
    if (status == ENTRASQL_OK)
        status = front_resume(r->front, r->engine, err);
    ES_LOG(INFO, "emulator", "reset", ES_KV_STR("status", entrasql_status_name(status)));
    return status;
}

/* ---- down ---- */

/*
 * Entra first: a reset may be under way on one of its threads. The lock last,
 * so that whoever waits for it finds the ports free.
 */
static void stop(running *r)
{
    if (r->lock != NULL)
        (void)remove_leftovers(r, NULL);
    if (r->w != NULL)
        faults_end_delays(world_faults(r->w));
    entra_stop(r->entra);
    arm_stop(r->arm);
    admin_free(r->admin);
    front_stop(r->front);
    imds_stop(r->imds);
    http_record_close(r->record);
    engine_server_close(r->engine);
    front_backend_free(r->backend);
    journal_free(r->journal);
    world_free(r->w);
    os_lock_free(r->lock);
    es_free(r->state_file);
}

entrasql_status emulator_run(const emulator_options *options, entrasql_error *err)
{
    running r = {.options = options};
    signals s;
    ES_TRY(hold_signals(&s, err));
    entrasql_status status = start(&r, err);
    if (status == ENTRASQL_OK) {
        say(&r);
        world_hold(r.w);
        ES_LOG(INFO, "emulator", "ready", ES_KV_STR("authority", world_authority(r.w)));
        world_let_go(r.w);
        wait_for_end(&s);
    }
    stop(&r);
    release_signals(&s);
    return status;
}
