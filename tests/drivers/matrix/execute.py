# SPDX-License-Identifier: MIT
"""Runs a driver's program and collects a result per operation, whatever the program does."""
import json
import queue
import subprocess
import threading

from matrix.catalog import HERE

SILENCE = 90  # seconds without a line after which a program counts as hanging

OK, FAILS, SKIPPED, NOT_OFFERED = "ok", "fails", "skipped", "not offered"


class Cell:
    def __init__(self, state, reason=""):
        self.state = state
        self.reason = reason


def _reader(stream, lines):
    for line in stream:
        lines.put(line)
    lines.put(None)


def _watch(process, cells):
    """Reads result lines until the program ends or hangs. Returns the operation it was in, and why."""
    lines = queue.Queue()
    threading.Thread(target=_reader, args=(process.stdout, lines), daemon=True).start()
    current = None
    while True:
        try:
            line = lines.get(timeout=SILENCE)
        except queue.Empty:
            process.kill()
            return current, f"no answer within {SILENCE} s"
        if line is None:
            code = process.wait()
            return current, f"the program ended with {code}"
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # a driver's own chatter
        if not isinstance(entry, dict):
            continue
        if "begin" in entry:
            current = entry["begin"]
        elif "op" in entry:
            cells[entry["op"]] = Cell(OK if entry["ok"] else FAILS, entry.get("reason", ""))
            current = None


def _start(command, environment, log):
    return subprocess.Popen(command, env=environment, cwd=HERE, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=log, text=True, errors="replace",
                            start_new_session=True)


def _last_line(path):
    lines = [line.strip() for line in path.read_text("utf-8", "replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")[:300]


def run_operations(command, operations, environment, log_path):
    """{operation: Cell}. A crash or a hang costs its operation; the rest runs in a new process."""
    cells = {}
    left = list(operations)
    while left:
        with open(log_path, "a", encoding="utf-8") as log:
            process = _start([*command, *left], environment, log)
            try:
                current, why = _watch(process, cells)
            finally:
                process.kill()
                process.wait()
                process.stdout.close()
        broken = current or next((op for op in left if op not in cells), None)
        if broken is not None and broken not in cells:
            said = _last_line(log_path)
            cells[broken] = Cell(FAILS, f"{why}: {said}" if said else why)
        left = [op for op in left if op not in cells]
    return cells
