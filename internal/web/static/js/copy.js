// SPDX-License-Identifier: Apache-2.0
import { on } from "./ask.js";
import { say } from "./toast.js";

on("click", "[data-copy]", async (e, el) => {
  e.preventDefault();
  const given = el.dataset.copy;
  const text = given.startsWith("/") ? new URL(given, location.href).href : given;
  try {
    await navigator.clipboard.writeText(text);
    el.classList.add("done");
    setTimeout(() => el.classList.remove("done"), 1600);
    say(el.dataset.copied || "Copied.");
  } catch {
    say("Your browser did not allow copying. Select the text and copy it yourself.", "bad");
  }
});
