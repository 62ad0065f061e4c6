/* SPDX-License-Identifier: MIT */
/* sql: batches against a scripted server at the other end of a socket pair, and whole logins. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "sql/sql_inner.h"
#include "tds/request.h"

#include "../relay/fake_credential.h"
#include "../relay/fake_server.h"
#include "../tls/certs.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define OK(expr) assert_int_equal((expr), ENTRASQL_OK)

/* ---- the server ---- */

struct server;
typedef void script(struct server *s);

struct server {
    int fd;
    script *run;
    pthread_t thread;
    tds_assembler in;
    uint8_t bytes[65536];
    size_t at, len;
    size_t piece; /* bytes of one write; 0: all */
    size_t cut;   /* bytes of the reply before it closes */
    sql_conn *client;
    bool failed;
};

static void *server_main(void *arg)
{
    struct server *s = arg;
    tds_assembler_init(&s->in, 1 << 26, false, TDS_ACCEPT_REQUESTS);
    s->run(s);
    tds_assembler_done(&s->in);
    close(s->fd);
    return NULL;
}

/* The next request; false at the end. */
static bool take(struct server *s, uint8_t type)
{
    tds_assembler_next(&s->in);
    while (!s->in.complete) {
        size_t used = 0;
        if (s->at == s->len) {
            ssize_t n = read(s->fd, s->bytes, sizeof s->bytes);
            if (n <= 0)
                return false;
            s->at = 0;
            s->len = (size_t)n;
        }
        if (tds_assembler_feed(&s->in, s->bytes + s->at, s->len - s->at, &used, NULL) !=
            ENTRASQL_OK)
            abort();
        s->at += used;
    }
    if (s->in.type != type)
        s->failed = true;
    return true;
}

static void send_bytes(struct server *s, const uint8_t *p, size_t n)
{
    while (n > 0) {
        size_t part = s->piece != 0 && s->piece < n ? s->piece : n;
        ssize_t sent = send(s->fd, p, part, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        p += sent;
        n -= (size_t)sent;
    }
}

static void reply(struct server *s, es_buf *body)
{
    es_buf packets = ES_BUF_INIT(1 << 24);
    if (tds_packets_write(TDS_PACKET_REPLY, 55, 512, body->data, body->len, &packets) !=
        ENTRASQL_OK)
        abort();
    send_bytes(s, packets.data, s->cut != 0 && s->cut < packets.len ? s->cut : packets.len);
    es_buf_done(&packets);
    es_buf_done(body);
}

static void must(entrasql_status st)
{
    if (st != ENTRASQL_OK)
        abort();
}

static void add_persons(es_buf *b, unsigned count)
{
    tds_column c[2] = {
        tds_column_of("ID", sqltype_of(SQLTYPE_INT), false, true, false),
        tds_column_of("FirstName", sqltype_string(SQLTYPE_VARCHAR, 255), true, false, false)};
    must(tds_colmetadata_add(b, c, 2));
    for (unsigned i = 0; i < count; i++) {
        sqlvalue v[2] = {sqlvalue_int((int32_t)i + 1), sqlvalue_null(c[1].type.type)};
        if (i % 2 == 0)
            v[1] = sqlvalue_lend(c[1].type.type, "h\xc3\xa9llo", 6);
        must(i % 3 == 0 ? tds_nbc_row_add(b, c, v, 2) : tds_row_add(b, c, v, 2));
    }
    must(tds_done_add(b, TDS_TOKEN_DONE, TDS_DONE_COUNT, 0xC1, count));
}

/* ---- the client ---- */

struct seen {
    char text[4096]; /* what came, in order */
    unsigned rows;
    entrasql_status row_answer;
    sql_conn *cancel_at_row;
};

static void note(struct seen *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct seen *s, const char *fmt, ...)
{
    va_list ap;
    size_t n = strlen(s->text);
    va_start(ap, fmt);
    vsnprintf(s->text + n, sizeof s->text - n, fmt, ap);
    va_end(ap);
}

static entrasql_status on_columns(void *ctx, const sql_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char type[48];
        sqltype_format(columns[i].type, type, sizeof type);
        note(ctx, "%s %s%s;", columns[i].name, type, columns[i].nullable ? "" : " not null");
    }
    return ENTRASQL_OK;
}

static entrasql_status on_row(void *ctx, const sqlvalue *values, size_t count)
{
    struct seen *s = ctx;
    assert_int_equal(count, 2);
    if (s->rows++ < 3)
        note(s, "%d=%s;", (int)values[0].u.i, values[1].is_null ? "NULL" : values[1].u.s.data);
    if (s->cancel_at_row != NULL)
        sql_cancel(s->cancel_at_row);
    return s->row_answer;
}

static entrasql_status on_done(void *ctx, bool has_count, uint64_t rows)
{
    note(ctx, "done %d %u;", has_count, (unsigned)rows);
    return ENTRASQL_OK;
}

static entrasql_status on_message(void *ctx, const sql_message *m)
{
    note(ctx, "%u/%u/%u %s %s %u;", m->number, m->state, m->severity, m->text, m->server, m->line);
    return ENTRASQL_OK;
}

static sql_handler handler_of(struct seen *s)
{
    return (sql_handler){s, on_columns, on_row, on_done, on_message};
}

static sql_conn *connect_pair(struct server *s, script *run)
{
    int fds[2];
    relay_session session = {.packet_size = 4096, .tds_version = TDS_VERSION_7_4};
    sql_conn *c;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    OK(relay_stream_new(fds[0], NULL, &session.stream));
    s->fd = fds[1];
    s->run = run;
    OK(sql_conn_new(&session, &c, NULL));
    s->client = c;
    assert_int_equal(pthread_create(&s->thread, NULL, server_main, s), 0);
    return c;
}

static void finish(struct server *s, sql_conn *c)
{
    sql_close(c);
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    assert_false(s->failed);
}

/* ---- rows and messages ---- */

static void serve_select(struct server *s)
{
    while (take(s, TDS_PACKET_BATCH)) {
        es_buf b = ES_BUF_INIT(1 << 24);
        tds_batch batch;
        must(tds_batch_parse(s->in.body.data, s->in.body.len, &batch, NULL));
        s->failed = s->failed || strcmp(batch.text, "SELECT * FROM Persons") != 0;
        tds_batch_done(&batch);
        must(tds_message_add(&b, 5701, 2, 10, "Changed", "srv", "", 1));
        add_persons(&b, 500);
        reply(s, &b);
    }
}

static void rows(void **state)
{
    (void)state;
    for (size_t piece = 0; piece < 3; piece++) {
        struct server s = {.piece = piece};
        sql_conn *c = connect_pair(&s, serve_select);
        for (int again = 0; again < 2; again++) {
            struct seen seen = {0};
            sql_handler h = handler_of(&seen);
            OK(sql_batch(c, "SELECT * FROM Persons", &h, 20000, NULL));
            assert_string_equal(seen.text,
                                "5701/2/10 Changed srv 1;ID int not null;FirstName varchar(255);"
                                "1=h\xc3\xa9llo;2=NULL;3=h\xc3\xa9llo;done 1 500;");
            assert_int_equal(seen.rows, 500);
        }
        OK(sql_batch(c, "SELECT * FROM Persons", NULL, 0, NULL)); /* nobody listens */
        finish(&s, c);
    }
}

static void serve_errors(struct server *s)
{
    es_buf b = ES_BUF_INIT(1 << 20);
    if (!take(s, TDS_PACKET_BATCH))
        return;
    must(tds_message_add(&b, 229, 5, 14, "The INSERT permission was denied.", "srv", "", 7));
    must(tds_message_add(&b, 3621, 0, 0, "The statement has been terminated.", "srv", "", 7));
    must(tds_done_add(&b, TDS_TOKEN_DONE, TDS_DONE_MORE | TDS_DONE_ERROR, 0xC3, 0));
    must(tds_message_add(&b, 208, 1, 16, "Invalid object name 'x'.", "srv", "", 8));
    must(tds_done_add(&b, TDS_TOKEN_DONE, TDS_DONE_ERROR, 0xC1, 0));
    reply(s, &b);
    if (!take(s, TDS_PACKET_BATCH))
        return;
    must(tds_done_add(&b, TDS_TOKEN_DONE, TDS_DONE_ERROR, 0xC1, 0)); /* no reason told */
    reply(s, &b);
    if (!take(s, TDS_PACKET_BATCH))
        return;
    must(tds_message_add(&b, 40613, 1, 20, "Not available.", "srv", "", 1));
    must(tds_done_add(&b, TDS_TOKEN_DONE, TDS_DONE_ERROR, 0, 0));
    reply(s, &b);
}

static void errors(void **state)
{
    (void)state;
    struct server s = {0};
    sql_conn *c = connect_pair(&s, serve_errors);
    struct seen seen = {0};
    sql_handler h = handler_of(&seen);
    entrasql_error err;
    assert_int_equal(sql_batch(c, "x", &h, 20000, &err), ENTRASQL_SQL_ERROR);
    assert_int_equal(err.number, 229);
    assert_int_equal(err.state, 5);
    assert_int_equal(err.severity, 14);
    assert_int_equal(err.line, 7);
    assert_string_equal(err.message, "The INSERT permission was denied.");
    assert_string_equal(seen.text,
                        "229/5/14 The INSERT permission was denied. srv 7;3621/0/0 The statement "
                        "has been terminated. srv 7;done 0 0;208/1/16 Invalid object name 'x'. srv "
                        "8;done 0 0;");
    assert_int_equal(sql_batch(c, "x", NULL, 20000, &err), ENTRASQL_SQL_ERROR);
    assert_int_equal(err.number, 0);
    assert_int_equal(sql_batch(c, "x", NULL, 20000, &err), ENTRASQL_SQL_ERROR);
    assert_int_equal(err.number, 40613);
    /* severity 20 ended the connection */
    assert_int_equal(sql_batch(c, "x", NULL, 20000, &err), ENTRASQL_CLOSED);
    finish(&s, c);
}

/* An error, and the connection breaks behind it: the error is what counts. */
static void serve_error_and_end(struct server *s)
{
    es_buf b = ES_BUF_INIT(1 << 20);
    if (!take(s, TDS_PACKET_BATCH))
        return;
    must(tds_message_add(&b, 596, 1, 16, "The session is being killed.", "srv", "", 1));
    must(tds_done_add(&b, TDS_TOKEN_DONE, TDS_DONE_ERROR, 0, 0));
    s->cut = 8 + b.len - 1;
    reply(s, &b);
}

static void error_and_end(void **state)
{
    (void)state;
    struct server s = {0};
    sql_conn *c = connect_pair(&s, serve_error_and_end);
    entrasql_error err;
    assert_int_equal(sql_batch(c, "x", NULL, 20000, &err), ENTRASQL_SQL_ERROR);
    assert_int_equal(err.number, 596);
    assert_string_equal(err.message, "The session is being killed.");
    assert_int_equal(sql_batch(c, "x", NULL, 20000, &err), ENTRASQL_CLOSED);
    finish(&s, c);
}

/* ---- transactions ---- */

static void serve_transactions(struct server *s)
{
    static const uint64_t want[] = {0, 0x1122334455667788, 0x1122334455667788, 0};
    for (int i = 0; i < 4 && take(s, TDS_PACKET_BATCH); i++) {
        es_buf b = ES_BUF_INIT(1 << 20);
        es_reader r = es_reader_of(s->in.body.data, s->in.body.len);
        tds_headers headers;
        must(tds_headers_read(&r, &headers, NULL));
        s->failed = s->failed || headers.transaction != want[i];
        if (i == 0)
            must(tds_envchange_add_transaction(&b, TDS_ENV_BEGIN, want[1]));
        if (i == 2)
            must(tds_envchange_add_transaction(&b, TDS_ENV_ROLLBACK, want[1]));
        must(tds_done_add(&b, TDS_TOKEN_DONE, 0, 0, 0));
        reply(s, &b);
    }
}

static void transactions(void **state)
{
    (void)state;
    struct server s = {0};
    sql_conn *c = connect_pair(&s, serve_transactions);
    for (int i = 0; i < 4; i++)
        OK(sql_batch(c, "x", NULL, 20000, NULL));
    finish(&s, c);
}

/* ---- ending early ---- */

static void answer_attention(struct server *s)
{
    es_buf b = ES_BUF_INIT(1 << 20);
    must(tds_done_add(&b, TDS_TOKEN_DONE, TDS_DONE_ATTN, 0, 0));
    reply(s, &b);
}

/* Silent until it is told to stop; then as before. */
static void serve_slow(struct server *s)
{
    if (take(s, TDS_PACKET_BATCH) && take(s, TDS_PACKET_ATTENTION))
        answer_attention(s);
    serve_select(s);
}

static void timeout(void **state)
{
    (void)state;
    struct server s = {0};
    sql_conn *c = connect_pair(&s, serve_slow);
    entrasql_error err;
    assert_int_equal(sql_batch(c, "WAITFOR DELAY '1:00'", NULL, 50, &err), ENTRASQL_TIMEOUT);
    assert_string_equal(err.message, "the batch did not end within its time");
    OK(sql_batch(c, "SELECT * FROM Persons", NULL, 20000, &err));
    finish(&s, c);
}

static sql_conn *to_cancel;

static void on_alarm(int signal_number)
{
    (void)signal_number;
    sql_cancel(to_cancel);
}

static void cancel(void **state)
{
    (void)state;
    struct server s = {0};
    sql_conn *c = connect_pair(&s, serve_slow);
    struct sigaction action = {.sa_handler = on_alarm};
    struct sigaction before;
    entrasql_error err;
    to_cancel = c;
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    sql_cancel(c); /* before there is a batch: without effect on the next one */
    (void)ualarm(50000, 0);
    assert_int_equal(sql_batch(c, "WAITFOR DELAY '1:00'", NULL, 20000, &err), ENTRASQL_CANCELLED);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    OK(sql_batch(c, "SELECT * FROM Persons", NULL, 20000, &err));
    finish(&s, c);
}

/* Rows, then the answer to ATTENTION: in the same message, or after the reply was complete. */
static void serve_same_message(struct server *s)
{
    es_buf b = ES_BUF_INIT(1 << 24);
    es_buf packets = ES_BUF_INIT(1 << 24);
    es_buf rest = ES_BUF_INIT(1000);
    tds_splitter split;
    if (!take(s, TDS_PACKET_BATCH))
        return;
    add_persons(&b, 500);
    es_buf_truncate(&b, b.len - TDS_DONE_BYTES);
    tds_splitter_init(&split, TDS_PACKET_REPLY, 55, 512);
    must(tds_splitter_move(&split, &b, false, &packets));
    send_bytes(s, packets.data, packets.len);
    (void)take(s, TDS_PACKET_ATTENTION);
    es_buf_clear(&packets);
    must(tds_done_add(&b, TDS_TOKEN_DONE, TDS_DONE_ATTN, 0, 0));
    must(tds_splitter_move(&split, &b, true, &packets));
    send_bytes(s, packets.data, packets.len);
    es_buf_done(&b);
    es_buf_done(&packets);
    es_buf_done(&rest);
    serve_select(s);
}

static void serve_own_message(struct server *s)
{
    es_buf b = ES_BUF_INIT(1 << 24);
    if (!take(s, TDS_PACKET_BATCH))
        return;
    add_persons(&b, 500);
    reply(s, &b);
    if (take(s, TDS_PACKET_ATTENTION))
        answer_attention(s);
    serve_select(s);
}

static void refused_rows(void **state)
{
    (void)state;
    script *const scripts[] = {serve_same_message, serve_own_message};
    for (size_t i = 0; i < ES_COUNT_OF(scripts); i++) {
        struct server s = {0};
        sql_conn *c = connect_pair(&s, scripts[i]);
        struct seen seen = {.row_answer = ENTRASQL_LIMIT};
        sql_handler h = handler_of(&seen);
        entrasql_error err;
        assert_int_equal(sql_batch(c, "SELECT * FROM Persons", &h, 20000, &err), ENTRASQL_LIMIT);
        assert_int_equal(seen.rows, 1);
        assert_true(err.message[0] != '\0');
        OK(sql_batch(c, "SELECT * FROM Persons", NULL, 20000, &err));
        finish(&s, c);
    }
}

/* Takes ATTENTION and does not answer; the clock is moved so that nobody has to wait. */
static void serve_deaf(struct server *s)
{
    if (!take(s, TDS_PACKET_BATCH) || !take(s, TDS_PACKET_ATTENTION))
        return;
    es_clock_shift(2 * SQL_ATTENTION_WAIT_MS, 0);
    send_bytes(s, (const uint8_t *)"\x04", 1);
    (void)take(s, TDS_PACKET_BATCH);
}

static void attention_unanswered(void **state)
{
    (void)state;
    struct server s = {0};
    sql_conn *c = connect_pair(&s, serve_deaf);
    entrasql_error err;
    assert_int_equal(sql_batch(c, "x", NULL, 50, &err), ENTRASQL_TIMEOUT);
    assert_int_equal(sql_batch(c, "x", NULL, 50, &err), ENTRASQL_CLOSED);
    finish(&s, c);
}

/* ---- large batches ---- */

#define LARGE_BYTES ((size_t)8 * 1024 * 1024)

/* More than any socket takes at once. */
static char *large_text(void)
{
    char *text = malloc(LARGE_BYTES + 1);
    assert_non_null(text);
    for (size_t i = 0; i < LARGE_BYTES; i++)
        text[i] = (char)('a' + i % 23);
    text[LARGE_BYTES] = '\0';
    return text;
}

static void serve_large(struct server *s)
{
    es_buf b = ES_BUF_INIT(1 << 20);
    tds_batch batch;
    if (!take(s, TDS_PACKET_BATCH))
        return;
    must(tds_batch_parse(s->in.body.data, s->in.body.len, &batch, NULL));
    s->failed = s->failed || batch.len != LARGE_BYTES || s->in.status != TDS_STATUS_EOM;
    for (size_t i = 0; !s->failed && i < batch.len; i++)
        s->failed = batch.text[i] != (char)('a' + i % 23);
    tds_batch_done(&batch);
    must(tds_done_add(&b, TDS_TOKEN_DONE, 0, 0, 0));
    reply(s, &b);
    serve_select(s);
}

static void large(void **state)
{
    (void)state;
    struct server s = {0};
    sql_conn *c = connect_pair(&s, serve_large);
    char *text = large_text();
    OK(sql_batch(c, text, NULL, 60000, NULL));
    OK(sql_batch(c, "SELECT * FROM Persons", NULL, 20000, NULL));
    finish(&s, c);
    free(text);
}

/* A request that is not whole yet is given up, and answered as such: without ATTENTION. */
static void serve_given_up(struct server *s)
{
    es_buf b = ES_BUF_INIT(1 << 20);
    if (!take(s, TDS_PACKET_BATCH))
        return;
    s->failed = s->failed || s->in.status != (TDS_STATUS_EOM | TDS_STATUS_IGNORE) ||
                s->in.body.len >= 2 * LARGE_BYTES;
    must(tds_done_add(&b, TDS_TOKEN_DONE, TDS_DONE_ERROR, 0, 0));
    reply(s, &b);
    serve_select(s);
}

static void wait_for_bytes(const struct server *s)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    (void)poll(&p, 1, -1);
}

static void serve_cancelled(struct server *s)
{
    wait_for_bytes(s);
    sql_cancel(s->client);
    serve_given_up(s);
}

static void serve_late(struct server *s)
{
    wait_for_bytes(s);
    (void)poll(NULL, 0, 300);
    serve_given_up(s);
}

static void large_given_up(void **state)
{
    (void)state;
    static const struct {
        script *run;
        uint32_t timeout_ms;
        entrasql_status status;
        const char *text;
    } ways[] = {
        {serve_cancelled, 60000, ENTRASQL_CANCELLED, "the batch was cancelled"},
        {serve_late, 100, ENTRASQL_TIMEOUT, "the batch did not end within its time"},
    };
    char *text = large_text();
    for (size_t i = 0; i < ES_COUNT_OF(ways); i++) {
        struct server s = {0};
        sql_conn *c = connect_pair(&s, ways[i].run);
        entrasql_error err;
        assert_int_equal(sql_batch(c, text, NULL, ways[i].timeout_ms, &err), ways[i].status);
        assert_string_equal(err.message, ways[i].text);
        OK(sql_batch(c, "SELECT * FROM Persons", NULL, 20000, &err));
        finish(&s, c);
    }
    free(text);
}

static void serve_gone(struct server *s)
{
    wait_for_bytes(s);
}

static void add_refusal(es_buf *b)
{
    must(tds_message_add(b, 4002, 1, 16, "Too large.", "srv", "", 1));
    must(tds_done_add(b, TDS_TOKEN_DONE, TDS_DONE_ERROR, 0, 0));
}

static void serve_refused(struct server *s)
{
    es_buf b = ES_BUF_INIT(1 << 20);
    wait_for_bytes(s);
    add_refusal(&b);
    reply(s, &b);
}

/* It stays, and takes no more. */
static void serve_refused_and_stays(struct server *s)
{
    serve_refused(s);
    (void)poll(NULL, 0, 300);
}

static void serve_too_early(struct server *s)
{
    es_buf b = ES_BUF_INIT(1 << 20);
    wait_for_bytes(s);
    must(tds_done_add(&b, TDS_TOKEN_DONE, 0, 0, 0));
    reply(s, &b);
}

/* A server that does not take the whole batch; without a record of the error, too. */
static void large_refused(void **state)
{
    (void)state;
    static const struct {
        script *run;
        entrasql_status status;
        uint32_t number;
        const char *text;
    } ways[] = {
        {serve_gone, ENTRASQL_CLOSED, 0,
         "the server closed the connection while a batch was running"},
        {serve_refused, ENTRASQL_SQL_ERROR, 4002, "Too large."},
        {serve_refused_and_stays, ENTRASQL_SQL_ERROR, 4002, "Too large."},
        {serve_too_early, ENTRASQL_MALFORMED, 0,
         "the server replied before it had the whole batch"},
    };
    char *text = large_text();
    for (size_t i = 0; i < 2 * ES_COUNT_OF(ways); i++) {
        struct server s = {0};
        sql_conn *c = connect_pair(&s, ways[i / 2].run);
        entrasql_error err = {0};
        entrasql_status st = sql_batch(c, text, NULL, 60000, i % 2 == 0 ? &err : NULL);
        assert_int_equal(st, ways[i / 2].status);
        if (i % 2 == 0) {
            assert_string_equal(err.message, ways[i / 2].text);
            assert_int_equal(err.number, ways[i / 2].number);
        }
        assert_int_equal(sql_batch(c, "x", NULL, 20000, &err), ENTRASQL_CLOSED);
        finish(&s, c);
    }
    free(text);
}

/* ---- bad servers ---- */

static void serve_small(struct server *s)
{
    es_buf b = ES_BUF_INIT(1 << 20);
    if (!take(s, TDS_PACKET_BATCH))
        return;
    must(tds_message_add(&b, 5701, 2, 10, "Changed", "srv", "", 1));
    add_persons(&b, 2);
    reply(s, &b);
}

/* The server goes away after each number of bytes: never a hang, never a success. */
static void every_cut(void **state)
{
    (void)state;
    for (size_t cut = 1;; cut++) {
        struct server s = {.cut = cut};
        sql_conn *c = connect_pair(&s, serve_small);
        entrasql_error err = {0};
        entrasql_status st = sql_batch(c, "x", NULL, 20000, &err);
        if (st == ENTRASQL_OK) {
            assert_true(cut > 100);
            finish(&s, c);
            break;
        }
        assert_true(st == ENTRASQL_CLOSED || st == ENTRASQL_NETWORK);
        assert_true(err.message[0] != '\0');
        assert_int_equal(sql_batch(c, "x", NULL, 20000, &err), ENTRASQL_CLOSED);
        finish(&s, c);
    }
}

static const uint8_t *garbage;
static size_t garbage_len;

static void serve_garbage(struct server *s)
{
    if (take(s, TDS_PACKET_BATCH))
        send_bytes(s, garbage, garbage_len);
    (void)take(s, TDS_PACKET_BATCH);
}

static void bad_servers(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        entrasql_status status;
        const char *text;
    } bad[] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n", 28, ENTRASQL_MALFORMED, "unexpected TDS packet"},
        {"\x04\x01\x00\x04\x00\x00\x01\x00", 8, ENTRASQL_MALFORMED, ""},
        {"\x04\x01\x00\x09\x00\x00\x01\x00\xD1", 9, ENTRASQL_MALFORMED, "a row before its columns"},
        {"\x04\x01\x00\x09\x00\x00\x01\x00\x00", 9, ENTRASQL_MALFORMED, "unexpected token 0x00"},
        {"\x04\x01\x00\x09\x00\x00\x01\x00\xFD", 9, ENTRASQL_TRUNCATED, "runs past the end"},
        {"\x04\x01\x00\x08\x00\x00\x01\x00", 8, ENTRASQL_MALFORMED, "before its last statement"},
        /* DONE, and more to come that does not */
        {"\x04\x01\x00\x15\x00\x00\x01\x00\xFD\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 21,
         ENTRASQL_MALFORMED, "before its last statement"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        struct server s = {0};
        entrasql_error err = {0};
        garbage = (const uint8_t *)bad[i].bytes;
        garbage_len = bad[i].n;
        sql_conn *c = connect_pair(&s, serve_garbage);
        entrasql_status st = sql_batch(c, "x", NULL, 20000, &err);
        if (st != bad[i].status || strstr(err.message, bad[i].text) == NULL)
            fail_msg("row %zu: %d '%s'", i, st, err.message);
        assert_int_equal(sql_batch(c, "x", NULL, 20000, &err), ENTRASQL_CLOSED);
        finish(&s, c);
    }
    struct server s = {0};
    sql_conn *c = connect_pair(&s, serve_select);
    entrasql_error err;
    assert_int_equal(sql_batch(c, "\xff", NULL, 20000, &err), ENTRASQL_INVALID);
    OK(sql_batch(c, "SELECT * FROM Persons", NULL, 20000, &err)); /* nothing was sent */
    finish(&s, c);
}

/* ---- logins ---- */

static void logins(void **state)
{
    (void)state;
    static const line accept[] = {{ACT_ACCEPT, 0, NULL}};
    static const line refuse[] = {{ACT_REFUSE, 18456, "Login failed for user 'u'."}};
    fake_server server;
    entrasql_credential credential;
    conf_connstr cs;
    conf_target target;
    entrasql_error err;
    char text[200];
    sql_conn *c;

    certs_start();
    certs_make_usual();
    fake_credential_init(&credential);
    fake_server_start(&server, &(fake_server_options){.certificate = "good",
                                                      .tls = TDS_SERVER_TLS_OFFERED,
                                                      .script = accept,
                                                      .lines = 1});
    snprintf(text, sizeof text, "Server=127.0.0.1,%u;Database=mydb;APP=myapp;WSID=here",
             server.port);
    OK(conf_connstr_parse(text, &cs, NULL));
    OK(conf_target_from(&cs, &target, NULL));
    sql_open_options o = {.target = &target,
                          .credential = &credential,
                          .ca_file = certs_file("ca", ".pem"),
                          .login_timeout_ms = 20000};
    if (sql_open(&o, &c, &err) != ENTRASQL_OK)
        fail_msg("%s", err.message);
    /* it sends back what it gets: a batch is no reply */
    assert_int_equal(sql_batch(c, "x", NULL, 20000, &err), ENTRASQL_MALFORMED);
    sql_close(c);
    fake_server_stop(&server);
    assert_true(server.encrypted);
    assert_string_equal(server.token, "token-1");
    assert_string_equal(server.database, "mydb");
    assert_string_equal(server.app, "myapp");
    assert_string_equal(server.user, "");
    assert_int_equal(server.features, 2);
    assert_int_equal(server.tds_version, TDS_VERSION_7_4);

    /* a refusal comes up as it is */
    fake_server_start(&server, &(fake_server_options){.certificate = "good",
                                                      .tls = TDS_SERVER_TLS_OFFERED,
                                                      .script = refuse,
                                                      .lines = 1});
    target.port = server.port;
    target.user = es_strdup("u");
    target.password = es_strdup("p");
    o.credential = NULL;
    assert_int_equal(sql_open(&o, &c, &err), ENTRASQL_LOGIN_FAILED);
    assert_int_equal(err.number, 18456);
    fake_server_stop(&server);
    assert_string_equal(server.user, "u");
    assert_string_equal(server.password, "p");

    /* settings that contradict each other */
    o.credential = &credential;
    assert_int_equal(sql_open(&o, &c, &err), ENTRASQL_CONFIG);
    assert_string_equal(err.message, "UID cannot be combined with an Entra credential");
    conf_target_done(&target);
    conf_connstr_done(&cs);
    OK(conf_connstr_parse("Server=x", &cs, NULL));
    OK(conf_target_from(&cs, &target, NULL));
    o.credential = NULL;
    assert_int_equal(sql_open(&o, &c, &err), ENTRASQL_CONFIG);
    assert_true(err.hint[0] != '\0');
    conf_target_done(&target);
    conf_connstr_done(&cs);
    OK(conf_connstr_parse("Database=x", &cs, NULL));
    OK(conf_target_from(&cs, &target, NULL));
    assert_int_equal(sql_open(&o, &c, &err), ENTRASQL_CONFIG);
    assert_string_equal(err.message, "no server was named");
    conf_target_done(&target);
    conf_connstr_done(&cs);
    certs_end();
}

static void template_fields(void **state)
{
    (void)state;
    conf_connstr cs;
    conf_target target;
    tds_login7 l;
    OK(conf_connstr_parse("Server=h;Database=d;UID=u;PWD=p;Encrypt=strict", &cs, NULL));
    OK(conf_target_from(&cs, &target, NULL));
    sql_open_options o = {.target = &target};
    OK(sql_login_template(&o, &l, NULL));
    assert_int_equal(l.option_flags1, 0xE0);
    assert_int_equal(l.option_flags2, 0x03);
    assert_int_equal(l.lcid, 0x409);
    assert_int_equal(l.tds_version, TDS_VERSION_8_0);
    assert_string_equal(l.app_name, "entrasql");
    assert_string_equal(l.library_name, "entrasql");
    assert_string_equal(l.user_name, "u");
    assert_true(es_secret_equal(l.password, "p", 1));
    assert_true(l.host_name[0] != '\0');
    assert_non_null(tds_login7_feature(&l, TDS_FEATURE_UTF8_SUPPORT));
    tds_login7_done(&l);
    entrasql_status st = ENTRASQL_NOMEM;
    for (unsigned long nth = 1; st != ENTRASQL_OK; nth++) {
        (void)es_mem_fail_from(nth);
        st = sql_login_template(&o, &l, NULL);
        (void)es_mem_fail_from(0);
        assert_true(st == ENTRASQL_OK || st == ENTRASQL_NOMEM);
    }
    tds_login7_done(&l);
    conf_target_done(&target);
    conf_connstr_done(&cs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),
        cmocka_unit_test(errors),
        cmocka_unit_test(transactions),
        cmocka_unit_test(timeout),
        cmocka_unit_test(cancel),
        cmocka_unit_test(refused_rows),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(bad_servers),
        cmocka_unit_test(logins),
        cmocka_unit_test(template_fields),
        cmocka_unit_test(attention_unanswered),
        cmocka_unit_test(large),
        cmocka_unit_test(large_given_up),
        cmocka_unit_test(large_refused),
        cmocka_unit_test(error_and_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
