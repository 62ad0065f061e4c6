/* SPDX-License-Identifier: MIT */
/* Tokens and logins, tried. */
#include "proxy/check.h"

#include "base/clock.h"
#include "identity/claims.h"
#include "proxy/profile.h"
#include "proxy/tally.h"
#include "relay/login.h"
#include "tds/packet.h"

/* What every driver sends: native byte order; the session settings of ODBC ([MS-TDS] 2.2.6.4). */
#define OPTION_FLAGS1 0xE0U
#define OPTION_FLAGS2 0x03U
#define LCID_US_ENGLISH 0x0409U

static entrasql_status check_token(const proxy_config *c, const proxy_target *t,
                                   proxy_stats_set *stats, FILE *out, entrasql_error *err)
{
    entrasql_token *token = NULL;
    identity_claims claims;
    const entrasql_token_request request = {
        .size = sizeof request,
        .scope = relay_scope_for_host(t->host),
        .timeout_ms = c->login_timeout_ms,
    };
    ES_TRY(entrasql_credential_get_token(t->identity->credential, &request, &token, err));
    entrasql_status status = identity_claims_read(entrasql_token_value(token), &claims, err);
    if (status == ENTRASQL_OK) {
        bool is_only = t->identity == &c->identities[0];
        (void)fprintf(out, "%s%s%ssigned in by %s as %s (object id %s, tenant %s)\n",
                      is_only ? "" : "identity ", is_only ? "" : t->identity->name,
                      is_only ? "" : ": ", entrasql_token_source(token),
                      claims.upn[0] != '\0' ? claims.upn : claims.appid, claims.oid, claims.tid);
        proxy_tally_token(stats, t->identity->name, entrasql_token_value(token),
                          entrasql_token_source(token));
    }
    entrasql_token_free(token);
    return status;
}

entrasql_status proxy_check_tokens(const proxy_config *c, proxy_stats_set *stats, FILE *out,
                                   entrasql_error *err)
{
    for (size_t i = 0; i < c->target_count; i++) {
        size_t first = 0;
        while (c->targets[first].identity != c->targets[i].identity)
            first++;
        if (first != i)
            continue;
        entrasql_status status = check_token(c, &c->targets[i], stats, out, err);
        if (status != ENTRASQL_OK && c->targets[i].identity != &c->identities[0])
            es_error_prefix(err, "identity '%s'", c->targets[i].identity->name);
        ES_TRY(status);
    }
    return ENTRASQL_OK;
}

static entrasql_status fill_login(tds_login7 *l)
{
    ES_TRY(tds_login7_init(l));
    l->packet_size = TDS_PACKET_SIZE_DEFAULT;
    l->option_flags1 = OPTION_FLAGS1;
    l->option_flags2 = OPTION_FLAGS2;
    l->lcid = LCID_US_ENGLISH;
    ES_TRY(tds_login7_set(&l->app_name, "entrasql proxy"));
    return tds_login7_set(&l->library_name, "entrasql");
}

static entrasql_status log_in(const proxy_target *t, const tds_login7 *login, relay_session *ret,
                              entrasql_error *err)
{
    const relay_login_options options = {
        .host = t->host,
        .port = t->port,
        .encrypt = t->strict ? TDS_ENCRYPT_STRICT : TDS_ENCRYPT_ON,
        .host_name_in_certificate = t->host_name_in_certificate,
        .tls = t->tls,
        .login = login,
        .credential = t->identity->credential,
        .deadline_ms = es_clock_deadline(t->config->login_timeout_ms),
    };
    return relay_login_run(&options, ret, err);
}

static entrasql_status check_connection(const proxy_target *t, FILE *out, entrasql_error *err)
{
    tds_login7 login;
    relay_session session = {0};
    int64_t start_ms = es_clock_mono_ms();
    entrasql_status status = fill_login(&login);
    if (status == ENTRASQL_OK && t->database != NULL)
        status = tds_login7_set(&login.database, t->database);
    if (status != ENTRASQL_OK) {
        tds_login7_done(&login);
        return es_nomem(err);
    }
    if (t->strict)
        login.tds_version = TDS_VERSION_8_0;
    status = log_in(t, &login, &session, err);
    tds_login7_done(&login);
    if (status == ENTRASQL_OK)
        (void)fprintf(out, "connection test: %s, database %s: logged in after %lld ms\n",
                      session.server_host, session.database,
                      (long long)(es_clock_mono_ms() - start_ms));
    relay_session_done(&session);
    return status;
}

entrasql_status proxy_check_connections(const proxy_config *c, FILE *out, entrasql_error *err)
{
    for (size_t i = 0; i < c->target_count; i++) {
        entrasql_status status = check_connection(&c->targets[i], out, err);
        if (status != ENTRASQL_OK)
            es_error_prefix(err, "connection test of target '%s'", c->targets[i].name);
        ES_TRY(status);
    }
    return ENTRASQL_OK;
}
