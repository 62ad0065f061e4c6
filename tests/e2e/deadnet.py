# SPDX-License-Identifier: MIT
"""Runs a program in a network of its own in which nothing answers: python deadnet.py DIRECTORY WORD...

Name servers and the managed identity's endpoint take what comes and say nothing, and so does a
server at {BLOCKED} or {SILENT}. Its seconds are the last word of standard error. Needs the
namespaces of `unshare --user --map-root-user --net --mount`.
"""
import fcntl
import os
import pathlib
import socket
import struct
import subprocess
import sys
import time

SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def lo_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def blocked():
    """A listener whose queue is full: SYNs are dropped. Also gives what has to stay open."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = []
    for _ in range(3):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(listener.getsockname())
        waiting.append(s)
    return listener.getsockname()[1], [listener, *waiting]


def main(directory, words):
    lo_up()
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("127.0.0.1", 53))
    resolv = pathlib.Path(directory) / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\n")
    subprocess.run(["mount", "--bind", resolv, "/etc/resolv.conf"], check=True)
    imds, kept = blocked()
    sql, more = blocked()
    silent = socket.create_server(("127.0.0.1", 0))  # takes connections, and nothing else
    env = dict(os.environ, AZURE_POD_IDENTITY_AUTHORITY_HOST=f"http://127.0.0.1:{imds}")
    ports = {"BLOCKED": str(sql), "SILENT": str(silent.getsockname()[1])}
    began = time.monotonic()
    done = subprocess.run([w.format(**ports) for w in words], env=env, check=False)
    print(f"{time.monotonic() - began:.2f}", file=sys.stderr)
    del kept, more
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
