/* SPDX-License-Identifier: MIT */
/* entrasql manual: a manual page for each command, from the tables of its options. */
#include "cli/cli.h"

#include "base/mem.h"
#include "base/str.h"
#include "cli/tree.h"
#include "conf/manual.h"
#include "os/file.h"

#include <string.h>

#define PAGE_MAX_BYTES (256 * 1024)
#define PATH_MAX_BYTES 4096
#define ALSO_MAX (CLI_TREE_MAX + 2)

static const conf_option options[] = {
    {.name = "dir",
     .type = CONF_OPTION_FILE,
     .value_name = "DIR",
     .default_value = ".",
     .help = "where the pages go, as entrasql.1, entrasql-query.1 and so on"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command command = {
    .name = "entrasql manual",
    .summary = "Writes the manual pages, as the installation does.",
    .options = options,
};

typedef struct writer {
    const char *dir;
    const cli_tree *tree; /* all names, for SEE ALSO */
    entrasql_error *err;
} writer;

/* Its parent and its words; each name is a line of `names`. */
static entrasql_status list_relatives(const cli_tree *tree, const conf_command *c, es_buf *names)
{
    for (size_t i = 0; i < tree->count; i++) {
        const conf_command *other = &tree->commands[i];
        if (!cli_tree_is_word_of(other, c) && !cli_tree_is_word_of(c, other))
            continue;
        ES_TRY(conf_manual_name(other, names));
        ES_TRY(es_buf_u8(names, '\n'));
    }
    return ENTRASQL_OK;
}

static entrasql_status print_page(const writer *w, const conf_command *c, es_buf *page)
{
    ES_CLEANUP(es_buf_done) es_buf names = ES_BUF_INIT(PAGE_MAX_BYTES);
    const char *also[ALSO_MAX] = {0};
    size_t count = 0;

    ES_TRY(list_relatives(w->tree, c, &names));
    ES_TRY(es_buf_u8(&names, '\0'));
    for (char *s = (char *)names.data; *s != '\0' && count + 1 < ALSO_MAX;) {
        char *end = strchr(s, '\n');
        also[count++] = s;
        *end = '\0';
        s = end + 1;
    }
    return conf_manual_print(c, entrasql_version(), also, page);
}

static entrasql_status write_page(void *ctx, const conf_command *c)
{
    const writer *w = ctx;
    ES_CLEANUP(es_buf_done) es_buf path = ES_BUF_INIT(PATH_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf page = ES_BUF_INIT(PAGE_MAX_BYTES);

    ES_TRY(es_buf_printf(&path, "%s/", w->dir));
    ES_TRY(conf_manual_name(c, &path));
    ES_TRY(es_buf_add_str(&path, ".1"));
    ES_TRY(print_page(w, c, &page));
    const char *name = es_buf_cstr(&path);
    if (name == NULL)
        return es_nomem(w->err);
    return os_file_write(name, page.data, page.len, 0644, w->err);
}

int cli_manual(const cli_terminal *t, int argc, char **argv)
{
    writer w = {0};
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &command, argc, argv, &args, &exit_code))
        return exit_code;
    es_fail(&err, ENTRASQL_LIMIT, "the manual's pages cannot be made");
    w.dir = conf_args_text(&args, "dir");
    w.err = &err;
    entrasql_status status = os_dir_make(w.dir, 0755, &err);
    w.tree = cli_tree_whole();
    if (status == ENTRASQL_OK && w.tree == NULL)
        status = ENTRASQL_LIMIT;
    if (status == ENTRASQL_OK)
        status = cli_visit_all(write_page, &w);
    if (status == ENTRASQL_OS)
        es_hint(&err, "--dir names the folder of the pages; without it they go into this one");
    return status == ENTRASQL_OK ? 0 : cli_report(t, &err);
}
