# SPDX-License-Identifier: MIT
"""What the bench measures and what it measures it beside: the server, the relays, the delay between
them; each a process that a context manager ends again. Everything listens on 127.0.0.1."""
import contextlib
import json
import os
import pathlib
import pwd
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import conftest  # noqa: E402
import shim  # noqa: E402

BUILT = ROOT / "build" / "bench" / "proxy"
DESCRIPTORS = 65536
TDS_74 = "7.4"
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, process, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]} does not listen on port {port}")


def family(pid):
    """The process and its descendants."""
    found = [pid]
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                if int(fields[1]) == pid:
                    found += family(int(entry.name))
    return found


class Peer:
    """A process that listens."""

    def __init__(self, name, process, port, log=None):
        self.name, self.process, self.port, self.log = name, process, port, log

    def cpu(self):
        """Seconds of CPU so far."""
        total = 0
        for pid in family(self.process.pid):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def resident(self):
        """Bytes of memory that are the process's own."""
        total = 0
        for pid in family(self.process.pid):
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += sum(int(kb) for kb in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.M))
        return total * 1024


@contextlib.contextmanager
def running(name, command, port=None, env=None, ready=None, log=None, **kwargs):
    """Ends the process at the end. ready: a pattern in its output, whose group is the port."""
    with open(log or os.devnull, "ab") as err:
        process = subprocess.Popen([str(c) for c in command], env=env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE if ready else err, stderr=err, **kwargs)
    try:
        if ready:
            said = b""
            while not (found := re.search(ready, said.decode(), re.M)):
                line = process.stdout.readline()
                if not line:
                    raise RuntimeError(f"{name} ended: {said.decode()} (see {log})")
                said += line
            port = int(found.group(1)) if found.groups() else port
            threading.Thread(target=process.stdout.read, daemon=True).start()
        else:
            wait_for_port(port, process)
        yield Peer(name, process, port, log)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


class World:
    """Certificates, the emulator that gives the tokens, and the server."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.programs = conftest.Programs()
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        self.certificates()
        self.emulator = self.stack.enter_context(
            conftest.running_emulator(self.programs, self.folder / "emulator"))
        self.env = self.emulator.environment(conftest.IDENTITY, conftest.APP_HOST)
        trust = self.folder / "trust.pem"
        trust.write_text(pathlib.Path(self.env["SSL_CERT_FILE"]).read_text()
                         + (self.folder / "ca.pem").read_text())
        self.env["SSL_CERT_FILE"] = str(trust)
        self.token = self.emulator.token(conftest.IDENTITY, conftest.APP_HOST)
        self.server = self.stack.enter_context(
            running("server", [BUILT / "source", self.folder / "s.pem", self.folder / "s.key"],
                    ready=r"^(\d+)$"))
        return self

    def __exit__(self, *why):
        return self.stack.__exit__(*why)

    def certificates(self):
        def openssl(*words, **kwargs):
            subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True,
                           **kwargs)

        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bench",
                "-keyout", "ca.key", "-out", "ca.pem", "-addext", "basicConstraints=critical,CA:true")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "s.key",
                "-out", "s.csr")
        (self.folder / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", "s.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
                "-CAcreateserial", "-extfile", "ext", "-out", "s.pem")
        for name in ("ca.key", "s.key"):
            (self.folder / name).chmod(0o600)

    # The relays: plain on their side, TLS to `port` (None: the server).

    def entrasql(self, pool, port=None, more=(), encrypt="strict"):
        """pool: the words that switch it on or off."""
        target = f"localhost,{port or self.server.port}/bench?encrypt={encrypt}&listen=0"
        return running("entrasql", [self.programs.entrasql, "--log-level", "warning", "proxy", target,
                                    "--max-clients", "30000", *pool, *more],
                       env=self.env, ready=r"^127\.0\.0\.1:(\d+) ->[^$]*^ready",
                       log=self.folder / "entrasql.log", preexec_fn=raise_limit)

    def haproxy(self, bufsize=None, port=None):
        own = free_port()
        path = self.folder / f"haproxy-{bufsize}.cfg"
        path.write_text(
            "global\n"
            + (f" tune.bufsize {bufsize}\n" if bufsize else "")
            + "defaults\n mode tcp\n timeout connect 10s\n timeout client 10m\n timeout server 10m\n"
            f"listen tds\n bind 127.0.0.1:{own}\n"
            f" server s 127.0.0.1:{port or self.server.port} ssl verify required "
            f"verifyhost localhost sni str(localhost) alpn tds/8.0 ca-file {self.folder}/ca.pem\n")
        name = f"HAProxy, {bufsize // 1024} kB" if bufsize else "HAProxy"
        return running(name, ["haproxy", "-db", "-q", "-f", path], own, preexec_fn=raise_limit,
                       log=self.folder / "haproxy.log")

    def stunnel(self, port=None):
        own = free_port()
        path = self.folder / "stunnel.conf"
        path.write_text(f"foreground = yes\npid =\n[tds]\nclient = yes\naccept = 127.0.0.1:{own}\n"
                        f"connect = 127.0.0.1:{port or self.server.port}\nverifyChain = yes\n"
                        f"CAfile = {self.folder}/ca.pem\ncheckHost = localhost\nsni = localhost\n")
        return running("stunnel", ["stunnel4", path], own, preexec_fn=raise_limit,
                       log=self.folder / "stunnel.log")

    @contextlib.contextmanager
    def pgbouncer(self):
        """In front of a PostgreSQL of its own; neither runs as root."""
        base = pathlib.Path("/var/tmp") / f"entrasql-bench-{os.getpid()}"
        base.mkdir(mode=0o755)
        who = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        if who:
            os.chown(base, who.pw_uid, who.pw_gid)
        as_user = {"user": "postgres", "group": "postgres", "extra_groups": []} if who else {}
        tools = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        try:
            subprocess.run([tools / "initdb", "-D", base / "data", "-A", "trust", "-U", "bench"],
                           check=True, capture_output=True, cwd=base, **as_user)
            behind, own = free_port(), free_port()
            (base / "users").write_text('"bench" ""\n')
            (base / "ini").write_text(
                f"[databases]\nbench = host=127.0.0.1 port={behind} dbname=postgres user=bench\n"
                f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {own}\nunix_socket_dir =\n"
                f"auth_type = trust\nauth_file = {base}/users\nmax_client_conn = 12000\n"
                "pool_mode = session\ndefault_pool_size = 5\n")
            with running("postgres", [tools / "postgres", "-D", base / "data", "-p", behind, "-h",
                                      "127.0.0.1", "-k", base], behind, cwd=base, **as_user), \
                    running("PgBouncer", ["pgbouncer", base / "ini"], own, preexec_fn=raise_limit,
                            cwd=base, **as_user) as peer:
                yield peer
        finally:
            shutil.rmtree(base, ignore_errors=True)

    @contextlib.contextmanager
    def delayed(self, milliseconds):
        """A port that is the server with so much added to each round trip."""
        with shim.Shim(self.server.port, shim.Delay(milliseconds / 2000)) as s:
            yield s.port

    # The clients.

    def client(self, port, *words, direct=False, stdin=None):
        env = dict(os.environ, WIRE_PACKET="8000")
        if direct:
            env.update(WIRE_CA=str(self.folder / "ca.pem"), WIRE_TOKEN=self.token)
        if direct == TDS_74:
            env["WIRE_74"] = "1"
        return subprocess.Popen([str(BUILT / "load"), str(port), *map(str, words)], env=env,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def measure(self, port, *words, direct=False):
        process = self.client(port, *words, direct=direct)
        out, err = process.communicate(timeout=300)
        if process.returncode != 0:
            raise RuntimeError(f"load {words}: {err}")
        return json.loads(out)

    @contextlib.contextmanager
    def idle(self, port, *words):
        """Clients that do nothing while the block runs."""
        process = self.client(port, *words)
        try:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"load {words}: {process.stderr.read()}")
            yield json.loads(line)["ready"]
        finally:
            process.stdin.close()
            process.wait(timeout=120)


def raise_limit():
    """As many descriptors as this machine lets the process have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for wanted in (DESCRIPTORS, hard):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
            return


def sessions_max():
    """Sessions that a relay can have, with two descriptors each."""
    return (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200) // 2
