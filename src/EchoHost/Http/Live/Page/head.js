// The head of the page: which host this is, what it is doing, and the state of the page's own stream.

import { announce, byId, el, reconcile, setAttribute, setLong, setText } from './dom.js';
import { clock, count, duration, fault, moment, NONE, number, percent, plain } from './format.js';

const rows = new Map();
let host = null;
let trouble = [];
let linkState = 'connecting';
let labelsShown = '';

/** Shows the event "host". */
export function showHost(event) {
    if (host && host.state !== event.state) {
        announce(event.state === 'draining' ? 'The host is draining.' : 'The host accepts connections.');
    }
    host = event;
    const name = plain(event.instance) || 'EchoHost';
    setText(byId('instance'), name);
    setText(byId('brand'), name);
    const state = byId('state');
    state.hidden = false;
    const draining = event.state === 'draining';
    state.className = `pill ${draining ? 'warn' : 'good'}`;
    setText(state, draining ? '◆ Draining' : '● Accepting');
    setAttribute(state, 'title', draining ? 'The host is about to stop: it ends its connections and takes no new ones.' : 'New connections are welcome.');
    // Of the commit that it was built from, the first digits are enough.
    setText(byId('version'), `version ${plain(event.version).replace(/(\+[0-9a-f]{9})[0-9a-f]+$/, '$1')}`);
    setAttribute(byId('version'), 'title', plain(event.version));
    const labels = Object.entries(event.labels ?? {});
    if (labelsShown !== JSON.stringify(labels)) {
        labelsShown = JSON.stringify(labels);
        byId('labels').replaceChildren(
            ...labels.map(([key, value]) => {
                const chip = el('span', { class: 'chip' }, el('span', { class: 'muted' }, `${plain(key)} `), plain(value));
                chip.title = chip.textContent;
                return chip;
            }),
        );
    }
    showTitle();
}

/** Shows what changes with time. @param now the host's time in milliseconds; connections: the last sample's */
export function showMoment(now, connections) {
    if (!host) {
        return;
    }
    const started = Date.parse(host.startedAt);
    setText(byId('uptime'), `up for ${duration((now - started) / 1000)}, since ${moment(started)}`);
    setAttribute(byId('uptime'), 'title', host.startedAt);

    const { maxConnections } = host;
    const share = maxConnections > 0 ? Math.min(1, connections / maxConnections) : 0;
    setText(byId('load'), number(connections));
    setText(byId('load-limit'), maxConnections > 0 ? `of ${number(maxConnections)} connections, ${percent(100 * share)}` : 'connections');
    const meter = byId('load-meter');
    setAttribute(meter, 'aria-valuemax', maxConnections || 1);
    setAttribute(meter, 'aria-valuenow', Math.min(connections ?? 0, maxConnections || 1));
    setAttribute(meter, 'aria-valuetext', `${number(connections)} of ${number(maxConnections)}`);
    meter.className = `meter ${share >= 0.95 ? 'bad' : share >= 0.8 ? 'warn' : ''}`;
    meter.firstElementChild.style.width = `${100 * share}%`;

    const endpoints = host.endpoints ?? [];
    reconcile(
        byId('endpoints').tBodies[0],
        rows,
        endpoints.map((e, i) => `${i} ${e.name}`),
        () =>
            el(
                'tr',
                { role: 'row' },
                el('th', { scope: 'row', role: 'rowheader', class: 'cut' }),
                ...['', 'wraps', 'n', 'wraps faults'].map(name => el('td', { role: 'cell', class: name })),
            ),
        (row, key) => showEndpoint(row, endpoints[parseInt(key, 10)], now),
    );
}

function showEndpoint(row, endpoint, now) {
    const [name, service, address, connections, faults] = row.cells;
    setLong(name, plain(endpoint.name));
    setText(service, plain(endpoint.service));
    setText(address, plain((endpoint.addresses?.length ? endpoint.addresses : [endpoint.url]).join(', ')));
    setAttribute(address, 'title', plain(endpoint.url));
    setText(connections, number(endpoint.connections));
    const keys = Object.entries(endpoint.faults ?? {});
    if (!keys.length) {
        setText(faults, NONE);
        faults.classList.remove('faulty');
        return;
    }
    const until = endpoint.faultsUntil ? Date.parse(endpoint.faultsUntil) : NaN;
    const rest = Number.isFinite(until) ? `, until ${clock(until)} (${duration((until - now) / 1000)} more)` : '';
    faults.classList.add('faulty');
    setText(faults, `⚠ on purpose: ${keys.map(([key, value]) => plain(fault(key, value))).join(', ')}${rest}`);
}

/** Shows the state of the stream. Data stays when it breaks; the page says how old it is. */
export function showLink({ state, age, wait }, lastTime) {
    const text = {
        connecting: 'connecting …',
        live: '● live',
        late: `◐ last data ${duration(age)} old`,
        waiting: `▲ ${age ? `data ${duration(age)} old` : 'no connection'}; next try in ${Math.ceil(wait)} s`,
        paused: '❚❚ paused',
    }[state];
    setText(byId('link'), text);
    setAttribute(byId('link'), 'title', Number.isFinite(lastTime) ? `the last data are of ${moment(lastTime)}` : null);
    byId('retry').hidden = state !== 'waiting';
    if (linkState !== state) {
        if (state === 'waiting' && linkState !== 'connecting') {
            announce('The connection to the host is lost. The page shows the last data and tries again.');
        } else if (state === 'live' && document.body.dataset.lost) {
            announce('The connection to the host is back.');
        }
        // From the loss until the next event, whatever is tried in between.
        if (state === 'waiting') {
            document.body.dataset.lost = 'true';
        } else if (state === 'live') {
            delete document.body.dataset.lost;
        }
        linkState = state;
        document.body.dataset.link = state;
        showTitle();
    }
}

/** What else belongs into the title, such as "2 peers down". */
export function showTrouble(list) {
    trouble = list;
    showTitle();
}

function showTitle() {
    const name = plain(host?.instance) || 'EchoHost';
    const wrong = [host?.state === 'draining' && 'draining', ...trouble].filter(Boolean);
    const title =
        linkState === 'paused'
            ? `(paused) ${name}`
            : document.body.dataset.lost && host
              ? `? ${name}: no connection`
              : wrong.length
                ? `! ${name}: ${wrong.join(', ')}`
                : host
                  ? `${name} – EchoHost`
                  : 'EchoHost';
    if (document.title !== title) {
        document.title = title;
    }
}

/** "2 peers down" for the title; null if there are none. */
export const troubleText = (n, one, many, what) => (n ? `${count(n, one, many)} ${what}` : null);
