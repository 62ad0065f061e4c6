/* SPDX-License-Identifier: MIT */
/* Service Fabric's token endpoint, and the certificate of its cluster, which signs itself. */
#include "imds.h"
#include "internal.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "crypto/cert.h"
#include "emulator/world/files.h"
#include "os/file.h"

#include <string.h>

#define CERT_DAYS 365

static const imds_parameter parameters[] = {{NULL, IMDS_BY_CLIENT_ID}};

static void refuse(httpd_response *response, unsigned status, const char *code, const char *text)
{
    char correlation_id[ES_GUID_TEXT_SIZE];
    json_writer j;
    es_random_uuid(correlation_id);
    json_writer_init(&j, &response->body);
    json_begin_object(&j);
    json_name(&j, "error");
    json_begin_object(&j);
    json_member_put_string(&j, "correlationId", correlation_id);
    json_member_put_string(&j, "code", code);
    json_member_put_string(&j, "message", text);
    json_end_object(&j);
    json_end_object(&j);
    response->status = json_writer_end(&j) == ENTRASQL_OK ? status : 500;
}

static bool has_parameters(const httpd_request *request, httpd_response *response)
{
    if (!es_streq(httpd_query(request, "api-version"), "2019-07-01-preview") &&
        !es_streq(httpd_query(request, "api-version"), "2020-05-01")) {
        refuse(response, 400, "InvalidApiVersion", "The requested API version is not supported.");
        return false;
    }
    if (es_str_is_empty(httpd_query(request, "resource"))) {
        refuse(response, 400, "ArgumentNullOrEmpty",
               "The parameter 'resource' should not be null "
               "or empty string.");
        return false;
    }
    return true;
}

void imds_handle_fabric(const world *w, const httpd_request *request, httpd_response *response)
{
    const char *secret = httpd_header(request, "secret");
    const world_host *host = secret != NULL ? world_host_by_header(w, secret) : NULL;
    if (!es_streq(httpd_path(request), IMDS_VM_PATH) || !es_streq(httpd_method(request), "GET")) {
        refuse(response, 404, "NotFound", "There is nothing here.");
        return;
    }
    if (host == NULL || host->kind != WORLD_SERVICE_FABRIC) {
        refuse(response, secret == NULL ? 400 : 401, "SecretHeaderNotFound",
               "Secret is not found in the request headers.");
        return;
    }
    if (!has_parameters(request, response))
        return;
    const world_principal *identity = NULL;
    if (imds_pick_identity(host, request, parameters, true, &identity) != IMDS_PICK_FOUND) {
        refuse(response, 404, "ManagedIdentityNotFound",
               "Managed identity was not found for the specified application host.");
        return;
    }
    const char *named = httpd_query(request, "resource");
    const char *resource = world_resource_find(w, named);
    if (resource == NULL) {
        refuse(response, 400, "InternalServerError", "The resource is not known.");
        return;
    }
    imds_answer_token(w, identity, resource, named, &(imds_form){.expiry = IMDS_EXPIRY_NUMBER},
                      response);
}

/* ---- the certificate ---- */

static void key_cleanup(crypto_key **key)
{
    crypto_key_free(*key);
}

static void cert_cleanup(crypto_cert **cert)
{
    crypto_cert_free(*cert);
}

static entrasql_status make_files(const char *cert_file, const char *key_file, entrasql_error *err)
{
    ES_CLEANUP(key_cleanup) crypto_key *key = NULL;
    ES_CLEANUP(cert_cleanup) crypto_cert *cert = NULL;
    ES_CLEANUP(es_buf_done) es_buf cert_pem = ES_BUF_INIT(CRYPTO_PEM_MAX_BYTES);
    ES_CLEANUP(es_buf_done) es_buf key_pem = ES_BUF_INIT_WIPE(CRYPTO_PEM_MAX_BYTES);
    ES_TRY(crypto_key_generate(&key, err));
    ES_TRY(crypto_cert_new_client(key, "service-fabric-cluster", CERT_DAYS, &cert, err));
    ES_TRY(crypto_cert_to_pem(cert, &cert_pem, err));
    ES_TRY(crypto_key_to_pem(key, &key_pem, err));
    ES_TRY(os_file_write(key_file, key_pem.data, key_pem.len, 0600, err));
    return os_file_write(cert_file, cert_pem.data, cert_pem.len, 0644, err);
}

static entrasql_status read_cert(const char *cert_file, crypto_cert **ret, entrasql_error *err)
{
    ES_CLEANUP(es_buf_done) es_buf pem = ES_BUF_INIT(CRYPTO_PEM_MAX_BYTES);
    ES_TRY(os_file_read(cert_file, &pem, err));
    return crypto_cert_from_pem((const char *)pem.data, pem.len, ret, err);
}

entrasql_status imds_fabric_files(const char *data_dir, char **ret_cert, char **ret_key,
                                  entrasql_error *err)
{
    ES_CLEANUP(cert_cleanup) crypto_cert *cert = NULL;
    *ret_cert = world_path(data_dir, IMDS_FABRIC_CERT_FILE);
    *ret_key = world_path(data_dir, IMDS_FABRIC_KEY_FILE);
    if (*ret_cert == NULL || *ret_key == NULL)
        return es_nomem(err);
    if (read_cert(*ret_cert, &cert, NULL) == ENTRASQL_OK &&
        crypto_cert_not_after(cert) > es_clock_wall_s() + 3600)
        return ENTRASQL_OK;
    return make_files(*ret_cert, *ret_key, err);
}

entrasql_status imds_fabric_thumbprint(const char *data_dir, char ret[41], entrasql_error *err)
{
    ES_CLEANUP(cert_cleanup) crypto_cert *cert = NULL;
    ES_CLEANUP(es_cleanup_free) char *path = world_path(data_dir, IMDS_FABRIC_CERT_FILE);
    uint8_t digest[CRYPTO_SHA1_SIZE];
    if (path == NULL)
        return es_nomem(err);
    ES_TRY(read_cert(path, &cert, err));
    if (crypto_cert_sha1(cert, digest) != ENTRASQL_OK)
        return es_fail(err, ENTRASQL_INTERNAL, "the thumbprint of %s cannot be made", path);
    es_hex_encode(digest, sizeof digest, ret);
    ret[2 * sizeof digest] = '\0';
    return ENTRASQL_OK;
}
