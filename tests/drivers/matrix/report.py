# SPDX-License-Identifier: MIT
"""The table for people, the results for programs, the reports for CI."""
import json
import xml.etree.ElementTree as ElementTree

from matrix.execute import FAILS, NOT_OFFERED, OK, SKIPPED
from matrix.ways import WAYS

MARKS = {OK: "ok", FAILS: "**fails**", SKIPPED: "skipped", NOT_OFFERED: "–"}

HEAD = """# Drivers and what they can do on the emulator

Written by `tests/drivers/run`; every cell was run. `ok`: it did what [the list of
operations](../tests/drivers/operations.toml) asks for. `–`: the driver does not offer it
([where that is said](../tests/drivers/offered.toml)). Every login has certificate verification on.

Several open results on one connection (MARS) are no column, since most of these drivers cannot ask for them: Microsoft's
ODBC driver, alone and under entrasql's, and python-tds have a test of their own, on the emulator and through the proxy
([test_mars.py](../tests/e2e/test_mars.py)).

"""


def short(text):
    return " ".join(text.replace("|", "\\|").split())


def version_text(pairs):
    return ", ".join(f"{name} {version}" for name, version in pairs)


def counts(results):
    states = [cell.state for cells in results.values() for cell in cells.values()]
    return {state: states.count(state) for state in (OK, FAILS, SKIPPED, NOT_OFFERED)}


THROUGH_HEAD = """# Drivers through the auth proxy

Written by `tests/drivers/run --through proxy,proxy-nopool,proxy-tls`. Every cell was run three ways through
`entrasql proxy`: with its pool, with `--pool off`, and with its pool and `--tls required`, where each driver verifies
the certificate that `proxy init-tls` made; the first two are without encryption. Where the ways differ the cell says
`pooled / not pooled / TLS`. The drivers log in with a name and a password that mean nothing; the proxy signs in to the
emulator. The operations are those of [the drivers' own table](drivers.md)
([list](../tests/drivers/operations.toml)). `–`: not offered by the driver, or it does not apply with the proxy in
between ([why](../tests/drivers/through_proxy.toml)). A cell that fails here fails without the proxy, too (the driver's
own fault), or the run is red.

What TLS changes for a driver is what it has to be told to trust `ca.pem` (`entrasql proxy init-tls` prints it for each),
and one thing that surprises: with Microsoft's ODBC driver 18 `Encrypt=no` does not mean "no TLS". It leaves the choice to
the server, and `--tls required` or `optional` then choose TLS, whose certificate the driver verifies as
`TrustServerCertificate=no`, its default, says. So with either value of `Encrypt` it fails with `certificate verify
failed: unable to get local issuer certificate` until the CA is trusted (the machine's store, or `SSL_CERT_FILE`), and with
`subject name does not match host name` for `Server=tcp:127.0.0.1`, since it compares names only: write
`Server=tcp:localhost`, or add `HostNameInCertificate=localhost`. With `--tls login` a driver that says `Encrypt=no`
encrypts its login alone and verifies nothing.

"""


def merged(drivers, by_way):
    """One table of results out of several, with cells that say where they differ."""
    table = {}
    for driver in drivers:
        row = table[driver.name] = {}
        for op in next(iter(by_way.values()))[driver.name]:
            cells = [results[driver.name][op] for results in by_way.values()]
            cells = [cell for cell in cells if cell.state != NOT_OFFERED] or cells[:1]
            row[op] = next((cell for cell in cells if cell.state == FAILS), cells[0])
            marks = [MARKS[cell.state] for cell in cells]
            row[op].mark = marks[0] if len(set(marks)) == 1 else " / ".join(marks)
    return table


def versions_table(drivers, versions, by_way):
    """A row a driver, with a column for each way through the proxy."""
    titles = [WAYS[way].title for way in by_way]
    lines = ["| " + " | ".join(["driver", "version", *titles]) + " |", "|---" * (2 + len(titles)) + "|"]
    for driver in drivers:
        states = [[cell.state for cell in results[driver.name].values()]
                  for results in by_way.values()]
        shares = [f"{way.count(OK)} of {len(way) - way.count(NOT_OFFERED)}" for way in states]
        lines.append("| " + " | ".join([driver.title, version_text(versions[driver.name]), *shares])
                     + " |")
    return lines


def matrix_table(drivers, operations, results):
    groups = list(dict.fromkeys(group for group, _ in operations.values()))
    lines = []
    for group in groups:
        ops = [op for op, (its, _) in operations.items() if its == group
               and any(results[driver.name][op].state != NOT_OFFERED for driver in drivers)]
        shown = [driver for driver in drivers
                 if any(results[driver.name][op].state != NOT_OFFERED for op in ops)]
        lines += [f"\n## {group.capitalize()}\n",
                  "| driver | " + " | ".join(f"`{op}`" for op in ops) + " |",
                  "|---|" + "---|" * len(ops)]
        for driver in shown:
            cells = (getattr(cell, "mark", MARKS[cell.state])
                     for cell in (results[driver.name][op] for op in ops))
            lines.append(f"| {driver.title} | " + " | ".join(cells) + " |")
        lines.append("")
        lines += [f"- `{op}`: {operations[op][1]}" for op in ops]
    return lines


def reasons(drivers, results, state):
    lines = []
    for driver in drivers:
        for op, cell in results[driver.name].items():
            if cell.state == state:
                lines.append(f"| {driver.title} | `{op}` | {short(cell.reason)} |")
    return lines


def write_markdown(path, drivers, absent, operations, results, versions, head=HEAD,
                   by_way=None):
    total = counts(results)
    offered = total[OK] + total[FAILS] + total[SKIPPED]
    lines = [head, f"{total[OK]} of {offered} offered cells are ok"
             f" ({100 * total[OK] / max(offered, 1):.1f} %).\n"]
    lines += versions_table(drivers, versions, by_way or {})
    lines += matrix_table(drivers, operations, results)
    for state, title in ((FAILS, "Cells that fail"), (SKIPPED, "Cells that were skipped")):
        rows = reasons(drivers, results, state)
        if rows:
            lines += [f"\n## {title}\n", "| driver | operation | reason |", "|---|---|---|", *rows]
    if absent:
        lines += ["\n## Drivers that could not be had\n"]
        lines += [f"- {driver.title}: {driver.unavailable}" for driver in absent]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def write_json(path, drivers, operations, results, versions):
    path.write_text(json.dumps({
        "operations": {op: {"group": group, "title": title}
                       for op, (group, title) in operations.items()},
        "drivers": [{
            "name": driver.name,
            "title": driver.title,
            "versions": dict(versions[driver.name]),
            "cells": {op: {"state": cell.state, **({"reason": cell.reason} if cell.reason else {})}
                      for op, cell in results[driver.name].items()},
        } for driver in drivers],
    }, indent=1) + "\n", "utf-8")


def write_junit(path, drivers, results, way=None):
    """A cell a test. A failure that offered.toml foretells is named as such and is no red test."""
    root = ElementTree.Element("testsuites")
    for driver in drivers:
        name = f"drivers/{way}/{driver.name}" if way else f"drivers/{driver.name}"
        suite = ElementTree.SubElement(root, "testsuite", name=name)
        for op, cell in results[driver.name].items():
            if cell.state == NOT_OFFERED:
                continue
            case = ElementTree.SubElement(suite, "testcase", name=op,
                                          classname=name)
            known = driver.known.get(op)
            if cell.state == SKIPPED:
                ElementTree.SubElement(case, "skipped", message=cell.reason)
            elif cell.state == FAILS and known:
                ElementTree.SubElement(case, "skipped", message=f"known to fail: {known}")
            elif cell.state == FAILS:
                ElementTree.SubElement(case, "failure", message=cell.reason)
    ElementTree.ElementTree(root).write(path, "utf-8", xml_declaration=True)
