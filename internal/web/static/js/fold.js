// SPDX-License-Identifier: Apache-2.0
// Rows of the grid that unfold. Which are open stands in the address (?open=CC6.1,CC7.2), so that a link,
// a reload and a refresh after a run show the same. A row that is open folds without asking the server.

const openRows = () => (new URL(location.href).searchParams.get("open") || "").split(",").filter(Boolean);

function remember(ref, open) {
  const url = new URL(location.href);
  const list = openRows().filter((r) => r !== ref);
  if (open) list.push(ref);
  if (list.length) url.searchParams.set("open", list.join(",")); else url.searchParams.delete("open");
  history.replaceState(history.state, "", url.href.replaceAll("%2C", ","));
}

function state(twist, open) {
  twist.setAttribute("aria-expanded", String(open));
  twist.closest("tr").classList.toggle("open", open);
  remember(twist.dataset.twist, open);
}

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

// A refresh asks for the page as it stands now: its filters and its open rows.
document.addEventListener("htmx:configRequest", (e) => {
  if (e.detail.elt.id === "grid") e.detail.path = location.pathname + location.search;
});
