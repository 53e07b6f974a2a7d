// The fleet as a matrix, and what it means in sentences. A row is a host that asks, a column a peer that is asked. No DOM here.

import { count, result, roughly } from './format.js';

const compare = new Intl.Collator('en', { numeric: true }).compare;

/**
 * One path's outcome: 'ok', 'turnsAway', a result of a failed probe, or 'unknown' before the first.
 * @returns {string}
 */
export function outcome(peer) {
    switch (peer.state) {
        case 'up':
            return 'ok';
        case 'turnsAway':
            return 'turnsAway';
        case 'down':
            return peer.lastResult && peer.lastResult !== 'ok' ? peer.lastResult : 'local';
        default:
            return 'unknown';
    }
}

/** An outcome in words. */
export const outcomeText = code => (code === 'turnsAway' ? 'turned away' : code === 'unknown' ? 'not probed yet' : result(code));

/** The keys of all labels, those that make good groups first. */
export function labelKeys(hosts) {
    const keys = new Set(hosts.flatMap(host => Object.keys(host.labels ?? {})));
    return [...keys].sort((a, b) => (b === 'zone') - (a === 'zone') || compare(a, b));
}

/** A name for a sentence: no instance is allowed to fill the page. */
const short = name => (name.length > 60 ? `${name.slice(0, 57)}…` : name);

/**
 * Makes the matrix of an answer of /fleet.
 * @param {string} key the label by which rows and columns are grouped; '' for no groups
 */
export function matrix(hosts, key) {
    const selfName = nameOfSelf(hosts);
    const groupOf = host => (key ? String(host.labels?.[key] ?? '') : '');
    const seen = new Map();
    for (const host of hosts) {
        seen.set(host.instance, (seen.get(host.instance) ?? 0) + 1);
    }
    const rows = hosts
        .map(host => {
            const name = host.name ?? (host.self ? selfName : null);
            const label = short(host.instance == null ? (name ?? '?') : seen.get(host.instance) > 1 && name ? `${host.instance} (${name})` : host.instance);
            return {
                name,
                label,
                group: groupOf(host),
                self: host.self === true,
                error: host.error ?? null,
                age: host.ageSeconds ?? null,
                cells: new Map(),
                peers: host.peers ?? [],
            };
        })
        .sort((a, b) => compare(a.group, b.group) || compare(a.label, b.label));

    const rowOf = new Map(rows.map((row, i) => [row.name, i]));
    const names = new Set(rows.flatMap(row => row.peers.map(peer => peer.name)));
    const columns = [...names]
        .map(name => {
            const host = rowOf.get(name) ?? -1;
            return { name, host, label: host < 0 ? short(name) : rows[host].label, group: host < 0 ? '' : rows[host].group };
        })
        .sort((a, b) => (a.host < 0) - (b.host < 0) || a.host - b.host || compare(a.name, b.name));
    const columnOf = new Map(columns.map((column, i) => [column.name, i]));
    rows.forEach((row, r) => {
        row.column = columnOf.get(row.name) ?? -1;
        // The last view of a host that no longer answers is shown, but nothing is concluded from it.
        row.fresh = (row.error === null && row.age !== null) || row.self;
        for (const peer of row.peers) {
            row.cells.set(columnOf.get(peer.name), { code: outcome(peer), peer, row: r, column: columnOf.get(peer.name) });
        }
    });
    return { key, rows, columns };
}

/**
 * The host that answers may not know by which name the others ask it. It is the name that others ask, that it does not ask itself,
 * and that no other host has, if there is just one.
 */
function nameOfSelf(hosts) {
    const self = hosts.find(host => host.self);
    const others = hosts.filter(host => host !== self);
    if (!self || self.name || others.some(host => !host.name)) {
        return null;
    }
    const taken = new Set([...others.map(host => host.name), ...(self.peers ?? []).map(peer => peer.name)]);
    const names = new Set(others.flatMap(host => (host.peers ?? []).map(peer => peer.name)).filter(name => !taken.has(name)));
    return names.size === 1 ? [...names][0] : null;
}

/** The path in the other direction; undefined if no host probes it. */
export function reverse({ rows, columns }, cell) {
    const back = rows[columns[cell.column].host];
    return back?.cells.get(rows[cell.row].column);
}

const failed = cell => cell.code !== 'ok' && cell.code !== 'unknown';

/** A failing path whose other direction works, or the other way about. */
export function oneWay(model, cell) {
    const back = reverse(model, cell);
    return back !== undefined && back.code !== 'unknown' && cell.code !== 'unknown' && failed(back) !== failed(cell);
}

/** All failing paths, those known from an old view last. */
export function failures(model) {
    return model.rows
        .flatMap(row => [...row.cells.values()].filter(failed))
        .sort((a, b) => model.rows[b.row].fresh - model.rows[a.row].fresh || a.row - b.row || a.column - b.column);
}

/** The paths between each two groups: how many there are, how many of them fail, and the most frequent failure. */
export function groups(model) {
    const names = [...new Set([...model.rows, ...model.columns].map(one => one.group))].sort(compare);
    const cells = new Map();
    for (const row of model.rows) {
        for (const cell of row.cells.values()) {
            const id = `${names.indexOf(row.group)} ${names.indexOf(model.columns[cell.column].group)}`;
            const group = cells.get(id) ?? { paths: 0, failed: 0, codes: new Map() };
            group.paths++;
            if (failed(cell)) {
                group.failed++;
                group.codes.set(cell.code, (group.codes.get(cell.code) ?? 0) + 1);
            }
            cells.set(id, group);
        }
    }
    for (const group of cells.values()) {
        group.code = group.failed ? [...group.codes].sort((a, b) => b[1] - a[1])[0][0] : 'ok';
    }
    return { names, at: (r, c) => cells.get(`${r} ${c}`) };
}

/** "zone a", where the label does not say that already, or what stands for the lack of a label. */
export const groupName = (key, group) => (group === '' ? `no ${key}` : group.startsWith(key) ? group : `${key} ${group}`);

/** How many sentences of one kind are said before "and 7 more". */
const MOST = 6;

/**
 * What the matrix means: whole rows, whole columns, whole groups, then single paths.
 * @returns {{level: 'good'|'warn'|'bad', text: string}[]} the gravest first
 */
export function findings(model) {
    const { rows, columns, key } = model;
    const paths = rows.filter(row => row.fresh).flatMap(row => [...row.cells.values()].filter(cell => cell.code !== 'unknown'));
    const failing = paths.filter(failed);
    const said = [];
    if (paths.length === 0) {
        said.push({ level: 'warn', text: 'No path has been probed yet.' });
    } else if (failing.length === 0) {
        said.push({ level: 'good', text: paths.length === 1 ? 'The only path works.' : `All ${count(paths.length, 'path')} work.` });
    } else if (failing.length === paths.length && paths.length > 2 && rows.filter(row => row.fresh).length > 1) {
        said.push({ level: 'bad', text: `Nothing gets through: all ${count(paths.length, 'path')} fail.` });
    } else {
        said.push(...explain(model, paths, failing));
    }

    const old = rows.filter(row => !row.fresh);
    said.push(
        ...limited(
            old.map(row => ({
                level: 'warn',
                text:
                    row.age === null
                        ? `There is no view of ${row.label}: ${row.error ?? 'it has not answered yet'}.`
                        : `The view of ${row.label} is ${roughly(row.age)} old: ${row.error}.`,
            })),
            'view is missing or old',
            'views are missing or old',
        ),
    );
    return said;
}

function explain({ rows, columns, key }, paths, failing) {
    const ofRow = rows.map(() => []);
    const ofColumn = columns.map(() => []);
    for (const cell of paths) {
        ofRow[cell.row].push(cell);
        ofColumn[cell.column].push(cell);
    }
    const all = cells => cells.length > 1 && cells.every(failed);
    // A row is its host's fault if others reach a peer that it does not reach, and likewise a column.
    const cut = new Set([...rows.keys()].filter(r => all(ofRow[r]) && ofRow[r].some(cell => !all(ofColumn[cell.column]))));
    const down = new Set([...columns.keys()].filter(c => all(ofColumn[c]) && ofColumn[c].some(cell => !all(ofRow[cell.row]))));
    const bad = [];
    const warn = [];

    for (const r of cut) {
        const { label, column } = rows[r];
        const asked = ofRow[r].length;
        if (down.has(column)) {
            bad.push({
                level: 'bad',
                text:
                    `${label} is cut off both ways: none of the ${asked} peers it asks answers, ` +
                    `and none of the ${ofColumn[column].length} hosts that ask it gets an answer.`,
            });
        } else if (ofRow[r].some(cell => ofColumn[cell.column].length > 1)) {
            bad.push({ level: 'bad', text: `${label} is cut off: none of the ${asked} peers it asks answers.` });
        } else {
            bad.push({
                level: 'bad',
                text: `${label} is cut off, or all ${asked} peers it asks are down: none answers, and no other host's view of them is known.`,
            });
        }
    }
    for (const c of down) {
        if (cut.has(columns[c].host)) {
            continue;
        }
        const { label } = columns[c];
        const askers = `none of the ${ofColumn[c].length} hosts that ask it gets an answer`;
        if (ofColumn[c].every(cell => cell.code === 'turnsAway')) {
            warn.push({ level: 'warn', text: `${label} turns connections away, perhaps draining or full: ${askers}.` });
        } else {
            bad.push({ level: 'bad', text: `${label} is down: ${askers}.` });
        }
    }

    const rest = failing.filter(cell => !cut.has(cell.row) && !down.has(cell.column));
    const [blocked, between] = key
        ? betweenGroups(
              { rows, columns, key },
              paths.filter(cell => !cut.has(cell.row) && !down.has(cell.column)),
          )
        : [new Set(), []];
    bad.push(...between);

    const singles = [];
    const done = new Set();
    for (const cell of rest.filter(cell => !blocked.has(cell))) {
        if (done.has(cell)) {
            continue;
        }
        const asker = rows[cell.row].label;
        const asked = columns[cell.column].label;
        const back = reverse({ rows, columns }, cell);
        const fresh = back && rows[back.row].fresh;
        if (fresh && failed(back) && rest.includes(back)) {
            done.add(back);
            singles.push({
                level: 'bad',
                text:
                    `${asker} and ${asked} do not reach each other ` +
                    `(${outcomeText(cell.code)}${back.code === cell.code ? '' : `; back: ${outcomeText(back.code)}`}).`,
            });
        } else if (fresh && back.code === 'ok') {
            singles.push({
                level: 'bad',
                text: `One way only: ${asker} gets no answer from ${asked} (${outcomeText(cell.code)}), but ${asked} gets one from ${asker}.`,
            });
        } else {
            singles.push({ level: cell.code === 'turnsAway' ? 'warn' : 'bad', text: `${asker} gets no answer from ${asked}: ${outcomeText(cell.code)}.` });
        }
    }
    const works = paths.length - failing.length;
    return [
        ...limited(bad, 'such host or group', 'such hosts or groups'),
        ...limited(singles, 'such path', 'such paths'),
        ...limited(warn, 'such host', 'such hosts'),
        ...(works
            ? [
                  {
                      level: 'good',
                      text: `${count(works, 'path works', 'paths work')}, ${count(failing.length, 'path fails', 'paths fail')}.`,
                  },
              ]
            : []),
    ];
}

/** The paths that are blocked between whole groups, and the sentences that say so. */
function betweenGroups({ rows, columns, key }, paths) {
    const pairs = new Map();
    for (const cell of paths) {
        const from = rows[cell.row].group;
        // Peers that are no hosts of the fleet belong to no group.
        if (columns[cell.column].host < 0 || columns[cell.column].group === from) {
            continue;
        }
        const id = JSON.stringify([from, columns[cell.column].group]);
        pairs.set(id, [...(pairs.get(id) ?? []), cell]);
    }
    const blocked = id => pairs.get(id)?.length > 1 && pairs.get(id).every(failed);
    const cells = new Set();
    const said = [];
    for (const [id, between] of pairs) {
        if (!blocked(id)) {
            continue;
        }
        between.forEach(cell => cells.add(cell));
        const [from, to] = JSON.parse(id);
        const back = JSON.stringify([to, from]);
        const [a, b] = [groupName(key, from), groupName(key, to)];
        if (!blocked(back)) {
            const others = pairs.get(back);
            const works = others && !others.some(failed) ? ` The other way ${others.length === 1 ? 'the only one works' : `all ${others.length} work`}.` : '';
            said.push({ level: 'bad', text: `Nothing gets from ${a} to ${b}: all ${between.length} paths fail.${works}` });
        } else if (compare(from, to) < 0) {
            said.push({ level: 'bad', text: `Nothing gets between ${a} and ${b}, either way: all ${between.length + pairs.get(back).length} paths fail.` });
        }
    }
    return [cells, said];
}

function limited(sentences, one, many) {
    const more = sentences.length - MOST;
    return more > 1 ? [...sentences.slice(0, MOST), { level: sentences[MOST].level, text: `… and ${more} more ${more === 1 ? one : many}.` }] : sentences;
}
