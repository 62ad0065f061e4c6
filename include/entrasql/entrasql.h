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

/*
 * Ends requests from another thread: one object for any number of them. Trigger it once and each
 * request that was given it ends with CANCELLED, now and later. Reference counted; any thread.
 */
typedef struct entrasql_cancel entrasql_cancel;

/* NOMEM; OS without a descriptor for it. */
ENTRASQL_API entrasql_status entrasql_cancel_new(entrasql_cancel **ret, entrasql_error *err);
/* Any thread; safe in a signal handler. NULL allowed. */
ENTRASQL_API void entrasql_cancel_trigger(entrasql_cancel *cancel);
/* Requests hold a reference of their own as long as they run. NULL allowed. */
ENTRASQL_API void entrasql_cancel_unref(entrasql_cancel *cancel);

typedef struct entrasql_token_request {
    size_t size;           /* 0 is taken for the struct of version 0.1 */
    const char *scope;     /* "<resource>/.default"; required */
    const char *tenant_id; /* NULL: the credential's own */
    const char *claims;    /* a claims challenge as JSON: not answered from the cache, and the token
                              that comes replaces the cached one; or NULL */
    uint32_t timeout_ms;   /* for the whole call; 0: 100 000, and the person's time on top for
                              credentials that may ask one */
    bool refresh;          /* true: do not answer from the cache */
    bool enable_cae; /* true: the resource handles continuous access evaluation (cp1); such tokens
                        are cached apart */
    entrasql_cancel *cancel; /* NULL: only the deadline ends the request */
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
/* Ends it, finished or not. NULL allowed. */
ENTRASQL_API void entrasql_token_operation_free(entrasql_token_operation *operation);

/* ---- settings shared by the credentials ---- */

typedef struct entrasql_client_options {
    size_t size;
    const char
        *authority_host;  /* NULL: AZURE_AUTHORITY_HOST, else https://login.microsoftonline.com */
    const char *ca_file;  /* PEM; NULL: SSL_CERT_FILE, else the system store */
    uint32_t max_retries; /* 0: what the credential's source asks for; UINT32_MAX: none */
    /* Tenants that a request may name beside the credential's own, ';' between, "*" for any;
     * NULL: AZURE_ADDITIONALLY_ALLOWED_TENANTS. */
    const char *additionally_allowed_tenants;
    /* True: before an authority that is not one of Microsoft's known hosts gets its first secret,
     * the public cloud is asked whether it knows it. Leave false for private clouds. */
    bool instance_discovery;
} entrasql_client_options;

/* ---- service principals ---- */

/* ClientSecretCredential: a service principal by its secret. All three strings are required. */
ENTRASQL_API entrasql_status entrasql_client_secret_credential_new(
    const char *tenant_id, const char *client_id, const char *client_secret,
    const entrasql_client_options *options, entrasql_credential **ret, entrasql_error *err);

/*
 * ClientCertificateCredential: a service principal by a certificate and its RSA key (2048 bits or
 * more), PEM (the key may be encrypted) or PKCS#12; which certificate is the key's is found by the
 * key, whatever their order. Give `path`, which is read again for each new assertion so
 * that a rotated file is picked up, or `data`, which is copied. CONFIG: it cannot be used, or the
 * password is wrong; NOT_FOUND, OS: the file cannot be read. A certificate that has expired makes
 * get_token AUTH_FAILED without a request.
 */
typedef struct entrasql_client_certificate_options {
    size_t size;
    const char *path;
    const void *data;
    size_t data_size;     /* bytes */
    const char *password; /* of the key or the PKCS#12 file; NULL: none */
    bool send_x5c;        /* true: send the certificate chain (subject name and issuer) */
    bool rs256;           /* true: RS256 with x5t, for AD FS; false: PS256 with x5t#S256 */
    const entrasql_client_options *client; /* NULL: defaults */
} entrasql_client_certificate_options;

ENTRASQL_API entrasql_status
entrasql_client_certificate_credential_new(const char *tenant_id, const char *client_id,
                                           const entrasql_client_certificate_options *options,
                                           entrasql_credential **ret, entrasql_error *err);

/*
 * ClientAssertionCredential: a service principal by a signed assertion (JWT) that the program's
 * function brings, called for each request to Entra on the thread that asks, possibly on several at
 * once. It stores a NUL-terminated copy made with malloc() in *ret_assertion; the library
 * zeroes and frees it. Its failure is handed on as AUTH_FAILED. free_context is called with the
 * credential's end, and not when this call fails.
 */
typedef entrasql_status entrasql_assertion_function(void *context, char **ret_assertion,
                                                    entrasql_error *err);

ENTRASQL_API entrasql_status entrasql_client_assertion_credential_new(
    const char *tenant_id, const char *client_id, entrasql_assertion_function *function,
    void *context, void (*free_context)(void *context), const entrasql_client_options *options,
    entrasql_credential **ret, entrasql_error *err);

/*
 * EnvironmentCredential: AZURE_TENANT_ID and AZURE_CLIENT_ID with AZURE_CLIENT_SECRET, or with
 * AZURE_CLIENT_CERTIFICATE_PATH (AZURE_CLIENT_CERTIFICATE_PASSWORD,
 * AZURE_CLIENT_SEND_CERTIFICATE_CHAIN). Missing variables make get_token UNAVAILABLE; so does
 * AZURE_USERNAME with AZURE_PASSWORD, a way in that Entra has closed with multi-factor
 * authentication.
 */
ENTRASQL_API entrasql_status entrasql_environment_credential_new(
    const entrasql_client_options *options, entrasql_credential **ret, entrasql_error *err);

/*
 * WorkloadIdentityCredential: AKS and every other platform that writes a federated token into a
 * file, which is read again for each request to Entra. NULL members come from AZURE_TENANT_ID,
 * AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE; what is missing then makes get_token UNAVAILABLE.
 * The token goes to the authority itself; the proxy of AKS identity bindings
 * (AZURE_KUBERNETES_TOKEN_PROXY) is not used.
 */
typedef struct entrasql_workload_identity_options {
    size_t size;
    const char *tenant_id;
    const char *client_id;
    const char *token_file_path;
    const entrasql_client_options *client; /* NULL: defaults */
} entrasql_workload_identity_options;

ENTRASQL_API entrasql_status
entrasql_workload_identity_credential_new(const entrasql_workload_identity_options *options,
                                          entrasql_credential **ret, entrasql_error *err);

/*
 * AzurePipelinesCredential: the service connection of an Azure Pipelines job. All four strings are
 * required; system_access_token is $(System.AccessToken). Needs SYSTEM_OIDCREQUESTURI.
 */
ENTRASQL_API entrasql_status entrasql_azure_pipelines_credential_new(
    const char *tenant_id, const char *client_id, const char *service_connection_id,
    const char *system_access_token, const entrasql_client_options *options,
    entrasql_credential **ret, entrasql_error *err);

/*
 * OnBehalfOfCredential: a web service that calls on as the user whose token it got. Give
 * client_secret, or certificate, or assertion (with its context); one is required. Where Entra
 * wants something of the user first, err->claims of the failed get_token holds the challenge: the
 * service answers its own caller with it (WWW-Authenticate, claims=base64), who signs in again.
 */
typedef struct entrasql_on_behalf_of_options {
    size_t size;
    const char *client_secret;
    const entrasql_client_certificate_options *certificate; /* its client member is not used */
    entrasql_assertion_function *assertion;
    void *assertion_context;
    void (*free_assertion_context)(void *context);
    const entrasql_client_options *client; /* NULL: defaults */
} entrasql_on_behalf_of_options;

ENTRASQL_API entrasql_status entrasql_on_behalf_of_credential_new(
    const char *tenant_id, const char *client_id, const char *user_assertion,
    const entrasql_on_behalf_of_options *options, entrasql_credential **ret, entrasql_error *err);

/* ---- managed identities ---- */

/*
 * ManagedIdentityCredential on App Service, Functions, Container Apps, Spring Apps, virtual
 * machines, scale sets, AKS nodes, Azure Arc, Service Fabric, Cloud Shell and Azure Machine
 * Learning; which of them is found by their variables, and else IMDS is asked. Give at most one of
 * the three ids; none means the system-assigned identity. INVALID where the host cannot take the
 * id.
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

/* ---- developer tools ---- */

/* AzureCliCredential: runs `az account get-access-token`. */
typedef struct entrasql_azure_cli_options {
    size_t size;
    const char *tenant_id;       /* NULL: az's own */
    const char *subscription;    /* NULL: az's own */
    uint32_t process_timeout_ms; /* 0: 10 000 */
    /* True: an access token that az left in its own token cache (AZURE_CONFIG_DIR, else ~/.azure)
     * and that is valid for scope, tenant and account is used without starting az. Also switched on
     * by ENTRASQL_AZURE_CLI_CACHE=1. Refresh tokens are never touched. */
    bool use_token_cache;
    const char *additionally_allowed_tenants; /* as in entrasql_client_options */
} entrasql_azure_cli_options;

ENTRASQL_API entrasql_status entrasql_azure_cli_credential_new(
    const entrasql_azure_cli_options *options, entrasql_credential **ret, entrasql_error *err);

/* For AzurePowerShellCredential, AzureDeveloperCliCredential and VisualStudioCredential. */
typedef struct entrasql_developer_tool_options {
    size_t size;
    const char *tenant_id;                    /* NULL: the tool's own */
    uint32_t process_timeout_ms;              /* 0: 10 000; 30 000 for Visual Studio */
    const char *additionally_allowed_tenants; /* as in entrasql_client_options */
} entrasql_developer_tool_options;

/* AzurePowerShellCredential: runs pwsh with Get-AzAccessToken (Az.Accounts 2.2 or newer). */
ENTRASQL_API entrasql_status entrasql_azure_powershell_credential_new(
    const entrasql_developer_tool_options *options, entrasql_credential **ret, entrasql_error *err);
/* AzureDeveloperCliCredential: runs `azd auth token`. */
ENTRASQL_API entrasql_status entrasql_azure_developer_cli_credential_new(
    const entrasql_developer_tool_options *options, entrasql_credential **ret, entrasql_error *err);
/* VisualStudioCredential: the token provider of Visual Studio (~/.IdentityService). */
ENTRASQL_API entrasql_status entrasql_visual_studio_credential_new(
    const entrasql_developer_tool_options *options, entrasql_credential **ret, entrasql_error *err);
/* VisualStudioCodeCredential: needs the platform's broker; UNAVAILABLE with the reason where that
 * is not to be had, as on Linux. */
ENTRASQL_API entrasql_status entrasql_visual_studio_code_credential_new(
    const entrasql_developer_tool_options *options, entrasql_credential **ret, entrasql_error *err);

/* ---- persistent token cache ---- */

/*
 * Where a credential that signs people in keeps their tokens beyond the process, in the JSON schema
 * of the Microsoft Authentication Libraries. Off unless asked for (enabled). Other programs may use
 * the same cache at the same time: changes are made under <file>.lockfile, as all of those
 * libraries do, and what others keep there stays.
 *
 * The kernel keyring is the scheme of azidentity/cache for Go: the file is encrypted with a key
 * that is gone after a reboot, which reads as an empty cache. Where the protection cannot be had
 * (keyrings in most containers, libsecret without a desktop) reading and writing are UNAVAILABLE,
 * unless allow_plain_file is set. Files that other users own or can read are refused: INVALID. A
 * token that cannot be stored is still handed out. libsecret talks to its service while the caller
 * waits, also in the asynchronous calls.
 */
typedef enum entrasql_cache_protection {
    ENTRASQL_CACHE_KERNEL_KEYRING =
        0,                        /* a file, encrypted with a key in the kernel's user keyring */
    ENTRASQL_CACHE_LIBSECRET = 1, /* the desktop's secret service, by libsecret */
    ENTRASQL_CACHE_PLAIN_FILE = 2 /* a file with mode 0600: only when said so */
} entrasql_cache_protection;

typedef struct entrasql_cache_options {
    size_t size;
    bool enabled;
    const char *name;                     /* NULL: "msal.cache" */
    const char *directory;                /* NULL: ~/.IdentityService */
    entrasql_cache_protection protection; /* 0: the kernel keyring */
    bool allow_plain_file; /* true: where the protection is not to be had, a plain file with 0600 */
} entrasql_cache_options;

/* ---- people ---- */

/* The public client that developer sign-on uses, and its tenant. */
#define ENTRASQL_DEVELOPER_CLIENT_ID "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
#define ENTRASQL_DEVELOPER_TENANT_ID "organizations"

/*
 * InteractiveBrowserCredential: authorization code with PKCE in the person's browser; the answer
 * comes by form_post to http://localhost, where only processes of this user (and root) are
 * listened to. Later tokens come by refresh token without the person.
 *
 * This and DeviceCodeCredential look into their persistent cache first: an account there is used
 * silently when login_hint names it, or when it is the only one. Entra's refusal of a refresh token
 * (invalid_grant, interaction_required) asks the person again, or is UNAVAILABLE where that is
 * switched off; every other failure is a failure. One question at a time: other requests of the
 * credential wait for it.
 */
typedef struct entrasql_interactive_browser_options {
    size_t size;
    const char *tenant_id;       /* NULL: ENTRASQL_DEVELOPER_TENANT_ID */
    const char *client_id;       /* NULL: ENTRASQL_DEVELOPER_CLIENT_ID */
    const char *login_hint;      /* whose sign-in is offered first, and taken from the cache; NULL:
                                    nobody's in particular */
    uint16_t redirect_port;      /* 0: any free port */
    uint32_t sign_in_timeout_ms; /* how long the person may take; 0: 300 000 */
    /* Opens a page; NULL: xdg-open (open on macOS). False: it could not, and the credential is
     * UNAVAILABLE. Called on the thread that asks. */
    bool (*open_url)(void *context, const char *url);
    void *open_url_context;
    bool disable_automatic_authentication; /* true: UNAVAILABLE where the person would be asked */
    const entrasql_cache_options *cache;   /* NULL: in memory only */
    const entrasql_client_options *client; /* NULL: defaults */
} entrasql_interactive_browser_options;

ENTRASQL_API entrasql_status
entrasql_interactive_browser_credential_new(const entrasql_interactive_browser_options *options,
                                            entrasql_credential **ret, entrasql_error *err);

/* What a person has to be shown. */
typedef struct entrasql_device_code {
    const char *user_code;
    const char *verification_uri;
    const char *message; /* Entra's own sentence for the person */
    int64_t expires_on;  /* seconds since 1970 */
} entrasql_device_code;

/* DeviceCodeCredential: the person types a code into a page on any device (RFC 8628). A request
 * takes as long as the code is good (15 minutes as a rule) unless its timeout_ms says less:
 * TIMEOUT. */
typedef struct entrasql_device_code_options {
    size_t size;
    const char *tenant_id; /* NULL: ENTRASQL_DEVELOPER_TENANT_ID */
    const char *client_id; /* NULL: ENTRASQL_DEVELOPER_CLIENT_ID */
    /* Shows the code; required, unless nobody is asked. Called on the thread that asks; the strings
     * are borrowed and come from the network. */
    void (*prompt)(void *context, const entrasql_device_code *code);
    void *prompt_context;
    bool disable_automatic_authentication; /* true: UNAVAILABLE where the person would be asked */
    const entrasql_cache_options *cache;   /* NULL: in memory only */
    const entrasql_client_options *client; /* NULL: defaults */
} entrasql_device_code_options;

ENTRASQL_API entrasql_status entrasql_device_code_credential_new(
    const entrasql_device_code_options *options, entrasql_credential **ret, entrasql_error *err);

/*
 * CachedSignInCredential: who signed in with `entrasql login` (or another program on the same
 * persistent cache), by refresh token. Never asks anybody; UNAVAILABLE when nobody is signed in.
 */
typedef struct entrasql_cached_sign_in_options {
    size_t size;
    const char *username;                  /* NULL: the only one, else CONFIG with the list */
    const char *tenant_id;                 /* NULL: that of the sign-in */
    const char *client_id;                 /* NULL: ENTRASQL_DEVELOPER_CLIENT_ID */
    const entrasql_cache_options *cache;   /* NULL: the cache of `entrasql login` */
    const entrasql_client_options *client; /* NULL: defaults */
} entrasql_cached_sign_in_options;

ENTRASQL_API entrasql_status entrasql_cached_sign_in_credential_new(
    const entrasql_cached_sign_in_options *options, entrasql_credential **ret, entrasql_error *err);

/* ---- chains ---- */

/*
 * ChainedTokenCredential: asks its members in order. One that is unavailable is passed over; one
 * that was tried and refused ends the chain, developer tools excepted. The first success is kept
 * for the credential's life. Takes a reference of each member; 1 to 16 of them.
 */
ENTRASQL_API entrasql_status entrasql_chained_credential_new(entrasql_credential *const *members,
                                                             size_t count,
                                                             entrasql_credential **ret,
                                                             entrasql_error *err);

/*
 * DefaultAzureCredential: EnvironmentCredential, WorkloadIdentityCredential,
 * ManagedIdentityCredential, CachedSignInCredential (`entrasql login`), VisualStudioCredential,
 * VisualStudioCodeCredential, AzureCliCredential, AzurePowerShellCredential,
 * AzureDeveloperCliCredential, and, when asked for, InteractiveBrowserCredential, in this order;
 * AZURE_TOKEN_CREDENTIALS (prod, dev, or one member's name) narrows the list, an exclude option
 * goes before it. A member that is unavailable is passed over; one that was tried and refused ends
 * the chain (developer tools never do). The first success is kept for the credential's life.
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
    bool exclude_workload_identity;
    bool exclude_cached_sign_in;
    bool exclude_visual_studio;
    bool exclude_visual_studio_code;
    bool exclude_azure_powershell;
    bool exclude_azure_developer_cli;
    bool include_interactive_browser; /* the originals' exclude_interactive_browser, turned round */
    const char *workload_identity_client_id;   /* NULL: managed_identity_client_id, else
                                                  AZURE_CLIENT_ID */
    const char *interactive_browser_tenant_id; /* NULL: ENTRASQL_DEVELOPER_TENANT_ID */
    const char *interactive_browser_client_id; /* NULL: ENTRASQL_DEVELOPER_CLIENT_ID */
    bool use_azure_cli_token_cache; /* as use_token_cache of entrasql_azure_cli_options */
} entrasql_default_azure_options;

ENTRASQL_API entrasql_status entrasql_default_azure_credential_new(
    const entrasql_default_azure_options *options, entrasql_credential **ret, entrasql_error *err);

/*
 * A credential of the program's own: one function, called on the thread that
 * asks (inside get_token, _start or _step, which it may block), possibly on
 * several at once; its results are cached like any other's. It returns a token
 * made by entrasql_token_new() or got from another credential, whose reference it gives away, and
 * must not ask the same credential itself.
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
