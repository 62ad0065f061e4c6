#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs a unit test and mends its report. cmocka 1.1 writes "not ok" for a test that was skipped,
# which the Test Anything Protocol has as a failure; what SKIP_BECAUSE() of tests/unit/skip.h said
# becomes the reason.
#
# Usage: tap.sh PROGRAM [ARGUMENT ...]
set -o pipefail

# Unbuffered: what was printed before a test hung must not be lost with it.
"$@" | sed -uE '
    /^# skip: /{ s///; h; d }
    /^not ok [0-9]+ # SKIP /{
        G
        s/^not (ok [0-9]+) # SKIP ([^\n]*)\n(.*)$/\1 - \2 # SKIP \3/
        x; s/.*//; x
    }
'
