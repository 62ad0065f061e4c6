/* SPDX-License-Identifier: MIT */
/*
 * All commands of the program as data, gathered by asking each for its option
 * table; and what could come next on a command line.
 */
#ifndef CLI_TREE_H
#define CLI_TREE_H

#include "cli/cli.h"

#define CLI_TREE_MAX 96

typedef struct cli_tree {
    conf_command commands[CLI_TREE_MAX]; /* a parent before its words; without notes */
    size_t count;
} cli_tree;

/* All commands of the program, gathered with the first call; NULL without room. One thread. */
const cli_tree *cli_tree_whole(void);

/* The word of a command of the tree, or NULL. */
const conf_command *cli_tree_find_word(const cli_tree *tree, const conf_command *parent,
                                       const char *word);
/* Whether it has any. */
bool cli_tree_has_words(const cli_tree *tree, const conf_command *parent);
/* The command's option that the word names, "--name" or "-n" and nothing behind it; or NULL. */
const conf_option *cli_tree_find_option(const conf_command *command, const char *word);

/* "entrasql a" is a word of "entrasql". */
bool cli_tree_is_word_of(const conf_command *word, const conf_command *parent);

/*
 * What the last word may become, a line each: the word, a tab, what it is; or
 * the one line ":files" for the names of files. words[0] is the first after the
 * program's name; count > 0, and the last may be empty. NOMEM.
 */
entrasql_status cli_tree_complete(const cli_tree *tree, const char *const *words, size_t count,
                                  es_buf *out) ES_MUST_USE;

#endif
