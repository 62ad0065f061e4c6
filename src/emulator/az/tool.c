/* SPDX-License-Identifier: MIT */
/* Links to the running program under the names of developers' tools, and what runs behind them. */
#include "tool.h"

#include "base/mem.h"
#include "crypto/jwt.h"
#include "emulator/world/files.h"
#include "emulator/world/token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define EXIT_ERROR 1

static const struct {
    const char *name;
    int (*run)(int argc, char **argv, const tool_place *place);
    bool is_shadowed; /* where nobody is signed in, the machine's own one must not be found */
} tools[] = {
    {"az", tool_az, true},
    {"azd", tool_azd, true},
    {"pwsh", tool_pwsh, false}, /* a shell for everything else as well */
};

/* ---- links ---- */

bool emulator_tool_is_known(const char *name)
{
    for (size_t i = 0; i < ES_COUNT_OF(tools); i++) {
        if (es_streq(tools[i].name, name))
            return true;
    }
    return false;
}

char *emulator_tool_dir(const char *data_dir, const char *tool, const world_principal *user)
{
    if (user == NULL)
        return world_path(data_dir, EMULATOR_SIGNED_OUT_DIR);
    ES_CLEANUP(es_cleanup_free) char *dir = world_path(data_dir, tool);
    return dir != NULL ? world_path(dir, user->upn) : NULL;
}

static entrasql_status make_link(const char *data_dir, const char *tool,
                                 const world_principal *user, const char *target,
                                 entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *dir = emulator_tool_dir(data_dir, tool, user);
    ES_CLEANUP(es_cleanup_free) char *path = dir != NULL ? world_path(dir, tool) : NULL;
    if (path == NULL)
        return es_nomem(err);
    ES_TRY(world_dir_make(dir, err));
    if (unlink(path) != 0 && errno != ENOENT)
        return es_fail_errno(err, errno, "cannot replace %s", path);
    if (symlink(target, path) != 0)
        return es_fail_errno(err, errno, "cannot make the link %s", path);
    return ENTRASQL_OK;
}

entrasql_status emulator_make_tool_links(const char *data_dir, const world *w, entrasql_error *err)
{
    char target[4096];
    ssize_t n = readlink("/proc/self/exe", target, sizeof target - 1);
    if (n < 0)
        return es_fail_errno(err, errno, "cannot tell the program's own path");
    target[n] = 0;
    for (size_t k = 0; k < ES_COUNT_OF(tools); k++) {
        const world_principal *user = NULL;
        if (tools[k].is_shadowed)
            ES_TRY(make_link(data_dir, tools[k].name, NULL, target, err));
        for (size_t i = 0; (user = world_user_at(w, i)) != NULL; i++)
            ES_TRY(make_link(data_dir, tools[k].name, user, target, err));
    }
    return ENTRASQL_OK;
}

/* ---- which tool, and whose ---- */

static const char *base_name(const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    return slash != NULL ? slash + 1 : path;
}

bool emulator_is_tool(const char *argv0)
{
    return emulator_tool_is_known(base_name(argv0));
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
 * started: argv[0] is only the name when a shell found it on PATH, and some
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

int emulator_tool_main(int argc, char **argv)
{
    const char *name = base_name(argv[0]);
    tool_place place = {.data_dir = "", .upn = NULL};
    /* <data_dir>/<tool>/<upn>/<tool>, or <data_dir>/bin/<tool> when nobody is signed in. */
    ES_CLEANUP(es_cleanup_free) char *path = own_path(argv[0]);
    const char *upn = NULL, *list = NULL;
    if (path != NULL && cut_last(path) != NULL && (upn = cut_last(path)) != NULL)
        list = cut_last(path);
    if (es_streq(list, name))
        place = (tool_place){.data_dir = path, .upn = upn};
    for (size_t i = 0; i < ES_COUNT_OF(tools); i++) {
        if (es_streq(tools[i].name, name))
            return tools[i].run(argc, argv, &place);
    }
    return EXIT_ERROR;
}

/* ---- the token ---- */

bool tool_open(const tool_place *place, tool_session *ret, char complaint[TOOL_COMPLAINT_SIZE])
{
    emulator_info info;
    entrasql_error err;
    *ret = (tool_session){.w = NULL};
    if (place->upn == NULL)
        return true;
    if (emulator_status(place->data_dir, &info, &err) != ENTRASQL_OK ||
        world_load(place->data_dir, NULL, false, &ret->w, &err) != ENTRASQL_OK) {
        es_strlcpy_utf8(complaint, TOOL_COMPLAINT_SIZE, err.message);
        return false;
    }
    ret->user = world_user_find(ret->w, place->upn);
    return true;
}

void tool_close(tool_session *s)
{
    world_free(s->w);
    *s = (tool_session){.w = NULL};
}

const char *tool_resource(const world *w, const char *text, bool is_scope)
{
    static const char suffix[] = "/.default";
    size_t n = strlen(text);
    if (!is_scope)
        return world_resource_find(w, text);
    if (n < sizeof suffix || !es_ends_with(text, suffix))
        return NULL;
    ES_CLEANUP(es_cleanup_free) char *resource = es_strndup(text, n - (sizeof suffix - 1));
    return resource != NULL ? world_resource_find(w, resource) : NULL;
}

static bool check_tenant(const tool_session *s, const char *tenant,
                         char complaint[TOOL_COMPLAINT_SIZE])
{
    const world_tenant *found = tenant != NULL ? world_tenant_find(s->w, tenant) : s->user->tenant;
    if (found == NULL) {
        (void)snprintf(complaint, TOOL_COMPLAINT_SIZE,
                       "AADSTS90002: Tenant '%.200s' not found. Check to make sure you have the "
                       "correct tenant ID and are signing into the correct cloud.",
                       tenant);
        return false;
    }
    if (found == s->user->tenant)
        return true;
    (void)snprintf(complaint, TOOL_COMPLAINT_SIZE,
                   "AADSTS50020: User account '%s' from identity provider "
                   "'https://sts.windows.net/%s/' does not exist in tenant '%s'.",
                   s->user->upn, s->user->tenant->id, found->domain);
    return false;
}

bool tool_token(const tool_session *s, const char *named, bool is_scope, const char *tenant,
                es_buf *token, int64_t *ret_expires_on, char complaint[TOOL_COMPLAINT_SIZE])
{
    entrasql_error err;
    if (!check_tenant(s, tenant, complaint))
        return false;
    const char *resource = tool_resource(s->w, named, is_scope);
    if (resource == NULL) {
        (void)snprintf(complaint, TOOL_COMPLAINT_SIZE,
                       "AADSTS500011: The resource principal named %.200s was not found in the "
                       "tenant named %s.",
                       named, s->user->tenant->domain);
        return false;
    }
    world_token_request request = {.principal = s->user, .resource = resource};
    if (world_token_issue(s->w, &request, token, ret_expires_on, &err) == ENTRASQL_OK)
        return true;
    es_strlcpy_utf8(complaint, TOOL_COMPLAINT_SIZE, err.message);
    return false;
}

bool tool_print(const es_buf *out)
{
    return fwrite(out->data, 1, out->len, stdout) == out->len && fflush(stdout) == 0;
}
