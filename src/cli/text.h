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

/* One field of RFC 4180: in quotes when it holds a comma, a quote, a line end, or nothing. */
entrasql_status cli_text_add_csv(es_buf *out, const char *s, size_t n,
                                 cli_text_form form) ES_MUST_USE;

#endif
