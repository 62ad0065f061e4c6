/* SPDX-License-Identifier: MIT */
/*
 * Connection strings with a password inside other text: source code in any
 * language with quoted literals, .env, properties and YAML files, JSON, XML.
 *
 * Looked at are quoted literals (with the escapes that C, C#, Java, Go, Python,
 * JavaScript and JSON share; adjacent ones and those joined by '+', '.' or '&'
 * as one; @"..." and """...""" too), values behind "name=" or "name:" on a line,
 * whole lines, text between XML tags with its entities, and calls of pymssql.connect().
 * A text counts when it is read as one of the forms, names a server or data source, and has a
 * password that is not empty; also when it looks like that and cannot be read.
 *
 * Pure; the text that is handed on is a secret of the caller's buffer's kind: it is wiped.
 */
#ifndef CONF_FIND_H
#define CONF_FIND_H

#include "conf/form.h"

typedef struct conf_found {
    size_t line; /* from 1 */
    conf_form form;
    const char *text;    /* as a driver would get it; holds the password */
    bool is_readable;    /* false: it looks like one, and `problem` says why it is none */
    bool is_placeholder; /* the password is <...>, ${...}, %s, *** and such */
    const char *problem; /* NULL when readable; quotes nothing of the text */
} conf_found;

/* Return OK to go on. */
typedef entrasql_status conf_found_handler(void *ctx, const conf_found *found);

/*
 * Goes through n bytes of text (any bytes). is_xml: entities count, backslashes do not.
 * The handler's failure, or NOMEM.
 */
entrasql_status conf_find(const char *text, size_t n, bool is_xml, conf_found_handler *handler,
                          void *ctx) ES_MUST_USE;

#endif
