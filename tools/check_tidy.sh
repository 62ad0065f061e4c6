#!/bin/sh
# SPDX-License-Identifier: MIT
# clang-tidy (.clang-tidy) over src with no finding. Usage: check_tidy.sh BUILD_DIR (built by clang)
set -eu
cd "$(dirname "$0")/.."
build=$1
find src examples -name '*.c' -print0 |
    xargs -0 -n 4 -P 2 clang-tidy-14 --quiet -p "$build" --warnings-as-errors='*' 2>/dev/null
echo "clang-tidy: clean"
