#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every test, unit and whole program, under ThreadSanitizer. A report fails the run whichever process made it,
# also one whose exit nobody looks at: they are kept in build-thread/tsan/ and printed. Ends with the counted line
# of test.sh and the number of reports.
#
#   tests/long/tsan_suite.sh [pytest arguments ...]
set -eu
cd "$(dirname "$0")/../.."
reports=$PWD/build-thread/tsan
rm -rf "$reports"
mkdir -p "$reports"

failed=0
TSAN_OPTIONS="log_path=$reports/report${TSAN_OPTIONS:+:$TSAN_OPTIONS}" \
    ./test.sh --sanitize thread --compiler clang-14 "$@" || failed=1
count=0
for report in "$reports"/report.*; do
    [ -s "$report" ] || continue
    count=$((count + 1))
    cat "$report"
done
echo "$count reports of ThreadSanitizer"
[ "$failed" = 0 ] && [ "$count" = 0 ]
