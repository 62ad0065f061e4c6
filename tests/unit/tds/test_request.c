/* SPDX-License-Identifier: MIT */
/* tds: requests of real drivers parsed, cut at every length, built and parsed again. */
#include "request_samples.h"

#include "tds/request.h"

#define VALUE_LIMIT 100000

static void parse_any(uint8_t type, const uint8_t *p, size_t n, entrasql_status *ret,
                      entrasql_error *err)
{
    tds_rpc rpc;
    tds_batch batch;
    tds_tm tm;

    if (type == TDS_PACKET_RPC) {
        *ret = tds_rpc_parse(p, n, VALUE_LIMIT, &rpc, err);
        if (*ret == ENTRASQL_OK)
            tds_rpc_done(&rpc);
    } else if (type == TDS_PACKET_BATCH) {
        *ret = tds_batch_parse(p, n, &batch, err);
        if (*ret == ENTRASQL_OK)
            tds_batch_done(&batch);
    } else {
        *ret = tds_tm_parse(p, n, &tm, err);
        if (*ret == ENTRASQL_OK)
            tds_tm_done(&tm);
    }
}

static void every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(request_samples); i++) {
        es_buf whole = make_sample(&request_samples[i]);
        for (size_t n = 0; n <= whole.len; n++) {
            uint8_t *copy = exact_copy(whole.data, n);
            entrasql_error err = {0};
            entrasql_status st;
            parse_any(request_samples[i].type, copy, n, &st, &err);
            if (n == whole.len)
                OK(st);
            /* a batch may end anywhere, an RPC between parameters; never without a reason */
            if (st != ENTRASQL_OK)
                assert_true(err.message[0] != '\0');
            if (n < 22)
                assert_int_not_equal(st, ENTRASQL_OK);
            free(copy);
        }
        es_buf_done(&whole);
    }
}

static void no_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(request_samples); i++) {
        es_buf whole = make_sample(&request_samples[i]);
        entrasql_status st = ENTRASQL_NOMEM;
        for (unsigned long nth = 1; st != ENTRASQL_OK; nth++) {
            (void)es_mem_fail_from(nth);
            parse_any(request_samples[i].type, whole.data, whole.len, &st, NULL);
            (void)es_mem_fail_from(0);
            assert_true(st == ENTRASQL_OK || st == ENTRASQL_NOMEM);
            assert_true(nth < 200);
        }
        es_buf_done(&whole);
    }
}

static void rpc_values(void **state)
{
    (void)state;
    es_buf b = make_sample(&request_samples[0]);
    tds_rpc rpc;
    entrasql_error err;
    OK(tds_rpc_parse(b.data, b.len, VALUE_LIMIT, &rpc, &err));
    assert_int_equal(rpc.call_count, 1);
    assert_true(rpc.headers.has_transaction && rpc.headers.transaction == 0x4ee);
    tds_call *c = &rpc.calls[0];
    assert_null(c->name);
    assert_int_equal(c->proc_id, 13);
    assert_int_equal(c->param_count, 10);
    assert_int_equal(c->params[0].status, TDS_PARAM_OUTPUT);
    assert_true(c->params[0].value.is_null && c->params[0].value.type.id == SQLTYPE_INT);
    assert_true(c->params[1].type.type.length == SQLTYPE_MAX);
    assert_string_equal(c->params[2].value.u.s.data,
                        "insert into o1(n,d,dt,u,b,f,bt) output inserted.id "
                        "values(@P1,@P2,@P3,@P4,@P5,@P6,@P7)");
    assert_string_equal(c->params[3].value.u.s.data, "h\xc3\xa9llo");
    assert_int_equal(c->params[3].value.type.length, 10);
    assert_true(c->params[4].value.u.dec.magnitude == 1250);
    assert_int_equal(c->params[4].value.type.id, SQLTYPE_NUMERIC);
    assert_int_equal(c->params[4].value.type.scale, 2);
    assert_true(c->params[5].value.u.ticks ==
                0x0b4646 * SQLTYPE_TICKS_PER_DAY + 0x2b25 * SQLTYPE_TICKS_PER_SECOND);
    assert_int_equal(c->params[7].value.u.s.len, 2);
    assert_true(c->params[8].value.u.f == 1.5);
    assert_true(c->params[9].value.u.i == 1);
    tds_rpc_done(&rpc);
    es_buf_done(&b);
}

static void rpc_calls(void **state)
{
    (void)state;
    es_buf b = make_sample(&request_samples[2]);
    tds_rpc rpc;
    OK(tds_rpc_parse(b.data, b.len, VALUE_LIMIT, &rpc, NULL));
    assert_int_equal(rpc.call_count, 2);
    assert_int_equal(rpc.calls[0].separator, 0xFF);
    assert_int_equal(rpc.calls[1].separator, 0);
    assert_string_equal(rpc.calls[1].params[1].value.u.s.data, "fb");
    tds_rpc_done(&rpc);
    OK(es_buf_u8(&b, 0xFF)); /* one more at the end says nothing */
    OK(tds_rpc_parse(b.data, b.len, VALUE_LIMIT, &rpc, NULL));
    assert_int_equal(rpc.call_count, 2);
    tds_rpc_done(&rpc);
    es_buf_done(&b);

    /* 0x80 is a separator unless a name of 128 characters begins there */
    b = (es_buf)ES_BUF_INIT(10000);
    put_headers(&b, 0);
    put_proc(&b, 15, 0);
    put_int(&b, "", 0, 1);
    put(&b, "80");
    put_proc(&b, 15, 0);
    char name[129] = "@";
    memset(name + 1, 'x', 127);
    put_int(&b, name, 0, 7);
    OK(tds_rpc_parse(b.data, b.len, VALUE_LIMIT, &rpc, NULL));
    assert_int_equal(rpc.call_count, 2);
    assert_int_equal(rpc.calls[1].param_count, 1);
    assert_string_equal(rpc.calls[1].params[0].name, name);
    tds_rpc_done(&rpc);
    es_buf_done(&b);
}

/* build(parse(x)) parses to the same; names, values and flags survive. */
static void rebuild(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(request_samples); i++) {
        if (request_samples[i].type != TDS_PACKET_RPC)
            continue;
        es_buf b = make_sample(&request_samples[i]);
        es_buf again = ES_BUF_INIT(100000);
        tds_rpc x, y;
        OK(tds_rpc_parse(b.data, b.len, VALUE_LIMIT, &x, NULL));
        OK(tds_rpc_build(&x, &again));
        OK(tds_rpc_parse(again.data, again.len, VALUE_LIMIT, &y, NULL));
        assert_int_equal(x.call_count, y.call_count);
        for (size_t c = 0; c < x.call_count; c++) {
            assert_int_equal(x.calls[c].proc_id, y.calls[c].proc_id);
            assert_int_equal(x.calls[c].param_count, y.calls[c].param_count);
            for (size_t p = 0; p < x.calls[c].param_count; p++) {
                const tds_param *a = &x.calls[c].params[p];
                const tds_param *d = &y.calls[c].params[p];
                assert_string_equal(a->name, d->name);
                assert_int_equal(a->status, d->status);
                assert_true(sqltype_equal(a->type.type, d->type.type));
                assert_int_equal(a->value.is_null, d->value.is_null);
                if (!a->value.is_null)
                    assert_int_equal(sqlvalue_compare(&a->value, &d->value), 0);
            }
        }
        tds_rpc_done(&x);
        tds_rpc_done(&y);
        es_buf_done(&b);
        es_buf_done(&again);
    }
}

static void batches(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(1000);
    tds_batch t;
    OK(tds_batch_build("select N'h\xc3\xa9 \xf0\x9f\x98\x80'", 18, 0x1234, &b));
    OK(tds_batch_parse(b.data, b.len, &t, NULL));
    assert_int_equal(t.len, 18);
    assert_string_equal(t.text, "select N'h\xc3\xa9 \xf0\x9f\x98\x80'");
    assert_true(t.headers.transaction == 0x1234 && t.headers.outstanding == 1);
    tds_batch_done(&t);
    entrasql_error err;
    assert_int_equal(tds_batch_parse(b.data, b.len - 1, &t, &err), ENTRASQL_MALFORMED);
    assert_string_equal(err.message, "the batch has an odd number of bytes");
    OK(tds_batch_parse(b.data, 22, &t, NULL)); /* an empty batch */
    assert_int_equal(t.len, 0);
    tds_batch_done(&t);
    es_buf_done(&b);
}

static void transactions(void **state)
{
    (void)state;
    tds_tm in = {.request = TDS_TM_COMMIT, .begin_again = true, .isolation = 4};
    tds_tm out;
    es_buf b = ES_BUF_INIT(1000);
    char name[] = "tx1";
    in.begin_name = name;
    in.headers.transaction = 77;
    OK(tds_tm_build(&in, &b));
    OK(tds_tm_parse(b.data, b.len, &out, NULL));
    assert_true(out.begin_again && out.isolation == 4 && out.headers.transaction == 77);
    assert_string_equal(out.begin_name, "tx1");
    assert_string_equal(out.name, "");
    tds_tm_done(&out);
    es_buf_done(&b);
    /* tiberius tells characters. */
    b = from_hex("16000000 12000000 0200 0000000000000000 01000000 0900 03 740078003100");
    OK(tds_tm_parse(b.data, b.len, &out, NULL));
    assert_string_equal(out.name, "tx1");
    tds_tm_done(&out);
    es_buf_done(&b);
    b = (es_buf)ES_BUF_INIT(1000);
    for (unsigned r = TDS_TM_BEGIN; r <= TDS_TM_SAVE; r++) {
        if (r == TDS_TM_PROMOTE)
            continue;
        in = (tds_tm){.request = (uint16_t)r, .name = name, .isolation = 2};
        OK(tds_tm_build(&in, &b));
        OK(tds_tm_parse(b.data, b.len, &out, NULL));
        assert_string_equal(out.name, "tx1");
        tds_tm_done(&out);
        es_buf_done(&b);
    }
}

static void bad_requests(void **state)
{
    (void)state;
#define HEADERS "16000000 12000000 0200 0000000000000000 01000000"
    static const struct {
        uint8_t type;
        const char *hex;
        entrasql_status status;
        const char *text;
    } rows[] = {
        {TDS_PACKET_BATCH, "", ENTRASQL_TRUNCATED, "the request ends inside its headers"},
        {TDS_PACKET_BATCH, "03000000", ENTRASQL_MALFORMED,
         "the headers of the request have a length of 3"},
        {TDS_PACKET_BATCH, "FFFFFFFF 00", ENTRASQL_TRUNCATED, "ends inside its headers"},
        {TDS_PACKET_BATCH, "0A000000 05000000 0200", ENTRASQL_MALFORMED, "a length of 5"},
        {TDS_PACKET_BATCH, "0A000000 06000000 0200", ENTRASQL_MALFORMED,
         "bad or second transaction descriptor"},
        {TDS_PACKET_RPC, HEADERS, ENTRASQL_TRUNCATED, "the RPC request ends early"},
        {TDS_PACKET_RPC, HEADERS "FFFF 1000 0000", ENTRASQL_MALFORMED,
         "there is no procedure number 16"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0000 0000", ENTRASQL_MALFORMED,
         "there is no procedure number 0"},
        {TDS_PACKET_RPC, HEADERS "0000 0000", ENTRASQL_MALFORMED, "a length of 0 characters"},
        {TDS_PACKET_RPC, HEADERS "FFFE 0000", ENTRASQL_MALFORMED, "a length of 65279 characters"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 99", ENTRASQL_MALFORMED,
         "unknown data type 0x99"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 F3", ENTRASQL_UNSUPPORTED,
         "table-valued parameters are not supported"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 08 26 04 00", ENTRASQL_UNSUPPORTED,
         "encrypted parameters are not supported"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 26 03 00", ENTRASQL_MALFORMED,
         "type intN cannot have a length of 3"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 26 04 02 0000", ENTRASQL_MALFORMED,
         "a value of type intN cannot have a length of 2"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 26 04 08 0000", ENTRASQL_MALFORMED,
         "a value of type intN has 8 bytes, more than its 4"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 6A 05 27 00 00", ENTRASQL_MALFORMED,
         "type decimal cannot have a precision of 39"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 6A 05 03 04 00", ENTRASQL_MALFORMED,
         "type decimal cannot have a scale of 4 with a precision of 3"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 6A 12 03 01 00", ENTRASQL_MALFORMED,
         "type decimal cannot have a length of 18"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 6A 05 03 01 05 02 01000000",
         ENTRASQL_MALFORMED,
         "Parameter 1 (\"\"): The supplied value is not a valid instance of data type decimal."},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 6A 05 03 01 05 01 E8030000",
         ENTRASQL_MALFORMED,
         "Parameter 1 (\"\"): The supplied value is not a valid instance of data type decimal."},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 2A 08 00", ENTRASQL_MALFORMED,
         "type datetime2 cannot have a scale of 8"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 28 03 FFFFFF", ENTRASQL_MALFORMED,
         "Parameter 1 (\"\"): The supplied value is not a valid instance of data type date."},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 29 00 03 805101", ENTRASQL_MALFORMED,
         "Parameter 1 (\"\"): The supplied value is not a valid instance of data type time."},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 E7 0300 0904D00034 0000", ENTRASQL_MALFORMED,
         "type nvarchar cannot have a length of 3"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 E7 421F 0904D00034 0000", ENTRASQL_MALFORMED,
         "type nvarchar cannot have a length of 8002"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 EF FFFF 0904D00034 0000", ENTRASQL_MALFORMED,
         "type nchar cannot have a length of 65535"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 E7 0400 0904D00034 0300 616161",
         ENTRASQL_MALFORMED, "a value of type nvarchar cannot have a length of 3"},
        {TDS_PACKET_RPC,
         HEADERS "FFFF 0A00 0000 00 00 E7 FFFF 0904D00034 0400000000000000 "
                 "02000000 6100 00000000",
         ENTRASQL_MALFORMED, "has 2 bytes in its chunks, not the 4 it tells"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 E7 FFFF 0904D00034 FFFFFFFFFFFFFF7F",
         ENTRASQL_LIMIT, "is larger than the limit of 100000 bytes"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 A5 FFFF FEFFFFFFFFFFFFFF FFFFFF7F",
         ENTRASQL_LIMIT, "is larger than the limit of 100000 bytes"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 63 FFFFFFFF 0904D00034 F0FFFF7F",
         ENTRASQL_LIMIT, "is larger than the limit of 100000 bytes"},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 6D 08 08 000000000000F07F",
         ENTRASQL_MALFORMED,
         "Parameter 1 (\"\"): The supplied value is not a valid instance of data type floatN."},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 6F 08 08 FFFFFF7F 00000000",
         ENTRASQL_MALFORMED,
         "Parameter 1 (\"\"): The supplied value is not a valid instance of data type datetimeN."},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 6F 08 08 00000000 00828B01",
         ENTRASQL_MALFORMED,
         "Parameter 1 (\"\"): The supplied value is not a valid instance of data type datetimeN."},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 2B 00 08 000000 000000 FFFF",
         ENTRASQL_MALFORMED,
         "Parameter 1 (\"\"): The supplied value is not a valid instance of data type "
         "datetimeoffset."},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 2B 00 08 7F5101 DAB937 0100",
         ENTRASQL_MALFORMED,
         "Parameter 1 (\"\"): The supplied value is not a valid instance of data type "
         "datetimeoffset."},
        {TDS_PACKET_RPC, HEADERS "FFFF 0A00 0000 00 00 2B 00 08 000000 DAB937 4903",
         ENTRASQL_MALFORMED,
         "Parameter 1 (\"\"): The supplied value is not a valid instance of data type "
         "datetimeoffset."},
        {TDS_PACKET_RPC, HEADERS "0100 0000 0000", ENTRASQL_MALFORMED,
         "a name in the RPC request is not well formed"},
        {TDS_PACKET_TM, HEADERS, ENTRASQL_TRUNCATED, "ends early"},
        {TDS_PACKET_TM, HEADERS "0500", ENTRASQL_TRUNCATED, "ends early"},
        {TDS_PACKET_TM, HEADERS "0500 06 00", ENTRASQL_MALFORMED, "no isolation level 6"},
        {TDS_PACKET_TM, HEADERS "0500 00 01 61", ENTRASQL_MALFORMED, "odd number of bytes"},
        {TDS_PACKET_TM, HEADERS "0500 00 00 00", ENTRASQL_MALFORMED, "1 bytes too many"},
        {TDS_PACKET_TM, HEADERS "0000 0000", ENTRASQL_UNSUPPORTED, "distributed transactions"},
        {TDS_PACKET_TM, HEADERS "6300 0000", ENTRASQL_MALFORMED, "request 99"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        es_buf b = from_hex(rows[i].hex);
        entrasql_error err = {0};
        entrasql_status st;
        parse_any(rows[i].type, b.data, b.len, &st, &err);
        if (st != rows[i].status || strstr(err.message, rows[i].text) == NULL)
            fail_msg("row %zu: status %d '%s'", i, st, err.message);
        es_buf_done(&b);
    }
}

static void a_decimal_that_repeats_its_type(void **state)
{
    (void)state;
    tds_rpc rpc;
    es_buf b = from_hex("16000000 12000000 0200 0000000000000000 01000000 FFFF 0A00 0000 "
                        "00 00 6A 6A 05 02 05 01 39300000");
    OK(tds_rpc_parse(b.data, b.len, VALUE_LIMIT, &rpc, NULL));
    assert_int_equal(rpc.calls[0].params[0].type.type.precision, 5);
    assert_false(rpc.calls[0].params[0].value.is_null);
    tds_rpc_done(&rpc);
    es_buf_done(&b);
}

static void limits(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(1 << 20);
    tds_rpc rpc;
    entrasql_error err;
    put_headers(&b, 0);
    put_proc(&b, 10, 0);
    for (unsigned i = 0; i < TDS_PARAMS_MAX; i++)
        put(&b, "00 00 26 01 00");
    OK(tds_rpc_parse(b.data, b.len, VALUE_LIMIT, &rpc, &err));
    assert_int_equal(rpc.calls[0].param_count, TDS_PARAMS_MAX);
    tds_rpc_done(&rpc);
    put(&b, "00 00 26 01 00");
    assert_int_equal(tds_rpc_parse(b.data, b.len, VALUE_LIMIT, &rpc, &err), ENTRASQL_LIMIT);
    assert_string_equal(err.message, "the request has more than 2100 parameters");
    es_buf_clear(&b);
    put_headers(&b, 0);
    for (unsigned i = 0; i <= TDS_CALLS_MAX; i++)
        put(&b, "FFFF 0F00 0000 FF");
    assert_int_equal(tds_rpc_parse(b.data, b.len, VALUE_LIMIT, &rpc, &err), ENTRASQL_LIMIT);
    es_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(rpc_values),
        cmocka_unit_test(rpc_calls),
        cmocka_unit_test(rebuild),
        cmocka_unit_test(batches),
        cmocka_unit_test(transactions),
        cmocka_unit_test(bad_requests),
        cmocka_unit_test(a_decimal_that_repeats_its_type),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
