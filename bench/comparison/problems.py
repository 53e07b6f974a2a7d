"""All that went wrong in a run."""
from .figures import total


def lines_of(results):
    """A line for each thing."""
    lines = []
    for mode, measured in results["modes"].items():
        lines += of_mode(mode, measured)
    for title, key in (("growth", "growth"), ("TLS", "tls"), ("event loops", "loops")):
        if key in results:
            lines += of_mode(title, results[key])
    lines += of_growth(results.get("growth", {}))
    lines += of_starts(results.get("startup", {}))
    for name, result in results.get("idle", {}).items():
        lines += [f"idle: {name} had {result[key]} {key}" for key in ("errors", "mismatches") if result[key]]
    for round_ in results.get("clients", {}).get("rounds", []):
        lines += of_clients(round_)
    return lines


def of_mode(mode, measured):
    lines = []
    for name in measured["servers"]:
        missing = sum(name not in round_ for round_ in measured["rounds"])
        if missing:
            lines.append(f"{mode}: {name} failed in {missing} of {len(measured['rounds'])} rounds")
        for key in ("errors", "mismatches"):
            count = total(measured, name, key)
            if count:
                lines.append(f"{mode}: {name} had {count} {key}")
    return lines


def of_growth(measured):
    lines = []
    for name in measured.get("servers", []):
        unsent = total(measured, name, "due") - total(measured, name, "sent")
        if unsent:
            lines.append(f"growth: {unsent} messages to {name} were due and not sent")
    for name, results in measured.get("http", {}).items():
        bad = sum(result[key] for result in results.values() for key in ("errors", "mismatches"))
        if bad:
            lines.append(f"growth: the idle connections of {name} had {bad} errors and mismatches")
    return lines


def of_starts(starts_by_name):
    lines = []
    wanted = max(map(len, starts_by_name.values()), default=0)
    for name, starts in starts_by_name.items():
        if not starts or len(starts) < wanted:
            lines.append(f"start-up: {name} failed in {wanted - len(starts) or 'all'} of its starts")
        if any(start.get("mismatches") for start in starts):
            lines.append(f"start-up: {name} had mismatches")
    return lines


def of_clients(round_):
    lines = []
    for name, figures in round_.items():
        bad = sum(figure[key] for figure in figures.values() for key in ("errors", "mismatches"))
        if bad:
            lines.append(f"clients: {name} had {bad} errors and mismatches")
    return lines
