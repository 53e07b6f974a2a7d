// A peer's last probes in the manner of SmokePing: a mark for the median, a soft bar from the fastest to the slowest, and loss as
// a hatched bar that hangs from the top, as long as the share that was lost. One path each, however many columns there are.

import { niceMax } from './plot.js';

export const STEP = 6;
export const HEIGHT = 34;

/** The geometry, without a DOM. Columns are [median, min, max, lost, probes], undefined where there is none. */
export function stripPaths(columns, step = STEP, height = HEIGHT) {
    const max = niceMax(Math.max(0, ...columns.map(column => column?.[2] ?? 0)));
    const paths = { max, spread: '', median: '', loss: '', edge: '', none: '' };
    const y = value => Math.round((height - 1.5 - (value / max) * (height - 4)) * 10) / 10;
    columns.forEach((column, i) => {
        const x = i * step;
        if (!column?.[4]) {
            paths.none += `M${x + step / 2 - 0.5} ${height - 1}h1`;
            return;
        }
        const [median, min, slowest, lost, probes] = column;
        if (median !== null) {
            const top = Math.min(y(slowest), y(min) - 1);
            paths.spread += `M${x + 1} ${top}h${step - 2}V${y(min)}h${2 - step}Z`;
            paths.median += `M${x + 0.5} ${y(median)}h${step - 1}`;
        }
        if (lost > 0) {
            const depth = Math.max(4, Math.round((lost / probes) * height));
            paths.loss += `M${x + 0.5} 0h${step - 1}v${depth}h${1 - step}Z`;
            paths.edge += `M${x + 0.5} ${depth - 0.75}h${step - 1}`;
        }
    });
    return paths;
}
