#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The checker and the soak of the proxy find what they are for: known bugs, planted one by one into a throwaway
build.

    tests/long/proxy_plants.py [PLANT ...] [--requests N] [--seconds N]

Each plant is an edit of the sources that has to apply exactly once. The proxy that comes of it has to
be found out, a wrong one by proxy_checker.py with a violation, a leaking one by proxy_soak.py with its
verdict, and not by a crash; the unchanged build has to pass.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "plants"
CHECKER = ROOT / "tests" / "long" / "proxy_checker.py"
SOAK = ROOT / "tests" / "long" / "proxy_soak.py"

# name: (what the bug is, [(file, text, text instead)])
PLANTS = {
    "no-reset": ("a connection goes back without a reset", [
        ("src/proxy/reset.c", "send_request(b, s, TDS_PACKET_BATCH, TDS_STATUS_RESET, &body, err)",
         "send_request(b, s, TDS_PACKET_BATCH, 0, &body, err)"),
        ("src/proxy/reset.c", "if (is_last && !b->was_reset)", "if (is_last && b->was_reset)")]),
    "no-isolation": ("the reset leaves the isolation level", [
        ("src/proxy/reset.c", '"SET TRANSACTION ISOLATION LEVEL READ COMMITTED"',
         '"DECLARE @nothing int"')]),
    "reset-keeps-transaction": ("the reset leaves an open transaction open", [
        ("src/proxy/reset.c", "*ret_is_last = b->transaction == RELAY_TRANSACTION_NONE;",
         "*ret_is_last = true;"),
        ("src/proxy/reset.c", "send_request(b, s, TDS_PACKET_BATCH, TDS_STATUS_RESET, &body, err)",
         "send_request(b, s, TDS_PACKET_BATCH, TDS_STATUS_RESET_KEEP_TRAN, &body, err)"),
        ("src/proxy/reset.c", "if (b->transaction != RELAY_TRANSACTION_NONE)", "if (b->lost)"),
        ("src/proxy/reset.c", "if (is_last && !b->was_reset)", "if (is_last && b->lost)")]),
    "ack-not-awaited": ("a connection is lent while its reset is under way", [
        ("src/proxy/server.c", "        s->deadline_ms = es_clock_mono_ms(); /* the step finds it broken */\n",
         "        s->deadline_ms = es_clock_mono_ms();\n    loop_task_wake(s->task);\n"),
        ("src/proxy/server.c", "    entrasql_status status = read_reset(s, &err);\n",
         "    entrasql_status status = read_reset(s, &err);\n"
         "    if (status == ENTRASQL_AGAIN)\n        status = ENTRASQL_OK;\n")]),
    "drain-skipped": ("a connection is lent on while an answer is still coming", [
        ("src/proxy/server.c", "    if (relay_border_is_idle(&s->border)) {\n",
         "    if (s->border.attentions == 0)\n        s->border = (relay_border){0};\n"
         "    if (relay_border_is_idle(&s->border)) {\n"),
        ("src/proxy/reset.c", "if (is_last && !b->was_reset)", "if (is_last && b->lost)")]),
    "cancel-forgotten": ("a connection is lent on with a cancel unanswered", [
        ("src/proxy/server.c", "    if (relay_border_is_idle(&s->border)) {\n",
         "    if (s->border.attentions > 0)\n        s->border = (relay_border){0};\n"
         "    if (relay_border_is_idle(&s->border)) {\n"),
        ("src/proxy/reset.c", "if (is_last && !b->was_reset)", "if (is_last && b->lost)")]),
    "drain-ends-early": ("a drain ends with the answer, before the cancel is acknowledged", [
        ("src/proxy/drain.c", "        if (relay_border_is_idle(b))\n            return ENTRASQL_OK;\n",
         "        if (relay_border_is_between_replies(b)) {\n            b->attentions = 0;\n"
         "            b->requests = 0;\n            return ENTRASQL_OK;\n        }\n"),
        ("src/relay/border.c", "        if (b->attentions == 0)\n            b->lost = true;\n"
         "        else\n            b->attentions--;\n        b->requests = 0;\n",
         "        b->attentions = 0;\n        b->requests = 0;\n"),
        ("src/proxy/reset.c", "if (is_last && !b->was_reset)", "if (is_last && b->lost)")]),
    "drained-not-reset": ("a connection whose answer was thrown away is not reset", [
        ("src/proxy/server.c", "    proxy_stats_count(stats, PROXY_COUNT_DRAINS, 1);\n"
         "    start_reset(s);\n    return true;\n",
         "    proxy_stats_count(stats, PROXY_COUNT_DRAINS, 1);\n"
         "    s->at = PHASE_IDLE;\n    pool_server_ready(&s->in_pool);\n"
         "    return s->at != PHASE_OVER;\n")]),
    "lent-while-drained": ("a connection is lent while its answer is being thrown away", [
        ("src/proxy/server.c", "            s->drain.deadline_ms = es_clock_mono_ms(); /* as above */\n",
         "            s->drain.deadline_ms = es_clock_mono_ms(); /* as above */\n"
         "        loop_task_wake(s->task);\n"),
        ("src/proxy/server.c", "        proxy_drain_step(&s->drain, &s->border, s->stream, s->pools->scratch, &err);\n"
         "    if (status == ENTRASQL_AGAIN)\n        return true;\n",
         "        proxy_drain_step(&s->drain, &s->border, s->stream, s->pools->scratch, &err);\n"
         "    if (status == ENTRASQL_AGAIN) {\n        s->at = PHASE_IDLE;\n"
         "        pool_server_ready(&s->in_pool);\n        return s->at != PHASE_OVER;\n    }\n")]),
    "key-without-database": ("pools of two databases are one", [
        ("src/proxy/profile.c", "    ES_TRY(add_text(out, l->database));\n", "")]),
    "key-without-identity": ("pools of two targets with an identity each are one", [
        ("src/proxy/profile.c", "    ES_TRY(add_text(out, p->target));\n", ""),
        ("src/proxy/profile.c", "ES_TRY(add_bytes(out, &credential, sizeof credential));",
         "(void)credential;"),
        ("src/proxy/profile.c", "ES_TRY(add_bytes(out, &tls, sizeof tls));", "(void)tls;")]),
    "key-without-app": ("pools of two application names are one", [
        ("src/proxy/profile.c", 'keyed_by_app ? l->app_name : ""', 'keyed_by_app ? "" : ""')]),
    "clients-swapped": ("now and then a client gets the answer to another one's request", [
        ("src/relay/pump.c", "    d->passed += n;\n",
         "    static uint8_t kept[4096];\n    static size_t kept_n;\n    static relay_pump *kept_of;\n"
         "    static unsigned count;\n"
         "    if (d == &p->down && n <= sizeof kept) {\n"
         "        if (kept_of != p && kept_n == n && ++count % 20 == 0) {\n"
         "            memcpy(p->scratch->plain, kept, n);\n"
         "        } else {\n            memcpy(kept, p->scratch->plain, n);\n"
         "            kept_n = n;\n            kept_of = p;\n        }\n    }\n"
         "    d->passed += n;\n"),
        ("src/relay/pump.c", '#include "base/mem.h"\n', '#include "base/mem.h"\n\n#include <string.h>\n')]),
}

# The same for the soak, and what it has to say.
SESSION_BEGINS = "        s->since_ms = es_clock_mono_ms();\n"
LEAKS = {
    "leak": ("a session leaves 100 bytes behind", [
        ("src/proxy/session.c", SESSION_BEGINS, SESSION_BEGINS
         + "        static void *volatile kept;\n        kept = es_calloc(1, 100);\n        (void)kept;\n")],
        "memory grows"),
    "leak-descriptor": ("one session of a thousand leaves a descriptor behind", [
        ("src/proxy/session.c", SESSION_BEGINS, SESSION_BEGINS
         + "        if (number % 1000 == 0)\n            (void)!dup(fd);\n"),
        ("src/proxy/session.c", '#include "proxy/tally.h"\n', '#include "proxy/tally.h"\n\n#include <unistd.h>\n')],
        "descriptors are left open"),
}


def run(*command, **kwargs):
    return subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL,
                          env={**os.environ, "CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"},
                          **kwargs)


def copy_tree():
    """The sources as they are in the work tree, and a build of them. They are as of now: what a run that
    was interrupted has left in the build is older."""
    WORK.mkdir(parents=True, exist_ok=True)
    for name in ("src", "include", "examples", "meson.build", "meson_options.txt"):
        shutil.rmtree(WORK / name, ignore_errors=True)
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, WORK / name, copy_function=shutil.copy)
        else:
            shutil.copy(source, WORK / name)
    if not (WORK / "build" / "build.ninja").exists():
        run("meson", "setup", "-Dtests=false", WORK / "build", WORK)


def build():
    run("ninja", "-C", WORK / "build", "-j2", "--quiet", "src/cli/entrasql")
    return WORK / "build" / "src" / "cli" / "entrasql"


class Planted:
    """The edits of a plant, undone at the end."""

    def __init__(self, edits):
        self.edits = edits
        self.before = {}

    def __enter__(self):
        for name, old, new in self.edits:
            path = WORK / name
            text = path.read_text("utf-8")
            self.before.setdefault(path, text)
            if text.count(old) != 1:
                self.__exit__()
                raise SystemExit(f"{name} has {text.count(old)} times: {old}")
            path.write_text(text.replace(old, new), "utf-8")

    def __exit__(self, *why):
        for path, text in self.before.items():
            path.write_text(text, "utf-8")


def check(requests):
    """Exit code of the checker and what it printed."""
    done = subprocess.run([sys.executable, CHECKER, str(requests), "--program", build(), "--seed",
                           "7"], capture_output=True, text=True, timeout=600, check=False)
    return done.returncode, done.stdout + done.stderr


def soak(seconds):
    """The same of the soak."""
    done = subprocess.run([sys.executable, SOAK, str(seconds), "--program", build(), "--seed", "7"],
                          capture_output=True, text=True, timeout=900 + 4 * seconds, check=False)
    return done.returncode, done.stdout + done.stderr


def plant(name, chosen):
    """(what the bug is, how it was found or None, what was printed)."""
    if name in LEAKS:
        what, edits, verdict = LEAKS[name]
        with Planted(edits):
            code, said = soak(chosen.seconds)
        found = re.findall(rf"^(pool \w+: {verdict})$", said, re.M)
    else:
        what, edits = PLANTS[name]
        with Planted(edits):
            code, said = check(chosen.requests)
        found = re.findall(r"^VIOLATION .*? .*?: (.*)$", said, re.M)
    return what, found[0] if code != 0 and found else None, said


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plants", nargs="*", metavar="PLANT")
    parser.add_argument("--requests", type=int, default=30000)
    parser.add_argument("--seconds", type=int, default=120, help="of each soak")
    chosen = parser.parse_args()
    names = chosen.plants or [*PLANTS, *LEAKS]
    strangers = set(names) - set(PLANTS) - set(LEAKS)
    if strangers:
        parser.error(f"no such plant: {', '.join(strangers)}; there are {', '.join([*PLANTS, *LEAKS])}")
    copy_tree()
    for has, run_unchanged in ((PLANTS, lambda: check(chosen.requests)), (LEAKS, lambda: soak(chosen.seconds))):
        if not set(names) & set(has):
            continue
        code, said = run_unchanged()
        if code != 0:
            print(said)
            print("plants: the unchanged proxy does not pass")
            return 1
    missed = []
    for name in names:
        what, found, said = plant(name, chosen)
        if found is None:
            missed.append(name)
            print(f"{name} ({what}): NOT FOUND\n{said[-1500:]}", flush=True)
        else:
            print(f"{name} ({what}): found: {found[:120]}", flush=True)
    print(f"plants: {len(names) - len(missed)} of {len(names)} found"
          + (f"; missed: {', '.join(missed)}" if missed else ""))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
