/* SPDX-License-Identifier: MIT */
/* What a host's resource gives to the programs that run there. */
#ifndef EMULATOR_ARM_HOST_H
#define EMULATOR_ARM_HOST_H

#include "emulator/world/world.h"

/* Name and value are lent for the call. */
typedef entrasql_status arm_setting_visitor(void *ctx, const char *name, const char *value);

/*
 * The variables that the platform sets from the resource of that host ("app",
 * "app/slots/staging", "service/apps/app"): app settings and connection strings
 * with their prefix, a container's or deployment's variables, a machine's own.
 * *ret_found: whether there is such a resource; a host of the seed alone has none.
 * From any process: the text in the data directory is read.
 */
entrasql_status arm_host_settings(const world *w, const char *data_dir, uint16_t sql_port,
                                  const char *host, arm_setting_visitor *visit, void *ctx,
                                  bool *ret_found, entrasql_error *err) ES_MUST_USE;

#endif
