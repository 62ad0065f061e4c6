/* SPDX-License-Identifier: MIT */
/* Opening and closing a connection of the internal client. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "os/sock.h"
#include "sql/sql_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT_MS 30000U
#define HOST_NAME_SIZE 256
#define LCID_US_ENGLISH 0x0409U
/* What ODBC drivers send: native byte order and floats, notify of USE and language changes; the
 * ANSI session defaults, and no login without the language. */
#define OPTION_FLAGS1 0xE0U
#define OPTION_FLAGS2 0x03U
#define CLIENT_VERSION 0x00010000U

static entrasql_status set_password(tds_login7 *l, const char *password)
{
    if (password == NULL)
        return ENTRASQL_OK;
    l->password = es_secret_from_str(password);
    return l->password != NULL ? ENTRASQL_OK : ENTRASQL_NOMEM;
}

static entrasql_status fill_login(const sql_open_options *o, tds_login7 *l)
{
    const conf_target *t = o->target;
    const char *app = o->app_name != NULL ? o->app_name : t->app_name;
    const uint8_t utf8 = 1;
    char host[HOST_NAME_SIZE] = "";

    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    l->packet_size = TDS_PACKET_SIZE_DEFAULT;
    l->client_version = CLIENT_VERSION;
    l->client_pid = (uint32_t)getpid();
    l->option_flags1 = OPTION_FLAGS1;
    l->option_flags2 = OPTION_FLAGS2;
    l->lcid = LCID_US_ENGLISH;
    if (t->encrypt == CONF_ENCRYPT_STRICT)
        l->tds_version = TDS_VERSION_8_0;
    ES_TRY(tds_login7_set(&l->host_name, t->workstation_id != NULL ? t->workstation_id : host));
    ES_TRY(tds_login7_set(&l->app_name, app != NULL ? app : "entrasql"));
    ES_TRY(tds_login7_set(&l->library_name, "entrasql"));
    ES_TRY(tds_login7_set(&l->server_name, t->host));
    ES_TRY(tds_login7_set(&l->database, t->database != NULL ? t->database : ""));
    if (o->credential == NULL) {
        ES_TRY(tds_login7_set(&l->user_name, t->user != NULL ? t->user : ""));
        ES_TRY(set_password(l, t->password));
    }
    return tds_login7_add_feature(l, TDS_FEATURE_UTF8_SUPPORT, &utf8, sizeof utf8);
}

entrasql_status sql_login_template(const sql_open_options *options, tds_login7 *ret,
                                   entrasql_error *err)
{
    entrasql_status st = tds_login7_init(ret);

    if (st == ENTRASQL_OK)
        st = fill_login(options, ret);
    if (st != ENTRASQL_OK) {
        tds_login7_done(ret);
        return st == ENTRASQL_NOMEM ? es_nomem(err)
                                    : es_fail(err, st, "a text of the login is not UTF-8");
    }
    return ENTRASQL_OK;
}

static entrasql_status check_options(const sql_open_options *o, entrasql_error *err)
{
    const conf_target *t = o->target;

    if (es_str_is_empty(t->host)) {
        (void)es_fail(err, ENTRASQL_CONFIG, "no server was named");
        es_hint(err, "Name it with Server=... or -S, as in Server=tcp:name.database.windows.net.");
        return ENTRASQL_CONFIG;
    }
    if (o->credential == NULL && es_str_is_empty(t->user)) {
        (void)es_fail(err, ENTRASQL_CONFIG, "there is neither a credential nor a user name");
        es_hint(err, "Use an Entra credential, or UID and PWD for a SQL login.");
        return ENTRASQL_CONFIG;
    }
    if (o->credential != NULL && (t->user != NULL || t->password != NULL)) {
        (void)es_fail(err, ENTRASQL_CONFIG, "%s cannot be combined with an Entra credential",
                      t->user != NULL ? "UID" : "PWD");
        es_hint(err, "Leave UID and PWD out of the connection string.");
        return ENTRASQL_CONFIG;
    }
    return ENTRASQL_OK;
}

static tds_encrypt encrypt_of(conf_encrypt e)
{
    switch (e) {
    case CONF_ENCRYPT_OPTIONAL:
        return TDS_ENCRYPT_OFF;
    case CONF_ENCRYPT_STRICT:
        return TDS_ENCRYPT_STRICT;
    case CONF_ENCRYPT_MANDATORY:
        break;
    }
    return TDS_ENCRYPT_ON;
}

static int64_t login_deadline(const sql_open_options *o)
{
    int64_t ms = o->login_timeout_ms;

    if (ms == 0)
        ms = (int64_t)o->target->login_timeout_s * 1000;
    return es_clock_deadline(ms != 0 ? ms : DEFAULT_TIMEOUT_MS);
}

entrasql_status sql_open(const sql_open_options *options, sql_conn **ret, entrasql_error *err)
{
    const conf_target *t = options->target;
    relay_session session = {0};
    tds_login7 login;
    entrasql_status st;

    ES_TRY(check_options(options, err));
    ES_TRY(sql_login_template(options, &login, err));
    st = relay_login_run(
        &(relay_login_options){
            .host = t->host,
            .port = t->port,
            .encrypt = encrypt_of(t->encrypt),
            .trust_server_certificate = t->trust_server_certificate,
            .host_name_in_certificate = t->host_name_in_certificate,
            .ca_file = options->ca_file,
            .login = &login,
            .credential = options->credential,
            .deadline_ms = login_deadline(options),
        },
        &session, err);
    tds_login7_done(&login);
    ES_TRY(st);
    st = sql_conn_new(&session, ret, err);
    if (st != ENTRASQL_OK)
        relay_session_done(&session);
    return st;
}

/* ---- the connection ---- */

/* A pipe that neither side blocks on and no child inherits. */
static entrasql_status open_pipe(int fds[2], entrasql_error *err)
{
    if (pipe(fds) != 0)
        return es_fail_errno(err, errno, "cannot make a pipe");
    for (int i = 0; i < 2; i++) {
        if (fcntl(fds[i], F_SETFD, FD_CLOEXEC) != 0 || fcntl(fds[i], F_SETFL, O_NONBLOCK) != 0) {
            entrasql_status st = es_fail_errno(err, errno, "cannot set up a pipe");
            close(fds[0]);
            close(fds[1]);
            return st;
        }
    }
    return ENTRASQL_OK;
}

entrasql_status sql_conn_new(relay_session *session, sql_conn **ret, entrasql_error *err)
{
    sql_conn *c = es_calloc(1, sizeof *c);
    int fds[2];
    entrasql_status st;

    if (c == NULL)
        return es_nomem(err);
    st = tds_reply_new(SQL_VALUE_LIMIT, &c->reply, err);
    if (st == ENTRASQL_OK)
        st = open_pipe(fds, err);
    if (st != ENTRASQL_OK) {
        tds_reply_free(c->reply);
        es_free(c);
        return st;
    }
    c->cancel_read = fds[0];
    c->cancel_write = fds[1];
    tds_assembler_init(&c->packets, SIZE_MAX, false, TDS_ACCEPT(TDS_PACKET_REPLY));
    c->session = *session;
    *session = (relay_session){0};
    *ret = c;
    return ENTRASQL_OK;
}

void sql_close(sql_conn *c)
{
    if (c == NULL)
        return;
    if (!c->is_dead)
        relay_stream_shutdown(c->session.stream);
    relay_session_done(&c->session);
    tds_assembler_done(&c->packets);
    tds_reply_free(c->reply);
    close(c->cancel_read);
    close(c->cancel_write);
    es_free(c);
}

bool sql_is_open(const sql_conn *c)
{
    return !c->is_dead;
}

bool sql_was_lost(sql_conn *c)
{
    int fd = sql_fd(c);
    if (fd >= 0 && os_sock_peer_gone(fd))
        c->is_dead = true;
    return c->is_dead;
}

int sql_fd(const sql_conn *c)
{
    return c->is_dead ? -1 : relay_stream_fd(c->session.stream);
}

bool sql_in_transaction(const sql_conn *c)
{
    return c->transaction != 0;
}

const char *sql_database(const sql_conn *c)
{
    return c->session.database != NULL ? c->session.database : "";
}

void sql_cancel(sql_conn *c)
{
    int saved = errno; /* a signal handler must leave it alone */
    ssize_t n = write(c->cancel_write, "", 1);

    (void)n; /* a full pipe says the same already */
    errno = saved;
}
