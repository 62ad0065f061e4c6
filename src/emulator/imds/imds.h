/* SPDX-License-Identifier: MIT */
/*
 * Managed identity endpoints, as the platform gives them. On plain HTTP:
 *
 *   GET /metadata/identity/oauth2/token   the first virtual machine's (IMDS)
 *   GET /vm/HOST/metadata/identity/oauth2/token
 *                                         any machine's
 *   GET /msi/token                        App Service; the header's value says which web app asks
 *   GET /msi/2017/token                   App Service of 2017 and Azure ML; the same by "secret"
 *   POST /cloud-shell/HOST/token          Cloud Shell
 *   GET /arc/HOST/metadata/identity/oauth2/token
 *                                         Azure Arc: first 401 and the name of a key file, then
 *                                         its content as the answer
 *
 * and, when the world has such a host, on HTTPS with a certificate that signs
 * itself, as a Service Fabric cluster's does:
 *
 *   GET /metadata/identity/oauth2/token   Service Fabric; the application by "secret"
 *
 * Success bodies are compact JSON with numbers as strings, errors have the
 * platform's own words: client libraries branch on them.
 *
 * Runs on the HTTP service's threads; the world must outlive it.
 */
#ifndef EMULATOR_IMDS_IMDS_H
#define EMULATOR_IMDS_IMDS_H

#include "emulator/world/world.h"
#include "httpd/httpd.h"

#define IMDS_VM_PATH "/metadata/identity/oauth2/token"
#define IMDS_MACHINE_PREFIX "/vm/" /* then the machine's name and IMDS_VM_PATH */
#define IMDS_APP_SERVICE_PATH "/msi/token"
#define IMDS_LEGACY_PATH "/msi/2017/token"
#define IMDS_CLOUD_SHELL_PREFIX "/cloud-shell/"
#define IMDS_CLOUD_SHELL_SUFFIX "/token"
#define IMDS_ARC_PREFIX "/arc/"
/* In the data directory: the cluster's certificate and key; where Arc's key files are unless the
 * agent's real folder can be written. */
#define IMDS_FABRIC_CERT_FILE "fabric.pem"
#define IMDS_FABRIC_KEY_FILE "fabric-key.pem"
#define IMDS_ARC_DIR "arc"
#define IMDS_ARC_REAL_DIR "/var/opt/azcmagent/tokens"

typedef struct imds imds;

/* Port 0: any free one. data_dir: for Arc's key files and the cluster's certificate; copied. */
entrasql_status imds_start(const world *w, const char *data_dir, uint16_t port, imds **ret,
                           entrasql_error *err) ES_MUST_USE;
/* SHA-1 of the cluster's certificate as 40 hex digits. NOT_FOUND when there is none yet. */
entrasql_status imds_fabric_thumbprint(const char *data_dir, char ret[41],
                                       entrasql_error *err) ES_MUST_USE;
httpd *imds_service(const imds *i);
uint16_t imds_port(const imds *i);
/* Of Service Fabric; NULL and 0 when the world has no such host. */
httpd *imds_fabric_service(const imds *i);
uint16_t imds_fabric_port(const imds *i);
void imds_stop(imds *i); /* NULL allowed */

#endif
