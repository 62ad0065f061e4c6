/* SPDX-License-Identifier: MIT */
/*
 * The stand-in for the Azure CLI: one command, strictly read, answered for the
 * person in whose directory it was started.
 *
 * It signs the token itself with the data directory's key, so the file's
 * permission (0600) decides who can get one; the emulator must be running, as
 * the real az needs Entra.
 */
#include "emulator/internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/jwt.h"
#include "emulator/world/files.h"
#include "emulator/world/token.h"
#include "json/json.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#define EXIT_ERROR 1
#define EXIT_USAGE 2 /* what az ends with when it does not understand its arguments */

/* ---- whose az this is ---- */

char *emulator_az_dir(const char *data_dir, const world_principal *user)
{
    if (user == NULL)
        return world_path(data_dir, EMULATOR_SIGNED_OUT_DIR);
    ES_CLEANUP(es_cleanup_free) char *dir = world_path(data_dir, EMULATOR_SIGNED_IN_DIR);
    return dir != NULL ? world_path(dir, user->upn) : NULL;
}

static entrasql_status make_link(const char *dir, const char *target, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *path = world_path(dir, "az");
    if (path == NULL)
        return es_nomem(err);
    ES_TRY(world_dir_make(dir, err));
    if (unlink(path) != 0 && errno != ENOENT)
        return es_fail_errno(err, errno, "cannot replace %s", path);
    if (symlink(target, path) != 0)
        return es_fail_errno(err, errno, "cannot make the link %s", path);
    return ENTRASQL_OK;
}

static entrasql_status link_for(const char *data_dir, const world_principal *user,
                                const char *target, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *dir = emulator_az_dir(data_dir, user);
    return dir != NULL ? make_link(dir, target, err) : es_nomem(err);
}

entrasql_status emulator_make_az_links(const char *data_dir, const world *w, entrasql_error *err)
{
    char target[4096];
    ssize_t n = readlink("/proc/self/exe", target, sizeof target - 1);
    if (n < 0)
        return es_fail_errno(err, errno, "cannot tell the program's own path");
    target[n] = 0;
    ES_TRY(link_for(data_dir, NULL, target, err));
    const world_principal *user = NULL;
    for (size_t i = 0; (user = world_user_at(w, i)) != NULL; i++)
        ES_TRY(link_for(data_dir, user, target, err));
    return ENTRASQL_OK;
}

bool emulator_is_az(const char *argv0)
{
    const char *slash = argv0 != NULL ? strrchr(argv0, '/') : NULL;
    return es_streq(slash != NULL ? slash + 1 : argv0, "az");
}

/* Cuts the last part off a path and returns it; NULL when there is none. */
static char *cut_last(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return NULL;
    *slash = 0;
    return slash + 1;
}

/*
 * The link's own path tells data directory and person, however it was
 * started: argv[0] is only "az" when a shell found it on PATH, and some
 * libraries pass no environment but PATH.
 */
static char *own_path(const char *argv0)
{
    const char *path = (const char *)getauxval(AT_EXECFN);
    if (path == NULL)
        path = argv0;
    if (*path == '/')
        return es_strdup(path);
    char cwd[4096];
    return getcwd(cwd, sizeof cwd) != NULL ? world_path(cwd, path) : NULL;
}

/* ---- the command line ---- */

typedef struct az_arguments {
    const char *output, *resource, *scope, *tenant, *subscription;
} az_arguments;

static int fail(int code, const char *fmt, ...) ES_PRINTF(2, 3);

static int fail(int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)fputs("ERROR: ", stderr);
    (void)vfprintf(stderr, fmt, ap);
    (void)fputc('\n', stderr);
    va_end(ap);
    return code;
}

static const char **option_place(az_arguments *a, const char *name, size_t n)
{
    const struct {
        const char *name;
        const char **place;
    } rows[] = {
        {"--output", &a->output},
        {"-o", &a->output},
        {"--resource", &a->resource},
        {"--scope", &a->scope},
        {"--tenant", &a->tenant},
        {"-t", &a->tenant},
        {"--subscription", &a->subscription},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        if (strlen(rows[i].name) == n && memcmp(rows[i].name, name, n) == 0)
            return rows[i].place;
    }
    return NULL;
}

/* Options as "--name value" and "--name=value"; 0 when all is well. */
static int parse_options(int argc, char **argv, az_arguments *a)
{
    for (int i = 0; i < argc; i++) {
        size_t n = strcspn(argv[i], "=");
        const char **place = option_place(a, argv[i], n);
        const char *value = argv[i][n] == '=' ? argv[i] + n + 1 : NULL;
        if (place == NULL)
            return fail(EXIT_USAGE, "unrecognized arguments: %s", argv[i]);
        if (value == NULL && i + 1 < argc && argv[i + 1][0] != '-')
            value = argv[++i];
        if (value == NULL)
            return fail(EXIT_USAGE, "argument %.*s: expected one argument", (int)n, argv[i]);
        if (*place != NULL)
            return fail(EXIT_USAGE, "argument %.*s: given twice", (int)n, argv[i]);
        *place = value;
    }
    return 0;
}

static int check_options(const az_arguments *a)
{
    if (a->output != NULL && !es_streq(a->output, "json"))
        return fail(EXIT_USAGE,
                    "argument --output/-o: '%s' is not a valid value for '--output'. "
                    "The emulator's az writes json.",
                    a->output);
    if (a->resource != NULL && a->scope != NULL)
        return fail(EXIT_USAGE, "resource and scopes can't be provided at the same time.");
    if (a->resource == NULL && a->scope == NULL)
        return fail(EXIT_USAGE, "the emulator's az needs --resource or --scope.");
    if (a->tenant != NULL && a->subscription != NULL)
        return fail(EXIT_ERROR, "Please specify only one of subscription and tenant, not both");
    return 0;
}

static int parse_arguments(int argc, char **argv, az_arguments *a)
{
    if (argc < 3 || !es_streq(argv[1], "account") || !es_streq(argv[2], "get-access-token")) {
        return fail(EXIT_USAGE,
                    "'%s' is misspelled or not recognized by the system. The "
                    "emulator's az knows 'account get-access-token' only.",
                    argc < 2                                   ? ""
                    : argc > 2 && es_streq(argv[1], "account") ? argv[2]
                                                               : argv[1]);
    }
    int code = parse_options(argc - 3, argv + 3, a);
    return code != 0 ? code : check_options(a);
}

/* ---- the answer ---- */

/* az wants a resource or a scope; both name the resource here. */
static const char *find_resource(const world *w, const az_arguments *a)
{
    static const char suffix[] = "/.default";
    if (a->resource != NULL)
        return world_resource_find(w, a->resource);
    size_t n = a->scope != NULL ? strlen(a->scope) : 0;
    if (n < sizeof suffix || !es_ends_with(a->scope, suffix))
        return NULL;
    ES_CLEANUP(es_cleanup_free) char *resource = es_strndup(a->scope, n - (sizeof suffix - 1));
    return resource != NULL ? world_resource_find(w, resource) : NULL;
}

static int check_place(const world *w, const world_principal *user, const az_arguments *a)
{
    const world_subscription *s = world_get_subscription(w);
    if (a->subscription != NULL && !es_strcaseeq(a->subscription, s->id) &&
        !es_strcaseeq(a->subscription, s->name))
        return fail(EXIT_ERROR,
                    "Subscription '%s' not found. Check the spelling and casing and try again.",
                    a->subscription);
    const world_tenant *tenant = a->tenant != NULL ? world_tenant_find(w, a->tenant) : user->tenant;
    if (tenant == NULL)
        return fail(EXIT_ERROR,
                    "AADSTS90002: Tenant '%s' not found. Check to make sure you have "
                    "the correct tenant ID and are signing into the correct cloud.",
                    a->tenant);
    if (tenant != user->tenant)
        return fail(EXIT_ERROR,
                    "AADSTS50020: User account '%s' from identity provider "
                    "'https://sts.windows.net/%s/' does not exist in tenant '%s'.",
                    user->upn, user->tenant->id, tenant->domain);
    return 0;
}

/* az writes local time without a zone here, and the number only since 2.54. */
static void format_local(int64_t when, char *ret, size_t size)
{
    time_t t = (time_t)when;
    struct tm tm;
    if (localtime_r(&t, &tm) == NULL || strftime(ret, size, "%Y-%m-%d %H:%M:%S.000000", &tm) == 0)
        ret[0] = 0;
}

static entrasql_status write_answer(const world *w, const world_principal *user,
                                    const az_arguments *a, const es_buf *token, int64_t expires_on,
                                    es_buf *out)
{
    char local[40];
    format_local(expires_on, local, sizeof local);
    json_writer j;
    json_writer_init(&j, out);
    json_begin_object(&j);
    json_name(&j, "accessToken");
    json_put_text(&j, (const char *)token->data, token->len);
    json_member_put_string(&j, "expiresOn", local);
    json_member_put_i64(&j, "expires_on", expires_on);
    if (a->tenant == NULL)
        json_member_put_string(&j, "subscription", world_get_subscription(w)->id);
    json_member_put_string(&j, "tenant", user->tenant->id);
    json_member_put_string(&j, "tokenType", "Bearer");
    json_end_object(&j);
    ES_TRY(json_writer_end(&j));
    return es_buf_add_str(out, "\n");
}

static int answer(const world *w, const char *upn, const az_arguments *a)
{
    const world_principal *user = world_user_find(w, upn);
    if (user == NULL)
        return fail(EXIT_ERROR, "Please run 'az login' to setup account.");
    int code = check_place(w, user, a);
    if (code != 0)
        return code;
    const char *resource = find_resource(w, a);
    if (resource == NULL)
        return fail(EXIT_ERROR,
                    "AADSTS500011: The resource principal named %s was not found in "
                    "the tenant named %s.",
                    a->resource != NULL ? a->resource : a->scope, user->tenant->domain);
    ES_CLEANUP(es_buf_done) es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT_WIPE(2 * CRYPTO_JWT_MAX_BYTES);
    world_token_request request = {.principal = user, .resource = resource};
    int64_t expires_on = 0;
    entrasql_error err;
    if (world_token_issue(w, &request, &token, &expires_on, &err) != ENTRASQL_OK)
        return fail(EXIT_ERROR, "%s", err.message);
    if (write_answer(w, user, a, &token, expires_on, &out) != ENTRASQL_OK ||
        fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout) != 0)
        return fail(EXIT_ERROR, "the answer could not be written");
    return 0;
}

static int answer_from(const char *data_dir, const char *upn, const az_arguments *a)
{
    emulator_info info;
    entrasql_error err;
    world *w = NULL;
    if (emulator_status(data_dir, &info, &err) != ENTRASQL_OK ||
        world_load(data_dir, NULL, false, &w, &err) != ENTRASQL_OK)
        return fail(EXIT_ERROR, "%s", err.message);
    int code = answer(w, upn, a);
    world_free(w);
    return code;
}

int emulator_az_main(int argc, char **argv)
{
    az_arguments a = {0};
    int code = parse_arguments(argc, argv, &a);
    if (code != 0)
        return code;
    /* <data_dir>/az/<upn>/az, or <data_dir>/bin/az when nobody is signed in. */
    ES_CLEANUP(es_cleanup_free) char *path = own_path(argv[0]);
    const char *upn = NULL, *list = NULL;
    if (path != NULL && cut_last(path) != NULL && (upn = cut_last(path)) != NULL)
        list = cut_last(path);
    if (!es_streq(list, EMULATOR_SIGNED_IN_DIR))
        return fail(EXIT_ERROR, "Please run 'az login' to setup account.");
    return answer_from(path, upn, &a);
}
