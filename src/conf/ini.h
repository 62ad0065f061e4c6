/* SPDX-License-Identifier: MIT */
/*
 * Configuration files:
 *
 *     # a comment, and so is a line that begins with ;
 *     [kind name]
 *     key = value
 *
 * Blanks around key, value and the words of a section do not count; a value is the rest of its
 * line, whatever characters it holds. UTF-8, with or without its mark, lines ended by LF or CRLF.
 *
 * A parsed file owns its texts and belongs to one thread.
 */
#ifndef CONF_INI_H
#define CONF_INI_H

#include "base/buf.h"
#include "base/error.h"

#define CONF_INI_MAX_BYTES ((size_t)1024 * 1024)
#define CONF_INI_MAX_SECTIONS 4096
#define CONF_INI_MAX_ENTRIES 65536

typedef struct conf_ini_entry {
    const char *key;
    const char *value;
    unsigned line;
} conf_ini_entry;

typedef struct conf_ini_section {
    const char *kind; /* "target" */
    const char *name; /* "" for a section without one */
    unsigned line;
    size_t first; /* of the file's entries */
    size_t count;
} conf_ini_section;

typedef struct conf_ini {
    char *path;
    char *text;
    conf_ini_section *sections;
    size_t section_count;
    conf_ini_entry *entries;
    size_t entry_count;
} conf_ini;

/*
 * path is for messages. CONFIG with path and line; LIMIT for a file of absurd size; NOMEM. *ret
 * then needs no done().
 */
entrasql_status conf_ini_parse(const char *path, const void *text, size_t n, conf_ini *ret,
                               entrasql_error *err) ES_MUST_USE;
void conf_ini_done(conf_ini *ini);

#endif
