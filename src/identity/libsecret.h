/* SPDX-License-Identifier: MIT */
/*
 * A token cache in the desktop's secret service, by libsecret, which is loaded when it is first
 * asked for and never linked. Schema and attributes are those of the Microsoft Authentication
 * Libraries on Linux. The calls go over D-Bus and block; the service may ask the person to unlock
 * it.
 *
 * Any thread. UNAVAILABLE: no libsecret on this machine, or no service answers.
 */
#ifndef IDENTITY_LIBSECRET_H
#define IDENTITY_LIBSECRET_H

#include "base/buf.h"
#include "base/error.h"

/* Appends the cache's JSON; nothing when there is none. */
entrasql_status identity_libsecret_load(const char *name, es_buf *json,
                                        entrasql_error *err) ES_MUST_USE;
entrasql_status identity_libsecret_store(const char *name, const es_buf *json,
                                         entrasql_error *err) ES_MUST_USE;

#endif
