/* SPDX-License-Identifier: MIT */
/* Mistyped words and misplaced options, against the tables of all commands. */
#include "cli/suggest.h"

#include "base/nearest.h"
#include "base/str.h"
#include "cli/tree.h"

#include <stdio.h>
#include <string.h>

#define NAMED_MAX 2U /* commands of a hint; the others are counted */
#define LIST_SIZE 200

static size_t parent_length(const char *name)
{
    const char *space = strrchr(name, ' ');
    return space != NULL ? (size_t)(space - name) : 0;
}

/* "entrasql emulator start" and "entrasql emulator stop". */
static bool are_siblings(const char *a, const char *b)
{
    size_t n = parent_length(a);
    return n != 0 && n == parent_length(b) && strncmp(a, b, n) == 0;
}

typedef struct owners {
    char list[LIST_SIZE];
    unsigned count;
} owners;

static void add_owner(owners *o, const char *name)
{
    size_t at = strlen(o->list);
    if (o->count++ < NAMED_MAX)
        (void)snprintf(o->list + at, sizeof o->list - at, "%s%s", at != 0 ? ", " : "", name);
}

/* Those beside the command first. The program's own options are another matter. */
static void find_owners(const cli_tree *tree, const char *command, const char *option, owners *ret)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 1; i < tree->count; i++) {
            const conf_command *c = &tree->commands[i];
            if (are_siblings(c->name, command) == (pass == 0) &&
                cli_tree_find_option(c, option) != NULL)
                add_owner(ret, c->name);
        }
    }
}

void cli_suggest_option(const conf_command *command, const char *unknown, entrasql_error *err)
{
    char option[64];
    char before[ENTRASQL_ERROR_HINT_SIZE];
    owners found = {0};

    (void)snprintf(option, sizeof option, "%.*s", (int)strcspn(unknown, "="), unknown);
    const cli_tree *tree = es_starts_with(option, "--") ? cli_tree_whole() : NULL;
    if (tree == NULL)
        return;
    if (cli_tree_find_option(&tree->commands[0], option) != NULL) {
        es_hint(err, "%s is for all commands and stands before them: entrasql %s ... %s", option,
                option, command->name + strlen("entrasql "));
        return;
    }
    find_owners(tree, command->name, option, &found);
    if (found.count == 0)
        return;
    (void)snprintf(before, sizeof before, "%s", err->hint);
    if (found.count > NAMED_MAX)
        es_hint(err, "%s is an option of %s and %u more; %s", option, found.list,
                found.count - NAMED_MAX, before);
    else
        es_hint(err, "%s is an option of %s; %s", option, found.list, before);
}

/* "entrasql scan": the word of another command, whole name; NULL: there is none, or several. */
static const char *find_elsewhere(const cli_tree *tree, const char *word)
{
    const char *found = NULL;
    for (size_t i = 0; i < tree->count; i++) {
        const char *name = tree->commands[i].name;
        if (!es_streq(name + parent_length(name) + (parent_length(name) != 0 ? 1 : 0), word))
            continue;
        if (found != NULL)
            return NULL;
        found = name;
    }
    return found;
}

entrasql_status cli_refuse_word(const char *parent, const char *word, const cli_command *words,
                                size_t count, entrasql_error *err)
{
    char shown[80];
    es_nearest near = {0};

    es_printable(shown, sizeof shown, word, strlen(word));
    if (word[0] == '-') {
        es_fail(err, ENTRASQL_INVALID, "%s: the option %s stands where a word is expected", parent,
                shown);
        es_hint(err, "Options follow the word: %s %s %s. %s --help lists the words.", parent,
                words[0].name, shown, parent);
        return ENTRASQL_INVALID;
    }
    es_fail(err, ENTRASQL_INVALID, "'%s' is no %s %s", shown,
            es_streq(parent, "entrasql") ? "command of" : "word of", parent);
    for (size_t i = 0; i < count; i++)
        es_nearest_offer(&near, word, strlen(word), words[i].name);
    const cli_tree *tree = near.word == NULL ? cli_tree_whole() : NULL;
    const char *elsewhere = tree != NULL ? find_elsewhere(tree, word) : NULL;
    if (near.word != NULL)
        es_hint(err, "Did you mean %s %s? %s --help lists them.", parent, near.word, parent);
    else if (elsewhere != NULL)
        es_hint(err, "Did you mean %s? %s --help lists what there is.", elsewhere, parent);
    else
        es_hint(err, "%s --help lists them", parent);
    return ENTRASQL_INVALID;
}

entrasql_status cli_refuse_choice(const char *where, const char *choices, const char *word,
                                  entrasql_error *err)
{
    if (!es_str_is_empty(word)) {
        conf_refuse_choice(where, choices, word, ENTRASQL_INVALID, err);
        if (err->hint[0] == '\0')
            es_hint(err, "%s --help says more", where);
        return ENTRASQL_INVALID;
    }
    char list[CONF_CHOICES_SIZE];
    conf_list_choices(choices, list);
    es_fail(err, ENTRASQL_INVALID, "%s: a word is missing, one of %s", where, list);
    es_hint(err, "%s --help says more", where);
    return ENTRASQL_INVALID;
}
