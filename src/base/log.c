/* SPDX-License-Identifier: MIT */
/* Log lines as text or JSON. */
#include "base/log.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/utf16.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192

static _Atomic int current_level = ES_LOG_NONE;
static _Atomic int current_form = ES_LOG_TEXT;
static _Atomic int current_fd = STDERR_FILENO;

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

void es_log_write(es_log_level level, const char *module, const char *message, const es_log_kv *kvs,
                  unsigned count)
{
    ES_CLEANUP(es_buf_done) es_buf line = ES_BUF_INIT(LINE_MAX_BYTES);
    if (format_line(&line, level, module, message, kvs, count) != ENTRASQL_OK)
        return;
    /* A log that cannot be written must not stop the program. */
    ssize_t written = write(atomic_load(&current_fd), line.data, line.len);
    (void)written;
}
