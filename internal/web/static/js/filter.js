// SPDX-License-Identifier: Apache-2.0
// A form marked data-live-filter sends itself while you type, and keeps the address of the page true.
import { on } from "./ask.js";

let timer;
on("input", "form[data-live-filter] input, form[data-live-filter] select", (_, el) => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const form = el.form;
    const url = new URL(form.action, location.href);
    for (const [k, v] of new FormData(form)) if (v !== "") url.searchParams.set(k, v); else url.searchParams.delete(k);
    const target = form.dataset.liveFilter;
    htmx.ajax("GET", url.pathname + url.search, { target, select: target, swap: "outerHTML" });
    history.replaceState(history.state, "", url);
  }, 160);
});
on("change", "[data-send-on-change]", (_, el) => el.form.requestSubmit());
