#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks every #include below src/ against tools/layers.txt, and the table for cycles."""
import fnmatch
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def read_table(path):
    allowed, system = {}, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        if ":" not in line:
            sys.exit(f"{path.name}:{number}: no colon")
        head, tail = line.split(":", 1)
        if head.startswith("sys "):
            system.append((head[4:].strip(), set(tail.split())))
        elif head in allowed:
            sys.exit(f"{path.name}:{number}: {head} is listed twice")
        else:
            allowed[head] = set(tail.split())
    return allowed, system


def check_cycles(allowed):
    def walk(folder, path):
        if folder in path:
            sys.exit("layers.txt has a cycle: " + " -> ".join(path + [folder]))
        for below in allowed.get(folder, ()):
            walk(below, path + [folder])

    for folder, below in allowed.items():
        for name in below:
            if name not in allowed and name != "base":
                sys.exit(f"layers.txt: {folder} names the unknown folder {name}")
        walk(folder, [])


def check_file(path, allowed, system):
    relative = path.relative_to(ROOT / "src")
    folder = relative.parts[0]
    problems = []
    for kind, target in INCLUDE.findall(path.read_text()):
        place = f"src/{relative}: includes {target}"
        if kind == "<":
            for pattern, folders in system:
                if fnmatch.fnmatch(target, pattern) and folder not in folders:
                    problems.append(f"{place}, which only {', '.join(sorted(folders))} may")
                    break
                if target == pattern:
                    break
            continue
        if (path.parent / target).exists():
            continue
        other = target.split("/", 1)[0]
        if other in (folder, "base"):
            continue
        if other not in allowed:
            problems.append(f"{place}, and {other} is no folder of the table")
        elif other not in allowed[folder]:
            problems.append(f"{place}, which is not below {folder}")
    return problems


def main():
    allowed, system = read_table(ROOT / "tools" / "layers.txt")
    check_cycles(allowed)
    problems, files = [], 0
    for path in sorted((ROOT / "src").rglob("*.[ch]")):
        folder = path.relative_to(ROOT / "src").parts[0]
        if folder not in allowed:
            problems.append(f"src/{folder} is not in tools/layers.txt")
            continue
        problems += check_file(path, allowed, system)
        files += 1
    print("\n".join(problems) if problems else f"layers: {files} files follow the table")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
