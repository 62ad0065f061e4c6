/* SPDX-License-Identifier: MIT */
/*
 * The rows of the proxy's option table but the credential's: flags, ENTRASQL_PROXY_* variables and
 * keys of the file's sections. Read by proxy/config.c.
 */
#ifndef PROXY_OPTIONS_H
#define PROXY_OPTIONS_H

#define PROXY_VARIABLES "ENTRASQL_PROXY_"

#define PROXY_OPTION_(name_, type_, value_, default_, sections_, help_)                            \
    {                                                                                              \
        .name = (name_), .type = (type_), .value_name = (value_), .default_value = (default_),     \
        .sections = (sections_), .help = (help_)                                                   \
    }
#define PROXY_NUMBER_(name_, value_, default_, min_, max_, sections_, help_)                       \
    {                                                                                              \
        .name = (name_), .type = CONF_OPTION_NUMBER, .value_name = (value_),                       \
        .default_value = (default_), .min = (min_), .max = (max_), .sections = (sections_),        \
        .help = (help_)                                                                            \
    }
#define PROXY_CHOICE_(name_, choices_, default_, sections_, help_)                                 \
    {                                                                                              \
        .name = (name_), .type = CONF_OPTION_CHOICE, .choices = (choices_),                        \
        .default_value = (default_), .sections = (sections_), .help = (help_)                      \
    }
#define PROXY_FLAG_(name_, sections_, help_)                                                       \
    {                                                                                              \
        .name = (name_), .type = CONF_OPTION_FLAG, .sections = (sections_), .help = (help_)        \
    }
#define PROXY_IN_FILE_(name_, type_, sections_, help_)                                             \
    {                                                                                              \
        .name = (name_), .type = (type_), .sections = (sections_), .help = (help_),                \
        .file_only = true                                                                          \
    }

#define PROXY_DAY_ 86400

#define PROXY_OPTIONS_WHERE                                                                        \
    PROXY_OPTION_("config", CONF_OPTION_FILE, "FILE", NULL, NULL,                                  \
                  "settings, targets, identities and logins (docs/proxy.md)"),                     \
        PROXY_OPTION_("targets", CONF_OPTION_TEXT, "TARGETS", NULL, "proxy",                       \
                      "targets with blanks between, in place of arguments"),                       \
        PROXY_IN_FILE_("server", CONF_OPTION_TEXT, "target", "SERVER[,PORT]"),                     \
        PROXY_IN_FILE_("database", CONF_OPTION_TEXT, "target", "for clients that name none"),      \
        PROXY_OPTION_("listen", CONF_OPTION_TEXT, "ADDRESS,...", NULL, "proxy|target",             \
                      "where clients connect: PORT, HOST:PORT, unix:PATH, systemd:NAME"),          \
        PROXY_OPTION_("socket-mode", CONF_OPTION_TEXT, "MODE", "0600", "proxy|target",             \
                      "of unix sockets, octal"),                                                   \
        PROXY_CHOICE_("encrypt", "mandatory|strict", "mandatory", "proxy|target",                  \
                      "upstream: TLS inside TDS 7.4, or TDS 8.0"),                                 \
        PROXY_OPTION_("host-name-in-certificate", CONF_OPTION_TEXT, "NAME", NULL, "target",        \
                      "upstream, when it differs from the server's"),                              \
        PROXY_OPTION_("identity", CONF_OPTION_TEXT, "NAME", NULL, "proxy|target|login",            \
                      "which [identity] signs in (default: the credential options)")

#define PROXY_OPTIONS_ACCESS                                                                       \
    PROXY_CHOICE_("allow", "own|any|secret", "own", "proxy|target",                                \
                  "who may connect: processes of the proxy's own user, everybody, or only who "    \
                  "shows a secret"),                                                               \
        PROXY_OPTION_("allow-uids", CONF_OPTION_TEXT, "UID,...", NULL, "proxy|target|login",       \
                      "users whose processes may connect as well"),                                \
        PROXY_OPTION_("secret-file", CONF_OPTION_FILE, "FILE", NULL, "proxy|target|login",         \
                      "whoever sends its first line as password may connect as well"),             \
        PROXY_CHOICE_("client-fedauth", "refuse|replace|pass", "refuse", "proxy|target",           \
                      "clients that bring a token: refused, signed in by the proxy all the same, " \
                      "or passed on"),                                                             \
        PROXY_CHOICE_("tls", "off|login|optional|required|strict", NULL, "proxy|target",           \
                      "encryption of clients' connections (default: required with "                \
                      "--tls-certificate, else off)"),                                             \
        PROXY_OPTION_("tls-certificate", CONF_OPTION_FILE, "FILE", NULL, "proxy|target",           \
                      "of the proxy, with its chain (PEM); see proxy init-tls"),                   \
        PROXY_OPTION_("tls-key", CONF_OPTION_FILE, "FILE", NULL, "proxy|target", "its key (PEM)")

#define PROXY_OPTIONS_LIMITS                                                                       \
    PROXY_NUMBER_("max-clients", "N", "1000", 1, 1000000, "proxy|target|login",                    \
                  "clients at one time"),                                                          \
        PROXY_NUMBER_("max-clients-per-target", "N", NULL, 1, 1000000, "proxy",                    \
                      "clients of each target"),                                                   \
        PROXY_NUMBER_("max-clients-per-login", "N", NULL, 1, 1000000, "proxy",                     \
                      "clients of each login name"),                                               \
        PROXY_NUMBER_("max-half-open", "N", "500", 1, 1000000, "proxy",                            \
                      "connections whose login is not complete; the oldest goes first"),           \
        PROXY_CHOICE_("when-full", "refuse|queue", "refuse", "proxy|target",                       \
                      "at a limit of clients: refuse more, or let them wait"),                     \
        PROXY_NUMBER_("queue-timeout", "SECONDS", "10", 1, 3600, "proxy|target",                   \
                      "how long they wait"),                                                       \
        PROXY_NUMBER_("login-timeout", "SECONDS", "30", 1, 3600, "proxy",                          \
                      "how long signing a client in may take"),                                    \
        PROXY_NUMBER_("drain", "SECONDS", "30", 0, PROXY_DAY_, "proxy",                            \
                      "how long sessions may go on after SIGTERM; a second signal ends them")

#define PROXY_OPTIONS_POOL                                                                         \
    PROXY_CHOICE_("pool", "on|off", "on", "proxy|target",                                          \
                  "share server connections between clients, or one for each"),                    \
        PROXY_NUMBER_("pool-min", "N", "0", 0, 10000, "proxy|target",                              \
                      "server connections of a pool that are kept"),                               \
        PROXY_NUMBER_("pool-size", "N", "100", 1, 10000, "proxy|target",                           \
                      "server connections of a pool"),                                             \
        PROXY_NUMBER_("pool-reserve", "N", "0", 0, 10000, "proxy|target",                          \
                      "more of them when clients wait too long"),                                  \
        PROXY_NUMBER_("pool-reserve-after", "SECONDS", "5", 0, 3600, "proxy|target",               \
                      "how long that is"),                                                         \
        PROXY_NUMBER_("pool-max", "N", NULL, 1, 100000, "proxy|target",                            \
                      "server connections of a target, all pools together"),                       \
        PROXY_NUMBER_("pool-wait", "SECONDS", "30", 1, 3600, "proxy|target",                       \
                      "how long a client waits for a server connection"),                          \
        PROXY_NUMBER_("pool-idle-timeout", "SECONDS", "600", 0, PROXY_DAY_, "proxy|target",        \
                      "an unused connection is closed after that (0: never)"),                     \
        PROXY_NUMBER_("pool-lifetime", "SECONDS", "3600", 0, PROXY_DAY_, "proxy|target",           \
                      "a connection is not used again after that (0: no limit)"),                  \
        PROXY_NUMBER_("pool-jitter", "PERCENT", "10", 0, 90, "proxy|target",                       \
                      "both times are shorter by up to this, so that not all end at once"),        \
        PROXY_NUMBER_(                                                                             \
            "pool-check-after", "SECONDS", "30", 0, PROXY_DAY_, "proxy|target",                    \
            "a connection unused for that long is checked before it is lent (0: never)"),          \
        PROXY_NUMBER_("pool-stall-timeout", "SECONDS", "300", 0, PROXY_DAY_, "proxy|target",       \
                      "a client that stops within a request, no bulk load, is ended after that "   \
                      "(0: never)"),                                                               \
        PROXY_NUMBER_("pool-token-margin", "SECONDS", "300", 0, 3600, "proxy|target",              \
                      "a connection is retired so long before its token expires"),                 \
        PROXY_CHOICE_("pool-app-name", "separate|share", "separate", "proxy|target",               \
                      "clients with different application names share connections or not"),        \
        PROXY_NUMBER_("warm", "N", "0", 0, 1000, "proxy|target",                                   \
                      "connections to the server that stand ready for a login, pooled or not"),    \
        PROXY_NUMBER_("warm-age", "SECONDS", "20", 1, 3600, "proxy|target",                        \
                      "each is replaced after that: servers do not wait for a login forever")

#define PROXY_OPTIONS_OPS                                                                          \
    PROXY_OPTION_("http", CONF_OPTION_TEXT, "HOST:PORT", NULL, "proxy",                            \
                  "serve /startup, /readiness, /liveness and /metrics there"),                     \
        PROXY_FLAG_("http-quit", "proxy", "POST /quitquitquit ends the proxy"),                    \
        PROXY_OPTION_("admin-secret-file", CONF_OPTION_FILE, "FILE", NULL, "proxy",                \
                      "its first line opens the database entrasql to other users"),                \
        PROXY_FLAG_("run-connection-test", "proxy", "log in to every target before being ready"),  \
        PROXY_FLAG_("skip-token-check", "proxy", "listen without having got a token first"),       \
        PROXY_CHOICE_("log-level", "none|error|warning|info|debug|trace", NULL, "proxy",           \
                      "what to log on standard error"),                                            \
        PROXY_CHOICE_("log-format", "text|json", NULL, "proxy", "its form")

#define PROXY_OPTIONS                                                                              \
    PROXY_OPTIONS_WHERE, PROXY_OPTIONS_ACCESS, PROXY_OPTIONS_LIMITS, PROXY_OPTIONS_POOL,           \
        PROXY_OPTIONS_OPS

#endif
