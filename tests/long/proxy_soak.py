#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Half an hour of clients that come and go, in order and not: the proxy's memory and descriptors stay flat.

    tests/long/proxy_soak.py [SECONDS] [--clients N] [--seed N] [--program FILE]

Two proxies, one with a pool and one without. The clients are those of proxy_checker.c, in clear, by TLS 7.4 and
by strict TLS, one run of it after the other; beside them are the guests of proxy_guests.py. Between two runs,
with nobody there, memory and descriptors are looked at. What they grow by is the median of all slopes between
two looks (Theil-Sen), so that one look at a bad moment does not count.

--program names another build of entrasql, whose proxy is looked at.
"""
import argparse
import contextlib
import copy
import itertools
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import proxy_checker as checker

import conftest
import proxies
from proxy_guests import Guests

WARM = 3  # rounds until everything was made that is made once
LEAST = 5  # looks that a verdict needs
ROUND_SECONDS = 15
# glibc gives back what is free, and has one heap: what is resident is what is in use.
TIDY = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "65536"}
# What it may keep to itself all the same. The least that a session can leave on the heap is 32 bytes.
MEMORY_SLACK = 320 * 1024
SESSION_SLACK = 8
DESCRIPTOR_SLACK = 4
# Before each session of the checker so many without a request: with a pool they cost next to nothing.
IDLE_LOGINS = {proxies.ON: 20, proxies.OFF: 3}


class Watched:
    """A proxy under its clients, and what was seen of it."""

    def __init__(self, name, proxy, config, where):
        self.name, self.proxy, self.config, self.where = name, proxy, config, where
        self.text = config.read_text()
        self.http = int(re.search(r"http://127\.0\.0\.1:(\d+)", proxy.said)[1])
        self.sessions = 0
        self.requests = 0
        self.did = {}
        self.looks = []  # (sessions until then, bytes, descriptors)

    def edit(self, random):
        self.config.write_text(f"[proxy]\nmax-clients = {random.randint(5000, 6000)}\n" + self.text)

    def rested(self, seconds=30):
        """Descriptors once nobody is there any more."""
        last, since = self.proxy.descriptors(), time.monotonic()
        end = since + seconds
        while time.monotonic() < end and time.monotonic() - since < 1:
            time.sleep(0.1)
            if (now := self.proxy.descriptors()) != last:
                last, since = now, time.monotonic()
        return last

    def look(self):
        """Idle server connections are let go first: how many there are depends on who was there."""
        self.guests(0).admin("RECONNECT")
        descriptors = self.rested()
        self.looks.append((self.sessions, self.proxy.resident(), descriptors))
        print(f"{self.name} {len(self.looks)}: {self.sessions} sessions, {self.looks[-1][1] // 1024} KiB, "
              f"{descriptors} descriptors", flush=True)

    def guests(self, seed):
        return Guests(self.proxy, self.proxy.port(), self.http, checker.DATABASES[0], self.edit, seed)

    def round(self, program, requests, clients, seed):
        """The checker's run, begun, and the guests beside it."""
        guests = self.guests(seed)
        run = subprocess.Popen([program, "-k", str(IDLE_LOGINS[self.name]), str(requests), str(clients), str(seed),
                                *self.where], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        guests.start()
        return run, guests

    def end_round(self, run, guests):
        said = run.communicate(timeout=600)[0]
        guests.enough()
        for deed, times in guests.did.items():
            self.did[deed] = self.did.get(deed, 0) + times
        counted = re.search(r"checker: (\d+) requests, (\d+) sessions", said)
        if run.returncode != 0 or guests.wrong or counted is None:
            print(f"{self.name}: {said[-3000:]}", *guests.wrong, sep="\n")
            return False
        self.requests += int(counted[1])
        self.sessions += int(counted[2])
        return True

    def verdict(self):
        """Whether it stayed flat; says by how much it did not."""
        looks = self.looks[WARM:]
        span = looks[-1][0] - looks[0][0]
        memory, descriptors = (growth([(look[0], look[of]) for look in looks]) * span for of in (1, 2))
        print(f"soak, pool {self.name}: {self.requests} requests, {self.sessions} sessions; over the last {span} "
              f"sessions memory {looks[0][1] // 1024} to {looks[-1][1] // 1024} KiB, grown by {memory / 1024:.0f} KiB "
              f"({memory / span:.1f} bytes a session), descriptors {looks[0][2]} to {looks[-1][2]}, grown by "
              f"{descriptors:.1f}; guests: {', '.join(f'{d} {n}' for d, n in sorted(self.did.items()))}")
        memory_flat = memory <= MEMORY_SLACK + SESSION_SLACK * span
        if not memory_flat:
            print(f"pool {self.name}: memory grows")
        if descriptors > DESCRIPTOR_SLACK:
            print(f"pool {self.name}: descriptors are left open")
        return memory_flat and descriptors <= DESCRIPTOR_SLACK


def growth(points):
    """The median of the slopes of all pairs."""
    return statistics.median((b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(points, 2))


def certificates(programs, directory):
    folder = pathlib.Path(directory) / "tls"
    result = conftest.run([programs.entrasql, "proxy", "init-tls", "--dir", folder])
    if result.returncode != 0:
        raise SystemExit(result.stderr)
    return folder


@contextlib.contextmanager
def watched(name, programs, directory, emulator, tls):
    env, client_id = checker.environment(emulator)
    config = pathlib.Path(directory) / f"pool-{name}.ini"
    checker.configure(config, emulator, client_id)
    with proxies.running(programs, env | TIDY, ["--config", str(config)], *proxies.pool_words(programs, name, 3),
                         "--tls", "optional", "--tls-certificate", tls / "server.pem",
                         "--tls-key", tls / "server-key.pem", "--http", "127.0.0.1:0", level="error",
                         log_file=pathlib.Path(directory) / f"pool-{name}.log") as proxy:
        where = [f"{proxy.port(number)}={who}={database}={tls / 'ca.pem'}"
                 for number, who in enumerate(checker.IDENTITIES) for database in checker.DATABASES]
        yield Watched(name, proxy, config, where)


def empty_ledgers(programs, emulator):
    """Row numbers begin anew with each run."""
    for database in checker.DATABASES:
        result = conftest.run([programs.entrasql, "query", "-S", f"localhost,{emulator.port()}", "-d", database, "-Q",
                               "DELETE FROM ledger"], env=emulator.environment(conftest.ADMIN))
        assert result.returncode == 0, result.stderr


def soak(chosen, program, programs, world):
    """world: (emulator, watched) of each proxy; a ledger has the rows of one checker."""
    per_round, seed = 2000, chosen.seed
    end = time.monotonic() + chosen.seconds
    while time.monotonic() < end or len(world[0][1].looks) < WARM + LEAST:
        began = time.monotonic()
        seed += 1
        runs = [(w, *w.round(program, per_round, chosen.clients, seed)) for _, w in world]
        went = [w.end_round(run, guests) for w, run, guests in runs]
        if not all(went):
            return 1
        took = time.monotonic() - began
        for emulator, w in world:
            w.look()
            empty_ledgers(programs, emulator)
        per_round = int(min(max(per_round * ROUND_SECONDS / took, 1000), 10 * per_round, 100_000))
    ended = [w.proxy.stop() for _, w in world]
    if any(ended):
        print(f"the proxies ended with {ended}")
        return 1
    flat = [w.verdict() for _, w in world]
    return 0 if all(flat) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seconds", nargs="?", type=int, default=1800)
    parser.add_argument("--clients", type=int, default=12, help="of each of the two proxies")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)))
    parser.add_argument("--program", help="another build of entrasql, whose proxy is looked at")
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    programs = conftest.Programs()
    ours = copy.copy(programs)
    ours.entrasql = chosen.program or programs.entrasql
    program = checker.program("proxy_checker")
    with contextlib.ExitStack() as stack:
        world = []
        for name in (proxies.ON, proxies.OFF):
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="entrasql-soak-"))
            emulator = stack.enter_context(checker.world(programs, directory))
            tls = certificates(programs, directory)
            world.append((emulator, stack.enter_context(watched(name, ours, directory, emulator, tls))))
        return soak(chosen, program, programs, world)


if __name__ == "__main__":
    sys.exit(main())
