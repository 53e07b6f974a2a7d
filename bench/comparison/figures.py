"""The figures of the rounds, and their ratios to the baseline's."""
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Ratio:
    median: float
    lowest: float
    highest: float


def ratio_of(ratios):
    """None of none."""
    return Ratio(median(ratios), min(ratios), max(ratios)) if ratios else None


def names_of(measured):
    """The servers, in the order in which they were asked for, that were measured at least once."""
    return [name for name in measured["servers"] if any(name in round_ for round_ in measured["rounds"])]


def figures(measured, name, workload, key):
    """A server's figure in each round that has it."""
    all_figures = (figure(round_, name, workload, key) for round_ in measured["rounds"])
    return [value for value in all_figures if value is not None]


def figure(round_, name, workload, key):
    """None where the server was not measured in this round, or by a version that did not know the figure."""
    return round_[name]["workloads"][workload].get(key) if name in round_ else None


def ratio(measured, name, workload, key="rate"):
    """A server's figure by the baseline's of the same round; None where the two share no round."""
    pairs = [[figure(round_, server, workload, key) for server in (name, measured["baseline"])] for round_ in measured["rounds"]]
    return ratio_of([mine / baseline for mine, baseline in pairs if mine is not None and baseline])


def total(measured, name, key):
    return sum(sum(figures(measured, name, workload, key)) for workload in measured["workloads"])
