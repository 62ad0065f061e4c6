# SPDX-License-Identifier: MIT
"""operations.toml and offered.toml, read and checked against each other."""
import copy
import fnmatch
import pathlib
import tomllib

HERE = pathlib.Path(__file__).resolve().parents[1]


class Driver:
    def __init__(self, name, entry, operations):
        self.name = name
        self.title = entry["title"]
        self.versions = entry["versions"]
        self.needs = entry.get("needs", [])
        self.program = entry.get("program")
        self.environment = entry.get("env", {})
        self.unavailable = entry.get("unavailable")
        self.database = name.replace("-", "")
        self.not_offered = {}
        without = entry.get("without-groups", {})
        for op, (group, _) in operations.items():
            if group in without:
                self.not_offered[op] = without[group]
        for pattern, source in entry.get("not-offered", {}).items():
            hits = fnmatch.filter(operations, pattern)
            if not hits:
                raise SystemExit(f"offered.toml: {name}: {pattern!r} names no operation")
            self.not_offered.update({op: source for op in hits})
        self.system_store = self.named(entry.get("system-store", []), operations)
        self.known = entry.get("known-failures", {})
        self.named(self.known, operations)

    def named(self, names, operations):
        for op in names:
            if op not in operations or op in self.not_offered:
                raise SystemExit(f"offered.toml: {self.name}: {op!r} is not an offered operation")
        return list(names)

    def through_proxy(self, operations, not_applicable, known):
        """The same driver with the proxy in between: what does not apply then is not offered."""
        for pattern, why in not_applicable.items():
            for op in fnmatch.filter(operations, pattern):
                self.not_offered[op] = why
        self.known = {op: why for op, why in {**self.known, **known}.items()
                      if op not in self.not_offered}
        self.system_store = [op for op in self.system_store if op not in self.not_offered]

    def offered(self, operations):
        return [op for op in operations if op not in self.not_offered]


def read_operations():
    """{operation: (group, title)} in order."""
    groups = tomllib.loads((HERE / "operations.toml").read_text("utf-8"))
    return {op: (group, title) for group, list_ in groups.items() for op, title in list_.items()}


def read_drivers(operations):
    entries = tomllib.loads((HERE / "offered.toml").read_text("utf-8"))
    return [Driver(name, entry, operations) for name, entry in entries.items()]


def read_through_proxy(drivers, operations):
    """What through_proxy.toml says; changes operations' titles to those with the proxy in between."""
    table = tomllib.loads((HERE / "through_proxy.toml").read_text("utf-8"))
    for op, title in table["titles"].items():
        operations[op] = (operations[op][0], title)
    known = table.get("known-failures", {})
    strangers = set(known) - {driver.name for driver in drivers}
    strangers |= {op for ops in known.values() for op in ops} - set(operations)
    if strangers:
        raise SystemExit(f"through_proxy.toml: no such driver or operation: "
                         f"{', '.join(sorted(strangers))}")
    return table


def put_proxy_between(drivers, operations, table, way):
    """The drivers as they are that way through the proxy."""
    not_applicable = {**table["not-applicable"],
                      **({} if way.tls else table["not-applicable-in-clear"])}
    between = copy.deepcopy(drivers)
    for driver in between:
        driver.through_proxy(operations, not_applicable,
                             table.get("known-failures", {}).get(driver.name, {}))
    return between
