// The sheet at the side with the details of one client or peer.

import { byId, el, setAttribute, setText } from './dom.js';

let closed = null;

/** Opens the sheet. @param {() => void} onClose called once, when it closes for whatever reason */
export function openPanel(title, onClose) {
    const panel = byId('panel');
    if (closed) {
        closed();
    }
    closed = onClose;
    setText(byId('panel-title'), title);
    byId('panel-body').replaceChildren();
    byId('panel-foot').replaceChildren();
    if (!panel.open) {
        panel.showModal();
    }
    byId('panel-body').scrollTop = 0;
    return { body: byId('panel-body'), foot: byId('panel-foot') };
}

byId('panel').addEventListener('close', () => {
    const done = closed;
    closed = null;
    done?.();
});
byId('panel-close').addEventListener('click', () => byId('panel').close());
// A click beside the sheet closes it.
byId('panel').addEventListener('click', event => {
    if (event.target === byId('panel')) {
        byId('panel').close();
    }
});

/**
 * Shows groups of names and values: the elements are made once, later only the texts change.
 * @param {[string, [string, string, string?][]][]} groups title, and of each value: name, text, tooltip
 */
export function showFacts(parent, groups) {
    const shape = JSON.stringify(groups.map(([title, facts]) => [title, facts.map(([name]) => name)]));
    if (parent.dataset.shape !== shape) {
        parent.dataset.shape = shape;
        parent.replaceChildren(
            ...groups.map(([title, facts]) =>
                el(
                    'section',
                    null,
                    el('h3', null, title),
                    el('dl', { class: 'facts' }, ...facts.map(([name]) => el('div', null, el('dt', null, name), el('dd')))),
                ),
            ),
        );
    }
    const values = parent.querySelectorAll('dd');
    groups
        .flatMap(([, facts]) => facts)
        .forEach(([, text, title], i) => {
            setText(values[i], text);
            setAttribute(values[i], 'title', title);
        });
}
