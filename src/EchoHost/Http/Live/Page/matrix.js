// A grid of any size as one picture: a path for each kind of outcome, whatever the number of cells. For keyboard and screen reader
// it is an ARIA grid of which only the cell with the focus exists, laid over the picture.

import { el, setAttribute, svg } from './dom.js';

/** The form of each outcome, as lines in a cell of 10 by 10. They differ even where a cell is small, and without colour. */
export const FORMS = {
    ok: '',
    refused: 'M3 3L7 7M7 3L3 7',
    unreachable: 'M2.5 5H7.5',
    timeout: 'M5 2.5V7.5',
    turnsAway: 'M6.5 2.5L3.5 5L6.5 7.5',
    closed: 'M5 2.8a2.2 2.2 0 1 0 .01 0Z',
    reset: 'M6.5 2.5H3.5L6.5 7.5H3.5',
    mismatch: 'M2.8 3.9H7.2M2.8 6.1H7.2M6.3 2.5L3.7 7.5',
    tls: 'M5 2.5L7.5 5L5 7.5L2.5 5Z',
    dns: 'M5 2.8L7.6 7.2H2.4Z',
    local: 'M5 2.5V7.5M2.5 5H7.5',
    unknown: 'M4.9 5h.2',
};

/** A cell's picture for the legend. */
export const swatch = code =>
    svg(
        'svg',
        { class: 'swatch', viewBox: '0 0 10 10', 'aria-hidden': 'true' },
        svg('path', { class: `cell cell-${code}`, d: 'M.5 .5h9v9h-9z' }),
        FORMS[code] ? svg('path', { class: `form form-${code}`, d: FORMS[code] }) : null,
    );

/** Moves a form into a cell: its numbers come in pairs but for H, V, h and a, so the picture moves and scales it. */
const form = (code, x, y, size) => (FORMS[code] === undefined ? place(FORMS.local, x, y, size) : place(FORMS[code], x, y, size));

function place(path, x, y, size) {
    const k = size / 10;
    const r = n => Math.round(n * 100) / 100;
    return path.replace(/([MLHVhaZ])([^MLHVhaZ]*)/g, (_, command, rest) => {
        const n = rest.trim().split(/[ ,]+/).filter(Boolean).map(Number);
        switch (command) {
            case 'M':
            case 'L':
                return `${command}${r(x + n[0] * k)} ${r(y + n[1] * k)}`;
            case 'H':
                return `H${r(x + n[0] * k)}`;
            case 'V':
                return `V${r(y + n[0] * k)}`;
            case 'h':
                return `h${r(n[0] * k)}`;
            case 'a':
                return `a${r(n[0] * k)} ${r(n[1] * k)} 0 1 0 ${r(n[5] * k)} 0`;
            default:
                return 'Z';
        }
    });
}

const square = (x, y, size) => `M${x} ${y}h${size}v${size}h${-size}z`;

const SMALL = 12;

/** How large a cell is drawn, so that many fit and few are easy to hit. */
export const cellSize = (rows, columns, text) =>
    text
        ? 62
        : ([
              [14, 30],
              [26, 24],
              [44, 18],
              [80, 13],
              [130, 9],
          ].find(([most]) => Math.max(rows, columns) <= most)?.[1] ?? 6);

/**
 * @param {HTMLElement} parent
 * @param {(row: number, column: number) => void} onRead a cell is pointed at or has the focus
 * @param {(row: number, column: number) => void} onOpen a cell is clicked, or Enter is pressed on it
 */
export function createMatrix(parent, onRead, onOpen) {
    let model = null;
    let size = 0;
    let left = 0;
    let top = 0;
    let row = 0;
    let column = 0;
    /** Nothing is read out before somebody asks. */
    let touched = false;

    const cursor = el('div', { role: 'gridcell', tabindex: '0', class: 'cursor' });
    const line = el('div', { role: 'row' }, cursor);
    const grid = el('div', { role: 'grid', class: 'matrix' }, line);
    parent.append(grid);
    let picture = null;

    const locate = event => {
        const box = picture.getBoundingClientRect();
        const c = Math.floor((event.clientX - box.left - left) / size);
        const r = Math.floor((event.clientY - box.top - top) / size);
        return r >= 0 && c >= 0 && r < model.rows.length && c < model.columns.length ? [r, c] : null;
    };
    grid.addEventListener('pointermove', event => {
        const cell = model && picture && locate(event);
        if (cell) {
            touched = true;
            onRead(...cell);
        }
    });
    grid.addEventListener('pointerleave', () => move(row, column));
    grid.addEventListener('click', event => {
        const cell = model && picture && locate(event);
        if (cell) {
            move(...cell);
            cursor.focus({ preventScroll: true });
            onOpen(row, column);
        }
    });
    cursor.addEventListener('focus', () => {
        touched = true;
        move(row, column);
    });
    cursor.addEventListener('keydown', event => {
        const last = model.columns.length - 1;
        const to = {
            ArrowLeft: [row, column - 1],
            ArrowRight: [row, column + 1],
            ArrowUp: [row - 1, column],
            ArrowDown: [row + 1, column],
            Home: [event.ctrlKey ? 0 : row, 0],
            End: [event.ctrlKey ? model.rows.length - 1 : row, last],
            PageUp: [row - 10, column],
            PageDown: [row + 10, column],
        }[event.key];
        if (to) {
            event.preventDefault();
            move(...to);
        } else if (event.key === 'Enter' || event.key === ' ') {
            event.preventDefault();
            onOpen(row, column);
        }
    });

    function move(r, c) {
        row = Math.max(0, Math.min(model.rows.length - 1, r));
        column = Math.max(0, Math.min(model.columns.length - 1, c));
        setAttribute(line, 'aria-rowindex', row + 1);
        setAttribute(cursor, 'aria-colindex', column + 1);
        setAttribute(cursor, 'aria-label', model.describe(row, column));
        Object.assign(cursor.style, { left: `${left + column * size}px`, top: `${top + row * size}px`, width: `${size}px`, height: `${size}px` });
        if (document.activeElement === cursor) {
            cursor.scrollIntoView({ block: 'nearest', inline: 'nearest' });
        }
        if (touched) {
            onRead(row, column);
        }
    }

    /**
     * @param {{label: string, rows: {label: string, group: string, faint?: boolean}[], columns: {label: string, group: string}[],
     *   cell: (row: number, column: number) => {code: string, mark?: boolean, faint?: boolean, text?: string}|null,
     *   describe: (row: number, column: number) => string}} next
     */
    function draw(next) {
        model = next;
        const { rows, columns } = model;
        const text = next.text === true;
        size = cellSize(rows.length, columns.length, text);
        const named = text || size >= SMALL;
        const narrow = parent.clientWidth < 500;
        const most = narrow ? 11 : 18;
        const titleOf = group => group && (model.groupTitle?.(group) ?? group);
        const short = label => (label.length > most ? `${label.slice(0, most - 1)}…` : label);
        const fit = (label, space) =>
            label.length * 7 > space ? (label.length * 7 > 2 * space ? '' : `${label.slice(0, Math.max(1, Math.floor(space / 7) - 1))}…`) : label;
        const longest = list => Math.max(4, ...list.map(one => short(named ? one.label : titleOf(one.group)).length));
        left = Math.ceil(longest(rows) * 7 + 16);
        const upright = size < 18;
        top = named && !text ? Math.ceil(longest(columns) * (upright ? 7 : 5.2) + 18) : 26;
        const right = named && !text ? Math.max(24, upright ? 0 : Math.ceil(longest(columns) * 5.2)) : 8;
        const width = left + columns.length * size + right;
        const height = top + rows.length * size + (named && !text && columns.some(one => one.group) ? 24 : 4);

        const tiles = new Map();
        const forms = new Map();
        const faint = [];
        const marks = [];
        const texts = [];
        const add = (map, code, d) => map.set(code, (map.get(code) ?? '') + d);
        const gap = size >= SMALL ? 1 : 0.5;
        const inner = size - 2 * gap;
        rows.forEach((_, r) => {
            const y = top + r * size;
            for (let c = 0; c < columns.length; c++) {
                const cell = model.cell(r, c);
                if (!cell) {
                    continue;
                }
                const x = left + c * size;
                const code = cell.code in FORMS ? cell.code : 'local';
                if (cell.same) {
                    marks.push(`M${x + size * 0.3} ${y + size * 0.3}L${x + size * 0.7} ${y + size * 0.7}`);
                    continue;
                }
                // Where cells are tiny, what fails is drawn a little larger than its place.
                const more = size < SMALL && code !== 'ok' && code !== 'unknown' ? 1.2 : 0;
                add(tiles, code, square(x + gap - more, y + gap - more, inner + 2 * more));
                if (cell.text) {
                    if (code !== 'ok') {
                        add(forms, code, form(code, x + size / 2 - 11, y + 6, 22));
                    }
                    texts.push(
                        svg(
                            'text',
                            { x: x + size / 2, y: y + size / 2 + (code === 'ok' ? 4 : 15), 'text-anchor': 'middle', class: `cell-text form-${code}` },
                            cell.text,
                        ),
                    );
                } else {
                    add(forms, code, form(code, x, y, size));
                }
                if (cell.faint) {
                    faint.push(square(x + gap, y + gap, inner));
                }
                if (cell.mark && size >= SMALL) {
                    add(forms, `${code} corner`, `M${x + size - gap - size * 0.28} ${y + gap}h${size * 0.28}v${size * 0.28}z`);
                }
            }
        });

        const label = (one, attributes, content) => svg('text', attributes, content ?? short(one.label));
        const lines = [];
        const heads = [];
        let start = 0;
        const boundaries = (list, line, name) =>
            list.forEach((one, i) => {
                if (i + 1 === list.length || list[i + 1].group !== one.group) {
                    if (i + 1 < list.length && !text) {
                        line(i + 1);
                    }
                    name(titleOf(one.group), start, i + 1);
                    start = i + 1;
                }
            });
        boundaries(
            rows,
            i => lines.push(`M${named ? 4 : left - 4} ${top + i * size}H${left + columns.length * size}`),
            (group, from, to) => {
                const y = top + ((from + to) / 2) * size;
                if (!group || text) {
                    return;
                }
                heads.push(
                    named
                        ? svg(
                              'text',
                              { class: 'group', transform: `translate(${left + columns.length * size + 10} ${y}) rotate(90)`, 'text-anchor': 'middle' },
                              fit(group, (to - from) * size),
                          )
                        : svg('text', { x: left - 8, y: y + 4, 'text-anchor': 'end' }, short(group)),
                );
            },
        );
        start = 0;
        boundaries(
            columns,
            i => lines.push(`M${left + i * size} ${named ? top - 4 : 14}V${top + rows.length * size}`),
            (group, from, to) => {
                if (group && !text) {
                    heads.push(
                        svg(
                            'text',
                            {
                                class: named ? 'group' : null,
                                x: left + ((from + to) / 2) * size,
                                y: named ? top + rows.length * size + 16 : top - 8,
                                'text-anchor': 'middle',
                            },
                            fit(group, (to - from) * size),
                        ),
                    );
                }
            },
        );
        if (named) {
            heads.push(
                ...rows.map((one, r) => label(one, { x: left - 8, y: top + (r + 0.5) * size + 4, 'text-anchor': 'end', class: one.faint ? 'faint' : null })),
                ...columns.map((one, c) =>
                    text
                        ? label(one, { x: left + (c + 0.5) * size, y: top - 8, 'text-anchor': 'middle' })
                        : label(one, { transform: `translate(${left + (c + 0.5) * size + (upright ? 4 : 2)} ${top - 7}) rotate(${upright ? -90 : -45})` }),
                ),
            );
        }

        const fresh = svg(
            'svg',
            { width, height, viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' },
            ...[...tiles].map(([code, d]) => svg('path', { class: `cell cell-${code}`, d })),
            svg('path', { class: 'cell-faint', d: faint.join('') }),
            ...[...forms].map(([code, d]) =>
                svg('path', {
                    class: code.endsWith('corner') ? `corner form-${code.split(' ')[0]}` : `form form-${code}`,
                    d,
                    'stroke-width': Math.max(1.2, size / 12),
                }),
            ),
            svg('path', { class: 'same', d: marks.join('') }),
            svg('path', { class: 'boundary', d: lines.join('') }),
            ...texts,
            ...heads,
        );
        if (picture) {
            picture.replaceWith(fresh);
        } else {
            grid.append(fresh);
        }
        picture = fresh;
        Object.assign(grid.style, { width: `${width}px`, height: `${height}px` });
        setAttribute(grid, 'aria-label', model.label);
        setAttribute(grid, 'aria-rowcount', rows.length);
        setAttribute(grid, 'aria-colcount', columns.length);
        move(row, column);
    }

    return {
        draw,
        reset() {
            row = column = 0;
        },
    };
}
