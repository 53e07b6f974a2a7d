// Numbers, sizes and times as people write them. No DOM here, so that tests can run it anywhere.
// The page is in English whatever the browser's language, so its numbers and times are written in the English way, too.

const whole = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });
const clockFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

/** For a value that is not known. */
export const NONE = '–';

const known = value => typeof value === 'number' && Number.isFinite(value);

/** Three digits that count: 1.23, 12.3, 123. */
const three = value => value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);

function scaled(value, units, step = 1000) {
    let unit = 0;
    while (unit < units.length - 1 && value >= step * 0.9995) {
        value /= step;
        unit++;
    }
    return [unit === 0 ? whole.format(value) : three(value), units[unit]];
}

/** 12,345 */
export const number = value => (known(value) ? whole.format(value) : NONE);

/** A number for a large figure: 12,345, then 123 k and 1.23 M. */
export function figure(value) {
    if (!known(value)) {
        return NONE;
    }
    return value < 99_999.5 ? whole.format(value) : scaled(value, ['', 'k', 'M', 'G', 'T']).join('\u00a0');
}

/** A size in decimal units: 1.23 MB is 1,230,000 bytes. */
export const bytes = value => (known(value) ? scaled(value, ['B', 'kB', 'MB', 'GB', 'TB', 'PB']).join('\u00a0') : NONE);

/** 1.23 MB/s */
export const byteRate = value => (known(value) ? `${bytes(value)}/s` : NONE);

/** A time of a network, given in milliseconds: 43 µs, 1.25 ms, 48.2 ms, 1.5 s. */
export function milliseconds(value) {
    if (!known(value)) {
        return NONE;
    }
    if (value >= 999.5) {
        return `${(value / 1000).toFixed(value < 9995 ? 2 : 1)}\u00a0s`;
    }
    return value > 0 && value < 0.9995 ? `${Math.round(value * 1000)}\u00a0µs` : `${value === 0 ? '0' : three(value)}\u00a0ms`;
}

/** 0 %, 0.03 %, 12 % */
export function percent(value) {
    if (!known(value)) {
        return NONE;
    }
    if (value > 0 && value < 0.01) {
        return '<0.01\u00a0%';
    }
    // Never 100 % while something is left, nor 0 % while something is lost.
    const text = value >= 10 ? String(Math.min(Math.round(value), value < 100 ? 99 : 100)) : value.toFixed(value < 1 ? 2 : 1).replace(/\.?0+$/, '');
    return `${text || '0'}\u00a0%`;
}

/** How long something took or lasts, in at most two units: 12 s, 3 min 20 s, 2 h 5 min, 3 d 4 h. */
export function duration(seconds) {
    if (!known(seconds)) {
        return NONE;
    }
    const s = Math.max(0, Math.floor(seconds));
    if (s < 60) {
        return `${s}\u00a0s`;
    }
    const [big, small, large, little] =
        s < 3600
            ? [Math.floor(s / 60), s % 60, 'min', 's']
            : s < 86_400
              ? [Math.floor(s / 3600), Math.floor((s % 3600) / 60), 'h', 'min']
              : [Math.floor(s / 86_400), Math.floor((s % 86_400) / 3600), 'd', 'h'];
    return `${whole.format(big)}\u00a0${large}${small ? ` ${small}\u00a0${little}` : ''}`;
}

/** As {@link duration}, but in one unit from a minute on, for sentences that would change each second. */
export function roughly(seconds) {
    return known(seconds) ? duration(seconds < 60 ? seconds : seconds < 36_000 ? seconds - (seconds % 60) : seconds - (seconds % 3600)) : NONE;
}

/** 10:05:09 in the reader's time zone. */
export const clock = time => (Number.isFinite(+time) ? clockFormat.format(time) : NONE);

/** 26 Nov 2026, 10:05:09 in the reader's time zone. */
export const moment = time => (Number.isFinite(+time) ? `${dayFormat.format(time)}, ${clockFormat.format(time)}` : NONE);

/** "1 peer", "2 peers" */
export const count = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;

/** "delay 200ms" and "reset after 1000 bytes" from the keys and values of faults. */
export function fault(key, value) {
    const words = key.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`);
    const list = Array.isArray(value) ? value.join(', ') : value;
    if (value === true || value === undefined) {
        return words;
    }
    return / bytes$/.test(words)
        ? `${words.slice(0, -6)} ${list} bytes`
        : key === 'bytesPerSecond'
          ? `${list} bytes a second`
          : key === 'corruptEvery'
            ? `corrupt every ${list} bytes`
            : key === 'share'
              ? `for ${percent(100 * value)} of the connections`
              : `${words} ${list}`;
}

/** "unique id" from "uniqueId" */
export const words = key => key.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`);

/** What a probe's result means, for sentences. The names are those of the metrics and of /peers. */
const RESULTS = {
    ok: 'answers',
    refused: 'refused',
    unreachable: 'unreachable',
    timeout: 'timeout',
    closed: 'closed',
    reset: 'reset',
    mismatch: 'other bytes',
    tls: 'TLS failed',
    dns: 'no address',
    local: 'could not try',
};

export const result = name => (name == null ? 'not probed yet' : (RESULTS[name] ?? String(name)));

/**
 * Text from elsewhere, such as a label or a TLS name, with what could disguise it made visible: control characters, and
 * those that change the direction of the text or have no width.
 */
export const plain = text =>
    String(text ?? '').replace(
        /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
        c => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
    );
