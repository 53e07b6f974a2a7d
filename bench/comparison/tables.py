"""The tables in which results are printed (Markdown, so that they can be pasted)."""
from statistics import median

from .figures import figures, names_of, ratio, ratio_of, total
from .workloads import TLS_WORKLOADS, WORKLOADS

NONE = "–"
ALL_WORKLOADS = {**WORKLOADS, **TLS_WORKLOADS}
REFERENCE = "stock Kestrel"  # start-up is compared with it: C has no runtime to start


def workload_tables(mode_name, measured):
    if not names_of(measured):
        return f"## {mode_name}: nothing was measured"
    parts = [
        f"## {mode_name}: {measured['meaning']}",
        *([measured["note"]] if "note" in measured else []),
        f"Rate by that of {measured['baseline']} in the same round: median (lowest to highest), rounds: {len(measured['rounds'])}",
        ratio_table(measured),
        "Median rate",
        figure_table(measured, "rate", lambda w: f"{w} {ALL_WORKLOADS[w].unit}", "{:,.0f}"),
        *cpu_tables(measured),
        "Median of the 99th percentile of the time a message takes (churn: a whole connection), µs",
        figure_table(measured, "p99_us", str, "{:,.0f}"),
        *resumed_tables(measured),
        "Median of the CPUs that the server kept busy",
        figure_table(measured, "cpus", str, "{:.2f}"),
        others_line(measured),
    ]
    return "\n\n".join(parts)


def cpu_tables(measured):
    """What a message costs the server."""
    if not any(figures(measured, name, workload, "cpu_us") for name in names_of(measured) for workload in measured["workloads"]):
        return ["CPU time a message: these results are of an earlier version, which did not measure it"]
    return [
        "Median of the server's CPU time",
        figure_table(measured, "cpu_us", lambda w: f"{w} µs/{ALL_WORKLOADS[w].cost}", "{:,.2f}"),
        f"The same by that of {measured['baseline']} in the same round: median (lowest to highest); lower is better",
        table([["server", *measured["workloads"]], *([name, *ratios(measured, name, "cpu_us")] for name in names_of(measured))]),
    ]


def resumed_tables(measured):
    """How many handshakes resumed a session: what was measured is resumption only where nearly all did."""
    workloads = [w for w in measured["workloads"] if any(figures(measured, name, w, "resumed_share") for name in names_of(measured))]
    if not workloads:
        return []
    return [
        "Share of the handshakes that resumed a session (a thread's first can't)",
        figure_table({**measured, "workloads": workloads}, "resumed_share", str, "{:.2%}"),
    ]


def ratio_table(measured):
    workloads = measured["workloads"]
    rows = [["server", *workloads, "RSS MiB", "errors", "mismatches"]]
    for name in names_of(measured):
        counts = [str(total(measured, name, key)) for key in ("errors", "mismatches")]
        rows.append([name, *ratios(measured, name, "rate"), rss_text(measured, name), *counts])
    return table(rows)


def ratios(measured, name, key):
    return [ratio_text(ratio(measured, name, workload, key)) for workload in measured["workloads"]]


def ratio_text(value):
    if value is None:
        return NONE
    if value.lowest == value.highest:
        return f"{value.median:.2f}"
    return f"{value.median:.2f} ({value.lowest:.2f}–{value.highest:.2f})"


def rss_text(measured, name):
    sizes = [round_[name]["rss_bytes"] for round_ in measured["rounds"] if name in round_]
    return f"{median(sizes) / 2**20:,.0f}"


def figure_table(measured, key, heading, form):
    workloads = measured["workloads"]
    rows = [["server", *map(heading, workloads)]]
    for name in names_of(measured):
        rows.append([name, *(median_text(figures(measured, name, workload, key), form) for workload in workloads)])
    return table(rows)


def median_text(values, form):
    return form.format(median(values)) if values else NONE


def others_line(measured):
    """How far the machine was used by others: the more, the less the figures mean."""
    all_cpus = [cpus for name in names_of(measured) for workload in measured["workloads"] for cpus in figures(measured, name, workload, "others_cpus")]
    return f"CPUs that other programs kept busy meanwhile: median {median(all_cpus):.2f}, at most {max(all_cpus):.2f}"


def start_up_table(starts_by_name):
    rows = [["server", "first echo ms", "lowest", "highest", f"by {REFERENCE}'s", "2nd message, by later", "later µs", "RSS MiB", "--version ms"]]
    reference = column(starts_by_name.get(REFERENCE, []), "first_echo_ms")
    for name, starts in starts_by_name.items():
        if starts:
            rows.append([name, *start_up_cells(starts, reference)])
    late = column([start for starts in starts_by_name.values() for start in starts], "late_ms")
    resolution = "measured by an earlier version, to 1 or 2 ms"
    if late:
        resolution = f"seen at most {median(late):.2f} ms late in the median, {max(late):.2f} in the worst"
    return f"## Start-up: from the process's start to the first echo, {resolution}\n\n{table(rows)}"


def start_up_cells(starts, reference):
    first = column(starts, "first_echo_ms")
    second = [start["second_us"] / start["later_us"] for start in starts if start.get("later_us")]
    return [
        *(f"{f(first):,.1f}" for f in (median, min, max)),
        f"{median(first) / median(reference):.3f}" if reference else NONE,
        median_text(second, "{:,.1f}"),
        median_text(column(starts, "later_us"), "{:,.1f}"),
        median_text([size / 2**20 for size in column(starts, "rss_bytes")], "{:,.1f}"),
        median_text(column(starts, "version_ms"), "{:,.1f}"),
    ]


def column(starts, key):
    """A figure of every start that has it."""
    return [start[key] for start in starts if key in start]


def idle_table(results):
    rows = [["server", "connections", "RSS MiB before", "after", "bytes a connection", "CPUs while idle", "errors", "mismatches"]]
    for name, result in results.items():
        sizes = [f"{result[key] / 2**20:,.0f}" for key in ("rss_before", "rss_after")]
        rows.append([
            name, f"{result['connections']:,}", *sizes, f"{result['bytes_a_connection']:,.0f}",
            f"{result['cpus']:.3f}", str(result["errors"]), str(result["mismatches"])])
    return f"## Idle connections, each of which has echoed once\n\n{table(rows)}"


def growth_tables(measured):
    """A row a server, a column a number of connections."""
    if not names_of(measured):
        return "## Growth: nothing was measured"
    figures_by_title = {
        "The server's CPU time for a message, µs": ("cpu_us", "{:,.2f}"),
        "CPUs that the server kept busy": ("server_cpus", "{:.3f}"),
        "Time of a message from when it was due, p50, µs": ("p50_us", "{:,.0f}"),
        "The same, p99, µs": ("p99_us", "{:,.0f}"),
        "How late the client itself was, p99, µs; it is a part of that time": ("late_p99_us", "{:,.0f}"),
    }
    parts = [
        f"## Growth: {measured['rate']:,g} messages of 64 B a second over so many connections, {measured['meaning']}",
        f"Medians, rounds: {len(measured['rounds'])}",
    ]
    for title, (key, form) in figures_by_title.items():
        parts += [title, figure_table(measured, key, connections_text, form)]
    parts += ["Messages sent of those that were due, and what went wrong, all rounds together", sent_table(measured), others_line(measured)]
    parts += http_tables(measured["http"])
    return "\n\n".join(parts)


def connections_text(number):
    return f"{int(number):,}"


def sent_table(measured):
    rows = [["server", *map(connections_text, measured["workloads"]), "errors", "mismatches"]]
    for name in names_of(measured):
        counts = [[sum(figures(measured, name, w, key)) for key in ("sent", "due")] for w in measured["workloads"]]
        wrong = [str(total(measured, name, key)) for key in ("errors", "mismatches")]
        rows.append([name, *(f"{sent:,} of {due:,}" for sent, due in counts), *wrong])
    return table(rows)


def http_tables(results_by_name):
    """What HTTP answers cost with connections that are open and idle."""
    parts = []
    for name, results in results_by_name.items():
        paths = list(next(iter(results.values()))["paths"])
        parts += [
            f"HTTP answers of {name} while so many connections are open and idle: its CPU time, ms an answer, and in µs a second without and "
            "with a watcher of the live page",
            http_table(results, paths, "cpu_ms", 1, "{:.2f}", {"no watcher": "quiet_us", "/live watched": "watched_us"}),
            "The time until the whole answer was there, ms",
            http_table(results, paths, "ms", 1, "{:.2f}"),
            "Its length, KiB",
            http_table(results, paths, "bytes", 1024, "{:,.0f}"),
        ]
    return parts


def http_table(results, paths, key, unit, form, live=None):
    live = live or {}
    rows = [["connections", *paths, *live]]
    for number, result in results.items():
        answers = [form.format(result["paths"][path][key] / unit) for path in paths]
        rows.append([connections_text(number), *answers, *(f"{result['live'][figure]:,.0f}" for figure in live.values())])
    return table(rows)


def clients_table(results):
    """Each client's rate by the first one's of the same round, against the same server."""
    workloads, rounds = results["workloads"], results["rounds"]
    first, *_ = names = list(rounds[0])
    rows = [["client", *(f"{w} {WORKLOADS[w].unit}" for w in workloads), *workloads]]
    for name in names:
        rates = {w: [round_[name][w]["rate"] for round_ in rounds] for w in workloads}
        by_first = {w: [round_[name][w]["rate"] / round_[first][w]["rate"] for round_ in rounds] for w in workloads}
        rows.append([name, *(f"{median(rates[w]):,.0f}" for w in workloads), *(ratio_text(ratio_of(by_first[w])) for w in workloads)])
    return f"## Clients: {results['server']} driven by each, {results['meaning']}\n\n{table(rows)}"


def table(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    return "\n".join(line(row, widths) for row in [rows[0], rule, *rows[1:]])


def line(row, widths):
    first = row[0].ljust(widths[0])
    return "| " + " | ".join([first, *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]) + " |"
