/* SPDX-License-Identifier: MIT */
/* crypto: client certificates from PEM and PKCS#12, and what is signed with them. */
#include "base/base64.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/bundle.h"
#include "crypto/jwt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PASSWORD "test-password"
/* What openssl x509 -fingerprint prints for the certificate in all of the files. */
#define SHA256 "80f5cf4bd44459cabeca53035929e8adce61401a3ace635125330a9baacd0941"
#define SHA1 "d218fed4cc5caedab60d8a3508463e1161191c77"

static es_buf read_file(const char *name)
{
    char path[512];
    es_buf out = ES_BUF_INIT(CRYPTO_BUNDLE_MAX_BYTES);
    uint8_t bytes[4096];
    size_t n;
    snprintf(path, sizeof path, "%s/%s", getenv("TEST_CERTIFICATES"), name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    while ((n = fread(bytes, 1, sizeof bytes, f)) != 0)
        assert_int_equal(es_buf_add(&out, bytes, n), ENTRASQL_OK);
    fclose(f);
    return out;
}

static entrasql_status read_bundle(const char *name, const char *password, crypto_bundle **ret,
                                   entrasql_error *err)
{
    es_buf text = read_file(name);
    entrasql_status status = crypto_bundle_read(text.data, text.len, password, ret, err);
    es_buf_done(&text);
    return status;
}

static void every_form_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        const char *password;
        size_t certs;
    } forms[] = {
        {"plain.pem", NULL, 1},       {"plain.pem", "not needed", 1},
        {"chain.pem", NULL, 3},       {"encrypted.pem", PASSWORD, 1},
        {"pkcs1.pem", NULL, 1},       {"pkcs1-encrypted.pem", PASSWORD, 1},
        {"sha256.pfx", PASSWORD, 3},  {"legacy.pfx", PASSWORD, 2},
        {"no-password.pfx", NULL, 1}, {"no-password.pfx", "", 1},
    };
    for (size_t i = 0; i < ES_COUNT_OF(forms); i++) {
        crypto_bundle *b;
        entrasql_error err;
        uint8_t hash[CRYPTO_SHA256_SIZE];
        char hex[2 * CRYPTO_SHA256_SIZE + 1];
        if (read_bundle(forms[i].file, forms[i].password, &b, &err) != ENTRASQL_OK)
            fail_msg("%s: %s", forms[i].file, err.message);
        const crypto_cert *leaf = crypto_bundle_cert(b, 0);
        assert_true(crypto_cert_matches_key(leaf, crypto_bundle_key(b)));
        assert_int_equal(crypto_cert_sha256(leaf, hash), ENTRASQL_OK);
        es_hex_encode(hash, CRYPTO_SHA256_SIZE, hex);
        assert_string_equal(hex, SHA256);
        assert_int_equal(crypto_cert_sha1(leaf, hash), ENTRASQL_OK);
        es_hex_encode(hash, CRYPTO_SHA1_SIZE, hex);
        assert_string_equal(hex, SHA1);
        /* The order in the file plays no part: each has issued the one before it. */
        for (size_t k = 1; k < forms[i].certs; k++)
            assert_true(
                crypto_cert_is_issued_by(crypto_bundle_cert(b, k - 1), crypto_bundle_cert(b, k)));
        assert_null(crypto_bundle_cert(b, forms[i].certs));
        crypto_bundle_free(b);
    }
    crypto_bundle_free(NULL);
}

static void what_is_wrong_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        const char *password;
        entrasql_status status;
        const char *words;
    } cases[] = {
        {"encrypted.pem", NULL, ENTRASQL_AUTH_FAILED, "no password was given"},
        {"encrypted.pem", "wrong", ENTRASQL_AUTH_FAILED, "password is wrong"},
        {"pkcs1-encrypted.pem", NULL, ENTRASQL_AUTH_FAILED, "no password was given"},
        {"pkcs1-encrypted.pem", "wrong", ENTRASQL_AUTH_FAILED, "password is wrong"},
        {"sha256.pfx", NULL, ENTRASQL_AUTH_FAILED, "no password was given"},
        {"sha256.pfx", "wrong", ENTRASQL_AUTH_FAILED, "password is wrong"},
        {"legacy.pfx", "wrong", ENTRASQL_AUTH_FAILED, "password is wrong"},
        {"ec.pem", NULL, ENTRASQL_UNSUPPORTED, "not RSA"},
        {"small.pem", NULL, ENTRASQL_UNSUPPORTED, "2048"},
        {"two-keys.pem", NULL, ENTRASQL_MALFORMED, "multiple private keys"},
        {"foreign.pem", NULL, ENTRASQL_MALFORMED, "belongs to the private key"},
        {"only-cert.pem", NULL, ENTRASQL_MALFORMED, "found no private key"},
        {"only-key.pem", NULL, ENTRASQL_MALFORMED, "found no certificate"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(cases); i++) {
        crypto_bundle *b;
        entrasql_error err;
        entrasql_status status = read_bundle(cases[i].file, cases[i].password, &b, &err);
        if (status != cases[i].status)
            fail_msg("%s: %s: %s", cases[i].file, entrasql_status_name(status), err.message);
        if (strstr(err.message, cases[i].words) == NULL)
            fail_msg("%s: \"%s\" is not in: %s", cases[i].file, cases[i].words, err.message);
        assert_null(strstr(err.message, PASSWORD));
    }
    crypto_bundle *b;
    entrasql_error err;
    assert_int_equal(crypto_bundle_read("", 0, NULL, &b, &err), ENTRASQL_MALFORMED);
    assert_int_equal(crypto_bundle_read("text", 4, NULL, &b, &err), ENTRASQL_MALFORMED);
    assert_int_equal(crypto_bundle_read("x", CRYPTO_BUNDLE_MAX_BYTES + 1, NULL, &b, &err),
                     ENTRASQL_LIMIT);
}

/* Cut anywhere, it is refused or (PEM with all that is needed before the cut) still whole. */
static void cut_anywhere(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        size_t step;
    } files[] = {{"chain.pem", 7}, {"encrypted.pem", 97}, {"sha256.pfx", 61}, {"legacy.pfx", 211}};
    for (size_t i = 0; i < ES_COUNT_OF(files); i++) {
        es_buf text = read_file(files[i].file);
        for (size_t n = 0; n < text.len; n += files[i].step) {
            crypto_bundle *b;
            uint8_t *part = es_malloc(n + 1); /* its end is where a reader past it is seen */
            assert_non_null(part);
            memcpy(part, text.data, n);
            if (crypto_bundle_read(part, n, PASSWORD, &b, NULL) == ENTRASQL_OK) {
                /* The end line may lack its line end; in DER nothing may lack. */
                assert_non_null(strstr(files[i].file, ".pem"));
                assert_true(n + 2 > text.len);
                crypto_bundle_free(b);
            }
            es_free(part);
        }
        es_buf_done(&text);
    }
}

static void damaged_bytes_do_no_harm(void **state)
{
    (void)state;
    static const char *const files[] = {"plain.pem", "no-password.pfx"};
    for (size_t i = 0; i < ES_COUNT_OF(files); i++) {
        es_buf text = read_file(files[i]);
        for (size_t at = 0; at < text.len; at += 23) {
            crypto_bundle *b;
            uint8_t before = text.data[at];
            text.data[at] ^= 0x15;
            if (crypto_bundle_read(text.data, text.len, NULL, &b, NULL) == ENTRASQL_OK)
                crypto_bundle_free(b);
            text.data[at] = before;
        }
        es_buf_done(&text);
    }
}

static void both_signatures_are_checked_for_real(void **state)
{
    (void)state;
    static const crypto_jwt_algorithm kinds[] = {CRYPTO_RS256, CRYPTO_PS256};
    crypto_bundle *b;
    crypto_key *public_key, *other;
    assert_int_equal(read_bundle("plain.pem", NULL, &b, NULL), ENTRASQL_OK);
    assert_int_equal(crypto_cert_public_key(crypto_bundle_cert(b, 0), &public_key, NULL),
                     ENTRASQL_OK);
    assert_int_equal(crypto_key_generate(&other, NULL), ENTRASQL_OK);
    assert_string_equal(crypto_jwt_algorithm_name(CRYPTO_PS256), "PS256");
    for (size_t i = 0; i < 2; i++) {
        es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
        crypto_jwt jwt;
        assert_int_equal(crypto_jwt_sign_with(crypto_bundle_key(b), kinds[i], "{\"alg\":\"x\"}",
                                              "{\"a\":1}", &token, NULL),
                         ENTRASQL_OK);
        assert_int_equal(crypto_jwt_parse((const char *)token.data, token.len, &jwt, NULL),
                         ENTRASQL_OK);
        assert_string_equal(jwt.header_json, "{\"alg\":\"x\"}");
        assert_int_equal(crypto_jwt_verify(&jwt, kinds[i], public_key, NULL), ENTRASQL_OK);
        assert_int_equal(crypto_jwt_verify(&jwt, kinds[1 - i], public_key, NULL),
                         ENTRASQL_AUTH_FAILED);
        assert_int_equal(crypto_jwt_verify(&jwt, kinds[i], other, NULL), ENTRASQL_AUTH_FAILED);
        jwt.signed_text[4] ^= 1;
        assert_int_equal(crypto_jwt_verify(&jwt, kinds[i], public_key, NULL), ENTRASQL_AUTH_FAILED);
        crypto_jwt_done(&jwt);
        es_buf_done(&token);
    }
    crypto_key_free(other);
    crypto_key_free(public_key);
    crypto_bundle_free(b);
}

static void client_certificates_can_be_made(void **state)
{
    (void)state;
    crypto_key *key;
    crypto_cert *cert;
    crypto_bundle *b;
    es_buf pem = ES_BUF_INIT_WIPE(CRYPTO_PEM_MAX_BYTES);
    es_buf base64 = ES_BUF_INIT(CRYPTO_PEM_MAX_BYTES);
    assert_int_equal(crypto_key_generate(&key, NULL), ENTRASQL_OK);
    assert_int_equal(crypto_cert_new_client(key, "an app", 30, &cert, NULL), ENTRASQL_OK);
    assert_int_equal(crypto_key_to_pem(key, &pem, NULL), ENTRASQL_OK);
    assert_int_equal(crypto_cert_to_pem(cert, &pem, NULL), ENTRASQL_OK);
    assert_int_equal(crypto_bundle_read(pem.data, pem.len, NULL, &b, NULL), ENTRASQL_OK);
    uint8_t made[CRYPTO_SHA256_SIZE], found[CRYPTO_SHA256_SIZE];
    assert_int_equal(crypto_cert_sha256(cert, made), ENTRASQL_OK);
    assert_int_equal(crypto_cert_sha256(crypto_bundle_cert(b, 0), found), ENTRASQL_OK);
    assert_memory_equal(made, found, sizeof made);
    /* x5c is the PEM's inside without line ends. */
    assert_int_equal(crypto_cert_to_base64(cert, &base64, NULL), ENTRASQL_OK);
    assert_non_null(memmem(pem.data, pem.len, base64.data, 64));
    crypto_bundle_free(b);
    crypto_cert_free(cert);
    crypto_key_free(key);
    es_buf_done(&pem);
    es_buf_done(&base64);
}

static void memory_may_end_anywhere(void **state)
{
    (void)state;
    es_buf text = read_file("chain.pem");
    for (unsigned long nth = 1; nth < 200; nth++) {
        crypto_bundle *b;
        (void)es_mem_fail_from(nth);
        entrasql_status status = crypto_bundle_read(text.data, text.len, NULL, &b, NULL);
        unsigned long made = es_mem_fail_from(0);
        if (status == ENTRASQL_OK)
            crypto_bundle_free(b);
        if (made < nth) {
            assert_int_equal(status, ENTRASQL_OK);
            break;
        }
        assert_int_equal(status, ENTRASQL_NOMEM);
    }
    es_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(what_is_wrong_is_told),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(damaged_bytes_do_no_harm),
        cmocka_unit_test(both_signatures_are_checked_for_real),
        cmocka_unit_test(client_certificates_can_be_made),
        cmocka_unit_test(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests_name("crypto bundle", tests, NULL, NULL);
}
