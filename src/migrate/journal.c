/* SPDX-License-Identifier: MIT */
#include "migrate/journal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "os/file.h"
#include "os/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION 1
#define MAX_LINES 4096
#define LINE_MAX_BYTES (512 * 1024)
#define PATH_MAX_BYTES 4096

/* One line after the first. */
typedef struct record {
    json_doc *doc;
    const char *step;
    migrate_event event;
    const json_node *detail; /* NULL: none */
} record;

struct migrate_journal {
    char *path;
    os_lock *lock;
    int fd; /* -1: only looked at */
    json_doc *head;
    record *records;
    size_t count;
    size_t whole_bytes;
};

static const char *const event_names[MIGRATE_EVENT_COUNT] = {"begin", "done", "failed", "undoing",
                                                             "undone"};

const char *migrate_event_name(migrate_event event)
{
    return event_names[event];
}

/* ---- reading ---- */

static entrasql_status damaged(size_t line, entrasql_error *err, const char *why)
{
    es_fail(err, ENTRASQL_CONFIG, "the journal is damaged in line %zu: %s", line, why);
    es_hint(err, "Look at it with a text editor; without it a rollback has to be done by hand.");
    return ENTRASQL_CONFIG;
}

static bool find_event(const char *name, migrate_event *ret)
{
    for (int i = 0; i < MIGRATE_EVENT_COUNT; i++) {
        if (es_streq(event_names[i], name)) {
            *ret = (migrate_event)i;
            return true;
        }
    }
    return false;
}

static entrasql_status take_head(migrate_journal *j, json_doc *doc, entrasql_error *err)
{
    int64_t version = 0;
    const char *text = NULL;
    const json_node *root = json_doc_root(doc);

    if (json_member_i64(root, "entrasqlMigration", &version) != ENTRASQL_OK ||
        json_member_string(root, "tenant", &text, NULL) != ENTRASQL_OK ||
        json_member_string(root, "subscription", &text, NULL) != ENTRASQL_OK ||
        json_member_string(root, "plan", &text, NULL) != ENTRASQL_OK)
        return damaged(1, err, "it is no journal of a migration");
    if (version != VERSION)
        return damaged(1, err, "another version of entrasql wrote it");
    j->head = doc;
    return ENTRASQL_OK;
}

static entrasql_status take_record(migrate_journal *j, size_t line, json_doc *doc,
                                   entrasql_error *err)
{
    const json_node *root = json_doc_root(doc);
    record r = {.doc = doc};
    const char *event = NULL;

    if (json_member_string(root, "step", &r.step, NULL) != ENTRASQL_OK ||
        json_member_string(root, "event", &event, NULL) != ENTRASQL_OK ||
        !find_event(event, &r.event))
        return damaged(line, err, "it names no step and event");
    if (json_member_object(root, "detail", &r.detail) != ENTRASQL_OK)
        r.detail = NULL;
    if (j->count == MAX_LINES)
        return es_fail(err, ENTRASQL_LIMIT, "the journal has more than %d lines", MAX_LINES);
    record *grown = es_reallocarray(j->records, j->count + 1, sizeof *grown);
    if (grown == NULL)
        return es_nomem(err);
    j->records = grown;
    j->records[j->count++] = r;
    return ENTRASQL_OK;
}

static entrasql_status take_line(migrate_journal *j, size_t line, const char *p, size_t n,
                                 entrasql_error *err)
{
    json_doc *doc = NULL;
    entrasql_status status = json_doc_parse(p, n, &doc, err);

    if (status == ENTRASQL_NOMEM)
        return status;
    if (status != ENTRASQL_OK)
        return damaged(line, err, "it is not JSON");
    status = j->head == NULL ? take_head(j, doc, err) : take_record(j, line, doc, err);
    if (status != ENTRASQL_OK)
        json_doc_free(doc);
    return status;
}

/* Whole lines only: what a crash has cut off was not yet acted upon. */
static entrasql_status take_lines(migrate_journal *j, const char *p, size_t n, entrasql_error *err)
{
    size_t at = 0;
    for (size_t line = 1; at < n; line++) {
        const char *end = memchr(p + at, '\n', n - at);
        if (end == NULL)
            break;
        size_t length = (size_t)(end - (p + at));
        ES_TRY(take_line(j, line, p + at, length, err));
        at += length + 1;
    }
    j->whole_bytes = at;
    return j->head != NULL ? ENTRASQL_OK : damaged(1, err, "it has no first line");
}

entrasql_status migrate_journal_parse(const void *p, size_t n, migrate_journal **ret,
                                      entrasql_error *err)
{
    migrate_journal *j = es_calloc(1, sizeof *j);
    if (j == NULL)
        return es_nomem(err);
    j->fd = -1;
    entrasql_status status = take_lines(j, p, n, err);
    if (status != ENTRASQL_OK) {
        migrate_journal_close(j);
        return status;
    }
    *ret = j;
    return ENTRASQL_OK;
}

size_t migrate_journal_whole_bytes(const migrate_journal *j)
{
    return j->whole_bytes;
}

/* ---- the file ---- */

/* A device keeps no journal, and a lock file has no place beside it. */
static entrasql_status check_kind(const char *path, entrasql_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0 || S_ISREG(st.st_mode))
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_CONFIG, "the journal %s is no regular file", path);
    es_hint(err, "It is read again to go on, to verify and to roll back: --journal names a file.");
    return ENTRASQL_CONFIG;
}

static entrasql_status take_lock(const char *path, os_lock **ret, entrasql_error *err)
{
    char name[PATH_MAX_BYTES];
    if (strlen(path) + sizeof ".lock" > sizeof name)
        return es_fail(err, ENTRASQL_INVALID, "the path of the journal is too long");
    es_strlcpy_utf8(name, sizeof name, path);
    es_strlcpy_utf8(name + strlen(path), sizeof ".lock", ".lock");
    entrasql_status status = os_lock_take(name, ret, err);
    if (status == ENTRASQL_BUSY)
        es_hint(err, "Another entrasql works on this migration: wait until it has ended.");
    return status;
}

/* The name of a new file is on disk only when its folder is. */
static entrasql_status sync_folder(const char *path, entrasql_error *err)
{
    char copy[PATH_MAX_BYTES];
    es_strlcpy_utf8(copy, sizeof copy, path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return es_fail_errno(err, errno, "cannot open the folder of the journal");
    int result = fsync(fd);
    int saved = errno;
    (void)close(fd);
    return result == 0 ? ENTRASQL_OK
                       : es_fail_errno(err, saved, "cannot flush the journal's folder");
}

static entrasql_status write_all(int fd, const uint8_t *p, size_t n, entrasql_error *err)
{
    while (n != 0) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return es_fail_errno(err, errno, "cannot write to the journal");
        p += k;
        n -= (size_t)k;
    }
    if (fsync(fd) != 0)
        return es_fail_errno(err, errno, "cannot flush the journal to disk");
    return ENTRASQL_OK;
}

static void add_time(json_writer *w)
{
    json_member_put_i64(w, "time", es_clock_wall_s());
}

static entrasql_status build_head(const migrate_journal_head *head, es_buf *line)
{
    json_writer w;
    json_writer_init(&w, line);
    json_begin_object(&w);
    json_member_put_i64(&w, "entrasqlMigration", VERSION);
    add_time(&w);
    json_member_put_string(&w, "tenant", head->tenant);
    json_member_put_string(&w, "subscription", head->subscription);
    json_member_put_string(&w, "plan", head->plan);
    json_name(&w, "options");
    json_put_raw(&w, (const char *)head->options->data, head->options->len);
    json_name(&w, "steps");
    json_put_raw(&w, (const char *)head->steps->data, head->steps->len);
    json_end_object(&w);
    ES_TRY(json_writer_end(&w));
    return es_buf_u8(line, '\n');
}

static entrasql_status open_new(migrate_journal *j, const migrate_journal_head *head,
                                entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf line = ES_BUF_INIT(LINE_MAX_BYTES);

    entrasql_status status = build_head(head, &line);
    if (status != ENTRASQL_OK)
        return status == ENTRASQL_NOMEM ? es_nomem(err)
                                        : es_fail(err, status, "the plan does not fit the journal");
    ES_TRY(take_line(j, 1, (const char *)line.data, line.len - 1, err));
    if (access(j->path, F_OK) == 0) {
        es_fail(err, ENTRASQL_EXISTS, "there is a journal already: %s", j->path);
        es_hint(err, "Go on from it (apply with the same options), roll it back, or name another "
                     "one with --journal.");
        return ENTRASQL_EXISTS;
    }
    /* By rename, so that a killed run never leaves one without its first line. */
    ES_TRY(os_file_write(j->path, line.data, line.len, S_IRUSR | S_IWUSR, err));
    j->fd = open(j->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (j->fd < 0)
        return es_fail_errno(err, errno, "cannot open the journal %s", j->path);
    return sync_folder(j->path, err);
}

static entrasql_status new_journal(const char *path, migrate_journal **ret, entrasql_error *err)
{
    migrate_journal *j = es_calloc(1, sizeof *j);
    if (j == NULL || (j->path = es_strdup(path)) == NULL) {
        es_free(j);
        return es_nomem(err);
    }
    j->fd = -1;
    *ret = j;
    return ENTRASQL_OK;
}

entrasql_status migrate_journal_create(const char *path, const migrate_journal_head *head,
                                       migrate_journal **ret, entrasql_error *err)
{
    migrate_journal *j = NULL;
    ES_TRY(check_kind(path, err));
    ES_TRY(new_journal(path, &j, err));
    entrasql_status status = take_lock(path, &j->lock, err);
    if (status == ENTRASQL_OK)
        status = open_new(j, head, err);
    if (status != ENTRASQL_OK) {
        migrate_journal_close(j);
        return status;
    }
    *ret = j;
    return ENTRASQL_OK;
}

static entrasql_status open_old(migrate_journal *j, bool to_write, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(MIGRATE_JOURNAL_MAX_BYTES);

    if (access(j->path, F_OK) != 0 && errno == ENOENT)
        return es_fail(err, ENTRASQL_NOT_FOUND, "there is no journal %s", j->path);
    ES_TRY(os_file_read_private(j->path, &text, err));
    ES_TRY(take_lines(j, (const char *)text.data, text.len, err));
    if (!to_write)
        return ENTRASQL_OK;
    j->fd = open(j->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (j->fd < 0)
        return es_fail_errno(err, errno, "cannot open the journal %s", j->path);
    if (ftruncate(j->fd, (off_t)j->whole_bytes) != 0)
        return es_fail_errno(err, errno, "cannot cut the unfinished line off the journal");
    return ENTRASQL_OK;
}

entrasql_status migrate_journal_open(const char *path, bool to_write, migrate_journal **ret,
                                     entrasql_error *err)
{
    migrate_journal *j = NULL;
    ES_TRY(check_kind(path, err));
    ES_TRY(new_journal(path, &j, err));
    entrasql_status status =
        to_write && access(path, F_OK) == 0 ? take_lock(path, &j->lock, err) : ENTRASQL_OK;
    if (status == ENTRASQL_OK)
        status = open_old(j, to_write, err);
    if (status != ENTRASQL_OK) {
        migrate_journal_close(j);
        return status;
    }
    *ret = j;
    return ENTRASQL_OK;
}

void migrate_journal_close(migrate_journal *j)
{
    if (j == NULL)
        return;
    for (size_t i = 0; i < j->count; i++)
        json_doc_free(j->records[i].doc);
    json_doc_free(j->head);
    if (j->fd >= 0)
        (void)close(j->fd);
    os_lock_free(j->lock);
    es_free(j->records);
    es_free(j->path);
    es_free(j);
}

/* ---- what is in it ---- */

const char *migrate_journal_path(const migrate_journal *j)
{
    return j->path;
}

const char *migrate_journal_head_text(const migrate_journal *j, const char *name)
{
    const char *text = "";
    return json_member_string(json_doc_root(j->head), name, &text, NULL) == ENTRASQL_OK ? text : "";
}

const json_node *migrate_journal_options(const migrate_journal *j)
{
    return json_member(json_doc_root(j->head), "options");
}

const json_node *migrate_journal_steps(const migrate_journal *j)
{
    return json_member(json_doc_root(j->head), "steps");
}

/* Whether an event that was on record counts no more once `later` is. */
static bool is_ended(migrate_event event, migrate_event later)
{
    return later == MIGRATE_EVENT_UNDONE ||
           (event == MIGRATE_EVENT_DONE && later == MIGRATE_EVENT_UNDOING) ||
           (event == MIGRATE_EVENT_UNDOING && later == MIGRATE_EVENT_DONE);
}

static const record *find(const migrate_journal *j, const char *step, migrate_event event,
                          bool first)
{
    const record *found = NULL;
    for (size_t i = 0; i < j->count; i++) {
        const record *r = &j->records[i];
        if (!es_streq(r->step, step))
            continue;
        if (r->event == event && (found == NULL || !first))
            found = r;
        else if (is_ended(event, r->event))
            found = NULL;
    }
    return found;
}

const json_node *migrate_journal_find(const migrate_journal *j, const char *step,
                                      migrate_event event)
{
    const record *r = find(j, step, event, false);
    return r != NULL ? r->detail : NULL;
}

const json_node *migrate_journal_first(const migrate_journal *j, const char *step,
                                       migrate_event event)
{
    const record *r = find(j, step, event, true);
    return r != NULL ? r->detail : NULL;
}

bool migrate_journal_has(const migrate_journal *j, const char *step, migrate_event event)
{
    return find(j, step, event, false) != NULL;
}

bool migrate_journal_is_last(const migrate_journal *j, const char *step)
{
    size_t n = j->count;
    /* The way through the firewall comes and goes with every run. */
    while (n != 0 && es_streq(j->records[n - 1].step, "firewall"))
        n--;
    return n != 0 && es_streq(j->records[n - 1].step, step) &&
           j->records[n - 1].event == MIGRATE_EVENT_DONE;
}

/* ---- writing ---- */

static entrasql_status build_record(const char *step, migrate_event event, const es_buf *detail,
                                    es_buf *line)
{
    json_writer w;
    json_writer_init(&w, line);
    json_begin_object(&w);
    json_member_put_string(&w, "step", step);
    json_member_put_string(&w, "event", event_names[event]);
    add_time(&w);
    if (detail != NULL && detail->len != 0) {
        json_name(&w, "detail");
        json_put_raw(&w, (const char *)detail->data, detail->len);
    }
    json_end_object(&w);
    ES_TRY(json_writer_end(&w));
    return es_buf_u8(line, '\n');
}

entrasql_status migrate_journal_add(migrate_journal *j, const char *step, migrate_event event,
                                    const es_buf *detail, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf line = ES_BUF_INIT(LINE_MAX_BYTES);

    entrasql_status status = build_record(step, event, detail, &line);
    if (status != ENTRASQL_OK)
        return status == ENTRASQL_NOMEM ? es_nomem(err)
                                        : es_fail(err, status, "a line does not fit the journal");
    ES_TRY(take_line(j, j->count + 2, (const char *)line.data, line.len - 1, err));
    if (j->fd < 0)
        return ENTRASQL_OK;
    return write_all(j->fd, line.data, line.len, err);
}
