#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A million requests of many random clients through a small pool: nobody gets what is another's, a
new session is new, no commit is lost and none is there that was not made (proxy_checker.c).

    tests/long/proxy_checker.py [REQUESTS] [--clients N] [--pool-size N] [--pool on|off] [--seed N]
                                [--program FILE]

--program names another build of entrasql, whose proxy is checked; the emulator is always the installed one.
"""
import argparse
import contextlib
import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import conftest  # noqa: E402
import proxies  # noqa: E402

DATABASES = ("persons", "orders")
LEDGER = "CREATE TABLE ledger (tag bigint NOT NULL)\nGO\n"
# Who signs in, by which credential; each is a target of its own.
IDENTITIES = {conftest.IDENTITY: "managed-identity", conftest.DEVELOPER: "azure-cli"}
USERS = "".join(f"CREATE USER [{name}] FROM EXTERNAL PROVIDER;\n"
                f"ALTER ROLE db_owner ADD MEMBER [{name}];\nGO\n" for name in IDENTITIES)


def program(name):
    """Built on demand, with what it is linked from."""
    build = conftest.STAGE.parent
    subprocess.run(["ninja", "-C", build, "--quiet", f"tests/long/{name}"], check=True,
                   stdout=subprocess.DEVNULL)
    return build / "tests" / "long" / name


def prepare(programs, emulator, database):
    env = emulator.environment(conftest.ADMIN)
    result = conftest.run([programs.entrasql, "query", "-S", f"localhost,{emulator.port()}", "-d",
                           database, "-i", "/dev/stdin"], env=env, input=LEDGER + USERS)
    if result.returncode != 0:
        raise SystemExit(f"{database}: {result.stdout}{result.stderr}")


@contextlib.contextmanager
def world(programs, directory):
    """An emulator with two databases, each with a ledger and two users."""
    seed = json.loads((ROOT / "examples" / "seed.json").read_text("utf-8"))
    seed["server"]["databases"] = list(DATABASES)
    path = pathlib.Path(directory) / "seed.json"
    path.write_text(json.dumps(seed))
    with conftest.running_emulator(programs, pathlib.Path(directory) / "data", "--seed",
                                   path) as emulator:
        for database in DATABASES:
            prepare(programs, emulator, database)
        yield emulator


def environment(emulator):
    """A developer's machine on which the web app's identity is to be had, too."""
    env = emulator.environment(conftest.DEVELOPER)
    host = emulator.environment(conftest.IDENTITY, conftest.APP_HOST)
    env.update({name: host[name] for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER")})
    return env, host["AZURE_CLIENT_ID"]


def configure(path, emulator, client_id):
    """Two targets that are the same server, for two identities."""
    text = ""
    for number, (name, credential) in enumerate(IDENTITIES.items()):
        text += (f"[identity {number}]\ncredential = {credential}\n"
                 + (f"client-id = {client_id}\n" if credential == "managed-identity" else "")
                 + f"[target {number}]\nserver = localhost,{emulator.port()}\nlisten = 0\n"
                 f"identity = {number}\n")
    path.write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("requests", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--pool", choices=["on", "off"], default="on")
    parser.add_argument("--pool-size", type=int, default=3)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)))
    parser.add_argument("--program", help="another build of entrasql, whose proxy is checked")
    chosen = parser.parse_args()
    programs = conftest.Programs()
    ours = copy.copy(programs)
    if chosen.program:
        ours.entrasql = chosen.program
    print(f"seed {chosen.seed}, {chosen.clients} clients, pool {chosen.pool}", flush=True)
    with tempfile.TemporaryDirectory(prefix="entrasql-checker-") as directory, \
            world(programs, directory) as emulator:
        env, client_id = environment(emulator)
        config = pathlib.Path(directory) / "proxy.ini"
        configure(config, emulator, client_id)
        log = pathlib.Path(directory) / "proxy.log"
        with proxies.running(ours, env, ["--config", str(config)],
                             *proxies.pool_words(ours, chosen.pool, chosen.pool_size),
                             level="warning", log_file=log) as proxy:
            where = [f"{proxy.port(number)}={name}={database}"
                     for number, name in enumerate(IDENTITIES) for database in DATABASES]
            done = subprocess.run([program("proxy_checker"), str(chosen.requests),
                                   str(chosen.clients), str(chosen.seed), *where], check=False)
            code = proxy.stop()
        if done.returncode != 0 or code != 0:
            print(log.read_text()[-4000:])
            print(f"the checker ended with {done.returncode}, the proxy with {code}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
