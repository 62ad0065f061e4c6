/* SPDX-License-Identifier: MIT */
/* Client assertions: what proves an app by a certificate, or by a token of another issuer. */
#ifndef EMULATOR_ENTRA_ASSERTION_H
#define EMULATOR_ENTRA_ASSERTION_H

#include "internal.h"

/* Whether the form's assertion proves that principal; false after an error was written. */
bool entra_check_assertion(entra_call *c, const world_principal *p);

/* Issuers beside Entra, under WORLD_FEDERATION_PATH: their metadata, keys, and the endpoint where
 * a pipeline's job gets its token. */
void entra_federation(entra_call *c, const char *rest);

#endif
