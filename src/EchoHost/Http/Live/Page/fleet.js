// The fleet: what is wrong in sentences, the matrix of which host asks which, and the failing paths as a list.

import { announce, byId, el, reconcile, setAttribute, setText } from './dom.js';
import { count, duration, milliseconds, number, percent, plain } from './format.js';
import { failures, findings, groupName, groups, labelKeys, matrix, oneWay, outcomeText, reverse } from './fleet-model.js';
import { createMatrix, FORMS, swatch } from './matrix.js';
import { errorText, getJson, whileVisible } from './poll.js';

/** From so many rows or columns on, groups are shown first. */
const MANY = 64;
const LIST = 200;
const SIGNS = { good: '●', warn: '◆', bad: '✕' };

export function createFleet(state, onTrouble) {
    const section = byId('fleet');
    const group = byId('group');
    const filter = byId('fleet-filter');
    const onlyTrouble = byId('only-trouble');
    const sentences = new Map();
    let hosts = null;
    let received = 0;
    let model = null;
    let shown = null;
    let chosen = null;
    let view = null;
    /** Of the view by groups: the one that is looked into, [from, to]. */
    let inside = null;
    let worst = null;
    let forgetting = 0;

    const picture = createMatrix(byId('matrix'), read, open);
    const refresh = whileVisible(section, ask, () => Math.max(5, state.peersInterval ?? 10));

    byId('view').append(
        ...[
            ['groups', 'Groups'],
            ['hosts', 'Hosts'],
        ].map(([key, title]) =>
            el(
                'label',
                null,
                el('input', {
                    type: 'radio',
                    name: 'view',
                    value: key,
                    onchange: () => {
                        view = key;
                        inside = null;
                        redraw();
                    },
                }),
                el('span', null, title),
            ),
        ),
    );
    byId('fleet-legend').append(
        ...Object.keys(FORMS)
            .filter(code => code !== 'unknown')
            .map(code => el('span', null, swatch(code), outcomeText(code))),
        el('span', null, el('i', { class: 'corner-swatch' }), 'the other direction differs'),
    );
    group.addEventListener('change', () => {
        chosen = group.value;
        inside = null;
        build();
    });
    filter.addEventListener('input', redraw);
    onlyTrouble.addEventListener('change', redraw);
    byId('failing').addEventListener('toggle', list);

    async function ask() {
        try {
            const answer = await getJson('fleet');
            hosts = answer.hosts ?? [];
            received = performance.now();
            setText(byId('fleet-note'), note());
            section.classList.remove('old');
            build();
        } catch (error) {
            setText(byId('fleet-note'), `${errorText(error)}${hosts ? ` This is ${duration((performance.now() - received) / 1000)} old.` : ''}`);
            section.classList.add('old');
            throw error;
        }
    }

    function note() {
        const old = hosts.filter(host => !host.self && (host.error || host.ageSeconds === null)).length;
        return `${count(hosts.length, 'host')}${old ? `, ${old} without a fresh answer` : ''}`;
    }

    function build() {
        const clean = hosts.map(host => ({
            ...host,
            instance: host.instance == null ? null : plain(host.instance),
            name: host.name == null ? null : plain(host.name),
            error: host.error ? plain(host.error) : null,
            labels: Object.fromEntries(Object.entries(host.labels ?? {}).map(([key, value]) => [plain(key), plain(value)])),
            peers: (host.peers ?? []).map(peer => ({ ...peer, name: plain(peer.name), lastError: peer.lastError ? plain(peer.lastError) : null })),
        }));
        const keys = labelKeys(clean);
        chosen ??= keys[0] ?? '';
        const options = ['', ...keys];
        if (JSON.stringify([...group.options].map(option => option.value)) !== JSON.stringify(options)) {
            group.replaceChildren(...options.map(key => el('option', { value: key }, key || 'nothing')));
        }
        group.parentElement.hidden = keys.length === 0;
        chosen = options.includes(chosen) ? chosen : '';
        group.value = chosen;
        model = matrix(clean, chosen);
        say();
        redraw();
        list();
    }

    function say() {
        const found = findings(model);
        reconcile(
            byId('findings'),
            sentences,
            [...new Set(found.map(({ level, text }) => `${level} ${text}`))],
            key => {
                const level = key.slice(0, key.indexOf(' '));
                return el(
                    'li',
                    { class: level },
                    el('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[level]),
                    el('span', null, key.slice(level.length + 1)),
                );
            },
            () => {},
        );
        const first = found.find(({ level }) => level === 'bad')?.text ?? '';
        if (worst !== null && first && first !== worst) {
            announce(first);
        }
        worst = first;
        onTrouble(failures(model).filter(cell => model.rows[cell.row].fresh).length);
        // Out of view nothing is asked, and an old number would be a wrong one.
        clearTimeout(forgetting);
        forgetting = setTimeout(() => onTrouble(0), 60_000);
    }

    function redraw() {
        if (!model) {
            return;
        }
        const large = Math.max(model.rows.length, model.columns.length) > MANY;
        const grouped = new Set(model.rows.map(row => row.group)).size > 1;
        byId('view').hidden = !grouped;
        const current = grouped ? (view ?? (large ? 'groups' : 'hosts')) : 'hosts';
        for (const input of byId('view').querySelectorAll('input')) {
            input.checked = input.value === current;
        }
        if (current === 'groups' && !inside) {
            drawGroups();
        } else {
            drawHosts();
        }
    }

    function drawGroups() {
        const all = groups(model);
        const names = all.names.map(name => ({ label: groupName(model.key, name), group: name }));
        shown = { groups: all };
        picture.draw({
            label: `Who asks (rows) against who is asked (columns), by ${model.key}`,
            text: true,
            rows: names,
            columns: names,
            cell: (r, c) => {
                const cell = all.at(r, c);
                return cell ? { code: cell.code, text: cell.failed ? `${cell.failed}/${cell.paths}` : String(cell.paths) } : null;
            },
            describe: (r, c) => describeGroup(all, r, c),
        });
    }

    function describeGroup(all, r, c) {
        const cell = all.at(r, c);
        const name = `${groupName(model.key, all.names[r])} asks ${groupName(model.key, all.names[c])}`;
        return !cell
            ? `${name}: no path is probed`
            : cell.failed
              ? `${name}: ${number(cell.failed)} of ${count(cell.paths, 'path')} fail: ` +
                [...cell.codes].map(([code, n]) => `${number(n)} ${outcomeText(code)}`).join(', ')
              : `${name}: ${cell.paths === 1 ? 'the only path works' : `all ${count(cell.paths, 'path')} work`}`;
    }

    function drawHosts() {
        const wanted = filter.value.trim().toLowerCase();
        const bad = onlyTrouble.checked ? failures(model) : null;
        const badRows = bad && new Set(bad.map(cell => cell.row));
        const badColumns = bad && new Set(bad.map(cell => cell.column));
        const [from, to] = inside ?? [null, null];
        const matches = one => one.label.toLowerCase().includes(wanted) || (one.name ?? '').toLowerCase().includes(wanted);
        let rows = [...model.rows.keys()].filter(r => (!bad || badRows.has(r)) && (from === null || model.rows[r].group === from));
        let columns = [...model.columns.keys()].filter(c => (!bad || badColumns.has(c)) && (to === null || model.columns[c].group === to));
        if (wanted) {
            // A host that matches is shown as asker and as asked, against all others.
            const hitRows = rows.filter(r => matches(model.rows[r]));
            const hitColumns = columns.filter(c => matches(model.columns[c]));
            if (hitRows.length && !hitColumns.length) {
                rows = hitRows;
            } else if (!hitRows.length) {
                columns = hitColumns;
            } else {
                const touched = new Set([...hitRows.flatMap(r => [...model.rows[r].cells.keys()]), ...hitColumns]);
                const askers = rows.filter(r => hitRows.includes(r) || hitColumns.some(c => model.rows[r].cells.has(c)));
                rows = askers;
                columns = columns.filter(c => touched.has(c));
            }
        }
        shown = { rows, columns };
        picture.draw({
            label: 'Who asks (rows) against who is asked (columns)',
            rows: rows.map(r => ({ label: model.rows[r].label, group: model.rows[r].group, faint: !model.rows[r].fresh })),
            columns: columns.map(c => model.columns[c]),
            cell: (r, c) => {
                const row = model.rows[rows[r]];
                if (row.column === columns[c]) {
                    return { code: 'ok', same: true };
                }
                const cell = row.cells.get(columns[c]);
                return cell ? { code: cell.code, mark: oneWay(model, cell), faint: !row.fresh } : null;
            },
            groupTitle: name => groupName(model.key, name),
            describe: (r, c) => describeCell(rows[r], columns[c]).join(' '),
        });
    }

    function open(r, c) {
        if (shown.groups) {
            inside = [shown.groups.names[r], shown.groups.names[c]];
            picture.reset();
            redraw();
        }
    }

    /** A path and its other direction, in sentences. */
    function describeCell(r, c) {
        const row = model.rows[r];
        const column = model.columns[c];
        if (!row || !column) {
            return ['There is nothing to show.'];
        }
        if (row.column === c) {
            return [`${row.label} does not ask itself.`];
        }
        const cell = row.cells.get(c);
        const back = cell ? reverse(model, cell) : model.rows[column.host]?.cells.get(row.column);
        const path = (from, to, one) =>
            !one
                ? `${from} does not ask ${to}.`
                : `${from} asks ${to}: ${outcomeText(one.code)}${
                      one.code === 'ok' ? `, p50 ${milliseconds(one.peer.rttMilliseconds?.p50)}` : one.peer.lastError ? ` (${one.peer.lastError})` : ''
                  }, ${percent(one.peer.lossPercent)} lost.`;
        const asked = column.label === column.name ? column.name : `${column.label} (${column.name})`;
        const old = row.fresh || row.age === null ? '' : ` As of ${duration(row.age)} ago.`;
        return [
            path(row.label, asked, cell) + old,
            column.host < 0 ? `${column.label} is not a host of this fleet: the other direction is not known.` : path(column.label, row.label, back),
        ];
    }

    function read(r, c) {
        const lines = shown?.groups ? [describeGroup(shown.groups, r, c), describeGroup(shown.groups, c, r)] : describeCell(shown?.rows[r], shown?.columns[c]);
        const back =
            inside && !shown?.groups
                ? el(
                      'button',
                      {
                          type: 'button',
                          class: 'small',
                          onclick: () => {
                              inside = null;
                              picture.reset();
                              redraw();
                          },
                      },
                      '‹ all groups',
                  )
                : null;
        const reading = byId('reading');
        if (reading.textContent !== [...lines, back ? back.textContent : ''].join('')) {
            reading.replaceChildren(...lines.map(line => el('p', null, line)), ...(back ? [back] : []));
        }
    }

    /** The text alternative: made only when somebody opens it. */
    function list() {
        if (!model) {
            return;
        }
        const failing = failures(model);
        setText(byId('failing').firstElementChild, failing.length ? `${count(failing.length, 'failing path')} as a list` : 'No path fails');
        if (!byId('failing').open) {
            return;
        }
        byId('failing-list').replaceChildren(
            ...failing.slice(0, LIST).map(cell => el('li', null, describeCell(cell.row, cell.column)[0])),
            ...(failing.length > LIST ? [el('li', { class: 'muted' }, `${number(failing.length - LIST)} more are not shown.`)] : []),
        );
    }

    return {
        refresh,
        /** Shows the section if the host has a fleet. */
        show(has) {
            if (has && section.hidden) {
                refresh(true);
            }
            section.hidden = !has;
            byId('fleet-link').hidden = !has;
        },
    };
}
