# SPDX-License-Identifier: MIT
"""A TDS client that writes down everything a batch gives, token by token ([MS-TDS] 2.2.7).

python-tds does the login; from then on the stream is read here, so that nothing is rounded or
left out on the way: 100-nanosecond times, exact decimals, INFO messages, transaction changes.
"""
import datetime
import decimal
import struct
import unittest.mock
import uuid

import pytds

INTS = {1: "tinyint", 2: "smallint", 4: "int", 8: "bigint"}
FIXED = {0x30: ("tinyint", 1), 0x32: ("bit", 1), 0x34: ("smallint", 2), 0x38: ("int", 4),
         0x3A: ("smalldatetime", 4), 0x3B: ("real", 4), 0x3C: ("money", 8), 0x3D: ("datetime", 8),
         0x3E: ("float", 8), 0x7A: ("smallmoney", 4), 0x7F: ("bigint", 8)}
STRINGS = {0xA7: "varchar", 0xAF: "char", 0xE7: "nvarchar", 0xEF: "nchar", 0xA5: "varbinary",
           0xAD: "binary"}
LOBS = {0x23: "text", 0x22: "image", 0x63: "ntext"}
MAX = 0xFFFF


class Stream:
    """The bytes of one message."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, count):
        part = self.data[self.at:self.at + count]
        assert len(part) == count, "the message ends inside a token"
        self.at += count
        return part

    def number(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize(form)))[0]

    def text(self, units):
        return self.take(units * 2).decode("utf-16-le")

    def more(self):
        return self.at < len(self.data)


class Column:
    """One column of COLMETADATA: its type as the corpus spells it, and how its values are read."""

    def __init__(self, s):
        s.number("I")
        s.number("H")
        self.token = s.number("B")
        self.size = self.precision = self.scale = 0
        self._read_type(s)
        self.name = s.text(s.number("B"))

    def _read_type(self, s):
        t = self.token
        if t in FIXED:
            self.type, self.size = FIXED[t]
        elif t in (0x26, 0x68, 0x6D, 0x6E, 0x6F, 0x24):
            self.size = s.number("B")
            self.type = {0x26: INTS.get(self.size), 0x68: "bit",
                         0x6D: {4: "real", 8: "float"}.get(self.size),
                         0x6E: {4: "smallmoney", 8: "money"}.get(self.size),
                         0x6F: {4: "smalldatetime", 8: "datetime"}.get(self.size),
                         0x24: "uniqueidentifier"}[t]
        elif t in (0x6A, 0x6C):
            self.size, self.precision, self.scale = s.number("B"), s.number("B"), s.number("B")
            word = "decimal" if t == 0x6A else "numeric"
            self.type = f"{word}({self.precision},{self.scale})"
        elif t == 0x28:
            self.type = "date"
        elif t in (0x29, 0x2A, 0x2B):
            self.scale = s.number("B")
            word = {0x29: "time", 0x2A: "datetime2", 0x2B: "datetimeoffset"}[t]
            self.type = f"{word}({self.scale})"
        elif t in STRINGS:
            self._read_string(s)
        elif t in LOBS:
            s.number("I")
            if t != 0x22:
                s.take(5)
            for _ in range(s.number("B")):
                s.text(s.number("H"))
            self.type = LOBS[t]
        else:
            raise AssertionError(f"a column of type {t:#x}")

    def _read_string(self, s):
        self.size = s.number("H")
        if self.token not in (0xA5, 0xAD):
            s.take(5)
        wide = self.token in (0xE7, 0xEF)
        length = "max" if self.size == MAX else self.size // 2 if wide else self.size
        self.type = f"{STRINGS[self.token]}({length})"

    # ---- values ----

    def read(self, s):
        t = self.token
        if t in FIXED:
            return self._plain(s.take(self.size))
        if t in STRINGS:
            data = read_plp(s) if self.size == MAX else self._short(s)
        elif t in LOBS:
            pointer = s.number("B")
            if pointer == 0:
                return "NULL"
            s.take(pointer + 8)
            data = s.take(s.number("I"))
        else:
            length = s.number("B")
            return "NULL" if length == 0 else self._plain(s.take(length))
        if data is None:
            return "NULL"
        if t in (0xA5, 0xAD, 0x22):
            return "0x" + data.hex().upper()
        return data.decode("utf-16-le" if t in (0xE7, 0xEF, 0x63) else "cp1252")

    @staticmethod
    def _short(s):
        length = s.number("H")
        return None if length == MAX else s.take(length)

    def _plain(self, data):
        word = self.type.split("(")[0]
        if word in ("bit", "tinyint"):
            return str(data[0])
        if word in ("smallint", "int", "bigint"):
            return str(int.from_bytes(data, "little", signed=True))
        if word in ("real", "float"):
            return shortest(data)
        if word in ("decimal", "numeric"):
            digits = int.from_bytes(data[1:], "little") * (1 if data[0] else -1)
            with decimal.localcontext() as exact:
                exact.prec = 60
                return f"{decimal.Decimal(digits).scaleb(-self.scale):f}"
        if word in ("money", "smallmoney"):
            high = struct.unpack("<iI", data) if len(data) == 8 else None
            units = (high[0] << 32) + high[1] if high else struct.unpack("<i", data)[0]
            return f"{decimal.Decimal(units).scaleb(-4):.4f}"
        if word == "uniqueidentifier":
            return str(uuid.UUID(bytes_le=data)).upper()
        return self._moment(word, data)

    def _moment(self, word, data):
        if word == "smalldatetime":
            days, minutes = struct.unpack("<HH", data)
            at = datetime.datetime(1900, 1, 1) + datetime.timedelta(days=days, minutes=minutes)
            return f"{at:%Y-%m-%d %H:%M:%S}" if at.year > 999 else str(at)
        if word == "datetime":
            days, parts = struct.unpack("<iI", data)
            at = datetime.datetime(1900, 1, 1) + datetime.timedelta(days=days)
            thousandths = (parts * 1000 + 150) // 300
            at += datetime.timedelta(milliseconds=thousandths)
            return at.isoformat(" ", "milliseconds")
        if word == "date":
            return (datetime.date(1, 1, 1) + datetime.timedelta(
                days=int.from_bytes(data, "little"))).isoformat()
        size = len(data) - {"time": 0, "datetime2": 3, "datetimeoffset": 5}[word]
        ticks = int.from_bytes(data[:size], "little") * 10 ** (7 - self.scale)
        if word == "time":
            return self._clock(ticks)
        day = int.from_bytes(data[size:size + 3], "little")
        offset = 0
        if word == "datetimeoffset":
            offset = struct.unpack("<h", data[size + 3:])[0]
        total = day * 864_000_000_000 + ticks + offset * 600_000_000
        day, ticks = divmod(total, 864_000_000_000)
        date = (datetime.date(1, 1, 1) + datetime.timedelta(days=day)).isoformat()
        text = f"{date} {self._clock(ticks)}"
        if word == "datetimeoffset":
            sign = "-" if offset < 0 else "+"
            text += f" {sign}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
        return text

    def _clock(self, ticks):
        seconds, fraction = divmod(ticks, 10_000_000)
        text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        return text + (f".{fraction:07}"[:self.scale + 1] if self.scale else "")


def shortest(data):
    """The fewest digits that give the same float again."""
    if len(data) == 8:
        return repr(struct.unpack("<d", data)[0])
    value = struct.unpack("<f", data)[0]
    texts = (f"{value:.{digits}g}" for digits in range(1, 10))
    return next(text for text in texts if struct.pack("<f", float(text)) == data)


def read_plp(s):
    total = s.number("Q")
    if total == 0xFFFFFFFFFFFFFFFF:
        return None
    data = b""
    while chunk := s.number("I"):
        data += s.take(chunk)
    return data


class Wire:
    """A logged-in connection that runs batches and gives their transcripts."""

    def __init__(self, workstation, **login):
        with unittest.mock.patch("socket.gethostname", return_value=workstation):
            self.connection = pytds.connect(autocommit=True, **login)
        session = self.connection._tds_socket.main_session
        self.transport = session._reader._transport
        self.transaction = b"\0" * 8

    def close(self):
        self.connection.close()

    def _send(self, body):
        pieces = [body[i:i + 4000] for i in range(0, len(body), 4000)]
        for number, piece in enumerate(pieces):
            last = number == len(pieces) - 1
            self.transport.sendall(struct.pack(">BBHHBB", 1, 1 if last else 0, len(piece) + 8, 0,
                                               (number + 1) & 0xFF, 0) + piece)

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.transport.recv(count - len(data))
            if not part:
                raise EOFError("the server closed the connection")
            data += part
        return data

    def _receive(self):
        body = b""
        while True:
            header = self._exactly(8)
            body += self._exactly(struct.unpack(">H", header[2:4])[0] - 8)
            if header[1] & 1:
                return body

    def run(self, text):
        """The lines of a batch, as in the engine's corpus."""
        headers = struct.pack("<IIH", 22, 18, 2) + self.transaction + struct.pack("<I", 1)
        self._send(headers + text.encode("utf-16-le"))
        return self._read(Stream(self._receive()))

    def _read(self, s):
        lines = []
        columns = []
        while s.more():
            token = s.number("B")
            if token == 0x81:
                columns = [Column(s) for _ in range(s.number("H"))]
                lines.append("columns " + ", ".join(
                    f"{c.name or '(none)'} {c.type}" for c in columns))
            elif token == 0xD1:
                lines.append("".join("|" + c.read(s) for c in columns))
            elif token == 0xD2:
                bits = s.take((len(columns) + 7) // 8)
                lines.append("".join(
                    "|" + ("NULL" if bits[i // 8] >> (i % 8) & 1 else c.read(s))
                    for i, c in enumerate(columns)))
            elif token in (0xFD, 0xFE, 0xFF):
                status, _, rows = s.number("H"), s.number("H"), s.number("Q")
                if status & 0x10:
                    lines.append(f"count {rows}")
            elif token in (0xAA, 0xAB):
                lines.append(self._message(token, Stream(s.take(s.number("H")))))
            elif token == 0xE3:
                lines += self._change(Stream(s.take(s.number("H"))))
            elif token == 0x79:
                s.number("I")
            elif token in (0xA9, 0xA4, 0xA5):
                s.take(s.number("H"))
            else:
                raise AssertionError(f"token {token:#x} in the answer to a batch")
        return lines

    @staticmethod
    def _message(token, s):
        number, state, severity = s.number("I"), s.number("B"), s.number("B")
        text = s.text(s.number("H"))
        s.text(s.number("B"))
        procedure = s.text(s.number("B"))
        line = s.number("I")
        word = "error" if token == 0xAA else "info"
        name = f"[{procedure}] " if procedure else ""
        return f"{word} {number} {severity} {state} {line} {name}{text}"

    def _change(self, s):
        kind = s.number("B")
        if kind in (1, 2):
            new = s.text(s.number("B"))
            return [f"{'database' if kind == 1 else 'language'} {new} ({s.text(s.number('B'))})"]
        if kind in (8, 9, 10):
            new = s.take(s.number("B"))
            self.transaction = new if kind == 8 else b"\0" * 8
            return [{8: "begin", 9: "commit", 10: "rollback"}[kind]]
        return ["reset"] if kind == 18 else []
