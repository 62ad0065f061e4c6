/* SPDX-License-Identifier: MIT */
/* The data directory from outside: where it is, whether an emulator runs on it, ending that one. */
#include "internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "emulator/imds/imds.h"
#include "emulator/world/files.h"
#include "os/file.h"
#include "os/lock.h"
#include "json/json.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_STATE_BYTES (64 * 1024)
#define POLL_MS 20

/* ---- where ---- */

static entrasql_status make_absolute(const char *path, char **ret, entrasql_error *err)
{
    char cwd[4096] = "";
    if (*path == 0)
        return es_fail(err, ENTRASQL_CONFIG, "the emulator's data directory has an empty name");
    if (*path != '/' && getcwd(cwd, sizeof cwd) == NULL)
        return es_fail_errno(err, errno, "cannot tell the current directory");
    *ret = *path == '/' ? es_strdup(path) : world_path(cwd, path);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

entrasql_status emulator_data_dir(const char *given, char **ret, entrasql_error *err)
{
    if (given != NULL)
        return make_absolute(given, ret, err);
    const char *dir = getenv("ENTRASQL_EMULATOR_DIR");
    if (dir != NULL && *dir != 0)
        return make_absolute(dir, ret, err);
    entrasql_status status = os_state_path("emulator", ret, err);
    if (status != ENTRASQL_CONFIG)
        return status;
    (void)es_fail(err, ENTRASQL_CONFIG, "no place for the emulator's data: HOME is not set");
    es_hint(err, "Set HOME, XDG_STATE_HOME or ENTRASQL_EMULATOR_DIR, or name one: --data-dir DIR");
    return ENTRASQL_CONFIG;
}

/* ---- the state file ---- */

static void put_format(json_writer *j, const char *name, const char *fmt, unsigned port,
                       const char *rest)
{
    es_buf text = ES_BUF_INIT(256);
    json_name(j, name);
    if (es_buf_printf(&text, "%s%u%s", fmt, port, rest) == ENTRASQL_OK)
        json_put_text(j, (const char *)text.data, text.len);
    else
        json_put_null(j);
    es_buf_done(&text);
}

entrasql_status emulator_put_state(const emulator_info *info, const char *data_dir, json_writer *j)
{
    ES_CLEANUP(es_cleanup_free) char *ca_file = world_path(data_dir, "ca.pem");
    if (ca_file == NULL)
        return ENTRASQL_NOMEM;
    json_member_put_i64(j, "pid", info->pid);
    json_member_put_i64(j, "entra_port", info->entra_port);
    json_member_put_i64(j, "identity_port", info->identity_port);
    json_member_put_i64(j, "sql_port", info->sql_port);
    if (info->arm_port != 0) {
        json_member_put_i64(j, "arm_port", info->arm_port);
        put_format(j, "resource_manager", "https://localhost:", info->arm_port, "");
    }
    if (info->fabric_port != 0)
        json_member_put_i64(j, "fabric_port", info->fabric_port);
    json_member_put_i64(j, "catalog_port", info->catalog_port);
    put_format(j, "authority", "https://localhost:", info->entra_port, "");
    put_format(j, "status_page", "https://localhost:", info->entra_port, "/");
    put_format(j, "imds", "http://127.0.0.1:", info->identity_port, IMDS_VM_PATH);
    put_format(j, "identity_endpoint", "http://127.0.0.1:", info->identity_port,
               IMDS_APP_SERVICE_PATH);
    put_format(j, "sql_server", "tcp:localhost,", info->sql_port, "");
    json_member_put_string(j, "ca_file", ca_file);
    json_member_put_string(j, "data_dir", data_dir);
    return ENTRASQL_OK;
}

entrasql_status emulator_write_state(const emulator_info *info, const char *data_dir, es_buf *out)
{
    json_writer j;
    json_writer_init(&j, out);
    json_begin_object(&j);
    ES_TRY(emulator_put_state(info, data_dir, &j));
    json_end_object(&j);
    return json_writer_end(&j);
}

entrasql_status emulator_print_places(const emulator_info *info, const char *data_dir, es_buf *out)
{
    ES_CLEANUP(es_cleanup_free) char *ca_file = world_path(data_dir, "ca.pem");
    if (ca_file == NULL)
        return ENTRASQL_NOMEM;
    ES_TRY(es_buf_printf(out,
                         "  Entra              https://localhost:%u\n"
                         "  managed identity   http://127.0.0.1:%u\n"
                         "  SQL                tcp:localhost,%u\n",
                         (unsigned)info->entra_port, (unsigned)info->identity_port,
                         (unsigned)info->sql_port));
    if (info->catalog_port != 0)
        ES_TRY(es_buf_printf(out, "  catalog            tcp:localhost,%u  (users are made here)\n",
                             (unsigned)info->catalog_port));
    if (info->arm_port != 0)
        ES_TRY(es_buf_printf(out, "  resource manager   https://localhost:%u\n",
                             (unsigned)info->arm_port));
    return es_buf_printf(out,
                         "  trust              %s\n"
                         "  data               %s\n"
                         "  status page        https://localhost:%u/\n",
                         ca_file, data_dir, (unsigned)info->entra_port);
}

static bool read_port(const json_node *root, const char *name, uint16_t *ret)
{
    int64_t value = 0;
    if (json_member_i64(root, name, &value) != ENTRASQL_OK || value < 0 || value > UINT16_MAX)
        return false;
    *ret = (uint16_t)value;
    return true;
}

static bool read_info(const json_node *root, emulator_info *info)
{
    int64_t pid = 0;
    if (json_member_i64(root, "pid", &pid) != ENTRASQL_OK || pid <= 1 || pid > INT32_MAX)
        return false;
    info->pid = (int)pid;
    info->fabric_port = 0;
    info->arm_port = 0;
    if (json_member(root, "arm_port") != NULL && !read_port(root, "arm_port", &info->arm_port))
        return false;
    if (json_member(root, "fabric_port") != NULL &&
        !read_port(root, "fabric_port", &info->fabric_port))
        return false;
    return read_port(root, "catalog_port", &info->catalog_port) &&
           read_port(root, "entra_port", &info->entra_port) &&
           read_port(root, "identity_port", &info->identity_port) &&
           read_port(root, "sql_port", &info->sql_port);
}

static entrasql_status not_running(const char *data_dir, entrasql_error *err)
{
    (void)es_fail(err, ENTRASQL_NOT_FOUND, "no emulator runs on %s", data_dir);
    es_hint(err, "Start one (entrasql emulator start), or name the folder of the one that runs: "
                 "--data-dir DIR or ENTRASQL_EMULATOR_DIR.");
    return ENTRASQL_NOT_FOUND;
}

/* Whether somebody holds the lock. NOT_FOUND also when there is no such directory. */
static entrasql_status check_lock(const char *data_dir, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *path = world_path(data_dir, EMULATOR_LOCK_FILE);
    if (path == NULL)
        return es_nomem(err);
    if (access(path, F_OK) != 0)
        return not_running(data_dir, err);
    os_lock *lock = NULL;
    entrasql_status status = os_lock_take(path, &lock, err);
    if (status == ENTRASQL_OK) {
        os_lock_free(lock);
        return not_running(data_dir, err);
    }
    return status == ENTRASQL_BUSY ? ENTRASQL_OK : status;
}

entrasql_status emulator_status(const char *data_dir, emulator_info *ret, entrasql_error *err)
{
    ES_TRY(check_lock(data_dir, err));
    ES_CLEANUP(es_cleanup_free) char *path = world_path(data_dir, EMULATOR_STATE_FILE);
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(MAX_STATE_BYTES);
    ES_CLEANUP(json_doc_cleanup) json_doc *doc = NULL;
    emulator_info info = {0};
    if (path == NULL)
        return es_nomem(err);
    entrasql_status status = world_file_read_private(path, &text, err);
    if (status == ENTRASQL_NOT_FOUND) {
        (void)es_fail(err, ENTRASQL_NOT_FOUND, "the emulator on %s is not ready yet", data_dir);
        return status;
    }
    ES_TRY(status);
    status = json_doc_parse(text.data, text.len, &doc, err);
    if (status == ENTRASQL_NOMEM)
        return status;
    if (status != ENTRASQL_OK || !read_info(json_doc_root(doc), &info))
        return es_fail(err, ENTRASQL_MALFORMED, "%s is damaged", path);
    *ret = info;
    return ENTRASQL_OK;
}

entrasql_status emulator_status_json(const char *data_dir, es_buf *out, entrasql_error *err)
{
    emulator_info info;
    ES_TRY(emulator_status(data_dir, &info, err));
    return emulator_write_state(&info, data_dir, out) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

/* ---- stop ---- */

static void sleep_ms(long ms)
{
    struct timespec t = {.tv_nsec = ms * 1000000};
    (void)nanosleep(&t, NULL);
}

/* The lock is the truth: while it is held, the number in the state file is the holder's. */
entrasql_status emulator_stop(const char *data_dir, uint32_t timeout_ms, entrasql_error *err)
{
    emulator_info info;
    ES_TRY(emulator_status(data_dir, &info, err));
    if (kill((pid_t)info.pid, SIGTERM) != 0 && errno != ESRCH)
        return es_fail_errno(err, errno, "cannot end process %d", info.pid);
    int64_t deadline = es_clock_deadline(timeout_ms);
    for (;;) {
        entrasql_status status = check_lock(data_dir, err);
        if (status == ENTRASQL_NOT_FOUND)
            return ENTRASQL_OK;
        ES_TRY(status);
        if (es_clock_mono_ms() >= deadline)
            return es_fail(err, ENTRASQL_TIMEOUT,
                           "the emulator (process %d) has not ended in %u ms", info.pid,
                           (unsigned)timeout_ms);
        sleep_ms(POLL_MS);
    }
}
