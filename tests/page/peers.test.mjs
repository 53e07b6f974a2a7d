import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
    COLUMNS,
    columnText,
    columnTimes,
    lastColumns,
    merge,
    recent,
    remark,
    sorted,
    stateText,
    stateWord,
    stripText,
    summary,
} from '../../src/EchoHost/Http/Live/Page/peers-model.js';

const OK = [1, 1, 1, 0, 5];
const LOST = [null, null, null, 5, 5];
const peer = (name, state = 'up', more = {}) => ({ name, state, lastResult: state === 'up' ? 'ok' : 'refused', strip: { first: 0, columns: [OK] }, ...more });
const known = (...list) => {
    const peers = new Map();
    merge(peers, { all: true, peers: list });
    return peers;
};
const spaced = text => text.replaceAll('\u00a0', ' ');

test('an event with all replaces what was known', () => {
    const peers = known(peer('a'), peer('b'));
    merge(peers, { all: true, peers: [peer('b'), peer('c')] });
    assert.deepEqual([...peers.keys()], ['b', 'c']);
});

test('a peer that left and came back between two events begins a strip of its own', () => {
    const peers = known(peer('a', 'up', { probes: 500, strip: { first: 52, columns: [OK, OK] } }));
    merge(peers, { all: false, peers: [peer('a', 'up', { probes: 5, strip: { first: 0, columns: [LOST] } })], gone: [] });
    assert.deepEqual([...peers.get('a').columns], [[0, LOST]]);
});

test('an event with changes merges columns by their number', () => {
    const peers = known(peer('a', 'up', { strip: { first: 7, columns: [OK, [1, 1, 1, 0, 2]] } }), peer('b'));
    merge(peers, { all: false, peers: [peer('a', 'up', { strip: { first: 8, columns: [LOST, OK] } })], gone: ['b'] });
    assert.deepEqual(
        [...peers.get('a').columns],
        [
            [7, OK],
            [8, LOST],
            [9, OK],
        ],
    );
    assert.equal(peers.has('b'), false);
});

test('never more than 48 columns', () => {
    const peers = known(peer('a'));
    for (let i = 1; i < 500; i++) {
        merge(peers, { all: false, peers: [peer('a', 'up', { strip: { first: i, columns: [OK] } })] });
    }
    assert.equal(peers.get('a').columns.size, COLUMNS);
    assert.equal(lastColumns(peers.get('a')).at(-1).number, 499);
});

test('a peer without columns, and one with few', () => {
    const peers = known(peer('a', 'unknown', { strip: { first: 0, columns: [] } }), peer('b'));
    assert.equal(lastColumns(peers.get('a')).length, COLUMNS);
    assert.equal(lastColumns(peers.get('b')).filter(({ column }) => column).length, 1);
    assert.equal(stripText(peers.get('a'), 5), 'no probes yet');
});

test('tells which states changed', () => {
    const peers = known(peer('a'), peer('b'));
    assert.deepEqual(merge(peers, { all: false, peers: [peer('a', 'down'), peer('b')] }), [{ name: 'a', from: 'up', to: 'down' }]);
});

test('troubled peers come first, then by name', () => {
    const peers = known(
        peer('host-10'),
        peer('host-9'),
        peer('z', 'down'),
        peer('y', 'turnsAway'),
        peer('x', 'unknown'),
        peer('w', 'up', { strip: { first: 0, columns: [[1, 1, 1, 1, 5]] } }),
    );
    assert.deepEqual(
        sorted(peers).map(p => p.name),
        ['z', 'y', 'w', 'x', 'host-9', 'host-10'],
    );
    assert.deepEqual(
        sorted(peers, 'HOST').map(p => p.name),
        ['host-9', 'host-10'],
    );
    assert.deepEqual(
        sorted(peers, 'down').map(p => p.name),
        ['z'],
    );
    assert.deepEqual(
        sorted(peers, 'unsteady').map(p => p.name),
        ['w'],
    );
});

test('states in words', () => {
    const now = Date.parse('2026-11-26T10:10:00Z');
    const since = '2026-11-26T10:06:30Z';
    const [up, down, away, unknown] = [
        ...known(
            peer('a', 'up', { since }),
            peer('b', 'down', { since, lastError: 'Connection refused' }),
            peer('c', 'turnsAway', { since, lastResult: 'closed' }),
            peer('d', 'unknown', { since: null, lastResult: null }),
        ).values(),
    ];
    assert.equal(spaced(stateText(up, now)), 'up for 3 min');
    assert.equal(spaced(stateText(down, now)), 'down for 3 min: refused');
    assert.equal(remark(down), 'Connection refused');
    assert.equal(spaced(stateText(away, now)), 'turns connections away for 3 min');
    assert.equal(remark(away), 'may be draining or full: closed');
    assert.equal(stateText(unknown, now), 'not probed yet');
    assert.equal(stateWord(unknown), 'not known');
});

test('only recent loss counts', () => {
    const columns = [LOST, ...Array(6).fill(OK)];
    assert.deepEqual(recent(known(peer('a', 'up', { strip: { first: 0, columns } })).get('a')), { lost: 0, probes: 30 });
});

test('one sentence for all', () => {
    assert.deepEqual(summary(known(peer('a'), peer('b'))), { trouble: 0, text: 'All 2 peers are up.' });
    assert.deepEqual(summary(known(peer('a'), peer('b', 'down'), peer('c', 'turnsAway'))), {
        trouble: 2,
        text: '3 peers: 1 down, 1 turns connections away, 1 up.',
    });
});

test('a column in words', () => {
    const ms = v => `${v} ms`;
    assert.equal(columnText([0.3, 0.2, 1, 0, 5], ms), 'median 0.3 ms, 0.2 ms to 1 ms, none of 5 lost');
    assert.equal(spaced(columnText([0.3, 0.2, 1, 1, 5], ms)), 'median 0.3 ms, 0.2 ms to 1 ms, 1 of 5 lost (20 %)');
    assert.equal(columnText(LOST, ms), 'all 5 lost');
    assert.equal(columnText(undefined, ms), 'no probe');
});

test('the times of columns count back from the last probe', () => {
    const p = known(peer('a', 'up', { lastProbe: '2026-11-26T10:00:00Z', strip: { first: 0, columns: [OK, [1, 1, 1, 0, 2]] } })).get('a');
    const seconds = index => {
        const { from, to } = columnTimes(p, index, 10, 5);
        return [from, to].map(t => (t - Date.parse(p.lastProbe)) / 1000);
    };
    assert.deepEqual(seconds(COLUMNS - 1), [-10, 0]);
    assert.deepEqual(seconds(COLUMNS - 2), [-60, -20]);
});
