"""Ratios, and the tables they are printed in (Markdown, so that they can be pasted)."""
from dataclasses import dataclass
from statistics import median

from .workloads import WORKLOADS

NONE = "–"


@dataclass(frozen=True)
class Ratio:
    median: float
    lowest: float
    highest: float


def names_of(measured):
    """The servers, in the order in which they were asked for, that were measured at least once."""
    return [name for name in measured["servers"] if any(name in round_ for round_ in measured["rounds"])]


def figures(measured, name, workload, key):
    """A server's figure in each round that it was measured in."""
    return [round_[name]["workloads"][workload][key] for round_ in measured["rounds"] if name in round_]


def ratio(measured, name, workload):
    """A server's rate by the baseline's of the same round; None where the two share no round."""
    def rate(round_, server):
        return round_[server]["workloads"][workload]["rate"]

    baseline = measured["baseline"]
    shared = [round_ for round_ in measured["rounds"] if name in round_ and baseline in round_ and rate(round_, baseline) > 0]
    ratios = [rate(round_, name) / rate(round_, baseline) for round_ in shared]
    return Ratio(median(ratios), min(ratios), max(ratios)) if ratios else None


def workload_tables(mode_name, measured):
    if not names_of(measured):
        return f"## {mode_name}: nothing was measured"
    parts = [
        f"## {mode_name}: {measured['meaning']}",
        f"Rate by that of {measured['baseline']} in the same round: median (lowest to highest), rounds: {len(measured['rounds'])}",
        ratio_table(measured),
        "Median rate",
        figure_table(measured, "rate", lambda w: f"{w} {WORKLOADS[w].unit}", "{:,.0f}"),
        "Median of the 99th percentile of the time a message takes (churn: a whole connection), µs",
        figure_table(measured, "p99_us", str, "{:,.0f}"),
        "Median of the CPUs that the server kept busy",
        figure_table(measured, "cpus", str, "{:.2f}"),
        others_line(measured),
    ]
    return "\n\n".join(parts)


def ratio_table(measured):
    workloads = measured["workloads"]
    rows = [["server", *workloads, "RSS MiB", "errors", "mismatches"]]
    for name in names_of(measured):
        ratios = [ratio_text(ratio(measured, name, workload)) for workload in workloads]
        rows.append([name, *ratios, rss_text(measured, name), total(measured, name, "errors"), total(measured, name, "mismatches")])
    return table(rows)


def ratio_text(value):
    if value is None:
        return NONE
    if value.lowest == value.highest:
        return f"{value.median:.2f}"
    return f"{value.median:.2f} ({value.lowest:.2f}–{value.highest:.2f})"


def rss_text(measured, name):
    sizes = [round_[name]["rss_bytes"] for round_ in measured["rounds"] if name in round_]
    return f"{median(sizes) / 2**20:,.0f}"


def total(measured, name, key):
    return str(sum(sum(figures(measured, name, workload, key)) for workload in measured["workloads"]))


def figure_table(measured, key, heading, form):
    workloads = measured["workloads"]
    rows = [["server", *map(heading, workloads)]]
    for name in names_of(measured):
        rows.append([name, *(form.format(median(figures(measured, name, workload, key))) for workload in workloads)])
    return table(rows)


def others_line(measured):
    """How far the machine was used by others: the more, the less the figures mean."""
    all_cpus = [cpus for name in names_of(measured) for workload in measured["workloads"] for cpus in figures(measured, name, workload, "others_cpus")]
    return f"CPUs that other programs kept busy meanwhile: median {median(all_cpus):.2f}, at most {max(all_cpus):.2f}"


def start_up_table(times):
    rows = [["server", "median ms", "lowest", "highest"]]
    for name, all_ms in times.items():
        if all_ms:
            rows.append([name, *(f"{f(all_ms):,.0f}" for f in (median, min, max))])
    return f"## Start-up: from the process's start to the first echoed byte\n\n{table(rows)}"


def idle_table(results):
    rows = [["server", "connections", "RSS MiB before", "after", "bytes a connection", "CPUs while idle", "errors", "mismatches"]]
    for name, result in results.items():
        sizes = [f"{result[key] / 2**20:,.0f}" for key in ("rss_before", "rss_after")]
        rows.append([
            name, f"{result['connections']:,}", *sizes, f"{result['bytes_a_connection']:,.0f}",
            f"{result['cpus']:.3f}", str(result["errors"]), str(result["mismatches"])])
    return f"## Idle connections, each of which has echoed once\n\n{table(rows)}"


def clients_table(results):
    """Each client's rate by the first one's of the same round, against the same server."""
    workloads, rounds = results["workloads"], results["rounds"]
    first, *_ = names = list(rounds[0])
    rows = [["client", *(f"{w} {WORKLOADS[w].unit}" for w in workloads), *workloads]]
    for name in names:
        rates = {w: [round_[name][w]["rate"] for round_ in rounds] for w in workloads}
        ratios = {w: [round_[name][w]["rate"] / round_[first][w]["rate"] for round_ in rounds] for w in workloads}
        rows.append([name, *(f"{median(rates[w]):,.0f}" for w in workloads), *(ratio_text(Ratio(median(ratios[w]), min(ratios[w]), max(ratios[w]))) for w in workloads)])
    return f"## Clients: {results['server']} driven by each, {results['meaning']}\n\n{table(rows)}"


def problems(results):
    """A line for all that went wrong."""
    lines = []
    for mode, measured in results["modes"].items():
        for name in measured["servers"]:
            missing = sum(name not in round_ for round_ in measured["rounds"])
            if missing:
                lines.append(f"{mode}: {name} failed in {missing} of {len(measured['rounds'])} rounds")
            for key in ("errors", "mismatches"):
                if total(measured, name, key) != "0":
                    lines.append(f"{mode}: {name} had {total(measured, name, key)} {key}")
    for name, times in results.get("startup_ms", {}).items():
        if not times:
            lines.append(f"start-up: {name} failed")
    for name, result in results.get("idle", {}).items():
        for key in ("errors", "mismatches"):
            if result[key]:
                lines.append(f"idle: {name} had {result[key]} {key}")
    for round_ in results.get("clients", {}).get("rounds", []):
        for name, figures_ in round_.items():
            bad = sum(figure[key] for figure in figures_.values() for key in ("errors", "mismatches"))
            if bad:
                lines.append(f"clients: {name} had {bad} errors and mismatches")
    return lines


def table(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    return "\n".join(line(row, widths) for row in [rows[0], rule, *rows[1:]])


def line(row, widths):
    first = row[0].ljust(widths[0])
    return "| " + " | ".join([first, *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]) + " |"
