/* SPDX-License-Identifier: MIT */
/*
 * An entrasql proxy in front of the server: a port of this machine that answers PRELOGIN and has no
 * TLS. What says for sure that it is one is its own database, by which it answers, or the words
 * with which it keeps this user out of that. Everything else without TLS is just such a server.
 */
#include "doctor/inner.h"

#include "base/mem.h"
#include "base/str.h"
#include "odbc_glue/auth.h"

#include <stdio.h>
#include <string.h>

#define LOGIN_MS 3000
#define OWN_DATABASE "entrasql" /* docs/proxy-operations.md */
#define OWN_NAME "entrasql proxy"
#define ANYBODY "any"

/* ---- what it says of itself ---- */

static void on_version(void *ctx, const sqlvalue *values, size_t count)
{
    doctor_front *f = ctx;
    doctor_text(values, count, 0, f->version, sizeof f->version);
}

/* conn, state, target ...: the last one in the database of its own are we. */
static void on_client(void *ctx, const sqlvalue *values, size_t count)
{
    doctor_front *f = ctx;
    char state[16];
    doctor_text(values, count, 1, state, sizeof state);
    if (es_streq(state, "admin"))
        doctor_text(values, count, 2, f->target, sizeof f->target);
}

/* identity, principal, object_id, tenant, source ... */
static void on_identity(void *ctx, const sqlvalue *values, size_t count)
{
    doctor_front *f = ctx;
    if (f->identity_count++ != 0)
        return;
    doctor_text(values, count, 1, f->principal, sizeof f->principal);
    doctor_text(values, count, 2, f->object_id, sizeof f->object_id);
    doctor_text(values, count, 4, f->source, sizeof f->source);
}

static void ask_itself(const doctor *d, sql_conn *conn, doctor_front *f)
{
    static const struct {
        const char *sql;
        doctor_row *row;
    } questions[] = {
        {"SELECT @@VERSION", on_version},
        {"SHOW CLIENTS", on_client},
        {"SHOW IDENTITIES", on_identity},
    };
    entrasql_error err;
    for (size_t i = 0; i < ES_COUNT_OF(questions); i++) {
        if (doctor_query(d, conn, questions[i].sql, questions[i].row, f, &err) != ENTRASQL_OK ||
            !es_starts_with(f->version, OWN_NAME))
            return;
    }
}

static void recognise(doctor *d)
{
    doctor_front *f = &d->front;
    char database[] = OWN_DATABASE;
    char user[] = ANYBODY;
    /* The string's own password is for the server that it names, not for this question. */
    const conf_target own = {
        .host = d->target.host,
        .port = d->target.port,
        .database = database,
        .user = user,
        .encrypt = CONF_ENCRYPT_OPTIONAL,
    };
    const sql_open_options options = {
        .target = &own,
        .app_name = "entrasql doctor",
        .login_timeout_ms = doctor_time(d, LOGIN_MS),
    };
    sql_conn *conn = NULL;
    entrasql_error err;
    if (sql_open(&options, &conn, &err) == ENTRASQL_OK) {
        ask_itself(d, conn, f);
        sql_close(conn);
        f->is_proxy = es_starts_with(f->version, OWN_NAME);
        return;
    }
    f->is_proxy = doctor_contains(err.message, OWN_NAME);
    if (f->is_proxy)
        es_strlcpy_utf8(f->closed, sizeof f->closed, err.message);
}

/* ---- what the string says to it ---- */

static void connect_as_the_string_says(doctor *d)
{
    const char *user = conf_login_get(&d->login, CONF_KEY_USER);
    const char *password = conf_login_get(&d->login, CONF_KEY_PASSWORD);
    es_free(d->target.user);
    es_free_wipe_str(d->target.password);
    /* No memory: the login says it. */
    d->target.user = es_strdup(es_str_is_empty(user) ? ANYBODY : user);
    d->target.password = es_strdup(password);
    d->target.encrypt = CONF_ENCRYPT_OPTIONAL;
    d->by_token = false;
}

void doctor_look_in_front(doctor *d)
{
    if (!d->reaches_server || !d->is_loopback || !doctor_is_in_clear(d))
        return;
    recognise(d);
    if (d->front.is_proxy)
        connect_as_the_string_says(d);
}

/* ---- what is said of it ---- */

/* "server,port/database?listen=...": the pieces in words of a command. */
const char *doctor_front_place(const doctor_front *f, char *ret, size_t size)
{
    char server[300];
    char database[140];
    char word[340];
    char other[300];
    size_t n = strcspn(f->target, "/?");
    size_t m = f->target[n] == '/' ? strcspn(f->target + n + 1, "?") : 0;
    (void)snprintf(server, sizeof server, "%.*s", (int)n, f->target);
    (void)snprintf(database, sizeof database, "%.*s", (int)m, m != 0 ? f->target + n + 1 : "");
    (void)snprintf(ret, size, "-S %s -d %s",
                   n != 0 ? doctor_word(server, word, sizeof word) : "SERVER",
                   m != 0 ? doctor_word(database, other, sizeof other) : "DATABASE");
    return ret;
}

static void say_what_it_is(doctor *d)
{
    const doctor_front *f = &d->front;
    char place[680];
    doctor_line *line =
        doctor_add(d, "prelogin", DOCTOR_OK, "behind-proxy",
                   "an entrasql proxy of this machine answers, and signs in at the server itself");
    if (f->closed[0] != '\0')
        doctor_evidence(line, "%s", f->closed);
    else
        doctor_evidence(line, "%s; leads to %.*s as %s (object id %s) by %s%s", f->version,
                        (int)strcspn(f->target, "?"), f->target, f->principal, f->object_id,
                        f->source, f->identity_count > 1 ? ", and has other identities" : "");
    doctor_fix(line,
               "What lies behind it is seen with its own environment and user: entrasql doctor %s; "
               "its database " OWN_DATABASE " answers SHOW POOLS.",
               doctor_front_place(f, place, sizeof place));
}

/* "ODBC Driver 18 ...", libmsodbcsql-18.6.so: from 18 on encryption is the default. */
#define MICROSOFT_NAME "ODBC Driver "
#define MICROSOFT_FILE "msodbcsql-"
#define FIRST_TO_ENCRYPT 18

static unsigned microsoft_version(const glue_driver *driver)
{
    const char *file = driver->library != NULL ? strstr(driver->library, MICROSOFT_FILE) : NULL;
    const char *text = NULL;
    uint64_t version = 0;
    if (file != NULL)
        text = file + strlen(MICROSOFT_FILE);
    else if (es_strncaseeq(driver->name, MICROSOFT_NAME, strlen(MICROSOFT_NAME)))
        text = driver->name + strlen(MICROSOFT_NAME);
    if (text == NULL ||
        es_parse_u64(text, strspn(text, "0123456789"), 1000, &version) != ENTRASQL_OK)
        return 0;
    return (unsigned)version;
}

/* What becomes of an ODBC string that says nothing of encryption. */
static doctor_state odbc_default(const doctor *d)
{
    ES_CLEANUP(glue_driver_done) glue_driver driver = {0};
    glue_choice choice;
    bool ours = doctor_driver_is_ours(d);
    entrasql_status status = ours ? glue_underneath_find(&d->list, &driver, &choice, NULL)
                                  : glue_driver_find(&d->list, &driver, NULL);
    if (status != ENTRASQL_OK && (ours || d->target.driver == NULL))
        return DOCTOR_NONE;
    if (status != ENTRASQL_OK) { /* not registered: there is its name */
        driver.name = es_strdup(d->target.driver);
        if (driver.name == NULL)
            return DOCTOR_NONE;
        driver.kind = glue_driver_kind_of(driver.name, NULL);
    }
    if (driver.kind == GLUE_DRIVER_FREETDS && ours) /* ours asks it for encryption */
        return DOCTOR_FAIL;
    if (driver.kind != GLUE_DRIVER_MICROSOFT)
        return DOCTOR_NONE;
    return microsoft_version(&driver) >= FIRST_TO_ENCRYPT ? DOCTOR_FAIL : DOCTOR_WARN;
}

static doctor_state default_encryption(const doctor *d)
{
    conf_form words = d->options->login->words;
    if (words == CONF_FORM_PYMSSQL || words == CONF_FORM_GO)
        return DOCTOR_NONE;
    return words == CONF_FORM_ODBC ? odbc_default(d) : DOCTOR_WARN;
}

static void say_encryption(doctor *d)
{
    const char *encrypt = conf_login_get(&d->login, CONF_KEY_ENCRYPT);
    bool demanded = encrypt != NULL && !es_streq(encrypt, "optional");
    doctor_state state = demanded          ? DOCTOR_FAIL
                         : encrypt != NULL ? DOCTOR_NONE
                                           : default_encryption(d);
    if (state == DOCTOR_NONE) {
        (void)doctor_add(d, "tls", DOCTOR_NONE, NULL,
                         "not in use: what goes to the proxy does not leave this machine");
        return;
    }
    doctor_line *line = doctor_add(
        d, "tls", state, "proxy-in-clear", "%s",
        demanded ? "the string demands encryption, and the proxy offers none"
        : state == DOCTOR_FAIL
            ? "the string leaves encryption to the driver, which demands it"
            : "the string leaves encryption to the driver, whose default may be to demand it");
    doctor_evidence(line, "the proxy's setting tls is off; upstream it encrypts in any case");
}

void doctor_front_say(doctor *d)
{
    d->speaks_tds = true;
    say_what_it_is(d);
    say_encryption(d);
}

/* The number of messages that are no message of SQL Server's (src/relay/session.c). */
#define OWN_NUMBER 50000U

bool doctor_front_upstream(doctor *d, const char *link, const entrasql_error *err)
{
    char place[680];
    if (!d->front.is_proxy || err->number != OWN_NUMBER)
        return false;
    doctor_line *line = doctor_add(d, link, DOCTOR_FAIL, "proxy-upstream",
                                   "the proxy does not get through to its server");
    doctor_evidence(line, "%s", err->message);
    doctor_fix(line,
               "Where the proxy runs, as its user and with its environment: entrasql doctor %s; it "
               "says which link fails.",
               doctor_front_place(&d->front, place, sizeof place));
    return true;
}

/* The driver's own rule, where the string says nothing of a login. */
static bool sends_token_unasked(const doctor *d)
{
    glue_auth auth;
    return doctor_driver_is_ours(d) && glue_auth_read(&d->list, &auth, NULL) == ENTRASQL_OK &&
           auth.authentication == NULL && auth.method == GLUE_AUTH_DEFAULT;
}

/* Before the login: what the driver would do of its own accord, and the proxy refuses. */
bool doctor_front_refusals(doctor *d)
{
    bool trusted = es_streq(conf_login_get(&d->login, CONF_KEY_TRUSTED), "yes");
    bool token = doctor_asks_for_token(&d->login);
    bool unasked = sends_token_unasked(d);
    if (!token && !trusted && !unasked)
        return false;
    doctor_line *line =
        doctor_add(d, "login", DOCTOR_FAIL, "proxy-signs-in", "the string brings %s to the proxy",
                   token || unasked ? "a token of its own" : "a Windows login");
    if (unasked) {
        doctor_evidence(line, "entrasql's driver sends one where there is no UID, PWD or "
                              "Authentication");
        doctor_fix(line, "In the string write UID=any;PWD=any;Encrypt=no: to a proxy any user name "
                         "and password will do, or those of its [login] section.");
    } else if (token) {
        doctor_evidence(line, "Authentication=%s", conf_connstr_get(&d->list, "Authentication"));
    } else {
        doctor_evidence(line, "Trusted_Connection or Integrated Security is on");
    }
    return true;
}
