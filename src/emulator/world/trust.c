/* SPDX-License-Identifier: MIT */
/* The keys and certificates of a data directory. */
#include "trust.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/cert.h"
#include "files.h"
#include "os/file.h"

#define AUTHORITY_DAYS 3650
/* Some clients (Apple's) refuse server certificates that are valid for longer. */
#define SERVER_DAYS 397
/* A certificate with less than this left is made anew at start. */
#define RENEW_BEFORE_S (7 * 86400)

static void key_cleanup(crypto_key **key)
{
    crypto_key_free(*key);
}

static void cert_cleanup(crypto_cert **cert)
{
    crypto_cert_free(*cert);
}

/* NOT_FOUND when the file is not there. */
static entrasql_status read_key(const char *path, crypto_key **ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf pem = ES_BUF_INIT_WIPE(CRYPTO_PEM_MAX_BYTES);
    ES_TRY(world_file_read_private(path, &pem, err));
    entrasql_status status = crypto_key_from_pem((const char *)pem.data, pem.len, ret, err);
    if (status != ENTRASQL_OK) {
        es_error_prefix(err, "%s", path);
        es_hint(err, "Remove the file; a new key is made at the next start.");
    }
    return status;
}

static entrasql_status make_key(const char *path, crypto_key **ret, entrasql_error *err)
{
    ES_CLEANUP(key_cleanup) crypto_key *key = NULL;
    ES_CLEANUP(es_buf_done) es_buf pem = ES_BUF_INIT_WIPE(CRYPTO_PEM_MAX_BYTES);
    ES_TRY(crypto_key_generate(&key, err));
    ES_TRY(crypto_key_to_pem(key, &pem, err));
    ES_TRY(os_file_write(path, pem.data, pem.len, 0600, err));
    *ret = key;
    key = NULL;
    return ENTRASQL_OK;
}

static entrasql_status load_key(const char *data_dir, const char *name, bool create,
                                crypto_key **ret, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *path = world_path(data_dir, name);
    if (path == NULL)
        return es_nomem(err);
    entrasql_status status = read_key(path, ret, err);
    if (status == ENTRASQL_NOT_FOUND && create)
        status = make_key(path, ret, err);
    return status;
}

/* Gives NULL for a certificate that is missing, unreadable, of another key, or near its end. */
static entrasql_status read_cert(const char *path, const crypto_key *key, crypto_cert **ret,
                                 entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf pem = ES_BUF_INIT(CRYPTO_PEM_MAX_BYTES);
    ES_CLEANUP(cert_cleanup) crypto_cert *cert = NULL;
    *ret = NULL;
    entrasql_status status = os_file_read(path, &pem, err);
    if (status == ENTRASQL_NOT_FOUND || status == ENTRASQL_LIMIT)
        return ENTRASQL_OK;
    ES_TRY(status);
    status = crypto_cert_from_pem((const char *)pem.data, pem.len, &cert, err);
    if (status == ENTRASQL_MALFORMED)
        return ENTRASQL_OK;
    ES_TRY(status);
    if (!crypto_cert_matches_key(cert, key) ||
        crypto_cert_not_after(cert) < es_clock_wall_s() + RENEW_BEFORE_S)
        return ENTRASQL_OK;
    *ret = cert;
    cert = NULL;
    return ENTRASQL_OK;
}

static entrasql_status load_authority(const world_trust *trust, const crypto_key *key,
                                      crypto_cert **ret, entrasql_error *err)
{
    ES_CLEANUP(cert_cleanup) crypto_cert *cert = NULL;
    ES_TRY(read_cert(trust->ca_file, key, &cert, err));
    if (cert == NULL) {
        ES_CLEANUP(es_buf_done) es_buf pem = ES_BUF_INIT(CRYPTO_PEM_MAX_BYTES);
        ES_TRY(crypto_cert_new_authority(key, AUTHORITY_DAYS, &cert, err));
        ES_TRY(crypto_cert_to_pem(cert, &pem, err));
        ES_TRY(os_file_write(trust->ca_file, pem.data, pem.len, 0644, err));
        ES_LOG(DEBUG, "emulator", "certificate authority made", ES_KV_STR("file", trust->ca_file));
    }
    *ret = cert;
    cert = NULL;
    return ENTRASQL_OK;
}

static entrasql_status ensure_server_cert(const world_trust *trust, const crypto_cert *authority,
                                          const crypto_key *authority_key, const crypto_key *key,
                                          entrasql_error *err)
{
    ES_CLEANUP(cert_cleanup) crypto_cert *cert = NULL;
    ES_TRY(read_cert(trust->cert_file, key, &cert, err));
    if (cert != NULL && crypto_cert_is_issued_by(cert, authority))
        return ENTRASQL_OK;
    crypto_cert_free(cert);
    cert = NULL;
    ES_CLEANUP(es_buf_done) es_buf pem = ES_BUF_INIT(CRYPTO_PEM_MAX_BYTES);
    ES_TRY(crypto_cert_new_localhost(authority, authority_key, key, SERVER_DAYS, &cert, err));
    ES_TRY(crypto_cert_to_pem(cert, &pem, err));
    ES_TRY(crypto_cert_to_pem(authority, &pem, err));
    ES_TRY(os_file_write(trust->cert_file, pem.data, pem.len, 0644, err));
    ES_LOG(DEBUG, "emulator", "server certificate made", ES_KV_STR("file", trust->cert_file));
    return ENTRASQL_OK;
}

static entrasql_status ensure_certificates(const char *data_dir, const world_trust *trust,
                                           entrasql_error *err)
{
    ES_CLEANUP(key_cleanup) crypto_key *authority_key = NULL;
    ES_CLEANUP(key_cleanup) crypto_key *server_key = NULL;
    ES_CLEANUP(cert_cleanup) crypto_cert *authority = NULL;
    ES_TRY(load_key(data_dir, "ca-key.pem", true, &authority_key, err));
    ES_TRY(load_key(data_dir, "server-key.pem", true, &server_key, err));
    ES_TRY(load_authority(trust, authority_key, &authority, err));
    return ensure_server_cert(trust, authority, authority_key, server_key, err);
}

static entrasql_status load(const char *data_dir, bool create, world_trust *trust,
                            entrasql_error *err)
{
    trust->ca_file = world_path(data_dir, "ca.pem");
    trust->cert_file = world_path(data_dir, "server.pem");
    trust->key_file = world_path(data_dir, "server-key.pem");
    trust->certificate_dir = world_path(data_dir, "certificates");
    if (trust->ca_file == NULL || trust->cert_file == NULL || trust->key_file == NULL ||
        trust->certificate_dir == NULL)
        return es_nomem(err);
    if (create)
        ES_TRY(ensure_certificates(data_dir, trust, err));
    ES_TRY(load_key(data_dir, "federation-key.pem", create, &trust->federation_key, err));
    return load_key(data_dir, "token-key.pem", create, &trust->token_key, err);
}

entrasql_status world_trust_load(const char *data_dir, bool create, world_trust *ret,
                                 entrasql_error *err)
{
    world_trust trust = {0};
    entrasql_status status = load(data_dir, create, &trust, err);
    if (status != ENTRASQL_OK) {
        world_trust_done(&trust);
        return status;
    }
    *ret = trust;
    return ENTRASQL_OK;
}

void world_trust_done(world_trust *trust)
{
    crypto_key_free(trust->token_key);
    crypto_key_free(trust->federation_key);
    es_free(trust->certificate_dir);
    es_free(trust->ca_file);
    es_free(trust->cert_file);
    es_free(trust->key_file);
    *trust = (world_trust){0};
}
