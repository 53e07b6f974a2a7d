// The last ten minutes: one list of equal length for each figure, oldest first, null where nothing is known.

export const SLOTS = 600;
export const REASONS = ['limit', 'address_limit', 'draining', 'proxy', 'tls'];
const FIGURES = ['connections', 'messages', 'received', 'sent'];

const value = v => (typeof v === 'number' && Number.isFinite(v) ? v : null);

export class History {
    /** The time of the last entry, in milliseconds; NaN before the first event. */
    end = NaN;
    interval = 1;
    connections = [];
    messages = [];
    received = [];
    sent = [];
    rejected = Object.fromEntries(REASONS.map(reason => [reason, []]));

    get length() {
        return this.connections.length;
    }

    /** Takes the event "history", in place of everything before. */
    reset(event) {
        const end = Date.parse(event.end);
        if (!Number.isFinite(end)) {
            throw new TypeError('a history without an end');
        }
        this.end = end;
        this.interval = value(event.intervalSeconds) || 1;
        const length = Math.min(SLOTS, Math.max(0, ...FIGURES.map(name => event[name]?.length ?? 0)));
        for (const name of FIGURES) {
            this[name] = this.#entries(event[name], length, null);
        }
        for (const reason of REASONS) {
            // A reason that is left out did not occur.
            this.rejected[reason] = event.rejected?.[reason] ? this.#entries(event.rejected[reason], length, null) : Array(length).fill(0);
        }
    }

    /** Takes an event "sample". Seconds without one become a gap, and a gap of more than ten minutes is the end of what was before. */
    add(sample) {
        const time = Date.parse(sample.time);
        if (!Number.isFinite(time)) {
            throw new TypeError('a sample without a time');
        }
        const steps = Math.round((time - this.end) / 1000 / this.interval);
        // A sample is always a second of its own, also where it comes late and the next one in time, and where a clock was set back.
        const missing = steps > 1 ? Math.min(steps - 1, SLOTS) : 0;
        for (let i = 0; i < missing; i++) {
            this.#push(null);
        }
        this.#push(sample);
        this.end = time;
    }

    /** The time of the entry at an index, in milliseconds. */
    timeOf(index) {
        return this.end - (this.length - 1 - index) * this.interval * 1000;
    }

    /** The index of the entry at a time; -1 if there is none. */
    indexOf(time) {
        const index = this.length - 1 - Math.round((this.end - time) / 1000 / this.interval);
        return index >= 0 && index < this.length ? index : -1;
    }

    #entries(list, length, missing) {
        const entries = (list ?? []).slice(-length).map(value);
        return [...Array(length - entries.length).fill(missing), ...entries];
    }

    #push(sample) {
        const put = (list, v) => {
            list.push(v);
            if (list.length > SLOTS) {
                list.shift();
            }
        };
        for (const name of FIGURES) {
            put(this[name], sample && value(sample[name]));
        }
        for (const reason of REASONS) {
            put(this.rejected[reason], sample && (value(sample.rejected?.[reason]) ?? 0));
        }
    }
}

/** The smallest and the largest entry; null if nothing is known. */
export function range(list) {
    let min = Infinity;
    let max = -Infinity;
    for (const v of list) {
        if (v !== null) {
            min = Math.min(min, v);
            max = Math.max(max, v);
        }
    }
    return max < min ? null : { min, max };
}

/** The sum of what is known. */
export const sum = list => list.reduce((total, v) => total + (v ?? 0), 0);

/** For each minute that ended, the latest last: its end, and of each figure what a table says. */
export function minutes(history) {
    const per = Math.round(60 / history.interval);
    const rows = [];
    for (let to = history.length; to > 0; to -= per) {
        const from = Math.max(0, to - per);
        const part = list => list.slice(from, to);
        const connections = range(part(history.connections));
        rows.unshift({
            end: history.timeOf(to - 1),
            connections,
            messages: sum(part(history.messages)),
            received: sum(part(history.received)),
            sent: sum(part(history.sent)),
            rejected: sum(REASONS.map(reason => sum(part(history.rejected[reason])))),
        });
    }
    return rows;
}
