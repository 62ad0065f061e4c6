/* SPDX-License-Identifier: MIT */
/* A test that cannot run on this machine, with the reason, which the report shows. */
#ifndef TESTS_UNIT_SKIP_H
#define TESTS_UNIT_SKIP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* tests/unit/tap.sh reads the line. */
#define SKIP_BECAUSE(reason)                                                                       \
    do {                                                                                           \
        print_message("# skip: %s\n", reason);                                                     \
        skip();                                                                                    \
    } while (0)

#endif
