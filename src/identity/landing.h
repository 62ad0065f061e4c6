/* SPDX-License-Identifier: MIT */
/* The page that a person sees in the browser after a sign-in. Static: nothing from outside. */
#ifndef IDENTITY_LANDING_H
#define IDENTITY_LANDING_H

#include "base/buf.h"

/* Both texts are escaped. LIMIT, NOMEM. */
entrasql_status identity_landing_page(es_buf *out, bool is_success, const char *title,
                                      const char *text) ES_MUST_USE;

#endif
