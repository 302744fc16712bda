// Keys that press what carries them as data-key, while nobody types and no dialog is open.
"use strict";
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest?.("input, select, textarea, dialog, .q-dialog")) return;
  const wanted = document.querySelector(`[data-key~="${CSS.escape(event.key)}"]:not(:disabled)`);
  if (!wanted) return;
  event.preventDefault();
  if (wanted.matches("input")) wanted.focus();
  else wanted.click();
});
