// The stream of events, /live. It is opened again by the page rather than by EventSource: that gives up for good when a server
// answers 503, knows no growing pause, does not notice a connection that died silently, and does not tell when it will try again.

const TYPES = ['host', 'history', 'sample', 'peers'];
const LONGEST_WAIT = 30;
/** Seconds without an event after which the connection counts as dead: there is one each second. */
const SILENCE = 15;
/** Seconds after which a hidden tab closes the stream, so that it costs the host nothing. It reopens with the whole history. */
const HIDDEN = 60;

/**
 * @param {Record<string, (event: any) => void>} handlers one for each type of event
 * @param {(status: {state: 'connecting'|'live'|'late'|'waiting'|'paused', age: number, wait: number}) => void} onStatus called each
 *   second and at each change; age: seconds since the last event; wait: seconds until the next try
 * @returns {{retry: () => void}} tries again at once
 */
export function follow(handlers, onStatus) {
    let source = null;
    let attempts = 0;
    let retryAt = 0;
    let lastEvent = null;
    let openedAt = 0;
    let hiddenAt = null;

    const now = () => performance.now() / 1000;

    function open() {
        source?.close();
        openedAt = now();
        source = new EventSource('live');
        for (const type of TYPES) {
            source.addEventListener(type, message => take(type, message.data));
        }
        source.onerror = fail;
        report();
    }

    function take(type, data) {
        lastEvent = now();
        attempts = 0;
        try {
            handlers[type](JSON.parse(data));
        } catch (error) {
            // One bad event must not stop the page.
            console.warn(`an event "${type}" could not be used`, error);
        }
        report();
    }

    function fail() {
        source?.close();
        source = null;
        // A host that restarts is met by all its watchers: they must not come back in the same moment.
        retryAt = now() + Math.min(LONGEST_WAIT, 2 ** ++attempts) * (0.8 + 0.4 * Math.random());
        report();
    }

    function report() {
        const age = lastEvent === null ? 0 : now() - lastEvent;
        const state =
            hiddenAt !== null && !source
                ? 'paused'
                : !source
                  ? 'waiting'
                  : lastEvent === null || lastEvent < openedAt
                    ? 'connecting'
                    : age > 3
                      ? 'late'
                      : 'live';
        onStatus({ state, age, wait: Math.max(0, retryAt - now()) });
    }

    function tick() {
        if (hiddenAt !== null && now() - hiddenAt > HIDDEN) {
            source?.close();
            source = null;
        } else if (source && now() - Math.max(lastEvent ?? 0, openedAt) > SILENCE) {
            fail();
        } else if (!source && now() >= retryAt) {
            open();
        }
        report();
    }

    function retry() {
        if (!source) {
            open();
        }
    }

    document.addEventListener('visibilitychange', () => {
        hiddenAt = document.hidden ? now() : null;
        if (!document.hidden) {
            retry();
        }
    });
    window.addEventListener('online', retry);
    hiddenAt = document.hidden ? now() : null;
    setInterval(tick, 1000);
    open();
    return { retry };
}
