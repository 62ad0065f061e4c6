# SPDX-License-Identifier: MIT
"""An emulator for a long test: the staged program on a directory that goes away again."""
import contextlib
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import conftest  # noqa: E402
import load  # noqa: E402

PASSWORD = "Local-only-1!"


@contextlib.contextmanager
def started():
    with tempfile.TemporaryDirectory(prefix="entrasql-long-") as directory:
        base = pathlib.Path(directory)
        secret = base / "password"
        secret.touch(mode=0o600)
        secret.write_text(PASSWORD)
        with conftest.running_emulator(conftest.Programs(), base / "data", "--sql-login", "tester",
                                       "--password-file", secret) as emulator:
            load.refresh(emulator, "tester", PASSWORD)
            load.prepare(emulator)
            yield emulator
