// SPDX-License-Identifier: Apache-2.0
// When a collection run ends, the parts of the page that asked for it (hx-trigger="run from:body") are fetched again.
const mark = document.querySelector("[data-live]");

if (mark && !document.documentElement.classList.contains("past")) {
  const stream = new EventSource(mark.dataset.live);
  const set = (on, text) => { mark.classList.toggle("on", on); mark.textContent = text; };
  stream.addEventListener("open", () => set(true, "LIVE"));
  stream.addEventListener("error", () => set(false, stream.readyState === EventSource.CLOSED ? "NOT LIVE" : "RECONNECTING"));
  let due = 0;
  stream.addEventListener("run", () => {
    // Many runs may end together: one refresh a second is enough for an eye.
    if (due) return;
    due = setTimeout(() => { due = 0; htmx.trigger(document.body, "run"); }, 1000);
  });
  addEventListener("pagehide", () => stream.close());
}
