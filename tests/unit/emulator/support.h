/* SPDX-License-Identifier: MIT */
/* What the emulator's tests share: a data directory of their own and a world in it. */
#ifndef TEST_EMULATOR_SUPPORT_H
#define TEST_EMULATOR_SUPPORT_H

#include "emulator/world/world.h"

/* A new directory under $TMPDIR or /tmp; the path is static. */
const char *support_make_dir(void);
/* Removes a directory and everything in it. */
void support_remove_dir(const char *path);
/* Fails the test when the part is missing. */
void support_assert_has(const char *text, const char *part);
/* The default world, loaded in the directory. */
world *support_load(const char *dir);
/* Writes a file of that directory. */
void support_write(const char *dir, const char *name, const char *text);

#endif
