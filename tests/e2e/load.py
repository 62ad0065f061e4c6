# SPDX-License-Identifier: MIT
"""Many clients at once on one emulator, and what has to hold whatever happens to it.

Used by test_load.py for a few seconds and by tests/long for as long as it takes.
"""
import os
import random
import signal
import threading
import time

from tdswire import Wire

ACCOUNTS = 20
TABLES = """
CREATE TABLE pairs (worker int NOT NULL, n int NOT NULL, half char(1) NOT NULL,
                    CONSTRAINT pk_pairs PRIMARY KEY (worker, n, half))
CREATE TABLE accounts (id int NOT NULL PRIMARY KEY, balance bigint NOT NULL)
"""


class ServerError(Exception):
    """An error of the server; its number first."""

    def __init__(self, line):
        super().__init__(line)
        self.number = int(line.split(" ")[1])


class Client:
    """A session that raises on an error and gives the rows of a batch as lists of texts."""

    def __init__(self, emulator, database="persons"):
        self.wire = Wire(dsn="localhost", port=emulator.sql_port, database=database,
                         cafile=emulator.ca, validate_host=True, appname="load",
                         workstation="load", user=emulator.login, password=emulator.password)

    def run(self, text):
        lines = self.wire.run(text)
        for line in lines:
            if line.startswith("error "):
                raise ServerError(line)
        return [line[1:].split("|") for line in lines if line.startswith("|")]

    def value(self, text):
        return self.run(text)[0][0]

    def close(self):
        self.wire.close()


def refresh(emulator, login, password):
    """What clients need to know of an emulator that has just started."""
    state = emulator.state()
    emulator.sql_port = state["sql_port"]
    emulator.pid = state["pid"]
    emulator.login = login
    emulator.password = password
    if not hasattr(emulator, "ca"):
        emulator.ca = str(emulator.directory / "ca.pem")


def prepare(emulator):
    client = Client(emulator)
    for batch in TABLES.strip().split("\n\n"):
        client.run(batch)
    for account in range(ACCOUNTS):
        client.run(f"INSERT INTO accounts VALUES ({account}, 1000)")
    client.close()


# ---- killing ----

class Writer(threading.Thread):
    """Commits pairs of rows and transfers; `acknowledged` is the last pair that was told done."""

    def __init__(self, emulator, number, first):
        super().__init__(daemon=True)
        self.emulator, self.number = emulator, number
        self.next = first
        self.acknowledged = first - 1
        self.failure = None

    def run(self):
        try:
            client = Client(self.emulator)
            while True:
                self.one(client)
        except ServerError as error:
            if error.number not in (1205, 1222):
                self.failure = error
        except (OSError, EOFError):
            pass  # the server was killed
        except Exception as error:  # what python-tds makes of a broken login
            self.failure = None if is_broken(error) else error

    def one(self, client):
        give, take = random.sample(range(ACCOUNTS), 2)
        number = self.next
        self.next += 1
        client.run(f"BEGIN TRAN INSERT INTO pairs VALUES ({self.number}, {number}, 'a')")
        client.run(f"UPDATE accounts SET balance = balance - 1 WHERE id = {give}")
        client.run(f"UPDATE accounts SET balance = balance + 1 WHERE id = {take}")
        client.run(f"INSERT INTO pairs VALUES ({self.number}, {number}, 'b') COMMIT")
        self.acknowledged = number


def is_broken(error):
    text = f"{type(error).__name__} {error}".lower()
    return any(word in text for word in ("closed", "reset", "eof", "refused", "timeout", "timed out",
                                         "broken", "unexpected"))


def check(emulator, writers):
    """No commit is lost and no transaction is there by half."""
    client = Client(emulator)
    halves = client.run("SELECT worker, n FROM pairs GROUP BY worker, n HAVING COUNT(*) <> 2")
    assert not halves, f"half transactions: {halves[:5]}"
    total = client.value("SELECT SUM(balance) FROM accounts")
    assert total == str(1000 * ACCOUNTS), f"the accounts hold {total}"
    for writer in writers:
        there = client.run(f"SELECT COUNT(DISTINCT n), MAX(n) FROM pairs WHERE worker = "
                           f"{writer.number} AND n BETWEEN {writer.first} AND {writer.next}")[0]
        told = writer.acknowledged - writer.first + 1
        found = int(there[0])
        # The commit that was under way when the server died may be there, too.
        assert told <= found <= told + 1, f"{told} commits were told, {found} are there"
    client.close()


def kill_rounds(emulator, login, password, rounds, clients=8, seconds=(0.2, 1.0), log=print):
    """Kills the emulator under load so many times; returns how many commits were told."""
    commits = 0
    first = [1] * clients
    for round_number in range(1, rounds + 1):
        refresh(emulator, login, password)
        writers = [Writer(emulator, number, first[number]) for number in range(clients)]
        for writer in writers:
            writer.first = writer.next
            writer.start()
        time.sleep(random.uniform(*seconds))
        os.kill(emulator.pid, signal.SIGKILL)
        for writer in writers:
            writer.join(60)
            assert not writer.is_alive(), "a client hangs after the server is gone"
            assert writer.failure is None, writer.failure
        emulator.start()
        refresh(emulator, login, password)
        check(emulator, writers)
        told = sum(writer.acknowledged - writer.first + 1 for writer in writers)
        commits += told
        first = [writer.next for writer in writers]
        log(f"kill {round_number}: {told} commits told, all there")
    return commits


# ---- many clients ----

def crowd(emulator, count, rounds=3):
    """So many clients, half of them in an open transaction with a snapshot of its own, while the
    others write; returns how many rows were written."""
    with_tables = Client(emulator)
    with_tables.run("CREATE TABLE crowd (client int NOT NULL, n int NOT NULL)")
    clients = [None] * count
    failures = []

    def each(work, numbers):
        threads = []

        def guarded(number):
            try:
                work(number)
            except Exception as error:  # told to the test, with the client's number
                failures.append(f"client {number}: {error!r}")

        for number in numbers:
            threads.append(threading.Thread(target=guarded, args=(number,), daemon=True))
            threads[-1].start()
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive(), "a client hangs"
        assert not failures, failures[:5]

    def connect(number):
        clients[number] = Client(emulator)

    def hold(number):
        clients[number].run("SET TRANSACTION ISOLATION LEVEL SNAPSHOT BEGIN TRAN")
        assert clients[number].value("SELECT COUNT(*) FROM crowd") == "0"

    def write(number):
        for n in range(rounds):
            clients[number].run(f"INSERT INTO crowd VALUES ({number}, {n})")

    def look(number):
        assert clients[number].value("SELECT COUNT(*) FROM crowd") == "0", "a snapshot moved"
        assert clients[number].value("SELECT @@TRANCOUNT") == "1"
        clients[number].run("COMMIT")

    holders, writers = range(0, count, 2), range(1, count, 2)
    for batch in range(0, count, 25):
        each(connect, range(batch, min(batch + 25, count)))
    each(hold, holders)
    each(write, writers)
    each(look, holders)
    rows = int(with_tables.value("SELECT COUNT(*) FROM crowd"))
    assert rows == rounds * len(writers), f"{rows} rows of {rounds * len(writers)} are there"
    for client in clients:
        client.close()
    with_tables.run("DROP TABLE crowd")
    with_tables.close()
    return rows


# ---- memory ----

def resident_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


WORK = [
    "SELECT TOP 20 * FROM accounts ORDER BY balance",
    "BEGIN TRAN UPDATE accounts SET balance = balance + 1 WHERE id = 1 "
    "UPDATE accounts SET balance = balance - 1 WHERE id = 2 COMMIT",
    "BEGIN TRAN UPDATE accounts SET balance = 0 ROLLBACK",
    "CREATE TABLE #t (a int, b nvarchar(max)) INSERT #t VALUES (1, REPLICATE(N'x', 4000)) "
    "SELECT LEN(b) FROM #t DROP TABLE #t",
    "DECLARE @t TABLE (a int) INSERT @t SELECT id FROM accounts SELECT COUNT(*) FROM @t",
    "SELECT id, balance FROM accounts FOR JSON PATH",
    "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT SUM(i) FROM n",
    "MERGE accounts AS a USING (VALUES (1), (99)) s (id) ON a.id = s.id WHEN MATCHED THEN "
    "UPDATE SET balance = a.balance;",
    "EXEC sp_executesql N'SELECT @a + 1', N'@a int', 41",
    "SELECT c.name FROM sys.columns c JOIN sys.tables t ON t.object_id = c.object_id",
    "SELECT 1 / 0",
    "SELECT nope FROM accounts",
]


class Worker(threading.Thread):
    """Does a bit of everything, on a new connection now and then, until the time is over."""

    def __init__(self, emulator, end):
        super().__init__(daemon=True)
        self.emulator, self.end = emulator, end
        self.batches = 0
        self.failure = None

    def run(self):
        try:
            while time.monotonic() < self.end:
                client = Client(self.emulator)
                for _ in range(50):
                    if time.monotonic() >= self.end:
                        break
                    self.one(client)
                client.close()
        except Exception as error:  # told to the test
            self.failure = error

    def one(self, client):
        try:
            client.run(random.choice(WORK))
        except ServerError as error:
            if error.number not in (8134, 207, 1205, 1222):
                raise
        self.batches += 1


def soak(emulator, seconds, clients=6, log=print):
    """Load for so long; memory may not grow once everything was done a few times."""
    end = time.monotonic() + seconds
    workers = [Worker(emulator, end) for _ in range(clients)]
    for worker in workers:
        worker.start()
    samples = []
    while time.monotonic() < end:
        time.sleep(min(5.0, max(0.2, seconds / 60)))
        samples.append(resident_kib(emulator.pid))
    for worker in workers:
        worker.join(120)
        assert not worker.is_alive() and worker.failure is None, worker.failure
    third = max(1, len(samples) // 3)
    early = max(samples[third:2 * third] or samples)
    late = max(samples[2 * third:] or samples)
    batches = sum(worker.batches for worker in workers)
    log(f"soak: {batches} batches in {seconds} s, {samples[0]} KiB at first, "
        f"{early} KiB in the middle, {late} KiB at the end")
    assert late <= early * 1.1 + 4096, f"memory grows: {early} KiB, then {late} KiB"
    return batches
