// SPDX-License-Identifier: Apache-2.0
// The few words of the page that the other modules share.

/** on listens at the document for an event on elements that match, now and after later updates. */
export function on(type, selector, fn, options) {
  document.addEventListener(type, (e) => {
    const el = e.target instanceof Element ? e.target.closest(selector) : null;
    if (el) fn(e, el);
  }, options);
}

/** store keeps a choice in this browser; it is no loss when it cannot. */
export function store(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch { /* kept for this page only */ }
}

export function typing(el) {
  return el instanceof HTMLElement && (el.isContentEditable || /^(input|textarea|select)$/i.test(el.tagName));
}
