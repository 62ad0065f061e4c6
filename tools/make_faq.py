#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/faq.md from the catalogue of errors, as the built program tells it (`entrasql explain --all --json`).

    tools/make_faq.py build/src/cli/entrasql            writes the page
    tools/make_faq.py build/src/cli/entrasql --check    says whether it differs, ends with 1 then
"""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "faq.md"
GROUPS = (
    ("login", "Signing in to the database",
     "Errors of SQL Server and Azure SQL while a connection is made, by their number."),
    ("identity", "Getting a token: identities and developers' sign-in",
     "Messages of credentials, in the words of Azure's libraries and services and in ours."),
    ("token", "Getting a token: Entra's numbers (AADSTS)",
     "The number stands at the beginning of Entra's message, and in `error_codes` of its answer."),
    ("network", "Network", ""),
    ("tls", "TLS and certificates", ""),
    ("driver", "Drivers and ODBC", ""),
    ("users", "Users, rights and statements",
     "Errors of SQL Server and Azure SQL once a session is signed in, by their number."),
    ("proxy", "The auth proxy", ""),
    ("migrate", "Migration and Azure Resource Manager", ""),
    ("status", "Statuses of entrasql",
     "What the library returns; the program's exit code is its class."),
)
HEAD = """<!-- Made by tools/make_faq.py from the catalogue in src/base/catalog*.c: change that. -->

# FAQ by error message

Find the message below (capitals and `...` stand for what varies), or let the program find it:
`entrasql explain 18456`, `entrasql explain AADSTS700016`, `entrasql explain` with the message itself, or
`program 2>&1 | entrasql explain` with all that a program says. When it is not clear which link fails,
`entrasql doctor` walks the whole chain; its diagnoses are in [doctor.md](doctor.md).
"""


def capital(text):
    """A sentence of a phrase; the name of a command or a setting stays as it is."""
    first = text.split()[0]
    if first.islower() and first not in ("entrasql", "az", "odbcinst", "ldd"):
        text = text[0].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."


def code(text):
    """Inline code, whatever quotes are in it."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def plain(text):
    """The texts are plain; what Markdown would take for marks is shown as it is."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else
                   re.sub(r"([<>*\[\]|])", r"\\\1", part) for part in parts)


def entry(e):
    number = e["code"] if e["kind"] in ("sql", "aadsts", "status") else None
    message = e["message"] or ("... " + e["messageHolds"] + " ..." if e["messageHolds"] else None)
    if message and number and message.startswith(number):
        number = None
    head = " ".join([f"**{number}**"] * bool(number) + ([code(message)] if message else []))
    passes = " It may pass by itself." if e["passesByItself"] else ""
    return f"- {head}\n\n  {plain(capital(e['meaning']))}{passes} → {plain(capital(e['next']))}"


def page(entries):
    parts = [HEAD]
    parts.append("\n".join(f"- [{title}](#{anchor(title)})" for _, title, _ in GROUPS) + "\n")
    for group, title, text in GROUPS:
        rows = [e for e in entries if e["group"] == group]
        if not rows:
            raise SystemExit(f"make_faq: no entry of the group {group}")
        parts.append(f"## {title}\n" + (f"\n{text}\n" if text else ""))
        # Those with a message first: that is what people look for.
        rows.sort(key=lambda e: e["message"] is None)
        parts += [entry(e) + "\n" for e in rows]
    left = {e["group"] for e in entries} - {group for group, *_ in GROUPS} - {"diagnosis"}
    if left:
        raise SystemExit(f"make_faq: groups without a place: {left}")
    return "\n".join(parts)


def anchor(title):
    """As GitHub makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def main():
    program = sys.argv[1]
    told = subprocess.run([program, "explain", "--all", "--json"], capture_output=True, text=True, check=True)
    text = page(json.loads(told.stdout))
    if "--check" not in sys.argv[2:]:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        print("docs/faq.md is not what tools/make_faq.py makes of the catalogue")
        return 1
    print(f"faq: {text.count(chr(10) + '- **') + text.count(chr(10) + '- `')} entries")
    return 0


if __name__ == "__main__":
    sys.exit(main())
