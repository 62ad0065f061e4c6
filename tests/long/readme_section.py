#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints the shell blocks of a section of the README as one script.

    tests/long/readme_section.py "Install the packages" SCRIPT

takes the blocks that are marked "not run: SCRIPT ..." (docpages.py), as one session at a terminal.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import docpages  # noqa: E402


def main(section, script):
    path = docpages.ROOT / "README.md"
    lines = path.read_text("utf-8").splitlines()
    start = lines.index(f"## {section}") + 1
    end = next(i for i, line in enumerate(lines[start:] + ["## "], start + 1) if line.startswith("## "))
    blocks = [b for b in docpages.read(path) if isinstance(b, docpages.Block)
              and start < b.line < end and b.language == "sh"
              and b.marks.get("not run", "").startswith(script)]
    assert blocks, f"no block of '{section}' is for {script}"
    for block in blocks:
        print(f"echo '== {block}'")
        print(block.text)


main(*sys.argv[1:])
