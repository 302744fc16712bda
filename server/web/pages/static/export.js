// Takes an export as a stream, so that its progress can be shown, and saves it as a file.
"use strict";
{
  const rowsIn = (bytes) => bytes.reduce((count, byte) => count + (byte === 10), 0);

  const take = async (button, dialog, signal) => {
    const bar = dialog.querySelector("progress");
    const status = dialog.querySelector("[role=status]");
    dialog.querySelector(".progress").hidden = false;
    bar.removeAttribute("value");
    status.textContent = "waiting for the server";
    const answer = await fetch(button.dataset.export, { signal });
    if (!answer.ok) {
      const said = await answer.json().catch(() => ({}));
      throw new Error(said.detail ?? said.message ?? `the server answered ${answer.status}`);
    }
    const total = Number(answer.headers.get("X-Sightings-Count") ?? 0);
    const said = answer.headers.get("Content-Disposition") ?? "";
    const name = /filename="([^"]+)"/.exec(said)?.[1] ?? "sightings";
    const parts = [];
    let rows = name.endsWith(".csv") ? -1 : 0;
    for (const reader = answer.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      rows += rowsIn(value);
      const of = total >= rows ? ` of ${total.toLocaleString("en")}` : "";
      status.textContent = `${rows.toLocaleString("en")}${of} rows`;
      if (total) bar.value = Math.max(0, Math.min(1, rows / total));
    }
    const address = URL.createObjectURL(new Blob(parts));
    Object.assign(document.createElement("a"), {
      href: address, download: name,
    }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
    bar.value = 1;
    status.textContent = `${rows.toLocaleString("en")} rows saved`;
  };

  addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-export]");
    if (!button) return;
    const dialog = button.closest("dialog");
    const buttons = dialog.querySelectorAll("[data-export]");
    const ending = new AbortController();
    dialog.addEventListener("close", () => ending.abort(), { once: true });
    buttons.forEach((each) => { each.disabled = true; });
    try {
      await take(button, dialog, ending.signal);
    } catch (error) {
      dialog.querySelector(".progress").hidden = true;
      dialog.querySelector("[role=status]").textContent =
        ending.signal.aborted ? "" : `Not exported: ${error.message}`;
    } finally {
      buttons.forEach((each) => { each.disabled = false; });
    }
  });
}
