/* SPDX-License-Identifier: MIT */
/* Certificates made on the spot for tests. */
#include "certs.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MADE_MAX 16
#define DAY_S (24L * 60L * 60L)

static char directory[64];
static char made[MADE_MAX][32];
static unsigned made_count;
static long next_serial = 1;

static void check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "certs: %s failed\n", what);
    abort();
}

void certs_start(void)
{
    (void)snprintf(directory, sizeof directory, "/tmp/entrasql-certs-XXXXXX");
    check(mkdtemp(directory) != NULL, "mkdtemp");
}

const char *certs_file(const char *name, const char *suffix)
{
    static char space[4][CERTS_PATH_SIZE];
    static unsigned turn;
    char *path = space[turn++ % 4];
    (void)snprintf(path, CERTS_PATH_SIZE, "%s/%s%s", directory, name, suffix);
    return path;
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    check(extension != NULL && X509_add_ext(cert, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

static FILE *open_file(const char *name, const char *suffix, const char *mode)
{
    FILE *f = fopen(certs_file(name, suffix), mode);
    check(f != NULL, name);
    return f;
}

static void fill(X509 *cert, const certs_spec *spec, X509 *issuer, EVP_PKEY *key)
{
    X509_NAME *name = X509_get_subject_name(cert);
    check(X509_set_version(cert, 2) == 1, "version");
    check(ASN1_INTEGER_set(X509_get_serialNumber(cert), next_serial++) == 1, "serial");
    check(X509_gmtime_adj(X509_getm_notBefore(cert), spec->from_days * DAY_S) != NULL, "from");
    check(X509_gmtime_adj(X509_getm_notAfter(cert), spec->until_days * DAY_S) != NULL, "until");
    check(X509_set_pubkey(cert, key) == 1, "key");
    check(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                     (const unsigned char *)spec->common_name, -1, -1, 0) == 1,
          "name");
    check(X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1, "issuer");
    add_extension(cert, issuer, NID_basic_constraints,
                  spec->is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (spec->san != NULL)
        add_extension(cert, issuer, NID_subject_alt_name, spec->san);
    if (spec->padding_bytes > 0) {
        char *text = calloc(1, (size_t)spec->padding_bytes + 1);
        check(text != NULL, "memory");
        memset(text, 'x', (size_t)spec->padding_bytes);
        add_extension(cert, issuer, NID_netscape_comment, text);
        free(text);
    }
}

void certs_make(const certs_spec *spec)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY *issuer_key = NULL;
    X509 *issuer = NULL;
    X509 *cert = X509_new();
    check(key != NULL && cert != NULL && made_count < MADE_MAX, "start");
    if (spec->issuer != NULL) {
        FILE *f = open_file(spec->issuer, ".key", "r");
        issuer_key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
        (void)fclose(f);
        f = open_file(spec->issuer, ".pem", "r");
        issuer = PEM_read_X509(f, NULL, NULL, NULL);
        (void)fclose(f);
        check(issuer != NULL && issuer_key != NULL, "reading the issuer");
    }
    fill(cert, spec, issuer != NULL ? issuer : cert, key);
    check(X509_sign(cert, issuer_key != NULL ? issuer_key : key, EVP_sha256()) > 0, "sign");
    FILE *f = open_file(spec->name, ".pem", "w");
    check(PEM_write_X509(f, cert) == 1, "write");
    (void)fclose(f);
    f = open_file(spec->name, ".key", "w");
    check(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1, "write key");
    (void)fclose(f);
    (void)snprintf(made[made_count++], sizeof made[0], "%s", spec->name);
    X509_free(cert);
    X509_free(issuer);
    EVP_PKEY_free(key);
    EVP_PKEY_free(issuer_key);
}

void certs_make_usual(void)
{
    static const certs_spec usual[] = {
        {"ca", "Test CA", NULL, NULL, true, -1, 30, 0},
        {"other-ca", "Other CA", NULL, NULL, true, -1, 30, 0},
        {"good", "db.example", "DNS:db.example,DNS:*.wild.example,DNS:localhost,IP:127.0.0.1", "ca",
         false, -1, 30, 0},
        {"expired", "db.example", "DNS:db.example", "ca", false, -30, -2, 0},
        {"future", "db.example", "DNS:db.example", "ca", false, 2, 30, 0},
        {"foreign", "db.example", "DNS:db.example", "other-ca", false, -1, 30, 0},
        {"alone", "db.example", "DNS:db.example", NULL, false, -1, 30, 0},
        {"nameless", "db.example", NULL, "ca", false, -1, 30, 0},
        {"big", "db.example", "DNS:db.example", "ca", false, -1, 30, 12000},
        {"huge", "db.example", "DNS:db.example", "ca", false, -1, 30, 80000},
    };
    certs_start();
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        certs_make(&usual[i]);
}

void certs_end(void)
{
    for (unsigned i = 0; i < made_count; i++) {
        (void)unlink(certs_file(made[i], ".pem"));
        (void)unlink(certs_file(made[i], ".key"));
    }
    (void)rmdir(directory);
    made_count = 0;
}
