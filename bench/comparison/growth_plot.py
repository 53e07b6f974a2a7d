"""What --growth measured, in SVG: CPU time a message and p99 over the number of connections, side by side."""
from math import floor, log10
from statistics import median

from .figures import figures, names_of
from .plot import COLOURS, FAINT, GRID, INK, LEFT, LEGEND_LINE, LETTER, RIGHT, TOP, WIDTH, document, scale, text

HEIGHT = 300  # of a panel's plot
GAP = 84  # between the panels: the right one's figures stand there
TITLE_GAP = 50
BELOW = 56  # the numbers of connections, and what they are
INSET = 26  # from a panel's edge to its first point
SIZE = 5  # of a mark
WIDEST_SPREAD = 7  # by how much marks at the same place stand apart


def draw(measured):
    servers = names_of(measured)
    styles = {name: (COLOURS[i % len(COLOURS)], MARKS[i % len(MARKS)]) for i, name in enumerate(servers)}
    title = f"{measured['rate']:,g} messages a second over more and more connections (lower is better)"
    parts = [text(WIDTH / 2, 30, title, size=18, weight="bold", anchor="middle")]
    entries, legend_height = legend(styles)
    parts += entries
    top = TOP + legend_height + TITLE_GAP
    width = (WIDTH - LEFT - RIGHT - GAP) / 2
    parts += panel(LEFT, top, width, measured, styles, "cpu_us", "CPU time of the server for a message, µs", linear)
    parts += panel(LEFT + width + GAP, top, width, measured, styles, "p99_us", "99th percentile of a message's time, µs", logarithmic)
    return document(top + HEIGHT + BELOW, parts)


def legend(styles):
    """The entries one after the other, in as many lines as they need; and how high that is."""
    parts, x, y = [], LEFT, TOP
    for name, (colour, mark) in styles.items():
        width = 54 + LETTER * len(name)
        if x + width > WIDTH - RIGHT:
            x, y = LEFT, y + LEGEND_LINE
        parts.append(line(x, x + 26, y + 7, y + 7, colour, 2))
        parts.append(mark(x + 13, y + 7, colour))
        parts.append(text(x + 34, y + 12, name, size=13))
        x += width
    return parts, y + LEGEND_LINE - TOP


def panel(left, top, width, measured, styles, key, title, axis):
    values = {(name, w): measured_figures(measured, name, w, key) for name in styles for w in measured["workloads"]}
    share_of, lines = axis([value for all_ in values.values() for value in all_] or [1])

    def y_of(value):
        return top + HEIGHT * (1 - share_of(value))

    parts = [text(left, top - 20, title, size=14, weight="bold")]
    for value in lines:
        parts.append(line(left, left + width, y_of(value), y_of(value), GRID, 1))
        parts.append(text(left - 8, y_of(value) + 4, f"{value:,.10g}", size=12, anchor="end", fill=FAINT))
    x_of = positions(left, width, measured["workloads"])
    for w in measured["workloads"]:
        parts.append(line(x_of(w), x_of(w), top + HEIGHT, top + HEIGHT + 5, FAINT, 1))
        parts.append(text(x_of(w), top + HEIGHT + 20, f"{int(w):,}", size=12, anchor="middle"))
    parts.append(text(left + width / 2, top + HEIGHT + 40, "connections", size=13, anchor="middle", fill=FAINT))
    for i, (name, (colour, mark)) in enumerate(styles.items()):
        # Beside each other, so that the ranges of servers that are close can be told apart.
        shift = (i - (len(styles) - 1) / 2) * WIDEST_SPREAD / max(1, len(styles) - 1)
        points = [(x_of(w) + shift, values[name, w]) for w in measured["workloads"] if values[name, w]]
        parts += curve(points, colour, mark, y_of)
    return parts


def measured_figures(measured, name, workload, key):
    """Without those of a run in which nothing came back."""
    return [value for value in figures(measured, name, workload, key) if value > 0]


def positions(left, width, workloads):
    """By the logarithm of the number of connections."""
    highest = max(log10(int(w)) for w in workloads) or 1

    def x_of(workload):
        return left + INSET + (width - 2 * INSET) * log10(int(workload)) / highest
    return x_of


def linear(values):
    """How high a value stands, from 0 to 1, and the values at which lines are drawn."""
    ceiling, step = scale(max(values))
    return lambda value: value / ceiling, [i * step for i in range(round(ceiling / step) + 1)]


def logarithmic(values):
    """The same by the logarithm. The lines are at 1, 2, 5, 10, 20 and so on, from the last one below all to the first above."""
    exponents = range(floor(log10(min(values))), floor(log10(max(values))) + 2)
    lines = [10.0 ** exponent * digit for exponent in exponents for digit in (1, 2, 5)]
    lowest = max(value for value in lines if value <= min(values))
    highest = min(value for value in lines if value > max(values))
    span = log10(highest / lowest)
    return lambda value: log10(value / lowest) / span, [value for value in lines if lowest <= value <= highest]


def curve(points, colour, mark, y_of):
    """The medians, joined, and the range over the rounds as thin lines."""
    middles = [(x, y_of(median(values))) for x, values in points]
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in middles)
    parts = [f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>']
    parts += [line(x, x, y_of(min(values)), y_of(max(values)), INK, 1.2) for x, values in points if min(values) < max(values)]
    return parts + [mark(x, y, colour) for x, y in middles]


def line(x1, x2, y1, y2, colour, width):
    return f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width:g}"/>'


def circle(x, y, colour):
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{SIZE}" fill="{colour}" {EDGE}/>'


def polygon(*corners):
    def mark(x, y, colour):
        points = " ".join(f"{x + SIZE * dx:.1f},{y + SIZE * dy:.1f}" for dx, dy in corners)
        return f'<polygon points="{points}" fill="{colour}" {EDGE}/>'
    return mark


# White, so that marks that touch can be told apart.
EDGE = 'stroke="#ffffff" stroke-width="1"'

# A shape a server, for those who don't see the colours.
MARKS = [
    circle,
    polygon((-1, -1), (1, -1), (1, 1), (-1, 1)),
    polygon((0, -1.3), (1.2, 0.9), (-1.2, 0.9)),
    polygon((0, -1.4), (1.4, 0), (0, 1.4), (-1.4, 0)),
    polygon((0, 1.3), (1.2, -0.9), (-1.2, -0.9)),
]
