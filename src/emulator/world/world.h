/* SPDX-License-Identifier: MIT */
/*
 * The emulator's world: who there is (tenants, users, groups, apps, managed
 * identities), where they run (hosts), what they may ask for (resources) and
 * the SQL server; read from one seed file. And its trust: the key that signs
 * tokens, the certificate authority, the secrets of apps and hosts, all kept
 * in the data directory with mode 0600.
 *
 * A world is filled by one thread and then read by any number of threads. It
 * may be replaced while they do (world_replace()): who is not alone holds it
 * for the time of one request, world_hold() to world_let_go(). Principals,
 * texts and all else that it lends are current for that time, and can be read
 * without harm for WORLD_RETIRED_MS more; what is kept for later requests is an
 * object id, to be looked up again. Names are compared without regard to ASCII
 * case, as Entra and SQL Server do.
 */
#ifndef EMULATOR_WORLD_WORLD_H
#define EMULATOR_WORLD_WORLD_H

#include "base/buf.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/key.h"
#include "emulator/fault/fault.h"
#include "engine/engine.h"

typedef struct world world;

/* ---- who and what there is ---- */

typedef struct world_tenant {
    char id[ES_GUID_TEXT_SIZE];
    char *domain;
} world_tenant;

typedef enum world_kind {
    WORLD_USER,
    WORLD_GROUP,
    WORLD_APP,
    WORLD_IDENTITY /* a managed identity */
} world_kind;

typedef struct world_principal {
    world_kind kind;
    char *name;          /* display name; for users their name as a person */
    char *upn;           /* users; else NULL */
    char *password_hash; /* users that have a password (password.h); else NULL */
    char object_id[ES_GUID_TEXT_SIZE];
    char client_id[ES_GUID_TEXT_SIZE]; /* apps and identities; else "" */
    const world_tenant *tenant;
    char *resource_id;    /* user-assigned identities; else NULL */
    bool system_assigned; /* identities */
    bool is_distribution; /* groups: a distribution list, which gives no access to anything */
    es_secret *secret;    /* apps: the client secret */
    char *app_uri;        /* apps: "api://<client id>" */
    char **certificates;  /* apps: registered ones, PEM */
    size_t certificate_count;
} world_principal;

typedef enum world_host_kind {
    WORLD_WEB_APP,  /* App Service: IDENTITY_ENDPOINT and IDENTITY_HEADER */
    WORLD_VM,       /* IMDS */
    WORLD_AKS,      /* a cluster: a service account's token in a file (federation.h) */
    WORLD_PIPELINE, /* Azure Pipelines: a job's service connection (federation.h) */
    WORLD_WEB_APP_2017,
    WORLD_AZURE_ML,
    WORLD_SERVICE_FABRIC,
    WORLD_CLOUD_SHELL,
    WORLD_ARC /* a machine elsewhere, with the agent of Azure Arc */
} world_host_kind;

typedef struct world_host {
    world_host_kind kind;
    char *name;
    es_secret *identity_header;         /* of hosts that prove the place by a header; else NULL */
    char *service_account;              /* clusters: "namespace:name" */
    const world_principal **identities; /* clusters and pipelines: apps, too */
    size_t identity_count;
} world_host;

typedef struct world_subscription {
    char id[ES_GUID_TEXT_SIZE];
    char *name;
    char *resource_group;
} world_subscription;

/* ---- loading ---- */

/* The seed that is used when none is given; the same text as examples/seed.json. */
extern const char world_default_seed[];

#define WORLD_MAX_SEED_BYTES (1024 * 1024)
#define WORLD_MAX_PRINCIPALS 10000
#define WORLD_MAX_HOSTS 1000

/*
 * Reads a seed text; `name` is for messages. CONFIG names the place
 * ("seed.json: users[2].upn: ..."), MALFORMED the line. No files are touched:
 * a world made so has no key, certificates and secrets yet.
 */
entrasql_status world_parse_seed(const char *name, const char *text, size_t n, world **ret,
                                 entrasql_error *err) ES_MUST_USE;

/*
 * Reads the data directory's world. seed_file: taken over as <data_dir>/seed.json;
 * NULL: <data_dir>/world.json, which is the seed with the changes since, else
 * the seed there, else the default. With `create`, missing keys, certificates
 * and secrets are made (and expired certificates anew); without, NOT_FOUND.
 */
entrasql_status world_load(const char *data_dir, const char *seed_file, bool create, world **ret,
                           entrasql_error *err) ES_MUST_USE;
void world_free(world *w); /* NULL allowed */

/* The world's text as it is kept, and the name of its file. Give a ceiling of WORLD_MAX_SEED_BYTES.
 */
entrasql_status world_read_text(const char *data_dir, es_buf *out, const char **ret_name,
                                entrasql_error *err) ES_MUST_USE;
/*
 * Keeps a text as the world of the data directory, beside the seed that it
 * began with, and makes w that world: secrets of new apps are made, and
 * everything else of w stays (key, SQL login, authority, faults). A text that
 * is no world changes nothing.
 */
entrasql_status world_replace(world *w, const char *data_dir, const char *name, const char *text,
                              size_t n, entrasql_error *err) ES_MUST_USE;
/* Forgets the changes: the next world_load() reads the seed. */
entrasql_status world_forget_changes(const char *data_dir, entrasql_error *err) ES_MUST_USE;

/* Makes w the seed's world again, and forgets the changes. */
entrasql_status world_revert(world *w, const char *data_dir, entrasql_error *err) ES_MUST_USE;

#define WORLD_RETIRED_MS (60 * 60 * 1000)
/* Not twice by one thread. world_directory_find() holds by itself. */
void world_hold(const world *w);
void world_let_go(const world *w);

/* ---- looking up ---- */

const world_tenant *world_tenant_find(const world *w, const char *id_or_domain); /* or NULL */
/* Also when the world was replaced between the two. */
bool world_same_tenant(const world_tenant *a, const world_tenant *b);
const world_tenant *world_home_tenant(const world *w); /* the SQL server's */
const world_subscription *world_get_subscription(const world *w);

/* Users by UPN, apps and identities by client id, all by display name; NULL when none or many. */
const world_principal *world_user_find(const world *w, const char *upn);
const world_principal *world_user_at(const world *w,
                                     size_t i); /* all users in turn; NULL: no more */
const world_principal *world_app_find(const world *w, const char *client_id);
const world_principal *world_principal_find(const world *w, const char *upn_or_name);
const world_principal *world_identity_find(const world *w, const char *name);
/* By object id. */
const world_principal *world_object_find(const world *w, const char *object_id);
/* All in turn; NULL: no more. */
const world_principal *world_principal_at(const world *w, size_t i);
/* Object ids of the groups that a principal is in, through other groups too; returns how many. */
size_t world_groups_of(const world *w, const world_principal *p, const char **ret, size_t max);

/* "web-app", "arc" ...: the kind as the seed writes it. */
const char *world_host_kind_name(world_host_kind kind);
const world_host *world_host_find(const world *w, const char *name);
/* NOT_FOUND, with the name that comes near. */
entrasql_status world_no_host(const world *w, const char *name, entrasql_error *err) ES_MUST_USE;
const world_host *world_host_at(const world *w, size_t i); /* all in turn; NULL: no more */
/* The host whose IDENTITY_HEADER or MSI_SECRET it is; compared in constant time; NULL when none. */
const world_host *world_host_by_header(const world *w, const char *header);
const world_host *world_vm(const world *w); /* the first machine; NULL: none */
/* The host where an identity is attached; with several, the first web app. NULL: none. */
const world_host *world_host_of(const world *w, const world_principal *identity);
bool world_is_attached(const world_host *h, const world_principal *p);

/* The resource as the world spells it ("https://database.windows.net/"); a last slash does not
 * matter. NULL: unknown. */
const char *world_resource_find(const world *w, const char *resource);

/* ---- the SQL server ---- */

const char *world_server_name(const world *w);
const char *world_server_audience(const world *w); /* FEDAUTHINFO's SPN */
const world_principal *world_server_admin(const world *w);
bool world_is_entra_only(const world *w); /* SQL logins are refused */
size_t world_database_count(const world *w);
const char *world_database_name(const world *w, size_t i);

/* For engine_options.directory_find; ctx is the world. Display names and UPNs. */
size_t world_directory_find(void *ctx, const char *name, engine_external *ret);
/* For engine_options.directory_find_id. */
bool world_directory_find_id(void *ctx, const uint8_t object_id[16], engine_external *ret,
                             char *name, size_t name_size);

/* Switches SQL logins on by adding the server's SQL admin. Copies both; before threads start. */
entrasql_status world_set_sql_login(world *w, const char *name, const char *password,
                                    entrasql_error *err) ES_MUST_USE;
bool world_has_sql_login(const world *w);
/* Whether that is the SQL admin's name and password; the password in constant time. */
bool world_check_sql_login(const world *w, const char *name, const char *password);

/* The authority, "https://localhost:PORT"; set by the emulator when the port is known. */
entrasql_status world_set_authority(world *w, const char *url) ES_MUST_USE;
const char *world_authority(const world *w);
/* Authority and home tenant, for FEDAUTHINFO: "https://localhost:PORT/<tenant id>". */
const char *world_sts_url(const world *w);

/* What goes wrong on demand. The only part that changes while others read. */
faults *world_faults(const world *w);

/* ---- trust ---- */

const crypto_key *world_token_key(const world *w);
const char *world_ca_file(const world *w);
const char *world_cert_file(const world *w); /* chain, leaf first */
const char *world_key_file(const world *w);

#endif
