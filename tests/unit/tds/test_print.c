/* SPDX-License-Identifier: MIT */
/* tds: requests as text, equal to what was recorded of the drivers, and without secrets. */
#include "request_samples.h"

#include "tds/print.h"

static void samples(void **state)
{
    (void)state;
    for (size_t i = 0; i < ES_COUNT_OF(request_samples); i++) {
        es_buf b = make_sample(&request_samples[i]);
        es_buf out = ES_BUF_INIT(100000);
        OK(tds_print_request(request_samples[i].type, request_samples[i].status, 0, b.data, b.len,
                             &out));
        assert_string_equal(es_buf_cstr(&out), request_samples[i].printed);
        /* cut anywhere it still prints something that ends with a newline */
        for (size_t n = 0; n < b.len; n++) {
            uint8_t *copy = exact_copy(b.data, n);
            es_buf_clear(&out);
            OK(tds_print_request(request_samples[i].type, 1, 0, copy, n, &out));
            assert_true(out.len > 0 && out.data[out.len - 1] == '\n');
            free(copy);
        }
        es_buf_done(&b);
        es_buf_done(&out);
    }
}

static void print_hex_message(uint8_t type, const char *hex, const char *want)
{
    es_buf b = from_hex(hex);
    es_buf out = ES_BUF_INIT(100000);
    OK(tds_print_request(type, 1, 0, b.data, b.len, &out));
    assert_string_equal(es_buf_cstr(&out), want);
    es_buf_done(&b);
    es_buf_done(&out);
}

static void others(void **state)
{
    (void)state;
    /* FreeTDS */
    print_hex_message(TDS_PACKET_PRELOGIN,
                      "00 001A 0006  01 0020 0001  02 0021 000C  03 002D 0004  04 0031 0001 FF"
                      "09000000 0000 00 4d5353514c53657276657200 a80d0000 00",
                      "[st=0x01 spid=0] PRELOGIN VERSION=9.0.0.0 ENCRYPTION=OFF "
                      "INSTOPT=4d5353514c53657276657200 THREADID=a80d0000 MARS=00\n");
    /* a nonce is counted, an option outside the message ends the line */
    print_hex_message(TDS_PACKET_PRELOGIN,
                      "07 000B 0020 00 0100 0006 FF "
                      "0000000000000000000000000000000000000000000000000000000"
                      "000000000",
                      "[st=0x01 spid=0] PRELOGIN NONCEOPT[32] OPTION(0x00) outside the message\n");
    print_hex_message(TDS_PACKET_FEDAUTH_TOKEN, "0A000000 06000000 610062006300",
                      "[st=0x01 spid=0] FEDAUTHTOKEN total=10 toklen=6 rest=0\n");
    print_hex_message(TDS_PACKET_ATTENTION, "", "[st=0x01 spid=0] ATTENTION [0]\n");
    print_hex_message(TDS_PACKET_SSPI, "0102", "[st=0x01 spid=0] SSPI [2]\n");
    print_hex_message(TDS_PACKET_BULK, "8102000000", "[st=0x01 spid=0] BULK [5] 8102000000\n");
    print_hex_message(0x55, "00", "[st=0x01 spid=0] type 0x55 [1]\n");
    print_hex_message(TDS_PACKET_BATCH, "16000000 12000000 0200 0000000000000000 01000000 61",
                      "[st=0x01 spid=0] SQLBATCH [23] not decoded: the batch has an odd number of "
                      "bytes\n");
    print_hex_message(TDS_PACKET_LOGIN7, "1000",
                      "[st=0x01 spid=0] LOGIN7 [2] not decoded: LOGIN7 of 2 bytes ends "
                      "early\n");
}

static es_buf print_login(const tds_login7 *l)
{
    es_buf body = ES_BUF_INIT(1 << 20);
    es_buf out = ES_BUF_INIT(100000);
    OK(tds_login7_build(l, &body, NULL));
    OK(tds_print_request(TDS_PACKET_LOGIN7, 1, 0, body.data, body.len, &out));
    es_buf_done(&body);
    return out;
}

static void logins(void **state)
{
    (void)state;
    tds_login7 l;
    vector_login(&l);
    es_buf out = print_login(&l);
    assert_string_equal(
        es_buf_cstr(&out),
        "[st=0x01 spid=0] LOGIN7 TDSver=0x74000004 packet=4096 progver=0x00000001 flags1=0xf0 "
        "flags2=0x02 type=0x00 flags3=0x18 tz=0 lcid=0x00000409 HostName='h1' UserName='' "
        "Password[0 chars] AppName='app' ServerName='s.database.windows.net' CltIntName='lib' "
        "Language='' Database='db' SSPI[0] ChangePw[0]\n"
        "    FeatureExt: FEDAUTH(0x02)[11]=03...; UTF8_SUPPORT(0x0a)[1]=01\n");
    es_buf_done(&out);
    tds_login7_done(&l);

    /* a password, and a token of the second library */
    OK(tds_login7_init(&l));
    OK(tds_login7_set(&l.user_name, "it's me"));
    l.password = secret("Geheim123");
    OK(tds_login7_add_feature(&l, TDS_FEATURE_USERAGENT, "0123456789abcdefghij", 20));
    OK(tds_login7_add_feature(&l, TDS_FEATURE_FEDAUTH, NULL, 0));
    l.fedauth_library = TDS_FEDAUTH_ADAL;
    l.fedauth_echo = true;
    l.fedauth_workflow = 1;
    out = print_login(&l);
    assert_non_null(strstr(es_buf_cstr(&out), " UserName=\"it's me\" Password[9 chars] "));
    assert_non_null(strstr(es_buf_cstr(&out),
                           "    FeatureExt: USERAGENT(0x10)[20]=30313233343536373839616263646566"
                           "...; FEDAUTH(0x02)[2]=0501\n"));
    assert_null(strstr(es_buf_cstr(&out), "Geheim"));
    es_buf_done(&out);
    tds_login7_done(&l);
}

static void texts(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", "''"},
        {"plain", "'plain'"},
        {"it's", "\"it's\""},
        {"it's \"x\"", "'it\\'s \"x\"'"},
        {"a\n\r\t\\b", "'a\\n\\r\\t\\\\b'"},
        {"\x01\x7f", "'\\x01\\x7f'"},
        {"\xc3\xa9", "'\xc3\xa9'"},
        {"\xc2\x85", "'\\x85'"},
        {"\xff", "'\\xff'"},
        {"\xed\xa0\xbd", "'\\ud83d'"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        es_buf out = ES_BUF_INIT(1000);
        OK(tds_print_text(rows[i].in, strlen(rows[i].in), &out));
        assert_string_equal(es_buf_cstr(&out), rows[i].out);
        es_buf_done(&out);
    }
}

static void secret_parameters(void **state)
{
    (void)state;
    es_buf b = ES_BUF_INIT(1000);
    es_buf out = ES_BUF_INIT(1000);
    put_headers(&b, 0);
    put_named_proc(&b, "sp_password");
    put_nvarchar(&b, "@newPassword", 10, COLLATION, "abc123");
    put_nvarchar(&b, "@\n", 10, COLLATION, "alter login x with password='abc123' old_password='q'");
    OK(tds_print_request(TDS_PACKET_RPC, 1, 0, b.data, b.len, &out));
    assert_null(strstr(es_buf_cstr(&out), "abc123"));
    /* too long for its type: not decoded, so nothing of it is shown */
    assert_non_null(strstr(es_buf_cstr(&out), "not decoded"));
    es_buf_clear(&b);
    es_buf_clear(&out);
    put_headers(&b, 0);
    put_named_proc(&b, "sp_password");
    put_nvarchar(&b, "@newPassword", 10, COLLATION, "abc123");
    put_nvarchar(&b, "@\n", 100, COLLATION,
                 "alter login x with password='abc123' old_password='q'");
    OK(tds_print_request(TDS_PACKET_RPC, 1, 0, b.data, b.len, &out));
    assert_string_equal(
        es_buf_cstr(&out),
        "[st=0x01 spid=0] RPC Name 'sp_password' flags=0x0000 {txn=0,out=1}\n"
        "      @newPassword nvarchar(10) coll=0904d00034 = ***\n"
        "      @? nvarchar(100) coll=0904d00034 = \"alter login x with password='***' "
        "old_password='***'\"\n");
    es_buf_done(&b);
    es_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples),
        cmocka_unit_test(others),
        cmocka_unit_test(logins),
        cmocka_unit_test(texts),
        cmocka_unit_test(secret_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
