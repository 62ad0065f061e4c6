#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/library/ from the public headers: a page a header, each declaration with its comment.

    tools/make_library_docs.py            writes the pages
    tools/make_library_docs.py --check    says what differs, ends with 1 then

Fails when a public function has no comment: its own, or that of the type right before it, whose
constructor it is.
"""
import dataclasses
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADERS = ("entrasql", "odbc", "status")
OUT = ROOT / "docs" / "library"


@dataclasses.dataclass
class Declaration:
    header: str
    kind: str  # function, struct, enum, opaque, callback, macro, map
    name: str
    text: str  # as in the header, without comments inside
    comment: str = ""
    members: list = dataclasses.field(default_factory=list)  # (name, type, comment)
    shared_with: str = ""  # a function explained by the type before it


@dataclasses.dataclass
class Section:
    title: str
    comment: str = ""
    items: list = dataclasses.field(default_factory=list)


# ---- reading ----

def clean_comment(text):
    """The text of a /* */ comment without its frame."""
    body = re.sub(r"^/\*+ ?|\s*\*/$", "", text.strip(), flags=re.S)
    lines = [re.sub(r"^\s*\* ?", "", line).rstrip() for line in body.split("\n")]
    return "\n".join(lines).strip("\n")


def one_line(text):
    return re.sub(r"\s+", " ", text).strip()


def pieces(text):
    """Comments and declarations in their order, as (kind, text)."""
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif text.startswith("/*", at):
            end = text.index("*/", at) + 2
            yield "comment", text[at:end]
            at = end
        elif text[at] == "#":
            end = re.compile(r"(?<!\\)\n|\Z").search(text, at).end()
            yield "directive", text[at:end].strip()
            at = end
        elif text.startswith('extern "C" {', at):
            at += len('extern "C" {')
        elif text[at] == "}":
            at += 1
        else:
            end = declaration_end(text, at)
            yield "declaration", text[at:end]
            at = end


def declaration_end(text, at):
    depth = 0
    while True:
        if text.startswith("/*", at):
            at = text.index("*/", at) + 2
            continue
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
        if text[at - 1] == ";" and depth == 0:
            return at


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def split_members(body, separator):
    """(code, comment) of each member: the comment stands before it, or behind it on its line."""
    found, before, code = [], "", ""
    for token in re.finditer(r"/\*.*?\*/|[^/]+|/", body, re.S):
        text = token.group()
        if text.startswith("/*"):
            if not code.strip() and found and "\n" not in code:
                found[-1][1] += clean_comment(text)
            else:
                before = clean_comment(text)
            continue
        parts = text.split(separator)
        for i, part in enumerate(parts):
            code += part
            if i + 1 < len(parts):
                found.append([one_line(code), before])
                code, before = "", ""
    if one_line(without_directives(code)):
        found.append([one_line(without_directives(code)), before])
    return found


def without_directives(text):
    return re.sub(r"^#.*$", "", text, flags=re.M)


def struct_members(text):
    body = text[text.index("{") + 1:text.rindex("}")]
    for code, comment in split_members(body, ";"):
        pointer = re.match(r"(.*)\(\*(\w+)\)(.*)", code)
        if pointer:
            yield pointer[2], f"{pointer[1].strip()} (*){pointer[3]}", comment
            continue
        parts = re.match(r"(.*?)(\w+)(\[.*\])?$", code)
        yield parts[2], (parts[1].strip() + (parts[3] or "")), comment


def enum_members(text):
    body = without_directives(text[text.index("{") + 1:text.rindex("}")])
    for code, comment in split_members(body, ","):
        name, _, value = code.partition("=")
        if re.fullmatch(r"\w+", name.strip()):
            yield name.strip(), value.strip(), comment


def status_rows(text):
    return re.findall(r'X\((\w+), (\w+), "([^"]*)"\)', text)


def parse_declaration(header, text):
    flat = one_line(without_comments(text))
    if flat.startswith("ENTRASQL_API"):
        flat = flat.removeprefix("ENTRASQL_API").strip()
        return Declaration(header, "function", re.search(r"(\w+)\(", flat)[1], flat)
    if re.match(r"typedef struct \w+ \{", flat):
        return Declaration(header, "struct", flat.rstrip(";").split()[-1], flat,
                           members=list(struct_members(text)))
    if re.match(r"typedef enum \w+ \{", flat):
        return Declaration(header, "enum", flat.rstrip(";").split()[-1], flat,
                           members=list(enum_members(text)))
    if re.fullmatch(r"typedef struct \w+ \w+;", flat):
        return Declaration(header, "opaque", flat.rstrip(";").split()[-1], flat)
    if flat.startswith("typedef"):
        return Declaration(header, "callback", re.search(r"(\w+)\(", flat)[1], flat)
    return None  # a forward declaration of somebody else's


def parse_directive(header, text):
    macro = re.match(r"#define (ENTRASQL_\w+)(\(\w+\))?\s+(.+)", text, re.S)
    if not macro or macro[1] in ("ENTRASQL_API",) or macro[1].startswith("ENTRASQL_STATUS_ENUM"):
        return None
    if macro[2]:
        return Declaration(header, "map", macro[1], one_line(text), members=status_rows(text))
    return Declaration(header, "macro", macro[1], one_line(macro[3]))


def parse(header):
    """The introduction, and the sections."""
    text = (ROOT / "include" / "entrasql" / f"{header}.h").read_text()
    comments, intro, sections, before = [], "", [Section("")], None
    for kind, piece in pieces(text):
        if kind == "comment":
            comment = clean_comment(piece)
            title = re.fullmatch(r"---- (.*) ----", comment)
            if title:
                sections.append(Section(title[1][0].upper() + title[1][1:]))
                before = None
            elif not intro and not comment.startswith("SPDX"):
                intro = comment
            elif not comment.startswith("SPDX"):
                comments.append(comment)
            continue
        item = (parse_directive if kind == "directive" else parse_declaration)(header, piece)
        if item is None:
            if kind == "directive":
                comments = []
            continue
        item.comment, comments = "\n\n".join(comments), []
        # The constructor stands behind its options, and they have the comment of both.
        if item.kind == "function" and not item.comment and before is not None \
                and before.kind != "function" and before.comment:
            item.shared_with = before.name
        sections[-1].items.append(item)
        before = item
    return intro, sections


# ---- writing ----

class Writer:
    def __init__(self, parsed):
        self.where, self.values = {}, {}
        for header, (_, sections) in parsed.items():
            for item in (item for section in sections for item in section.items):
                if item.kind != "macro":
                    self.where[item.name] = (header, item.name.lower())
                for name, *_ in item.members if item.kind == "enum" else ():
                    self.values[name] = (header, item.name.lower())
                for name, *_ in item.members if item.kind == "map" else ():
                    self.values[name] = (header, item.name.lower())
        self.page = ""
        self.users = {}
        for _, sections in parsed.values():
            for item in (item for section in sections for item in section.items):
                used = " ".join([item.text, *(kind for _, kind, *_ in item.members)]
                                if item.kind == "struct" else [item.text])
                for name in dict.fromkeys(re.findall(r"\bentrasql_\w+", used)):
                    if name != item.name and item.kind in ("function", "struct", "callback"):
                        self.users.setdefault(name, []).append(item.name)

    def link(self, word, shown=None):
        header, anchor = self.where.get(word) or self.values[word]
        file = "" if header == self.page else f"{header}.md"
        return f"[{shown or f'`{word}`'}]({file}#{anchor})"

    def linked(self, line):
        """Names of ours become links, outside of code."""
        def of_word(match):
            word, call = match[1], match[2] or ""
            if word in self.where:
                return self.link(word, f"`{word}{call}`")
            if word in self.values and (word.isupper() and len(word) > 2):
                return self.link(word)
            return match[0]
        parts = re.split(r"(`[^`]*`)", line)
        return "".join(part if part.startswith("`")
                       else re.sub(r"\b([A-Za-z_][A-Za-z_0-9]*)(\(\))?", of_word, escape(part))
                       for part in parts)

    def prose(self, comment):
        """Paragraphs and lists of a comment; what is indented by four is code."""
        for paragraph in re.split(r"\n\s*\n", comment):
            lines = paragraph.split("\n")
            if all(line.startswith("    ") for line in lines):
                yield "```text\n" + "\n".join(line[4:] for line in lines) + "\n```"
                continue
            out = []
            for line in lines:
                if re.match(r"\s+- ", line) or not out:
                    out.append(line.strip())
                else:
                    out[-1] += " " + line.strip()
            items = [i for i, line in enumerate(out) if line.startswith("- ")]
            text = [self.linked(line) for line in out]
            if items and items[0] > 0:
                text.insert(items[0], "")
            yield "\n".join(text)

    def cell(self, text):
        return self.linked(one_line(text)).replace("|", "\\|")

    def code_cell(self, text):
        """A type, with a link where it is one of ours."""
        name = re.search(r"\bentrasql_\w+", text)
        if name and name[0] in self.where:
            return self.link(name[0], f"`{text}`")
        return f"`{text}`" if text else ""

    def parameters(self, item):
        inside = item.text[item.text.index("(") + 1:item.text.rindex(")")]
        rows = []
        for part in split_arguments(inside):
            pointer = re.match(r"(.*)\(\*(\w+)\)(.*)", part)
            if part == "void":
                continue
            name = pointer[2] if pointer else re.search(r"(\w+)$", part)[1]
            kind = f"{pointer[1].strip()} (*){pointer[3]}" if pointer else part[:-len(name)].strip()
            note = ""
            if name == "err":
                note = "may be NULL; written on failure only"
            elif name.startswith("ret"):
                note = "receives the result"
            rows.append(f"| `{name}` | {self.code_cell(kind)} | {note} |")
        if rows:
            yield "| parameter | type | |\n|---|---|---|\n" + "\n".join(rows)

    def item(self, item):
        yield f"### {item.name}"
        if item.kind in ("function", "callback"):
            yield "```text\n" + signature(item.text) + "\n```"
        elif item.kind == "macro":
            yield f"`{item.text}`"
        if item.comment:
            yield from self.prose(item.comment)
        elif item.shared_with:
            yield f"See {self.link(item.shared_with)}."
        elif item.kind == "opaque":
            yield "An opaque object."
        elif item.name == "entrasql_status":
            yield f"`ENTRASQL_` and the name of each row of {self.link('ENTRASQL_STATUS_MAP')}."
        users = self.users.get(item.name, ())
        if users and len(users) <= 12:
            yield "Used by " + ", ".join(self.link(name) for name in users) + "."
        if item.kind == "function":
            yield from self.parameters(item)
        elif item.kind == "struct":
            rows = [f"| `{name}` | {self.code_cell(kind)} | {self.cell(comment)} |"
                    for name, kind, comment in item.members]
            yield "| member | type | |\n|---|---|---|\n" + "\n".join(rows)
        elif item.kind == "enum" and item.members:
            rows = [f"| `{name}` | {value} | {self.cell(comment)} |"
                    for name, value, comment in item.members]
            yield "| value | number | |\n|---|---|---|\n" + "\n".join(rows)
        elif item.kind == "map":
            rows = [f"| `ENTRASQL_{name}` | {i} | `ENTRASQL_CLASS_{klass}` | {text} |"
                    for i, (name, klass, text) in enumerate(item.members)]
            yield "| status | number | class | text |\n|---|---|---|---|\n" + "\n".join(rows)

    def macros(self, items):
        """Macros that stand together are one table."""
        comment = "\n\n".join(item.comment for item in items if item.comment)
        yield from self.prose(comment) if comment else ()
        yield "| macro | value |\n|---|---|\n" + "\n".join(
            f"| `{item.name}` | `{item.text}` |" for item in items)

    def page_text(self, header, intro, sections):
        self.page = header
        title, _, rest = intro.partition(" - ")
        blocks = [f"<!-- Made by tools/make_library_docs.py from include/{title}: change that. -->",
                  f"# {title}"]
        blocks += self.prose(rest[0].upper() + rest[1:])
        for section in sections:
            if section.title:
                blocks.append(f"## {section.title}")
            group = []
            for item in [*section.items, None]:
                if item is not None and item.kind == "macro" and not (group and item.comment):
                    group.append(item)
                    continue
                if group:
                    blocks += self.macros(group)
                    group = []
                if item is not None and item.kind == "macro":
                    group = [item]
                elif item is not None:
                    blocks += self.item(item)
        return "\n\n".join(blocks) + "\n"

    def index(self, parsed):
        self.page = ""
        blocks = ["<!-- Made by tools/make_library_docs.py: change that. -->", "# Library reference",
                  "One page a header, made of the headers themselves; the installed headers say the "
                  "same. [identity.md](../identity.md) and [odbc.md](../odbc.md) are the guides, "
                  "[examples/](../../examples) the programs to start from.",
                  "| header | what it is |\n|---|---|\n" + "\n".join(
                      f"| [{intro.partition(' - ')[0]}]({header}.md) | "
                      f"{first_sentence(intro.partition(' - ')[2])} |"
                      for header, (intro, _) in parsed.items())]
        for kinds, title in ((("function",), "Functions"),
                             (("struct", "enum", "opaque", "callback", "map"), "Types")):
            names = sorted(item.name for _, sections in parsed.values() for section in sections
                           for item in section.items if item.kind in kinds)
            blocks.append(f"## {title}")
            blocks.append("\n".join(f"- {self.link(name)}" for name in names))
        return "\n\n".join(blocks) + "\n"


def escape(text):
    return text.replace("<", "&lt;").replace("*", "\\*") if "<" in text or "*" in text else text


def first_sentence(text):
    return one_line(re.split(r"[.:](\s|$)", text)[0])


def split_arguments(text):
    """At the commas that are in no parentheses."""
    depth, at = 0, 0
    for i, char in enumerate(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and depth == 0:
            yield text[at:i].strip()
            at = i + 1
    yield text[at:].strip()


def signature(flat):
    """A long one has an argument a line."""
    if len(flat) <= 90:
        return flat
    head, inside = flat[:flat.index("(") + 1], flat[flat.index("(") + 1:flat.rindex(")")]
    return head + "\n" + ",\n".join("    " + part for part in split_arguments(inside)) + \
        flat[flat.rindex(")"):]


def undocumented(parsed):
    for header, (_, sections) in parsed.items():
        for section in sections:
            for item in section.items:
                if item.kind == "function" and not item.comment and not item.shared_with:
                    yield f"include/entrasql/{header}.h: {item.name}() has no comment"


def uncounted(parsed):
    """The exported names, as the linker has them: none may be missing here."""
    functions = {item.name for _, sections in parsed.values() for section in sections
                 for item in section.items if item.kind == "function"}
    for path in sorted((ROOT / "src").rglob("libentrasql*.map")):
        if "odbc_driver" in str(path):
            continue
        for name in re.findall(r"^\s+(entrasql_\w+);", path.read_text(), re.M):
            if name not in functions:
                yield f"{path.relative_to(ROOT)}: {name} is in no public header"


def main():
    parsed = {header: parse(header) for header in HEADERS}
    problems = [*undocumented(parsed), *uncounted(parsed)]
    writer = Writer(parsed)
    pages = {f"{header}.md": writer.page_text(header, *parsed[header]) for header in HEADERS}
    pages["README.md"] = writer.index(parsed)
    is_check = "--check" in sys.argv[1:]
    if not is_check:
        OUT.mkdir(exist_ok=True)
    for name, text in pages.items():
        if not is_check:
            (OUT / name).write_text(text)
        elif not (OUT / name).exists() or (OUT / name).read_text() != text:
            problems.append(f"docs/library/{name} is not what tools/make_library_docs.py makes")
    print("\n".join(problems) if problems else f"library docs: {len(pages)} pages")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
