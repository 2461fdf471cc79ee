// SPDX-License-Identifier: Apache-2.0
import { on } from "./ask.js";

on("click", "[data-open]", (e, el) => {
  const d = document.getElementById(el.dataset.open);
  if (d instanceof HTMLDialogElement) { e.preventDefault(); if (!d.open) d.showModal(); }
});
on("click", "[data-close]", (e, el) => { e.preventDefault(); el.closest("dialog")?.close(); });
// A click beside the box closes it, as does Escape (the browser's own).
on("click", "dialog", (e, el) => { if (e.target === el) el.close(); });

// Only one menu is open at a time, and a click elsewhere closes it.
document.addEventListener("click", (e) => {
  for (const m of document.querySelectorAll("details[data-menu][open]")) if (!m.contains(e.target)) m.open = false;
});
document.addEventListener("keydown", (e) => {
  if (e.key !== "Escape") return;
  for (const m of document.querySelectorAll("details[data-menu][open]")) { m.open = false; m.querySelector("summary").focus(); }
});
