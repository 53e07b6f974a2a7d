// The list of peers, each with a strip of its last probes.

import { announce, byId, el, reconcile, setAttribute, setLong, setText, showTip, svg, whetherInView } from './dom.js';
import { clock, count, duration, milliseconds, moment, number, percent, plain, result } from './format.js';
import { openPanel, showFacts } from './panel.js';
import { COLUMNS, columnText, columnTimes, lastColumns, merge, rank, recent, remark, sorted, stateText, stateWord, stripText, summary } from './peers-model.js';
import { HEIGHT, STEP, stripPaths } from './strip.js';

const LIMIT = 200;
const SIGNS = { up: '●', down: '✕', turnsAway: '◁', unsteady: '◐', unknown: '○' };

export function createPeers(state) {
    const peers = new Map();
    const rows = new Map();
    const body = byId('peers-table').querySelector('tbody');
    const filter = byId('peers-filter');
    let interval = 10;
    let columnProbes = 5;
    let drawn = false;
    let sized = 0;
    /** Called each second while a sheet is open. */
    let panel = null;

    const visible = whetherInView(byId('peers'), draw);
    filter.addEventListener('input', draw);

    function take(event) {
        interval = event.intervalSeconds || interval;
        columnProbes = event.columnProbes || columnProbes;
        const changes = merge(peers, event);
        say(changes);
        state.peersInterval = interval;
        if (!drawn) {
            drawn = true;
            // Many events in one frame are drawn once.
            requestAnimationFrame(() => {
                drawn = false;
                draw();
            });
        }
    }

    function say(changes) {
        const texts = { up: 'is up again', down: 'is down', turnsAway: 'turns connections away' };
        const worth = changes.filter(change => texts[change.to] && !(change.from === 'unknown' && change.to === 'up'));
        if (worth.length > 3) {
            announce(`${count(worth.length, 'peer')} changed their state. ${summary(peers).text}`);
        } else if (worth.length) {
            announce(worth.map(change => `Peer ${plain(change.name)} ${texts[change.to]}.`).join(' '));
        }
    }

    function draw() {
        // Out of view it only has to keep its size.
        if (!visible() && rows.size > 0 && sized === peers.size) {
            panel?.();
            return;
        }
        sized = peers.size;
        const any = peers.size > 0;
        byId('peers-table').hidden = !any;
        byId('peers-tools').hidden = !any;
        const empty = byId('peers-empty');
        empty.hidden = any;
        if (!any) {
            setText(
                empty,
                'No peers are configured. Peers:Targets names them one by one, such as Peers__Targets__0=HOST:5555; Peers:Dns takes every address of a name.',
            );
            setText(byId('peers-note'), '\u00a0');
            reconcile(body, rows, [], create, update);
            return;
        }
        const shown = sorted(peers, filter.value);
        const more =
            shown.length > LIMIT
                ? ` ${LIMIT} of ${number(shown.length)} shown, troubled ones first.`
                : filter.value
                  ? ` ${count(shown.length, 'matches', 'match')}.`
                  : '';
        setText(byId('peers-note'), summary(peers).text + more);
        setText(byId('peers-probes'), `Last ${duration(COLUMNS * columnProbes * interval)}`);
        setAttribute(byId('peers-probes'), 'title', `${COLUMNS} columns of ${columnProbes} probes, one probe each ${duration(interval)}`);
        reconcile(
            body,
            rows,
            shown.slice(0, LIMIT).map(peer => peer.name),
            create,
            update,
        );
        panel?.();
    }

    function create(name) {
        const cell = (className, ...content) => el('td', { role: 'cell', class: className }, ...content);
        const strip = createStrip(() => peers.get(name), false);
        const row = el(
            'tr',
            { role: 'row' },
            el(
                'th',
                { scope: 'row', role: 'rowheader' },
                el('button', { type: 'button', class: 'row-link cut', onclick: () => openPeer(name) }),
                el('span', { class: 'muted small-text' }),
            ),
            cell(
                'peer-state',
                el('span', { class: 'state-line' }, el('span', { class: 'sign', 'aria-hidden': 'true' }), el('span', { class: 'state-words' })),
                el('span', { class: 'muted cut small-text' }),
            ),
            cell('peer-strip', strip.node),
            cell('n', el('span', { class: 'label' }, 'last'), el('span')),
            cell('n', el('span', { class: 'label' }, 'p50'), el('span')),
            cell('n', el('span', { class: 'label' }, 'p99'), el('span')),
            cell('n', el('span', { class: 'label' }, 'lost'), el('span')),
        );
        row.strip = strip;
        return row;
    }

    function update(row, name) {
        const peer = peers.get(name);
        if (row.version !== peer.version) {
            row.version = peer.version;
            row.strip.update();
            const [head, stateCell, , last, p50, p99, lost] = row.cells;
            setLong(head.firstChild, plain(name));
            setText(head.lastChild, `${plain(peer.source)}${peer.tls ? ', TLS' : ''}`);
            const kind = peer.state === 'up' && recent(peer).lost ? 'unsteady' : peer.state in SIGNS ? peer.state : 'unknown';
            row.className = `peer ${kind}`;
            setText(stateCell.querySelector('.sign'), SIGNS[kind]);
            const problem = plain(remark(peer));
            setText(stateCell.lastChild, problem || '\u00a0');
            setAttribute(stateCell.lastChild, 'title', problem || null);
            setText(last.lastChild, milliseconds(peer.rttMilliseconds?.last));
            setText(p50.lastChild, milliseconds(peer.rttMilliseconds?.p50));
            setText(p99.lastChild, milliseconds(peer.rttMilliseconds?.p99));
            setText(lost.lastChild, percent(peer.lossPercent));
            setAttribute(lost, 'title', `${number(peer.lost)} of ${number(peer.probes)} probes since the peer is in the list`);
        }
        setText(row.cells[1].querySelector('.state-words'), stateText(peer, state.now));
    }

    /** Texts such as "down for 3 min". */
    function tick() {
        for (const [name, row] of visible() ? rows : []) {
            if (peers.has(name)) {
                setText(row.cells[1].querySelector('.state-words'), stateText(peers.get(name), state.now));
            }
        }
        panel?.();
    }

    /** @param {boolean} large in the sheet: read by the arrow keys; small: by the pointer alone, as a thousand tab stops help no one */
    function createStrip(peerOf, large) {
        const step = large ? 8 : STEP;
        const height = large ? 72 : HEIGHT;
        const paths = Object.fromEntries(['spread', 'median', 'loss', 'edge', 'none'].map(name => [name, svg('path', { class: `strip-${name}` })]));
        const mark = svg('rect', { class: 'strip-mark', y: 0, width: step, height, visibility: 'hidden' });
        const picture = svg(
            'svg',
            { class: 'strip', width: COLUMNS * step, height, viewBox: `0 0 ${COLUMNS * step} ${height}`, role: large ? null : 'img' },
            mark,
            ...Object.values(paths),
        );
        const max = el('span', { class: 'strip-max muted', 'aria-hidden': 'true' });
        const node = el('div', { class: 'strip-box' }, picture, max);
        const text = index => {
            const peer = peerOf();
            const { from, to } = columnTimes(peer, index, interval, columnProbes);
            return `${clock(from)} to ${clock(to)}: ${columnText(lastColumns(peer)[index].column, milliseconds)}`;
        };
        const at = event => Math.min(COLUMNS - 1, Math.max(0, Math.floor((event.clientX - picture.getBoundingClientRect().left) / step)));
        const point = index => {
            mark.setAttribute('visibility', index === null ? 'hidden' : 'visible');
            mark.setAttribute('x', (index ?? 0) * step);
        };
        picture.addEventListener('pointermove', event => {
            const box = picture.getBoundingClientRect();
            const index = at(event);
            point(index);
            if (peerOf()) {
                showTip(text(index), box.left + (index + 0.5) * step, box.top);
            }
        });
        picture.addEventListener('pointerleave', () => {
            point(null);
            showTip(null);
        });
        return {
            node,
            picture,
            point,
            text,
            update() {
                const peer = peerOf();
                const { max: most, ...d } = stripPaths(
                    lastColumns(peer).map(({ column }) => column),
                    step,
                    height,
                );
                for (const [name, path] of Object.entries(d)) {
                    setAttribute(paths[name], 'd', path);
                }
                setText(max, d.spread ? `${milliseconds(most).replace(/\.?0+(?=\u00a0)/, '')}` : '');
                if (!large) {
                    setAttribute(picture, 'aria-label', stripText(peer, columnProbes));
                }
            },
        };
    }

    function openPeer(name) {
        const { body: sheet } = openPanel(plain(name), () => {
            panel = null;
        });
        const status = el('p', { class: 'panel-status', role: 'status' });
        const strip = createStrip(() => peers.get(name), true);
        let index = COLUMNS - 1;
        const reading = el('p', { class: 'muted strip-reading' });
        const slider = el(
            'div',
            { role: 'slider', tabindex: '0', class: 'strip-slider', 'aria-label': 'Last probes', 'aria-valuemin': 1, 'aria-valuemax': COLUMNS },
            strip.node,
        );
        slider.addEventListener('keydown', event => {
            const to = { ArrowLeft: index - 1, ArrowDown: index - 1, ArrowRight: index + 1, ArrowUp: index + 1, Home: 0, End: COLUMNS - 1 }[event.key];
            if (to !== undefined) {
                event.preventDefault();
                index = Math.min(COLUMNS - 1, Math.max(0, to));
                read();
            }
        });
        slider.addEventListener('focus', read);
        slider.addEventListener('blur', () => strip.point(null));
        const facts = el('div');
        sheet.append(status, slider, reading, facts);

        function read() {
            strip.point(index);
            describe();
        }

        function describe() {
            setText(reading, strip.text(index));
            setAttribute(slider, 'aria-valuenow', index + 1);
            setAttribute(slider, 'aria-valuetext', strip.text(index));
        }

        let version = 0;
        panel = () => {
            const peer = peers.get(name);
            setText(status, peer ? '' : 'This peer is no longer in the list. These are its last values.');
            if (!peer) {
                return;
            }
            if (peer.version !== version) {
                version = peer.version;
                strip.update();
                describe();
            }
            const rtt = peer.rttMilliseconds ?? {};
            showFacts(facts, [
                [
                    'State',
                    [
                        ['now', `${stateText(peer, state.now)}${peer.state === 'turnsAway' ? ': may be draining or full' : ''}`],
                        ['since', peer.since ? moment(Date.parse(peer.since)) : 'not known', peer.since],
                        ['last probe', peer.lastProbe ? moment(Date.parse(peer.lastProbe)) : 'none yet', peer.lastProbe],
                        ['last result', result(peer.lastResult)],
                        ['last error', peer.lastError ? plain(peer.lastError) : 'none'],
                    ],
                ],
                [
                    'Round trip',
                    [
                        ['last', milliseconds(rtt.last)],
                        ['p50', milliseconds(rtt.p50)],
                        ['p90', milliseconds(rtt.p90)],
                        ['p99', milliseconds(rtt.p99)],
                        ['p99.9', milliseconds(rtt['p99.9'])],
                    ],
                ],
                [
                    'Probes',
                    [
                        ['made', number(peer.probes)],
                        ['lost', `${number(peer.lost)} (${percent(peer.lossPercent)})`],
                        ['one each', duration(interval)],
                    ],
                ],
                [
                    'Peer',
                    [
                        ['from', peer.source === 'Dns' ? 'Peers:Dns' : peer.source === 'Targets' ? 'Peers:Targets' : plain(peer.source)],
                        ['TLS', peer.tls ? 'yes' : 'no'],
                    ],
                ],
            ]);
        };
        panel();
    }

    /** For the title: how many are in trouble, by the word. */
    function trouble() {
        const counts = { down: 0, turnsAway: 0 };
        for (const peer of peers.values()) {
            counts.down += rank(peer) === 0;
            counts.turnsAway += rank(peer) === 1;
        }
        return counts;
    }

    return { take, tick, trouble, stateWord, size: () => peers.size };
}
