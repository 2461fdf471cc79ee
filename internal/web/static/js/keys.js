// SPDX-License-Identifier: Apache-2.0
// The keyboard: rows by j and k, pages by g and a letter, ? for the list.
import { typing } from "./ask.js";

const rowSelector = "[data-rows] tr[data-row], li[data-row]";
let lead = 0; // when "g" was pressed

function rows() { return [...document.querySelectorAll(rowSelector)].filter((r) => r.offsetParent !== null); }

function step(by) {
  const all = rows();
  if (!all.length) return;
  const now = all.findIndex((r) => r.classList.contains("on"));
  const next = all[Math.max(0, Math.min(all.length - 1, now < 0 ? 0 : now + by))];
  if (now >= 0) all[now].classList.remove("on");
  next.classList.add("on");
  next.scrollIntoView({ block: "nearest" });
  (next.querySelector("a[data-main]") ?? next.querySelector("a"))?.focus({ preventScroll: true });
}

function press(selector) {
  const el = document.querySelector(selector);
  if (!el) return false;
  el.click();
  return true;
}

// A click on a row opens it, unless it meant something else: a link, a button, a selection.
document.addEventListener("click", (e) => {
  if (e.defaultPrevented || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || !(e.target instanceof Element)) return;
  if (e.target.closest("a, button, input, select, textarea, label, summary, form, .strip") || String(getSelection())) return;
  const row = e.target.closest("tr[data-row]");
  row?.querySelector("a[data-main]")?.click();
});

document.addEventListener("keydown", (e) => {
  if (e.defaultPrevented || e.altKey || e.ctrlKey || e.metaKey || typing(e.target) || document.querySelector("dialog[open]")) return;
  if (lead && e.timeStamp - lead < 1500) {
    lead = 0;
    if (press(`[data-go="${CSS.escape(e.key)}"]`)) return e.preventDefault();
  }
  const row = document.querySelector("[data-row].on");
  switch (e.key) {
    case "g": lead = e.timeStamp; return;
    case "j": step(1); break;
    case "k": step(-1); break;
    case "x": row?.querySelector("[data-twist]")?.click(); break;
    case "e": if (!press("[data-key=e]")) return; break;
    case "n": if (!press("[data-key=n]")) return; break;
    case "?": document.getElementById("keys")?.showModal(); break;
    default: return;
  }
  e.preventDefault();
});
