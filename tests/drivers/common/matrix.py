# SPDX-License-Identifier: MIT
"""What every Python program of the matrix shares: the world it runs in, and how it reports.

A program is called as `main.py OPERATION ...` with MATRIX_WORLD naming the file that describes the
emulator. For each operation it prints {"begin": id}, then {"op": id, "ok": bool, "reason": text}.
"""
import datetime
import decimal
import json
import os
import pathlib
import struct
import sys
import time
import uuid


class Failed(Exception):
    """An operation did not do what it has to."""


def check(condition, text):
    if not condition:
        raise Failed(text)


def equal(got, wanted, what="got"):
    check(got == wanted, f"{what} {shorten(got)}, not {shorten(wanted)}")


def shorten(value, limit=160):
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


class World:
    def __init__(self):
        with open(os.environ["MATRIX_WORLD"], encoding="utf-8") as file:
            self.__dict__.update(json.load(file))


WORLD = World()


def unique(prefix="t"):
    return f"{prefix}{uuid.uuid4().hex[:10]}"


def say(**line):
    sys.__stdout__.write(json.dumps(line) + "\n")
    sys.__stdout__.flush()


def reason_of(error):
    text = str(error) or repr(error)
    name = "" if isinstance(error, Failed) else f"{type(error).__name__}: "
    return " ".join((name + text).split())[:600]


def main(driver):
    """Runs the operations of the command line on an object with a method per operation."""
    for op in sys.argv[1:]:
        say(begin=op)
        started = time.monotonic()
        try:
            getattr(driver, op.replace("-", "_"))()
            result = {"ok": True}
        except Exception as error:  # an operation's failure is a result, whatever it is
            result = {"ok": False, "reason": reason_of(error)}
            if os.environ.get("MATRIX_TRACE"):
                import traceback

                traceback.print_exc()
        say(op=op, seconds=round(time.monotonic() - started, 3), **result)
    sys.stdout.flush()
    # Threads that a hung operation left behind must not keep the program.
    os._exit(0)


class Case:
    """One value of one type: its T-SQL literal and how it looks as text."""

    def __init__(self, entry):
        self.op = entry["op"]
        self.type = entry["type"]
        self.kind = entry["kind"]
        self.text = entry["text"] if "text" in entry else "".join(
            [entry["repeat"][0]] * entry["repeat"][1])
        literal = entry["literal"]
        self.expression = f"CAST({'NULL' if literal is None else literal} AS {self.type})"
        self.where = "v IS NULL" if literal is None else f"v = {self.expression}"

    def value(self):
        return None if self.text is None else MAKE[self.kind](self.text)

    def compare(self, got):
        """Nothing, or how the driver's value differs."""
        if got is None or self.text is None:
            same = got is None and self.text is None
        else:
            same = SAME[self.kind](got, self.text)
        check(same, f"{self.type}: got {shorten(got)}, not {shorten(self.text)}")


def cases(op):
    path = pathlib.Path(__file__).with_name("types.json")
    return [Case(entry) for entry in json.loads(path.read_text("utf-8")) if entry["op"] == op]


def as_datetime(text):
    return datetime.datetime.strptime(text[:26], "%Y-%m-%d %H:%M:%S.%f")


def as_datetimeoffset(text):
    hours, minutes = text[-6:].split(":")
    offset = datetime.timedelta(hours=int(hours), minutes=int(minutes))
    return as_datetime(text).replace(tzinfo=datetime.timezone(offset))


def as_time(text):
    return datetime.datetime.strptime(text[:15], "%H:%M:%S.%f").time()


def same_real(got, text):
    return struct.pack("f", got) == struct.pack("f", float(text))


def same_guid(got, text):
    return str(got).lower() == text


MAKE = {
    "bit": lambda text: text == "1",
    "int": int,
    "decimal": decimal.Decimal,
    "money": decimal.Decimal,
    "float": float,
    "real": float,
    "text": str,
    "binary": bytes.fromhex,
    "date": datetime.date.fromisoformat,
    "time": as_time,
    "datetime": as_datetime,
    "smalldatetime": as_datetime,
    "datetime2": as_datetime,
    "datetimeoffset": as_datetimeoffset,
    "guid": uuid.UUID,
}


def same_decimal(got, text):
    return isinstance(got, decimal.Decimal) and got == decimal.Decimal(text)


def same_datetime(got, text):
    return got == as_datetime(text)


SAME = {
    "bit": lambda got, text: isinstance(got, (bool, int)) and int(got) == int(text),
    "int": lambda got, text: type(got) is int and got == int(text),
    "decimal": same_decimal,
    "money": same_decimal,
    "float": lambda got, text: got == float(text),
    "real": same_real,
    "text": lambda got, text: got == text,
    "binary": lambda got, text: bytes(got) == bytes.fromhex(text),
    "date": lambda got, text: got == datetime.date.fromisoformat(text),
    "time": lambda got, text: got == as_time(text),
    "datetime": same_datetime,
    "smalldatetime": same_datetime,
    "datetime2": same_datetime,
    "datetimeoffset": lambda got, text: (
        got == as_datetimeoffset(text) and got.utcoffset() == as_datetimeoffset(text).utcoffset()),
    "guid": same_guid,
}
