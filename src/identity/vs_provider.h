/* SPDX-License-Identifier: MIT */
/*
 * The files by which Visual Studio and Visual Studio Code say who is signed
 * in: tokenprovider.json, a list of programs that give tokens, and
 * authRecord.json, an account. Readers of texts are pure; any thread.
 */
#ifndef IDENTITY_VS_PROVIDER_H
#define IDENTITY_VS_PROVIDER_H

#include "base/buf.h"
#include "base/error.h"

#define IDENTITY_VS_MAX_PROVIDERS 8
#define IDENTITY_VS_MAX_ARGUMENTS 30
#define IDENTITY_VS_MAX_FILE (64 * 1024)
#define IDENTITY_VSCODE_MAX_FILE (10 * 1024)
#define IDENTITY_VSCODE_CLIENT_ID "aebc6443-996d-45c2-90f0-388ff96faa56"

typedef struct identity_vs_provider {
    char *path;                                     /* absolute */
    char *arguments[IDENTITY_VS_MAX_ARGUMENTS + 1]; /* NULL at the end */
    int64_t preference;
} identity_vs_provider;

typedef struct identity_vs_providers {
    identity_vs_provider items[IDENTITY_VS_MAX_PROVIDERS]; /* by ascending preference */
    size_t count;
} identity_vs_providers;

/*
 * {"TokenProviders":[{"Path","Arguments":[...],"Preference":n}]}. MALFORMED
 * with a message that names the place: also for a relative path, and for more than the limits.
 */
entrasql_status identity_vs_providers_parse(const es_buf *text, identity_vs_providers *ret,
                                            entrasql_error *err) ES_MUST_USE;
void identity_vs_providers_done(identity_vs_providers *p);

typedef struct identity_vscode_record {
    char username[256];
    char tenant_id[128];
} identity_vscode_record;

/* {"authority","homeAccountId","clientId","tenantId","username"}; all required, clientId that of
 * the extension. MALFORMED, NOMEM. */
entrasql_status identity_vscode_record_parse(const es_buf *text, identity_vscode_record *ret,
                                             entrasql_error *err) ES_MUST_USE;

#endif
