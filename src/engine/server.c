/* SPDX-License-Identifier: MIT */
/* The databases of one data directory. */
#include "engine/applock.h"
#include "engine/internal.h"

#include "base/mem.h"
#include "base/str.h"
#include "sqltype/collation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char suffix[] = ".db";

int64_t engine_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return SQLDATE_DAYS_1970 * SQLTYPE_TICKS_PER_DAY + now.tv_sec * SQLTYPE_TICKS_PER_SECOND +
           now.tv_nsec / 100;
}

/* ---- file names: anything but a plain character is written as %XX ---- */

static bool is_plain(unsigned char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || es_is_digit((char)c) || c == '_' ||
           c == '-' || c == ' ' || c >= 0x80 || (c == '.' && !first);
}

static char *path_of(const char *dir, const char *name)
{
    es_buf b = ES_BUF_INIT(4096);
    entrasql_status status = es_buf_printf(&b, "%s/", dir);
    for (size_t i = 0; status == ENTRASQL_OK && name[i] != '\0'; i++) {
        unsigned char c = (unsigned char)name[i];
        status = is_plain(c, i == 0) ? es_buf_u8(&b, c) : es_buf_printf(&b, "%%%02X", c);
    }
    if (status == ENTRASQL_OK)
        status = es_buf_add_str(&b, suffix);
    char *path = status == ENTRASQL_OK ? es_buf_take(&b, NULL) : NULL;
    es_buf_done(&b);
    return path;
}

static int hex_of(char c)
{
    if (es_is_digit(c))
        return c - '0';
    c = es_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The database's name from a file's, or NULL when the file is none of ours. */
static char *name_of(const char *file)
{
    size_t n = strlen(file);
    if (n <= sizeof suffix - 1 || !es_ends_with(file, suffix))
        return NULL;
    n -= sizeof suffix - 1;
    char *name = es_malloc(n + 1);
    size_t at = 0;
    for (size_t i = 0; name != NULL && i < n; i++) {
        if (file[i] == '%' && n - i > 2 && hex_of(file[i + 1]) >= 0 && hex_of(file[i + 2]) >= 0) {
            name[at++] = (char)(hex_of(file[i + 1]) * 16 + hex_of(file[i + 2]));
            i += 2;
        } else {
            name[at++] = file[i];
        }
    }
    if (name != NULL)
        name[at] = '\0';
    return name;
}

/* ---- connections ---- */

static int limit_connection(sqlite3 *db)
{
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 512 * 1024 * 1024);
    sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 64 * 1024 * 1024);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 1);
    sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
    int rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    return rc;
}

static entrasql_status set_up(sqlite3 *db, entrasql_error *err)
{
    sqlite3_extended_result_codes(db, 1);
    /* Only until the session sets its own handler: two processes at the start of a database. */
    sqlite3_busy_timeout(db, 10000);
    int rc = limit_connection(db);
    if (rc == SQLITE_OK)
        rc = engine_store_register(db);
    if (rc != SQLITE_OK)
        return engine_db_fail(db, rc, err);
    return engine_db_exec(db,
                          "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                          "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8000;",
                          err);
}

entrasql_status engine_server_connect(const engine_database *database, sqlite3 **ret,
                                      entrasql_error *err)
{
    sqlite3 *db = NULL;
    int rc =
        sqlite3_open_v2(database->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    entrasql_status status = rc == SQLITE_OK
                                 ? set_up(db, err)
                                 : es_fail(err, ENTRASQL_OS, "cannot open the database file %s: %s",
                                           database->path, sqlite3_errstr(rc));
    if (status != ENTRASQL_OK) {
        sqlite3_close_v2(db);
        return status;
    }
    *ret = db;
    return ENTRASQL_OK;
}

/* ---- databases ---- */

static void free_database(engine_database *d)
{
    if (d == NULL)
        return;
    es_free(d->name);
    es_free(d->path);
    es_free(d->counters);
    es_free(d);
}

static engine_database *find(engine_server *server, const char *name)
{
    for (engine_database *d = server->databases; d != NULL; d = d->next) {
        if (sqlcollation_equal_names(d->name, name))
            return d;
    }
    return NULL;
}

engine_database *engine_server_database(engine_server *server, const char *name)
{
    pthread_mutex_lock(&server->lock);
    engine_database *d = find(server, name);
    pthread_mutex_unlock(&server->lock);
    return d;
}

bool engine_database_exists(engine_server *server, const char *name)
{
    return engine_server_database(server, name) != NULL;
}

/* Adds a database to the list; master is number 1, the others follow in their order. */
static entrasql_status list(engine_server *server, const char *name, engine_database **ret,
                            entrasql_error *err)
{
    engine_database *d = es_calloc(1, sizeof *d);
    if (d == NULL)
        return es_nomem(err);
    d->name = es_strdup(name);
    d->path = path_of(server->data_dir, name);
    if (d->name == NULL || d->path == NULL) {
        free_database(d);
        return es_nomem(err);
    }
    engine_database **at = &server->databases;
    d->id = 1;
    for (; *at != NULL; at = &(*at)->next)
        d->id = (*at)->id + 1;
    if (d->id > 1 && d->id < 5)
        d->id = 5; /* 2 to 4 are system databases on a real server */
    d->created = engine_now();
    *at = d;
    *ret = d;
    return ENTRASQL_OK;
}

/* Creates the file when it is new, and our tables in it. */
static entrasql_status prepare_file(const engine_database *d, entrasql_error *err)
{
    int fd = open(d->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return es_fail_errno(err, errno, "cannot create the database file %s", d->path);
    close(fd);
    sqlite3 *db = NULL;
    ES_TRY(engine_server_connect(d, &db, err));
    int64_t have = 0;
    entrasql_status status = engine_db_exec(db, "BEGIN IMMEDIATE", err);
    if (status == ENTRASQL_OK)
        status = engine_db_int(db, err, &have,
                               "SELECT count(*) FROM sqlite_schema WHERE name = 'es_meta'", "");
    if (status == ENTRASQL_OK)
        status = have == 0 ? engine_catalog_create(db, err) : engine_catalog_complete(db, err);
    if (status == ENTRASQL_OK)
        status = engine_db_exec(db, "COMMIT", err);
    sqlite3_close_v2(db);
    return status;
}

static void unlist(engine_server *server, engine_database *d)
{
    engine_database **at = &server->databases;
    while (*at != NULL && *at != d)
        at = &(*at)->next;
    if (*at != NULL)
        *at = d->next;
    free_database(d);
}

static entrasql_status create(engine_server *server, const char *name, entrasql_error *err)
{
    engine_database *d = NULL;
    if (find(server, name) != NULL)
        return ENTRASQL_OK;
    ES_TRY(list(server, name, &d, err));
    entrasql_status status = prepare_file(d, err);
    if (status != ENTRASQL_OK)
        unlist(server, d);
    return status;
}

entrasql_status engine_create_database(engine_server *server, const char *name, entrasql_error *err)
{
    if (name == NULL || name[0] == '\0' || strlen(name) > ENGINE_NAME_MAX)
        return es_fail(err, ENTRASQL_INVALID, "a database needs a name of 1 to %d characters",
                       ENGINE_NAME_MAX);
    pthread_mutex_lock(&server->lock);
    entrasql_status status = create(server, name, err);
    pthread_mutex_unlock(&server->lock);
    return status;
}

/* ---- the server ---- */

static entrasql_status open_files(engine_server *server, entrasql_error *err)
{
    DIR *dir = opendir(server->data_dir);
    entrasql_status status = ENTRASQL_OK;
    if (dir == NULL)
        return es_fail_errno(err, errno, "cannot read the data directory %s", server->data_dir);
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        ES_CLEANUP(es_cleanup_free) char *name = name_of(e->d_name);
        if (name == NULL)
            continue;
        status = create(server, name, err);
        if (status != ENTRASQL_OK)
            break;
    }
    closedir(dir);
    return status;
}

static entrasql_status fill(engine_server *server, const engine_options *options,
                            entrasql_error *err)
{
    server->data_dir = es_strdup(options->data_dir);
    server->name = es_strdup(options->server_name != NULL ? options->server_name : "localhost");
    if (server->data_dir == NULL || server->name == NULL)
        return es_nomem(err);
    server->directory_find = options->directory_find;
    server->directory_find_id = options->directory_find_id;
    server->directory_ctx = options->directory_ctx;
    atomic_store(&server->next_transaction, (uint64_t)engine_now() & 0xFFFFFF);
    atomic_store(&server->next_rowversion, 2000);
    if (mkdir(server->data_dir, 0700) != 0 && errno != EEXIST)
        return es_fail_errno(err, errno, "cannot create the data directory %s", server->data_dir);
    ES_TRY(create(server, "master", err));
    return open_files(server, err);
}

entrasql_status engine_server_open(const engine_options *options, engine_server **ret,
                                   entrasql_error *err)
{
    if (options == NULL || options->data_dir == NULL || options->data_dir[0] == '\0')
        return es_fail(err, ENTRASQL_INVALID, "the engine needs a data directory");
    engine_server *server = es_calloc(1, sizeof *server);
    if (server == NULL)
        return es_nomem(err);
    pthread_mutex_init(&server->lock, NULL);
    entrasql_status status = fill(server, options, err);
    if (status != ENTRASQL_OK) {
        engine_server_close(server);
        return status;
    }
    *ret = server;
    return ENTRASQL_OK;
}

void engine_server_close(engine_server *server)
{
    if (server == NULL)
        return;
    while (server->databases != NULL) {
        engine_database *next = server->databases->next;
        free_database(server->databases);
        server->databases = next;
    }
    engine_applocks_done(server);
    pthread_mutex_destroy(&server->lock);
    es_free(server->data_dir);
    es_free(server->name);
    es_free(server);
}
