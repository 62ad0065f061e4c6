/* SPDX-License-Identifier: MIT */
/* The login policy of the front. */
#include "emulator/front/auth.h"

#include "base/log.h"
#include "emulator/world/token.h"
#include "tds/proto.h"

#define TOKEN_PRINCIPAL "Login failed for user '<token-identified principal>'."

static entrasql_status refuse(entrasql_error *err, uint32_t number, uint8_t state, const char *text)
{
    es_fail(err, ENTRASQL_LOGIN_FAILED, "%s", text);
    err->number = number;
    err->state = state;
    err->severity = 14;
    return ENTRASQL_LOGIN_FAILED;
}

/* Azure SQL tells three causes apart and keeps the rest to itself. */
static entrasql_status refuse_token(world_token_problem problem, entrasql_error *err)
{
    switch (problem) {
    case WORLD_TOKEN_EXPIRED:
        return refuse(err, 18456, 233, TOKEN_PRINCIPAL " Token is expired.");
    case WORLD_TOKEN_NO_ADMIN:
    case WORLD_TOKEN_WRONG_TENANT:
        return refuse(err, 18456, 1,
                      TOKEN_PRINCIPAL
                      " The server is not currently configured to accept this token.");
    case WORLD_TOKEN_OK:
    case WORLD_TOKEN_MALFORMED:
    case WORLD_TOKEN_BAD_SIGNATURE:
    case WORLD_TOKEN_WRONG_AUDIENCE:
    case WORLD_TOKEN_NOT_YET_VALID:
    case WORLD_TOKEN_NO_MEMORY:
        break;
    }
    return refuse(err, 18456, 1, TOKEN_PRINCIPAL " Incorrect or invalid token.");
}

static entrasql_status open_session(const front_auth *a, const tds_login7 *l,
                                    const world_login *who, engine_session **ret,
                                    entrasql_error *err)
{
    engine_session_options options = {
        .login = &who->login,
        .database = l->database[0] != '\0' ? l->database : NULL,
        .host_name = l->host_name,
        .app_name = l->app_name,
        .spid = a->spid,
    };

    return engine_session_open(a->engine, &options, ret, err);
}

static entrasql_status token_login(const front_auth *a, const tds_login7 *l, const es_secret *token,
                                   engine_session **ret, entrasql_error *err)
{
    world_login who;
    entrasql_error why;
    world_token_problem problem =
        world_token_check(a->world, es_secret_reveal(token), es_secret_len(token), &who, &why);
    entrasql_status st;

    if (problem != WORLD_TOKEN_OK) {
        ES_LOG(INFO, "front", "token refused",
               ES_KV_STR("problem", world_token_problem_text(problem)),
               ES_KV_STR("detail", why.message));
        return refuse_token(problem, err);
    }
    st = open_session(a, l, &who, ret, err);
    world_login_done(&who);
    return st;
}

static entrasql_status sql_login(const front_auth *a, const tds_login7 *l, engine_session **ret,
                                 entrasql_error *err)
{
    world_login who;
    entrasql_status st;
    const char *password = l->password != NULL ? es_secret_reveal(l->password) : "";

    if (!world_has_sql_login(a->world) ||
        !world_check_sql_login(a->world, l->user_name, password)) {
        es_fail(err, ENTRASQL_LOGIN_FAILED, "Login failed for user '%s'.", l->user_name);
        err->number = 18456;
        err->state = 1;
        err->severity = 14;
        if (!world_has_sql_login(a->world))
            ES_LOG(INFO, "front", "SQL logins are switched off; see --sql-login");
        return ENTRASQL_LOGIN_FAILED;
    }
    st = world_sql_login(a->world, &who);
    if (st != ENTRASQL_OK)
        return es_nomem(err);
    st = open_session(a, l, &who, ret, err);
    world_login_done(&who);
    return st;
}

entrasql_status front_auth_decide(const front_auth *a, const tds_server *server,
                                  engine_session **ret, entrasql_error *err)
{
    const tds_login7 *l = tds_server_login(server);
    bool wants_token = l->fedauth_library != TDS_FEDAUTH_NONE;

    if (!wants_token && (l->option_flags2 & TDS_OPTION2_INTEGRATED) != 0)
        return refuse(err, 18452, 1,
                      "Login failed. The login is from an untrusted domain and cannot be used with "
                      "Integrated authentication.");
    if (!wants_token)
        return sql_login(a, l, ret, err);
    if (!tds_server_is_encrypted(server) && !a->allow_clear_token)
        return refuse(err, 18456, 1,
                      TOKEN_PRINCIPAL
                      " A token is not accepted without encryption; connect with Encrypt=yes.");
    if (l->fedauth_library == TDS_FEDAUTH_SECURITYTOKEN)
        return token_login(a, l, l->fedauth_token, ret, err);
    if (tds_server_token(server) == NULL)
        return ENTRASQL_AGAIN;
    return token_login(a, l, tds_server_token(server), ret, err);
}
