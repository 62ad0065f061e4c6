/* SPDX-License-Identifier: MIT */
/* crypto: digests, keys, signed tokens and what may be done to them, certificates and their limits.
 */
#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "crypto/jwt.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static crypto_key *key_a; /* making RSA keys is slow: two serve all tests */
static crypto_key *key_b;

static int make_keys(void **state)
{
    (void)state;
    return crypto_key_generate(&key_a, NULL) == ENTRASQL_OK &&
                   crypto_key_generate(&key_b, NULL) == ENTRASQL_OK
               ? 0
               : 1;
}

static int free_keys(void **state)
{
    (void)state;
    crypto_key_free(key_a);
    crypto_key_free(key_b);
    return 0;
}

static void assert_hex(const uint8_t *p, size_t n, const char *expected)
{
    char hex[2 * 64 + 1];
    assert_true(n <= 64);
    es_hex_encode(p, n, hex);
    assert_string_equal(hex, expected);
}

/* FIPS 180-2 appendix, RFC 4231 case 2. */
static void digests_give_published_values(void **state)
{
    (void)state;
    uint8_t out[CRYPTO_SHA256_SIZE];
    assert_int_equal(crypto_sha256("abc", 3, out), ENTRASQL_OK);
    assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(crypto_sha256(NULL, 0, out), ENTRASQL_OK);
    assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(crypto_sha1("abc", 3, out), ENTRASQL_OK);
    assert_hex(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_int_equal(crypto_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out),
                     ENTRASQL_OK);
    assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    /* RFC 7914, section 11: the first 32 of its 64 bytes. */
    assert_int_equal(crypto_pbkdf2_sha256("passwd", 6, "salt", 4, 1, out), ENTRASQL_OK);
    assert_hex(out, 32, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
    assert_int_equal(crypto_pbkdf2_sha256("Password", 8, "NaCl", 4, 80000, out), ENTRASQL_OK);
    assert_hex(out, 32, "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
    assert_int_equal(crypto_pbkdf2_sha256("passwd", 6, "salt", 4, 0, out), ENTRASQL_LIMIT);
}

static void key_survives_its_pem_form(void **state)
{
    (void)state;
    ES_CLEANUP(es_buf_done) es_buf pem = ES_BUF_INIT_WIPE(CRYPTO_PEM_MAX_BYTES);
    crypto_key *again = NULL;
    assert_int_equal(crypto_key_to_pem(key_a, &pem, NULL), ENTRASQL_OK);
    assert_int_equal(crypto_key_from_pem((const char *)pem.data, pem.len, &again, NULL),
                     ENTRASQL_OK);
    assert_string_equal(crypto_key_id(again), crypto_key_id(key_a));
    assert_string_not_equal(crypto_key_id(again), crypto_key_id(key_b));
    assert_int_equal(strlen(crypto_key_id(again)), 43);
    crypto_key_free(again);
}

static void key_reader_refuses_what_is_not_a_key(void **state)
{
    (void)state;
    entrasql_error err;
    crypto_key *key = NULL;
    ES_CLEANUP(es_buf_done) es_buf pem = ES_BUF_INIT_WIPE(CRYPTO_PEM_MAX_BYTES);
    assert_int_equal(crypto_key_from_pem("", 0, &key, &err), ENTRASQL_MALFORMED);
    assert_int_equal(crypto_key_to_pem(key_a, &pem, NULL), ENTRASQL_OK);
    for (size_t cut = 0; cut + 2 < pem.len; cut++)
        assert_int_not_equal(crypto_key_from_pem((const char *)pem.data, cut, &key, &err),
                             ENTRASQL_OK);
    assert_int_equal(
        crypto_key_from_pem((const char *)pem.data, CRYPTO_PEM_MAX_BYTES + 1, &key, &err),
        ENTRASQL_LIMIT);
    assert_null(key);
}

static void key_reader_refuses_other_algorithms(void **state)
{
    (void)state;
    static const int nids[] = {EVP_PKEY_EC, EVP_PKEY_RSA};
    for (size_t i = 0; i < ES_COUNT_OF(nids); i++) {
        EVP_PKEY *pkey = nids[i] == EVP_PKEY_EC ? EVP_EC_gen("P-256") : EVP_RSA_gen(1024);
        BIO *bio = BIO_new(BIO_s_mem());
        char *text = NULL;
        crypto_key *key = NULL;
        entrasql_error err;
        assert_int_equal(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
        long n = BIO_get_mem_data(bio, &text);
        assert_int_equal(crypto_key_from_pem(text, (size_t)n, &key, &err), ENTRASQL_UNSUPPORTED);
        assert_non_null(strstr(err.message, "RSA"));
        BIO_free(bio);
        EVP_PKEY_free(pkey);
    }
}

static void public_numbers_are_those_of_a_jwk(void **state)
{
    (void)state;
    ES_CLEANUP(es_buf_done) es_buf n = ES_BUF_INIT(1024);
    ES_CLEANUP(es_buf_done) es_buf e = ES_BUF_INIT(1024);
    assert_int_equal(crypto_key_public_numbers(key_a, &n, &e, NULL), ENTRASQL_OK);
    assert_int_equal(n.len, 342); /* 256 bytes */
    assert_string_equal(es_buf_cstr(&e), "AQAB");
}

#define CLAIMS "{\"aud\":\"https://database.windows.net/\",\"name\":\"J\xc3\xbcrgen\"}"

static char *sign(const crypto_key *key)
{
    es_buf token = ES_BUF_INIT_WIPE(CRYPTO_JWT_MAX_BYTES);
    assert_int_equal(crypto_jwt_sign(key, CLAIMS, &token, NULL), ENTRASQL_OK);
    char *text = es_buf_take(&token, NULL);
    assert_non_null(text);
    return text;
}

static void signed_token_is_read_back(void **state)
{
    (void)state;
    char *token = sign(key_a);
    crypto_jwt jwt;
    assert_int_equal(crypto_jwt_parse(token, strlen(token), &jwt, NULL), ENTRASQL_OK);
    char header[256];
    snprintf(header, sizeof header, "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"%s\"}",
             crypto_key_id(key_a));
    assert_string_equal(jwt.header_json, header);
    assert_string_equal(jwt.claims_json, CLAIMS);
    assert_int_equal(crypto_jwt_verify_rs256(&jwt, key_a, NULL), ENTRASQL_OK);
    entrasql_error err;
    assert_int_equal(crypto_jwt_verify_rs256(&jwt, key_b, &err), ENTRASQL_AUTH_FAILED);
    crypto_jwt_done(&jwt);
    es_free_wipe_str(token);
}

/* Every single character changed: either the form breaks or the signature does. */
static void changed_token_is_never_accepted(void **state)
{
    (void)state;
    char *token = sign(key_a);
    size_t n = strlen(token);
    for (size_t i = 0; i < n; i++) {
        static const char others[] = {'A', 'b', '_', '.', '=', ' ', '\0', '\xff'};
        for (size_t k = 0; k < sizeof others; k++) {
            char saved = token[i];
            if (saved == others[k])
                continue;
            crypto_jwt jwt;
            token[i] = others[k];
            if (crypto_jwt_parse(token, n, &jwt, NULL) == ENTRASQL_OK) {
                assert_int_equal(crypto_jwt_verify_rs256(&jwt, key_a, NULL), ENTRASQL_AUTH_FAILED);
                crypto_jwt_done(&jwt);
            }
            token[i] = saved;
        }
    }
    es_free_wipe_str(token);
}

static void cut_token_is_never_accepted(void **state)
{
    (void)state;
    char *token = sign(key_a);
    for (size_t n = 0; n < strlen(token); n++) {
        char *cut = es_malloc(n + 1); /* of the exact size, for the sanitizer */
        crypto_jwt jwt;
        assert_non_null(cut);
        memcpy(cut, token, n);
        if (crypto_jwt_parse(cut, n, &jwt, NULL) == ENTRASQL_OK) {
            assert_int_equal(crypto_jwt_verify_rs256(&jwt, key_a, NULL), ENTRASQL_AUTH_FAILED);
            crypto_jwt_done(&jwt);
        }
        es_free(cut);
    }
    es_free_wipe_str(token);
}

static void token_of_a_wrong_form_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *token, *message;
    } rows[] = {
        {"", "empty"},
        {"e30", "three parts"},
        {"e30.e30", "three parts"},
        {"e30.e30.AA.AA", "three parts"},
        {".e30.AA", "header is empty"},
        {"e30..AA", "body is empty"},
        {"e30.e30.", "signature is empty"}, /* what alg "none" would look like */
        {"e30=.e30.AA", "header is not base64url"},
        {"e30.e/0.AA", "body is not base64url"},
        {"e30.e31.AA ", "not base64url"},
        {"AA.e30.AA", "header is not text"},
        {"e30.gA.AA", "body is not text"},
    };
    for (size_t i = 0; i < ES_COUNT_OF(rows); i++) {
        crypto_jwt jwt;
        entrasql_error err;
        assert_int_equal(crypto_jwt_parse(rows[i].token, strlen(rows[i].token), &jwt, &err),
                         ENTRASQL_MALFORMED);
        if (strstr(err.message, rows[i].message) == NULL)
            fail_msg("row %zu: %s", i, err.message);
    }
}

static void huge_token_is_refused_unread(void **state)
{
    (void)state;
    crypto_jwt jwt;
    assert_int_equal(crypto_jwt_parse("e30.e30.AA", CRYPTO_JWT_MAX_BYTES + 1, &jwt, NULL),
                     ENTRASQL_LIMIT);
}

static void token_calls_survive_lack_of_memory(void **state)
{
    (void)state;
    char *token = sign(key_a);
    for (unsigned long nth = 1; nth < 200; nth++) {
        crypto_jwt jwt;
        es_mem_fail_from(nth);
        entrasql_status status = crypto_jwt_parse(token, strlen(token), &jwt, NULL);
        es_mem_fail_from(0);
        if (status == ENTRASQL_OK) {
            crypto_jwt_done(&jwt);
            es_free_wipe_str(token);
            return;
        }
        assert_int_equal(status, ENTRASQL_NOMEM);
    }
    fail_msg("parsing never succeeded");
}

/* ---- certificates ---- */

static X509 *to_x509(const crypto_cert *cert)
{
    ES_CLEANUP(es_buf_done) es_buf pem = ES_BUF_INIT(CRYPTO_PEM_MAX_BYTES);
    assert_int_equal(crypto_cert_to_pem(cert, &pem, NULL), ENTRASQL_OK);
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(x509);
    return x509;
}

/* OpenSSL's own judgement on leaf under authority, for a TLS server. */
static int verify(X509 *authority, X509 *leaf)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_add_cert(store, authority), 1);
    assert_int_equal(X509_STORE_set_flags(store, X509_V_FLAG_X509_STRICT), 1);
    assert_int_equal(X509_STORE_CTX_init(ctx, store, leaf, NULL), 1);
    X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
    int result = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return result;
}

static EVP_PKEY *private_key(const crypto_key *key)
{
    ES_CLEANUP(es_buf_done) es_buf pem = ES_BUF_INIT_WIPE(CRYPTO_PEM_MAX_BYTES);
    assert_int_equal(crypto_key_to_pem(key, &pem, NULL), ENTRASQL_OK);
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(pkey);
    return pkey;
}

/* What a thief of the authority's key would make: a leaf for another name. */
static X509 *forge(X509 *authority, X509 *model, const char *names)
{
    X509 *leaf = X509_dup(model);
    EVP_PKEY *pkey = private_key(key_a);
    int at = X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1);
    X509_EXTENSION_free(X509_delete_ext(leaf, at));
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, authority, leaf, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, names);
    assert_non_null(ext);
    assert_int_equal(X509_add_ext(leaf, ext, -1), 1);
    X509_EXTENSION_free(ext);
    assert_true(X509_sign(leaf, pkey, EVP_sha256()) > 0);
    EVP_PKEY_free(pkey);
    return leaf;
}

static void authority_can_vouch_for_loopback_only(void **state)
{
    (void)state;
    crypto_cert *authority = NULL, *leaf = NULL;
    assert_int_equal(crypto_cert_new_authority(key_a, 100, &authority, NULL), ENTRASQL_OK);
    assert_int_equal(crypto_cert_new_localhost(authority, key_a, key_b, 10, &leaf, NULL),
                     ENTRASQL_OK);
    X509 *ca = to_x509(authority), *good = to_x509(leaf);
    assert_int_equal(verify(ca, good), X509_V_OK);
    assert_int_equal(X509_check_host(good, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ip_asc(good, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(good, "::1", 0), 1);
    assert_int_equal(X509_check_host(good, "example.com", 0, 0, NULL), 0);

    static const char *const foreign[] = {
        "DNS:login.microsoftonline.com",
        "DNS:localhost,DNS:contoso.database.windows.net",
        "DNS:localhost.example.com",
        "IP:127.0.0.2",
        "IP:169.254.169.254",
        "IP:::2",
    };
    for (size_t i = 0; i < ES_COUNT_OF(foreign); i++) {
        X509 *bad = forge(ca, good, foreign[i]);
        assert_int_equal(verify(ca, bad), X509_V_ERR_PERMITTED_VIOLATION);
        X509_free(bad);
    }
    X509 *same = forge(ca, good, "DNS:localhost"); /* the forgery itself is sound */
    assert_int_equal(verify(ca, same), X509_V_OK);
    X509_free(same);

    int critical = 0;
    NAME_CONSTRAINTS *nc = X509_get_ext_d2i(ca, NID_name_constraints, &critical, NULL);
    assert_non_null(nc);
    assert_int_equal(critical, 1);
    NAME_CONSTRAINTS_free(nc);
    X509_free(ca);
    X509_free(good);
    crypto_cert_free(authority);
    crypto_cert_free(leaf);
}

static void leaf_cannot_sign_and_belongs_to_its_authority(void **state)
{
    (void)state;
    crypto_cert *one = NULL, *two = NULL, *leaf = NULL;
    assert_int_equal(crypto_cert_new_authority(key_a, 100, &one, NULL), ENTRASQL_OK);
    assert_int_equal(crypto_cert_new_authority(key_a, 100, &two, NULL), ENTRASQL_OK);
    assert_int_equal(crypto_cert_new_localhost(one, key_a, key_b, 10, &leaf, NULL), ENTRASQL_OK);
    assert_true(crypto_cert_is_issued_by(leaf, one));
    assert_false(crypto_cert_is_issued_by(leaf, two)); /* same key, other name */
    assert_true(crypto_cert_matches_key(leaf, key_b));
    assert_false(crypto_cert_matches_key(leaf, key_a));
    X509 *x = to_x509(leaf);
    assert_int_equal(X509_check_ca(x), 0);
    X509_free(x);
    int64_t expected = es_clock_wall_s() + 10 * 86400;
    assert_true(crypto_cert_not_after(leaf) > expected - 60);
    assert_true(crypto_cert_not_after(leaf) <= expected + 1);
    crypto_cert_free(one);
    crypto_cert_free(two);
    crypto_cert_free(leaf);
}

static void certificate_survives_its_pem_form(void **state)
{
    (void)state;
    crypto_cert *cert = NULL, *again = NULL;
    ES_CLEANUP(es_buf_done) es_buf pem = ES_BUF_INIT(CRYPTO_PEM_MAX_BYTES);
    assert_int_equal(crypto_cert_new_authority(key_a, 1, &cert, NULL), ENTRASQL_OK);
    assert_int_equal(crypto_cert_to_pem(cert, &pem, NULL), ENTRASQL_OK);
    assert_int_equal(crypto_cert_from_pem((const char *)pem.data, pem.len, &again, NULL),
                     ENTRASQL_OK);
    assert_true(crypto_cert_matches_key(again, key_a));
    for (size_t cut = 0; cut + 2 < pem.len; cut++) {
        crypto_cert *bad = NULL;
        assert_int_equal(crypto_cert_from_pem((const char *)pem.data, cut, &bad, NULL),
                         ENTRASQL_MALFORMED);
    }
    crypto_cert_free(cert);
    crypto_cert_free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_give_published_values),
        cmocka_unit_test(key_survives_its_pem_form),
        cmocka_unit_test(key_reader_refuses_what_is_not_a_key),
        cmocka_unit_test(key_reader_refuses_other_algorithms),
        cmocka_unit_test(public_numbers_are_those_of_a_jwk),
        cmocka_unit_test(signed_token_is_read_back),
        cmocka_unit_test(changed_token_is_never_accepted),
        cmocka_unit_test(cut_token_is_never_accepted),
        cmocka_unit_test(token_of_a_wrong_form_is_named),
        cmocka_unit_test(huge_token_is_refused_unread),
        cmocka_unit_test(token_calls_survive_lack_of_memory),
        cmocka_unit_test(authority_can_vouch_for_loopback_only),
        cmocka_unit_test(leaf_cannot_sign_and_belongs_to_its_authority),
        cmocka_unit_test(certificate_survives_its_pem_form),
    };
    return cmocka_run_group_tests_name("crypto", tests, make_keys, free_keys);
}
