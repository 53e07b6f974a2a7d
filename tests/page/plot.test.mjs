import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areaPath, axisMax, bars, linePath, niceMax } from '../../src/EchoHost/Http/Live/Page/plot.js';
import { stripPaths } from '../../src/EchoHost/Http/Live/Page/strip.js';

test('round numbers', () => {
    for (const [value, expected] of [
        [0, 1],
        [1, 1],
        [1.1, 2],
        [7, 8],
        [8.1, 10],
        [10, 10],
        [11, 20],
        [0.03, 0.03],
        [0.031, 0.04],
        [999, 1000],
        [NaN, 1],
    ]) {
        assert.ok(Math.abs(niceMax(value) - expected) < 1e-9, `${value}: ${niceMax(value)}`);
    }
});

test('an axis grows at once and shrinks late', () => {
    assert.equal(axisMax(0, 3, 5), 5);
    assert.equal(axisMax(5, 9), 10);
    assert.equal(axisMax(10, 4), 10, 'two fifths of it are still used');
    assert.equal(axisMax(10, 3), 4);
});

test('gaps are gaps', () => {
    assert.equal(linePath([0, 10, null, 5], 4, 100, 10), 'M0.5 100L1.5 0M3.5 50h0.9');
    assert.equal(linePath([null, null], 4, 100, 10), '');
    assert.equal(areaPath([0, 10, null, 5], 4, 100, 10), 'M0.5 100L0.5 100L1.5 0L1.5 100ZM3.5 100L3.5 50L3.5 100Z');
});

test('fewer values than slots stand at the right', () => {
    assert.equal(linePath([10, 10], 10, 100, 10), 'M8.5 0L9.5 0');
});

test('bars are aligned to the right', () => {
    assert.deepEqual(bars([1, 2, 3, null, 5], 6, 2), [1, 5, 5]);
    assert.deepEqual(bars([], 4, 2), [0, 0]);
});

test('a strip: median, spread, and loss as long as its share', () => {
    const paths = stripPaths([undefined, [1, 0.5, 2, 0, 5], [1, 1, 1, 2, 5], [null, null, null, 5, 5]], 6, 30);
    assert.equal(paths.max, 2);
    assert.equal(paths.none.match(/M/g).length, 1);
    assert.equal(paths.median.match(/M/g).length, 2);
    assert.equal(paths.loss, 'M12.5 0h5v12h-5ZM18.5 0h5v30h-5Z');
});

test('a strip without any answer has no scale to speak of', () => {
    const paths = stripPaths([[null, null, null, 5, 5]]);
    assert.equal(paths.median, '');
    assert.ok(paths.loss);
});
