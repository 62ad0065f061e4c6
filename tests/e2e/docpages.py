# SPDX-License-Identifier: MIT
"""README.md and docs/ as lists of what can be run: fenced blocks, and the comments that say how.

A comment of its own line, directly before a block, says of that block:

    <!-- not run: REASON -->   it is not run, and counted so
    <!-- file: NAME -->        it is written to that file, which a later block has to use
    <!-- exits: N -->          it ends with that exit code
    <!-- stays: TEXT -->       it goes on in the background once it has printed TEXT
    <!-- needs: NAME -->       it needs the real Azure CLI (az), or what docrun.PROBES looks for

and anywhere:

    <!-- as: NAME [on HOST] [with TOOL] --> from here on the shell is that principal of the emulator
    <!-- on: HOST -->          from here on the shell is a program's on that host, with its settings
    <!-- begin again -->        the emulator goes back to its seed
    <!-- database: NAME -->     the server has another database
    <!-- no table -->           ... and its database is empty
"""
import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
INTERPRETED = {"sh", "c", "sql", "python", "perl", "php", "r", "ruby", "js", "go", "connstr"}
FILES = {"ini", "yaml"}          # files of programs: with a name, and used by a later block
FIGURES = {"text"}               # neither commands nor what they print
OUTPUT = "output"                # what the block before prints
OF_A_BLOCK = {"not run", "file", "exits", "stays", "needs"}
STEPS = {"as", "on", "begin again", "database", "no table"}
COMMENT = re.compile(r"<!-- (?P<key>[a-z ]+?)(?:: (?P<value>.+))? -->$")
FENCE = re.compile(r"(?P<indent> *)(?P<ticks>```+)(?P<language>[a-z]*)$")
COMMAND = re.compile(r"^(\$ |# )?(entrasql|az|cc|apt-get|sudo|systemctl|kubectl|docker) ", re.M)


@dataclasses.dataclass
class Block:
    page: str
    line: int
    language: str
    text: str
    marks: dict

    def __str__(self):
        return f"{self.page}:{self.line}"

    @property
    def is_run(self):
        return "not run" not in self.marks and self.language not in FIGURES


@dataclasses.dataclass
class Step:
    page: str
    line: int
    key: str
    value: str


class Wrong(Exception):
    """A page that says something the runner cannot take at its word."""


def pages():
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name(path):
    return str(path.relative_to(ROOT))


def _close(lines, start, ticks):
    for i in range(start, len(lines)):
        if lines[i].strip() == ticks:
            return i
    return None


def read(path):
    """Blocks and steps in the order of the page."""
    page, lines = name(path), path.read_text("utf-8").splitlines()
    items, marks, i = [], {}, 0
    while i < len(lines):
        line = lines[i]
        comment, fence = COMMENT.match(line.strip()), FENCE.match(line)
        if comment and comment["key"] in OF_A_BLOCK:
            marks[comment["key"]] = comment["value"] or ""
        elif comment and comment["key"] in STEPS:
            items.append(Step(page, i + 1, comment["key"], comment["value"] or ""))
        elif fence:
            end = _close(lines, i + 1, fence["ticks"])
            if end is None:
                raise Wrong(f"{page}:{i + 1}: the block has no end")
            indent = len(fence["indent"])
            text = "".join(text[indent:] + "\n" for text in lines[i + 1:end])
            if fence["language"] == OUTPUT and items and isinstance(items[-1], Block):
                marks["needs"] = f"{items[-1].language} {items[-1].marks.get('needs', '')}"
            items.append(Block(page, i + 1, fence["language"], text, marks))
            marks, i = {}, end
        elif line.lstrip().startswith("```"):
            raise Wrong(f"{page}:{i + 1}: the language of a block is one word of small letters")
        elif marks:
            raise Wrong(f"{page}:{i + 1}: {marks} is not directly before a block")
        elif line.startswith("    ") and i and not lines[i - 1].strip() and not _in_list(lines, i):
            raise Wrong(f"{page}:{i + 1}: an indented block: fence it, and name its language")
        i += 1
    return items


def _in_list(lines, i):
    """Whether the paragraph before, as far as it is indented or empty, began as a list item."""
    while i > 0:
        i -= 1
        if re.match(r" *([-*]|\d+\.) ", lines[i]):
            return True
        if lines[i].strip() and not lines[i].startswith(" "):
            return False
    return False


def check(items):
    """What is wrong with a page's blocks before any of them runs."""
    blocks = [item for item in items if isinstance(item, Block)]
    for i, block in enumerate(blocks):
        if "not run" in block.marks:
            if not block.marks["not run"]:
                yield f"{block}: not run, and no reason"
        elif block.language == OUTPUT:
            before = items[items.index(block) - 1]
            if not isinstance(before, Block) or not before.is_run:
                yield f"{block}: output of a block that is not run"
        elif block.language in FIGURES:
            if COMMAND.search(block.text):
                yield f"{block}: a command in a block of text"
        elif block.language in FILES and "file" not in block.marks:
            yield f"{block}: a file without a name: <!-- file: NAME -->"
        elif block.language not in INTERPRETED | FILES:
            yield f"{block}: nothing is known of language '{block.language}'"
        if "file" in block.marks and not any(
                pathlib.Path(block.marks["file"]).name in later.text for later in blocks[i + 1:]):
            yield f"{block}: no later block uses {block.marks['file']}"


def anchors(text):
    """GitHub's anchors of a page's headings."""
    seen = {}
    for heading in re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-")
        count = seen.get(anchor, 0)
        seen[anchor] = count + 1
        yield f"{anchor}-{count}" if count else anchor


def links(path):
    """(line, target) of the relative links of a page."""
    fenced = False
    lines = path.read_text("utf-8").splitlines()
    text = []
    for line in lines:
        fenced ^= line.lstrip().startswith("```")
        text.append("" if fenced else re.sub(r"`[^`]*`", lambda m: "x" * len(m[0]), line))
    joined = "\n".join(text)
    for match in re.finditer(r"\]\(([^)\s]+)\)", joined):
        if not re.match(r"[a-z]+:", match[1]):
            yield joined.count("\n", 0, match.start()) + 1, match[1]


def spans(path):
    """(line, text) of the inline code of a page; a line's end within one is a blank."""
    fenced = False
    lines = []
    for line in path.read_text("utf-8").splitlines():
        fence = line.lstrip().startswith("```")
        fenced ^= fence
        lines.append("" if fenced or fence else line)
    text = "\n".join(lines)
    for match in re.finditer(r"`([^`]+)`", text):
        yield text.count("\n", 0, match.start()) + 1, match[1].replace("\n", " ").replace("\\|", "|")
