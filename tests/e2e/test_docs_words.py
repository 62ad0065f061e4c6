# SPDX-License-Identifier: MIT
"""What the pages say in passing: commands and options that exist, and a way to every page."""
import functools
import pathlib
import re

import pytest

import docpages
from conftest import run

PAGES = {docpages.name(path): path for path in docpages.pages()}
# Words that a command takes beside its other arguments, which its help does not list as commands.
BESIDE = {("proxy",): {"init-tls", "wait", "shutdown"}}
# Options of other programs that the pages name alone, without the program; and a word for any option.
FOREIGN = {"--flag", "--write", "--twice", "--update", "--identities", "--sanitize", "--through", "--env"}

PROGRAMS = r"(\./|bench/|packaging/|tests/|tools/)|(az|cc|docker|journalctl|kubectl|meson|pkg-config|rpmlint|systemctl) "


@functools.cache
def usage(programs, words):
    """(commands, options) that the help of "entrasql words" names."""
    result = run([programs.entrasql, *words, "--help"])
    assert result.returncode == 0, (words, result.stderr)
    commands = re.search(r"^Commands:\n((?:  .+\n)+)", result.stdout, re.M)
    names = re.findall(r"^  (\S+)", commands[1], re.M) if commands else []
    return {*names, *BESIDE.get(words, ())}, set(re.findall(r"(?<!\w)--?[a-zA-Z][a-z0-9-]*", result.stdout))


@functools.cache
def every_option(programs, words=()):
    commands, options = usage(programs, words)
    return options.union(*(every_option(programs, (*words, name)) for name in commands))


def wrong_command(programs, span):
    """What is wrong with "entrasql WORD ... --option ...", or None. Stops where the shell goes on."""
    words, options = (), re.split(r" [|>;&] ", span)[0].split()[1:]
    while options and options[0] in usage(programs, words)[0]:
        words, options = (*words, options[0]), options[1:]
    commands, known = usage(programs, words)
    if options and commands and re.fullmatch(r"[a-z-]+", options[0]) and not options[0].startswith("-"):
        return f"entrasql {' '.join(words)} knows no '{options[0]}'"
    for option in options:
        name = re.match(r"--?[a-z][a-z0-9-]*", option)
        if name and name[0] not in known:
            return f"entrasql {' '.join(words)} knows no {name[0]}"
    return None


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_options_exist(programs, page):
    wrong = []
    for line, span in docpages.spans(PAGES[page]):
        if span.startswith("entrasql "):
            why = wrong_command(programs, span)
        else:
            unknown = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", span)) - every_option(programs) - FOREIGN
            is_ours = not re.match(PROGRAMS, span)
            why = f"no command knows {sorted(unknown)}" if is_ours and unknown else None
        if why:
            wrong.append(f"{page}:{line}: `{span}`: {why}")
    assert not wrong, "\n".join(wrong)


def test_two_clicks_lead_to_every_page():
    reached = {docpages.ROOT / "docs" / "README.md"}
    for _ in range(2):
        reached |= {(page.parent / target.partition("#")[0]).resolve() for page in set(reached)
                    if page.suffix == ".md" for _, target in docpages.links(page)}
    missing = {name for name, path in PAGES.items() if path not in reached}
    assert not missing, f"docs/README.md does not lead there: {sorted(missing)}"


def test_a_wrong_word_is_seen(programs):
    assert wrong_command(programs, "entrasql user add NAME --app-id ID") is None
    assert "--rw" in wrong_command(programs, "entrasql user add NAME --rw")
    assert "'lst'" in wrong_command(programs, "entrasql user lst")
    assert pathlib.Path(programs.entrasql).exists()
