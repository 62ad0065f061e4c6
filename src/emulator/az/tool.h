/* SPDX-License-Identifier: MIT */
/*
 * What the stand-ins for developers' tools (az, azd, pwsh) share: whose they
 * are, and the token. Each reads its command line strictly and speaks as the real one.
 *
 * A stand-in signs the token itself with the data directory's key, so the
 * file's permission (0600) decides who can get one; the emulator must be
 * running, as the real tools need Entra.
 */
#ifndef EMULATOR_AZ_TOOL_H
#define EMULATOR_AZ_TOOL_H

#include "emulator/internal.h"

#define TOOL_COMPLAINT_SIZE 1024

/* The directory in which it was started tells both. */
typedef struct tool_place {
    const char *data_dir;
    const char *upn; /* NULL: nobody is signed in */
} tool_place;

typedef struct tool_session {
    world *w;
    const world_principal *user;
} tool_session;

/* False with a complaint when the emulator does not run. user NULL: nobody is signed in. */
bool tool_open(const tool_place *place, tool_session *ret, char complaint[TOOL_COMPLAINT_SIZE]);
void tool_close(tool_session *s);

/* The resource of a scope ("<resource>/.default") or as it stands; NULL: unknown. */
const char *tool_resource(const world *w, const char *text, bool is_scope);

/*
 * A token of the person's for a resource in a tenant (NULL: the own one). False with Entra's
 * complaint (AADSTS...). `named`: the resource as it was asked for.
 */
bool tool_token(const tool_session *s, const char *named, bool is_scope, const char *tenant,
                es_buf *token, int64_t *ret_expires_on, char complaint[TOOL_COMPLAINT_SIZE]);

/* Writes the text to standard output; false when that fails. */
bool tool_print(const es_buf *out);

int tool_az(int argc, char **argv, const tool_place *place);
int tool_azd(int argc, char **argv, const tool_place *place);
int tool_pwsh(int argc, char **argv, const tool_place *place);

#endif
