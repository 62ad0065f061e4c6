/* SPDX-License-Identifier: MIT */
/* entrasql odbc: registering the ODBC driver, and which driver it stands on. */
#include "cli/cli.h"

#include "base/mem.h"
#include "base/str.h"
#include "odbc_glue/driver.h"
#include "odbc_glue/load.h"
#include "odbc_glue/registry.h"
#include "json/json.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUTPUT_MAX_BYTES (64 * 1024)
#define DESCRIPTION "Azure SQL with Microsoft Entra ID, no password"

#define OPTION_SCOPE                                                                               \
    {.name = "user", .type = CONF_OPTION_FLAG, .help = "for this account (~/.odbcinst.ini)"},      \
    {                                                                                              \
        .name = "system", .type = CONF_OPTION_FLAG, .help = "for everybody (the default for root)" \
    }
#define OPTION_NAME                                                                                \
    {                                                                                              \
        .name = "name", .type = CONF_OPTION_TEXT, .value_name = "NAME",                            \
        .default_value = GLUE_OWN_DRIVER, .help = "what connection strings call it: Driver={NAME}" \
    }

static const conf_option install_options[] = {
    OPTION_SCOPE,
    OPTION_NAME,
    {.name = "driver",
     .type = CONF_OPTION_TEXT,
     .value_name = "NAME|PATH",
     .help = "the driver underneath (default: the best one that is there)"},
    {.name = "library",
     .type = CONF_OPTION_FILE,
     .value_name = "FILE",
     .help = "our driver's file, where it is not beside this program"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command install_command = {
    .name = "entrasql odbc install",
    .summary = "Registers the ODBC driver, so that Driver={entrasql} finds it.",
    .options = install_options,
};

static const conf_option uninstall_options[] = {OPTION_SCOPE, OPTION_NAME, CLI_OPTION_HELP, {0}};

static const conf_command uninstall_command = {
    .name = "entrasql odbc uninstall",
    .summary = "Takes the ODBC driver out of the driver manager's list.",
    .options = uninstall_options,
};

static const conf_option status_options[] = {
    OPTION_NAME,
    {.name = "json", .type = CONF_OPTION_FLAG, .help = "print JSON"},
    CLI_OPTION_HELP,
    {0},
};

static const conf_command status_command = {
    .name = "entrasql odbc status",
    .summary = "Says whether the ODBC driver is registered, and which driver does the work "
               "underneath.",
    .options = status_options,
    .notes = "The exit code is 0 when a connection string with Driver={entrasql} would find both.",
};

/* ---- install, uninstall ---- */

/* The one asked for; without a word, everybody's for root and the account's own for others. */
static entrasql_status scope_of(const conf_args *args, glue_scope *ret, entrasql_error *err)
{
    bool user = conf_args_flag(args, "user");
    bool system = conf_args_flag(args, "system");
    if (user && system)
        return es_fail(err, ENTRASQL_INVALID, "--user and --system exclude each other");
    *ret = user || (!system && geteuid() != 0) ? GLUE_SCOPE_USER : GLUE_SCOPE_SYSTEM;
    return ENTRASQL_OK;
}

static entrasql_status refuse_file(const char *option, const char *path, const char *why,
                                   entrasql_error *err)
{
    char shown[200];
    char reason[400];
    es_printable(shown, sizeof shown, path, strlen(path));
    es_printable(reason, sizeof reason, why, strlen(why));
    es_fail(err, ENTRASQL_INVALID, "--%s: '%s' %s", option, shown, reason);
    es_hint(err, "--library takes " GLUE_OWN_LIBRARY "; --driver names the driver underneath");
    return ENTRASQL_INVALID;
}

/* Programs would find out at their first connection. */
static entrasql_status check_file(const char *option, const char *path, entrasql_error *err)
{
    const char *said = NULL;
    void *handle = glue_load(path, &said);
    if (handle == NULL) {
        char why[400];
        (void)snprintf(why, sizeof why, "cannot be loaded: %s", said);
        return refuse_file(option, path, why, err);
    }
    if (dlsym(handle, "SQLDriverConnect") == NULL && dlsym(handle, "SQLDriverConnectW") == NULL)
        return refuse_file(option, path, "is no ODBC driver: it has no SQLDriverConnect", err);
    return ENTRASQL_OK;
}

static entrasql_status check_library(const char *path, entrasql_error *err)
{
    bool is_ours = strstr(path, GLUE_OWN_LIBRARY) != NULL;
    if (!is_ours && glue_driver_kind_of("", path) != GLUE_DRIVER_OTHER)
        return refuse_file("library", path, "is another driver than entrasql's", err);
    return check_file("library", path, err);
}

/* As `meson install` lays it out: <prefix>/bin/entrasql, <prefix>/<libdir>/odbc/... */
static entrasql_status own_library(const conf_args *args, char ret[PATH_MAX], entrasql_error *err)
{
    const char *given = conf_args_text(args, "library");
    char path[PATH_MAX];
    if (given != NULL) {
        es_strlcpy_utf8(path, sizeof path, given);
    } else {
        ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
        path[n > 0 ? n : 0] = '\0';
        char *slash = strrchr(path, '/');
        size_t front = slash != NULL ? (size_t)(slash - path) : 0;
        if (front + sizeof ENTRASQL_ODBC_LIBRARY + 1 > sizeof path)
            return es_fail(err, ENTRASQL_CONFIG, "the path of this program is too long");
        memcpy(path + front, "/" ENTRASQL_ODBC_LIBRARY, sizeof ENTRASQL_ODBC_LIBRARY + 1);
    }
    if (realpath(path, ret) == NULL || access(ret, R_OK) != 0) {
        es_fail(err, ENTRASQL_NOT_FOUND, "the driver's library '%s' is not there", path);
        es_hint(err, "--library names it");
        return ENTRASQL_NOT_FOUND;
    }
    return given != NULL ? check_library(ret, err) : ENTRASQL_OK;
}

/* A name or value of an ini file: one line, no header. */
static entrasql_status check_word(const char *option, const char *word, entrasql_error *err)
{
    for (const char *p = word; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == '[' || *p == ']')
            return es_fail(err, ENTRASQL_INVALID, "--%s holds a character that no name has",
                           option);
    }
    if (word[0] == '\0')
        return es_fail(err, ENTRASQL_INVALID, "--%s is empty", option);
    return ENTRASQL_OK;
}

static entrasql_status check_underneath(const char *name, entrasql_error *err)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    ES_CLEANUP(glue_driver_done) glue_driver driver = {0};
    glue_choice choice;
    ES_TRY(check_word("driver", name, err));
    if (conf_connstr_set(&list, GLUE_KEYWORD_UNDERLYING, name) != ENTRASQL_OK)
        return es_nomem(err);
    ES_TRY(glue_underneath_find(&list, &driver, &choice, err));
    return check_file("driver", driver.library, err);
}

/* What a connection string can name, and what is not the driver manager's own section. */
static entrasql_status check_name(const char *name, entrasql_error *err)
{
    ES_TRY(check_word("name", name, err));
    if (strpbrk(name, "{}=") != NULL) {
        es_fail(err, ENTRASQL_INVALID, "--name holds a brace or an equals sign, which no name has");
        es_hint(err, "it is the word between the braces: --name entrasql for Driver={entrasql}");
        return ENTRASQL_INVALID;
    }
    if (!glue_ini_is_reserved(name))
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_INVALID, "--name: [%s] is the driver manager's own section", name);
    es_hint(err, "without --name it is " GLUE_OWN_DRIVER);
    return ENTRASQL_INVALID;
}

static bool is_own_section(const char *name, const char *library)
{
    char text[GLUE_INI_VALUE_SIZE];
    glue_ini_read(name, "Description", "odbcinst.ini", text);
    return es_strcaseeq(name, GLUE_OWN_DRIVER) || strstr(library, GLUE_OWN_LIBRARY) != NULL ||
           es_streq(text, DESCRIPTION);
}

/* Programs that name another driver would get ours, or none. */
static entrasql_status check_owner(const char *name, entrasql_error *err)
{
    char library[GLUE_INI_VALUE_SIZE];
    char shown[200];
    glue_ini_read(name, "Driver", "odbcinst.ini", library);
    if (library[0] == '\0' || is_own_section(name, library))
        return ENTRASQL_OK;
    es_printable(shown, sizeof shown, library, strlen(library));
    es_fail(err, ENTRASQL_EXISTS, "--name: [%s] of odbcinst.ini is another driver's: %s", name,
            shown);
    es_hint(err, "choose another name; odbcinst -u -d -n \"%s\" takes that driver out", name);
    return ENTRASQL_EXISTS;
}

static entrasql_status install_to(const conf_args *args, const char *file, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf body = ES_BUF_INIT(3 * PATH_MAX);
    char library[PATH_MAX];
    bool found = false;
    const char *underneath = conf_args_text(args, "driver");
    const char *name = conf_args_text(args, "name");

    ES_TRY(check_name(name, err));
    ES_TRY(own_library(args, library, err));
    ES_TRY(check_owner(name, err));
    if (underneath != NULL)
        ES_TRY(check_underneath(underneath, err));
    entrasql_status status = es_buf_printf(&body,
                                           "Description=" DESCRIPTION "\n"
                                           "Driver=%s\nFileUsage=1\n",
                                           library);
    if (status == ENTRASQL_OK && underneath != NULL)
        status = es_buf_printf(&body, GLUE_KEYWORD_UNDERLYING "=%s\n", underneath);
    const char *text = status == ENTRASQL_OK ? es_buf_cstr(&body) : NULL;
    if (text == NULL)
        return es_nomem(err);
    return glue_registry_change(file, name, text, &found, err);
}

/* Which file it is hangs on the scope and on variables. */
static int report_file(const cli_terminal *t, glue_scope scope, entrasql_error *err)
{
    bool is_file = err->status == ENTRASQL_OS || err->status == ENTRASQL_NOT_FOUND;
    if (is_file && err->hint[0] == '\0' && scope == GLUE_SCOPE_USER)
        es_hint(err, "HOME is the folder of that file; --system changes the file for everybody");
    else if (is_file && err->hint[0] == '\0')
        es_hint(err,
                "It takes root; ODBCSYSINI names another folder, --user changes your own file");
    return cli_report(t, err);
}

static int install(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_cleanup_free) char *file = NULL;
    conf_args args;
    entrasql_error err;
    glue_scope scope = GLUE_SCOPE_USER;
    int exit_code = 0;

    if (!cli_parse(t, &install_command, argc, argv, &args, &exit_code))
        return exit_code;
    if (scope_of(&args, &scope, &err) != ENTRASQL_OK ||
        glue_registry_file(scope, &file, &err) != ENTRASQL_OK ||
        install_to(&args, file, &err) != ENTRASQL_OK)
        return report_file(t, scope, &err);
    return cli_say(t, "registered [%s] in %s", conf_args_text(&args, "name"), file);
}

static int uninstall(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_cleanup_free) char *file = NULL;
    conf_args args;
    entrasql_error err;
    glue_scope scope = GLUE_SCOPE_USER;
    bool found = false;
    int exit_code = 0;

    if (!cli_parse(t, &uninstall_command, argc, argv, &args, &exit_code))
        return exit_code;
    const char *name = conf_args_text(&args, "name");
    if (scope_of(&args, &scope, &err) != ENTRASQL_OK || check_name(name, &err) != ENTRASQL_OK ||
        check_owner(name, &err) != ENTRASQL_OK ||
        glue_registry_file(scope, &file, &err) != ENTRASQL_OK ||
        glue_registry_change(file, name, NULL, &found, &err) != ENTRASQL_OK)
        return report_file(t, scope, &err);
    return found ? cli_say(t, "removed [%s] from %s", name, file)
                 : cli_say(t, "[%s] was not in %s", name, file);
}

/* ---- status ---- */

typedef struct state {
    const char *name;
    char library[GLUE_INI_VALUE_SIZE]; /* "": not registered */
    bool library_is_there;
    bool has_underneath;
    glue_driver underneath;
    glue_choice choice;
    void *handle; /* kept open: drivers have threads and exit handlers */
    bool loads;
    char why[400]; /* no driver underneath, or one that cannot be loaded */
    bool pooled;
} state;

static const char *way_text(const state *s)
{
    return s->underneath.kind == GLUE_DRIVER_MICROSOFT ? "access token attribute"
                                                       : "in-process tunnel";
}

static void look_underneath(state *s)
{
    ES_CLEANUP(conf_connstr_done) conf_connstr list = {0};
    entrasql_error err;
    const char *why = NULL;
    if (conf_connstr_set(&list, "Driver", s->name) != ENTRASQL_OK)
        return;
    if (glue_underneath_find(&list, &s->underneath, &s->choice, &err) != ENTRASQL_OK) {
        es_strlcpy_utf8(s->why, sizeof s->why, err.message);
        return;
    }
    s->has_underneath = true;
    s->handle = glue_load(s->underneath.library, &why);
    s->loads = s->handle != NULL;
    if (!s->loads)
        es_printable(s->why, sizeof s->why, why, strlen(why));
}

static void look(state *s)
{
    const char *setting = NULL;
    char name[GLUE_INI_VALUE_SIZE];
    es_strlcpy_utf8(name, sizeof name, s->name);
    const glue_driver own = {.name = name};
    glue_ini_read(s->name, "Driver", "odbcinst.ini", s->library);
    s->library_is_there = s->library[0] != '\0' && access(s->library, R_OK) == 0;
    s->pooled = glue_driver_is_pooled(&own, &setting);
    look_underneath(s);
}

static entrasql_status print_json(const state *s, es_buf *out)
{
    json_writer w;
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_member_put_string(&w, "name", s->name);
    json_member_put_bool(&w, "registered", s->library[0] != '\0');
    json_member_put_string(&w, "library", s->library[0] != '\0' ? s->library : NULL);
    json_member_put_bool(&w, "libraryFound", s->library_is_there);
    json_member_put_bool(&w, "pooling", s->pooled);
    json_member_put_string(&w, "underlyingDriver", s->has_underneath ? s->underneath.name : NULL);
    json_member_put_string(&w, "underlyingLibrary",
                           s->has_underneath ? s->underneath.library : NULL);
    json_member_put_string(&w, "chosenBy", s->has_underneath ? glue_choice_text(s->choice) : NULL);
    json_member_put_string(&w, "tokenBy", s->has_underneath ? way_text(s) : NULL);
    json_member_put_bool(&w, "loads", s->loads);
    json_member_put_string(&w, "problem", s->why[0] != '\0' ? s->why : NULL);
    json_end_object(&w);
    ES_TRY(json_writer_end(&w));
    return es_buf_u8(out, '\n');
}

static entrasql_status print_text(const state *s, es_buf *out)
{
    if (s->library[0] == '\0')
        ES_TRY(es_buf_printf(out, "registered  no: run `entrasql odbc install`\n"));
    else
        ES_TRY(es_buf_printf(out, "registered  [%s] %s%s\n", s->name, s->library,
                             s->library_is_there ? "" : " (not there)"));
    ES_TRY(
        es_buf_printf(out, "pooling     %s\n", s->pooled ? "on (by the driver manager)" : "off"));
    if (!s->has_underneath)
        return es_buf_printf(out, "underneath  none: %s\n", s->why);
    ES_TRY(es_buf_printf(out, "underneath  %s\nlibrary     %s\nchosen by   %s\ntoken by    %s\n",
                         s->underneath.name, s->underneath.library, glue_choice_text(s->choice),
                         way_text(s)));
    if (s->loads)
        return ENTRASQL_OK;
    return es_buf_printf(out, "problem     %s\n", s->why);
}

static int status(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    conf_args args;
    entrasql_error err;
    state s = {0};
    int exit_code = 0;

    if (!cli_parse(t, &status_command, argc, argv, &args, &exit_code))
        return exit_code;
    s.name = conf_args_text(&args, "name");
    look(&s);
    entrasql_status printed =
        conf_args_flag(&args, "json") ? print_json(&s, &out) : print_text(&s, &out);
    bool good = s.library_is_there && s.loads;
    glue_driver_done(&s.underneath);
    if (printed != ENTRASQL_OK)
        es_fail(&err, printed, "the status cannot be shown");
    else
        printed = cli_write(t, &out, &err);
    if (printed != ENTRASQL_OK)
        return cli_report(t, &err);
    return good ? 0 : (int)ENTRASQL_CLASS_USAGE;
}

/* ---- the words ---- */

static const cli_command words[] = {
    {"install", "register the driver", install},
    {"uninstall", "take it out", uninstall},
    {"status", "say what is registered, and what is underneath", status},
};

int cli_odbc(const cli_terminal *t, int argc, char **argv)
{
    return cli_run_word(t, "entrasql odbc",
                        "The ODBC driver that signs in by connection string alone.", words,
                        ES_COUNT_OF(words), argc, argv);
}
