/* SPDX-License-Identifier: MIT */
/*
 * Many random clients on a small pool, each of which knows what it has to get: nothing of
 * another session, and a session that is as new.
 *
 *   proxy_checker [-k LOGINS] REQUESTS CLIENTS SEED PORT=USER=DATABASE[=CA_FILE] ...
 *
 * Where the authority of the target's certificate is given, a client comes in clear, with TLS
 * inside of PRELOGIN (TDS 7.4) or with TLS first (strict, TDS 8.0). -k: before each session a
 * client comes LOGINS times in clear and goes again without a request. Each client connects to one
 * of the ports as one of the login profiles, looks whether the session is new (database, user,
 * application, options, isolation level, transactions, temp tables, prepared statements), and then
 * does this and that to it: values tagged with its own number, large ones too, SET options,
 * isolation levels, temp tables, transactions committed, rolled back and left open, errors,
 * cancels; and leaves, in order or at any point. At the end the table `ledger` has to hold each row
 * that was told committed, once, and none that was not.
 *
 * Prints what was done, a violation a line; exit code 1 when there was one.
 */
#include "base/mem.h"
#include "wire.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 512
#define TARGETS_MAX 16
#define VIOLATIONS_MAX 20
#define TEXT_MAX 4096
#define SESSION_REQUESTS_MAX 14
/* Of @@OPTIONS after a login with ODBC's ANSI defaults. */
#define OPTIONS_ANSI 5432
/* Error numbers that concurrency brings about. */
#define ERROR_DEADLOCK 1205U
#define ERROR_LOCK_TIMEOUT 1222U
#define ERROR_SNAPSHOT_CONFLICT 3960U

typedef enum fate {
    FATE_NONE,
    FATE_MUST, /* told committed */
    FATE_MAY,  /* the client left before it was told */
    FATE_MUST_NOT
} fate;

typedef struct target {
    uint16_t port;
    const char *user;
    const char *database;
    wire_tls *tls; /* NULL: in clear only */
} target;

typedef struct client {
    unsigned number;
    uint64_t random;
    wire *w;
    const target *to;
    unsigned app;         /* which of app_names it goes by */
    uint64_t tag;         /* of this session, on the whole run unique */
    unsigned sequence;    /* of requests in the session */
    bool has_table;       /* #left holds the tag */
    uint64_t row;         /* in the ledger, of the transaction that is open; 0: none */
    int64_t lock_timeout; /* as this session has set it */
    int isolation;        /* as this session has set it */
    bool is_broken;       /* the connection ended under us */
    bool is_leaving;
} client;

static const char *const app_names[] = {"checker", "another"};
static target targets[TARGETS_MAX];
static unsigned target_count;
static unsigned idle_logins;
static atomic_long requests_left;
static atomic_ulong sessions;
static atomic_ulong violations;
static atomic_ulong next_tag = 1;
static atomic_ulong next_row = 1;
static uint8_t *fates; /* by row number */
static uint8_t *found;
static uint64_t rows_max;

enum {
    DID_LOOK,
    DID_ECHO,
    DID_LARGE,
    DID_TABLE,
    DID_OPTION,
    DID_ISOLATION,
    DID_WRITE,
    DID_TRANSACTION,
    DID_ERROR,
    DID_CANCEL,
    DID_PREPARE,
    DID_LEAVE,
    DID_CUT,
    DID_CUT_LARGE,
    DID_TLS,
    DID_STRICT,
    DID_COUNT
};
static atomic_ulong did[DID_COUNT];
static const char *const did_names[DID_COUNT] = {"looks",
                                                 "echoes",
                                                 "large values",
                                                 "temp tables",
                                                 "options",
                                                 "isolation levels",
                                                 "writes",
                                                 "transactions",
                                                 "errors",
                                                 "cancels",
                                                 "prepared",
                                                 "left in order",
                                                 "left in the middle",
                                                 "left in a large result",
                                                 "came by TLS 7.4",
                                                 "came by TLS 8.0"};

/* ---- small things ---- */

static uint64_t draw(client *c)
{
    c->random ^= c->random << 13; /* xorshift64 */
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return c->random;
}

static unsigned below(client *c, unsigned n)
{
    return (unsigned)(draw(c) % n);
}

static void violation(const client *c, const char *format, ...) ES_PRINTF(2, 3);
static void violation(const client *c, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (atomic_fetch_add(&violations, 1) < VIOLATIONS_MAX)
        (void)printf("VIOLATION client %u session %llu %s: %s\n", c->number,
                     (unsigned long long)c->tag, c->to->user, text);
}

static bool is_over(void)
{
    return atomic_load(&requests_left) <= 0 || atomic_load(&violations) >= VIOLATIONS_MAX;
}

static void set_fate(uint64_t row, fate f)
{
    if (row < rows_max)
        fates[row] = (uint8_t)f;
}

/* The connection is gone without our doing. */
static void broke(client *c, const char *what, const entrasql_error *err)
{
    c->is_broken = true;
    violation(c, "%s: %s", what, err->message);
}

static bool send_text(client *c, const char *text)
{
    entrasql_error err;
    c->sequence++;
    atomic_fetch_sub(&requests_left, 1);
    if (wire_send(c->w, text, false, &err) == ENTRASQL_OK)
        return true;
    broke(c, "request not taken", &err);
    return false;
}

static bool read_answer(client *c, wire_answer *a)
{
    entrasql_error err;
    if (wire_read(c->w, a, &err) != ENTRASQL_OK) {
        broke(c, "no answer", &err);
        return false;
    }
    if (a->reset_seen)
        violation(c, "a reset nobody asked for is acknowledged");
    return true;
}

static bool ask(client *c, wire_answer *a, const char *format, ...) ES_PRINTF(3, 4);
static bool ask(client *c, wire_answer *a, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return send_text(c, text) && read_answer(c, a);
}

static bool is_crowding(uint32_t error)
{
    return error == ERROR_DEADLOCK || error == ERROR_LOCK_TIMEOUT ||
           error == ERROR_SNAPSHOT_CONFLICT;
}

/* An answer without an error, else says which. */
static bool is_good(client *c, const wire_answer *a, const char *what)
{
    if (a->error == 0)
        return true;
    violation(c, "%s: error %u %s", what, a->error, a->error_text);
    return false;
}

static void expect_text(client *c, const wire_answer *a, const char *what, const char *wanted)
{
    if (a->rows != 1 || a->values[0].is_null || strcmp(a->values[0].text, wanted) != 0)
        violation(c, "%s: got %llu rows, '%s', wanted '%s'", what, (unsigned long long)a->rows,
                  a->values[0].text, wanted);
}

/* ---- a new session has to be new ---- */

static void expect_number(client *c, const wire_answer *a, unsigned i, const char *what,
                          int64_t wanted)
{
    if (a->values[i].is_null || a->values[i].i != wanted)
        violation(c, "left over: %s is %lld instead of %lld", what, (long long)a->values[i].i,
                  (long long)wanted);
}

static void look(client *c)
{
    wire_answer a;
    atomic_fetch_add(&did[DID_LOOK], 1);
    if (!ask(c, &a,
             "SELECT DB_NAME(), USER_NAME(),  @@TRANCOUNT, @@LOCK_TIMEOUT, "
             "OBJECT_ID(N'tempdb..#left'), @@DATEFIRST, @@TEXTSIZE, @@OPTIONS, "
             "(SELECT CAST(transaction_isolation_level AS int) FROM sys.dm_exec_sessions WHERE "
             "session_id = @@SPID), APP_NAME() "
             "FROM (VALUES (1), (2)) two (n)"))
        return;
    if (!is_good(c, &a, "the first look"))
        return;
    if (a.rows != 2)
        violation(c, "left over: ROWCOUNT, %llu rows of 2", (unsigned long long)a.rows);
    if (strcmp(a.values[0].text, c->to->database) != 0)
        violation(c, "wrong database: %s", a.values[0].text);
    if (strcmp(a.values[1].text, c->to->user) != 0)
        violation(c, "wrong identity: %s", a.values[1].text);
    expect_number(c, &a, 2, "@@TRANCOUNT", 0);
    expect_number(c, &a, 3, "@@LOCK_TIMEOUT", -1);
    if (!a.values[4].is_null)
        violation(c, "left over: a temp table");
    expect_number(c, &a, 5, "@@DATEFIRST", 7);
    expect_number(c, &a, 6, "@@TEXTSIZE", 2147483647);
    expect_number(c, &a, 7, "@@OPTIONS", OPTIONS_ANSI);
    expect_number(c, &a, 8, "the isolation level", 2);
    if (strcmp(a.values[9].text, app_names[c->app]) != 0)
        violation(c, "wrong application name: %s", a.values[9].text);
}

static void look_for_prepared(client *c)
{
    wire_answer a;
    if (ask(c, &a, "EXEC sp_execute 1, 5") && a.error == 0)
        violation(c, "left over: a prepared statement");
}

/* ---- what a client does ---- */

static void do_echo(client *c)
{
    wire_answer a;
    char tag[64];
    atomic_fetch_add(&did[DID_ECHO], 1);
    (void)snprintf(tag, sizeof tag, "tag %llu.%u", (unsigned long long)c->tag, c->sequence);
    if (ask(c, &a, "SELECT N'%s'", tag) && is_good(c, &a, "echo"))
        expect_text(c, &a, "echo", tag);
}

/* Many packets, each of which has to be ours. */
static void do_large(client *c)
{
    wire_answer a;
    char tag[32];
    unsigned times = 200 + below(c, 2000);
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    atomic_fetch_add(&did[DID_LARGE], 1);
    (void)snprintf(tag, sizeof tag, "%012llu.%04u,", (unsigned long long)c->tag, c->sequence);
    if (!ask(c, &a, "SELECT REPLICATE(CAST(N'%s' AS nvarchar(max)), %u)", tag, times) ||
        !is_good(c, &a, "large value"))
        return;
    for (unsigned i = 0; i < times; i++)
        for (const char *p = tag; *p != '\0'; p++)
            sum = (sum ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    if (a.checksum != sum)
        violation(c, "large value: another one came");
}

static void do_table(client *c)
{
    wire_answer a;
    char tag[32];
    atomic_fetch_add(&did[DID_TABLE], 1);
    (void)snprintf(tag, sizeof tag, "%llu", (unsigned long long)c->tag);
    if (!c->has_table) {
        c->has_table =
            ask(c, &a, "CREATE TABLE #left (tag nvarchar(40)) INSERT #left VALUES (N'%s')", tag) &&
            is_good(c, &a, "temp table");
        return;
    }
    if (ask(c, &a, "SELECT tag FROM #left") && is_good(c, &a, "temp table"))
        expect_text(c, &a, "temp table", tag);
}

static void do_option(client *c)
{
    static const char *const options[] = {
        "SET NOCOUNT ON",      "SET XACT_ABORT ON",     "SET DATEFIRST 3",
        "SET ANSI_NULLS OFF",  "SET ARITHABORT OFF",    "SET QUOTED_IDENTIFIER OFF",
        "SET TEXTSIZE 100000", "SET ANSI_WARNINGS OFF", "SET CONCAT_NULL_YIELDS_NULL OFF",
    };
    wire_answer a;
    atomic_fetch_add(&did[DID_OPTION], 1);
    if (below(c, 3) == 0) {
        c->lock_timeout = 5000 + below(c, 5000);
        if (ask(c, &a, "SET LOCK_TIMEOUT %lld SELECT @@LOCK_TIMEOUT", (long long)c->lock_timeout) &&
            is_good(c, &a, "option") && a.values[0].i != c->lock_timeout)
            violation(c, "LOCK_TIMEOUT: got %lld", (long long)a.values[0].i);
        return;
    }
    if (ask(c, &a, "%s", options[below(c, ES_COUNT_OF(options))]))
        (void)is_good(c, &a, "option");
}

static void check_option(client *c)
{
    wire_answer a;
    if (c->lock_timeout < 0)
        return;
    if (ask(c, &a, "SELECT @@LOCK_TIMEOUT") && is_good(c, &a, "option") &&
        a.values[0].i != c->lock_timeout)
        violation(c, "my LOCK_TIMEOUT of %lld has become %lld", (long long)c->lock_timeout,
                  (long long)a.values[0].i);
}

static void do_isolation(client *c)
{
    static const char *const levels[] = {"READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ",
                                         "SERIALIZABLE", "SNAPSHOT"};
    wire_answer a;
    if (wire_in_transaction(c->w))
        return;
    atomic_fetch_add(&did[DID_ISOLATION], 1);
    c->isolation = (int)below(c, ES_COUNT_OF(levels));
    if (ask(c, &a, "SET TRANSACTION ISOLATION LEVEL %s", levels[c->isolation]))
        (void)is_good(c, &a, "isolation level");
}

static void do_write(client *c)
{
    wire_answer a;
    uint64_t row = atomic_fetch_add(&next_row, 1);
    if (wire_in_transaction(c->w) || row >= rows_max)
        return;
    atomic_fetch_add(&did[DID_WRITE], 1);
    set_fate(row, FATE_MAY);
    if (!ask(c, &a, "INSERT INTO ledger (tag) VALUES (%llu)", (unsigned long long)row))
        return;
    set_fate(row, a.error == 0 ? FATE_MUST : FATE_MUST_NOT);
    if (!is_crowding(a.error))
        (void)is_good(c, &a, "write");
}

static void begin(client *c)
{
    wire_answer a;
    c->row = atomic_fetch_add(&next_row, 1);
    set_fate(c->row, FATE_MUST_NOT);
    if (!ask(c, &a, "BEGIN TRAN INSERT INTO ledger (tag) VALUES (%llu)",
             (unsigned long long)c->row))
        return;
    if (a.error != 0) {
        if (!is_crowding(a.error))
            (void)is_good(c, &a, "begin");
        c->row = 0;
        if (!c->is_broken && wire_in_transaction(c->w))
            (void)ask(c, &a, "ROLLBACK");
    } else if (!wire_in_transaction(c->w)) {
        violation(c, "no transaction is open after BEGIN TRAN");
    }
}

static void finish(client *c)
{
    wire_answer a;
    bool commits = below(c, 2) == 0;
    if (commits)
        set_fate(c->row, FATE_MAY);
    if (!ask(c, &a, commits ? "COMMIT" : "ROLLBACK"))
        return;
    set_fate(c->row, commits && a.error == 0 ? FATE_MUST : FATE_MUST_NOT);
    if (!is_crowding(a.error))
        (void)is_good(c, &a, commits ? "commit" : "rollback");
    c->row = 0;
}

static void do_transaction(client *c)
{
    atomic_fetch_add(&did[DID_TRANSACTION], 1);
    if (c->row != 0) {
        finish(c);
        return;
    }
    if (wire_in_transaction(c->w))
        return;
    begin(c);
    if (c->row == 0 || c->is_broken)
        return;
    /* Writers wait for each other: it does not stay open for long. */
    if (below(c, 3) == 0)
        c->is_leaving = true;
    else
        finish(c);
}

static void do_error(client *c)
{
    wire_answer a;
    char tag[64];
    atomic_fetch_add(&did[DID_ERROR], 1);
    (void)snprintf(tag, sizeof tag, "error of %llu.%u", (unsigned long long)c->tag, c->sequence);
    if (!ask(c, &a, "RAISERROR(N'%s', 16, 1)", tag))
        return;
    if (a.error != 50000 || strcmp(a.error_text, tag) != 0)
        violation(c, "error: got %u '%s' instead of 50000 '%s'", a.error, a.error_text, tag);
}

static void do_cancel(client *c)
{
    entrasql_error err;
    wire_answer a = {0};
    char text[128];
    bool waits = below(c, 4) == 0;
    atomic_fetch_add(&did[DID_CANCEL], 1);
    (void)snprintf(text, sizeof text, waits ? "WAITFOR DELAY '00:00:20'" : "SELECT N'tag %llu.%u'",
                   (unsigned long long)c->tag, c->sequence);
    if (!send_text(c, text))
        return;
    if (waits)
        (void)usleep(below(c, 3000));
    if (wire_attention(c->w, &err) != ENTRASQL_OK) {
        broke(c, "attention not taken", &err);
        return;
    }
    for (int messages = 0; !a.attention_seen; messages++) {
        if (messages == 2) {
            violation(c, "two answers and no acknowledgement of the attention");
            return;
        }
        if (!read_answer(c, &a))
            return;
    }
}

static void do_prepare(client *c)
{
    wire_answer a;
    atomic_fetch_add(&did[DID_PREPARE], 1);
    if (ask(c, &a, "DECLARE @h int EXEC sp_prepare @h OUTPUT, N'@a int', N'SELECT @a' SELECT @h"))
        (void)is_good(c, &a, "prepare");
}

static void act(client *c)
{
    static void (*const deeds[])(client *) = {
        do_echo,  do_echo,      do_echo,   do_echo,        do_echo,      do_large,
        do_table, do_table,     do_option, do_option,      do_write,     do_isolation,
        do_error, do_isolation, do_cancel, do_transaction, check_option, do_prepare,
    };
    deeds[below(c, ES_COUNT_OF(deeds))](c);
}

/* ---- leaving ---- */

/* Of a client that is about to vanish. */
static void never_mind(entrasql_status status)
{
    (void)status;
}

static void leave_in_the_middle(client *c)
{
    entrasql_error err;
    char text[128];
    uint64_t row = UINT64_MAX; /* of none: it has no fate */
    bool writes = below(c, 3) == 0 && !wire_in_transaction(c->w);
    atomic_fetch_add(&did[DID_CUT], 1);
    atomic_fetch_sub(&requests_left, 1);
    if (writes) {
        row = atomic_fetch_add(&next_row, 1);
        (void)snprintf(text, sizeof text, "INSERT INTO ledger (tag) VALUES (%llu)",
                       (unsigned long long)row);
    } else {
        (void)snprintf(text, sizeof text,
                       "SELECT REPLICATE(CAST(N'%012llu' AS nvarchar(max)), 20000)",
                       (unsigned long long)c->tag);
    }
    switch (below(c, 4)) {
    case 0: /* a request by half */
        set_fate(row, FATE_MUST_NOT);
        never_mind(wire_send_part(c->w, text, 1 + below(c, 100), &err));
        break;
    case 1: /* a request and no answer */
        set_fate(row, FATE_MAY);
        never_mind(wire_send(c->w, text, false, &err));
        break;
    case 2: /* an answer by half */
        set_fate(row, FATE_MAY);
        if (wire_send(c->w, text, false, &err) == ENTRASQL_OK)
            never_mind(wire_nibble(c->w, 1 + below(c, writes ? 13 : 30000), &err));
        break;
    default: /* an attention and no answer */
        set_fate(row, FATE_MAY);
        if (wire_send(c->w, text, false, &err) == ENTRASQL_OK)
            never_mind(wire_attention(c->w, &err));
        break;
    }
}

/*
 * Megabytes are on the way when it goes, and before them the same batch has left something of
 * everything: the proxy has to cancel, to read them all and to reset, before anybody is lent the
 * connection.
 */
static void leave_in_a_large_result(client *c)
{
    entrasql_error err;
    char text[512];
    uint64_t row = atomic_fetch_add(&next_row, 1);
    bool writes = below(c, 2) == 0;
    atomic_fetch_add(&did[DID_CUT_LARGE], 1);
    atomic_fetch_sub(&requests_left, 1);
    set_fate(row, FATE_MUST_NOT);
    int n = snprintf(text, sizeof text, "SET LOCK_TIMEOUT 7777 SET DATEFIRST 3%s ",
                     c->has_table ? "" : " CREATE TABLE #left (tag nvarchar(40))");
    if (writes)
        n +=
            snprintf(text + n, sizeof text - (size_t)n,
                     "BEGIN TRAN INSERT INTO ledger (tag) VALUES (%llu) ", (unsigned long long)row);
    (void)snprintf(text + n, sizeof text - (size_t)n,
                   "SELECT REPLICATE(CAST(N'%012llu' AS nvarchar(max)), %u)",
                   (unsigned long long)c->tag, 20000 + below(c, 100000));
    if (wire_send(c->w, text, false, &err) != ENTRASQL_OK)
        return;
    if (below(c, 4) > 0)
        never_mind(wire_nibble(c->w, 1 + below(c, below(c, 2) == 0 ? 2000 : 400000), &err));
    if (below(c, 4) == 0)
        never_mind(wire_attention(c->w, &err));
}

static void leave(client *c)
{
    if (!c->is_broken && below(c, 5) == 0)
        leave_in_the_middle(c);
    else if (!c->is_broken && below(c, 16) == 0)
        leave_in_a_large_result(c);
    else
        atomic_fetch_add(&did[DID_LEAVE], 1);
    if (below(c, 4) == 0)
        wire_abort(c->w);
    else
        wire_close(c->w);
    c->w = NULL;
}

/* A connection that ends before or in its login. */
static void knock(client *c)
{
    static const uint8_t prelogin[] = {0x12, 1, 0, 47, 0, 0, 1, 0, 0, 0, 26, 0, 6, 1, 0, 32, 0, 1};
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(c->to->port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
        (void)send(fd, prelogin, below(c, sizeof prelogin), MSG_NOSIGNAL);
    (void)close(fd);
}

/* ---- sessions ---- */

static bool log_in(client *c, const wire_options *o)
{
    entrasql_error err;
    if (wire_open(o, &c->w, &err) != ENTRASQL_OK) {
        violation(c, "no login: %s", err.message);
        (void)usleep(100000);
        return false;
    }
    atomic_fetch_add(&sessions, 1);
    return true;
}

/* Short-lived workers that had nothing to do. */
static void come_and_go(client *c, wire_options o)
{
    o.tls = NULL;
    for (unsigned i = 0; i < idle_logins && log_in(c, &o); i++)
        wire_close(c->w);
}

static void session(client *c)
{
    c->to = &targets[below(c, target_count)];
    c->app = below(c, ES_COUNT_OF(app_names));
    c->tag = atomic_fetch_add(&next_tag, 1);
    c->sequence = 0;
    c->row = 0;
    c->lock_timeout = -1;
    c->has_table = false;
    c->is_broken = false;
    c->is_leaving = false;
    if (below(c, 50) == 0)
        knock(c);
    const wire_options o = {.port = c->to->port,
                            .user = "any",
                            .password = "any",
                            .database = c->to->database,
                            .app_name = app_names[c->app],
                            .tls = c->to->tls != NULL && below(c, 3) > 0 ? c->to->tls : NULL,
                            .tls_in_login = c->to->tls != NULL && below(c, 2) == 0,
                            .timeout_ms = 60000};
    come_and_go(c, o);
    if (!log_in(c, &o))
        return;
    if (o.tls != NULL)
        atomic_fetch_add(&did[o.tls_in_login ? DID_TLS : DID_STRICT], 1);
    if (below(c, 8) == 0)
        look_for_prepared(c);
    if (!c->is_broken)
        look(c);
    for (unsigned n = below(c, SESSION_REQUESTS_MAX);
         n > 0 && !c->is_broken && !c->is_leaving && !is_over(); n--)
        act(c);
    leave(c);
}

static void *run_client(void *context)
{
    client *c = context;
    while (!is_over())
        session(c);
    return NULL;
}

/* ---- the ledger ---- */

static void note_found(void *ctx, const wire_answer *a)
{
    (void)ctx;
    uint64_t row = (uint64_t)a->values[0].i;
    if (row < rows_max && found[row] < 2)
        found[row]++;
}

/* All rows of all databases are in one ledger of the run. */
static void audit_database(client *c, const target *t)
{
    entrasql_error err;
    wire_answer a;
    const wire_options o = {.port = t->port,
                            .user = "any",
                            .password = "any",
                            .database = t->database,
                            .timeout_ms = 60000};
    c->to = t;
    if (wire_open(&o, &c->w, &err) != ENTRASQL_OK) {
        violation(c, "no login for the audit: %s", err.message);
        return;
    }
    wire_on_row(c->w, note_found, NULL);
    if (wire_run(c->w, "SELECT tag FROM ledger", &a, &err) != ENTRASQL_OK)
        violation(c, "no audit: %s", err.message);
    else
        (void)is_good(c, &a, "audit");
    wire_close(c->w);
}

static void audit(client *c)
{
    unsigned long rows = 0;
    for (unsigned i = 0; i < target_count; i++) {
        bool is_done = false;
        for (unsigned j = 0; j < i; j++)
            is_done = is_done || strcmp(targets[i].database, targets[j].database) == 0;
        if (!is_done)
            audit_database(c, &targets[i]);
    }
    for (uint64_t row = 1; row < rows_max; row++) {
        fate f = fates[row];
        rows += found[row];
        if (f == FATE_MUST && found[row] == 0)
            violation(c, "row %llu was told committed and is not there", (unsigned long long)row);
        if ((f == FATE_MUST_NOT || f == FATE_NONE) && found[row] > 0)
            violation(c, "row %llu is there, though it was never committed",
                      (unsigned long long)row);
        if (found[row] > 1)
            violation(c, "row %llu is there twice: a request was sent again",
                      (unsigned long long)row);
    }
    (void)printf("ledger: %lu rows\n", rows);
}

static bool read_target(char *text)
{
    target *t = &targets[target_count++];
    char *user = strchr(text, '=');
    char *database = user != NULL ? strchr(user + 1, '=') : NULL;
    if (database == NULL)
        return false;
    *user = *database = '\0';
    char *ca_file = strchr(database + 1, '=');
    *t = (target){(uint16_t)strtoul(text, NULL, 10), user + 1, database + 1, NULL};
    if (ca_file == NULL)
        return true;
    *ca_file = '\0';
    entrasql_error err;
    if (wire_tls_new(ca_file + 1, &t->tls, &err) == ENTRASQL_OK)
        return true;
    (void)fprintf(stderr, "%s: %s\n", ca_file + 1, err.message);
    return false;
}

int main(int argc, char **argv)
{
    static client clients[CLIENTS_MAX];
    static pthread_t threads[CLIENTS_MAX];
    struct timespec began;
    struct timespec ended;
    if (argc > 2 && strcmp(argv[1], "-k") == 0) {
        idle_logins = (unsigned)strtoul(argv[2], NULL, 10);
        argv += 2;
        argc -= 2;
    }
    long requests = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    for (int i = 4; i < argc && target_count < TARGETS_MAX; i++)
        if (!read_target(argv[i]))
            target_count = TARGETS_MAX + 1;
    if (target_count == 0 || target_count > TARGETS_MAX || count == 0 || count > CLIENTS_MAX) {
        (void)fprintf(stderr, "proxy_checker [-k LOGINS] REQUESTS CLIENTS SEED "
                              "PORT=USER=DATABASE[=CA_FILE] ...\n");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    atomic_store(&requests_left, requests);
    rows_max = (uint64_t)requests + 1000;
    fates = es_calloc(rows_max, 1);
    found = es_calloc(rows_max, 1);
    if (fates == NULL || found == NULL)
        return 2;
    (void)clock_gettime(CLOCK_MONOTONIC, &began);
    for (unsigned i = 0; i < count; i++) {
        clients[i] =
            (client){.number = i, .random = (seed + 1) * 0x9E3779B97F4A7C15U + i * 7919U + 1};
        if (pthread_create(&threads[i], NULL, run_client, &clients[i]) != 0)
            return 2;
    }
    for (unsigned i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL);
    (void)clock_gettime(CLOCK_MONOTONIC, &ended);
    audit(&clients[0]);
    for (int i = 0; i < DID_COUNT; i++)
        (void)printf("%s %lu%s", did_names[i], atomic_load(&did[i]),
                     i + 1 < DID_COUNT ? ", " : "\n");
    long done = requests - atomic_load(&requests_left);
    double seconds =
        (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9;
    (void)printf("checker: %ld requests, %lu sessions, %.0f a second, %lu violations\n", done,
                 atomic_load(&sessions), (double)done / seconds, atomic_load(&violations));
    for (unsigned i = 0; i < target_count; i++)
        wire_tls_free(targets[i].tls);
    es_free(fates);
    es_free(found);
    return atomic_load(&violations) == 0 ? 0 : 1;
}
