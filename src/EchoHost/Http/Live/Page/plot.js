// The geometry of the charts, without a DOM.

const STEPS = [1, 2, 3, 4, 5, 6, 8, 10];

/** The smallest round number that is at least so large. */
export function niceMax(value) {
    if (!(value > 0)) {
        return 1;
    }
    const power = 10 ** Math.floor(Math.log10(value));
    return STEPS.find(step => step * power >= value * 0.999999) * power;
}

/** The upper end of an axis: it grows at once, but shrinks only when less than a third of it is used, so that it stays calm. */
export function axisMax(previous, value, least = 1) {
    const next = niceMax(Math.max(value * 1.04, least));
    return previous && next < previous && value > previous / 3 ? previous : next;
}

const round = n => Math.round(n * 10) / 10;

/**
 * The line through a list of values, in a box that is as wide as it has slots; the last value is at its right end. A value that
 * is not known is a gap.
 */
export function linePath(values, slots, height, max) {
    return runs(values)
        .map(([from, to]) => {
            const points = [];
            for (let i = from; i < to; i++) {
                points.push(`${slots - values.length + i + 0.5} ${round(height - (values[i] / max) * height)}`);
            }
            // A single value between two gaps is a short dash.
            return `M${points.join('L')}${points.length === 1 ? 'h0.9' : ''}`;
        })
        .join('');
}

/** The area between such a line and the axis. */
export function areaPath(values, slots, height, max) {
    return runs(values)
        .map(([from, to]) => {
            const x = i => slots - values.length + i + 0.5;
            let path = `M${x(from)} ${height}`;
            for (let i = from; i < to; i++) {
                path += `L${x(i)} ${round(height - (values[i] / max) * height)}`;
            }
            return `${path}L${x(to - 1)} ${height}Z`;
        })
        .join('');
}

/** Bars over groups of values: the sums of so many successive ones, aligned to the right. */
export function bars(values, slots, per) {
    const sums = Array(Math.ceil(slots / per)).fill(0);
    for (let i = 0; i < values.length; i++) {
        const fromEnd = values.length - 1 - i;
        const bar = sums.length - 1 - Math.floor(fromEnd / per);
        if (bar >= 0) {
            sums[bar] += values[i] ?? 0;
        }
    }
    return sums;
}

function runs(values) {
    const found = [];
    let from = -1;
    for (let i = 0; i <= values.length; i++) {
        const there = i < values.length && values[i] !== null;
        if (there && from < 0) {
            from = i;
        } else if (!there && from >= 0) {
            found.push([from, i]);
            from = -1;
        }
    }
    return found;
}
