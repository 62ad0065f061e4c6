/* SPDX-License-Identifier: MIT */
/* The profile of an upstream login and its key. */
#include "proxy/profile.h"

#include "base/mem.h"
#include "base/str.h"
#include "proxy/tally.h"
#include "tds/proto.h"

#include <string.h>
#include <unistd.h>

#define KEY_MAX_BYTES ((size_t)64 * 1024)

/* What a pooled connection says of its client: nothing of the one that happens to come first. */
static const uint8_t own_features[] = {TDS_FEATURE_SESSIONRECOVERY, TDS_FEATURE_FEDAUTH,
                                       TDS_FEATURE_USERAGENT};

bool proxy_profile_is_poolable(const tds_login7 *client)
{
    const tds_feature *recovery = tds_login7_feature(client, TDS_FEATURE_SESSIONRECOVERY);
    bool recovers = recovery != NULL && recovery->len > 0;
    return !recovers && client->change_password == NULL && client->attach_db_file[0] == '\0' &&
           (client->option_flags3 & TDS_OPTION3_CHANGE_PASSWORD) == 0;
}

static entrasql_status copy_login(proxy_profile *p, const proxy_target *t, const tds_login7 *client)
{
    ES_TRY(tds_login7_copy(&p->login, client));
    if (p->login.database[0] == '\0' && t->database != NULL)
        ES_TRY(tds_login7_set(&p->login.database, t->database));
    return ENTRASQL_OK;
}

static entrasql_status fill(proxy_profile *p, const proxy_target *t, const tds_login7 *client)
{
    ES_TRY(copy_login(p, t, client));
    p->identity = es_strdup(proxy_tally_identity(t->config, p->credential));
    p->target = es_strdup(t->name);
    p->host = es_strdup(t->host);
    p->host_name_in_certificate = es_strdup(t->host_name_in_certificate);
    if (p->identity == NULL || p->target == NULL || p->host == NULL ||
        (p->host_name_in_certificate == NULL && t->host_name_in_certificate != NULL))
        return ENTRASQL_NOMEM;
    return ENTRASQL_OK;
}

entrasql_status proxy_profile_new(const proxy_target *target, tls_context *tls,
                                  entrasql_credential *credential, uint32_t login_timeout_ms,
                                  const tds_login7 *client, proxy_profile **ret,
                                  entrasql_error *err)
{
    proxy_profile *p = es_calloc(1, sizeof *p);
    if (p == NULL)
        return es_nomem(err);
    p->port = target->port;
    p->strict = target->strict;
    p->login_timeout_ms = login_timeout_ms;
    p->tls = tls_context_ref(tls);
    p->credential = entrasql_credential_ref(credential);
    if (fill(p, target, client) != ENTRASQL_OK) {
        proxy_profile_free(p);
        return es_nomem(err);
    }
    *ret = p;
    return ENTRASQL_OK;
}

void proxy_profile_free(proxy_profile *p)
{
    if (p == NULL)
        return;
    tds_login7_done(&p->login);
    tls_context_unref(p->tls);
    entrasql_credential_unref(p->credential);
    es_free(p->identity);
    es_free(p->target);
    es_free(p->host);
    es_free(p->host_name_in_certificate);
    es_free(p->principal);
    es_free(p->server);
    es_free(p);
}

void proxy_self_get(proxy_self *ret)
{
    *ret = (proxy_self){.pid = (uint32_t)getpid()};
    (void)gethostname(ret->host_name, sizeof ret->host_name - 1);
}

static entrasql_status forget_client(tds_login7 *l, const proxy_self *self)
{
    for (size_t i = 0; i < sizeof own_features; i++)
        tds_login7_remove_feature(l, own_features[i]);
    l->fedauth_library = TDS_FEDAUTH_NONE;
    l->client_pid = self->pid;
    l->client_version = (uint32_t)ENTRASQL_VERSION_MAJOR << 24 |
                        (uint32_t)ENTRASQL_VERSION_MINOR << 16 | ENTRASQL_VERSION_PATCH;
    l->connection_id = 0;
    l->timezone_minutes = 0;
    memset(l->client_id, 0, sizeof l->client_id);
    es_secret_cleanup(&l->password);
    ES_TRY(tds_login7_set(&l->user_name, ""));
    ES_TRY(tds_login7_set(&l->server_name, ""));
    return tds_login7_set(&l->host_name, self->host_name);
}

entrasql_status proxy_profile_make_common(proxy_profile *p, const proxy_self *self,
                                          entrasql_error *err)
{
    return forget_client(&p->login, self) == ENTRASQL_OK ? ENTRASQL_OK : es_nomem(err);
}

/* With its length in front, so that two fields never read as one. */
static entrasql_status add_bytes(es_buf *out, const void *p, size_t n)
{
    ES_TRY(es_buf_u32le(out, (uint32_t)n));
    return es_buf_add(out, p, n);
}

static entrasql_status add_text(es_buf *out, const char *text)
{
    return add_bytes(out, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

static entrasql_status add_features(es_buf *out, const tds_login7 *l)
{
    for (size_t i = 0; i < l->feature_count; i++) {
        ES_TRY(es_buf_u8(out, l->features[i].id));
        ES_TRY(add_bytes(out, l->features[i].data, l->features[i].len));
    }
    return ENTRASQL_OK;
}

entrasql_status proxy_profile_key(const proxy_profile *p, bool keyed_by_app, es_buf *out)
{
    const tds_login7 *l = &p->login;
    /* A credential is one identity as long as it lives, and the pool holds it. */
    const void *credential = p->credential;
    const void *tls = p->tls;
    out->ceiling = KEY_MAX_BYTES;
    ES_TRY(add_bytes(out, &credential, sizeof credential));
    ES_TRY(add_bytes(out, &tls, sizeof tls));
    ES_TRY(add_text(out, p->target));
    ES_TRY(add_text(out, p->host));
    ES_TRY(es_buf_u16le(out, p->port));
    ES_TRY(es_buf_u8(out, p->strict));
    ES_TRY(add_text(out, p->host_name_in_certificate));
    ES_TRY(add_text(out, l->database));
    ES_TRY(add_text(out, l->language));
    ES_TRY(add_text(out, l->library_name));
    ES_TRY(add_text(out, keyed_by_app ? l->app_name : ""));
    ES_TRY(es_buf_u32le(out, l->tds_version));
    ES_TRY(es_buf_u32le(out, l->packet_size));
    ES_TRY(es_buf_u32le(out, l->lcid));
    ES_TRY(es_buf_u8(out, l->option_flags1));
    ES_TRY(es_buf_u8(out, l->option_flags2));
    ES_TRY(es_buf_u8(out, l->option_flags3));
    ES_TRY(es_buf_u8(out, l->type_flags));
    return add_features(out, l);
}

entrasql_status proxy_profile_log_in(const proxy_profile *p, proxy_warm *warm, int64_t deadline_ms,
                                     relay_login **ret, entrasql_error *err)
{
    relay_login_options options = {
        .host = p->host,
        .port = p->port,
        .encrypt = p->strict ? TDS_ENCRYPT_STRICT : TDS_ENCRYPT_ON,
        .host_name_in_certificate = p->host_name_in_certificate,
        .tls = p->tls,
        .login = &p->login,
        .credential = p->credential,
        .mars = p->mars,
        .deadline_ms = deadline_ms,
    };
    if (warm != NULL)
        options.held = proxy_warm_take(warm, &options);
    return relay_login_start(&options, ret, err);
}
