/* SPDX-License-Identifier: MIT */
/* tds: result sets written, and replies read whole, byte by byte and cut. */
#include "tds_test.h"

#include "tds/row.h"

#define LIMIT_BYTES 100000

static tds_column columns[4];
static sqlvalue first[4], second[4];

static int setup(void **state)
{
    (void)state;
    columns[0] = tds_column_of("ID", sqltype_of(SQLTYPE_INT), false, true, false);
    columns[1] =
        tds_column_of("FirstName", sqltype_string(SQLTYPE_VARCHAR, 255), true, false, false);
    columns[2] =
        tds_column_of("", sqltype_string(SQLTYPE_NVARCHAR, SQLTYPE_MAX), true, false, true);
    columns[3] = tds_column_of("t", sqltype_of(SQLTYPE_TEXT), true, false, false);
    columns[3].table[0] = "mydb";
    columns[3].table[1] = "dbo";
    columns[3].table[2] = "Notes";
    first[0] = sqlvalue_int(1);
    first[1] = sqlvalue_lend(columns[1].type.type, "Ada", 3);
    first[2] = sqlvalue_lend(columns[2].type.type, "long", 4);
    first[3] = sqlvalue_lend(columns[3].type.type, "text", 4);
    second[0] = sqlvalue_int(2);
    for (int i = 1; i < 4; i++)
        second[i] = sqlvalue_null(columns[i].type.type);
    return 0;
}

/* A reply as the emulator would send it: messages, two result sets, outputs. */
static es_buf make_reply(void)
{
    es_buf b = ES_BUF_INIT(100000);
    const uint8_t order[] = {TDS_TOKEN_ORDER, 2, 0, 1, 0};
    sqlvalue handle = sqlvalue_int(42);

    OK(tds_message_add(&b, 5701, 2, 10, "Changed database context to 'mydb'.", "srv", "", 1));
    OK(tds_envchange_add_transaction(&b, TDS_ENV_BEGIN, 0x1234));
    OK(tds_colmetadata_add(&b, columns, 4));
    OK(es_buf_add(&b, order, sizeof order));
    OK(tds_row_add(&b, columns, first, 4));
    OK(tds_nbc_row_add(&b, columns, second, 4));
    OK(tds_row_add(&b, columns, second, 4));
    OK(tds_done_add(&b, TDS_TOKEN_DONEINPROC, TDS_DONE_MORE | TDS_DONE_COUNT, 0xC1, 3));
    OK(tds_message_add(&b, 208, 1, 16, "Invalid object name 'x'.", "srv", "p", 3));
    OK(tds_return_status_add(&b, -6));
    OK(tds_return_value_add(&b, 0, "@handle", &handle));
    OK(tds_done_add(&b, TDS_TOKEN_DONEPROC, TDS_DONE_ERROR, 0xE0, 0));
    return b;
}

/* What make_reply() must give, in order. */
static void check_event(const tds_event *e, size_t at)
{
    switch (at) {
    case 0:
        assert_int_equal(e->kind, TDS_EVENT_MESSAGE);
        assert_int_equal(e->message->number, 5701);
        assert_string_equal(e->message->text, "Changed database context to 'mydb'.");
        break;
    case 1: {
        es_reader v = e->env.new_value;
        uint64_t id;
        assert_int_equal(e->kind, TDS_EVENT_ENVCHANGE);
        assert_int_equal(e->env.type, TDS_ENV_BEGIN);
        OK(es_reader_u64le(&v, &id));
        assert_true(id == 0x1234);
        break;
    }
    case 2:
        assert_int_equal(e->kind, TDS_EVENT_COLUMNS);
        assert_int_equal(e->count, 4);
        assert_string_equal(e->columns[0].name, "ID");
        assert_int_equal(e->columns[0].flags, TDS_COLUMN_IDENTITY);
        assert_int_equal(e->columns[0].type.type.id, SQLTYPE_INT);
        assert_string_equal(e->columns[1].name, "FirstName");
        assert_int_equal(e->columns[1].flags, TDS_COLUMN_NULLABLE | TDS_COLUMN_UNKNOWN_WRITE);
        assert_int_equal(e->columns[1].type.type.length, 255);
        assert_string_equal(e->columns[2].name, "");
        assert_int_equal(e->columns[3].type.type.id, SQLTYPE_TEXT);
        break;
    case 3:
        assert_int_equal(e->kind, TDS_EVENT_TOKEN);
        assert_int_equal(e->token.id, TDS_TOKEN_ORDER);
        break;
    case 4:
        assert_int_equal(e->kind, TDS_EVENT_ROW);
        for (int i = 0; i < 4; i++)
            assert_int_equal(sqlvalue_compare(&e->values[i], &first[i]), 0);
        break;
    case 5:
    case 6:
        assert_int_equal(e->kind, TDS_EVENT_ROW);
        assert_true(e->values[0].u.i == 2);
        assert_true(e->values[1].is_null && e->values[2].is_null && e->values[3].is_null);
        break;
    case 7:
        assert_int_equal(e->kind, TDS_EVENT_DONE);
        assert_int_equal(e->done.rows, 3);
        assert_int_equal(e->done.command, 0xC1);
        break;
    case 8:
        assert_int_equal(e->kind, TDS_EVENT_MESSAGE);
        assert_int_equal(e->message->line, 3);
        assert_string_equal(e->message->procedure, "p");
        break;
    case 9:
        assert_int_equal(e->kind, TDS_EVENT_RETURN_STATUS);
        assert_int_equal(e->status, -6);
        break;
    case 10:
        assert_int_equal(e->kind, TDS_EVENT_RETURN_VALUE);
        assert_string_equal(e->name, "@handle");
        assert_true(e->values[0].u.i == 42);
        break;
    case 11:
        assert_int_equal(e->kind, TDS_EVENT_DONE);
        assert_int_equal(e->done.id, TDS_TOKEN_DONEPROC);
        break;
    default:
        assert_int_equal(e->kind, TDS_EVENT_END);
        assert_int_equal(at, 12);
    }
}

static void whole_and_pieces(void **state)
{
    (void)state;
    es_buf b = make_reply();
    tds_reply *r;
    tds_event e;
    OK(tds_reply_new(LIMIT_BYTES, &r, NULL));
    for (size_t piece = 1; piece <= b.len; piece += piece < 40 ? 1 : b.len / 3) {
        size_t at = 0;
        for (size_t i = 0; i < b.len; i += piece) {
            size_t n = b.len - i < piece ? b.len - i : piece;
            entrasql_status st;
            OK(tds_reply_feed(r, b.data + i, n, i + n == b.len, NULL));
            while ((st = tds_reply_next(r, &e, NULL)) == ENTRASQL_OK) {
                check_event(&e, at++);
                if (e.kind == TDS_EVENT_END)
                    break;
            }
            assert_true(st == ENTRASQL_OK || st == ENTRASQL_AGAIN);
        }
        assert_int_equal(at, 13); /* and the reader is ready for the next message */
    }
    tds_reply_free(r);
    es_buf_done(&b);
}

/* A row is shown as soon as its last byte is in, not when the message is over. */
static void at_once(void **state)
{
    (void)state;
    es_buf b = make_reply();
    tds_reply *r;
    tds_event e;
    size_t shown = 0;
    OK(tds_reply_new(LIMIT_BYTES, &r, NULL));
    for (size_t i = 0; i + TDS_DONE_BYTES < b.len; i++) {
        OK(tds_reply_feed(r, b.data + i, 1, false, NULL));
        while (tds_reply_next(r, &e, NULL) == ENTRASQL_OK)
            shown++;
    }
    assert_int_equal(shown, 11);
    tds_reply_free(r);
    es_buf_done(&b);
}

static void every_cut(void **state)
{
    (void)state;
    es_buf b = make_reply();
    unsigned clean = 0;
    for (size_t n = 0; n < b.len; n++) {
        uint8_t *copy = exact_copy(b.data, n);
        tds_reply *r;
        tds_event e = {0};
        entrasql_error err = {0};
        entrasql_status st = ENTRASQL_OK;
        OK(tds_reply_new(LIMIT_BYTES, &r, NULL));
        OK(tds_reply_feed(r, copy, n, true, NULL));
        while (st == ENTRASQL_OK && e.kind != TDS_EVENT_END)
            st = tds_reply_next(r, &e, &err);
        if (st == ENTRASQL_OK) {
            clean++; /* between two tokens */
        } else {
            assert_int_equal(st, ENTRASQL_TRUNCATED);
            assert_true(err.message[0] != '\0');
        }
        tds_reply_free(r);
        free(copy);
    }
    assert_int_equal(clean, 12);
    es_buf_done(&b);
}

static entrasql_status read_all(const es_buf *b, entrasql_error *err)
{
    tds_reply *r;
    tds_event e = {0};
    entrasql_status st = tds_reply_new(LIMIT_BYTES, &r, err);

    if (st != ENTRASQL_OK)
        return st;
    st = tds_reply_feed(r, b->data, b->len, true, err);
    while (st == ENTRASQL_OK && e.kind != TDS_EVENT_END)
        st = tds_reply_next(r, &e, err);
    tds_reply_free(r);
    return st;
}

static void no_memory(void **state)
{
    (void)state;
    es_buf b = make_reply();
    entrasql_status st = ENTRASQL_NOMEM;
    for (unsigned long nth = 1; st != ENTRASQL_OK; nth++) {
        (void)es_mem_fail_from(nth);
        st = read_all(&b, NULL);
        (void)es_mem_fail_from(0);
        assert_true(st == ENTRASQL_OK || st == ENTRASQL_NOMEM);
        assert_true(nth < 200);
    }
    es_buf_done(&b);
}

static void bad_replies(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        entrasql_status status;
        const char *text;
    } bad[] = {
        {"D1 01000000", ENTRASQL_MALFORMED, "a row before its columns"},
        {"D2 00", ENTRASQL_MALFORMED, "a row before its columns"},
        {"00", ENTRASQL_MALFORMED, "unexpected token 0x00"},
        {"81 0110", ENTRASQL_LIMIT, "4097 columns, more than 4096"},
        {"81 0100 00000000 0000 99", ENTRASQL_MALFORMED, "unknown data type 0x99"},
        {"81 0100 00000000 0000 26 04", ENTRASQL_TRUNCATED, "ends inside a COLMETADATA token"},
        {"81 0100 00000000 0000 38 00 D1 0100", ENTRASQL_TRUNCATED,
         "the reply ends inside a ROW token"},
        {"81 0100 00000000 0000 2608 00 D1 09", ENTRASQL_MALFORMED, "9 bytes, more than its 8"},
        {"81 0100 00000000 0000 A5FFFF 00 D1 0000000001000000", ENTRASQL_LIMIT,
         "larger than the limit"},
        {"AC 0000 00", ENTRASQL_TRUNCATED, "inside a RETURNVALUE token"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(bad); i++) {
        es_buf b = from_hex(bad[i].hex);
        entrasql_error err = {0};
        entrasql_status st = read_all(&b, &err);
        if (st != bad[i].status || strstr(err.message, bad[i].text) == NULL)
            fail_msg("row %zu: status %d '%s'", i, st, err.message);
        es_buf_done(&b);
    }
}

/* Columns that repeat nothing ("no metadata") keep the ones before. */
static void no_metadata(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(1000);
    tds_reply *r;
    tds_event e;
    OK(tds_colmetadata_add(&b, columns, 1));
    OK(tds_row_add(&b, columns, first, 1));
    OK(tds_colmetadata_add(&b, NULL, 0));
    OK(tds_row_add(&b, columns, second, 1));
    OK(tds_reply_new(LIMIT_BYTES, &r, NULL));
    OK(tds_reply_feed(r, b.data, b.len, true, NULL));
    OK(tds_reply_next(r, &e, NULL));
    OK(tds_reply_next(r, &e, NULL));
    OK(tds_reply_next(r, &e, NULL));
    assert_int_equal(e.kind, TDS_EVENT_COLUMNS);
    assert_int_equal(e.count, 0);
    OK(tds_reply_next(r, &e, NULL));
    assert_int_equal(e.kind, TDS_EVENT_ROW);
    assert_true(e.values[0].u.i == 2);
    tds_reply_free(r);
    es_buf_done(&b);
}

/* A text column as SQL Server describes it: with the parts of its table's name. */
static void table_names(void **state)
{
    (void)state;
    es_buf b = from_hex("81 0100 00000000 0900 23 FFFFFF7F 0904D00034 02 0100 6400 0100 7400 "
                        "01 6300 D1 00 FD 1000 C100 0100000000000000");
    entrasql_error err;
    tds_reply *r;
    tds_event e;
    OK(tds_reply_new(LIMIT_BYTES, &r, NULL));
    OK(tds_reply_feed(r, b.data, b.len, true, NULL));
    OK(tds_reply_next(r, &e, &err));
    assert_string_equal(e.columns[0].name, "c");
    OK(tds_reply_next(r, &e, &err));
    assert_true(e.values[0].is_null);
    OK(tds_reply_next(r, &e, &err));
    assert_int_equal(e.done.rows, 1);
    tds_reply_free(r);
    es_buf_done(&b);
}

static void writers(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(1000);
    tds_column c[2] = {columns[0], columns[1]};
    OK(tds_colmetadata_add(&b, c, 2));
    assert_bytes(&b, "81 0200 00000000 1000 38 02 49004400"
                     "00000000 0900 A7 FF00 0904D00034 09 460069007200730074004E0061006D006500");
    es_buf_clear(&b);
    OK(tds_row_add(&b, c, first, 2));
    assert_bytes(&b, "D1 01000000 0300 416461");
    es_buf_clear(&b);
    OK(tds_nbc_row_add(&b, c, second, 2));
    assert_bytes(&b, "D2 02 02000000");
    es_buf_clear(&b);
    OK(tds_return_value_add(&b, 0, "@h", &first[0]));
    assert_bytes(&b, "AC 0000 02 40006800 01 00000000 0000 26 04 04 01000000");
    es_buf_clear(&b);
    /* a value that does not fit leaves nothing behind */
    sqlvalue bad[2] = {sqlvalue_int(1), sqlvalue_int(2)};
    assert_int_equal(tds_row_add(&b, c, bad, 2), ENTRASQL_INVALID);
    assert_int_equal(b.len, 0);
    assert_int_equal(tds_colmetadata_add(&b, c, TDS_COLUMNS_MAX + 1), ENTRASQL_LIMIT);
    es_buf small = ES_BUF_INIT(8);
    assert_int_equal(tds_colmetadata_add(&small, c, 2), ENTRASQL_LIMIT);
    assert_int_equal(small.len, 0);
    es_buf_done(&small);
    tds_column rv = tds_column_of("v", sqltype_of(SQLTYPE_ROWVERSION), false, false, false);
    sqlvalue version = {.type = {.id = SQLTYPE_ROWVERSION}, .u.i = 0x0102};
    OK(tds_colmetadata_add(&b, &rv, 1));
    assert_bytes(&b, "81 0100 50000000 0800 AD 0800 01 7600");
    es_buf_clear(&b);
    OK(tds_row_add(&b, &rv, &version, 1));
    assert_bytes(&b, "D1 0800 0000000000000102");
    es_buf_clear(&b);
    /* The parts of the table's name come before the column's. */
    tds_column old = tds_column_of("n", sqltype_of(SQLTYPE_IMAGE), true, false, false);
    OK(tds_colmetadata_add(&b, &old, 1));
    assert_bytes(&b, "81 0100 00000000 0900 22 FFFFFF7F 00 01 6E00");
    es_buf_clear(&b);
    old.table[0] = "m";
    old.table[1] = "dbo";
    old.table[2] = "T";
    OK(tds_colmetadata_add(&b, &old, 1));
    assert_bytes(&b, "81 0100 00000000 0900 22 FFFFFF7F 03 0100 6D00 0300 640062006F00 0100 5400"
                     " 01 6E00");
    es_buf_done(&b);
}

/* A long value that trickles in is not parsed again from its start with each packet. */
static void large_value(void **state)
{
    (void)state;
    enum { SIZE = 8 << 20, PIECE = 4096 };
    char *text = malloc(SIZE);
    es_buf b = ES_BUF_INIT(4 * (size_t)SIZE);
    tds_column c =
        tds_column_of("x", sqltype_string(SQLTYPE_VARBINARY, SQLTYPE_MAX), true, false, false);
    tds_reply *r;
    tds_event e;
    size_t shown = 0;
    assert_non_null(text);
    memset(text, 0x5A, SIZE);
    sqlvalue v = sqlvalue_lend(c.type.type, text, SIZE);
    OK(tds_colmetadata_add(&b, &c, 1));
    OK(tds_row_add(&b, &c, &v, 1));
    OK(tds_reply_new((size_t)SIZE + 100, &r, NULL));
    for (size_t i = 0; i < b.len; i += PIECE) {
        size_t n = b.len - i < PIECE ? b.len - i : PIECE;
        OK(tds_reply_feed(r, b.data + i, n, i + n == b.len, NULL));
        while (tds_reply_next(r, &e, NULL) == ENTRASQL_OK && e.kind != TDS_EVENT_END) {
            if (e.kind == TDS_EVENT_ROW)
                assert_int_equal(e.values[0].u.s.len, SIZE);
            shown++;
        }
    }
    assert_int_equal(shown, 2);
    tds_reply_free(r);
    es_buf_done(&b);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_and_pieces), cmocka_unit_test(every_cut),
        cmocka_unit_test(no_memory),        cmocka_unit_test(at_once),
        cmocka_unit_test(bad_replies),      cmocka_unit_test(no_metadata),
        cmocka_unit_test(table_names),      cmocka_unit_test(writers),
        cmocka_unit_test(large_value),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
