// SPDX-License-Identifier: Apache-2.0
// A row that is open folds again without asking the server.
document.addEventListener("click", (e) => {
  const twist = e.target instanceof Element && e.target.closest("[data-twist]");
  if (!twist || twist.getAttribute("aria-expanded") !== "true") return;
  e.preventDefault();
  e.stopPropagation(); // before htmx hears it
  document.querySelector(twist.getAttribute("hx-target"))?.replaceChildren();
  state(twist, false);
}, true);

document.addEventListener("htmx:afterOnLoad", (e) => {
  const twist = e.detail.elt;
  if (twist instanceof Element && twist.matches("[data-twist]")) state(twist, true);
});

function state(twist, open) {
  twist.setAttribute("aria-expanded", String(open));
  twist.closest("tr").classList.toggle("open", open);
}
