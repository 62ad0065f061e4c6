/* SPDX-License-Identifier: MIT */
/*
 * The keys and certificates of a data directory: read, or made when they are
 * missing, and made anew when a certificate has (nearly) expired.
 */
#ifndef EMULATOR_WORLD_TRUST_H
#define EMULATOR_WORLD_TRUST_H

#include "crypto/key.h"

typedef struct world_trust {
    crypto_key *token_key;
    crypto_key *federation_key; /* of issuers beside Entra */
    char *certificate_dir;      /* where apps' own certificates are */
    char *ca_file;              /* ca.pem */
    char *cert_file;            /* server.pem: leaf and authority */
    char *key_file;             /* server-key.pem */
} world_trust;

/*
 * create: makes what is missing. Without it only reads the key of the tokens;
 * NOT_FOUND when there is none. On success call world_trust_done.
 */
entrasql_status world_trust_load(const char *data_dir, bool create, world_trust *ret,
                                 entrasql_error *err) ES_MUST_USE;
void world_trust_done(world_trust *trust);

#endif
