/* SPDX-License-Identifier: MIT */
/* Certificates made on the spot for tests, as PEM files in a directory of their own. */
#ifndef TESTS_TLS_CERTS_H
#define TESTS_TLS_CERTS_H

#include <stdbool.h>

#define CERTS_PATH_SIZE 128

typedef struct certs_spec {
    const char *name; /* files name.pem and name.key */
    const char *common_name;
    const char *san;    /* "DNS:a.example,IP:127.0.0.1"; NULL: none */
    const char *issuer; /* name of an earlier one; NULL: signs itself */
    bool is_authority;
    int from_days; /* from today */
    int until_days;
    int padding_bytes; /* of a comment extension, to make it big */
} certs_spec;

/* Makes the directory. Ends the process on any failure, as all calls here. */
void certs_start(void);
void certs_make(const certs_spec *spec);
/* "dir/name.pem"; four results live at once. */
const char *certs_file(const char *name, const char *suffix);
/* The usual set: ca, other-ca, good (db.example, *.wild.example, 127.0.0.1), expired, future,
   foreign (by other-ca), alone (self-signed), big. */
void certs_make_usual(void);
/* Removes the directory. */
void certs_end(void);

#endif
