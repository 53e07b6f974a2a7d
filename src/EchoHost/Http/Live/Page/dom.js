// The few helpers that the page needs to make and to change its elements. All text goes in as text: nothing parses markup.

const SVG = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
        if (name.startsWith('on')) {
            node.addEventListener(name.slice(2), value);
        } else if (value !== null && value !== undefined && value !== false) {
            node.setAttribute(name, value === true ? '' : value);
        }
    }
    node.append(...children.filter(child => child !== null && child !== undefined));
    return node;
}

/** An element: el('button', { type: 'button', onclick: close }, 'Close') */
export const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

export const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

export const byId = id => document.getElementById(id);

/** Sets a text only if it differs: a node that does not change costs no layout, and keeps a selection. */
export function setText(node, text) {
    if (node.textContent !== text) {
        node.textContent = text;
    }
}

/** Sets an attribute only if it differs; null removes it. */
export function setAttribute(node, name, value) {
    if (value === null || value === undefined || value === false) {
        node.removeAttribute(name);
    } else if (node.getAttribute(name) !== String(value)) {
        node.setAttribute(name, value);
    }
}

/**
 * Makes the children of a parent match a list, one element for each key, in this order. Elements keep their identity, and the one
 * with the focus is never moved (which would take the focus away): the others move around it.
 * @param {Map<string, Element>} known the elements by key; a map of the caller's that lives as long as the parent
 */
export function reconcile(parent, known, keys, create, update) {
    const wanted = new Set(keys);
    for (const [key, node] of known) {
        if (!wanted.has(key)) {
            node.remove();
            known.delete(key);
        }
    }
    const nodes = keys.map(key => {
        const node = known.get(key) ?? create(key);
        known.set(key, node);
        update(node, key);
        return node;
    });
    const fixed = nodes.findIndex(node => node.contains(document.activeElement));
    const place = (list, next) => {
        for (const node of list) {
            if (node === next) {
                next = next.nextSibling;
            } else {
                parent.insertBefore(node, next);
            }
        }
    };
    place(nodes.slice(0, Math.max(fixed, 0)), parent.firstChild);
    place(nodes.slice(fixed + 1), fixed < 0 ? parent.firstChild : nodes[fixed].nextSibling);
}

/**
 * Tells whether a section can be seen, in part at least: what cannot be seen need not be drawn, nor asked for.
 * @param {() => void} onChange called when that changes
 * @returns {() => boolean}
 */
export function whetherInView(section, onChange) {
    let inView = false;
    new IntersectionObserver(entries => {
        inView = entries.at(-1).isIntersecting;
        onChange();
    }).observe(section);
    document.addEventListener('visibilitychange', onChange);
    return () => inView && !document.hidden;
}

let announced = Promise.resolve();

/** Tells screen readers about a change of state, politely. Not for what changes all the time. */
export function announce(text) {
    const region = byId('announcer');
    // One after the other, or the last of two in a row would be the only one heard.
    announced = announced.then(() => {
        region.textContent = text;
        return new Promise(resolve => setTimeout(resolve, 1500));
    });
}

let tip;

/** Shows a short text above a place on the screen, for the pointer alone; null hides it. */
export function showTip(text, x, y) {
    tip ??= document.body.appendChild(el('div', { class: 'tip', 'aria-hidden': 'true' }));
    tip.hidden = text === null;
    if (text !== null) {
        setText(tip, text);
        const half = tip.offsetWidth / 2;
        tip.style.left = `${Math.min(Math.max(x, half + 8), document.documentElement.clientWidth - half - 8)}px`;
        tip.style.top = `${y}px`;
    }
}

/** Text from elsewhere that may be long: cut by the style sheet, whole in the title. */
export function setLong(node, text) {
    setText(node, text);
    setAttribute(node, 'title', text.length > 20 ? text : null);
}
