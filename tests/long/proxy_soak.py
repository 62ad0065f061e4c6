#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Half an hour of clients that come and go, in order and not: the proxy's memory and descriptors stay flat.

    tests/long/proxy_soak.py [SECONDS] [--pool on|off] [--clients N]

The clients are those of proxy_checker.c, one run of it after the other; between two runs, with nobody
there, memory and descriptors are looked at.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import proxy_checker as checker

import conftest
import proxies

WARM = 3  # rounds until everything was made that is made once
ROUND_SECONDS = 15
# What an allocator may keep to itself.
SLACK = 512 * 1024


def rested(proxy, seconds=30):
    """Descriptors once nobody is there any more."""
    last, since = proxy.descriptors(), time.monotonic()
    end = since + seconds
    while time.monotonic() < end and time.monotonic() - since < 1:
        time.sleep(0.1)
        if (now := proxy.descriptors()) != last:
            last, since = now, time.monotonic()
    return last


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seconds", nargs="?", type=int, default=1800)
    parser.add_argument("--pool", choices=["on", "off"], default="on")
    parser.add_argument("--clients", type=int, default=24)
    chosen = parser.parse_args()
    programs = conftest.Programs()
    program = checker.program("proxy_checker")
    with tempfile.TemporaryDirectory(prefix="entrasql-soak-") as directory, \
            checker.world(programs, directory) as emulator:
        env, client_id = checker.environment(emulator)
        config = pathlib.Path(directory) / "proxy.ini"
        checker.configure(config, emulator, client_id)
        with proxies.running(programs, env, ["--config", str(config)],
                             *proxies.pool_words(programs, chosen.pool, 3), level="warning",
                             log_file=pathlib.Path(directory) / "log") as proxy:
            where = [f"{proxy.port(number)}={name}={database}"
                     for number, name in enumerate(checker.IDENTITIES)
                     for database in checker.DATABASES]
            return soak(chosen, program, where, emulator, proxy, programs)


def soak(chosen, program, where, emulator, proxy, programs):
    samples, requests, per_round = [], 0, 2000
    end = time.monotonic() + chosen.seconds
    while time.monotonic() < end or len(samples) < WARM + 2:
        began = time.monotonic()
        done = subprocess.run([program, str(per_round), str(chosen.clients), str(len(samples)),
                               *where], capture_output=True, text=True, timeout=600, check=False)
        if done.returncode != 0:
            print(done.stdout[-3000:], done.stderr)
            return 1
        requests += per_round
        samples.append((proxy.resident(), rested(proxy)))
        print(f"{len(samples)}: {samples[-1][0] // 1024} KiB, {samples[-1][1]} descriptors", flush=True)
        took = time.monotonic() - began
        per_round = int(min(max(per_round * ROUND_SECONDS / took, 1000), 10 * per_round, 100_000))
        for database in checker.DATABASES:  # row numbers begin anew with each run
            result = conftest.run([programs.entrasql, "query", "-S", f"localhost,{emulator.port()}",
                                   "-d", database, "-Q", "DELETE FROM ledger"],
                                  env=emulator.environment(conftest.ADMIN))
            assert result.returncode == 0, result.stderr
    if proxy.stop() != 0:
        print("the proxy did not end well")
        return 1
    later = samples[WARM:]
    half = len(later) // 2
    early, late = (max(memory for memory, _ in part) for part in (later[:half], later[half:]))
    few, many = (max(count for _, count in part) for part in (later[:half], later[half:]))
    print(f"soak: {requests} requests, memory {early // 1024} KiB, then {late // 1024} KiB; "
          f"descriptors {few}, then {many}")
    if late > early * 1.05 + SLACK:
        print("memory grows")
        return 1
    if many > few + 2:
        print("descriptors are left open")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
