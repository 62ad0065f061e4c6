# SPDX-License-Identifier: MIT
"""A running auth proxy for tests, checkers and benches, with its pool on or off."""
import contextlib
import os
import pathlib
import re
import resource
import signal
import subprocess
import threading
import time

OFF, ON = "off", "on"


def has_pool(programs):
    said = subprocess.run([programs.entrasql, "proxy", "--help"], capture_output=True, text=True,
                          check=True).stdout
    return "--pool " in said


def pool_words(programs, mode, size=None):
    """The options that switch the pool; none where the program has no pool and need not be told."""
    if not has_pool(programs):
        if mode == ON:
            raise RuntimeError("this program's proxy has no pool")
        return []
    return ["--pool", mode, *(["--pool-size", str(size)] if size and mode == ON else [])]


class Proxy:
    """port(i) is where its i-th target listens; `log` holds the lines of its log. descriptors: how many
    the process may have."""

    def __init__(self, programs, env, targets, *options, level="info", log_file=None,
                 descriptors=None):
        self.log = []
        self.said = ""
        self._log_file = log_file
        self.process = subprocess.Popen(
            [programs.entrasql, "--log-level", level, "proxy", *targets, *map(str, options)],
            env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, preexec_fn=descriptors and (lambda: resource.setrlimit(
                resource.RLIMIT_NOFILE, (descriptors, descriptors))))
        self.pid = self.process.pid
        for line in self.process.stdout:
            self.said += line
            if line.startswith("ready"):
                break
        else:
            self.process.wait(timeout=30)
            raise RuntimeError(self.said + self.process.stderr.read())
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def _read_log(self):
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(open(self._log_file, "w")) if self._log_file else None
            for line in self.process.stderr:
                if file:
                    file.write(line)
                else:
                    self.log.append(line)

    def port(self, i=0):
        return int(re.findall(r"^[^ ]+:(\d+) ->", self.said, re.M)[i])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident(self):
        """Bytes of memory that are the process's own."""
        text = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return 1024 * sum(int(kb) for kb in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.M))

    def is_alive(self):
        return self.process.poll() is None

    def stop(self, number=signal.SIGTERM, timeout=60):
        """Its exit code; `log` is complete then."""
        self.process.send_signal(number)
        code = self.process.wait(timeout=timeout)
        self.reader.join(timeout)
        return code


    def end(self):
        """It ends well, with whom it still serves cut off; a sanitizer tells then what was left."""
        late = time.monotonic() + 120
        while self.is_alive():
            assert time.monotonic() < late, "the proxy does not end"
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=0.2)
        self.reader.join(timeout=30)
        assert self.process.returncode == 0, \
            f"the proxy ended with {self.process.returncode}: {''.join(self.log[-80:])}"


@contextlib.contextmanager
def running(programs, env, targets, *options, **kwargs):
    """A proxy that ended badly, by itself or at the end, is a failure."""
    proxy = Proxy(programs, env, targets, *options, **kwargs)
    try:
        yield proxy
    except Exception:
        if not proxy.is_alive():
            proxy.end()  # why, rather than what came of it
        raise
    else:
        proxy.end()
    finally:
        proxy.process.kill()
        proxy.process.wait(timeout=30)
