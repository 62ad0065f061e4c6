/* SPDX-License-Identifier: MIT */
/*
 * The pages that people see: plain forms, one style, nothing from outside, no script but the line
 * that posts an answer on. All text that is not ours goes through page_text().
 *
 * The first failure is kept and ends in a 500 at page_end().
 */
#ifndef EMULATOR_ENTRA_PAGE_H
#define EMULATOR_ENTRA_PAGE_H

#include "internal.h"

typedef struct entra_page {
    entra_call *c;
    entrasql_status status;
} entra_page;

/* Sets type and headers of the answer and writes up to the heading, which is `title`. */
void page_begin(entra_page *p, entra_call *c, const char *title);
void page_end(entra_page *p);

void page_html(entra_page *p, const char *html);
void page_text(entra_page *p, const char *text); /* escaped */
/* A paragraph of our words around one foreign text, both escaped; `after` may be "". */
void page_line(entra_page *p, const char *before, const char *text, const char *after);
void page_hidden(entra_page *p, const char *name, const char *value); /* NULL: nothing */
/* A button that sends name=value. kind: "", "main" or "user". */
void page_button(entra_page *p, const char *kind, const char *name, const char *value,
                 const char *label, const char *second_label);
/* The people to choose from, the hinted one first, and a field for any other. */
void page_users(entra_page *p, const char *hint);

/* A whole page that refuses: "AADSTS<number>: text". */
void page_refuse(entra_call *c, unsigned status, uint32_t aadsts, const char *text);
/* A whole page that posts fields to a URL by itself. Names and values alternate, ends with NULL. */
void page_post_on(entra_call *c, const char *url, const char *const *fields);

#endif
