/* SPDX-License-Identifier: MIT */
/* Who may come in. */
#include "proxy/access.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "identity/claims.h"
#include "os/sock.h"
#include "tds/proto.h"

#include <string.h>

#define LOGIN_FAILED_NUMBER 18456U
#define SHOWN_NAME_BYTES 80
/* A token that does not say when it ends: long enough for one login. */
#define TOKEN_LIFE_S 300

void proxy_peer_get(int *diag_fd, int fd, proxy_peer *ret)
{
    os_address peer;
    entrasql_error err;
    *ret = (proxy_peer){0};
    ret->is_known = os_sock_peer_uid_by(diag_fd, fd, &ret->uid, &err) == ENTRASQL_OK;
    if (ret->is_known) {
        ret->source = proxy_source_of_user(ret->uid);
        return;
    }
    ret->is_remote = os_sock_peer_address(fd, &peer, NULL) == ENTRASQL_OK &&
                     peer.storage.ss_family != AF_UNIX && !os_address_is_loopback(&peer);
    if (ret->is_remote)
        ret->source = proxy_source_of_address(&peer);
    else
        ES_LOG(INFO, "proxy", "a client's user is not known", ES_KV_STR("why", err.message));
}

/* By its user alone. */
static bool is_welcome(const proxy_access *access, const proxy_peer *peer, uid_t own_uid)
{
    return peer->is_known && ((access->allow == PROXY_ALLOW_OWN && peer->uid == own_uid) ||
                              proxy_uids_hold(&access->uids, peer->uid));
}

bool proxy_access_may_come(const proxy_target *t, const proxy_peer *peer, uid_t own_uid)
{
    const proxy_config *c = t->config;
    bool may = t->access.allow == PROXY_ALLOW_ANY || t->access.secret != NULL ||
               t->fedauth == PROXY_FEDAUTH_PASS || is_welcome(&t->access, peer, own_uid);
    /* The proxy's own database. */
    may = may || c->ops.admin_secret != NULL || (peer->is_known && peer->uid == own_uid);
    for (size_t i = 0; !may && i < c->login_count; i++) {
        const proxy_uids *uids = &c->logins[i].uids;
        may = uids->count == 0 || (peer->is_known && proxy_uids_hold(uids, peer->uid));
    }
    return may;
}

static bool shows(const es_secret *secret, const tds_login7 *login)
{
    return secret != NULL && login->password != NULL &&
           es_secret_equal(secret, es_secret_reveal(login->password),
                           es_secret_len(login->password));
}

/* As SQL Server numbers a failed login: drivers do not try again what will fail again. */
static entrasql_status refuse(proxy_grant *ret, proxy_refusal reason, entrasql_error *why)
{
    ret->reason = reason;
    why->number = LOGIN_FAILED_NUMBER;
    why->state = 1;
    why->severity = 14;
    return ENTRASQL_LOGIN_FAILED;
}

/* ---- tokens and tickets ---- */

static entrasql_status check_kind(const proxy_target *t, const tds_login7 *login, proxy_grant *ret,
                                  entrasql_error *why)
{
    if (login->sspi_len > 0 || (login->option_flags2 & TDS_OPTION2_INTEGRATED) != 0) {
        es_fail(why, ENTRASQL_LOGIN_FAILED,
                "the entrasql proxy takes no Windows (integrated) logins: connect with any user "
                "name and password, without Trusted_Connection or Integrated Security");
        return refuse(ret, PROXY_REFUSED_PROTOCOL, why);
    }
    if (login->fedauth_library == TDS_FEDAUTH_NONE)
        return ENTRASQL_OK;
    if (t->fedauth == PROXY_FEDAUTH_REFUSE) {
        es_fail(why, ENTRASQL_LOGIN_FAILED,
                "the entrasql proxy signs in by itself and takes no token of a client: connect "
                "with any user name and password, without Authentication= (setting: "
                "client-fedauth)");
        return refuse(ret, PROXY_REFUSED_PROTOCOL, why);
    }
    if (login->fedauth_library != TDS_FEDAUTH_SECURITYTOKEN) {
        es_fail(why, ENTRASQL_LOGIN_FAILED,
                "the entrasql proxy takes an access token that the client has already, not "
                "Authentication=ActiveDirectory...: the driver would get a token for nothing");
        return refuse(ret, PROXY_REFUSED_PROTOCOL, why);
    }
    return ENTRASQL_OK;
}

/* ---- rules ---- */

static entrasql_status follow_rule(const proxy_login_rule *rule, const proxy_peer *peer,
                                   const tds_login7 *login, proxy_grant *ret, entrasql_error *why)
{
    char name[SHOWN_NAME_BYTES];
    es_printable(name, sizeof name, rule->name, strlen(rule->name));
    if (rule->uids.count > 0 && !(peer->is_known && proxy_uids_hold(&rule->uids, peer->uid))) {
        if (peer->is_known)
            es_fail(why, ENTRASQL_LOGIN_FAILED,
                    "the entrasql proxy lets user %u not log in as '%s': see allow-uids of "
                    "[login %s]",
                    (unsigned)peer->uid, name, name);
        else
            es_fail(why, ENTRASQL_LOGIN_FAILED,
                    "the entrasql proxy cannot tell which user of its machine logs in as '%s', "
                    "which allow-uids of [login %s] demands",
                    name, name);
        return refuse(ret, PROXY_REFUSED_UID, why);
    }
    ret->by_secret = rule->secret != NULL;
    if (rule->secret != NULL && !shows(rule->secret, login)) {
        es_fail(why, ENTRASQL_LOGIN_FAILED,
                "the password for '%s' is not the one of the entrasql proxy (secret-file of "
                "[login %s])",
                name, name);
        return refuse(ret, PROXY_REFUSED_SECRET, why);
    }
    return ENTRASQL_OK;
}

static entrasql_status refuse_stranger(const proxy_access *access, const proxy_peer *peer,
                                       uid_t own_uid, proxy_grant *ret, entrasql_error *why)
{
    if (access->secret != NULL) {
        es_fail(why, ENTRASQL_LOGIN_FAILED,
                "the password is not the one of the entrasql proxy (--secret-file)");
        return refuse(ret, PROXY_REFUSED_SECRET, why);
    }
    if (access->allow == PROXY_ALLOW_SECRET) {
        es_fail(why, ENTRASQL_LOGIN_FAILED,
                "the entrasql proxy was started with --allow secret and knows no such login: "
                "write a [login NAME] section, or set --secret-file");
        return refuse(ret, PROXY_REFUSED_SECRET, why);
    }
    if (!peer->is_known) {
        es_fail(why, ENTRASQL_LOGIN_FAILED,
                "the entrasql proxy %s: only a secret lets it in (--secret-file, or [login NAME] "
                "with secret-file)",
                peer->is_remote ? "was reached from another machine"
                                : "cannot tell which user the client belongs to");
        return refuse(ret, PROXY_REFUSED_UID, why);
    }
    es_fail(why, ENTRASQL_LOGIN_FAILED,
            "the entrasql proxy serves user %u and not user %u: it was started without "
            "--allow-uids %u",
            (unsigned)own_uid, (unsigned)peer->uid, (unsigned)peer->uid);
    return refuse(ret, PROXY_REFUSED_UID, why);
}

static entrasql_status follow_access(const proxy_access *access, const proxy_peer *peer,
                                     uid_t own_uid, const tds_login7 *login, proxy_grant *ret,
                                     entrasql_error *why)
{
    if (access->allow == PROXY_ALLOW_ANY)
        return ENTRASQL_OK;
    if (is_welcome(access, peer, own_uid))
        return ENTRASQL_OK;
    ret->by_secret = access->secret != NULL;
    if (shows(access->secret, login))
        return ENTRASQL_OK;
    return refuse_stranger(access, peer, own_uid, ret, why);
}

entrasql_status proxy_access_check_encryption(const proxy_target *t, const proxy_peer *peer,
                                              proxy_grant *ret, entrasql_error *why)
{
    if (t->client_tls != PROXY_TLS_STRICT || peer->is_strict)
        return ENTRASQL_OK;
    es_fail(
        why, ENTRASQL_LOGIN_FAILED,
        "the entrasql proxy takes strict encryption only here: connect with Encrypt=strict (its "
        "setting: tls)");
    return refuse(ret, PROXY_REFUSED_PROTOCOL, why);
}

entrasql_status proxy_access_decide(const proxy_target *t, const proxy_peer *peer, uid_t own_uid,
                                    const tds_login7 *login, proxy_grant *ret, entrasql_error *why)
{
    *ret = (proxy_grant){.identity = t->identity};
    ES_TRY(proxy_access_check_encryption(t, peer, ret, why));
    ES_TRY(check_kind(t, login, ret, why));
    if (login->fedauth_library != TDS_FEDAUTH_NONE && t->fedauth == PROXY_FEDAUTH_PASS) {
        ret->identity = NULL; /* the server judges the token */
        return ENTRASQL_OK;
    }
    ret->rule = proxy_config_login(t->config, login->user_name);
    if (ret->rule == NULL)
        return follow_access(&t->access, peer, own_uid, login, ret, why);
    ES_TRY(follow_rule(ret->rule, peer, login, ret, why));
    if (ret->rule->identity != NULL)
        ret->identity = ret->rule->identity;
    return ENTRASQL_OK;
}

/* ---- the client's own token ---- */

static entrasql_status give_token(void *context, const entrasql_token_request *request,
                                  entrasql_token **ret, entrasql_error *err)
{
    const char *text = es_secret_reveal(context);
    identity_claims claims;
    (void)request;
    /* Only for the time until which it may be kept: the server decides what it is worth. */
    bool is_read = identity_claims_read(text, &claims, NULL) == ENTRASQL_OK && claims.exp > 0;
    *ret = entrasql_token_new(text, is_read ? claims.exp : es_clock_wall_s() + TOKEN_LIFE_S);
    return *ret != NULL ? ENTRASQL_OK : es_nomem(err);
}

static void forget_token(void *context)
{
    es_secret_unref(context);
}

entrasql_status proxy_access_own_token(const tds_login7 *login, entrasql_credential **ret,
                                       entrasql_error *err)
{
    es_secret *token = es_secret_ref(login->fedauth_token);
    entrasql_status status =
        entrasql_custom_credential_new("ClientToken", give_token, token, forget_token, ret, err);
    if (status != ENTRASQL_OK)
        es_secret_unref(token);
    return status;
}
