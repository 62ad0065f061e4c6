#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Half an hour of load; the emulator's memory stays flat.

    tests/long/soak.py [SECONDS]
"""
import sys

from harness import started

import load

with started() as emulator:
    load.soak(emulator, int(sys.argv[1]) if len(sys.argv) > 1 else 1800)
