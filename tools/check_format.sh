#!/bin/sh
# SPDX-License-Identifier: MIT
# Every C file has the project's format.
set -eu
cd "$(dirname "$0")/.."
find include src tests examples -name '*.[ch]' -not -path '*/node_modules/*' -print0 |
    xargs -0 clang-format-14 --dry-run --Werror
echo "format: all C files follow .clang-format"
