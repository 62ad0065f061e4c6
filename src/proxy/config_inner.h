/* SPDX-License-Identifier: MIT */
/* Inside the reading of a configuration: values made of settings. */
#ifndef PROXY_CONFIG_INNER_H
#define PROXY_CONFIG_INNER_H

#include "proxy/config.h"

/* Where `own` says nothing of the option, what `all` says. */
void proxy_config_inherit(conf_args *own, const conf_args *all, const char *name);
/* The setting as if nobody had given it. */
void proxy_config_drop(conf_args *settings, const char *name);

/* Notes for operators which settings of that kind of section were given, and where. */
entrasql_status proxy_config_note(proxy_config *config, const char *kind, const char *of,
                                  const conf_args *settings, entrasql_error *err) ES_MUST_USE;

/* "allow-uids". */
entrasql_status proxy_config_uids(const conf_args *settings, proxy_uids *ret,
                                  entrasql_error *err) ES_MUST_USE;
/* The first line of the file that the option names, or NULL when it names none. */
entrasql_status proxy_config_secret(const conf_args *settings, const char *name, es_secret **ret,
                                    entrasql_error *err) ES_MUST_USE;
/*
 * What a target has beside its server, database, identity and number of clients. It may share the
 * upstream trust of the target before it, or of the old configuration; each may be NULL.
 */
entrasql_status proxy_config_target(const conf_args *settings, const proxy_target *before,
                                    const proxy_config *old, proxy_target *t,
                                    entrasql_error *err) ES_MUST_USE;
/* What holds between targets: addresses, and what is open to other machines. */
entrasql_status proxy_config_check(proxy_config *config, entrasql_error *err) ES_MUST_USE;

#endif
