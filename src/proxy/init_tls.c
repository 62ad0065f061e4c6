/* SPDX-License-Identifier: MIT */
/* Certificates for the proxy's clients. */
#include "proxy/init_tls.h"

#include "base/buf.h"
#include "base/mem.h"
#include "crypto/cert.h"
#include "os/file.h"

#include <unistd.h>

#define PATH_MAX_BYTES 4096
_Static_assert(PROXY_INIT_TLS_HOSTS_MAX == CRYPTO_CERT_HOSTS_MAX, "all hosts fit");

static void key_cleanup(crypto_key **key)
{
    crypto_key_free(*key);
}

static void cert_cleanup(crypto_cert **cert)
{
    crypto_cert_free(*cert);
}

static entrasql_status make_path(const char *dir, const char *name, char **ret, entrasql_error *err)
{
    es_buf text = ES_BUF_INIT(PATH_MAX_BYTES);
    *ret = NULL;
    if (es_buf_printf(&text, "%s/%s", dir, name) == ENTRASQL_OK)
        *ret = es_buf_take(&text, NULL);
    es_buf_done(&text);
    return *ret != NULL ? ENTRASQL_OK
                        : es_fail(err, ENTRASQL_INVALID, "the folder's name is too long");
}

static entrasql_status write_text(const char *dir, const char *name, const es_buf *text,
                                  mode_t mode, entrasql_error *err)
{
    ES_CLEANUP(es_cleanup_free) char *path = NULL;
    ES_TRY(make_path(dir, name, &path, err));
    return os_file_write(path, text->data, text->len, mode, err);
}

static entrasql_status write_all(const char *dir, const crypto_cert *authority,
                                 const crypto_cert *server, const crypto_key *key,
                                 entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf ca_text = ES_BUF_INIT(CRYPTO_PEM_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf chain = ES_BUF_INIT(CRYPTO_PEM_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf key_text = ES_BUF_INIT_WIPE(CRYPTO_PEM_MAX_BYTES);
    ES_TRY(crypto_cert_to_pem(authority, &ca_text, err));
    ES_TRY(crypto_cert_to_pem(server, &chain, err));
    ES_TRY(crypto_key_to_pem(key, &key_text, err));
    ES_TRY(write_text(dir, PROXY_SERVER_KEY, &key_text, 0600, err));
    ES_TRY(write_text(dir, PROXY_SERVER_FILE, &chain, 0644, err));
    return write_text(dir, PROXY_CA_FILE, &ca_text, 0644, err);
}

static entrasql_status check_free(const char *dir, entrasql_error *err)
{
    static const char *const names[] = {PROXY_CA_FILE, PROXY_SERVER_FILE, PROXY_SERVER_KEY};
    for (size_t i = 0; i < ES_COUNT_OF(names); i++) {
        ES_CLEANUP(es_cleanup_free) char *path = NULL;
        ES_TRY(make_path(dir, names[i], &path, err));
        if (access(path, F_OK) != 0)
            continue;
        es_fail(err, ENTRASQL_BUSY, "%s exists already", path);
        es_hint(err,
                "clients trust what was made there: choose another folder, or --force, and "
                "then have them trust the new %s",
                PROXY_CA_FILE);
        return ENTRASQL_BUSY;
    }
    return ENTRASQL_OK;
}

entrasql_status proxy_init_tls(const proxy_init_tls_options *options, entrasql_error *err)
{
    ES_CLEANUP(key_cleanup) crypto_key *authority_key = NULL;
    ES_CLEANUP(key_cleanup) crypto_key *key = NULL;
    ES_CLEANUP(cert_cleanup) crypto_cert *authority = NULL;
    ES_CLEANUP(cert_cleanup) crypto_cert *server = NULL;
    const crypto_cert_service service = {
        .owner = "entrasql proxy",
        .hosts = options->hosts,
        .host_count = options->host_count,
        .days = options->days,
    };
    if (!options->force)
        ES_TRY(check_free(options->dir, err));
    ES_TRY(crypto_key_generate(&authority_key, err));
    ES_TRY(crypto_key_generate(&key, err));
    ES_TRY(crypto_cert_new_service_authority(&service, authority_key, &authority, err));
    ES_TRY(crypto_cert_new_service(&service, authority, authority_key, key, &server, err));
    ES_TRY(os_dir_make(options->dir, 0755, err));
    return write_all(options->dir, authority, server, key, err);
}
