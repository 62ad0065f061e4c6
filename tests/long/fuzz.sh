#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Each fuzz target with libFuzzer, ASan and UBSan for some seconds, beginning with its corpus; two at a time. What
# is found is kept as build-fuzz/corpus/<target>-*: it belongs into tests/fuzz/corpus/<target>/ with the mend.
# Ends with a counted line.
#
#   tests/long/fuzz.sh [SECONDS] [TARGET ...]
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-600}
[ $# = 0 ] || shift

build=build-fuzz
if [ ! -f $build/build.ninja ]; then
    CC=clang-14 meson setup $build -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false \
        >/dev/null
fi
[ $# != 0 ] || set -- $(ninja -C $build -t targets all | sed -n 's,^tests/fuzz/fuzz_\([a-z0-9_]*\):.*,\1,p' | sort -u)
ninja -C $build --quiet $(printf 'tests/fuzz/fuzz_%s ' "$@") >/dev/null
mkdir -p $build/corpus $build/logs
rm -f $build/logs/*

printf '%s\n' "$@" | xargs -P 2 -I NAME sh -c '
    mkdir -p "$1/corpus/NAME"
    "$1/tests/fuzz/fuzz_NAME" -max_total_time="$2" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$1/corpus/NAME-" "$1/corpus/NAME" tests/fuzz/corpus/NAME \
        >"$1/logs/NAME.log" 2>&1 || touch "$1/logs/NAME.found"' sh $build "$seconds"

found=0
for name; do
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/logs/$name.log")
    if [ -e "$build/logs/$name.found" ] || [ -z "$runs" ]; then
        found=$((found + 1))
        tail -n 40 "$build/logs/$name.log"
        echo "FAILED fuzz $name"
    else
        echo "fuzz $name: $runs inputs"
    fi
done
echo "$# fuzz targets, $seconds s each, $found with a finding"
[ $found = 0 ]
