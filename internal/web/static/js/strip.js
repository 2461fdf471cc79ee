// SPDX-License-Identifier: Apache-2.0
// The cell cursor of a strip: hover or arrow keys name a day, a click or Enter opens it.
import { on } from "./ask.js";

const words = { P: "passed", F: "failed", X: "passed with exception", E: "error", Z: "paused", N: "no data", D: "not applicable" };
const dayFormat = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

const tip = document.createElement("div");
tip.className = "tip";
tip.setAttribute("role", "status");
document.body.append(tip);

let current = null; // { strip, i }

function dateOf(strip, i) {
  const t = new Date(strip.dataset.first + "T00:00:00Z");
  t.setUTCDate(t.getUTCDate() - i); // newest day first
  return t;
}

function runAt(strip, i) {
  let before = 0;
  for (const run of strip.querySelectorAll("i")) {
    const n = run.textContent.length;
    if (i < before + n) return run;
    before += n;
  }
  return null;
}

const length = (strip) => Number(strip.dataset.days);

function at(strip, x) {
  const box = strip.getBoundingClientRect();
  return Math.max(0, Math.min(length(strip) - 1, Math.floor((x - box.left) / (box.width / length(strip)))));
}

function show(strip, i) {
  if (current && current.strip === strip && current.i === i) return;
  if (current && current.strip !== strip) current.strip.classList.remove("at");
  const run = runAt(strip, i);
  if (!run) return hide();
  current = { strip, i };
  let mark = strip.querySelector(".strip-mark");
  if (!mark) { mark = document.createElement("span"); mark.className = "strip-mark"; strip.append(mark); }
  const width = strip.getBoundingClientRect().width / length(strip);
  mark.style.setProperty("left", `${i * width}px`); // set from a script, which the policy allows
  strip.classList.add("at");
  const b = document.createElement("b");
  b.textContent = `${dayFormat.format(dateOf(strip, i))}: ${words[run.className]}`;
  tip.replaceChildren(b);
  if (run.dataset.w) tip.append(document.createElement("br"), run.dataset.w);
  if (run.dataset.m) tip.append(document.createElement("br"), `Override: ${run.dataset.m}`);
  tip.classList.add("on");
  const box = strip.getBoundingClientRect();
  const left = Math.max(8, Math.min(box.left + i * width - 24, innerWidth - tip.offsetWidth - 8));
  const above = box.top - tip.offsetHeight - 8;
  tip.style.setProperty("left", `${left}px`);
  tip.style.setProperty("top", `${above > 56 ? above : box.bottom + 8}px`);
}

function hide() {
  current?.strip.classList.remove("at");
  current = null;
  tip.classList.remove("on");
}

function open(strip, i) {
  if (strip.dataset.href) location.href = strip.dataset.href.replace("{day}", dateOf(strip, i).toISOString().slice(0, 10));
}

/** bring scrolls the nearest box sideways until the day can be seen beside the columns that stick. */
function bring(strip, i) {
  const box = strip.closest(".grid-box, .strip-box");
  if (!box) return;
  const cell = strip.getBoundingClientRect().left + i * 12;
  let left = box.getBoundingClientRect().left, right = box.getBoundingClientRect().right;
  const row = strip.closest("tr");
  if (row) for (const c of row.children) {
    if (getComputedStyle(c).position !== "sticky") continue;
    const r = c.getBoundingClientRect();
    if (r.right < strip.closest("td").getBoundingClientRect().right && r.left <= left + 600 && getComputedStyle(c).left !== "auto") left = Math.max(left, r.right);
    else right = Math.min(right, r.left);
  }
  if (cell < left) box.scrollLeft -= left - cell + 24;
  else if (cell + 12 > right) box.scrollLeft += cell + 12 - right + 24;
}

on("pointermove", ".strip", (e, el) => show(el, at(el, e.clientX)));
document.addEventListener("pointerover", (e) => { if (current && !(e.target instanceof Element && e.target.closest(".strip")) && document.activeElement !== current.strip) hide(); });
on("click", ".strip", (e, el) => open(el, at(el, e.clientX)));
on("focusin", ".strip", (_, el) => { if (el.matches(":focus-visible")) show(el, current?.strip === el ? current.i : 0); });
on("focusout", ".strip", hide);
document.addEventListener("scroll", (e) => { if (current && document.activeElement !== current.strip && e.target !== tip) hide(); }, { capture: true, passive: true });

on("keydown", ".strip", (e, el) => {
  const i = current?.strip === el ? current.i : 0;
  const last = length(el) - 1;
  const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: last, PageDown: i + 30, PageUp: i - 30 }[e.key];
  if (to !== undefined) {
    e.preventDefault();
    const next = Math.max(0, Math.min(last, to));
    bring(el, next);
    show(el, next);
  } else if (e.key === "Enter") { e.preventDefault(); e.stopPropagation(); open(el, i); }
  else if (e.key === "Escape") hide();
});
