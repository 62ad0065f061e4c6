/* SPDX-License-Identifier: MIT */
/* Virtual machines: what is done inside them, by run-command. */
#ifndef AZURE_VM_H
#define AZURE_VM_H

#include "azure/host.h"

#define AZURE_RUN_OUTPUT_SIZE 4096

/*
 * Runs a POSIX shell script as root on a Linux machine (RunShellScript). ret_output gets what it
 * wrote, cut. Azure reports success whatever the script does, so a line is added to it that tells
 * its end: INVALID when it failed. Not repeated when the answer gets lost.
 */
entrasql_status azure_vm_run(azure_arm *arm, const azure_host_ref *ref, const char *script,
                             char ret_output[AZURE_RUN_OUTPUT_SIZE],
                             entrasql_error *err) ES_MUST_USE;

#endif
