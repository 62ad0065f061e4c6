#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two hundred clients at once, half of them in open transactions.

    tests/long/clients.py [CLIENTS]
"""
import sys

from harness import started

import load

with started() as emulator:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    rows = load.crowd(emulator, count)
    print(f"clients: {count} at once, {count // 2} in transactions, {rows} rows written")
