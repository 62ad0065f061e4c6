#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pictures of what people see in a terminal, to be looked at: 80 and 40 columns, light and dark.

    tests/long/screenshots.py [FOLDER] [SCENE ...]     default: build/long/screenshots, all

Each scene runs the real program on a pseudo-terminal against the emulator; its screen becomes HTML and
that, by Chromium, a picture. The text of each screen is written beside it.
"""
import contextlib
import html
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import arm  # noqa: E402
from conftest import ADMIN, Programs, clean_environment, seed_persons  # noqa: E402
from terminal import Terminal  # noqa: E402

LINES = 60
# The sixteen colours of xterm, and default text and background.
PALETTES = {
    "dark": ("#e5e5e5", "#1e1e1e", {"red": "#f14c4c", "green": "#23d18b", "brown": "#e5e510",
                                    "blue": "#3b8eea", "magenta": "#d670d6", "cyan": "#29b8db"}),
    "light": ("#333333", "#ffffff", {"red": "#cd3131", "green": "#00a000", "brown": "#949800",
                                     "blue": "#0451a5", "magenta": "#bc05bc", "cyan": "#0598bc"}),
}
WIDE = ("SELECT ID, FirstName, LastName, REPLICATE(FirstName + ' ', 30) AS Biography, NULL AS Died "
        "FROM Persons;")


class Stage:
    def __init__(self, programs, emulator, folder):
        self.programs, self.emulator, self.folder = programs, emulator, folder
        self.admin = dict(emulator.environment(ADMIN), XDG_STATE_HOME=str(folder / "state"))

    def migrate(self, word):
        world = json.loads((self.emulator.directory / "seed.json").read_text())["subscription"]
        return [self.programs.entrasql, "migrate", word, "--journal", self.folder / "journal",
                "--azure-subscription", world["id"], "--resource-group", world["resource_group"],
                "--host", "app-service", "--sql-server", "contoso-sql", "--sql-address",
                f"localhost,{self.emulator.port()}", "--database", "persons", "--identity",
                "OrdersIdentity", "--app", "orders-app"]


def once(words, env=None):
    """A scene of one command."""
    def play(stage, columns):
        arguments = words(stage) if callable(words) else [stage.programs.entrasql, *words]
        with Terminal(arguments, env(stage) if env else stage.admin, columns, LINES) as t:
            t.end(120)
            return t
    return play


def shell(*lines):
    """A scene at the prompt of `entrasql query`."""
    def play(stage, columns):
        with Terminal([stage.programs.entrasql, "query"], stage.admin, columns, LINES) as t:
            t.wait_for_prompt()
            for line in lines:
                t.line(line)
            return t
    return play


def several_lines(stage, columns):
    """Prompts of what is open, Ctrl-C in both places, a statement from the history."""
    with Terminal([stage.programs.entrasql, "query"], stage.admin, columns, LINES) as t:
        t.wait_for_prompt()
        t.line("SELECT FirstName,", "persons-> ")
        t.line("  'it is", "persons'> ")
        t.line("long' AS a,", "persons-> ")
        t.line("(1 +", "persons(> ")
        t.send("\x03")
        t.wait_for_prompt()
        t.send("WAITFOR DELAY '00:01:00';\r")
        t.pump(1)
        time.sleep(0.5)
        t.send("\x03")
        t.wait_for("Cancelled")
        t.wait_for_prompt()
        t.line("SELECT 1 AS a,", "persons-> ")
        t.line("  2 AS b;")
        t.send("\x1b[A")
        t.wait(lambda: t.text().count("2 AS b;") == 2)
        return t


def nobody(stage):
    return dict(clean_environment(), HOME=str(stage.folder))


def stranger(stage):
    return stage.emulator.environment("StrangerIdentity", "stranger-app")


SCENES = {
    "query-shell": shell("\\dt", "\\d Persons", "SELECT * FROM Persons;", "\\du", "\\conninfo"),
    "query-wide": shell(WIDE, "SELECT * FROM sys.databases;"),
    "query-expanded": shell("\\x", "SELECT * FROM Persons WHERE ID < 3;", "\\x"),
    "query-errors": shell("SELECT * FROM nothing;", "CREATE USER [nobody] FROM EXTERNAL PROVIDER;",
                          "\\c nothing", "\\foo", "\\?"),
    "query-multiline": several_lines,
    "query-once": once(["query", "-Q", WIDE]),
    "help": once(["--help"]),
    "help-query": once(["query", "--help"]),
    "help-migrate": once(["migrate", "plan", "--help"]),
    "help-emulator": once(["emulator", "--help"]),
    "doctor": once(["doctor"]),
    "doctor-fails": once(["doctor"], stranger),
    "doctor-nothing": once(["doctor"], nobody),
    "migrate-plan": once(lambda stage: stage.migrate("plan")),
    "explain": once(["explain", "18456", "AADSTS50076", "no-user"]),
    "error-usage": once(["query", "--colour"]),
    "error-word": once(["qury"]),
    "error-name": once(["query", "-S", "contoso-sql.invalid", "-Q", "SELECT 1"]),
    "error-database": once(lambda s: [s.programs.entrasql, "query", "-S", f"localhost,{s.emulator.port()}",
                                      "-d", "nothing", "-Q", "SELECT 1"]),
    "error-login": once(["query", "-Q", "SELECT 1"], stranger),
    "error-token": once(["token", "--credential", "environment"], nobody),
    "emulator-start": once(lambda s: [s.programs.entrasql, "emulator", "start", "--detach", "--data-dir",
                                      tempfile.mkdtemp(dir=s.folder)]),
    "emulator-status": once(lambda s: [s.programs.entrasql, "emulator", "status", "--data-dir",
                                       s.emulator.directory]),
}


# ---- pictures ----

def cells(screen):
    """The rows of the screen that hold something."""
    rows = [[line[i] for i in range(screen.columns)] for line in screen.history.top]
    rows += [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(screen.cursor.y + 1)]
    return rows


def cell_html(cell, colours):
    style = [f"color:{colours[cell.fg]}"] if cell.fg in colours else []
    style += ["font-weight:bold"] * cell.bold
    text = html.escape(cell.data) or ""
    return f'<span style="{";".join(style)}">{text}</span>' if style else text


def picture(screen, dim, colour, path):
    """Dim is told apart by the raw text: pyte has no attribute for it."""
    fore, back, colours = PALETTES[colour]
    body = "\n".join("".join(cell_html(c, colours) for c in row).rstrip() for row in cells(screen))
    if dim:
        body = body.replace("NULL", '<span style="opacity:.5">NULL</span>')
    rows = len(cells(screen))
    page = path.with_suffix(".html")
    page.write_text(f'<meta charset="utf-8"><body style="margin:8px;background:{back};color:{fore}">'
                    f'<pre style="margin:0;font:14px/18px DejaVu Sans Mono,monospace">{body}</pre>')
    width, height = screen.columns * 9 + 20, rows * 18 + 20
    subprocess.run([shutil.which("chromium") or "chromium", "--headless=new", "--no-sandbox",
                    "--disable-gpu", "--hide-scrollbars", f"--window-size={width},{max(height, 100)}",
                    f"--user-data-dir={path.parent / 'profile'}", f"--screenshot={path}",
                    page.as_uri()], check=True, capture_output=True, timeout=120)
    page.unlink()


def overflowing(screen):
    """Rows that the terminal may have broken in the middle of a word: look at them."""
    rows = ["".join(c.data for c in row) for row in cells(screen)]
    return [a.rstrip() for a, b in zip(rows, rows[1:])
            if len(a.rstrip()) == screen.columns and a[-1].isalnum() and b[:1].isalnum()]


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "long" / "screenshots")
    wanted = sys.argv[2:] or list(SCENES)
    folder.mkdir(parents=True, exist_ok=True)
    programs, broken = Programs(), 0
    with contextlib.ExitStack() as stack:
        work = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        emulator = stack.enter_context(arm.seeded_cloud(programs, work))
        seed_persons(emulator)
        stage = Stage(programs, emulator, work)
        for name in wanted:
            for columns in (80, 40):
                t = SCENES[name](stage, columns)
                (folder / f"{name}-{columns}.txt").write_text(t.text() + "\n")
                for line in overflowing(t.screen):
                    print(f"{name}-{columns}: full to its edge, perhaps broken: {line}")
                    broken += 1
                for colour in PALETTES:
                    picture(t.screen, b"\x1b[2m" in t.raw, colour, folder / f"{name}-{columns}-{colour}.png")
        for other in work.glob("tmp*"):
            subprocess.run([programs.entrasql, "emulator", "stop", "--data-dir", other],
                           capture_output=True, check=False)
    shutil.rmtree(folder / "profile", ignore_errors=True)
    print(f"{len(wanted)} scenes in {folder}; {broken} lines full to their edge")
    return 0


if __name__ == "__main__":
    sys.exit(main())
