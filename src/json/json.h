/* SPDX-License-Identifier: MIT */
/*
 * Strict JSON reading (RFC 8259) and a small writer.
 *
 * Reading: one whole value of at most JSON_MAX_BYTES and JSON_MAX_DEPTH
 * levels; strict UTF-8, no duplicate keys, no NUL inside strings, nothing
 * after the value. Nodes are borrowed from their document, which is immutable:
 * any number of threads may read it.
 *
 * Secrets: json_doc_free() zeroes every string of the document before its
 * memory goes back. The scanner of the library below keeps a scratch copy of
 * the last strings while it works and frees that unwiped; nothing short of a
 * process-wide allocator could change it, and a host program may own that.
 *
 * Getters by name: NOT_FOUND when the member is missing or null, MALFORMED
 * when it has another type, LIMIT when a number does not fit. They accept
 * obj == NULL and non-objects (NOT_FOUND), so lookups can be chained.
 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

#define JSON_MAX_BYTES (8 * 1024 * 1024)
#define JSON_MAX_DEPTH 64

typedef struct json_doc json_doc;
typedef struct json_node json_node;

typedef enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_BOOL,
    JSON_KIND_INTEGER,
    JSON_KIND_REAL,
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT
} json_kind;

/* MALFORMED (err->line is set; the text itself is never shown), LIMIT, NOMEM. */
entrasql_status json_doc_parse(const void *p, size_t n, json_doc **ret,
                               entrasql_error *err) ES_MUST_USE;
/* Wipes and frees. NULL allowed. */
void json_doc_free(json_doc *doc);
void json_doc_cleanup(json_doc **doc);
const json_node *json_doc_root(const json_doc *doc);

json_kind json_node_kind(const json_node *node);
/* "object", "string" ... for messages. */
const char *json_kind_name(json_kind kind);

/* The member, also when it is null; NULL when missing. */
const json_node *json_member(const json_node *obj, const char *name);
entrasql_status json_member_string(const json_node *obj, const char *name, const char **ret,
                                   size_t *ret_len) ES_MUST_USE; /* ret_len may be NULL */
entrasql_status json_member_i64(const json_node *obj, const char *name, int64_t *ret) ES_MUST_USE;
entrasql_status json_member_bool(const json_node *obj, const char *name, bool *ret) ES_MUST_USE;
entrasql_status json_member_array(const json_node *obj, const char *name,
                                  const json_node **ret) ES_MUST_USE;
entrasql_status json_member_object(const json_node *obj, const char *name,
                                   const json_node **ret) ES_MUST_USE;

/* Values of a node itself; MALFORMED for another kind. */
entrasql_status json_node_string(const json_node *node, const char **ret,
                                 size_t *ret_len) ES_MUST_USE;
entrasql_status json_node_i64(const json_node *node, int64_t *ret) ES_MUST_USE;
entrasql_status json_node_real(const json_node *node, double *ret) ES_MUST_USE; /* integers too */
entrasql_status json_node_bool(const json_node *node, bool *ret) ES_MUST_USE;

/* Elements of an array, members of an object; 0 for other kinds. */
size_t json_count(const json_node *node);
/* Element i of an array; NULL past the end or for another kind. */
const json_node *json_element(const json_node *array, size_t i);

/* Members in their order: start with NULL, ends with NULL. */
typedef struct json_cursor json_cursor;
json_cursor *json_cursor_next(const json_node *obj, json_cursor *at);
const char *json_cursor_name(json_cursor *at);
const json_node *json_cursor_value(json_cursor *at);

/*
 * Writer. Appends to a buffer; commas and colons are put in where they belong.
 * The first failure (LIMIT, NOMEM, MALFORMED for text that is not strict
 * UTF-8) is kept, later calls do nothing, json_writer_end() returns it.
 */
typedef struct json_writer {
    es_buf *out;
    entrasql_status status;
    unsigned depth;
    bool first; /* nothing yet in the innermost array or object */
    bool after_name;
} json_writer;

void json_writer_init(json_writer *w, es_buf *out);
/* OK when all is well and every array and object was closed. */
entrasql_status json_writer_end(json_writer *w) ES_MUST_USE;

void json_begin_object(json_writer *w);
void json_end_object(json_writer *w);
void json_begin_array(json_writer *w);
void json_end_array(json_writer *w);
void json_name(json_writer *w, const char *name);
void json_put_string(json_writer *w, const char *s); /* NULL writes null */
void json_put_text(json_writer *w, const char *s, size_t n);
void json_put_i64(json_writer *w, int64_t v);
void json_put_bool(json_writer *w, bool v);
void json_put_null(json_writer *w);
/* A value that is JSON already; not looked at. */
void json_put_raw(json_writer *w, const char *json, size_t n);
/* A node of a document, copied. */
void json_put_node(json_writer *w, const json_node *node);

/* name and value in one. */
void json_member_put_string(json_writer *w, const char *name, const char *s);
void json_member_put_i64(json_writer *w, const char *name, int64_t v);
void json_member_put_bool(json_writer *w, const char *name, bool v);

#endif
