# SPDX-License-Identifier: MIT
"""Pages that are made of the source say what the source says, and their makers notice when not."""
import importlib.util
import shutil
import sys

import pytest

from conftest import ROOT, run


def maker(name, root, monkeypatch):
    """The script as a module that works on another checkout."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", root)
    monkeypatch.setattr(module, "OUT", root / "docs" / "library")
    monkeypatch.setattr(sys, "argv", [name, "--check"])
    return module


@pytest.fixture
def checkout(tmp_path):
    for folder in ("include", "docs/library", "src/identity", "src/odbc_glue"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def test_library_reference_is_up_to_date():
    result = run([ROOT / "tools" / "make_library_docs.py", "--check"])
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("before, after, told", [
    ("When it expires, seconds", "When it ends, seconds", "docs/library/entrasql.md is not what"),
    ("/* When it expires, seconds since 1970. */\n", "", "entrasql_token_expires_on() has no comment"),
    ("int64_t entrasql_token_expires_on(", "int64_t entrasql_token_expiry(",
     "entrasql_token_expires_on is in no public header"),
])
def test_a_changed_header_is_noticed(checkout, monkeypatch, capsys, before, after, told):
    header = checkout / "include" / "entrasql" / "entrasql.h"
    module = maker("make_library_docs", checkout, monkeypatch)
    assert module.main() == 0, capsys.readouterr().out
    text = header.read_text()
    assert text.count(before) == 1
    header.write_text(text.replace(before, after))
    assert module.main() == 1
    assert told in capsys.readouterr().out


def test_faq_is_up_to_date(programs):
    result = run([ROOT / "tools" / "make_faq.py", programs.entrasql, "--check"])
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_changed_catalogue_is_noticed(programs, tmp_path):
    """A program that tells one word more."""
    program = tmp_path / "entrasql"
    program.write_text(f"#!/bin/sh\n{programs.entrasql} \"$@\" | sed 's/the token has expired/& today/'\n")
    program.chmod(0o755)
    result = run([ROOT / "tools" / "make_faq.py", program, "--check"])
    assert result.returncode == 1 and "docs/faq.md is not" in result.stdout


def test_faq_has_what_people_look_for():
    text = (ROOT / "docs" / "faq.md").read_text()
    for message in (
            "Login failed for user '<token-identified principal>'.", "Client with IP address",
            "certificate verify failed", "Data source name not found", "Can't open lib",
            "ManagedIdentityCredential authentication unavailable", "AADSTS50076", "AADSTS700016",
            "AADSTS7000215", "AADSTS65001", "Login timeout expired", "PKIX path building failed"):
        assert message in text, message


def test_own_messages_of_the_faq_are_said_somewhere(programs):
    """What the page says of entrasql's own messages is in the program's source."""
    import json
    import re
    entries = json.loads(run([programs.entrasql, "explain", "--all", "--json"]).stdout)
    source = "".join(re.sub(r'"\s*\n\s*"', "", path.read_text()) for path in
                     (ROOT / "src").rglob("*.c") if path.name != "catalog_text.c")
    own = [e["messageHolds"] for e in entries if e["kind"] == "own message"]
    assert len(own) >= 10
    assert [piece for piece in own if piece not in source] == []


def test_every_call_parameter_and_member_is_on_its_page():
    """Read another way than the maker does: by the words of the header."""
    import re
    for name in ("entrasql", "odbc", "status"):
        header = re.sub(r"/\*.*?\*/", "", (ROOT / f"include/entrasql/{name}.h").read_text(), flags=re.S)
        page = (ROOT / f"docs/library/{name}.md").read_text()
        for call, arguments in re.findall(r"ENTRASQL_API[^;(]*?\b(entrasql_\w+)\(([^;]*)\);", header):
            section = page.partition(f"\n### {call}\n")[2].partition("\n### ")[0]
            assert section, call
            for word in re.findall(r"(\w+)\)?(?:\([^)]*\))?\s*(?:,|$)", arguments):
                assert f"`{word}`" in section or word == "void", (call, word)
        for struct in re.findall(r"typedef struct (\w+) \{", header):
            body = header.partition(f"typedef struct {struct} {{")[2].partition(f"}} {struct};")[0]
            section = page.partition(f"\n### {struct}\n")[2].partition("\n### ")[0]
            for member in re.findall(r"(\w+)(?:\[\w+\])?;", body):
                assert f"| `{member}` |" in section, (struct, member)
