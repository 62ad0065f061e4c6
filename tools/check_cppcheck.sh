#!/bin/sh
# SPDX-License-Identifier: MIT
# cppcheck over src and examples with no finding. Usage: check_cppcheck.sh BUILD_DIR
set -eu
cd "$(dirname "$0")/.."
# Suppressed: what is not a finding here (missing system headers, style of const pointers that a
# callback's type decides) and the analyser's own notes.
cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability,performance \
    --inline-suppr --suppressions-list=tools/cppcheck.supp -j2 -Iinclude -Isrc \
    --library=posix -D__GNUC__ src examples
echo "cppcheck: clean"
