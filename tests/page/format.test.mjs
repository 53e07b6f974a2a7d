import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as format from '../../src/EchoHost/Http/Live/Page/format.js';

/** With ordinary spaces, which are easier to read here. */
const spaced = text => text.replaceAll('\u00a0', ' ');

function each(name, call, cases) {
    test(name, () => {
        for (const [value, expected] of cases) {
            assert.equal(spaced(call(value)), expected, `of ${value}`);
        }
    });
}

each('sizes are decimal, with three digits that count', format.bytes, [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [1234, '1.23 kB'],
    [12_340, '12.3 kB'],
    [123_400, '123 kB'],
    [999_999, '1.00 MB'],
    [1.2e9, '1.20 GB'],
    [2 ** 53, '9.01 PB'],
    [null, '–'],
    [undefined, '–'],
    [NaN, '–'],
]);
each('large figures are shortened only when they would not fit', format.figure, [
    [0, '0'],
    [12_345, '12,345'],
    [99_999, '99,999'],
    [100_000, '100 k'],
    [1_234_567, '1.23 M'],
    [null, '–'],
]);
each('times of a network', format.milliseconds, [
    [0, '0 ms'],
    [0.043, '43 µs'],
    [0.5, '500 µs'],
    [0.9996, '1.00 ms'],
    [1.254, '1.25 ms'],
    [48.21, '48.2 ms'],
    [137.4, '137 ms'],
    [999.4, '999 ms'],
    [1500, '1.50 s'],
    [30_000, '30.0 s'],
    [null, '–'],
]);
each('shares never hide what is lost', format.percent, [
    [0, '0 %'],
    [0.001, '<0.01 %'],
    [0.03, '0.03 %'],
    [0.5, '0.5 %'],
    [3.3, '3.3 %'],
    [12.4, '12 %'],
    [99.7, '99 %'],
    [100, '100 %'],
    [null, '–'],
]);
each('durations have at most two units', format.duration, [
    [-1, '0 s'],
    [0.4, '0 s'],
    [12.9, '12 s'],
    [60, '1 min'],
    [200, '3 min 20 s'],
    [7500, '2 h 5 min'],
    [3600, '1 h'],
    [86_400, '1 d'],
    [273_600, '3 d 4 h'],
    [NaN, '–'],
]);
each('rough durations do not change each second', format.roughly, [
    [12, '12 s'],
    [200, '3 min'],
    [7500, '2 h 5 min'],
    [40_000, '11 h'],
]);

test('faults in words', () => {
    assert.equal(format.fault('delay', '200ms'), 'delay 200ms');
    assert.equal(format.fault('resetAfterBytes', 1000), 'reset after 1000 bytes');
    assert.equal(format.fault('silent', true), 'silent');
    assert.equal(format.fault('networks', ['10.0.0.0/8', '::1']), 'networks 10.0.0.0/8, ::1');
    assert.equal(spaced(format.fault('share', 0.25)), 'for 25 % of the connections');
    assert.equal(format.fault('bytesPerSecond', 100), '100 bytes a second');
    assert.equal(format.fault('delay'), 'delay');
});

test('what could disguise a text is made visible', () => {
    assert.equal(format.plain('a\u202egnp.exe'), 'a⟨U+202E⟩gnp.exe');
    assert.equal(format.plain('a\nb\u0000\u200b'), 'a⟨U+000A⟩b⟨U+0000⟩⟨U+200B⟩');
    assert.equal(format.plain('<img src=x> Zürich 🦊'), '<img src=x> Zürich 🦊');
    assert.equal(format.plain(null), '');
    assert.equal(format.plain(5), '5');
});

test('an unknown result is shown as it is', () => {
    assert.equal(format.result('refused'), 'refused');
    assert.equal(format.result('new-kind'), 'new-kind');
    assert.equal(format.result(null), 'not probed yet');
});
