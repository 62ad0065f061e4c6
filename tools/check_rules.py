#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Project rules that are texts to search for: banned calls, licence lines, file sizes, leftovers."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Call -> files that may use it, with the reason beside.
BANNED = {
    r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|alloca)\s*\(": (),
    # Memory goes through base/mem so that tests can make it fail.
    r"(?<![\w.>])(malloc|calloc|realloc|free|strdup|strndup)\s*\(": ("src/base/mem.c",),
    r"\bmemcmp\s*\([^)]*(secret|password|token)": (),
    r"\b(TODO|FIXME|XXX)\b": (),
    r"\b(system|popen|mktemp|tmpnam)\s*\(": (),
    r"\bsetenv\s*\(|\bputenv\s*\(": (),
}
# Places that look at a secret's bytes, counted: a new one is a decision, not an accident.
REVEAL_LIMITS = ROOT / "tools" / "secret_reveals.txt"
MAX_LINES = 800


def strip_comments_and_strings(text):
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)
    return re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)


def read_limits():
    limits = {}
    for line in REVEAL_LIMITS.read_text().splitlines():
        line = line.split("#", 1)[0].strip()
        if line:
            name, count = line.split()
            limits[name] = int(count)
    return limits


def main():
    problems, files = [], 0
    reveals = {}
    for folder in ("src", "include", "examples", "tests"):
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            name = str(path.relative_to(ROOT))
            text = path.read_text()
            files += 1
            if not text.startswith("/* SPDX-License-Identifier: MIT */\n"):
                problems.append(f"{name}:1: no SPDX line")
            if folder == "tests":
                continue
            lines = text.count("\n")
            if lines > MAX_LINES:
                problems.append(f"{name}: {lines} lines, more than {MAX_LINES}")
            code = strip_comments_and_strings(text)
            if folder != "src":
                continue
            for pattern, homes in BANNED.items():
                haystack = text if "TODO" in pattern else code
                for match in re.finditer(pattern, haystack):
                    if name not in homes:
                        line = haystack.count("\n", 0, match.start()) + 1
                        problems.append(f"{name}:{line}: {match.group().strip()} is banned")
            count = len(re.findall(r"\bes_secret_reveal\s*\(", code))
            if count and not name.startswith("src/base/secret"):
                reveals[name] = count
    limits = read_limits()
    for name, count in sorted(reveals.items()):
        if count > limits.get(name, 0):
            problems.append(
                f"{name}: {count} es_secret_reveal() calls, tools/secret_reveals.txt allows "
                f"{limits.get(name, 0)}"
            )
    print("\n".join(problems) if problems else f"rules: {files} files follow them")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
