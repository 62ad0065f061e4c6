/* SPDX-License-Identifier: MIT */
/* Values made of settings, and what must hold between them. */
#include "proxy/config_inner.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FIRST_PORT 1433
#define UIDS_MAX 1024
#define SECRET_MAX_BYTES 1024
#define DAY_S 86400
#define EXPIRES_SOON_DAYS 14

void proxy_config_inherit(conf_args *own, const conf_args *all, const char *name)
{
    const conf_option *o = own->command->options;
    for (size_t i = 0; o[i].name != NULL; i++) {
        if (es_streq(o[i].name, name) && own->origins[i].source == CONF_SOURCE_NONE) {
            own->values[i] = all->values[i];
            own->origins[i] = all->origins[i];
        }
    }
}

void proxy_config_drop(conf_args *settings, const char *name)
{
    const conf_option *o = settings->command->options;
    for (size_t i = 0; o[i].name != NULL; i++) {
        if (es_streq(o[i].name, name)) {
            settings->values[i] = NULL;
            settings->origins[i] = (conf_origin){0};
        }
    }
}

static entrasql_status note(proxy_config *config, const char *kind, const char *of,
                            const char *name, const conf_args *settings)
{
    char where[CONF_WHERE_SIZE];
    const char *value = conf_args_text(settings, name);
    proxy_setting *grown =
        es_reallocarray(config->settings, config->setting_count + 1, sizeof *grown);
    if (grown == NULL)
        return ENTRASQL_NOMEM;
    conf_args_where(settings, name, where);
    config->settings = grown;
    proxy_setting *s = &grown[config->setting_count++];
    *s = (proxy_setting){
        .kind = kind,
        .of = es_strdup(of),
        .name = name,
        .value = es_strdup(value == NULL      ? "no"
                           : value[0] == '\0' ? "yes"
                                              : value),
        .source = es_strdup(where),
    };
    return s->of != NULL && s->value != NULL && s->source != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

entrasql_status proxy_config_note(proxy_config *config, const char *kind, const char *of,
                                  const conf_args *settings, entrasql_error *err)
{
    for (const conf_option *o = settings->command->options; o->name != NULL; o++)
        if (o->sections != NULL && strstr(o->sections, kind) != NULL &&
            conf_args_has(settings, o->name) &&
            note(config, kind, of, o->name, settings) != ENTRASQL_OK)
            return es_nomem(err);
    return ENTRASQL_OK;
}

/* Puts the setting's place before a message. */
static entrasql_status blame(const conf_args *settings, const char *name, entrasql_status status,
                             entrasql_error *err)
{
    char where[CONF_WHERE_SIZE];
    if (status != ENTRASQL_OK) {
        conf_args_where(settings, name, where);
        es_error_prefix(err, "%s", where);
    }
    return status;
}

static entrasql_status copy_text(const conf_args *settings, const char *name, char **ret,
                                 entrasql_error *err)
{
    const char *value = conf_args_text(settings, name);
    if (value == NULL)
        return ENTRASQL_OK;
    *ret = es_strdup(value);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

/* A part of a list with ',' between its parts, without blanks around it. */
static bool next_part(const char **at, const char **ret, size_t *ret_n)
{
    if (**at == '\0')
        return false;
    size_t n = strcspn(*at, ",");
    *ret = *at;
    *at += (*at)[n] == ',' ? n + 1 : n;
    while (n > 0 && es_is_space((*ret)[n - 1]))
        n--;
    while (n > 0 && es_is_space(**ret)) {
        (*ret)++;
        n--;
    }
    *ret_n = n;
    return true;
}

static size_t count_parts(const char *text)
{
    size_t n = 1;
    for (; *text != '\0'; text++)
        n += *text == ',' ? 1 : 0;
    return n;
}

static entrasql_status read_uids(const char *text, proxy_uids *ret, entrasql_error *err)
{
    const char *part;
    size_t n;
    if (count_parts(text) > UIDS_MAX)
        return es_fail(err, ENTRASQL_CONFIG, "more than %d users", UIDS_MAX);
    ret->list = es_calloc(count_parts(text), sizeof *ret->list);
    if (ret->list == NULL)
        return es_nomem(err);
    while (next_part(&text, &part, &n)) {
        uint64_t uid = 0;
        if (es_parse_u64(part, n, UINT32_MAX - 1, &uid) != ENTRASQL_OK) {
            es_fail(err, ENTRASQL_CONFIG, "users are numbers with ',' between them");
            es_hint(err, "the number of a user: id -u NAME");
            return ENTRASQL_CONFIG;
        }
        ret->list[ret->count++] = (uid_t)uid;
    }
    return ENTRASQL_OK;
}

entrasql_status proxy_config_uids(const conf_args *settings, proxy_uids *ret, entrasql_error *err)
{
    const char *text = conf_args_text(settings, "allow-uids");
    if (text == NULL)
        return ENTRASQL_OK;
    return blame(settings, "allow-uids", read_uids(text, ret, err), err);
}

/* ---- secrets ---- */

/* "credential:NAME" is a file that systemd keeps for the service alone (LoadCredential=). */
static entrasql_status read_secret_file(const char *path, es_buf *text, entrasql_error *err)
{
    static const char prefix[] = "credential:";
    ES_CLEANUP(es_buf_done) es_buf full = ES_BUF_INIT(4096);
    if (!es_starts_with(path, prefix))
        return os_file_read_secret(path, text, err);
    const char *name = path + sizeof prefix - 1;
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (es_str_is_empty(folder))
        return es_fail(err, ENTRASQL_CONFIG,
                       "%s: systemd hands over no credentials (CREDENTIALS_DIRECTORY is not set)",
                       path);
    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
        return es_fail(err, ENTRASQL_CONFIG, "%s is no credential's name", path);
    const char *file = NULL;
    if (es_buf_printf(&full, "%s/%s", folder, name) == ENTRASQL_OK)
        file = es_buf_cstr(&full);
    return file != NULL ? os_file_read(file, text, err) : es_nomem(err);
}

static entrasql_status read_secret(const char *path, es_secret **ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT_WIPE(SECRET_MAX_BYTES);
    ES_TRY(read_secret_file(path, &text, err));
    const char *newline = text.len > 0 ? memchr(text.data, '\n', text.len) : NULL;
    size_t n = newline != NULL ? (size_t)(newline - (const char *)text.data) : text.len;
    if (n > 0 && text.data[n - 1] == '\r')
        n--;
    if (n == 0)
        return es_fail(err, ENTRASQL_CONFIG, "the first line of %s is empty", path);
    *ret = es_secret_new(text.data, n);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

entrasql_status proxy_config_secret(const conf_args *settings, const char *name, es_secret **ret,
                                    entrasql_error *err)
{
    const char *path = conf_args_text(settings, name);
    if (path == NULL)
        return ENTRASQL_OK;
    return blame(settings, name, read_secret(path, ret, err), err);
}

/* ---- a target ---- */

static entrasql_status read_listens(const conf_args *settings, proxy_target *t, entrasql_error *err)
{
    const char *text = conf_args_text(settings, "listen");
    const char *part;
    size_t n;
    if (text == NULL)
        return ENTRASQL_OK;
    if (count_parts(text) > PROXY_LISTENS_MAX)
        return es_fail(err, ENTRASQL_CONFIG, "more than %d addresses", PROXY_LISTENS_MAX);
    t->listens = es_calloc(count_parts(text), sizeof *t->listens);
    if (t->listens == NULL)
        return es_nomem(err);
    while (next_part(&text, &part, &n)) {
        ES_TRY(proxy_address_parse(part, n, &t->listens[t->listen_count], err));
        t->listen_count++;
    }
    if (t->listen_count == 0)
        return proxy_address_parse("", 0, &t->listens[0], err);
    return ENTRASQL_OK;
}

static entrasql_status read_mode(const char *text, mode_t *ret, entrasql_error *err)
{
    unsigned mode = 0;
    size_t n = strspn(text, "01234567");
    for (size_t i = 0; i < n && mode <= 0777; i++)
        mode = mode * 8 + (unsigned)(text[i] - '0');
    if (n == 0 || text[n] != '\0' || mode > 0777)
        return es_fail(err, ENTRASQL_CONFIG, "a mode is octal, from 0 to 0777");
    *ret = (mode_t)mode;
    return ENTRASQL_OK;
}

static entrasql_status read_access(const conf_args *settings, proxy_access *ret,
                                   entrasql_error *err)
{
    const char *allow = conf_args_text(settings, "allow");
    ret->allow = es_streq(allow, "any")      ? PROXY_ALLOW_ANY
                 : es_streq(allow, "secret") ? PROXY_ALLOW_SECRET
                                             : PROXY_ALLOW_OWN;
    ES_TRY(proxy_config_uids(settings, &ret->uids, err));
    return proxy_config_secret(settings, "secret-file", &ret->secret, err);
}

static uint32_t seconds(const conf_args *settings, const char *name)
{
    return conf_args_number(settings, name) * 1000;
}

static void read_pool(const conf_args *settings, proxy_pool_settings *ret)
{
    ret->on = es_streq(conf_args_text(settings, "pool"), "on");
    ret->min = conf_args_number(settings, "pool-min");
    ret->size = conf_args_number(settings, "pool-size");
    ret->reserve = conf_args_number(settings, "pool-reserve");
    ret->reserve_after_ms = seconds(settings, "pool-reserve-after");
    ret->max = conf_args_number(settings, "pool-max");
    ret->wait_ms = seconds(settings, "pool-wait");
    ret->idle_ms = seconds(settings, "pool-idle-timeout");
    ret->lifetime_ms = seconds(settings, "pool-lifetime");
    ret->jitter_percent = conf_args_number(settings, "pool-jitter");
    ret->check_after_ms = seconds(settings, "pool-check-after");
    ret->stall_ms = seconds(settings, "pool-stall-timeout");
    ret->token_margin_ms = seconds(settings, "pool-token-margin");
    ret->keyed_by_app = es_streq(conf_args_text(settings, "pool-app-name"), "separate");
}

static bool has_same_trust(const proxy_target *a, const proxy_target *b)
{
    return es_streq(a->ca_file, b->ca_file) && es_streq(a->ca_stamp, b->ca_stamp);
}

/* Pools are of one context: as long as the file is the same it stays, and they with it. */
static entrasql_status open_upstream_trust(const conf_args *settings, const proxy_target *before,
                                           const proxy_config *old, proxy_target *t,
                                           entrasql_error *err)
{
    const proxy_target *same = before != NULL && has_same_trust(before, t) ? before : NULL;
    for (size_t i = 0; old != NULL && same == NULL && i < old->target_count; i++)
        if (has_same_trust(&old->targets[i], t))
            same = &old->targets[i];
    if (same != NULL) {
        t->tls = tls_context_ref(same->tls);
        return ENTRASQL_OK;
    }
    const tls_client_options options = {.ca_file = t->ca_file};
    entrasql_status status = tls_client_context_new(&options, &t->tls, err);
    return t->ca_file != NULL ? blame(settings, "ca-file", status, err) : status;
}

/* Clients that check it will not connect; those that do not will: nothing to refuse to start for.
 */
static void warn_of_validity(const char *file, const tls_context *ctx)
{
    int64_t from_s = 0;
    int64_t until_s = 0;
    int64_t now_s = es_clock_wall_s();
    tls_server_validity(ctx, &from_s, &until_s);
    if (until_s != 0 && until_s <= now_s)
        ES_LOG(WARNING, "proxy",
               "the certificate for clients has expired: renew it, then send SIGHUP",
               ES_KV_STR("file", file), ES_KV_I64("days_ago", (now_s - until_s) / DAY_S));
    else if (until_s != 0 && until_s <= now_s + EXPIRES_SOON_DAYS * DAY_S)
        ES_LOG(WARNING, "proxy",
               "the certificate for clients expires soon: renew it, then send SIGHUP",
               ES_KV_STR("file", file), ES_KV_I64("days", (until_s - now_s) / DAY_S));
    else if (from_s > now_s)
        ES_LOG(WARNING, "proxy",
               "the certificate for clients is not valid yet: is the clock right?",
               ES_KV_STR("file", file), ES_KV_I64("days", (from_s - now_s) / DAY_S));
}

static entrasql_status read_client_tls(const conf_args *settings, proxy_target *t,
                                       entrasql_error *err)
{
    static const char *const words[] = {"off", "login", "optional", "required", "strict"};
    const char *mode = conf_args_text(settings, "tls");
    const char *certificate = conf_args_text(settings, "tls-certificate");
    const char *key = conf_args_text(settings, "tls-key");
    t->client_tls = certificate != NULL ? PROXY_TLS_REQUIRED : PROXY_TLS_OFF;
    for (size_t i = 0; mode != NULL && i < ES_COUNT_OF(words); i++)
        if (es_streq(mode, words[i]))
            t->client_tls = (proxy_client_tls)i;
    if (t->client_tls == PROXY_TLS_OFF && (mode != NULL || key == NULL))
        return ENTRASQL_OK;
    if (certificate == NULL) {
        es_fail(err, ENTRASQL_CONFIG, "encryption of clients' connections needs tls-certificate");
        es_hint(err, "name the proxy's certificate and its key with tls-certificate and tls-key; "
                     "entrasql proxy init-tls --dir DIR makes both, with an authority to trust");
        return blame(settings, mode != NULL ? "tls" : "tls-key", ENTRASQL_CONFIG, err);
    }
    if (key == NULL) {
        es_fail(err, ENTRASQL_CONFIG, "encryption of clients' connections needs tls-key");
        es_hint(err,
                "name the file with its key, which may be %s itself; entrasql proxy init-tls "
                "--dir DIR makes a new pair",
                certificate);
        return blame(settings, "tls-certificate", ENTRASQL_CONFIG, err);
    }
    bool key_is_wrong = false;
    entrasql_status status =
        tls_server_context_open(certificate, key, &t->client_tls_context, &key_is_wrong, err);
    if (status == ENTRASQL_OK)
        warn_of_validity(certificate, t->client_tls_context);
    return blame(settings, key_is_wrong ? "tls-key" : "tls-certificate", status, err);
}

static entrasql_status make_key(proxy_target *t, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf text = ES_BUF_INIT(64 * 1024);
    if (es_buf_printf(&text, "%s,%u/%s?%d&%s", t->host, (unsigned)t->port,
                      t->database != NULL ? t->database : "", (int)t->strict,
                      t->host_name_in_certificate != NULL ? t->host_name_in_certificate : "") !=
        ENTRASQL_OK)
        return es_nomem(err);
    t->key = es_buf_take(&text, NULL);
    return t->key != NULL ? ENTRASQL_OK : es_nomem(err);
}

/* Tells one version of a file from the next. */
static entrasql_status stamp_file(const char *path, char **ret, entrasql_error *err)
{
    char text[80] = "";
    struct stat st;
    if (path != NULL && stat(path, &st) == 0)
        (void)snprintf(text, sizeof text, "%lld.%ld %lld", (long long)st.st_mtim.tv_sec,
                       st.st_mtim.tv_nsec, (long long)st.st_size);
    *ret = es_strdup(text);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

entrasql_status proxy_config_target(const conf_args *settings, const proxy_target *before,
                                    const proxy_config *old, proxy_target *t, entrasql_error *err)
{
    const char *fedauth = conf_args_text(settings, "client-fedauth");
    t->strict = es_streq(conf_args_text(settings, "encrypt"), "strict");
    t->fedauth = es_streq(fedauth, "replace") ? PROXY_FEDAUTH_REPLACE
                 : es_streq(fedauth, "pass")  ? PROXY_FEDAUTH_PASS
                                              : PROXY_FEDAUTH_REFUSE;
    t->limits.queue = es_streq(conf_args_text(settings, "when-full"), "queue");
    t->limits.queue_ms = seconds(settings, "queue-timeout");
    read_pool(settings, &t->pool);
    t->warm = conf_args_number(settings, "warm");
    t->warm_age_ms = seconds(settings, "warm-age");
    ES_TRY(copy_text(settings, "host-name-in-certificate", &t->host_name_in_certificate, err));
    ES_TRY(copy_text(settings, "ca-file", &t->ca_file, err));
    ES_TRY(stamp_file(t->ca_file, &t->ca_stamp, err));
    ES_TRY(make_key(t, err));
    ES_TRY(blame(settings, "listen", read_listens(settings, t, err), err));
    ES_TRY(blame(settings, "socket-mode",
                 read_mode(conf_args_text(settings, "socket-mode"), &t->socket_mode, err), err));
    ES_TRY(read_access(settings, &t->access, err));
    ES_TRY(open_upstream_trust(settings, before, old, t, err));
    return read_client_tls(settings, t, err);
}

/* ---- between targets ---- */

static entrasql_status choose_listens(proxy_config *config, entrasql_error *err)
{
    for (size_t i = 0; i < config->target_count; i++) {
        proxy_target *t = &config->targets[i];
        char port[16];
        if (t->listen_count > 0)
            continue;
        (void)snprintf(port, sizeof port, "%u", (unsigned)(FIRST_PORT + i));
        t->listens = es_calloc(1, sizeof *t->listens);
        if (t->listens == NULL)
            return es_nomem(err);
        ES_TRY(proxy_address_parse(port, strlen(port), &t->listens[0], err));
        t->listen_count = 1;
    }
    return ENTRASQL_OK;
}

static bool listens_at(const proxy_target *t, size_t before, const proxy_address *a)
{
    for (size_t i = 0; i < before; i++)
        if (proxy_address_equal(&t->listens[i], a))
            return true;
    return false;
}

static entrasql_status check_unique(const proxy_config *config, size_t i, size_t k,
                                    entrasql_error *err)
{
    const proxy_target *t = &config->targets[i];
    const proxy_address *a = &t->listens[k];
    if (a->kind == PROXY_ADDRESS_TCP && a->port == 0)
        return ENTRASQL_OK;
    for (size_t j = 0; j <= i; j++) {
        const proxy_target *other = &config->targets[j];
        if (!listens_at(other, j < i ? other->listen_count : k, a))
            continue;
        es_fail(err, ENTRASQL_CONFIG, "two targets listen on %s: %s and %s", a->text, other->where,
                t->where);
        es_hint(err, "give each its own: listen=PORT");
        return ENTRASQL_CONFIG;
    }
    return ENTRASQL_OK;
}

static bool has_login_secret(const proxy_config *config)
{
    for (size_t i = 0; i < config->login_count; i++)
        if (config->logins[i].secret != NULL)
            return true;
    return false;
}

entrasql_status proxy_config_check_exposed(const proxy_target *t, const char *address,
                                           entrasql_error *err)
{
    bool is_encrypted = t->client_tls == PROXY_TLS_REQUIRED || t->client_tls == PROXY_TLS_STRICT;
    bool has_secret =
        t->access.secret != NULL || has_login_secret(t->config) || t->fedauth == PROXY_FEDAUTH_PASS;
    if (is_encrypted && has_secret && t->access.allow != PROXY_ALLOW_ANY)
        return ENTRASQL_OK;
    es_fail(err, ENTRASQL_CONFIG, "%s: other machines can reach %s, and %s", t->where, address,
            !is_encrypted                        ? "what clients send is not encrypted"
            : t->access.allow == PROXY_ALLOW_ANY ? "--allow any lets all of them in"
                                                 : "no client could show who it is");
    es_hint(err, "%s",
            !is_encrypted
                ? "set --tls-certificate and --tls-key (proxy init-tls makes them), or listen on "
                  "127.0.0.1"
            : t->access.allow == PROXY_ALLOW_ANY
                ? "use --allow secret with --secret-file, or listen on 127.0.0.1"
                : "set --secret-file, or write [login NAME] sections with secret-file");
    return ENTRASQL_CONFIG;
}

entrasql_status proxy_config_check(proxy_config *config, entrasql_error *err)
{
    ES_TRY(choose_listens(config, err));
    for (size_t i = 0; i < config->target_count; i++) {
        const proxy_target *t = &config->targets[i];
        for (size_t k = 0; k < t->listen_count; k++) {
            const proxy_address *a = &t->listens[k];
            ES_TRY(check_unique(config, i, k, err));
            if (a->kind == PROXY_ADDRESS_TCP && !proxy_address_is_local(a))
                ES_TRY(proxy_config_check_exposed(t, a->text, err));
        }
    }
    return ENTRASQL_OK;
}
