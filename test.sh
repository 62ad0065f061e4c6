#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs what is missing, builds, and runs all tests. Ends with the line
# "N passed, N failed" (", N skipped", each named with its reason).
#
#   ./test.sh [--sanitize LIST] [--compiler CC] [--build-dir DIR] [--unit|--build] [pytest arguments ...]
#
#   --sanitize LIST   build with sanitizers, e.g. address,undefined (the leak check is on)
#   --compiler CC     gcc (default) or clang-14
#   --build-dir DIR   default: build, or build-LIST with sanitizers
#   --unit            only the unit tests and fuzz corpora
#   --build           only builds
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$ROOT"

sanitize=none
compiler=gcc
build=
unit_only=0
build_only=0
while [ $# -gt 0 ]; do
    case $1 in
    --sanitize) sanitize=$2; shift 2 ;;
    --compiler) compiler=$2; shift 2 ;;
    --build-dir) build=$2; shift 2 ;;
    --unit) unit_only=1; shift ;;
    --build) build_only=1; shift ;;
    --help)
        sed -n '3,14s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) break ;;
    esac
done
if [ -z "$build" ]; then
    build=build
    [ "$sanitize" = none ] || build=build-$(echo "$sanitize" | tr , -)
fi

tools/setup.sh test

if [ ! -f "$build/build.ninja" ]; then
    lundef=true
    [ "$sanitize" = none ] || lundef=false
    CC=$compiler meson setup "$build" -Dwerror=true -Db_sanitize="$sanitize" -Db_lundef=$lundef >/dev/null
fi
ninja -C "$build" --quiet >"$build/ninja.log" || { cat "$build/ninja.log"; exit 1; }
[ $build_only = 0 ] || exit 0

# cmocka would catch a crash and go on without the sanitizer's report.
ASAN_OPTIONS="handle_segv=2:detect_leaks=1:abort_on_error=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"
# Memory that foreign libraries keep until the process ends, each line with its reason.
LSAN_OPTIONS="suppressions=$ROOT/tests/lsan.supp:print_suppressions=0"
TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:suppressions=$ROOT/tests/tsan.supp${TSAN_OPTIONS:+:$TSAN_OPTIONS}"
export ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS TSAN_OPTIONS

reports=$build/reports
rm -rf "$reports"
mkdir -p "$reports"

patience=1 # sanitizers slow the code down several times
[ "$sanitize" = none ] || patience=5
meson test -C "$build" --no-rebuild --print-errorlogs --quiet --timeout-multiplier $patience \
    >"$reports/unit.log" 2>&1 ||
    cat "$reports/unit.log"
cp "$build/meson-logs/testlog.junit.xml" "$reports/unit.xml"
cp "$build/meson-logs/testlog.json" "$reports/unit.json"

if [ $unit_only = 1 ]; then
    exec tools/count_tests.py "$reports/unit.xml" "$reports/unit.json"
fi

# The tests of whole programs use what a user would have: an installed tree. They mostly wait, so
# three files run at a time.
rm -rf "$build/stage"
DESTDIR="$ROOT/$build/stage" meson install -C "$build" --no-rebuild --quiet >"$build/install.log" ||
    { cat "$build/install.log"; exit 1; }
ENTRASQL_STAGE="$ROOT/$build/stage" ENTRASQL_SANITIZE=$sanitize ENTRASQL_CC=$compiler \
    .venv/bin/python -m pytest -q -p no:cacheprovider -n 3 --dist loadfile --junitxml "$reports/e2e.xml" \
    tests/e2e "$@" || true

exec tools/count_tests.py "$reports/unit.xml" "$reports/unit.json" "$reports/e2e.xml"
