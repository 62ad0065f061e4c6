/* SPDX-License-Identifier: MIT */
/*
 * What a proxy leads to, as written on the command line:
 *
 *     SERVER[,PORT][/DATABASE][?KEY=VALUE[&KEY=VALUE]...]
 *
 * The keys are those of a [target] section (proxy/options.h). %XX stands for any byte in DATABASE
 * and in values.
 */
#ifndef PROXY_TARGET_H
#define PROXY_TARGET_H

#include "conf/option.h"

#define PROXY_TARGET_MAX_BYTES 4096

typedef struct proxy_target_text {
    char *text;           /* as written; names the target in messages */
    char *parts;          /* what the rest points into */
    const char *server;   /* SERVER[,PORT] */
    const char *database; /* NULL: none */
} proxy_target_text;

/*
 * Cuts n bytes up and puts the keys into settings, which borrow ret. CONFIG with the place and
 * what would be right; *ret then needs no done().
 */
entrasql_status proxy_target_parse(const char *text, size_t n, conf_args *settings,
                                   proxy_target_text *ret, entrasql_error *err) ES_MUST_USE;
void proxy_target_text_done(proxy_target_text *t);

#endif
