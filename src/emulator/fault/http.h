/* SPDX-License-Identifier: MIT */
/* Faults of the HTTP endpoints: what an endpoint calls before it looks at a request. */
#ifndef EMULATOR_FAULT_HTTP_H
#define EMULATOR_FAULT_HTTP_H

#include "fault.h"
#include "httpd/httpd.h"

/*
 * Waits out the place's delays. True: a fault has struck and the response is
 * the fault's, or says that the connection is to be dropped; the endpoint has
 * nothing left to do.
 */
bool fault_http(faults *f, fault_place place, httpd_response *response);

#endif
