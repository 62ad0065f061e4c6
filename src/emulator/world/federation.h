/* SPDX-License-Identifier: MIT */
/*
 * Issuers beside Entra whose tokens Entra takes for an app or a user-assigned
 * identity (workload identity federation): a Kubernetes cluster that signs tokens of
 * service accounts, and Azure Pipelines. Each is a host of the world; being
 * attached to it is the federated credential: its issuer, its subject, and the
 * audience below.
 *
 * And the certificates by which an app signs its own assertions: those of the seed, and one that is
 * made in the data directory when somebody asks for it.
 */
#ifndef EMULATOR_WORLD_FEDERATION_H
#define EMULATOR_WORLD_FEDERATION_H

#include "crypto/cert.h"
#include "world.h"

#define WORLD_FEDERATION_AUDIENCE "api://AzureADTokenExchange"
/* Under the authority: "https://localhost:PORT/federation/<host>". */
#define WORLD_FEDERATION_PATH "/federation/"
/* kubelet renews its files; the emulator does not, so they last a day. */
#define WORLD_SERVICE_ACCOUNT_TOKEN_S 86400
#define WORLD_PIPELINE_TOKEN_S 600

bool world_host_is_issuer(const world_host *h);
/* With the slash at the end that AKS has; Azure Pipelines has none. Appends. */
entrasql_status world_issuer(const world *w, const world_host *h, es_buf *out) ES_MUST_USE;
/* "system:serviceaccount:<namespace>:<name>", or "sc://<organisation>/<project>/<host>". */
entrasql_status world_subject(const world *w, const world_host *h, es_buf *out) ES_MUST_USE;
/* The host whose issuer it is; NULL: none. */
const world_host *world_host_by_issuer(const world *w, const char *issuer);

/* The key of these issuers; another one than that of Entra's tokens. */
const crypto_key *world_federation_key(const world *w);
/* A token of the host for the audience above; give a wiping buffer. */
entrasql_status world_federated_token(const world *w, const world_host *h, int64_t lifetime_s,
                                      es_buf *out, entrasql_error *err) ES_MUST_USE;

/* A pipeline's job proves itself by a token of its own (System.AccessToken). */
entrasql_status world_job_token(const world *w, const world_host *h, es_buf *out,
                                entrasql_error *err) ES_MUST_USE;
bool world_job_token_is_good(const world *w, const world_host *h, const char *token);
/* The service connection by which the job signs in as that principal. */
entrasql_status world_service_connection(const world_host *h, const world_principal *p,
                                         char ret[ES_GUID_TEXT_SIZE]) ES_MUST_USE;

/*
 * The file with a certificate and key of the app, in the data directory; made when it is not
 * there or near its end. *ret_path is the caller's.
 */
entrasql_status world_app_certificate_make(const world *w, const world_principal *p,
                                           char **ret_path, entrasql_error *err) ES_MUST_USE;
/*
 * The app's certificate with that digest (SHA-1 or SHA-256 of its DER, by its length).
 * NOT_FOUND: none of the seed's, nor the one in the data directory.
 */
entrasql_status world_app_certificate_find(const world *w, const world_principal *p,
                                           const uint8_t *digest, size_t n, crypto_cert **ret,
                                           entrasql_error *err) ES_MUST_USE;

#endif
