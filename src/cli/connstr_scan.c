/* SPDX-License-Identifier: MIT */
/* entrasql connstr scan: connection strings with passwords in a source tree. */
#include "cli/connstr.h"

#include "base/mem.h"
#include "base/str.h"
#include "cli/text.h"
#include "conf/exit_code.h"
#include "conf/find.h"
#include "os/file.h"

#include <errno.h>
#include <fts.h>
#include <string.h>

#define FILE_MAX_BYTES (4 * 1024 * 1024)
#define BINARY_PROBE_BYTES 8192
#define OUTPUT_MAX_BYTES (64 * 1024 * 1024)

static const conf_option options[] = {
    CLI_CONNSTR_OPTIONS,
    {.name = "json", .type = CONF_OPTION_FLAG, .help = "print JSON"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command command = {
    .name = "entrasql connstr scan",
    .summary = "Finds connection strings with passwords in source and configuration files.",
    .positionals = "[PATH]",
    .max_positionals = 1,
    .options = options,
    .notes = "PATH is a folder or a file (default: the current folder). Left out are .git, .hg,\n"
             ".svn and node_modules, binary files, those of more than 4 MiB, and what symbolic\n"
             "links lead to. No password is ever printed.\n\nThe exit code is 12 when at least\n"
             "one was found, 0 when none was.",
};

typedef struct scan {
    const cli_terminal *t;
    const conf_convert_options *options;
    const char *path; /* of the file that is read */
    bool json;
    es_buf out;
    json_writer writer;
    size_t files;
    size_t skipped;
    size_t found;
    entrasql_error *err;
} scan;

/* ---- one finding ---- */

typedef struct outcome {
    es_buf text; /* what it becomes; empty: it cannot be converted */
    conf_converted converted;
    entrasql_error err;
} outcome;

static void outcome_done(outcome *o)
{
    es_buf_done(&o->text);
    conf_converted_done(&o->converted);
}

static entrasql_status convert(const scan *s, const conf_found *found, outcome *ret)
{
    conf_convert_options with_form = *s->options;
    with_form.from = &found->form;
    es_buf_init(&ret->text, CLI_CONNSTR_MAX_BYTES);
    if (!found->is_readable)
        return es_fail(&ret->err, ENTRASQL_CONFIG, "%s", found->problem);
    return conf_convert(found->text, &with_form, &ret->text, &ret->converted, &ret->err);
}

static entrasql_status add_text(scan *s, const char *text)
{
    return cli_text_add(&s->out, text, strlen(text), CLI_TEXT_LINE);
}

static entrasql_status write_text(scan *s, const conf_found *found, outcome *o, bool converted)
{
    ES_TRY(add_text(s, s->path));
    ES_TRY(es_buf_printf(&s->out, ":%zu: %s with a password%s\n", found->line,
                         conf_form_title(found->form),
                         found->is_placeholder ? " that is a placeholder" : ""));
    if (!converted) {
        ES_TRY(es_buf_add_str(&s->out, "    cannot be converted: "));
        ES_TRY(add_text(s, o->err.message));
        return es_buf_u8(&s->out, '\n');
    }
    const char *text = es_buf_cstr(&o->text);
    if (text == NULL)
        return ENTRASQL_NOMEM;
    ES_TRY(es_buf_add_str(&s->out, "    becomes: "));
    ES_TRY(add_text(s, text));
    ES_TRY(es_buf_u8(&s->out, '\n'));
    return cli_connstr_notes(&o->converted, s->options, "    ", &s->out);
}

static entrasql_status write_json(scan *s, const conf_found *found, outcome *o, bool converted)
{
    ES_CLEANUP(es_buf_done) es_buf path = ES_BUF_INIT(64 * 1024);
    json_writer *w = &s->writer;
    /* A file's name is any bytes, JSON is UTF-8. */
    ES_TRY(cli_text_add(&path, s->path, strlen(s->path), CLI_TEXT_RAW));
    json_begin_object(w);
    json_name(w, "file");
    json_put_text(w, (const char *)path.data, path.len);
    json_member_put_i64(w, "line", (int64_t)found->line);
    json_member_put_string(w, "form", conf_form_name(found->form));
    json_member_put_bool(w, "placeholder", found->is_placeholder);
    if (converted) {
        json_name(w, "becomes");
        json_begin_object(w);
        cli_connstr_json(w, es_buf_cstr(&o->text), &o->converted);
        json_end_object(w);
    } else {
        json_member_put_string(w, "problem", o->err.message);
    }
    json_end_object(w);
    return w->status;
}

static entrasql_status on_found(void *ctx, const conf_found *found)
{
    ES_CLEANUP(outcome_done) outcome o = {0};
    scan *s = ctx;
    s->found++;
    bool converted = convert(s, found, &o) == ENTRASQL_OK;
    if (!converted && o.err.status == ENTRASQL_NOMEM)
        return ENTRASQL_NOMEM;
    return s->json ? write_json(s, found, &o, converted) : write_text(s, found, &o, converted);
}

/* ---- the tree ---- */

static bool is_xml(const char *path)
{
    static const char *const ends[] = {".xml",    ".config", ".csproj", ".vbproj", ".settings",
                                       ".pubxml", ".resx",   ".dtsx",   ".xaml",   ".udl"};
    for (size_t i = 0; i < ES_COUNT_OF(ends); i++) {
        size_t n = strlen(path);
        size_t length = strlen(ends[i]);
        if (n >= length && es_strcaseeq(path + n - length, ends[i]))
            return true;
    }
    return false;
}

static bool is_binary(const es_buf *text)
{
    size_t n = text->len < BINARY_PROBE_BYTES ? text->len : BINARY_PROBE_BYTES;
    return n != 0 && memchr(text->data, '\0', n) != NULL;
}

static void skip(scan *s, const char *path, const char *why)
{
    char shown[512];
    es_printable(shown, sizeof shown, path, strlen(path));
    (void)fprintf(s->t->err, "entrasql: warning: %s is not looked at: %s\n", shown, why);
    s->skipped++;
}

static entrasql_status scan_file(scan *s, const char *path)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(FILE_MAX_BYTES);
    entrasql_error err;
    entrasql_status status = os_file_read(path, &text, &err);
    if (status == ENTRASQL_NOMEM)
        return es_nomem(s->err);
    if (status != ENTRASQL_OK) {
        skip(s, path, status == ENTRASQL_LIMIT ? "more than 4 MiB" : err.message);
        return ENTRASQL_OK;
    }
    if (is_binary(&text))
        return ENTRASQL_OK;
    s->files++;
    s->path = path;
    status = conf_find((const char *)text.data, text.len, is_xml(path), on_found, s);
    if (status == ENTRASQL_LIMIT)
        return es_fail(s->err, status, "more was found than %d bytes can say", OUTPUT_MAX_BYTES);
    return status == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(s->err);
}

static bool is_left_out(const char *name)
{
    static const char *const folders[] = {".git", ".hg", ".svn", "node_modules"};
    for (size_t i = 0; i < ES_COUNT_OF(folders); i++) {
        if (es_streq(name, folders[i]))
            return true;
    }
    return false;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* One that is not there is a mistake of the command line. */
static entrasql_status refuse_path(const char *path, int reason, entrasql_error *err)
{
    char shown[200];
    es_printable(shown, sizeof shown, path, strlen(path));
    if (reason != ENOENT && reason != ENOTDIR && reason != ENAMETOOLONG)
        return es_fail_errno(err, reason, "cannot look at '%s'", shown);
    es_fail(err, ENTRASQL_INVALID, "there is no '%s'", shown);
    es_hint(err, "entrasql connstr scan [PATH]: a folder or a file, without it this folder");
    return ENTRASQL_INVALID;
}

static entrasql_status scan_entry(scan *s, FTS *tree, FTSENT *entry)
{
    switch (entry->fts_info) {
    case FTS_D:
        if (entry->fts_level > 0 && is_left_out(entry->fts_name))
            (void)fts_set(tree, entry, FTS_SKIP);
        return ENTRASQL_OK;
    case FTS_F:
        return scan_file(s, entry->fts_accpath);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        if (entry->fts_level == 0)
            return refuse_path(entry->fts_path, entry->fts_errno, s->err);
        skip(s, entry->fts_path, "no right to read it");
        return ENTRASQL_OK;
    default:
        return ENTRASQL_OK;
    }
}

static entrasql_status scan_tree(scan *s, const char *path)
{
    ES_CLEANUP(es_cleanup_free) char *root = es_strdup(path);
    char *roots[] = {root, NULL};
    if (root == NULL)
        return es_nomem(s->err);
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
    if (tree == NULL)
        return refuse_path(path, errno, s->err);
    entrasql_status status = ENTRASQL_OK;
    FTSENT *entry;
    while (status == ENTRASQL_OK && (entry = fts_read(tree)) != NULL)
        status = scan_entry(s, tree, entry);
    (void)fts_close(tree);
    return status;
}

static entrasql_status scan_and_print(scan *s, const char *path)
{
    if (s->json) {
        json_writer_init(&s->writer, &s->out);
        json_begin_object(&s->writer);
        json_name(&s->writer, "found");
        json_begin_array(&s->writer);
    }
    ES_TRY(scan_tree(s, path));
    if (s->json) {
        json_end_array(&s->writer);
        json_member_put_i64(&s->writer, "files", (int64_t)s->files);
        json_member_put_i64(&s->writer, "skipped", (int64_t)s->skipped);
        json_end_object(&s->writer);
        if (json_writer_end(&s->writer) != ENTRASQL_OK || es_buf_u8(&s->out, '\n') != ENTRASQL_OK)
            return es_nomem(s->err);
    } else if (es_buf_printf(&s->out, "%zu connection string%s with a password in %zu file%s\n",
                             s->found, s->found == 1 ? "" : "s", s->files,
                             s->files == 1 ? "" : "s") != ENTRASQL_OK) {
        return es_nomem(s->err);
    }
    return cli_write(s->t, &s->out, s->err);
}

int cli_connstr_scan(const cli_terminal *t, int argc, char **argv)
{
    conf_args args;
    entrasql_error err;
    cli_connstr_choice choice = {0};
    int exit_code = 0;
    if (!cli_parse(t, &command, argc, argv, &args, &exit_code))
        return exit_code;
    if (cli_connstr_options(&args, &choice, &err) != ENTRASQL_OK)
        return cli_report(t, &err);
    scan s = {.t = t, .options = &choice.options, .err = &err};
    s.json = conf_args_flag(&args, "json");
    es_buf_init(&s.out, OUTPUT_MAX_BYTES);
    entrasql_status status =
        scan_and_print(&s, args.positional_count != 0 ? args.positionals[0] : ".");
    es_buf_done(&s.out);
    es_free(choice.proxy_host);
    if (status != ENTRASQL_OK)
        return cli_report(t, &err);
    return s.found != 0 ? CONF_EXIT_FOUND : 0;
}
