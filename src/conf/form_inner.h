/* SPDX-License-Identifier: MIT */
/* What the parsers of the forms share. Private to conf. */
#ifndef CONF_FORM_INNER_H
#define CONF_FORM_INNER_H

#include "conf/form.h"

/* A parser's state: the whole text, for places in messages, and the rest of it. */
typedef struct conf_cursor {
    const char *start;
    const char *at;
    const char *last_keyword; /* of the pair before, or NULL */
} conf_cursor;

/* CONFIG: "connection string, character N, after KEYWORD=: what". */
entrasql_status conf_malformed(const conf_cursor *c, const char *place, const char *what,
                               entrasql_error *err);
#ifdef __clang_analyzer__
/* As with es_fail(): it has to be told that this never returns OK. */
#define conf_malformed(c, place, what, err)                                                        \
    ((void)(conf_malformed)(c, place, what, err), ENTRASQL_CONFIG)
#endif
/* Length and UTF-8 of a text before it is parsed. */
entrasql_status conf_text_check(const char *s, entrasql_error *err) ES_MUST_USE;

void conf_skip_blanks(conf_cursor *c);
/* [p, end) without the blanks at its end. */
const char *conf_trim_end(const char *p, const char *end);
/* The first control character in [p, end), or NULL. */
const char *conf_find_control(const char *p, const char *end);

/* c->at is behind the opening brace; afterwards it is at ';' or at the end. */
entrasql_status conf_braced_parse(conf_cursor *c, const char *keyword, es_buf *value,
                                  entrasql_error *err) ES_MUST_USE;
entrasql_status conf_braced_print(const char *value, es_buf *out) ES_MUST_USE;

/*
 * Appends a pair and makes its keyword c->last_keyword. Takes both texts over, also on failure;
 * NULL is out of memory.
 */
entrasql_status conf_list_take(conf_cursor *c, conf_connstr *list, char *keyword, char *value,
                               entrasql_error *err) ES_MUST_USE;
/* The same with copies of [p, end). */
entrasql_status conf_list_add(conf_cursor *c, conf_connstr *list, const char *keyword,
                              const char *p, const char *end, entrasql_error *err) ES_MUST_USE;

/* INVALID: "the keyword '...' cannot be written in FORM". */
entrasql_status conf_unprintable(conf_form form, const char *keyword, entrasql_error *err);

/* One parser and one printer a form; the text was checked, the list is empty. */
entrasql_status conf_ado_parse(conf_cursor *c, conf_connstr *list, entrasql_error *err) ES_MUST_USE;
entrasql_status conf_ado_print(const conf_connstr *list, es_buf *out,
                               entrasql_error *err) ES_MUST_USE;
entrasql_status conf_jdbc_parse(conf_cursor *c, conf_connstr *list,
                                entrasql_error *err) ES_MUST_USE;
entrasql_status conf_jdbc_print(const conf_connstr *list, es_buf *out,
                                entrasql_error *err) ES_MUST_USE;
entrasql_status conf_go_parse(conf_cursor *c, conf_connstr *list, entrasql_error *err) ES_MUST_USE;
entrasql_status conf_go_print(const conf_connstr *list, es_buf *out,
                              entrasql_error *err) ES_MUST_USE;
entrasql_status conf_sqlalchemy_parse(conf_cursor *c, conf_connstr *list,
                                      entrasql_error *err) ES_MUST_USE;
entrasql_status conf_sqlalchemy_print(const conf_connstr *list, es_buf *out,
                                      entrasql_error *err) ES_MUST_USE;
entrasql_status conf_pymssql_parse(conf_cursor *c, conf_connstr *list,
                                   entrasql_error *err) ES_MUST_USE;
entrasql_status conf_pymssql_print(const conf_connstr *list, es_buf *out,
                                   entrasql_error *err) ES_MUST_USE;

/* ---- percent signs (RFC 3986) ---- */

/* Decodes [p, end), '+' as a blank when `plus`, as a new string. */
entrasql_status conf_url_decode(const conf_cursor *c, const char *p, const char *end, bool plus,
                                char **ret, entrasql_error *err) ES_MUST_USE;
/* All but unreserved characters in percent signs. */
entrasql_status conf_url_encode(const char *s, es_buf *out) ES_MUST_USE;

#endif
