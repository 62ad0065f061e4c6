/* SPDX-License-Identifier: MIT */
/* The SQL front over real sockets, with a made-up engine behind it and our client engine before it.
 */
#include "fake_engine.h"
#include "support.h"

#include "base/clock.h"
#include "base/mem.h"
#include "emulator/front/front.h"
#include "emulator/world/token.h"
#include "tds/client.h"
#include "tds/fedauth.h"
#include "tds/packet.h"
#include "tds/prelogin.h"
#include "tds/request.h"
#include "tds/row.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define OK(expr) assert_int_equal((expr), ENTRASQL_OK)
#define USER "sa"
#define PASSWORD "Front-Passw0rd"
#define WAIT_MS 10000

static world *w;
static char dir[256];
static char record_dir[300];
static engine_server *engine;
static front *f;

static void start_front(unsigned max_sessions, bool allow_clear_token)
{
    front_options o = {.world = w,
                       .engine = engine,
                       .record_dir = record_dir,
                       .allow_clear_token = allow_clear_token,
                       .login_timeout_ms = 2000,
                       .max_sessions = max_sessions};
    entrasql_error err;

    if (front_start(&o, &f, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    assert_int_not_equal(front_port(f), 0);
}

static int load(void **state)
{
    (void)state;
    engine_options o = {0};
    snprintf(dir, sizeof dir, "%s", support_make_dir());
    snprintf(record_dir, sizeof record_dir, "%s", dir);
    w = support_load(dir);
    OK(world_set_sql_login(w, USER, PASSWORD, NULL));
    OK(world_set_authority(w, "https://localhost:1"));
    OK(engine_server_open(&o, &engine, NULL));
    return 0;
}

static int unload(void **state)
{
    (void)state;
    world_free(w);
    support_remove_dir(dir);
    return 0;
}

static int open_front(void **state)
{
    (void)state;
    start_front(0, true);
    return 0;
}

static int close_front(void **state)
{
    (void)state;
    front_stop(f);
    f = NULL;
    assert_int_equal(atomic_load(&fake_engine_sessions), 0);
    return 0;
}

/* ---- a small blocking client ---- */

static int dial(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(front_port(f))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void send_bytes(int fd, const void *p, size_t n)
{
    const char *at = p;

    while (n != 0) {
        ssize_t done = send(fd, at, n, MSG_NOSIGNAL);
        assert_true(done > 0);
        at += done;
        n -= (size_t)done;
    }
}

/* 0: the server closed. */
static size_t receive(int fd, void *p, size_t n)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};

    if (poll(&pfd, 1, WAIT_MS) != 1)
        fail_msg("the front does not answer");
    ssize_t got = recv(fd, p, n, 0);
    return got > 0 ? (size_t)got : 0;
}

typedef struct way_in {
    const char *user; /* NULL: by token */
    const char *password;
    const char *token;
    bool ask;        /* library 2 */
    bool answer;     /* and answers with the token */
    bool integrated; /* neither: Windows */
    const char *database;
} way_in;

static entrasql_status finish_login(int fd, tds_client *c, const char *token, entrasql_error *err)
{
    uint8_t bytes[4096];

    for (;;) {
        es_buf *out = tds_client_output(c);
        size_t used;
        send_bytes(fd, out->data, out->len);
        es_buf_clear(out);
        if (tds_client_wants(c) == TDS_CLIENT_READY)
            return ENTRASQL_OK;
        if (tds_client_wants(c) == TDS_CLIENT_WANT_TLS ||
            tds_client_wants(c) == TDS_CLIENT_WANT_TOKEN) {
            es_secret *s = es_secret_from_str(token);
            assert_non_null(s);
            OK(tds_client_give_token(c, s, err));
            es_secret_unref(s);
            continue;
        }
        size_t n = receive(fd, bytes, sizeof bytes);
        if (n == 0)
            return tds_client_eof(c, err);
        ES_TRY(tds_client_feed(c, bytes, n, &used, err));
        assert_int_equal(used, n);
    }
}

/*
 * The client engine sends a token only over TLS, which the front's own tests
 * do without: LOGIN7 with a token is built by hand.
 */
static entrasql_status token_login(int fd, const way_in *in, entrasql_error *err)
{
    es_buf body = ES_BUF_INIT_WIPE(1 << 18);
    es_buf wire = ES_BUF_INIT_WIPE(1 << 18);
    tds_prelogin p = {.has_version = true, .has_encryption = true, .encryption = 2};
    tds_assembler a;
    tds_login7 l;
    uint8_t bytes[8192];
    size_t used;
    entrasql_status st = ENTRASQL_OK;

    OK(tds_prelogin_build(&p, TDS_PRELOGIN_REQUEST, &body));
    OK(tds_packets_write(TDS_PACKET_PRELOGIN, 0, 4096, body.data, body.len, &wire));
    send_bytes(fd, wire.data, wire.len);
    tds_assembler_init(&a, 1 << 18, false, TDS_ACCEPT(TDS_PACKET_REPLY));
    while (!a.complete) {
        size_t n = receive(fd, bytes, sizeof bytes);
        assert_true(n != 0);
        OK(tds_assembler_feed(&a, bytes, n, &used, NULL));
    }
    tds_assembler_next(&a);
    OK(tds_login7_init(&l));
    OK(tds_login7_set(&l.database, in->database));
    if (in->integrated) {
        l.option_flags2 = TDS_OPTION2_INTEGRATED;
    } else {
        OK(tds_login7_add_feature(&l, TDS_FEATURE_FEDAUTH, NULL, 0));
        l.fedauth_library = in->ask ? TDS_FEDAUTH_ADAL : TDS_FEDAUTH_SECURITYTOKEN;
        l.fedauth_token = in->ask ? NULL : es_secret_from_str(in->token);
    }
    es_buf_clear(&body);
    es_buf_clear(&wire);
    OK(tds_login7_build(&l, &body, NULL));
    OK(tds_packets_write(TDS_PACKET_LOGIN7, 0, 4096, body.data, body.len, &wire));
    send_bytes(fd, wire.data, wire.len);
    while (!a.complete) {
        size_t n = receive(fd, bytes, sizeof bytes);
        if (n == 0)
            break;
        OK(tds_assembler_feed(&a, bytes, n, &used, NULL));
    }
    if (in->answer) {
        es_secret *token = es_secret_from_str(in->token);
        tds_assembler_next(&a);
        es_buf_clear(&body);
        es_buf_clear(&wire);
        OK(tds_fedauth_message_build(token, &body, NULL));
        OK(tds_packets_write(TDS_PACKET_FEDAUTH_TOKEN, 0, 4096, body.data, body.len, &wire));
        send_bytes(fd, wire.data, wire.len);
        es_secret_unref(token);
        while (!a.complete) {
            size_t n = receive(fd, bytes, sizeof bytes);
            if (n == 0)
                break;
            OK(tds_assembler_feed(&a, bytes, n, &used, NULL));
        }
    }
    es_reader r = es_reader_of(a.body.data, a.body.len);
    while (r.left != 0) {
        tds_token t;
        tds_message m;
        OK(tds_token_next(&r, &t, NULL));
        if (t.id == TDS_TOKEN_FEDAUTHINFO)
            st = ENTRASQL_AGAIN;
        if (t.id == TDS_TOKEN_ERROR && st == ENTRASQL_OK) {
            OK(tds_message_parse(&t, &m, NULL));
            st = es_fail(err, ENTRASQL_LOGIN_FAILED, "%s", m.text);
            err->number = m.number;
            err->state = m.state;
            tds_message_done(&m);
        }
    }
    tds_login7_done(&l);
    tds_assembler_done(&a);
    es_buf_done(&body);
    es_buf_done(&wire);
    return st;
}

static entrasql_status password_login(int fd, const way_in *in, entrasql_error *err)
{
    tds_login7 l;
    tds_client *c = NULL;
    tds_client_options o = {.login = &l,
                            .server_name = "localhost",
                            .encrypt = TDS_ENCRYPT_NOT_SUPPORTED,
                            .auth = TDS_CLIENT_AUTH_PASSWORD,
                            .allow_clear_password = true};

    OK(tds_login7_init(&l));
    OK(tds_login7_set(&l.user_name, in->user));
    OK(tds_login7_set(&l.database, in->database));
    l.password = es_secret_from_str(in->password);
    OK(tds_client_new(&o, &c, err));
    entrasql_status st = finish_login(fd, c, in->token, err);
    tds_client_free(c);
    tds_login7_done(&l);
    return st;
}

static int connect_front(void)
{
    static const way_in in = {.user = USER, .password = PASSWORD, .database = "persons"};
    entrasql_error err;
    int fd = dial();

    if (password_login(fd, &in, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    return fd;
}

static void send_message(int fd, uint8_t type, uint8_t status, const es_buf *body)
{
    es_buf wire = ES_BUF_INIT(1 << 24);

    OK(tds_packets_write(type, 0, 4096, body->data, body->len, &wire));
    wire.data[1] |= status;
    send_bytes(fd, wire.data, wire.len);
    es_buf_done(&wire);
}

static void send_batch_with(int fd, const char *text, uint8_t status)
{
    es_buf body = ES_BUF_INIT(1 << 20);

    OK(tds_batch_build(text, strlen(text), 0, &body));
    send_message(fd, TDS_PACKET_BATCH, status, &body);
    es_buf_done(&body);
}

static void send_batch(int fd, const char *text)
{
    send_batch_with(fd, text, 0);
}

static void send_attention(int fd)
{
    const es_buf empty = {0};

    send_message(fd, TDS_PACKET_ATTENTION, 0, &empty);
}

/* One reply as words: "cols row row done:10:1". False when the server closed instead. */
static bool read_reply(int fd, char *words, size_t size)
{
    tds_assembler a;
    tds_reply *r = NULL;
    size_t rows = 0;

    words[0] = '\0';
    tds_assembler_init(&a, 1 << 28, false, TDS_ACCEPT(TDS_PACKET_REPLY));
    while (!a.complete) {
        uint8_t header[8];
        /* not one byte of the next reply: take header and body by themselves */
        size_t want = a.head_len < 8 ? 8 - a.head_len : a.packet_left;
        uint8_t bytes[32768];
        size_t n = receive(fd, want <= sizeof header ? header : bytes,
                           want < sizeof bytes ? want : sizeof bytes);
        size_t used;
        if (n == 0) {
            tds_assembler_done(&a);
            return false;
        }
        OK(tds_assembler_feed(&a, want <= sizeof header ? header : bytes, n, &used, NULL));
    }
    OK(tds_reply_new(1 << 28, &r, NULL));
    OK(tds_reply_feed(r, a.body.data, a.body.len, true, NULL));
    for (;;) {
        tds_event e;
        char word[64] = "";
        OK(tds_reply_next(r, &e, NULL));
        if (e.kind == TDS_EVENT_END)
            break;
        if (e.kind == TDS_EVENT_ROW) {
            rows++;
            continue;
        }
        if (rows != 0)
            (void)snprintf(words + strlen(words), size - strlen(words), " rows:%zu", rows);
        rows = 0;
        switch (e.kind) {
        case TDS_EVENT_COLUMNS:
            (void)snprintf(word, sizeof word, " cols:%zu", e.count);
            break;
        case TDS_EVENT_DONE:
            (void)snprintf(word, sizeof word, " %s:%x:%u",
                           e.done.id == TDS_TOKEN_DONE       ? "done"
                           : e.done.id == TDS_TOKEN_DONEPROC ? "proc"
                                                             : "inproc",
                           e.done.status, (unsigned)e.done.rows);
            break;
        case TDS_EVENT_MESSAGE:
            (void)snprintf(word, sizeof word, " %s:%u", e.message->severity > 10 ? "error" : "info",
                           e.message->number);
            break;
        case TDS_EVENT_ENVCHANGE:
            (void)snprintf(word, sizeof word, " env:%u", e.env.type);
            break;
        case TDS_EVENT_RETURN_STATUS:
            (void)snprintf(word, sizeof word, " status:%d", e.status);
            break;
        case TDS_EVENT_RETURN_VALUE:
            (void)snprintf(word, sizeof word, " value:%d", (int)e.values[0].u.i);
            break;
        case TDS_EVENT_ROW:
        case TDS_EVENT_TOKEN:
        case TDS_EVENT_END:
            break;
        }
        (void)snprintf(words + strlen(words), size - strlen(words), "%s", word);
    }
    tds_reply_free(r);
    tds_assembler_done(&a);
    return true;
}

static void expect(int fd, const char *want)
{
    char words[4096];

    assert_true(read_reply(fd, words, sizeof words));
    assert_string_equal(words, want);
}

static void expect_closed(int fd)
{
    char words[4096];

    if (read_reply(fd, words, sizeof words))
        fail_msg("the connection lives: %s", words);
    close(fd);
}

static void wait_for(atomic_int *what, int value)
{
    for (int i = 0; i < WAIT_MS && atomic_load(what) != value; i++)
        usleep(1000);
    assert_int_equal(atomic_load(what), value);
}

/* ---- login ---- */

static entrasql_status try_password(const char *user, const char *password, const char *database,
                                    entrasql_error *err)
{
    const way_in in = {.user = user, .password = password, .database = database};
    int fd = dial();
    entrasql_status st = password_login(fd, &in, err);

    close(fd);
    return st;
}

static void sql_logins(void **state)
{
    (void)state;
    entrasql_error err;

    OK(try_password(USER, PASSWORD, "persons", &err));
    OK(try_password(USER, PASSWORD, "", &err));
    assert_int_equal(try_password(USER, "wrong", "persons", &err), ENTRASQL_LOGIN_FAILED);
    assert_int_equal(err.number, 18456);
    assert_int_equal(err.state, 1);
    assert_int_equal(err.severity, 14);
    assert_string_equal(err.message, "Login failed for user 'sa'.");
    assert_int_equal(try_password(USER, "", "persons", &err), ENTRASQL_LOGIN_FAILED);
    assert_int_equal(try_password(USER, PASSWORD, "nothere", &err), ENTRASQL_LOGIN_FAILED);
    assert_int_equal(err.number, 4060);
    support_assert_has(err.message, "Cannot open database \"nothere\"");
    support_assert_has(err.message, "Login failed for user 'sa'.");
}

static char *issue(const char *who, const char *resource)
{
    world_token_request request = {.principal = world_principal_find(w, who), .resource = resource};
    es_buf token = ES_BUF_INIT_WIPE(1 << 16);
    int64_t expires_on = 0;

    OK(world_token_issue(w, &request, &token, &expires_on, NULL));
    return es_buf_take(&token, NULL);
}

static entrasql_status try_token(const char *token, const char *database, bool ask,
                                 entrasql_error *err)
{
    const way_in in = {
        .token = token, .database = database, .ask = ask, .answer = ask && token[0] != '\0'};
    int fd = dial();
    entrasql_status st = token_login(fd, &in, err);

    close(fd);
    return st;
}

static void expect_token_refusal(const char *token, uint8_t error_state, const char *suffix)
{
    entrasql_error err;
    char want[300];

    assert_int_equal(try_token(token, "persons", false, &err), ENTRASQL_LOGIN_FAILED);
    (void)snprintf(want, sizeof want, "Login failed for user '<token-identified principal>'.%s%s",
                   suffix[0] != '\0' ? " " : "", suffix);
    assert_string_equal(err.message, want);
    assert_int_equal(err.number, 18456);
    assert_int_equal(err.state, error_state);
}

static void token_logins(void **state)
{
    (void)state;
    entrasql_error err;
    char *good = issue("admin@contoso.example", "https://database.windows.net/");
    char *foreign = issue("admin@contoso.example", "https://management.azure.com/");
    char *forged = es_strdup(good);

    OK(try_token(good, "persons", false, &err));
    assert_int_equal(try_token("", "persons", true, &err), ENTRASQL_AGAIN); /* asks for it */
    OK(try_token(good, "persons", true, &err));
    assert_int_equal(try_token(foreign, "persons", true, &err), ENTRASQL_LOGIN_FAILED);
    assert_int_equal(try_token(good, "nothere", false, &err), ENTRASQL_LOGIN_FAILED);
    assert_int_equal(err.number, 4060);
    expect_token_refusal(foreign, 1, "Incorrect or invalid token.");
    expect_token_refusal("abc", 1, "Incorrect or invalid token.");
    char *signature = strrchr(forged, '.') + 1;
    signature[0] = signature[0] == 'A' ? 'B' : 'A';
    expect_token_refusal(forged, 1, "Incorrect or invalid token.");
    es_clock_shift(0, WORLD_IDENTITY_TOKEN_LIFETIME_S + WORLD_TOKEN_SKEW_S + 10);
    expect_token_refusal(good, 233, "Token is expired.");
    es_clock_shift(0, -(WORLD_IDENTITY_TOKEN_LIFETIME_S + WORLD_TOKEN_SKEW_S + 10));
    es_free(good);
    es_free(foreign);
    es_free(forged);
}

static void tokens_in_clear_need_leave(void **state)
{
    (void)state;
    char *good = issue("admin@contoso.example", "https://database.windows.net/");

    front_stop(f);
    start_front(0, false);
    expect_token_refusal(good, 1,
                         "A token is not accepted without encryption; connect with Encrypt=yes.");
    es_free(good);
}

static void integrated_logins_are_refused(void **state)
{
    (void)state;
    const way_in in = {.integrated = true, .database = "persons"};
    entrasql_error err;
    int fd = dial();

    assert_int_equal(token_login(fd, &in, &err), ENTRASQL_LOGIN_FAILED);
    assert_int_equal(err.number, 18452);
    close(fd);
}

/* ---- requests ---- */

static void batches(void **state)
{
    (void)state;
    int fd = connect_front();

    send_batch(fd, "rows 3");
    expect(fd, " cols:1 rows:3 done:10:3");
    send_batch(fd, "rows 0");
    expect(fd, " cols:1 done:10:0");
    send_batch(fd, "two");
    expect(fd, " cols:1 rows:1 done:11:1 cols:1 rows:2 done:10:2");
    send_batch(fd, "nothing");
    expect(fd, " done:0:0");
    send_batch(fd, "error");
    expect(fd, " error:208 done:2:0");
    send_batch(fd, "late error");
    expect(fd, " cols:1 rows:1 done:11:1 error:208 done:2:0");
    send_batch(fd, "print");
    expect(fd, " info:0 done:0:0");
    send_batch(fd, "rows 5000"); /* many packets */
    expect(fd, " cols:1 rows:5000 done:10:5000");
    send_batch(fd, "large 3000000");
    expect(fd, " cols:1 rows:1 done:10:1");
    close(fd);
}

static void transactions_show(void **state)
{
    (void)state;
    int fd = connect_front();
    es_buf body = ES_BUF_INIT(1000);
    tds_tm t = {.request = TDS_TM_BEGIN, .name = (char[]){""}, .begin_name = (char[]){""}};

    send_batch(fd, "begin");
    expect(fd, " env:8 done:4:0");
    send_batch(fd, "rows 1");
    expect(fd, " cols:1 rows:1 done:14:1");
    send_batch(fd, "commit");
    expect(fd, " env:9 done:0:0");
    OK(tds_tm_build(&t, &body));
    send_message(fd, TDS_PACKET_TM, 0, &body);
    expect(fd, " env:8 done:4:0");
    t.request = TDS_TM_ROLLBACK;
    t.begin_again = true;
    es_buf_clear(&body);
    OK(tds_tm_build(&t, &body));
    send_message(fd, TDS_PACKET_TM, 0, &body);
    expect(fd, " env:10 env:8 done:4:0");
    send_batch_with(fd, "rows 1", TDS_STATUS_RESET);
    expect(fd, " env:18 cols:1 rows:1 done:10:1");
    es_buf_done(&body);
    close(fd);
}

static void send_rpc(int fd, const char *const *texts, size_t count, bool output)
{
    tds_param params[8][2];
    tds_call calls[8];
    tds_rpc rpc = {.calls = calls, .call_count = count};
    es_buf body = ES_BUF_INIT(1 << 16);

    memset(params, 0, sizeof params);
    memset(calls, 0, sizeof calls);
    for (size_t i = 0; i < count; i++) {
        params[i][0].name = (char[]){""};
        params[i][0].type = tds_type_from(sqltype_string(SQLTYPE_NVARCHAR, 4000), true);
        params[i][0].value = sqlvalue_nvarchar(texts[i], strlen(texts[i]));
        params[i][0].value.type = sqltype_string(SQLTYPE_NVARCHAR, 4000);
        params[i][1].name = (char[]){"@out"};
        params[i][1].type = tds_type_from(sqltype_of(SQLTYPE_INT), true);
        params[i][1].value = sqlvalue_null(sqltype_of(SQLTYPE_INT));
        params[i][1].status = TDS_PARAM_OUTPUT;
        calls[i] = (tds_call){.proc_id = TDS_PROC_EXECUTESQL,
                              .params = params[i],
                              .param_count = output ? 2 : 1,
                              .separator = i + 1 < count ? 0xFF : 0};
    }
    OK(tds_rpc_build(&rpc, &body));
    send_message(fd, TDS_PACKET_RPC, 0, &body);
    es_buf_done(&body);
}

static void calls(void **state)
{
    (void)state;
    static const char *const one[] = {"rows 2"};
    static const char *const bad[] = {"error"};
    static const char *const three[] = {"rows 1", "error", "rows 2"};
    int fd = connect_front();

    send_rpc(fd, one, 1, false);
    expect(fd, " cols:1 rows:2 inproc:11:2 status:0 proc:0:0");
    send_rpc(fd, one, 1, true);
    expect(fd, " cols:1 rows:2 inproc:11:2 status:0 value:42 proc:0:0");
    send_rpc(fd, bad, 1, false);
    expect(fd, " error:208 inproc:3:0 proc:2:0");
    send_rpc(fd, three, 3, false);
    expect(fd, " cols:1 rows:1 inproc:11:1 status:0 proc:1:0 error:208 inproc:3:0 proc:3:0 cols:1 "
               "rows:2 inproc:11:2 status:0 proc:0:0");
    close(fd);
}

static void attention_is_answered_once(void **state)
{
    (void)state;
    int fd = connect_front();

    send_attention(fd); /* nothing runs */
    expect(fd, " done:20:0");
    send_batch(fd, "spin");
    wait_for(&fake_engine_running, 1);
    send_attention(fd);
    expect(fd, " done:2:0"); /* the cut-off answer, then the attention's own */
    expect(fd, " done:20:0");
    send_batch(fd, "begin");
    expect(fd, " env:8 done:4:0");
    send_batch(fd, "spin");
    send_attention(fd); /* right behind the request */
    expect(fd, " done:6:0");
    expect(fd, " done:24:0");
    send_batch(fd, "rows 1"); /* done before the attention comes */
    send_attention(fd);
    expect(fd, " cols:1 rows:1 done:14:1");
    expect(fd, " done:24:0");
    send_batch(fd, "rows 2");
    expect(fd, " cols:1 rows:2 done:14:2");
    close(fd);
}

/* A client that does not read, and then gives up: the statement stops and the ack arrives. */
static void a_slow_client_may_give_up(void **state)
{
    (void)state;
    int before = atomic_load(&fake_engine_interrupts);
    char words[4096];
    int fd = connect_front();

    send_batch(fd, "flood");
    usleep(200000); /* until every buffer on the way is full */
    assert_int_equal(atomic_load(&fake_engine_interrupts), before);
    send_attention(fd);
    assert_true(read_reply(fd, words, sizeof words));
    support_assert_has(words, " cols:1 rows:");
    assert_string_equal(words + strlen(words) - strlen(" done:2:0"), " done:2:0");
    expect(fd, " done:20:0");
    assert_int_equal(atomic_load(&fake_engine_interrupts), before + 1);
    send_batch(fd, "rows 1");
    expect(fd, " cols:1 rows:1 done:10:1");
    close(fd);
}

static void a_client_that_leaves_stops_its_statement(void **state)
{
    (void)state;
    static const char *const what[] = {"spin", "flood"};

    for (size_t i = 0; i < ES_COUNT_OF(what); i++) {
        int fd = connect_front();
        send_batch(fd, what[i]);
        wait_for(&fake_engine_running, 1);
        close(fd);
        wait_for(&fake_engine_sessions, 0);
    }
}

static void requests_given_up_half_way(void **state)
{
    (void)state;
    int fd = connect_front();

    send_batch_with(fd, "spin", TDS_STATUS_IGNORE);
    expect(fd, " done:2:0");
    send_batch(fd, "rows 1");
    expect(fd, " cols:1 rows:1 done:10:1");
    close(fd);
}

static void bulk_load(void **state)
{
    (void)state;
    es_buf body = ES_BUF_INIT(1000);
    char words[4096];
    int fd = connect_front();
    tds_column column = tds_column_of("a", sqltype_of(SQLTYPE_INT), true, false, false);
    sqlvalue value = sqlvalue_int(7);

    OK(tds_colmetadata_add(&body, &column, 1));
    OK(tds_row_add(&body, &column, &value, 1));
    OK(tds_row_add(&body, &column, &value, 1));
    OK(tds_done_add(&body, TDS_TOKEN_DONE, 0, 0, 0));
    send_message(fd, TDS_PACKET_BULK, 0, &body);
    expect(fd, " done:10:2");
    /* A short count is enough. */
    es_buf_truncate(&body, body.len - 4);
    send_message(fd, TDS_PACKET_BULK, 0, &body);
    expect(fd, " done:10:2");
    /* Without its end it is a broken stream. */
    es_buf_truncate(&body, body.len - 10);
    send_message(fd, TDS_PACKET_BULK, 0, &body);
    assert_true(read_reply(fd, words, sizeof words));
    support_assert_has(words, " error:4002");
    es_buf_done(&body);
    close(fd);
}

/* ---- bad input ---- */

static void broken_requests_end_their_connection_only(void **state)
{
    (void)state;
    static const uint8_t types[] = {TDS_PACKET_BATCH, TDS_PACKET_RPC, TDS_PACKET_TM};
    int other = connect_front();

    for (size_t i = 0; i < sizeof types; i++) {
        es_buf body = ES_BUF_INIT(100);
        char words[4096];
        int fd = connect_front();
        OK(es_buf_add(&body, "\xff\xff\xff\xff\x01", 5));
        send_message(fd, types[i], 0, &body);
        assert_true(read_reply(fd, words, sizeof words));
        support_assert_has(words, " error:4002 ");
        expect_closed(fd);
        es_buf_done(&body);
    }
    int fd = connect_front();
    send_bytes(fd, "\x04\x01\x00\x08\0\0\0\0", 8); /* a type that clients do not send */
    expect_closed(fd);
    fd = connect_front();
    send_bytes(fd, "\x01\x01\x00\x02\0\0\0\0", 8);
    expect_closed(fd);
    fd = connect_front();
    send_batch(fd, "fatal");
    expect(fd, " error:50000 done:2:0");
    expect_closed(fd);
    fd = connect_front();
    send_batch(fd, "broken");
    expect(fd, " error:596 done:2:0");
    expect_closed(fd);
    send_batch(other, "rows 1");
    expect(other, " cols:1 rows:1 done:10:1");
    close(other);
}

static void garbage_before_the_login(void **state)
{
    (void)state;
    static const char *const openings[] = {
        "GET / HTTP/1.1\r\n\r\n",
        "\x16\x03\x01",
        "\x12\x01",
        "\x12\x01\xff\xff________________",
        "\x12\x01\x00\x09\x01\x01\x01\x01x",
    };

    for (size_t i = 0; i < ES_COUNT_OF(openings); i++) {
        int fd = dial();
        send_bytes(fd, openings[i], strlen(openings[i]));
        shutdown(fd, SHUT_WR);
        uint8_t bytes[4096];
        while (receive(fd, bytes, sizeof bytes) != 0)
            continue;
        close(fd);
    }
    int fd = connect_front();
    send_batch(fd, "rows 1");
    expect(fd, " cols:1 rows:1 done:10:1");
    close(fd);
}

static void silent_clients_are_dropped(void **state)
{
    (void)state;
    int fd = dial();
    uint8_t byte;

    assert_int_equal(receive(fd, &byte, 1), 0); /* the login has 2 s here */
    close(fd);
}

static void too_many_sessions(void **state)
{
    (void)state;
    entrasql_error err;
    front_stop(f);
    start_front(2, true);
    int a = connect_front();
    int b = connect_front();

    assert_int_equal(try_password(USER, PASSWORD, "persons", &err), ENTRASQL_LOGIN_FAILED);
    assert_int_equal(err.number, 10928);
    close(a);
    wait_for(&fake_engine_sessions, 1);
    usleep(50000); /* its slot is given back a moment later */
    OK(try_password(USER, PASSWORD, "persons", &err));
    close(b);
}

static void stopping_ends_running_statements(void **state)
{
    (void)state;
    int fd = connect_front();
    int idle = connect_front();
    int half = dial();

    send_batch(fd, "spin");
    wait_for(&fake_engine_running, 1);
    front_stop(f);
    f = NULL;
    assert_int_equal(atomic_load(&fake_engine_sessions), 0);
    close(fd);
    close(idle);
    close(half);
}

/* ---- records ---- */

static void records_hold_requests_and_no_secrets(void **state)
{
    (void)state;
    char path[400];
    char *text = calloc(1, 65536);
    char *token = issue("admin@contoso.example", "https://database.windows.net/");
    entrasql_error err;

    front_stop(f);
    start_front(0, true); /* numbers begin anew */
    int fd = connect_front();
    send_batch(fd, "rows 1");
    expect(fd, " cols:1 rows:1 done:10:1");
    close(fd);
    OK(try_token(token, "persons", false, &err));
    OK(try_token(token, "persons", true, &err));
    wait_for(&fake_engine_sessions, 0);
    front_stop(f);
    f = NULL;
    for (int i = 1; i <= 3; i++) {
        (void)snprintf(path, sizeof path, "%s/connection-%04d.txt", record_dir, i);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        text[fread(text, 1, 65535, file)] = '\0';
        fclose(file);
        support_assert_has(text, "---- connection\n");
        support_assert_has(text, "PRELOGIN VERSION=");
        support_assert_has(text, "LOGIN7 TDSver=0x74000004");
        support_assert_has(text, "C closed\n");
        if (i == 1)
            support_assert_has(text, "'rows 1'");
        if (i == 3)
            support_assert_has(text, "FEDAUTHTOKEN total=");
        assert_null(strstr(text, PASSWORD));
        assert_null(strstr(text, token));
        assert_null(strstr(text, strrchr(token, '.') + 1));
    }
    free(text);
    es_free(token);
}

#define FRONT_TEST(name) cmocka_unit_test_setup_teardown(name, open_front, close_front)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRONT_TEST(sql_logins),
        FRONT_TEST(token_logins),
        FRONT_TEST(tokens_in_clear_need_leave),
        FRONT_TEST(integrated_logins_are_refused),
        FRONT_TEST(batches),
        FRONT_TEST(transactions_show),
        FRONT_TEST(calls),
        FRONT_TEST(attention_is_answered_once),
        FRONT_TEST(a_slow_client_may_give_up),
        FRONT_TEST(a_client_that_leaves_stops_its_statement),
        FRONT_TEST(requests_given_up_half_way),
        FRONT_TEST(bulk_load),
        FRONT_TEST(broken_requests_end_their_connection_only),
        FRONT_TEST(garbage_before_the_login),
        FRONT_TEST(silent_clients_are_dropped),
        FRONT_TEST(too_many_sessions),
        FRONT_TEST(stopping_ends_running_statements),
        FRONT_TEST(records_hold_requests_and_no_secrets),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
