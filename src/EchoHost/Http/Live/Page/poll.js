// What is not in the stream is asked for while its section can be seen, and only then.

import { whetherInView } from './dom.js';

/** An answer that is no success. */
export class HttpError extends Error {
    /** @param {number} retryAfter seconds */
    constructor(status, detail, retryAfter) {
        super(detail);
        this.status = status;
        this.retryAfter = retryAfter;
    }
}

/** Fetches JSON; the error's message is the host's own. */
export async function getJson(url, options) {
    const response = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(10_000), ...options });
    const type = response.headers.get('content-type') ?? '';
    const body = response.status !== 204 && type.includes('json') ? await response.json() : null;
    if (!response.ok) {
        throw new HttpError(response.status, body?.detail ?? body?.title ?? `HTTP status ${response.status}`, Number(response.headers.get('retry-after')) || 0);
    }
    return body;
}

/** An error of {@link getJson} in words. */
export function errorText(error) {
    return error instanceof HttpError
        ? error.status === 503
            ? 'The host has too many such requests just now.'
            : error.message
        : error.name === 'TimeoutError'
          ? 'The host did not answer within 10 s.'
          : 'The host can’t be reached.';
}

/**
 * Calls a function again and again while a section is in view and the tab is not hidden.
 * @param {() => Promise<void>} ask never called twice at once; what it throws makes the next pause longer
 * @param {() => number} seconds the pause
 * @returns {(always?: boolean) => void} asks now, if the section is in view, or in any case
 */
export function whileVisible(section, ask, seconds) {
    let timer = 0;
    let running = false;
    let again = false;
    let due = 0;
    let failures = 0;

    const visible = whetherInView(section, plan);

    async function run() {
        clearTimeout(timer);
        if (running) {
            again = true;
            return;
        }
        running = true;
        again = false;
        let pause = seconds();
        try {
            await ask();
            failures = 0;
        } catch (error) {
            pause = Math.max(error.retryAfter ?? 0, Math.min(30, pause * 2 ** Math.min(++failures, 4)));
        }
        running = false;
        due = performance.now() + pause * 1000;
        if (again) {
            run();
        } else {
            plan();
        }
    }

    function plan() {
        clearTimeout(timer);
        if (visible() && !running) {
            timer = setTimeout(run, Math.max(0, due - performance.now()));
        }
    }

    return always => {
        due = 0;
        if (always || visible()) {
            run();
        }
    };
}
