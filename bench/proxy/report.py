# SPDX-License-Identifier: MIT
"""The figures as tables with what is asked of them, and as a plot; both into docs."""
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOC = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "performance-proxy.svg"
BEGIN, END = "<!-- bench/proxy: begin -->", "<!-- bench/proxy: end -->"
DIRECT = "direct, TDS 7.4"
OURS, PLAIN, LARGE = "entrasql proxy", "HAProxy", "HAProxy, tune.bufsize 262144"


def verdict(is_good):
    return "yes" if is_good else "**no**"


def throughput(found):
    lines = ["A large result set through one connection, plain on the client's side, TLS 1.3 on the "
             "server's; packets of 8000 bytes:", "",
             "| relay | MB/s | CPU seconds a GB |", "|---|---|---|"]
    for name, row in found.items():
        cpu = "–" if row["cpu"] is None else f"{row['cpu']:.2f}"
        lines.append(f"| {name} | {row['mb']:.0f} | {cpu} |")
    ours, plain, large = found[OURS], found[PLAIN], found[LARGE]
    checks = [("throughput beside HAProxy's", ours["mb"] / plain["mb"], 1.2, True),
              ("throughput beside HAProxy's with 256 kB", ours["mb"] / large["mb"], 1.0, True),
              ("CPU beside HAProxy's", ours["cpu"] / plain["cpu"], 0.75, False),
              ("CPU beside HAProxy's with 256 kB", ours["cpu"] / large["cpu"], 1.0, False)]
    lines += ["", "| | times | asked for | met |", "|---|---|---|---|"]
    for name, value, wanted, at_least in checks:
        good = value >= wanted if at_least else value <= wanted
        lines.append(f"| {name} | {value:.2f} | {'at least' if at_least else 'at most'} {wanted} | "
                     f"{verdict(good)} |")
    return lines


def round_trips(found):
    direct = found["direct TLS"]
    lines = ["`SELECT 1` on one connection, microseconds; \"more\" is over the direct connection:", "",
             "| way | median | more | p99 | more |", "|---|---|---|---|---|"]
    for name, row in found.items():
        lines.append(f"| {name} | {row['median']:.1f} | {row['median'] - direct['median']:+.1f} | "
                     f"{row['p99']:.1f} | {row['p99'] - direct['p99']:+.1f} |")
    return lines


def connects(found):
    lines = ["Connect, `SELECT 1`, close, one after another, a second. Direct ones bring a token that they have "
             "already; TDS 7.4 is what drivers do unless told otherwise, and what the proxy does here:", "",
             "| way | " + " | ".join(found) + " |", "|---|" + "---|" * len(found)]
    ways = list(dict.fromkeys(way for row in found.values() for way in row))
    for way in ways:
        lines.append(f"| {way} | "
                     + " | ".join(f"{row[way]:.0f}" if row[way] >= 20 else f"{row[way]:.1f}"
                                  for row in found.values()) + " |")
    pooled = "proxy, pool on"
    if pooled in ways:
        for place, wanted in (("loopback", 10), ("20 ms", 5)):
            ratio = found[place][pooled] / found[place][DIRECT]
            lines.append(f"\nPooled beside direct, {place}: {ratio:.1f} times (asked for: at least "
                         f"{wanted}; met: {verdict(ratio >= wanted)}).")
    return lines


LIMITS = {"entrasql: idle client": 2048, "entrasql: idle TLS server connection": 24 * 1024,
          "entrasql: active session": 48 * 1024}


def memory(found):
    counts = sorted({count for row in found.values() for count in row})
    lines = ["Resident memory that is the process's own, bytes each, at so many clients:", "",
             "| what | " + " | ".join(f"{count:,}" for count in counts) + " | asked for | met |",
             "|---|" + "---|" * (len(counts) + 2)]
    for name, row in found.items():
        limit = LIMITS.get(name)
        worst = max(row[count] for count in counts[1:] or counts)
        lines.append(f"| {name} | " + " | ".join(f"{row[count]:,.0f}" for count in counts)
                     + (f" | at most {limit:,} | {verdict(worst <= limit)} |" if limit else " | – | – |"))
    lines += ["", "Ten clients share what any first client costs, so \"met\" looks at the larger numbers."]
    return lines


def latency(found):
    counts = list(found)
    lines = ["`SELECT 1` of one client while others are logged in and idle, microseconds:", "",
             "| | " + " | ".join(f"{count:,} idle" for count in counts) + " |",
             "|---|" + "---|" * len(counts)]
    for key in ("median", "p99"):
        lines.append(f"| {key} | " + " | ".join(f"{found[c][key]:.1f}" for c in counts) + " |")
    return lines


TABLES = {"a": throughput, "b": round_trips, "c": connects, "d": memory, "e": latency}


def table(part, results):
    return TABLES[part](results[part])


def plot(results):
    """Three pictures in one: throughput, its CPU, and latency by idle clients."""
    with tempfile.TemporaryDirectory() as folder:
        bars = pathlib.Path(folder) / "bars"
        line = pathlib.Path(folder) / "line"
        short = {OURS: "entrasql", LARGE: "HAProxy 256k", "direct TLS": "direct"}
        bars.write_text("".join(f'"{short.get(name, name)}" {row["mb"]:.1f} {row["cpu"] or 0:.3f}\n'
                                for name, row in results["a"].items()))
        line.write_text("".join(f"{count} {row['median']:.2f} {row['p99']:.2f}\n"
                                for count, row in results["e"].items()))
        script = f"""
set terminal svg size 1200,380 font "sans,12" background "white"
set output "{PLOT}"
set multiplot layout 1,3
set style fill solid 0.8 border -1
set boxwidth 0.7
set yrange [0:*]
set xtics rotate by -25
set grid ytics
unset key
set title "large result set, MB/s"
plot "{bars}" using 0:2:xtic(1) with boxes lc rgb "#3465a4"
set title "CPU seconds a GB"
plot "{bars}" every ::1 using 0:3:xtic(1) with boxes lc rgb "#cc7000"
set title "round trip, microseconds, by idle clients"
set logscale x
set xtics norotate auto
set key top left
plot "{line}" using 1:2 with linespoints lw 2 title "median", \\
     "{line}" using 1:3 with linespoints lw 2 title "p99"
unset multiplot
"""
        subprocess.run(["gnuplot"], input=script, text=True, check=True)


def write(results):
    """All parts, or the document keeps what it has."""
    missing = [part for part in TABLES if part not in results]
    if missing:
        raise SystemExit(f"--write needs all parts; {', '.join(missing)} was left out")
    plot(results)
    lines = [""]
    for part in TABLES:
        lines += table(part, results) + [""]
    lines += [f"![Throughput, CPU and latency]({PLOT.name})", "",
              f"Medians, round trips the best of their rounds; {results['machine']}.", ""]
    doc = DOC.read_text("utf-8")
    head, rest = doc.split(BEGIN)
    DOC.write_text(head + BEGIN + "\n".join(lines) + END + rest.split(END)[1], "utf-8")
