/* SPDX-License-Identifier: MIT */
/* Where a command line has come to, and how it may go on. */
#include "cli/tree.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

bool cli_tree_is_word_of(const conf_command *word, const conf_command *parent)
{
    size_t n = strlen(parent->name);
    return strncmp(word->name, parent->name, n) == 0 && word->name[n] == ' ' &&
           strchr(word->name + n + 1, ' ') == NULL;
}

static const char *last_word(const conf_command *c)
{
    const char *space = strrchr(c->name, ' ');
    return space != NULL ? space + 1 : c->name;
}

const conf_command *cli_tree_find_word(const cli_tree *tree, const conf_command *parent,
                                       const char *word)
{
    for (size_t i = 0; i < tree->count; i++)
        if (cli_tree_is_word_of(&tree->commands[i], parent) &&
            es_streq(last_word(&tree->commands[i]), word))
            return &tree->commands[i];
    return NULL;
}

bool cli_tree_has_words(const cli_tree *tree, const conf_command *parent)
{
    for (size_t i = 0; i < tree->count; i++)
        if (cli_tree_is_word_of(&tree->commands[i], parent))
            return true;
    return false;
}

const conf_option *cli_tree_find_option(const conf_command *command, const char *word)
{
    for (const conf_option *o = command->options; o->name != NULL; o++) {
        if (o->file_only)
            continue;
        if (es_starts_with(word, "--") && es_streq(word + 2, o->name))
            return o;
        if (word[0] == '-' && word[1] == o->short_name && word[1] != '\0' && word[2] == '\0')
            return o;
    }
    return NULL;
}

static entrasql_status offer(es_buf *out, const char *typed, const char *word, const char *what)
{
    if (!es_starts_with(word, typed))
        return ENTRASQL_OK;
    return es_buf_printf(out, "%s\t%s\n", word, what);
}

static entrasql_status offer_value(const conf_option *o, const char *typed, es_buf *out)
{
    if (o->type == CONF_OPTION_FILE)
        return es_buf_add_str(out, ":files\n");
    if (o->type != CONF_OPTION_CHOICE)
        return ENTRASQL_OK;
    const char *choices = o->choices;
    size_t n = 0;
    const char *choice;
    while ((choice = es_piece_next(&choices, &n)) != NULL) {
        char word[64];
        (void)snprintf(word, sizeof word, "%.*s", (int)n, choice);
        ES_TRY(offer(out, typed, word, o->help));
    }
    return ENTRASQL_OK;
}

static entrasql_status offer_options(const conf_command *c, const char *typed, es_buf *out)
{
    for (const conf_option *o = c->options; o->name != NULL; o++) {
        char word[64];
        (void)snprintf(word, sizeof word, "--%s", o->name);
        if (!o->file_only)
            ES_TRY(offer(out, typed, word, o->help));
    }
    return ENTRASQL_OK;
}

static entrasql_status offer_words(const cli_tree *tree, const conf_command *c, const char *typed,
                                   es_buf *out)
{
    size_t before = out->len;
    bool has_words = false;
    for (size_t i = 0; i < tree->count; i++) {
        if (!cli_tree_is_word_of(&tree->commands[i], c))
            continue;
        has_words = true;
        ES_TRY(offer(out, typed, last_word(&tree->commands[i]), tree->commands[i].summary));
    }
    if (has_words || out->len != before || c->positionals == NULL)
        return ENTRASQL_OK;
    bool takes_file =
        strstr(c->positionals, "FILE") != NULL || strstr(c->positionals, "PATH") != NULL;
    return takes_file ? es_buf_add_str(out, ":files\n") : ENTRASQL_OK;
}

static entrasql_status gather(void *ctx, const conf_command *command)
{
    cli_tree *tree = ctx;
    if (tree->count == CLI_TREE_MAX)
        return ENTRASQL_LIMIT;
    tree->commands[tree->count] = *command;
    tree->commands[tree->count++].notes = NULL; /* may be its parent's for a moment */
    return ENTRASQL_OK;
}

const cli_tree *cli_tree_whole(void)
{
    static cli_tree tree; /* 10 kB; the program is single-threaded here */
    if (tree.count == 0 && cli_visit_all(gather, &tree) != ENTRASQL_OK) {
        tree.count = 0;
        return NULL;
    }
    return &tree;
}

entrasql_status cli_tree_complete(const cli_tree *tree, const char *const *words, size_t count,
                                  es_buf *out)
{
    const conf_command *at = &tree->commands[0];
    const conf_option *open = NULL; /* waits for its value */
    const char *typed = words[count - 1];
    const conf_command *help_command = cli_tree_find_word(tree, at, "help");
    const char *help = help_command != NULL ? help_command->name : NULL;

    for (size_t i = 0; i + 1 < count; i++) {
        /* bash takes --name=value apart at the sign. */
        if (open != NULL && es_streq(words[i], "="))
            continue;
        if (open != NULL) {
            open = NULL;
            continue;
        }
        const conf_option *o = cli_tree_find_option(at, words[i]);
        open = o != NULL && o->type != CONF_OPTION_FLAG ? o : NULL;
        const conf_command *next = o == NULL ? cli_tree_find_word(tree, at, words[i]) : NULL;
        if (next != NULL && next->name == help)
            next = &tree->commands[0]; /* `entrasql help` takes the words of all */
        at = next != NULL ? next : at;
    }
    if (open != NULL)
        return offer_value(open, es_streq(typed, "=") ? "" : typed, out);
    if (typed[0] == '-')
        return offer_options(at, typed, out);
    return offer_words(tree, at, typed, out);
}
