/* SPDX-License-Identifier: MIT */
/* Log lines as text or JSON. */
#include "base/log.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/utf16.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192

static _Atomic int current_level = ES_LOG_NONE;
static _Atomic int current_form = ES_LOG_TEXT;
static _Atomic int current_fd = STDERR_FILENO;

static atomic_bool never_waits;
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER; /* of one that never waits */
static uint64_t lost;                                       /* lines, under `writing` */
static bool is_torn; /* as that: the latest line was written in part */

static _Thread_local es_log_scope scope;

static const char *const level_names[] = {"none", "error", "warning", "info", "debug", "trace"};

es_log_scope es_log_scope_begin(const char *key, int64_t number)
{
    es_log_scope outer = scope;
    scope = (es_log_scope){.key = key, .number = number};
    return outer;
}

void es_log_scope_end(es_log_scope *outer)
{
    scope = *outer;
}

void es_log_setup(es_log_level level, es_log_form form, int fd)
{
    atomic_store(&current_form, (int)form);
    atomic_store(&current_fd, fd);
    atomic_store(&current_level, (int)level);
}

void es_log_never_wait(void)
{
    atomic_store(&never_waits, true);
}

es_log_level es_log_current_level(void)
{
    return (es_log_level)atomic_load_explicit(&current_level, memory_order_relaxed);
}

entrasql_status es_log_level_parse(const char *s, es_log_level *ret)
{
    for (size_t i = 0; i < ES_COUNT_OF(level_names); i++) {
        if (es_strcaseeq(s, level_names[i])) {
            *ret = (es_log_level)i;
            return ENTRASQL_OK;
        }
    }
    return ENTRASQL_INVALID;
}

/* A quoted string in which nothing can end the line or the quotes: valid JSON in both forms. */
static entrasql_status add_quoted(es_buf *line, const char *s)
{
    ES_TRY(es_buf_u8(line, '"'));
    size_t left = strlen(s);
    while (left != 0) {
        uint32_t c = 0;
        size_t n = es_utf8_decode(s, left, &c);
        if (n == 0 || (c >= 0xD800 && c <= 0xDFFF)) {
            ES_TRY(es_buf_add_str(line, "\\ufffd"));
            n = n != 0 ? n : 1;
        } else if (c == '"' || c == '\\') {
            ES_TRY(es_buf_printf(line, "\\%c", (char)c));
        } else if (c < 0x20 || (c >= 0x7F && c < 0xA0)) {
            ES_TRY(es_buf_printf(line, "\\u%04x", (unsigned)c));
        } else {
            ES_TRY(es_buf_add(line, s, n));
        }
        s += n;
        left -= n;
    }
    return es_buf_u8(line, '"');
}

static entrasql_status add_value(es_buf *line, const es_log_kv *kv)
{
    if (kv->text != NULL)
        return add_quoted(line, kv->text);
    return es_buf_printf(line, "%lld", (long long)kv->number);
}

static entrasql_status add_pair(es_buf *line, bool json, const es_log_kv *kv)
{
    if (json) {
        ES_TRY(es_buf_u8(line, ','));
        ES_TRY(add_quoted(line, kv->key));
        ES_TRY(es_buf_u8(line, ':'));
    } else {
        ES_TRY(es_buf_printf(line, " %s=", kv->key));
    }
    return add_value(line, kv);
}

/* Of the block that the line is written in, when the line does not say it itself. */
static entrasql_status add_scope(es_buf *line, bool json, const es_log_kv *kvs, unsigned count)
{
    if (scope.key == NULL)
        return ENTRASQL_OK;
    for (unsigned i = 0; i < count; i++)
        if (es_streq(kvs[i].key, scope.key))
            return ENTRASQL_OK;
    const es_log_kv kv = {.key = scope.key, .number = scope.number};
    return add_pair(line, json, &kv);
}

static entrasql_status format_line(es_buf *line, es_log_level level, const char *module,
                                   const char *message, const es_log_kv *kvs, unsigned count)
{
    struct timespec now;
    struct tm utc;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    char stamp[32];
    (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    bool json = atomic_load_explicit(&current_form, memory_order_relaxed) == ES_LOG_JSON;
    if (json)
        ES_TRY(es_buf_printf(
            line, "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"module\":\"%s\",\"message\":", stamp,
            now.tv_nsec / 1000000, level_names[level], module));
    else
        ES_TRY(es_buf_printf(line, "%s.%03ldZ %-7s %s: ", stamp, now.tv_nsec / 1000000,
                             level_names[level], module));
    ES_TRY(json ? add_quoted(line, message) : es_buf_add_str(line, message));
    ES_TRY(add_scope(line, json, kvs, count));
    for (unsigned i = 0; i < count; i++)
        ES_TRY(add_pair(line, json, &kvs[i]));
    return es_buf_add_str(line, json ? "}\n" : "\n");
}

/*
 * What poll() calls writable takes PIPE_BUF bytes at once (pipe(7)). The descriptor itself is not
 * made non-blocking: other processes may share it. False: no room.
 */
static bool write_piece(int fd, const uint8_t *p, size_t n)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    if (poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0)
        return false;
    /* One that fails otherwise (a full disk, a reader that left) is lost without a word. */
    ssize_t written = write(fd, p, n);
    (void)written;
    return true;
}

static bool write_pieces(int fd, const es_buf *line)
{
    for (size_t at = 0; at < line->len; at += PIPE_BUF) {
        size_t left = line->len - at;
        if (!write_piece(fd, line->data + at, left < PIPE_BUF ? left : PIPE_BUF)) {
            is_torn = is_torn || at > 0;
            return false;
        }
    }
    return true;
}

static bool tell_lost(int fd)
{
    ES_CLEANUP(es_buf_done) es_buf line = ES_BUF_INIT(LINE_MAX_BYTES);
    const es_log_kv kv = {.key = "lines", .number = (int64_t)lost};
    if (lost == 0)
        return true;
    if ((is_torn && es_buf_u8(&line, '\n') != ENTRASQL_OK) ||
        format_line(&line, ES_LOG_WARNING, "log", "lines were lost: nobody took them", &kv, 1) !=
            ENTRASQL_OK ||
        !write_pieces(fd, &line))
        return false;
    lost = 0;
    is_torn = false;
    return true;
}

static void write_or_drop(int fd, const es_buf *line)
{
    (void)pthread_mutex_lock(&writing);
    if (!tell_lost(fd) || !write_pieces(fd, line))
        lost++;
    (void)pthread_mutex_unlock(&writing);
}

void es_log_write(es_log_level level, const char *module, const char *message, const es_log_kv *kvs,
                  unsigned count)
{
    ES_CLEANUP(es_buf_done) es_buf line = ES_BUF_INIT(LINE_MAX_BYTES);
    if (format_line(&line, level, module, message, kvs, count) != ENTRASQL_OK)
        return;
    if (atomic_load_explicit(&never_waits, memory_order_relaxed)) {
        write_or_drop(atomic_load(&current_fd), &line);
        return;
    }
    /* A log that cannot be written must not stop the program. */
    ssize_t written = write(atomic_load(&current_fd), line.data, line.len);
    (void)written;
}
