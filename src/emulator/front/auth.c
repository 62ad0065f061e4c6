/* SPDX-License-Identifier: MIT */
/* The login policy of the front. */
#include "emulator/front/auth.h"

#include "base/log.h"
#include "emulator/world/token.h"
#include "tds/proto.h"

#include <string.h>

#define TOKEN_PRINCIPAL "Login failed for user '<token-identified principal>'."

static entrasql_status refuse(entrasql_error *err, uint32_t number, uint8_t state, const char *text)
{
    es_fail(err, ENTRASQL_LOGIN_FAILED, "%s", text);
    err->number = number;
    err->state = state;
    err->severity = 14;
    return ENTRASQL_LOGIN_FAILED;
}

static const char *mending(world_token_problem problem)
{
    switch (problem) {
    case WORLD_TOKEN_EXPIRED:
        return "Get a new token for each connection; if it is new, check the clock.";
    case WORLD_TOKEN_NOT_YET_VALID:
        return "Check the clock of the machine.";
    case WORLD_TOKEN_WRONG_AUDIENCE:
        return "Ask for the scope https://database.windows.net/.default.";
    case WORLD_TOKEN_WRONG_TENANT:
        return "Sign in to the tenant of the server's Entra admin.";
    case WORLD_TOKEN_NO_ADMIN:
        return "Give the server an admin: entrasql emulator server --admin NAME";
    case WORLD_TOKEN_MALFORMED:
    case WORLD_TOKEN_BAD_SIGNATURE:
        return "Take the token from this emulator (entrasql emulator token --as NAME), and "
               "pass it on as it is, in UTF-16.";
    case WORLD_TOKEN_OK:
    case WORLD_TOKEN_NO_MEMORY:
        break;
    }
    return "";
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

static void note_text(char *dst, size_t size, const char *text)
{
    es_printable(dst, size, text, strlen(text));
}

/* Logs call an app by its ids; people know it by its name. */
static void note_name(const world *w, const engine_login *login, journal_entry *note)
{
    char object_id[ES_GUID_TEXT_SIZE];

    es_guid_format(login->object_id, object_id);
    const world_principal *p = world_object_find(w, object_id);
    if (p != NULL && p->kind != WORLD_USER)
        note_text(note->name, sizeof note->name, p->name);
}

static entrasql_status token_login(const front_auth *a, const tds_login7 *l, const es_secret *token,
                                   engine_session **ret, journal_entry *note, entrasql_error *err)
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
        note_text(note->why, sizeof note->why, why.message);
        st = refuse_token(problem, err);
        es_hint(err, "%s", mending(problem));
        return st;
    }
    note_text(note->principal, sizeof note->principal, who.login_name);
    note_name(a->world, &who.login, note);
    st = open_session(a, l, &who, ret, err);
    world_login_done(&who);
    return st;
}

static entrasql_status refuse_sql_login(const char *user, const char *more, const char *why,
                                        const char *hint, journal_entry *note, entrasql_error *err)
{
    es_fail(err, ENTRASQL_LOGIN_FAILED, "Login failed for user '%s'.%s", user, more);
    err->number = 18456;
    err->state = 1;
    err->severity = 14;
    note_text(note->why, sizeof note->why, why);
    es_hint(err, "%s", hint);
    ES_LOG(INFO, "front", "SQL login refused", ES_KV_STR("why", why));
    return ENTRASQL_LOGIN_FAILED;
}

static entrasql_status sql_login(const front_auth *a, const tds_login7 *l, engine_session **ret,
                                 journal_entry *note, entrasql_error *err)
{
    world_login who;
    entrasql_status st;
    const char *password = l->password != NULL ? es_secret_reveal(l->password) : "";

    note_text(note->principal, sizeof note->principal, l->user_name);
    if (world_is_entra_only(a->world))
        return refuse_sql_login(l->user_name,
                                " Reason: Azure Active Directory only authentication is enabled. "
                                "Please contact your system administrator.",
                                "only Entra logins are allowed on the server",
                                "entrasql emulator server --entra-only off", note, err);
    if (!world_has_sql_login(a->world))
        return refuse_sql_login(l->user_name, "", "SQL logins are switched off",
                                "Sign in with a token, or start the emulator with --sql-login.",
                                note, err);
    if (!world_check_sql_login(a->world, l->user_name, password))
        return refuse_sql_login(l->user_name, "", "the name or the password is wrong",
                                "The emulator was started with the right ones.", note, err);
    st = world_sql_login(a->world, &who);
    if (st != ENTRASQL_OK)
        return es_nomem(err);
    st = open_session(a, l, &who, ret, err);
    world_login_done(&who);
    return st;
}

static entrasql_status decide(const front_auth *a, const tds_server *server, engine_session **ret,
                              journal_entry *note, entrasql_error *err)
{
    const tds_login7 *l = tds_server_login(server);
    bool wants_token = l->fedauth_library != TDS_FEDAUTH_NONE;

    if (!wants_token && (l->option_flags2 & TDS_OPTION2_INTEGRATED) != 0)
        return refuse(err, 18452, 1,
                      "Login failed. The login is from an untrusted domain and cannot be used with "
                      "Integrated authentication.");
    if (!wants_token)
        return sql_login(a, l, ret, note, err);
    if (!tds_server_is_encrypted(server) && !a->allow_clear_token)
        return refuse(err, 18456, 1,
                      TOKEN_PRINCIPAL
                      " A token is not accepted without encryption; connect with Encrypt=yes.");
    if (l->fedauth_library == TDS_FEDAUTH_SECURITYTOKEN)
        return token_login(a, l, l->fedauth_token, ret, note, err);
    if (tds_server_token(server) == NULL)
        return ENTRASQL_AGAIN;
    return token_login(a, l, tds_server_token(server), ret, note, err);
}

entrasql_status front_auth_decide(const front_auth *a, const tds_server *server,
                                  engine_session **ret, journal_entry *note, entrasql_error *err)
{
    world_hold(a->world);
    entrasql_status st = decide(a, server, ret, note, err);
    world_let_go(a->world);
    return st;
}
