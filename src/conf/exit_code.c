/* SPDX-License-Identifier: MIT */
#include "conf/exit_code.h"

#include "base/compiler.h"

#include <entrasql/status.h>

const conf_exit_code conf_exit_codes[] = {
    {0, "it is done"},
    {ENTRASQL_CLASS_INTERNAL, "a defect of entrasql: please report it"},
    {ENTRASQL_CLASS_USAGE, "usage: an argument, a setting or a file; doctor: environment, driver"},
    {ENTRASQL_CLASS_AUTH, "no token: no credential, or Entra refused; doctor: credential, token"},
    {ENTRASQL_CLASS_LOGIN, "SQL Server refused the login"},
    {ENTRASQL_CLASS_NETWORK, "network: name, connection; doctor: also proxy settings"},
    {ENTRASQL_CLASS_TLS, "TLS: certificate or handshake"},
    {ENTRASQL_CLASS_PEER, "the peer broke the protocol; doctor: it is no SQL Server"},
    {ENTRASQL_CLASS_SQL, "SQL: an error of a statement"},
    {ENTRASQL_CLASS_RETRY, "a deadline, throttling, in use: trying again may help"},
    {ENTRASQL_CLASS_SYSTEM, "system: memory, files, output that cannot be written"},
    {ENTRASQL_CLASS_CANCEL, "cancelled: Ctrl-C in a statement or a migration"},
    {CONF_EXIT_FOUND, "connstr scan found passwords"},
    {CONF_EXIT_INTERRUPTED, "ended by Ctrl-C, with nothing to tidy up: connecting, signing in"},
    {CONF_EXIT_READER_GONE, "the reader of the output went away (| head)"},
};
const size_t conf_exit_code_count = ES_COUNT_OF(conf_exit_codes);
