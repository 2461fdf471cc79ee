// SPDX-License-Identifier: Apache-2.0
import { on } from "./ask.js";

const size = (n) => n < 1024 ? `${n} B` : n < 1048576 ? `${(n / 1024).toFixed(0)} KB` : `${(n / 1048576).toFixed(1)} MB`;
const hex = (b) => [...new Uint8Array(b)].map((x) => x.toString(16).padStart(2, "0")).join("");

for (const type of ["dragover", "dragenter"]) on(type, ".drop", (e, el) => { e.preventDefault(); el.classList.add("over"); });
for (const type of ["dragleave", "drop"]) on(type, ".drop", (_, el) => el.classList.remove("over"));
on("drop", ".drop", (e, el) => {
  e.preventDefault();
  const input = el.querySelector("input[type=file]");
  if (!input || !e.dataTransfer.files.length) return;
  input.files = e.dataTransfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});

// The hash is worked out here as well, so that you can compare it with the one on the receipt.
on("change", ".drop input[type=file]", async (_, input) => {
  const note = input.closest(".drop").querySelector("[data-chosen]");
  const list = [...input.files];
  if (!note || !list.length) return;
  note.textContent = list.map((f) => `${f.name}, ${size(f.size)}`).join("; ");
  if (list.length !== 1 || list[0].size > 64 * 1048576 || !crypto.subtle) return;
  const sum = hex(await crypto.subtle.digest("SHA-256", await list[0].arrayBuffer()));
  note.textContent = `${list[0].name}, ${size(list[0].size)}, sha256 ${sum.slice(0, 16)}…`;
  note.title = sum;
});
