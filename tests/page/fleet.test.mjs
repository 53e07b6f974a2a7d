import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failures, findings, groups, labelKeys, matrix, oneWay, outcome, reverse } from '../../src/EchoHost/Http/Live/Page/fleet-model.js';

const letters = 'abcdefghijklmnop';
const port = name => `${name}:5555`;

/** Hosts a, b, c … who ask one another; fails(asker, asked) is a result, or undefined where it works, or null where it is not asked. */
function fleet(n, fails = () => undefined, { zone = () => undefined, broken = () => false } = {}) {
    const names = [...letters].slice(0, n);
    return names.map((name, i) => ({
        instance: name,
        labels: zone(name) ? { zone: zone(name) } : {},
        name: port(name),
        self: i === 0,
        ageSeconds: broken(name) ? 180 : 1,
        error: broken(name) ? 'refused' : null,
        peers: names
            .filter(other => other !== name && fails(name, other) !== null)
            .map(other => {
                const result = fails(name, other);
                return {
                    name: port(other),
                    state: !result ? 'up' : result === 'turnsAway' ? 'turnsAway' : result === 'unknown' ? 'unknown' : 'down',
                    lastResult: result === 'turnsAway' ? 'closed' : (result ?? 'ok'),
                    lastError: null,
                    lossPercent: 0,
                };
            }),
    }));
}
const texts = (hosts, key = '') => findings(matrix(hosts, key)).map(({ text }) => text.replaceAll('\u00a0', ' '));

test('all is well', () => {
    assert.deepEqual(texts(fleet(12)), ['All 132 paths work.']);
    assert.deepEqual(texts(fleet(2).map((host, i) => (i ? { ...host, peers: [] } : host))), ['The only path works.']);
    assert.deepEqual(texts([{ instance: 'a', self: true, peers: [] }]), ['No path has been probed yet.']);
    assert.deepEqual(texts(fleet(3, () => 'unknown')), ['No path has been probed yet.']);
});

test('a whole row is a host cut off', () => {
    assert.deepEqual(texts(fleet(12, asker => (asker === 'c' ? 'timeout' : undefined))), [
        'c is cut off: none of the 11 peers it asks answers.',
        '121 paths work, 11 paths fail.',
    ]);
});

test('a whole column is a host down', () => {
    assert.deepEqual(texts(fleet(12, (_, asked) => (asked === 'c' ? 'refused' : undefined))), [
        'c is down: none of the 11 hosts that ask it gets an answer.',
        '121 paths work, 11 paths fail.',
    ]);
});

test('a whole column that turns away is a guess', () => {
    assert.deepEqual(texts(fleet(4, (_, asked) => (asked === 'c' ? 'turnsAway' : undefined))), [
        'c turns connections away, perhaps draining or full: none of the 3 hosts that ask it gets an answer.',
        '9 paths work, 3 paths fail.',
    ]);
});

test('both ways', () => {
    assert.deepEqual(texts(fleet(6, (asker, asked) => (asker === 'c' || asked === 'c' ? 'unreachable' : undefined))), [
        'c is cut off both ways: none of the 5 peers it asks answers, and none of the 5 hosts that ask it gets an answer.',
        '20 paths work, 10 paths fail.',
    ]);
});

test('a dead host: its column fails, its last view is old', () => {
    const found = texts(fleet(4, (_, asked) => (asked === 'd' ? 'refused' : undefined), { broken: name => name === 'd' }));
    assert.deepEqual(found, [
        'd is down: none of the 3 hosts that ask it gets an answer.',
        '6 paths work, 3 paths fail.',
        'The view of d is 3 min old: refused.',
    ]);
});

test('the only view left can not tell who is to blame', () => {
    const found = texts(fleet(4, asker => (asker === 'a' ? 'timeout' : undefined), { broken: name => name !== 'a' }));
    assert.equal(found[0], "a is cut off, or all 3 peers it asks are down: none answers, and no other host's view of them is known.");
});

test('one survivor of four: the others are down, it is not cut off', () => {
    const found = texts(fleet(4, (asker, asked) => (asked === 'a' ? undefined : 'refused')));
    assert.deepEqual(
        found.filter(text => text.includes('cut off')),
        [],
    );
    assert.deepEqual(
        found.slice(0, 3).map(text => text.slice(0, 9)),
        ['b is down', 'c is down', 'd is down'],
    );
});

test('nothing gets through', () => {
    assert.deepEqual(texts(fleet(4, () => 'timeout')), ['Nothing gets through: all 12 paths fail.']);
});

test('one direction only', () => {
    const model = matrix(
        fleet(4, (asker, asked) => (asker === 'a' && asked === 'b' ? 'refused' : undefined)),
        '',
    );
    assert.equal(findings(model)[0].text, 'One way only: a gets no answer from b (refused), but b gets one from a.');
    const [cell] = failures(model);
    assert.equal(oneWay(model, cell), true);
    assert.equal(reverse(model, cell).code, 'ok');
    assert.equal(oneWay(model, reverse(model, cell)), true);
});

test('both directions of a pair are one sentence', () => {
    assert.equal(
        texts(fleet(4, (asker, asked) => (asker + asked === 'ab' ? 'refused' : asker + asked === 'ba' ? 'timeout' : undefined)))[0],
        'a and b do not reach each other (refused; back: timeout).',
    );
});

test('between groups', () => {
    const zone = name => ('ace'.includes(name) ? 'x' : 'y');
    const oneDirection = texts(
        fleet(6, (asker, asked) => (zone(asker) === 'x' && zone(asked) === 'y' ? 'timeout' : undefined), { zone }),
        'zone',
    );
    assert.equal(oneDirection[0], 'Nothing gets from zone x to zone y: all 9 paths fail. The other way all 9 work.');
    const both = texts(
        fleet(6, (asker, asked) => (zone(asker) !== zone(asked) ? 'timeout' : undefined), { zone }),
        'zone',
    );
    assert.equal(both[0], 'Nothing gets between zone x and zone y, either way: all 18 paths fail.');
    assert.equal(both.length, 2);
});

test('a host that is down does not make a group unreachable', () => {
    const zone = name => (name === 'd' ? 'y' : 'x');
    assert.deepEqual(
        texts(
            fleet(4, (_, asked) => (asked === 'd' ? 'refused' : undefined), { zone }),
            'zone',
        ).slice(0, 1),
        ['d is down: none of the 3 hosts that ask it gets an answer.'],
    );
});

test('many sentences are limited', () => {
    const found = texts(fleet(12, (asker, asked) => ((asker.charCodeAt(0) + asked.charCodeAt(0)) % 5 === 0 ? 'reset' : undefined)));
    assert.ok(found.length <= 9, `${found.length}`);
    assert.match(found[6], /^… and \d+ more such paths\.$/);
});

test('with Fanout, a column of three askers is enough', () => {
    const hosts = fleet(12, (asker, asked) => ((letters.indexOf(asked) - letters.indexOf(asker) + 12) % 12 > 3 ? null : asked === 'd' ? 'refused' : undefined));
    assert.equal(texts(hosts)[0], 'd is down: none of the 3 hosts that ask it gets an answer.');
});

test('an old view is shown, but nothing is concluded from it', () => {
    const model = matrix(
        fleet(4, (_, asked) => (asked === 'c' ? 'timeout' : undefined), { broken: name => name === 'b' }),
        '',
    );
    assert.equal(model.rows.find(row => row.label === 'b').fresh, false);
    assert.equal(failures(model).length, 3);
    assert.match(findings(model)[0].text, /none of the 2 hosts/);
});

test('the host that answers may not know its name', () => {
    const hosts = fleet(4);
    hosts[0].name = null;
    const model = matrix(hosts, '');
    assert.equal(model.columns[model.rows.findIndex(row => row.self)].name, port('a'));
    hosts[1].peers.push({ name: 'elsewhere:5555', state: 'up' });
    assert.equal(matrix(hosts, '').rows.find(row => row.self).name, null, 'two candidates: not known');
});

test('rows and columns have the same order, peers that are no hosts last', () => {
    const hosts = fleet(3, undefined, { zone: name => ({ a: 'z', b: 'y', c: 'y' })[name] });
    hosts[0].peers.push({ name: 'outside:7', state: 'up' });
    const model = matrix(hosts, 'zone');
    assert.deepEqual(
        model.rows.map(row => row.label),
        ['b', 'c', 'a'],
    );
    assert.deepEqual(
        model.columns.map(column => column.label),
        ['b', 'c', 'a', 'outside:7'],
    );
    assert.equal(groups(model).names.join(), ',y,z');
});

test('labels: zone first', () => {
    assert.deepEqual(labelKeys([{ labels: { node: '1', zone: 'a' } }, { labels: null }, { labels: { app: 'x' } }]), ['zone', 'app', 'node']);
});

test('two hosts of one instance name are told apart', () => {
    const hosts = fleet(2);
    hosts[1].instance = 'a';
    assert.deepEqual(
        matrix(hosts, '').rows.map(row => row.label),
        ['a (a:5555)', 'a (b:5555)'],
    );
});

test('outcomes', () => {
    assert.equal(outcome({ state: 'up', lastResult: 'ok' }), 'ok');
    assert.equal(outcome({ state: 'turnsAway', lastResult: 'closed' }), 'turnsAway');
    assert.equal(outcome({ state: 'down', lastResult: 'mismatch' }), 'mismatch');
    assert.equal(outcome({ state: 'unknown', lastResult: null }), 'unknown');
});

test('three hundred hosts with a full mesh', () => {
    const n = 300;
    const hosts = Array.from({ length: n }, (_, i) => ({
        instance: `h${i}`,
        labels: { zone: `z${i % 3}` },
        name: `h${i}:1`,
        self: i === 0,
        ageSeconds: 1,
        error: null,
        peers: Array.from({ length: n }, (_, j) => ({ name: `h${j}:1`, state: j === 7 ? 'down' : 'up', lastResult: j === 7 ? 'refused' : 'ok' })).filter(
            (_, j) => j !== i,
        ),
    }));
    assert.match(findings(matrix(hosts, 'zone'))[0].text, /^h7 is down: none of the 299 hosts/);
});
