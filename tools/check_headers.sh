#!/bin/sh
# SPDX-License-Identifier: MIT
# Each public header compiles alone as C99, C17 and C++14, with warnings as errors.
set -eu
cd "$(dirname "$0")/.."
count=0
for header in include/entrasql/*.h; do
    name=entrasql/$(basename "$header")
    for form in "c c99" "c c17" "c++ c++14"; do
        # shellcheck disable=SC2086
        set -- $form
        printf '#include <%s>\nint main(void) { return 0; }\n' "$name" |
            "${CC:-gcc}" -x "$1" -std="$2" -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only -
        count=$((count + 1))
    done
done
echo "headers: $count compilations clean"
