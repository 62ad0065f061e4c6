/* SPDX-License-Identifier: MIT */
/*
 * Loading a driver's file. The loader maps a file without asking how long it is, and one that was
 * cut off kills the process by SIGBUS: so its headers are looked at before.
 */
#ifndef ODBC_GLUE_LOAD_H
#define ODBC_GLUE_LOAD_H

/*
 * dlopen(), by a path or by a name that the loader looks for. NULL with *ret_why, in words for
 * people ("it is no file"), valid until the thread's next call. It is best kept open: drivers have
 * threads and exit handlers.
 */
void *glue_load(const char *library, const char **ret_why);

#endif
