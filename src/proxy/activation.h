/* SPDX-License-Identifier: MIT */
/*
 * Sockets that systemd hands over (sd_listen_fds(3)): LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES.
 * Reads the environment; for the program's own thread.
 */
#ifndef PROXY_ACTIVATION_H
#define PROXY_ACTIVATION_H

#include "base/error.h"

/*
 * A listening stream socket of that FileDescriptorName=, as a descriptor of the caller's; asking
 * again gives another one for the same socket. CONFIG: nothing of that name, or something else.
 */
entrasql_status proxy_activation_take(const char *name, int *ret_fd,
                                      entrasql_error *err) ES_MUST_USE;

#endif
