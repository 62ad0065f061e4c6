# SPDX-License-Identifier: MIT
"""A TCP relay that spoils what passes: adds delay, or cuts a connection at a chosen byte.

A Shim runs an asyncio loop in a thread of its own. Its plan is asked for each connection and says
what happens to it; without a plan bytes just pass.
"""
import asyncio
import contextlib
import socket
import struct
import threading

UP, DOWN = "up", "down"  # client to server, server to client


class Delay:
    """Each byte arrives so many seconds later, in either direction, those of TCP's own handshake, too:
    the first ones come a round trip late."""

    def __init__(self, seconds):
        self.seconds = seconds


class Cut:
    """The connection ends on both sides once `after` bytes went through in `direction`.

    reset: with RST instead of FIN. silent: it does not end, the bytes that follow just go nowhere.
    stalls: it does not end, and takes no more than one more buffer of what follows.
    """

    def __init__(self, direction, after, reset=False, silent=False, stalls=False):
        self.direction, self.after, self.reset, self.silent = direction, after, reset, silent
        self.stalls = stalls


class Shim:
    def __init__(self, target, plan=None):
        """target: a port on loopback. plan: Delay, Cut, or a function that gives one (or None) for
        the number of a connection."""
        self.target, self.plan = target, plan
        self.count = 0  # connections so far
        self.bytes = []  # of each connection: {UP: n, DOWN: n}
        self._writers = set()
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.close()

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def drop_all(self):
        """Resets every connection that is open now; they are closed when it returns."""
        asyncio.run_coroutine_threadsafe(self._drop_all(), self._loop).result(30)

    async def _drop_all(self):
        sockets = [writer.get_extra_info("socket") for writer in self._writers]
        for writer in list(self._writers):
            reset(writer)
        while any(sock.fileno() >= 0 for sock in sockets):  # closed by the loop's next turns
            await asyncio.sleep(0)

    def _run(self, ready):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        for writer in self._writers:
            writer.transport.abort()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader, writer):
        number = self.count
        self.count += 1
        plan = self.plan(number) if callable(self.plan) else self.plan
        counts = {UP: 0, DOWN: 0}
        self.bytes.append(counts)
        try:
            behind = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            reset(writer)
            return
        if isinstance(plan, Delay):
            await asyncio.sleep(2 * plan.seconds)
        both = (writer, behind[1])
        for one in both:
            one.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._writers.add(one)
        try:
            if isinstance(plan, Cut) and plan.after == 0 and not plan.silent:
                end(both, plan.reset)
            else:
                await asyncio.gather(self._pass(reader, behind[1], both, UP, plan, counts),
                                     self._pass(behind[0], writer, both, DOWN, plan, counts))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for one in both:
                self._writers.discard(one)
                one.close()

    async def _pass(self, reader, writer, both, direction, plan, counts):
        while data := await reader.read(65536):
            cut = isinstance(plan, Cut) and plan.direction == direction
            if cut:
                data = data[:max(0, plan.after - counts[direction])]
            counts[direction] += len(data)
            if isinstance(plan, Delay):
                self._loop.call_later(plan.seconds, write, writer, data)
            elif data:
                writer.write(data)
                await writer.drain()
            if cut and counts[direction] >= plan.after and plan.stalls:
                await asyncio.Event().wait()
            if cut and counts[direction] >= plan.after and not plan.silent:
                end(both, plan.reset)
                return
        if isinstance(plan, Delay):
            await asyncio.sleep(plan.seconds)
        with contextlib.suppress(OSError):
            writer.write_eof()


def write(writer, data):
    if not writer.is_closing():
        writer.write(data)


def end(writers, with_reset):
    for writer in writers:
        if with_reset:
            reset(writer)
        else:
            writer.close()


def reset(writer):
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
