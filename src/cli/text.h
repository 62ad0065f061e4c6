/* SPDX-License-Identifier: MIT */
/*
 * Foreign text for people and for other programs: its width in columns of a
 * terminal, what is left when nothing in it can steer one, strict UTF-8, and
 * the quoting of CSV. Pure.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include "base/buf.h"

/* Columns that UTF-8 text takes: wide East Asian characters and emoji two, combining marks none. */
size_t cli_text_width(const char *s, size_t n);

typedef enum cli_text_form {
    CLI_TEXT_RAW,       /* as it is, with U+FFFD for what is not strict UTF-8 */
    CLI_TEXT_LINE,      /* for a cell of a table: blanks for line ends and tabs, '?' for controls */
    CLI_TEXT_PRINTABLE, /* for a terminal: line ends and tabs stay, '?' for other controls */
} cli_text_form;

entrasql_status cli_text_add(es_buf *out, const char *s, size_t n, cli_text_form form) ES_MUST_USE;

/* The beginning of a line of text, `width` columns with an ellipsis at its end. */
entrasql_status cli_text_add_cut(es_buf *out, const char *s, size_t n, size_t width) ES_MUST_USE;

/*
 * Text broken between words into lines of at most `width` columns, those after the first indented
 * by two; `used` columns of the first are taken. Line ends stay; a longer word goes over. width 0:
 * as it is.
 */
entrasql_status cli_text_add_wrapped(es_buf *out, const char *s, size_t n, size_t used,
                                     size_t width) ES_MUST_USE;

/* The same with the lines after the first indented by `hang`. */
entrasql_status cli_text_add_hung(es_buf *out, const char *s, size_t n, size_t used, size_t hang,
                                  size_t width) ES_MUST_USE;

/*
 * Our own text of lines with columns (two blanks or more between them), such as a help text, for a
 * terminal of that width: longer lines go on below their last column, or, where that is too far
 * right, below and indented; running text is broken anew. width 0: as it is.
 */
entrasql_status cli_text_add_laid_out(es_buf *out, const char *s, size_t n,
                                      size_t width) ES_MUST_USE;

/* One field of RFC 4180: in quotes when it holds a comma, a quote, a line end, or nothing. */
entrasql_status cli_text_add_csv(es_buf *out, const char *s, size_t n,
                                 cli_text_form form) ES_MUST_USE;

#endif
