/* SPDX-License-Identifier: MIT */
/* A configuration's life, and questions to it. */
#include "proxy/config.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

bool proxy_uids_hold(const proxy_uids *uids, uid_t uid)
{
    for (size_t i = 0; i < uids->count; i++)
        if (uids->list[i] == uid)
            return true;
    return false;
}

const proxy_login_rule *proxy_config_login(const proxy_config *config, const char *name)
{
    for (size_t i = 0; i < config->login_count; i++)
        if (es_streq(config->logins[i].name, name))
            return &config->logins[i];
    return NULL;
}

const char *proxy_config_source_of(const proxy_config *config, const char *kind, const char *of,
                                   const char *name)
{
    for (size_t i = 0; i < config->setting_count; i++) {
        const proxy_setting *s = &config->settings[i];
        if (es_streq(s->kind, kind) && es_streq(s->of, of) && es_streq(s->name, name))
            return s->source;
    }
    return "default";
}

static void setting_done(proxy_setting *s)
{
    es_free(s->of);
    es_free(s->value);
    es_free(s->source);
}

static void target_done(proxy_target *t)
{
    es_free(t->name);
    es_free(t->where);
    es_free(t->key);
    es_free(t->host);
    es_free(t->database);
    es_free(t->host_name_in_certificate);
    es_free(t->ca_file);
    es_free(t->ca_stamp);
    es_free(t->access.uids.list);
    es_secret_unref(t->access.secret);
    tls_context_unref(t->tls);
    tls_context_unref(t->client_tls_context);
    for (size_t i = 0; i < t->listen_count; i++)
        proxy_address_done(&t->listens[i]);
    es_free(t->listens);
}

static void login_done(proxy_login_rule *rule)
{
    es_free(rule->name);
    es_free(rule->uids.list);
    es_secret_unref(rule->secret);
}

static void identity_done(proxy_identity *identity)
{
    es_free(identity->name);
    es_free(identity->settings);
    entrasql_credential_unref(identity->credential);
}

proxy_config *proxy_config_ref(proxy_config *config)
{
    config->refs++;
    return config;
}

void proxy_config_unref(proxy_config *config)
{
    if (config == NULL || --config->refs > 0)
        return;
    for (size_t i = 0; i < config->target_count; i++)
        target_done(&config->targets[i]);
    for (size_t i = 0; i < config->login_count; i++)
        login_done(&config->logins[i]);
    for (size_t i = 0; i < config->identity_count; i++)
        identity_done(&config->identities[i]);
    for (size_t i = 0; i < config->setting_count; i++)
        setting_done(&config->settings[i]);
    es_free(config->settings);
    es_free(config->targets);
    es_free(config->logins);
    es_free(config->identities);
    es_free(config->file);
    es_free(config->ops.http_address);
    es_secret_unref(config->ops.admin_secret);
    es_free(config);
}
