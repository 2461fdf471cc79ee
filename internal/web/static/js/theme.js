// SPDX-License-Identifier: Apache-2.0
// Runs before the first paint, so that a chosen theme never flashes. Without storage the system decides.
(() => {
  try {
    const root = document.documentElement;
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    if (localStorage.getItem("nav") === "icons") root.dataset.nav = "icons";
  } catch { /* storage is closed to us: the system's setting holds */ }
})();
