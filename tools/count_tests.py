#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up JUnit reports and prints the closing line `N passed, N failed[, N skipped]`.

Usage: count_tests.py REPORT.xml|PROGRAMS.json ...

PROGRAMS.json is Meson's list of test programs: one that ended badly although each test in it
passed (a sanitizer's finding, a leak, a crash at exit, too much time) is a failure of its own.
Each failure and each skip is named before it, the skip with its reason. Ends with 1 when a test
failed, a report is missing or broken, or a report holds no test at all.
"""
import json
import sys
import xml.etree.ElementTree as ElementTree


def read_programs(path):
    failed = 0
    try:
        with open(path, encoding="utf-8") as lines:
            for program in map(json.loads, lines):
                # FAIL: a test in it failed, which the report has.
                if program["result"] not in ("OK", "SKIP", "EXPECTEDFAIL", "FAIL"):
                    failed += 1
                    print(f"FAILED program {program['name']}: {program['result']}, "
                          f"exit status {program['returncode']}")
    except (OSError, ValueError, KeyError) as error:
        print(f"FAILED {path}: {error}")
        failed += 1
    return 0, failed, 0


def read(path):
    if path.endswith(".json"):
        return read_programs(path)
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        print(f"FAILED {path}: {error}")
        return 0, 1, 0
    passed = failed = skipped = 0
    for suite in root.iter("testsuite"):
        for case in suite.findall("testcase"):
            name = f"{case.get('classname') or suite.get('name')}: {case.get('name')}"
            skip = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                print(f"FAILED {name}")
            elif skip is not None:
                skipped += 1
                # pytest writes the reason into the element, Meson beside it.
                reason = skip.get("message") or case.findtext("system-out")
                print(f"SKIPPED {name}: {reason or 'no reason given'}")
            else:
                passed += 1
    if passed + failed + skipped == 0:
        print(f"FAILED {path}: no test ran")
        failed = 1
    return passed, failed, skipped


def main():
    totals = [sum(column) for column in zip(*map(read, sys.argv[1:]))] or [0, 1, 0]
    passed, failed, skipped = totals
    line = f"{passed} passed, {failed} failed"
    print(line + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
