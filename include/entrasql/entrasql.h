/* SPDX-License-Identifier: MIT */
/*
 * entrasql/entrasql.h - Microsoft Entra ID tokens for C programs: the
 * credentials of the Azure Identity libraries, with DefaultAzureCredential.
 *
 * Link with -lentrasql (pkg-config: entrasql).
 *
 * Conventions
 *   - Objects are opaque. Options are structs whose first member is their size;
 *     set it with sizeof (0 is taken for this version). NULL or 0 in a member means
 *     the documented default. Strings in options are copied by the call.
 *   - Strings are UTF-8, times are seconds since 1970-01-01 UTC, durations
 *     are milliseconds.
 *   - A credential may be used by any number of threads at once; it is
 *     reference counted. Other objects belong to one thread at a time.
 *   - Environment variables are read when a credential is created; only those that name
 *     proxies are read for each request.
 *   - After fork() the child must not use credentials made by the parent.
 *   - Nothing is printed, no signal handler is set, no global state is kept.
 *
 * The header is clean as C99 and as C++.
 */
#ifndef ENTRASQL_ENTRASQL_H
#define ENTRASQL_ENTRASQL_H

#include <entrasql/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ENTRASQL_VERSION_MAJOR 0
#define ENTRASQL_VERSION_MINOR 1
#define ENTRASQL_VERSION_PATCH 0
#define ENTRASQL_VERSION "0.1.0"

/* The version of the library that is loaded, e.g. "0.1.0". Static storage. */
ENTRASQL_API const char *entrasql_version(void);

/* Scopes. Azure SQL Database, Managed Instance, Synapse and Fabric share the first. */
#define ENTRASQL_SCOPE_SQL "https://database.windows.net/.default"
#define ENTRASQL_SCOPE_SQL_US_GOVERNMENT "https://database.usgovcloudapi.net/.default"
#define ENTRASQL_SCOPE_SQL_CHINA "https://database.chinacloudapi.cn/.default"
#define ENTRASQL_SCOPE_ARM "https://management.azure.com/.default"

/* ---- tokens ---- */

typedef struct entrasql_token entrasql_token;

/* The access token (JWT text), NUL-terminated; valid until the token is freed. A secret. */
ENTRASQL_API const char *entrasql_token_value(const entrasql_token *token);
/* When it expires, seconds since 1970. */
ENTRASQL_API int64_t entrasql_token_expires_on(const entrasql_token *token);
/* Which member of a chain gave it, e.g. "ManagedIdentityCredential". */
ENTRASQL_API const char *entrasql_token_source(const entrasql_token *token);
/* Gives the token back; the text is zeroed when the credential's cache holds it no longer either.
 * NULL allowed. */
ENTRASQL_API void entrasql_token_free(entrasql_token *token);

typedef struct entrasql_token_request {
    size_t size;           /* 0 is taken for the struct of version 0.1 */
    const char *scope;     /* "<resource>/.default"; required */
    const char *tenant_id; /* NULL: the credential's own */
    const char *claims;    /* a claims challenge as JSON, or NULL */
    uint32_t timeout_ms;   /* for the whole call; 0: 100 000 */
    bool refresh;          /* true: do not answer from the cache */
} entrasql_token_request;

/* ---- credentials ---- */

typedef struct entrasql_credential entrasql_credential;

/* One more reference; returns its argument. Any thread. */
ENTRASQL_API entrasql_credential *entrasql_credential_ref(entrasql_credential *credential);
/* Gives a reference back; the last one frees. NULL allowed. Any thread. */
ENTRASQL_API void entrasql_credential_unref(entrasql_credential *credential);
/* "DefaultAzureCredential" and so on. Valid as long as the credential. */
ENTRASQL_API const char *entrasql_credential_name(const entrasql_credential *credential);

/*
 * Gets a token, from the credential's cache or from its source; blocks for at
 * most request->timeout_ms. Concurrent callers for one scope share one
 * request. On success *ret_token is the caller's to free.
 * UNAVAILABLE: the credential cannot be used here. AUTH_FAILED: it was tried
 * and refused; err->number is the AADSTS number. TIMEOUT, NETWORK, TLS,
 * INVALID (scope, tenant), NOMEM.
 */
ENTRASQL_API entrasql_status entrasql_credential_get_token(entrasql_credential *credential,
                                                           const entrasql_token_request *request,
                                                           entrasql_token **ret_token,
                                                           entrasql_error *err);

/*
 * The same without blocking, for a caller's own event loop: start, then poll
 * the descriptors that _poll() names and call _step() until it no longer says
 * AGAIN. Freeing an unfinished operation cancels it.
 */
typedef struct entrasql_token_operation entrasql_token_operation;
struct pollfd;

ENTRASQL_API entrasql_status entrasql_credential_start(entrasql_credential *credential,
                                                       const entrasql_token_request *request,
                                                       entrasql_token_operation **ret_operation,
                                                       entrasql_error *err);
/*
 * Fills up to max_fds entries (fd and events) and returns how many; at most 16
 * are ever needed. *ret_timeout_ms: call _step() after that long at the
 * latest; -1 means no limit. Fill again before each poll().
 */
ENTRASQL_API size_t entrasql_token_operation_poll(entrasql_token_operation *operation,
                                                  struct pollfd *fds, size_t max_fds,
                                                  int *ret_timeout_ms);
/* AGAIN while it goes on, OK once with the token, or the failure. Never blocks. */
ENTRASQL_API entrasql_status entrasql_token_operation_step(entrasql_token_operation *operation,
                                                           entrasql_token **ret_token,
                                                           entrasql_error *err);
ENTRASQL_API void entrasql_token_operation_free(entrasql_token_operation *operation);

/* ---- settings shared by the credentials ---- */

typedef struct entrasql_client_options {
    size_t size;
    const char
        *authority_host;  /* NULL: AZURE_AUTHORITY_HOST, else https://login.microsoftonline.com */
    const char *ca_file;  /* PEM; NULL: SSL_CERT_FILE, else the system store */
    uint32_t max_retries; /* 0: what the credential's source asks for; UINT32_MAX: none */
} entrasql_client_options;

/* ClientSecretCredential: a service principal by its secret. All three strings are required. */
ENTRASQL_API entrasql_status entrasql_client_secret_credential_new(
    const char *tenant_id, const char *client_id, const char *client_secret,
    const entrasql_client_options *options, entrasql_credential **ret, entrasql_error *err);

/*
 * EnvironmentCredential: AZURE_TENANT_ID, AZURE_CLIENT_ID and
 * AZURE_CLIENT_SECRET. Missing variables make get_token UNAVAILABLE.
 */
ENTRASQL_API entrasql_status entrasql_environment_credential_new(
    const entrasql_client_options *options, entrasql_credential **ret, entrasql_error *err);

/*
 * ManagedIdentityCredential on App Service, Functions, Container Apps and
 * Spring Apps (IDENTITY_ENDPOINT, IDENTITY_HEADER), and on virtual machines,
 * scale sets and AKS nodes (IMDS). Give at most one of the three ids; none
 * means the system-assigned identity.
 */
typedef struct entrasql_managed_identity_options {
    size_t size;
    const char *client_id;
    const char *object_id;
    const char *resource_id;
    const entrasql_client_options *client; /* NULL: defaults; authority_host is not used */
} entrasql_managed_identity_options;

ENTRASQL_API entrasql_status
entrasql_managed_identity_credential_new(const entrasql_managed_identity_options *options,
                                         entrasql_credential **ret, entrasql_error *err);

/* AzureCliCredential: runs `az account get-access-token`. */
typedef struct entrasql_azure_cli_options {
    size_t size;
    const char *tenant_id;       /* NULL: az's own */
    const char *subscription;    /* NULL: az's own */
    uint32_t process_timeout_ms; /* 0: 10 000 */
} entrasql_azure_cli_options;

ENTRASQL_API entrasql_status entrasql_azure_cli_credential_new(
    const entrasql_azure_cli_options *options, entrasql_credential **ret, entrasql_error *err);

/*
 * DefaultAzureCredential: EnvironmentCredential, ManagedIdentityCredential,
 * AzureCliCredential in this order; AZURE_TOKEN_CREDENTIALS (prod, dev, or one
 * member's name) narrows the list. A member that is unavailable is passed
 * over; one that was tried and refused ends the chain (developer tools never
 * do). The first success is kept for the credential's life.
 */
typedef struct entrasql_default_azure_options {
    size_t size;
    const char *managed_identity_client_id; /* NULL: AZURE_CLIENT_ID, else system-assigned */
    bool managed_identity_system_assigned;  /* true: AZURE_CLIENT_ID is not used for it */
    bool exclude_environment;
    bool exclude_managed_identity;
    bool exclude_azure_cli;
    const char *tenant_id;                 /* for developer tools; NULL: their own */
    uint32_t imds_probe_timeout_ms;        /* 0: 1000 */
    uint32_t process_timeout_ms;           /* 0: 10 000 */
    const entrasql_client_options *client; /* NULL: defaults */
} entrasql_default_azure_options;

ENTRASQL_API entrasql_status entrasql_default_azure_credential_new(
    const entrasql_default_azure_options *options, entrasql_credential **ret, entrasql_error *err);

/*
 * A credential of the program's own: one function, called on the thread that
 * asks (inside get_token, _start or _step, which it may block), possibly on
 * several at once; its results are cached like any other's. It returns a token
 * made by entrasql_token_new(), and must not ask the same credential itself.
 */
typedef entrasql_status entrasql_token_function(void *context,
                                                const entrasql_token_request *request,
                                                entrasql_token **ret_token, entrasql_error *err);

ENTRASQL_API entrasql_status entrasql_custom_credential_new(
    const char *name, entrasql_token_function *function, void *context,
    void (*free_context)(void *context), entrasql_credential **ret, entrasql_error *err);
/* Copies the text. expires_on in seconds since 1970. NULL without memory. */
ENTRASQL_API entrasql_token *entrasql_token_new(const char *value, int64_t expires_on);

#ifdef __cplusplus
}
#endif

#endif
