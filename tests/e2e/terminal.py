# SPDX-License-Identifier: MIT
"""A program on a pseudo-terminal, and the screen that a person would see (by pyte)."""
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

import pyte


class Terminal:
    """Starts the program; what it writes goes through a terminal's rules onto a screen."""

    def __init__(self, arguments, env, columns=80, lines=40):
        self.screen = pyte.HistoryScreen(columns, lines, history=5000, ratio=0.5)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.master, slave = pty.openpty()
        self._set_size(columns, lines)

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [str(a) for a in arguments], env=dict(env, TERM="xterm-256color", LC_ALL="C.UTF-8"),
            stdin=slave, stdout=slave, stderr=slave, preexec_fn=take_terminal)
        os.close(slave)

    def _set_size(self, columns, lines):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def resize(self, columns, lines=40):
        """The kernel tells the program by SIGWINCH."""
        self._set_size(columns, lines)
        self.screen.resize(lines, columns)

    def pump(self, seconds=0.0):
        """Takes what the program wrote, and waits at most that long for it. False: it has ended."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.raw += data
        self.stream.feed(data)
        return bool(data)

    def rows(self):
        """The lines of the screen down to the cursor, those that went off its top first."""
        top = ["".join(line[i].data for i in range(self.screen.columns)).rstrip()
               for line in self.screen.history.top]
        return top + [line.rstrip() for line in self.screen.display[:self.screen.cursor.y + 1]]

    def text(self):
        return "\n".join(self.rows())

    def wait(self, condition, seconds=30, what=None):
        end = time.monotonic() + seconds
        alive = True
        while not condition():
            assert time.monotonic() < end, f"waited for {what or condition}:\n{self.text()}"
            assert alive, f"ended before {what or condition}:\n{self.text()}"
            alive = self.pump(0.1)

    def wait_for(self, piece, seconds=30):
        self.wait(lambda: piece in self.text(), seconds, repr(piece))

    def wait_for_prompt(self, prompt="persons> ", seconds=30):
        """Until the cursor stands right behind an empty prompt."""
        def is_there():
            line = self.screen.display[self.screen.cursor.y]
            return line[:self.screen.cursor.x] == prompt and line.rstrip() == prompt.rstrip()
        self.wait(is_there, seconds, f"the prompt {prompt!r}")

    def send(self, text):
        data = text.encode()
        while data:
            data = data[os.write(self.master, data):]

    def line(self, text, prompt="persons> ", seconds=30):
        """Types a line; returns what came until the next prompt."""
        before = len(self.rows())
        self.send(text + "\r")
        self.wait(lambda: len(self.rows()) > before, seconds, f"an answer to {text!r}")
        self.wait_for_prompt(prompt, seconds)
        return "\n".join(self.rows()[before:-1])

    def end(self, seconds=30):
        """Waits for the program's end; its exit code."""
        end = time.monotonic() + seconds
        while self.pump(0.1):
            assert time.monotonic() < end, self.text()
        return self.process.wait(seconds)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
