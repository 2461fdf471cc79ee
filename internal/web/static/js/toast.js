// SPDX-License-Identifier: Apache-2.0
import { on } from "./ask.js";

/** say shows a short message that goes by itself; an error stays until it is closed. */
export function say(text, tone = "good") {
  const box = document.getElementById("toasts");
  const pattern = document.getElementById("toast-pattern");
  if (!box || !pattern) return;
  const el = pattern.content.firstElementChild.cloneNode(true);
  el.classList.add(tone);
  el.querySelector("[data-text]").textContent = text;
  box.append(el);
  if (tone !== "bad") leave(el);
}

function leave(el) {
  setTimeout(() => { if (!el.matches(":hover, :focus-within")) el.remove(); else leave(el); }, 5000);
}

on("click", "[data-toast-close]", (_, el) => el.closest(".toast").remove());
document.querySelectorAll(".toast:not(.bad)").forEach(leave);

// An answer may carry a message for the person: {"say": {"text": "...", "tone": "good"}}.
document.addEventListener("say", (e) => say(e.detail.text ?? String(e.detail.value ?? ""), e.detail.tone));
document.addEventListener("htmx:responseError", (e) =>
  say(e.detail.xhr.getResponseHeader("X-Message") || `That did not work (${e.detail.xhr.status}). Nothing was changed; try again or reload the page.`, "bad"));
document.addEventListener("htmx:sendError", () => say("The server did not answer. Nothing was changed; try again.", "bad"));
