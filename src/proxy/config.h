/* SPDX-License-Identifier: MIT */
/*
 * What the proxy is to do, read once from arguments, environment and file.
 *
 * An argument goes before an environment variable, that before the file, that before the default;
 * and what a target or login says of itself goes before what is said for all. All come from one
 * table (proxy/options.h).
 *
 * A configuration does not change after it was loaded. A reload makes another one; sessions
 * hold a reference to the one they began with. One thread.
 */
#ifndef PROXY_CONFIG_H
#define PROXY_CONFIG_H

#include "base/log.h"
#include "base/secret.h"
#include "conf/option.h"
#include "proxy/address.h"
#include "proxy/pool.h"
#include "tls/tls.h"

#include <entrasql/entrasql.h>

#include <sys/types.h>

#define PROXY_TARGETS_MAX 1024
#define PROXY_LISTENS_MAX 16

typedef struct proxy_config proxy_config;

/* Who the proxy is upstream. */
typedef struct proxy_identity {
    char *name; /* "default": of [proxy] and the flags */
    entrasql_credential *credential;
    char *settings; /* as text, to see on reload whether they changed */
} proxy_identity;

typedef enum proxy_allow {
    PROXY_ALLOW_OWN,   /* processes of the proxy's own user */
    PROXY_ALLOW_ANY,   /* everybody who reaches it */
    PROXY_ALLOW_SECRET /* nobody without a secret or a rule of its own */
} proxy_allow;

typedef struct proxy_uids {
    uid_t *list;
    size_t count;
} proxy_uids;

/* Who may come in; one of these must hold. */
typedef struct proxy_access {
    proxy_allow allow;
    proxy_uids uids;   /* beside that */
    es_secret *secret; /* whoever sends it as password; NULL: none */
} proxy_access;

/* Clients that log in with this name. */
typedef struct proxy_login_rule {
    char *name;
    proxy_uids uids;   /* whose processes; count 0: does not matter */
    es_secret *secret; /* the password; NULL: does not matter. One of the two is there */
    const proxy_identity *identity; /* NULL: the target's */
    uint32_t max_clients;           /* 0: no limit */
} proxy_login_rule;

typedef enum proxy_client_tls {
    PROXY_TLS_OFF,
    PROXY_TLS_LOGIN,    /* the login packet alone where the client asks for no more */
    PROXY_TLS_OPTIONAL, /* as the client likes */
    PROXY_TLS_REQUIRED, /* 7.4 or 8.0 */
    PROXY_TLS_STRICT    /* 8.0 */
} proxy_client_tls;

typedef enum proxy_fedauth {
    PROXY_FEDAUTH_REFUSE,
    PROXY_FEDAUTH_REPLACE, /* the proxy's token in place of the client's */
    PROXY_FEDAUTH_PASS     /* the client's token goes upstream */
} proxy_fedauth;

typedef struct proxy_limits {
    uint32_t max_clients; /* of the target */
    bool queue;           /* who is too many waits, else is refused */
    uint32_t queue_ms;    /* at most */
} proxy_limits;

typedef struct proxy_target {
    proxy_config *config; /* that it is part of */
    char *name;           /* of the section, else the argument as written; for messages */
    char *where;          /* it was described: "proxy.ini:3: [target sales]", "target 'sales'" */
    char *key; /* server, database and encryption: the same after a reload, the same target */
    char *host;
    uint16_t port;
    char *database; /* for clients that name none; NULL: the server's default */
    bool strict;
    char *host_name_in_certificate; /* NULL: host */
    char *ca_stamp;                 /* which version of the file */
    char *ca_file;                  /* upstream trust; NULL: SSL_CERT_FILE, else the system's */
    tls_context *tls;               /* upstream */
    const proxy_identity *identity;
    proxy_address *listens;
    size_t listen_count;
    mode_t socket_mode; /* of unix sockets */
    proxy_access access;
    proxy_client_tls client_tls;
    tls_context *client_tls_context; /* NULL with PROXY_TLS_OFF */
    proxy_fedauth fedauth;
    proxy_limits limits;
    proxy_pool_settings pool;
    uint32_t warm;        /* upstream connections that stand ready for a login */
    uint32_t warm_age_ms; /* then each is replaced */
} proxy_target;

/* What an operator sees and does. */
typedef struct proxy_ops {
    char *http_address;      /* "127.0.0.1:9090": health and metrics; NULL: none */
    bool http_quit;          /* POST /quitquitquit ends the proxy */
    es_secret *admin_secret; /* NULL: the admin database is for the own user alone */
    bool test_connection;    /* log in to every target before the proxy is ready */
    bool skip_token_check;
    uint32_t drain_ms;
} proxy_ops;

/* Which setting was given where; whatever is not listed has its default. */
typedef struct proxy_setting {
    const char *kind; /* of the section that it belongs to: "proxy", "target" ... */
    char *of;         /* the section's name, "proxy" for the one without */
    const char *name; /* in the table */
    char *value;      /* as it was written; "yes" for a flag */
    char *source;     /* "--pool-size", "ENTRASQL_PROXY_POOL_SIZE", "proxy.ini:12: pool-size" */
} proxy_setting;

struct proxy_config {
    unsigned refs;
    char *file; /* NULL: none */
    proxy_identity *identities;
    size_t identity_count;
    proxy_target *targets;
    size_t target_count;
    proxy_login_rule *logins;
    size_t login_count;
    proxy_setting *settings;
    size_t setting_count;
    uint32_t max_clients;           /* in all */
    uint32_t max_clients_per_login; /* of names without a rule; 0: no limit */
    uint32_t login_timeout_ms;      /* of a client, token and upstream included */
    uint32_t max_half_open;         /* connections whose login is not complete */
    bool has_log_level;             /* else what the program was started with stays */
    es_log_level log_level;
    es_log_form log_form;
    proxy_ops ops;
};

/* Where the settings come from. What it points to lives as long as the proxy. */
typedef struct proxy_config_source {
    const conf_args *args; /* the command line; its table holds the rows of proxy/options.h */
    /* Makes the credential that the settings describe: the flags and [proxy], or an [identity]. */
    entrasql_status (*make_credential)(const conf_args *settings, entrasql_credential **ret,
                                       entrasql_error *err);
} proxy_config_source;

/*
 * Reads the file, if one is named, checks everything, opens certificates and secrets. Identities
 * that are as in `old` (NULL: none) keep their credential and with it their tokens. INVALID or
 * CONFIG name flag, variable or file:line; *ret has one reference.
 */
entrasql_status proxy_config_load(const proxy_config_source *source, const proxy_config *old,
                                  proxy_config **ret, entrasql_error *err) ES_MUST_USE;
proxy_config *proxy_config_ref(proxy_config *config);
void proxy_config_unref(proxy_config *config); /* NULL allowed */

/* Where that setting was given: proxy_setting.source, or "default". */
const char *proxy_config_source_of(const proxy_config *config, const char *kind, const char *of,
                                   const char *name);
/* The rule of the login name, or NULL. */
const proxy_login_rule *proxy_config_login(const proxy_config *config, const char *name);
/*
 * CONFIG, naming the setting, when clients of other machines can reach the address and the target
 * does not encrypt or cannot tell who they are.
 */
entrasql_status proxy_config_check_exposed(const proxy_target *t, const char *address,
                                           entrasql_error *err) ES_MUST_USE;
bool proxy_uids_hold(const proxy_uids *uids, uid_t uid);

#endif
