// SPDX-License-Identifier: Apache-2.0
// Copies the vendored front-end files out of node_modules and builds the icon sprite.
import { readFileSync, writeFileSync, copyFileSync, mkdirSync } from "node:fs";

const out = "../../internal/web/static/";
for (const d of ["fonts", "vendor", "css", "js"]) mkdirSync(out + d, { recursive: true });
mkdirSync("../../internal/web/testdata", { recursive: true });

copyFileSync("node_modules/htmx.org/dist/htmx.min.js", out + "vendor/htmx.min.js");
copyFileSync("node_modules/axe-core/axe.min.js", "../../internal/web/testdata/axe.min.js");
for (const [from, to] of [
  ["inter/LICENSE", "LICENSE-inter.txt"],
  ["jetbrains-mono/LICENSE", "LICENSE-jetbrains-mono.txt"],
  ["inter/files/inter-latin-wght-normal.woff2", "inter.woff2"],
  ["inter/files/inter-latin-ext-wght-normal.woff2", "inter-ext.woff2"],
  ["jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2", "mono.woff2"],
]) copyFileSync("node_modules/@fontsource-variable/" + from, out + "fonts/" + to);

// name in the sprite: name in the icon set
const icons = {
  home: "house", grid: "grid-3x3", control: "shield-check", evidence: "file-check-2", policy: "scroll-text",
  people: "users", task: "list-checks", exception: "circle-slash-2", system: "boxes", source: "plug",
  activity: "history", settings: "settings", search: "search", calendar: "calendar-clock", panel: "panel-left",
  sun: "sun", moon: "moon", screen: "monitor", right: "chevron-right", down: "chevron-down", left: "chevron-left",
  close: "x", check: "check", copy: "copy", link: "link", upload: "upload", more: "ellipsis", warn: "triangle-alert",
  info: "info", help: "circle-help", out: "external-link", add: "plus", edit: "pencil", remove: "trash-2", run: "play",
  download: "download", file: "file", doc: "file-text", key: "key-round", lock: "lock", leave: "log-out", me: "user",
  arrow: "arrow-right", entry: "fingerprint", org: "building-2", filter: "filter", eye: "eye", refresh: "refresh-cw",
  clock: "clock", stop: "octagon-alert", server: "server", list: "table-2",
};

// Our own shapes for status: each is told by its outline alone, in one colour and at 12 px.
const own = {
  "s-passing": '<circle cx="8" cy="8" r="7" fill="currentColor" stroke="none"/><path d="m5 8.2 2.1 2.1L11.2 6" stroke="var(--mark,#fff)" stroke-width="1.8"/>',
  "s-attention": '<path d="M8 1.6 15 14H1z" fill="currentColor" stroke="currentColor" stroke-width="1.4"/><path d="M8 6v3.6M8 11.9v.1" stroke="var(--mark,#fff)" stroke-width="1.8"/>',
  "s-failing": '<rect x="1.5" y="1.5" width="13" height="13" rx="2" fill="currentColor" stroke="none"/><path d="m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2" stroke="var(--mark,#fff)" stroke-width="1.8"/>',
  "s-nodata": '<rect x="1.7" y="1.7" width="12.6" height="12.6" rx="2" fill="none" stroke-width="1.4"/><path d="M2 9 9 2M3 14 14 3M8 14l6-6" stroke-width="1.4"/>',
  "s-notstarted": '<circle cx="8" cy="8" r="6.2" fill="none" stroke-width="1.6" stroke-dasharray="2.6 2.3"/>',
  "s-na": '<path d="M3 8h10" stroke-width="2"/>',
  "s-excepted": '<circle cx="8" cy="8" r="6.2" fill="none" stroke-width="1.6"/><path d="m5.4 10.6 5.2-5.2" stroke-width="1.6"/>',
  "s-error": '<path d="M5 1.7h6L14.3 5v6L11 14.3H5L1.7 11V5z" fill="none" stroke-width="1.5"/><path d="M8 4.6v4M8 11.2v.1" stroke-width="1.7"/>',
  "s-paused": '<circle cx="8" cy="8" r="6.2" fill="none" stroke-width="1.6"/><path d="M6.3 5.6v4.8M9.7 5.6v4.8" stroke-width="1.6"/>',
  "s-half": '<circle cx="8" cy="8" r="6.2" fill="none" stroke-width="1.6"/><path d="M8 1.8a6.2 6.2 0 0 1 0 12.4z" fill="currentColor" stroke="none"/>',
  mark: '<path d="M8 1.5 14.5 14H11L8 8l-3 6H1.5z" fill="currentColor" stroke="none"/><circle cx="8" cy="13" r="1.2" fill="currentColor" stroke="none"/>',
};

let sprite = '<svg xmlns="http://www.w3.org/2000/svg">\n';
for (const [name, from] of Object.entries(icons)) {
  const body = readFileSync(`node_modules/lucide-static/icons/${from}.svg`, "utf8")
    .replace(/<!--.*?-->/s, "").replace(/^[^]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "").replace(/\s*\n\s*/g, "");
  sprite += `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">${body}</symbol>\n`;
}
for (const [name, body] of Object.entries(own))
  sprite += `<symbol id="${name}" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round">${body}</symbol>\n`;
writeFileSync(out + "icons.svg", sprite + "</svg>\n");
