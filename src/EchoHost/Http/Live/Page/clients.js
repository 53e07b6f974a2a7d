// The table of clients and the details of one of them.

import { byId, el, reconcile, setAttribute, setLong, setText } from './dom.js';
import { bytes, count, duration, fault, milliseconds, moment, NONE, number, plain, words } from './format.js';
import { openPanel, showFacts } from './panel.js';
import { errorText, getJson, HttpError, whileVisible } from './poll.js';

const LIMIT = 200;
const SORTS = [
    ['age', 'Age'],
    ['idle', 'Idle'],
    ['received', 'Bytes'],
    ['rtt', 'RTT'],
];
const TOKEN = 'echohost.admin.token';

/** Title, width (fixed, so that nothing moves when a number grows), text, sort key, and whether it is a number. */
const COLUMNS = [
    { title: 'Client', width: 188, text: c => plain(c.peer) },
    { title: 'Via', width: 124, text: c => (c.via ? plain(c.via) : NONE) },
    { title: 'Endpoint', width: 78, text: c => plain(c.endpoint) },
    { title: 'Age', width: 106, text: c => duration(c.ageSeconds), sort: 'age', n: true },
    { title: 'Idle', width: 104, text: c => (c.idleSeconds < 1 ? '<1\u00a0s' : duration(c.idleSeconds)), sort: 'idle', n: true },
    { title: 'In', width: 78, text: c => bytes(c.receivedBytes), sort: 'received', n: true },
    { title: 'Out', width: 78, text: c => bytes(c.sentBytes), n: true },
    { title: 'Messages', width: 80, text: c => number(c.messages), n: true },
    { title: 'RTT', width: 80, text: c => milliseconds(c.tcp?.rttMs), sort: 'rtt', n: true },
    { title: 'Resent', width: 66, text: c => number(c.tcp?.retransmits), n: true, alert: c => c.tcp?.retransmits > 0 },
    { title: 'Queue', width: 70, text: c => bytes(c.tcp?.sendQueueBytes), n: true, alert: c => c.tcp?.sendQueueBytes > 0 },
    { title: 'TLS', width: 84, text: c => (c.tls ? plain(c.tls.protocol) : NONE) },
    { title: 'Faults', width: 86, text: c => (c.faults?.length ? `⚠ ${c.faults.map(key => plain(words(key))).join(', ')}` : NONE) },
];

export function createClients(state) {
    const rows = new Map();
    const body = byId('clients-table').querySelector('tbody');
    const filter = byId('filter-text');
    let sort = 'age';
    let wanted = '';
    let list = new Map();
    let answer = null;
    let received = 0;

    const headers = COLUMNS.map(({ title, width, sort: key, n }) =>
        el(
            'th',
            { scope: 'col', class: n ? 'n' : null, width },
            key ? el('button', { type: 'button', onclick: () => setSort(key) }, title, el('span', { class: 'arrow', 'aria-hidden': 'true' }, ' ▾')) : title,
        ),
    );
    byId('clients-table')
        .querySelector('thead tr')
        .append(...headers);
    byId('sort').append(
        ...SORTS.map(([key, title]) =>
            el(
                'label',
                null,
                el('input', { type: 'radio', name: 'sort', value: key, checked: key === sort, onchange: () => setSort(key) }),
                el('span', null, title),
            ),
        ),
    );

    const refresh = whileVisible(byId('clients'), ask, () => 2);
    showSort();
    // Once in any case, so that the section has its size before it is scrolled to.
    refresh(true);

    function setSort(key) {
        sort = key;
        showSort();
        refresh();
    }

    function showSort() {
        COLUMNS.forEach(({ sort: key }, i) => setAttribute(headers[i], 'aria-sort', key === sort ? 'descending' : null));
        for (const input of byId('sort').querySelectorAll('input')) {
            input.checked = input.value === sort;
        }
    }

    let typing = 0;
    function setFilter() {
        clearTimeout(typing);
        if (wanted !== filter.value.trim()) {
            wanted = filter.value.trim();
            refresh();
        }
    }
    // Half an address is no address: ask when the typing stops.
    filter.addEventListener('input', () => {
        clearTimeout(typing);
        typing = setTimeout(setFilter, filter.value ? 800 : 0);
    });
    byId('filter').addEventListener('submit', event => {
        event.preventDefault();
        setFilter();
    });

    async function ask() {
        const asked = wanted;
        try {
            answer = await getJson(`connections?limit=${LIMIT}&sort=${sort}${asked ? `&peer=${encodeURIComponent(asked)}` : ''}`);
            received = performance.now();
            list = new Map(answer.connections.map(c => [c.id, c]));
            showError('');
            show(asked);
        } catch (error) {
            if (error instanceof HttpError && error.status === 400) {
                showError(plain(error.message));
                return;
            }
            note(errorText(error));
            throw error;
        }
    }

    function showError(text) {
        setText(byId('filter-error'), text);
        setAttribute(filter, 'aria-invalid', text ? 'true' : null);
    }

    function note(problem) {
        const age = answer && (performance.now() - received) / 1000;
        setText(byId('clients-note'), problem ? `${problem}${age ? ` The table is ${duration(age)} old.` : ''}` : '\u00a0');
        byId('clients').classList.toggle('old', Boolean(problem));
    }

    function show(asked) {
        const active = Math.max(answer.active, list.size);
        note('');
        setText(
            byId('clients-note'),
            asked
                ? list.size < LIMIT
                    ? `${count(list.size, 'client')} of ${number(active)} in ${plain(asked)}`
                    : `${LIMIT} of those in ${plain(asked)} shown, of ${number(active)} in all`
                : list.size < active
                  ? `${number(list.size)} of ${number(active)} shown`
                  : count(active, 'client'),
        );
        const empty = byId('clients-empty');
        empty.hidden = list.size > 0;
        byId('clients-table').hidden = list.size === 0;
        if (list.size === 0) {
            setText(empty, asked ? `No client is in ${plain(asked)}.` : `No client is connected. ${hint()}`);
        }
        // Under the pointer or the focus nothing changes its place: what is new comes last, what has ended stays, marked.
        const held = body.matches(':hover, :focus-within') && rows.size > 0 && list.size > 0;
        const keys = held ? [...rows.keys(), ...[...list.keys()].filter(id => !rows.has(id))] : [...list.keys()];
        reconcile(body, rows, keys.slice(0, 2 * LIMIT), create, update);
    }

    function hint() {
        const tcp = (state.host?.endpoints ?? []).find(e => e.service === 'Echo' && !/^(unix|tls):/.test(e.url));
        const port = /:(\d+)$/.exec(tcp?.addresses?.[0] ?? '')?.[1];
        return port ? `Try: telnet ${location.hostname.replace(/^\[|\]$/g, '') || 'HOST'} ${port}` : '';
    }

    function create(id) {
        const cells = COLUMNS.slice(1).map(({ n }) => el('td', { class: n ? 'n' : 'cut' }));
        return el('tr', null, el('th', { scope: 'row' }, el('button', { type: 'button', class: 'row-link cut', onclick: () => openClient(id) })), ...cells);
    }

    function update(row, id) {
        const client = list.get(id);
        row.classList.toggle('gone', !client);
        if (!client) {
            setAttribute(row, 'title', 'This connection has ended, or is no longer among those shown.');
            return;
        }
        setAttribute(row, 'title', null);
        COLUMNS.forEach(({ text, n, alert }, i) => {
            const cell = i === 0 ? row.cells[0].firstChild : row.cells[i];
            if (n) {
                setText(cell, text(client));
            } else {
                setLong(cell, text(client));
            }
            if (alert) {
                cell.classList.toggle('alert', Boolean(alert(client)));
            }
        });
    }

    function openClient(id) {
        const client = list.get(id);
        const { body: facts, foot } = openPanel(plain(client?.peer ?? id), () => clearInterval(timer));
        const status = el('p', { class: 'panel-status', role: 'status' });
        const values = el('div');
        facts.append(status, values);
        let ended = false;
        let last = client;
        if (client) {
            showFacts(values, describe(client));
        }
        let offered = false;
        /** Once it is known whether the host has a token. */
        function offerClose() {
            if (!offered && state.host) {
                offered = true;
                showClose(
                    foot,
                    id,
                    () => last?.peer ?? id,
                    () => state.host.admin === true,
                    () => load(),
                );
            }
        }
        async function load() {
            offerClose();
            try {
                last = await getJson(`connections/${encodeURIComponent(id)}`);
                showFacts(values, describe(last));
                setText(status, '');
            } catch (error) {
                ended = error instanceof HttpError && error.status === 404;
                setText(status, ended ? 'This connection has ended. These are its last values.' : errorText(error));
                if (ended) {
                    clearInterval(timer);
                    foot.replaceChildren();
                }
            }
        }
        const timer = setInterval(() => !document.hidden && load(), 2000);
        load();
    }

    return { refresh };
}

/** Everything of an entry, grouped. What this page does not know yet is shown, too. */
function describe(c) {
    const own = [
        'id',
        'endpoint',
        'peer',
        'via',
        'openedAt',
        'ageSeconds',
        'idleSeconds',
        'receivedBytes',
        'sentBytes',
        'messages',
        'tls',
        'proxy',
        'faults',
        'tcp',
    ];
    const exactly = n => `${bytes(n)}${n >= 1000 ? ` (${number(n)} bytes)` : ''}`;
    const facts = object =>
        Object.entries(object ?? {})
            .filter(([, value]) => value !== null)
            .flatMap(([key, value]) =>
                typeof value === 'object' && !Array.isArray(value)
                    ? facts(value).map(([name, text]) => [`${plain(words(key))}: ${name}`, text])
                    : [[plain(words(key)), plain(Array.isArray(value) ? value.join(', ') : value)]],
            );
    const opened = Date.parse(c.openedAt);
    return [
        [
            'Connection',
            [
                ['client', plain(c.peer)],
                ['via', c.via ? plain(c.via) : 'directly'],
                ['endpoint', plain(c.endpoint)],
                ['id', plain(c.id)],
                ['opened', moment(opened), c.openedAt],
                ['age', duration(c.ageSeconds)],
                ['idle', c.idleSeconds < 1 ? 'less than 1 s' : duration(c.idleSeconds)],
                ...facts(Object.fromEntries(Object.entries(c).filter(([key]) => !own.includes(key)))),
            ],
        ],
        [
            'Traffic',
            [
                ['received', exactly(c.receivedBytes)],
                ['sent', exactly(c.sentBytes)],
                ['messages', number(c.messages)],
            ],
        ],
        [
            'TCP, from the kernel',
            c.tcp
                ? [
                      ['round trip', milliseconds(c.tcp.rttMs)],
                      ['smallest round trip', milliseconds(c.tcp.minRttMs)],
                      ['segments sent again', number(c.tcp.retransmits)],
                      ['waiting to be sent', exactly(c.tcp.sendQueueBytes)],
                      ...facts(
                          Object.fromEntries(Object.entries(c.tcp).filter(([key]) => !['rttMs', 'minRttMs', 'retransmits', 'sendQueueBytes'].includes(key))),
                      ),
                  ]
                : [['figures', 'none for this kind of connection, or on this system']],
        ],
        ['TLS', c.tls ? facts(c.tls) : [['used', 'no']]],
        ['PROXY header', c.proxy ? facts(c.proxy) : [['sent', 'no']]],
        ['Faults', c.faults?.length ? c.faults.map(key => ['on purpose', plain(fault(key))]) : [['on purpose', 'none']]],
    ];
}

/** The part of the sheet that closes the connection. The token stays in this tab: sessionStorage ends with it. */
function showClose(foot, id, name, allowed, refresh) {
    const status = el('p', { role: 'status', class: 'close-status' });
    const box = el('div', { class: 'close-box' });
    foot.append(box, status);
    show();

    function show() {
        const token = sessionStorage.getItem(TOKEN);
        if (!allowed()) {
            box.replaceChildren(el('p', { class: 'muted' }, 'With Admin:Token configured, connections can be closed here.'));
        } else if (!token) {
            const input = el('input', { type: 'password', autocomplete: 'off', required: true, 'aria-label': 'Admin token' });
            box.replaceChildren(
                el(
                    'form',
                    {
                        onsubmit: event => {
                            event.preventDefault();
                            if (input.value) {
                                sessionStorage.setItem(TOKEN, input.value);
                                setText(status, '');
                                show();
                                box.querySelector('button').focus();
                            }
                        },
                    },
                    el('label', null, 'Admin token, kept for this tab only ', input),
                    el('button', { type: 'submit' }, 'Use it'),
                ),
            );
        } else {
            box.replaceChildren(
                el('button', { type: 'button', class: 'danger', onclick: confirm }, 'Close the connection …'),
                el(
                    'button',
                    {
                        type: 'button',
                        class: 'quiet',
                        onclick: () => {
                            sessionStorage.removeItem(TOKEN);
                            show();
                            box.querySelector('input').focus();
                        },
                    },
                    'Forget the token',
                ),
            );
        }
    }

    function confirm() {
        const keep = el(
            'button',
            {
                type: 'button',
                onclick: () => {
                    show();
                    box.querySelector('button').focus();
                },
            },
            'Keep it',
        );
        box.replaceChildren(
            el('p', { class: 'question' }, `Close the connection of ${plain(name())}?`),
            el('button', { type: 'button', class: 'danger', onclick: close }, 'Close it'),
            keep,
        );
        setText(status, '');
        keep.focus();
    }

    async function close() {
        setText(status, 'Closing …');
        try {
            await getJson(`connections/${encodeURIComponent(id)}`, { method: 'DELETE', headers: { Authorization: `Bearer ${sessionStorage.getItem(TOKEN)}` } });
            setText(status, 'The host closes it.');
            box.replaceChildren();
            refresh();
        } catch (error) {
            if (error.status === 401) {
                sessionStorage.removeItem(TOKEN);
                setText(status, 'The host says: wrong token.');
                show();
                box.querySelector('input')?.focus();
                return;
            }
            setText(status, error.status === 404 ? 'There is no such connection any more.' : errorText(error));
            show();
        }
    }
}
