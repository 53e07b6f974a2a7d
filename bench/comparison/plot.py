"""The ratios as grouped bars, in SVG."""
from html import escape
from math import ceil

from .figures import names_of, ratio
from .workloads import WORKLOADS

WIDTH = 1040
LEFT, RIGHT = 56, 20
TOP = 56
PANEL = 250  # a panel's bars
PANEL_GAP = 104  # between panels: labels below one, title above the next
TITLE_GAP = 42  # between a panel's title and its bars, with room for the highest bar's label
LEGEND_LINE = 24
LETTER = 7  # about a letter's width in the legend
GROUP_MARGIN = 0.08  # of a group's width, on each side
MOST_BAR_WIDTH = 48

INK, FAINT, GRID = "#222222", "#666666", "#e3e3e3"

# Okabe and Ito's colours, which people who see colours differently can tell apart; grey is the baseline.
COLOURS = ["#8a8a8a", "#e69f00", "#56b4e9", "#cc79a7", "#009e73", "#d55e00", "#0072b2", "#f0e442", "#000000"]


def draw(measured_by_mode):
    """The whole picture: a panel for each mode."""
    panels = [(mode, measured) for mode, measured in measured_by_mode.items() if names_of(measured)]
    servers = [name for name in panels[0][1]["servers"] if any(name in names_of(measured) for _, measured in panels)]
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(servers)}
    baseline = panels[0][1]["baseline"]
    parts = [text(WIDTH / 2, 30, f"Echo rate, {baseline} = 1.0 (higher is better)", size=18, weight="bold", anchor="middle")]
    entries, legend_height = legend(colours)
    parts += entries
    top = TOP + legend_height + TITLE_GAP
    for mode, measured in panels:
        parts += panel(top, mode, measured, colours)
        top += PANEL + PANEL_GAP
    return document(top - PANEL_GAP + 56, parts)


def document(height, parts):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="Helvetica, Arial, \'Liberation Sans\', \'DejaVu Sans\', sans-serif">',
        # A background of its own, so that it can be read where the page is dark.
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *parts,
        "</svg>",
        ""])


def legend(colours):
    """The entries one after the other, in as many lines as they need; and how high that is."""
    parts, x, y = [], LEFT, TOP
    for name, colour in colours.items():
        width = 40 + LETTER * len(name)
        if x + width > WIDTH - RIGHT:
            x, y = LEFT, y + LEGEND_LINE
        parts.append(f'<rect x="{x:.1f}" y="{y}" width="14" height="14" fill="{colour}"/>')
        parts.append(text(x + 20, y + 12, name, size=13))
        x += width
    return parts, y + LEGEND_LINE - TOP


def panel(top, mode, measured, colours):
    names = [name for name in colours if name in names_of(measured)]
    ratios = {(name, workload): ratio(measured, name, workload) for name in names for workload in measured["workloads"]}
    highest = max([1.0, *(value.highest for value in ratios.values() if value)])
    ceiling, step = scale(highest)

    def height_of(value):
        return top + PANEL * (1 - value / ceiling)

    labels = []
    parts = [text(LEFT, top - 20, f"{mode}: {measured['meaning']}", size=14, weight="bold")]
    parts += grid(height_of, ceiling, step)
    group_width = (WIDTH - LEFT - RIGHT) / len(measured["workloads"])
    for i, workload in enumerate(measured["workloads"]):
        left = LEFT + i * group_width
        bars, figures = group(left, group_width, [(colours[name], ratios[name, workload]) for name in names], height_of)
        parts += bars
        labels += figures
        parts.append(text(left + group_width / 2, top + PANEL + 20, workload, size=14, weight="bold", anchor="middle"))
        parts.append(text(left + group_width / 2, top + PANEL + 37, WORKLOADS[workload].meaning, size=12, anchor="middle", fill=FAINT))
    reference = height_of(1)
    parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{reference:.1f}" y2="{reference:.1f}" stroke="{INK}" stroke-width="1.2" stroke-dasharray="6 4"/>')
    # Last, so that they lie above the line.
    return parts + labels


def scale(highest):
    """The top of the axis and the distance of its lines: a handful of round ones, and room for labels above the bars."""
    step = next((step for step in (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if highest * 1.08 / step <= 7), 1000)
    return ceil(highest * 1.08 / step) * step, step


def grid(height_of, ceiling, step):
    parts = []
    for i in range(round(ceiling / step) + 1):
        y = height_of(i * step)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>')
        parts.append(text(LEFT - 8, y + 4, f"{i * step:.1f}", size=12, anchor="end", fill=FAINT))
    return parts


def group(left, width, bars, height_of):
    """A workload's bars, and the figures above them."""
    parts, figures, margin = [], [], width * GROUP_MARGIN
    bar_width = min(MOST_BAR_WIDTH, (width - 2 * margin) / len(bars))
    first = left + (width - bar_width * len(bars)) / 2
    for i, (colour, value) in enumerate(bars):
        if value is not None:
            x = first + i * bar_width
            parts += bar(x, bar_width, colour, value, height_of)
            figures.append(figure(x, bar_width, value, height_of))
    return parts, figures


def bar(x, width, colour, value, height_of):
    """The median as a bar, and the range over the rounds as a thin line."""
    y, bottom, middle = height_of(value.median), height_of(0), x + width / 2
    parts = [f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{width - 2:.1f}" height="{bottom - y:.1f}" fill="{colour}"/>']
    if value.lowest < value.highest:
        parts.append(
            f'<line x1="{middle:.1f}" x2="{middle:.1f}" y1="{height_of(value.lowest):.1f}" y2="{height_of(value.highest):.1f}" '
            f'stroke="{INK}" stroke-width="1.2"/>')
    return parts


def figure(x, width, value, height_of):
    """With a white edge, so that a line behind it does not make it hard to read."""
    label = text(x + width / 2, height_of(value.highest) - 4, f"{value.median:.2f}", size=min(11, width * 0.42), anchor="middle")
    return label.replace("<text", '<text stroke="#ffffff" stroke-width="3" paint-order="stroke"', 1)


def text(x, y, content, size, weight="normal", anchor="start", fill=INK):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" font-weight="{weight}" '
            f'text-anchor="{anchor}" fill="{fill}">{escape(content)}</text>')
