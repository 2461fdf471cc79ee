// SPDX-License-Identifier: Apache-2.0
// When a part of the page is fetched again, you stay where you were: place, chosen row, open details, focus.

let kept = null;

const key = (el) => el && { href: el.getAttribute("href"), id: el.id, strip: el.matches(".strip") ? el.closest("[data-row]")?.dataset.row : null };

function find(part, k) {
  if (k.id) return document.getElementById(k.id);
  if (k.strip) return part.querySelector(`[data-row="${CSS.escape(k.strip)}"] .strip`);
  return k.href && part.querySelector(`a[href="${CSS.escape(k.href)}"]`);
}

document.addEventListener("htmx:beforeSwap", (e) => {
  const part = e.detail.target;
  if (!part.id || e.detail.requestConfig?.verb !== "get") return;
  const box = part.querySelector(".grid-box");
  kept = {
    id: part.id,
    top: box?.scrollTop, left: box?.scrollLeft,
    row: part.querySelector("[data-row].on")?.dataset.row,
    open: [...part.querySelectorAll("details")].map((d) => d.open),
    focus: part.contains(document.activeElement) ? key(document.activeElement) : null,
  };
});

document.addEventListener("htmx:afterSettle", () => {
  const part = kept && document.getElementById(kept.id);
  if (!part) return;
  const box = part.querySelector(".grid-box");
  if (box) { box.scrollTop = kept.top; box.scrollLeft = kept.left; }
  part.querySelectorAll("details").forEach((d, i) => { if (kept.open[i]) d.open = true; });
  if (kept.row) part.querySelector(`[data-row="${CSS.escape(kept.row)}"]`)?.classList.add("on");
  if (kept.focus) find(part, kept.focus)?.focus({ preventScroll: true });
  kept = null;
});
