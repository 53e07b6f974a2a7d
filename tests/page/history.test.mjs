import assert from 'node:assert/strict';
import { test } from 'node:test';
import { History, minutes, range, SLOTS, sum } from '../../src/EchoHost/Http/Live/Page/history.js';

const at = second => new Date(Date.UTC(2026, 10, 26, 10, 0, 0) + second * 1000).toISOString();
const sample = (second, n, rejected = {}) => ({ time: at(second), connections: n, messages: n, received: n, sent: n, rejected });

function filled(...seconds) {
    const history = new History();
    seconds.forEach(second => history.add(sample(second, second)));
    return history;
}

test('takes the history of the host, oldest first', () => {
    const history = new History();
    history.reset({
        end: at(3),
        intervalSeconds: 1,
        connections: [1, 2, 3],
        messages: [4, 5, 6],
        received: [7, 8, 9],
        sent: [7, 8, 9],
        rejected: { limit: [0, 1, 0] },
    });
    assert.deepEqual(history.connections, [1, 2, 3]);
    assert.deepEqual(history.rejected.limit, [0, 1, 0]);
    assert.deepEqual(history.rejected.tls, [0, 0, 0], 'a reason that is left out did not occur');
    assert.equal(history.timeOf(0), Date.parse(at(1)));
    assert.equal(history.indexOf(Date.parse(at(2))), 1);
    assert.equal(history.indexOf(Date.parse(at(9))), -1);
});

test('lists of other lengths are filled with gaps', () => {
    const history = new History();
    history.reset({ end: at(3), connections: [1, 2, 3], messages: [6], received: [], rejected: {} });
    assert.deepEqual(history.messages, [null, null, 6]);
    assert.deepEqual(history.sent, [null, null, null]);
});

test('missing seconds are a gap', () => {
    assert.deepEqual(filled(1, 2, 5).connections, [1, 2, null, null, 5]);
    assert.deepEqual(filled(1, 2, 5).rejected.limit, [0, 0, null, null, 0]);
});

test('a sample that comes early or late is no gap', () => {
    assert.deepEqual(filled(1, 2.4, 3.1, 4.5).connections, [1, 2.4, 3.1, 4.5]);
});

test('a sample that came late and one in time are two seconds', () => {
    assert.deepEqual(filled(1, 2.49, 2.98, 4).connections, [1, 2.49, 2.98, 4]);
});

test('a clock that is set back is the next entry', () => {
    assert.deepEqual(filled(100, 101, 5, 6).connections, [100, 101, 5, 6]);
});

test('never more than ten minutes', () => {
    const history = new History();
    for (let i = 0; i < 700; i++) {
        history.add(sample(i, i));
    }
    assert.equal(history.length, SLOTS);
    assert.equal(history.connections[0], 100);
    history.add(sample(1_000_000, 1));
    assert.equal(history.length, SLOTS);
    assert.equal(history.connections.filter(v => v !== null).length, 1);
});

test('a sample without a time is refused, and changes nothing', () => {
    const history = filled(1);
    assert.throws(() => history.add({ connections: 1 }), TypeError);
    assert.equal(history.length, 1);
});

test('ranges and sums leave out gaps', () => {
    assert.deepEqual(range([null, 3, 1, null]), { min: 1, max: 3 });
    assert.equal(range([null]), null);
    assert.equal(sum([null, 3, 1]), 4);
});

test('the table has a row a minute, the last one ends now', () => {
    const history = new History();
    for (let i = 1; i <= 130; i++) {
        history.add(sample(i, 2, i === 130 ? { limit: 5 } : {}));
    }
    const rows = minutes(history);
    assert.deepEqual(
        rows.map(row => row.messages),
        [20, 120, 120],
    );
    assert.deepEqual(
        rows.map(row => row.rejected),
        [0, 0, 5],
    );
    assert.equal(rows.at(-1).end, Date.parse(at(130)));
});
