/* SPDX-License-Identifier: MIT */
/*
 * An engine that does as the text of the batch says, for tests of the front:
 * "rows 3", "two", "error", "late error", "fatal", "begin", "commit", "print",
 * "spin" (until interrupted), "flood" (rows until the sink has enough),
 * "large N" (one value of N bytes), "broken". Users: anybody; databases:
 * master and persons.
 */
#ifndef FAKE_ENGINE_H
#define FAKE_ENGINE_H

#include "engine/engine.h"

#include <stdatomic.h>

extern atomic_int fake_engine_sessions;   /* open now */
extern atomic_int fake_engine_interrupts; /* statements that ended by an interrupt */
extern atomic_int fake_engine_running;    /* statements that run now */

#endif
