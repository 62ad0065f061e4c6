/* SPDX-License-Identifier: MIT */
/* Counting logins. */
#include "proxy/tally.h"

#include "base/clock.h"
#include "base/str.h"
#include "identity/claims.h"

const char *proxy_tally_identity(const proxy_config *config, const entrasql_credential *credential)
{
    for (size_t i = 0; i < config->identity_count; i++)
        if (config->identities[i].credential == credential)
            return config->identities[i].name;
    return "";
}

void proxy_tally_token(proxy_stats_set *set, const char *identity, const char *token,
                       const char *source)
{
    proxy_stats_identity i = {0};
    identity_claims claims;
    if (identity[0] == '\0' || identity_claims_read(token, &claims, NULL) != ENTRASQL_OK)
        return;
    es_strlcpy_utf8(i.name, sizeof i.name, identity);
    es_strlcpy_utf8(i.principal, sizeof i.principal,
                    claims.upn[0] != '\0' ? claims.upn : claims.appid);
    es_strlcpy_utf8(i.object_id, sizeof i.object_id, claims.oid);
    es_strlcpy_utf8(i.tenant, sizeof i.tenant, claims.tid);
    es_strlcpy_utf8(i.source, sizeof i.source, source);
    i.obtained_on = claims.iat != 0 ? claims.iat : es_clock_wall_s();
    i.expires_on = claims.exp;
    proxy_stats_token(set, &i);
}

void proxy_tally_login(proxy_stats *stats, const char *identity, const relay_session *session,
                       int64_t took_us)
{
    proxy_stats_count(stats, PROXY_COUNT_SERVERS, 1);
    proxy_stats_time(stats, PROXY_TIME_UPSTREAM_LOGIN, took_us);
    if (session->token == NULL || stats == NULL)
        return;
    proxy_stats_count(stats, PROXY_COUNT_TOKENS, 1);
    proxy_stats_time(stats, PROXY_TIME_TOKEN, session->token_facts.took_us);
    proxy_tally_token(proxy_stats_set_of(stats), identity, es_secret_reveal(session->token),
                      session->token_facts.source);
}

void proxy_tally_failure(proxy_stats *stats, const entrasql_error *why)
{
    proxy_stats_count(stats, PROXY_COUNT_UPSTREAM_FAILURES, 1);
    if (why->error_class == ENTRASQL_CLASS_AUTH)
        proxy_stats_count(stats, PROXY_COUNT_TOKEN_FAILURES, 1);
    if (why->number != 0)
        proxy_stats_error(stats, why->number);
}

proxy_pin proxy_tally_pin_of(relay_pin pin)
{
    switch (pin) {
    case RELAY_PIN_PARTIAL:
        return PROXY_PIN_PARTIAL;
    case RELAY_PIN_BULK:
        return PROXY_PIN_BULK;
    case RELAY_PIN_ATTENTION:
        return PROXY_PIN_ATTENTION;
    case RELAY_PIN_FATAL:
        return PROXY_PIN_FATAL;
    case RELAY_PIN_STATE:
        return PROXY_PIN_SESSION_STATE;
    case RELAY_PIN_TRANSACTION:
        return PROXY_PIN_TRANSACTION;
    case RELAY_PIN_MARS:
        return PROXY_PIN_MARS;
    case RELAY_PIN_LOST:
    case RELAY_PIN_NONE:
        break;
    }
    return PROXY_PIN_OTHER;
}
