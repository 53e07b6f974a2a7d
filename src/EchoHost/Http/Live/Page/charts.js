// The last ten minutes. One moment is read out in all charts at once: the large figures are those of now, or of the moment that the
// pointer or the arrow keys choose. So nothing covers the lines, and nothing moves.

import { byId, el, reconcile, setAttribute, setText, svg, whetherInView } from './dom.js';
import { byteRate, bytes, clock, duration, figure, number } from './format.js';
import { minutes, range, REASONS, SLOTS, sum } from './history.js';
import { areaPath, axisMax, bars, linePath } from './plot.js';

const HEIGHT = 100;
/** Seconds of one bar of what was turned away. */
const BAR = 10;

const REASON_WORDS = {
    limit: 'limit reached',
    address_limit: 'per address',
    draining: 'draining',
    proxy: 'PROXY',
    tls: 'TLS',
};

/** @param {import('./history.js').History} history */
export function createCharts(history) {
    /** The moment that is read out, in milliseconds; null for now. */
    let cursor = null;
    const each = list => figure(list);
    const perSecond = value => (value === null || value === undefined ? value : value / history.interval);
    const charts = [
        lineChart('Connections', 'open', [['', 'connections', each]], v => v, 5),
        lineChart('Messages', 'a second', [['', 'messages', v => figure(perSecond(v))]], perSecond, 5),
        lineChart(
            'Bytes',
            'a second',
            [
                ['in', 'received', v => byteRate(perSecond(v))],
                ['out', 'sent', v => byteRate(perSecond(v))],
            ],
            perSecond,
            100,
        ),
        turnedAway(),
    ];
    byId('charts').append(...charts.map(chart => chart.node));
    byId('minutes').addEventListener('toggle', showMinutes);

    const visible = whetherInView(byId('now'), update);
    const current = () => (cursor === null ? history.length - 1 : history.indexOf(cursor));

    function update() {
        if (!visible()) {
            return;
        }
        if (cursor !== null && history.indexOf(cursor) < 0) {
            cursor = null;
        }
        for (const chart of charts) {
            chart.update();
        }
        const index = current();
        const ago = history.length - 1 - index;
        setText(
            byId('now-time'),
            cursor === null || index < 0
                ? 'Point at a chart, or use the arrow keys on it, to read a moment.'
                : `${clock(history.timeOf(index))}, ${duration(ago * history.interval)} before the last data`,
        );
        setAttribute(byId('charts'), 'data-reading', cursor === null ? null : 'true');
        showMinutes();
    }

    function read(index) {
        cursor = index === null || index >= history.length ? null : history.timeOf(Math.max(0, index));
        update();
    }

    /** The plot's frame: pointer, keys, the mark of the moment, and what a screen reader is told. */
    function frame(label, describe, ...content) {
        const mark = el('span', { class: 'mark', hidden: true });
        const plot = el(
            'div',
            { class: 'plot', role: 'slider', tabindex: '0', 'aria-label': label, 'aria-valuemin': 1 - SLOTS, 'aria-valuemax': 0, 'aria-valuenow': 0 },
            ...content,
            mark,
        );
        plot.addEventListener('pointermove', event => {
            const box = plot.getBoundingClientRect();
            const slot = Math.floor(((event.clientX - box.left) / box.width) * SLOTS);
            read(Math.max(0, slot - (SLOTS - history.length)));
        });
        plot.addEventListener('pointerleave', () => read(null));
        plot.addEventListener('blur', () => read(null));
        plot.addEventListener('keydown', event => {
            const last = history.length - 1;
            const at = cursor === null ? last : current();
            const to = {
                ArrowLeft: at - 1,
                ArrowDown: at - 1,
                ArrowRight: at + 1,
                ArrowUp: at + 1,
                PageUp: at - 60,
                PageDown: at + 60,
                Home: 0,
                End: last,
                Escape: null,
            }[event.key];
            if (to !== undefined) {
                event.preventDefault();
                read(to);
            }
        });
        const show = () => {
            const index = current();
            const slot = SLOTS - history.length + index;
            mark.hidden = cursor === null || index < 0;
            mark.style.left = `${((slot + 0.5) / SLOTS) * 100}%`;
            setAttribute(plot, 'aria-valuenow', Math.min(0, index - history.length + 1));
            setAttribute(plot, 'aria-valuetext', `${cursor === null ? 'now' : clock(history.timeOf(index))}: ${describe(index)}`);
        };
        return { plot, show };
    }

    /** Lines over time; a second series hangs below the axis, as those who watch networks know it. */
    function lineChart(title, unit, series, scale, least) {
        const parts = series.map(([name, field, format], i) => {
            const area = svg('path', { class: 'area' });
            const line = svg('path', { class: 'line', 'vector-effect': 'non-scaling-stroke' });
            const group = svg('g', { class: `series series-${i}`, transform: i ? `translate(0 ${2 * HEIGHT}) scale(1 -1)` : null }, area, line);
            const value = el('span', { class: 'figure' });
            const span = el('span', { class: 'muted span' });
            return { name, field, format, area, line, group, value, span };
        });
        const height = HEIGHT * series.length;
        const top = el('span', { class: 'axis top' });
        const bottom = el('span', { class: 'axis bottom' });
        const { plot, show } = frame(
            `${title} ${unit}`,
            index => parts.map(p => `${p.name} ${p.format(history[p.field][index])}`).join(', '),
            svg(
                'svg',
                { viewBox: `0 0 ${SLOTS} ${height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
                svg('path', {
                    class: 'grid',
                    d: `M0 ${HEIGHT / 2}H${SLOTS}M0 ${height - HEIGHT / 2}H${SLOTS}M${SLOTS / 2} 0V${height}`,
                    'vector-effect': 'non-scaling-stroke',
                }),
                svg('path', { class: 'base', d: `M0 ${HEIGHT}H${SLOTS}`, 'vector-effect': 'non-scaling-stroke' }),
                ...parts.map(p => p.group),
            ),
            top,
            bottom,
        );
        const node = el(
            'figure',
            { class: `chart card${series.length > 1 ? ' two' : ''}` },
            el(
                'figcaption',
                null,
                el('h3', null, title, el('span', { class: 'muted' }, ` ${unit}`)),
                el(
                    'div',
                    { class: 'figures' },
                    ...parts.map(p =>
                        el('p', null, p.name ? el('span', { class: 'series-name' }, p.name === 'in' ? '▲ in ' : '▼ out ') : null, p.value, p.span),
                    ),
                ),
            ),
            plot,
            times(),
        );
        let max = 0;
        function update() {
            const ranges = parts.map(p => range(history[p.field]));
            max = axisMax(max, Math.max(0, ...ranges.map(r => scale(r?.max ?? 0))), least);
            const index = current();
            parts.forEach((p, i) => {
                const values = history[p.field];
                const limit = max * (scale(1) ? 1 / scale(1) : 1);
                p.line.setAttribute('d', linePath(values, SLOTS, HEIGHT, limit));
                p.area.setAttribute('d', areaPath(values, SLOTS, HEIGHT, limit));
                setText(p.value, p.format(values[index]));
                setText(p.span, ranges[i] ? `${p.format(ranges[i].min)} to ${p.format(ranges[i].max)}` : '\u00a0');
            });
            const label = (series[0][1] === 'received' ? byteRate(max) : figure(max)).replace(/\.0+(?=\D)/, '');
            setText(top, label);
            setText(bottom, series.length > 1 ? label : '0');
            show();
        }
        return { node, update };
    }

    /** A row of bars for each reason: told apart by their place, not by colour. */
    function turnedAway() {
        const total = el('span', { class: 'figure' });
        const span = el('span', { class: 'muted span' });
        const rows = REASONS.map((reason, i) => {
            const path = svg('path', { class: 'bars' });
            const number = el('span', { class: 'n' });
            const label = el('span', { class: 'reason-name' }, REASON_WORDS[reason]);
            return { reason, path, number, label, i };
        });
        const ROW = 20;
        const per = BAR / history.interval;
        /** What is read at a moment is its bar, not its second: a narrow bar would be hard to hit. */
        const barAt = (reason, index) => {
            const list = history.rejected[reason];
            const to = list.length - Math.floor((list.length - 1 - index) / per) * per;
            return sum(list.slice(Math.max(0, to - per), to));
        };
        const { plot, show } = frame(
            'Turned away, by reason',
            index => {
                const parts = REASONS.map(reason => [barAt(reason, index), reason])
                    .filter(([n]) => n)
                    .map(([n, reason]) => `${number(n)} ${REASON_WORDS[reason]}`);
                return `${parts.length ? parts.join(', ') : 'none'} within ${BAR} s`;
            },
            svg(
                'svg',
                { viewBox: `0 0 ${SLOTS} ${ROW * rows.length}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
                svg('path', { class: 'base', d: rows.map(r => `M0 ${ROW * (r.i + 1)}H${SLOTS}`).join(''), 'vector-effect': 'non-scaling-stroke' }),
                ...rows.map(r => r.path),
            ),
        );
        const node = el(
            'figure',
            { class: 'chart card away' },
            el(
                'figcaption',
                null,
                el('h3', null, 'Turned away', el('span', { class: 'muted' }, ' connections')),
                el('div', { class: 'figures' }, el('p', null, total, span)),
            ),
            el(
                'div',
                { class: 'reasons' },
                el('div', { class: 'reason-names' }, ...rows.map(r => r.label)),
                plot,
                el('div', { class: 'reason-numbers' }, ...rows.map(r => r.number)),
            ),
            times(),
        );
        function update() {
            const index = current();
            const sums = rows.map(r => bars(history.rejected[r.reason], SLOTS, per));
            // One scale, so that rows can be compared; the largest bar fills its row.
            const max = Math.max(1, ...sums.flat());
            rows.forEach((r, i) => {
                r.path.setAttribute(
                    'd',
                    sums[i]
                        .map((v, bar) => {
                            const h = v ? Math.max(2, (v / max) * (ROW - 3)) : 0;
                            return h ? `M${bar * BAR + 1} ${ROW * (i + 1)}v${-h.toFixed(1)}h${BAR - 2}v${h.toFixed(1)}z` : '';
                        })
                        .join(''),
                );
                setText(r.number, figure(cursor === null ? sum(history.rejected[r.reason]) : barAt(r.reason, index)));
                r.number.classList.toggle('zero', r.number.textContent === '0');
            });
            const all = REASONS.map(reason => history.rejected[reason]);
            setText(total, figure(cursor === null ? sum(all.map(sum)) : sum(REASONS.map(reason => barAt(reason, index)))));
            setText(span, cursor === null ? `in ten minutes, ${figure(sum(all.map(list => list.at(-1))))} in the last second` : `within these ${BAR} s`);
            show();
        }
        return { node, update };
    }

    let minutesAt = 0;
    const minuteRows = new Map();

    /** The text alternative. Not each second: somebody reads it. */
    function showMinutes() {
        const open = byId('minutes').open;
        if (!open || history.end - minutesAt < 10_000) {
            minutesAt = open ? minutesAt : 0;
            return;
        }
        minutesAt = history.end;
        const list = minutes(history);
        reconcile(
            byId('minutes').querySelector('tbody'),
            minuteRows,
            list.map((_, i) => i),
            () => el('tr', null, el('th', { scope: 'row' }), ...Array.from({ length: 5 }, () => el('td', { class: 'n' }))),
            (row, i) => {
                const { end, connections, messages, received, sent, rejected } = list[i];
                const text = [
                    clock(end),
                    connections
                        ? connections.min === connections.max
                            ? number(connections.max)
                            : `${number(connections.min)} to ${number(connections.max)}`
                        : 'not known',
                    number(messages),
                    bytes(received),
                    bytes(sent),
                    number(rejected),
                ];
                text.forEach((t, cell) => setText(row.cells[cell], t));
            },
        );
    }

    return { update };
}

const times = () =>
    el('div', { class: 'times', 'aria-hidden': 'true' }, el('span', null, '10 min ago'), el('span', null, '5 min ago'), el('span', null, 'now'));
