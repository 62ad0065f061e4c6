/* SPDX-License-Identifier: MIT */
/* The statements that a client prepared and did not give back yet (procedure.c). */
#ifndef ENGINE_PREPARED_H
#define ENGINE_PREPARED_H

#include "engine/internal.h"

void engine_prepared_drop_all(engine_session *s);

#endif
