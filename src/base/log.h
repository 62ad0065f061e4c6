/* SPDX-License-Identifier: MIT */
/*
 * Structured logging: one event a line, a constant message, values as keys.
 *
 * Programs choose level, form and target once at start; libraries log at
 * debug only and are silent by default. es_log() formats into one write(2),
 * so lines of threads do not mix. Values are shown escaped; never pass a
 * secret.
 */
#ifndef ES_BASE_LOG_H
#define ES_BASE_LOG_H

#include "compiler.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum es_log_level {
    ES_LOG_NONE = 0,
    ES_LOG_ERROR,
    ES_LOG_WARNING,
    ES_LOG_INFO,
    ES_LOG_DEBUG,
    ES_LOG_TRACE
} es_log_level;

typedef enum es_log_form { ES_LOG_TEXT, ES_LOG_JSON } es_log_form;

/* Process-wide; call before threads are started. fd stays the caller's. */
void es_log_setup(es_log_level level, es_log_form form, int fd);
/*
 * Process-wide, as that: a line for which there is no room (a pipe that nobody reads, a stopped
 * terminal) is dropped and counted, rather than waited for; the next line that finds room comes
 * after one that says how many were lost. For servers: a command had better wait for its reader.
 */
void es_log_never_wait(void);
es_log_level es_log_current_level(void);
/* "error", "warning", "info", "debug", "trace", "none". */
entrasql_status es_log_level_parse(const char *s, es_log_level *ret) ES_MUST_USE;

typedef struct es_log_kv {
    const char *key;
    const char *text; /* NULL: the number */
    int64_t number;
} es_log_kv;

#define ES_KV_STR(k, v) ((es_log_kv){.key = (k), .text = (v) != NULL ? (v) : ""})
#define ES_KV_I64(k, v) ((es_log_kv){.key = (k), .number = (int64_t)(v)})

/*
 * Until the end of the block every line of this thread also has that number under that key (static
 * storage), unless it gives the key itself: whose work is being done, in lines of code that does
 * not know. The inner of two blocks counts.
 */
typedef struct es_log_scope {
    const char *key; /* of the block around; NULL: none */
    int64_t number;
} es_log_scope;

es_log_scope es_log_scope_begin(const char *key, int64_t number);
void es_log_scope_end(es_log_scope *outer);

#define ES_LOG_SCOPE(key, number)                                                                  \
    ES_CLEANUP(es_log_scope_end)                                                                   \
    es_log_scope es_log_scope_ ES_UNUSED = es_log_scope_begin(key, (int64_t)(number))

void es_log_write(es_log_level level, const char *module, const char *message, const es_log_kv *kvs,
                  unsigned count);

/* ES_LOG(INFO, "relay", "login accepted", ES_KV_I64("conn", id), ES_KV_STR("database", db)); */
#define ES_LOG(level, module, message, ...)                                                        \
    do {                                                                                           \
        if (es_log_current_level() >= ES_LOG_##level) {                                            \
            const es_log_kv es_log_kvs_[] = {{0}, ##__VA_ARGS__};                                  \
            es_log_write(ES_LOG_##level, module, message, es_log_kvs_ + 1,                         \
                         (unsigned)ES_COUNT_OF(es_log_kvs_) - 1);                                  \
        }                                                                                          \
    } while (0)

#endif
