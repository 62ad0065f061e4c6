/* SPDX-License-Identifier: MIT */
/* Arguments, environment and file made into a configuration. */
#include "proxy/config.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/connstr.h"
#include "conf/ini.h"
#include "os/file.h"
#include "proxy/config_inner.h"
#include "proxy/target.h"

#include <string.h>
#include <sys/stat.h>

static const char default_identity[] = "default";

typedef struct loader {
    const proxy_config_source *source;
    const proxy_config *old;
    conf_args all; /* flags, variables, [proxy] */
    conf_ini ini;
    proxy_config *config;
} loader;

/* ---- sections ---- */

/* The section's keys into settings. */
static entrasql_status read_section(const loader *l, const conf_ini_section *section,
                                    conf_args *settings, entrasql_error *err)
{
    for (size_t i = 0; i < section->count; i++) {
        const conf_ini_entry *e = &l->ini.entries[section->first + i];
        const conf_origin origin = {
            .source = CONF_SOURCE_FILE, .file = l->ini.path, .line = e->line};
        ES_TRY(
            conf_args_set(settings, section->kind, e->key, strlen(e->key), e->value, &origin, err));
    }
    return ENTRASQL_OK;
}

static entrasql_status bad_section(const loader *l, const conf_ini_section *section,
                                   const char *what, entrasql_error *err)
{
    char shown[80];
    char kind[40];
    es_printable(shown, sizeof shown, section->name, strlen(section->name));
    es_printable(kind, sizeof kind, section->kind, strlen(section->kind));
    return es_fail(err, ENTRASQL_CONFIG, "%s:%u: [%s%s%s] %s", l->ini.path, section->line, kind,
                   shown[0] != '\0' ? " " : "", shown, what);
}

static size_t count_sections(const loader *l, const char *kind)
{
    size_t n = 0;
    for (size_t i = 0; i < l->ini.section_count; i++)
        n += es_streq(l->ini.sections[i].kind, kind) ? 1 : 0;
    return n;
}

/* Kinds and names, so that nothing in the file goes unread. */
static entrasql_status check_sections(const loader *l, entrasql_error *err)
{
    for (size_t i = 0; i < l->ini.section_count; i++) {
        const conf_ini_section *s = &l->ini.sections[i];
        bool is_proxy = es_streq(s->kind, "proxy");
        if (!is_proxy && !es_streq(s->kind, "target") && !es_streq(s->kind, "identity") &&
            !es_streq(s->kind, "login")) {
            bad_section(l, s, "is not known", err);
            es_hint(err, "sections: [proxy], [target NAME], [identity NAME], [login NAME]");
            return ENTRASQL_CONFIG;
        }
        if (is_proxy != (s->name[0] == '\0'))
            return bad_section(l, s, is_proxy ? "takes no name" : "needs a name", err);
        for (size_t k = 0; k < i && !is_proxy; k++)
            if (es_streq(l->ini.sections[k].kind, s->kind) &&
                es_streq(l->ini.sections[k].name, s->name))
                return bad_section(l, s, "is there twice", err);
        if (es_streq(s->kind, "identity") && es_streq(s->name, default_identity))
            return bad_section(l, s, "is what [proxy] and the flags describe: choose another name",
                               err);
    }
    return ENTRASQL_OK;
}

static entrasql_status read_file(loader *l, entrasql_error *err)
{
    const char *path = conf_args_text(&l->all, "config");
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(CONF_INI_MAX_BYTES);
    if (path == NULL)
        return ENTRASQL_OK;
    l->config->file = es_strdup(path);
    if (l->config->file == NULL)
        return es_nomem(err);
    ES_TRY(os_file_read(path, &text, err));
    ES_TRY(conf_ini_parse(path, text.data, text.len, &l->ini, err));
    ES_TRY(check_sections(l, err));
    for (size_t i = 0; i < l->ini.section_count; i++)
        if (es_streq(l->ini.sections[i].kind, "proxy"))
            ES_TRY(read_section(l, &l->ini.sections[i], &l->all, err));
    return ENTRASQL_OK;
}

/* ---- identities ---- */

static entrasql_status describe_setting(const conf_args *settings, const conf_option *o,
                                        es_buf *out)
{
    struct stat st;
    const char *value = conf_args_text(settings, o->name);
    if (value == NULL)
        return ENTRASQL_OK;
    ES_TRY(es_buf_printf(out, "%s=%s\n", o->name, value));
    /* A file that was written anew is another setting. */
    if (o->type == CONF_OPTION_FILE && stat(value, &st) == 0)
        return es_buf_printf(out, "@%lld.%ld %lld\n", (long long)st.st_mtim.tv_sec,
                             st.st_mtim.tv_nsec, (long long)st.st_size);
    return ENTRASQL_OK;
}

/* All settings of an identity as text. */
static entrasql_status describe(const conf_args *settings, char **ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(CONF_INI_MAX_BYTES);
    for (const conf_option *o = settings->command->options; o->name != NULL; o++)
        if (conf_option_is_of(o, "proxy") && conf_option_is_of(o, "identity") &&
            describe_setting(settings, o, &text) != ENTRASQL_OK)
            return es_nomem(err);
    *ret = es_buf_take(&text, NULL);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_credential *find_same(const proxy_config *old, const proxy_identity *identity)
{
    for (size_t i = 0; old != NULL && i < old->identity_count; i++)
        if (es_streq(old->identities[i].settings, identity->settings))
            return entrasql_credential_ref(old->identities[i].credential);
    return NULL;
}

static entrasql_status add_identity(loader *l, const char *name, const conf_args *settings,
                                    entrasql_error *err)
{
    proxy_identity *identity = &l->config->identities[l->config->identity_count++];
    identity->name = es_strdup(name);
    if (identity->name == NULL)
        return es_nomem(err);
    ES_TRY(proxy_config_note(l->config, "identity", name, settings, err));
    ES_TRY(describe(settings, &identity->settings, err));
    identity->credential = find_same(l->old, identity);
    if (identity->credential != NULL)
        return ENTRASQL_OK;
    return l->source->make_credential(settings, &identity->credential, err);
}

/* The first is what [proxy] and the flags describe. Their ca-file is the target's: Entra keeps the
   system's trust, unless an identity's own section says otherwise. */
static entrasql_status read_identities(loader *l, entrasql_error *err)
{
    conf_args shared = l->all;

    l->config->identities =
        es_calloc(1 + count_sections(l, "identity"), sizeof *l->config->identities);
    if (l->config->identities == NULL)
        return es_nomem(err);
    proxy_config_drop(&shared, "ca-file");
    ES_TRY(add_identity(l, default_identity, &shared, err));
    for (size_t i = 0; i < l->ini.section_count; i++) {
        const conf_ini_section *section = &l->ini.sections[i];
        conf_args settings = {.command = l->all.command};
        if (!es_streq(section->kind, "identity"))
            continue;
        ES_TRY(read_section(l, section, &settings, err));
        entrasql_status status = add_identity(l, section->name, &settings, err);
        if (status != ENTRASQL_OK) {
            es_error_prefix(err, "%s:%u: [identity %s]", l->ini.path, section->line, section->name);
            return status;
        }
    }
    return ENTRASQL_OK;
}

/* The identity that the setting names; NULL when it names none. */
static entrasql_status find_identity(const loader *l, const conf_args *settings,
                                     const proxy_identity **ret, entrasql_error *err)
{
    const char *name = conf_args_text(settings, "identity");
    char where[CONF_WHERE_SIZE];
    *ret = NULL;
    if (name == NULL)
        return ENTRASQL_OK;
    for (size_t i = 0; i < l->config->identity_count; i++) {
        if (es_streq(l->config->identities[i].name, name)) {
            *ret = &l->config->identities[i];
            return ENTRASQL_OK;
        }
    }
    char shown[80];
    conf_args_where(settings, "identity", where);
    es_printable(shown, sizeof shown, name, strlen(name));
    return es_fail(err, ENTRASQL_CONFIG, "%s: there is no [identity %s]", where, shown);
}

/* ---- logins ---- */

static entrasql_status read_login(const loader *l, const conf_ini_section *section,
                                  proxy_login_rule *rule, entrasql_error *err)
{
    conf_args settings = {.command = l->all.command};
    ES_TRY(read_section(l, section, &settings, err));
    rule->name = es_strdup(section->name);
    if (rule->name == NULL)
        return es_nomem(err);
    ES_TRY(proxy_config_note(l->config, "login", section->name, &settings, err));
    ES_TRY(proxy_config_uids(&settings, &rule->uids, err));
    ES_TRY(proxy_config_secret(&settings, "secret-file", &rule->secret, err));
    ES_TRY(find_identity(l, &settings, &rule->identity, err));
    if (conf_args_has(&settings, "max-clients"))
        rule->max_clients = conf_args_number(&settings, "max-clients");
    else
        rule->max_clients = l->config->max_clients_per_login;
    if (rule->secret == NULL && rule->uids.count == 0) {
        bad_section(l, section, "needs secret-file or allow-uids", err);
        es_hint(err, "a login name alone is no proof of who connects");
        return ENTRASQL_CONFIG;
    }
    return ENTRASQL_OK;
}

static entrasql_status read_logins(loader *l, entrasql_error *err)
{
    l->config->logins = es_calloc(count_sections(l, "login") + 1, sizeof *l->config->logins);
    if (l->config->logins == NULL)
        return es_nomem(err);
    for (size_t i = 0; i < l->ini.section_count; i++)
        if (es_streq(l->ini.sections[i].kind, "login"))
            ES_TRY(read_login(l, &l->ini.sections[i], &l->config->logins[l->config->login_count++],
                              err));
    return ENTRASQL_OK;
}

/* ---- targets ---- */

/* What was said for all counts where the target says nothing. */
static void inherit_all(const loader *l, conf_args *settings)
{
    for (const conf_option *o = settings->command->options; o->name != NULL; o++)
        if (conf_option_is_of(o, "proxy") && conf_option_is_of(o, "target") &&
            !es_streq(o->name, "max-clients"))
            proxy_config_inherit(settings, &l->all, o->name);
}

/* "proxy.ini:3: [target sales]" for a section, "target 'sales'" for an argument. */
static entrasql_status describe_place(const loader *l, const char *name,
                                      const conf_ini_section *section, char **ret,
                                      entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(CONF_INI_MAX_BYTES);
    entrasql_status status =
        section != NULL
            ? es_buf_printf(&text, "%s:%u: [target %s]", l->ini.path, section->line, section->name)
            : es_buf_printf(&text, "target '%s'", name);
    *ret = status == ENTRASQL_OK ? es_buf_take(&text, NULL) : NULL;
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

static entrasql_status add_target(loader *l, const char *name, const conf_ini_section *section,
                                  const char *server, const char *database, conf_args *settings,
                                  entrasql_error *err)
{
    proxy_config *c = l->config;
    proxy_target *t = &c->targets[c->target_count++];
    const proxy_target *before = c->target_count > 1 ? t - 1 : NULL;
    inherit_all(l, settings);
    t->config = c;
    t->name = es_strdup(name);
    if (t->name == NULL)
        return es_nomem(err);
    ES_TRY(proxy_config_note(c, "target", name, settings, err));
    ES_TRY(describe_place(l, name, section, &t->where, err));
    ES_TRY(conf_server_parse(server, &t->host, &t->port, err));
    if (database != NULL) {
        t->database = es_strdup(database);
        if (t->database == NULL)
            return es_nomem(err);
    }
    ES_TRY(find_identity(l, settings, &t->identity, err));
    if (t->identity == NULL)
        t->identity = &c->identities[0];
    t->limits.max_clients = conf_args_has(settings, "max-clients")
                                ? conf_args_number(settings, "max-clients")
                                : conf_args_number(&l->all, "max-clients-per-target");
    return proxy_config_target(settings, before, l->old, t, err);
}

/* Arguments, or the variable. */
static entrasql_status add_target_text(loader *l, const char *text, size_t n, entrasql_error *err)
{
    conf_args settings = {.command = l->all.command};
    proxy_target_text parts;
    ES_TRY(proxy_target_parse(text, n, &settings, &parts, err));
    entrasql_status status =
        add_target(l, parts.text, NULL, parts.server, parts.database, &settings, err);
    if (status != ENTRASQL_OK && err != NULL && strstr(err->message, parts.text) == NULL)
        es_error_prefix(err, "target '%s'", parts.text);
    proxy_target_text_done(&parts);
    return status;
}

static entrasql_status add_target_section(loader *l, const conf_ini_section *section,
                                          entrasql_error *err)
{
    conf_args settings = {.command = l->all.command};
    ES_TRY(read_section(l, section, &settings, err));
    const char *server = conf_args_text(&settings, "server");
    if (server == NULL) {
        bad_section(l, section, "names no server", err);
        es_hint(err, "server = myserver.database.windows.net");
        return ENTRASQL_CONFIG;
    }
    entrasql_status status = add_target(l, section->name, section, server,
                                        conf_args_text(&settings, "database"), &settings, err);
    if (status != ENTRASQL_OK)
        es_error_prefix(err, "%s:%u: [target %s]", l->ini.path, section->line, section->name);
    return status;
}

static size_t next_word(const char **text)
{
    *text += strspn(*text, " \t\n");
    return strcspn(*text, " \t\n");
}

/* The highest of the places that name targets names all of them. */
static entrasql_status read_targets(loader *l, entrasql_error *err)
{
    size_t argument_count = l->all.positional_count;
    const char *text = conf_args_text(&l->all, "targets");
    l->config->targets = es_calloc(PROXY_TARGETS_MAX, sizeof *l->config->targets);
    if (l->config->targets == NULL)
        return es_nomem(err);
    for (size_t i = 0; i < argument_count; i++)
        ES_TRY(add_target_text(l, l->all.positionals[i], strlen(l->all.positionals[i]), err));
    for (size_t n = 0; argument_count == 0 && text != NULL && (n = next_word(&text)) > 0; text += n)
        if (l->config->target_count < PROXY_TARGETS_MAX)
            ES_TRY(add_target_text(l, text, n, err));
    bool in_file = l->config->target_count == 0;
    for (size_t i = 0; in_file && i < l->ini.section_count; i++)
        if (es_streq(l->ini.sections[i].kind, "target") &&
            l->config->target_count < PROXY_TARGETS_MAX)
            ES_TRY(add_target_section(l, &l->ini.sections[i], err));
    if (l->config->target_count > 0)
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_INVALID, "the proxy needs a target");
    es_hint(err, "entrasql proxy myserver.database.windows.net/mydb");
    return ENTRASQL_INVALID;
}

/* ---- the whole ---- */

static entrasql_status read_ops(loader *l, entrasql_error *err)
{
    proxy_ops *ops = &l->config->ops;
    const char *http = conf_args_text(&l->all, "http");
    if (http != NULL) {
        ops->http_address = es_strdup(http);
        if (ops->http_address == NULL)
            return es_nomem(err);
    }
    ops->http_quit = conf_args_flag(&l->all, "http-quit");
    ops->test_connection = conf_args_flag(&l->all, "run-connection-test");
    ops->skip_token_check = conf_args_flag(&l->all, "skip-token-check");
    ops->drain_ms = conf_args_number(&l->all, "drain") * 1000;
    const char *level = conf_args_text(&l->all, "log-level");
    const char *form = conf_args_text(&l->all, "log-format");
    l->config->has_log_level =
        level != NULL && es_log_level_parse(level, &l->config->log_level) == ENTRASQL_OK;
    l->config->log_form = es_streq(form, "json") ? ES_LOG_JSON : ES_LOG_TEXT;
    return proxy_config_secret(&l->all, "admin-secret-file", &ops->admin_secret, err);
}

/* Kubernetes sets these for a Service named entrasql-proxy. */
static bool is_service_link(const char *name)
{
    return es_starts_with(name, "ENTRASQL_PROXY_SERVICE_") ||
           es_starts_with(name, "ENTRASQL_PROXY_PORT");
}

static void warn_of_variables(const conf_args *all)
{
    const char *found;
    size_t n = 0;
    for (size_t at = 0; (found = conf_args_unknown_variable(all, &at, &n)) != NULL;) {
        char name[80];
        es_printable(name, sizeof name, found, n);
        if (!is_service_link(found))
            ES_LOG(WARNING, "proxy", "a variable names no setting", ES_KV_STR("name", name));
    }
}

static entrasql_status load(loader *l, entrasql_error *err)
{
    warn_of_variables(&l->all);
    proxy_config *c = l->config;
    ES_TRY(conf_args_read_environment(&l->all, err));
    ES_TRY(read_file(l, err));
    ES_TRY(proxy_config_note(c, "proxy", "proxy", &l->all, err));
    c->max_clients = conf_args_number(&l->all, "max-clients");
    c->max_clients_per_login = conf_args_number(&l->all, "max-clients-per-login");
    c->max_half_open = conf_args_number(&l->all, "max-half-open");
    c->login_timeout_ms = conf_args_number(&l->all, "login-timeout") * 1000;
    ES_TRY(read_ops(l, err));
    ES_TRY(read_identities(l, err));
    ES_TRY(read_logins(l, err));
    ES_TRY(read_targets(l, err));
    return proxy_config_check(c, err);
}

entrasql_status proxy_config_load(const proxy_config_source *source, const proxy_config *old,
                                  proxy_config **ret, entrasql_error *err)
{
    loader l = {.source = source, .old = old, .all = *source->args};
    l.config = es_calloc(1, sizeof *l.config);
    if (l.config == NULL)
        return es_nomem(err);
    l.config->refs = 1;
    entrasql_status status = load(&l, err);
    conf_ini_done(&l.ini);
    if (status == ENTRASQL_OK)
        *ret = l.config;
    else
        proxy_config_unref(l.config);
    return status;
}
