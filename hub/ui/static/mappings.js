// The editor of mappings: a finding leads to its line, and the cursor's place is shown.
"use strict";

function editor() {
  return document.getElementById("text");
}

function goTo(text, line, column) {
  const lines = text.value.split("\n");
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const start = Math.min(before + column - 1, text.value.length);
  text.focus();
  text.setSelectionRange(start, Math.max(start, before + (lines[line - 1] || "").length));
  text.scrollTop = Math.max(0, (line - 5) * parseFloat(getComputedStyle(text).lineHeight));
  text.scrollIntoView({ block: "center" });
}

function showPlace() {
  const text = editor();
  const shown = document.getElementById("cursor");
  if (!text || !shown) return;
  const before = text.value.slice(0, text.selectionStart).split("\n");
  shown.textContent = `Line ${before.length}, column ${before[before.length - 1].length + 1}`;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-line]");
  const text = editor();
  if (!link || !text) return;
  event.preventDefault();
  goTo(text, Number(link.dataset.line), Number(link.dataset.column));
  showPlace();
});

for (const name of ["keyup", "click", "input"]) {
  document.addEventListener(name, (event) => {
    if (event.target === editor()) showPlace();
  });
}
