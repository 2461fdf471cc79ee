// SPDX-License-Identifier: Apache-2.0
import { on, store } from "./ask.js";

const root = document.documentElement;

function show() {
  const now = root.dataset.theme || "system";
  for (const b of document.querySelectorAll("[data-theme-set]")) b.setAttribute("aria-pressed", String(b.dataset.themeSet === now));
}

on("click", "[data-theme-set]", (_, el) => {
  const theme = el.dataset.themeSet;
  if (theme === "system") delete root.dataset.theme; else root.dataset.theme = theme;
  store("theme", theme === "system" ? null : theme);
  show();
});

on("click", "[data-nav-toggle]", () => {
  const icons = root.dataset.nav === "icons";
  if (icons) delete root.dataset.nav; else root.dataset.nav = "icons";
  store("nav", icons ? null : "icons");
});
on("click", "[data-nav-open]", (e, el) => {
  e.preventDefault();
  const open = root.classList.toggle("nav-open");
  el.setAttribute("aria-expanded", String(open));
});
show();
