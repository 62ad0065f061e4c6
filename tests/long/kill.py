#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 of the emulator under load, a hundred times: no commit is lost, none is there by half.

    tests/long/kill.py [ROUNDS]
"""
import sys

from harness import started

import load

with started() as emulator:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    commits = load.kill_rounds(emulator, emulator.login, emulator.password, rounds)
    print(f"kill: {rounds} kills, {commits} commits, none lost")
