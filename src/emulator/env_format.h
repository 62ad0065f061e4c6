/* SPDX-License-Identifier: MIT */
/*
 * Environment variables as the lines of a shell or the members of a JSON
 * object, with everything quoted that needs it.
 */
#ifndef EMULATOR_ENV_FORMAT_H
#define EMULATOR_ENV_FORMAT_H

#include "emulator.h"

#define EMULATOR_ENV_MAX_VARIABLES 512

typedef struct emulator_variable {
    char *name;
    char *value; /* NULL: to be unset */
} emulator_variable;

typedef struct emulator_variables {
    emulator_variable items[EMULATOR_ENV_MAX_VARIABLES];
    size_t count;
} emulator_variables;

/* Sets or unsets (value NULL); a later call for the same name wins. Copies both. */
entrasql_status emulator_variable_set(emulator_variables *v, const char *name,
                                      const char *value) ES_MUST_USE;
/* Wipes. */
void emulator_variables_done(emulator_variables *v);
/* Names that no shell can have are in JSON only. */
entrasql_status emulator_variables_print(const emulator_variables *v, emulator_env_format format,
                                         es_buf *out) ES_MUST_USE;

#endif
