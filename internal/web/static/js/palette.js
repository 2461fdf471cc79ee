// SPDX-License-Identifier: Apache-2.0
// Search and commands: / or Ctrl-K. The hits come from the server as HTML; the pages of the site are matched here at once.
import { on, typing } from "./ask.js";

const box = document.getElementById("palette");
const input = box?.querySelector("input");
const hits = box?.querySelector("[data-hits]");
let timer, round = 0;

function open() {
  if (!box || box.open) return;
  box.showModal();
  input.select();
  if (!hits.childElementCount) ask();
}

function pages(q) {
  const out = document.createDocumentFragment();
  for (const a of document.querySelectorAll(".nav a[data-go]")) {
    const name = a.querySelector(".nav-label").textContent;
    if (q && !name.toLowerCase().includes(q)) continue;
    const hit = document.createElement("a");
    hit.className = "hit";
    hit.href = a.href;
    hit.append(a.querySelector("svg").cloneNode(true), name);
    out.append(hit);
  }
  return out;
}

function mark(el) {
  hits.querySelector(".hit.on")?.classList.remove("on");
  el?.classList.add("on");
  el?.scrollIntoView({ block: "nearest" });
}

async function ask() {
  const q = input.value.trim();
  const mine = ++round;
  if (!q) { hits.replaceChildren(pages("")); mark(hits.querySelector(".hit")); return; }
  let html = "";
  try {
    const from = new URL(box.dataset.from, location.href); // it may name a past moment
    from.searchParams.set("q", q);
    const answer = await fetch(from, { headers: { "HX-Request": "true" } });
    if (answer.ok) html = await answer.text();
  } catch { /* the pages below still match */ }
  if (mine !== round) return;
  const found = new DOMParser().parseFromString(html, "text/html").querySelectorAll(".hits > *");
  hits.replaceChildren(...found, pages(q.toLowerCase()));
  if (!hits.childElementCount) hits.textContent = "";
  box.querySelector("[data-none]").hidden = hits.childElementCount > 0;
  mark(hits.querySelector(".hit"));
}

if (box) {
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 120); });
  input.addEventListener("keydown", (e) => {
    const all = [...hits.querySelectorAll(".hit")];
    const now = all.findIndex((h) => h.classList.contains("on"));
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      e.preventDefault();
      mark(all[(now + (e.key === "ArrowDown" ? 1 : all.length - 1)) % all.length]);
    } else if (e.key === "Escape") { // at once: a search field would first empty itself
      e.preventDefault();
      box.close();
    } else if (e.key === "Enter" && now >= 0) { e.preventDefault(); location.href = all[now].href; }
  });
  on("click", "[data-palette]", (e) => { e.preventDefault(); open(); });
  document.addEventListener("keydown", (e) => {
    const ctrlK = (e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k";
    if (ctrlK || (e.key === "/" && !typing(e.target) && !document.querySelector("dialog[open]"))) { e.preventDefault(); open(); }
  });
}
