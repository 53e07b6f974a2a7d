// Puts the parts together: the stream feeds them, the sections poll what is not in it.

import { createCharts } from './charts.js';
import { createClients } from './clients.js';
import { byId, setText } from './dom.js';
import { createFleet } from './fleet.js';
import { figure } from './format.js';
import { showHost, showLink, showMoment, showTrouble, troubleText } from './head.js';
import { History } from './history.js';
import { follow } from './live.js';
import { createPeers } from './peers.js';

/** What several parts need: the host's own clock among it, as the reader's may be wrong. */
const state = { host: null, now: Date.now(), peersInterval: 10 };
const history = new History();
const charts = createCharts(history);
const clients = createClients(state);
const peers = createPeers(state);
const fleet = createFleet(state, failing => badge('fleet-count', failing));
let wasLost = false;

const stream = follow(
    {
        host(event) {
            state.host = event;
            showHost(event);
            fleet.show(event.fleet === true);
            moment();
        },
        history(event) {
            history.reset(event);
            moment();
        },
        sample(event) {
            history.add(event);
            moment();
            peers.tick();
        },
        peers(event) {
            peers.take(event);
            trouble();
        },
    },
    status => {
        showLink(status, history.end);
        if (status.state === 'waiting') {
            wasLost = true;
        } else if (status.state === 'live' && wasLost) {
            wasLost = false;
            clients.refresh();
            fleet.refresh();
        }
    },
);
byId('retry').addEventListener('click', stream.retry);

function moment() {
    state.now = Number.isFinite(history.end) ? history.end : state.now;
    const connections = history.connections.at(-1) ?? state.host?.endpoints?.reduce((n, e) => n + e.connections, 0) ?? null;
    showMoment(state.now, connections);
    setText(byId('clients-count'), figure(connections));
    charts.update();
}

function trouble() {
    const { down, turnsAway } = peers.trouble();
    badge('peers-count', down + turnsAway, peers.size());
    showTrouble(
        [troubleText(down, 'peer', 'peers', 'down'), troubleText(turnsAway, 'peer', 'peers', turnsAway === 1 ? 'turns away' : 'turn away')].filter(Boolean),
    );
}

/** The number in the navigation: of what is wrong, marked, or of all. */
function badge(id, wrong, all) {
    setText(byId(id), wrong ? `! ${figure(wrong)}` : all ? figure(all) : '');
    byId(id).classList.toggle('bad', wrong > 0);
}
