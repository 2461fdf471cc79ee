// SPDX-License-Identifier: Apache-2.0
// A box that can be pushed sideways can be reached by the keyboard, and only then.
function mark() {
  for (const box of document.querySelectorAll(".table-box")) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
mark();
addEventListener("resize", mark, { passive: true });
document.addEventListener("htmx:afterSettle", mark);
