/* SPDX-License-Identifier: MIT */
/* Deciding about a login, and writing down why. */
#include "emulator/front/login.h"

#include "base/clock.h"
#include "base/str.h"
#include "emulator/world/firewall.h"
#include "os/sock.h"
#include "tds/proto.h"

#include <stdio.h>
#include <string.h>

static void note_text(char *dst, size_t size, const char *text)
{
    es_printable(dst, size, text, strlen(text));
}

/* ---- what strikes before anybody decides ---- */

static entrasql_status refuse(entrasql_error *why, uint32_t number, uint8_t state, uint8_t severity,
                              const char *text)
{
    es_fail(why, ENTRASQL_LOGIN_FAILED, "%s", text);
    why->number = number;
    why->state = state;
    why->severity = severity;
    return ENTRASQL_LOGIN_FAILED;
}

static entrasql_status refuse_full(const front_session_options *o, entrasql_error *why)
{
    es_fail(why, ENTRASQL_LOGIN_FAILED,
            "Resource ID : 2. The session limit for the database is %u and has been reached.",
            o->max_sessions);
    why->number = 10928;
    why->state = 1;
    why->severity = 20;
    return ENTRASQL_LOGIN_FAILED;
}

/* A client that named the address, as Microsoft's driver has to at times, is sent on to that. */
static const char *own_host(const tds_login7 *login)
{
    return strstr(login->server_name, "127.0.0.1") != NULL ? "127.0.0.1" : "localhost";
}

static entrasql_status strike(front_login *l, tds_server *server, const fault *row, uint32_t value,
                              entrasql_error *why)
{
    const front_session_options *o = l->options;
    char text[1024];

    (void)snprintf(l->note.why, sizeof l->note.why, "the fault %s is on", row->name);
    front_record_note(l->record, row->name);
    if (row->effect == FAULT_ROUTE) {
        ES_TRY(tds_server_route(server, own_host(tds_server_login(server)),
                                value != 0 ? o->port : o->node_port, why));
        return ENTRASQL_AGAIN;
    }
    if (row->effect != FAULT_SQL)
        return es_fail(why, ENTRASQL_CLOSED, "the fault %s dropped it", row->name);
    fault_text(row, value, l->server_name, *l->note.database != '\0' ? l->note.database : "master",
               l->note.address, text, sizeof text);
    entrasql_status st = refuse(why, fault_number(row, value), row->state, row->severity, text);
    es_hint(why, "entrasql emulator fault %s off", row->name);
    return st;
}

/* ---- the decision ---- */

static const char *method_of(const tds_login7 *login)
{
    if (login->fedauth_library == TDS_FEDAUTH_SECURITYTOKEN)
        return "token";
    if (login->fedauth_library != TDS_FEDAUTH_NONE)
        return "token on request";
    return (login->option_flags2 & TDS_OPTION2_INTEGRATED) != 0 ? "Windows" : "SQL login";
}

/* What the client has said. */
static void see(front_login *l, tds_server *server, const relay_accept *a)
{
    const tds_login7 *login = tds_server_login(server);
    const char *encryption = "none";

    l->seen = true;
    front_record_login(l->record, server);
    if (tds_server_is_encrypted(server))
        encryption = relay_accept_is_strict(a) ? "strict TLS" : "TLS";
    note_text(l->note.encryption, sizeof l->note.encryption, encryption);
    note_text(l->note.method, sizeof l->note.method, method_of(login));
    note_text(l->note.database, sizeof l->note.database, login->database);
    note_text(l->note.app, sizeof l->note.app, login->app_name);
    note_text(l->note.host, sizeof l->note.host, login->host_name);
    note_text(l->note.library, sizeof l->note.library, login->library_name);
}

static entrasql_status ask_token(const front_login *l, tds_server *server, entrasql_error *why)
{
    const world *w = l->options->auth.world;

    world_hold(w);
    entrasql_status st =
        tds_server_ask_token(server, world_sts_url(w), world_server_audience(w), why);
    world_let_go(w);
    return st == ENTRASQL_OK ? ENTRASQL_AGAIN : st;
}

static bool is_allowed(const front_login *l)
{
    const world *w = l->options->auth.world;

    world_hold(w);
    bool allowed = world_firewall_allows(w, l->note.address);
    world_let_go(w);
    return allowed;
}

static entrasql_status decide(void *ctx, relay_accept *a, entrasql_error *why)
{
    front_login *l = ctx;
    const front_session_options *o = l->options;
    tds_server *server = relay_accept_server(a);

    if (!l->seen)
        see(l, server, a);
    if (tds_server_token(server) != NULL)
        front_record_token(l->record, server);
    if (o->door == FRONT_DOOR_MAIN && tds_server_token(server) == NULL) {
        uint32_t value = 0;
        const fault *row = faults_next(world_faults(o->auth.world), FAULT_AT_LOGIN, &value);
        if (row == NULL && !is_allowed(l))
            row = faults_next(world_faults(o->auth.world), FAULT_AT_FIREWALL, &value);
        if (row != NULL)
            return strike(l, server, row, value, why);
    }
    if (o->is_full)
        return refuse_full(o, why);
    entrasql_status st = front_auth_decide(&o->auth, server, &l->engine, &l->note, why);
    return st == ENTRASQL_AGAIN ? ask_token(l, server, why) : st;
}

relay_client_policy front_login_policy(front_login *l)
{
    return (relay_client_policy){.decide = decide, .ctx = l, .server_name = l->server_name};
}

/* ---- the journal ---- */

static void note_address(int fd, char *dst, size_t size)
{
    os_address address;
    char text[OS_ADDRESS_TEXT_SIZE];

    if (os_sock_peer_address(fd, &address, NULL) != ENTRASQL_OK)
        return;
    os_address_format(&address, text);
    char *colon = strrchr(text, ':');
    if (colon != NULL)
        *colon = '\0';
    note_text(dst, size, text);
}

void front_login_init(front_login *l, int fd, const front_session_options *options,
                      front_record *record)
{
    *l = (front_login){.options = options, .record = record};
    l->note.at_s = es_clock_wall_s();
    l->note.connection = options->number;
    note_address(fd, l->note.address, sizeof l->note.address);
    world_hold(options->auth.world);
    es_strlcpy_utf8(l->server_name, sizeof l->server_name, world_server_name(options->auth.world));
    world_let_go(options->auth.world);
}

void front_login_note(front_login *l, const entrasql_error *refusal)
{
    journal_entry *e = &l->note;

    if (!l->seen) /* what never became a login is not one */
        return;
    e->accepted = refusal == NULL;
    if (refusal != NULL) {
        e->number = refusal->number;
        e->state = refusal->state;
        note_text(e->text, sizeof e->text, refusal->message);
        note_text(e->hint, sizeof e->hint, refusal->hint);
    } else {
        e->why[0] = '\0';
    }
    journal_add(l->options->journal, e);
}
