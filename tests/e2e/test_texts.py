# SPDX-License-Identifier: MIT
"""Manual pages and completion, as installed: read by man, used by bash, zsh and fish."""
import pathlib
import re
import shutil

import pytest

from conftest import clean_environment, run


@pytest.fixture(scope="module")
def share(programs):
    return programs.prefix / "share"


def commands(programs, *words):
    """The command's words as its help lists them, with theirs."""
    text = run([programs.entrasql, *words, "--help"], env=clean_environment()).stdout
    found = [words]
    if "\nCommands:\n" in text:
        for line in text.split("\nCommands:\n")[1].split("\n\n")[0].splitlines():
            found += commands(programs, *words, line.split()[0])
    return found


def options(text):
    return set(re.findall(r"^ +(?:-\w, )?(--[a-z0-9-]+)", text, re.M))


def test_every_command_has_a_page_with_its_options(programs, share):
    pages = {p.name for p in (share / "man" / "man1").iterdir()}
    known = commands(programs)
    assert len(known) > 30
    env = {**clean_environment(), "MANWIDTH": "100", "MAN_KEEP_FORMATTING": "", "LC_ALL": "C.UTF-8"}
    for words in known:
        name = "-".join(("entrasql", *words)) + ".1"
        assert name in pages
        shown = run(["man", "--warnings", "-l", "-E", "ascii", share / "man" / "man1" / name], env=env)
        assert shown.returncode == 0
        assert not [w for w in shown.stderr.splitlines() if "adjust" not in w], (name, shown.stderr)
        said = run([programs.entrasql, *words, "--help"], env=clean_environment()).stdout
        assert options(said) <= options(shown.stdout), name
    extra = pages - {"-".join(("entrasql", *words)) + ".1" for words in known}
    assert all(p.startswith("entrasql-proxy-") for p in extra), extra  # its words stand in its notes


BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
compopt() { :; }
_entrasql
printf '%s\n' "${COMPREPLY[@]}"
"""
ZSH = """
script=$1; shift
compdef() { :; }
_files() { print -l -- *(N) }
_describe() { print -l -- ${(P)2} }
source $script
words=("$@"); CURRENT=$#words
_entrasql
"""


def offered(programs, share, shell, cwd, *words):
    env = {**clean_environment(), "PATH": f"{programs.prefix / 'bin'}:/usr/bin:/bin",
           "LD_LIBRARY_PATH": str(programs.library_dir), "HOME": str(cwd)}
    if shell == "bash":
        file = share / "bash-completion" / "completions" / "entrasql"
        result = run(["bash", "-c", BASH, "bash", file, "entrasql", *words], env=env, cwd=cwd)
        return result.stdout.split()
    if shell == "zsh":
        file = share / "zsh" / "site-functions" / "_entrasql"
        result = run(["zsh", "-fc", ZSH, "zsh", file, "entrasql", *words], env=env, cwd=cwd)
        return [line.split(":")[0] for line in result.stdout.split("\n") if line]
    file = share / "fish" / "vendor_completions.d" / "entrasql.fish"
    line = " ".join(("entrasql", *words))
    result = run(["fish", "--no-config", "-c", f"source {file}; complete -C '{line}'"], env=env, cwd=cwd)
    return [line.split("\t")[0] for line in result.stdout.splitlines()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(programs, share, shell, tmp_path):
    assert shutil.which(shell), f"{shell} is missing: tools/setup.sh installs it"
    (tmp_path / "world.json").write_text("{}")

    def complete(*words):
        return offered(programs, share, shell, tmp_path, *words)

    assert complete("emul") == ["emulator"]
    assert set(complete("odbc", "")) == {"install", "uninstall", "status"}
    assert complete("emulator", "start", "--imds") == ["--imds-port"]
    assert complete("--log-level", "deb") == ["debug"]
    assert complete("--log-level", "debug", "connstr", "sc") == ["scan"]
    assert complete("emulator", "start", "--seed", "wor") == ["world.json"]
    assert complete("token", "--client-id", "") == []
    assert complete("nosuch", "start", "--imds") == []


def test_words_of_a_hostile_line(programs):
    """What was typed is compared, never run or printed."""
    result = run([programs.entrasql, "completion", "words", "--", "$(touch x)", "\x1b[2J", "-"],
                 env=clean_environment())
    assert result.returncode == 0
    assert "\x1b" not in result.stdout and "touch" not in result.stdout
    assert "--log-level" in result.stdout
    assert pathlib.Path("x").exists() is False
