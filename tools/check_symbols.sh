#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Compares the symbols that the built libraries show with the list that is
# checked in: nothing of the inside may leak out, nothing may go missing.
#
#   tools/check_symbols.sh BUILD_DIR            compare
#   tools/check_symbols.sh BUILD_DIR --update   write the list anew
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
LIST=$ROOT/tools/symbols.txt

if [ $# -lt 1 ] || [ ! -d "$1" ]; then
    echo "usage: tools/check_symbols.sh BUILD_DIR [--update]" >&2
    exit 2
fi
build=$1

# "library symbol@version", sorted; the version nodes themselves are absolute symbols.
exported() {
    found=0
    for library in "$build"/src/*/lib*.so; do
        [ -f "$library" ] || continue
        found=1
        name=$(basename "$library")
        nm -D --defined-only --format=posix "$library" |
            awk -v name="$name" '$2 != "A" { sub(/@@/, "@", $1); print name, $1 }'
    done
    if [ $found = 0 ]; then
        echo "no library in $build/src: build first" >&2
        exit 2
    fi
}

actual=$(mktemp)
trap 'rm -f "$actual"' EXIT
exported | LC_ALL=C sort >"$actual"
# A check that looked at nothing must not pass.
[ -s "$actual" ] || { echo "the libraries in $build show no symbol at all" >&2; exit 2; }

if [ "${2-}" = --update ]; then
    {
        echo "# What the shared libraries show, read by check_symbols.sh; update with --update."
        cat "$actual"
    } >"$LIST"
    echo "symbols: $(wc -l <"$actual") written"
    exit 0
fi

if grep -v '^#' "$LIST" | diff -u --label "$LIST" --label "$build" - "$actual"; then
    echo "symbols: $(wc -l <"$actual") as listed"
else
    echo "the exported symbols differ from tools/symbols.txt" >&2
    exit 1
fi
