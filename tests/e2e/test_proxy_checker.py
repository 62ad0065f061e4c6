# SPDX-License-Identifier: MIT
"""A little of tests/long/proxy_checker.py for every change, and that its plants still fit the sources."""
import subprocess
import sys

import pytest

from conftest import ROOT

LONG = ROOT / "tests" / "long"


@pytest.mark.parametrize("pool", ["on", "off"])
def test_some_thousand_requests_of_random_clients(pool):
    done = subprocess.run([sys.executable, LONG / "proxy_checker.py", "4000", "--pool", pool],
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 violations" in done.stdout, done.stdout


def test_the_plants_fit_the_sources():
    """A plant that does not apply would be missed only in the next long run."""
    sys.path.insert(0, str(LONG))
    try:
        import proxy_plants
    finally:
        sys.path.remove(str(LONG))
    for name, (_, edits, *_) in (proxy_plants.PLANTS | proxy_plants.LEAKS).items():
        for file, old, _ in edits:
            assert (ROOT / file).read_text("utf-8").count(old) == 1, f"{name}: {file}: {old}"
