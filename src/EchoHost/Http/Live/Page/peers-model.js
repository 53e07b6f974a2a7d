// What is known of the peers, from the events "peers", and the order and words in which they are shown. No DOM here.

import { percent, result, roughly } from './format.js';

export const COLUMNS = 48;

/** A number of lost probes counts as recent within so many columns. */
const RECENT = 6;

/**
 * Merges an event into the peers known. A peer's columns are kept by their numbers, in a Map, the last 48 of them.
 * @returns {{name: string, from: string, to: string}[]} the peers whose state changed
 */
export function merge(peers, event) {
    if (!Array.isArray(event.peers) || event.peers.some(peer => typeof peer?.name !== 'string')) {
        throw new TypeError('peers without names');
    }
    const changes = [];
    const seen = new Set();
    for (const peer of event.peers) {
        const before = peers.get(peer.name);
        // Fewer probes than before: the peer left and came back in between, and counts from the start.
        const columns = event.all || !before || peer.probes < before.probes ? new Map() : before.columns;
        (peer.strip?.columns ?? []).forEach((column, i) => columns.set(peer.strip.first + i, column));
        const last = Math.max(...columns.keys());
        for (const number of columns.keys()) {
            if (number <= last - COLUMNS) {
                columns.delete(number);
            }
        }
        peers.set(peer.name, { ...peer, strip: null, columns, version: (before?.version ?? 0) + 1 });
        seen.add(peer.name);
        if (before && before.state !== peer.state) {
            changes.push({ name: peer.name, from: before.state, to: peer.state });
        }
    }
    for (const name of event.all ? [...peers.keys()].filter(name => !seen.has(name)) : (event.gone ?? [])) {
        peers.delete(name);
    }
    return changes;
}

/** The last 48 columns with their numbers, oldest first; undefined where there is none. */
export function lastColumns(peer) {
    const last = peer.columns.size ? Math.max(...peer.columns.keys()) : -1;
    return Array.from({ length: COLUMNS }, (_, i) => ({ number: last - COLUMNS + 1 + i, column: peer.columns.get(last - COLUMNS + 1 + i) }));
}

/** Lost and made probes of the last few columns. */
export function recent(peer) {
    const totals = { lost: 0, probes: 0 };
    for (const { column } of lastColumns(peer).slice(-RECENT)) {
        totals.lost += column?.[3] ?? 0;
        totals.probes += column?.[4] ?? 0;
    }
    return totals;
}

/** 0 is the worst: down, turns away, loses probes, not known, up. */
export function rank(peer) {
    return peer.state === 'down' ? 0 : peer.state === 'turnsAway' ? 1 : peer.state === 'up' ? (recent(peer).lost > 0 ? 2 : 4) : 3;
}

const byName = new Intl.Collator('en', { numeric: true }).compare;

/** The peers that match a filter: troubled ones first, then by name. */
export function sorted(peers, filter = '') {
    const wanted = filter.trim().toLowerCase();
    return [...peers.values()]
        .filter(peer => !wanted || peer.name.toLowerCase().includes(wanted) || stateWord(peer).includes(wanted) || (peer.lastResult ?? '').includes(wanted))
        .map(peer => [rank(peer), peer])
        .sort((a, b) => a[0] - b[0] || byName(a[1].name, b[1].name))
        .map(([, peer]) => peer);
}

export function stateWord(peer) {
    return { up: recent(peer).lost ? 'unsteady' : 'up', down: 'down', turnsAway: 'turns away' }[peer.state] ?? 'not known';
}

/** The state of a peer in words, at a time of the host's clock in milliseconds. */
export function stateText(peer, now) {
    const since = peer.since ? (now - Date.parse(peer.since)) / 1000 : NaN;
    const lasting = Number.isFinite(since) ? ` for ${roughly(since)}` : '';
    switch (peer.state) {
        case 'up':
            return `up${lasting}`;
        case 'down':
            return `down${lasting}: ${result(peer.lastResult)}`;
        case 'turnsAway':
            return `turns connections away${lasting}`;
        default:
            return 'not probed yet';
    }
}

/** What is to be said besides the state; '' if nothing. */
export function remark(peer) {
    if (peer.state === 'up') {
        const { lost, probes } = recent(peer);
        return lost ? `lost ${lost} of the last ${probes} probes` : '';
    }
    return peer.state === 'turnsAway' ? `may be draining or full: ${peer.lastError ?? result(peer.lastResult)}` : (peer.lastError ?? '');
}

/** One sentence over all of them. */
export function summary(peers) {
    const counts = { up: 0, down: 0, turnsAway: 0, unknown: 0 };
    for (const peer of peers.values()) {
        counts[peer.state in counts ? peer.state : 'unknown']++;
    }
    const total = peers.size;
    if (counts.up === total) {
        return { trouble: 0, text: total === 1 ? 'The peer is up.' : `All ${total} peers are up.` };
    }
    const parts = [
        counts.down && `${counts.down} down`,
        counts.turnsAway && `${counts.turnsAway} ${counts.turnsAway === 1 ? 'turns' : 'turn'} connections away`,
        counts.unknown && `${counts.unknown} not probed yet`,
        `${counts.up} up`,
    ].filter(Boolean);
    return { trouble: counts.down + counts.turnsAway, text: `${total === 1 ? '1 peer' : `${total.toLocaleString('en-GB')} peers`}: ${parts.join(', ')}.` };
}

/** A column in words. */
export function columnText(column, format) {
    if (!column || !column[4]) {
        return 'no probe';
    }
    const [median, min, max, lost, probes] = column;
    const loss =
        lost === 0 ? `none of ${probes} lost` : lost === probes ? `all ${probes} lost` : `${lost} of ${probes} lost (${percent((100 * lost) / probes)})`;
    return median === null ? loss : `median ${format(median)}, ${format(min)} to ${format(max)}, ${loss}`;
}

/** When a column's probes were made, in milliseconds: about, as the probes of an interval are spread. */
export function columnTimes(peer, index, intervalSeconds, columnProbes) {
    const columns = lastColumns(peer);
    const last = columns.at(-1).column;
    const probesAfter = index === COLUMNS - 1 ? 0 : (last?.[4] ?? columnProbes) + (COLUMNS - 2 - index) * columnProbes;
    const to = Date.parse(peer.lastProbe) - probesAfter * intervalSeconds * 1000;
    return { from: to - ((columns[index].column?.[4] ?? columnProbes) - 1) * intervalSeconds * 1000, to };
}

/** "The last 48 columns of 5 probes: 2 with loss, 1 all lost." for those who do not see the strip. */
export function stripText(peer, columnProbes) {
    const columns = lastColumns(peer)
        .map(({ column }) => column)
        .filter(column => column?.[4]);
    if (!columns.length) {
        return 'no probes yet';
    }
    const lossy = columns.filter(column => column[3] > 0 && column[3] < column[4]).length;
    const lost = columns.filter(column => column[3] === column[4]).length;
    return `last ${columns.length} columns of ${columnProbes} probes: ${lossy || 'none'} with loss, ${lost || 'none'} all lost`;
}
