/* SPDX-License-Identifier: MIT */
/* LOGIN7: the reference vector, round trips, what drivers do, and what nobody may. */
#include "tds_test.h"

static void assert_text(const char *a, const char *b)
{
    assert_string_equal(a, b);
}

static void assert_secret(const es_secret *a, const es_secret *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a != NULL)
        assert_true(es_secret_equal(a, es_secret_reveal(b), es_secret_len(b)));
}

static void assert_same(const tds_login7 *a, const tds_login7 *b)
{
    assert_int_equal(a->tds_version, b->tds_version);
    assert_int_equal(a->packet_size, b->packet_size);
    assert_int_equal(a->client_version, b->client_version);
    assert_int_equal(a->client_pid, b->client_pid);
    assert_int_equal(a->connection_id, b->connection_id);
    assert_int_equal(a->option_flags1, b->option_flags1);
    assert_int_equal(a->option_flags2, b->option_flags2);
    assert_int_equal(a->type_flags, b->type_flags);
    assert_int_equal(a->option_flags3 | TDS_OPTION3_EXTENSION,
                     b->option_flags3 | TDS_OPTION3_EXTENSION);
    assert_int_equal(a->timezone_minutes, b->timezone_minutes);
    assert_int_equal(a->lcid, b->lcid);
    assert_memory_equal(a->client_id, b->client_id, 6);
    assert_text(a->host_name, b->host_name);
    assert_text(a->user_name, b->user_name);
    assert_text(a->app_name, b->app_name);
    assert_text(a->server_name, b->server_name);
    assert_text(a->library_name, b->library_name);
    assert_text(a->language, b->language);
    assert_text(a->database, b->database);
    assert_text(a->attach_db_file, b->attach_db_file);
    assert_secret(a->password, b->password);
    assert_secret(a->change_password, b->change_password);
    assert_secret(a->fedauth_token, b->fedauth_token);
    assert_int_equal(a->sspi_len, b->sspi_len);
    if (a->sspi_len != 0)
        assert_memory_equal(a->sspi, b->sspi, a->sspi_len);
    assert_int_equal(a->fedauth_library, b->fedauth_library);
    assert_int_equal(a->fedauth_echo, b->fedauth_echo);
    assert_int_equal(a->fedauth_workflow, b->fedauth_workflow);
    assert_int_equal(a->fedauth_nonce == NULL, b->fedauth_nonce == NULL);
    if (a->fedauth_nonce != NULL)
        assert_memory_equal(a->fedauth_nonce, b->fedauth_nonce, 32);
    assert_int_equal(a->feature_count, b->feature_count);
    for (size_t i = 0; i < a->feature_count; i++) {
        assert_int_equal(a->features[i].id, b->features[i].id);
        assert_int_equal(a->features[i].len, b->features[i].len);
        if (a->features[i].len != 0)
            assert_memory_equal(a->features[i].data, b->features[i].data, a->features[i].len);
    }
}

/* Every field filled. */
static void full_login(tds_login7 *l)
{
    static const uint8_t sspi[300] = {1, 2, 3};

    OK(tds_login7_init(l));
    l->tds_version = TDS_VERSION_7_3B;
    l->packet_size = 8000;
    l->client_version = 0x07000000;
    l->client_pid = 0xFFFFFFFF;
    l->connection_id = 5;
    l->option_flags1 = 0xE0;
    l->option_flags2 = 0x83;
    l->type_flags = TDS_TYPE_READONLY_INTENT;
    l->option_flags3 = TDS_OPTION3_CHANGE_PASSWORD;
    l->timezone_minutes = -120;
    l->lcid = 0x407;
    memcpy(l->client_id, "\x01\x02\x03\x04\x05\x06", 6);
    OK(tds_login7_set(&l->host_name, "h\xC3\xA4ndel"));
    OK(tds_login7_set(&l->user_name, "user"));
    l->password = secret("p\xE2\x82\xACss\xF0\x9F\x98\x80");
    OK(tds_login7_set(&l->app_name, "a"));
    OK(tds_login7_set(&l->server_name, "localhost,1433"));
    OK(tds_login7_set(&l->library_name, "ODBC"));
    OK(tds_login7_set(&l->language, "Deutsch"));
    OK(tds_login7_set(&l->database, "d\xF0\x9F\x98\x80"));
    OK(tds_login7_set(&l->attach_db_file, "f.mdf"));
    l->change_password = secret("new");
    l->sspi = es_memdup(sspi, sizeof sspi);
    assert_non_null(l->sspi);
    l->sspi_len = sizeof sspi;
    OK(tds_login7_add_feature(l, TDS_FEATURE_USERAGENT, "1\0|\0", 4));
    OK(tds_login7_add_feature(l, TDS_FEATURE_SESSIONRECOVERY, NULL, 0));
    OK(tds_login7_add_feature(l, TDS_FEATURE_FEDAUTH, NULL, 0));
    l->fedauth_library = TDS_FEDAUTH_SECURITYTOKEN;
    l->fedauth_token = secret("eyJ0eXAi.e30.c2ln");
    l->fedauth_nonce = es_memdup("0123456789abcdef0123456789abcdef", 32);
    assert_non_null(l->fedauth_nonce);
}

static void build_is_the_reference(void **state)
{
    (void)state;
    tds_login7 l;
    es_buf body = ES_BUF_INIT_WIPE(1000);
    es_buf packet = ES_BUF_INIT_WIPE(1000);

    vector_login(&l);
    OK(tds_login7_build(&l, &body, NULL));
    OK(tds_packets_write(TDS_PACKET_LOGIN7, 0, 4096, body.data, body.len, &packet));
    assert_bytes(&packet, VECTOR_LOGIN7_PACKET);
    tds_login7_done(&l);
    es_buf_done(&body);
    es_buf_done(&packet);
}

static void reference_is_parsed(void **state)
{
    (void)state;
    es_buf packet = from_hex(VECTOR_LOGIN7_PACKET);
    tds_login7 want;
    tds_login7 got;

    vector_login(&want);
    OK(tds_login7_parse(packet.data + 8, packet.len - 8, &got, NULL));
    assert_same(&got, &want);
    assert_int_equal(got.option_flags3, 0x18);
    tds_login7_done(&want);
    tds_login7_done(&got);
    es_buf_done(&packet);
}

static void round_trip(tds_login7 *l)
{
    es_buf body = ES_BUF_INIT_WIPE(1 << 18);
    tds_login7 got;
    tds_login7 copy;

    OK(tds_login7_build(l, &body, NULL));
    OK(tds_login7_parse(body.data, body.len, &got, NULL));
    assert_same(&got, l);
    OK(tds_login7_copy(&copy, &got));
    assert_same(&copy, l);
    tds_login7_done(&got);
    tds_login7_done(&copy);
    es_buf_done(&body);
}

static void what_is_built_is_parsed_again(void **state)
{
    (void)state;
    tds_login7 l;

    OK(tds_login7_init(&l));
    round_trip(&l); /* all empty */
    tds_login7_done(&l);

    full_login(&l);
    round_trip(&l);
    l.fedauth_library = TDS_FEDAUTH_ADAL;
    es_secret_cleanup(&l.fedauth_token);
    es_free(l.fedauth_nonce);
    l.fedauth_nonce = NULL;
    l.fedauth_workflow = 3;
    round_trip(&l);
    es_free(l.sspi);
    l.sspi = es_calloc(1, 70000); /* needs cbSSPILong */
    assert_non_null(l.sspi);
    l.sspi_len = 70000;
    round_trip(&l);
    tds_login7_done(&l);
}

static void password_is_obfuscated(void **state)
{
    (void)state;
    es_buf body = ES_BUF_INIT_WIPE(1000);
    es_buf want = from_hex("a0a5b3a5b6a5");
    tds_login7 l;

    OK(tds_login7_init(&l));
    l.password = secret("Pa1");
    OK(tds_login7_build(&l, &body, NULL));
    assert_memory_equal(body.data + 94, want.data, want.len);
    tds_login7_done(&l);
    es_buf_done(&body);
    es_buf_done(&want);
}

static void each_truncation_fails(void **state)
{
    (void)state;
    es_buf body = ES_BUF_INIT_WIPE(5000);
    tds_login7 l;

    full_login(&l);
    OK(tds_login7_build(&l, &body, NULL));
    tds_login7_done(&l);
    for (size_t n = 0; n < body.len; n++) {
        for (int adjust = 0; adjust < 2; adjust++) { /* with the old and with a matching length */
            uint8_t *copy = exact_copy(body.data, n);
            entrasql_error err;
            if (adjust != 0 && n >= 4) {
                copy[0] = (uint8_t)n;
                copy[1] = (uint8_t)(n >> 8);
            }
            assert_int_not_equal(tds_login7_parse(copy, n, &l, &err), ENTRASQL_OK);
            assert_int_not_equal(err.message[0], '\0');
            free(copy);
        }
    }
    es_buf_done(&body);
}

/* The vector with some bytes of the body changed. */
static entrasql_status parse_patched(size_t at, const char *hex, tds_login7 *l, entrasql_error *err)
{
    es_buf packet = from_hex(VECTOR_LOGIN7_PACKET);
    es_buf patch = from_hex(hex);

    memcpy(packet.data + 8 + at, patch.data, patch.len);
    uint8_t *copy = exact_copy(packet.data + 8, packet.len - 8);
    entrasql_status st = tds_login7_parse(copy, packet.len - 8, l, err);
    free(copy);
    es_buf_done(&packet);
    es_buf_done(&patch);
    return st;
}

static void broken_messages_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        const char *hex;
        const char *text;
    } cases[] = {
        {0, "b8000000", "states 184 bytes, the message has 185"},
        {36, "5d000200", "host name"}, /* reaches into the fixed part */
        {36, "ffff0200", "host name"}, /* past the end */
        {52, "6800ffff", "server name"},
        {68, "b8000100", "database name"}, /* one byte past the end */
        {44, "b8000100", "password"},
        {78, "b8000200", "SSPI"},
        {56, "94000300", "feature list"},   /* the pointer has 4 bytes */
        {56, "b6000400", "feature list"},   /* the pointer lies outside */
        {56, "00000000", "feature list"},   /* the bit promises one */
        {0x94, "5d000000", "feature list"}, /* it points into the fixed part */
        {0x94, "ffffffff", "feature list"},
        {0x94, "b9000000", "no end"},
        {0xa3, "ffffffff", "feature 0x02 runs past"},
        {0xa3, "0a000000", "the access token ends early"},
        {0xa8, "07000000", "the access token ends early"},
        {0xa8, "00000000", "a length of 0"},
        {0xa8, "04000000", "bytes follow the access token"},
        {0xb2, "02", "comes twice"},
        {0xb8, "0c", "feature 0x0c runs past"},
    };

    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        tds_login7 l;
        entrasql_error err;
        if (parse_patched(cases[i].at, cases[i].hex, &l, &err) == ENTRASQL_OK)
            fail_msg("case %zu was accepted", i);
        if (strstr(err.message, cases[i].text) == NULL)
            fail_msg("case %zu: %s", i, err.message);
        assert_null(strstr(err.message, "abc"));
    }
}

static void other_fedauth_libraries_are_refused(void **state)
{
    (void)state;
    tds_login7 l;
    entrasql_error err;

    assert_int_equal(parse_patched(0xa7, "01", &l, &err), ENTRASQL_UNSUPPORTED);
    assert_non_null(strstr(err.message, "library 0x00"));
    assert_int_equal(parse_patched(0xa7, "ff", &l, &err), ENTRASQL_UNSUPPORTED);
}

static void what_drivers_do_is_tolerated(void **state)
{
    (void)state;
    tds_login7 l;

    OK(parse_patched(40, "0000000000000000", &l, NULL)); /* empty user, password at offset 0 */
    assert_string_equal(l.user_name, "");
    assert_null(l.password);
    tds_login7_done(&l);

    OK(parse_patched(0x6a, "0000", &l, NULL)); /* a NUL inside the server name */
    assert_string_equal(l.server_name, "s");
    tds_login7_done(&l);

    OK(parse_patched(56, "a2000400", &l, NULL) == ENTRASQL_OK ? ENTRASQL_INTERNAL : ENTRASQL_OK);
    OK(parse_patched(27, "08", &l, NULL)); /* without its bit the entry means nothing */
    assert_int_equal(l.feature_count, 0);
    tds_login7_done(&l);
}

static void pointer_may_lie_behind_everything(void **state)
{
    (void)state;
    es_buf packet = from_hex(VECTOR_LOGIN7_PACKET);
    tds_login7 l;

    es_buf_consume(&packet, 8);
    size_t at = packet.len;
    OK(es_buf_u32le(&packet, 0xA2));
    es_buf_set_u32le(&packet, 0, (uint32_t)packet.len);
    es_buf_set_u16le(&packet, 56, (uint16_t)at);
    OK(tds_login7_parse(packet.data, packet.len, &l, NULL));
    assert_true(es_secret_equal(l.fedauth_token, "abc", 3));
    assert_int_equal(l.feature_count, 2);
    tds_login7_done(&l);
    es_buf_done(&packet);
}

static void old_clients_get_a_clear_answer(void **state)
{
    (void)state;
    uint8_t body[86] = {86, 0, 0, 0, 0x01, 0, 0, 0x71}; /* jTDS: 86 bytes, TDS 7.1 */
    tds_login7 l;
    entrasql_error err;

    assert_int_equal(tds_login7_parse(body, sizeof body, &l, &err), ENTRASQL_UNSUPPORTED);
    assert_non_null(strstr(err.message, "TDS 7.1"));
    assert_int_not_equal(err.hint[0], '\0');
}

static void long_texts_are_refused_when_building(void **state)
{
    (void)state;
    es_buf body = ES_BUF_INIT_WIPE(1 << 20);
    char name[130];
    tds_login7 l;
    entrasql_error err;

    memset(name, 'x', 129);
    name[129] = '\0';
    OK(tds_login7_init(&l));
    OK(tds_login7_set(&l.database, name));
    assert_int_equal(tds_login7_build(&l, &body, &err), ENTRASQL_LIMIT);
    assert_string_equal(err.message, "LOGIN7: the database name is too long");
    assert_int_equal(body.len, 0);
    name[128] = '\0';
    OK(tds_login7_set(&l.database, name));
    OK(tds_login7_build(&l, &body, &err));
    es_buf_clear(&body);
    OK(tds_login7_set(&l.database, "\xff"));
    assert_int_equal(tds_login7_build(&l, &body, &err), ENTRASQL_MALFORMED);
    OK(tds_login7_set(&l.database, ""));

    char *token = malloc(70000);
    assert_non_null(token);
    memset(token, 'T', 69999);
    token[69999] = '\0';
    OK(tds_login7_add_feature(&l, TDS_FEATURE_FEDAUTH, NULL, 0));
    l.fedauth_library = TDS_FEDAUTH_SECURITYTOKEN;
    l.fedauth_token = secret(token);
    free(token);
    assert_int_equal(tds_login7_build(&l, &body, &err), ENTRASQL_LIMIT);
    assert_null(strstr(err.message, "TTT"));
    tds_login7_done(&l);
    es_buf_done(&body);
}

static void too_many_features_are_refused(void **state)
{
    (void)state;
    es_buf body = ES_BUF_INIT(10000);
    tds_login7 l;
    entrasql_error err;

    OK(tds_login7_init(&l));
    for (uint8_t i = 0; i < TDS_FEATURES_MAX; i++)
        OK(tds_login7_add_feature(&l, (uint8_t)(0x20 + i), "x", 1));
    assert_int_equal(tds_login7_add_feature(&l, 0x70, NULL, 0), ENTRASQL_LIMIT);
    OK(tds_login7_build(&l, &body, NULL));
    tds_login7_done(&l);
    body.data[body.len - 1] = 0x70; /* one more, instead of the end */
    OK(es_buf_add(&body, "\0\0\0\0\xff", 5));
    es_buf_set_u32le(&body, 0, (uint32_t)body.len);
    assert_int_equal(tds_login7_parse(body.data, body.len, &l, &err), ENTRASQL_LIMIT);
    es_buf_done(&body);
}

static void features_are_found_and_removed(void **state)
{
    (void)state;
    tds_login7 l;

    full_login(&l);
    assert_non_null(tds_login7_feature(&l, TDS_FEATURE_SESSIONRECOVERY));
    tds_login7_remove_feature(&l, TDS_FEATURE_SESSIONRECOVERY);
    assert_null(tds_login7_feature(&l, TDS_FEATURE_SESSIONRECOVERY));
    assert_int_equal(l.feature_count, 2);
    assert_int_equal(l.features[1].id, TDS_FEATURE_FEDAUTH);
    tds_login7_done(&l);
}

static void each_failed_allocation_is_told(void **state)
{
    (void)state;
    es_buf body = ES_BUF_INIT_WIPE(5000);
    tds_login7 l;

    full_login(&l);
    OK(tds_login7_build(&l, &body, NULL));
    for (unsigned long nth = 1;; nth++) {
        tds_login7 got;
        tds_login7 copy;
        es_mem_fail_from(nth);
        entrasql_status parsed = tds_login7_parse(body.data, body.len, &got, NULL);
        entrasql_status copied = tds_login7_copy(&copy, &l);
        es_mem_fail_from(0);
        if (copied == ENTRASQL_OK)
            tds_login7_done(&copy);
        else
            assert_int_equal(copied, ENTRASQL_NOMEM);
        if (parsed == ENTRASQL_OK)
            tds_login7_done(&got);
        else
            assert_int_equal(parsed, ENTRASQL_NOMEM);
        if (parsed == ENTRASQL_OK && copied == ENTRASQL_OK)
            break;
        assert_true(nth < 1000);
    }
    tds_login7_done(&l);
    es_buf_done(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(build_is_the_reference),
        cmocka_unit_test(reference_is_parsed),
        cmocka_unit_test(what_is_built_is_parsed_again),
        cmocka_unit_test(password_is_obfuscated),
        cmocka_unit_test(each_truncation_fails),
        cmocka_unit_test(broken_messages_are_refused),
        cmocka_unit_test(other_fedauth_libraries_are_refused),
        cmocka_unit_test(what_drivers_do_is_tolerated),
        cmocka_unit_test(pointer_may_lie_behind_everything),
        cmocka_unit_test(old_clients_get_a_clear_answer),
        cmocka_unit_test(long_texts_are_refused_when_building),
        cmocka_unit_test(too_many_features_are_refused),
        cmocka_unit_test(features_are_found_and_removed),
        cmocka_unit_test(each_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
